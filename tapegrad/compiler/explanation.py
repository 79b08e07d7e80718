"""`explain()`: what a compiled function did, in words."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from types import MethodType
from typing import Any

from tapegrad.compiler.bound_arguments import objects_of
from tapegrad.compiler.compiled_function import Compiled
from tapegrad.compiler.guards.contents import is_simple
from tapegrad.compiler.guards.reachable import Reach
from tapegrad.compiler.pytrees import SIMPLE, Masked, Same, lies
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.tensor import Tensor


def explain(function: Compiled) -> str:
    """What was captured, replayed and not, and why: a paragraph for each program."""
    lines = [f"{_count(function.captures, 'capture')}, {_count(function.replays, 'replay')}, "
             f"{function.fallbacks} broken off"]
    if function.reason:
        lines.append(f"runs as it is written: {function.reason}")
    if function.grouped is not None:
        lines.append(function.grouped.explained())
    number = 0
    for key, variants in function.tapes.items():
        for variant in variants:
            lines += [f"program {number}: {arguments(key)}", *(f"  {line}" for line in _program(variant))]
            number += 1
    once = Counter(arguments(key) for key, pending in function._pending.items() if pending)
    for text, count in once.items():
        several = "" if count == 1 else f", {count} times with something else"
        lines.append(f"captured once, for {text}{several}: a second call that does the same makes a program")
    if function.differed:
        lines.append(f"what differed between the last captures: {function.differed}")
    for bound in function._bound.functions:
        lines += [f"with {', '.join(type(value).__name__ for value in objects_of(bound.__wrapped__))}:",
                  *(f"  {line}" for line in explain(bound).splitlines())]
    for replacing in function._replacing.functions:
        replaced = _count(len(replacing.__wrapped__.places), "tensor")
        lines += [f"with {replaced} that it replaces:", *(f"  {line}" for line in explain(replacing).splitlines())]
    return "\n".join(lines)


_LOOKED = "the values that Python takes out of tensors, as by float(), tolist() or a comparison"


def what_differed(function: Any, before: tuple[Any, Reach], now: tuple[Any, Reach], only_looked: bool) -> str:
    """The first thing that is another than at the capture before, of the arguments (their key) and of what is read.

    If there is none, it may be that they `only_looked` at other values.
    """
    return next(_differences(function, before, now), _LOOKED if only_looked else "what they did")


def _differences(function: Any, before: tuple[Any, Reach], now: tuple[Any, Reach]) -> Iterator[str]:
    (structure, kinds, _, recording, dtype), reach = before
    (structure_now, kinds_now, _, recording_now, dtype_now), reach_now = now
    code = getattr(function, "__code__", None)
    names = list(code.co_varnames[isinstance(function, MethodType):code.co_argcount]) if code else []
    there, found = _passed(structure, kinds, names), _passed(structure_now, kinds_now, names)
    there += [(name, _text(a)) for name, a in _read(reach)]
    found += [(name, _text(a)) for name, a in _read(reach_now)]
    yield from (f"{name}: {a}, then {b}" for (name, a), (same, b) in zip(there, found) if a != b and name == same)
    if len(there) != len(found):
        yield "how many values there are"
    if recording != recording_now:
        yield "the grad mode"
    if dtype is not dtype_now:
        yield "the default dtype"


def _passed(structure: Any, kinds: Any, names: Sequence[str]) -> list[tuple[str, str]]:
    """What was passed, with names."""
    layouts_of = iter([repr(lies(k)) for k in kinds])
    if structure is None:  # tensors alone
        return [(names[i] if i < len(names) else f"argument {i}", lie) for i, lie in enumerate(layouts_of)]

    def values(part: Any, path: str) -> Iterator[tuple[str, str]]:
        if part is Tensor:
            yield path, next(layouts_of)
        elif type(part) is not Same and part[0] in SIMPLE:
            yield path, f"some {part[0].__name__}" if type(part[1]) is Masked else repr(part[2])
        elif type(part) is not Same:
            for i, inner in enumerate(part[2]):
                yield from values(inner, f"{path}[{part[1][i][2] if part[1] else i!r}]")

    args, kwargs = structure[2]
    found = [v for i, part in enumerate(args[2]) for v in values(part, names[i] if i < len(names) else f"argument {i}")]
    return found + [v for key, part in zip(kwargs[1] or (), kwargs[2]) for v in values(part, key[2])]


def _read(reach: Reach) -> Iterator[tuple[str, Any]]:
    """What is read by name, and in containers and objects."""
    free = getattr(getattr(reach.function, "__code__", None), "co_freevars", ())
    yield from ((name, content) for name, (_, content) in zip(free, reach.cells))
    yield from ((name, value) for _, name, value in reach.names)
    for w in reach.watched:
        of = "" if w.kind in (dict, list, tuple) else f"{w.kind.__name__}."
        for i, part in enumerate(w.parts):
            yield f"{of}{w.keys[i]}" if i < len(w.keys) else f"{of}[{i}]", part


def _text(value: Any) -> str:
    return repr(value) if is_simple(value) else f"a {type(value).__name__}"


def arguments(key: Any) -> str:
    """The arguments that a program is for."""
    _, kinds, shared, recording, _ = key
    said = [repr(lies(k)) + " ∂" * (type(k) is tuple and bool(k[2])) for k in kinds]
    text = ", ".join(said) or "no tensors"
    return text + " sharing memory" * bool(shared) + " under no_grad" * (not recording)


def _program(variant: Variant) -> Iterator[str]:
    captured, reach = variant.captured, variant.reach
    checks = sum(s.a or 1 for s in captured.steps if s.kind == rec.GUARD)
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
    yield from variant.run_again
    if captured.draws:
        yield f"{_count(len(captured.draws), 'random draw')} before each replay"
    if captured.roots:
        freed = ", freed by the call itself" if any(s.gone for s in captured.traced.segments) else ""
        yield f"{_count(len(captured.roots), 'result')} with a history: {_count(len(captured.inputs), 'input')}{freed}"
    yield _count(variant.runs, "run")


def _calls(steps: Any) -> int:
    return sum(s.turns * _calls(s.steps) if s.kind == rec.LOOP else s.kind == rec.KERNEL for s in steps)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what.replace(' or ', 's or ')}s"
