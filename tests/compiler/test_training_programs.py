"""Training programs as people write them, of which something changes on the way: call by call as written, bit by bit.

A program is `make(wrap)`: it wraps its step, and gives what runs call i, and what shows the state. `captures` is how
often the step may be captured in all calls; what changes at call 12 is worth at most three. It is 0 where each call
looks at values that are never the same again.
"""
from __future__ import annotations

import copy
import dataclasses
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import test_compile as base
from call_by_call import adds_to

import tapegrad as torch
from benchmarks import ordinary, ordinary_models
from tapegrad import nn
from tapegrad.compiler import compile

CALLS, AT = 24, 12
PROGRAMS: dict[str, tuple[Callable[[Any], tuple[Callable[[int], Any], Callable[[], Any]]], int]] = {}
functional, optim = nn.functional, torch.optim
assert ordinary_models
program = adds_to(PROGRAMS)


def network() -> Any:
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def data(n: int = 6) -> tuple[Any, Any]:
    return torch.randn(n, 3), torch.randn(n, 2)


def trained(wrap: Any, net: Any, optimizer: Any, loss_of: Any = functional.mse_loss, schedule: Any = None) -> Any:
    """A step of training, and of a schedule, that returns the loss."""
    @wrap
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        return loss.detach()

    return step


def state_of(net: Any) -> Callable[[], Any]:
    return lambda: list(net.parameters()) + list(net.buffers())


# ---------------------------------------------------------------- schedules

SCHEDULES = {
    "step": lambda o: optim.lr_scheduler.StepLR(o, 5, 0.5),
    "multi_step": lambda o: optim.lr_scheduler.MultiStepLR(o, [4, 9], 0.3),
    "exponential": lambda o: optim.lr_scheduler.ExponentialLR(o, 0.97),
    "cosine": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 10),
    "warm_restarts": lambda o: optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 6),
    "one_cycle": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=CALLS + 1),
    "cyclic": lambda o: optim.lr_scheduler.CyclicLR(o, 0.001, 0.1, step_size_up=4),
    "linear": lambda o: optim.lr_scheduler.LinearLR(o, total_iters=8),
    "warm_up": lambda o: optim.lr_scheduler.LambdaLR(o, lambda t: min(1.0, (t + 1) / 6)),
    "polynomial": lambda o: optim.lr_scheduler.PolynomialLR(o, 20, 2.0),
    "sequential": lambda o: optim.lr_scheduler.SequentialLR(
        o, [optim.lr_scheduler.ConstantLR(o, 0.1, 4), optim.lr_scheduler.ExponentialLR(o, 0.9)], [4]),
}
OPTIMISERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.05),
    "nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.05),
    "adadelta": lambda p: optim.Adadelta(p, lr=0.5),
    "nadam": lambda p: optim.NAdam(p, lr=0.01),
    "radam": lambda p: optim.RAdam(p, lr=0.01),
    "adamax": lambda p: optim.Adamax(p, lr=0.01),
}


def scheduled(name: str, make_optimizer: Any, make_schedule: Any, captures: int, within: bool = False) -> None:
    """The schedule goes on after the step, or as the last thing that it does."""
    def make(wrap: Any) -> Any:
        net, (x, y) = network(), data()
        optimizer = make_optimizer(net.parameters())
        schedule = make_schedule(optimizer) if make_schedule else None
        step = trained(wrap, net, optimizer, schedule=schedule if within else None)
        told: list[Any] = []

        def run(i: int) -> Any:
            loss = step(x, y)
            if schedule is not None and not within:
                schedule.step()
            told.append(schedule.get_last_lr() if schedule else 0)  # which stay what they were
            epoch = schedule.state_dict()["last_epoch"] if schedule else 0
            return loss, optimizer.param_groups[0]["lr"], str(told), str(epoch)

        return run, state_of(net)

    PROGRAMS[name] = make, captures


for _name, _schedule in SCHEDULES.items():
    # Where the rate stands still and then moves it is found to vary when it moves.
    _optimiser = OPTIMISERS["nesterov" if _name in ("one_cycle", "cyclic") else "adam"]
    scheduled(f"schedule_{_name}", _optimiser, _schedule, 7)
    scheduled(f"schedule_{_name}_within", _optimiser, _schedule, 9, within=True)
