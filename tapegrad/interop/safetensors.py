"""Files of the safetensors package, which is not installed with tapegrad (`safetensors.torch`).

>>> import tapegrad
>>> data = save({"weight": tapegrad.ones(2)})
>>> load(data)
{'weight': tensor([1., 1.])}
"""
from __future__ import annotations

import os
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tapegrad import creation, dtypes
from tapegrad.interop import require
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

require("safetensors", "safetensors")
import safetensors.numpy  # noqa: E402

__all__ = ["load", "load_file", "save", "save_file"]
show_public(__name__)


_NAMED: dict[str, dtypes.dtype] = {
    {"b8": "BOOL", "bf16": "BF16"}.get(d.short, d.short.upper()): d for d in dtypes.ALL}  # as files name them


class _Stored:
    """What `safetensors.numpy` reads of an array, for a dtype that NumPy has not."""

    def __init__(self, array: np.ndarray[Any, Any], name: str) -> None:
        self.dtype = types.SimpleNamespace(name=name, byteorder="=")
        self.shape, self.nbytes, self.ctypes, self.tobytes = array.shape, array.nbytes, array.ctypes, array.tobytes


def _array(x: Tensor) -> Any:
    return _Stored(x._memory(), x.dtype.name) if x.dtype is dtypes.bfloat16 else x.numpy()


def _arrays(tensors: dict[str, Tensor]) -> dict[str, Any]:
    for name, x in tensors.items():
        if not isinstance(x, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(x)}")
    return {name: _array(x.detach().contiguous()) for name, x in tensors.items()}


def _tensors(found: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Tensor]:
    made = {}
    for name, held in found:
        if held["dtype"] not in _NAMED:
            raise TypeError(f"{name} is of dtype {held['dtype']}, which is not there: {', '.join(_NAMED)} are")
        d = _NAMED[held["dtype"]]
        made[name] = creation.copied(np.frombuffer(held["data"], d.numpy).reshape(held["shape"]), d)
    return made


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Tensors by name, as the bytes of a file (`safetensors.torch.save`).

    Raises ValueError for what is no tensor. Tensors that share memory are written one by one.
    """
    return safetensors.numpy.save(_arrays(tensors), metadata)


def save_file(tensors: dict[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
              ) -> None:
    """Tensors by name into a file (`safetensors.torch.save_file`)."""
    safetensors.numpy.save_file(_arrays(tensors), os.fspath(filename), metadata)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a file (`safetensors.torch.load`); SafetensorError where they are damaged."""
    return _tensors(safetensors.deserialize(data))


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors in a file (`safetensors.torch.load_file`)."""
    return load(Path(filename).read_bytes())
