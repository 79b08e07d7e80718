"""Results and arguments that require grad: a compiled call is a node of the graph that behaves as the eager graph does.

Each program is made twice, runs as written and compiled, call after call; what `use` makes of the result (gradients,
hooks, second derivatives) is compared, bit for bit.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import compile, refusals, variant

CALLS = 6
PROGRAMS: dict[str, Any] = {}


def program(factory: Any) -> Any:
    """Register a factory: it returns (function, arguments of call i, what to make of the result and the arguments)."""
    PROGRAMS[factory.__name__] = factory
    return factory


def leaf(*values: float) -> Any:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def taken(*tensors: Any) -> list[Any]:
    """Gradients, as bytes, which are then forgotten."""
    found = [None if t.grad is None else t.grad.tolist() for t in tensors]
    for t in tensors:
        t.grad = None
    return found


@program
def closure_parameter() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        y.backward()
        return taken(w)

    return (lambda x: (w * x).sin().sum()), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def argument_that_is_a_leaf() -> Any:
    def use(y, x):
        y.backward()
        return taken(x)

    return (lambda x: (x * x).exp().sum()), lambda i: (leaf(0.1 * i, 1.0),), use


@program
def argument_that_is_no_leaf() -> Any:
    v = leaf(0.5, 0.25)

    def use(y, x):
        y.backward()
        return taken(v)

    return (lambda x: (x * x).sum()), lambda i: (v * i + 1,), use


@program
def the_same_argument_twice() -> Any:
    def use(y, a, b):
        y.sum().backward()
        return taken(a)

    def arguments(i):
        x = leaf(0.1 * i, 1.0)
        return x, x

    return (lambda a, b: a * b + a), arguments, use


@program
def several_results_and_all_used() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        (y["a"].sum() + y["b"][0].sum() * 2).backward()
        return taken(w)

    return (lambda x: {"a": w * x, "b": (w.exp(), 3)}), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def one_of_several_results() -> Any:
    w, v = leaf(0.0, 2.0), leaf(3.0, 4.0)

    def use(y, x):
        y[0].sum().backward()  # the root at zero has an infinite derivative, which must not be touched
        return taken(w, v)

    return (lambda x: (w * x, w.sqrt() * v, x * 2)), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def two_of_three_results() -> Any:
    w, v = leaf(0.0, 2.0), leaf(3.0, 4.0)

    def use(y, x):
        (y[0] + y[2]).sum().backward()
        return taken(w, v)

    return (lambda x: (w * x, w.sqrt() * v, w * v)), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def the_result_twice() -> Any:
    w = leaf(1.0, 2.0)

    def f(x):
        y = w * x
        return y, y

    def use(y, x):
        assert y[0] is y[1]
        y[0].sum().backward()
        return taken(w)

    return f, lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def part_of_what_was_computed() -> Any:
    w = leaf(1.0, 2.0, 3.0, 4.0)

    def use(y, x):
        y.sum().backward()
        return [y.stride(), taken(w)]

    return (lambda x: (w * x).reshape(2, 2).t()), lambda i: (torch.ones(4, dtype=torch.float64) * i,), use


@program
def view_of_an_argument() -> Any:
    w = leaf(2.0)

    def use(y, x):
        y.mul_(w)  # which writes to the argument, and gives it a history
        x.sum().backward()
        return [x.tolist(), taken(w)]

    return (lambda x: x[1:]), lambda i: (torch.ones(3, dtype=torch.float64) * i,), use


@program
def broadcast_gradient() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        y.sum().backward()
        return taken(w)

    return (lambda x: w * x), lambda i: (torch.ones(3, 2, dtype=torch.float64) * i,), use


@program
def second_derivative_outside() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        (g,) = torch.autograd.grad(y, w, create_graph=True)
        (h,) = torch.autograd.grad((g * g).sum(), w)
        return [g.tolist(), h.tolist()]

    return (lambda x: (w ** 3 * x).sum()), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def second_derivative_through_an_argument() -> Any:
    v = leaf(1.0, 2.0)

    def use(y, x):
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        g.sum().backward()
        return taken(v)

    return (lambda x: (x ** 3).sum()), lambda i: (v.sin() * (i + 1),), use


@program
def penalty_on_a_gradient_inside() -> Any:
    w = leaf(1.0, 2.0)

    def f(x):
        (g,) = torch.autograd.grad((w ** 3 * x).sum(), w, create_graph=True)
        return (g * g).sum()

    def use(y, x):
        y.backward()
        return taken(w)

    return f, lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def gradient_of_an_argument_inside() -> Any:
    def f(x):
        return torch.autograd.grad((x ** 3).sum(), x)[0] * 2

    return f, lambda i: (leaf(1.0 * i, 2.0),), lambda y, x: [y.tolist(), y.requires_grad]


@program
def backward_inside_to_an_argument() -> Any:
    def f(w, x):
        (w * x).sum().backward()
        with torch.no_grad():
            w.sub_(0.1 * w.grad)

    weights = [leaf(1.0, 2.0)]

    def use(y, w, x):
        return [w.tolist(), w.grad.tolist(), w._version]

    return f, lambda i: (weights[0], torch.ones(2, dtype=torch.float64) * i), use


@program
def freed_by_the_call_itself() -> Any:
    w = leaf(1.0, 2.0)

    def f(x):
        loss = (w * w * x).sum()
        loss.backward()
        return loss

    def use(y, x):
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            y.backward()
        return [y.requires_grad, taken(w)]

    return f, lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def hooks_on_parameter_and_argument() -> Any:
    w, seen = leaf(1.0, 2.0), []
    w.register_hook(lambda g: g * 2)

    def use(y, x):
        handle = x.register_hook(lambda g: seen.append(g.tolist()))
        y.backward()
        handle.remove()
        return [taken(w, x), list(seen)]

    return (lambda x: (w * x * x).sum()), lambda i: (leaf(1.0 * i, 2.0),), use


@program
def hook_on_the_result() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        y.register_hook(lambda g: g * 3)
        y.sum().backward()
        return taken(w)

    return (lambda x: w * x), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def result_used_twice_and_retained() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        loss = (y * y).sum()
        loss.backward(retain_graph=True)
        loss.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            loss.backward()
        return taken(w)

    return (lambda x: (w * x).exp()), lambda i: (torch.ones(2, dtype=torch.float64) * 0.1 * i,), use


@program
def several_calls_in_one_graph() -> Any:
    w = leaf(0.5, 0.25)
    calls: list[Any] = []

    def use(y, x):
        calls.append(y)
        if len(calls) % 3:
            return None
        sum(calls[-3:]).sum().backward()
        return taken(w)

    return (lambda x: (w * x).tanh()), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def parameter_written_after_it_was_needed() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        with torch.no_grad():
            w.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()
        return None

    return (lambda x: (w * w * x).sum()), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def parameter_written_whose_value_is_not_needed() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        with torch.no_grad():
            w.add_(1)
        y.backward()
        return taken(w)

    return (lambda x: (w.exp() * x).sum()), lambda i: (torch.ones(2, dtype=torch.float64) * 0.1 * i,), use


@program
def result_written_that_backward_reads() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        with torch.no_grad():
            y.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
        return None

    return (lambda x: (w * x).exp()), lambda i: (torch.ones(2, dtype=torch.float64) * 0.1 * i,), use


@program
def result_written_with_history() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        y.add_(1)
        (y * y).sum().backward()
        return taken(w)

    return (lambda x: w * x), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def branches_with_gradients() -> Any:
    w = leaf(1.0, 2.0)

    def f(x):
        y = w * x
        return y.sin() if x.sum() > 3 else y.exp()

    def use(y, x):
        y.sum().backward()
        return taken(w)

    return f, lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def matrix_layers() -> Any:
    torch.manual_seed(0)
    ws = [torch.randn(4, 3, requires_grad=True), torch.randn(3, requires_grad=True), torch.randn(3, 2).requires_grad_()]

    def use(y, x):
        y.backward()
        return taken(*ws, x)

    return (lambda x: (torch.tanh(x @ ws[0] + ws[1]) @ ws[2]).pow(2).mean()), lambda i: (
        (torch.ones(5, 4) * i).requires_grad_(),), use


@program
def a_long_loop() -> Any:
    g = leaf(9.81)

    def f(theta):
        omega = theta * 0
        for _ in range(60):
            theta, omega = theta + 0.01 * omega, omega - 0.01 * g * theta.sin()
        return theta

    def use(y, x):
        y.sum().backward()
        return taken(g, x)

    return f, lambda i: (leaf(0.1 * i),), use


@program
def no_grad_and_grad_in_turn() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        with torch.no_grad():
            again = compiled_or_not[0](x)
        y.sum().backward()
        return [again.requires_grad, again.tolist(), taken(w)]

    compiled_or_not: list[Any] = []

    def f(x):
        return w * x

    compiled_or_not.append(f)
    return f, lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def detached_and_not() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        y[1].sum().backward()
        return [y[0].requires_grad, y[0].tolist(), taken(w)]

    def f(x):
        y = w * x
        return (y * 2).detach(), y

    return f, lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


@program
def random_draws_in_a_layer() -> Any:
    w = leaf(1.0, 2.0)
    torch.manual_seed(5)

    def use(y, x):
        (g,) = torch.autograd.grad(y.sum(), w, create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), w)
        return [y.tolist(), g.tolist(), h.tolist(), torch.rand(1).tolist()]

    return (lambda x: w ** 3 * torch.rand(2, dtype=torch.float64)), lambda i: (torch.ones(2),), use


@program
def retained_gradient_of_the_result() -> Any:
    w = leaf(1.0, 2.0)

    def use(y, x):
        y.retain_grad()
        (y * y).sum().backward()
        return [y.grad.tolist(), taken(w)]

    return (lambda x: w * x), lambda i: (torch.ones(2, dtype=torch.float64) * i,), use


def run(factory: Any, wrap: Any) -> tuple[list[Any], Any]:
    function, arguments, use = factory()
    function = wrap(function)
    history = []
    for i in range(CALLS):
        given = arguments(i)
        result = function(*given)
        value = result.tolist() if isinstance(result, torch.Tensor) else None
        history.append((value, use(result, *given)))
    return history, function


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_eager(name):
    expected, _ = run(PROGRAMS[name], lambda f: f)
    found, function = run(PROGRAMS[name], compile)
    assert repr(found) == repr(expected), function.explain()
    assert function.reason is None and function.replays > 1, function.explain()


def replayed(f: Any, *args: Any) -> Any:
    """A compiled function after its captures."""
    compiled = compile(f)
    for _ in range(6):
        compiled(*args)
    assert compiled.replays > 1, compiled.explain()
    return compiled


def test_one_node():
    w = leaf(1.0, 2.0)
    y = replayed(lambda x: (w * x).sin().sum(), torch.ones(2))(torch.ones(2))
    assert y.grad_fn.name() == "CompiledFunctionBackward"
    assert [n.variable for n, _ in y.grad_fn.next_functions if n] == [w]


def test_only_what_the_gradient_reaches_is_an_input():
    w, v = leaf(1.0, 2.0), leaf(3.0)
    f = replayed(lambda x: (w * x).sum() + v.detach().sum(), torch.ones(2))
    f(torch.ones(2)).backward()
    assert v.grad is None and w.grad is not None


def test_what_a_backward_kept_is_freed():
    w = torch.rand(1 << 16, requires_grad=True)
    f = replayed(lambda x: ((w * x).exp() * x).sum(), torch.ones(1 << 16))
    y = f(torch.ones(1 << 16))
    node = y.grad_fn
    assert node._pullback is not None
    y.backward()
    assert node._pullback is None


def test_memory_is_bounded_when_nobody_calls_backward():
    w = torch.rand(1 << 14, requires_grad=True)
    x = torch.ones(1 << 14)
    f = replayed(lambda x: ((w * x).exp() * x).sum(), x)
    for _ in range(2000):  # reclaiming starts when 64 MB are kept
        f(x)
    before = resident()
    for _ in range(2000):
        f(x)
    assert resident() - before < 16 << 20


def resident() -> int:
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


def test_a_second_derivative_refuses_what_it_cannot_repeat():
    w, count = leaf(1.0, 2.0), torch.zeros(1)

    def f(x):
        count.add_(1)
        return (w ** 3 * x).sum()

    y = replayed(f, torch.ones(2))(torch.ones(2))
    with pytest.raises(RuntimeError, match="writes to memory that others see"):
        torch.autograd.grad(y, w, create_graph=True)


def test_a_second_derivative_looks_at_python_values():
    w, rates = leaf(1.0, 2.0), [2.0]
    y = replayed(lambda x: (w ** 3 * x * rates[0]).sum(), torch.ones(2))(torch.ones(2))
    rates[0] = 5.0
    with pytest.raises(RuntimeError, match="values that it reads have changed"):
        torch.autograd.grad(y, w, create_graph=True)


def test_gradients_agree_with_finite_differences():
    w = torch.rand(3, dtype=torch.float64, requires_grad=True)
    f = replayed(lambda x: (torch.tanh(x @ x.t()) * w).sum(0), torch.rand(3, 3, dtype=torch.float64).requires_grad_())
    x = torch.rand(3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (x,)) and torch.autograd.gradgradcheck(f, (x,))
    assert np.isfinite(f(x).detach().numpy()).all()


def test_a_backward_that_cannot_be_a_program_leaves_the_function_as_written(monkeypatch):
    def refuse(*parts):
        raise refusals.Refused("the backward of its result writes to what the forward kept")

    monkeypatch.setattr(variant, "divide", refuse)
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    f = torch.compile(lambda x: (w * x).sin())
    with pytest.warns(UserWarning, match="what the forward kept"):
        results = [f(torch.ones(2)) for _ in range(4)]
    assert not f.replays
    results[-1].sum().backward()
    assert torch.allclose(w.grad, w.detach().cos())


def test_what_is_differentiated_twice_each_time_runs_as_written() -> None:
    """For a second derivative it has to run once more, in Python: 24 times a small network's step."""
    w, x = leaf(1.0, 2.0), leaf(0.5, 0.25)
    model = compile(lambda x: (w * x).sin().sum())
    with pytest.warns(UserWarning, match="differentiated in their turn"):
        for _ in range(40):
            (first,) = torch.autograd.grad(model(x), x, create_graph=True)
            (second,) = torch.autograd.grad(first.sum(), x)
            assert second.tolist() == torch.func.hessian(model.__wrapped__)(x).sum(0).tolist()
    assert model.captures == 2


def test_what_is_differentiated_twice_now_and_then_stays_compiled() -> None:
    x = leaf(0.5, 0.25)
    model = compile(lambda x: x.sin().sum())
    for i in range(400):
        (first,) = torch.autograd.grad(model(x), x, create_graph=i % 8 == 0)
        if first.requires_grad:
            torch.autograd.grad(first.sum(), x)
    assert model.replays > 390 and not model.reason
