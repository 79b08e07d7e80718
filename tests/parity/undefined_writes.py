"""Whether a program writes in a way that means nothing: where the order of the elements decides what comes out.

That is a write to a tensor whose elements share memory, or one that reads elements which it writes elsewhere. PyTorch
refuses the plainest of these; of the others the values are nobody's promise.
"""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import random_programs


def is_undefined(lines: list[str], torch: Any) -> bool:
    """Whether some line does, as PyTorch's own kernels are called."""
    from torch.utils._python_dispatch import TorchDispatchMode

    found: list[str] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if torch.Tag.inplace_view not in function.tags and _is_undefined(function, args, kwargs, torch):
                found.append(str(function))
            return function(*args, **kwargs)

    env = random_programs.start(torch)
    with warnings.catch_warnings(), Watch():
        warnings.simplefilter("ignore")
        for line in lines:
            try:
                exec(random_programs.compiled(line), env)
            except Exception:
                continue
    env.clear()
    return bool(found)


def _is_undefined(function: Any, args: Any, kwargs: Any, torch: Any) -> bool:
    written, read = [], []
    for place, argument in enumerate(function._schema.arguments):
        given = args[place] if place < len(args) else kwargs.get(argument.name)
        is_written = argument.alias_info is not None and argument.alias_info.is_write
        for x in given if isinstance(given, (list, tuple)) else (given,):
            if isinstance(x, torch.Tensor) and x.numel():
                (written if is_written else read).append(x)
    by_element = torch.Tag.pointwise in function.tags or function._schema.name == "aten::copy_"
    for x in written:
        own = _addresses(x)
        if len(np.unique(own)) < own.size:
            return True
        for y in read:
            others = _addresses(y)
            alike = by_element and own.shape == others.shape and np.array_equal(own, others)
            if not alike and np.intersect1d(own, others).size:
                return True
    return False


def _addresses(x: Any) -> Any:
    """Where each element lies."""
    found = np.zeros((), int)
    for n, stride in zip(x.shape, x.stride()):
        found = found[..., None] + np.arange(n) * stride
    return x.data_ptr() + found * x.element_size()
