"""A debugger that goes both ways: through the instructions of a tape, then back through its adjoint.

Time is a row of steps: the instructions forwards, then those with an adjoint backwards. Every value is there (`Walk`),
so that a step back costs what a step forward does. The commands are methods, the same from Python (`debugger.next()`)
as from the prompt.
"""
from __future__ import annotations

import cmd
import re
from collections.abc import Callable
from typing import Any, TextIO

from tapegrad.inspect.statistics import Statistics
from tapegrad.inspect.walk import Walk
from tapegrad.tape import text
from tapegrad.tape.tape import Tape

AROUND = 3
Condition = Callable[["Debugger"], bool]


class Debugger:
    """A place in the run of a tape, and ways to move it.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 4.0], requires_grad=True)
    >>> d = Debugger(Tape.of((x.sqrt() * 3).sum()))
    >>> d.next(), d.until("sum"), d.value("%2")
    (1, 2, tensor([3., 6.]))
    >>> d.until("backward mul"), d.adjoint("%1")
    (4, None)
    >>> d.next(), d.adjoint("%1"), d.back(), d.back()
    (5, tensor([3., 3.]), 4, 3)
    >>> d.go(6), d.contributions("%0")
    (6, [(0, tensor([1.5000, 0.7500]))])

    `at` is the step: it has been reached, not run. Values that later steps compute are None.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape: Tape = tape
        self.walk: Walk = Walk(tape).backward()
        swept = [t for t in reversed(range(len(tape))) if self.walk.contributions[t]]
        self.steps: list[tuple[int, bool]] = [(t, False) for t in range(len(tape))] + [(t, True) for t in swept]
        self.at: int = 0
        self.breakpoints: list[tuple[str, Condition]] = []
        self._made: dict[int, int] = {b: t for t, b in enumerate(tape.results)}

    # ------------------------------------------------------------ moving

    def next(self, count: int = 1) -> int:
        """Some steps on; returns where that is."""
        return self.go(self.at + count)

    def back(self, count: int = 1) -> int:
        """Some steps back."""
        return self.go(self.at - count)

    def go(self, step: int) -> int:
        """To a step, as far as there is one."""
        self.at = max(0, min(step, len(self.steps)))
        return self.at

    def until(self, what: str | Condition, by: int = 1) -> int:
        """On (or, `by=-1`, back) to the next step that is of an operation, on a line, or that fulfils a condition.

        What is `mul`, `train.py:14`, `%7` (a change of this buffer or its adjoint), `nan`, `backward` before any of
        these, or a function of the debugger.
        """
        return self._run([self._condition(what)], by)

    def resume(self, by: int = 1) -> int:
        """On (or back) to the next breakpoint, or the end."""
        return self._run([condition for _, condition in self.breakpoints], by)

    def stop_at(self, what: str | Condition) -> None:
        """A breakpoint: what `until` takes."""
        self.breakpoints.append((str(what), self._condition(what)))

    def _run(self, conditions: list[Condition], by: int) -> int:
        while 0 <= self.at + by <= len(self.steps):
            self.at += by
            if self.at < len(self.steps) and any(condition(self) for condition in conditions):
                break
        return self.at

    def _condition(self, what: str | Condition) -> Condition:
        if callable(what):
            return what
        backward, _, rest = what.partition(" ") if what.startswith("backward") else ("", "", what)
        if re.fullmatch(r"%\d+", rest):
            b = int(rest[1:])
            return lambda d: d._changes(b) and (not backward or d._step()[1])
        if rest == "nan":
            return lambda d: not all(Statistics.of(v).finite for v in d._new() if v is not None)
        if rest and not re.fullmatch(r"\w+|[^\s:]+:\d+", rest):
            raise ValueError("expected an operation, a line (train.py:14), a buffer (%3), nan or backward, "
                             f"got {what!r}")
        return lambda d: d._step()[1] == bool(backward) and (
            not rest or rest in (d.tape.operations[d._step()[0]].name, d.tape.sources[d._step()[0]]))

    def _step(self) -> tuple[int, bool]:
        return self.steps[self.at]

    def _changes(self, b: int) -> bool:
        t, backward = self._step()
        return any(of == b for of, _ in self.walk.contributions[t]) if backward else self.tape.results[t] == b

    def _new(self) -> list[Any]:
        """What a step computes."""
        t, backward = self._step()
        if backward:
            return [part for _, part in self.walk.contributions[t]]
        return [self.walk.values[self.tape.results[t]]]

    # ------------------------------------------------------------ looking

    def value(self, buffer: str | int) -> Any:
        """What a buffer holds here; None before its instruction."""
        b = self._buffer(buffer)
        return self.walk.values[b] if b not in self._made or self.at > self._made[b] else None

    def adjoint(self, buffer: str | int) -> Any:
        """What has been added to a buffer's adjoint so far, the seed of a result included; None if nothing was."""
        b = self._buffer(buffer)
        if b in self.walk.unknown:
            return None
        parts = [part for _, part in self.contributions(b)]
        if self.at >= len(self.tape) and b in self.walk.seeds:
            parts.append(self.walk.seeds[b])
        return sum(parts[1:], parts[0]) if parts else None

    def contributions(self, buffer: str | int) -> list[tuple[int, Any]]:
        """What added to a buffer's adjoint so far, the largest first: (instruction, contribution)."""
        b = self._buffer(buffer)
        found = [(t, part) for t, backward in self.steps[:self.at] if backward
                 for of, part in self.walk.contributions[t] if of == b]
        return sorted(found, key=lambda one: -float(one[1].abs().max()) if one[1].numel() else 0.0)

    def readers(self, buffer: str | int) -> list[int]:
        """The instructions that read a buffer."""
        b = self._buffer(buffer)
        return [t for t, operands in enumerate(self.tape.operands) if b in operands]

    def _buffer(self, name: str | int) -> int:
        if isinstance(name, str):
            by_name = {called: b for b, called in self.tape.names.items()}
            name = int(name[1:]) if re.fullmatch(r"%\d+", name) else by_name.get(name, -1)
        if not 0 <= name < len(self.tape.layouts):
            raise ValueError(f"no such buffer: there are %0 to %{len(self.tape.layouts) - 1}, and the names of inputs")
        return name

    def listing(self, around: int = AROUND) -> str:
        """The steps around this one, the next to run marked."""
        first, last = max(0, self.at - around), min(len(self.steps), self.at + around + 1)
        rows = []
        for i in range(first, last):
            t, backward = self.steps[i]
            rows.append(["→" if i == self.at else " ", f"{'∂' if backward else ''}{t}", self._told(t, backward),
                         self.tape.sources[t]])
        rows += [["→", "end", "", ""]] if self.at == len(self.steps) else []
        return "\n".join(text.aligned(rows, (1, 2, 2), right=1))

    def _told(self, t: int, backward: bool) -> str:
        tape = self.tape
        if backward:
            return f"{tape.operations[t].name}  " + " ".join(f"∂%{b} +=" for b, _ in self.walk.contributions[t])
        out = tape.results[t]
        return f"%{out} = {tape.operations[t].name} {text.operation_text(tape, t)}  {text.type_text(tape.layouts[out])}"


