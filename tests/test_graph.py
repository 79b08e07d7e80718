"""`grad_fn`: the graph as PyTorch shows it."""
from __future__ import annotations

import pytest

import tapegrad as torch
from tapegrad.functions.several_outputs import one_node
from tapegrad.machine.live import machine

NAMES = {
    "AddBackward0": lambda x: x + 1, "SubBackward0": lambda x: x - 1, "RsubBackward1": lambda x: 1 - x,
    "MulBackward0": lambda x: x * 2, "DivBackward0": lambda x: x / 2, "NegBackward0": lambda x: -x,
    "PowBackward0": lambda x: x ** 2, "PowBackward1": lambda x: x ** x, "ExpBackward0": lambda x: x.exp(),
    "SumBackward0": lambda x: x.sum(), "SumBackward1": lambda x: x.sum(0), "MeanBackward0": lambda x: x.mean(),
    "MeanBackward1": lambda x: x.mean(1), "TanhBackward0": lambda x: x.tanh(), "ReluBackward0": lambda x: x.relu(),
    "AbsBackward0": lambda x: x.abs(), "MmBackward0": lambda x: x @ x, "MvBackward0": lambda x: x @ x[0],
    "DotBackward0": lambda x: x[0] @ x[1], "TBackward0": lambda x: x.t(),
    "TransposeBackward0": lambda x: x.transpose(0, 1),
    "PermuteBackward0": lambda x: x.permute(1, 0), "ViewBackward0": lambda x: x.view(4), "ExpandBackward0":
    lambda x: x.expand(3, 2, 2), "SelectBackward0": lambda x: x[0], "SliceBackward0": lambda x: x[:1],
    "UnsqueezeBackward0": lambda x: x.unsqueeze(0), "SqueezeBackward0": lambda x: x.squeeze(),
    "SqueezeBackward1": lambda x: x.squeeze(0), "DiagonalBackward0": lambda x: x.diagonal(), "CatBackward0":
    lambda x: torch.cat([x, x]), "StackBackward0": lambda x: torch.stack([x, x]), "WhereBackward0":
    lambda x: torch.where(x > 0, x, 0), "CloneBackward0": lambda x: x.clone(), "ToCopyBackward0": lambda x: x.double(),
    "MaxBackward1": lambda x: x.max(), "MinBackward1": lambda x: x.min(), "AmaxBackward0": lambda x: x.amax(0),
    "MaximumBackward0": lambda x: torch.maximum(x, x), "SoftmaxBackward0": lambda x: x.softmax(0),
    "LogSoftmaxBackward0": lambda x: x.log_softmax(0), "LogsumexpBackward0": lambda x: x.logsumexp(0),
    "SigmoidBackward0": lambda x: x.sigmoid(), "ReciprocalBackward0": lambda x: x.reciprocal(), "ClampBackward1":
    lambda x: x.clamp(0, 1), "SplitBackward0": lambda x: x.split(1)[1], "UnbindBackward0": lambda x: x.unbind()[1],
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    y = NAMES[name](torch.ones(2, 2, requires_grad=True))
    found = type(y.grad_fn).__name__
    assert found == name
    assert y.grad_fn.name() == found
    assert f"grad_fn=<{found}>" in repr(y)


def test_leaves():
    x = torch.ones(2, requires_grad=True)
    assert x.is_leaf and x.grad_fn is None
    assert torch.ones(2).is_leaf and torch.ones(2).grad_fn is None
    assert (torch.ones(2) * 2).is_leaf
    y = x * 2
    assert not y.is_leaf
    assert y.detach().is_leaf


def test_next_functions():
    x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    y = (x * 2) * w
    (mul, zero), (accumulate, _) = y.grad_fn.next_functions
    assert (mul.name(), zero) == ("MulBackward0", 0)
    assert type(accumulate).__name__ == "AccumulateGrad"
    assert accumulate.name() == "torch::autograd::AccumulateGrad"
    assert accumulate.variable is w
    assert accumulate.next_functions == ()
    assert mul.next_functions[0][0].variable is x


def test_operands_without_gradient_are_none():
    x = torch.ones(2, requires_grad=True)
    assert (torch.ones(2) * x).grad_fn.next_functions[0] == (None, 0)


def test_identity():
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    node = y.grad_fn
    assert y.grad_fn is node
    z = y + 1
    assert z.grad_fn.next_functions[0][0] is node
    assert (y * 3).grad_fn is not node


def test_a_node_keeps_its_graph():
    x = torch.ones(2, requires_grad=True)
    node = ((x * 2).exp() + 1).grad_fn
    names = []
    while node is not None:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    assert names == ["AddBackward0", "ExpBackward0", "MulBackward0", "AccumulateGrad"]


def test_a_graph_by_hand():
    """Walking the nodes finds each leaf as often as it is used."""
    a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    loss = (a * b + a).exp().sum()
    leaves, stack = [], [loss.grad_fn]
    while stack:
        node = stack.pop()
        if type(node).__name__ == "AccumulateGrad":
            leaves.append(node.variable)
        stack.extend(n for n, _ in node.next_functions if n is not None)
    assert sum(x is a for x in leaves) == 2 and sum(x is b for x in leaves) == 1


def test_comparisons_are_not_recorded():
    x = torch.ones(2, requires_grad=True)
    assert not (x > 0).requires_grad
    assert (x > 0).grad_fn is None
    assert not x.argmax().requires_grad


def test_looking_at_the_node_of_a_dead_view_leaves_its_memory_alone():
    """The leaf is a view whose base is gone, row and all: a node holds the leaf's row and nothing else."""
    for _ in range(300):
        x = torch.tensor([[0.75, 1.5], [-1.25, 0.125]], dtype=torch.float64)[..., ::2].requires_grad_().clone()
        ((leaf, _),) = x.grad_fn.next_functions
        del leaf
        kept = torch.ones(3).exp()
        (g,) = torch.autograd.grad((x * x).sum(), x, create_graph=True)
        assert g.tolist() == [[1.5], [-2.5]] and kept.numel() == 3
    free, seen = int(machine.state["free_buffer"][0]), set()
    while free:
        assert free not in seen
        seen.add(free)
        free = int(machine.buffers["owner"][free])


def _nested(one_node, *names):
    """Functions of these names, each composed of the next, of one tensor or of several."""
    *outer, name = names
    inner = _nested(one_node, *outer) if outer else lambda x, *more: x.exp()

    @one_node(name)
    def function(x, *more):
        found = inner(x * 2, *(y * 2 for y in more)) * 3
        return found + sum(y * 5 for y in more) if more else found

    return function


@pytest.mark.parametrize("count", (1, 2))
def test_a_composition_within_one_of_the_same_name(count):
    function = _nested(one_node, "OwnBackward0", "OtherBackward0", "OwnBackward0")
    leaves = [torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(count)]
    y, told = function(*leaves), []
    assert y.grad_fn.name() == "OwnBackward0"
    assert all(node.variable is leaf for (node, _), leaf in zip(y.grad_fn.next_functions, leaves, strict=True))
    y.grad_fn.register_hook(lambda incoming, outgoing: told.append((incoming, outgoing)))
    plain = torch.autograd.grad(function(*leaves).sum(), leaves)
    found = torch.autograd.grad(y.sum(), leaves)
    assert torch.equal(torch.stack(found), torch.stack(plain))
    ((incoming, (outgoing,)),) = told
    assert torch.equal(torch.stack(incoming), torch.stack(plain)) and outgoing.tolist() == [1.0, 1.0]
