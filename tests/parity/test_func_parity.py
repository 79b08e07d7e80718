"""Transforms of functions: the same calls made of both, one inside the other, refusals, and what is recorded."""
from __future__ import annotations

import collections
import re
import warnings

import pytest
from both import plain, refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

DERIVATIVES = """
grad(s)(x)
grad(grad(lambda a: (a ** 3).sum() if not a.ndim else (a ** 3)[0]))(x[0])
grad(lambda a: a * 2)(x)
grad(lambda a: 3.0)(x)
grad(lambda a: (a.sum(), a * 2))(x)
grad(lambda a: (a.sum(), a * 2), has_aux=True)(x)
grad(lambda a: (a.sum(), {'u': a * 2, 'v': [a]}), has_aux=True)(x)
grad(lambda a: (a.sum(), 3), has_aux=True)(x)
grad(lambda a: a.sum(), has_aux=True)(x)
grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, y)
grad(lambda a, b: (a * b).sum(), argnums=(1, 0))(x, y)
grad(lambda a, b: (a * b).sum(), argnums=(1,))(x, y)
grad(lambda a, b: (a * b).sum(), argnums=2)(x, y)
grad(lambda a, b: (a * b).sum(), argnums=-1)(x, y)
grad(lambda a, b: (a * b).sum(), argnums=())(x, y)
grad(lambda a, b: (a * b).sum(), argnums='a')(x, y)
grad(lambda a, b: (a * b).sum(), argnums=(0, 0))(x, y)
grad(lambda a, b: (a * b).sum())(x, b=y)
grad(lambda d: (d['a'] * 2).sum())({'a': x, 'b': y})
grad(lambda d: (d['a'] * 2).sum())({'a': x, 'b': 3})
grad(lambda d: (d[0] * d[1][0]).sum())((x, [y]))
grad(lambda a: a.sum())(t.tensor([1, 2]))
grad(lambda a: t.tensor(1.0))(x)
grad(lambda a: a.sum().detach())(x)
grad(lambda a: a[0].long())(x)
grad(lambda a: (a * r).sum())(x)
grad(lambda a: (a + r).sum())(x)
grad(lambda a: (a * r * a).sum())(x)
grad(lambda a: (a ** 2).sum())(r)
grad(lambda a: a.sum())(r)
grad(lambda a: ((a * r).sum(), (a, r, a * r)), has_aux=True)(x)
grad(lambda a: a * grad(lambda b: a + b)(a))(x[0])
grad(lambda a: a * grad(lambda b: a * b * b)(a))(x[0])
grad(grad(grad(lambda a: a.sin() * a.exp())))(x[0])
grad(lambda a: grad_and_value(lambda b: (a * b).sum())(a)[1])(x)
grad(lambda a: vjp(lambda b: a * b, a)[1](a)[0].sum())(x)
grad(lambda a: jvp(lambda b: a * b * b, (a,), (a,))[1].sum())(x)
grad(lambda a: a.detach().sum() + a[0])(x)
grad_and_value(s)(x)
grad_and_value(lambda a: (s(a), {'a': a * 2}), has_aux=True)(x)
grad_and_value(lambda a: (a * r).sum())(x)
vjp(g, x)[0]
vjp(g, x)[1](y)
vjp(g, x)[1](y[:1])
vjp(g, x)[1]((y, y))
vjp(g, x)[1]()
vjp(f, x, y)[1]((y, x[0]))
vjp(f, x, y)[1](y, x[0])
vjp(lambda a: {'k': a}, x)[1]({'k': y})
vjp(lambda a: {'k': a}, x)[1](y)
vjp(lambda a: (a, a * 3), x, has_aux=True)[::2]
vjp(lambda a: 3.0, x)
vjp(lambda a: t.ones(2), x)[1](t.ones(2))
vjp(lambda a: a * r, x)[1](y)
vjp(g, x)[1](r)
vjp(g, r)[1](y)
vjp(g, x)[1](y, create_graph=True)
[vjp(g, x)[1](v) for v in (x, y)]
jvp(g, (x,), (y,))
jvp(f, (x, y), (y, x))
jvp(g, x, y)
jvp(g, (x,), (y[:1],))
jvp(g, (x,), (y, y))
jvp(lambda a: (a ** 2, a), (x,), (y,), has_aux=True)
jvp(lambda a: {'k': (a ** 2, a)}, (x,), (y,))
jvp(lambda a: t.ones(2), (x,), (y,))
jvp(lambda a: (a, t.ones(2), a * 2), (x,), (y,))
jvp(lambda a: 3.0, (x,), (y,))
jvp(lambda a: a * r, (x,), (y,))
jvp(g, (x,), (r,))
jvp(lambda a: a.sum(), (x,), (y,))
linearize(g, x)[1](y)
linearize(f, x, y)[1](y, x)
linearize(g, x)[1](y, y)
jacrev(g)(x)
jacrev(lambda a: {'a': a ** 2, 'b': a.sum()})(x)
jacrev(f, argnums=(0, 1))(x, y)
jacrev(lambda a: a * a)(x[0])
jacfwd(lambda a: a * a)(x[0])
jacrev(lambda a: (a ** 2, a.sum()), has_aux=True)(x)
jacrev(lambda d: d['a'] * d['b'])({'a': x, 'b': y})
jacrev(lambda a: t.ones(2))(x)
jacrev(lambda a: 3.0)(x)
jacrev(lambda a: a * r)(x)
jacrev(g)(m)
jacrev(lambda a: a.sum())(m)
jacrev(lambda a: a * 2)(x[0])
jacfwd(lambda a: a * 2)(x[0])
jacfwd(lambda a: (a ** 3).sum())(x)
jacfwd(jacfwd(lambda a: (a ** 3).sum()))(x)
jacfwd(lambda a: (a.double().sum(), a[0]))(x)
jacfwd(lambda a: a.argmax())(x)
jacrev(lambda a: a[0, 0])(m)
jacrev(g, chunk_size=0)(x)
jacrev(g, chunk_size=1)(x)
jacrev(jacrev(g))(x)
jacrev(jacfwd(g))(x)
jacfwd(jacrev(g))(x)
jacfwd(jacfwd(g))(x)
jacfwd(g)(x)
jacfwd(f, argnums=(0, 1))(x, y)
jacfwd(lambda a: {'a': a ** 2, 'b': a.sum()})(x)
jacfwd(lambda a: (a ** 2, a.sum()), has_aux=True)(x)
jacfwd(lambda d: d['a'] * d['b'])({'a': x, 'b': y})
jacfwd(lambda a: t.ones(2))(x)
jacfwd(lambda a: 3.0)(x)
jacfwd(g)(m)
jacfwd(lambda a: a * r)(x)
hessian(s)(x)
hessian(lambda a: s(a).reshape(1))(x)
hessian(lambda a, b: (a ** 3 * b).sum(), argnums=(0, 1))(x, y)
hessian(lambda d: (d['a'] ** 2 * d['b']).sum())({'a': x, 'b': y})
hessian(lambda a: t.tensor(1.0))(x)
hessian(lambda a, b: a ** 3 * b, argnums=(0, 1))(x[0], y[0])
hessian(lambda a: (a ** 2 * r).sum())(x)
hessian(lambda a: a.sum())(x)
functional_call(t.nn.Linear(2, 1), {'weight': t.ones(1, 2), 'bias': t.zeros(1)}, (x,))
grad(lambda p: functional_call(t.nn.Linear(2, 1), p, x).sum())({'weight': t.ones(1, 2), 'bias': t.zeros(1)})
"""

