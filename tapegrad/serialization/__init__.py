"""Objects with tensors in files (`torch.save`, `torch.load`, `torch.serialization`).

Two formats: PyTorch's (`archive.py` and `pickles.py`), which PyTorch reads as well, and arrays beside a JSON text
(`arrays.py`), in which nothing could be run even in principle. `load` tells them apart.
"""
from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from tapegrad.devices import device
from tapegrad.lazy_modules import lazy
from tapegrad.machine.learning import capturing
from tapegrad.namespaces import show_public

archive: ModuleType
arrays: ModuleType
pickles: ModuleType
archive, arrays, pickles = lazy(__name__, "archive arrays pickles").values()
globals().update(lazy(__name__, "storages"))  # so that no name is added while somebody walks over those of the module
__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]
show_public(__name__)
MAP_LOCATION = Callable[[Any, str], Any] | device | str | dict[str, str] | None  # for those who annotate with it


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2,
         _use_new_zipfile_serialization: bool = True, *, format: str = "torch") -> None:
    """Write an object with the tensors in it to a file (`torch.save`).

    >>> import io, tapegrad
    >>> file = io.BytesIO()
    >>> tapegrad.save({"weight": tapegrad.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> tapegrad.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}

    `f` is a path or has `write`. Tensors that share memory still do when they are loaded. `format="arrays"` writes JSON
    and NumPy's arrays instead of a pickle: of tensors, numbers, texts, and containers of them.

    Raises pickle.PicklingError (TypeError for `arrays`) for what cannot be kept, before anything is written.
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    if format not in ("torch", "arrays"):
        raise ValueError(f"format must be 'torch' or 'arrays', not {format!r}")
    if pickle_module is not None and getattr(pickle_module, "__name__", "") not in ("pickle", "_pickle"):
        raise NotImplementedError("save() pickles with Python's own pickle")
    capturing.refuse("it saves to a file")
    entries = archive.entries(obj, pickle_protocol) if format == "torch" else arrays.entries(obj)
    archive.write(f, entries)


def load(f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
         mmap: bool | None = None, **pickle_load_args: Any) -> Any:
    """Read what `save`, or PyTorch's, wrote (`torch.load`).

    Of a pickle, only tensors, numbers, texts and containers of them are read, and nothing is run, unless
    `weights_only=False` says that the file is trusted. `map_location` must lead to the CPU.

    Raises pickle.UnpicklingError for a file that holds anything else, RuntimeError for one that is cut short, EOFError
    for an empty one.
    """
    for name in pickle_load_args.keys() - {"encoding", "errors", "fix_imports", "buffers"}:  # what an Unpickler takes
        raise TypeError(f"load() got an unexpected keyword argument '{name}'")
    if not isinstance(f, (str, os.PathLike)) and not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with 'read' and 'seek' attributes")
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("f must be a string filename in order to use mmap argument")
    capturing.refuse("it loads a file")
    with archive.read(f) as found:
        if arrays.TEXT in found.names:
            return arrays.load(found)
        return archive.load(found, map_location, weights_only is not False)


def _name(x: Any) -> tuple[str, str]:
    return x.__module__, x.__qualname__


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let `load` make instances of these classes, or call these functions (`torch.serialization.add_safe_globals`)."""
    for x in safe_globals:
        found, at = (x[0], tuple(x[1].rsplit(".", 1))) if isinstance(x, tuple) else (x, _name(x))
        pickles.trusted[at] = found


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` was given (`torch.serialization.get_safe_globals`).

    >>> import tapegrad as torch
    >>> torch.serialization.get_safe_globals()
    []
    """
    return [*pickles.trusted.values()]


def clear_safe_globals() -> None:
    """Forget it (`torch.serialization.clear_safe_globals`).

    >>> import tapegrad as torch
    >>> torch.serialization.clear_safe_globals()
    """
    pickles.trusted.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """A block in which these are safe (`torch.serialization.safe_globals`).

    >>> import tapegrad as torch
    >>> with torch.serialization.safe_globals([set]):
    ...     torch.serialization.get_safe_globals()
    [<class 'set'>]
    """
    before = dict(pickles.trusted)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        pickles.trusted.clear()
        pickles.trusted.update(before)
