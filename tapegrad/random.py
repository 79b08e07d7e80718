"""Random tensors with PyTorch's CPU bits: the facade of `ops.streams`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import creation, dispatch, dtypes, shapes
from tapegrad.autograd import modes
from tapegrad.devices import CPU, required
from tapegrad.machine.learning import capturing, lessons
from tapegrad.ops import streams
from tapegrad.tensor import Tensor, shape_of


class Generator:
    """A stream of random numbers (`torch.Generator`).

    >>> g = Generator().manual_seed(0)
    >>> rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    device = CPU

    def __init__(self, device: Any = "cpu") -> None:
        required(device)
        self.stream = streams.Generator()

    def manual_seed(self, seed: int) -> Generator:
        self.stream.manual_seed(seed)
        capturing.drawn(0, capturing.Draw(self.stream, streams.Generator.manual_seed, (seed,)))
        return self

    def seed(self) -> int:
        capturing.refuse("it asks the system for a seed")
        return self.stream.seed()

    def initial_seed(self) -> int:
        capturing.refuse("it reads a generator's seed")
        return self.stream.initial_seed()

    def get_state(self) -> Tensor:
        capturing.refuse("it reads a generator's state")
        return creation.from_array(np.array(self.stream.get_state()))

    def set_state(self, new_state: Tensor) -> Generator:
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        capturing.refuse("it sets a generator's state")
        self.stream.set_state(new_state._array())
        return self


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Restart the default generator (`torch.manual_seed`).

    >>> _ = manual_seed(42); randn(1)
    tensor([0.3367])
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    return default_generator.seed()


def initial_seed() -> int:
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, byte for byte PyTorch's (`torch.get_rng_state`)."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    default_generator.set_state(new_state)


def _draw(generator: Generator | None, method: Callable[..., np.ndarray[Any, Any]], *given: Any,
          shape: shapes.Shape) -> Tensor:
    """A tensor of `method(stream, *given)`; a capture under way takes note, so that a replay draws anew."""
    lessons.refuse()
    creation.check_room(dtypes.default_dtype(), shape)
    draw = capturing.Draw((generator or default_generator).stream, method, given)
    made = creation.copied(method(draw.stream, *given).reshape(shape))
    if made.numel():
        capturing.drawn(made.data_ptr(), draw)
    return made


def _finished(made: Tensor, requires_grad: bool, out: Any) -> Tensor:
    if out is not None:
        return dispatch.into(out, made)
    return made.requires_grad_() if requires_grad else made


def _floating(dtype: Any) -> Any:
    return (dtype or dtypes.default_dtype()).numpy


def _count(shape: shapes.Shape) -> int:
    n = 1
    for m in creation._checked(shape):
        n *= m
    return n


def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False,
         out: Any = None, **ignored: Any) -> Tensor:
    """Uniform numbers in [0, 1) (`torch.rand`)."""
    shape = shape_of(size)
    made = _draw(generator, streams.uniform, _count(shape), _floating(dtype), shape=shape)
    return _finished(made, requires_grad, out)


def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False,
          out: Any = None, **ignored: Any) -> Tensor:
    """Standard normal numbers (`torch.randn`)."""
    shape = shape_of(size)
    made = _draw(generator, streams.normal, _count(shape), _floating(dtype), shape=shape)
    return _finished(made, requires_grad, out)


def randint(low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
            requires_grad: bool = False, out: Any = None, **ignored: Any) -> Tensor:
    """Integers in [low, high) (`torch.randint`)."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    shape = shape_of((size,))
    made = _draw(generator, streams.randint, _count(shape), low, high, (dtype or dtypes.int64).numpy, shape=shape)
    return _finished(made, requires_grad, out)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, **ignored: Any) -> Tensor:
    """The numbers 0 … n-1 in random order (`torch.randperm`)."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    made = _draw(generator, streams.randperm, n, shape=(n,))
    return made if dtype is None else made.to(dtype)


def rand_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    return rand(*input.shape, dtype=dtype or input.dtype, **options)


def randn_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    return randn(*input.shape, dtype=dtype or input.dtype, **options)


def randint_like(input: Tensor, low: int, high: Any = None, *, dtype: Any = None, **options: Any) -> Tensor:
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, tuple(input.shape), dtype=dtype or input.dtype, **options)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
           **ignored: Any) -> Tensor:
    """Normal numbers; mean and deviation may be tensors (`torch.normal`)."""
    given = [x for x in (mean, std) if isinstance(x, Tensor)]
    if not given:
        shape = shape_of((size,))
        return _draw(generator, streams.normal, _count(shape), _floating(dtype), mean, std, shape=shape)
    shape = shapes.broadcast(tuple(x.shape) for x in given)
    kind = given[0].dtype

    def flat(x: Any) -> Any:
        return np.broadcast_to(x._array(), shape).reshape(-1) if isinstance(x, Tensor) else x

    return _draw(generator, streams.normal, _count(shape), kind.numpy, flat(mean), flat(std), shape=shape)


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probability given by each element, or by `p` (`torch.bernoulli`)."""
    chance = input._array().reshape(-1) if p is None else p
    if np.any((np.asarray(chance) < 0) | (np.asarray(chance) > 1)):
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    return _draw(generator, streams.bernoulli, chance, input.numel(), input.dtype.numpy, shape=tuple(input.shape))


def _fill(self: Tensor, generator: Generator | None, method: Callable[..., np.ndarray[Any, Any]], *given: Any
          ) -> Tensor:
    """Write drawn values in memory order, through the checks every in-place write passes."""
    with modes.no_grad() if not self.requires_grad else modes.set_grad_enabled(modes.is_grad_enabled()):
        if self.is_contiguous():
            return self.copy_(_draw(generator, method, *given, shape=tuple(self.shape)))
        order = sorted(range(self.ndim), key=lambda d: -self.stride(d))
        drawn = _draw(generator, method, *given, shape=tuple(self.shape[d] for d in order))
        return self.copy_(drawn.permute(*np.argsort(order).tolist()))


def _uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None, **named: float
              ) -> Tensor:
    low = named.get("from", from_)
    if low > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={to}")
    return _fill(self, generator, streams.uniform, self.numel(), self.dtype.numpy, low, to)


def _normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    return _fill(self, generator, streams.normal, self.numel(), self.dtype.numpy, mean, std, self.is_contiguous())


def _bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    chance = np.broadcast_to(p._array(), tuple(self.shape)).reshape(-1) if isinstance(p, Tensor) else p
    return _fill(self, generator, streams.bernoulli, chance, self.numel(), self.dtype.numpy)


def _random_(self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None
             ) -> Tensor:
    n = self.numel()
    if from_ is None:
        return _fill(self, generator, streams.random_, n, self.dtype.numpy)
    low, high = (0, from_) if to is None else (from_, to)
    return _fill(self, generator, streams.randint, n, low, high, self.dtype.numpy)


def _exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    return _fill(self, generator, streams.exponential, self.numel(), self.dtype.numpy, lambd)


for _name, _function in (("uniform_", _uniform_), ("normal_", _normal_), ("bernoulli_", _bernoulli_),
                         ("random_", _random_), ("exponential_", _exponential_), ("bernoulli", bernoulli)):
    setattr(Tensor, _name, _function)
