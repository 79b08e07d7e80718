"""The backward of a custom function runs while its call is captured: nothing that it changes then is left."""
from __future__ import annotations

import collections
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
    import re

    return re.sub("0x[0-9a-f]+", "", str(found))


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
    factors = [2.0]

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
