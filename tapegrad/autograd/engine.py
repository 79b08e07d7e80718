"""Backward: mark, replay in reverse, settle the leaves.

The common case is one native call. Hooks, captured gradients and `create_graph` take the longer way below; the last
runs the same rules on tensors, so that they are recorded in their turn.
"""
from __future__ import annotations

import contextlib
import itertools
import re
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, errors
from tapegrad.autograd import anomaly, modes, recorded_adjoints
from tapegrad.autograd.arriving_gradients import accumulate_into, arrive, call_hooks, replaced
from tapegrad.autograd.nested_backward import nested
from tapegrad.autograd.recorded_adjoints import gradients_of, tensor_type
from tapegrad.machine import records as rec
from tapegrad.machine.instance import layouts, machine, planner
from tapegrad.machine.learning import capturing
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.planning import Layout, Plan
from tapegrad.machine.startup import Workspace, address_of
from tapegrad.tape import hooks, reading
from tapegrad.tape.hooks import tensor_hooks
from tapegrad.tape.reading import instruction_of, operands_of, plan_of

call, buffers, instructions = machine.call, machine.buffers, machine.instructions
_BITS = rec.POOL_HEADER


# ---------------------------------------------------------------- the way in


@nested
def backward(status: int, taken: int, tensor: Any, gradient: Any = None, retain_graph: bool | None = None,
             create_graph: bool = False, inputs: Any = None) -> None:
    """`Tensor.backward` from where native code left it: not begun, refused, stopped at a hook, or leaves to settle.

    `taken` is the address of the workspace native code took for it.
    """
    if status != rec.NOT_STARTED:
        with _Sweep(retain=False, workspace=machine.workspaces[taken]) as workspace, modes.no_grad():
            if status in (rec.STOPPED, rec.FAILED, rec.NO_MEMORY):
                _replay(workspace)
                _settle(workspace, call.settle(workspace.address))
            elif status == rec.DONE:
                _settle(workspace, int(workspace.record["bottom"][0]))
            else:
                _check_marked(workspace, status)
        if status != rec.UNBUILT:
            return
    if retain_graph is None:
        retain_graph = create_graph
    _run((tensor,), (gradient,), retain_graph, create_graph, inputs, accumulate=True)


_numbers = itertools.count(1)


class _UnderWay(threading.local):
    """The sweeps of this thread, innermost last."""

    def __init__(self) -> None:
        self.sweeps: list[Workspace] = []


_thread = _UnderWay()


def current_sweep() -> Workspace:
    """The sweep, of this thread, that the hook belongs to which asks."""
    return _thread.sweeps[-1]


class _Sweep:
    """Scratch for one sweep; nothing is freed if it fails.

    An interrupt may come at any time, also when `__exit__` begins: whoever drops the sweep then ends it.
    """

    workspace: Workspace | None = None

    def __init__(self, retain: bool, workspace: Workspace | None = None) -> None:
        self.retain, self.workspace = retain, workspace

    def __enter__(self) -> Workspace:
        if self.workspace is None:
            self.workspace = machine.workspace()
        self.workspace.number = next(_numbers)
        _thread.sweeps.append(self.workspace)
        return self.workspace

    def __exit__(self, error: object, *ignored: object) -> None:
        self._end(self.retain or error is not None)

    def __del__(self) -> None:
        self._end(retain=True)

    def _end(self, retain: bool) -> None:
        workspace = self.workspace
        if workspace is None:
            return
        call.finish(workspace.address, int(retain))
        if workspace in _thread.sweeps:
            _thread.sweeps.remove(workspace)
        callbacks, workspace.callbacks = workspace.callbacks, []
        workspace.pending.clear()
        workspace.captured.clear()
        workspace.narrowed = False
        self.workspace = None
        machine.give_back(workspace)
        if not retain:
            for custom in callbacks:
                custom.release()


machine.set_hook("continue_backward", backward)


