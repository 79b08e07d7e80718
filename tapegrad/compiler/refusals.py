"""Why a capture cannot be kept: for good, or under what it assumes (see `assumptions`)."""
from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any


class Refused(Exception):
    """Why a capture cannot be kept."""


class Strict(Refused):
    """It depends on where in its base an argument begins."""


class ByName(Refused):
    """It depends on which tensors the gradients are that it finds on leaves."""


class Still(Refused):
    """It depends on which parts of tensors it takes."""


class Within(Refused):
    """It enters inference mode where that is the mode already: what else it makes is of inference mode here alone."""


class Changes(Refused):
    """A call changed what the next one reads."""


class Varies(Changes):
    """A call left other numbers behind than it found; `places` says which of `Reach.places`."""

    def __init__(self, why: str, places: Collection[int]) -> None:
        super().__init__(why)
        self.places: frozenset[int] = frozenset(places)


class Replaces(Changes):
    """A call left other tensors behind than it `found`: pairs of places and what stood there; `places` are all where it
    does. It `begins` if it found nothing there.
    """

    def __init__(self, why: str, found: Iterable[tuple[Any, Any]], others: Iterable[Any]) -> None:
        super().__init__(why)
        self.places: list[Any] = [*others, *(place for place, _ in found)]
        self.begins: bool = all(value is None for _, value in found)


class Grows(Changes):
    """A call appended to lists that it does not look at; `held` says where these are (`reachable.Held`)."""

    def __init__(self, why: str, held: frozenset[Any]) -> None:
        super().__init__(why)
        self.held: frozenset[Any] = held
