"""Drawing: tensors of random numbers, new and in place, bit for bit PyTorch's; gradients of those that have them."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import creation, dispatch, dtypes, errors, shapes
from tapegrad.autograd import modes
from tapegrad.autograd.function import Function
from tapegrad.devices import required
from tapegrad.machine import streams
from tapegrad.machine.learning import capturing, following, lessons
from tapegrad.machine.live import buffers, call, layouts
from tapegrad.ops.declaration import REGISTRY
from tapegrad.random import Generator, default_generator
from tapegrad.signatures import Sizes, checked, described, unwrapped
from tapegrad.tape import history
from tapegrad.tensor import Tensor


def _draw(generator: Generator | None, shape: shapes.Shape, dtype: dtypes.dtype, method: Callable[..., Any],
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
        blocks = _draw(generator, (n + -n % 16,), dtypes.float32, method, *given)
        last = blocks.narrow(0, n - n % 16, 16).clone()
        made = blocks.narrow(0, 0, n)
        made.narrow(0, n - 16, 16).copy_(last)
        return made.reshape(shape if layout is None else layout.shape).to(dtype)
    made = _draw(generator, shape, dtypes.float32, method, *given, layout=lies).to(dtype)
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


def _finished(made: Tensor, requires_grad: bool = False, device: Any = None, out: Any = None) -> Tensor:
    if device is not None:
        required(device)
    if out is not None:
        return dispatch.into(out, made, warned=False)
    return made.requires_grad_() if requires_grad else made


def _floating(name: str, dtype: Any, out: Any = None) -> Any:
    """The dtype of numbers that are fractions."""
    found = creation.wanted(dtype, out) or dtypes.default_dtype()
    if not found.is_floating_point:
        raise NotImplementedError(f'"{name}" not implemented for \'{errors.KINDS[found.name][:-6]}\'')
    return found


@described
def rand(size: Sizes, *, generator: Generator | None = None, out: Any = None,
          dtype: Any = None, layout: Any = None, device: Any = None,
         pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Uniform numbers in [0, 1) (`torch.rand`).

    >>> _ = manual_seed(0); rand(2)
    tensor([0.4963, 0.7682])
    """
    shape, of = creation.checked_shape(size), _floating("check_uniform_bounds", dtype, out)
    return _finished(_draw(generator, shape, of, streams.uniform), requires_grad, device, out)


