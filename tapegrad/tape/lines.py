"""Lines of source: what the words mean that are noted beside instructions (`machine/native/source_lines.py`)."""
from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from tapegrad.machine.live import machine

_PACKAGE = str(Path(__file__).parents[1])
_DEMO = str(Path(_PACKAGE) / "demo.py")
_OF_CELL = re.compile(r"<i?python-input-(\d+)")
_UNITS = 2  # bytes of an instruction of Python 3.10, which counts them


def is_ours(file: str) -> bool:
    """Whether a file is this package's (the demonstration counts as a program that uses it)."""
    return file.startswith(_PACKAGE) and file != _DEMO


def program_frame(frame: FrameType | None) -> FrameType | None:
    """This frame or the nearest of its callers that runs a program's code, not this package's."""
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def shown(file: str, line: int | None) -> str:
    """A line as it is called: `train.py:14`, `In[3]:2` of a notebook; nothing for what is in no file (`<stdin>`)."""
    if cell := _OF_CELL.match(file):
        return f"In[{cell[1]}]:{line}"
    if file.startswith("<") or line is None:
        return ""
    # A name need not be text: bytes that are no UTF-8 come as surrogates, which can be neither printed nor written.
    name = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in Path(file).name)
    return f"{name}:{line}"


def line_in(code: CodeType, place: int) -> int | None:
    """The line of the instruction that is so many bytes into some code."""
    return next((line for begin, end, line in code.co_lines() if begin <= place < end), None)


@functools.lru_cache(1 << 14)
def of_word(word: int) -> str:
    """The line that a word stands for, as it is called; nothing where none was noted."""
    if not word:
        return ""
    number, place = (word >> 32) - 1 - int(machine.state["n_forgotten"][0]), word & 0xFFFFFFFF
    if number < 0:
        return ""
    code = machine.code[number]
    counts = not machine.state["code_counts"][0]
    return shown(code.co_filename, line_in(code, place * _UNITS if counts else place - CodeType.__basicsize__))


def of_words(words: np.ndarray[Any, Any]) -> list[str]:
    """The lines that words stand for."""
    kinds, which = np.unique(words, return_inverse=True)
    return np.array([*map(of_word, kinds.tolist())], object)[which].tolist() if len(kinds) else []


def of_instructions(indices: np.ndarray[Any, Any] | Iterable[int]) -> list[str]:
    """The lines that recorded instructions of the live tape."""
    at = np.fromiter(indices, "i8") if not isinstance(indices, np.ndarray) else indices
    return of_words(machine.lines[at]) if len(machine.lines) else [""] * len(at)
