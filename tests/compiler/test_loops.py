"""Loops of Python found again in programs: to the last bit what the same programs compute without them."""
from __future__ import annotations

import importlib
import re
import warnings

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import repeats
from tapegrad.compiler.passes import PASSES
from tapegrad.compiler.traced_program import Loop, Step, does
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.learning import capturing

WITHOUT = tuple(p for p in PASSES if p != "loops")
F64 = torch.float64


@pytest.fixture(autouse=True)
def short_loops(monkeypatch):
    """Programs of tests are short."""
    monkeypatch.setattr(repeats, "LEAST", 12)


def scalars(*values, grad=True, dtype=F64):
    return [torch.tensor(v, dtype=dtype, requires_grad=grad) for v in values]


def loops_in(compiled):
    """How many loops a compiled function's programs have, those that are one kernel included."""
    (variants,) = compiled.tapes.values()
    variants[-1].wait()
    items = [item for work in variants[-1].works for item in work.steps]
    return sum(isinstance(item, Loop) or emitter.kernels.get(getattr(item, "a", 0), ("", "1"))[1].startswith("@")
               for item in items)


def everything(result, leaves):
    tensors = [*(result if isinstance(result, (tuple, list)) else [result]), *(leaf.grad for leaf in leaves)]
    return [None if t is None else (t.double() if t.dtype is torch.bfloat16 else t).detach().numpy().copy()
            for t in tensors if not isinstance(t, (int, float))]


