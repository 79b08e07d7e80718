"""Loops that are run again for their backward: the same gradients to the last bit, in less memory."""
from __future__ import annotations

import functools
import re
import warnings

import numpy as np
import pytest
import test_loops as programs

import tapegrad as torch
from tapegrad.compiler import repeats
from tapegrad.compiler.checkpointing import rewriting
from tapegrad.compiler.checkpointing.schedules import advances, schedule
from tapegrad.machine import records as rec

F64 = torch.float64


@pytest.fixture(autouse=True)
def short_loops(monkeypatch):
    """Programs of tests are short."""
    monkeypatch.setattr(repeats, "LEAST", 12)
    monkeypatch.setattr(rewriting, "RUNS", 200)


@functools.cache
def fewest(segments, snapshots):
    """How many segments must be advanced through, by trying everything."""
    if segments == 1 or snapshots == 1:
        return segments * (segments - 1) // 2
    return min(k + fewest(segments - k, snapshots - 1) + fewest(k, snapshots) for k in range(1, segments))


@pytest.mark.parametrize("snapshots", [1, 2, 3, 5, 9])
def test_a_schedule_is_right_and_none_is_shorter(snapshots):
    for segments in range(1, 32):
        at, kept, recorded, reversed_ = 0, {}, None, []
        actions = [*schedule(segments, snapshots)]
        for kind, segment, snapshot in actions:
            if kind == "restore":
                at = kept[snapshot]
            if kind == "reverse":
                assert recorded == segment
                reversed_.append(segment)
                continue
            assert at == segment
            if kind == "store":
                assert snapshot < snapshots
                kept[snapshot] = at
            elif kind == "advance":
                at += 1
            elif kind == "record":
                at, recorded = None, segment
        assert reversed_ == [*range(segments)][::-1]
        count = sum(a.kind == "advance" for a in actions)
        assert count == advances(segments, snapshots) == fewest(segments, snapshots)


def compiled(make, times=5, captures=2, **options):
    """A program after some calls, what these gave, and what was warned of; `make` gives a function and its leaves."""
    function, leaves = make()

    def run():
        for leaf in leaves:
            leaf.grad = None
        return function()

    made, found = torch.compile(run, **options), []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            found += programs.everything(made(), leaves)
            for variant in [v for several in made.tapes.values() for v in several]:
                variant.wait()
            with torch.no_grad():
                for leaf in leaves:
                    leaf.mul_(1 + 2**-7)
    assert (made.captures, made.replays) == (captures, times - captures), made.explain()
    return made.tape, found, [str(w.message) for w in caught]


def least(make):
    """The least memory that a program needs, as the error says."""
    with pytest.raises(ValueError, match=r"memory=1 is too little: it needs at least \d+ bytes") as error:
        compiled(make, checkpoint="auto", memory=1)
    return int(re.search(r"least (\d+)", str(error.value))[1])


