"""Backward: mark, replay in reverse, settle the leaves.

The common case is one native call. Hooks, captured gradients and `create_graph` take a longer way, of which here are
beginning and end: between them are `marking`, and `reverse_replay` or `recorded_replay`.
"""
from __future__ import annotations

import itertools
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, errors
from tapegrad.autograd import anomaly, modes, recorded_adjoints
from tapegrad.autograd.arriving_gradients import accumulate_into, call_hooks, late_hooks, of_targets
from tapegrad.autograd.edges import GradientEdge, arrived_at
from tapegrad.autograd.marking import check_marked, mark
from tapegrad.autograd.nested_backward import nested
from tapegrad.autograd.recorded_replay import ADD, collect_recorded, replay_recorded
from tapegrad.autograd.reverse_replay import add_adjoint, adjoint_layout, replay, settle, take
from tapegrad.machine import records as rec
from tapegrad.machine.learning import following
from tapegrad.machine.live import buffers, call, instructions, layouts, machine, planner
from tapegrad.machine.planning import Layout
from tapegrad.machine.runtime import Workspace
from tapegrad.tape import hooks
from tapegrad.tape.hooks import is_cut_off, tensor_hooks


@nested
def backward(status: int, taken: int, tensor: Any, gradient: Any = None, retain_graph: bool | None = None,
             create_graph: bool = False, inputs: Any = None) -> None:
    """`Tensor.backward` from where native code left it: not begun, refused, stopped at a hook, or leaves to settle.

    `taken` is the address of the workspace native code took for it.
    """
    if status != rec.NOT_STARTED:
        with _Sweep(retain=False, workspace=machine.workspaces[taken]) as workspace, modes.no_grad():
            if status in (rec.STOPPED, rec.FAILED, rec.NO_MEMORY):
                replay(workspace)
                settle(workspace, call.settle(workspace.address))
                _call_queued(workspace)
            elif status == rec.DONE:
                settle(workspace, int(workspace.record["bottom"][0]))
            else:
                check_marked(workspace, status)
        if status not in (rec.UNBUILT, rec.GONE):
            return
    if retain_graph is None:
        retain_graph = create_graph
    gradients = (gradient,) if gradient is None else cotangents(gradient, 1)
    _run((tensor,), gradients, retain_graph, create_graph, inputs, accumulate=True)


def several(x: Any) -> tuple[Any, ...]:
    """A tensor or an edge, or several, as the tensors there."""
    return tuple(map(arrived_at, (x,) if isinstance(x, (machine.TensorBase, GradientEdge)) else x))


def roots(outputs: Any) -> tuple[Any, ...]:
    """What a backward begins at."""
    found = several(outputs)
    if not all(isinstance(y, machine.TensorBase) for y in found):
        raise AssertionError("Expected output to be a torch.Tensor")
    return found


def cotangents(given: Any, count: int) -> tuple[Any, ...]:
    """The gradients of so many roots as they were given, None for those that were not."""
    found = (None,) * count if given is None else several(given)
    if len(found) != count:
        raise RuntimeError(f"got {count} tensors and {len(found)} gradients")
    return found


_numbers = itertools.count(1)


class _UnderWay(threading.local):
    """The sweeps of this thread, innermost last."""

    def __init__(self) -> None:
        self.sweeps: list[Workspace] = []


_thread = _UnderWay()


def current_sweep() -> Workspace:
    """The sweep, of this thread, that the hook belongs to which asks."""
    return _thread.sweeps[-1]


def sweep_number() -> int | None:
    """The number of the sweep that is under way in this thread, or None."""
    return _thread.sweeps[-1].number if _thread.sweeps else None


# Hooks on what is saved that are entered, or left, while a sweep runs are as before at its end (`saved_tensors`).
entered: Callable[[], tuple[Any, ...]] = tuple
enter_again: Callable[[tuple[Any, ...], bool], None] = lambda before, late: None


