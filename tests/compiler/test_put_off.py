"""A call that is captured is not run as it is written: its kernels wait, and nobody may notice."""
from __future__ import annotations

import contextlib
import ctypes
import gc
import warnings

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import captured_function
from tapegrad.compiler.numbers import substitution
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.learning import capturing, following
from tapegrad.machine.live import machine
from tapegrad.machine.llvm import late_binding


@pytest.fixture
def w():
    return torch.arange(1.0, 5.0, dtype=torch.float64).requires_grad_()


def first_call(function, *args):
    """What a first call returns, and a second one, which are captured both."""
    compiled = torch.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compiled(*args), compiled(*args)


def test_results_and_gradients_are_there_after_the_first_call(w):
    def step():
        w.grad = None
        loss = (w * w).exp().log().sum()
        loss.backward()
        return loss.detach()

    compiled = torch.compile(step)
    for call in range(4):
        assert compiled().item() == pytest.approx(30, rel=1e-12)
        assert w.grad.tolist() == pytest.approx([2, 4, 6, 8], rel=1e-12)
        assert compiled.captures == min(call + 1, 2)


def test_python_sees_values_at_once(w):
    seen = []

    def step():
        y = w.detach() * 2
        seen.append(y.sum().item())
        y += 1
        seen.append(y.tolist())
        return y

    first, second = first_call(step)
    assert seen == [20, [3, 5, 7, 9]] * 2 and first.tolist() == second.tolist() == [3, 5, 7, 9]


def test_an_exception_leaves_behind_what_was_written_before_it(w):
    total = torch.zeros(4, dtype=torch.float64)

    def step():
        total.add_(w.detach())
        raise ValueError("stop")

    compiled = torch.compile(step)
    for call in (1, 2, 3):
        with pytest.raises(ValueError, match="stop"):
            compiled()
        assert total.tolist() == [call * x for x in (1, 2, 3, 4)]


def test_tensors_that_outlive_the_call_otherwise(w):
    kept = []

    def step():
        y = w.detach() * 3
        kept.append(y + 1)
        return y

    first, second = first_call(step)
    assert first.tolist() == second.tolist() == [3, 6, 9, 12]
    assert [k.tolist() for k in kept] == [[4, 7, 10, 13]] * 2


def test_a_result_with_history_has_what_its_backward_reads(w):
    for result in first_call(lambda: (w * w).tanh().sum()):
        w.grad = None
        result.backward()
        x = w.detach().numpy()
        np.testing.assert_allclose(w.grad.numpy(), 2 * x * (1 - np.tanh(x * x) ** 2), rtol=1e-12, atol=1e-14)


def test_a_failure_is_raised_where_it_happens(w):
    total, index = torch.zeros(4, dtype=torch.float64), torch.tensor([7])

    def step():
        total.add_(1)
        try:
            w.detach().index_select(0, index)
        finally:
            total.mul_(10)

    compiled = torch.compile(step)
    for expected in (10, 110):
        with pytest.raises(IndexError, match="out of range"):
            compiled()
        assert total.tolist() == [expected] * 4


def waits(function):
    """Whether a capture of a call still waits with its kernels when it ends."""
    trace = capturing.begin()
    try:
        result = function()
    finally:
        events = capturing.end()
    if trace.put_off:
        capturing.carry_out(events)
    capturing.release(trace, events)
    return trace.put_off, result.tolist()


def test_calls_wait_behind_a_check_of_what_is_there_already(w):
    x, i = w.detach(), torch.tensor([2, 0])
    assert waits(lambda: (x * 2)[i] + 1) == (True, [7, 3])
    assert waits(lambda: (x * 2).gather(0, torch.tensor([3]))) == (True, [8])
    assert waits(lambda: (x * 2)[i + 1] + 1) == (False, [9, 5])  # the index itself was put off
    assert waits(lambda: (i.add_(1), x[i])[1]) == (False, [4, 2])


def test_an_index_that_fails_does_so_where_it_is_used(w):
    table, i = w.detach(), torch.tensor([1, 4])

    def step():
        y = table * 2
        try:
            return y[i]
        except IndexError:
            return y + 1

    assert [r.tolist() for r in first_call(step)] == [[3, 5, 7, 9]] * 2


def test_memory_of_numpy_that_is_written_or_freed_meanwhile():
    def step(x):
        array = np.full(1000, 2.0)
        y = torch.from_numpy(array) * x
        array[:] = 0
        del array
        return y

    x = torch.ones(1000, dtype=torch.float64)
    assert all(y.tolist() == [2] * 1000 for y in first_call(step, x))


@pytest.mark.parametrize("held", [False, True])
def test_memory_of_a_tensor_that_numpy_reads_and_writes(held):
    def factory():
        x = torch.zeros(3, dtype=torch.float64)
        array = x.numpy()
        arrays = {"x": [array]}

        def step():
            x.add_(1)
            total = float((arrays["x"][0] if held else array).sum())
            array[0] = 5
            return x * total

        return step

    written, compiled = factory(), torch.compile(factory())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(5):
            assert compiled().tolist() == written().tolist()


