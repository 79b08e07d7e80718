"""`CompiledFunctionBackward`: one call of a compiled function as a node of the graph, or as several.

The nodes of a call are the segments of its graph (`captured_backward.py`). Native code records them, and runs their
backwards where one whole sweep goes through (`machine.native.compiled_node`). For whatever else is asked, a node is met
as an object of Python's, made then, which goes by the same record.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from tapegrad import dispatch, dtypes, errors
from tapegrad.autograd import modes
from tapegrad.autograd.function import Function, FunctionCtx
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.backward_program import Backward, Reads
from tapegrad.compiler.captured_backward import Segment
from tapegrad.compiler.captured_call import Result
from tapegrad.dispatch import layout_of
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, instructions, layouts, machine, planner
from tapegrad.machine.planning import Layout, Plan
from tapegrad.machine.startup import address_of
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import hooks

_CHANGED = ("the backward of a custom function would read something else than it did when it was compiled: values that "
            "it names were changed between the call of a compiled function and its backward")
_versions = buffers["version"]


class Replayed(Protocol):
    """What a node needs of the captured behaviour that was replayed (`variant.py`)."""

    function: Callable[..., Any]
    structure: Any
    default: Any
    captured: Any
    reach: Any
    reads: Reads
    segments: list[Segment]
    owners_reached: Any
    arguments: int
    given: int
    saves: bool
    layouts: list[int]
    backwards: list[Backward]

    def on_unfolded(self) -> None: ...
    def bare(self, number: int, wanted: int) -> Backward | None: ...

    def gradients_are_as_they_were(self) -> bool: ...


class CompiledFunction(Function):
    """A replayed call as an operation. It is recorded without `apply`, whose checks have nothing to find here."""


class CompiledFunctionBackward(FunctionCtx):
    """One node of a replayed call: the segment of that `number`, or one that is `gone`."""

    _forward_cls = CompiledFunction
    _recorder: Recorder
    _number: int
    _segment: Segment
    _last = 0  # the inputs that the sweep under way asks for, as bits
    _done: frozenset[int] = frozenset()  # of those sweeps that let go of what they used

    def gradients(self, outgoing: Sequence[Any]) -> list[Any]:
        if dispatch.lanes is not None and dispatch.lanes.has(*outgoing):
            return list(dispatch.lanes.each(self.gradients, outgoing))
        self._last = self._asked(self._wanted)
        if self._segment.refuses(self._last, self._done):
            raise RuntimeError(errors.SECOND_BACKWARD)
        if all(g is None for g in outgoing):
            return [None] * len(self._segment.inputs)
        later = self._recorder.later
        if later and later.have_changed():
            raise RuntimeError(_CHANGED)
        pullback = self._pullback
        if pullback is not None:
            return list(pullback.gradients(self._number, outgoing, self._row, self._last))
        backward = self._recorder.variant.bare(self._number, self._last)
        if not backward or modes.is_grad_enabled():
            raise RuntimeError(errors.SECOND_BACKWARD)
        some = iter(backward.launch([0] * backward.seeds_at, outgoing))
        return [next(some) if self._last >> k & 1 else None for k in range(len(self._segment.inputs))]

    def _asked(self, wanted: int) -> int:
        return wanted & (1 << len(self._segment.inputs)) - 1

    @property
    def _pullback(self) -> Pullback | None:
        """What the call kept; None where it is freed."""
        found = self._is_mine() and call.node_content(self._row)
        return Pullback(self._recorder, *found) if found and found[1] is not None else None

    def _is_mine(self) -> bool:
        """Whether the row is still the node's, and not another's by now."""
        found = hooks.find(self._row)
        return found is not None and found.callback is self

    def is_gone(self, wanted: int) -> bool:
        """Whether a backward to these operands is a second one."""
        return self._segment.refuses(self._asked(wanted), self._done)

    def release(self) -> None:
        """Free what no backward may ask for any more: as without compiler, that is decided operation by operation."""
        self._done |= {self._last}
        with machine.pinned():
            if self._segment.keeping and self._is_mine():  # the next sweep asks `is_gone` before it begins
                instructions["plan"][int(buffers["producer"][self._row]) - 1] |= rec.RELEASED
            if self._segment.is_used_up(self._done):
                super().release()
                if self._is_mine():
                    call.let_go_node(self._row)


def _met(recorder: Recorder, row: int, number: int) -> Any:
    """A node that only native code knew, as an object of Python's: what is attached to its row."""
    segment = recorder.segments[number]
    ctx = CompiledFunctionBackward()
    ctx._recorder, ctx._number, ctx._segment, ctx._row = recorder, number, segment, row
    ctx._capture, ctx.materialize_grads = None, False  # a call is recorded by nobody's capture
    ctx.needs_input_grad = (True,) * len(segment.inputs)
    ctx._inputs = [recorder.lies[v] for v in segment.inputs]
    ctx._outputs = ctx._tensors = [recorder.lies[v] for v in segment.outputs]
    kept = hooks.Attached()
    kept.callback = ctx
    content = call.node_content(row)
    if content is not None and content[1] is None and not segment.gone:  # one whole sweep went through
        ctx._done = frozenset({(1 << len(segment.inputs)) - 1})
    return call.attach_node(row, kept)


