"""Named tuples that are quickly made: `typing.NamedTuple`, without a look at annotations and without compiling code.

Python makes a class of seven fields in 170 us, most of which goes into objects for annotations that are text; here it
is 15. There are more than a hundred such classes: they took a third of what is imported for the first compiled call.
"""
from __future__ import annotations

import functools
import types
from _collections import _tuplegetter  # what `collections` makes fields of
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]


class _Fields(tuple[Any, ...]):
    """What all of these classes have."""

    __slots__ = ()
    _fields: tuple[str, ...]

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Any:
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self, /, **changed: Any) -> Any:
        made = self._make(map(changed.pop, self._fields, self))
        if changed:
            raise ValueError(f"Got unexpected field names: {list(changed)!r}")
        return made

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={x!r}' for n, x in zip(self._fields, self))})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)


@functools.cache
def _made_of(count: int) -> types.FunctionType:
    """`__new__` of a class of so many fields."""
    names = "".join(f"_{i}, " for i in range(count))
    known = {"new": tuple.__new__, "__builtins__": {}}
    made: types.FunctionType = eval(f"lambda _cls, {names}: new(_cls, ({names}))", known)
    return made


class _Kind(type):
    """What `NamedTuple` is of: a class of it is a plain one, of tuples."""

    def __new__(mcs, name: str, bases: tuple[type, ...], content: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(mcs, name, bases, content)
        fields = tuple(content.get("__annotations__", ()))
        defaults = {field: content[field] for field in fields if field in content}
        if fields[len(fields) - len(defaults):] != tuple(defaults):
            raise TypeError(f"{name}: a field without a default cannot follow one that has one")
        new = _made_of(len(fields))
        code = new.__code__.replace(co_varnames=("_cls", *fields), co_name="__new__")
        content["__new__"] = made = types.FunctionType(code, new.__globals__, "__new__", tuple(defaults.values()))
        made.__qualname__ = f"{content['__qualname__']}.__new__"
        content.update((field, _tuplegetter(i, f"Alias for field number {i}")) for i, field in enumerate(fields))
        content.update(__slots__=(), _fields=fields, __match_args__=fields, _field_defaults=defaults)
        return type(name, (_Fields,), content)


if TYPE_CHECKING:
    from typing import NamedTuple
else:
    NamedTuple = _Kind("NamedTuple", (), {})
