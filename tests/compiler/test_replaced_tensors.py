"""Functions that replace tensors which they read, in attributes, buffers, dicts, lists, variables.

Each scenario is run twice, as written and compiled, and leaves the same behind: values, versions, who is which object.
"""
from __future__ import annotations

import copy
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tapegrad as torch
from tapegrad import nn
from tapegrad.compiler import compile

Wrap = Callable[[Any], Any]
h = torch.zeros(2)


class Agent:
    """What has a state."""

    def __init__(self) -> None:
        self.h, self.p, self.hidden = torch.zeros(2), torch.ones(2), (torch.zeros(2), torch.ones(2))
        self.t, self.loss, self.done, self.sets = 0, 0.0, False, 0

    @property
    def state(self):
        return self.h

    @state.setter
    def state(self, value):
        self.sets += 1
        self.h = value * 1.0


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(2))
        self.w = nn.Parameter(torch.ones(2))

    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x
        return (x - self.mean) * self.w


def each(count: int = 8) -> Iterator[tuple[int, Any]]:
    for i in range(count):
        yield i, torch.tensor([float(i % 3), 1.0 - i])


def attribute(wrap: Wrap) -> Iterator[Any]:
    a = Agent()

    def step(x):
        a.h = torch.tanh(a.h * 0.5 + x)
        return a.h

    step = wrap(step)
    yield step
    for i, x in each(12):
        if i == 7:
            a.h = torch.ones(2)
        y = step(x)
        yield y.tolist(), y is a.h, a.h._version


def nothing_returned(wrap: Wrap) -> Iterator[Any]:
    a = Agent()

    def step(x):
        a.h = a.h * 0.5 + x

    step = wrap(step)
    yield step
    for _, x in each():
        yield step(x), a.h.tolist()


def buffer(wrap: Wrap) -> Iterator[Any]:
    n = Norm()
    f = wrap(n)
    yield f
    for i, x in each(14):
        if i == 6:
            n.eval()
        if i == 10:
            n.train()
            n.load_state_dict({"mean": torch.ones(2), "w": torch.ones(2)})
        y = f(x)
        y.sum().backward()
        yield y.tolist(), n.w.grad.tolist(), n.mean.tolist(), [*n.state_dict()]


def item(wrap: Wrap) -> Iterator[Any]:
    state = {"h": torch.zeros(2), "several": [torch.ones(2), torch.ones(2)]}

    def step(x):
        state["h"] = state["h"] * 0.5 + x
        state["several"][1] = state["several"][0] + state["h"]
        return state["h"].sum()

    step = wrap(step)
    yield step
    for _, x in each():
        yield step(x).item(), [t.tolist() for t in (state["h"], *state["several"])]


def variable(wrap: Wrap) -> Iterator[Any]:
    c = torch.zeros(2)

    def step(x):
        nonlocal c
        global h
        c, h = h * 0.5 + x, c
        return c.sum()

    step = wrap(step)
    yield step
    for _, x in each():
        yield step(x).item(), c.tolist(), h.tolist()


def several_at_once(wrap: Wrap) -> Iterator[Any]:
    a = Agent()

    def step(x):
        a.t += 1
        a.p = a.h
        a.h, c = a.h + x, a.hidden[1]
        a.hidden = (c * 0.5, a.hidden[0] + a.h)
        a.loss = a.h.sum().item()
        a.done = a.loss > 4
        return a.loss

    step = wrap(step)
    yield step
    for i, x in each(24):
        if a.done:
            a.h, a.done = torch.zeros(2), False
        yield step(x), a.t, a.h.tolist(), a.p.tolist(), [t.tolist() for t in a.hidden], a.done, i


def swapped(wrap: Wrap) -> Iterator[Any]:
    a = Agent()

    def step(x):
        a.h.add_(x)
        a.h, a.p = a.p, a.h
        return a.p

    step = wrap(step)
    yield step
    for i, x in each(12):
        if i == 6:
            a.p = a.h
        had, other = a.h, a.p
        y = step(x)
        yield y.tolist(), y is had, a.h is other, a.p is had, had._version


def set_by_a_property(wrap: Wrap) -> Iterator[Any]:
    a = Agent()

    def step(x):
        a.state = a.state * 0.5 + x
        return a.sets

    step = wrap(step)
    yield step
    for _, x in each(10):
        yield step(x), a.h.tolist(), a.sets


