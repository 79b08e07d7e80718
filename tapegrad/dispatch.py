"""From a call with Python objects to a plan: the slow path, taken once for each combination of layouts.

`apply` runs an operation out of place, `apply_inplace` in place, `apply_view` as a view. Each looks up or makes the
plan, lets the machine run it, and teaches the native way in, which takes over from then on.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, errors, shapes
from tapegrad.machine import records as rec
from tapegrad.machine.instance import layouts, machine, planner
from tapegrad.machine.kernels import structural
from tapegrad.machine.kernels.structural import FAILED, OFFENDING
from tapegrad.machine.learning import capturing, lessons
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.planning import Attributes, Layout
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.ops.linalg import REFUSALS, LinAlgError, refusal
from tapegrad.signatures import Ints, Tensor, checked, operand_names
from tapegrad.tape import history
from tapegrad.tape.reading import STARTS

call = machine.call
TensorBase = machine.TensorBase
run_plan, make_view = call.run_plan, call.make_view
buffers = machine.buffers
MOST = rec.MOST  # operands of one instruction that lie as they like: it has a bit for each a gradient flows on to
MOST_ALIKE = 30_000  # of one instruction, where all lie alike


def layout_of(x: Any) -> Layout:
    return layouts.all[x._layout]


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
            if isinstance(x, TensorBase):
                if type(x) is not machine.tensor_type and type(x)._spreads:
                    self.kind = more_special(op, self.kind, type(x))
                self.values.append(x)
                self.layouts.append(layouts.all[x._layout])
                continue
            row = call.wrapped(dtypes.number(x)) if isinstance(x, (bool, int, float, np.generic)) else 0
            if not row:
                self.release()
                if isinstance(x, int):
                    raise RuntimeError("Overflow when unpacking long")
                raise TypeError(
                    f"{op.name.rstrip('_')}(): argument '{operand_names(op)[position % op.arity]}' (position "
                    f"{position + 1}) must be Tensor, not {type(x).__name__}"
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
    if one is None or issubclass(other, one):
        return other
    if issubclass(one, other):
        return one
    raise TypeError(f"unsupported operand type(s) for {op.name}: '{one.__name__}' and '{other.__name__}'")


def dressed(result: Any, kind: Any) -> Any:
    """A result as the subclass that its operands are of."""
    result.__class__ = kind
    return result


# What gives a tensor its history when an operation without a derivative was run on it in place (`autograd.function`).
constant: Callable[[Any, Operation, Sequence[Any], int], None] | None = None
# While there are hooks on what is saved (`autograd.saved_tensors`): what runs an operation that saves something.
saver: Callable[[Operation, Sequence[Any], Attributes], Any] | None = None
# While anomalies are looked for (`autograd.anomaly`): what is told of every result.
witness: Callable[[Any], None] | None = None


def apply(op: Operation, given: Sequence[Any], attributes: Attributes = (), teach: bool = False) -> Tensor:
    """Run an operation out of place; `teach` when the attributes are those of a call without any."""
    if saver is not None:
        saved = saver(op, given, attributes)
        if saved is not None:
            return saved
    operands = Operands(op, given)
    try:
        plan = planner.plan(op, tuple(operands.layouts), attributes)
        if teach:
            _teach(op, operands.layouts, plan.index)
        result = run_plan(plan.index, *operands.values)
        if lessons.active is not None:
            lessons.ran(plan.index, given, result)
        if witness is not None:
            witness(result)
        return result if operands.kind is None else dressed(result, operands.kind)
    finally:
        operands.release()


def _teach(op: Operation, operands: Sequence[Layout], plan: int) -> None:
    """Let native code find a plan by the operation and its operands' layouts alone."""
    if machine.insert_plan(op.opcode, [o.id for o in operands], plan):
        lessons.learnt(op.opcode, len(operands))


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


def apply_inplace(op: Operation, given: Sequence[Any], attributes: Attributes = (), teach: bool = False) -> Tensor:
    """Run the in-place form `op` on `given[0]`, rewriting its history when recording."""
    if lessons.active is None:
        _write(op, given, attributes, teach)
    else:
        with lessons.aside():
            plan = _write(op, given, attributes, teach)
        lessons.wrote(plan, given)
    return given[0]


