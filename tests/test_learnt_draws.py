"""Random numbers that native code has learnt to draw are those that Python draws, and the stream goes on alike."""
from __future__ import annotations

import sys

import pytest
from learnt import as_python_has_it, room_for_more

import tapegrad as t

__all__ = ["room_for_more"]  # a fixture
F = t.nn.functional

DRAWS = {
    "rand": lambda x: t.rand(3),
    "rand, double": lambda x: t.rand(2, 2, dtype=t.float64),
    "rand, half": lambda x: t.rand(3, dtype=t.float16),
    "rand out=": lambda x: t.rand(4, out=x.detach()),
    "randn, pairs": lambda x: t.randn(3),
    "randn, blocks": lambda x: t.randn(20),
    "randn, requiring grad": lambda x: t.randn(2, requires_grad=True),
    "randn, nothing": lambda x: t.randn(0),
    "randint": lambda x: t.randint(0, 10, (5,)),
    "randint, bytes": lambda x: t.randint(3, 200, (5,), dtype=t.uint8),
    "randint, fractions": lambda x: t.randint(-4, 4, (5,), dtype=t.float32),
    "randperm": lambda x: t.randperm(6),
    "rand_like": lambda x: t.rand_like(x),
    "randn_like, turned": lambda x: t.randn_like(t.zeros(4, 5).t()),
    "randint_like": lambda x: t.randint_like(x, 7),
    "normal": lambda x: t.normal(0.5, 2.0, (3,)),
    "normal of means": lambda x: t.normal(x.detach(), 2.0),
    "bernoulli": lambda x: t.bernoulli(t.full((6,), 0.5)),
    "normal_": lambda x: x.normal_(1.0, 0.5),
    "normal_, turned": lambda x: t.zeros(4, 5).t().normal_(),
    "uniform_": lambda x: x.uniform_(-1, 1),
    "uniform_ of a part": lambda x: x[1:3].uniform_(),
    "bernoulli_": lambda x: x.bernoulli_(0.3),
    "random_": lambda x: t.zeros(5, dtype=t.int64).random_(10),
    "random_ of all": lambda x: t.zeros(5, dtype=t.int16).random_(),
    "exponential_": lambda x: x.exponential_(2.0),
    "geometric_": lambda x: t.zeros(5, dtype=t.int32).geometric_(0.5),
    "cauchy_": lambda x: x.cauchy_(),
    "log_normal_": lambda x: x.log_normal_(),
    "dropout": lambda x: F.dropout(x, 0.25),
    "dropout in place": lambda x: F.dropout(x * 1, 0.25, inplace=True),
    "dropout, not training": lambda x: F.dropout(x, 0.25, training=False),
    "dropout2d": lambda x: F.dropout2d(t.ones(2, 3, 2, 2), 0.5),
    "alpha_dropout": lambda x: F.alpha_dropout(x, 0.5, training=True),
    "rrelu": lambda x: F.rrelu(x - 3, training=True),
    "a generator of its own": lambda x: t.rand(3, generator=t.Generator().manual_seed(3)),
}


def drawn(call, seed, times=4):
    """What calls draw after a seed, their gradients, and the stream's state at the end."""
    t.manual_seed(seed)
    found = []
    for n in range(times):
        w = t.arange(1.0, 5.0, requires_grad=True)
        x = w * 1 if n % 2 else w.detach().clone()
        y = call(x)
        found.append((y.tolist(), y.dtype, y.stride(), y.requires_grad, x.tolist(), x._version))
        if y.requires_grad and not y.is_leaf:
            y.sum().backward()
            found.append(None if w.grad is None else w.grad.tolist())
    return found, t.get_rng_state().tolist()


@pytest.mark.parametrize("name", DRAWS)
def test_learnt_draws(name):
    call = DRAWS[name]
    drawn(call, 0)
    for seed in (1, 2):
        assert drawn(call, seed) == as_python_has_it(lambda seed=seed: drawn(call, seed))


