"""A small network as a class, trained by a compiled step: two spirals, told apart.

    python examples/compiled_network.py

The layers are ordinary Python objects with tensors as attributes. The compiled step watches them: when the learning
rate changes half-way, the step that has it built in is left, and another is captured.
"""
from __future__ import annotations

import math
from itertools import pairwise

import tapegrad as torch


class Layer:
    def __init__(self, inputs, outputs):
        self.weight = (torch.randn(inputs, outputs) / math.sqrt(inputs)).requires_grad_()
        self.bias = torch.zeros(outputs, requires_grad=True)

    def __call__(self, x):
        return x @ self.weight + self.bias


class Network:
    def __init__(self, *widths):
        self.layers = [Layer(a, b) for a, b in pairwise(widths)]

    @property
    def parameters(self):
        return [p for layer in self.layers for p in (layer.weight, layer.bias)]

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x).reshape(-1)


class Adam:
    """Its moments are tensors that are written in place, the step count too: so all of it can be compiled."""

    def __init__(self, parameters, rate):
        self.parameters, self.rate = parameters, rate
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]
        self.count = torch.zeros(())

    def step(self):
        with torch.no_grad():
            self.count.add_(1)
            first, second = 1 - 0.9 ** self.count, 1 - 0.999 ** self.count
            for p, mean, square in zip(self.parameters, self.means, self.squares):
                mean.mul_(0.9).add_(0.1 * p.grad)
                square.mul_(0.999).add_(0.001 * p.grad * p.grad)
                p.sub_(self.rate * (mean / first) / ((square / second).sqrt() + 1e-8))
                p.grad = None


def spirals(points=100):
    """Two intertwined spirals, and which of them each point is on."""
    t = torch.linspace(0.3, 2.2, points) * math.pi
    arm = torch.stack([t.cos() * t, t.sin() * t], 1) / 6
    return torch.cat([arm, -arm]), torch.cat([torch.zeros(points), torch.ones(points)])


def train(epochs=1500):
    """The trained network, the compiled step, and the losses."""
    torch.manual_seed(0)
    x, y = spirals()
    network = Network(2, 24, 24, 1)
    optimiser = Adam(network.parameters, 0.01)

    @torch.compile
    def step(batch, labels):
        score = network(batch)
        loss = (torch.log1p((-score.abs()).exp()) + score.clamp(min=0) - score * labels).mean()
        loss.backward()
        optimiser.step()
        return loss.detach()

    losses = []
    for epoch in range(epochs):
        if epoch == epochs // 2:
            optimiser.rate = 0.002
        losses.append(step(x, y).item())
    return network, step, losses


def main():
    network, step, losses = train()
    x, y = spirals()
    right = ((network(x) > 0) == (y > 0.5)).float().mean().item()
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.4f}, {right:.0%} right")
    print(step.explain())


if __name__ == "__main__":
    main()
