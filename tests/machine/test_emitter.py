"""Every intrinsic, reduction and loop pattern of the emitter against the NumPy columns of the same table."""
from __future__ import annotations

import ctypes
import itertools
import math

import numpy as np
import pytest

from tapegrad import dtypes
from tapegrad.machine.kernels import emitter, kernel_writer
from tapegrad.machine.kernels.emitter import Region, compile_region, compiled, kernel_source
from tapegrad.machine.llvm import jit
from tapegrad.ops.scalar import INTRINSICS, row, scalar
from tapegrad.ops.symbols import Sym, evaluate

SIZES = [0, 1, 3, 17, 1000]
FLOATS = [dtypes.float32, dtypes.float64]
NUMBERS = [d for d in dtypes.ALL if d is not dtypes.bfloat16]  # that NumPy has
INTEGERS = [dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64]
KERNEL = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)


def call(region, pattern, arrays, kept, accumulate=None, compile=compile_region):
    """Run a kernel over arrays of one rank, the first `kept` axes being the kept loops."""
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    # A broadcast axis has stride 0 also where NumPy, for a size of 1, says otherwise.
    strides = [s if a.shape[d] == shape[d] else 0 for a in arrays for d, s in enumerate(a.strides)]
    nest = np.array([kept, len(shape) - kept, *shape, *strides], np.int64)
    pointers = np.array([a.ctypes.data for a in arrays], np.int64)
    address = compile(region, pattern, accumulate or (False,) * len(region.outputs))
    assert KERNEL(address)(pointers.ctypes.data, nest.ctypes.data) == 0


def operands(*ds):
    return [Sym.operand(i, d) for i, d in enumerate(ds)]


def elementwise(value, inputs):
    return Region(tuple(inputs), (value,), (value.dtype,), (False,))


def sample(d, n, seed, low=-3.0, high=3.0):
    g = np.random.default_rng(seed)
    if d is dtypes.bool_:
        return g.random(n) < 0.5
    if d.category == 1:
        return g.integers(-7 if d.is_signed else 0, 8, n).astype(d.numpy)
    return g.uniform(low, high, n).astype(d.numpy)


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, np.inf, -np.inf, np.nan, 1e-30, -1e-30,
                    20.0, -20.0, 710.0, -750.0, 90.0, 1e5, 1e20, -1e20, 3.0, -3.0])
DOMAIN = {"log": (0, 9), "log2": (0, 9), "log10": (0, 9), "log1p": (-1, 9), "sqrt": (0, 9), "rsqrt": (0.01, 9),
          "asin": (-1, 1), "acos": (-1, 1), "acosh": (1, 9), "atanh": (-1, 1), "lgamma": (-5, 20), "digamma": (-5, 20)}
ULPS = {"lgamma": 40, "digamma": 200}  # near their zeros only the absolute error is small
PUBLIC = [name for name in INTRINSICS if not name.startswith("_")]


def assert_close(name, got, want):
    assert got.dtype == want.dtype
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    exact = name in ("add", "sub", "mul", "div", "sqrt", "neg", "abs", "floor", "ceil", "trunc", "round", "maximum",
                     "minimum", "fmax", "fmin", "copysign", "where", "fmod", "rsqrt")
    tolerance = 0 if exact else ULPS.get(name, 4) * np.finfo(got.dtype).eps
    floor = np.finfo(got.dtype).tiny * 4 if name not in ULPS else tolerance
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=0 if exact else floor)


def dtypes_of(name):
    takes = INTRINSICS[name].takes
    if "f" in takes:
        return FLOATS
    if "i" in takes:
        return [*INTEGERS, dtypes.bool_] if "shift" not in name else INTEGERS
    if takes.strip("b") == "":
        return [dtypes.bool_]
    if name in ("sub", "neg", "floor_divide", "trunc_divide", "remainder", "fmod", "pow"):
        return [*INTEGERS, *FLOATS]
    return [dtypes.bool_, *INTEGERS, *FLOATS]


CASES = [(name, d) for name in PUBLIC for d in dtypes_of(name)]


def build(name, d):
    ds = [dtypes.bool_ if t == "b" else d for t in INTRINSICS[name].takes]
    return getattr(scalar, name)(*operands(*ds)), ds


