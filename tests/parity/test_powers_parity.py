"""A power whose exponent is a number is a product or a root where PyTorch takes one: equal to the last bit."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

POINTS = [0.0, -0.0, math.inf, -math.inf, math.nan, -1.0, -2.5, 1e-40, 1e30, -1e-30]

FORMS: dict[str, Callable[..., Any]] = {
    "x ** e": lambda t, x, e: x ** e,
    "t.pow(x, e)": lambda t, x, e: t.pow(x, e),
    "t.pow(x, e, out=o)": lambda t, x, e: t.pow(x.detach(), e, out=t.empty_like(x)),
    "x.pow_(e)": lambda t, x, e: (x * 1).pow_(e),
    "x **= e": lambda t, x, e: (x * 1).__ipow__(e),
    "t.float_power(x, e)": lambda t, x, e: t.float_power(x, e),
    "x[::2] ** e": lambda t, x, e: x.detach()[::2] ** e,
    "x[5] ** e": lambda t, x, e: x.detach()[5] ** e,
}

# Of each exponent, which results (the value, its derivative, the derivative of that, …) take products alone.
ALL, FIRST = (0, 1, 2, 3), (0, 1)
PRODUCTS: list[tuple[Any, tuple[int, ...]]] = [
    (0.0, ALL), (1.0, ALL), (2.0, ALL), (3.0, ALL), (-1.0, FIRST), (-2.0, (0,)), (0, ALL), (1, ALL), (2, ALL), (3, ALL),
    (-1, FIRST), (-2, (0,)), (True, ALL), (np.float64(2.0), ALL), (np.float32(3.0), ALL),
    (4.0, (1, 2, 3)), (5.0, (2, 3)), (4, (1, 2, 3)), (5, (2, 3))]  # of which the power itself is libm's


def results(t: Any, x: np.ndarray[Any, Any], e: Any, form: Callable[..., Any]) -> list[np.ndarray[Any, Any]]:
    """A power and its first three derivatives, as far as there are any."""
    x = t.tensor(x, requires_grad=True)
    found = [form(t, x, e)]
    while found[-1].requires_grad and len(found) < 4:
        w = t.linspace(-1, 2, found[-1].numel(), dtype=found[-1].dtype).reshape(found[-1].shape)
        found += t.autograd.grad((found[-1] * w).sum(), x, create_graph=True)
    return [y.detach().numpy() for y in found]


def elements(dtype: Any) -> np.ndarray[Any, Any]:
    return np.concatenate([np.random.default_rng(0).standard_normal(997) * 3, POINTS]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("e", "which"), PRODUCTS, ids=repr)
def test_products(e, which, form, dtype):
    ours, theirs = (results(t, elements(dtype), e, FORMS[form]) for t in (tapegrad, torch))
    assert len(ours) == len(theirs)
    for a, b in list(zip(ours, theirs))[slice(which[0], which[-1] + 1)]:
        np.testing.assert_array_equal(*(y.view(f"i{y.itemsize}") * ~np.isnan(y) for y in (a, b)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_roots(dtype):
    """The root is the nearest number; PyTorch's may be its neighbour, and is what it gives as `sqrt`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x = elements(dtype)
        root = np.sqrt(x)
        for e, right in ((0.5, root), (-0.5, 1 / root)):
            value, slope = (y.detach() for y in map(tapegrad.tensor, results(tapegrad, x, e, FORMS["x ** e"])[:2]))
            np.testing.assert_array_equal(value.numpy(), right)
            np.testing.assert_allclose(value, torch.tensor(x) ** e, rtol=3e-7 if dtype is np.float32 else 5e-16)
            assert slope.dtype == value.dtype
        (_, slope), (_, theirs) = (results(t, x, 0.5, FORMS["x ** e"])[:2] for t in (tapegrad, torch))
        np.testing.assert_array_equal(slope, theirs)  # 0.5 * x ** -0.5, which is 1 / root in both


@pytest.mark.parametrize("e", [2.0, 3.0, 0.5, -1.0, 0.0])
@pytest.mark.parametrize("dtype", ["float16", "int64", "uint8", "bool"])
def test_other_dtypes(dtype, e):
    x = elements(np.float32) if dtype == "float16" else np.arange(20)
    ours, theirs = (t.tensor(x).to(getattr(t, dtype)) ** e for t in (tapegrad, torch))
    assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
    near = 0 if e != 0.5 else 1e-3 if dtype == "float16" else 3e-7
    np.testing.assert_allclose(ours.float(), theirs.float(), rtol=near)


def test_exponents_in_tensors_are_powers():
    """Also in one without axes, as in PyTorch: only of a number is known what it is before the elements are."""
    x = tapegrad.rand(1000)
    for e in (2.0, 3.0, 0.5):
        assert tapegrad.equal(x ** tapegrad.tensor(e), x ** tapegrad.full((1000,), e))
    assert tapegrad.tensor(-math.inf) ** tapegrad.tensor(0.5) == math.inf
    assert math.isnan(tapegrad.tensor(-math.inf) ** 0.5)
