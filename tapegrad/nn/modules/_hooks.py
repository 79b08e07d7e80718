"""Hooks of modules: how they are kept, and a call of a module that has some."""
from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tapegrad.autograd import modes
from tapegrad.autograd.function import Function
from tapegrad.machine.live import machine
from tapegrad.tape.hooks import RemovableHandle

Hook = Callable[..., Any]
Tensor = machine.tensor_type
_NO_INPUTS = ("Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
              "require gradients. See "
              "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
              "#torch.nn.Module.register_full_backward_hook for more details.")
_NO_INPUT_GRADIENT = ("Backward hook for Modules where no input requires gradient should always return None or None "
                      "for "
                      "all gradients.")
_MIXED = "Cannot use both regular backward hooks and full backward hooks {}. Please use only one of them."


class Kept:
    """A dict that a module gets when it is first asked for: few modules have hooks, and each would have a dozen."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, owner: Any = None) -> Any:
        if module is None:
            return self
        made: OrderedDict[int, Any] = OrderedDict()
        module.__dict__[self.name] = made
        return made


_NONE: dict[int, Any] = {}


def kept(module: Any, name: str) -> dict[int, Any]:
    """A module's hooks of a kind, for reading."""
    return module.__dict__.get(name, _NONE)


class Everywhere:
    """The hooks that are called for every module, and which there are at all (`any`)."""

    def __init__(self) -> None:
        self.any: dict[int, bool] = {}
        self.forward: OrderedDict[int, Hook] = OrderedDict()
        self.forward_pre: OrderedDict[int, Hook] = OrderedDict()
        self.backward: OrderedDict[int, Hook] = OrderedDict()
        self.backward_pre: OrderedDict[int, Hook] = OrderedDict()
        self.with_kwargs: dict[int, bool] = {}
        self.always_called: dict[int, bool] = {}
        self.is_full: bool | None = None
        self.buffer: OrderedDict[int, Hook] = OrderedDict()  # called when one is registered
        self.module: OrderedDict[int, Hook] = OrderedDict()
        self.parameter: OrderedDict[int, Hook] = OrderedDict()


everywhere = Everywhere()


def keep(hooks: OrderedDict[int, Hook], hook: Hook, *marks: dict[int, bool], prepend: bool = False) -> RemovableHandle:
    """Add a hook, marked in each of `marks`, as the last or the first."""
    handle = RemovableHandle(hooks, hook, marks)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module."""
    return keep(everywhere.forward_pre, hook, everywhere.any)


def register_module_forward_hook(hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
                                 ) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module."""
    marks = [everywhere.with_kwargs] * with_kwargs + [everywhere.always_called] * always_call
    return keep(everywhere.forward, hook, everywhere.any, *marks)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_output)` before the backward of every module."""
    return keep(everywhere.backward_pre, hook, everywhere.any)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` in the backward of every module."""
    return _register_everywhere_backward(hook, True)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """The same on the last node of a module only (deprecated in PyTorch)."""
    return _register_everywhere_backward(hook, False)


def _register_everywhere_backward(hook: Hook, full: bool) -> RemovableHandle:
    if everywhere.is_full is (not full):
        raise RuntimeError(_MIXED.format("as a global Module hook"))
    everywhere.is_full = full
    return keep(everywhere.backward, hook, everywhere.any)


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, buffer)` when a buffer is registered; what it returns takes its place."""
    return keep(everywhere.buffer, hook, everywhere.any)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, submodule)` when a submodule is registered; what it returns takes its place."""
    return keep(everywhere.module, hook, everywhere.any)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(module, name, parameter)` when a parameter is registered; what it returns takes its place."""
    return keep(everywhere.parameter, hook, everywhere.any)


# ---------------------------------------------------------------- a call


def called(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module(*args, **kwargs)` with its hooks, and those of all modules."""
    done: set[int] = set()
    result = None
    try:
        full, last_node = _backward_hooks(module)
        pre = [*everywhere.backward_pre.values(), *kept(module, "_backward_pre_hooks").values()]
        args, kwargs = _before(module, args, kwargs)
        passage = _Passage(module, full, pre) if full or pre else None
        if passage is not None:
            args = passage.enter(args)
        result = module.forward(*args, **kwargs)
        for id, hook, with_kwargs, _ in _forward_hooks(module):
            done.add(id)
            changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
            result = result if changed is None else changed
        if passage is not None:
            result = passage.leave(result)
        if last_node:
            _on_last_node(module, result, last_node)
        return result
    except Exception:
        for id, hook, with_kwargs, always in _forward_hooks(module):
            if always and id not in done:
                try:
                    changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
                    result = result if changed is None else changed
                except Exception as error:
                    which = "global module" if id in everywhere.forward else "module"
                    warnings.warn(f"{which} forward hook with ``always_call=True`` raised an exception that was "
                                  f"silenced as another error was raised in forward: {error}", stacklevel=3)
        raise


