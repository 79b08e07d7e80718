"""`Function`: operations whose backward is written by hand, in Python (`torch.autograd.Function`).

`Function.apply` runs `forward` unrecorded and then records one instruction that the sweep stops at: its adjoint is the
function's `backward`. With several outputs the instruction stands for the node, and one `_output` instruction an output
leads to it; since record order is a topological order, all of them have been visited when the sweep reaches the node.
"""
from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch, dtypes, errors
from tapegrad.autograd import modes, recorded_adjoints
from tapegrad.autograd.graph import InputMetadata, Node
from tapegrad.autograd.saved_values import SavedTensor, packed_by
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, layouts, machine, planner
from tapegrad.machine.planning import Layout, Plan
from tapegrad.namespaces import show_public
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import history, hooks

__all__ = ["Function", "FunctionCtx", "once_differentiable"]
show_public(__name__)


# The hooks on what is saved, if there are any: `autograd.saved_tensors` gives this its meaning.
current_hooks: Callable[[], tuple[Callable[[Any], Any], Callable[[Any], Any]] | None] = lambda: None


class _Saved:
    """A tensor kept for backward, and its version when it was; or what a hook made of it, and the hook's inverse."""

    __slots__ = ("output", "packed", "row", "tensor", "unpack", "version")
    unpack: Callable[[Any], Any] | None

    def __init__(self, tensor: Any, output: int | None, row: int = 0) -> None:
        self.row = row  # of an operand that requires grad; -1: requires grad, and is neither operand nor result
        # An output is kept as a detached alias: the tensor itself would keep the node, which keeps this.
        tensor = tensor if output is None else tensor.detach()
        if history.is_inference(tensor):
            history.refuse_kept()
        self.tensor, self.output, self.version, self.unpack = tensor, output, tensor._version, None
        found = current_hooks()
        if found is not None:
            self.pack(*found)

    def pack(self, pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> None:
        """Let hooks keep the tensor."""
        if self.unpack is not None:
            raise RuntimeError("Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only "
                               "one pair of hooks is allowed at a time.")
        self.packed, self.unpack = packed_by(pack, self.tensor), unpack
        self.tensor = None

    def unpacked(self) -> Any:
        """The tensor that the hooks give back."""
        assert self.unpack is not None
        found = self.unpack(self.packed)
        if not isinstance(found, machine.TensorBase):
            raise TypeError("Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                            f"{type(found).__name__}")
        return found


class FunctionCtx(Node):
    """What `forward` and `backward` share: saved tensors, and any attribute; also the node itself, `grad_fn`."""

    _forward_cls: type[Function]
    materialize_grads: bool
    _wanted = -1  # the operands that the sweep under way asks for, as bits
    _shows = True  # as a node of the graph
    _before_backward: Callable[[], None] | None = None  # of the compiler: it looks whether what is read is as it was
    _pushes = False  # whether `jvp` is under way

    def __init__(self) -> None:
        self._row = 0
        self._remembered: dict[Any, Any] = {}
        self.to_save: tuple[Any, ...] = ()
        self.to_save_for_forward: tuple[Any, ...] = ()
        self.dirty_tensors: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()
        self.materialize_grads = True
        self.needs_input_grad: tuple[bool, ...] = ()
        self._kept: tuple[_Saved | None, ...] | None = ()
        self._inputs: list[Layout | None] = []
        self._outputs: list[Layout | None] = []  # those that have a gradient
        self._tensors: list[Layout | None] = []
        self._capture = capturing.mine()  # of the compiler, if it is watching: only what it saw begin may it repeat

    def __call__(self, *grad_outputs: Any, **named: Any) -> Any:
        raise TypeError(f"'{type(self).__name__}' object is not callable")

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs for `backward`, which finds them in `saved_tensors`; call it once."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for `jvp`, which finds them in `saved_tensors`."""
        for x in tensors:
            if x is not None and not isinstance(x, machine.TensorBase):
                raise AssertionError("save_for_forward expects all arguments to be tensors; you should save "
                                     "non-tensors as attributes on ctx.")
        self.to_save_for_forward = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs `forward` wrote to in place."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros, rather than None, for outputs that nothing depends on; it does at first."""
        self.materialize_grads = value

    def name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return object.__repr__(self)  # with the module: PyTorch's other nodes are of no module

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        kept = hooks.find(self._row)
        return Node.next_functions.fget(self) if kept and kept.callback is self else ()  # type: ignore[attr-defined]

    @property
    def metadata(self) -> dict[Any, Any]:
        return self._remembered

    @property
    def _input_metadata(self) -> list[Any]:
        """What the gradients of the outputs are like."""
        return [InputMetadata(layout) for layout in self._tensors if layout is not None]

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept; RuntimeError once it is freed, or when it was written to since."""
        if self._pushes:
            return tuple(x if x is None else dispatch.apply_view(REGISTRY["alias"], x, ())
                         for x in self.to_save_for_forward)
        if self._kept is None:
            raise RuntimeError(errors.SECOND_BACKWARD)
        return tuple(None if saved is None else self._unpacked(saved) for saved in self._kept)

    @property
    def _raw_saved_tensors(self) -> tuple[Any, ...]:
        """Where each of `saved_tensors` is kept, for hooks on one of them."""
        if self._kept is None:
            raise RuntimeError(errors.SECOND_BACKWARD)
        return tuple(None if saved is None else self._place_of(saved) for saved in self._kept)

    def _place_of(self, saved: _Saved) -> SavedTensor:
        def look(given: Any) -> Any:
            return self._unpacked(saved) if given is None else saved.pack(*given)

        return SavedTensor(look)

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """`saved_tensors` by its old name."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    def _unpacked(self, saved: _Saved) -> Any:
        if saved.unpack is not None:
            return self._with_history(saved, saved.unpacked())
        tensor = saved.tensor
        if tensor._version != saved.version:
            raise RuntimeError(errors.MODIFIED.format(
                kind=errors.KINDS[tensor.dtype.name], shape=list(tensor.shape), found=tensor._version,
                output="" if tensor.is_leaf and saved.output is None else
                f", which is output {saved.output or 0} of {self.name()},", expected=saved.version,
            ))
        if saved.output is None or self._outputs[saved.output] is None:
            return tensor
        alias = tensor.detach()
        if len(self._outputs) > 1:
            call.record_plan(self._output_plan(saved.output).index, alias._buffer, 1, self._row)
            return alias
        return call.tensor_of(self._row, type(tensor))

    def _with_history(self, saved: _Saved, value: Any) -> Any:
        """What a hook gave back, in the place of what was saved: as the same result of the same history."""
        row = saved.row if saved.output is None else self._row if self._outputs[saved.output] is not None else 0
        if not row or (row < 0 and not modes.is_grad_enabled()):
            return value
        if row < 0:
            raise RuntimeError(f"{self.name()}: a second derivative through a tensor that a hook packed, and that is "
                               "neither an input nor an output")
        alias = value.detach()
        several = saved.output is not None and len(self._outputs) > 1
        plan = self._output_plan(saved.output or 0) if several else planner.plan(
            REGISTRY["clone"], (layouts.all[int(buffers["layout"][row])],), ())
        call.record_plan(plan.index, alias._buffer, 1, row)
        return alias

    def _output_plan(self, index: int) -> Plan:
        layout = self._outputs[index]
        assert layout is not None
        given = {"name": self._forward_cls.__name__, "index": index, "count": len(self._outputs), **lies(layout)}
        return planner.plan(REGISTRY["_output"], (_NODE,), tuple(given.items()))

    # ------------------------------------------------------------ what the engine asks for

    def release(self) -> None:
        """Free what was saved."""
        self._kept = None

    def is_gone(self, wanted: int) -> bool:
        """Whether a backward to these operands is refused, of a node that is marked as released."""
        return True

    def gradients(self, outgoing: Sequence[Any]) -> list[Any]:
        """Run `backward`: one gradient, or None, for each tensor among the inputs."""
        given = list(outgoing)
        if self._before_backward is not None:
            self._before_backward()
        if self.materialize_grads:
            for i, layout in enumerate(self._tensors):
                if given[i] is None and layout is not None:
                    given[i] = call.empty(layouts.adjoint(layout).id).zero_()
        found = backward_of(self._forward_cls)(self, *given)
        found = list(found) if isinstance(found, tuple) else [found]
        count = len(self._inputs)
        if len(found) > count and all(g is None for g in found[count:]):
            del found[count:]
        if len(found) != count:
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected {count}, "
                               f"got {len(found)})")
        return [self._checked(i, g, layout) for i, (g, layout) in enumerate(zip(found, self._inputs))
                if self._is_tensor(i, g, layout)]

    def _is_tensor(self, i: int, g: Any, layout: Layout | None) -> bool:
        if layout is None and g is not None:
            raise RuntimeError(f"function {self.name()} returned a gradient different than None at position {i + 1}, "
                               "but the corresponding forward input was not a Variable")
        return layout is not None

    def _checked(self, i: int, g: Any, layout: Layout | None) -> Any:
        if g is None or not self.needs_input_grad[i]:
            return None
        assert layout is not None
        if not isinstance(g, machine.TensorBase):
            raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
        g = dispatch.strided(g)
        shape = tuple(g.shape)
        missing = len(shape) - len(layout.shape)
        if missing < 0 or any(n not in (1, m) for n, m in zip(layout.shape, shape[missing:])):
            raise RuntimeError(f"Function {self.name()} returned an invalid gradient at index {i} - got {list(shape)} "
                               f"but expected shape compatible with {list(layout.shape)}")
        return recorded_adjoints.fit(g, layout)


class Function:
    """An operation with its own backward: subclass it with static methods `forward` and `backward`, call `apply`.

    >>> import tapegrad
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x ** 3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x ** 2 * g
    >>> x = tapegrad.tensor(2.0, requires_grad=True)
    >>> y = Cube.apply(x); y
    tensor(8., grad_fn=<CubeBackward>)
    >>> y.backward(); x.grad
    tensor(12.)

    `forward` runs unrecorded. It takes `ctx` first, unless `setup_context(ctx, inputs, output)` is defined as well.
    """

    _backward_cls: type[FunctionCtx] = FunctionCtx
    generate_vmap_rule: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you "
                      "should invoke them on the class itself. Instantiating an autograd function will raise an error "
                      "in a future version of PyTorch.", DeprecationWarning, stacklevel=2)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse functions as they were before they had static methods."""
        raise RuntimeError(_LEGACY)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._backward_cls = type(f"{cls.__name__}Backward", (FunctionCtx,), {"_forward_cls": cls})

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The values of the function, for a class to define: `forward(ctx, *inputs)`, or without `ctx`."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """What backward is to find in `ctx`, for a class whose forward does not take it."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the inputs from those of the outputs, for a class to define."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom "
                                  "autograd.Function to use it with backward mode AD.")

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangents of the outputs from those of the inputs, for a class to define."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with "
                                  "forward mode AD.")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """The outputs for a batch and where it is in them, for a class to define, or to set `generate_vmap_rule`."""
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap staticmethod "
                                  "or set generate_vmap_rule=True.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and record it."""
        if cls.setup_context is not Function.setup_context:
            args, kwargs = _with_defaults(cls.forward, args, kwargs), {}
        if dispatch.lanes is not None and dispatch.lanes.has(*args):
            return dispatch.lanes.applied(cls, args, kwargs)
        ctx = cls._backward_cls()
        if dispatch.tangents is not None:
            return dispatch.tangents.applied(cls, ctx, args, kwargs)
        outputs, several = applied(cls, ctx, args, kwargs)
        ctx.to_save = ctx.dirty_tensors = ctx.non_differentiable = ()
        return tuple(outputs) if several else outputs[0]


