"""Derivatives, to the third, where a rule has a kink or a quotient: at zeros, ties, infinities, NaN and far out.

Each function is compared with PyTorch at every point. `BETTER` says why there is a value where PyTorch has NaN,
`DIFFERS` at which points values differ and why; what is right there stands in `EXTRA`.
"""
from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

INF, NAN = math.inf, math.nan


def named(space: str, *names: str, **options: Any) -> dict[str, Callable[..., Any]]:
    def function(name: str) -> Callable[..., Any]:
        def call(t: Any, *operands: Any) -> Any:
            for part in filter(None, space.split(".")):
                t = getattr(t, part)
            return getattr(t, name)(*operands, **options)
        return call
    said = "".join(f" {k}={v}" for k, v in options.items() if k != "reduction")
    return {name + said: function(name) for name in names}


ONE: dict[str, Callable[..., Any]] = {
    **named("", "abs", "square", "reciprocal", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt",
            "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sinc",
            "erf", "erfc", "erfinv", "lgamma", "digamma", "logit", "sigmoid", "relu", "sign", "sgn", "floor",
            "ceil", "round", "trunc", "frac", "nan_to_num", "positive", "deg2rad", "i0"),
    **named("nn.functional", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "logsigmoid",
            "hardtanh", "relu6", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "softsign", "tanhshrink"),
    **named("special", "ndtr", "entr", "i0e", "i1", "i1e", "erfcx", "log_ndtr", "ndtri"),
    **named("nn.functional", "gelu", approximate="tanh"), **named("nn.functional", "elu", "celu", alpha=0.5),
    **named("", "logit", eps=0.2), **named("", "mvlgamma", p=2), **named("", "clamp", min=-0.5, max=1.0),
    **named("", "clamp", min=0.0), **named("", "clamp", max=0.0),
    "threshold": lambda t, x: t.nn.functional.threshold(x, 0.5, -2.0),
    "polygamma": lambda t, x: t.polygamma(2, x), "2 / x": lambda t, x: 2 / x,
    **{f"x ** {e}": lambda t, x, e=e: x ** e for e in (0, 1, 2, 3, 1.5, -1, -2)},
    **{f"{b} ** x": lambda t, x, b=b: b ** x for b in (0.0, 2, 2.5)},
    "x % 2": lambda t, x: x % 2.0, "fmod": lambda t, x: t.fmod(x, 2.0), "0 log x": lambda t, x: t.xlogy(0.0, x),
}
TWO: dict[str, Callable[..., Any]] = {
    **named("", "mul", "div", "pow", "logaddexp", "logaddexp2", "xlogy", "atan2", "hypot", "copysign", "maximum",
            "minimum", "fmax", "fmin", "fmod", "remainder"),
    **named("special", "xlog1py"), **named("", "div", rounding_mode="floor"), **named("", "div", rounding_mode="trunc"),
    **named("nn.functional", "smooth_l1_loss", "huber_loss", "mse_loss", "l1_loss", "kl_div", "poisson_nll_loss",
            "binary_cross_entropy_with_logits", reduction="none"),
    "weighted": lambda t, x, y: t.nn.functional.binary_cross_entropy_with_logits(
        x, y, reduction="none", pos_weight=t.tensor(3.0, dtype=x.dtype)),
    "chosen log": lambda t, x, y: t.where(x > 0, x.log() * y, y),
    "chosen xlogy": lambda t, x, y: t.where(y > 0, t.xlogy(x, y), x * 0),
    "clamp_min": lambda t, x, y: t.clamp(x, min=y), "clamp_max": lambda t, x, y: t.clamp(x, max=y),
    "clamp": lambda t, x, y: t.clamp(x, y, y + 1),
}
OUT = [-INF, -1e100, -1000.0, -100.0, -30.0, -3.0, -2.0, -1.0, -0.5, -0.2, -1e-100, -0.0, 0.0, 1e-100, 0.2, 0.5, 0.8,
       1.0, 2.0, 3.0, 6.0, 21.0, 50.0, 89.0, 100.0, 1000.0, 1e100, INF, NAN]
PAIRS = [-INF, -1000.0, -2.0, -1.0, -0.0, 0.0, 0.3, 1.0, 2.0, 1000.0, INF, NAN]

