"""The memory of tensors as programs look at it: to read it, to write through it, to see who shares it."""
from __future__ import annotations

import sys
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
    "measured": lambda t: [sys.getsizeof(s(t.ones(1000))) - sys.getsizeof(s(t.ones(10)))
                           for s in (t.Tensor.storage, t.Tensor.untyped_storage)],
    "bytes": lambda t: (lambda s: [s.nbytes(), len(s), s.tolist()])(t.tensor([1.0, 2.0])[1:].untyped_storage()),
    "bytes of elements": lambda t: t.ones(3).storage().untyped().nbytes(),
    "filled": lambda t: (lambda x: [x.storage().fill_(3).tolist(), x])(t.ones(2)),
    "a copy": lambda t: (lambda x: [x.storage().clone().fill_(3).tolist(), x])(t.ones(2)),
    "of an array": lambda t: t.from_numpy(__import__("numpy").arange(4.0))[1:].storage().tolist(),
    "of a parameter": lambda t: t.nn.Linear(2, 2).weight.storage().nbytes(),
    "a result": lambda t: looked_at(t), "written": lambda t: written(t),
}


def placed(*given, of="arange(12.0)", **named):
    """`set_` with a storage, or a tensor: what it gives, and whether it is memory of that."""
    def program(t):
        x = eval(f"t.{of}", {"t": t})
        source = {"storage": x.storage, "bytes": x.untyped_storage, "tensor": lambda: x}[given[0]]()
        y = t.empty(0)
        z = y.set_(source, *given[1:], **named)
        y.fill_(9.0)
        return [z is y, y, y.stride(), y.storage_offset(), x, y.requires_grad, y.is_leaf]
    return program


CASES.update({f"set_{given}": placed(*given) for given in [
    ("storage",), ("bytes",), ("storage", 0, (3, 4), (4, 1)), ("storage", 2, (2, 2), (4, 1)),
    ("bytes", 2, (2, 2), (4, 1)), ("bytes", 2, (2, 2)), ("bytes", 1, [5]), ("tensor", 0, (3, 4), (4, 1)),
    ("tensor", 1, (3,), (2,)), ("storage", 0, ()),
    ("storage", -1, (3,), (1,)), ("storage", 0, (3, 4), (1,)), ("storage", 1, (3, 2), (1, 0))]})
CASES.update({
    "set_ by name": placed("storage", storage_offset=1, size=(3,), stride=(2,)),
    "set_ to other elements": placed("storage", 0, (2,), (1,), of="arange(4)"),
    "set_ to nothing": lambda t: t.ones(3).set_(),
    "set_ of a leaf": lambda t: t.ones(3, requires_grad=True).set_(t.ones(4).storage(), 0, (3,), (1,)),
    "set_ under no_grad": lambda t: (lambda x: [t.no_grad()(lambda: x.set_(t.ones(4).storage(), 0, (4,), (1,)))(),
                                                x.is_leaf])(t.ones(3, requires_grad=True)),
})


def test_what_set_refuses():
    for given in ((3,), (tapegrad.ones(2), 0), (tapegrad.ones(2).storage(), 0)):
        with pytest.raises(TypeError, match="invalid combination of arguments"):
            tapegrad.empty(0).set_(*given)
    y = tapegrad.ones(2)
    with pytest.raises(RuntimeError, match="out of bounds for storage"):  # PyTorch makes the storage larger
        y.set_(tapegrad.arange(12.0).storage(), 10, (3,), (1,))
    assert y.tolist() == [1.0, 1.0] and y._version == 0


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
