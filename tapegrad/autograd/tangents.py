"""Tangents, computed along with every result (forward mode), from the rules that adjoints are computed from.

An adjoint is linear in its cotangent, and what it is transposed is the tangent: an operation's adjoint is recorded for
a cotangent of which nothing but the place matters, and differentiated by that. Where a shorter way is known it is
taken. The Jacobian of an elementwise operation is its own transpose, so its adjoint is applied to the tangents; an
operation that is linear in each operand is applied to them itself; so is a view, whose tangent shares memory with the
tangent of what it looks at, as the two primals do.

While `following`, every call goes through Python (`calls_through_python`), where `dispatch` asks here. A tangent
belongs to a row of the tape, as hooks do: what a recorded backward reads of the past has its tangent still.
"""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from tapegrad import dispatch, errors
from tapegrad.autograd import calls_through_python, engine, function, modes
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import call, layouts, machine
from tapegrad.machine.planning import Attributes
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape import hooks

TensorBase: Any = machine.TensorBase
_NONE = object()  # in the place of a tangent: a primal, which has none though what it is a view of has one


class _Thread(threading.local):
    def __init__(self) -> None:
        self.aside = False  # whether what this thread does has no tangents


_thread = _Thread()


def follow(begin: bool) -> None:
    """Begin to compute tangents, or end it: then all are forgotten."""
    capturing.refuse("it differentiates forward")
    (calls_through_python.hold if begin else calls_through_python.drop)(follow)
    dispatch.tangents = _Rules if begin else None
    if not begin:
        for kept in list(hooks.carriers):
            kept.tangent = None
        hooks.carriers.clear()


@contextlib.contextmanager
def aside(on: bool = True) -> Iterator[None]:
    """A block whose operations have no tangents; or, within one, have them."""
    before, _thread.aside = _thread.aside, on
    try:
        yield
    finally:
        _thread.aside = before


def of(x: Any) -> Any:
    """The tangent of a tensor, or None where there is none, which is as good as zero."""
    if dispatch.tangents is None or not isinstance(x, TensorBase):
        return None
    found = hooks.tangent_of(x._buffer)
    if found is None and (base := x._base) is not None and base.dtype is x.dtype and of(base) is not None:
        found = _part(base, x)  # which has come to have one after this view of it was made
        give(x, found)
    return None if found is _NONE else found


def _is_primal(x: Any) -> bool:
    return hooks.tangent_of(x._buffer) is _NONE


def give(x: Any, tangent: Any) -> None:
    """Let a tensor have a tangent; RuntimeError if that is of another shape."""
    if tuple(tangent.shape) != tuple(x.shape):
        raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original "
                           f"Tensor, this is not supported. Tensor is of size {list(x.shape)} while the given forward "
                           f"gradient is of size {list(tangent.shape)}.")
    hooks.give_tangent(x._buffer, tangent)


def write(x: Any, tangent: Any) -> None:
    """A tensor was written to: so is its tangent, which others may look at; a view brings its base to have one."""
    before = of(x)
    if before is None and (base := x._base) is not None and not _is_primal(x):
        if of(base) is None:
            give(base, zeros(base))
        before = _part(base, x)
    if before is None:
        give(x, tangent)
        return
    before.copy_(tangent)
    give(x, before)


def zeros(x: Any) -> Any:
    return x.new_zeros(x.shape)


def _part(base: Any, x: Any) -> Any:
    """What of a tensor's tangent lies where a view of the tensor does."""
    with aside():
        whole = _lying_like(base)
        offset = (x.data_ptr() - base.data_ptr()) // x.itemsize + whole.storage_offset()
        return whole.as_strided(x.shape, x.stride(), offset)


