"""The arguments of one call over a batch, and what it returns: what goes into a level, and what comes out."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad.autograd import modes
from tapegrad.lanes.batched import Batched, Level, entered, left, level
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import TreeSpec, flattened_like, tree_flatten, tree_structure, tree_unflatten


class Samples:
    """The arguments of one call, and their batch axes."""

    leaves: list[Any]
    spec: TreeSpec

    def __init__(self, name: str, in_dims: Any, args: tuple[Any, ...]) -> None:
        head = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
        if not isinstance(in_dims, (int, tuple)):
            raise ValueError(f"{head}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
                             f"structure of inputs, got: {type(in_dims)}.")
        if not args:
            raise ValueError(f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
                             "trying to vmap over a function with no inputs. The latter is unsupported.")
        self.leaves, self.spec = tree_flatten(args)
        try:
            dims = flattened_like(self.spec, in_dims, broadcast=True)
        except ValueError:
            raise ValueError(
                f"{head}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
                f"{tree_structure(in_dims)} but inputs has structure {self.spec}.") from None
        self.dims: list[int | None] = [_wrapped(head, x, d) for x, d in zip(self.leaves, dims)]
        mapped = [x.shape[d] for x, d in zip(self.leaves, self.dims) if d is not None]
        if not mapped:
            raise ValueError("vmap: Expected at least one Tensor to vmap over")
        if len(set(mapped)) > 1:
            raise ValueError("vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                             f"{mapped} for the mapped dimension")
        self.size: int = mapped[0]

    def parts(self, chunk_size: int | None) -> list[list[Any]]:
        """The arguments of each chunk of the batch."""
        if chunk_size is None or chunk_size >= self.size:
            return [self.leaves]
        return [[x if d is None else x.narrow(d, start, min(chunk_size, self.size - start))
                 for x, d in zip(self.leaves, self.dims)] for start in range(0, self.size, chunk_size)]

    def of(self, func: Callable[..., Any], randomness: str, leaves: list[Any], name: str, out_dims: Any,
           looks: Any = None) -> Any:
        """What the function returns, of the arguments of a chunk: the leaves, where their axis is, how it is built."""
        size = next(x.shape[d] for x, d in zip(leaves, self.dims) if d is not None)
        with level(size, randomness) as of:
            of.looks = looks
            args = tree_unflatten([x if d is None else entered(x, d, of) for x, d in zip(leaves, self.dims)], self.spec)
            with modes.set_grad_enabled(modes.is_grad_enabled()):
                returned = func(*args)
            return left_by(name, out_dims, returned, of)


def _wrapped(head: str, x: Any, d: Any) -> int | None:
    """The batch axis of one argument."""
    if d is None:
        return None
    if type(d) is not int:
        raise ValueError(f"{head}: Got in_dim={d} for an input but in_dim must be either an integer dimension or None.")
    if not isinstance(x, Tensor):
        raise ValueError(f"{head}: Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over "
                         "non-Tensor arguments, please use None as the respective in_dim")
    if not -x.ndim <= d < x.ndim:
        raise ValueError(f"{head}: Got in_dim={d} for some input, but that input is a Tensor of dimensionality "
                         f"{x.ndim} so expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}.")
    return d % x.ndim


def left_by(name: str, out_dims: Any, returned: Any, of: Level) -> tuple[list[Any], list[int | None], TreeSpec]:
    """The results with the batch as an axis, which axis it is, and how they are built."""
    parts, spec = tree_flatten(returned)
    for x in parts:
        if not isinstance(x, Tensor):
            raise ValueError(f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}. Did you mean "
                             "to set out_dims= to None for output?")
    if spec.is_leaf() and isinstance(out_dims, tuple) and len(out_dims) == 1:
        (out_dims,) = out_dims
    try:
        dims = flattened_like(spec, out_dims, broadcast=True)
        if not all(d is None or type(d) is int for d in dims):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
            f"`outputs`. out_dims has structure {tree_structure(out_dims)} but outputs has structure {spec}.") from None
    found, axes = [], []
    for x, d in zip(parts, dims):
        if d is None:
            if type(x) is Batched and of.number in x._levels:
                raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        else:
            if not -x.ndim - 1 <= d <= x.ndim:
                raise IndexError(f"Dimension out of range (expected to be in range of [{-x.ndim - 1}, {x.ndim}], but "
                                 f"got {d})")
            d %= x.ndim + 1
            x = left(x, of, d)
        found.append(x)
        axes.append(d)
    return found, axes, spec
