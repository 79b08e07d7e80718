"""`backward` and `autograd.grad`: what they accumulate, keep, free and refuse."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch


def leaf(*values):
    return torch.tensor(list(values), requires_grad=True)


# ---------------------------------------------------------------- accumulation


def test_gradients_accumulate_in_place():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first
    assert first.tolist() == [5.0, 7.0]


def test_two_leaves_never_share_a_gradient():
    x, y = leaf(1.0), leaf(2.0)
    (x + y).sum().backward()
    x.grad.add_(1)
    assert y.grad.tolist() == [1.0]


def test_the_cotangent_given_stays_the_callers():
    x = leaf(1.0, 2.0)
    g = torch.ones(2)
    x.clone().backward(g)
    x.grad.mul_(5)
    assert g.tolist() == [1.0, 1.0]
    x.backward(g)
    x.grad.mul_(5)
    assert g.tolist() == [1.0, 1.0]


def test_backward_of_a_leaf():
    x = torch.tensor(2.0, requires_grad=True)
    x.backward()
    x.backward()
    assert x.grad.item() == 2.0


def test_the_same_operand_twice():
    x = leaf(3.0)
    (x * x).backward()
    assert x.grad.tolist() == [6.0]
    x.grad = None
    (x + x).backward()
    assert x.grad.tolist() == [2.0]
    x.grad = None
    torch.cat([x, x, x]).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_diamond():
    x = torch.tensor(2.0, requires_grad=True)
    a = x * x
    (a.exp() * 0 + a * a + a).backward()
    assert x.grad.item() == 4 * 8 + 4


def test_branches_that_lead_nowhere_cost_nothing():
    x = torch.tensor(2.0, requires_grad=True)
    y = x * x
    _ = (y / 0).log()
    y.backward()
    assert x.grad.item() == 4.0


def test_assigned_gradients_are_accumulated_into():
    x = leaf(1.0, 2.0)
    mine = torch.zeros(2)
    x.grad = mine
    (x * x).sum().backward()
    assert x.grad is mine
    assert mine.tolist() == [2.0, 4.0]


def test_gradient_of_a_transposed_leaf():
    x = torch.ones(2, 3).t().requires_grad_()
    (x * torch.arange(6.0).view(3, 2)).sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert x.grad.stride() == (1, 3)


def test_broadcast_operands_get_sums():
    a, b = torch.ones(3, 1, requires_grad=True), torch.ones(4, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.tolist() == [[4.0]] * 3
    assert b.grad.tolist() == [3.0] * 4


@pytest.mark.parametrize(("dim", "keepdim"), [(None, False), (0, False), (1, True), ((0, 2), False), ((0, 1, 2), True)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_mean_of_many(dim, keepdim, turned):
    """The same number for all of a row, in whatever order that lies."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((30, 41, 50))
    x = torch.from_numpy(a.T.copy()).permute(2, 1, 0) if turned else torch.from_numpy(a)
    x.requires_grad_()
    for _ in range(2):
        y = x.mean() if dim is None else x.mean(dim, keepdim)
        g = torch.from_numpy(rng.standard_normal(y.shape))
        (y * g).sum().backward()
        wide = g.numpy() if dim is None or keepdim else np.expand_dims(g.numpy(), dim)
        wanted = np.broadcast_to(wide, a.shape) / (a.size / max(wide.size, 1))
        np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-14)
        x.grad = None


def test_mixed_dtypes_give_each_its_own():
    a = torch.ones(2, dtype=torch.float32, requires_grad=True)
    b = torch.ones(2, dtype=torch.float64, requires_grad=True)
    (a * b).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (torch.float32, torch.float64)


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    assert y.retains_grad and not x.retains_grad
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        torch.ones(1).retain_grad()


def test_grad_of_no_leaf_warns():
    y = leaf(1.0) * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None


# ---------------------------------------------------------------- a second time


def test_a_second_backward_needs_what_the_first_freed():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_second_backward_through_what_keeps_nothing():
    x = leaf(1.0, 2.0)
    y = (x + 3).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_retain_graph():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_a_shared_part_is_freed_by_the_first():
    x = leaf(2.0)
    shared = x.exp()
    (shared + 1).backward()
    with pytest.raises(RuntimeError, match="a second time"):
        (shared * 2).backward()


def test_a_refused_backward_changes_nothing():
    x, w = leaf(1.0), leaf(2.0)
    y = x * w
    y.backward()
    z = y * x
    with pytest.raises(RuntimeError, match="a second time"):
        z.backward()
    assert (x.grad.tolist(), w.grad.tolist()) == ([2.0], [1.0])
    (x * 2).backward()
    assert x.grad.tolist() == [4.0]


# ---------------------------------------------------------------- inputs=, grad


def test_inputs_restrict_the_leaves():
    x, w = leaf(1.0), leaf(2.0)
    (x * w).backward(inputs=[x])
    assert x.grad.tolist() == [2.0]
    assert w.grad is None


def test_inputs_may_be_no_leaves():
    x = leaf(1.0)
    y = x * 2
    (y * y).backward(inputs=[y])
    assert x.grad is None
    assert y.grad.tolist() == [4.0]


def test_backward_of_several():
    x = leaf(1.0, 2.0)
    torch.autograd.backward([x * 2, (x * x).sum()], [torch.ones(2), None])
    assert x.grad.tolist() == [4.0, 6.0]
    x.grad = None
    y = x * 2
    torch.autograd.backward([y, y], [torch.ones(2), torch.ones(2)])
    assert x.grad.tolist() == [4.0, 4.0]


def test_a_root_inside_another_roots_graph():
    x = torch.tensor(3.0, requires_grad=True)
    y = x * 2
    torch.autograd.backward([y, y * y])
    assert x.grad.item() == 2 + 24


