"""The slow living definition: every operation's rules run on NumPy arrays, against which the kernels are tested.

`forward` and `adjoint` call the very rules that are lowered to kernels. Elementwise rules and row rules read the NumPy
columns of `ops.scalar`; a view is its own arithmetic of shapes and strides, applied to an array of positions; the
operations that have kernels of their own say what they compute, in `COLUMNS` or where they are declared.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.machine.planning import Layout, compute_dtype, result_dtype
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.ops.joining import placed, positions

Array = np.ndarray[Any, Any]
Attributes = dict[str, Any]


def forward(op: Operation, operands: Sequence[Any], attributes: Attributes) -> Array:
    """The result of an operation on arrays and Python numbers.

    >>> forward(REGISTRY["add"], [np.ones(2), 3], {})
    array([4., 4.])
    """
    with np.errstate(all="ignore"):
        return _FORWARD[op.kind](op, operands, attributes)


def adjoint(op: Operation, g: Array, operands: Sequence[Any], out: Array, attributes: Attributes
            ) -> list[Array | None]:
    """The gradients of an operation's operands for the cotangent `g` of its result `out`.

    >>> adjoint(REGISTRY["mul"], np.ones(2), [np.ones(2), np.full(2, 3.0)], np.full(2, 3.0), {})
    [array([3., 3.]), array([1., 1.])]
    """
    with np.errstate(all="ignore"):
        found = _ADJOINT[op.kind](op, g, operands, out, attributes)
    return [None if v is None else sum_to(np.asarray(v), np.shape(x)).astype(np.asarray(x).dtype)
            for v, x in zip(found, operands)]


def tangent(op: Operation, tangents: Sequence[Array | None], operands: Sequence[Any], out: Array, attributes: Attributes
            ) -> Array | None:
    """What a small change of the operands does to the result: derived from the rules, never declared.

    >>> tangent(REGISTRY["mul"], [np.ones(2), None], [np.ones(2), np.full(2, 3.0)], np.full(2, 3.0), {})
    array([3., 3.])

    Of an elementwise operation it is the sum of its adjoint rules, each on its operand's tangent; a linear operation is
    applied to the tangents themselves. None for the others, whose tangent follows by transposing the adjoint.
    """
    given = [(j, u) for j, u in enumerate(tangents) if u is not None]
    if op.kind == "elementwise":
        with np.errstate(all="ignore"):
            parts = [_ADJOINT[op.kind](op, np.broadcast_to(u, out.shape), operands, out, attributes)[j]
                     for j, u in given]
    elif op.kind == "view" or op.multilinear:
        others = [np.zeros_like(x) for x in operands] if op.variadic else list(operands)
        parts = [forward(op, [*others[:j], u, *others[j + 1:]], attributes) for j, u in given]
    else:
        return None
    return np.add.reduce([np.broadcast_to(p, out.shape) for p in parts if p is not None] or [np.zeros_like(out)])


def sum_to(value: Array, shape: tuple[int, ...]) -> Array:
    """A gradient in the shape of its operand: summed where the operand was broadcast."""
    value = np.broadcast_to(value, shapes.broadcast([value.shape, shape]))
    missing = value.ndim - len(shape)
    repeated = [d for d, n in enumerate(value.shape) if d < missing or (n != 1 and shape[d - missing] == 1)]
    return np.sum(value, tuple(repeated), keepdims=True).reshape(shape)


def _layout(x: Any) -> Layout:
    weak = isinstance(x, (bool, int, float))
    array = np.asarray(x)
    of = dtypes.from_numpy_dtype(array.dtype)
    return Layout(0, of, array.shape, shapes.contiguous_strides(array.shape), weak, None)


def _cast(op: Operation, operands: Sequence[Any]) -> tuple[list[Array], dtypes.dtype]:
    """The operands as the rule sees them, and the dtype it computes in."""
    compute = compute_dtype(op, [_layout(x) for x in operands])
    kinds = [dtypes.bool_ if name == "condition" else compute for name in op.operands]
    return [np.asarray(x).astype(k.numpy) for x, k in zip(operands, kinds)], compute


def _stored(op: Operation, value: Any, compute: dtypes.dtype, operands: Sequence[Any], attributes: Attributes) -> Array:
    result = attributes.get("dtype") or result_dtype(op, compute)
    return np.asarray(value).astype(operands[0].dtype if op.inplace_of else result.numpy)


# ---------------------------------------------------------------- elementwise and rows


def _elementwise(op: Operation, operands: Sequence[Any], attributes: Attributes) -> Array:
    cast, compute = _cast(op, operands)
    shape = shapes.broadcast(x.shape for x in cast)
    return np.broadcast_to(_stored(op, op.forward(*cast, **attributes), compute, operands, attributes), shape)


def _elementwise_adjoint(op: Operation, g: Array, operands: Sequence[Any], out: Array, attributes: Attributes) -> Any:
    cast, compute = _cast(op, operands)
    found = op.gradients(g.astype(compute.numpy), cast, out.astype(compute.numpy), attributes)
    return [None if v is None else np.broadcast_to(v, out.shape) for v in found]


def _rows(operands: Sequence[Array]) -> list[Array]:
    return [np.broadcast_to(x, shapes.broadcast(y.shape for y in operands)) for x in operands]


def _reduction(op: Operation, operands: Sequence[Any], attributes: Attributes) -> Array:
    cast, compute = _cast(op, operands)
    value = op.forward(*_rows(cast), **{k: attributes[k] for k in op.attributes})
    value = _stored(op, value, compute, operands, attributes)
    if op.per_row and not attributes.get("keepdim", False):
        value = value.reshape([n for d, n in enumerate(value.shape) if d not in attributes["dim"]])
    return value


def _reduction_adjoint(op: Operation, g: Array, operands: Sequence[Any], out: Array, attributes: Attributes) -> Any:
    cast, compute = _cast(op, operands)
    rows = _rows(cast)
    seen = rows[0].shape
    if op.per_row:
        seen = tuple(1 if d in attributes["dim"] else n for d, n in enumerate(seen))
    g, out = (x.reshape(seen).astype(compute.numpy) for x in (g, out))
    found = op.gradients(g, rows, out, {k: attributes[k] for k in op.attributes})
    return [None if v is None else np.broadcast_to(v, rows[0].shape) for v in found]


# ---------------------------------------------------------------- views


def _view(op: Operation, operands: Sequence[Any], attributes: Attributes) -> Array:
    (x,) = operands
    return np.ravel(x)[positions(op, x.shape, attributes)]


def _view_adjoint(op: Operation, g: Array, operands: Sequence[Any], out: Array, attributes: Attributes) -> Any:
    return [placed(g, operands[0].shape, op.name, attributes)]


# ---------------------------------------------------------------- structured


class Operand(np.ndarray):
    """An array with the few methods of tensors that the rules of structured operations use."""

    @property
    def mT(self) -> Any:
        return self.swapaxes(-1, -2)

    def narrow(self, dim: int, start: int, length: int) -> Any:
        return self[(slice(None),) * dim + (slice(start, start + length),)]

    def unsqueeze(self, dim: int) -> Any:
        return np.expand_dims(self, dim)

    def expand(self, *size: int) -> Any:
        return np.broadcast_to(self, size)

    def _apply_view(self, name: str, given: Any) -> Any:
        return _view(REGISTRY[name], [self], dict(given))


COLUMNS: dict[str, Callable[..., Any]] = {
    "mm": np.matmul,
    "bmm": np.matmul,
    "mv": np.matmul,
    "cat": lambda *xs, dim: np.concatenate(xs, dim),
}


def _structured(op: Operation, operands: Sequence[Any], attributes: Attributes) -> Array:
    column = COLUMNS.get(op.name) or op.column or (op.inplace_of.column if op.inplace_of else None)
    if column is None:
        raise NotImplementedError(f"{op.name}: declare column=, what it computes in NumPy")
    return np.asarray(column(*operands, **attributes))


def _structured_adjoint(op: Operation, g: Array, operands: Sequence[Any], out: Array, attributes: Attributes) -> Any:
    values: list[Any] = [x.view(Operand) for x in operands]
    return op.gradients(g.view(Operand), values, out.view(Operand), attributes)


_FORWARD: dict[str, Callable[..., Array]] = {
    "elementwise": _elementwise, "reduction": _reduction, "view": _view, "structured": _structured,
}
_ADJOINT: dict[str, Callable[..., Any]] = {
    "elementwise": _elementwise_adjoint, "reduction": _reduction_adjoint, "view": _view_adjoint,
    "structured": _structured_adjoint,
}
