"""Products of vectors and of many axes: einsum, tensordot, chains and powers of matrices."""
from __future__ import annotations

import itertools
import math
import string
from collections.abc import Container, Sequence
from typing import Any

from tapegrad import shapes
from tapegrad.functions.common import into, kind_name, method, public, warn
from tapegrad.functions.linear_algebra.products import bmm, c_name, dot, mm, same_dtype
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import expand, reshape, unsafe_view
from tapegrad.tensor import Tensor

_LETTERS = string.ascii_uppercase + string.ascii_lowercase

@method
def vdot(input: Tensor, other: Tensor, *, out: Any = None) -> Any:
    return into(out, one_node("VdotBackward0")(dot)(input, other))


@method
def inner(input: Tensor, other: Tensor, *, out: Any = None) -> Any:
    """Sums of products over the last axes (`torch.inner`)."""
    if not input.ndim or not other.ndim:
        return into(out, input * other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(f"inner() the last dimension must match on both input tensors but got shapes "
                           f"{list(input.shape)} and {list(other.shape)}")
    return into(out, tensordot(input, other, ([-1], [-1])))


@public
def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Any:
    """Sums of products over chosen axes (`torch.tensordot`)."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left, right = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    elif not isinstance(dims, (list, tuple)):
        raise RuntimeError("tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] "
                           f"containing two lists, but got dims={dims}")
    else:
        left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    left, right = [shapes.wrap_dim(d, a.ndim) for d in left], [shapes.wrap_dim(d, b.ndim) for d in right]
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    for i, j in zip(left, right):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and "
                               f"second has size {b.shape[j]} in dim {j}")
    for i, j in zip(left, right):
        if a.shape[i] != b.shape[j]:
            if a.shape[i] == 1:
                b = b.sum(j, keepdim=True, dtype=b.dtype)
            else:
                a = a.sum(i, keepdim=True, dtype=a.dtype)
    same_dtype("tensordot", a, b)
    rest_a = [d for d in range(a.ndim) if d not in left]
    rest_b = [d for d in range(b.ndim) if d not in right]
    n = math.prod(a.shape[d] for d in left)
    shape_a, shape_b = [a.shape[d] for d in rest_a], [b.shape[d] for d in rest_b]
    flat_a = reshape(a.permute(*rest_a, *left) if a.ndim else a, math.prod(shape_a), n)
    flat_b = reshape(b.permute(*right, *rest_b) if b.ndim else b, n, math.prod(shape_b))
    return into(out, reshape(mm(flat_a, flat_b), *shape_a, *shape_b))


@method
def kron(input: Tensor, other: Tensor, *, out: Any = None) -> Any:
    """The Kronecker product (`torch.kron`)."""
    n = max(input.ndim, other.ndim)
    a = reshape(input, *(1,) * (n - input.ndim), *input.shape)
    b = reshape(other, *(1,) * (n - other.ndim), *other.shape)
    wide = reshape(a, *(m for s in a.shape for m in (s, 1))) * reshape(b, *(m for s in b.shape for m in (1, s)))
    return into(out, unsafe_view(wide, (p * q for p, q in zip(a.shape, b.shape))))


def _spelled_out(given: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """The equation that operands are given by, each with a list of numbers for its axes, and perhaps the result's."""
    def term(axes: Any) -> str:
        if not all(axis is ... or 0 <= axis < len(_LETTERS) for axis in axes):
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        return "".join("..." if axis is ... else _LETTERS[axis] for axis in axes)

    n = len(given) // 2 * 2
    equation = ",".join(map(term, given[1:n:2]))
    return equation if n == len(given) else f"{equation}->{term(given[n])}", tuple(given[:n:2])


@public
def einsum(equation: Any, *operands: Any) -> Any:
    """Sums of products in index notation (`torch.einsum`).

    >>> import tapegrad
    >>> tapegrad.einsum("ij,ij->i", tapegrad.ones(2, 3), tapegrad.ones(2, 3))
    tensor([3., 3.])
    >>> tapegrad.einsum(tapegrad.ones(2, 3), [0, 1], [1])
    tensor([2., 2., 2.])
    """
    if not operands:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand "
                         "and its subscripts list")
    if isinstance(equation, Tensor):
        equation, operands = _spelled_out((equation, *operands))
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    left, arrow, right = equation.partition("->")
    terms = _terms(left, len(operands))
    free = [x.ndim - sum(c != DOTS for c in t) for t, x in zip(terms, operands)]  # of so many axes nothing is said
    for k, (t, x, n) in enumerate(zip(terms, operands, free)):
        if n < 0 if DOTS in t else n != 0:
            what = ("is more than the number of dimensions ({}) for operand {}" if DOTS in t else
                    "does not match the number of dimensions ({}) for operand {} and no ellipsis was given")
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({x.ndim - n}) "
                               + what.format(x.ndim, k))
    dots = max([n for t, n in zip(terms, free) if DOTS in t], default=0)
    ellipsis = [chr(0x100 + i) for i in range(dots)]

    def spelled(term: list[str], own: int) -> list[str]:
        return [label for c in term for label in (ellipsis[dots - own:] if c == DOTS else [c])]

    labels = [spelled(t, n) for t, n in zip(terms, free)]
    sizes: dict[str, int] = {}
    values = []
    for k, (own, x) in enumerate(zip(labels, operands)):
        x, own = _diagonals(x, own, k)
        for d, (c, n) in enumerate(zip(own, x.shape)):
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            elif n not in (1, sizes[c]):
                if c in ellipsis:
                    raise RuntimeError(f"einsum(): dimension {d} covered by ellipsis in operand {k}has size {n} which "
                                       "does not broadcast with previously seen ellipsis with size "
                                       f"{sizes[c]} for the respective dimension")
                raise RuntimeError(f"einsum(): subscript {c} has size {n} for operand {k} which does not broadcast "
                                   f"with previously seen size {sizes[c]}")
        values.append((x, own))
    if arrow:
        wanted = spelled(_result(right, len(left) + len(arrow), sizes), dots)
    else:
        every = [c for own in labels for c in own]
        wanted = [*ellipsis, *sorted({c for c in every if every.count(c) == 1 and c not in ellipsis})]
    total, own = values[0]
    for i, (x, theirs) in enumerate(values[1:], 1):
        later = {c for _, names in values[i + 1:] for c in names} | set(wanted)
        total, own = _contract(total, own, x, theirs, later)
    gone = [d for d, c in enumerate(own) if c not in wanted]
    if gone:
        total, own = total.sum(gone), [c for c in own if c in wanted]
    return total.permute(*(own.index(c) for c in wanted)) if own != wanted else total


