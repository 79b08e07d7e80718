"""Classes that answer for the functions of this package (`torch.overrides`): `__torch_function__`.

>>> import tapegrad as torch
>>> class Metres:
...     def __init__(self, value): self.value = value
...     @classmethod
...     def __torch_function__(cls, func, types, args=(), kwargs=None):
...         plain = [a.value if isinstance(a, cls) else a for a in args]
...         return cls(func(*plain, **(kwargs or {})))
>>> torch.add(Metres(torch.ones(2)), 1).value
tensor([2., 2.])
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from tapegrad.namespaces import show_public
from tapegrad.signatures import overriding
from tapegrad.tensor import Tensor

__all__ = ["TorchFunctionMode", "get_default_nowrap_functions", "handle_torch_function", "has_torch_function",
           "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property",
           "resolve_name", "wrap_torch_function"]
show_public(__name__)


def _asked(x: Any) -> bool:
    kind = type(x)
    return kind not in overriding.silent and kind is not Tensor and (
        overriding.overrides(kind) or (isinstance(x, Tensor) and kind._spreads))


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of some arguments is asked what a call gives (`torch.overrides.has_torch_function`).

    >>> import tapegrad
    >>> has_torch_function((tapegrad.ones(1), 2))
    False

    Instances of subclasses of Tensor are, as are those of any class with `__torch_function__`; never in a block that
    disables it.
    """
    return overriding.thread.asks and any(map(_asked, relevant_args))


def has_torch_function_unary(x: Any) -> bool:
    """`has_torch_function` of one argument (`torch.overrides.has_torch_function_unary`).

    >>> has_torch_function_unary(1.5)
    False
    """
    return has_torch_function((x,))


def has_torch_function_variadic(*args: Any) -> bool:
    """`has_torch_function` of these arguments (`torch.overrides.has_torch_function_variadic`).

    >>> has_torch_function_variadic(1.5, "sum")
    False
    """
    return has_torch_function(args)


def handle_torch_function(public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
                          ) -> Any:
    """What the arguments that are asked say a call gives (`torch.overrides.handle_torch_function`).

    >>> class Says:
    ...     @classmethod
    ...     def __torch_function__(cls, func, types, args=(), kwargs=None):
    ...         return f"{func.__name__} of {len(args)}"
    >>> def mixed(a, b): return handle_torch_function(mixed, (a, b), a, b)
    >>> mixed(1, Says())
    'mixed of 2'

    TypeError where each of them returns NotImplemented.
    """
    given = tuple(relevant_args)
    found = overriding.answering(given) or [x for x in given if _asked(x)][:1]
    answer = overriding.first_answer(public_api, found, args, kwargs)
    if answer is overriding.NO_ANSWER:
        name = f"{getattr(public_api, '__module__', '')}.{getattr(public_api, '__name__', public_api)}"
        raise TypeError(f"no implementation found for '{name}' on types that implement __torch_function__: "
                        f"{[*map(type, found)]}")
    return answer


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function ask those of its arguments that `dispatcher` returns (`torch.overrides.wrap_torch_function`).

    >>> @wrap_torch_function(lambda a: (a,))
    ... def doubled(a): return a * 2
    >>> doubled(3)
    6
    """
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            asked = dispatcher(*args, **kwargs)
            if has_torch_function(asked):
                return handle_torch_function(wrapped, asked, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return wrap


def is_tensor_like(inp: Any) -> bool:
    """Whether something is a tensor, or answers for functions of tensors (`torch.overrides.is_tensor_like`).

    >>> import tapegrad
    >>> is_tensor_like(tapegrad.ones(1)), is_tensor_like([1.0])
    (True, False)
    """
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is one that is called on tensors (`torch.overrides.is_tensor_method_or_property`).

    >>> import tapegrad
    >>> is_tensor_method_or_property(tapegrad.Tensor.add), is_tensor_method_or_property(tapegrad.add)
    (True, False)
    """
    name = getattr(func, "__name__", "")
    return name in ("__get__", "__set__", "__delete__") or getattr(Tensor, name, None) is func


def resolve_name(f: Callable[..., Any]) -> str:
    """Where PyTorch's users find a function (`torch.overrides.resolve_name`).

    >>> import tapegrad
    >>> resolve_name(tapegrad.nn.functional.relu)
    'torch.nn.functional.relu'
    """
    return f"torch.{overriding.name_of(f)}"


def get_default_nowrap_functions() -> set[Callable[..., Any]]:
    """What of `Tensor` gives plain tensors for instances of subclasses too (`torch.overrides`).

    >>> import tapegrad
    >>> tapegrad.Tensor.grad.__get__ in get_default_nowrap_functions()
    True
    """
    return overriding.undressed()


class TorchFunctionMode:
    """A block in which a class is asked about every call (`torch.overrides.TorchFunctionMode`): is not there.

    >>> with TorchFunctionMode(): pass
    Traceback (most recent call last):
        ...
    NotImplementedError: TorchFunctionMode: calls of native code ask nobody; let the class of an argument answer

    Entering one raises NotImplementedError.
    """

    def __enter__(self) -> NoReturn:
        raise NotImplementedError("TorchFunctionMode: calls of native code ask nobody; let the class of an argument "
                                  "answer")

    def __exit__(self, *error: Any) -> None:
        pass
