"""Neighbours: NumPy's functions on tensors, and memory shared with other libraries through DLPack.

`np.sin(t)` and `array * t` come to `__array_ufunc__`. A ufunc that is an operation here runs as one, is recorded, and
gives a tensor; one that is none is computed by NumPy, as long as nothing requires grad, and gives a tensor as well.
"""
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes
from tapegrad.creation import from_array, on_array
from tapegrad.devices import required
from tapegrad.functions.common import METHODS, PUBLIC, public
from tapegrad.tensor import Tensor

# NumPy's operators as Python's, which know what to do when the tensor stands on the right.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "power": operator.pow,
    "negative": operator.neg, "absolute": operator.abs, "invert": operator.invert, "bitwise_and": operator.and_,
    "bitwise_or": operator.or_, "bitwise_xor": operator.xor, "left_shift": operator.lshift,
    "right_shift": operator.rshift, "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt,
    "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
}
_OPERATIONS = {  # NumPy's name: ours
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "arctan2": "atan2", "rint": "round", "radians": "deg2rad", "degrees": "rad2deg", "fabs": "abs",
    **{name: name for name in (
        "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt",
        "square", "reciprocal", "sign", "floor", "ceil", "trunc", "positive", "deg2rad", "rad2deg", "isnan", "isinf",
        "isfinite", "signbit", "maximum", "minimum", "fmax", "fmin", "fmod", "hypot", "copysign", "heaviside",
        "logaddexp", "logaddexp2", "logical_and", "logical_or", "logical_xor", "logical_not", "float_power", "gcd",
        "lcm", "nextafter", "ldexp")},
}
_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "amax", "minimum": "amin", "logical_and": "all",
               "logical_or": "any"}


def _matmul(x: Any, y: Any) -> Any:
    """NumPy multiplies matrices of two dtypes; `torch.matmul` does not."""
    dtype = dtypes.promote(x.dtype, y.dtype)
    return x.to(dtype) @ y.to(dtype)


def _recorded(ufunc: Any) -> Callable[..., Any] | None:
    """Our function for a ufunc, if there is one."""
    if ufunc.__name__ in _OPERATORS:
        return _OPERATORS[ufunc.__name__]
    if ufunc is np.matmul:
        return _matmul
    name = _OPERATIONS.get(ufunc.__name__, "")
    if name in PUBLIC:
        return PUBLIC[name]
    op = dispatch.REGISTRY.get(name)
    if op is None:
        return None
    function: Any = lambda *operands: dispatch.apply(op, operands, tuple(op.defaults.items()))
    return function


def _operand(x: Any) -> Any:
    """Numbers stay weak; arrays become constants of the tape, which no later write to the array reaches."""
    if isinstance(x, Tensor):
        return x
    return x.item() if isinstance(x, np.generic) else x if isinstance(x, (bool, int, float)) else from_array(
        np.asarray(x))


def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """What NumPy's ufuncs do with tensors: `np.sin(t)`, `array * t`, `np.add.reduce(t)`.

    >>> import numpy as np, tapegrad
    >>> x = tapegrad.tensor([0.0, 1.0], requires_grad=True)
    >>> np.exp(x) * np.array([1.0, 2.0])
    tensor([1.0000, 5.4366], dtype=torch.float64, grad_fn=<MulBackward0>)

    Raises RuntimeError where NumPy itself would have to compute with a tensor that requires grad.
    """
    if method == "__call__" and not options:
        function = _recorded(ufunc)
        if function is not None:
            return function(*map(_operand, inputs))
    if method == "reduce" and ufunc.__name__ in _REDUCTIONS and set(options) <= {"axis", "keepdims"}:
        dim = options.get("axis", 0) if self.ndim else None
        given = {} if dim is None else {"dim": dim, "keepdim": options.get("keepdims", False)}
        return getattr(inputs[0], _REDUCTIONS[ufunc.__name__])(**given)
    return _by_numpy(getattr(ufunc, method), inputs, options)


