"""Writing in place: what is refused, what is recorded, and that a stale operand never goes unnoticed."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch

STALE = "modified by an inplace operation"


def leaf(*values):
    return torch.tensor(list(values), requires_grad=True)


@pytest.mark.parametrize("write", [
    lambda x: x.add_(1), lambda x: x.mul_(2), lambda x: x.zero_(), lambda x: x.fill_(3), lambda x: x.sin_(),
    lambda x: x.copy_(torch.ones(2)), lambda x: x.__iadd__(1), lambda x: x.__setitem__(0, 5.0), lambda x: x[0].mul_(2),
    lambda x: x.clamp_(min=0),
])
def test_a_leaf_is_not_written(write):
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad is being used in an in-place operation"):
        write(x)
    assert x.tolist() == [1.0, 2.0]
    assert x._version == 0
    with torch.no_grad():
        write(x)
    assert x.is_leaf and x.requires_grad and x._version == 1


def test_what_is_written_in_place_is_recorded():
    x = leaf(1.0, 2.0)
    y = x * 2
    same = y
    y.add_(1).mul_(x)
    assert same is y
    assert y.grad_fn.name() == "MulBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 9.0]


def test_operators_in_place():
    x = leaf(2.0)
    y = x.clone()
    y += 1
    y *= 3
    y -= x
    y /= 2
    y **= 2
    assert y.tolist() == [12.25]
    y.backward()
    assert x.grad.tolist() == [7.0]


def test_a_tensor_without_history_takes_one_on():
    x, y = leaf(2.0), torch.ones(1)
    y.mul_(x)
    assert y.requires_grad and not y.is_leaf
    y.backward()
    assert x.grad.tolist() == [1.0]


def test_a_view_made_without_history_is_not_written_behind_its_base():
    """Nor when the kernel is one that native code knows."""
    known = torch.ones(4)[1:3]
    for _ in range(2):
        known.mul_(2)
    base = leaf(1.0, 2.0, 3.0, 4.0).clone()
    with torch.no_grad():
        view = base[1:3]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        view.mul_(2)
    assert base.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_leaf_that_is_a_view_stays_one():
    w = torch.arange(6.0).reshape(2, 3).requires_grad_()
    for _ in range(3):
        w.grad = None
        (w * w).sum().backward()
        with torch.no_grad():
            w.sub_(0.25 * w.grad)
    assert w.requires_grad and w.is_leaf
    np.testing.assert_allclose(w.tolist(), np.arange(6.0).reshape(2, 3) / 8)


def test_alpha():
    x = torch.ones(2)
    x.add_(torch.ones(2), alpha=3).sub_(torch.ones(2), alpha=2)
    assert x.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("write", [
    lambda y, x: y.mul_(x), lambda y, x: y.pow_(3), lambda y, x: y.sin_(), lambda y, x: y.div_(x),
    lambda y, x: y.exp_(), lambda y, x: y.sqrt_(), lambda y, x: y.sigmoid_(), lambda y, x: y.clamp_(min=0.5),
    lambda y, x: y.zero_(), lambda y, x: y.fill_(2), lambda y, x: y.copy_(x), lambda y, x: y.relu_(),
    lambda y, x: y.neg_(),
])
def test_in_place_differentiates_as_out_of_place(write):
    """The rule reads the operand that the write destroyed."""
    x = torch.tensor([1.5, 2.5], dtype=torch.float64, requires_grad=True)
    y = x * 2
    write(y, x)
    y.sum().backward()
    step = 1e-6
    with torch.no_grad():
        for i in range(2):
            ends = []
            for sign in (1, -1):
                moved = x.detach().clone()
                moved[i] += sign * step
                z = moved * 2
                write(z, moved)
                ends.append(z.sum().item())
            assert x.grad[i].item() == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("view", [lambda x: x[:, 1], lambda x: x[:, ::2], lambda x: x.t()[1:], lambda x: x[1]])
@pytest.mark.parametrize("name, numbers", [
    ("pow", (1.5,)), ("pow", (2,)), ("clamp", (0.75, 1.5)), ("clamp_min", (0.75,)), ("mul", (3.0,)), ("div", (3,)),
    ("add", (2,)), ("remainder", (0.75,)), ("xlogy", (2.0,)), ("masked_fill", (torch.tensor(True), 7.0)),
])
def test_numbers_are_numbers_in_a_view_that_lies_apart(view, name, numbers):
    x = torch.tensor([[0.5, 1.0, 1.5], [2.0, 0.25, 0.75]], requires_grad=True)
    right = getattr(view(x), name)(*numbers)
    y = x.clone()
    getattr(view(y), name + "_")(*numbers)
    assert view(y).tolist() == right.tolist()
    (expected,) = torch.autograd.grad((right * right).sum(), x)
    (found,) = torch.autograd.grad((view(y) ** 2).sum(), x)
    assert torch.allclose(found, expected)


def test_a_stale_operand_is_refused():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match=STALE) as error:
        y.sum().backward()
    assert "[torch.FloatTensor [2]], which is output 0 of Exp, is at version 1; expected version 0 instead" in str(
        error.value)
    assert x.grad is None


def test_a_stale_leaf_is_refused():
    x, w = leaf(1.0), leaf(3.0)
    y = x * w
    with torch.no_grad():
        w.mul_(2)
    with pytest.raises(RuntimeError, match=STALE):
        y.backward()


def test_what_nobody_reads_may_be_overwritten():
    x = leaf(1.0, 2.0)
    y = x + 1
    z = y + 1
    y.zero_()
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_only_the_kept_operand_counts():
    x, c = leaf(1.0), torch.tensor([2.0])
    y = x * c
    c.fill_(5)
    with pytest.raises(RuntimeError, match=STALE):
        y.backward()
    w = leaf(3.0)
    z = torch.tensor([2.0]) * w
    with torch.no_grad():
        w.fill_(9)
    z.backward()
    assert w.grad.tolist() == [2.0]


def test_a_write_through_a_view_counts():
    x, c = leaf(1.0, 2.0), torch.ones(2)
    y = x * c
    c[0].add_(1)
    with pytest.raises(RuntimeError, match=STALE):
        y.sum().backward()


def test_a_write_through_detach_counts():
    x = leaf(1.0)
    y = x.exp()
    y.detach().zero_()
    with pytest.raises(RuntimeError, match=STALE):
        y.backward()


def test_itself_in_place():
    x = leaf(3.0)
    y = x * 1
    y.mul_(y)
    assert y.tolist() == [9.0]
    with pytest.raises(RuntimeError, match=STALE):
        y.backward()


def test_add_itself_in_place():
    x = leaf(3.0)
    y = x * 1
    y.add_(y)
    y.backward()
    assert x.grad.tolist() == [2.0]


def test_overlap_is_refused():
    x = torch.zeros(1).expand(3)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        x.add_(1)
    a = torch.arange(4.0)
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor refer"):
        a[1:].add_(a[:-1])
    assert a.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_disjoint_parts_may_meet():
    a = torch.arange(4.0)
    a[:2].add_(a[2:])
    assert a.tolist() == [2.0, 4.0, 2.0, 3.0]
    b = torch.arange(4.0)
    b[::2].add_(b[1::2])
    assert b.tolist() == [1.0, 1.0, 5.0, 3.0]


def test_the_result_must_fit():
    x = torch.ones(2)
    with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"):
        x.add_(torch.ones(3, 2))
    n = torch.ones(2, dtype=torch.int64)
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        n.add_(0.5)
    assert n.tolist() == [1, 1]
    assert n.add_(True).tolist() == [2, 2]


def test_versions():
    x = torch.zeros(3)
    view = x[1:]
    assert x._version == 0
    x.add_(1)
    view.mul_(2)
    assert x._version == view._version == 2
    assert (x + 1)._version == 0


def test_copy_casts_and_broadcasts():
    x = torch.zeros(2, 3, dtype=torch.int64)
    x.copy_(torch.tensor([1.7, -2.7, 3.0]))
    assert x.tolist() == [[1, -2, 3]] * 2


def test_copy_gives_the_source_its_gradient():
    x, y = leaf(1.0, 2.0), torch.zeros(2, dtype=torch.float64)
    y.copy_(x)
    assert type(y.grad_fn).__name__ == "CopyBackwards"
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0] and x.grad.dtype is torch.float32


def test_setting_items():
    x = torch.zeros(3, 4)
    x[1] = 5
    x[:, 0] = torch.tensor([1.0, 2.0, 3.0])
    x[2, 1:3] = 7.0
    assert x.tolist() == [[1, 0, 0, 0], [2, 5, 5, 5], [3, 7, 7, 0]]


def test_detach_in_place():
    x = leaf(1.0)
    y = x * 2
    y.detach_()
    assert y.is_leaf and not y.requires_grad and y.grad_fn is None


CROSSING = {  # reads and writes that share elements, of a 3 by 3 matrix of 0 to 8; the matrix then
    "row to column": (lambda s: s.__setitem__((slice(None), 1), s[1]), [[0, 3, 2], [3, 4, 5], [6, 5, 8]]),
    "column to row": (lambda s: s.__setitem__(1, s[:, 1]), [[0, 1, 2], [1, 4, 7], [6, 7, 8]]),
    "diagonal to row": (lambda s: s[2].copy_(s.diagonal()), [[0, 1, 2], [3, 4, 5], [0, 4, 8]]),
    "element to row": (lambda s: s.__setitem__(1, s[1, 1]), [[0, 1, 2], [4, 4, 4], [6, 7, 8]]),
    "row to itself": (lambda s: s.__setitem__(1, s[1]), [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
    "column added": (lambda s: s[1].add_(s[:, 2]), [[0, 1, 2], [5, 9, 13], [6, 7, 8]]),
}


@pytest.mark.parametrize("name", CROSSING)
def test_writes_of_what_crosses_are_of_what_was_there(name):
    write, after = CROSSING[name]
    for _ in range(2):
        x = torch.arange(9.0).reshape(3, 3).requires_grad_()
        s = x * 1
        write(s)
        assert s.tolist() == after and s._version == 1
        s.sum().backward()
        assert x.grad.sum().item() == (12 if name == "column added" else 9)


def test_stretches_that_overlap_are_refused():
    s = torch.arange(12.0).reshape(4, 3)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="single memory location"):
            s[0:2] = s[1:3]
        assert s.tolist() == torch.arange(12.0).reshape(4, 3).tolist() and s._version == 0


def test_a_slice_of_everything_is_a_slice_where_it_stands_alone():
    x = torch.ones(2, 3, requires_grad=True)
    for _ in range(2):
        slices, others = (x[:], x[0:5], x[::1]), (x[:, :], x[...])
        for found, name in (*((y, "Slice") for y in slices), *((y, "Alias") for y in others)):
            assert type(found.grad_fn).__name__ == f"{name}Backward0" and found._base is x
