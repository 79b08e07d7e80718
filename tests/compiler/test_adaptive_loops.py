"""Loops that end when a value says so: compiled they are loops too, and call by call they do what is written."""
from __future__ import annotations

import warnings

import pytest

import tapegrad as torch
from tapegrad.compiler import repeats
from tapegrad.compiler.traced_program import Loop
from tapegrad.machine.kernels import emitter

F64 = torch.float64


@pytest.fixture(autouse=True)
def short_loops(monkeypatch):
    """Programs of tests are short."""
    monkeypatch.setattr(repeats, "LEAST", 12)


def newton(T):
    def root(a):
        x = a = a.abs()
        while ((x * x - a).abs() > 1e-9).item():
            x = 0.5 * (x + a / x)
        return x
    return root, lambda: None


def halved(T):
    def f(x):
        while x.abs() > 1:
            x = x * 0.5 + x.sin() * 0.1
        return x
    return f, lambda: None


def counted(T):
    """The number of turns is used after the loop."""
    def f(x):
        turns = 0
        while x > 1:
            x = x * 0.5
            turns += 1
        return x * turns, turns
    return f, lambda: None


def listed(T):
    def f(x):
        seen = [x]
        while x > 1:
            x = x * 0.5
            seen.append(x * x)
        return T.stack(seen), len(seen)
    return f, lambda: None


def with_else(T):
    def f(x):
        for turn in range(40):  # noqa: B007 - used after the loop
            if x <= 1:
                break
            x = x * 0.7
        else:
            x = x - 100
        return x * turn
    return f, lambda: None


def nested(T):
    def f(x):
        total = x * 0
        for _ in range(8):
            y = x
            while True:
                y = y * 0.6 - 0.01
                if y < 1:
                    break
            total = total + y
            x = x * 0.9
        return total
    return f, lambda: None


def both_ways(T):
    """Which way a turn goes is decided anew in each."""
    def f(x):
        for _ in range(30):
            x = x * 0.5 + 3 if x > 4 else x * 1.5 + 0.25
        return x
    return f, lambda: None


def written_outside(T):
    """What a loop writes where others see it is put back when the replay breaks off, and done again."""
    total = T.zeros(3, dtype=F64)

    def f(x):
        while x.sum() > 3:
            total.add_(x)
            x = x * 0.5
        return x
    return f, lambda: total.clone()


def flagged(T):
    """What Python looks at is written in place in each turn."""
    def f(x):
        going, y = x > 1, x.clone()
        while going:
            y.mul_(0.5).sub_(0.01)
            going.copy_(y > 1)
        return y
    return f, lambda: None


def switched(T):
    """What Python looks at is written in place by the turn after, and is the same there."""
    def f(x):
        on = T.ones((), dtype=T.bool)
        for _ in range(20):
            if on:
                x = x * 0.9 + 0.1
            on.copy_(x > 0)
        return x
    return f, lambda: None


def given_mask(T):
    mask = T.tensor([True] * 20)

    def f(x):
        if x > 50:
            mask[7] = False
        for i in range(20):
            if mask[i]:
                x = x * 0.9
        return x
    return f, lambda: mask.clone()


def many_weights(T):
    weights = [T.tensor(0.5 + 0.01 * k, dtype=F64) for k in range(40)]

    def f(x):
        for w in weights:
            if w * x > 0.01:
                x = x * w + 1
        return x
    return f, lambda: None


def whole_numbers(T):
    """Another number is looked at in each turn, and what it says is done."""
    def f(x):
        n = x.long()
        for _ in range(20):
            x = x + int(n % 5)
            n = n + 3
        return x
    return f, lambda: None


def divided(T):
    """A decision keeps zeros from a division of whole numbers."""
    def f(x):
        n, y = x.long(), x.long() * 0
        for _ in range(20):
            if n != 0:
                y = y + 100 // n
            n = n - 1
        return y
    return f, lambda: None


def random(T):
    def f(x):
        T.manual_seed(7)
        while x > 1:
            x = x * (0.5 + 0.1 * T.rand((), dtype=F64))
        return x
    return f, lambda: T.rand(2).clone()


def remembered(T):
    """Python state that a turn changes."""
    turns = 0

    def f(x):
        nonlocal turns
        while x > 1:
            x = x * 0.5
            turns += 1
        return x
    return f, lambda: turns


def refused(T):
    def f(x):
        while x > 1:
            x = x * 0.5
            if x.abs() > 40:
                raise ValueError("too far")
        return x
    return f, lambda: None


def indexed(T):
    table = T.arange(100, dtype=F64)

    def f(x):
        n = x.long()
        while n > 3:
            x = x + table[n]
            n = n - 2
        return x
    return f, lambda: None


def wide(T):
    """More elements than a loop keeps in registers, and others than one."""
    def f(x):
        y = x * T.ones(300, dtype=F64)
        while y.sum() > 200:
            y = y * 0.8 + y.sin() * 0.01
        return y
    return f, lambda: None


