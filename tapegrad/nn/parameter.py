"""`Parameter` and `Buffer`: tensors that modules list as theirs; and those whose shape is not known yet."""
from __future__ import annotations

import functools
from typing import Any

from tapegrad import creation, errors
from tapegrad.autograd import modes
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.protocols import alias
from tapegrad.tensor import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin",
           "is_lazy"]
show_public(__name__)


class _Marked(type):
    """The class of classes that an instance of a subclass of `Tensor` may belong to by a mark it carries."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        mark = vars(cls).get("_mark")
        return mark is not None and isinstance(instance, Tensor) and mark in vars(instance)


class Parameter(Tensor, metaclass=_Marked):
    """A leaf that modules list as theirs (`torch.nn.Parameter`).

    >>> import tapegrad
    >>> Parameter(tapegrad.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)

    Results of operations on it are plain tensors. Raises RuntimeError for whole numbers that shall require grad.
    """

    __slots__ = ()
    _spreads = False
    _mark = "_is_param"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        source = creation.empty(0) if data is None else data
        if requires_grad and not source.dtype.is_floating_point:
            raise RuntimeError(errors.REQUIRES_GRAD_FLOAT)
        if type(source)._spreads and type(source) is not Tensor:  # a subclass stays what it is
            made = alias(source.detach(), type(source)).requires_grad_(requires_grad)
            setattr(made, cls._mark, True)
            return made
        return alias(source.detach(), cls).requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        if id(self) not in memo:
            with modes.no_grad():
                memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor, metaclass=_Marked):
    """A tensor that a module saves and does not train (`torch.nn.Buffer`): a tensor with a mark.

    >>> import tapegrad
    >>> isinstance(Buffer(tapegrad.ones(2)), Buffer), type(Buffer(tapegrad.ones(2))) is tapegrad.Tensor
    (True, True)
    """

    __slots__ = ()
    _mark = "_is_buffer"
    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        source = creation.empty(0) if data is None else data
        made: Any = source.detach().requires_grad_(source.requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


_UNINITIALIZED = (
    "Attempted to use an uninitialized parameter in {}. This error happens when you are using a `LazyModule` or "
    "explicitly manipulating `torch.nn.parameter.{}` objects. When using LazyModules Call `forward` with a dummy batch "
    "to initialize the parameters before calling torch functions"
)
_NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
    "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
    "parameters before accessing their attributes."
)
# What a tensor without a shape can be asked for: its own, and what needs neither values nor shape.
_OWN_TEXT = "__class__ __deepcopy__ __dict__ __init__ __reduce_ex__ _become _plainly _spreads materialize"
_ASKABLE_TEXT = """
    __hash__ bfloat16 cpu cuda data detach detach_ device double dtype float grad grad_fn half is_cuda
    is_floating_point is_leaf is_sparse persistent register_hook requires_grad requires_grad_ to type
"""
_OWN, _ASKABLE = frozenset(_OWN_TEXT.split()), frozenset(_ASKABLE_TEXT.split())


class UninitializedTensorMixin:
    """What parameters and buffers without a shape have in common; a program asks `is_lazy`."""

    __slots__ = ()
    _become: Any = None

    def _plainly(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """What a function says while this is a tensor like others."""
        kind = type(self)
        self.__class__ = self._become
        try:
            return function(*args, **kwargs)
        finally:
            self.__class__ = kind

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        if name == "shape":
            raise RuntimeError(_NO_SHAPE)
        if name not in _ASKABLE:
            raise ValueError(_UNINITIALIZED.format(name, type(self).__name__))
        found = self._plainly(getattr, self, name)
        return functools.partial(self._plainly, found) if callable(found) else found

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "__class__":
            super().__setattr__(name, value)
        else:
            self._plainly(setattr, self, name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give this tensor its shape, and not yet values: from here on it is like any other."""
        fresh = creation.empty(shape, dtype=dtype or self.dtype, device=device)
        self.__class__ = self._become
        self.data = fresh

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        return type(self), (self.requires_grad, None, self.dtype)

    def __deepcopy__(self: Any, memo: dict[Any, Any]) -> Any:
        return memo.setdefault(id(self), type(self)(self.requires_grad, None, self.dtype))


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape is not known yet (`torch.nn.UninitializedParameter`).

    >>> weight = UninitializedParameter(); weight
    <UninitializedParameter>
    >>> weight.materialize((2, 3)); weight.shape
    torch.Size([2, 3])

    Until then, whatever reads its values is a ValueError, and reading its shape a RuntimeError.
    """

    __slots__ = ()
    _become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        made = Parameter(creation.empty(0, dtype=dtype, device=device), requires_grad)
        made.__class__ = cls
        return made


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape is not known yet (`torch.nn.UninitializedBuffer`).

    >>> import tapegrad as torch
    >>> torch.nn.parameter.is_lazy(torch.nn.UninitializedBuffer())
    True
    """

    __slots__ = ()
    _become = Tensor

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
                ) -> Any:
        made = Buffer(creation.empty(0, dtype=dtype, device=device, requires_grad=requires_grad), persistent=persistent)
        made.__class__ = cls
        return made


def is_lazy(param: Any) -> bool:
    """Whether a tensor has no shape yet (`torch.nn.parameter.is_lazy`).

    >>> import tapegrad as torch
    >>> torch.nn.parameter.is_lazy(torch.nn.UninitializedParameter())
    True
    """
    return isinstance(param, UninitializedTensorMixin)


machine.state["parameter_type"] = id(Parameter)  # whose operations run natively, like a tensor's