def test_singular_vectors_outside_of_a_matrix_follow_it():
    def step(a):
        return torch.linalg.svd(a, full_matrices=True)[0]

    compiled = torch.compile(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(5):
            a = torch.tensor([[1.0 + k], [2.0], [3.0]], dtype=torch.float64)
            u = compiled(a)
            assert torch.allclose(u.mT @ u, torch.eye(3, dtype=torch.float64))
            assert torch.allclose(u[:, 1:].mT @ a, torch.zeros(2, 1, dtype=torch.float64))


def test_random_numbers_are_those_of_the_stream():
    x = torch.zeros(3, dtype=torch.float64)
    compiled = torch.compile(lambda: torch.rand(3, dtype=torch.float64) * 2 + x)
    torch.manual_seed(5)
    found = [compiled().tolist() for _ in range(4)]
    torch.manual_seed(5)
    assert found == [(torch.rand(3, dtype=torch.float64) * 2).tolist() for _ in range(4)]


def test_operations_met_in_a_capture_run_by_themselves_later():
    """Their kernels are stubs, bound by whoever calls them first: here by all threads at once."""
    def loss(x):
        return (x.tanh() * 1.37 + x.sin() * 0.73).sum()

    x = torch.rand(300_001, dtype=torch.float64).requires_grad_()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)

        def step():
            x.grad = None
            loss(x).backward()

        torch.compile(step)()
        captured = x.grad.numpy().copy()
        for _ in range(2):
            step()
            np.testing.assert_allclose(x.grad.numpy(), captured, rtol=1e-14)
        loss(x).backward()  # adds to it, with the other kernel of the same step
        np.testing.assert_allclose(x.grad.numpy(), 2 * captured, rtol=1e-14)
    finally:
        torch.set_num_threads(before)


def test_a_kernel_that_cannot_be_compiled_is_a_failure():
    def make():
        raise RuntimeError("no such kernel")

    address = late_binding.stub(make)
    call = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(address)
    nest = np.zeros(2, "i8")
    assert call(0, nest.ctypes.data) == rec.RAISED
    assert str(late_binding.failure.pop()) == "no such kernel"


def test_threads_ask_for_the_kernel_that_a_step_has(monkeypatch):
    """A step that always adds takes the adding kernel; a capture has left a stub where the storing one would be."""
    monkeypatch.setattr(emitter, "_addresses", {})
    first_call(lambda x: x / x.sum(1, keepdim=True), torch.ones(301, 1, dtype=torch.float64))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        x = torch.ones(73, 1, 901, dtype=torch.float64, requires_grad=True)
        ones = torch.ones(73, 6, 901, dtype=torch.float64)
        (found,) = torch.autograd.grad(x.expand(73, 6, 901), x, ones, create_graph=True)
        assert (found == 6).all()
        scalar = torch.ones((), dtype=torch.float64, requires_grad=True)
        (found,) = torch.autograd.grad(scalar.expand(73, 6, 901), scalar, ones, create_graph=True)
        assert found == 73 * 6 * 901
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("path", [
    "capturing.late_binding.want", "capturing.restore_kernels", "captured_function.Captured",
    "captured_function.optimise", "captured_function.Program", "captured_function.trace_backward",
    "substitution.release", "capturing.emitter.bind", "capturing.release", "following.Graph.stand_in"])
@pytest.mark.parametrize("at", [0, 1])
def test_an_interrupt_leaves_no_capture_open_and_nothing_undone(path, at, monkeypatch):
    """Whatever a call had done by then is done, and what comes next is as if nothing had happened."""
    state = {"t": 0}
    w = torch.ones(3, requires_grad=True)

    @torch.compile
    def step(x):
        state["t"] += 1
        loss = (w * x / state["t"]).square().sum()
        (w.grad,) = torch.autograd.grad(loss, w)
        with torch.no_grad():
            w.mul_(0.5)
        return w * x

    place, name = path.rsplit(".", 1)
    where = {"captured_function": captured_function, "capturing": capturing,
             "substitution": substitution, "following.Graph": following.Graph,
             "capturing.late_binding": late_binding, "capturing.emitter": emitter}[place]
    plain, calls = getattr(where, name), []

    def interrupted(*args, **kwargs):
        calls.append(0)
        if len(calls) == at + 1:
            raise KeyboardInterrupt
        return plain(*args, **kwargs)

    step(torch.ones(3)), step(torch.ones(3))
    monkeypatch.setattr(where, name, interrupted)
    done = 2
    for _ in range(4):
        with contextlib.suppress(KeyboardInterrupt):
            step(torch.full((3,), 2.0))
        assert capturing.active is None and not any(machine.state[k][0] for k in ("trace", "holding", "postponing"))
        assert type(state["t"]) is int and gc.isenabled()
        done = state["t"]
    monkeypatch.undo()
    assert w.tolist() == [0.5 ** done] * 3
    assert w.grad.tolist() == pytest.approx([2 * 0.5 ** (done - 1) * 4 / done ** 2] * 3)
    result = step(torch.ones(3))
    assert state["t"] == done + 1 and result.tolist() == [0.5 ** (done + 1)] * 3


@pytest.mark.parametrize(("name", "does"), [("taken", True), ("give_up", False)])
def test_an_interrupt_leaves_captures_to_the_next_call(name, does, monkeypatch):
    """One that comes as this call has claimed them, or is about to give them up."""
    step, calls, plain = torch.compile(lambda x: x * 2), [], getattr(capturing.Claim, name)

    def interrupted(claim):
        calls.append(0)
        found = plain(claim) if does or len(calls) > 1 else None
        if len(calls) == 1:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(capturing.Claim, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        step(torch.ones(3))
    for _ in range(4):
        step(torch.ones(3))
    assert step.replays and calls
