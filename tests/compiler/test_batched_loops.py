"""Loops over a batch, a few samples at a time: to the last bit what the same programs compute without that."""
from __future__ import annotations

import warnings

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import repeats
from tapegrad.compiler.passes import PASSES
from tapegrad.compiler.traced_program import Blocked
from tapegrad.func import grad, vmap

WITHOUT = tuple(p for p in PASSES if p != "lanes")
F64 = torch.float64
BATCH = 1100  # no multiple of a block


@pytest.fixture(autouse=True)
def short_loops(monkeypatch):
    """Programs of tests are short; and threads are as they were."""
    monkeypatch.setattr(repeats, "LEAST", 12)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def turning(compiled):
    """How often a function's programs go through a batch block by block, in each of which something turns."""
    (variants,) = compiled.tapes.values()
    variants[-1].wait()
    return sum(any(run.turns > 1 for run in item.runs) for work in variants[-1].works for item in work.steps
               if isinstance(item, Blocked))


def leaves_of(result):
    return [x for part in result for x in leaves_of(part)] if isinstance(result, (tuple, list)) else [
        result.detach().numpy().copy()]


def same(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert a.tobytes() == b.tobytes(), np.abs(a.astype("f8") - b.astype("f8")).max()


def check(function, *shapes, found=True, dtype=F64, exact=True):
    """A function of a batch compiled is the function as written, with lanes and without, whatever the threads."""
    rng = np.random.default_rng(0)

    def arguments():
        return [torch.tensor(rng.uniform(0.3, 1.2, s)).to(dtype) for s in shapes]

    for passes in (WITHOUT, tuple(PASSES)):
        for threads in (1, 3):
            torch.set_num_threads(threads)
            compiled = torch.compile(function, passes=passes)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                for _ in range(4):
                    given = arguments()
                    result = compiled(*given)
                count = turning(compiled)
                given = arguments()
                result = compiled(*given)
            assert compiled.replays >= 2, compiled.explain()
            assert found is None or bool(count) == (found and "lanes" in passes), (passes, count)
            expected = function(*given)
            if exact:
                same(leaves_of(result), leaves_of(expected))
            for a, b in zip(leaves_of(result), leaves_of(expected)):
                np.testing.assert_allclose(a, b, rtol=1e-5 if dtype is torch.float32 else 1e-12)


# ---------------------------------------------------------------------------------- functions of one sample


def pendulum(theta, omega):
    for _ in range(30):
        theta, omega = theta + 0.001 * omega, omega - 0.001 * (9.81 * theta.sin())
    return theta


def parts(x):
    """A sample is a few numbers, which are picked out and put together again."""
    for _ in range(20):
        x = torch.stack([x[1] * 0.9 + x[2], x[0].sin(), x[2] - 0.1 * x[0]])
    return x.sum()


def rows_of_samples(x, w):
    for _ in range(20):
        x = x - 0.1 * (x * w) + 0.01 * x.sum()
    return (x * x).sum()


def choosing(x, w):
    for _ in range(25):
        x = torch.where(x > 0.5, x * 0.7, x + w * 0.3)
    return x


def kept(x, w):
    found = []
    for _ in range(20):
        x = (x * w).cos()
        found.append(x)
    return torch.stack(found).sum() + found[3] * found[11]


def of_a_series(x, w):
    """A step for each element of the sample."""
    total = x[0] * w
    for i in range(1, 24):
        total = total * 0.9 + x[i] * w
    return total


def in_place(x, w):
    y = x * 1.0
    for _ in range(20):
        y = y.clone()
        y.mul_(w).add_(0.1)
        y = y.sin()
    return y


def shared_clock(x, w):
    """What is the same for all samples is computed too."""
    t = torch.tensor(0.0, dtype=F64)
    for _ in range(40):
        t = (t + 0.1) * 0.99
        x = x * w + t.sin()
    return x


def two_loops(x, w):
    for _ in range(20):
        x = (x * w).sin()
    y = x.exp() + w
    for _ in range(30):
        y = y - 0.1 * x * y
    return x * y


def powers(x, w):
    for _ in range(20):
        x = (x ** 2 + w).sqrt() - 0.1 * x ** 3
    return x


SCALARS = (pendulum, choosing, kept, in_place, shared_clock, two_loops, powers)


@pytest.mark.parametrize("function", SCALARS, ids=lambda f: f.__name__)
def test_of_numbers(function):
    check(vmap(function), (BATCH,), (BATCH,))
    check(vmap(grad(function)), (BATCH,), (BATCH,))


@pytest.mark.parametrize("function", (pendulum, choosing, two_loops), ids=lambda f: f.__name__)
def test_one_argument_for_all(function):
    check(vmap(grad(function, (0, 1)), in_dims=(0, None)), (BATCH,), ())


@pytest.mark.parametrize("function,shape", [(parts, (3,)), (rows_of_samples, (4,)), (of_a_series, (24,))],
                         ids=lambda f: getattr(f, "__name__", ""))
def test_of_vectors(function, shape):
    more = [(BATCH,)] if function is of_a_series else [] if function is parts else [(BATCH, *shape)]
    check(vmap(function), (BATCH, *shape), *more)
    check(vmap(grad(function)), (BATCH, *shape), *more)


@pytest.mark.parametrize("batch", [40, 128, 4097])
def test_sizes(batch):
    check(vmap(grad(two_loops)), (batch,), (batch,), found=batch >= 128)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_dtypes(dtype):
    check(vmap(grad(two_loops)), (BATCH,), (BATCH,), dtype=dtype)


def test_batch_that_lies_last():
    check(vmap(grad(parts), in_dims=1), (3, BATCH), found=None)


# ----------------------------------------------------------------------------------------- whole batches


def test_written_out():
    """Without `vmap`, and with a loss over the batch."""
    def step(x, w):
        x = x.detach().requires_grad_()
        y = x
        for _ in range(25):
            y = (y * w).sin() + x
        (y * y).mean().backward()
        return y.detach(), x.grad

    check(step, (BATCH,), (BATCH,), exact=False)


def test_every_turn_is_left_in_a_result():
    def rows(x, w):
        found = []
        for _ in range(20):
            x = (x * w).cos()
            found.append(x)
        return torch.stack(found)

    check(rows, (BATCH,), (BATCH,))


def test_a_turn_for_each_row_of_an_argument():
    def series(x, w):
        total = x[0] * w
        for i in range(1, 30):
            total = total * 0.9 + x[i] * w
        return total

    check(series, (30, BATCH), (BATCH,))


def test_written_into_an_argument():
    def update(x, w):
        y = x * 1.0
        for _ in range(25):
            y = (y * w).sin() + x
        x.copy_(y)
        return y

    rng = np.random.default_rng(0)
    start, w = rng.uniform(0.3, 1.2, (2, BATCH))
    results = []
    for passes in (None, WITHOUT, tuple(PASSES)):
        function = update if passes is None else torch.compile(update, passes=passes)
        x = torch.tensor(start)
        for _ in range(6):
            function(x, torch.tensor(w))
        results.append(x.numpy())
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()


MIXING = {
    "neighbours": lambda x, w: torch.cat([x[1:], x[:1]]) * w,
    "shifted": lambda x, w: torch.cat([x[:1] * w[:1], x[:-1] * w[1:] + 0.1 * x[1:]]),
    "reversed": lambda x, w: x.flip(0) * w + 0.1 * x,
    "sums": lambda x, w: x * w - 0.1 * x.mean(),
    "largest": lambda x, w: x * w / x.max(),
    "cumulated": lambda x, w: (x * w).cumsum(0) * 0.01,
    "first": lambda x, w: x * w + 0.1 * x[0],
    "last": lambda x, w: x * w + 0.1 * x[-1],
    "halves": lambda x, w: torch.cat([x[BATCH // 2:] * w[:BATCH // 2], x[:BATCH // 2].sin()]),
    "every other": lambda x, w: torch.stack([x[::2] * w[::2], x[1::2] + 0.1], 1).reshape(-1),
    "sorted": lambda x, w: (x * w).sort()[0] + 0.1,
    "matrix": lambda x, w: (x.reshape(2, -1).T.reshape(-1) * w).sin(),
}


@pytest.mark.parametrize("turn", MIXING.values(), ids=MIXING.keys())
def test_samples_that_use_each_other(turn):
    """What one sample is to another is not lost, whatever of the program is cut."""
    def function(x, w):
        for _ in range(16):
            x = turn(x, w)
        y = x
        for _ in range(20):
            y = (y * w).sin()
        return x, y

    rng = np.random.default_rng(0)
    for threads in (1, 3):
        torch.set_num_threads(threads)
        compiled = torch.compile(function)
        for _ in range(6):
            given = [torch.tensor(rng.uniform(0.3, 1.2, BATCH)) for _ in range(2)]
            found = compiled(*given)
            if compiled.tapes:
                turning(compiled)
        assert compiled.replays
        for a, b in zip(leaves_of(found), leaves_of(function(*given))):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_numbers_shared_by_samples_are_written_once():
    """A count that each turn adds to is not added to once a block."""
    count = torch.zeros((), dtype=F64)

    def function(x):
        for _ in range(20):
            count.add_(1)
            x = (x * 0.9).sin() + count
        return x

    compiled = torch.compile(function)
    for turn in range(6):
        x = torch.rand(BATCH, dtype=F64)
        found = compiled(x)
        assert count.item() == 20 * (turn + 1)
        count.sub_(20)
        same([found.numpy()], [function(x).numpy()])


def test_memory_is_of_a_few_samples():
    """What turns keep for the backward is not kept for all samples at once."""
    compiled = torch.compile(vmap(grad(pendulum)))
    x = torch.rand(1 << 14, dtype=F64)
    for _ in range(5):
        compiled(x, x)
    assert turning(compiled)
    (variants,) = compiled.tapes.values()
    assert variants[-1].program.size < x.nbytes
