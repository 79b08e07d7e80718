"""`compile(module)` is a module, whose parameters, state and attributes are those of the module that it compiles."""
from __future__ import annotations

import copy
import pickle

import pytest

import tapegrad as torch
from tapegrad import nn

X = torch.arange(6.0).reshape(2, 3) / 10


def compiled():
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    return module, torch.compile(module)


def test_it_is_replayed():
    module, fast = compiled()
    module.eval()
    for _ in range(4):
        assert torch.equal(fast(X), module(X))
    assert (fast.captures, fast.replays) == (2, 2) and "2 replays" in fast.explain()


def test_what_contains_it_has_its_parameters():
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.head = torch.compile(nn.Linear(3, 2)), nn.Linear(2, 1)

        def forward(self, x):
            return self.head(self.encoder(x))

    whole = Whole()
    assert [name for name, _ in whole.named_parameters()] == [
        "encoder._orig_mod.weight", "encoder._orig_mod.bias", "head.weight", "head.bias"]
    optimizer = torch.optim.SGD(whole.parameters(), lr=0.1)

    @torch.compile
    def step():
        optimizer.zero_grad()
        loss = whole(X).square().sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    before = whole.encoder.weight.detach().clone()
    losses = [step().item() for _ in range(6)]
    assert losses == sorted(losses, reverse=True) and not torch.equal(before, whole.encoder.weight)
    assert step.replays == 4


def test_modes_are_those_of_the_module():
    module, fast = compiled()
    module.eval()
    assert not fast.training
    fast.train()
    assert module.training and module[1].training and fast.training
    for _ in range(4):
        torch.manual_seed(0)
        expected = module(X)
        torch.manual_seed(0)
        assert torch.equal(fast(X), expected)
    fast.eval()
    assert torch.equal(fast(X), module[0](X))


def test_attributes_are_those_of_the_module():
    module, fast = compiled()
    fast.rate = 3.0
    assert module.rate == fast.rate == 3.0 and len(fast) == 2 and "rate" in dir(fast)
    fast.extra = nn.Parameter(torch.ones(1))
    assert fast.extra is module.extra and "_orig_mod.extra" in dict(fast.named_parameters())
    del fast.rate
    assert not hasattr(module, "rate")
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'rate'"):
        _ = fast.rate


def test_state():
    module, fast = compiled()
    state = {name: torch.ones_like(value) for name, value in fast.state_dict().items()}
    assert list(state) == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    fast.load_state_dict(state)
    assert torch.equal(module[0].bias, torch.ones(2))
    fast.double()
    assert module[0].weight.dtype is torch.float64
    assert fast.eval()(X.double()).dtype is torch.float64


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_stand_alone(copied):
    module, fast = compiled()
    fast.eval()
    for _ in range(3):
        expected = fast(X)
    other = copied(fast)
    assert other._orig_mod is not module and other.replays == 0
    for _ in range(3):
        assert torch.equal(other(X), expected)
    with torch.no_grad():
        other._orig_mod[0].weight.zero_()
    assert torch.equal(other(X)[0], module[0].bias) and torch.equal(fast(X), expected)


def test_hooks_run_around_its_calls():
    module, fast = compiled()
    fast.eval()
    handles = [fast.register_forward_hook(lambda m, args, result: result * 2),
               module[0].register_forward_hook(lambda m, args, result: result + 1)]
    for _ in range(4):
        assert torch.equal(fast(X), (X @ module[0].weight.t() + module[0].bias + 1) * 2)
    for handle in handles:
        handle.remove()
    assert torch.equal(fast(X), module(X))


def test_what_a_callable_object_holds_is_not_copied():
    class Scaled:
        scale = 1.0

        def __call__(self, x):
            return x * self.scale

    scaled = Scaled()
    scaled.scale = 2.0
    fast = torch.compile(scaled)
    scaled.scale = 3.0
    assert torch.equal(fast(X), X * 3) and not hasattr(fast, "scale")
