"""`CompiledFunctionBackward`: one call of a compiled function as one node of the graph."""
from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tapegrad import dtypes, errors
from tapegrad.autograd import engine, modes
from tapegrad.autograd.function import Function, FunctionCtx
from tapegrad.compiler import capture as cap
from tapegrad.compiler.gradient import Traced, Way, bits
from tapegrad.compiler.state import Unreadable
from tapegrad.compiler.structure import unflatten
from tapegrad.machine import records as rec
from tapegrad.machine.instance import layouts, machine, planner
from tapegrad.ops.spec import REGISTRY
from tapegrad.tape import hooks
from tapegrad.tape.reading import instruction_of, operands_of

if TYPE_CHECKING:
    from tapegrad.compiler.variant import Variant

call, buffers = machine.call, machine.buffers
_CANNOT = "the function would have to run once more to be differentiated again, but {}; call it uncompiled for that"


class CompiledFunction(Function):
    """A replayed call as an operation. It is recorded without `apply`, whose checks have nothing to find here."""


class CompiledFunctionBackward(FunctionCtx):
    """What a replayed call keeps for its backward."""

    _forward_cls = CompiledFunction
    _traced: Traced
    _pullback: Pullback | None = None
    _bytes = 0
    _last = Way(0, 0)  # of the sweep under way
    _done: frozenset[Way] = frozenset()  # of those that let go of what they used

    def gradients(self, outgoing: Sequence[Any]) -> list[Any]:
        seeded = tuple([i for i, g in enumerate(outgoing) if g is not None])
        self._last = Way(bits(seeded), self._wanted)
        if self._pullback is None or self._traced.refuses(self._last, self._done):
            raise RuntimeError(errors.SECOND_BACKWARD)
        return list(self._pullback.gradients([outgoing[i] for i in seeded], seeded))

    def keep(self, pullback: Pullback | None) -> None:
        """Hold what backward needs; the machine, which reclaims dead history when enough is kept, is told how much."""
        nbytes = pullback.nbytes if pullback else 0
        if nbytes != self._bytes:
            call.count_kept(nbytes - self._bytes)
        self._pullback, self._bytes = pullback, nbytes

    def release(self) -> None:
        """Free what no backward may ask for any more: as without compiler, that is decided operation by operation."""
        whole = self._wanted == -1 and len(self._outputs) == 1  # the common case: all there is was used
        if not whole:
            self._done |= {self._last}
        if self._traced.keeping if whole else self._traced.is_used_up(self._done):
            super().release()
            self.keep(None)

    def __del__(self) -> None:
        if self._bytes and sys is not None and not sys.is_finalizing():  # the module may be gone by then
            self.keep(None)


class Recorder:
    """How calls of one variant are recorded: everything about the node that is the same each time."""

    def __init__(self, inputs: Sequence[Any], roots: Sequence[Any]) -> None:
        self.inputs: list[Any] = [layouts.all[t._layout] for t in inputs]
        self.outputs: list[Any] = [layouts.all[t._layout] for t in roots]
        self.needs_input_grad = (True,) * len(inputs)
        self.needs = (1 << len(inputs)) - 1
        self.single = len(roots) == 1
        node = self.outputs[0] if self.single else layouts.intern(dtypes.default_dtype(), ())
        self.node = node.id
        name = CompiledFunction.__name__
        self.plan = planner.plan(REGISTRY["_function"], tuple(self.inputs), (("name", name), *_lies(node))).index
        self.output_plans = [] if self.single else [
            planner.plan(REGISTRY["_output"], (node,), (("name", name), ("index", i), ("count", len(roots)), *_lies(o))
                         ).index for i, o in enumerate(self.outputs)]

    def record(self, traced: Traced, pullback: Pullback | None, inputs: Sequence[Any], roots: Sequence[Any]) -> None:
        """Make these tensors the results of one new node."""
        ctx = CompiledFunctionBackward()
        ctx._traced = traced
        ctx.materialize_grads = False
        ctx.needs_input_grad, ctx._inputs, ctx._outputs, ctx._tensors = (
            self.needs_input_grad, self.inputs, self.outputs, self.outputs)
        ctx.keep(pullback)
        with machine.pinned():
            row = roots[0]._buffer if self.single else call.fresh_row(self.node, 0, 0)
            call.record_plan(self.plan, row, self.needs, *inputs)
            ctx._row = row
            if pullback is not None:
                pullback.row = row
            hooks.attached(row).callback = ctx
            for plan, root in zip(self.output_plans, roots):
                call.record_plan(plan, root._buffer, 1, row)


def _lies(layout: Any) -> tuple[tuple[str, Any], ...]:
    return ("dtype", layout.dtype), ("shape", layout.shape), ("strides", layout.strides)


class Input(NamedTuple):
    """An argument with a history, as a node holds it: its memory, and where among the node's operands its row is.

    The tensor itself would be alive as long as the node, and its history with it: of a chain of calls whose last result
    is dropped, each reclaiming would find one.
    """

    memory: Any
    position: int
    kind: type


