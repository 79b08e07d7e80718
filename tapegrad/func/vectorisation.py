"""A function of one sample made one of a batch (`torch.func.vmap`).

The function is called once a sample, and what it returns is stacked: whatever it does, the batch's result is that of
its samples, derivatives included. Operations on small tensors cost little here; a rule an operation for whole
batches would have to be right for each of them.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import random
from tapegrad.autograd import modes
from tapegrad.functions import PUBLIC
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import TreeSpec, flattened_like, tree_flatten, tree_structure, tree_unflatten

_stack = PUBLIC["stack"]


class Samples:
    """The arguments of one call, taken apart along their batch axes."""

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

    def sample(self, i: int) -> Any:
        """The arguments for one sample."""
        return tree_unflatten((x if d is None else x.select(d, i) for x, d in zip(self.leaves, self.dims)), self.spec)

    def of(self, func: Callable[..., Any], randomness: str) -> list[Any]:
        """What the function returns for each sample; for an empty batch, for a sample of zeros."""
        if not self.size:
            self.leaves = [x if d is None else x.new_zeros([1 if a == d else n for a, n in enumerate(x.shape)])
                           for x, d in zip(self.leaves, self.dims)]
        shared = [(x, x._version) for x, d in zip(self.leaves, self.dims) if d is None and isinstance(x, Tensor)]
        found = []
        with random.for_batches(randomness) as begin:
            for i in range(self.size or 1):
                begin()
                with modes.set_grad_enabled(modes.is_grad_enabled() and self.size > 0):
                    found.append(func(*self.sample(i)))
                if self.size > 1 and any(x._version != version for x, version in shared):
                    raise RuntimeError(
                        "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor "
                        "`self` that is the same for the whole batch, and would be written once for each sample of it. "
                        "Please try to use out-of-place operators instead of inplace arithmetic.")
        return found


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


def joined(name: str, out_dims: Any, found: list[Any], size: int) -> Any:
    """The results of all samples as one."""
    parts, spec = tree_flatten(found[0])
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
    columns = list(zip(*(flattened_like(spec, x) for x in found)))
    return tree_unflatten([_column(name, column, d, size) for column, d in zip(columns, dims)], spec)


def _column(name: str, column: tuple[Any, ...], d: Any, size: int) -> Any:
    """One result of all samples, with the batch's axis at `d`."""
    first = column[0]
    if d is None:
        if any(x is not first and not _same(x, first) for x in column):
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
        return first
    if size:
        return _stack(column, d)
    found = _stack([first], d)
    return found.narrow(d, 0, 0)


def _same(x: Any, y: Any) -> bool:
    return x.shape == y.shape and x.dtype is y.dtype and PUBLIC["equal"](x, y)
