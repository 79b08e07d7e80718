"""What arguments are annotated with (`torch.types`)."""
from __future__ import annotations

import builtins as _builtins
import os as _os
from collections.abc import Sequence as _Sequence
from typing import IO as _IO

from tapegrad.devices import device as _device
from tapegrad.dtypes import dtype as _dtype  # noqa: F401 - one of the names that are imported from here
from tapegrad.formats import layout as _layout  # noqa: F401
from tapegrad.namespaces import show_public as _show_public
from tapegrad.shapes import Size as _Size
from tapegrad.tensor import Tensor as _Tensor

__all__ = ["Device", "FileLike", "Number"]
_show_public(__name__)

_int, _float, _bool = _builtins.int, _builtins.float, _builtins.bool
_size = _Size | list[int] | tuple[int, ...]
_TensorOrTensors = _Tensor | _Sequence[_Tensor]
Number = int | float | bool
Device = _device | str | int | None
FileLike = str | _os.PathLike[str] | _IO[bytes]
