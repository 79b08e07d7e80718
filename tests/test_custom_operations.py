"""Functions of numbers as operations: followed or compiled by Numba, fused, differentiated, refused."""
from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest

import tapegrad as torch
from tapegrad.testing import check_rule

f64 = torch.float64
HALF = 0.5


def helper(x: float) -> float:
    return x * HALF


@numba.njit
def jitted(x: float, y: float) -> float:
    return math.atan2(y, x) + helper_too(x)


@numba.njit
def helper_too(x: float) -> float:
    return math.sqrt(x * x + 1)


FOLLOWED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "arithmetic": (lambda x, y: x * y - x / (y * y + 1) + 2, ([-1.0, 0.5, 3.0], [2.0, -0.3])),
    "math": (lambda x: math.exp(-x ** 2) * math.sin(x) + math.log1p(x * x), ([-1.0, 0.2, 2.0],)),
    "numpy": (lambda x: np.tanh(x) + np.where(x > 0, x * x, 0 * x) + np.arctan(x), ([-1.0, 0.2, 2.0],)),
    "choices": (lambda x, y: max(x, y, 0.1) - min(x, 1.0), ([-1.0, 0.2, 2.0], [0.5, 0.3, 7.0])),
    "numbers alone": (lambda x: np.where(x > 0, 1, 2) * x, ([-1.0, 2.0],)),
    "constant": (lambda x: 3.0, ([-1.0, 2.0],)),
    "helpers": (lambda x: helper(x) + math.pi, ([-1.0, 2.0],)),
    "numba's": (jitted, ([1.0, 2.0], [0.5, -1.0])),
    "loops over constants": (lambda x: sum_of(x), ([1.0, -2.0],)),
    "powers": (lambda x: x ** 3 + 2.0 ** x + abs(x) ** 1.5, ([1.0, -2.0],)),
    "special": (lambda x: math.erf(x) + math.lgamma(x + 4), ([1.0, -2.0],)),
}


def sum_of(x: float) -> float:
    total = 0.0
    for k in range(1, 4):
        total = total + x ** k / k
    return total


@pytest.mark.parametrize("name", FOLLOWED)
def test_followed(name: str) -> None:
    function, samples = FOLLOWED[name]
    made = torch.custom_op(function, name=name.replace(" ", "_").replace("'", ""))
    assert made.reason is None
    check_rule(made, *samples)


def newton(x: float) -> float:
    """A cube root: loops and branches on values."""
    if x == 0:
        return 0.0
    y = x
    for _ in range(200):
        y = y - (y * y * y - x) / (3 * y * y)
        if abs(y * y * y - x) < 1e-13 * abs(x):
            break
    return y


def test_branches_are_numbas_and_want_an_adjoint() -> None:
    root = torch.custom_op(newton, vjp=lambda g, out: g / (3 * out * out))
    assert root.reason
    check_rule(root, [1.0, -8.0, 0.3], reference=lambda x: math.copysign(abs(x) ** (1 / 3), x), rtol=1e-6)
    x = torch.tensor([8.0, 27.0], dtype=f64, requires_grad=True)
    (g,) = torch.autograd.grad(root(x).sum(), x, create_graph=True)
    torch.testing.assert_close(g, torch.tensor([1 / 12, 1 / 27], dtype=f64))
    (second,) = torch.autograd.grad(g.sum(), x)
    torch.testing.assert_close(second, -2 / 9 * x.detach() ** (-5 / 3))
    without = torch.custom_op(newton, name="without")
    y = without(x)
    assert y.requires_grad
    with pytest.raises(RuntimeError, match=r"custom\.without is not implemented"):
        y.sum().backward()


def test_an_adjoint_that_branches() -> None:
    def slope(g: float, x: float) -> float:
        return g if x > 0 else 0.0

    made = torch.custom_op(lambda x: max(x, 0.0), vjp=slope, name="rectified")
    check_rule(made, [1.0, -2.0], twice=False)
    with pytest.raises(TypeError, match="several operands cannot be followed"):
        torch.custom_op(lambda x, y: x * y, vjp=lambda g, x, y: (g, y) if x > 0 else (y, g))


def test_functions_whose_types_are_declared_take_others() -> None:
    """A declaration with types compiles nothing else: numbers are converted, as Numba does in its own calls."""
    @numba.njit("float64(float64)")
    def halved(x: float) -> float:
        return 0.0 if x < 0 else x / 2

    op = torch.custom_op(halved)
    for of in (torch.float32, f64):
        assert op(torch.tensor([-1.0, 3.0], dtype=of)).tolist() == [0, 1.5]


def test_what_raises_is_nan() -> None:
    def root(x: float) -> float:
        if x < 0:
            raise ValueError("below zero")
        return math.sqrt(x)

    assert torch.custom_op(root)(torch.tensor([-1.0, 4.0])).tolist()[1] == 2
    assert math.isnan(torch.custom_op(root)(torch.tensor([-1.0]))[0])


