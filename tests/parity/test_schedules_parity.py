"""Schedules beside PyTorch's: the rates and momentums of each step, states, errors, warnings."""
import inspect
import math
import warnings

import numpy as np
import pytest

import tapegrad
from tapegrad.optim import lr_scheduler

torch = pytest.importorskip("torch")


class Halving:
    """A function with attributes, which state dicts keep."""

    def __init__(self):
        self.calls = 0

    def __call__(self, epoch):
        self.calls += 1
        return 0.5 ** epoch


CASES = [(name, given) for name, many in {
    "LambdaLR": [{"lr_lambda": lambda e: 0.9 ** e}, {"lr_lambda": [lambda e: 1 / (1 + e), lambda e: 0.5]},
                 {"lr_lambda": Halving()}],
    "MultiplicativeLR": [{"lr_lambda": lambda e: 0.95}, {"lr_lambda": [lambda e: 0.9, lambda e: 1.1]}],
    "StepLR": [{"step_size": 3}, {"step_size": 1, "gamma": 0.7}],
    "MultiStepLR": [{"milestones": [2, 5, 5, 11]}, {"milestones": [], "gamma": 0.5}],
    "ConstantLR": [{}, {"factor": 0.25, "total_iters": 3}],
    "LinearLR": [{}, {"start_factor": 0.1, "end_factor": 0.6, "total_iters": 7}],
    "ExponentialLR": [{"gamma": 0.9}],
    "PolynomialLR": [{}, {"total_iters": 8, "power": 2.5}],
    "CosineAnnealingLR": [{"T_max": 6}, {"T_max": 3, "eta_min": 0.01}],
    "CosineAnnealingWarmRestarts": [{"T_0": 3}, {"T_0": 2, "T_mult": 2, "eta_min": 0.01}],
    "CyclicLR": [{"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4},
                 {"base_lr": [0.01, 0.02], "max_lr": [0.1, 0.3], "step_size_up": 3, "step_size_down": 5,
                  "mode": "triangular2"},
                 {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "exp_range", "gamma": 0.9},
                 {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "scale_fn": lambda x: 0.5 / x,
                  "cycle_momentum": False}],
    "OneCycleLR": [{"max_lr": 0.1, "total_steps": 25}, {"max_lr": [0.1, 0.2], "epochs": 5, "steps_per_epoch": 5},
                   {"max_lr": 0.1, "total_steps": 25, "anneal_strategy": "linear", "three_phase": True,
                    "pct_start": 0.4, "cycle_momentum": False}],
}.items() for given in many]
WORSE = [
    ("LambdaLR", {"lr_lambda": [lambda e: 1.0]}), ("MultiplicativeLR", {"lr_lambda": 3}),
    ("ConstantLR", {"factor": 1.5}), ("LinearLR", {"start_factor": 0}), ("LinearLR", {"end_factor": 1.5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 0}), ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 0.5}),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": 1.0}), ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "mode": "square"}),
    ("OneCycleLR", {"max_lr": 0.1}), ("OneCycleLR", {"max_lr": 0.1, "total_steps": 0}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 5, "pct_start": 2.0}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 5, "anneal_strategy": "no"}),
    ("ReduceLROnPlateau", {"factor": 1.0}), ("ReduceLROnPlateau", {"mode": "no"}),
    ("ReduceLROnPlateau", {"min_lr": [1.0]}), ("StepLR", {"step_size": 3, "last_epoch": 4}),
]


def optimizer_of(t, kind="SGD", **options):
    params = [t.ones(2, requires_grad=True), t.zeros(1, requires_grad=True)]
    options = {"momentum": 0.9, **options} if kind == "SGD" else options
    return getattr(t.optim, kind)([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.03}], lr=0.05, **options)


def seen(optimizer):
    return [[float(value) for value in (group["lr"], group.get("momentum", 0.0), *group.get("betas", ()))]
            for group in optimizer.param_groups]


def fresh(given):
    return {key: Halving() if isinstance(value, Halving) else value for key, value in given.items()}


def walk(t, make, steps=24, kind="SGD", **options):
    optimizer = optimizer_of(t, kind, **options)
    scheduler = make(t.optim.lr_scheduler, optimizer)
    path = [seen(optimizer)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        path.append([*seen(optimizer), [float(lr) for lr in scheduler.get_last_lr()]])
    return path, scheduler


def assert_paths(found, wanted):
    for one, other in zip(found, wanted):
        for a, b in zip(one, other):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if not str(key).startswith("_scale_fn")}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name, given", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_rates_and_states(name, given, kind):
    found, mine = walk(tapegrad, lambda s, o: getattr(s, name)(o, **fresh(given)), kind=kind)
    wanted, theirs = walk(torch, lambda s, o: getattr(s, name)(o, **fresh(given)), kind=kind)
    assert_paths(found, wanted)
    assert plain(mine.state_dict()) == plain(theirs.state_dict())


