"""`CompiledFunctionBackward`: one call of a compiled function as one node of the graph."""
from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tapegrad import dtypes, errors
from tapegrad.autograd import engine, modes
from tapegrad.autograd.function import Function, FunctionCtx
from tapegrad.compiler import capture as cap
from tapegrad.compiler.gradient import without_hooks
from tapegrad.compiler.state import Reach, Unreadable
from tapegrad.compiler.structure import unflatten
from tapegrad.machine import records as rec
from tapegrad.machine import tracing
from tapegrad.machine.live import layouts, machine

if TYPE_CHECKING:
    from tapegrad.compiler.variant import Variant

call, buffers = machine.call, machine.buffers
_kept_bytes = machine.state["kept_bytes"]
_CANNOT = "the function would have to run once more to be differentiated again, but {}; call it uncompiled for that"


class CompiledFunction(Function):
    """A replayed call, recorded: its results are there, its backward is a program."""

    @staticmethod
    def forward(ctx: Any, pullback: Pullback, *inputs: Any) -> Any:
        ctx.pullback = pullback
        ctx.count(sum(t.nbytes for t in pullback.kept))
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*pullback.kept)
        roots, pullback.roots, pullback.kept = pullback.roots, (), ()
        return roots[0] if len(roots) == 1 else tuple(roots)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        if ctx.pullback is None or ctx.pullback.variant.captured.freed:
            raise RuntimeError(errors.SECOND_BACKWARD)
        return (None, *ctx.pullback.gradients(gradients, ctx.saved_tensors))


class CompiledFunctionBackward(FunctionCtx):
    """What a replayed call keeps for its backward."""

    _forward_cls = CompiledFunction
    pullback: Pullback | None
    _bytes = 0

    def count(self, nbytes: int) -> None:
        """Tell the machine, which reclaims dead history when enough is kept, of memory that it does not see."""
        _kept_bytes[0] = _kept_bytes.item(0) + nbytes - self._bytes
        self._bytes = nbytes

    def release(self) -> None:
        super().release()
        self.pullback = None
        self.count(0)

    def __del__(self) -> None:
        if self._bytes and not sys.is_finalizing():
            self.count(0)


CompiledFunction._backward_cls = CompiledFunctionBackward


class Pullback:
    """One replayed call, as its backward needs it."""

    def __init__(self, variant: Variant, function: Callable[..., Any], leaves: Sequence[Any], structure: Any,
                 arguments: Sequence[Any], fresh: Sequence[Any], roots: Sequence[Any], states: Sequence[Any]) -> None:
        self.variant, self.function, self.structure = variant, function, structure
        self.leaves = list(leaves)
        self.states = states
        self.roots = tuple(roots)
        self.watched = [*leaves, *variant.reach.tensors.values()]
        self.versions = [int(buffers[cap.owner_of(t)]["version"]) for t in self.watched]
        reads = variant.reads
        # As aliases: the memory stays the one the program read, whatever becomes of the tensor.
        kept = [_alias(arguments[i]) for i in reads.arguments] + [_alias(t) for t in reads.held]
        own = {cap.owner_of(r): r for r in roots}
        results = [fresh[i] for i in reads.results]
        kept += [own.get(cap.owner_of(r), r) for r in results]
        self.kept = (*kept, *fresh[len(variant.captured.result_blocks):])

    def gradients(self, gradients: Sequence[Any], kept: Sequence[Any]) -> Sequence[Any]:
        """The gradients of the inputs, None where there is none."""
        if tracing.active is not None:
            tracing.refuse("it goes back through the result of another compiled call")
        seeded = tuple([i for i, g in enumerate(gradients) if g is not None])
        if modes.is_grad_enabled() or seeded not in self.variant.backwards:
            return self.again([gradients[i] for i in seeded], seeded)
        return self._replayed([gradients[i] for i in seeded], seeded, kept)

    def _replayed(self, gradients: Sequence[Any], seeded: tuple[int, ...], kept: Sequence[Any]) -> Sequence[Any]:
        captured, reads = self.variant.captured, self.variant.reads
        backward = self.variant.backwards[seeded]
        starts = [0] * (backward.seeds_at + len(seeded))
        place = iter(kept)
        for i in reads.arguments:
            starts[i] = _storage(next(place))
        for _ in reads.held:
            next(place)
        for i in reads.results:
            starts[backward.results_at + i] = _storage(next(place))
        starts[backward.results_at - 1] = _storage(next(place))
        outputs = [captured.outputs[captured.roots[i]] for i in seeded]
        seeds = []
        for i, (gradient, output) in enumerate(zip(gradients, outputs)):
            layout = output.layout if output.kind == "part" else captured.fresh_layouts[output.which]
            wanted = layouts.adjoint(layouts.all[layout]).id
            if gradient._layout != wanted:
                whole = call.empty(wanted)
                whole.copy_(gradient)
                gradient = whole
            seeds.append(gradient)
            starts[backward.seeds_at + i] = cap.addresses.item(gradient._buffer)
        fresh = [call.empty(layout) for layout in backward.layouts]
        backward.program.locate(starts, [cap.addresses.item(f._buffer) for f in fresh])
        if backward.program.run() != rec.PASSED:
            raise RuntimeError("a kernel of a compiled backward failed")
        found = iter(fresh)
        return [None if block is None else next(found) for block in backward.blocks]

    def again(self, gradients: Sequence[Any], seeded: tuple[int, ...]) -> Sequence[Any]:
        """The gradients by running the function as it is written, so that they can have a history."""
        captured = self.variant.captured
        create_graph = modes.is_grad_enabled()
        self._check()
        streams = list({id(d.stream): d.stream for d in captured.draws}.values())
        now = [s.get_state() for s in streams]
        inputs = [self.leaves[i] if type(i) is int else i for i in captured.inputs]
        for stream, state in zip(streams, self.states):
            stream.set_state(state)
        try:
            with modes.enable_grad(), without_hooks(inputs):
                args, kwargs = (self.leaves, {}) if self.structure is None else unflatten(
                    self.structure, iter(self.leaves))
                leaves: list[Any] = []
                _collect(self.function(*args, **kwargs), leaves)
                several = list({id(t): t for t in leaves}.values())
                roots = [several[captured.roots[i]] for i in seeded]
                found = engine.run(roots, gradients, create_graph, create_graph, inputs, accumulate=False,
                                   allow_unused=True)
        finally:
            for stream, state in zip(streams, now):
                stream.set_state(state)
        assert found is not None
        return found

    def _check(self) -> None:
        captured = self.variant.captured
        if not captured.pure:
            raise RuntimeError(_CANNOT.format("it writes to memory that others see"))
        for tensor, version in zip(self.watched, self.versions):
            if int(buffers[cap.owner_of(tensor)]["version"]) != version:
                raise RuntimeError(_CANNOT.format("a tensor it reads was modified by an inplace operation"))
        try:
            same = Reach(self.function).content == captured.content
        except Unreadable:
            same = False
        if not same or self.variant.default is not dtypes.default_dtype():
            raise RuntimeError(_CANNOT.format("values that it reads have changed"))
        if captured.reads_grad and not self.variant.gradients_are_as_they_were():
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
