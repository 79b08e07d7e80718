"""The backward of a custom function runs once while its call is captured, before anybody asks for it.

It is code of the program, and may change what lasts: a counter, a list, what is in `ctx`, a tensor, a random stream.
All of that is put back, and the capture is refused: a program would leave such changes out.

As written it runs when the gradient is asked for, and reads what there is by then: `LaterReads` sees whether that is
what there was.
"""
from __future__ import annotations

import collections
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad.autograd import engine
from tapegrad.autograd.function import FunctionCtx, backward_of
from tapegrad.compiler.guards import trusted_values
from tapegrad.compiler.guards.contents import (
    MISSING,
    Watched,
    can_be_watched,
    content_of,
    dict_of,
    is_opaque,
    is_simple,
    slots,
)
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.compiler.traced_program import owner_of
from tapegrad.machine.learning import capturing, following
from tapegrad.machine.live import buffers, layouts, machine
from tapegrad.random import Generator, default_generator
from tapegrad.tape import hooks, reading

_OF_CONTEXTS = {*vars(FunctionCtx()), "_before_backward", "_wanted"}  # what the engine keeps there
_FIXED = {tuple, frozenset, types.MappingProxyType}  # containers that nobody can write to
_NAMED = (types.FunctionType, type)  # what has attributes that code sets by its name


