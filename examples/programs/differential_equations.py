"""Equations that are learnt: a neural ODE and its adjoint, a Hamiltonian, an equation inside a loss."""
import tapegrad as torch
import tapegrad.nn as nn


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0, std=0.1)
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        return self.net(y ** 3)


def rk4(func, y0, t):
    solution = torch.empty(len(t), *y0.shape, dtype=y0.dtype)
    solution[0] = y0
    y = y0
    for j, (t0, t1) in enumerate(zip(t[:-1], t[1:]), start=1):
        dt = t1 - t0
        k1 = func(t0, y)
        k2 = func(t0 + dt / 2, y + dt * k1 / 2)
        k3 = func(t0 + dt / 2, y + dt * k2 / 2)
        k4 = func(t1, y + dt * k3)
        y = y + dt * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        solution[j] = y
    return solution


class Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, func, y0, t, *params):
        ctx.func = func
        with torch.no_grad():
            solution = rk4(func, y0, t)
        ctx.save_for_backward(solution, t, *params)
        return solution

    @staticmethod
    def backward(ctx, grad):
        solution, t, *params = ctx.saved_tensors
        a = torch.zeros_like(solution[0])
        total = [torch.zeros_like(p) for p in params]
        for i in range(len(t) - 1, 0, -1):
            a = a + grad[i]
            dt = t[i] - t[i - 1]
            with torch.enable_grad():
                y = solution[i - 1].detach().requires_grad_(True)
                step = rk4(ctx.func, y, t[i - 1:i + 1])[1]
                a, *found = torch.autograd.grad(step, (y, *params), a, allow_unused=True)
            total = [s if g is None else s + g for s, g in zip(total, found)]
        return (None, a + grad[0], None, *total)


torch.manual_seed(0)
true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0.0, 2.0, 15)
y0 = torch.tensor([[2.0, 0.0]])
with torch.no_grad():
    true_y = rk4(lambda t, y: torch.mm(y ** 3, true_A), y0, t)
func = ODEFunc()
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-2)
for itr in range(1, 21):
    optimizer.zero_grad()
    loss = torch.mean(torch.abs(rk4(func, y0, t) - true_y))
    loss.backward()
    optimizer.step()
    if itr % 10 == 0:
        print(f"Iter {itr:04d} | Total Loss {loss.item():.4f}")
func.zero_grad()
(rk4(func, y0, t) - true_y).abs().mean().backward()
direct = [p.grad.clone() for p in func.parameters()]
func.zero_grad()
(Adjoint.apply(func, y0, t, *func.parameters()) - true_y).abs().mean().backward()
print(all(torch.allclose(d, p.grad, atol=1e-5) for d, p in zip(direct, func.parameters())))

hamiltonian = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1, bias=False))
optimizer = torch.optim.Adam(hamiltonian.parameters(), lr=0.02)
q = torch.randn(64, 2)
truth = torch.stack([q[:, 1], -q[:, 0]], 1)
for step in range(60):
    x = q.clone().requires_grad_(True)
    dH = torch.autograd.grad(hamiltonian(x).sum(), x, create_graph=True)[0]
    loss = (torch.stack([dH[:, 1], -dH[:, 0]], 1) - truth).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"hamiltonian {loss.item():.4f}")

u = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(u.parameters(), lr=0.01)
points = torch.linspace(0, torch.pi, 40).view(-1, 1).requires_grad_(True)
edge = torch.tensor([[0.0], [torch.pi]])
for step in range(100):
    value = u(points)
    du = torch.autograd.grad(value, points, torch.ones_like(value), create_graph=True)[0]
    d2u = torch.autograd.grad(du, points, torch.ones_like(du), create_graph=True)[0]
    loss = (d2u + torch.sin(points)).pow(2).mean() + u(edge).pow(2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"pinn {loss.item():.3f}")

state = nn.Linear(2, 2)
before = state.weight._version
for p in state.parameters():
    p.data = p.data - 0.1
    p.data[0] = 0.0
print(state.weight.data[0], state.weight._version == before)
