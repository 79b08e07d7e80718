"""Object code on disk, so that a kernel is compiled once a machine and not once a process.

One file an entry in a folder named by everything that object code depends on besides its key: the CPU and its
features, LLVM, and the sources that generate code. Every process writes under a name of its own and renames, readers
check a checksum and the key, and whatever goes wrong on the way (no folder, no permission, a torn file) is a miss,
never an error. So is whatever others could have written, for an entry is code that will run: folders and entries must
belong to this user, and nobody else may be allowed to write to them.
"""
from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import llvmlite

from tapegrad import config, package_files
from tapegrad.machine.llvm import jit
from tapegrad.named_tuples import NamedTuple

try:
    from _blake2 import blake2b  # hashlib's, without the OpenSSL that it loads: 1 % of a start
except ImportError:
    from hashlib import blake2b

__all__ = ["Info", "clear", "digest", "fingerprint", "get", "info", "obtain", "put"]

_MAGIC = b"tapegrad object 2\n"
_CHECKSUM = 32
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_STALE_AFTER = 30 * 24 * 3600.0
_GENERATORS = ("dtypes.py", "ops/scalar.py", "ops/symbols.py", "machine/llvm/jit.py", "machine/llvm/late_binding.py",
               *(f"machine/kernels/{name}.py" for name in (
                   "emitter", "flat_writer", "gather_writer", "instruction_writer", "interleaving", "kernel_writer",
                   "loop_helpers", "loop_writer", "lowering", "region_writer", "series", "straight_writer",
                   "turns_writer", "while_writer", "products/gemm", "products/gemv", "products/one_hot",
                   "products/product_writer", "products/weighted")))
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_writes = itertools.count()


def digest(pieces: Iterable[bytes]) -> str:
    """What stands for some text or code, a piece after the other."""
    whole = blake2b(digest_size=20)
    for piece in pieces:
        whole.update(piece)
    return whole.hexdigest()


class Info(NamedTuple):
    """What the cache of this machine and version holds."""

    folder: Path | None
    entries: int
    bytes: int


@functools.cache
def fingerprint() -> str:
    """What object code depends on besides its text: the processor and its features, LLVM, and what generates code."""
    digest = blake2b(digest_size=10)
    here = Path(__file__).parents[2]
    for name in _GENERATORS:
        try:
            digest.update(package_files.content(here / name))
        except OSError:  # a package without its sources: its version has to do
            digest.update(name.encode())
    import llvmlite.binding as llvm
    digest.update(repr((jit.host(), llvm.llvm_version_info, llvmlite.__version__)).encode())
    return digest.hexdigest()


def _folder() -> Path | None:
    root = config.cache_dir()
    return None if root is None else root / fingerprint()


def _path(key_text: str) -> str | None:
    root = config.cache_dir()
    name = digest([key_text.encode()])
    return None if root is None else f"{root}{os.sep}{fingerprint()}{os.sep}{name}"


def _is_ours(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else's to write to."""
    if not hasattr(os, "geteuid"):  # where there are no such modes, folders of a user are that user's
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE


def _trusted(folder: str) -> bool:
    """Whether a folder of entries, and the one that all such folders are in, are ours."""
    inner = os.lstat(folder)
    return stat.S_ISDIR(inner.st_mode) and _is_ours(inner) and _is_ours(os.stat(os.path.dirname(folder)))


def _head(key_text: str, code: bytes) -> bytes:
    """What an entry begins with: a checksum of its code, and of all that it is named by."""
    key = f"{fingerprint()} {key_text}".encode()
    return _MAGIC + blake2b(code, digest_size=_CHECKSUM).digest() + blake2b(key, digest_size=_CHECKSUM).digest()


def get(key_text: str) -> bytes | None:
    """The object code kept under `key_text`, or None."""
    path = _path(key_text)
    if path is None:
        return None
    try:
        if not _trusted(os.path.dirname(path)):
            return None
        with open(os.open(path, os.O_RDONLY | _NO_LINKS), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or not _is_ours(status):
                return None
            content = file.read()
    except OSError:
        return None
    start = len(_MAGIC) + 2 * _CHECKSUM
    code = content[start:]
    return code if content[:start] == _head(key_text, code) else None


def put(key_text: str, code: bytes) -> None:
    """Keep object code under `key_text`, if the folder can be written."""
    path = _path(key_text)
    if path is None:
        return
    temporary = f"{path}.{os.getpid()}.{next(_writes)}"
    try:
        _make(Path(path).parent)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600), "wb") as file:
            file.write(_head(key_text, code) + code)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def obtain(key_text: str, make: Callable[[], bytes], keep: Callable[[str, bytes], None] = put) -> bytes:
    """The object code under `key_text`; where there is none, what `make` returns, handed to `keep`."""
    code = get(key_text)
    if code is None:
        code = make()
        keep(key_text, code)
    return code


def _make(folder: Path) -> None:
    """See to it that a folder of entries is there, and trusted; OSError where it cannot be."""
    root = folder.parent
    if not folder.is_dir():
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(0o700, exist_ok=True)
        folder.mkdir(0o700, exist_ok=True)
        _forget_stale(folder)
    if not _trusted(str(folder)):
        if any(len(other.name) != len(folder.name) for other in root.iterdir()):
            raise PermissionError(f"{root} is not the cache's alone, and others may write to it")
        for loose in (root, folder):
            os.chmod(loose, 0o700)


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
