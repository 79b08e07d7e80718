"""A function that looks at lanes as a graph: what it computes from one look to the next, whatever the lanes hold.

A `Node` is a state of the Python program where it looks at the truth of a lane's number (`python_state.py`). From there
the program goes on in one way for each of both answers, and what it does until the next look is a `Segment`: operations
on the tensors that the state leaves open, and on constants. So an edge that one lane was seen to take is known for all
lanes, and a state that is met again is a loop, which ends for each lane in its time.

A `Recorder` follows one call for one lane. What it is not told of, or does not understand, is `Unseen`, and the
function is run for each path instead. An edge that is taken again must do the same again, or that is Unseen too.
"""
from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, errors
from tapegrad.autograd import modes
from tapegrad.compiler.guards.reachable import Reach
from tapegrad.lanes import kinds
from tapegrad.lanes.batched import Batched
from tapegrad.lanes.branching.python_state import State, TensorBase, Unlike
from tapegrad.machine.live import layouts, planner
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import Operation
from tapegrad.tape import reading

MOST_NODES = 512
MOST_CONSTANT = 1 << 16  # bytes of constants that are compared


class Unseen(Exception):
    """Why a function is not read as a graph."""


class Instruction(NamedTuple):
    """One operation; `operands` are values of the segment, or constants' numbers below zero."""

    op: Operation
    operands: tuple[int, ...]
    attributes: tuple[tuple[str, Any], ...]
    layout: int  # of the result, for one sample