def arguments(name, ds, n):
    arrays = [sample(d, n, 10 + i, *DOMAIN.get(name, (-3, 3))) for i, d in enumerate(ds)]
    if n >= 1000 and ds[-1].category == 2:
        if len(ds) == 1:
            arrays[0][: len(SPECIAL)] = SPECIAL
        else:
            pairs = np.array(list(itertools.product(SPECIAL, SPECIAL)))
            for a, column in zip(arrays[-2:], pairs.T):
                a[: len(pairs)] = column
    return arrays


@pytest.mark.parametrize("name, d", CASES, ids=lambda v: getattr(v, "short", v))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_intrinsic(name, d):
    value, ds = build(name, d)
    region = elementwise(value, ds)
    with np.errstate(all="ignore"):
        for n in SIZES:
            arrays = arguments(name, ds, n)
            want = evaluate([value], arrays)[0]
            out = np.full(n, 7).astype(value.dtype.numpy)
            call(region, "c" * (len(ds) + 1), [out, *arrays], 1)
            assert_close(name, out, want)

            wide = [np.repeat(a, 2)[::2] for a in arrays]
            out = np.zeros(2 * n, value.dtype.numpy)[::2]
            call(region, "s" * (len(ds) + 1), [out, *wide], 1)
            assert_close(name, out, want)
            if n:
                last = arrays[-1][:1]
                want = evaluate([value], [*arrays[:-1], last])[0]
                out = np.zeros(n if len(ds) > 1 else 1, value.dtype.numpy)
                call(region, "c" * len(ds) + "0", [out, *arrays[:-1], last], 1)
                assert_close(name, out, np.broadcast_to(want, out.shape))
        for k in range(40):
            arrays = [a[k : k + 1] for a in arguments(name, ds, 1000)]
            out = np.zeros(1, value.dtype.numpy)
            call(region, "1", [out, *arrays], 1)
            assert_close(name, out, evaluate([value], arrays)[0])


@pytest.mark.parametrize("source, target", list(itertools.product(NUMBERS, NUMBERS)), ids=lambda d: d.short)
def test_cast(source, target):
    x, = operands(source)
    a = sample(source, 100, 1)
    out = np.zeros(100, target.numpy)
    call(Region((source,), (x,), (target,), (False,)), "cc", [out, a], 1)
    unsigned = target is dtypes.uint8 and source.category == 2
    np.testing.assert_array_equal(out, (a.astype(np.int32) if unsigned else a).astype(target.numpy))


def test_division_by_zero_does_not_end_the_process():
    x, y = operands(dtypes.int64, dtypes.int64)
    a, b = np.array([5, -5, -(1 << 63), 0]), np.array([0, 0, -1, 0])
    for op in (scalar.floor_divide, scalar.trunc_divide, scalar.remainder, scalar.fmod):
        out = np.full(4, 9)
        call(elementwise(op(x, y), (dtypes.int64,) * 2), "ccc", [out, a, b], 1)
        assert out[[0, 1, 3]].tolist() == [0, 0, 0]


@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0, 0.5, 1, 2, 3, 4, 2.5])
def test_constant_powers(exponent):
    x, = operands(dtypes.float64)
    a, out = sample(dtypes.float64, 50, 3, 0.1, 3), np.zeros(50)
    call(elementwise(x ** exponent, (dtypes.float64,)), "cc", [out, a], 1)
    np.testing.assert_allclose(out, a ** exponent, rtol=1e-15)


# ------------------------------------------------------------------------------------------------------ loop nests

@pytest.mark.parametrize("shape", [(2, 3), (4, 1, 5), (2, 3, 4, 5), (1,) * 24, (2, 0, 3), (3, 2, 0)])
def test_odometer(shape):
    x, y = operands(dtypes.float64, dtypes.float32)
    value = x * y.cast(dtypes.float64) + x
    a = np.random.default_rng(0).normal(size=shape[::-1]).T
    b = np.random.default_rng(1).normal(size=(*shape[:-1], 1)).astype(np.float32)
    out = np.zeros(shape)
    for pattern in ("css", "cs0", "sss"):
        out[...] = 0
        call(elementwise(value, (dtypes.float64, dtypes.float32)), pattern, [out, a, b], len(shape))
        np.testing.assert_array_equal(out, a * b.astype(np.float64) + a)