DOTS = "..."


def _subscript(c: str, at: int) -> str:
    if not (c.isascii() and c.isalpha()):
        raise RuntimeError(f"einsum(): invalid subscript given at index {at} in the equation string, subscripts must "
                           "be in [a-zA-Z]")
    return c


def _terms(left: str, count: int) -> list[list[str]]:
    """The subscripts of each of so many operands, with `DOTS` among them."""
    terms: list[list[str]] = [[]]
    i = 0
    while i < len(left):
        if left[i] == ",":
            terms.append([])
            if len(terms) > count:
                raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
        elif left[i] == ".":
            if DOTS in terms[-1]:
                raise RuntimeError(f"einsum(): found '.' for operand {len(terms) - 1} for which an ellipsis was "
                                   "already found")
            if not left.startswith(DOTS, i):
                raise RuntimeError(f"einsum(): found '.' for operand {len(terms) - 1} that is not part of any ellipsis")
            terms[-1].append(DOTS)
            i += 2
        elif left[i] != " ":
            terms[-1].append(_subscript(left[i], i))
        i += 1
    if len(terms) < count:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    return terms


def _result(right: str, start: int, known: Container[str]) -> list[str]:
    """The subscripts of the result, which begin at a place of the equation."""
    found: list[str] = []
    i = 0
    while i < len(right):
        c = right[i]
        if c == ".":
            if DOTS in found:
                raise RuntimeError("einsum(): found '.' for output but an ellipsis (...) was already found")
            if not right.startswith(DOTS, i):
                raise RuntimeError("einsum(): found '.' for output that is not part of any ellipsis (...)")
            found.append(DOTS)
            i += 2
        elif c != " ":
            if _subscript(c, start + i) in found:
                raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
            if c not in known:
                raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input "
                                   "operand")
            found.append(c)
        i += 1
    return found


