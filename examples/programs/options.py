"""Options: a closed form and its Greeks, paths, quasi-random numbers, a binomial tree, a calibration, look-ups."""
import math

import tapegrad as torch
from tapegrad.quasirandom import SobolEngine


def norm_cdf(x):
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def black_scholes(S, K, T, r, sigma):
    d1 = (torch.log(S / K) + (r + sigma ** 2 / 2) * T) / (sigma * torch.sqrt(T))
    return S * norm_cdf(d1) - K * torch.exp(-r * T) * norm_cdf(d1 - sigma * torch.sqrt(T))


S, K, T, r, sigma = (torch.tensor(v, requires_grad=True, dtype=torch.float64) for v in (100.0, 105.0, 1.0, 0.03, 0.2))
price = black_scholes(S, K, T, r, sigma)
delta, vega, theta = torch.autograd.grad(price, (S, sigma, T), create_graph=True)
(gamma,) = torch.autograd.grad(delta, S)
print(f"{price.item():.6f} {delta.item():.6f} {vega.item():.6f} {theta.item():.6f} {gamma.item():.8f}")

g = torch.Generator()
g.manual_seed(42)
z = torch.randn(20000, generator=g, dtype=torch.float64)
spot = torch.tensor(100.0, dtype=torch.float64, requires_grad=True)
ST = spot * torch.exp((0.03 - 0.02) + 0.2 * z)
mc = math.exp(-0.03) * torch.nn.functional.relu(ST - 105).mean()
mc.backward()
print(f"{mc.item():.4f} {spot.grad.item():.4f}")

u = SobolEngine(dimension=2, scramble=False).draw(1024)[1:]
normals = torch.erfinv(2 * u.double() - 1) * math.sqrt(2)
print(f"{normals.mean().item():.4f} {normals.std().item():.4f}", SobolEngine(3, scramble=True, seed=5).draw(4).shape)

torch.manual_seed(3)
v, logS = torch.full((500,), 0.04), torch.zeros(500)
kappa, vbar, xi, rho, dt = 2.0, 0.04, 0.3, -0.7, 1 / 50
for _ in range(50):
    z1 = torch.randn(500)
    z2 = rho * z1 + math.sqrt(1 - rho ** 2) * torch.randn(500)
    v_plus = v.clamp(min=0.0)
    logS += -0.5 * v_plus * dt + torch.sqrt(v_plus * dt) * z1
    v += kappa * (vbar - v_plus) * dt + xi * torch.sqrt(v_plus * dt) * z2
print(f"{logS.mean().item():.4f} {logS.exp().mean().item():.3f}")


def tree(S, K, T, r, sigma, n=50):
    dt = T / n
    u = torch.exp(sigma * dt.sqrt())
    d = 1 / u
    p = (torch.exp(r * dt) - d) / (u - d)
    steps = torch.arange(n + 1, dtype=S.dtype)
    values = torch.clamp(K - S * u ** (n - steps) * d ** steps, min=0.0)
    for i in range(n - 1, -1, -1):
        values = torch.exp(-r * dt) * (p * values[:-1] + (1 - p) * values[1:])
        spots = S * u ** (i - steps[:i + 1]) * d ** steps[:i + 1]
        values = torch.maximum(values, K - spots)
    return values[0]


put = tree(S, K, T, r, sigma)
print(f"{put.item():.5f} {torch.autograd.grad(put, S)[0].item():.5f}")

strikes = torch.tensor([90.0, 100.0, 110.0], dtype=torch.float64)
true = torch.tensor([0.25, 0.2, 0.18], dtype=torch.float64)
market = black_scholes(S.detach(), strikes, T.detach(), r.detach(), true)
vols = torch.full((3,), 0.3, dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.Adam([vols], lr=0.02)
for _ in range(150):
    optimizer.zero_grad()
    loss = ((black_scholes(S.detach(), strikes, T.detach(), r.detach(), vols) - market) ** 2).sum()
    loss.backward()
    optimizer.step()
print([round(s, 3) for s in vols.tolist()])
at = torch.tensor([95.0, 101.5])
print(torch.searchsorted(strikes.float(), at), torch.bucketize(at, strikes.float(), right=True))
print(torch.bucketize(torch.tensor([1, 5]), torch.tensor([0.5, 4.5])))
