"""Layouts: dtype, shape and strides, interned, so that one small integer says all that a plan depends on."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tapegrad import dtypes, errors, shapes
from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit
from tapegrad.machine.startup import address_of

if TYPE_CHECKING:
    from tapegrad.machine.startup import Machine

_MOST = (1 << 63) - 1  # what an int64 holds


class Layout:
    """How a value lies in memory; strides count elements.

    `weak` marks Python numbers, which yield to tensors in promotion; `literal` holds the value of those few numbers
    that a rule may specialise on.
    """

    __slots__ = ("contiguous", "dense", "dtype", "id", "literal", "nbytes", "numel", "shape", "size", "strides", "weak")

    def __init__(self, id: int, dtype: dtypes.dtype, shape: shapes.Shape, strides: shapes.Shape, weak: bool,
                 literal: int | None) -> None:
        self.id, self.dtype, self.shape, self.strides = id, dtype, shape, strides
        self.weak, self.literal = weak, literal
        self.numel = math.prod(shape)
        self.size = shapes.Size(shape)
        self.nbytes = shapes.extent(shape, strides) * dtype.itemsize
        if self.nbytes > _MOST:
            raise RuntimeError(errors.STORAGE_OVERFLOW.format(list(shape)))
        if self.numel > _MOST:
            raise RuntimeError(errors.NUMEL_OVERFLOW)
        self.contiguous = shapes.is_contiguous(shape, strides)
        self.dense = shapes.is_dense(shape, strides)

    def __repr__(self) -> str:
        strided = "" if self.contiguous else f" strides {list(self.strides)}"
        return f"{self.dtype.short}[{','.join(map(str, self.shape))}]{strided}"

    @property
    def tier(self) -> int:
        """Weight in promotion: 0 a Python number, 1 a tensor without axes, 2 any other."""
        return 0 if self.weak else 2 if self.shape else 1


class Layouts:
    """The table of layouts of one machine."""

    def __init__(self, machine: Machine) -> None:
        self._native, self._geometries = machine.layouts, machine.geometries
        self._told: list[np.ndarray[Any, Any]] = []  # native code reads them for good
        self._interned: dict[tuple[object, ...], Layout] = {}
        self.all: list[Layout] = []
        self._add(dtypes.bool_, (0,), (1,), True, None)  # id 0 is never a value's
        for weak in (dtypes.bool_, dtypes.int64, dtypes.float64):  # ids 1, 2, 3: the native wrap_number counts on them
            self.intern(weak, (), (), weak=True)
        for value in rec.LITERALS:
            literal = self.intern(dtypes.int64, (), (), weak=True, literal=value)
            row = machine.call.fresh_row(literal.id, 0, machine.call.allocate(int(machine.state["arena"][0]), 8))
            machine.buffers[row]["flags"] = rec.IMMORTAL
            machine.literals[value - rec.LITERALS[0]] = row
            machine.literal_values(row)[0] = value

    def __getitem__(self, id: int) -> Layout:
        return self.all[id]

    def intern(self, dtype: dtypes.dtype, shape: shapes.Shape, strides: shapes.Shape | None = None, *,
               weak: bool = False, literal: int | None = None) -> Layout:
        """The one layout with these properties; contiguous when `strides` is not given."""
        if strides is None:
            strides = shapes.contiguous_strides(shape)
        found = self._interned.get((dtype, shape, strides, weak, literal))
        if found is None:
            with jit.BUILDING:
                found = self._interned.get((dtype, shape, strides, weak, literal))
                found = found or self._add(dtype, shape, strides, weak, literal)
        return found

    def _add(self, dtype: dtypes.dtype, shape: shapes.Shape, strides: shapes.Shape, weak: bool,
             literal: int | None) -> Layout:
        if dtype.is_complex:
            raise NotImplementedError(errors.COMPLEX.format(dtype))
        shape, strides = (tuple(map(int, sizes)) for sizes in (shape, strides))  # NumPy's are equal, and found here too
        new = Layout(len(self.all), dtype, shape, strides, weak, literal)
        self.all.append(new)
        row = self._native[new.id]
        row["nbytes"], row["numel"], row["dtype"] = new.nbytes, new.numel, dtype.id
        row["adjoint"] = self.adjoint(new).id
        self._interned[dtype, shape, strides, weak, literal] = new  # last: it is whole where other threads find it
        return new

    def tell_geometry(self, layout: Layout) -> None:
        """Tell native code of a layout's shape, for NumPy's arrays: few layouts are ever looked at by Python."""
        strides = (s * layout.dtype.itemsize for s in layout.strides)
        words = np.array([len(layout.shape), *layout.shape, *strides], "i8")
        self._told.append(words)
        self._geometries[layout.id] = address_of(words)

    def adjoint(self, layout: Layout) -> Layout:
        """Where gradients of such a value are gathered: its own order of axes if it is dense, else contiguous."""
        if layout.dense:
            return layout
        return self.intern(layout.dtype, layout.shape)
