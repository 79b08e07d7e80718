"""Emitted matrix products: every edge, orientation and stride, and nothing touched that is not an operand's."""
from __future__ import annotations

import ctypes
import itertools
import mmap

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.dtypes import float32, float64
from tapegrad.machine.kernels.lowering import vector_bytes
from tapegrad.machine.kernels.products import gemm
from tapegrad.machine.llvm import jit

if gemm.kernels(float64) is None:
    pytest.skip("BLAS does the products of this machine", allow_module_level=True)

DTYPES = {np.float32: float32, np.float64: float64}
SIZES = [1, 2, 3, 7, 13, 14, 15, 16, 17, 31, 32, 33, 64, 100, 129]
ORIENTATIONS = list(itertools.product([False, True], repeat=2))


def function(address):
    return ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(address)


def load(of, width):
    """The kernels for a vector width of our choice."""
    if width == vector_bytes()[0]:
        return [function(gemm.loaded(of)[name]) for name in gemm.ENTRIES]
    found = jit.load_object("gemm", jit.compile_ir(gemm.source(of, width), 1, optimise=False), [*gemm.ENTRIES], ())
    return [function(found[name]) for name in gemm.ENTRIES]


WIDTHS = [w for w in (32, 64) if w <= vector_bytes()[0]]
KERNELS = {(d, w): load(of, w) for d, of in DTYPES.items() for w in WIDTHS}


def run(kernel, c, a, b, *start):
    (batches, m, n), k = c.shape, a.shape[2]
    nest = np.array([3, 1, batches, m, n, k, *c.strides, 0, *a.strides[:2], 0, a.strides[2], b.strides[0], 0,
                     b.strides[2], b.strides[1], *(word for d in start for word in (*d.strides, 0))], "i8")
    pointers = np.array([x.ctypes.data for x in (c, a, b, *start)], "u8")
    assert kernel(pointers.ctypes.data, nest.ctypes.data) == 0


def matrices(rng, dtype, batches, rows, columns, transposed, padding):
    """Random matrices whose rows (or columns) have `padding` elements between them."""
    if transposed:
        return rng.standard_normal((batches, columns, rows + padding)).astype(dtype)[:, :, :rows].transpose(0, 2, 1)
    return rng.standard_normal((batches, rows, columns + padding)).astype(dtype)[:, :, :columns]


