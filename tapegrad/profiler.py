"""PyTorch's profiler over the clocks that kernels have here (`tapegrad.profile`): where a block's time goes.

>>> import tapegrad as torch
>>> from tapegrad.profiler import profile, record_function
>>> x = torch.ones(8, 8)
>>> with profile() as prof:
...     with record_function("square"):
...         y = x @ x
>>> sorted(event.key for event in prof.key_averages())
['aten::mm', 'square']

Operations run on one thread meanwhile, and are named as the operations here are; those of backward as their nodes.
"""
from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import numpy as np

from tapegrad.inspect.profiling import Profile
from tapegrad.namespaces import show_public
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape.text import bytes_text

__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "supported_activities",
           "tensorboard_trace_handler"]
show_public(__name__)


class ProfilerActivity(Enum):
    """What is to be watched (`torch.profiler.ProfilerActivity`); there is a CPU here.

    >>> from tapegrad.profiler import ProfilerActivity
    >>> ProfilerActivity.CPU.name
    'CPU'
    """

    CPU, XPU, MTIA, CUDA, HPU, PrivateUse1 = range(6)


class ProfilerAction(Enum):
    """What a profiler does in a step (`torch.profiler.ProfilerAction`).

    >>> from tapegrad.profiler import ProfilerAction
    >>> ProfilerAction.RECORD_AND_SAVE.value
    3
    """

    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


_RECORDS = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    """What can be watched: the CPU (`torch.profiler.supported_activities`)."""
    return {ProfilerActivity.CPU}


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
             ) -> Callable[[int], ProfilerAction]:
    """What to do in which step: `wait`, warm up, be `active`, and from the start (`torch.profiler.schedule`).

    >>> from tapegrad.profiler import schedule
    >>> [schedule(wait=1, warmup=1, active=2)(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']

    `repeat` is how often, without end for 0. Raises AssertionError for numbers that make no schedule.
    """
    assert wait >= 0 and warmup >= 0 and active > 0 and repeat >= 0 and skip_first >= 0, (
        f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
        f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0).")
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        assert step >= 0
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        step += wait if skip_first_wait else 0
        if repeat and step // cycle >= repeat:
            return ProfilerAction.NONE
        step %= cycle
        if step < wait:
            return ProfilerAction.NONE
        if step < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if step == cycle - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None, use_gzip: bool = False,
                              use_python_export: bool = False) -> Callable[[Any], None]:
    """What writes each trace to a file of its own in a directory (`torch.profiler.tensorboard_trace_handler`).

    >>> from tapegrad.profiler import tensorboard_trace_handler
    >>> write = tensorboard_trace_handler("log")  # for `profile(on_trace_ready=…)`
    """
    def handle(prof: Any) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(
            dir_name, f"{worker}.{time.time_ns()}.pt.trace.json{'.gz' if use_gzip else ''}"))

    return handle


_open: list[Window] = []  # the one that is watching, if any


class record_function(contextlib.ContextDecorator):
    """A part of the program under a name of its own (`torch.profiler.record_function`), as a block or a decorator.

    >>> from tapegrad.profiler import record_function
    >>> with record_function("## forward ##"):
    ...     pass
    """

    name: str
    args: str | None

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._began: list[int] = []

    def __enter__(self) -> record_function:
        self._began.append(time.perf_counter_ns())
        return self

    def __exit__(self, *error: object) -> None:
        began = self._began.pop()
        if _open:
            _open[0].ranges.append((self.name, max(began, _open[0].began), time.perf_counter_ns()))


class Window:
    """A stretch of time that is watched: kernel calls, and the program's own parts."""

    clocks: Profile
    began: int
    ended: int

    def __init__(self, lines: bool) -> None:
        self.clocks = Profile(lines)
        self.ranges: list[tuple[str, int, int]] = []
        self.began = self.ended = 0

    def start(self) -> None:
        self.clocks.__enter__()
        self.began = time.perf_counter_ns()
        _open[:] = [self]

    def stop(self) -> None:
        _open.clear()
        self.ended = time.perf_counter_ns()
        self.clocks.__exit__()

    def events(self, by_shape: bool) -> EventList:
        """An event for each operation, and each name of a part."""
        found: dict[tuple[str, str], FunctionEventAvg] = {}
        for row in self.clocks.rows("instruction" if by_shape else "opcode"):
            if row.calls:
                event = found.setdefault((_shown(row.name, row.backward), row.types), FunctionEventAvg(
                    _shown(row.name, row.backward), row.types))
                event._add(row.calls, row.kernel * 1e6, row.kernel * 1e6, row.taken, row.flops)
        calls = self.clocks._clocks.calls
        begins, within = calls["begin"].astype("i8"), np.cumsum([0, *(calls["end"].astype("i8") - calls["begin"])])
        for i, (name, begin, end) in enumerate(self.ranges):
            inside = within[np.searchsorted(begins, end)] - within[np.searchsorted(begins, begin)]
            # Parts end before those that they lie in. What lies in a part of this one counts there.
            apart, last = 0, end
            for _, b, e in reversed(self.ranges[:i]):
                if begin <= b and e <= last:
                    apart += e - b - (within[np.searchsorted(begins, e)] - within[np.searchsorted(begins, b)])
                    last = b
            event = found.setdefault((name, ""), FunctionEventAvg(name, "", True))
            event._add(1, (end - begin) / 1e3, (end - begin - inside - apart) / 1e3, 0, 0)
        return EventList(found.values())


