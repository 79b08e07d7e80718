"""PyTorch's functions: those that are operations with something to decide, and those composed of operations.

A room a subject, a module a family. `common.PUBLIC` lists what `tapegrad` offers by name, `common.METHODS` what
`Tensor` does. An operation with nothing to decide but its operands needs no line here: the registry's own function
serves.
"""
from __future__ import annotations

import types
from typing import Any

from tapegrad import creation, drawing, fallbacks
from tapegrad.documents.texts import TEXTS
from tapegrad.functions import array_protocols, by_name, layouts, queries, storages
from tapegrad.functions.common import IN_PLACE, METHODS, PUBLIC
from tapegrad.functions.indexing import gathering, searching, subscripts
from tapegrad.functions.linear_algebra import (
    contractions,
    decompositions,
    former_names,
    low_rank,
    products,
    reflections,
    solving,
)
from tapegrad.functions.nn import (
    activations,
    attention,
    bags,
    convolution,
    ctc,
    distances,
    dropout,
    layers,
    losses,
    native_forms,
    normalisation,
    padding,
    pooling,
    recurrent,
    resizing,
    sampling,
)
from tapegrad.functions.out_argument import ALIKE, EXACT, OFFERED, with_out
from tapegrad.functions.pointwise import arithmetic, quantizing, special
from tapegrad.functions.reducing import histograms, reductions, scans_and_sorting, statistics
from tapegrad.functions.results_apart import apart
from tapegrad.functions.rounding import rounded_once
from tapegrad.functions.shaping import grids, in_place_views, joining, rearranging, splitting, views, windows
from tapegrad.machine.live import machine
from tapegrad.ops.declaration import REGISTRY
from tapegrad.signatures import checked, unwrapped
from tapegrad.tensor import Tensor

FAMILIES = (arithmetic, special, quantizing, reductions, scans_and_sorting, statistics, histograms, views,
            in_place_views, splitting, rearranging, joining, grids, windows, subscripts, gathering, searching,
            products, contractions, solving, decompositions, former_names, low_rank, reflections, activations, layers,
            losses, distances, dropout, padding, convolution, normalisation, resizing, pooling, attention, sampling,
            recurrent, bags, ctc, native_forms, queries, storages, layouts, array_protocols)


_WRITING = """
    __getitem__ __setitem__ __matmul__ __rmatmul__
    addcdiv_ addcmul_ celu_ clamp_ clip_ elu_ fill_diagonal_ float_power_ hardsigmoid_ hardswish_ hardtanh_ index_add_
    index_copy_ index_fill_ index_put_ leaky_relu_ masked_fill_ mish_ relu6_ relu_ scatter_ scatter_add_ selu_ sigmoid_
    silu_ tanh_ threshold_ true_divide_
"""
_SCALING = """
    add addbmm addcdiv addcmul addmv addr baddbmm clamp clip div index_add lerp masked_fill rsub sub
"""
_MAKING = "arange empty empty_like eye full full_like linspace ones ones_like scalar_tensor zeros zeros_like"
_DRAWING = "bernoulli normal rand rand_like randint randint_like randn randn_like randperm"
# What writes in place, and beside that only checks: all that its Python does to anything is noted while it is learnt.
WRITING: set[str] = IN_PLACE.union(_WRITING.split(), drawing.WRITING)
# What does the same for every fraction that it is given, as an operand: such numbers are not part of a recipe's key.
SCALING: set[str] = {name + tail for name in _SCALING.split() for tail in ("", "_")}


def remembered(name: str, function: Any, space: str = "") -> Any:
    """A function as users get it: its Python runs once for each kind of arguments (`machine.learning.lessons`)."""
    if not isinstance(function, types.FunctionType):
        return function
    function = checked(with_out(name, apart(name, rounded_once(name, function))), space + name)
    by_name.keep(function, space + name)
    if not _learnt(name, function):
        return _plain(function)
    return _native(name, function)


def _native(name: str, function: Any, text: str = "") -> Any:
    native = machine.remembered(name, function, text)
    setattr(function, name, native)  # a built-in method is pickled as an attribute of its `self`: of this function
    return native


