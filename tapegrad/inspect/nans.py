"""`why_nan`: the first value of a computation that is not finite, where it came from, and what cures it.

Forward first: in the order of the instructions, the first NaN (else the first infinity that reaches a result), and
before it what made an infinity out of finite numbers. An infinity that a program put there, as masks do, is no cause.
Then backward: in the order of the sweep, the first contribution that is not finite though the cotangent is.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tapegrad.inspect.statistics import Statistics
from tapegrad.inspect.traps import OVERFLOW, cure_of
from tapegrad.inspect.walk import Walk
from tapegrad.tape import text
from tapegrad.tape.notation import TapeError
from tapegrad.tape.tape import Tape

Array = np.ndarray[Any, Any]
Told = Mapping[int, Statistics]  # of the buffers whose values are known: a result's operands are, if it is
MOST = 12  # instructions of the way from the cause to the result that are shown


class NanReport(NamedTuple):
    """Where the first value that is not finite arose; printed, an explanation.

    `instruction` is None where an input is what is not finite; `buffer` is what it is about: the result of the
    instruction, or in the backward pass the operand that receives the contribution. `way` are the instructions that
    lead from there to the results (backward: to the inputs), in the order in which they run.
    """

    tape: Tape
    backward: bool
    instruction: int | None
    buffer: int
    what: str
    operands: tuple[str, ...]
    position: tuple[int, ...]
    cure: str
    way: tuple[int, ...]
    line: str
    summed: bool = False  # each contribution is finite, their sum is not

    def __str__(self) -> str:
        tape = self.tape
        name = f" ({tape.names[self.buffer]})" if self.buffer in tape.names else ""
        if self.instruction is None:
            return f"input %{self.buffer}{name} holds {self.what}: it was not finite to begin with"
        op = tape.operations[self.instruction]
        where = f", {self.line}" if self.line else ""
        lines = [f"{self.what} first in the {'backward' if self.backward else 'forward'} pass, "
                 f"at ip {self.instruction}, {op.name}{where}", _line(tape, self.instruction)]
        at = f" at {list(self.position)}" if self.position else ""
        if self.backward:
            lines.append(f"     what it adds to the gradient of %{self.buffer}{name} "
                         f"{'makes it' if self.summed else 'is'} {self.what}{at}, where")
        else:
            lines.append(f"     {self.what}{at}, where")
        lines += [f"       {o}" for o in self.operands]
        if self.cure:
            lines += ["cure", f"     {self.cure}"]
        if len(self.way) > 1:
            lines.append("what it went through")
            shown = self.way if len(self.way) <= MOST else (*self.way[:MOST - 1], self.way[-1])
            lines += [_line(tape, t) for t in shown]
        return "\n".join(lines)


def _line(tape: Tape, t: int) -> str:
    source = f"  {tape.sources[t]}" if tape.sources[t] else ""
    out = tape.results[t]
    return (f"{t:>4}  %{out}  {text.type_text(tape.layouts[out])}  {tape.operations[t].name}  "
            f"{text.operation_text(tape, t)}{source}")


def found(tape: Tape) -> NanReport | None:
    """What `why_nan` says of a tape."""
    walk = Walk(tape)
    report = _forward(walk) or _backward(walk.backward())
    if report is None:
        for b, value in enumerate(walk.values):
            if value is None:
                raise TapeError(f"nothing found, but the values of {_unknown(tape, b)}")
        for t, op in enumerate(tape.operations):
            if op.refused and walk.unknown.intersection(tape.operands[t]):
                raise TapeError(f"nothing found, but instruction {t} ({op.name}) has no derivative: backward refuses")
    elif report.instruction is not None:
        report = report._replace(line=tape.sources[report.instruction])
    return report


def _unknown(tape: Tape, b: int) -> str:
    if b in tape.inputs:
        name = f"%{b}" + (f" ({tape.names[b]})" if b in tape.names else "")
        return f"input {name} are gone: keep it alive, or let why_nan(function, *arguments) run the program"
    what = next(a["name"] for r, a in zip(tape.results, tape.attributes) if r == b)
    if what == "CompiledFunction":
        return f"%{b} are made by a compiled function: let why_nan(function, *arguments) run it as it is written"
    return f"%{b} are made by {what}, which is Python code: look inside it, with detect_anomaly(check_forward=True)"


# ---------------------------------------------------------------- the two passes


def _forward(walk: Walk) -> NanReport | None:
    tape = walk.tape
    told = {b: Statistics.of(value) for b, value in enumerate(walk.values) if value is not None}
    nans = {b for b, of in told.items() if of.nans}
    for b in tape.inputs:
        if b in tape.outputs and b in nans:
            return _input(walk, b, told[b])
    bad = [t for t, b in enumerate(tape.results) if b in nans] or [
        t for t, b in enumerate(tape.results) if b in tape.outputs and b in told and told[b].infinities]
    if not bad:
        return None
    slice_of, made, given = _sources(walk, told, bad[0])
    if nans.intersection(given) or (given and not made and tape.results[bad[0]] not in nans):
        b = next((b for b in given if b in nans), given[0])
        return _input(walk, b, told[b])
    t = made[0] if made else bad[0]
    value, position = _array(walk.values[tape.results[t]]), slice_of[t]
    shown = [_operand(walk, b, position, value.shape) for b in tape.operands[t]]
    way = tuple(i for i in sorted(slice_of) if i >= t) if t != bad[0] else (t,)
    return NanReport(tape, False, t, tape.results[t], _kind(value, position), tuple(shown), position,
                     cure_of(tape.operations[t].name, False, _elements(walk, t, position, value.shape), None), way, "")


def _input(walk: Walk, b: int, told: Statistics) -> NanReport:
    position = _first_bad(_array(walk.values[b]))
    return NanReport(walk.tape, False, None, b, str(told), (), position, "", (), "")


def _finite(walk: Walk, told: Told, b: int) -> bool:
    return bool(np.isfinite(float(walk.tape.constants[~b]))) if b < 0 else told[b].finite


def _backward(walk: Walk) -> NanReport | None:
    tape = walk.tape
    sums = {b: walk.seeds.get(b) for b, whole in enumerate(walk.adjoints)
            if whole is not None and not np.isfinite(_array(whole)).all()}
    for t in reversed(range(len(tape))):
        g = walk.adjoints[tape.results[t]]
        if g is None or not np.isfinite(_array(g)).all():
            continue
        for b, part in walk.contributions[t]:
            added = _array(part)
            if np.isfinite(added).all():
                if b in sums:
                    before = sums[b]
                    sums[b] = part if before is None else before + part
                    if not np.isfinite(_array(sums[b])).all():
                        return _overflow(walk, t, b, before, part, sums[b])
                continue
            position = _first_bad(added)
            cotangent = _at(_array(g), position, added.shape)
            shown = [*(_operand(walk, o, position, added.shape) for o in tape.operands[t]),
                     f"the gradient that arrives is {_shown(_array(g), position, added.shape)}"]
            cure = cure_of(tape.operations[t].name, True, _elements(walk, t, position, added.shape), cotangent)
            return NanReport(tape, True, t, b, _kind(added, position), tuple(shown), position, cure, _down(walk, t), "")
    return None


def _overflow(walk: Walk, t: int, b: int, before: Any, part: Any, whole: Any) -> NanReport:
    value = _array(whole)
    position = _first_bad(value)
    shown = (f"what others added is {_shown(_array(before), position, value.shape)}",
             f"what it adds is {_shown(_array(part), position, value.shape)}")
    return NanReport(walk.tape, True, t, b, _kind(value, position), shown, position, OVERFLOW, _down(walk, t), "", True)


def _down(walk: Walk, t: int) -> tuple[int, ...]:
    """The instructions that what is not finite goes on to, in the order of the sweep."""
    tape = walk.tape
    made = {b: i for i, b in enumerate(tape.results)}
    way, at = [t], {t}
    for i in range(t, -1, -1):
        if i not in at:
            continue
        for b, part in walk.contributions[i]:
            if b in made and not np.isfinite(_array(part)).all():
                at.add(made[b])
        if i != t:
            way.append(i)
    return tuple(way)


def _sources(walk: Walk, told: Told, t: int) -> tuple[dict[int, tuple[int, ...]], list[int], list[int]]:
    """The way on which what is not finite came to an instruction: where in each result, which made it, which inputs."""
    tape = walk.tape
    maker = {b: i for i, b in enumerate(tape.results)}
    found = {t: _first_bad(_array(walk.values[tape.results[t]]))}
    made, given, stack = [], [], [t]
    while stack:
        i = stack.pop()
        elementwise, shape = tape.operations[i].kind == "elementwise", tape.layouts[tape.results[i]].shape
        through = [b for b in tape.operands[i] if not _finite(walk, told, b) and not (
            elementwise and b >= 0 and np.isfinite(np.broadcast_to(_array(walk.values[b]), shape)[found[i]]))]
        if not through:
            made.append(i)
        for b in through:
            if b in maker and maker[b] not in found:
                along = elementwise and tape.layouts[b].shape == shape
                found[maker[b]] = found[i] if along else _first_bad(_array(walk.values[b]))
                stack.append(maker[b])
            elif b in tape.inputs:
                given.append(b)
    return found, sorted(made), given


# ---------------------------------------------------------------- elements


def _array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().double().numpy())


def _first_bad(value: Array) -> tuple[int, ...]:
    """Where the first NaN is, else the first infinity."""
    bad = np.isnan(value)
    bad = bad if bad.any() else ~np.isfinite(value)
    return tuple(int(i) for i in np.unravel_index(int(bad.argmax()), value.shape)) if value.shape else ()


def _kind(value: Array, position: tuple[int, ...]) -> str:
    return str(float(value[position]))


def _at(value: Array, position: tuple[int, ...], shape: tuple[int, ...]) -> float | None:
    """The element that belongs to one of a value of this shape, if shapes say which."""
    try:
        return float(np.broadcast_to(value, shape)[position])
    except ValueError:
        return float(value.item()) if value.size == 1 else None


def _shown(value: Array, position: tuple[int, ...], shape: tuple[int, ...]) -> str:
    element = _at(value, position, shape)
    if element is not None:
        return f"{element:.6g}"
    return f"{list(value.shape)} of {np.nanmin(value):.3g}..{np.nanmax(value):.3g}"


def _operand(walk: Walk, b: int, position: tuple[int, ...], shape: tuple[int, ...]) -> str:
    tape = walk.tape
    if b < 0:
        return f"the number is {tape.constants[~b]!r}"
    name = f" ({tape.names[b]})" if b in tape.names else ""
    kind = text.type_text(tape.layouts[b])
    if walk.values[b] is None:
        return f"%{b}{name}  {kind} is not known"
    element = _at(_array(walk.values[b]), position, shape)
    if element is not None:
        return f"%{b}{name}  {kind} is {element:.6g} there"
    return f"%{b}{name}  {kind} holds {Statistics.of(walk.values[b])}"


def _elements(walk: Walk, t: int, position: tuple[int, ...], shape: tuple[int, ...]) -> list[Any]:
    """For every operand its element there, or all of its values where there is no such."""
    found: list[Any] = []
    for b in walk.tape.operands[t]:
        value = np.asarray(float(walk.tape.constants[~b])) if b < 0 else _array(walk.values[b])
        element = _at(value, position, shape)
        found.append(value if element is None else np.asarray(element))
    return found
