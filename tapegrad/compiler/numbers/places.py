"""Where Python keeps a number: in a list or dict, an attribute, a global, a variable of an enclosing function."""
from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

from tapegrad.compiler.guards.contents import MISSING, content_of
from tapegrad.compiler.pytrees import SIMPLE
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

PLAIN = frozenset((int, float))  # the types of what may vary, exactly; other classes may say that they are equal


class Place(NamedTuple):
    """An item of `owner`, a list or a dict; of a closure's cell there is but one."""

    owner: Any
    key: Any = None

    def get(self) -> Any:
        """What is there; None where nothing is."""
        return None if (found := self.found()) is MISSING else found

    def found(self) -> Any:
        """What is there; MISSING where nothing is."""
        if type(self.owner) is types.CellType:
            return content_of(self.owner)
        try:
            return self.owner[self.key]
        except LookupError:
            return MISSING

    def written(self, j: int, names: dict[str, Any]) -> str:
        """It in code with these names, to which it adds: as an item, or what a variable holds."""
        names[f"o{j}"], names[f"k{j}"] = self
        return f"o{j}.cell_contents" if type(self.owner) is types.CellType else f"o{j}[k{j}]"

    def put(self, value: Any) -> None:
        if type(self.owner) is types.CellType:
            self.owner.cell_contents = value
        else:
            self.owner[self.key] = value


def places_of(args: list[Any], kwargs: dict[str, Any]) -> list[Place | None]:
    """Where each number of a call's arguments is, in the order of `flatten`; None for one that nothing can be put for.
    """
    found: list[Place | None] = []
    met: set[int] = set()
    for i, value in enumerate(args):
        _walk(value, Place(args, i), met, found)
    for key, value in kwargs.items():
        _walk(value, Place(kwargs, key), met, found)
    return found


def _walk(value: Any, place: Place | None, met: set[int], found: list[Place | None]) -> None:
    kind = type(value)
    if kind in PLAIN:
        found.append(place)
    elif isinstance(value, machine.TensorBase) or kind in SIMPLE:
        return
    elif kind is slice:
        _each((value.start, value.stop, value.step), met, found)
    elif id(value) not in met:
        met.add(id(value))
        if kind is dict:
            _each(value, met, found)
            for key, part in value.items():
                _walk(part, Place(value, key) if type(key) is str else None, met, found)
        elif kind is list:
            for i, part in enumerate(value):
                _walk(part, Place(value, i), met, found)
        else:
            _each(value, met, found)


def _each(values: Sequence[Any] | dict[Any, Any], met: set[int], found: list[Place | None]) -> None:
    for value in values:
        _walk(value, None, met, found)
