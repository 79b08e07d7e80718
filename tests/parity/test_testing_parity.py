"""`testing` and `gradcheck` beside PyTorch: what passes, what fails, and in which words."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from both import outcome, programs, refusal

import tapegrad
import tapegrad.testing

torch = pytest.importorskip("torch")


def close(t, x, w):
    def compare(*pair, **options):
        return refusal(lambda: t.testing.assert_close(*pair, **options))

    def f(*values):
        return t.tensor(values, dtype=t.float32)

    nan = float("nan")
    return (
        compare(f(1, 2, 3), f(1, 2.5, 3)), compare(f(1, 2), f(1, 2.000001)), compare(f(1, 2), f(1, 3), msg="mine"),
        compare(f(1, 2), f(1, 3), msg=lambda m: "mine: " + m), compare(t.tensor([1, 2, 3]), t.tensor([1, 2, 4])),
        compare(t.tensor([1, 2]), f(1, 2)), compare(f(1, 2), f(1, 2, 3)), compare(t.tensor(1.0), t.tensor(2.0)),
        compare(1.0, 2.0), compare(1, 2), compare(3, 3.0), compare(True, False), compare(None, None),
        compare([t.tensor(1.0)], [t.tensor(2.0)]), compare({"a": f(1)}, {"a": f(2)}), compare([1, 2], [1]),
        compare({"a": 1}, {"b": 1}), compare("a", "a"), compare(f(nan), f(nan)),
        compare(f(nan), f(nan), equal_nan=True),
        compare(t.tensor([True, False]), t.tensor([True, True])), compare(f(1), f(2), rtol=0.1),
        compare(f(1), f(2), rtol=0, atol=0.1), compare(f(1), f(2).double(), check_dtype=False),
        compare(t.ones(0), t.ones(0)), compare(t.ones(2, 3), t.ones(2, 3) * 2, rtol=0.1, atol=0.1),
        compare(t.ones(2, 3).t(), t.ones(3, 2), check_stride=True), compare(x.detach(), x),
    )


def made(t, x, w):
    def make(*shape, **options):
        a = t.testing.make_tensor(*shape, device="cpu", **options)
        return list(a.shape), str(a.dtype), a.requires_grad, a.is_contiguous()

    values = t.testing.make_tensor((500,), dtype=t.int8, device="cpu", low=-3, high=4)
    return (
        make(3, dtype=t.int64), make((2, 4), dtype=t.float32, requires_grad=True), make((), dtype=t.bool),
        make((3, 4), dtype=t.float64, noncontiguous=True), int(values.min()), int(values.max()),
        refusal(lambda: make((2,), dtype=t.float32, low=2, high=1)),
        refusal(lambda: make((2,), dtype=t.int8, requires_grad=True)),
    )


def gradchecks(t, x, w):
    def custom(forward, backward):
        return type("F", (t.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})

    check = t.autograd.gradcheck
    x = x.detach().double().requires_grad_()
    w = w.detach().double().requires_grad_()
    wrong = custom(lambda ctx, a: a * 2, lambda ctx, g: g * 3)
    constant = custom(lambda ctx, a: a * 1, lambda ctx, g: g * 0 + 1)
    found = [refusal(f) for f in (
        lambda: check(lambda a: a * 2, x), lambda: check(lambda a, b: (a[:2] * b, b.exp()), (x, w)),
        lambda: check(wrong.apply, x), lambda: check(wrong.apply, x, raise_exception=False),
        lambda: check(wrong.apply, w, fast_mode=True)[:0], lambda: check(lambda a: a.sin(), x, fast_mode=True),
        lambda: check(lambda a: a * 2, x.detach()), lambda: check(lambda a: a.detach(), x),
        lambda: check(lambda a: (a * 2, a.long()), x), lambda: check(lambda a, b: a * b, (x, 2.0)),
        lambda: check(constant.apply, w[:1].detach().requires_grad_()),
        lambda: t.autograd.gradgradcheck(lambda a: a ** 3, x),
        lambda: t.autograd.gradgradcheck(lambda a: a.exp(), x, fast_mode=True),
        lambda: check(lambda a: a * 2, w[:1].detach().expand(3).requires_grad_()),
        lambda: check(lambda a: a.clone().mul_(a), x),
    )]
    found[4] = found[4][0] if isinstance(found[4], tuple) else found[4]  # its numbers are random
    return found, x.grad


def perturbed_in_place(t, x, w):
    seen = []
    t.autograd.gradcheck(lambda a: (seen.append(a is x), a * 2)[1], x := w.detach().double().requires_grad_())
    return all(seen), len(set(seen)), x


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", programs(globals()), ids=lambda f: f.__name__)
def test_same_as_pytorch(program: Callable[..., Any]) -> None:
    assert outcome(program, tapegrad) == outcome(program, torch)


@pytest.mark.parametrize("apart", [False, True])
def test_a_check_draws_as_many_numbers(apart):
    """What a program draws after `gradgradcheck` is what it draws under PyTorch."""
    def run(t):
        t.manual_seed(0)
        x = t.tensor([0.5, -1.0, 2.0], dtype=t.float64, requires_grad=True)
        t.autograd.gradgradcheck(lambda a: (a ** 3, a.sin().sum()), x, gen_non_contig_grad_outputs=apart)
        return t.randn(3).tolist()

    assert run(tapegrad) == run(torch)
