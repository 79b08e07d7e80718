"""A promise that holds for every tape: it prints, parses, replays, is saved and loaded to the same values.

`pytest --tapes tests/test_views.py` checks the tape of every backward that the tests run, equal ones once, and ends
with a table: how many there were of each kind, and which failed. `Checker` is what does it, and may be used without
pytest.

What cannot be replayed is counted by why: "Python" (a custom function, a compiled call), "gone" (values that nothing
holds any more), "overwritten" (by the tape itself), "written since" (by the program, where autograd does not look).
"""
from __future__ import annotations

import contextlib
import io
import threading
import traceback
from collections import Counter
from typing import Any

import numpy as np

import tapegrad
from tapegrad.inspect import scripts
from tapegrad.machine.learning import capturing
from tapegrad.tape import Tape, TapeError, reading

LONGEST = 5_000
_NOT_REPLAYED = {"Python code, which a tape does not keep": "Python", "are gone: replay needs": "gone",
                 "the tape overwrites what it reads": "overwritten",
                 "was written since the tape read it": "written since"}


def elements(tensor: Any) -> np.ndarray[Any, Any]:
    """A tensor's elements as words, where every NaN is the same."""
    held = tensor.detach()
    found = reading.array_of(held)
    words = np.ascontiguousarray(found).view(f"u{found.itemsize}")
    if held.dtype.is_floating_point:
        nans = held.isnan()
        words = np.where(reading.array_of(nans), words.dtype.type(0x7FF1), words)
    return words


def same(found: Any, wanted: Any) -> bool:
    """Whether two tensors are the same bit by bit."""
    return found.dtype is wanted.dtype and found.shape == wanted.shape and np.array_equal(
        elements(found), elements(wanted))


def went_round(tape: Tape, text: str) -> tuple[str, Tape]:
    """What is wrong with a tape once it was written and read again, and the tape of the file."""
    parsed = Tape.parse(text)
    if parsed != tape or str(parsed) != text:
        return "parsed", parsed
    tape.verify()
    file = io.BytesIO()
    tape.save(file)
    file.seek(0)
    loaded = Tape.load(file)
    if loaded != tape or str(loaded) != text:
        return "loaded", loaded
    if loaded.values.keys() != tape.values.keys() or not all(
            same(loaded.values[b], value) for b, value in tape.values.items()):
        return "values of the file", loaded
    if loaded.adjoint() != tape.adjoint():
        return "adjoint of the file", loaded
    return "", loaded


class Checker:
    """Looks at tapes, and counts what it found; `failures` are (test, what, text)."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[tuple[str, str, str]] = []
        self.test = ""
        self._seen: set[str] = set()
        self._inside = threading.local()

    def roots(self, roots: list[Any], frame: Any = None) -> None:
        """Look at the tape of what a backward begins with. It fails nothing, and changes nothing."""
        if hasattr(self._inside, "now"):
            return
        self._inside.now = True
        try:
            if capturing.mine() is not None:
                self.counts["captured"] += 1
                return
            held = []
            for root in roots:
                while root._stands_in:
                    root = root._value
                held.append(root)
            self._look(held)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.failures.append((self.test, f"{type(error).__name__} at {where.name}:{where.lineno}: {error}", ""))
        finally:
            del self._inside.now

    def _look(self, roots: list[Any]) -> None:
        tape = Tape.of(*roots, names={}, lines=True)
        if len(tape) > LONGEST:
            self.counts["long"] += 1
            return
        text = str(tape)
        if text in self._seen:
            self.counts["again"] += 1
            return
        self._seen.add(text)
        self.counts["tapes"] += 1
        try:
            wrong, loaded = went_round(tape, text)
            kind = "" if wrong else self._replayed(tape, loaded, roots)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            wrong, kind = f"{type(error).__name__} at {where.name}:{where.lineno}: {error}", ""
        if wrong or not kind:
            self.failures.append((self.test, wrong or "replayed", text))
        else:
            self.counts[kind] += 1

    def _replayed(self, tape: Tape, loaded: Tape, roots: list[Any]) -> str:
        """How it went, or nothing if other values came."""
        try:
            with tapegrad.no_grad():
                several = [found if isinstance(found, tuple) else (found,)
                           for found in (tape.replay(), loaded.replay())]
        except TapeError as error:
            for reason, kind in _NOT_REPLAYED.items():
                if reason in str(error):
                    return kind
            raise
        there = [reading.is_alive(root._buffer) for root in roots]  # of what a node begins with the memory may be gone
        if not any(there):
            return "gone"
        if all(same(found, root) for results in several for found, root, alive in zip(results, roots, there) if alive):
            return "replayed"
        return ""

    def table(self) -> str:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))
        lines = [f"tapes: {counts or 'none'}; {len(self.failures)} failed"]
        for test, wrong, text in self.failures:
            lines += [f"FAILED {test}: {wrong}", *(f"    {line}" for line in text.split("\n") if line)]
        return "\n".join(lines)


class Plugin:
    """What `--tapes` adds to pytest."""

    def __init__(self) -> None:
        self.checker = Checker()
        self._watching = contextlib.ExitStack()
        self._watching.enter_context(scripts._each_root(self.checker.roots))

    def pytest_runtest_setup(self, item: Any) -> None:
        self.checker.test = item.nodeid

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line(self.checker.table())

    def pytest_unconfigure(self) -> None:
        self._watching.close()
