"""Objects that tensors hold out of sight are found by the tensor's address, and go with it."""
from __future__ import annotations

import random
import weakref

import pytest

import tapegrad as torch
from tapegrad.machine.live import machine


class Companion:
    pass


def count() -> int:
    return int(machine.state["n_companions"][0])


@pytest.mark.parametrize("most", [3, 300])
def test_each_tensor_finds_its_own(most):
    """Whatever others came and went, and wherever their entries lay."""
    choose, before = random.Random(most), count()
    held: list[tuple[torch.Tensor, weakref.ref[Companion]]] = []
    for _ in range(2000):
        if len(held) == most or (held and choose.random() < 0.45):
            tensor, found = held.pop(choose.randrange(len(held)))
            del tensor
            assert found() is None
        else:
            tensor, made = torch.zeros(1), Companion()
            assert machine.call.companion_of(tensor) is None
            machine.call.accompany(tensor, made)
            held.append((tensor, weakref.ref(made)))
            del made
        assert count() == before + len(held)
        for tensor, found in choose.sample(held, min(len(held), 5)):
            assert machine.call.companion_of(tensor) is found() is not None
    del tensor
    while held:
        held.pop()
    assert count() == before


@pytest.mark.parametrize("both", [False, True])
def test_swapped_tensors_keep_theirs(both):
    before = count()
    a, b = torch.ones(2), torch.zeros(3)
    made = [Companion(), Companion()]
    for tensor, companion in zip([a, b] if both else [a], made):
        machine.call.accompany(tensor, companion)
    torch.utils.swap_tensors(a, b)
    assert machine.call.companion_of(a) is made[0]
    assert machine.call.companion_of(b) is (made[1] if both else None)
    del a, tensor
    assert count() == before + both
    del b
    assert count() == before
