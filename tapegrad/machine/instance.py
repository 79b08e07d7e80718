"""The one machine of this process, its layouts and its plans."""
from __future__ import annotations

from tapegrad import dtypes
from tapegrad.machine.planning import Layouts, Planner
from tapegrad.machine.startup import Machine, Slots
from tapegrad.ops import (
    callback,
    declaration,
    decompositions,
    elementwise,
    implicit,
    indexing,
    joining,
    linalg,
    recurrent,
    reduction,
    rows,
    special,
    view,
)

FAMILIES = (callback, elementwise, reduction, view, indexing, joining, linalg, decompositions, special, implicit,
            rows, recurrent)

machine = Machine([Slots(o.opcode, o.name, o.methods, o.operators, o.doc, o.inplace_of is not None)
                   for o in declaration.operations()])
layouts = Layouts(machine)
planner = Planner(machine, layouts)


def _default_changed(d: dtypes.dtype) -> None:
    """What native code knows was taught under one default dtype: the keys of its tables say under which."""
    machine.state["default_dtype"] = int(d is dtypes.float64)


dtypes.when_default_changes.append(_default_changed)
machine.state["dtype_type"] = id(dtypes.dtype)
