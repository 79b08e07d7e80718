"""The version of PyTorch that programs find here, as they compare it (`torch.torch_version`)."""
from __future__ import annotations

import re
from typing import Any

from tapegrad.namespaces import show_public

__all__ = ["TorchVersion"]
show_public(__name__)

_BEFORE = ("dev", "a", "b", "rc")  # what comes before the release of its number, in this order


class TorchVersion(str):
    """A version that is compared as one, with a text or a tuple (`torch.torch_version.TorchVersion`).

    >>> TorchVersion("2.13.0") > "2.9", TorchVersion("2.13.0") >= (2, 13), "2.13.0a0" < TorchVersion("2.13.0")
    (True, True, True)

    What is no version is compared as text.
    """

    __slots__ = ()

    def __new__(cls, version: str) -> TorchVersion:
        return super().__new__(cls, version)

    def _pair(self, other: Any) -> tuple[Any, Any]:
        if isinstance(other, (tuple, list)):
            other = ".".join(map(str, other))
        ours, theirs = _key(self), _key(str(other))
        return (str(self), str(other)) if ours is None or theirs is None else (ours, theirs)

    def __lt__(self, other: Any) -> bool:
        a, b = self._pair(other)
        return bool(a < b)

    def __le__(self, other: Any) -> bool:
        a, b = self._pair(other)
        return bool(a <= b)

    def __gt__(self, other: Any) -> bool:
        a, b = self._pair(other)
        return bool(a > b)

    def __ge__(self, other: Any) -> bool:
        a, b = self._pair(other)
        return bool(a >= b)

    def __eq__(self, other: object) -> bool:
        a, b = self._pair(other)
        return bool(a == b)

    def __hash__(self) -> int:  # and `!=` is that of texts, as in PyTorch
        return str.__hash__(self)


def _key(text: str) -> tuple[Any, ...] | None:
    """Numbers without zeros at the end, how far it is to the release, and what is said after a plus."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+)*)[-_.]?([a-z][a-z\d.]*)?(?:\+(.*))?", text.strip().lower())
    if found is None:
        return None
    numbers = [int(n) for n in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    word = (found[2] or "").rstrip("0123456789.")
    count = int("0" + re.sub(r"\D", "", found[2] or ""))
    return numbers, _BEFORE.index(word) if word in _BEFORE else len(_BEFORE), word, count, found[3] or ""
