"""Writes in place that native code has learnt do in every situation what their Python does."""
from __future__ import annotations

import numpy as np
import pytest
from learnt import as_python_has_it, room_for_more

import tapegrad as t
from tapegrad.machine import live

__all__ = ["room_for_more"]  # a fixture
# Of x, which is written to (four elements), another y, a mask m, positions i, and a number a that is another each time.
WRITES = {
    "add_ alpha": lambda x, y, m, i, a: x.add_(y, alpha=a),
    "add_ alpha, whole": lambda x, y, m, i, a: x.add_(y, alpha=2),
    "add_ alpha, of a number": lambda x, y, m, i, a: x.add_(3, alpha=a),
    "add_ alpha, of whole numbers": lambda x, y, m, i, a: x.add_(i.sum(), alpha=a),
    "add_ alpha, itself": lambda x, y, m, i, a: x.add_(x, alpha=a),
    "add_ alpha, broadcast": lambda x, y, m, i, a: x.add_(y[:1], alpha=a),
    "add_ alpha, another dtype": lambda x, y, m, i, a: x.add_(y.double(), alpha=a),
    "sub_ alpha": lambda x, y, m, i, a: x.sub_(y, alpha=a),
    "addcmul_": lambda x, y, m, i, a: x.addcmul_(y, y + 1, value=a),
    "addcmul_, itself": lambda x, y, m, i, a: x.addcmul_(x, y, value=a),
    "addcdiv_": lambda x, y, m, i, a: x.addcdiv_(y, y * y + 1, value=a),
    "lerp_": lambda x, y, m, i, a: x.lerp_(y, a),
    "lerp_ of a tensor": lambda x, y, m, i, a: x.lerp_(y, y),
    "clamp_": lambda x, y, m, i, a: x.clamp_(-1.5, a),
    "clamp_ min": lambda x, y, m, i, a: x.clamp_(min=a),
    "copy_": lambda x, y, m, i, a: x.copy_(y),
    "copy_ of whole numbers": lambda x, y, m, i, a: x.copy_(i.sum()),
    "fill_": lambda x, y, m, i, a: x.fill_(a),
    "masked_fill_": lambda x, y, m, i, a: x.masked_fill_(m, a),
    "masked_fill_ of a tensor": lambda x, y, m, i, a: x.masked_fill_(m, y[0]),
    "div_ rounding_mode": lambda x, y, m, i, a: x.div_(a, rounding_mode="floor"),
    "pow_": lambda x, y, m, i, a: x.pow_(2),
    "round_ decimals": lambda x, y, m, i, a: x.round_(decimals=1),
    "nan_to_num_": lambda x, y, m, i, a: x.nan_to_num_(nan=a),
    "index_add_": lambda x, y, m, i, a: x.index_add_(0, i, y[:2], alpha=a),
    "index_copy_": lambda x, y, m, i, a: x.index_copy_(0, i, y[:2]),
    "index_fill_": lambda x, y, m, i, a: x.index_fill_(0, i, a),
    "index_put_": lambda x, y, m, i, a: x.index_put_((i,), y[:2]),
    "scatter_": lambda x, y, m, i, a: x.scatter_(0, i, y),
    "scatter_ of a number": lambda x, y, m, i, a: x.scatter_(0, i, a),
    "scatter_add_": lambda x, y, m, i, a: x.scatter_add_(0, i, y),
    "masked_scatter_": lambda x, y, m, i, a: x.masked_scatter_(m, y),
    "cumsum_": lambda x, y, m, i, a: x.cumsum_(0),
    "addmv_": lambda x, y, m, i, a: x.addmv_(y[:, None], y[:1], beta=0.5, alpha=a),
    "ldexp_": lambda x, y, m, i, a: x.ldexp_(i.sum()),
    "eq_": lambda x, y, m, i, a: x.eq_(y),
    "leaky_relu_": lambda x, y, m, i, a: t.nn.functional.leaky_relu_(x, a),
    "elu_": lambda x, y, m, i, a: t.nn.functional.elu_(x, alpha=a),
    "hardtanh_": lambda x, y, m, i, a: t.nn.functional.hardtanh_(x, -1.0, a),
}


def _under_no_grad(call):
    with t.no_grad():
        return call()


