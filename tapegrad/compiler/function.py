"""`compile`: what a call of a compiled function does.

Every call first looks for a program whose conditions hold. Where there is none the function runs as it is written, and
is captured while it does. Two captures in a row that did the same become a program; a function that cannot be captured,
or never does the same twice, goes on running as written, with one warning that says why.
"""
from __future__ import annotations

import functools
import gc
import os
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from tapegrad import dtypes
from tapegrad.autograd import modes
from tapegrad.compiler import capture as cap
from tapegrad.compiler.blocks import arrange
from tapegrad.compiler.program import Program
from tapegrad.compiler.state import Reach, Unreadable
from tapegrad.machine import records as rec
from tapegrad.machine import tracing
from tapegrad.machine.live import layouts, machine
from tapegrad.tensor import Tensor

call, buffers = machine.call, machine.buffers
_SIMPLE = (bool, int, float, str, bytes, type(None), type(...), dtypes.dtype)
MAX_VARIANTS = 16
MAX_FAILURES = 8
MAX_KEYS = 64
AT_ONCE = 64  # programs of more steps get their superinstructions in the background
_ROW = buffers.dtype.itemsize
_BUFFERS = int(machine.state["buffers"][0])
_GRAD_WORD, _ROW_WORD = rec.TENSOR.fields["grad"][1], rec.TENSOR.fields["buffer"][1]  # type: ignore[index]
_FLAGS_WORD = rec.BUFFER.fields["producer"][1]  # type: ignore[index]
_run, _is_recording = call.run_compiled, call.is_recording
_CELL_CONTENTS = 16  # ob_ref of a cell object
_FLAGS = rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS


def _flatten(value: Any, leaves: list[Any]) -> Any:
    """The structure of nested tuples, lists and dicts, its tensors collected; Refused for what else there is."""
    if isinstance(value, Tensor):
        leaves.append(value)
        return Tensor
    if isinstance(value, (tuple, list)):
        fields = getattr(value, "_fields", None)
        return (type(value), fields, tuple(_flatten(v, leaves) for v in value))
    if isinstance(value, dict):
        return (dict, tuple(value), tuple(_flatten(v, leaves) for v in value.values()))
    if type(value) in _SIMPLE:
        return (type(value), repr(value) if type(value) is float else value, value)  # NaN is itself, -0.0 is not 0.0
    raise cap.Refused(f"a {type(value).__name__} is passed or returned")


def _unflatten(structure: Any, leaves: Any) -> Any:
    if structure is Tensor:
        return next(leaves)
    kind, *rest = structure
    if kind is dict:
        return {k: _unflatten(s, leaves) for k, s in zip(*rest)}
    if isinstance(kind, type) and issubclass(kind, (tuple, list)):
        fields, parts = rest
        items = [_unflatten(s, leaves) for s in parts]
        return kind(*items) if fields else kind(items)
    return rest[1]


def _kind(tensor: Any) -> tuple[Any, ...]:
    """What programs are chosen by, of a tensor that is passed."""
    row, layout = tensor._buffer, tensor._layout
    owner = cap.owner_of(tensor)
    plain = tensor.is_leaf and not tensor.requires_grad and tensor.grad is None
    if owner == row:
        return layout, plain
    offset = cap.addresses.item(row) - cap.addresses.item(owner)
    return layout, plain, int(buffers["layout"][owner]), offset