def _run(roots: Sequence[Any], gradients: Sequence[Any], retain_graph: bool, create_graph: bool, inputs: Any,
         accumulate: bool, allow_unused: bool = False, partial: bool = False) -> list[Any] | None:
    """A backward from several roots; returns the gradients of `inputs` unless it accumulates them.

    `partial`: the inputs are as good as leaves. How one of them came about from another is nobody's business, nor are
    their hooks, which run when the gradient arrives there.
    """
    if inputs is not None and not isinstance(inputs, machine.TensorBase) and not len(inputs):
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    targets = None if inputs is None else list(inputs if isinstance(inputs, (tuple, list)) else (inputs,))
    for x in targets or ():
        if not isinstance(x, machine.TensorBase):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(x).__name__}")
    for x in (*roots, *(targets or ())):
        call.freshen(x)
    seeds = [_seed(i, root, g, create_graph) for i, (root, g) in enumerate(zip(roots, gradients))]
    if accumulate and not all(x.requires_grad for x in targets or ()):
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if accumulate and create_graph:
        warnings.warn(errors.CREATE_GRAPH, stacklevel=4)
    if accumulate:
        for x in targets or ():
            x.retain_grad()
    recording = call.is_recording(None)
    try:
        with _Sweep(retain_graph or create_graph) as workspace, modes.set_grad_enabled(create_graph):
            _mark(workspace, [r._buffer for r in roots], targets, accumulate, partial)
            if create_graph:
                found = _recorded(workspace, roots, seeds, accumulate, partial)
                results = _collect_recorded(workspace, found, targets, accumulate)
            else:
                for root, seed, given in zip(roots, seeds, gradients):
                    layout = _adjoint_layout(root._buffer)
                    if given is not None:  # from the next time on native code starts with it by itself
                        planner.teach_accumulate(layout)
                    elif not workspace.adjoints[root._buffer]:
                        workspace.adjoints[root._buffer] = call.unit_seed(workspace.arena_at, layout.dtype.id)
                        continue
                    _add_adjoint(workspace, root._buffer, root.new_ones(root.shape) if seed is None else seed)
                _replay(workspace, accumulate, partial)
                results = _collect(workspace, targets, accumulate)
    finally:
        call.set_recording(recording)  # whatever interrupt came where a `with` ended
    if accumulate:
        return None
    assert targets is not None and results is not None
    for i, found in enumerate(results):
        if found is None and not allow_unused:
            raise RuntimeError(errors.UNUSED_INPUT.format(i))
    return results


run = nested(_run)


def _seed(position: int, root: Any, gradient: Any, create_graph: bool) -> Any:
    """What a root's backward begins with; None for the number one, which native code writes itself."""
    if not root.requires_grad:
        raise RuntimeError(errors.NO_GRAD_FN.format(position))
    layout = dispatch.layout_of(root)
    if gradient is None:
        if layout.numel != 1:
            raise RuntimeError(errors.NON_SCALAR)
        return root.new_ones(layout.shape) if create_graph else None
    if not isinstance(gradient, machine.TensorBase):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if gradient.shape != layout.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of {gradient.shape} and output[{position}] has a "
            f"shape of {root.shape}."
        )
    if gradient.dtype is not layout.dtype:
        gradient = gradient.to(layout.dtype)
    return gradient if create_graph else gradient.detach()


# ---------------------------------------------------------------- marking


def _mark(workspace: Workspace, roots: Sequence[int], targets: Sequence[Any] | None, accumulate: bool = False,
          partial: bool = False, checked: bool = True) -> None:
    """List what a sweep visits, of the ways to the `targets` if these are given: what lies below is not looked at.

    The nodes of targets that accumulate run, hooks and all, though nothing comes of them.
    """
    ends = [row for x in targets or () for row in hooks.rows_of(x)]
    start, at = workspace.ask(roots, ends)
    if targets is None:
        while status := call.mark(workspace.address, start, len(roots), 1):
            _check_marked(workspace, status)
        return
    workspace.narrowed = True
    with machine.pinned():  # between the two, nothing moves
        (call.end_at if partial else call.stop_below)(workspace.address, at, len(ends))
        call.mark(workspace.address, start, len(roots), 0)
    call.narrow(workspace.address, at, len(ends))
    if accumulate:
        workspace.marks[[row for row in ends if instruction_of(row) is not None]] &= ~rec.CAPTURED & 0xFF
    while checked and (status := call.check(workspace.address)):
        _check_marked(workspace, status)


def visited(root: Any, inputs: Sequence[Any], checked: bool = True) -> list[int]:
    """The instructions that a partial backward from one root runs, latest first; or would run, if it were not refused.
    """
    with _Sweep(retain=True) as workspace, machine.pinned():
        _mark(workspace, [root._buffer], inputs, partial=True, checked=checked)
        reached = workspace.reached[:int(workspace.record["n_reached"][0])]
        found: list[int] = reached[workspace.marks[instructions["out"][reached]] & rec.NEEDED != 0].tolist()
        return found


