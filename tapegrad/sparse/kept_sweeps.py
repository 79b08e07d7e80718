"""Sums of a Jacobian's rows, of all colours at once: a program's adjoint rules, compiled, on what a run of it kept.

A sweep for each colour computes again what the colours have in common, a cosine where there was a sine, and goes
through memory once for each step: of a tridiagonal Jacobian of 10⁴ rows, 119 us of 246, where the compiled rules take
38. The function itself runs as it is written each time, and is recorded: only a run that was the same program, step by
step, gives them its values.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad.autograd import engine, recorded_adjoints
from tapegrad.functions.shaping import joining
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.machine.planning import KEEPS_RESULT
from tapegrad.sparse.patterns import Program

BEGIN = 1 << 20  # elements of sums, after which compiling is sure to pay
RULES = 512      # that are run for all colours: of more, the program would take long to compile

# Views of which a gradient is added in place where they looked, whatever lies around.
_PARTS = {"select", "unbind", "slice", "split", "split_with_sizes"}
_PLAIN = {machine.tensor_type, bool, int, float}
_ATTENDED = rec.HOOKED | rec.RETAINS | rec.ATTACHED  # rows where Python acts in a sweep

# A plan, which of its operands' gradients are wanted, where a view looked, and whether its gradient may be added in
# place; the operands that gradients go on to, and their values; of operands and result which kept one they are, or -1.
_Rule = tuple[int, int, int, bool, tuple[int, ...], tuple[int, ...], tuple[int, ...]]


class KeptSweeps:
    """The sums of one program: by sweeps, until so many were computed that they are compiled."""

    def __init__(self) -> None:
        self._left: float = BEGIN
        self._compiled: Any = None
        self._reads: list[int] = []  # where in a run are the rows of all that is read
        self._which: list[int] = []  # what that is, by the order in which it comes up

    @property
    def are_ready(self) -> bool:
        """Whether a run of the program is asked for what it kept, which is to be as it was then."""
        return self._compiled is not None

    def sums(self, program: Program, run: np.ndarray[Any, Any], seeds: Any, sweeps: Callable[[], Any]) -> Any:
        """The sums for a run of the program (see `engine.described`); `sweeps` are the other way to them."""
        compiled = self._compiled
        if compiled is None:
            found = sweeps()
            self._left -= seeds.numel()
            if self._left < 0:
                self._begin(program, run, seeds, found)
            return found
        kept = self._kept(run)
        if kept is None:
            return sweeps()
        if compiled.tapes:
            return compiled(seeds, *kept)
        with warnings.catch_warnings():  # whether it is compiled is nobody's affair
            warnings.simplefilter("ignore")
            found = compiled(seeds, *kept)
        if compiled.reason is not None:
            self._give_up()
        return found

    def _begin(self, program: Program, run: np.ndarray[Any, Any], seeds: Any, expected: Any) -> None:
        """Compile, if the rules are all that there is to the sweeps: those have just given what is expected."""
        from tapegrad.compiler.compiled_function import Compiled

        self._give_up()
        if not is_possible(program, len(seeds)):
            return
        rules = self._rules(program)
        kept, sums = self._kept(run), sums_by(rules)
        found = None if kept is None else sums(seeds, *kept)
        if found is not None and _agree(found, expected):
            self._left, self._compiled = 0, Compiled(sums)

    def _give_up(self) -> None:
        self._left, self._compiled = float("inf"), None

    def _rules(self, program: Program) -> tuple[_Rule, ...]:
        self._reads, self._which = [], []
        known: dict[int, int] = {}
        rules: list[_Rule] = []
        before = 1
        for plan, (operands, shift), rows in zip(program.plans, program.steps, program.rows):
            keeps = set().union(*(plan.keeps[j] for j, _ in operands))
            uses = [-1] * len(rows)
            for k, row in enumerate(rows):
                if (k if k + 1 < len(rows) else KEEPS_RESULT) in keeps:
                    uses[k] = known.setdefault(row, len(known))
                    self._reads.append(before + k)
                    self._which.append(uses[k])
            numbers, values = zip(*operands)
            rules.append((plan.index, sum(1 << j for j in numbers), shift, plan.op.name in _PARTS, numbers, values,
                          tuple(uses)))
            before += len(rows)
        return tuple(rules)

    def _kept(self, run: np.ndarray[Any, Any]) -> list[Any] | None:
        """What a run kept; None where Python may act, or one thing was kept for two."""
        if run[0] & _ATTENDED or not engine.is_native():
            return None
        found: dict[int, int] = {}
        if [found.setdefault(row, len(found)) for row in run[self._reads].tolist()] != self._which:
            return None
        owners = buffers["owner"][[*found]].tolist()
        kept = [_value(row, owner in owners[:n]) for n, (row, owner) in enumerate(zip(found, owners))]
        return kept if {*map(type, kept)} <= _PLAIN else None  # classes of a program's may answer for functions


def is_possible(program: Program, colours: int) -> bool:
    """Whether rules are all that there is to its sweeps, and not too many."""
    return len(program.plans) * colours <= RULES and all(
        plan.op.kind not in ("callback", "rebase") and not plan.op.tied and len(rows) <= rec.MOST
        for plan, rows in zip(program.plans, program.rows))


def _value(row: int, shares: bool) -> Any:
    """The tensor in a row, without its history; a number again where it was one.

    Of memory that others have as well there is a copy, for native code alone calls what is given apart.
    """
    value = call.tensor_of(row, machine.tensor_type)
    if layouts[value._layout].weak:
        return +value.item()
    return value.detach().clone() if shares else value.detach()


def _agree(a: Any, b: Any) -> bool:
    a, b = a.numpy(), b.numpy()
    digits = 1000 * np.finfo(b.dtype).eps
    largest = np.abs(b, where=np.isfinite(b), out=np.zeros_like(b)).max(initial=0)
    return a.dtype == b.dtype and np.allclose(a, b, digits, digits * largest, equal_nan=True)


def sums_by(rules: Sequence[_Rule]) -> Callable[..., Any]:
    """The function of seeds, one for each colour, and of what was kept."""
    def sums(seeds: Any, *kept: Any) -> Any:
        found = [_swept(rules, seed, kept) for seed in seeds.unbind(0)]
        return None if any(g is None for g in found) else joining.stack(found)

    return sums


def _swept(rules: Sequence[_Rule], seed: Any, kept: Sequence[Any]) -> Any:
    """The gradient of the value 0, where `seed` is that of the last one."""
    arrived: dict[int, Any] = {len(rules): seed}
    own: set[int] = set()  # what nobody else sees, so that it may be added to
    for i in reversed(range(len(rules))):
        number, needs, shift, is_part, operands, values, uses = rules[i]
        g = arrived.pop(i + 1, None)
        if g is None:
            continue
        if is_part and values[0] in own:
            recorded_adjoints.add_part_of(number, g, shift, arrived[values[0]])
            continue
        found = recorded_adjoints.rule(number, needs, shift, g, *[None if n < 0 else kept[n] for n in uses])
        assert found is not None
        for j, value in zip(operands, values):
            if found[j] is None:
                continue
            if value in own:
                arrived[value].add_(found[j])
            elif value in arrived:
                arrived[value] = arrived[value] + found[j]
                own.add(value)
            else:
                arrived[value] = found[j]
                if is_part:
                    own.add(value)
    return arrived.get(0)
