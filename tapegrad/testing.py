"""Comparing and making values in tests: `assert_close` and `make_tensor` (`torch.testing`), `check_rule`."""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from tapegrad import creation, drawing, dtypes
from tapegrad.autograd import modes
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["assert_allclose", "assert_close", "check_rule", "make_tensor"]
show_public(__name__)

Message = str | Callable[[str], str] | None
# By dtype: relative and absolute tolerance; every other dtype is compared exactly.
_ALLCLOSE = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}  # of `assert_allclose`
DEFAULTS = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


class _Options:
    """What every pair of a comparison shares."""

    def __init__(self, rtol: float | None, atol: float | None, msg: Message, **checks: bool) -> None:
        self.rtol, self.atol, self.msg, self.checks = rtol, atol, msg, checks

    def fail(self, message: str, path: Sequence[Any]) -> NoReturn:
        if path:
            message += "\n\nThe failure occurred for item " + "".join(f"[{p!r}]" for p in path)
        if self.msg is not None:
            message = self.msg(message) if callable(self.msg) else self.msg
        raise AssertionError(message)

    def tolerances(self, *kinds: Any) -> tuple[float, float]:
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [DEFAULTS.get(getattr(k, "name", ""), (0.0, 0.0)) for k in kinds]
        return max(r for r, _ in found), max(a for _, a in found)


def assert_close(actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
                 atol: float | None = None, equal_nan: bool = False, check_device: bool = True,
                 check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False, msg: Message = None
                 ) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol · |expected| (`torch.testing.assert_close`).

    >>> import tapegrad
    >>> assert_close(tapegrad.tensor([1.0, 2.0, 3.0]), tapegrad.tensor([1.0, 2.5, 3.0]))
    Traceback (most recent call last):
        ...
    AssertionError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 3 (33.3%)
    Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)
    Greatest relative difference: 0.20000000298023224 at index (1,) (up to 1.3e-06 allowed)

    Tensors, arrays, numbers, and sequences and mappings of them are compared; the tolerances follow from the dtype
    unless both are given. Raises TypeError for anything else, ValueError for one tolerance without the other.
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    options = _Options(rtol, atol, msg, equal_nan=equal_nan, dtype=check_dtype, stride=check_stride,
                       subclasses=allow_subclasses)
    _compare(actual, expected, options, ())


def _compare(actual: Any, expected: Any, options: _Options, path: tuple[Any, ...]) -> None:
    sequences = (isinstance(x, Sequence) and not isinstance(x, str) for x in (actual, expected))
    if all(sequences):
        if len(actual) != len(expected):
            options.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
        for i, (a, e) in enumerate(zip(actual, expected)):
            _compare(a, e, options, (*path, i))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, extra = sorted(set(expected) - set(actual), key=str), sorted(set(actual) - set(expected), key=str)
        if missing or extra:
            told = "The keys of the mappings do not match:"
            told += f"\nMissing keys in the actual mapping: {missing}" if missing else ""
            told += f"\nAdditional keys in the actual mapping: {extra}" if extra else ""
            options.fail(told, path)
        for key in sorted(actual, key=str):
            _compare(actual[key], expected[key], options, (*path, key))
    elif actual is None or expected is None:
        if actual is not expected:
            options.fail(f"None mismatch: {actual} is not {expected}", path)
    elif isinstance(actual, (bool, np.bool_)) and isinstance(expected, (bool, np.bool_)):
        if bool(actual) is not bool(expected):
            options.fail(f"Booleans mismatch: {actual} is not {expected}", path)
    elif isinstance(actual, (int, float)) and isinstance(expected, (int, float)):
        if options.checks["dtype"] and type(actual) is not type(expected):
            options.fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
        tolerances = options.tolerances(*(dtypes.float64 if isinstance(x, float) else None for x in (actual, expected)))
        _numbers(actual, expected, tolerances, options, path)
    elif isinstance(actual, (Tensor, np.ndarray)) and isinstance(expected, (Tensor, np.ndarray)):
        _tensors(actual, expected, options, path)
    else:
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")


def _tensors(actual: Any, expected: Any, options: _Options, path: tuple[Any, ...]) -> None:
    actual, expected = (x if isinstance(x, Tensor) else creation.from_numpy(x) for x in (actual, expected))
    if actual.shape != expected.shape:
        options.fail(f"The values for attribute 'shape' do not match: {actual.shape} != {expected.shape}.", path)
    if options.checks["stride"] and actual.stride() != expected.stride():
        strides = f"{actual.stride()} != {expected.stride()}"
        options.fail(f"The values for attribute 'stride()' do not match: {strides}.", path)
    if options.checks["dtype"] and actual.dtype is not expected.dtype:
        options.fail(f"The values for attribute 'dtype' do not match: {actual.dtype} != {expected.dtype}.", path)
    tolerances = options.tolerances(actual.dtype, expected.dtype)
    common = dtypes.promote(actual.dtype, expected.dtype)
    a, e = (x.detach()._array().astype(common.arithmetic.numpy) for x in (actual, expected))
    if common is dtypes.bool_:
        a, e = a.astype(np.int64), e.astype(np.int64)
    if a.ndim == 0:
        _numbers(a.item(), e.item(), tolerances, options, path)
        return
    rtol, atol = tolerances
    with np.errstate(all="ignore"):
        if a.dtype.kind == "f":
            close = np.isclose(a, e, rtol=rtol, atol=atol, equal_nan=options.checks["equal_nan"])
        else:
            close = np.abs(a.astype(np.float64) - e) <= atol + rtol * np.abs(e.astype(np.float64)) if rtol or atol \
                else a == e
        if close.all():
            return
        absolute = np.abs(a - e) if a.dtype.kind != "u" else np.maximum(a, e) - np.minimum(a, e)
        floating = np.float64 if a.dtype == np.float64 else np.float32
        relative = (absolute / np.abs(e)).astype(floating)
        absolute, relative = absolute.copy(), relative
        absolute[close], relative[close] = 0, 0
    word = "equal" if rtol == 0 and atol == 0 else "close"
    told = [f"Tensor-likes are not {word}!", "",
            f"Mismatched elements: {(~close).sum()} / {close.size} ({(~close).mean():.1%})"]
    for kind, found, allowed in (("absolute", absolute, atol), ("relative", relative, rtol)):
        at = np.unravel_index(int(np.argmax(found)), found.shape)
        limit = "" if word == "equal" else f" (up to {allowed} allowed)"
        told.append(f"Greatest {kind} difference: {found[at].item()} at index {tuple(map(int, at))}{limit}")
    options.fail("\n".join(told), path)