class Variant:
    """One captured behaviour: what must hold for it, and the program that repeats it."""

    def __init__(self, reach: Reach, captured: Captured) -> None:
        self.reach, self.captured = reach, captured
        start = time.perf_counter()
        # Conditions name objects by address, so they are held; what `reach` holds changes with `refresh`.
        self.held = [*reach.tensors.values(), *(t.grad for t in reach.tensors.values() if t.is_leaf)]
        self.held += [g.before for g in captured.gradients]
        conditions = self._conditions()
        self.program = self._program(captured.steps, captured.blocks, conditions)
        self.seconds = time.perf_counter() - start
        # Containers and objects may change while they stay the same object: then only a look at all of it will do.
        self.by_content = any(not isinstance(v, (Tensor, *_SIMPLE)) for v in reach.roots)
        self.silent = not (captured.fresh_layouts or captured.gradients)  # nothing to hand out or to attach
        self.runs = 0
        self.steps: Any = captured.steps
        self._builder = threading.Thread(target=self._fuse, daemon=True)
        self._builder.start()
        if len(captured.steps) <= AT_ONCE:
            self.wait()

    def wait(self) -> None:
        """Return when the superinstructions are in place."""
        self._builder.join()

    def _program(self, steps: Any, blocks: Any, conditions: Any) -> Program:
        captured = self.captured
        return Program(steps, blocks, captured.result_blocks, captured.undo, conditions, captured.versions)

    def _fuse(self) -> None:
        """Build the superinstructions; the interpreter replays the plain steps until they are there."""
        start = time.perf_counter()
        steps, blocks = arrange(self.captured.steps, self.captured.blocks, set(self.captured.result_blocks))
        self.steps = steps
        self.program = self._program(steps, blocks, self.program.conditions)  # the same array: `refresh` writes to it
        self.seconds += time.perf_counter() - start

    def _conditions(self) -> list[tuple[int, int, int]]:
        """Words of memory that show, without Python, that what the function reaches is what it was."""
        whole = (1 << 64) - 1
        found = [(id(cell) + _CELL_CONTENTS, whole, id(content)) for cell, content in self.reach.cells]
        replaced = {id(g.leaf) for g in self.captured.gradients if g.replaced}
        before = {id(g.leaf): g.before for g in self.captured.gradients}
        for tensor in self.reach.tensors.values():
            found.append((id(tensor) + _ROW_WORD, whole, tensor._buffer | tensor._layout << 32))
            found.append((_BUFFERS + tensor._buffer * _ROW + _FLAGS_WORD, _FLAGS << 32,
                          (int(buffers["flags"][tensor._buffer]) & _FLAGS) << 32))
            if tensor.is_leaf and id(tensor) not in replaced:
                gradient = before.get(id(tensor), tensor.grad)
                found.append((id(tensor) + _GRAD_WORD, whole, 0 if gradient is None else id(gradient)))
        return found

    def holds(self) -> bool:
        """Whether globals and containers are what they were; the program itself looks at cells and tensors."""
        for where, name, value in self.reach.names:
            if where.get(name) is not value:
                return self.refresh()
        return not self.by_content or self.reach.snapshot() == self.captured.snapshot

    def refresh(self) -> bool:
        """Equal values in other objects (a number computed anew) are as good: from now on those are looked for."""
        if self.reach.snapshot() != self.captured.snapshot:
            return False
        self.reach.renew()
        for i, (_, content) in enumerate(self.reach.cells):
            self.program.conditions[i]["value"] = id(content)
        return True