def _lying_like(x: Any) -> Any:
    """The tangent of a tensor, as that lies in memory."""
    tangent = of(x)
    layout = layouts.all[x._layout]
    if layouts.all[tangent._layout].strides == layout.strides and tangent.dtype is x.dtype:
        return tangent
    if layout.dense:
        made = call.empty(layout.id)
    else:  # a view may read what is in between
        made = x.new_zeros(layout.nbytes // x.itemsize).as_strided(x.shape, x.stride())
    made.copy_(tangent)
    give(x, made)
    return made


class _Rules:
    """What `dispatch` asks for each result: None where no operand has a tangent."""

    @staticmethod
    def result(op: Operation, given: Sequence[Any], attributes: Attributes) -> Any:
        """An operation out of place."""
        known = _known(given)
        if known is None:
            return None
        with aside():
            made = dispatch.apply(op, given, attributes)
            if made.dtype.is_floating_point and op.refused and op.tangent is None:
                raise NotImplementedError(errors.NO_TANGENT.format(op.name))
            if made.dtype.is_floating_point and (op.differentiable or op.tangent is not None):
                give(made, _tangent(op, given, known, attributes, made))
        return made

    @staticmethod
    def written(op: Operation, given: Sequence[Any], attributes: Attributes) -> bool:
        """An operation in place; whether it was done."""
        known, target = _known(given), given[0]
        if known is None:
            return not _thread.aside and _is_primal(target) and _written_alone(op, given, attributes)
        floats = target.dtype.is_floating_point
        with aside():
            pushed = _pushed(op, given, known, attributes, in_place=True) if floats else None
            dispatch.apply_inplace(op, given, attributes)
            if floats:
                write(target, zeros(target) if pushed is None else pushed)
        return True

    @staticmethod
    def viewed(op: Operation, x: Any, attributes: Attributes) -> Any:
        """A view."""
        known = _known((x,))
        primal = known is None and not _thread.aside and _is_primal(x)
        if not x.dtype.is_floating_point or (known is None and not primal):
            return None
        with aside():
            made = dispatch.apply_view(op, x, attributes)
            if primal:
                hooks.give_tangent(made._buffer, _NONE)
            elif op.name != "view_dtype":
                give(made, dispatch.apply_view(op, _lying_like(x), attributes))
        return made

    of = staticmethod(of)

    @staticmethod
    def has(x: Any) -> bool:
        """Whether a tangent of a tensor is carried on."""
        return not _thread.aside and of(x) is not None

    @staticmethod
    def moved(x: Any, seen: Any) -> None:
        """A tensor has come to stand for a view of itself."""
        if of(seen) is not None or _is_primal(seen):
            hooks.give_tangent(x._buffer, hooks.tangent_of(seen._buffer))

    @staticmethod
    def into(out: Any, result: Any) -> None:
        """A result is about to be written to an `out=` tensor."""
        if of(out) is not None or of(result) is not None:
            raise NotImplementedError("Trying to use forward AD with a function that does not support it because it "
                                      "is an out= function")

    @staticmethod
    def carries() -> bool:
        """Whether what this thread does has tangents."""
        return not _thread.aside

    @staticmethod
    def without_history(found: Sequence[Any]) -> list[Any]:
        """Gradients that were recorded only for their tangents."""
        with aside():
            made = [None if g is None else g.detach() for g in found]
            for g, x in zip(found, made):
                if (t := of(g)) is not None:
                    give(x, t.detach())
        return made

    @staticmethod
    def applied(cls: Any, ctx: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A custom function, with the tangents that its `jvp` gives."""
        known = _known(args)
        with aside():
            outputs, several = function.applied(cls, ctx, args, kwargs)
            if known is not None:
                _give_all(ctx, args, known, outputs, cls.jvp)
        ctx.to_save = ctx.to_save_for_forward = ctx.dirty_tensors = ctx.non_differentiable = ()
        return tuple(outputs) if several else outputs[0]


def _written_alone(op: Operation, given: Sequence[Any], attributes: Attributes) -> bool:
    """A write to a primal, which may come to stand for another row, of something without a tangent."""
    with aside():
        dispatch.apply_inplace(op, given, attributes)
    hooks.give_tangent(given[0]._buffer, _NONE)
    return True


def _known(given: Sequence[Any]) -> list[Any] | None:
    """The operands' tangents."""
    if _thread.aside:
        return None
    found = [of(x) for x in given]
    return None if all(t is None for t in found) else found


def _tangent(op: Operation, given: Sequence[Any], known: Sequence[Any], attributes: Attributes, made: Any) -> Any:
    if op.tangent is not None:
        return op.tangent(given, known, made)
    if op.joins is not None and op.multilinear:
        return dispatch.apply(op, [zeros(x) if t is None else t.to(x.dtype) for x, t in zip(given, known)], attributes)
    if op.multilinear:
        parts = [dispatch.apply(op, [*given[:j], t.to(given[j].dtype), *given[j + 1:]], attributes)
                 for j, t in enumerate(known) if t is not None]
        return _sum(parts)
    if op.kind == "elementwise":
        found = _along_the_diagonal(op, given, known, attributes, made)
    else:
        found = _pushed(op, given, known, attributes)
    return zeros(made) if found is None else found


def _sum(parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


class _Apart:
    """An operation's operands, of which those with tangents are differentiated by: as if each were another tensor."""

    def __init__(self, given: Sequence[Any], known: Sequence[Any], recording: bool, like: Any = None) -> None:
        self.recorded = recording and any(x.requires_grad for x in (*given, *known) if isinstance(x, TensorBase))
        self.operands = list(given)
        self.by: list[Any] = []
        self.tangents: list[Any] = []
        for j, t in enumerate(known):
            if t is not None:
                x = given[j]
                x = x.view_as(x) if self.recorded and x.requires_grad else x.detach().requires_grad_()
                if like is not None:
                    t = t.to(like.dtype).expand(like.shape)
                    x = x.to(like.dtype).expand(like.shape)
                self.by.append(x)
                self.operands[j] = x
                self.tangents.append(t.to(x.dtype))

    def gradients(self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], record: bool) -> Any:
        return engine.run(outputs, cotangents, True, record, inputs, accumulate=False, allow_unused=True)


def _along_the_diagonal(op: Operation, given: Sequence[Any], known: Sequence[Any], attributes: Attributes, made: Any
                        ) -> Any:
    recording = modes.is_grad_enabled()
    with modes.enable_grad():
        apart = _Apart(given, known, recording, made)
        y = dispatch.apply(op, apart.operands, attributes)
        if not y.requires_grad:
            return None
        parts = [g for x, t in zip(apart.by, apart.tangents)
                 if (g := apart.gradients([y], [x], [t], apart.recorded)[0]) is not None]
    return _sum(parts) if parts else None


def _pushed(op: Operation, given: Sequence[Any], known: Sequence[Any], attributes: Attributes, in_place: bool = False
            ) -> Any:
    """The adjoint, transposed."""
    recording = modes.is_grad_enabled()
    with modes.enable_grad():
        apart = _Apart(given, known, recording)
        operands = apart.operands
        if in_place:
            y = operands[0].clone()
            dispatch.apply_inplace(op, [y, *operands[1:]], attributes)
        elif op.kind == "view":
            y = dispatch.apply_view(op, operands[0], attributes)
        else:
            y = dispatch.apply(op, operands, attributes)
        if not y.requires_grad:
            return None
        place = zeros(y).requires_grad_()
        found = apart.gradients([y], apart.by, [place], True)
        pairs = [(g, t) for g, t in zip(found, apart.tangents) if g is not None and g.requires_grad]
        if not pairs:
            return None
        adjoints, tangents = zip(*pairs)
        (pushed,) = apart.gradients(adjoints, [place], tangents, apart.recorded)
    return pushed


def _give_all(ctx: Any, args: Sequence[Any], known: Sequence[Any], outputs: Sequence[Any], jvp: Any) -> None:
    """The tangents of a custom function's outputs."""
    given = [zeros(x) if t is None and ctx.materialize_grads and isinstance(x, TensorBase)
             and x.dtype.is_floating_point else t for x, t in zip(args, known)]
    before = [t._version if isinstance(t, TensorBase) else 0 for t in given]
    ctx._pushes = True
    try:
        found = jvp(ctx, *given)
    finally:
        ctx._pushes = False
    found = list(found) if isinstance(found, (tuple, list)) else [found]
    if len(found) != len(outputs):
        raise RuntimeError(f"Function's jvp returned an invalid number of forward gradients (expected {len(outputs)} "
                           f"but got {len(found)})")
    for o, t in zip(outputs, found):
        if isinstance(o, TensorBase) and isinstance(t, TensorBase) and o.dtype.is_floating_point:
            _check_shared(ctx, args, given, before, o, t)
            give(o, t)


def _check_shared(ctx: Any, args: Sequence[Any], given: Sequence[Any], before: Sequence[int], o: Any, t: Any) -> None:
    """What a function returns of its inputs, its `jvp` returns of their tangents."""
    for x, tangent, version in zip(args, given, before):
        if tangent is None or not isinstance(x, TensorBase):
            continue
        if any(o is d for d in ctx.dirty_tensors) and o is x and (
                t is not tangent or t._version == version):
            raise RuntimeError("An inplace custom Function is not modifying the forward mode gradients inplace. If the "
                               "forward is modifying an input inplace, then the jvp function must modify the "
                               "corresponding gradient inplace.")
        if o is not x and o._base is not None and dispatch.shares_memory(o, x) and not dispatch.shares_memory(
                t, tangent):
            raise RuntimeError("A custom Function is returning a view but the jvp is not returning a view of the "
                               "given grad input.")


def alias(x: Any) -> Any:
    """The same tensor without a tangent, as a view of it."""
    with aside():
        made = dispatch.apply_view(REGISTRY["alias"], x, ())
    hooks.give_tangent(made._buffer, _NONE)
    return made