def through_time(wrap: Wrap) -> Iterator[Any]:
    a, w = Agent(), torch.ones(2, requires_grad=True)

    def step(x):
        a.h = a.h * w + x
        return a.h.sum()

    step = wrap(step)
    yield step
    total = torch.zeros(())
    for i, x in each(16):
        total = total + step(x)
        if i % 4 == 3:
            w.grad = None
            total.backward()
            total, a.h = torch.zeros(()), a.h.detach()
            yield w.grad.tolist()
        yield a.h.tolist(), a.h.requires_grad


def differentiated_twice(wrap: Wrap) -> Iterator[Any]:
    a, w = Agent(), torch.ones(2, requires_grad=True)
    a.h = torch.ones(2)

    def step(x):
        y = (w ** 3 * a.h * x).sum()
        a.h = (a.h + w * x).detach()
        return y

    step = wrap(step)
    yield step
    for _, x in each():
        y = step(x)
        left = a.h
        (g,) = torch.autograd.grad(y, w, create_graph=True)
        (g2,) = torch.autograd.grad(g.sum(), w)
        yield g.tolist(), g2.tolist(), a.h is left, a.h.tolist()


def fails(wrap: Wrap) -> Iterator[Any]:
    a = Agent()

    def step(x):
        a.t += 1
        a.h = a.h + x.abs()
        if a.h.sum() > 14:
            raise ValueError("too much")
        return a.h.sum()

    step = wrap(step)
    yield step
    for _, x in each(14):
        try:
            yield step(x).item()
        except ValueError as error:
            yield str(error), a.h.tolist(), a.t
            a.h = torch.zeros(2)


def other_kinds(wrap: Wrap) -> Iterator[Any]:
    a = Agent()
    others = {6: None, 9: torch.zeros(2, 2), 13: torch.zeros(2, dtype=torch.float64), 16: 2.0,
              18: nn.Parameter(torch.ones(2)), 20: torch.ones(4)[1:3], 23: "none"}

    def step(x):
        if a.h is None:
            a.h = torch.ones(2)
        a.h = (a.h * 0.5 + x).detach()
        return a.h.sum()

    step = wrap(step)
    yield step
    for i, x in each(26):
        a.h = others.get(i, a.h)
        if i == 24:
            del a.h
        try:
            yield step(x).item(), a.h.tolist(), str(a.h.dtype)
        except (TypeError, AttributeError) as error:
            yield str(error)
            a.h = torch.zeros(2)


def another_owner(wrap: Wrap) -> Iterator[Any]:
    box = [Agent()]

    def step(x):
        box[0].h = box[0].h * 0.5 + x
        return box[0].h.sum()

    step = wrap(step)
    yield step
    for i, x in each(18):
        if i == 5:
            box[0] = Agent()
        if i == 9:
            box[0] = copy.deepcopy(box[0])
        if i == 13:
            box[0].__dict__ = dict(vars(box[0]))
        yield step(x).item(), box[0].h.tolist()


