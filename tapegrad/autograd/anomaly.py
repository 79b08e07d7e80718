"""`detect_anomaly`: backward with a look at every gradient, which names the node that first produced a NaN."""
from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from tapegrad.machine import tracing
from tapegrad.machine.live import machine

enabled = False
check_nan = True


def check(name: str, gradients: Sequence[Any]) -> None:
    """Raise RuntimeError for a NaN among a node's gradients."""
    for position, value in enumerate(gradients):
        if value is not None and value.isnan().any().item():
            raise RuntimeError(f"Function '{name}' returned nan values in its {position}th output.")


def _switch(mode: bool, nan: bool) -> tuple[bool, bool]:
    """Set the mode; while it is on, Python runs every backward."""
    global enabled, check_nan
    previous = enabled, check_nan
    enabled, check_nan = mode, nan
    if mode != previous[0]:
        tracing.refuse("it switches anomaly detection")
        machine.keep_as_written(1 if mode else -1)
        (machine.withdraw if mode else machine.lend)()
    return previous


class set_detect_anomaly:
    """Switch anomaly detection on or off, at once, and back at the end of a `with` block."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._previous = _switch(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _switch(*self._previous)


class detect_anomaly:
    """Within this block, backward raises RuntimeError at the first node that returns a NaN.

    >>> import tapegrad
    >>> x = tapegrad.zeros(1, requires_grad=True)
    >>> with detect_anomaly():
    ...     (x.sqrt() * 0).sum().backward()
    Traceback (most recent call last):
        ...
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
                      "enabled for debugging.", stacklevel=2)

    def __enter__(self) -> None:
        self._previous = _switch(True, self._check_nan)

    def __exit__(self, *error: object) -> None:
        _switch(*self._previous)


def is_anomaly_enabled() -> bool:
    return enabled


def is_anomaly_check_nan_enabled() -> bool:
    return check_nan
