"""Indexed reads and writes, and the check before them, against NumPy: every mode, dtype, kind of row and nest."""
from __future__ import annotations

import ctypes

import numpy as np
import pytest

import tapegrad as torch
from tapegrad import dtypes
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import loop_helpers, structural
from tapegrad.machine.kernels.structural.indexed import (
    BLOCK,
    FAILED,
    MODES,
    OFFENDING,
    SHORT,
    check_nest,
    check_text,
    walk_nest,
    walk_text,
)
from tapegrad.machine.llvm import jit

ALL = [dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.float32,
       dtypes.float64]


def function(address):
    return ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(address)


def call(kernel, nest, *arrays):
    pointers = np.array([a.ctypes.data for a in arrays], "u8")
    return kernel(pointers.ctypes.data, nest.ctypes.data)


def combined(mode, of, a, b):
    """What one step of a mode makes of two elements."""
    if mode in ("read", "write"):
        return b
    if of is dtypes.bool_:
        return a | b if mode in ("add", "max") else a & b
    if mode in ("add", "mul"):
        return a + b if mode == "add" else a * b
    return a if (a >= b if mode == "max" else a <= b) or a != a else b


def walk(mode, of, shape, base, base_strides, value, indices, kernel=None):
    """Run the kernel, and the same in Python; `indices` are (array, its strides over `shape`, axis), in elements."""
    expected_base, expected = base.copy(), value.copy()
    views = [np.lib.stride_tricks.as_strided(i, shape, [s * 8 for s in strides]) for i, strides, _ in indices]
    flat, item = expected_base.reshape(-1), of.itemsize
    for at in np.ndindex(*shape):
        place = int(np.dot(at, base_strides))
        for view, (_, _, axis) in zip(views, indices):
            place += int(view[at]) % base.shape[axis] * (base.strides[axis] // item)
        if mode == "read":
            expected[at] = flat[place]
        else:
            with np.errstate(all="ignore"):
                flat[place] = combined(mode, of, flat[place], value[at])
    strides = [value.strides, [s * item for s in base_strides]]
    arrays = [value, base]
    if mode != "read":
        strides, arrays = strides[::-1], arrays[::-1]
    nest = walk_nest(shape, [*strides, *([s * 8 for s in own] for _, own, _ in indices)],
                     [(base.strides[axis], base.shape[axis]) for _, _, axis in indices])
    found = kernel or function(structural.indexed(mode, of))
    assert call(found, nest, *arrays, *(i for i, _, _ in indices)) == 0
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(base, expected_base)


def values(rng, of, shape):
    if of is dtypes.bool_:
        return rng.random(shape) < 0.5
    if of.category == 1:
        return rng.integers(-100 if of.is_signed else 0, 100, shape).astype(of.numpy)
    x = rng.standard_normal(shape).astype(of.numpy)
    x[rng.random(shape) < 0.1] = np.nan
    x[rng.random(shape) < 0.1] = -0.0
    return x


def indices(rng, size, shape):
    return rng.integers(-size, size, shape)


def along_rows(rng, of, n, width):
    """Rows of a matrix: the walked shape, base, its strides in the walk, and the indices."""
    return (n, width), values(rng, of, (7, width)), (0, 1), [(indices(rng, 7, n), (1, 0), 0)]


def along_last(rng, of, n, width):
    return (n, width), values(rng, of, (n, 5)), (5, 0), [(indices(rng, 5, (n, width)), (width, 1), 1)]


def selected(rng, of, n, width):
    return (n, width), values(rng, of, (n, 5)), (5, 0), [(indices(rng, 5, width), (0, 1), 1)]


def two(rng, of, n, width):
    """Two index operands that are broadcast against each other, around an axis of their own."""
    return (n, width, 3), values(rng, of, (4, 3, 6)), (0, 0, 6), [
        (indices(rng, 4, n), (1, 0, 0), 0), (indices(rng, 6, width), (0, 1, 0), 2)]


def three(rng, of, n, width):
    shape = (2, n, width)
    base = values(rng, of, (3, 4, 5, 2))
    return shape, base, (1, 0, 0), [(indices(rng, s, (n, width)), (0, width, 1), d) for d, s in enumerate((3, 4, 5))]


def none(rng, of, n, width):
    return (n, width), values(rng, of, (n, width + 2)), (width + 2, 1), []


def columns(rng, of, n, width):
    """Rows that are strided in base."""
    return (n, width), values(rng, of, (width, 6)), (0, 6), [(indices(rng, 6, n), (1, 0), 1)]


def deep(rng, of, n, width):
    """Loops that cannot be joined."""
    shape = (2, 3, n, width)
    base = values(rng, of, (4, 3, 2, 3, width + 1))
    return shape, base, (3 * (width + 1), 2 * 3 * (width + 1), 0, 1), [(indices(rng, 4, (2, n)), (n, 0, 1, 0), 0)]


WALKS = [along_rows, along_last, selected, two, three, none, columns, deep]
SIZES = [(1, 1), (3, 1), (1, SHORT), (5, SHORT + 1), (4, 70), (BLOCK + 9, 1), (2, BLOCK + 3), (0, 3), (3, 0)]


@pytest.mark.parametrize("of", ALL, ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_against_numpy(mode, of):
    rng = np.random.default_rng(0)
    for make in WALKS:
        for n, width in SIZES[::1 if of.itemsize == 4 else 2]:
            shape, base, strides, own = make(rng, of, n, width)
            walk(mode, of, shape, base, strides, values(rng, of, shape), own)


STRETCHED = {
    "backwards": lambda make, n, width: make(n, width)[::-1, ::-1],
    "every second": lambda make, n, width: make(2 * n, 2 * width)[::2, ::2],
    "transposed": lambda make, n, width: make(width, n).T,
    "constant": lambda make, n, width: np.broadcast_to(make(1, 1), (n, width)),
    "constant rows": lambda make, n, width: np.broadcast_to(make(n, 1), (n, width)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("of", [dtypes.uint8, dtypes.int64, dtypes.float32], ids=str)
@pytest.mark.parametrize("kind", STRETCHED)
def test_strides_of_the_value(mode, of, kind):
    rng = np.random.default_rng(1)
    for n, width in ((4, 3), (3, 150), (6, 1)):
        shape, base, strides, own = along_rows(rng, of, n, width)
        value = STRETCHED[kind](lambda *sizes: values(rng, of, sizes), n, width)
        if mode != "read" or not kind.startswith("constant"):
            walk(mode, of, shape, base, strides, value, own)


@pytest.mark.parametrize("of", [dtypes.int16, dtypes.float64], ids=str)
def test_reads_of_a_base_that_repeats(of):
    rng = np.random.default_rng(2)
    base = values(rng, of, (4, 1))
    walk("read", of, (6, 100), base, (0, 0), values(rng, of, (6, 100)), [(indices(rng, 4, 6), (1, 0), 0)])


@pytest.mark.parametrize("mode", ["add", "mul", "max", "write"])
def test_places_met_again(mode):
    """They are combined one after the other, in the order of the walk: sums of floats round so."""
    rng = np.random.default_rng(3)
    for n, width in ((1000, 1), (50, 9), (40, 33)):
        base = values(rng, dtypes.float32, (2, width))
        walk(mode, dtypes.float32, (n, width), base, (0, 1), values(rng, dtypes.float32, (n, width)),
             [(indices(rng, 2, n), (1, 0), 0)])


def test_a_number():
    base, value = np.array([3.0]), np.zeros(())
    walk("read", dtypes.float64, (), base, (), value, [(np.array(-1), (), 0)])
    assert value == 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [(16, False), (32, False)])
def test_vectors_of_other_machines(mode, width, monkeypatch):
    """Narrower ones, and none under a mask."""
    from tapegrad.machine.kernels import lowering

    if width[0] > lowering.vector_bytes()[0]:
        pytest.skip("this machine has no such vectors")
    monkeypatch.setitem(walk_text.__globals__, "vector_bytes", lambda: width)
    rng = np.random.default_rng(4)
    loop_helpers.load()
    for of in (dtypes.uint8, dtypes.float32):
        code = jit.compile_ir(walk_text(mode, of), 1, optimise=False)
        kernel = function(jit.load_object("walk", code, ["kernel"], loop_helpers.NAMES)["kernel"])
        for make in WALKS:
            for n, count in SIZES:
                shape, base, strides, own = make(rng, of, n, count)
                walk(mode, of, shape, base, strides, values(rng, of, shape), own, kernel)


# ---------------------------------------------------------------- the check

CHECK = function(structural.in_range())
LARGEST = np.iinfo("i8").max


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("count", [0, 1, 7, 31, 32, 33, 64, 200])
def test_the_check(count, wrap):
    low, size = -10 if wrap else 0, 10
    index = np.random.default_rng(count).integers(low, size, count)
    index[:2] = (low, size - 1)[:count]
    nest = check_nest(count, size, wrap)
    assert call(CHECK, nest, index) == 0 and not nest[FAILED]
    for first in sorted({*range(0, count, 5), count - 1} - {-1}):
        for bad in (low - 1, size, LARGEST, -LARGEST - 1):
            found = index.copy()
            found[first], found[first + 1:first + 3] = bad, size + 7
            assert call(CHECK, nest, found) == rec.OUT_OF_RANGE
            assert nest[FAILED] and nest[OFFENDING] == bad
    assert call(CHECK, nest, index) == 0 and not nest[FAILED]


def test_an_empty_axis_has_no_index():
    for wrap in (False, True):
        for bad in (0, -1, 1, LARGEST, -LARGEST - 1):
            assert call(CHECK, check_nest(1, 0, wrap), np.array([bad])) == rec.OUT_OF_RANGE


@pytest.mark.parametrize("exempt", [-100, 3, 12, LARGEST])
def test_an_exempt_index(exempt):
    index = np.arange(100) % 10
    index[[5, 40, 99]] = exempt
    nest = check_nest(100, 10, False, exempt)
    assert call(CHECK, nest, index) == 0
    index[41] = -1
    assert call(CHECK, nest, index) == rec.OUT_OF_RANGE and nest[OFFENDING] == -1


def test_the_vectors_of_a_check_on_other_machines(monkeypatch):
    monkeypatch.setitem(check_text.__globals__, "vector_bytes", lambda: (16, False))
    code = jit.compile_ir(check_text(), 1, optimise=False)
    kernel = function(jit.load_object("check", code, ["kernel"], ())["kernel"])
    index = np.arange(50) % 10
    assert call(kernel, check_nest(50, 10, False), index) == 0
    index[29] = 10
    assert call(kernel, check_nest(50, 10, False), index) == rec.OUT_OF_RANGE


# ---------------------------------------------------------------- both together


def test_nothing_is_written_when_any_index_is_bad():
    good, bad, worse = torch.tensor([0, 1, 2]), torch.tensor([0, 1, 9]), torch.tensor([0, 10 ** 12, 1])
    x = torch.zeros(3, 4)
    for pair, message in (((good, bad), "index 9 is out of bounds for dimension 1 with size 4"),
                          ((bad, worse), "index 9 is out of bounds for dimension 0 with size 3"),
                          ((worse, bad), f"index {10 ** 12} is out of bounds for dimension 0 with size 3")):
        with pytest.raises(IndexError, match=message):
            x[pair] = torch.ones(3)
        with pytest.raises(IndexError, match=message):
            x[pair]
        assert (x == 0).all()
    x[good, good] = torch.ones(3)  # and the next one goes well
    assert x.sum() == 3


def test_an_empty_walk_is_checked():
    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        torch.zeros(3, 0)[torch.tensor([5])]


def test_what_the_kernels_touch():
    kernels = [structural.indexed("read", dtypes.float64), structural.indexed("add", dtypes.float64),
               structural.in_range()]
    assert [structural.effects[k] for k in kernels] == [
        (1, 1, False, False), (1, 0, False, False), (0, 0, True, False)]  # the last: pure
