"""Sliding windows: convolutions, and windows as columns, in one, two or three axes.

A window is a view (`unfold`), so that overlapping windows share memory, and the gradient of all of them is gathered by
the view's own adjoint. Convolutions are operations (`ops/convolution.py`), one for each group of channels.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, errors, formats
from tapegrad.creation import from_array
from tapegrad.dispatch import apply
from tapegrad.functions.common import PUBLIC, expect_tensor, kind_name, operation
from tapegrad.functions.nn.activations import NN
from tapegrad.functions.nn.padding import pad, tied
from tapegrad.functions.several_outputs import called, one_node
from tapegrad.functions.shaping.joining import cat
from tapegrad.functions.shaping.views import unsafe_view
from tapegrad.tensor import Tensor


def each(name: str, value: Any, n: int) -> tuple[int, ...]:
    """One number for each axis."""
    given = (value,) * n if hasattr(value, "__index__") else tuple(value)
    given = given * n if len(given) == 1 else given
    if len(given) != n:
        raise RuntimeError(_too_many(name, given, n))
    return given


def _too_many(name: str, given: tuple[int, ...], n: int) -> str:
    return (f"expected {name} to be a single integer value or a list of {n} values to match the convolution "
            f"dimensions, but got {name}={list(given)}")


def windows(x: Any, sizes: tuple[int, ...], steps: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """The last axes cut into windows: (…, *places, *sizes)."""
    n = len(sizes)
    first = x.ndim - n
    for d, (size, step, gap) in enumerate(zip(sizes, steps, dilation)):
        x = x.unfold(first + d, (size - 1) * gap + 1, step)
        if gap > 1:
            x = x[..., ::gap]
    return x


def with_batch(name: str, x: Any, n: int) -> tuple[Any, bool]:
    expect_tensor(name, x)
    if x.ndim not in (n + 1, n + 2) and not name.startswith("conv"):
        raise RuntimeError(
            f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(x.shape)}" if name == "max_pool1d" else
            f"Expected 2 to 3 dimensions, but got {x.ndim}-dimensional tensor for argument #1 'self' (while checking "
            f"arguments for {name})" if n == 1 else
            f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of "
                           f"size: {list(x.shape)}")
    if not all(x.shape[1 if x.ndim == n + 2 else 0:]) and not name.startswith("conv"):
        raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size "
                           f"for input, but got: {list(x.shape)}")
    return (x, True) if x.ndim == n + 2 else (x.unsqueeze(0), False)


# ---------------------------------------------------------------- convolutions


def _check_kernels(x: Any, weight: Any, bias: Any, groups: int, transposed: bool, n: int, stride: Any) -> None:
    if weight.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if weight.ndim < n + 2:
        raise RuntimeError(_too_many("stride", each("stride", stride, n), weight.ndim - 2))
    if weight.ndim > n + 2:
        raise RuntimeError(f"expected weight to be at least {n + 2}-dimensional, but got weight of size "
                           f"{list(weight.shape)}")
    if x.dtype is not weight.dtype:
        raise RuntimeError(f"expected scalar type {kind_name(x)} but found {kind_name(weight)}" if bias is None else
                           f"Input type ({errors.C_NAMES[x.dtype.name]}) and bias type "
                           f"({errors.C_NAMES[bias.dtype.name]}) should be the same")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if weight.shape[0] % groups:
        wanted, size = ("at least", list(weight.shape)) if weight.shape[0] < groups else (
            "divisible by", [list(weight.shape)])
        raise RuntimeError(f"Given groups={groups}, expected weight to be {wanted} {groups} at dimension 0, but got "
                           f"weight of size {size} instead")
    channels, outputs = (weight.shape[0], weight.shape[1] * groups) if transposed else (
        weight.shape[1] * groups, weight.shape[0])
    if x.shape[1] != channels:
        raise RuntimeError(f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size "
                           f"{list(weight.shape)}, expected input{list(x.shape)} to have {channels} channels, but got "
                           f"{x.shape[1]} channels instead")
    if bias is not None and tuple(bias.shape) != (outputs,):
        raise RuntimeError(f"Given {'transposed=1, ' * transposed}weight of size {list(weight.shape)}, expected bias "
                           f"to be 1-dimensional with {outputs} elements, but got bias of size {list(bias.shape)} "
                           "instead")


def _convolve(x: Any, weight: Any, stride: tuple[int, ...], dilation: tuple[int, ...], groups: int) -> Any:
    """Windows times kernels; x is padded."""
    kernel = tuple(weight.shape[2:])
    for d, (size, gap) in enumerate(zip(kernel, dilation)):
        if x.shape[2 + d] < (size - 1) * gap + 1:
            raise RuntimeError(f"Calculated padded input size per channel: {sizes_text(x.shape[2:])}. Kernel size: "
                               f"{sizes_text(kernel)}. Kernel size can't be greater than actual input size")
    if _is_operation(x, weight):
        if groups == 1 and tuple(x.shape[2:]) == kernel:  # one window: a product of matrices
            product = x.reshape(x.shape[0], -1) @ weight.reshape(weight.shape[0], -1).t()
            return product.reshape(*product.shape, *(1,) * len(kernel))
        return _by_groups("_convolve", x, weight, groups, weight.shape[0] // groups, stride=stride, dilation=dilation)
    n, seen = weight.ndim - 2, windows(x, kernel, stride, dilation)
    places = tuple(seen.shape[2:2 + n])
    parts = []
    for i in range(groups):
        inputs, outputs = x.shape[1] // groups, weight.shape[0] // groups
        own = seen.narrow(1, i * inputs, inputs).movedim(1, 1 + n)  # (batch, *places, channels, *kernel)
        rows = own.reshape(x.shape[0] * math.prod(places), inputs * math.prod(kernel))
        product = rows @ weight.narrow(0, i * outputs, outputs).reshape(outputs, -1).t()
        parts.append(product.reshape(x.shape[0], *places, outputs).movedim(-1, 1))
    return cat(parts, 1)


def _is_operation(x: Any, weight: Any) -> bool:
    """Whether there are kernels for it; what there are none for is composed: of whole numbers, and of nothing."""
    return x.dtype in (dtypes.float32, dtypes.float64) and x.numel() > 0 and weight.numel() > 0


def _by_groups(name: str, x: Any, weight: Any, groups: int, rows: int, **given: Any) -> Any:
    """The operation on each group of channels, and `rows` of the kernels."""
    packed, op, width = tuple(given.items()), operation(name), x.shape[1] // groups
    if groups == 1:
        return apply(op, (x, weight), packed)
    return cat([apply(op, (x.narrow(1, i * width, width), weight.narrow(0, i * rows, rows)), packed)
                for i in range(groups)], 1)


def axis_by_axis(name: str, given: Sequence[int]) -> str:
    return " ".join(f"{name}_{axis}: {value}" for axis, value in zip(("depth", "height", "width")[-len(given):], given))


def sizes_text(shape: Any) -> str:
    return f"({' x '.join(map(str, shape))})"


def _with_bias(found: Any, bias: Any, n: int, composed: bool) -> Any:
    if bias is None:
        return called("ConvolutionBackward0", found) if composed else found
    if bias.dtype is not found.dtype:
        raise RuntimeError(f"Input type ({errors.C_NAMES[found.dtype.name]}) and bias type "
                           f"({errors.C_NAMES[bias.dtype.name]}) should be the same")
    return apply(operation("add"), (found, bias.reshape(-1, *(1,) * n)), node="ConvolutionBackward0")


def _check_steps(stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]) -> None:
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d <= 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")


def _convolution(n: int) -> None:
    name = f"conv{n}d"

    def conv(input: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
             groups: int = 1) -> Any:
        x, batched = with_batch(name, tied(input, loose=True), n)
        weight = tied(weight, loose=True)
        _check_kernels(x, weight, bias, groups, False, n, stride)
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
        _check_steps(stride, [p for side in sides for p in side], dilation)
        if any(map(any, sides)):
            x = pad(x, [p for side in reversed(sides) for p in side])
        found = _with_bias(_convolve(x, weight, stride, dilation, groups), bias, n, groups > 1)
        return found if batched else found.squeeze(0)

    conv.__name__ = conv.__qualname__ = name
    conv.__doc__ = f"Kernels applied at every place of {n} axes (`torch.nn.functional.{name}`)."
    NN[name] = PUBLIC[name] = conv


def _transposed(n: int) -> None:
    name = f"conv_transpose{n}d"

    def conv_transpose(input: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0,
                       output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Any:
        x, batched = with_batch(name, tied(input, loose=True), n)
        weight = tied(weight, loose=True)
        _check_kernels(x, weight, bias, groups, True, n, stride)
        stride, dilation = each("stride", stride, n), each("dilation", dilation, n)
        padding, more = each("padding", padding, n), each("output_padding", output_padding, n)
        _check_steps(stride, padding, dilation)
        if any(m < 0 for m in more):
            raise RuntimeError("negative output_padding is not supported")
        if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation)):
            raise RuntimeError("output padding must be smaller than either stride or dilation, but got " + " ".join(
                axis_by_axis(name, given) for name, given in (
                    ("output_padding", (0, *more)[-max(n, 2):]), ("stride", (1, *stride)[-max(n, 2):]),
                    ("dilation", (1, *dilation)[-max(n, 2):]))))
        if _is_operation(x, weight):
            sizes = tuple((size - 1) * step + d * (k - 1) + 1 for size, step, d, k in zip(
                x.shape[2:], stride, dilation, weight.shape[2:]))
            if groups == 1 and sizes == tuple(weight.shape[2:]):
                found = (x.reshape(x.shape[0], -1) @ weight.reshape(weight.shape[0], -1)).reshape(
                    x.shape[0], *weight.shape[1:])
            else:
                found = _by_groups("_convolve_back", x, weight, groups, x.shape[1] // groups, sizes=sizes,
                                   stride=stride, dilation=dilation)
            if any(padding) or any(more):
                found = pad(found, [by for p, m in reversed([*zip(padding, more)]) for by in (-p, m - p)]).contiguous()
        else:
            x = _spread(x, stride)
            sides = [(d * (k - 1) - p, d * (k - 1) - p + m)
                     for d, k, p, m in zip(dilation, weight.shape[2:], padding, more)]
            x = pad(x, [p for side in reversed(sides) for p in side])
            kernels = weight.flip(list(range(2, n + 2)))
            inputs, outputs = weight.shape[0] // groups, weight.shape[1]
            kernels = kernels.reshape(groups, inputs, outputs, *weight.shape[2:]).transpose(1, 2).reshape(
                groups * outputs, inputs, *weight.shape[2:])
            found = _convolve(x, kernels, (1,) * n, dilation, groups)
        found = _with_bias(found, bias, n, True)
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


# ---------------------------------------------------------------- windows as columns


def _check_columns(kernel: Sequence[int], dilation: Sequence[int], padding: Sequence[int], stride: Sequence[int]
                   ) -> None:
    for words, name, given in (("kernel size", "kernel", kernel), ("dilation", "dilation", dilation),
                               ("stride", "stride", stride)):
        if min(given) <= 0:
            raise RuntimeError(f"{words} should be greater than zero, but got {axis_by_axis(name, given)}")
    if min(padding) < 0:
        raise RuntimeError(f"padding should be non-negative, but got {axis_by_axis('pad', padding)}")


@one_node("Im2ColBackward0")
def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window as a column (`torch.nn.functional.unfold`)."""
    if input.ndim not in (3, 4):
        raise RuntimeError("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
                           f"dimensions for input, but got: {list(input.shape)}")
    x = input if input.ndim == 4 else input.unsqueeze(0)
    kernel, steps = each("kernel_size", kernel_size, 2), each("stride", stride, 2)
    gaps, sides = each("dilation", dilation, 2), each("padding", padding, 2)
    _check_columns(kernel, gaps, sides, steps)
    blocks = tuple((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, p, d, k, s in zip(
        x.shape[2:], sides, gaps, kernel, steps))
    if min(blocks) < 1:
        raise RuntimeError(f"Given input with spatial size {tuple(x.shape[2:])}, kernel_size={kernel}, "
                           f"dilation={gaps}, padding={sides}, calculated shape of the array of sliding blocks as "
                           f"{blocks}, but its components must be at least one.")
    if any(sides):
        x = pad(x, (sides[1], sides[1], sides[0], sides[0]))
    seen = windows(x, kernel, steps, gaps)
    batch, channels, rows, columns = seen.shape[:4]
    found = seen.permute(0, 1, 4, 5, 2, 3).clone(memory_format=formats.contiguous_format)
    return unsafe_view(found, ((batch,) if input.ndim == 4 else ()) + (channels * math.prod(kernel), rows * columns))


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
    _check_columns(kernel, gaps, sides, steps)
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
        2, from_array(places.reshape(-1)), x.unflatten(1, (channels, math.prod(kernel))).flatten(2))
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
