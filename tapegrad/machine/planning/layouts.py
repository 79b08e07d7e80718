"""Layouts: dtype, shape and strides, interned, so that one small integer says all that a plan depends on."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapegrad import dtypes, errors, shapes
from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit
from tapegrad.machine.planning.generations import Generations
from tapegrad.machine.startup import MAX_LAYOUTS, address_of

if TYPE_CHECKING:
    from tapegrad.machine.runtime import Machine

_MOST = (1 << 63) - 1  # what an int64 holds


class Layout:
    """How a value lies in memory; strides count elements.

    `weak` marks Python numbers, which yield to tensors in promotion; `literal` holds the value of those few numbers
    that a rule may specialise on.
    """

    __slots__ = ("contiguous", "dense", "dtype", "gathered", "id", "literal", "nbytes", "numel", "rooms", "shape",
                 "size", "strides", "weak")
    gathered: Layout | None  # its adjoint layout, where that is another
    id: int
    dtype: dtypes.dtype
    shape: shapes.Shape
    strides: shapes.Shape
    weak: bool
    literal: int | None

    def __init__(self, id: int, dtype: dtypes.dtype, shape: shapes.Shape, strides: shapes.Shape, weak: bool,
                 literal: int | None) -> None:
        if shape and min(shape) < 0:
            raise RuntimeError(errors.NEGATIVE_SIZE.format(min(shape), list(shape)))
        if strides and min(strides) < 0:
            raise RuntimeError(errors.NEGATIVE_STRIDES.format(list(strides)))
        self.id, self.dtype, self.shape, self.strides = id, dtype, shape, strides
        self.weak, self.literal = weak, literal
        self.numel: int = math.prod(shape)
        self.size: shapes.Size = shapes.Size(shape)
        self.nbytes: int = shapes.extent(shape, strides) * dtype.itemsize
        if self.nbytes > _MOST:
            raise RuntimeError(errors.STORAGE_OVERFLOW.format(list(shape)))
        if self.numel > _MOST:
            raise RuntimeError(errors.NUMEL_OVERFLOW)
        self.contiguous: bool = shapes.is_contiguous(shape, strides)
        self.dense: bool = shapes.is_dense(shape, strides)
        self.rooms: list[Any] = []  # what native code points into

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
        self._machine, self._native, self._geometries = machine, machine.layouts, machine.geometries
        self.table: Generations[Layout] = Generations("id", MAX_LAYOUTS)
        self.all: list[Any] = self.table.all  # Layout, but for numbers that are free
        self.make_room: Callable[[], None] = lambda: None  # forgets what is not referred to, where there is much
        self._add(dtypes.bool_, (0,), (1,), True, None)  # id 0 is never a value's
        for weak in (dtypes.bool_, dtypes.int64, dtypes.float64):  # ids 1, 2, 3: the native wrap_number counts on them
            self.intern(weak, (), (), weak=True)
        for value in rec.LITERALS:
            literal = self.intern(dtypes.int64, (), (), weak=True, literal=value)
            row = machine.call.fresh_row(literal.id, 0, machine.call.allocate(int(machine.state["arena"][0]), 8))
            machine.buffers[row]["flags"] = rec.IMMORTAL
            machine.literals[value - rec.LITERALS[0]] = row
            machine.literal_values(row)[0] = value
        self._fixed = [*self.all]  # which native code knows by their numbers

    def __getitem__(self, id: int) -> Layout:
        return self.all[id]

    def intern(self, dtype: dtypes.dtype, shape: shapes.Shape, strides: shapes.Shape | None = None, *,
               weak: bool = False, literal: int | None = None) -> Layout:
        """The one layout with these properties; contiguous when `strides` is not given."""
        if strides is None:
            strides = shapes.contiguous_strides(shape)
        key = dtype, shape, strides, weak, literal
        found = self.table.young.get(key)
        if found is None:
            with jit.BUILDING:
                if self.table.is_full():
                    self.make_room()
                found = self.table.again(key) or self._add(*key)
        return found

    def of_number(self, value: bool | int | float) -> Layout:
        """That of a Python number among the operands, as native code wraps it (`wrap_number`)."""
        if isinstance(value, bool):
            return self.intern(dtypes.bool_, (), (), weak=True)
        if isinstance(value, int):
            literal = value if rec.LITERALS[0] <= value <= rec.LITERALS[-1] else None
            return self.intern(dtypes.int64, (), (), weak=True, literal=literal)
        return self.intern(dtypes.float64, (), (), weak=True)

    def _add(self, dtype: dtypes.dtype, shape: shapes.Shape, strides: shapes.Shape, weak: bool,
             literal: int | None) -> Layout:
        if dtype in dtypes.NAMES:
            raise NotImplementedError((errors.COMPLEX if dtype.is_complex else errors.NAME_ONLY).format(dtype))
        shape, strides = (tuple(map(int, sizes)) for sizes in (shape, strides))  # NumPy's are equal, and found here too
        new = Layout(0, dtype, shape, strides, weak, literal)  # which is refused where there can be none
        # Of what is expanded, the axes keep their order: so do those of a transposed weight with lanes.
        order = shapes.result_strides(shape, [(shape, strides)]) if not new.dense and 0 in strides else None
        new.gathered = None if new.dense else self.intern(dtype, shape, order)
        new.id = self.table.number()
        self.all[new.id] = new
        row = self._native[new.id]
        row["nbytes"], row["numel"], row["dtype"] = new.nbytes, new.numel, dtype.id
        row["adjoint"] = self.adjoint(new).id
        self.table.young[dtype, shape, strides, weak, literal] = new  # last: it is whole where other threads find it
        return new

    def tell_geometry(self, layout: Layout) -> None:
        """Tell native code of a layout's shape, for NumPy's arrays and slices: few layouts are looked at like that."""
        strides = (s * layout.dtype.itemsize for s in layout.strides)
        words = np.array([len(layout.shape), *layout.shape, *strides], "i8")
        layout.rooms.append(words)
        self._geometries[layout.id] = address_of(words)

    def forget(self) -> None:
        """Forget those that no row of the tape, and nothing in Python, lies like."""
        rows = self._machine.buffers[:int(self._machine.state["n_buffers"][0])]
        named = np.zeros(len(self.all), bool)
        named[rows["layout"][rows["flags"] & rec.FREE == 0]] = True
        gone = self.table.turn(named)
        self._native[gone] = self._geometries[gone] = 0

    def adjoint(self, layout: Layout) -> Layout:
        """Where gradients of such a value are gathered: its own order of axes if it is dense or expanded."""
        return layout if layout.gathered is None else layout.gathered
