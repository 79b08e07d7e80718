"""What a declaration is: one paragraph an operation, from which everything else is derived.

`elementwise`, `reduction`, `view` and `structured` each register one `Operation`. Arity and operand names come from the
signature of `forward`; the opcode is the position in the registry; `TanhBackward0` follows from the name. Declarations
are checked where they stand: an error names the operation and the line of its rule.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Rule = Callable[..., Any]
Value = Any  # what a rule computes with: a symbol, a tensor, a value being lowered, an array of NumPy's
Builder = Any  # what a structured rule is lowered with: `machine.planning.structured.Lowering`, floors above


class Registry(dict[str, "Operation"]):
    """Operations by name; one with a dot is derived when it is first asked for (`derive` is `adjoint_operations.named`)."""

    derive: Callable[[str], Operation]

    def __missing__(self, name: str) -> Operation:
        return self.derive(name)


REGISTRY = Registry()
BY_OPCODE: list[Operation | None] = [None]  # opcode 0 is never issued


class DeclarationError(Exception):
    """A rule that cannot be: it names the operation, the file and the line."""


@dataclass(eq=False)
class Operation:
    """One operation. `kind` says which of the optional fields apply; see the functions that build it."""

    name: str
    kind: str
    forward: Rule
    vjp: Rule | None
    operands: tuple[str, ...]
    attributes: tuple[str, ...]
    where: str
    result: str = "same"
    accepts: str = "bif"
    tensors: tuple[str, ...] = ()  # operands that a call, unlike an operator, may not give as numbers
    computes: str = ""  # "float64" where integers are compared or counted as doubles
    per_row: bool = True
    nonzero: str = ""  # an operand that may have no zero among whole numbers: the divisor
    fitting: tuple[str, ...] = ()  # operands that, given as numbers, have to be numbers of the result's dtype
    unit: tuple[str, ...] = ()  # operands that may have no element outside of [0, 1]
    refused: bool = False  # results require grad, as in PyTorch, and a backward through them is refused
    multilinear: bool = False  # linear in each operand: its tangent is the operation applied to the tangents
    specialise: bool = False  # the rule simplifies for literal operands (x ** 2)
    inplace_of: Operation | None = None
    inplace: Operation | None = None
    grad_name: str = ""
    # Where the name differs: that operand is a number, `dim` or `decimals` is given, or ("2d") there are more than two
    # axes.
    grad_names: dict[str, str] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    domain: tuple[float, float] = (-3.0, 3.0)
    special: tuple[float, ...] = ()
    samples: Callable[..., Any] | None = None
    recorded: Rule | None = None  # the adjoint rule as it is recorded, where derivatives of `vjp` would be wrong
    tangent: Rule | None = None  # that of the result, where it is not the adjoint transposed
    tied: tuple[str, ...] = ()  # what PyTorch's node is a function of: recorded gradients depend on it, if by zero
    masks: bool = False  # an elementwise adjoint is the cotangent where a condition holds: no choice of functions
    column: Rule | None = None  # what a structured operation computes, in NumPy
    fits: Rule | None = None  # of a tape to be verified: whether operand layouts and attributes go together
    # Of one that any number of operands of one shape may be given: the shape that n of them make, the i-th's part of it.
    joins: tuple[Rule, Rule] | None = None
    identity: Any = None  # the result of a reduction over no elements, where it has one
    doc: str = ""
    # The adjoint of a structured operation as one program: joint(builder, where each operand's gradient is to be or None,
    # g, *operands, **attributes).
    joint: Rule | None = None
    accumulates: bool = False  # a structured operation that zeroes its result, then adds to it in its last step
    space: str = ""  # "nn" where PyTorch offers it under nn.functional only
    defaults: dict[str, Any] = field(default_factory=dict)  # of the attributes that may be left out
    opcode: int = field(default=0)

    def __post_init__(self) -> None:
        if self.name in REGISTRY:
            raise DeclarationError(f"{self.name} ({self.where}): declared twice, first at {REGISTRY[self.name].where}")
        if self.refused:
            self.grad_name = "NotImplemented"
        if not self.grad_name:
            self.grad_name = "".join(p[:1].upper() + p[1:] for p in self.name.rstrip("_").split("_")) + "Backward0"
        taken = {"g", "out"} & {*(o.lstrip("*") for o in self.operands), *self.attributes}
        if taken and self.vjp is not None and type(self) is Operation:  # a slope's cotangent is an operand of it
            raise DeclarationError(f"{self.name} ({self.where}): in its vjp {', '.join(sorted(taken))} is another value")
        for rule in (self.vjp, self.recorded):
            known = {"g", "out", *(o.lstrip("*") for o in self.operands), *self.attributes}
            unknown = [p for p in _parameters(rule) if p not in known] if rule is not None else ()
            if unknown:
                raise DeclarationError(
                    f"{self.name} ({self.where}): vjp asks for {', '.join(unknown)}; it may ask for {sorted(known)}"
                )
        self.opcode = len(BY_OPCODE)
        BY_OPCODE.append(self)
        REGISTRY[self.name] = self

    @property
    def arity(self) -> int:
        return len(self.operands)

    @property
    def variadic(self) -> bool:
        """Whether the last operand stands for any number of them."""
        return bool(self.operands) and self.operands[-1].startswith("*")

    @property
    def moves_nothing(self) -> bool:
        """Whether its result lies where an operand lies: there is nothing to compute, and nothing to keep."""
        return self.kind in ("view", "rebase")

    @property
    def differentiable(self) -> bool:
        return self.vjp is not None

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> Any:
        return REGISTRY.__getitem__, (self.name,)

    def gradients(self, g: Any, operands: Sequence[Any], out: Any, attributes: dict[str, Any], recorded: bool = False
                  ) -> tuple[Any, ...]:
        """The adjoint rule, called with operands of any kind: one gradient an operand, None where there is none."""
        rule = (self.recorded if recorded else None) or self.vjp
        assert rule is not None
        values = {"g": g, "out": out, **dict(zip(self.operands, operands)), **attributes}
        if self.variadic:
            last = len(self.operands) - 1
            values[self.operands[last].lstrip("*")] = list(operands[last:])
        found = rule(**{p: values[p] for p in _parameters(rule)})
        gradients = found if isinstance(found, tuple) else (found,)
        if len(gradients) != self.arity and not self.variadic:
            raise DeclarationError(
                f"{self.name} ({self.where}): vjp returned {len(gradients)} gradients, op has {self.arity} operands"
            )
        return gradients


def _parameters(rule: Rule) -> tuple[str, ...]:
    # From the code object: `inspect.signature` took 40 us a rule, 20 ms of every start.
    code = rule.__code__
    return code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]


def _signature(forward: Rule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Operand names (positional) and attribute names (keyword-only) of a forward rule."""
    code = forward.__code__
    names = code.co_varnames
    positional, end = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    variadic = ("*" + names[end],) if code.co_flags & inspect.CO_VARARGS else ()
    return names[:positional] + variadic, names[positional:end]