def _write(op: Operation, given: Sequence[Any], attributes: Attributes, teach: bool) -> int:
    """What `apply_inplace` does; returns the index of the operation's plan."""
    self = given[0]
    recording = call.is_recording(None)
    if recording:
        for x in given:
            if isinstance(x, TensorBase):
                call.freshen(x)
    operands = Operands(op, given)
    try:
        values = operands.values
        wanted = sum(
            1 << j for j, v in enumerate(values) if not isinstance(v, int) and v.requires_grad
        ) if recording and layout_of(self).dtype.is_floating_point else 0
        needs = wanted if op.differentiable or op.refused else 0
        history.check_writable(self, wanted != 0 and not op.name.startswith("logical_"))
        plan = planner.plan(op, tuple(operands.layouts), attributes)
        running, read = plan, values
        if any(not isinstance(v, int) and overlaps(self, v) for v in values[1:]):
            read = [self, *(_apart(self, v) for v in values[1:])]
            running = planner.plan(op, tuple(o if isinstance(v, int) else layout_of(v) for v, o in zip(
                read, operands.layouts)), attributes)
        if teach:
            _teach(op, operands.layouts, plan.index)
        if saver is not None and op.inplace_of is not None and any(
                needs >> j & 1 and kept for j, kept in enumerate(plan.keeps)):
            apply_inplace(REGISTRY["copy_"], (self, apply(op.inplace_of, given, attributes)))
            return plan.index
        recorded = values
        if any(needs >> j & 1 and 0 in kept for j, kept in enumerate(plan.keeps)):
            # Backward reads what is about to be overwritten; the tape keeps a copy, through which the gradient flows.
            before = apply(REGISTRY["clone"], (self,))
            if layout_of(before) is layout_of(self):
                copied = planner.plan(REGISTRY["clone"], (layout_of(self),), ())
                machine.insert_plan(rec.PLAN_OF_COPIED, (self._layout,), copied.index)
            if not layout_of(self).dense and op.inplace_of is not None:  # the copy lies otherwise: not in this plan
                result = apply(op.inplace_of, [before, *given[1:]], attributes)
                apply_inplace(REGISTRY["copy_"], (self, result))
                return plan.index
            recorded = [before, *values[1:]]
        rows = [v if isinstance(v, int) else v._buffer for v in recorded] if needs else []
        call.run_inplace(running.index, self._buffer, *read)
        if needs:
            history.rewrite(self, plan, needs, rows)
        elif wanted and not op.name.startswith("logical_"):  # which PyTorch lets pass
            assert constant is not None
            lessons.refuse()
            constant(self, op, values, wanted)
        if witness is not None:
            witness(self)
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
    if call.is_recording(None) and any(isinstance(x, TensorBase) and x.requires_grad for x in (self, *others)):
        call.freshen(self)
        history.check_writable(self, True)
    buffers["version"][int(buffers["owner"][self._buffer])] += 1
    return self


_MOVING = ("select", "slice")  # what an index is made of: where they start is not in a recipe's key
_MULTIPLE = ("unbind", "split")  # several views from one call, none of which may be written in place when recorded


def apply_view(op: Operation, x: Any, attributes: Attributes, record: bool = True) -> Tensor:
    """A view of `x`: same storage, other shape and strides; unless `record`, one that differentiation knows not of."""
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
        if op.name != "unsafe_view":  # of what nobody else holds: no view in the eyes of differentiation
            mode |= rec.LINK | (rec.MULTIPLE if op.name in _MULTIPLE else 0)
    made = make_view(plan.index, x, plan.out.id, offset * item, shift * item, mode)
    if lessons.active is not None:
        dim = given.get("dim", 0) if op.name in _MOVING else None
        along = (0, 0) if dim is None else (layout.strides[dim] * item, target.strides[dim] * item)
        lessons.viewed(plan.index, x, plan.out.id, offset * item, shift * item, mode, along, made)
    if witness is not None:
        witness(made)
    return made if type(x) is machine.tensor_type or not type(x)._spreads else dressed(made, type(x))


def into(out: Any, result: Tensor) -> Any:
    """Write a result to an `out=` tensor, which is resized when it is empty."""
    from tapegrad.autograd import modes

    if out.requires_grad or result.requires_grad:
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )
    if result.dtype.category > out.dtype.category:
        raise RuntimeError(
            f"result type {planner.name_of(result.dtype)} can't be cast to the desired output type "
            f"{planner.name_of(out.dtype)}"
        )
    with modes.no_grad():
        if out.shape != result.shape:
            if out.numel():
                warnings.warn(errors.OUT_RESIZED.format(list(out.shape), list(result.shape)), stacklevel=3)
            version = out._version
            out.resize_(result.shape).copy_(result)
            buffers["version"][int(buffers["owner"][out._buffer])] = version + 1  # both are one write
            return out
        return out.copy_(result)