def keeps(t: int) -> bool:
    """Whether an instruction keeps something for its backward."""
    plan = plan_of(t)
    if plan.op.kind == "callback":
        kept = hooks.find(int(instructions[t]["out"]))
        return kept is not None and bool(kept.callback._kept)
    needs = operands_of(t)[1]
    return any(kept for j, kept in enumerate(plan.keeps) if needs >> j & 1)


def _check_marked(workspace: Workspace, status: int) -> None:
    """Raise for what `mark` refuses; an adjoint that is not compiled yet is compiled instead."""
    with machine.pinned():
        _check_culprit(workspace, status)


def _check_culprit(workspace: Workspace, status: int) -> None:
    t = int(workspace.record["culprit"][0])
    if status == rec.UNBUILT:
        planner.build_adjoint(plan_of(t))
        return
    if status == rec.GONE:
        raise RuntimeError(errors.SECOND_BACKWARD)
    rows, _ = operands_of(t)
    position = int(workspace.record["position"][0])
    workspace.record["position"] = 0
    row = rows[position] if position < len(rows) else int(instructions[t]["out"])
    layout = layouts[int(buffers[row]["layout"])]
    producer = instruction_of(row)
    found = int(buffers[int(buffers[row]["owner"])]["version"])
    if buffers["flags"][row] & rec.WITHDRAWN:
        raise RuntimeError(errors.DETACHED if producer is not None else errors.OTHER_DATA.format(layout))
    culprit = int(instructions[t]["out"])
    if anomaly.enabled and not anomaly.is_blaming(culprit):
        anomaly.explain(culprit)
    raise RuntimeError((errors.MODIFIED_BELOW if anomaly.enabled else errors.MODIFIED).format(
        kind=errors.KINDS[layout.dtype.name], shape=list(layout.shape),
        output="" if producer is None else f", which is output 0 of {_forward_name(producer)},",
        found=found, expected=_expected_version(t, position),
    ))


def _forward_name(t: int) -> str:
    return re.sub("Backward[0-9]*$", "", plan_of(t).grad_name)


def _expected_version(t: int, position: int) -> int:
    code = instructions[t]
    if machine.plans[plan_of(t).index]["flags"] & rec.POOLED:
        entry = int(code["a"]) | int(code["b"]) << 32
        count = int(machine.pool[entry])
        return int(machine.pool[entry + 2 if position == count else entry + _BITS + count + position])
    return int(code[("va", "vb")[position]]) if position < len(operands_of(t)[0]) else 0


# ---------------------------------------------------------------- replay


def _adjoint_layout(row: int) -> Layout:
    return layouts.adjoint(layouts[int(buffers[row]["layout"])])


def _add_adjoint(workspace: Workspace, row: int, value: Any) -> None:
    """Add a tensor to the gradient gathered for a row."""
    layout = _adjoint_layout(row)
    block = int(workspace.adjoints[row])
    if block:
        workspace.adjoints[row] = 0  # whoever breaks this off loses the block, and does not free it twice
        have = call.adopt_block(layout.id, block)
        with modes.no_grad():
            have.add_(value)
        workspace.adjoints[row] = call.disown(have)
        return
    with modes.no_grad():
        fresh = call.empty(layout.id)
        fresh.copy_(value)
    workspace.adjoints[row] = call.disown(fresh)


def _take(workspace: Workspace, row: int) -> Any:
    """The gradient gathered for a row as a tensor that owns it, or None."""
    address = call.take_gradient(workspace.address, row)
    if not address and workspace.adjoints[row]:
        dispatch.out_of_memory(0)
    return _owned(address) if address else None


def _owned(address: int) -> Any:
    """The object at an address of which native code handed us the one reference."""
    return call.steal(address)


def _replay(workspace: Workspace, accumulate: bool = True, partial: bool = False) -> None:
    """Replay in reverse, attending to hooks and callbacks at each stop.

    A leaf with hooks gets its gradient as soon as that is complete, as in PyTorch.
    """
    due = {} if partial else _complete(workspace)
    end = int(workspace.record["n_reached"][0])
    for limit in sorted({*due, end}):
        workspace.record["limit"] = limit
        if anomaly.enabled:
            _replay_checked(workspace)
        else:
            _replay_on(workspace)
        for row in due.get(limit, ()):
            gradient = _take(workspace, row)
            if gradient is not None:
                workspace.record["watchful"] = 1
                _complete_leaf(workspace, row, gradient, accumulate)


