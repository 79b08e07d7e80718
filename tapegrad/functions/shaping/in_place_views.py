"""A tensor that comes to stand for another view of itself: `t_`, `transpose_`, `squeeze_` and their kin."""
from __future__ import annotations

from typing import Any

from tapegrad import dispatch
from tapegrad.autograd import data_assignment, modes
from tapegrad.functions.common import METHODS, operation
from tapegrad.functions.shaping.views import as_strided, squeeze, t, transpose, unsqueeze
from tapegrad.machine.learning import lessons
from tapegrad.machine.live import buffers, call, planner
from tapegrad.tape import history
from tapegrad.tape.reading import instruction_of, plan_of, shift_of


def _become(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Let a tensor stand for a view of itself."""
    lessons.refuse()
    if dispatch.lanes is not None and dispatch.lanes.has(self):
        return dispatch.lanes.turned(self, function(self, *args, **kwargs))
    if dispatch.keeper is not None:
        dispatch.keeper.make_way(self)
    history.check_no_inference(self)
    recorded = self.requires_grad and call.is_recording(None)
    if recorded:
        history.check_rewritable(self)
    with modes.set_grad_enabled(bool(recorded)):
        seen = function(self, *args, **kwargs)
    if not recorded:
        data_assignment.lie(self, seen._layout, int(buffers["address"][seen._buffer]))
        if dispatch.tangents is not None:
            dispatch.tangents.moved(self, seen)
        return self
    was, made = self._buffer, buffers[seen._buffer]
    owner = int(made["owner"])
    row = call.fresh_row(seen._layout, owner, int(made["address"]))
    t = instruction_of(seen._buffer)
    if t is not None:
        plan = plan_of(t)
        named = planner.plan(operation(f"{plan.op.name}_"), plan.operands, tuple(plan.attributes.items()))
        call.record_view(named.index, row, 1, shift_of(t), was)
    history.move(self, row)
    if dispatch.tangents is not None:
        dispatch.tangents.moved(self, seen)
    buffers["version"][owner] += 1
    buffers["version"][row] = buffers["version"][owner]
    return self


def _in_place(name: str, function: Any) -> None:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _become(self, function, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    METHODS[name] = method


for _name, _viewed in (("t_", t), ("transpose_", transpose), ("swapaxes_", transpose), ("swapdims_", transpose),
                       ("squeeze_", squeeze), ("unsqueeze_", unsqueeze), ("as_strided_", as_strided)):
    _in_place(_name, _viewed)
