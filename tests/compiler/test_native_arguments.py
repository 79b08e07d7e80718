"""Calls with more than plain tensors, all native: what is passed is compared; with anything else it is another call."""
from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import compile
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine

pytestmark = pytest.mark.filterwarnings("ignore")


def ones(n: int = 3) -> Any:
    return torch.ones(n)


def leaf(n: int = 3) -> Any:
    return torch.linspace(0, 1, n).requires_grad_()


def replayed(fn: Any, make: Callable[[], Any], calls: int = 6) -> Any:
    f = compile(fn, eager_build=True)
    for _ in range(calls):
        f(*make())
    assert f.replays >= calls - 3, f.explain()
    return f


def native(f: Any, args: Any) -> bool:
    """Whether a call goes the native way."""
    (way,) = f._ways
    return way.plainly and way.whole and machine.call.replay(way.address, args, b"", None) is not None


def _total(x: Any, n: int) -> Any:
    return (x * n).sum()


# A function, how its arguments are made, and other arguments than those.
CALLS: dict[str, tuple[Any, Callable[[], Any], list[Callable[[], Any]]]] = {
    "leaf": (lambda w: (w * w).sum(), lambda: (leaf(),), [lambda: (ones(),), lambda: (leaf().detach(),),
                                                          lambda: (leaf() * 2,), lambda: (leaf(4),)]),
    "detached_leaf": (lambda w: (w * w).sum(), lambda: (torch.linspace(0, 1, 3).detach().requires_grad_(),),
                      [lambda: (leaf(),), lambda: (torch.ones(4)[1:].detach().requires_grad_(),),
                       lambda: ((leaf() * 2).detach().requires_grad_(),), lambda: (torch.ones(4)[1:],),
                       lambda: (torch.ones(3, 1).view(3).requires_grad_(),)]),
    "detached": (lambda x: x * 2, lambda: (leaf().detach(),), [lambda: (leaf(),), lambda: (ones(),)]),
    "detached_result": (lambda x: x * 2, lambda: ((ones() * 2).detach().requires_grad_(),),
                        [lambda: ((ones() * 2).detach(),), lambda: (leaf(),)]),
    "with_history": (lambda h: h.tanh(), lambda: (leaf() * 2,), [lambda: (leaf(),), lambda: (ones(),)]),
    "leaf_and_data": (lambda w, x: (w * x).tanh(), lambda: (leaf(), ones()), [lambda: (ones(), leaf()),
                                                                             lambda: (leaf(), leaf())]),
    "from_numpy": (lambda x: x * 2, lambda: (torch.from_numpy(np.arange(3.0)),),
                   [lambda: (torch.from_numpy(np.arange(3)),), lambda: (torch.from_numpy(np.arange(6.0)[::2]),)]),
    "slice": (lambda x: x * 2 + 1, lambda: (torch.arange(9.0)[3:6],), [lambda: (torch.arange(9.0)[::3],),
                                                                      lambda: (leaf(9)[3:6],)]),
    "int": (_total, lambda: (ones(), 3), [lambda: (ones(), 4), lambda: (ones(), True), lambda: (ones(), 3.0),
                                          lambda: (ones(), 1 << 70), lambda: (ones(), np.int64(3))]),
    "float": (_total, lambda: (ones(), 0.0), [lambda: (ones(), -0.0), lambda: (ones(), 0), lambda: (ones(), 1.5),
                                              lambda: (ones(), float("nan"))]),
    "text": (lambda x, how: x.sum() if how == "sum" else x.mean(), lambda: (ones(), "sum"),
             [lambda: (ones(), "mean"), lambda: (ones(), "".join(["s", "um"])), lambda: (ones(), None)]),
    "none": (lambda x, y: x * 2 if y is None else x * y, lambda: (ones(), None), [lambda: (ones(), ones()),
                                                                                lambda: (ones(), 3)]),
    "dict": (lambda d: d["a"] + d["b"], lambda: ({"a": ones(), "b": leaf()},),
             [lambda: ({"b": leaf(), "a": ones()},), lambda: ({"a": ones(), "b": ones()},),
              lambda: ({"a": ones(), "b": leaf(), "c": ones()},), lambda: ({"a": ones(1), "b": leaf()},)]),
    "list": (lambda xs: sum(x.sum() for x in xs), lambda: ([ones(), ones(4)],),
             [lambda: ([ones(), ones(4), ones()],), lambda: ([ones(4), ones()],), lambda: ((ones(), ones(4)),),
              lambda: ([],), lambda: (ones(),)]),
    "nested": (lambda t, n: t[0]["x"][0] * t[1] + n[0], lambda: (({"x": [ones()]}, 2), (1, ())),
               [lambda: (({"x": [ones()]}, 3), (1, ())), lambda: (({"x": [ones(), 1]}, 2), (1, ())),
                lambda: (({"y": [ones()], "x": [ones()]}, 2), (1, ())), lambda: (([ones()], 2), (1,))]),
    "deep": (lambda t: t[0][0][0][0], lambda: (([[[ones()]]],),), [lambda: (([[[[ones()]]]],),)]),
}