class Segment:
    """What is computed between two looks: values are the slots it begins with, then a result an instruction."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.code: list[Instruction] = []
        self.constants: list[Any] = []  # tensors and numbers
        self._told: list[Any] = []  # what constants are compared by
        self.target: Node | None = None  # None: the function returns
        self.results: list[int] = []  # what the target's slots are, or what is returned
        self.returned: Any = None  # how, and the results' axes

    def constant(self, x: Any, told: Any) -> int:
        for k, known in enumerate(self._told):
            if known == told:
                return ~k
        self._told.append(told)
        self.constants.append(x)
        return ~(len(self.constants) - 1)

    def same(self, other: Segment) -> bool:
        return (self.slots == other.slots and self.code == other.code and self._told == other._told
                and self.target is other.target and self.results == other.results and self.returned == other.returned)


class Node:
    """A look, by its number; `slots` are the layouts of the tensors that the program's state leaves open there.

    The first slot is what is looked at.
    """

    number: int
    slots: tuple[int, ...]

    def __init__(self, number: int, slots: Sequence[int]) -> None:
        self.number, self.slots = number, tuple(slots)
        self.edges: dict[bool, Segment] = {}


class Flow:
    """The graph of a function for arguments of one kind; `start` is what leads to the first look."""

    older: set[int]
    contents: list[bytes]

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.older = {id(x) for x in reach.met()}
        self.contents = self._contents()
        self.nodes: dict[Any, Node] = {}
        self.kept: list[Any] = []  # objects that states know by where they are
        self.start: Segment | None = None
        self.unseen = ""  # why it is no graph
        self.layouts: list[int] | None = None  # of what is returned
        self.native: Any = None  # programs made of segments (`kernels.py`)

    def _contents(self) -> list[bytes]:
        """What the tensors hold that the function reads by name: what it computes of them is constant in a graph."""
        tensors = self.reach.tensors.values()
        if sum(t.nbytes for t in tensors) > MOST_CONSTANT or any(t.is_sparse for t in tensors):
            raise Unseen("it reads large tensors by name")
        return [np.ascontiguousarray(reading.array_of(t.detach())).tobytes() for t in tensors]

    def holds(self) -> bool:
        """Whether all that the function reads beside its arguments is what it was."""
        return self.reach.unchanged() and (not self.reach.tensors or self._contents() == self.contents)

    def node(self, key: Any, slots: Sequence[int]) -> Node:
        found = self.nodes.get(key)
        if found is None:
            if len(self.nodes) >= MOST_NODES:
                raise Unseen("there are too many states")
            found = self.nodes[key] = Node(len(self.nodes), slots)
        if found.slots != tuple(slots):
            raise Unseen("a state has other tensors")
        return found

    def edges(self) -> int:
        """How many ways have been seen."""
        return sum(len(node.edges) for node in self.nodes.values())

    def put(self, node: Node | None, answer: bool, segment: Segment) -> None:
        """Note an edge that was seen, or what leads to the first look."""
        known = self.start if node is None else node.edges.get(answer)
        if known is not None:
            if not known.same(segment):
                raise Unseen("it does something else in what looks like the same state")
            return
        if node is None:
            self.start = segment
        else:
            node.edges[answer] = segment


class Recorder:
    """What happens in one call for one lane: what `rules` tells of, and what answers looks."""

    flow: Flow
    stop: Any
    thread: int
    unseen: str

    def __init__(self, flow: Flow, inputs: Sequence[Any], stop: Any) -> None:
        self.flow, self.stop, self.thread = flow, stop, threading.get_ident()
        self._modes = _modes()
        self._held: list[Any] = list(inputs)  # so that no object is another's meanwhile
        self._viewed: set[int] = set()  # tensors that have views, or are some
        self._segment = Segment(len(inputs))
        self._values: dict[int, int] = {id(x): k for k, x in enumerate(inputs)}
        self._viewed.update(self._values)
        self._node: Node | None = None
        self._answer = False
        self.unseen = ""

    def fail(self, why: str) -> None:
        """Nothing is noted from here on; the call goes on."""
        self.unseen = self.unseen or why

    # ------------------------------------------------------------ what `rules` tells

    def did(self, op: Operation, given: Sequence[Any], attributes: Any, result: Any, writes: bool = False) -> None:
        """An operation on lanes was done."""
        if self.unseen:
            return
        if _modes() != self._modes or result._levels != (1,):
            return self.fail("it changes a mode on its way, or has a vmap in it")
        if writes:
            if id(given[0]) in self._viewed or op.inplace_of is None or op.inplace_of.kind != "elementwise":
                return self.fail(f"{op.name} writes to a tensor that has other names")
            op, target = op.inplace_of, layouts.all[given[0]._layout]
            plan = planner.plan(op, tuple(kinds.layouts_of(op, given)), tuple(attributes))
            if plan.out.dtype is not target.dtype or plan.out.shape != target.shape:
                return self.fail("it writes to a tensor of another kind")
        elif op.kind == "view":
            self._viewed.update((id(given[0]), id(result)))
        if op.kind == "callback" or op.name.startswith("custom."):
            return self.fail(f"it uses {op.name}, which is this program's own")
        operands = tuple([self._operand(x) for x in given])
        if self.unseen:
            return
        self._segment.code.append(Instruction(op, operands, tuple(attributes), result._layout))
        self._held.append(result)
        self._values[id(result)] = self._segment.slots + len(self._segment.code) - 1

    def made(self, x: Any, of: Any) -> None:
        """Each lane was given a tensor that is this one."""
        if not self.unseen:
            number = self._operand(of)
            self._values[id(x)] = number
            self._held.append(x)

    def _operand(self, x: Any) -> int:
        if type(x) is Batched:
            found = self._values.get(id(x))
            if found is None:
                self.fail("it uses a tensor that its state does not show")
                return 0
            return found
        if isinstance(x, TensorBase):
            if x.requires_grad and modes.is_grad_enabled():
                self.fail("it uses a tensor that requires grad")
            if id(x) in self.flow.reach.tensors:
                return self._segment.constant(x, ("older", id(x)))
            if x.nbytes > MOST_CONSTANT:
                self.fail("it makes a large constant")
            told = (x._layout, np.ascontiguousarray(reading.array_of(x)).tobytes())
            return self._segment.constant(x.detach().clone(), told)
        plain = dtypes.number(x)
        return self._segment.constant(plain, (type(plain), repr(plain)))

    # ------------------------------------------------------------ looks

    def __call__(self, x: Any, truth: bool) -> Any:
        """What Python is answered that looks at a lane's number."""
        value = x._value
        if value.numel() != 1:
            raise errors.PerLane(errors.LANES_BRANCH)
        array = reading.array_of(value.detach()).reshape(-1)
        if x.dtype.arithmetic is not x.dtype:
            array = dtypes.decoded(array, x.dtype)
        found = dtypes.number(array[0])
        if not truth and type(found) is not bool:
            self.fail("it takes numbers out of lanes")
        if not self.unseen:
            try:
                self._look(x, bool(found))
            except Unseen as why:
                self.fail(str(why))
        return found

    def _look(self, x: Any, answer: bool) -> None:
        state = State(lambda y: id(y) in self.flow.older, lambda y: id(y) in self._viewed)
        state.key = state.slot(x), _modes()
        state.read(sys._getframe(3), self.stop)
        if not self.flow.reach.unchanged():
            state.key = Unlike()
        self.flow.kept += state.kept
        node = self.flow.node(state.key, [s._layout for s in state.slots])
        self._close(node, [self._found(s) for s in state.slots])
        self._node, self._answer = node, answer
        self._segment = Segment(len(state.slots))
        self._values = {id(s): k for k, s in enumerate(state.slots)}

    def _found(self, x: Any) -> int:
        found = self._values.get(id(x))
        if found is None:
            raise Unseen("its state has a tensor that came about in ways that are not followed")
        return found

    def _close(self, target: Node | None, results: Sequence[int], returned: Any = None) -> None:
        segment = self._segment
        segment.target, segment.results, segment.returned = target, list(results), returned
        self.flow.put(self._node, self._answer, segment)

    def returns(self, parts: Sequence[Any], returned: Any) -> None:
        """The function has returned these tensors."""
        if self.unseen:
            return
        results = [self._operand(x) for x in parts]
        if self.unseen:
            return
        found = [x._layout for x in parts]
        if self.flow.layouts is None:
            self.flow.layouts = found
        if found != self.flow.layouts:
            return self.fail("results are of several kinds")
        try:
            self._close(None, results, returned)
        except Unseen as why:
            self.fail(str(why))


def computed(segment: Segment, slots: Sequence[Any]) -> list[Any]:
    """What a segment computes of tensors: lanes of a level, or samples."""
    values = list(slots)
    for op, operands, attributes, _ in segment.code:
        given = [segment.constants[~b] if b < 0 else values[b] for b in operands]
        if op.kind == "view":
            made = dispatch.apply_view(op, given[0], attributes, record=op.name != "detach")
        else:
            made = dispatch.apply(op, given, attributes)
        values.append(made)
    return [segment.constants[~b] if b < 0 else values[b] for b in segment.results]


def _modes() -> Any:
    return modes.is_grad_enabled(), dtypes.default_dtype()
