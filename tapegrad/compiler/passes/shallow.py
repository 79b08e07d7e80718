"""Shallow products: of matrices of a few columns with as many long rows, as arithmetic on rows.

The product of 3 × 3 numbers with 3 × 500 is three multiplications for an element that is stored: what computes the
factors, and what is done with the result, take as long. As a kernel like others it is one with them (`nests`), and what
lies between is never written. Its sums are of FMAs from zero on, as a matrix product's are, so that all has the same
last bits.

Alone, a product of many rows is left: it takes up to 1.4 times as long as arithmetic (64 x 4 x 1000 of float64), for a
vector that it loads it uses for all of them; with an addition 0.5-0.8 times.
"""
from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, kernel_of
from tapegrad.compiler.traced_program import Step
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests, products
from tapegrad.machine.live import machine
from tapegrad.ops.symbols import Sym

FEW, DEPTH = 4, 3      # rows, at most, of up to as many terms; of more rows, terms
ROW, LEAST = 64, 4096  # elements of a row, and of the result, at least


def shallow(work: Work) -> Work:
    """The same program with such products as kernels of arithmetic."""
    if not any(isinstance(s, Step) and products.product(s.a) for s in work.steps):
        return work
    meet = {p.number for s in work.steps if kernel_of(s) is not None for p in s.places[1:] if p.kind == "own"}
    return work._replace(steps=[_written_out(s, meet) for s in work.steps])


def _written_out(step: Any, meet: Collection[int]) -> Any:
    known = products.product(step.a) if isinstance(step, Step) and step.kind == rec.KERNEL else None
    gemm = None if known is None else products.gemm.kernels(known.of)
    if known is None or gemm is None or step.a not in gemm or len(step.places) != 3 or any(
            p.stride for p in step.places):
        return step
    of, (_, _, (*shape, depth), strides) = known.of, words_of(step)
    (own, left, right) = strides
    if not 0 < depth <= (FEW if shape[1] <= FEW else DEPTH) or shape[2] < ROW or math.prod(shape) < LEAST or (
            own[2] != of.itemsize or right[2] != of.itemsize):
        return step
    if shape[1] > FEW and not (step.places[0].kind == "own" and step.places[0].number in meet):
        return step
    value: Any = Sym.const(0.0, of)
    for k in range(depth):
        value = Sym("_fma", (Sym.operand(k, of), Sym.operand(depth + k, of), value), of)
    factors = [p._replace(number=p.number + k * by[3]) if p.kind == "fixed" else p._replace(offset=p.offset + k * by[3])
               for p, by in zip(step.places[1:], (left, right)) for k in range(depth)]
    along = [own[:3], *[left[:3]] * depth, *[right[:3]] * depth]
    nest = loop_nests.build(shape, along, [of.itemsize] * len(along))
    region = emitter.Region((of,) * (2 * depth), (value,), (of,), (False,))
    address = emitter.compile_region(region, nest.pattern, (known.adds,))
    words = machine.keep_nest(nest.words.tolist())
    return Step(rec.KERNEL, address, words, (step.places[0], *factors), b"", step.lines)
