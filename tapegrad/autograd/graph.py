"""`grad_fn`: nodes of the graph as PyTorch shows them, made on demand as views of the tape."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from tapegrad.autograd import engine, recorded_adjoints
from tapegrad.autograd.edges import GradientEdge
from tapegrad.autograd.reverse_replay import inputs_of_node
from tapegrad.autograd.saved_values import SAVED, SavedTensor, of_instruction
from tapegrad.devices import CPU
from tapegrad.machine import records as rec
from tapegrad.machine.live import instructions, machine
from tapegrad.machine.planning import KEEPS_RESULT
from tapegrad.namespaces import show_public
from tapegrad.tape import history, hooks, reading
from tapegrad.tape.reading import instruction_of, operands_of, plan_of

__all__ = ["GradientEdge", "Node", "get_gradient_edge", "increment_version", "register_multi_grad_hook"]
show_public(__name__)

_nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
_classes: dict[tuple[str, type], type] = {}
# What PyTorch composes of two nodes, the second of which takes a number: 2 / x is 1 / x, times 2.
_INNER = {("div", "MulBackward0"): "ReciprocalBackward0"}


_ORDER = "sequence number"


class InputMetadata:
    """What a gradient that arrives at a node is like."""

    __slots__ = ("device", "dtype", "is_nested_tensor", "is_tensor_subclass", "shape")

    def __init__(self, like: Any) -> None:
        self.shape, self.dtype, self.device = like.shape, like.dtype, CPU
        self.is_nested_tensor = self.is_tensor_subclass = False


class Node:
    """One node of the graph (`torch.autograd.graph.Node`): an instruction of the tape, or a leaf's accumulator.

    >>> import tapegrad
    >>> x = tapegrad.ones(2, requires_grad=True)
    >>> (x * x).grad_fn.name()
    'MulBackward0'
    """

    __slots__ = ("__weakref__", "_row", "_tensor")

    def __init__(self, row: int) -> None:
        self._row = row
        self._tensor = machine.call.tensor_of(row, recorded_adjoints.tensor_type())  # keeps the row

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        """Whether a class is one of nodes, as PyTorch's answers it, whose nodes have no base class in common."""
        return cls in other.__mro__

    @property
    def metadata(self) -> dict[Any, Any]:
        """What is to be remembered with this node, whatever it is."""
        return hooks.metadata_of(self._row)

    def name(self) -> str:
        """The node's name, as PyTorch has it."""
        own = type(self).__name__
        return own if own[-1].isdigit() else f"torch::autograd::{own}"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes that take this one's gradients, with the number of the output they stand for."""
        t = instruction_of(self._row)
        if t is None:
            return ()
        rows, needs = operands_of(t)
        if plan_of(t).op.name == "_composed":
            return tuple((node_of(row), output_number(row)) if row else (None, 0) for row in reading.composed_of(t))
        inner = _INNER.get((plan_of(t).op.name, self.name()))
        if inner is not None:
            return ((_class_of(inner, Inner)(self), 0), (None, 0))
        if plan_of(t).op.kind == "rebase":  # the operation on the view hides behind the base's node
            written, base = rows
            hidden = node_of(written)
            return ((node_of(base) if needs & 2 else None, 0), *(hidden.next_functions[1:] if hidden else ()))
        return tuple(
            (node_of(rows[j]), output_number(rows[j])) if needs >> j & 1 else (None, 0)
            for j in inputs_of_node(plan_of(t), rows, needs)
        )

    def __call__(self, *grad_outputs: Any, **named: Any) -> Any:
        """The gradients of this node's inputs for those of its outputs: its step of a backward, without hooks.

        >>> import tapegrad
        >>> x = tapegrad.tensor(3.0, requires_grad=True)
        >>> (x * x).grad_fn(tapegrad.tensor(1.0))
        (tensor(3., grad_fn=<MulBackward0>), tensor(3., grad_fn=<MulBackward0>))

        TypeError for another number of gradients than there are outputs, RuntimeError where what backward reads was
        freed, or written to since.
        """
        from tapegrad.autograd import node_calls

        if named:
            raise TypeError("keyword arguments are not supported")
        return node_calls.called(self._row, grad_outputs)

    def register_hook(self, hook: Callable[..., Any]) -> hooks.RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after this node; a tuple that it returns replaces `grad_inputs`."""
        handle = hooks.RemovableHandle(self._attached().posthooks, hook)
        with machine.pinned():
            t = instruction_of(self._row)
            if t is not None and plan_of(t).op.name == "_composed":
                hooks.watch_operands(self._row)
        return handle

    def register_prehook(self, hook: Callable[..., Any]) -> hooks.RemovableHandle:
        """Call `hook(grad_outputs)` before this node; a tuple that it returns replaces `grad_outputs`."""
        return hooks.RemovableHandle(self._attached().prehooks, hook)

    def _attached(self) -> hooks.Attached:
        hooks.watch(self._row)
        return hooks.attached(self._row)

    def __getattr__(self, name: str) -> Any:
        """`_saved_self`, `_saved_other`, `_saved_result`, …: what this node kept; `_raw_saved_self`: where it does."""
        kept = SAVED.get(name.removeprefix("_raw"))
        t = None if kept is None else instruction_of(self._row)
        if t is None or kept is None or (kept != KEEPS_RESULT and kept >= len(plan_of(t).operands)):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        saved = SavedTensor(of_instruction, self, kept)
        return saved if name.startswith("_raw") else saved._value()

    def _sequence_nr(self) -> int:
        """The node's place in the order of recording."""
        given = self.metadata.get(_ORDER) if hooks.find(self._row) else None
        return (instruction_of(self._row) or 0) if given is None else given

    def _set_sequence_nr(self, number: int) -> None:
        """Let the node say that this is its place; the order of a backward does not depend on it."""
        self.metadata[_ORDER] = number

    @property
    def _input_metadata(self) -> list[Any]:
        """What the gradients that arrive here are like: shape, dtype, device."""
        with machine.pinned():
            outputs = sorted((output_number(row), row) for row in (
                int(instructions["out"][t]) for t in reading.outputs_of(self._row)))
        rows = [row for _, row in outputs] or [self._row]
        return [InputMetadata(machine.call.tensor_of(row, recorded_adjoints.tensor_type())) for row in rows]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"


