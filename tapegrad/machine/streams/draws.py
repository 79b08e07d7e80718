"""The distributions: each takes a generator, how many numbers and of which dtype, and returns a flat NumPy array.

Most take `out` too, the address of memory for so many numbers that is written instead. Start reading at `normal`: it is
the one distribution with more than one path.
"""
from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad.machine.startup import address_of
from tapegrad.machine.streams import loading
from tapegrad.machine.streams.generator import Array, Generator
from tapegrad.named_tuples import NamedTuple

_LARGEST = {4: float(np.finfo(np.float32).max), 8: float(np.finfo(np.float64).max)}
_FLOAT, _DOUBLE, _LONG, _BYTE = map(np.dtype, ("f4", "f8", "i8", "u1"))


class Run(NamedTuple):
    """A kernel's call: `n` numbers of dtype `made`, for memory at `out` if they are as they are wanted."""

    gen: Generator
    kernel: str
    n: int
    made: Any
    a: float
    b: float
    given: Array | None
    out: int | None

    @property
    def address(self) -> int:
        """Where the kernel is."""
        return loading.address(self.kernel)


_watched: list[Run] | None = None  # what is told of every run, while somebody wants to know


def runs_of(draw: Callable[[], Any]) -> list[Run]:
    """Draw; returns the kernels' calls, with perhaps some that other threads made meanwhile."""
    global _watched
    runs = _watched = []
    try:
        draw()
    finally:
        _watched = None
    return runs


def _run(gen: Generator, kernel: str, n: int, dtype: Any, made: Any, a: float = 0.0, b: float = 0.0,
         given: Array | None = None, out: int | None = None) -> Any:
    """What a kernel that makes numbers of dtype `made` writes, as `dtype`; None once it is written to `out`."""
    where = 0 if given is None else address_of(given)
    watched = _watched  # read once: other threads' watches begin and end
    if watched is not None:
        watched.append(Run(gen, kernel, n, made, a, b, given, out))
    if out is not None and dtype is made:
        gen.run(kernel, out, n, a, b, where)
        return None
    array = np.empty(n, made)
    gen.run(kernel, _content(array), n, a, b, where)
    return handed(array.astype(dtype, copy=False), out)


def handed(array: Array, out: int | None) -> Any:
    """An array, or None once its numbers are written to `out`."""
    if out is None:
        return array
    if array.size:
        ctypes.memmove(out, _content(array), array.nbytes)
    return None


def _content(array: Array) -> int:
    """The address of an array that this call has made: a quarter of a microsecond, where `address_of` takes one."""
    return ctypes.addressof(ctypes.c_char.from_buffer(array.data)) if array.size else 0


def uniform(gen: Generator, n: int, dtype: Any, low: float = 0.0, high: float = 1.0, *, out: int | None = None) -> Any:
    """Uniform samples from [low, high): `rand`, `uniform_`.

    >>> uniform(Generator().manual_seed(0), 2, np.float32)
    array([0.4962566, 0.7682218], dtype=float32)
    """
    dtype = np.dtype(dtype)
    if not low <= high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if not high - low <= _LARGEST[dtype.itemsize]:
        raise RuntimeError("uniform_ expects to-from <= std::numeric_limits<Float>::max(), but found to="
                           f"{high:g} and from={low:g} which result in to-from to exceed the limit")
    return _run(gen, "uniform32" if dtype.itemsize == 4 else "uniform64", n, dtype, dtype, low, high, out=out)


def normal(gen: Generator, n: int, dtype: Any, mean: Any = 0.0, std: Any = 1.0, contiguous: bool = True, *,
           out: int | None = None) -> Any:
    """Normal samples by Box and Muller: `randn`, `normal_`, `torch.normal`.

    >>> normal(Generator().manual_seed(0), 2, np.float32)
    array([ 1.5409961, -0.2934289], dtype=float32)

    Fewer than 16 samples, and any number for a tensor that is not contiguous (`contiguous=False`), come in pairs in
    double precision, an odd one left over as the generator's spare. Otherwise they come in blocks of 16 that leave
    the spare alone. `mean` and `std` may be arrays of `n`.
    """
    dtype = np.dtype(dtype)
    if isinstance(std, Array):
        if np.any(std < 0):
            raise RuntimeError("normal expects all elements of std >= 0.0")
        return handed(normal(gen, n, dtype) * std.astype(dtype) + np.asarray(mean, dtype), out)
    if isinstance(mean, Array):
        return handed(normal(gen, n, dtype, 0.0, std) + mean.astype(dtype), out)
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if n < 16 or not contiguous:
        return _run(gen, "pairs", n, dtype, _DOUBLE, mean, std, out=out)
    return _run(gen, "normal32" if dtype.itemsize == 4 else "normal64", n, dtype, dtype, mean, std, out=out)


