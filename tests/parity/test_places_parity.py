"""Where a tensor is not zero, what a mask reads and writes, one class in many: as PyTorch finds them."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")

SHAPES = [(), (0,), (0, 3), (3, 0), (5,), (1, 1), (4, 1, 7), (2, 3, 4, 5)]


def both(array: np.ndarray, turned: bool):
    return [t.transpose(0, array.ndim - 1) if turned else t for t in (tapegrad.tensor(array), torch.tensor(array))]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_nonzero(shape, dtype, turned):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    ours, theirs = both(array, turned and array.ndim > 1)
    assert ours.nonzero().tolist() == theirs.nonzero().tolist()
    assert tuple(ours.nonzero().shape) == tuple(theirs.nonzero().shape)
    assert [i.tolist() for i in ours.nonzero(as_tuple=True)] == [i.tolist() for i in theirs.nonzero(as_tuple=True)]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_masks_read_and_write(shape, turned):
    rng = np.random.default_rng(0)
    masks = both(np.asarray(rng.integers(0, 2, shape)).astype(bool), turned and len(shape) > 1)
    values = both(rng.standard_normal(shape), turned and len(shape) > 1)
    read, expected = [x[m] for x, m in zip(values, masks)]
    assert read.tolist() == expected.tolist() and tuple(read.shape) == tuple(expected.shape)
    for x, m, row in zip(values, masks, (read, expected)):
        x[m] = row * 2
    assert values[0].tolist() == values[1].tolist()


@pytest.mark.parametrize("classes", [-1, 4, 9])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (1, 1, 4)])
def test_one_hot(shape, classes):
    ours, theirs = both(np.asarray(np.random.default_rng(0).integers(0, 4, shape)), len(shape) > 1)
    found, expected = tapegrad.nn.functional.one_hot(ours, classes), torch.nn.functional.one_hot(theirs, classes)
    assert found.tolist() == expected.tolist() and tuple(found.shape) == tuple(expected.shape)
