"""Compiled functions do what the function as written does, call after call, whatever changes in between.

A program is a factory: it makes fresh state and returns (function, arguments of call i, what to do before call i, state
to compare). Each runs twice, as written and compiled; results and state are compared after every call.
"""
from __future__ import annotations

import copy
import ctypes
import gc
import math
import pickle
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import compile
from tapegrad.machine import records as rec

CALLS = 9
PROGRAMS: dict[str, Any] = {}
SETTINGS: dict[str, Any] = {"scale": 1.0}
GLOBAL_SCALE = 1.0
GLOBAL_LIST: list[Any] = []


def program(replayed: bool = True) -> Any:
    """Register a factory; `replayed` says whether it should end up compiled (or running as written)."""

    def register(factory: Any) -> Any:
        PROGRAMS[factory.__name__] = (factory, replayed)
        return factory

    return register


def leaf(*values: float, dtype: Any = torch.float64) -> Any:
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def nothing(i: int) -> None:
    pass


def no_arguments(i: int) -> tuple[Any, ...]:
    return ()


@program()
def sgd_step() -> Any:
    w, x = leaf(1.0, 2.0, 3.0), torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)

    def step():
        loss = ((w * x).sin() ** 2).sum()
        loss.backward()
        with torch.no_grad():
            w.sub_(0.1 * w.grad)
        w.grad.zero_()

    return step, no_arguments, nothing, lambda: [w, w.grad]


@program()
def gradient_set_to_none() -> Any:
    w = leaf(1.0, 2.0)

    def step():
        w.grad = None
        (w * w).sum().backward()
        with torch.no_grad():
            w.sub_(0.1 * w.grad)

    return step, no_arguments, nothing, lambda: [w, w.grad]


@program()
def gradients_accumulate() -> Any:
    w = leaf(1.0, 2.0)

    def step():
        (w * w * w).sum().backward()

    return step, no_arguments, nothing, lambda: [w.grad]


@program()
def forward_of_an_argument() -> Any:
    w = torch.tensor([1.0, 2.0])
    return (lambda x: (x * w).exp().sum()), lambda i: (torch.tensor([0.1 * i, 1.0]),), nothing, lambda: [w]


@program()
def several_results_nested() -> Any:
    def f(x, y):
        return {"sum": x + y, "both": [x * y, (x - y, 3)]}

    return f, lambda i: (torch.tensor([1.0 * i]), torch.tensor([2.0])), nothing, list


@program()
def nested_arguments() -> Any:
    def f(pair, *, more):
        return pair[0] * pair[1] + more["bias"]

    return f, lambda i: ((torch.tensor([1.0 + i]), torch.tensor([2.0])),), nothing, list


@program()
def argument_is_returned() -> Any:
    return (lambda x: (x, x + 1)), lambda i: (torch.tensor([1.0 * i]),), nothing, list


@program()
def shapes_change() -> Any:
    return (lambda x: (x * 2).sum()), lambda i: (torch.arange(1.0 + i % 3),), nothing, list


@program()
def dtypes_change() -> Any:
    return (lambda x: x / 2), lambda i: (torch.arange(3, dtype=(torch.int64, torch.float64)[i % 2]),), nothing, list


@program()
def strides_change() -> Any:
    def argument(i):
        x = torch.arange(6.0).reshape(2, 3) + i
        return (x if i % 2 else x.reshape(3, 2).t(),)

    return (lambda x: x.sum(1)), argument, nothing, list


@program()
def python_argument_changes() -> Any:
    return (lambda x, k: x * k), lambda i: (torch.ones(2), i % 2), nothing, list


@program()
def branch_on_a_value() -> Any:
    w = torch.zeros(1)

    def f(x):
        if x.sum() > 2:
            return x * 10 + w
        return x - 1

    return f, lambda i: (torch.tensor([1.0, 2.0 if i % 3 == 0 else 0.5]),), nothing, list


