"""Calls of compiled functions as nodes of a graph that goes on around them: whatever is done with it, compiled and as
written, gives the same; and where nothing but one sweep is asked, no Python takes part."""
from __future__ import annotations

import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import compile
from tapegrad.machine.live import layouts, machine, planner
from tapegrad.machine.planning import generations

pytestmark = pytest.mark.filterwarnings("ignore")
CALLS = 5  # until there is a program


def leaf(*values: float) -> Any:
    return torch.tensor(values, requires_grad=True)


class World:
    """Some parameters, data, and functions of them that keep values, use results again, or keep nothing."""

    def __init__(self, wrap: Callable[[Any], Any]) -> None:
        torch.manual_seed(0)
        self.w, self.b, self.v = (torch.randn(*s).requires_grad_() for s in ((4, 3), (3,), (3, 3)))
        self.x, self.z = torch.randn(5, 4), torch.randn(5, 3)
        self.parameters = [self.w, self.b, self.v]
        made = {
            "linear": lambda x: x @ self.w + self.b,
            "tanh": lambda x: torch.tanh(x @ self.w + self.b) @ self.v,
            "reads_result": lambda x: torch.sigmoid(x @ self.w + self.b),
            "several": lambda x: ((x @ self.w).tanh(), (x @ self.w + self.b).exp()),
            "shared": lambda x: self._heads((x @ self.w).tanh()),
            "keeps_nothing": lambda x: (x @ self.w).sum() * 0 + self.b + self.b,
            "input_too": lambda x: (x @ self.w, x),
            "part": lambda x: (x @ self.w + self.b)[1:],
            "doubled": lambda x: self.b + self.b.tanh() * self.b + (x @ self.w).sum(0),
            "same_gradient": lambda x: (self.b + self.v).sum(0) + (x @ self.w).sum(0),
        }
        self.f = {name: wrap(fn) for name, fn in made.items()}

    def _heads(self, h: Any) -> Any:
        return h * self.b, h @ self.v

    def clear(self) -> None:
        for p in self.parameters:
            p.grad = None

    def gradients(self) -> list[Any]:
        return [None if p.grad is None else p.grad.tolist() for p in self.parameters]


def first(y: Any) -> Any:
    return y[0] if isinstance(y, tuple) else y


def total(y: Any) -> Any:
    return sum(t.pow(2).sum() for t in y) if isinstance(y, tuple) else y.pow(2).sum()


