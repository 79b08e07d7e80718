"""Results that are dataclasses: made anew by each replay, with the attributes that the call left in them."""
from __future__ import annotations

import dataclasses
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