class Captured:
    """A call as it was captured, in a form that compares equal for calls that did the same."""

    def __init__(self, trace: tracing.Trace, events: Any, reach: Reach, arguments: list[Any], before: Any,
                 gradients: list[Any], versions: dict[int, int], result: Any, snapshot: Any) -> None:
        if trace.refusals:
            raise cap.Refused(trace.refusals[0])
        self.snapshot = snapshot
        self.constant: Any = None  # what a call returns that hands out no tensor
        owners = [cap.owner_of(a) for a in arguments]
        held = [*reach.tensors.values(), *(g for _, g in gradients if g is not None)]
        known = {cap.owner_of(t) for t in held}
        if len(set(owners)) != len(owners) or known & set(owners):
            raise cap.Refused("arguments share memory with each other or with what the function reaches")
        self.steps, self.blocks, used = cap.analyse(events, trace.contents, before, owners, known)
        self.fixed = sorted(used)
        starts = {b.address: i for i, b in enumerate(self.blocks)}
        self.result_blocks: list[int] = []
        self.fresh_layouts: list[int] = []
        self._starts = starts
        # what the call left behind
        self.gradients: list[_Left] = []
        for leaf, had in gradients:
            now = leaf.grad
            if now is had:
                continue
            number = None if now is None else self._leaves_in(now, "a gradient")
            touched = had is not None and cap.owner_of(had) in used
            self.gradients.append(_Left(leaf, had, number, replaced=had is not None and not touched))
        leaves: list[Any] = []
        self.structure = _flatten(result, leaves)
        self.leaves = [self._leaf(t, arguments, reach) for t in leaves]
        self.versions = sorted((row, int(buffers[row]["version"]) - version) for row, version in versions.items()
                               if int(buffers[row]["version"]) != version)
        if {row for row, _ in self.versions} & set(owners):
            raise cap.Refused("it writes to an argument")
        self.flags = sorted((t._buffer, int(buffers[t._buffer]["flags"]) & _FLAGS) for t in reach.tensors.values())
        self.undo = self._undo()

    def _leaves_in(self, tensor: Any, what: str) -> int:
        """The number of the result block that a fresh tensor owns."""
        if tensor.requires_grad:
            raise cap.Refused(f"{what} has a history that is still to be used")
        owner = cap.owner_of(tensor)
        address = int(buffers[owner]["address"])
        block = self._starts.get(address)
        if block is None or owner != tensor._buffer:
            raise cap.Refused(f"{what} is a view")
        if block not in self.result_blocks:
            self.result_blocks.append(block)
            self.fresh_layouts.append(int(buffers[owner]["layout"]))
        return self.result_blocks.index(block)

    def _leaf(self, tensor: Any, arguments: list[Any], reach: Reach) -> tuple[str, Any]:
        for i, a in enumerate(arguments):
            if a is tensor:
                return ("argument", i)
        if id(tensor) in reach.tensors:
            return ("held", tensor)
        if tensor.requires_grad:
            raise cap.Refused("a result requires grad: its backward would have to be captured too")
        return ("fresh", self._leaves_in(tensor, "a result"))

    def _undo(self) -> list[tuple[int, int]]:
        """Outside memory written before the last check."""
        checks = [t for t, s in enumerate(self.steps) if s.kind == rec.GUARD]
        rows: dict[int, None] = {}
        for step in self.steps[:checks[-1]] if checks else ():
            if step.kind in (rec.KERNEL, rec.ZEROED) and step.places:
                if step.places[0].kind == "argument":
                    raise cap.Refused("it writes to an argument before it looks at a value")
                if step.places[0].kind == "fixed":
                    rows[step.places[0].offset] = None
        return [(int(buffers[r]["address"]), layouts[int(buffers[r]["layout"])].nbytes) for r in rows]

    def same(self, other: Captured) -> bool:
        """Whether two calls did the same: only then may one stand for the next."""
        return (
            self.steps == other.steps and self.structure == other.structure and self.leaves == other.leaves
            and [b.nbytes for b in self.blocks] == [b.nbytes for b in other.blocks]
            and [(id(g.leaf), g.number, g.replaced) for g in self.gradients]
            == [(id(g.leaf), g.number, g.replaced) for g in other.gradients]
            and self.versions == other.versions and self.flags == other.flags and self.fixed == other.fixed
            and self.fresh_layouts == other.fresh_layouts and self.snapshot == other.snapshot
        )


class _Left:
    """A gradient that the call put on a leaf, or took away; `replaced`: what was there before did not matter."""

    __slots__ = ("before", "leaf", "number", "replaced")

    def __init__(self, leaf: Any, before: Any, number: int | None, replaced: bool) -> None:
        self.leaf, self.before, self.number, self.replaced = leaf, before, number, replaced