def test_draws_of_all_kinds_one_after_another():
    """They take from one stream, whose spare number is another's."""
    def run():
        t.manual_seed(7)
        return [call(t.ones(4)).tolist() for _ in range(3) for call in DRAWS.values()], t.get_rng_state().tolist()

    assert run() == run() == as_python_has_it(run)


@pytest.mark.parametrize("target", [
    lambda w: w, lambda w: w[:2], lambda w: _hooked(w * 1), lambda w: (w * 1).reshape(2, 2).unbind(0)[0],
], ids=["a leaf", "a view of a leaf", "with a hook", "one of several views"])
def test_what_is_refused_or_left_to_python_takes_the_same_numbers(target):
    """Native code may find out after it drew that it cannot write: then nothing was drawn."""
    t.zeros(4).normal_(), t.zeros(2).normal_(), (t.ones(4, requires_grad=True) * 1).normal_()

    def run():
        t.manual_seed(11)
        found = []
        for _ in range(3):
            x = target(t.ones(4, requires_grad=True))
            try:
                found.append(x.normal_().tolist())
            except RuntimeError as error:
                found.append(str(error))
            found.append(t.rand(2).tolist())
        return found

    assert run() == run() == as_python_has_it(run)


def _hooked(x):
    x.register_hook(lambda g: g)
    return x


def test_the_stream_is_moved_between_learnt_draws():
    t.rand(2), t.rand(2)
    t.manual_seed(3)
    first, state = t.rand(2).tolist(), t.get_rng_state()
    second = t.rand(2).tolist()
    t.set_rng_state(state)
    assert t.rand(2).tolist() == second
    with t.random.fork_rng():
        t.rand(2)
        t.manual_seed(3)
        assert t.rand(2).tolist() == first
    third = t.rand(2).tolist()
    t.manual_seed(3)
    assert [t.rand(2).tolist() for _ in range(3)] == [first, second, third]


def test_draws_learnt_before_they_are_captured():
    def noisy(x):
        return F.dropout(x, 0.5) + t.randn(4)

    for _ in range(3):
        noisy(t.ones(4))
    compiled = t.compile(noisy)
    t.manual_seed(5)
    wanted = [noisy(t.ones(4)).tolist() for _ in range(6)]
    t.manual_seed(5)
    assert [compiled(t.ones(4)).tolist() for _ in range(6)] == wanted


def told(x):
    return x.tolist(), x.dtype, x.stride(), x.requires_grad, x._version


MADE = {
    "zeros": lambda: t.zeros(3), "ones": lambda: t.ones(2, 2, dtype=t.int64), "full": lambda: t.full((2,), 0.5),
    "arange": lambda: t.arange(4), "linspace": lambda: t.linspace(0, 1, 3), "eye": lambda: t.eye(2),
    "zeros_like": lambda: t.zeros_like(LIKE), "new_full": lambda: LIKE.new_full((2,), 7),
    "empty": lambda: t.empty(2), "tril_indices": lambda: t.tril_indices(3, 3),
    "a leaf": lambda: t.zeros(2, requires_grad=True), "in half": lambda: t.ones(3, dtype=t.bfloat16),
}
LIKE = t.ones(3, 2).t()


@pytest.mark.parametrize("name", MADE)
def test_made_tensors_are_the_callers(name):
    """Of tensors that are made of numbers alone, native code copies one that nobody has."""
    make = (lambda: MADE[name]().fill_(3)) if name == "empty" else MADE[name]
    wanted = as_python_has_it(make)
    for _ in range(4):
        found = make()
        assert [told(found), found.is_leaf] == [told(wanted), True]
        with t.no_grad():
            found.fill_(9)
        if found.requires_grad:
            (found * 2).sum().backward()
            assert found.grad.tolist() == [2, 2]


@pytest.mark.parametrize("name", MADE)
def test_tensors_are_made_without_python(name):
    """From the third call of a kind on."""
    make, ran = MADE[name], []
    make(), make()
    sys.setprofile(lambda frame, event, _: ran.append(frame.f_code.co_name) if event == "call" else None)
    try:
        make()
    finally:
        sys.setprofile(None)
    assert ran == ["<lambda>"]
