"""What is done with sparse tensors: operations by their names, each done to places and numbers (`sparse.py`).

What is linear, or keeps zeros, is done to the numbers; products gather rows and add them up with `index_add`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import creation, dispatch, dtypes, errors, shapes
from tapegrad.functions.common import PUBLIC
from tapegrad.machine.planning import Attributes
from tapegrad.ops.declaration import Operation
from tapegrad.tensor import Tensor

# Operations on numbers that can be done to each summand, and others that leave zero zero (PyTorch has the same).
_LINEAR = {"neg", "positive", "to_copy", "clone", "deg2rad", "rad2deg"}
_KEEPS_ZERO = {
    "abs", "asin", "asinh", "atan", "atanh", "ceil", "erf", "erfinv", "expm1", "floor", "frac", "isinf", "isnan",
    "isneginf", "isposinf", "log1p", "nan_to_num", "relu", "round", "sgn", "sign", "signbit", "sin", "sinh", "sqrt",
    "square", "tan", "tanh", "trunc",
}


def is_sparse(x: Any) -> bool:
    return isinstance(x, Tensor) and x.is_sparse


def flat(places: Any, size: Sequence[int]) -> Any:
    """Each place as one number, counted by rows."""
    found = places[0] if len(places) else creation.zeros((places.shape[1],), dtype=dtypes.int64)
    for row, n in zip(places[1:], size[1:]):
        found = found * n + row
    return found


def does(op: Operation, given: Sequence[Any], attributes: Attributes = ()) -> Any:
    """The result of an operation that has a sparse operand."""
    x = given[0]
    if len(given) == 1 and op.name in _LINEAR | _KEEPS_ZERO and op.kind != "view":
        x = x if op.name in _LINEAR else x.coalesce()
        return x._with(dispatch.apply(op, (x._numbers,), attributes))
    rule = _RULES.get(op.name)
    found = NotImplemented if rule is None else rule(*given, **dict(attributes))
    if found is NotImplemented:
        raise NotImplementedError(errors.NO_SPARSE.format(op.name))
    return found


# ---------------------------------------------------------------- rules, by the name of an operation


def _mm(a: Any, b: Any) -> Any:
    """Rows of `b`, scaled and added; a dense matrix by a sparse one is its transpose's product."""
    if not is_sparse(a):
        return _mm(b.t(), a.t()).t()
    if a._numbers.ndim > 1:
        return NotImplemented
    if is_sparse(b):
        return NotImplemented if b._numbers.ndim > 1 else _sparse_mm(a, b)
    rows, columns = a._places
    terms = a._numbers[:, None] * b.index_select(0, columns)
    return terms.new_zeros((a.shape[0], b.shape[1])).index_add(0, rows, terms)


def _sparse_mm(a: Any, b: Any) -> Any:
    """Every number of `a` meets the numbers of one row of `b`."""
    b = b.coalesce()
    counts = PUBLIC["bincount"](b._places[0], minlength=b.shape[0])
    begins = counts.cumsum(0) - counts
    rows, inner = a._places
    n = counts[inner]
    mine = PUBLIC["repeat_interleave"](n)
    step = creation.arange(len(mine)) - PUBLIC["repeat_interleave"](n.cumsum(0) - n, n)
    theirs = begins[inner[mine]] + step
    places = PUBLIC["stack"]([rows[mine], b._places[1][theirs]])
    return a._made(places, a._numbers[mine] * b._numbers[theirs], (a.shape[0], b.shape[1])).coalesce()


def _mv(a: Any, v: Any) -> Any:
    return _mm(a, v[:, None])[:, 0] if is_sparse(a) and not is_sparse(v) else (
        NotImplemented)


def _bmm(a: Any, b: Any) -> Any:
    """Matrices of a batch stand along the diagonal of one."""
    if not is_sparse(a) or is_sparse(b) or len(a._places) != 3:
        return NotImplemented
    batch, rows, columns = a._places
    n, m, k = a.shape[1], a.shape[2], b.shape[2]
    of = a._made(PUBLIC["stack"]([batch * n + rows, batch * m + columns]), a._numbers, (a.shape[0] * n, a.shape[0] * m))
    return _mm(of, b.reshape(-1, k)).view(a.shape[0], n, k)


