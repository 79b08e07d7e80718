"""Forward mode: tangents of every operation, of writes and views, of custom functions; what a level begins and ends."""
from __future__ import annotations

import math

import numpy as np
import pytest
from registry import DIFFERENTIABLE, case_id
from test_operations import directions

import tapegrad as torch
from tapegrad.autograd import forward_ad
from tapegrad.autograd.forward_ad import make_dual, unpack_dual


@pytest.fixture
def level():
    with forward_ad.dual_level():
        yield


def tangent(x):
    return unpack_dual(x).tangent


def dual(values, tangents):
    return make_dual(torch.tensor(values), torch.tensor(tangents))


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=case_id)
def test_a_tangent_is_the_transpose_of_the_adjoint(op):
    """⟨v, J u⟩ = ⟨Jᵀ v, u⟩."""
    for at in directions(op):
        _, pulled = at.gradients()
        with forward_ad.dual_level():
            operands = [x if u is None else make_dual(x, torch.tensor(u))
                        for x, u in zip(at.sample.tensors(), at.u)]
            if op.inplace_of is not None:
                operands[0] = operands[0].clone()
            found = tangent(at.sample.run(operands))
        along = 0.0 if found is None else float(np.vdot(at.v, found.numpy()))
        assert math.isclose(along, at.along([g.numpy() for g in pulled]), rel_tol=1e-9, abs_tol=1e-9), at.sample


PROGRAMS = {
    "composed": (lambda x: torch.nn.functional.softmax(x, 0).log().sum(), [1.0, 2.0], [1.0, 0.0], 0.4621172),
    "not recorded": (torch.no_grad()(lambda x: (x * x).sum()), [1.0, 2.0], [1.0, 1.0], 6.0),
    "detached": (lambda x: x.detach() * x, [3.0], [1.0], [3.0]),
    "a row written": (lambda x: write(torch.zeros(2, 2), 0, x), [1.0, 2.0], [5.0, 6.0], [[5.0, 6.0], [0.0, 0.0]]),
    "overwritten": (lambda x: write(x.clone(), 0, 7.0), [1.0, 2.0], [5.0, 6.0], [0.0, 6.0]),
    "through a view": (lambda x: doubled(x.clone()), [1.0, 2.0], [5.0, 6.0], [10.0, 6.0]),
    "turned in place": (lambda x: x.clone().unsqueeze_(0).t_(), [1.0, 2.0], [5.0, 6.0], [[5.0], [6.0]]),
    "joined": (lambda x: torch.cat([x, torch.ones(1), x]), [1.0], [2.0], [2.0, 0.0, 2.0]),
    "chosen by a value": (lambda x: x.max(), [1.0, 2.0], [5.0, 6.0], 6.0),
    "of other kinds of numbers": (lambda x: x.double() * 2, [1.0], [2.0], [4.0]),
    "no function of it": (lambda x: x.floor(), [1.5], [2.0], [0.0]),
    "singular values": (lambda x: torch.linalg.svdvals(torch.diag(x)), [3.0, 1.0], [0.5, 0.25], [0.5, 0.25]),
}


def write(x, at, value):
    x[at] = value
    return x


def doubled(x):
    x[:1].mul_(2)
    return x


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program, level):
    function, values, tangents, expected = PROGRAMS[program]
    found = tangent(function(dual(values, tangents)))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_view_shares_its_tangent(level):
    x = dual([1.0, 2.0], [3.0, 4.0])
    row = x[:1]
    x.mul_(2)
    assert tangent(row).tolist() == [6.0]
    row.add_(row)
    assert tangent(x).tolist() == [12.0, 8.0]


def test_a_base_comes_to_have_a_tangent_through_its_view(level):
    base = torch.zeros(3)
    base[1:].copy_(dual([1.0, 1.0], [5.0, 6.0]))
    assert tangent(base).tolist() == [0.0, 5.0, 6.0]


@pytest.mark.parametrize("seen", [
    lambda y: y[1:3], lambda y: y.view(2, 2).t()[1], lambda y: y.as_strided((2,), (2,), 1), lambda y: y.unbind()[2]])
