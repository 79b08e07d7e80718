"""Forward mode: dual tensors, which have a tangent that every operation carries on (`torch.autograd.forward_ad`).

>>> import tapegrad as torch
>>> import tapegrad.autograd.forward_ad as fwAD
>>> x, v = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0])
>>> with fwAD.dual_level():
...     y = fwAD.make_dual(x, v) ** 3
...     fwAD.unpack_dual(y)
UnpackedDualTensor(primal=tensor([1., 8.]), tangent=tensor([3., 0.]))
"""
from __future__ import annotations

import threading
from typing import Any

from tapegrad import dispatch
from tapegrad.autograd import modes, tangents
from tapegrad.autograd.blocks import Block
from tapegrad.named_tuples import NamedTuple
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]
show_public(__name__)

_current_level = -1
_entered: object = None  # the block that began the level, where a block did
_lock = threading.Lock()


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` returns: the primal, and its tangent or None.

    >>> import tapegrad as torch
    >>> primal, tangent = unpack_dual(torch.ones(1))
    >>> tangent is None
    True
    """

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Begin to carry tangents on, and return the level's number, 0 (`torch.autograd.forward_ad.enter_dual_level`).

    There is one level at a time, of all threads: RuntimeError where one was entered and not left.
    """
    return _enter(None)


def _enter(block: object) -> int:
    global _current_level, _entered
    with _lock:
        if _current_level >= 0:
            raise RuntimeError("Nested forward mode AD is not supported at the moment")
        try:
            _current_level, _entered = 0, block
            tangents.follow(True)
        except BaseException:
            _current_level = -1
            tangents.follow(False)
            raise
        return _current_level


def exit_dual_level(*, level: int | None = None) -> None:
    """End a level: every tangent is forgotten (`torch.autograd.forward_ad.exit_dual_level`)."""
    global _current_level
    with _lock:
        if level is None:
            level = _current_level
        if level != _current_level:
            raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created. This is "
                               "not supported.")
        if level < 0:
            raise RuntimeError("Dual level must be a positive number.")
        tangents.follow(False)
        _current_level = -1


class dual_level(modes._Mode):
    """A block in which tangents are carried on, and forgotten at its end (`torch.autograd.forward_ad.dual_level`).

    >>> import tapegrad as torch
    >>> with dual_level():
    ...     unpack_dual(make_dual(torch.tensor(0.5), torch.tensor(1.0)).sin()).tangent
    tensor(0.8776)
    """

    __slots__ = ()

    def __enter__(self) -> int:  # type: ignore[override]
        self._previous = block = _Level()
        number: int = block.__enter__()
        return number

    def __exit__(self, *error: object) -> None:
        self._previous.__exit__(*error)


class _Level(Block):
    __slots__ = ()

    def _begin(self, entry: object) -> int:
        return _enter(entry)

    def _end(self, entry: object) -> None:
        global _current_level
        with _lock:
            if _current_level >= 0 and _entered is entry:
                tangents.follow(False)
                _current_level = -1


class _set_fwd_grad_enabled:
    """A block in which tangents are carried on, or (`mode` False) left alone."""

    def __init__(self, mode: bool) -> None:
        self._block = tangents.aside(not mode)

    def __enter__(self) -> None:
        self._block.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._block.__exit__(*error)


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of a tensor that has a tangent (`torch.autograd.forward_ad.make_dual`).

    >>> import tapegrad as torch
    >>> with dual_level():
    ...     make_dual(torch.ones(2), torch.zeros(2))
    tensor([1., 1.], tangent=tensor([0., 0.]))

    Both are of floating point, or it is a ValueError, and of one shape; RuntimeError outside of a level.
    """
    if (_current_level if level is None else level) < 0:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to "
                           "enter_dual_level() first.")
    for name, x in (("primal", tensor), ("tangent", tangent)):
        if not x.dtype.is_floating_point:
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {x.dtype}")
    if tangents.of(tensor) is not None:
        raise RuntimeError("Making a dual Tensor based on a Tensor that already has a forward gradient at the same "
                           f"level {_current_level} is not supported.")
    if tangents.of(tangent) is not None:
        raise RuntimeError("Setting a forward grad that itself has a forward gradient at the same level "
                           f"{_current_level} is not supported.")
    in_lanes = dispatch.lanes is not None and dispatch.lanes.has(tensor, tangent)
    if not in_lanes and tensor.untyped_storage().size() != tangent.untyped_storage().size():
        tangent = tangent.clone()  # which lies otherwise: views of the tensor could not be views of its tangent
    made = tangents.alias(tensor)
    tangents.give(made, tangent)
    return made


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The primal, as a view without a tangent, and the tangent or None (`torch.autograd.forward_ad.unpack_dual`).

    >>> import tapegrad as torch
    >>> unpack_dual(torch.ones(1))
    UnpackedDualTensor(primal=tensor([1.]), tangent=None)
    """
    if (_current_level if level is None else level) < 0:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(tangents.alias(tensor), tangents.of(tensor))
