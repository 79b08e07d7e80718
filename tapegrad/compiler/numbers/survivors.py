"""Stand-ins that outlive their call: whatever holds one is given the number itself, and stays the object it is."""
from __future__ import annotations

import collections
import ctypes
import gc
import sys
import types
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from tapegrad.compiler.guards.contents import slots
from tapegrad.machine.learning import following

_WORD = 8
_HELD = 3  # references to a stand-in that nobody has: the graph's, and what a loop over them takes
# Objects that cannot be written to, and keep what they hold in themselves.
_SEALED: Any = (tuple, frozenset, types.GeneratorType, types.CoroutineType, BaseException, types.FrameType)


def release(stand_ins: dict[int, Any], known: Iterable[Any], result: Any, containers: Collection[Any]) -> None:
    """Put the numbers in place of stand-ins, wherever they are left but in a result, whose `containers` are told.

    `known` are objects that may well hold some. Only if there are more are all objects asked.
    """
    for holder in known:
        give_numbers(holder)
    spared = {*map(id, containers), id(stand_ins)}
    inside = collections.Counter(id(s) for c in ([result], *containers) for s in _held(c))
    left = [s for s in stand_ins.values() if sys.getrefcount(s) > _HELD + inside[id(s)]]
    if not left:
        return
    spared |= {id(left), *_running()}
    for holder in gc.get_referrers(*left):
        if id(holder) not in spared:
            give_numbers(holder)


def give_numbers(holder: Any) -> None:
    """Put the numbers in place of the stand-ins that an object holds itself."""
    if not any(map(_is_stand_in, gc.get_referents(holder))):
        return
    if isinstance(holder, dict):
        _into_dict(holder)
    elif isinstance(holder, (list, collections.deque)):
        kind: Any = list if isinstance(holder, list) else collections.deque
        for i, value in enumerate(kind.__iter__(holder)):
            if _is_stand_in(value):
                kind.__setitem__(holder, i, value._value)
    elif isinstance(holder, set):
        found = [*filter(_is_stand_in, set.__iter__(holder))]
        set.difference_update(holder, found)
        set.update(holder, [s._value for s in found])
    elif isinstance(holder, types.CellType):
        holder.cell_contents = holder.cell_contents._value
    elif isinstance(holder, _SEALED):
        _into_words(holder)
    elif not isinstance(holder, (types.MethodType, types.BuiltinMethodType)):
        _into_attributes(holder)


def _running() -> Iterator[int]:
    """The frames at work. Others are what generators stopped in (on Python 3.10), or what tracebacks keep."""
    for frame in sys._current_frames().values():
        at: Any = frame
        while at is not None:
            yield id(at)
            at = at.f_back


def _held(container: Any) -> Iterator[Any]:
    values = (*container, *container.values()) if isinstance(container, dict) else container
    return filter(_is_stand_in, values)


def _is_stand_in(value: Any) -> bool:
    return type(value) in following.KINDS


def _plain(value: Any) -> Any:
    return value._value if _is_stand_in(value) else value


def _into_dict(held: dict[Any, Any]) -> None:
    # All objects of the process are asked for a class whose dict this is; each such dict has a module, for good.
    owner = next((c for c in gc.get_referrers(held) if isinstance(c, type) and any(
        held is d for d in gc.get_referents(c))), None) if dict.__contains__(held, "__module__") else None
    if owner is not None:  # which remembers what was found in it
        for name, value in [*held.items()]:
            if _is_stand_in(value):
                type.__setattr__(owner, name, value._value)
        return
    kind: Any = collections.OrderedDict if isinstance(held, collections.OrderedDict) else dict
    items = [(k, kind.__getitem__(held, k)) for k in kind.__iter__(held)]
    if any(_is_stand_in(k) for k, _ in items):
        kind.clear(held)
    for key, value in items:
        kind.__setitem__(held, _plain(key), _plain(value))


def _into_attributes(holder: Any) -> None:
    for cls, name in slots(type(holder)):
        member = vars(cls)[name]
        try:
            value = member.__get__(holder)
        except AttributeError:  # never filled
            continue
        if _is_stand_in(value):
            member.__set__(holder, value._value)
    own = getattr(type(holder), "__dictoffset__", 0) and object.__getattribute__(holder, "__dict__")
    if own and not isinstance(holder, type):
        _into_dict(own)


def _into_words(holder: Any) -> None:
    """Into what cannot be written to: nobody can tell the number from what stood for it but by its type."""
    at, kind = id(holder), next(k for k in _SEALED if isinstance(holder, k))
    for where in range(at + 2 * _WORD, at + kind.__sizeof__(holder), _WORD):
        word = ctypes.c_void_p.from_address(where)
        found = next((s for s in gc.get_referents(holder) if _is_stand_in(s) and id(s) == word.value), None)
        if found is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(found._value))
            word.value = id(found._value)
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(found))
