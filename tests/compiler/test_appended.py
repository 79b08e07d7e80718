"""Lists that a compiled step appends to and does not look at: call by call as written.

A program is `make(wrap)`: what runs call i, and what shows the state. Its captures are those of 30 calls, at most; 0
where the step runs as it is written, as it looks at the list, or may.
"""
from __future__ import annotations

import collections
import copy
import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree, with_errors

import tapegrad as torch
from tapegrad import nn
from tapegrad.compiler import captured_function, compile

CALLS = 30
X = torch.arange(24.0).reshape(8, 3) / 10
PROGRAMS: dict[str, tuple[Callable[[Any], tuple[Callable[[int], Any], Callable[[], Any]]], int]] = {}
program = adds_to(PROGRAMS)


STEPS: dict[str, Callable[[list[Any]], Any]] = {
    "a loss": lambda found: lambda x, i: found.append(x.sum().item()),
    "what is made of one": lambda found: lambda x, i: found.append(x.sum().item() * 2 - i),
    "a tensor": lambda found: lambda x, i: found.append(x.sum()),
    "a number that varies": lambda found: lambda x, i: (found.append(i + 20.5), x * 2)[1],
    "a constant": lambda found: lambda x, i: (found.append("done"), x * 2)[1],
    "a pair": lambda found: lambda x, i: found.append((x.sum().item(), "a", i + 20)),
    "a dict": lambda found: lambda x, i: found.append({"loss": x.sum().item(), "values": [x.mean(), 1.5]}),
    "two at once": lambda found: lambda x, i: found.extend([x.sum().item(), x[0]]),
    "now and then": lambda found: lambda x, i: found.append(x.sum().item()) if i % 3 == 0 else x.sum(),
    "two of the same": lambda found: lambda x, i: (found.append(x.mean()), found.append(x.mean().item()))[0],
    "and returned": lambda found: lambda x, i: (lambda loss: (found.append(loss), loss)[1])(x.sum().item()),
    "as a statement of its method": lambda found: lambda x, i: (lambda add: add(x.sum().item()))(found.append),
    "what was passed": lambda found: lambda x, i: found.append(x),
}
def simple(name: str, captures: int, between: Any = None) -> None:
    """A step of STEPS; what is done with the list between calls."""
    def make(wrap: Any) -> Any:
        found: list[Any] = []
        f = wrap(STEPS[name](found))

        def call(i: int) -> Any:
            if between is not None:
                between(found, i)
            return f(X * (i + 1), i)

        return call, lambda: found

    PROGRAMS[name] = make, captures


for name in STEPS:
    simple(name, 6 if name == "now and then" else 4)


def changed(found: list[Any], i: int) -> None:
    """What a program does with its list between calls."""
    if i == 8:
        found.clear()
    elif i == 12:
        found[:] = ["other", 1]
    elif i == 16:
        found.insert(0, None)
    elif i == 20:
        del found[1:3]
    elif i == 24:
        found.extend([1] * 5000)


STEPS["the list is changed between calls"] = STEPS["a loss"]
simple("the list is changed between calls", 4, changed)


@program(5)
def a_history(wrap):
    """Of several things, in a dict, beside a count."""
    history: dict[str, Any] = {"loss": [], "mean": [], "steps": 0}

    @wrap
    def step(x):
        history["loss"].append(x.sum().item())
        history["steps"] += 1
        history["mean"].append(x.mean().item())
        return x * history["steps"]

    return (lambda i: step(X * i)), lambda: history


@program(4)
def an_attribute(wrap):
    class Trainer:
        def __init__(self):
            self.losses, self.i, self.kept = [], 0, {"norms": []}
            self.w = torch.ones(3, requires_grad=True)

        def step(self, x):
            loss = (x @ self.w).square().mean()
            self.w.grad = None
            loss.backward()
            self.i += 1
            self.losses.append(loss.item())
            self.kept["norms"].append(self.w.grad.norm().item())

    trainer = Trainer()
    step = wrap(trainer.step)
    return (lambda i: step(X * i)), lambda: (trainer.losses, trainer.i, trainer.kept, trainer.w.grad)


