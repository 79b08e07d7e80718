"""Tapes in files: an .npz archive of the dump and the inputs' values. Nothing in it is an address or a pickle."""
from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tapegrad.tape import reading, text
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.notation import TapeError
from tapegrad.tape.text import type_text


def arrays(tape: Instructions) -> dict[int, np.ndarray[Any, Any]]:
    """Copies of the inputs' values, by buffer."""
    return {b: np.array(reading.array_of(value), order="C") for b, value in tape.values.items()}


def tensors(tape: Instructions, found: Mapping[int, np.ndarray[Any, Any]]) -> dict[int, Any]:
    """The reverse of `arrays`; raises TapeError for values that are not of their input's type."""
    values = {}
    for b, array in found.items():
        if b not in tape.inputs:
            raise TapeError(f"there are values for %{b}, which is no input of the tape")
        layout = tape.layouts[b]
        if array.shape != layout.shape or array.dtype != layout.dtype.numpy:
            raise TapeError(f"input %{b} is {type_text(layout)}, its values are {array.dtype}{list(array.shape)}")
        values[b] = reading.tensor_from(array, layout)
    return values


def _opened(path: str | Path | BinaryIO, mode: str) -> Any:
    return open(path, mode) if isinstance(path, (str, os.PathLike)) else contextlib.nullcontext(path)


def save(tape: Instructions, path: str | Path | BinaryIO) -> None:
    """Write a tape; see `Tape.save`."""
    content: dict[str, Any] = {f"%{b}": array for b, array in arrays(tape).items()}
    with _opened(path, "wb") as file:
        np.savez(file, tape=np.array(text.dump(tape)), **content)


def load(path: str | Path | BinaryIO) -> tuple[str, dict[int, np.ndarray[Any, Any]]]:
    """The dump and the values in a file."""
    with _opened(path, "rb") as file:
        try:
            _check_size(file)
            with np.load(file, allow_pickle=False) as archive:
                return str(archive["tape"]), {int(k[1:]): archive[k] for k in archive.files if k[0] == "%"}
        except Exception as error:  # zipfile and NumPy have many ways to say that a file is not what it should be
            raise TapeError(f"{path} is not a saved tape: {error}") from None


def _check_size(file: BinaryIO) -> None:
    """Refuse an archive that would be larger in memory than it is: what is saved is not compressed."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        size = file.seek(0, os.SEEK_END)
        if any(m.compress_type != zipfile.ZIP_STORED for m in members) or sum(m.file_size for m in members) > size:
            raise TapeError("it holds more than its own size")
    file.seek(0)