@pytest.mark.parametrize("pattern", ["ccc", "sss", "1"])
def test_accumulate_and_in_place(pattern):
    x, y = operands(dtypes.float64, dtypes.float64)
    n = 1 if pattern == "1" else 999
    a, b = sample(dtypes.float64, n, 1), sample(dtypes.float64, n, 2)
    region = elementwise(x * y, (dtypes.float64,) * 2)
    out = np.ones(n)
    call(region, pattern, [out, a, b], 1, (True,))
    np.testing.assert_array_equal(out, 1 + a * b)
    same = a.copy()
    call(region, pattern, [same, same, b], 1)
    np.testing.assert_array_equal(same, a * b)
    same = a.copy()
    call(region, pattern, [same, same, same], 1, (True,))
    np.testing.assert_array_equal(same, a + a * a)


def test_several_outputs_that_replace_their_inputs():
    x, y = operands(dtypes.float64, dtypes.float64)
    a, b = sample(dtypes.float64, 100, 1), sample(dtypes.float64, 100, 2)
    c, e = a.copy(), b.copy()
    call(Region((dtypes.float64,) * 2, (y, x + y), (dtypes.float64,) * 2, (False, False)), "cccc", [c, e, c, e], 1)
    np.testing.assert_array_equal(c, b)
    np.testing.assert_array_equal(e, a + b)


def test_no_contraction():
    x, y, z = operands(*[dtypes.float64] * 3)
    a, b, c = (sample(dtypes.float64, 1000, i) for i in range(3))
    out = np.zeros(1000)
    call(elementwise(x * y + z, (dtypes.float64,) * 3), "cccc", [out, a, b, c], 1)
    np.testing.assert_array_equal(out, a * b + c)


def test_bool_output_cannot_be_read_back_as_anything_but_zero_or_one():
    x, = operands(dtypes.float32)
    out = np.full(33, 5, np.uint8)
    call(elementwise(x > 0, (dtypes.float32,)), "cc", [out, np.linspace(-1, 1, 33, dtype=np.float32)], 1)
    assert set(out) == {0, 1}


# ------------------------------------------------------------------------------------------------------ reductions

REDUCES = ["sum", "prod", "max", "min", "any", "all", "argmax", "argmin"]


def rows(d, shape, name):
    a = sample(d, math.prod(shape), 5).reshape(shape)
    if name == "prod" and d.category == 2:
        a = 1 + a / 100
    return a.astype(d.numpy)


@pytest.mark.parametrize("d", NUMBERS, ids=lambda d: d.short)
@pytest.mark.parametrize("name", REDUCES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_reduction(name, d):
    if name in ("sum", "prod") and d is dtypes.bool_:
        pytest.skip("sums of bools are sums of integers")
    x, = operands(d)
    value = getattr(row, name)(x)
    region = Region((d,), (value,), (value.dtype,), (True,))
    for shape, kept in [((3, 17), 1), ((1000,), 0), ((2, 3, 4), 1), ((4, 1), 1), ((300, 5), 1), ((5, 300), 1),
                        ((2, 0), 1), ((0, 4), 1)]:
        if 0 in shape[kept:] and name not in ("sum", "prod", "any", "all"):
            continue
        axes = tuple(range(kept, len(shape)))
        variants = [rows(d, shape, name)]
        if d.category == 2 and variants[0].size > 1:
            variants.append(variants[0].copy())
            variants[-1].flat[1] = np.nan
            variants.append(np.full(shape, -np.inf, d.numpy))
        for a in variants:
            want = evaluate([value], [a], axes)[0]
            exact = {"rtol": 2 * np.finfo(d.numpy).eps, "atol": 1e-6} if d.category == 2 else {"rtol": 0}
            for pattern, source in (("0c", a), ("0s", np.repeat(a, 2, axis=-1)[..., ::2])):
                out = np.zeros(want.shape, want.dtype)
                call(region, pattern, [out, source], kept)
                np.testing.assert_allclose(out, want, **exact)
            if kept == 1:  # the same rows, strided in memory
                out = np.zeros(want.shape, want.dtype)
                call(region, "|cc", [out, np.asfortranarray(a)], kept)
                np.testing.assert_allclose(out, want, **exact)
            if a.size == 1 or shape == (4, 1):
                out = np.zeros(1, want.dtype)
                call(region, "1", [out, a.reshape(-1)[:1]], 0)
                np.testing.assert_allclose(out, want.reshape(-1)[:1], **exact)


def test_sum_of_many_float32_is_accurate():
    x, = operands(dtypes.float32)
    a, out = np.full(1_000_000, 0.1, np.float32), np.zeros(1, np.float32)
    call(Region((dtypes.float32,), (row.sum(x),), (dtypes.float32,), (True,)), "0c", [out, a], 0)
    assert abs(out[0] / (np.float64(np.float32(0.1)) * 1e6) - 1) < 1e-7


def test_accumulating_reduction():
    x, = operands(dtypes.float64)
    a, out = sample(dtypes.float64, 12, 1).reshape(3, 4), np.ones((3, 1))
    region = Region((dtypes.float64,), (row.sum(x),), (dtypes.float64,), (True,))
    call(region, "0c", [out, a], 1, (True,))
    np.testing.assert_allclose(out, 1 + a.sum(1, keepdims=True), rtol=1e-14)
    call(region, "|cc", [out, np.asfortranarray(a)], 1, (True,))
    np.testing.assert_allclose(out, 1 + 2 * a.sum(1, keepdims=True), rtol=1e-14)


def softmax(x):
    e = scalar.exp(x - row.max(x))
    return e / row.sum(e)


@pytest.mark.parametrize("d", FLOATS, ids=lambda d: d.short)
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5, 8), (5, 9), (3, 31), (3, 32), (3, 40), (3, 47), (7, 300),
                                   (300, 7), (2, 1000)])
