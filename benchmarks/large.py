"""Large tensors: what the kernels cost, on one thread."""
from __future__ import annotations

from typing import Any

from benchmarks.harness import Function, Measured, compare, figure


def expression(torch: Any, n: int = 10 ** 6) -> Function:
    torch.manual_seed(0)
    x = torch.rand(n, dtype=torch.float64).requires_grad_()
    w = torch.rand(n, dtype=torch.float64).requires_grad_()

    def run() -> Any:
        x.grad = w.grad = None
        (torch.tanh(x * w + x) * torch.exp(w)).sum().backward()
        return w.grad

    return run


@figure("tanh(x*w + x) * exp(w) summed, forward + backward, 10^6 float64", "s", must=1.2, aim=0.6)
def expression_1e6() -> Measured:
    return compare(expression, seconds=10.0)


def product(torch: Any, dtype: str, n: int = 512) -> Function:
    torch.manual_seed(0)
    a = torch.rand(n, n, dtype=getattr(torch, dtype)).requires_grad_()
    b = torch.rand(n, n, dtype=getattr(torch, dtype)).requires_grad_()
    seed = torch.ones(n, n, dtype=getattr(torch, dtype))

    def run() -> Any:
        a.grad = b.grad = None
        (a @ b).backward(seed)
        return a.grad

    return run


@figure("512x512 matrix product, forward + backward, float32", "s", must=1.3, aim=1.0)
def matmul_float32() -> Measured:
    return compare(lambda torch: product(torch, "float32"), seconds=6.0)


@figure("512x512 matrix product, forward + backward, float64", "s", must=1.3, aim=1.0)
def matmul_float64() -> Measured:
    return compare(lambda torch: product(torch, "float64"), seconds=6.0)