machine.set_hook("meet_node", _met)


def _plan(operands: Sequence[Any], out: Any) -> Plan:
    given = (("name", CompiledFunction.__name__), *_lies(out))
    return planner.plan(REGISTRY["_function"], tuple(operands), given)


def _lies(layout: Any) -> tuple[tuple[str, Any], ...]:
    return ("dtype", layout.dtype), ("shape", layout.shape), ("strides", layout.strides)


class Recorder:
    """How calls of one variant are recorded: a NODES record, and all it refers to.

    It holds what nodes that are on the tape need, whatever becomes of the variant: another program may take the place
    of its own.
    """

    def __init__(self, variant: Replayed, leaves: Sequence[Any], values: Sequence[Any]) -> None:
        captured = variant.captured
        self.variant = variant
        self.segments: list[Segment] = list(captured.traced.segments)
        self.later: Any = captured.traced.later  # what custom functions read in their backwards, which Python compares
        self.backwards: list[Backward] = variant.backwards
        self.reads: Reads = variant.reads
        self.lies: list[Layout] = [*map(layout_of, values), *captured.traced.hidden]
        self.n_values: int = len(self.lies)
        self.n_leaves: int = len(leaves)
        # of each argument: its class, whether it requires grad, and whether it is a leaf
        self.kinds: list[tuple[type, bool, bool]] = [(type(t), t.requires_grad, t.is_leaf) for t in leaves]
        # Some have gradients, that a second run may look at.
        self.holds_leaves: bool = variant.given != len(leaves)
        self.plans: list[Plan] = []
        self._keep: list[Any] = []
        living = len(variant.segments)
        n_arguments = variant.arguments if living else 0
        saved = variant.layouts[-1] if variant.saves else 0
        self.kept: list[tuple[str, int]] = [
            *(("argument", i) for i in range(n_arguments)), *(("held", i) for i in range(len(self.reads.held))),
            *(("result", i) for i in self.reads.results), *([("saved", 0)] if saved else [])]
        numbers = {key: i for i, key in enumerate(self.kept)}
        place = captured.recorded.index
        inputs = [(rec.FROM_ARGUMENT, x) if type(x) is int else (rec.FROM_RESULT, place(x.which)) if type(x) is Result
                  else (rec.FROM_REACHED, id(x)) for x in captured.inputs]
        segments: Any = np.zeros(len(self.segments), rec.SEGMENT)
        going = iter(self.backwards)
        for record, segment in zip(segments, self.segments):
            self._describe(record, segment, None if segment.gone else next(going), numbers)
        nodes: Any = np.zeros(1, rec.NODES)
        self._record = nodes
        nodes["owner"], nodes["segments"], nodes["n_segments"] = id(self), address_of(segments), len(segments)
        self._keep.append(segments)
        held = [id(t) for t in self.reads.held] if living else []
        for field, values_of, dtype in (
                ("inputs", inputs, "u8"), ("roots", [*map(place, captured.roots)], "u4"),
                ("hidden", [layout.id for layout in captured.traced.hidden], "u4"), ("held", held, "u8"),
                ("results", self.reads.results, "u4"), ("reached", variant.owners_reached if living else [], "u4")):
            nodes[field], nodes[f"n_{field}"] = self._words(values_of, dtype), len(values_of)
        self._keep.append((variant.reads, captured, self.lies))  # the objects that are named by address
        nodes["n_arguments"], nodes["saved"], nodes["living"] = n_arguments, saved, living
        nodes["n_instructions"] = sum(1 + len(s.outputs) for s in self.segments)
        nodes["widest"] = max(1, *(len(s.inputs) for s in self.segments))
        nodes["n_pool"] = sum(2 * (len(s.inputs) + 3) + 5 * len(s.outputs) for s in self.segments)
        self.address: int = address_of(nodes)

    def _words(self, values: Any, dtype: str) -> int:
        array = np.array(values, dtype).reshape(-1)
        self._keep.append(array)
        return address_of(array)

    def _describe(self, record: Any, segment: Segment, backward: Backward | None, numbers: dict[Any, int]) -> None:
        """Write one SEGMENT."""
        inputs, outputs = ([self.lies[v] for v in values] for values in (segment.inputs, segment.outputs))
        node = layouts.intern(dtypes.default_dtype(), ())
        single = len(outputs) == 1
        plans = [_plan(inputs, outputs[0] if single else node)]
        if not single:
            plans += [planner.plan(REGISTRY["_output"], (node,), (
                ("name", CompiledFunction.__name__), ("index", i), ("count", len(outputs)), *_lies(o)))
                for i, o in enumerate(outputs)]
        self.plans += plans
        record["plan"], record["node"], record["n_outputs"] = plans[0].index, 0 if single else node.id, len(outputs)
        record["inputs"], record["n_inputs"] = self._words(segment.inputs, "u4"), len(inputs)
        record["outputs"] = self._words(segment.outputs, "u4")
        record["output_plans"] = self._words([plan.index for plan in plans[1:]], "u4")
        if backward is None:
            record["flags"] = rec.IS_GONE
            return
        whole = {(1 << len(inputs)) - 1}
        record["flags"] |= rec.IS_ONCE if segment.is_used_up(whole) else 0
        adjoints = [*map(layouts.adjoint, inputs)]
        if (self.later or not single or list(segment.layouts) != adjoints or 0 in segment.keeping
                or list(segment.seed_layouts) != [layouts.adjoint(outputs[0])] or len(self.segments) > rec.NUMBER_MASK):
            return
        for layout in adjoints:
            planner.teach_accumulate(layout)
        cells = [(cell, self._kept_at(number, backward, numbers), offset)
                 for cell, number, offset in backward.program.argument_cells]
        first = [backward.found.index(found) for found in backward.found]
        blocks = [(cell, backward.found.index(number), offset) for cell, number, offset in backward.program.fresh_cells]
        record["flags"] |= rec.IS_NATIVE
        record["program"] = backward.program.address
        for field, rows, dtype in (("cells", cells, "u8"), ("blocks", blocks, "u8"), ("reads", backward.reads, "u4")):
            record[field], record[f"n_{field}"] = self._words(rows, dtype), len(rows)
        record["reads"] = self._words([numbers[self._read_key(i)] for i in backward.reads], "u4")
        record["sizes"], record["same"] = self._words([a.nbytes for a in adjoints], "u8"), self._words(first, "u4")

    def _read_key(self, i: int) -> tuple[str, int]:
        """Which of what is kept a number of `Reads` is."""
        reads = self.reads
        if i < len(reads.arguments):
            return "argument", reads.arguments[i]
        i -= len(reads.arguments)
        return ("held", i) if i < len(reads.held) else ("result", reads.results[i - len(reads.held)])

    def _kept_at(self, number: int, backward: Backward, numbers: dict[Any, int]) -> int:
        """Where an argument of a backward's program lies, as a number of what is kept."""
        if number >= backward.seeds_at:
            return rec.SEED
        if number >= backward.results_at:
            return numbers["result", number - backward.results_at]
        if number == backward.results_at - 1:
            return numbers["saved", 0]
        return numbers["argument", number] | (rec.LOOSE if number in self.variant.captured.placed else 0)

    def record(self, leaves: Sequence[Any], arguments: Sequence[Any], outputs: Sequence[Any], fresh: Sequence[Any],
               states: Sequence[Any], numbers: Sequence[Any]) -> None:
        """Give results of a call their history."""
        results = [outputs[i] for i in self.variant.captured.recorded]
        extra = self.extra(states, numbers, leaves)
        call.record_call(self.address, tuple(arguments), tuple(results), tuple(fresh), extra)

    def extra(self, states: Sequence[Any], numbers: Sequence[Any], leaves: Sequence[Any]) -> Any:
        """What a call's history is to hold of Python's, beside the record: what a second run of the function takes."""
        if self.holds_leaves:
            return states, numbers, leaves
        return (states, numbers, ()) if states or numbers else None


