"""Numbers of a stream as a tensor, whoever looks on: a capture, a lesson, a vmap."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import creation, dispatch, dtypes, errors, shapes
from tapegrad.machine import streams
from tapegrad.machine.learning import capturing, following, lessons
from tapegrad.machine.live import buffers, call, layouts
from tapegrad.ops.declaration import REGISTRY
from tapegrad.random import Generator, default_generator
from tapegrad.tensor import Tensor


def draw(generator: Generator | None, shape: shapes.Shape, dtype: dtypes.dtype, method: Callable[..., Any],
         *given: Any, layout: Any = None) -> Tensor:
    """A tensor of `method(stream, n, dtype, *given)`; a capture under way takes note, so that a replay draws anew."""
    if dtype in dtypes.HALVES:
        return _draw_halves(generator, shape, dtype, method, *given, layout=layout)
    lanes = dispatch.lanes_here()
    if lanes is not None:
        lessons.refuse()
        shape, layout = tuple(layout.shape) if layout is not None else shape, None
        together = method is not streams.randperm and not any(isinstance(x, np.ndarray) for x in given)
        return lanes.drawn(lambda size: _drawn(generator, size, dtype, method, *given), shape, together)
    return _drawn(generator, shape, dtype, method, *given, layout=layout)


def _draw_halves(generator: Generator | None, shape: shapes.Shape, dtype: dtypes.dtype, method: Callable[..., Any],
                 *given: Any, layout: Any) -> Tensor:
    """The numbers of float32, rounded; what is rounded up to the end of a range, which is not in it, is its beginning.

    The last 16 of many normal numbers are a block of their own, as in float32, but drawn with the others.
    """
    lies = None if layout is None else layouts.intern(dtypes.float32, layout.shape, layout.strides)
    n = math.prod(shape if layout is None else layout.shape)
    if method is streams.normal and n >= 16 and n % 16 and all(given[2:]) and dispatch.lanes_here() is None:
        blocks = draw(generator, (n + -n % 16,), dtypes.float32, method, *given)
        last = blocks.narrow(0, n - n % 16, 16).clone()
        made = blocks.narrow(0, 0, n)
        made.narrow(0, n - 16, 16).copy_(last)
        return made.reshape(shape if layout is None else layout.shape).to(dtype)
    made = draw(generator, shape, dtypes.float32, method, *given, layout=lies).to(dtype)
    if method is streams.uniform:
        low, high = given or (0.0, 1.0)
        made = made.masked_fill(made.eq(creation.full((), high, dtype=dtype)), low)
    return made


def _drawn(generator: Generator | None, shape: shapes.Shape, dtype: dtypes.dtype, method: Callable[..., Any],
           *given: Any, layout: Any = None) -> Tensor:
    """The same, for nobody but this call."""
    made = call.empty((layout or layouts.intern(dtype, shape)).id)
    n, of = made.numel(), dtype.numpy
    if generator is None:
        generator = default_generator
    elif not isinstance(generator, Generator):
        raise TypeError(f"argument 'generator' must be torch.Generator, not {errors.type_name(generator)}")
    stream = generator.stream
    parameters = given
    if not following.KINDS.isdisjoint(map(type, given)):
        parameters, given = following.given(parameters)
    if capturing.mine() is None:
        at = int(buffers[made._buffer]["address"])
        if lessons.active is None:
            method(stream, n, of, *given, out=at)
        else:
            _taught(made, dtype, stream is default_generator.stream, lambda: method(stream, n, of, *given, out=at))
        return made
    draw = capturing.Draw(stream, method, (n, of, *parameters))
    method(stream, n, of, *given, out=made.data_ptr())
    if n:
        capturing.drawn(made.data_ptr(), draw)
    return made


def _taught(made: Tensor, dtype: dtypes.dtype, default: bool, draw: Callable[[], Any]) -> None:
    """Draw, and tell the lesson under way how native code can: by a kernel, and what makes another dtype of it."""
    runs = streams.runs_of(draw)
    layout = layouts.all[made._layout]
    if not default or len(runs) != 1 or not runs[0].n or runs[0].out != buffers["address"][made._buffer]:
        lessons.refuse()
        return
    run = runs[0]
    wanted = dtypes.from_numpy_dtype(np.dtype(run.made))
    told = run.gen.at, run.address, run.n, run.a, run.b, run.given
    if wanted is dtype:
        lessons.drew(*told, layout.id, made)
        return
    first = call.empty(layouts.intern(wanted, layout.shape, layout.strides).id)
    plan = dispatch.planner.plan(REGISTRY["to_copy"], (layouts.all[first._layout],), (("dtype", dtype),))
    lessons.drew(*told, first._layout, first)
    if plan.out is layout:
        lessons.ran(plan.index, (first,), made)
    else:
        lessons.refuse()


def parametric(name: str, method: Callable[..., Any], *parameters: Tensor, generator: Generator | None) -> Tensor:
    """Numbers of a distribution with a parameter each, laid out in rows as the first parameter."""
    check_lanes(*parameters)
    first = parameters[0]
    floating(name, first.dtype)
    for other in parameters[1:]:
        if other.dtype is not first.dtype:
            raise RuntimeError(f"Found dtype {errors.KINDS[other.dtype.name][:-6]} but expected "
                               f"{errors.KINDS[first.dtype.name][:-6]}")
    shape = tuple(first.shape)
    of = first.dtype.arithmetic.numpy
    given = [np.ascontiguousarray(np.broadcast_to(p.detach()._array(), shape), of) for p in parameters]
    return draw(generator, shape, first.dtype, method, *given)


def check_lanes(*parameters: Tensor) -> None:
    """RuntimeError where lanes are to draw the same, each with parameters of its own."""
    lanes = dispatch.lanes_here()
    if lanes is not None:
        lanes.check_same(*parameters)


def floating(name: str, dtype: Any, out: Any = None) -> Any:
    """The dtype of numbers that are fractions."""
    found = creation.wanted(dtype, out) or dtypes.default_dtype()
    if not found.is_floating_point:
        raise NotImplementedError(f'"{name}" not implemented for \'{errors.KINDS[found.name][:-6]}\'')
    return found


def bounds(low: int, high: int | None, dtype: dtypes.dtype) -> None:
    """RuntimeError unless there are whole numbers from `low` to below `high`, all of them of a dtype."""
    if high is not None and low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if dtype.is_floating_point:
        return
    least, most = (0, 1) if dtype is dtypes.bool_ else (np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max)
    for name, value in (("from", low), ("to - 1", low if high is None else high - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{name} is out of bounds for {errors.C_NAMES[dtype.name]}")
