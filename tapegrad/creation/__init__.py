"""Tensors from nothing: of Python data and arrays, of some sizes, and of numbers at equal distances."""
from tapegrad.creation.arguments import checked_shape, wanted
from tapegrad.creation.data import (
    as_tensor,
    asarray,
    check_room,
    copied,
    filled,
    from_array,
    from_numpy,
    frombuffer,
    on_array,
    tensor,
    tensor_of,
)
from tapegrad.creation.series import arange, check_ends, eye, linspace
from tapegrad.creation.sizes import (
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    full,
    full_like,
    layout_like,
    legacy,
    ones,
    ones_like,
    scalar_tensor,
    zeros,
    zeros_like,
)

__all__ = [
    "arange", "as_tensor", "asarray", "check_ends", "check_room", "checked_shape", "copied", "empty", "empty_like",
    "empty_permuted",
    "empty_strided", "eye", "filled", "from_array", "from_numpy", "frombuffer", "full", "full_like", "layout_like",
    "legacy", "linspace", "on_array", "ones", "ones_like", "scalar_tensor", "tensor", "tensor_of", "wanted", "zeros",
    "zeros_like",
]
