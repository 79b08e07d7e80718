"""Results that are dataclasses, or containers of the library: made anew by each replay, as the call left them."""
from __future__ import annotations

import collections
import dataclasses
import types
from typing import Any, ClassVar

import pytest

import tapegrad as torch
from tapegrad.compiler import compile


@dataclasses.dataclass
class Out:
    loss: Any
    n: int = 0
    extra: Any = None

    def __post_init__(self) -> None:
        self.twice = self.n * 2


@dataclasses.dataclass(frozen=True)
class Pair:
    a: Any
    b: Any


@dataclasses.dataclass
class Slotted:
    __slots__ = ("a",)
    a: Any


@dataclasses.dataclass
class Counted:
    a: Any
    made: ClassVar[int] = 0

    def __post_init__(self) -> None:
        Counted.made += 1


def one(x: Any) -> Any:
    return Out((weight * x).sum(), x.shape[0], {"x": x})


def nested(x: Any) -> Any:
    pair = Pair(x * 2, [weight * x])
    return pair, Out(pair, 3, (pair,))


def with_numbers(x: Any) -> Any:
    loss = (weight * x).sum()
    return Out(loss, 1, loss.item())


def in_itself(x: Any) -> Any:
    out = Out(x * 2)
    out.extra, out.more = out, x * 3  # type: ignore[attr-defined]
    return out


def without_tensors(x: Any) -> Any:
    return Out(1, 2)


weight = torch.ones(2, requires_grad=True)


def told(value: Any, met: tuple[Any, ...] = ()) -> Any:
    if dataclasses.is_dataclass(value):
        if any(value is m for m in met):
            return "itself"
        return type(value).__name__, [(k, told(v, (*met, value))) for k, v in vars(value).items()]
    if isinstance(value, (tuple, list)):
        return [told(v, met) for v in value]
    if isinstance(value, dict):
        return {k: told(v, met) for k, v in value.items()}
    return (value.tolist(), value.requires_grad) if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize("function", [one, nested, with_numbers, in_itself, without_tensors], ids=lambda f: f.__name__)
def test_results_may_be_dataclasses(function):
    f, results = compile(function), []
    for i in range(6):
        x = torch.full((2,), float(i))
        results.append(f(x))
        assert told(results[-1]) == told(function(x))
    assert f.replays > 2 and len({*map(id, results)}) == 6, f.explain()


def test_parts_of_a_dataclass_are_what_they_are_elsewhere():
    f = compile(nested)
    for i in range(5):
        pair, out = f(torch.full((2,), float(i)))
        assert out.loss is pair and out.extra[0] is pair
        weight.grad = None
        pair.b[0].sum().backward()
        assert weight.grad.tolist() == [i, i]
    assert f.replays > 2


@pytest.mark.parametrize(("function", "why"), [
    (lambda x: Slotted(x * 2), "a Slotted is passed or returned"),
    (lambda x: Counted(x * 2), "it changes Python values"),
    (lambda x: kept, "it returns a tuple, list or dict that it reads"),
])
def test_other_objects_are_not_made_anew(function, why):
    f = compile(function)
    with pytest.warns(UserWarning, match=why):
        for _ in range(4):
            found = f(torch.ones(2))
    assert not f.replays and (found is kept or type(found) in (Slotted, Counted))


kept = Pair(torch.ones(2), 1)


def ordered(x: Any, n: int) -> Any:
    found = collections.OrderedDict(a=x * 2, b=x.sum())
    found.move_to_end("a")
    return found


def with_a_factory(x: Any, n: int) -> Any:
    found = collections.defaultdict(list)
    found["rows"] += [x * 2, x * 3]
    found[n % 2].append(x.sum())
    return found


def last_ones(x: Any, n: int) -> Any:
    return collections.deque([x, x * 2, x * 3], maxlen=2), collections.deque([x * n])


def as_many_as_said(x: Any, n: int) -> Any:
    return collections.deque([x, x * 2, x * 3], maxlen=1 + n % 2)


def as_many_as_said_by_place(x: Any, n: int) -> Any:
    return sum(collections.deque([x, x * 2, x * 3], 1 + n % 3))


def namespace(x: Any, n: int) -> Any:
    found = types.SimpleNamespace(x=x * 2, n=3)
    found.inner = [found, collections.OrderedDict(y=found.x)]
    return found


def with_a_history(x: Any, n: int) -> Any:
    y = weight * x
    return collections.OrderedDict(y=y, more=collections.deque([y, (y ** 3).sum()]))


def described(value: Any, met: dict[int, int]) -> Any:
    """What a value is, and which parts of it are one object."""
    if id(value) in met:
        return met[id(value)]
    if isinstance(value, torch.Tensor):
        met[id(value)] = len(met)
        return value.tolist(), value.requires_grad
    if isinstance(value, (list, tuple, dict, collections.deque, types.SimpleNamespace)):
        met[id(value)] = len(met)
        table = vars(value) if isinstance(value, types.SimpleNamespace) else value
        parts = [*table.items()] if isinstance(table, dict) else [*enumerate(table)]
        return type(value), [(k, described(v, met)) for k, v in parts], getattr(value, "maxlen", None), getattr(
            value, "default_factory", None)
    return value


@pytest.mark.parametrize("function", [ordered, with_a_factory, last_ones, as_many_as_said, as_many_as_said_by_place,
                                      namespace, with_a_history], ids=lambda f: f.__name__)
def test_results_may_be_containers_of_the_library(function):
    f, results = compile(function), []
    for i in range(14):
        x = torch.full((2,), float(i))
        results.append(f(x, i % 3))
        assert described(results[-1], {}) == described(function(x, i % 3), {})
    assert f.replays > 2 and len({*map(id, results)}) == 14, f.explain()


def test_second_derivatives_of_what_containers_hold():
    f = compile(lambda x: types.SimpleNamespace(found=collections.deque([(weight ** 3 * x).sum()])))
    for i in range(5):
        (g,) = torch.autograd.grad(f(torch.full((2,), float(i))).found[0], weight, create_graph=True)
        (g,) = torch.autograd.grad(g.sum(), weight)
        assert g.tolist() == [6.0 * i] * 2
    assert f.replays > 2


@pytest.mark.parametrize("made", [lambda x: collections.defaultdict(lambda: x, y=x), lambda x: {1, 2},
                                  lambda x: collections.Counter("ab")], ids=["a factory", "a set", "a subclass"])
def test_other_containers_are_not_made_anew(made):
    f = compile(lambda x: [made(x * 2), x * 2])
    with pytest.warns(UserWarning):
        for i in range(10):
            assert str(f(torch.full((2,), float(i)))[1]) == str(torch.full((2,), 2.0 * i))
    assert not f.replays
