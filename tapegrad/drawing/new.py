"""New tensors of random numbers: `rand` and the others, and those of a distribution with parameters."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import creation, dispatch, dtypes, errors, shapes
from tapegrad.autograd import modes
from tapegrad.devices import required
from tapegrad.drawing.drawn import bounds, check_lanes, draw, floating, parametric
from tapegrad.drawing.in_place import bernoulli_
from tapegrad.machine import streams
from tapegrad.machine.live import call, layouts
from tapegrad.random import Generator
from tapegrad.signatures import Sizes, checked, described, unwrapped
from tapegrad.tensor import Tensor


def _finished(made: Tensor, requires_grad: bool = False, device: Any = None, out: Any = None) -> Tensor:
    if device is not None:
        required(device)
    if out is not None:
        return dispatch.into(out, made, warned=False)
    return made.requires_grad_() if requires_grad else made


@described
def rand(size: Sizes, *, generator: Generator | None = None, out: Any = None,
         dtype: Any = None, layout: Any = None, device: Any = None,
         pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Uniform numbers in [0, 1) (`torch.rand`).

    >>> _ = manual_seed(0); rand(2)
    tensor([0.4963, 0.7682])
    """
    shape, of = creation.checked_shape(size), floating("check_uniform_bounds", dtype, out)
    return _finished(draw(generator, shape, of, streams.uniform), requires_grad, device, out)


@described
def randn(size: Sizes, *, generator: Generator | None = None, out: Any = None,
          dtype: Any = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Standard normal numbers (`torch.randn`).

    >>> _ = manual_seed(0); randn(2)
    tensor([ 1.5410, -0.2934])
    """
    shape, of = creation.checked_shape(size), floating("normal_kernel_cpu", dtype, out)
    return _finished(draw(generator, shape, of, streams.normal), requires_grad, device, out)


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
    bounds(low, high, of)
    made = draw(generator, creation.checked_shape(size), of, streams.randint, low, high)
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
    return _finished(draw(generator, (n,), of, streams.randperm), requires_grad, device, out)


@described
def rand_like(input: Tensor, *, generator: Generator | None = None, memory_format: Any = None,
              dtype: Any = None, layout: Any = None, device: Any = None,
              pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Uniform numbers in [0, 1), laid out as another tensor (`torch.rand_like`).

    >>> import tapegrad as torch
    >>> torch.rand_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    of = floating("check_uniform_bounds", dtype or input.dtype)
    made = draw(generator, (), of, streams.uniform, layout=creation.layout_like("rand_like", input, of, memory_format))
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
    of = floating("normal_kernel_cpu", dtype or input.dtype)
    layout = creation.layout_like("randn_like", input, of, memory_format)
    made = draw(generator, (), of, streams.normal, 0.0, 1.0, layout.contiguous, layout=layout)
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
    bounds(low, high, layout.dtype)
    made = draw(generator, (), layout.dtype, streams.randint, low, high, layout=layout)
    return _finished(made, requires_grad, device)


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
    check_lanes(*given)
    if not given:
        shape, of = creation.checked_shape(size), floating("normal_kernel_cpu", dtype, out)
        made = draw(generator, shape, of, streams.normal, mean, std)
        return _finished(made, requires_grad, device, out)
    shape, of = shapes.broadcast(tuple(x.shape) for x in given), floating("normal_kernel_cpu", given[0].dtype)
    if isinstance(std, Tensor):
        if not std.detach().ge(0).all():
            raise RuntimeError("normal expects all elements of std >= 0.0")
        made = draw(generator, shape, of, streams.normal).mul_(std.detach().to(of))
    else:
        made = draw(generator, shape, of, streams.normal, 0.0, std)
    made.add_(mean.detach().to(of) if isinstance(mean, Tensor) else mean)
    return _finished(_depends(made, mean, std), False, device, out)


@described
def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """Ones with the probability given by each element, or by `p` (`torch.bernoulli`).

    >>> _ = manual_seed(0); bernoulli(creation.tensor([0.0, 0.5, 1.0]))
    tensor([0., 0., 1.])
    """
    check_lanes(input)
    made = call.empty(layouts.intern(input.dtype, tuple(input.shape)).id)
    lanes = dispatch.lanes_here()
    if lanes is not None:
        made = lanes.room(made, input)
    bernoulli_(made, input if p is None else p, generator=generator)
    return _finished(_depends(made, input), out=out)


@described
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Counts of events that come at the rates given by each element (`torch.poisson`).

    >>> _ = manual_seed(0); poisson(creation.tensor([1.0, 20.0]))
    tensor([ 2., 28.])
    """
    return _depends(parametric("poisson_cpu", streams.poisson, input, generator=generator), input)


@described
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Successes among so many trials (`torch.binomial`)."""
    return _depends(parametric("binomial_cpu", streams.binomial, count, prob, generator=generator), count)


@described
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None,
                out: Any = None) -> Tensor:
    """Indices drawn in proportion to weights, for each row of them (`torch.multinomial`).

    >>> _ = manual_seed(0); multinomial(creation.tensor([0.0, 10.0, 3.0]), 4, replacement=True)
    tensor([2, 1, 1, 2])
    """
    check_lanes(input)
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {errors.KINDS[out.dtype.name][:-6]}")
    weights = input.detach()
    _check_weights(weights, num_samples, replacement)
    if num_samples > 1 and replacement:
        given = weights.to(weights.dtype.arithmetic)._array()
        shape = (*given.shape[:-1], num_samples)
        return _finished(draw(generator, shape, dtypes.int64, streams.multinomial, given), out=out)
    # The smallest waiting times, each at its weight as rate.
    lies = creation.layout_like("multinomial", weights, None)
    speed = weights / draw(generator, (), weights.dtype, streams.exponential, layout=lies)
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


def chosen_like(x: Tensor, p: float) -> Tensor:
    """Ones with the probability `p` and zeros, laid out as a tensor is."""
    return draw(None, (), x.dtype, streams.bernoulli, p, layout=creation.layout_like("bernoulli", x, None))


for _function in (unwrapped(bernoulli), unwrapped(multinomial)):
    setattr(Tensor, _function.__name__, checked(_function, f"Tensor.{_function.__name__}"))
del _function
