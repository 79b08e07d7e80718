"""Functions that the root has under the names of `nn.functional`, with numbers for words; and forms in place."""
from __future__ import annotations

import warnings

import numpy as np
import pytest
from both import nameless

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

CALLS = """
    t.binary_cross_entropy_with_logits(x, y, None, None, {r})
    t.cosine_embedding_loss(x, y, s, 0.1, {r})
    t.hinge_embedding_loss(x, y.sign(), 1.0, {r})
    t.kl_div(x, y, {r})
    t.kl_div(x, y, reduction={r}, log_target=True)
    t.margin_ranking_loss(x[:, 0], y[:, 0], s, 0.5, {r})
    t.poisson_nll_loss(x, y, True, False, 1e-8, {r})
    t.triplet_margin_loss(x, y, y * 2, reduction={r})
    t.ctc_loss(y.log_softmax(-1).unsqueeze(1), t.tensor([[1, 2]]), (4,), (2,), 0, {r})
    t.layer_norm(x, [3])
    t.layer_norm(x, (3,), y[0], y[1], 1e-3, False)
    t.layer_norm(x, (4,))
    t.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, True)
    t.batch_norm(x, y[0], y[1], t.zeros(3), t.ones(3), False, 0.1, 1e-5, False)
    t.instance_norm(x.reshape(1, 4, 3), None, None, None, None, True, 0.1, 1e-5, True)
    t.rrelu(x)
    t.rrelu(x, training=True)
    t.rrelu(x, 0.1, 0.2, True)
    t.rrelu_(x.detach().clone(), 0.1, 0.2)
    t.threshold_(x.detach().clone(), 0.2, 9)
    t.constant_pad_nd(x, (1, 2), 3)
    t.constant_pad_nd(x, [0, 0, 1, 0])
    t.affine_grid_generator(t.eye(2, 3)[None], (1, 1, 2, 2), False)
    t.grid_sampler(y.reshape(1, 1, 4, 3), y[:2, :2].reshape(1, 1, 2, 2), 0, 1, True)
    t.convolution(x.reshape(1, 2, 6), t.ones(3, 2, 2), None, [1], [1], [1], False, [0], 1)
    t.convolution(x.reshape(1, 2, 6), t.ones(2, 3, 2), t.ones(3), [2], [1], [1], True, [1], 1)
    t.native_dropout(x, 0.0, True)
    t.native_dropout(x, 0.3, True)
    t.native_dropout(x, 0.3, False)
    t.native_dropout(x, 1.0, True)
    t.native_dropout(x, 1.5, True)
    t.native_dropout(x, 0.3)
    t.native_dropout(input=x, p=0.3, train=True, zzz=1)
    t.native_dropout(t.ones(0), 0.4, True)
    t.detach(input=x)
    t.detach_(x * 2)
    t.gcd_(t.tensor([4]), t.tensor([6]))
    t.lcm_(t.tensor([4]), t.tensor([6]))
    t.ldexp_(y.clone(), t.tensor([2]))
    t.addmv_(t.ones(2), t.ones(2, 2), t.ones(2))
    t.i0_(y.clone())
    t.arccos_(y.clone())
    t.negative_(input=y.clone())
    t.lu_solve(y[:3], *t.linalg.lu_factor(y[:3] + t.eye(3)))
    y[:3].lu_solve(*t.linalg.lu_factor(y[:3] + t.eye(3)))
    t.orgqr(y[:3], y[0])
"""


TABLE = [line.strip().format(r=r) for line in CALLS.strip().splitlines()
         for r in ((0, 1, 2) if "{r}" in line else (0,))]


def outcome(t, text):
    """(values or a refusal, the gradient of x, what is drawn next)"""
    t.manual_seed(3)
    x = t.linspace(-2, 3, 12).reshape(4, 3).requires_grad_()
    given = {"t": t, "x": x, "y": t.linspace(0.1, 0.9, 12).reshape(4, 3), "s": t.tensor([1.0, -1.0, 1.0, 1.0])}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = eval(text, given)
    except Exception as error:
        return type(error), nameless(str(error)).partition("\n")[0], t.rand(2).tolist()
    values = found if isinstance(found, tuple) else (found,)
    if values[0].requires_grad:
        values[0].sum().backward()
    return [(str(v.dtype), v.requires_grad, v.detach().numpy()) for v in values], x.grad, t.rand(2).tolist()


@pytest.mark.parametrize("text", TABLE)
def test_values_and_gradients(text):
    (want, want_grad, want_next), (got, got_grad, got_next) = outcome(torch, text), outcome(tapegrad, text)
    assert want_next == got_next
    if isinstance(want, type):
        assert (want, want_grad) == (got, got_grad)
        return
    assert [v[:2] for v in want] == [v[:2] for v in got]
    for a, b in zip(want, got):
        np.testing.assert_allclose(b[2], a[2], 1e-5, 1e-5)
    assert (want_grad is None) == (got_grad is None)
    if want_grad is not None:
        np.testing.assert_allclose(got_grad.numpy(), want_grad.numpy(), 1e-5, 1e-5)