class _Sweep:
    """Scratch for one sweep; nothing is freed if it fails.

    An interrupt may come at any time, also when `__exit__` begins: whoever drops the sweep then ends it.
    """

    workspace: Workspace | None = None
    before: tuple[Any, ...] = ()

    def __init__(self, retain: bool, workspace: Workspace | None = None) -> None:
        self.retain, self.workspace = retain, workspace

    def __enter__(self) -> Workspace:
        if self.workspace is None:
            self.workspace = machine.workspace()
        self.workspace.number = next(_numbers)
        _thread.sweeps.append(self.workspace)
        self.before = entered()
        return self.workspace

    def __exit__(self, error: object, *ignored: object) -> None:
        self._end(self.retain or error is not None, False)

    def __del__(self) -> None:
        self._end(retain=True, late=True)

    def _end(self, retain: bool, late: bool) -> None:
        workspace = self.workspace
        if workspace is None:
            return
        call.finish(workspace.address, int(retain))
        enter_again(self.before, late)
        if workspace in _thread.sweeps:
            _thread.sweeps.remove(workspace)
        callbacks, workspace.callbacks = workspace.callbacks, []
        workspace.arrived.clear()
        workspace.left.clear()
        workspace.ending.clear()
        workspace.queued.clear()
        workspace.captured.clear()
        workspace.narrowed = False
        self.workspace = None
        machine.give_back(workspace)
        if not retain:
            for custom in callbacks:
                custom.release()


def _call_queued(workspace: Workspace) -> None:
    """What hooks and functions of this sweep wanted to be called at its end; that may queue more."""
    for callback in workspace.queued:
        callback()


machine.set_hook("continue_backward", backward)


def _run(roots: Sequence[Any], gradients: Sequence[Any], retain_graph: bool, create_graph: bool, inputs: Any,
         accumulate: bool, allow_unused: bool = False, partial: bool = False, since: tuple[int, int] = (0, 0)
         ) -> list[Any] | None:
    """A backward from several roots; returns the gradients of `inputs` unless it accumulates them.

    `partial`: the inputs are as good as leaves. How one of them came about from another is nobody's business, nor are
    their hooks, which run when the gradient arrives there. `since`: when there were no inputs yet (`marking.now`).
    """
    if inputs is not None and not isinstance(inputs, machine.TensorBase) and not len(inputs):
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    alone = not isinstance(inputs, (tuple, list)) or isinstance(inputs, GradientEdge)
    given = () if inputs is None else (inputs,) if alone else inputs
    targets = None if inputs is None else [arrived_at(x) for x in given]
    for x in targets or ():
        if not isinstance(x, machine.TensorBase):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(x).__name__}")
    if dispatch.lanes is not None:
        swept = dispatch.lanes.swept(_run, roots, gradients, retain_graph, create_graph, targets, accumulate,
                                     allow_unused, partial)
        if swept is not None:
            return swept
    for x in (*roots, *(targets or ())):
        call.freshen(x)
    carries = not accumulate and not create_graph and (
        (dispatch.tangents is not None and dispatch.tangents.carries())
        or (dispatch.lanes is not None and dispatch.lanes.has(*gradients)))
    seeds = [_seed(i, root, g, create_graph or carries) for i, (root, g) in enumerate(zip(roots, gradients))]
    if not all(x.requires_grad for x in targets or ()):
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False" if accumulate else
                           "One of the differentiated Tensors does not require grad")
    if accumulate and create_graph:
        warnings.warn(errors.CREATE_GRAPH, stacklevel=4)
    if accumulate:
        for x, asked in zip(targets or (), given):
            if x is asked:  # a tensor, and no edge of the graph
                x.retain_grad()
    recording = call.is_recording_wanted(None)
    try:
        with _Sweep(retain_graph or create_graph) as workspace, modes.set_grad_enabled(bool(create_graph)):
            mark(workspace, [r._buffer for r in roots], targets, accumulate, partial, since=since)
            if targets and len(roots) == 1 and not workspace.marks[roots[0]._buffer] & rec.NEEDED:
                _meet(roots[0], seeds[0])
            if create_graph or carries:  # what is recorded has its tangents, too
                found = replay_recorded(workspace, roots, seeds, accumulate, partial, create_graph or (
                    dispatch.tangents is not None and dispatch.tangents.carries()))
                results = collect_recorded(workspace, found, targets, accumulate, partial)
            else:
                for root, seed, given in zip(roots, seeds, gradients):
                    layout = adjoint_layout(root._buffer)
                    if given is not None:  # from the next time on native code starts with it by itself
                        planner.teach_accumulate(layout)
                    elif not workspace.adjoints[root._buffer]:
                        workspace.adjoints[root._buffer] = call.unit_seed(workspace.arena_at, layout.dtype.id)
                        continue
                    add_adjoint(workspace, root._buffer, root.new_ones(root.shape) if seed is None else seed)
                replay(workspace, accumulate, partial)
                results = _collect(workspace, targets, accumulate, partial)
            _call_queued(workspace)
    finally:
        call.set_recording(recording)  # whatever interrupt came where a `with` ended
    if accumulate:
        return None
    assert targets is not None and results is not None
    if carries:
        results = list(without_history(results))
    _check_used(results, allow_unused)
    return results


