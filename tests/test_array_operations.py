"""Functions of arrays as operations: signatures, loops, gradients, compiled, native, refused."""
from __future__ import annotations

import ctypes
import math
import warnings
from typing import Any

import numba
import numpy as np
import pytest

import tapegrad as torch
from tapegrad.custom.signatures import Signature
from tapegrad.machine.llvm import numba_functions
from tapegrad.testing import check_rule

f64 = torch.float64
RANDOM = np.random.default_rng(0)


@torch.custom_op(signature="(n),(n)->()", vjp=lambda g, x, y: (g * y, g * x),
                 jvp=lambda x, y, x_dot, y_dot: (x_dot * y + x * y_dot).sum())
def dot(x, y):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


@torch.custom_op(signature="(m,n)->(m)")
def firsts(a):
    return a[:, 0] + a.shape[1]


@numba.njit(nogil=True)
def decayed_vjp(g, rate, gx, grate):  # the last are written to
    t = 0.0
    for i in range(len(g) - 1, -1, -1):
        t = rate * t + g[i]
        gx[i] = t
    grate[0] = 0.0


@numba.njit(nogil=True)
def decayed(x, rate, out):
    t = 0.0
    for i in range(len(x)):
        t = rate * t + x[i]
        out[i] = t


running = torch.custom_op(decayed, signature="(n),()->(n)", vjp=decayed_vjp)


@torch.custom_op(signature="(n),(n)->(n),()", vjp=lambda g0, g1, x, at: (np.cos(x) * g0 + g1, at * 0))
def waves(x, at):
    return np.sin(x) + x[at] * 0, x.sum()


def test_a_rule_is_checked():
    check_rule(dot, RANDOM.normal(size=4), RANDOM.normal(size=4), twice=True)


def test_loops_broadcast_and_gradients_are_summed_over_them():
    x, y = torch.randn(5, 1, 4, dtype=f64, requires_grad=True), torch.randn(2, 4, dtype=f64, requires_grad=True)
    z, plain = dot(x, y), (x * y).sum(-1)
    torch.testing.assert_close(z, plain)
    for found, wanted in zip(*(torch.autograd.grad(v.square().sum(), (x, y)) for v in (z, plain))):
        torch.testing.assert_close(found, wanted)
    a, b = x.detach()[:, 0], y.detach()
    lanes = torch.func.vmap(torch.func.vmap(dot, (None, 0)), (0, None))(a, b)
    torch.testing.assert_close(lanes, z.detach())
    slopes = torch.func.vmap(torch.func.grad(lambda x, y: dot(x, y) ** 2), (0, None))(a, b[0])
    torch.testing.assert_close(slopes, 2 * (a @ b[0]).unsqueeze(1) * b[0])


def test_however_operands_lie():
    a = torch.randn(6, 4, dtype=f64)
    twisted = a.reshape(3, 2, 2, 2).permute(3, 1, 0, 2)
    for seen in (a, a.T, a[::2, 1:], a.expand(2, 6, 4), a.expand(2, 6, 4).mT, twisted):
        torch.testing.assert_close(firsts(seen), seen[..., 0] + seen.shape[-1])
    for shape in ((0, 3), (0, 2, 3), (2, 0, 3)):
        assert firsts(a.new_zeros(shape)).shape == shape[:-1]
    assert dot(a[0, :0], a[0, :0]).item() == 0


def test_tangents_and_second_derivatives():
    x, y = torch.randn(4, dtype=f64), torch.randn(4, dtype=f64)
    _, tangent = torch.func.jvp(dot, (x, y), (y, x))
    torch.testing.assert_close(tangent, (x * x + y * y).sum())
    torch.testing.assert_close(torch.func.hessian(lambda x: dot(x, x))(x), 2 * torch.eye(4, dtype=f64))


def test_what_numba_alone_knows_has_one_derivative():
    x = torch.randn(2, 5, dtype=f64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: running(x, 0.5), (x,))
    (g,) = torch.autograd.grad(running(x, 0.5).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"derivative for aten::custom\.decayed_vjp is not implemented"):
        g.sum().backward()
    alone = torch.custom_op(lambda x: x * 2, name="alone", signature="(n)->(n)")
    with pytest.raises(RuntimeError, match=r"derivative for aten::custom\.alone is not implemented"):
        alone(x).sum().backward()
    with torch.autograd.forward_ad.dual_level(), pytest.raises(NotImplementedError, match="forward AD with custom"):
        alone(torch.autograd.forward_ad.make_dual(x.detach(), x.detach()))


