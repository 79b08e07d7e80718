"""What there is when a captured call begins, and what of that must be there when it ends."""
from __future__ import annotations

import collections
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.autograd import anomaly, modes
from tapegrad.compiler import trace_analysis
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.contents import attributes
from tapegrad.compiler.guards.growing_lists import Growth, Log
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.compiler.pytrees import Numbers, flatten, is_loose, overlapping, plain_layout, with_gradients
from tapegrad.compiler.refusals import Changes, Grows, Refused, Replaces, Strict, Varies
from tapegrad.machine import records as rec
from tapegrad.machine.learning import parts as moving_parts
from tapegrad.machine.live import buffers


class Before:
    """What there is when a captured call begins; `varying` are the numbers passed that are left out of `structure`.

    `found` are leaves that it reaches whose gradients are arguments, the last ones: plain tensors in memory of their
    own, which may lie elsewhere at the next call. Of others it is known which tensor that is, of all if `by_name`.
    """

    reach: Reach
    leaves: list[Any]
    structure: Any
    containers: list[Any]
    loose: dict[int, tuple[int, int]]

    def __init__(self, reach: Reach, leaves: Sequence[Any], structure: Any, containers: Sequence[Any],
                 identity: bool, varying: frozenset[int] = frozenset(), kinds: Sequence[Any] = (),
                 by_name: bool = False) -> None:
        self.varying = varying
        self.reach, self.leaves, self.structure, self.containers = reach, list(leaves), structure, list(containers)
        self.identity = identity
        self.watched: set[int] = {*(id(w.value) for w in reach.watched), *reach.logs}
        self.logs: list[Growth] = [*map(Growth, reach.logs.values())]
        self.switched: list[tuple[dict[Any, Any], Any, Any]] = []  # what the call set, that it reads: dict, key, value
        self.requiring: list[tuple[Any, bool]] = []  # leaves of which it set whether they require grad, and that
        if reach.identity and not self.watched.isdisjoint(map(id, self.containers)):
            raise Refused("it asks which object something is, and is passed a tuple, list or dict that it also reads")
        self.arguments: list[Any] = with_gradients(leaves)
        self.tensors: list[Any] = list({id(t): t for t in (*reach.tensors.values(), *leaves)}.values())
        self.keys: list[tuple[int, ...]] = [cap.storage_key(t) for t in self.tensors]
        self.gradients: list[tuple[Any, Any]] = [(t, t.grad) for t in self.tensors if t.is_leaf]
        given = {*map(id, self.arguments)}
        lent = [(t, g) for t, g in self.gradients if g is not None and id(g) not in given]
        self.lent: dict[int, int] = {id(t): id(g) for t, g in lent}
        self.found: list[Any] = [] if by_name or len(lent) > rec.MAX_FOUND else (
            apart(lent, [*reach.tensors.values(), *self.arguments]))
        self.arguments += [t.grad for t in self.found]
        given.update(map(id, self.arguments))
        self.held: list[Any] = [*reach.tensors.values(), *(g for _, g in lent if id(g) not in given)]
        self.owners: list[int] = [cap.owner_of(a) for a in self.arguments]
        self.loose = {i: _extent(t) for i, (t, kind) in enumerate(zip(leaves, kinds)) if is_loose(kind)}
        self.known: set[int] = {cap.owner_of(t) for t in reach.tensors.values()}
        self.known |= {cap.owner_of(g) for t, g in self.gradients if g is not None and id(t) in reach.tensors}
        self.known.difference_update(t.grad._buffer for t in self.found)
        if any(self.owners[i] in self.known for i in self.loose):
            raise Strict("it reads the base of an argument by name")
        rows = {cap.owner_of(t) for t in (*self.held, *self.arguments)}
        if overlapping(rows):
            raise Refused("arrays it works on overlap in memory")
        self.versions: dict[int, int] = {row: int(buffers[row]["version"]) for row in rows}
        self.hung: list[dict[str, int] | None] = [*map(hung, self.arguments)]
        self.mode: tuple[Any, ...] = _mode()
        self.storages: trace_analysis.Storages = trace_analysis.live_storages(rows)

    def appended(self) -> list[tuple[Log, Any]]:
        """What the call appended to lists, each with the list."""
        return [(log.log, item) for log in self.logs for item in log.items() or ()]

    def movable(self) -> dict[int, set[int]]:
        """The tensors that were there before, by identity, for each owner row."""
        found: dict[int, set[int]] = {}
        for t in (*self.reach.tensors.values(), *self.leaves):
            found.setdefault(cap.owner_of(t), set()).add(id(t))
        return found

    def starts(self, parts: Sequence[moving_parts.Part]) -> list[int]:
        """Where the program's arguments begin in this call, and after them the parts that it takes of tensors."""
        return [*cap.starts(self.arguments, self.owners, self.loose), *(p.first for p in parts)]

    def look(self, at: Collection[int]) -> None:
        """Of the gradients on leaves, only those of these tensors, by identity, mattered."""
        first = len(self.arguments) - len(self.found)
        kept = [first + k for k, t in enumerate(self.found) if id(t) in at]
        self.found = [self.found[k - first] for k in kept]
        columns: tuple[list[Any], ...] = self.arguments, self.owners, self.hung
        for several in columns:
            several[first:] = [several[k] for k in kept]

    def check(self, args: Any) -> None:
        """Refused for a call that changed what the next one depends on."""
        if not self.reach.unchanged():
            grown = self.reach.grown()
            if grown:
                raise Grows("it appends to a list", grown)
            self.switched = self.reach.switched()
            replaced = [] if self.switched else self.reach.replaced()
            if replaced:
                raise Replaces("it replaces tensors that it reads" + self.reach.changed(), replaced,
                               self.reach.replaces.values())
            try:
                now = self.reach.again()
            except Unreadable as unseen:  # what it put where it reads
                raise Refused(str(unseen)) from None
            if not self.switched and (now.content != self.reach.content or not now.same_objects(self.reach)):
                why, varied = "it changes Python values that it reads" + self.reach.changed(), now.varied(self.reach)
                raise Varies(why, varied) if varied and not now.tells else Changes(why)
        if any(log.items() is None for log in self.logs):
            raise Refused("it changes a list that it appends to")
        leaves: list[Any] = []
        containers: list[Any] = []
        if self.structure is not None and (
                flatten(args, leaves, containers, self.identity, Numbers(self.varying)) != self.structure
                or [*map(id, leaves)] != [*map(id, self.leaves)]
                or [*map(id, containers)][1:] != [*map(id, self.containers)][1:]):
            raise Refused("it changes a list or dict that it is passed")
        if self.mode != _mode():
            raise Refused("it leaves another grad mode or default dtype behind")
        if [*map(hung, self.arguments)] != self.hung:
            raise Refused("it hangs an attribute on a tensor that it is passed, or takes one away")
        for tensor, key in zip(self.tensors, self.keys):
            found = cap.storage_key(tensor)
            if found != key:
                if (found[:-1] != key[:-1] or found[-1] ^ key[-1] != rec.REQUIRES_GRAD or tensor._is_view()
                        or id(tensor) not in self.reach.tensors):
                    raise Changes("it gives a tensor another history or storage")
                self.requiring.append((tensor, tensor.requires_grad))


def _mode() -> tuple[Any, ...]:
    """What of this thread decides how an operation runs."""
    return modes.is_grad_enabled(), dtypes.default_dtype(), anomaly.enabled


def apart(gradients: Sequence[tuple[Any, Any]], others: Iterable[Any]) -> list[Any]:
    """Of leaves with gradients those whose gradient is a plain tensor, in memory that no other lies in."""
    rows = collections.Counter(cap.owner_of(t) for t in (*(g for _, g in gradients), *others))
    return [t for t, g in gradients if rows[g._buffer] == 1 and plain_layout(g) is not None]


def hung(tensor: Any) -> dict[str, int] | None:
    """What is hung on a tensor, by identity."""
    return {k: id(v) for k, v in attributes(tensor).items()} if memory_words.has_attributes(tensor) else None


def _extent(tensor: Any) -> tuple[int, int]:
    """Where in its base a view begins and ends, in bytes."""
    start = cap.addresses.item(tensor._buffer) - cap.addresses.item(cap.owner_of(tensor))
    steps = [(n - 1) * s for n, s in zip(tensor.shape, tensor.stride())]
    if any(s < 0 for s in steps):
        return start, start + 1
    return start, start + (sum(steps) + 1) * tensor.element_size()
