"""Backward: mark, replay in reverse, settle the leaves.

The common case is one native call. Hooks, captured gradients and `create_graph` take the longer way below; the last
runs the same rules on tensors, so that they are recorded in their turn.
"""
from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, errors
from tapegrad.autograd import anomaly, modes, rules
from tapegrad.autograd.rules import gradients_of, tensor_type
from tapegrad.machine import records as rec
from tapegrad.machine import structural, tracing
from tapegrad.machine.late import RAISED, failure
from tapegrad.machine.layouts import Layout
from tapegrad.machine.live import layouts, machine, planner
from tapegrad.machine.plan import Plan
from tapegrad.machine.runtime import Workspace, address_of
from tapegrad.tape import hooks, reading
from tapegrad.tape.hooks import Hook, tensor_hooks
from tapegrad.tape.reading import instruction_of, operands_of, plan_of, shift_of

call, buffers, instructions = machine.call, machine.buffers, machine.instructions
_BITS = rec.POOL_HEADER


# ---------------------------------------------------------------- the way in


def backward(status: int, taken: int, tensor: Any, gradient: Any = None, retain_graph: bool | None = None,
             create_graph: bool = False, inputs: Any = None) -> None:
    """`Tensor.backward` from where native code left it: not begun, refused, stopped at a hook, or leaves to settle.

    `taken` is the address of the workspace native code took for it.
    """
    if status != rec.NOT_STARTED:
        with _sweep(retain=False, workspace=machine.workspaces[taken]) as workspace, modes.no_grad():
            if status == rec.STOPPED:
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
    run((tensor,), (gradient,), retain_graph, create_graph, inputs, accumulate=True)


@contextlib.contextmanager
def _sweep(retain: bool, workspace: Workspace | None = None) -> Iterator[Workspace]:
    """Scratch for one sweep; the tape is not compacted while hooks run, and nothing is freed if it fails."""
    if workspace is None:  # else native code has pinned the tape
        workspace = machine.workspace()
        call.pin(1)
    failed = True
    try:
        yield workspace
        failed = False
    finally:
        call.pin(-1)
        call.finish(workspace.address, int(retain or failed))
        callbacks, workspace.callbacks = workspace.callbacks, []
        workspace.pending.clear()
        workspace.captured.clear()
        machine.give_back(workspace)
        if not retain and not failed:
            for custom in callbacks:
                custom.release()


machine.set_hook("continue_backward", backward)


