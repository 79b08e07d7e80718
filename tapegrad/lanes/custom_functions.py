"""`Function`s of tensors with lanes: by a class's own `vmap`, or as functions of values (`generate_vmap_rule`)."""
from __future__ import annotations

from typing import Any

from tapegrad.autograd import function
from tapegrad.autograd.function import Function
from tapegrad.lanes.batched import Batched, Level, again, aligned, batched, in_order, levels_of, thread, under
from tapegrad.named_tuples import NamedTuple
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import flattened_like, tree_flatten, tree_unflatten


class VmapInfo(NamedTuple):
    """What a `vmap` staticmethod is told of the batch."""

    batch_size: int
    randomness: str


def applied(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`cls.apply` where some of the arguments have lanes."""
    name, own = cls.__name__, cls.vmap is not Function.vmap
    ours = cls.__module__.partition(".")[0] == "tapegrad"
    if cls.setup_context is Function.setup_context and not ours:
        raise RuntimeError("In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, "
                           "...), it must override the setup_context staticmethod.")
    if cls.generate_vmap_rule and own:
        raise RuntimeError(f"You tried to vmap over {name}, but it has both generate_vmap_rule=True and an overridden "
                           "vmap staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap "
                           "staticmethod to avoid ambiguity.")
    if own:
        return _by_its_own(cls, args, kwargs)
    if not cls.generate_vmap_rule and not ours:
        raise RuntimeError(f"You tried to vmap over {name}, but it does not have vmap support. Please override and "
                           "implement the vmap staticmethod or set generate_vmap_rule=True.")
    levels = levels_of(args)
    several: list[bool] = []
    found = _OfValues.apply(cls, args, kwargs, levels, list(thread.levels), several, *map(under, args))
    outputs = found if isinstance(found, tuple) else (found,)
    outputs = tuple(batched(x, levels) if isinstance(x, Tensor) else x for x in outputs)
    return outputs if several[0] else outputs[0]


def _by_its_own(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The class's `vmap`, for the innermost level."""
    inner = levels_of(args)[-1]
    of = thread.levels[inner - 1]

    def without(x: Any) -> tuple[Any, int | None]:
        if type(x) is Batched and x._levels[-1] == inner:
            return batched(x._value, x._levels[:-1]), 0
        return x, None

    given, in_dims = zip(*map(without, args))
    found = cls.vmap(VmapInfo(of.size, of.randomness), in_dims, *given, **kwargs)
    if not (isinstance(found, tuple) and len(found) == 2):
        raise RuntimeError(f"Expected the vmap staticmethod of {cls.__name__} to have two returns, (output, "
                           f"out_dims), but got {len(found) if isinstance(found, tuple) else type(found)}")
    output, out_dims = found
    parts, spec = tree_flatten(output)
    try:
        dims = flattened_like(spec, out_dims, broadcast=True)
    except ValueError:
        raise RuntimeError("The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) "
                           f"tuple. Expected out_dims={out_dims} to be compatible with the structure of `output`."
                           ) from None

    def within(x: Any, d: int | None) -> Any:
        if d is None or not isinstance(x, Tensor):
            return x
        x = x.movedim(d, 0)
        return batched(under(x), (*levels_of((x,)), inner))

    return tree_unflatten([within(x, d) for x, d in zip(parts, dims)], spec)


class _OfValues(Function):
    """A custom function as one of values with lanes, forwards and backwards."""

    @staticmethod
    def forward(ctx: Any, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any], levels: tuple[int, ...],
                opened: list[Level], several: list[bool], *values: Any) -> Any:
        inner = ctx.inner = cls._backward_cls()
        inner.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        if cls.setup_context is not Function.setup_context:
            output = cls.forward(*args, **kwargs)
            cls.setup_context(inner, args, output)
        else:
            output = cls.forward(inner, *args, **kwargs)
        several.append(isinstance(output, (tuple, list)))
        outputs = list(output) if several[0] else [output]
        made = [aligned(x, levels, full=True) if isinstance(x, Tensor) else x for x in outputs]
        kept = [made[next(i for i, o in enumerate(outputs) if o is x)] if any(o is x for o in outputs) else under(x)
                for x in inner.to_save]
        ctx.save_for_backward(*kept)
        ctx.saved_levels = [levels if any(o is x for o in outputs) else levels_of((x,)) for x in inner.to_save]
        ctx.mark_dirty(*map(under, inner.dirty_tensors))
        ctx.mark_non_differentiable(
            *(m for m, o in zip(made, outputs) if any(o is x for x in inner.non_differentiable)))
        ctx.set_materialize_grads(inner.materialize_grads)
        inner.to_save = inner.dirty_tensors = inner.non_differentiable = ()
        ctx.cls, ctx.levels, ctx.opened = cls, levels, opened
        ctx.of_inputs = [(levels_of((a,)), tuple(a.shape)) if isinstance(a, Tensor) else None for a in args]
        return tuple(made) if several[0] else made[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        # Cotangents may have lanes of the sweep's: levels that are open now, and were not, or were others, forwards.
        sweeps = levels_of([g for g in gradients if isinstance(g, Tensor)])
        now, first = thread.levels, len(ctx.opened) + 1
        renamed = {n: first + i for i, n in enumerate(sweeps)}
        with again([*ctx.opened, *(Level(renamed[n], now[n - 1].size, now[n - 1].randomness) for n in sweeps)]):
            inner, levels = ctx.inner, ctx.levels
            inner._kept = tuple(None if x is None else function._Saved(batched(x, own) if own else x, None)
                                for x, own in zip(ctx.saved_tensors, ctx.saved_levels))
            given = [_given(g, levels, renamed) if isinstance(g, Tensor) else g for g in gradients]
            found = function.backward_of(ctx.cls)(inner, *given)
            found = list(found) if isinstance(found, tuple) else [found]
            found += [None] * (len(ctx.of_inputs) - len(found))
            fitted = [_fitted(g, of, levels, tuple(renamed.values())) for g, of in zip(found, ctx.of_inputs)]
        return (*[None] * 6, *(batched(g, sweeps) if isinstance(g, Tensor) else g for g in fitted))


def _given(g: Any, levels: tuple[int, ...], renamed: dict[int, int]) -> Any:
    """A cotangent with the lanes of the function and of the sweep."""
    extra = tuple(renamed[n] for n in g._levels) if type(g) is Batched else ()
    return batched(in_order(under(g), (*extra, *levels), (*levels, *extra)), (*levels, *extra))


def _fitted(g: Any, of: Any, levels: tuple[int, ...], sweeps: tuple[int, ...]) -> Any:
    """A gradient for a value with lanes of some of the levels: the sum over the others, behind those of the sweep."""
    if g is None or of is None:
        return g
    own, shape = of
    if tuple(g.shape) != shape:
        g = g.sum_to_size(shape) if g.ndim >= len(shape) else g.expand(shape)
    value = in_order(aligned(g, (*levels, *sweeps), full=True), (*levels, *sweeps), (*sweeps, *levels))
    others = [len(sweeps) + d for d, n in enumerate(levels) if n not in own]
    return value.sum(others) if others else value

