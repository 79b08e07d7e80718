"""The adjoint of an operation that chooses, as an operation of its own: its derivatives are derived here.

Differentiated backwards, `where(x > 0, x, exp(x))` spoils the branch that was taken with the other one's 0 * inf.
Forwards it does not: the tangent is chosen as the value was. So where an elementwise rule chooses, its adjoint is not
recorded piece by piece but as one operation, `relu.x` say, whose own adjoint is the rule run on `Dual` values. What it
depends on by a comparison alone is an operand too, with a derivative that is zero.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.ops.scalar import INTRINSICS, like, scalar
from tapegrad.ops.symbols import Sym, define_operators, substitute, used_operands, walk

# What operations on tensors would lose: a branch's derivative, or the operands of what is constant in pieces.
CHOICES = {"where", "floor_divide"}


class Dual:
    """A value, and what a small change does to it (None for nothing): a rule run on these differentiates itself.

    >>> import numpy as np
    >>> x = Dual(np.array([-1.0, 0.0]), np.ones(2))
    >>> scalar.where(x < 0, scalar.exp(x), 2 * x).tangent
    array([0.36787944, 2.        ])
    """

    __slots__ = ("tangent", "value")
    __array_ufunc__ = None
    __hash__: Any = object.__hash__
    value: Any
    tangent: Any

    def __init__(self, value: Any, tangent: Any = None) -> None:
        self.value, self.tangent = value, tangent

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    def __pos__(self) -> Dual:
        return self

    @staticmethod
    def __like__(value: Any, x: Dual) -> Any:
        if not isinstance(value, Dual):
            return Dual(like(value, x.value))
        return Dual(like(value.value, x.value), None if value.tangent is None else like(value.tangent, x.value))

    @classmethod
    def __scalar__(cls, name: str, args: tuple[Any, ...]) -> Dual:
        values = [a.value if isinstance(a, Dual) else a for a in args]
        tangents = [a.tangent if isinstance(a, Dual) else None for a in args]
        value = getattr(scalar, name)(*values)
        if INTRINSICS[name].gives == "b" or all(t is None for t in tangents):
            return Dual(value)
        if name == "where":
            return Dual(value, scalar.where(values[0], *(like(0, value) if t is None else t for t in tangents[1:])))
        op, total = REGISTRY[name], None
        if op.differentiable:
            for j, t in enumerate(tangents):
                if t is not None:
                    part = op.gradients(t, values, value, {})[j]
                    total = part if total is None else total + part
        return Dual(value, total)


define_operators(Dual)


class Slope(Operation):
    """The adjoint rule of an operation for one of its operands, as an operation on what the rule reads."""

    base: Operation
    position: int

    def gradients(self, g: Any, operands: Sequence[Any], out: Any, attributes: dict[str, Any], recorded: bool = False
                  ) -> tuple[Any, ...]:
        return tuple(self.gradient(k, g, operands, out, attributes) for k in range(len(operands)))

    def gradient(self, position: int, g: Any, operands: Sequence[Any], out: Any, attributes: dict[str, Any]) -> Any:
        """That of one operand, for its own adjoint rule: each layer of adjoints that asked for all took as many times
        as long as it has operands."""
        given = (Dual(x, g if i == position else None) for i, x in enumerate(operands))
        tangent = self.forward(*given, **attributes).tangent
        return like(0, g) if tangent is None else tangent


def _gradient(base: Operation, position: int, *given: Any) -> Any:
    """An operation's gradient for one operand."""
    return base.gradient(position, *given) if isinstance(base, Slope) else base.gradients(*given)[position]


def slope(base: Operation, position: int) -> Slope:
    """The operation that `base.name` and its operand's name stand for, declared when it is first asked for."""
    name = f"{base.name}.{base.operands[position]}"
    found = dict.get(REGISTRY, name)
    if found is None:
        reads = _reads(base, position)

        def forward(*given: Any, **attributes: Any) -> Any:
            have = dict(zip(reads, given))
            g, *operands, out = (have.get(i, like(0, given[0])) for i in range(base.arity + 2))
            return _gradient(base, position, g, operands, out, attributes)

        names = tuple((cotangent(base), *base.operands, "out")[i] for i in reads)
        found = Slope(
            name, "elementwise", forward, lambda g: g, names, base.attributes, base.where, defaults=base.defaults,
            result="first" if base.result == "first" else "same", specialise=base.specialise,
            grad_name=base.grad_name.rstrip("0123456789") + "Backward0")
        found.base, found.position = base, position
    return found  # type: ignore[return-value]


def cotangent(base: Operation) -> str:
    """What a slope calls its first operand: `g`, and `gg` where the operation is a slope itself."""
    return "g" + base.operands[0] if isinstance(base, Slope) else "g"


def _reads(base: Operation, position: int) -> tuple[int, ...]:
    """What a rule reads for one operand, whatever the attributes are: 0 is the cotangent, the last one the result."""
    n = base.arity
    symbols = [Sym.operand(j, dtypes.bool_ if 0 < j <= n and base.operands[j - 1] == "condition" else dtypes.float64)
               for j in range(n + 2)]
    given = {name: base.defaults.get(name, 1.0) for name in base.attributes}
    value = _gradient(base, position, symbols[0], symbols[1:-1], symbols[-1], given)
    return tuple(sorted({0, *used_operands((value,))}))


def chooses(value: Sym, numbers: frozenset[int] = frozenset()) -> bool:
    """Whether a traced rule makes a choice that its constants, and the operands in `numbers`, do not decide."""
    operands = {n.value: n for n in walk((value,)) if n.op == "operand"}
    return any(n.op in CHOICES and not (n.op == "where" and numbers.issuperset(used_operands(n.args[:1])))
               for n in walk(substitute((value,), operands)))


def named(name: str) -> Operation:
    """The slope of a name, `relu.x` or `relu.x.out`; raises KeyError for one that none has."""
    base, _, operand = name.rpartition(".")
    op = REGISTRY[base] if base else None
    if op is None or op.kind != "elementwise" or operand not in op.operands or not op.differentiable:
        raise KeyError(name)
    return slope(op, op.operands.index(operand))


REGISTRY.derive = named
