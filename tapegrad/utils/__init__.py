"""What programs use beside tensors and modules (`torch.utils`)."""
from __future__ import annotations

import copyreg as _copyreg
import importlib as _importlib
import weakref as _weakref
from typing import Any as _Any

from tapegrad.namespaces import show_public

# Loaded when first asked for.
_ROOMS = ("_foreach_utils", "_pytree", "benchmark", "checkpoint", "data", "dlpack", "hooks", "model_zoo")
__all__ = ["swap_tensors"]
show_public(__name__, *(room for room in _ROOMS if room[0] != "_"))


def __getattr__(name: str) -> _Any:
    if name in _ROOMS:
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def swap_tensors(t1: _Any, t2: _Any) -> None:
    """Let two tensors change places: each is all that the other was (`torch.utils.swap_tensors`).

    >>> import tapegrad as torch
    >>> a, b = torch.nn.Parameter(torch.ones(2)), torch.zeros(3, dtype=torch.float64)
    >>> torch.utils.swap_tensors(a, b)
    >>> a, b
    (tensor([0., 0., 0.], dtype=torch.float64), Parameter containing:
    tensor([1., 1.], requires_grad=True))

    Class, attributes, hooks, gradient and history go along; gradients of what was computed before arrive where the
    leaf's content now is, which PyTorch refuses when it runs backward. RuntimeError, with nothing changed, where weak
    references to one of them or views of it would follow the wrong one, and where their classes have different slots.
    """
    from tapegrad.autograd import data_assignment

    names: list[set[str]] = []
    for name, tensor in (("t1", t1), ("t2", t2)):
        if _weakref.getweakrefs(tensor):
            raise RuntimeError(f"Cannot swap {name} because it has weakref associated with it")
        names.append({*_copyreg._slotnames(type(tensor))})  # type: ignore[attr-defined]
    if names[0] != names[1]:
        raise RuntimeError("Cannot swap t1 and t2 if they have different slots")
    for name, tensor in (("t1", t1), ("t2", t2)):
        if data_assignment.is_looked_at(tensor):
            raise RuntimeError(f"Expected {name} to have no views: make sure you are not holding references to the "
                               "tensor in other places.")
    if t1 is t2:
        return
    t1.__class__, t2.__class__ = type(t2), type(t1)
    t1.__dict__, t2.__dict__ = vars(t2), vars(t1)
    for slot in names[0]:
        _swap_slot(t1, t2, slot)
    data_assignment.exchange(t1, t2)


def _swap_slot(t1: _Any, t2: _Any, slot: str) -> None:
    held = [getattr(tensor, slot, _NOTHING) for tensor in (t1, t2)]
    for tensor, value in zip((t2, t1), held):
        if value is not _NOTHING:
            setattr(tensor, slot, value)
        elif hasattr(tensor, slot):
            delattr(tensor, slot)


_NOTHING = object()