# ------------------------------------------------------------------------------------------------- whole numbers

def randint(gen: Generator, n: int, dtype: Any, low: int, high: int | None, *, out: int | None = None) -> Any:
    """Whole numbers from [low, high), or from `low` to the largest the dtype has: `randint`, `random_(low, high)`.

    >>> randint(Generator().manual_seed(0), 3, np.int64, 0, 10)
    array([4, 9, 3])
    """
    dtype = np.dtype(dtype)
    if high is None:
        high = _top(dtype)
    elif dtype.kind == "f":
        low, high = _inside(dtype, low, high)
    span = high - low
    if span <= 0:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if span == 2**64:
        return handed(gen.raw64(n).view(np.int64).astype(dtype, copy=False), out)
    # From 2**28 on, 32 bits modulo the span would be visibly uneven.
    given = np.array([low % 2**64, span, span >= 2**28], "u8")
    return _run(gen, "integers", n, dtype, _LONG, given=given, out=out)


def random_(gen: Generator, n: int, dtype: Any, *, out: int | None = None) -> Any:
    """Whole numbers from 0 to the largest the dtype has (for a float: the largest below which none is missing).

    >>> random_(Generator().manual_seed(0), 3, np.uint8)
    array([172,  47, 117], dtype=uint8)
    """
    dtype = np.dtype(dtype)
    given = np.array([0, _top(dtype), dtype.itemsize == 8], "u8")
    return _run(gen, "integers", n, dtype, _LONG, given=given, out=out)


def _top(dtype: np.dtype[Any]) -> int:
    """One more than the largest whole number drawn for a dtype."""
    if dtype.kind == "f":
        return 2 ** (np.finfo(dtype).nmant + 1) + 1
    return 2 if dtype.kind == "b" else int(np.iinfo(dtype).max) + 1


def _inside(dtype: np.dtype[Any], low: int, high: int) -> tuple[int, int]:
    """Move a bound inwards whose neighbour in the range rounds, in a float dtype, to the bound or beyond it."""
    digits = np.finfo(dtype).nmant + 1
    least, most = int(dtype.type(low + 1)), int(dtype.type(high - 1))
    if least < low:
        low = least + 2 ** ((low + 1).bit_length() - digits)
    if most >= high:
        high = most - 2 ** ((high - 1).bit_length() - digits)
    return low, high


def randperm(gen: Generator, n: int, dtype: Any, *, out: int | None = None) -> Any:
    """A permutation of range(n).

    >>> randperm(Generator().manual_seed(0), 4, np.int64)
    array([0, 1, 3, 2])
    """
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    return _run(gen, "permutation", n, np.dtype(dtype), _LONG, out=out)


def bernoulli(gen: Generator, n: int, dtype: Any, p: float, *, out: int | None = None) -> Any:
    """Ones with probability `p`: `bernoulli_`.

    >>> bernoulli(Generator().manual_seed(0), 4, np.float32, 0.5)
    array([0., 0., 1., 0.], dtype=float32)
    """
    dtype = np.dtype(dtype)
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    kernel, made = {"f4": ("ones32", _FLOAT), "f8": ("ones64", _DOUBLE)}.get(dtype.str[1:], ("ones8", _BYTE))
    return _run(gen, kernel, n, dtype, made, p, out=out)


# --------------------------------------------------------------- by inversion, in double precision, rounded at the end

def exponential(gen: Generator, n: int, dtype: Any, rate: float = 1.0, *, out: int | None = None) -> Any:
    """Waiting times at a rate: `exponential_`.

    >>> exponential(Generator().manual_seed(0), 1, np.float64)
    array([3.50832619])
    """
    if not rate > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    return _run(gen, "exponential", n, np.dtype(dtype), _DOUBLE, rate, out=out)