def _separated(op: Operation, given: Sequence[Any]) -> tuple[Sequence[Any], Attributes, bool]:
    """Operands, attributes, and whether the attributes are those of a call without any."""
    if len(given) == op.arity:
        return given, tuple(op.defaults.items()), True
    attributes = {a: dtypes.number(x.item() if isinstance(x, TensorBase) else x)
                  for a, x in zip(op.attributes, given[op.arity:])}
    return given[:op.arity], tuple(attributes.items()), attributes == op.defaults


def elementwise_function(op: Operation) -> Callable[..., Any]:
    """The Python side of an elementwise operation: operands and attributes, all of them."""

    def function(*given: Any, out: Any = None) -> Any:
        operands, attributes, plain = _separated(op, given)
        if not any(isinstance(a, TensorBase) for a in operands):
            raise TypeError(
                f"{op.name}(): argument 'input' (position 1) must be Tensor, not {type(operands[0]).__name__}"
            )
        result = apply(op, operands, attributes, teach=plain)
        return result if out is None else into(out, result)

    return function


def inplace_function(op: Operation) -> Callable[..., Any]:
    def function(*given: Any) -> Any:
        operands, attributes, plain = _separated(op, given)
        if not isinstance(operands[0], TensorBase):
            raise TypeError(f"{op.name}(): argument 'input' (position 1) must be Tensor, not "
                            f"{type(operands[0]).__name__}")
        return apply_inplace(op, operands, attributes, teach=plain)

    return function


def operator_function(op: Operation, function: Callable[..., Any]) -> Callable[..., Any]:
    """The operator slot's fallback: foreign operands get NotImplemented, so that their own class may answer."""

    def operator(*args: Any) -> Any:
        for a in args:
            if not isinstance(a, (TensorBase, bool, int, float, np.generic)):
                return NotImplemented
        return function(*args)

    return operator


def axes_of(op: Operation, layout: Layout, dims: shapes.Shape, keepdim: Any, dim: Any) -> Attributes:
    """The attributes of a reduction along `dims`, where `dim` was asked for."""
    given: Attributes = (("dim", dims), ("keepdim", bool(keepdim)))
    if dim is not None and "dim" in op.grad_names and len(layout.shape) < 2:
        return *given, ("given", True)  # the same reduction as without `dim`, and another node's name
    return given


def reduction_function(op: Operation) -> Callable[..., Any]:
    """The Python side of a reduction: `f(x, dim=None, keepdim=False, *, dtype=None, out=None)`."""

    def function(input: Tensor, dim: Ints | None = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None
                 ) -> Any:
        if dtype is None and out is not None and op.result == "sum":
            dtype = out.dtype
        if dtype is not None:
            input = input.to(dtype)
        layout = layout_of(input)
        if op.result == "truth" and dim is not None and not isinstance(dim, int) and not len(dim):
            truth = apply(REGISTRY["ne"], (input, 0))  # of each element by itself; other reductions take all of them
            truth = truth.to(input.dtype) if input.dtype is dtypes.uint8 else truth
            return truth if out is None else into(out, truth)
        if len(layout.shape) > 64:
            shapes.check_rank(len(layout.shape))
        dims = shapes.wrap_dims(dim, len(layout.shape))
        if op.identity is None and 0 in layout.shape:
            if dim is None or dim == ():
                raise RuntimeError(f"{op.name}(): Expected reduction dim to be specified for input.numel() == 0. "
                                   "Specify the reduction dim with the 'dim' argument.")
            empty = [d for d in dims if layout.shape[d] == 0]
            if empty:
                raise IndexError(f"{op.name}(): Expected reduction dim {empty[0]} to have non-zero size.")
        plain = dim is None and dtype is None and not keepdim
        given = (("dim", dims), ("keepdim", bool(keepdim))) if len(layout.shape) > 1 else axes_of(
            op, layout, dims, keepdim, dim)
        if out is not None and op.result == "truth" and out.dtype not in (dtypes.bool_, dtypes.uint8):
            raise RuntimeError(f"{op.name} only supports bool tensor for result, got: {planner.name_of(out.dtype)}")
        result = apply(op, (input,), given, teach=plain)
        if dtype is not None and result.dtype is not dtype and op.result == "sum":
            result = result.to(dtype)  # whole numbers were summed as int64
        return result if out is None else into(out, result)

    return function


