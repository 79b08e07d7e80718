"""Random streams, bit for bit those of PyTorch's CPU generator.

A `Generator` is a Mersenne Twister (NumPy's, as the raw source) plus one spare normal sample; each distribution below
takes a generator and a count and returns a flat NumPy array. Start reading at `normal`: it is the one distribution
with more than one path, and every other is a line or two on top of `_unit` (uniform) or `Generator.raw` (bits).

Two things make the bits agree, not merely the digits. PyTorch compiles these loops with fused multiply-add, so `fma`
emulates it. And it takes logarithms and cosines from two places: single-precision blocks use the polynomials of the
Cephes library, rebuilt here step by step; everything else calls the C library, as Python's `math` does. (NumPy's own
vectorised `log` and `cos` are faster and differ in the last bit for about one double in a thousand.)
"""
from __future__ import annotations

import cmath
import ctypes
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "DEFAULT_SEED", "Generator", "bernoulli", "cauchy", "exponential", "geometric", "log_normal", "multinomial",
    "normal", "randint", "random_", "randperm", "uniform",
]

Array = np.ndarray
DEFAULT_SEED = 67280421310721

# What `torch.get_rng_state()` holds, byte for byte. `spare` is the second half of the last scalar Box-Muller pair.
STATE = np.dtype([
    ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("key", "<u8", 624),
    ("unused_x", "<f8"), ("spare", "<f8"), ("unused_rho", "<f8"), ("has_spare", "<i8"),
    ("spare32", "<f4"), ("has_spare32", "<i4"),
])


def _check(ok: Any, message: str) -> None:
    if not ok:
        raise RuntimeError(message)


# --------------------------------------------------------------------------------------------- the source of bits

