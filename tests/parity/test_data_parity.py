"""`x.data`, read and assigned, and tensors that are given another place or another history, beside PyTorch."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from both import outcome, programs, refusal

import tapegrad

torch = pytest.importorskip("torch")


def reading_counts_apart(t, x, w):
    with t.no_grad():
        x.add_(1)
    d = x.data
    e, v, s = d.data, d[1:], x.detach()
    before = d._version, s._version
    d.mul_(2)
    v.add_(1)
    e.sub_(1)
    s.add_(3)
    return before, [u._version for u in (x, d, e, v, s)], x, d.requires_grad, d._is_view(), d._base, v._base is d


def writing_is_not_seen_by_backward(t, x, w):
    y = (x * x).sum()
    x.data[1] = 7.0
    x.data.mul_(2)
    y.backward()
    return x.grad, x._version, refusal(lambda: x.detach().mul_(2))


def writing_through_a_detached_alias_is(t, x, w):
    y = (x * x).sum()
    x.detach().mul_(2)
    return refusal(y.backward), x._version


def assigned_before_backward(t, x, w):
    y, z = (x * 5).sum(), (x * x).sum()
    x.data = t.zeros(4)
    y.backward(retain_graph=True)
    first = x.grad.clone()
    z.backward()
    y.backward()
    return first, x.grad, x, x.is_leaf, x._version, (x * 5).grad_fn.next_functions[0][0].variable is x


def assigned_and_differentiated_twice(t, x, w):
    g, = t.autograd.grad((x * x * x).sum(), x, create_graph=True)
    x.data = x.data + 1
    return t.autograd.grad(g.sum(), x), t.autograd.grad((x * 2).sum(), x)


def the_count_of_writes_goes_on(t, x, w):
    with t.no_grad():
        x.add_(1)
        x.add_(1)
    z = t.zeros(4)
    z.add_(1)
    x.data = z
    with t.no_grad():
        x.sub_(1)
    return x._version, z._version, z


def swapped(t, x, w):
    y = t.ones(4, requires_grad=True)
    a = (x * x * y).sum()
    x.data, y.data = y.data, x.data
    a.backward()
    return x, y, x.grad, y.grad


def of_another_shape(t, x, w):
    y, z = (x * 5).sum(), (x * x).sum()
    x.data = t.zeros(2)
    first = refusal(z.backward)[:1]
    x.grad = None
    seen = []
    x.register_hook(lambda g: seen.append(g.shape[0]))
    g = t.autograd.grad(y, x, retain_graph=True)
    y.backward()
    return first, g, x.grad, x, seen


def of_another_shape_without_a_graph(t, x, w):
    (x * 2).sum().backward()
    x.data = t.zeros(2)
    had = x.grad
    x.grad = None
    (x * x * 3 + x).sum().backward()
    return had, x.grad, x


def of_another_dtype(t, x, w):
    y = (x * 5).sum()
    refused = refusal(lambda: setattr(x, "data", t.zeros(4, dtype=t.int64)))
    x.data = x.data.double()
    y.backward()
    first, x.grad = str(x.grad.dtype), None
    (x * x).sum().backward()
    return refused, first, str(x.grad.dtype), x.grad


def of_another_order(t, x, w):
    m = t.ones(2, 3, requires_grad=True)
    y = (m * 2).sum()
    m.data = t.zeros(3, 2).t()
    y.backward()
    return m.grad.stride(), m.grad, m.stride()


def of_a_result(t, x, w):
    y = x * 2
    y.retain_grad()
    seen = []
    y.register_hook(lambda g: seen.append(g))
    z = (y * y).sum()
    y.data = t.ones(4)
    v = (y * 3).sum()
    (z + v).backward()
    return seen, y.grad, x.grad, y.grad_fn, y.is_leaf


def of_a_result_that_its_own_node_reads(t, x, w):
    y = x.sigmoid()
    y.data = y.data.round()
    (y * w.sum()).sum().backward()
    return x.grad, w.grad, y, y.grad_fn, repr(y), y.is_leaf, y.grad_fn.next_functions[0][0]


def of_a_result_of_another_kind(t, x, w):
    y = x * 2
    y.data = y.data.double()
    (y * 3).sum().backward()
    z = x * 2
    z.data = z.data[:2]
    return x.grad, str(y.dtype), y.grad_fn, refusal(lambda: (z * 3).sum().backward()), z


def of_a_parameter(t, x, w):
    p = t.nn.Parameter(t.ones(3))
    y = (p * p).sum()
    p.data = t.full((3,), 2.0)
    y.backward()
    return p.grad, p._version, p.requires_grad, isinstance(p, t.nn.Parameter)


def others_stay_where_they_were(t, x, w):
    d = x.detach()
    v, e = d[1:3], x.data
    x.data = t.zeros(4)
    d[0] = 9.0
    e[3] = 5.0
    return d, v, e, x


def on_numpy_arrays(t, x, w):
    a = np.ones(4, "f4")
    z = t.from_numpy(a).requires_grad_()
    y = (z * z).sum()
    z.data = t.full((4,), 3.0)
    y.backward()
    a[0] = 7
    x.data = t.from_numpy(a)
    a[1] = 8
    return z.grad, z, x, a.tolist()


def trained(t, x, w):
    for _ in range(3):
        x.grad = None
        (x * x).sum().backward()
        x.data = x.data - 0.1 * x.grad
        x.data -= 0.1 * x.grad
    return x, x._version


def refused(t, x, w):
    return [refusal(f) for f in (lambda: setattr(x, "data", 3), lambda: setattr(x, "data", None),
                                 lambda: delattr(x, "data"))]


def aliases_meet(t, x, w):
    z = t.arange(6.0)
    said = refusal(lambda: z[1:].copy_(z.data[:-1])), refusal(lambda: z.data[:3].add_(z[1:4]))
    z.data.add_(z)
    z.add_(z.data)
    return said, z


def kept_by_a_function(t, x, w):
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx, g):
            a, = ctx.saved_tensors
            return 2 * a * g

    y, z = Square.apply(x).sum(), Square.apply(x).sum()
    x.data.mul_(3)
    y.backward()
    x.data = t.zeros(4)
    z.backward()
    return x.grad


def resized_and_set(t, x, w):
    z = t.arange(6.0)
    v = z.view(2, 3)
    versions = [z.resize_(n)._version for n in (6, 4, 2, 4)]
    q = t.zeros(3, 2).t()
    versions += [q.resize_(2, 3)._version, q.stride()]
    u, y = t.zeros(3), t.ones(2)
    u.set_(y)
    y.add_(1)
    with t.no_grad():
        x.set_(t.ones(2))
    return v, z, versions, u, u._version, y._version, x, x.requires_grad, refusal(
        lambda: x.set_(y)), refusal(lambda: y.set_(t.ones(2, dtype=t.float64)))


# ---------------------------------------------------------------- in place, where nothing is recorded


def _in_place(name, shape, *given):
    def program(t, x, w):
        found = []
        for leaf in (True, False):
            m = t.ones(shape, requires_grad=True)
            m = m if leaf else m * 1
            y = (m * 5).sum()
            with t.no_grad():
                same = getattr(m, name)(*given) is m
            found += [same, m, m.stride(), m.is_leaf, m.grad_fn, m._version, refusal(y.backward) is None]
            if leaf:
                del y  # in PyTorch its graph has the leaf's node, which knows the old shape
                m.grad = None
                (m * m).sum().backward()
                found.append(m.grad)
        return found

    return program


VIEWS = [("t_", (2, 3)), ("t_", (3,)), ("t_", ()), ("transpose_", (2, 3), 0, 1), ("swapaxes_", (2, 3), 0, -1),
         ("swapdims_", (2, 3), 1, 0), ("squeeze_", (2, 1)), ("squeeze_", (2, 1), 1), ("squeeze_", (2, 1), 0),
         ("squeeze_", (1, 1), (0, 1)), ("unsqueeze_", (2, 2), 0), ("unsqueeze_", (2, 2), -1), ("unsqueeze_", (), 0),
         ("as_strided_", (2, 2), (2,), (1,)), ("as_strided_", (2, 2), (2,), (1,), 1), ("squeeze_", (0, 1))]


@pytest.mark.parametrize("name, shape, given", [(name, shape, given) for name, shape, *given in VIEWS])
def test_views_in_place(name: str, shape: Any, given: Any) -> None:
    program = _in_place(name, shape, *given)
    assert outcome(program, tapegrad) == outcome(program, torch)


def a_view_keeps_its_base(t, x, w):
    b = x * 1
    v = b.view(2, 2)
    with t.no_grad():
        v.t_()
    (v * w).sum().backward()
    return v.requires_grad, v._is_view(), v._base is b, v, x.grad


def hooks_stay(t, x, w):
    seen = []
    m = t.ones(2, 3, requires_grad=True)
    m.register_hook(lambda g: seen.append(g))
    m.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.shape[0]))
    with t.no_grad():
        m.t_()
    (m * m).sum().backward()
    return m.grad, seen


# ---------------------------------------------------------------- detached in place


def detached_after_saving(t, x, w):
    def with_(f, again=False):
        a = x * 1
        b = f(a)
        a.detach_()
        if again:
            a.requires_grad_()
        return refusal(lambda: b.sum().backward()), a.requires_grad, a.is_leaf, a.grad_fn, a._version

    return (with_(lambda a: a.sin()), with_(lambda a: a * x), with_(lambda a: a.exp()), with_(lambda a: a + 1),
            with_(lambda a: a.sin(), again=True), x.grad)


def detached_result(t, x, w):
    a = x.exp()
    b = a * 2
    a.detach_()
    b.sum().backward()
    return x.grad, a.requires_grad


def detached_leaf(t, x, w):
    b = (x * x).sum()
    x.detach_()
    return refusal(b.backward), x.grad, x.requires_grad


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", programs(globals()), ids=lambda f: f.__name__)
def test_same_as_pytorch(program: Callable[..., Any]) -> None:
    assert outcome(program, tapegrad) == outcome(program, torch)
