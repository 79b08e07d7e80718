"""A tape as text, and back. docs/tape-format.md describes the format; `dump` and `parse` are its two directions.

What a dump derives (the header's counts, `~`, keeps, uses, grad_fn) is for the reader: `parse` passes over it.
"""
from __future__ import annotations

import difflib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tapegrad import dtypes, shapes
from tapegrad.machine.live import layouts as machine_layouts
from tapegrad.machine.planning import Layout
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape.derived import Derived
from tapegrad.tape.instructions import Code, Instructions
from tapegrad.tape.notation import Number, TapeError, canonical

DEEPEST = 64  # tuples in tuples
LEGEND = "∂ requires grad · ~ broadcast · keeps = read again by backward"


class ParseError(TapeError):
    """A text that is no tape: the message names the line and what was expected there."""

    def __init__(self, line: int, expected: str, found: str) -> None:
        self.line = line
        super().__init__(f"line {line}: expected {expected}, got {found!r}")


# ---------------------------------------------------------------- small parts


def quoted(name: str) -> str:
    """A string as JSON writes it, on one line and without two spaces in a row, which separate columns."""
    written = json.dumps(name, ensure_ascii=False).replace("  ", " \\u0020").replace("  ", " \\u0020")
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in written)


def plain(name: str) -> str:
    """A name as it is where that is unambiguous, else quoted."""
    clear = re.fullmatch(r'[^\W\d](?:[\w.\[\]:/-]|\["[\w./-]+"\])*', name)
    return name if clear else quoted(name).replace(" ", "\\u0020")


def type_text(layout: Layout) -> str:
    """`f32[2,3]`, followed by the strides in braces unless they are the row-major ones."""
    text = f"{layout.dtype.short}[{','.join(map(str, layout.shape))}]"
    if layout.strides != shapes.contiguous_strides(layout.shape):
        text += f"{{{','.join(map(str, layout.strides))}}}"
    return text


def value_text(value: Any) -> str:
    """An attribute's value: numbers, strings, dtypes, None, and tuples of them, without a space anywhere."""
    if isinstance(value, tuple):
        return f"({','.join(map(value_text, value))}{',' * (len(value) == 1)})"
    if isinstance(value, str):
        return quoted(value).replace(" ", "\\u0020")
    if isinstance(value, dtypes.dtype):
        return value.short
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    return f"<{type(value).__name__}>"


def bytes_text(n: float) -> str:
    if n < 10_000:
        return f"{n} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        n /= 1024
        if n < 1000 or unit == "TiB":
            break
    return f"{n:.3g} {unit}" if n < 1000 else f"{n:.0f} {unit}"


