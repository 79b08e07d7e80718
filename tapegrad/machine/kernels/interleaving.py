"""The order of a loop's instructions: chains that wait for nothing but themselves, side by side.

Written one after the other, four gates of an LSTM are four chains of 20 instructions, each of which waits for the one
before. A processor looks some 60 of them ahead, and so finds work in two or three chains: a vector of gates took 67
cycles, and takes 61 with all four in its sight. LLVM keeps the order that it is given.
"""
from __future__ import annotations

import re
from collections.abc import Sequence

_NAMES = re.compile(r"%[\w.]+")
# Cycles until a result is there, of the slower ones.
_LATENCIES = (("@llvm.fma", 4), (" fmul ", 4), (" fadd ", 3), (" fsub ", 3), (" fdiv ", 11))
_ADDRESSES = (" = load ", " = getelementptr ", " = add nsw i64 ")


def interleaved(lines: Sequence[str]) -> list[str]:
    """The instructions of one block, each where its operands are there; from the first one without a value, a store, on
    they stay where they were."""
    end = next((n for n, line in enumerate(lines) if " = " not in line), len(lines))
    written = [_NAMES.findall(line) for line in lines[:end]]
    there: dict[str, int] = {}  # when a value is
    begins = []
    for line, (name, *operands) in zip(lines, written):
        begins.append(max([there.get(operand, 0) for operand in operands], default=0))
        there[name] = begins[-1] + next((cycles for text, cycles in _LATENCIES if text in line), 1)
    needed: dict[str, int] = {}  # when a value is first used: an address that is there early would take a register
    for n in reversed(range(end)):
        name, *operands = written[n]
        if any(text in lines[n] for text in _ADDRESSES):
            begins[n] = needed.get(name, begins[n])
        for operand in operands:
            needed[operand] = min(needed.get(operand, begins[n]), begins[n])
    return [*(lines[n] for n in sorted(range(end), key=lambda n: begins[n])), *lines[end:]]
