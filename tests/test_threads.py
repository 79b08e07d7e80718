"""Threads: each records and differentiates on its own; what they share stays right."""
from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import tapegrad as torch
from tapegrad.machine.learning import lessons


@pytest.fixture(autouse=True)
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run(work, n=4):
    """The results of `work(0)`, `work(1)`, …, all started together."""
    barrier = threading.Barrier(n)

    def begin(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(begin, range(n)))


def test_graphs_of_their_own():
    def work(i):
        x = torch.tensor(float(i + 1), dtype=torch.float64, requires_grad=True)
        total = 0.0
        for _ in range(300):
            y = x
            for _ in range(5):
                y = y * x
            (g,) = torch.autograd.grad(y, x)
            total += g.item()
        return total

    assert run(work) == [300 * 6 * float(i + 1) ** 5 for i in range(4)]


def test_a_shared_leaf_in_graphs_of_their_own():
    w = torch.ones(100, requires_grad=True)

    def work(i):
        return [torch.autograd.grad((w * (i + 1)).sum(), w)[0][0].item() for _ in range(300)]

    assert run(work) == [[float(i + 1)] * 300 for i in range(4)]


def test_large_sweeps_beside_small_ones():
    def work(i):
        if i % 2:
            x = torch.ones(200_000, requires_grad=True)
            for _ in range(20):
                x.grad = None
                (x * x).exp().sum().backward()
            return x.grad[0].item()
        x = torch.tensor(2.0, requires_grad=True)
        for _ in range(2000):
            x.grad = None
            (x * x).backward()
        return x.grad.item()

    assert run(work) == pytest.approx([4.0, 2 * 2.7182818, 4.0, 2 * 2.7182818], rel=1e-5)


def test_a_graph_made_here_and_differentiated_there():
    x = torch.ones(3, requires_grad=True)
    y = (x * 3).sum()
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


def test_tensors_die_on_other_threads():
    def work(i):
        kept = []
        for k in range(2000):
            kept.append(torch.ones(10) * k)
            if len(kept) > 10:
                kept.clear()
        return sum(t[0].item() for t in kept)

    assert len(set(run(work))) == 1


def test_compiling_kernels_at_once():
    def work(i):
        x = torch.ones(2, 3, 5, 2, dtype=torch.float64, requires_grad=True)
        y = (x.transpose(0, 3) * x.permute(3, 1, 2, 0)).sum((0, 2))
        y.backward(torch.ones(3, 2, dtype=torch.float64))
        return x.grad.sum().item()

    assert run(work, 8) == [120.0] * 8


def trained(seed, steps=1000):
    """The weights after so many steps of gradient descent on data of this seed."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(16, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(16, 1, generator=generator, dtype=torch.float64)
    w = torch.zeros(3, 1, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        loss = ((torch.tanh(x @ w) - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
    return w.tolist()


def test_a_thousand_training_steps_in_each_of_eight_threads():
    assert run(trained, 8) == [trained(seed) for seed in range(8)]


def beside(begin, body):
    """What a function gives while another thread is in a block."""
    inside, over = threading.Event(), threading.Event()

    def run():
        begin(lambda: (inside.set(), over.wait(60)))

    other = threading.Thread(target=run)
    other.start()
    inside.wait(60)
    try:
        return body()
    finally:
        over.set()
        other.join()


def drawn():
    torch.manual_seed(5)
    image = torch.zeros(2, 3, 2, 2).to(memory_format=torch.channels_last)
    made = [torch.randn(17, dtype=torch.bfloat16), torch.randn(40, dtype=torch.float16), torch.rand_like(image),
            torch.bernoulli(torch.full((3, 4), 0.5).t()), torch.nn.functional.dropout(torch.ones(3, 4).t()),
            torch.randn_like(image.permute(1, 0, 2, 3)), torch.randperm(5), torch.normal(torch.zeros(3, 2).t(), 1.0)]
    return [(x.tolist(), x.stride()) for x in made]


@pytest.mark.parametrize("begin", [
    lambda wait: torch.func.vmap(lambda x: (wait(), x)[1])(torch.ones(2)),
    lambda wait: torch.func.vmap(lambda x: (wait(), x)[1], randomness="different")(torch.ones(2)),
    lambda wait: torch.func.jvp(lambda x: (wait(), x)[1], (torch.ones(2),), (torch.ones(2),)),
], ids=["a batch", "one that draws for each", "tangents"])
def test_numbers_that_are_drawn_beside(begin):
    expected = drawn()
    assert beside(begin, drawn) == expected


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_what_is_recorded_beside_a_backward_was_not_caused_by_it():
    x = torch.ones(2, requires_grad=True)

    class Waiting(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, wait):
            ctx.wait = wait
            return x * 1

        @staticmethod
        def backward(ctx, g):
            ctx.wait()
            return g, None

    with torch.autograd.detect_anomaly():
        y = beside(lambda wait: Waiting.apply(x, wait).sum().backward(), lambda: x * 2)
        assert "traceback_" in y.grad_fn.metadata and "parent_" not in y.grad_fn.metadata


def test_one_lesson_at_a_time(monkeypatch):
    """Of two threads that call a function for the first time, one is watched: it misses nothing that it does."""
    made = []

    def started(*given):
        made.append(given)
        if len(made) == 1:  # as if this thread had to wait right here
            other = threading.Thread(target=lambda: torch.flip(torch.ones(2, 41), (1,)))
            other.start()
            other.join()
        return lesson(*given)

    lesson, x = lessons.Lesson, torch.arange(82.0).reshape(2, 41)
    monkeypatch.setattr(lessons, "Lesson", started)
    assert [torch.roll(x, 3, 1).tolist() for _ in range(3)] == [x.numpy()[:, [38, 39, 40, *range(38)]].tolist()] * 3
    assert [given[1].__name__ for given in made] == ["roll"]
