"""Windows of signals: the same weights, to the rounding of their dtype, and the same refusals."""
from __future__ import annotations

import pytest
from both import assert_alike, refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

NAMES = torch.signal.windows.__all__
REFUSED = {
    "negative": lambda w, t: w.hann(-1), "whole numbers": lambda w, t: w.cosine(3, dtype=t.int64),
    "a layout": lambda w, t: w.kaiser(3, layout=t.sparse_coo), "no decay": lambda w, t: w.exponential(3, tau=0),
    "a centre": lambda w, t: w.exponential(3, center=1.0), "no spread": lambda w, t: w.gaussian(3, std=0),
    "below a pedestal": lambda w, t: w.kaiser(3, beta=-1), "a weight": lambda w, t: w.general_cosine(3, a=1),
    "no weights": lambda w, t: w.general_cosine(3, a=[]), "a place": lambda w, t: w.hann(3, True),
    "half": lambda w, t: w.nuttall(3, dtype=t.float16),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_weights(name):
    more = {"a": [0.3, 0.4, 0.1]} if name == "general_cosine" else {}
    for M in (0, 1, 2, 7, 10):
        for sym in (True, False):
            for of, most in (("float32", 1e-7), ("float64", 1e-15)):
                theirs, ours = (getattr(t.signal.windows, name)(M, sym=sym, dtype=getattr(t, of), **more)
                                for t in (torch, tapegrad))
                assert str(ours.dtype).endswith(of) and ours.tolist() == pytest.approx(theirs.tolist(), abs=most)


@pytest.mark.parametrize("call", {
    "exponential, options": lambda t: t.signal.windows.exponential(5, center=1.5, tau=2.0, sym=False),
    "gaussian, options": lambda t: t.signal.windows.gaussian(5, std=2.0),
    "kaiser, options": lambda t: t.signal.windows.kaiser(5, beta=3.0),
    "hamming, options": lambda t: t.signal.windows.general_hamming(5, alpha=0.7),
    "recorded": lambda t: [t.signal.windows.hann(3, requires_grad=True).grad_fn],
}.items(), ids=lambda c: c[0])
def test_as_pytorch(call):
    assert_alike(call[1])


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused(call):
    assert refusal(lambda: REFUSED[call](tapegrad.signal.windows, tapegrad)) == refusal(
        lambda: REFUSED[call](torch.signal.windows, torch))