def test_a_view_has_the_tangent_that_its_base_comes_to_have(seen, level):
    y = torch.zeros(4)
    before, beside = seen(y), y[1:]
    y.copy_(dual([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]))
    assert tangent(before * 2).tolist() == (2 * seen(tangent(y))).tolist()
    before.mul_(3)
    assert tangent(beside).tolist() == tangent(y)[1:].tolist()


@pytest.mark.parametrize(("size", "stride", "start"), [((2,), (3,), 0), ((2, 2), (1, 2), 0), ((2,), (1,), 2)])
def test_what_is_written_where_elements_lie_is_written_to_the_tangent(size, stride, start, level):
    y = dual([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]) * 1
    expected = tangent(y).clone()
    y.as_strided(size, stride, start).mul_(3)
    expected.as_strided(size, stride, start).mul_(3)
    assert tangent(y).tolist() == expected.tolist()


def test_what_lies_between_elements_has_no_tangent_where_they_alone_have(level):
    x = make_dual(torch.arange(6.0)[::2], torch.ones(3))
    x.as_strided((2,), (1,)).mul_(2)
    assert tangent(x).tolist() == [2.0, 1.0, 1.0] and tangent(x.as_strided((2,), (1,))).tolist() == [2.0, 0.0]


@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_primal_has_no_tangent_whatever_becomes_of_it(requires_grad, level):
    x = dual([1.0, 2.0], [5.0, 6.0])
    y = x * torch.ones(2, requires_grad=requires_grad)
    primal = unpack_dual(y).primal
    assert tangent(primal) is None and tangent(primal[:1] * 2) is None
    primal.mul_(2)
    primal.unsqueeze_(0)
    assert tangent(primal) is None and tangent(primal.sum()) is None and tangent(y).tolist() == [5.0, 6.0]


def test_history_and_tangents_go_together(level):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    x = make_dual(w, torch.tensor([1.0, 0.5]))
    y = x ** 3
    (g,) = torch.autograd.grad(y.sum(), w)
    assert g.tolist() == [3.0, 12.0] and not g.requires_grad
    assert tangent(g).tolist() == [6.0, 6.0] and not tangent(g).requires_grad
    t = tangent(y)
    assert torch.autograd.grad(t.sum(), w)[0].tolist() == [6.0, 6.0]


def test_the_tangent_is_differentiated_by_a_tangent(level):
    v = torch.tensor([1.0, 2.0], requires_grad=True)
    t = tangent(make_dual(torch.tensor([3.0, 4.0]), v) ** 2)
    assert torch.autograd.grad(t.sum(), v)[0].tolist() == [6.0, 8.0]


@pytest.mark.parametrize("function", [torch.sin, torch.cumprod, torch.cumsum, torch.mul], ids=lambda f: f.__name__)
def test_tangents_have_no_history_where_nothing_is_recorded(level, function):
    x = make_dual(torch.tensor([1.0, 2.0], requires_grad=True), torch.ones(2))
    given = (x, 0) if "cum" in function.__name__ else (x, x) if function is torch.mul else (x,)
    with torch.no_grad():
        assert not tangent(function(*given)).requires_grad
    assert tangent(function(*given)).requires_grad == (function is not torch.cumsum)


def test_unpacked(level):
    x, v = torch.ones(2), torch.tensor([3.0, 4.0])
    both = unpack_dual(make_dual(x, v))
    assert both.tangent is v and both.primal._base is x and tangent(both.primal) is None
    assert tangent(x) is None
    assert repr(make_dual(x, v)) == "tensor([1., 1.], tangent=tensor([3., 4.]))"
    assert repr(make_dual(torch.tensor(1.0), torch.tensor(2.0))) == "tensor(1., tangent=2.0)"


def test_the_end_of_a_level_forgets():
    with forward_ad.dual_level():
        y = dual([1.0], [2.0]) * 2
        assert tangent(y).tolist() == [4.0]
    assert tangent(y) is None
    with forward_ad.dual_level():
        assert tangent(y * 2) is None