def attempt(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except RuntimeError as error:
        return str(error).split("[")[0].split(":")[0]


# What is done with a world and a function of it; each returns something to compare.
USES: dict[str, Callable[[World, Any], Any]] = {}


def use(fn: Callable[[World, Any], Any]) -> Callable[[World, Any], Any]:
    USES[fn.__name__] = fn
    return fn


@use
def one_sweep(s, f):
    total(f(s.x)).backward()
    return s.gradients()


@use
def two_calls_in_one_sweep(s, f):
    (total(f(s.x)) + total(f(s.x * 2)) + s.w.sum() * 3).backward()
    return s.gradients()


@use
def accumulates(s, f):
    total(f(s.x)).backward()
    before = [p.grad for p in s.parameters]
    total(f(s.x + 1)).backward()
    return s.gradients(), [a is p.grad for a, p in zip(before, s.parameters)]


@use
def gradients_of_other_layouts(s, f):
    for p in s.parameters:
        p.grad = torch.zeros(*p.shape[::-1]).t() if p.dim() == 2 else torch.zeros(2 * len(p))[::2]
    total(f(s.x)).backward()
    return s.gradients(), [p.grad.stride() for p in s.parameters]


@use
def retains(s, f):
    y = total(f(s.x))
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    return s.gradients(), attempt(y.backward), s.gradients()


@use
def second_backward_is_refused(s, f):
    y = f(s.x)
    loss, other = total(y), first(y).sum()
    loss.backward()
    return attempt(loss.backward), attempt(other.backward), s.gradients()


@use
def what_keeps_nothing_goes_again(s, f):
    y = first(f(s.x))
    y.sum().backward()
    found = attempt(lambda: torch.autograd.grad(y.sum(), s.b, allow_unused=True))
    return found if isinstance(found, str) else [None if g is None else g.tolist() for g in found], s.gradients()


@use
def some_inputs(s, f):
    y = total(f(s.x))
    a = torch.autograd.grad(y, [s.w], retain_graph=True, allow_unused=True)
    b = torch.autograd.grad(y, [s.b, s.v], retain_graph=True, allow_unused=True)
    y.backward()
    return [None if g is None else g.tolist() for g in (*a, *b)], s.gradients()


@use
def inputs_of_backward(s, f):
    total(f(s.x)).backward(inputs=[s.b])
    return s.gradients()


@use
def from_the_middle(s, f):
    h = s.x * s.w.sum()
    y = f(h)
    k = first(y) * 2
    found = torch.autograd.grad(k.pow(2).sum(), [k, first(y), h], retain_graph=True, allow_unused=True)
    k.sum().backward()
    return [None if g is None else g.tolist() for g in found], s.gradients()


@use
def history_before(s, f):
    h = (s.x * s.b.sum()).sin()
    total(f(h)).backward()
    return s.gradients()


@use
def one_after_the_other(s, f):
    h = torch.cat([first(f(s.x)).reshape(-1)] * 20)[:20].reshape(5, 4)
    total(f(h)).backward()
    return s.gradients()


@use
def one_result(s, f):
    y = f(s.x)
    first(y).sum().backward()
    return s.gradients()


@use
def the_other_result(s, f):
    y = f(s.x)
    if isinstance(y, tuple) and y[1].requires_grad:
        y[1].sum().backward(retain_graph=True)
        found = s.gradients()
        attempt(lambda: y[0].sum().backward())
        return found, s.gradients()
    return None


@use
def second_derivatives(s, f):
    y = f(s.x)
    grads = torch.autograd.grad(total(y), s.parameters, create_graph=True, allow_unused=True)
    sum(g.pow(2).sum() for g in grads if g is not None and g.requires_grad).backward()
    return s.gradients()


@use
def backward_with_a_graph(s, f):
    total(f(s.x)).backward(create_graph=True)
    found = s.gradients()
    sum(p.grad.sum() for p in s.parameters if p.grad is not None and p.grad.requires_grad).backward()
    return found, s.gradients()


@use
def hooks_of_parameters(s, f):
    seen = []
    handles = [p.register_hook(lambda g, i=i: seen.append((i, g.tolist())) or g * 2)
               for i, p in enumerate(s.parameters)]
    y = f(s.x)
    total(y).backward()
    for handle in handles:
        handle.remove()
    return seen, s.gradients()


@use
def hooks_registered_after_the_call(s, f):
    y = f(s.x)
    seen = []
    handles = [p.register_hook(lambda g, i=i: seen.append((i, g.tolist()))) for i, p in enumerate(s.parameters)]
    handles.append(s.b.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist())))
    total(y).backward()
    for handle in handles:
        handle.remove()
    return seen, s.gradients()


@use
def hooks_of_results(s, f):
    y = f(s.x)
    seen = []
    first(y).register_hook(lambda g: seen.append(g.tolist()) or g + 1)
    first(y).retain_grad()
    total(y).backward()
    return seen, first(y).grad.tolist(), s.gradients()


@use
def hooks_of_the_node(s, f):
    y = f(s.x)
    seen = []
    first(y).grad_fn.register_hook(lambda into, out: seen.append(len(out)))
    total(y).backward()
    return seen, s.gradients()


@use
def a_hook_that_was_removed(s, f):
    y = f(s.x)
    first(y).register_hook(lambda g: g * 100).remove()
    total(y).backward()
    return s.gradients()


@use
def a_hook_that_raises(s, f):
    y = f(s.x)
    loss = total(y)

    def hook(g):
        raise RuntimeError("no")

    handle = s.w.register_hook(hook)
    found = attempt(lambda: loss.backward(retain_graph=True))
    handle.remove()
    loss.backward()
    return found, s.gradients()


@use
def parameters_written(s, f):
    y = total(f(s.x))
    with torch.no_grad():
        s.w += 1
    found = attempt(y.backward)
    with torch.no_grad():
        s.v.mul_(2)
    again = total(f(s.x))
    s.clear()
    again.backward()
    return isinstance(found, str) and found, s.gradients()