class Generator:
    """A source of random numbers, seeded like `torch.Generator` and in the same state after the same draws.

    >>> g = Generator().manual_seed(0)
    >>> g.raw(3)
    array([2357136044, 2546248239, 3071714933], dtype=uint64)
    >>> g.set_state(g.manual_seed(7).get_state()).initial_seed()
    7
    """

    __slots__ = ("_bits", "_fresh", "_keyed", "_memory", "_reseed", "_seed", "_spare32", "spare")

    def __init__(self) -> None:
        self._bits: Any = None  # made with the first draw, since importing numpy.random takes 11 ms
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream again from `seed`, any integer from -2**63 to 2**64 - 1; negative ones wrap round.

        >>> Generator().manual_seed(-1).initial_seed() == 2**64 - 1
        True
        """
        _check(not isinstance(seed, bool) and hasattr(seed, "__index__"),
               f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = int(seed)
        if not -2**63 <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = seed % 2**64
        self._fresh, self._keyed = True, False  # nothing drawn yet; the twister's key not yet derived from the seed
        self.spare: float | None = None
        self._spare32 = (0.0, 0)  # PyTorch's CPU code no longer reads this field; it is only handed through
        return self

    def seed(self) -> int:
        """Start again from a seed the operating system chooses, and return it.

        >>> 0 <= Generator().seed() < 2**53
        True
        """
        return self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 11).initial_seed()

    def initial_seed(self) -> int:
        """The seed this stream started from.

        >>> Generator().initial_seed()
        67280421310721
        """
        return self._seed

    def raw(self, n: int) -> Array:
        """The next `n` draws of 32 bits, as uint64.

        >>> Generator().manual_seed(1).raw(2)
        array([1791095845, 4282876139], dtype=uint64)
        """
        if self._fresh:
            self._ready()
            self._fresh = n == 0
        return self._bits.random_raw(n)

    def raw64(self, n: int) -> Array:
        """The next `n` draws of 64 bits: two of 32, the first above the second.

        >>> Generator().manual_seed(1).raw64(1)
        array([7692698082559361259], dtype=uint64)
        """
        pairs = self.raw(2 * n)
        return (pairs[::2] << np.uint64(32)) | pairs[1::2]

    def get_state(self) -> Array:
        """The whole state as bytes, in the format of `torch.get_rng_state()`.

        >>> Generator().get_state().shape
        (5056,)
        """
        twister = self._ready().state["state"]
        state = np.zeros((), STATE)
        state["seed"], state["seeded"], state["key"] = self._seed, 1, twister["key"]
        state["left"], state["next"] = (1, 0) if self._fresh else (625 - twister["pos"], twister["pos"])
        state["spare"], state["has_spare"] = self.spare or 0.0, self.spare is not None
        state["spare32"], state["has_spare32"] = self._spare32
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def set_state(self, state: Any) -> Generator:
        """Go on from a state that `get_state` or PyTorch returned.

        >>> g = Generator(); saved = g.get_state(); first = g.raw(2)
        >>> bool((g.set_state(saved).raw(2) == first).all())
        True
        """
        state = np.ascontiguousarray(state, np.uint8)
        _check(state.size == STATE.itemsize, "Expected a CPUGeneratorImplState of size "
               f"{STATE.itemsize} but found the input RNG state size to be {state.size}")
        new = state.view(STATE)[0]
        left, after = int(new["left"]), int(new["next"])
        _check(new["seeded"] == 1 and 0 < left <= 624 and after <= 624, "Invalid mt19937 state")
        self._seed = int(new["seed"])
        self._ready().state = {"bit_generator": "MT19937",
                               "state": {"key": new["key"].astype(np.uint32), "pos": 625 - left}}
        self._fresh = after == 0
        self.spare = float(new["spare"]) if new["has_spare"] else None
        self._spare32 = (float(new["spare32"]), int(new["has_spare32"]))
        return self

    def mark(self) -> tuple[Any, ...]:
        """Where the stream is, for `back_to`: `get_state` without its format, at a fiftieth of the cost.

        >>> g = Generator(); place = g.mark(); first = g.raw(2); g.back_to(place)
        >>> bool((g.raw(2) == first).all())
        True
        """
        bits = self._memory.copy() if self._keyed else None
        return self._seed, self._fresh, self._keyed, self.spare, self._spare32, bits

    def back_to(self, place: tuple[Any, ...]) -> None:
        """Go on from where the stream was at `mark`."""
        self._seed, self._fresh, self._keyed, self.spare, self._spare32, bits = place
        if bits is not None:
            self._memory[:] = bits

    def clone_state(self) -> Generator:
        """Another generator in the same state.

        >>> g = Generator(); bool(g.clone_state().raw(1) == g.raw(1))
        True
        """
        return _restored(self.get_state())

    def __reduce__(self) -> Any:
        return _restored, (self.get_state(),)

    def _ready(self) -> Any:
        if self._bits is None:
            self._bits = np.random.MT19937(0)
            words: Any = (ctypes.c_uint32 * 625).from_address(self._bits.ctypes.state_address)  # 624, the position
            self._memory = np.frombuffer(words, "u4")
            self._reseed = np.random.RandomState(self._bits).seed  # the twister's classic seeding
        if not self._keyed:
            self._reseed(self._seed & 0xFFFFFFFF)
            self._keyed = True
        return self._bits


def _restored(state: Array) -> Generator:
    return Generator().set_state(state)


# ----------------------------------------------------------------------------------- arithmetic to the last bit

def _two_sum(a: Array, b: Any) -> tuple[Array, Array]:
    """`a + b` rounded, and what the rounding lost."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _odd_sum(a: Array, b: Any) -> Array:
    """`a + b` rounded to odd: an inexact sum ends in a 1 bit, so rounding it once more cannot go astray."""
    s, lost = _two_sum(a, b)
    bits = s.view(np.int64)
    nudge = (lost != 0) & (bits & 1 == 0)
    return (bits + np.where(nudge, np.where((lost > 0) == (s > 0), 1, -1), 0)).view(np.float64)


def fma(a: Array, b: Any, c: Any) -> Array:
    """`a * b + c` rounded once, for an array and two numbers of its precision.

    >>> x = np.array([1 + 2**-30])
    >>> (x * x - (1 + 2**-29)).item(), fma(x, 1 + 2**-30, -(1 + 2**-29)).item() == 2**-60
    (0.0, True)
    """
    if c == 0 or b == 1:
        return a * b + c
    if a.dtype == np.float32:
        return _odd_sum(a.astype(np.float64) * np.float64(b), np.float64(c)).astype(np.float32)
    # Boldo and Melquiond, "Emulation of FMA and correctly rounded sums" (2008), on Dekker's exact product
    product = a * b
    (ah, al), (bh, bl) = _halves(a), _halves(np.float64(b))
    low, tail = _two_sum(((ah * bh - product) + ah * bl + al * bh) + al * bl, c)
    high, rest = _two_sum(product, low)
    return high + _odd_sum(rest, tail)


def _halves(x: Any) -> tuple[Any, Any]:
    t = x * 134217729.0
    high = t - (t - x)
    return high, x - high


def _map(function: Callable[..., Any], *arguments: Array, dtype: Any = np.float64) -> Array:
    """A function of the C library at every element: no NumPy loop of these functions returns the same last bit."""
    return np.fromiter(map(function, *(x.ravel().tolist() for x in arguments)), dtype, arguments[0].size)


