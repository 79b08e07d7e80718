"""Numbers ahead of what they multiply, as PyTorch still takes them."""
import warnings

import pytest

import tapegrad
from tapegrad.signatures import older_orders

torch = pytest.importorskip("torch")
CALLS = [
    "v.add(0.1, w)", "v.add_(0.1, w)", "t.add(v, 0.1, w)", "v.sub(2, w)", "v.sub_(2, w)", "t.sub(v, 2, w)",
    "v.addcmul_(0.5, w, w)", "t.addcmul(v, 0.5, w, w)", "v.addcdiv_(-2, w, w)", "t.addcdiv(v, 0.5, w, w)",
    "m.addmm(0.5, m, m)", "m.addmm_(0.5, 2, m + 1, m + 2)", "t.addmm(0.5, m, m, m)", "t.addmm(0.5, m, 2, m, m)",
    "v.addmv(0.5, 2, m, w)", "t.addmv(0.5, v, 2, m, w)", "m.addr(0.5, 2, v, w)", "t.addr(0.5, m, v, w)",
    "t.baddbmm(0.5, b, 2, b, b)", "b.baddbmm(0.5, b, b)", "m.addbmm(0.5, 2, b, b)", "t.addbmm(2, m, b, b)",
    "t.add(v, 2, w, out=t.empty(2))",
    "v.add(0.1, 0.2, w)", "v.add(w, 0.1, w)", "v.add('a', w)", "v.add(0.1, w, alpha=2)", "v.mul(0.1, w)",
    "v.addcmul(0.5, w)", "m.addmm(m, 0.5, m)", "t.addmm(m, m)",
]


@pytest.mark.parametrize("call", CALLS)
def test_calls(call):
    outcomes = []
    for t in (tapegrad, torch):
        m = t.arange(4.0).reshape(2, 2)
        names = {"t": t, "m": m, "b": m.expand(3, 2, 2), "v": t.tensor([1.0, 2.0]), "w": t.tensor([3.0, -4.0])}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outcomes.append(eval(call, names).tolist())
            except Exception as error:
                outcomes.append(type(error).__name__)
    assert outcomes[0] == pytest.approx(outcomes[1]) if isinstance(outcomes[1], list) and not isinstance(
        outcomes[1][0], list) else outcomes[0] == outcomes[1]


def test_the_first_such_call_warns(monkeypatch):
    monkeypatch.setattr(older_orders, "_warned", [])
    x = tapegrad.ones(2)
    with pytest.warns(UserWarning, match="This overload of add_ is deprecated"):
        x.add_(0.5, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x.add_(0.5, x)
