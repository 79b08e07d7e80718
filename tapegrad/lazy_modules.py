"""Modules that cost nothing until something in them is asked for."""
from __future__ import annotations

import importlib
import sys
import threading
import types
from typing import Any


class _Waiting(types.ModuleType):
    """A module that is imported when an attribute of it is first asked for, and a plain one from then on."""

    def __getattribute__(self, name: str) -> Any:
        known = types.ModuleType.__getattribute__
        if name != "__class__":
            thread = _importing.get(module := known(self, "__name__"))
            # Others wait until it is imported, but for what import reads while it holds locks of its own.
            if thread is None or (thread != threading.get_ident() and name not in ("__path__", "__spec__")):
                importlib.import_module(module)
        return known(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _ = self.__spec__  # imported first: what is set is set over what is there
        types.ModuleType.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _ = self.__spec__
        types.ModuleType.__delattr__(self, name)


_waiting: dict[str, _Waiting] = {}
_importing: dict[str, int] = {}  # modules whose import is under way, and the threads that they are imported in


class _Finder:
    """Finds modules that are waiting, as Python finds any, and has them made of what stood for them.

    So Python's import does all of the work, with its locks, its order (a package before its parts) and its errors.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _waiting:
            return None
        spec = next(filter(None, (f.find_spec(name, path, target) for f in sys.meta_path if f is not self)), None)
        if spec is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


class _Loader:
    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: Any) -> types.ModuleType:
        _importing[spec.name] = threading.get_ident()
        return _waiting[spec.name]

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        try:
            self.loader.exec_module(module)
            module.__class__ = types.ModuleType
            _waiting.pop(name, None)
        finally:
            _importing.pop(name, None)

    def __getattr__(self, name: str) -> Any:  # what is asked of the spec of a module that is not imported yet
        return getattr(self.loader, name)


def lazy(package: str, names: str) -> dict[str, types.ModuleType]:
    """Modules of a package by name, each imported when something in it is asked for.

    A module-level `__getattr__` could import them as well, and would make each look-up in the package slower: Python
    specialises look-ups in modules without one only.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    found: dict[str, types.ModuleType] = {}
    for name in names.split():
        full = f"{package}.{name}"
        found[name] = sys.modules.get(full) or _waiting.setdefault(full, _Waiting(full))
    return found