def _complete_leaf(workspace: Workspace, row: int, gradient: Any, accumulate: bool) -> None:
    gradient = call_hooks(tensor_hooks(row), gradient)
    if accumulate:
        arrive(row, gradient)
    else:
        workspace.captured[row] = gradient


def _complete(workspace: Workspace) -> dict[int, list[int]]:
    """The leaves that Python waits for, by the number of instructions after which their gradients are complete."""
    if not workspace.record["watched"][0]:
        return {}
    pairs = np.zeros((int(workspace.record["n_leaves"][0]), 2), "u8")
    found: dict[int, list[int]] = {}
    for position, row in pairs[:call.last_uses(workspace.address, address_of(pairs))].tolist():
        found.setdefault(position, []).append(row)
    return found


def _replay_on(workspace: Workspace) -> None:
    """Replay up to the limit, attending to hooks and callbacks at each stop."""
    while True:
        status = call.replay_unlocked(workspace.address, 0)
        if status == rec.DONE:
            return
        if status in (rec.STALE, rec.GONE):
            _check_marked(workspace, status)
        position = int(workspace.record["position"][0])
        row, plan, *_ = _visited(workspace, position)
        if status == rec.NO_MEMORY:
            dispatch.out_of_memory(int(workspace.record["bottom"][0]))
        if status == rec.FAILED:
            dispatch.kernel_failed(plan.index, rec.RAISED if late_binding.failure else rec.REFUSED)
        _run_tensor_hooks(workspace, row)
        kept = hooks.find(row)
        if plan.op.kind == "callback" or (kept and (kept.prehooks or kept.posthooks)):
            _run_node(workspace, position)
            workspace.record["position"] = position + 1
        else:
            workspace.record["resumed"] = 1


def _replay_checked(workspace: Workspace) -> None:
    """The same, an instruction at a time on tensors, and a look at every gradient (`detect_anomaly`)."""
    start, limit = int(workspace.record["position"][0]), int(workspace.record["limit"][0])
    for position in range(start, limit):
        row = _visited(workspace, position)[0]
        if workspace.adjoints[row] and workspace.marks[row] & rec.NEEDED:
            with anomaly.blaming(row):
                _run_tensor_hooks(workspace, row)
                _run_node(workspace, position)
    workspace.record["position"] = limit


def _visited(workspace: Workspace, position: int) -> tuple[int, Plan, list[int], int, int]:
    """The result's row, plan, operand rows, needs and shift of an instruction that a sweep visits.

    Instructions move when the tape is compacted, which any other thread may do between two lines of Python; rows do
    not.
    """
    with machine.pinned():
        return reading.instruction(int(workspace.reached[position]))


def _run_node(workspace: Workspace, position: int) -> None:
    """One instruction on tensors instead of kernels, for what may be hooked there."""
    out, plan, rows, needs, shift = _visited(workspace, position)
    gradient = _take(workspace, out)
    if gradient is None:
        return
    if workspace.marks[out] & rec.CAPTURED:
        _add_adjoint(workspace, out, gradient)
        if not workspace.marks[out] & rec.BEYOND:
            return
    found = _through_node(workspace, plan, gradient, rows, out, needs, shift)
    for row, value in zip(rows, found):
        if value is not None and workspace.marks[row] & rec.NEEDED:
            _add_adjoint(workspace, row, value)


def _through_node(workspace: Workspace, plan: Plan, g: Any, rows: Sequence[int], out: int, needs: int, shift: int
                  ) -> Sequence[Any]:
    """The gradients of a node's operands, None where there is none, with the node's own hooks run before and after."""
    if plan.op.name == "_output":
        slots = workspace.pending.setdefault(rows[0], [None] * plan.attributes["count"])
        at = plan.attributes["index"]
        slots[at] = g if slots[at] is None else slots[at] + g
        return [call.empty(layouts[int(buffers[rows[0]]["layout"])].id).zero_()]  # word to the node that there is some
    kept = hooks.find(out)
    if kept and (kept.prehooks or kept.posthooks):
        capturing.refuse("a hook runs")
    outgoing = tuple(workspace.pending.pop(out, (g,)))
    for hook in list(kept.prehooks.values()) if kept else ():
        outgoing = replaced(hook, hook(outgoing), outgoing)
    with machine.pinned():
        status = call.check_again(workspace.address, int(buffers["producer"][out]) - 1)
    if status in (rec.STALE, rec.GONE):
        _check_marked(workspace, status)
    if plan.op.kind == "callback":
        assert kept is not None
        if kept.callback._capture is not capturing.mine():
            capturing.refuse("a custom function's backward runs that was recorded before")
        workspace.callbacks.append(kept.callback)
        kept.callback._wanted = -1 if not workspace.narrowed else sum(
            1 << j for j, row in enumerate(rows) if workspace.marks[row] & rec.NEEDED)
        found = kept.callback.gradients(outgoing)
    else:
        found = [None] * len(rows) if outgoing[0] is None else gradients_of(plan, outgoing[0], rows, out, needs, shift)
        found = [value if workspace.marks[row] & rec.NEEDED else None for row, value in zip(rows, found)]
    if anomaly.enabled and anomaly.check_nan:
        anomaly.check(plan.grad_name, found)
    if kept and kept.posthooks:
        shown = inputs_of_node(plan, rows, needs)
        incoming = tuple(found[j] for j in shown)
        for hook in list(kept.posthooks.values()):
            incoming = replaced(hook, hook(incoming, outgoing), incoming)
        found = [None] * len(rows)
        for j, value in zip(shown, incoming):
            found[j] = value
    return found