def out_of_memory(nbytes: int) -> None:
    """Raise for a value of so many bytes that there is no memory for, or (0) for a tape that is full."""
    if not nbytes:
        raise errors.OutOfMemoryError(errors.TAPE_FULL.format(len(buffers)))
    raise errors.OutOfMemoryError(errors.NO_MEMORY.format(nbytes))


machine.set_hook("out_of_memory", out_of_memory)


def kernel_failed(plan: int, status: int) -> None:
    """Raise what a kernel's status stands for."""
    capturing.failed()
    found = planner.all[plan]
    assert found is not None
    if status == rec.RAISED and late_binding.failure:
        raise late_binding.failure.pop()
    if status == rec.OUT_OF_MEMORY:
        raise errors.OutOfMemoryError(f"{found.op.name}: there is no memory for its intermediate values")
    if status == rec.OUT_OF_RANGE:
        for step in found.steps:
            if step.checks is not None and step.nest[FAILED]:
                dim, size = step.checks
                raise _OUT_OF_RANGE.get(found.op.name.rstrip("_"), _INDEX)(int(step.nest[OFFENDING]), dim, size)
    if status == rec.REFUSED and found.op.name not in REFUSALS:
        raise LinAlgError(f"{found.op.name}: the derivative needs the inverse of a singular matrix.")
    if status == rec.REFUSED:
        which, element = next(step.nest for step in found.steps if structural.fails(step.store))[-2:]
        raise LinAlgError(refusal(found.op.name, int(which), int(element), len(found.operands[0].shape) > 2))
    raise RuntimeError(f"{found.op.name}: a kernel failed with status {status}")


def _INDEX(place: int, dim: int, size: int) -> Exception:
    return IndexError(f"index {place} is out of bounds for dimension {dim} with size {size}")


def _in_self(place: int, dim: int, size: int) -> Exception:
    return IndexError("index out of range in self")


def _runtime(place: int, dim: int, size: int) -> Exception:
    return RuntimeError(f"index {place} is out of bounds for dimension {dim} with size {size}")


def _target(place: int, dim: int, size: int) -> Exception:
    return IndexError(f"Target {place} is out of bounds.")


def _zero_divisor(place: int, dim: int, size: int) -> Exception:
    return RuntimeError(errors.ZERO_DIVISION)


def _outside_unit(place: int, dim: int, size: int) -> Exception:
    return RuntimeError(f"all elements of {('input', 'target')[dim]} should be between 0 and 1")


_OUT_OF_RANGE: dict[str, Callable[[int, int, int], Exception]] = {
    "index_select": _in_self, "embedding": _in_self, "index_add": _in_self, "checked_class": _target,
    **dict.fromkeys(("gather", "scatter", "scatter_value", "scatter_add", "scatter_multiply", "scatter_amax",
                     "scatter_amin"), _runtime),
    **dict.fromkeys((op.name for op in REGISTRY.values() if op.nonzero), _zero_divisor),
    **dict.fromkeys((op.name for op in REGISTRY.values() if op.unit), _outside_unit),
}


def install() -> None:
    """Give the machine the Python function of every operation."""
    machine.set_function(0, kernel_failed)
    for op in REGISTRY.values():
        if op.inplace_of is not None:
            function = inplace_function(op)
        elif op.kind == "elementwise":
            function = elementwise_function(op)
        elif op.kind == "reduction":
            function = reduction_function(op)
        elif op.kind == "structured":
            function = structured_function(op)
        else:
            continue
        set_function(op, function)


def structured_function(op: Operation) -> Callable[..., Any]:
    def function(*args: Any, out: Any = None) -> Any:
        result = apply(op, args, teach=True)
        return result if out is None else into(out, result)

    return function


fallbacks: dict[str, Callable[..., Any]] = {}  # the Python function of each operation that has one


def set_function(op: Operation, function: Callable[..., Any]) -> None:
    """Make `function` what calls of `op` fall back on, as a function, a method and an operator."""
    function.__name__ = function.__qualname__ = op.name
    function = checked(function, op.name, op)
    fallbacks[op.name] = function
    machine.set_function(op.opcode, function)
    machine.set_function(op.opcode + rec.OPERATORS, operator_function(op, function))


install()
default_dtype = dtypes.default_dtype