@use
def an_argument_written(s, f):
    x = s.x.clone()
    y = total(f(x))
    x.add_(1)
    return attempt(y.backward), s.gradients()


@use
def a_result_written(s, f):
    y = first(f(s.x))
    y.mul_(2)
    return attempt(y.sum().backward), s.gradients()


@use
def a_result_detached(s, f):
    y = f(s.x)
    loss = total(y)
    z = first(y).detach()
    refused = attempt(first(y).detach_)
    found = attempt(loss.backward)
    return z.requires_grad, first(y).requires_grad, isinstance(refused, str), found, s.gradients()


@use
def requires_no_more(s, f):
    s.b.requires_grad_(False)
    total(f(s.x)).backward()
    found = s.gradients()
    s.b.requires_grad_(True)
    s.clear()
    total(f(s.x)).backward()
    return found, s.gradients()


@use
def requires_no_more_before_the_sweep(s, f):
    y = total(f(s.x))
    s.b.requires_grad_(False)
    y.backward()
    found = s.gradients()
    s.b.requires_grad_(True)
    return found


@use
def another_parameter(s, f):
    y = total(f(s.x))
    s.b = torch.ones(3, requires_grad=True)
    y.backward()
    found = s.gradients()
    total(f(s.x)).backward()
    return found, s.gradients(), s.b.grad is None or s.b.grad.tolist()


@use
def other_data(s, f):
    y = total(f(s.x))
    s.b.data = torch.full((3,), 0.5)
    found = attempt(y.backward)
    s.clear()
    total(f(s.x)).backward()
    return found is None or found, s.gradients()


@use
def without_recording(s, f):
    with torch.no_grad():
        y = first(f(s.x))
    z = first(f(s.x))
    return y.requires_grad, y.grad_fn is None, z.requires_grad, y.tolist() == z.tolist()


@use
def anomalies_looked_for(s, f):
    y = total(f(s.x))
    with torch.autograd.detect_anomaly(check_nan=False):
        y.backward()
    return s.gradients()


@use
def seeds_that_lie_otherwise(s, f):
    y = first(f(s.x))
    y.backward(torch.ones(()).expand(y.shape))
    found = s.gradients()
    z = first(f(s.x))
    z.backward(torch.ones(*z.shape[::-1]).permute(*range(z.dim())[::-1]) * 3)
    return found, s.gradients()


@use
def in_a_hook_of_another_sweep(s, f):
    y = total(f(s.x))
    done = []

    def hook(g):
        if not done:
            done.append(True)
            y.backward()
        return g

    a = (s.w * 2).sum()
    h = s.b * 3
    h.register_hook(hook)
    (a + h.sum()).backward()
    return s.gradients()


@use
def results_outlive_the_rest(s, f):
    y = [f(s.x * k) for k in range(4)]
    loss = total(y[2])
    del y
    gc.collect()
    for _ in range(3):
        f(s.x)
    loss.backward()
    return s.gradients()


@use
def many_sweeps(s, f):
    for k in range(50):
        total(f(s.x * (k % 3))).backward()
        if k % 7 == 0:
            s.clear()
    return s.gradients()


FUNCTIONS = ("linear", "tanh", "reads_result", "several", "shared", "keeps_nothing", "input_too", "part", "doubled",
             "same_gradient")


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_the_same_compiled_and_as_written(name, use):
    found = []
    for wrap in (lambda fn: fn, lambda fn: compile(fn, eager_build=True)):
        world = World(wrap)
        f = world.f[name]
        for k in range(CALLS):
            total(f(world.x + k)).backward()
        world.clear()
        with_history = (world.x + world.b.sum()) * 1
        if use.__name__ in ("history_before", "from_the_middle"):
            for _ in range(CALLS):
                total(f(with_history)).backward(retain_graph=True)
            world.clear()
        found.append(use(world, f))
    assert close(found[0], found[1]), found


def close(a: Any, b: Any) -> bool:
    """Whether these are the same but for the last bits of floats."""
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(close, a, b))
    return a == pytest.approx(b, rel=1e-4, abs=1e-5) if isinstance(a, float) else bool(a == b)


# ---------------------------------------------------------------- who takes part


def compiled(fn: Any, *args: Any) -> Any:
    f = compile(fn, eager_build=True)
    for _ in range(CALLS):
        total(f(*args)).backward()
    return f


