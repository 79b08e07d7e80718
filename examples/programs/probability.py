"""Sampling and inference: Hamiltonian Monte Carlo, variational inference, maximum likelihood with its Hessian."""
import math

import tapegrad as torch
import tapegrad.distributions as D
from tapegrad import nn
from tapegrad.distributions import constraints

torch.manual_seed(7)
fair_probs = torch.ones([6]) / 6
counts = D.Multinomial(100, fair_probs).sample()
print(counts.sum(), counts.shape, D.Categorical(fair_probs).sample((5,)))
cum = D.Multinomial(1, fair_probs).sample((500,)).cumsum(dim=0)
print((cum / cum.sum(dim=1, keepdims=True))[-1])


def log_density(z):
    return D.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.6], [0.6, 1.0]])).log_prob(z)


def leapfrog(z, p, size, steps):
    z = z.clone().requires_grad_(True)
    (g,) = torch.autograd.grad(log_density(z).sum(), z)
    p = p + 0.5 * size * g
    for i in range(steps):
        z = (z + size * p).detach().requires_grad_(True)
        (g,) = torch.autograd.grad(log_density(z).sum(), z)
        p = p + (size if i < steps - 1 else 0.5 * size) * g
    return z.detach(), p


z, accepted, chain = torch.zeros(2), 0, []
for _ in range(150):
    p = torch.randn(2)
    proposal, q = leapfrog(z, p, 0.3, 5)
    ratio = log_density(proposal) - 0.5 * q.dot(q) - log_density(z) + 0.5 * p.dot(p)
    if torch.log(torch.rand(())) < ratio:
        z, accepted = proposal, accepted + 1
    chain.append(z)
chain = torch.stack(chain)
print(f"accepted {accepted / 150:.2f}", chain.mean(0).abs().max() < 0.6)

data = D.Gamma(3.0, 2.0).sample((200,))
raw = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.Adam([raw], lr=0.1)
for _ in range(80):
    loss = -D.Gamma(*torch.nn.functional.softplus(raw)).log_prob(data).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"gamma nll {loss.item():.4f}")
hessian = torch.autograd.functional.hessian(
    lambda r: -D.Gamma(*torch.nn.functional.softplus(r)).log_prob(data).sum(), raw.detach())
print(torch.linalg.eigvalsh(hessian).min() > 0)

loc, log_scale = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
prior = D.Independent(D.Normal(torch.zeros(2), 3 * torch.ones(2)), 1)
xs = torch.linspace(-1, 1, 30)
ys = 1.5 * xs - 0.5 + 0.2 * torch.randn(30)
optimizer = torch.optim.Adam([loc, log_scale], lr=0.05)
for _ in range(120):
    q = D.Independent(D.Normal(loc, log_scale.exp()), 1)
    w = q.rsample((8,))
    likelihood = D.Normal(w[:, :1] * xs + w[:, 1:], 0.2).log_prob(ys).sum(-1)
    elbo = (likelihood - D.kl_divergence(q, prior)).mean()
    optimizer.zero_grad()
    (-elbo).backward()
    optimizer.step()
print(loc.data.round(decimals=1), log_scale.exp().max() < 0.2)

beta = D.Beta(torch.tensor(2.0, requires_grad=True), torch.tensor(3.0))
draw = beta.rsample()
draw.backward()
print(f"{draw.item():.4f} {beta.concentration1.grad.item() if beta.concentration1.grad is not None else 0:.4f}")
student = D.StudentT(torch.tensor([3.0]), 0.0, 1.0)
print(student.log_prob(torch.tensor([0.5])), D.LogNormal(0.0, 1.0).mean, D.HalfCauchy(1.0).cdf(torch.tensor(1.0)))
to_positive = D.biject_to(constraints.positive)
print(to_positive(torch.tensor(-1.0)), D.transform_to(constraints.simplex)(torch.zeros(3)))
print(math.isclose(to_positive.inv(torch.tensor(2.0)).item(), math.log(2), rel_tol=1e-6))
parts = D.Normal(torch.tensor([-1.0, 1.0]), torch.tensor([0.5, 0.5]))
mixture = D.MixtureSameFamily(D.Categorical(torch.tensor([0.3, 0.7])), parts)
print(mixture.log_prob(torch.tensor([0.0, 1.0])), mixture.mean, D.Dirichlet(torch.ones(3)).rsample().sum())
try:
    D.Normal(0.0, -1.0)
except ValueError as error:
    print(str(error).split(" but ")[0])
