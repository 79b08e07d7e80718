"""What is warned of: in the words of PyTorch, each time, and of the line that called."""
from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

WARNED = """
x[:1].std() | x[:1].var(0) | t.std_mean(x[:1]) | t.var_mean(x[:0]) | x.std(correction=3) | t.cov(x[:1])
t.tensor(x) | x.new_tensor(x) | F.softmax(x) | F.log_softmax(x) | F.softmin(x) | nn.Softmax()(x) | nn.LogSoftmax()(x)
F.kl_div(x, x) | nn.KLDivLoss()(x, x) | t.cross(x, x) | x.cross(x) | t.meshgrid(x, x)
x.scatter(0, i, x, reduce="add") | x.scatter_(0, i, x.exp(), reduce="multiply")
x.index_reduce(0, i, x[:1], "mean") | x.index_reduce_(0, i, x[:1].exp(), "amax")
t.cholesky(t.eye(2)) | t.eye(2).cholesky() | t.qr(t.eye(2)) | x[0].T | x.T | x[0].mT
x[[[0, 1]]] | x[[slice(0, 1)]] | x[i.to(t.uint8)[[0, 0, 0]]] | x.__setitem__([[0, 1]], 1.0)
t.range(0, 2) | F.mse_loss(x, x[:1]) | F.l1_loss(x, x[:, None]) | t.add(x, 1, out=t.ones(2))
t.arange(4, out=t.ones(3))
"""
QUIET = """
x.std() | x.softmax(0) | F.softmax(x, 0) | F.softmax(x, dim=-1) | F.kl_div(x, x, reduction="batchmean")
F.kl_div(x, x, reduction="sum") | t.meshgrid(x, x, indexing="ij") | t.cross(x, x, dim=0) | x.new_tensor([1.0])
x.scatter(0, i, 1.0, reduce="add") | t.linalg.cholesky(t.eye(2)) | x[[0, 1]] | x[(0,)] | x[i] | t.eye(2).T | x.cov()
t.zeros(2, out=t.ones(3)) | t.full((2,), 1.0, out=t.ones(3)) | t.linspace(0, 1, 3, out=t.ones(2))
t.rand(2, out=t.ones(3)) | t.randperm(4, out=t.tensor([1])) | t.eye(2, out=t.ones(3)) | t.tensor(3.0)
F.embedding_bag(t.tensor([0, 1]), t.ones(2, 1), i, mode="max")
"""


def said(t: Any, line: str) -> list[str]:
    names = {"t": t, "F": t.nn.functional, "nn": t.nn, "x": t.tensor([0.5, 1.0, 2.0]), "i": t.tensor([0])}
    found: list[str] = []
    for _ in range(2):  # what has been learnt by then is to be said again
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            eval(compile(line, "caller.py", "eval"), names)
        found = [f"{w.category.__name__}: {inspect.cleandoc(str(w.message))[:60]}" for w in caught]
        if t is tapegrad:
            assert [w.filename for w in caught] == ["caller.py"] * len(caught)
    return found


def lines(text: str) -> list[str]:
    return [part.strip() for row in text.strip().splitlines() for part in row.split(" | ")]


@pytest.mark.parametrize("line", lines(WARNED))
def test_what_is_warned_of(line: str) -> None:
    found = said(tapegrad, line)
    assert len(found) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_warn_always(True)
        try:
            assert found == said(torch, line)
        finally:
            torch.set_warn_always(False)


@pytest.mark.parametrize("line", lines(QUIET))
def test_what_is_not_warned_of(line: str) -> None:
    assert said(tapegrad, line) == said(torch, line) == []