def test_tangents_of_what_numba_alone_knows():
    """By both ways of forward mode: along with the results, and by two sweeps, of which one transposes the other."""
    def slope(g, x, gx):
        for i in range(len(x)):
            gx[i] = g[i] * 3 * x[i] * x[i]

    cubes = torch.custom_op(lambda x: x * x * x, signature="(n)->(n)", name="cubes", vjp=slope,
                            jvp=lambda x, x_dot: 3 * x * x * x_dot)
    x, along = torch.randn(4, dtype=f64), torch.randn(4, dtype=f64)
    wanted = 3 * x * x * along
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, along)
        torch.testing.assert_close(torch.autograd.forward_ad.unpack_dual(cubes(dual)).tangent, wanted)
    torch.testing.assert_close(torch.func.jvp(cubes, (x,), (along,))[1], wanted)
    with pytest.raises(RuntimeError, match=r"derivative for aten::custom\.cubes_vjp is not implemented"):
        torch.func.hessian(lambda x: cubes(x).sum())(x)


def test_what_is_followed_is_compared_with_what_numba_computes():
    """`std` is another word in NumPy: an adjoint that says it is not recorded as if it were this library's."""
    spread = torch.custom_op(lambda x: x * x.std(), signature="(n)->(n)", name="spread", vjp=lambda g, x: g * x.std())
    x = torch.randn(4, dtype=f64, requires_grad=True)
    (g,) = torch.autograd.grad(spread(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), np.full(4, x.detach().numpy().std()))
    with pytest.raises(RuntimeError, match="not implemented"):
        g.sum().backward()


def test_several_results_and_whole_numbers():
    x, at = torch.randn(3, 4, dtype=f64, requires_grad=True), torch.tensor([3, 2, 1, 0])
    s, total = waves(x, at)
    torch.testing.assert_close(s, torch.sin(x))
    torch.testing.assert_close(total, x.sum(1))
    (s.sum() + (total * torch.arange(3)).sum()).backward()
    torch.testing.assert_close(x.grad, torch.cos(x.detach()) + torch.arange(3).unsqueeze(1))
    above = torch.custom_op(lambda x: (x > 0).astype(np.int64), signature="(n)->(n)", name="above")
    assert above(x).dtype is torch.int64 and not above(x).requires_grad
    assert dot(torch.ones(2).half(), torch.ones(2)).dtype is torch.float32
    assert dot(torch.ones(2).half(), torch.ones(2).half()).item() == 2
    full = torch.custom_op(lambda a, b: np.zeros(len(a) + len(b) - 1), signature="(m),(n)->(m+n-1)", name="full")
    assert full(torch.ones(2), torch.ones(3)).tolist() == [0, 0, 0, 0]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(3000, 100), (2, 1500, 100), (1500, 2, 100), (7, 40000)], ids=str)
def test_threads_share_loops(two_threads, shape):
    x = torch.ones(*shape, dtype=f64, requires_grad=True)
    for _ in range(20):
        y = running(x, 0.5)
        assert (y[..., -1] == 2).all() and (y[..., 1] == 1.5).all()
        (g,) = torch.autograd.grad(y.sum(), x)
        assert (g[..., 0] == 2).all() and (g[..., -2] == 1.5).all()


def test_what_wants_python_is_called_by_one_thread(two_threads):
    """A thread that waits for the others has the GIL."""
    @numba.njit(nogil=True)
    def told(x):
        with numba.objmode():
            seen.append(x[0])
        return x + 1

    seen: list[float] = []
    op = torch.custom_op(told, signature="(n)->(n)", name="told")
    with warnings.catch_warnings(action="ignore"):
        assert (op(torch.zeros(300, 1000)) == 1).all() and len(seen) == 300


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(float)
ANYWHERE: dict[str, tuple[Any, bool]] = {
    "mathematics": (lambda x: math.exp(x) + math.tanh(x), True),
    "a branch": (lambda x: math.sqrt(x) if x > 0 else 0.0, True),
    "draws": (lambda x: x + np.random.random(), False),
    "prints": (lambda x: print(x), False),
    "an address": (lambda x: CALLBACK(x), False),
}


@pytest.mark.parametrize("name", ANYWHERE)
def test_what_may_run_on_any_thread(name):
    function, anywhere = ANYWHERE[name]
    found = numba_functions.compiled(numba.njit(function), name, (numba.float64,))
    assert numba_functions.calls_nobody(found.library.get_llvm_str(), found.fndesc.llvm_func_name) is anywhere


def test_what_draws_is_called_as_often_as_it_is_written():
    noisy = torch.custom_op(lambda x: x + np.random.random(), signature="(n)->(n)", name="noisy")
    program = torch.compile(lambda x: noisy(x) - noisy(x))
    found = [program(torch.zeros(2)) for _ in range(4)]
    assert program.replays == 2 and all(x.all() for x in found)


