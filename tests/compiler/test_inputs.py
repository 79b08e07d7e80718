"""The backward of a compiled call ends at the call's inputs, and may be repeated where the eager one may.

Programs as in `test_gradients.py`; here arguments are computed from each other, or from what the function reaches.
"""
from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import test_gradients as base

import tapegrad as torch
from tapegrad.compiler import compile

leaf, taken = base.leaf, base.taken
PROGRAMS: dict[str, Any] = {}


def program(factory: Any) -> Any:
    PROGRAMS[factory.__name__] = factory
    return factory


def ones(i: int) -> tuple[Any, ...]:
    return (torch.ones(3, dtype=torch.float64) * (i + 1),)


def told(run: Callable[[], Any]) -> Any:
    """What comes of something, or the beginning of the RuntimeError."""
    try:
        return run()
    except RuntimeError as error:
        return str(error)[:110]


# ---------------------------------------------------------------- arguments computed from one leaf

Both = Callable[[Any, Any], Any]
TWO: dict[str, tuple[Callable[[Any], tuple[Any, Any]], Both]] = {
    "a_multiple": (lambda x: (x, x * 3), lambda a, b: (a * b).sum()),
    "the_multiple_first": (lambda x: (x * 3, x), lambda a, b: (a * b).sum()),
    "what_saved_a_tensor": (lambda x: (x, x.exp()), lambda a, b: (a * b).sum()),
    "a_view": (lambda x: (x, x.view(3)), lambda a, b: (a * b).sum()),
    "a_slice_of_an_intermediate": (lambda x: (x * 2, (x * 2)[:2]), lambda a, b: (a[:2] * b).sum() + a.sum()),
    "overlapping_slices": (lambda x: (x.exp()[:2], x[1:]), lambda a, b: (a * b).sum()),
    "halves": (lambda x: (x[:2], x[1:]), lambda a, b: (a * b).sum()),
    "selected": (lambda x: (x[0], x[1]), lambda a, b: a * b),
    "expanded": (lambda x: (x, x[0].expand(3)), lambda a, b: (a * b).sum()),
    "flipped": (lambda x: (x, x.flip(0)), lambda a, b: (a - 2 * b).pow(2).sum()),
    "written_in_place": (lambda x: (x, (x * 2).add_(1)), lambda a, b: (a * b).sum()),
    "detached": (lambda x: (x, x.detach()), lambda a, b: (a * b).sum()),
    "not_used": (lambda x: (x, x.exp()), lambda a, b: (a * 2).sum()),
}


@pytest.mark.parametrize("name", TWO)
def test_each_input_gets_its_own_gradient(name):
    made, function = TWO[name]

    def factory():
        x = leaf(1.0, 2.0, 3.0)

        def use(y, a, b):
            own = torch.autograd.grad(y, [t for t in (a, b) if t.requires_grad], retain_graph=True, allow_unused=True)
            y.backward()
            return [None if g is None else g.tolist() for g in own], taken(x)

        return function, lambda i: made(x + i if name != "detached" else x), use

    agree(factory)


def agree(factory: Any) -> None:
    expected, _ = base.run(factory, lambda f: f)
    found, function = base.run(factory, compile)
    assert repr(found) == repr(expected), function.explain()
    assert function.reason is None and function.replays > 1, function.explain()


@program
def three_of_a_chain() -> Any:
    x = leaf(1.0, 2.0, 3.0)

    def arguments(i):
        y = (x + i).exp()
        return x, y, y.sin() * y

    def use(y, *given):
        y.backward()
        return taken(x)

    return (lambda a, b, c: (a * b * c).sum()), arguments, use


@program
def view_whose_base_was_written() -> Any:
    x = leaf(1.0, 2.0, 3.0)

    def arguments(i):
        y = x * 2
        v = y[:2]
        y.mul_(3)
        return y, v

    def use(y, *given):
        y.backward()
        return taken(x)

    return (lambda a, b: (a[:2] * b).sum()), arguments, use


@program
def state_that_goes_round() -> Any:
    w, state = leaf(0.5, 0.3, 0.2), [torch.zeros(3, dtype=torch.float64)]

    def use(y, h, x):
        state[0] = y
        return torch.autograd.grad(y.sum(), w, retain_graph=True)[0].tolist()

    return (lambda h, x: (h * w + x).tanh()), lambda i: (state[0] if i else w.sin(), *ones(i)), use


@program
def state_and_backward_through_time() -> Any:
    w, steps = leaf(0.5, 0.3, 0.2), itertools.count(1)
    state = [w.sin()]

    def use(y, h, x):
        state[0] = y[0]
        if next(steps) % 3:
            return None
        (y[0].sum() + y[1]).backward()
        state[0] = w.sin()
        return taken(w)

    return (lambda h, x: ((h * w + x).tanh(), (h * h).sum())), lambda i: (state[0], *ones(i)), use