def test_grad_leaves_the_leaves_alone():
    x, w = leaf(1.0), leaf(2.0)
    y = x * 3
    found = torch.autograd.grad(y * w, [x, w, y])
    assert [g.tolist() for g in found] == [[6.0], [3.0], [2.0]]
    assert x.grad is None and w.grad is None


def test_grad_of_the_output_itself():
    x = leaf(1.0)
    y = x * 2
    assert torch.autograd.grad(y, y)[0].tolist() == [1.0]


def test_grad_wants_every_input_used():
    x, w = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        torch.autograd.grad(x * 2, [x, w])
    assert torch.autograd.grad(x * 2, [w, x], allow_unused=True)[0] is None
    zero, one = torch.autograd.grad(x * 2, [w, x], materialize_grads=True)
    assert (zero.tolist(), one.tolist()) == ([0.0], [2.0])
    with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed"):
        torch.autograd.grad(x * 2, x, allow_unused=False, materialize_grads=True)


def test_grad_frees_unless_told():
    x = leaf(2.0)
    y = x * x
    torch.autograd.grad(y, x, retain_graph=True)
    torch.autograd.grad(y, x)
    with pytest.raises(RuntimeError, match="a second time"):
        torch.autograd.grad(y, x)


def test_grad_through_part_of_a_graph_frees_only_that():
    x = leaf(2.0)
    y = x.exp()
    z = y * y
    torch.autograd.grad(z, y)
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx([7.389056])


def test_grad_does_not_look_below_its_inputs():
    x = leaf(2.0)
    y = x.exp()
    z = y * y
    y.backward()
    assert torch.autograd.grad(z, y)[0].tolist() == pytest.approx([2 * 7.389056])


# ---------------------------------------------------------------- gradients of gradients


def test_third_derivative():
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    y = x ** 4
    for expected in (32.0, 48.0, 48.0, 24.0):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        assert y.item() == expected


def test_create_graph_accumulates_out_of_place():
    x = torch.tensor(2.0, requires_grad=True)
    (x * x).backward(create_graph=True)
    first = x.grad
    assert first.requires_grad and first.item() == 4.0
    (x * x * x).backward(create_graph=True)
    assert first.item() == 4.0
    assert x.grad.item() == 16.0
    (second,) = torch.autograd.grad(x.grad, x)
    assert second.item() == 2 + 12


def test_gradients_are_not_recorded_otherwise():
    x = leaf(2.0)
    (x * x).backward()
    assert not x.grad.requires_grad


def test_gradient_penalty():
    w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad((w * x).tanh().sum(), x, create_graph=True)
    (g * g).sum().backward()
    step = 1e-6

    def penalty(w):
        return ((w * (1 - (w * x.detach()).tanh() ** 2)) ** 2).sum().item()

    with torch.no_grad():
        for i in range(2):
            up, down = w.clone(), w.clone()
            up[i] += step
            down[i] -= step
            assert w.grad[i].item() == pytest.approx((penalty(up) - penalty(down)) / (2 * step), rel=1e-7)


# ---------------------------------------------------------------- depth


def test_deep_chain():
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(10**6):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0


def test_deep_chain_that_keeps():
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(10**5):
        y = y * 1.00001
    y.backward()
    assert x.grad.item() == pytest.approx(y.item(), rel=1e-2)


@pytest.mark.parametrize("n", [31, 32, 33, 100, 1100])
def test_wide_fan_in(n):
    x = torch.tensor(1.0, requires_grad=True)
    torch.cat([(x * i).reshape(1) for i in range(n)]).sum().backward()
    assert x.grad.item() == n * (n - 1) / 2


def test_recording_continues_after_backward():
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(100):
        loss = (w - 3) ** 2
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
    assert w.item() == pytest.approx(3.0, abs=1e-5)


def slopes_of_a_chain(watched, how, kept):
    """The gradients along w · tanh(x) …, and of some values on the way; the sweep may be made twice."""
    x = torch.linspace(-1, 1, 50).requires_grad_()
    w = torch.linspace(0.5, 2, 50).requires_grad_()
    values, seen = [x], {}
    for k in range(6):
        values.append(values[-1] * w if k % 2 else values[-1].tanh() - values[-1] / 3)
    for k in watched:
        if how == "retained":
            values[k].retain_grad()
        else:
            values[k].register_hook(lambda g, k=k: seen.update({k: g}))
    seed = torch.linspace(1, 2, 50)
    root = values[-1] + values[2]
    if how == "asked for":
        return torch.autograd.grad(root, [x, w, *(values[k] for k in watched)], seed)
    for _ in range(1 + kept):
        root.backward(seed, retain_graph=kept)
    assert torch.equal(seed, torch.linspace(1, 2, 50))
    return [x.grad, w.grad, *(values[k].grad if how == "retained" else seen[k] for k in watched)]


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("how", ["retained", "hooked"])
@pytest.mark.parametrize("watched", [[], [3], [2, 4, 6], [1, 2, 3, 4, 5, 6]])
def test_gradients_that_are_written_where_the_one_before_lay(watched, how, kept):
    """The sweep writes an elementwise operand's gradient over the one it is made of, unless somebody has that."""
    wanted = slopes_of_a_chain([1, 2, 3, 4, 5, 6], "asked for", False)
    twice = 1 + kept
    found = slopes_of_a_chain(watched, how, kept)
    for a, b in zip(found[:2], wanted):
        assert torch.allclose(a, b * twice)
    for k, a in zip(watched, found[2:]):
        assert torch.equal(a, wanted[1 + k] * (twice if how == "retained" else 1))
