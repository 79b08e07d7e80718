"""Error budgets against the true error of float32, over programs of many kinds."""
from __future__ import annotations

import pytest

import tapegrad as torch
from tapegrad.tape import TapeError, record


def sum_far_from_zero(x):
    total = x[0] * 1000
    for i in range(1, 100):
        total = total + x[i % 50] * 1000
    return total


def written_in_place(x):
    y = x.clone()
    y[3:5] *= 3.3
    y.add_(0.1)
    return y.cumsum(0).sum()


def pendulum(x):
    p, v = x.abs() + 0.1, x * 0.3
    for _ in range(50):
        v = v - 0.01 * p.sin()
        p = p + 0.01 * v
    return p.sum()


def positive(x):
    a = x.view(5, 10)
    return a @ a.T + torch.eye(5, dtype=x.dtype)


def recurrent(x):
    torch.manual_seed(0)
    return torch.nn.GRU(5, 3).to(x.dtype)(x.view(5, 2, 5))[0].sum()


def attention(x):
    q = x.view(1, 10, 5)
    return torch.nn.functional.scaled_dot_product_attention(q, q, q).square().sum()


PROGRAMS = {
    "log det": lambda x: torch.logdet(positive(x)),
    "solution": lambda x: torch.linalg.solve(positive(x), x[:5]).sum(),
    "singular values": lambda x: torch.linalg.svd(x.view(5, 10))[1].sum(),
    "eigenvalues": lambda x: torch.linalg.eigh(positive(x))[0][1:].sum(),
    "recurrent": recurrent,
    "attention": attention,
    "exp": lambda x: (x.exp() - 1).sum() / x.sum(),
    "sum far from zero": sum_far_from_zero,
    "softmax": lambda x: (x.softmax(0) * x).log_softmax(0).sum(),
    "cancellation": lambda x: ((x + 1e4) - 1e4).sum(),
    "matrices": lambda x: (x.view(5, 10) @ x.view(10, 5)).tanh().sum(),
    "variance": lambda x: x.var() * 1e3,
    "in place": written_in_place,
    "pendulum": pendulum,
    "normalised": lambda x: torch.nn.functional.layer_norm(x.view(5, 10), (10,)).pow(3).sum(),
    "mixed": lambda x: (x.double() * 1.1).to(torch.float32).log1p().nansum() if x.dtype == torch.float32
             else (x * 1.1).log1p().nansum(),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("seed", range(3))
def test_the_estimate_is_near_the_error(name, seed):
    torch.manual_seed(seed)
    x = torch.rand(50, requires_grad=True)
    found = torch.inspect.error_budget(PROGRAMS[name], x)
    exact = PROGRAMS[name](x.detach().double()).item()
    error = found.value - exact
    assert found.value == PROGRAMS[name](x).double().item()
    assert found.error == pytest.approx(error, rel=1, abs=1e-12 * abs(exact))
    assert found.value == pytest.approx(exact, rel=1e-2, abs=1e-2)


def test_the_worst_line_comes_first():
    x = torch.rand(10, requires_grad=True)
    with record() as tape:
        y = (x + 1e4) - 1e4
        (y * 2).sum()
    found = torch.inspect.error_budget(tape)
    assert found.tape.operations[found.shares[0].instruction].name == "add"
    assert next(iter(found.by_line())).startswith("test_rounding.py:")
    assert "add" in str(found).splitlines()[2]


def test_double_has_next_to_none():
    x = torch.rand(10, dtype=torch.float64, requires_grad=True)
    assert torch.inspect.error_budget((x * x).sum()).error == 0


def test_values_that_are_gone():
    for _ in range(3):  # what is learnt of the first calls holds on to what they were given
        result = torch.rand(3, requires_grad=True).add(torch.rand(3)).sum()
    with pytest.raises(TapeError, match="nothing can be said"):
        torch.inspect.error_budget(result)
