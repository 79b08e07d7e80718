"""A function of one sample made one of a batch (`torch.func.vmap`)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import errors
from tapegrad.batching import vmapped
from tapegrad.functions import PUBLIC
from tapegrad.lanes.batched import thread
from tapegrad.lanes.samples import Samples
from tapegrad.utils._pytree import tree_unflatten


def _grouped(function: Any) -> Any:
    """What does the calls of `vmap(f)`, compiled, with lanes grouped by the way that f goes; None of what is no vmap.
    """
    given = vmapped(function)
    if given is None:
        return None
    from tapegrad.lanes.branching import Grouped  # few programs go different ways

    return Grouped(**given)


def vectorised(func: Callable[..., Any], name: str, in_dims: Any, out_dims: Any, randomness: str,
               chunk_size: int | None, args: tuple[Any, ...]) -> Any:
    """One call of a function under `vmap`."""
    samples = Samples(name, in_dims, args)
    try:
        found = [samples.of(func, randomness, leaves, name, out_dims) for leaves in samples.parts(chunk_size)]
    except errors.PerLane as why:
        refusal: Any = RuntimeError(str(why))
        if randomness == "error" and not thread.levels and str(why) in (errors.LANES_BRANCH, errors.LANES_ITEM):
            refusal.grouped = _grouped  # what a compiled function does instead
        raise refusal.with_traceback(why.__traceback__) from None
    parts, dims, spec = found[0]
    if len(found) > 1:
        parts = [column[0] if d is None else PUBLIC["cat"](list(column), d)
                 for column, d in zip(zip(*(leaves for leaves, _, _ in found)), dims)]
    return tree_unflatten(parts, spec)