BATCHES = """
vmap(lambda a: a.sum())(m)
vmap(lambda a: 3.0)(m)
vmap(lambda a: [a, 3.0])(m)
vmap(lambda a: None)(m)
vmap(lambda a: {'a': a, 'b': (a.sum(),)}, out_dims={'a': 1, 'b': (0,)})(m)
vmap(lambda a: (a, a.sum()), out_dims=(1, 0))(m)
vmap(lambda a: (a, a.sum()), out_dims=1)(m)
vmap(lambda a: a, out_dims=(1, 0))(m)
vmap(lambda a: a, out_dims=(1,))(m)
vmap(lambda a: (a, a), out_dims=(1,))(m)
vmap(lambda a: a, out_dims=2)(m)
vmap(lambda a: a, out_dims=-1)(m)
vmap(lambda a: a, out_dims=None)(m)
vmap(lambda a: t.ones(2), out_dims=None)(m)
vmap(lambda a: t.ones(2))(m)
vmap(lambda a: t.ones(2), out_dims=1)(m)
vmap(lambda a, b: a * b)(m, t.ones(3))
vmap(lambda a, b: a * b, in_dims=(0, None))(m, t.ones(3))
vmap(lambda a, b: a * b, in_dims=(None, 1))(x, m)
vmap(lambda a, b: a * b, in_dims=(None, None))(m, t.ones(3))
vmap(lambda a, b: a * b, in_dims=(0,))(m, t.ones(3))
vmap(lambda a, b: a * b, in_dims=5)(m, t.ones(3))
vmap(lambda a: a * 2, in_dims=-1)(m)
vmap(lambda a: a * 2, in_dims=1, out_dims=1)(m)
vmap(lambda a: a * 2, in_dims='a')(m)
vmap(lambda a: a * 2, in_dims=[0])(m)
vmap(lambda a: a * 2, in_dims=(0.5,))(m)
vmap(lambda a: a * 2)()
vmap(lambda a, b: a * b)(m, 2.0)
vmap(lambda a, b: a * b, in_dims=(0, None))(m, 2.0)
vmap(lambda a: a * 2)(t.tensor(1.0))
vmap(lambda d: d['a'] * 2)({'a': m})
vmap(lambda d: d['a'] * 2, in_dims=({'a': 1},))({'a': m})
vmap(lambda d: d['a'] * d['b'], in_dims=({'a': 1, 'b': None},))({'a': m, 'b': x})
vmap(lambda d: d['a'] * 2, in_dims=({'b': 1},))({'a': m})
vmap(lambda a, b: a[0] * a[1] + b, in_dims=((0, 1), None))((m, m.t()), 1.0)
vmap(lambda a: t.tensor([3.0])[a.long()])(x * 0)
vmap(lambda a: a + t.rand(3))(m)
vmap(lambda a: t.nn.functional.dropout(a))(m)
vmap(lambda a: t.randn(2))(m)
vmap(lambda a: a, randomness='bad')(m)
seeded(lambda: vmap(lambda a: t.rand(3), randomness='same')(m))
seeded(lambda: vmap(lambda a: t.rand(3), randomness='different')(m))
seeded(lambda: (vmap(lambda a: t.rand(3), randomness='same')(m), t.rand(2)))
vmap(lambda a: a * 2)(t.ones(0, 3))
vmap(lambda a: (a.sum(), a.reshape(1, 6)), out_dims=(0, 2))(t.ones(2, 0, 3).transpose(0, 1))
vmap(lambda a: a * 2, chunk_size=1)(m)
vmap(lambda a: a * 2, chunk_size=0)(m)
vmap(lambda a: a.add_(1))(m.clone())
written(lambda z: vmap(lambda a: a.add_(1))(z))
vmap(lambda a, k=1: a * k)(m, k=3)
vmap(lambda a, k=1: a * k)(m, k=t.ones(3))
vmap(lambda a: a.shape[0] * a)(m)
vmap(vmap(lambda a, b: a * b, in_dims=(None, 0)), in_dims=(0, None))(x, y)
vmap(vmap(t.dot, in_dims=(None, 1), out_dims=0), in_dims=(0, None))(m, m.t())
vmap(lambda a: vmap(lambda b: a.sum() * b)(a))(m)
vmap(grad(s))(m)
vmap(grad(s))(mr)
vmap(grad(lambda a, b: (a * b).sum(), argnums=(0, 1)), in_dims=(0, None))(m, t.ones(3))
vmap(grad(lambda p, a: (p['w'] * a).sum() ** 2), in_dims=(None, 0))({'w': t.ones(3)}, m)
vmap(jacrev(g))(m)
vmap(jacfwd(g))(m)
vmap(hessian(s))(m)
vmap(lambda a: jvp(g, (a,), (a,)))(m)
vmap(lambda v: vjp(g, x)[1](v)[0])(t.eye(2))
grad(lambda a: vmap(lambda b: (b ** 3).sum())(a).sum())(m)
jacrev(vmap(lambda a: a.sin().sum()))(m)
hessian(lambda a: vmap(lambda b: b ** 3)(a).sum())(x)
vmap(lambda a: a ** 2)(mr)
vmap(lambda a: a.detach())(mr)
vmap(t.nn.functional.linear, in_dims=(0, None))(m, t.ones(4, 3))
vmap(lambda a: t.stack([a, a]), out_dims=2)(m)
vmap(t.linalg.solve)(t.eye(2).expand(3, 2, 2) * 2, t.ones(3, 2))
vmap(lambda a: t.zeros_like(a).add_(a))(m)
vmap(lambda a: t.empty_like(a).copy_(a))(m)
vmap(lambda a: a.new_zeros(2).add_(a[0]))(m)
vmap(lambda a: a.new_empty(2).copy_(a[0]))(m)
vmap(lambda a: t.full_like(a, 3.0) + a)(m)
seeded(lambda: vmap(lambda a: a.clone().normal_(), randomness='same')(m))
seeded(lambda: vmap(lambda a: a.clone().normal_(), randomness='different')(m))
seeded(lambda: vmap(lambda a: t.bernoulli(a * 0 + 0.5), randomness='different')(m))
seeded(lambda: vmap(lambda a: t.nn.functional.dropout(a), randomness='same')(m))
seeded(lambda: vmap(lambda a: t.nn.functional.dropout(a), randomness='different')(m))
seeded(lambda: vmap(lambda a: t.multinomial(a + 1, 1), randomness='different')(m))
seeded(lambda: vmap(lambda a: t.rand_like(a), randomness='same')(m))
seeded(lambda: vmap(lambda a: t.randperm(4), randomness='different')(m))
seeded(lambda: vmap(lambda a: a + t.randn(2), randomness='different', in_dims=1)(m))
seeded(lambda: vmap(vmap(lambda a: a + t.rand(2), randomness='different'), randomness='same')(t.zeros(2, 3, 2)))
seeded(lambda: vmap(vmap(lambda a: a + t.rand(2), randomness='same'), randomness='different')(t.zeros(2, 3, 2)))
seeded(lambda: vmap(vmap(lambda a: a + t.rand(2), randomness='error'), randomness='different')(t.zeros(2, 3, 2)))
vmap(lambda a: m.clone()[a.long()[0]])(m * 0)
vmap(lambda a: a.t_())(t.arange(6.0).reshape(3, 1, 2))
vmap(lambda a: a.squeeze_(0))(t.arange(6.0).reshape(3, 1, 2))
written(lambda z: vmap(lambda a: a[1:].mul_(3))(z))
written(lambda z: vmap(lambda a: a.zero_())(z))
vmap(lambda a: t.where(a > 2, a, 0))(m)
vmap(lambda a, b: a * b)(m, t.arange(2.0, dtype=t.float64)).dtype
vmap(lambda a, b: a * b, in_dims=(None, 0))(t.tensor(2.0, dtype=t.float64), x).dtype
vmap(lambda a, b: a + b)(t.arange(2), x).dtype
vmap(lambda a: t.stack([a, a.flip(0)]).sum(0))(m)
vmap(lambda a: t.linalg.inv(a))(t.eye(2).expand(3, 2, 2) * 2)
vmap(lambda a: t.func.hessian(lambda b: (a * b).sum() ** 3)(a))(m)
t.func.hessian(lambda q: vmap(lambda a: (a * q).sum() ** 2)(m).sum())(m[0])
vmap(vmap(vmap(lambda a, b: a + b, in_dims=(None, 0)), in_dims=(0, None)), in_dims=(0, None))(m, x)
vmap(lambda a: vmap(lambda b: grad(lambda c: (a * c * c).sum())(b))(m))(m)
vmap(lambda p, a: grad(lambda q: vmap(lambda r: (q * r * a).sum())(m).sum())(p), in_dims=(None, 0))(t.ones(3), m)
vmap(lambda a: a.view(3, 1).expand(3, 2).sum(1))(m)
vmap(lambda a: a.scatter(0, t.tensor([0]), 9.0))(m)
vmap(lambda a: list(a)[1] * 2)(m)
vmap(lambda a: t.searchsorted(t.tensor([1.0, 3.0]), a))(m)
vmap(lambda a: (a @ a, t.einsum('i,j->ij', a, a)))(m)
vmap(lambda a: t.bincount(a.long(), minlength=6))(m)
vmap(lambda a: t.as_tensor(a) + 1)(m)
vmap(lambda a: P(a, a * 2), out_dims=1)(m)
"""

