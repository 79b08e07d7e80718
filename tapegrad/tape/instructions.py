"""A tape's instructions, as arrays that do not depend on the process that recorded them."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from tapegrad.machine.live import planner
from tapegrad.machine.planning import Layout, Plan
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import Operation
from tapegrad.tape.notation import Number, plan_attributes
from tapegrad.tape.words import Words, beginnings


class Code(NamedTuple):
    """Some instructions: what each does, its operands, attributes and result."""

    operations: Sequence[Operation] = ()
    operands: Sequence[tuple[int, ...]] = ()
    attributes: Sequence[dict[str, Any]] = ()
    results: Sequence[int] = ()

    @classmethod
    def of(cls, rows: Iterable[tuple[Operation, tuple[int, ...], dict[str, Any], int]]) -> Code:
        """From one instruction after the other."""
        return cls(*zip(*rows))


class Flat(NamedTuple):
    """The same in words, to be read for all instructions at once.

    `operands` has those of all, one after the other; those of t from `begins[t]` on. `plans[which[t]]` is t's plan.
    """

    begins: Words
    operands: Words
    results: Words
    plans: list[Plan]
    which: Words


class Instructions:
    """What a `Tape` holds, for those who read it.

    Instruction t is `operations[t]` with `operands[t]`, `attributes[t]` and `results[t]`. An operand is the number of a
    buffer or, below zero, of a constant: `constants[~operand]`. `layouts` has an entry a buffer; `requires` are the
    inputs that require grad; `values` holds the inputs' tensors as far as they are alive and as the tape read them:
    not written to since, nor under another name (`x.detach()`). `written` is the first buffer that the program wrote to
    meanwhile, so that what it computed with is gone; None if there is none.
    """

    __slots__ = ("_flat", "_plans", "attributes", "constants", "inputs", "layouts", "name", "names", "operands",
                 "operations", "outputs", "requires", "results", "sources", "values", "written")
    name: str
    layouts: list[Layout]
    inputs: tuple[int, ...]
    requires: frozenset[int]
    outputs: tuple[int, ...]
    written: int | None

    def __init__(self, name: str, layouts: Sequence[Layout], inputs: Sequence[int], requires: Iterable[int],
                 code: Code, constants: Sequence[Number], outputs: Sequence[int],
                 names: Mapping[int, str] | None = None, sources: Sequence[str] | None = None,
                 values: Mapping[int, Any] | None = None) -> None:
        self.name, self.layouts = name, list(layouts)
        self.inputs, self.requires, self.outputs = tuple(inputs), frozenset(requires), tuple(outputs)
        self.operations: list[Operation] = list(code.operations)
        self.operands: list[tuple[int, ...]] = list(code.operands)
        self.attributes: list[dict[str, Any]] = list(code.attributes)
        self.results: list[int] = list(code.results)
        self.constants: list[Number] = list(constants)
        self.names: dict[int, str] = dict(names or {})
        self.sources: list[str] = list(sources) if sources and any(sources) else [""] * len(self)
        self.values: dict[int, Any] = dict(values or {})
        self.written = None
        self._plans: list[Plan | None] = [None] * len(self)
        self._flat: Flat | None = None

    def __len__(self) -> int:
        return len(self.operations)

    def operand_layouts(self, t: int) -> tuple[Layout, ...]:
        """The layouts of an instruction's operands."""
        of_number = planner.layouts.of_number
        return tuple(of_number(self.constants[~b]) if b < 0 else self.layouts[b] for b in self.operands[t])

    def plan(self, t: int) -> Plan:
        """How the machine runs an instruction; raises what the operation raises when its operands do not fit."""
        if self._flat is not None:
            return self._flat.plans[self._flat.which[t]]
        found = self._plans[t]
        if found is None:
            op, attributes = self.operations[t], self.attributes[t]
            found = planner.plan(op, self.operand_layouts(t), plan_attributes(op, attributes))
            self._plans[t] = found
        return found

    def flat(self) -> Flat:
        """The instructions in words."""
        if self._flat is None:
            numbers: dict[Plan, int] = {}
            which = [numbers.setdefault(self.plan(t), len(numbers)) for t in range(len(self))]
            begins = beginnings(np.fromiter(map(len, self.operands), "i8", len(self)))
            operands = np.fromiter(chain.from_iterable(self.operands), "i8", int(begins[-1]))
            self._flat = Flat(begins, operands, np.array(self.results, "i8"), list(numbers), np.array(which, "i8"))
        return self._flat