for _name, _optimiser in OPTIMISERS.items():
    scheduled(f"optimiser_{_name}", _optimiser, None, 4 if _name != "radam" else 12)
    scheduled(f"optimiser_{_name}_with_a_schedule", _optimiser, SCHEDULES["exponential"], 4 if _name != "radam" else 12)


# ---------------------------------------------------------------- something else from a call on

def changing(name: str, captures: int = 7, make_net: Any = network) -> Any:
    """A network that is trained with SGD and momentum, and what is done to both before call 12."""
    def add(change: Callable[[Any, Any], Any]) -> Any:
        def make(wrap: Any) -> Any:
            net, (x, y) = make_net(), data()
            optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
            step = trained(wrap, net, optimizer)

            def run(i: int) -> Any:
                if i == AT:
                    change(net, optimizer)
                return step(x, y)

            return run, state_of(net)

        PROGRAMS[name] = make, captures
        return change

    return add


changing("momentum_is_changed")(lambda net, o: o.param_groups[0].update(momentum=0.5))
changing("weight_decay_is_turned_on")(lambda net, o: o.param_groups[0].update(weight_decay=0.1))
changing("a_layer_is_frozen")(lambda net, o: net[0].requires_grad_(False))
changing("a_layer_is_replaced")(lambda net, o: net.__setitem__(2, nn.Linear(5, 2)))
changing("an_activation_is_replaced")(lambda net, o: net.__setitem__(1, nn.Sigmoid()))
changing("a_layer_is_put_in")(lambda net, o: net.insert(1, nn.LayerNorm(5)))
changing("a_layer_is_taken_out")(lambda net, o: net.__delitem__(1))
changing("a_parameter_is_loaded")(lambda net, o: net.load_state_dict(
    {k: torch.ones_like(v) for k, v in net.state_dict().items()}))
changing("the_optimiser_is_loaded")(lambda net, o: o.load_state_dict(copy.deepcopy(o.state_dict())))
changing("a_parameter_is_written_to")(lambda net, o: net[0].weight.data.fill_(0.5))
changing("weights_are_initialised_again")(lambda net, o: nn.init.constant_(net[2].weight, 0.25))
changing("the_momentum_is_forgotten")(lambda net, o: o.state.clear())
changing("gradients_are_zeroed_by_hand")(lambda net, o: [p.grad.zero_() for p in net.parameters()])
changing("a_layer_takes_part_of_another", make_net=lambda: nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)))(
    lambda net, o: setattr(net[2], "weight", nn.Parameter(net[0].weight[:2].detach())))
changing("a_method_is_patched")(lambda net, o: setattr(net[1], "forward", lambda x: x * 2))
changing("evaluation_mode_with_dropout", make_net=lambda: nn.Sequential(
    nn.Linear(3, 5), nn.Dropout(0.3), nn.Linear(5, 2)))(lambda net, o: net.eval())
changing("evaluation_mode_with_batch_norm", 9, lambda: nn.Sequential(
    nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)))(lambda net, o: net.eval())
changing("the_dropout_rate_is_changed", make_net=lambda: nn.Sequential(
    nn.Linear(3, 5), nn.Dropout(0.3), nn.Linear(5, 2)))(lambda net, o: setattr(net[1], "p", 0.6))
changing("a_parameter_group_is_added")(lambda net, o: o.add_param_group(
    {"params": [torch.ones(2, requires_grad=True)], "lr": 0.1}))


# ---------------------------------------------------------------- loops as they are written

