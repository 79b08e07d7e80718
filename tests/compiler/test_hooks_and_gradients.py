"""Hooks, gradients and modes that come, go and change between the calls of a compiled function: always as written.

`CHANGES` are what happens between calls, each tried on every one of `FUNCTIONS`. `PROGRAMS` need a function of their
own: factories of (function, arguments of call i, what to do before call i, state to compare).
"""
from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

CALLS = 9


class Setting:
    """A parameter, another one, and what hooks noted."""

    def __init__(self) -> None:
        self.w, self.v = leaf(1.0, 2.0), leaf(1.0, 1.0)
        self.seen: list[Any] = []
        self.kept: dict[str, Any] = {}

    def note(self, *what: Any) -> None:
        self.seen.append([observed(x) for x in what])

    def accumulator(self) -> Any:
        node = self.w.view_as(self.w).grad_fn.next_functions[0][0]
        return self.kept.setdefault("node", node)


def leaf(*values: float) -> Any:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def observed(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist(), value.stride(), value.requires_grad, str(value.dtype)
    if isinstance(value, (tuple, list)):
        return [observed(v) for v in value]
    return value


def ones(i: int) -> tuple[Any, ...]:
    return (torch.ones(2, dtype=torch.float64) * (i + 1),)


# ---------------------------------------------------------------- what happens between calls

CHANGES: dict[str, Callable[[Setting, int], Any]] = {}


def change(*calls: int) -> Any:
    """Register what happens before these calls (before each, if none are named)."""

    def register(do: Any) -> Any:
        CHANGES[do.__name__] = lambda s, i: do(s, i) if not calls or i in calls else None
        return do

    return register


for _name, _call in (("before_capture", 0), ("after_capture", 5)):
    CHANGES[f"tensor_hook_{_name}"] = lambda s, i, at=_call: i == at and s.w.register_hook(lambda g: s.note("hook", g))
    CHANGES[f"post_accumulate_hook_{_name}"] = lambda s, i, at=_call: i == at and (
        s.w.register_post_accumulate_grad_hook(lambda p: s.note("accumulated", p.grad)))
    CHANGES[f"node_hook_{_name}"] = lambda s, i, at=_call: i == at and s.accumulator().register_hook(
        lambda given, got: s.note("node", got))
    CHANGES[f"node_prehook_{_name}"] = lambda s, i, at=_call: i == at and s.accumulator().register_prehook(
        lambda got: (got[0] * 3,))
    CHANGES[f"hook_that_replaces_{_name}"] = lambda s, i, at=_call: i == at and s.w.register_hook(lambda g: g * 2)


@change(4, 7)
def hook_comes_and_goes(s, i):
    if i == 4:
        s.kept["hook"] = s.w.register_hook(lambda g: g * 2)
    else:
        s.kept["hook"].remove()


@change(0, 5)
def one_hook_and_then_another(s, i):
    s.w.register_hook(lambda g: s.note(i, g))


@change(5)
def post_accumulate_hook_that_steps(s, i):
    def step(p):
        with torch.no_grad():
            p.sub_(0.1 * p.grad)
        p.grad = None

    s.w.register_post_accumulate_grad_hook(step)


@change(4, 6)
def post_accumulate_hook_removed(s, i):
    if i == 4:
        s.kept["hook"] = s.w.register_post_accumulate_grad_hook(lambda p: s.note(p.grad))
    else:
        s.kept["hook"].remove()


@change(4, 7)
def gradient_appears(s, i):
    s.w.grad = torch.ones(2, dtype=torch.float64) * i


@change(3, 6)
def gradient_vanishes(s, i):
    s.w.grad = None


@change()
def gradient_vanishes_each_time(s, i):
    s.w.grad = None


@change(4, 5, 7)
def gradient_written_in_place(s, i):
    if s.w.grad is not None:
        s.w.grad.mul_(0.5)


@change(5)
def gradient_zeroed(s, i):
    if s.w.grad is not None:
        s.w.grad.zero_()


@change(4, 6)
def memory_of_the_gradient_is_another(s, i):
    if s.w.grad is not None:
        s.w.grad.data = torch.ones(2, dtype=torch.float64) * i


@change(5)
def gradient_of_other_strides(s, i):
    s.w.grad = torch.ones(2, 2, dtype=torch.float64)[:, 0]


@change(3, 5)
def gradient_is_a_copy(s, i):
    if s.w.grad is not None:
        s.w.grad = s.w.grad.clone()


@change(0, 4)
def gradient_is_an_object_of_ours(s, i):
    s.w.grad = s.kept.setdefault("gradient", torch.zeros(2, dtype=torch.float64))


@change(5)
def gradient_requires_grad(s, i):
    s.w.grad = torch.ones(2, dtype=torch.float64, requires_grad=True)


@change(5)
def gradient_with_a_graph(s, i):
    s.w.grad = None
    (s.w ** 3).sum().backward(create_graph=True)


@change(5)
def gradient_of_two(s, i):
    s.w.grad = s.v.grad = torch.ones(2, dtype=torch.float64)


@change(4)
def gradient_is_the_parameter(s, i):
    s.w.grad = s.w.detach()


@change()
def another_backward(s, i):
    (s.w * i).sum().backward()


@change(4, 6)
def frozen_and_thawed(s, i):
    s.w.requires_grad_(i == 6)


@change(5)
def memory_of_the_parameter_is_another(s, i):
    s.w.data = torch.ones(2, dtype=torch.float64) * 7


@change(5)
def parameter_written_in_place(s, i):
    with torch.no_grad():
        s.w.mul_(3)


@change(4, 6)
def grad_mode(s, i):
    torch.set_grad_enabled(i == 6)


@change(4, 6)
def anomaly_mode(s, i):
    torch.autograd.set_detect_anomaly(i == 4)


@change(4, 6)
def hooks_on_what_is_saved(s, i):
    if i == 4:
        s.kept["hooks"] = torch.autograd.graph.saved_tensors_hooks(lambda t: s.note("saved", t) or t, lambda t: t)
        s.kept["hooks"].__enter__()
    else:
        s.kept["hooks"].__exit__()


@change(4, 6)
def default_dtype(s, i):
    torch.set_default_dtype(torch.float64 if i == 4 else torch.float32)


# ---------------------------------------------------------------- the functions


def _step(s: Setting) -> Any:
    w = s.w
    return lambda x: (w * x * w).sum().backward()


def _loss(s: Setting) -> Any:
    w = s.w
    return lambda x: (w * x * w).sum()


def _from_none(s: Setting) -> Any:
    w = s.w

    def step(x):
        w.grad = None
        (w * x * w).sum().backward()

    return step


def _sets_none(s: Setting) -> Any:
    w = s.w

    def f(x):
        w.grad = None
        return (w.detach() * x).sum()

    return f


def _reads(s: Setting) -> Any:
    w = s.w
    return lambda x: x * 2 if w.grad is None else x + w.grad


FUNCTIONS = {"step": _step, "loss": _loss, "step_from_none": _from_none, "sets_none": _sets_none, "reads": _reads}


def attempt(do: Callable[[], Any]) -> Any:
    try:
        return observed(do())
    except RuntimeError as error:
        return str(error)[:100]


def called(function: Any, *given: Any) -> Any:
    result = function(*given)
    if isinstance(result, torch.Tensor) and result.requires_grad:
        result.sum().backward()
    return result


def history(function: Any, arguments: Any, before: Any, state: Any) -> list[Any]:
    found = []
    try:
        for i in range(CALLS):
            before(i)
            found.append((attempt(lambda i=i: called(function, *arguments(i))), observed(state())))
    finally:
        torch.set_grad_enabled(True)
        torch.autograd.set_detect_anomaly(False)
        torch.set_default_dtype(torch.float32)
    return found


def agree(factory: Any, replayed: bool | None = None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function, *rest = factory()
        expected = history(function, *rest)
        function, *rest = factory()
        compiled = compile(function)
        found = history(compiled, *rest)
    for i, (e, f) in enumerate(zip(expected, found)):
        assert repr(f) == repr(e), f"call {i}: {compiled.explain()}"
    assert replayed is None or (compiled.replays > 0) is replayed, compiled.explain()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", CHANGES)
def test_changes_between_calls(name, function):
    def factory():
        s = Setting()
        return FUNCTIONS[function](s), ones, lambda i: CHANGES[name](s, i), lambda: [s.w, s.w.grad, s.v.grad, s.seen]

    agree(factory)


def test_enough_kinds_of_changes():
    assert len(CHANGES) >= 35


# ---------------------------------------------------------------- functions of their own

PROGRAMS: dict[str, Any] = {}


def program(replayed: bool) -> Any:
    def register(factory: Any) -> Any:
        PROGRAMS[factory.__name__] = (factory, replayed)
        return factory

    return register


def nothing(i: int) -> None:
    pass


@program(replayed=True)
def hook_on_an_argument() -> Any:
    seen: list[Any] = []
    v = leaf(1.0, 2.0)

    def arguments(i):
        x = v * (i + 1)
        if i in (0, 1, 2, 3, 6):
            x.register_hook(lambda g: seen.append(g.tolist()))
        return (x,)

    return (lambda x: (x * x).sum()), arguments, nothing, lambda: [v.grad, seen]


@program(replayed=True)
def gradient_retained_on_an_argument() -> Any:
    kept: list[Any] = []
    v = leaf(1.0, 2.0)

    def arguments(i):
        x = v * (i + 1)
        if i > 3:
            x.retain_grad()
        kept[:] = [x]
        return (x,)

    return (lambda x: (x * x).sum()), arguments, nothing, lambda: [v.grad, kept[0].grad if kept[0].retains_grad else 0]


@program(replayed=True)
def node_hook_on_an_argument() -> Any:
    seen: list[Any] = []
    v = leaf(1.0, 2.0)

    def arguments(i):
        x = v.exp()
        x.grad_fn.register_hook(lambda given, got: seen.append([observed(given), observed(got)]))
        x.grad_fn.register_prehook(lambda got: (got[0] * 2,))
        return (x,)

    return (lambda x: (x * x).sum()), arguments, nothing, lambda: [v.grad, seen]


@program(replayed=False)
def registers_a_hook_inside() -> Any:
    seen: list[Any] = []
    v = leaf(1.0, 2.0)

    def f(x):
        y = v * x
        y.register_hook(seen.append)
        return y.sum()

    return f, ones, nothing, lambda: [v.grad, seen]


@program(replayed=False)
def registers_on_a_parameter_inside() -> Any:
    seen: list[Any] = []
    v = leaf(1.0, 2.0)

    def f(x):
        v.register_post_accumulate_grad_hook(lambda p: None)
        return (v * x).sum()

    return f, ones, nothing, lambda: [v.grad, seen, len(v._post_accumulate_grad_hooks)]


@program(replayed=True)  # once it has removed them all
def removes_a_hook_inside() -> Any:
    seen: list[Any] = []
    v = leaf(1.0, 2.0)
    handles = [v.register_hook(lambda g, i=i: seen.append(i)) for i in range(3)]

    def f(x):
        if handles:
            handles.pop().remove()
        return (v * x).sum()

    return f, ones, nothing, lambda: [v.grad, seen]


@program(replayed=False)
def retains_a_gradient_of_an_argument_inside() -> Any:
    kept: list[Any] = []
    v = leaf(1.0, 2.0)

    def arguments(i):
        kept[:] = [v * (i + 1)]
        return tuple(kept)

    def f(x):
        x.retain_grad()
        return (x * x).sum()

    return f, arguments, nothing, lambda: [v.grad, kept[0].retains_grad, kept[0].grad if kept[0].retains_grad else 0]


@program(replayed=False)
def gradient_of_an_argument_that_is_no_leaf() -> Any:
    kept: list[Any] = []
    v = leaf(1.0, 2.0)

    def arguments(i):
        x = v * (i + 1)
        x.retain_grad()
        x.sum().backward()
        kept[:] = [x]
        return (x,)

    def f(x):
        x.grad = None
        return x.detach() * 2

    return f, arguments, nothing, lambda: [v.grad, kept[0].grad]


@program(replayed=False)
def anomaly_mode_inside() -> Any:
    v = leaf(1.0, 2.0)

    def f(x):
        with torch.autograd.detect_anomaly():
            ((v * x).sqrt() * 0).sum().backward()

    return f, lambda i: (torch.zeros(2, dtype=torch.float64) + (i < 5),), nothing, lambda: [v.grad]


@program(replayed=False)
def hooks_on_what_is_saved_inside() -> Any:
    v, seen = leaf(1.0, 2.0), []

    def f(x):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(1) or t, lambda t: t):
            return (v * x).sum()

    return f, ones, nothing, lambda: [v.grad, len(seen)]


@program(replayed=False)
def backward_into_an_argument_s_history() -> Any:
    v = leaf(1.0, 2.0)

    def f(x):
        (x * 2).sum().backward()

    return f, lambda i: (v + i if i < 5 else v * v,), nothing, lambda: [v.grad]


@program(replayed=True)
def gradient_of_an_argument_inside() -> Any:
    v = leaf(1.0, 2.0)

    def f(x):
        (g,) = torch.autograd.grad((x * x * x).sum(), x, create_graph=True)
        return g * x

    return f, lambda i: (v * (i + 1),), nothing, lambda: [v.grad]


@program(replayed=True)
def arguments_with_gradients() -> Any:
    w = leaf(1.0, 2.0)

    def arguments(i):
        if i % 3 == 0:
            w.grad = None
        if i == 7:
            w.grad = torch.ones(2, dtype=torch.float64)
        return (w,)

    return (lambda p: (p * p).sum().backward()), arguments, nothing, lambda: [w.grad]


@program(replayed=True)
def argument_s_gradient_set_to_none() -> Any:
    w = leaf(1.0, 2.0)

    def before(i):
        if i in (3, 6):
            w.grad = torch.ones(2, dtype=torch.float64)

    def f(p):
        p.grad = None
        return p.detach() * 2

    return f, lambda i: (w,), before, lambda: [w.grad]


@program(replayed=True)
def grad_modes_inside() -> Any:
    w = leaf(1.0, 2.0)

    def f(x):
        with torch.no_grad():
            y = w * x
        with torch.enable_grad():
            z = w * x
        return y, z, torch.is_grad_enabled()

    return f, ones, lambda i: torch.set_grad_enabled(i % 4 < 2), lambda: [w.grad]


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_written(name):
    agree(*PROGRAMS[name])


def test_a_hook_that_comes_later_is_named():
    w = leaf(1.0, 2.0)
    f = compile(lambda x: (w * x).sum().backward())
    for i in range(5):
        f(*ones(i))
    w.register_post_accumulate_grad_hook(lambda p: None)
    with pytest.warns(UserWarning, match=r"a hook runs \(test_hooks_and_gradients.py:[0-9]+\)"):
        f(*ones(0))


def test_hooks_on_what_is_saved_see_a_compiled_function():
    w, seen = leaf(1.0, 2.0), []
    f = compile(lambda x: (w * x).exp().sum())
    for i in range(5):
        f(*ones(i))
    assert f.replays
    with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        f(*ones(0)).backward()
    assert len(seen) == 2


@pytest.mark.parametrize("passed", [False, True])
def test_a_hook_beside_one_of_the_other_kind_is_seen(passed):
    def run(wrap: Any) -> Any:
        w, seen = torch.tensor([1.0, 2.0], requires_grad=True), []
        w.register_post_accumulate_grad_hook(lambda p: seen.append("after"))

        def gradient(v):
            return torch.autograd.grad((v ** 3).sum(), v)[0]

        f, found = wrap(gradient if passed else lambda v: gradient(w)), []
        for i in range(10):
            if i == 6:
                w.register_hook(lambda g: seen.append(g.tolist()))
            found.append((f(w if passed else torch.ones(2)).tolist(), len(seen)))
        return found

    assert run(torch.compile) == run(lambda f: f)
