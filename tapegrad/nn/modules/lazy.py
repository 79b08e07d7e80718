"""`LazyModuleMixin`: modules that learn their shapes from the first input."""
from __future__ import annotations

import inspect
import warnings
from typing import Any

from tapegrad.autograd import modes
from tapegrad.namespaces import show_public
from tapegrad.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

show_public(__name__)


class LazyModuleMixin:
    """What a module with uninitialised parameters does before its first forward (`torch.nn.modules.lazy`).

    A class that mixes it in defines `initialize_parameters(*args, **kwargs)`, which is called once with the arguments
    of the first call; instances become `cls_to_become` then. A state that is loaded before gives the shapes, too.
    """

    cls_to_become: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        module: Any = self
        self._load_hook = module._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = module.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)
        warnings.warn("Lazy modules are a new feature under heavy development so changes to the API or "
                      "functionality can "
                      "happen at any moment.", stacklevel=2)

    def _save_to_state_dict(self: Any, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, x in self._persistent().items():
            destination[prefix + name] = x if keep_vars or is_lazy(x) else x.detach()

    def _lazy_load_hook(self: Any, state_dict: Any, prefix: str, *rest: Any) -> None:
        for name, x in (*self._parameters.items(), *self._buffers.items()):
            given = state_dict.get(prefix + name)
            if x is not None and given is not None and is_lazy(x) and not is_lazy(given):
                with modes.no_grad():
                    x.materialize(given.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give parameters their shapes, for a class to define."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self: Any) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(x) for x in (*self._parameters.values(), *self._buffers.values()))

    def _infer_parameters(self: Any, module: Any, args: Any, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        for handle in ("_initialize_hook", "_load_hook"):
            getattr(module, handle).remove()
            delattr(module, handle)
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class LazyLayer(LazyModuleMixin):
    """A layer of this package without its first size: `class LazyLinear(LazyLayer, Linear, becomes=Linear)`.

    Further arguments of the class are other defaults. It is made with that size zero, and its parameters and buffers
    have no shape until the first input. The layer says what shapes they have (`_shape_of`).
    """

    _first = ""

    def __init_subclass__(cls, becomes: Any = None, **defaults: Any) -> None:
        super().__init_subclass__()
        if becomes is None:
            return
        cls.cls_to_become = becomes
        cls.__doc__ = cls.__doc__ or f"`{becomes.__name__}` that learns from its first input how large that is."
        me, first, *others = inspect.signature(becomes.__init__).parameters.values()
        takes = inspect.Signature([me, *(p.replace(default=defaults.get(p.name, p.default)) for p in others)])

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            try:
                given = takes.bind(self, *args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{cls.__name__}.__init__() {error}") from None
            given.apply_defaults()
            del given.arguments["self"]
            super(cls, self).__init__(0, **given.arguments)
            for name, x in self._parameters.items():
                if x is not None:
                    self._parameters[name] = UninitializedParameter(dtype=x.dtype)
            for name, x in self._buffers.items():
                if x is not None and x.ndim:
                    self._buffers[name] = UninitializedBuffer(dtype=x.dtype)

        __init__.__signature__ = takes  # type: ignore[attr-defined]
        __init__.__qualname__ = f"{cls.__qualname__}.__init__"
        for name, value in (("_first", first.name), ("__init__", __init__)):
            setattr(cls, name, value)

    def reset_parameters(self: Any) -> None:
        """Draw parameters anew, once they have a shape."""
        if not self.has_uninitialized_params() and getattr(self, self._first):
            super().reset_parameters()  # type: ignore[misc]

    def _size_in(self, input: Any) -> int:
        return input.shape[1]

    def initialize_parameters(self: Any, input: Any, *args: Any, **kwargs: Any) -> None:
        """Take the size from an input, and draw parameters."""
        drawn = self.has_uninitialized_params()
        if drawn or not getattr(self, self._first):
            setattr(self, self._first, self._size_in(input))
        if drawn:
            for name, x in (*self._parameters.items(), *self._buffers.items()):
                if is_lazy(x):
                    x.materialize(self._shape_of(name))
            self.reset_parameters()
