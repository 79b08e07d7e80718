"""What of Python, NumPy and this library code may use without being read: it keeps no state and has no effect.

All of it is known by identity and not by name: the `pi` that the module `math` really has, the class that its module
really offers. What somebody put in its place is a value like any other.
"""
from __future__ import annotations

import builtins
import functools
import sys
import types
import weakref
from typing import Any

import numpy as np

from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.bytecode import read
from tapegrad.errors import HEAP_TYPE as HEAP_TYPE
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine

# Modules that code may name. Of `numpy` it may use what `_NUMPY` lists, its ufuncs and its types.
_MODULES = {"builtins", "math", "cmath", "operator", "itertools", "functools", "collections", "collections.abc",
            "copy", "dataclasses", "enum", "typing", "numbers", "abc", "types", "contextlib", "numpy", "numpy.linalg",
            "numpy.fft"}
# And where the classes come from that programs build on.
_PACKAGES = {"tapegrad", "builtins", "math", "cmath", "operator", "_operator", "itertools", "functools", "_functools",
             "collections", "_collections", "_collections_abc", "dataclasses", "enum", "typing", "_typing", "numbers",
             "abc", "_py_abc", "types", "contextlib", "reprlib", "numpy"}
_BUILTINS_TEXT = """
    abs all any ascii bin callable chr divmod format getattr hasattr hash hex isinstance issubclass iter len max min
    next oct ord pow repr round sorted sum __build_class__
"""
_NATIVE = {"math", "cmath", "_operator", "operator", "itertools", "_functools", "functools", "_collections"}
_NUMPY_TEXT = """
    abs all allclose alltrue amax amin any append apply_along_axis arange argmax argmin argpartition argsort
    argwhere around array array_equal array_split asanyarray asarray ascontiguousarray atleast_1d atleast_2d
    atleast_3d average bincount block broadcast_arrays broadcast_shapes broadcast_to can_cast choose clip
    column_stack compress concatenate convolve copy corrcoef correlate count_nonzero cov cross cumprod cumsum
    deg2rad delete diag diagflat diagonal diff digitize dot dsplit dstack einsum einsum_path expand_dims extract
    eye finfo flatnonzero flip fliplr flipud full full_like geomspace gradient hanning hamming blackman bartlett
    kaiser heaviside histogram histogram2d hsplit hstack i0 identity iinfo imag in1d indices inner insert interp
    intersect1d isclose iscomplex iscomplexobj isfinite isin isreal isrealobj isscalar issubdtype ix_ kron
    lexsort linspace logspace matmul max mean median meshgrid min min_scalar_type mintypecode moveaxis
    nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod
    nanquantile nanstd nansum nanvar ndim nonzero ones ones_like outer partition percentile piecewise place poly
    polyadd polyder polydiv polyfit polyint polymul polysub polyval promote_types prod ptp put put_along_axis
    putmask quantile ravel ravel_multi_index real real_if_close repeat reshape resize result_type roll rollaxis
    roots rot90 round row_stack searchsorted select setdiff1d setxor1d shape sinc size sort sort_complex split
    squeeze stack std sum swapaxes take take_along_axis tensordot tile trace transpose trapezoid trapz tri tril
    tril_indices trim_zeros triu triu_indices union1d unique unravel_index unwrap vander var vdot vsplit vstack
    where zeros zeros_like cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_norm matrix_power
    matrix_rank multi_dot norm pinv qr slogdet solve svd svdvals tensorinv tensorsolve vector_norm fft ifft rfft
    irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftfreq rfftfreq fftshift ifftshift
"""


_BUILTINS, _NUMPY = frozenset(_BUILTINS_TEXT.split()), frozenset(_NUMPY_TEXT.split())


_PYTHONS = {name: value for name, value in vars(builtins).items() if not name.startswith("_")}


def builtins_are_patched() -> bool:
    """Whether a builtin is another than it was: what captures would call it as well."""
    for name, value in _PYTHONS.items():  # noqa: SIM110 - `any` may be the one
        if vars(builtins).get(name) is not value:
            return True
    return False


def module_of(value: Any) -> str:
    """The name of the module of a class or a function."""
    ask: Any = type.__getattribute__ if isinstance(value, type) else getattr  # not what a metaclass has for that
    found = ask(value, "__module__") or "builtins"
    return found if type(found) is str else ""


def package(value: Any) -> str:
    return module_of(value).split(".")[0]


def is_module(module: types.ModuleType) -> bool:
    """Whether this is a module of the list, and the one that is imported by its name."""
    name = module.__dict__.get("__name__")
    return type(name) is str and type(module) is types.ModuleType and sys.modules.get(name) is module and (
        name in _MODULES or name.split(".")[0] == "tapegrad")


def package_of(module: types.ModuleType) -> str:
    """The package that a module of the list belongs to; "" for any other module."""
    return str(module.__dict__["__name__"]).split(".")[0] if is_module(module) else ""


