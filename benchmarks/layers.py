"""Layers that networks are made of, forward and backward, on two threads: recurrent, convolutional, attention."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.harness import Function, Measured, fastest, figure, libraries

THREADS = 2
Made = tuple[Any, Any]  # a module, and its input


def lstm(torch: Any) -> Made:
    return torch.nn.LSTM(64, 64), torch.randn(50, 16, 64)


def gru(torch: Any) -> Made:
    return torch.nn.GRU(64, 64), torch.randn(50, 16, 64)


def cnn(torch: Any) -> Made:
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 8 * 8, 10)), torch.randn(32, 3, 32, 32)


def cnn_normalised(torch: Any) -> Made:
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(32, 10)), torch.randn(32, 3, 32, 32)


def transformer(torch: Any) -> Made:
    layer = torch.nn.TransformerEncoderLayer(64, 4, dim_feedforward=256, dropout=0.0, activation="gelu",
                                             batch_first=True)
    return layer, torch.randn(8, 64, 64)


def gradients(torch: Any, make: Callable[[Any], Made]) -> tuple[Function, Callable[[], list[Any]]]:
    """A pass forward and backward, and what it leaves: the loss and all gradients."""
    torch.manual_seed(0)
    module, x = make(torch)
    x.requires_grad_()
    parameters = [x, *module.parameters()]
    weights: list[Any] = []  # of the elements of the result
    losses: list[Any] = []

    def run() -> None:
        for p in parameters:
            p.grad = None
        out = module(x)
        out = out[0] if isinstance(out, tuple) else out
        if not weights:
            weights.append(torch.randn(*out.shape))
        loss = (out * weights[0]).mean()
        loss.backward()
        losses[:] = [loss]

    return run, lambda: [*losses, *(p.grad for p in parameters)]


def measured(make: Callable[[Any], Made], seconds: float = 3.0) -> Measured:
    """Both libraries draw the same weights and inputs; what they leave must agree, or there is nothing to compare."""
    import numpy as np

    runs, left = zip(*(gradients(library, make) for library in libraries(THREADS)))
    for run in runs:
        run()
    ours, *theirs = [[np.asarray(v.tolist()) for v in values()] for values in left]
    for found in theirs:
        for mine, its in zip(ours, found):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4 * np.abs(its).max())
    return Measured(*fastest(list(runs), seconds))


@figure("an LSTM layer, hidden 64, 50 steps, batch 16, forward + backward, two threads", "s", must=0.5, aim=0.2)
def layer_lstm() -> Measured:
    return measured(lstm)


@figure("a GRU layer, hidden 64, 50 steps, batch 16, forward + backward, two threads", "s", must=0.5, aim=0.2)
def layer_gru() -> Measured:
    return measured(gru)


@figure("a small CNN, 2 convolutions, 32 x 32, batch 32, forward + backward, two threads", "s", must=1.2, aim=0.8)
def layer_cnn() -> Measured:
    return measured(cnn)


@figure("the same with batch norm and a mean at the end", "s", must=1.2, aim=0.8)
def layer_cnn_normalised() -> Measured:
    return measured(cnn_normalised)


@figure("a transformer block, 64 wide, 64 long, batch 8, forward + backward, two threads", "s", must=0.7, aim=0.4)
def layer_transformer() -> Measured:
    return measured(transformer)