def test_softmax_and_its_adjoint(d, shape):
    x, = operands(d)
    a = sample(d, math.prod(shape), 5).reshape(shape)
    want = evaluate([softmax(x)], [a], (1,))[0]
    close = {"rtol": 32 * np.finfo(d.numpy).eps}
    region = elementwise(softmax(x), (d,))
    for pattern, order in (("cc", "C"), ("ss", "C"), ("|cc", "F"), ("|ss", "F")):
        out = np.zeros(shape, d.numpy, order)
        call(region, pattern, [out, a.copy(order)], 1)
        np.testing.assert_allclose(out, want, **close)
        same = a.copy(order)
        call(region, pattern, [same, same], 1)
        np.testing.assert_array_equal(same, out)
    g, y = operands(d, d)
    adjoint = y * (g - row.sum(g * y))
    b = sample(d, math.prod(shape), 6).reshape(shape)
    want = 1 + evaluate([adjoint], [b, a], (1,))[0]
    for pattern, order in (("ccc", "C"), ("|ccc", "F")):
        out = np.ones(shape, d.numpy, order)
        call(elementwise(adjoint, (d, d)), pattern, [out, b.copy(order), a.copy(order)], 1, (True,))
        np.testing.assert_allclose(out, want, rtol=1e-5 if d is dtypes.float32 else 1e-13,
                                   atol=1e-5 if d is dtypes.float32 else 1e-12)


@pytest.mark.parametrize("pattern, order", [("00cc0", "C"), ("|ccccc", "F")])
def test_outputs_per_row_beside_operands_per_row(pattern, order):
    """A mean with a weight a row, its rounded count, and every element's distance from it, in one kernel."""
    d = dtypes.float64
    x, w = operands(d, d)
    mean = row.sum(x) / row.count(x).cast(d) * w
    a, b = sample(d, 60, 1).reshape(5, 12).copy(order), sample(d, 5, 2).reshape(5, 1)
    region = Region((d, d), (mean, row.sum(w) + row.count(x).cast(d), x - mean), (d, d, d), (True, True, False))
    m, s, e = np.zeros((5, 1)), np.zeros((5, 1)), np.zeros((5, 12), order=order)
    call(region, pattern, [m, s, e, a, b], 1)
    np.testing.assert_allclose(m, a.mean(1, keepdims=True) * b, rtol=1e-13)
    np.testing.assert_allclose(s, 12 * b + 12, rtol=1e-13)
    np.testing.assert_allclose(e, a - m, rtol=1e-13)


def test_index_runs_over_all_reduced_loops():
    d = dtypes.float64
    x, = operands(d)
    a = sample(d, 24, 1).reshape(2, 3, 4)
    region = Region((d,), (x + row.index(x).cast(d),), (d,), (False,))
    region_sum = Region((d,), (row.sum(x * row.index(x).cast(d)),), (d,), (True,))
    out = np.zeros((2, 1, 1))
    call(region_sum, "0c", [out, a], 1)
    np.testing.assert_allclose(out, (a * np.arange(12).reshape(1, 3, 4)).sum((1, 2), keepdims=True), rtol=1e-13)
    out = np.zeros((2, 3, 4))
    call(region, "cc", [out, a], 1)
    np.testing.assert_array_equal(out, a + np.arange(12).reshape(1, 3, 4))