def _diagonals(x: Any, labels: list[str], operand: int) -> tuple[Any, list[str]]:
    """A label that an operand has twice is its diagonal."""
    labels = list(labels)
    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            i = labels.index(c)
            j = labels.index(c, i + 1)
            if x.shape[i] != x.shape[j]:
                raise RuntimeError(f"einsum(): subscript {c} is repeated for operand {operand} but the sizes don't "
                                   "match, "
                                   f"{x.shape[j]} != {x.shape[i]}")
            x = x.diagonal(0, i, j)
            del labels[j], labels[i]
            labels.append(c)
    return x, labels


def _contract(a: Any, la: list[str], b: Any, lb: list[str], later: set[str]) -> tuple[Any, list[str]]:
    """The product of two operands, summed over labels that nothing after them needs: one batched matrix product."""
    for c in [c for c in la if c not in lb and c not in later]:
        a, la = a.sum(la.index(c)), [x for x in la if x != c]
    for c in [c for c in lb if c not in la and c not in later]:
        b, lb = b.sum(lb.index(c)), [x for x in lb if x != c]
    for c in [c for c in la if c in lb and c not in later]:  # a size of one against another broadcasts
        i, j = la.index(c), lb.index(c)
        if a.shape[i] != b.shape[j]:
            if a.shape[i] == 1:
                b = b.sum(j, keepdim=True)
            else:
                a = a.sum(i, keepdim=True)
    batch = [c for c in la if c in lb and c in later]
    summed = [c for c in la if c in lb and c not in later]
    only_a, only_b = [c for c in la if c not in lb], [c for c in lb if c not in la]
    a = a.permute(*(la.index(c) for c in (*batch, *only_a, *summed))) if la else a
    b = b.permute(*(lb.index(c) for c in (*batch, *summed, *only_b))) if lb else b
    k = len(batch)
    shape = shapes.broadcast((tuple(a.shape[:k]), tuple(b.shape[:k])))
    a, b = expand(a, *shape, *a.shape[k:]), expand(b, *shape, *b.shape[k:])
    ra, rb = tuple(a.shape[k:k + len(only_a)]), tuple(b.shape[k + len(summed):])
    n = math.prod(a.shape[k + len(only_a):])
    if not summed:
        left = reshape(a, *shape, *ra, *(1,) * len(rb))
        return left * reshape(b, *shape, *(1,) * len(ra), *rb), [*batch, *only_a, *only_b]
    m = math.prod(shape)
    product = bmm(reshape(a, m, math.prod(ra), n), reshape(b, m, n, math.prod(rb)))
    return reshape(product, *shape, *ra, *rb), [*batch, *only_a, *only_b]


def vecdot(x: Any, y: Tensor, *, dim: int = -1, out: Any = None) -> Any:
    """The dot products of vectors along an axis (`torch.linalg.vecdot`)."""
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {kind_name(x)}")
    if x.dtype is not y.dtype:
        raise RuntimeError("linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
                           f"{kind_name(x)} and y of type {kind_name(y)} instead")
    return into(out, (x * y).sum(dim))


