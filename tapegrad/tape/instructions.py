"""A tape's instructions, as arrays that do not depend on the process that recorded them."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tapegrad.machine.live import planner
from tapegrad.machine.planning import Layout, Plan
from tapegrad.ops.declaration import Operation
from tapegrad.tape.notation import Number, constant_layout, plan_attributes


class Instructions:
    """What a `Tape` holds, for those who read it.

    Instruction t is `operations[t]` with `operands[t]`, `attributes[t]` and `results[t]`. An operand is the number of a
    buffer or, below zero, of a constant: `constants[~operand]`. `layouts` has an entry a buffer; `requires` are the
    inputs that require grad; `values` holds the inputs' tensors as far as they are alive.
    """

    __slots__ = ("_plans", "attributes", "constants", "inputs", "layouts", "name", "names", "operands", "operations",
                 "outputs", "requires", "results", "sources", "values")
    name: str
    layouts: list[Layout]
    inputs: tuple[int, ...]
    requires: frozenset[int]
    outputs: tuple[int, ...]

    def __init__(self, name: str, layouts: Sequence[Layout], inputs: Sequence[int], requires: Iterable[int],
                 code: Sequence[tuple[Operation, tuple[int, ...], dict[str, Any], int]], constants: Sequence[Number],
                 outputs: Sequence[int], names: Mapping[int, str] | None = None,
                 sources: Sequence[str] | None = None, values: Mapping[int, Any] | None = None) -> None:
        self.name, self.layouts = name, list(layouts)
        self.inputs, self.requires, self.outputs = tuple(inputs), frozenset(requires), tuple(outputs)
        self.operations: list[Operation] = [c[0] for c in code]
        self.operands: list[tuple[int, ...]] = [c[1] for c in code]
        self.attributes: list[dict[str, Any]] = [c[2] for c in code]
        self.results: list[int] = [c[3] for c in code]
        self.constants: list[Number] = list(constants)
        self.names: dict[int, str] = dict(names or {})
        self.sources: list[str] = list(sources) if sources and any(sources) else [""] * len(code)
        self.values: dict[int, Any] = dict(values or {})
        self._plans: list[Plan | None] = [None] * len(code)

    def __len__(self) -> int:
        return len(self.operations)

    def operand_layouts(self, t: int) -> tuple[Layout, ...]:
        """The layouts of an instruction's operands."""
        return tuple(constant_layout(self.constants[~b]) if b < 0 else self.layouts[b] for b in self.operands[t])

    def plan(self, t: int) -> Plan:
        """How the machine runs an instruction; raises what the operation raises when its operands do not fit."""
        found = self._plans[t]
        if found is None:
            op, attributes = self.operations[t], self.attributes[t]
            found = planner.plan(op, self.operand_layouts(t), plan_attributes(op, attributes))
            self._plans[t] = found
        return found

    def every_plan(self) -> list[Plan]:
        """`plan(t)` for every instruction."""
        return [self.plan(t) if found is None else found for t, found in enumerate(self._plans)]