class Compiled:
    """A function whose calls are replayed where that is safe; see `compile`.

    `captures`, `replays` and `fallbacks` count what happened; `explain()` says it in words.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self.tapes: dict[Any, list[Variant]] = {}
        self._pending: dict[Any, list[Captured]] = {}
        self._failures: dict[Any, int] = {}
        self.captures = self.fallbacks = 0
        self.reason: str | None = None
        self._busy = False
        self._steps: dict[Any, list[Variant]] = {}
        if os.environ.get("TAPEGRAD_COMPILE", "1") == "0":
            self.reason = "TAPEGRAD_COMPILE=0"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.reason is not None or self._busy or tracing.active is not None:
            return self.__wrapped__(*args, **kwargs)
        if not args and not kwargs:  # a step: no argument to look at, and most often nothing to hand out
            for variant in self._steps.get((_is_recording(None), dtypes.default_dtype()), ()):
                if variant.holds() and _run(variant.program.address) == rec.PASSED:
                    variant.runs += 1
                    return variant.captured.constant
        leaves: list[Any] = []
        try:
            if not kwargs and not any(type(a) is not Tensor for a in args):
                leaves, structure = list(args), None
            else:
                structure = _flatten((args, kwargs), leaves)
            key = (structure, tuple([_kind(t) for t in leaves]), _is_recording(None), dtypes.default_dtype())
            hash(key)
        except (cap.Refused, TypeError) as why:
            return self._give_up(str(why), args, kwargs)
        self._busy = True
        try:
            for variant in self.tapes.get(key, ()):
                if variant.holds():
                    status, result = self._replay(variant, leaves)
                    if status == rec.UNMET and variant.refresh():
                        status, result = self._replay(variant, leaves)
                    if status == rec.PASSED:
                        return result
            return self._capture(key, leaves, args, kwargs)
        finally:
            self._busy = False

    # ------------------------------------------------------------ replay

    def _replay(self, variant: Variant, leaves: list[Any]) -> tuple[int, Any]:
        captured, program = variant.captured, variant.program
        owners = [cap.owner_of(a) for a in leaves]
        if owners and (len(set(owners)) != len(owners) or set(owners) & set(captured.fixed)):
            return rec.BROKEN, None
        starts = [cap.addresses.item(o) for o in owners]
        fresh = [call.empty(layout) for layout in captured.fresh_layouts]
        if fresh or starts:
            program.locate(starts, [cap.addresses.item(f._buffer) for f in fresh])
        status = program.run()
        if status != rec.PASSED:
            self.fallbacks += status == rec.BROKEN
            return status, None
        for left in captured.gradients:
            if left.number is None:
                left.leaf.grad = None
            else:
                call.put_grad(left.leaf, fresh[left.number])
        variant.runs += 1
        if captured.structure is Tensor and captured.leaves[0][0] == "fresh":
            return status, fresh[0]
        found = iter([leaves[w] if kind == "argument" else fresh[w] if kind == "fresh" else w
                      for kind, w in captured.leaves])
        return status, _unflatten(captured.structure, found)

    # ------------------------------------------------------------ capture

    def _capture(self, key: Any, leaves: list[Any], args: Any, kwargs: Any) -> Any:
        if len(self._pending) >= MAX_KEYS and key not in self._pending:
            return self._give_up("its arguments keep changing", args, kwargs)
        if len(self.tapes.get(key, ())) >= MAX_VARIANTS or self._failures.get(key, 0) >= MAX_FAILURES:
            return self._give_up("its calls keep doing something else", args, kwargs)
        try:
            reach = Reach(self.__wrapped__)
            if not all(_kind(a)[1] for a in leaves):
                raise cap.Refused("an argument requires grad, or has one")
            snapshot = reach.snapshot()
        except (Unreadable, cap.Refused) as why:
            return self._give_up(str(why), args, kwargs)
        watched = list(reach.tensors.values())
        rows = {id(t): cap.storage_key(t) for t in watched}
        gradients = [(t, t.grad) for t in watched if t.is_leaf]
        held = [*watched, *(g for _, g in gradients if g is not None), *leaves]
        versions = {cap.owner_of(t): int(buffers[cap.owner_of(t)]["version"]) for t in held}
        mode = modes.is_grad_enabled(), dtypes.default_dtype()
        before = cap.live_storages()
        trace = tracing.begin()
        try:
            result = self.__wrapped__(*args, **kwargs)
        finally:
            events = tracing.end()
        self.captures += 1
        collecting = gc.isenabled()
        gc.disable()  # a long trace makes 10^5 tuples, none of them garbage: collections took half the time
        try:
            if reach.snapshot() != snapshot or Reach(self.__wrapped__).snapshot() != snapshot:
                raise cap.Refused("it changes Python values that it reads")
            if mode != (modes.is_grad_enabled(), dtypes.default_dtype()):
                raise cap.Refused("it leaves another grad mode or default dtype behind")
            if any(cap.storage_key(t) != rows[id(t)] for t in watched):
                raise cap.Refused("it gives a tensor another history or storage")
            captured = Captured(trace, events, reach, leaves, before, gradients, versions, result, snapshot)
        except cap.Refused as why:
            self._stop(str(why))
            return result
        finally:
            if collecting:
                gc.enable()
        pending = self._pending.setdefault(key, [])
        if not any(p.same(captured) for p in pending):
            self._failures[key] = self._failures.get(key, 0) + 1
            pending.append(captured)
            return result
        self._failures[key] = 0
        pending[:] = [p for p in pending if not p.same(captured)]
        variant = Variant(reach, captured)
        self.tapes.setdefault(key, []).append(variant)
        if not args and not kwargs and variant.silent and not captured.leaves and not captured.undo:
            captured.constant = _unflatten(captured.structure, iter(()))
            self._steps.setdefault((modes.is_grad_enabled(), dtypes.default_dtype()), []).append(variant)
        return result

    def _stop(self, why: str) -> None:
        self.reason = why
        code = getattr(self.__wrapped__, "__code__", None)
        where = f" ({os.path.basename(code.co_filename)}:{code.co_firstlineno})" if code else ""
        warnings.warn(f"{getattr(self, '__name__', 'function')}{where} runs as it is written: {why}", stacklevel=4)

    def _give_up(self, why: str, args: Any, kwargs: Any) -> Any:
        self._stop(why)
        return self.__wrapped__(*args, **kwargs)

    @property
    def replays(self) -> int:
        return sum(v.runs for variants in self.tapes.values() for v in variants)

    def explain(self) -> str:
        """What was captured, replayed and not, in a few lines."""
        lines = [f"{self.captures} captures, {self.replays} replays, {self.fallbacks} broken off"]
        if self.reason:
            lines.append(f"runs as it is written: {self.reason}")
        for variants in self.tapes.values():
            for v in variants:
                lines.append(f"program of {len(v.program.steps)} steps, {v.program.size} bytes of its own, "
                             f"{len(v.program.conditions)} conditions, made in {v.seconds * 1e3:.1f} ms, "
                             f"{v.runs} runs")
        return "\n".join(lines)


def compile(function: Callable[..., Any] | None = None) -> Any:
    """Capture a function's work and replay it on later calls with no Python between the kernels (`torch.compile`).

    >>> import tapegrad
    >>> w = tapegrad.ones(3, requires_grad=True)
    >>> @compile
    ... def step():
    ...     loss = (w * w).sum()
    ...     loss.backward()
    ...     with tapegrad.no_grad():
    ...         w.sub_(0.1 * w.grad)
    ...     w.grad.zero_()
    >>> for _ in range(6):
    ...     step()
    >>> step.replays > 0
    True

    A whole step may be captured: forward, backward, updates in place. What it reads is checked before every replay:
    layouts and flags of arguments, Python values by content, tensors by identity, and values that reached Python on the
    way. Where a check fails the function runs as it is written; nothing a broken-off replay did stays.
    """
    return Compiled if function is None else Compiled(function)