@one_node("LinalgCrossBackward0")
def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Any = None) -> Any:
    """The cross product of 3-vectors along an axis (`torch.linalg.cross`)."""
    from tapegrad.functions.shaping.joining import stack

    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = shapes.wrap_dim(dim, input.ndim)
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[d]} and "
                           f"{other.shape[d]}")
    size = shapes.broadcast((tuple(input.shape), tuple(other.shape)))
    if input.dtype is not other.dtype:
        raise RuntimeError(f"expected scalar type {kind_name(input)} but found {kind_name(other)}")
    a, b = expand(input, *size).unbind(d), expand(other, *size).unbind(d)
    return into(out, stack([a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)], d))


@method
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Any = None) -> Any:
    if dim is None:
        fitting = [d for d, n in enumerate(input.shape) if n == 3]
        if not fitting:
            raise RuntimeError("no dimension of size 3 in input")
        dim = fitting[0]
        warn("Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly "
             "or simply use torch.linalg.cross.\nThe default value of dim will change to agree with that of "
             "linalg.cross in a future release.")
    return linalg_cross(input, other, dim=dim, out=out)


@method
def matrix_power(A: Any, n: int, *, out: Any = None) -> Any:
    """A square matrix to a whole power (`torch.linalg.matrix_power`)."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError("linalg.matrix_power: A must be batches of square matrices, but they are "
                           f"{A.shape[-2] if A.ndim > 1 else 1} by {A.shape[-1] if A.ndim else 1} matrices")
    from tapegrad import creation
    from tapegrad.functions.linear_algebra.solving import inv

    if n < 0:
        A, n = inv(A), -n
    result = None
    if n == 0:
        return into(out, A.clone().copy_(creation.eye(A.shape[-1], dtype=A.dtype)))
    while n:
        if n & 1:
            result = A if result is None else result @ A
        n >>= 1
        if n:
            A = A @ A
    return into(out, result.clone() if result is A else result)


def _product(parts: Sequence[Any], best: dict[tuple[int, int], tuple[int, int]], i: int, j: int) -> Any:
    # No function within `multi_dot`: one that calls itself would keep the matrices until a collection.
    if i == j:
        return parts[i]
    k = best[i, j][1]
    return mm(_product(parts, best, i, k), _product(parts, best, k + 1, j))


def multi_dot(tensors: Any, *, out: Any = None) -> Any:
    """A chain of matrix products in the cheapest order (`torch.linalg.multi_dot`)."""
    if len(tensors) < 2:
        raise RuntimeError("multi_dot(): expected at least 2 tensors but got " + str(len(tensors)))
    parts = list(tensors)
    for i, x in enumerate(parts):
        ends = i in (0, len(parts) - 1)
        if x.ndim != 2 and not (ends and x.ndim == 1):
            raise RuntimeError(f"multi_dot(): tensor {i} must be {'1D or ' * ends}2D but got {x.ndim}D")
        if x.dtype is not parts[0].dtype:
            raise RuntimeError("multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                               f"{c_name(parts[0])} and tensor {i} {c_name(x)}")
    first, last = parts[0].ndim == 1, parts[-1].ndim == 1
    if first:
        parts[0] = parts[0].unsqueeze(0)
    if last:
        parts[-1] = parts[-1].unsqueeze(-1)
    for i, (a, b) in enumerate(itertools.pairwise(parts)):
        if a.shape[1] != b.shape[0]:
            raise RuntimeError(f"multi_dot(): tensors {i} and {i + 1} with shapes {list(a.shape)} and {list(b.shape)} "
                               "cannot be multiplied")
    n = len(parts)
    sizes = [p.shape[0] for p in parts] + [parts[-1].shape[1]]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(n)}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            best[i, j] = min((best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                             for k in range(i, j))

    total = _product(parts, best, 0, n - 1)
    if first:
        total = total.squeeze(0)
    return into(out, total.squeeze(-1) if last else total)
