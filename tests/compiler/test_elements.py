"""Short steps of many lanes that are mostly alike, compiled: each value is computed once."""
from __future__ import annotations

import sys

import numpy as np
import pytest
from called_on_arrays import compiled

import tapegrad as torch
import tapegrad.compiler.passes.elements

elements = sys.modules["tapegrad.compiler.passes.elements"]

LINKS, SIZE = 5, 4


def frames(angles):
    """A matrix for each angle, by stacks of parts and a pad."""
    c, s = angles.cos(), angles.sin()
    rows = [torch.stack([c, -s], -1), torch.stack([s, c], -1)]
    return torch.nn.functional.pad(torch.stack(rows, -2), (0, 2, 0, 2)) + torch.eye(SIZE, dtype=angles.dtype)


def chain(angles, fixed):
    """Where a chain of links ends up, link by link."""
    moved, found = fixed @ frames(angles), []
    for k in range(LINKS):
        found.append(moved[k] if not k else found[k - 1] @ moved[k])
    return torch.stack(found)[:, :3].sum(-1)


FUNCTIONS = {
    "chain": lambda x, fixed: torch.func.jacfwd(lambda x: chain(x, fixed))(x),
    "value as well": lambda x, fixed: (lambda j: torch.cat([j[0].reshape(-1), j[1].reshape(-1)]))(
        torch.func.jacfwd(lambda x: (lambda y: (y, y))(chain(x, fixed)), has_aux=True)(x)),
    "read by others": lambda x, fixed: torch.func.jacfwd(
        lambda x: chain(x, fixed).cumsum(0).exp() * chain(x, fixed))(x),
    "overwritten": lambda x, fixed: torch.func.jacfwd(
        lambda x: (lambda y: y.mul_(2).add_(chain(x, fixed)))(chain(x, fixed) + 0))(x),
}
CASES = [*((name, torch.float64, 1e-12) for name in FUNCTIONS), ("chain", torch.float32, 1e-4)]


def data(dtype):
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.normal(size=s)).to(dtype) for s in ((LINKS,), (LINKS, SIZE, SIZE))]


@pytest.fixture(autouse=True)
def short_programs(monkeypatch):
    monkeypatch.setattr(elements, "LEAST", 0)
    monkeypatch.setattr(elements, "SHARE", 2)


@pytest.mark.parametrize("name, dtype, rtol", CASES, ids=lambda x: getattr(x, "name", str(x)))
def test_values(name, dtype, rtol):
    function, tensors = FUNCTIONS[name], data(dtype)
    found, _, variant, made = compiled(function, tensors)
    np.testing.assert_allclose(found, function(*tensors).numpy(), rtol=rtol, atol=rtol)
    assert "elements" in variant.dump(), variant.dump()
    tensors[0].mul_(0.5)
    np.testing.assert_allclose(made(*tensors).numpy(), function(*tensors).numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("which, at, value", [(0, 3, np.inf), (1, 0, -np.inf), (1, 37, np.inf), (1, 50, np.nan)])
def test_what_is_not_finite_is_so_where_it_was(which, at, value):
    tensors = data(torch.float64)
    tensors[which].view(-1)[at] = value
    found, _, variant, _ = compiled(FUNCTIONS["chain"], tensors)
    expected = FUNCTIONS["chain"](*tensors).numpy()
    assert "elements" in variant.dump()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()


def test_a_native_function_takes_them_along():
    x, fixed = data(torch.float64)
    found, _, _, made = compiled(lambda x: torch.func.jacfwd(lambda x: chain(x, fixed))(x), [x])
    np.testing.assert_array_equal(made.native.run(x.numpy()), found)


def test_lanes_that_are_not_alike_are_left_alone():
    x = data(torch.float64)[1]

    def function(x):
        for _ in range(40):
            x = x * 1.5 + x.flip(0)
        return x

    assert "elements" not in compiled(function, [x])[2].dump()