def test_deep_fused_chains_need_no_recursion():
    x, = operands(dtypes.float64)
    value = x
    for _ in range(3000):
        value = value + x
    out = np.zeros(1)
    call(elementwise(value, (dtypes.float64,)), "1", [out, np.ones(1)], 0)
    assert out[0] == 3001


def uncached(region, pattern, accumulate):
    return emitter.load(compiled(kernel_source(region, pattern, accumulate)))


@pytest.mark.parametrize("vector_bytes", [(64, True), (64, False), (32, False), (16, False)])
@pytest.mark.parametrize("libmvec", [True, False])
def test_hosts_of_every_width(monkeypatch, vector_bytes, libmvec):
    """What other processors run: narrower vectors, no masks, no vector mathematics."""
    monkeypatch.setattr(kernel_writer, "vector_bytes", lambda: vector_bytes)
    if not libmvec:
        monkeypatch.setattr(jit, "vector_functions", lambda *_: ())
    for d, n in itertools.product(FLOATS, (1, 7, 16, 67)):
        x, = operands(d)
        a = sample(d, 3 * n, 5).reshape(3, n)
        for value, kept in ((scalar.tanh(x), 2), (x * x + 1, 2), (softmax(x), 1),
                            (scalar.where(x > 0, x, row.max(x)), 1)):
            for pattern, order in (("cc", "C"), ("ss", "C"), ("|cc", "F"))[: 4 - kept]:
                out = np.zeros((3, n), d.numpy, order)
                call(elementwise(value, (d,)), pattern, [out, a.copy(order)], kept, compile=uncached)
                np.testing.assert_allclose(out, evaluate([value], [a], (1,))[0], rtol=32 * np.finfo(d.numpy).eps)
        for value in (row.sum(x * x), row.argmin(x), row.any(x > 2.5)):
            want = evaluate([value], [a], (1,))[0]
            out = np.zeros((3, 1), want.dtype)
            call(Region((d,), (value,), (value.dtype,), (True,)), "0c", [out, a], 1, compile=uncached)
            np.testing.assert_allclose(out, want, rtol=8 * np.finfo(d.numpy).eps)


@pytest.mark.parametrize(("rule", "exactly"), [
    (scalar.tanh, np.tanh), (scalar.sigmoid, lambda x: 1 / (1 + np.exp(-x)))], ids=["tanh", "sigmoid"])
def test_exponentials_are_right_to_the_last_places(rule, exactly):
    """Of float32, for numbers of every size, and for those that are none; what is below all normal numbers included."""
    x, = operands(dtypes.float32)
    size = np.concatenate([np.geomspace(1e-38, 88.6, 4001), np.geomspace(89.2, 1e38, 200), [0, np.inf, np.nan]])
    a = np.concatenate([size, -size]).astype("f4")
    out = np.zeros_like(a)
    call(elementwise(rule(x), (dtypes.float32,)), "cc", [out, a], 1)
    with np.errstate(over="ignore"):
        want = exactly(a.astype("f8"))
    normal = np.abs(want) > 1.2e-38
    np.testing.assert_array_less(np.abs(out - want)[normal], 3 * np.spacing(np.abs(want[normal]).astype("f4")))
    np.testing.assert_allclose(out[~normal], want[~normal], rtol=0, atol=3e-39)
    np.testing.assert_array_equal(np.signbit(out[~np.isnan(a)]), np.signbit(want[~np.isnan(a)]))


@pytest.mark.parametrize("rule", [scalar.exp, scalar.sin, scalar.cos, scalar.log, scalar.tan, scalar.atan, scalar.erf],
                         ids=lambda rule: rule.__name__)
def test_an_element_is_computed_alike_wherever_it_stands(rule):
    """Vectors and their tails call the same functions, so a slice of the result is the result of the slice."""
    if kernel_writer.vector_bytes()[0] < 32 or not jit.vector_functions("exp", 1, True):
        pytest.skip("without masks the last elements are computed one by one, by libm")
    x, = operands(dtypes.float32)
    a = np.abs(sample(dtypes.float32, 1000, 7))
    region = elementwise(rule(x), (dtypes.float32,))
    whole = np.zeros_like(a)
    call(region, "cc", [whole, a], 1)
    for start, stop in [(0, 1), (3, 20), (990, 1000), (1, 999)]:
        part = np.zeros(stop - start, np.float32)
        call(region, "cc", [part, a[start:stop]], 1)
        np.testing.assert_array_equal(part, whole[start:stop])


