"""Sliding windows: convolutions, pooling and their kin, in one, two or three axes.

A window is a view (`unfold`), so that overlapping windows share memory, and the gradient of all of them is gathered by
the view's own adjoint. A convolution is one matrix product of the windows and the kernels.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad import errors
from tapegrad.creation import from_array
from tapegrad.dispatch import apply
from tapegrad.functions.common import PUBLIC, expect_tensor, kind_name, operation
from tapegrad.functions.nn.activations import NN
from tapegrad.functions.nn.padding import pad, tied
from tapegrad.functions.shaping.joining import cat
from tapegrad.tensor import Tensor


def each(name: str, value: Any, n: int) -> tuple[int, ...]:
    """One number for each axis."""
    given = (value,) * n if hasattr(value, "__index__") else tuple(value)
    given = given * n if len(given) == 1 else given
    if len(given) != n:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {n} values to match the "
                           f"convolution dimensions, but got {name}={list(given)}")
    return given


def windows(x: Any, sizes: tuple[int, ...], steps: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """The last axes cut into windows: (…, *places, *sizes)."""
    n = len(sizes)
    first = x.ndim - n
    for d, (size, step, gap) in enumerate(zip(sizes, steps, dilation)):
        x = x.unfold(first + d, (size - 1) * gap + 1, step)
        if gap > 1:
            x = x[..., ::gap]
    return x


def _batched(name: str, x: Any, n: int) -> tuple[Any, bool]:
    expect_tensor(name, x)
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of "
                           f"size: {list(x.shape)}")
    if not all(x.shape[1 if x.ndim == n + 2 else 0:]) and not name.startswith("conv"):
        raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size "
                           f"for input, but got: {list(x.shape)}")
    return (x, True) if x.ndim == n + 2 else (x.unsqueeze(0), False)


# ---------------------------------------------------------------- convolutions


def _check_kernels(name: str, x: Any, weight: Any, channels: int, n: int) -> None:
    if weight.ndim != n + 2:
        raise RuntimeError(f"expected weight to be at least {n + 2}-dimensional, but got weight of size "
                           f"{list(weight.shape)}")
    if x.dtype is not weight.dtype:
        raise RuntimeError(f"Input type ({kind_name(x)}) and weight type ({kind_name(weight)}) should be the same")
    if x.shape[1] != channels:
        raise RuntimeError(f"Given weight of size {list(weight.shape)}, expected input{list(x.shape)} to have "
                           f"{channels} channels, but got {x.shape[1]} channels instead")


def _convolve(x: Any, weight: Any, stride: tuple[int, ...], dilation: tuple[int, ...], groups: int) -> Any:
    """Windows times kernels; x is padded."""
    n = weight.ndim - 2
    kernel = tuple(weight.shape[2:])
    for d, (size, gap) in enumerate(zip(kernel, dilation)):
        if x.shape[2 + d] < (size - 1) * gap + 1:
            raise RuntimeError(f"Calculated padded input size per channel: {_sizes(x.shape[2:])}. Kernel size: "
                               f"{_sizes(kernel)}. Kernel size can't be greater than actual input size")
    seen = windows(x, kernel, stride, dilation)
    places = tuple(seen.shape[2:2 + n])
    parts = []
    for i in range(groups):
        inputs, outputs = x.shape[1] // groups, weight.shape[0] // groups
        own = seen.narrow(1, i * inputs, inputs).movedim(1, 1 + n)  # (batch, *places, channels, *kernel)
        rows = own.reshape(x.shape[0] * math.prod(places), inputs * math.prod(kernel))
        product = rows @ weight.narrow(0, i * outputs, outputs).reshape(outputs, -1).t()
        parts.append(product.reshape(x.shape[0], *places, outputs).movedim(-1, 1))
    return parts[0] if groups == 1 else cat(parts, 1)


def _sizes(shape: Any) -> str:
    return f"({' x '.join(map(str, shape))})"


def _with_bias(found: Any, bias: Any, n: int) -> Any:
    if bias is None:
        return found
    if bias.dtype is not found.dtype:
        raise RuntimeError(f"Input type ({errors.C_NAMES[found.dtype.name]}) and bias type "
                           f"({errors.C_NAMES[bias.dtype.name]}) should be the same")
    return found + bias.reshape(-1, *(1,) * n)


def _convolution(n: int) -> None:
    name = f"conv{n}d"

    def conv(input: Tensor, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
             groups: int = 1) -> Any:
        x, batched = _batched(name, tied(input, loose=True), n)
        weight = tied(weight, loose=True)
        _check_kernels(name, x, weight, weight.shape[1] * groups, n)
        stride, dilation = each("stride", stride, n), each("dilation", dilation, n)
        reach = [(k - 1) * d for k, d in zip(weight.shape[2:], dilation)]
        if padding == "same":
            if any(s != 1 for s in stride):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            sides = [(r // 2, r - r // 2) for r in reach]
        elif isinstance(padding, str):
            if padding != "valid":
                raise RuntimeError(f"Invalid padding string: '{padding}'")
            sides = [(0, 0)] * n
        else:
            sides = [(p, p) for p in each("padding", padding, n)]
        if any(s <= 0 for s in stride):
            raise RuntimeError("non-positive stride is not supported")
        if min(map(min, sides), default=0) < 0:
            raise RuntimeError("negative padding is not supported")
        if weight.shape[0] % groups:
            raise RuntimeError(f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
                               f"but got weight of size {list(weight.shape)} instead")
        if any(map(any, sides)):
            x = pad(x, [p for side in reversed(sides) for p in side])
        found = _with_bias(_convolve(x, weight, stride, dilation, groups), bias, n)
        return found if batched else found.squeeze(0)

    conv.__name__ = conv.__qualname__ = name
    conv.__doc__ = f"Kernels applied at every place of {n} axes (`torch.nn.functional.{name}`)."
    NN[name] = PUBLIC[name] = conv


def _transposed(n: int) -> None:
    name = f"conv_transpose{n}d"

    def conv_transpose(input: Tensor, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
                       output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Any:
        x, batched = _batched(name, tied(input, loose=True), n)
        weight = tied(weight, loose=True)
        _check_kernels(name, x, weight, weight.shape[0], n)
        stride, dilation = each("stride", stride, n), each("dilation", dilation, n)
        padding, more = each("padding", padding, n), each("output_padding", output_padding, n)
        for d in range(n):
            if more[d] >= max(stride[d], dilation[d]):
                raise RuntimeError("output padding must be smaller than either stride or dilation, but got "
                                   f"output_padding={list(more)} stride={list(stride)} dilation={list(dilation)}")
        x = _spread(x, stride)
        sides = [(d * (k - 1) - p, d * (k - 1) - p + m)
                 for d, k, p, m in zip(dilation, weight.shape[2:], padding, more)]
        x = pad(x, [p for side in reversed(sides) for p in side])
        kernels = weight.flip(list(range(2, n + 2)))
        inputs, outputs = weight.shape[0] // groups, weight.shape[1]
        kernels = kernels.reshape(groups, inputs, outputs, *weight.shape[2:]).transpose(1, 2).reshape(
            groups * outputs, inputs, *weight.shape[2:])
        found = _with_bias(_convolve(x, kernels, (1,) * n, dilation, groups), bias, n)
        return found if batched else found.squeeze(0)

    conv_transpose.__name__ = conv_transpose.__qualname__ = name
    conv_transpose.__doc__ = f"The adjoint of a convolution in {n} axes (`torch.nn.functional.{name}`)."
    NN[name] = PUBLIC[name] = conv_transpose


def _spread(x: Any, stride: tuple[int, ...]) -> Any:
    """Zeros between neighbours, so that they are `stride` apart."""
    for d, step in enumerate(stride, 2):
        if step > 1:
            n = x.shape[d]
            wide = pad(x.movedim(d, -1).unsqueeze(-1), (0, step - 1))
            x = wide.reshape(*wide.shape[:-2], n * step).movedim(-1, d).narrow(d, 0, n * step - step + 1)
    return x


for _n in (1, 2, 3):
    _convolution(_n)
    _transposed(_n)


# ---------------------------------------------------------------- pooling


def _pooled_size(n: int, kernel: int, stride: int, padding: int, dilation: int, up: bool) -> int:
    """How many windows an axis has; a last one that starts inside may reach out when rounding `up`."""
    left = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-left // stride) if up else left // stride) + 1
    return count - 1 if up and (count - 1) * stride >= n + padding else count


def _pool_windows(name: str, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, up: bool, n: int,
                  filler: float) -> tuple[Any, tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    kernel = each("kernel_size", kernel, n)
    stride = kernel if stride is None or stride == [] or stride == () else each("stride", stride, n)
    padding, dilation = each("padding", padding, n), each("dilation", dilation, n)
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
    for d in range(n):
        size = x.shape[x.ndim - n + d]
        count = _pooled_size(size, kernel[d], stride[d], padding[d], dilation[d], up)
        if count < 1:
            raise RuntimeError(f"{name}: Given input size {_sizes(x.shape[-n:])}, the calculated output size is too "
                               "small")
        reach = (count - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1
        sides.append((padding[d], max(reach - size - padding[d], 0)))
    if any(map(any, sides)):
        x = pad(x, [p for side in reversed(sides) for p in side], value=filler)
    counts = tuple(_pooled_size(s, *a, up) for s, a in zip(
        [m - sum(side) for m, side in zip(x.shape[-n:], sides)], zip(kernel, stride, padding, dilation)))
    seen = windows(x, kernel, stride, dilation)
    for d, count in enumerate(counts):
        seen = seen.narrow(x.ndim - n + d, 0, count)
    return seen, kernel, stride, padding


def _max_pool(n: int) -> None:
    name = f"max_pool{n}d"

    def max_pool(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                 ceil_mode: bool = False, return_indices: bool = False) -> Any:
        x, batched = _batched(name, tied(input), n)
        lowest = -math.inf if x.dtype.is_floating_point else np.iinfo(x.dtype.numpy).min
        seen, kernel, steps, padding = _pool_windows(
            name, x, kernel_size, stride, padding, dilation, ceil_mode, n, lowest)
        values, places = seen.flatten(-n).max(-1)
        if batched:
            return (values, _flat_places(places, x, kernel, steps, padding, each("dilation", dilation, n))
                    ) if return_indices else values
        indices = _flat_places(places, x, kernel, steps, padding, each("dilation", dilation, n))
        return (values.squeeze(0), indices.squeeze(0)) if return_indices else values.squeeze(0)

    max_pool.__name__ = max_pool.__qualname__ = name
    max_pool.__doc__ = f"The largest element of every window (`torch.nn.functional.{name}`)."
    NN[name] = PUBLIC[name] = max_pool


def _flat_places(places: Any, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Positions in windows as positions in the flattened axes."""
    n = len(kernel)
    inside = np.unravel_index(places._array(), kernel)
    grid = np.ogrid[tuple(slice(m) for m in places.shape[-n:])]
    flat = np.zeros(tuple(places.shape), np.int64)
    for d in range(n):
        flat = flat * x.shape[x.ndim - n + d] + grid[d] * stride[d] - padding[d] + inside[d] * dilation[d]
    return from_array(flat)


