"""Results that require grad and are computed from each other, or share what they are computed from: every way to use
them, compiled and as written.

Each part of their graph that leads to the same results is a node of its own, so that hooks on one result see what comes
through another, and a backward of one leaves alone what only the others lead to.
"""
from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import test_gradients as base
from test_inputs import ones, told

import tapegrad as torch
from tapegrad.compiler import compile

leaf = base.leaf


class Both(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        return g * y + h, g * x + h


def _in_a_row(a: Any, b: Any, z: Any) -> Any:
    u = (a * z).tanh()
    v = (u * b).exp()
    return u, v, (u * v).sum()


def _diamond(a: Any, b: Any, z: Any) -> Any:
    h = (a * z).exp()
    u, v = h * b, h.sin()
    return u, v, u * v


def _two_in_common(a: Any, b: Any, z: Any) -> Any:
    h, k = (a * z).exp(), b.sin()
    return h * k, h + k, h * 2


def _step(a: Any, b: Any, z: Any) -> Any:
    h = torch.tanh(a * z + b)
    return h, (h * h).sum(), h.detach().clone()


def _view_first(a: Any, b: Any, z: Any) -> Any:
    part = a[1:]
    return part, part * b[1:] * z[1:], a * b


def _written_between(a: Any, b: Any, z: Any) -> Any:
    h = a * z
    u = h.exp()
    h.mul_(b)
    return u, h


def _freed_one(a: Any, b: Any, z: Any) -> Any:
    u = (a * z).exp()
    loss = u.sum()
    with torch.no_grad():
        grad = torch.autograd.grad(loss, a)[0]
    return loss, grad, b + 1, b * a


def _first_of_many(a: Any, b: Any, z: Any) -> Any:
    found = [a * z]
    for _ in range(11):
        found.append(found[-1].sin() + b)
    return found


Results = Callable[[Any, Any, Any], Any]
RESULTS: dict[str, Results] = {
    "computed": lambda a, b, z: (lambda h: (h, h * b))((a * z).exp()),
    "the_later_first": lambda a, b, z: (lambda h: ((h * z).sum(), h))((a * b).exp()),
    "in_a_row": _in_a_row, "diamond": _diamond, "two_in_common": _two_in_common, "step": _step,
    "apart": lambda a, b, z: (a * a * z, b.exp()),
    "one_in_common": lambda a, b, z: (lambda h: (h * a, h + b))((a * z).sin()),
    "nothing_kept": lambda a, b, z: (lambda h: (h, h + b, h - b))(a + z),
    "both_of_one_node": lambda a, b, z: (lambda u, v: (u, v, u * v))(*Both.apply(a, b)),
    "one_of_one_node": lambda a, b, z: (lambda u, v: (u * v, u))(*Both.apply(a * z, b)),
    "taken_apart": lambda a, b, z: (lambda u, v: (u.sum() * v, v * 2))(*torch.stack([a * b, b]).unbind()),
    "a_view_of_an_argument": _view_first, "written_between": _written_between, "freed_one": _freed_one,
    "many": _first_of_many, "by_name": lambda a, b, z: {"h": a * b, "k": [a * b * 2, (a * z).sum()]},
}


def agree(factory: Any) -> None:
    """Nearly: a gradient that comes along several ways is added up in another order by the run for `create_graph`."""
    expected, _ = base.run(factory, lambda f: f)
    found, function = base.run(factory, compile)
    assert not unlike(expected, found), function.explain()
    assert function.reason is None and function.replays > 1, function.explain()


def unlike(a: Any, b: Any) -> Any:
    if isinstance(a, (list, tuple)) and type(a) is type(b) and len(a) == len(b):
        return next((f for p, q in zip(a, b) if (f := unlike(p, q))), None)
    return None if a == b or (type(a) is type(b) is float and a == pytest.approx(b, rel=1e-12)) else (a, b)


def flat(found: Any) -> list[Any]:
    if isinstance(found, torch.Tensor):
        return [found] if found.requires_grad else []
    found = found.values() if isinstance(found, dict) else found
    return [t for part in found for t in flat(part)]


def listed(found: Any) -> Any:
    return None if found is None else found.tolist()


def total(ys: list[Any]) -> Any:
    return sum((y * (i + 1)).sum() for i, y in enumerate(ys))


def _hooked(ys, a, b):
    seen: list[Any] = []
    for i, y in enumerate(ys):
        y.register_hook(lambda g, i=i: seen.append((i, g.tolist())))
    total(ys).backward()
    return sorted(seen, key=lambda found: found[0])


def _hooks_that_change(ys, a, b):
    ys[0].register_hook(lambda g: g * 3)
    total(ys).backward()


def _retained(ys, a, b):
    for y in ys:
        y.retain_grad()
    total(ys).backward()
    return [listed(y.grad) for y in ys]


def _each(ys, a, b):
    return [told(y.sum().backward) for y in ys]


def _each_last_first(ys, a, b):
    return [told(y.sum().backward) for y in ys[::-1]]


def _each_kept(ys, a, b):
    return [told(lambda y=y: y.sum().backward(retain_graph=True)) for y in (*ys, *ys)]


def _twice(ys, a, b):
    return [told(total(ys).backward), told(total(ys[:1]).backward), told(total(ys[1:]).backward)]


def _of_results(ys, a, b):
    return [listed(g) for g in torch.autograd.grad(total(ys), [*ys, a, b], allow_unused=True)]


def _last_of_first(ys, a, b):
    found = [told(lambda y=y: listed(torch.autograd.grad(ys[-1].sum(), y, allow_unused=True, retain_graph=True)[0]))
             for y in ys[:-1]]
    return found, told(lambda: listed(torch.autograd.grad(ys[-1].sum(), a, allow_unused=True)[0]))


def _one_leaf_twice(ys, a, b):
    return [told(lambda x=x: listed(torch.autograd.grad(total(ys), x, allow_unused=True)[0])) for x in (b, b, a, b, a)]


def _only_into(ys, a, b):
    return told(lambda: total(ys).backward(inputs=[b])), told(lambda: total(ys).backward(inputs=[b]))


def _twice_differentiated(ys, a, b):
    first = torch.autograd.grad(total(ys), [a, b], create_graph=True, allow_unused=True)
    second = sum((g * g).sum() for g in first if g is not None)
    found = torch.autograd.grad(second, [a, b, *ys], allow_unused=True) if second.requires_grad else ()
    return [listed(g) for g in (*first, *found)]


def _through_results_again(ys, a, b):
    seen: list[Any] = []
    ys[0].register_hook(lambda g: seen.append(g.tolist()))
    first = torch.autograd.grad(ys[-1].sum(), a, create_graph=True, allow_unused=True)[0]
    if first is not None and first.requires_grad:
        first.sum().backward()
    return listed(first), seen


def _three_times(ys, a, b):
    y, found = ys[-1].sum(), []
    for _ in range(3):
        y = torch.autograd.grad(y, a, create_graph=True, allow_unused=True)[0]
        found.append(listed(y))
        if y is None or not y.requires_grad:
            break
        y = (y * a).sum()
    return found


def _written_to(ys, a, b):
    with torch.no_grad():
        ys[0].add_(1)
    return told(total(ys[1:] or ys).backward)


def _written_to_recorded(ys, a, b):
    return told(lambda: ys[0].mul_(2)) and told(total(ys).backward)


def _hooks_below(ys, a, b):
    seen: list[Any] = []
    handles = [a.register_hook(lambda g: seen.append(("a", g.tolist()))),
               b.register_post_accumulate_grad_hook(lambda p: seen.append(("b", p.grad.tolist())))]
    for y in ys:
        y.sum().backward(retain_graph=True)
    for handle in handles:
        handle.remove()
    return seen


def _hooks_before_a_refusal(ys, a, b):
    seen: list[Any] = []
    handles = [x.register_hook(lambda g, i=i: seen.append((i, g.tolist()))) for i, x in enumerate((a, b))]
    for y in (*ys, *ys):
        seen.append(told(y.sum().backward))
    for handle in handles:
        handle.remove()
    return seen


def _dropped(ys, a, b):
    last = ys[-1]
    del ys[:]
    last.sum().backward()


USES: dict[str, Callable[[list[Any], Any, Any], Any]] = {f.__name__[1:]: f for f in (
    _hooked, _hooks_that_change, _retained, _each, _each_last_first, _each_kept, _twice, _of_results, _last_of_first,
    _one_leaf_twice, _only_into, _twice_differentiated, _through_results_again, _three_times, _written_to,
    _written_to_recorded, _hooks_below, _hooks_before_a_refusal,
    _dropped,
)}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("results", RESULTS)
def test_every_use(results, use):
    def factory():
        a, b = leaf(1.0, 2.0, 3.0), leaf(0.5, -0.5, 1.0)

        def used(y, z):
            found = told(lambda: USES[use](flat(y), a, b))
            gradients = listed(a.grad), listed(b.grad)
            a.grad = b.grad = None
            return found, gradients

        return (lambda z: RESULTS[results](a, b, z)), ones, used

    if results != "freed_one" or not use.startswith("hooks_be"):  # a hook runs inside
        agree(factory)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("results", RESULTS)
def test_every_use_with_arguments_that_have_a_history(results, use):
    def factory():
        a, b, seen = leaf(1.0, 2.0, 3.0), leaf(0.5, -0.5, 1.0), []

        def arguments(i):
            p, q = a * (i + 1), b.exp()
            p.register_hook(lambda g: seen.append(("p", g.tolist())))
            q.register_hook(lambda g: seen.append(("q", g.tolist())))
            return p, q, torch.ones(3, dtype=torch.float64) * (i + 1)

        def used(y, p, q, z):
            found = told(lambda: USES[use](flat(y), p, q)), sorted(seen, key=lambda found: found[0])
            gradients = listed(a.grad), listed(b.grad)
            a.grad = b.grad = None
            seen.clear()
            return found, gradients

        return RESULTS[results], arguments, used

    if use != "hooks_below" and results != "freed_one":  # leaves have hooks after accumulation; a hook runs inside
        agree(factory)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("apart", [False, True])
def test_a_state_that_is_handed_on(steps, apart):
    def factory():
        w, u = leaf(0.5, -1.0, 0.25), leaf(1.0, 0.5, -0.5)

        def cell(x, h):
            h = torch.tanh(w * x + u * h)
            return h, (h * h).sum()

        return cell, w, u

    def run(wrap: Any) -> Any:
        cell, w, u = factory()
        f = wrap(cell)
        found = []
        for i in range(6):
            h, losses = torch.zeros(3, dtype=torch.float64), []
            for t in range(steps):
                h, loss = f(torch.ones(3, dtype=torch.float64) * (t + i), h)
                h.retain_grad()
                losses.append(loss)
            for loss in losses if apart else [sum(losses)]:
                loss.backward(retain_graph=apart)
            found.append((listed(w.grad), listed(u.grad), listed(h.grad)))
            w.grad = u.grad = None
        return found, f

    found, f = run(compile)
    assert not unlike(run(lambda f: f)[0], found)
    assert f.replays > 1 and f.reason is None, f.explain()


@pytest.mark.parametrize("count", [29, 30, 31, 61, 100, 901, 1801])
def test_any_number_of_parameters(count):
    def factory():
        ws = [leaf(0.1 * (k + 1)) for k in range(count)]

        def use(y, z):
            y[0].backward(retain_graph=True)
            y[1].backward(inputs=[ws[0], ws[-1]])
            found = [listed(w.grad) for w in ws]
            for w in ws:
                w.grad = None
            return found, [listed(g) for g in torch.autograd.grad(y[0], [ws[count // 2], ws[-1]])]

        return (lambda z: (sum(w * z[0] * w for w in ws).sum(), ws[0].exp() + ws[-1])), ones, use

    agree(factory)


def test_results_that_are_kept_and_dropped_leave_nothing(tape):
    w = leaf(1.0, 2.0, 3.0)
    f = compile(lambda z: ((w * z).exp(), (w * z).sin().exp(), (w * z).exp() * (w * w).exp()))
    for _ in range(8):
        f(*ones(0))
    for _ in range(3):
        tape.collect()
    before = tape.kept_bytes
    for i in range(50):
        y = f(*ones(0))
        if i % 3:
            y[i % 3].sum().backward()
    del y
    for _ in range(3):
        tape.collect()
    assert f.replays > 50 and tape.kept_bytes == before


@pytest.mark.parametrize("use", ["twice_differentiated", "through_results_again", "three_times"])
def test_while_python_collects_all_the_time(use):
    thresholds = gc.get_threshold()
    gc.set_threshold(7, 1, 1)
    try:
        for results in ("diamond", "in_a_row", "step"):
            test_every_use_with_arguments_that_have_a_history(results, use)
    finally:
        gc.set_threshold(*thresholds)