REFUSALS = """
vmap(lambda a: t.zeros(3).copy_(a))(m)
vmap(lambda a: a if a.sum() > 0 else -a)(m)
vmap(lambda a: a.sum().item())(m)
vmap(lambda a: float(a.sum()))(m)
vmap(lambda a: int(a.sum()))(m)
vmap(lambda a: bool(a.sum()))(m)
vmap(lambda a: range(a.long()[0]))(m)
vmap(lambda a: [1, 2, 3][a.long()[0]])(m)
vmap(lambda a: sorted(a)[0])(m)
vmap(lambda a: max(a[0], a[1]))(m)
vmap(lambda a: f'{a.sum():.2f}')(m)
vmap(lambda a: a.numpy())(m)
vmap(lambda a: a.data_ptr())(m)
vmap(lambda a: t.tensor([a[0], a[1]]))(m)
vmap(lambda a: t.nonzero(a))(m)
vmap(lambda a: a[a > 1])(m)
vmap(lambda a: a.sum().backward())(mr)
vmap(lambda a: t.ones(3).new_zeros(3).copy_(a))(m)
vmap(lambda a: t.zeros(2).normal_(), randomness='different')(m)
vmap(lambda a: t.bernoulli(a * 0 + 0.5), randomness='same')(m)
vmap(lambda a: t.multinomial(a + 1, 1), randomness='same')(m)
"""

