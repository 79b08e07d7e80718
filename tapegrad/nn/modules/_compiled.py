"""What `compile` makes of a module: a module too, so that who trains, saves or contains it finds what it holds."""
from __future__ import annotations

from typing import Any

from tapegrad.nn.modules.module import Module


class OptimizedModule(Module):
    """A module whose calls are compiled; all else of it is the module's own, which is its `_orig_mod`.

    Its `forward` is the compiled function, which is asked for what the module has not (`replays`, `explain()`).
    """

    def __init__(self, module: Module, compiled: Any) -> None:
        super().__init__()
        self.__dict__["forward"] = compiled
        self._modules["_orig_mod"] = module

    @property
    def training(self) -> bool:
        """Whether the module is being trained."""
        return bool(self._orig_mod.training)

    @training.setter
    def training(self, value: bool) -> None:
        self._orig_mod.training = value

    @property
    def __wrapped__(self) -> Module:
        """The module, as a compiled function has the function here."""
        return self._orig_mod

    def __getattr__(self, name: str) -> Any:
        held = self.__dict__
        if "forward" not in held or "_modules" not in held:  # while it is made or copied
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        module = held["_modules"]["_orig_mod"]
        if name == "_orig_mod":
            return module
        try:
            return getattr(module, name)
        except AttributeError:
            if name.startswith("_") or not hasattr(held["forward"], name):
                raise
        return getattr(held["forward"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        of_module = "_modules" in self.__dict__ and not hasattr(type(self), name)
        if name == "_orig_mod" or not of_module:
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            super().__delattr__(name)
        else:
            delattr(self._orig_mod, name)

    def __len__(self) -> int:
        return len(self._orig_mod)

    def __bool__(self) -> bool:
        return bool(self._orig_mod)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._orig_mod)})