CHOSEN = "PyTorch spoils the branch that was taken with 0 times the other one's infinity"
FAR = "a product of infinity and zero in PyTorch's formula"
POLE = "the poles are infinite"
BETTER = {  # where PyTorch has NaN and there is a value
    **dict.fromkeys(("sinc", "logit", "logit eps=0.2", "pow", "xlogy", "xlog1py", "atan2", "copysign", "0.0 ** x",
                     "chosen xlogy"), CHOSEN),
    **dict.fromkeys(("gelu", "gelu approximate=tanh", "mish", "weighted", "log_ndtr", "i0", "i1"), FAR),
    **dict.fromkeys(("lgamma", "digamma", "mvlgamma p=2", "polygamma"), POLE),
}
DIFFERS: dict[str, tuple[str, Callable[..., Any]]] = {  # where both have values, and at which points
    **dict.fromkeys(("lgamma", "digamma"), (POLE, lambda x: (x <= 0) & (x == np.round(x)))),
    "mvlgamma p=2": (POLE, lambda x: (x <= 0.5) & (2 * x == np.round(2 * x))),
    "sinc": ("PyTorch has 0 where the quotient is 0 / 0", lambda x: abs(x) < 0.01),
    "log_ndtr": ("PyTorch's erfcx and x cancel far below zero", lambda x: x <= -30),
    "x ** 1.5": ("pow(-inf) and pow(-0.0) are C's", lambda x: (x == -INF) | (x == 0)),
    **dict.fromkeys(("i0", "i0e", "i1", "i1e"), (
        "PyTorch drops what is 0 / 0 at zero, has 0.5 of NaN, and overflows earlier",
        lambda x: (abs(x) < 0.01) | np.isnan(x) | (x == 89))),
    **dict.fromkeys(("smooth_l1_loss", "huber_loss"), (
        "of NaN PyTorch's second derivative is 0, here that of the square", lambda x, y: np.isnan(x - y))),
    "erfcx": ("it cancels far above zero, in both", lambda x: x >= 50),
}
EXTRA = {  # values that PyTorch's cannot be compared with: function, order, point, derivative
    ("sinc", 2, 0.0): -math.pi ** 2 / 3, ("sinc", 3, 0.0): 0.0, ("i1", 3, 0.0): 0.375, ("i0e", 3, 1e-100): -2.5,
    ("i1e", 2, 1e-100): -1.0, ("log_ndtr", 2, -1000.0): -0.999999, ("log_ndtr", 2, 1000.0): 0.0,
    ("digamma", 1, -3.0): INF,
    ("lgamma", 2, -100.0): INF, ("mish", 2, 1000.0): 0.0, ("gelu", 2, 1e100): 0.0, ("0.0 ** x", 2, 1.0): 0.0,
}


def derivatives(t: Any, function: Callable[..., Any], arrays: list[Any], order: int) -> Iterator[tuple[str, Any]]:
    """("", value), then ("x", its derivative by x), ("xy", that one's by y), …; None for no derivative."""
    leaves = [t.tensor(a, requires_grad=True) for a in arrays]
    level = {"": function(t, *leaves)}
    yield from level.items()
    for _ in range(order):
        following: dict[str, Any] = {}
        for name, y in level.items():
            found = (None,) * len(leaves)
            if y is not None and y.requires_grad:
                with contextlib.suppress(*[RuntimeError] * (t is torch)):  # it lacks a few
                    found = t.autograd.grad(y, leaves, t.ones_like(y.detach()), create_graph=True, allow_unused=True)
            following.update({name + "xy"[j]: g for j, g in enumerate(found)})
        level = following
        yield from level.items()


def values(v: Any, like: Any) -> Any:
    if v is None:
        return np.zeros_like(like)
    return v.numpy(force=True) if isinstance(v, torch.Tensor) else v.detach().numpy()


CASES = [(name, f, 1) for name, f in ONE.items()] + [(name, f, 2) for name, f in TWO.items()]


@pytest.mark.parametrize("dtype, order", [("float64", 3), ("float32", 2)])
@pytest.mark.parametrize("name, function, arity", CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_derivatives_at_every_point(name: str, function: Callable[..., Any], arity: int, dtype: str, order: int
                                    ) -> None:
    points = OUT if arity == 1 else PAIRS
    with np.errstate(all="ignore"):
        grid = [a.ravel().astype(dtype) for a in np.meshgrid(*[points] * arity)]
    tolerance = 1e-6 if dtype == "float64" else 4e-3
    theirs = derivatives(torch, function, grid, order - arity + 1)
    ours = derivatives(tapegrad, function, grid, order - arity + 1)
    for (key, x), (_, y) in zip(theirs, ours):
        if len(key) == 1:
            assert (y is not None and y.requires_grad) or x is None or not x.requires_grad, key
        wanted, found = values(x, grid[0]), values(y, grid[0])
        with np.errstate(all="ignore"):
            same = np.isclose(found, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
        if name in BETTER:
            same |= np.isnan(wanted) & ~np.isnan(found)
        if name in DIFFERS:
            with np.errstate(all="ignore"):
                same |= DIFFERS[name][1](*grid)
        assert same.all(), (key, [(*(float(a[i]) for a in grid), float(found[i]), float(wanted[i]))
                                  for i in np.flatnonzero(~same)[:5]])


@pytest.mark.parametrize("name, order, point", EXTRA)
def test_derivatives_that_pytorch_lacks(name: str, order: int, point: float) -> None:
    at = np.array([point])
    *_, (_, found) = derivatives(tapegrad, ONE[name], [at], order)
    assert values(found, at)[0] == pytest.approx(EXTRA[name, order, point], rel=1e-6, abs=1e-6)
