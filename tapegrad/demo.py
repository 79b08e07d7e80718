"""The autograd tutorial, packaged: `python -m tapegrad demo` runs it and shows what it records."""
from __future__ import annotations

import time
from typing import Any

EPOCHS = 200


def tutorial(torch: Any) -> None:
    """The tutorial's cells in order, on any library that is PyTorch's autograd.

    >>> import tapegrad
    >>> tutorial(tapegrad)
    tensor([[1., 1.],
            [1., 1.]], requires_grad=True)
    tensor([[1., 1.],
            [1., 1.]], grad_fn=<PowBackward0>)
    <PowBackward0 object at 0x...>
    tensor([[2., 2.],
            [2., 2.]])
    tensor([[0., 0.],
            [0., 0.]])
    tensor([2.0000], requires_grad=True)
    tensor([3.0000], requires_grad=True)
    tensor([242.])
    """
    x = torch.ones(2, 2, requires_grad=True)
    print(x)
    y = x**2
    print(y)
    print(y.grad_fn)
    y.backward(torch.ones_like(x))
    print(x.grad)
    print(x.grad.zero_())

    torch.manual_seed(42)
    b = torch.randn(1, requires_grad=True, dtype=torch.float)
    w = torch.randn(1, requires_grad=True, dtype=torch.float)
    x_train = torch.randn(120, dtype=torch.float)
    y_train = 2 * x_train + 3
    for _ in range(EPOCHS):
        epoch(torch, b, w, x_train, y_train)
    print(w)
    print(b)

    a = torch.ones(1, requires_grad=True)
    w1, w2, w3, w4 = (torch.tensor(i) for i in (1, 2, 3, 4))
    b = w1 * a
    c = w2 * a
    d = (w3 * b) + (w4 * c)
    L = d**2
    L.backward()
    print(a.grad)


def forward(b: Any, w: Any, x: Any, y: Any) -> Any:
    """The regression's loss: the mean squared error of a straight line."""
    yhat = b + w * x
    error = y - yhat
    return (error**2).mean()


def epoch(torch: Any, b: Any, w: Any, x: Any, y: Any) -> None:
    """One step of gradient descent."""
    loss = forward(b, w, x, y)
    loss.backward()
    with torch.no_grad():
        b -= 0.1 * b.grad
        w -= 0.1 * w.grad
    b.grad.zero_(), w.grad.zero_()


def main() -> None:
    """Run the tutorial, print the tape of its regression and what an operation on it costs."""
    import tapegrad as torch
    from tapegrad.tape import record

    tutorial(torch)
    b, w = (torch.zeros(1, requires_grad=True) for _ in range(2))
    x = torch.randn(120)
    y = 2 * x + 3
    with record("loss", names={"b": b, "w": w, "x": x, "y": y}) as tape:
        loss = forward(b, w, x, y)
    print(f"\nThe regression's loss, as it is recorded:\n\n{tape}\n\nand its adjoint, which backward runs:\n\n"
          f"{tape.adjoint()}\n")
    seconds = min(_epoch_seconds(torch, b, w, x, y) for _ in range(5))
    print(f"An epoch takes {1e6 * seconds:.1f} µs: {len(tape)} recorded operations, their backward, and the update, "
          f"{1e9 * seconds / len(tape):.0f} ns a recorded operation.")
    del loss


def _epoch_seconds(torch: Any, *tensors: Any) -> float:
    start = time.perf_counter()
    for _ in range(EPOCHS):
        epoch(torch, *tensors)
    return (time.perf_counter() - start) / EPOCHS
