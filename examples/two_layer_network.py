"""A network of two layers learns a curve from noisy samples: matrix products, tanh, momentum written in place.

    python examples/two_layer_network.py [torch]
"""
import importlib
import sys

torch = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else "tapegrad")


def curve(x):
    return torch.sin(3 * x)


def data(n=128):
    torch.manual_seed(1)
    x = torch.rand(n, 1) * 4 - 2
    return x, curve(x) + 0.05 * torch.randn(n, 1)


def parameters(hidden=32):
    torch.manual_seed(2)
    shapes = (1, hidden), (hidden,), (hidden, 1), (1,)
    return [(torch.randn(*s) * (1.5 if s[0] == 1 else 0.2)).requires_grad_() for s in shapes]


def network(x, w1, b1, w2, b2):
    return torch.tanh(x @ w1 + b1) @ w2 + b2


def train(x, y, weights, steps=2000, rate=0.1):
    """Gradient descent with momentum, in place; returns the last loss."""
    speeds = [torch.zeros_like(w) for w in weights]
    for _ in range(steps):
        loss = ((network(x, *weights) - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for w, speed in zip(weights, speeds):
                speed.mul_(0.9).add_(w.grad)
                w.sub_(rate * speed)
                w.grad.zero_()
    return loss.item()


if __name__ == "__main__":
    x, y = data()
    weights = parameters()
    loss = train(x, y, weights)
    grid = torch.linspace(-2, 2, 9).unsqueeze(1)
    print(f"loss {loss:.5f}")
    for at, found in zip(grid.flatten().tolist(), network(grid, *weights).flatten().tolist()):
        print(f"{at:5.2f}  {found:6.3f}  (true {curve(torch.tensor(at)).item():6.3f})")
