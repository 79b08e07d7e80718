"""How a tensor reads: PyTorch's `repr`, to the character, over a NumPy array.

    format_tensor      body + suffixes (`dtype=`, `requires_grad=`, `grad_fn=`)
      _corners         the few elements that will be shown; nothing below looks at any other
      _formatter       one common style and width, chosen from those elements
      _body            nested brackets, "..." where elements were left out, rows wrapped
      _with_suffixes   suffixes on the last line while they fit, else on lines of their own

The options are one immutable record, replaced whole by `set_printoptions`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from typing import Any

import numpy as np

from .dtypes import bool_, dtype, int64

__all__ = ["format_tensor", "get_printoptions", "printoptions", "set_printoptions"]


@dataclass(frozen=True)
class Options:
    """What `set_printoptions` sets, in the order `get_printoptions` lists it."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None  # None: decided for each tensor


PROFILES = {"default": Options(), "short": Options(precision=2, edgeitems=2), "full": Options(threshold=inf)}
_options = PROFILES["default"]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print (`torch.set_printoptions`).

    >>> set_printoptions(precision=2)
    >>> get_printoptions()["precision"]
    2
    >>> set_printoptions(profile="default")

    `profile` ("default", "short" or "full") is applied first, the other options over it. An option left out keeps its
    value, except `sci_mode`, which goes back to None, and an unknown profile is ignored: PyTorch's rules.
    """
    global _options
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    base = PROFILES.get(profile or "", _options)
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    _options = replace(base, sci_mode=sci_mode, **changes)


def get_printoptions() -> dict[str, Any]:
    """The options in force, by name.

    >>> get_printoptions()
    {'precision': 4, 'threshold': 1000, 'edgeitems': 3, 'linewidth': 80, 'sci_mode': None}
    """
    return asdict(_options)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Set options inside a `with` block only.

    >>> with printoptions(linewidth=40):
    ...     get_printoptions()["linewidth"]
    40
    >>> get_printoptions()["linewidth"]
    80
    """
    global _options
    saved = _options
    try:
        set_printoptions(**options)
        yield
    finally:
        _options = saved


def format_tensor(
    array: np.ndarray,
    dtype: dtype,
    *,
    default_dtype: dtype,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    tangent: str | None = None,
    prefix: str = "tensor(",
) -> str:
    """The `repr` of a tensor holding `array`.

    >>> from tapegrad.dtypes import float32, float64
    >>> print(format_tensor(np.ones((2, 2)), float64, default_dtype=float32, grad_fn_name="PowBackward0"))
    tensor([[1., 1.],
            [1., 1.]], dtype=torch.float64, grad_fn=<PowBackward0>)

    `tangent` is the tangent as it prints by itself. A dtype that the text alone implies is left out.
    """
    suffixes = []
    options = _options
    empty = not array.size
    elided = array.ndim > 0 and array.size > options.threshold and options.edgeitems == 0
    # The size is told where brackets do not show it. PyTorch counts everything printed under edgeitems=0 as such.
    size_shows = array.ndim == 1 if empty else options.edgeitems != 0
    if not size_shows:
        suffixes.append(f"size={array.shape}")
    # "[]" alone reads as the default dtype; digits or True also tell int64 and bool.
    if dtype is not default_dtype and (empty or dtype not in (int64, bool_)):
        suffixes.append(f"dtype={dtype}")
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")
    body = "[]" if empty else "[...]" if elided else _body(array, len(prefix), options)
    return _with_suffixes(prefix + body, suffixes, len(prefix), options.linewidth)


def format_sparse(indices: np.ndarray, values: np.ndarray, dtype: dtype, *, size: tuple[int, ...], default_dtype: dtype,
                  requires_grad: bool = False, grad_fn_name: str | None = None) -> str:
    """The `repr` of a sparse tensor with values at indices.

    >>> from tapegrad.dtypes import float32
    >>> print(format_sparse(np.array([[0, 1]]), np.ones(2, "f4"), float32, size=(3,), default_dtype=float32))
    tensor(indices=tensor([[0, 1]]),
           values=tensor([1., 1.]),
           size=(3,), nnz=2, layout=torch.sparse_coo)
    """
    text, indent = "tensor(", len("tensor(")
    for name, array in (("indices", indices), ("values", values)):
        start = f"{name}=tensor("
        inside = _body(array, indent + len(start), _options) if array.size else f"[], size={array.shape}"
        text += f"{start}{inside}),\n" + " " * indent
    suffixes = [f"nnz={indices.shape[1]}", f"dtype={dtype}", "layout=torch.sparse_coo"]
    if dtype in (default_dtype, int64, bool_):
        del suffixes[1]
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(f"{text}size={size}", suffixes, indent, _options.linewidth)


