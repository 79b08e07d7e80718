"""Ctrl-C between any two calls: what was under way is given up, and what comes after it is as if it had not been.

Python raises KeyboardInterrupt where a call begins, and after one of a function in C. So does a profiler that is told
at which of them.
"""
from __future__ import annotations

import gc
import sys

import pytest

import tapegrad as torch
from tapegrad import dispatch
from tapegrad.autograd import calls_through_python, forward_ad, graph
from tapegrad.machine.live import machine
from tapegrad.utils.checkpoint import checkpoint

X = torch.linspace(-1.0, 1.0, 6).reshape(3, 2)


def lanes():
    return torch.vmap(torch.func.grad(lambda x: (x.sin() * x).sum()))(X)


def lanes_in_lanes():
    return torch.vmap(torch.vmap(lambda x: x * 2 + 1, in_dims=0))(X)


def jacobians():
    return torch.func.hessian(lambda x: (x ** 3).sum())(X[0])


def tangents():
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(forward_ad.make_dual(X, torch.ones(3, 2)).sin()).tangent.clone()


def recomputed():
    x = X.clone().requires_grad_()
    checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False).sum().backward()
    return x.grad


def written_over():
    x = X.clone().requires_grad_()
    with graph.allow_mutation_on_saved_tensors():
        y = x.clone()
        z = (y * y).sum()
        y.zero_()
        z.backward()
    return x.grad


def watched():
    x = X.clone().requires_grad_()
    with torch.autograd.detect_anomaly():
        (x * x).sum().backward()
    return x.grad


def inferred():
    with torch.inference_mode():
        return X * 2


def stopped_at(moment, program):
    """How a program ends that is interrupted after so many calls."""
    left = moment

    def count(frame, event, arg):
        nonlocal left
        if event in ("call", "c_return"):
            left -= 1
            if left == -1:
                raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        program()
    except KeyboardInterrupt:
        return "stopped"
    finally:
        sys.setprofile(None)
    return "ignored" if left < 0 else "not reached"


@pytest.mark.parametrize("program", [lanes, lanes_in_lanes, jacobians, tangents, recomputed, written_over, watched,
                                     inferred])
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_stays_open(program):
    for _ in range(3):  # until all is learnt
        wanted = program().tolist()
    moment = stopped = 0
    while (end := stopped_at(moment, program)) != "not reached":
        stopped += end == "stopped"  # not so where Python ignores it: while it frees an object
        torch.set_grad_enabled(True)  # a mode may be left as it was, as in PyTorch, when the end of its block had begun
        torch.autograd.set_detect_anomaly(False)
        torch.autograd.modes._set_inference(False)
        gc.collect(0)
        assert (dispatch.lanes, dispatch.tangents, dispatch.saver) == (None, None, None), moment
        assert not calls_through_python._reasons and not machine.state["as_written"][0], moment
        assert program().tolist() == wanted, moment
        moment += 1 + moment // 100
    assert stopped > 10


OPTIMISERS = {"SGD": {"momentum": 0.9, "dampening": 0.5}, "Adam": {"amsgrad": True}, "LBFGS": {"max_iter": 3}}


@pytest.mark.parametrize("name", [n for n in torch.optim.__all__ if n not in ("Optimizer", "SparseAdam")])
@pytest.mark.parametrize("before", [0, 1])
def test_an_optimiser_goes_on_after_a_step_that_was_stopped(name, before):
    """What it keeps of a parameter is all there or not at all, and none of it memory that nobody has written to."""
    def made():
        p = torch.nn.Parameter(X.clone())
        optimiser = getattr(torch.optim, name)([p], lr=0.01, **OPTIMISERS.get(name, {}))

        def step():
            def closure():
                optimiser.zero_grad()
                loss = ((p - 1) ** 2).sum()
                loss.backward()
                return loss

            return optimiser.step(closure)

        for _ in range(before):
            step()
        return p, optimiser, step

    p, optimiser, step = made()
    for _ in range(2):
        step()
    kept = set(optimiser.state[p])
    bound = 2 * float(p.detach().abs().max()) + 1
    moment = 0
    while True:
        p, optimiser, step = made()
        if stopped_at(moment, step) == "not reached":
            break
        torch.set_grad_enabled(True)
        for _ in range(2):
            step()
        assert set(optimiser.state[p]) == kept and p.detach().abs().max() < bound, moment
        moment += 1 + moment // 30
    assert moment > 20
