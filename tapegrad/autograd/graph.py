"""`grad_fn`: nodes of the graph as PyTorch shows them, made on demand as views of the tape."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from tapegrad.autograd import engine
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine

_nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()
_classes: dict[str, type] = {}


class Node:
    """One node of the graph (`torch.autograd.graph.Node`): an instruction of the tape, or a leaf's accumulator.

    >>> import tapegrad
    >>> x = tapegrad.ones(2, requires_grad=True)
    >>> (x * x).grad_fn.name()
    'MulBackward0'
    """

    __slots__ = ("__weakref__", "_row", "_tensor", "metadata")

    def __init__(self, row: int) -> None:
        self._row = row
        self._tensor = machine.call.tensor_of(row, engine.tensor_type())  # keeps the row
        self.metadata: dict[Any, Any] = {}

    def name(self) -> str:
        """The node's name, as PyTorch has it."""
        own = type(self).__name__
        return own if own.endswith(("0", "1", "2", "3")) else f"torch::autograd::{own}"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes that take this one's gradients, with the number of the output they stand for."""
        t = engine.instruction_of(self._row)
        if t is None:
            return ()
        rows, needs = engine.operands_of(t)
        if engine.plan_of(t).op.kind == "rebase":  # the operation on the view hides behind the base's node
            written, base = rows
            hidden = node_of(written)
            return ((node_of(base) if needs & 2 else None, 0), *(hidden.next_functions[1:] if hidden else ()))
        wrapped = machine.buffers["flags"]
        return tuple(
            (node_of(row), 0) if needs >> j & 1 else (None, 0)
            for j, row in enumerate(rows) if needs >> j & 1 or not wrapped[row] & (rec.WRAPPED | rec.IMMORTAL)
        )

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        raise NotImplementedError("hooks on nodes are not supported; register the hook on the tensor")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"


class AccumulateGrad(Node):
    """The end of the graph at a leaf: what arrives here is added to `variable.grad`."""

    __slots__ = ()

    @property
    def variable(self) -> Any:
        return self._tensor


def node_of(row: int) -> Node | None:
    """The node of a value's row: one object as long as it is held, None where no gradient flows."""
    found = _nodes.get(row)
    t = engine.instruction_of(row)
    name = AccumulateGrad.__name__ if t is None else engine.plan_of(t).grad_name
    if found is None or type(found).__name__ != name:
        if not machine.buffers[row]["flags"] & rec.REQUIRES_GRAD:
            return None
        if t is None:
            found = AccumulateGrad(row)
        else:
            kind = _classes.get(name)
            if kind is None:
                kind = _classes[name] = type(name, (Node,), {"__slots__": ()})
            found = kind(row)
        _nodes[row] = found
    return found
