"""Grad modes: as contexts, decorators and functions, nested, on generators and classes, and thread by thread."""
from __future__ import annotations

import threading

import pytest

import tapegrad as torch

X = torch.ones(2, requires_grad=True)


def recorded():
    return (X * 2).requires_grad


def test_contexts_nest():
    assert recorded()
    with torch.no_grad():
        assert not recorded() and not torch.is_grad_enabled()
        with torch.enable_grad():
            assert recorded()
            with torch.set_grad_enabled(False):
                assert not recorded()
            assert recorded()
        assert not recorded()
    assert recorded()


def test_an_error_restores_the_mode():
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        _ = 1 / 0
    assert recorded()


def test_one_context_many_times():
    mode = torch.no_grad()
    for _ in range(3):
        with mode:
            assert not recorded()
        assert recorded()


def test_set_grad_enabled_acts_at_once():
    torch.set_grad_enabled(False)
    assert not recorded()
    torch.set_grad_enabled(True)
    assert recorded()


def test_leaves_may_be_made_anywhere():
    with torch.no_grad():
        x = torch.ones(1, requires_grad=True)
    assert x.requires_grad and x.is_leaf


@pytest.mark.parametrize("decorate", [lambda: torch.no_grad, lambda: torch.no_grad(),
                                      lambda: torch.set_grad_enabled(False)], ids=["class", "instance", "set"])
def test_decorator(decorate):
    @decorate()
    def f(a, *, b=1):
        """Documented."""
        return recorded(), a, b

    assert recorded()
    assert f(1, b=2) == (False, 1, 2)
    assert f.__name__ == "f" and f.__doc__ == "Documented."
    assert recorded()


def test_recursive_decorator():
    @torch.no_grad()
    def f(n):
        if n:
            with torch.enable_grad():
                f(n - 1)
                assert recorded()
        assert not recorded()

    f(5)
    assert recorded()


def test_generators_switch_at_each_resume():
    @torch.no_grad()
    def f():
        got = yield recorded()
        while got is not None:
            got = yield recorded(), got
        return "end"

    g = f()
    assert next(g) is False
    assert recorded()
    assert g.send(1) == (False, 1)
    assert recorded()
    with pytest.raises(StopIteration) as stop:
        g.send(None)
    assert stop.value.value == "end"


def test_errors_and_ends_of_generators():
    seen = []

    @torch.no_grad()
    def f():
        try:
            yield 1
        except ValueError:
            seen.append(recorded())
            yield 2
        finally:
            seen.append(recorded())

    g = f()
    next(g)
    assert g.throw(ValueError("x")) == 2
    g.close()
    assert seen == [False, False]
    assert recorded()


def test_a_generators_own_mode_stays_inside():
    @torch.enable_grad()
    def f():
        for _ in range(3):
            assert recorded()
            yield

    with torch.no_grad():
        for _ in f():
            assert not recorded()


def test_threads_have_modes_of_their_own():
    found = {}

    def work(name, enabled):
        found[name, "start"] = recorded()
        torch.set_grad_enabled(enabled)
        barrier.wait()
        for _ in range(200):
            if recorded() is not enabled:
                found[name] = "mixed up"
                return
        found[name] = "kept"

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(i, bool(i % 2))) for i in range(4)]
    with torch.no_grad():
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not recorded()
    assert recorded()
    assert [found[i] for i in range(4)] == ["kept"] * 4
    assert all(found[i, "start"] for i in range(4))


def test_results_in_no_grad_are_leaves():
    with torch.no_grad():
        y = X * 2
        z = X[0]
    assert y.is_leaf and z.is_leaf and not y.requires_grad
    assert y.grad_fn is None
