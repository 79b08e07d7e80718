"""Replays: on the machine, by the reference, from files, and recorded in their turn."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tape_programs import PROGRAMS, ramp, random_program

import tapegrad as torch
from tapegrad.tape import ParseError, Tape, TapeError


def arrays(results: object) -> list[np.ndarray]:
    found = results if isinstance(results, tuple) else (results,)
    return [r.detach().numpy() if isinstance(r, torch.Tensor) else np.asarray(r) for r in found]


def agree(tape: Tape, *inputs: object) -> None:
    for mine, reference in zip(arrays(tape.replay(*inputs)), arrays(tape.replay_reference(*inputs))):
        assert mine.shape == reference.shape and mine.dtype == reference.dtype
        np.testing.assert_allclose(mine, reference, rtol=2e-5 if mine.dtype == np.float32 else 1e-12, atol=1e-7)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_machine_agrees_with_the_reference(name: str) -> None:
    agree(PROGRAMS[name]())


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_agree(seed: int) -> None:
    tape = random_program(seed)
    agree(tape)
    agree(Tape.parse(str(tape)), *tape.values.values())


def test_replay_gives_what_was_recorded() -> None:
    x, w = ramp(3, 4), ramp(4, 2)
    y = (x @ w).tanh().sum(0)
    tape = Tape.of(y, inputs=[x, w])
    assert torch.equal(tape.replay(x, w), y)
    assert torch.equal(tape.replay(x * 2, w), (x * 2 @ w).tanh().sum(0))


def test_a_replay_is_recorded() -> None:
    x = ramp(3)
    tape = Tape.of((x * x[1:].exp().sum()).sum(), name="f")
    fresh = ramp(3)
    again = tape.replay(fresh)
    assert again.grad_fn.name() == "SumBackward0"
    again.backward()
    (x * x[1:].exp().sum()).sum().backward()
    assert torch.equal(fresh.grad, x.grad)
    assert Tape.of(again, name="f", names=tape.names and {"x": fresh}) == tape
    with torch.no_grad():
        assert not tape.replay(fresh).requires_grad


def test_in_place_operations_leave_the_inputs_alone() -> None:
    x, w = ramp(3, grad=False), ramp(3)
    was = x.clone()
    h = x.clone()
    h += w
    tape = Tape.of(h, inputs=[w])
    assert any(op.inplace_of is not None for op in tape.operations)
    given = ramp(3, grad=False)
    again = tape.replay(w, given)
    assert torch.equal(again, given + w) and torch.equal(given, was)
    again.sum().backward()
    assert w.grad.tolist() == [1, 1, 1]
    agree(tape, w, given)


HELD: list[torch.Tensor] = []  # what is written to: a tape holds no values of what is dead


def held(x):
    HELD.append(x)
    return x


def written(to, places, write=torch.Tensor.copy_):
    """`write` to some places of a tensor, one after the other."""
    for place, value in places:
        write(held(to[place]), value)
    return to


def read_then_written(o, w, read, place):
    was = read(o) * w
    return was + written(o, [(place, w[0] * 7)])


def each_from_the_last(w):
    x = held(torch.zeros(4))
    written(x, [(0, w[0])])
    for k in range(3):
        written(x, [(k + 1, x[k] * w[1] + 0.5)])
    return x


FILLED = {
    "by a copy": lambda w: held(torch.ones(3)).copy_(w * 2),
    "element by element": lambda w: written(held(torch.ones(3)), [(i, w[i] * 2) for i in range(3)]),
    "through a view": lambda w: written(held(held(torch.ones(2, 3)).t()), [(0, w[:2])]),
    "each from the last": each_from_the_last,
    "read between": lambda w: written(written(held(torch.ones(3)), [(1, w[0])]) * w[2], [(1, w[1])]),
    "beside what is read": lambda w: read_then_written(held(torch.ones(3)), w, lambda o: held(o[0]), 1),
}
OVERWRITTEN_INPUTS = {
    "a sum": lambda w: held(torch.zeros(3)).add_(w),
    "a part": lambda w: written(held(torch.ones(3)), [(slice(2), w[:2])], torch.Tensor.add_),
    "a view of a view": lambda w: written(held(held(torch.ones(3, 3)[1:]).t()), [(0, w[:2])], torch.Tensor.add_),
    "read, then written": lambda w: read_then_written(held(torch.ones(3)), w, lambda o: o, 1),
}


@pytest.mark.parametrize("fill", FILLED.values(), ids=FILLED)
def test_inputs_that_are_filled_are_filled_again(fill):
    made = fill(held(ramp(3))).sum()
    tape = Tape.of(made)
    for found in (tape.replay().item(), float(tape.replay_reference())):
        assert found == pytest.approx(made.item(), rel=1e-6)
    HELD.clear()


@pytest.mark.parametrize("write", OVERWRITTEN_INPUTS.values(), ids=OVERWRITTEN_INPUTS)
def test_inputs_that_are_overwritten_are_asked_for(write):
    tape = Tape.of(write(held(ramp(3))).sum())
    for run in (tape.replay, tape.replay_reference):
        with pytest.raises(TapeError, match=r"overwrites what it reads of %\d+.*replay needs \d+ inputs"):
            run()
    HELD.clear()


OVERWRITTEN = {
    "a view": lambda h, w: h.view(2, 2).mul_(w.view(2, 2)),
    "a part": lambda h, w: h[1:3].mul_(w[:2]),
    "every other": lambda h, w: h[::2].mul_(w[:2]),
    "a view of a view": lambda h, w: h.view(2, 2).t()[1].pow_(w[:2]),
    "twice": lambda h, w: h[:2].mul_(w[1:3]).div_(w[:2]),
    "all of it": lambda h, w: h.mul_(w),
}


@pytest.mark.parametrize("name", OVERWRITTEN)
def test_what_backward_reads_again_may_be_overwritten_through_a_view(name: str) -> None:
    def program(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        h = x * 2
        OVERWRITTEN[name](h, w)
        return (h * h).sum()

    x, w = ramp(4), ramp(4)
    y = program(x, w)
    tape = Tape.of(y, inputs=[x, w])
    for of in (tape, Tape.parse(str(tape))):
        assert torch.equal(of.replay(x, w), y)
        agree(of, x, w)
        for mine, recorded in zip(torch.autograd.grad(of.replay(x, w), [x, w], allow_unused=True),
                                  torch.autograd.grad(program(x, w), [x, w], allow_unused=True)):
            assert (mine is None and recorded is None) or torch.allclose(mine, recorded)


def test_a_base_that_was_given_is_left_alone() -> None:
    w, h = ramp(2), ramp(4, grad=False)
    h[:2].mul_(w)
    tape = Tape.of(h, inputs=[w])
    part, base = ramp(2, grad=False), ramp(4, grad=False)
    assert tape.replay(torch.tensor([2.0, 3.0]), part, base).tolist() == [*(part * torch.tensor([2, 3])), *base[2:]]
    assert torch.equal(base, ramp(4, grad=False)) and torch.equal(part, ramp(2, grad=False))
    agree(tape, w, part, base)


def test_arrays_and_numbers_are_inputs_too() -> None:
    x, s = ramp(2, 2), torch.tensor(2.0, requires_grad=True)
    tape = Tape.of(x * s, inputs=[x, s])
    result = tape.replay(np.ones((2, 2), "f4"), 3)
    assert result.tolist() == [[3.0, 3.0], [3.0, 3.0]]


@pytest.mark.parametrize("inputs, message", [
    ((1,), r"replay takes 2 inputs \(%0 \(x\), %1 \(w\)\), got 1"),
    ((torch.ones(3), torch.ones(4)), r"replay: %0 \(x\) is f32\[2,3\] on the tape, got f32\[3\]"),
    ((torch.ones(3, 2).t(), torch.ones(3)), r"%0 \(x\) is f32\[2,3\] on the tape, got f32\[2,3\]\{1,2\}"),
    ((np.ones((2, 3)), np.ones(3)), r"%0 \(x\) is f32\[2,3\] on the tape, got an array of float64\[2, 3\]"),
])
def test_inputs_that_do_not_fit(inputs: tuple[object, ...], message: str) -> None:
    x, w = ramp(2, 3), ramp(3)
    tape = Tape.of(x * w)
    with pytest.raises(TapeError, match=message):
        tape.replay(*inputs)


def test_values_that_are_gone_are_asked_for() -> None:
    x = ramp(3)
    y = x + torch.ones(3)
    tape = Tape.of(y)
    with pytest.raises(TapeError, match=r"the values of %1 are gone: replay needs 2 inputs"):
        tape.replay()
    assert torch.equal(tape.replay(x, torch.ones(3)), y)


@pytest.mark.parametrize("name", PROGRAMS)
def test_files(name: str, tmp_path: Path) -> None:
    tape = PROGRAMS[name]()
    file = tmp_path / "a tape"
    tape.save(file)
    loaded = Tape.load(file)
    assert loaded == tape and set(loaded.values) == set(tape.values)
    if len(loaded.values) == len(loaded.inputs):
        for one, other in zip(arrays(tape.replay()), arrays(loaded.replay())):
            np.testing.assert_array_equal(one, other)


def test_saved_values_are_those_at_the_time_of_saving(tmp_path: Path) -> None:
    w = ramp(2)
    tape = Tape.of(w * 3)
    with torch.no_grad():
        w += 1
        then = w.clone()
    tape.save(tmp_path / "t")
    with torch.no_grad():
        w += 1
    (value,) = Tape.load(tmp_path / "t").values.values()
    assert torch.equal(value, then)


def test_damaged_files(tmp_path: Path) -> None:
    file = tmp_path / "t"
    PROGRAMS["layer"]().save(file)
    content = file.read_bytes()
    file.write_bytes(content[:len(content) // 2])
    with pytest.raises(TapeError, match="is not a saved tape"):
        Tape.load(file)
    with pytest.raises(FileNotFoundError):
        Tape.load(tmp_path / "none")
    np.savez(tmp_path / "u.npz", tape=np.array('tape "x"\nin  %0  f32[2]\nout  %0'), **{"%0": np.ones(3)})
    with pytest.raises(TapeError, match=r"input %0 is f32\[2\], its values are float64\[3\]"):
        Tape.load(tmp_path / "u.npz")
    np.savez(tmp_path / "v.npz", tape=np.array("no tape"))
    with pytest.raises(ParseError, match="line 1"):
        Tape.load(tmp_path / "v.npz")
