"""`Layer`: a module that is one function and its options, so that a class is a declaration."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from tapegrad.nn import functional as F  # noqa: F401 - for the text of layers
from tapegrad.nn.modules.module import Module

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:
    def dataclass_transform() -> Any:
        """Tells type checkers how layers are made; at run time nothing."""
        return lambda cls: cls


@dataclass_transform()
class Layer(Module):
    """A module whose forward is a function of `nn.functional`, called with what the module was made with.

    >>> class Softplus(Layer, function="softplus"):
    ...     beta: float = 1.0
    ...     threshold: float = 20.0
    >>> Softplus(beta=2.0)
    Softplus(beta=2.0, threshold=20.0)

    The annotated names are the parameters of `__init__`, after those of the bases, and attributes of the module.
    `operands` are what `forward` takes, `also` attributes that the function gets as well, `withheld` those it does not.
    `_shows` is what is printed between the parentheses. A class without `function` is a `family`, or a user's own.
    """

    _shows: ClassVar[str | None] = None
    _annotations: ClassVar[dict[str, Any]] = {}
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, function: str = "", operands: str = "input", also: str = "", withheld: str = "",
                          kw_only: bool = False, family: bool = False, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if not (function or family):
            return
        own = vars(cls).get("__annotations__", {})
        cls._annotations = {**cls._annotations, **own}
        cls._defaults = {**cls._defaults, **{name: vars(cls)[name] for name in own if name in vars(cls)}}
        for name in own.keys() & vars(cls).keys():
            delattr(cls, name)
        if not function:
            return
        # Written as text, as `dataclass` does: the signature is a real one, and nothing is looked up in a call. It has
        # this module's names, and a file of this library that is not there: it counts as its code, and none is shown.
        names = list(cls._annotations)
        takes = "".join(f", {name}" + f"=_class._defaults[{name!r}]" * (name in cls._defaults) for name in names)
        given = "".join(f", {name}=self.{name}" for name in (*names, *also.split()) if name not in withheld.split())
        text = (f"def made(_class):\n"
                f"    def __init__(self{', *' * kw_only}{takes}):\n"
                f"        super(_class, self).__init__()\n"
                f"        self._set(dict({', '.join(f'{name}={name}' for name in names)}))\n"
                f"    def forward(self, {operands}):\n"
                f"        return F.{function}({operands}{given})\n"
                f"    return dict(__init__=__init__, forward=forward)\n")
        scope: dict[str, Any] = {}
        exec(compile(text, os.path.join(os.path.dirname(__file__), f"<{cls.__name__}>"), "exec"), globals(), scope)
        scope = scope["made"](cls)
        for method in ("__init__", "forward"):
            scope[method].__module__, scope[method].__qualname__ = cls.__module__, f"{cls.__qualname__}.{method}"
            if method not in vars(cls):
                setattr(cls, method, scope[method])
        scope["__init__"].__annotations__.update(cls._annotations)

    def _set(self, options: dict[str, Any]) -> None:
        """Keep what the module was made with."""
        for name, value in options.items():
            setattr(self, name, value)

    def extra_repr(self) -> str:
        if self._shows is not None:
            return self._shows.format(self=self)
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._annotations
                         if name != "inplace" or getattr(self, name))
