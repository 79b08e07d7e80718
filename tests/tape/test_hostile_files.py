"""Files and texts that were damaged, or made to harm: an error that says so, or a tape that runs; nothing else."""
from __future__ import annotations

import io
import random
import re
import zipfile

import numpy as np
import pytest
from tape_programs import PROGRAMS, random_program

from tapegrad.tape import Tape, TapeError

TAPES = [make() for make in PROGRAMS.values()] + [random_program(seed) for seed in range(6)]
TEXTS = [str(tape).split("\n") for tape in TAPES]
TOKENS = sorted({word for lines in TEXTS for line in lines for word in line.split()})
ODD = "0123456789-%[],=~(){}.e∂\u0000 "


def damaged_bytes(draw: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        at = draw.randrange(len(out))
        match draw.randrange(3):
            case 0:
                out[at] = draw.randrange(256)
            case 1:
                del out[at:at + draw.randrange(1, 50)]
            case 2:
                out[at:at] = draw.randbytes(draw.randrange(1, 9))
    return bytes(out)


def damaged_lines(draw: random.Random, lines: list[str]) -> list[str]:
    out = list(lines)
    for _ in range(draw.choice([1, 1, 2, 4])):
        at = draw.randrange(len(out))
        line = out[at]
        match draw.randrange(5):
            case 0:
                columns = line.split("  ")
                columns[draw.randrange(len(columns))] = draw.choice(TOKENS)
                out[at] = "  ".join(columns)
            case 1:
                out.insert(at, draw.choice(draw.choice(TEXTS)))
            case 2 if len(out) > 2:
                del out[at]
            case 3 if line:
                i = draw.randrange(len(line))
                out[at] = line[:i] + draw.choice(ODD) + line[i + 1:]
            case 4:
                numbers = list(re.finditer(r"\d+", line))
                if numbers:
                    one = draw.choice(numbers)
                    other = str(draw.choice([0, 1, 7, 1000, 2**31, 2**63, -1]))
                    out[at] = line[:one.start()] + other + line[one.end():]
    return out


def runs_or_says_why(tape: Tape) -> None:
    """A tape that was accepted prints, and replays on zeros, if these are not too many."""
    assert Tape.parse(str(tape)) == tape
    tape.adjoint()
    if sum(layout.nbytes for layout in tape.layouts) < 1e7:
        zeros = [np.zeros(tape.layouts[b].shape, tape.layouts[b].dtype.numpy) for b in tape.inputs]
        try:
            tape.replay(*zeros)
        except (RuntimeError, ValueError, IndexError) as error:  # of the operation: an index out of range, say
            assert str(error)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_texts(seed):
    draw = random.Random(seed)
    for _ in range(20):
        lines = damaged_lines(draw, draw.choice(TEXTS))
        try:
            tape = Tape.parse("\n".join(lines)).verify()
        except TapeError:
            continue
        runs_or_says_why(tape)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_files(seed, tmp_path):
    draw = random.Random(seed)
    path = tmp_path / "a.tape"
    for _ in range(10):
        draw.choice(TAPES).save(path)
        path.write_bytes(damaged_bytes(draw, path.read_bytes()))
        try:
            tape = Tape.load(path)
        except TapeError:
            continue
        runs_or_says_why(tape)


def test_a_small_file_does_not_become_large(tmp_path):
    good, bomb = tmp_path / "a.tape", tmp_path / "b.tape"
    TAPES[0].save(good)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**7,)})
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tape.npy", zipfile.ZipFile(good).read("tape.npy"))
        archive.writestr("%0.npy", header.getvalue() + bytes(4 * 10**7))
    with pytest.raises(TapeError, match="it holds more than its own size"):
        Tape.load(bomb)


def test_no_pickle_is_read(tmp_path):
    path = tmp_path / "a.tape"
    with open(path, "wb") as file:
        np.savez(file, tape=np.array([print], dtype=object))
    with pytest.raises(TapeError, match="is not a saved tape"):
        Tape.load(path)


def no_array(_):
    return b"as it is"


def no_characters(_):
    return np.frombuffer(np.array([0x110000, 0xFFFFFFFF, 0xD800, 65], "u4").tobytes(), "U4").reshape(())


def no_text(_):
    return np.zeros(3)


@pytest.mark.parametrize("member", ["about", "tape", "%0"])
@pytest.mark.parametrize("make, why", [(no_array, "it is no array"), (no_characters, "characters that there are not"),
                                       (no_text, "it is no text")])
def test_members_that_are_something_else(member, make, why, tmp_path):
    good, path = tmp_path / "a.tape", tmp_path / "b.tape"
    TAPES[0].save(good)
    with zipfile.ZipFile(good) as of, zipfile.ZipFile(path, "w") as to:
        for name in of.namelist():
            content = of.read(name)
            if name == f"{member}.npy":
                made = make(content)
                file = io.BytesIO()
                np.save(file, made) if isinstance(made, np.ndarray) else file.write(made)
                content = file.getvalue()
            to.writestr(name, content)
    if member == "%0" and make is not no_array:
        why = r"input %0 is f64\[8,3\], its values are"
    with pytest.raises(TapeError, match=why):
        Tape.load(path)


def test_strides_for_which_there_is_no_memory():
    file = io.BytesIO()
    TAPES[0].save(file)
    file.seek(0)
    with np.load(file) as members:
        content = dict(members)
    content["tape"] = np.array(str(content["tape"]).replace("f64[8,3]", "f64[8,3]{99999999999,1}"))
    spoilt = io.BytesIO()
    np.savez(spoilt, **content)
    spoilt.seek(0)
    with pytest.raises(TapeError, match=r"input %0 is .* for which there is no memory"):
        Tape.load(spoilt)


@pytest.mark.parametrize("many", ["9" * 5000, "٣", "²", "-1", "9" * 19])
def test_numbers_that_are_none(many):
    lines = TEXTS[0]
    for text in (lines[0], lines[1].replace("%0", f"%{many}"), lines[-3].replace("%6", f"%{many}")):
        with pytest.raises(TapeError):
            Tape.parse("\n".join([lines[0], text, *lines[2:]])).verify()


def test_a_file_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        Tape.load("nosuch.tape")
