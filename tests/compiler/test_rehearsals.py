"""The backward of a custom function runs while its call is captured: nothing that it changes then is left.

And what it reads is what there is when it is asked for.
"""
from __future__ import annotations

import collections
import re
import types
import warnings

import numpy as np
import pytest

import tapegrad as torch

KINDS = {  # what there is, what forward does, what backward does, what can be seen of it
    "a list": ("log = []", "", "log.append(1)", "len(log)"),
    "a list in ctx": ("", "ctx.n = [0]", "ctx.n[0] += 1; g = g * ctx.n[0]", "0"),
    "an attribute of ctx": ("", "ctx.n = 1", "ctx.n += 1; g = g * ctx.n", "0"),
    "a new attribute of ctx": ("", "", "ctx.n = getattr(ctx, 'n', 0) + 1; g = g * ctx.n", "0"),
    "an object in ctx": ("", "ctx.o = types.SimpleNamespace(n=0)", "ctx.o.n += 1; g = g * ctx.o.n", "0"),
    "a tensor": ("c = torch.zeros(1)", "", "c.add_(1); g = g * c", "c.item(), c._version"),
    "a tensor in ctx": ("", "ctx.c = torch.zeros(2)", "ctx.c.add_(1); g = g * ctx.c", "0"),
    "a gradient": ("w = torch.ones(1, requires_grad=True)", "", "w.grad = torch.ones(1) * 2", "w.grad is None"),
    "a global": ("n = 0", "", "global n; n += 1; g = g * n", "n"),
    "a class": ("class A: n = 0", "", "A.n += 1; g = g * A.n", "A.n"),
    "a new attribute of a class": ("class A: pass", "", "A.n = getattr(A, 'n', 0) + 1", "A.n"),
    "a function": ("def h(): pass", "", "h.n = getattr(h, 'n', 0) + 1", "h.n"),
    "an object": ("o = types.SimpleNamespace(n=0)", "", "o.n += 1", "o.n"),
    "a slot": ("class A: __slots__ = ('n',)\no = A(); o.n = 0", "", "o.n += 1", "o.n"),
    "a set": ("s = set()", "", "s.add(len(s))", "s"),
    "a queue": ("q = collections.deque(maxlen=3)", "", "q.append(len(q))", "q"),
    "a dict": ("d = {}", "", "d[len(d)] = 1", "d"),
    "the order of a dict": ("d = collections.OrderedDict(a=1, b=2)", "", "d.move_to_end(next(iter(d)))", "list(d)"),
    "an array": ("a = np.zeros(1)", "", "a[0] += 1", "a[0]"),
    "random numbers": ("", "", "g = g * torch.rand(2)", "torch.rand(1).item()"),
    "a stream": ("s = torch.Generator().manual_seed(0)", "", "g = g * torch.rand(2, generator=s)",
                 "torch.rand(1, generator=s).item()"),
    "another error": ("n = 0", "", "if float(g.sum()) > 1: raise KeyError('far')", "0"),
}


def run(kind: str, backward: bool, wrap: object) -> list[object]:
    setup, forward, change, seen = KINDS[kind]
    names: dict[str, object] = {"torch": torch, "np": np, "collections": collections, "types": types}
    exec(setup, names)
    exec("class Twice(torch.autograd.Function):\n"
         "    @staticmethod\n"
         f"    def forward(ctx, x):\n        {forward}\n        return x * 2\n"
         "    @staticmethod\n"
         f"    def backward(ctx, g):\n        {change}\n        return g * 2\n"
         "def f(x): return Twice.apply(x)", names)
    f, found = wrap(names["f"]), []  # type: ignore[operator]
    torch.manual_seed(0)
    for _ in range(4):
        x = torch.ones(2, requires_grad=True)
        r = f(x)
        for retained in (True, False) if backward else ():
            try:
                r.sum().backward(retain_graph=retained)
            except KeyError as error:
                found.append(str(error))
        found.append((None if x.grad is None else x.grad.tolist(), str(eval(seen, names)) if backward else [
            str(v) for k, v in names.items() if k in ("log", "c", "n", "o", "s", "q", "d", "a") and k != "s"]))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backward", [True, False])
def test_nothing_is_left(kind, backward):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert _told(run(kind, backward, torch.compile)) == _told(run(kind, backward, lambda f: f))