def test_a_level_ends_after_an_error():
    with pytest.raises(ZeroDivisionError), forward_ad.dual_level():
        divmod(1, 0)
    with forward_ad.dual_level() as number:
        assert number == 0


REFUSED = {
    "no level exists": (False, RuntimeError, lambda: dual([1.0], [1.0])),
    "Dual level must be a positive number": (False, RuntimeError, forward_ad.exit_dual_level),
    "Nested forward mode AD is not supported": (True, RuntimeError, forward_ad.enter_dual_level),
    "Expected primal to be floating point": (True, ValueError, lambda: dual([1], [1.0])),
    "Expected tangent to be floating point": (True, ValueError, lambda: dual([1.0], [1])),
    r"Tensor is of size \[2\] while the given forward gradient is of size \[1\]": (
        True, RuntimeError, lambda: dual([1.0, 2.0], [1.0])),
    "already has a forward gradient": (True, RuntimeError, lambda: make_dual(dual([1.0], [1.0]), torch.ones(1))),
    "it is an out= function": (True, NotImplementedError, lambda: torch.add(dual([1.0], [1.0]), 1, out=torch.ones(1))),
    "You must implement the jvp function": (True, NotImplementedError, lambda: Plain.apply(dual([1.0], [1.0]))),
    "invalid number of forward gradients": (True, RuntimeError, lambda: TooMany.apply(dual([1.0], [1.0]))),
    "is not modifying the forward mode gradients inplace": (
        True, RuntimeError, lambda: Dirty.apply(dual([1.0], [1.0]) * 1)),
    "the jvp is not returning a view": (True, RuntimeError, lambda: View.apply(dual([1.0], [1.0]))),
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused(words):
    inside, error, function = REFUSED[words]
    if inside:
        with forward_ad.dual_level(), pytest.raises(error, match=words):
            function()
    else:
        with pytest.raises(error, match=words):
            function()


class Plain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2


class TooMany(Plain):
    @staticmethod
    def jvp(ctx, t):
        return t, t


class Dirty(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def jvp(ctx, t):
        return t * 2


class View(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view(-1, 1)

    @staticmethod
    def jvp(ctx, t):
        return t.clone().view(-1, 1)


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, other, by):
        ctx.save_for_forward(x)
        ctx.by = by
        return x * by, x > 0

    @staticmethod
    def jvp(ctx, t, other, by):
        (x,) = ctx.saved_tensors
        assert by is None and tangent(x) is None and other.tolist() == [0.0]
        return t * ctx.by * 10, None  # ten times what it is, so that it is known whose it is


def test_a_custom_function_says_its_tangent(level):
    y, positive = Scaled.apply(dual([1.0], [2.0]), torch.ones(1), 3)
    assert tangent(y).tolist() == [60.0] and tangent(positive) is None
    y, _ = Scaled.apply(torch.ones(1), torch.ones(1), 3)
    assert tangent(y) is None


def test_compiled_functions_run_as_written():
    f = torch.compile(lambda x: (x * 2).sin())
    x = torch.tensor([0.5, 1.0])
    for _ in range(4):
        f(x)
    with forward_ad.dual_level():
        found = tangent(f(make_dual(x, torch.ones(2))))
        assert found is not None and found.tolist() == ((x * 2).cos() * 2).tolist()
    replays = f.tapes and f.reason is None
    assert replays and f(x).tolist() == (x * 2).sin().tolist()


def test_gradcheck_checks_tangents():
    x = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: x.exp() * x, x, check_forward_ad=True)
    with pytest.raises(torch.autograd.GradcheckError, match="Jacobian computed with forward mode mismatch"):
        torch.autograd.gradcheck(lambda x: Scaled.apply(x, torch.zeros(1), 3)[0], x.detach()[:1].requires_grad_(),
                                 check_forward_ad=True, check_backward_ad=False)


def test_nothing_is_paid_outside_of_a_level():
    """Calls find their plans by themselves again."""
    from tapegrad import dispatch

    with forward_ad.dual_level():
        assert dispatch.tangents is not None
    assert dispatch.tangents is None