SCENARIOS: list[Callable[[Wrap], Iterator[Any]]] = [
    attribute, nothing_returned, buffer, item, variable, several_at_once, swapped, set_by_a_property, through_time,
    differentiated_twice, fails, other_kinds, another_owner]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_what_is_replaced_is_what_it_would_be(scenario):
    global h
    h = torch.zeros(2)
    _, *expected = scenario(lambda f: f)
    h = torch.zeros(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f, *found = scenario(compile)
    assert found == expected, f.explain()
    assert f.replays > 1 and "that it replaces" in f.explain() and f.reason is None, f.explain()


class Slots:
    __slots__ = ("h",)


class OwnDict(dict[str, Any]):
    pass


def in_a_slot() -> tuple[Any, Any]:
    a = Slots()
    a.h = torch.zeros(2)

    def step(x):
        a.h = a.h + x
        return a.h

    return step, "a Slots"


def in_a_dict_of_a_kind() -> tuple[Any, Any]:
    d = OwnDict(h=torch.zeros(2))

    def step(x):
        d["h"] = d["h"] + x
        return d["h"]

    return step, "a OwnDict"


def of_which_it_matters_which_it_is() -> tuple[Any, Any]:
    a = Agent()

    def step(x):
        a.h = a.h + x if a.h is not a.p else x
        return a.h

    return step, "a Agent"


def as_keys() -> tuple[Any, Any]:
    a, keys = Agent(), dict[Any, int]()

    def step(x):
        keys[a.h] = hash(a.h)
        a.h = a.h + x
        return a.h

    return step, ""


def for_a_backward() -> tuple[Any, Any]:
    a, w = Agent(), torch.ones(2, requires_grad=True)
    c = a.p

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * c

    def step(x):
        nonlocal c
        y = Twice.apply(w * x)
        c = c + x
        return y

    return step, "a tensor that the function replaces"


@pytest.mark.parametrize("made", [in_a_slot, in_a_dict_of_a_kind, of_which_it_matters_which_it_is, as_keys,
                                  for_a_backward], ids=lambda m: m.__name__)
def test_what_is_not_known_to_be_safe_runs_as_it_is_written(made):
    plain, (step, why) = made()[0], made()
    f = compile(step)
    with pytest.warns(UserWarning, match=f"runs as it is written: .*{why}"):
        for _, x in each(5):
            assert f(x).tolist() == plain(x).tolist()
    assert not f.replays


def test_nothing_is_held_that_was_replaced():
    a = Agent()
    a.h = torch.zeros(2)

    def step(x):
        a.t += 1
        a.h = a.h * 0.5 + x * a.t
        return a.h.sum()

    f, seen = compile(step), []
    for _, x in each():
        seen.append(weakref.ref(a.h))
        f(x)
    assert f.replays > 2 and not any(ref() for ref in seen)
    gone = weakref.ref(a), weakref.ref(a.p)
    a = step = f = None  # type: ignore[assignment]
    assert not any(ref() for ref in gone)


def test_it_gives_up_where_they_are_somewhere_else_each_time():
    box = [Agent()]

    def step(x):
        box[0].h = box[0].h * 0.5 + x
        return box[0].h.sum()

    f = compile(step)
    with pytest.warns(UserWarning, match="the tensors that it replaces are somewhere else each time"):
        for _, x in each(20):
            box[0] = Agent()
            assert f(x) == x.sum()
    assert not f.replays and f.reason


def test_a_first_call_that_sets_things_up_is_no_reason():
    a = Agent()
    a.h = None  # type: ignore[assignment]

    def step(x):
        if a.h is None:
            a.h = x * 2
        return a.h + x

    f = compile(step)
    for _, x in each():
        f(x)
    assert f.replays > 3 and not f._replacing.functions


def test_methods_and_arguments_have_their_own():
    class Own(Agent):
        @compile
        def run(self, x):
            self.h = self.h * 0.5 + x
            return self.h.sum()

    several, plain = [Own(), Own()], [Agent(), Agent()]
    for i, x in each(16):
        several[i % 2].run(x)
        plain[i % 2].h = plain[i % 2].h * 0.5 + x
        assert [a.h.tolist() for a in several] == [a.h.tolist() for a in plain]


def test_a_compiled_function_in_a_compiled_function_replaces():
    a = Agent()

    @compile
    def inner(x):
        a.h = a.h * 0.5 + x
        return a.h

    outer = compile(lambda x: inner(x) + inner(x))
    expected = torch.zeros(2)
    for _, x in each():
        for _ in range(2):
            expected = expected * 0.5 + x
        outer(x)
        assert a.h.tolist() == expected.tolist()
    assert outer.replays > 2 and "2 tensors" not in outer.explain() and "1 tensor that it replaces" in outer.explain()


def test_other_attributes_altogether_are_where_numbers_and_tensors_are_looked_for():
    a, b = Agent(), Agent()

    def step_of(agent):
        def step(x):
            agent.t += 1
            agent.h = agent.h * 0.5 + x * agent.t * agent.loss
            return agent.h.sum() * agent.loss
        return step

    f, plain = compile(step_of(a)), step_of(b)
    for i, x in each(20):
        for agent in (a, b):
            agent.loss += 0.5
            if i in (8, 14):
                agent.__dict__ = {**vars(agent), "loss": 2.0, "h": torch.ones(2) * i, "t": 3}
        assert f(x) == plain(x) and a.h.tolist() == b.h.tolist() and (a.t, a.loss) == (b.t, b.loss), i
    assert f.replays > 1
    g, two, seen = compile(lambda x: x * a.loss), [a.loss, 2.5], []
    for i in range(12):
        a.loss = two[i % 2] + i
        if i == 9:
            a.__dict__ = {**vars(a), "loss": -1.0}
        seen.append(g(torch.ones(1)).item() == a.loss)
    assert all(seen) and g.replays > 2
