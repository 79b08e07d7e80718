"""A numba type for memory at an address: elements of one kind, nothing else known about them.

numba's own arrays would do, and did: but each mention of one builds a struct of seven fields, and each access types and
lowers strides, bounds and negative indices, of which LLVM removes all. They took half of the time that building the
machine takes.
"""
from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

_WORD = ir.IntType(64)


class Cells(types.Type):
    """Elements of a numba type, so many bytes each, from an address on."""

    element: Any
    itemsize: int

    def __init__(self, element: Any, itemsize: int) -> None:
        self.element, self.itemsize = element, itemsize
        super().__init__(f"Cells({element}, {itemsize})")


@register_model(Cells)
class CellsModel(models.PrimitiveModel):
    """The address, as a word."""

    def __init__(self, manager: Any, kind: Cells) -> None:
        super().__init__(manager, kind, _WORD)


def _index(kind: Any) -> Any:
    return types.unliteral(kind)


@infer_global(operator.getitem)
class _Get(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        cells, index = args
        if isinstance(cells, Cells) and isinstance(index, types.Integer):
            return signature(cells.element, cells, _index(index))
        return None


@infer_global(operator.setitem)
class _Set(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        cells, index, _ = args
        if isinstance(cells, Cells) and isinstance(index, types.Integer):
            return signature(types.none, cells, _index(index), cells.element)
        return None


def _at(context: Any, builder: Any, kinds: Any, base: Any, index: Any) -> Any:
    """The address of an element."""
    wide = context.cast(builder, index, kinds[1], types.uint64)
    return builder.add(base, builder.mul(wide, ir.Constant(_WORD, kinds[0].itemsize)))


@lower_builtin(operator.getitem, Cells, types.Integer)
def _lower_get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    at, element = _at(context, builder, sig.args, *args), sig.args[0].element
    if isinstance(element, types.Record):  # a record is a pointer to it
        return builder.inttoptr(at, context.get_value_type(element))
    return builder.load(builder.inttoptr(at, context.get_value_type(element).as_pointer()))


@lower_builtin(operator.setitem, Cells, types.Integer, types.Any)
def _lower_set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    base, index, value = args
    at, element = _at(context, builder, sig.args, base, index), sig.args[0].element
    builder.store(value, builder.inttoptr(at, context.get_value_type(element).as_pointer()))
    return context.get_dummy_value()
