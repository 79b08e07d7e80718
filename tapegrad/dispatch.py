"""From a call with Python objects to a plan: the slow path, taken once for each combination of layouts.

`apply` runs an operation out of place, `apply_inplace` in place, `apply_view` as a view. Each looks up or makes the
plan, lets the machine run it, and teaches the native way in, which takes over from then on.
"""
from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, errors
from tapegrad.machine import records as rec
from tapegrad.machine.learning import following, lessons
from tapegrad.machine.live import buffers, call, layouts, machine, planner
from tapegrad.machine.planning import NODE, Attributes, Layout, Plan
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.signatures import Tensor, operand_names, overriding
from tapegrad.signatures.kinds import is_vast, within_a_word
from tapegrad.tape import history
from tapegrad.tape.reading import PIECES, STARTS

TensorBase = machine.TensorBase
run_plan: Callable[..., Any] = call.run_plan
make_view: Callable[..., Any] = call.make_view
MOST = rec.MOST  # operands of one instruction that lie as they like: it has a bit for each a gradient flows on to
MOST_ALIKE = 30_000  # of one instruction, where all lie alike


def strided(x: Any) -> Any:
    """A tensor as one that has elements: gradients are such."""
    return x.to_dense() if x.is_sparse else x


def layout_of(x: Any) -> Layout:
    return layouts.all[x._layout]


def number_beside(x: Any, operands: Sequence[Any]) -> Any:
    """The number that an operand is, beside others: NumPy's flags are floats, as are whole numbers beyond int64."""
    if isinstance(x, np.bool_):
        return float(x)
    number = within_a_word(dtypes.number(x))
    if is_vast(number) and any(isinstance(y, TensorBase) and y.dtype.is_floating_point for y in operands):
        return float(number)
    return number


class Operands:
    """The operands of one call: tensors as they are, numbers wrapped in rows that end with the call.

    Raises TypeError, before anything has run, for what is neither.
    """

    __slots__ = ("kind", "layouts", "values", "wrapped")

    def __init__(self, op: Operation, given: Sequence[Any]) -> None:
        self.values: list[Any] = []
        self.layouts: list[Layout] = []
        self.wrapped: list[int] = []
        self.kind: Any = None  # the subclass that the result is of
        for position, x in enumerate(given):
            operand = x.operand() if type(x) in following.KINDS else x
            if isinstance(operand, TensorBase):
                if type(operand) is not machine.tensor_type and type(operand)._spreads:
                    self.kind = more_special(op, self.kind, type(operand))
                self.values.append(operand)
                self.layouts.append(layouts.all[operand._layout])
                continue
            if operand is not x:
                row = operand
            else:
                row = call.wrapped(number_beside(x, given)) if isinstance(x, (bool, int, float, np.generic)) else 0
            if not row:
                self.release()
                if isinstance(x, int):
                    raise RuntimeError("value cannot be converted to type int64_t without overflow")
                raise TypeError(
                    f"{op.name.rstrip('_')}(): argument '{operand_names(op)[position % op.arity]}' (position "
                    f"{position + 1}) must be Tensor, not {errors.type_name(x)}"
                )
            self.values.append(row)
            self.wrapped.append(row)
            self.layouts.append(layouts.all[int(buffers[row]["layout"])])

    def release(self) -> None:
        for row in self.wrapped:
            call.unwrap(row)
        self.wrapped = []


def more_special(op: Operation, one: Any, other: Any) -> Any:
    """Of two subclasses of Tensor that meet in an operation, the one that derives from the other."""
    if other._stands_in:
        raise RuntimeError(errors.LANES_ENDED)
    if one is None or issubclass(other, one):
        return other
    if issubclass(one, other):
        return one
    if not overriding.thread.dresses:  # as plain tensors, unless they lie otherwise
        return one if one._does is not None else other
    raise TypeError(f"unsupported operand type(s) for {op.name}: '{one.__name__}' and '{other.__name__}'")


def dressed(result: Any, kind: Any) -> Any:
    """A result as the subclass that its operands are of, where such results are wanted."""
    if kind._stands_in:
        raise RuntimeError(errors.LANES_ENDED)
    if not overriding.thread.dresses:
        return result
    result.__class__ = kind
    return result


