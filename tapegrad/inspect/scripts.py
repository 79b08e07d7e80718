"""Scripts run as they are, with `torch` meaning this library, and each tape looked at that they call backward on."""
from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock

import tapegrad
from tapegrad.autograd import engine
from tapegrad.func import derivatives
from tapegrad.inspect import dumping, nans, profiling, running
from tapegrad.tape.lines import program_frame
from tapegrad.tape.naming import called
from tapegrad.tape.notation import TapeError
from tapegrad.tape.tape import Tape


class _TorchIsTapegrad(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import torch.nn` finds `tapegrad.nn`, the very module."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name.startswith("torch.") else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        found = importlib.import_module("tapegrad" + spec.name[len("torch"):])
        self._own_spec = found.__spec__
        return found

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own_spec


@contextlib.contextmanager
def _torch_is_tapegrad() -> Iterator[None]:
    """`torch` means tapegrad meanwhile; what was imported under that name is put back."""
    theirs = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "torch"}
    finder = _TorchIsTapegrad()
    sys.modules["torch"] = tapegrad
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.split(".")[0] == "torch"]:
            del sys.modules[name]
        sys.modules.update(theirs)


@contextlib.contextmanager
def _each_root(shown: Callable[[list[Any], Any], None]) -> Iterator[None]:
    """`shown` is given the roots of every backward and the frame that asks for it, before it runs."""
    inside = threading.local()

    def around(function: Any, roots_of: Callable[..., Sequence[Any]]) -> Any:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if hasattr(inside, "now"):  # one such function calls the other
                return function(*args, **kwargs)
            inside.now = True
            try:
                roots = [r for r in roots_of(*args) if not r.is_leaf]
                if roots:
                    shown(roots, program_frame(sys._getframe(1)))
                return function(*args, **kwargs)
            finally:
                del inside.now

        return watched

    method = around(tapegrad.Tensor.backward, lambda root, *rest: (root,))
    run = around(engine.run, lambda roots, *rest: roots)
    by_python = mock.patch.object(derivatives._Level, "slope", lambda level, value: None)  # not natively: by `run`
    with mock.patch.object(tapegrad.Tensor, "backward", method), mock.patch.object(engine, "run", run), by_python:
        yield


def _run(script: str, arguments: Sequence[str], *around: contextlib.AbstractContextManager[Any]
         ) -> BaseException | None:
    """Run a script as Python would, but for `torch`; what it was ended by, which goes on once the script is told of."""
    argv, path = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    try:
        with _torch_is_tapegrad(), contextlib.ExitStack() as modes:
            # Those that `site` has close the stream that a debugger reads afterwards.
            modes.enter_context(mock.patch.multiple("builtins", exit=sys.exit, quit=sys.exit, create=True))
            for mode in around:
                modes.enter_context(mode)
            runpy.run_path(script, run_name="__main__")
    except _Found:
        pass
    except BaseException as error:
        return error
    finally:
        sys.argv, sys.path[:] = argv, path
    return None


def dump(script: str, arguments: Sequence[str], shown: dumping.Shown, lines: bool, most: int, json: bool) -> None:
    """Run a script, then print the tape of every root it differentiated, equal ones counted."""
    counts: dict[str, int] = {}
    texts: dict[str, str] = {}

    def add(roots: list[Any], frame: Any) -> None:
        tape = Tape._of(roots, None, None, called(None, frame), lines)
        plain = str(tape)
        counts[plain] = counts.get(plain, 0) + 1
        if plain not in texts and len(texts) < most:
            texts[plain] = dumping.as_json(tape, shown, None) if json else dumping.dumped(tape, shown)

    ended = _run(script, arguments, _each_root(add))
    sys.stdout.flush()
    if json:
        print("\n".join(texts.values()))
    else:
        _report(counts, texts)
    if ended is not None:
        raise ended


def tapes(script: str, arguments: Sequence[str], most: int) -> tuple[list[Tape], BaseException | None]:
    """Run a script: the tapes that it calls backward on, equal ones once, at most so many, with lines and values.

    And what ended it; the same of the others.
    """
    found: dict[str, Tape] = {}

    def add(roots: list[Any], frame: Any) -> None:
        tape = Tape._of(roots, None, None, called(None, frame), True)
        held.clear()
        if len(found) < most:
            found.setdefault(str(tape), tape.kept())

    with running.as_written() as held:
        ended = _run(script, arguments, _each_root(add))
    return list(found.values()), ended


def _report(counts: dict[str, int], texts: dict[str, str]) -> None:
    calls, different = sum(counts.values()), len(counts)
    print(f"\nbackward ran {calls} time{'s' * (calls != 1)}, on {different} "
          f"tape{'s' * (different != 1)}{' that differ' * (different > 1)}")
    for plain, written in texts.items():
        written = dumping.painted(written) if dumping.wants_colour(sys.stdout) else written
        print(f"\n{counts[plain]} times:" if counts[plain] > 1 else "", written, sep="\n")
    if different > len(texts):
        print(f"\n… and {different - len(texts)} more (--most)")


class _Found(BaseException):
    """Ends a script whose report is known."""


class Looked(NamedTuple):
    """What was found in a script: how many times it called backward, and what could not be seen."""

    report: nans.NanReport | None
    calls: int
    unseen: list[str]
    ended: BaseException | None = None


def why_nan(script: str, arguments: Sequence[str]) -> Looked:
    """Run a script up to the first backward through a value that is not finite, and say what made it."""
    report: nans.NanReport | None = None
    calls = 0
    unseen: dict[str, None] = {}

    def look(roots: list[Any], frame: Any) -> None:
        nonlocal report, calls
        calls += 1
        if report is None:
            try:
                found = nans.found(Tape._of(roots, None, None, called(None, frame), True))
                report = report or found  # that of another thread came first
            except TapeError as error:  # Python code is between
                unseen[str(error)] = None
            held.clear()
        if report is not None:
            raise _Found if threading.current_thread() is threading.main_thread() else SystemExit

    with running.as_written() as held:
        ended = _run(script, arguments, _each_root(look))
    return Looked(report, calls, [*unseen], ended)


def profiled(script: str, arguments: Sequence[str]) -> tuple[profiling.Profile, BaseException | None]:
    """Run a script; where its time went, up to where it ends or fails."""
    found = profiling.Profile()
    ended = _run(script, arguments, found)
    return found, ended