def _check_used(results: Sequence[Any], allow_unused: bool) -> None:
    """RuntimeError if there is no gradient of an input, unless that is allowed."""
    if not allow_unused and any(found is None for found in results):
        raise RuntimeError(errors.UNUSED_INPUT.format(next(i for i, found in enumerate(results) if found is None)))


def is_native() -> bool:
    """Whether native code may go from the first step of a sweep to its last, if nothing is hooked."""
    return dispatch.lanes is None and dispatch.tangents is None and following.active is None and not (
        anomaly.enabled or hooks.leaves_gone_on())


def run(roots: Sequence[Any], gradients: Sequence[Any], retain_graph: bool, create_graph: bool, inputs: Any,
        accumulate: bool, allow_unused: bool = False, partial: bool = False, since: tuple[int, int] = (0, 0)
        ) -> list[Any] | None:
    """`_run`, but natively from end to end where Python has nothing to decide."""
    if not accumulate and not partial and inputs and is_native():
        workspace: Workspace | None = machine.workspace()
        assert workspace is not None
        retain = True
        try:
            found = call.gradients(workspace.address, recorded_adjoints.rule if create_graph else None, ADD, *since,
                                   len(roots), *roots, *gradients, *inputs)
            if type(found) is int:
                taken, workspace = workspace, None
                found = _resumed(taken, retain_graph, create_graph, inputs)
            elif found is not None:
                retain = retain_graph or create_graph
        finally:
            if workspace is not None:
                call.finish(workspace.address, int(retain))
                machine.give_back(workspace)
        if found is not None:
            _check_used(found, allow_unused)
            return [*found]
    return _with_python(roots, gradients, retain_graph, create_graph, inputs, accumulate, allow_unused, partial, since)


@nested
def _resumed(workspace: Workspace, retain_graph: bool, create_graph: bool, inputs: Sequence[Any]) -> Sequence[Any]:
    """The gradients of some inputs, from where native code stopped."""
    with _Sweep(retain_graph or create_graph, workspace), modes.set_grad_enabled(bool(create_graph)):
        workspace.narrowed = True
        if create_graph:
            rest = replay_recorded(workspace, (), (), accumulate=False, partial=False)
            found = collect_recorded(workspace, rest, [*inputs], accumulate=False, partial=False)
        else:
            replay(workspace, accumulate=False)
            found = _collect(workspace, [*inputs], accumulate=False, partial=False)
        _call_queued(workspace)
    assert found is not None
    return found


_with_python = nested(_run)


def without_history(found: Sequence[Any]) -> Sequence[Any]:
    """Gradients that were recorded only for their tangents, or for rules to be run on tensors."""
    if dispatch.tangents is not None and dispatch.tangents.carries():
        made: Sequence[Any] = dispatch.tangents.without_history(found)
        return made
    return [None if g is None else g.detach() for g in found]


