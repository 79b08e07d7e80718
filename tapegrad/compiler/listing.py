"""Programs as text: one line a step, superinstructions with the expression they compute, or their LLVM code."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.captured_backward import Segment
from tapegrad.compiler.passes.work import Work, kernel_of
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Blocked, Loop, Place, Step, Turns, is_check
from tapegrad.compiler.variant import Variant
from tapegrad.compiler.waves import is_wave
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import layouts, machine
from tapegrad.machine.llvm import jit
from tapegrad.ops.symbols import walk

WIDEST = 100  # characters of an expression; longer ones are told by what they are made of


def dump(variant: Variant, form: str = "text") -> str:
    """The optimised program of a captured behaviour, and of its backwards."""
    if form == "llvm":
        return "\n".join(_llvm(variant.works))
    if form != "text":
        raise ValueError(f"dump() has the forms 'text' and 'llvm', not {form!r}")
    names = _Names(variant)
    titles = ["program", *map(_title, variant.segments)]
    lines = []
    for title, work in zip(titles, variant.works):
        kernels = sum(len(s.steps) if isinstance(s, Loop) else len(s.calls) if isinstance(s, Blocked) else
                      s.kind == rec.KERNEL for s in work.steps)
        size = variant.program.size if title == "program" else 0
        lines.append(f"{title}  {kernels} kernel calls" + (f" · {size} B of its own" if size else ""))
        lines += _steps(work, names)
    return "\n".join(lines)


def _title(segment: Segment) -> str:
    numbers = ", ".join(map(str, segment.roots))
    return f"backward of result {numbers}" if len(segment.roots) == 1 else (
        f"backward of what leads to the results {numbers}")


class _Names:
    """How places are called: tensors by the names the function has for them, arguments a0 …, blocks %0 …

    In a backward r0 … are the results, g0 … their gradients, and `saved` is what the forward kept.
    """

    def __init__(self, variant: Variant) -> None:
        self.arguments, self.results = variant.arguments, len(variant.captured.result_blocks)
        self.saved = variant.results[-1] if variant.saves else -1
        self.rows: dict[int, str] = {}
        reach = variant.reach
        free = getattr(getattr(variant.function, "__code__", None), "co_freevars", ())
        named = [(name, content) for name, (_, content) in zip(free, reach.cells)]
        named += [(name, value) for _, name, value in reach.names]
        named += [(str(key), part) for w in reach.watched for key, part in zip(w.keys, w.parts)]
        for name, value in named:
            if isinstance(value, machine.TensorBase):
                self.rows.setdefault(cap.owner_of(value), name)
                if value.is_leaf and value.grad is not None:
                    self.rows.setdefault(cap.owner_of(value.grad), f"{name}.grad")
        for left in variant.captured.gradients:
            if isinstance(left.leaf, machine.TensorBase) and left.leaf.grad is not None:
                name = self.rows.get(cap.owner_of(left.leaf), "")
                self.rows.setdefault(cap.owner_of(left.leaf.grad), f"{name}.grad")
        parts = variant.given + len(variant.captured.found)
        self.parts: dict[int, str] = {parts + k: self.rows.get(part.row, "") if number < 0 else f"a{number}" for k, (
            part, (number, _)) in enumerate(zip(variant.captured.parts, variant.captured.origins))}
        given = {variant.given + i: leaf for i, (leaf, _) in enumerate(variant.captured.found)}
        self.found: dict[int, str] = {i: self.rows.get(cap.owner_of(leaf), f"a{i}") for i, leaf in given.items()}

    def __call__(self, place: Place) -> str:
        if place.kind == "fixed":
            row = machine.buffers[place.offset]
            start = int(row["address"])
            if row["flags"] & rec.IMMORTAL:  # a Python number
                return str(machine.memory(start, layouts[int(row["layout"])].dtype.numpy, 1)[0])
            return _shifted(self.rows.get(place.offset, f"tensor{place.offset}"), place.number - start, place.stride)
        if place.kind == "scratch":
            return _shifted(f"scratch{place.number}", 0, place.stride)
        if place.kind == "argument":
            return _shifted(self._passed(place.number), place.offset, place.stride)
        return _shifted("saved" if place.number == self.saved else f"%{place.number}", place.offset, place.stride)

    def _passed(self, number: int) -> str:
        """What a program is passed: arguments, and to a backward also what was saved, results and their gradients."""
        results = self.arguments + 1 + self.results
        if number < self.arguments:
            if number in self.parts:
                return f"{self.parts[number]}[t:]"
            return f"{self.found[number]}.grad" if number in self.found else f"a{number}"
        if number == self.arguments:
            return "saved"
        return f"r{number - self.arguments - 1}" if number < results else f"g{number - results}"


def _shifted(name: str, offset: int, stride: int = 0) -> str:
    if stride:  # in a loop, at its turn t
        return f"{name}[{f'{offset} ' if offset else ''}{'+-'[stride < 0]} {abs(stride)} t]".replace("[+ ", "[")
    return f"{name}+{offset}" if offset else name


def _steps(work: Work, names: Callable[[Place], str]) -> Iterator[str]:
    constants = constant_blocks(work.steps, work.results)
    for t, step in enumerate(work.steps):
        if isinstance(step, Step):
            if step.kind == rec.CONSTANT and step.places[0].number in constants:
                continue
            kernel = kernel_of(step)
            text = _step(step, names, constants)
            if kernel is not None and kernel.pattern.startswith("@"):
                text = f"loop {machine.memory(step.b, 'i8', 1)[0]} × {{ {text.strip()} }}"
            elif is_wave(step):
                text = f"{text}a wave of {machine.memory(step.b, 'i8', 3)[2]}"
            yield f"{t:3}  {text}"
        elif isinstance(step, Loop):
            yield f"{t:3}  loop {step.turns} × {{"
            yield from (f"       {_step(inner, names, constants)}" for inner in step.steps)
            yield "     }"
        elif isinstance(step, Blocked):
            yield f"{t:3}  {step.n_blocks} blocks of {step.block} over an axis of {step.units}, each"
            for run in step.runs:
                inner = [f"     {_step(s, names, constants)}" for s in _calls(run)]
                yield from [f"     loop {run.turns} × {{", *(f"  {line}" for line in inner), "     }"] if (
                    run.turns > 1) else inner


def _calls(run: Turns) -> Iterator[Step]:
    """The calls of a blocked group as steps."""
    for call in run.calls:
        places = tuple(o.place._replace(kind="scratch") if o.private else o.place for o in call.operands)
        yield Step(rec.KERNEL, call.kernel, call.nest, places, b"", call.lines)


def _step(step: Step, names: Callable[[Place], str], constants: dict[int, bytes]) -> str:
    def named(place: Place) -> str:
        return names(place)

    targets = names(step.places[0]) if step.places else ""
    if step.kind == rec.GUARD:
        return f"check {targets} holds {step.content[:8].hex()}{'…' if len(step.content) > 8 else ''}"
    if step.kind == rec.DRAWN:
        return f"{targets or 'stream'} = drawn"
    if step.kind in (rec.CONSTANT, rec.ZEROED):
        return f"{targets} = {step.content.hex() if step.kind == rec.CONSTANT and len(step.content) <= 8 else 'bytes'}"
    kernel = kernel_of(step)
    if kernel is None:
        name = jit.loaded.get(step.a, "Python").removesuffix(".kernel")
        if is_check(step):
            return f"check that the indices in {targets} are in range"
        return f"{targets} = {name}({', '.join(map(named, step.places[1:]))})"
    outputs, region = len(kernel.region.outputs), kernel.region
    operands = []
    for place, dtype in zip(step.places[outputs:], region.inputs):
        known = constants.get(place.number) if place.kind == "own" and not (place.offset or place.stride) else None
        number = None if known is None or len(known) != dtype.itemsize else _number(known, dtype)
        operands.append(named(place) if number is None else number)
    each = [v.text(operands) for v in region.values] if sum(1 for _ in walk(region.values)) < WIDEST // 2 else []
    text = "; ".join(f"{named(p)} {'+=' if add else '='} {e}"
                     for p, add, e in zip(step.places, kernel.accumulate, each))
    where = _space(step, kernel)
    if text and len(text) <= WIDEST:
        return f"{text}  {where}"
    return f"{', '.join(map(named, step.places[:outputs]))} = made of {_made_of(region)}  {where}"


def _number(content: bytes, dtype: Any) -> str:

    return repr(dtypes.number_in(content, dtype))


def _made_of(region: emitter.Region) -> str:
    """The operations of a superinstruction, the most frequent first."""
    counts = Counter(n.value if n.op == "reduce" else n.op for n in walk(region.values)
                     if n.op not in ("operand", "const", "cast"))
    return f"{sum(counts.values())}: " + ", ".join(f"{n} {name}" for name, n in counts.most_common())


def _space(step: Step, kernel: emitter.Kernel) -> str:
    """The loops a kernel runs over."""
    if kernel.pattern[0] in "1@":
        return ""
    ranks = machine.memory(step.b, "i8", 2)
    count = int(ranks[0]) + int(ranks[1])
    sizes = machine.memory(step.b, "i8", 2 + count)[2:]
    return f"[{' × '.join(str(int(n)) for n in sizes)}]" if 0 < count < 16 else ""


def _llvm(works: Sequence[Work]) -> Iterator[str]:
    """The code of every kernel once."""
    done = set()
    for work in works:
        steps = [(t, s) for t, item in enumerate(work.steps)
                 for s in (item.steps if isinstance(item, Loop) else (item,))]
        for t, step in steps:
            kernel = kernel_of(step) if isinstance(step, Step) else None
            if kernel is not None and step.a not in done:
                done.add(step.a)
                yield f"; step {t}: {_made_of(kernel.region)}"
                yield emitter.kernel_source(kernel.region, kernel.pattern, kernel.accumulate)