def is_class(cls: type) -> bool:
    """Whether this is a class of Python's, NumPy's or this library, as its module has it."""
    if cls in _genuine:
        return True
    found = package(cls) in _PACKAGES and (
        _is_there(cls) or cls is machine.TensorBase or _is_ours(cls)
        or (not cls.__flags__ & HEAP_TYPE and module_of(cls) in ("builtins", "types")))
    if found:
        _genuine.add(cls)
    return found


_genuine: weakref.WeakSet[type] = weakref.WeakSet()


def _is_there(value: Any) -> bool:
    found: Any = sys.modules.get(module_of(value))
    for part in type.__getattribute__(value, "__qualname__").split("."):
        found = vars(found).get(part) if isinstance(found, (types.ModuleType, type)) else None
    return found is value


def _is_ours(cls: type) -> bool:
    """Whether this library made a class that no module has under its name."""
    return package(cls) == "tapegrad" and any(
        isinstance(f, types.FunctionType) and capturing.is_library(f.__code__.co_filename) for f in vars(cls).values())


@functools.cache
def _ours() -> frozenset[int]:
    """The native functions of this library, by address: they have no module."""
    modules = [m for name, m in sys.modules.items() if name.startswith("tapegrad.") or name == "tapegrad"]
    native = types.BuiltinFunctionType  # which has no classes below it
    return frozenset({id(f) for m in modules for f in vars(m).values()
                      if type(f) is native and f.__module__ is None and f.__self__ is None})


def is_function(function: Any) -> bool:
    """Whether a function written in C is one of the list."""
    module, name = function.__module__, function.__name__
    if module is None:
        return id(function) in _ours()
    if module == "builtins":
        return (name in _BUILTINS and vars(builtins).get(name) is function) or name == "__build_class__"
    if module.split(".")[0] == "numpy":
        return is_numpy(function)
    return module in _NATIVE and vars(sys.modules[module]).get(name) is function


def is_numpy(value: Any) -> bool:
    """Whether this is a function that NumPy offers by a name of the list, or one of its ufuncs."""
    name = str(getattr(value, "__name__", None))
    found = any(vars(m).get(name) is value for m in (np, np.linalg, np.fft))
    return found and (isinstance(value, np.ufunc) or name in _NUMPY)


def is_theirs(function: Any) -> bool:
    """Whether a function written in Python is one of a module of the list, or of this library."""
    names = function.__globals__
    name = str(names.get("__name__"))
    if name.split(".")[0] not in _PACKAGES:
        return False
    # The module `collections.abc` calls itself by another name than it is kept under.
    modules = sys.modules.get(name), sys.modules["_collections_abc"]
    return any(vars(m) is names for m in modules if m is not None)


_asks: weakref.WeakKeyDictionary[type, frozenset[str]] = weakref.WeakKeyDictionary()


def asks(cls: type) -> frozenset[str]:
    """The attributes that the methods of a library's class ask for: of a class that builds on it, or of others."""
    known = _asks.get(cls)
    if known is None:
        codes = [f.__code__ for f in map(function_of, vars(cls).values()) if isinstance(f, types.FunctionType)]
        known = _asks[cls] = frozenset(name for code in codes for piece in read(code) for one in piece.asked
                                       for name in ((one.name,) if one.kind == "attribute" else one.then))
    return known


def is_numpy_class(cls: type) -> bool:
    """Whether code may make instances of this class of NumPy: others open files, or look at the clock."""
    return cls in (np.ndarray, np.matrix, np.errstate, np.vectorize) or (
        issubclass(cls, (np.generic, np.dtype)) and cls is not np.datetime64)


_patched: weakref.WeakKeyDictionary[type, tuple[Any, list[str]]] = weakref.WeakKeyDictionary()


def patched(cls: type) -> list[str]:
    """The methods that a program put into a class of a library."""
    now = memory_words.version(cls)
    known = _patched.get(cls)
    if known is None or now is None or known[0] != now:
        known = _patched[cls] = now, [name for name, value in vars(cls).items()
                                      if (callable(value) or hasattr(value, "__get__")) and not belongs(value)]
    return known[1]


def is_special(name: str, value: Any) -> bool:
    """Whether Python itself may call this of a class."""
    return name[:2] == "__" == name[-2:] and (callable(value) or value is None or hasattr(value, "__get__"))


def belongs(value: Any) -> bool:
    """Whether a member of a class is code of the library that made the class, or C code, or a descriptor of ours."""
    value = function_of(value)
    if package(type(value)) == "tapegrad" and not callable(value) and is_class(type(value)):
        return True
    if isinstance(value, types.FunctionType):
        return is_theirs(value)
    if isinstance(value, types.BuiltinFunctionType):
        return is_function(value) or (isinstance(value.__self__, types.FunctionType) and is_theirs(value.__self__))
    return value is None or isinstance(value, _DESCRIPTORS)


def function_of(value: Any) -> Any:
    """The function behind a method or a property."""
    value = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    return value.fget if isinstance(value, property) else value


_DESCRIPTORS = (types.MethodDescriptorType, types.WrapperDescriptorType, types.GetSetDescriptorType,
                types.MemberDescriptorType, types.ClassMethodDescriptorType, types.DynamicClassAttribute)
