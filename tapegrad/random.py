"""Generators of random numbers and their states, over `machine.streams`; `drawing` draws tensors from them."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from tapegrad import creation, dtypes
from tapegrad.devices import CPU, required
from tapegrad.machine import streams
from tapegrad.machine.learning import capturing
from tapegrad.namespaces import show_public
from tapegrad.signatures import kinds
from tapegrad.tensor import Tensor

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]
show_public(__name__)



class Generator:
    """A stream of random numbers (`torch.Generator`).

    >>> import tapegrad as torch
    >>> g = torch.Generator().manual_seed(0)
    >>> torch.rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    device: Any = CPU
    stream: streams.Generator

    def __init__(self, device: Any = "cpu") -> None:
        required(device)
        self.stream = streams.Generator()

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream, at what a seed says."""
        self.stream.manual_seed(seed)
        capturing.drawn(0, capturing.Draw(self.stream, streams.Generator.manual_seed, (seed,)))
        return self

    def seed(self) -> int:
        """Restart the stream anywhere; returns the seed that would do the same."""
        capturing.refuse("it asks the system for a seed")
        return self.stream.seed()

    def initial_seed(self) -> int:
        """The seed that the stream was started from."""
        capturing.refuse("it reads a generator's seed")
        return self.stream.initial_seed()

    def clone_state(self) -> Generator:
        """Another generator in the same state."""
        capturing.refuse("it copies a generator")
        new = Generator()
        new.stream = self.stream.clone_state()
        return new

    def __reduce__(self) -> Any:
        return _restored, (self.get_state(),)

    def get_state(self) -> Tensor:
        """Where the stream is, as bytes."""
        capturing.refuse("it reads a generator's state")
        return creation.from_array(np.array(self.stream.get_state()))

    def set_state(self, new_state: Tensor) -> Generator:
        """Go to where a stream was when its state was taken."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        capturing.refuse("it sets a generator's state")
        self.stream.set_state(new_state._array())
        return self


def _restored(state: Tensor) -> Generator:
    return Generator().set_state(state)


kinds.stands_for("Generator", Generator)
default_generator: Generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Restart the default generator (`torch.manual_seed`).

    >>> import tapegrad as torch
    >>> _ = torch.manual_seed(42); torch.randn(1)
    tensor([0.3367])

    A seed is what `int` makes a whole number of: `time.time()` will do.
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Restart the default generator from a number of the system's (`torch.seed`), which is returned."""
    return default_generator.seed()


def initial_seed() -> int:
    """What the default generator was started with (`torch.initial_seed`).

    >>> import tapegrad as torch
    >>> _ = torch.manual_seed(3)
    >>> torch.initial_seed()
    3
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, byte for byte PyTorch's (`torch.get_rng_state`).

    >>> import tapegrad as torch
    >>> state = torch.get_rng_state()
    >>> x = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), x)
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Go on from a state of the default generator (`torch.set_rng_state`).

    >>> import tapegrad as torch
    >>> state = torch.get_rng_state()
    >>> x = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), x)
    True
    """
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, _caller: str = "fork_rng", _devices_kw: str = "devices",
             device_type: str = "cuda") -> Iterator[None]:
    """Leave the default generator afterwards as it was before (`torch.random.fork_rng`).

    >>> import tapegrad as torch
    >>> _ = torch.manual_seed(0)
    >>> with torch.random.fork_rng():
    ...     inside = torch.rand(1)
    >>> torch.rand(1) == inside
    tensor([True])
    """
    if not enabled:
        yield
        return
    before = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(before)