class Inner(Node):
    """The first of two nodes that are one instruction here: it can be looked at, and has no hooks."""

    __slots__ = ("_outer",)

    def __init__(self, outer: Node) -> None:
        super().__init__(outer._row)
        self._outer = outer

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        t = instruction_of(self._row)
        row = operands_of(t)[0][-1] if t is not None else 0
        return ((node_of(row), output_number(row)),)

    def __call__(self, *grad_outputs: Any, **named: Any) -> Any:
        raise RuntimeError(f"{self.name()} is part of {self._outer.name()} here, which can be called")

    def _attached(self) -> hooks.Attached:
        raise RuntimeError(f"{self.name()} is part of {self._outer.name()} here, which takes hooks")


class AccumulateGrad(Node):
    """The end of the graph at a leaf: what arrives here is added to `variable.grad`."""

    __slots__ = ()

    @property
    def variable(self) -> Any:
        return self._tensor


def _class_of(name: str, base: type) -> Any:
    """The class of nodes of a name."""
    kind = _classes.get((name, base))
    if kind is None:
        kind = _classes[name, base] = type(name, (base,), {"__slots__": ()})
    return kind


def output_number(row: int) -> int:
    """Which output of its node a value is."""
    t = instruction_of(row)
    return 0 if t is None else reading.output_number(t)


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """Where the gradient of a tensor arrives, be the tensor written to later (`torch.autograd.graph`).

    >>> import tapegrad
    >>> x = tapegrad.ones(2, requires_grad=True)
    >>> y = x * 2
    >>> edge = get_gradient_edge(y); z = y.exp().sum() + y.mul_(3).sum()
    >>> tapegrad.autograd.grad(z, edge)
    (tensor([10.3891, 10.3891]),)

    Raises RuntimeError for a tensor that does not require grad.
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(tensor.grad_fn or node_of(tensor._buffer), tensor.output_nr)


def increment_version(tensor: Any) -> None:
    """Count a write to a tensor, or to each of several (`torch.autograd.graph.increment_version`).

    >>> import tapegrad as torch
    >>> x = torch.ones(2)
    >>> torch.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    for x in (tensor,) if isinstance(tensor, machine.TensorBase) else tensor:
        history.count_writes(int(machine.buffers["owner"][x._buffer]))


