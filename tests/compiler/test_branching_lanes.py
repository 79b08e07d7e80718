"""`compile(vmap(f))` of functions that look at values: each lane goes its own way, as it does alone."""
from __future__ import annotations

import sys
import threading
import warnings

import pytest

import tapegrad as torch
from tapegrad.func import grad, grad_and_value, vmap
from tapegrad.lanes.branching import kernels

F64 = torch.float64
KNOWN = sys.version_info[:2] == (3, 11)  # whose frames show what an unfinished expression holds; elsewhere by paths
scale = 2.0
table = torch.tensor([0.5, 0.25], dtype=F64)


def chosen(x):
    return x * 2 if x > 1 else -x


def newton(a):
    x = a = a.abs() + 0.1
    while ((x * x - a).abs() > 1e-5 * a).item():
        x = 0.5 * (x + a / x)
    return x


def halved(x):
    while x > 1:
        x = x * 0.5
    return x


def until(x):
    while not x <= 1:
        x = x * 0.7 - 0.01
    return x * x


def broken(x):
    y = x * 1
    while True:
        y = y * 0.6 + 0.1
        if y < 0.5:
            break
        if y > 12:
            y = y - 11
            continue
        x = x + 0.25
    return x + y


def with_else(x):
    for turn in range(12):  # noqa: B007 - used after the loop
        if x <= 1:
            break
        x = x * 0.7
    else:
        x = x - 100
    return x * turn


def both_ways(x):
    for _ in range(20):
        x = x * 0.5 + 3 if x > 4 else x * 1.5 + 0.25
    return x


def nested(x):
    total = x * 0
    for _ in range(5):
        y = x
        while True:
            y = y * 0.6 - 0.01
            if y < 1:
                break
        total = total + y
        x = x * 0.9
    return total


def loop_in_loop(x):
    total = x * 0
    while x > 1:
        y = x
        while y > 0.3:
            y = y * 0.5
        total = total + y
        x = x * 0.6
    return total


def counted(x):
    """Python counts turns, and uses the number."""
    turns = 0
    while x > 1:
        x = x * 0.5
        turns += 1
    return x * turns


def listed(x):
    seen = [x]
    while x > 1:
        x = x * 0.5
        seen = [*seen[-2:], x * x]
    return sum(seen)


def added(x):
    """A write in place to what is carried on."""
    total = torch.zeros_like(x)
    while x > 1:
        total += x
        x = x * 0.5
    return total


def helper(v):
    return (v > 1) & (v < 100)


def called(x):
    while helper(x):
        x = x * 0.5
    return x


def recursive(x):
    return recursive(x * 0.5) + 1 if x > 1 else x


def any_of(x):
    while any(v > 1 for v in (x, x * 0.5)):
        x = x * 0.5
    return x


def constants(x):
    factors = table.to(x.dtype)
    while x * factors[0] > factors[1] * scale:
        x = x * factors[0]
    return x


def numbers_taken(x):
    return x * int(x) if x.item() > 2.5 else x


def objects(x):
    class Sum:
        value = 0.0
    of = Sum()
    while x > 1:
        x = x * 0.5
        of.value = of.value + x
    return of.value + x


def sloped(x):
    slope = grad(lambda z: z * z * 0.5)
    while (g := slope(x)).abs() > 0.5:
        x = x - 0.3 * g
    return x


def quiet(x):
    while x > 1:
        with torch.no_grad():
            y = x * 0.5
        x = x * 0.5 + y * 0.1
    return x


LANES = torch.tensor([-3.0, 0.0, 0.3, 1.0, 1.5, 2.0, 7.5, 20.0, 20.0, 90.0, 2.5, 40.0], dtype=F64)
PROGRAMS = [chosen, newton, halved, until, broken, with_else, both_ways, nested, loop_in_loop, counted, listed, added,
            called, recursive, any_of, constants, numbers_taken, objects, sloped, quiet]
BY_PATHS = {any_of, numbers_taken, sloped, quiet, objects}  # the others are read as graphs


def alone(f, x):
    return torch.stack([f(v) for v in x])


def bits(x):
    return x.dtype, tuple(x.shape), x.detach().contiguous().view(-1).view(torch.uint8).tolist()


@pytest.mark.parametrize("f, dtype", [*((f, F64) for f in PROGRAMS), *(
    (f, torch.float32) for f in (newton, broken, loop_in_loop, constants))],
    ids=lambda x: getattr(x, "__name__", str(x)))
