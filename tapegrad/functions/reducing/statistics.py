"""Statistics: quantiles, covariances, histograms, norms bounded."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.creation import check_room, from_array
from tapegrad.functions.common import (
    in_place,
    into,
    kind_name,
    method,
    public,
    warn,
)
from tapegrad.functions.reducing.reductions import vector_norm
from tapegrad.functions.reducing.scans_and_sorting import pairs, refuse_conditions, sort, widths
from tapegrad.functions.several_outputs import called, one_node
from tapegrad.signatures import Number
from tapegrad.tensor import Tensor


def _quantile(name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, ignore_nan: bool) -> Any:
    if input.dtype not in dtypes.FLOATING:
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
                           f"{interpolation}")
    if isinstance(q, Tensor):
        if q.ndim > 1:
            raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
        if q.dtype is not input.dtype:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    elif not isinstance(q, (int, float, np.number)):
        raise TypeError(f"{name}() received an invalid combination of arguments - got (Tensor, {type(q).__name__})")
    given = q._array() if isinstance(q, Tensor) else np.asarray(q, input.dtype.numpy)
    if ((given < 0) | (given > 1)).any():
        several = isinstance(q, Tensor)
        raise RuntimeError(f"{name if several else 'quantile'}() q {'values ' * several}must be in the range [0, 1]"
                           + ("" if several else f" but got {q:g}"))
    if dim is None:
        x, axis, shape = input.reshape(-1), 0, (1,) * input.ndim
    else:
        axis = shapes.wrap_dim(dim, input.ndim)
        x = input if input.ndim else input.reshape(1)
        shape = tuple(1 if d == axis else n for d, n in enumerate(x.shape))
    if not x.shape[axis]:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    rows = sort(x, axis)[0].movedim(axis, -1)
    array = rows._array()
    missing = np.isnan(array)
    count = (~missing).sum(-1, keepdims=True) if ignore_nan else np.full((*array.shape[:-1], 1), array.shape[-1])
    share = q.reshape(-1) if isinstance(q, Tensor) else from_array(given.reshape(-1), input.dtype)
    at = share * from_array(np.maximum(count - 1, 0), input.dtype)
    if not ignore_nan:  # where there is one, the result is NaN: it lies last
        at = at.masked_fill(from_array(missing.any(-1, keepdims=True)), array.shape[-1] - 1)
    low, high = at.floor().detach(), at.ceil().detach()
    if interpolation == "nearest":
        low = at.round().detach()
    elif interpolation == "higher":
        low = high
    found = rows.gather(-1, low.long())
    if interpolation in ("linear", "midpoint"):
        part = at.new_full(at.shape, 0.5) if interpolation == "midpoint" else at - low
        found = found.lerp(rows.gather(-1, high.long()), part)
    found = found.movedim(-1, 0)
    if keepdim:
        found = found.reshape(found.shape[0], *shape[:input.ndim])
    elif dim is None:
        found = found.reshape(found.shape[0])
    elif not input.ndim:
        found = found.reshape(found.shape[0], *input.shape)
    return found if given.ndim else found.squeeze(0)


@method
def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear",
             out: Any = None) -> Any:
    """Values below which given shares of a row lie (`torch.quantile`)."""
    return into(out, _quantile("quantile", input, q, dim, keepdim, interpolation, False))


@method
def nanquantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear",
                out: Any = None) -> Any:
    """quantile of what is not NaN (`torch.nanquantile`)."""
    return into(out, _quantile("nanquantile", input, q, dim, keepdim, interpolation, True))


@public
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The running integral by the trapezoid rule (`torch.cumulative_trapezoid`)."""
    dim = shapes.wrap_dim(dim, y.ndim)
    refuse_conditions("cumulative_trapezoid", y)
    if x is None:
        return (pairs(y, dim) * ((1 if dx is None else dx) / 2)).cumsum(dim)
    return (pairs(y, dim) * widths("cumulative_trapezoid", y, x, dim)).cumsum(dim) / 2.0