class Input(NamedTuple):
    """An argument with a history, as a node holds it: its memory, and which of the graph's inputs it is, if any.

    The tensor itself would be alive as long as the node, and its history with it: of a chain of calls whose last result
    is dropped, each reclaiming would find one.
    """

    memory: Any
    number: int | None
    kind: type
    is_leaf: bool


class Pullback:
    """One replayed call, as its backward needs it in Python: read off the record for one sweep."""

    def __init__(self, recorder: Recorder, words: bytes, kept: Sequence[Any], extra: Any) -> None:
        self.recorder = recorder
        self.variant: Replayed = recorder.variant
        found = np.frombuffer(words, "u4")
        n, k = recorder.n_values, len(kept)
        self.rows: list[int] = found[:n].tolist()  # of the graph's values
        versions = found[n + k:n + 2 * k].tolist()
        self.versions: tuple[list[int], Any] = (versions[:recorder.n_leaves], found[n + 2 * k:])
        self.kept: dict[tuple[str, int], tuple[Any, int]] = dict(zip(recorder.kept, zip(kept, versions)))
        held: Sequence[Any]
        self.states: Sequence[Any]
        self.numbers: Sequence[Any]
        self.states, self.numbers, held = extra or ((), (), ())
        numbers, same_as = self.variant.captured.numbers_of_inputs, self.variant.captured.same_as
        self.memories: Sequence[Any] = kept[:recorder.n_leaves]
        self.leaves: list[Any] = []  # one object for each that was one
        for i, (tensor, (kind, requires_grad, is_leaf)) in enumerate(zip(self.memories, recorder.kinds)):
            same = same_as[i]
            if type(same) is not int:
                self.leaves.append(same)
            elif same < i:
                self.leaves.append(self.leaves[same])
            elif held and is_leaf:
                self.leaves.append(held[i])
            else:
                self.leaves.append(Input(tensor, numbers.get(i), kind, is_leaf) if requires_grad
                                   else _alias(tensor, kind))

    def gradients(self, number: int, gradients: Sequence[Any], row: int, wanted: int) -> Sequence[Any]:
        """The gradients of a segment's inputs from those of its outputs, None for zero; `row` is the node's.

        Others than the `wanted` ones (bits) may be missing.
        """
        if modes.is_grad_enabled():
            from tapegrad.compiler import unfolding

            return unfolding.gradients(self, number, gradients, row, wanted)
        recorder = self.recorder
        backward = recorder.backwards[number]  # those that are gone come last
        for i in backward.reads:
            key = recorder._read_key(i)
            tensor, version = self.kept[key]
            if _versions.item(cap.owner_of(tensor)) != version:
                raise RuntimeError(errors.MODIFIED.format(
                    kind=errors.KINDS[tensor.dtype.name], shape=list(tensor.shape), found=tensor._version,
                    output=f", which is output 0 of {CompiledFunction.__name__}," if key[0] == "result" else "",
                    expected=version))
        starts = [0] * backward.seeds_at
        placed = self.variant.captured.placed
        for (kind, i), (tensor, _) in self.kept.items():
            if kind == "argument":
                starts[i] = cap.addresses.item(tensor._buffer) if i in placed else _storage(tensor)
            elif kind != "held":
                starts[backward.results_at + (i if kind == "result" else -1)] = _storage(tensor)
        return backward.launch(starts, gradients)


def _alias(tensor: Any, kind: type) -> Any:
    if type(tensor) is kind:
        return tensor
    return call.adopt(tensor._layout, cap.addresses.item(tensor._buffer), cap.owner_of(tensor), kind)


def _storage(tensor: Any) -> int:
    return cap.addresses.item(cap.owner_of(tensor))