def _learnt(name: str, function: Any) -> bool:
    """Whether native code learns a function; others work in place in ways of their own, which no lesson notes."""
    if name in SCALING:
        machine.leave_out_factors(function)
    return not name.endswith("_") or name in WRITING


def _method(name: str, function: Any) -> Any:
    if isinstance(function, property) and function.fget is not None:
        return property(machine.remembered(name, function.fget), function.fset)
    if not isinstance(function, types.FunctionType):
        return function
    if name[:2] != "__":  # what Python calls by itself, with what its syntax says
        function = checked(apart(name, rounded_once(name, function)), f"Tensor.{name}")
    return machine.remembered_method(name, function, Tensor) if _learnt(name, function) else _plain(function)


def _plain(function: Any) -> Any:
    """A function that stays Python's: its text is without the signature, which native functions have there."""
    function.__doc__ = (function.__doc__ or "").partition("\n--\n\n")[2] or function.__doc__
    return function


for _name in ("detach", "to", "float", "double", "half", "bfloat16", "long", "int", "short", "char", "byte", "bool",
              "type_as", "new_full", "new_zeros", "new_ones", "new_empty"):
    setattr(Tensor, _name, _method(_name, vars(Tensor)[_name]))
setattr(Tensor, "numpy", machine.numpy_method(checked(vars(Tensor)["numpy"], "Tensor.numpy"), Tensor))  # noqa: B010
for _name in ("item", "__float__", "__bool__"):
    setattr(Tensor, _name, machine.number_method(_name, getattr(Tensor, _name), Tensor))
for _name, _function in (METHODS | drawing.WRITING).items():
    setattr(Tensor, _name, _method(_name, _function))
for _name in (OFFERED | EXACT | ALIKE) & fallbacks.by_name.keys():  # those that are operations
    fallbacks.set_function(REGISTRY[_name], with_out(_name, rounded_once(_name, unwrapped(fallbacks.by_name[_name]))))
for _name, _original in arithmetic.OTHER_NAMES.items():
    _op, _writing = REGISTRY[_original], REGISTRY[_original + "_"]
    PUBLIC[_name] = fallbacks.alias(_name, _op)
    if hasattr(Tensor, _original):
        setattr(Tensor, _name, fallbacks.alias(f"Tensor.{_name}", _op, Tensor))
        if _op.arity == 1 and _name != "absolute":
            PUBLIC[_name + "_"] = fallbacks.alias(_name + "_", _writing)
    setattr(Tensor, _name + "_", fallbacks.alias(f"Tensor.{_name}_", _writing, Tensor))
for _name, _original in special.OTHER_NAMES.items():
    _at_root = PUBLIC.get(_original)
    special.SPECIAL[_name] = _at_root if isinstance(_at_root, types.FunctionType) else fallbacks.alias(
        f"special.{_name}", REGISTRY[_original])
for _name in SCALING & fallbacks.by_name.keys():
    for _function in fallbacks.of_operation(REGISTRY[_name]):
        machine.leave_out_factors(_function)
machine.set_hook("indexing", METHODS["__getitem__"])
machine.set_hook("assigning", METHODS["__setitem__"])
for _name in ["addmv_", "as_strided_", "gcd_", "lcm_", "ldexp_", "resize_as_"]:  # methods that are functions too
    PUBLIC[_name] = METHODS.get(_name, unwrapped(vars(Tensor)[_name]))
for _name in ("alias", "avg_pool2d", "avg_pool3d", "contiguous", "expand", "expand_as", "repeat", "reshape_as",
              "sum_to_size", "unfold", "view", "view_as"):  # methods, or functions of nn, and nothing else
    PUBLIC.pop(_name, None)
MAKING: dict[str, Any] = {name: _native(name, getattr(room, name), TEXTS.get(name, ""))
                          for room, names in ((creation, _MAKING), (drawing, _DRAWING)) for name in names.split()}
globals().update({name: remembered(name, function) for name, function in PUBLIC.items()})
__all__ = list(PUBLIC)