@program(4)
def of_a_module(wrap):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.seen = nn.Linear(3, 2), []

        def forward(self, x):
            self.seen.append(x.abs().max().item())
            return self.layer(x).sum().detach()

    torch.manual_seed(0)
    net = Net()
    step = wrap(lambda x: net(x))
    return (lambda i: step(X * i)), lambda: net.seen


@program(12)
def training(wrap):
    w = torch.zeros(3, requires_grad=True)
    optimizer, losses, totals = torch.optim.Adam([w], lr=0.1), [], {"sum": 0.0}

    @wrap
    def step(i):
        loss = ((X[i:i + 4] @ w - 1) ** 2).mean()
        loss.backward()
        if (i + 1) % 2 == 0:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
        totals["sum"] += loss.item()
        return loss

    return (lambda i: step(i % 4).detach()), lambda: (losses, totals, w, w.grad)


@program(8)
def an_error_on_the_way(wrap):
    losses: list[Any] = []

    @wrap
    def step(x):
        losses.append(x.sum().item())
        if x.sum() > 100:
            raise ValueError("too large")
        losses.append("fine")

    return (lambda i: step(X * (50 if i % 10 == 9 else 1))), lambda: losses


@program(9)
def another_list_now(wrap):
    held = type("Held", (), {})()
    held.losses, kept = [], []

    @wrap
    def step(x):
        held.losses.append(x.sum().item())

    def call(i):
        if i % 10 == 9:
            kept.append(held.losses)
            held.losses = []
        step(X * i)

    return call, lambda: (kept, held.losses)


@program(6)
def one_list_under_two_names(wrap):
    losses: list[Any] = []
    other = losses

    @wrap
    def step(x):
        losses.append(x.sum().item())
        other.append(x.mean().item())

    return (lambda i: step(X * i)), lambda: losses


@program(6)
def two_that_become_one(wrap):
    held = {"a": [], "b": []}

    @wrap
    def step(x):
        held["a"].append(x.sum().item())
        held["b"].append(x.mean().item())

    def call(i):
        if i == 15:
            held["b"] = held["a"]
        step(X * i)

    return call, lambda: held


def log(losses, value):
    losses.append(value)


def log_twice(count, losses, value):
    log(losses, value)
    found = losses
    found.extend([value, count])


def log_and_count(losses, value):
    losses.append(value)
    return len(losses)


@program(4)
def by_a_function(wrap):
    """That does no more with it, nor with what it hands on."""
    losses, held = [], {"norms": []}

    @wrap
    def step(x):
        log(losses, x.sum().item())
        log_twice(2, held["norms"], x.norm().item())

    return (lambda i: step(X * i)), lambda: (losses, held)


@program(4)
def by_another_name(wrap):
    class Held:
        def __init__(self):
            self.losses = []

    held = Held()

    @wrap
    def step(x):
        losses = held.losses
        losses.append(x.sum().item())

    return (lambda i: step(X * i)), lambda: held.losses


@program(4)
def keys_that_are_computed(wrap):
    history: dict[str, Any] = {"loss": [], "mean": [], "steps": 0}

    @wrap
    def step(x):
        for key, value in {"loss": x.sum().item(), "mean": x.mean()}.items():
            history[key].append(value)

    return (lambda i: step(X * i)), lambda: history


@program(5)
def lists_that_setdefault_makes(wrap):
    history: dict[str, Any] = {}

    @wrap
    def step(x):
        history.setdefault("loss", []).append(x.sum().item())

    return (lambda i: step(X * i)), lambda: history