@pytest.mark.parametrize("name, given", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_states_go_both_ways(name, given):
    """Ten steps, the state loaded by the other library's schedule, and ten more: as one walk."""
    wanted, _ = walk(torch, lambda s, o: getattr(s, name)(o, **fresh(given)), 20)
    for first, second in ((torch, tapegrad), (tapegrad, torch)):
        _, before = walk(first, lambda s, o: getattr(s, name)(o, **fresh(given)), 10)
        optimizer = optimizer_of(second)
        after = getattr(second.optim.lr_scheduler, name)(optimizer, **fresh(given))
        after.load_state_dict(before.state_dict())
        for group, other in zip(optimizer.param_groups, before.optimizer.param_groups):
            group.update((key, value) for key, value in other.items() if key != "params")
        optimizer.step()
        for _ in range(10):
            after.step()
        assert_paths([seen(optimizer)], [wanted[-1][:2]])


@pytest.mark.parametrize("name, given", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_a_step_to_a_given_epoch(name, given):
    found, wanted = [], []
    for t, into in ((tapegrad, found), (torch, wanted)):
        optimizer = optimizer_of(t)
        scheduler = getattr(t.optim.lr_scheduler, name)(optimizer, **fresh(given))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for epoch in (3, 7, 1, 12):
                scheduler.step(epoch)
                into.append(seen(optimizer))
    assert_paths(found, wanted)


@pytest.mark.parametrize("name, given", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_going_on_from_a_last_epoch(name, given):
    results = []
    for t in (tapegrad, torch):
        optimizer = optimizer_of(t)
        for group in optimizer.param_groups:
            group.update(initial_lr=group["lr"], max_lr=0.1, min_lr=0.001, base_momentum=0.8, max_momentum=0.9)
        scheduler = getattr(t.optim.lr_scheduler, name)(optimizer, last_epoch=4, **fresh(given))
        path = [seen(optimizer)]
        for _ in range(5):
            optimizer.step()
            scheduler.step()
            path.append(seen(optimizer))
        results.append(path)
    assert_paths(*results)


COMBINED = {
    "sequential": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9), s.StepLR(o, 2)], [3, 9]),
    "chained": lambda s, o: s.ChainedScheduler([s.LinearLR(o, 0.2, 1.0, 6), s.StepLR(o, 4, 0.5)]),
    "a sequence in a sequence": lambda s, o: s.SequentialLR(
        o, [s.SequentialLR(o, [s.ConstantLR(o), s.ExponentialLR(o, 0.8)], [2]), s.CosineAnnealingLR(o, 5)], [6]),
    "a chain in a sequence": lambda s, o: s.SequentialLR(
        o, [s.ChainedScheduler([s.ExponentialLR(o, 0.9), s.StepLR(o, 3)]), s.LinearLR(o, 0.5)], [4]),
    "from the start": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1), s.ExponentialLR(o, 0.9)], [0]),
}


@pytest.mark.parametrize("kind", COMBINED)
def test_schedules_of_schedules(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found, mine), (wanted, theirs) = (walk(t, COMBINED[kind]) for t in (tapegrad, torch))
    assert_paths(found, wanted)
    assert plain(mine.state_dict()) == plain(theirs.state_dict())


