"""What a parameter's annotation lets in, what PyTorch calls that, and what becomes of it.

As in PyTorch a tensor without axes serves as a number, and Python's `float`, `int` and `bool` name dtypes. What an
annotation does not say (`Any`, a string of options) is left to the function.
"""
from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, Union

import numpy as np

from tapegrad import devices, dtypes, errors, formats
from tapegrad.machine.learning import following
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

Tensor = Any
Ints = Any  # one whole number, or several
Sizes = Any  # several whole numbers: in a sequence, or each as an argument of its own
Text = str  # an annotation `str` is the function's own affair, as in PyTorch's Python
Number = Union[int, float, bool]  # noqa: UP007  (Python 3.10 evaluates it)
TensorBase = machine.TensorBase


class Kind(NamedTuple):
    """What an annotation stands for: types that pass unseen, how it is called, and what becomes of anything else."""

    plain: tuple[type, ...]
    name: str
    taken: Callable[[Any], Any]  # raises TypeError


class Unpacked(TypeError):
    """An element of a sequence is of the wrong kind: where it stands. It was taken for a sequence of the right one."""


class Beginning(TypeError):
    """The first element of a sequence is of the wrong kind: of which type."""


def _number(x: Any, categories: tuple[int, ...]) -> Any:
    """The number in a tensor without axes, if it is of these kinds; a gradient could not flow through it."""
    if x.ndim or x.dtype.category not in categories or x.requires_grad:
        raise TypeError
    return x.item()


def is_vast(x: Any) -> bool:
    """Whether a plain whole number is none of 64 bits."""
    return type(x) is int and not -2 ** 63 <= x < 2 ** 63


def _held(x: int) -> int:
    if is_vast(x):
        raise ValueError("Overflow when unpacking long long")
    return x


def _index(x: Any) -> int:
    if isinstance(x, TensorBase):
        return _number(x, (1,))
    if isinstance(x, (bool, np.bool_)):
        raise TypeError
    return _held(int(operator.index(x)))


def _int(x: Any) -> int:
    if isinstance(x, (int, np.integer, TensorBase)) or type(x) in following.KINDS:
        return _index(x)
    raise TypeError


def _float(x: Any) -> Any:
    if isinstance(x, TensorBase):
        return _number(x, (0, 1, 2))
    if type(x) in following.KINDS:
        return x
    if isinstance(x, np.bool_):
        return float(x)
    if isinstance(x, (int, float, np.integer, np.floating)):
        return dtypes.number(x)
    raise TypeError


def _scalar(x: Any) -> Any:
    return within_a_word(_float(x))


def within_a_word(x: Any) -> Any:
    """A number; OverflowError for one that neither 64 bits with a sign hold nor 64 without."""
    held = x._value if type(x) in following.KINDS else x
    if is_vast(held):
        held.to_bytes(8, "little")
    return x


def _complex(x: Any) -> Any:
    return x if isinstance(x, complex) else _scalar(x)


def _operand(x: Any) -> Any:
    if isinstance(x, (TensorBase, int, float, complex, np.generic)) or type(x) in following.KINDS:
        return float(x) if isinstance(x, np.bool_) else within_a_word(x)
    raise TypeError


def _truth(x: Any) -> bool:
    return bool(x)


def _int_each(x: Any) -> Any:
    if all(type(n) is int and not is_vast(n) for n in x):
        return x
    found = []
    for place, n in enumerate(x, 1):
        try:
            found.append(int(n) if type(n) is bool and place > 1 else _index(alone(n)))
        except TypeError:
            if place == 1:
                raise Beginning(f", but found element of type {type_name(n)} at pos 0") from None
            raise Unpacked(f'failed to unpack the object at pos {place} with error "type must be tuple of ints,but '
                           f'got {type_name(n)}"') from None
        except ValueError as said:
            raise Unpacked(f'failed to unpack the object at pos {place} with error "{said}\n"') from None
    return tuple(found)


def alone(x: Any) -> Any:
    """A tensor's only element without its axes, which stands for a size."""
    return x.reshape(()) if isinstance(x, TensorBase) and x.ndim and x.numel() == 1 else x


