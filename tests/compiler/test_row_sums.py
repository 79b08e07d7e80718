"""Sums over the rows of products, compiled: the products of sums."""
from __future__ import annotations

import math

import numpy as np
import pytest
from whole_steps import dumped, gradients

import tapegrad as torch

ROWS, WIDTH, OUT = 200, 6, 5


def data(dtype, batches=()):
    rng = np.random.default_rng(0)
    shapes = (WIDTH,), (ROWS, WIDTH), (WIDTH, OUT), (WIDTH,)
    return [torch.from_numpy(rng.normal(size=(*batches, *s))).to(dtype) for s in shapes]


LOSSES = {  # of a row that is subtracted from all of x
    "product": lambda m, x, w, s: ((x - m[..., None, :]) @ w).tanh().sum(),
    "added instead": lambda m, x, w, s: ((x + m[..., None, :]) @ w).tanh().sum(),
    "turned factor": lambda m, x, w, s: ((x - m[..., None, :]) @ w.mT.contiguous().mT).tanh().sum(),
    "scaled too": lambda m, x, w, s: (lambda d: ((d @ w).tanh().sum() + (d * s[..., None, :]).sin().sum()))(
        x - m[..., None, :]),
    "two terms": lambda m, x, w, s: (lambda d: ((d @ w) + (d * s[..., None, :])[..., :OUT]).tanh().sum())(
        x - m[..., None, :]),
    "two products": lambda m, x, w, s: (lambda d: ((d @ w).tanh() * (d @ (w * 2)).sin()).sum())(x - m[..., None, :]),
    "rows are read as well": lambda m, x, w, s: ((x.sin() - m[..., None, :]) @ w).tanh().sum() + (x * x).sum(),
}


@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-10), (torch.float32, 1e-3)], ids=["f64", "f32"])
@pytest.mark.parametrize("batches", [(), (9,)], ids=["one", "many"])
@pytest.mark.parametrize("leaves", [1, 2, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_values(name, leaves, batches, dtype, rtol):
    found, expected, _ = gradients(LOSSES[name], data(dtype, batches), leaves)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def test_there_is_one_product_of_rows():
    _, _, compiled = gradients(LOSSES["product"], data(torch.float64, (9,)), 1)
    text = dumped(compiled)
    assert text.count("gemm") == 2 and "* 0)" in text
    _, _, compiled = gradients(LOSSES["rows are read as well"], data(torch.float64, (9,)), 2)
    text = dumped(compiled)
    assert text.count("gemm") == 2 and "* 0)" not in text  # the gradients of x are a product that is read


@pytest.mark.parametrize("value", [math.inf, math.nan])
@pytest.mark.parametrize("which", [1, 2, 3], ids=["rows", "matrix", "scale"])
@pytest.mark.parametrize("name", ["product", "scaled too"])
def test_what_is_not_finite_spoils_no_less(name, which, value):
    tensors = data(torch.float64, (9,))
    tensors[which].view(-1)[1] = value
    found, expected, _ = gradients(LOSSES[name], tensors, 1)
    for a, b in zip(found, expected):
        finite = np.isfinite(b)
        np.testing.assert_allclose(a[finite], b[finite], rtol=1e-10, atol=1e-10)
        assert not np.isfinite(a[~finite]).any()