def aligned(rows: Sequence[Sequence[str]], gaps: Sequence[int], right: int = -1) -> list[str]:
    """Rows of cells in columns, `gaps[i]` spaces after column i; column `right` is aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [c.rjust(w) if i == right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))]
        lines.append("".join(c + " " * gap for c, gap in zip(cells, [*gaps, 0])).rstrip())
    return lines


# ---------------------------------------------------------------- dump


def operand_text(tape: Instructions, b: int) -> str:
    return repr(tape.constants[~b]) if b < 0 else f"%{b}"


def is_broadcast(tape: Instructions, t: int, b: int) -> bool:
    op = tape.operations[t]
    if b < 0 or op.kind not in ("elementwise", "reduction"):
        return False
    return tape.layouts[b].shape != shapes.broadcast(o.shape for o in tape.operand_layouts(t))


def operation_text(tape: Instructions, t: int) -> str:
    """Operands and attributes of an instruction."""
    parts = [operand_text(tape, b) + "~" * is_broadcast(tape, t, b) for b in tape.operands[t]]
    parts += [f"{k}={value_text(v)}" for k, v in tape.attributes[t].items()]
    return " ".join(parts) or "-"


def dump(tape: Instructions, beside: Mapping[str, Sequence[str]] | None = None, loops: Sequence[Any] = ()) -> str:
    """The text; `beside` are further columns by name, with an entry a buffer, which stand right of the others.

    Of `loops` (`inspect.folding.Run`) the first turn is shown, and how many there are: such a text is not parsed.
    """
    beside = beside or {}
    of = Derived(tape)
    peak, kept = of.memory
    lines = [
        f"tape {quoted(tape.name)}  {len(tape)} ins · {len(tape.layouts)} bufs · {bytes_text(peak)} · "
        f"kept for backward {bytes_text(kept)}"
    ]
    rows = [
        ["in", f"%{b}", type_text(tape.layouts[b]), plain(tape.names[b]) if b in tape.names else "",
         "∂" if b in tape.requires else "", *(f"· {name} {column[b]}" for name, column in beside.items())]
        for b in tape.inputs
    ]
    if rows:
        named = any(row[3] for row in rows)
        shown = aligned(rows, (3, 2, 2, 1 if named else 0, *[2] * len(beside)))
        lines += _alike_once(shown, [(row[2], row[4]) if not row[3] else i for i, row in enumerate(rows)]
                             ) if loops else shown
    sources = any(tape.sources) or bool(beside)
    table = [["ip", "out", "type", "op", "operands", "keeps", "uses", "grad_fn", "source", *beside]]
    folded = {run.start + run.length: run for run in loops}
    notes: dict[int, str] = {}
    t = 0
    while t < len(tape):
        if t in folded:
            run = folded[t]
            notes[len(table)] = f"    × {run.turns} ⟨ip {run.start}–{t - 1} … {run.end - run.length}–{run.end - 1}⟩"
            t = run.end
            continue
        op, out = tape.operations[t], tape.results[t]
        table.append([
            str(t), f"%{out}", type_text(tape.layouts[out]), op.name, operation_text(tape, t),
            " ".join(f"%{b}" for b in of.kept(t)) or "-", str(of.uses[out]), tape.plan(t).grad_name,
            plain(tape.sources[t]) if tape.sources[t] else "-", *(column[out] for column in beside.values()),
        ])
        t += 1
    if not sources:
        table = [row[:-1] for row in table]
    for i, line in enumerate([*aligned(table, (3, *[2] * (len(table[0]) - 1)), right=0), None]):
        lines += [notes[i]] if i in notes else []
        lines += [line] if line is not None else []
    lines.append("out  " + " ".join(f"%{b}" for b in tape.outputs))
    return "\n".join([*(line.rstrip() for line in lines), LEGEND])


def _alike_once(lines: Sequence[str], kinds: Sequence[Any]) -> Iterator[str]:
    """Lines, but of neighbours of one kind the first alone, and how many there are."""
    at = 0
    for _, same in itertools.groupby(kinds):
        count = len(list(same))
        yield lines[at]
        if count > 3:
            yield f"    × {count}"
        else:
            yield from lines[at + 1:at + count]
        at += count


# ---------------------------------------------------------------- parse


_HEADER = re.compile(r'tape\s+("(?:[^"\\]|\\.)*")')
_NAME = r'"(?:[^"\\]|\\.)*"|[^\s"∂·]\S*'
_IN = re.compile(rf"in\s+(\S+)\s+(\S+)(?:\s+({_NAME}))?(?:\s+(∂))?(?:\s+·.*)?\s*$")
_TYPE = re.compile(r"(\w+)\[([\d,]*)\](?:\{([\d,]*)\})?$")


class _Parser:
    def __init__(self, dumped: str) -> None:
        self.lines = [(i, line.strip()) for i, line in enumerate(dumped.splitlines(), 1)]
        self.lines = [(i, line) for i, line in self.lines if line and line[0] not in "#∂" and line.split()[0] != "ip"]
        self.at = 0
        self.constants: dict[str, int] = {}
        self.values: list[Number] = []
        self.layouts: dict[int, Layout] = {}

    def fail(self, expected: str, found: str | None = None) -> ParseError:
        number, line = self.lines[self.at] if self.at < len(self.lines) else (self.last_line(), "the end of the text")
        return ParseError(number, expected, line if found is None else found)

    def last_line(self) -> int:
        return self.lines[-1][0] + 1 if self.lines else 1

    def word(self) -> str:
        return self.lines[self.at][1].split()[0] if self.at < len(self.lines) else ""

    def string(self, text: str) -> str:
        if text[:1] != '"':
            return text
        try:
            return str(json.loads(text))
        except ValueError:
            raise self.fail("a quoted name", text) from None

    def buffer(self, text: str, known: bool) -> int:
        if not re.fullmatch(r"%\d{1,18}", text):
            raise self.fail("a buffer such as %0", text)
        b = int(text[1:])
        if known and b not in self.layouts:
            raise self.fail("a buffer that an earlier line defines", text)
        if not known and b in self.layouts:
            raise self.fail("a buffer that no earlier line defines", text)
        return b

    def type(self, text: str) -> Layout:
        found = _TYPE.match(text)
        d = dtypes.BY_SHORT.get(found[1]) if found else None
        if found is None or d is None:
            raise self.fail(f"a type such as f32[2,3] (element types: {', '.join(dtypes.BY_SHORT)})", text)
        try:
            shape = tuple(int(n) for n in found[2].split(",")) if found[2] else ()
            strides = shapes.contiguous_strides(shape)
            if found[3] is not None:
                strides = tuple(int(n) for n in found[3].split(",")) if found[3] else ()
        except ValueError:
            raise self.fail("sizes and strides separated by single commas", text) from None
        if len(strides) != len(shape):
            raise self.fail(f"{len(shape)} strides in braces", text)
        reach = sum(max(n - 1, 0) * s for n, s in zip(shape, strides)) + 1
        if max(math.prod(max(n, 1) for n in shape), reach) * d.itemsize >= 1 << 47:
            raise self.fail("a tensor that fits in memory", text)
        return machine_layouts.intern(d, shape, strides)

    def operation(self, name: str) -> Operation:
        try:
            return REGISTRY[name]
        except KeyError:
            near = difflib.get_close_matches(name, REGISTRY, 3)
            raise self.fail("an operation" + f" ({', '.join(near)}?)" * bool(near), name) from None

    def operand(self, text: str) -> int:
        if text[0] == "%":
            return self.buffer(text.rstrip("~"), True)
        try:
            value: Any = text == "True" if text in ("True", "False") else _number(text)
        except ValueError:
            raise self.fail("an operand: a buffer such as %0, a number, or name=value", text) from None
        if repr(value) not in self.constants:
            self.constants[repr(value)] = len(self.values)
            self.values.append(value)
        return ~self.constants[repr(value)]

    def parse(self) -> tuple[Any, ...]:
        header = _HEADER.match(self.lines[0][1]) if self.lines else None
        if header is None:
            raise self.fail('a header such as: tape "loss"')
        name = self.string(header[1])
        self.at += 1
        inputs, requires, names = [], [], {}
        while self.word() == "in":
            found = _IN.match(self.lines[self.at][1])
            if found is None:
                raise self.fail("an input such as: in %0 f32[2,3] name ∂")
            b = self.buffer(found[1], False)
            self.layouts[b] = self.type(found[2])
            inputs.append(b)
            if found[3]:
                names[b] = self.string(found[3])
            if found[4]:
                requires.append(b)
            self.at += 1
        code: list[Any] = []
        sources: list[str] = []
        while self.word().isdigit():
            code.append(self.instruction(len(code), sources))
            self.at += 1
        if self.word() != "out":
            raise self.fail(f"instruction {len(code)}, or: out, and the results")
        outputs = [self.buffer(b, True) for b in self.lines[self.at][1].split()[1:]]
        self.at += 1
        if self.at < len(self.lines):
            raise self.fail("nothing after the results")
        count = len(self.layouts)
        missing = [b for b in range(count) if b not in self.layouts]
        if missing:
            raise ParseError(self.last_line(), f"buffers numbered from 0 to {count - 1}", f"no %{missing[0]}")
        layouts = [self.layouts[b] for b in range(count)]
        return name, layouts, inputs, requires, Code.of(code), self.values, outputs, names, sources

    def instruction(self, t: int, sources: list[str]) -> tuple[Operation, tuple[int, ...], dict[str, Any], int]:
        columns = re.split(r"  +", re.sub(r"^(\d+) (?! )", r"\1  ", self.lines[self.at][1]))
        if columns[0] != str(t):
            raise self.fail(f"instruction {t}")
        if len(columns) < 5:
            raise self.fail("ip, out, type, op and operands in columns, two spaces or more between them")
        out = self.buffer(columns[1], False)
        layout = self.type(columns[2])
        op = self.operation(columns[3])
        operands, attributes = [], {}
        for token in columns[4].split(" ") if columns[4] != "-" else ():
            key, equals, value = token.partition("=")
            if equals and key.isidentifier():
                attributes[key] = _Value(value, self.fail).read()
            elif attributes:
                raise self.fail("operands before attributes", token)
            else:
                operands.append(self.operand(token))
        self.layouts[out] = layout
        source = columns[8] if len(columns) > 8 else "-"
        sources.append("" if source == "-" else self.string(source))
        return op, tuple(operands), canonical(op, attributes), out


def _number(text: str) -> Number:
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


class _Value:
    """Reads one attribute value."""

    def __init__(self, text: str, fail: Callable[[str, str], ParseError]) -> None:
        self.text, self.fail, self.at = text, fail, 0

    def error(self, expected: str) -> ParseError:
        return self.fail(expected, self.text[self.at:] or "nothing")

    def read(self) -> Any:
        value = self.value()
        if self.at != len(self.text):
            raise self.error("the end of the value")
        return value

    def value(self, depth: int = 0) -> Any:
        if self.text[self.at:self.at + 1] == "(":
            if depth == DEEPEST:
                raise self.error(f"at most {DEEPEST} tuples in each other")
            self.at += 1
            items = []
            while self.text[self.at:self.at + 1] != ")":
                items.append(self.value(depth + 1))
                if self.text[self.at:self.at + 1] == ",":
                    self.at += 1
                elif self.text[self.at:self.at + 1] != ")":
                    raise self.error(", or )")
            self.at += 1
            return tuple(items)
        found = re.compile(r'"(?:[^"\\]|\\.)*"|[^(),"]+').match(self.text, self.at)
        if found is None:
            raise self.error("a value: a number, a string, a dtype, None, True, False or a tuple")
        self.at = found.end()
        return self.atom(found[0])

    def atom(self, word: str) -> Any:
        known = {"None": None, "True": True, "False": False, **dtypes.BY_SHORT}
        if word in known:
            return known[word]
        try:
            return json.loads(word) if word[0] == '"' else _number(word)
        except ValueError:
            self.at -= len(word)
            raise self.error("a value: a number, a string, a dtype, None, True, False or a tuple") from None


def parse(dumped: str) -> tuple[Any, ...]:
    """What `Tape(…)` takes, from a dump."""
    return _Parser(dumped).parse()