def test_as_alone(f, dtype):
    """Values and gradients, to the bit, of few lanes and of more than a register holds."""
    made = torch.compile(vmap(f))
    for count in (12, 12, 40) if f not in BY_PATHS else (12,):
        x, y = (LANES.to(dtype).repeat(4)[:count].requires_grad_() for _ in range(2))
        expected, found = alone(f, x), made(y)
        assert bits(found) == bits(expected)
        expected.sum().backward()
        found.sum().backward()
        assert bits(y.grad) == bits(x.grad)
        with torch.no_grad():
            assert bits(made(y)) == bits(expected)
    assert not KNOWN or (made.grouped.why is not None) == (f in BY_PATHS), made.grouped.why


@pytest.mark.parametrize("f", [halved, newton, broken, loop_in_loop, chosen], ids=lambda f: f.__name__)
@pytest.mark.parametrize("transform", [grad, grad_and_value], ids=lambda t: t.__name__)
def test_gradient_of_each(f, transform):
    made = torch.compile(vmap(transform(f)))
    for _ in range(2):
        found = made(LANES)
        single = [transform(f)(v) for v in LANES]
        if transform is grad:
            found, single = (found,), [(g,) for g in single]
        assert [*map(bits, found)] == [bits(torch.stack(column)) for column in zip(*single)]
    assert not KNOWN or made.grouped.why is None


@pytest.mark.parametrize("room", [1, 3])
@pytest.mark.parametrize("f", [halved, until, newton, loop_in_loop], ids=lambda f: f.__name__)
def test_more_turns_than_there_is_room_for(monkeypatch, f, room):
    monkeypatch.setattr(kernels, "_FIRST_TURNS", room)
    monkeypatch.setattr(kernels, "AT_ONCE", 2 * room)
    test_as_alone(f, F64)


@pytest.mark.parametrize("lanes", [[5.0], [0.5], [0.5] * 70, [64.0] * 70, [float("nan")] * 3,
                                   [float("nan"), 8.0, float("inf") * 0, 3.0], [-0.0, 0.0]], ids=str)
def test_counts_of_turns(lanes):
    """None, the same for all, and where the condition is no number: a lane ends there as it does alone."""
    x = torch.tensor(lanes, dtype=F64)
    for f in (halved, both_ways, added):
        made = torch.compile(vmap(f))
        for _ in range(2):
            assert bits(made(x)) == bits(alone(f, x))


def collatz(n):
    turns = n * 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        turns = turns + 1
    return turns


def truth(x):
    while x:  # of a number, not of a comparison
        x = (x.abs() - 1).clamp(min=0)
    return x + 1


@pytest.mark.parametrize("f, dtype", [
    (collatz, torch.int64), (collatz, torch.int32), (truth, F64), (truth, torch.int64), (truth, torch.float16),
    (truth, torch.bfloat16), (halved, torch.float16), (halved, torch.bfloat16)], ids=str)
def test_dtypes(f, dtype):
    x = torch.arange(1, 13).to(dtype)
    made = torch.compile(vmap(f))
    for _ in range(2):
        assert bits(made(x)) == bits(alone(f, x))


def solved(a, b):
    """Lanes of vectors and matrices, with results of several kinds."""
    x = torch.zeros_like(b)
    while (r := b - a @ x).norm() > 1e-3:
        x = x + 0.2 * r
    return {"x": x, "largest": (x.abs().max(), x > 0)}


def test_lanes_of_any_shape():
    torch.manual_seed(0)
    a = torch.eye(3, dtype=F64) * (1 + torch.rand(9, 1, 1, dtype=F64)) + torch.rand(9, 3, 3, dtype=F64) * 0.1
    b = torch.randn(3, 9, dtype=F64) * torch.arange(9.0)
    a.requires_grad_()
    made = torch.compile(vmap(solved, in_dims=(0, 1), out_dims={"x": 1, "largest": 0}))
    for _ in range(2):
        a.grad = None
        found = made(a, b)
        found["x"].sum().backward()
        got = a.grad
        a.grad = None
        expected = [solved(m, v) for m, v in zip(a, b.T)]
        x = torch.stack([e["x"] for e in expected], 1)
        x.sum().backward()
        assert torch.allclose(found["x"], x, rtol=1e-12) and torch.allclose(got, a.grad, rtol=1e-10)
        assert bits(found["largest"][1]) == bits(torch.stack([e["largest"][1] for e in expected]))
    assert not KNOWN or made.grouped.why is None


