"""What differs between two tapes, their instructions aligned: one more does not make all that follow others."""
from __future__ import annotations

import difflib
from collections import Counter, deque
from typing import Any

from tapegrad.named_tuples import NamedTuple
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.text import aligned, operation_text, plain, type_text

MOST = 5_000_000  # pairs of instructions that are looked at
AROUND = 2  # instructions shown before and after what differs


class TapeDiff(NamedTuple):
    """Two tapes side by side; printed, what differs: `-` is of the first alone, `+` of the second, and an instruction
    with both reads another value.

    `pairs` are the instructions of both in order, None where there is no counterpart; `rewired` are pairs that are the
    same but for which values they read. `inputs` are pairs of inputs that have another type, or that only one has.
    """

    first: Instructions
    second: Instructions
    pairs: tuple[tuple[int | None, int | None], ...]
    rewired: frozenset[int]
    inputs: tuple[tuple[int | None, int | None], ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.rewired or self.inputs) or any(a is None or b is None for a, b in self.pairs)

    def __str__(self) -> str:
        if not self:
            return "the tapes are the same"
        lines = [f"{len(self.first)} instructions, {len(self.second)} in the other"]
        for a, b in self.inputs:
            lines += [f"- in  {_input(self.first, a)}"] if a is not None else []
            lines += [f"+ in  {_input(self.second, b)}"] if b is not None else []
        rows: list[list[str]] = []
        told = {i for i, pair in enumerate(self.pairs) if None in pair or i in self.rewired}
        near = {j for i in told for j in range(i - AROUND, i + AROUND + 1)}
        for i, (a, b) in enumerate(self.pairs):
            if i not in near:
                if i - 1 in near:
                    rows.append(["", "⋮", "", "", "", ""])
                continue
            if a is not None and (b is None or i in self.rewired):
                rows.append(["-", *_instruction(self.first, a)])
            if b is not None:
                rows.append([" " if i not in told else "+", *_instruction(self.second, b)])
        return "\n".join([*lines, *(aligned(rows, (1, 2, 2, 2, 2), right=1) if rows else [])])


def _input(tape: Instructions, b: int) -> str:
    return " ".join([f"%{b}", type_text(tape.layouts[b]), *([plain(tape.names[b])] if b in tape.names else []),
                     *(["∂"] if b in tape.requires else [])])


def _instruction(tape: Instructions, t: int) -> list[str]:
    source = tape.sources[t]
    return [str(t), f"%{tape.results[t]}", type_text(tape.layouts[tape.results[t]]), tape.operations[t].name,
            operation_text(tape, t) + (f"  {source}" if source else "")]


def compare(first: Instructions, second: Instructions) -> TapeDiff:
    """What differs; see `Tape.diff`."""
    ours, theirs = _keys(first), _keys(second)
    same, inputs = _inputs(first, second)
    pairs: list[tuple[int | None, int | None]] = []
    for kind, a, b, c, d in _aligned(ours, theirs):
        if kind == "equal":
            pairs += zip(range(a, b), range(c, d))
        else:
            pairs += [(t, None) for t in range(a, b)]
            pairs += [(None, t) for t in range(c, d)]
            if b - a == d - c:  # one in the place of another: what reads it still reads what is there
                same.update(zip(first.results[a:b], second.results[c:d]))
    rewired = set()
    for i, (t, u) in enumerate(pairs):
        if t is None or u is None:
            continue
        same[first.results[t]] = second.results[u]
        if any(_other(first, second, same, a, b) for a, b in zip(first.operands[t], second.operands[u])):
            rewired.add(i)
    return TapeDiff(first, second, tuple(pairs), frozenset(rewired), tuple(inputs))


def _aligned(ours: list[Any], theirs: list[Any]) -> list[tuple[str, int, int, int, int]]:
    """What `difflib` says, asked of what lies between the first and the last difference.

    There it takes the product of how often each instruction comes in both: with many, those of loops are left out.
    """
    start, least = 0, min(len(ours), len(theirs))
    while start < least and ours[start] == theirs[start]:
        start += 1
    after = 0
    while after < least - start and ours[-1 - after] == theirs[-1 - after]:
        after += 1
    left, right = ours[start:len(ours) - after], theirs[start:len(theirs) - after]
    counts = Counter(left)
    work = sum(counts[key] for key in right)
    found = difflib.SequenceMatcher(None, left, right, autojunk=work > MOST).get_opcodes()
    between = [(kind, a + start, b + start, c + start, d + start) for kind, a, b, c, d in found]
    return [("equal", 0, start, 0, start), *between,
            ("equal", len(ours) - after, len(ours), len(theirs) - after, len(theirs))]


def _keys(tape: Instructions) -> list[tuple[Any, ...]]:
    """What must be the same of instructions that belong together: all but which values they read."""
    return [(op.name, tape.layouts[result].id, tuple(operands), tuple(map(repr, given.items())))
            for op, result, operands, given in zip(tape.operations, tape.results, _types(tape), tape.attributes)]


def _types(tape: Instructions) -> list[list[Any]]:
    def told(b: int) -> Any:
        return tape.layouts[b].id if b >= 0 else repr(tape.constants[~b])

    return [[told(b) for b in operands] for operands in tape.operands]


def _inputs(first: Instructions, second: Instructions) -> tuple[dict[int, int], list[tuple[int | None, int | None]]]:
    """Which inputs belong together (by name, else by their order), and those that do not fit."""
    inputs = {*second.inputs}
    named = {name: b for b, name in second.names.items() if b in inputs}
    taken = {*first.names.values()}
    free = deque(b for b in second.inputs if second.names.get(b) not in taken)
    same: dict[int, int] = {}
    odd: list[tuple[int | None, int | None]] = []
    for b in first.inputs:
        other = named.get(first.names.get(b, "")) if b in first.names else None
        other = free.popleft() if other is None and free else other
        if other is None or first.layouts[b] is not second.layouts[other] or (b in first.requires) != (
                other in second.requires):
            odd.append((b, other))
        if other is not None:
            same[b] = other
    found = {*same.values()}
    odd += [(None, b) for b in second.inputs if b not in found]
    return same, odd


def _other(first: Instructions, second: Instructions, same: dict[int, int], a: int, b: int) -> bool:
    """Whether two operands are not the same value."""
    return a >= 0 and b >= 0 and same.get(a) != b
