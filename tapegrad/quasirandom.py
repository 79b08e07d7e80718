"""Points that fill the unit cube evenly (`torch.quasirandom`)."""
from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from tapegrad import creation, drawing, dtypes, random
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["SobolEngine"]
show_public(__name__)

BITS, MOST = 30, 21201
Array = np.ndarray[Any, Any]


@functools.cache
def _primitive() -> tuple[Array, Array]:
    """Polynomials and initial numbers of Joe and Kuo, "Constructing Sobol sequences" (2008), as SciPy ships them.

    Read from its file, for importing `scipy.stats` takes a second.
    """
    import scipy

    with np.load(Path(scipy.__file__).parent / "stats" / "_sobol_direction_numbers.npz") as found:
        return found["poly"].astype("i8"), found["vinit"].astype("i8")


def _directions(dimension: int) -> Array:
    """The direction numbers of each dimension, highest bit first."""
    polynomials, initial = _primitive()
    v = np.ones((dimension, BITS), "i8")
    for d in range(1, dimension):
        polynomial = int(polynomials[d])
        degree = polynomial.bit_length() - 1
        row = initial[d, :degree].tolist()
        for j in range(degree, BITS):
            new = row[j - degree]
            for k in range(degree):
                if polynomial >> (degree - 1 - k) & 1:
                    new ^= row[j - k - 1] << (k + 1)
            row.append(new)
        v[d] = row[:BITS]
    return v << np.arange(BITS - 1, -1, -1)


class SobolEngine:
    """A Sobol sequence, scrambled or not (`torch.quasirandom.SobolEngine`).

    >>> SobolEngine(2).draw(3)
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500]])

    Scrambled as Owen has it, by random lower triangular matrices and a random shift: with a `seed` by those of
    PyTorch, else by the default generator's. ValueError for a dimension beyond 1 to 21201.
    """

    dimension: int
    scramble: bool
    seed: int | None
    num_generated: int

    MAXBIT, MAXDIM = BITS, MOST

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= MOST:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {MOST}]")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        self._v = _directions(dimension)
        self.num_generated = 0
        self._shift = self._scrambled() if scramble else np.zeros(dimension, "i8")
        self._last = self._shift

    def _scrambled(self) -> Array:
        """Scramble the direction numbers; returns the shift."""
        generator = None if self.seed is None else random.Generator().manual_seed(self.seed)
        flips = drawing.randint(2, (self.dimension, BITS), generator=generator).numpy()
        lower = np.tril(drawing.randint(2, (self.dimension, BITS, BITS), generator=generator).numpy())
        lower[:, range(BITS), range(BITS)] = 1
        masks = lower @ (1 << np.arange(BITS - 1, -1, -1))
        mixed = np.zeros_like(self._v)
        for p in range(BITS):  # a bit of the new numbers is the parity of some of the old ones
            bits = self._v & masks[:, p, None]
            for half in (16, 8, 4, 2, 1):
                bits ^= bits >> half
            mixed |= (bits & 1) << (BITS - 1 - p)
        self._v = mixed
        return flips @ (1 << np.arange(BITS))

    def _advance(self, n: int) -> Array:
        """The next n points after the last, as whole numbers."""
        count = max(self.num_generated - 1, 0) + np.arange(n)
        zero = np.log2(~count & (count + 1)).astype("i8")  # the place of the number's lowest 0 says what is flipped
        steps = np.concatenate([self._last[None], self._v[:, zero].T])
        return np.bitwise_xor.accumulate(steps, axis=0)[1:]

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next `n` points, one a row."""
        first = self._shift[None] if self.num_generated == 0 and n else np.empty((0, self.dimension), "i8")
        points = np.concatenate([first, self._advance(n - len(first))])
        self.num_generated += n
        if n:
            self._last = points[-1]
        of = dtypes.default_dtype() if dtype is None else dtypes.named(dtype)
        kind = of.arithmetic.numpy.type
        made = creation.from_array(points.astype(kind) / kind(1 << BITS), of)
        return made if out is None else out.resize_(tuple(made.shape)).copy_(made)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next 2**m points; ValueError where all points so far would not be a power of two."""
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError("The balance properties of Sobol' points require n to be a power of 2. "
                             f"{self.num_generated} points have been previously generated, then: "
                             f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                             "'SobolEngine.draw()' instead.")
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Begin again with the first point."""
        self._last, self.num_generated = self._shift, 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave out the next `n` points."""
        if n:
            flips = self._advance(n - (self.num_generated == 0))
            self._last = flips[-1] if len(flips) else self._last
            self.num_generated += n
        return self

    def __repr__(self) -> str:
        given = [f"dimension={self.dimension}"]
        if self.scramble:
            given.append("scramble=True")
        if self.seed is not None:
            given.append(f"seed={self.seed}")
        return f"{type(self).__name__}({', '.join(given)})"