# What gives a tensor its history when an operation without a derivative was run on it in place (`autograd.function`).
constant: Callable[[Any, Operation, Sequence[Any], int], None] | None = None
# While there are hooks on what is saved (`autograd.saved_tensors`): what runs an operation that saves something.
saver: Callable[[Operation, Sequence[Any], Attributes], Any] | None = None
# Where saved tensors may be written to (`autograd.saved_tensors`): what is told of a tensor that is about to be.
before_write: Callable[[Any], None] | None = None
# Once a function was differentiated forwards (`autograd.kept_values`): what moves what is kept out of a write's way.
keeper: Any = None
# While tangents are computed (`autograd.tangents`): what gives them to results.
tangents: Any = None
# While a `vmap` is under way (`lanes.rules`): what does operations on tensors that stand for batches.
lanes: Any = None


def lanes_here() -> Any:
    """`lanes` where this thread is in a `vmap`; None where only others are, whose affair it is what they draw."""
    rules = lanes  # read once: other threads' batches begin and end
    return rules if rules is not None and rules.here() else None


# While anomalies are looked for (`autograd.anomaly`): what is told of every result.
witness: Callable[[Any], None] | None = None
# While a function is taken down (`interop.partitioned.notes`): what is told of every operation, before and after it.
notes: Any = None


def apply(op: Operation, given: Sequence[Any], attributes: Attributes = (), teach: bool = False, node: str = ""
          ) -> Tensor:
    """Run an operation out of place; `teach` when the attributes are those of a call without any.

    `node` is what its node is called where it ends a function that is one operation of PyTorch's.
    """
    asked = (*attributes, (NODE, node)) if node else attributes
    if tangents is not None:
        found = tangents.result(op, given, attributes)
        if found is not None:
            return found
    if lanes is not None:
        found = lanes.result(op, given, attributes)
        if found is not None:
            return found
    if saver is not None:
        saved = saver(op, given, asked)
        if saved is not None:
            return saved
    if notes is not None:
        notes.before(given)
    operands = Operands(op, given)
    try:
        if operands.kind is not None and operands.kind._does is not None:
            return operands.kind._does(op, given, attributes)
        plan = planner.plan(op, tuple(operands.layouts), asked)
        if teach:
            _teach(op, operands.layouts, plan)
        result = run_plan(plan.index, *operands.values)
        if notes is not None:
            notes.after(op, given, asked, result)
        if lessons.active is not None:
            lessons.ran(plan.index, given, result)
        if witness is not None:
            witness(result)
        return result if operands.kind is None else dressed(result, operands.kind)
    finally:
        operands.release()


def _teach(op: Operation, operands: Sequence[Layout], plan: Plan) -> None:
    """Let native code find a plan by the operation and its operands' layouts alone."""
    if op.opcode < rec.PLAN_OF_COPIED and planner.teach(op.opcode, operands, plan):
        lessons.learnt(op.opcode, len(operands))


def differentiated(x: Any) -> bool:
    """Whether derivatives by a tensor may be asked for: it is recorded, or has a tangent."""
    return bool(x.requires_grad and call.is_recording(None)) or (tangents is not None and tangents.has(x))


def overlaps(a: Any, b: Any) -> bool:
    """Whether two tensors share memory without being the same elements in the same order."""
    if a is b:
        return False
    la, lb = layout_of(a), layout_of(b)
    alike = la.dtype is lb.dtype and la.shape == lb.shape and all(
        s == t or n == 1 for n, s, t in zip(la.shape, la.strides, lb.strides))
    if alike and buffers["address"][a._buffer] == buffers["address"][b._buffer]:
        return False
    return shares_memory(a, b)


def shares_memory(a: Any, b: Any) -> bool:
    """Whether some byte is an element's of both."""
    one, other = int(buffers["owner"][a._buffer]), int(buffers["owner"][b._buffer])
    if one != other and not (buffers["flags"][one] | buffers["flags"][other]) & (rec.EXTERNAL | rec.BORROWED):
        return False
    return bool(np.shares_memory(a._memory(), b._memory()))


def apply_inplace(op: Operation, given: Sequence[Any], attributes: Attributes = (), teach: bool = False,
                  node: str = "") -> Tensor:
    """Run the in-place form `op` on `given[0]`, rewriting its history when recording; `node` as for `apply`."""
    if tangents is not None and tangents.written(op, given, attributes):
        return given[0]
    if lanes is not None and lanes.written(op, given, attributes):
        return given[0]
    if lessons.active is None:
        _write(op, given, attributes, teach, node)
    else:
        with lessons.aside():
            plan = _write(op, given, attributes, teach, node)
        lessons.wrote(plan, given)
    return given[0]