@method
def cov(input: Tensor, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """Covariances of variables in rows (`torch.cov`)."""
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} "
                           "dimensions")
    if input.dtype.category == 0:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.ndim < 2 else input
    n = x.shape[1]
    weights: Any = None
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is None:
            continue
        if w.ndim > 1:
            raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} "
                               "dimensions")
        if (w.dtype.category == 1) != (name == "fweights"):
            kinds = "integral" if name == "fweights" else "floating point"
            raise RuntimeError(f"cov(): expected {name} to have {kinds} dtype but got {name} with {kind_name(w)} dtype")
        if w.numel() != n:
            raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input "
                               f"but got {w.numel()} != {n}")
        if bool((w < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
        weights = w if weights is None else weights * w
    x = x if x.dtype.is_floating_point else x.to(dtypes.default_dtype())
    if weights is None:
        total: Any = n
        centred = x - (x.sum(1, keepdim=True) / n if n else x.sum(1, keepdim=True) * math.nan)
        norm: Any = n - correction
        scaled = centred
    else:
        total = weights.sum()
        if not float(total):
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        centred = x - (x * weights).sum(1, keepdim=True) / total
        norm = total - correction
        if correction and aweights is not None:
            norm = total - correction * (weights * aweights).sum() / total
        scaled = centred * weights
    if float(norm) <= 0:
        warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.")
    norm = max(norm, 0) if isinstance(norm, (int, float)) else norm.clamp(min=0)
    found = scaled @ centred.t() / norm
    return called("SqueezeBackward0", found.reshape(()) if found.shape[0] == 1 else found)


@method
def corrcoef(input: Tensor) -> Any:
    """Correlations of variables in rows (`torch.corrcoef`)."""
    if input.ndim > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got an input with "
                           f"{input.ndim} dimensions")
    found = cov(input)
    if not found.ndim:
        return found / found
    deviation = found.diagonal().sqrt()
    return (found / deviation.unsqueeze(1) / deviation.unsqueeze(0)).clamp(-1, 1)


@method
def bincount(input: Tensor, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number occurs (`torch.bincount`)."""
    if input.dtype.is_floating_point:
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{kind_name(input)}'")
    if input.ndim != 1 or input.dtype.category != 1 or bool(input.lt(0).any()):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is not None and (weights.ndim != 1 or len(weights) != len(input)):
        raise RuntimeError("weights should be 1-d and have the same length as input")
    given = None if weights is None else weights._array().astype(np.float64)
    found = np.bincount(input._array(), given, minlength)
    if weights is None:
        return from_array(found)
    return from_array(found.astype(np.float32 if weights.dtype.name == "float32" else np.float64))


@method
def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0, *, out: Any = None) -> Any:
    """How many elements fall in each of equal bins (`torch.histc`)."""
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{kind_name(input)}'")
    array = input._array().reshape(-1)
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    inside = array[(array >= low) & (array <= high)].astype(np.float64)
    places = np.minimum(((inside - low) * bins / (high - low)).astype(np.int64), bins - 1)
    return into(out, from_array(np.bincount(places, minlength=bins), input.dtype))


@method
@one_node("RenormBackward0")
def renorm(input: Tensor, p: Number, dim: int, maxnorm: Number, *, out: Any = None) -> Any:
    """Slices along an axis scaled down to a norm of at most `maxnorm` (`torch.renorm`)."""
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if input.ndim < 2:
        raise RuntimeError("renorm: input needs at least 2 dimensions, got "
                           f"{input.ndim} dimensions")
    dim = shapes.wrap_dim(dim, input.ndim)
    check_room(input.dtype, input.shape)
    norms = vector_norm(input, p, [d for d in range(input.ndim) if d != dim], True)
    over = norms > maxnorm
    factor = (maxnorm / (norms + 1e-7)).masked_fill(~over, 1.0)
    return into(out, input * factor)


in_place("renorm", renorm)