@program(8)
def a_key_that_comes_later(wrap):
    history: Any = collections.defaultdict(list)

    @wrap
    def step(x, key):
        history[key].append(x.sum().item())

    return (lambda i: step(X * i, "late" if i > 3 else "early")), lambda: history


@program(5)
def lists_that_are_there_at_once(wrap):
    history: Any = collections.defaultdict(list)

    @wrap
    def step(x):
        metrics = {"loss": x.sum().item()}
        history["loss"].append(metrics["loss"])
        history["mean"].append(round(x.mean().item(), 3))

    return (lambda i: step(X * i)), lambda: history


@program(4)
def two_dicts_with_one_key(wrap):
    """One is looked at."""
    first, second = {"loss": []}, {"loss": [1.5, 2.5]}

    @wrap
    def step(x):
        first["loss"].append(x.sum().item())
        return x * len(second["loss"])

    return (lambda i: step(X * i)), lambda: (first, second)


def recent(name: str, most: int | None, item: Callable[[Any, int], Any], captures: int, between: Any = None) -> None:
    """A deque, which drops what is in it."""
    def make(wrap: Any) -> Any:
        found: Any = collections.deque([0.5, 1.5], most)
        f = wrap(lambda x, i: (found.append(item(x, i)), x * 2)[1])

        def call(i: int) -> Any:
            if between is not None:
                between(found, i)
            return f(X * (i + 1), i)

        return call, lambda: [found.maxlen, *found]

    PROGRAMS[f"a deque of {name}"] = make, captures


KEPT = [1.5, "text", X]
recent("any length", None, lambda x, i: x.sum().item(), 4)
recent("five", 5, lambda x, i: x.sum().item(), 4)
recent("five tensors", 5, lambda x, i: x.sum(), 4)
recent("two, which is full", 2, lambda x, i: x.sum().item(), 4)
recent("one", 1, lambda x, i: (i, x.sum().item()), 4)
recent("none", 0, lambda x, i: x.sum().item(), 4)
recent("what others have, three", 3, lambda x, i: KEPT[0], 4)
recent("what others have as well", 3, lambda x, i: KEPT[2] if i % 2 else KEPT[1], 0)
recent("four, changed between calls", 4, lambda x, i: x.sum().item(), 5,
       lambda found, i: found.clear() if i == 9 else found.extend([7.0, 7.0]) if i == 15 else found.rotate(i == 20))


def looked_at(name: str, step: Callable[[list[Any]], Any], captures: int = 0) -> None:
    """It looks at the list, or may: it runs as it is written, unless the list always holds as many numbers."""
    def make(wrap: Any) -> Any:
        found: list[Any] = [1.0]
        f = wrap(step(found))
        return (lambda i: f(X * (i + 1))), lambda: found

    PROGRAMS[name] = make, captures


looked_at("its length", lambda found: lambda x: (found.append(x.sum().item()), len(found))[1])
looked_at("its last", lambda found: lambda x: (found.append(x.sum().item()), x * found[-1])[1])
looked_at("its truth", lambda found: lambda x: (found.append(x.sum().item()), x if found else x * 2)[1])
looked_at("its sum", lambda found: lambda x: (found.append(x.sum().item()), sum(found))[1])
looked_at("it is returned", lambda found: lambda x: (found.append(x.sum().item()), found)[1])
looked_at("it is copied", lambda found: lambda x: (found.append(1.5), x * len(found.copy()))[1])
looked_at("it is cleared", lambda found: lambda x: (found.clear(), found.append(x.sum().item()))[0], 3)
looked_at("it is popped", lambda found: lambda x: (found.append(x.sum().item()), found.pop(0), x * 2)[2], 3)
looked_at("it is extended by itself", lambda found: lambda x: (found.extend(found[:1]), x * 2)[1])
looked_at("another variable", lambda found: lambda x: [(y.append(1.5), x * len(y))[1] for y in [found]])
looked_at("its method's list", lambda found: lambda x: (found.append(1.5), x * len(found.append.__self__))[1])
looked_at("its text", lambda found: lambda x: (found.append(1.5), f"{found}")[1])
looked_at("a default", lambda found: lambda x, y=found: (found.append(1.5), x * len(y))[1])
looked_at("a tuple", lambda found: (lambda both: lambda x: (found.append(1.5), x * len(both[0]))[1])((found,)))
looked_at("a list of it", lambda found: (lambda both: lambda x: (found.append(1.5), x * len(both[0]))[1])([found]))
looked_at("a dict of it", lambda found: (lambda d: lambda x: (d["a"].append(1.5), x * len(d.get("a")))[1])(
    {"a": found}))
