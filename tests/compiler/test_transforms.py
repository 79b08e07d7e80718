"""`compile` and the transforms of `torch.func` in any order: programs like any other, with eager code's answers."""
from __future__ import annotations

import warnings

import pytest

import tapegrad as torch
from tapegrad import compile
from tapegrad.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp, vmap

F64 = torch.float64
W, V = torch.linspace(-1, 1, 12, dtype=F64).reshape(3, 4), torch.linspace(0.5, 1, 4, dtype=F64)


def number(a):
    return (a * a).sin().sum() + a.exp().sum()


def network(a):
    return (torch.tanh(a @ W) @ V).sum()


def steps(a):
    for _ in range(30):
        a = a + 0.1 * a.sin()
    return (a * a).sum()


def pendulum(a):
    theta, omega = a[0], a[1]
    for _ in range(50):
        theta, omega = theta + 0.01 * omega, omega - 0.01 * theta.sin()
    return theta * theta + omega


def chosen(a):
    return torch.where(a > 0, a.exp(), a.sin()).sum()


def of_order(a):
    return a.cumsum(0).prod() + a.max()


def directed(f):
    return lambda a: jvp(f, (a,), (torch.ones_like(a),))


def pulled(f):
    def pull(a):
        value, back = vjp(f, a)
        return value, back(torch.ones_like(value))

    return pull


FUNCTIONS = number, network, steps, pendulum, chosen, of_order

# What is compiled, what it is, and how many axes of lanes it takes.
NESTINGS = {
    "compile(vmap)": (lambda f: compile(vmap(f)), vmap, 1),
    "vmap(compile)": (lambda f: vmap(compile(f)), vmap, 1),
    "compile(grad)": (lambda f: compile(grad(f)), grad, 0),
    "grad(compile)": (lambda f: grad(compile(f)), grad, 0),
    "compile(vmap(grad))": (lambda f: compile(vmap(grad(f))), lambda f: vmap(grad(f)), 1),
    "vmap(compile(grad))": (lambda f: vmap(compile(grad(f))), lambda f: vmap(grad(f)), 1),
    "vmap(grad(compile))": (lambda f: vmap(grad(compile(f))), lambda f: vmap(grad(f)), 1),
    "compile(vmap(grad(compile)))": (lambda f: compile(vmap(grad(compile(f)))), lambda f: vmap(grad(f)), 1),
    "compile(compile)": (lambda f: compile(compile(f)), lambda f: f, 0),
    "compile(grad_and_value)": (lambda f: compile(grad_and_value(f)), grad_and_value, 0),
    "vmap(grad_and_value(compile))": (lambda f: vmap(grad_and_value(compile(f))), lambda f: vmap(grad_and_value(f)), 1),
    "compile(hessian)": (lambda f: compile(hessian(f)), hessian, 0),
    "hessian(compile)": (lambda f: hessian(compile(f)), hessian, 0),
    "vmap(hessian(compile))": (lambda f: vmap(hessian(compile(f))), lambda f: vmap(hessian(f)), 1),
    "jacrev(compile)": (lambda f: jacrev(compile(f)), jacrev, 0),
    "jacfwd(compile)": (lambda f: jacfwd(compile(f)), jacfwd, 0),
    "compile(vmap(jacfwd))": (lambda f: compile(vmap(jacfwd(f))), lambda f: vmap(jacfwd(f)), 1),
    "compile(vmap(vmap))": (lambda f: compile(vmap(vmap(f))), lambda f: vmap(vmap(f)), 2),
    "vmap(vmap(grad(compile)))": (lambda f: vmap(vmap(grad(compile(f)))), lambda f: vmap(vmap(grad(f))), 2),
    "compile(jvp)": (lambda f: compile(directed(f)), directed, 0),
    "compile(vjp)": (lambda f: compile(pulled(f)), pulled, 0),
    "compile(grad(jacfwd))": (lambda f: compile(grad(lambda a: jacfwd(f)(a).sum())),
                              lambda f: grad(lambda a: jacfwd(f)(a).sum()), 0),
}


def parts(result):
    return [x for part in result for x in parts(part)] if isinstance(result, tuple) else [result]


def close(found, expected):
    found, expected = parts(found), parts(expected)
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert a.shape == b.shape and a.dtype == b.dtype
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("nesting", NESTINGS)
def test_nestings(nesting, function):
    make, plain, lanes = NESTINGS[nesting]
    made, expected = make(function), plain(function)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for turn in range(5):
            torch.manual_seed(turn)
            x = torch.randn(4, 5, 3, dtype=F64)[(0,) * (2 - lanes)]
            close(made(x), expected(x))
    assert made.replays >= 2, made.explain()


def test_one_transform_is_one_program():
    """A transform that is written where it is called finds what it compiled before."""
    f = compile(number)
    assert vmap(f) is vmap(f) and grad(f) is grad(f)
    assert vmap(f) is not vmap(f, in_dims=1) and grad(f) is not hessian(f)
    assert vmap(f, in_dims=0) is not vmap(f, in_dims=False) and vmap(f, in_dims=({"a": 0},)) is not vmap(f)
    for _ in range(6):
        vmap(grad(f))(torch.ones(2, 3))
    assert vmap(grad(f)).replays > 2


def test_complaints_are_those_of_the_transform():
    f = compile(number)
    with pytest.raises(RuntimeError, match="Only allowed values for randomness"):
        vmap(f, randomness="perhaps")
    with pytest.raises(ValueError, match="Got in_dim=3"):
        vmap(f, in_dims=3)(torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="Expected f\\(\\*args\\) to return a scalar"):
        grad(compile(lambda a: a * 2))(torch.ones(3))


def test_what_a_transform_gives_goes_on_to_be_differentiated():
    for made in (vmap(grad(compile(steps))), compile(vmap(grad(steps)))):
        for _ in range(5):
            x = torch.randn(4, 3, dtype=F64, requires_grad=True)
            made(x).square().sum().backward()
            y = x.detach().requires_grad_()
            vmap(grad(steps))(y).square().sum().backward()
            close(x.grad, y.grad)
    assert made.replays >= 2


def test_options_are_kept():
    f = compile(number, dynamic=True, passes=["dead"])
    assert vmap(f).dynamic and vmap(grad(f)).passes == ("dead",)
