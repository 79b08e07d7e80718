"""What a program forgets is let go: models, optimisers, data, and what contexts and hooks hold."""
from __future__ import annotations

import gc

import pytest
from lifetimes import PROGRAMS, alive

import tapegrad as torch
from tapegrad.compiler import compile
from tapegrad.machine.live import machine

# Cycles, as in PyTorch; and what a row of the tape holds until that is reclaimed.
NOT_AT_ONCE = {
    "in_place_of_forward", "a_method", "hooks_that_hold_the_model", "a_context", "a_context_of_no_backward",
    "a_context_that_holds_its_result", "what_hooks_pack", "checkpointed", "a_checkpoint_of_no_backward", "arrays",
    "views", "a_step_that_outlives_what_it_is_passed", "a_schedule",
}


def compiled(function):
    return compile(function, eager_build=True)  # a thread that builds holds the function until it is done


WAYS = pytest.mark.parametrize("wrap", [lambda f: f, compiled], ids=["as written", "compiled"])


@WAYS
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_forgotten_is_let_go(name, wrap):
    assert alive(PROGRAMS[name], torch, wrap) == []


@WAYS
@pytest.mark.parametrize("name", sorted({*PROGRAMS} - NOT_AT_ONCE))
def test_it_goes_at_once_where_there_is_no_cycle(name, wrap):
    assert alive(PROGRAMS[name], torch, wrap, collect=False) == []


def test_nothing_is_left_of_many():
    """Without a collection: neither programs nor what the tape keeps."""
    def use():
        m = torch.nn.Linear(64, 64)
        f = compiled(lambda x: m(x).square().sum())
        for _ in range(4):
            f(torch.ones(8, 64)).backward()
        return f(torch.ones(8, 64))

    def held():
        return [int(machine.state[name][0]) for name in ("n_nodes", "n_attached", "n_companions", "kept_bytes")]

    gc.collect()
    gc.disable()
    try:
        before = held()
        for _ in range(3):
            use()
            assert held() == before
    finally:
        gc.enable()


def test_what_others_still_have_stays():
    """A function dies, and its loss is differentiated after that; another's calls are on the same tape."""
    w = torch.ones(3, requires_grad=True)
    f, g = (compiled(lambda x, k=k: (x * w * k).sum()) for k in (2, 3))
    x = torch.ones(3)
    for _ in range(4):
        first, second = f(x), g(x)
    more = first * 1
    del f
    second.backward()
    assert w.grad.tolist() == [3.0] * 3
    del first, second
    g(x).backward()
    more.backward()
    assert w.grad.tolist() == [8.0] * 3


def test_a_function_that_dies_leaves_a_range_of_the_tape_as_it_is():
    x = torch.ones(3, requires_grad=True)
    f = compiled(lambda x: (x * 2).sum())
    for _ in range(4):
        f(x)
    for _ in range(20):
        x * 5  # dead
    with torch.tape.record("block") as taken:
        y = x * 3
        del f
        gc.collect()
        z = y.sum()
    assert repr(taken) == '<tape "block": 2 instructions>' and z.item() == 9.0
