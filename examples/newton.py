"""Newton's method: the minimum of Rosenbrock's valley with exact second derivatives.

    python examples/newton.py [torch]
"""
import importlib
import sys

torch = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else "tapegrad")


def valley(p):
    """Rosenbrock's function; its minimum is 0 at (1, 1, …)."""
    return (100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()


def derivatives(function, p):
    """Value, gradient and matrix of second derivatives, one row a sweep."""
    p = p.detach().requires_grad_()
    value = function(p)
    (gradient,) = torch.autograd.grad(value, p, create_graph=True)
    eye = torch.eye(len(p), dtype=p.dtype)
    (hessian,) = torch.autograd.grad(gradient, p, eye, is_grads_batched=True)
    return value.item(), gradient.detach(), hessian


def newton(function, p, tolerance=1e-10, most=50):
    """(the minimum, the values on the way): steps are halved until they go down far enough."""
    values = []
    for _ in range(most):
        value, gradient, hessian = derivatives(function, p)
        values.append(value)
        if gradient.norm() < tolerance:
            break
        step = torch.linalg.solve(hessian, gradient)
        slope = (gradient @ step).item()
        size = 1.0
        while size > 1e-8 and function(p - size * step).item() > value - 1e-4 * size * slope:
            size /= 2
        p = p - size * step
    return p, values


if __name__ == "__main__":
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    p, values = newton(valley, start)
    for i, value in enumerate(values):
        print(f"{i:2}  {value:.3e}")
    print(p)
