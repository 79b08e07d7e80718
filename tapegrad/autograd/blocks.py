"""`with` blocks that are left whatever interrupts them."""
from __future__ import annotations

import threading
from typing import Any


class Block:
    """A `with` block that Ctrl-C cannot leave half entered, or entered for good.

    Python may raise KeyboardInterrupt at each call: in `__enter__` when all is done, in `__exit__` before anything is.
    So what a block changes is said by sets of the blocks that want it, of which `_end` takes this one out, as often as
    it is asked: when the beginning fails, at the end, and if that was interrupted when nobody refers to the block; but
    not where users may enter a block `by_hand`, and keep no reference to it.
    """

    __slots__ = ("_entries",)
    by_hand = False
    _entries: list[tuple[int, Any]]

    def __init__(self) -> None:
        self._entries = []  # one for each time that it was entered and not left, with the thread

    def __enter__(self) -> Any:
        entry = self._entry()
        try:
            self._entries.append((threading.get_ident(), entry))
            return self._begin(entry)
        except BaseException:
            self._end(entry)
            self._entries[:] = [e for e in self._entries if e[1] is not entry]
            raise

    def __exit__(self, *error: object) -> None:
        here, entries = threading.get_ident(), self._entries
        for at in reversed(range(len(entries))):
            if entries[at][0] == here:
                self._end(entries[at][1])
                del entries[at]
                return

    def __del__(self) -> None:
        if not self.by_hand:
            self.leave()

    def leave(self) -> None:
        """End it as often as it was entered."""
        while entries := getattr(self, "_entries", None):
            self._end(entries[-1][1])
            entries.pop()

    def _entry(self) -> Any:
        """What stands for one time in the sets; it refers to no block."""
        return object()

    def _begin(self, entry: Any) -> Any:
        raise NotImplementedError

    def _end(self, entry: Any) -> None:
        raise NotImplementedError