def test_arguments():
    """One for all lanes, Python numbers, and both ways to say it."""
    def f(x, most, step):
        while x > most:
            x = x - step
        return x

    for made in (torch.compile(vmap(f, in_dims=(0, None, None))), vmap(torch.compile(f), in_dims=(0, None, None))):
        for step in (0.5, 0.5, 0.25):
            for most in (torch.tensor(1.0, dtype=F64), 3.0):
                expected = torch.stack([f(v, most, step) for v in LANES])
                assert bits(made(LANES, most, step)) == bits(expected)


def test_eager_and_nested_are_refused():
    for made in (vmap(halved), vmap(vmap(torch.compile(halved))), torch.compile(vmap(vmap(halved)))):
        with pytest.raises(RuntimeError, match="data-dependent control flow"):
            made(LANES.view(3, 4) if made is not vmap(halved) else LANES)
    with pytest.raises(RuntimeError, match="data-dependent control flow"):
        torch.compile(vmap(halved, randomness="same"))(LANES)
    with pytest.raises(RuntimeError, match="data-dependent control flow"):
        torch.compile(vmap(halved))(LANES[:0])


def test_changes_are_seen(monkeypatch):
    """What the function reads by name may be another at the next call."""
    made = torch.compile(vmap(constants))
    for change in (lambda: None, lambda: monkeypatch.setitem(globals(), "scale", 0.5), lambda: table.mul_(1.5),
                   lambda: table.data.numpy().__setitem__(1, 0.4),
                   lambda: monkeypatch.setitem(globals(), "table", torch.tensor([0.3, 0.2], dtype=F64))):
        change()
        for _ in range(2):
            assert bits(made(LANES)) == bits(alone(constants, LANES))


def test_a_parameter_gets_its_gradient():
    w = torch.tensor(0.5, dtype=F64, requires_grad=True)

    def f(x):
        while x > 1:
            x = x * w
        return x

    made = torch.compile(vmap(f))
    made(LANES).sum().backward()
    found, w.grad = w.grad, None
    alone(f, LANES).sum().backward()
    assert torch.allclose(found, w.grad, rtol=1e-14)


def test_errors_are_those_of_a_lane():
    def f(x):
        while x > 1:
            x = x * 0.5
            if x > 40:
                raise ValueError("too far")
        return x

    made = torch.compile(vmap(f))
    with pytest.raises(ValueError, match="too far"):
        made(LANES)
    assert bits(made(LANES[:5])) == bits(alone(f, LANES[:5]))

    def uneven(x):
        return x.expand(2) if x > 1 else x

    with pytest.raises(RuntimeError, match="same structure, dtypes and shapes"):
        torch.compile(vmap(uneven))(LANES)


def test_writes_are_refused():
    """A function that is called for each group must leave what it is given, and what it reads, as it was."""
    x = LANES.clone()

    def given(v):
        if v > 1:
            v.mul_(2)
        return v * 1

    with pytest.raises(RuntimeError, match="must not write"):
        torch.compile(vmap(given))(x)
    assert bits(x) == bits(LANES)
    turns = 0

    def remembered(v):
        nonlocal turns
        turns += 1
        return v * 2 if v > 1 else v

    with pytest.raises(RuntimeError, match="change what it reads"):
        torch.compile(vmap(remembered))(x)
    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="data-dependent"):
        warnings.simplefilter("ignore")
        torch.compile(vmap(lambda v: print(v) if v > 1 else v))(x)


def test_within_a_compiled_function():
    inner = torch.compile(halved)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outer = torch.compile(lambda x: vmap(inner)(x * 2).sum())
        for _ in range(3):
            assert outer(LANES) == alone(halved, LANES * 2).sum()


def test_twice_differentiated_is_refused():
    x = LANES.clone().requires_grad_()
    (g,) = torch.autograd.grad(torch.compile(vmap(both_ways))(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"differentiate twice|does not require grad"):
        torch.autograd.grad(g.sum(), x)


def test_threads():
    made, found = torch.compile(vmap(loop_in_loop)), []
    expected = bits(alone(loop_in_loop, LANES))

    def work():
        for _ in range(5):
            found.append(bits(made(LANES)) == expected)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [True] * 20


def test_what_is_done_is_told():
    made = torch.compile(vmap(halved))
    made(LANES)
    assert "lanes go their own ways" in made.explain()