@pytest.mark.parametrize("rule", [scalar.exp, scalar.tanh], ids=["exp", "tanh"])
def test_a_series_gives_every_element_the_same_digits(rule):
    """Of whole vectors, of shorter ones and of what those leave; sums round in another order."""
    if not jit.fuses():
        pytest.skip("without FMAs they are functions of a library")
    x, = operands(dtypes.float64)
    a, alone = sample(dtypes.float64, 70, 7), np.zeros(1)
    single = [(call(elementwise(rule(x), (dtypes.float64,)), "1", [alone, a[k:k + 1]], 0), alone[0])[1]
              for k in range(70)]
    summed = Region((dtypes.float64,), (row.sum(rule(x)),), (dtypes.float64,), (True,))
    for n in range(71):
        out, total = np.full(72, 9.0), np.zeros(1)
        call(elementwise(rule(x), (dtypes.float64,)), "cc", [out[:n], a[:n]], 1)
        assert out.tolist() == [*single[:n], *[9.0] * (72 - n)]
        call(summed, "0c", [total, a[:n]], 0)
        np.testing.assert_allclose(total[0], math.fsum(single[:n]), rtol=1e-14, atol=1e-15)


def test_source_is_deterministic():
    x, = operands(dtypes.float32)
    region = elementwise(softmax(x), (dtypes.float32,))
    assert kernel_source(region, "cc", (False,)) == kernel_source(region, "cc", (False,))


@pytest.mark.parametrize("accumulate", [False, True])
def test_sums_of_no_columns(accumulate):
    """An output that lies still along the columns, of which there are none: nothing is read or written."""
    x = Sym.operand(0, dtypes.float64)
    region = Region((dtypes.float64,), (Sym("reduce", (x,), dtypes.float64, "sum"),), (dtypes.float64,), (True,))
    kernel = compile_region(region, "|0c", (accumulate,))
    out, nest = np.full(3, 5.0), np.array([1, 1, 0, 4, 0, 0, 8, 8], "i8")
    pointers = np.array([out.ctypes.data, out.ctypes.data], "u8")
    run = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(kernel)
    assert run(pointers.ctypes.data, nest.ctypes.data) == 0
    assert out.tolist() == [5.0] * 3


@pytest.mark.parametrize("rows, columns", [(0, 5), (3, 0), (1, 1), (3, 5), (4, 16), (5, 33)])
@pytest.mark.parametrize("d", [dtypes.float32, dtypes.float64, dtypes.int32])
@pytest.mark.parametrize("letter", "cs")
def test_operands_that_share_a_pointer(rows, columns, d, letter):
    """Sums and differences of columns that lie beside each other, into columns beside each other and one elsewhere."""
    a, b, c = operands(d, d, d)
    region = Region((d,) * 3, (a + b, a - c, b * c), (d,) * 3, (False,) * 3)
    apart, every = (columns if letter == "c" else 0), 1 if letter == "c" else 2
    lies = "0+0,0+2,1+0,2+0,2+1,2+3" if apart else "0+0,1+0,2+0,3+0,4+0,5+0"
    read = sample(d, 200 * max(rows, 1), 0).reshape(max(rows, 1), 200)
    made, other = np.zeros_like(read), np.zeros_like(read)
    if apart:
        places = [made, other, read]
        starts = [0, 0, 0]
    else:
        places = [made, made, other, read, read, read]
        starts = [0, 1, 0, 0, columns * 2, columns * 2 + 1]
    item = d.itemsize
    nest = np.array([2, 0, rows, columns, *(s for x in places for s in (x.strides[0], every * item)), columns], "i8")
    pointers = np.array([x.ctypes.data + s * item for x, s in zip(places, starts)], "u8")
    address = compile_region(region, letter * 6 + ":" + lies, (False,) * 3)
    assert KERNEL(address)(pointers.ctypes.data, nest.ctypes.data) == 0

    def part(x, start):
        return x[:rows, start:start + columns * every:every]

    if apart:
        u, v, w = part(read, 0), part(read, columns), part(read, 3 * columns)
        found = part(made, 0), part(made, 2 * columns), part(other, 0)
    else:
        u, v, w = (part(read, s) for s in starts[3:])
        found = part(made, 0), part(made, 1), part(other, 0)
    for x, wanted in zip(found, (u + v, u - w, v * w)):
        np.testing.assert_array_equal(x, wanted)
    assert np.count_nonzero(made) <= 2 * rows * columns  # and nothing beside them
