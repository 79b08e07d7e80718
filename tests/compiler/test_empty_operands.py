"""Tensors without elements in compiled functions: the last minibatch of none, an empty part of a parameter.

Where such a part begins another storage may begin, or none. A program is `make(wrap)`; all are replayed.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree

import tapegrad as torch
from tapegrad.nn import functional as F

CALLS = 8
NONE, PAIRS = torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, dtype=torch.long)
PROGRAMS: dict[str, tuple[Callable[[Any], tuple[Callable[[int], Any], Any]], int]] = {}
program = adds_to(PROGRAMS)

# Of x, what lies behind its last row, and a matrix.
FORMS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sums over nothing": lambda x, e, w: (e.sum(), e.sum(0), e.sum(1), e.prod(0), e.mean()),
    "other reductions": lambda x, e, w: (e.var(0), e.norm(), e.logsumexp(0), (e > 0).all(), e.max(1).values),
    "elementwise": lambda x, e, w: (e.exp() * 2 + 1, torch.where(e > 0, e, -e), e + x[:1]),
    "cat": lambda x, e, w: (torch.cat([x, e]), torch.cat([e, e]), torch.cat([e, x * 2, e], 0)),
    "stack and flip": lambda x, e, w: (torch.stack([e, e]), e.flip(0), e.roll(1, 0), F.pad(e, (0, 0, 1, 1))),
    "products": lambda x, e, w: (e @ w, e.t() @ e, x[:, 4:] @ x[:, 4:].t(), e.t() @ e[:, 0]),
    "batches of products": lambda x, e, w: (e[None] @ w, e[:, None] @ w, torch.bmm(e[:, None], e[:, :, None])),
    "indices": lambda x, e, w: (x[NONE], e[NONE], x[x > 1e9], e.gather(1, PAIRS)),
    "written at indices": lambda x, e, w: x.index_add(0, NONE, e).scatter_add(0, PAIRS[:, :1], e[:, :1]),
    "rows": lambda x, e, w: (e.softmax(1), e.log_softmax(0), F.layer_norm(e, (4,)), e.sort(1).values, e.cumsum(0)),
    "losses": lambda x, e, w: (F.mse_loss(e, e * 2), F.cross_entropy(e, NONE), F.nll_loss(e, NONE, reduction="sum")),
    "split": lambda x, e, w: (*x.split([0, 10]), *torch.tensor_split(e, 2), x[3:3]),
    "layers": lambda x, e, w: (F.max_pool1d(e[:, None], 2), F.conv1d(e[:, None], w[:1, None]), F.embedding(NONE, w)),
    "factors": lambda x, e, w: (*torch.linalg.svd(e, full_matrices=False), torch.linalg.solve(w, x[:4, 4:])),
    "random numbers": lambda x, e, w: (torch.rand(0, 3), F.dropout(e, 0.5) + torch.rand(1), torch.randperm(0)),
    "a number": lambda x, e, w: (e.sum().item(), e.numel(), e.tolist()),
    "itself": lambda x, e, w: (e * 1, e.view(4, 0), e.double()),
}


def tensors(value: Any) -> list[Any]:
    several = value if isinstance(value, tuple) else (value,)
    return [t for t in several if isinstance(t, torch.Tensor) and t.is_floating_point()]


for name, form in FORMS.items():
    def plain(wrap: Any, form: Any = form) -> Any:
        x, w = torch.arange(40.0).reshape(10, 4) / 10, torch.eye(4)
        f = wrap(lambda e: form(x, e, w))
        return (lambda i: f(x[10:])), (x, w)

    def differentiated(wrap: Any, form: Any = form) -> Any:
        x, w = torch.arange(1.0, 41).reshape(10, 4).div(10).requires_grad_(), torch.eye(4).requires_grad_()

        @wrap
        def step():
            x.grad = w.grad = None
            found = form(x * 1, x[10:], w)
            ((x[10:] @ w).sum() + sum(t.sum() for t in tensors(found))).backward()
            return [t.detach() for t in tensors(found)]

        return (lambda i: step()), (x, w)

    PROGRAMS[name], PROGRAMS[f"{name}, with gradients"] = (plain, 4), (differentiated, 4)


@program(8)
def training(wrap):
    """The last minibatch is empty."""
    torch.manual_seed(0)
    x, y = torch.randn(12, 3), torch.randn(12)
    layer = torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)

    @wrap
    def step(x, y):
        optimizer.zero_grad()
        loss = ((layer(x)[:, 0] - y) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return (lambda i: step(x[i % 4 * 4:(i % 4 + 1) * 4], y[i % 4 * 4:(i % 4 + 1) * 4])), tuple(layer.parameters())


@program(4)
def written_in_place(wrap):
    """Nothing is written, but it counts as a write to what lies there."""
    x, after = torch.zeros(4), torch.ones(4)

    @wrap
    def step(y):
        x[4:].add_(1)
        x[4:] = 2
        y[4:].fill_(3)
        return x + after

    return (lambda i: step(after)), (x, after)


@program(4)
def an_optimiser_of_nothing(wrap):
    w, v = torch.ones(3, 0, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = torch.optim.Adam([w, v, v.detach()[3:].requires_grad_()], lr=0.1)

    @wrap
    def step(x):
        optimizer.zero_grad()
        ((w.sum(1) + v) * x).sum().backward()
        optimizer.step()

    return (lambda i: step(torch.ones(3) * i)), (w, v)


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist(), value.shape, value.stride(), value.dtype, value._version, shown(
            value.grad if value.is_leaf else None)
    return [*map(shown, value)] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]
    torch.manual_seed(0)
    function, = agree(lambda wrap: (torch.manual_seed(0), make(wrap))[1], CALLS,
                      lambda call, i, state: repr((shown(call(i)), shown(state))))
    assert function.captures <= captures and function.replays, function.explain()
    assert captures > 4 or not function.reason


def test_what_fails_still_does():
    """An index is out of range, of rows without elements as well."""
    x = torch.ones(3, 2)
    pick = torch.compile(lambda i: x[:, 2:][i])
    for k in range(4):
        assert pick(torch.tensor([k % 3])).shape == (1, 0)
    assert pick.replays
    for f in pick, pick.__wrapped__:
        with pytest.raises(IndexError):
            f(torch.tensor([3]))