def _avg_pool(n: int) -> None:
    name = f"avg_pool{n}d"

    def avg_pool(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True, divisor_override: int | None = None) -> Any:
        x, batched = _batched(name, tied(input), n)
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        seen, kernel, steps, padding = _pool_windows(name, x, kernel_size, stride, padding, 1, ceil_mode, n, 0)
        total = seen.flatten(-n).sum(-1)
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
        found = apply(operation("trunc_divide"), (total, divisor)) if whole else total / divisor
        return found if batched else found.squeeze(0)

    avg_pool.__name__ = avg_pool.__qualname__ = name
    avg_pool.__doc__ = f"The mean of every window (`torch.nn.functional.{name}`)."
    NN[name] = PUBLIC[name] = avg_pool


def _adaptive_avg_pool(n: int) -> None:
    name = f"adaptive_avg_pool{n}d"

    def adaptive_avg_pool(input: Tensor, output_size: Any) -> Any:
        if n > 1 and input.ndim < 3:
            raise ValueError(f"Input dimension should be at least {n + 1}")
        if input.ndim not in (n + 1, n + 2):
            raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got {list(input.shape)}")
        sizes = (output_size,) * n if output_size is None or isinstance(output_size, int) else tuple(output_size)
        if len(sizes) != n:
            raise RuntimeError(f"{name}: output_size must be {n}")
        if any(size is not None and size < 0 for size in sizes):
            raise RuntimeError(f"adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but "
                               f"received {list(sizes)}")
        for d, size in enumerate(sizes, input.ndim - n):
            input = along(input, d, _shares(input.shape[d], input.shape[d] if size is None else size))
        return input

    adaptive_avg_pool.__name__ = adaptive_avg_pool.__qualname__ = name
    adaptive_avg_pool.__doc__ = f"Means of as many windows as asked for (`torch.nn.functional.{name}`)."
    NN[name] = adaptive_avg_pool
    if n == 1:
        PUBLIC[name] = adaptive_avg_pool


