"""Constants: a scalar that depends on constants alone is computed now: by its own kernel, so that no digit changes, or
without one where IEEE says which number it is, for LLVM takes 2 ms to have one called. A check that one holds what it
holds is left out: nothing moves over a check.

Whole arrays are not: one that is filled with a number is better filled in a register, where it is used, also if what
fills it reads others, as `x ** 0` does.
"""
from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, is_simple, kernel_of, space, times_written
from tapegrad.compiler.program import Program
from tapegrad.compiler.superinstructions import constant_at, constant_blocks, fuse
from tapegrad.compiler.traced_program import Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import machine
from tapegrad.machine.startup import address_of
from tapegrad.ops.symbols import Sym, compacted, substitute, walk

SCALAR = 8  # bytes


def constants(work: Work) -> Work:
    """The program with scalars of constants as constants."""
    contents = constant_blocks(work.steps, work.results)
    work = _of_ones(work._replace(steps=[s for s in work.steps if not _always_holds(s, contents)]), contents)
    known = set(contents)
    counts = times_written(work.steps)
    folded: dict[int, Step] = {}
    content: dict[int, bytes] = {}  # of those that are known without their kernels
    given: list[Step] = []
    for step in work.steps:
        place = step.places[0] if step.places else None
        if step.kind == rec.CONSTANT and place and place.number in known:
            given.append(step)
        elif (place and is_simple(step) and work.blocks[place.number].nbytes <= SCALAR
              and counts[space(place)] == 1 and place.number not in work.results
              and all(p.kind == "own" and p.number in known for p in step.places[1:])):
            known.add(place.number)
            folded[place.number] = step
            number = _number(step, {**contents, **content}, work.blocks[place.number].nbytes)
            if number is not None:
                content[place.number] = number
                given.append(Step(rec.CONSTANT, 0, 0, (place,), number))
    if not folded:
        return work
    left = {number: step for number, step in folded.items() if number not in content}
    if left:
        memory = np.zeros(len(left), "u8")
        computed = fuse([*left.values()], set(left), {})  # one kernel to compile, for what are a handful of scalars
        program = Program([*given, *computed], work.blocks, list(left), [], [], [])
        if program.launch(fresh=[address_of(memory) + 8 * i for i in range(len(left))]) != rec.PASSED:
            return work
        content.update((n, word.tobytes()[:work.blocks[n].nbytes]) for n, word in zip(left, memory))

    def constant(step: Step) -> Step:
        number = step.places[0].number if step.places and step.places[0].kind == "own" else -1
        if folded.get(number) is not step:
            return step
        return Step(rec.CONSTANT, 0, 0, step.places[:1], content[number])

    return work._replace(steps=[constant(s) for s in work.steps])


def _number(step: Step, contents: dict[int, bytes], nbytes: int) -> bytes | None:
    """What a step stores in a block of so many bytes, where that needs no kernel to be known to the last bit.

    Of numbers that are not finite the sign of a NaN would be lost; of those beyond integers a kernel makes others.
    """
    region = emitter.kernels[step.a].region
    given = [constant_at(p, contents) for p in step.places[1:]]
    of = region.outputs[0]
    if nbytes != of.itemsize or any(d.arithmetic is not d for d in (of, *region.inputs)) or any(
            c is None or len(c) != d.itemsize for c, d in zip(given, region.inputs)) or any(
            n.op == "cast" and n.dtype.category < n.args[0].dtype.category for n in walk([region.values[0].cast(of)])):
        return None
    numbers = [dtypes.number_in(c, d) for c, d in zip(given, region.inputs) if c is not None]
    if not all(map(math.isfinite, numbers)):
        return None
    value = _value(step.a, tuple(map(Sym.const, numbers, region.inputs)))
    if value.op != "const" or not math.isfinite(value.value):
        return None
    return np.array(value.value, of.numpy).tobytes()


def _always_holds(step: Step, contents: dict[int, bytes]) -> bool:
    """Whether a step checks a constant for what it is."""
    return step.kind == rec.GUARD and constant_at(step.places[0], contents) == step.content


def _of_ones(work: Work, contents: dict[int, bytes]) -> Work:
    """The program whose readers of an array of one number, such as `x ** 0` is, compute with that number."""
    counts = times_written(work.steps)
    filled: dict[int, Sym] = {}

    def known(place: Place, of: dtype, arrays: bool) -> Sym | None:
        content = constant_at(place, contents)
        if content is not None and len(content) == of.itemsize:
            return Sym.const(dtypes.number_in(content, of), of)
        found = filled.get(place.number) if arrays and place.kind == "own" else None
        return found if found is not None and found.dtype is of else None

    def told(step: Any) -> Any:
        kernel = kernel_of(step)
        if kernel is None or set(kernel.pattern) - set("c0") or any(kernel.region.per_row):
            return step
        region, places = kernel.region, step.places[len(kernel.region.outputs):]
        if any(p.kind == "own" and p.number in filled for p in places):
            step = _with_numbers(step, kernel, [known(p, of, True) for p, of in zip(places, region.inputs)])
            region, places = emitter.kernels[step.a].region, step.places[len(region.outputs):]
        place, of = step.places[0], region.outputs[0]
        if is_simple(step) and counts[space(place)] == 1 and place.number not in work.results and (
                machine.memory(step.b, "i8", 3).tolist() == [1, 0, work.blocks[place.number].nbytes // of.itemsize]):
            value = _value(step.a, tuple([known(p, kind, False) for p, kind in zip(places, region.inputs)]))
            if value.op == "const":
                filled[place.number] = value
        return step

    return work._replace(steps=[told(s) for s in work.steps])


def _known(region: emitter.Region, numbers: Sequence[Sym | None]) -> dict[int, Sym]:
    """The operands of a region of which some are numbers."""
    return {j: Sym.operand(j, of) if number is None else number
            for j, (of, number) in enumerate(zip(region.inputs, numbers))}


@functools.lru_cache(maxsize=1 << 12)
def _value(address: int, numbers: tuple[Sym | None, ...]) -> Sym:
    """What a kernel stores where some of its operands are numbers."""
    region = emitter.kernels[address].region
    (value,) = substitute([region.values[0].cast(region.outputs[0])], _known(region, numbers))
    return value


def _with_numbers(step: Step, kernel: emitter.Kernel, numbers: Sequence[Sym | None]) -> Step:
    """An elementwise step that reads numbers in the place of some operands."""
    region, outputs = kernel.region, len(kernel.region.outputs)
    used, values = compacted(substitute(region.values, _known(region, numbers)))
    operands = [*range(outputs), *(outputs + j for j in used)]
    kept, reduced, sizes, strides = words_of(step)
    given = region._replace(inputs=tuple([region.inputs[j] for j in used]), values=tuple(values))
    address = emitter.compile_region(given, "".join(kernel.pattern[j] for j in operands), kernel.accumulate)
    nest = machine.keep_nest([kept, reduced, *sizes, *(n for j in operands for n in strides[j])])
    return step._replace(a=address, b=nest, places=tuple([step.places[j] for j in operands]))