@described
def randn(size: Sizes, *, generator: Generator | None = None, out: Any = None,
           dtype: Any = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Standard normal numbers (`torch.randn`).

    >>> _ = manual_seed(0); randn(2)
    tensor([ 1.5410, -0.2934])
    """
    shape, of = creation.checked_shape(size), _floating("normal_kernel_cpu", dtype, out)
    return _finished(_draw(generator, shape, of, streams.normal), requires_grad, device, out)


def _bounds(low: int, high: int | None, dtype: dtypes.dtype) -> None:
    """RuntimeError unless there are whole numbers from `low` to below `high`, all of them of a dtype."""
    if high is not None and low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if dtype.is_floating_point:
        return
    least, most = (0, 1) if dtype is dtypes.bool_ else (np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max)
    for name, value in (("from", low), ("to - 1", low if high is None else high - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{name} is out of bounds for {errors.C_NAMES[dtype.name]}")


@described
def randint(low: Any = None, high: Any = None, size: Any = None, *, generator: Generator | None = None,
            out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
            pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Integers in [low, high) (`torch.randint`).

    >>> _ = manual_seed(0); randint(10, (3,))
    tensor([4, 9, 3])
    """
    if size is None:  # one bound
        low, high, size = 0, low, high
    low = 0 if low is None else low
    of = creation.wanted(dtype, out) or dtypes.int64
    _bounds(low, high, of)
    made = _draw(generator, creation.checked_shape(size), of, streams.randint, low, high)
    return _finished(made, requires_grad, device, out)


@described
def randperm(n: int, *, generator: Generator | None = None, out: Any = None,
              dtype: Any = None, layout: Any = None, device: Any = None,
             pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """The numbers 0 … n-1 in random order (`torch.randperm`).

    >>> _ = manual_seed(0); randperm(4)
    tensor([0, 1, 3, 2])
    """
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    of = creation.wanted(dtype, out) or dtypes.int64
    return _finished(_draw(generator, (n,), of, streams.randperm), requires_grad, device, out)


@described
def rand_like(input: Tensor, *, generator: Generator | None = None, memory_format: Any = None,
               dtype: Any = None, layout: Any = None, device: Any = None,
              pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Uniform numbers in [0, 1), laid out as another tensor (`torch.rand_like`).

    >>> import tapegrad as torch
    >>> torch.rand_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    of = _floating("check_uniform_bounds", dtype or input.dtype)
    made = _draw(generator, (), of, streams.uniform, layout=creation.layout_like("rand_like", input, of, memory_format))
    return _finished(made, requires_grad, device)


@described
def randn_like(input: Tensor, *, generator: Generator | None = None, memory_format: Any = None,
                dtype: Any = None, layout: Any = None, device: Any = None,
               pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Standard normal numbers, laid out as another tensor (`torch.randn_like`).

    >>> import tapegrad as torch
    >>> torch.randn_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    of = _floating("normal_kernel_cpu", dtype or input.dtype)
    layout = creation.layout_like("randn_like", input, of, memory_format)
    made = _draw(generator, (), of, streams.normal, 0.0, 1.0, layout.contiguous, layout=layout)
    return _finished(made, requires_grad, device)


@described
def randint_like(input: Tensor, low: Any = None, high: Any = None, *, generator: Generator | None = None,
                 memory_format: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
                 pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Integers in [low, high), laid out as another tensor (`torch.randint_like`).

    >>> import tapegrad as torch
    >>> torch.randint_like(torch.ones(2, 3), 5).shape
    torch.Size([2, 3])
    """
    low, high = (0, low) if high is None else (low or 0, high)
    layout = creation.layout_like("randint_like", input, dtype, memory_format)
    _bounds(low, high, layout.dtype)
    made = _draw(generator, (), layout.dtype, streams.randint, low, high, layout=layout)
    return _finished(made, requires_grad, device)


def _check_lanes(*parameters: Tensor) -> None:
    """RuntimeError where lanes are to draw the same, each with parameters of its own."""
    lanes = dispatch.lanes_here()
    if lanes is not None:
        lanes.check_same(*parameters)


def _depends(made: Tensor, *inputs: Any) -> Tensor:
    """What was drawn, with a derivative of zero with respect to the parameters that it was drawn with."""
    for x in inputs:
        if isinstance(x, Tensor) and x.requires_grad and modes.is_grad_enabled():
            return x.expand(made.shape).clone().copy_(made)
    return made


@described
def normal(mean: Any, std: Any = 1.0, size: Sizes = (), *, generator: Generator | None = None,
           out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
           pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Normal numbers; mean and deviation may be tensors (`torch.normal`).

    >>> _ = manual_seed(0); normal(creation.tensor([1.0, 10.0]), creation.tensor([0.1, 1.0]))
    tensor([1.1541, 9.7066])
    """
    given = [x for x in (mean, std) if isinstance(x, Tensor)]
    _check_lanes(*given)
    if not given:
        shape, of = creation.checked_shape(size), _floating("normal_kernel_cpu", dtype, out)
        made = _draw(generator, shape, of, streams.normal, mean, std)
        return _finished(made, requires_grad, device, out)
    shape, of = shapes.broadcast(tuple(x.shape) for x in given), _floating("normal_kernel_cpu", given[0].dtype)
    if isinstance(std, Tensor):
        if not std.detach().ge(0).all():
            raise RuntimeError("normal expects all elements of std >= 0.0")
        made = _draw(generator, shape, of, streams.normal).mul_(std.detach().to(of))
    else:
        made = _draw(generator, shape, of, streams.normal, 0.0, std)
    made.add_(mean.detach().to(of) if isinstance(mean, Tensor) else mean)
    return _finished(_depends(made, mean, std), False, device, out)


@described
def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """Ones with the probability given by each element, or by `p` (`torch.bernoulli`).

    >>> _ = manual_seed(0); bernoulli(creation.tensor([0.0, 0.5, 1.0]))
    tensor([0., 0., 1.])
    """
    _check_lanes(input)
    made = call.empty(layouts.intern(input.dtype, tuple(input.shape)).id)
    lanes = dispatch.lanes_here()
    if lanes is not None:
        made = lanes.room(made, input)
    _bernoulli_(made, input if p is None else p, generator=generator)
    return _finished(_depends(made, input) if p is None else made, out=out)


def _parametric(name: str, method: Callable[..., Any], *parameters: Tensor, generator: Generator | None) -> Tensor:
    """Numbers of a distribution with a parameter each, laid out in rows as the first parameter."""
    _check_lanes(*parameters)
    first = parameters[0]
    _floating(name, first.dtype)
    for other in parameters[1:]:
        if other.dtype is not first.dtype:
            raise RuntimeError(f"Found dtype {errors.KINDS[other.dtype.name][:-6]} but expected "
                               f"{errors.KINDS[first.dtype.name][:-6]}")
    shape = tuple(first.shape)
    of = first.dtype.arithmetic.numpy
    given = [np.ascontiguousarray(np.broadcast_to(p.detach()._array(), shape), of) for p in parameters]
    return _draw(generator, shape, first.dtype, method, *given)


@described
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Counts of events that come at the rates given by each element (`torch.poisson`).

    >>> _ = manual_seed(0); poisson(creation.tensor([1.0, 20.0]))
    tensor([ 2., 28.])
    """
    return _depends(_parametric("poisson_cpu", streams.poisson, input, generator=generator), input)


@described
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Successes among so many trials (`torch.binomial`)."""
    return _depends(_parametric("binomial_cpu", streams.binomial, count, prob, generator=generator), count)


@described
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None,
                out: Any = None) -> Tensor:
    """Indices drawn in proportion to weights, for each row of them (`torch.multinomial`).

    >>> _ = manual_seed(0); multinomial(creation.tensor([0.0, 10.0, 3.0]), 4, replacement=True)
    tensor([2, 1, 1, 2])
    """
    _check_lanes(input)
    weights = input.detach()
    _check_weights(weights, num_samples, replacement)
    if num_samples > 1 and replacement:
        given = weights.to(weights.dtype.arithmetic)._array()
        shape = (*given.shape[:-1], num_samples)
        return _finished(_draw(generator, shape, dtypes.int64, streams.multinomial, given), out=out)
    # The smallest waiting times, each at its weight as rate.
    lies = creation.layout_like("multinomial", weights, None)
    speed = weights / _draw(generator, (), weights.dtype, streams.exponential, layout=lies)
    made = speed.argmax(-1, keepdim=True) if num_samples == 1 else speed.topk(num_samples, -1)[1]
    return _finished(made, out=out)


def _check_weights(weights: Tensor, n: int, replacement: bool) -> None:
    """RuntimeError unless `n` indices can be drawn."""
    if not weights.dtype.is_floating_point:
        raise RuntimeError("multinomial only supports floating-point dtypes for input, got: "
                           f"{errors.KINDS[weights.dtype.name][:-6]}")
    if weights.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if n <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and n > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not (weights.ge(0) & weights.lt(math.inf)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not weights.sum(-1).gt(0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


class _StandardGamma(Function):
    """Gamma numbers, which move with their shapes."""

    @staticmethod
    def forward(ctx: Any, shapes: Tensor, generator: Generator | None) -> Tensor:
        drawn = _parametric("_standard_gamma", streams.gamma, shapes, generator=generator)
        ctx.save_for_backward(shapes, drawn)
        return drawn

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return g * _standard_gamma_grad(*ctx.saved_tensors), None


class _SampleDirichlet(Function):
    """Points of the simplex, which move with their concentrations: each coordinate as a beta number, the others make
    room in proportion."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor, generator: Generator | None) -> Tensor:
        drawn = _parametric("_sample_dirichlet", streams.dirichlet, concentration, generator=generator)
        ctx.save_for_backward(concentration, drawn)
        return drawn

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        concentration, x = ctx.saved_tensors
        slope = _dirichlet_grad(x, concentration, concentration.sum(-1, keepdim=True))
        return slope * (g - (x * g).sum(-1, keepdim=True)), None


def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma numbers at the rate 1 of these shapes, with gradients (`torch._standard_gamma`)."""
    return _StandardGamma.apply(input, generator)


def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Points of the simplex, one for each row of concentrations, with gradients (`torch._sample_dirichlet`)."""
    return _SampleDirichlet.apply(input, generator)


class _Slope(Function):
    """How drawn numbers move with their parameters: nobody knows how that, in turn, moves."""

    @staticmethod
    def forward(ctx: Any, name: str, *tensors: Tensor) -> Tensor:
        ctx.name = name
        shape = shapes.broadcast(tuple(t.shape) for t in tensors)
        return dispatch.apply(REGISTRY[name], tuple(t.detach().expand(shape) for t in tensors))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        raise NotImplementedError(f"the derivative for '{ctx.name}' is not implemented.")


def _standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """How gamma numbers move with their shapes (`torch._standard_gamma_grad`)."""
    return _Slope.apply("_standard_gamma_grad", input, output)


def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """How coordinates of a simplex move with their concentrations (`torch._dirichlet_grad`)."""
    return _Slope.apply("_dirichlet_grad", x, alpha, total)


# ---------------------------------------------------------------------------------------------------- written in place

def _fill(self: Tensor, generator: Generator | None, method: Callable[..., Any], *given: Any) -> Tensor:
    """Write drawn values, through the checks every in-place write passes."""
    return self.copy_(_in_order(self, self.dtype, generator, method, *given))


def _in_order(x: Tensor, dtype: dtypes.dtype, generator: Generator | None, method: Callable[..., Any], *given: Any
              ) -> Tensor:
    """Drawn values of a tensor's shape that are to be written to it, in the order in which it lies in memory."""
    if call.is_recording(None) and x.requires_grad:  # what is refused takes no numbers out of the stream
        call.freshen(x)
        history.check_rewritable(x)
    lanes = dispatch.lanes_here()
    if lanes is not None:
        lanes.check_drawn(x)
    layout = layouts.all[x._layout]
    if layout.contiguous:
        return _draw(generator, layout.shape, dtype, method, *given)
    if any(m > 1 and s == 0 for m, s in zip(layout.shape, layout.strides)):
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single "
                           "memory location. Please clone() the tensor before performing the operation.")
    order = sorted(range(x.ndim), key=lambda d: -x.stride(d))
    drawn = _draw(generator, tuple(layout.shape[d] for d in order), dtype, method, *given)
    return drawn.permute(*np.argsort(order).tolist())


def _uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Uniform numbers from [from, to) (`torch.Tensor.uniform_`)."""
    _floating("check_uniform_bounds", self.dtype)
    return _fill(self, generator, streams.uniform, from_, to)


def _normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Normal numbers (`torch.Tensor.normal_`)."""
    _floating("normal_kernel_cpu", self.dtype)
    return _fill(self, generator, streams.normal, mean, std, self.is_contiguous())


def _bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probability `p`, or those of a tensor (`torch.Tensor.bernoulli_`)."""
    if isinstance(p, Tensor):
        if not p.dtype.is_floating_point:
            _floating("bernoulli_tensor_cpu_p_", p.dtype)
        p = p.detach().expand(self.shape)
        if not (p.ge(0) & p.le(1)).all():
            raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
        return self.copy_(_in_order(self, p.dtype.arithmetic, generator, streams.uniform).lt(p.to(p.dtype.arithmetic)))
    return _fill(self, generator, streams.bernoulli, p)


def chosen_like(x: Tensor, p: float) -> Tensor:
    """Ones with the probability `p` and zeros, laid out as a tensor is."""
    return _draw(None, (), x.dtype, streams.bernoulli, p, layout=creation.layout_like("bernoulli", x, None))


def _random_(self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
             ) -> Tensor:
    """Whole numbers from [from, to), or from all that the dtype holds (`torch.Tensor.random_`)."""
    if from_ is None and to is None:
        if self.dtype in dtypes.HALVES:  # up to where numbers begin to be missing
            return _fill(self, generator, streams.randint, 0, (2**11 if self.dtype is dtypes.float16 else 2**8) + 1)
        return _fill(self, generator, streams.random_)
    low, high = (0, from_ if to is None else to) if to is None or from_ is None else (from_, to)
    _bounds(low, high, self.dtype)
    return _fill(self, generator, streams.randint, low, high)


def _exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Waiting times at a rate (`torch.Tensor.exponential_`)."""
    if not self.dtype.is_floating_point:
        raise RuntimeError("Exponential distribution is a continuous probability distribution. dtype must be a "
                           f"floating point but you specified {errors.KINDS[self.dtype.name][:-6]}")
    return _fill(self, generator, streams.exponential, lambd)


def _geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Trials up to the first success (`torch.Tensor.geometric_`)."""
    if self.dtype is dtypes.bool_:
        raise NotImplementedError("\"geometric_cpu\" not implemented for 'Bool'")
    return _fill(self, generator, streams.geometric, p)


def _cauchy_(self: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Cauchy numbers (`torch.Tensor.cauchy_`)."""
    if not self.dtype.is_floating_point:
        raise RuntimeError("Cauchy distribution is a continuous probability distribution. dtype must be a floating "
                           f"point but you specified {errors.C_NAMES[self.dtype.name]}")
    return _fill(self, generator, streams.cauchy, median, sigma)


def _log_normal_(self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """Numbers whose logarithm is normal (`torch.Tensor.log_normal_`)."""
    _floating("log_normal_cpu", self.dtype)
    return _fill(self, generator, streams.log_normal, mean, std)


_written: tuple[Callable[..., Any], ...] = (
    _uniform_, _normal_, _bernoulli_, _random_, _exponential_, _geometric_, _cauchy_, _log_normal_)
WRITING: dict[str, Callable[..., Any]] = {f.__name__.lstrip("_"): f for f in _written}
for _function in (unwrapped(bernoulli), unwrapped(multinomial)):
    setattr(Tensor, _function.__name__, checked(_function, f"Tensor.{_function.__name__}"))
del _function
