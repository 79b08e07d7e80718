"""Settings read once from the environment.

`TAPEGRAD_NUM_THREADS` (or `OMP_NUM_THREADS`) says how many threads large operations use, by default one a usable core.
`TAPEGRAD_CACHE_DIR` names the folder of compiled kernels (an empty value switches the disk cache off).
`TAPEGRAD_PROCESSOR` names a processor to compile for, in LLVM's words, instead of the one there is (`generic`: any).
"""
from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_dir() -> Path | None:
    """The folder compiled kernels are kept in, or None when the cache is switched off."""
    named = os.environ.get("TAPEGRAD_CACHE_DIR")
    if named is not None:
        return Path(named) if named else None
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "tapegrad"
    home = _home()
    return home / ".cache" / "tapegrad" if home is not None else Path(tempfile.gettempdir(), f"tapegrad-{_user()}")


def _home() -> Path | None:
    """The home directory of a user who has one: in containers and batch jobs there may be none, or none to write to."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    at = home / ".cache"
    while not at.exists() and at != at.parent:
        at = at.parent
    return home if os.access(at, os.W_OK) or (home / ".cache" / "tapegrad").is_dir() else None


def _user() -> int | str:
    return os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def processor() -> str:
    """The processor that code is for, or an empty text: the one there is."""
    return os.environ.get("TAPEGRAD_PROCESSOR", "")


def threads() -> int:
    """How many threads to begin with."""
    for name in ("TAPEGRAD_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "")
        if text.isdigit() and int(text) > 0:
            return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
