"""`detect_anomaly`: backward with a look at every gradient, which names the node that first produced a NaN.

While it is on, every node that is recorded notes where in the program that was, and the node in whose backward, if in
one. What fails in a node's backward, a NaN among it, is preceded by a warning that shows them.
"""
from __future__ import annotations

import contextlib
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes
from tapegrad.autograd import calls_through_python
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.tape import hooks, lines
from tapegrad.tape.reading import array_of, instruction_of, node_row, plan_of

enabled: bool = False
check_nan: bool = True
check_forward: bool = False
_switching = threading.Lock()


class _Thread(threading.local):
    unwatched = False  # whether what this thread does is none of the program's

    def __init__(self) -> None:
        self.running: list[int] = []  # the rows whose nodes are at work, innermost last


_thread = _Thread()


def check(name: str, gradients: Sequence[Any]) -> None:
    """Raise RuntimeError for a NaN among a node's gradients."""
    if _thread.unwatched:
        return
    for position, value in enumerate(gradients):
        if value is not None and _has_nan(value):
            raise RuntimeError(f"Function '{name}' returned nan values in its {position}th output.")


def _has_nan(value: Any) -> bool:
    if value.dtype in (dtypes.float32, dtypes.float64):  # at a tenth of the cost of three calls through Python
        return bool(np.isnan(array_of(value)).any())
    return bool(value.isnan().any().item())


def _node(row: int) -> tuple[str, dict[str, Any]]:
    """The name of the node that made a row, and what it was told to remember."""
    with machine.pinned():
        t = instruction_of(row)
        assert t is not None
        plan, row = plan_of(t), node_row(t)
    if plan.op.kind != "callback":
        return plan.grad_name, hooks.metadata_of(row)
    kept = hooks.find(row)
    return plan.grad_name, kept.callback.metadata if kept else {}


class _Lines(Sequence[str]):
    """The lines of the program that are being run, as text once that is asked for."""

    def __init__(self) -> None:
        self._frames: list[traceback.FrameSummary] = []
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            if not lines.is_ours(code.co_filename):
                self._frames.append(traceback.FrameSummary(code.co_filename, frame.f_lineno, code.co_name,
                                                           lookup_line=False))
            frame = frame.f_back
        self._frames.reverse()

    def __getitem__(self, i: Any) -> Any:
        return traceback.format_list(self._frames)[i]

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def innermost(self) -> str:
        """The line that ran, as `file.py:14`."""
        return lines.shown(self._frames[-1].filename, self._frames[-1].lineno) if self._frames else ""


def _note(result: Any) -> None:
    """Let a node that was just recorded remember the lines of the program that led to it."""
    t = instruction_of(result._buffer)
    if t is not None and not _thread.unwatched:
        _, known = _node(result._buffer)
        known["traceback_"] = _Lines()
        if _thread.running:
            known["parent_"] = _node(_thread.running[-1])
        if check_forward and result.dtype.is_floating_point and _has_nan(result):
            name = plan_of(t).grad_name.removesuffix("0").removesuffix("Backward")
            line = known["traceback_"].innermost
            raise RuntimeError(f"Function '{name}' returned nan values in the forward pass{line and f', at {line}'}: "
                               "`tapegrad.inspect.why_nan` says more.")


@contextlib.contextmanager
def blaming(row: int) -> Iterator[None]:
    """Say of what fails in this block that it did in the backward of a row's node, and where that was recorded."""
    before = _thread.running
    try:
        _thread.running = [*before, row]
        yield
    except Exception:
        explain(row)
        raise
    finally:
        _thread.running = before


def is_blaming(row: int) -> bool:
    """Whether a failure is going to be explained further out."""
    return row in _thread.running


def explain(row: int) -> None:
    """Warn of a failure in the backward of a row's node."""
    name, known = _node(row)
    if "traceback_" not in known:
        warnings.warn(f"Error detected in {name}. No forward pass information available. Enable detect anomaly during "
                      "forward pass for more information.", stacklevel=2)
        return
    warnings.warn(f"Error detected in {name}. Traceback of forward call that caused the error:\n"
                  + "".join(known["traceback_"]), stacklevel=2)
    while "parent_" in known:
        name, known = known["parent_"]
        warnings.warn(f"\n\nPrevious calculation was induced by {name}. Traceback of forward call that induced the "
                      "previous calculation:\n" + "".join(known.get("traceback_", ())), stacklevel=2)


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """What this thread does meanwhile is not the program's: it may meet a NaN."""
    before = _thread.unwatched
    _thread.unwatched = True
    try:
        yield
    finally:
        _thread.unwatched = before


def _switch(mode: bool, nan: bool, forward: bool) -> tuple[bool, bool, bool]:
    """Set the mode; while it is on, Python runs every operation and every backward."""
    global enabled, check_nan, check_forward
    with _switching:  # of two threads one switches
        previous = enabled, check_nan, check_forward
        enabled, check_nan, check_forward = mode, nan, forward
        if mode and dispatch.witness is None:
            capturing.refuse("it switches anomaly detection")
            dispatch.witness = _note
            machine.withdraw()
            calls_through_python.hold(_switch)
        elif not mode and dispatch.witness is not None:
            capturing.refuse("it switches anomaly detection")
            machine.lend()
            calls_through_python.drop(_switch)
            dispatch.witness = None  # last, so that who is interrupted does it again
    return previous


class set_detect_anomaly:
    """Switch anomaly detection on or off, at once, and back at the end of a `with` block.

    >>> import tapegrad as torch
    >>> with torch.autograd.set_detect_anomaly(False):
    ...     pass

    `check_forward`, which PyTorch has not, looks at results of the forward pass as well, and stops at the first NaN.
    """

    def __init__(self, mode: bool, check_nan: bool = True, *, check_forward: bool = False) -> None:
        self._previous = _switch(mode, check_nan, check_forward)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _switch(*self._previous)


class detect_anomaly:
    """Within this block, backward raises RuntimeError at the first node that returns a NaN.

    >>> import tapegrad, warnings
    >>> warnings.simplefilter("ignore")
    >>> x = tapegrad.zeros(1, requires_grad=True)
    >>> with detect_anomaly():
    ...     (x.sqrt() * 0).sum().backward()
    Traceback (most recent call last):
        ...
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.

    A warning shows the lines that led to that node, if it was recorded in such a block. With `check_forward`, which
    PyTorch has not, the first NaN of the forward pass is an error where it arises.
    """

    def __init__(self, check_nan: bool = True, *, check_forward: bool = False) -> None:
        self._check = check_nan, check_forward
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
                      "enabled for debugging.", stacklevel=2)

    def __enter__(self) -> None:
        self._previous = enabled, check_nan, check_forward
        try:
            _switch(True, *self._check)
        except BaseException:  # an interrupt, which may come when it is on
            _switch(*self._previous)
            raise

    def __exit__(self, *error: object) -> None:
        _switch(*self._previous)


def is_anomaly_enabled() -> bool:
    """Whether anomalies are looked for (`torch.is_anomaly_enabled`).

    >>> is_anomaly_enabled()
    False
    """
    return enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether a NaN is an anomaly, where these are looked for (`torch.is_anomaly_check_nan_enabled`).

    >>> is_anomaly_check_nan_enabled()
    True
    """
    return check_nan