P = collections.namedtuple("P", "a b")


def told(t, text):
    x, y = t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])
    m = t.arange(6.0).reshape(2, 3)

    def seeded(call):
        t.manual_seed(0)
        return call()

    def written(call):
        z = m.clone()
        return call(z), z

    known = {name: getattr(t.func, name) for name in (
        "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp")}
    known |= {"t": t, "vmap": t.vmap, "x": x, "y": y, "m": m, "seeded": seeded, "written": written, "P": P,
              "r": t.tensor([0.5, -1.5], requires_grad=True), "mr": t.arange(6.0).reshape(2, 3).requires_grad_(),
              "g": lambda a: a ** 3, "f": lambda a, b: (a * b, a.sum()), "s": lambda a: (a ** 3).sum()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = refusal(lambda: eval(text, known))
    return re.sub("[_a-z.<>]*(wrapper|back)", "back", re.sub(r"-0\.0\b", "0.0", repr(found)))


@pytest.mark.parametrize("text", (DERIVATIVES + BATCHES).strip().splitlines())
def test_calls(text):
    if text.strip():
        assert told(tapegrad, text) == told(torch, text)


@pytest.mark.parametrize("text", REFUSALS.strip().splitlines())
def test_refusals(text):
    """Of the same type, and in the words that are searched for; PyTorch's go on to where issues may be filed."""
    ours, theirs = told(tapegrad, text), told(torch, text)
    assert ours[:60] == theirs[:60] and "Error" in ours


def test_what_is_recorded_outside_flows_through():
    def run(t):
        w = t.tensor([1.0, -2.0], requires_grad=True)
        x = t.tensor([0.5, 1.5], requires_grad=True)
        found = [t.func.grad(lambda a: (a ** 2 * w).sum())(x), t.func.jacrev(lambda a: a * w * a)(x),
                 t.func.jvp(lambda a: a ** 3 * w, (x,), (w,))[1], t.vmap(t.func.grad(lambda a, b: a * a * b))(x, w),
                 t.func.hessian(lambda a: (a ** 3 * w).sum())(x)]
        value, back = t.func.vjp(lambda a: a ** 2 * w, x)
        found += [value, back(w)[0]]
        sum(y.sum() for y in found).backward()
        with t.no_grad():
            quiet = [t.func.grad(lambda a: (a ** 2 * w).sum())(x), t.func.vjp(lambda a: a * w, x)[0]]
        return plain([w.grad, x.grad, quiet, found])

    assert run(tapegrad) == run(torch)


def test_a_function_may_turn_recording_off():
    def run(t):
        def f(a):
            with t.no_grad():
                c = a ** 2
            return (a ** 3 - c).sum()

        return plain(t.func.grad(f)(t.tensor([2.0, 3.0])))

    assert run(tapegrad) == run(torch)


def test_models_side_by_side():
    """An ensemble: the parameters of several models stacked, and one gradient for each."""
    def run(t):
        t.manual_seed(0)
        models = [t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 1)) for _ in range(3)]
        x = t.arange(15.0).reshape(5, 3) / 15
        parameters, buffers = t.func.stack_module_state(models)

        def loss(p, b, a):
            return (t.func.functional_call(models[0], (p, b), (a,)) ** 2).mean()

        each = t.vmap(t.func.grad(loss), in_dims=(0, 0, None))(parameters, buffers, x)
        samples = t.vmap(t.func.grad(loss), in_dims=(None, None, 0))(
            dict(models[0].named_parameters()), {}, x)
        return {k: (v.shape, [[round(float(e), 4) for e in v.detach().reshape(-1)]]) for k, v in [
            *each.items(), *(("s" + k, v) for k, v in samples.items())]}

    assert run(tapegrad) == run(torch)


