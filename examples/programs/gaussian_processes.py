"""Gaussian processes: kernels as modules, hyperparameters fitted by the likelihood, a posterior and samples of it."""
import math

import tapegrad as torch
from tapegrad import nn
from tapegrad.distributions import MultivariateNormal, constraints, transform_to


class Positive(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.raw = nn.Parameter(transform_to(constraints.positive).inv(torch.tensor(value)))

    def forward(self):
        return transform_to(constraints.positive)(self.raw)


class RBF(nn.Module):
    def __init__(self):
        super().__init__()
        self.lengthscale, self.variance = Positive(1.0), Positive(1.0)

    def forward(self, a, b):
        return self.variance() * torch.exp(-0.5 * torch.cdist(a / self.lengthscale(), b / self.lengthscale()) ** 2)


class Matern32(RBF):
    def forward(self, a, b):
        d = math.sqrt(3) * (a - b.T).abs() / self.lengthscale()
        return self.variance() * (1 + d) * torch.exp(-d)


class GP(nn.Module):
    def __init__(self, kernel, x, y):
        super().__init__()
        self.kernel, self.noise = kernel, Positive(0.1)
        self.register_buffer("x", x)
        self.register_buffer("y", y)

    def factor(self):
        K = self.kernel(self.x, self.x)
        return torch.linalg.cholesky(K + (self.noise() + 1e-6) * torch.eye(len(self.x), dtype=self.x.dtype))

    def loss(self):
        L = self.factor()
        alpha = torch.cholesky_solve(self.y.unsqueeze(1), L).squeeze(1)
        return 0.5 * self.y @ alpha + L.diagonal().log().sum() + 0.5 * len(self.x) * math.log(2 * math.pi)

    def predict(self, at):
        L, k = self.factor(), self.kernel(self.x, at)
        alpha = torch.cholesky_solve(self.y.unsqueeze(1), L)
        v = torch.linalg.solve_triangular(L, k, upper=False)
        return (k.T @ alpha).squeeze(1), self.kernel(at, at) - v.T @ v


torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
x = torch.linspace(0, 5, 25).unsqueeze(1)
y = torch.sin(2 * x).squeeze(1) + 0.1 * torch.randn(25)
for kernel in (RBF(), Matern32()):
    gp = GP(kernel, x, y)
    optimizer = torch.optim.Adam(gp.parameters(), lr=0.1)
    for step in range(50):
        optimizer.zero_grad()
        loss = gp.loss()
        loss.backward()
        optimizer.step()
    print(type(kernel).__name__, f"{loss.item():.4f}", f"{kernel.lengthscale().item():.4f} {gp.noise().item():.5f}")
    exact = -MultivariateNormal(torch.zeros(25), kernel(x, x) + (gp.noise() + 1e-6) * torch.eye(25)).log_prob(y)
    print(torch.allclose(exact, gp.loss()))
    with torch.no_grad():
        grid = torch.linspace(0, 5, 7).unsqueeze(1)
        mean, cov = gp.predict(grid)
        print(mean, cov.diagonal().clamp(min=0).sqrt().max() < 0.5)
        sample = MultivariateNormal(mean, cov + 1e-6 * torch.eye(7)).sample((2,))
        print(sample.shape)
print(sorted(gp.state_dict()))
torch.set_default_dtype(torch.float32)
