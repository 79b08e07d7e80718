"""Telling who sits at a terminal why nothing happens."""
from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

SOON = 1.0  # seconds that nobody asks about


@contextlib.contextmanager
def announced(what: str, after: float = SOON) -> Iterator[None]:
    """Say on stderr what the block does, if that is a terminal and the block takes longer than some seconds."""
    try:
        seen = sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed, or none
        seen = False
    if not seen:
        yield
        return
    timer = None
    if after:
        timer = threading.Timer(after, _say, (what,))
        timer.daemon = True
        timer.start()
    else:  # and no thread, so that the block may fork
        _say(what)
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()


def _say(what: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(f"tapegrad: {what}", file=sys.stderr, flush=True)
