"""Columns of a matrix that are picked at indices, compiled: no others are computed."""
from __future__ import annotations

import numpy as np
import pytest
from called_on_arrays import compiled

import tapegrad as torch

ROWS, COLUMNS, PICKED = 40, 500, 60
SHAPES = {"x": (ROWS, COLUMNS), "y": (ROWS, COLUMNS), "row": (COLUMNS,), "column": (ROWS, 1), "left": (ROWS, ROWS)}


def zeros_and(x):
    made = torch.zeros_like(x)
    made.add_(x)
    return made * 2


FUNCTIONS = {  # and whether other columns are left out
    "elements": (lambda x, y, row, column, left, at: (x * y + 2 * row - column)[:, at], True),
    "product": (lambda x, y, row, column, left, at: (left @ (x * row))[:, at], True),
    "product of what is given": (lambda x, y, row, column, left, at: (left @ x + column)[:, at], True),
    "sum": (lambda x, y, row, column, left, at: ((left[:, :, None] * x).sum(1) * row)[:, at], True),
    "three axes": (lambda x, y, row, column, left, at: (x[None] * left[:3, :, None] + row)[:, :, at], True),
    "zeros": (lambda x, y, row, column, left, at: zeros_and(x * row)[:, at], True),
    "turned": (lambda x, y, row, column, left, at: (y + x.mT.contiguous().mT)[:, at], True),
    "two": (lambda x, y, row, column, left, at: (lambda z: (z * 2)[:, at] + (z + y)[:, at])(x * row), True),
    "lanes": (lambda x, y, row, column, left, at: torch.func.jacfwd(
        lambda c: (left @ (x * c) * row)[:, at])(column[:6].sum((0, 1), keepdim=True)), True),
    "computed index": (lambda x, y, row, column, left, at: (left @ x)[:, at.flip(0) - 1], True),
    "read as well": (lambda x, y, row, column, left, at: (lambda z: z[:, at].sum() + z.sum())(x * y), False),
    "returned as well": (lambda x, y, row, column, left, at: (lambda z: torch.cat([z[:, at], z], 1))(x * y), False),
    "functions": (lambda x, y, row, column, left, at: (x * y).sin()[:, at], False),
    "summed over": (lambda x, y, row, column, left, at: (x - (x * y).sum(1, keepdim=True))[:, at], True),
    "rows": (lambda x, y, row, column, left, at: (x * y)[at % ROWS], False),
    "operand is written": (lambda x, y, row, column, left, at: (lambda x, z: (x.mul_(2), z[:, at])[1])(
        *(lambda x: (x, x * y + 1))(x.clone())), None),
    "index is written": (lambda x, y, row, column, left, at: (lambda at, z: (z[:, at], at.mul_(0), z[:, at])[2])(
        at.clone(), x * y), None),
}


def data(dtype):
    rng = np.random.default_rng(0)
    at = rng.integers(-COLUMNS, COLUMNS, PICKED)
    return [*(torch.from_numpy(rng.normal(size=s)).to(dtype) for s in SHAPES.values()), torch.from_numpy(at)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name, dtype):
    function, fewer = FUNCTIONS[name]
    found, expected, variant, _ = compiled(function, data(dtype))
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype is torch.float32 else 1e-13, atol=1e-5)
    if fewer is not None:
        assert (f"{ROWS * COLUMNS}]" not in variant.dump()) is fewer or name == "summed over", variant.dump()


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_what_is_not_finite_is_so_where_it_was(value):
    tensors = data(torch.float64)
    tensors[0][3] = value
    tensors[0][:, 5] = value
    tensors[4][2] = 0
    found, expected, _, _ = compiled(FUNCTIONS["product"][0], tensors)
    assert (np.isnan(found) == np.isnan(expected)).all() and (np.isinf(found) == np.isinf(expected)).all()


def test_other_indices_later_and_bad_ones():
    *rest, at = data(torch.float64)
    function = FUNCTIONS["product"][0]
    _, _, _, made = compiled(function, [*rest, at])
    other = at.flip(0)
    assert made(*rest, other).equal(function(*rest, other))
    with pytest.raises(IndexError, match="out of bounds"):
        made(*rest, at + COLUMNS)
