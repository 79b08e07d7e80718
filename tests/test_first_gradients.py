"""The first gradient that arrives somewhere is stored, those after it are added; both write what is theirs alone."""
from __future__ import annotations

import pytest

import tapegrad as torch

LENGTHS = 9, 10  # of float32: one of them ends amid a word, and so do parts of both

VIEWS = {
    "elements": lambda x: [x[a:b] for a in range(len(x)) for b in range(a, len(x) + 1)],
    "rows": lambda x: [x[:9].view(3, 3)[a:b] for a in range(3) for b in range(a, 4)],
    "a row": lambda x: list(x[:9].view(3, 3)),
    "columns": lambda x: [x[:9].view(3, 3)[:, a:b] for a in range(3) for b in range(a, 4)],
    "turned": lambda x: [x[:9].view(3, 3).t()[:, 1:], x[:9].view(3, 3).t()[1:], x[:9].view(3, 3)[1:].t()[1]],
    "windows": lambda x: [x.unfold(0, 3, 2), x.unfold(0, 2, 4), x.as_strided((2, 2), (3, 1), 1)],
    "repeated": lambda x: [x[2:5].expand(4, 3), x[4].expand(3)],
    "empty ones": lambda x: [x[::len(x)][..., 1:], x[:1][::3].tensor_split(2)[1], x[5:5], x[:9].view(3, 3)[:, 3:]],
    "parts of parts": lambda x: [x[1:8][2:5], x[3:][::2], x[:9].view(3, 3).diagonal()],
}


def gradient(y, x, twice):
    """Of y with weights 1, 2, …; with another path to x after it where it is `twice`."""
    weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape)
    loss = (y * weights).sum()
    if twice:
        loss = loss + x.sum() - x.sum()
    (found,) = torch.autograd.grad(loss, x, retain_graph=True)
    return found


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("views", VIEWS)
@pytest.mark.parametrize("length", LENGTHS)
def test_views(views, length, dtype):
    neighbours = [torch.ones(length, dtype=dtype) for _ in range(40)]
    x = torch.arange(length, dtype=dtype).requires_grad_()
    freed = neighbours[::2]
    del neighbours[::2], freed  # the gradients take their places
    for y in VIEWS[views](x):
        expected = torch.zeros(length, dtype=dtype)
        positions = torch.arange(length, dtype=dtype)
        values = y.detach().reshape(-1).tolist()
        for weight, value in enumerate(values, 1):
            expected += weight * (positions == value)
        for twice in (False, True):
            assert gradient(y, x, twice).tolist() == expected.tolist(), (y.shape, y.stride(), y.storage_offset(), twice)
    assert all(n.eq(1).all() for n in neighbours)


def square(n=4):
    return torch.rand(n, n, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + n * torch.eye(
        n, dtype=torch.float64)


def layer(kind):
    torch.manual_seed(0)
    network = getattr(torch.nn, kind)(3, 2, dtype=torch.float64)
    return lambda x: network(x[:3, :3].reshape(3, 1, 3))[0]


OPERATIONS = {  # gradients that are made in a room of their own, and copied to where they belong
    "cumsum": lambda x: x.cumsum(0), "solve": lambda x: torch.linalg.solve(x, x[:, 0]),
    "index_add": lambda x: x.index_add(0, torch.tensor([2, 0]), x[:2]), "roll": lambda x: x.roll(1, 0),
    "convolution": lambda x: torch.nn.functional.conv2d(x[None, None], x[None, None, :2, :2]),
    "attention": lambda x: torch.nn.functional.scaled_dot_product_attention(x[None], x[None], x[None]),
    "addmm": lambda x: torch.addmm(x[0], x, x), "lstm": layer("LSTM"), "gru": layer("GRU"), "rnn": layer("RNN"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name):
    function = OPERATIONS[name]
    x = square().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: function(x * 1.0), x)
    once, twice = (gradient(function(y := x * 1.0), y, t) for t in (False, True))
    torch.testing.assert_close(once, twice)
