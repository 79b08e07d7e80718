"""Derivatives with a history of their own (`create_graph`) through a compiled call: the function runs once more.

It runs as it is written, on the same arguments, and its graph, taken apart as it was (`captured_backward.outline`), is
differentiated in place of the node. What is found depends on values of the second run, where it should on the call's
results, which somebody may hold, or on what several segments share. So it becomes the result of a node of its own,
between the values that are really meant (`_Within`).
"""
from __future__ import annotations

import collections
import types
from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.autograd import engine, modes
from tapegrad.autograd.data_assignment import keeps_itself
from tapegrad.autograd.function import Function
from tapegrad.autograd.made_nodes import onwards
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.backward_node import CompiledFunction, Input, Pullback
from tapegrad.compiler.captured_backward import leading, outline
from tapegrad.compiler.captured_call import Result
from tapegrad.compiler.guards.contents import by_value, is_record
from tapegrad.compiler.guards.growing_lists import Growth
from tapegrad.compiler.guards.reachable import Unreadable
from tapegrad.compiler.pytrees import unflatten
from tapegrad.compiler.replaced_tensors import again
from tapegrad.machine.live import buffers, call, machine
from tapegrad.tape.reading import instruction_of, operands_of, plan_of

_CANNOT = "the function would have to run once more to be differentiated again, but {}; call it uncompiled for that"


def gradients(pullback: Pullback, number: int, outgoing: Sequence[Any], node: int, wanted: int) -> Sequence[Any]:
    """The gradients of a segment's inputs from those of its outputs, as tensors with a history; `node` is a row.

    Of the inputs that are `wanted` (bits) alone: what others depend on, these would seem to depend on too.
    """
    _check(pullback)
    pullback.variant.on_unfolded()
    captured = pullback.variant.captured
    segment = captured.traced.segments[number]
    given = _arguments(pullback, segment.inputs)
    streams = list({id(d.stream): d.stream for d in captured.draws}.values())
    now = [s.mark() for s in streams]
    logs = [*map(Growth, pullback.variant.reach.logs.values())]
    if not all(log.is_known for log in logs):
        raise RuntimeError(_CANNOT.format("it appends to a deque that is full"))
    leaves: list[Any] = []
    for stream, state in zip(streams, pullback.states):
        stream.back_to(state)
    try:
        with modes.enable_grad():
            args, kwargs = (given, {}) if pullback.variant.structure is None else unflatten(
                pullback.variant.structure, iter(given), numbers=pullback.numbers)
            _collect(again(pullback.variant.function, args, kwargs), leaves)
            _collect([log.items() for log in logs], leaves)
    finally:
        for log in logs:  # what is appended is there since the call
            log.take_back()
        for stream, state in zip(streams, now):
            stream.back_to(state)
    results = list({id(t): t for t in leaves}.values())
    results += [results[i]._base for i in captured.bases]
    inputs = [given[i] if type(i) is int else results[i.which] if type(i) is Result else i for i in captured.inputs]
    gone = {i for s in captured.traced.segments if s.gone for i in s.roots}
    with machine.pinned():
        segments, rows = outline([None if i in gone else results[r] for i, r in enumerate(captured.roots)], inputs)
        same = next((s for s in segments if s.roots == segment.roots), None)
        if same is None or (same.inputs, same.outputs) != (segment.inputs, segment.outputs):
            raise RuntimeError(_CANNOT.format("its graph is another"))
        ends, outputs = ([call.tensor_of(rows[v], machine.tensor_type) for v in values]
                         for values in (segment.inputs, segment.outputs))
        outer = [call.tensor_of(pullback.rows[v], machine.tensor_type) for v in segment.inputs]
        held = _held(pullback, [*zip(outputs, segment.outputs)], rows, node)
    given_one = [(o, g) for o, g in zip(outputs, outgoing) if g is not None]  # nothing is led to by the others
    outputs, seeds = [o for o, _ in given_one], [g for _, g in given_one]
    asked = [a for k, a in enumerate(ends) if wanted >> k & 1]
    if not held and all(a is b for a, b in zip(ends, outer)):
        found = iter(_derived(outputs, seeds, asked, True))
    else:
        found = iter(_outside(outputs, seeds, asked, [*zip(ends, outer), *held]))
    return [next(found) if wanted >> k & 1 else None for k in range(len(ends))]


def _is_held(row: int, node: int) -> bool:
    """Whether somebody holds an output of a node. Rows that nobody holds may be another's by now."""
    t = instruction_of(row)
    return t is not None and bool(buffers["tensor"][row]) and (
        row == node or (plan_of(t).op.name == "_output" and operands_of(t)[0] == [node]))


def _derived(values: Sequence[Any], seeds: Sequence[Any], ends: Sequence[Any], create_graph: bool) -> list[Any]:
    found = engine.run(values, seeds, True, create_graph, ends, accumulate=False, allow_unused=True, partial=True)
    assert found is not None
    return found


