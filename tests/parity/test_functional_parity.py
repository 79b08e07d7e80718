"""Derivatives of functions: the same calls made of both."""
from __future__ import annotations

import functools

import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

CALLS = """
jacobian(f,(x,y))
jacobian(g,x)
jacobian(g,(x,))
jacobian(lambda a:(g(a),),x)
jacobian(g,[x])
jacobian(g,3)
jacobian(lambda a:3,x)
jacobian(lambda a:(a,3),x)
jacobian(lambda a:a.detach(),x)
jacobian(lambda a:a.detach(),x,strict=True)
jacobian(lambda a,b:a,(x,y),strict=True)
jacobian(lambda a,b:a,(x,y))
jacobian(lambda a:y,x,strict=True)
jacobian(lambda a:a*2,x,create_graph=True,strict=True)
jacobian(g,x,create_graph=True)
jacobian(g,x.clone().requiresgrad_(),create_graph=True)
jacobian(g,x,vectorize=True)
jacobian(g,x,vectorize=True,strategy='forward-mode')
jacobian(g,x,strategy='forward-mode')
jacobian(g,x,strategy='foo')
jacobian(g,x,vectorize=True,strict=True)
jacobian(g,torch.arange(2))
jacobian(lambda a:a.sum(),x)
jacobian(lambda a:a.reshape(2,1)*a,x).shape
hessian(s,x)
hessian(s2,(x,y))
hessian(g,x)
hessian(lambda a:(s(a),),x)
hessian(lambda a:(s(a),s(a)),x)
hessian(lambda a:a.sum(),x)
hessian(lambda a:a.sum(),x,strict=True)
hessian(s,x,create_graph=True)
hessian(s,x.clone().requiresgrad_(),create_graph=True)
hessian(s,x,outer_jacobian_strategy='forward-mode')
vjp(g,x,y)
vjp(s,x)
vjp(g,x)
vjp(f,(x,y),(x,torch.tensor(1.)))
vjp(g,x,torch.ones(3))
vjp(g,x,(y,y))
vjp(lambda a:y,x,y)
vjp(lambda a:y,x,y,strict=True)
vjp(g,x.clone().requiresgrad_(),y,create_graph=True)
jvp(g,x,y)
jvp(s,x)
jvp(s,torch.tensor([2.]))
jvp(f,(x,y),(x,y))
jvp(g,x,torch.ones(3))
jvp(lambda a:y,x,y,strict=True)
jvp(lambda a:y,x,y)
jvp(lambda a:a*2,x,y,create_graph=True,strict=True)
hvp(s,x,y)
hvp(s2,(x,y),(y,x))
hvp(g,x,y)
hvp(s,x)
hvp(lambda a:a.sum(),x,y)
hvp(lambda a:a.sum(),x,y,strict=True)
vhp(s,x,y)
vhp(s2,(x,y),(y,x))
vhp(lambda a:a.sum(),x,y)
vhp(lambda a:a.sum(),x,y,strict=True)
hvp(s,x.clone().requiresgrad_(),y,create_graph=True)
vhp(s,x.clone().requiresgrad_(),y,create_graph=True)
"""


def told(t, text):
    x, y = t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])
    known = {**vars(t.autograd.functional), "torch": t, "x": x, "y": y, "f": lambda a, b: (a * b, a.sum()),
             "g": lambda a: a ** 3, "s": lambda a: (a ** 3).sum(), "s2": lambda a, b: (a ** 2 * b).sum()}
    found = refusal(lambda: repr(eval(text, known)))
    return tuple(part.replace("isonly", "is only") for part in found) if isinstance(found, tuple) else found


@pytest.mark.parametrize("text", CALLS.strip().splitlines())
def test_calls(text):
    assert told(tapegrad, text) == told(torch, text)


@pytest.mark.parametrize("name", ["vjp", "jvp", "hvp", "vhp", "jacobian", "hessian"])
def test_of_shapes(name):
    """Inputs and outputs of every number of axes, none and empty ones among them."""
    count = name[0] not in "jh" or name in ("jvp", "hvp")

    def outcome(t):
        found = []
        for shape in ((), (1,), (3,), (2, 3), *(((0,), (2, 0)) if count else ())):  # PyTorch has no Jacobian of nothing
            x = (t.arange(6.0, dtype=t.float64)[:int(t.ones(shape).numel())].reshape(shape) + 0.5)
            single = name in ("hvp", "vhp", "hessian")
            function = (lambda a: (a.sin() * a).sum()) if single else (lambda a: (
                    a ** 2, a.exp().sum(), a.reshape(-1)[:2]))
            v = (t.ones(shape, dtype=t.float64),) if name != "vjp" else (
                t.ones(shape, dtype=t.float64), t.tensor(2.0, dtype=t.float64),
                t.ones(min(2, x.numel()), dtype=t.float64))
            direction = v if name == "vjp" else v[0]
            call = functools.partial(getattr(t.autograd.functional, name), function, x, *[direction] * count)
            found.append(refusal(functools.partial(lambda c: repr(c()), call)))
        return found

    assert outcome(tapegrad) == outcome(torch)


@pytest.mark.parametrize("call", [
    lambda f, t: f._as_tuple(t.ones(2), "inputs", "f")[0], lambda f, t: f._as_tuple((t.ones(2),), "inputs", "f")[0],
    lambda f, t: [x.tolist() for x in f._construct_standard_basis_for((t.ones(2), t.ones(1, 1)), (2, 1))],
    lambda f, t: f._tuple_postprocess((t.ones(1), t.zeros(1)), True)[1].tolist(),
    lambda f, t: f._tuple_postprocess((t.ones(1),), False).tolist(),
    lambda f, t: f._tuple_postprocess(((t.ones(1),), (t.zeros(1),)), (True, False))[1].tolist(),
    lambda f, t: f._tuple_postprocess(((t.ones(1), t.zeros(1)),), (False, True))[1].tolist(),
    lambda f, t: f._grad_postprocess((t.ones(1, requires_grad=True) * 2,), False)[0].requires_grad,
    lambda f, t: f._grad_postprocess((t.ones(1, requires_grad=True) * 2,), True)[0].requires_grad,
])
def test_what_minimisers_take(call):
    assert call(tapegrad.autograd.functional, tapegrad) == call(torch.autograd.functional, torch)
