"""Memory that forked processes share: what is written there, by whom, and what moves there."""
from __future__ import annotations

import gc
import os

import numpy as np
import pytest

import tapegrad as torch

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def in_child(function):
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool, torch.bfloat16])
def test_a_child_writes_and_its_parent_sees_it(dtype):
    x = torch.zeros(2, 3, dtype=dtype)
    unshared = torch.zeros(2)
    assert not x.is_shared() and x.share_memory_() is x and x.is_shared() and x.untyped_storage().is_shared()
    in_child(lambda: (x[0].fill_(1), unshared.fill_(1)))
    assert x.tolist() == [[1] * 3, [0] * 3] and unshared.tolist() == [0, 0]


def test_all_on_the_memory_move():
    x = torch.arange(6.0).reshape(2, 3)
    view, data, array = x[1], x.data, x.numpy()
    assert view.share_memory_() is view and x.is_shared() and data.is_shared()
    view += 1
    data += 1
    assert x.tolist() == [[1, 2, 3], [5, 6, 7]] and array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not x.clone().is_shared() and not torch.from_numpy(np.ones(2)).is_shared()


def test_backward_finds_what_it_kept():
    w = torch.full((3,), 2.0, requires_grad=True)
    z = (w * w).exp()
    w.share_memory_()
    z.share_memory_().sum().backward()
    assert torch.allclose(w.grad, 4 * torch.full((3,), 4.0).exp()) and not w.grad.is_shared()
    assert torch.zeros(0).share_memory_().is_shared() and torch.tensor(3.0).share_memory_().item() == 3
    foreign = torch.from_numpy(np.arange(3.0)).share_memory_()
    assert foreign.add_(1).tolist() == [1, 2, 3]


def test_blocks_are_whole_after_shared_ones_die():
    for n in (1, 100, 10000):
        for i in range(50):
            assert torch.ones(n).share_memory_().add_(i)[-1] == i + 1
    gc.collect()
    kept = [torch.full((n,), float(n)) for n in range(1, 200)]
    assert all(x.min() == x.max() == n for n, x in enumerate(kept, 1))


def test_processes_train_one_model():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    assert model.share_memory() is model and all(x.is_shared() for x in model.state_dict().values())
    optimiser = torch.optim.Adagrad(model.parameters(), lr=0.1)
    optimiser.share_memory()
    before, x = [p.detach().clone() for p in model.parameters()], torch.randn(5, 2)

    def step():
        (model(x) - 1).square().sum().backward()
        optimiser.step()

    in_child(step)
    assert all((p != q).any() for p, q in zip(model.parameters(), before))
    assert all((state["sum"] > 0).any() for state in optimiser.state.values()) and model[0].weight.grad is None
