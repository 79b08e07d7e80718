"""Views: they share memory, their gradients land where they looked, and kernels read them as they lie."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import tapegrad as torch


def cube():
    return torch.arange(24.0, dtype=torch.float64).view(2, 3, 4).clone()


VIEWS = {
    "view": lambda x: x.view(6, 4), "reshape": lambda x: x.reshape(4, -1), "view inferred": lambda x: x.view(-1),
    "transpose": lambda x: x.transpose(0, 2), "permute": lambda x: x.permute(2, 0, 1), "mT": lambda x: x.mT,
    "slice": lambda x: x[:, 1:, ::2], "select": lambda x: x.select(1, -1), "index": lambda x: x[1],
    "index twice": lambda x: x[1][2], "narrow": lambda x: x.narrow(2, 1, 2), "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x[:, :1].squeeze(1), "diagonal": lambda x: x.diagonal(0, 1, 2),
    "none": lambda x: x[None, ..., 0],
    "expand": lambda x: x[:, :, :1].expand(2, 3, 5), "expand new": lambda x: x.expand(3, 2, 3, 4),
    "flatten": lambda x: x.flatten(1), "unfold": lambda x: x.unfold(2, 3, 1),
    "detour": lambda x: x.transpose(0, 1)[1:].transpose(1, 2)[..., 1],
    "empty": lambda x: x[:, 3:], "everything": lambda x: x[...],
}
SEVERAL = {
    "unbind": lambda x: x.unbind(1), "split": lambda x: x.split(2, 1), "split unevenly": lambda x: x.split([1, 2], 1),
    "chunk": lambda x: x.chunk(3, 2), "iteration": tuple,
}


def by_numpy(view):
    """Which elements of the cube a view shows, in its order."""
    return view(cube()).numpy().astype(int)


@pytest.mark.parametrize("name", VIEWS)
def test_gradient_lands_where_the_view_looked(name):
    x = cube().requires_grad_()
    y = VIEWS[name](x)
    weights = torch.from_numpy(np.random.default_rng(0).standard_normal(tuple(y.shape)))
    (y * weights).sum().backward()
    expected = np.zeros(24)
    np.add.at(expected, by_numpy(VIEWS[name]), weights.numpy())
    np.testing.assert_allclose(x.grad.numpy().ravel(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", VIEWS)
def test_memory_is_shared(name):
    x = cube()
    y = VIEWS[name](x)
    assert y._is_view() and y._base is x
    x.mul_(2)
    np.testing.assert_array_equal(y.numpy(), 2 * by_numpy(VIEWS[name]))
    assert y._version == x._version == 1


@pytest.mark.parametrize("name", VIEWS)
def test_kernels_read_any_layout(name):
    y = VIEWS[name](cube())
    values = by_numpy(VIEWS[name]).astype(float)
    np.testing.assert_allclose((y * y + y).numpy(), values * values + values)
    np.testing.assert_allclose(y.sum().item(), values.sum())
    np.testing.assert_array_equal(y.clone().numpy(), values)
    np.testing.assert_array_equal(y.contiguous().numpy(), values)
    assert y.contiguous().is_contiguous()
    assert y.tolist() == values.tolist()


@pytest.mark.parametrize("name", SEVERAL)
def test_several_views(name):
    x = cube().requires_grad_()
    parts = SEVERAL[name](x)
    sum((i + 1) * p.sum() for i, p in enumerate(parts)).backward()
    expected = np.zeros(24)
    for i, part in enumerate(SEVERAL[name](cube())):
        np.add.at(expected, part.numpy().astype(int), i + 1)
    assert x.grad.numpy().ravel().tolist() == expected.tolist()


def test_one_part_of_several():
    x = cube().requires_grad_()
    _, second, _ = x.unbind(1)
    (second * 2).sum().backward()
    assert x.grad.sum(0).sum(-1).tolist() == [0.0, 16.0, 0.0]


def test_chains_of_views_into_one_gradient():
    x = cube().requires_grad_()
    y = x[0].t()[1:3]
    z = x.permute(1, 2, 0)[..., 0]
    (y.sum() * 2 + (z * z).sum()).backward()
    expected = np.zeros((2, 3, 4))
    expected[0] = 2 * cube().numpy()[0]
    expected[0, :, 1:3] += 2
    np.testing.assert_allclose(x.grad.numpy(), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_gradients_of_first_rows(dtype):
    """They stay where they are if there is room for the others behind them, and are copied if there is none."""
    for rows, width in itertools.product((2, 3, 9, 65), (1, 3, 64, 1000)):
        for taken in {1, rows // 2, rows - 1}:
            w = (torch.arange(taken * width) % 7).to(dtype).view(taken, width)
            for _ in range(2):
                x = torch.ones(rows, width, dtype=dtype, requires_grad=True)
                y = x * 1
                first = y[:taken]
                first.register_hook(lambda g: None) if rows == 3 else None
                (first * w).sum().backward()
                expected = torch.zeros(rows, width, dtype=dtype)
                expected[:taken] = w
                assert torch.equal(x.grad, expected)
            y = x * 1
            (kept,) = torch.autograd.grad((y[:taken] * w).sum() + y.sum() + (y[:taken] * 2).sum(), y)
            expected[:taken] += 2
            assert torch.equal(kept, expected + 1)


def test_views_of_results():
    x = torch.ones(3, 4, requires_grad=True)
    y = (x * 2).t()
    y[1:].sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0, 2.0, 2.0]] * 3


def test_second_derivative_through_views():
    x = cube().requires_grad_()
    y = x[:, 1].transpose(0, 1)
    (g,) = torch.autograd.grad((y ** 3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    np.testing.assert_allclose(h.numpy()[:, 1], 6 * cube().numpy()[:, 1])
    assert h.numpy()[:, 0].any() == 0


def test_backward_of_a_view_with_a_cotangent_of_another_layout():
    x = torch.ones(3, 4, requires_grad=True)
    x.t().backward(torch.arange(12.0).view(3, 4).t())
    assert x.grad.tolist() == torch.arange(12.0).view(3, 4).tolist()


def test_matrix_products_of_views():
    a = torch.arange(12.0, dtype=torch.float64).view(3, 4)
    for x in (a, a.t(), a[::2], a[:, ::2], a[:, 1:3], a[:1].expand(3, 4)):
        for y in (x.t(), x.t().contiguous(), x.flip(0).t() if hasattr(x, "flip") else x.t()):
            np.testing.assert_allclose((x @ y).numpy(), x.numpy() @ y.numpy())


def test_view_needs_compatible_strides():
    with pytest.raises(RuntimeError, match=r"view size is not compatible with input tensor's size and stride"):
        cube().transpose(0, 2).view(24)
    assert cube().transpose(0, 2).reshape(24).shape == (24,)


def test_a_view_keeps_its_memory():
    y = cube()[1]
    others = [torch.zeros(24, dtype=torch.float64) for _ in range(10)]
    assert y.sum().item() == sum(range(12, 24))
    assert len(others) == 10


def test_detach_shares():
    x = cube().requires_grad_()
    y = x.detach()
    assert not y.requires_grad and y.is_leaf and y.data_ptr() == x.data_ptr()


def test_numpy_shares():
    x = torch.zeros(2, 3)
    x.t().numpy()[1, 0] = 5
    assert x[0, 1].item() == 5
    a = np.zeros((4, 4))
    y = torch.from_numpy(a[::2].T)
    y.fill_(3)
    assert a.sum() == 24


def test_data_of_a_dead_base():
    x = cube()
    y = x[0, 0]
    array = y.numpy()
    del x, y
    _ = [torch.ones(24, dtype=torch.float64) for _ in range(50)]
    assert array.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_diag_there_and_back():
    x = torch.arange(9.0).reshape(3, 3)
    assert torch.diag(x).tolist() == [0.0, 4.0, 8.0]
    assert torch.diag(x, 1).tolist() == [1.0, 5.0]
    assert torch.diag(torch.tensor([1.0, 2.0])).tolist() == [[1.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize("made", [
    lambda x: x.max(1)[0], lambda x: x.max(1)[1], lambda x: x.min(0).values, lambda x: x.median(1)[0],
    lambda x: x.mode(0)[1], lambda x: x.kthvalue(1, 1)[1], lambda x: x.median(), lambda x: x[0, 0].cumsum(0),
    lambda x: x[0, 0].max(0)[0], lambda x: x.t().reshape(6), lambda x: x.t().flatten(), lambda x: torch.kron(x, x),
    lambda x: torch.broadcast_tensors(x * 1, x)[0], lambda x: x.select_scatter(x[0], 0, 1),
    lambda x: x.diagonal_scatter(x[0, :2]),
])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_result_that_nobody_else_holds_is_no_view(made, requires_grad):
    """It may be detached in place, and a write in place is one instruction."""
    y = made(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=requires_grad))
    assert not y._is_view() and y._base is None
    before = y.tolist()
    y.add_(1)
    assert y.tolist() == (torch.tensor(before) + 1).tolist()
    y.detach_()


@pytest.mark.parametrize("base_needs", [True, False])
def test_a_view_of_what_left_its_base_is_of_that(base_needs):
    """A write through it is the history of what it was taken of, and the base that was left knows nothing."""
    w = torch.tensor([2.0, 3.0, 4.0], requires_grad=True)
    b = w * 1 if base_needs else torch.zeros(3)
    before = b.tolist()
    x = b[:2]
    x.data = torch.tensor([5.0, 6.0])
    v = x[:1]
    v.mul_(w[:1])
    assert v._base is x and x.requires_grad and v.requires_grad and b.requires_grad == base_needs
    assert (x.tolist(), v.tolist(), b.tolist()) == ([10.0, 6.0], [10.0], before)
    x.sum().backward()
    assert w.grad.tolist() == ([5.0 + 2.0, 1.0, 0.0] if base_needs else [5.0, 0.0, 0.0])


def test_data_of_another_shape_is_refused_by_that_name():
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = y.square().sum()
    y.data = torch.ones(3)
    with pytest.raises(RuntimeError, match="given data of another shape or dtype"):
        z.backward()