def same(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.tobytes() == b.tobytes() and a.shape == b.shape, (a, b)


def built(make):
    """What a function is compiled to, with its superinstructions."""
    run, _ = make()
    compiled = torch.compile(run)
    for _ in range(3):
        compiled()
    (variant,), = compiled.tapes.values()
    variant.wait()
    return variant


def check(make, found=True):
    """A program is the same with loops as without; `make` gives a function and its leaves anew."""
    results = []
    for passes in (None, (), ("loops",), WITHOUT, tuple(PASSES)):
        function, leaves = make()

        def run(function=function, leaves=leaves):
            for leaf in leaves:
                leaf.grad = None
            return function()

        made = run if passes is None else torch.compile(run, passes=passes)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(5):
                result = made()
            if passes is not None:
                count = loops_in(made)
                result = made()
                assert made.replays >= 2, made.explain()
                assert found is None or bool(count) == (found and "loops" in passes), (passes, count)
        results.append(everything(result, leaves))
    as_written, plain, rolled, fused, full = results
    same(plain, as_written)
    same(rolled, plain)
    same(full, fused)


def pendulum(steps, dtype=F64):
    theta0, omega0, gravity = leaves = scalars(0.5, 0.0, 9.81, dtype=dtype)

    def run():
        theta, omega = theta0, omega0
        for _ in range(steps):
            theta, omega = theta + 0.001 * omega, omega - 0.001 * (gravity * theta.sin())
        theta.backward()
        return theta.detach()

    return run, leaves


@pytest.mark.parametrize("at_once", [64, 1 << 17])
def test_what_a_long_call_noted_is_let_go_as_it_is_analysed(monkeypatch, at_once):
    """It is worked on piece by piece, and its memory given back: the next capture starts with other events."""
    seen = []
    monkeypatch.setattr(capturing, "MANY", 500)
    monkeypatch.setattr(capturing, "AT_ONCE", at_once)
    monkeypatch.setattr(capturing.Trace, "forget", lambda self, *counts, old=capturing.Trace.forget: (
        seen.append(self.settled), old(self, *counts)))
    check(lambda: pendulum(400))
    assert True in seen


@pytest.mark.parametrize("steps", [8, 31, 100])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_scalars(steps, dtype):
    check(lambda: pendulum(steps, dtype))


def of(body, *shapes, dtype=F64, seed=0):
    """A program from what it does to leaves of these shapes."""
    def make():
        rng = np.random.default_rng(seed)
        leaves = [torch.tensor(rng.uniform(0.3, 1.2, s), dtype=dtype, requires_grad=True) for s in shapes]

        def run():
            result = body(*leaves)
            total = result[-1] if isinstance(result, tuple) else result
            total.sum().backward()
            return [t.detach() for t in result] if isinstance(result, tuple) else result.detach()

        return run, leaves

    return make


def counted(x, w):
    for i in range(30):
        x = x * w + 0.01 * i  # another number each turn
    return x


def after_a_prologue(x, w):
    y = x.exp() * w
    z = y.sin() + x
    for _ in range(25):
        y, z = (y + z) * 0.5, (y * w).cos()
    y = y * z - w
    return y.tanh() + z


def two_in_a_row(x, w):
    for _ in range(20):
        x = (x * w).sin()
    for _ in range(30):
        w = w - 0.1 * x * w
    return x * w


def nested(x, w):
    for _ in range(12):
        for _ in range(6):
            x = x - 0.1 * w * x
        w = w + 0.01 * x.cos()
    return x + w


def triangular(x, w):
    for i in range(14):
        for _ in range(i):
            x = x - 0.01 * w * x
        w = w * 0.99 + x
    return x * w


def branching(x, w):
    for i in range(40):
        x = (x * w).sin() if i % 3 else x + w * w
    return x


def early_exit(x, w):
    for i in range(1000):
        x = x * 0.9 + w
        if i * i > 2000:
            break
    return x


def several_states(x, w):
    a, b, c, d = x, w, x * w, x + w
    for _ in range(30):
        a, b, c, d = b, c, d, (a * b + c.sin() * d) * 0.3
    return a + b + c + d


def swapping(x, w):
    a, b = x, w
    for _ in range(33):
        a, b = b * 0.9, a + 0.1
    return a * b


def lagging(x, w):
    past = [x, w, x * w]
    for _ in range(40):
        past.append((past[-1] * past[-3]).sin() + 0.1 * past[-2])
    return past[-1] + past[7] * past[20]


def all_summed(x, w):
    kept = []
    for _ in range(20):
        x = x * w + 0.1
        kept.append(x)
    total = kept[0]
    for k in kept[1:]:
        total = total + k * k
    return total


def backwards_over_kept(x, w):
    kept = []
    for _ in range(20):
        x = x * w + 0.1
        kept.append(x)
    total = w
    for k in reversed(kept):
        total = total * 0.5 + k
    for k in kept[::2]:
        total = total * 0.5 - k
    return total


def stacked(x, w):
    kept = []
    for _ in range(20):
        x = (x * w).sin()
        kept.append(x)
    return torch.stack(kept).sum(0) + x


def returned(x, w):
    kept = []
    for _ in range(20):
        x = (x * w).cos()
        kept.append(x)
    return (*kept, x)


def selected(x, w):
    total = x[0] * w[0]
    for i in range(1, 24):
        total = total * 0.9 + x[i] * w[0]
    return total


def selected_from_behind(x, w):
    total = x[0] * w[0]
    for i in range(23, 2, -1):
        total = total * 0.9 + x[i] * x[i - 1]
    return total


def mixed_dtypes(x, w):
    y = x.float()
    for _ in range(20):
        y = y * 0.9 + 0.1
        x = x + y.double() * w
    return x


def comparing(x, w):
    for _ in range(20):
        x = torch.where(x > w, x * 0.7, x + w * 0.3)
    return x


def whole_numbers(x, w):
    n = torch.tensor(3)
    for _ in range(20):
        n = n * 3 % 17
        x = x + w * n
    return x


def written_in_place(x, w):
    y = x * 1.0
    for _ in range(20):
        y = y.clone()
        y.mul_(0.9).add_(w)
    return y


def written_in_one_place(x, w):
    with torch.no_grad():
        y = x.detach().clone()
        for _ in range(30):
            y.mul_(0.9).add_(w)
            y.sub_(y * y * 0.1)
    return x * y


def written_into_parts(x, w):
    out = torch.zeros(30, dtype=F64)
    with torch.no_grad():
        y = x.detach()[0]
        for i in range(30):
            y = y * 0.9 + w[0]
            out[i] = y
    return (out * x[0]).sum() + w.sum()


def cumulated_in_place(x, w):
    with torch.no_grad():
        out = x.detach().clone()
        for i in range(1, 24):
            out[i] += out[i - 1] * w[0]
    return (out * x).sum()


def vectors(x, w):
    h = x
    for _ in range(15):
        h = (h * w + x).tanh() - 0.1 * h.sum() * w
    return h


def gates(x, w):
    """Slices and `cat`, as in an LSTM by hand."""
    h = c = torch.zeros(4, dtype=F64)
    for t in range(12):
        joined = torch.cat([h, x[t]])
        i, f, o, g = (joined * w)[:4], (joined + w)[4:], joined[2:6] * w[:4], joined[::2] - w[1::2]
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    return h + c


def products(x, w):
    h = x
    for _ in range(12):
        h = (w @ h).tanh()
    return h


def reductions(x, w):
    for _ in range(15):
        x = x - x.mean() + w * x.max()
        x = x / (1 + x.pow(2).sum().sqrt())
    return x


def softmaxes(x, w):
    for _ in range(15):
        x = torch.softmax(x * w, 0) + w.logsumexp(0)
    return x


SCALARS = [counted, after_a_prologue, two_in_a_row, nested, several_states, swapping, lagging, all_summed,
           backwards_over_kept, stacked, mixed_dtypes, comparing, whole_numbers, written_in_place,
           written_in_one_place, early_exit]


@pytest.mark.parametrize("body", SCALARS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_loops_of_scalars(body, dtype):
    check(of(body, (), (), dtype=dtype))


def test_what_a_step_does_is_not_where_it_is_written():
    """Python specialises what runs often, and says another place in the same line then: captures are still alike."""
    step = Step(rec.KERNEL, 1, 2, (), b"", (5,))
    assert does(Loop(3, (step,))) == does(Loop(3, (step._replace(lines=(7,)),))) != does(Loop(3, (step._replace(b=3),)))


@pytest.mark.parametrize("body", SCALARS, ids=lambda f: f.__name__)
def test_the_same_on_short_vectors(body):
    check(of(body, (5,), (5,)))


@pytest.mark.parametrize("body, found", [(triangular, None), (branching, True), (returned, None)],
                         ids=lambda f: getattr(f, "__name__", None))
def test_what_fits_in_part_or_not_at_all(body, found):
    check(of(body, (), ()), found)
    check(of(body, (3,), (3,)), found)


@pytest.mark.parametrize("body, shapes", [
    (selected, ((24,), (1,))), (selected_from_behind, ((24,), (1,))), (written_into_parts, ((3,), (1,))),
    (cumulated_in_place, ((24,), (1,))), (vectors, ((7,), (7,))), (gates, ((12, 4), (8,))),
    (products, ((6,), (6, 6))), (reductions, ((9,), (9,))), (softmaxes, ((9,), (9,))), (vectors, ((3, 5), (3, 5))),
    (vectors, ((1,), (1,))), (vectors, ((0,), (0,))),
], ids=lambda f: getattr(f, "__name__", None))
def test_loops_of_arrays(body, shapes):
    check(of(body, *shapes), None)


def handed_on(x, w):
    for _ in range(20):
        x = x * w + x.flip(0)
    return x


def read_late(x, w):
    """The last turn's value is wanted when this turn's is there already."""
    y = x
    for _ in range(20):
        x, y = y.flip(0) * w, x
        x = x + y.flip(0)
    return x + y


def exchanged(x, w):
    y = x * w
    for _ in range(20):
        x, y = y.flip(0), x.flip(0) * w
    return x - y


def seen_after(x, w):
    first = x = x * w
    for _ in range(20):
        last, x = x, x.flip(0) * w
    return first + last.flip(0), x


def filled_in_parts(x, w):
    for _ in range(20):
        y = torch.zeros(14, dtype=F64)
        y[:7] = x[7:] * w[:7]
        y[10:] = x[:4]
        x = y
    return x


@pytest.mark.parametrize("body, less", [
    (handed_on, False), (read_late, True), (exchanged, True), (seen_after, True), (filled_in_parts, False),
], ids=lambda f: getattr(f, "__name__", None))
def test_what_turns_hand_on(body, less, monkeypatch):
    program = of(body, (14,), (14,))
    check(program, None)
    slim = built(program).program.size
    monkeypatch.setattr(importlib.import_module("tapegrad.compiler.passes.loops"), "_carried", lambda steps, *_: steps)
    full = built(program).program.size
    assert (slim < full) == less  # one slot, not one a turn


def test_backward_outside():
    """The model alone is compiled; what the backward reads lies in arrays by the turn."""
    def rnn(x, w):
        h = x[0]
        for t in range(1, 30):
            h = (h * w + x[t]).tanh()
        return h, h * 2

    results = []
    for passes in (WITHOUT, tuple(PASSES)):
        model = torch.compile(rnn, passes=passes)
        rng = np.random.default_rng(0)
        x, w = (torch.tensor(rng.uniform(-1, 1, s), dtype=F64, requires_grad=True) for s in ((30, 3), (3,)))
        for _ in range(5):
            x.grad = w.grad = None
            h, twice = model(x, w)
            (h.sum() + twice.pow(2).sum()).backward()
        assert bool(loops_in(model)) == ("loops" in passes) and model.replays
        results.append(everything((h, twice), (x, w)))
    same(*results)


def test_random_numbers_and_numbers_that_vary():
    results = []
    for passes in (None, WITHOUT, tuple(PASSES)):
        torch.manual_seed(3)
        x = torch.tensor(0.7, dtype=F64, requires_grad=True)
        rate = [0.1]

        def step(x=x, rate=rate):
            y = x
            for _ in range(25):
                y = y - rate[0] * (y * torch.rand((), dtype=F64)) + x * rate[0]
            x.grad = None
            y.backward()
            return y.detach()

        made = step if passes is None else torch.compile(step, passes=passes)
        found = []
        for _ in range(8):
            found += everything(made(), (x,))
            rate[0] *= 0.9
        if passes is not None:
            assert made.replays, made.explain()
            assert bool(loops_in(made)) == ("loops" in passes)
        results.append(found)
    same(results[1], results[0])
    same(results[2], results[1])


def test_a_training_loop_inside():
    """Gradient descent within a call: each turn has a forward, a backward and an update in place."""
    def program():
        w = torch.tensor([0.5, -0.3], dtype=F64, requires_grad=True)
        x = torch.tensor([1.0, 2.0], dtype=F64)

        def run():
            with torch.no_grad():
                w.copy_(torch.tensor([0.5, -0.3], dtype=F64))
            for _ in range(20):
                loss = ((w * x).sin() ** 2).sum()
                (g,) = torch.autograd.grad(loss, w)
                with torch.no_grad():
                    w.sub_(0.1 * g)
            return w.detach().clone(), loss.detach()

        return run, [w]

    check(program)


@pytest.mark.parametrize("looks, backward", [(False, True), (True, False), (True, True)])
def test_loops_within_one_whose_turns_are_long(looks, backward):
    """Each of the inner ones is a kernel, where the outer one would be a body of many."""
    def make():
        x, w = scalars(0.4, 0.9, grad=backward)

        def run():
            y = x
            for turn in range(6):
                for _ in range(100):
                    y = (y * w).sin() + 0.1 * y
                    if looks and y > 100 + turn:
                        break
                y = y * 0.5 + x
            if backward:
                y.backward()
            return y.detach()

        return run, [x, w] if backward else []

    check(make)
    assert one_kernel(make)


def test_what_is_looked_at_ends_a_loop():
    """A replay that finds another value on the way takes back what its loops wrote where others see it."""
    def program():
        x = torch.tensor(1.5, dtype=F64)
        total = torch.zeros((), dtype=F64)

        def run():
            for _ in range(20):
                total.add_(x * 0.1)
            if x.item() > 1:
                total.mul_(2)
            for _ in range(20):
                total.sub_(x * 0.05)
            return total.clone()

        return run, x

    results = []
    for passes in (None, WITHOUT, tuple(PASSES)):
        run, x = program()
        made = run if passes is None else torch.compile(run, passes=passes)
        found = []
        for value in (1.5, 1.5, 1.5, 1.5, 1.5, 0.5, 1.5, 0.5, 0.5, 0.5, 0.5, 1.5, 1.5):
            x.fill_(value)
            found.append(made().item())
        results.append(found)
    assert results[0] == results[1] == results[2]


def test_what_is_shown():
    run, _ = pendulum(50)
    compiled = torch.compile(run)
    for _ in range(5):
        compiled()
    loops_in(compiled)
    text = compiled.tape.dump()
    assert "loop 48 × {" in text and "8 t]" in text, text
    assert "phi double" in compiled.tape.dump("llvm")
    calls = int(re.search(r"(\d+) kernel calls captured", compiled.explain())[1])
    assert calls > 600, calls
    run, _ = of(vectors, (7,), (7,))()
    compiled = torch.compile(run, passes=("loops",))
    for _ in range(5):
        compiled()
    loops_in(compiled)
    assert "loop 14 × {\n" in compiled.tape.dump()


def test_a_list_of_tensors_is_gone_through_in_a_loop():
    """Inputs that lie anywhere in memory: copies of them, one a turn, are read forwards and in reverse."""
    def make():
        rng = np.random.default_rng(0)
        inputs = [torch.tensor(rng.normal(size=5)) for _ in range(40)]
        kept = [torch.tensor(rng.normal(size=k % 7 + 1)) for k in range(40)]  # what lies between them
        w = torch.tensor(rng.normal(size=5), requires_grad=True)

        def run(kept=kept):
            h = torch.zeros(5, dtype=F64)
            for x in inputs:
                h = torch.tanh(w * x + h)
            loss = (h * inputs[3]).sum()
            loss.backward()
            return loss.detach()

        return run, [w]

    check(make)


def test_a_list_of_tensors_that_is_written_is_left():
    inputs = [torch.tensor([float(k), 1.0], dtype=F64) for k in range(40)]

    def run():
        h = torch.zeros(2, dtype=F64)
        for x in inputs:
            h = h + x * 0.5
            x.add_(h)
        return h

    def twice(make):
        for k, x in enumerate(inputs):
            x.copy_(torch.tensor([float(k), 1.0], dtype=F64))
        return [make().numpy().copy() for _ in range(5)] + [x.numpy().copy() for x in inputs]

    same(twice(torch.compile(run)), twice(run))


def test_a_list_of_tensors_that_changes_between_calls():
    inputs = [torch.tensor([float(k), 1.0], dtype=F64) for k in range(40)]

    def run():
        h = torch.zeros(2, dtype=F64)
        for x in inputs:
            h = h * 0.9 + x
        return h

    compiled = torch.compile(run)
    for turn in range(5):
        inputs[7].mul_(2)
        if turn == 3:
            inputs[9].data = torch.tensor([5.0, 6.0], dtype=F64)
        same([compiled().numpy()], [run().numpy()])
    assert compiled.replays


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_short_vectors_are_scalars(dtype):
    """A body of a few elements, with slices and `cat`, is one kernel."""
    def make():
        rng = np.random.default_rng(0)
        x, p = (torch.tensor(rng.normal(size=3)).to(dtype).requires_grad_() for _ in range(2))

        def run():
            u = x
            for _ in range(20):
                k = torch.cat((p[:1] * u[2], p[1:] * u[:-1]))
                u = torch.where(u > 0.3, u * 0.5 - k, u + k * k[0])
            loss = u[2] * u[0] + u[1]
            loss.backward()
            return u.detach(), loss.detach()

        return run, [x, p]

    check(make)
    variant = built(make)
    bodies = [s for s in variant.works[0].steps if emitter.kernels.get(getattr(s, "a", 0), ("", "1"))[1][0] == "@"]
    assert bodies


@pytest.mark.parametrize("dtype", [torch.int64, torch.int16, torch.uint8], ids=str)
def test_short_vectors_of_whole_numbers(dtype):
    def make():
        x = torch.tensor([3, 5, 250 if dtype is torch.uint8 else -7]).to(dtype)

        def run():
            u, total = x, torch.zeros(3, dtype=dtype)
            for _ in range(20):
                u = torch.cat((u[1:], u[:1])) * 3 + (u & 5)
                total += u
            return u, total

        return run, []

    check(make)


def one_kernel(make):
    """Whether a function's loops are single kernels of scalars."""
    variant = built(make)
    steps = [s for work in variant.works for s in work.steps]
    return not any(isinstance(s, Loop) for s in steps) and any(
        emitter.kernels.get(getattr(s, "a", 0), ("", "1"))[1][0] == "@" for s in steps)


def lengths_of_pairs(u, p):
    return u - 0.1 * (u * u + p).sum() * u


def means_of_pairs(u, p):
    return u * 0.7 + (u - p).mean() * p


def sums_of_zeros(u, p):
    return torch.copysign(u, (u * -0.0).sum()) * 0.9 + p


@pytest.mark.parametrize("body, dtype, backward", [
    (lengths_of_pairs, torch.float64, True), (lengths_of_pairs, torch.float16, True),
    (lengths_of_pairs, torch.bfloat16, False), (means_of_pairs, torch.float32, True), (means_of_pairs, F64, False),
    (sums_of_zeros, torch.float64, False), (sums_of_zeros, torch.float32, True),
], ids=lambda p: getattr(p, "__name__", str(p)))
def test_sums_of_pairs_are_scalars(body, dtype, backward):
    """Two numbers make the same sum in whatever order they are added."""
    def make():
        x, p = (torch.tensor(v).to(dtype).requires_grad_(backward) for v in ([0.3, -0.7], [-0.0, 0.25]))

        def run():
            u = x
            for _ in range(20):
                u = body(u, p)
            loss = (u * u).sum()
            if backward:
                loss.backward()
            return u.detach(), loss.detach()

        return run, [x, p] if backward else []

    check(make)
    assert one_kernel(make) or backward


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool], ids=str)
def test_sums_of_pairs_of_whole_numbers(dtype):
    def make():
        x = torch.tensor([3, 250]).to(dtype)

        def run():
            u = x
            for _ in range(20):
                u = (u + u.sum()).to(dtype)
            return u, u.sum()

        return run, []

    check(make)


