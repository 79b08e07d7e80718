"""The symbolic operand: sharing, promotion refusals, text and evaluation."""
from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest

from tapegrad import dtypes
from tapegrad.ops.scalar import INTRINSICS, row, scalar
from tapegrad.ops.symbols import Sym, evaluate, key, walk

F, D, I, B = dtypes.float32, dtypes.float64, dtypes.int64, dtypes.bool_
x, y, z = (Sym.operand(i, D) for i in range(3))
i = Sym.operand(0, I)
b = Sym.operand(0, B)


def test_equal_nodes_are_one_object():
    assert (x * y + 1) is (x * y + 1)
    assert x + y is not y + x
    assert Sym.const(0.0, D) is not Sym.const(-0.0, D)
    assert Sym.const(math.nan, D) is Sym.const(math.nan, D)
    assert pickle.loads(pickle.dumps(x * y + 1)) is x * y + 1
    with pytest.raises(AttributeError):
        x.op = "y"


@pytest.mark.parametrize("sym, text", [
    (x * (1 - y * y), "a * (1 - b * b)"), (x - (y - z), "a - (b - c)"), (x - y - z, "a - b - c"),
    (-(x + y), "-(a + b)"),
    (-x * y, "-a * b"), (x / (y * z), "a / (b * c)"), (x ** y ** z, "a ** b ** c"), ((x ** y) ** z, "(a ** b) ** c"),
    (2.5 * x, "2.5 * a"), (x + -1, "a + -1"), (x ** -1, "a ** (-1)"), (-(x ** 2), "-a ** 2"),
    (scalar.where(x > 0, y, 0), "where(a > 0, b, 0)"), (y * (x - row.sum(x * y)), "b * (a - sum(a * b))"),
    (~(x < y) & (x == z), "~(a < b) & (a == c)"), ((x > 0) * y, "f64(a > 0) * b"), (abs(x), "abs(a)"),
    (row.max(x), "max(a)"), (x / row.count(x).cast(D), "a / f64(count())"), (1 / x, "1 / a"),
    (i // 2 % 3, "a // 2 % 3"),
], ids=str)
def test_text(sym, text):
    assert sym.text("abc") == text
    assert sym.text(lambda k: "abc"[k]) == text


def test_text_means_what_it_says():
    """Printed infix notation, read back by Python, builds the same node."""
    leaves = [x, y, z]
    level = [f(p, q) for p, q in itertools.product(leaves[:2], leaves[1:]) for f in
             (lambda p, q: p + q, lambda p, q: p - q, lambda p, q: p * q, lambda p, q: p / q, lambda p, q: p ** q,
              lambda p, q: -p)]
    for p, q in itertools.product(level, level):
        for sym in (p - q, p / q, p ** q, -p * q):
            assert eval(sym.text("xyz"), {"x": x, "y": y, "z": z}) is sym


@pytest.mark.parametrize("make, message", [
    (lambda: bool(x > 0), "scalar.where"), (lambda: x + Sym.operand(0, F), "cast"), (lambda: i / 2, "floating-point"),
    (lambda: i + 1.5, "no place"), (lambda: x & y, "integer"), (lambda: scalar.exp(i), "floating-point"),
    (lambda: x + "1", "mix"), (lambda: scalar.atan2(x), "takes 2 operands"),
    (lambda: scalar.where(b, 1, 2), "no dtype"),
])
def test_refusals(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_dtypes_of_results():
    assert (x > 0).dtype is B and scalar.isnan(x).dtype is B
    assert (i * b).dtype is I and (b & True).dtype is B
    assert row.argmax(x).dtype is I and row.any(x).dtype is B and row.sum(x).dtype is D
    assert scalar.logical_and(x, i).args[0].op == "cast"
    assert Sym.const(300, dtypes.uint8).value == 44 and Sym.const(200, dtypes.int8).value == -56
    assert Sym.const(2, F).cast(D) is Sym.const(2.0, D)


def test_unknown_names_are_attribute_errors():
    assert not hasattr(scalar, "exq") and not hasattr(row, "median")


def test_key_is_linear_where_text_is_not():
    value = x
    for _ in range(60):
        value = value * value
    assert len(key([value])) < 2000
    assert sum(1 for _ in walk([value])) == 61


def test_numbers_and_arrays_use_numpy():
    assert scalar.exp(0) == 1 and scalar.maximum(1, 2.5) == 2.5
    assert scalar.exp(np.zeros(2, np.float32)).dtype == np.float32
    a = np.arange(6.0).reshape(2, 3)
    assert row.sum(a, (1,)).tolist() == [[3.0], [12.0]] and row.argmax(a, None).tolist() == [[5]]
    assert row.index(a, (0,)).tolist() == [[0, 0, 0], [1, 1, 1]] and row.count(a, (0, 1)).tolist() == [[6]]


def test_any_class_can_take_part():
    class Recorder:
        def __scalar__(name, args):
            return name, args

        def __row__(name, x, dim):
            return name, dim

    r = Recorder()
    assert scalar.add(1, r) == ("add", (1, r))
    assert row.sum(r, (0,)) == ("sum", (0,))


def test_evaluate():
    a, c = np.random.default_rng(0).normal(size=(2, 4, 5))
    e = scalar.exp(x - row.max(x))
    got, = evaluate([y * e / row.sum(e)], [a, c], (1,))
    want = np.exp(a - a.max(1, keepdims=True))
    np.testing.assert_allclose(got, c * want / want.sum(1, keepdims=True), rtol=1e-14)


def test_every_intrinsic_says_what_it_takes():
    for entry in INTRINSICS.values():
        assert set(entry.takes) <= set("fibn") and entry.gives in ("n", "b") and 1 <= len(entry.llvm) <= 3