# What is written to, from a leaf w; what is read is `other(y)`, of a leaf y.
TARGETS = {
    "plain": lambda w: w.detach().clone(),
    "computed": lambda w: w * 1,
    "a leaf": lambda w: w,
    "a view": lambda w: (w * 1)[:],
    "a view of a plain one": lambda w: w.detach().clone()[:],
    "a view of a leaf": lambda w: w[:],
    "a view made under no_grad": lambda w: _under_no_grad(lambda: (w * 1)[:]),
    "one of several views": lambda w: (w * 1).reshape(1, 4).unbind(0)[0],
    "another view was taken": lambda w: _viewed(w * 1),
    "every second": lambda w: (w.repeat(2) * 1)[::2],
    "detached": lambda w: (w * 1).detach(),
    "in double precision": lambda w: w.double(),
    "of whole numbers": lambda w: w.detach().long(),
    "with a hook": lambda w: _hooked(w * 1),
    "with a gradient to keep": lambda w: _retained(w * 1),
}


def _viewed(x):
    x.early = x[1:]
    return x


def _hooked(x):
    x.register_hook(lambda g: g * 3)
    return x


def _retained(x):
    x.retain_grad()
    return x


OTHERS = {"plain": lambda y: y.detach(), "computed": lambda y: y * 1, "a view": lambda y: (y * 2)[:]}
GIVEN = (np.float32([0.5, -1.5, 2.0, 1.0]), np.float32([1.0, -0.5, 0.25, 2.0]), np.array([True, False, True, False]),
         np.array([1, 3]))


def exact(x):
    """All that a tensor is."""
    return x if x is None else (x.dtype, x.shape, x.requires_grad, x.grad_fn and x.grad_fn.name(),
                                x.detach().numpy().tobytes())


def told(write, target, other, a, recording=True):
    """All that a write does: to values, versions, history and gradients; or how it is refused, and that nothing is."""
    w, y, mask, positions = map(t.tensor, GIVEN)
    w.requires_grad_()
    y.requires_grad_()
    x, read = target(w), other(y)
    version = x._version
    try:
        with t.set_grad_enabled(recording):
            found = write(x, read, mask, positions, a)
        seen = [found is x, x.requires_grad, x.is_leaf, x.grad_fn and x.grad_fn.name()]
        if x.requires_grad and not x.is_leaf:
            (x * x).sum().backward()
            seen += [*map(exact, (getattr(x, "early", None), x.grad if x.retains_grad else None))]
        seen += [exact(w.grad), exact(y.grad)]
    except Exception as error:
        seen = [type(error), str(error)]
    vars(x).clear()  # a view that its own base holds is never collected, in PyTorch either
    return seen, exact(x.detach()), x._version - version


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.filterwarnings("ignore")
def test_learnt_writes_in_every_situation(name):
    write = WRITES[name]
    for a in (0.5, 0.75):  # taught by the first, and used
        for target in ("plain", "computed", "a view", "in double precision", "of whole numbers"):
            for other in OTHERS.values():
                told(write, TARGETS[target], other, a)
                told(write, TARGETS[target], other, a, recording=False)
    wrong = {}
    for a in (0.25, 1.0, -0.375, 2, 0.0, 1e300, float("inf"), float("nan"), True):
        for situation, target in TARGETS.items():
            for kind, other in OTHERS.items():
                for recording in (True, False):
                    given = write, target, other, a, recording
                    found, wanted = told(*given), as_python_has_it(lambda given=given: told(*given))
                    if found != wanted:
                        wrong[situation, kind, recording, a] = found, wanted
    assert not wrong


# Of a vector x, another y and a factor.
SCALED = {
    "add": lambda x, y, a: x.add(y, alpha=a),
    "add_": lambda x, y, a: x.add_(y, alpha=a),
    "sub_": lambda x, y, a: x.sub_(y, alpha=-a),
    "addcmul_": lambda x, y, a: x.addcmul_(y, y, value=a),
    "addcdiv_": lambda x, y, a: x.addcdiv_(y, y, value=a),
    "lerp_": lambda x, y, a: x.lerp_(y, a),
    "masked_fill_": lambda x, y, a: x.masked_fill_(y > 0, a),
    "clamp_": lambda x, y, a: x.clamp_(max=a),
    "addmv": lambda x, y, a: t.addmv(x, y[:, None], y[:1], alpha=a),
}


