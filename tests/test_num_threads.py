"""Kernels that several threads share: what they compute does not depend on how many there are."""
from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine

N = 300_007  # no multiple of anything


@pytest.fixture(autouse=True)
def restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def operand(*shape, dtype=torch.float64):
    torch.manual_seed(0)
    return torch.rand(*shape).to(dtype)


CALLS = {
    "add": lambda x: x + x, "exp": lambda x: x.exp(), "strided": lambda x: x[::3] * 2, "cast": lambda x: x.float(),
    "rows": lambda x: x[:300_000].reshape(1000, 300).softmax(1),
    "columns": lambda x: x[:300_000].reshape(300, 1000).sum(0),
    "transposed": lambda x: x[:300_000].reshape(600, 500).t().exp(), "outer": lambda x: x[:600, None] + x[None, :600],
    "in place": lambda x: x.clone().mul_(3), "sum": lambda x: x.sum(), "mean": lambda x: x.mean(),
    "max": lambda x: x.max(), "amin": lambda x: x.amin(), "prod": lambda x: (x / x).prod(),
    "norm": lambda x: x.norm(), "any": lambda x: (x > 2).any(), "all": lambda x: (x < 2).all(),
    "float32 sum": lambda x: x.float().sum(), "float32 max": lambda x: x.float().max(),
    "integers": lambda x: (x * 100).long().sum(), "logsumexp": lambda x: x.logsumexp(0), "var": lambda x: x.var(),
    "argmax": lambda x: x.argmax(), "count": lambda x: x.count_nonzero(), "mm": lambda x: x[:90_000].view(300, 300).mm(
        x[:90_000].view(300, 300)),
}


@pytest.mark.parametrize("name", CALLS)
def test_results_do_not_depend_on_threads(name):
    x = operand(N)
    found = []
    for threads in (1, 2, 3, 7):
        torch.set_num_threads(threads)
        found.append(CALLS[name](x).numpy())
    for other in found[1:]:
        assert other.dtype == found[0].dtype
        np.testing.assert_allclose(other, found[0], rtol=1e-6 if other.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("name", [
    "add", "exp", "rows", "sum", "mean", "norm", "logsumexp", "transposed", "outer", "mm"])
def test_gradients_do_not_depend_on_threads(name):
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        x = operand(N).requires_grad_()
        CALLS[name](x).sum().backward()
        found.append(x.grad.numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12, atol=1e-12)


def test_nan_is_not_lost_in_a_piece():
    torch.set_num_threads(4)
    for place in (0, N // 2, N - 1):
        x = operand(N)
        x[place] = float("nan")
        assert x.max().isnan() and x.sum().isnan() and x.amin().isnan()


def test_short_kernels_are_shared_by_threads_that_are_awake():
    """They wake none."""
    torch.set_num_threads(2)
    x, team = operand(20_000), machine.memory(int(machine.state["team"][0]), rec.TEAM, 1)[0]
    operand(N).exp()  # makes the team
    torch.set_num_threads(int(team["workers"]) + 1)
    for _ in range(10_000):
        if team["sleepers"][0] == team["workers"]:
            break
        time.sleep(0.001)
    jobs = [int(team["job"])]
    found = [x * 3]
    jobs.append(int(team["job"]))
    team["sleepers"][0] = 0  # so they say: nobody comes
    found.append(x * 3)
    jobs.append(int(team["job"]))
    team["sleepers"][0] = team["workers"]
    assert jobs[0] == jobs[1] < jobs[2]
    assert torch.equal(*found)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads are not told here where to run")
@pytest.mark.skipif(len(getattr(os, "sched_getaffinity", lambda _: [])(0)) < 2, reason="there is one core")
def test_who_is_woken_leaves_the_core_of_the_one_who_wakes():
    """As far as it may, and whoever has a say in where it runs is heard."""
    alone = """
import ctypes, os, time
import tapegrad as torch
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine
torch.set_num_threads(2)
x, mine, usual = torch.rand(300_000), {*os.listdir("/proc/self/task")}, os.sched_getaffinity(0)
expected = x.exp()
(worker,) = (int(t) for t in {*os.listdir("/proc/self/task")} - mine)
team = machine.memory(int(machine.state["team"][0]), rec.TEAM, 1)[0]
def woken():
    for _ in range(3):
        while team["sleepers"][0] == 0:
            time.sleep(0.001)
        assert torch.equal(x.exp(), expected)
        time.sleep(0.002)
    return os.sched_getaffinity(worker)
here = min(usual)
os.sched_setaffinity(0, {here})
os.sched_setaffinity(worker, usual)
team["find_core"] = 0  # there is no such function
assert woken() == usual
libc = ctypes.CDLL(None)
team["find_core"] = ctypes.cast(libc.abs, ctypes.c_void_p).value  # of what it is given, 0: both are on the first
assert woken() == usual - {0}
os.sched_setaffinity(worker, {0} if here == 0 else usual)
assert woken() == ({0} if here == 0 else usual - {0})  # there is no other that it may run on
os.sched_setaffinity(worker, usual)
assert woken() == usual - {0}
assert os.sched_getaffinity(0) == {here}
"""
    subprocess.run([sys.executable, "-c", alone], check=True)


def test_many_python_threads_share_the_team():
    torch.set_num_threads(3)
    x = operand(N)
    expected = x.exp().sum().item()
    wrong = []

    def work():
        for _ in range(20):
            y = x.clone().requires_grad_()
            total = y.exp().sum()
            total.backward()
            if abs(total.item() - expected) > 1e-6 or not torch.equal(y.grad, x.exp()):
                wrong.append(total.item())

    workers = [threading.Thread(target=work) for _ in range(6)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_team_of_its_own():
    torch.set_num_threads(2)
    x = operand(N)
    expected = x.exp().numpy()
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(x.exp().numpy(), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("number, said", [(0, "positive integer"), (-1, "positive integer"), (1.5, "expects an int"),
                                          ("2", "expects an int")])
def test_bad_numbers(number, said):
    before = torch.get_num_threads()
    with pytest.raises((RuntimeError, TypeError), match=said):
        torch.set_num_threads(number)
    assert torch.get_num_threads() == before
