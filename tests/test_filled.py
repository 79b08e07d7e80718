"""Tensors of one number: however they are made, like those that are written afterwards."""
from __future__ import annotations

import math

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.dtypes import ALL, HALVES

VALUES = [0, 1, -1, True, False, 2.5, -0.0, math.inf, math.nan, 1e-40, 3e38, 200, 2**24 + 1, 2**53 + 1, 2**62, 1e300]
LIKE = {
    "whole": lambda: torch.empty(3, 5), "no axes": lambda: torch.empty(()), "empty": lambda: torch.empty(0, 3),
    "transposed": lambda: torch.empty(5, 3).t(), "with gaps": lambda: torch.empty(4, 6)[:, ::2],
    "spread": lambda: torch.empty(1, 3).expand(4, 3), "odd": lambda: torch.empty(7), "long": lambda: torch.empty(40001),
}


def said(call):
    try:
        made = call()
    except RuntimeError as error:
        return str(error)
    return repr(made.tolist()), made.dtype, made.stride(), made._version, made.is_leaf, made.requires_grad


@pytest.mark.parametrize("dtype", [d for d in ALL if d not in HALVES], ids=str)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_numbers(value, dtype):
    made = said(lambda: torch.full((5,), value, dtype=dtype))
    assert made == said(lambda: torch.full_like(torch.empty(5, dtype=dtype), value))
    if isinstance(made, tuple):
        assert made == said(lambda: torch.full((20_005,), value, dtype=dtype)[:5].clone()) and made[3] == 0
        if abs(value) < 1e38:
            assert made[0] == repr(np.full(5, value).astype(dtype.numpy).tolist())
    else:
        assert "without overflow" in made


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_halves(dtype):
    for value in (0, 1.5, True, -7):
        assert torch.full((3,), value, dtype=dtype).tolist() == [float(value)] * 3
        assert torch.full_like(torch.empty(3, dtype=dtype), value).tolist() == [float(value)] * 3


@pytest.mark.parametrize("like", LIKE.values(), ids=LIKE)
def test_shapes(like):
    x = like()
    for made, value in ((torch.ones_like(x), 1), (torch.zeros_like(x), 0), (torch.full_like(x, 7.0), 7)):
        assert made.shape == x.shape and made.dtype is x.dtype and bool((made == value).all())
        assert made._version == 0 and not made.requires_grad and made.is_leaf
    assert (torch.ones_like(x) + 1).stride() == torch.ones_like(x).stride()


def test_gradients_and_versions():
    x = torch.ones(3, requires_grad=True)
    assert not torch.ones_like(x).requires_grad and torch.ones_like(x, requires_grad=True).requires_grad
    (torch.full((3,), 2.0) * x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_calls_that_are_compiled():
    f = torch.compile(lambda x: (torch.ones_like(x) * 2 + x + torch.zeros(3)).sum())
    for i in range(6):
        assert f(torch.full((3,), float(i))).item() == 3 * (2 + i)
    assert f.replays > 0
