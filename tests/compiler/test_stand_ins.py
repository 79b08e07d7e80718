"""Numbers that vary are stand-ins while a call is captured: nothing that outlives the call is left with one.

Each kind is something that keeps a number `k` from some call on, when `k` is followed already, and what is kept.
"""
from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import gc
import json
import types
import warnings

import pytest

import tapegrad as torch

LEFT = {
    "a list": ("held = []", "held.append(k)", "held"),
    "a list of one's own": ("class L(list): pass\nheld = L()", "held.append(k)", "held"),
    "a queue": ("held = collections.deque()", "held.append(k)", "held"),
    "a set": ("held = set()", "held.add(k)", "held"),
    "a frozen set": ("held = []", "held.append(frozenset([k]))", "[v for s in held for v in s]"),
    "a dict": ("held = {}", "held['k'] = k", "held.values()"),
    "a key": ("held = {}", "held[k] = 1; held['z'] = 2", "[v for v in held if v != 'z']"),
    "an ordered dict": ("held = collections.OrderedDict(z=1)", "held['k'] = k", "[held['k']]"),
    "a default dict": ("held = collections.defaultdict(list)", "held['k'].append(k)", "held['k']"),
    "a counter": ("held = collections.Counter()", "held['k'] += k", "held.values()"),
    "tuples": ("held = []", "held.append((1, (k, [k])))", "[held[0][1][0], held[0][1][1][0]]"),
    "a slot": ("class A: __slots__ = ('k',)\na = A()", "a.k = k", "[a.k]"),
    "an attribute": ("class A: pass\na = A()", "a.k = k", "[a.k]"),
    "a class": ("class A: k = 0", "A.k = k", "[A.k, A().k]"),
    "a function's attribute": ("def g(): pass", "g.k = k", "[g.k]"),
    "a default": ("def g(k=0): return k", "g.__defaults__ = (k,)", "[g()]"),
    "a tensor's attribute": ("w = torch.ones(1)", "w.k = k", "[w.k]"),
    "a partial function": ("g = functools.partial(max, 0)", "g.keywords['k'] = k", "[g.keywords['k']]"),
    "a new object": ("class A: pass\nheld = []", "a = A(); a.k = (k,); held.append(a)", "held[0].k"),
    "a closure": ("held = []", "held.append(lambda: k)", "[held[0]()]"),
    "a generator": ("held = []\ndef g(k):\n    while True: yield k",
                    "s = g(k); next(s); held.append(s)", "[next(held[0])]"),
}
RESULTS = {
    "a set": ("{k}", "list(r)"), "a queue": ("collections.deque([k])", "list(r)"), "a closure": ("lambda: k", "[r()]"),
    "an iterator": ("iter([k])", "list(r)"), "a partial function": ("functools.partial(max, k)", "r.args"),
    "a named tuple": ("P(k, (k, x * k))", "[r.a, r.b[0]]"), "a dict": ("{'k': [k]}", "r['k']"), "itself": ("k", "[r]"),
    "a data class": ("D(k)", "[r.k]"),
}


def run(setup: str, body: str, kept: str, wrap: object, returned: str = "x * k") -> list[object]:
    names: dict[str, object] = {"torch": torch, "collections": collections, "functools": functools, "wrap": wrap,
                                "P": collections.namedtuple("P", "a b"),
                                "D": dataclasses.make_dataclass("D", ["k"], slots=True), "x": torch.ones(2)}
    exec(f"{setup}\ndef f(x, k):\n    if k < 2: return x * k\n    {body}\n    return {returned}\nf = wrap(f)", names)
    found: list[object] = []
    for step in range(6):
        names["k"] = 1.0 + step / 4
        exec("r = f(x, k)", names)
        if step > 3:
            found.append([(type(v), v) for v in eval(kept, names)])
    return found


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("kind", LEFT)
def test_what_keeps_a_number_keeps_the_number(kind):
    setup, body, kept = LEFT[kind]
    assert run(setup, body, kept, torch.compile) == run(setup, body, kept, lambda f: f)


