"""Shapes and strides: broadcasting, axes, and the arithmetic of views. Strides count elements here, as in PyTorch."""
from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

Shape = tuple[int, ...]


class Size(tuple):  # a tuple subclass with no fields of its own
    """A shape as PyTorch prints it.

    >>> Size((2, 3)), Size((2, 3)).numel()
    (torch.Size([2, 3]), 6)
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        made = tuple.__new__(cls, sizes)
        for i, n in enumerate(made):
            if not hasattr(n, "__index__"):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(n).__name__}')")
            if type(n) is bool:
                return cls(map(int, made))
        return made

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return math.prod(self)

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple(self) * times)

    def __rmul__(self, times: Any) -> Size:
        return self * times


def contiguous_strides(shape: Sequence[int]) -> Shape:
    """Row-major strides; axes of size zero count as one, as in PyTorch.

    >>> contiguous_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    if 0 in shape:
        return True
    step = 1
    for n, s in zip(reversed(shape), reversed(strides)):
        if n != 1:
            if s != step:
                return False
            step *= n
    return True


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill one block of memory without gaps or overlap, in whatever order of axes."""
    step = 1
    for s, n in sorted((s, n) for n, s in zip(shape, strides) if n != 1):
        if n == 0 or s != step:
            return n == 0
        step *= n
    return True


def result_strides(shape: Shape, operands: Sequence[tuple[Shape, Shape]]) -> Shape:
    """The strides of a fresh result of operands with these shapes and strides: dense, its axes in their order.

    The first operand that runs along both of two axes says which of them is the inner one, as in PyTorch, whose
    results can be seen in another shape without a copy where ours can.
    """
    first = operands[0]
    if 0 not in shape and all(o[0] == shape and is_contiguous(*o) for o in operands):
        return contiguous_strides(shape)  # of axes of one element the strides are not followed
    if first[0] == shape and is_dense(*first) and all(o == first for o in operands):
        return first[1]
    along = [expanded_strides(*o, shape) for o in operands]

    def inner(a: int, b: int) -> int:
        """Negative where axis `a` lies inside axis `b`, positive where outside, 0 where nothing says so."""
        for strides in along:
            if strides[a] and strides[b]:
                if strides[a] != strides[b]:
                    return strides[a] - strides[b]
                if shape[a] > shape[b]:
                    return 1
        return 0

    order = list(reversed(range(len(shape))))
    for i in range(1, len(order)):  # by insertion: `inner` is no order, what it leaves open stays as it is
        at = i
        for j in reversed(range(i)):
            found = inner(order[j], order[at])
            if found < 0:
                break
            if found > 0:
                order[j], order[at] = order[at], order[j]
                at = j
    step, strides = 1, [0] * len(shape)
    for d in order:
        strides[d], step = step, step * max(shape[d], 1)
    return tuple(strides)


def kept_strides(shape: Shape, strides: Shape) -> Shape:
    """The strides of what is made like a tensor: its own, or, where they leave gaps, those of a result of it.

    >>> kept_strides((3, 2), (2, 6)), kept_strides((3, 2), (2, 12))
    ((1, 3), (1, 3))
    """
    return strides if is_dense(shape, strides) else result_strides(shape, [(shape, strides)])


def extent(shape: Sequence[int], strides: Sequence[int]) -> int:
    """How many elements lie between the first and one past the last."""
    return 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, strides))


def check_rank(ndim: int) -> None:
    """Refuse what reductions refuse: an axis is a bit in a mask of 64, in PyTorch at least."""
    if ndim > 64:
        raise RuntimeError("only tensors with up to 64 dims are supported")


def dim_range(ndim: int) -> int:
    return max(ndim, 1)


def wrap_dim(dim: Any, ndim: int) -> int:
    """A non-negative axis from a possibly negative one; IndexError with PyTorch's words when it is out of range.

    >>> wrap_dim(-1, 3)
    2
    """
    dim = operator.index(dim)
    n = dim_range(ndim)
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


def axis_there(dim: Any, ndim: int) -> int:
    """The same of a tensor that has to have such an axis: what has none is not taken for a vector."""
    if not ndim:
        raise IndexError(f"Dimension specified as {operator.index(dim)} but tensor has no dimensions")
    return wrap_dim(dim, ndim)


def wrap_dims(dims: Any, ndim: int) -> Shape:
    """Distinct axes from an int, a sequence or None (all of them), in ascending order."""
    if dims is None:
        return tuple(range(ndim))
    if not isinstance(dims, (tuple, list)):
        dims = (dims,)
    if not dims:
        return tuple(range(ndim))
    wrapped = [wrap_dim(d, ndim) for d in dims]
    for d in wrapped:
        if wrapped.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return tuple(sorted(d for d in wrapped if ndim))


def broadcast(shapes: Iterable[Sequence[int]]) -> Shape:
    """The shape that operands of these shapes broadcast to; RuntimeError names the last sizes that do not match.

    >>> broadcast([(8, 1, 3), (4, 1)])
    (8, 4, 3)
    """
    out: list[int] = []
    for shape in shapes:
        out[:0] = [1] * (len(shape) - len(out))
        offset = len(out) - len(shape)
        for i in reversed(range(len(shape))):
            n, have = shape[i], out[offset + i]
            if have == 1:
                out[offset + i] = n
            elif n not in (1, have):
                raise RuntimeError(
                    f"The size of tensor a ({have}) must match the size of tensor b ({n}) at non-singleton dimension "
                    f"{offset + i}"
                )
    return tuple(out)


def differ_in_leading_ones(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two shapes are the same but for dimensions of 1 in front, of which they have different numbers."""
    longer, shorter = sorted((tuple(one), tuple(other)), key=len, reverse=True)
    more = len(longer) - len(shorter)
    return more > 0 and longer[:more] == (1,) * more and longer[more:] == shorter