def _numbers(actual: Any, expected: Any, tolerances: tuple[float, float], options: _Options, path: tuple[Any, ...]
             ) -> None:
    rtol, atol = tolerances
    if actual == expected or (options.checks["equal_nan"] and actual != actual and expected != expected):
        return
    absolute = abs(actual - expected)
    if math.isfinite(absolute) and absolute <= atol + rtol * abs(expected):
        return
    relative = absolute / abs(expected) if expected else math.inf
    equal = rtol == 0 and atol == 0
    limits = ["", ""] if equal else [f" (up to {atol} allowed)", f" (up to {rtol} allowed)"]
    options.fail(f"Scalars are not {'equal' if equal else 'close'}!\n\nExpected {expected} but got {actual}.\n"
                 f"Absolute difference: {absolute}{limits[0]}\nRelative difference: {relative}{limits[1]}", path)


def assert_allclose(actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None,
                    equal_nan: bool = True, msg: str = "") -> None:
    """The older name of `assert_close`, which converts and compares no dtypes (`torch.testing.assert_allclose`).

    >>> import tapegrad, warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     assert_allclose(tapegrad.ones(2), [1.0, 1.0])
    """
    warnings.warn("`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. "
                  "Please use `torch.testing.assert_close()` instead.", FutureWarning, stacklevel=2)
    actual, expected = (x if isinstance(x, Tensor) else creation.tensor(x) for x in (actual, expected))
    if rtol is None and atol is None:
        found = [_ALLCLOSE.get(x.dtype.name, (0.0, 0.0)) for x in (actual, expected)]
        rtol, atol = max(r for r, _ in found), max(a for _, a in found)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True, check_dtype=False,
                 check_stride=False, msg=msg or None)


def make_tensor(*shape: Any, dtype: dtypes.dtype, device: Any = "cpu", low: float | None = None,
                high: float | None = None, requires_grad: bool = False, noncontiguous: bool = False,
                exclude_zero: bool = False, memory_format: Any = None) -> Any:
    """A tensor of random values from [low, high), at first -9 to 9 (`torch.testing.make_tensor`).

    >>> import tapegrad
    >>> make_tensor(2, 3, dtype=tapegrad.int64, low=4, high=5)
    tensor([[4, 4, 4],
            [4, 4, 4]])
    """
    size = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    if requires_grad and not dtype.is_floating_point:
        raise ValueError("`requires_grad=True` is not supported for boolean and integral dtypes, but got "
                         f"dtype={dtype}")
    if dtype is dtypes.bool_:
        least, most = 0, 2
    elif dtype.is_floating_point:
        least, most = -9, 9
    else:
        least, most = (-9 if dtype.is_signed else 0), 10
    low, high = least if low is None else low, most if high is None else high
    if low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    drawn = (*size[:-1], 2 * size[-1]) if noncontiguous and math.prod(size) > 1 else size
    made: Any
    with modes.no_grad():
        if dtype.is_floating_point:
            made = drawing.rand(drawn, dtype=dtype) * (high - low) + low
        else:
            made = drawing.randint(math.ceil(low), math.ceil(high), drawn, dtype=dtypes.int64).to(dtype)
        if exclude_zero:
            made.masked_fill_(made == 0, dtypes.finfo(dtype).tiny if dtype.is_floating_point else 1)
        if drawn is not size:
            made = made[..., ::2]
    return made.requires_grad_(requires_grad)


def check_rule(operation: Any, *samples: Any, reference: Callable[..., Any] | None = None, twice: bool | None = None,
               rtol: float = 1e-9) -> None:
    """Raise AssertionError unless an operation that `custom_op` made does what its function does, and its adjoint fits.

    >>> import math, tapegrad
    >>> wrong = tapegrad.custom_op(lambda x: math.sin(x), vjp=lambda g, x: g * math.sin(x), name="wrong")
    >>> check_rule(wrong, [0.5, 1.0])
    Traceback (most recent call last):
        ...
    AssertionError: wrong(): the adjoint is not the derivative of the function: Jacobian mismatch...

    `samples` are numbers for each operand, repeated up to the longest. Results in both precisions are compared with the
    function itself (or `reference`, another function of numbers), compiled, of other shapes, of operands with gaps and
    of nothing; gradients are compared with finite differences, and `twice` (unless Numba compiled it) those of
    the gradients too. Of a function of arrays they are an array for each operand, as its signature says, and tangents
    are compared where it has a `jvp`. Raises TypeError for anything else, and for samples of another number.
    """
    from tapegrad.custom.checking import check

    function = reference or getattr(operation, "function", None)
    check(operation, samples, function, operation.reason is None if twice is None and hasattr(operation, "reason")
          else bool(twice), rtol)
