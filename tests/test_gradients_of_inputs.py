"""`autograd.grad` runs natively from end to end, recorded or not, and gives what Python's steps give."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from own_functions import Cube

import tapegrad as torch
from tapegrad.autograd import anomaly, grad
from tapegrad.autograd.graph import get_gradient_edge
from tapegrad.machine.live import machine

CASES: dict[str, Callable[..., Any]] = {}


def case(function: Callable[..., Any]) -> Callable[..., Any]:
    CASES[function.__name__] = function
    return function


def leaf(*values: float, dtype: Any = torch.float64) -> Any:
    return torch.tensor(values if len(values) > 1 else values[0], dtype=dtype, requires_grad=True)


for _dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
    def _of_dtype(create_graph: bool, dtype: Any = _dtype) -> Any:
        x, empty = leaf(1.5, 2.5, dtype=dtype), torch.zeros(0, 3, dtype=dtype, requires_grad=True)
        y = (x * x).sin()
        return [grad(y.sum(), x, retain_graph=True, create_graph=create_graph),
                grad(y, x, torch.ones(2, dtype=torch.float64), create_graph=create_graph),
                grad(empty * 2, empty, torch.zeros(0, 3, dtype=dtype), create_graph=create_graph),
                grad((empty * 2).sum(), empty, create_graph=create_graph)]

    CASES[f"of_{_dtype}"] = _of_dtype


@case
def twice(create_graph: bool) -> Any:
    """Roots and inputs that are given twice, and each other."""
    x = leaf(1.5, 2.5)
    y = x * x
    z = y.exp().sum()
    return (grad((z, y.sum(), z), (x, y, z, x), retain_graph=True, create_graph=create_graph),
            grad((y, y), x, (torch.ones_like(y), torch.full_like(y, 2.0)), create_graph=create_graph),
            grad(leaf(2.0), leaf(1.0), create_graph=create_graph, allow_unused=True))


@case
def seeds(create_graph: bool) -> Any:
    """Cotangents that lie otherwise, and those of what lies otherwise."""
    x = torch.arange(6.0, dtype=torch.float64).reshape(2, 3).requires_grad_()
    row = torch.arange(12.0, dtype=torch.float64)[::2]
    return [grad((x * x).t(), x, c, create_graph=create_graph) for c in (
        row.reshape(3, 2), row.reshape(2, 3).t(), torch.ones((), dtype=torch.float64).expand(3, 2))]


@case
def views(create_graph: bool) -> Any:
    x = leaf(1.5, 2.5, 3.5)
    y = x * 1
    v = y[1:]
    y.mul_(2)  # the view's history is brought up to date where it is asked for
    v.mul_(x[:2])
    return grad(v.sum() + y.sin().sum(), (x, y, v), create_graph=create_graph, allow_unused=True)


@case
def released(create_graph: bool) -> Any:
    """What lies below the inputs, and beside the way to them, is there for the next."""
    x, z = leaf(1.5, 2.5), leaf(3.0)
    middle = x * x
    return (grad((middle * z).sin().sum(), z, create_graph=create_graph),
            grad((middle * z).sum(), middle, create_graph=create_graph), grad(middle.sum(), x))


@case
def gone(create_graph: bool) -> Any:
    y = ((x := leaf(1.5, 2.5)) * x).sin()
    return grad(y.sum(), x, create_graph=create_graph), grad(y.sum(), x)


@case
def hooked(create_graph: bool) -> Any:
    x, other, seen = leaf(1.5, 2.5), leaf(2.0), []
    y = x * x * other

    def hook(g: Any) -> Any:
        seen.append(g.tolist())
        return g * 2

    y.register_hook(hook)
    other.register_hook(hook)
    return grad(y.sin().sum(), (x, y), create_graph=create_graph), seen


@case
def asked_again_in_a_hook(create_graph: bool) -> Any:
    x, z, seen = leaf(1.5, 2.5), leaf(2.0), []
    y = x * x

    def hook(g: Any) -> None:
        seen.append(grad(z ** 3, z, create_graph=create_graph))

    y.register_hook(hook)
    return grad(y.sin().sum(), x, create_graph=create_graph), seen


@case
def nodes(create_graph: bool) -> Any:
    x, seen = leaf(1.5, 2.5), []
    y = x * x
    y.retain_grad()
    y.grad_fn.register_hook(lambda incoming, outgoing: seen.append(len(incoming)))
    found = grad(y.sin().sum(), (x, get_gradient_edge(y)), create_graph=create_graph)
    return found, y.grad, seen


@case
def custom(create_graph: bool) -> Any:
    x = leaf(1.5, 2.5)
    return grad((Cube.apply(x * x) * x).sum(), x, create_graph=create_graph)


@case
def compiled(create_graph: bool) -> Any:
    function, x = torch.compile(lambda a: (a * a).sin() * a), leaf(1.5, 2.5)
    return [grad(function(x * 1).exp().sum(), x, create_graph=create_graph) for _ in range(3)]


@case
def checkpointed(create_graph: bool) -> Any:
    x = leaf(1.5, 2.5)
    y = torch.utils.checkpoint.checkpoint(lambda a: (a * a).sin(), x * 1, use_reentrant=False)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t + 1, lambda t: t - 1):
        y = y * y
    return grad(y.sum(), x, create_graph=create_graph)


@case
def moved(create_graph: bool) -> Any:
    x = leaf(1.5, 2.5)
    y = (x * 3).sum()
    x.data = torch.tensor([5.0, 6.0], dtype=torch.float64)
    return grad(y, x, create_graph=create_graph)


@case
def not_recorded(create_graph: bool) -> Any:
    y = (x := leaf(1.5)) * x
    with torch.no_grad():
        found = grad(y, x, retain_graph=True, create_graph=create_graph)
    with torch.inference_mode():
        return found, grad(y, x, create_graph=create_graph)


@case
def written_after(create_graph: bool) -> Any:
    x = leaf(1.5, 2.5)
    (g,) = grad((x ** 3).sum(), x, create_graph=True)
    g.mul_(x)
    return grad(g.sum(), x, create_graph=create_graph)


REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "no number": lambda x, more: grad(x * 2, x, **more),
    "unused": lambda x, more: grad(x.sum(), (x, leaf(1.0)), **more),
    "constant": lambda x, more: grad(torch.ones(()), x, **more),
    "no gradient": lambda x, more: grad(x.sum(), torch.ones(()), **more),
    "shape": lambda x, more: grad(x * 2, x, torch.ones(3, dtype=torch.float64), **more),
    "no tensor": lambda x, more: grad(x * 2, x, 3.0, **more),
}
for _name, _function in REFUSED.items():
    CASES[_name] = lambda create_graph, function=_function: function(leaf(1.5, 2.5), {"create_graph": create_graph})


def outcome(function: Callable[..., Any], create_graph: bool) -> Any:
    def told(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.dtype, value.shape, value.requires_grad, value.tolist()
        return [told(x) for x in value] if isinstance(value, (tuple, list)) else value

    try:
        return told(function(create_graph))
    except (RuntimeError, TypeError, ValueError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("create_graph", [False, True], ids=["plain", "recorded"])
@pytest.mark.parametrize("name", CASES)
def test_it_is_what_python_steps_give(name: str, create_graph: bool) -> None:
    with mock.patch.object(anomaly, "enabled", True):  # where every step is Python's
        expected = outcome(CASES[name], create_graph)
    for _ in range(2):  # the first is learnt from
        assert outcome(CASES[name], create_graph) == expected
        used = int(machine.state["n_buffers"][0])
        for workspace in machine.workspaces.values():  # nothing is left behind, whatever came in between
            assert not workspace.record["active"][0]
            assert not workspace.marks[:used].any()
            assert not workspace.adjoints[:used].any()


def test_the_same_root_twice_before_anything_was_added() -> None:
    x = torch.tensor([[[[3.0]]]], dtype=torch.float16, requires_grad=True)  # no other has this layout
    y = x * 5
    assert grad([y, y], x)[0].item() == 10.0


def test_a_failure_leaves_no_sweep_behind() -> None:
    class Fails(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise ValueError("as it was told to")

    before = len(machine.workspaces)
    for create_graph in (False, True):
        for _ in range(20):
            x = leaf(1.5, 2.5)
            y = (Fails.apply(x * x) * x).sum()
            with pytest.raises(ValueError, match="as it was told to"):
                grad(y, x, create_graph=create_graph)
            assert grad(x.sum(), x, create_graph=create_graph)[0].tolist() == [1.0, 1.0]
    assert len(machine.workspaces) <= before + 1
