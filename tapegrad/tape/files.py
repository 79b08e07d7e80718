"""Tapes in files: an .npz archive of the dump and the inputs' values. Nothing in it is an address or a pickle."""
from __future__ import annotations

import contextlib
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tapegrad.errors import OutOfMemoryError
from tapegrad.machine.learning import capturing
from tapegrad.named_tuples import NamedTuple
from tapegrad.tape import reading, text
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.notation import TapeError, TapeFormatError
from tapegrad.tape.text import type_text

VERSION = 1  # of the format; files of before it was numbered have no `about`
_FORMAT = "tapegrad tape"


class Saved(NamedTuple):
    """What a file holds: a dump, values by the buffer, and what a call is given and gives, of a function."""

    dumped: str
    arrays: dict[int, np.ndarray[Any, Any]]
    call: Any = None


def arrays(tape: Instructions) -> dict[int, np.ndarray[Any, Any]]:
    """Copies of the inputs' values, by buffer."""
    capturing.refuse("a tape's values are read")
    return {b: np.array(reading.array_of(value), order="C") for b, value in tape.values.items()}


def tensors(tape: Instructions, found: Mapping[int, np.ndarray[Any, Any]]) -> dict[int, Any]:
    """The reverse of `arrays`; raises TapeError for values that are not of their input's type, or find no memory."""
    values = {}
    for b, array in found.items():
        if b not in tape.inputs:
            raise TapeError(f"there are values for %{b}, which is no input of the tape")
        layout = tape.layouts[b]
        if array.shape != layout.shape or array.dtype != layout.dtype.numpy:
            raise TapeError(f"input %{b} is {type_text(layout)}, its values are {array.dtype}{list(array.shape)}")
        try:
            values[b] = reading.tensor_from(array, layout)
        except OutOfMemoryError as error:  # of strides that the text claims
            raise TapeError(f"input %{b} is {type_text(layout)}, for which there is no memory") from error
    return values


def _opened(path: str | Path | BinaryIO, mode: str) -> Any:
    return open(path, mode) if isinstance(path, (str, os.PathLike)) else contextlib.nullcontext(path)


def save(tape: Instructions, path: str | Path | BinaryIO, call: Any = None) -> None:
    """Write a tape (see `Tape.save`), and with it a `call`, as JSON has it."""
    content: dict[str, Any] = {f"%{b}": array for b, array in arrays(tape).items()}
    about = {"format": _FORMAT, "version": VERSION, **({} if call is None else {"call": call})}
    with _opened(path, "wb") as file:
        np.savez(file, about=np.array(json.dumps(about, ensure_ascii=False)), tape=np.array(text.dump(tape)), **content)


def load(path: str | Path | BinaryIO) -> Saved:
    """The dump and the values in a file; TapeFormatError says what of it is damaged."""
    place = "the archive"
    values: dict[int, np.ndarray[Any, Any]] = {}
    with _opened(path, "rb") as file:
        try:
            _check_size(file)
            with np.load(file, allow_pickle=False) as archive:
                about: Any = {"version": 0}
                if "about" in archive.files:
                    place = "about"
                    about = _about(_text(archive[place]))
                place = "tape"
                dumped = _text(archive[place])
                for place in archive.files:
                    if place[:1] == "%":
                        values[int(place[1:])] = _array(archive[place])
        except Exception as error:  # zipfile and NumPy have many ways to say that a file is not what it should be
            raise TapeFormatError(f"{path} is not a saved tape: {place}: {error}") from None
    return Saved(dumped, values, about.get("call"))


def _array(member: Any) -> np.ndarray[Any, Any]:
    if not isinstance(member, np.ndarray):  # what does not begin as an array does is given as it is
        raise TapeError("it is no array")
    return member


def _text(member: Any) -> str:
    """A string; NumPy makes one that Python cannot hold of numbers that are no characters."""
    array = _array(member)
    if array.dtype.kind != "U" or array.shape or not array.dtype.isnative:
        raise TapeError(f"it is no text, but {array.dtype}{list(array.shape)}")
    codes = np.frombuffer(array.tobytes(), "u4")
    if (codes > sys.maxunicode).any() or ((codes >= 0xD800) & (codes < 0xE000)).any():
        raise TapeError("it has characters that there are not")
    return str(array)


def _about(dumped: str) -> dict[str, Any]:
    about = json.loads(dumped)
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise TapeError(f"it is not of the format {_FORMAT!r}")
    version = about.get("version")
    if type(version) is not int or version < 1:
        raise TapeError(f"{version!r} is no version")
    if version > VERSION:
        raise TapeError(f"version {version} of the format is newer than this package, which knows {VERSION}")
    return about


def _check_size(file: BinaryIO) -> None:
    """Refuse an archive that would be larger in memory than it is: what is saved is not compressed."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        size = file.seek(0, os.SEEK_END)
        if any(m.compress_type != zipfile.ZIP_STORED for m in members) or sum(m.file_size for m in members) > size:
            raise TapeError("it holds more than its own size")
    file.seek(0)