def _addmm(input: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    if not is_sparse(a) and not is_sparse(b):
        return NotImplemented
    product = _mm(a, b)
    if product is NotImplemented or is_sparse(input) != is_sparse(product):
        return NotImplemented
    return input * beta + product * alpha


def _add(a: Any, b: Any, alpha: Any = 1) -> Any:
    if not is_sparse(b):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    number = not isinstance(a, Tensor)
    if number or a.shape != b.shape:
        size = [] if number else list(a.shape)
        raise RuntimeError(f"add: expected 'self' and 'other' to have same size, but self has size {size} while other "
                           f"has size {list(b.shape)} (FYI: dense-sparse addition does not currently support "
                           "broadcasting)")
    b = b if alpha == 1 else b * alpha
    if not is_sparse(a):
        return a + b.to_dense()
    if len(a._places) != len(b._places):
        return NotImplemented
    places, numbers = PUBLIC["cat"]([a._places, b._places], 1), PUBLIC["cat"]([a._numbers, b._numbers])
    return b._made(places, numbers, a.shape).coalesce()


def _sub(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _add(a, b, -alpha)


def _scalar(x: Any) -> bool:
    return not isinstance(x, Tensor) or (not x.ndim and not is_sparse(x))


def _mul(a: Any, b: Any) -> Any:
    if not is_sparse(a):
        a, b = b, a
    if _scalar(b):
        return a._with(a._numbers * b)
    if a.shape != b.shape and (is_sparse(b) or b.ndim > a.ndim):
        return NotImplemented
    if not is_sparse(b):
        return a._with(a._numbers * b.expand(a.shape)[tuple(a._places.unbind(0))])
    a, b = a.coalesce(), b.coalesce()
    if len(a._places) != len(b._places):
        return NotImplemented
    if not b._nnz():
        a, b = b, a
    keys, others = flat(a._places, a.shape), flat(b._places, b.shape)
    at = PUBLIC["searchsorted"](others, keys).clamp(max=max(b._nnz() - 1, 0))
    mine = (others[at] == keys).nonzero()[:, 0]
    theirs = at[mine]
    return a._made(a._places[:, mine], a._numbers[mine] * b._numbers[theirs], a.shape, True)


def _div(a: Any, b: Any) -> Any:
    if not is_sparse(a) or not _scalar(b):
        shape = list(b.shape) if isinstance(b, Tensor) else []
        raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
                           f"{shape} for divisor)")
    return a._with(a._numbers / b)


def _pow(a: Any, exponent: Any) -> Any:
    if not is_sparse(a) or not _scalar(exponent) or not exponent > 0:
        return NotImplemented
    a = a.coalesce()
    return a._with(a._numbers ** exponent)


def _sum(x: Any, dim: Any = None, keepdim: bool = False, **more: Any) -> Any:
    k = len(x._places)
    dims = {shapes.wrap_dim(d, x.ndim) for d in (range(x.ndim) if dim is None or dim == () else dim)}
    if keepdim and dims:
        return NotImplemented
    numbers = x._numbers.sum([d - k + 1 for d in dims if d >= k]) if max(dims, default=-1) >= k else x._numbers
    kept = [d for d in range(k) if d not in dims]
    if not kept:
        return numbers.sum(0)
    size = [n for d, n in enumerate(x.shape) if d not in dims]
    return x._made(x._places[kept], numbers, size, x._sorted and len(kept) == k).coalesce()


def _permute(x: Any, dims: Sequence[int]) -> Any:
    k = len(x._places)
    dims = [shapes.wrap_dim(d, x.ndim) for d in dims]
    if any(d >= k for d in dims[:k]):
        return NotImplemented
    numbers = x._numbers.permute(0, *[d - k + 1 for d in dims[k:]])
    same = dims[:k] == [*range(k)]
    return x._made(x._places[dims[:k]], numbers, [x.shape[d] for d in dims], x._sorted and same)


def _transpose(x: Any, dim0: int, dim1: int) -> Any:
    dims = [*range(x.ndim)]
    a, b = shapes.wrap_dim(dim0, x.ndim), shapes.wrap_dim(dim1, x.ndim)
    dims[a], dims[b] = b, a
    return _permute(x, dims)


def _select(x: Any, dim: int, index: int) -> Any:
    k, d = len(x._places), shapes.wrap_dim(dim, x.ndim)
    n = x.shape[d]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {d}")
    if d >= k:
        return x._made(x._places, x._numbers.select(d - k + 1, index), [*x.shape[:d], *x.shape[d + 1:]], x._sorted)
    here = (x._places[d] == index % n).nonzero()[:, 0]
    numbers = x._numbers[here]
    kept = [j for j in range(k) if j != d]
    if not kept:
        return numbers.sum(0)
    return x._made(x._places[kept][:, here], numbers, [*x.shape[:d], *x.shape[d + 1:]], x._sorted)


def _unsqueeze(x: Any, dim: int) -> Any:
    k, d = len(x._places), shapes.wrap_dim(dim, x.ndim + 1)
    size = [*x.shape[:d], 1, *x.shape[d:]]
    if d > k:
        return x._made(x._places, x._numbers.unsqueeze(d - k + 1), size, x._sorted)
    row = x._places.new_zeros((1, x._nnz()))
    return x._made(PUBLIC["cat"]([x._places[:d], row, x._places[d:]]), x._numbers, size, x._sorted)


def _cat(*given: Any, dim: int = 0) -> Any:
    d = shapes.wrap_dim(dim, given[0].ndim)
    if not all(is_sparse(x) and len(x._places) == len(given[0]._places) > d for x in given):
        return NotImplemented
    places, at = [], 0
    for x in given:
        moved = x._places.clone()
        moved[d] += at
        at += x.shape[d]
        places.append(moved)
    size = [*given[0].shape]
    size[d] = at
    return given[0]._made(PUBLIC["cat"](places, 1), PUBLIC["cat"]([x._numbers for x in given]), size,
                d == 0 and all(x._sorted for x in given))


def _stack(*given: Any, dim: int = 0) -> Any:
    return _cat(*(_unsqueeze(x, dim) if is_sparse(x) else x for x in given), dim=dim)


def _into(a: Any, b: Any) -> Any:
    """A write in place: the tensor is given other parts."""
    if not is_sparse(a) or not is_sparse(b) or a.shape != b.shape:
        return NotImplemented
    a._places, a._numbers, a._sorted = b._places, b._numbers.to(a.dtype), b._sorted
    return a


def _add_(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _into(a, _add(a, b, alpha)) if is_sparse(a) else a.add_(b.to_dense(), alpha=alpha)


def _zero_(a: Any) -> Any:
    return _into(a, a._made(a._places[:, :0], a._numbers[:0], a.shape))


def _written(rule: Callable[..., Any]) -> Callable[..., Any]:
    def write(a: Any, *others: Any, **attributes: Any) -> Any:
        return _into(a, rule(a, *others, **attributes)) if is_sparse(a) else NotImplemented

    return write


_RULES: dict[str, Callable[..., Any]] = {
    "mm": _mm, "mv": _mv, "bmm": _bmm, "addmm": _addmm, "add": _add, "sub": _sub, "mul": _mul, "div": _div, "pow": _pow,
    "sum": _sum, "permute": _permute, "transpose": _transpose, "t": _transpose, "select": _select,
    "unsqueeze": _unsqueeze, "cat": _cat, "stack": _stack, "copy_": _into, "add_": _add_,
    "sub_": lambda a, b, alpha=1: _add_(a, b, -alpha), "zero_": _zero_, "mul_": _written(_mul), "div_": _written(_div),
    "index_select": lambda x, index, form, wrap: x.index_select(form[1][0], index),
    "alias": lambda x: x._with(x._numbers), "detach": lambda x: x.detach(),
}


# ---------------------------------------------------------------- functions of `torch.sparse`


def softmax(x: Any, dim: int, logarithm: bool = False) -> Any:
    """Of the numbers that are there along one axis, the others being minus infinity."""
    d, x = shapes.wrap_dim(dim, x.ndim), x.coalesce()
    if d >= len(x._places):
        return x._with(PUBLIC["log_softmax" if logarithm else "softmax"](x._numbers, d - len(x._places) + 1))
    kept = [j for j in range(len(x._places)) if j != d]
    _, row = PUBLIC["unique"](flat(x._places[kept], [x.shape[j] for j in kept]), return_inverse=True)
    numbers = x._numbers
    n = int(row.max()) + 1 if len(row) else 0
    index = row.reshape(-1, *[1] * (numbers.ndim - 1)).expand(numbers.shape)
    most = numbers.detach().new_full((n, *numbers.shape[1:]), -math.inf).scatter_reduce(
        0, index, numbers.detach(), "amax")
    shifted = numbers - most[row]
    total = shifted.new_zeros((n, *numbers.shape[1:])).index_add(0, row, shifted.exp())[row]
    return x._with(shifted - total.log() if logarithm else shifted.exp() / total)
