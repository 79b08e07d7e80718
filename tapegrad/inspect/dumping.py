"""A tape as a reader wants it: with values, gradients, lines, loops folded, in colour or as JSON."""
from __future__ import annotations

import json
import os
import re
import sys
from typing import Any, NamedTuple, TextIO

from tapegrad.inspect.folding import runs
from tapegrad.inspect.statistics import Statistics
from tapegrad.inspect.walk import Walk
from tapegrad.tape import adjoint, text
from tapegrad.tape.derived import Derived
from tapegrad.tape.notation import no_collections
from tapegrad.tape.tape import Tape

UNKNOWN = "?"


class Shown(NamedTuple):
    """What of a tape is to be shown, besides its instructions."""

    adjoint: bool = False
    values: bool = False
    grads: bool = False
    fold: bool = False


def show(tape: Tape, shown: Shown, json: bool = False, file: TextIO | None = None) -> None:
    """Print a tape."""
    to = file or sys.stdout
    written = as_json(tape, shown) if json else dumped(tape, shown)
    if not json and wants_colour(to):
        written = painted(written)
    encoding = getattr(to, "encoding", None) or "utf-8"
    if not encoding.lower().startswith("utf"):  # signs that it does not have
        written = written.encode(encoding, "backslashreplace").decode(encoding)
    print(written, file=to)


def dumped(tape: Tape, shown: Shown) -> str:
    """The text of a tape, and of its adjoint."""
    with no_collections():
        loops = runs(tape) if shown.fold else ()
        found = text.dump(tape, columns(tape, shown), loops)
        return f"{found}\n\n{adjoint.text_of(tape, loops)}" if shown.adjoint else found


def columns(tape: Tape, shown: Shown) -> dict[str, list[str]]:
    """What stands beside the buffers: what they hold, and what their adjoints hold."""
    if not shown.values and not shown.grads:
        return {}
    walk = Walk(tape)
    found = {"value": [_told(v) for v in walk.values]} if shown.values else {}
    if shown.grads:
        adjoints = walk.backward().adjoints
        found["grad"] = [UNKNOWN if b in walk.unknown else _told(v, "-") for b, v in enumerate(adjoints)]
    return found


def _told(value: Any, nothing: str = UNKNOWN) -> str:
    return nothing if value is None else str(Statistics.of(value))


def as_json(tape: Tape, shown: Shown, indent: int | None = 1) -> str:
    """The same as JSON: `inputs`, `instructions` and `outputs`, buffers by number."""
    of, beside = Derived(tape), columns(tape, shown)

    def buffer(b: int) -> dict[str, Any]:
        layout = tape.layouts[b]
        return {"buffer": b, "dtype": layout.dtype.short, "shape": layout.shape, "strides": layout.strides,
                **{name: column[b] for name, column in beside.items()}}

    return json.dumps({
        "tape": tape.name,
        "inputs": [{**buffer(b), "name": tape.names.get(b), "requires_grad": b in tape.requires} for b in tape.inputs],
        "instructions": [{
            "ip": t, **buffer(tape.results[t]), "op": op.name,
            "operands": [{"buffer": b} if b >= 0 else {"number": repr(tape.constants[~b])} for b in tape.operands[t]],
            "attributes": {k: text.value_text(v) for k, v in tape.attributes[t].items()},
            "keeps": of.kept(t), "uses": int(of.uses[tape.results[t]]), "grad_fn": tape.plan(t).grad_name,
            "source": tape.sources[t] or None,
        } for t, op in enumerate(tape.operations)],
        "outputs": tape.outputs,
        **({"adjoint": tape.adjoint().splitlines()} if shown.adjoint else {}),
    }, ensure_ascii=False, indent=indent)


def as_dot(tape: Tape) -> str:
    """A tape as a graph, in Graphviz's language."""
    lines = [f"digraph {text.quoted(tape.name)} {{", "  rankdir=LR; node [shape=box, fontname=monospace];"]
    for b in tape.inputs:
        lines.append(f"  b{b} [label={_label(tape, b, tape.names.get(b, f'%{b}'))}, style=rounded];")
    for op, b, operands in zip(tape.operations, tape.results, tape.operands):
        edges = "".join(f" b{o} -> b{b};" for o in operands if o >= 0)
        lines.append(f"  b{b} [label={_label(tape, b, op.name)}];{edges}")
    return "\n".join([*lines, "}"])


def _label(tape: Tape, b: int, name: str) -> str:
    return text.quoted(name)[:-1] + f"\\n{text.type_text(tape.layouts[b])}\""


# ---------------------------------------------------------------- colour


_COLOURS = (  # what is painted, and with which of the terminal's colours
    (re.compile(r"^(tape ).*|^∂ .*|^ip .*", re.M), "2"),
    (re.compile(r"(?<= )\d+ (?:nan|inf)\b|(?<=  )(?:nan|inf)$", re.M), "1;31"),
    (re.compile(r"∂(?=$|  )|∂%\d+", re.M), "35"),
    (re.compile(r"(?<![\w∂])%\d+"), "36"),
    (re.compile(r"^ +× .*", re.M), "33"),
)


def wants_colour(file: TextIO) -> bool:
    """Whether a stream is a terminal that may be painted on (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and file.isatty()


def painted(shown: str) -> str:
    """A dump in the terminal's colours."""
    for pattern, colour in _COLOURS:
        shown = pattern.sub(f"\x1b[{colour}m\\g<0>\x1b[0m", shown)
    return shown