class _MultiHandle:
    """Takes the hooks of several tensors out again."""

    def __init__(self, handles: tuple[hooks.RemovableHandle, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _MultiHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[..., Any], *, mode: str = "all") -> _MultiHandle:
    """Call `fn` once a backward with the gradients of several tensors (`torch.autograd.graph`).

    >>> import tapegrad
    >>> x, y = tapegrad.ones(2, requires_grad=True), tapegrad.ones(2, requires_grad=True)
    >>> handle = register_multi_grad_hook((x, y), print)
    >>> (x * 2).sum().backward()
    [tensor([2., 2.]), None]

    It is called when those that the backward reaches have theirs; the others' are None. With `mode="any"` it is called
    with the first.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if any(node_of(x._buffer) is None for x in tensors):
        raise AssertionError("Expected gradient function to be set")
    gathered: dict[int, list[Any]] = {}  # by sweep: gradients, and how many are still to come

    def hook(position: int) -> Callable[[Any], None]:
        def gather(gradient: Any) -> None:
            sweep = engine.current_sweep()
            if sweep.number not in gathered:
                expected = sum(_is_told(sweep, x._buffer) for x in tensors)
                gathered.clear()
                gathered[sweep.number] = [[None] * len(tensors), expected]
                if mode == "any":
                    fn(gradient)
            found = gathered[sweep.number]
            found[0][position] = gradient
            found[1] -= 1
            if mode == "all" and not found[1]:
                fn(found[0])

        return gather

    return _MultiHandle(tuple([x.register_hook(hook(i)) for i, x in enumerate(tensors)]))


def _is_told(sweep: Any, row: int) -> bool:
    """Whether a sweep calls the hooks of a row: it calls those of all outputs of a node when it reaches one of them."""
    with machine.pinned():
        t = instruction_of(row)
        rows = (row,) if t is None else (row, reading.node_row(t))
    return any(sweep.marks[i] & rec.NEEDED for i in rows)


def node_of(row: int) -> Node | None:
    """The node of a value's row: one object as long as it is held, None where no gradient flows."""
    with machine.pinned():  # instructions move when another thread reclaims the tape
        t = instruction_of(row)
        if t is not None and plan_of(t).op.kind == "view":
            row = reading.node_row(t)
            t = instruction_of(row)
        plan = None if t is None else plan_of(t)
        first = operands_of(t)[0][0] if t is not None and plan is not None and plan.op.kind == "callback" else 0
    found = _nodes.get(row)
    if plan is None and hooks.is_cut_off(row):
        return None
    if plan is not None and plan.op.kind == "callback":
        kept = hooks.find(first if plan.op.name == "_output" else row)
        if kept and not kept.callback._shows:
            return node_of(first)
        return kept.callback if kept else None
    name = AccumulateGrad.__name__ if plan is None else plan.grad_name
    if found is None or type(found).__name__ != name:
        if not machine.buffers[row]["flags"] & rec.REQUIRES_GRAD:
            return None
        found = AccumulateGrad(row) if plan is None else _class_of(name, Node)(row)
        _nodes[row] = found
    return found