def descended(T):
    """A gradient in each turn."""
    def f(x):
        y = x
        slope = T.func.grad(lambda z: (z * z).sum() * 0.5)
        while (g := slope(y)).abs() > 0.5:
            y = y - 0.1 * g
        return y
    return f, lambda: None


def searched(T):
    """A step is halved until it goes down far enough; how often depends on where one is."""
    def f(x):
        def height(w):
            return ((w - 1) ** 2).sum() + 0.1 * (w ** 4).sum()

        slope = T.func.grad(height)
        w = T.stack((x, 0.5 * x - 1))
        for _ in range(12):
            g = slope(w)
            square, rate = (g * g).sum(), 0.5
            if square < 1e-2:
                break
            while height(w - rate * g) > height(w) - 0.1 * rate * square:
                rate /= 2
            w = w - rate * g
        return w.sum(), rate
    return f, lambda: None


def damped(T):
    """Levenberg and Marquardt: the damping falls while all goes well, and rises where it does not."""
    def f(x):
        damping = 1.0
        for _ in range(30):
            wrong, slope = x * x - 7, 2 * x
            there = x - slope * wrong / (slope * slope + damping)
            if (there * there - 7) ** 2 < wrong * wrong:
                x, damping = there, 0.5 * damping
            else:
                damping *= 3
            if wrong.abs() < 1e-6:
                break
        return x, damping
    return f, lambda: None


def curved(T):
    """Newton's method on a slope, by second derivatives, until it is flat."""
    def f(x):
        slope = T.func.grad(lambda z: z ** 4 - 3 * z * z + z)
        curve = T.func.grad(slope)
        turns = 0
        while slope(x).abs() > 1e-6:
            x = x - slope(x) / (curve(x).abs() + 0.1)
            turns += 1
        return x, turns
    return f, lambda: None


def _descended_within(outer, inner):
    """The least of what is greatest; steps are doubled after three that went well, and halved after one that did not.
    """
    def program(T):
        outside, inside = getattr(T.func, outer), getattr(T.func, inner)

        def least(h, x, gradient, turns):
            slope, value, rate, well = gradient(h), h(x), 0.05, 0
            g = slope(x)
            while (g * g).sum() > 1e-2 and turns:
                if well == 3:
                    rate, well = 2 * rate, 0
                there = x - rate * g
                found = h(there)
                turns -= 1
                if found < value:
                    x, value, g, well = there, found, slope(there), well + 1
                else:
                    rate, well = 0.5 * rate, 0
            return x

        def f(x):
            def greatest(p):
                def depth(q):
                    return (q - 0.3 * p) ** 2 - 0.5 * p * p

                return -depth(least(depth, x / x, inside, 12))

            return least(greatest, 0.1 * x, outside, 6)
        return f, lambda: None

    program.__name__ = f"{outer}_of_{inner}"
    return program


NESTED = [_descended_within(o, i) for o in ("grad", "jacfwd") for i in ("grad", "jacfwd")]
PROGRAMS = [newton, halved, counted, listed, with_else, nested, both_ways, written_outside, flagged, switched,
            given_mask, many_weights, whole_numbers, divided, random, remembered, refused, indexed, wide, descended,
            searched, damped, curved, *NESTED]
FOUND = {halved, counted, with_else, wide, descended, listed}
CALLS = 20.0, 20.0, 20.0, 20.0, 60.0, 20.0, 60.0, 60.0, 3.0, 20.0, 60.0, 90.0, 20.0, 1.0, 60.0, -7.0, 20.0


def bits(value):
    if isinstance(value, tuple):
        return tuple(map(bits, value))
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape, value.detach().contiguous().view(-1).view(torch.uint8).tolist()
    return value


def results(program, compiled, backward, dtype=F64):
    """What each of the calls gives, or raises, and what it leaves behind."""
    f, state = program(torch)
    made = torch.compile(f, **compiled) if compiled is not None else f
    found = []
    for value in CALLS:
        x = torch.tensor(value, dtype=dtype, requires_grad=backward)
        try:
            result = made(x)
            first = result[0] if isinstance(result, tuple) else result
            if backward and first.requires_grad:
                first.sum().backward()
            found.append((bits(result), bits(x.grad) if x.grad is not None else None))
        except ValueError as error:
            found.append(str(error))
        found.append(bits(state()))
        if compiled is not None:
            for variants in made.tapes.values():
                for variant in variants:
                    variant.wait()
    return found, made


def has_loops(made):
    works = [w for variants in made.tapes.values() for v in variants for w in v.works]
    return any(isinstance(s, Loop) or emitter.kernels.get(getattr(s, "a", 0), ("", "1"))[1].startswith("@")
               for w in works for s in w.steps)


@pytest.mark.parametrize("program, backward", [
    *((p, False) for p in PROGRAMS),
    *((p, True) for p in (halved, listed, both_ways, written_outside, switched, wide)),
], ids=lambda p: getattr(p, "__name__", "backward" * (p is True)))
def test_call_by_call(program, backward):
    expected, _ = results(program, None, backward)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, made = results(program, {}, backward)
    assert found == expected
    if program in FOUND:
        assert made.replays >= 4 and has_loops(made), made.explain()