def _told(found: object) -> str:
    return re.sub("0x[0-9a-f]+", "", str(found))


LATER = {  # what there is, what of it the backward reads; and how it is before the call, and after it
    "a list": ("k = [2.0]", "k[0]", "k[0] = 2.0", "k[0] = 7.0"),
    "a number": ("k = 2.0", "k", "k = 2.0", "k = 7.0"),
    "a class": ("class A: k = 2.0", "A.k", "A.k = 2.0", "A.k = 7.0"),
    "its own class": ("", "Scaled.k", "Scaled.k = 2.0", "Scaled.k = 7.0"),
    "a function": ("def two(): return 2.0\ndef seven(): return 7.0\nh = two", "h()", "h = two", "h = seven"),
    "a function's default": ("def h(k=2.0): return k", "h()", "h.__defaults__ = (2.0,)", "h.__defaults__ = (7.0,)"),
    "a tensor": ("k = torch.full((2,), 2.0)", "k", "k.fill_(2.0)", "k.fill_(7.0)"),
    "another tensor": ("k = torch.full((2,), 2.0)", "k", "k = torch.full((2,), 2.0)", "k = torch.full((2,), 7.0)"),
    "a tensor in ctx": ("k = torch.full((2,), 2.0)", "ctx.k", "k.fill_(2.0)", "k.fill_(7.0)"),
    "a list in ctx": ("k = [2.0]", "ctx.k[0]", "k[0] = 2.0", "k[0] = 7.0"),
    "a list in a tuple in ctx": ("k = [2.0]", "ctx.t[0][0]", "k[0] = 2.0", "k[0] = 7.0"),
    "an object in ctx": ("k = types.SimpleNamespace(v=2.0)", "ctx.k.v", "k.v = 2.0", "k.v = 7.0"),
    "the backward": ("", "2.0", "Scaled.backward = own", "Scaled.backward = staticmethod(lambda ctx, g: g * 7.0)"),
}


@pytest.mark.parametrize("kind", LATER)
@pytest.mark.parametrize("always", [True, False])
def test_a_backward_reads_what_there_is_by_then(kind, always):
    """Where that changes in every call, the function runs as written; where it does for once, that is an error."""
    setup, read, first, then = LATER[kind]
    names: dict[str, object] = {"torch": torch, "types": types, "k": 0}
    exec(f"{setup}\nclass Scaled(torch.autograd.Function):\n    k = 2.0\n    @staticmethod\n"
         "    def forward(ctx, x):\n        ctx.k, ctx.t = k, (k,)\n        return x * 2\n"
         f"    @staticmethod\n    def backward(ctx, g): return g * {read}\nown = vars(Scaled)['backward']\n"
         "def f(x): return Scaled.apply(x)", names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f = torch.compile(names["f"])
        for step in range(6):
            x, late = torch.ones(2, requires_grad=True), always or step == 5
            exec(first, names)
            r = f(x)
            if late:
                exec(then, names)
            try:
                r.sum().backward()
            except RuntimeError as error:
                assert not always and re.search("would read something else|modified by an inplace", str(error))
            else:
                assert x.grad.tolist() == [7.0 if late else 2.0] * 2


@pytest.mark.parametrize("decorate", [lambda f: f, torch.autograd.function.once_differentiable, torch.no_grad()])
def test_a_decorated_backward_is_compiled(decorate):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        @decorate
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    f = torch.compile(lambda x: Cube.apply(x).sum())
    for _ in range(5):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        f(x).backward()
        assert x.grad.tolist() == [3.0, 12.0]
    assert f.replays == 3, f.explain()


def test_the_reason_is_given():
    log = []

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            log.append(1)
            return g * 2

    f = torch.compile(lambda x: Twice.apply(x))
    with pytest.warns(UserWarning, match="the backward of a custom function changes what lasts"):
        f(torch.ones(2, requires_grad=True))
    assert not log


def test_a_backward_that_changes_nothing_is_compiled():
    factors = 2.0, 3.0

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.shape, ctx.by = x.shape, factors
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            found = g.expand(ctx.shape).clone()
            found[0] = 0
            return found * x * ctx.by[0]

    f = torch.compile(lambda x: Twice.apply(x).sum())
    for _ in range(5):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        f(x).backward()
        assert x.grad.tolist() == [0.0, 4.0]
    assert f.replays == 3, f.explain()
