"""Descent, momentum, Adam by hand, an optimiser of one's own, and learning rates that change."""
import math

import tapegrad as torch
from tapegrad import nn
from tapegrad.optim import Optimizer, lr_scheduler


def f_2d(x1, x2):
    return 0.1 * x1 ** 2 + 2 * x2 ** 2


def train_2d(trainer, steps=20):
    x1, x2, s1, s2 = -5.0, -2.0, 0.0, 0.0
    for _ in range(steps):
        x1, x2, s1, s2 = trainer(x1, x2, s1, s2)
    return x1, x2


print("%.4f %.4f" % train_2d(lambda x1, x2, s1, s2: (x1 - 0.4 * 0.2 * x1, x2 - 0.4 * 4 * x2, 0, 0)))
print("%.4f %.4f" % train_2d(lambda x1, x2, v1, v2: (
    x1 - 0.4 * (0.5 * v1 + 0.2 * x1), x2 - 0.4 * (0.5 * v2 + 4 * x2), 0.5 * v1 + 0.2 * x1, 0.5 * v2 + 4 * x2)))


def init_adam_states(feature_dim):
    return ((torch.zeros((feature_dim, 1)), torch.zeros((feature_dim, 1))), (torch.zeros(1), torch.zeros(1)))


def adam(params, states, hyperparams):
    beta1, beta2, eps = 0.9, 0.999, 1e-6
    for p, (v, s) in zip(params, states):
        with torch.no_grad():
            v[:] = beta1 * v + (1 - beta1) * p.grad
            s[:] = beta2 * s + (1 - beta2) * torch.square(p.grad)
            v_bias_corr = v / (1 - beta1 ** hyperparams["t"])
            s_bias_corr = s / (1 - beta2 ** hyperparams["t"])
            p[:] -= hyperparams["lr"] * v_bias_corr / (torch.sqrt(s_bias_corr) + eps)
        p.grad.data.zero_()
    hyperparams["t"] += 1


torch.manual_seed(9)
X = torch.randn(60, 5)
y = X @ torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0]).unsqueeze(1) + 0.3
w, b = torch.normal(0.0, 0.01, (5, 1), requires_grad=True), torch.zeros(1, requires_grad=True)
states, hyperparams = init_adam_states(5), {"lr": 0.1, "t": 1}
for _ in range(60):
    ((X @ w + b - y) ** 2).mean().backward()
    adam([w, b], states, hyperparams)
print(((X @ w + b - y) ** 2).mean().item() < 0.1, hyperparams["t"])


class SignSGD(Optimizer):
    def __init__(self, params, lr=1e-3, momentum=0.0):
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"], state["buffer"] = 0, torch.zeros_like(p)
                state["step"] += 1
                state["buffer"].mul_(group["momentum"]).add_(p.grad)
                p.add_(state["buffer"].sign(), alpha=-group["lr"])
        return loss


net = nn.Linear(5, 1)
own = SignSGD(net.parameters(), lr=0.02, momentum=0.5)
for _ in range(30):
    own.zero_grad()
    nn.functional.mse_loss(net(X), y).backward()
    own.step()
print(f"{nn.functional.mse_loss(net(X), y).item():.4f}", own.state_dict()["state"][0]["step"])
print(own)

makers = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.1),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, milestones=[2, 5], gamma=0.5),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=8, eta_min=0.01),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lr_lambda=lambda epoch: 0.95 ** epoch),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, start_factor=0.5, total_iters=4),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, max_lr=1.0, total_steps=10),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, base_lr=0.1, max_lr=0.5, step_size_up=3),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o, factor=0.1, total_iters=2), lr_scheduler.ExponentialLR(o, gamma=0.9)], [3]),
}
for name, make in makers.items():
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.3, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for _ in range(8):
        optimizer.step()
        rates.append(round(optimizer.param_groups[0]["lr"], 4))
        scheduler.step()
    print(name, rates)
optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.3)
plateau = lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=1, factor=0.5)
for loss in (1.0, 0.9, 0.95, 0.94, 0.93, 0.5):
    plateau.step(loss)
print(optimizer.param_groups[0]["lr"], plateau.num_bad_epochs, math.isclose(plateau.best, 0.5))
for kind in ("Adam", "AdamW", "Adagrad", "Adadelta", "RMSprop", "Adamax", "NAdam", "RAdam", "ASGD"):
    torch.manual_seed(1)
    net = nn.Linear(5, 1)
    optimizer = getattr(torch.optim, kind)(net.parameters(), lr=0.05)
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(X), y)
        loss.backward()
        optimizer.step()
    print(kind, f"{loss.item():.4f}")