def _with_suffixes(text: str, suffixes: Iterable[str], indent: int, linewidth: int) -> str:
    """Append `suffixes` and the closing parenthesis, breaking the line before one that would not fit."""
    # The opening line counts two characters more than it has: a slip of PyTorch's, kept to break lines where it does.
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + 2 + len(suffix) > linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += 2 + len(suffix)
    return text + ")"


def _body(array: np.ndarray, indent: int, options: Options) -> str:
    """The elements of a non-empty array between their brackets, `indent` columns from the left."""
    edge = options.edgeitems if array.size > options.threshold else array.size
    shown = _corners(array, edge)
    show, width = _formatter(shown, options)

    return _bracketed(shown.tolist(), array.shape, edge, lambda x: show(x).rjust(width), width, options.linewidth,
                      indent)


def _bracketed(items: Any, shape: tuple[int, ...], edge: int, show: Callable[[Any], str], width: int, most: int,
               indent: int) -> str:
    # No function within `_body`: one that calls itself would keep the array until a collection.
    if not shape:
        return show(items)
    texts = [_bracketed(item, shape[1:], edge, show, width, most, indent + 1) for item in items]
    row = len(shape) == 1
    if shape[0] > 2 * edge:
        texts.insert(edge, " ..." if row else "...")
    if row:
        per_line = max(1, (most - indent) // (width + 2))
        texts = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    newlines = "\n" * max(1, len(shape) - 1)  # a blank line between matrices, two between 3-d blocks, ...
    return "[" + ("," + newlines + " " * (indent + 1)).join(texts) + "]"


def _corners(array: np.ndarray, edge: int) -> np.ndarray:
    """The elements within `edge` of both ends of every axis: all that a summary shows.

    >>> _corners(np.arange(10), 2)
    array([0, 1, 8, 9])
    """
    for axis, n in enumerate(array.shape):
        if n > 2 * edge:
            # Indexed, for `take` would first copy the whole of a transposed array.
            array = array[(slice(None),) * axis + ([*range(edge), *range(n - edge, n)],)]
    return array


def _formatter(shown: np.ndarray, options: Options) -> tuple[Callable[[Any], str], int]:
    """The style all elements of `shown` share, as a function to text, and the width they are padded to.

    >>> style, width = _formatter(np.array([1.0, 250.0]), Options())
    >>> style(1.0), width
    ('1.', 4)
    """
    if shown.dtype.kind != "f":
        return str, max(len(str(bound)) for bound in (shown.min(), shown.max()))

    def scientific(x: float) -> str:
        return f"{x:.{options.precision}e}"

    def decimal(x: float) -> str:
        return f"{x:.{options.precision}f}"

    def whole(x: float) -> str:
        return f"{x:.0f}." if isfinite(x) else f"{x:.0f}"

    numbers = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
    if not numbers.size:
        return whole, 1  # zeros, infinities and nan decide nothing, and sci_mode leaves them be
    magnitudes = np.abs(numbers)
    small, large = float(magnitudes.min()), float(magnitudes.max())
    integral = bool((numbers == np.ceil(numbers)).all())
    plain = whole if integral else decimal
    wide = large / small > 1000 or large > 1e8 or (small < 1e-4 and not integral)
    style = scientific if (wide if options.sci_mode is None else options.sci_mode) else plain
    # The longest text is that of a number at an end of the negative or of the positive ones: four, not all of them.
    signs = (numbers[numbers < 0], numbers[numbers > 0])
    width = max(len(style(float(end))) for side in signs if side.size for end in (side.min(), side.max()))
    return style, width
