"""Kernels from functions of arrays that Numba compiles: a loop around the function, over what lies before the cores.

Nest: [loops, cores, sizes…, byte strides of each pointer…], as of every kernel: first the loops, which can be cut, then
the sizes of the cores, one after the other, whose strides are not read. Cores are contiguous, as Numba likes them;
what is read is read-only to the function.
"""
from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.np import arrayobj

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit, numba_functions

WORD: Any = ir.IntType(64)
STATUS: Any = ir.IntType(32)


def compiled(jitted: Any, name: str, fills: bool, ranks: Sequence[int], operands: Sequence[tuple[dtype, int]],
             slope: bool) -> tuple[int, dtype, bool]:
    """The kernel for operands of such dtypes and ranks: its address, the dtype of the results, of these `ranks`, and
    whether threads may share its loops.

    Floating-point results are of the operands' dtype; those that are a `slope` are, whatever is returned.
    """
    of = next((d for d, _ in operands if d.is_floating_point), dtypes.float64)
    if not fills:
        found = _result_dtypes(jitted, name, operands, ranks, of)
        found = [of] if slope else found
        if len(set(found)) > 1:
            raise TypeError(f"{name}(): its results must be of one dtype, not {', '.join(map(str, found))}")
        of = found[0]
    address, shared = _kernel(jitted, name, fills, ranks, of, operands)
    return address, of, shared


def _result_dtypes(jitted: Any, name: str, operands: Sequence[tuple[dtype, int]], ranks: Sequence[int], of: dtype
                  ) -> list[dtype]:
    """The dtypes of what a function returns for operands of such dtypes and ranks: `of` for floating-point numbers."""
    returned = numba_functions.compiled(jitted, name, _types(operands)).signature.return_type
    tuples = isinstance(returned, numba.types.BaseTuple)
    several = list(returned) if len(ranks) > 1 and tuples else [returned]
    if len(several) != len(ranks):
        raise TypeError(f"{name}() returns {returned}, and its signature says {len(ranks)} results")
    made = []
    for found, rank in zip(several, ranks):
        element = found.dtype if isinstance(found, numba.types.Array) else found
        if getattr(found, "ndim", 0) != rank or not isinstance(
                element, (numba.types.Float, numba.types.Integer, numba.types.Boolean)):
            raise TypeError(f"{name}() returns {found}, and its signature says "
                            + (f"an array of {rank} dimensions" if rank else "a number"))
        made.append(of if isinstance(element, numba.types.Float) else
                    dtypes.bool_ if isinstance(element, numba.types.Boolean) else dtypes.int64)
    return made


def _types(operands: Sequence[tuple[dtype, int]]) -> tuple[Any, ...]:
    return tuple(numba.types.Array(_scalar(d), rank, "C", readonly=True) if rank else _scalar(d)
                 for d, rank in operands)


def _kernel(jitted: Any, name: str, fills: bool, results: Sequence[int], out: dtype,
            operands: Sequence[tuple[dtype, int]]) -> tuple[int, bool]:
    """The address of a kernel of one output: the results' cores one after the other, of ranks `results`; and whether
    threads may share its loops.

    Other than 0 it returns RAISED where the function raises, or gives arrays of another shape.
    """
    given = _types(operands)
    if fills:
        given += tuple(_filled(out, rank) for rank in results)
    function, pointer = numba_functions.compiled(jitted, name, given), cgutils.voidptr_t

    def write(build: Any, call: Any, arguments: Any) -> None:
        _Writer(build, call, arguments, function, fills, results, out, operands).write()

    address, anywhere = numba_functions.linked(function, given, ir.FunctionType(STATUS, [pointer, pointer]), write)
    jit.loaded[address] = f"custom.{name}"
    return address, anywhere


def _scalar(d: dtype) -> Any:
    return numba.from_dtype(d.numpy)


def _filled(of: dtype, rank: int) -> Any:
    """What a result is written to: an array, of one number too."""
    return numba.types.Array(_scalar(of), max(rank, 1), "C")