def run(roots: Sequence[Any], gradients: Sequence[Any], retain_graph: bool, create_graph: bool, inputs: Any,
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
        warnings.warn(errors.CREATE_GRAPH, stacklevel=3)
    leaves = targets
    if accumulate and targets is not None:
        leaves = list({x._buffer: x for x in targets if x.is_leaf}.values())
        for x in targets:
            if not x.is_leaf:
                x.retain_grad()
    with _sweep(retain_graph or create_graph) as workspace, modes.set_grad_enabled(create_graph):
        _mark(workspace, [r._buffer for r in roots], None if targets is None else [t._buffer for t in targets], partial)
        if create_graph:
            found = _recorded(workspace, roots, seeds)
            results = _collect_recorded(workspace, found, leaves, accumulate, partial)
        else:
            for root, seed, given in zip(roots, seeds, gradients):
                layout = _adjoint_layout(root._buffer)
                if given is not None:  # from the next time on native code starts with it by itself
                    planner.teach_accumulate(layout)
                elif not workspace.adjoints[root._buffer]:
                    workspace.adjoints[root._buffer] = call.unit_seed(address_of(workspace.arena), layout.dtype.id)
                    continue
                _add_adjoint(workspace, root._buffer, root.new_ones(root.shape) if seed is None else seed)
            _replay(workspace)
            results = _collect(workspace, leaves, accumulate, partial)
    if accumulate:
        return None
    assert targets is not None and results is not None
    for i, found in enumerate(results):
        if found is None and not allow_unused:
            raise RuntimeError(errors.UNUSED_INPUT.format(i))
    return results


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


def _mark(workspace: Workspace, roots: Sequence[int], inputs: Sequence[int] | None,
          partial: bool = False) -> None:
    """List what a sweep visits, of the ways to the `inputs` if these are given: what lies below is not looked at."""
    rows = np.array(roots, "u4")
    if inputs is None:
        while status := call.mark(workspace.address, address_of(rows), len(rows), 1):
            _check_marked(workspace, status)
        return
    ends = np.array(inputs, "u4")
    at, count = address_of(ends), len(ends)
    (call.end_at if partial else call.stop_below)(workspace.address, at, count)
    call.mark(workspace.address, address_of(rows), len(rows), 0)
    call.narrow(workspace.address, at, count)
    while status := call.check(workspace.address):
        _check_marked(workspace, status)


def keeping(root: Any, inputs: Sequence[Any]) -> list[int]:
    """The instructions that keep something for a partial backward from one root."""
    with _sweep(retain=True) as workspace:
        _mark(workspace, [root._buffer], [t._buffer for t in inputs], partial=True)
        reached = workspace.reached[:int(workspace.record["n_reached"][0])]
        run = reached[workspace.marks[instructions["out"][reached]] & rec.NEEDED != 0]
        return [t for t in run.tolist() if _keeps(t)]


def _keeps(t: int) -> bool:
    plan = plan_of(t)
    if plan.op.kind == "callback":
        kept = hooks.find(int(instructions[t]["out"]))
        return kept is not None and bool(kept.callback._kept)
    needs = operands_of(t)[1]
    return any(kept for j, kept in enumerate(plan.keeps) if needs >> j & 1)


def _check_marked(workspace: Workspace, status: int) -> None:
    """Raise for what `mark` refuses; an adjoint that is not compiled yet is compiled instead."""
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
    raise RuntimeError(errors.MODIFIED.format(
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
        have = call.adopt_block(layout.id, block)
        with modes.no_grad():
            have.add_(value)
        call.disown(have)
        return
    with modes.no_grad():
        fresh = call.empty(layout.id)
        fresh.copy_(value)
    workspace.adjoints[row] = call.disown(fresh)


def _take(workspace: Workspace, row: int) -> Any:
    """The gradient gathered for a row as a tensor that owns it, or None."""
    address = call.take_gradient(workspace.address, row)
    return _owned(address) if address else None


def _owned(address: int) -> Any:
    """The object at an address of which native code handed us the one reference."""
    return call.steal(address)


def _replay(workspace: Workspace) -> None:
    """Replay in reverse, attending to hooks and callbacks at each stop."""
    if anomaly.enabled:
        return _replay_checked(workspace)
    while True:
        status = call.replay_unlocked(workspace.address, 0)
        if status == rec.DONE:
            return
        position = int(workspace.record["position"][0])
        t = int(workspace.reached[position])
        row, plan = int(instructions[t]["out"]), plan_of(t)
        if status == rec.FAILED:
            dispatch.kernel_failed(plan.index, RAISED if failure else structural.REFUSED)
        _run_tensor_hooks(workspace, row)
        kept = hooks.find(row)
        if plan.op.kind == "callback" or (kept and (kept.prehooks or kept.posthooks)):
            _run_node(workspace, t)
            workspace.record["position"] = position + 1
        else:
            workspace.record["resumed"] = 1


def _replay_checked(workspace: Workspace) -> None:
    """The same, an instruction at a time on tensors, and a look at every gradient (`detect_anomaly`)."""
    for t in map(int, workspace.reached[:int(workspace.record["n_reached"][0])]):
        row = int(instructions[t]["out"])
        if workspace.adjoints[row] and workspace.marks[row] & rec.NEEDED:
            _run_tensor_hooks(workspace, row)
            _run_node(workspace, t)


def _run_node(workspace: Workspace, t: int) -> None:
    """One instruction on tensors instead of kernels, for what may be hooked there."""
    rows, needs = operands_of(t)
    out = int(instructions[t]["out"])
    gradient = _take(workspace, out)
    if gradient is None:
        return
    if workspace.marks[out] & rec.CAPTURED:
        _add_adjoint(workspace, out, gradient)
        if not workspace.marks[out] & rec.BEYOND:
            return
    for row, value in zip(rows, _through_node(workspace, plan_of(t), gradient, rows, out, needs, shift_of(t))):
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
        tracing.refuse("a hook runs")
    outgoing = tuple(workspace.pending.pop(out, (g,)))
    for hook in list(kept.prehooks.values()) if kept else ():
        outgoing = _replaced(hook, hook(outgoing), outgoing)
    if plan.op.kind == "callback":
        assert kept is not None
        if kept.callback._capture is not tracing.mine():
            tracing.refuse("a custom function's backward runs that was recorded before")
        workspace.callbacks.append(kept.callback)
        found = kept.callback.gradients(outgoing)
    else:
        found = [None] * len(rows) if outgoing[0] is None else gradients_of(plan, outgoing[0], rows, out, needs, shift)
    if anomaly.enabled and anomaly.check_nan:
        anomaly.check(plan.grad_name, found)
    if kept and kept.posthooks:
        shown = inputs_of_node(plan, rows, needs)
        incoming = tuple(found[j] for j in shown)
        for hook in list(kept.posthooks.values()):
            incoming = _replaced(hook, hook(incoming, outgoing), incoming)
        found = [None] * len(rows)
        for j, value in zip(shown, incoming):
            found[j] = value
    return found


def inputs_of_node(plan: Plan, rows: Sequence[int], needs: int) -> list[int]:
    """The operands that a node has an edge for: in arithmetic PyTorch makes tensors of numbers, elsewhere not.

    The factors of a matrix are what PyTorch keeps beside it.
    """
    arithmetic = plan.op.name.rstrip("_") in ("add", "sub", "mul", "div") and plan.grad_name == plan.op.grad_name
    number = buffers["flags"]
    rows = rows[:-1] if plan.op.operands[-1:] == ("factors",) else rows
    return [j for j, row in enumerate(rows)
            if needs >> j & 1 or arithmetic or not number[row] & (rec.WRAPPED | rec.IMMORTAL)]


def _replaced(hook: Hook, result: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a node's hook returned, or what it was given if that is None."""
    if result is None:
        return given
    if not isinstance(result, tuple):
        if len(given) != 1 or not isinstance(result, machine.TensorBase):
            raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
        result = (result,)
    if len(result) != len(given):
        raise RuntimeError(f"hook '{getattr(hook, '__name__', repr(hook))}' has returned an incorrect number of values "
                           f"(got {len(result)}, but expected {len(given)})")
    return result


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
        tensor = _live(row)
        if tensor is not None:
            gradient = _take(workspace, row)
            workspace.adjoints[row] = 0
            _add_adjoint(workspace, row, gradient)
            _accumulate(tensor, gradient)


def call_hooks(found: Sequence[Hook], gradient: Any) -> Any:
    if found:
        tracing.refuse("a hook runs")
    for hook in found:
        replaced = hook(gradient)
        if replaced is not None:
            if not isinstance(replaced, machine.TensorBase):
                raise TypeError(f"expected Variable, but hook returned '{type(replaced).__name__}'")
            if replaced.shape != gradient.shape:
                raise RuntimeError("hook '" + getattr(hook, "__name__", repr(hook)) + "' has changed the size of value")
            gradient = replaced
    return gradient


def _live(row: int) -> Any:
    """The live tensor of a row, or None."""
    return call.tensor_of(row, tensor_type()) if buffers[row]["tensor"] else None


def _accumulate(tensor: Any, gradient: Any) -> None:
    """`.grad += gradient`, in place unless that would be recorded."""
    have = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    if have is None:
        call.put_grad(tensor, gradient)
    elif modes.is_grad_enabled() and (gradient.requires_grad or have.requires_grad):
        call.put_grad(tensor, have + gradient)
    else:
        with modes.no_grad():
            have.add_(gradient)


def _settle(workspace: Workspace, left: int) -> None:
    """The leaves that native code left to Python: hooks, and `.grad`s of other layouts."""
    for i in range(_taught(workspace, left)):
        row = int(workspace.leaves[i])
        gradient = _take(workspace, row)
        if gradient is None:
            continue
        _arrive(row, call_hooks(tensor_hooks(row), gradient))


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


def _arrive(row: int, gradient: Any) -> None:
    """A gradient at the end of the graph: the accumulator's hooks, and `.grad` between them."""
    kept, tensor = hooks.find(row), _live(row)
    if kept and (kept.prehooks or kept.posthooks):
        tracing.refuse("a hook runs")
    outgoing = (gradient,)
    for hook in list(kept.prehooks.values()) if kept else ():
        outgoing = _replaced(hook, hook(outgoing), outgoing)
    if tensor is not None and outgoing[0] is not None:
        _accumulate(tensor, outgoing[0])
        run_post_accumulate(tensor)
    for hook in list(kept.posthooks.values()) if kept else ():
        hook((), outgoing)


def run_post_accumulate(tensor: Any) -> None:
    found = vars(tensor).get(hooks.POST_ACCUMULATE)
    if found:
        tracing.refuse("a hook runs")
        for hook in list(found.values()):
            hook(tensor)


def _collect(workspace: Workspace, targets: list[Any] | None, accumulate: bool, partial: bool) -> list[Any] | None:
    if targets is None:
        _settle(workspace, call.settle(workspace.address))
        return None
    taken: dict[int, Any] = {}
    for target in targets:
        row = target._buffer
        if row not in taken:
            gradient = workspace.captured.get(row)
            if gradient is None:
                gradient = _take(workspace, row)
            if gradient is not None and target.is_leaf and not partial:
                gradient = call_hooks(tensor_hooks(row), gradient)
            taken[row] = gradient
    if accumulate:
        for target in {id(t): t for t in targets}.values():
            if taken[target._buffer] is not None:
                _accumulate(target, taken[target._buffer])
                run_post_accumulate(target)
        return None
    return [taken[t._buffer] for t in targets]


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


def _recorded(workspace: Workspace, roots: Sequence[Any], seeds: Sequence[Any]) -> dict[int, Any]:
    """The sweep on tensors: every rule is run as ordinary operations, so that its result can be differentiated."""
    adjoints = _Cotangents()
    for root, seed in zip(roots, seeds):
        adjoints.gather(root._buffer, seed, False)
    reached = [int(t) for t in workspace.reached[:int(workspace.record["n_reached"][0])]]
    steps = [reading.instruction(t) for t in reached]  # before the tape moves on
    pinned = [call.tensor_of(out, tensor_type()) for out, *_ in steps]
    with modes.enable_grad():
        for out, plan, rows, needs, shift in steps:
            g, marks = adjoints.get(out), int(workspace.marks[out])
            if g is None or not marks & rec.NEEDED:
                continue
            if marks & rec.CAPTURED and marks & rec.BEYOND:
                workspace.captured[out] = g
            watched = tensor_hooks(out)
            g = adjoints[out] = call_hooks(watched, g)
            retains = bool(buffers["flags"][out] & rec.RETAINS)
            if retains:
                _accumulate(call.tensor_of(out, tensor_type()), g)
            if marks & rec.CAPTURED and not marks & rec.BEYOND:
                continue
            if not marks & rec.CAPTURED:
                del adjoints[out]
            unseen = hooks.find(out) is None and not anomaly.enabled
            if unseen and rules.looks_at_part(plan) and rows[0] in adjoints.own:
                if workspace.marks[rows[0]] & rec.NEEDED:
                    rules.add_part(plan, g, shift, adjoints[rows[0]])
                continue
            if unseen and plan.op.kind == "rebase" and out in adjoints.own and not (
                    watched or retains or marks & rec.CAPTURED):
                found: Sequence[Any] = rules.take_part(plan, g, shift)
            else:
                found = _through_node(workspace, plan, g, rows, out, needs, shift)
            for j, (row, value) in enumerate(zip(rows, found)):
                if value is not None and needs >> j & 1 and workspace.marks[row] & rec.NEEDED:
                    adjoints.gather(row, value, unseen and plan.op.kind == "rebase" and j == 1)
    del pinned
    return adjoints


def _collect_recorded(workspace: Workspace, adjoints: dict[int, Any], targets: list[Any] | None, accumulate: bool,
                      partial: bool) -> list[Any] | None:
    if targets is not None and not accumulate:
        found = []
        for target in targets:
            g = workspace.captured.get(target._buffer, adjoints.get(target._buffer))
            if g is not None and target.is_leaf and not partial:
                g = call_hooks(tensor_hooks(target._buffer), g)
            found.append(g)
        return found
    leaves = [int(r) for r in workspace.leaves[:int(workspace.record["n_leaves"][0])]] if targets is None else [
        t._buffer for t in targets]
    for row in dict.fromkeys(leaves):
        g = adjoints.get(row)
        tensor = _live(row)
        if g is not None and tensor is not None and buffers[row]["flags"] & rec.REQUIRES_GRAD:
            _arrive(row, call_hooks(tensor_hooks(row), g))
    return None
