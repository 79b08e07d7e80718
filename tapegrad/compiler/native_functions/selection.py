"""Which program becomes a native function: its steps, what goes in and out, and why some cannot be one."""
from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.captured_call import Captured, Output
from tapegrad.compiler.compiled_function import Compiled
from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.passes import optimise
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.pytrees import Masked, Same, has_masked, lies, number_of
from tapegrad.compiler.traced_program import Place
from tapegrad.compiler.variant import Variant
from tapegrad.machine.live import buffers, layouts
from tapegrad.machine.planning import Layout
from tapegrad.named_tuples import NamedTuple
from tapegrad.tensor import Tensor

# Passes that divide work between caches and threads of the machine's: a native function runs in its caller's thread.
_OF_THREADS = {"lanes", "blocks", "products"}


class NotNative(RuntimeError):
    """Why a compiled function cannot be a native one."""


class Copied(NamedTuple):
    """A result that is no block of its own: where it begins, how it lies there, and which result it is copied to."""

    place: Place
    layout: Layout
    to: int


class Selected(NamedTuple):
    """A program as a native function: `direct` are the blocks that lie in the caller's memory, as which of the results;
    `copies` are made at the end, and `words` of memory must hold what they did."""

    variant: Variant
    work: Work
    inputs: list[tuple[str, Layout]]
    outputs: list[Layout]
    direct: dict[int, int]
    copies: list[Copied]
    words: list[tuple[int, int, int]]
    numbers: bytes  # those that vary, in words of 64 bits, as they are


def select(function: Compiled) -> Selected:
    """The program of a compiled function that ran most, of those that hold; NotNative, with the reason, where it cannot
    be a native one."""
    if not function.tapes:
        raise NotNative(f"{_name(function)} has no native function: " + (
            f"it runs as it is written, for {function.reason}" if function.reason else
            "nothing is compiled yet; call it twice, with arguments of the kind it is to take"))
    holding = [(v, key) for key, several in function.tapes.items() for v in several if _holds(v)]
    if not holding:
        raise NotNative(f"{_name(function)} has no native function: what it reads is another than when it was "
                        "compiled; call it again, twice")
    variant, key = max(holding, key=lambda pair: pair[0].runs)
    try:
        return _selected(function, variant, key)
    except NotNative as why:
        raise NotNative(f"{_name(function)} has no native function: {why}") from None


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", "function"))


def _selected(function: Compiled, variant: Variant, key: Any) -> Selected:
    structure, kinds, shared, _, _ = key
    captured = variant.captured
    _refuse_effects(captured)
    numbers = _numbers(variant)
    if numbers is None:
        raise NotNative("numbers that it is passed vary: pass them as tensors without axes")
    if shared is not None:
        raise NotNative("some of its arguments share memory")
    names = argument_names(function, structure, len(kinds))
    for name, kind in zip(names, kinds):
        if number_of(kind) is None:
            raise NotNative(f"{name} is a view, has a gradient or hooks: pass a plain tensor")
        if not lies(kind).contiguous:
            raise NotNative(f"{name} is not contiguous")
    inputs = [(name, lies(kind)) for name, kind in zip(names, kinds)]
    outputs = [captured.outputs[i] for i in captured.returned]
    if not outputs:
        raise NotNative("it returns no tensor")
    given = [_given(o, captured, [layout for _, layout in inputs]) for o in outputs]
    blocks = [captured.result_blocks[o.which] if o.kind == "fresh" else -1 for o in outputs]
    direct = {block: i for i, (block, (place, layout)) in reversed([*enumerate(zip(blocks, given))])
              if block >= 0 and layout.contiguous}
    copies = [Copied(place, layout, i) for i, (block, (place, layout)) in enumerate(zip(blocks, given))
              if direct.get(block) != i]
    passes = [p for p in variant.passes if p not in _OF_THREADS]
    work = optimise(Work(list(captured.steps), captured.blocks, set(captured.result_blocks)), passes)
    words = _words(variant, work, copies)
    return Selected(variant, work, inputs, [layout for _, layout in given], direct, copies, words, numbers)


