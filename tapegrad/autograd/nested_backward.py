"""A backward that a hook or a function runs in the middle of another: how deep such go.

A thread has so much stack, and Python counts its frames. As in PyTorch, every so many levels another thread goes on,
which the one before waits for.
"""
from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from tapegrad.autograd import modes
from tapegrad.machine.learning import capturing

LEVELS = 25  # in one thread; PyTorch's engine, whose frames Python does not count, takes 60


class _Level(threading.local):
    depth = 0


_level = _Level()


def nested(sweep: Callable[..., Any]) -> Callable[..., Any]:
    """Let a sweep that is nested too deeply run in a thread of its own."""

    @functools.wraps(sweep)
    def function(*args: Any, **kwargs: Any) -> Any:
        if _level.depth >= LEVELS:
            return _elsewhere(sweep, args, kwargs)
        _level.depth += 1
        try:
            return sweep(*args, **kwargs)
        finally:
            _level.depth -= 1

    return function


def _elsewhere(sweep: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run it in a new thread with this one's grad mode, and wait."""
    capturing.refuse("backward is nested deeply")
    recording, found, failed = modes.is_grad_enabled(), [], []

    def target() -> None:
        try:
            with modes.set_grad_enabled(bool(recording)):
                _level.depth = 1
                found.append(sweep(*args, **kwargs))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]