def custom_functions(roots: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """The contexts of the custom functions between some results and some inputs."""
    reached = {t for root in roots for t in engine.visited(root, inputs, checked=False)}
    kept = [hooks.find(reading.instruction(t)[0]) for t in sorted(reached)]
    return [k.callback for k in kept if k is not None and k.callback is not None]


class Rehearsal:
    """What the backwards of custom functions may change, as it was before they ran; Unreadable if that is not known."""

    def __init__(self, reach: Reach, contexts: Sequence[Any]) -> None:
        capturing.carry_out()  # the tensors hold what the call left in them
        self._trace = capturing.mine()
        self._drawn = len(self._trace.draws) if self._trace else 0
        self._met: dict[Any, Any] = {}
        self._undo: list[tuple[Callable[[], bool], Callable[[], None]]] = []
        self._streams: list[tuple[Any, Any]] = []
        self._several((default_generator, *reach.met()))
        for where, name, _ in reach.names:
            self._keep(where, name, where.get(name, MISSING))
        for place in reach.replaces.values():
            if isinstance(place.owner, dict):
                self._keep(place.owner, place.key, place.found())
        for cell, _ in reach.cells:
            self._cell(cell, content_of(cell))
        for ctx in contexts:
            self._attributes(vars(ctx), _OF_CONTEXTS)
            self._several(saved.tensor for saved in ctx._kept or () if saved is not None)

    def put_back(self) -> bool:
        """Undo all that was changed; whether anything was."""
        changed = self._trace is not None and len(self._trace.draws) > self._drawn
        for stream, place in self._streams:
            stream.back_to(place)
        for is_same, undo in self._undo:
            if not is_same():
                changed = True
                undo()
        return changed

    def _several(self, values: Any) -> None:
        for value in values:
            self._meet(value)

    def _meet(self, value: Any) -> None:
        if is_simple(value) or type(value) in following.KINDS or value is MISSING or id(value) in self._met:
            return
        self._met[id(value)] = value
        if isinstance(value, machine.TensorBase):
            self._tensor(value)
        elif isinstance(value, Generator):
            self._streams.append((value.stream, value.stream.mark()))
        elif isinstance(value, _NAMED):
            if not (isinstance(value, type) and trusted_values.is_class(value)):
                self._attributes(vars(value), (), value)
        elif isinstance(value, slice):
            return
        elif not is_opaque(value):
            if not can_be_watched(value):
                raise Unreadable(f"a custom function keeps a {type(value).__name__} for its backward")
            watched = Watched(value)
            self._undo.append((watched.unchanged, way_back(value)))
            self._several((*watched.keys, *watched.parts))

    def _keep(self, held: Any, name: str, value: Any) -> None:
        def undo() -> None:
            if value is MISSING:
                del held[name]
            else:
                held[name] = value

        self._undo.append((lambda: held.get(name, MISSING) is value, undo))
        self._meet(value)

    def _cell(self, cell: Any, value: Any) -> None:
        self._undo.append((lambda: content_of(cell) is value, lambda: setattr(cell, "cell_contents", value)))
        self._meet(value)

    def _attributes(self, held: Any, but: Any, owner: Any = None) -> None:
        """What is in a dict of attributes, but some; those of a class are set by their `owner`."""
        before = {k: v for k, v in held.items() if k not in but}

        def is_same() -> bool:
            now = {k: v for k, v in held.items() if k not in but}
            return now.keys() == before.keys() and all(now[k] is v for k, v in before.items())

        def undo() -> None:
            for name in [k for k in held if k not in but and k not in before]:
                if owner is None:
                    del held[name]
                else:
                    delattr(owner, name)
            for name, value in before.items():
                if held.get(name, MISSING) is not value:
                    if owner is None:
                        held[name] = value
                    else:
                        setattr(owner, name, value)

        self._undo.append((is_same, undo))
        if owner is None:
            self._several(before.values())

    def _tensor(self, tensor: Any) -> None:
        row = owner_of(tensor)
        version, nbytes = int(buffers[row]["version"]), layouts.all[int(buffers[row]["layout"])].nbytes
        gradient = tensor.grad if tensor.is_leaf else None
        if ("storage", row) not in self._met:
            self._met["storage", row] = None
            held = machine.memory(int(buffers[row]["address"]), "u1", nbytes) if nbytes else np.empty(0, "u1")
            before = held.copy()

            def undo() -> None:
                held[...] = before
                buffers[row]["version"] = version

            self._undo.append((lambda: int(buffers[row]["version"]) == version, undo))
        if tensor.is_leaf:
            self._undo.append((lambda: tensor.grad is gradient, lambda: setattr(tensor, "grad", gradient)))
            if gradient is not None:
                self._meet(gradient)


class LaterReads:
    """What the backwards of custom functions read besides their arguments, whose values a program has in it.

    Unreadable for what may be changed without a word: containers and objects that others have too.
    """

    def __init__(self, reach: Reach, contexts: Sequence[Any], given: Sequence[Any]) -> None:
        classes = {ctx._forward_cls for ctx in contexts}
        self._functions = {cls: backward_of(cls) for cls in classes}
        self._reaches = [Reach(_own(function)) for function in self._functions.values()]
        for watched in (w for r in self._reaches for w in r.watched):
            if watched.kind not in _FIXED:
                raise Unreadable(f"the backward of a custom function reads a {watched.kind.__name__} of the program's")
        places = [*((id(where), name) for r in self._reaches for where, name, _ in r.names),
                  *((id(cell), None) for r in self._reaches for cell, _ in r.cells)]
        if not reach.replaces.keys().isdisjoint(places):
            raise Unreadable("the backward of a custom function reads a tensor that the function replaces")
        shared = {*map(id, (*reach.met(), *given))}
        values = [v for ctx in contexts for k, v in vars(ctx).items() if k not in _OF_CONTEXTS]
        for value in values:
            self._look(value, shared)
        tensors = [t for r in self._reaches for t in r.tensors.values()]
        tensors += [v for v in values if isinstance(v, machine.TensorBase)]
        self._versions = {row: int(buffers[row]["version"]) for row in map(owner_of, tensors)}

    def _look(self, value: Any, shared: set[int]) -> None:
        if is_simple(value) or is_opaque(value) or type(value) in following.KINDS:
            return
        if id(value) in shared and type(value) not in _FIXED:
            raise Unreadable(f"a custom function keeps a {type(value).__name__} of the program's for its backward")
        shared.add(id(value))
        if isinstance(value, (list, tuple, dict)):
            for part in value.values() if isinstance(value, dict) else value:
                self._look(part, shared)

    def have_changed(self) -> bool:
        """Whether a backward would read something else by now; what tensors hold apart, which programs look at."""
        try:
            return any(backward_of(cls) is not function for cls, function in self._functions.items()) or any(
                not r.unchanged() and r.again().content != r.content for r in self._reaches)
        except Unreadable:
            return True

    def watch(self, contexts: Sequence[Any], stop: Callable[[str], None]) -> None:
        """Say so when a backward of the captured call itself reads something else: others will too."""
        def look() -> None:
            written = any(int(buffers[row]["version"]) != version for row, version in self._versions.items())
            if written or self.have_changed():
                stop("the backward of a custom function reads what was changed since the call")

        for ctx in contexts:
            ctx._before_backward = look


def _own(function: Any) -> Any:
    """The program's function inside of this library's decorators."""
    while capturing.is_library(function.__code__.co_filename) and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def way_back(value: Any) -> Callable[[], None]:
    """What gives a container or an object back all that it holds now."""
    ways: list[Callable[[], Any]] = []
    kind: Any
    if isinstance(value, np.ndarray):
        held = value.copy()
        ways.append(lambda: np.copyto(value, held))
    elif isinstance(value, dict):
        kind = collections.OrderedDict if isinstance(value, collections.OrderedDict) else dict
        items = [(k, kind.__getitem__(value, k)) for k in kind.__iter__(value)]
        ways += [lambda: kind.clear(value), lambda: [kind.__setitem__(value, k, v) for k, v in items]]
    elif isinstance(value, (list, collections.deque, set)):
        kind = next(k for k in (list, collections.deque, set) if isinstance(value, k))
        more: Any = set.update if kind is set else kind.extend
        parts = [*kind.__iter__(value)]
        ways += [lambda: kind.clear(value), lambda: more(value, parts)]
    for cls, name in slots(type(value)):
        ways.append(_into(vars(cls)[name], value))
    own = dict_of(value)
    if own is not None:
        attributes = dict(own)
        ways += [own.clear, lambda: own.update(attributes)]

    def undo() -> None:
        for way in ways:
            way()

    return undo


def _into(member: Any, value: Any) -> Callable[[], None]:
    """What fills a slot as it is filled now."""
    try:
        found = member.__get__(value)
    except AttributeError:
        return lambda: None
    return lambda: member.__set__(value, found)
