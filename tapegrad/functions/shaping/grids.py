"""Positions and combinations: index grids, products of sets, sequences, differences on grids."""
from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from tapegrad import dtypes, progressions, shapes
from tapegrad.creation import check_ends, check_room, from_array, wanted
from tapegrad.dispatch import apply, layout_of
from tapegrad.functions.common import PUBLIC, expect_tensor, expect_tensors, into, method, operation, public, warn
from tapegrad.functions.several_outputs import called, one_node
from tapegrad.functions.shaping.joining import cat, stack
from tapegrad.functions.shaping.views import meshgrid
from tapegrad.signatures import Ints
from tapegrad.tensor import Tensor


@public
def broadcast_shapes(*shapes_: Any) -> shapes.Size:
    """The shape that shapes broadcast to (`torch.broadcast_shapes`)."""
    given = tuple((int(s),) if isinstance(s, int) else tuple(s) for s in shapes_ if s is not None)
    if any(n < 0 for s in given for n in s):
        raise RuntimeError("Trying to create tensor with negative dimension")
    return shapes.Size(shapes.broadcast(given))


@public
def cartesian_prod(*tensors: Any) -> Any:
    """All tuples with an element of each vector (`torch.cartesian_prod`)."""
    expect_tensors(tensors)
    for x in tensors:
        if x.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([g.flatten() for g in meshgrid(*tensors, indexing="ij")], 1)


@public
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Any:
    """All choices of `r` elements of a vector (`torch.combinations`)."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    check_room(dtypes.int64, (math.comb(len(input) + (r - 1) * with_replacement, r), r))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(len(input)), r)), np.int64).reshape(-1, r)
    return called("StackBackward0", input[from_array(places)])


def _triangle_indices(name: str, places: Any) -> None:
    def function(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
                 ) -> Any:
        if row < 0 or col < 0:
            raise RuntimeError(f"{'row' if row < 0 else 'col'} must be non-negative, got {min(row, col)}")
        return from_array(np.stack(places(row, offset, col)), dtype or dtypes.int64)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Rows and columns of a matrix's triangle (`torch.{name}`)."
    public(function)


_triangle_indices("tril_indices", np.tril_indices)
_triangle_indices("triu_indices", np.triu_indices)


@public
def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Positions in a flattened array as positions along axes (`torch.unravel_index`)."""
    expect_tensor("unravel_index", indices, "indices")
    if indices.dtype.category != 1:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype!r}")
    sizes = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    found, rest = [], indices.long()
    for n in reversed(sizes):
        found.append(rest % n)
        rest = rest // n
    return tuple(reversed(found))


def _range(start: Any, end: Any, step: Any = 1, *, out: Any = None, dtype: Any = None, layout: Any = None,
           device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Any:
    """Numbers from `start` to `end`, which is one of them where it is met (`torch.range`).

    >>> import tapegrad, warnings; warnings.simplefilter("ignore")
    >>> tapegrad.range(1, 3)
    tensor([1., 2., 3.])
    """
    warn("torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
         "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).")
    dtype = out.dtype if out is not None else dtypes.default_dtype() if dtype is None else dtypes.named(dtype)
    start, end, step = (x if dtype.is_floating_point else int(x) for x in (start, end, step))
    progressions.check_range(start, end, step)
    made = from_array(np.arange(math.floor((end - start) / step) + 1) * step + start, dtype)
    return into(out, made.requires_grad_(requires_grad) if requires_grad else made)


PUBLIC["range"] = _range  # Python's own is called here, too


@public
def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, requires_grad: bool = False,
             device: Any = None, out: Any = None, layout: Any = None) -> Any:
    """Powers of a base with exponents from `start` to `end` (`torch.logspace`)."""
    check_ends("logspace", start, end)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    dtype = wanted(dtype, out) or dtypes.default_dtype()
    kind = dtype.arithmetic.numpy.type if dtype.is_floating_point else np.float64
    cut = float if dtype.is_floating_point or steps == 1 else int
    first, last = (np.float64(kind(cut(v))) for v in (start, end))
    with np.errstate(all="ignore"):
        made = from_array(np.power(float(base), progressions.between(first, last, steps)), dtype)
    return into(out, made.requires_grad_(requires_grad))


