"""Sizes that are given as one number or as one for each axis (`torch.nn.modules.utils`)."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tapegrad.namespaces import show_public

show_public(__name__)


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """What makes `n` of one number, and leaves several as they are."""

    def several(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    return several


_single, _pair, _triple, _quadruple = map(_ntuple, (1, 2, 3, 4))


def _reverse_repeat_tuple(t: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    """Each element `n` times, last first."""
    return tuple(x for x in reversed(t) for _ in range(n))


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take a prefix off the names of a state, in place.

    >>> import tapegrad as torch
    >>> state = {'module.weight': 1}
    >>> torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, 'module.')
    >>> state
    {'weight': 1}
    """
    for key in [k for k in state_dict if k.startswith(prefix)]:
        state_dict[key[len(prefix):]] = state_dict.pop(key)
    metadata: Any = getattr(state_dict, "_metadata", {})
    for key in [k for k in metadata if k and (k == prefix.replace(".", "") or k.startswith(prefix))]:
        metadata[key[len(prefix):]] = metadata.pop(key)