@program
def closed_over_and_what_it_came_from() -> Any:
    x = leaf(1.0, 2.0, 3.0)
    h = x.exp()

    def use(y, z):
        return [g.tolist() for g in torch.autograd.grad(y, [x, h], retain_graph=True)]

    return (lambda z: (h * x * z).sum()), ones, use


@program
def path_outside_was_freed() -> Any:
    w = leaf(1.0, 2.0, 3.0)

    def arguments(i):
        y = w.exp()
        y.sum().backward()
        w.grad = None
        return w, y

    def use(y, *given):
        return torch.autograd.grad(y, given[1], retain_graph=True)[0].tolist(), told(y.backward)[:40]

    return (lambda a, b: (a * a * b).sum()), arguments, use


@program
def second_derivatives() -> Any:
    x = leaf(1.0, 2.0, 3.0)

    def use(y, a, b):
        first = torch.autograd.grad(y, [a, b], create_graph=True)
        second = torch.autograd.grad((first[0] * first[1]).sum(), [a, b], retain_graph=True)
        (total,) = torch.autograd.grad(first[0].sum(), x)
        return [g.tolist() for g in (*first, *second, total)]

    return (lambda a, b: (a * a * b).sum()), lambda i: (x + i, (x + i).exp()), use


@program
def hooks_of_the_inputs_run_once() -> Any:
    x, seen = leaf(1.0, 2.0, 3.0), []

    def arguments(i):
        y = x * 3
        y.register_hook(lambda g: seen.append(g.tolist()))
        y.grad_fn.register_prehook(lambda g: seen.append("node"))
        y.retain_grad()
        return x, y

    def use(y, a, b):
        y.backward()
        return taken(x, b), seen[:], seen.clear()

    return (lambda a, b: (a * b).sum()), arguments, use


@program
def hooks_on_the_result() -> Any:
    x, seen = leaf(1.0, 2.0, 3.0), []

    def use(y, z):
        handle = y.register_hook(lambda g: seen.append("removed"))
        y.register_hook(lambda g: seen.append(g.tolist()))
        y.register_hook(lambda g: g * 2)
        y.retain_grad()
        y.grad_fn.register_prehook(lambda got: seen.append(got[0].tolist()))
        handle.remove()
        (y * y).sum().backward()
        return taken(x, y), seen[:], seen.clear()

    return (lambda z: x * z), ones, use


def test_a_chain_of_calls_is_given_back_at_once(tape):
    w = leaf(0.5, 0.3, 0.2)
    f = compile(lambda h, x: (h * w + x).tanh())
    h = w.sin()
    for i in range(200):
        h = f(h, *ones(i))
    assert f.replays > 100 and tape.instructions >= 200
    del h
    tape.collect()
    assert tape.instructions <= 2