@pytest.mark.parametrize("name", SCALED)
def test_factors_are_not_part_of_the_kind(name):
    """A rate that is another at each step teaches nothing anew."""
    x, y = t.tensor([1.0, 2.0]), t.tensor([0.5, -2.0])

    def run(a):
        return SCALED[name](x.clone(), y, a).tolist()

    run(0.3)
    taught = live.machine.n_recipes
    found = [run(1 / n) for n in range(3, 2000)]
    assert live.machine.n_recipes - taught <= 2  # of 0.5, perhaps, and of a second number that is in the key
    assert found[::100] == as_python_has_it(lambda: [run(1 / n) for n in range(3, 2000, 100)])


@pytest.mark.parametrize("call", [
    lambda x, a: x.clamp_(a, a), lambda x, a: x.clamp_(a, 0.75), lambda x, a: x.clamp_(0.25, a),
    lambda x, a: x.add_(0.5, alpha=a), lambda x, a: x.add_(a, alpha=a), lambda x, a: t.rsub(x, a, alpha=a),
    lambda x, a: t.rsub(x, 0.5, alpha=a), lambda x, a: x.addmv_(x[:, None], x[:1], alpha=a),
    lambda x, a: x.round_(decimals=int(8 * a)),
])
def test_every_factor_has_its_own_result(call):
    """Wherever it stands, and whatever other numbers are given."""
    for a in (0.25, 0.5, 0.75, 0.125, 0.25, 1.0, 0.0, 0.375):
        x = [t.tensor([0.3, 0.6]) for _ in range(2)]
        assert call(x[0], a).tolist() == as_python_has_it(lambda x=x, a=a: call(x[1], a)).tolist()


def test_factors_that_are_refused_after_lessons():
    x, whole = t.ones(2), t.ones(2, dtype=t.int64)
    for a in (0.5, 0.25):
        x.add_(x, alpha=a)
        whole.add_(whole, alpha=3)
    version = whole._version
    for refused in (lambda: whole.add_(whole, alpha=0.5), lambda: whole.sub_(1, alpha=2.5)):
        with pytest.raises(RuntimeError, match="argument alpha must not be a floating point number"):
            refused()
    with pytest.raises(RuntimeError, match="Boolean alpha only supported for Boolean results"):
        x.add_(x, alpha=True)
    with pytest.raises(RuntimeError, match="without overflow"):
        t.ones(2, dtype=t.int8).add_(t.ones(2, dtype=t.int8), alpha=1000)
    with pytest.raises(TypeError):
        x.add_(x, alpha="0.5")
    assert whole._version == version and whole.tolist() == [16, 16]


def test_factors_in_a_compiled_function():
    """One that is a constant of the code, one that varies, and one that was learnt before it is captured."""
    def step(p, g, rate):
        p.add_(g, alpha=-rate).mul_(0.9).addcmul_(g, g, value=0.125).lerp_(g, rate)
        return p * 1

    compiled = t.compile(step)
    ours, theirs, g = t.ones(3), t.ones(3), t.tensor([0.5, 1.0, 2.0])
    for n in range(8):
        assert compiled(ours, g, 0.1 / (n + 1)).tolist() == step(theirs, g, 0.1 / (n + 1)).tolist()


def test_optimisers_written_by_hand_learn_once():
    """SGD with momentum and Adam, of several shapes and with a schedule: as many recipes as kinds of calls."""
    parameters = [t.ones(*shape, requires_grad=True) for shape in ((2,), (3, 2))]
    moments = [(t.zeros_like(p), t.zeros_like(p)) for p in parameters]
    taught = 0
    for step in range(1, 50):
        for p, (m, v) in zip(parameters, moments):
            p.grad = None
            (p * p).sum().backward()
            rate = 0.1 / step
            with t.no_grad():
                m.mul_(0.9).add_(p.grad, alpha=1 - 0.9)
                v.mul_(0.999).addcmul_(p.grad, p.grad, value=1 - 0.999)
                p.addcdiv_(m / (1 - 0.9 ** step), (v / (1 - 0.999 ** step)).sqrt_().add_(1e-8), value=-rate)
        if step == 2:
            taught = live.machine.n_recipes
    assert live.machine.n_recipes == taught
