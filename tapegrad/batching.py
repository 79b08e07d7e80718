"""`vmap`, without what it needs to run: that is imported when it first does."""
from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from tapegrad.lazy_modules import lazy
from tapegrad.machine.live import machine

vectorisation: ModuleType = lazy("tapegrad.func", "vectorisation")["vectorisation"]


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
         chunk_size: int | None = None) -> Callable[..., Any]:
    """A function of one sample as a function of batches of them (`torch.vmap`).

    >>> import tapegrad as torch
    >>> vmap(torch.dot)(torch.ones(3, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    tensor([ 3.,  7., 11.])
    >>> vmap(torch.mul, in_dims=(0, None), out_dims=1)(torch.tensor([1.0, 10.0]), torch.tensor([1.0, 2.0, 3.0]))
    tensor([[ 1., 10.],
            [ 2., 20.],
            [ 3., 30.]])

    `in_dims` says which axis of each tensor is the batch's, None where there is none, and `out_dims` where it is in the
    results; each is one for all, or built like the arguments or the results. Keyword arguments are the same for all
    samples. `randomness` is "error" (random functions are refused), "different" for each sample, or "same".
    `chunk_size` changes no value. ValueError where axes, sizes or structures do not go together.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    if isinstance(func, machine.CompiledBase):
        return func.transformed(vmap, in_dims, out_dims, randomness, chunk_size=chunk_size)
    name = getattr(func, "__name__", repr(func))

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        return vectorisation.vectorised(functools.partial(func, **kwargs) if kwargs else func, name, in_dims, out_dims,
                                        randomness, chunk_size, args)

    return batched


def vmapped(function: Any) -> dict[str, Any] | None:
    """What `vmap` was given to make a function; None of any other."""
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is not _BATCHED or not cells:
        return None
    return {name: cell.cell_contents for name, cell in zip(code.co_freevars, cells)}


_BATCHED: Any = vmap(vmap).__code__