def outcome(f: Any, args: Any) -> Any:
    try:
        y = f(*args)
    except (TypeError, RuntimeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        return type(error)
    grads = []
    if isinstance(y, torch.Tensor):
        if y.requires_grad:
            y.sum().backward()
            grads = [x.grad.tolist() for x in leaves_of(args) if x.is_leaf and x.grad is not None]
        return str(y.detach()), grads, y.requires_grad
    return repr(y)


def leaves_of(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [x for part in parts for x in leaves_of(part)]


@pytest.mark.parametrize("name", CALLS)
def test_it_is_native_and_another_call_is_another(name):
    fn, make, others = CALLS[name]
    f = replayed(fn, make)
    assert native(f, make()), f.explain()
    captures, replays = f.captures, f.replays
    assert outcome(f, make()) == outcome(fn, make())
    assert (f.captures, f.replays) == (captures, replays + 1)
    for other in others:
        assert outcome(f, other()) == outcome(fn, other())
        assert outcome(f, make()) == outcome(fn, make())


@pytest.mark.parametrize("name", ["leaf", "leaf_and_data"])
def test_a_leaf_with_a_gradient_or_a_hook_is_another(name):
    fn, make, _ = CALLS[name]
    f = replayed(fn, make)
    for compiled in (f, fn):
        args = make()
        args[0].grad = torch.ones(3)
        compiled(*args).sum().backward()
        if compiled is f:
            found = args[0].grad.tolist()
        else:
            assert found == pytest.approx(args[0].grad.tolist())
    seen: list[Any] = []
    args = make()
    args[0].register_hook(lambda g: seen.append(g.tolist()))
    f(*args).sum().backward()
    assert len(seen) == 1


def test_one_list_passed_twice_is_not_two():
    f = replayed(lambda a, b: (a[0] * 2, a is b), lambda: ([ones()], [ones()]))
    one = [ones()]
    assert f(one, one)[1] is True
    assert f([ones()], [ones()])[1] is False


def test_what_a_dict_holds_may_change_between_calls():
    f = replayed(lambda d: d["a"] * 2, lambda: ({"a": ones()},))
    table = {"a": ones()}
    for k in range(4):
        table["a"] = torch.full((3,), float(k))
        assert f(table).tolist() == [2.0 * k] * 3
    table["z"] = 1
    assert f(table).tolist() == [6.0] * 3
    del table["a"]
    with pytest.raises(KeyError):
        f(table)


def test_memory_of_numpy_that_two_arguments_share():
    def fn(a: Any, b: Any) -> Any:
        return a * 2 + b

    f = replayed(fn, lambda: (torch.from_numpy(np.arange(3.0)), torch.from_numpy(np.arange(3.0))))
    base = np.arange(5.0)
    a, b = torch.from_numpy(base[:3]), torch.from_numpy(base[2:])
    assert f(a, b).tolist() == fn(a, b).tolist()


def test_memory_of_numpy_that_the_function_writes_to():
    base = np.zeros(4)
    state = torch.from_numpy(base)

    def fn(x: Any) -> Any:
        state.add_(1)
        return x * 2

    f = compile(fn, eager_build=True)
    for _ in range(6):
        f(torch.from_numpy(np.ones(4)))
    base[:] = 5
    assert f(torch.from_numpy(base)).tolist() == [12.0] * 4
    assert f(torch.from_numpy(base[1:3])).tolist() == [14.0] * 2


def test_data_of_a_tensor_the_function_writes_to():
    w = torch.zeros(4)

    def fn(x: Any) -> Any:
        w.add_(1)
        return x * 2

    f = compile(fn, eager_build=True)
    for _ in range(6):
        f(ones(4))
    w.zero_()
    assert f(w.data).tolist() == [2.0] * 4


def test_a_layer_after_another_trains():
    w = [torch.full((3, 3), 0.1 * k).requires_grad_() for k in range(1, 4)]
    layers = [compile(lambda h, v=v: torch.tanh(h @ v), eager_build=True) for v in w]

    def run(fs: Any) -> list[Any]:
        for v in w:
            v.grad = None
        h = torch.ones(2, 3)
        for f in fs:
            h = f(h)
        h.sum().backward()
        return [v.grad.tolist() for v in w]

    wanted = run([lambda h, v=v: torch.tanh(h @ v) for v in w])
    for _ in range(8):
        found = run(layers)
        assert np.allclose(found, wanted, rtol=1e-5)
    assert all(f._ways[0].whole for f in layers)


def test_calls_make_no_tuple():
    """From the second call on CPython hands over the arguments where they are; none of the ways to call leaks."""
    at = rec.COMPILED_FUNCTION.fields["vectorcall"][1]
    f = compile(lambda x, k=1: x * k + 1, eager_build=True)
    x, several = ones(), {"a": ones(), "b": (torch.zeros(3),)}
    assert machine.memory(id(f) + at, "u8", 1)[0] == 0
    g = replayed(lambda given: given["a"] + given["b"][0], lambda: (several,))
    ways: list[tuple[Callable[[], Any], float]] = [
        (lambda: f(x), 2), (lambda: f(x, 3), 4), (lambda: f(x, k=5), 6), (lambda: f(*[x]), 2), (lambda: f(k=3, x=x), 4),
        (lambda: f(*[x], **{"k": 7}), 8), (lambda: next(map(f, [x])), 2), (lambda: g(several)[0], 1),
        (lambda: g(given=several)[0], 1), (lambda: partial(f, x)(), 2), (lambda: partial(f, k=2)(x), 3)]
    for _ in range(6):
        for way, expected in ways:
            assert (way() == expected).all()
    assert machine.memory(id(f) + at, "u8", 1)[0] != 0 and f.replays > 10
    held = (x, several["a"], several["b"], several, None, f, g)
    before = [sys.getrefcount(o) for o in held]
    for _ in range(300):
        for way, _ in ways:
            way()
    assert all(abs(sys.getrefcount(o) - n) < 100 for o, n in zip(held, before))
    for bad in (lambda: f(), lambda: f(x, other=1), lambda: f(x, x, x)):
        with pytest.raises(TypeError):
            bad()


def test_arguments_with_names_are_those_without():
    f = compile(lambda x, y, k=1.0: x * y + k)
    x, y = torch.ones(2), torch.full((2,), 3.0)
    calls = [lambda: f(x, y), lambda: f(x=x, y=y), lambda: f(y=y, x=x), lambda: f(x, y=y)]
    assert all(call().tolist() == [4.0, 4.0] for call in calls for _ in range(3))
    assert (f.captures, f.replays) == (2, 10)
    assert f(x, y=y, k=2.0).tolist() == [5.0, 5.0] == f(k=2.0, y=y, x=x).tolist()
    with pytest.raises(TypeError, match="multiple values for argument 'x'"):
        f(x, x=y)
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        f(x, z=y)


def test_arguments_with_names_of_which_some_are_left_out():
    f = compile(lambda x, k=1.0, *rest, shift=0.0, **more: (x * k + shift, rest, more))
    x = torch.ones(2)
    for _ in range(4):
        assert f(x, shift=2.0)[0].tolist() == [3.0, 3.0]
        assert f(k=2.0, x=x)[0].tolist() == [2.0, 2.0]
        found, rest, more = f(x=x, k=2.0, scale=x)
        assert found.tolist() == [2.0, 2.0] and rest == () and more["scale"] is x


def test_a_program_that_cannot_be_met_again_is_not_looked_at_each_time(monkeypatch):
    w, x = torch.ones(2, requires_grad=True), torch.ones(2)
    f = compile(lambda x: (x * w).sum())
    for _ in range(4):
        f(x)
    w.register_hook(lambda g: None).remove()  # from here on it is known to have had hooks
    for _ in range(4):
        f(x)
    looks = []
    monkeypatch.setattr(Variant, "refresh", lambda self: looks.append(self))
    assert f(x).item() == 2.0 and not looks and f.captures == 4
