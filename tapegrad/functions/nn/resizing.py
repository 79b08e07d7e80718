"""Images in other sizes: read between their elements, or with channels spread over rows and columns."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dtypes, formats
from tapegrad.creation import from_array
from tapegrad.functions.common import PUBLIC, method
from tapegrad.functions.nn.activations import NN, nn
from tapegrad.functions.several_outputs import one_node
from tapegrad.named_tuples import NamedTuple
from tapegrad.tensor import Tensor


class Mix(NamedTuple):
    """Which elements of an axis make up an element of another, and by how much: both (terms, elements).

    No matrix, for what is no number is to reach the elements that it is a part of, and no other.
    """

    places: np.ndarray[Any, Any]
    weights: np.ndarray[Any, Any]


def within(first: np.ndarray[Any, Any], last: np.ndarray[Any, Any], weigh: Callable[[Any], Any]) -> Mix:
    """Windows up to, and without, `last`; where one is shorter than others its first element comes in equal parts."""
    terms = np.arange((last - first).max(initial=1))[:, None]
    inside = terms < last - first
    places = np.where(inside, first + terms, first)
    weights = weigh(places)
    split = inside.sum(0) < len(terms)
    parts = np.where(split, len(terms) - inside.sum(0) + 1, 1)
    return Mix(places, np.where(places == first, weights / parts, weights))


def along(x: Any, dim: int, mix: Mix) -> Any:
    """An axis whose elements are mixed."""
    shape = mix.places.shape
    picked = x.index_select(dim, from_array(mix.places.reshape(-1))).unflatten(dim, shape)
    return (picked * from_array(mix.weights.reshape(*shape, *(1,) * (x.ndim - dim - 1)), x.dtype)).sum(dim)


def _shuffled(name: str, input: Tensor, factor: int) -> None:
    if input.ndim < 3:
        raise RuntimeError(f"{name} expects input to have at least 3 dimensions, but got input with "
                           f"{input.ndim} dimension(s)")
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive factor, but got {factor}")


@nn
@method
@one_node("PixelShuffleBackward0")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Any:
    """Channels spread over finer rows and columns (`torch.nn.functional.pixel_shuffle`)."""
    _shuffled("pixel_shuffle", input, upscale_factor)
    *batch, channels, rows, columns = input.shape
    f = upscale_factor
    if channels % (f * f):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
                           f"upscale_factor, but input.size(-3)={channels} is not divisible by {f * f}")
    b = len(batch)
    x = input.reshape(*batch, channels // (f * f), f, f, rows, columns)
    x = x.permute(*range(b), b, b + 3, b + 1, b + 4, b + 2).clone(memory_format=formats.contiguous_format)
    return x.reshape(*batch, channels // (f * f), rows * f, columns * f)


@nn
@method
@one_node("PixelUnshuffleBackward0")
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Any:
    """Blocks of rows and columns as channels (`torch.nn.functional.pixel_unshuffle`)."""
    _shuffled("pixel_unshuffle", input, downscale_factor)
    *batch, channels, rows, columns = input.shape
    f = downscale_factor
    for axis, d, n in (("height", -2, rows), ("width", -1, columns)):
        if n % f:
            raise RuntimeError(f"pixel_unshuffle expects {axis} to be divisible by downscale_factor, but "
                               f"input.size({d})={n} is not divisible by {f}")
    b = len(batch)
    x = input.reshape(*batch, channels, rows // f, f, columns // f, f)
    x = x.permute(*range(b), b, b + 2, b + 4, b + 1, b + 3).clone(memory_format=formats.contiguous_format)
    return x.reshape(*batch, channels * f * f, rows // f, columns // f)


_MODES: dict[str, tuple[int, ...]] = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "bicubic": (2,), "trilinear": (3,)}


@nn
def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Any:
    """An image in another size (`torch.nn.functional.interpolate`).

    `mode` is "nearest", "nearest-exact" or "area", or "linear", "bilinear" and "bicubic", "trilinear" for one, two,
    three axes. With `antialias` an image that becomes smaller is smoothed as it needs. Raises NotImplementedError for a
    mode that the input has not the axes for, ValueError for options that do not go with it.
    """
    n = input.ndim - 2
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    for name, there, given in (("output size of", "Input and output", size), (
            "scale_factor of shape", "Input and scale_factor", scale_factor)):
        if isinstance(given, (list, tuple)) and len(given) != n:
            form = "output size in (o1, o2, ...,oK)" if given is size else "scale_factor in (s1, s2, ...,sK)"
            raise ValueError(f"{there} must have the same number of spatial dimensions, but got input with spatial "
                             f"dimensions of {list(input.shape[2:])} and {name} {given}. Please provide input tensor "
                             f"in (N, C, d1, d2, ...,dK) format and {form} format.")
    if size is not None and recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if n not in _MODES.get(mode, ()):
        one = _MODES.get(mode, ()) if 1 <= n <= 3 and mode != "bicubic" else ()
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {one[0] + 2}D input" if one else (
            "Input Error: Only 3D, 4D and 5D input Tensors supported "
            f"(got {input.ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | "
            f"nearest-exact (got {mode})"))
    if mode in ("nearest", "nearest-exact", "area") and align_corners is not None:
        raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | "
                         "bicubic "
                         "| trilinear")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D "
                         "tensor as input")
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    factors: tuple[Any, ...] = (None,) * n
    if scale_factor is not None:
        factors = tuple(scale_factor) if isinstance(scale_factor, (list, tuple)) else (scale_factor,) * n
        sizes = tuple(math.floor(m * f) for m, f in zip(input.shape[2:], factors))
        if recompute_scale_factor:
            factors = (None,) * n
    else:
        sizes = tuple(size) if isinstance(size, (list, tuple)) else (size,) * n
    if mode == "area":
        return NN[f"adaptive_avg_pool{n}d"](input, sizes)
    if not all(hasattr(out, "__index__") for out in sizes):
        raise TypeError(f"upsample_{mode.replace('-', '_')}{n}d() received an invalid combination of arguments - got "
                        "(Tensor, list, NoneType)")
    if min(*input.shape[2:], *sizes) <= 0:
        before, after = (", ".join(f"{axis}: {m}" for axis, m in zip("DHW"[-n:], of))
                         for of in (input.shape[2:], sizes))
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input ({before})"
                           f"{' and' * (n == 1)} output ({after})")
    weights = _smoothed if antialias else _among_four if mode == "bicubic" else _between

    def resized(x: Any) -> Any:
        if mode[:7] == "nearest":
            for d, (out, factor) in enumerate(zip(sizes, factors), 2):
                m = x.shape[d]
                step = np.float32(1 / factor if factor else m / out)
                first = np.arange(out) + np.float32(0.5 if mode == "nearest-exact" else 0)
                places = np.minimum((first.astype(np.float32) * step).astype(np.int64), m - 1)
                x = x.index_select(d, from_array(places))
            return x
        for d in range(x.ndim - 1, 1, -1):  # PyTorch's order: of whole numbers it rounds after each axis
            given = x.shape[d], sizes[d - 2], factors[d - 2], bool(align_corners), mode
            x = (_along_bytes if x.dtype is dtypes.uint8 else along)(x, d, weights(*given))
        return x

    called = "".join(part.capitalize() for part in mode.split("-"))
    return one_node(f"Upsample{called}{n}D{'Aa' * bool(antialias)}Backward0")(resized)(input)


def _along_bytes(x: Any, d: int, mix: Mix) -> Any:
    """`along` for whole numbers below 256, with weights of 16 bits, as PyTorch rounds them."""
    weights = mix.weights
    bits = next(b for b in range(22) if int(0.5 + weights.max() * 2 ** (b + 1)) >= 2 ** 15)
    whole = np.trunc(weights * 2 ** bits + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
    return ((along(x.long(), d, Mix(mix.places, whole)) + 2 ** (bits - 1)) >> bits).clamp(0, 255).byte()


def _scale(n: int, out: int, factor: Any, corners: bool) -> float:
    if corners:
        return (n - 1) / (out - 1) if out > 1 else 0.0
    return 1 / factor if factor else n / out


def _between(n: int, out: int, factor: Any, corners: bool, mode: str) -> Mix:
    """The two elements that place i lies between."""
    scale = _scale(n, out, factor, corners)
    at = np.arange(out) * scale if corners else np.maximum((np.arange(out) + 0.5) * scale - 0.5, 0)
    left = np.minimum(at.astype(np.int64), n - 1)
    right, part = np.minimum(left + (n != out), n - 1), at - left
    return Mix(np.stack([left, right]), np.stack([1 - part, part]))


def _cubic(x: np.ndarray[Any, Any], a: float) -> np.ndarray[Any, Any]:
    """How much an element weighs at this distance, of cubic convolution (Keys, 1981)."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _among_four(n: int, out: int, factor: Any, corners: bool, mode: str) -> Mix:
    """The four elements around place i; beyond the border stands the last one."""
    scale = _scale(n, out, factor, corners)
    at = np.arange(out) * scale if corners else (np.arange(out) + 0.5) * scale - 0.5
    places = np.floor(at).astype(np.int64) + np.arange(-1, 3)[:, None]
    return Mix(np.clip(places, 0, n - 1), _cubic(at - places, -0.75))