def _outside(values: Sequence[Any], seeds: Sequence[Any], ends: Sequence[Any], begin: Sequence[tuple[Any, Any]]
             ) -> list[Any]:
    """The gradients of `ends`, found in a graph that begins with the first of each pair, as what depends on the second.
    """
    within = [g.detach().requires_grad_(g.requires_grad) for g in seeds]
    found = _derived(values, within, ends, True)
    deep = [g for g in found if g is not None and g.requires_grad]
    if not deep:
        return found
    begin = [*begin, *((a, b) for a, b in zip(within, seeds) if b.requires_grad)]
    reached = _reached(deep, [a for a, _ in begin])  # to others no way leads, of which their hooks would be told
    begin = [(a, b) for a, b in begin if a._buffer in reached]
    there = iter(_Within.apply(deep, [a for a, _ in begin], *(b for _, b in begin)))
    return [next(there) if g is not None and g.requires_grad else g for g in found]


def _held(pullback: Pullback, outputs: Sequence[tuple[Any, int]], rows: Sequence[int], node: int
          ) -> list[tuple[Any, Any]]:
    """Of those outputs that their own gradient reads, what stands for them outside."""
    return [(o, call.tensor_of(pullback.rows[v], machine.tensor_type)) for o, v in outputs
            if _is_held(pullback.rows[v], node) and keeps_itself(rows[v])]


def _reached(values: Sequence[Any], ends: Sequence[Any]) -> set[int]:
    """The rows of those `ends` that values depend on."""
    with machine.pinned():
        return leading([v._buffer for v in values], {x._buffer for x in ends})


class _Within(Function):
    """Values of another graph as the result of one node in this.

    What that depends on is on the tape, and not held: each node of a chain would have to be freed before the one below
    it can be.
    """

    @staticmethod
    def forward(ctx: Any, values: Sequence[Any], inner: Sequence[Any], *outer: Any) -> Any:
        ctx.values, ctx.inner = values, inner
        ctx.set_materialize_grads(False)
        return tuple([v.detach() for v in values])

    @staticmethod
    def backward(ctx: Any, *seeds: Any) -> Any:
        values = [v for v, g in zip(ctx.values, seeds) if g is not None]
        seeds = tuple([g for g in seeds if g is not None])
        if modes.is_grad_enabled():
            with machine.pinned():
                rows, _ = operands_of(instruction_of(ctx._row))  # type: ignore[arg-type]
                outer = [call.tensor_of(row, machine.tensor_type) for row in rows]
            return None, None, *_outside(values, seeds, ctx.inner, [*zip(ctx.inner, outer)])
        return None, None, *_derived(values, seeds, ctx.inner, False)


def _arguments(pullback: Pullback, inputs: Sequence[int]) -> list[Any]:
    """The call's tensors, with the histories they had: those that the segment leads to, for others may be gone."""
    found: dict[int, Any] = {}  # one that is given twice is one object

    def given(x: Any) -> Any:
        if type(x) is not Input:
            return x
        if id(x) not in found:
            found[id(x)] = made(x)
        return found[id(x)]

    def made(x: Input) -> Any:
        if x.number is not None and x.number in inputs:
            return call.tensor_of(pullback.rows[x.number], x.kind)
        leaf = x.memory.detach().requires_grad_()
        if x.is_leaf:
            return leaf
        stand_in = x.memory.detach()  # held until it is recorded
        onwards(stand_in._buffer, leaf._buffer, CompiledFunction.__name__)
        return stand_in

    return [given(x) for x in pullback.leaves]


def _check(pullback: Pullback) -> None:
    variant, captured = pullback.variant, pullback.variant.captured
    if not captured.pure:
        raise RuntimeError(_CANNOT.format("it writes to memory that others see"))
    passed, reached = pullback.versions
    for tensor, version in zip((*pullback.memories, *variant.reach.tensors.values()), (*passed, *reached.tolist())):
        if int(buffers[cap.owner_of(tensor)]["version"]) != version:
            raise RuntimeError(_CANNOT.format("a tensor it reads was modified by an inplace operation"))
    try:
        now = variant.reach if variant.reach.unchanged() else variant.reach.again()
        numbers = [place.get() for place in now.varying_places()]
        same = now.content == captured.content and [*map(by_value, numbers)] == [
            *map(by_value, pullback.numbers[len(pullback.numbers) - len(numbers):])]
    except Unreadable:
        same = False
    if not same or variant.default is not dtypes.default_dtype():
        raise RuntimeError(_CANNOT.format("values that it reads have changed"))
    if not variant.gradients_are_as_they_were():
        raise RuntimeError(_CANNOT.format("gradients that it reads have changed"))


def _collect(value: Any, leaves: list[Any]) -> None:
    if isinstance(value, machine.TensorBase):
        leaves.append(value)
    elif isinstance(value, (tuple, list, collections.deque)):
        for part in value:
            _collect(part, leaves)
    elif isinstance(value, (dict, types.SimpleNamespace)) or is_record(type(value)):
        for part in (value if isinstance(value, dict) else vars(value)).values():
            _collect(part, leaves)