_BESIDE = ("factors", "condition", "*indices", "classes", "target", "share", "edges")


def inputs_of_node(plan: Plan, rows: Sequence[int], needs: int) -> list[int]:
    """The operands that a node has an edge for: in arithmetic PyTorch makes tensors of numbers, elsewhere not.

    Conditions and indices, and the factors of a matrix, are what PyTorch keeps beside them. `2 * b` is `b * 2`.
    """
    arithmetic = plan.op.name.rstrip("_") in ("add", "sub", "mul", "div") and plan.grad_name == plan.op.grad_name
    number = buffers["flags"]
    names = plan.op.operands
    shown = [j for j, row in enumerate(rows) if names[min(j, len(names) - 1)] not in _BESIDE and (
             needs >> j & 1 or arithmetic or not number[row] & (rec.WRAPPED | rec.IMMORTAL))]
    return shown[::-1] if arithmetic and number[rows[0]] & (rec.WRAPPED | rec.IMMORTAL) else shown


def _run_tensor_hooks(workspace: Workspace, row: int) -> None:
    found = tensor_hooks(row)
    if found:
        gradient = _take(workspace, row)
        if gradient is not None:
            if workspace.marks[row] & rec.CAPTURED and workspace.marks[row] & rec.BEYOND:
                workspace.captured[row] = gradient.clone()  # hooks are for what lies beyond, as in PyTorch
            gradient = call_hooks(found, gradient)
            workspace.adjoints[row] = 0
            _add_adjoint(workspace, row, gradient)
    if buffers[row]["flags"] & rec.RETAINS and workspace.adjoints[row]:
        tensor = hooks.live(row)
        if tensor is not None:
            gradient = _take(workspace, row)
            workspace.adjoints[row] = 0
            _add_adjoint(workspace, row, gradient)
            accumulate_into(tensor, gradient)


def _settle(workspace: Workspace, left: int) -> None:
    """The leaves that native code left to Python: hooks, and `.grad`s of other layouts."""
    for i in range(_taught(workspace, left)):
        row = int(workspace.leaves[i])
        gradient = _take(workspace, row)
        if gradient is None:
            continue
        arrive(row, call_hooks(tensor_hooks(row), gradient))


def _taught(workspace: Workspace, left: int) -> int:
    """How many are still left when native code can add gradients of their layouts, and has."""
    unknown = [layout for layout in (_adjoint_layout(int(row)) for row in workspace.leaves[:left])
               if not machine.layouts[layout.id]["accumulate"]]
    if unknown:
        for layout in unknown:
            planner.teach_accumulate(layout)
        count = int(workspace.record["n_leaves"][0])
        workspace.record["n_leaves"] = left  # of the others the gradients are where they belong
        left = call.settle(workspace.address)
        workspace.record["n_leaves"] = count
    return left


def _collect(workspace: Workspace, targets: list[Any] | None, accumulate: bool) -> list[Any] | None:
    if targets is None:
        _settle(workspace, call.settle(workspace.address))
        return None

    def gathered(row: int) -> Any:
        found = workspace.captured.get(row)
        return _take(workspace, row) if found is None else found

    return _of_targets(targets, accumulate, gathered)