def counts() -> tuple[int, int]:
    """How many nodes only native code knows, and how many objects of Python's belong to rows."""
    machine.call.reclaim()  # what is dead may go at any time
    return int(machine.state["n_nodes"][0]), int(machine.state["n_attached"][0])


@pytest.mark.parametrize("name", ["linear", "tanh", "reads_result", "doubled", "same_gradient"])
def test_no_python_takes_part(name):
    world = World(lambda fn: fn)
    f = compiled(world.f[name], world.x)
    before = counts()
    y = total(f(world.x))
    assert counts() == (before[0] + 1, before[1])
    y.backward()
    assert counts()[1] == before[1]


def test_more_parameters_than_an_instruction_has_bits_for():
    parameters = [leaf(float(i), 1.0) for i in range(70)]
    f = compiled(lambda x: sum(p * p * x for p in parameters), torch.ones(2))
    for p in parameters:
        p.grad = None
    before = counts()
    y = f(torch.ones(2))
    y.sum().backward()
    assert counts()[1] == before[1]
    assert [p.grad.tolist() for p in parameters] == [[2.0 * i, 2.0] for i in range(70)]
    edges = f(torch.ones(2)).grad_fn.next_functions
    assert {*map(id, parameters)} == {id(n.variable) for n, _ in edges if n is not None}


def test_programs_that_take_turns():
    w = leaf(0.5, -1.0)
    f = compile(lambda x: (w * x).tanh() * w, eager_build=True)
    for k in range(40):
        x = torch.full((1 + k % 2, 2), float(k))
        y = f(x)
        assert y.grad_fn is not None
        (found,) = torch.autograd.grad(y.sum(), w, create_graph=k % 3 == 0)
        (wanted,) = torch.autograd.grad(((w * x).tanh() * w).sum(), w)
        assert torch.allclose(found.detach(), wanted)


# ---------------------------------------------------------------- memory


def test_a_node_that_is_never_swept_gives_back_what_it_kept(tape):
    w = torch.rand(1 << 12, requires_grad=True)
    x = torch.ones(1 << 12)
    f = compiled(lambda x: ((w * x).exp() * x).sum(), x)
    gc.collect()
    tape.collect()
    kept, rows, nodes = int(machine.state["kept_bytes"][0]), int(machine.state["n_buffers"][0]), counts()
    for _ in range(500):
        f(x)
    tape.collect()
    assert int(machine.state["kept_bytes"][0]) == kept
    assert int(machine.state["n_buffers"][0]) <= rows + 8
    assert counts() == nodes


def test_a_sweep_gives_back_what_was_kept():
    w = torch.rand(1 << 12, requires_grad=True)
    x = torch.ones(1 << 12)
    f = compiled(lambda x: ((w * x).exp() * x).sum(), x)
    before = int(machine.state["kept_bytes"][0])
    y = f(x)
    assert int(machine.state["kept_bytes"][0]) > before
    y.backward()
    assert int(machine.state["kept_bytes"][0]) == before


def test_memory_stays_what_it_is_over_many_calls():
    w, x = torch.rand(8, requires_grad=True), torch.ones(8)
    f = compiled(lambda x: (w * x).tanh() * w, x)

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    def calls(count: int) -> None:
        for k in range(count):
            y = f(x)
            if k % 3:
                y.sum().backward()
            if k % 50 == 0:
                assert y.grad_fn is not None

    calls(20_000)
    before = resident()
    calls(100_000)
    assert resident() - before < 4 << 20


def test_what_a_call_is_given_dies_with_its_history(tape):
    w = leaf(1.0, 2.0)
    f = compiled(lambda x: (w * x).tanh(), torch.ones(2))
    x = torch.ones(2)
    seen = weakref.ref(x)
    y = f(x)
    del x
    y.sum().backward()
    del y
    gc.collect()
    tape.collect()
    assert seen() is None


def test_a_function_that_holds_its_own_result_is_found_by_the_collector(tape):
    class State:
        h: Any = None

    def make() -> tuple[Any, Any]:
        w, state = leaf(1.0, 2.0), State()

        def fn(x: Any) -> Any:
            assert state is not None
            return (w * x).tanh()

        f = compiled(fn, torch.ones(2))
        state.h = f(torch.ones(2))
        state.f = f  # type: ignore[attr-defined]
        return weakref.ref(state), weakref.ref(f)

    gone = make()
    gc.collect()
    tape.collect()
    gc.collect()
    assert [g() for g in gone] == [None, None]


