"""Reductions and what is made of them, with derivatives, on rows that are hard: equal, zero, tied, huge, tiny, NaN."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

INF, NAN = math.inf, math.nan
BASE = np.array([[1, 2, 4], [3, -1, 2], [0.5, 0.25, -2]])
ROWS: dict[str, Any] = {
    "plain": BASE, "1e30": BASE * 1e30, "1e-30": BASE * 1e-30, "1e-23": BASE * 1e-23, "1000": BASE * 1000,
    "ones": np.ones((3, 3)), "tenths": np.full((3, 3), 0.1), "zero": np.zeros((3, 3)), "1e20": np.full((3, 3), 1e20),
    "infinite": np.array([[1, 2, INF], [-INF, 1, 2], [INF, -INF, 0]]), "all -inf": np.full((3, 3), -INF),
    "NaN": np.array([[1, NAN, 2], [NAN, NAN, NAN], [1, 2, 3]]), "ties": np.array([[1, 2, 2], [0, 0, -0.0], [3, 3, 3]]),
    "zeros": np.array([[0, 1, 2], [0, 0, 3], [1, 0, -0.0]]),
}


def nn(name: str, *rest: Any, **options: Any) -> Callable[..., Any]:
    return lambda t, x: getattr(t.nn.functional, name)(x, *rest, **options)


def norm(p: float) -> Callable[..., Any]:
    return lambda t, x: t.linalg.vector_norm(x, p, 1)


# How many derivatives are compared in float64 and in float32, and on which rows there are values for NaN of PyTorch's.
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int, tuple[str, ...]]] = {
    "std": (lambda t, x: x.std(1), 3, 1, ("infinite",)), "var": (lambda t, x: x.var(1), 3, 1, ()),
    "std of columns": (lambda t, x: x.std(0, correction=0), 3, 1, ("infinite",)),
    "std of all": (lambda t, x: x.std(), 3, 1, ()), "mean": (lambda t, x: x.mean(1), 2, 1, ()),
    "norm": (norm(2), 3, 0, ("zero", "ties", "infinite", "all -inf")),
    "norm 3": (norm(3), 3, 0, ("infinite", "all -inf")),
    "norm -1": (norm(-1), 2, 0, tuple(ROWS)), "norm -2": (norm(-2), 2, 0, tuple(ROWS)),
    "norm 1": (norm(1), 2, 1, ()), "norm inf": (norm(INF), 2, 1, ()), "norm 0.5": (norm(0.5), 2, 0, tuple(ROWS)),
    "dist": (lambda t, x: t.dist(x, x * 0.5), 2, 0, tuple(ROWS)), "logsumexp": (lambda t, x: x.logsumexp(1), 3, 2, ()),
    "softmax": (lambda t, x: x.softmax(1), 3, 2, ()), "log_softmax": (lambda t, x: x.log_softmax(1), 3, 2, ()),
    "amax": (lambda t, x: x.amax(1), 2, 1, ()), "amin": (lambda t, x: x.amin(1), 2, 1, ()),
    "max": (lambda t, x: x.max(), 2, 1, ()), "max dim": (lambda t, x: x.max(1)[0], 2, 1, ()),
    "median": (lambda t, x: x.median(1)[0], 2, 1, ()), "prod of all": (lambda t, x: x.prod(), 2, 0, tuple(ROWS)),
    "nansum": (lambda t, x: x.nansum(1), 2, 1, ()), "cumsum": (lambda t, x: x.cumsum(1), 2, 1, ()),
    "layer_norm": (nn("layer_norm", (3,)), 2, 0, ("1e20", "1e30")),
    "layer_norm scaled": (lambda t, x: t.nn.functional.layer_norm(x, (3,), x[0] + 1, x[1]), 2, 0, ("1e20", "1e30")),
    "normalize": (nn("normalize"), 2, 0, tuple(ROWS)),
    "mse": (lambda t, x: t.nn.functional.mse_loss(x, x * 0.5), 2, 1, ()),
}
# A product with infinite or absent factors, and weights of -inf, are what each library's formula makes of them.
UNDECIDED = {"prod of all": ("infinite", "NaN", "all -inf", "1e30"), "norm 3": ("1e30", "1e20"), "dist": ("1e30",),
             "norm 0.5": ("infinite", "all -inf", "1e30"), "norm -2": ("1e20", "1e30"), "layer_norm": ("1e20",),
             "layer_norm scaled": ("1e20",)}
# What float32 can hold, and PyTorch's squares cannot: the values stand further down.
NARROW = {"norm": ("1e30", "1e-30", "1e-23", "1e20"), "dist": ("1e-30", "1e-23", "1e20"), "normalize": ("1e30", "1e20")}


def derivatives(t: Any, function: Callable[..., Any], rows: Any, order: int) -> list[Any]:
    x = t.tensor(rows, requires_grad=True)
    found = [function(t, x)]
    for _ in range(order):
        y = found[-1]
        if not y.requires_grad:
            break
        weight = t.linspace(0.5, 1.5, y.numel(), dtype=y.dtype).reshape(y.shape)
        (g,) = t.autograd.grad((y * weight).sum(), x, create_graph=True, allow_unused=True)
        found.append(t.zeros_like(x) if g is None else g)
    return [v.numpy(force=True) if t is torch else v.detach().numpy() for v in found]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_hard_rows(name: str, dtype: str) -> None:
    function, *orders, better = FUNCTIONS[name]
    for which, rows in ROWS.items():
        if which in UNDECIDED.get(name, ()) or (dtype == "float32" and which in NARROW.get(name, ())):
            continue
        rows = rows.astype(dtype)
        order = orders[dtype == "float32"]
        tolerance = 1e-6 if dtype == "float64" else 2e-3
        theirs, ours = (derivatives(t, function, rows, order) for t in (torch, tapegrad))
        for number, (wanted, found) in enumerate(zip(theirs, ours)):
            with np.errstate(all="ignore"):
                size = np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0)
                same = np.isclose(found, wanted, rtol=tolerance, atol=tolerance * size + 1e-40, equal_nan=True)
                same |= (which == "tenths") & (abs(found) < 1e-9)  # the mean of tenths is off by a digit, in either
            if which in better:
                same |= np.isnan(wanted)
            assert same.all(), (which, number, found.tolist(), wanted.tolist())


@pytest.mark.parametrize("function, wanted", [
    (lambda t, x: x.std(), 1.5275252e30), (lambda t, x: t.std_mean(x)[0], 1.5275252e30),
    (lambda t, x: x.norm(), 4.5825757e30), (lambda t, x: t.linalg.vector_norm(x, dim=0), 4.5825757e30),
    (lambda t, x: t.linalg.matrix_norm(x.reshape(1, 3)), 4.5825757e30), (lambda t, x: (x * 5e7).mean(), 1.1666667e38),
    (lambda t, x: x.logsumexp(0), 4e30), (lambda t, x: t.hypot(x[0], x[1]), 2.236068e30),
    (lambda t, x: t.nn.functional.normalize(x, dim=0)[2] * 1e30, 0.8728716e30),
], ids=str)
def test_float32_leaves_its_range_only_with_the_result(function: Callable[..., Any], wanted: float) -> None:
    assert function(tapegrad, tapegrad.tensor([1e30, 2e30, 4e30])).item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("dtype, large", [("float64", 1e200), ("bfloat16", 3e38), ("bfloat16", 1e30)])
@pytest.mark.parametrize("function", ["var", "std"])
def test_a_deviation_beyond_the_range_is_infinite(function: str, dtype: str, large: float) -> None:
    for rows in ([large, -large], [large, large, -large], [large]):
        wanted, found = (getattr(t.tensor(rows, dtype=getattr(t, dtype)), function)(correction=0).item()
                         for t in (torch, tapegrad))
        assert found == pytest.approx(wanted, rel=1e-2)


def test_float32_keeps_its_smallest_deviations() -> None:
    tiny = tapegrad.tensor([1e-30, 2e-30, 4e-30], requires_grad=True)
    for f, value in ((tapegrad.std, 1.5275252e-30), (tapegrad.norm, 4.5825757e-30)):
        y = f(tiny)
        assert y.item() == pytest.approx(value, rel=1e-5)
        (g,) = tapegrad.autograd.grad(y, tiny)
        assert 0.5 < g.abs().max().item() <= 1


@pytest.mark.parametrize("rows", [[2.0, 2.0], [0.1] * 3, [0.1] * 1000, [1e20] * 7, [0.0]])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_equal_elements_do_not_spread(rows: list[float], dtype: str) -> None:
    x = tapegrad.tensor(rows, dtype=getattr(tapegrad, dtype), requires_grad=True)
    y = x.std(correction=0)
    (g,) = tapegrad.autograd.grad(y.sin(), x, create_graph=True)
    (h,) = tapegrad.autograd.grad(g.tanh().sum(), x)
    assert y.item() == 0 and not g.detach().numpy().any() and not h.numpy().any()


@pytest.mark.parametrize("x", [[2.0, 0.0], [0.0, 0.0, 4.0], [0.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], [1.5, 2.0, -3.0]])
@pytest.mark.parametrize("function", [
    lambda t, x: x.prod(), lambda t, x: x.view(1, -1).prod(1, keepdim=True), lambda t, x: x.view(-1, 1).prod(0),
    lambda t, x: x.cumprod(0)[-1],
    lambda t, x: t.ones(2, dtype=x.dtype).scatter_reduce(0, t.zeros(len(x), dtype=t.int64), x, "prod")[0],
    lambda t, x: x.scatter_reduce(0, t.zeros(len(x) - 1, dtype=t.int64), x[1:], "prod")[0],
    lambda t, x: t.zeros(1, dtype=x.dtype).index_reduce(
        0, t.zeros(len(x), dtype=t.int64), x, "prod", include_self=False),
], ids=str)
def test_products_are_polynomials(function: Callable[..., Any], x: list[float]) -> None:
    """The derivatives of a product of distinct factors, to the third, whatever factors are zero."""
    leaf = tapegrad.tensor(x, dtype=tapegrad.float64, requires_grad=True)
    n = len(x)
    (g,) = tapegrad.autograd.grad(function(tapegrad, leaf).sum(), leaf, create_graph=True)
    for i in range(n):
        assert g[i].item() == pytest.approx(math.prod(v for k, v in enumerate(x) if k != i))
        (h,) = tapegrad.autograd.grad(g[i], leaf, create_graph=True)
        for j in range(n):
            assert h[j].item() == pytest.approx(
                0 if i == j else math.prod(v for k, v in enumerate(x) if k not in (i, j)))
            (third,) = tapegrad.autograd.grad(h[j], leaf, retain_graph=True)
            for m in range(n):
                assert third[m].item() == pytest.approx(
                    0 if len({i, j, m}) < 3 else math.prod(v for k, v in enumerate(x) if k not in (i, j, m)))
