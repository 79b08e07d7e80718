"""Pooling: largest elements, means and norms of windows, as many windows as asked for, and the way back."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad import drawing, dtypes
from tapegrad.creation import from_array
from tapegrad.dispatch import apply
from tapegrad.functions.common import PUBLIC, expect_tensor, kind_name, operation
from tapegrad.functions.nn.activations import NN
from tapegrad.functions.nn.convolution import each, windows, with_batch
from tapegrad.functions.nn.padding import pad, tied
from tapegrad.functions.nn.resizing import along, within
from tapegrad.functions.several_outputs import one_node
from tapegrad.tensor import Tensor

Array = np.ndarray[Any, Any]


def _pooled_size(n: int, kernel: int, stride: int, padding: int, dilation: int, up: bool) -> int:
    """How many windows an axis has; a last one that starts inside may reach out when rounding `up`."""
    left = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-left // stride) if up else left // stride) + 1
    return count - 1 if up and (count - 1) * stride >= n + padding else count


Sizes = tuple[int, ...]


def _framed(name: str, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, up: bool, n: int, filler: float
            ) -> tuple[Any, Sizes, tuple[Sizes, Sizes, Sizes, Sizes]]:
    """What windows are cut from, padded; the padding; and the windows: sizes, strides, dilations, how many."""
    if isinstance(kernel, (list, tuple)) and len(kernel) not in (1, n):
        raise RuntimeError((
            f"{name}() " + ("kernel_size must be an int, list of ints or tuple of ints of size 1 but got size "
                            f"{len(kernel)}" if name[:3] == "max" else
                            f"argument 'kernel_size' should contain one int (got {len(kernel)})")) if n == 1 else
            f"{name}: kernel_size must {'' if name == 'avg_pool3d' else 'either '}be a single int, or a tuple of "
            f"{('two', 'three')[n - 2]} ints")
    kernel = each("kernel_size", kernel, n)
    stride = kernel if stride is None or stride == [] or stride == () else each("stride", stride, n)
    padding, dilation = each("padding", padding, n), each("dilation", dilation, n)
    if name == "max_pool1d":
        for called, (value,) in (("kernel_size", kernel), ("stride", stride)):
            if value <= 0:
                raise RuntimeError(f"max_pool1d() {called} must be greater than zero, but got {value}")
        if padding[0] < 0:
            raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {padding[0]}")
        if 2 * padding[0] > kernel[0]:
            raise RuntimeError("max_pool1d() padding should be at most half of kernel size, but got "
                               f"padding={padding[0]} and kernel_size={kernel[0]}")
    if any(s <= 0 for s in stride):
        raise RuntimeError("stride should not be zero")
    if any(k <= 0 for k in kernel):
        raise RuntimeError(f"kernel size should be greater than zero, but got {kernel[0]}")
    if any(p < 0 for p in padding):
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(padding)}")
    if any(d <= 0 for d in dilation):
        raise RuntimeError(f"{name}() dilation must be greater than zero, but got {min(dilation)}")
    if any(2 * p > (k if dilation == (1,) * n else (k - 1) * d + 1) for p, k, d in zip(padding, kernel, dilation)):
        raise RuntimeError("pad should be at most half of effective kernel size, but got "
                           f"pad={padding[0]}, kernel_size={kernel[0]} and dilation={dilation[0]}")
    sides = []
    given = x.shape[x.ndim - n:]
    pooled = [_pooled_size(*of, up) for of in zip(given, kernel, stride, padding, dilation)]
    if any(count < 1 for count in pooled):
        if name == "max_pool1d":
            raise RuntimeError(f"max_pool1d() Invalid computed output size: {pooled[0]}")
        before, after = ("x".join(map(str, (x.shape[x.ndim - n - 1], *((1,) if n == 1 else ()), *of)))
                         for of in (given, pooled))
        raise RuntimeError(f"Given input size: ({before}). Calculated output size: ({after}). Output size is too small")
    for d, (size, count) in enumerate(zip(given, pooled)):
        reach = (count - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1
        sides.append((padding[d], max(reach - size - padding[d], 0)))
    if any(map(any, sides)):
        x = pad(x, [p for side in reversed(sides) for p in side], value=filler)
    counts = tuple(_pooled_size(s, *a, up) for s, a in zip(
        [m - sum(side) for m, side in zip(x.shape[-n:], sides)], zip(kernel, stride, padding, dilation)))
    return x, padding, (tuple(kernel), tuple(stride), tuple(dilation), counts)


def _cut(x: Any, given: tuple[Sizes, Sizes, Sizes, Sizes]) -> Any:
    """Windows as rows: (…, *counts, elements)."""
    kernel, stride, dilation, counts = given
    seen, n = windows(x, kernel, stride, dilation), len(counts)
    for d, count in enumerate(counts):
        seen = seen.narrow(x.ndim - n + d, 0, count)
    return seen.flatten(-n)


def _max_pool(n: int) -> None:
    name = f"max_pool{n}d"

    def max_pool(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                 ceil_mode: bool = False, return_indices: bool = False) -> Any:
        x, batched = with_batch(name, tied(input), n)
        lowest = -math.inf if x.dtype.is_floating_point else np.iinfo(x.dtype.numpy).min
        frame, padding, cut = _framed(name, x, kernel_size, stride, padding, dilation, ceil_mode, n, lowest)
        kernel, steps, gaps, _ = cut
        if frame.dtype.is_floating_point:
            values = apply(operation("_max_of_windows"), (frame,), (("windows", cut),),
                           node=("SqueezeBackward1", "", "MaxPool3DWithIndicesBackward0")[n - 1])
            places = return_indices and apply(operation("_places_of_maxima"), (frame.detach(),), (("windows", cut),))
        else:
            values, places = _cut(frame, cut).max(-1)
        if not return_indices:
            return values if batched else values.squeeze(0)
        if any(padding):  # where all elements are infinitely small, it is the first one that is no padding
            starts = [np.maximum(-(-(p - np.arange(count) * s) // gap), 0)
                      for count, s, p, gap in zip(cut[-1], steps, padding, gaps)]
            inside = from_array(np.asarray(np.ravel_multi_index(np.ix_(*starts), kernel)))
            places = inside.where(values.detach() == lowest, places)
        indices = _flat_places(places, x, kernel, steps, padding, gaps)
        return (values, indices) if batched else (values.squeeze(0), indices.squeeze(0))

    max_pool.__name__ = max_pool.__qualname__ = name
    max_pool.__doc__ = f"The largest element of every window (`torch.nn.functional.{name}`)."
    NN[name] = PUBLIC[name] = max_pool


def _largest_of(rows: Any) -> tuple[Any, Any]:
    """The largest element of each row, and its place: of several that are NaN it is the last one's."""
    seen = rows.detach()
    places = seen.max(-1)[1]
    if seen.dtype.is_floating_point:
        nans = from_array(np.arange(seen.shape[-1])).where(seen != seen, -1).amax(-1)
        places = apply(operation("maximum"), (places, nans))
    return rows.gather(-1, places.unsqueeze(-1)).squeeze(-1), places