def _shares(n: int, out: int) -> np.ndarray[Any, Any]:
    """Row i averages the elements from i n / out, rounded down, to (i + 1) n / out, rounded up."""
    shares = np.zeros((out, n))
    for i in range(out):
        start, end = i * n // out, -(-(i + 1) * n // out)
        shares[i, start:end] = 1 / (end - start)
    return shares


def along(x: Any, dim: int, matrix: np.ndarray[Any, Any]) -> Any:
    """A matrix applied to an axis."""
    last = x.movedim(dim, -1)
    return (last @ from_array(matrix.T.copy(), x.dtype)).movedim(-1, dim)


for _n in (1, 2, 3):
    _max_pool(_n)
    _avg_pool(_n)
    _adaptive_avg_pool(_n)


# ---------------------------------------------------------------- windows as columns


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window as a column (`torch.nn.functional.unfold`)."""
    if input.ndim not in (3, 4):
        raise RuntimeError("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
                           f"dimensions for input, but got: {list(input.shape)}")
    x = input if input.ndim == 4 else input.unsqueeze(0)
    kernel, steps = each("kernel_size", kernel_size, 2), each("stride", stride, 2)
    gaps, sides = each("dilation", dilation, 2), each("padding", padding, 2)
    if any(sides):
        x = pad(x, (sides[1], sides[1], sides[0], sides[0]))
    seen = windows(x, kernel, steps, gaps)
    batch, channels, rows, columns = seen.shape[:4]
    found = seen.permute(0, 1, 4, 5, 2, 3).reshape(batch, channels * math.prod(kernel), rows * columns)
    return found if input.ndim == 4 else found.squeeze(0)


def fold(input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
         ) -> Any:
    """Columns added up where their windows lie: the adjoint of `unfold` (`torch.nn.functional.fold`)."""
    if input.ndim not in (2, 3):
        raise RuntimeError("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
                           "dimensions "
                           f"for input, but got: {list(input.shape)}")
    x = input if input.ndim == 3 else input.unsqueeze(0)
    given = {"output_size": output_size, "kernel_size": kernel_size, "dilation": dilation, "padding": padding,
             "stride": stride}
    out, kernel, gaps, sides, steps = (each(name, value, 2) for name, value in given.items())
    if min(*kernel, *gaps, *steps) <= 0:
        raise RuntimeError("kernel size, stride and dilation should be greater than zero")
    channels, left = divmod(x.shape[1], math.prod(kernel))
    if left:
        raise RuntimeError("Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
                           "got "
                           f"input.size(1)={x.shape[1]} and kernel_size={kernel}.")
    counts = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(out, sides, gaps, kernel, steps))
    if x.shape[2] != math.prod(counts) or min(counts) < 1:
        raise RuntimeError(f"Given output_size={out}, kernel_size={kernel}, dilation={gaps}, padding={sides}, "
                           f"stride={steps}, "
                           f"expected size of input's dimension 2 to match the calculated number of sliding blocks "
                           f"{counts[0]} * {counts[1]} = {math.prod(counts)}, but got input.size(2)={x.shape[2]}.")
    wide = tuple(n + 2 * p for n, p in zip(out, sides))
    rows, columns = (np.arange(k)[:, None] * d + np.arange(c) * s for k, d, c, s in zip(kernel, gaps, counts, steps))
    places = rows[:, None, :, None] * wide[1] + columns[None, :, None, :]  # (kernel, kernel, place, place)
    total = x.new_zeros((x.shape[0], channels, math.prod(wide))).index_add(
        2, from_array(places.reshape(-1)), x.reshape(x.shape[0], channels, -1))
    found = total.view(x.shape[0], channels, *wide)[:, :, sides[0]:wide[0] - sides[0], sides[1]:wide[1] - sides[1]]
    return found if input.ndim == 3 else found.squeeze(0)


NN["unfold"], NN["fold"] = unfold, fold


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Any:
    """A convolution in one axis of (time, batch, channel) (`torch.nn.functional.conv_tbc`)."""
    if input.ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel.")
    if weight.ndim != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    return NN["conv1d"](input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)


NN["conv_tbc"] = PUBLIC["conv_tbc"] = conv_tbc