looked_at("all of a dict", lambda found: (lambda d: lambda x: (d["a"].append(1.5), [
    x * len(v) for v in d.values()])[1])({"a": found}))
looked_at("a key that is computed", lambda found: (lambda d: lambda x: (d["a"].append(1.5), [
    x * len(d[k]) for k in ("a",)])[1])({"a": found}))
looked_at("a deep copy", lambda found: (lambda d: lambda x: (d["a"].append(1.5), x * len(copy.deepcopy(d)["a"]))[1])(
    {"a": found}))
looked_at("its identity", lambda found: lambda x: (found.append(1.5), x * (found is x))[1])
looked_at("a comparison", lambda found: lambda x: (found.append(1.5), x * (found == [1.0]))[1])
looked_at("another function", lambda found: (lambda g: lambda x: (found.append(1.5), x * g())[1])(lambda: len(found)))
looked_at("an iterator", lambda found: lambda x: (found.append(1.5), x * sum(1 for _ in found))[1])
looked_at("what it holds in", lambda found: lambda x: (found.append(1.5), x * (1.5 in found))[1])
looked_at("a function that looks", lambda found: lambda x: x * log_and_count(found, 1.5))
looked_at("a function by keyword", lambda found: lambda x: (log(found, value=1.5), x * len(found))[1])
looked_at("a function of it", lambda found: lambda x: (found.append(1.5), x * sum(map(abs, found)))[1])
looked_at("a local function", lambda found: lambda x: (lambda f: (f(found), x * 2)[1])(lambda y: y.append(len(y))))
looked_at("a variable that is handed on", lambda found: lambda x: [x * log_and_count(y, 2) for y in [found]])
looked_at("all under computed keys", lambda found: (lambda d: lambda x, k="a": (d[k].append(1.5), x * len(d[k]))[1])(
    {"a": found}))
looked_at("what setdefault gives", lambda found: (lambda d: lambda x: (d.setdefault("a", []).append(1.5), x * len(
    d.setdefault("a", [])))[1])({"a": found}))
looked_at("the last of a deque", lambda found: (lambda d: lambda x: (d.append(x.sum().item()), x * d[-1])[1])(
    collections.deque(found)))
looked_at("what a deque drops", lambda found: (lambda d: lambda x: (d.append(x.sum().item()), x * d.popleft())[1])(
    collections.deque(found)))
looked_at("more than the last", lambda found: lambda x: found.__iadd__([x.sum().item()]) and None)


looked_at("of a dict in a dict", lambda found: (lambda d: lambda x: (d["b"]["a"].append(1.5), [
    x * len(v["a"]) for v in d.values()])[1])({"b": {"a": found}}))


@program(0)
def groups_of_an_optimiser(wrap):
    """What the library reads."""
    w, v = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)

    @wrap
    def step(x):
        optimizer.zero_grad()
        (x.sum() * w * v).sum().backward()
        optimizer.step()
        optimizer.param_groups.append({**optimizer.param_groups[0], "params": [v]})

    return (lambda i: step(X)), lambda: (w, v)