@pytest.mark.parametrize("count", [1, 3, 8, 9])
def test_sums_of_more_are_what_their_kernel_gives(count):
    """From three numbers on the order shows in the last bits."""
    def make():
        x = torch.tensor(np.random.default_rng(2).normal(size=count)).requires_grad_()

        def run():
            u = x
            for _ in range(20):
                u = u * 0.9 + u.sum() * 0.01 + (u * u).sum().sqrt()
            u.sum().backward()
            return u.detach()

        return run, [x]

    check(make, None)


def test_short_vectors_that_are_looked_at():
    """What is left of each turn, in a list, and what several loops share."""
    def make():
        rng = np.random.default_rng(1)
        x = torch.tensor(rng.normal(size=4), requires_grad=True)
        out = torch.zeros(30, 4, dtype=F64)

        def run():
            u, kept = x * 1, []
            for t in range(30):
                u = u * 0.9 + torch.sin(u[0]) * x
                out[t] = u.detach() * 2
                kept.append(u)
            loss = sum((k * k).sum() for k in kept)
            loss.backward()
            return loss.detach(), out.clone()

        return run, [x]

    check(make)


@pytest.mark.parametrize("dtype", [F64, torch.float32])
def test_what_a_turn_leaves_lies_side_by_side(dtype):
    """One pointer leads to all that the backward reads of a turn, and each is stored as soon as it is there."""
    def make():
        leaves = scalars(0.3, 0.7, 1.1, dtype=dtype)

        def run():
            x, y, z = leaves
            for _ in range(60):
                x, y, z = x + 0.01 * (y * z).sin(), y - 0.01 * (x * z).exp(), z + 0.01 * (x / y) * (x * y).sqrt()
            (x * y * z).backward()

        return run, leaves

    check(make)
    compiled = torch.compile(make()[0], eager_build=True)
    for _ in range(3):
        compiled()
    patterns = [emitter.kernels[s.a].pattern for work in compiled.tape.works for s in work.steps
                if s.kind == rec.KERNEL and s.a in emitter.kernels]
    forward, backward = (p.split(":") for p in patterns if p.startswith("@"))
    assert forward[0].count("w") > 6 and forward[2].count("=") > 5 and backward[2].count("=") > 5
