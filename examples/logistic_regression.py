"""Logistic regression: two clouds of points, told apart by a line that gradient descent finds.

    python examples/logistic_regression.py [torch]
"""
import importlib
import sys

torch = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else "tapegrad")
F = torch.nn.functional


def data(n=200):
    """Points around (1, 1) with label 1, and around (-1, -1) with label 0."""
    torch.manual_seed(0)
    labels = (torch.arange(n) % 2).float()
    points = torch.randn(n, 2) * 0.8 + (2 * labels - 1).unsqueeze(1)
    return points, labels


def train(points, labels, steps=200, rate=0.5):
    """The line's normal and offset, and the loss at every step."""
    weight = torch.zeros(2, requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = F.binary_cross_entropy_with_logits(points @ weight + bias, labels)
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= rate * parameter.grad
                parameter.grad = None
        losses.append(loss.item())
    return weight, bias, losses


if __name__ == "__main__":
    points, labels = data()
    weight, bias, losses = train(points, labels)
    right = ((points @ weight + bias > 0) == (labels > 0.5)).float().mean().item()
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, right {100 * right:.1f} %")
    print(f"the line: {weight[0]:.2f} x + {weight[1]:.2f} y + {bias.item():.2f} = 0")
