"""Calls in an order that PyTorch still takes and no longer shows: numbers ahead of what they multiply.

`exp_avg.mul_(beta).add_(1 - beta, grad)` is how optimisers were written for years.
"""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad.machine.live import machine

_NUMBERS = {  # the names of those numbers, and how many tensors there are
    "add": (("alpha",), 2), "sub": (("alpha",), 2), "addcmul": (("value",), 3), "addcdiv": (("value",), 3),
    **dict.fromkeys(("addmm", "addmv", "addr", "addbmm", "baddbmm"), (("beta", "alpha"), 3)),
}
_warned: list[str] = []


def had_another_order(name: str) -> bool:
    return name.rstrip("_") in _NUMBERS


def formerly(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Such a call of the function `name` in today's order; None where it is not one.

    >>> import tapegrad as torch
    >>> x, y = torch.ones(2), torch.full((2,), 3.0)
    >>> formerly("add", (x, 0.5, y), {})
    ((tensor([1., 1.]), tensor([3., 3.])), {'alpha': 0.5})
    """
    names, count = _NUMBERS.get(name.rstrip("_"), ((), 0))
    tensors = [x for x in args if isinstance(x, machine.TensorBase)]
    numbers = [x for x in args if type(x) in (int, float)]
    if len(tensors) != count or not 0 < len(numbers) <= len(names) or len(args) != len(tensors) + len(numbers):
        return None
    behind = args[1 - count:]  # all tensors but the first come last
    if any(x is not y for x, y in zip(behind, tensors[1:])) or not {*names}.isdisjoint(kwargs):
        return None
    if not _warned:
        _warned.append(name)
        first = "Number " + ", Number ".join(names[:len(numbers)])
        warnings.warn(f"This overload of {name} is deprecated:\n\t{name}({first}, Tensor ...)\nGive numbers by name, "
                      f"behind the tensors: {name}(..., {names[0]}=...)", UserWarning, stacklevel=5)
    return tuple(tensors), {**kwargs, **dict(zip(names, numbers))}