@program()
def branch_after_an_update() -> Any:
    """The check comes after outside memory was written: a replay that breaks off must take the write back."""
    w = torch.zeros(2)
    count = torch.zeros(1)

    def step(x):
        count.add_(1)
        w.add_(x)
        if w.sum() > 4:
            w.zero_()
        return w * 1

    return step, lambda i: (torch.ones(2) * 0.5,), nothing, lambda: [w, count]


@program()
def item_of_a_constant() -> Any:
    k = torch.tensor(3.0)
    return (lambda x: x * k.item()), lambda i: (torch.ones(2) + i,), nothing, list


@program()
def item_that_changes() -> Any:
    total = torch.zeros(1)

    def step(x):
        total.add_(x)
        return total.item()

    return step, lambda i: (torch.ones(1) * i,), nothing, lambda: [total]


@program()
def closure_value_changes() -> Any:
    rate = 0.1

    def step(x):
        return x * rate

    def change(i):
        nonlocal rate
        rate = 0.1 if i < 5 else 0.7

    return step, lambda i: (torch.ones(3),), change, list


@program()
def closure_value_is_made_anew() -> Any:
    rate = 1.0

    def step(x):
        return x * rate

    def change(i):
        nonlocal rate
        rate = float(str(0.25))

    return step, lambda i: (torch.ones(3),), change, list


@program()
def global_changes() -> Any:
    def change(i):
        globals()["GLOBAL_SCALE"] = 1.0 if i < 6 else 5.0

    return (lambda x: x * GLOBAL_SCALE), lambda i: (torch.ones(3),), change, list


@program()
def container_changes() -> Any:
    def change(i):
        SETTINGS["scale"] = 1.0 if i < 5 else 4.0

    return (lambda x: x * SETTINGS["scale"]), lambda i: (torch.ones(3),), change, list


@program()
def nested_list_changes() -> Any:
    powers = [[1, 2]]

    def change(i):
        powers[0][1] = 2 if i < 6 else 3

    return (lambda x: x ** powers[0][1]), lambda i: (torch.ones(3) * 2,), change, list


@program()
def parameter_memory_changes() -> Any:
    w = torch.ones(2)

    def change(i):
        if i == 6:
            w.data = torch.full((2,), 9.0)

    return (lambda x: x * w), lambda i: (torch.ones(2),), change, lambda: [w]


@program()
def parameter_value_changes() -> Any:
    w = torch.ones(2)

    def change(i):
        w.fill_(i)

    return (lambda x: x * w), lambda i: (torch.ones(2),), change, lambda: [w]


@program()
def requires_grad_changes() -> Any:
    w = torch.ones(2)

    def f(x):
        y = (w * x).sum()
        if y.requires_grad:
            y.backward()
        return y.detach() * 1

    def change(i):
        w.requires_grad_(i >= 5)

    return f, lambda i: (torch.ones(2) * 3,), change, lambda: [w.grad]


@program()
def grad_mode_changes() -> Any:
    w = leaf(2.0)

    def step():
        y = w * w
        if torch.is_grad_enabled():
            y.sum().backward()

    def twice(i):
        if i % 2:
            with torch.no_grad():
                step_compiled[0]()

    step_compiled = [step]
    return step, no_arguments, nothing, lambda: [w.grad]


@program()
def gradient_disappears() -> Any:
    w = leaf(1.0, 2.0)

    def change(i):
        if i == 6:
            w.grad = None

    return (lambda: (w * 3).sum().backward()), no_arguments, change, lambda: [w.grad]


@program()
def gradient_is_replaced() -> Any:
    w = leaf(1.0, 2.0)

    def change(i):
        if i == 6:
            w.grad = torch.ones(2, dtype=torch.float64)

    return (lambda: (w * 3).sum().backward()), no_arguments, change, lambda: [w.grad]


@program()
def plain_loop() -> Any:
    h = 0.01

    def pendulum(theta, omega):
        for _ in range(50):
            theta, omega = theta + h * omega, omega - h * theta.sin()
        return theta, omega

    return pendulum, lambda i: (torch.tensor(0.1 * i), torch.tensor(1.0)), nothing, list


