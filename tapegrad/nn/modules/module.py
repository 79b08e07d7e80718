"""`Module`: what has parameters, buffers and submodules, and is called."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from tapegrad import creation, dtypes, errors
from tapegrad.autograd import modes
from tapegrad.devices import device as Device
from tapegrad.devices import required
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.nn.modules._hooks import (  # noqa: F401  offered here as well, as in PyTorch
    Hooked,
    called,
    everywhere,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from tapegrad.nn.modules._state import Stateful, _IncompatibleKeys  # noqa: F401
from tapegrad.nn.parameter import Buffer, Parameter

show_public(__name__)

Tensor = machine.tensor_type
_any = everywhere.any
# Of these the native ways know (`machine/native/modules.py`), too.
_PARTS, _HOOKS = rec.MODULE_NAMES[:rec.MODULE_PARTS], rec.MODULE_NAMES[rec.MODULE_PARTS:rec.MODULE_HOOKS]
# What every module holds, and how it starts.
_STARTS: dict[str, Callable[[], Any]] = {"training": lambda: True, "_parameters": dict, "_buffers": dict,
                                         "_non_persistent_buffers_set": set, "_modules": dict}


def typename(value: Any) -> str:
    """What a value is, as messages call it (`torch.typename`)."""
    if isinstance(value, machine.TensorBase):
        return f"torch.{errors.KINDS[value.dtype.name]}"
    kind = value if isinstance(value, type) else type(value)
    home = "" if kind.__module__ in ("builtins", "__builtin__") else f"{kind.__module__}."
    return home + kind.__qualname__


class Module(Hooked, Stateful):
    """What has parameters, buffers and submodules, and is called (`torch.nn.Module`).

    >>> import tapegrad as torch
    >>> class Line(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = torch.nn.Parameter(torch.tensor(2.0))
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(torch.tensor(3.0))
    tensor(6., grad_fn=<MulBackward0>)
    >>> [name for name, _ in line.named_parameters()]
    ['slope']

    A `Parameter`, a `Buffer` or a module that is assigned to an attribute is registered. Raises AttributeError when
    that happens before `super().__init__()`.
    """

    training: bool
    dump_patches = False
    call_super_init = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            own = f"{type(self).__name__}.__init__()"
            if kwargs:
                raise TypeError(f"{own} got an unexpected keyword argument '{next(iter(kwargs))}'")
            if args:
                raise TypeError(f"{own} takes 1 positional argument but {len(args) + 1} were given")
        self.__dict__.update((name, start()) for name, start in _STARTS.items())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        _native.fill(cls)
        if cls.__module__.startswith("tapegrad."):
            capturing.READ_BESIDES[cls] = functools.partial(_functions_of, cls)

    # ------------------------------------------------------------ calls

    def forward(self, *input: Any) -> Any:
        """What the module computes, for a class to define; calls of the module run it, and the hooks around it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        held = self.__dict__
        if _any or not held.keys().isdisjoint(_HOOKS):
            return called(self, args, kwargs)
        return self.forward(*args, **kwargs)

    _call_impl = __call__

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile this module's `forward` in place (`tapegrad.compile`)."""
        from tapegrad.compiler import compile

        self.forward = compile(self.forward, *args, **kwargs)  # type: ignore[method-assign]

    def _when_compiled(self, compiled: Any) -> Module:
        """What `tapegrad.compile` gives for this module; `compiled` are its calls."""
        from tapegrad.nn.modules._compiled import OptimizedModule

        return OptimizedModule(self, compiled)

    # ------------------------------------------------------------ registration

    def _check_name(self, kind: str, name: Any, held: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if name not in held and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f"{kind} name can't contain \".\"" + f", got: {name}" * (kind == "module"))
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Add a tensor that is no parameter: saved with the others if `persistent`, moved and converted with them."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, machine.TensorBase):
            raise TypeError(f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None "
                            f"required)")
        self._buffers[name] = self._announced(everywhere.buffer, name, tensor)
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_parameter(self, name: str, param: Any) -> None:
        """Add a parameter, or None in its place."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(f"cannot assign '{typename(param)}' object to parameter '{name}' "
                                f"(torch.nn.Parameter or "
                                "None required)")
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. "
                    f"To express '{name}' as a function of another Tensor, compute the value in the forward() method.")
            param = self._announced(everywhere.parameter, name, param)
        self._parameters[name] = param

    def add_module(self, name: str, module: Any) -> None:
        """Add a submodule, or None in its place."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = self._announced(everywhere.module, name, module)

    def register_module(self, name: str, module: Any) -> None:
        """`add_module` by another name."""
        self.add_module(name, module)

    def _announced(self, hooks: dict[int, Any], name: str, value: Any) -> Any:
        """What hooks on registration leave of a value."""
        for hook in hooks.values():
            found = hook(self, name, value)
            value = value if found is None else found
        return value

    # ------------------------------------------------------------ attributes

    def __getattr__(self, name: str) -> Any:
        held = self.__dict__
        for kind in _PARTS:
            if kind in held and name in (found := held[kind]):
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__
        parameters, modules, buffers = held.get("_parameters"), held.get("_modules"), held.get("_buffers")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, held, self._buffers, self._modules)
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None "
                                "expected)")
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, held, self._parameters, self._buffers)
            modules[name] = self._announced(everywhere.module, name, value)
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None "
                                "expected)")
            modules[name] = self._announced(everywhere.module, name, None)
        elif isinstance(value, Buffer) or (buffers is not None and name in buffers):
            if value is not None and not isinstance(value, machine.TensorBase):
                raise TypeError(f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, "
                                f"torch.Tensor or "
                                "None expected)")
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name: str, *held: dict[str, Any]) -> None:
        for places in held:
            places.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _set_buffer(self, name: str, value: Any) -> None:
        persistent = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
        if (type(self).register_buffer is Module.register_buffer
                or "persistent" in inspect.signature(self.register_buffer).parameters):
            self.register_buffer(name, value, persistent)
        elif not persistent:
            raise RuntimeError("Registering a non-persistent buffer on a Module subclass that implements "
                               "register_buffer() without the persistent argument is not allowed.")
        else:
            self.register_buffer(name, value)

    def __delattr__(self, name: str) -> None:
        for held in (self._parameters, self._buffers, self._modules):
            if name in held:
                del held[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[:1].isdigit())

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.update((name, start()) for name, start in _STARTS.items() if name not in self.__dict__)

    # ------------------------------------------------------------ what there is

    def _named_members(self, members: Callable[[Any], Any], prefix: str = "", recurse: bool = True,
                       remove_duplicate: bool = True) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for home, module in (self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse
                             else [(prefix, self)]):
            for name, x in members(module):
                if x is not None and id(x) not in seen:
                    if remove_duplicate:
                        seen.add(id(x))
                    yield home + ("." if home else "") + name, x

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
                         ) -> Iterator[tuple[str, Parameter]]:
        """Names and parameters, of submodules too if `recurse`."""
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, of submodules too if `recurse`."""
        for _, x in self.named_parameters(recurse=recurse):
            yield x

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
                      ) -> Iterator[tuple[str, Any]]:
        """Names and buffers, of submodules too if `recurse`."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Any]:
        """The buffers, of submodules too if `recurse`."""
        for _, x in self.named_buffers(recurse=recurse):
            yield x

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Names and submodules of this module itself."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The submodules of this module itself."""
        for _, module in self.named_children():
            yield module

    def named_modules(self, memo: Any = None, prefix: str = "", remove_duplicate: bool = True
                      ) -> Iterator[tuple[str, Module]]:
        """Names and modules: this one, and all below it."""
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, prefix + ("." if prefix else "") + name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module, and all below it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name; AttributeError where there is none."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of a dotted name; with `strict` there must be one already."""
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        home, _, name = target.rpartition(".")
        parent = self.get_submodule(home)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def _get_member(self, target: str) -> tuple[Any, str, Any]:
        home, _, name = target.rpartition(".")
        module = self.get_submodule(home)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return module, name, getattr(module, name)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name; AttributeError where there is none."""
        _, name, found = self._get_member(target)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: str) -> Any:
        """The buffer of a dotted name; AttributeError where there is none."""
        module, name, found = self._get_member(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found

    # ------------------------------------------------------------ changes to all of it

    def apply(self, fn: Callable[[Any], Any]) -> Any:
        """Call `fn` with every submodule and then with this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Any:
        """Replace the values of all parameters, gradients and buffers by what `fn` makes of them."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        for param in self._parameters.values():
            if param is not None:
                with modes.no_grad():
                    found, grad = fn(param), None if param.grad is None else fn(param.grad)
                    gradient = param.grad
                    if found is not param:
                        param.data = found
                    if gradient is not None and grad is not gradient:
                        gradient.data = grad
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Convert floating-point parameters and buffers, in place (`torch.nn.Module.to`).

        >>> from tapegrad import nn
        >>> nn.Linear(1, 1).to("cpu", dtype=float).weight.dtype
        torch.float64

        Raises TypeError for dtypes that are not floating-point, and RuntimeError for a device that is not the CPU.
        """
        dtype = _dtype_of(*args, **kwargs)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError("nn.Module.to only accepts floating point or complex dtypes, but got desired "
                            f"dtype={dtype}")
        return self if dtype is None else self._convert(dtype)

    def _convert(self, dtype: Any) -> Any:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def type(self, dst_type: Any) -> Any:
        """Convert all parameters and buffers to a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Any:
        """Convert floating-point parameters and buffers to float32."""
        return self._convert(dtypes.float32)

    def double(self) -> Any:
        """Convert floating-point parameters and buffers to float64."""
        return self._convert(dtypes.float64)

    def half(self) -> Any:
        """Convert floating-point parameters and buffers to float16."""
        return self._convert(dtypes.BY_NAME["float16"])

    def bfloat16(self) -> Any:
        """Convert floating-point parameters and buffers to bfloat16."""
        return self._convert(dtypes.BY_NAME["bfloat16"])

    def cpu(self) -> Any:
        """This module: everything is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Any:
        """Refused: there is the CPU only."""
        required("cuda")

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Parameters and buffers of the same shapes, with values that are not initialised."""
        return self._apply(lambda t: creation.empty_like(t, device=device), recurse=recurse)

    def train(self, mode: bool = True) -> Any:
        """Switch this module and those below it to training, or to evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """Switch this module and those below it to evaluation."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Switch recording for all parameters."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or fill them with zeros."""
        for p in self.parameters():
            if p.grad is None:
                continue
            if set_to_none:
                p.grad = None
            elif p.grad.grad_fn is not None:
                p.grad.detach_().zero_()
            else:
                p.grad.requires_grad_(False).zero_()

    def share_memory(self) -> Any:
        """Move parameters and buffers to memory that processes which are forked share; see `Tensor.share_memory_`."""
        return self._apply(lambda t: t.share_memory_())

    # ------------------------------------------------------------ a string

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What a subclass shows in the parentheses."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        lines = [*(extra.split("\n") if extra else ()), *children]
        if not children and len(lines) == 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"


