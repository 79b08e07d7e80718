"""Compiled functions of several threads, shared and own, first calls and later ones: no error and no wrong result.

A kind is a factory: it makes what all threads share, and returns what thread k does in round n, which says whether that
came out right. Threads are switched as often as Python can.
"""
from __future__ import annotations

import collections
import math
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

THREADS, ROUNDS = 8, 120
Round = Callable[[int, int], bool]
KINDS: dict[str, tuple[Callable[[], Round], int]] = {}  # and how many rounds there are to one that takes part


def kind(every: int = 1) -> Any:
    def register(factory: Callable[[], Round]) -> Any:
        KINDS[factory.__name__] = factory, every
        return factory

    return register


def full(value: float, needs: bool = False) -> Any:
    return torch.full((3,), float(value), dtype=torch.float64, requires_grad=needs)


def close(found: list[float], wanted: list[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in zip(found, wanted, strict=True))


# ---------------------------------------------------------------- shared functions


@kind()
def plain_tensors() -> Round:
    p = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    f = compile(lambda x: (x * p).sin() + x)
    return lambda k, n: close(f(full(k + n % 7)).tolist(), [math.sin((k + n % 7) * q) + k + n % 7 for q in (1, 2, 3)])


@kind()
def containers() -> Round:
    f = compile(lambda d: {"product": d["a"] * d["b"], "sum": d["a"].sum()})

    def body(k, n):
        found = f({"a": full(k), "b": full(n)})
        return found["product"].tolist() == [k * n] * 3 and found["sum"].item() == 3 * k

    return body


@kind()
def results_with_a_history() -> Round:
    w = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    f = compile(lambda x: (x * x * w).sum())

    def body(k, n):
        x = full(k + n % 7, True)
        of_x, of_w = torch.autograd.grad(f(x), [x, w])
        return of_x.tolist() == [2 * (k + n % 7) * p for p in (1, 2, 3)] and of_w.tolist() == [(k + n % 7) ** 2] * 3

    return body


@kind()
def second_derivatives() -> Round:
    f = compile(lambda x: (x * x * x).sum())

    def body(k, n):
        x = full(k + n % 7, True)
        (g,) = torch.autograd.grad(f(x), x, create_graph=True)
        return torch.autograd.grad(g.sum(), x)[0].tolist() == [6 * (k + n % 7)] * 3

    return body


@kind()
def results_that_are_kept() -> Round:
    f = compile(lambda x: x.exp())

    def body(k, n):
        x = full((k + n % 7) / 8, True)
        f(x).sum().backward()
        return close(x.grad.tolist(), [math.exp((k + n % 7) / 8)] * 3)

    return body


@kind()
def steps_on_arguments() -> Round:
    f = compile(lambda w, x: (w * x * w).sum().backward())

    def body(k, n):
        w = full(k + 1, True)
        f(w, full(n % 5))
        return w.grad.tolist() == [2 * (k + 1) * (n % 5)] * 3

    return body


@kind()
def writes_to_arguments() -> Round:
    f = compile(lambda a, b: a.add_(b).mul_(2) is None)

    def body(k, n):
        a = full(k)
        f(a, full(n % 3))
        return a.tolist() == [(k + n % 3) * 2] * 3 and a._version == 2

    return body


@kind()
def writes_that_are_taken_back() -> Round:
    def branching(a):
        a.add_(1)
        return a * 2 if a.sum() > 10 else a - 1

    f = compile(branching)

    def body(k, n):
        value = k + n % 5
        a = full(value)
        wanted = (value + 1) * 2 if value * 3 + 3 > 10 else value
        return f(a).tolist() == [wanted] * 3 and a.tolist() == [value + 1] * 3

    return body


@kind()
def random_numbers() -> Round:
    f = compile(lambda x: (x + torch.rand(3, dtype=torch.float64), x))
    return lambda k, n: all(k <= value < k + 1 for value in f(full(k))[0].tolist())


@kind()
def functions_that_run_as_written() -> Round:
    f = compile(lambda x: x + float(x.numpy()[0]))
    return lambda k, n: f(full(k)).tolist() == [2 * k] * 3


# ---------------------------------------------------------------- functions of each thread


@kind(every=10)
def own_functions() -> Round:
    def body(k, n):
        f = compile(lambda x: (x * k + n).sin().sum())
        return all(close([f(full(j)).item()], [3 * math.sin(j * k + n)]) for j in range(4))

    return body


@kind(every=10)
def own_results_with_a_history() -> Round:
    def body(k, n):
        w = full(1, True)
        f = compile(lambda x: (x * k * w).sum())
        for j in range(4):
            f(full(j)).backward()
        return w.grad.tolist() == [6 * k] * 3

    return body


@kind(every=10)
def own_steps() -> Round:
    def body(k, n):
        w = full(4, True)

        def step():
            (w * w).sum().backward()
            with torch.no_grad():
                w.sub_(w.grad / 4)
            w.grad = None

        f = compile(step)
        for _ in range(4):
            f()
        return w.tolist() == [0.25] * 3

    return body


@kind(every=10)
def captured_calls_that_leave_cycles() -> Round:
    def cyclic(x):
        held = [x * 2]
        held.append(held)
        return held[0] + 1

    def body(k, n):
        f = compile(cyclic)
        return all(f(full(k + j)).tolist() == [2 * (k + j) + 1] * 3 for j in range(4))

    return body


# ---------------------------------------------------------------- meanwhile, no compiled function


@kind()
def eager_code() -> Round:
    def body(k, n):
        x = full(k / 4, True)
        ((x * x).exp() * 0.5).sum().backward()
        return close(x.grad.tolist(), [k / 4 * math.exp(k * k / 16)] * 3)

    return body


@kind()
def eager_code_with_hooks() -> Round:
    def body(k, n):
        x, seen = full(k, True), []
        y = x * 2
        y.register_hook(lambda g: seen.append(g.tolist()))
        (y * n).sum().backward()
        return x.grad.tolist() == [2 * n] * 3 and seen == [[n] * 3]

    return body


@kind()
def eager_cycles() -> Round:
    def body(k, n):
        held: list[Any] = [torch.full((300,), float(k), requires_grad=True)]
        held += [held[0] * 2, held]
        (held[1] * held[1]).sum().backward()
        return held[0].grad[0].item() == 8 * k

    return body


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Switch threads as often as Python can, and tell nobody of functions that run as written."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], None]) -> None:
    ready = threading.Barrier(THREADS)

    def begin(k: int) -> None:
        ready.wait()
        work(k)

    threads = [threading.Thread(target=begin, args=(k,)) for k in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_all_kinds_at_once():
    wrong: collections.Counter[str] = collections.Counter()
    bodies = {name: (factory(), every) for name, (factory, every) in KINDS.items()}

    def work(k: int) -> None:
        for n in range(ROUNDS):
            for name, (body, every) in bodies.items():
                if n % every == 0:
                    try:
                        if not body(k, n):
                            wrong[f"{name}: another result"] += 1
                    except Exception as error:
                        wrong[f"{name}: {error!r}"] += 1

    at_once(work)
    assert not wrong


@pytest.mark.parametrize("name", KINDS)
def test_first_calls_at_once(name):
    factory, _ = KINDS[name]
    for _ in range(3):
        wrong, body = [], factory()
        at_once(lambda k, body=body, wrong=wrong: wrong.extend(
            n for n in range(5) if not body(k, n)))
        assert not wrong


def test_functions_of_a_pool_are_replayed():
    f = compile(lambda x: x * 2 + 1)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(50):  # some of them pass while a kernel is compiled
            found = [y.tolist() for y in pool.map(f, [full(i) for i in range(200)])]
            assert found == [[2 * i + 1] * 3 for i in range(200)]
            if f.replays > 100:
                break
    assert f.replays > 100 and f.reason is None


def test_a_capture_waits_for_nobody():
    turns: list[int] = []
    other = compile(lambda x: x * 2)

    def waits(x):
        turns.append(1)
        while len(turns) < 2:
            pass
        return x + 1

    def answer():
        while not turns:
            pass
        assert [other(full(j)).tolist() for j in range(5)] == [[2 * j] * 3 for j in range(5)]
        turns.append(2)

    thread = threading.Thread(target=answer)
    thread.start()
    assert compile(waits)(full(1)).tolist() == [2] * 3
    thread.join()


def test_replays_go_on_while_another_thread_captures():
    f = compile(lambda x: x * 2)
    for _ in range(4):
        f(full(1))
    runs, counts = f.replays, []

    def long(x):
        thread = threading.Thread(target=lambda: counts.append([f(full(j)).tolist() for j in range(5)]))
        thread.start()
        thread.join()
        return x + 1

    compile(long)(full(1))
    assert counts == [[[2 * j] * 3 for j in range(5)]] and f.replays == runs + 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_a_thread_that_does_not_capture():
    codes: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            f = compile(lambda x: x * 2)
            right = all(f(full(j)).tolist() == [2 * j] * 3 for j in range(6)) and f.replays == 4
            os._exit(0 if right else 1)
        codes.append(os.waitpid(child, 0)[1])

    def forks(x):
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
        return x + 1

    compile(forks)(full(1))
    assert codes == [0]
