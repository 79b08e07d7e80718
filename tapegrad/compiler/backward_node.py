"""`CompiledFunctionBackward`: one call of a compiled function as a node of the graph, or as several.

The nodes of a call are the segments of its graph (`gradient.py`). What their backwards need is held once, by the
`Pullback`, for as long as one of them may be asked for.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from tapegrad import dtypes, errors
from tapegrad.autograd import modes
from tapegrad.autograd.function import Function, FunctionCtx
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.backward_program import Backward, Reads
from tapegrad.compiler.captured_backward import Segment, Traced
from tapegrad.dispatch import layout_of
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, instructions, layouts, machine, planner
from tapegrad.machine.planning import Layout, Plan
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import hooks

_CHANGED = ("the backward of a custom function would read something else than it did when it was compiled: values that "
            "it names were changed between the call of a compiled function and its backward")
WIDEST = 30  # operands of a node
_versions = buffers["version"]


class Replayed(Protocol):
    """What a node needs of the captured behaviour that was replayed (`variant.py`)."""

    function: Callable[..., Any]
    structure: Any
    default: Any
    captured: Any
    reach: Any
    reads: Reads
    owners_reached: Any
    backwards: list[Backward]

    def bare(self, number: int, wanted: int) -> Backward | None: ...

    def gradients_are_as_they_were(self) -> bool: ...


class CompiledFunction(Function):
    """A replayed call as an operation. It is recorded without `apply`, whose checks have nothing to find here."""


class CompiledFunctionBackward(FunctionCtx):
    """One node of a replayed call: the segment of that `number`, or one that is `gone`."""

    _forward_cls = CompiledFunction
    _shape: _Shape
    _variant: Replayed | None = None
    _pullback: Pullback | None = None
    _last = 0  # the inputs that the sweep under way asks for, as bits
    _done: frozenset[int] = frozenset()  # of those sweeps that let go of what they used
    _gathered: tuple[GatheredInputs, ...] = ()

    def gradients(self, outgoing: Sequence[Any]) -> list[Any]:
        segment, number = self._shape.segment, self._shape.number
        self._last = self._shape.inputs_of(self._wanted)
        if segment.refuses(self._last, self._done):
            raise RuntimeError(errors.SECOND_BACKWARD)
        if all(g is None for g in outgoing):
            return [None] * (len(self._gathered) or len(segment.inputs))
        later = self._variant and self._variant.captured.traced.later
        if later and later.have_changed():
            raise RuntimeError(_CHANGED)
        if self._pullback is not None:
            found = self._pullback.gradients(number, outgoing, self._row, self._last)
        else:
            backward = self._variant and self._variant.bare(number, self._last)
            if not backward or modes.is_grad_enabled():
                raise RuntimeError(errors.SECOND_BACKWARD)
            some = iter(backward.launch([0] * backward.seeds_at, outgoing))
            found = [next(some) if self._last >> k & 1 else None for k in range(len(segment.inputs))]
        return _handed_out(self._gathered, found) if self._gathered else list(found)

    def is_gone(self, wanted: int) -> bool:
        """Whether a backward to these operands is a second one."""
        return self._shape.segment.refuses(self._shape.inputs_of(wanted), self._done)

    def release(self) -> None:
        """Free what no backward may ask for any more: as without compiler, that is decided operation by operation."""
        self._done |= {self._last}
        if self._shape.segment.keeping:  # the next sweep asks `is_gone` before it begins
            with machine.pinned():
                found = hooks.find(self._row)
                if found is not None and found.callback is self:  # the row may be another's by now
                    _mark_released(self._row)
        if self._shape.segment.is_used_up(self._done):
            super().release()
            self._pullback = None


class GatheredInputs(FunctionCtx):
    """Where a node leads to more inputs than it has operands: the node of some of them, which hands gradients on."""

    _forward_cls = CompiledFunction
    _children: tuple[GatheredInputs, ...] = ()
    _found: Sequence[Any] = ()
    _size = 0  # how many inputs these are

    def gradients(self, outgoing: Sequence[Any]) -> list[Any]:
        found, self._found = self._found, ()
        if not found:  # nor has the node that hands them on
            return [None] * (len(self._children) or self._size)
        return _handed_out(self._children, found) if self._children else list(found)


def _handed_out(nodes: Sequence[GatheredInputs], found: Sequence[Any]) -> list[Any]:
    """Leave each of these nodes its share of some gradients, and word that there is some."""
    start = 0
    for node in nodes:
        node._found = found[start:start + node._size]
        start += node._size
    return [call.empty(node._outputs[0].id).zero_() for node in nodes]  # type: ignore[union-attr]


class _Shape:
    """How one segment is recorded: everything about its node that is the same each time."""

    def __init__(self, segment: Segment, number: int, operands: Sequence[Any], outputs: Sequence[Any], holds: bool
                 ) -> None:
        self.segment, self.number, self.outputs = segment, number, outputs
        sizes = [1] * len(operands)
        # Where results are held for it, it has a row of its own: on that of a result it would keep what keeps it.
        self.single = len(outputs) == 1 and not holds
        node = layouts.intern(dtypes.default_dtype(), ())
        self.node = node
        self.levels: list[list[_Level]] = []  # of the nodes between this one and its inputs
        while len(operands) > WIDEST:
            starts = range(0, len(operands), WIDEST)
            groups = [operands[i:i + WIDEST] for i in starts]
            sizes = [sum(sizes[i:i + WIDEST]) for i in starts]
            self.levels.append([_Level(_plan(group, node), group, size) for group, size in zip(groups, sizes)])
            operands = [node] * len(groups)
        self.sizes = sizes
        self.operands = list(operands)
        self.plan = _plan(self.operands, outputs[0] if self.single else node)
        self.output_plans = [] if self.single else [
            planner.plan(REGISTRY["_output"], (node,), (
                ("name", CompiledFunction.__name__), ("index", i), ("count", len(outputs)), *_lies(o)))
            for i, o in enumerate(outputs)]

    def inputs_of(self, operands: int) -> int:
        """The inputs that some of the node's operands lead to."""
        if not self.levels and operands != -1:
            return operands
        found = start = 0
        for i, size in enumerate(self.sizes):
            found |= ((1 << size) - 1) << start if operands >> i & 1 else 0
            start += size
        return found

    def record(self, ctx: CompiledFunctionBackward, operands: list[Any], outputs: Sequence[Any]) -> None:
        """Make tensors, or rows, the results of one new node; nothing may move meanwhile."""
        gathered: tuple[GatheredInputs, ...] = ()
        for level in self.levels:
            rows, made, there = [], [], iter(operands)
            children = iter(gathered)
            for plan, group, size in level:
                node = GatheredInputs()
                node._size = size
                node._inputs, node._outputs = list(group), [self.node]
                node._children = tuple([next(children) for _ in group]) if gathered else ()
                rows.append(call.fresh_row(self.node.id, 0, 0))
                _attach(node, plan, rows[-1], [next(there) for _ in group])
                made.append(node)
            operands, gathered = rows, tuple(made)
        ctx._shape, ctx._gathered = self, gathered
        ctx.materialize_grads = False
        ctx.needs_input_grad = (True,) * len(self.operands)
        ctx._inputs, ctx._outputs, ctx._tensors = self.operands, self.outputs, self.outputs  # type: ignore[assignment]
        row = call.fresh_row(self.node.id, 0, 0) if not self.single else _row_of(outputs[0])
        _attach(ctx, self.plan, row, operands)
        if self.segment.gone:
            _mark_released(row)
        for plan, output in zip(self.output_plans, outputs):
            call.record_plan(plan.index, _row_of(output), 1, row)


