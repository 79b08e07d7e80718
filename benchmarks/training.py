"""Training: a step of a small network, updates alone, a pass over a loader."""
from __future__ import annotations

from typing import Any

from benchmarks.harness import Function, Measured, compare, figure

LAYERS = 10


def network(torch: Any, width: int = 64, batch: int = 32) -> tuple[Any, Any, Any]:
    torch.manual_seed(0)
    layers: list[Any] = []
    for _ in range(LAYERS - 1):
        layers += [torch.nn.Linear(width, width), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, width))
    return model, torch.randn(batch, width), torch.randn(batch, width)


def step(torch: Any, name: str) -> Function:
    model, data, targets = network(torch)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=1e-4)

    def run() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(data), targets)
        loss.backward()
        optimizer.step()
        return loss

    return run


@figure("a training step with Adam, MLP of 10 layers x 64, batch 32", "s", must=0.25, aim=0.1)
def training_adam() -> Measured:
    return compare(lambda torch: step(torch, "Adam"), seconds=4.0)


@figure("a training step with SGD, MLP of 10 layers x 64, batch 32", "s", must=0.35, aim=0.2)
def training_sgd() -> Measured:
    return compare(lambda torch: step(torch, "SGD"), seconds=4.0)


def update(torch: Any, n: int) -> Function:
    torch.manual_seed(0)
    parameter = torch.randn(n).requires_grad_()
    parameter.grad = torch.randn(n)
    optimizer = torch.optim.Adam([parameter])

    def run() -> Any:
        optimizer.step()
        return parameter

    return run


@figure("Adam's update alone, 10^6 float32", "s", must=1.0, aim=0.4)
def update_1e6() -> Measured:
    return compare(lambda torch: update(torch, 10 ** 6), seconds=4.0)


def loading(torch: Any, n: int = 10 ** 4) -> Function:
    torch.manual_seed(0)
    samples, labels = torch.randn(n, 8), torch.arange(n)

    class Samples(torch.utils.data.Dataset):
        def __getitem__(self, index: int) -> Any:
            return samples[index], labels[index]

        def __len__(self) -> int:
            return n

    loader = torch.utils.data.DataLoader(Samples(), batch_size=32, shuffle=True)

    def run() -> Any:
        torch.manual_seed(0)
        return list(loader)[-1][1]

    return run


@figure("a pass over a DataLoader, 10^4 samples, batch 32, shuffled", "s", must=1.0, aim=0.5)
def loader_pass() -> Measured:
    return compare(loading, seconds=4.0)
