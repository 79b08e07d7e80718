"""Models, optimisers, functions and settings that are passed: call by call as written.

A program is `make(wrap)`: what runs call i, and what shows the state; all are replayed.
"""
from __future__ import annotations

import dataclasses
import functools
import gc
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree, with_errors

import tapegrad as torch
from tapegrad import nn
from tapegrad.compiler import compile
from tapegrad.compiler.bound_arguments import MOST
from tapegrad.nn import functional as F

CALLS = 20
X, Y = torch.arange(12.0).reshape(4, 3) / 10, torch.tensor([0, 1, 1, 0])
PROGRAMS: dict[str, tuple[Callable[[Any], tuple[Callable[[int], Any], Callable[[], Any]]], int]] = {}
program = adds_to(PROGRAMS)


@dataclasses.dataclass
class Config:
    scale: float = 1.0
    smooth: bool = False


def model() -> Any:
    return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))


def step(model, optimizer, loss_of, x, y, scale=1.0):
    optimizer.zero_grad()
    loss = loss_of(model(x), y) * scale
    loss.backward()
    optimizer.step()
    return loss.item()


def state_of(*models: Any) -> Callable[[], Any]:
    return lambda: [[m.training, *m.state_dict().values()] for m in models]


@program(1)
def a_step(wrap):
    one = model()
    optimizer = torch.optim.Adam(one.parameters(), lr=0.1)
    f = wrap(step)
    return (lambda i: f(one, optimizer, F.cross_entropy, X, Y, scale=1 / (i + 1))), state_of(one)


@program(1)
def by_keyword(wrap):
    one = model()
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
    f = wrap(step)
    return (lambda i: f(x=X, y=Y, model=one, loss_of=nn.CrossEntropyLoss(), optimizer=optimizer)
            if i == 7 else f(x=X, y=Y, model=one, loss_of=F.cross_entropy, optimizer=optimizer)), state_of(one)


@program(1)
def after_the_data(wrap):
    one = model()
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1, momentum=0.9)

    @wrap
    def late(x, net, y, optimizer, loss_of, scale=1.0):
        return step(net, optimizer, loss_of, x, y, scale)

    def call(i):
        if i == 12:
            one.eval()
        if i % 4 == 3:
            return late(X, one, Y, optimizer, F.cross_entropy, scale=1 / (i + 1))
        return late(X, one, Y, optimizer, F.cross_entropy)

    return call, state_of(one)