def test_results_outlive_the_compiled_function():
    w = leaf(1.0, 2.0)
    y = compiled(lambda x: (w * x).tanh(), torch.ones(2))(torch.ones(2))
    z = compiled(lambda x: (w * x).tanh(), torch.ones(2))(torch.ones(2))
    w.grad = None
    gc.collect()
    y.sum().backward()
    (g,) = torch.autograd.grad(z.sum(), w, create_graph=True)
    assert torch.allclose(w.grad, g.detach()) and g.requires_grad


# ---------------------------------------------------------------- beside others


def test_threads_sweep_the_same_function():
    w = torch.linspace(0, 1, 64).requires_grad_()
    f = compiled(lambda x: (w * x).tanh() @ w, torch.ones(64))
    wanted = [torch.autograd.grad(((w * k).tanh() @ w), w)[0].tolist() for k in range(1, 5)]
    wrong: list[Any] = []

    def work(k: int) -> None:
        v = torch.full((64,), float(k))
        for i in range(300):
            h = leaf(1.0)
            y = f(v) * h
            if i % 10 == 0:
                assert y.grad_fn is not None
            (g,) = torch.autograd.grad(y.sum(), w) if i % 2 else (None,)
            if g is not None and not close(g.tolist(), wanted[k - 1]):
                wrong.append((k, i))
            elif g is None:
                y.sum().backward(inputs=[h])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_forked_child_sweeps_what_its_parent_recorded():
    w = leaf(1.0, 2.0)
    f = compiled(lambda x: (w * x).tanh(), torch.ones(2))
    w.grad = None
    y = f(torch.ones(2))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            y.sum().backward()
            status = 0 if torch.allclose(w.grad, 1 - torch.tanh(w.detach()) ** 2) else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    y.sum().backward()
    assert torch.allclose(w.grad, 1 - torch.tanh(w.detach()) ** 2)


def test_plans_and_layouts_of_nodes_are_not_forgotten(monkeypatch):
    monkeypatch.setattr(generations, "YOUNG", 64)
    for table in (planner.table, layouts.table):
        monkeypatch.setattr(table, "limit", 64)
    w = torch.linspace(0, 1, 7).requires_grad_()
    f = compiled(lambda x: (w * x).tanh() * w, torch.ones(7))
    early = f(torch.ones(7))
    for n in range(300):
        v = torch.ones(n + 3, requires_grad=True)
        (v * 2).exp().sum().backward()
    w.grad = None
    early.sum().backward()
    first_found, w.grad = w.grad, None
    f(torch.ones(7)).sum().backward()
    assert torch.equal(first_found, w.grad)


def test_the_tape_may_move_while_a_sweep_runs_over_nodes(tape):
    w = torch.linspace(0, 1, 7).requires_grad_()
    f = compiled(lambda x: (w * x).tanh(), torch.ones(7))
    w.grad = None
    h = torch.ones(7)
    for _ in range(5):
        h = f(h.detach()) + h

    def hook(g: Any) -> None:
        for _ in range(100):
            f(torch.ones(7))
        tape.collect()

    h.register_hook(hook)
    h.sum().backward()
    found, w.grad = w.grad, None
    h = torch.ones(7)
    for _ in range(5):
        h = (w * h.detach()).tanh() + h
    h.sum().backward()
    assert torch.allclose(found, w.grad)


@pytest.mark.parametrize("met", [False, True])
def test_what_a_call_keeps_is_let_go_after_the_collector_took_its_function(met, tape):
    class Owner:
        def __init__(self) -> None:
            self.w = torch.ones(5, requires_grad=True)
            self.step = compiled(lambda x: (self.w * x).tanh() * x, torch.ones(5))
            self.made = [self.step(torch.ones(5)) for _ in range(20)]
            if met:
                self.nodes = [y.grad_fn for y in self.made]

    gc.collect()
    tape.collect()
    before = tape.kept_bytes, tape.instructions
    for _ in range(5):
        Owner()
        tape.collect()
        gc.collect()
        filled = [np.full(n, 2, np.uint64) for n in range(1, 64) for _ in range(30)]  # where its tables were
        tape.collect()
        del filled
    assert tape.kept_bytes <= before[0] and tape.instructions <= before[1]


