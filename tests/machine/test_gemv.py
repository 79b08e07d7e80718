"""Emitted products with a vector: every edge, orientation and stride, and what becomes of them in tensors."""
from __future__ import annotations

import ctypes
import itertools
import mmap
import subprocess
import sys

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.dtypes import float32, float64
from tapegrad.machine.kernels.lowering import vector_bytes
from tapegrad.machine.kernels.products import gemm, gemv, product_writer
from tapegrad.machine.llvm import jit
from tapegrad.machine.planning import step_builder as builder

if gemv.kernels(float64) is None:
    pytest.skip("BLAS does the products of this machine", allow_module_level=True)

DTYPES = {np.float32: float32, np.float64: float64}
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 129]
WIDTHS = [w for w in (32, 64) if w <= vector_bytes()[0]]


def load(of, width):
    """The kernels for a vector width of our choice."""
    found = jit.load_object("gemv", jit.compile_ir(gemv.source(of, width), 1, optimise=False), ["store", "add"], ())
    return [ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(found[n]) for n in ("store", "add")]


KERNELS = {(d, w): load(of, w) for d, of in DTYPES.items() for w in WIDTHS}


def run(kernel, c, a, x):
    (batches, m), k = c.shape, a.shape[2]
    nest = np.array([3, 1, batches, m, 1, k, *c.strides, 0, 0, *a.strides[:2], 0, a.strides[2], x.strides[0], 0, 0,
                     x.strides[1]], "i8")
    pointers = np.array([x.ctypes.data for x in (c, a, x)], "u8")
    assert kernel(pointers.ctypes.data, nest.ctypes.data) == 0


def check(dtype, m, k, columns=False, batches=1, gap=1, width=WIDTHS[-1]):
    rng = np.random.default_rng(m * 1000 + k)
    if columns:
        a = rng.standard_normal((batches, k, m + gap)).astype(dtype)[:, :, :m].transpose(0, 2, 1)
    else:
        a = rng.standard_normal((batches, m, k + gap)).astype(dtype)[:, :, :k]
    x = rng.standard_normal((batches, k * gap)).astype(dtype)[:, ::gap]
    around = rng.standard_normal((batches, m * gap + 1)).astype(dtype)
    wide = np.einsum("bmk,bk->bm", a.astype(float), x.astype(float))
    sizes = np.einsum("bmk,bk->bm", np.abs(a).astype(float), np.abs(x).astype(float))
    for kernel, adds in zip(KERNELS[dtype, width], (0, 1)):
        found = around.copy()
        c, before = found[:, :m * gap:gap], around[:, :m * gap:gap]
        run(kernel, c, a, x)
        bound = (k + 2) * np.finfo(dtype).eps * (sizes + np.abs(before) + 1e-30)
        assert (np.abs(c - (wide + adds * before)) <= bound).all(), (m, k, columns, gap, adds)
        found[:, :m * gap:gap] = before
        assert np.array_equal(found, around), f"wrote beside c: {m, k, columns, gap, adds}"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes(dtype, columns, width):
    for i, (m, k) in enumerate(itertools.product(SIZES, repeat=2)):
        check(dtype, m, k, columns, batches=1 + i % 2, gap=1 + i % 3, width=width)


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks(dtype, columns):
    """Several blocks of the result and of a vector with gaps, with a remainder."""
    for m, k in ((2100, 5), (3, 2100), (1025, 1030), (1, 5000)):
        for gap in (1, 2):
            check(dtype, m, k, columns, gap=gap)