def check(make, loops_run_again=1, saves=0.9):
    """The same with any budget; the memory is that of the program itself."""
    whole, expected, _ = compiled(make)
    full = whole.program.size
    lowest = least(make)
    assert lowest < saves * full
    for memory in (None, lowest, (lowest + full) // 2, full - 1):
        tape, found, warned = compiled(make, checkpoint="auto", memory=memory)
        assert len(tape.run_again) == loops_run_again and not warned, (memory, warned)
        assert tape.program.size <= (memory or full - 1)
        programs.same(found, expected)
    tape, found, warned = compiled(make, checkpoint="auto", memory=full)
    assert not tape.run_again and not warned and tape.program.size == full


@pytest.mark.parametrize("steps, dtype", [
    (16, F64), (97, F64), (400, F64), (31, torch.float32), (31, torch.float16), (31, torch.bfloat16)], ids=str)
def test_numbers_of_steps_and_dtypes(steps, dtype):
    check(lambda: programs.pendulum(steps, dtype))


@pytest.mark.parametrize("body, shapes, count", [
    (programs.after_a_prologue, ((), ()), 1), (programs.two_in_a_row, ((), ()), 2),
    (programs.several_states, ((), ()), 1), (programs.mixed_dtypes, ((), ()), 1), (programs.comparing, ((), ()), 1),
    (programs.counted, ((5,), (5,)), 1), (programs.after_a_prologue, ((5,), (5,)), 1),
    (programs.two_in_a_row, ((5,), (5,)), 2), (programs.several_states, ((5,), (5,)), 1),
    (programs.vectors, ((7,), (7,)), 1), (programs.gates, ((12, 4), (8,)), 1), (programs.products, ((6,), (6, 6)), 1),
    (programs.reductions, ((9,), (9,)), 1), (programs.softmaxes, ((9,), (9,)), 1),
], ids=lambda f: getattr(f, "__name__", None))
def test_programs(body, shapes, count):
    check(programs.of(body, *shapes), count)


def test_few_steps_keep_all():
    for steps in (1, 2, 3, 5):
        tape, found, warned = compiled(lambda n=steps: programs.pendulum(n), checkpoint="auto")
        programs.same(found, compiled(lambda n=steps: programs.pendulum(n))[1])
        assert not tape.run_again and ["is not checkpointed" in w for w in warned] == [True]


@pytest.mark.parametrize("body, why", [
    (programs.lagging, "several loops read what one keeps"),
    (programs.all_summed, "its backward does not go back through what it keeps"),
    (programs.branching, "what it keeps is changed before its backward"),
    (programs.returned, "no loop was found in it that keeps anything for its backward"),
    (programs.written_in_one_place, "no loop was found in it that keeps anything for its backward"),
], ids=lambda f: getattr(f, "__name__", None))
def test_what_is_not_known_to_be_safe_keeps_all_and_says_why(body, why):
    whole, expected, _ = compiled(programs.of(body, (), ()))
    tape, found, warned = compiled(programs.of(body, (), ()), checkpoint="auto")
    assert [w.rpartition(": ")[2] for w in warned] == [why]
    assert tape.program.size == whole.program.size
    programs.same(found, expected)


def test_a_parameter_that_is_written_before_the_backward_keeps_all():
    def body(x, w):
        for _ in range(30):
            x = (x + w.detach()).sin()  # which keeps the sum alone
        with torch.no_grad():
            w.mul_(1.0)
        return x

    warned = compiled(programs.of(body, (), ()), checkpoint="auto")[2]
    assert ["something that it reads is written before its backward" in w for w in warned] == [True]


def test_arrays_that_are_large_are_looped_over_too():
    def body(u, c):
        v = torch.zeros(5000, dtype=F64)
        for _ in range(24):
            v = v + c * (torch.cat([u[1:], u[:1]]) - u)
            u = u + 0.1 * v.tanh()
        return u

    make = programs.of(body, (5000,), (5000,))
    function, leaves = make()
    as_written = programs.everything(function(), leaves)
    tape, found, warned = compiled(make, checkpoint="auto")
    programs.same(found[:len(as_written)], as_written)
    programs.same(found, compiled(make, passes=[])[1])
    assert tape.run_again and not warned


def test_training_inside():
    """Each epoch has its loops, and parameters that are another's by then."""
    def make():
        w, x = programs.scalars(0.9, 0.4)

        def run():
            for _ in range(2):
                y = x
                for _ in range(40):
                    y = (y * w).sin() + 0.1 * y
                y.backward()
                with torch.no_grad():
                    w.sub_(0.01 * w.grad)
                w.grad = None
            return y.detach()

        return run, [w, x]

    check(make, 2)


def test_second_derivatives():
    """The first backward is a loop that another goes back through: what is not known to be safe stays as it is."""
    def make():
        x, w = programs.scalars(0.4, 0.9)

        def run():
            y = x
            for _ in range(40):
                y = (y * w).sin() + 0.1 * y
            (slope,) = torch.autograd.grad(y, x, create_graph=True)
            (slope * slope).backward()
            return slope.detach()

        return run, [x, w]

    programs.same(compiled(make, checkpoint="auto")[1], compiled(make)[1])


def test_random_numbers_are_drawn_once():
    def make():
        torch.manual_seed(3)
        (w,) = programs.scalars(0.9)

        def run():
            y = w
            for z in torch.randn(30, dtype=F64).unbind():
                y = (y * w).sin() + z
            y.backward()
            return y.detach()

        return run, [w]

    tape, found, _ = compiled(make, checkpoint="auto")
    programs.same(found, compiled(make)[1])
    assert tape.run_again


def rollout(x, w):
    for _ in range(60):
        x = x - 0.1 * (x * w).sin()
    return x.sum()


def test_the_gradient_of_a_compiled_function():
    x, w = torch.tensor([0.5, 1.0, 2.0], dtype=F64), torch.tensor([1.5, 0.3, -1.0], dtype=F64)
    whole, checkpointed = torch.compile(rollout), torch.compile(rollout, checkpoint="auto")
    for _ in range(4):
        value, gradients = whole.grad(x, w)
        again = checkpointed.grad(x, w)
        programs.same([again[0].numpy(), *(g.numpy() for g in again[1])], [value.numpy(), *(
            g.numpy() for g in gradients)])
    whole.grad.tape.wait()
    assert checkpointed.grad.tape.program.size < whole.grad.tape.program.size / 2
    assert "a loop of" in checkpointed.grad.explain() and "each turn is computed 1." in checkpointed.grad.explain()
    assert any(s.kind == rec.LOOP or s.kind == rec.KERNEL for s in checkpointed.grad.tape.works[0].steps)


def test_a_backward_outside_keeps_all():
    made = torch.compile(rollout, checkpoint="auto")
    x = torch.tensor([0.5, 1.0], dtype=F64, requires_grad=True)
    with pytest.warns(UserWarning, match="is not checkpointed: the backward of its result is outside of it"):
        for _ in range(3):
            made(x, x.detach()).backward()


def test_a_batch_keeps_all():
    batched = torch.compile(torch.vmap(torch.func.grad(lambda x: rollout(x, x.detach()))), checkpoint="auto")
    x = torch.linspace(0.1, 1.0, 512, dtype=F64)[:, None]
    with pytest.warns(UserWarning, match="is not checkpointed"):
        for _ in range(4):
            found = batched(x)
    expected = torch.func.grad(lambda x: rollout(x, x.detach()))(x[3])
    assert np.allclose(found[3].numpy(), expected.numpy(), rtol=1e-15)


@pytest.mark.parametrize("options, error, says", [
    ({"checkpoint": "always"}, ValueError, "checkpoint must be 'auto' or None, not 'always'"),
    ({"checkpoint": True}, TypeError, "checkpoint must be 'auto' or None, not bool"),
    ({"memory": 1000}, ValueError, "memory goes with checkpoint='auto'"),
    ({"checkpoint": "auto", "memory": 1e6}, TypeError, "memory must be a number of bytes, an int, not float"),
    ({"checkpoint": "auto", "memory": True}, TypeError, "not bool"),
    ({"checkpoint": "auto", "memory": "1GB"}, TypeError, "not str"),
    ({"checkpoint": "auto", "memory": 0}, ValueError, "must be a positive number of bytes, not 0"),
    ({"checkpoint": "auto", "memory": -5}, ValueError, "not -5"),
])
def test_bad_options(options, error, says):
    with pytest.raises(error, match=re.escape(says)):
        torch.compile(rollout, **options)


def test_options_are_kept_by_copies_and_transforms():
    made = torch.compile(checkpoint="auto", memory=np.int64(5000))(rollout)
    for other in (made, made.grad, made.transformed(torch.func.grad), made.__copy__()):
        assert (other.checkpoint, other.memory) == ("auto", 5000)
