"""A tape as one HTML file that needs no server: `page.html` beside this file, with the tape in it as columns.

Strings are kept once and named by number, so that 10^5 instructions are a few megabytes.
"""
from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

from tapegrad.inspect.folding import runs
from tapegrad.inspect.statistics import Statistics
from tapegrad.inspect.walk import Walk
from tapegrad.tape import adjoint, text
from tapegrad.tape.derived import Derived
from tapegrad.tape.notation import no_collections
from tapegrad.tape.tape import Tape


class _Strings:
    """Each string once, by number."""

    def __init__(self) -> None:
        self.table: dict[str, int] = {}

    def __call__(self, string: str) -> int:
        return self.table.setdefault(string, len(self.table))


def page(tape: Tape, values: bool = True) -> str:
    """The file's content; `values` runs the tape again, and shows what buffers and their adjoints hold."""
    with no_collections():
        data = columns(tape, values)
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    template = (resources.files(__package__) / "page.html").read_text("utf-8")
    return template.replace("__TITLE__", _escaped(tape.name)).replace("__TAPE__", written)


def columns(tape: Tape, values: bool) -> dict[str, Any]:
    """What the page shows: a list a column, with an entry an instruction or a buffer."""
    strings = _Strings()
    of = Derived(tape)
    peak, kept = of.memory
    told: dict[str, list[int]] = {}
    if values:
        walk = Walk(tape).backward()
        told = {"value": [strings(_told(v)) for v in walk.values],
                "grad": [strings("?" if b in walk.unknown else _told(v)) for b, v in enumerate(walk.adjoints)]}
    adjoints = statements(tape)
    return {
        "name": tape.name, "peak": text.bytes_text(peak), "kept": text.bytes_text(kept),
        "inputs": [[b, strings(tape.names.get(b, "")), int(b in tape.requires)] for b in tape.inputs],
        "outputs": list(tape.outputs),
        "type": [strings(text.type_text(layout)) for layout in tape.layouts],
        "bytes": [layout.nbytes if of.owners[b] == b else 0 for b, layout in enumerate(tape.layouts)],
        "op": [strings(op.name) for op in tape.operations], "out": tape.results,
        "operands": [[b for b in operands if b >= 0] for operands in tape.operands],
        "text": [strings(_relative(tape, t, text.operation_text(tape, t))) for t in range(len(tape))],
        "keeps": [of.kept(t) for t in range(len(tape))],
        "node": [strings(tape.plan(t).grad_name) for t in range(len(tape))],
        "source": [strings(line) for line in tape.sources],
        "adjoint": [strings(_relative(tape, t, adjoints.get(t, ""))) for t in range(len(tape))],
        "loops": [list(run) for run in runs(tape)],
        **told, "strings": list(strings.table),
    }


def statements(tape: Tape) -> dict[int, str]:
    """What backward does for each instruction."""
    found: dict[int, str] = {}
    for line in adjoint.text_of(tape).splitlines():
        number, _, rest = line.strip().partition(" ")
        if number.isdigit():
            found[int(number)] = rest.strip().partition(" ")[2].strip()
    return found


def _relative(tape: Tape, t: int, written: str) -> str:
    """A text whose buffers are an instruction's operands (`%{0}`) and result (`%{r}`): the same for many."""
    names = {tape.results[t]: "r", **{b: str(j) for j, b in enumerate(b for b in tape.operands[t] if b >= 0)}}
    return re.sub(r"%(\d+)", lambda b: f"%{{{names[int(b[1])]}}}" if int(b[1]) in names else b[0], written)


def _told(value: Any) -> str:
    return "" if value is None else str(Statistics.of(value))


def _escaped(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
