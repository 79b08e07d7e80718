"""Parameters that are functions of others (`torch.nn.utils.parametrize`).

>>> import tapegrad as torch
>>> class Symmetric(torch.nn.Module):
...     def forward(self, X):
...         return X.triu() + X.triu(1).transpose(-1, -2)
>>> layer = register_parametrization(torch.nn.Linear(2, 2), "weight", Symmetric())
>>> bool((layer.weight == layer.weight.T).all())
True
>>> [name for name, _ in layer.named_parameters()]
['bias', 'parametrizations.weight.original']
"""
from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from tapegrad.autograd.modes import no_grad
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.nn.modules.container import ModuleDict, ModuleList
from tapegrad.nn.modules.module import Module
from tapegrad.nn.parameter import Parameter

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
           "transfer_parametrizations_and_params", "type_before_parametrizations"]
show_public(__name__)

_cache_enabled = 0  # how many `cached()` there are around
_cache: dict[tuple[int, str], Any] = {}
_TO_PICKLE = ("Serialization of parametrized modules is only supported through state_dict(). See:\n"
              "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
              "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training")


@contextmanager
def cached() -> Iterator[None]:
    """Compute parametrised tensors once, when they are first used in here.

    >>> import tapegrad as torch
    >>> with torch.nn.utils.parametrize.cached():
    ...     y = torch.nn.Linear(2, 3)(torch.ones(2))
    """
    global _cache_enabled
    _cache_enabled += 1
    try:
        yield
    finally:
        _cache_enabled -= 1
        if not _cache_enabled:
            _cache.clear()


def _is_tensor(x: Any) -> bool:
    return isinstance(x, machine.TensorBase)


def _register(module: Module, name: str, tensor: Any) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _take(tensor: Any, values: Any) -> None:
    """Lie where `values` do."""
    if tensor is not values:
        with no_grad():
            tensor.data = values


def _same(what: str, x: Any, y: Any, x_name: str, y_name: str) -> None:
    """ValueError where the dtype or the shape of two tensors differ."""
    for asked in ("dtype", "shape"):
        a, b = getattr(x, asked), getattr(y, asked)
        if a != b:
            raise ValueError(f"{what.format(asked)}\n{x_name.format(asked)}: {a}\n{y_name.format(asked)}: {b}")


class ParametrizationList(ModuleList):
    """The functions that a tensor goes through, and the parameters it is made of: `original`, or `original0`, …"""

    is_tensor: bool
    ntensors: int

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new = original
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):
                        new = module.right_inverse(new)
        if not _is_tensor(new) and not isinstance(new, Sequence):
            raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
                             f"{type(new).__name__}")
        self.is_tensor = _is_tensor(new)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if original.dtype != new.dtype:
                raise ValueError("When `right_inverse` outputs one tensor, it may not change the "
                                 "dtype.\noriginal.dtype: "
                                 f"{original.dtype}\nright_inverse(original).dtype: {new.dtype}")
            _take(original, new)
            _register(self, "original", original)
        else:
            for j, x in enumerate(new):
                if not _is_tensor(x):
                    raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                                     "tuple...). Got "
                                     f"element {j} of the sequence with type {type(x).__name__}.")
                if isinstance(original, Parameter):
                    x = Parameter(x, original.requires_grad)
                _register(self, f"original{j}", x.requires_grad_(original.requires_grad))
        if not unsafe:
            made = self()
            if not _is_tensor(made):
                raise ValueError(f"A parametrization must return a tensor. Got {type(made).__name__}.")
            for asked, a, b in (("dtype", dtype, made.dtype), ("shape", shape, made.shape)):
                if a != b:
                    raise ValueError(f"Registering a parametrization may not change the {asked} of the tensor, unless "
                                     f"`unsafe` flag is enabled.\nunparametrized {asked}: {a}\n"
                                     f"parametrized {asked}: {b}")

    @no_grad()
    def right_inverse(self, value: Any) -> None:
        """Give the originals values of which the functions make `value`."""
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
            value = module.right_inverse(value)
        if self.is_tensor:
            if not _is_tensor(value):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
            if value.dtype != self.original.dtype:
                raise ValueError(f"The tensor returned by `right_inverse` has dtype {value.dtype} while `original` has "
                                 f"dtype {self.original.dtype}")
            _take(self.original, value)
            return
        if not isinstance(value, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}.")
        if len(value) != self.ntensors:
            raise ValueError(f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a "
                             f"sequence of length {len(value)}.")
        for j, x in enumerate(value):
            original = getattr(self, f"original{j}")
            if not _is_tensor(x):
                raise ValueError("'right_inverse' must return a sequence of tensors or reference-type opaques. Got "
                                 f"element {j} of type {type(x).__name__}.")
            if original.dtype != x.dtype:
                raise ValueError(f"Tensor {j} returned by `right_inverse` has dtype {x.dtype} while `original{j}` has "
                                 f"dtype {original.dtype}")
        for j, x in enumerate(value):
            _take(getattr(self, f"original{j}"), x)

    def forward(self) -> Any:
        first, *others = self
        x = first(self.original) if self.is_tensor else first(*(getattr(self, f"original{j}")
                                                                for j in range(self.ntensors)))
        for module in others:
            x = module(x)
        return x