@program()
def loop_until_converged() -> Any:
    def newton(a):
        x = a * 0.5 + 0.5
        while abs(x * x - a).max() > 1e-9:
            x = 0.5 * (x + a / x)
        return x

    return newton, lambda i: (torch.tensor([4.0 + i % 2], dtype=torch.float64),), nothing, list


@program()
def matrix_layer() -> Any:
    w, b = torch.randn(4, 3), torch.randn(3)
    return (lambda x: torch.tanh(x @ w + b)), lambda i: (torch.ones(5, 4) * i,), nothing, lambda: [w, b]


@program()
def views_and_slices() -> Any:
    def f(x):
        y = x.reshape(2, 3).t()
        return (y[1:, 0] * y[:2, 1]).sum(), torch.cat([y, y + 1]).mean(0)

    return f, lambda i: (torch.arange(6.0) + i,), nothing, list


@program()
def slice_of_an_argument_at_another_place() -> Any:
    base = torch.arange(12.0)
    return (lambda x: x * 2), lambda i: (base[3 * (i % 2):3 * (i % 2) + 3],), nothing, list


@program()
def in_place_on_an_own_value() -> Any:
    def f(x):
        y = x * 1
        y.add_(2).mul_(x)
        y[0] = 7
        return y

    return f, lambda i: (torch.ones(3) + i,), nothing, list


@program()
def constants_from_python() -> Any:
    def f(x):
        return x + torch.tensor([1.0, 2.0]) * torch.arange(2) + torch.zeros(2) + torch.full((2,), 0.5)

    return f, lambda i: (torch.ones(2) * i,), nothing, list


@program()
def constant_written_to() -> Any:
    def f(x):
        c = torch.tensor([1.0, 2.0])
        c.add_(x)
        return c * 1

    return f, lambda i: (torch.ones(2) * i,), nothing, list


@program()
def gradient_function() -> Any:
    w = leaf(1.0, 2.0)

    def f(x):
        (g,) = torch.autograd.grad((w * w * x).sum(), (w,))
        return g

    return f, lambda i: (torch.ones(2, dtype=torch.float64) * i,), nothing, lambda: [w]


@program()
def second_derivative() -> Any:
    w = leaf(1.0, 2.0)

    def f():
        (g,) = torch.autograd.grad((w ** 3).sum(), (w,), create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), (w,))
        return h

    return f, no_arguments, nothing, lambda: [w]


@program()
def helper_function() -> Any:
    def square(x):
        return x * x * GLOBAL_SCALE

    def change(i):
        globals()["GLOBAL_SCALE"] = 1.0 if i < 5 else 3.0

    return (lambda x: square(x) + 1), lambda i: (torch.ones(2) * i,), change, list


@program()
def compiled_inside_compiled() -> Any:
    inner = compile(lambda x: x * 3)
    return (lambda x: inner(x) + 1), lambda i: (torch.ones(2) * i,), nothing, list


@program()
def mathematics_of_python() -> Any:
    return (lambda x: x * math.sqrt(2) + math.pi), lambda i: (torch.ones(2) * i,), nothing, list


@program()
def result_that_requires_grad() -> Any:
    w = leaf(1.0, 2.0)
    return (lambda: (w * w).sum()), no_arguments, nothing, lambda: [w]


@program()
def random_numbers() -> Any:
    torch.manual_seed(3)
    return (lambda x: x + torch.rand(2)), lambda i: (torch.ones(2),), nothing, list


@program(replayed=False)
def list_is_appended_to() -> Any:
    seen: list[int] = []

    def f(x):
        seen.append(1)
        return x + len(seen)

    return f, lambda i: (torch.ones(2),), nothing, lambda: [torch.tensor(len(seen))]


@program()
def counter_of_an_enclosing_function() -> Any:
    n = 0

    def f(x):
        nonlocal n
        n += 1
        return x * n

    return f, lambda i: (torch.ones(2),), nothing, lambda: [torch.tensor(n)]


@program()
def object_with_state() -> Any:
    class Counter:
        n = 0

        def next(self):
            self.n += 1
            return self.n

    counter = Counter()
    return (lambda x: x * counter.next()), lambda i: (torch.ones(2),), nothing, list