def _where(rule: Rule) -> str:
    code = rule.__code__
    return f"{code.co_filename.rsplit('/', 1)[-1]}:{code.co_firstlineno}"


def _declare(name: str, kind: str, forward: Rule, vjp: Rule | None, method: bool | Sequence[str] = True,
             inplace: bool = False, **fields: Any) -> Operation:
    operands, attributes = _signature(forward)
    if kind == "structured":
        operands = operands[1:]
    methods = (name,) if method is True else tuple(method or ())
    operators = tuple(fields.pop("operators", ()))
    fields["defaults"] = dict(forward.__kwdefaults__ or {})
    op = Operation(
        name, kind, forward, vjp, operands, attributes, _where(forward), methods=methods,
        operators=tuple(o for o in operators if not o.startswith("nb_inplace")), **fields,
    )
    if inplace:
        fields.pop("grad_name", None)
        op.inplace = Operation(
            name + "_", kind, forward, vjp, operands, attributes, op.where, methods=(name + "_",),
            operators=tuple(o for o in operators if o.startswith("nb_inplace")), inplace_of=op,
            grad_name=op.grad_name, **fields,
        )
    return op


def elementwise(name: str, forward: Rule, vjp: Rule | None = None, *, inplace: bool = True, **fields: Any) -> Operation:
    """An operation on each element by itself; operands broadcast.

    `result` is the dtype rule: "same" (the promoted one), "float" (integers become the default float dtype), "bool".
    `accepts` lists the kinds of promoted dtype it takes (b, i, f).
    """
    return _declare(name, "elementwise", forward, vjp, inplace=inplace, **fields)


def reduction(name: str, forward: Rule, vjp: Rule | None = None, **fields: Any) -> Operation:
    """An operation on rows, the elements along `dim`; rules see what is written once a row with that axis kept.

    `per_row=False` for operations that write every element (softmax). `result` may also be "sum" (integers and bools
    become int64), "int64", or "truth" (bool, and uint8 of uint8).
    """
    return _declare(name, "reduction", forward, vjp, **fields)


def view(name: str, forward: Rule, **fields: Any) -> Operation:
    """An operation that only re-reads memory: `forward(x, *, …)` maps a (shape, strides) to (shape, strides, offset).

    Its adjoint needs no rule: the same view of the operand's adjoint receives the gradient.
    """
    return _declare(name, "view", forward, _view_vjp, method=False, **fields)


def _view_vjp(g: Any) -> Any:
    return g


def rebase(name: str, forward: Rule, **fields: Any) -> Operation:
    """The history of a base after a write through one of its views: it moves no data, and routes the gradient.

    The operands are the view as it was written and the base as it was before; the attributes are those of `as_strided`.
    """
    return _declare(name, "rebase", forward, _view_vjp, method=False, **fields)


def callback(name: str, forward: Rule, **fields: Any) -> Operation:
    """A node whose adjoint is Python's affair; its attributes say what it is called and how its result lies."""
    return _declare(name, "callback", forward, _view_vjp, method=False, **fields)


def structured(name: str, forward: Rule, vjp: Rule | None = None, **fields: Any) -> Operation:
    """An operation with kernels of its own: `forward(builder, *operands, …)` lowers it to kernel calls.

    The first parameter is the builder of the machine's plans; `vjp` is stated in terms of other operations.
    """
    return _declare(name, "structured", forward, vjp, **fields)


def operations() -> Iterator[Operation]:
    """Every declared operation, in the order of their opcodes; not those that are derived."""
    return (op for op in BY_OPCODE if op is not None and "." not in op.name)