@pytest.mark.parametrize("given", [
    {"patience": 2}, {"mode": "max", "patience": 1, "factor": 0.5, "threshold": 0.1},
    {"threshold_mode": "abs", "threshold": 0.2, "patience": 1, "cooldown": 2}, {"patience": 0, "min_lr": [0.01, 0.02]},
    {"mode": "max", "threshold_mode": "abs", "patience": 1}, {"patience": 0, "eps": 0.01},
], ids=lambda v: "-".join(v))
def test_reduced_on_a_plateau(given):
    losses = [3.0, 2.5, 2.5, 2.45, 2.6, 2.5, 2.0, 2.0, 2.0, 1.9, 1.95, math.nan, 1.9, 1.9, 5.0, 4.0, 4.0, 4.0, 4.0]
    results = []
    for t in (tapegrad, torch):
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **given)
        path = []
        for loss in losses:
            scheduler.step(t.tensor(loss))
            path.append([*seen(optimizer), scheduler.get_last_lr()])
        results.append((path, plain(scheduler.state_dict())))
    assert_paths(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize("more", [True, False], ids=["more", "fewer"])
@pytest.mark.parametrize("name, given", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_groups_that_come_and_go(name, given, more):
    """What has as many values as there were groups is refused, before any rate is another."""
    outcomes = []
    for t in (tapegrad, torch):
        optimizer = optimizer_of(t)
        scheduler = getattr(t.optim.lr_scheduler, name)(optimizer, **given)
        optimizer.step()
        scheduler.step()
        if more:
            optimizer.add_param_group({"params": [t.ones(1, requires_grad=True)], "lr": 0.5})
        else:
            optimizer.param_groups.pop()
        before = [group["lr"] for group in optimizer.param_groups]
        try:
            scheduler.step()
            outcomes.append([f"{group['lr']:.5g}" for group in optimizer.param_groups])
        except Exception as error:
            outcomes.append((type(error).__name__, str(error)))
            assert t is torch or before == [group["lr"] for group in optimizer.param_groups]
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("name, given", WORSE, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_refused(name, given):
    outcomes = []
    for t in (tapegrad, torch):
        with pytest.raises(Exception) as caught:
            getattr(t.optim.lr_scheduler, name)(optimizer_of(t), **given)
        outcomes.append((type(caught.value).__name__, str(caught.value)[:60]))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("make", [
    lambda s, o, other: s.SequentialLR(o, [], []), lambda s, o, other: s.SequentialLR(o, [s.StepLR(o, 1)], [1]),
    lambda s, o, other: s.SequentialLR(o, [s.StepLR(o, 1), s.StepLR(other, 1)], [1]),
    lambda s, o, other: s.ChainedScheduler([s.ReduceLROnPlateau(o)]), lambda s, o, other: s.ChainedScheduler([]),
    lambda s, o, other: s.ChainedScheduler([3]), lambda s, o, other: s.StepLR(3, 1),
    lambda s, o, other: s.CyclicLR(other, 0.1, 1.0), lambda s, o, other: s.LRScheduler(o),
])
def test_refused_combinations(make):
    outcomes = []
    for t in (tapegrad, torch):
        with pytest.raises(Exception) as caught:
            make(t.optim.lr_scheduler, optimizer_of(t), optimizer_of(t, "Adagrad"))
        outcomes.append((type(caught.value).__name__, str(caught.value)[:40]))
    assert outcomes[0] == outcomes[1]


def test_warnings_are_given_where_pytorch_gives_them():
    def early(t):
        scheduler = t.optim.lr_scheduler.StepLR(optimizer_of(t), 1)
        scheduler.step()

    def overridden(t):
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.StepLR(optimizer, 1)
        optimizer.step = lambda: None
        scheduler.step()

    def asked(t):
        t.optim.lr_scheduler.StepLR(optimizer_of(t), 1).get_lr()

    def epoch(t):
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.StepLR(optimizer, 1)
        optimizer.step()
        scheduler.step(3)

    def fine(t):
        optimizer = optimizer_of(t)
        scheduler = t.optim.lr_scheduler.StepLR(optimizer, 1)
        optimizer.step()
        scheduler.step()

    for program, count in ((early, 1), (overridden, 1), (asked, 1), (epoch, 1), (fine, 0)):
        texts = []
        for t in (tapegrad, torch):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                program(t)
            texts.append([(w.category, str(w.message)[:40]) for w in caught])
        assert texts[0] == texts[1] and len(texts[0]) == count, program.__name__


def test_a_rate_that_is_a_tensor_is_changed_in_place():
    for t in (tapegrad, torch):
        rate = t.tensor(0.5)
        optimizer = t.optim.Adam([t.ones(1, requires_grad=True)], lr=rate)
        scheduler = t.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        optimizer.step()
        scheduler.step()
        assert optimizer.param_groups[0]["lr"] is rate and rate.item() == 0.25
        assert scheduler.base_lrs[0].item() == 0.5


@pytest.mark.parametrize("name", [*lr_scheduler.__all__])
def test_signatures(name):
    mine, theirs = (inspect.signature(getattr(t.optim.lr_scheduler, name).__init__).parameters.values()
                    for t in (tapegrad, torch))
    assert [(p.name, p.kind, p.default) for p in mine] == [(p.name, p.kind, p.default) for p in theirs]
