"""Plans: the planner answers "which plan", the slow path of every operation, taken once for each set of layouts.

Adjoint kernels are compiled when a backward first needs them, since most plans of a forward-only program never do.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, errors
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.llvm import jit
from tapegrad.machine.planning.generations import Generations
from tapegrad.machine.planning.layouts import Layout, Layouts
from tapegrad.machine.planning.operation_kinds import KINDS, carve
from tapegrad.machine.planning.plan import NODE, Attributes, Hollow, Plan, Pointer, Step, byte_strides
from tapegrad.machine.planning.rule_tracing import scalar_name
from tapegrad.machine.planning.step_builder import Builder
from tapegrad.machine.planning.structured import STRUCTURED
from tapegrad.machine.runtime import Machine
from tapegrad.machine.startup import MAX_PLANS, address_of
from tapegrad.ops.declaration import Operation
from tapegrad.ops.symbols import Sym

_KINDS = {**KINDS, "structured": STRUCTURED}


class Planner:
    """The plan table and what fills it."""

    machine: Machine
    layouts: Layouts

    def __init__(self, machine: Machine, layouts: Layouts) -> None:
        self.machine, self.layouts = machine, layouts
        self.table: Generations[Plan] = Generations("index", MAX_PLANS)
        self.table.number()  # 0 is no plan's
        self.all: list[Plan | None] = self.table.all
        self.turns: int = 0  # how often plans and layouts were forgotten
        self.when_forgetting: list[Callable[[], None]] = []  # recipes go, which name them
        self.on_steps: Callable[[Plan], None] | None = None  # told of a plan whose steps were just written
        layouts.make_room = self.make_room

    # ------------------------------------------------------------ lookup

    def plan(self, op: Operation, operands: tuple[Layout, ...], attributes: Attributes = ()) -> Plan:
        """The plan of `op` on these layouts; raises what PyTorch raises when there is none."""
        key = (op, operands, attributes, dtypes.default_dtype())
        found = self.table.young.get(key)
        if found is None:
            with jit.BUILDING:
                if self.table.is_full():
                    self.make_room()
                found = self.table.again(key)
                if found is None:
                    found = self._make(op, operands, dict(attributes))
                found.turn = self.turns
                self.table.young[key] = found
        return found

    def make_room(self) -> None:
        """Forget plans and layouts that nothing refers to. Not during a capture, which refers to them by addresses."""
        state = self.machine.state
        if state["trace"][0] or state["holding"][0]:
            return
        with jit.BUILDING:
            self.turns += 1
            self.machine.forget_ways()
            for forget in self.when_forgetting:
                forget()
            named = np.zeros(len(self.all), bool)
            named[self.machine.instructions["plan"][:int(state["n_instructions"][0])] & rec.PLAN_MASK] = True
            self.machine.plans[self.table.turn(named)] = np.zeros(1, rec.PLAN)
            self.layouts.forget()
            if state["sweep_at"][0] != rec.NEVER:
                state["sweep_at"] = 0  # what the dead part of the tape names is free the next time

    def teach(self, kind: int, operands: Sequence[Layout], plan: Plan) -> bool:
        """Let native code find a plan by an operation (its opcode) and the layouts of its operands alone, if it can."""
        with jit.BUILDING:
            if plan.turn != self.turns or not self.machine.state["teach"][0]:
                return False  # forgotten meanwhile, or soon; or every call is to come through Python
            return self.machine.insert_plan(kind, [o.id for o in operands], plan.index)

    def _make(self, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Plan:
        if len(operands) > rec.MOST and op.kind != "callback" and (op.joins is None or len(set(operands)) > 1):
            raise ValueError(f"{op.name}: {len(operands)} operands, at most {rec.MOST} fit an instruction")
        node = attributes.pop(NODE, "")
        plan = self.lowered(op, operands, tuple(attributes.items()))
        plan.node = node
        out = plan.out
        if op.refused and out.dtype.is_floating_point:
            plan.keeps = [frozenset()] * len(operands)
        if op.differentiable and (out.dtype.is_floating_point or op.moves_nothing):
            plan.keeps = _KINDS[op.kind].keeps(self._builder(), plan)
        plan.index = self.table.number()
        self._write(plan, plan.steps, plan.temporaries)
        self.all[plan.index] = plan
        if self.on_steps is not None:
            self.on_steps(plan)
        return plan

    def lowered(self, op: Operation, operands: tuple[Layout, ...], attributes: Attributes) -> Plan:
        """A plan's forward steps alone, not in the table: what another operation's rule is made of."""
        given = dict(attributes)
        builder = self._builder()
        plan = Plan(0, op, given, operands, _KINDS[op.kind].lower(builder, op, operands, given))
        plan.steps, plan.temporaries, plan.stride = builder.steps, builder.temporaries, builder.stride
        return plan

    def _builder(self) -> Builder:
        return Builder(self.layouts, self.lowered)

    def _write(self, plan: Plan, steps: list[Step], temporaries: dict[int, int]) -> None:
        op = plan.op
        native = self.machine.plans[plan.index]
        native["opcode"], native["arity"], native["out_layout"] = op.opcode, len(plan.operands), plan.out.id
        native["out_bytes"] = self.layouts.adjoint(plan.out).nbytes
        native["forward"], native["n_forward"] = self._write_steps(
            plan.rooms, steps, temporaries, _without_elements(plan, plan.out)), len(steps)
        flags = 0
        if plan.keeps:
            flags |= rec.DIFFERENTIABLE
        if op.moves_nothing:
            flags |= rec.VIEW
        if op.inplace_of is not None:
            flags |= rec.INPLACE
        if op.kind == "callback":
            flags |= rec.CALLBACK
        if op.joint is not None:
            flags |= rec.JOINT
        if len(plan.operands) > rec.MOST:
            flags |= rec.ALIKE
            native["stride"] = plan.stride
        plan.pooled = len(plan.operands) > 2 or op.inplace_of is not None or op.kind == "callback"
        if plan.pooled:
            flags |= rec.POOLED
            masks = np.array([sum(1 << k for k in kept) for kept in plan.keeps] or [0], "u4")
            plan.rooms.append(masks)
            native["kept"] = address_of(masks)
        else:
            for name, kept in zip(("kept_a", "kept_b"), plan.keeps):
                native[name] = sum(1 << min(k, 7) for k in kept)
        native["flags"] = flags

    def _write_steps(self, rooms: list[Any], steps: list[Step], temporaries: dict[int, int],
                     empty: Collection[int] = (), ends_in: int | None = None) -> int:
        """Write steps where native code reads them, for as long as the `rooms` are held; returns the address.

        `empty` are the sources that have no elements.
        """
        empty = {*empty, *(rec.TEMPORARY + n for n, size in temporaries.items() if not size)}
        if empty:
            steps[:] = [_hollow(step, empty) for step in steps]  # a refusal is read off the nests that were run
        native = np.zeros(max(len(steps), 1), rec.STEP)
        order: dict[int, int] = {}  # native code numbers intermediate values as they are first named
        for record, step in zip(native, steps):
            record["store"], record["add"] = step.store, step.add
            record["nest"] = address_of(step.nest)
            record["n_pointers"] = len(step.pointers)
            record["haste"] = rec.CHECK_FIRST if step.checks else rec.PATIENT if step.patient else rec.PRESSING
            if step.cut is not None:
                step.cut["late"] = step.late()
                record["cut"] = address_of(step.cut)
            named = {source - rec.TEMPORARY for source, _ in step.pointers}
            unseen = {n for n in named & temporaries.keys() - order.keys() if temporaries[n]}
            if len(unseen) > 1:
                raise RuntimeError("a step makes room for one intermediate value; fill the others before")
            for fresh in unseen:
                order[fresh] = len(order)
                record["temporary"] = rec.TARGET_ITSELF if fresh == ends_in else rec.ROOM
                record["temporary_bytes"] = temporaries[fresh]
            for i, (source, offset) in enumerate(step.pointers):
                number = source - rec.TEMPORARY
                if number in temporaries:  # one without elements is read nowhere: any address will do
                    source = rec.TEMPORARY + order[number] if temporaries[number] else rec.RESULT
                record["sources"][i] = source
                record["offsets"][i] = offset
            self.machine.nests[address_of(step.nest)] = step.nest
            if isinstance(step.nest, Hollow):
                self.machine.hollow[address_of(step.nest)] = step.nest
        rooms.append((native, [(s.nest, s.cut) for s in steps]))
        return address_of(native)

    @staticmethod
    def name_of(d: dtype) -> str:
        """A dtype as PyTorch's errors name it (Float, Long, …)."""
        return scalar_name(d)

    # ------------------------------------------------------------ adjoints

    def build_adjoint(self, plan: Plan) -> None:
        """Compile the adjoint of a plan; after this a sweep may run over it."""
        with jit.BUILDING:
            if not plan.built:
                self._build_adjoint(plan)

    def _build_adjoint(self, plan: Plan) -> None:
        if plan.op.refused:
            raise RuntimeError(errors.NO_DERIVATIVE.format(plan.op.name))
        count = 1 if len(plan.operands) > rec.MOST else len(plan.operands)  # one does for all that are alike
        programs = np.zeros(count + 1, rec.PROGRAM)
        for j in range(count):
            if self.differentiable_operand(plan, j):
                builder, own, flags = self._builder(), self.layouts.adjoint(plan.operands[j]), 0
                if plan.op.joint is None:
                    flags = _KINDS[plan.op.kind].adjoint(builder, plan, j)
                elif plan.keeps[j]:
                    builder.copy((Pointer(rec.TARGET), own), (Pointer(rec.ADJOINT), own), both=True)
                programs[j]["steps"] = self._write_steps(
                    plan.rooms, builder.steps, builder.temporaries,
                    _without_elements(plan, plan.operands[j]), builder.ends_in)
                programs[j]["n_steps"], programs[j]["flags"] = len(builder.steps), flags
                programs[j]["bytes"] = own.nbytes
        joint = _KINDS[plan.op.kind].joint
        if plan.op.kind == "rebase" or plan.op.joint is not None:
            builder = self._builder()
            if joint is None:
                carve(builder, plan, rec.TARGET)
            else:
                joint(builder, plan)
            programs[-1]["steps"] = self._write_steps(
                plan.rooms, builder.steps, builder.temporaries, _without_elements(plan, plan.out))
            programs[-1]["n_steps"] = len(builder.steps)
        plan.rooms.append(programs)
        self.machine.plans[plan.index]["adjoints"] = address_of(programs)
        plan.built = True
        if self.on_steps is not None:
            self.on_steps(plan)

    @staticmethod
    def differentiable_operand(plan: Plan, j: int) -> bool:
        return bool(plan.keeps) and plan.operands[j].dtype.is_floating_point

    def teach_accumulate(self, layout: Layout) -> None:
        """Let native code add one block in an adjoint layout to another (`.grad += gradient`)."""
        native = self.machine.layouts[layout.id]
        with jit.BUILDING:
            if not native["accumulate"]:
                builder = self._builder()
                strides = byte_strides(layout, layout.strides)
                builder.region(layout.shape, (layout.dtype,), Sym.operand(0, layout.dtype), layout.dtype,
                               [strides, strides], (Pointer(rec.TARGET), Pointer(rec.ADJOINT)), both=True)
                native["accumulate"] = self._write_steps(
                    layout.rooms, builder.steps, {}, () if layout.nbytes else (rec.TARGET, rec.ADJOINT))


def _without_elements(plan: Plan, target: Layout) -> set[int]:
    """The sources of a plan's steps that have no elements, where its programs write one that lies like `target`."""
    lies = {rec.TARGET: target, rec.RESULT: plan.out, rec.ADJOINT: plan.out}
    lies.update((first + j, layout) for first in (rec.OPERAND, rec.SLOPE) for j, layout in enumerate(plan.operands))
    return {source for source, layout in lies.items() if not layout.nbytes}


def _hollow(step: Step, empty: Collection[int]) -> Step:
    """The step, its nest with what it does nothing to: what has no elements; all, if its loops have no turn."""
    kernel = emitter.kernels.get(step.store or step.add)
    kept = 2 + int(step.nest[0])
    none = kernel is not None and kernel.pattern[0] not in "1@~?" and 0 in step.nest[2:kept]
    found = step.nest.copy().view(Hollow)
    found.nothing = sum(1 << i for i, (source, _) in enumerate(step.pointers)
                        if none or source & ~rec.SHIFTED in empty)
    return step._replace(nest=found) if found.nothing else step