def _write(op: Operation, given: Sequence[Any], attributes: Attributes, teach: bool, node: str) -> int:
    """What `apply_inplace` does; returns the index of the operation's plan."""
    self = given[0]
    asked = (*attributes, (NODE, node)) if node else attributes
    if before_write is not None:
        before_write(self)
    if keeper is not None:
        keeper.make_way(self)
    if notes is not None:
        notes.before(given)
    recording = call.is_recording(None)
    if recording:
        for x in given:
            if isinstance(x, TensorBase):
                call.freshen(x)
    operands = Operands(op, given)
    try:
        if operands.kind is not None and operands.kind._does is not None:
            lessons.refuse()
            operands.kind._does(op, given, attributes)
            return 0
        values = operands.values
        wanted = sum(
            1 << j for j, v in enumerate(values) if not isinstance(v, int) and v.requires_grad
        ) if recording and layout_of(self).dtype.is_floating_point else 0
        needs = wanted if op.differentiable or op.refused else 0
        uniform = op.name == "zero_" or (op.name == "fill_" and isinstance(values[1], int)) or (
            op.name == "copy_" and given[1] is self)
        history.check_writable(self, wanted != 0 and not op.name.startswith("logical_"), uniform)
        plan = planner.plan(op, tuple(operands.layouts), asked)
        running, read = plan, values
        if any(not isinstance(v, int) and overlaps(self, v) for v in values[1:]):
            read = [self, *(_apart(self, v) for v in values[1:])]
            running = planner.plan(op, tuple(o if isinstance(v, int) else layout_of(v) for v, o in zip(
                read, operands.layouts)), attributes)
        if teach:
            _teach(op, operands.layouts, plan)
        if saver is not None and op.inplace_of is not None and any(
                needs >> j & 1 and kept for j, kept in enumerate(plan.keeps)):
            # What is about to be overwritten is saved as a copy, which nobody writes to.
            first = apply(REGISTRY["clone"], (self,)) if any(0 in kept for kept in plan.keeps) else self
            apply_inplace(REGISTRY["copy_"], (self, apply(op.inplace_of, [first, *given[1:]], attributes)))
            return plan.index
        if needs:
            history.pass_hooks(self)
        recorded = values
        if any(needs >> j & 1 and 0 in kept for j, kept in enumerate(plan.keeps)):
            # Backward reads what is about to be overwritten; the tape keeps a copy, through which the gradient flows.
            before = apply(REGISTRY["clone"], (self,))
            if layout_of(before) is layout_of(self):
                copied = planner.plan(REGISTRY["clone"], (layout_of(self),), ())
                planner.teach(rec.PLAN_OF_COPIED, (layout_of(self),), copied)
            if not layout_of(self).dense and op.inplace_of is not None:  # the copy lies otherwise: not in this plan
                result = apply(op.inplace_of, [before, *given[1:]], attributes)
                apply_inplace(REGISTRY["copy_"], (self, result))
                return plan.index
            recorded = [before, *values[1:]]
        if keeper is not None and needs:
            recorded = [recorded[0], *(keeper.beside(self, v) for v in recorded[1:])]
        rows = [v if isinstance(v, int) else v._buffer for v in recorded] if needs else []
        if any(needs >> j & 1 and any(buffers["flags"][rows[i]] & rec.INFERENCE for i in kept if i < len(rows))
               for j, kept in enumerate(plan.keeps)):
            history.refuse_kept()
        call.run_inplace(running.index, self._buffer, *read)
        if needs:
            history.rewrite(self, plan, needs, rows)
        elif wanted and not op.name.startswith("logical_"):  # which PyTorch lets pass
            assert constant is not None
            lessons.refuse()
            constant(self, op, values, wanted)
        if witness is not None:
            witness(self)
        if notes is not None:
            notes.after(op, given, attributes, self)
        return plan.index
    finally:
        operands.release()


