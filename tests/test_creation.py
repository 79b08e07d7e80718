"""Tensors from nothing: dtypes, values, layouts, and what is shared with NumPy."""
from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import tapegrad as torch

INFERRED = [
    (1, torch.int64), (1.0, torch.float32), (True, torch.bool), ([1, 2.0], torch.float32), ([True, 2], torch.int64),
    ([], torch.float32), ([[], []], torch.float32), (np.float64(1), torch.float64), (np.int32(1), torch.int32),
    ([np.float64(1)], torch.float64), (np.arange(3, dtype=np.uint8), torch.uint8), (float("nan"), torch.float32),
]


@pytest.mark.parametrize("data, dtype", INFERRED, ids=repr)
def test_inferred_dtypes(data, dtype):
    assert torch.tensor(data).dtype is dtype


SHAPES = [(3.0, ()), ([1], (1,)), ([[1, 2, 3], [4, 5, 6]], (2, 3)), ([], (0,)), ([[], []], (2, 0)),
          (((1,), (2,)), (2, 1))]


@pytest.mark.parametrize("data, shape", SHAPES, ids=repr)
def test_shapes_of_nested_data(data, shape):
    x = torch.tensor(data)
    assert x.shape == shape
    assert x.tolist() == (data if not isinstance(data, tuple) else [[1], [2]])


def test_the_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.tensor(1.0).dtype is torch.ones(1).dtype is torch.arange(0.0, 1.0).dtype is torch.float64
        assert (torch.tensor(1) / 2).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_tensor_copies():
    a = np.zeros(3)
    x = torch.tensor(a)
    a[0] = 1
    assert x.tolist() == [0, 0, 0]
    y = torch.tensor(x)
    x[1] = 5
    assert y.tolist() == [0, 0, 0]


def test_from_numpy_shares():
    a = np.zeros((2, 3), np.float32)
    x = torch.from_numpy(a)
    x[0, 1] = 5
    a[1, 2] = 7
    assert x.tolist() == [[0, 5, 0], [0, 0, 7]] == a.tolist()
    y = torch.as_tensor(a)
    assert y.data_ptr() == x.data_ptr()
    assert torch.as_tensor(x) is x


def test_foreign_memory_is_kept_alive():
    x = torch.from_numpy(np.arange(1000.0))
    _ = [np.full(1000, -1.0) for _ in range(20)]
    assert x.sum().item() == 499500
    y = x[10:20]
    del x
    _ = [np.full(1000, -1.0) for _ in range(20)]
    assert y.tolist() == list(map(float, range(10, 20)))


def test_array_of_a_dead_tensor():
    a = torch.ones(1000).numpy()
    _ = [torch.zeros(1000) for _ in range(20)]
    assert a.sum() == 1000


@pytest.mark.parametrize("array, error", [
    (np.zeros(4)[::-1], ValueError), (np.zeros(2, ">f8"), ValueError), (np.zeros(2, "U3"), TypeError), ([1], TypeError),
])
def test_from_numpy_refuses(array, error):
    with pytest.raises(error):
        torch.from_numpy(array)


@pytest.mark.parametrize("make, expected, dtype", [
    (lambda: torch.zeros(2, 3), [[0.0] * 3] * 2, torch.float32),
    (lambda: torch.zeros((2,)), [0.0, 0.0], torch.float32),
    (lambda: torch.ones([2], dtype=torch.int32), [1, 1], torch.int32),
    (lambda: torch.full((2,), 7), [7, 7], torch.int64),
    (lambda: torch.full((2,), True), [True, True], torch.bool),
    (lambda: torch.full((), 1.5), 1.5, torch.float32),
    (lambda: torch.arange(3), [0, 1, 2], torch.int64),
    (lambda: torch.arange(1, 2, 0.5), [1.0, 1.5], torch.float32),
    (lambda: torch.arange(5, 0, -2), [5, 3, 1], torch.int64),
    (lambda: torch.arange(0), [], torch.int64),
    (lambda: torch.linspace(0, 1, 5), [0.0, 0.25, 0.5, 0.75, 1.0], torch.float32),
    (lambda: torch.linspace(3, 3, 1), [3.0], torch.float32),
    (lambda: torch.eye(2), [[1.0, 0.0], [0.0, 1.0]], torch.float32),
    (lambda: torch.eye(1, 2), [[1.0, 0.0]], torch.float32),
    (lambda: torch.empty(0), [], torch.float32),
    (lambda: torch.scalar_tensor(2), 2.0, torch.float32),
    (lambda: torch.zeros_like(torch.ones(2, dtype=torch.int64)), [0, 0], torch.int64),
    (lambda: torch.ones_like(torch.zeros(2), dtype=torch.float64), [1.0, 1.0], torch.float64),
    (lambda: torch.ones(2).new_zeros(1), [0.0], torch.float32),
    (lambda: torch.ones(2, dtype=torch.float64).new_tensor([1]), [1.0], torch.float64),
])
def test_values(make, expected, dtype):
    x = make()
    assert x.tolist() == expected and x.dtype is dtype
    assert x._version == 0 and x.is_leaf and not x.requires_grad