_LEGACY = ("Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
           "function with static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)")


def applied(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], kwargs: dict[str, Any]
            ) -> tuple[list[Any], bool]:
    """What `forward` returns, recorded, and whether that is several outputs."""
    ctx.needs_input_grad = tuple(isinstance(a, machine.TensorBase) and a.requires_grad for a in args)
    enabled = modes.is_grad_enabled()
    recorded = call.is_recording(None) and any(ctx.needs_input_grad)
    if recorded:
        for a in args:
            if isinstance(a, machine.TensorBase):
                call.freshen(a)
    before = [a._buffer if isinstance(a, machine.TensorBase) else None for a in args]
    try:
        call.set_recording(False)
        if cls.setup_context is not Function.setup_context:
            output = cls.forward(*args, **kwargs)
            cls.setup_context(ctx, args, output)
        else:
            output = cls.forward(ctx, *args, **kwargs)
        several = isinstance(output, tuple)
        outputs = list(output) if several else [output]
        _check_dirty(ctx, args, outputs, recorded)
        alone = sum(isinstance(o, machine.TensorBase) for o in outputs) == 1
        outputs = [_own(ctx, o, args, enabled, recorded, alone) for o in outputs]
    finally:  # not a `with`, which an interrupt may keep from ending
        call.set_recording(enabled)
    if recorded:
        _record(ctx, args, [row for row in before if row is not None], outputs)
        witness = dispatch.witness  # read once: other threads switch it
        if witness is not None:
            for o in outputs:
                if isinstance(o, machine.TensorBase):
                    witness(o)
    return outputs, several


