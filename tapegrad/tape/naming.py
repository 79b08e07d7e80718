"""What a program calls its tensors: variables, and the way to them through attributes and containers.

`net.layers.0.weight` where modules lead there, as PyTorch names parameters; `params["w"]`, `self.weights[2]` through
other objects. Nothing of the program runs: attributes are read from the instances' dicts.
"""
from __future__ import annotations

import contextlib
import dis
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

MOST = 20_000  # values looked at
DEEPEST = 6
WIDE = 1_000  # more parts than that are looked at last
_ATOMS = {int, float, complex, bool, str, bytes, type(None)}
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
    shown = [[(v, k) for k, v in _variables(s) if type(k) is str and k.isidentifier() and k[0] != "_"] for s in scopes]
    lasting = [(v, k) for scope in shown for v, k in scope if k not in passing]
    late = [(v, k) for scope in shown for v, k in scope if k in passing]
    return _first([*_reached(lasting), *_reached(late)])


def names_from(roots: list[tuple[Any, str]]) -> dict[int, str]:
    """What tensors are called that can be reached from some values with names, by row."""
    return _first(_reached(roots))


def held_by(tensor: Any) -> Any:
    """The tensor that has the values: under `vmap`, what a function is called with stands for it."""
    return tensor._value if tensor._stands_in else tensor


def tensors_in(value: Any) -> Iterator[Any]:
    """The tensors in a value: itself, or what containers and objects hold."""
    return (tensor for tensor, _ in _reached([(value, "")]))


def _variables(scope: Any) -> list[tuple[Any, Any]]:
    """What a scope holds; nothing of one that the program wrote itself, as `exec` takes it."""
    if issubclass(type(scope), dict):
        return list(dict.items(scope))
    return list(scope.items()) if type(scope).__module__ == "builtins" else []  # what Python 3.13 has for locals


def _first(found: Iterable[tuple[Any, str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for value, name in found:
        if issubclass(type(value), machine.TensorBase):
            names.setdefault(held_by(value)._buffer, name)
    return names


def _reached(roots: list[tuple[Any, str]]) -> Iterator[tuple[Any, str]]:
    """Tensors and their names, the shortest ways first; those in what holds very many things, a data set, last."""
    waiting = deque((value, name, 0) for value, name in roots)
    wide: deque[tuple[Any, str, int]] = deque()
    known: dict[type, _Members] = {}
    seen: set[int] = set()
    while (waiting or wide) and len(seen) < MOST:
        value, name, depth = waiting.popleft() if waiting else wide.popleft()
        kind = type(value)
        if issubclass(kind, machine.TensorBase):
            yield value, name
        elif id(value) not in seen and depth < DEEPEST and not issubclass(kind, _CLOSED):
            seen.add(id(value))
            parts = [(part, of, depth + 1) for part, of in islice(_parts(value, name, known), MOST)
                     if type(part) not in _ATOMS]
            (waiting if len(parts) <= WIDE else wide).extend(parts)


def _parts(value: Any, name: str, known: dict[type, _Members]) -> Iterator[tuple[Any, str]]:
    kind = type(value)
    sequence = next((base for base in (list, tuple, deque) if issubclass(kind, base)), None)
    if sequence is not None:
        fields: Any = next((held["_fields"] for held in _of_bases(kind) if "_fields" in held), None)
        for i, part in enumerate(sequence.__iter__(value)):
            named = type(fields) is tuple and i < len(fields) and type(fields[i]) is str
            yield part, f"{name}.{fields[i]}" if named else f"{name}[{i}]"
    elif issubclass(kind, dict):
        for key, part in list(dict.items(value)):
            if type(key) in (str, int, bool):
                yield part, f"{name}[{_quoted(key)}]"
    else:
        if kind not in known:
            known[kind] = _Members.of(kind)
        yield from ((part, f"{name}.{of}") for of, part in known[kind].read(value))


class _Members(NamedTuple):
    """What instances of a type hold: their dict, and slots, read by Python's own descriptors."""

    dict: Any
    slots: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, kind: type) -> _Members:
        slots: dict[str, Any] = {}
        held = None
        for of_base in _of_bases(kind):
            for name, member in of_base.items():
                if type(member) is types.MemberDescriptorType and name[0] != "_":
                    slots.setdefault(name, member)
                elif name == "__dict__" and held is None:
                    held = member
        known = type(held) in (types.GetSetDescriptorType, types.MemberDescriptorType)
        return cls(held if known else None, tuple(slots.items()))

    def read(self, value: Any) -> Iterator[tuple[str, Any]]:
        for name, member in self.slots:
            with contextlib.suppress(AttributeError):  # not set
                yield name, member.__get__(value)
        held: Any = self.dict.__get__(value) if self.dict is not None else None
        for key, part in list(dict.items(held)) if issubclass(type(held), dict) else ():
            if type(key) is not str:
                continue
            if key in _OF_MODULES and issubclass(type(part), dict):
                yield from dict.items(part)
            elif not key.startswith("_"):
                yield key, part


def _of_bases(kind: type) -> Iterator[Mapping[str, Any]]:
    """What a type and its bases hold, read so that no metaclass of the program is asked."""
    for base in type.__dict__["__mro__"].__get__(kind):
        yield type.__dict__["__dict__"].__get__(base)


def _quoted(key: str | int) -> str:
    return f'"{key}"' if type(key) is str else str(key)


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
