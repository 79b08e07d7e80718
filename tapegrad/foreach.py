"""Operations on lists of tensors, one tensor after the other (`torch._foreach_add`, …), as optimisers are written in.

A name is that of an operation, or what writes in place (`_foreach_add_`). Its forms are in a table, in which a letter
says what a parameter takes: L a list of tensors, N one of numbers, T a tensor, S a number, B a truth, A anything; after
a bracket are those that may be left out.

>>> import tapegrad as torch
>>> moments = [torch.zeros(2), torch.ones(1)]
>>> _ = torch._foreach_mul_(moments, 0.5)
>>> torch._foreach_add(moments, [1, 2])
(tensor([1., 1.]), tensor([2.5000]))
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.autograd.modes import is_grad_enabled
from tapegrad.functions.common import expect_tensors, invalid_combination, kind_name
from tapegrad.functions.queries import can_cast, result_type
from tapegrad.functions.reducing.reductions import vector_norm
from tapegrad.tensor import Tensor

_UNARY = """abs acos asin atan ceil cos cosh erf erfc exp expm1 floor frac lgamma log log10 log1p log2 neg reciprocal
round rsqrt sigmoid sign sin sinh sqrt tan tanh trunc"""
_COMPARED = "self:L other:L|self:L scalar:S|self:L scalars:N"
_POINTWISE = ("self:L tensor1:L tensor2:L scalars:N|self:L tensor1:L tensor2:L scalars:T|"
              "self:L tensor1:L tensor2:L [value:S")
_FORMS = {
    **dict.fromkeys(_UNARY.split(), "self:L"),
    **dict.fromkeys(("maximum", "minimum", "clamp_min", "clamp_max"), _COMPARED),
    "add": "self:L other:L [alpha:S|self:L scalar:S|self:L scalars:N|self:L other:T [alpha:S",
    "sub": "self:L other:L [alpha:S|self:L scalar:S|self:L scalars:N",
    "mul": f"{_COMPARED}|self:L other:T", "div": f"{_COMPARED}|self:L other:T",
    "pow": "self:L exponent:L|self:L exponent:S|self:L exponent:N|self:S exponent:L",
    "lerp": "self:L tensors1:L weights:L|self:L tensors1:L weight:S|self:L tensors1:L weight:N",
    "addcmul": _POINTWISE, "addcdiv": _POINTWISE,
    "copy_": "self:L src:L [non_blocking:B", "zero_": "self:L", "clone": "self:L [memory_format:A", "max": "self:L",
    "mm": "self:L mat2:L", "norm": "self:L [ord:S [dtype:A", "powsum": "self:L [ord:S [dtype:A",
}


def _largest(x: Tensor) -> Tensor:
    if not x.numel():
        raise RuntimeError("_foreach_max cannot compute the maximum of an empty tensor; max over zero elements is "
                           "undefined.")
    return x.max()


def _norm(x: Tensor, ord: float = 2, dtype: Any = None) -> Tensor:
    if isinstance(ord, bool):
        raise RuntimeError("foreach_tensor_norm_slow expects ord to be integer or float")
    return vector_norm(x, ord, dtype=dtype)


def _sum_of_powers(x: Tensor, ord: float = 2, dtype: Any = None) -> Tensor:
    if not x.is_floating_point():
        raise NotImplementedError(f"\"powsum_cpu\" not implemented for '{kind_name(x)}'")
    return x.abs().pow(ord).sum(dtype=dtype)


# What is done with one tensor where that is not its method of the name, which takes the arguments as they come.
_DONE: dict[str, Callable[..., Any]] = {
    "maximum": Tensor.clamp_min, "maximum_": Tensor.clamp_min_, "max": _largest,
    "minimum": Tensor.clamp_max, "minimum_": Tensor.clamp_max_,
    "pow": lambda x, exponent: x ** exponent,  # of which either may be a number
    "norm": _norm,
    "powsum": _sum_of_powers,
}
_BY_NAME = ("alpha", "value", "memory_format", "dtype", "ord")
_ONLY_BY_NAME = ("alpha", "memory_format")
_NUMBERS = (int, float, np.number, np.bool_)


def _all(x: Any, of: Any) -> bool:
    return isinstance(x, (list, tuple)) and all(isinstance(one, of) for one in x)


_TAKES: dict[str, Callable[[Any], bool]] = {
    "L": lambda x: _all(x, Tensor), "N": lambda x: _all(x, _NUMBERS), "T": lambda x: isinstance(x, Tensor),
    "S": lambda x: isinstance(x, _NUMBERS) or (isinstance(x, Tensor) and not x.ndim and not x.requires_grad),
    "B": lambda x: isinstance(x, bool), "A": lambda x: True,
}


@functools.cache
def _forms(name: str) -> list[dict[str, tuple[str, bool]]]:
    """Of each parameter its letter, and whether it may be left out."""
    return [{head.lstrip("["): (letter, head[0] == "[") for head, letter in (part.split(":") for part in form.split())}
            for form in _FORMS[name].split("|")]


def _fitted(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Of each argument the parameter's name and letter, and what was given."""
    forms = _forms(name if name in _FORMS else name[:-1])
    for form in forms[:3] if name == "pow_" else forms:  # a number is not written to
        places = [p for p in form if p not in _ONLY_BY_NAME]
        given = {**dict(zip(places, args)), **kwargs}
        if len(given) == len(args) + len(kwargs) and given.keys() <= form.keys() and all(
                left_out if p not in given else _TAKES[letter](given[p]) for p, (letter, left_out) in form.items()):
            return [(p, form[p][0], given[p]) for p in form if p in given]
    for x in args:
        if isinstance(x, (list, tuple)) and any(isinstance(one, Tensor) for one in x):
            expect_tensors(x)
    raise invalid_combination(f"_foreach_{name}", *args, **kwargs)