def _functions_of(cls: type[Module]) -> tuple[Any, ...]:
    """Names in `nn.functional` that methods of a layer of this library ask for, where a program may put its own."""
    from tapegrad.nn import functional

    names: set[str] = set()
    for method in vars(cls).values():
        if isinstance(method, FunctionType) and method.__globals__.get("F") is functional:
            names.update(method.__code__.co_names)
    return tuple([(vars(functional), name) for name in sorted(names & vars(functional).keys())])


_native = machine.native_modules(Module, _any)
capturing.READ_BESIDES[Module] = lambda: (_any, everywhere) if _any else (_any,)


def _dtype_of(*args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, copy: bool = False,
              memory_format: Any = None, tensor: Any = None) -> Any:
    """The dtype that the arguments of `to` ask for; there is only one device that they may."""
    for a in (*args, device, dtype, tensor):
        if isinstance(a, machine.TensorBase):
            dtype = a.dtype
        elif isinstance(a, (dtypes.dtype, type)):
            dtype = dtypes.named(a)
        elif isinstance(a, (str, Device)):
            required(a)
        elif not (a is None or isinstance(a, bool)):
            given = ", ".join(type(x).__name__ for x in args)
            raise TypeError(f"to() received an invalid combination of arguments - got ({given})")
    return dtype
