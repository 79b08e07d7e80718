"""More ordinary programs, as `ordinary` has them: probabilistic models, samplers, filters, embeddings, LBFGS."""
from __future__ import annotations

import math
from typing import Any

from benchmarks.harness import Function
from benchmarks.ordinary import Wrap, program


@program
def linear_minibatches(torch: Any, step: Wrap, model: Wrap) -> Function:
    """Linear regression with minibatches, the last of which is smaller; an epoch."""
    x = torch.randn(300, 8)
    y = x @ torch.arange(8.0) + 0.5
    w, b = torch.zeros(8, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=0.01)
    predict = model(lambda x: x @ w + b)

    @step
    def train(x: Any, y: Any) -> Any:
        loss = ((predict(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    def run() -> Any:
        total = 0.0
        for i in range(0, len(x), 64):
            total += train(x[i:i + 64], y[i:i + 64])
        return total

    return run


@program
def lstm(torch: Any, step: Wrap, model: Wrap) -> Function:
    """An LSTM from scratch, gradients clipped, Adam."""
    steps, batch, inputs, hidden = 16, 8, 8, 24

    class LSTM:
        def __init__(self) -> None:
            scale = 1 / math.sqrt(hidden)
            self.wx = (torch.randn(inputs, 4 * hidden) * scale).requires_grad_()
            self.wh = (torch.randn(hidden, 4 * hidden) * scale).requires_grad_()
            self.b = torch.zeros(4 * hidden, requires_grad=True)
            self.head = (torch.randn(hidden, 1) * scale).requires_grad_()

        def parameters(self) -> list[Any]:
            return [self.wx, self.wh, self.b, self.head]

        def __call__(self, x: Any) -> Any:
            h, c = torch.zeros(batch, hidden), torch.zeros(batch, hidden)
            for t in range(len(x)):
                i, f, g, o = (x[t] @ self.wx + h @ self.wh + self.b).chunk(4, dim=1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
            return h @ self.head

    net = LSTM()
    x, y = torch.randn(steps, batch, inputs), torch.randn(batch, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    predict = model(lambda x: net(x))

    @step
    def train(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = ((predict(x) - y) ** 2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    return lambda: train(x, y)


@program
def vae(torch: Any, step: Wrap, model: Wrap) -> Function:
    """A variational autoencoder on synthetic data, Adam."""
    functional = torch.nn.functional

    class VAE(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Sequential(torch.nn.Linear(32, 48), torch.nn.ReLU())
            self.mu, self.logvar = torch.nn.Linear(48, 4), torch.nn.Linear(48, 4)
            self.decoder = torch.nn.Sequential(torch.nn.Linear(4, 48), torch.nn.ReLU(), torch.nn.Linear(48, 32))

        def reparameterize(self, mu: Any, logvar: Any) -> Any:
            std = torch.exp(0.5 * logvar)
            return mu + std * torch.randn_like(std)

        def forward(self, x: Any) -> Any:
            h = self.encoder(x)
            mu, logvar = self.mu(h), self.logvar(h)
            return self.decoder(self.reparameterize(mu, logvar)), mu, logvar

    net = VAE()
    data = (torch.randn(64, 4) @ torch.randn(4, 32) > 0).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    reconstruct = model(lambda x: net(x))

    @step
    def train(x: Any) -> Any:
        optimizer.zero_grad()
        logits, mu, logvar = reconstruct(x)
        bce = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = (bce + kld) / len(x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return lambda: train(data)


@program
def gaussian_process(torch: Any, step: Wrap, model: Wrap) -> Function:
    """Hyperparameters of a Gaussian process by its marginal likelihood, Adam."""
    n = 40
    x = torch.linspace(0, 1, n).reshape(-1, 1)
    y = torch.sin(6 * x).squeeze(1) + 0.1 * torch.randn(n)
    log_scale, log_length, log_noise = (torch.tensor(v, requires_grad=True) for v in (0.0, -1.0, -2.0))
    optimizer = torch.optim.Adam([log_scale, log_length, log_noise], lr=1e-3)

    @model
    def negative_log_likelihood(x: Any, y: Any) -> Any:
        squared = ((x - x.T) / log_length.exp()) ** 2
        kernel = log_scale.exp() * torch.exp(-0.5 * squared) + (log_noise.exp() + 1e-4) * torch.eye(n)
        factor = torch.linalg.cholesky(kernel)
        alpha = torch.cholesky_solve(y.unsqueeze(1), factor).squeeze(1)
        return 0.5 * y @ alpha + factor.diagonal().log().sum() + 0.5 * n * math.log(2 * math.pi)

    @step
    def train() -> Any:
        optimizer.zero_grad()
        loss = negative_log_likelihood(x, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return train


@program
def hmc(torch: Any, step: Wrap, model: Wrap) -> Function:
    """Hamiltonian Monte Carlo on a logistic regression's posterior: ten leapfrog steps, accepted or not."""
    x = torch.randn(100, 5)
    y = (x @ torch.tensor([1.0, -1.0, 0.5, 0.0, 2.0]) > 0).float()
    size, leaps = 0.05, 10

    @model
    def potential(q: Any) -> Any:
        return torch.nn.functional.binary_cross_entropy_with_logits(x @ q, y, reduction="sum") + 0.5 * (q ** 2).sum()

    def slope(q: Any) -> Any:
        q = q.detach().requires_grad_()
        return torch.autograd.grad(potential(q), q)[0]

    @step
    def transition(q: Any) -> Any:
        p = torch.randn_like(q)
        with torch.no_grad():
            before = potential(q) + 0.5 * (p ** 2).sum()
        new, p = q, p - 0.5 * size * slope(q)
        for i in range(leaps):
            new = new + size * p
            if i < leaps - 1:
                p = p - size * slope(new)
        p = p - 0.5 * size * slope(new)
        with torch.no_grad():
            after = potential(new) + 0.5 * (p ** 2).sum()
            if torch.rand(()) < torch.exp(before - after):
                q = new
        return q.clone()

    q = torch.zeros(5)

    def run() -> Any:
        nonlocal q
        q = transition(q)
        return q

    return run


@program
def kalman(torch: Any, step: Wrap, model: Wrap) -> Function:
    """Likelihood of a Kalman filter, its noises learnt with SGD."""
    steps = 30
    move, observe = torch.tensor([[1.0, 0.1], [0.0, 1.0]]), torch.tensor([[1.0, 0.0]])
    seen = torch.cumsum(0.1 * torch.randn(steps), 0) + 0.3 * torch.randn(steps)
    log_q, log_r = torch.tensor(-2.0, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
    optimizer = torch.optim.SGD([log_q, log_r], lr=1e-4)

    @model
    def negative_log_likelihood(seen: Any) -> Any:
        q, r = log_q.exp() * torch.eye(2), log_r.exp()
        mean, covariance, total = torch.zeros(2), torch.eye(2), torch.tensor(0.0)
        for t in range(steps):
            mean = move @ mean
            covariance = move @ covariance @ move.T + q
            innovation = seen[t] - (observe @ mean)[0]
            s = (observe @ covariance @ observe.T)[0, 0] + r
            gain = (covariance @ observe.T)[:, 0] / s
            total = total + 0.5 * (torch.log(2 * math.pi * s) + innovation ** 2 / s)
            mean = mean + gain * innovation
            covariance = covariance - torch.outer(gain, gain) * s
        return total

    @step
    def train() -> Any:
        optimizer.zero_grad()
        loss = negative_log_likelihood(seen)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return train


@program
def policy_gradient(torch: Any, step: Wrap, model: Wrap) -> Function:
    """REINFORCE on a toy: a policy as a module, a baseline that is a Python number, Adam."""
    policy = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 4))
    best = torch.randn(8, 4)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    decide = model(lambda states: policy(states))

    class Agent:
        def __init__(self) -> None:
            self.baseline = 0.0

        def update(self, states: Any) -> Any:
            actions = torch.distributions.Categorical(logits=decide(states))
            chosen = actions.sample()
            reward = (chosen == (states @ best).argmax(1)).float()
            loss = -(actions.log_prob(chosen) * (reward - self.baseline)).mean() - 0.01 * actions.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            self.baseline = 0.9 * self.baseline + 0.1 * reward.mean().item()
            return loss.detach()

    agent = Agent()
    update = step(agent.update)
    states = torch.randn(64, 8)
    return lambda: update(states)


@program
def matrix_factorisation(torch: Any, step: Wrap, model: Wrap) -> Function:
    """Matrix factorisation with embeddings and minibatches, the last of which is smaller; an epoch."""
    users, items, rated = 50, 40, 600

    class Factors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.user, self.item = torch.nn.Embedding(users, 8), torch.nn.Embedding(items, 8)
            self.user_bias, self.item_bias = torch.nn.Embedding(users, 1), torch.nn.Embedding(items, 1)

        def forward(self, u: Any, i: Any) -> Any:
            return (self.user(u) * self.item(i)).sum(1) + self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1)

    net = Factors()
    u, i = torch.randint(0, users, (rated,)), torch.randint(0, items, (rated,))
    ratings = torch.randn(rated)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, weight_decay=1e-4)
    predict = model(lambda u, i: net(u, i))

    @step
    def train(u: Any, i: Any, ratings: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(predict(u, i), ratings)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def run() -> Any:
        order = torch.randperm(rated)
        for start in range(0, rated, 128):
            at = order[start:start + 128]
            loss = train(u[at], i[at], ratings[at])
        return loss

    return run


@program
def lbfgs(torch: Any, step: Wrap, model: Wrap) -> Function:
    """LBFGS with a line search on Rosenbrock's function of ten variables, from the start."""
    x = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    rosenbrock = model(lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())

    @step
    def loss_and_slope() -> Any:
        x.grad = None
        loss = rosenbrock(x)
        loss.backward()
        return loss.detach()

    def run() -> Any:
        with torch.no_grad():
            x.fill_(-1.0)
        optimizer = torch.optim.LBFGS([x], max_iter=30, line_search_fn="strong_wolfe")
        return optimizer.step(loss_and_slope)

    return run
