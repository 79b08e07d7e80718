"""Memory shared between the two libraries, and what both make of NumPy's arrays and scalars."""
from __future__ import annotations

import gc

import numpy as np
import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

SHAPES = [lambda t: t.arange(6.0).reshape(2, 3), lambda t: t.arange(12).reshape(3, 4).t()[1:], lambda t: t.tensor(2.5),
          lambda t: t.tensor([True, False]), lambda t: t.zeros(0, 2)]


@pytest.mark.parametrize("make", SHAPES)
@pytest.mark.parametrize("one, other", [(torch, tapegrad), (tapegrad, torch)], ids=["theirs", "ours"])
def test_dlpack_both_ways(make, one, other):
    x = make(one)
    y = other.from_dlpack(x)
    assert (tuple(y.shape), str(y.dtype)) == (tuple(x.shape), str(x.dtype))
    assert not x.numel() or (y.stride(), y.data_ptr()) == (x.stride(), x.data_ptr())
    values = x.tolist()
    del x
    gc.collect()
    assert y.tolist() == values


PROGRAMS = {
    "float64 scalar": lambda t: (np.float64(2) * t.tensor([1.0, 2.0])).dtype,
    "scalar minus": lambda t: np.float32(2) - t.tensor([1.0, 2.0]),
    "scalar power": lambda t: np.float64(2) ** t.tensor([1.0, 2.0]),
    "scalar less": lambda t: np.float64(1.5) < t.tensor([1.0, 2.0]),
    "recorded": lambda t: (np.float64(2) - t.ones(2, requires_grad=True)).grad_fn.name(),
    "array on the right": lambda t: t.tensor([1.0, 2.0]) * np.array([1.0, 2.0]),
    "its dtype": lambda t: str((t.tensor([1.0, 2.0]) * np.array([1.0, 2.0])).dtype),
    "matmul": lambda t: t.tensor([1.0, 2.0]) @ np.array([1.0, 2.0]),
    "equal": lambda t: np.array([1.0, 3.0]) == t.tensor([1.0, 2.0]),
    "negative": lambda t: t.from_numpy(np.arange(3)[::-1]),
    "of another order": lambda t: t.tensor(np.arange(3).astype(">i4")),
    "no array": lambda t: t.from_numpy(np.float64(1)),
    "a list": lambda t: t.from_numpy([1, 2]),
    "uneven strides": lambda t: t.from_numpy(np.zeros(3, dtype=[("a", "i2"), ("b", "f4")])["b"]),
    "export": lambda t: np.from_dlpack(t.ones(2, requires_grad=True)),
    "no capsule": lambda t: t.from_dlpack(3),
    "priority": lambda t: t.ones(2).__array_priority__,
    "argmax": lambda t: np.argmax(t.tensor([1.0, 3.0, 2.0])),
    "clip": lambda t: np.clip(t.tensor([1.0, 3.0, 2.0]), 0, 2),
    "round": lambda t: np.round(t.tensor([1.2, 2.7])),
    "cumsum": lambda t: (np.cumsum(t.arange(4)), str(np.cumsum(t.arange(4)).dtype)),
    "reshaped": lambda t: np.reshape(t.arange(4), (2, 2)),
    "bools": lambda t: (np.repeat(t.tensor([True, False]), 2), str(np.repeat(t.tensor([True, False]), 2).dtype)),
    "clip of a leaf": lambda t: np.clip(t.ones(2, requires_grad=True), 0, 2),
    "wrapped": lambda t: t.ones(2).__array_wrap__(np.arange(2)),
}


@pytest.mark.filterwarnings("ignore:__array")
@pytest.mark.parametrize("program", PROGRAMS)
def test_as_pytorch(program):  # whose words may end with a blank
    function = PROGRAMS[program]
    theirs, ours = refusal(lambda: function(torch)), refusal(lambda: function(tapegrad))
    assert str(ours) == str(theirs).replace(") '", ")'")
