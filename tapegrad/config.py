"""Settings read once from the environment.

`TAPEGRAD_NUM_THREADS` (or `OMP_NUM_THREADS`) says how many threads large operations use, by default one a usable core.
`TAPEGRAD_CACHE_DIR` names the folder of compiled kernels (an empty value switches the disk cache off).
"""
from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path | None:
    """The folder compiled kernels are kept in, or None when the cache is switched off."""
    named = os.environ.get("TAPEGRAD_CACHE_DIR")
    if named is not None:
        return Path(named) if named else None
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tapegrad"


def threads() -> int:
    """How many threads to begin with."""
    for name in ("TAPEGRAD_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "")
        if text.isdigit() and int(text) > 0:
            return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
