"""Sparse tensors: what is done with one is what would be done with the dense tensor, or is refused; none is read."""
from __future__ import annotations

import copy
import io
import pickle

import pytest

import tapegrad as torch
from tapegrad import nn

PLACES, NUMBERS = [[0, 1, 2, 1], [2, 0, 1, 0]], [3.0, 4.0, 5.0, 1.0]


def sparse(**given):
    return torch.sparse_coo_tensor(PLACES, NUMBERS, (3, 3), **given)


def same(found, expected):
    return torch.equal(found.to_dense(), expected)


# What shares neither memory nor values with the tensor it is given, and so may give a dense result, or a number.
ANY_VALUES = {"empty_like", "full_like", "ones_like", "zeros_like", "rand_like", "randn_like", "randint_like", "normal"}


def _answers(function, x):
    try:
        return function(x)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError, AssertionError):
        return None


@pytest.mark.parametrize("space", [torch, torch.nn.functional, torch.special, torch.linalg], ids=lambda s: s.__name__)
@pytest.mark.filterwarnings("ignore")
def test_no_function_reads_what_is_not_there(space):
    """Of one operand: the dense tensor's result, or an error."""
    answered = 0
    for name in dir(space):
        function = getattr(space, name)
        if name[0] == "_" or not callable(function) or isinstance(function, type) or name in ANY_VALUES or (
                "set_" in name or "dropout" in name or "seed" in name or name in ("save", "compile", "is_contiguous")):
            continue
        found = _answers(function, sparse())
        if isinstance(found, torch.Tensor):
            answered += 1
            expected = function(sparse().to_dense().clone())
            assert torch.allclose(found.to_dense(), expected, equal_nan=True), name
    assert answered or space in (torch.special, torch.linalg)


@pytest.mark.parametrize("change", [
    lambda a, b: a @ b, lambda a, b: b @ a, lambda a, b: a * b, lambda a, b: b + a, lambda a, b: b - a,
    lambda a, b: a @ a, lambda a, b: a * a, lambda a, b: a + a.t(), lambda a, b: (a - a * 3) / 2, lambda a, b: a @ b[0],
    lambda a, b: a.sum(0), lambda a, b: a.sum(), lambda a, b: a ** 2, lambda a, b: torch.stack([a, a], 1)[1],
    lambda a, b: torch.addmm(b, a, b, alpha=2), lambda a, b: nn.functional.linear(b, a), lambda a, b: b.add(a, alpha=2),
])
def test_is_what_the_dense_tensor_gives(change):
    b = torch.arange(9.0).view(3, 3)
    assert same(change(sparse(), b), change(sparse().to_dense(), b))
    none = torch.sparse_coo_tensor(size=(3, 3))
    assert same(change(none, b), change(torch.zeros(3, 3), b))


def test_gradients_go_to_values_and_to_the_other_operand():
    values, x = torch.tensor(NUMBERS, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    (torch.sparse_coo_tensor(PLACES, values, (3, 3)) @ x).sum().backward()
    assert values.grad.tolist() == [2.0] * 4 and x.grad[:, 0].tolist() == [5.0, 5.0, 3.0]
    a = sparse(requires_grad=True)
    assert a.is_leaf and a.grad is None
    torch.sparse.sum(a * 2).backward()
    assert a.grad.is_sparse and a.grad._values().tolist() == [2.0] * 4
    x, values = x.detach().double(), values.detach().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: torch.sparse_coo_tensor(PLACES, v, (3, 3)) @ x, values)


class Attend(torch.autograd.Function):
    """A product that keeps a sparse tensor for its backward, as programs on graphs write it."""

    @staticmethod
    def forward(ctx, values, b):
        a = torch.sparse_coo_tensor(PLACES, values, (3, 3))
        ctx.save_for_backward(a, b)
        return torch.matmul(a, b)

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g.matmul(b.t()).view(-1)[a._indices()[0] * 3 + a._indices()[1]], a.t().matmul(g)


def test_functions_keep_them():
    v, b = (torch.tensor(NUMBERS).double().requires_grad_(), torch.rand(3, 2).double().requires_grad_())
    assert torch.autograd.gradcheck(Attend.apply, (v, b))


class SparseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sum()

    @staticmethod
    def backward(ctx, g):
        return sparse()


