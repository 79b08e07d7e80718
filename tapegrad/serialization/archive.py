"""PyTorch's file: a zip archive of a pickle and the storages beside it, nothing compressed."""
from __future__ import annotations

import contextlib
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tapegrad import devices, dtypes
from tapegrad.serialization import pickles, storages

Entries = dict[str, Any]  # contents by the name within the archive
_HEADER = 30  # bytes before an entry's name
_ALIGNED = 64  # bytes: where PyTorch's `mmap=True` wants a storage to begin
_CUT = ("PytorchStreamReader failed reading zip archive: failed finding central directory. There is a high likelihood "
        "that the file is corrupted: it was not saved properly, was transferred incorrectly, or was modified since.")


def entries(obj: Any, protocol: int) -> Entries:
    """What a file holds for an object."""
    writer = storages.Writer()
    content = pickles.dumps(obj, protocol, writer)
    return {"data.pkl": content, ".format_version": b"1", ".storage_alignment": str(_ALIGNED).encode(),
            "byteorder": sys.byteorder.encode(),
            **{f"data/{block.key}": block.content for block in writer.blocks.values()}, "version": b"3\n"}


def write(f: Any, held: Entries) -> None:
    """The entries into a file, under a folder of its name as PyTorch has it."""
    root = "archive"
    if isinstance(f, (str, os.PathLike)):
        root = os.path.splitext(os.path.basename(os.fspath(f)))[0] or root
        folder = os.path.dirname(os.path.abspath(f))
        if not os.path.isdir(folder):
            raise RuntimeError(f"Parent directory {os.path.dirname(f)} does not exist.")
        with open(f, "wb") as file:
            _write(file, root, held)
    else:
        _write(f, root, held)


def _write(file: Any, root: str, held: Entries) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as out:
        for name, content in held.items():
            info = zipfile.ZipInfo(f"{root}/{name}")
            if name.startswith("data/"):
                at: Any = out.fp
                begins = at.tell() + _HEADER + len(info.filename.encode()) + 4
                filler = -begins % _ALIGNED
                info.extra = struct.pack("<HH", 0x4246, filler) + b"Z" * filler
            out.writestr(info, content.data if isinstance(content, np.ndarray) else content)


class Found:
    """An archive that is being read."""

    names: set[str]

    def __init__(self, zip: zipfile.ZipFile) -> None:
        self._zip = zip
        self._entries = {i.filename.partition("/")[2]: i for i in zip.infolist()}
        self.names = {*self._entries}

    def __getitem__(self, name: str) -> bytes:
        info = self._entries.get(name)
        if info is None:
            raise RuntimeError(f"PytorchStreamReader failed locating file {name}: file not found")
        if info.compress_type != zipfile.ZIP_STORED:  # a small file must not become a large one
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: it is compressed")
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: {error}") from None


@contextlib.contextmanager
def read(f: Any) -> Iterator[Found]:
    """An archive in a file.

    Raises RuntimeError for one that is damaged, UnpicklingError for what is none, and EOFError for what is empty.
    """
    with open(f, "rb") if isinstance(f, (str, os.PathLike)) else contextlib.nullcontext(f) as file:
        start = file.tell()
        head = file.read(4)
        if not head:
            raise EOFError("Ran out of input")
        file.seek(start)
        try:
            zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, struct.error, UnicodeDecodeError):
            if not head.startswith(b"PK"):
                raise pickle.UnpicklingError("Weights only load failed. This is no archive of tensors: invalid load "
                                             f"key, {chr(head[0])!r}") from None
            raise RuntimeError(_CUT) from None
        with zip:
            yield Found(zip)


def load(found: Found, map_location: Any, careful: bool) -> Any:
    """The object in an archive of PyTorch's."""
    order = found["byteorder"].decode("ascii", "replace") if "byteorder" in found.names else "little"
    if order not in ("little", "big"):
        raise ValueError(f"Unknown endianness type: {order}")
    content = found["data.pkl"]

    def storage(key: str, dtype: dtypes.dtype) -> bytes:
        raw = found[f"data/{key}"]
        if order == sys.byteorder or dtype.itemsize == 1:
            return raw
        return np.frombuffer(raw, dtype.numpy).byteswap().tobytes()

    return pickles.loads(content, storage, lambda where: _locate(where, map_location), careful)


def _locate(where: str, map_location: Any) -> None:
    """RuntimeError, unless a storage that was saved at `where` is to come to the CPU."""
    to: Any = where
    if callable(map_location):
        if map_location(None, where) is not None:
            return
    elif isinstance(map_location, dict):
        to = map_location.get(where, where)
    elif map_location is not None:
        to = map_location
    kind = devices.device(to).type
    if kind not in ("cpu", "meta"):
        raise RuntimeError(
            f"Attempting to deserialize object on a {kind.upper()} device but torch.{kind}.is_available() is False. If "
            "you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map "
            "your storages to the CPU.")