def test_it_is_fused_and_one_node() -> None:
    bell = torch.custom_op(lambda x, s: math.exp(-(x / s) ** 2), name="bell")
    x = torch.randn(50, dtype=f64).requires_grad_()

    @torch.compile
    def step(x: torch.Tensor) -> torch.Tensor:
        return (bell(x, 2.0) * 3 + 1).sum()

    for _ in range(4):
        loss = step(x)
    assert step.replays == 2 and "1 kernel calls" in step.tape.dump().splitlines()[0]
    loss.backward()
    wanted = torch.exp(-(x.detach() / 2) ** 2) * -x.detach() / 2 * 3
    torch.testing.assert_close(x.grad, wanted)
    assert type(bell(x, 1.0).grad_fn).__name__ == "BellBackward0"
    assert step.native.run(x) == step(x).item()


def test_it_is_an_operation_like_any() -> None:
    cube = torch.custom_op(lambda x: x * x * x, name="cube")
    x = torch.tensor([1.0, 2.0], dtype=f64)
    assert torch.func.vmap(cube)(x).tolist() == [1, 8]
    assert torch.func.grad(torch.func.grad(cube))(torch.tensor(2.0, dtype=f64)).item() == 12
    assert torch.func.jvp(cube, (x,), (torch.ones(2, dtype=f64),))[1].tolist() == [3, 12]
    assert cube(torch.tensor([2, 3])).dtype is torch.float32
    assert cube(torch.tensor([2.0]).half()).tolist() == [8] and cube(torch.ones(2, 0)).shape == (2, 0)
    again = torch.custom_op(lambda x: cube(x) + 1, name="cube")  # another operation of the same name, made of the first
    assert again(x).tolist() == [2, 9] and cube(x).tolist() == [1, 8]
    assert again.operation.name == "custom.cube_1"

    @torch.custom_op
    def wide(x: float, width: float = 2.0) -> float:
        return x / width

    assert wide(x).tolist() == [0.5, 1] and wide(x, width=x).tolist() == [1, 1] and wide.__name__ == "wide"


def test_values_are_those_of_the_declaration() -> None:
    global HALF
    made = torch.custom_op(helper, name="halved")
    try:
        HALF = 7.0
        assert made(torch.tensor([2.0])).tolist() == [1]
    finally:
        HALF = 0.5


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no function": (3, {}, "not a int"),
    "text": (lambda x: "a", {}, "no function of numbers"),
    "stars": (lambda *x: x, {}, "plain parameters only"),
    "names": (lambda g: g, {}, "may be called g or out"),
    "nothing": (lambda: 1.0, {}, "takes nothing"),
    "an adjoint of others": (lambda x: x, {"vjp": lambda g, y: g}, "asks for y"),
    "too few gradients": (lambda x, y: x * y, {"vjp": lambda g, x: g}, "1 gradients for 2 operands"),
    "objects": (lambda x: sorted(x), {}, "no function of numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    function, options, why = REFUSED[name]
    with pytest.raises(TypeError, match=why):
        torch.custom_op(function, **options)


def test_checks_find_what_is_wrong() -> None:
    with pytest.raises(AssertionError, match="not the derivative"):
        check_rule(torch.custom_op(lambda x: x * x, vjp=lambda g, x: g * x, name="wrong"), [1.0])
    with pytest.raises(AssertionError, match=r"wrong\(1\) in float64 is 1.0, not 2.0"):
        check_rule(torch.custom_op(lambda x: x * x, name="wrong"), [1.0], reference=lambda x: 2 * x)
    with pytest.raises(TypeError, match="each of the 1 operands"):
        check_rule(torch.custom_op(lambda x: x, name="wrong"), [1.0], [2.0])
    with pytest.raises(TypeError, match="custom_op"):
        check_rule(torch.sin, [1.0])


@pytest.mark.parametrize("function", [
    lambda x: (x > 0) * 3, lambda x: (x > 0) + (x > 1), lambda x: -(x > 0) * x, lambda x: (x > 0) - 1 + x,
    lambda x: abs(x > 0) * 2 * x, lambda x: max(x > 0, 0.5)])
def test_a_comparison_is_a_number_as_in_python(function: Any) -> None:
    op, points = torch.custom_op(function), np.array([-1.5, 0.5, 2.0])
    found = op(torch.tensor(points))
    assert found.tolist() == [float(function(x)) for x in points.tolist()], op.reason


def test_an_adjoint_counts_with_comparisons() -> None:
    op = torch.custom_op(lambda x: x, vjp=lambda g, x: g * ((x > 0) * 3 - 1))
    x = torch.tensor([-1.0, 2.0], dtype=torch.float64, requires_grad=True)
    op(x).sum().backward()
    assert x.grad.tolist() == [-1.0, 2.0]


def test_conditions_are_followed() -> None:
    op = torch.custom_op(lambda x: np.where((x > 0) & (x < 2) | (x == -1), +x, 0.5 * x) + x * (x > 1))
    assert op.reason is None
    check_rule(op, [-1.5, 0.5, 1.5, 3.0])


def test_what_nobody_takes_says_why_it_is_not_followed() -> None:
    with pytest.raises(TypeError, match=r"Numba compiles.* cannot be followed.* a comparison is used as a number"):
        torch.custom_op(lambda x: np.where((x > 0) > -1, x, 2.0))