def _ints(x: Any) -> Any:
    if isinstance(x, TensorBase):
        return int(_number(alone(x), (0, 1)))
    return _int_each(x) if isinstance(x, (list, tuple)) else _int(x)


def _sizes(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return tuple(_int_each(x))
    raise TypeError


def _floats(x: Any) -> Any:
    if isinstance(x, (list, tuple)) and all(isinstance(n, (int, float, np.number)) for n in x):
        return x
    raise TypeError


def _tensor(x: Any) -> Any:
    if isinstance(x, TensorBase):
        return x
    raise TypeError


def _tensors(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        for place, item in enumerate(x):
            if not isinstance(item, TensorBase):
                raise Unpacked(f"expected Tensor as element {place} in argument {{}}, but got {type(item).__name__}")
        return x
    raise TypeError


def _device(x: Any) -> Any:
    if isinstance(x, str):
        devices.device(x)
    elif isinstance(x, bool) or not isinstance(x, (int, np.integer, devices.device)):
        raise TypeError
    return x if isinstance(x, (str, devices.device)) else _held(int(x))


def _indices(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return x
    raise TypeError


def _nothing(x: Any) -> Any:
    raise TypeError


KINDS = {
    "int": Kind((int,), "int", _int),
    "Index": Kind((int,), "int", _index),  # a place or a size, which whatever can be an index may be
    "float": Kind((float, int, bool), "float", _float),
    "Number": Kind((float, int, bool), "Number", _scalar),
    "Scalar": Kind((float, int, bool), "Number", _complex),  # where the function says why not a complex one
    "bool": Kind((bool,), "bool", _nothing),
    "Truth": Kind((bool,), "bool", _truth),  # what PyTorch's Python only asks whether it is true
    "Ints": Kind((int,), "tuple of ints", _ints),
    "Sizes": Kind((), "tuple of ints", _sizes),
    "Floats": Kind((), "tuple of floats", _floats),
    "Tensor": Kind((), "Tensor", _tensor),
    "Operand": Kind((float, int, bool), "Tensor", _operand),  # of an operation that takes numbers too
    "Tensors": Kind((), "tuple of Tensors", _tensors),
    "Indices": Kind((), "tuple of Tensors", _indices),  # or nothing, along an axis
    "dtype": Kind((dtypes.dtype,), "torch.dtype", dtypes.named),
    "Text": Kind((str,), "str", _nothing),
    "layout": Kind((formats.layout,), "torch.layout", _nothing),
    "device": Kind((devices.device,), "torch.device", _device),
    "Generator": Kind((), "torch.Generator", _nothing),  # until there is one
    "memory_format": Kind((formats.memory_format,), "torch.memory_format", _nothing),
}


def stands_for(name: str, kind: type) -> None:
    """Let an annotation take the instances of a class that is made further up."""
    KINDS[name] = KINDS[name]._replace(plain=(kind,))
    kind_of.cache_clear()


@functools.cache
def kind_of(annotation: str) -> Kind | None:
    """What an annotation lets in; None where it says nothing that is checked here.

    >>> kind_of("int | None").name, kind_of("Any")
    ('int', None)
    """
    names = annotation.replace(" / ", " | ").split(" | ")
    if not {*names} <= {*KINDS, "None", "Dtype"}:
        return None
    kinds = [KINDS["dtype" if name == "Dtype" else name] for name in names if name != "None"]
    plain = tuple(t for kind in kinds for t in kind.plain) + ((type(None),) if "None" in names else ())
    if len(kinds) == 1:
        return kinds[0]._replace(plain=plain)

    def taken(x: Any) -> Any:
        for kind in kinds[:-1]:
            try:
                return kind.taken(x)
            except TypeError:
                pass
        return kinds[-1].taken(x)

    return Kind(plain, kinds[0].name, taken)


def type_name(x: Any) -> str:
    """A type as PyTorch's errors name it."""
    if isinstance(x, TensorBase):
        return type(x).__name__
    return errors.type_name(x)
