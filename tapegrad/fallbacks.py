"""What calls fall back on where native code does not know them: Python functions, made of operations' declarations."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, errors, shapes
from tapegrad.dispatch import apply, apply_inplace, into, layout_of
from tapegrad.documents.texts import TEXTS
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine, planner
from tapegrad.machine.planning import Attributes, Layout
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.signatures import Ints, Tensor, checked, made, overriding

TensorBase = machine.TensorBase


def _separated(op: Operation, given: Sequence[Any]) -> tuple[Sequence[Any], Attributes, bool]:
    """Operands, attributes, and whether the attributes are those of a call without any."""
    if len(given) == op.arity:
        return given, tuple(op.defaults.items()), True
    attributes = {a: dtypes.number(x.item() if isinstance(x, TensorBase) else x)
                  for a, x in zip(op.attributes, given[op.arity:])}
    return given[:op.arity], tuple(attributes.items()), attributes == op.defaults


def elementwise_function(op: Operation) -> Callable[..., Any]:
    """The Python side of an elementwise operation: operands and attributes, all of them."""

    def function(*given: Any, out: Any = None) -> Any:
        operands, attributes, plain = _separated(op, given)
        if not any(isinstance(a, TensorBase) for a in operands):
            raise TypeError(
                f"{op.name}(): argument 'input' (position 1) must be Tensor, not {errors.type_name(operands[0])}"
            )
        result = apply(op, operands, attributes, teach=plain)
        return result if out is None else into(out, result)

    return function


def inplace_function(op: Operation) -> Callable[..., Any]:
    def function(*given: Any) -> Any:
        operands, attributes, plain = _separated(op, given)
        if not isinstance(operands[0], TensorBase):
            raise TypeError(f"{op.name}(): argument 'input' (position 1) must be Tensor, not "
                            f"{errors.type_name(operands[0])}")
        return apply_inplace(op, operands, attributes, teach=plain)

    return function


def operator_function(op: Operation, function: Callable[..., Any]) -> Callable[..., Any]:
    """The operator slot's fallback: foreign operands get NotImplemented, so that their own class may answer."""

    def operator(*args: Any) -> Any:
        found = overriding.answering(args) if overriding.thread.asks else None
        if found:
            return _of_operator(op.name, found, args)
        for a in args:
            if not isinstance(a, (TensorBase, bool, int, float, np.generic)):
                return NotImplemented
        return function(*args)

    return operator


def _of_operator(name: str, found: list[Any], args: tuple[Any, ...]) -> Any:
    """The answer of operands: they are asked for the method of the one that is a tensor."""
    reflected = not isinstance(args[0], TensorBase) and isinstance(args[-1], TensorBase)
    if reflected:
        args = args[::-1]
        name = name if name in ("add", "mul") else f"__r{name}__"
    answer = overriding.first_answer(overriding.public(f"Tensor.{name}"), found, args, {})
    return NotImplemented if answer is overriding.NO_ANSWER else answer


def axes_of(op: Operation, layout: Layout, dims: shapes.Shape, keepdim: Any, dim: Any) -> Attributes:
    """The attributes of a reduction along `dims`, where `dim` was asked for."""
    given: Attributes = (("dim", dims), ("keepdim", bool(keepdim)))
    if dim is not None and not keepdim and "dim" in op.grad_names and len(dims) == len(layout.shape):
        return *given, ("given", True)  # the same reduction as without `dim`, and another node's name
    return given


def reduction_function(op: Operation) -> Callable[..., Any]:
    """The Python side of a reduction: `f(x, dim=None, keepdim=False, *, dtype=None, out=None)`."""

    def function(input: Tensor, dim: Ints | None = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None
                 ) -> Any:
        if dtype is None and out is not None and op.result == "sum":
            dtype = out.dtype
        if dtype is not None:
            input = input.to(dtype)
        layout = layout_of(input)
        if op.result == "truth" and dim is not None and not isinstance(dim, int) and not len(dim):
            truth = apply(REGISTRY["ne"], (input, 0))  # of each element by itself; other reductions take all of them
            truth = truth.to(input.dtype) if input.dtype is dtypes.uint8 else truth
            return truth if out is None else into(out, truth)
        if len(layout.shape) > 64:
            shapes.check_rank(len(layout.shape))
        dims = shapes.wrap_dims(dim, len(layout.shape))
        if op.identity is None and 0 in layout.shape:
            if dim is None or dim == ():
                raise RuntimeError(f"{op.name}(): Expected reduction dim to be specified for input.numel() == 0. "
                                   "Specify the reduction dim with the 'dim' argument.")
            given = (dim,) if isinstance(dim, int) else dim  # which the message names as it is written
            empty = [d for d in given if layout.shape[d] == 0]
            if empty:
                raise IndexError(f"{op.name}(): Expected reduction dim {empty[0]} to have non-zero size.")
        plain = dim is None and dtype is None and not keepdim
        given = axes_of(op, layout, dims, keepdim, dim)
        if out is not None and op.result == "truth" and out.dtype not in (dtypes.bool_, dtypes.uint8):
            raise RuntimeError(f"{op.name} only supports bool tensor for result, got: {planner.name_of(out.dtype)}")
        result = apply(op, (input,), given, teach=plain)
        if dtype is not None and result.dtype is not dtype and op.result == "sum":
            result = result.to(dtype)  # whole numbers were summed as int64
        return result if out is None else into(out, result)

    return function


def install() -> None:
    """Give the machine the Python function of every operation."""
    for op in REGISTRY.values():
        if op.inplace_of is not None:
            function = inplace_function(op)
        elif op.kind == "elementwise":
            function = elementwise_function(op)
        elif op.kind == "reduction":
            function = reduction_function(op)
        elif op.kind == "structured":
            function = structured_function(op)
        else:
            continue
        set_function(op, function)


def structured_function(op: Operation) -> Callable[..., Any]:
    def function(*args: Any, out: Any = None) -> Any:
        result = apply(op, args, teach=True)
        return result if out is None else into(out, result)

    return function


by_name: dict[str, Callable[..., Any]] = {}  # the Python function of each operation that has one
by_path: dict[str, Operation] = {}  # operations as methods, and under other names


def set_function(op: Operation, function: Callable[..., Any]) -> None:
    """Make `function` what calls of `op` fall back on, as a function, a method and an operator."""
    function.__name__ = function.__qualname__ = op.name
    by_name[op.name] = named = checked(function, op.name, op)
    machine.set_function(op.opcode, named)
    machine.set_function(op.opcode + rec.OPERATORS, operator_function(op, named))
    if op.methods:
        machine.set_function(op.opcode + rec.METHODS, _checked_at(f"Tensor.{op.methods[0]}", op, function))


def alias(path: str, op: Operation, kind: type | None = None) -> Any:
    """An operation under another name, by which what is said of wrong arguments calls it; a method of `kind`."""
    function = _checked_at(path, op, by_name[op.name].__wrapped__)  # type: ignore[attr-defined]
    return machine.alias(path.rpartition(".")[2], op.opcode, function, TEXTS.get(path, ""), kind,
                         op.inplace_of is not None)


def _checked_at(path: str, op: Operation, function: Callable[..., Any]) -> Callable[..., Any]:
    by_path[path] = op
    return checked(function, path, op)


def of_operation(op: Operation) -> list[Callable[..., Any]]:
    """Every Python function that calls of an operation fall back on."""
    paths = (op.name, *(path for path, other in by_path.items() if other is op))
    return [made[path] for path in paths]


install()
