"""The profiler under its older names (`torch.autograd.profiler`); see `tapegrad.profiler`.

>>> import tapegrad as torch
>>> with torch.autograd.profiler.profile() as prof:
...     y = torch.ones(3).exp()
>>> "aten::exp" in [event.key for event in prof.key_averages()]
True
"""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.profiler import EventList, Finished, Window, record_function

__all__ = ["emit_nvtx", "profile", "record_function"]
show_public(__name__)


class profile(Finished):
    """A block whose operations are watched (`torch.autograd.profiler.profile`).

    >>> import tapegrad as torch
    >>> with torch.autograd.profiler.profile() as prof:
    ...     y = torch.ones(3).exp()
    >>> prof.key_averages()[0].count
    1
    """

    enabled: bool
    with_stack: bool

    def __init__(self, enabled: bool = True, *, use_cuda: bool = False, use_device: Any = None,
                 record_shapes: bool = False, with_flops: bool = False, profile_memory: bool = False,
                 with_stack: bool = False, with_modules: bool = False, use_kineto: bool = False, use_cpu: bool = True,
                 experimental_config: Any = None, acc_events: bool = False, custom_trace_id_callback: Any = None,
                 post_processing_timeout_s: float | None = None, activity_filters: Any = None) -> None:
        self.enabled, self.with_stack = enabled, with_stack

    def __enter__(self) -> profile:
        if self.enabled:
            self._window = Window(self.with_stack)
            self._window.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._window is not None:
            self._window.stop()

    @property
    def function_events(self) -> EventList:
        """What there is an event for, by operands too."""
        return self.events()

    @property
    def self_cpu_time_total(self) -> float:
        """The microseconds of all that was watched."""
        return self.key_averages().self_cpu_time_total

    def table(self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
              max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
              top_level_events_only: bool = False) -> str:
        """The events as text."""
        return self.key_averages().table(sort_by, row_limit, max_src_column_width, max_name_column_width,
                                         max_shapes_column_width, header, top_level_events_only)

    def __str__(self) -> str:
        return self.table() if self._window is not None else "<unfinished torch.autograd.profile>"


class emit_nvtx:
    """Marks for NVIDIA's profilers, which are not there: a block is refused with AssertionError.

    >>> import tapegrad as torch
    >>> with torch.autograd.profiler.emit_nvtx(enabled=False):
    ...     pass
    """

    enabled: bool

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        self.enabled = enabled

    def __enter__(self) -> emit_nvtx:
        if self.enabled:
            raise AssertionError("Torch not compiled with CUDA enabled: tapegrad runs on the CPU only")
        return self

    def __exit__(self, *error: object) -> None:
        pass
