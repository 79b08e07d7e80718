"""Elements of each dtype as jitted kernels see them."""
from __future__ import annotations

import numpy as np
from numba import types

from tapegrad.machine.native.glue import Callee, records

NUMBA: dict[str, types.Type] = {
    "u8": types.uint8, "i8": types.int8, "i16": types.int16, "i32": types.int32, "i64": types.int64,
    "f32": types.float32, "f64": types.float64,
}
NUMPY = {"u8": "u1", "i8": "i1", "i16": "i2", "i32": "i4", "i64": "i8", "f32": "f4", "f64": "f8"}


def view_of(of: str) -> Callee:
    """An intrinsic that views an address as an array of a dtype, by its short name."""
    return records(np.dtype(NUMPY[of]), NUMBA[of])
