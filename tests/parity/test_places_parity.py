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


INDICES = {
    "array int8": np.array([0, 1], np.int8), "array int16": np.array([0, 1], np.int16),
    "array uint16": np.array([0, 1], np.uint16), "array uint64": np.array([0, 1], np.uint64),
    "array float": np.array([0.0, 1.0]), "array object": np.array([0, 1], object), "array of nothing": np.array([]),
    "array 0-d": np.array(1), "array 0-d float": np.array(1.0), "array 0-d int8": np.array(-1, np.int8),
    "array 0-d bool": np.array(True), "array 0-d uint8": np.array(1, np.uint8),
    "mask": np.array([False, True, True, False]), "rows": np.array([[0, 1], [1, 0]]),
    "numpy int": np.int8(1), "numpy bool": np.bool_(True), "numpy float": np.float32(1),
    "list of floats": [0.5, 1.7], "list of None": [0, None], "list of numpy": [np.int64(1)],
    "list of slices": [slice(1)], "ranges": [range(2)] * 2,
    "bools": [True, False, True, False], "bools and numbers": [True, 1], "ragged": [[0, 1], 2],
    "arrays": [np.array([0, 1]), np.array([1, 2])], "text": "a", "bytes": b"a", "float": 1.0, "step 0": slice(0, 2, 0),
    "step -1": slice(0, 2, -1), "slice of floats": slice(0.0, 1), "slice of text": slice("a"), "empty": [], "set": {1},
}


def refused(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0][:14]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INDICES)
def test_what_may_stand_between_brackets(name):
    index = INDICES[name]

    def outcome(t):
        x = t.arange(12.0).view(4, 3)
        return [refused(f) for f in (
            lambda: (x[index].tolist(), [*x[index].shape]), lambda: x[index, 0].tolist(), lambda: x[0, index].tolist(),
            lambda: (x.__setitem__(index, 7.0), x.tolist()))]

    assert outcome(tapegrad) == outcome(torch)


def test_tensors_in_a_list_between_brackets():
    for number in (1.0, [0, 1], [True, False]):
        found = [refused(lambda t=t, number=number: t.arange(6.0).view(2, 3)[[t.tensor(number)], 0].tolist())
                 for t in (tapegrad, torch)]
        assert found[0] == found[1]
    assert tapegrad.arange(6.0).view(2, 3)[[tapegrad.tensor(1), 0], 0].tolist() == [3.0, 0.0]


@pytest.mark.parametrize("index", ["[[0, 1], [1, 0]]", "t.tensor([1, 0], dtype=t.uint8)", "[slice(0, 1)]"])
def test_warnings_of_indices(index):
    for t in (torch, tapegrad):
        with pytest.warns(UserWarning, match="non-tuple sequence|dtype torch.uint8 is now deprecated"):
            eval(f"t.ones(2, 2)[{index}]", {"t": t})