@pytest.mark.parametrize("text", [
    "vmap(lambda a: Normal(0.0, 1.0).cdf(a))(x)",
    "vmap(lambda a: Normal(a, a * a + 1).log_prob(2.0 * a))(x)",
    "vmap(grad(lambda a: Normal(0.0, 1.0).log_prob(a)))(x)",
    "vmap(vmap(lambda a, b: Gamma(a.exp(), b.exp()).log_prob(b.exp()), (0, None)), (None, 0))(x, x)",
    "vmap(lambda a: Dirichlet(a.exp()).log_prob(t.ones(3) / 3))(x.reshape(1, 3))",
    "vmap(lambda a: Chi2(a.exp()).log_prob(a.exp()))(x)",
    "vmap(lambda a: Normal(0.0, a).log_prob(a))(x)",
    "vmap(lambda a: Gamma(1.0, 1.0).log_prob(a))(x)",
])
def test_distributions_check_all_of_a_batch(text):
    """Parameters and values are validated on every lane at once, inside of a `vmap` as outside."""
    def run(t):
        names = {**{n: getattr(t.distributions, n) for n in ("Normal", "Gamma", "Dirichlet", "Chi2")},
                 "t": t, "vmap": t.vmap, "grad": t.func.grad, "x": t.tensor([-0.5, 0.25, 1.0], dtype=t.float64)}
        try:
            return [round(float(e), 12) for e in eval(text, names).reshape(-1)]
        except RuntimeError as error:  # the message of what does not hold would show elements
            return str(error).split(",")[0]

    assert run(tapegrad) == run(torch)