def _smoothed(n: int, out: int, factor: Any, corners: bool, mode: str) -> Mix:
    """All elements within reach of place i, which is as wide as the places are apart."""
    scale = _scale(n, out, factor, corners)
    wide = max(scale, 1.0)
    reach = (2.0 if mode == "bicubic" else 1.0) * wide
    centre = scale * (np.arange(out) + 0.5)
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + reach + 0.5).astype(np.int64), n)

    def weigh(places: Any) -> Any:
        far = (places - centre + 0.5) / wide
        return _cubic(far, -0.5) if mode == "bicubic" else np.maximum(1 - np.abs(far), 0.0)

    mix = within(first, last, weigh)
    return Mix(mix.places, mix.weights / mix.weights.sum(0))


NN["upsample"] = interpolate


def _upsample(name: str, mode: str, align_corners: bool | None) -> None:
    def upsample(input: Tensor, size: Any = None, scale_factor: Any = None) -> Any:
        return interpolate(input, size, scale_factor, mode, align_corners)

    upsample.__name__ = upsample.__qualname__ = name
    upsample.__doc__ = f"`interpolate` of one mode (`torch.nn.functional.{name}`)."
    NN[name] = upsample


_upsample("upsample_nearest", "nearest", None)
_upsample("upsample_bilinear", "bilinear", True)


@nn
@one_node("ChannelShuffleBackward0")
def channel_shuffle(input: Tensor, groups: int) -> Any:
    """Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`)."""
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    channels = input.shape[1]
    if channels % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {channels} channels and {groups} "
                           "groups.")
    parts = input.reshape(input.shape[0], groups, channels // groups, *input.shape[2:])
    return parts.transpose(1, 2).clone(memory_format=formats.contiguous_format).reshape(input.shape)


PUBLIC["channel_shuffle"] = NN["native_channel_shuffle"] = PUBLIC["native_channel_shuffle"] = channel_shuffle