def _of_targets(targets: list[Any], accumulate: bool, gathered: Callable[[int], Any]) -> list[Any] | None:
    """The gradients of the inputs that were asked for, or, to be accumulated, those of the leaves among them.

    Leaves with hooks have had theirs; where what is no leaf is to accumulate, it has retained its own.
    """
    taken: dict[int, Any] = {}
    for target in {id(t): t for t in targets}.values():
        leaf, total = target.is_leaf, None
        for row in hooks.rows_of(target):
            gradient = gathered(row)
            if gradient is None or (accumulate and not leaf):
                continue
            if accumulate:
                arrive(row, gradient)
            else:
                total = gradient if total is None else total + gradient
        taken[id(target)] = total
    return None if accumulate else [taken[id(t)] for t in targets]


# ---------------------------------------------------------------- create_graph


class _Cotangents(dict[int, Any]):
    """Gradients on their way through a recorded sweep, by row.

    Those that are `own` nobody else can see: parts are added to them in place. As a tensor for each part, full of
    zeros, the gradient of n rows of a matrix would take n matrices.
    """

    def __init__(self) -> None:
        self.own: set[int] = set()

    def gather(self, row: int, value: Any, fresh: bool) -> None:
        if row in self:
            self[row], fresh = self[row] + value, True
        else:
            self[row] = value
        if fresh:
            self.own.add(row)


def _recorded(workspace: Workspace, roots: Sequence[Any], seeds: Sequence[Any], accumulate: bool, partial: bool
              ) -> dict[int, Any]:
    """The sweep on tensors: every rule is run as ordinary operations, so that its result can be differentiated."""
    adjoints = _Cotangents()
    for root, seed in zip(roots, seeds):
        adjoints.gather(root._buffer, seed, False)
    with machine.pinned():  # all before the tape moves on
        steps = [reading.instruction(t) for t in workspace.reached[:int(workspace.record["n_reached"][0])].tolist()]
    pinned = [call.tensor_of(out, tensor_type()) for out, *_ in steps]
    due = {} if partial else _complete(workspace)

    def settle(position: int) -> None:
        for row in due.get(position, ()):
            if row in adjoints:
                _complete_leaf(workspace, row, adjoints.pop(row), accumulate)

    with modes.enable_grad():
        for position, (out, plan, rows, needs, shift) in enumerate(steps):
            settle(position)
            g, marks = adjoints.get(out), int(workspace.marks[out])
            if g is None or not marks & rec.NEEDED:
                continue
            if marks & rec.CAPTURED and marks & rec.BEYOND:
                workspace.captured[out] = g
            watched = tensor_hooks(out)
            with anomaly.blaming(out) if anomaly.enabled else contextlib.nullcontext():
                g = adjoints[out] = call_hooks(watched, g)
                retains = bool(buffers["flags"][out] & rec.RETAINS)
                if retains:
                    accumulate_into(call.tensor_of(out, tensor_type()), g)
                if marks & rec.CAPTURED and not marks & rec.BEYOND:
                    continue
                if not marks & rec.CAPTURED:
                    del adjoints[out]
                unseen = hooks.find(out) is None and not anomaly.enabled
                if unseen and recorded_adjoints.looks_at_part(plan) and rows[0] in adjoints.own:
                    if workspace.marks[rows[0]] & rec.NEEDED:
                        recorded_adjoints.add_part(plan, g, shift, adjoints[rows[0]])
                    continue
                if unseen and plan.op.kind == "rebase" and out in adjoints.own and not (
                        watched or retains or marks & rec.CAPTURED):
                    found: Sequence[Any] = recorded_adjoints.take_part(plan, g, shift)
                else:
                    found = _through_node(workspace, plan, g, rows, out, needs, shift)
            for j, (row, value) in enumerate(zip(rows, found)):
                if value is not None and needs >> j & 1 and workspace.marks[row] & rec.NEEDED:
                    adjoints.gather(row, value, unseen and plan.op.kind == "rebase" and j == 1)
        settle(len(steps))
    del pinned
    return adjoints


def _collect_recorded(workspace: Workspace, adjoints: dict[int, Any], targets: list[Any] | None, accumulate: bool
                      ) -> list[Any] | None:
    if targets is not None:
        return _of_targets(targets, accumulate, lambda row: workspace.captured.get(row, adjoints.get(row)))
    for row in workspace.leaves[:int(workspace.record["n_leaves"][0])].tolist():
        g = adjoints.get(row)
        if g is not None and hooks.live(row) is not None and buffers[row]["flags"] & rec.REQUIRES_GRAD:
            arrive(row, g)
    return None
