"""Pruning beside PyTorch: masks, names, methods on methods, and refusals that change nothing."""
from __future__ import annotations

import copy
import importlib

import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

CALLS = """
l1_unstructured(a, 'weight', 0.5)
l1_unstructured(a, 'weight', 3)
l1_unstructured(a, 'weight', 0)
l1_unstructured(a, 'weight', 12)
l1_unstructured(a, 'weight', 13)
l1_unstructured(a, 'weight', 1.5)
l1_unstructured(a, 'weight', -1)
l1_unstructured(a, 'weight', 'a')
l1_unstructured(a, 'nope', 1)
l1_unstructured(a, 'weight', 3, importance_scores=t.arange(12.0).view(3, 4))
l1_unstructured(a, 'weight', 3, importance_scores=t.arange(12.0))
random_unstructured(a, 'weight', 0.3)
random_unstructured(a, 'bias', 2)
random_structured(a, 'weight', 0.5, 1)
random_structured(a, 'weight', 1, 0)
random_structured(a, 'bias', 1, 0)
ln_structured(a, 'weight', 0.34, 2, 0)
ln_structured(a, 'weight', 2, 1, 1)
ln_structured(a, 'weight', 1, float('inf'), -1)
ln_structured(a, 'weight', 5, 2, 0)
ln_structured(a, 'weight', 1, 2, 7)
identity(a, 'weight')
custom_from_mask(a, 'bias', t.tensor([0, 1, 0]))
custom_from_mask(a, 'bias', t.tensor([False, True, True]))
(l1_unstructured(a, 'weight', 0.5), random_unstructured(a, 'weight', 2))
(ln_structured(a, 'weight', 1, 2, 0), l1_unstructured(a, 'weight', 2), random_structured(a, 'weight', 1, 1))
(l1_unstructured(a, 'weight', 2), ln_structured(a, 'weight', 1, 2, 0), custom_from_mask(a, 'weight', t.eye(3, 4)))
(l1_unstructured(a, 'weight', 2), l1_unstructured(a, 'bias', 1), remove(a, 'weight'))
(l1_unstructured(a, 'weight', 2), remove(a, 'weight'), remove(a, 'weight'))
remove(a, 'weight')
global_unstructured([(a, 'weight'), (b, 'bias')], L1Unstructured, amount=0.3)
global_unstructured(((a, 'weight'), (b, 'weight')), L1Unstructured, amount=5)
global_unstructured([(a, 'weight'), (b, 'weight')], RandomUnstructured, amount=5)
global_unstructured([(a, 'bias')], L1Unstructured, amount=2, importance_scores={(a, 'bias'): t.arange(3.0)})
global_unstructured(a, L1Unstructured, amount=0.3)
(l1_unstructured(a, 'weight', 4), global_unstructured([(a, 'weight'), (b, 'bias')], L1Unstructured, amount=6))
L1Unstructured(2).prune(t.arange(6.0).view(2, 3))
LnStructured(1, 2, 0).prune(t.ones(2, 3), default_mask=t.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
L1Unstructured(0.5).compute_mask(t.arange(6.0).view(2, 3), t.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
(l1_unstructured(a, 'weight', 2), is_pruned(t.nn.Sequential(b, a)), is_pruned(b))
(l1_unstructured(a, 'weight', 2), a.weight.sum().backward(), a.weight_orig.grad)
(l1_unstructured(a, 'weight', 2), setattr(a.weight_orig, 'data', a.weight_orig.data * 2), a(t.ones(1, 4)))
(l1_unstructured(a, 'weight', 2), a.load_state_dict(copy.deepcopy(a.state_dict())))
"""


def told(t, text):
    prune = importlib.import_module(f"{t.__name__}.nn.utils.prune")
    t.manual_seed(0)
    a, b = t.nn.Linear(4, 3), t.nn.Linear(4, 3)
    known = {**vars(prune), "t": t, "a": a, "b": b, "copy": copy}
    found = refusal(lambda: repr(eval(text, known)))
    state = {name: x.tolist() for module in (a, b) for name, x in module.state_dict().items()}
    hooks = [[type(h).__name__, h._tensor_name, [type(m).__name__ for m in h] if hasattr(h, "__len__") else None]
             for module in (a, b) for h in module._forward_pre_hooks.values()]
    return (found, state, hooks, a.weight.tolist(), a.bias.tolist(), sorted(dict(a.named_parameters())),
            a(t.ones(2, 4)).tolist(), t.rand(1).item())


@pytest.mark.parametrize("text", CALLS.strip().splitlines())
def test_calls(text):
    assert told(tapegrad, text) == told(torch, text)


def test_a_method_of_ones_own():
    def run(t):
        prune = importlib.import_module(f"{t.__name__}.nn.utils.prune")

        class EverySecond(prune.BasePruningMethod):
            PRUNING_TYPE = "unstructured"

            def compute_mask(self, t, default_mask):
                mask = default_mask.clone()
                mask.view(-1)[::2] = 0
                return mask

        t.manual_seed(0)
        layer = t.nn.Linear(4, 3)
        EverySecond.apply(layer, "bias")
        prune.l1_unstructured(layer, "bias", 1)
        return layer.bias.tolist(), [type(m).__name__ for m in next(iter(layer._forward_pre_hooks.values()))]

    assert run(tapegrad) == run(torch)
