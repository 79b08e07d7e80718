"""Printed tensors, character for character, against the PyTorch installed here."""
from __future__ import annotations

import numpy as np
import pytest

from tapegrad import printing
from tapegrad.dtypes import float32, float64, from_numpy_dtype

torch = pytest.importorskip("torch")

DTYPES = ("float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64")
LONGEST = (1, 3000, 60, 14, 8, 7)  # the longest axis, by number of axes: summaries happen at each, prints stay small
# Where the choice of style, the padding or the rounding turns.
TURNING = (0.0, -0.0, 1.0, -1.0, 1e-4, 9e-5, 1e-3, 0.1, 0.99999, 1.5, 2.5, 9.99995, 99.99995, 1000, 1001, 1e8, 1e8 + 8)


def random_shape(rng: np.random.Generator) -> tuple[int, ...]:
    axes = int(rng.integers(6))
    longest = LONGEST[axes] if rng.random() < 0.5 else 4
    return tuple(rng.integers(rng.random() > 0.1, longest + 1, size=axes).tolist())


def random_floats(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = [
        lambda: rng.standard_normal(shape),
        lambda: rng.standard_normal(shape) * 10.0 ** rng.integers(-12, 13),
        lambda: rng.standard_normal(shape) * 10.0 ** rng.uniform(-4, 4, shape),
        lambda: rng.integers(-(10 ** rng.integers(10)), 10 ** rng.integers(10), shape).astype(float),
        lambda: rng.choice(TURNING, shape),
        lambda: 10.0 ** rng.integers(-3, 4, shape),
        lambda: 10.0 ** rng.uniform(-300, 300, shape),
        lambda: np.round(rng.standard_normal(shape) * 100, rng.integers(5)),
    ][rng.integers(8)]()
    values = [values, np.abs(values), -np.abs(values)][rng.choice(3, p=[0.6, 0.3, 0.1])]
    for special in (np.nan, np.inf, -np.inf, 0.0, -0.0):
        if rng.random() < 0.12:
            values = np.where(rng.random(shape) < rng.choice([0.1, 0.5, 1]), special, values)
    return np.asarray(values)


def random_array(rng: np.random.Generator) -> np.ndarray:
    shape, dtype = random_shape(rng), rng.choice(DTYPES, p=[0.35, 0.35] + [0.05] * 6)
    if dtype == "bool":
        array = np.asarray(rng.random(shape) < rng.choice([0, 0.5, 1]))
    elif "int" in dtype:
        limits, digits = np.iinfo(dtype), 10 ** int(rng.integers(20))
        low, high = max(limits.min, -digits), min(limits.max, digits)
        array = np.asarray(rng.integers(low, high, shape, dtype, endpoint=True))
    else:
        with np.errstate(over="ignore"):  # 1e300 as float32
            array = random_floats(rng, shape).astype(dtype)
    return array.T if rng.random() < 0.2 else array


def random_options(rng: np.random.Generator) -> dict:
    choices = {
        "precision": [*range(12)], "threshold": [0, 1, 5, 10, 50, 100, 2000], "edgeitems": [*range(6)],
        "linewidth": [*range(160)], "profile": ["default", "short", "full"], "sci_mode": [False, True],
    }
    often = rng.choice([0, 0.4])
    return {name: rng.choice(values).item() for name, values in choices.items() if rng.random() < often}


@pytest.fixture(autouse=True)
def default_options():
    printing.set_printoptions(profile="default")
    torch.set_printoptions(profile="default")
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.filterwarnings("error")
def test_random_tensors(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        array, options = random_array(rng), random_options(rng)
        default = rng.choice([float32, float64], p=[0.8, 0.2])
        theirs, arguments = torch.from_numpy(array.copy()), {}
        if theirs.is_floating_point() and rng.random() < 0.4:
            theirs.requires_grad_()
            arguments = {"requires_grad": True}
            if rng.random() < 0.5:
                theirs = theirs.clone()
                arguments["grad_fn_name"] = "CloneBackward0"
        torch.set_default_dtype(getattr(torch, default.name))
        with torch._tensor_str.printoptions(**options):
            expected = repr(theirs)
        with printing.printoptions(**options):
            got = printing.format_tensor(array, from_numpy_dtype(array.dtype), default_dtype=default, **arguments)
        assert got == expected, (array.shape, array.dtype, options, arguments)


@pytest.mark.parametrize("shape", [(1_000_000,), (2, 500_000), (500_000, 2), (3, 400, 800)])
def test_large_tensors(shape):
    array = np.random.default_rng(0).standard_normal(shape)
    got = printing.format_tensor(array, float64, default_dtype=float32)
    assert got == repr(torch.from_numpy(array))


@pytest.mark.parametrize("linewidth", range(20, 110, 3))
def test_tangents(linewidth):
    primal, tangent = np.arange(6.0).reshape(2, 3) / 4, np.ones((2, 3))
    with printing.printoptions(linewidth=linewidth), torch._tensor_str.printoptions(linewidth=linewidth):
        with torch.autograd.forward_ad.dual_level():
            expected = repr(torch.autograd.forward_ad.make_dual(torch.from_numpy(primal), torch.from_numpy(tangent)))
        inner = printing.format_tensor(tangent, float64, default_dtype=float32)
        assert printing.format_tensor(primal, float64, default_dtype=float32, tangent=inner) == expected


def test_options_follow_every_sequence_of_calls():
    rng = np.random.default_rng(0)
    choices = {
        "precision": [None, 0, 3], "threshold": [None, 5], "edgeitems": [None, 0, 2], "linewidth": [None, 60],
        "profile": [None, "default", "short", "full", "Full", "other", ""], "sci_mode": [None, True, False],
    }
    for _ in range(500):
        options = {k: v[rng.integers(len(v))] for k, v in choices.items() if rng.random() < 0.4}
        printing.set_printoptions(**options)
        torch.set_printoptions(**options)
        assert list(printing.get_printoptions().items()) == list(torch._tensor_str.get_printoptions().items())
    printing.set_printoptions(profile="default")
    torch.set_printoptions(profile="default")
