"""What tests of passes share: a function of tensors as written, and compiled until it is replayed."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tapegrad as torch


def compiled(function: Callable[..., Any], tensors: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
    """What a replay gives, what the function gives as written, its one program, and the compiled function."""
    with np.errstate(all="ignore"):
        expected = function(*tensors).numpy().copy()
        made = torch.compile(function, eager_build=True)
        for _ in range(4):
            found = made(*tensors).numpy()
    ((variant,),) = made.tapes.values()
    return found, expected, variant, made
