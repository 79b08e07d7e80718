"""Every value of a tape and every contribution to a gradient, one instruction at a time, by the machine itself.

A replay frees what is not needed any more and a sweep adds contributions up where they arrive; whoever wants to see
either reads them here. Each instruction runs by itself, on copies where it writes in place, so that a buffer keeps the
value that it had; its contributions are what `autograd.grad` gives for it alone, or for views that it alone reads.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import tapegrad
from tapegrad.autograd import anomaly
from tapegrad.machine.live import layouts
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape import replay
from tapegrad.tape.derived import Derived
from tapegrad.tape.tape import Tape


class Walk:
    """The values of a tape, and once `backward` was called the adjoints; None where one is not known.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> walk = Walk(Tape.of((x * x).sum()))
    >>> walk.values
    [tensor([1., 2.]), tensor([1., 4.]), tensor(5.)]
    >>> walk.backward().adjoints
    [tensor([2., 4.]), tensor([1., 1.]), tensor(1.)]
    >>> walk.contributions[0]
    [(0, tensor([1., 2.])), (0, tensor([1., 2.]))]

    `contributions[t]` has a pair for every operand of instruction t that a gradient flows on to: the buffer, and what
    the instruction adds to its adjoint. What a custom function gave is not known: it is Python code, of which the tape
    keeps nothing. An adjoint is None if nothing flows there, and also if it is `unknown`, for want of a value that a
    rule reads, or of a rule.
    """

    def __init__(self, tape: Tape, inputs: Sequence[Any] = ()) -> None:
        tape.verify()
        self.tape = tape
        self.values: list[Any] = [None] * len(tape.layouts)
        self.adjoints: list[Any] = [None] * len(tape.layouts)
        self.contributions: list[list[tuple[int, Any]]] = [[] for _ in range(len(tape))]
        self.seeds: dict[int, Any] = {}
        self.unknown: set[int] = set()  # buffers of whose adjoint a part is not known
        if inputs:
            given = dict(zip(tape.inputs, replay.checked(tape, inputs)))
        else:
            stale = replay.overwritten(tape)
            given = {b: value for b, value in tape.values.items() if b not in stale}
        with _undisturbed(), tapegrad.no_grad():
            for b in tape.inputs:
                if b in given:
                    self.values[b] = replay.held(given[b], tape.layouts[b]).detach()
            for t, result in enumerate(tape.results):
                operands: list[Any] = [tape.constants[~b] if b < 0 else self.values[b] for b in tape.operands[t]]
                if all(x is not None for x in operands) and tape.operations[t].kind != "callback":
                    self.values[result] = self._run(t, operands).detach()

    def backward(self, seed: Any = None) -> Walk:
        """Find the adjoints: of the results' sum, or for the cotangent `seed` of a single result."""
        tape = self.tape
        of = Derived(tape)
        needs = [of.needed(t) for t in range(len(tape))]
        tracked = {*tape.requires, *(r for r, needed in zip(tape.results, needs) if any(needed))}
        with _undisturbed(), tapegrad.no_grad():
            for b in tape.outputs:
                if b in tracked and tape.layouts[b].dtype.is_floating_point:
                    given = tapegrad.ones(tape.layouts[b].shape, dtype=tape.layouts[b].dtype) if seed is None else seed
                    self.seeds[b] = given if b not in self.seeds else self.seeds[b] + given
            self.adjoints = [self.seeds.get(b) for b in range(len(tape.layouts))]
            if self._in_one_sweep(needs):
                return self
            for t in reversed(range(len(tape))):
                result, g = tape.results[t], self.adjoints[tape.results[t]]
                if not any(needs[t]) or not tape.plan(t).keeps:
                    continue
                read = not _without_rule(tape.operations[t]) and all(self.values[b] is not None for b in of.kept(t))
                if result in self.unknown or (g is not None and not read):
                    self.unknown.update(b for b, wanted in zip(tape.operands[t], needs[t]) if wanted)
                elif g is not None:
                    self.contributions[t] = self._contributed(t, g, needs[t])
                    for b, part in self.contributions[t]:
                        self.adjoints[b] = part if self.adjoints[b] is None else self.adjoints[b] + part
        for b in self.unknown:
            self.adjoints[b] = None
        return self

    def _in_one_sweep(self, needs: Sequence[Sequence[bool]]) -> bool:
        """The same by a single sweep, where every value is known and none is written to: whether it was done.

        The tape is recorded again with a view of its own for every operand that a gradient flows on to; what arrives at
        the view is the contribution. All of a walk takes half as long so as with instructions one by one.
        """
        tape = self.tape
        if any(value is None for value in self.values) or any(
                op.inplace_of is not None or op.kind == "rebase" or _without_rule(op) for op in tape.operations):
            return False
        again: list[Any] = [value.detach().requires_grad_() if b in tape.requires else None
                            for b, value in enumerate(self.values)]
        parts: list[tuple[int, int, Any]] = []
        with tapegrad.enable_grad():
            for t, result in enumerate(tape.results):
                operands: list[Any] = []
                for b, wanted in zip(tape.operands[t], needs[t]):
                    x: Any = tape.constants[~b] if b < 0 else self.values[b] if again[b] is None else again[b]
                    if wanted and again[b] is not None:
                        x = x[...]  # a view of the same strides, those of single elements too
                        parts.append((t, b, x))
                    operands.append(x)
                if any(needs[t]) and tape.plan(t).keeps:
                    with replay.wrapped(operands) as taken:
                        again[result] = replay.step(tape, t, taken)
        roots = [b for b in self.seeds if again[b] is not None and again[b].requires_grad]
        if not roots:
            return True
        asked = [b for b, x in enumerate(again) if x is not None and x.requires_grad]
        found = tapegrad.autograd.grad([again[b] for b in roots], [*(again[b] for b in asked), *(x for *_, x in parts)],
                                       [self.seeds[b].to(again[b].dtype) for b in roots], allow_unused=True)
        for b, whole in zip(asked, found):
            if whole is not None:
                self.adjoints[b] = whole
        for (t, b, _), part in zip(parts, found[len(asked):]):
            if part is not None:
                self.contributions[t].append((b, part))
        return True

    def _contributed(self, t: int, g: Any, needed: Sequence[bool]) -> list[tuple[int, Any]]:
        operands: list[Any] = []
        for b, wanted in zip(self.tape.operands[t], needed):
            value: Any = self.tape.constants[~b] if b < 0 else self.values[b]
            if value is None:  # its rule does not read it
                layout = self.tape.layouts[b]
                value = replay.held(np.zeros(layout.shape, layout.dtype.numpy), layout)
            operands.append(value.detach().requires_grad_() if wanted else value)
        with tapegrad.enable_grad():
            result = self._run(t, operands, written=False)
        if not result.requires_grad:
            return []
        wanted_ones = [j for j, wanted in enumerate(needed) if wanted]
        found = tapegrad.autograd.grad(result, [operands[j] for j in wanted_ones], g.to(result.dtype),
                                       allow_unused=True)
        return [(self.tape.operands[t][j], part) for j, part in zip(wanted_ones, found) if part is not None]

    def _run(self, t: int, operands: list[Any], written: bool = True) -> Any:
        """One instruction, which leaves its operands as they are.

        Unless it is to be `written`, what writes in place is run as what does not: the slope may be of what it wrote
        over, which autograd refuses.
        """
        op = self.tape.operations[t]
        if op.kind == "rebase":
            return self._rebased(t, *operands)
        of = self.tape.operand_layouts(t)
        if op.inplace_of is not None and not written:
            return replay.apply(op.inplace_of, operands, of, self.tape.attributes[t])
        if op.inplace_of is not None:
            operands = [_copy(operands[0], of[0]), *operands[1:]]
        with replay.wrapped(operands) as taken:
            return replay.step(self.tape, t, taken)

    def _rebased(self, t: int, part: Any, base: Any) -> Any:
        """The base after a write through a view: the part that the view sees is the view's."""
        layout = self.tape.operand_layouts(t)[1]
        target = layouts.adjoint(layout)
        whole = _copy(base, target)
        shape, strides, offset = REGISTRY["as_strided"].forward((target.shape, target.strides),
                                                                **self.tape.attributes[t])
        whole.as_strided(shape, strides, offset).copy_(part)
        return _copy(whole, layout)


def _without_rule(op: Operation) -> bool:
    """Whether nobody knows what a gradient becomes there: Python code, or what backward refuses, as `x // y`."""
    return op.kind == "callback" or op.refused


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """No anomaly detection, which stops at the NaN that is looked for; no inference mode, which records nothing."""
    with anomaly.unwatched(), contextlib.ExitStack() as modes:
        if tapegrad.is_inference_mode_enabled():
            modes.enter_context(tapegrad.inference_mode(False))
        yield


def _copy(x: Any, layout: Any) -> Any:
    """The same values in a layout, recorded if `x` is followed."""
    return tapegrad.empty_strided(layout.shape, layout.strides, dtype=layout.dtype).copy_(x)