@program(1)
def between_and_by_keyword(wrap):
    ones = [model(), model()]
    f = wrap(lambda x, net, y, by=1.0, *, config: F.cross_entropy(net(x), y, label_smoothing=config.scale / 9) * by)
    configs = [Config(), Config(2.0)]
    return (lambda i: f(X, ones[i // 2 % 2], Y, 1.0 + i, config=configs[i % 2]).detach()), state_of(*ones)


@program(1)
def several(wrap):
    """In turn, and what is known of them changes."""
    models = [model() for _ in range(3)]
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.1) for m in models]
    f = wrap(step)

    def call(i):
        if i == 9:
            models[1].eval()
        elif i == 12:
            models[2][1].p = 0.25
        elif i == 15:
            models[0][0] = nn.Linear(3, 4)
        return f(models[i % 3], optimizers[i % 3], F.cross_entropy, X, Y)

    return call, state_of(*models)


@program(1)
def settings(wrap):
    config = Config()
    f = wrap(lambda config, x: x * config.scale + (1 if config.smooth else 0))

    def call(i):
        config.scale, config.smooth = 0.5 + i, i % 6 == 5
        return f(config, X)

    return call, lambda: vars(config)


@program(1)
def with_a_history(wrap):
    one = model()
    f = wrap(lambda model, x: model(x).sum())

    def call(i):
        one.zero_grad()
        f(one, X).backward()

    return call, lambda: [p.grad for p in one.parameters()]


@program(1)
def an_error(wrap):
    one = nn.Linear(3, 2)
    f = wrap(lambda model, x: model(x).detach())
    return (lambda i: f(one, X if i % 5 else X[:, :2])), state_of(one)


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().mul(1e4).round().tolist()
    if isinstance(value, dict):
        return [(k, shown(v)) for k, v in value.items()]
    return [*map(shown, value)] if isinstance(value, (list, tuple)) else round(value, 4) if value else value


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, _ = PROGRAMS[name]

    def made(wrap: Any) -> Any:
        torch.manual_seed(0)
        return make(wrap)

    function, = agree(made, CALLS, with_errors(shown, RuntimeError))
    assert function.captures and function.replays > 4 and not function.reason, function.explain()
    assert "\nwith " in function.explain()


def used(f: Any, *models: Any) -> None:
    for one in models:
        for _ in range(3):
            assert f(one, X).tolist() == one(X).tolist()


def test_only_so_many_are_known():
    f = compile(lambda model, x: model(x).detach())
    models = [nn.Linear(3, 2) for _ in range(MOST + 2)]
    used(f, *models)
    assert len(f._bound.functions) == MOST and f.replays == MOST
    used(f, models[0], models[-1])
    assert f.replays == MOST - 1 + 1 + 3


def test_objects_are_let_go():
    """While the step that they were passed to lives on, also those that others came for."""
    f = compile(lambda model, x: model(x).detach())
    models = [nn.Linear(3, 2) for _ in range(MOST + 2)]
    used(f, *models)
    gone = [weakref.ref(one) for one in models]
    del models[3:]
    gc.collect()
    assert [r() is None for r in gone] == [False] * 3 + [True] * (MOST - 1)
    assert len(f._bound.functions) == 1 and f.replays == 1  # two were let go for others
    used(f, models[2])
    assert f.replays == 4


def frozen(one: Any) -> None:
    one.weight.requires_grad_(False)


def hooked(one: Any) -> None:
    one.weight.register_hook(lambda g: g)


def with_data(one: Any) -> None:
    one.weight.data = torch.ones(2, 3)


def written(one: Any) -> None:
    frozen(one)
    one.weight.mul_(torch.ones(2, 3, requires_grad=True))
    one.weight.detach_()


def with_a_loss(one: Any) -> None:
    one.loss = one(X).sum()


@pytest.mark.parametrize("happens", [frozen, hooked, with_data, written, with_a_loss])
@pytest.mark.parametrize("after", [False, True])
def test_whatever_happens_to_the_leaf_that_holds_their_function(happens, after):
    f = compile(lambda model, x: model(x).detach())
    one = nn.Linear(3, 2)
    if not after:
        happens(one)
    used(f, one)
    if after:
        happens(one)
        used(f, one)
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None and not f._bound.functions


def test_the_step_is_let_go_while_its_models_live():
    f = compile(lambda model, x: model(x).detach())
    one = nn.Linear(3, 2)
    used(f, one)
    gone = [weakref.ref(f), weakref.ref(f._bound.functions[0])]
    del f
    gc.collect()
    assert [r() for r in gone] == [None, None]


def test_a_finalizer_may_keep_the_model():
    kept = []

    class Kept(nn.Linear):
        def __del__(self):
            kept.append(self)

    f = compile(lambda model, x: model(x).detach())
    one = Kept(3, 2)
    used(f, one)
    del one
    gc.collect()
    used(f, kept.pop())


class Holder:
    def __init__(self, k: int) -> None:
        self.w = torch.tensor(float(k))


def test_others_at_the_same_address_have_a_function_of_their_own():
    f = compile(lambda one, x: one.w * x)
    seen: set[int] = set()
    met = 0
    for k in range(10):
        made = [Holder(k) for _ in range(200)]
        one = next((m for m in made if id(m) in seen), made[0])
        met += id(one) in seen
        seen.update(map(id, made))
        for _ in range(3):
            assert f(one, X).tolist() == (X * k).tolist()
        del one, made
        gc.collect()
    assert met and not f.reason and not f._bound.functions


def test_what_a_partial_is_made_of_may_change():
    given = functools.partial(lambda w, x, scale=1: w * x * scale, torch.tensor(2.0))
    f = compile(given)
    for k in range(25):
        if k == 5:
            given.__setstate__((given.func, (torch.tensor(3.0),), {}, {}))
        elif k == 10:
            given.keywords["scale"] = 5
        elif k == 15:
            given.__setstate__((lambda w, x: w + x, (torch.tensor(4.0),), {}, {}))
        elif k == 20:
            given.of_its_own = 1
        assert f(X).tolist() == given(X).tolist()
    assert f.replays >= 8 and not f.reason


def test_others_each_time_are_not_compiled():
    f = compile(lambda function, x: function(x) * 2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(60):
            assert f(lambda x, k=k: x + k, X).tolist() == ((X + k) * 2).tolist()
    assert f.reason == "a function is passed or returned" and len(caught) == 1
    assert not f.captures and not f.replays  # those of functions that are held no more
