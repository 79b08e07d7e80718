"""A tensor as a value in a rule: what `ops.scalar` asks of whatever a rule is called with.

`RuleValue` is mixed into `Tensor`. What a rule does to tensors is recorded like anything else; operands that nobody
reads (`recorded_adjoints.ShapeOnly`) make results of their kind.
"""
from __future__ import annotations

import math
from typing import Any

from tapegrad import dispatch
from tapegrad.autograd import recorded_adjoints
from tapegrad.machine.live import machine
from tapegrad.ops.declaration import REGISTRY
from tapegrad.ops.view import readable


class RuleValue:
    """Functions of numbers, rows and operations on tensors."""

    __slots__ = ()

    @staticmethod
    def __like__(value: Any, x: Any) -> Any:
        """`value` as the tensor `x`'s kind of number: for rules (see `ops.scalar.like`)."""
        if isinstance(value, recorded_adjoints.Count):
            return float(value.n) if x.dtype.is_floating_point else value.n
        if isinstance(value, (machine.TensorBase, recorded_adjoints.ShapeOnly)):
            return value.to(x.dtype)
        return x.new_full(x.shape, value)

    @classmethod
    def __scalar__(cls, name: str, args: tuple[Any, ...]) -> Any:
        for a in args:
            if isinstance(a, recorded_adjoints.ShapeOnly):
                return a
        if name == "where" and not isinstance(args[0], machine.TensorBase):  # a condition on numbers is decided here
            chosen, other = args[1:] if args[0] else args[:0:-1]
            return chosen if isinstance(chosen, machine.TensorBase) else other.new_full(other.shape, chosen)
        return dispatch.apply(REGISTRY[name], args)

    @classmethod
    def __row__(cls, name: str, x: Any, dim: Any) -> Any:
        if name == "count":
            return recorded_adjoints.Count(math.prod(x.shape[d] for d in dim))
        name = {"max": "amax", "min": "amin"}.get(name, name)
        return dispatch.apply(REGISTRY[name], (x,), (("dim", tuple(dim)), ("keepdim", True)))

    @classmethod
    def __operation__(cls, name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        for o in operands:
            if isinstance(o, recorded_adjoints.ShapeOnly):
                return o
        op = REGISTRY[name]
        given = tuple(attributes.items())
        return dispatch.apply_view(op, operands[0], given) if op.kind == "view" else dispatch.apply(op, operands, given)

    def _apply_view(self: Any, name: str, given: tuple[tuple[str, Any], ...]) -> Any:
        """The view that a rule names; of a copy where this tensor lies otherwise than what was viewed once."""
        lies = readable(name, tuple(self.shape), self.stride(), dict(given))
        return dispatch.apply_view(REGISTRY[name], self if lies else self.contiguous(), given)
