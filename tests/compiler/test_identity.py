"""Which object something is: among arguments, in results, and against what the function reads by name."""
from __future__ import annotations

import collections
import math
import warnings
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

LIST: list[Any] = [1.0]
TUPLE = (1, 2)
W = torch.ones(1)
ALIAS, OTHER = W.detach(), W.detach()


class Pair(collections.namedtuple("Pair", "a b")):
    __slots__ = ()
    k = 2.0

    def scaled(self) -> Any:
        return self.a * self.k


class Own(torch.Tensor):
    k = 2.0


def changed(kind: Any) -> Any:
    """Arguments of a kind, whose class changes when they are asked for the second time."""
    def argument(x: Any, times: list[int] = []) -> Any:  # noqa: B006
        times.append(1)
        kind.k = 2.0 if len(times) % 2 else 5.0
        return (Pair(x, 1),) if kind is Pair else (Own([1.0]),)

    return argument


def another() -> Any:
    """An equal tuple."""
    return tuple(map(int, "12"))


def one(x: Any) -> Any:
    return x, LIST, LIST


# A function, and the arguments of its first calls and of those after; they must make a difference.
ARGUMENTS: dict[str, tuple[Any, Any, Any]] = {
    "one list or two": (lambda x, p, q: x * (2 if p is q else 3), one, lambda x: (x, [1.0], [1.0])),
    "two lists or one": (lambda x, p, q: x * (2 if p is q else 3), lambda x: (x, [1.0], [1.0]), one),
    "one dict or two": (lambda x, p, q: x * (2 if p is q else 3), lambda x: (x, *[{}] * 2), lambda x: (x, {}, {})),
    "one tuple or two": (lambda x, p, q: x * (2 if p is q else 3), lambda x: (x, TUPLE, TUPLE),
                         lambda x: (x, TUPLE, another())),
    "in a list": (lambda x, p: x * (2 if p[0] is p[1] else 3), lambda x: (x, [LIST, LIST]),
                  lambda x: (x, [[1.0], [1.0]])),
    "in a dict and a tuple": (lambda x, p, q: x * (2 if p["k"] is q[0] else 3), lambda x: (x, {"k": LIST}, (LIST,)),
                              lambda x: (x, {"k": [1.0]}, ([1.0],))),
    "not the default": (lambda x, p=LIST: x * (2 if p is LIST else 3), lambda x: (x, [1.0]), lambda x: (x, LIST)),
    "the default": (lambda x, p=LIST: x * (2 if p is LIST else 3), lambda x: (x, LIST), lambda x: (x, [1.0])),
    "not a tuple that is read": (lambda x, p: x * (2 if p is TUPLE else 3), lambda x: (x, another()),
                                 lambda x: (x, TUPLE)),
    "a number": (lambda x, p, q: x * (2 if p is q else 3), lambda x: (x, 0.5, 0.5), lambda x: (x, 0.5, float("0.5"))),
    "not a number": (lambda x, p, q: x * (2 if p in [q] else 3), lambda x: (x, math.nan, math.nan),
                     lambda x: (x, math.nan, float("nan"))),
    "a key: 1 and True": (lambda x, d: x * (3 if next(iter(d)) is True else 2), lambda x: (x, {1: 1}),
                          lambda x: (x, {True: 1})),
    "an empty range": (lambda x, r: x * (r.stop + 2), lambda x: (x, range(0)), lambda x: (x, range(1, 1))),
    "a slice": (lambda x, s: x.expand(4)[s].sum(), lambda x: (x, slice(0, 2)), lambda x: (x, slice(0, 3))),
    "a tensor in the same memory": (lambda x: x * (2 if x is ALIAS else 3), lambda x: (ALIAS,), lambda x: (OTHER,)),
    "a named tuple's class": (lambda p: p.scaled(), *[changed(Pair)] * 2),
    "a tensor's own class": (lambda w: w * w.k, *[changed(Own)] * 2),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    function, first, then = ARGUMENTS[name]
    compiled, found = compile(function), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for make in (first, then, first):
            given = make(torch.ones(1))
            found.append(function(*given).tolist())
            assert [compiled(*given).tolist() for _ in range(4)] == [found[-1]] * 4, compiled.explain()
    assert found[0] != found[1], "it makes no difference"


def cycle(x: Any) -> Any:
    made: list[Any] = [x * 2]
    made.append(made)
    return made


def shared(x: Any) -> Any:
    made = [x * 2]
    pair = (made, 1)
    return made, pair, {"k": made, "p": pair}


# A function, more arguments than x, and what is one object in its result (and arguments).
RESULTS: dict[str, tuple[Any, Any, Any]] = {
    "a list that was passed": (lambda x, p: (x * 2, p), lambda: [[W]], lambda x, p, r: r[1] is p),
    "a dict in a list": (lambda x, p: [x * 2, p[0]], lambda: [[{}]], lambda x, p, r: r[1] is p[0]),
    "a tuple that was passed": (lambda x, p: (x * 2, p), lambda: [(1, [2])], lambda x, p, r: r[1] is p),
    "twice": (lambda x, p: (p, x * 2, p), lambda: [[1]], lambda x, p, r: r[0] is p and r[2] is p),
    "without a tensor": (lambda x, p: p, lambda: [[1]], lambda x, p, r: r is p),
    "two names of one list": (shared, list, lambda x, r: r[0] is r[1][0] is r[2]["k"] and r[1] is r[2]["p"]),
    "a list in itself": (cycle, list, lambda x, r: r[1] is r),
    "the tensor that was passed": (lambda x, p: (x, [x, p]), lambda: [[1]], lambda x, p, r: r[0] is x is r[1][0]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results(name):
    function, more, same = RESULTS[name]
    compiled = compile(function)
    for _ in range(5):
        x, rest = torch.ones(2), more()
        assert same(x, *rest, function(x, *rest))
        assert same(x, *rest, compiled(x, *rest)), compiled.explain()
    assert compiled.replays


def test_a_new_list_is_a_new_list_each_time():
    f = compile(lambda x: [] if x.add_(1) is x else [1])
    results = [f(torch.ones(2)) for _ in range(5)]
    for r in results:
        r.append(1)
    assert f.replays and [len(r) for r in results] == [1] * 5


@pytest.mark.parametrize("function", [lambda x: LIST, lambda x: (x * 2, TUPLE)])
def test_what_is_read_by_name_is_not_returned_by_a_replay(function):
    with pytest.warns(UserWarning, match="returns a tuple, list or dict that it reads"):
        compiled = compile(function)
        found = [compiled(torch.ones(1)) for _ in range(4)]
    assert all(r is LIST or r[1] is TUPLE for r in found)


def test_a_list_inside_an_argument_is_replaced_by_an_equal_one():
    def f(x: Any, p: Any) -> Any:
        p[0] = [1]
        return x * 2

    with pytest.warns(UserWarning, match="changes a list or dict that it is passed"):
        compiled = compile(f)
        inner = [1]
        given = [inner]
        compiled(torch.ones(1), given)
    assert given[0] is not inner