@program(4)
def a_model_that_says_how_large_it_is(wrap: Any) -> Any:
    class Told(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()
            print(f"{sum(p.numel() for p in self.parameters())} parameters")

        def forward(self, x: Any) -> Any:
            return self.inner(x)

    net, (x, y) = Told(), data()
    step = trained(wrap, net, optim.Adam(net.parameters(), lr=0.01))
    return lambda i: step(x, y), state_of(net)


@dataclasses.dataclass
class Sizes:
    width: int = 5
    bias: bool = True


@program(4)
def a_model_of_a_dataclass(wrap: Any) -> Any:
    class Configured(nn.Module):
        def __init__(self, sizes: Sizes) -> None:
            super().__init__()
            self.sizes = sizes
            self.inner = network()
            print(f"{sizes}: {sum(p.numel() for p in self.parameters())} parameters")

        def forward(self, x: Any) -> Any:
            if x.shape[1] > self.sizes.width or self.sizes != Sizes():
                raise ValueError(self.sizes)
            return self.inner(x)

    net, (x, y) = Configured(Sizes()), data()
    step = trained(wrap, net, optim.Adam(net.parameters(), lr=0.01))
    return lambda i: step(x, y), state_of(net)


def counted(base: Any, use: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """A model that counts how often it is made, which the step does."""
    def make(wrap: Any) -> Any:
        made: list[int] = []

        class Counted(base):
            def __init__(self, *layers: Any) -> None:
                super().__init__(*layers)
                made.append(len(layers))

        net, (x, _) = Counted(*network()) if base is nn.Sequential else Counted(), data()
        weight = torch.ones(3, requires_grad=True)
        step = wrap(lambda x: (use(net, x * weight)).sum())
        return lambda i: (step(x).detach(), torch.tensor(made[-1]), torch.tensor(len(made))), lambda: [weight]

    return make


PROGRAMS["a_slice_counts_how_often_it_is_made"] = counted(nn.Sequential, lambda net, x: net[:2](x)), 0
PROGRAMS["a_model_counts_how_often_it_is_made"] = counted(nn.Module, lambda net, x: x * len(type(net)()._modules)), 0
PROGRAMS["a_model_is_made_by_its_class"] = counted(
    nn.Module, lambda net, x: x * len(net.__class__()._modules)), 0
PROGRAMS["a_model_is_made_by_a_class_that_is_compared"] = counted(
    nn.Module, lambda net, x: x * len((net.__class__ if net.__class__ is net.__class__ else None)()._modules)), 0
PROGRAMS["a_model_is_made_over"] = counted(nn.Module, lambda net, x: (net.__init__(), x)[1]), 0


def test_layers_that_make_layers_of_their_own_class():
    from tapegrad.compiler.guards import class_members

    home = Path(nn.modules.__file__).parent
    making = {p.stem for p in home.glob("*.py") if re.search(r"type\(self\)\(|__class__\(|\bcls\(", p.read_text())}
    assert making == class_members._MAKE_THEIR_OWN


@program(7)
def the_model_is_looked_at_between_two_steps(wrap: Any) -> Any:
    net = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    step = trained(wrap, net, optim.Adam(net.parameters(), lr=0.01))

    def run(i: int) -> Any:
        net.eval()
        looked = net(torch.ones(1, 3)).detach()
        if i % AT:  # else it trains as it was looked at
            net.train()
        if i > AT:
            net[1].momentum = 0.5  # the same from then on, written each time
        return step(*data()), looked

    return run, state_of(net)


@program(10)
def gradients_accumulate_over_four_calls(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    optimizer = optim.Adam(net.parameters(), lr=0.01)

    @wrap
    def step(x: Any, y: Any, last: bool) -> Any:
        loss = functional.mse_loss(net(x), y) / 4
        loss.backward()
        if last:
            optimizer.step()
            optimizer.zero_grad()
        return loss.detach()

    return (lambda i: step(x, y, i % 4 == 3)), state_of(net)


@program(3)
def average_of_the_weights(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    average, optimizer = copy.deepcopy(net), optim.SGD(net.parameters(), lr=0.05)

    @wrap
    def step(decay: float) -> Any:
        optimizer.zero_grad()
        functional.mse_loss(net(x), y).backward()
        optimizer.step()
        with torch.no_grad():
            for a, p in zip(average.parameters(), net.parameters()):
                a.mul_(decay).add_(p, alpha=1 - decay)

    return (lambda i: step(min(0.99, 0.5 + i / 50))), lambda: [*net.parameters(), *average.parameters()]


@program(4)
def clipping_that_gets_tighter(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    @wrap
    def step(limit: float) -> Any:
        optimizer.zero_grad()
        functional.mse_loss(net(x), y).backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), limit)
        optimizer.step()
        return norm.detach()

    return (lambda i: step(1.0 / (i + 1))), state_of(net)


@program(5)
def generator_and_discriminator(wrap: Any) -> Any:
    made, judge, (x, _) = nn.Linear(2, 3), nn.Linear(3, 1), data()
    of_made, of_judge = optim.Adam(made.parameters(), lr=0.01), optim.Adam(judge.parameters(), lr=0.01)
    bce = functional.binary_cross_entropy_with_logits

    @wrap
    def step(x: Any) -> Any:
        z = torch.randn(len(x), 2)
        of_judge.zero_grad()
        real, fake = judge(x), judge(made(z).detach())
        (bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))).backward()
        of_judge.step()
        of_made.zero_grad()
        fake = judge(made(z))
        loss = bce(fake, torch.ones_like(fake))
        loss.backward()
        of_made.step()
        return loss.item()

    return (lambda i: step(x)), lambda: [*made.parameters(), *judge.parameters()]


@program(9)
def target_network_that_is_copied_now_and_then(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    target, optimizer = copy.deepcopy(net), optim.SGD(net.parameters(), lr=0.05)

    class Agent:
        def __init__(self) -> None:
            self.steps = 0

        def learn(self) -> Any:
            with torch.no_grad():
                wanted = y + 0.9 * target(x).max(1, keepdim=True).values
            optimizer.zero_grad()
            loss = functional.smooth_l1_loss(net(x), wanted)
            loss.backward()
            optimizer.step()
            self.steps += 1
            if self.steps % 6 == 0:
                target.load_state_dict(net.state_dict())
            return loss.detach()

    agent = Agent()
    learn = wrap(agent.learn)
    return (lambda i: (learn(), agent.steps)), lambda: [*net.parameters(), *target.parameters()]


@program(4)
def temperature_that_is_annealed(wrap: Any) -> Any:
    net, (x, _) = network(), data()
    optimizer = optim.SGD(net.parameters(), lr=0.05)

    @wrap
    def step(temperature: float) -> Any:
        optimizer.zero_grad()
        loss = -(torch.softmax(net(x) / temperature, 1) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return (lambda i: step(max(0.5, 2.0 * 0.95 ** i))), state_of(net)


@program(4)
def penalty_that_is_adapted(wrap: Any) -> Any:
    """An augmented Lagrangian: the multiplier is a Python number that a call changes by what it found."""
    w, state = torch.ones(3, requires_grad=True), {"multiplier": 0.0, "rho": 1.0}

    @wrap
    def step() -> Any:
        w.grad = None
        violation = w.sum() - 1
        loss = (w ** 2).sum() + state["multiplier"] * violation + 0.5 * state["rho"] * violation ** 2
        loss.backward()
        with torch.no_grad():
            w.sub_(0.1 * w.grad)
        state["multiplier"] += state["rho"] * 0.1
        state["rho"] *= 1.01
        return violation.detach()

    return (lambda i: (step(), dict(state))), lambda: [w]


@program(4)
def weight_of_a_term_that_warms_up(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    optimizer = optim.Adam(net.parameters(), lr=0.01)

    @wrap
    def step(beta: float) -> Any:
        optimizer.zero_grad()
        mu, logvar = net(x).chunk(2, 1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        loss = ((z - y) ** 2).mean() - 0.5 * beta * (1 + logvar - mu ** 2 - logvar.exp()).sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return (lambda i: step(i / CALLS)), state_of(net)


@program(14)
def curriculum_of_lengths(wrap: Any) -> Any:
    cell, x = nn.RNNCell(3, 4), torch.randn(8, 2, 3)
    optimizer = optim.SGD(cell.parameters(), lr=0.05)

    @wrap
    def step(x: Any) -> Any:
        h = torch.zeros(2, 4)
        for t in range(len(x)):
            h = cell(x[t], h)
        optimizer.zero_grad()
        (h ** 2).sum().backward()
        optimizer.step()
        return h.detach()

    return (lambda i: step(x[:2 + i // 5])), state_of(cell)


@program(5)
def state_that_is_carried_on(wrap: Any) -> Any:
    """Truncated backpropagation through time: the state of one call is the next one's, detached."""
    cell, x = nn.GRUCell(3, 4), torch.randn(CALLS, 2, 3)
    optimizer = optim.SGD(cell.parameters(), lr=0.05)

    @wrap
    def step(x: Any, h: Any) -> Any:
        optimizer.zero_grad()
        h = cell(x, h)
        (h ** 2).sum().backward()
        optimizer.step()
        return h.detach()

    held = [torch.zeros(2, 4)]

    def run(i: int) -> Any:
        held[0] = step(x[i], held[0])
        return held[0]

    return run, state_of(cell)


@program(4)
def teacher_that_is_followed_less_and_less(wrap: Any) -> Any:
    net, (_, y) = nn.Linear(2, 2), data(5)
    optimizer = optim.SGD(net.parameters(), lr=0.05)

    @wrap
    def step(ratio: float) -> Any:
        given, loss = y[0], torch.zeros(())
        for t in range(4):
            out = net(given)
            loss = loss + ((out - y[t + 1]) ** 2).sum()
            given = torch.where(torch.rand(()) < ratio, y[t + 1], out)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return (lambda i: step(1 - i / 40)), state_of(net)


@program(5)
def replay_buffer(wrap: Any) -> Any:
    net, (x, y) = network(), data(30)
    optimizer = optim.Adam(net.parameters(), lr=0.01)

    @wrap
    def step() -> Any:
        at = torch.randint(0, 30, (8,))
        optimizer.zero_grad()
        loss = functional.mse_loss(net(x[at]), y[at])
        loss.backward()
        optimizer.step()
        return loss.item()

    return (lambda i: step()), state_of(net)


@program(14)
def epsilon_greedy(wrap: Any) -> Any:
    values = torch.zeros(4)

    class Bandit:
        epsilon = 0.9

        def play(self) -> Any:
            arm = torch.randint(0, 4, ()) if torch.rand(()) < self.epsilon else values.argmax()
            values[arm] += 0.1 * (torch.randn(()) + arm - values[arm])
            self.epsilon *= 0.95
            return arm

    bandit = Bandit()
    play = wrap(bandit.play)
    return (lambda i: (play(), bandit.epsilon)), lambda: [values]


@program(4)
def running_mean_of_the_loss(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    optimizer, log = optim.SGD(net.parameters(), lr=0.05), {"mean": 0.0, "count": 0}

    @wrap
    def step() -> Any:
        optimizer.zero_grad()
        loss = functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        log["count"] += 1
        log["mean"] += (loss.item() - log["mean"]) / log["count"]

    return (lambda i: (step(), dict(log))[1]), state_of(net)


@program(0)
def early_stopping(wrap: Any) -> Any:
    w, log = torch.ones(3, requires_grad=True), {"best": math.inf, "bad": 0}

    @wrap
    def step(x: Any) -> Any:
        w.grad = None
        loss = ((w * x).sum() - 1) ** 2
        loss.backward()
        with torch.no_grad():
            w.sub_(0.01 * w.grad)
        now = loss.item()
        if now < log["best"] - 1e-4:
            log["best"], log["bad"] = now, 0
        else:
            log["bad"] += 1
        return log["bad"]

    x = torch.randn(3)
    return (lambda i: (step(x), dict(log))), lambda: [w]


@program(4)
def confusion_counts(wrap: Any) -> Any:
    net, x, y = nn.Linear(3, 4), torch.randn(CALLS, 10, 3), torch.randint(0, 4, (CALLS, 10))
    counts = torch.zeros(4, 4, dtype=torch.int64)

    @wrap
    def evaluate(x: Any, y: Any) -> Any:
        with torch.no_grad():
            found = net(x).argmax(1)
            counts.index_put_((y, found), torch.ones(10, dtype=torch.int64), accumulate=True)
            return (found == y).float().mean()

    return (lambda i: evaluate(x[i], y[i])), lambda: [counts]


@program(4)
def power_iteration(wrap: Any) -> Any:
    w, u = torch.randn(4, 3, requires_grad=True), functional.normalize(torch.randn(4), dim=0)

    @wrap
    def step() -> Any:
        with torch.no_grad():
            v = functional.normalize(w.t() @ u, dim=0)
            u.copy_(functional.normalize(w @ v, dim=0))
        sigma = u @ (w @ v)
        w.grad = None
        (w / sigma).pow(2).sum().backward()
        with torch.no_grad():
            w.sub_(0.01 * w.grad)
        return sigma.detach()

    return (lambda i: step()), lambda: [w, u]


@program(3)
def gradient_penalty(wrap: Any) -> Any:
    judge, (x, _) = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), data()
    optimizer = optim.Adam(judge.parameters(), lr=0.01)

    @wrap
    def step(x: Any) -> Any:
        mixed = (x * torch.rand(6, 1)).requires_grad_()
        slope, = torch.autograd.grad(judge(mixed).sum(), mixed, create_graph=True)
        loss = ((slope.norm(dim=1) - 1) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return (lambda i: step(x)), state_of(judge)


@program(4)
def inner_steps_of_meta_learning(wrap: Any) -> Any:
    w, (x, y) = torch.randn(3, 2, requires_grad=True), data()

    @wrap
    def step(rate: float) -> Any:
        fast = w
        for _ in range(2):
            loss = functional.mse_loss(x[:3] @ fast, y[:3])
            slope, = torch.autograd.grad(loss, fast, create_graph=True)
            fast = fast - rate * slope
        w.grad = None
        outer = functional.mse_loss(x[3:] @ fast, y[3:])
        outer.backward()
        with torch.no_grad():
            w.sub_(0.1 * w.grad)
        return outer.detach()

    return (lambda i: step(0.1 / (i + 1))), lambda: [w]


@program(3)
def langevin_dynamics(wrap: Any) -> Any:
    q = torch.zeros(3)

    @wrap
    def step(size: float) -> Any:
        x = q.clone().requires_grad_()
        slope, = torch.autograd.grad(((x - 1).square().square()).sum(), x)
        q.sub_(size * slope).add_(torch.randn(3), alpha=math.sqrt(2 * size))

    return (lambda i: step(0.01 / (1 + 0.1 * i))), lambda: [q]


@program(0)
def line_search_by_halving(wrap: Any) -> Any:
    w = torch.tensor([2.0, -3.0], requires_grad=True)

    @wrap
    def step() -> Any:
        loss = (w ** 2 * torch.tensor([1.0, 5.0])).sum()
        slope, = torch.autograd.grad(loss, w)
        rate = 1.0
        with torch.no_grad():
            while ((w - rate * slope) ** 2 * torch.tensor([1.0, 5.0])).sum() > loss - 0.5 * rate * (slope ** 2).sum():
                rate /= 2
            w.sub_(rate * slope)
        return rate

    return (lambda i: step()), lambda: [w]


@program(5)
def early_epochs_train_the_head_alone(wrap: Any) -> Any:
    body, head, (x, y) = nn.Linear(3, 4), nn.Linear(4, 2), data()
    optimizer = optim.SGD([*body.parameters(), *head.parameters()], lr=0.05)

    @wrap
    def step(whole: bool) -> Any:
        h = body(x)
        loss = functional.mse_loss(head(h if whole else h.detach()), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return (lambda i: step(i >= AT)), lambda: [*body.parameters(), *head.parameters()]


@program(6)
def optimiser_is_another_from_a_call_on(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    held = [optim.Adam(net.parameters(), lr=0.01)]

    @wrap
    def step() -> Any:
        held[0].zero_grad()
        loss = functional.mse_loss(net(x), y)
        loss.backward()
        held[0].step()
        return loss.detach()

    def run(i: int) -> Any:
        if i == AT:
            held[0] = optim.SGD(net.parameters(), lr=0.05)
        return step()

    return run, state_of(net)


@program(8)
def model_becomes_double(wrap: Any) -> Any:
    net, (x, y) = network(), data()
    optimizer = optim.SGD(net.parameters(), lr=0.05)
    step = trained(wrap, net, optimizer)

    def run(i: int) -> Any:
        if i == AT:
            net.double()
        return step(x, y) if i < AT else step(x.double(), y.double())

    return run, state_of(net)


def ordinary_program(name: str, captures: int) -> None:
    def make(wrap: Any) -> Any:
        run = ordinary.PROGRAMS[name](torch, wrap, ordinary.as_written)
        return (lambda i: run()), lambda: None

    PROGRAMS[f"ordinary_{name}"] = make, captures


for _name in ordinary.PROGRAMS:
    ordinary_program(_name, {"matrix_factorisation": 9, "policy_gradient": 6, "hmc": 6}.get(_name, 4))


def played(name: str, wrap: Any) -> list[Any]:
    torch.manual_seed(0)
    run, state = PROGRAMS[name][0](wrap)
    found = []
    for i in range(CALLS):
        found.append((base.observed(run(i)), base.observed(state())))
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_training_is_as_written(name):
    functions: list[Any] = []

    def compiled(f: Any) -> Any:
        functions.append(compile(f))
        return functions[-1]

    expected = played(name, lambda f: f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = played(name, compiled)
    for i, (ours, written) in enumerate(zip(found, expected)):
        assert ours == written, f"call {i}: {functions[0].explain()}"
    (function,) = functions
    captures = PROGRAMS[name][1]
    assert not captures or (function.captures <= captures and function.replays), function.explain()


def test_enough_kinds_of_changing_programs():
    import test_changing_programs

    assert len(PROGRAMS) + len(base.PROGRAMS) + len(test_changing_programs.PROGRAMS) >= 200