def geometric(gen: Generator, n: int, dtype: Any, p: float, *, out: int | None = None) -> Any:
    """Trials up to the first success: `geometric_`.

    >>> geometric(Generator().manual_seed(0), 3, np.int64, 0.5)
    array([1, 1, 2])
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    return _run(gen, "geometric", n, np.dtype(dtype), _DOUBLE, p, out=out)


def cauchy(gen: Generator, n: int, dtype: Any, median: float = 0.0, sigma: float = 1.0, *, out: int | None = None
           ) -> Any:
    """Cauchy samples: `cauchy_`.

    >>> cauchy(Generator().manual_seed(0), 1, np.float64)
    array([10.59772933])
    """
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    return _run(gen, "cauchy", n, np.dtype(dtype), _DOUBLE, median, sigma, out=out)


def log_normal(gen: Generator, n: int, dtype: Any, mean: float = 1.0, std: float = 2.0, *, out: int | None = None
               ) -> Any:
    """Samples whose logarithm is normal: `log_normal_`.

    >>> log_normal(Generator().manual_seed(0), 1, np.float64)
    array([59.26341788])
    """
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    return _run(gen, "log_normal", n, np.dtype(dtype), _DOUBLE, mean, std, out=out)


# ------------------------------------------------------------------------------ as many parameters as there are numbers

def poisson(gen: Generator, n: int, dtype: Any, rates: Array, *, out: int | None = None) -> Any:
    """Counts of events that come at `rates`: `torch.poisson`.

    >>> poisson(Generator().manual_seed(0), 2, np.float64, np.array([1.0, 20.0]))
    array([ 2., 28.])
    """
    if not np.all(rates >= 0):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return _run(gen, "poisson", n, np.dtype(dtype), _DOUBLE, given=np.ascontiguousarray(rates, "f8"), out=out)


def binomial(gen: Generator, n: int, dtype: Any, counts: Array, chances: Array, *, out: int | None = None) -> Any:
    """Successes among `counts` trials: `torch.binomial`.

    >>> binomial(Generator().manual_seed(0), 2, np.float64, np.array([10.0, 100.0]), np.array([0.5, 0.5]))
    array([ 7., 51.])
    """
    dtype, given = np.dtype(dtype), np.concatenate([counts.reshape(-1), chances.reshape(-1)])
    return _run(gen, f"binomial{8 * dtype.itemsize}", n, dtype, dtype, given=given, out=out)


def gamma(gen: Generator, n: int, dtype: Any, shapes: Array, *, out: int | None = None) -> Any:
    """Gamma samples at the rate 1: `torch._standard_gamma`.

    >>> gamma(Generator().manual_seed(0), 2, np.float64, np.array([1.0, 0.5])).round(4)
    array([2.8824, 0.0055])
    """
    dtype = np.dtype(dtype)
    return _run(gen, f"gamma{8 * dtype.itemsize}", n, dtype, dtype, given=np.ascontiguousarray(shapes), out=out)


def dirichlet(gen: Generator, n: int, dtype: Any, concentration: Array, *, out: int | None = None) -> Any:
    """Samples of the simplex, one for each row of concentrations: `torch._sample_dirichlet`.

    >>> dirichlet(Generator().manual_seed(0), 2, np.float64, np.array([[1.0, 0.5]])).round(4)
    array([0.9981, 0.0019])
    """
    kind = concentration.dtype.type
    found = gamma(gen, n, _DOUBLE, concentration.astype("f8")).reshape(concentration.shape)
    share = (found / _summed(found)[..., None]).astype(kind)
    return handed(np.clip(share, np.finfo(kind).tiny, np.nextafter(kind(1), kind(0))).reshape(-1), out)


def _summed(rows: Array) -> Array:
    """Sums of rows of doubles in PyTorch's order: four vectors of four lanes, and whole chunks of them set aside."""
    lanes = rows[..., :rows.shape[-1] // 4 * 4].reshape(*rows.shape[:-1], -1, 4)
    turns = lanes.shape[-2] // 4
    levels = [np.zeros((*rows.shape[:-1], 4, 4)) for _ in range(4)]
    for i in range(turns):
        levels[0] = levels[0] + lanes[..., 4 * i:4 * i + 4, :]
        for j in (1, 2, 3):
            if (i + 1) % 16**j:
                break
            levels[j], levels[j - 1] = levels[j] + levels[j - 1], np.zeros_like(levels[0])
    of_vectors = levels[0] + levels[1] + levels[2] + levels[3]
    vector = of_vectors[..., 0, :]
    for i in range(4 * turns, lanes.shape[-2]):
        vector = vector + lanes[..., i, :]
    for k in (1, 2, 3):
        vector = vector + of_vectors[..., k, :]
    total = np.zeros(rows.shape[:-1])
    for k in range(4 * lanes.shape[-2], rows.shape[-1]):
        total = total + rows[..., k]
    for k in range(4):
        total = total + vector[..., k]
    return total


def multinomial(gen: Generator, n: int, dtype: Any, weights: Array, *, out: int | None = None) -> Any:
    """`n` indices in all, so many for each row of weights and in proportion to them, again and again.

    >>> multinomial(Generator().manual_seed(0), 2, np.int64, np.array([0.0, 1.0, 0.0]))
    array([1, 1])
    """
    rows = np.atleast_2d(weights)
    total = np.cumsum(rows, axis=-1)
    total /= total[:, -1:]
    u = uniform(gen, n, _DOUBLE).reshape(len(rows), -1)
    return handed(np.concatenate([np.searchsorted(t, x) for t, x in zip(total, u)]), out)
