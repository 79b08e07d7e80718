"""Kernels with several rows in a register, called as they are: whatever sizes and strides, and nothing beside them."""
from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tapegrad import dtypes
from tapegrad.machine.kernels import structural
from tapegrad.machine.kernels.structural.abreast_writer import BLOCK
from tapegrad.ops.symbols import Sym

OUTSIDE = -12345.0
COLUMNS = 0, 1, 3, 8, 21, BLOCK, BLOCK + 9


@pytest.mark.parametrize("of", [dtypes.float64, dtypes.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("length", [1, 5, 16, 37])
def test_every_size(of, length):
    rng = np.random.default_rng(length)
    item, number = of.itemsize, of.numpy.type
    x, y = (rng.normal(size=(20, 3, 40)).astype(number) for _ in range(2))
    row, column, far = (rng.normal(size=s).astype(number) for s in ((3, BLOCK + 9), (20, 3), (2 * BLOCK + 18,)))
    index = rng.integers(-length, length, (BLOCK + 9, 3))
    a, b, c, d, e, f = (Sym.operand(i, of) for i in range(6))
    calls = [ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(structural.abreast(structural.Abreast(
        of, -(a * d) + b * e - c * f, (0, 1, 0, structural.ALIKE, structural.ROWS, structural.ALIKE),
        (0, 0, 0, item, 0, 2 * item), (0, 1, 0, 0, 0, 0), (24, 24), (length, length), halves))) for halves in (
            False, True)]
    strides = [s for o in (x, y, x) for s in (*o.strides[:2], 0)]
    rows = np.arange(20)[:, None, None], np.arange(3)[:, None]
    for outer, inner, columns in [(rows, turns, columns) for columns in COLUMNS for rows, turns in (
            (1, 1), (7, 3), (8, 1), (17, 2), (20, 1)) if columns <= 21 or rows == 17]:
        out = np.full((outer, inner, columns + 3), OUTSIDE, number)
        nest = np.array([3, 0, outer, inner, columns, *out.strides, *strides, 0, row.strides[0], item, *column.strides,
                         0, 0, 0, 2 * item, 0, 0, 24, 0, 0, 24], "i8")
        pointers = np.array([v.ctypes.data for v in (out, x, y, x, row, column, far, index[:, 0], index[:, 2])], "i8")
        one, two = (v[rows[0][:outer], rows[1][:inner], index[:columns, k]] for v, k in ((x[..., :length], 0),
                                                                                       (y[..., :length], 2)))
        expected = (-(one * row[:inner, :columns]) + two * column[:outer, :inner, None]) - one * far[:2 * columns:2]
        for call in calls:
            out[...] = OUTSIDE
            assert call(pointers.ctypes.data, nest.ctypes.data) == 0
            np.testing.assert_array_equal(out[..., :columns], expected)
            assert (out[..., columns:] == OUTSIDE).all()
