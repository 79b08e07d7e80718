"""`view(dtype)`: values, layouts, versions and refusals, for every pair of dtypes, as PyTorch gives them."""
from __future__ import annotations

import itertools

import pytest
from both import nameless

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
MAKES = {
    "row": lambda t, d: t.arange(16).to(d),
    "matrix": lambda t, d: t.arange(32).to(d).reshape(4, 8),
    "transposed": lambda t, d: t.arange(32).to(d).reshape(4, 8).t(),
    "every other": lambda t, d: t.arange(32).to(d).reshape(4, 8)[:, ::2],
    "a block": lambda t, d: t.arange(64).to(d).reshape(4, 16)[:, 8:],
    "odd start": lambda t, d: t.arange(64).to(d).reshape(4, 16)[:, 1:9],
    "odd stride": lambda t, d: t.arange(36).to(d).reshape(4, 9)[:, :8],
    "odd size": lambda t, d: t.arange(9).to(d),
    "no axes": lambda t, d: t.tensor(3).to(d),
    "empty": lambda t, d: t.zeros(2, 0).to(d),
}


def viewed(t, make, source, target):
    x = MAKES[make](t, getattr(t, source))
    try:
        y = x.view(getattr(t, target))
    except RuntimeError as error:
        return str(error)
    # Whatever byte a bool is made of, what is not zero is true.
    values = (y.view(t.uint8) if target == "bool" else y).reshape(-1).tolist()
    return list(y.shape), y.stride(), y.storage_offset(), repr(values), y._base is None, y.requires_grad


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("source, target", list(itertools.product(DTYPES, DTYPES)))
def test_values_layouts_and_refusals(make, source, target):
    assert viewed(tapegrad, make, source, target) == viewed(torch, make, source, target)


def shared(t):
    x = t.tensor([1.0, 2.0])
    bits = x.view(t.int32)
    bits[0] = 0
    return x.tolist(), x._version, bits._version


def of_a_leaf(t):
    x = t.ones(4, requires_grad=True)
    y = x.view(t.float64)
    return y.requires_grad, y.grad_fn, y._base, x.view(t.float32).requires_grad


def stale(t):
    x = t.ones(2, requires_grad=True)
    y = x.exp()
    y.view(t.int32).zero_()
    y.sum().backward()


@pytest.mark.parametrize("program", [shared, of_a_leaf, stale], ids=lambda f: f.__name__)
def test_what_is_shared(program):
    def outcome(t):
        try:
            return program(t)
        except RuntimeError as error:
            return nameless(str(error))

    assert outcome(tapegrad) == outcome(torch)


@pytest.mark.parametrize("arguments, named", [((), {}), (("a",), {}), ((3, "dtype"), {}), ((), {"sizes": (3,)})])
def test_arguments_that_fit_nothing(arguments, named):
    for t in (torch, tapegrad):
        with pytest.raises(TypeError):
            t.zeros(3).view(*(t.int32 if a == "dtype" else a for a in arguments), **named)
