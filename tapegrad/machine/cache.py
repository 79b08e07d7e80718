"""Object code on disk, so that a kernel is compiled once a machine and not once a process.

One file an entry in a folder named by everything that object code depends on besides its key: the CPU and its
features, LLVM, and the sources that generate code. Every process writes under a name of its own and renames, readers
check a checksum, and whatever goes wrong on the way (no folder, no permission, a torn file) is a miss, never an error.
"""
from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import time
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import llvmlite

from .. import config
from . import jit

__all__ = ["Info", "clear", "get", "info", "put"]

_MAGIC = b"tapegrad object 1\n"
_CHECKSUM = 16
_STALE_AFTER = 30 * 24 * 3600.0
_GENERATORS = ("../dtypes.py", "../ops/scalar.py", "../ops/sym.py", "emitter.py", "gemm.py", "gemv.py", "jit.py",
               "late.py", "kernel_writer.py", "loop_writer.py", "lowering.py", "odometer.py", "product_writer.py",
               "writer.py")
_writes = itertools.count()


class Info(NamedTuple):
    """What the cache of this machine and version holds."""

    folder: Path | None
    entries: int
    bytes: int


@functools.cache
def _fingerprint() -> str:
    digest = blake2b(digest_size=10)
    here = Path(__file__).parent
    for name in _GENERATORS:
        try:
            digest.update((here / name).read_bytes())
        except OSError:  # a zipped package: its version has to do
            digest.update(name.encode())
    import llvmlite.binding as llvm
    digest.update(repr((jit.host(), llvm.llvm_version_info, llvmlite.__version__)).encode())
    return digest.hexdigest()


def _folder() -> Path | None:
    root = config.cache_dir()
    return None if root is None else root / _fingerprint()


def _path(key_text: str) -> str | None:
    root = config.cache_dir()
    name = blake2b(key_text.encode(), digest_size=20).hexdigest()
    return None if root is None else f"{root}{os.sep}{_fingerprint()}{os.sep}{name}"


def get(key_text: str) -> bytes | None:
    """The object code kept under `key_text`, or None."""
    path = _path(key_text)
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    start = len(_MAGIC) + _CHECKSUM
    code = content[start:]
    if content[:start] != _MAGIC + blake2b(code, digest_size=_CHECKSUM).digest():
        return None
    return code


def put(key_text: str, code: bytes) -> None:
    """Keep object code under `key_text`, if the folder can be written."""
    path = _path(key_text)
    if path is None:
        return
    temporary = f"{path}.{os.getpid()}.{next(_writes)}"
    try:
        folder = Path(path).parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _forget_stale(folder)
        with open(temporary, "wb") as file:
            file.write(_MAGIC + blake2b(code, digest_size=_CHECKSUM).digest() + code)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _forget_stale(current: Path) -> None:
    """Drop the folders of other versions that nothing was written to for a month."""
    for other in current.parent.iterdir():
        if (other != current and len(other.name) == len(current.name) and other.is_dir()
                and time.time() - other.stat().st_mtime > _STALE_AFTER):
            shutil.rmtree(other, ignore_errors=True)


def info() -> Info:
    """The cache's folder and how much it holds."""
    folder = _folder()
    sizes = []
    try:
        if folder is not None:
            sizes = [entry.stat().st_size for entry in os.scandir(folder)]
    except OSError:
        pass
    return Info(folder, len(sizes), sum(sizes))


def clear() -> None:
    """Forget every kernel of this machine and version."""
    folder = _folder()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
