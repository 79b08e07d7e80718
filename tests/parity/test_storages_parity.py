"""The memory of tensors as programs look at it: to read it, to write through it, to see who shares it."""
from __future__ import annotations

import warnings

import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

CASES = {
    "as text": lambda t: str(t.tensor([[1.0, 2.0], [3.0, 4.5]]).storage()),
    "bytes as text": lambda t: str(t.tensor([1.0, 2.0]).untyped_storage()),
    "of bools": lambda t: str(t.tensor([True, False]).storage()),
    "elements": lambda t: (lambda s: [s[0], s[-1], len(s), s.size(), s.tolist(), list(s), bool(s)])(
        t.tensor([[1, 2], [3, 4]]).storage()),
    "sizes": lambda t: (lambda s: [s.nbytes(), s.element_size(), str(s.dtype), str(s.device), s.type(), s.is_cuda,
                                   s.is_shared(), t.is_storage(s)])(t.ones(3, dtype=t.float64).storage()),
    "beyond": lambda t: t.ones(3).storage()[9],
    "written beyond": lambda t: t.ones(3).storage().__setitem__(9, 1.0),
    "of a part": lambda t: [f(t.arange(6).view(2, 3)[1].storage()) for f in (len, list)],
    "of what is transposed": lambda t: t.arange(6).view(2, 3).t().storage().tolist(),
    "of every other": lambda t: t.ones(3, 4)[::2].storage().size(),
    "of what is expanded": lambda t: t.ones(3).expand(4, 3).storage().size(),
    "of nothing": lambda t: [t.zeros(0).storage().size(), bool(t.zeros(0).storage())],
    "shared": lambda t: (lambda x: x[1].storage().data_ptr() == x.storage().data_ptr() == x.data_ptr())(t.ones(2, 2)),
    "not shared": lambda t: (lambda x: x.clone().storage().data_ptr() == x.storage().data_ptr())(t.ones(2, 2)),
    "bytes": lambda t: (lambda s: [s.nbytes(), len(s), s.tolist()])(t.tensor([1.0, 2.0])[1:].untyped_storage()),
    "bytes of elements": lambda t: t.ones(3).storage().untyped().nbytes(),
    "filled": lambda t: (lambda x: [x.storage().fill_(3).tolist(), x])(t.ones(2)),
    "a copy": lambda t: (lambda x: [x.storage().clone().fill_(3).tolist(), x])(t.ones(2)),
    "of an array": lambda t: t.from_numpy(__import__("numpy").arange(4.0))[1:].storage().tolist(),
    "of a parameter": lambda t: t.nn.Linear(2, 2).weight.storage().nbytes(),
    "a result": lambda t: looked_at(t), "written": lambda t: written(t),
}


def looked_at(t):
    w = t.ones(2, requires_grad=True)
    y = w * w
    before = y._version
    y.storage().data_ptr(), y.untyped_storage()
    z = y.sqrt()
    z.storage()
    z.sum().backward()
    return [y._version == before, w.grad]


def written(t):
    x = t.zeros(4)
    part, s = x[1:3], x.storage()
    s[1] = 5
    return [part, x]


@pytest.mark.parametrize("case", CASES)
def test_as_pytorch(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, found = (refusal(lambda t=t: CASES[case](t)) for t in (torch, tapegrad))
    assert found == expected
