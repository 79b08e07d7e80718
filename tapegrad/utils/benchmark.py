"""How long a statement takes (`torch.utils.benchmark`)."""
from __future__ import annotations

import statistics
import textwrap
import timeit
from collections.abc import Callable
from typing import Any

from tapegrad import threads
from tapegrad.namespaces import show_public

__all__ = ["Measurement", "Timer"]
show_public(__name__)

_UNITS = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"))


def _shown(seconds: float) -> str:
    scale, unit = max((u for u in _UNITS if u[0] <= seconds), default=_UNITS[0])
    return f"{seconds / scale:.2f} {unit}"


class Measurement:
    """The times that were measured, a run of `number_per_run` each (`torch.utils.benchmark.Measurement`).

    >>> import tapegrad as torch
    >>> torch.utils.benchmark.Timer('x + 1', globals={'x': 1}).timeit(10).number_per_run
    10
    """

    number_per_run: int
    raw_times: list[float]
    times: list[float]

    def __init__(self, number_per_run: int, raw_times: list[float], timer: Timer) -> None:
        self.number_per_run, self.raw_times, self._timer = number_per_run, raw_times, timer
        self.times = [t / number_per_run for t in raw_times]

    @property
    def mean(self) -> float:
        """Seconds for one run, on average."""
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        """Seconds for one run, in the middle."""
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """From the first quartile to the third, in seconds."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    @property
    def title(self) -> str:
        """The label, or the statement."""
        label = self._timer.label or self._timer.stmt
        return f"{label}: {self._timer.sub_label}" if self._timer.sub_label else label

    def __repr__(self) -> str:
        lines = [self.title]
        if self._timer.description:
            lines.append(self._timer.description)
        if len(self.times) == 1:
            lines.append(f"  {_shown(self.median)}")
        else:
            lines += [f"  Median: {_shown(self.median)}", f"  IQR:    {_shown(self.iqr)}"]
        count = self._timer.num_threads
        n = len(self.times)
        lines.append(f"  {n} measurement{'s' * (n > 1)}, {self.number_per_run} runs{' per measurement' * (n > 1)} , "
                     f"{count} thread{'s' * (count > 1)}")
        return "\n".join(lines)


class Timer:
    """A statement to be timed, on so many threads (`torch.utils.benchmark.Timer`).

    >>> import tapegrad
    >>> measured = Timer("x + 1", globals={"x": tapegrad.ones(2)}).timeit(100)
    >>> measured.number_per_run, measured.mean > 0
    (100, True)
    """

    stmt: str
    label: str | None
    sub_label: str | None
    description: str | None
    env: str | None
    num_threads: int

    def __init__(self, stmt: str = "pass", setup: str = "pass", global_setup: str = "",
                 timer: Callable[[], float] = timeit.default_timer, globals: dict[str, Any] | None = None,
                 label: str | None = None, sub_label: str | None = None, description: str | None = None,
                 env: str | None = None, num_threads: int = 1, language: Any = "py") -> None:
        if str(getattr(language, "value", language)).lower() not in ("0", "py", "python"):
            raise NotImplementedError("only Python statements can be timed")
        if global_setup:
            raise ValueError("global_setup is C++ only, use `setup`.")
        self.stmt, self.label, self.sub_label, self.description = stmt, label, sub_label, description
        self.env, self.num_threads = env, num_threads
        self._timer = timeit.Timer(textwrap.dedent(stmt), textwrap.dedent(setup), timer, dict(globals or {}))

    def _run(self, number: int) -> float:
        before = threads.get_num_threads()
        threads.set_num_threads(self.num_threads)
        try:
            return self._timer.timeit(number)
        finally:
            threads.set_num_threads(before)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One measurement of `number` runs, after a few to warm up."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self)

    def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
        """Measurements until they took `min_run_time` seconds, of as many runs that the clock does not count."""
        number = 1
        while self._run(number) < min_run_time / 1000 and number < 10 ** 9:
            number *= 10
        times: list[float] = []
        while sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self)

    def adaptive_autorange(self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0,
                           callback: Any = None) -> Measurement:
        """Measurements until their quartiles are within `threshold` of the median, or time is up."""
        found = self.blocked_autorange(callback, min_run_time)
        while sum(found.raw_times) < max_run_time and (len(found.times) < 4 or found.iqr > threshold * found.median):
            more = self.blocked_autorange(callback, min_run_time)
            found = Measurement(more.number_per_run, found.raw_times + more.raw_times, self) if (
                more.number_per_run == found.number_per_run) else more
        return found
