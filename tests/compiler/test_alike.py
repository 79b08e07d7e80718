"""Large arrays of equal rows, or of equal numbers, compiled: a row, or a number, of the same values to the last bit."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch

LANES, ROWS, COLUMNS = 20, 30, 200
SHAPES = {"x": (COLUMNS,), "y": (ROWS, COLUMNS), "z": (LANES, ROWS, COLUMNS), "column": (ROWS, 1), "u": (COLUMNS, 2)}


def filled(x, y, z, column, u):
    made = torch.zeros_like(z)
    made.add_(y)
    made[3] = 1
    return made * x + z


def written_later(x, y, z, column, u):
    y = y.clone()
    made = y.expand(LANES, ROWS, COLUMNS) * 2
    y.mul_(3)
    return made * z, y * 1


FUNCTIONS = {  # and whether anything of LANES times ROWS rows is left that is not a result
    "row": (lambda x, y, z, column, u: (y.expand(LANES, ROWS, COLUMNS) * 2) * z, False),
    "rows of rows": (lambda x, y, z, column, u: (x.expand(LANES, ROWS, COLUMNS) * 2) * y * z, False),
    "part": (lambda x, y, z, column, u: (y.expand(LANES, ROWS, COLUMNS) * 2)[2:5, 1:, 3:] * z[2:5, 1:, 3:], False),
    "flat": (lambda x, y, z, column, u: (y.expand(LANES, ROWS, COLUMNS) * 2).reshape(-1) * z.reshape(-1), False),
    "flat part": (lambda x, y, z, column, u: (y.expand(LANES, ROWS, COLUMNS) * 2).reshape(-1)[7:] * z.reshape(-1)[7:],
                  None),
    "turned": (lambda x, y, z, column, u: (y.expand(LANES, ROWS, COLUMNS) * 2).mT.contiguous() * z.mT, None),
    "regrouped": (lambda x, y, z, column, u: (lambda a: a.view(ROWS, LANES, COLUMNS) * z.view(ROWS, LANES, COLUMNS))(
        y.expand(LANES, ROWS, COLUMNS) * 2), None),
    "zeros": (lambda x, y, z, column, u: (torch.zeros(LANES, ROWS, COLUMNS, dtype=x.dtype) * y - 0.0) * z, False),
    "negative zeros": (lambda x, y, z, column, u: -torch.zeros(LANES, ROWS, COLUMNS, dtype=x.dtype) + z * 0, False),
    "added to": (lambda x, y, z, column, u: torch.zeros(LANES, ROWS, COLUMNS, dtype=x.dtype).add_(y).mul(z), None),
    "filled": (filled, None),
    "operand is written": (written_later, None),
    "returned": (lambda x, y, z, column, u: (lambda a: (a, a * z))(y.expand(LANES, ROWS, COLUMNS) * 2), None),
    "summed": (lambda x, y, z, column, u: (lambda a: a.sum(0) + a.sum((0, 1)) + a.max())(
        y.expand(LANES, ROWS, COLUMNS) * 2), None),
    "functions": (lambda x, y, z, column, u: (y.expand(LANES, ROWS, COLUMNS) * 2).sin() * z, None),
    "constant": (lambda x, y, z, column, u: (torch.full((LANES, ROWS, COLUMNS), 3.0, dtype=x.dtype) + 1) / z, None),
    "lanes": (lambda x, y, z, column, u: torch.func.jacfwd(lambda a, b: a[:, None] * x + b * (u * 2)[:, 0] * x)(
        column[:, 0], column), None),
}


def data(dtype):
    rng = np.random.default_rng(0)
    tensors = [torch.from_numpy(rng.normal(size=s)).to(dtype) for s in SHAPES.values()]
    tensors[0][5], tensors[0][9], tensors[1][3, 4] = np.inf, -0.0, np.nan
    return tensors


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name, dtype):
    function, large = FUNCTIONS[name]
    tensors = data(dtype)
    made = torch.compile(function, eager_build=True)
    with np.errstate(all="ignore"):
        for _ in range(4):
            expected, found = function(*tensors), made(*tensors)
            for a, b in zip(*((x if isinstance(x, tuple) else (x,)) for x in (found, expected))):
                np.testing.assert_array_equal(a.numpy(), b.numpy())
                assert (np.signbit(a.numpy()) == np.signbit(b.numpy()))[~np.isnan(b.numpy())].all()
            tensors[1].mul_(-1)
    ((variant,),) = made.tapes.values()
    size = variant.program.size
    assert large is None or (size < LANES * ROWS * COLUMNS * dtype.itemsize) is not large, (size, variant.dump())