def _flat_places(places: Any, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Positions in windows as positions in the flattened axes."""
    n = len(kernel)
    inside = np.unravel_index(places._array(), kernel)
    grid = np.ogrid[tuple(slice(m) for m in places.shape[-n:])]
    flat = np.zeros(tuple(places.shape), np.int64)
    for d in range(n):
        flat = flat * x.shape[x.ndim - n + d] + grid[d] * stride[d] - padding[d] + inside[d] * dilation[d]
    return from_array(flat)


def _node(kind: str, n: int) -> str:
    """What a node is called: along one axis PyTorch goes through two."""
    return f"{kind}{n}DBackward0" if n > 1 else "SqueezeBackward1"


def _avg_pool(n: int) -> None:
    name = f"avg_pool{n}d"

    def avg_pool(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True, divisor_override: int | None = None) -> Any:
        x, batched = with_batch(name, tied(input), n)
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        frame, padding, cut = _framed(name, x, kernel_size, stride, padding, 1, ceil_mode, n, 0)
        kernel, steps, _, _ = cut
        total = _cut(frame, cut).sum(-1)
        divisor: Any = divisor_override or math.prod(kernel)
        if not divisor_override and (ceil_mode or not count_include_pad):
            counted = np.ones((1,) * n)
            for d in range(n):  # how much of each window is there, axis by axis
                size, p = x.shape[x.ndim - n + d], padding[d]
                start = np.arange(total.shape[total.ndim - n + d]) * steps[d] - p
                end = np.minimum(start + kernel[d], size + p)
                if not count_include_pad:
                    start, end = np.maximum(start, 0), np.minimum(end, size)
                counted = counted * (end - start).reshape(-1, *(1,) * (n - 1 - d))
            divisor = from_array(counted, x.dtype)
        # Of whole numbers, the quotient is one, towards zero.
        whole = not x.dtype.is_floating_point
        found = apply(operation("trunc_divide"), (total, divisor)) if whole else apply(
            operation("div"), (total, divisor), node=_node("AvgPool", n))
        return found if batched else found.squeeze(0)

    avg_pool.__name__ = avg_pool.__qualname__ = name
    avg_pool.__doc__ = f"The mean of every window (`torch.nn.functional.{name}`)."
    NN[name] = PUBLIC[name] = avg_pool


def _wanted(name: str, x: Any, output_size: Any, n: int) -> tuple[Any, ...]:
    """How many windows are asked for along each axis; None is as many as there are elements."""
    if isinstance(output_size, str):
        raise TypeError(f"{name}(): argument 'output_size' (position 2) must be tuple of ints, " + (
            "not str" if n == 1 else "but found element of type str at pos 0"))
    sizes = (output_size,) * n if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if n == 1 and len(sizes) != 1:
        raise RuntimeError(f"{name}() argument 'output_size' should contain one int (got {len(sizes)})")
    if n > 1 and isinstance(output_size, (list, tuple)) and x.ndim <= len(sizes):
        raise ValueError(f"Input dimension should be at least {len(sizes) + 1}")
    return sizes


def _not_along_one(name: str, x: Any) -> str:
    return (f"Expected 2 to 3 dimensions, but got {x.ndim}-dimensional tensor for argument #1 'self' (while checking "
            f"arguments for {name})")


def _no_kernel(kind: str, n: int, x: Any) -> str:
    return f"\"{kind}{max(n, 2)}d{'_cpu' * (n == 3)}\" not implemented for '{kind_name(x)}'"


def _adaptive_avg_pool(n: int) -> None:
    name = f"adaptive_avg_pool{n}d"

    def adaptive_avg_pool(input: Tensor, output_size: Any) -> Any:
        sizes = _wanted(name, input, output_size, n)
        if input.ndim not in (n + 1, n + 2):
            raise RuntimeError(_not_along_one(name, input) if n == 1 else
                               f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got {list(input.shape)}")
        if len(sizes) != n:
            raise RuntimeError(f"{name}: output_size must be {n}")
        if any(size is not None and size < 0 for size in sizes):
            every = [str(size) for size in ((1,) if n == 1 else ()) + sizes]
            raise RuntimeError(f"adaptive_avg_pool{max(n, 2)}d: elements of output_size must be greater than or equal "
                               f"to 0 but received {{{', '.join(every[:2])}{',' * (n > 2)}{','.join(every[2:])}}}")
        def averaged(x: Any) -> Any:
            for d, size in enumerate(sizes, x.ndim - n):
                x = _averaged(x, d, x.shape[d] if size is None else size)
            return x

        whole = n > 1 and {*sizes} == {1}  # which is a mean in PyTorch, too
        if not (whole or input.dtype.is_floating_point):
            raise NotImplementedError(_no_kernel("adaptive_avg_pool", n, input))
        return averaged(input) if whole else one_node(_node("AdaptiveAvgPool", n))(averaged)(input)

    adaptive_avg_pool.__name__ = adaptive_avg_pool.__qualname__ = name
    adaptive_avg_pool.__doc__ = f"Means of as many windows as asked for (`torch.nn.functional.{name}`)."
    NN[name] = adaptive_avg_pool
    if n == 1:
        PUBLIC[name] = adaptive_avg_pool


def _averaged(x: Any, d: int, out: int) -> Any:
    """Element i is the mean of those from i n / out, rounded down, to (i + 1) n / out, rounded up."""
    n = x.shape[d]
    if out and n and not n % out:
        return x.unflatten(d, (out, n // out)).mean(d + 1)
    starts = np.arange(out) * n // max(out, 1)
    ends = -(-(np.arange(out) + 1) * n // max(out, 1))
    return along(x, d, within(starts, ends, lambda places: np.broadcast_to(1 / (ends - starts), places.shape)))


for _n in (1, 2, 3):
    _max_pool(_n)
    _avg_pool(_n)
    _adaptive_avg_pool(_n)


# ---------------------------------------------------------------- of other kinds


def _largest(x: Any, places: Array) -> tuple[Any, Any]:
    """The largest of the elements at flat places (N, C, *out, window), and where it stands."""
    count, channels = x.shape[:2]
    shape = (count, channels, *places.shape[2:])
    index = from_array(np.broadcast_to(places, shape).reshape(count, channels, math.prod(shape[2:])))
    seen = x.flatten(2).gather(2, index).view(shape)
    values, found = _largest_of(seen)
    return values, index.view(shape).gather(-1, found.unsqueeze(-1)).squeeze(-1)


def _flat(axes: list[Array], sizes: tuple[int, ...]) -> Array:
    """Places along each axis (…, out, window) as places in all of them together (…, *outs, window of all)."""
    n = len(axes)
    lead = axes[0].shape[:-2]
    flat: Any = np.zeros((1,) * (len(lead) + 2 * n), np.int64)
    for d, (axis, size) in enumerate(zip(axes, sizes)):
        shape = [1] * (2 * n)
        shape[d], shape[n + d] = axis.shape[-2:]
        flat = flat * size + axis.reshape(*lead, *shape)
    return flat.reshape(*flat.shape[:len(lead) + n], math.prod(flat.shape[len(lead) + n:]))


def _with_samples(name: str, x: Any, n: int) -> tuple[Any, bool]:
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(x.shape)}")
    for d in range(x.ndim - n, x.ndim):
        if not x.shape[d]:
            raise RuntimeError(f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input "
                               f"has "
                               f"sizes {list(x.shape)} with dimension {d} being empty")
    return (x, True) if x.ndim == n + 2 else (x.unsqueeze(0), False)


def _offer(name: str, function: Any, doc: str, example: str = "") -> None:
    """A pooling that gives values, or with `return_indices` their places as well; `name_with_indices` always does."""
    for written in (function, getattr(function, "__wrapped__", function)):  # help reads what a node is made of
        written.__name__ = written.__qualname__ = name
        written.__doc__ = f"{doc} (`torch.nn.functional.{name}`).{example}"
    NN[name] = function

    def with_indices(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{**kwargs, "return_indices": True})

    with_indices.__name__ = with_indices.__qualname__ = f"{name}_with_indices"
    with_indices.__doc__ = f"`{name}`, with the places of its values."
    NN[f"{name}_with_indices"] = with_indices


def _adaptive_max_pool(n: int) -> None:
    name = f"adaptive_max_pool{n}d"

    @one_node(_node("AdaptiveMaxPool", n), 1)
    def adaptive_max_pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        if n == 1 and input.ndim not in (2, 3):
            raise RuntimeError(_not_along_one(name, input))
        x, batched = _with_samples(name, tied(input), n)
        wanted = _wanted(name, input, output_size, n)
        if len(wanted) != n:
            raise RuntimeError(f"{name}(): internal error: output_size.size() must be {n}")
        sizes = x.shape[-n:]
        if not x.dtype.is_floating_point:
            raise NotImplementedError(_no_kernel("adaptive_max_pool", n, x))
        if any(w is not None and w < 0 for w in wanted):
            shape = [*input.shape[:-n], *((1,) if n == 1 else ()), *wanted]
            raise RuntimeError("Trying to create tensor with negative dimension "
                               f"{min(w for w in wanted if w is not None)}: {shape}")
        axes = []
        for size, out in zip(sizes, (s if w is None else w for s, w in zip(sizes, wanted))):
            start = np.arange(out) * size // max(out, 1)
            end = -(-(np.arange(out) + 1) * size // max(out, 1))
            width = int((end - start).max(initial=1))
            axes.append(np.minimum(start[:, None] + np.arange(width), end[:, None] - 1))  # the last one stands in
        found = _largest(x, _flat(axes, sizes)[None, None])
        found = found if batched else tuple(f.squeeze(0) for f in found)
        return found if return_indices else found[0]

    _offer(name, adaptive_max_pool, "The largest elements of as many windows as asked for")


def _fractional_max_pool(n: int) -> None:
    name = f"fractional_max_pool{n}d"

    @one_node(_node("FractionalMaxPool", n), 1)
    def fractional_max_pool(input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
                            return_indices: bool = False, _random_samples: Any = None) -> Any:
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        x, batched = _with_samples(name, tied(input), n)
        kernel, sizes = each("kernel_size", kernel_size, n), x.shape[-n:]
        if output_size is None:
            ratio = (output_ratio,) * n if isinstance(output_ratio, float) else tuple(output_ratio)
            output_size = tuple(int(s * r) for s, r in zip(sizes, ratio))
        outs = each("output_size", output_size, n)
        for axis, size, out, k in zip(("time", "height", "width")[-n:], sizes, outs, kernel):
            if out + k - 1 > size:
                raise RuntimeError(f"{name}(): pool {axis} {k} too large relative to input {axis} {size}")
        if _random_samples is None:
            _random_samples = drawing.rand((*x.shape[:2], n), dtype=x.dtype)
        expect_tensor(name, _random_samples, "random_samples", 4)
        if min(outs) < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {min(outs)}: {[*x.shape[:2], *outs]}")
        if _random_samples.dtype is not x.dtype:
            raise RuntimeError("Expect _random_samples to have the same dtype as input")
        drawn = _random_samples.detach()._array()[:x.shape[0]]  # there may be some for a larger batch
        if drawn.ndim != 3:
            raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {drawn.ndim}")
        expected = ("no less then input batch size.", "equals to input channel size.",
                    f"equals to {n}; got {drawn.shape[2]}.")
        for d, there in enumerate((*x.shape[:2], n)):
            if drawn.shape[d] != there:
                raise RuntimeError(f"Expect _random_samples.size({d}) {expected[d]}")
        axes, kind = [], x.dtype.arithmetic.numpy.type
        for d, (size, out, k) in enumerate(zip(sizes, outs, kernel)):
            sample = drawn[..., n - 1 - d if n == 2 else d, None]
            alpha = kind((size - k) / (out - 1)) if out > 1 else kind(0)
            start = ((np.arange(out, dtype=kind) + sample) * alpha).astype(np.int64) - (
                sample * alpha).astype(np.int64)
            start[..., -1:] = size - k
            axes.append(start[..., None] + np.arange(k))
        found = _largest(x, _flat(axes, sizes))
        found = found if batched else tuple(f.squeeze(0) for f in found)
        return found if return_indices else found[0]

    _offer(name, fractional_max_pool, "The largest elements of windows that lie at random")


def _lp_pool(n: int) -> None:
    name = f"lp_pool{n}d"

    def lp_pool(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
        if math.isinf(norm_type):
            sign = math.copysign(1.0, norm_type)
            return sign * NN[f"max_pool{n}d"](sign * input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        mean = NN[f"avg_pool{n}d"](input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        total = (mean.sign() * mean.abs().relu()).mul(math.prod(each("kernel_size", kernel_size, n)))
        return total.pow(1.0 / norm_type)

    lp_pool.__name__ = lp_pool.__qualname__ = name
    lp_pool.__doc__ = f"The norm of every window (`torch.nn.functional.{name}`)."
    NN[name] = lp_pool


def _max_unpool(n: int) -> None:
    name = f"max_unpool{n}d"

    @one_node(_node("MaxUnpool", n))
    def max_unpool(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                   output_size: Any = None) -> Any:
        if input.ndim not in (n + 1, n + 2):
            raise RuntimeError(f"Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor "
                               f"with {input.ndim} dimensions.")
        x, batched = _with_samples(name, input, n)
        if indices.dtype is not dtypes.int64:
            raise RuntimeError(f"elements in indices should be type int64 but got: {kind_name(indices)}")
        if indices.shape != input.shape:
            raise RuntimeError("Expected shape of indices to be same as that of the input tensor "
                               f"({list(input.shape)}) but "
                               f"got indices tensor with shape: {list(indices.shape)}")
        kernel, sides = each("kernel_size", kernel_size, n), each("padding", padding, n)
        steps = kernel if stride is None else each("stride", stride, n)
        sizes = tuple((size - 1) * s + k - 2 * p for size, s, k, p in zip(x.shape[-n:], steps, kernel, sides))
        if output_size is not None:
            wanted = tuple(output_size)[-n:]
            if len(tuple(output_size)) not in (n, n + 2):
                raise ValueError(f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a "
                                 "length "
                                 f"of '{len(tuple(output_size))}'")
            for d, (size, step, w) in enumerate(zip(sizes, steps, wanted)):
                if not size - step < w < size + step:
                    raise ValueError(f'invalid output_size "{wanted}" (dim {d} must be between {size - step} and '
                                     f'{size + step})')
            sizes = wanted
        total = math.prod(sizes)
        index = indices.flatten(2) if batched else indices.flatten(1).unsqueeze(0)
        if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < total:
            at = int(index.min()) if int(index.min()) < 0 else int(index.max())
            raise RuntimeError(f"Found an invalid max index: {at} (output volumes are of size "
                               f"{'x'.join(map(str, sizes))})")
        found = x.new_zeros((*x.shape[:2], total)).scatter(2, index, x.flatten(2)).view(*x.shape[:2], *sizes)
        return found if batched else found.squeeze(0)

    max_unpool.__name__ = max_unpool.__qualname__ = name
    max_unpool.__doc__ = f"Values back at the places that max pooling took them from (`torch.nn.functional.{name}`)."
    NN[name] = max_unpool


for _n in (1, 2, 3):
    _adaptive_max_pool(_n)
    _lp_pool(_n)
    _max_unpool(_n)
for _n in (2, 3):
    _fractional_max_pool(_n)


def _with_indices(n: int) -> None:
    name = f"max_pool{n}d_with_indices"

    def with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                     ceil_mode: bool = False, return_indices: bool = False) -> Any:
        return NN[f"max_pool{n}d"](input, kernel_size, stride, padding, dilation, ceil_mode, True)

    with_indices.__name__ = with_indices.__qualname__ = name
    with_indices.__doc__ = f"The largest element of every window, and its place (`torch.nn.functional.{name}`)."
    NN[name] = with_indices


for _n in (1, 2, 3):
    _with_indices(_n)
PUBLIC["adaptive_max_pool1d"] = NN["adaptive_max_pool1d_with_indices"]
PUBLIC["max_pool1d_with_indices"] = NN["max_pool1d_with_indices"]
