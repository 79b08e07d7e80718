"""Functions that write over what backward would read, differentiated forwards: by differences, in every nesting."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.func import grad, jacfwd, jacrev, jvp, linearize, vjp, vmap
from tapegrad.machine.live import buffers, call

X, U, W = (np.array(v) for v in ([0.3, -0.8, 1.1], [0.5, 1.0, -0.7], [-0.2, 0.4, 0.9]))
CONSTANT = np.array([1.5, -0.5, 2.0])


def number(x):
    return torch.tensor(x, dtype=torch.float64)


def overwritten(x):
    y = x * 2
    z = y.sin()
    y.mul_(3)
    return z * y


def by_itself(x):
    y = x.exp()
    y.mul_(y)
    return y.add_(1)


def elements(x):
    y = x.clone()
    y[0] = y[1] * y[2]
    y[1:] *= y[:1]
    return y.prod().reshape(1)


def row_by_row(x):
    s = torch.zeros_like(x)
    for i in range(3):
        s[i] = x[i] * s.sum() + x[i].sin()
    return s


def constants(x):
    c = number(CONSTANT)
    y = x * c
    c.mul_(2)
    return y * x * c


def results(x):
    y = x.sigmoid()
    z = y.softmax(0)
    w = z.log() * y
    z.copy_(x)
    return y.zero_() + w + z


def views(x):
    y = x * 2
    v, e = y[1:], y.expand(2, 3)
    z = v * v
    w = e * e
    y.mul_(3)
    v.add_(y[0])
    return torch.cat([z * v, y, w.sum(0)])


def gaps(x):
    y = torch.stack([x, x.cos()], 1)
    column = y[:, 1]
    z = column * column
    y.t_().mul_(2)
    column.square_()  # of a few numbers apart, a sine's last digits are libm's
    return z * column


def unrecorded(x):
    y = x * 2
    z = y * y
    y.detach().mul_(1)
    with torch.no_grad():
        y.mul_(1)
    return z * y


def by_another_name(x):
    y = x * 2
    z = y * y
    y.data.copy_(y.detach() * 1)
    d = y.data
    w = d.mul_(1) * 0
    y.mul_(y)
    return z + y + w


def at_indices(x):
    y = x.cos()
    z = y.exp()
    y.index_add_(0, torch.tensor([0, 2]), z[:2])
    w = y * y
    y[torch.tensor([1])] = w[:1]
    y.clamp_(-9, 9).cumsum_(0)
    return y * w


def input_written(x):
    y = x.sin()
    v = x[1:]
    x.mul_(2)
    v.mul_(v)
    return torch.cat([y, x * x, v])


def input_assigned(x):
    x[0] = x[1] * x[2]
    return x.exp()


def viewed_before(x):
    v, w = x[:2], x[1:]
    with torch.no_grad():
        v.mul_(1)
    w.mul_(2)
    return torch.cat([v * v, w])


def turn_by_turn(x):
    y, s = x * 1, torch.ones_like(x)
    for i in range(5):
        z = y * y * s
        y.mul_(0.9)
        s.mul_(0.5)
        y.add_(z * s)
        y[i % 3] = z[0].sin()
    return y * s


PROGRAMS = [overwritten, by_itself, elements, row_by_row, constants, results, views, gaps, unrecorded,
            by_another_name, at_indices, input_written, input_assigned, viewed_before, turn_by_turn]
NAMES = [f.__name__ for f in PROGRAMS]


def value(f, x):
    return f(number(x)).numpy()


def along(f, x, u, h=1e-6):
    return (value(f, x + h * u) - value(f, x - h * u)) / (2 * h)


def second(f, h=1e-4):
    return (value(f, X + h * (U + W)) - value(f, X + h * (U - W)) - value(f, X - h * (U - W))
            + value(f, X - h * (U + W))) / (4 * h * h)


@pytest.mark.parametrize("f", PROGRAMS, ids=NAMES)
def test_first_derivatives(f):
    u = number(U)
    expected = along(f, X, U)
    found, tangent = jvp(f, (number(X),), (u,))
    np.testing.assert_array_equal(found.numpy(), value(f, X))
    assert u.tolist() == U.tolist()
    for derivative in (tangent, linearize(f, number(X))[1](u), jacfwd(f)(number(X)) @ u,
                       torch.autograd.functional.jacobian(f, number(X), vectorize=True, strategy="forward-mode") @ u,
                       vmap(lambda x: jvp(f, (x,), (u,))[1])(torch.stack([number(X), number(W)]))[0],
                       vmap(lambda u: jvp(lambda x: f(x.clone()), (number(X),), (u,))[1])(torch.stack([u, u]))[1]):
        np.testing.assert_allclose(derivative.numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("f", PROGRAMS, ids=NAMES)
def test_second_derivatives(f):
    u, w = number(U), number(W)
    expected = second(f)
    for derivative in (jvp(lambda x: jvp(f, (x,), (u,))[1], (number(X),), (w,))[1],
                       jvp(lambda x: jvp(f, (x * 1,), (u,))[1], (number(X),), (w,))[1],
                       jvp(jacrev(lambda x: f(x.clone())), (number(X),), (w,))[1] @ u,
                       jacrev(lambda x: jvp(f, (x.clone(),), (u,))[1])(number(X)) @ w,
                       jacfwd(jacfwd(f))(number(X)) @ w @ u):
        np.testing.assert_allclose(derivative.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_by_another_name():
    def zeroed(x):
        y = x * 2
        z = y * y
        y.data.zero_()
        return z

    assert jvp(zeroed, (torch.ones(2),), (torch.tensor([1.0, 2.0]),))[1].tolist() == [8.0, 16.0]


def test_compiled_it_is_the_same():
    for f in (overwritten, input_written):
        compiled = torch.compile(lambda x, f=f: jvp(f, (x,), (x.clone(),))[1])
        for scale in (1.0, 2.0, 3.0):
            x, y = number(scale * X), number(scale * X)
            assert compiled(x).tolist() == jvp(f, (y,), (y.clone(),))[1].tolist() and x.tolist() == y.tolist()


def test_the_input_is_written_to():
    x = number(X)
    _, tangent = jvp(input_assigned, (x,), (number(U),))
    assert x.tolist() == [X[1] * X[2], X[1], X[2]] and not x.requires_grad and x.is_leaf and not tangent.requires_grad


@pytest.mark.parametrize("derive", [
    lambda f, x: grad(lambda x: f(x).sum())(x), lambda f, x: jacrev(f)(x),
    lambda f, x: vjp(f, x)[1](torch.ones(3, dtype=torch.float64))], ids=["grad", "jacrev", "vjp"])
@pytest.mark.parametrize("given", [lambda x: x, lambda x: x * 1], ids=["a leaf", "a result"])
@pytest.mark.parametrize("f", [lambda y: y.mul_(2).sin(), lambda y: y[1:].mul_(2).sum() + y], ids=["it", "a view"])
def test_backwards_an_input_is_not_written_to_inside_of_a_derivative(derive, given, f):
    for outer in (lambda f, x: grad(lambda x: f(x).sum())(x), lambda f, x: jvp(f, (x,), (x,))):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad is being used in an in-place"):
            outer(lambda x: derive(f, given(x)), number(X))


def test_views_of_what_a_derivative_is_taken_by_are_its_own():
    def halves(y):
        first, second = y[:1], y[1:]
        with torch.no_grad():
            first.mul_(1)
        return (second * second).sum()

    with pytest.raises(RuntimeError, match="leaf Variable"):
        grad(lambda x: grad(halves)(x * 1).sum())(number(X))


def test_what_is_gone_is_refused():
    w = number(X).requires_grad_()

    z = w.exp()
    kept = z * z
    jvp(lambda x: x * z.detach().mul_(2), (number(U),), (number(W),))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        kept.sum().backward()
    value, at = linearize(torch.exp, number(X))
    value.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        at(number(U))


def test_what_is_kept_is_looked_for_back_to_the_last_write():
    x = number(X).requires_grad_()
    y = x * 1

    def kept():
        return call.kept_of(int(buffers["owner"][y._buffer]), 0)

    assert kept() == 0
    first, _ = y * y, y * x
    assert kept() == (int(buffers["producer"][first._buffer]) - 1) << 32 | y._buffer
    y.mul_(2)
    assert kept() == 0
    again = y * y
    assert kept() == (int(buffers["producer"][again._buffer]) - 1) << 32 | y._buffer
    with torch.no_grad():
        y.mul_(2)
    assert kept() == 0
