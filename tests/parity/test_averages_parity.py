"""Averaged models, batch norms brought up to date, and SWALR, beside PyTorch's."""
import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")
BOTH = (tapegrad, torch)


def model_of(t, seed=0):
    t.manual_seed(seed)
    return t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4), t.nn.Linear(4, 2))


def state(model):
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}


def assert_states(found, wanted):
    assert list(found) == list(wanted)
    for name in wanted:
        assert found[name].dtype == wanted[name].dtype
        np.testing.assert_allclose(found[name], wanted[name], rtol=2e-6, atol=1e-7)


AVERAGES = {
    "mean": lambda u: {}, "with buffers": lambda u: {"use_buffers": True},
    "one moving": lambda u: {"avg_fn": u.get_ema_avg_fn(0.9)},
    "moving": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
    "moving, with buffers": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9), "use_buffers": True},
    "mean of many": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "one mean": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "own": lambda u: {"avg_fn": lambda averaged, current, count: 0.5 * averaged + current / (1 + count)},
}


@pytest.mark.parametrize("kind", AVERAGES)
def test_averages_over_training(kind):
    results = []
    for t in BOTH:
        model = model_of(t)
        averaged = t.optim.swa_utils.AveragedModel(model, **AVERAGES[kind](t.optim.swa_utils))
        optimizer = t.optim.SGD(model.parameters(), lr=0.1)
        rng = np.random.RandomState(0)
        for _ in range(5):
            optimizer.zero_grad()
            model(t.from_numpy(rng.randn(6, 3).astype("float32"))).pow(2).mean().backward()
            optimizer.step()
            averaged.update_parameters(model)
        out = averaged(t.from_numpy(rng.randn(5, 3).astype("float32"))).detach().numpy()
        results.append((state(averaged), out))
    assert_states(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda t, b: b, lambda t, b: [b, t.zeros(1)]], ids=["batches", "pairs"])
def test_batch_norms_are_brought_up_to_date(wrap):
    results = []
    for t in BOTH:
        model = model_of(t).eval()
        rng = np.random.RandomState(0)
        t.optim.swa_utils.update_bn([wrap(t, t.from_numpy(rng.randn(6, 3).astype("float32"))) for _ in range(4)], model)
        assert not model.training and model[1].momentum == 0.1
        results.append(state(model))
    assert_states(*results)


@pytest.mark.parametrize("given", [
    {"swa_lr": 0.05}, {"swa_lr": [0.05, 0.5], "anneal_epochs": 4}, {"swa_lr": 0.05, "anneal_strategy": "linear"},
    {"swa_lr": 0.05, "anneal_epochs": 0},
], ids=lambda v: "-".join(v))
def test_rates(given):
    results = []
    for t in BOTH:
        optimizer = t.optim.SGD([{"params": [t.ones(1, requires_grad=True)]},
                                 {"params": [t.ones(1, requires_grad=True)], "lr": 0.2}], lr=1.0)
        scheduler = t.optim.swa_utils.SWALR(optimizer, **given)
        path = [scheduler.get_last_lr()]
        for _ in range(15):
            optimizer.step()
            scheduler.step()
            path.append(scheduler.get_last_lr())
        results.append((path, {k: v for k, v in scheduler.state_dict().items() if k != "anneal_func"}))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-12)
    assert results[0][1].keys() == results[1][1].keys()


@pytest.mark.parametrize("call", [
    lambda t, u: u.get_ema_avg_fn(1.5), lambda t, u: u.get_ema_multi_avg_fn(-0.1),
    lambda t, u: u.AveragedModel(t.nn.Linear(1, 1), avg_fn=min, multi_avg_fn=max),
    lambda t, u: u.SWALR(t.optim.SGD([t.ones(1)]), 0.1, anneal_strategy="no"),
    lambda t, u: u.SWALR(t.optim.SGD([t.ones(1)]), 0.1, anneal_epochs=-1),
    lambda t, u: u.SWALR(t.optim.SGD([t.ones(1)]), [0.1, 0.2]),
])
def test_refused(call):
    outcomes = []
    for t in BOTH:
        with pytest.raises(Exception) as caught:
            call(t, t.optim.swa_utils)
        outcomes.append((type(caught.value).__name__, str(caught.value)))
    assert outcomes[0] == outcomes[1]