class _Level(NamedTuple):
    """A node that stands for some inputs of another."""

    plan: Plan
    operands: Sequence[Any]
    size: int


def _attach(ctx: FunctionCtx, plan: Plan, row: int, operands: Sequence[Any]) -> None:
    call.record_plan(plan.index, row, (1 << len(operands)) - 1, *operands)
    ctx._row = row
    hooks.attached(row).callback = ctx


def _mark_released(row: int) -> None:
    """Let sweeps ask a node whether it is used up before they begin; nothing may move meanwhile."""
    instructions["plan"][int(buffers["producer"][row]) - 1] |= rec.RELEASED


def _row_of(value: Any) -> int:
    return value if type(value) is int else value._buffer


def _plan(operands: Sequence[Any], out: Any) -> Plan:
    given = (("name", CompiledFunction.__name__), *_lies(out))
    return planner.plan(REGISTRY["_function"], tuple(operands), given)


def _lies(layout: Any) -> tuple[tuple[str, Any], ...]:
    return ("dtype", layout.dtype), ("shape", layout.shape), ("strides", layout.strides)


class Recorder:
    """How calls of one variant are recorded."""

    def __init__(self, traced: Traced, values: Sequence[Any], holds: bool) -> None:
        lies = [*map(layout_of, values), *traced.hidden]
        self.hidden: tuple[Layout, ...] = traced.hidden
        self.shapes: list[_Shape] = [_Shape(s, number, [lies[v] for v in s.inputs], [lies[v] for v in s.outputs],
                                            holds) for number, s in enumerate(traced.segments)]

    def record(self, pullback: Pullback | None, values: list[Any]) -> None:
        """Give results of a call their history; `values` are its inputs and results."""
        with machine.pinned():
            values += [call.fresh_row(layout.id, 0, 0) for layout in self.hidden]
            if pullback is not None:
                pullback.rows = [*map(_row_of, values)]
            for shape in self.shapes:
                ctx = CompiledFunctionBackward()
                if not shape.segment.gone and pullback is not None:
                    ctx._pullback, ctx._variant = pullback, pullback.variant
                shape.record(ctx, [values[v] for v in shape.segment.inputs],
                             [values[v] for v in shape.segment.outputs])


