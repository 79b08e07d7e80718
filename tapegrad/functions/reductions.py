"""Functions of rows: reductions with positions, softmax."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import dispatch, shapes
from tapegrad.dispatch import apply
from tapegrad.functions.common import METHODS, PUBLIC, expect_tensor, kind_name, named, operation
from tapegrad.tensor import Tensor


def _extreme(name: str, argument: str) -> Callable[..., Any]:
    """max and min: over everything, of two tensors, or with positions along `dim`."""

    def extreme(input: Any, *args: Any, **kwargs: Any) -> Any:
        expect_tensor(name, input)
        other = kwargs.pop("other", args[0] if args and isinstance(args[0], Tensor) else None)
        if other is not None:
            return apply(operation(name + "imum"), (input, other))
        if not args and "dim" not in kwargs:
            if 0 in input.shape:
                raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify "
                                   "the reduction dim with the 'dim' argument.")
            return apply(operation(name), (input,), (("dim", tuple(range(input.ndim))), ("keepdim", False)), teach=True)
        dim, keepdim = (*args, *[kwargs[k] for k in ("dim", "keepdim") if k in kwargs], False)[:2]
        indices = apply(operation(argument), (input,), (("dim", (shapes.wrap_dim(dim, input.ndim),)[:input.ndim]),
                                                  ("keepdim", True)))
        values = apply(operation("pick"), (input, indices), (("dim", shapes.wrap_dim(dim, input.ndim)),
                                                       ("named", name))) if input.ndim else input.clone()
        if not keepdim and input.ndim:
            values, indices = values.squeeze(dim), indices.squeeze(dim)
        return named(name, values=values, indices=indices)

    extreme.__name__ = name
    return extreme


def _argument(name: str) -> None:
    def function(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        expect_tensor(name, input)
        if dim is None and 0 in input.shape:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        dims = tuple(range(input.ndim)) if dim is None else (shapes.wrap_dim(dim, input.ndim),)[:input.ndim]
        return apply(operation(name), (input,), (("dim", dims), ("keepdim", keepdim)),
                     teach=dim is None and not keepdim)

    dispatch.set_function(operation(name), function)


_argument("argmax")
_argument("argmin")


def _softmax(name: str) -> None:
    def function(input: Any, dim: Any = None, dtype: Any = None, _stacklevel: int = 3) -> Any:
        expect_tensor(name, input)
        if dim is None:
            raise TypeError(f"{name}() missing 1 required positional arguments: \"dim\"")
        if dtype is not None:
            input = input.to(dtype)
        dims = (shapes.wrap_dim(dim, input.ndim),)[:input.ndim]
        if not input.dtype.is_floating_point:
            raise NotImplementedError(f'"{name}_lastdim_kernel_impl" not implemented for \'{kind_name(input)}\'')
        return apply(operation(name), (input,), (("dim", dims),))

    dispatch.set_function(operation(name), function)


_softmax("softmax")
_softmax("log_softmax")


PUBLIC["max"] = METHODS["max"] = _extreme("max", "argmax")
PUBLIC["min"] = METHODS["min"] = _extreme("min", "argmin")
