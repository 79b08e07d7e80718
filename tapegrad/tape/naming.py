"""What a program calls its tensors: variables, and the way to them through attributes and containers.

`net.layers.0.weight` where modules lead there, as PyTorch names parameters; `params["w"]`, `self.weights[2]` through
other objects. Nothing of the program runs: attributes are read from the instances' dicts.
"""
from __future__ import annotations

import dis
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tapegrad.machine.live import machine

MOST = 20_000  # values looked at
DEEPEST = 6
_OF_MODULES = ("_parameters", "_buffers", "_modules")
_CLOSED = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, str, bytes)


def called(names: Mapping[str, Any] | Iterable[tuple[str, Any]] | None, frame: Any) -> dict[int, str]:
    """What tensors are called, by row: as `names` says, or as a program in this frame can reach them.

    The shortest way counts, a local variable's before a global's. A variable that a loop binds anew comes last: with
    it, the same computation would be called by whatever the loop happened to end with.
    """
    if names is not None:
        pairs = names.items() if isinstance(names, Mapping) else names
        return _first((value, name) for name, value in pairs)
    if frame is None:
        return {}
    passing = _loop_variables(frame.f_code)
    scopes = [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
    shown = [[(v, k) for k, v in list(s.items()) if k.isidentifier() and k[0] != "_"] for s in scopes]
    lasting = [(v, k) for scope in shown for v, k in scope if k not in passing]
    late = [(v, k) for scope in shown for v, k in scope if k in passing]
    return _first([*_reached(lasting), *_reached(late)])


def _first(found: Iterable[tuple[Any, str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for value, name in found:
        if issubclass(type(value), machine.TensorBase):
            names.setdefault(value._buffer, name)
    return names


def _reached(roots: list[tuple[Any, str]]) -> Iterator[tuple[Any, str]]:
    """Tensors and their names, the shortest ways first."""
    waiting = deque((value, name, 0) for value, name in roots)
    seen: set[int] = set()
    while waiting and len(seen) < MOST:
        value, name, depth = waiting.popleft()
        if issubclass(type(value), machine.TensorBase):
            yield value, name
        elif id(value) not in seen and depth < DEEPEST and not issubclass(type(value), _CLOSED):
            seen.add(id(value))
            waiting.extend((part, of, depth + 1) for part, of in _parts(value, name))


def _parts(value: Any, name: str) -> Iterator[tuple[Any, str]]:
    kind = type(value)
    if kind in (list, tuple, deque):
        yield from ((part, f"{name}[{i}]") for i, part in enumerate(value))
    elif issubclass(kind, dict):
        for key, part in list(dict.items(value)):
            if isinstance(key, (str, int)):
                yield part, f"{name}[{_quoted(key)}]"
    else:
        try:
            held = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return
        if isinstance(held, dict):
            for key, part in list(held.items()):
                if key in _OF_MODULES and isinstance(part, dict):
                    yield from ((inner, f"{name}.{of}") for of, inner in list(part.items()))
                elif isinstance(key, str) and not key.startswith("_"):
                    yield part, f"{name}.{key}"


def _quoted(key: str | int) -> str:
    return f'"{key}"' if isinstance(key, str) else str(key)


def _loop_variables(code: types.CodeType) -> set[str]:
    """The names that `for` loops of a code object bind."""
    found: set[str] = set()
    binding = 0  # how many stores are still the loop's
    for one in dis.get_instructions(code):
        if one.opname == "FOR_ITER":
            binding = 1
        elif binding and one.opname.startswith("UNPACK_"):
            binding += (one.arg or 0) - 1
        elif binding and one.opname.startswith("STORE_"):
            found.update(one.argval if isinstance(one.argval, tuple) else (one.argval,))
            binding -= 2 if isinstance(one.argval, tuple) else 1
        elif binding and one.opname not in ("CACHE", "EXTENDED_ARG", "NOP"):
            binding = 0
    return found
