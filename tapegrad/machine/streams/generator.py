"""A stream of random numbers, in the format and in the state of PyTorch's."""
from __future__ import annotations

import os
from typing import Any

import numpy as np

from tapegrad.machine.records import STREAM
from tapegrad.machine.startup import address_of
from tapegrad.machine.streams import loading

Array = np.ndarray
DEFAULT_SEED = 67280421310721

SPENT, FRESH = 624, 625  # positions: all words were drawn; none was since the seed
# What `torch.get_rng_state()` holds, byte for byte. `spare` is the second half of the last scalar Box-Muller pair.
STATE = np.dtype([
    ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("key", "<u8", 624),
    ("unused_x", "<f8"), ("spare", "<f8"), ("unused_rho", "<f8"), ("has_spare", "<i8"),
    ("spare32", "<f4"), ("has_spare32", "<i4"),
])


def check(ok: Any, message: str) -> None:
    if not ok:
        raise RuntimeError(message)


class Generator:
    """A source of random numbers, seeded like `torch.Generator` and in the same state after the same draws.

    >>> g = Generator().manual_seed(0)
    >>> g.raw(3)
    array([2357136044, 2546248239, 3071714933], dtype=uint64)
    >>> g.set_state(g.manual_seed(7).get_state()).initial_seed()
    7
    """

    __slots__ = ("_keyed", "_seed", "_spare32", "_stream", "at")

    def __init__(self) -> None:
        self._stream = np.zeros(1, STREAM)
        self._keyed = self._stream["keyed"]  # a part of it
        self.at: int = address_of(self._stream)
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream again from `seed`, any integer from -2**63 to 2**64 - 1; negative ones wrap round.

        >>> Generator().manual_seed(-1).initial_seed() == 2**64 - 1
        True
        """
        check(not isinstance(seed, bool) and hasattr(seed, "__index__"),
               f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = int(seed)
        if not -2**63 <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = seed % 2**64
        self._keyed[0] = 0
        self._stream["has_spare"] = 0
        self._spare32 = (0.0, 0)  # PyTorch's CPU code no longer reads this field; it is only handed through
        return self

    def seed(self) -> int:
        """Start again from a seed the operating system chooses, and return it.

        >>> 0 <= Generator().seed() < 2**53
        True
        """
        return self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 11).initial_seed()

    def initial_seed(self) -> int:
        """The seed this stream started from.

        >>> Generator().initial_seed()
        67280421310721
        """
        return self._seed

    def run(self, kernel: str, out: int, n: int, a: float = 0.0, b: float = 0.0, given: int = 0) -> None:
        """Have a kernel write `n` numbers to an address."""
        if not self._keyed[0]:
            loading.kernel("seed")(self.at, 0, self._seed & 0xFFFFFFFF, 0.0, 0.0, 0)
            self._keyed[0] = 1
        if n:
            loading.kernel(kernel)(self.at, out, n, a, b, given)

    def raw(self, n: int) -> Array:
        """The next `n` draws of 32 bits, as uint64.

        >>> Generator().manual_seed(1).raw(2)
        array([1791095845, 4282876139], dtype=uint64)
        """
        out = np.empty(n, "u8")
        self.run("raw", address_of(out), n)
        return out

    def raw64(self, n: int) -> Array:
        """The next `n` draws of 64 bits: two of 32, the first above the second.

        >>> Generator().manual_seed(1).raw64(1)
        array([7692698082559361259], dtype=uint64)
        """
        out = np.empty(n, "u8")
        self.run("raw64", address_of(out), n)
        return out

    def get_state(self) -> Array:
        """The whole state as bytes, in the format of `torch.get_rng_state()`.

        >>> Generator().get_state().shape
        (5056,)
        """
        self.run("raw", 0, 0)
        stream, state = self._stream[0], np.zeros((), STATE)
        position = int(stream["position"])
        state["seed"], state["seeded"], state["key"] = self._seed, 1, stream["key"]
        state["left"], state["next"] = (1, 0) if position == FRESH else (625 - position, position)
        state["has_spare"] = stream["has_spare"]
        state["spare"] = stream["spare"] if stream["has_spare"] else 0.0
        state["spare32"], state["has_spare32"] = self._spare32
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def set_state(self, state: Any) -> Generator:
        """Go on from a state that `get_state` or PyTorch returned.

        >>> g = Generator(); saved = g.get_state(); first = g.raw(2)
        >>> bool((g.set_state(saved).raw(2) == first).all())
        True
        """
        state = np.ascontiguousarray(state, np.uint8)
        check(state.size == STATE.itemsize, "Expected a CPUGeneratorImplState of size "
              f"{STATE.itemsize} but found the input RNG state size to be {state.size}")
        new = state.view(STATE)[0]
        left, after = int(new["left"]), int(new["next"])
        check(new["seeded"] == 1 and 0 < left <= 624 and after <= 624, "Invalid mt19937 state")
        self._seed, self._keyed[0] = int(new["seed"]), 1
        stream = self._stream[0]
        stream["key"], stream["position"] = new["key"], FRESH if after == 0 else 625 - left
        stream["has_spare"], stream["spare"] = new["has_spare"] != 0, new["spare"]
        self._spare32 = (float(new["spare32"]), int(new["has_spare32"]))
        return self

    def mark(self) -> tuple[Any, ...]:
        """Where the stream is, for `back_to`: `get_state` without its format, at a fiftieth of the cost.

        >>> g = Generator(); place = g.mark(); first = g.raw(2); g.back_to(place)
        >>> bool((g.raw(2) == first).all())
        True
        """
        return self._seed, self._spare32, self._stream.tobytes()  # `copy` goes through the fields: 1.4 us

    def back_to(self, place: tuple[Any, ...]) -> None:
        """Go on from where the stream was at `mark`."""
        self._seed, self._spare32, content = place
        self._stream[:] = np.frombuffer(content, STREAM)

    def clone_state(self) -> Generator:
        """Another generator in the same state.

        >>> g = Generator(); bool(g.clone_state().raw(1) == g.raw(1))
        True
        """
        return _restored(self.get_state())

    def __reduce__(self) -> Any:
        return _restored, (self.get_state(),)


def _restored(state: Array) -> Generator:
    return Generator().set_state(state)
