"""A derivative by one tensor, which native code takes, is that by a container of it, which Python does."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.func import grad, grad_and_value, jacfwd, jacrev

W = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)


def in_place(x):
    y = x * 2
    y[1:] *= x[:-1]
    return y.sum()


def hooked(x):
    y = x * x
    y.register_hook(lambda g: g * 3)
    return y.sum()


def hooked_input(x):
    x.register_hook(lambda g: g * 3)
    return (x * x).sum()


class Cubed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        return 3 * ctx.saved_tensors[0] ** 2 * g


FUNCTIONS = {
    "a sum": lambda x: (x * W).sum(),
    "one of its elements": lambda x: x[1],
    "a constant": lambda x: torch.ones(()),
    "a constant that requires grad": lambda x: torch.ones((), requires_grad=True) * 2,
    "what depends on others too": lambda x: (x * W.requires_grad_()).sum() ** 2,
    "written in place": in_place, "hooked": hooked, "hooked where it begins": hooked_input,
    "of its own kind": lambda x: Cubed.apply(x).sum(),
    "a derivative": lambda x: grad(lambda y: (y ** 3 * x).sum())(x).sum(),
    "a derivative by the same": lambda x: grad(lambda y: (y ** 3).sum())(x).sum(),
    "of a batch": lambda x: torch.vmap(lambda y: y.sin() * y)(x).sum(),
    "a branch": lambda x: x.prod() if x.sum() > 0 else (x * x).sum(),
    "detached": lambda x: (x.detach() * x).sum(),
    "without grad": lambda x: torch.no_grad()(lambda: x.sum() * 2)(),
    "single precision": lambda x: x.float().exp().sum(),
}


def both(derive, f, x):
    return derive(f)(x), derive(lambda t: f(t[0]))((x,))


def same(one, other):
    assert type(one) is type(other) and one.dtype is other.dtype and one.requires_grad == other.requires_grad
    np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())


@pytest.fixture(autouse=True)
def plain():
    W.requires_grad_(False)
    yield
    W.requires_grad_(False)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name, requires_grad, recorded):
    f = FUNCTIONS[name]
    x = torch.tensor([0.7, 1.5, 0.2], dtype=torch.float64, requires_grad=requires_grad)
    with torch.set_grad_enabled(recorded):
        for _ in range(3):  # which kernels there are, and which recipes, changes nothing
            one, (other,) = both(grad, f, x)
            same(one, other)
            (one, value), ((other,), known) = both(grad_and_value, f, x)
            same(one, other)
            same(value, known)
            for derive in (jacrev, jacfwd):
                one, (other,) = both(derive, f, x)
                same(one, other)
            if one.requires_grad and one.is_leaf is False:
                leaves = [t for t in (x, W) if t.requires_grad]
                found = [torch.autograd.grad((g * g).sum(), leaves, allow_unused=True, retain_graph=True)
                         for g in both(grad, f, x)[0:1] + both(grad, f, x)[1]]
                for a, b in zip(*found, strict=True):
                    assert (a is None) == (b is None)
                    if a is not None:
                        same(a, b)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_other_dtypes(dtype):
    x = torch.tensor([0.5, 1.5], dtype=dtype)
    one, (other,) = both(grad, lambda t: (t * t).sum(), x)
    assert torch.equal(one, other) and one.dtype is dtype


@pytest.mark.parametrize("x", [torch.tensor([1, 2]), torch.tensor([True])], ids=str)
def test_what_has_no_gradients_is_refused(x):
    with pytest.raises(RuntimeError, match="floating point"):
        grad(lambda t: t.sum())(x)


def test_the_input_is_left_alone():
    x = torch.ones(3)
    grad(lambda t: (t * t).sum())(x)
    assert not x.requires_grad and x.grad is None and x.is_leaf
    with pytest.raises(ZeroDivisionError):
        grad(lambda t: 1 / 0)(x)
    assert torch.is_grad_enabled()


def test_a_level_leaves_no_sweep_open():
    """Where native code stopped, Python begins anew, and the next ones are native again."""
    x = torch.ones(3, dtype=torch.float64)
    for f in (hooked, FUNCTIONS["a sum"], hooked_input, FUNCTIONS["of its own kind"], FUNCTIONS["a sum"]):
        same(*[g if isinstance(g, torch.Tensor) else g[0] for g in both(grad, f, x)])
    y = (x.requires_grad_() * 2).sum()
    y.backward()
    assert x.grad.tolist() == [2.0] * 3


@pytest.mark.parametrize(("x", "number"), [
    (torch.tensor(2.5), 2.5), (torch.tensor(0.0), 0.0), (torch.tensor(-0.0, dtype=torch.float64), -0.0),
    (torch.tensor(float("nan")), float("nan")), (torch.tensor([[3]]), 3), (torch.tensor(0), 0),
    (torch.tensor(-2 ** 40), -2 ** 40), (torch.tensor(256, dtype=torch.int32), 256),
    (torch.tensor(256, dtype=torch.int16), 256), (torch.tensor(0, dtype=torch.uint8), 0),
    (torch.tensor(True), True), (torch.tensor(False), False), (torch.tensor(1.5, dtype=torch.float16), 1.5),
    (torch.tensor(0.0, dtype=torch.bfloat16), 0.0), (torch.tensor(2.0, requires_grad=True), 2.0),
    (torch.nn.Parameter(torch.tensor(3.0)), 3.0),
], ids=str)
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True to a scalar")
def test_one_element_is_a_number(x, number):
    for found, expected in ((x.item(), number), (float(x), float(number)), (bool(x), bool(number))):
        assert type(found) is type(expected) and repr(found) == repr(expected)


@pytest.mark.parametrize("x", [torch.ones(2), torch.ones(0)], ids=str)
def test_others_are_none(x):
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with"):
        bool(x)
    with pytest.raises(RuntimeError, match="cannot be converted to Scalar"):
        x.item()
    with pytest.raises((ValueError, RuntimeError, TypeError)):
        float(x)


def test_subclasses_and_batches_are_asked():
    asked = []

    class Mine(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            asked.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs or {})

    x = torch.tensor(2.0).as_subclass(Mine)
    assert bool(x) and x.item() == 2.0 and float(x) == 2.0
    assert {"__bool__", "item", "__float__"} <= {*asked}
    for f in (bool, float, torch.Tensor.item):
        with pytest.raises(RuntimeError, match="vmap"):
            torch.vmap(lambda t, f=f: f(t))(torch.ones(2))
