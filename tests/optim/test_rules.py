"""Rules, one statement read three ways: as a kernel, as operations, and captured by `compile`."""
import numpy as np
import pytest

import tapegrad as torch
from tapegrad.optim import pointwise

CASES = [
    ("SGD", {}), ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "dampening": 0.5, "maximize": True}),
    ("ASGD", {"t0": 2, "lambd": 0.1}), ("Rprop", {}),
    ("Adam", {}), ("Adam", {"amsgrad": True, "weight_decay": 0.1, "betas": (0.3, 0.9)}), ("AdamW", {"maximize": True}),
    ("Adamax", {"weight_decay": 0.1}), ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {}), ("Adagrad", {"lr_decay": 0.1}), ("Adadelta", {}),
    ("RMSprop", {}), ("RMSprop", {"momentum": 0.9, "centered": True}),
]
named = pytest.mark.parametrize("name, given", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))


def parameters(dtype=torch.float32):
    rng = np.random.default_rng(0)
    return [torch.tensor(rng.normal(size=s), dtype=dtype).requires_grad_() for s in ((), (3,), (4, 5), (0, 2))]


def losses(params, turn):
    return sum(((p * (turn % 3 + 1) - 0.3) ** 2).sum() + p.sin().sum() for p in params)


def walk(name, given, steps=7, params=None):
    params = params or parameters()
    optimizer = getattr(torch.optim, name)(params, **given)
    for turn in range(steps):
        optimizer.zero_grad()
        losses(params, turn).backward()
        optimizer.step()
    return params, optimizer


@named
def test_operations_do_what_kernels_do(name, given, monkeypatch):
    by_kernels, first = walk(name, given)
    monkeypatch.setattr(pointwise.Pointwise, "_step_by_kernels", pointwise.Pointwise._step_by_operations)
    by_operations, second = walk(name, given)
    for p, q in zip(by_kernels, by_operations):
        torch.testing.assert_close(p, q, rtol=3e-6, atol=1e-7)
        for key, value in first.state[p].items():
            torch.testing.assert_close(value, second.state[q][key], rtol=3e-6, atol=1e-7)


@named
def test_a_step_counts_as_the_writes_that_it_is_in_pytorch(name, given):
    params, optimizer = walk(name, given, 2)
    before = [p._version for p in params]
    optimizer.step()
    group = optimizer.param_groups[0]
    decays = bool(group.get("decoupled_weight_decay") and group["weight_decay"])
    writes = {"NAdam": 2, "ASGD": 2}.get(name, 1) + decays
    assert [p._version for p in params] == [v + writes for v in before]


@named
def test_differentiable_steps_have_the_derivatives_of_finite_differences(name, given):
    def end(start, scale):
        p = start * 1
        optimizer = getattr(torch.optim, name)([p], differentiable=True, **{"lr": 0.05, **given})
        for turn in range(3):
            p.grad = (p + turn) * scale + torch.tensor([0.3, -0.2], dtype=torch.float64)
            optimizer.step()
        return p

    start = torch.tensor([0.7, -1.3], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([1.1, 0.9], dtype=torch.float64, requires_grad=True)
    gradients = torch.autograd.grad(end(start, scale).sum(), [start, scale], allow_unused=True)
    assert gradients[0] is not None and gradients[0].isfinite().all()
    if name == "Rprop":  # which goes by signs
        return
    h = 1e-6
    for i in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[i] = h
        fixed = scale.detach()
        slope = (end(start.detach(), fixed + step) - end(start.detach(), fixed - step)).sum() / (2 * h)
        torch.testing.assert_close(gradients[1][i], slope.detach(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("odd", [
    lambda: torch.randn(6)[::2].requires_grad_(),
    lambda: torch.randn(3, 4).t().requires_grad_(),
    lambda: torch.randn(1).requires_grad_(),
], ids=["gaps", "transposed", "one"])
@named
def test_however_a_parameter_lies(name, given, odd):
    p = odd()
    q = p.detach().contiguous().clone().requires_grad_()
    walk(name, given, 3, [p])
    walk(name, given, 3, [q])
    torch.testing.assert_close(p, q, rtol=3e-6, atol=1e-7)


def test_dtypes_in_one_group():
    singles, doubles = parameters(), parameters(torch.float64)
    mixed = [*parameters(), *parameters(torch.float64)]
    for params in (singles, doubles, mixed):
        walk("Adam", {}, 3, params)
    for p, q in zip([*singles, *doubles], mixed):
        assert torch.equal(p, q) and p.dtype is q.dtype


def test_a_rate_that_is_a_tensor():
    params, _ = walk("Adam", {"lr": torch.tensor(0.125)})
    same, _ = walk("Adam", {"lr": 0.125})
    assert all(torch.equal(p, q) for p, q in zip(params, same))


@pytest.mark.parametrize("name, given, words", [
    ("SGD", {"lr": -1.0}, "Invalid learning rate: -1.0"), ("SGD", {"momentum": -1.0}, "Invalid momentum value: -1.0"),
    ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
    ("Adam", {"eps": -1.0}, "Invalid epsilon value: -1.0"),
    ("Adam", {"betas": (1.0, 0.5)}, "Invalid beta parameter at index 0: 1.0"),
    ("Adam", {"betas": (0.5, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
    ("Adam", {"betas": (0, 0.5)}, "betas must be either both floats or both Tensors"),
    ("Adam", {"lr": torch.ones(2)}, "Tensor lr must be 1-element"),
    ("Adam", {"lr": torch.ones(1), "foreach": True}, "lr as a Tensor is not supported for capturable=False"),
    ("AdamW", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ("NAdam", {"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
    ("Rprop", {"etas": (1.0, 0.5)}, "Invalid eta values: 1.0, 0.5"),
    ("Adadelta", {"rho": 1.1}, "Invalid rho value: 1.1"),
    ("Adagrad", {"lr_decay": -0.5}, "Invalid lr_decay value: -0.5"),
    ("RMSprop", {"alpha": -0.5}, "Invalid alpha value: -0.5"),
])
def test_options_that_cannot_be(name, given, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        getattr(torch.optim, name)([torch.ones(1, requires_grad=True)], **given)


def test_fused_and_foreach_and_differentiable_exclude_each_other():
    for other in ("foreach", "differentiable"):
        with pytest.raises(RuntimeError, match="`fused`"):
            torch.optim.Adam([torch.ones(1, requires_grad=True)], fused=True, **{other: True})
