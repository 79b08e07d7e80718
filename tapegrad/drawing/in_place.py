"""What writes random numbers to a tensor: `uniform_`, `normal_` and the others."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, errors
from tapegrad.drawing.drawn import bounds, draw, floating
from tapegrad.machine import streams
from tapegrad.machine.live import call, layouts
from tapegrad.random import Generator
from tapegrad.tape import history
from tapegrad.tensor import Tensor


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
        return draw(generator, layout.shape, dtype, method, *given)
    if any(m > 1 and s == 0 for m, s in zip(layout.shape, layout.strides)):
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single "
                           "memory location. Please clone() the tensor before performing the operation.")
    order = sorted(range(x.ndim), key=lambda d: -x.stride(d))
    drawn = draw(generator, tuple(layout.shape[d] for d in order), dtype, method, *given)
    return drawn.permute(*np.argsort(order).tolist())


def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Uniform numbers from [from, to) (`torch.Tensor.uniform_`)."""
    floating("check_uniform_bounds", self.dtype)
    return _fill(self, generator, streams.uniform, from_, to)


def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Normal numbers (`torch.Tensor.normal_`)."""
    floating("normal_kernel_cpu", self.dtype)
    return _fill(self, generator, streams.normal, mean, std, self.is_contiguous())


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probability `p`, or those of a tensor (`torch.Tensor.bernoulli_`)."""
    if isinstance(p, Tensor):
        if not p.dtype.is_floating_point:
            floating("bernoulli_tensor_cpu_p_", p.dtype)
        p = p.detach().expand(self.shape)
        if not (p.ge(0) & p.le(1)).all():
            raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
        return self.copy_(_in_order(self, p.dtype.arithmetic, generator, streams.uniform).lt(p.to(p.dtype.arithmetic)))
    return _fill(self, generator, streams.bernoulli, p)


def random_(self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
           ) -> Tensor:
    """Whole numbers from [from, to), or from all that the dtype holds (`torch.Tensor.random_`)."""
    if from_ is None and to is None:
        if self.dtype in dtypes.HALVES:  # up to where numbers begin to be missing
            return _fill(self, generator, streams.randint, 0, (2**11 if self.dtype is dtypes.float16 else 2**8) + 1)
        return _fill(self, generator, streams.random_)
    low, high = (0, from_ if to is None else to) if to is None or from_ is None else (from_, to)
    bounds(low, high, self.dtype)
    return _fill(self, generator, streams.randint, low, high)


def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Waiting times at a rate (`torch.Tensor.exponential_`)."""
    if not self.dtype.is_floating_point:
        raise RuntimeError("Exponential distribution is a continuous probability distribution. dtype must be a "
                           f"floating point but you specified {errors.KINDS[self.dtype.name][:-6]}")
    return _fill(self, generator, streams.exponential, lambd)


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Trials up to the first success (`torch.Tensor.geometric_`)."""
    if self.dtype is dtypes.bool_:
        raise NotImplementedError("\"geometric_cpu\" not implemented for 'Bool'")
    return _fill(self, generator, streams.geometric, p)


def cauchy_(self: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Cauchy numbers (`torch.Tensor.cauchy_`)."""
    if not self.dtype.is_floating_point:
        raise RuntimeError("Cauchy distribution is a continuous probability distribution. dtype must be a floating "
                           f"point but you specified {errors.C_NAMES[self.dtype.name]}")
    return _fill(self, generator, streams.cauchy, median, sigma)


def log_normal_(self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """Numbers whose logarithm is normal (`torch.Tensor.log_normal_`)."""
    floating("log_normal_cpu", self.dtype)
    return _fill(self, generator, streams.log_normal, mean, std)


_written: tuple[Callable[..., Any], ...] = (
    uniform_, normal_, bernoulli_, random_, exponential_, geometric_, cauchy_, log_normal_)
WRITING: dict[str, Callable[..., Any]] = {f.__name__: f for f in _written}
