"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from collections.abc import Callable, Sequence
from tapegrad.tape import hooks
from tapegrad.autograd.edges import GradientEdge as GradientEdge
from tapegrad.autograd.saved_tensors import allow_mutation_on_saved_tensors as allow_mutation_on_saved_tensors
from tapegrad.autograd.saved_tensors import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from tapegrad.autograd.saved_tensors import save_on_cpu as save_on_cpu
from tapegrad.autograd.saved_tensors import saved_tensors_hooks as saved_tensors_hooks

__all__: list[str]

class InputMetadata():
    r"""What a gradient that arrives at a node is like."""
    def __init__(self, like: Any) -> None: ...

class Node():
    r"""One node of the graph (`torch.autograd.graph.Node`): an instruction of the tape, or a leaf's accumulator.

    >>> import tapegrad
    >>> x = tapegrad.ones(2, requires_grad=True)
    >>> (x * x).grad_fn.name()
    'MulBackward0'"""
    def __init__(self, row: int) -> None: ...
    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        r"""Whether a class is one of nodes, as PyTorch's answers it, whose nodes have no base class in common."""

    @property
    def metadata(self) -> dict[Any, Any]:
        r"""What is to be remembered with this node, whatever it is."""

    def name(self) -> str:
        r"""The node's name, as PyTorch has it."""

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        r"""The nodes that take this one's gradients, with the number of the output they stand for."""

    def __call__(self, *grad_outputs: Any, **named: Any) -> Any:
        r"""The gradients of this node's inputs for those of its outputs: its step of a backward, without hooks.

        >>> import tapegrad
        >>> x = tapegrad.tensor(3.0, requires_grad=True)
        >>> (x * x).grad_fn(tapegrad.tensor(1.0))
        (tensor(3., grad_fn=<MulBackward0>), tensor(3., grad_fn=<MulBackward0>))

        TypeError for another number of gradients than there are outputs, RuntimeError where what backward reads was
        freed, or written to since."""

    def register_hook(self, hook: Callable[..., Any]) -> hooks.RemovableHandle:
        r"""Call `hook(grad_inputs, grad_outputs)` after this node; a tuple that it returns replaces `grad_inputs`."""

    def register_prehook(self, hook: Callable[..., Any]) -> hooks.RemovableHandle:
        r"""Call `hook(grad_outputs)` before this node; a tuple that it returns replaces `grad_outputs`."""

    def __getattr__(self, name: str) -> Any:
        r"""`_saved_self`, `_saved_other`, `_saved_result`, …: what this node kept; `_raw_saved_self`: where it does."""

    def __repr__(self) -> str: ...

class Inner(Node):
    r"""The first of two nodes that are one instruction here: it can be looked at, and has no hooks."""
    def __init__(self, outer: Node) -> None: ...
    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]: ...
    def __call__(self, *grad_outputs: Any, **named: Any) -> Any: ...

class AccumulateGrad(Node):
    r"""The end of the graph at a leaf: what arrives here is added to `variable.grad`."""
    @property
    def variable(self) -> Any: ...

def output_number(row: int) -> int:
    r"""Which output of its node a value is."""

def get_gradient_edge(tensor: Any) -> GradientEdge:
    r"""Where the gradient of a tensor arrives, be the tensor written to later (`torch.autograd.graph`).

    >>> import tapegrad
    >>> x = tapegrad.ones(2, requires_grad=True)
    >>> y = x * 2
    >>> edge = get_gradient_edge(y); z = y.exp().sum() + y.mul_(3).sum()
    >>> tapegrad.autograd.grad(z, edge)
    (tensor([10.3891, 10.3891]),)

    Raises RuntimeError for a tensor that does not require grad."""

def increment_version(tensor: Any) -> None:
    r"""Count a write to a tensor, or to each of several (`torch.autograd.graph.increment_version`).

    >>> import tapegrad as torch
    >>> x = torch.ones(2)
    >>> torch.autograd.graph.increment_version(x)
    >>> x._version
    1"""

class _MultiHandle():
    r"""Takes the hooks of several tensors out again."""
    handles: tuple[hooks.RemovableHandle, ...]
    def __init__(self, handles: tuple[hooks.RemovableHandle, ...]) -> None: ...
    def remove(self) -> None: ...
    def __enter__(self) -> _MultiHandle: ...
    def __exit__(self, *error: object) -> None: ...

def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[..., Any], *, mode: str='all') -> _MultiHandle:
    r"""Call `fn` once a backward with the gradients of several tensors (`torch.autograd.graph`).

    >>> import tapegrad
    >>> x, y = tapegrad.ones(2, requires_grad=True), tapegrad.ones(2, requires_grad=True)
    >>> handle = register_multi_grad_hook((x, y), print)
    >>> (x * 2).sum().backward()
    [tensor([2., 2.]), None]

    It is called when those that the backward reaches have theirs; the others' are None. With `mode="any"` it is called
    with the first."""

def node_of(row: int) -> Node | None:
    r"""The node of a value's row: one object as long as it is held, None where no gradient flows."""

