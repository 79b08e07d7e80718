"""Names that older programs use, the same calls made of both."""
from __future__ import annotations

import warnings

import pytest
from both import outcome

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

CALLS = {
    "on the same memory": lambda t, x, w: t.autograd.Variable(x).data_ptr() == x.data_ptr(),
    "another object": lambda t, x, w: t.autograd.Variable(w) is w,
    "requires grad": lambda t, x, w: t.autograd.Variable(w.detach(), requires_grad=True).requires_grad,
    "a leaf of its own": lambda t, x, w: (t.autograd.Variable(w).requires_grad, t.autograd.Variable(w * 2).grad_fn),
    "of a parameter": lambda t, x, w: type(t.autograd.Variable(t.nn.Parameter(w))) is t.Tensor,
    "by name": lambda t, x, w: t.autograd.Variable(data=w, requires_grad=True) * 2,
    "of a number": lambda t, x, w: t.autograd.Variable(3),
    "of a list": lambda t, x, w: t.autograd.Variable([1.0]),
    "of nothing": lambda t, x, w: t.autograd.Variable().shape == (0,),
    "of whole numbers": lambda t, x, w: t.autograd.Variable(t.arange(3), requires_grad=True),
    "volatile": lambda t, x, w: t.autograd.Variable(x, volatile=True).requires_grad,
    "instances": lambda t, x, w: [isinstance(v, t.autograd.Variable) for v in (x, t.nn.Parameter(w), 3)],
    "its gradient": lambda t, x, w: t.autograd.grad(
        (t.autograd.Variable(x.detach(), requires_grad=True) ** 2).sum(), x, allow_unused=True),
    "inference": lambda t, x, w: _inference(t, x),
    "inference, recorded within": lambda t, x, w: _nested(t, x),
    "inference, a decorator": lambda t, x, w: t.inference_mode()(lambda: (x * 2).requires_grad)(),
    "inference, a bare decorator": lambda t, x, w: t.inference_mode(lambda: (x * 2).requires_grad)(),
    "inference, off": lambda t, x, w: t.inference_mode(False)(lambda: (x * 2).requires_grad)(),
    "close": lambda t, x, w: t.testing.assert_allclose(t.ones(2), t.ones(2) + 1e-6),
    "close, of other dtypes": lambda t, x, w: t.testing.assert_allclose(t.ones(2), t.ones(2, dtype=t.float64)),
    "close, of lists": lambda t, x, w: t.testing.assert_allclose([1.0, 2.0], t.tensor([1.0, 2.0])),
    "close, of NaN": lambda t, x, w: t.testing.assert_allclose(float("nan"), float("nan")),
    "far": lambda t, x, w: t.testing.assert_allclose(t.ones(2), t.zeros(2)),
    "far, one tolerance": lambda t, x, w: t.testing.assert_allclose(t.ones(2), t.zeros(2), rtol=1.0),
    "of other shapes": lambda t, x, w: t.testing.assert_allclose(1.0, t.ones(1)),
}


def _inference(t, x):
    with t.inference_mode():
        within = t.is_inference_mode_enabled(), t.is_grad_enabled(), (x * 2).requires_grad
    return within, t.is_inference_mode_enabled(), t.is_grad_enabled()


def _nested(t, x):
    with t.inference_mode():
        with t.inference_mode(False):
            on = t.is_inference_mode_enabled(), (x * 2).requires_grad
        return on, t.is_inference_mode_enabled(), t.is_grad_enabled()


@pytest.mark.parametrize("what", CALLS)
def test_older_names(what):
    told = []
    for t in (torch, tapegrad):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = outcome(CALLS[what], t)
        told.append((found, [(w.category, str(w.message)[:60]) for w in caught]))
    assert told[1] == told[0]