def test_a_step_of_compiled_programs_and_native_functions():
    a, x = torch.randn(3, 4, dtype=f64), torch.randn(4, dtype=f64)
    program = torch.compile(lambda a, x: (dot(a, x) * 2).sum())
    for _ in range(4):
        value = program(a, x)
    assert program.replays == 2 and "custom.dot" in str(program.tape.dump())
    assert program.native.run(a, x) == value.item()
    value, gradients = program.grad(a, x)
    for found, wanted in zip(program.grad.native.run(a, x)[1:], gradients):
        assert found.tolist() == wanted.tolist()
    assert str(program.grad.tape.dump()).count("custom.dot_vjp") == 1  # not once for each operand
    f = program.native

    @numba.njit(nogil=True)
    def many(a, x):
        return f(a, x) + f(a, 2 * x)

    assert np.isclose(many(a.numpy(), x.numpy()), 3 * value.item())
    with pytest.raises(RuntimeError, match=r"custom\.dot, which is not known as text|custom operation"):
        program.export("/nowhere/f.o")


def broken(x):
    if x[0] < 0:
        raise ValueError("below zero")
    return x * 2


def test_what_the_function_raises_is_raised():
    op = torch.custom_op(broken, signature="(n)->(n)", vjp=lambda g: g * 2)
    compiled = torch.compile(lambda x: op(x).sum())
    for _ in range(3):
        assert compiled(torch.ones(2)).item() == 4
    for call in (op, compiled):
        with pytest.raises(ValueError, match="below zero"):
            call(-torch.ones(2))
    with pytest.raises(RuntimeError, match="step failed"):
        compiled.native.run(-torch.ones(2))
    late = torch.custom_op(lambda x: x * 2, signature="(n)->(n)", name="late", vjp=lambda g: broken_twin(g))
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"custom\.late: a function that it calls raised an exception"):
        (-late(x)).sum().backward()
    late(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


broken_twin = numba.njit(broken)
ONE = torch.ones(3)
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "sizes": (lambda: dot(torch.ones(2, 4), ONE), ValueError,
              r"dot: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature \(n\),\(n\)->\(\) "
              r"\(size 3 is different from 4\)"),
    "too few axes": (lambda: firsts(ONE), ValueError, r"Input operand 0 does not have enough dimensions \(has 1"),
    "loops": (lambda: dot(torch.ones(2, 3), torch.ones(4, 3)), ValueError, "could not be broadcast together"),
    "a list": (lambda: dot([1.0], ONE), TypeError, r"argument 'x' \(position 1\) must be Tensor, not list"),
    "another shape returned": (lambda: torch.custom_op(lambda x: x[1:], signature="(n)->(n)")(ONE), ValueError,
                               r"result 0 has shape \(2,\), with gufunc signature \(n\)->\(n\) it must be \(3,\)"),
    "a number returned": (lambda: torch.custom_op(lambda x: x.sum(), signature="(n)->(n)")(ONE), TypeError,
                          "returns float32, and its signature says an array of 1 dimensions"),
    "written to": (lambda: torch.custom_op(lambda x: fill(x), signature="(n)->(n)")(ONE), TypeError, "Numba compiles"),
    "no signature": (lambda: torch.custom_op(lambda x: x, signature="n->n"), ValueError, "not a valid gufunc"),
    "a dimension from nowhere": (lambda: torch.custom_op(lambda x: x, signature="(n)->(k)"), ValueError, "'k' is none"),
    "too many parameters": (lambda: torch.custom_op(lambda x, y, z: x, signature="(n)->(n)"), TypeError,
                            "takes 3 arguments"),
    "an adjoint of others": (lambda: torch.custom_op(lambda x: x, signature="(n)->(n)", vjp=lambda g, y, z: y),
                             TypeError, "vjp asks for y"),
    "a tangent without a signature": (lambda: torch.custom_op(lambda x: x, jvp=lambda x: x), TypeError, "signature"),
    "a negative size": (lambda: torch.custom_op(lambda x: x, signature="(n)->(n-5)")(ONE), ValueError, "negative"),
    "results of two dtypes": (lambda: torch.custom_op(lambda x: (x, x > 0), signature="(n)->(n),(n)")(ONE), TypeError,
                              "of one dtype"),
    "a wrong adjoint": (lambda: check_rule(torch.custom_op(
        lambda x: x * x, signature="(n)->(n)", name="wrong", vjp=lambda g, x: g * x), np.ones(2)), AssertionError,
        r"wrong\(\): the adjoint is not the derivative"),
}


@numba.njit
def fill(x):
    x[0] = 7
    return x.copy()


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    call, kind, why = WRONG[name]
    with pytest.raises(kind, match=why):
        call()
    assert ONE.tolist() == [1, 1, 1]


def test_signatures():
    found = Signature.parsed(" (m, n),( ) -> (n, 3), (m*n) ")
    assert found == ("(m,n),()->(n,3),(m*n)", (("m", "n"), ()), (("n", "3"), ("m*n",)))
    assert found.result_shapes("f", found.sizes("f", [(5, 2, 3), ()])) == [(3, 3), (6,)]