@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_holds_numbers(kind):
    returned, kept = RESULTS[kind]
    found, expected = (run("", "pass", kept, wrap, returned) for wrap in (torch.compile, lambda f: f))
    assert found == expected


def test_a_tuple_that_is_kept_and_returned_stays_one():
    kept = {}

    @torch.compile
    def f(x, k):
        if k > 2:
            kept["last"] = x, k
            return kept["last"]
        return x * k

    results = [f(torch.ones(1), 1 + step / 4) for step in range(6)]
    assert results[-1] is kept["last"] and type(results[-1][1]) is float


def test_an_exception_carries_the_number():
    @torch.compile
    def f(x, k):
        if k > 2:
            error = ValueError("far", k)
            error.k = k
            raise error
        return x * k

    for step in range(8):
        k = 1 + step / 4
        with contextlib.suppress(ValueError) if k <= 2 else pytest.raises(ValueError) as found:
            f(torch.ones(1), k)
        if found:
            assert [type(v) for v in (found.value.args[1], found.value.k)] == [float, float]
            assert json.dumps(found.value.args) == f'["far", {k}]'


def test_frames_that_a_traceback_keeps_hold_numbers():
    @torch.compile
    def f(x, k):
        if k > 2:
            mine = k
            raise ValueError(mine)
        return x * k

    for step in range(6):
        k = 1 + step / 4
        with contextlib.suppress(ValueError) if k <= 2 else pytest.raises(ValueError) as found:
            f(torch.ones(1), k)
    frame = found.tb
    while frame.tb_next is not None:
        frame = frame.tb_next
    assert type(frame.tb_frame.f_locals["mine"]) is float and type(frame.tb_frame.f_locals["k"]) is float


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_hook_in_the_call_meets_numbers(register):
    w, state, seen = torch.ones(2, requires_grad=True), types.SimpleNamespace(n=0), []

    def hook(of):
        seen.append((of.sum().item(), state.n, state.n + 1))

    getattr(w, register)(hook)

    @torch.compile
    def f(x):
        state.n += 1
        (w * x).sum().backward()

    for _ in range(4):
        f(torch.ones(2))
    assert [[type(v) for v in row] for row in seen] == [[float, int, int]] * 4
    assert [row[1] for row in seen] == [1, 2, 3, 4]


def test_frozen_objects_get_numbers_too():
    held: list[float] = []

    @torch.compile
    def f(x, k):
        if k > 2:
            held.append(k)
        return x * k

    gc.freeze()  # where the collector does not look
    try:
        for step in range(6):
            f(torch.ones(1), 1 + step / 4)
    finally:
        gc.unfreeze()
    assert [type(k) for k in held] == [float]


def test_a_patched_function_of_numbers_stays_patched(monkeypatch):
    import math

    f = torch.compile(lambda x: x * math.pi * math.sin(1.0))
    for _ in range(4):
        f(torch.ones(1))
    monkeypatch.setattr(math, "pi", 3.0)
    for _ in range(3):
        f(torch.ones(1))
    monkeypatch.setattr(math, "sin", double := lambda v: 2.0)
    assert [f(torch.ones(1)).item() for _ in range(4)] == [6.0] * 4
    assert math.sin is double


def test_nobody_is_asked_who_holds_a_number_that_is_where_it_was(monkeypatch):
    """A process may have millions of objects, and would be asked for all of them in each capture."""
    class Counter:
        def __init__(self):
            self.t, self.state = 0, {"step": 0}

    counter = Counter()

    @torch.compile
    def step(x):
        counter.t += 1
        counter.state["step"] += 1
        return x * counter.t / (1 - 0.9 ** counter.state["step"])

    monkeypatch.setattr(gc, "get_referrers", lambda *objects: pytest.fail("all objects are gone through"))
    for k in range(1, 9):
        torch.testing.assert_close(step(torch.ones(2)), torch.ones(2) * k / (1 - 0.9 ** k))
    assert step.replays and counter.t == counter.state["step"] == 8