def test_like_keeps_the_order_of_axes():
    x = torch.zeros(3, 4).t()
    assert torch.ones_like(x).stride() == (1, 4)
    assert torch.ones_like(torch.zeros(3, 4)[:, ::2]).stride() == (2, 1)


@pytest.mark.parametrize("made", [
    torch.ones_like, torch.empty_like, torch.rand_like, torch.randn_like, lambda x: torch.dropout(x, 0.5, True),
    lambda x: torch.randint_like(x, 3), lambda x: x.index_fill(0, torch.tensor([0]), 2.0), lambda x: x.sin(),
    lambda x: x.clone(),
])
def test_like_leaves_gaps_out(made):
    assert made(torch.ones(4, 3)[::2].t()).stride() == (1, 3)
    assert made(torch.ones(2, 3, 4)[..., ::2].permute(1, 2, 0)).stride() == (2, 1, 6)


def test_noise_is_drawn_in_the_order_of_memory():
    torch.manual_seed(0)
    noise = torch.dropout(torch.ones(4, 3)[::2], 0.5, True)
    torch.manual_seed(0)
    turned = torch.ones(4, 3)[::2].t()
    assert torch.dropout_(turned, 0.5, True).tolist() == noise.t().tolist()


def test_requires_grad():
    assert torch.ones(2, requires_grad=True).requires_grad
    for make in (lambda: torch.ones(2, dtype=torch.int64, requires_grad=True),
                 lambda: torch.tensor([1], requires_grad=True)):
        with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype can require"):
            make()
    with pytest.raises(RuntimeError, match="only Tensors of floating point dtype can require gradients"):
        torch.tensor([1]).requires_grad_()


@pytest.mark.parametrize("data, error", [
    ([[1, 2], [3]], ValueError), ("text", TypeError), ([None], (TypeError, RuntimeError)), ([[1], 2], TypeError),
])
def test_data_that_is_none(data, error):
    with pytest.raises(error):
        torch.tensor(data)


def test_item_and_conversions():
    assert math.isnan(torch.tensor(float("nan")).item())
    assert float(torch.tensor([2.5])) == 2.5 and int(torch.tensor(2.9)) == 2 and bool(torch.tensor([0.0])) is False
    assert list(range(torch.tensor(3))) == [0, 1, 2]
    assert f"{torch.tensor(1.5):.2f}" == "1.50"
    assert torch.tensor(2**62).item() == 2**62
    assert torch.tensor([200], dtype=torch.uint8).item() == 200


def test_casts_between_all_dtypes():
    values = [0, 1, 3, 100]
    kinds = [torch.float32, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool]
    for a in kinds:
        for b in kinds:
            expected = [bool(v) if torch.bool in (a, b) else v for v in values]
            assert torch.tensor(values, dtype=a).to(b).tolist() == expected, (a, b)


def test_copies_of_tensors():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    x.grad = torch.ones(2)
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert y is not x and y.tolist() == [1.0, 2.0] and y.requires_grad and y.is_leaf
        assert y.data_ptr() != x.data_ptr()
    assert copy.deepcopy(x).grad.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(x * 2)
