"""Settings read once from the environment.

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
