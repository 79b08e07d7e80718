"""`explain()`: what a compiled function did, in words."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tapegrad.compiler.function import Compiled
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.instance import layouts


def explain(function: Compiled) -> str:
    """What was captured, replayed and not, and why: a paragraph for each program."""
    lines = [f"{_count(function.captures, 'capture')}, {_count(function.replays, 'replay')}, "
             f"{function.fallbacks} broken off"]
    if function.reason:
        lines.append(f"runs as it is written: {function.reason}")
    number = 0
    for key, variants in function.tapes.items():
        for variant in variants:
            lines += [f"program {number}: {arguments(key)}", *(f"  {line}" for line in _program(variant))]
            number += 1
    for key, pending in function._pending.items():
        if pending:
            lines.append(f"captured once, for {arguments(key)}: a second call that does the same makes a program")
    return "\n".join(lines)


def arguments(key: Any) -> str:
    """The arguments that a program is for."""
    _, kinds, shared, recording, _ = key
    said = [repr(layouts.all[k]) if type(k) is int else repr(layouts.all[k[0]]) + " ∂" * bool(k[2]) for k in kinds]
    text = ", ".join(said) or "no tensors"
    return text + " sharing memory" * bool(shared) + " under no_grad" * (not recording)


def _program(variant: Variant) -> Iterator[str]:
    captured, reach = variant.captured, variant.reach
    checks = sum(s.kind == rec.GUARD for s in captured.steps)
    yield (f"guards: {_count(len(variant.program.conditions), 'word')} of memory "
           f"({_count(len(reach.cells), 'cell')}, {_count(len(reach.tensors), 'tensor')}), "
           f"{_count(len(reach.names), 'name')}, {_count(len(reach.watched), 'container or object')} by content, "
           f"{_count(checks, 'value')} on the way")
    calls = _calls(captured.steps) + sum(_calls(s.steps) for s in captured.traced.segments)
    now = len(variant.program.steps) + sum(len(b.program.steps) for b in variant.backwards)
    tier = "superinstructions" if variant.built else "the interpreter, superinstructions are being built"
    yield f"{_count(calls, 'kernel call')} captured, {_count(now, 'step')} now: {tier}"
    yield (f"passes: {', '.join(variant.passes) or 'none'}; made in {variant.seconds * 1e3:.1f} ms; "
           f"{variant.program.size} B of its own")
    if captured.draws:
        yield f"{_count(len(captured.draws), 'random draw')} before each replay"
    if captured.roots:
        freed = ", freed by the call itself" if any(s.gone for s in captured.traced.segments) else ""
        yield f"{_count(len(captured.roots), 'result')} with a history: {_count(len(captured.inputs), 'input')}{freed}"
    yield _count(variant.runs, "run")


def _calls(steps: Any) -> int:
    return sum(s.kind == rec.KERNEL for s in steps)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what.replace(' or ', 's or ')}s"
