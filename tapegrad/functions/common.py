"""What the families of functions share: how a function is offered to users, and how arguments are checked."""
from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch, dtypes, errors, fallbacks
from tapegrad.dispatch import warn as warn
from tapegrad.machine.learning import lessons
from tapegrad.machine.live import machine, planner
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape import history
from tapegrad.tensor import Tensor

METHODS: dict[str, Callable[..., Any]] = {}
PUBLIC: dict[str, Callable[..., Any]] = {}
IN_PLACE: set[str] = set()  # of METHODS those that `in_place` made


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """Offer a function as `tapegrad.name`."""
    PUBLIC[function.__name__] = function
    return function


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Offer a function as `tapegrad.name` and as a method of its first argument."""
    METHODS[function.__name__] = function
    return public(function)


def operation(name: str) -> Operation:
    return REGISTRY[name]


def in_place(name: str, function: Callable[..., Any]) -> None:
    """Offer `name_`, which writes the result of a composed function over its first operand.

    Where that is recorded the function works on a copy: what it saved of the operand is about to be overwritten.
    """
    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = (self, *args, *kwargs.values())
        recorded = machine.call.is_recording(None) and any(isinstance(x, Tensor) and x.requires_grad for x in given)
        result = function(self.clone() if recorded else self, *args, **kwargs)
        if result.dtype.category > self.dtype.category:
            raise RuntimeError(f"result type {kind_name(result)} can't be cast to the desired output type "
                               f"{kind_name(self)}")
        if result.shape != self.shape:
            raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape "
                               f"{list(result.shape)}")
        node = result.grad_fn if recorded else None
        if node is None or not result.requires_grad:
            return self.copy_(result)
        return dispatch.apply_inplace(operation("copy_"), (self, result), node=type(node).__name__)

    method.__name__ = method.__qualname__ = name + "_"
    METHODS[name + "_"] = method
    IN_PLACE.add(name + "_")


def overrides(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function the Python side of an operation, instead of the one derived from its kind."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        fallbacks.set_function(REGISTRY[name], function)
        return function

    return register


def expect_tensor(name: str, x: Any, argument: str = "input", position: int = 1) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Tensor, not "
                        f"{errors.type_name(x)}")


def expect_tensors(given: Sequence[Any]) -> None:
    """TypeError, in PyTorch's words, if something in a list of tensors is none."""
    for place, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(x).__name__}")


def invalid_combination(name: str, *args: Any, **kwargs: Any) -> TypeError:
    """PyTorch's complaint about arguments that fit none of a function's signatures."""
    given = [_type_name(a) for a in args] + [f"{k}={_type_name(a)}" for k, a in kwargs.items()]
    return TypeError(f"{name}() received an invalid combination of arguments - got ({', '.join(given)})")


def _type_name(x: Any) -> str:
    if isinstance(x, (list, tuple)) and x:
        return f"{type(x).__name__} of {type(x).__name__}s"
    return "torch.dtype" if isinstance(x, dtypes.dtype) else type(x).__name__


def into(out: Any, result: Any, *read: Any, exact: bool = False) -> Any:
    """The result itself, or written to `out` where one was given.

    `read` are the operands that may not share memory with it; `exact` says that its dtype must be the result's.
    """
    if out is None:
        return result
    if not isinstance(out, Tensor):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if exact and out.dtype is not result.dtype:
        raise RuntimeError(f"Expected out tensor to have dtype {errors.C_NAMES[result.dtype.name]}, but got "
                           f"{errors.C_NAMES[out.dtype.name]} instead")
    history.check_writable(out, False)
    if read:
        lessons.refuse()  # where they lie is not in a recipe's key
    if any(out is x or dispatch.shares_memory(out, x) for x in read):
        raise RuntimeError(errors.READ_OVERLAP)
    return dispatch.into(out, result)


def into_each(out: Any, results: Sequence[Any], *read: Any, exact: bool = False) -> tuple[Any, ...]:
    """The same for a function's several results: one tensor is to be given for each."""
    if out is None:
        return tuple(results)
    if len(out) != len(results):
        raise TypeError(f"expected tuple of {len(results)} elements but got {len(out)}")
    return tuple([into(o, r, *read, exact=exact) for o, r in zip(out, results)])


def named(name: str, **fields: Any) -> Any:
    """Several results under names (`torch.return_types`)."""
    return _results(name, tuple(fields))(**fields)


@functools.cache
def _results(name: str, fields: tuple[str, ...]) -> Any:
    plain: Any = namedtuple(name, fields)  # type: ignore[misc]

    def show(self: Any) -> str:
        inside = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self))
        return f"torch.return_types.{name}(\n{inside})"

    return type(name, (plain,), {"__slots__": (), "__repr__": show, "__module__": "torch.return_types"})


def kind_name(x: Any) -> str:
    """A tensor's dtype as PyTorch's errors name it (Float, Long, …)."""
    return planner.name_of(x.dtype)