DEPENDENT: dict[str, Both] = {
    "a_view": lambda x, z: (lambda h: (h, h[1:]))((x * z).exp()),
    "a_view_of_a_view": lambda x, z: (lambda h: (h, h[:1]))(x[1:]),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_results_that_share_memory_are_as_written(name):
    def factory():
        x, seen = leaf(1.0, 2.0, 3.0), []

        def use(y, z):
            for t in y:
                t.register_hook(lambda g: seen.append(g.tolist()))
            found = torch.autograd.grad(y[0].sum() + y[1].sum(), [*y, x])
            return [g.tolist() for g in found], seen[:], seen.clear()

        return (lambda z: DEPENDENT[name](x, z)), ones, use

    expected, _ = base.run(factory, lambda f: f)
    refused = pytest.warns(UserWarning, match="computed from another|share memory")
    with refused if name == "a_view_of_a_view" else contextlib.nullcontext():
        found, _ = base.run(factory, compile)
    assert repr(found) == repr(expected)


# ---------------------------------------------------------------- backward again

RESULTS: dict[str, tuple[Callable[[Any, Any], Any], list[tuple[int, ...]]]] = {
    "nothing_kept": (lambda x, z: ((x + z).sum(),), [(0,), (0,)]),
    "something_kept": (lambda x, z: ((x * z).sum(),), [(0,), (0,)]),
    "views_and_sums": (lambda x, z: (x.view(3, 1).expand(3, 2).sum(0)[1:],), [(0,), (0,), (0,)]),
    "nothing_in_common": (lambda x, z: (x * z, x.exp(), x + 1), [(0,), (1,), (2,), (2,), (0,), (1,)]),
    "something_in_common": (lambda x, z: (lambda e: (e * z, e + 1, x * z))(x.exp()), [(1,), (2,), (0,), (1,), (1, 2)]),
    "two_then_the_third": (lambda x, z: (x * z, x.exp(), x.sin()), [(0, 1), (2,), (1,)]),
    "all_then_one": (lambda x, z: (x + z, x.exp()), [(0, 1), (0,), (1,)]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_second_backward_is_refused_where_eager_refuses_it(name):
    function, order = RESULTS[name]

    def factory():
        x = leaf(1.0, 2.0, 3.0)

        def use(y, z):
            return [(told(sum(y[k].sum() for k in several).backward), taken(x)) for several in order]

        return (lambda z: function(x, z)), ones, use

    agree(factory)


@program
def one_result_freed_by_the_call() -> Any:
    x = leaf(1.0, 2.0, 3.0)

    def f(z):
        e = x.exp()
        a = (e * z).sum()
        a.backward()
        return a, e * 2, x + 1, x.sin()

    def use(y, z):
        return taken(x), [(told(y[k].sum().backward), taken(x)) for k in (2, 1, 3, 0, 2, 3)]

    return f, ones, use


# ---------------------------------------------------------------- results written to


def _under_no_grad(y: Any) -> Any:
    z = (y * y).sum()
    with torch.no_grad():
        y.add_(1)
    return z


def _through_a_view(y: Any) -> Any:
    y[:2].mul_(2)
    return (y * y).sum()


def _element(y: Any) -> Any:
    y[0] = 5
    return (y * y).sum()


def _detached(y: Any) -> Any:
    y.detach().zero_()
    return y.sum()


WRITES = {"recorded": lambda y: y.mul_(2).sum(), "nonlinear": lambda y: y.exp_().sum(), "under_no_grad": _under_no_grad,
          "through_a_view": _through_a_view, "element": _element, "through_an_alias": _detached}
WRITTEN = {"product": lambda x, z: x * z, "kept_result": lambda x, z: (x * z).sigmoid(),
           "written_inside": lambda x, z: (x * z).add_(1), "part": lambda x, z: torch.stack([x, z]).exp().t()[:, 0]}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("result", WRITTEN)
def test_a_result_that_is_written_to(result, write):
    def factory():
        x = leaf(1.0, 2.0, 3.0)

        def use(y, z):
            before = y._version
            loss = WRITES[write](y)
            return before, y._version, told(loss.backward), taken(x)

        return (lambda z: WRITTEN[result](x, z)), ones, use

    agree(factory)


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_eager(name):
    agree(PROGRAMS[name])


# ---------------------------------------------------------------- results in the memory of arguments

VIEWS: dict[str, Callable[[Any, Any], Any]] = {
    "expanded": lambda a, b: b.expand(2, 3),
    "as_a_row": lambda a, b: b.view(-1),
    "both": lambda a, b: (a[1:], b[1:]),
    "every_other": lambda a, b: b[::2],
    "one": lambda a, b: (b[0], a[2]),
    "taken_apart": lambda a, b: (*b.unbind(), *a.split(2)),
    "alias": lambda a, b: (b.detach(), a),
    "part_of_an_alias": lambda a, b: b.detach()[1:],
    "column": lambda a, b: b.unsqueeze(1).t(),
}
STORES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "overlapping": lambda: (lambda big: (big[0:3], big[1:4]))(torch.arange(12.0)),
    "one_storage": lambda: (lambda big: (big[0:3], big[6:9]))(torch.arange(12.0)),
    "with_gaps": lambda: (lambda big: (big[:, 0], big[:, 1]))(torch.arange(12.0).view(3, 4)),
    "two_aliases": lambda: (lambda big: (big.detach()[:3], big.detach()[2:5]))(torch.arange(12.0)),
    "base_and_view": lambda: (lambda big: (big, big[0:3]))(torch.arange(3.0)),
    "with_a_history": lambda: (lambda x: (lambda y: (y[0:3], y[1:4]))(x * 2))(torch.arange(12.0).requires_grad_()),
    "gaps_and_a_history": lambda: (lambda x: (lambda y: (y[:, 0], y[:, 1]))(x * 2))(
        torch.arange(12.0).view(3, 4).requires_grad_()),
    "leaf_views": lambda: (lambda x: (x[0:3], x[1:4]))(torch.arange(12.0).requires_grad_()),
}


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("view", VIEWS)
def test_views_of_arguments_that_share_memory(view, store):
    f, compiled = VIEWS[view], compile(VIEWS[view])

    def described(function: Any, a: Any, b: Any) -> Any:
        found = function(a, b)
        several = found if isinstance(found, tuple) else (found,)
        facts = [(t.tolist(), t.stride(), t.storage_offset(), t.requires_grad, t._version, t._is_view(),
                  t._base is not None and t._base is a._base, type(t.grad_fn).__name__) for t in several]
        with torch.no_grad():
            b.add_(1)
        values = [told(lambda t=t: (t * 1).tolist()) for t in several]
        sums = [t.sum() for t, value in zip(several, values) if type(value) is not str and t.requires_grad]
        inputs = [x for x in (a, b) if x.requires_grad]
        gradients = [torch.autograd.grad(t, inputs, retain_graph=True, allow_unused=True) for t in sums]
        return facts, values, [None if g is None else g.tolist() for several in gradients for g in several]

    for _ in range(5):
        assert described(compiled, *STORES[store]()) == described(f, *STORES[store]())
    assert compiled.replays > 1, compiled.explain()
