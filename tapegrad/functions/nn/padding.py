"""Arrays with a border (`torch.nn.functional.pad`)."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.creation import from_array
from tapegrad.dispatch import apply, apply_view
from tapegrad.functions.common import kind_name, operation
from tapegrad.functions.nn.activations import nn
from tapegrad.functions.several_outputs import called, one_node
from tapegrad.tensor import Tensor


@nn
def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """An array with a border (`torch.nn.functional.pad`).

    >>> import tapegrad
    >>> x = tapegrad.arange(3.0).reshape(1, 3)
    >>> tapegrad.nn.functional.pad(x, (2, 1), mode="reflect")
    tensor([[2., 1., 0., 1., 2., 1.]])

    `pad` has two numbers an axis, the last axis first; negative ones cut. `mode` is "constant", "reflect",
    "replicate" or "circular"; all but the first take two or three axes, four, or five, as PyTorch does. Raises
    RuntimeError for a border that does not fit the axis, NotImplementedError for shapes that a mode does not take.
    """
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) // 2 > input.ndim:
        raise RuntimeError("Padding length should be less than or equal to two times the input dimension but got "
                           f"padding length {len(pad)} and input of dimension {input.ndim}")
    sides = [(0, 0)] * (input.ndim - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    if mode == "constant":
        return _constant(input, sides, value)
    if mode not in _PLACES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise RuntimeError(f"Padding mode \"{mode}\" doesn't take in value argument")
    _check(input, sides, len(pad), mode)

    def padded(x: Any) -> Any:
        x = x if mode == "circular" else tied(x)
        for d, (before, after) in enumerate(sides):
            if mode == "circular" and min(before, after) < 0:  # what is cut does not come round
                cut = max(-before, 0), x.shape[d] - max(-after, 0)
                x = x.narrow(d, cut[0] if cut[1] > cut[0] else 0, max(cut[1] - cut[0], 0))
                before, after = max(before, 0), max(after, 0)
            if (before, after) != (0, 0) and (x.shape[d] or mode != "circular"):
                places = _PLACES[mode](np.arange(-before, x.shape[d] + after), x.shape[d])
                x = x.index_select(d, from_array(places))
        return x if any(map(any, sides)) else x.clone()

    if mode == "circular":
        return called("CopySlices", padded(input))
    kind = "Reflection" if mode == "reflect" else "Replication"
    return one_node(f"{kind}Pad{len(pad) // 2}DBackward0")(padded)(input)


def tied(x: Any, loose: bool = False) -> Any:
    """A tensor as what follows sees it: gradients that are constant are functions of it all the same, as in PyTorch.

    Of `loose` ones, a derivative is not there, and else zero.
    """
    return apply_view(operation("seen"), x, (("loose", loose),)) if x.requires_grad else x


def _constant(input: Tensor, sides: list[tuple[int, int]], value: float | None) -> Any:
    for n, (before, after) in zip(input.shape, sides):
        if n - max(-before, 0) - max(-after, 0) < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
    filled = 0 if value is None else dtypes.fitted(value, input.dtype)
    return apply(operation("pad"), (input,), (("sides", tuple(sides)), ("value", filled)))


def _reflected(at: np.ndarray[Any, Any], n: int) -> np.ndarray[Any, Any]:
    at = np.abs(at)
    return np.where(at >= n, 2 * (n - 1) - at, at)


_PLACES = {  # of positions counted from the input's first, which may lie outside: where the value comes from
    "reflect": _reflected, "replicate": lambda at, n: np.clip(at, 0, n - 1), "circular": lambda at, n: at % max(n, 1),
}


def _check(x: Any, sides: list[tuple[int, int]], length: int, mode: str) -> None:
    axes = length // 2
    if axes > 3 or x.ndim not in (axes + 1, axes + 2):
        raise NotImplementedError(f"Padding size {length} is not supported for {x.ndim}D input tensor.\n"
                                  "Supported combinations for non-constant padding:\n"
                                  "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
                                  "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
                                  "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)")
    if x.dtype.category == 0 and mode != "circular":
        raise NotImplementedError(f"\"{'reflection' if mode == 'reflect' else 'replication'}_pad{axes}d\" not "
                                  f"implemented for '{kind_name(x)}'")
    if mode != "circular" and any(n == 0 for n in x.shape[x.ndim - axes - 1:]):
        raise RuntimeError(f"Expected {axes + 1}D or {axes + 2}D (batch mode) tensor with possibly 0 batch size and "
                           f"other non-zero dimensions for input, but got: {list(x.shape)}")
    for d, (before, after) in reversed([*enumerate(sides)]):
        n = x.shape[d]
        if (before, after) == (0, 0):
            continue
        if mode == "reflect" and max(before, after) >= n:
            raise RuntimeError(
                f"Argument #{2 + 2 * (x.ndim - d)}: Padding size should be less than the corresponding input "
                f"dimension, but got: padding ({before}, {after}) at dimension {d} of input {list(x.shape)}")
        if mode == "circular" and max(before, after) > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if mode == "circular" and n + before + after < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        if n + before + after < 1 and mode != "circular":
            raise RuntimeError(f"input (W: {n}) is too small. Calculated output W: {n + before + after}")
