"""Dropout in all its forms beside PyTorch: the same elements, the same gradients, the same state afterwards."""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")

FORMS = {"dropout": [(), (3,), (5, 4), (2, 3, 4), (40,), (7, 33), (0, 3)], "alpha_dropout": [(3,), (5, 4), (40,)],
         "feature_alpha_dropout": [(5, 4), (2, 3, 4), (3,)], "dropout1d": [(5, 4), (2, 3, 4), (3,)],
         "dropout2d": [(2, 3, 4), (2, 3, 4, 2), (5, 4)], "dropout3d": [(2, 3, 4, 2), (2, 3, 2, 2, 2)]}
CASES = [(name, shape) for name, shapes in FORMS.items() for shape in shapes]


def run(t: Any, function: Any, shape: tuple[int, ...], dtype: str, p: float, how: dict[str, Any], turned: bool) -> Any:
    t.manual_seed(5)
    array = np.linspace(-2, 3, int(np.prod(shape))).reshape(shape).astype(dtype)
    leaf = t.tensor(np.ascontiguousarray(array.T) if turned else array).requires_grad_()
    x = (leaf.t() if turned else leaf) * 1
    try:
        y = function(x, p, **how)
    except Exception as error:
        return type(error).__name__, str(error)
    y.sum().backward()
    return (y is x, y.detach().numpy().tobytes(), y.stride(), leaf.grad.numpy().tobytes(), x._version,
            t.get_rng_state().numpy().tobytes())


@pytest.mark.parametrize("name, shape", CASES, ids=lambda v: str(v))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bit_for_bit(name: str, shape: tuple[int, ...], dtype: str) -> None:
    ours, theirs = getattr(tapegrad.nn.functional, name), getattr(torch.nn.functional, name)
    for p in (0.0, 0.1, 0.5, 0.9, 1.0, -0.1, 1.5):
        for how in ({"training": True}, {"training": False}, {"training": True, "inplace": True}):
            for turned in (False, True)[:1 + (len(shape) == 2 and 0 not in shape)]:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    given = (shape, dtype, p, how, turned)
                    assert run(tapegrad, ours, *given) == run(torch, theirs, *given), given


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"])
def test_the_functions_underneath(name: str) -> None:
    for tail in ("", "_"):
        found = []
        for t in (tapegrad, torch):
            t.manual_seed(1)
            found.append(getattr(t, name + tail)(t.ones(6, 5), 0.4, True).tolist())
        assert found[0] == found[1]


@pytest.mark.parametrize("fill", ["uniform_", "normal_", "bernoulli_", "random_", "exponential_"])
@pytest.mark.parametrize("view", [lambda x: x.t(), lambda x: x[:, ::2], lambda x: x[::2].t()])
def test_numbers_are_drawn_in_the_order_of_memory(fill: str, view: Any) -> None:
    found = []
    for t in (tapegrad, torch):
        t.manual_seed(2)
        x = view(t.zeros(6, 5))
        getattr(x, fill)()
        found.append(x.tolist())
    assert found[0] == found[1]
