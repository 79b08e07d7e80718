"""Python's `multiprocessing` (`torch.multiprocessing`), and functions run by several processes.

>>> import tapegrad.multiprocessing as mp
>>> mp.current_process().name
'MainProcess'

Memory of tensors is shared with processes that are forked (`Tensor.share_memory_`), the default of Linux before Python
3.14: `mp.get_context("fork")` is it anywhere. What is sent through a queue is copied. A tensor that is shared is not
passed to a process that is spawned, which would write to a copy: RuntimeError.
"""
from __future__ import annotations

import multiprocessing as _python
import multiprocessing.connection as _connection
import signal as _signal
import time as _time
import traceback as _traceback
from collections.abc import Callable as _Callable
from multiprocessing import context as _context
from multiprocessing import reduction as _reduction
from typing import Any as _Any

from tapegrad.namespaces import show_public as _show_public
from tapegrad.nn.parameter import Parameter as _Parameter
from tapegrad.tensor import Tensor as _Tensor

__all__ = ["ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException",
           "get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes"]
_show_public(__name__)


def __getattr__(name: str) -> _Any:
    return getattr(_python, name)


def _passed(x: _Tensor) -> _Any:
    if _context.get_spawning_popen() is not None and x.is_shared():
        raise RuntimeError("a tensor in shared memory cannot be passed to a process that is spawned, which would get a "
                           "copy of it: fork it, as get_context('fork') does")
    return x.__reduce_ex__(2)


for _class in (_Tensor, _Parameter):
    _reduction.ForkingPickler.register(_class, _passed)


def get_all_sharing_strategies() -> set[str]:
    """How memory may be shared (`torch.multiprocessing.get_all_sharing_strategies`): by what processes inherit.

    >>> import tapegrad.multiprocessing as mp
    >>> mp.get_all_sharing_strategies()
    {'file_descriptor'}
    """
    return {"file_descriptor"}


def get_sharing_strategy() -> str:
    """The strategy in use (`torch.multiprocessing.get_sharing_strategy`): the one there is."""
    return "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose a strategy (`torch.multiprocessing.set_sharing_strategy`): those that PyTorch has change nothing here."""
    if new_strategy not in ("file_descriptor", "file_system"):
        raise AssertionError(f"invalid sharing strategy: {new_strategy}")


class ProcessException(Exception):
    """A process that did not end well (`torch.multiprocessing.ProcessException`): which one, and its number."""

    msg: str
    error_index: int
    pid: int

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid

    @property
    def error_pid(self) -> int:
        """The number of the process."""
        return self.pid

    def __reduce__(self) -> _Any:
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """A process whose function raised an error (`torch.multiprocessing.ProcessRaisedException`)."""

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg, error_index, error_pid)


class ProcessExitedException(ProcessException):
    """A process that was ended (`torch.multiprocessing.ProcessExitedException`)."""

    exit_code: int
    signal_name: str | None

    def __init__(self, msg: str, error_index: int, error_pid: int, exit_code: int,
                 signal_name: str | None = None) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> _Any:
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


def _run(fn: _Callable[..., _Any], i: int, args: tuple[_Any, ...], told: _Any) -> None:
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass  # which the parent has too
    except Exception:
        told.send(_traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """Processes that run one function (`torch.multiprocessing.ProcessContext`), as `spawn(join=False)` returns them."""

    processes: list[_Any]

    def __init__(self, processes: list[_Any], told: list[_Any]) -> None:
        self.processes = processes
        self._told = told  # the ends of pipes through which errors come
        self._errors: dict[int, str] = {}

    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until one has ended, and say whether all have; where one has not ended well the others are ended.

        They have `grace_period` seconds to end by themselves, and as many again (30 without it) once they were told to.
        Raises ProcessRaisedException with what the process raised, ProcessExitedException for one that was ended.
        """
        codes = [process.exitcode for process in self.processes]
        if None in codes and not any(codes):  # who waits for none waits for ever
            self._wait({p.sentinel: p for p, code in zip(self.processes, codes) if code is None}, timeout)
        # Asked for once: a process that ends between two looks would be one that has ended, and well.
        codes = [process.exitcode for process in self.processes]
        failed = next((i for i, code in enumerate(codes) if code), None)
        if failed is None:
            return None not in codes
        self._read()
        self._end(grace_period)
        process, code = self.processes[failed], codes[failed]
        if failed in self._errors:
            raise ProcessRaisedException(f"\n\n-- Process {failed} terminated with the following error:\n"
                                         f"{self._errors[failed]}", failed, process.pid)
        name = _name_of(-code) if code < 0 else None
        how = f"signal {name}" if name else f"exit code {code}"
        raise ProcessExitedException(f"process {failed} terminated with {how}", failed, process.pid, code, name)

    def _wait(self, ends: dict[_Any, _Any], timeout: float | None) -> None:
        """Wait until one of the processes has ended, reading what they say: they end when all of it is read."""
        until = None if timeout is None else _time.monotonic() + timeout
        while ready := _connection.wait([*ends, *filter(None, self._told)],
                                        None if until is None else max(0, until - _time.monotonic())):
            self._read()
            ended = [ends[end] for end in ready if end in ends]
            for process in ended:
                process.join()  # its end of a pipe goes a little before it has a code
            if ended:
                return

    def _read(self) -> None:
        for i, told in enumerate(self._told):
            try:
                if told is not None and told.poll():
                    self._errors[i] = told.recv()
            except (EOFError, OSError):  # it said nothing, or not all of it
                self._told[i] = None

    def _end(self, grace_period: float | None) -> None:
        """Have all processes end: by themselves, or because they are told to, or killed."""
        if grace_period is not None:
            self._join(grace_period)
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        self._join(30 if grace_period is None else grace_period)
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join()

    def _join(self, timeout: float) -> None:
        until = _time.monotonic() + timeout
        for process in self.processes:
            process.join(max(0, until - _time.monotonic()))


def _name_of(number: int) -> str:
    try:
        return _signal.Signals(number).name
    except ValueError:  # those for programs' own use have none
        return f"<Unknown signal {number}>"


def start_processes(fn: _Callable[..., _Any], args: tuple[_Any, ...] = (), nprocs: int = 1, join: bool = True,
                    daemon: bool = False, start_method: str = "spawn") -> ProcessContext | None:
    """Call `fn(i, *args)` for each i below `nprocs` in a process of its own (`torch.multiprocessing.start_processes`).

    Waits for them, or returns a `ProcessContext` with `join=False`. Raises what `ProcessContext.join` does.
    """
    context = _python.get_context(start_method)
    processes, told = [], []
    for i in range(nprocs):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, i, args, there), daemon=daemon)  # type: ignore[attr-defined]
        process.start()
        there.close()  # with no other end than the process's, an error that breaks off ends
        processes.append(process)
        told.append(here)
    made = ProcessContext(processes, told)
    if not join:
        return made
    while not made.join():
        pass
    return None


def spawn(fn: _Callable[..., _Any], args: tuple[_Any, ...] = (), nprocs: int = 1, join: bool = True,
          daemon: bool = False, start_method: str = "spawn") -> ProcessContext | None:
    """Call `fn(i, *args)` in processes that are spawned (`torch.multiprocessing.spawn`); see `start_processes`."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)
