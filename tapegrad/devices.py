"""Where tensors live: on the CPU."""
from __future__ import annotations

from typing import Any


class device:
    """Where a tensor lives; there is only the CPU.

    >>> device("cpu")
    device(type='cpu')
    """

    __slots__ = ()
    type, index = "cpu", None

    def __init__(self, name: Any = "cpu", index: int | None = None) -> None:
        if not str(name).startswith("cpu"):
            raise RuntimeError(f"tapegrad runs on the CPU only, not on '{name}'")

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __str__(self) -> str:
        return "cpu"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) or other == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")


CPU = device()
