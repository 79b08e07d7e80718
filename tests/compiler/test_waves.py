"""Scalars in no order that repeats, as waves: to the last bit what the same programs compute as they are written."""
from __future__ import annotations

import warnings

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler import waves
from tapegrad.compiler.waves import is_wave
from tapegrad.machine.live import machine

REALS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


@pytest.fixture(autouse=True)
def short_runs(monkeypatch):
    """Programs of tests are short, and their waves narrow."""
    monkeypatch.setattr(waves, "LEAST", 8)
    monkeypatch.setattr(waves, "WIDE", 0)


def bits(tensor):
    """The bytes of a tensor's elements, all NaN alike: the sign of one is the processor's affair."""
    if tensor is None:
        return None
    tensor = tensor.detach().double() if tensor.is_floating_point() else tensor.detach()
    array = tensor.numpy()
    return (np.where(np.isnan(array), np.nan, array) if array.dtype.kind == "f" else array).tobytes()


def waves_in(compiled):
    """How many steps of waves the last program has."""
    variant = [*compiled.tapes.values()][-1][-1]
    variant.wait()
    return sum(is_wave(s) for s in variant.works[0].steps)


def check(function, values, found=True, passes=("loops",)):
    """What a call returns, and the gradients it leaves, are those of the function as written, for other values too."""
    leaves = [v.clone().requires_grad_(v.is_floating_point()) for v in values]

    def run():
        for leaf in leaves:
            leaf.grad = None
        results = function(*leaves)
        if results[0].requires_grad:
            results[0].backward()
        return [r.detach() for r in results]

    for chosen in (passes, None):
        made = torch.compile(run, passes=chosen)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for turn in range(4):
                with torch.no_grad():
                    for leaf, value in zip(leaves, values):
                        leaf.copy_(value * (1 + turn))
                expected = [bits(t) for t in (*run(), *(leaf.grad for leaf in leaves))]
                assert [bits(t) for t in (*made(), *(leaf.grad for leaf in leaves))] == expected
        assert made.replays and bool(waves_in(made)) == found


def minors(matrix):
    def minor(row, columns):
        if len(columns) == 1:
            return matrix[row][columns[0]]
        total = 0.0
        for k, c in enumerate(columns):
            term = matrix[row][c] * minor(row + 1, columns[:k] + columns[k + 1:])
            total = total - term if k % 2 else total + term
        return total

    return [minor(0, tuple(range(len(matrix))))]


def special(dtype, count=16):
    """Zeros of both signs, infinities, NaN, tiny and huge numbers among ordinary ones."""
    numbers = np.random.default_rng(0).normal(size=count)
    numbers[:8] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-7, -6e4, 1.0]
    return torch.tensor(numbers, dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_minors(dtype):
    matrix = torch.tensor(np.random.default_rng(0).normal(size=(4, 4))).to(dtype)
    check(minors, [matrix])
    check(minors, [special(dtype).reshape(4, 4)])


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_functions_of_scalars(dtype):
    def tangle(x):
        found = [x[i] for i in range(16)]
        for i in range(16):
            a, b, c = found[i], found[(5 * i + 3) % len(found)], found[-1 - i]
            found.append((torch.sin(a) * b + torch.exp(-c * c)) / (1 + b.abs()))
            found.append(torch.where(a > b, a, c * 0.5).to(torch.float32).to(dtype))
        return [sum(found[16:]), found[20], *found[30:40]]

    check(tangle, [special(dtype)])


def test_sums_of_parts_keep_their_zeros():
    """0 + -0 is 0, and what an element of a gradient began as is seen in its sign."""
    def parts(x):
        rows = [x[i] for i in range(4)]
        total = rows[0][0] * 1
        for i in range(4):
            for j in range(4):
                total = total + rows[i][j] * rows[(i + j) % 4][(3 * i) % 4]
        return [total * 0.0, total]

    signed = torch.tensor(np.where(np.arange(16) % 3, -0.0, 0.0).reshape(4, 4))
    check(parts, [signed])
    check(parts, [-torch.ones(4, 4, dtype=torch.float64)])
    check(parts, [special(torch.float64).reshape(4, 4)])


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool], ids=str)
def test_whole_numbers(dtype):
    def tangle(x):
        found = [x[i] for i in range(12)]
        for i in range(12):
            a, b = found[i], found[(7 * i + 2) % len(found)]
            found.append(a * b + a)
            found.append((a & b) ^ (b | a))
            found.append((a == b) | (a > b))
        return found[20:48]

    check(tangle, [(torch.arange(12) * 5 % 7).to(dtype)])


