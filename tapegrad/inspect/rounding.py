"""`error_budget`: which instructions the rounding error of a result comes from.

An instruction's own error is what it gives in its precision against the same operation on the same operands in double;
what that does to the result is, to first order, its product with the adjoint (Vassiliadis et al., CHEF-FP, 2023). The
sum over the instructions is an estimate of the result's error, signs included.
"""
from __future__ import annotations

from typing import Any, NamedTuple

import tapegrad
from tapegrad.inspect.walk import Walk
from tapegrad.machine.live import layouts
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape import replay
from tapegrad.tape.notation import TapeError
from tapegrad.tape.tape import Tape
from tapegrad.tape.text import aligned, operation_text

MOST = 20  # instructions shown
# Operands through which no gradient flows, for they say nothing that the others do not: which one, by what operation it
# was made of which others. What rounding did there is the error of the instruction that reads it.
_OF_THE_OTHERS: dict[str, tuple[int, str, tuple[int, ...]]] = {
    **dict.fromkeys(("linalg_inv", "linalg_det", "linalg_logabsdet", "cofactor"), (1, "linalg_lu", (0,))),
    "linalg_solve": (2, "linalg_lu", (0,)),
    "linalg_svd_values": (1, "linalg_svd_factors", (0,)),
    "linalg_eigh_values": (1, "linalg_eigh_factors", (0,)),
    "_attention": (1, "_attention_weights", (0,)),
    "_recurrent_shown": (6, "_recurrent_steps", (0, 1, 2, 3, 4, 5)),
}


class Share(NamedTuple):
    """What one instruction's rounding does to the result; `size` is what it would if its elements' errors added up."""

    instruction: int
    error: float
    size: float


class ErrorBudget(NamedTuple):
    """The rounding error of a result: `error` by estimate, and the `shares` of the instructions, the largest first."""

    tape: Tape
    value: float
    error: float
    shares: tuple[Share, ...]

    def by_line(self) -> dict[str, float]:
        """The same by line of source, where lines are known."""
        found: dict[str, float] = {}
        for share in self.shares:
            line = self.tape.sources[share.instruction]
            if line:
                found[line] = found.get(line, 0.0) + share.error
        return dict(sorted(found.items(), key=lambda one: -abs(one[1])))

    def __str__(self) -> str:
        relative = abs(self.error / self.value) if self.value else float("inf") if self.error else 0.0
        head = f"result {self.value:.9g}, rounding error about {self.error:.2g} ({relative:.2g} of it)"
        whole = sum(abs(s.error) for s in self.shares) or 1.0
        rows = [["ip", "op", "operands", "error", "share", "source"]]
        for s in self.shares[:MOST]:
            rows.append([str(s.instruction), self.tape.operations[s.instruction].name,
                         operation_text(self.tape, s.instruction), f"{s.error:+.2g}",
                         f"{100 * abs(s.error) / whole:.0f} %", self.tape.sources[s.instruction] or "-"])
        return "\n".join([head, *aligned(rows, (2, 2, 2, 2, 2), right=0)])


def budget(tape: Tape) -> ErrorBudget:
    """The error budget of a tape's results' sum."""
    walk = Walk(tape).backward()
    if any(walk.values[b] is None for b in tape.outputs):
        raise TapeError("the values of some inputs are gone, or an operation is Python code: nothing can be said")
    shares = []
    for t, result in enumerate(tape.results):
        adjoint, own = walk.adjoints[result], _own_error(walk, t)
        if adjoint is not None and own is not None:
            parts = adjoint.double() * own
            if bool((parts != 0).any()):
                shares.append(Share(t, float(parts.sum()), float(parts.abs().sum())))
    value = sum(float(walk.values[b].double().sum()) for b in tape.outputs)
    return ErrorBudget(tape, value, sum(s.error for s in shares), tuple(sorted(shares, key=lambda s: -abs(s.error))))


def _own_error(walk: Walk, t: int) -> Any:
    """What rounding added in one instruction, in double; None where nothing can have been."""
    tape = walk.tape
    op, value = tape.operations[t], walk.values[tape.results[t]]
    operands: list[Any] = [tape.constants[~b] if b < 0 else walk.values[b] for b in tape.operands[t]]
    if op.kind in ("view", "rebase", "callback") or value is None or not value.dtype.is_floating_point:
        return None
    op = op.inplace_of or op
    with tapegrad.no_grad():
        exact: list[Any] = [x.double() if isinstance(x, tapegrad.Tensor) and x.dtype.is_floating_point else x
                            for x in operands]
        if "dtype" in tape.attributes[t] and len(exact) == 1:  # a conversion
            return value.double() - exact[0]
        if op.name in _OF_THE_OTHERS:
            at, maker, others = _OF_THE_OTHERS[op.name]
            exact[at] = _made_again(tape, tape.operands[t][at], REGISTRY[maker], [exact[i] for i in others],
                                    tape.attributes[t])
        of = [layout if b < 0 else layouts[x._layout]
              for b, x, layout in zip(tape.operands[t], exact, tape.operand_layouts(t))]
        return value.double() - replay.apply(op, exact, of, tape.attributes[t]).double()


def _made_again(tape: Tape, b: int, maker: Operation, others: list[Any], attributes: dict[str, Any]) -> Any:
    """A buffer made of others in double: as on the tape, else with what attributes its reader has too."""
    on_tape = [given for result, given in zip(tape.results, tape.attributes) if result == b]
    given = on_tape[0] if on_tape else {name: attributes[name] for name in maker.attributes}
    return replay.apply(maker, others, [layouts[x._layout] for x in others], given)