def _refuse_effects(captured: Captured) -> None:
    if captured.draws:
        raise NotNative("it draws random numbers")
    if captured.reads or (captured.formula and (captured.formula.writes or captured.formula.outputs)):
        raise NotNative("it takes numbers out of tensors, or leaves other numbers behind than it found")
    if captured.gradients or captured.looked or captured.found:
        raise NotNative("it looks at gradients of tensors, or leaves some there")
    if captured.versions or captured.argument_versions:
        raise NotNative("it writes to tensors that were there before the call")
    if captured.logs:
        raise NotNative("it appends to a list")
    if captured.switched:
        raise NotNative("it sets attributes that it reads")
    if captured.requiring:
        raise NotNative("it sets which tensors require grad")
    if captured.parts:
        raise NotNative("which part it takes of a tensor depends on a number that varies")
    if captured.expected:
        raise NotNative("an argument is a tensor that it reads by name")


def _numbers(variant: Variant) -> bytes | None:
    """What becomes of the numbers that it reads and that vary, as they are; None where some are passed."""
    formula = variant.captured.formula
    if formula is None:
        return b""
    places = variant.reach.varying_places()
    if has_masked(variant.structure):
        return None
    computed = formula([place.get() for place in places])
    return None if computed is None else bytes(computed[0])


def _given(output: Output, captured: Captured, inputs: Sequence[Layout]) -> tuple[Place, Layout]:
    """Where a result lies before it is the caller's, and how."""
    if output.kind == "fresh":
        return Place("own", captured.result_blocks[output.which], 0), captured.fresh_layouts[output.which]
    if output.kind == "part":
        assert output.layout is not None
        return Place("own", captured.result_blocks[output.which], output.offset), output.layout
    if output.kind == "seen":
        place, _ = _given(captured.outputs[output.which], captured, inputs)
        return place._replace(offset=place.offset + sum(link.offset for link in output.links)), output.links[-1].layout
    if output.kind == "argument" and output.which < len(inputs):
        return Place("argument", output.which, 0), inputs[output.which]
    if output.kind == "held":
        row = output.which._buffer
        return (Place("fixed", cap.addresses.item(row), cap.owner_of(output.which)),
                layouts.all[int(buffers[row]["layout"])])
    raise NotNative("a result is a view of what was there before the call: return a copy, by clone()")


def _words(variant: Variant, work: Work, copies: Sequence[Copied]) -> list[tuple[int, int, int]]:
    """What must hold of the tensors that it reads by name: where they lie, and how."""
    places = [p for s in work.steps for p in s.places] + [c.place for c in copies]
    rows = {p.offset for p in places if p.kind == "fixed"}
    return [word for tensor in variant.reach.tensors.values() if cap.owner_of(tensor) in rows
            for word in memory_words.storage(tensor)]


def argument_names(function: Compiled, structure: Any, count: int) -> list[str]:
    """What arguments are called: by their parameters, or where they stand in lists and dicts."""
    try:
        names = [p.name for p in inspect.signature((function.value or function).__wrapped__).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        names = []

    def walk(part: Any, name: str) -> list[str]:
        if part is Tensor:
            return [name]
        if type(part) is Same or type(part[1]) is Masked or type(part[2]) is not tuple:
            return []
        keys = [str(k[2]) for k in part[1]] if part[1] else map(str, range(len(part[2])))
        return [n for key, inner in zip(keys, part[2]) for n in walk(inner, f"{name}_{key}")]

    if structure is None:
        parts: list[Any] = [Tensor] * count
        named: list[tuple[str, Any]] = []
    else:
        args, kwargs = structure[2]
        parts = list(args[2])
        named = [(str(key[2]), part) for key, part in zip(kwargs[1] or (), kwargs[2])]
    numbered = [(names[i] if i < len(names) else f"a{i}", part) for i, part in enumerate(parts)]
    return [n for name, part in (*numbered, *named) for n in walk(part, name)]


def is_live(selected: Selected) -> bool:
    """Whether Python values that the function reads are what they were when it was captured."""
    return _holds(selected.variant) and memory_words.hold(selected.words) and (
        _numbers(selected.variant) == selected.numbers)


def _holds(variant: Variant) -> bool:
    tensors = [word for t in variant.reach.tensors.values() for word in memory_words.storage(t)]
    return memory_words.hold(tensors) and (variant.reach.unchanged() or variant.refresh())
