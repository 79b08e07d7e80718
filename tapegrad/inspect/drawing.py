"""A tape as a picture: a graph in layers, drawn as SVG without the help of any program.

Layers go downwards in the order of the computation; loops are folded to one turn, in a frame that says how many there
are. The layout is Sugiyama's: a node is a layer below its operands at the least, edges that pass layers go through
places there, and the order within a layer is that of the neighbours' middles, from above and from below in turn.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import accumulate, pairwise
from typing import NamedTuple

from tapegrad.inspect.folding import Run, runs
from tapegrad.inspect.page import statements
from tapegrad.tape import text
from tapegrad.tape.derived import Derived
from tapegrad.tape.tape import Tape

MOST = 2000  # nodes: more are no picture
_LETTER, _PAD = 6.7, 10.0  # how wide a letter of 11 pixels is; beside a label
_HEIGHT, _MARGIN = 36, 18
_GAP, _STEP = 22.0, 30.0  # between nodes of a layer, between layers
_SWEEPS = 8
_STYLE = """
svg.tapegrad{--ink:#1d2733;--soft:#6b7785;--line:#9aa7b5;--back:#fff;--op:#eef3f9;--in:#fdf3dc;--leaf:#f6d58c;
--out:#d9efdd}
@media (prefers-color-scheme:dark){svg.tapegrad{--ink:#e4eaf1;--soft:#95a3b3;--line:#5d6b7b;--back:#14181d;
--op:#232c36;--in:#3a3220;--leaf:#6d5416;--out:#1f4129}}
svg.tapegrad .back{fill:var(--back)}
svg.tapegrad text{fill:var(--ink);font:11px ui-monospace,Menlo,Consolas,monospace}
svg.tapegrad .type,svg.tapegrad .turns{fill:var(--soft)}
svg.tapegrad .edge{fill:none;stroke:var(--line);stroke-width:1.2}
svg.tapegrad .head{fill:var(--line)}
svg.tapegrad .node rect{fill:var(--op);stroke:var(--line)}
svg.tapegrad .in rect{fill:var(--in)}
svg.tapegrad .leaf rect{fill:var(--leaf)}
svg.tapegrad .out rect{fill:var(--out);stroke-width:2}
svg.tapegrad .node:hover rect{stroke:var(--ink)}
svg.tapegrad .turns{paint-order:stroke;stroke:var(--back);stroke-width:6}
svg.tapegrad .loop{fill:none;stroke:var(--soft);stroke-dasharray:4 3}
""".replace("\n", "")


class Node(NamedTuple):
    """What is drawn of a buffer: `reads` are the nodes of its operands, one entry for each that is read."""

    buffer: int
    kind: str
    label: str
    type: str
    title: str
    reads: tuple[int, ...]


def svg(tape: Tape) -> str:
    """The picture as an SVG element."""
    loops = runs(tape)
    nodes = nodes_of(tape, loops)
    if len(nodes) > MOST:
        raise ValueError(f"a picture of {len(nodes)} nodes shows nothing, expected {MOST} at most: inspect.to_html has "
                         "a page of any length")
    layers, ways = layered([n.reads for n in nodes])
    widths = {i: max(len(n.label), len(n.type)) * _LETTER + 2 * _PAD for i, n in enumerate(nodes)}
    middle = places(layers, ways, widths)
    return _drawn(tape, loops, nodes, layers, ways, middle, widths)


# ---------------------------------------------------------------- what is drawn


def nodes_of(tape: Tape, loops: Sequence[Run]) -> list[Node]:
    """The inputs that are read and the instructions of first turns, operands before what reads them."""
    of = Derived(tape)
    stands = {b: b for b in range(len(tape.layouts))}  # for a value of a later turn that of the first does
    skipped: set[int] = set()
    for run in loops:
        for t in range(run.start + run.length, run.end):
            stands[tape.results[t]] = tape.results[run.start + (t - run.start) % run.length]
            skipped.add(t)
    read = {b for t, operands in enumerate(tape.operands) if t not in skipped for b in operands} | {*tape.outputs}
    shown = [b for b in tape.inputs if b in read]
    number = {b: i for i, b in enumerate(shown)}
    nodes = []
    for b in shown:
        name = tape.names.get(b, f"%{b}")
        kind = "in leaf" if b in tape.requires else "in"
        nodes.append(Node(b, kind, name, text.type_text(tape.layouts[b]),
                          f"input %{b}" + (", requires grad" if b in tape.requires else ""), ()))
    outputs = {stands[b] for b in tape.outputs}
    adjoints = statements(tape)
    for t, b in enumerate(tape.results):
        if t in skipped:
            continue
        numbers = [text.operand_text(tape, o) for o in tape.operands[t] if o < 0]
        given = [f"{k}={text.value_text(v)}" for k, v in tape.attributes[t].items()]
        label = " ".join([tape.operations[t].name, *numbers, *given])
        title = [f"ip {t}: %{b} = {tape.operations[t].name} {text.operation_text(tape, t)}", tape.sources[t],
                 f"backward: {adjoints[t]}" if t in adjoints else "",
                 "keeps " + " ".join(f"%{k}" for k in of.kept(t)) if of.kept(t) else ""]
        reads = tuple(number[stands[o]] for o in tape.operands[t] if o >= 0 and stands[o] in number)
        number[b] = len(nodes)
        nodes.append(Node(b, "out" if b in outputs else "", label if len(label) <= 40 else label[:39] + "…",
                          text.type_text(tape.layouts[b]), "\n".join(filter(None, title)), reads))
    return nodes


# ---------------------------------------------------------------- where it lies


def layered(reads: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[list[int]]]:
    """(nodes by layer; for every edge the nodes that it goes through, from operand to reader).

    Places where an edge passes a layer are numbered from `len(reads)` on.
    """
    layer = [0] * len(reads)
    for i, operands in enumerate(reads):
        layer[i] = 1 + max((layer[o] for o in operands), default=-1)
    first = [len(reads)] * len(reads)  # the layer of the first that reads it
    for i, operands in reversed([*enumerate(reads)]):
        if first[i] < len(reads) and not any(reads[o] for o in operands):  # an input, or made of inputs: just above
            layer[i] = first[i] - 1
        for o in operands:
            first[o] = min(first[o], layer[i])
    layers: list[list[int]] = [[] for _ in range(1 + max(layer, default=-1))]
    for i, at in enumerate(layer):
        layers[at].append(i)
    ways: list[list[int]] = []
    count = len(reads)
    for i, operands in enumerate(reads):
        for o in dict.fromkeys(operands):
            passed = range(layer[o] + 1, layer[i])
            ways.append([o, *range(count, count + len(passed)), i])
            for number, at in enumerate(passed, count):
                layers[at].append(number)
            count += len(passed)
    return layers, ways


def places(layers: Sequence[list[int]], ways: Sequence[Sequence[int]], widths: Mapping[int, float]) -> dict[int, float]:
    """Where the middle of every node is, from left to right; the layers are put in order."""
    beside: tuple[dict[int, list[int]], dict[int, list[int]]] = {}, {}
    for way in ways:
        for upper, lower in pairwise(way):
            beside[0].setdefault(lower, []).append(upper)
            beside[1].setdefault(upper, []).append(lower)
    middle: dict[int, float] = {}
    for row in layers:
        _pack(row, middle, widths)
    for sweep in range(_SWEEPS):
        near = beside[sweep % 2]
        for row in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = {i: sum(middle[o] for o in near[i]) / len(near[i]) if i in near else middle[i] for i in row}
            if sweep < _SWEEPS - 2:  # at the end places alone change
                row.sort(key=lambda i: wanted[i])
            middle.update(wanted)
            _pack(row, middle, widths)
    return middle


def _pack(row: Sequence[int], middle: dict[int, float], widths: Mapping[int, float]) -> None:
    """Move the nodes of a layer apart, as little as can be: least squares in order, pooled where that is violated."""
    apart = [(widths.get(a, 0) + widths.get(b, 0)) / 2 + _GAP for a, b in pairwise(row)]
    offsets = [0.0, *accumulate(apart)]
    pools: list[tuple[float, int]] = []
    for i, offset in zip(row, offsets):
        total, count = middle.get(i, 0.0) - offset, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            total, count = total + pools[-1][0], count + pools[-1][1]
            pools.pop()
        pools.append((total, count))
    at = [total / count for total, count in pools for _ in range(count)]
    middle.update({i: start + offset for i, start, offset in zip(row, at, offsets)})


# ---------------------------------------------------------------- how it is drawn


def _drawn(tape: Tape, loops: Sequence[Run], nodes: Sequence[Node], layers: Sequence[Sequence[int]],
           ways: Sequence[Sequence[int]], middle: Mapping[int, float], widths: Mapping[int, float]) -> str:
    top = {i: _MARGIN + at * (_HEIGHT + _STEP) for at, row in enumerate(layers) for i in row}
    left = min((middle[i] - widths.get(i, 0) / 2 for i in middle), default=0.0) - _MARGIN
    right = max((middle[i] + widths.get(i, 0) / 2 for i in middle), default=0.0) + _MARGIN
    height = len(layers) * (_HEIGHT + _STEP) - _STEP + 2 * _MARGIN if layers else 2 * _MARGIN
    x = {i: at - left for i, at in middle.items()}
    parts = [
        f'<svg class="tapegrad" xmlns="http://www.w3.org/2000/svg" width="{right - left:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {right - left:.0f} {height:.0f}" role="img"><title>{escape(tape.name)}</title><style>{_STYLE}'
        '</style><defs><marker id="tapegrad-head" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" '
        'orient="auto"><path class="head" d="M0 0L6 3L0 6z"/></marker></defs>'
        '<rect class="back" width="100%" height="100%" rx="6"/>']
    number = {n.buffer: i for i, n in enumerate(nodes)}
    for run in loops:
        of_turn = [number[tape.results[t]] for t in range(run.start, run.start + run.length)]
        x0, x1 = min(x[i] - widths[i] / 2 for i in of_turn) - 10, max(x[i] + widths[i] / 2 for i in of_turn) + 10
        y0, y1 = min(top[i] for i in of_turn) - 10, max(top[i] for i in of_turn) + _HEIGHT + 10
        parts.append(f'<rect class="loop" x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" '
                     'rx="8"/>'
                     f'<text class="turns" x="{x0 + 12:.1f}" y="{y0 + 4:.1f}">× {run.turns}</text>')
    arriving: dict[int, list[Sequence[int]]] = {}
    for way in ways:
        arriving.setdefault(way[-1], []).append(way)
    for way in ways:
        others = sorted(arriving[way[-1]], key=lambda other: x[other[-2]])
        aside = (others.index(way) - (len(others) - 1) / 2) * min(14.0, 0.7 * widths[way[-1]] / len(others))
        path = [f"M{x[way[0]]:.1f} {top[way[0]] + _HEIGHT:.1f}"]
        for upper, lower in pairwise(way):
            y0, y1, at = top[upper] + _HEIGHT, top[lower], x[lower] + aside * (lower == way[-1])
            half = (y0 + y1) / 2
            path.append(f"C{x[upper]:.1f} {half:.1f} {at:.1f} {half:.1f} {at:.1f} {y1:.1f}")
            if lower != way[-1]:
                path.append(f"V{y1 + _HEIGHT:.1f}")
        parts.append(f'<path class="edge" d="{"".join(path)}" marker-end="url(#tapegrad-head)"/>')
    for i, n in enumerate(nodes):
        parts.append(
            f'<g class="node {n.kind}"><title>{escape(n.title)}</title>'
            f'<rect x="{x[i] - widths[i] / 2:.1f}" y="{top[i]:.1f}" width="{widths[i]:.1f}" height="{_HEIGHT}" '
            f'rx="{_HEIGHT / 2 if n.kind.startswith("in") else 4}"/>'
            f'<text x="{x[i]:.1f}" y="{top[i] + 15:.1f}" text-anchor="middle">{escape(n.label)}</text>'
            f'<text class="type" x="{x[i]:.1f}" y="{top[i] + 29:.1f}" text-anchor="middle">{escape(n.type)}</text></g>')
    return "".join([*parts, "</svg>"])
