"""`gradcheck` and `gradgradcheck` over the registry: every gradient rule, and the rules of their gradients."""
from __future__ import annotations

import pytest
from registry import DIFFERENTIABLE, Operand, case_id
from test_operations import directions, wanted

import tapegrad
from tapegrad import autograd

GradcheckError = autograd.GradcheckError

SAMPLES = 4  # an operation; the others run in test_operations, along random directions


def cases(op):
    """Functions of an operation's floating operands alone, and these, as double leaves; layouts in turn."""
    found = [at.sample for at in directions(op)]
    for sample in found[::max(len(found) // SAMPLES, 1)][:SAMPLES]:
        operands = [o._replace(array=o.array.copy()) if isinstance(o, Operand) else o for o in sample.operands]
        tensors = sample._replace(operands=tuple(operands)).tensors()
        leaves = [t.requires_grad_() for t in tensors if isinstance(t, tapegrad.Tensor) and t.dtype.is_floating_point]
        if not leaves or not all(t.numel() for t in leaves):
            continue

        def function(*given, sample=sample, tensors=tensors):
            left = iter(given)
            values = [next(left) if isinstance(t, tapegrad.Tensor) and t.dtype.is_floating_point else t
                      for t in tensors]
            if sample.op.inplace_of is not None:
                values[0] = values[0].clone()
            return sample.run(values)

        yield sample, function, leaves


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=case_id)
def test_gradcheck(op):
    for sample, function, leaves in cases(op):
        if any(wanted(x) for x in leaves):
            assert autograd.gradcheck(function, leaves, fast_mode=True), sample


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=case_id)
def test_gradgradcheck(op):
    for sample, function, leaves in cases(op):
        if any(wanted(x) for x in leaves):
            assert autograd.gradgradcheck(function, leaves, fast_mode=True, atol=1e-4), sample


@pytest.mark.parametrize("of_none, refused", [
    (lambda x: None, None), (lambda x: x * 0, None), (lambda x: x, (GradcheckError, "undefined or zero")),
    (lambda x: 3 * x * None, (TypeError, "NoneType")),
    (lambda x: x @ x[:1], (GradcheckError, "handle undefined output grads")),
])
def test_what_a_rule_makes_of_no_gradient(of_none, refused):
    class Twice(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return of_none(ctx.saved_tensors[0]) if g is None else g * 2

    x = tapegrad.tensor([1.0, 2.0], dtype=tapegrad.float64, requires_grad=True)
    assert autograd.gradcheck(Twice.apply, x, check_undefined_grad=False)
    if refused is None:
        assert autograd.gradcheck(Twice.apply, x)
        return
    with pytest.raises(refused[0], match=refused[1]):
        autograd.gradcheck(Twice.apply, x)
