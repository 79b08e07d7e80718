"""What a call is tried with: its arguments as a key, by which the programs that may do for them are found."""
from __future__ import annotations

from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.assumptions import Assumptions
from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.contents import attributes
from tapegrad.compiler.pytrees import Numbers, flatten, is_loose, kind_of, sharing, with_gradients
from tapegrad.compiler.refusals import Refused
from tapegrad.compiler.traced_program import owner_of
from tapegrad.machine.live import call
from tapegrad.tensor import Tensor

_is_recording = call.is_recording


def sort_arguments(assumed: Assumptions, args: Any, kwargs: Any) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """The arguments as a key, which says all that a program depends on; tensors, containers, numbers that vary.

    Refused or TypeError for what cannot be a key.
    """
    leaves: list[Any] = []
    containers: list[Any] = []
    varying = Numbers(assumed.varying)
    if not kwargs and not any(type(a) is not Tensor for a in args):
        leaves, structure = list(args), None
    else:
        structure = flatten((args, kwargs), leaves, containers, assumed.asks_which, varying)
    kinds = tuple([kind_of(t, assumed.loose) for t in leaves])
    shared = aliases(assumed, leaves, kinds)
    if shared is not None and any(map(is_loose, kinds)):
        kinds = tuple(map(kind_of, leaves))
    key = (structure, kinds, shared, _is_recording(None), dtypes.default_dtype())
    hash(key)
    return key, leaves, containers, varying.found


def aliases(assumed: Assumptions, leaves: list[Any], kinds: tuple[Any, ...]) -> Any:
    """Which arguments are the same tensor or share memory; Refused for one with an attribute that code may read."""
    for tensor in leaves:
        if memory_words.has_attributes(tensor):
            for name in attributes(tensor):
                if assumed.reads is None or name in assumed.reads:
                    raise Refused(f"an argument has an attribute of its own, {name}")
    if len(leaves) < 2 and not any(type(k) is tuple for k in kinds):
        return None
    owners = sharing([owner_of(t) for t in with_gradients(leaves)])
    return owners and (owners, sharing([*map(id, leaves)]))