# Single precision. `_fused` multiplies in double, where the product of two float32 is exact. That it then rounds twice
# (to double, to single) matters for none of the 2**24 arguments that `_log32` and `_sin_cos32` can meet: all were tried
# against `_odd_sum`, which is right for every argument and takes many more passes.

def _fused(a: Array, b: Any, c: Any) -> Array:
    return (np.multiply(a, b, dtype=np.float64) + c).astype(np.float32)


def _horner(x: Array, first: Any, *rest: Any) -> Array:
    wide, y = x.astype(np.float64), first
    for c in rest:
        y = (y * wide + c).astype(np.float32)
    return y


def _single(*values: float) -> list[np.float32]:
    return [np.float32(v) for v in values]


_SQRT_HALF, _FOUR_OVER_PI, _TWO_PI = _single(0.5**0.5, 4 / math.pi, 2 * math.pi)
_LN2 = _single(0.693359375, -2.12194440e-4)
_LOG = _single(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
               -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
_QUARTER_PI = _single(0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)
_SIN = _single(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = _single(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


def _log32(x: Array) -> Array:
    """Cephes `logf` on (0, 1]: with x = 2**e (1 + t), a polynomial in t plus e log 2."""
    m, e = np.frexp(x)
    small = m < _SQRT_HALF
    t, e = np.where(small, m + m, m) - 1, (e - small).astype(np.float32)
    t2 = t * t
    y = _fused(_horner(t, *_LOG) * t, t2, e * _LN2[1]) - t2 / 2
    return t + y + e * _LN2[0]


def _sin_cos32(x: Array) -> tuple[Array, Array]:
    """Cephes `sinf` and `cosf` on [0, 2 pi]: reduce by multiples of pi/4, then one polynomial for each."""
    octant = ((x * _FOUR_OVER_PI).astype(np.int32) + 1) & ~1
    for part in _QUARTER_PI:
        x = _fused(octant, -part, x)
    x2 = x * x
    sin = _fused(_horner(x2, *_SIN) * x2, x, x)
    cos = _fused(_horner(x2, *_COS) * x2, x2, x2 / -2) + 1
    swap = octant & 2 != 0
    sin, cos = np.where(swap, cos, sin), np.where(swap, sin, cos)
    return np.where(octant & 4, -sin, sin), np.where((octant + 2) & 4, -cos, cos)


# -------------------------------------------------------------------------------------------------- uniform, normal

def _unit32(gen: Generator, n: int) -> Array:
    return (gen.raw(n) & np.uint64(2**24 - 1)).astype(np.float32) * np.float32(2**-24)


def _unit64(gen: Generator, n: int) -> Array:
    return (gen.raw64(n) & np.uint64(2**53 - 1)).view(np.int64) * 2**-53


def _unit(gen: Generator, n: int, dtype: Any) -> Array:
    return _unit32(gen, n) if np.dtype(dtype).itemsize == 4 else _unit64(gen, n)


def uniform(gen: Generator, n: int, dtype: Any, low: float = 0.0, high: float = 1.0) -> Array:
    """Uniform samples from [low, high): `rand`, `uniform_`.

    >>> uniform(Generator().manual_seed(0), 2, np.float32)
    array([0.4962566, 0.7682218], dtype=float32)
    """
    _check(low <= high, f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    _check(high - low <= float(np.finfo(dtype).max), "uniform_ expects to-from <= std::numeric_limits<Float>::max(), "
           f"but found to={high:g} and from={low:g} which result in to-from to exceed the limit")
    u = _unit(gen, n, dtype)
    low, high = u.dtype.type(low), u.dtype.type(high)
    return fma(u, high - low, low)


def normal(gen: Generator, n: int, dtype: Any, mean: Any = 0.0, std: Any = 1.0, contiguous: bool = True) -> Array:
    """Normal samples by Box and Muller: `randn`, `normal_`, `torch.normal`.

    >>> normal(Generator().manual_seed(0), 2, np.float32)
    array([ 1.5409961, -0.2934289], dtype=float32)

    Fewer than 16 samples, and any number for a tensor that is not contiguous (`contiguous=False`), come in pairs in
    double precision, an odd one left over as the generator's spare. Otherwise they come in blocks of 16 that leave
    the spare alone. `mean` and `std` may be arrays of `n`.
    """
    if isinstance(std, Array):
        _check((std >= 0).all(), "normal expects all elements of std >= 0.0")
        return normal(gen, n, dtype) * std.astype(dtype) + np.asarray(mean, dtype)
    if isinstance(mean, Array):
        return normal(gen, n, dtype, 0.0, std) + mean.astype(dtype)
    _check(std >= 0, f"normal expects std >= 0.0, but found std {std:g}")
    if n < 16 or not contiguous:
        return fma(_pairs(gen, n), std, mean).astype(dtype, copy=False)
    z = _blocks(gen, n, dtype)
    return fma(z, z.dtype.type(std), z.dtype.type(mean))


def _pairs(gen: Generator, n: int) -> Array:
    """The scalar path: (cos, sin) pairs, written as the complex numbers they are."""
    spare = gen.spare
    if n == 0:
        return np.empty(0)
    left = n if spare is None else n - 1
    u = _unit64(gen, left + left % 2).tolist()
    pairs = [cmath.rect(math.sqrt(-2 * math.log1p(-b)), 2 * math.pi * a) for a, b in zip(u[::2], u[1::2])]
    z = np.array(pairs, np.complex128).view(np.float64)
    gen.spare = float(z[-1]) if left % 2 else None
    return z[:left] if spare is None else np.concatenate([[spare], z[:left]])


def _blocks(gen: Generator, n: int, dtype: Any) -> Array:
    """The block path: 16 uniforms (radii, then angles) make 16 normals (cosines, then sines).

    When `n` is no multiple of 16, the last 16 samples are a block of their own, of 16 further uniforms.
    """
    whole, rest = n - n % 16, n % 16
    u = _unit(gen, n + 16, dtype) if rest else _unit(gen, n, dtype)
    z = _box_muller(np.concatenate([u[:whole], u[n:]]) if rest else u)
    return np.concatenate([z[:n - 16], z[whole:]]) if rest else z


def _box_muller(u: Array, at_once: int = 2**15) -> Array:
    z = np.empty_like(u)
    kernel = _box_muller32 if u.dtype == np.float32 else _box_muller64
    for i in range(0, u.size, at_once):  # few enough for the temporaries to stay in cache
        kernel(u[i:i + at_once].reshape(-1, 2, 8), z[i:i + at_once].reshape(-1, 2, 8))
    return z


def _box_muller32(u: Array, z: Array) -> None:
    radius = np.sqrt(-2 * _log32(1 - u[:, 0].ravel()))
    sin, cos = _sin_cos32(_TWO_PI * u[:, 1].ravel())
    z[:, 0], z[:, 1] = (radius * cos).reshape(-1, 8), (radius * sin).reshape(-1, 8)


def _box_muller64(u: Array, z: Array) -> None:
    radius = np.sqrt(-2 * _map(math.log, 1 - u[:, 0]))
    pair = _map(cmath.rect, radius, 2 * math.pi * u[:, 1], dtype=np.complex128).reshape(-1, 8)
    z[:, 0], z[:, 1] = pair.real, pair.imag


# ------------------------------------------------------------------------------------------------- whole numbers

def randint(gen: Generator, n: int, low: int, high: int | None, dtype: Any = np.int64) -> Array:
    """Whole numbers from [low, high), or from `low` to the largest the dtype has: `randint`, `random_(low, high)`.

    >>> randint(Generator().manual_seed(0), 3, 0, 10)
    array([4, 9, 3])
    """
    dtype = np.dtype(dtype)
    if high is None:
        high = _top(dtype)
    elif dtype.kind == "f":
        low, high = _inside(dtype, low, high)
    span = high - low
    _check(span > 0, f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if span == 2**64:
        return gen.raw64(n).view(np.int64).astype(dtype)
    draws = gen.raw64(n) if span >= 2**28 else gen.raw(n)  # from 2**28 on, 32 bits % span would be visibly uneven
    return ((draws % np.uint64(span)).view(np.int64) + np.int64(low)).astype(dtype)


def random_(gen: Generator, n: int, dtype: Any = np.int64) -> Array:
    """Whole numbers from 0 to the largest the dtype has (for a float: the largest below which none is missing).

    >>> random_(Generator().manual_seed(0), 3, np.uint8)
    array([172,  47, 117], dtype=uint8)
    """
    dtype = np.dtype(dtype)
    draws = gen.raw64(n) if dtype.itemsize == 8 else gen.raw(n)
    return (draws % np.uint64(_top(dtype))).astype(dtype)


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


def randperm(gen: Generator, n: int) -> Array:
    """A permutation of range(n), by Fisher and Yates (from 2**32 / 20 on in their other direction, with 64-bit draws).

    >>> randperm(Generator().manual_seed(0), 4)
    array([0, 1, 3, 2])
    """
    _check(n >= 0, f"Trying to create tensor with negative dimension {n}: [{n}]")
    if n >= (2**32 - 1) // 20:
        order = np.arange(n)
        for i, j in enumerate(gen.raw64(n) % np.arange(1, n + 1, dtype=np.uint64)):
            order[i], order[j] = order[j], i
        return order
    steps = np.arange(max(n - 1, 0), dtype=np.uint64)
    swaps = list(range(n))
    for i, j in enumerate((steps + gen.raw(steps.size) % (np.uint64(n) - steps)).tolist()):
        swaps[i], swaps[j] = swaps[j], swaps[i]
    return np.array(swaps, np.int64)


def bernoulli(gen: Generator, p: Any, n: int, dtype: Any = np.float32) -> Array:
    """Ones with probability `p`: a number (compared in double precision) or an array of `n` (in its own).

    >>> bernoulli(Generator().manual_seed(0), 0.5, 4)
    array([0., 0., 1., 0.], dtype=float32)
    """
    if isinstance(p, Array):
        _check(np.all((p >= 0) & (p <= 1)), "Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
        return (_unit(gen, n, p.dtype) < p).astype(dtype)
    _check(0 <= p <= 1, f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return (_unit64(gen, n) < p).astype(dtype)


# --------------------------------------------------------------- by inversion, in double precision, rounded at the end

def exponential(gen: Generator, n: int, dtype: Any, rate: float = 1.0) -> Array:
    """Waiting times at a rate: `exponential_`.

    >>> exponential(Generator().manual_seed(0), 1, np.float64)
    array([3.50832619])
    """
    _check(rate > 0, f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    return (-1 / rate * _map(math.log1p, -_unit64(gen, n))).astype(dtype, copy=False)


def geometric(gen: Generator, n: int, dtype: Any, p: float) -> Array:
    """Trials up to the first success: `geometric_`.

    >>> geometric(Generator().manual_seed(0), 3, np.int64, 0.5)
    array([1, 1, 2])
    """
    _check(0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    return np.ceil(_map(math.log, _unit64(gen, n)) / math.log1p(-p)).astype(dtype, copy=False)


def cauchy(gen: Generator, n: int, dtype: Any, median: float = 0.0, sigma: float = 1.0) -> Array:
    """Cauchy samples: `cauchy_`.

    >>> cauchy(Generator().manual_seed(0), 1, np.float64)
    array([10.59772933])
    """
    _check(sigma > 0, f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    return fma(_map(math.tan, math.pi * (_unit64(gen, n) - 0.5)), sigma, median).astype(dtype, copy=False)


def log_normal(gen: Generator, n: int, dtype: Any, mean: float = 1.0, std: float = 2.0) -> Array:
    """Samples whose logarithm is normal: `log_normal_`.

    >>> log_normal(Generator().manual_seed(0), 1, np.float64)
    array([59.26341788])
    """
    _check(std > 0, f"log_normal_ expects std > 0.0, but found std={std:g}")
    return _map(math.exp, fma(_pairs(gen, n), std, mean)).astype(dtype, copy=False)


def multinomial(gen: Generator, weights: Array, n: int, replacement: bool = False) -> Array:
    """Draw `n` indices in proportion to weights, or `n` for each row of them.

    >>> multinomial(Generator().manual_seed(0), np.array([0.0, 1.0, 0.0]), 2, replacement=True)
    array([1, 1])
    """
    _check(weights.dtype.kind == "f", "multinomial only supports floating-point dtypes for input, got: "
           f"{weights.dtype.name.capitalize()}")
    _check(weights.ndim in (1, 2), "prob_dist must be 1 or 2 dim")
    _check(n > 0, "cannot sample n_sample <= 0 samples")
    _check(replacement or n <= weights.shape[-1],
           "cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    _check(np.all((weights >= 0) & np.isfinite(weights)),
           "probability tensor contains either `inf`, `nan` or element < 0")
    if n == 1 or not replacement:  # the n smallest waiting times, each at its weight as rate
        _check(np.all(weights.sum(-1) > 0), "invalid multinomial distribution (sum of probabilities <= 0)")
        speed = weights / exponential(gen, weights.size, weights.dtype).reshape(weights.shape)
        return np.argsort(-speed, axis=-1, kind="stable")[..., :n]
    rows = np.atleast_2d(weights)
    total = np.cumsum(rows, axis=-1)
    _check(np.all(total[:, -1] > 0), "invalid multinomial distribution (sum of probabilities <= 0)")
    total /= total[:, -1:]
    u = _unit64(gen, n * len(rows)).reshape(-1, n)
    drawn = np.array([np.searchsorted(t, x) for t, x in zip(total, u)])
    return drawn.reshape(*weights.shape[:-1], n)