@program(0)
def milestones_of_a_schedule(wrap):
    class Schedule(torch.optim.lr_scheduler.MultiStepLR):
        def later(self):
            self.base_lrs.append(0.1)

    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    schedule = Schedule(optimizer, [2, 4])

    @wrap
    def step(x):
        schedule.later()
        return x * schedule.get_last_lr()[0]

    return (lambda i: step(X)), lambda: schedule.base_lrs


@dataclasses.dataclass
class Record:
    losses: list[Any]


@program(0)
def a_dataclass_that_is_compared(wrap):
    one, other = Record([]), Record([1.5])

    @wrap
    def step(x):
        one.losses.append(1.5)
        return x * (one == other)

    return (lambda i: step(X)), lambda: one.losses


@program(0)
def by_name_of_the_attribute(wrap):
    one = Record([])

    @wrap
    def step(x):
        one.losses.append(1.5)
        return x * len(getattr(one, "losses"))  # noqa: B009

    return (lambda i: step(X)), lambda: one.losses


@program(4)
def passed_as_well(wrap):
    found: list[Any] = [0.5]

    @wrap
    def step(x, several):
        found.append(x.sum().item())
        return x * len(several)

    others = [[0.5] for _ in range(CALLS)]
    return (lambda i: step(X * i, found if i % 4 == 3 else others[i])), lambda: found


@program(4)
def differentiated_twice(wrap):
    """The function runs once more for that, and what it then appends is taken back."""
    w = torch.ones(3, requires_grad=True)
    found: list[Any] = []

    @wrap
    def step(x):
        y = (w * x).exp()
        found.append(y)
        found.extend([y.sum().item(), y.sum()])
        return (w * y).mean()

    def call(i):
        result = step(X / (i + 1))
        if i not in (5, 6):
            return result
        first = [torch.autograd.grad(t.sum(), w, create_graph=True)[0] for t in (found[-1], found[-3], result)]
        return [*first, torch.autograd.grad(sum(g.sum() for g in first), w)[0]]

    return call, lambda: found


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist(), value.requires_grad
    if isinstance(value, dict):
        return [(k, shown(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple, collections.deque)):
        return [type(value), *map(shown, value)]
    return type(value), value


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]
    (function,) = agree(make, CALLS, with_errors(shown, ValueError))
    if captures:
        assert function.captures <= captures and function.replays, function.explain()
    else:
        assert not function.replays, function.explain()


def test_what_is_appended_is_let_go_by_nobody_else():
    """A tensor that the program put into a list is as any: it can be written to, and has memory of its own."""
    found: list[Any] = []
    step = compile(lambda x: found.append(x * 2))
    for i in range(6):
        step(X * i)
        found[-1].add_(1)
    assert [f[0, 1].item() for f in found] == pytest.approx([0.2 * i + 1 for i in range(6)])
    assert len({f.data_ptr() for f in found}) == 6 and step.replays


def test_no_python_but_the_end():
    found: list[Any] = []
    step = compile(lambda x: found.append(x * 2))
    for _ in range(6):
        step(X)
    way, = step._ways
    assert way.natively
    with pytest.raises(RuntimeError, match="appends to a list"):
        step.native  # noqa: B018


def test_the_list_that_it_looks_at_is_named():
    losses: list[float] = []
    step = compile(lambda x: (losses.append(x.sum().item()), losses[-1])[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(5):
            step(X)
    assert step.reason == "it changes Python values that it reads: a list (losses)"


def test_what_is_appended_by_a_call_that_is_interrupted(monkeypatch):
    """Plain numbers, wherever the capture was broken off."""
    found: list[Any] = []
    step = compile(lambda x, i: found.append((i, [x.sum().item(), {"i": i}])))
    for i in range(3):
        step(X, i)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(captured_function, "Captured", interrupted)
    with pytest.raises(KeyboardInterrupt):
        step(X, 3)
    monkeypatch.undo()
    for i in range(4, 8):
        step(X, i)
    assert shown(found) == shown([(i, [X.sum().item(), {"i": i}]) for i in range(8)])
    assert step.replays
