"""Switches of a compiler that is not here: what is set is kept, and changes nothing."""
from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

suppress_errors = verbose = capture_scalar_outputs = capture_dynamic_output_shape_ops = error_on_recompile = False
compiled_autograd = disable = allow_unspec_int_on_nn_module = False
assume_static_by_default = automatic_dynamic_shapes = dynamic_shapes = optimize_ddp = guard_nn_modules = True
inline_inbuilt_nn_modules = True
cache_size_limit = recompile_limit = 8
accumulated_cache_size_limit = accumulated_recompile_limit = 256


@contextlib.contextmanager
def patch(first: Any = None, value: Any = None, **more: Any) -> Iterator[None]:
    """A block, or a decorator, with other settings: given by name, as a dict, or as a name and a value."""
    given = {first: value} if isinstance(first, str) else {**(first or {}), **more}
    found = vars(sys.modules[__name__])
    before = {name: found[name] for name in given}
    found.update(given)
    try:
        yield
    finally:
        found.update(before)