capturing.READ_BESIDES[ParametrizationList] = lambda: ((globals(), "_cache_enabled"),)


def _to_pickle(self: Any) -> Any:
    raise RuntimeError(_TO_PICKLE)


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    if id(self) not in memo:
        memo[id(self)] = made = self.__new__(type(self))
        made.__dict__ = copy.deepcopy(self.__dict__, memo)
    return memo[id(self)]


def _give_own_class(module: Module) -> None:
    """A class for this module alone, to hang properties on."""
    kind = type(module)
    held: dict[str, Any] = {"__getstate__": _to_pickle, "__module__": kind.__module__}
    if not hasattr(kind, "__deepcopy__"):
        held["__deepcopy__"] = _deepcopy
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), held)


def _property(name: str) -> property:
    """A parametrised tensor as an attribute: computed when it is read, inverted when it is assigned."""

    def read(self: Any) -> Any:
        compute = self.parametrizations[name]
        if not _cache_enabled:
            return compute()
        capturing.refuse("it keeps parametrised tensors")
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = compute()
        return _cache[key]

    def assign(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, assign)


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
                             ) -> Module:
    """Make a parameter or buffer a function of what it was (`torch.nn.utils.parametrize.register_parametrization`).

    A second parametrization is applied to what the first gives. Its `right_inverse`, if it has one, says what the
    original starts as, and makes the tensor assignable. Raises ValueError for a name of no tensor, and for a function
    that changes dtype or shape, unless `unsafe`.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        found: Any = module.parametrizations
        found[tensor_name].append(parametrization)
        found[tensor_name].unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_own_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property(tensor_name))
        module.parametrizations[tensor_name] = made
    else:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
                         f"'{tensor_name}'")
    return module


def _check_next(module: Module, name: str, parametrization: Any) -> None:
    """ValueError for one more function that would change dtype or shape, or whose inverse would."""
    before = getattr(module, name)
    after = parametrization(before)
    if not _is_tensor(after):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    _same("Registering a parametrization may not change the {} of the tensor, unless the `unsafe` flag is enabled.",
          before, after, f"module.{name}.{{}}", f"parametrization(module.{name}).{{}}")
    if hasattr(parametrization, "right_inverse"):
        try:
            back = parametrization.right_inverse(after)
        except NotImplementedError:
            return
        if not _is_tensor(back):
            raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
        _same("The tensor returned by parametrization.right_inverse must have the same {} as "
              f"module.{name}, unless the `unsafe` flag is enabled.", before, back, f"module.{name}.{{}}",
              "returned {}")


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrizations at all, or one of this name.

    >>> import tapegrad as torch
    >>> torch.nn.utils.parametrize.is_parametrized(torch.nn.Linear(2, 3))
    False
    """
    found = getattr(module, "parametrizations", None)
    return isinstance(found, ModuleDict) and (len(found) > 0 if tensor_name is None else tensor_name in found)


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a tensor a plain one again: with the value it has, or with that of the original.

    ValueError where it is not parametrised, and for an original of several tensors.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    found: Any = module.parametrizations
    if found[tensor_name].is_tensor:
        original = found[tensor_name].original
        if leave_parametrized:
            with no_grad():
                _take(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in "
                         "terms "
                         "of a sequence of tensors.")
    delattr(type(module), tensor_name)
    del found[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before.

    >>> import tapegrad as torch
    >>> torch.nn.utils.parametrize.type_before_parametrizations(torch.nn.Linear(2, 3)).__name__
    'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: Module, tensor_name: str | None = None
                                         ) -> Module:
    """Give a module the parametrizations of another, and its originals."""
    if not is_parametrized(from_module):
        return to_module
    found: Any = from_module.parametrizations
    for name in list(found) if tensor_name is None else [tensor_name]:
        if name not in found:
            continue
        if not hasattr(to_module, name):
            _register(to_module, name, getattr(from_module, name))
        for function in found[name]:
            register_parametrization(to_module, name, function)
        theirs = to_module.parametrizations[name]
        for held in ("_parameters", "_buffers"):
            for key, x in getattr(found[name], held).items():
                setattr(theirs, key, x)
    return to_module