def _shown(name: str, backward: bool) -> str:
    """An operation as PyTorch's tables have it."""
    op = REGISTRY.get(name)
    if backward and op is not None:
        return op.grad_name
    return f"aten::{name}" if op is not None else name


class FunctionEventAvg:
    """All calls of one operation, or of one part of the program; times in microseconds."""

    key: str
    input_shapes: str
    is_user_annotation: bool
    count: int
    flops: int
    cpu_memory_usage: int
    self_cpu_memory_usage: int
    cpu_time_total: float
    self_cpu_time_total: float
    device_time_total: float
    self_device_time_total: float
    device_memory_usage: int
    cuda_time_total: float
    self_cuda_time_total: float

    def __init__(self, key: str, input_shapes: str = "", is_user_annotation: bool = False) -> None:
        self.key, self.input_shapes, self.is_user_annotation = key, input_shapes, is_user_annotation
        self.count = self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.device_time_total = self.self_device_time_total = self.device_memory_usage = 0
        self.cuda_time_total = self.self_cuda_time_total = 0

    def _add(self, count: int, total: float, own: float, taken: int, flops: int) -> None:
        self.count += count
        self.cpu_time_total += total
        self.self_cpu_time_total += own
        self.cpu_memory_usage += taken
        self.self_cpu_memory_usage += taken
        self.flops += flops

    @property
    def name(self) -> str:
        return self.key

    @property
    def cpu_time(self) -> float:
        """The mean of a call."""
        return self.cpu_time_total / max(self.count, 1)

    @property
    def cpu_time_str(self) -> str:
        return _microseconds(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        return _microseconds(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        return _microseconds(self.self_cpu_time_total)

    def __repr__(self) -> str:
        return (f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
                f"cpu_time={self.cpu_time_str} input_shapes={self.input_shapes}>")


class EventList(list[FunctionEventAvg]):
    """What a profile found, and as a table."""

    @property
    def self_cpu_time_total(self) -> float:
        """The microseconds of all that was watched."""
        return sum(event.self_cpu_time_total for event in self)

    def total_average(self) -> FunctionEventAvg:
        """All events as one."""
        total = FunctionEventAvg("Total")
        for event in self:
            total._add(event.count, event.cpu_time_total, event.self_cpu_time_total, event.cpu_memory_usage,
                       event.flops)
        return total

    def table(self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
              max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
              top_level_events_only: bool = False) -> str:
        """The events as text, those with most of `sort_by` first; AttributeError for what they do not have."""
        events = list(self)
        if sort_by is not None:
            events.sort(key=lambda event: float(getattr(event, sort_by)), reverse=True)
        everything = self.self_cpu_time_total
        shapes, memory = any(e.input_shapes for e in self), any(e.cpu_memory_usage for e in self)
        flops = any(e.flops for e in self)
        rows = [["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg",
                 *["CPU Mem"] * memory, "# of Calls", *["Input Shapes"] * shapes, *["Total MFLOPs"] * flops]]
        for e in events[:row_limit] if row_limit >= 0 else events:
            rows.append([_cut(e.key, max_name_column_width), _share(e.self_cpu_time_total, everything),
                         e.self_cpu_time_total_str, _share(e.cpu_time_total, everything), e.cpu_time_total_str,
                         e.cpu_time_str, *[bytes_text(e.cpu_memory_usage)] * memory, str(e.count),
                         *[_cut(e.input_shapes, max_shapes_column_width)] * shapes,
                         *[f"{e.flops / 1e6:.3f}" if e.flops else "--"] * flops])
        widths = [max(map(len, column)) + 2 for column in zip(*rows)]
        rule = "  ".join("-" * width for width in widths)
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
        above = [rule, header, rule] if header is not None else [rule]
        return "\n".join([*above, lines[0], rule, *lines[1:], rule,
                          f"Self CPU time total: {_microseconds(everything)}", ""])

    def __str__(self) -> str:
        return self.table()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[:width - 3]}..."


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "NaN"


def _microseconds(t: float) -> str:
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if t >= scale:
            return f"{t / scale:.3f}{unit}"
    return f"{t:.3f}us"


class Finished:
    """What a profiler is asked for when it has ended."""

    _window: Window | None = None

    def _ended(self) -> Window:
        if self._window is None or not self._window.ended:
            raise AssertionError("Profiler must be initialized before getting key averages: it has watched nothing, or "
                                 "still does")
        return self._window

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """An event for each operation; with `group_by_input_shape`, for each on operands of a kind."""
        return self._ended().events(group_by_input_shape)

    def events(self) -> EventList:
        """The same, where PyTorch has an event a call."""
        return self._ended().events(True)

    def total_average(self) -> FunctionEventAvg:
        """All events as one."""
        return self.key_averages().total_average()

    def export_chrome_trace(self, path: str) -> None:
        """Write the calls one by one, as https://ui.perfetto.dev reads them; compressed if the name ends in `.gz`."""
        window = self._ended()
        with (gzip.open if path.endswith(".gz") else open)(path, "wt", encoding="utf-8") as file:
            held = io.StringIO()
            window.clocks.trace(held)
            written = json.loads(held.getvalue())
            written["traceEvents"] += [
                {"name": name, "cat": "user_annotation", "ph": "X", "pid": 1, "tid": 0,
                 "ts": (begin - window.began) / 1e3, "dur": (end - begin) / 1e3, "args": {}}
                for name, begin, end in window.ranges]
            json.dump(written, file, ensure_ascii=False)


class profile(Finished):
    """A block whose operations are watched, step by step where there is a `schedule` (`torch.profiler.profile`).

    >>> import tapegrad as torch
    >>> with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as prof:
    ...     y = torch.ones(3).exp()
    >>> "aten::exp" in prof.key_averages().table(sort_by="cpu_time_total", row_limit=5)
    True

    `on_trace_ready` is called with the profiler at the end of each stretch that a schedule records. Shapes and
    operations on numbers are noted either way, lines of source with `with_stack`. There is one profile at a time:
    RuntimeError for one in another.
    """

    activities: set[ProfilerActivity]
    schedule: Callable[[int], ProfilerAction]
    on_trace_ready: Callable[..., Any] | None
    with_stack: bool
    step_num: int
    current_action: ProfilerAction

    def __init__(self, *, activities: Iterable[ProfilerActivity] | None = None,
                 schedule: Callable[[int], ProfilerAction] | None = None,
                 on_trace_ready: Callable[..., Any] | None = None, record_shapes: bool = False,
                 profile_memory: bool = False, with_stack: bool = False, with_flops: bool = False,
                 with_modules: bool = False, experimental_config: Any = None, execution_trace_observer: Any = None,
                 acc_events: bool = False, use_cuda: bool | None = None, custom_trace_id_callback: Any = None,
                 post_processing_timeout_s: float | None = None) -> None:
        self.activities = set(activities) if activities is not None else supported_activities()
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self._scheduled = schedule is not None
        self.on_trace_ready, self.with_stack = on_trace_ready, with_stack
        self.step_num = 0
        self.current_action = self.schedule(0)
        self._step: record_function | None = None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to watch."""
        self._begin()

    def stop(self) -> None:
        """End it, and hand over what there is."""
        self._end_step()
        if self._window is not None and not self._window.ended:
            self._window.stop()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)

    def step(self) -> None:
        """Say that the next step begins."""
        self._end_step()
        before, self.step_num = self.current_action, self.step_num + 1
        self.current_action = self.schedule(self.step_num)
        if before in _RECORDS and (before is ProfilerAction.RECORD_AND_SAVE or self.current_action not in _RECORDS):
            if self._window is not None and not self._window.ended:
                self._window.stop()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        self._begin()

    def _begin(self) -> None:
        if self.current_action in _RECORDS and (self._window is None or self._window.ended):
            self._window = Window(self.with_stack)
            self._window.start()
        if self._scheduled and self.current_action in _RECORDS:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.__exit__()
            self._step = None

    def add_metadata(self, key: str, value: str) -> None:
        """Taken, and not written."""

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Write lines of source with the microseconds of each, as flame graphs are made of; needs `with_stack`."""
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{row.line} {round(row.kernel * 1e6)}\n" for row in self._ended().clocks.rows("line"))
