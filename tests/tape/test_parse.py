"""Round trips of the text, and what the parser says about texts that are no tape."""
from __future__ import annotations

import contextlib
import copy
import pickle
import random

import numpy as np
import pytest
from tape_programs import PROGRAMS, random_program

import tapegrad as torch
from tapegrad.tape import ParseError, Tape, TapeError

TEXT = """\
tape "loss"
in   %0  f32[2]  x ∂
 0   %1   f32[2]  mul  %0 2.5       -
 1   %2   f32[]   sum  %1 dim=(0,)  -
out  %2
"""


def check(tape: Tape) -> None:
    dumped = str(tape)
    parsed = Tape.parse(dumped)
    assert parsed == tape
    assert str(parsed) == dumped
    assert parsed.adjoint() == tape.adjoint()


@pytest.mark.parametrize("name", PROGRAMS)
def test_round_trip(name: str) -> None:
    check(PROGRAMS[name]())


@pytest.mark.parametrize("seed", range(40))
def test_round_trip_of_random_programs(seed: int) -> None:
    check(random_program(seed))


@pytest.mark.parametrize("name", ["mlp", "views", "nothing"])
def test_pickle_and_copy(name: str) -> None:
    tape = PROGRAMS[name]()
    for other in (pickle.loads(pickle.dumps(tape)), copy.deepcopy(tape)):
        assert other == tape and str(other) == str(tape)


def test_written_by_hand() -> None:
    tape = Tape.parse(TEXT + "# a comment\n")
    assert tape.constants == [2.5] and tape.operands == [(0, -1), (1,)] and tape.name == "loss"
    assert tape.verify().replay(np.array([1.0, 3.0], "f4")).item() == 10.0
    assert Tape.parse(str(tape)) == tape


def test_sources_survive() -> None:
    text = TEXT.replace("2.5       -", "2.5       -  1  MulBackward0  train.py:7").replace("loss", "a  b")
    tape = Tape.parse(text)
    assert tape.sources == ["train.py:7", ""] and tape.name == "a  b"
    check(tape)


@pytest.mark.parametrize("line, old, new, message", [
    (1, 'tape "loss"', "tap", r"expected a header such as: tape \"loss\", got 'tap'"),
    (2, "f32[2]  x", "f31[2]  x", r"expected a type such as f32\[2,3\].*got 'f31\[2\]'"),
    (2, "f32[2]  x", "f32[2,]  x", r"sizes and strides separated by single commas"),
    (2, "f32[2]  x", "f32[2]{1,1}  x", r"expected 1 strides in braces"),
    (2, "f32[2]  x", "f32[99999999999999]  x", r"expected a tensor that fits in memory"),
    (2, "x ∂", "x ∂ y", r"expected an input such as: in %0 f32\[2,3\] name ∂"),
    (3, "mul  %0", "mull  %0", r"expected an operation \(mul.*\?\), got 'mull'"),
    (3, "%0 2.5", "%7 2.5", r"expected a buffer that an earlier line defines, got '%7'"),
    (3, " 0   %1 ", " 0   %0 ", r"expected a buffer that no earlier line defines, got '%0'"),
    (3, "%0 2.5", "%0 two", r"expected an operand: a buffer such as %0, a number, or name=value, got 'two'"),
    (3, " 0   %1 ", " 5   %1 ", r"expected instruction 0, got"),
    (3, " 0   %1   f32[2]  mul", " 0   %1  mul", r"expected a type|in columns"),
    (4, "dim=(0,)", "dim=(0", r"expected , or \), got 'nothing'"),
    (4, "dim=(0,)", f"dim={'(' * 5000}", r"expected at most 64 tuples in each other"),
    (4, "dim=(0,)", "dim=zero", r"expected a value: a number, a string.*got 'zero'"),
    (4, "dim=(0,)", "dim=(0,) %0", r"expected operands before attributes, got '%0'"),
    (5, "out  %2", "", r"expected instruction 2, or: out, and the results, got 'the end of the text'"),
    (5, "out  %2", "out  %3", r"expected a buffer that an earlier line defines, got '%3'"),
    (6, "out  %2\n", "out  %2\nmore\n", r"expected nothing after the results, got 'more'"),
])
def test_errors_name_the_line_and_what_was_expected(line: int, old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(ParseError, match=message) as caught:
        Tape.parse(TEXT.replace(old, new))
    assert caught.value.line == line and str(caught.value).startswith(f"line {line}: ")


def test_an_attribute_that_is_no_number_is_what_it_is() -> None:
    x = torch.ones(3, requires_grad=True)
    tape = Tape.of(torch.nn.functional.hardshrink(x, float("nan")))
    assert "lambd=nan" in str(tape)
    assert Tape.parse(str(tape)) == tape == Tape.of(torch.nn.functional.hardshrink(x, float("nan")), name=tape.name)


def test_buffers_have_no_gaps() -> None:
    with pytest.raises(ParseError, match="expected buffers numbered from 0 to 2, got 'no %1'"):
        Tape.parse(TEXT.replace("%1", "%5"))


@pytest.mark.parametrize("text", ["", "\n\n", "tape", 'tape "x', "in %0"])
def test_no_tape_at_all(text: str) -> None:
    with pytest.raises(ParseError):
        Tape.parse(text)


@pytest.mark.parametrize("seed", range(30))
def test_garbled_texts_never_raise_anything_else(seed: int) -> None:
    draw = random.Random(seed)
    text = list(str(PROGRAMS["views"]()))
    for _ in range(6):
        text[draw.randrange(len(text))] = draw.choice('%0123456789 ()[]{},="\n∂~-xf')
    with contextlib.suppress(ParseError, TapeError):
        Tape.parse("".join(text)).verify()