class Prompt(cmd.Cmd):
    """The debugger at a terminal."""

    intro: str = "A tape's run, step by step, forwards and backwards. Type help or ? to list commands."
    prompt: str = "(tape) "

    def __init__(self, debugger: Debugger, stdin: TextIO | None = None, stdout: TextIO | None = None) -> None:
        super().__init__(stdin=stdin, stdout=stdout)
        self.use_rawinput: bool = stdin is None
        self.debugger: Debugger = debugger

    def _say(self, what: Any) -> None:
        print(what, file=self.stdout)

    def preloop(self) -> None:
        self._say(self.debugger.listing())

    def onecmd(self, line: str) -> bool:
        """A command; what it refuses is said, and the prompt stays."""
        try:
            return bool(super().onecmd(line))
        except (ValueError, IndexError) as error:
            self._say(error)
            return False

    def emptyline(self) -> bool:
        return self.onecmd("next")

    def default(self, line: str) -> None:
        short = {"n": "next", "b": "back", "c": "continue", "p": "print", "l": "list", "q": "quit", "EOF": "quit"}
        word, _, rest = line.partition(" ")
        if word not in short:
            self._say(f"no such command: {word} (try help)")
        elif self.onecmd(f"{short[word]} {rest}".strip()):
            self.cmdqueue.append("quit")

    def do_next(self, given: str) -> None:
        """next [N]: some steps on (n, or an empty line)."""
        self.debugger.next(int(given or 1))
        self._say(self.debugger.listing())

    def do_back(self, given: str) -> None:
        """back [N]: some steps back (b)."""
        self.debugger.back(int(given or 1))
        self._say(self.debugger.listing())

    def do_until(self, given: str) -> None:
        """until WHAT: on to an operation (mul), a line (a.py:14), a change of a buffer (%7), nan, backward [WHAT]."""
        self.debugger.until(given)
        self._say(self.debugger.listing())

    def do_rewind(self, given: str) -> None:
        """rewind WHAT: back to where WHAT holds, as until has it; back to the start without."""
        self.debugger.until(given, -1) if given else self.debugger.go(0)
        self._say(self.debugger.listing())

    def do_break(self, given: str) -> None:
        """break WHAT: a breakpoint, as until has it; without, those that are set."""
        if given:
            self.debugger.stop_at(given)
        for i, (what, _) in enumerate(self.debugger.breakpoints):
            self._say(f"{i}  {what}")

    def do_continue(self, given: str) -> None:
        """continue: on to the next breakpoint, or the end (c)."""
        self.debugger.resume()
        self._say(self.debugger.listing())

    def do_print(self, given: str) -> None:
        """print BUFFER: what a buffer (%3, or an input's name) holds, and its adjoint so far (p)."""
        value, adjoint = self.debugger.value(given), self.debugger.adjoint(given)
        self._say("not computed yet" if value is None else value)
        if adjoint is not None:
            self._say(f"∂ {adjoint}")

    def do_who(self, given: str) -> None:
        """who BUFFER: what added to a buffer's adjoint so far, the largest first."""
        for t, part in self.debugger.contributions(given):
            self._say(f"{t:>5}  {self.debugger.tape.operations[t].name}  {Statistics.of(part)}")

    def do_readers(self, given: str) -> None:
        """readers BUFFER: the instructions that read a buffer."""
        for t in self.debugger.readers(given):
            self._say(f"{t:>5}  {self.debugger.tape.operations[t].name}")

    def do_list(self, given: str) -> None:
        """list [N]: the steps around (l)."""
        self._say(self.debugger.listing(int(given or 3 * AROUND)))

    def do_quit(self, given: str) -> bool:
        """quit: leave (q)."""
        return True