def test_nothing_to_do():
    check(np.float64, 0, 3)
    check(np.float64, 0, 3, True)


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_read_beyond_the_operands(dtype, columns):
    """Operands end where their pages end, and the next page may not be touched."""
    item, page = np.dtype(dtype).itemsize, mmap.PAGESIZE
    libc = ctypes.CDLL(None)
    kept = []

    def at_the_end(*shape):
        count = int(np.prod(shape))
        size = -(-count * item // page) * page
        memory = mmap.mmap(-1, size + page)
        kept.append(memory)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        assert libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(page), 0) == 0
        x = np.frombuffer(memory, dtype, count, size - count * item).reshape(shape)
        x[:] = (np.arange(count) % 7).reshape(shape)
        return x

    for m, k in ((1, 1), (2, 3), (5, 7), (13, 33), (33, 13), (64, 50), (100, 1030)):
        a = at_the_end(1, k, m).transpose(0, 2, 1) if columns else at_the_end(1, m, k)
        c, x = at_the_end(1, m), at_the_end(1, k)
        run(KERNELS[dtype, WIDTHS[-1]][0], c, a, x)
        assert np.array_equal(c[0], a[0] @ x[0])  # small integers: exact


@pytest.mark.parametrize("columns", [False, True])
def test_what_is_not_finite_goes_where_it_belongs(columns):
    a, x = np.ones((1, 20, 30)), np.ones((1, 30))
    a[0, 3, 4], a[0, 19, 29] = np.nan, np.inf
    if columns:
        a = np.asfortranarray(a[0])[None]
    c = np.full((1, 20), np.nan)  # an old value is not read
    run(KERNELS[np.float64, WIDTHS[-1]][0], c, a, x)
    np.testing.assert_array_equal(c[0], [np.nan if i == 3 else np.inf if i == 19 else 30.0 for i in range(20)])