def test_writes_in_place():
    def writes(x):
        y = x * 1
        state = torch.zeros(8, dtype=x.dtype)
        for i in range(8):
            state[i] += y[i] * y[(3 * i) % 8]
            state[(i + 1) % 8].mul_(y[i])
            y = y + state.sum() * 0 if i == 100 else y
        out = torch.empty(6, dtype=x.dtype)
        for i in range(6):
            out[i] = state[i + 1] - state[i]
        return [out, state]

    with torch.no_grad():
        check(writes, [torch.tensor(np.random.default_rng(1).normal(size=8))])


def test_short_vectors_and_scalars():
    def mixed(x, w):
        h = x * 1
        for i in range(6):
            h = h * w[i] + x[i % 5]
            h = torch.where(h > 1, h * 0.5, h)
        return [h[0] * h[1] + h[2] / (h[3] * h[3] + 1), h]

    check(mixed, [torch.tensor(np.random.default_rng(2).normal(size=5)),
                  torch.tensor(np.random.default_rng(3).normal(size=6))])


def test_functions_of_vectors_are_left():
    """A sine of five elements is another function than five sines, in its last bit."""
    def waves_of(x):
        h = x * 1
        for i in range(10):
            h = torch.sin(h * x) + torch.exp(h[i % 5] * 0.1)
        return [h[0] * h[1] * h[2] * h[3] * h[4], h]

    for dtype in (torch.float64, torch.float32):
        check(waves_of, [torch.tensor(np.random.default_rng(2).normal(size=5)).to(dtype)])


def test_views_of_other_types():
    def views(x):
        y = x * 1
        z = y.view(torch.int32)
        found = [y[i] * y[(i + 1) % 8] for i in range(8)]
        return [found[0], *(z[i] * 2 for i in range(8)), *found]

    with torch.no_grad():
        check(views, [special(torch.float32, 8)])


def test_arguments_and_random_numbers():
    def tangle(x, y):
        noise = torch.rand(6, dtype=torch.float64)
        found = [x[i] * y[(2 * i + 1) % 6] + noise[i] for i in range(6)]
        for i in range(12):
            found.append(found[i] * found[-1] + 0.25)
        return found[-1] + found[-2], found[6]

    made = torch.compile(tangle, passes=("loops",))
    rng = np.random.default_rng(5)
    for turn in range(5):
        x, y = torch.tensor(rng.normal(size=6)), torch.tensor(rng.normal(size=12))[turn:turn + 6]
        torch.manual_seed(turn)
        expected = [bits(t) for t in tangle(x, y)]
        torch.manual_seed(turn)
        assert [bits(t) for t in made(x, y)] == expected
    assert made.replays and waves_in(made)


def test_backward_outside():
    """Forward and backward are programs of their own, and what one keeps the other finds."""
    made = torch.compile(lambda x: minors(x)[0], passes=("loops",))
    for turn in range(5):
        matrix = torch.tensor(np.random.default_rng(turn).normal(size=(4, 4)), requires_grad=True)
        again = matrix.detach().clone().requires_grad_()
        expected, found = minors(matrix)[0], made(again)
        expected.backward()
        found.backward()
        assert (bits(found), bits(again.grad)) == (bits(expected), bits(matrix.grad))
    (variant,), = made.tapes.values()
    assert made.replays and all(any(is_wave(s) for s in work.steps) for work in variant.works)
    assert len(variant.works) == 2


def test_equal_values_are_one_and_idle_ones_none():
    x = torch.tensor([2.0, 3.0], dtype=torch.float64)

    def many():
        kept = [x[0] * x[1] for _ in range(20)]
        idle = [x[0] + k for k in range(20)]
        return kept[3], kept[9], idle[7]

    made = torch.compile(many, passes=("loops",))
    for _ in range(3):
        assert [t.item() for t in made()] == [6.0, 6.0, 9.0]
    (variant,), = made.tapes.values()
    turns = [int(machine.memory(s.b, "i8", 3)[2]) for s in variant.works[0].steps if is_wave(s)]
    assert sum(turns) <= 2 + 2 + 3  # loads, values, stores


def test_what_lives_on_is_computed():
    """A tensor that a call leaves behind in none of its results."""
    x, left = torch.arange(12, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)

    def run():
        found = [x[i] * x[(5 * i + 1) % 12] for i in range(12)]
        for i in range(10):
            found.append(found[i] - found[-1])
        left[1] = found[-1]
        return found[-2] + 0

    made = torch.compile(run)
    for turn in range(4):
        x.add_(turn)
        expected = run().item(), left.tolist()
        left.zero_()
        assert (made().item(), left.tolist()) == expected
    assert made.replays and waves_in(made)


def test_listing():
    matrix = torch.tensor(np.random.default_rng(0).normal(size=(4, 4)))
    made = torch.compile(lambda: minors(matrix)[0])
    for _ in range(3):
        made()
    text = made.tape.dump()
    assert "a wave of" in text and "bytes" not in text.replace("= bytes", "")
    assert "define i32 @kernel" in made.tape.dump("llvm")
