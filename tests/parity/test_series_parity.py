"""Numbers at equal distances, to the last bit: a relu's slope at a zero among them shows it."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")

# start, step, count
STEPS = [(-8.0, 0.1, 160), (0, 0.1, 10), (1, 0.25, 7), (-3, 0.01, 601), (0.0, 0.3, 3334), (5, -0.7, 33),
         (2.5, -1e-3, 999),
         (-10.0, 0.04, 501), (0, 1, 20), (0.5, 1, 17), (1e6, 0.1, 40), (3, 0.123, 1)]
ENDS = [(-3, 3), (0, 1), (1.7, 2.25), (2, -4.5), (-7, -7), (0, 0.1), (-1e3, 1e-3)]


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("start, step, count", STEPS)
def test_arange(start, step, count, kind):
    made = [of.arange(start, start + step * (count - 0.5), step, dtype=getattr(of, kind)).numpy()
            for of in (tapegrad, torch)]
    assert len(made[0]) == count
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("kind", ["float32", "float64", "int64"])
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 8, 50, 101])
@pytest.mark.parametrize("ends", ENDS)
def test_linspace(ends, steps, kind):
    np.testing.assert_array_equal(*(of.linspace(*ends, steps, dtype=getattr(of, kind)).numpy()
                                    for of in (tapegrad, torch)))


@pytest.mark.parametrize("kind, within", [("float32", 3e-7), ("float64", 1e-15), ("int64", 0)])
@pytest.mark.parametrize("base", [10, 2.0, 0.5])
@pytest.mark.parametrize("ends, steps", [((1.7, 5.2), 7), ((0, 3), 7), ((-2, 2.5), 30), ((2, 2), 3), ((1.5, 3), 1)])
def test_logspace(ends, steps, base, kind, within):
    """Exponents are of the result's dtype: those of whole numbers are cut off."""
    found, expected = (of.logspace(*ends, steps, base, dtype=getattr(of, kind)).numpy() for of in (tapegrad, torch))
    np.testing.assert_allclose(found, expected, rtol=within, atol=0)