def check(dtype, m, n, k, turns=(False, False), batches=1, padding=0, width=WIDTHS[-1]):
    rng = np.random.default_rng(m * 10 ** 6 + n * 1000 + k)
    a, b = (matrices(rng, dtype, batches, *shape, t, padding) for shape, t in zip(((m, k), (k, n)), turns))
    around = rng.standard_normal((batches, m + 1, n + 1 + padding)).astype(dtype)
    wide, sizes = a.astype(float) @ b.astype(float), np.abs(a).astype(float) @ np.abs(b).astype(float)
    store, add, onto = KERNELS[dtype, width]
    row = np.broadcast_to(rng.standard_normal((batches, 1, n)).astype(dtype), (batches, m, n))
    matrix = rng.standard_normal((batches, m, n + padding)).astype(dtype)[:, :, :n]
    for kernel, before in ((store, ()), (add, ()), (onto, (row,)), (onto, (matrix,))):
        found = around.copy()
        run(kernel, found[:, :m, :n], a, b, *before)
        start = before[0] if before else around[:, :m, :n] * (kernel is add)
        bound = (k + 2) * np.finfo(dtype).eps * (sizes + np.abs(start) + 1e-30)
        assert (np.abs(found[:, :m, :n] - wide - start) <= bound).all(), (m, n, k, turns)
        found[:, :m, :n] = around[:, :m, :n]
        assert np.array_equal(found, around), f"wrote beside c: {m, n, k, turns}"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_columns_turned_into_rows(dtype, width):
    """In pieces, some rows of each: what lies before and behind these stays as it was."""
    text, lanes = gemm.turned_source(DTYPES[dtype], width), width // np.dtype(dtype).itemsize
    kernel = function(jit.load_object("turned", jit.compile_ir(text, 1, optimise=False), ["kernel"], ())["kernel"])
    for pieces, columns, depth, padding in (1, lanes, lanes, 0), (3, 2 * lanes, 3 * lanes, 5), (2, 4 * lanes, lanes, 1):
        x = np.arange(pieces * columns * (depth + padding), dtype=dtype).reshape(-1, depth + padding)[:, :depth]
        found = np.full((pieces, depth + 3, columns), -1, dtype)
        part = found[:, 1:1 + depth]
        there, here = (part.strides[i] for i in (0, 2, 1)), x.reshape(pieces, columns, depth).strides
        nest = np.array([3, 0, pieces, columns, depth, *there, *here], "i8")
        pointers = np.array([part.ctypes.data, x.ctypes.data], "u8")
        assert kernel(pointers.ctypes.data, nest.ctypes.data) == 0
        assert np.array_equal(part, x.reshape(pieces, columns, depth).transpose(0, 2, 1))
        assert (found[:, [0, -2, -1]] == -1).all()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_small_shapes(dtype, width):
    shapes = list(itertools.product(SIZES, repeat=3))
    for i, (m, n, k) in enumerate(shapes[:: 5 if width == 64 else 11]):
        check(dtype, m, n, k, ORIENTATIONS[i % 4], batches=1 + i % 3 % 2, padding=(0, 1, 5)[i % 3], width=width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("turns", ORIENTATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks(dtype, turns, width):
    """Every block several times, with a remainder: of k, of the rows of a, of the columns of b; packed and not."""
    for m, n, k in ((257, 513, 129), (129, 1100, 31), (64, 300, 800), (513, 33, 400), (130, 301, 769), (97, 31, 385)):
        check(dtype, m, n, k, turns, padding=3, width=width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_few_rows_and_whole_tiles(dtype, width):
    """One tile has all rows: of columns side by side, or of a batch whose matrices are as wide; of one a, or many."""
    columns = 2 * width // np.dtype(dtype).itemsize
    for m, n, k, batches in ((1, columns, 5, 3), (2, 3 * columns, 64, 1), (6, columns, 1, 4), (8, 2 * columns, 130, 2),
                             (14, columns, 50, 5), (4, columns, 384, 2), (4, columns, 385, 2), (5, columns, 9, 2)):
        check(dtype, m, n, k, batches=batches, padding=3, width=width)
        rng = np.random.default_rng(0)
        a, b = matrices(rng, dtype, 1, m, k, False, 1), matrices(rng, dtype, batches, k, n, False, 0)
        found = np.full((batches, m, n), np.nan, dtype)
        run(KERNELS[dtype, width][0], found, np.broadcast_to(a, (batches, m, k)), b)
        np.testing.assert_allclose(found, a @ b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("m, n, k", [(0, 5, 3), (5, 0, 3), (0, 0, 0)])
def test_nothing_to_do(m, n, k):
    check(np.float64, m, n, k)


@pytest.mark.parametrize("turns", ORIENTATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_read_beyond_the_operands(dtype, turns):
    """a and b end where their pages end, and the next page may not be touched; a prefetch may name it."""
    item, page = np.dtype(dtype).itemsize, mmap.PAGESIZE
    libc = ctypes.CDLL(None)
    kept = []

    def at_the_end(rows, columns, turned):
        count = rows * columns
        size = -(-count * item // page) * page
        memory = mmap.mmap(-1, size + page)
        kept.append(memory)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        assert libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(page), 0) == 0
        x = np.frombuffer(memory, dtype, count, size - count * item)
        x[:] = np.arange(count) % 7
        return (x.reshape(columns, rows).T if turned else x.reshape(rows, columns))[None]

    for m, n, k in ((2, 2, 1), (3, 5, 7), (13, 17, 33), (15, 31, 16), (64, 10, 50), (100, 33, 65), (130, 301, 17)):
        a, b = at_the_end(m, k, turns[0]), at_the_end(k, n, turns[1])
        c = at_the_end(m, n, False)
        for _ in range(2):
            run(KERNELS[dtype, WIDTHS[-1]][0], c, a, b)
            assert np.array_equal(c, a @ b)  # small integers: exact
            a[0] = np.eye(m, k)


def one_number_a_row(rng, dtype, m, k, padding):
    """A matrix with a number in most rows, zeros in others, and -0 among the zeros."""
    a = np.zeros((1, m, k + padding), dtype)
    a[0, ::3] = -0.0
    a[0, np.arange(m), rng.integers(0, k, m)] = rng.standard_normal(m)
    a[0, ::5] = 0
    return a[:, :, :k]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_number_a_row(dtype, turned, width):
    """The same numbers as from all products and sums, -0 too; a second number in the last row is seen."""
    rng = np.random.default_rng(0)
    for m, n, k, padding in ((16, 16, 16, 0), (17, 33, 31, 3), (130, 301, 50, 0), (20, 19, 800, 1), (16, 15, 16, 0)):
        a, b = one_number_a_row(rng, dtype, m, k, padding), matrices(rng, dtype, 1, k, n, turned, padding)
        b[0, :, 2], b[0, 3] = -0.0, 0
        for second in (False, True):
            if second:
                a[0, -1, [0, -1]] = 2, 3
            wide = (a[0].astype("f8")[:, :, None] * b[0].astype("f8")).sum(1)[None].astype(dtype) + dtype(0)
            start = rng.standard_normal((1, m, n)).astype(dtype)
            for kernel, before in zip(KERNELS[dtype, width], ((), (), (start,))):
                found = start.copy()
                run(kernel, found, a, b, *before)
                wanted = wide if kernel is KERNELS[dtype, width][0] else start + wide
                rows = slice(0, -1) if second else slice(None)
                assert np.array_equal(found[:, rows], wanted[:, rows])
                assert np.array_equal(np.signbit(found[:, rows]), np.signbit(wanted[:, rows]))
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_zero_times_what_is_not_finite(value):
    """One of b's numbers makes a column of the product NaN, but where it is picked; one of a's, a row."""
    rng = np.random.default_rng(0)
    for turned in (False, True):
        b, a = matrices(rng, np.float64, 1, 40, 30, turned, 0), np.eye(40)[None]
        store = KERNELS[np.float64, WIDTHS[-1]][0]
        for x, at in ((b, (0, 7, 5)), (a, (0, 3, 3))):
            kept, x[at] = x[at], value
            found = np.empty((1, 40, 30))
            run(store, found, a, b)
            with np.errstate(invalid="ignore"):
                np.testing.assert_array_equal(found, a @ b)
            x[at] = kept


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_goes_where_it_belongs(value):
    rng = np.random.default_rng(0)
    for m, n, k in ((5, 40, 3), (150, 310, 20)):
        a, b = rng.standard_normal((1, m, k)), rng.standard_normal((1, k, n))
        a[0, 2, 1], b[0, 0, 3] = value, value
        c = np.empty((1, m, n))
        run(KERNELS[np.float64, WIDTHS[-1]][0], c, a, b)
        with np.errstate(invalid="ignore"):
            expected = a @ b
        np.testing.assert_allclose(c, expected, rtol=1e-10, atol=1e-10)


def test_an_old_value_is_not_read_when_a_product_is_stored():
    for k in (3, 900):
        a, b = np.ones((1, 20, k)), np.ones((1, k, 40))
        c = np.full((1, 20, 40), np.nan)
        run(KERNELS[np.float64, WIDTHS[-1]][0], c, a, b)
        assert (c == k).all()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("shape", [(300, 200, 100), (100, 200, 700), (37, 150, 41)])
def test_products_of_tensors(shape, threads):
    m, k, n = shape
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        x, y = torch.rand(m, k, dtype=torch.float64), torch.rand(k, n, dtype=torch.float64)
        for a, b in ((x, y), (x.t().contiguous().t(), y), (x, y.t().contiguous().t()), (x[:, :5], y[:5]),
                     (x[::3], y[:, ::2]), (x.expand(4, m, k), y), (torch.stack([x, x + 1]), torch.stack([y, y * 2]))):
            np.testing.assert_allclose((a @ b).numpy(), a.numpy() @ b.numpy(), rtol=1e-12)
        x.requires_grad_()
        for _ in range(2):  # the second gradient is added to the first
            (x @ y).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), 2 * y.numpy().sum(1) * np.ones((m, 1)), rtol=1e-12)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shared", ["left", "right", "both", "neither"])
@pytest.mark.parametrize(("m", "k", "n"), [(1, 5, 6), (3, 5, 1), (4, 1, 6), (4, 5, 6), (1, 1, 7), (0, 2, 3)])
def test_products_that_share_a_matrix(dtype, shared, m, k, n):
    """One product of all rows, or of all columns: with any strides, forwards and backwards."""
    of, rng = getattr(torch, dtype), np.random.default_rng(0)
    for turned in range(4):
        def operand(rows, columns, alone, turn):
            shape = (rows, columns) if alone else (7, rows, columns)
            made = torch.from_numpy(rng.random(shape)).to(of)
            made = made.mT.contiguous().mT if turn else made
            return made.expand(7, rows, columns).detach().requires_grad_()

        x = operand(m, k, shared in ("left", "both"), turned & 1)
        y = operand(k, n, shared in ("right", "both"), turned & 2)
        a, b = x.detach().numpy().astype("f8"), y.detach().numpy().astype("f8")
        out = x.bmm(y)
        g = torch.from_numpy(rng.random((7, m, n))).to(of)
        found = torch.autograd.grad(out, (x, y), g)
        c = g.numpy().astype("f8")
        for value, wanted in zip((out.detach(), *found), (a @ b, c @ b.swapaxes(1, 2), a.swapaxes(1, 2) @ c)):
            np.testing.assert_allclose(value.numpy(), wanted, 1e-5)