def _rows(fitted: list[tuple[str, str, Any]]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """What is given to one tensor after the other: by position, and by name."""
    count = next(len(x) for _, letter, x in fitted if letter == "L")
    if not count:
        raise RuntimeError("Tensor list must have at least one tensor.")
    columns: dict[str, Any] = {}
    for name, letter, x in fitted:
        if letter == "T" and name == "other" and x.ndim:
            raise RuntimeError(f"scalar tensor expected to be 0 dim but it has {x.ndim} dimensions and {x.numel()} "
                               "elements.")
        if letter == "T" and name == "scalars":
            if x.ndim != 1:
                raise RuntimeError(f"Expected packed scalar Tensor to be of dimension 1. Got {x.ndim} instead.")
            if len(x) != count:
                raise RuntimeError(f"Expected length of scalars to match input of length {count} but got {len(x)} "
                                   "instead.")
            x, letter = x.tolist(), "N"
        if letter == "L" and len(x) != count:
            raise RuntimeError(f"Tensor lists must have the same number of tensors, got {count} and {len(x)}")
        if letter == "N" and len(x) != count:
            raise RuntimeError("Tensor list must have same number of elements as scalar list.")
        further = name == "scalars" and len(fitted) > 3  # after two lists of factors
        columns["value" if further else name] = x if letter in "LN" else [x] * count
    named = [p for p in columns if p in _BY_NAME]
    positional = [column for p, column in columns.items() if p not in named]
    for k in range(count):
        yield [column[k] for column in positional], {p: columns[p][k] for p in named}


def _expect_writable(x: Tensor, others: list[Any]) -> None:
    """What a write would refuse is said before any of a list is written to."""
    if x.requires_grad and x.is_leaf and is_grad_enabled():
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    for other in others:
        of_tensor = isinstance(other, Tensor)
        if of_tensor and other.shape == x.shape and other.dtype is x.dtype:
            continue
        shape = shapes.broadcast([x.shape, other.shape]) if of_tensor else x.shape
        if shape != x.shape:
            raise RuntimeError(f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(shape)}")
        if not isinstance(other, bool) and not can_cast(result_type(x, other), x.dtype):
            raise RuntimeError(f"result type Float can't be cast to the desired output type {kind_name(x)}")


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """What `torch._foreach_name` returns: a tuple of results, or the list that was written to.

    >>> import tapegrad as torch
    >>> call("sqrt", [torch.ones(2), torch.full((1,), 4.0)])
    (tensor([1., 1.]), tensor([2.]))

    RuntimeError where lists are empty or have different lengths, or tensors do not go together: in place, nothing is
    written then. TypeError for arguments that fit no form.
    """
    fitted = _fitted(name, args, kwargs)
    done = _DONE.get(name) or getattr(Tensor, name)
    rows = [*_rows(fitted)]
    if name[-1] != "_":
        return tuple([done(*row, **named) for row, named in rows])
    looked_at = {"zero_": 0, "copy_": 0, "lerp_": 1}.get(name)
    for (x, *others), _ in rows:
        _expect_writable(x, others[:looked_at])
    for row, named in rows:
        done(*row, **named)
    return fitted[0][2]