def test_the_collector_may_empty_a_calls_function_before_its_instructions():
    """In which order it comes by what it found is chance: hence some rounds."""
    for turn in range(30):
        a = SimpleNamespace(w=torch.ones(5, requires_grad=True))
        a.step = compiled(lambda x, a=a: (a.w * x).tanh() * x, torch.ones(5))
        a.made = [a.step(torch.ones(5)) for _ in range(20)]
        a.nodes = [y.grad_fn for y in a.made[:turn % 3]]
        del a
        gc.collect()
        filled = [np.full(n, 2, np.uint64) for n in range(1, 64) for _ in range(30)]  # where its tables were
        gc.collect()
        del filled


REACHED = torch.tensor([0.3, 0.5, -1.0], dtype=torch.float64, requires_grad=True)
PASSED = torch.tensor([-0.7, 0.2, 0.9], dtype=torch.float64, requires_grad=True)


def of_two(x: Any, y: Any) -> Any:
    return torch.sin(x) * y.exp() + (x * y).sum()


def of_one_that_it_reads(x: Any, y: Any) -> Any:
    return torch.sin(x) * REACHED.sum() + (REACHED * y).sum() * y


def of_a_list(x: Any, y: Any) -> Any:
    return torch.stack([a * b for a, b in zip([x, y, x], [REACHED, y * y, x.exp()])]).sum(0)


def if_it_is_the_same(x: Any, y: Any) -> Any:
    return torch.sin(x) * y * y if x is y else x * y


GIVEN = {
    "apart": lambda: (PASSED, REACHED * 2), "a leaf twice": lambda: (PASSED, PASSED),
    "what it reads": lambda: (REACHED, REACHED), "what it reads, and another": lambda: (REACHED, PASSED),
    "a result twice": lambda: (lambda t: (t, t))(PASSED * 2), "a view twice": lambda: (lambda t: (t, t))(PASSED[:]),
    "two views": lambda: (PASSED[:], PASSED[:]), "a leaf and its result": lambda: (PASSED, PASSED * 2),
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("function", [of_two, of_one_that_it_reads, of_a_list, if_it_is_the_same])
def test_tensors_that_are_passed_twice_are_differentiated_as_one(function, given):
    """Second and third derivatives, and many cotangents in one sweep."""
    made, inputs = compile(function), [PASSED, REACHED]
    for _ in range(CALLS):
        made(*GIVEN[given]()).sum().backward()
        PASSED.grad = REACHED.grad = None
    assert made.replays

    def derivatives(f: Any) -> list[Any]:
        def derived(y: Any, **how: Any) -> Any:
            return [g for g in torch.autograd.grad(y, inputs, allow_unused=True, **how) if g is not None]

        first = derived(f(*GIVEN[given]()).sum(), create_graph=True)
        second = derived(sum((g * g).sum() for g in first), create_graph=True)
        third = derived(sum((g * g).sum() for g in second))
        eye = torch.eye(3, dtype=torch.float64)
        rows = derived(f(*GIVEN[given]()), grad_outputs=eye, is_grads_batched=True)
        deep = derived(f(*GIVEN[given]()), grad_outputs=eye, is_grads_batched=True, create_graph=True)
        return [*first, *second, *third, *rows, *derived(sum((g * g).sum() for g in deep))]

    found, expected = derivatives(made), derivatives(function)
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_jacobians_of_what_was_compiled_are_found_in_one_sweep():
    layer = compile(lambda x: torch.tanh(x * REACHED.detach()) @ torch.ones(3, 2, dtype=torch.float64))
    for _ in range(CALLS):
        layer(PASSED).sum().backward()
    for transform in (lambda f: torch.autograd.functional.jacobian(f, PASSED, vectorize=True),
                      lambda f: torch.autograd.functional.hessian(lambda x: f(x).sum(), PASSED, vectorize=True),
                      lambda f: torch.func.jacrev(f)(PASSED)):
        found, expected = transform(layer), transform(layer.__wrapped__)
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    PASSED.grad = None