@program(replayed=False)
def numpy_on_the_way() -> Any:
    return (lambda x: x + float(np.sum(x.numpy()))), lambda i: (torch.ones(2) * i,), nothing, list


@program(replayed=False)
def iterator_is_read() -> Any:
    numbers = iter(range(100))
    return (lambda x: x * next(numbers)), lambda i: (torch.ones(2),), nothing, list


@program()
def argument_is_written() -> Any:
    x = torch.zeros(2)
    return (lambda a: a.add_(1)), lambda i: (x,), nothing, lambda: [x]


@program(replayed=False)
def array_is_read() -> Any:
    data = np.ones(2)

    def change(i):
        data[:] = i

    return (lambda x: x + torch.tensor(data)), lambda i: (torch.ones(2),), change, list


@program(replayed=False)
def attribute_of_a_tensor() -> Any:
    w = torch.ones(2)
    w.factor = 1.0

    def change(i):
        w.factor = float(i)

    return (lambda x: x * w.factor), lambda i: (torch.ones(2),), change, list


@program(replayed=False)
def attribute_of_an_argument() -> Any:
    def argument(i):
        x = torch.ones(2)
        x.factor = float(i)
        return (x,)

    return (lambda x: x * x.factor), argument, nothing, list


def observed(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), tuple(value.shape), value.requires_grad, value.detach().numpy().tobytes())
    if isinstance(value, dict):
        return {k: observed(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [observed(v) for v in value]
    return value


def run(factory: Any, wrap: Any) -> tuple[list[Any], Any]:
    torch.manual_seed(0)
    function, arguments, before, state = factory()
    wrapped = wrap(function)
    more = {"more": {"bias": torch.ones(1)}} if factory.__name__ == "nested_arguments" else {}
    history = []
    for i in range(CALLS):
        before(i)
        result = wrapped(*arguments(i), **more)
        history.append((observed(result), observed(list(state()))))
    return history, wrapped


def check(factory: Any, replayed: bool) -> None:
    written, _ = run(factory, lambda f: f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled, function = run(factory, compile)
    for i, (expected, found) in enumerate(zip(written, compiled)):
        assert found == expected, f"call {i}: {function.explain()}"
    assert (function.replays > 0) is replayed, function.explain()


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    check(*PROGRAMS[name])


def test_one_warning_says_why():
    f = compile(lambda x: x + float(x.numpy()[0]))
    with pytest.warns(UserWarning, match=r"memory is handed to NumPy \(test_compile.py:[0-9]+\)"):
        f(torch.ones(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(torch.ones(2))
    assert "runs as it is written" in f.explain()


def test_results_of_two_replays_are_two_tensors():
    f = compile(lambda x: x * 2)
    a, b, c, d = (f(torch.full((2,), float(i))) for i in range(4))
    assert [t.tolist() for t in (a, b, c, d)] == [[0, 0], [2, 2], [4, 4], [6, 6]]


def test_version_counters_count_replayed_writes():
    w = torch.zeros(2)
    f = compile(lambda: w.add_(1).mul_(2) is None)
    for _ in range(5):
        f()
    assert f.replays and w._version == 10


def test_a_stale_operand_is_still_refused_after_a_replay():
    w = torch.zeros(2)
    f = compile(lambda: w.add_(1) is None)
    for _ in range(4):
        f()
    x = torch.ones(2, requires_grad=True)
    y = (x * w).sum()
    f()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_an_exception_leaves_no_capture_behind():
    def f(x):
        raise ValueError(str(x * 2))

    g = compile(f)
    for _ in range(3):
        with pytest.raises(ValueError):
            g(torch.ones(2))
    assert (torch.ones(2) + 1).tolist() == [2, 2]


def test_memory_does_not_grow_with_captures():
    f = compile(lambda x: (x * 2 + 1).sum())
    for i in range(200):
        f(torch.ones(1 + i % 40))
    before = resident()
    for i in range(2000):
        f(torch.ones(1 + i % 40))
    assert resident() - before < 4 << 20


def resident() -> int:
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


def test_a_zero_divisor_is_refused_by_a_program_as_it_is_by_the_function():
    """Nothing of the division is done; what came before it stays, as it does where the function runs as written."""
    def step(x, y):
        x.add_(1)
        x //= y.int()
        return x % y

    for before in range(4):
        compiled = compile(step)
        x, z = torch.tensor([7, 8, 9]), torch.tensor([7, 8, 9])
        for _ in range(before):
            assert compiled(x, torch.tensor([1, 1, 1])).tolist() == step(z, torch.tensor([1, 1, 1])).tolist()
        for function, written in ((step, z), (compiled, x)):
            with pytest.raises(RuntimeError, match="ZeroDivisionError"):
                function(written, torch.tensor([1, 0, 1]))
        assert x.tolist() == z.tolist() == [8 + before, 9 + before, 10 + before] and x._version == z._version
        assert compiled(x, torch.tensor([2, 3, 1])).tolist() == step(z, torch.tensor([2, 3, 1])).tolist()


def test_a_compiled_function_is_copied_and_pickled_as_a_function_is():
    """A module that has one is copied with it, also when it has run."""
    f = compile(lambda x: x * 2, eager_build=True)
    for _ in range(4):
        f(torch.ones(2))
    assert f.replays
    assert copy.copy(f) is f and copy.deepcopy([f])[0] is f
    assert pickle.loads(pickle.dumps(_doubled)) is _doubled


def test_a_compiled_module_or_method_is_copied_with_what_it_is_of():
    torch.manual_seed(0)
    whole, part = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    part.run = compile(part.forward, eager_build=True)
    x = torch.ones(2)
    for f, weights in ((compile(whole, eager_build=True), lambda f: f.__wrapped__), (part, lambda m: m)):
        run = f if f is not part else part.run
        for _ in range(4):
            y = run(x)
        for twin in (copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
            with torch.no_grad():
                weights(twin).weight.zero_()
                weights(twin).bias.fill_(3.0)
            for _ in range(4):
                assert (twin if f is not part else twin.run)(x).tolist() == [3.0, 3.0]
                assert torch.equal(run(x), y)


@compile
def _doubled(x):
    return x * 2


def test_a_way_that_is_dropped_while_it_runs_stays_until_the_call_is_over():
    """Making a result may run the collector, and that any Python."""
    f = compile(lambda x: x * 2 + 1, eager_build=True)
    for _ in range(4):
        f(torch.ones(3))
    ways = []

    def drop(phase: str, info: Any) -> None:
        for way in f._ways:
            way.variant.native_way = False
        ways.extend(map(weakref.ref, f._ways))
        way = None
        f._set_ways()

    threshold = gc.get_threshold()
    gc.callbacks.append(drop)
    gc.set_threshold(1)
    try:
        for _ in range(300):
            assert f(torch.ones(3)).tolist() == [3.0] * 3
            filled = [np.full(n, 3, np.uint64) for n in range(1, 40)]  # where what was dropped lay
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(drop)
    assert filled and ways and not any(way() for way in ways)


def test_native_code_finds_the_ways_where_they_are():
    f = compile(lambda x: x, eager_build=True)
    at = id(f) + rec.COMPILED_FUNCTION.fields["ways"][1]
    assert ctypes.c_uint64.from_address(at).value == id(f._native_ways)
    for _ in range(4):
        f(torch.ones(2))
    assert ctypes.c_uint64.from_address(at).value == id(f._native_ways) != id(())
    f = weakref.ref(f)
    gc.collect()
    assert f() is None


def test_keywords_and_failures_of_native_calls():
    f = compile(lambda x, y=2.0: x * y, eager_build=True)
    for _ in range(4):
        f(torch.ones(2))
    assert f(torch.ones(2), y=3.0).tolist() == [3.0, 3.0]
    assert f(*[torch.ones(2)], **{}).tolist() == [2.0, 2.0]
    assert f(x=torch.ones(2)).tolist() == [2.0, 2.0]
    before = f.replays
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f()
    with pytest.raises(TypeError, match="unexpected keyword"):
        f(torch.ones(2), z=1)
    assert f(torch.ones(2)).tolist() == [2.0, 2.0] and f.replays == before + 1