def _apart(self: Any, v: Any) -> Any:
    """What an operation that writes to `self` may read instead of `v`: a copy where both share memory.

    PyTorch refuses two stretches of memory that overlap; of others it does not know whether they do.
    """
    if isinstance(v, int) or not overlaps(self, v):
        return v
    one, other = layout_of(self), layout_of(v)
    if one.dense and other.dense and one.shape == other.shape:
        raise RuntimeError(errors.READ_OVERLAP)
    recording = call.set_recording(False)
    try:
        return apply(REGISTRY["clone"], (v,))
    finally:
        call.set_recording(recording)


def touch(self: Any, *others: Any) -> Any:
    """An operation in place that has nothing to write: it is refused, and counted, as one that has."""
    lessons.refuse()
    history.check_no_inference(self)
    if call.is_recording(None) and any(isinstance(x, TensorBase) and x.requires_grad for x in (self, *others)):
        call.freshen(self)
        history.check_writable(self, True)
    buffers["version"][int(buffers["owner"][self._buffer])] += 1
    return self


_MOVING = ("select", "slice")  # what an index is made of: where they start is not in a recipe's key
# Of what nobody else holds: no views in the eyes of differentiation.
_UNSAFE = ("unsafe_view", "unsafe_squeeze", "_enter", "_leave", "_operand", "_composed")


def apply_view(op: Operation, x: Any, attributes: Attributes, record: bool = True) -> Tensor:
    """A view of `x`: same storage, other shape and strides; unless `record`, one that differentiation knows not of."""
    if tangents is not None and record:
        found = tangents.viewed(op, x, attributes)
        if found is not None:
            return found
    if lanes is not None:
        found = lanes.viewed(op, x, attributes, record)
        if found is not None:
            return found
    if type(x) is not machine.tensor_type and type(x)._does is not None:
        return type(x)._does(op, (x,), attributes)
    if notes is not None:
        notes.before((x,))
    layout = layout_of(x)
    given = dict(attributes)
    # Where a view starts is the instruction's affair, not the plan's: x[0], x[1], … share one plan.
    _, _, offset = op.forward((layout.shape, layout.strides), **given)
    if op.name in STARTS:
        attributes = STARTS[op.name](given)
    plan = planner.plan(op, (layout,), attributes)
    item = layout.dtype.itemsize
    target = layouts.adjoint(layout)
    shift = offset if target is layout else op.forward((target.shape, target.strides), **given)[2]
    mode = 0
    if record:
        mode = int(layout.dtype.is_floating_point)
        if op.name not in _UNSAFE:
            mode |= rec.LINK | (rec.MULTIPLE if op.name in PIECES else 0)
    made = make_view(plan.index, x, plan.out.id, offset * item, shift * item, mode)
    if lessons.active is not None:
        dim = given.get("dim", 0) if op.name in _MOVING else None
        along = (0, 0) if dim is None else (layout.strides[dim] * item, target.strides[dim] * item)
        lessons.viewed(plan.index, x, plan.out.id, offset * item, shift * item, mode, along, made)
    if witness is not None:
        witness(made)
    if notes is not None:
        notes.after(op, (x,), given.items(), made)
    return made if type(x) is machine.tensor_type or not type(x)._spreads else dressed(made, type(x))


def warn(text: str) -> None:
    """A UserWarning of the line that called, whichever way it came here; at each call: a learnt one would not warn."""
    lessons.refuse()
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "tapegrad":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, UserWarning, stacklevel=level)


def into(out: Any, result: Tensor, warned: bool = True) -> Any:
    """Write a result to an `out=` tensor, which is resized where it has to be: not `warned` of, by what makes tensors.
    """
    from tapegrad.autograd import modes

    if tangents is not None:
        tangents.into(out, result)
    if (out.requires_grad or result.requires_grad) and call.is_recording(None):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )
    if result.dtype.category > out.dtype.category:
        raise RuntimeError(
            f"result type {planner.name_of(result.dtype)} can't be cast to the desired output type "
            f"{planner.name_of(out.dtype)}"
        )
    if out.shape == result.shape and tangents is None:
        return out.copy_(result)  # of which nothing is recorded: neither of them requires grad
    with modes.no_grad():
        if out.shape != result.shape:
            lessons.refuse()
            if warned and out.numel():
                warn(errors.OUT_RESIZED.format(list(out.shape), list(result.shape)))
            version = history.version(out)
            out.resize_(result.shape).copy_(result)
            buffers["version"][int(buffers["owner"][out._buffer])] = version + 1  # both are one write
            return out
        return out.copy_(result)