TENSORS = {
    "mv": lambda a, x: a @ x,
    "of a transpose": lambda a, x: a.t().contiguous().t() @ x,
    "row": lambda a, x: x.unsqueeze(0) @ a.t(),
    "vector first": lambda a, x: x @ a.t(),
    "columns": lambda a, x: a @ x.unsqueeze(1),
    "batch": lambda a, x: a.expand(3, *a.shape) @ x.unsqueeze(1),
    "two batches": lambda a, x: torch.stack([a, a + 1]).unsqueeze(0) @ torch.stack([x, x * 2]).reshape(2, 1, -1, 1),
    "strided": lambda a, x: a[::2, ::3] @ x[::3],
    "expanded": lambda a, x: a @ x[:1].expand(a.shape[1]),
    "one row, repeated": lambda a, x: a[:1].expand(7, a.shape[1]) @ x,
    "dot": lambda a, x: a[0].dot(x),
    "outer": lambda a, x: torch.outer(a[0], x),
    "linear": lambda a, x: torch.nn.functional.linear(x, a, a[:, 0]),
    "einsum": lambda a, x: torch.einsum("ij,j->i", a, x),
    "bilinear": lambda a, x: torch.nn.functional.bilinear(
        x[None, :3], torch.tensor([[1, -2, 3]], dtype=x.dtype), a[:4, :9].reshape(4, 3, 3)),
    "addmv": lambda a, x: torch.addmv(a[:, 1], a, x, beta=2, alpha=3),
    "addmm": lambda a, x: torch.addmm(a[:, :1], a, x.unsqueeze(1)),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("shape", [(5, 9), (130, 40), (600, 700)])
def test_tensors_and_their_gradients(name, shape):
    """Of small integers, exactly: against products of integers, which are sums, and against differences of them."""
    function, rng = TENSORS[name], np.random.default_rng(0)
    values, directions = ([rng.integers(-3, 4, size) for size in (shape, shape[1])] for _ in range(2))

    def weighted(a, x):
        value = function(a, x)
        return value, (value * torch.arange(1, value.numel() + 1).reshape(value.shape)).sum()

    def of_integers(a, x):
        value, total = weighted(torch.from_numpy(a), torch.from_numpy(x))
        return value.numpy(), total.item()

    def step(a, x):
        value, total = weighted(a, x)
        total.backward()
        return value.detach()

    expected, total = of_integers(*values)
    for run in (step, torch.compile(step)):
        given = [torch.from_numpy(v.astype(float)).requires_grad_() for v in values]
        for times in (1, 2, 3):  # a gradient is added to the one before
            np.testing.assert_array_equal(run(*given).numpy(), expected)
            for j, (operand, direction) in enumerate(zip(given, directions)):
                moved = [v + direction if i == j else v for i, v in enumerate(values)]
                slope = 0 if operand.grad is None else (operand.grad.numpy() * direction).sum()
                assert slope == times * (of_integers(*moved)[1] - total)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_empty_products_are_zero(dtype):
    for a, b in (((3, 0), (0,)), ((3, 0), (0, 2)), ((0,), (0,)), ((0, 3), (3,)), ((2, 0, 3), (3, 1)),
                 ((2, 3, 0), (0, 1))):
        x, y = torch.ones(a, dtype=dtype, requires_grad=True), torch.ones(b, dtype=dtype, requires_grad=True)
        out = x @ y
        assert out.shape == (np.ones(a) @ np.ones(b)).shape
        assert not out.detach().numpy().any()
        out.sum().backward()
        assert x.grad.shape == a
        assert y.grad.shape == b
        assert not y.grad.numpy().any()


@pytest.mark.parametrize("threads", [1, 3])
def test_long_dot_products_are_sums(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for n in (builder.LONG - 1, builder.LONG, 300_001):
            x, y = (torch.rand(n).requires_grad_() for _ in range(2))
            out = x @ y
            assert out.item() == pytest.approx(float(x.detach().numpy().astype(float) @ y.detach().numpy()), rel=1e-5)
            out.backward()
            np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
            added = torch.addmm(torch.ones(1, 1), x.detach()[None], y.detach()[:, None])
            assert added.item() == pytest.approx(out.item() + 1, rel=1e-6)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        a, x = torch.rand(1001, 777, dtype=torch.float64), torch.rand(777, dtype=torch.float64)
        for m in (a, a.t().contiguous().t(), torch.stack([a, a * 2])):
            for function in (torch.matmul, torch.compile(torch.matmul)):
                for _ in range(3):
                    np.testing.assert_allclose(function(m, x).numpy(), m.numpy() @ x.numpy(), rtol=1e-12)
    finally:
        torch.set_num_threads(before)


def test_products_need_no_scipy():
    code = ("import sys, tapegrad as torch; x = torch.ones(3, 3, requires_grad=True); v = torch.ones(3)\n"
            "(x @ v @ v + (x @ x).sum() + v @ v + (x[:, :0] @ v[:0]).sum()).backward(); print('scipy' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


# ---------------------------------------------------------------- where BLAS does it


@pytest.fixture
def short_vectors(monkeypatch):
    """A machine whose vectors are too short for kernels of products."""
    monkeypatch.setattr(product_writer, "vector_bytes", lambda: (16, False))
    for family, name in ((gemm, "loaded"), (gemv, "kernels")):
        monkeypatch.setattr(family, name, getattr(family, name).__wrapped__)


def test_there_is_nothing_to_build(short_vectors):
    assert [family.build(of) for family in (gemm, gemv) for of in (float32, float64)] == [None] * 4


@pytest.mark.parametrize("of", [np.float32, np.float64])
@pytest.mark.parametrize("left, right", [((19, 23), (23,)), ((23,), (23, 21)), ((19, 23), (23, 21)), ((29,), (29,)),
                                         ((2, 19, 23), (2, 23, 17)), ((19, 1), (1, 23)), ((19, 0), (0, 3))])
def test_blas_does_it(short_vectors, left, right, of):
    rng = np.random.default_rng(0)
    a, b = rng.random(left).astype(of), rng.random(right).astype(of)
    x, y = (torch.from_numpy(v).requires_grad_() for v in (a, b))
    product = x @ y
    np.testing.assert_allclose(product.detach().numpy(), a @ b, rtol=1e-5 if of is np.float32 else 1e-12)
    product.sum().backward()
    ones = np.ones_like(product.detach().numpy())
    if ones.ndim == 2:
        np.testing.assert_allclose(x.grad.numpy(), ones @ b.T, rtol=1e-5)
        np.testing.assert_allclose(y.grad.numpy(), a.T @ ones, rtol=1e-5)