_signature = functools.lru_cache(inspect.signature)


def _with_defaults(forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of a forward that has no `ctx`, all that it has: `setup_context` is given them."""
    code = getattr(forward, "__code__", None)
    if not kwargs and code is not None and code.co_argcount == len(args):
        return args
    bound = _signature(forward).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def _among(x: Any, several: Sequence[Any]) -> bool:
    return any(x is y for y in several)


def _check_dirty(ctx: FunctionCtx, args: Sequence[Any], outputs: Sequence[Any], recorded: bool) -> None:
    for x in ctx.dirty_tensors:
        if not isinstance(x, machine.TensorBase):
            raise RuntimeError("mark_dirty can only accept variables, but argument "
                               f"{ctx.dirty_tensors.index(x)} is of type {type(x).__name__}")
        if not _among(x, outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
        # Whether forward counted its write or not: being marked counts as one.
        history.count_writes(int(buffers["owner"][x._buffer]))
        if recorded:
            base = x._base  # asked first: whether a view is a leaf looks at how it was written
            if (base is None or not base.requires_grad) and x.requires_grad and x.is_leaf:
                raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            history.check_rewritable(x)


def _own(ctx: FunctionCtx, o: Any, args: Sequence[Any], enabled: bool, recorded: bool, alone: bool) -> Any:
    """An output as a tensor whose history may be set: what is not the function's own becomes a view of itself."""
    kind = rec.CUSTOM_VIEW if alone or not recorded else rec.MULTI_VIEW
    if not isinstance(o, machine.TensorBase) or _among(o, ctx.dirty_tensors):
        return o
    if _among(o, ctx.non_differentiable):
        return o.detach() if o.requires_grad else o
    if not recorded and _among(o, args):
        if not enabled:
            return o.detach()
        o = dispatch.apply_view(REGISTRY["alias"], o, ())
        buffers["flags"][o._buffer] = int(buffers["flags"][o._buffer]) & ~rec.NO_GRAD_VIEW | kind
        return o
    if (_among(o, args) or o.requires_grad) and recorded:
        alias = dispatch.apply_view(REGISTRY["alias"], o, ())
        ctx.to_save = tuple(alias if s is o and not _among(o, args) else s for s in ctx.to_save)
        o = alias
    flags = buffers["flags"]
    if flags[o._buffer] & rec.IS_VIEW and enabled:
        flags[o._buffer] = int(flags[o._buffer]) & (~rec.NO_GRAD_VIEW if recorded else -1) | kind
        if recorded:  # what forward wrote to it since the view was taken has no other history
            buffers["version"][o._buffer] = history.version(o)
    return o


def lies(layout: Layout) -> dict[str, Any]:
    return {"dtype": layout.dtype, "shape": layout.shape, "strides": layout.strides}


_NODE = layouts.intern(dtypes.default_dtype(), ())


def _record(ctx: FunctionCtx, args: Sequence[Any], rows: list[int], outputs: Sequence[Any]) -> None:
    def differentiable(o: Any) -> bool:
        return isinstance(o, machine.TensorBase) and o.dtype.is_floating_point and not _among(o, ctx.non_differentiable)

    ctx._inputs = [layouts.all[a._layout] if isinstance(a, machine.TensorBase) else None for a in args]
    ctx._tensors = [layouts.all[o._layout] if isinstance(o, machine.TensorBase) else None for o in outputs]
    ctx._outputs = [layouts.all[o._layout] if differentiable(o) else None for o in outputs]
    if len(rows) > dispatch.MOST_ALIKE:
        raise RuntimeError(f"{type(ctx).__name__}: at most {dispatch.MOST_ALIKE} tensors, got {len(rows)}")
    needing = [bool(buffers["flags"][row] & rec.REQUIRES_GRAD) for row in rows]
    # Of more than an instruction has bits for, each row says whether it does.
    needs = any(needing) if len(rows) > rec.MOST else sum(1 << j for j, needed in enumerate(needing) if needed)
    saved = ctx.to_save
    operands = tuple(layouts.all[int(buffers["layout"][row])] for row in rows)
    name = ctx._forward_cls.__name__

    def plan_for(layout: Layout) -> Plan:
        return planner.plan(REGISTRY["_function"], operands, tuple({"name": name, **lies(layout)}.items()))

    differing = [i for i, layout in enumerate(ctx._outputs) if layout is not None]
    if differing:
        with machine.pinned():
            if len(outputs) == 1:
                ctx._row = give_history(ctx, outputs[0], plan_for(ctx._outputs[0]),  # type: ignore[arg-type]
                                         needs, rows)
            else:
                ctx._row = call.fresh_row(_NODE.id, 0, 0)
                call.record_plan(plan_for(_NODE).index, ctx._row, needs, *rows)
            hooks.attached(ctx._row).callback = ctx
            if len(outputs) > 1:
                for i in differing:
                    give_history(ctx, outputs[i], ctx._output_plan(i), 1, [ctx._row])
    for x in saved:
        if x is not None and not isinstance(x, machine.TensorBase):
            raise TypeError(f"save_for_backward can only save variables, but argument {saved.index(x)} is of type "
                            f"{type(x).__name__}")
    given = [a for a in args if isinstance(a, machine.TensorBase)]

    def row_of(x: Any) -> int:
        return next((row for a, row in zip(given, rows) if a is x), -1) if x.requires_grad else 0

    ctx._kept = tuple(
        None if x is None else _Saved(x, next((i for i, o in enumerate(outputs) if o is x), None), row_of(x))
        for x in saved
    )


def give_history(ctx: FunctionCtx, o: Any, plan: Plan, needs: int, rows: Sequence[int]) -> int:
    """Let a tensor be the result of an instruction; returns its row."""
    if _among(o, ctx.dirty_tensors):
        o.grad = None  # which was that of what was overwritten
    is_operand = o._buffer in rows  # of one that is written over (`x.set_(y)`): what it was has a row of its own
    if is_operand or _among(o, ctx.dirty_tensors) or buffers["producer"][o._buffer] or (
            buffers["flags"][o._buffer] & rec.RECORDED):
        return history.rewrite(o, plan, needs, list(rows))
    call.record_plan(plan.index, o._buffer, needs, *rows)
    return o._buffer


def backward_of(cls: type[Function]) -> Callable[..., Any]:
    """The function that computes the gradients of a class."""
    own, vjp = cls.backward is not Function.backward, cls.vjp is not Function.vjp
    if own and vjp:
        raise RuntimeError("Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                           "only implement one of them.")
    return cls.vjp if vjp else cls.backward


class _Twice(Function):
    @staticmethod
    def forward(ctx: Any, *gradients: Any) -> Any:
        return tuple(None if g is None else g.detach() for g in gradients[0])

    @staticmethod
    def backward(ctx: Any, *ignored: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that is not itself recorded: differentiating what it returns is a RuntimeError."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        with modes.no_grad():
            found = fn(ctx, *gradients)
        if not modes.is_grad_enabled() or not any(
                isinstance(g, machine.TensorBase) and g.requires_grad for g in gradients):
            return found
        several = found if isinstance(found, tuple) else (found,)
        needing = call.empty(_NODE.id).zero_().requires_grad_()
        marked = _Twice.apply(several, needing)
        return marked if isinstance(found, tuple) else marked[0]

    return wrapper