@public
def gradient(input: Tensor, *, spacing: Any = 1, dim: Ints | None = None, edge_order: int = 1) -> tuple[Any, ...]:
    """Central differences along axes, one-sided at the ends (`torch.gradient`)."""
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    dims = list(range(input.ndim)) if dim is None else [
        shapes.wrap_dim(d, input.ndim) for d in ([dim] if isinstance(dim, int) else dim)]
    if len(set(dims)) != len(dims):
        twice = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    spacing = 1 if spacing is None else spacing
    if isinstance(spacing, Tensor) and not spacing.ndim:
        spacing = spacing.item()
    steps = [spacing] * len(dims) if isinstance(spacing, (int, float)) else list(spacing)
    if isinstance(spacing, Tensor) or len(steps) != len(dims):
        raise RuntimeError("torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
                           f"'self.dim() = {input.ndim}', but got a list of length {len(steps)}")
    found = []
    for d, step in zip(dims, steps):
        n = input.shape[d]
        if n < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
        if not isinstance(step, Tensor):
            found.append(_even_difference(input, float(step), d, edge_order))
            continue
        at = step
        if at.numel() != n:
            raise RuntimeError(f"torch.gradient expected each coordinate tensor to have {n} elements")
        found.append(_difference(input, at.to(_float(input)), d, edge_order))
    return tuple(found)


def _float(x: Any) -> dtypes.dtype:
    return x.dtype if x.dtype.is_floating_point else dtypes.default_dtype()


def _even_difference(x: Any, step: float, d: int, order: int) -> Any:
    """Differences of what lies a step apart, which may be zero or infinite."""
    n = x.shape[d]
    x = x.to(_float(x))
    steps = x.narrow(d, 1, n - 1) - x.narrow(d, 0, n - 1)
    first, last = steps.narrow(d, 0, 1), steps.narrow(d, n - 2, 1)
    if order == 2:
        first = first * 1.5 - steps.narrow(d, 1, 1) * 0.5
        last = last * 1.5 - steps.narrow(d, n - 3, 1) * 0.5
    inner = (x.narrow(d, 2, n - 2) - x.narrow(d, 0, n - 2)) / 2
    return cat([first, inner, last], d) / step


def _difference(x: Any, at: Any, d: int, order: int) -> Any:
    n = x.shape[d]
    shape = tuple(-1 if i == d else 1 for i in range(x.ndim))

    def part(start: int, count: int) -> Any:
        return x.narrow(d, start, count)

    h = at[1:] - at[:-1]
    slopes = (part(1, n - 1) - part(0, n - 1)) / h.reshape(shape)
    before, after = h[:-1].reshape(shape), h[1:].reshape(shape)
    left, right = slopes.narrow(d, 0, n - 2), slopes.narrow(d, 1, n - 2)
    inner = (left * after + right * before) / (before + after)
    first, last = slopes.narrow(d, 0, 1), slopes.narrow(d, n - 2, 1)
    if order == 2:
        first = first + (first - slopes.narrow(d, 1, 1)) * (h[0] / (h[0] + h[1]))
        last = last + (last - slopes.narrow(d, n - 3, 1)) * (h[-1] / (h[-1] + h[-2]))
    return cat([first, inner, last], d)


@method
def narrow_copy(input: Tensor, dim: int, start: int, length: int, *, out: Any = None) -> Any:
    """A copy of a stretch along an axis (`torch.narrow_copy`)."""
    if dim >= input.ndim:
        raise RuntimeError(f"Expected dim < self.dim(), but got {dim} and {input.ndim}")
    return into(out, apply(operation("clone"), (input.narrow(dim, start, length),), node="NarrowCopyBackward0"))


@method
@one_node("AsStridedScatterBackward0")
def as_strided_scatter(input: Tensor, src: Tensor, size: Ints, stride: Ints, storage_offset: int | None = None) -> Any:
    """A copy with what `as_strided` would look at replaced (`torch.as_strided_scatter`)."""
    size, stride = tuple(size), tuple(stride)
    if src.shape != size:
        raise RuntimeError(f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, "
                           f"slice size = {list(size)}")
    layout = layout_of(input)
    if (layout.dense and storage_offset is None) or 0 in layout.strides:
        found = input.clone()
        found.as_strided(size, stride, storage_offset).copy_(src)
        return found
    start = input.storage_offset()
    input.as_strided(size, stride, storage_offset)  # which says what is out of bounds
    # Places are those of the memory that the input looks at, which a copy of its elements need not have.
    at = _places(layout.shape, layout.strides, start)
    written = _places(size, stride, start if storage_offset is None else storage_offset)
    last = np.full(max(at.max(initial=0), written.max(initial=0)) + 1, -1)
    last[written.ravel()] = np.arange(written.size)
    chosen = from_array(last[at])
    if not src.numel():
        return input.clone()
    values = src.reshape(-1).to(input.dtype)[chosen.clamp(0)]
    return PUBLIC["where"](chosen >= 0, values, input)


def _places(size: tuple[int, ...], stride: tuple[int, ...], start: int) -> Any:
    found = np.full(size, start)
    for d, (n, step) in enumerate(zip(size, stride)):
        found += (np.arange(n) * step).reshape((-1,) + (1,) * (len(size) - d - 1))
    return found
