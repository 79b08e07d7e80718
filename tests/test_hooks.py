"""Hooks: when they run, what they may change, and that they are taken out again."""
from __future__ import annotations

import gc
import weakref

import pytest

import tapegrad as torch


def leaf(*values):
    return torch.tensor(list(values), requires_grad=True)


def test_a_hook_sees_the_gradient():
    x, seen = leaf(1.0, 2.0), []
    y = x * 2
    y.register_hook(seen.append)
    (y * y).sum().backward()
    assert [g.tolist() for g in seen] == [[4.0, 8.0]]
    assert x.grad.tolist() == [8.0, 16.0]


def test_a_hook_sees_the_whole_gradient_once():
    x, seen = leaf(1.0), []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 3 + y * 4 + y).backward()
    assert seen == [[8.0]]


def test_a_hook_replaces_the_gradient():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert x.grad.tolist() == [22.0, 22.0]


def test_a_hook_on_a_leaf():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: -g)
    (x * 3).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [-6.0, -6.0]


def test_removal():
    x, seen = leaf(1.0), []
    handle = x.register_hook(lambda g: seen.append(1))
    (x * 2).backward()
    handle.remove()
    handle.remove()
    (x * 2).backward()
    assert seen == [1]
    with x.register_hook(lambda g: seen.append(2)):
        (x * 2).backward()
    (x * 2).backward()
    assert seen == [1, 2]


def test_hooks_run_in_order_and_then_retain_grad():
    x, seen = leaf(1.0), []
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: seen.append("a") or g * 2)
    y.register_hook(lambda g: seen.append("b") or g * 3)
    y.backward()
    assert seen == ["a", "b"]
    assert y.grad.tolist() == [6.0]
    assert x.grad.tolist() == [12.0]


def test_a_hook_that_raises_leaves_nothing_behind():
    x = leaf(1.0)
    y = x * x

    def hook(g):
        raise KeyError("mine")

    handle = y.register_hook(hook)
    with pytest.raises(KeyError, match="mine"):
        (y * 1).backward()
    assert x.grad is None
    handle.remove()
    (x * x).backward()
    assert x.grad.tolist() == [2.0]


@pytest.mark.parametrize("result, error", [(3.0, TypeError), (torch.ones(3), RuntimeError)])
def test_a_hook_must_return_a_gradient(result, error):
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: result)
    with pytest.raises(error):
        y.backward()


def test_a_hook_needs_a_gradient():
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
        torch.ones(1).register_hook(print)


def test_hooks_and_grad():
    x, seen = leaf(2.0), []
    y = x * 2
    x.register_hook(lambda g: seen.append("x") or g * 5)
    y.register_hook(lambda g: seen.append("y") or g * 7)
    (g,) = torch.autograd.grad(y * y, x)
    assert g.tolist() == [8.0 * 2 * 35]
    assert seen == ["y", "x"]
    assert x.grad is None


def test_hooks_are_recorded_under_create_graph():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    assert g.item() == 8.0
    (h,) = torch.autograd.grad(g, x)
    assert h.item() == 8.0


def test_a_hook_may_run_backward():
    x, w = leaf(2.0), leaf(3.0)
    y = x * x

    def hook(g):
        assert not torch.is_grad_enabled()
        with torch.enable_grad():
            (w * w).backward()

    y.register_hook(hook)
    y.backward()
    assert (x.grad.tolist(), w.grad.tolist()) == ([4.0], [6.0])


def test_hooks_stay_with_the_value_that_was_overwritten():
    x, seen = leaf(1.0), []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.item()))
    y.mul_(5)
    y.backward()
    assert seen == [5.0]


def test_hooks_die_with_their_tensor(tape):
    x = leaf(1.0)

    class Hook:
        def __call__(self, g):
            return None

    def hooked(hook):
        y = x * 2
        y.register_hook(hook)
        return y * 1

    hook = Hook()
    dead = weakref.ref(hook)
    hooked(hook)
    del hook
    tape.collect()
    hooked(lambda g: None)
    gc.collect()
    assert dead() is None


def test_a_new_tensor_has_no_hooks():
    x, seen = leaf(1.0), []
    for i in range(50):
        y = x * 2
        y.register_hook(lambda g, i=i: seen.append(i))
        y.backward()
        del y
    assert seen == list(range(50))


def test_rows_are_not_reused_with_their_hooks():
    for _ in range(50):
        x = leaf(1.0)
        y = x * 2
        y.register_hook(lambda g: g * 100)
        del y
        z = x * 3
        z.backward()
        assert x.grad.tolist() == [3.0]


@pytest.mark.parametrize("depth", [10, 300])
def test_a_backward_in_a_backward_in_a_backward(depth):
    """As deep as it goes: other threads go on where one has too many frames."""
    x, runs = leaf(1.0), []

    def hook(g):
        runs.append(torch.is_grad_enabled())
        if len(runs) < depth:
            with torch.enable_grad():
                y = leaf(1.0) * 2
                y.register_hook(hook)
            y.backward()

    y = x * 2
    y.register_hook(hook)
    y.backward()
    assert (runs, x.grad.tolist()) == ([False] * depth, [2.0])


def test_an_error_deep_down_comes_up():
    left = [60]

    def hook(g):
        left[0] -= 1
        if not left[0]:
            raise KeyError("mine")
        with torch.enable_grad():
            y = leaf(1.0) * 2
            y.register_hook(hook)
            torch.autograd.grad(y, y)

    y = leaf(1.0) * 2
    y.register_hook(hook)
    with pytest.raises(KeyError, match="mine"):
        y.backward()


def test_what_nodes_remember_dies_with_them(tape):
    class Kept:
        pass

    kept = Kept()
    dead = weakref.ref(kept)
    y = leaf(1.0) * 2
    y.grad_fn.metadata["kept"] = kept
    del kept
    assert y.grad_fn.metadata["kept"] is dead()
    del y
    tape.collect()
    gc.collect()
    assert dead() is None
