"""TorchScript's names with its compiler off, as PyTorch has them under `PYTORCH_JIT=0`: what is marked stays Python.

`tapegrad.compile` is the compiler that there is. Archives of TorchScript are neither written nor read.

>>> import tapegrad as torch
>>> @torch.jit.script
... def scaled(x, by: float):
...     return x * by
>>> scaled(torch.ones(2), 3.0)
tensor([3., 3.])
"""
from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable
from typing import Any, Final, get_args, get_origin

from tapegrad.futures import Future
from tapegrad.namespaces import show_public
from tapegrad.nn import Module

__all__ = ["Attribute", "Final", "Future", "ScriptFunction", "ScriptModule", "TracerWarning", "annotate",
           "enable_onednn_fusion", "export", "fork", "freeze", "ignore", "interface", "is_scripting", "is_tracing",
           "isinstance", "onednn_fusion_enabled", "optimize_for_inference", "optimized_execution", "script",
           "script_if_tracing", "script_method", "set_fusion_strategy", "trace", "trace_module", "unused", "wait"]
show_public(__name__)


def script(obj: Any, optimize: Any = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> Any:
    """The function, class or module itself (`torch.jit.script`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.ReLU()
    >>> torch.jit.script(layer) is layer
    True
    """
    return obj


def trace(func: Any, example_inputs: Any = None, optimize: Any = None, check_trace: bool = True,
          check_inputs: Any = None, check_tolerance: float = 1e-5, strict: bool = True, _force_outplace: bool = False,
          _module_class: Any = None, _compilation_unit: Any = None, example_kwarg_inputs: Any = None,
          _store_inputs: bool = True) -> Any:
    """The function or module itself, which is not run (`torch.jit.trace`).

    >>> import tapegrad as torch
    >>> torch.jit.trace(torch.sin, torch.ones(2)) is torch.sin
    True
    """
    return func


def freeze(mod: Module, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True) -> Module:
    """The module itself, which must be in evaluation mode (`torch.jit.freeze`).

    >>> import tapegrad as torch
    >>> torch.jit.freeze(torch.nn.ReLU().eval())
    ReLU()
    """
    if mod.training:
        raise RuntimeError("Freezing is currently only implemented for modules in eval mode. "
                           "Please call .eval() before freezing")
    return mod


def optimize_for_inference(mod: Module, other_methods: list[str] | None = None) -> Module:
    """The module itself (`torch.jit.optimize_for_inference`).

    >>> import tapegrad as torch
    >>> torch.jit.optimize_for_inference(torch.nn.ReLU().eval())
    ReLU()
    """
    return mod


def export(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself (`torch.jit.export`).

    >>> import tapegrad as torch
    >>> torch.jit.export(len)
    <built-in function len>
    """
    return fn


def ignore(drop: Any = False, **options: Any) -> Any:
    """The function itself, as a decorator with arguments or without (`torch.jit.ignore`).

    >>> import tapegrad as torch
    >>> torch.jit.ignore(len), torch.jit.ignore(drop=True)(len)
    (<built-in function len>, <built-in function len>)
    """
    return drop if callable(drop) else export


script_if_tracing: Callable[..., Any] = export
script_method: Callable[..., Any] = export
unused: Callable[..., Any] = export
interface: Callable[..., Any] = export


def is_scripting() -> bool:
    """Whether TorchScript compiles what is called: never (`torch.jit.is_scripting`).

    >>> import tapegrad as torch
    >>> torch.jit.is_scripting()
    False
    """
    return False


def is_tracing() -> bool:
    """Whether TorchScript traces what is called: never (`torch.jit.is_tracing`).

    >>> import tapegrad as torch
    >>> torch.jit.is_tracing()
    False
    """
    return False


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value (`torch.jit.annotate`).

    >>> import tapegrad as torch
    >>> torch.jit.annotate(list[int], [])
    []
    """
    return the_value


def Attribute(value: Any, type: Any) -> Any:
    """The value (`torch.jit.Attribute`).

    >>> import tapegrad as torch
    >>> torch.jit.Attribute(2, int)
    2
    """
    return value


class ScriptModule(Module):
    """A module (`torch.jit.ScriptModule`).

    >>> import tapegrad as torch
    >>> torch.jit.ScriptModule()
    ScriptModule()
    """


class ScriptFunction:
    """A compiled function (`torch.jit.ScriptFunction`): there are none.

    >>> import tapegrad as torch
    >>> isinstance(torch.jit.script(len), torch.jit.ScriptFunction)
    False
    """


class TracerWarning(Warning):
    """What a trace loses of a program (`torch.jit.TracerWarning`): never warned of here.

    >>> import tapegrad as torch
    >>> issubclass(torch.jit.TracerWarning, Warning)
    True
    """


def trace_module(mod: Module, inputs: Any, optimize: Any = None, check_trace: bool = True, check_inputs: Any = None,
                 check_tolerance: float = 1e-05, strict: bool = True, _force_outplace: bool = False,
                 _module_class: Any = None, _compilation_unit: Any = None, example_inputs_is_kwarg: bool = False,
                 _store_inputs: bool = True) -> Module:
    """The module itself (`torch.jit.trace_module`).

    >>> import tapegrad as torch
    >>> torch.jit.trace_module(torch.nn.ReLU(), {"forward": torch.ones(2)})
    ReLU()
    """
    return mod


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether something is of a type, and what it holds of the types in that (`torch.jit.isinstance`).

    >>> import tapegrad as torch
    >>> torch.jit.isinstance([1, 2], list[int]), torch.jit.isinstance({"a": 1}, dict[str, str])
    (True, False)
    """
    if builtins.isinstance(target_type, tuple):
        return any(isinstance(obj, one) for one in target_type)
    origin, inside = get_origin(target_type), get_args(target_type)
    if target_type in (None, Any):
        return obj is None or target_type is Any
    if origin is None:
        return builtins.isinstance(obj, target_type)
    if not builtins.isinstance(origin, type) or origin.__module__ == "types":  # a union
        return any(isinstance(obj, type(None) if one is type(None) else one) for one in inside)
    if not builtins.isinstance(obj, origin):
        return False
    held: Any = obj
    if origin is dict:
        return all(isinstance(key, inside[0]) and isinstance(value, inside[1]) for key, value in held.items())
    if origin is tuple:
        return len(held) == len(inside) and all(isinstance(one, kind) for one, kind in zip(held, inside))
    return all(isinstance(one, inside[0]) for one in held)


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """What a function returns, as a future that is done: it is called at once (`torch.jit.fork`).

    >>> import tapegrad as torch
    >>> torch.jit.wait(torch.jit.fork(torch.add, torch.ones(1), 2))
    tensor([3.])
    """
    future: Future[Any] = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Future[Any]) -> Any:
    """The result of a future (`torch.jit.wait`).

    >>> import tapegrad as torch
    >>> torch.jit.wait(torch.jit.fork(len, "abc"))
    3
    """
    return future.wait()


def optimized_execution(should_optimize: bool) -> Any:
    """A block in which everything is as it was (`torch.jit.optimized_execution`).

    >>> import tapegrad as torch
    >>> with torch.jit.optimized_execution(False):
    ...     pass
    """
    return contextlib.nullcontext()


def set_fusion_strategy(strategy: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """A switch of TorchScript's fuser, which is not here: it was as it is set (`torch.jit.set_fusion_strategy`).

    >>> import tapegrad as torch
    >>> torch.jit.set_fusion_strategy([("STATIC", 2)])
    [('STATIC', 2)]
    """
    return strategy


def enable_onednn_fusion(enabled: bool) -> None:
    """A switch of TorchScript's fuser, which is not here (`torch.jit.enable_onednn_fusion`).

    >>> import tapegrad as torch
    >>> torch.jit.enable_onednn_fusion(True)
    """


def onednn_fusion_enabled() -> bool:
    """Whether TorchScript fuses by oneDNN: never (`torch.jit.onednn_fusion_enabled`).

    >>> import tapegrad as torch
    >>> torch.jit.onednn_fusion_enabled()
    False
    """
    return False