def expanded_strides(shape: Sequence[int], strides: Sequence[int], target: Sequence[int]) -> Shape:
    """The strides that make an operand look like `target`, zero where it is repeated."""
    missing = len(target) - len(shape)
    return (0,) * missing + tuple(0 if n == 1 and t != 1 else s for n, s, t in zip(shape, strides, target[missing:]))


def infer_size(shape: Sequence[int], numel: int) -> Shape:
    """Fill in the one -1 of a requested shape."""
    shape = tuple(operator.index(n) for n in shape)
    known = 1
    unknown = None
    for i, n in enumerate(shape):
        if n == -1:
            if unknown is not None:
                raise RuntimeError("only one dimension can be inferred")
            unknown = i
        elif n < 0:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(shape)}")
        else:
            known *= n
    if unknown is not None:
        if known == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size "
                "-1 can be any value and is ambiguous"
            )
        if numel % known == 0:
            return (*shape[:unknown], numel // known, *shape[unknown + 1:])
    elif known == numel:
        return shape
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")


def view_strides(shape: Sequence[int], strides: Sequence[int], target: Sequence[int]) -> Shape | None:
    """The strides under which memory laid out as (shape, strides) reads as `target`, or None where it cannot."""
    if is_contiguous(shape, strides):
        return contiguous_strides(target)
    if 0 in shape:
        return contiguous_strides(target)
    runs: list[tuple[int, int]] = []  # maximal runs of axes that are one axis in memory: (size, innermost stride)
    for n, s in zip(shape, strides):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * s:
            runs[-1] = (runs[-1][0] * n, s)
        else:
            runs.append((n, s))
    found: list[int] = []
    at = len(runs) - 1
    inside = 1  # elements of the current run already used up by inner target axes
    for n in reversed(target):
        if n == 1:
            found.append(1 if at < 0 else runs[at][1] * inside)
            continue
        if at < 0:
            return None
        if inside == runs[at][0]:
            at, inside = at - 1, 1
            if at < 0:
                return None
        found.append(runs[at][1] * inside)
        inside *= n
        if runs[at][0] % inside:
            return None
    return tuple(reversed(found))


def restrided(stride: Sequence[int], offset: int, shape: Sequence[int], source: Sequence[int], target: Sequence[int]
              ) -> tuple[Shape, int]:
    """Strides and offset that say of memory laid out as (shape, target) what these say of (shape, source).

    >>> restrided((3,), 1, (2, 3), (3, 1), (1, 2))
    ((1,), 2)

    A step through memory is read as so many steps along each axis, the widest first.
    """
    if tuple(source) == tuple(target):
        return tuple(stride), offset
    axes = sorted((d for d, n in enumerate(shape) if n > 1 and source[d]), key=lambda d: -source[d])

    def moved(step: int) -> int:
        found = 0
        for d in axes:
            times, step = divmod(step, source[d])
            found += times * target[d]
        return found

    return tuple(moved(s) for s in stride), moved(offset)
