"""Made-up data made again: a variational autoencoder, a normalising flow, a pair of adversaries, an energy."""
import tapegrad as torch
import tapegrad.nn.functional as F
from tapegrad import nn
from tapegrad.distributions import MultivariateNormal, Normal, Transform, constraints, kl_divergence

torch.manual_seed(2)


def data(n):
    angle = 2 * torch.pi * torch.rand(n)
    return torch.stack([2 * angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(n, 2)


class VAE(nn.Module):
    def __init__(self, latent=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 32), nn.ReLU())
        self.fc_mu, self.fc_logvar = nn.Linear(32, latent), nn.Linear(32, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 32), nn.ReLU(), nn.Linear(32, 2))

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.fc_mu(h), self.fc_logvar(h)
        return self.decoder(self.reparameterize(mu, logvar)), mu, logvar


vae = VAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=1e-2)
for step in range(60):
    x = data(64)
    recon, mu, logvar = vae(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    loss = F.mse_loss(recon, x, reduction="sum") + 0.1 * kld
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 19:
        print(f"vae {loss.item() / 64:.3f}")
q = Normal(mu, (0.5 * logvar).exp())
exact = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum()
print(torch.allclose(exact, kld, rtol=1e-4))


class Planar(Transform):
    domain = codomain = constraints.real_vector
    bijective = False

    def __init__(self, u, w, b):
        super().__init__()
        self.u, self.w, self.b = u, w, b

    def _call(self, z):
        return z + self.u * torch.tanh(z @ self.w + self.b).unsqueeze(-1)

    def log_abs_det_jacobian(self, z, y):
        slope = 1 - torch.tanh(z @ self.w + self.b) ** 2
        return torch.log((1 + slope * (self.w @ self.u)).abs() + 1e-8)


class Coupling(nn.Module):
    """Affine coupling layers on two numbers (RealNVP)."""

    def __init__(self, layers=4):
        super().__init__()
        self.nets = nn.ModuleList(nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 2)) for _ in range(layers))
        self.register_buffer("zero", torch.zeros(2))

    def log_prob(self, x):
        total = 0.0
        for i, net in enumerate(self.nets):
            a, b = x[:, i % 2:i % 2 + 1], x[:, 1 - i % 2:2 - i % 2]
            s, t = net(a).chunk(2, dim=1)
            b = (b - t) * torch.exp(-s)
            total = total - s.squeeze(1)
            x = torch.cat([a, b] if i % 2 == 0 else [b, a], 1)
        return MultivariateNormal(self.zero, torch.eye(2)).log_prob(x) + total


flow = Coupling()
optimizer = torch.optim.Adam(flow.parameters(), lr=5e-3)
for step in range(80):
    loss = -flow.log_prob(data(128)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 39:
        print(f"flow {loss.item():.3f}")
base = Normal(torch.zeros(2), torch.ones(2))
planar = Planar(torch.tensor([0.5, 0.2]), torch.tensor([1.0, -1.0]), torch.tensor(0.1))
z = base.sample((3,))
print(planar(z).shape, planar.log_abs_det_jacobian(z, planar(z)))

netG = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(True), nn.Linear(16, 2))
netD = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1), nn.Sigmoid())
criterion = nn.BCELoss()
optD, optG = (torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.999)) for net in (netD, netG))
for step in range(40):
    real = data(32)
    label = torch.full((32,), 1.0)
    netD.zero_grad()
    errD_real = criterion(netD(real).view(-1), label)
    errD_real.backward()
    fake = netG(torch.randn(32, 4))
    label.fill_(0.0)
    errD_fake = criterion(netD(fake.detach()).view(-1), label)
    errD_fake.backward()
    optD.step()
    netG.zero_grad()
    label.fill_(1.0)
    errG = criterion(netD(fake).view(-1), label)
    errG.backward()
    optG.step()
print(f"gan {errD_real.item() + errD_fake.item():.3f} {errG.item():.3f}")

energy = nn.Sequential(nn.Linear(2, 32), nn.Softplus(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(energy.parameters(), lr=1e-2)
for step in range(20):
    x = data(32)
    sample = torch.randn(32, 2, requires_grad=True)
    for _ in range(5):
        (gradient,) = torch.autograd.grad(energy(sample).sum(), sample)
        sample = (sample - 0.1 * gradient + 0.05 * torch.randn_like(sample)).detach().requires_grad_()
    loss = energy(x).mean() - energy(sample.detach()).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"energy {loss.item():.3f}")
