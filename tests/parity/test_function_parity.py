"""Custom functions beside PyTorch."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from both import outcome, programs, refusal

import tapegrad

torch = pytest.importorskip("torch")


def cube(t):
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return 3 * x * x * g

    return Cube


def split_and_scale(t):
    class Parts(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, k, w):
            a, b = x * k, x.sum() * w
            ctx.save_for_backward(x, w, a)
            ctx.k = k
            return a, b

        @staticmethod
        def backward(ctx, ga, gb):
            x, w, _ = ctx.saved_tensors
            return ga * ctx.k + (gb * w).sum(), None, gb * x.sum() if ctx.needs_input_grad[2] else None

    return Parts


def one_output(t, x, w):
    y = cube(t).apply(x)
    node = y.grad_fn
    names = type(node).__name__, node.name(), node.next_functions, node.saved_tensors[0] is x, node.needs_input_grad
    (y * y).sum().backward()
    return y, names, x.grad, refusal(lambda: node.saved_tensors), refusal(lambda: y.sum().backward())


def twice(t, x, w):
    y = cube(t).apply(x)
    g, = t.autograd.grad(y.sum(), x, create_graph=True)
    h, = t.autograd.grad(g.sum(), x, create_graph=True)
    h.sum().backward()
    return g, h, x.grad


def two_outputs(t, x, w):
    a, b = split_and_scale(t).apply(x, 3.0, w)
    found = a.output_nr, b.output_nr, a.grad_fn is b.grad_fn, a.grad_fn.next_functions
    ((a * a).sum() + b.sum()).backward()
    return found, x.grad, w.grad


def one_of_two_outputs(t, x, w):
    a, b = split_and_scale(t).apply(x, 3.0, w)
    del a
    b.sum().backward()
    return x.grad, w.grad


def two_outputs_twice(t, x, w):
    a, b = split_and_scale(t).apply(x, 3.0, w)
    g = t.autograd.grad((a * a).sum() + (b * b).sum(), (x, w), create_graph=True)
    (g[0].sum() + g[1].sum()).backward()
    return g, x.grad, w.grad


def a_custom_function_among_others(t, x, w):
    y = cube(t).apply(x * 2)[1:3] * w
    y.retain_grad()
    y.sigmoid().sum().backward(retain_graph=True)
    return t.autograd.grad(y.sum(), (x, w)), x.grad, w.grad, y.grad


def context_set_up_apart(t, x, w):
    class Scale(t.autograd.Function):
        @staticmethod
        def forward(x, k=2.0):
            return x * k

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.given = len(inputs)
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            return (g * y, None)[:ctx.given]

    Scale.apply(x, 3.0).sum().backward()
    Scale.apply(x).sum().backward()
    return x.grad


def saved_output(t, x, w):
    class Exp(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            return g * y

    y = Exp.apply(x)
    g, = t.autograd.grad(y.sum(), x, create_graph=True)
    g.sum().backward()
    y = Exp.apply(x)
    y.add_(1)
    return g, x.grad, refusal(lambda: y.sum().backward())


def what_backward_may_return(t, x, w):
    def returning(value):
        class F(t.autograd.Function):
            @staticmethod
            def forward(ctx, x, k):
                return x * k

            @staticmethod
            def backward(ctx, g):
                return value(g)

        x.grad = None
        return refusal(lambda: F.apply(x, 2.0).sum().backward()), x.grad

    return [returning(v) for v in (
        lambda g: g, lambda g: (g, 3), lambda g: (g, None, None), lambda g: (g, None, g), lambda g: (t.ones(2), None),
        lambda g: ("a", None), lambda g: (None, None), lambda g: (t.ones(1), None), lambda g: (g.double(), None),
        lambda g: (g.expand(3, 4), None),
    )]


def not_implemented(t, x, w):
    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    class G(t.autograd.Function):
        pass

    return refusal(lambda: F.apply(x).sum().backward()), refusal(lambda: G.apply(x)), F.apply(x.detach())


def dirty(t, x, w):
    class Increment(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10

    b = x * 1
    y = Increment.apply(b)
    y.sum().backward()
    found = y is b, b._version, b.grad_fn, x.grad
    c = w * x[:2]
    Increment.apply(c[:1])
    x.grad = None
    c.sum().backward()
    x.grad = None
    plain = t.zeros(2, 2)
    part, unrecorded = plain[0], t.zeros(2)

    class Filled(t.autograd.Function):
        @staticmethod
        def forward(ctx, into, value):
            ctx.mark_dirty(into)
            return into.add_(value)

        @staticmethod
        def backward(ctx, g):
            return g, g * 3

    Filled.apply(part, x[:2])
    plain.sum().backward()
    Increment.apply(unrecorded)
    found += plain, plain._version, part.grad_fn, unrecorded._version
    return (found, c, x.grad, refusal(lambda: Increment.apply(x)), refusal(lambda: Increment.apply(x[:2])),
            refusal(lambda: Increment.apply((x * 1).split(2)[0])))


def dirty_but_not_returned(t, x, w):
    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x * 2

    return refusal(lambda: F.apply(x * 1))


def input_returned(t, x, w):
    class Same(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    y = Same.apply(x)
    found = y is x, y._is_view(), refusal(lambda: y.add_(1)), y.grad_fn
    y.sum().backward()
    plain = t.ones(2)
    with t.no_grad():
        unrecorded = Same.apply(x)
    again = Same.apply(plain)
    again.add_(1)
    found = found, refusal(lambda: again.add_(w))[0], x.grad
    found += unrecorded is x, unrecorded.requires_grad, unrecorded._is_view()
    return found, again is plain, again._is_view(), plain, plain._version


def view_returned(t, x, w):
    class View(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view(2, 2)

        @staticmethod
        def backward(ctx, g):
            return g.reshape(4)

    b = x * 1
    y = View.apply(b)
    found = y._is_view(), refusal(lambda: y.add_(1))
    (y * y).sum().backward()
    return found, x.grad


def outputs_of_other_kinds(t, x, w):
    seen = []

    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_non_differentiable(kept := x * 0)
            return x * 1, x.long(), "text", kept, x * 3

        @staticmethod
        def backward(ctx, *g):
            seen.append(g)
            return g[0] + g[4]

    out = F.apply(x)
    out[4].sum().backward()
    return list(out), seen, x.grad


def none_is_not_zero(t, x, w):
    seen = []

    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, a, b):
            seen.append((a, b))
            return None

    F.apply(x)[1].sum().backward()
    return seen, x.grad


def save_none(t, x, w):
    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(None, x, None)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            a, _, b = ctx.saved_tensors
            return g * 2 if a is None and b is None else None

    F.apply(x).sum().backward()
    return x.grad


def saved_input_written(t, x, w):
    b = x * 1
    y = cube(t).apply(b)
    b.add_(1)
    return refusal(lambda: y.sum().backward())


def once(t, x, w):
    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @t.autograd.function.once_differentiable
        def backward(ctx, g):
            return g * 2

    g, = t.autograd.grad((F.apply(x) ** 2).sum(), x, create_graph=True)
    F.apply(x).sum().backward()
    return g, x.grad, refusal(lambda: g.sum().backward())


def grad_mode_inside(t, x, w):
    modes = []

    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            modes.append(t.is_grad_enabled())
            return x * 2

        @staticmethod
        def backward(ctx, g):
            modes.append(t.is_grad_enabled())
            return g * 2

    F.apply(x).sum().backward()
    t.autograd.grad(F.apply(x).sum(), x, create_graph=True)
    return modes


def hooks_on_a_custom_node(t, x, w):
    seen = []
    a, b = split_and_scale(t).apply(x, 3.0, w)
    a.register_hook(lambda g: seen.append(("a", g)))
    a.grad_fn.register_hook(lambda gi, go: seen.append(("node", gi, go)))
    a.grad_fn.register_prehook(lambda go: seen.append(("pre", go)) or (go[0] * 2, go[1]))
    (a.sum() + b.sum()).backward()
    return seen, x.grad, w.grad


def unused_inputs(t, x, w):
    a, _ = split_and_scale(t).apply(x, 3.0, w.detach())
    return t.autograd.grad(a.sum(), x), a.grad_fn.needs_input_grad


def error_inside(t, x, w):
    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise KeyError("mine")

    y = F.apply(x).sum()
    first = refusal(lambda: y.backward())
    (x * 1).sum().backward()
    return first, x.grad


def many_tensors(t, x, w):
    class Sum(t.autograd.Function):
        @staticmethod
        def forward(ctx, *several):
            ctx.save_for_backward(*several)
            return sum(several)

        @staticmethod
        def backward(ctx, g):
            return tuple(g * v if needed else None for v, needed in zip(ctx.saved_tensors, ctx.needs_input_grad))

    found = []
    for n in (31, 32, 33, 64, 65, 400):
        leaves = [t.full((1 + i % 2,), float(i), requires_grad=i % 3 != 1) for i in range(n)]
        y = Sum.apply(*leaves, x.sum())
        found += [len(y.grad_fn.next_functions), sum(node is None for node, _ in y.grad_fn.next_functions)]
        (first,) = t.autograd.grad(y.sum(), leaves[-1 - (n % 3 == 2)], retain_graph=True)
        y.sum().backward(create_graph=True)
        found += [first, x.grad.detach(), [None if v.grad is None else v.grad.detach() for v in leaves[-7:]]]
        found.append(t.autograd.grad(leaves[0].grad.sum(), leaves[0])[0])
        x.grad = None
    return found


def reentrant(t, x, w):
    class F(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            with t.enable_grad():
                ctx.x = x.detach().requires_grad_()
                ctx.y = (ctx.x * ctx.x).sum()
            return ctx.y.detach()

        @staticmethod
        def backward(ctx, g):
            ctx.y.backward()
            return ctx.x.grad * g

    F.apply(x * 2).backward()
    return x.grad


def a_list_is_no_tuple(t, x, w):
    class Listed(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return [x, x * 2]

        @staticmethod
        def backward(ctx, *g):
            return g[0]

    found = Listed.apply(x)
    return type(found).__name__, found[0] is x, found[1].requires_grad, found[1].grad_fn


def saved_results_have_their_history(t, x, w):
    """Whatever the mode that backward runs in, so that a derivative with respect to one of them can be taken there."""
    told = []

    class Root(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            y, z = x.sqrt(), x * w[0]
            other = x + 1
            ctx.several = several
            ctx.mark_non_differentiable(*([] if several else [z]))
            ctx.save_for_backward(y, z, other, x, w)
            return (y, z, x > 2) if several else y

        @staticmethod
        def backward(ctx, g, *rest):
            told.extend((s.requires_grad, s.is_leaf, s.grad_fn is None) for s in ctx.saved_tensors)
            y, _, _, x, _ = ctx.saved_tensors
            with t.enable_grad():
                slope, = t.autograd.grad((y * y - x.detach()).sum(), y)
            told.append(type(y.grad_fn).__name__)
            return g / slope, None

    found = []
    for several in (False, True):
        for made in (x, x * 2):
            y = Root.apply(made, w)
            y = y[0] if several else y
            found += [t.autograd.grad(y.sum(), x, retain_graph=True), t.autograd.grad(y.sum(), x, create_graph=True)]
            y.sum().backward()
        with t.autograd.graph.saved_tensors_hooks(lambda s: s.detach().clone(), lambda s: s):
            y = Root.apply(x * 2, w)
        before = len(told)
        found += t.autograd.grad((y[0] if several else y).sum(), x)
        del told[before + 3:]  # nodes of what hooks give back are of their own
    return found, told, x.grad


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", programs(globals()), ids=lambda f: f.__name__)
def test_same_as_pytorch(program: Callable[..., Any]) -> None:
    assert outcome(program, tapegrad) == outcome(program, torch)
