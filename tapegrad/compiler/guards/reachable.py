"""The Python values a function can read: what its code names, followed through closures, globals, objects and classes.

A capture is only valid for the values it saw. `Walk` (`walk.py`) finds them, and `Reach` compares them:
`Reach.unchanged` is asked before every replay and after every capture, so that a function that changes what it reads is
found out; `Reach.content` says whether other objects hold equal values.

The rule is that what is not known to be seen is not compiled. What a name stands for is trusted (`trusted_values.py`:
it keeps no state), or is code that is read in turn (`bytecode.py`), or is watched: by content (`contents.py`), or by
words of memory (`memory_words.py`). Everything else is refused, with its name.
"""
from __future__ import annotations

from typing import Any

from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.contents import MISSING, Unreadable, Watched, content_of, is_replaceable
from tapegrad.compiler.guards.growing_lists import Held
from tapegrad.compiler.guards.walk import Walk
from tapegrad.compiler.numbers.places import Place

__all__ = ["Held", "Reach", "Unreadable"]


class Reach(Walk):
    """Everything a function's code can read by name; raises Unreadable for what cannot be watched.

    `kinds` are the types of its arguments that may have code of their own. `cells` and `names` are where values are
    found (a closure cell; a dict and a key), `tensors` the tensors among them, by identity; `conditions()` and `probes`
    (functions and what they said) are compared as well. `reads` are the attributes that code asks for; `any_attribute`
    says that it asks for computed ones; `identity`, that it asks which object something is.

    `places` are where numbers are found that could be put there too; of those that are `varying`, by their places among
    them, the type is part of the content, and not the value. None are where code may tell a number from its stand-in
    (`machine/learning/following.py`).

    `replaces` are places, of those of a function `WithReplaced`, that it came by: what stands there is no condition.

    `logs` are lists, by identity, to which code does nothing but append (`growing_lists.py`): those at the places
    `growing`. They may hold anything.
    """

    def again(self) -> Reach:
        """What the same function can read now."""
        return Reach(self.function, self.kinds, self.varying, self.growing.places)

    def grown(self) -> frozenset[Held]:
        """Where there are more lists that code appends to and does not look at, of those that hold more than they did.
        """
        return frozenset() if self._looks() else self.growing.grown(self.watched) - self.growing.places

    def varied(self, other: Reach) -> set[int] | None:
        """The places of the numbers that are others there, if nothing else is."""
        if len(self.content) != len(other.content) or self._entries_of_numbers != other._entries_of_numbers:
            return None
        found = [i for i, (a, b) in enumerate(zip(self.content, other.content)) if a != b]
        if not self.same_objects(other) or any(i not in self._entries_of_numbers for i in found):
            return None
        return {self._entries_of_numbers[i] for i in found}

    def varying_places(self) -> list[Place]:
        """Where the numbers are that vary."""
        return [self.places[k] for k in sorted(self.varying) if k < len(self.places)]

    def unchanged(self, memory: bool = True) -> bool:
        """Whether every name stands for the object it stood for, and every container holds what it held.

        Without `memory`, what a program compares itself is left out: words, and containers that have some.
        """
        for where, name, value in self.names:
            if where.get(name, MISSING) is not value:
                return False
        if memory and not memory_words.hold(self.conditions()):
            return False
        watched = self.watched if memory else self.without_words
        return all(w.unchanged() for w in watched) and all(ask() == said for ask, said in self.probes)

    def switched(self) -> list[tuple[dict[Any, Any], Any, Any]]:
        """The attributes and items that are other truth values or None by now, with what they are; empty where anything
        else is another.
        """
        found = [w.switched() for w in self.watched if not w.unchanged()]
        if None in found or any(where.get(name, MISSING) is not value for where, name, value in self.names) or not (
                memory_words.hold(self.conditions())) or any(ask() != said for ask, said in self.probes):
            return []
        return [one for several in found for one in several or ()]

    def replaced(self) -> list[tuple[Place, Any]]:
        """Where other tensors stand by now, and what stood there; nowhere, where it may matter which objects they are.
        """
        if self.identity or self._hashes:
            return []
        held = [(Place(*place), w.parts[i]) for w in self.watched for i in w.replaced() if (place := w.place(i))]
        named = [(Place(where, name), value) for where, name, value in self.names if type(where) is dict]
        named += [(Place(cell), value) for cell, value in self.cells if (id(cell), None) not in self.replaces]
        return held + [(place, value) for place, value in named if (now := place.found()) is not value and (
            is_replaceable(value) and is_replaceable(now))]

    def words_of_containers(self) -> list[memory_words.Word]:
        """The words of memory that show that containers hold what they held; those without are `without_words`.

        Where they hold something else by now, which may be equal, the words are such as never are met.
        """
        found = [(w, w.words()) for w in self.watched]
        self.without_words: list[Watched] = [w for w, words in found if words is None]
        self.with_words: list[tuple[Watched, int]] = [(w, len(words)) for w, words in found if words]
        words = [word for _, several in found for word in several or ()]
        if all(w.unchanged() for w in self.watched):  # looked at after the words were read: other threads may write
            return words
        return [(at, mask, value ^ mask) for at, mask, value in words]

    def changed(self) -> str:
        """Which name or value is another now, for a message."""
        for where, name, value in self.names:
            if where.get(name, MISSING) is not value:
                return f": {name}"
        for name, (cell, content) in zip(_free(self.function), self.cells):
            if content_of(cell) is not content and (id(cell), None) not in self.replaces:
                return f": {name}"
        found = next((w for w in self.watched if not w.unchanged()), None)
        return "" if found is None else f": a {found.kind.__name__}{self.growing.called(found.value)}"

    def conditions(self) -> list[memory_words.Word]:
        """The words of memory that show that what is reached is what it was, the state of the tensors apart."""
        return self._words

    def same_objects(self, other: Reach) -> bool:
        """Whether what can be written to is the very same there."""
        ours, theirs = ([id(w.value) for w in r.watched if w.kind is not tuple] for r in (self, other))
        return ours == theirs

    def met(self) -> list[Any]:
        """All the values and classes that were met, but simple ones."""
        return [*self._keep, *self._classes]


def _free(function: Any) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return code.co_freevars if code else ()