def _meet(root: Any, seed: Any) -> None:
    """The hooks of a root from which nothing goes on, and its own gradient if it retains that."""
    met, retains = tensor_hooks(root._buffer), bool(buffers["flags"][root._buffer] & rec.RETAINS)
    if met or retains:
        seed = call_hooks(met, root.new_ones(root.shape) if seed is None else seed)
        if retains:
            accumulate_into(root, seed)


def _one(layout: Layout) -> Any:
    """The number one as a tensor of a layout of one element."""
    block = call.unit_seed(int(machine.state["arena"][0]), layout.dtype.id)
    return call.adopt_block(layouts.adjoint(layout).id, block)


def _seed(position: int, root: Any, gradient: Any, create_graph: bool) -> Any:
    """What a root's backward begins with; None for the number one, which native code writes itself."""
    layout = dispatch.layout_of(root)
    if gradient is not None and not isinstance(gradient, machine.TensorBase):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if gradient is not None and gradient.shape != layout.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {gradient.shape} and output[{position}] has a "
            f"shape of {root.shape}."
        )
    if not root.requires_grad or is_cut_off(root._buffer):
        raise RuntimeError(errors.NO_GRAD_FN.format(position))
    if gradient is None:
        if layout.numel != 1:
            raise RuntimeError(errors.NON_SCALAR)
        return _one(layout) if create_graph else None
    gradient = dispatch.strided(gradient)
    if gradient.dtype is not layout.dtype:
        gradient = gradient.to(layout.dtype)
    return gradient if create_graph else gradient.detach()


def visited(root: Any, inputs: Sequence[Any], checked: bool = True) -> list[int]:
    """The instructions that a partial backward from one root runs, latest first; or would run, if it were not refused.
    """
    with _Sweep(retain=True) as workspace, machine.pinned():
        mark(workspace, [root._buffer], inputs, partial=True, checked=checked)
        reached = workspace.reached[:int(workspace.record["n_reached"][0])]
        found: list[int] = reached[workspace.marks[instructions["out"][reached]] & rec.NEEDED != 0].tolist()
        return found


def described(root: Any, source: Any, checked: bool) -> tuple[bytes, np.ndarray[Any, Any]] | None:
    """What `visited` gives for one input, written down by native code: bytes that are equal for runs of one program, as
    long as its plans are there; and an array of all its rows' flags together, then the rows of operands and result of
    each step (`machine.native.marking.describe`). None for long programs, and where nothing leads there.
    """
    words = np.empty((2, _ROOM), "u8")
    start = words.ctypes.data
    with _Sweep(retain=True) as workspace, machine.pinned():
        mark(workspace, [root._buffer], [source], partial=True, checked=checked)
        length = call.describe(workspace.address, source._buffer, start, start + words.strides[0], _ROOM)
    return (words[0, :length].tobytes(), words[1]) if length else None


_ROOM = 1 << 12


class ExecutionEngine:
    """What PyTorch's extensions reach as `Variable._execution_engine`."""

    @staticmethod
    def queue_callback(callback: Callable[[], Any]) -> None:
        """Call a function without arguments when the backward under way is done, after those queued before."""
        if not _thread.sweeps:
            raise RuntimeError("Final callbacks can only be installed during backward pass.")
        _thread.sweeps[-1].queued.append(callback)


def check_kept(t: int) -> None:
    """Refuse what instruction t kept where it was written to since, or is gone."""
    with _Sweep(retain=True) as workspace:
        while (status := call.check_again(workspace.address, t)) in (rec.STALE, rec.GONE, rec.UNBUILT):
            check_marked(workspace, status)


def _collect(workspace: Workspace, targets: list[Any] | None, accumulate: bool, partial: bool) -> list[Any] | None:
    if targets is None:
        settle(workspace, call.settle(workspace.address))
        return None

    def gathered(row: int) -> Any:
        found = workspace.captured.get(row)
        return late_hooks(row, take(workspace, row), partial) if found is None else found

    return of_targets(targets, accumulate, gathered)
