"""What workers do: a tape that came is verified and compiled, once a process, and run on partitions.

All that is computed comes from the one compiled program, whose results do not depend on how many threads run it, and
never from a first call that runs as it is written: a worker that was started a moment ago gives the same bits as one
that has been there from the beginning.
"""
from __future__ import annotations

import hashlib
import os
import platform
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import tapegrad
from tapegrad import autograd, dtypes
from tapegrad.autograd import modes
from tapegrad.compiler import Compiled
from tapegrad.interop.partitioned.messages import Answer, Array, Data, Failure, Signature, data, read
from tapegrad.interop.partitioned.notes import Failed, run, tensor_on
from tapegrad.machine import records as rec
from tapegrad.machine.llvm import cache
from tapegrad.tape import Tape
from tapegrad.tensor import Tensor

_MOST = 32  # programs kept in a process
_programs: dict[bytes, Program] = {}
_lock = threading.Lock()  # one capture at a time, and one look at what is there


def evaluate(content: bytes, default: str, partition: Data | Failure, points: Array) -> Answer | Failure:
    """The values and gradients of a tape (the bytes of its file) on one partition, at each of some points."""
    if isinstance(partition, Failure):
        return partition
    begin = time.perf_counter()
    try:
        program = _program(content, default)
        numbers = np.stack([program(partition.arrays, point) for point in points])
    except Failed as why:
        return Failure(f"{why.operation}: {why.error}", why.source)
    except Exception as why:
        return Failure(f"{type(why).__name__}: {why}")
    return Answer(numbers, time.perf_counter() - begin, f"{platform.node()}:{os.getpid()}", cache.fingerprint())


def prepared(value: Any) -> Data | Failure:
    """A partition as programs take it."""
    try:
        return data(value)
    except Exception as why:
        return Failure(str(why))


def signature(partition: Data | Failure) -> Signature | Failure:
    """What it is, without its values."""
    return partition if isinstance(partition, Failure) else partition.signature()


def _program(content: bytes, default: str) -> Program:
    key = hashlib.sha256(content).digest()
    found = _programs.get(key)
    if found is None:
        with _lock:
            found = _programs.get(key)
            if found is None:
                of = dtypes.BY_SHORT[default]
                with _default_dtype(of):
                    found = Program(read(content), of)
                while len(_programs) >= _MOST:
                    del _programs[next(iter(_programs))]
                _programs[key] = found
    return found


class Program:
    """The value and the gradients of a tape as one compiled program."""

    def __init__(self, tape: Tape, default: Any) -> None:
        self._default = default
        self._parameters = sorted(tape.requires)
        self._layouts = [tape.layouts[b] for b in self._parameters]
        self._data = [tape.layouts[b] for b in tape.inputs if b not in tape.requires and b not in tape.values]
        self._constants = [tape.values[b] for b in tape.inputs if b in tape.values]
        self._bounds = np.cumsum([0, *(layout.numel for layout in self._layouts)]).tolist()
        self._function = _step(tape, len(self._parameters))
        self._variant: Any = None
        self._building = threading.Lock()

    def __call__(self, arrays: Sequence[Array], point: Array) -> Array:
        """The value, and after it the gradients in one row."""
        inputs = self._inputs(arrays, point)
        if self._variant is None:
            with self._building:
                if self._variant is None:
                    self._variant = self._compiled(inputs)
        if self._variant is not False:
            status, results = self._variant.replay(inputs)
            if status == rec.PASSED:
                return self._row(results)
        # A step failed, and says so now; or it is nothing that can be compiled: on one thread it gives one result.
        with _lock, _one_thread(), _default_dtype(self._default):
            return self._row(self._function(*inputs))

    def _inputs(self, arrays: Sequence[Array], point: Array) -> list[Any]:
        found = [(a.dtype, a.shape) for a in arrays]
        if found != [(layout.dtype.numpy, tuple(layout.shape)) for layout in self._data]:
            raise TypeError(f"the program is for {', '.join(map(str, self._data))}, the partition is "
                            f"{', '.join(f'{dtype}{list(shape)}' for dtype, shape in found)}")
        parameters = [np.array(point[i:j], layout.dtype.numpy).reshape(layout.shape)
                      for i, j, layout in zip(self._bounds, self._bounds[1:], self._layouts)]
        return [*map(tensor_on, parameters), *map(tensor_on, arrays), *self._constants]

    def _compiled(self, inputs: Sequence[Any]) -> Any:
        function = Compiled(self._function, eager_build=True)
        with _lock, _default_dtype(self._default), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while not (function.tapes or function.reason):
                function(*inputs)
        return function.tape if function.tapes else False

    @staticmethod
    def _row(results: Sequence[Any]) -> Array:
        return np.concatenate([r.numpy().reshape(-1).astype("f8") for r in results])


def _step(tape: Tape, count: int) -> Any:
    def differentiated(*inputs: Any) -> tuple[Any, ...]:
        with modes.enable_grad():
            leaves = [p.detach().requires_grad_() for p in inputs[:count]]
            value = run(tape, [*leaves, *inputs[count:]])
            if value.requires_grad:
                gradients: Any = autograd.grad(value.sum(), leaves, allow_unused=True, materialize_grads=True)
            else:
                gradients = [p * 0 for p in inputs[:count]]
        return value.detach().clone(), *gradients

    def step(*inputs: Tensor) -> tuple[Any, ...]:  # the compiler reads this one, and trusts what is in this library
        return differentiated(*inputs)

    step.__name__ = step.__qualname__ = tape.name
    return step


class _one_thread:
    def __enter__(self) -> None:
        self._before = tapegrad.get_num_threads()
        tapegrad.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        tapegrad.set_num_threads(self._before)


class _default_dtype:
    """That of the process which took the tape down: numbers in it have types by it."""

    def __init__(self, default: Any) -> None:
        self._default = default

    def __enter__(self) -> None:
        self._before = dtypes.default_dtype()
        tapegrad.set_default_dtype(self._default)

    def __exit__(self, *_: object) -> None:
        tapegrad.set_default_dtype(self._before)
