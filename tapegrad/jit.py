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

from collections.abc import Callable
from typing import Any, Final

from tapegrad.namespaces import show_public
from tapegrad.nn import Module

__all__ = ["Attribute", "Final", "ScriptModule", "annotate", "export", "freeze", "ignore", "interface", "is_scripting",
           "is_tracing", "optimize_for_inference", "script", "script_if_tracing", "script_method", "trace", "unused"]
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
