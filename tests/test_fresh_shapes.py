"""Calls of ever new shapes: plans and layouts that nothing refers to are forgotten, the others are what they were."""
from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.machine.live import layouts, machine, planner
from tapegrad.machine.planning import generations

pytestmark = pytest.mark.filterwarnings("ignore")
BOUND = 64  # entries of a generation, in these tests


@pytest.fixture(autouse=True)
def small_tables(monkeypatch):
    """Tables that are full at once."""
    monkeypatch.setattr(generations, "YOUNG", BOUND)
    for table in (planner.table, layouts.table):
        monkeypatch.setattr(table, "limit", BOUND)


def values(n):
    return np.linspace(-1, 1, n, dtype="f4")


def forward_and_backward(n):
    x = torch.tensor(values(n), requires_grad=True)
    loss = (x * 2).exp().sum()
    loss.backward()
    return loss, x.grad


def check(n, loss, gradient):
    expected = np.exp(2 * values(n))
    np.testing.assert_allclose(loss.item(), expected.sum(), rtol=1e-5)
    np.testing.assert_allclose(gradient.numpy(), 2 * expected, rtol=1e-5)


def in_use():
    """Plans and layouts that something refers to."""
    for _ in range(2):  # what the tape lets go may be in cycles
        gc.collect()
        machine.call.reclaim()
    for _ in range(2):
        planner.make_room()
    return len(planner.all) - len(planner.table._free), len(layouts.all) - len(layouts.table._free)


def test_thousands_of_shapes():
    """The tables have a bound, and so has memory; a second round over the same shapes is as the first."""
    before, turns, most = in_use(), planner.turns, 0
    for n in [*range(1, 1000), *range(1, 100)]:
        check(n, *forward_and_backward(n))
        most = max(most, len(planner.all) - len(planner.table._free))
    assert planner.turns > turns + 20
    assert most < 16 * BOUND
    after = in_use()
    assert after[0] <= before[0] + 8 and after[1] <= before[1] + 8, (before, after)


def test_tensors_and_graphs_outlive_the_table():
    """What a tensor, or the tape, refers to stays, however much is forgotten in between."""
    held = []
    for n in range(3, 40):
        x = torch.tensor(values(n), requires_grad=True)
        held.append((n, x, (x * 2).exp().sum(), x[1:], x.reshape(1, n).t()))
    turns = planner.turns
    for n in range(100, 400):
        forward_and_backward(n)
    assert planner.turns > turns + 3
    for n, x, loss, rest, turned in held:
        assert (rest.shape, turned.shape, turned.stride()) == ((n - 1,), (n, 1), (1, n))
        loss.backward(retain_graph=True)
        check(n, loss, x.grad)
        (again,) = torch.autograd.grad(loss, x, create_graph=True)
        (second,) = torch.autograd.grad(again.sum(), x)
        np.testing.assert_allclose(second.numpy(), 4 * np.exp(2 * values(n)), rtol=1e-5)


def test_numbers_are_given_again_only_to_others_of_nobody():
    """Each tensor goes on lying as it did while numbers of layouts are used again."""
    held, before = {}, len(layouts.all)
    for n in range(1, 600):
        held[n] = torch.zeros(n, 2).t()
        if n > 50:
            del held[n - 50]
        torch.empty(2, n, 3)
    for n, x in held.items():
        assert x.shape == (2, n) and x.stride() == (1, 2) and layouts.all[x._layout] is layouts[x._layout]
    assert len(layouts.all) - before < 600, before


def test_compiled_functions_go_on():
    """Their programs name layouts, plans and loop nests, which stay; those that were dropped let theirs go."""
    w = torch.tensor(1.5, requires_grad=True)
    fixed = torch.compile(lambda a: (a * w).sum().sin())
    view = torch.compile(lambda a: (a[1:], a.t() if a.ndim == 2 else a * w))
    fresh = torch.compile(lambda a: (a * w).exp().sum() + a[1:].mean(), dynamic=True)
    five, matrix = torch.arange(5.0), torch.ones(2, 3, requires_grad=True)
    before, turns = in_use(), planner.turns
    for n in range(2, 130):
        for _ in range(3):
            x = torch.tensor(values(n), requires_grad=True)
            w.grad = None
            fresh(x).backward()
            expected = 1.5 * np.exp(1.5 * values(n))
            expected[1:] += 1 / (n - 1)
            np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-4)
            np.testing.assert_allclose(w.grad.item(), (values(n) * np.exp(1.5 * values(n))).sum(), rtol=1e-3, atol=1e-4)
        w.grad = None
        fixed(five).backward()
        np.testing.assert_allclose(w.grad.item(), 10 * np.cos(15.0), rtol=1e-5)
        rest, turned = view(matrix)
        assert rest.shape == (1, 3) and turned.shape == (3, 2) and turned.stride() == (1, 3)
        matrix.grad = None
        (rest.sum() + turned.sum()).backward()
        assert matrix.grad.tolist() == [[1.0] * 3, [2.0] * 3]
    replays = [f.replays for f in (fixed, view, fresh)]
    assert planner.turns > turns + 5 and min(replays) > 50
    del fresh, fixed, view
    after = in_use()
    assert after[0] <= before[0] + 32 and after[1] <= before[1] + 32, (before, after)


def test_recipes_are_learnt_again():
    """A function that met too many kinds of arguments was left to Python for good."""
    x = torch.arange(6.0).reshape(2, 3)
    for n in range(2, 300):
        y = torch.tensor(values(n))
        assert y.sum(0).item() == pytest.approx(0, abs=1e-4) and torch.stack([y, y], 1).shape == (n, 2)
        assert x.sum(1).tolist() == [3.0, 12.0] and x.transpose(0, 1)[2].tolist() == [2.0, 5.0]
    assert machine.n_recipes < 16 * BOUND


def test_threads_forget_beside_each_other():
    failures = []

    def work(first):
        try:
            for n in range(first, first + 120):
                check(n, *forward_and_backward(n))
        except BaseException as error:  # pragma: no cover
            failures.append(error)

    threads = [threading.Thread(target=work, args=(1 + 60 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_table_that_is_really_full_says_so():
    """What is in use cannot be forgotten: there is an error, and after that everything goes on."""
    table = generations.Generations("index", 3)
    assert [table.number() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(MemoryError, match="not enough memory: 3 kinds"):
        table.number()


def test_memory_is_bounded():
    """The same with tables as they are, in what a process takes."""
    program = """
        import gc
        import tapegrad as torch
        from tapegrad.machine.live import planner
        from tapegrad.machine.planning import generations
        generations.YOUNG = planner.table.limit = 512

        def resident():
            gc.collect()
            with open("/proc/self/statm") as f:
                return int(f.read().split()[1]) * 4096

        def run(first, last):
            for n in range(first, last):
                x = torch.ones(n, requires_grad=True)
                (x * 2).exp().sum().backward()

        run(1, 400)
        before, turns = resident(), planner.turns
        run(400, 1000)
        assert planner.turns > turns + 2, planner.turns
        print(resident() - before)
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert int(found.stdout) <= 3 << 20
