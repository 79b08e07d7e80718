"""Modules whose parameters are not drawn (`torch.nn.utils.skip_init`)."""
from __future__ import annotations

import inspect
from typing import Any

from tapegrad import random
from tapegrad.namespaces import show_public
from tapegrad.nn.modules.module import Module

__all__ = ["skip_init"]
show_public(__name__)


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters are yet to be given values; the stream of random numbers stays where it was.

    >>> import tapegrad as torch
    >>> skip_init(torch.nn.Linear, 2, 3).weight.shape
    torch.Size([3, 2])

    `torch.nn.utils.skip_init`. RuntimeError for what is no module that takes a device.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = random.get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        random.set_rng_state(state)
