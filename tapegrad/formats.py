"""Names for how a tensor's elements lie: `torch.strided` and the other layouts, `torch.channels_last` and its kin."""
from __future__ import annotations

from typing import Any


class _Name:
    """One of a few values that are compared by identity and print as PyTorch's."""

    __slots__ = {"name": "What PyTorch calls it."}
    name: str

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:
        return _named, (self.name,)


class layout(_Name):
    """How the elements are kept (`torch.layout`): tensors here are `strided`, the others are names.

    >>> strided
    torch.strided
    """

    __slots__ = ()


class memory_format(_Name):
    """In which order the axes lie in memory (`torch.memory_format`).

    >>> channels_last
    torch.channels_last
    """

    __slots__ = ()


LAYOUTS = {name: layout(name) for name in
           ["strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged"]}
FORMATS = {name: memory_format(name) for name in
           ["contiguous_format", "preserve_format", "channels_last", "channels_last_3d"]}
strided: layout
sparse_coo: layout
sparse_csr: layout
sparse_csc: layout
sparse_bsr: layout
sparse_bsc: layout
jagged: layout
contiguous_format: memory_format
preserve_format: memory_format
channels_last: memory_format
channels_last_3d: memory_format
strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, jagged = LAYOUTS.values()
contiguous_format, preserve_format = FORMATS["contiguous_format"], FORMATS["preserve_format"]
channels_last, channels_last_3d = FORMATS["channels_last"], FORMATS["channels_last_3d"]
# The order in which the axes lie, from the outermost: of tensors with as many axes.
ORDERS: dict[Any, tuple[int, ...]] = {channels_last: (0, 2, 3, 1), channels_last_3d: (0, 2, 3, 4, 1)}


def _named(name: str) -> _Name:
    return (LAYOUTS | FORMATS)[name]


def order(wanted: Any, rank: int) -> tuple[int, ...] | None:
    """The order of axes that a memory format asks of a tensor; None where it asks for rows or leaves what there is.

    RuntimeError for a tensor that has another number of axes, TypeError for what is no memory format.
    """
    if wanted is None or wanted is contiguous_format or wanted is preserve_format:
        return None
    if not isinstance(wanted, memory_format):
        raise TypeError(f"argument 'memory_format' must be torch.memory_format, not {type(wanted).__name__}")
    if len(ORDERS[wanted]) != rank:
        raise RuntimeError(f"required rank {len(ORDERS[wanted])} tensor to use {wanted.name} format")
    return ORDERS[wanted]


def strides(wanted: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a dense tensor of this shape whose axes lie as a memory format asks.

    >>> strides(channels_last, (1, 2, 3, 4))
    (24, 1, 8, 2)
    """
    axes = order(wanted, len(shape))
    found, step = [0] * len(shape), 1
    for d in reversed(axes or range(len(shape))):
        found[d] = step
        step *= max(shape[d], axes is None)  # of no elements, PyTorch's are 0 beyond the axis that has none
    return tuple(found)


def suggested(shape: tuple[int, ...], lies: tuple[int, ...]) -> memory_format:
    """The format that strides speak of (`suggest_memory_format`): of axes of one element they say something, too.

    >>> suggested((2, 1, 3, 4), (12, 1, 4, 1)), suggested((2, 1, 3, 4), (12, 12, 4, 1))
    (torch.channels_last, torch.contiguous_format)
    """
    for wanted, axes in ORDERS.items():
        if len(axes) == len(shape) and lies[1] and _run_outwards(shape, lies, axes):
            return wanted
    return contiguous_format


def _run_outwards(shape: tuple[int, ...], lies: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether strides grow along these axes, which are told from the outermost, as they do with channels last."""
    least = 0
    for d in reversed(axes):
        if not shape[d] or lies[d] < least or (d == 0 and least == lies[1]):
            return False
        least = lies[d] * shape[d]
    return True