def _by_numpy(function: Callable[..., Any], inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """NumPy's own computation; where it is not told where to write, what it makes becomes tensors on that memory."""
    if any(isinstance(x, Tensor) for x in options.get("out", ())):
        raise TypeError("return arrays must be of ArrayType")
    results = function(*(x.numpy() if isinstance(x, Tensor) else x for x in inputs), **options)
    if results is None or options.get("out"):
        return results
    return tuple(map(_wrapped, results)) if isinstance(results, tuple) else _wrapped(results)


def _wrapped(result: Any) -> Any:
    return on_array(np.asarray(result))


def __array_wrap__(self: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    """What NumPy's functions that are no ufuncs make of a tensor, as one; of bools, numbers (`Tensor.__array_wrap__`).

    >>> import numpy as np, tapegrad
    >>> np.argmax(tapegrad.tensor([0.0, 2.0, 1.0]))
    tensor(1)
    """
    return _wrapped(array.astype("u1") if array.dtype == bool else array)


METHODS["__array_ufunc__"] = __array_ufunc__
METHODS["__array_wrap__"] = __array_wrap__
METHODS["__array_priority__"] = 1000  # type: ignore[assignment]


# ---------------------------------------------------------------- DLPack

_CPU = (1, 0)  # kDLCPU, the first of them


def __dlpack__(self: Any, *, stream: Any = None, max_version: tuple[int, int] | None = None,
               dl_device: tuple[Any, int] | None = None, copy: bool | None = None) -> Any:
    """A DLPack capsule on this tensor's memory, which it keeps alive (`torch.Tensor.__dlpack__`).

    >>> import numpy as np, tapegrad
    >>> t = tapegrad.zeros(2); a = np.from_dlpack(t); t[0] = 1; a
    array([1., 0.], dtype=float32)

    Raises BufferError for a tensor that requires grad, and for a device that is not the CPU.
    """
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if stream is not None:
        raise AssertionError("stream should be None on cpu.")
    if dl_device is not None and tuple(map(int, dl_device)) != _CPU:
        raise BufferError(f"tapegrad runs on the CPU only, not on DLPack's device {dl_device}")
    array = (self.clone() if copy else self).numpy()
    # NumPy before 2.1 knows no versions; an unversioned capsule is what the protocol then asks for.
    if max_version is None or np.lib.NumpyVersion(np.__version__) < "2.1.0":
        return array.__dlpack__()
    return array.__dlpack__(max_version=max_version)


def __dlpack_device__(self: Any) -> tuple[int, int]:
    """Where DLPack finds the memory: on the CPU."""
    return _CPU


METHODS["__dlpack__"] = __dlpack__
METHODS["__dlpack_device__"] = __dlpack_device__


class _Capsule:
    """A bare capsule as the object that exports it."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CPU


@public
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor on the memory of another library's array (`torch.from_dlpack`).

    >>> import numpy as np, tapegrad
    >>> a = np.zeros(2); t = tapegrad.from_dlpack(a); t[1] = 3.0; a
    array([0., 3.])

    `ext_tensor` is an object with `__dlpack__`, or a capsule, which can be used once. Raises RuntimeError for what is
    neither, TypeError for dtypes there are no tensors of, ValueError for negative strides.
    """
    exporter = ext_tensor
    if not hasattr(ext_tensor, "__dlpack__"):
        if type(ext_tensor).__name__ != "PyCapsule" or '"dltensor' not in repr(ext_tensor):
            raise RuntimeError("from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed "
                               "only once, so you might have already constructed a tensor from it once.")
        exporter = _Capsule(ext_tensor)
    if device is not None:
        required(device)
    made = on_array(np.from_dlpack(exporter))  # NumPy calls all that comes without a version read-only: no warning
    return made.clone() if copy else made


@public
def to_dlpack(tensor: Any) -> Any:
    """A DLPack capsule on a tensor's memory (`torch.utils.dlpack.to_dlpack`); `from_dlpack` takes the tensor itself."""
    return tensor.__dlpack__()