class Input(NamedTuple):
    """An argument with a history, as a node holds it: its memory, and which of the graph's inputs it is.

    The tensor itself would be alive as long as the node, and its history with it: of a chain of calls whose last result
    is dropped, each reclaiming would find one.
    """

    memory: Any
    number: int
    kind: type


class Pullback:
    """One replayed call, as its backward needs it.

    The machine, which reclaims dead history when enough is kept, is told how much this is.
    """

    nbytes: int = 0
    rows: list[int]  # of the graph's values
    variant: Replayed
    states: Sequence[Any]
    numbers: Sequence[Any]
    versions: tuple[list[Any], np.ndarray[Any, Any]]

    def __init__(self, variant: Replayed, leaves: Sequence[Any], arguments: Sequence[Any], fresh: Sequence[Any],
                 states: Sequence[Any], numbers: Sequence[Any]) -> None:
        self.variant, self.states, self.numbers = variant, states, numbers
        numbers = variant.captured.numbers_of_inputs
        self.leaves: list[Any] = [t if i not in numbers or t.is_leaf else Input(_alias(t), numbers[i], type(t))
                                  for i, t in enumerate(leaves)]
        versions = _versions
        self.versions = [versions.item(cap.owner_of(t)) for t in leaves], versions[variant.owners_reached]
        reads = variant.reads
        # As aliases: the memory stays what the program read, whatever becomes of the tensor, and the tensor can die.
        kept = [_alias(t) for t in (*[arguments[i] for i in reads.arguments], *reads.held,
                                    *[fresh[i] for i in reads.results])]
        self.kept: list[tuple[Any, Any]] = [(t, versions.item(cap.owner_of(t))) for t in kept]
        self.saved: Any = fresh[-1]
        self.nbytes = self.saved.nbytes
        call.count_kept(self.nbytes)

    def __del__(self) -> None:
        if self.nbytes and sys is not None and not sys.is_finalizing():  # the module may be gone by then
            call.count_kept(-self.nbytes)

    def gradients(self, number: int, gradients: Sequence[Any], row: int, wanted: int) -> Sequence[Any]:
        """The gradients of a segment's inputs from those of its outputs, None for zero; `row` is the node's.

        Others than the `wanted` ones (bits) may be missing.
        """
        if modes.is_grad_enabled():
            from tapegrad.compiler import unfolding

            return unfolding.gradients(self, number, gradients, row, wanted)
        backward = self.variant.backwards[number]
        first_result = len(self.kept) - len(self.variant.reads.results)
        for i in backward.reads:
            tensor, version = self.kept[i]
            if _versions.item(cap.owner_of(tensor)) != version:
                raise RuntimeError(errors.MODIFIED.format(
                    kind=errors.KINDS[tensor.dtype.name], shape=list(tensor.shape), found=tensor._version,
                    output=f", which is output 0 of {CompiledFunction.__name__}," if i >= first_result else "",
                    expected=version))
        reads = self.variant.reads
        starts = [0] * backward.seeds_at
        kept = iter(self.kept)
        for i in reads.arguments:
            tensor = next(kept)[0]
            starts[i] = cap.addresses.item(tensor._buffer) if i in self.variant.captured.loose else _storage(tensor)
        for _ in reads.held:
            next(kept)
        for i in reads.results:
            starts[backward.results_at + i] = _storage(next(kept)[0])
        starts[backward.results_at - 1] = _storage(self.saved)
        return backward.launch(starts, gradients)


def _alias(tensor: Any) -> Any:
    row = tensor._buffer
    return call.adopt(tensor._layout, cap.addresses.item(row), cap.owner_of(tensor), machine.tensor_type)


def _storage(tensor: Any) -> int:
    return cap.addresses.item(cap.owner_of(tensor))