def _before(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as the hooks before the forward leave them."""
    for id, hook in (*everywhere.forward_pre.items(), *kept(module, "_forward_pre_hooks").items()):
        if id in kept(module, "_forward_pre_hooks_with_kwargs"):
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError("forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                                   f"{changed}.")
            args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _forward_hooks(module: Any) -> list[tuple[int, Hook, bool, bool]]:
    """(number, hook, whether it takes the keywords too, whether it is called after an error) of each."""
    return [(id, hook, id in everywhere.with_kwargs, id in everywhere.always_called)
            for id, hook in everywhere.forward.items()] + [
           (id, hook, id in kept(module, "_forward_hooks_with_kwargs"), id in kept(module,
                                                                                   "_forward_hooks_always_called"))
            for id, hook in kept(module, "_forward_hooks").items()]


def _backward_hooks(module: Any) -> tuple[list[Hook], list[Hook]]:
    """The full ones, and those of the last node."""
    lists: tuple[list[Hook], list[Hook]] = [], []
    lists[not everywhere.is_full].extend(everywhere.backward.values())
    lists[not module._is_full_backward_hook].extend(kept(module, "_backward_hooks").values())
    return lists


def _on_last_node(module: Any, result: Any, found: list[Hook]) -> None:
    while not isinstance(result, Tensor):
        result = next(v for v in result.values() if isinstance(v, Tensor)) if isinstance(result, dict) else result[0]
    if result.grad_fn is not None:
        for hook in found:
            result.grad_fn.register_hook(functools.partial(hook, module))


# ---------------------------------------------------------------- gradients on their way through a module


class BackwardHookFunction(Function):
    """The identity; `arrived` sees the gradients of what went through, and says what they become.

    Where there is none it gets None, or zeros with `zeros`.
    """

    @staticmethod
    def forward(ctx: Any, arrived: Hook, zeros: bool, *tensors: Any) -> Any:
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*(t for t in tensors if not t.requires_grad))
        ctx.arrived = arrived
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None, None, *ctx.arrived(gradients)


class _Passage:
    """One call of a module with backward hooks: its inputs and outputs pass through nodes that report gradients."""

    def __init__(self, module: Any, hooks: list[Hook], pre_hooks: list[Hook]) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs: Any = None
        self.input_places: list[int] | None = None  # None: no input requires grad
        self.n_inputs = self.n_outputs = -1

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        args, self.input_places = self._through(args, self._at_inputs, True)
        self.n_inputs = len(args)
        return args

    def leave(self, result: Any) -> Any:
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn("For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                          f"received {type(result)}", stacklevel=4)
        results = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(results)
        results, places = self._through(results, self._at_outputs, False)
        self.output_places = places
        return results if isinstance(result, tuple) else results[0]

    def _through(self, values: tuple[Any, ...], arrived: Hook, zeros: bool
                 ) -> tuple[tuple[Any, ...], list[int] | None]:
        places = [j for j, v in enumerate(values) if isinstance(v, Tensor)]
        if not (modes.is_grad_enabled() and any(values[j].requires_grad for j in places)):
            return values, None
        passed = BackwardHookFunction.apply(arrived, zeros, *(values[j] for j in places))
        by_place = dict(zip(places, passed if isinstance(passed, tuple) else (passed,)))
        changed = [by_place.get(j, v) for j, v in enumerate(values)]
        kind: Any = type(values)
        return kind(*changed) if hasattr(kind, "_fields") else tuple(changed), places

    def _at_outputs(self, gradients: tuple[Any, ...]) -> Any:
        grads = _spread(gradients, self.output_places, self.n_outputs)
        for hook in self.pre_hooks:
            changed = hook(self.module, grads)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                if len(changed) != len(grads):
                    raise RuntimeError("Backward pre hook returned an invalid number of grad_output, got "
                                       f"{len(changed)}, but expected {len(grads)}")
                grads = changed
        self.grad_outputs = grads
        if self.input_places is None:
            if self.hooks:
                warnings.warn(_NO_INPUTS, stacklevel=2)
            for hook in self.hooks:
                changed = hook(self.module, (None,) * self.n_inputs, grads)
                if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                    raise RuntimeError(_NO_INPUT_GRADIENT)
            self.grad_outputs = None
        return tuple(grads[j] for j in self.output_places or ())

    def _at_inputs(self, gradients: tuple[Any, ...]) -> Any:
        if self.grad_outputs is None:  # the gradient came another way than through the outputs
            return gradients
        assert self.input_places is not None
        grads = _spread(gradients, self.input_places, self.n_inputs)
        for hook in self.hooks:
            changed = hook(self.module, grads, self.grad_outputs)
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                if len(changed) != len(grads):
                    raise RuntimeError("Backward hook returned an invalid number of grad_input, got "
                                       f"{len(changed)}, but expected {len(grads)}")
                grads = changed
        self.grad_outputs = None
        return tuple(grads[j] for j in self.input_places)


def _spread(gradients: tuple[Any, ...], places: list[int] | None, n: int) -> tuple[Any, ...]:
    """Gradients of tensors at their places among all values."""
    by_place = dict(zip(places or (), gradients))
    return tuple(by_place.get(j) for j in range(n))


class Hooked:
    """The part of `Module` that keeps hooks."""

    _backward_hooks = Kept()
    _backward_pre_hooks = Kept()
    _forward_hooks = Kept()
    _forward_pre_hooks = Kept()
    _forward_hooks_with_kwargs = Kept()
    _forward_hooks_always_called = Kept()
    _forward_pre_hooks_with_kwargs = Kept()
    _is_full_backward_hook: bool | None = None

    def register_forward_pre_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
                                  ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns takes the place of the arguments.

        With `with_kwargs`, `hook(module, args, kwargs)`, which returns None or both.
        """
        return keep(self._forward_pre_hooks, hook, *[self._forward_pre_hooks_with_kwargs] * with_kwargs,
                    prepend=prepend)

    def register_forward_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False,
                              always_call: bool = False) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns takes the place of the output.

        With `with_kwargs`, `hook(module, args, kwargs, output)`; with `always_call`, also when `forward` raised.
        """
        marks = [self._forward_hooks_with_kwargs] * with_kwargs + [self._forward_hooks_always_called] * always_call
        return keep(self._forward_hooks, hook, *marks, prepend=prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the module's backward; what it returns is used instead."""
        return keep(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` with the gradients; what it returns is the new `grad_input`."""
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED.format("on a single Module"))
        self._is_full_backward_hook = True
        return keep(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """The same, of the last node of the module's result only (deprecated in PyTorch)."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED.format("on a single Module"))
        self._is_full_backward_hook = False
        return keep(self._backward_hooks, hook)
