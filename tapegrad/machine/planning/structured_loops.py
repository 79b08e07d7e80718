"""The part of a builder that goes through sequences: the same kernel calls at every place, after those before."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tapegrad import shapes
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, structural
from tapegrad.machine.kernels.products import blas, gemm
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.planning import thread_cuts
from tapegrad.machine.planning.plan import Pointer, Step
from tapegrad.machine.planning.step_builder import Builder
from tapegrad.machine.planning.structured_values import Copy, Traced
from tapegrad.machine.startup import address_of
from tapegrad.ops.symbols import Sym

_ROWS = 8  # of a batch, for one thread: of fewer, most of a product's time goes into reading the weights


class Moving(NamedTuple):
    """A matrix (rows, columns) that lies `turn` elements further on at every turn; a row may be read for all rows."""

    value: Traced
    turn: int = 0

    def columns(self, start: int, length: int) -> Moving:
        return Moving(self.value.narrow(1, start, length), self.turn)

    @property
    def strides(self) -> shapes.Shape:
        rows, columns = self.value.layout.strides
        return 0 if self.value.shape[0] == 1 else rows, columns


def along(x: Traced, reverse: bool, start: int = 0, turns: int | None = None) -> Moving:
    """The matrices of a batch (n, rows, columns), from the one at `start` on, or from the last one back."""
    n, stride = x.shape[0] if turns is None else turns, x.layout.strides[0]
    at = start + n - 1 if reverse else start
    return Moving(x.narrow(0, at, 1).squeeze(0), -stride if reverse else stride)


class Turns:
    """Kernel calls that one step makes at every turn."""

    def __init__(self, builder: Builder, rows: int, turns: int) -> None:
        self.builder, self.rows, self.turns = builder, rows, turns
        self.places: dict[tuple[int, int, int], bool] = {}  # source, bytes a row and a turn: whether it is written
        self.calls: list[tuple[int, list[int], int, list[tuple[tuple[int, int, int], int]]]] = []

    def _reach(self, x: Moving, written: bool = False) -> tuple[tuple[int, int, int], int]:
        pointer, item = x.value.pointer, x.value.dtype.itemsize
        place = pointer.source, x.strides[0] * item, x.turn * item
        self.places[place] = self.places.get(place, False) or written
        return place, pointer.offset

    def product(self, target: Moving, a: Moving, b: Moving, add: bool = False) -> None:
        """target = a @ b, or added to it; b is one matrix for all turns and rows."""
        of, rows = target.value.dtype, self.rows
        (ci, cj), (ai, ak) = target.strides, a.strides
        (k, n), (bk, bj) = b.value.shape, b.value.layout.strides
        pointer, stays = b.value.pointer, (b.value.pointer.source, 0, 0)
        self.places.setdefault(stays, False)
        c_place, a_place, b_place = self._reach(target, True), self._reach(a), (stays, pointer.offset)
        kernels = gemm.kernels(of)
        if kernels:
            nest = [3, 1, 1, rows, n, k, *(s * of.itemsize for s in (0, ci, cj, 0, 0, ai, 0, ak, 0, 0, bj, bk))]
            self.calls.append((kernels[add], nest, 3, [c_place, a_place, b_place]))
        else:
            nest = [1, n, rows, k, 0, 0, max(bk, n), max(ai, k), max(ci, n), 0, 0, 0]
            self.calls.append((blas.gemm(of)[add], nest, 2, [c_place, b_place, a_place]))

    def elements(self, outputs: Sequence[Moving], inputs: Sequence[Moving], rule: Callable[..., Sequence[Any]]) -> None:
        """What `rule` says of one element of each input, into the outputs; of a row, of the row's."""
        types = tuple(x.value.dtype for x in inputs)
        values = rule(*(Sym.operand(j, d) for j, d in enumerate(types)))
        all_of = (*outputs, *inputs)
        made = tuple(x.value.dtype for x in outputs)
        no = (False,) * len(outputs)
        region = emitter.Region(types, tuple(v.cast(d) for v, d in zip(values, made)), made, no)
        columns = outputs[0].value.shape[1]
        pattern = "".join("c" if x.strides[1] == 1 or columns == 1 else "s" for x in all_of)
        kernel = late_binding.bound(emitter.compile_region(region, pattern, no))
        nest = [2, 0, self.rows, columns]
        for x in all_of:
            nest += [s * x.value.dtype.itemsize for s in x.strides]
        places = [self._reach(x, j < len(outputs)) for j, x in enumerate(all_of)]
        self.calls.append((kernel, nest, 2, places))

    def end(self, work: int) -> None:
        """The step; `work` is how many multiplications there are in all."""
        order = sorted(self.places, key=lambda place: not self.places[place])
        body = [len(self.calls)]
        for kernel, nest, rows, places in self.calls:
            at = [word for place, offset in places for word in (order.index(place), offset)]
            body += [kernel, 4 + len(at) + len(nest), rows, len(places), *at, *nest]
        strides = [word for _, row, turn in order for word in (row, turn, 0)]
        head = [3, 0, self.rows, self.turns, 0, *strides]
        words = np.array([*head, *body], "i8")
        words[4] = address_of(words) + words.itemsize * len(head)
        pieces, cut = min(self.rows // _ROWS, work // thread_cuts.PRODUCT_GRAIN, rec.MAX_PIECES), None
        if pieces > 1:
            cut = np.zeros(1, rec.CUT)
            cut["pieces"] = pieces
        kernel = structural.turns(sum(self.places.values()))
        self.builder.steps.append(Step(kernel, 0, words, tuple(Pointer(source) for source, _, _ in order), cut=cut,
                                       patient=True))


class Looping(Builder):
    """Steps through sequences."""

    def in_turns(self, rows: int, turns: int) -> Turns:
        return Turns(self, rows, turns)

    def moving(self, x: Traced, reverse: bool, start: int = 0, turns: int | None = None) -> Moving:
        return along(x, reverse, start, turns)

    def still(self, x: Traced) -> Moving:
        """One matrix, or one row, at every turn; its rows are contiguous."""
        x = x if x.layout.contiguous else Copy(x)
        return Moving(x if x.ndim == 2 else x.unsqueeze(0))
