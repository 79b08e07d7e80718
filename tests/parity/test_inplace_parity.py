"""In-place writes on views and their bases, beside PyTorch: the same program on both, values and words compared."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from both import outcome, programs, refusal

import tapegrad

torch = pytest.importorskip("torch")


def grads(y: Any, *leaves: Any) -> list[Any]:
    (y * y).sum().backward()
    return [y, *(x.grad for x in leaves)]


def view_then_base(t, x, w):
    b = x.clone()
    b[1:3].mul_(w)
    return grads(b * b, x, w), b.grad_fn, b.grad_fn.next_functions[0][0]


def view_then_view(t, x, w):
    b = x.clone()
    v = b[1:3]
    v.mul_(w)
    return grads(v * v, x, w), v.grad_fn, v._version, v._base is b


def view_of_view(t, x, w):
    b = x.clone()
    v = b.view(2, 2).t()[1]
    v.mul_(w).add_(1)
    u = b[2:]
    return grads(b.exp() + u.sum(), x, w), v.grad_fn, u.grad_fn, v._base is b


def other_views_taken_earlier(t, x, w):
    b = x.clone()
    early, apart = b[2:], b[0]
    b[1:3].mul_(w)
    return grads(early * apart, x, w), early.grad_fn, apart.grad_fn


def base_written_under_a_view(t, x, w):
    b = x.clone()
    v = b[1:3]
    b.mul_(3)
    return grads(v * w, x, w), v.grad_fn


def earlier_view_comes_to_require_grad(t, x, w):
    z = t.zeros(4)
    v = z[1:3]
    before = v.requires_grad, v.is_leaf, v.grad_fn
    z.add_(x)
    return before, v.requires_grad, v.is_leaf, v.grad_fn, grads(v * v, x)


def view_of_a_plain_base(t, x, w):
    z = t.zeros(4)
    z[1:3].copy_(w)
    z[0] = x[3] * 2
    return grads(z * z, x, w), z.grad_fn, z._version


def fill_in_a_loop(t, x, w):
    z = t.zeros(6)
    for i in range(6):
        z[i] = x[i % 4] * (i + 1) if i < 4 else z[i - 1] * w[i % 2]
    return grads(z, x, w), z._version


def overwritten_region_gets_nothing(t, x, w):
    b = x.clone()
    b[1:3].zero_()
    b[0].fill_(7)
    return grads(b * b, x), b.grad_fn


def multiply_by_an_alias(t, x, w):
    b = x.clone()
    b[:2].mul_(b[2:])
    return refusal(lambda: grads(b, x))


def inplace_reads_what_it_overwrites(t, x, w):
    b = x.clone()
    b[:2].mul_(w)
    b[1:3].sin_()
    b.pow_(2)
    return grads(b, x, w)


def strided_and_transposed(t, x, w):
    b = (x.view(2, 2) * 1).t()
    c = b * 2
    c[:, 1].mul_(w)
    c[0, ::2].exp_()
    return grads(c.sum(0), x, w)


def not_contiguous_base(t, x, w):
    base = (x.view(2, 2).t() * 2)
    base[1].add_(w)
    v = base[:, 0]
    base.mul_(base.detach())
    return grads(v, x, w), grads(base.sum(1), x, w)


def saved_operand_written_through_a_view(t, x, w):
    b = x * 1
    c = b * b
    b[0] = 5.0
    return refusal(lambda: c.sum().backward())


def leaf(t, x, w):
    return [refusal(f) for f in (lambda: x.zero_(), lambda: x[0].zero_(), lambda: x.view(2, 2)[0].add_(1))]


def leaf_under_no_grad(t, x, w):
    with t.no_grad():
        x[0].zero_()
        x.add_(1)
    return x, x.is_leaf, x._version


def no_grad_view(t, x, w):
    b = x.clone()
    with t.no_grad():
        v = b[1:3]
    first = refusal(lambda: v.mul_(2))
    b.mul_(2)
    return first, refusal(lambda: v.grad_fn), refusal(lambda: v * 2), v.requires_grad


def no_grad_view_that_needs_none(t, x, w):
    z = t.zeros(4)
    with t.no_grad():
        v = z[1:3]
    return v.add_(1), refusal(lambda: v.mul_(w))


def several_views_at_once(t, x, w):
    b = x.clone()
    found = [refusal(lambda: b.unbind()[1].add_(1)), refusal(lambda: b.split(2)[1].add_(1)),
             refusal(lambda: b.chunk(2)[0].mul_(w))]
    u = b.unbind()
    b.add_(1)
    return found, refusal(lambda: u[2].grad_fn), refusal(lambda: u[2] * 2)


def expanded(t, x, w):
    return [refusal(f) for f in (
        lambda: t.ones(1).expand(4).add_(1), lambda: (w * 1).view(2, 1).expand(2, 3).mul_(2),
        lambda: t.ones(4).copy_(x) is None,
        *(lambda name=name: getattr(t.full((2, 1), 0.5).expand(2, 3), name)() for name in (
            "abs_", "exp_", "neg_", "relu_", "sigmoid_", "logical_not_", "erfinv_", "round_", "zero_", "square_")),
        lambda: (w * 1).view(2, 1).expand(2, 3).sin_(), lambda: (w * 1).view(2, 1).expand(2, 3).data.sin_(),
        *(lambda f=f: f(t.ones(2, 1).expand(2, 3)) for f in (
            lambda e: e.copy_(e), lambda e: e.add_(e), lambda e: e.mul_(e), lambda e: e.fill_(2.0))),
    )]


def detaching(t, x, w):
    b = x.clone()
    found = refusal(lambda: b[1:].detach_()), b.detach()._is_view(), b[1:].detach()._base, b[1:]._is_view()
    d = b.detach()
    v = d[1:]
    b.detach_()
    return found, v._base is d, b.requires_grad, b.is_leaf, b.grad_fn


def detached_alias_is_another_family(t, x, w):
    b = x * 1
    d = b.detach()
    v = d[:2]
    b.mul_(2)
    return v.requires_grad, v, grads(b, x)


def version_is_shared(t, x, w):
    b = x.clone()
    v, d = b[1:], b.detach()
    d.add_(1)
    v.mul_(2)
    with t.no_grad():
        b[0] = 1.0
    return b._version, v._version, d._version, v


def view_after_no_grad_write(t, x, w):
    b = x.clone()
    v = b[:2]
    with t.no_grad():
        b.add_(1)
    return v.grad_fn, grads(v * w, x, w)


def retain_grad_moves(t, x, w):
    b = x * 1
    b.retain_grad()
    b.mul_(3)
    v = b[:2]
    v.retain_grad()
    v.mul_(w)
    (v * v).sum().backward()
    return b.retains_grad, v.retains_grad, b.grad, v.grad, x.grad


def hooks_stay(t, x, w):
    seen = []
    b = x * 1
    b.register_hook(lambda g: seen.append(("old", g.tolist())))
    b.mul_(3)
    b.register_hook(lambda g: seen.append(("new", g.tolist())))
    b.sum().backward()
    return seen, x.grad


def twice_differentiable(t, x, w):
    b = x * x
    b[1:3].mul_(w)
    b[2:].exp_()
    g, = t.autograd.grad(b.sum(), x, create_graph=True)
    return grads(g * g, x, w)


def base_and_parts_all_used(t, x, w):
    b = x * 2
    before = b * 1
    v = b[1:3]
    v.add_(w)
    mid = b * x
    v.mul_(v.detach())
    return grads(before + mid + b, x, w)


def base_is_gone(t, x, w):
    v = (x * 2)[1:3]
    v.mul_(w)
    u = v[:1]
    v.add_(1)
    return grads(v * u, x, w), v.grad_fn, u.grad_fn


def view_of_zero_size(t, x, w):
    b = x.clone()
    b[2:2].mul_(3)
    return grads(b, x), b.grad_fn


def backward_twice(t, x, w):
    b = x.clone()
    b[1:3].mul_(w)
    b.sum().backward(retain_graph=True)
    b.sum().backward()
    return x.grad, w.grad


def capture_the_base(t, x, w):
    b = x.clone()
    early = b * 1
    b[1:3].mul_(w)
    return t.autograd.grad((b * early).sum(), (early, b, x, w), allow_unused=True)


def as_strided(t, x, w):
    v = (x * 1).as_strided((2, 2), (2, 1), 0)
    u = (x * 1).as_strided((3, 2), (1, 1))
    return v, v.grad_fn, grads(u.sum(1), x)


def leaf_that_is_a_view(t, x, w):
    """Of a base without history: it stays a leaf, whatever is written to either."""
    b = t.arange(6.0)
    v = b.reshape(2, 3).requires_grad_()
    said = []
    for write in (lambda: v.sub_(1), lambda: v[0].mul_(2), lambda: b.add_(1), lambda: b[1:].mul_(2)):
        with t.no_grad():
            write()
        v.grad = None
        said += [v.requires_grad, v.is_leaf, v.grad_fn, v._version, *grads(v, v)]
    b.add_(x.sum())
    return said, v.requires_grad, v.is_leaf, v.grad_fn, b.requires_grad


def write_to_a_leaf_that_is_a_view(t, x, w):
    t.zeros(4).view(2, 2).requires_grad_().add_(1)


def view_of_a_leaf_that_is_a_view(t, x, w):
    """After a write its history is one of the base, which has none: the gradient leads nowhere."""
    b = t.arange(6.0)
    v = b.view(2, 3).requires_grad_()
    u, said = v[0], []
    for write in (lambda: u.add_(1), lambda: v.sub_(1), lambda: b[1:].mul_(2)):
        before = (u * 2).sum()
        with t.no_grad():
            write()
        before.backward()
        (u * u).sum().backward()
        said += [u.requires_grad, u.is_leaf, u.grad_fn, v.grad, v.is_leaf, u]
    return said, (u * 2).grad_fn.next_functions


def base_requires_grad_after_the_view(t, x, w):
    b = t.arange(4.0)
    v, apart = b[1:3], b.detach()[1:3]
    b.requires_grad_()
    u = v[:1]
    (v * v).sum().backward()
    (u * 2).sum().backward()
    found = [v.requires_grad, v.is_leaf, v.grad_fn, u.grad_fn, u.is_leaf, b.grad, apart.requires_grad]
    found += [refusal(f) for f in (lambda: v.mul_(2), lambda: v.mul_(w), lambda: u.zero_(), lambda: v.eq_(0))]
    with t.no_grad():
        v.mul_(2)
    (v * v).sum().backward()
    found += [v.grad_fn, b.grad, (b[1:] * 1).requires_grad]
    c = t.arange(4.0)
    u = c[1:]
    c.requires_grad_()
    c.requires_grad_(False)
    return found, b, u.requires_grad, (u * 2).requires_grad


# ---------------------------------------------------------------- the leaf check, whatever is written


def _none(t):
    return t.zeros(0, dtype=t.int64)


WRITES = {
    **{f"{name}_": lambda t, x, w, name=name: getattr(x, name + "_")(2)
       for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "ge_ of a tensor": lambda t, x, w: x.ge_(x.detach()),
    **{f"logical_{name}_": lambda t, x, w, name=name: getattr(x, f"logical_{name}_")(w.detach().abs().sum())
       for name in ("and", "or", "xor")},
    "logical_not_": lambda t, x, w: x.logical_not_(),
    "heaviside_": lambda t, x, w: x.heaviside_(t.ones(4)),
    "floor_divide_": lambda t, x, w: x.floor_divide_(2),
    "nextafter_": lambda t, x, w: x.nextafter_(t.ones(4)),
    "sign_": lambda t, x, w: x.sign_(),
    "nan_to_num_": lambda t, x, w: x.nan_to_num_(),
    "cumprod_": lambda t, x, w: x.cumprod_(0),
    "cumsum_": lambda t, x, w: x.cumsum_(0),
    "mvlgamma_": lambda t, x, w: x.mvlgamma_(1),
    "addcmul_": lambda t, x, w: x.addcmul_(x.detach(), x.detach()),
    "part.eq_": lambda t, x, w: x[:2].eq_(1),
    "nothing.zero_": lambda t, x, w: x[0:0].zero_(),
    "nothing.lt_": lambda t, x, w: x[0:0].lt_(1),
    "scatter_": lambda t, x, w: x.scatter_(0, _none(t), t.zeros(0)),
    "scatter_ a number": lambda t, x, w: x.scatter_(0, _none(t), 1.0),
    "scatter_add_": lambda t, x, w: x.scatter_add_(0, _none(t), t.zeros(0)),
    "scatter_reduce_": lambda t, x, w: x.scatter_reduce_(0, _none(t), t.zeros(0), "sum"),
    "index_add_": lambda t, x, w: x.index_add_(0, _none(t), t.zeros(0)),
    "index_copy_": lambda t, x, w: x.index_copy_(0, _none(t), t.zeros(0)),
    "index_fill_": lambda t, x, w: x.index_fill_(0, _none(t), 1.0),
    "index_put_": lambda t, x, w: x.index_put_((_none(t),), t.zeros(0)),
    "masked_fill_": lambda t, x, w: x.masked_fill_(x.detach() > 9, 1.0),
    "masked_scatter_": lambda t, x, w: x.masked_scatter_(x.detach() > 9, t.zeros(4)),
    "put_": lambda t, x, w: x.put_(_none(t), t.zeros(0)),
    "an empty slice": lambda t, x, w: x.__setitem__(slice(0, 0), 1.0),
    "an empty mask": lambda t, x, w: x.__setitem__(x.detach() > 9, 1.0),
    "an empty index": lambda t, x, w: x.__setitem__(_none(t), 1.0),
}
NAMED_OTHERWISE = {"scatter_", "scatter_ a number", "scatter_add_", "scatter_reduce_",
                   "cumprod_", "cumsum_", "mvlgamma_", "masked_scatter_", "put_"}


@pytest.mark.parametrize("name", WRITES)
def test_writes_to_leaves_and_results(name: str) -> None:
    """A leaf is written under no_grad only, whether elements are selected or not; of a result the history goes on."""
    write = WRITES[name]

    def program(t, x, w):
        refused = refusal(lambda: write(t, x, w)), x.detach().clone(), x._version
        found = []
        for given in (x * 1, x.detach().clone()):
            write(t, given, w)
            node = given.grad_fn if name not in NAMED_OTHERWISE else given.is_leaf
            found += [given, given.requires_grad, node, given._version]
            if given.requires_grad:
                found += [refusal((given * given).sum().backward), x.grad, w.grad]
        with t.no_grad():
            write(t, x, w)
        return refused, found, x, x.is_leaf, x._version

    assert outcome(program, tapegrad) == outcome(program, torch)


# ---------------------------------------------------------------- written while backward runs


def _write(t, a):
    with t.no_grad():
        a.add_(1)


def written_in_a_hook(t, x, w):
    def swept(attach, sweep):
        a = x * 1
        b = a * a
        c = b * 3
        attach(a, b, c)
        return refusal(lambda: sweep(c.sum())), x.grad

    return [swept(attach, sweep) for sweep in (
        lambda y: y.backward(), lambda y: t.autograd.grad(y, x), lambda y: t.autograd.grad(y, x, create_graph=True),
    ) for attach in (
        lambda a, b, c: c.register_hook(lambda g: _write(t, a)),
        lambda a, b, c: b.register_hook(lambda g: _write(t, a)),
        lambda a, b, c: a.register_hook(lambda g: _write(t, a)),
        lambda a, b, c: c.grad_fn.register_hook(lambda i, o: _write(t, a)),
        lambda a, b, c: b.grad_fn.register_prehook(lambda o: _write(t, a)),
        lambda a, b, c: c.register_hook(lambda g: [a.data.add_(1)].clear()),
        lambda a, b, c: c.register_hook(lambda g: [a.detach_()].clear()),
    )]


def written_in_a_function(t, x, w):
    class Writes(t.autograd.Function):
        @staticmethod
        def forward(ctx, z, a):
            ctx.a = a
            return z * 2

        @staticmethod
        def backward(ctx, g):
            _write(t, ctx.a)
            return g * 2, None

    a = x * 1
    return refusal(lambda: Writes.apply(a * a, a).sum().backward()), x.grad


def a_result_written_in_a_hook(t, x, w):
    a = x.exp()
    b = a * 3
    b.register_hook(lambda g: _write(t, a))
    return refusal(lambda: b.sum().backward()), x.grad


def a_leaf_written_in_a_hook_of_another(t, x, w):
    """A leaf has its gradient, and its hooks run, before what is still to come."""
    y = (x * x * w.sum()).sum()
    w.register_hook(lambda g: _write(t, x))
    return refusal(y.backward)


@pytest.mark.parametrize("program", programs(globals()), ids=lambda f: f.__name__)
def test_same_as_pytorch(program: Callable[..., Any]) -> None:
    assert outcome(program, tapegrad) == outcome(program, torch)


@pytest.mark.parametrize("text", [
    "x.addmv_(m, v)", "x.cumsum_(0)", "x.i0_()", "x.cumprod_(0)", "m.addr_(x, v)", "x.mvlgamma_(1)",
    "m.renorm_(1, 0, 20.0)", "x.scatter_reduce_(0, i, y, 'sum')", "x.put_(i, y)", "x.masked_scatter_(x > 0, y)",
    "m[0].cumsum_(0)"])
def test_composed_writes_are_called_as_the_function_is(text):
    found = []
    for t in (tapegrad, torch):
        for _ in range(3):  # the third one is native
            leaf = t.ones(3, requires_grad=True)
            x, m = leaf * 2, leaf[:, None] * t.ones(4)
            known = {"x": x, "m": m, "v": t.ones(4), "y": t.ones(3), "i": t.tensor([0, 1, 2])}
            result = eval(text, known)
            result.sum().backward()
            found.append((type(result.grad_fn).__name__, [f"{g:.4g}" for g in leaf.grad.tolist()]))
    assert found[:3] == found[3:]
