"""What is refused: the exception and the words are PyTorch's, and nothing has changed."""
from __future__ import annotations

import pytest

import tapegrad as torch


class World:
    """Some tensors to go wrong with."""

    def __init__(self):
        self.x = torch.arange(6.0).view(2, 3).clone().requires_grad_()
        self.y = self.x * 2
        self.c = torch.ones(2, 3)
        self.n = torch.arange(3)
        self.b = torch.tensor([True, False])

    def state(self):
        return [(t.tolist(), t._version, t.requires_grad, t.shape, t.is_leaf) for t in vars(self).values()]


ERRORS = [
    ("broadcast", lambda w: w.x + torch.ones(2), RuntimeError,
     r"The size of tensor a \(3\) must match the size of tensor b \(2\) at non-singleton dimension 1"),
    ("broadcast, the last first", lambda w: torch.ones(4, 3, 2) * torch.ones(4, 3), RuntimeError,
     r"The size of tensor a \(2\) must match the size of tensor b \(3\) at non-singleton dimension 2"),
    ("assign", lambda w: torch.ones(2, 3).__setitem__(0, torch.ones(2)), RuntimeError,
     r"The expanded size of the tensor \(3\) must match the existing size \(2\) at non-singleton dimension 0"),
    ("expand, the last first", lambda w: torch.ones(3, 1, 2).expand(4, 5, 6), RuntimeError,
     r"The expanded size of the tensor \(6\) must match the existing size \(2\) at non-singleton dimension 2"),
    ("add text", lambda w: w.x + "1", TypeError, ""),
    ("add none", lambda w: w.x + None, TypeError, ""),
    ("mul list", lambda w: torch.mul(w.x, [1.0]), TypeError,
     r"mul\(\): argument 'other' \(position 2\) must be Tensor"),
    ("negate bool", lambda w: -w.b, RuntimeError, "Negation, the `-` operator, on a bool tensor is not supported"),
    ("subtract bool", lambda w: w.b - w.b, RuntimeError, "Subtraction, the `-` operator, with two bool tensors"),
    ("invert float", lambda w: ~w.c, (RuntimeError, TypeError), ""),
    ("and float", lambda w: w.c & w.c, RuntimeError, "not implemented for 'Float'"),
    ("mean int", lambda w: w.n.mean(), RuntimeError, r"mean\(\): could not infer output dtype"),
    ("negative power", lambda w: w.n ** -1, RuntimeError, "Integers to negative integer powers are not allowed"),
    ("negative power, once others are known", lambda w: [w.n ** p for p in (7, 8, -7)], RuntimeError,
     "Integers to negative integer powers are not allowed"),
    ("negative power in place, once others are known", lambda w: [w.n.clone().pow_(p) for p in (7, 8, -7)],
     RuntimeError, "Integers to negative integer powers are not allowed"),
    ("sum dim", lambda w: w.x.sum(2), IndexError,
     r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 2\)"),
    ("sum twice", lambda w: w.x.sum((0, 0)), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    ("max of none", lambda w: torch.ones(0).max(), RuntimeError, r"max\(\): Expected reduction dim to be specified"),
    ("amax of none", lambda w: torch.ones(0, 3).amax(0), IndexError, "to have non-zero size"),
    ("argmax of none", lambda w: torch.ones(0).argmax(), IndexError, "Expected reduction dim to be specified"),
    ("softmax int", lambda w: w.n.softmax(0), RuntimeError, "not implemented for 'Long'"),
    ("mm", lambda w: w.x @ w.x, RuntimeError, r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\)"),
    ("mm ndim", lambda w: torch.mm(w.x, torch.ones(3)), RuntimeError, "mat2 must be a matrix"),
    ("matmul 0-d", lambda w: w.x @ torch.tensor(1.0), RuntimeError, "both arguments to matmul need to be at least 1D"),
    ("mm dtypes", lambda w: w.x @ torch.ones(3, 2, dtype=torch.float64), RuntimeError,
     "expected m1 and m2 to have the same dtype, but got: float != double"),
    ("dot", lambda w: torch.ones(2).dot(torch.ones(3)), RuntimeError, "inconsistent tensor size"),
    ("view", lambda w: w.x.view(4), RuntimeError, r"shape '\[4\]' is invalid for input of size 6"),
    ("view twice", lambda w: w.x.view(-1, -1), RuntimeError, "only one dimension can be inferred"),
    ("view strides", lambda w: w.x.t().view(6), RuntimeError, "view size is not compatible with input tensor's size"),
    ("expand", lambda w: w.x.expand(2, 4), RuntimeError,
     r"The expanded size of the tensor \(4\) must match the existing size \(3\) at non-singleton dimension 1"),
    ("transpose", lambda w: w.x.transpose(0, 2), IndexError, "Dimension out of range"),
    ("t", lambda w: torch.ones(1, 1, 1).t(), RuntimeError, "expects a tensor with <= 2 dimensions, but self is 3D"),
    ("permute", lambda w: w.x.permute(0, 0), RuntimeError, "duplicate dims are not allowed"),
    ("unsqueeze", lambda w: w.x.unsqueeze(4), IndexError, "Dimension out of range"),
    ("index", lambda w: w.x[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    ("too many indices", lambda w: w.x[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
    ("index 0-d", lambda w: torch.tensor(1.0)[0], IndexError, "invalid index of a 0-dim tensor"),
    ("negative step", lambda w: w.x[::-1], ValueError, "step must be greater than zero"),
    ("narrow", lambda w: w.x.narrow(1, 1, 3), RuntimeError,
     r"start \(1\) \+ length \(3\) exceeds dimension size \(3\)"),
    ("select", lambda w: w.x.select(0, 5), IndexError, r"select\(\): index 5 out of range for tensor of size \[2, 3\]"),
    ("split", lambda w: w.x.split([1, 1], 1), RuntimeError, "split_with_sizes expects split_sizes to sum exactly to 3"),
    ("chunk", lambda w: w.x.chunk(0), RuntimeError, "chunk expects `chunks` to be greater than 0"),
    ("cat none", lambda w: torch.cat([]), (RuntimeError, ValueError), "expected a non-empty list of Tensors"),
    ("cat sizes", lambda w: torch.cat([w.x, torch.ones(3, 2)]), RuntimeError,
     "Sizes of tensors must match except in dimension 0"),
    ("cat 0-d", lambda w: torch.cat([torch.tensor(1.0)]), RuntimeError, "zero-dimensional tensor"),
    ("stack sizes", lambda w: torch.stack([w.x, w.c[0]]), RuntimeError, "stack expects each tensor to be equal size"),
    ("item", lambda w: w.x.item(), RuntimeError, "a Tensor with 6 elements cannot be converted to Scalar"),
    ("bool", lambda w: bool(w.x), RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"),
    ("bool of none", lambda w: bool(torch.ones(0)), RuntimeError,
     "Boolean value of Tensor with no values is ambiguous"),
    ("len", lambda w: len(torch.tensor(1.0)), TypeError, r"len\(\) of a 0-d tensor"),
    ("iteration", lambda w: list(torch.tensor(1.0)), TypeError, "iteration over a 0-d tensor"),
    ("as index", lambda w: [1, 2][w.c[0, 0]], TypeError, "only integer tensors of a single element can be converted"),
    ("numpy", lambda w: w.x.numpy(), RuntimeError, r"Can't call numpy\(\) on Tensor that requires grad"),
    ("backward of no graph", lambda w: w.c.sum().backward(), RuntimeError,
     "element 0 of tensors does not require grad"),
    ("backward of many", lambda w: w.y.backward(), RuntimeError,
     "grad can be implicitly created only for scalar outputs"),
    ("cotangent shape", lambda w: w.y.backward(torch.ones(3)), RuntimeError, "Mismatch in shape"),
    ("cotangent", lambda w: w.y.backward(1.0), TypeError, ""),
    ("no inputs", lambda w: w.y.sum().backward(inputs=[]), RuntimeError, "cannot be empty"),
    ("grad of a constant", lambda w: torch.autograd.grad(w.y.sum(), w.c), RuntimeError,
     "One of the differentiated Tensors does not require grad"),
    ("assign wrong shape", lambda w: setattr(w.x, "grad", torch.ones(2)), RuntimeError,
     r"attempting to assign a gradient of size '\[2\]' to a tensor of size '\[2, 3\]'"),
    ("assign wrong dtype", lambda w: setattr(w.x, "grad", w.c.double()), RuntimeError,
     "attempting to assign a gradient with dtype 'double' to a tensor with grad_dtype 'Float'"),
    ("assign a number", lambda w: setattr(w.x, "grad", 1.0), TypeError,
     "assigned grad expected to be a Tensor or None but got grad of type"),
    ("requires_grad of int", lambda w: w.n.requires_grad_(), RuntimeError,
     "only Tensors of floating point dtype can require gradients"),
    ("switch off no leaf", lambda w: w.y.requires_grad_(False), RuntimeError,
     "you can only change requires_grad flags of leaf variables"),
    ("write a leaf", lambda w: w.x.add_(1), RuntimeError,
     "a leaf Variable that requires grad is being used in an in-place"),
    ("write a view of a leaf", lambda w: w.x[0].add_(1), RuntimeError, "a view of a leaf Variable that requires grad"),
    ("write twice", lambda w: torch.ones(1).expand(2).add_(1), RuntimeError, "more than one element of the written-to"),
    ("write overlap", lambda w: w.c.view(6)[1:].add_(w.c.view(6)[:-1]), RuntimeError,
     "some elements of the input tensor and the written-to tensor refer to a single memory location"),
    ("write wider", lambda w: w.c[0].add_(w.y.detach()), RuntimeError, "doesn't match the broadcast shape"),
    ("write float to int", lambda w: w.n.mul_(0.5), RuntimeError,
     "result type Float can't be cast to the desired output"),
    ("out requires grad", lambda w: torch.add(w.x, 1, out=w.c), RuntimeError,
     "don't support automatic differentiation"),
    ("clamp nothing", lambda w: w.x.clamp(), RuntimeError, "At least one of 'min' or 'max' must not be None"),
    ("where condition", lambda w: torch.where(w.c, w.c, w.c), RuntimeError,
     "expected condition to be a boolean tensor"),
    ("zeros of less", lambda w: torch.zeros(-1), RuntimeError, "zeros: Dimension size must be non-negative"),
    ("ones of less", lambda w: torch.ones(2, -1), RuntimeError, "Trying to create tensor with negative dimension -1"),
    ("arange", lambda w: torch.arange(1, 0), RuntimeError, "upper bound and lower bound inconsistent with step sign"),
    ("arange step", lambda w: torch.arange(1, 5, 0), RuntimeError, "step must be nonzero"),
    ("ragged", lambda w: torch.tensor([[1, 2], [3]]), ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
    ("text", lambda w: torch.tensor("a"), TypeError, r"new\(\): invalid data type 'str'"),
    ("overflow", lambda w: torch.tensor(2**70), (RuntimeError, ValueError), ""),
    ("keyword", lambda w: w.x.exp(bad=1), TypeError, "keyword argument"),
    ("missing", lambda w: w.x.mul(), TypeError, ""),
    ("too many", lambda w: w.x.exp(1, 2), TypeError, ""),
]


@pytest.mark.parametrize("wrong, error, words", [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_refused(wrong, error, words):
    world = World()
    before = world.state()
    with pytest.raises(error, match=words):
        wrong(world)
    assert world.state() == before
    world.y.sum().backward()
    assert world.x.grad.tolist() == [[2.0] * 3] * 2


def test_names_are_unique():
    assert len({e[0] for e in ERRORS}) == len(ERRORS)


@pytest.mark.parametrize("a, b", [((3, 3), (1,)), ((3, 3), (5,)), ((0, 0), (2,)), ((2, 3, 3), (4,)), ((3, 3), (2, 3))])
def test_a_right_hand_side_of_another_length_is_refused(a, b):
    with pytest.raises(RuntimeError, match="Incompatible shapes of A and B"):
        torch.linalg.solve(torch.ones(*a), torch.ones(*b))


@pytest.mark.parametrize("function", [3, "f", [len], torch.ones(1)], ids=repr)
def test_what_cannot_be_called_is_not_compiled(function):
    with pytest.raises(AssertionError, match="A callable function is expected"):
        torch.compile(function)


@pytest.mark.parametrize("reads", [lambda x: x.split([12, -2])[0], lambda x: x.as_strided((2,), (-1,)),
                                   lambda x: torch.vmap(lambda r: r.split([12, -2])[0])(x[None])])
def test_no_view_reaches_beyond_its_memory(reads):
    for x in (torch.arange(10.0), torch.arange(10.0, requires_grad=True)):
        with pytest.raises(RuntimeError, match=r"non-negative|Negative strides"):
            reads(x)
