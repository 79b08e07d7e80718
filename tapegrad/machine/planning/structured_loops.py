"""The part of a builder that goes through sequences: the same kernel calls at every place, after those before."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests, structural
from tapegrad.machine.kernels.products import blas, gemm
from tapegrad.machine.kernels.structural import BUT_LAST, HEAD, MOST_POINTERS, MOST_WORDS, NO_ROWS, SCRATCH
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.planning import thread_cuts
from tapegrad.machine.planning.plan import Pointer, Step, byte_strides
from tapegrad.machine.planning.step_builder import Builder, leading
from tapegrad.machine.planning.structured_values import Copy, Traced
from tapegrad.machine.startup import address_of
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym

_LINE, _LINES = 64, 256  # bytes
MOST_PIECES = 16  # each has scratch of its own
_MOST_TIMES = 8  # each takes a register
_ROWS = 8  # of a batch, for one thread: of fewer, most of a product's time goes into reading the weights


class Moving(NamedTuple):
    """A value that lies `turn` elements further on at every turn.

    It is a matrix, of which each row belongs to one of the batch; or all of it does, and another's lies `part` further.
    One of a span lies as many rows of `row` elements further on as were taken in the turns of the span before.
    """

    value: Traced
    turn: int = 0
    part: int | None = None
    row: int = 0

    def columns(self, start: int, length: int) -> Moving:
        return self._replace(value=self.value.narrow(1, start, length))

    @property
    def mT(self) -> Moving:
        return self._replace(value=self.value.mT)

    @property
    def strides(self) -> shapes.Shape:
        rows, columns = self.value.layout.strides
        return 0 if self.value.shape[0] == 1 else rows, columns


def along(x: Traced, reverse: bool, start: int = 0, turns: int | None = None) -> Moving:
    """The matrices of a batch (n, rows, columns), from the one at `start` on, or from the last one back."""
    n, stride = x.shape[0] if turns is None else turns, x.layout.strides[0]
    at = start + n - 1 if reverse else start
    return Moving(x.narrow(0, at, 1).squeeze(0), -stride if reverse else stride)


Place = tuple[int, int, int] | None  # source, bytes from one of the batch to the next, and a turn; None: scratch
_IN_SCRATCH = -1


class Turns:
    """Kernel calls that one step makes at every turn, for `rows` of a batch: `at_once` together, or all that a thread
    has. Some are made only where a `span` of turns ends, and at the end."""

    builder: Builder
    rows: int
    turns: int
    at_once: int
    span: int

    def __init__(self, builder: Builder, rows: int, turns: int, at_once: int = 0, span: int = 1) -> None:
        self.builder, self.rows, self.turns, self.at_once, self.span = builder, rows, turns, at_once, span
        self.places: dict[Place, bool] = {}  # whether it is written
        self.calls: list[tuple[int, list[int], int, int, list[tuple[Place, int, int]]]] = []
        self.room: int = 0
        self.cleared: int = 0  # of it, from its beginning on

    def scratch(self, of: dtype, shape: Sequence[int]) -> Moving:
        """Room for an intermediate value, zero at first, then as the turn before left it."""
        found = self.blank(of, shape)
        self.cleared = self.room
        return found

    def blank(self, of: dtype, shape: Sequence[int]) -> Moving:
        """The same with anything in it."""
        layout = self.builder.layouts.intern(of, tuple(shape))
        start, self.room = self.room, self.room + -(-layout.nbytes // _LINES) * _LINES
        return Moving(Traced(self.builder, Pointer(_IN_SCRATCH, start), layout), 0, 0)

    def spanned(self, of: dtype, columns: int) -> tuple[Moving, Moving]:
        """Rows in scratch, with anything in them: those of a turn, and those of all turns of a span, side by side.

        Each begins an odd number of cache lines after the one before, so that a column of them lies on all of a cache's
        sets: products go along it (256 x 64 x 128: 3 %).
        """
        lines = -(-columns * of.itemsize // _LINE) | 1
        all_of = self.blank(of, (self.span * self.at_once, lines * _LINE // of.itemsize)).columns(0, columns)
        return Moving(all_of.value.narrow(0, 0, self.at_once), 0, 0, all_of.strides[0]), all_of

    def summed(self, x: Traced, apart: int) -> Moving:
        """A matrix that products over spans are added to; another, so many elements `apart`, for each so many rows as
        are taken at once."""
        return Moving(x, 0, apart // self.at_once)

    def _reach(self, x: Moving, written: bool = False) -> tuple[Place, int, int]:
        pointer, item = x.value.pointer, x.value.dtype.itemsize
        if pointer.source == _IN_SCRATCH:
            return None, pointer.offset, x.row * item
        place = pointer.source, (x.strides[0] if x.part is None else x.part) * item, x.turn * item
        self.places[place] = self.places.get(place, False) or written
        return place, pointer.offset, 0

    def product(self, target: Moving, a: Moving, b: Moving, add: bool = False, spans: bool = False,
                but_last: bool = False) -> None:
        """target = a @ b, or added to it; rows of a batch are rows of a. `b` may be several matrices side by side.

        With `spans`, it is the sum over the rows of spans: those are columns of a, and rows of b. With `but_last` there
        is none at the last turn.
        """
        of = target.value.dtype
        (ci, cj), (ai, ak), (*further, bk, bj) = target.strides, a.strides, b.value.layout.strides
        (m, k), n = a.value.shape, b.value.shape[-1]
        pieces, apart = (b.value.shape[0], further[0]) if further else (1, 0)
        c_place, a_place, b_place = self._reach(target, True), self._reach(a), self._reach(b)
        kernels = gemm.kernels(of)
        if kernels:
            strides = n * cj, ci, cj, 0, 0, ai, 0, ak, apart, 0, bj, bk
            nest = [3, 1, pieces, m, n, k, *(s * of.itemsize for s in strides)]
            at, places = (5 if spans else 3), [c_place, a_place, b_place]
        else:
            kernels = blas.gemm(of)
            (turn_a, lda), (turn_b, ldb) = (leading(x.value.layout) for x in (a, b))
            nest = [pieces, n, m, k, turn_b, turn_a, ldb, lda, max(ci, n), n * of.itemsize, apart * of.itemsize, 0]
            at, places = (3 if spans else 2), [c_place, b_place, a_place]
        self._call(kernels[add or spans], nest, at, places, kernels[0] if spans else BUT_LAST * but_last)

    def copy(self, target: Moving, source: Moving, add: bool = False) -> None:
        """Copy a value of one of the batch, or add it; of any shape."""
        of, shape = target.value.dtype, target.value.shape
        strides = [byte_strides(x.value.layout, x.value.layout.strides) for x in (target, source)]
        nest = loop_nests.build(shape, strides, [of.itemsize] * 2)
        region = emitter.Region((of,), (Sym.operand(0, of),), (of,), (False,))
        kernel = late_binding.bound(emitter.compile_region(region, nest.pattern, (add,), True))
        self._call(kernel, nest.words.tolist(), NO_ROWS, [self._reach(target, True), self._reach(source)])

    def _call(self, kernel: int, nest: list[int], rows: int, places: list[tuple[Place, int, int]], first: int = 0
              ) -> None:
        assert len(nest) <= MOST_WORDS
        self.calls.append((kernel, nest, NO_ROWS if self.at_once == 1 and first <= BUT_LAST else rows, first, places))

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
        steps = [tuple(s * x.value.dtype.itemsize for s in x.strides) for x in all_of]
        places = [self._reach(x, j < len(outputs)) for j, x in enumerate(all_of)]
        alike = {*pattern} == {"c"} and len({x.value.dtype for x in all_of}) == 1
        lies, own = _beside([*zip(places, steps)], columns * made[0].itemsize if alike else 0)
        pattern += ":" + ",".join(f"{pointer}+{times}" for pointer, times in lies)
        kernel = late_binding.bound(emitter.compile_region(region, pattern, no, True))
        nest = [2, 0, self.rows, columns, *(s for k in own for s in steps[k]), columns]
        self._call(kernel, nest, 2, [places[k] for k in own])

    def copies(self, outputs: Sequence[Moving], inputs: Sequence[Moving]) -> None:
        """Matrices of as many rows, copied; by one call where they are equally wide."""
        pairs = [*zip(outputs, inputs)]
        for group in [pairs] if len({x.value.shape for x in inputs}) == 1 else [[pair] for pair in pairs]:
            made, read = zip(*group)
            self.elements(made, read, lambda *x: x)

    def row_by_row(self, target: Moving, inputs: Sequence[Moving], rule: Callable[..., Any]) -> None:
        """What `rule` says of one row of each input, into the target, which may be the first of them."""
        types, of = tuple(x.value.dtype for x in inputs), target.value.dtype
        value = rule(*(Sym.operand(j, d) for j, d in enumerate(types))).cast(of)
        all_of = (target, *inputs)
        strides = [byte_strides(x.value.layout, x.value.layout.strides) for x in all_of]
        nest = loop_nests.build(target.value.shape, strides, [x.value.dtype.itemsize for x in all_of], (1,), True)
        region = emitter.Region(types, (value,), (of,), (False,))
        kernel = late_binding.bound(emitter.compile_region(region, nest.pattern, (False,), True))
        self._call(kernel, nest.words.tolist(), NO_ROWS, [self._reach(x, x is target) for x in all_of])

    def end(self, work: int) -> None:
        """The step; `work` is how many multiplications there are in all."""
        order = sorted((p for p in self.places if p is not None), key=lambda place: not self.places[place])
        assert len(order) <= MOST_POINTERS
        numbers: dict[Place, int] = {None: SCRATCH, **{place: i for i, place in enumerate(order)}}
        body = [len(self.calls), self.at_once, self.room, self.span, self.cleared, 0]
        assert len(body) == HEAD
        for kernel, nest, rows, first, places in self.calls:
            at = [word for place, offset, row in places for word in (numbers[place], offset, row)]
            body += [kernel, 5 + len(at) + len(nest), rows, len(places), first, *at, *nest]
        body[HEAD - 1] = 8 * len(body)
        strides = [word for _, row, turn in order for word in (row, turn, 0)]
        head = [3, 0, self.rows, self.turns, 0, *strides]
        words = np.array([*head, *body], "i8")
        words[4] = address_of(words) + words.itemsize * len(head)
        pieces, cut = shared(self.rows, work, self.at_once), None
        if pieces > 1:
            cut = np.zeros(1, rec.CUT)
            cut["pieces"], cut["unit"] = pieces, max(self.at_once, 1)
        kernel = structural.turns(sum(self.places.values()))
        self.builder.steps.append(Step(kernel, 0, words, tuple(Pointer(source) for source, _, _ in order), cut=cut,
                                       patient=True))


def _beside(operands: Sequence[tuple[tuple[Place, int, int], Any]], apart: int
            ) -> tuple[list[tuple[int, int]], list[int]]:
    """Which operands take the pointer of another, for they lie some times `apart` bytes after it in every row: for each
    the number of its pointer, and how many times; and the operands whose pointers these are.
    """
    lies: list[tuple[int, int]] = []
    own: list[int] = []
    for k, ((place, offset, row), steps) in enumerate(operands):
        for number, first in enumerate(own if apart else ()):
            (other, start, other_row), other_steps = operands[first]
            times, rest = divmod(offset - start, apart)
            if (other, other_row, other_steps) == (place, row, steps) and not rest and 0 <= times < _MOST_TIMES:
                lies.append((number, times))
                break
        else:
            lies.append((len(own), 0))
            own.append(k)
    return lies, own


def shared(rows: int, work: int, at_once: int = 0) -> int:
    """Into how many pieces threads cut so many rows of a batch."""
    return min(rows // (at_once or _ROWS), work // thread_cuts.PRODUCT_GRAIN, MOST_PIECES)


class Looping(Builder):
    """Steps through sequences."""

    def rouse(self, rows: int, work: int) -> None:
        """Have the last step wake the threads that an operation to come will share so much work with, if it is any."""
        cut = self.steps[-1].cut
        if cut is not None and shared(rows, work) > 1:
            # Small pieces, of which those who come late take some: whoever wakes them is held up as long.
            cut["eager"], cut["pieces"] = 0, min(self.steps[-1].nest[2 + int(cut["axis"][0])], rec.MAX_PIECES)

    def in_turns(self, rows: int, turns: int, at_once: int = 0, span: int = 1) -> Turns:
        return Turns(self, rows, turns, at_once, span)

    @staticmethod
    def block(rows: int) -> int:
        """How many rows of a batch are taken at once where each so many have sums of their own."""
        return rows // max(min(rows // _ROWS, MOST_PIECES), 1)

    def turned_into(self, target: Traced, x: Traced) -> None:
        """The transpose of `x` in pieces (n, rows, columns), so many columns of it at a time.

        Squares of a vector's width are turned in registers where sizes come out even (256 x 64: 2 us instead of 9).
        """
        (n, rows, columns), of = target.shape, x.dtype
        kernel, (at, layout) = structural.turned(of), x.place()
        lanes = gemm.tile()[1] // 2 // of.itemsize
        if kernel is None or layout.strides[1] != 1 or target.layout.strides[2] != 1 or rows % lanes or columns % lanes:
            self.copy(target.place(), x.reshape(n, columns, rows).mT.place())
            return
        (piece, row, column), (apart, along), item = target.layout.strides, layout.strides, of.itemsize
        strides = piece, column, row, columns * apart, apart, along
        nest = np.array([3, 0, n, columns, rows, *(s * item for s in strides)], "i8")
        self.steps.append(Step(kernel, 0, nest, (target.pointer, at), cut=thread_cuts.cut_copy(nest), patient=True))

    def plain(self, x: Traced) -> Traced:
        return x if x.layout.contiguous else Copy(x)

    def by_rows(self, x: Traced) -> Traced:
        """The value itself where its last axis is contiguous and no element stands for several, else a copy."""
        strides = x.layout.strides
        lies = strides[-1] == 1 and x.shape[-1] > 1 and all(s >= x.shape[-1] for s in strides[:-1])
        return x if lies else self.plain(x)

    def blank_like(self, x: Traced) -> Traced:
        """A result whose axes lie in memory in the order of those of `x`."""
        strides = shapes.kept_strides(x.shape, x.layout.strides)
        return Traced(self, Pointer(rec.TARGET), self.layouts.intern(x.dtype, x.shape, strides))

    def moving(self, x: Traced, reverse: bool, start: int = 0, turns: int | None = None) -> Moving:
        return along(x, reverse, start, turns)

    def still(self, x: Traced) -> Moving:
        """One matrix (or pieces of one), or one row, at every turn and for all of a batch; its rows are contiguous."""
        x = self.plain(x)
        return Moving(x if x.ndim > 1 else x.unsqueeze(0), 0, 0)

    def running(self, x: Traced) -> Moving:
        """One matrix of which each row belongs to one of the batch, as every turn finds it and leaves it."""
        return Moving(x)

    def heads(self, x: Traced) -> Moving:
        """The matrices of (batch, heads, rows, columns), a head a turn."""
        return Moving(x.narrow(0, 0, 1).squeeze(0).narrow(0, 0, 1).squeeze(0), x.layout.strides[1], x.layout.strides[0])

    def one_by_one(self, x: Traced, turns: int, start: int = 0) -> Moving:
        """The values along the first axis from `start` on, one a turn; the next of a batch after all turns."""
        stride = x.layout.strides[0]
        return Moving(x.narrow(0, start, 1).squeeze(0), stride, stride * turns)