def test_a_sparse_gradient_is_taken_for_a_dense_one():
    dense = sparse().to_dense()
    for gives in (lambda x: SparseGradient.apply(x).backward(), lambda x: x.clone().backward(sparse()),
                  lambda x: setattr(x, "grad", sparse()),
                  lambda x: (x.register_hook(lambda g: sparse()), x.sum().backward())):
        x = torch.ones(3, 3, requires_grad=True)
        gives(x)
        assert torch.equal(x.grad, dense)


def test_modules_keep_copy_convert_and_save_them(tmp_path):
    class Graph(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("adj", sparse().coalesce())

    graph = Graph().double()
    assert graph.adj.dtype is torch.float64 and graph.adj.is_sparse
    assert same(copy.deepcopy(graph).adj, sparse().to_dense().double())
    assert same(pickle.loads(pickle.dumps(graph.adj)), graph.adj.to_dense())
    file = io.BytesIO()
    torch.save(graph.state_dict(), file)
    file.seek(0)
    other = Graph()
    other.adj = other.adj * 0
    assert other.load_state_dict(torch.load(file)).missing_keys == []
    assert same(other.adj, sparse().to_dense())


@pytest.mark.parametrize(("wrong", "error", "words"), [
    (lambda: torch.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (3,)), RuntimeError, "size is inconsistent with indices"),
    (lambda: torch.sparse_coo_tensor([[0, -1]], [1.0, 2.0], (3,)), RuntimeError, "negative index"),
    (lambda: torch.sparse_coo_tensor([[0, 1]], [1.0], (3,)), RuntimeError, "same nnz"),
    (lambda: sparse().exp(), NotImplementedError, "aten::exp"),
    (lambda: sparse().t_(), NotImplementedError, "aten::t_"),
    (lambda: sparse() @ torch.ones(2, 2), RuntimeError, "shapes cannot be multiplied"),
    (lambda: sparse() @ torch.ones(3, 2).double(), RuntimeError, "same dtype"),
    (lambda: sparse() + torch.ones(3, 3), RuntimeError, "Use add\\(dense, sparse\\)"),
    (lambda: torch.ones(3).add_(torch.eye(3).to_sparse()), RuntimeError, "same size|expand|broadcast"),
    (lambda: sparse().numpy(), TypeError, "to_dense"),
    (lambda: torch.ones(2).coalesce(), RuntimeError, "expected sparse"),
    (lambda: sparse().register_hook(print), NotImplementedError, "register_hook"),
    (lambda: torch.sparse_coo_tensor([[0]], sparse(), (3,)), RuntimeError, "must be dense"),
])
def test_what_is_refused(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong()


@pytest.mark.filterwarnings("ignore:.*runs as it is written")  # what a sparse tensor is made of has no name
def test_compiled_functions_take_them():
    a = sparse().coalesce()
    step = torch.compile(lambda x: (a @ x).relu().sum())
    for scale in (1.0, -2.0, 3.0):
        x = torch.full((3, 2), scale, requires_grad=True)
        step(x).backward()
        expected = torch.full((3, 2), scale, requires_grad=True)
        (a.to_dense() @ expected).relu().sum().backward()
        assert torch.equal(x.grad, expected.grad)


def test_rows_of_tables():
    """`SparseAdam` moves the rows that were looked up, as Adam moves a table of nothing else."""
    table, rows = nn.Embedding(5, 2, sparse=True), torch.tensor([1, 3, 1])
    before = table.weight.detach().clone()
    part = before[[1, 3]].requires_grad_()
    optimizer, adam = torch.optim.SparseAdam(table.parameters(), lr=0.1), torch.optim.Adam([part], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        adam.zero_grad()
        table(rows).pow(2).sum().backward()
        part[[0, 1, 0]].pow(2).sum().backward()
        optimizer.step()
        adam.step()
    assert torch.allclose(table.weight[[1, 3]], part, atol=1e-6)
    assert torch.equal(table.weight[[0, 2, 4]], before[[0, 2, 4]])
    other = nn.Embedding(5, 2)
    other(rows).sum().backward()
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        torch.optim.SparseAdam(other.parameters()).step()


def test_a_block_of_plain_results_leaves_sparse_tensors_what_they_are():
    a = torch.eye(2).to_sparse()
    with torch._C.DisableTorchFunctionSubclass():
        found = (a + a).to_dense(), a @ torch.ones(2, 1), a.sin().to_dense(), torch.ones(2, 2) + a, a.sum()
    for x, y in zip(found, (2 * torch.eye(2), torch.ones(2, 1), torch.eye(2) * torch.tensor(1.0).sin(),
                            torch.ones(2, 2) + torch.eye(2), torch.tensor(2.0))):
        assert torch.equal(x, y)