class Pullback:
    """One replayed call, as its backward needs it."""

    row = 0  # of the node

    def __init__(self, variant: Variant, leaves: Sequence[Any], arguments: Sequence[Any], fresh: Sequence[Any],
                 roots: Sequence[Any], states: Sequence[Any]) -> None:
        self.variant, self.states = variant, states
        numbers = variant.captured.numbers_of_inputs
        self.leaves = [t if i not in numbers or t.is_leaf else Input(_alias(t), numbers[i], type(t))
                       for i, t in enumerate(leaves)]
        versions = buffers["version"]
        self.versions = [versions.item(cap.owner_of(t)) for t in (*leaves, *variant.reach.tensors.values())]
        reads = variant.reads
        # As aliases: the memory stays what the program read, whatever becomes of the tensor, and the tensor can die.
        kept = [_alias(arguments[i]) for i in reads.arguments] + [_alias(t) for t in reads.held]
        kept += [_alias(fresh[i]) for i in reads.results]
        self.kept = [(t, versions.item(cap.owner_of(t))) for t in kept]
        self.saved = fresh[-1]
        self.nbytes: int = self.saved.nbytes

    def gradients(self, gradients: Sequence[Any], seeded: tuple[int, ...]) -> Sequence[Any]:
        """The gradients of the inputs, None where there is none, from those of the `seeded` results."""
        if modes.is_grad_enabled() or seeded not in self.variant.backwards:
            return self.again(gradients, seeded)
        first_result = len(self.kept) - len(self.variant.reads.results)
        for i in self.variant.backwards[seeded].reads:
            tensor, version = self.kept[i]
            if buffers["version"].item(cap.owner_of(tensor)) != version:
                raise RuntimeError(errors.MODIFIED.format(
                    kind=errors.KINDS[tensor.dtype.name], shape=list(tensor.shape), found=tensor._version,
                    output=f", which is output 0 of {CompiledFunction.__name__}," if i >= first_result else "",
                    expected=version))
        return self._replayed(gradients, seeded)

    def _replayed(self, gradients: Sequence[Any], seeded: tuple[int, ...]) -> Sequence[Any]:
        reads = self.variant.reads
        backward = self.variant.backwards[seeded]
        starts = [0] * (backward.seeds_at + len(seeded))
        kept = iter(self.kept)
        for i in reads.arguments:
            starts[i] = _storage(next(kept)[0])
        for _ in reads.held:
            next(kept)
        for i in reads.results:
            starts[backward.results_at + i] = _storage(next(kept)[0])
        starts[backward.results_at - 1] = _storage(self.saved)
        seeds = []
        for i, (gradient, wanted) in enumerate(zip(gradients, backward.seed_layouts)):
            if gradient._layout != wanted:
                whole = call.empty(wanted)
                whole.copy_(gradient)
                gradient = whole
            seeds.append(gradient)
            starts[backward.seeds_at + i] = cap.addresses.item(gradient._buffer)
        fresh = [call.empty(layout) for layout in backward.layouts]
        if backward.program.launch(starts, [cap.addresses.item(f._buffer) for f in fresh]) != rec.PASSED:
            raise RuntimeError("a kernel of a compiled backward failed")
        found = iter(fresh)
        return [None if block is None else next(found) for block in backward.blocks]

    def again(self, gradients: Sequence[Any], seeded: tuple[int, ...]) -> Sequence[Any]:
        """The gradients by running the function as it is written, so that they can have a history."""
        captured = self.variant.captured
        create_graph = modes.is_grad_enabled()
        self._check()
        streams = list({id(d.stream): d.stream for d in captured.draws}.values())
        now = [s.mark() for s in streams]
        given = self._arguments()
        inputs = [given[i] if type(i) is int else i for i in captured.inputs]
        for stream, state in zip(streams, self.states):
            stream.back_to(state)
        try:
            with modes.enable_grad():
                args, kwargs = (given, {}) if self.variant.structure is None else unflatten(
                    self.variant.structure, iter(given))
                leaves: list[Any] = []
                _collect(self.variant.function(*args, **kwargs), leaves)
                several = list({id(t): t for t in leaves}.values())
                roots = [several[captured.roots[i]] for i in seeded]
                found = engine.run(roots, gradients, create_graph, create_graph, inputs, accumulate=False,
                                   allow_unused=True, partial=True)
        finally:
            for stream, state in zip(streams, now):
                stream.back_to(state)
        assert found is not None
        return found

    def _arguments(self) -> list[Any]:
        """The call's tensors, with the histories they had."""
        with machine.pinned():
            t = instruction_of(self.row)
            assert t is not None
            rows, _ = operands_of(t)
        return [call.tensor_of(rows[x.position], x.kind) if type(x) is Input else x for x in self.leaves]

    def _check(self) -> None:
        captured = self.variant.captured
        if not captured.pure:
            raise RuntimeError(_CANNOT.format("it writes to memory that others see"))
        leaves = [x.memory if type(x) is Input else x for x in self.leaves]
        for tensor, version in zip((*leaves, *self.variant.reach.tensors.values()), self.versions):
            if int(buffers[cap.owner_of(tensor)]["version"]) != version:
                raise RuntimeError(_CANNOT.format("a tensor it reads was modified by an inplace operation"))
        try:
            same = self.variant.reach.again().content == captured.content
        except Unreadable:
            same = False
        if not same or self.variant.default is not dtypes.default_dtype():
            raise RuntimeError(_CANNOT.format("values that it reads have changed"))
        if not self.variant.gradients_are_as_they_were():
            raise RuntimeError(_CANNOT.format("gradients that it reads have changed"))


def _alias(tensor: Any) -> Any:
    row = buffers[tensor._buffer]
    return call.adopt(tensor._layout, int(row["address"]), int(row["owner"]), machine.tensor_type)


def _storage(tensor: Any) -> int:
    return cap.addresses.item(cap.owner_of(tensor))


def _collect(value: Any, leaves: list[Any]) -> None:
    if isinstance(value, machine.TensorBase):
        leaves.append(value)
    elif isinstance(value, (tuple, list)):
        for part in value:
            _collect(part, leaves)
    elif isinstance(value, dict):
        for part in value.values():
            _collect(part, leaves)