class _Writer:
    """The text of a kernel."""

    def __init__(self, build: Any, call: Any, arguments: Any, function: Any, fills: bool, results: Sequence[int],
                 out: dtype, operands: Sequence[tuple[dtype, int]]) -> None:
        self.build, self.call, (self.pointers, self.nest) = build, call, arguments
        self.context, self.function, self.fills = function.target_context, function, fills
        self.results, self.out, self.operands = results, out, operands

    def write(self) -> None:
        """For each turn of the outer loops, which are counted as one, the last loop is gone through."""
        build, count = self.build, 1 + len(self.operands)
        ranks = [*self.results, *(rank for _, rank in self.operands)]
        loops = self._word(self.nest, WORD(0))
        row = build.add(loops, WORD(sum(ranks)))
        sizes = iter([self._size(build.add(loops, WORD(k))) for k in range(sum(ranks))])
        shapes = [[*itertools.islice(sizes, rank)] for rank in ranks]
        last = build.sub(loops, WORD(1))
        some = build.icmp_unsigned("!=", loops, WORD(0))
        turns = cgutils.alloca_once_value(build, WORD(1))
        with build.if_then(some), cgutils.for_range(build, last) as loop:
            build.store(build.mul(build.load(turns), self._size(loop.index)), turns)
        inner = build.select(some, self._size(last), WORD(1))
        steps = [self._stride(p, row, last) for p in range(count)]
        places, left = [cgutils.alloca_once(build, WORD) for _ in range(count)], cgutils.alloca_once(build, WORD)
        with cgutils.for_range(build, build.load(turns)) as turn:
            for p, place in enumerate(places):
                build.store(self._word(self.pointers, WORD(p)), place)
            build.store(turn.index, left)
            with build.if_then(some), cgutils.for_range(build, last) as loop:
                d = build.sub(build.sub(last, WORD(1)), loop.index)
                here = build.urem(build.load(left), self._size(d))
                build.store(build.udiv(build.load(left), self._size(d)), left)
                for p, place in enumerate(places):
                    build.store(build.add(build.load(place), build.mul(here, self._stride(p, row, d))), place)
            with cgutils.for_range(build, inner) as loop:
                self._call([build.add(build.load(place), build.mul(loop.index, step))
                            for place, step in zip(places, steps)], iter(shapes))
        build.ret(STATUS(0))

    def _word(self, base: Any, index: Any) -> Any:
        return self.build.load(self.build.gep(self.build.bitcast(base, WORD.as_pointer()), [index]))

    def _size(self, d: Any) -> Any:
        return self._word(self.nest, self.build.add(d, WORD(2)))

    def _stride(self, pointer: int, row: Any, d: Any) -> Any:
        return self._size(self.build.add(self.build.mul(row, WORD(pointer + 1)), d))

    def _call(self, places: Sequence[Any], shapes: Iterator[Sequence[Any]]) -> None:
        """One call: leave with RAISED where it fails."""
        build, signature = self.build, self.function.signature
        outs, start = [], places[0]
        for rank, shape in zip(self.results, shapes):
            outs.append(self._array(_filled(self.out, rank), start, shape or [WORD(1)]))
            size = WORD(self.out.itemsize)
            for n in shape:
                size = build.mul(size, n)
            start = build.add(start, size)
        given = [self._array(of, place, shape)._getvalue() if rank else self._number(of, place)
                 for of, place, (_, rank), shape in zip(_types(self.operands), places[1:], self.operands, shapes)]
        if self.fills:
            given += [out._getvalue() for out in outs]
        status, found = self.call(given)
        self._leave_unless(build.not_(status.is_error))
        if not self.fills:
            several, kinds = ([found], [signature.return_type]) if len(outs) == 1 else (
                cgutils.unpack_tuple(build, found), signature.return_type)
            results = [self.context.make_array(kind)(self.context, build, value) if rank else value
                       for value, kind, rank in zip(several, kinds, self.results)]
            fit = cgutils.true_bit
            for result, out in ((r, o) for r, o, rank in zip(results, outs, self.results) if rank):
                for n, wanted in zip(*(cgutils.unpack_tuple(build, a.shape) for a in (result, out))):
                    fit = build.and_(fit, build.icmp_signed("==", n, wanted))
            with build.if_then(fit):
                for result, kind, out, rank in zip(results, kinds, outs, self.results):
                    self._store(result, kind, out, rank)
        self.context.nrt.decref(build, signature.return_type, found)
        if not self.fills:
            self._leave_unless(fit)

    def _leave_unless(self, condition: Any) -> None:
        with self.build.if_then(self.build.not_(condition), likely=False):
            self.build.ret(STATUS(rec.RAISED))

    def _array(self, of: Any, place: Any, shape: Sequence[Any]) -> Any:
        made = self.context.make_array(of)(self.context, self.build)
        item = self.context.get_abi_sizeof(self.context.get_data_type(of.dtype))
        strides = [WORD(item)]
        for n in reversed(shape[1:]):
            strides.insert(0, self.build.mul(strides[0], n))
        arrayobj.populate_array(made, self.build.inttoptr(place, made.data.type), shape, strides, WORD(item), None)
        return made

    def _number(self, of: Any, place: Any) -> Any:
        return self.context.unpack_value(self.build, of, self.build.inttoptr(
            place, self.context.get_data_type(of).as_pointer()))

    def _store(self, result: Any, kind: Any, out: Any, rank: int) -> None:
        """A result put where it belongs, as numbers of the output's dtype."""
        context, build, to = self.context, self.build, _filled(self.out, rank)
        with cgutils.loop_nest(build, cgutils.unpack_tuple(build, out.shape), WORD) as at:
            value, of = result, kind
            if rank:
                value, of = arrayobj.load_item(context, build, kind, cgutils.get_item_pointer(
                    context, build, kind, result, at)), kind.dtype
            arrayobj.store_item(context, build, to, context.cast(build, value, of, to.dtype),
                                cgutils.get_item_pointer(context, build, to, out, at))
