"""Minimisers on tensors: BFGS, Newton, trust regions, conjugate gradients, and PyTorch's own on Rosenbrock's valley."""
import tapegrad as torch
from tapegrad.autograd.functional import hessian, hvp, jacobian


def rosenbrock(x):
    return torch.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def value_and_grad(f, x):
    x = x.detach().requires_grad_(True)
    value = f(x)
    (g,) = torch.autograd.grad(value, x)
    return value.detach(), g


def bfgs(f, x, steps=60):
    n = x.numel()
    H, eye = torch.eye(n, dtype=x.dtype), torch.eye(n, dtype=x.dtype)
    value, g = value_and_grad(f, x)
    for _ in range(steps):
        if g.norm(p=float("inf")) < 1e-6:
            break
        d, t = -H.mv(g), 1.0
        slope = g.dot(d)
        while f(x + t * d) > value + 1e-4 * t * slope:
            t *= 0.5
        s = t * d
        x_new = x.add(d, alpha=t)
        value, g_new = value_and_grad(f, x_new)
        y = g_new.sub(g)
        rho = y.dot(s).reciprocal()
        if rho > 0:
            V = eye - rho * torch.outer(s, y)
            H = V @ H @ V.t() + rho * torch.outer(s, s)
        x, g = x_new, g_new
    return x, value


x0 = torch.tensor([-1.2, 1.0, 0.8], dtype=torch.float64)
x, value = bfgs(rosenbrock, x0.clone(memory_format=torch.contiguous_format))
print(x, value < 1e-9, torch.finfo(float).eps, torch.finfo(x.dtype).bits)

x = torch.tensor([2.5, 2.5], dtype=torch.float64)
for _ in range(10):
    H = hessian(himmelblau, x)
    g = jacobian(himmelblau, x)
    x = x - torch.linalg.solve(H, g)
print(x, himmelblau(x) < 1e-12)


def steihaug(f, x, radius):
    _, g = value_and_grad(f, x)
    z, r = torch.zeros_like(x), g.clone()
    d = -r
    for _ in range(x.numel()):
        _, Bd = hvp(f, x, d)
        curvature = d.dot(Bd)
        alpha = r.dot(r) / curvature
        if curvature <= 0 or (z + alpha * d).norm() >= radius:
            a, b, c = d.dot(d), 2 * z.dot(d), z.dot(z) - radius ** 2
            return z + (-b + (b * b - 4 * a * c).sqrt()) / (2 * a) * d
        z = z + alpha * d
        r_new = r + alpha * Bd
        d = -r_new + (r_new.dot(r_new) / r.dot(r)) * d
        r = r_new
        if r.norm() < 1e-10:
            break
    return z


x, radius = torch.tensor([-1.2, 1.0], dtype=torch.float64), 1.0
for _ in range(40):
    p = steihaug(rosenbrock, x, radius)
    value, g = value_and_grad(rosenbrock, x)
    _, Bp = hvp(rosenbrock, x, p)
    ratio = (value - rosenbrock(x + p)) / -(g.dot(p) + 0.5 * p.dot(Bp))
    radius = 0.25 * radius if ratio < 0.25 else min(2 * radius, 10.0) if ratio > 0.75 else radius
    if ratio > 0.1:
        x = x + p
print([round(v, 6) for v in x.tolist()])

for make in (lambda p: torch.optim.LBFGS(p, lr=1, line_search_fn="strong_wolfe", max_iter=50),
             lambda p: torch.optim.Adam(p, lr=0.05), lambda p: torch.optim.Rprop(p, lr=0.01)):
    p = torch.tensor([-1.5, 2.0], requires_grad=True)
    optimizer = make([p])

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(p)
        loss.backward()
        return loss

    for _ in range(20):
        loss = optimizer.step(closure)
    print(type(optimizer).__name__, f"{loss.item():.4f}")
J = jacobian(lambda a, b: torch.stack([a.prod(), (a * b).sum()]), (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])))
print(J)
