"""The one machine of this process: its layouts and plans, its native functions (`call`) and the tape's two tables."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.documents.texts import TEXTS
from tapegrad.machine.planning import Layouts, Planner
from tapegrad.machine.runtime import Machine
from tapegrad.machine.startup import Slots
from tapegrad.ops import (
    attention,
    callback,
    convolution,
    declaration,
    decompositions,
    elementwise,
    implicit,
    indexing,
    joining,
    linalg,
    recurrent,
    recurrent_layers,
    reduction,
    scans,
    special,
    view,
    windows,
)

FAMILIES = (callback, elementwise, reduction, view, indexing, joining, linalg, decompositions, special, implicit,
            scans, recurrent, recurrent_layers, windows, convolution, attention)


def _called(o: declaration.Operation) -> Slots:
    """An operation's native function under the name that users find it by, with the help on that."""
    paths = (o.name, f"nn.functional.{o.name}", f"special.{o.name}", f"bitwise_{o.name}",
             f"nn.functional.{o.name.replace('_', '')}")
    path = next((p for p in paths if p in TEXTS), "")
    return Slots(o.opcode, path.rpartition(".")[2] or o.name, o.methods, o.operators, TEXTS.get(path, ""),
                 o.inplace_of is not None)


machine: Machine = Machine([_called(o) for o in declaration.operations()])
layouts: Layouts = Layouts(machine)
planner: Planner = Planner(machine, layouts)
call: Any = machine.call
buffers: np.ndarray[Any, Any] = machine.buffers
instructions: np.ndarray[Any, Any] = machine.instructions


def _default_changed(d: dtypes.dtype) -> None:
    """What native code knows was taught under one default dtype: the keys of its tables say under which."""
    machine.state["default_dtype"] = int(d is dtypes.float64)


dtypes.when_default_changes.append(_default_changed)
machine.state["dtype_type"] = id(dtypes.dtype)
