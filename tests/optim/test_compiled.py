"""A whole training step is one program: it does what the step as written does, from the second call of a kind on."""
import pytest

import tapegrad as torch

CASES = [("SGD", {"lr": 0.05}), ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}), ("Adam", {}),
         ("AdamW", {"amsgrad": True}), ("Adamax", {}), ("NAdam", {}), ("RAdam", {}), ("Adagrad", {}), ("Adadelta", {}),
         ("RMSprop", {"momentum": 0.9, "centered": True}), ("Rprop", {}), ("ASGD", {"t0": 3, "lambd": 0.1})]


def training(name, given):
    torch.manual_seed(0)
    weights = [torch.randn(5, 4, requires_grad=True), torch.randn(4, requires_grad=True)]
    data, targets = torch.randn(8, 5), torch.randn(8, 4)
    optimizer = getattr(torch.optim, name)(weights, **given)

    def step():
        optimizer.zero_grad()
        loss = (data @ weights[0] + weights[1] - targets).pow(2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step, weights, optimizer


@pytest.mark.parametrize("name, given", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_step_by_step(name, given):
    written, weights, optimizer = training(name, given)
    step, others, other = training(name, given)
    compiled = torch.compile(step)
    for _ in range(12):
        torch.testing.assert_close(written(), compiled(), rtol=1e-6, atol=1e-7)
        for w, v in zip(weights, others):
            torch.testing.assert_close(w, v, rtol=2e-6, atol=1e-7)
    assert compiled.replays >= 8
    for key, value in optimizer.state[weights[0]].items():
        torch.testing.assert_close(value, other.state[others[0]][key], rtol=1e-5, atol=1e-7)


def test_a_rate_that_is_a_tensor_may_change():
    rate = torch.tensor(0.05)
    written, weights, _ = training("SGD", {"lr": rate})
    step, others, _ = training("SGD", {"lr": rate})
    compiled = torch.compile(step)
    for i in range(12):
        rate.fill_(0.05 / (1 + i))
        written(), compiled()
    assert compiled.replays >= 8
    torch.testing.assert_close(weights[0], others[0], rtol=2e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore:step")
@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_what_python_reads_of_counts_and_rates_is_what_they_are(name):
    """Though a step of the program that is yet to be done changes them, or somebody does between the calls."""
    found = []
    for wrap in lambda step: step, torch.compile:
        torch.manual_seed(0)
        w, data, rate = torch.randn(5, 4, requires_grad=True), torch.randn(8, 5), torch.tensor(0.05)
        optimizer = getattr(torch.optim, name)([w], lr=rate)

        def step(w=w, data=data, optimizer=optimizer):
            optimizer.zero_grad()
            (data @ w).pow(2).mean().backward()
            optimizer.step()

        step = wrap(step)
        for i in range(8):
            rate.fill_(0.05 / (1 + i // 3))
            step()
        found.append(w)
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)
