"""exp and tanh of doubles, which are a series: close to the true value, the same in every lane, right at the ends."""
from __future__ import annotations

import math

import numpy as np
import pytest

import tapegrad as torch
from tapegrad import dtypes
from tapegrad.machine.kernels import series
from tapegrad.machine.kernels.emitter import Region, kernel_source
from tapegrad.machine.llvm import jit
from tapegrad.ops.scalar import row, scalar
from tapegrad.ops.symbols import Sym

OFF = {"exp": 1.1, "tanh": 2.5}  # units of the last place
RANGES = {
    "exp": [(-1, 1), (-0.4, 0.4), (-745, 709.7), (-746, -700), (708, 709.7)],
    "tanh": [(-1, 1), (-1e-3, 1e-3), (-0.4, 0.4), (-20, 20), (-1e-300, 1e-300)],
}
ENDS = {
    "exp": {0.0: 1.0, math.inf: math.inf, -math.inf: 0.0, 709.782712893384: 1.7976931348622732e308,
            709.7827128933841: math.inf, 1e308: math.inf, -1e308: 0.0, -708.5: math.exp(-708.5), -745.1: 5e-324,
            -745.2: 0.0, 5e-324: 1.0, -1e-17: 1.0},
    "tanh": {-0.0: -0.0, math.inf: 1.0, -math.inf: -1.0, 1e308: 1.0, -1e308: -1.0, 19.99: 1.0, 5e-324: 5e-324,
             -1e-17: -1e-17},
}


@pytest.mark.parametrize("name, low, high", [(name, *ends) for name, ranges in RANGES.items() for ends in ranges])
def test_units_of_the_last_place(name, low, high):
    x = np.random.default_rng(0).uniform(low, high, 4001)
    if np.finfo(np.longdouble).eps > 1e-18:
        pytest.skip("no wider numbers to compare with")
    wanted = getattr(np, name)(x.astype(np.longdouble))
    found = getattr(torch.from_numpy(x), name)().numpy()
    off = np.abs(found - wanted) / np.spacing(np.abs(wanted).astype(np.float64))
    assert off.max() < (OFF[name] if jit.fuses() else 4)


@pytest.mark.parametrize("name", ENDS)
def test_ends(name):
    x, wanted = (np.array(list(part)) for part in (ENDS[name], ENDS[name].values()))
    found = getattr(torch.from_numpy(x), name)().numpy()
    np.testing.assert_allclose(found, wanted, rtol=4e-16, atol=0)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))
    nan = getattr(torch.tensor([math.nan, 1.0], dtype=torch.float64), name)()
    assert nan.isnan().tolist() == [True, False]


@pytest.mark.skipif(not jit.fuses(), reason="libm's")
@pytest.mark.parametrize("name", OFF)
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 15, 16, 17, 23, 36])
def test_every_lane_has_the_same_digits(name, n):
    x = torch.from_numpy(np.random.default_rng(n).normal(size=n) * 30)
    function = getattr(torch, name)
    one_by_one = [function(v).item() for v in x]
    assert function(x).tolist() == one_by_one
    assert function(torch.stack([x, x], 1).T)[1].tolist() == one_by_one
    columns = torch.stack([x, x], 1)
    assert function(columns)[:, 1].tolist() == one_by_one
    np.testing.assert_allclose(function(x).sum().item(), math.fsum(one_by_one), rtol=1e-13)
    np.testing.assert_allclose(function(columns).sum(0).numpy(), [math.fsum(one_by_one)] * 2, rtol=1e-13)
    together = torch.compile(lambda x: (function(x).sum(), function(x) * function(-x)))
    for _ in range(3):
        total, product = together(x)
    np.testing.assert_allclose(total.item(), math.fsum(one_by_one), rtol=1e-13)
    np.testing.assert_array_equal(product.numpy(), (function(x) * function(-x)).numpy())


@pytest.mark.skipif(not jit.fuses(), reason="libm's")
@pytest.mark.parametrize("name", OFF)
@pytest.mark.parametrize("per_row, pattern", [(False, "1"), (False, "cc"), (False, "cs"), (True, "0c"), (True, "|cc")])
def test_those_that_most_kernels_call_are_made_with_the_machine(name, per_row, pattern):
    found = getattr(scalar, name)(Sym.operand(0, dtypes.float64))
    region = Region((dtypes.float64,), (row.sum(found) if per_row else found,), (dtypes.float64,), (per_row,))
    called = series.called(kernel_source(region, pattern, (False,)))
    assert called
    assert {*called} <= {*series.usual()}
