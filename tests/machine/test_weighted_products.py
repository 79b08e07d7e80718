"""Weighted sums of products, emitted: every edge, and nothing beside what is written."""
from __future__ import annotations

import ctypes
import itertools

import numpy as np
import pytest

from tapegrad.dtypes import float32, float64
from tapegrad.machine.kernels.lowering import vector_bytes
from tapegrad.machine.kernels.products import weighted
from tapegrad.machine.llvm import jit

if weighted.kernels(float64, 3, 4) is None:
    pytest.skip("BLAS does the products of this machine", allow_module_level=True)

DTYPES = {np.float32: float32, np.float64: float64}
WIDTHS = [w for w in (32, 64) if w <= vector_bytes()[0]]
COLUMNS = 1, 3, 4, 7, 8, 9, 15, 16, 17, 33


def load(of, width, rows, depth):
    """The kernels for a vector width of our choice."""
    text = weighted.source(of, width, rows, depth)
    found = jit.load_object("weighted", jit.compile_ir(text, 1, optimise=False), ["store", "add"], ())
    return [ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(found[n]) for n in ("store", "add")]


@pytest.mark.parametrize("one", [False, True], ids=["many", "one"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows, depth", [(3, 4), (4, 1), (1, 7)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes(dtype, rows, depth, width, one):
    kernels = load(DTYPES[dtype], width, rows, depth)
    for columns in COLUMNS:
        rng = np.random.default_rng(columns)
        lanes, many = 3, 5
        a = rng.standard_normal((lanes, many, rows + 1, depth)).astype(dtype)[:, :, :rows]
        a[0, 1:4], a[1, 0, 1:], a[2] = 0, 0, -0.0
        b = rng.standard_normal((1 if one else many, depth, columns + 2)).astype(dtype)[:, :, :columns]
        w = rng.standard_normal((many, columns + 1)).astype(dtype)[:, :columns]
        around = rng.standard_normal((lanes, rows, columns + 1)).astype(dtype)
        made = np.einsum("lmrk,mkc->lmrc", a.astype(float), np.broadcast_to(b, (many, *b.shape[1:])).astype(float))
        sums = (made * w[:, None]).sum(1)
        for kernel, adds in zip(kernels, (0, 1)):
            found = around.copy()
            c = found[:, :, :columns]
            strides = [[*c.strides, 0, 0], [a.strides[0], a.strides[2], 0, a.strides[1], a.strides[3]],
                       [0, 0, b.strides[2], 0 if one else b.strides[0], b.strides[1]],
                       [0, 0, w.strides[1], w.strides[0], 0]]
            nest = np.array([3, 2, lanes, rows, columns, many, depth, *itertools.chain(*strides)], "i8")
            pointers = np.array([x.ctypes.data for x in (c, a, b, w)], "u8")
            assert kernel(pointers.ctypes.data, nest.ctypes.data) == 0
            before = around[:, :, :columns]
            np.testing.assert_allclose(c, sums + adds * before, rtol=0, atol=200 * np.finfo(dtype).eps)
            c[...] = before
            assert np.array_equal(found, around), f"wrote beside c: {columns, adds}"
