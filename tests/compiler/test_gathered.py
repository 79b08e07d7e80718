"""Arithmetic on picked columns, compiled: done where they are picked, of the same values to the last bit."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch

COLUMNS = 40


def written_later(x, y, row, column, u, at, corners):
    row = row.clone()
    picked = (x * 2)[:, at]
    found = picked * row
    row.mul_(2)
    return found + picked, row * 1


FUNCTIONS = {  # and how many kernels there are that gather, and that read at indices
    "negated": (lambda x, y, row, column, u, at, corners: -(x + 1)[:, at], 1, 0),
    "with rows and columns": (lambda x, y, row, column, u, at, corners: row - (x * 2)[:, at] * column / 3, 1, 0),
    "strided": (lambda x, y, row, column, u, at, corners: (x * 2)[:, at] * u[:, 0] + u[:, 1] * 2, 1, 0),
    "three axes": (lambda x, y, row, column, u, at, corners: (y * 2)[:, :, at] * row + column[:len(y), :, None], 1, 0),
    "two of one": (lambda x, y, row, column, u, at, corners: (x * 2)[:, at] * (x + 1)[:, at], 1, 0),
    "two indices": (lambda x, y, row, column, u, at, corners: (x * 2)[:, at] * (x + 1)[:, corners[:, 1]], 1, 0),
    "a sum of two": (lambda x, y, row, column, u, at, corners: -((x * 2)[:, at] * row) + (x + 1)[:, at] * u[:, 1],
                     1, 1),
    "corners": (lambda x, y, row, column, u, at, corners: (lambda a, b, c: u[:, 0] * a + u[:, 1] * b - row * c)(
        *(y * 2)[:, :, corners].unbind(-1)), 1, 0),
    "where": (lambda x, y, row, column, u, at, corners: (lambda p: torch.where(p > row, p, -row))((x * 2)[:, at]),
              0, 1),
    "alone": (lambda x, y, row, column, u, at, corners: (x * 2)[:, at], 0, 1),
    "read as well": (lambda x, y, row, column, u, at, corners: (lambda p: (-p, p.sum()))((x * 2)[:, at]), 0, 1),
    "two results": (lambda x, y, row, column, u, at, corners: (lambda p: (-p, p + row))((x * 2)[:, at]), 0, 1),
    "summed": (lambda x, y, row, column, u, at, corners: ((x * 2)[:, at] * row).sum(1), 1, 0),
    "functions": (lambda x, y, row, column, u, at, corners: (x * 2)[:, at].sin() * row, 0, 1),
    "operand is written": (written_later, None, None),
    "lanes": (lambda x, y, row, column, u, at, corners: torch.func.jacfwd(
        lambda c: row - (x * c)[:, at] * u[:, 0])(column[:, 0].reshape(-1, 1)), None, 0),
}


def data(dtype, rows=24, picked=500):
    """x, y, row, column, u; indices."""
    rng = np.random.default_rng(0)
    shapes = (rows, COLUMNS), (rows // 3, 3, COLUMNS), (picked,), (rows, 1), (picked, 2)
    tensors = [torch.from_numpy(rng.normal(size=s)).to(dtype) for s in shapes]
    tensors[0].view(-1)[5] = np.inf
    return [*tensors, *(torch.from_numpy(rng.integers(-COLUMNS, COLUMNS, s)) for s in (picked, (picked, 3)))]


def values(found):
    return [x.numpy().copy() for x in (found if isinstance(found, tuple) else (found,))]


@pytest.mark.parametrize("rows, picked, dtype", [(24, 500, torch.float64), (39, 501, torch.float32),
                                                 (5, 1500, torch.float64)], ids=["f64", "f32", "few rows"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name, rows, picked, dtype):
    """By several rows at once, or, where most of them would be computed twice, element by element."""
    function, gathers, reads = FUNCTIONS[name]
    tensors = data(dtype, rows, picked)
    with np.errstate(all="ignore"):
        expected = values(function(*tensors))
        made = torch.compile(function, eager_build=True)
        for _ in range(4):
            found = values(made(*tensors))
    ((variant,),) = made.tapes.values()
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(a, b)
        assert (np.signbit(a) == np.signbit(b))[~np.isnan(b)].all()
    text = variant.dump()
    found = text.count("gathered("), text.count("abreast("), text.count("indexed.read")
    assert gathers is None or (sum(found[:2]), found[2]) == (gathers, reads), text
    assert name != "negated" or found[:2] == ((1, 0) if rows == 5 else (0, 1)), text


def test_bad_indices_are_refused():
    *rest, at, corners = data(torch.float64)
    made = torch.compile(FUNCTIONS["negated"][0], eager_build=True)
    for _ in range(4):
        made(*rest, at, corners)
    at = at.clone()
    at[3] = COLUMNS
    with pytest.raises(IndexError):
        made(*rest, at, corners)


@pytest.mark.parametrize("rows, columns", [(90, 2000), (3, 30_000), (18, 9000)])
def test_threads_share(rows, columns):
    x, at = torch.randn(rows, 300, dtype=torch.float64), torch.randint(300, (columns,))
    made = torch.compile(lambda: -(x * 2)[:, at], eager_build=True)
    for _ in range(4):
        found = made()
    ((variant,),) = made.tapes.values()
    assert found.numpy().tobytes() == (-(x * 2)[:, at]).numpy().tobytes() and "blocks of" in variant.dump()
