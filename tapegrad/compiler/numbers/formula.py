"""What a captured call makes of the numbers it is given, as a Python function: it gives the very numbers Python gives.
"""
from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad.compiler.guards.contents import Watched
from tapegrad.compiler.numbers.places import Place
from tapegrad.machine import records as rec
from tapegrad.machine.learning import following
from tapegrad.machine.live import call

_NAMES = {**following.FUNCTIONS, **{name: getattr(math, name) for name in ("floor", "ceil", "trunc", "inf", "nan")}}
_FAILURES = (ArithmeticError, LookupError, ValueError, TypeError, struct.error)  # as of the call: Python says why
Value = tuple[int | None, Any]  # the number of a value of the graph; or None and the value itself


class Formula:
    """The conditions on `given` numbers, and what becomes of them: words of operands, then where parts begin.

    `writes` are numbers that the call leaves behind, with the place of the given number that each replaces; `outputs`
    are those it returns.
    """

    graph: following.Graph
    kinds: tuple[type, ...]
    writes: list[tuple[int, Value]]
    outputs: list[Value]

    def __init__(self, graph: following.Graph, kinds: Sequence[type], writes: Sequence[tuple[int, Value]],
                 outputs: Sequence[Value]) -> None:
        self.graph, self.kinds = graph, tuple(kinds)
        self.writes, self.outputs = list(writes), list(outputs)
        self.places: list[int] = [place for place, _ in writes]
        self._compute: Callable[..., Any] | None = None
        self._then: Callable[..., Any] = tuple
        self._names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._late: list[str] = []

    def key(self) -> tuple[Any, ...]:
        """Something to compare: formulas with equal keys are one."""
        return (self.graph.key(), self.kinds, [(p, n, type(v), repr(v)) for p, (n, v) in self.writes],
                [(n, type(v), repr(v)) for n, v in self.outputs])

    def __call__(self, numbers: Sequence[Any]) -> tuple[Any, ...] | None:
        """The words of a replay's operands, and what `after` takes; None where it is another call."""
        compute = self._compute
        if compute is None:
            compute, self._then = self._made()
            self._compute = compute
        try:
            return compute(*numbers)
        except _FAILURES:
            return None

    def after(self, computed: tuple[Any, ...], reads: Sequence[Any] = ()) -> tuple[Any, Any]:
        """What a replay that passed writes, and what it returns; `reads` are numbers out of its results."""
        found: tuple[Any, Any] = self._then(*computed[1:], *reads)
        return found

    def _made(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        graph = self.graph
        names: dict[str, Any] = dict(_NAMES)
        # NaN is never followed: whether it is itself depends on which object it is.
        lines = [f"if type(v{i}) is not {kind.__name__}{f' or v{i} != v{i}' * (kind is float)}: return"
                 for i, kind in enumerate(self.kinds)]
        late: list[str] = []
        waits: set[str] = set()  # values that depend on what the program finds
        for number, what in graph.lines:
            if type(what) is following.Read:
                if what.pinned:
                    lines.append(f"v{number} = ({what.value!r})")
                else:
                    waits.add(f"v{number}")
            elif type(what) is str and not waits.isdisjoint(_NAME.findall(what)):
                waits.add(f"v{number}")
                late.append(f"v{number} = {what}")
            else:
                lines.append(f"v{number} = {what}" if type(what) is str else _condition(number, what[0]))
        for number, kind in graph.uses:
            if graph.wavers:
                lines.append(f"if type(v{number}) is not {kind.__name__}: return")
            if kind is int:  # of these each has rules of its own
                lines.append(f"if {rec.LITERALS[0]} <= v{number} <= {rec.LITERALS[-1]}: return")
        starts = [part.number for part in graph.parts]
        if graph.wavers:
            lines += [f"if type(v{number}) is not int: return" for number in starts]
        names["pack"] = struct.Struct("=" + "".join("d" if kind is float else "q" for _, kind in graph.uses)
                                      + "q" * len(starts)).pack
        words = ", ".join(f"v{n}" for n in [*(n for n, _ in graph.uses), *starts])
        left = (f"({_listed([v for _, v in self.writes], 'w', names)}, {_listed(self.outputs, 'r', names)})")
        handed = sorted({*_NAME.findall(" ".join([*late, left]))}.difference(waits))
        lines.append(f"return pack({words}), {''.join(f'{name}, ' for name in handed)}")
        reads = [f"v{number}" for number, read in graph.reads.items() if not read.pinned]
        source = (f"def compute({', '.join(f'v{i}' for i in range(graph.given))}):\n  " + "\n  ".join(lines)
                  + f"\ndef after({', '.join([*handed, *reads])}):\n  " + "\n  ".join([*late, f"return {left}"]))
        exec(source, names)
        self._names, self._lines = names, lines
        self._late = [f"_, {''.join(f'{name}, ' for name in handed)}= computed",
                      *(f"{name} = item(found[{{}}])" for name in reads), *late]
        return names["compute"], names["after"]

    def of_call(self, passed: Sequence[int], places: Sequence[Place], watched: Sequence[Watched]
                ) -> Callable[[tuple[Any, ...]], Any]:
        """The same of a call's arguments: they are `passed` there, and in `places`; if what is `watched` is the same.
        """
        if self._compute is None:
            self._compute, self._then = self._made()
        names = dict(self._names, _FAILURES=_FAILURES)
        lines = [f"if not {one.asked(k, names)}: return" for k, one in enumerate(watched)]
        lines += [f"v{j} = args[{i}]" for j, i in enumerate(passed)]
        lines += [f"v{len(passed) + j} = {place.written(j, names)}" for j, place in enumerate(places)]
        exec("def of_call(args):\n try:\n  " + "\n  ".join([*lines, *self._lines])
             + "\n except _FAILURES:\n  return None", names)
        found: Callable[[tuple[Any, ...]], Any] = names.pop("of_call")  # no cycle
        return found

    def leaving(self, passed: int, places: Sequence[Place], reads: Sequence[int]) -> Callable[..., Any]:
        """What writes the numbers that a call leaves, and gives those it returns: of what was computed and `found`.

        It reads its numbers out of these tensors that were found, by their places.
        """
        names = dict(self._names, item=call.item)
        at = iter(reads)
        lines = [line.format(next(at)) if "{}" in line else line for line in self._late]
        for k, (number, (value, known)) in enumerate(self.writes):
            names[f"w{k}"] = known
            lines.append(f"{places[number - passed].written(number - passed, names)} = "
                         + (f"w{k}" if value is None else f"v{value}"))
        lines.append(f"return {_listed(self.outputs, 'r', names)}")
        exec("def leaving(computed, found):\n " + "\n ".join(lines), names)
        made: Callable[..., Any] = names.pop("leaving")
        return made


_NAME = re.compile(r"\bv\d+\b")


def _condition(number: int, expected: Any) -> str:
    if type(expected) is bool:
        return f"if v{number} is not {expected}: return"
    if type(expected) is float and (not expected or expected != expected):  # 0.0 is not -0.0, and NaN is NaN
        return f"if type(v{number}) is not float or repr(v{number}) != {repr(expected)!r}: return"
    return f"if type(v{number}) is not {type(expected).__name__} or v{number} != {expected!r}: return"


def _listed(values: Sequence[Value], prefix: str, names: dict[str, Any]) -> str:
    found = []
    for i, (number, value) in enumerate(values):
        if number is None:
            names[f"{prefix}{i}"] = value
        found.append(f"{prefix}{i}" if number is None else f"v{number}")
    return f"({''.join(f + ', ' for f in found)})"
