"""The value and the gradient of a sum over partitions, as the program that asks for them sees it."""
from __future__ import annotations

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import tapegrad
from tapegrad import dtypes
from tapegrad.autograd import modes
from tapegrad.interop.partitioned.capture import captured
from tapegrad.interop.partitioned.messages import Answer, Array, Data, Failure, Signature, data, written
from tapegrad.interop.partitioned.sums import tree_sum
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

_DTYPES = (dtypes.float32, dtypes.float64)


class PartitionError(RuntimeError):
    """What went wrong with one partition: `partition` is its number, `source` the line of the function, if one failed.
    """

    partition: int
    text: str
    source: str

    def __init__(self, partition: int, text: str, source: str = "") -> None:
        self.partition, self.text, self.source = partition, text, source
        super().__init__(f"partition {partition}{f', {source}' if source else ''}: {text}")

    def __reduce__(self) -> Any:
        return PartitionError, (self.partition, self.text, self.source)


class Round(NamedTuple):
    """How long a round took, and how long the process that computed most was computing."""

    seconds: float
    computing: float


class Place(ABC):
    """Where partitions are, and tapes are run on them."""

    count: int

    @abstractmethod
    def signatures(self) -> Sequence[Signature | Failure]:
        """What each partition is."""

    @abstractmethod
    def sample(self, number: int) -> Data | None:
        """A partition, if it is at hand."""

    @abstractmethod
    def run(self, tapes: Sequence[bytes], default: str, points: Array) -> Sequence[Answer | Failure]:
        """`programs.evaluate` of each partition, with the tape that is for it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held for this function."""


class _Parameters(NamedTuple):
    """How parameters are built: a tuple of arguments, of arrays in containers."""

    spec: TreeSpec
    kinds: tuple[tuple[Any, tuple[int, ...]], ...]
    arrays: bool  # whether NumPy's come and go

    def split(self, row: Array) -> Any:
        """A row of numbers as such parameters."""
        leaves, at = [], 0
        for dtype, shape in self.kinds:
            size = int(np.prod(shape, dtype=int))
            leaf = np.array(row[at:at + size], dtype.numpy).reshape(shape)
            leaves.append(leaf if self.arrays else tapegrad.from_numpy(leaf))
            at += size
        made = tree_unflatten(leaves, self.spec)
        return made[0] if len(made) == 1 else made


class Partitioned:
    """A function summed over partitions: called with parameters, it gives the value and the gradients.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import tapegrad as torch
    >>> from tapegrad.interop import futures
    >>> parts = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0])]
    >>> step = futures.value_and_grad(lambda mean, x: ((x - mean) ** 2).sum(), parts, ThreadPoolExecutor(2))
    >>> step(torch.tensor(3.0))
    (tensor(10.), tensor(0.))

    `rounds` counts the calls, `last` says how long the last one took (`Round`).
    """

    rounds: int
    last: Round | None

    def __init__(self, function: Callable[..., Any], place: Place, sample: Any = None,
                 prior: Callable[..., Any] | None = None) -> None:
        self._function, self._place, self._prior = function, place, prior
        self._sample = None if sample is None else data(sample)
        self._signatures: list[Signature] = []
        self._tapes: dict[Any, tuple[list[bytes], Any]] = {}
        self._fingerprint: str | None = None
        self.rounds, self.last = 0, None

    def __call__(self, *parameters: Any) -> tuple[Any, Any]:
        """The value, and gradients that are built like the parameters (several: a tuple of them).

        Parameters are float32 or float64 tensors, alone or in lists, dicts and tuples. Given NumPy's arrays, the value
        is a number and gradients are arrays, as `scipy.optimize.minimize(step, x0, jac=True)` wants them.
        """
        return self._evaluated([parameters])[0]

    def several(self, points: Sequence[Any]) -> list[tuple[Any, Any]]:
        """The same at several points in one round: a line search's, or one for each seed.

        A point is what the function is called with, or a tuple of that.
        """
        return self._evaluated([p if type(p) is tuple else (p,) for p in points])

    def backward(self, *parameters: Any) -> Any:
        """The value, as a tensor; gradients are added to the `.grad` of the parameters, as by `Tensor.backward`.

        `optimizer.step(lambda: step.backward(params))` is a step of any optimiser.
        """
        value, gradients = self(*parameters)
        leaves = tree_flatten(parameters)[0]
        with modes.no_grad():
            for leaf, gradient in zip(leaves, tree_flatten(gradients)[0]):
                if leaf.requires_grad:
                    leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
        return value

    def of_vector(self, *parameters: Any) -> OfVector:
        """The same as a function of one vector, which has all numbers of such parameters in it, for SciPy."""
        row, built = self._row(parameters)
        return OfVector(self, row, built)

    def close(self) -> None:
        """Let go of partitions and processes that are held for this function alone."""
        self._place.close()

    def __enter__(self) -> Partitioned:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        name = getattr(self._function, "__name__", "function")
        return f"<{name}, summed over {self._place.count} partitions, and its gradient>"

    # ------------------------------------------------------------ a round

    def _evaluated(self, points: Sequence[tuple[Any, ...]]) -> list[tuple[Any, Any]]:
        begin = time.perf_counter()
        if not points:
            return []
        rows, builts = zip(*map(self._row, points))
        if any(b[:2] != builts[0][:2] for b in builts):
            raise ValueError("the points are not built alike")
        sums, dtype = self._sums(np.stack(rows), builts[0], points)
        found = []
        for row, built in zip(sums, builts):
            value = np.array(row[0], dtype.numpy)
            found.append((value.item() if built.arrays else tapegrad.from_numpy(value), built.split(row[1:])))
        self.rounds += 1
        assert self.last is not None
        self.last = self.last._replace(seconds=time.perf_counter() - begin)
        return found

    def _sums(self, rows: Array, built: _Parameters, points: Sequence[tuple[Any, ...]]) -> tuple[Array, Any]:
        tapes, dtype = self._tapes_for(rows[0], built)
        answers = self._place.run(tapes, dtypes.default_dtype().short, rows)
        parts, busy = [], dict[str, float]()
        for number, answer in enumerate(answers):
            if isinstance(answer, Failure):
                raise PartitionError(number, *answer)
            parts.append(answer.numbers)
            busy[answer.process] = busy.get(answer.process, 0.0) + answer.seconds
            self._check_processor(number, answer.fingerprint)
        if self._prior is not None:
            parts.append(np.stack([self._of_prior(p) for p in points]))
        self.last = Round(0.0, max(busy.values()))
        return tree_sum(np.stack(parts)), dtype

    def _of_prior(self, parameters: tuple[Any, ...]) -> Array:
        assert self._prior is not None
        leaves, spec = tree_flatten(parameters)
        with modes.enable_grad():
            fresh = [(x.detach() if isinstance(x, Tensor) else tapegrad.tensor(np.asarray(x))).requires_grad_()
                     for x in leaves]
            value = self._prior(*tree_unflatten(fresh, spec))
            gradients = tapegrad.autograd.grad(value, fresh, allow_unused=True, materialize_grads=True)
        return np.concatenate([x.detach().numpy().reshape(-1).astype("f8") for x in (value, *gradients)])

    def _check_processor(self, number: int, fingerprint: str) -> None:
        if self._fingerprint is None:
            self._fingerprint = fingerprint
        elif self._fingerprint not in ("", fingerprint):
            self._fingerprint = ""
            warnings.warn(f"partition {number} was computed on another kind of processor, or by another version of "
                          "tapegrad or LLVM: last digits may depend on where partitions are", stacklevel=5)

    # ------------------------------------------------------------ tapes

    def _tapes_for(self, row: Array, built: _Parameters) -> tuple[list[bytes], Any]:
        """The tape of each partition, and the dtype of the value."""
        key = built.spec, built.kinds, dtypes.default_dtype()
        if key not in self._tapes:
            signatures = self._checked_signatures()
            found: dict[Signature, tuple[bytes, Any]] = {}
            for number, signature in enumerate(signatures):
                if signature not in found:
                    tape = captured(self._function, self._arrays(row, built), built.spec, signature,
                                    self._sample_for(number, signature))
                    for b in range(len(tape.names)):  # parameters and data are the workers'
                        tape.values.pop(b, None)
                    found[signature] = written(tape), tape.layouts[tape.outputs[0]].dtype
            self._tapes[key] = [found[s][0] for s in signatures], found[signatures[0]][1]
        return self._tapes[key]

    @staticmethod
    def _arrays(row: Array, built: _Parameters) -> list[Array]:
        return tree_flatten(built._replace(arrays=True).split(row))[0]

    def _sample_for(self, number: int, signature: Signature) -> Data | None:
        if self._sample is not None and self._sample.signature() == signature:
            return self._sample
        return self._place.sample(number)

    def _checked_signatures(self) -> list[Signature]:
        if not self._signatures:
            found = []
            for number, signature in enumerate(self._place.signatures()):
                if isinstance(signature, Failure):
                    raise PartitionError(number, *signature)
                found.append(signature)
            if not found:
                raise ValueError("there are no partitions")
            for number, s in enumerate(found):
                if s.spec != found[0].spec or [k for k, _ in s.kinds] != [k for k, _ in found[0].kinds]:
                    raise PartitionError(number, f"it is {s}, and partition 0 is {found[0]}: all must be of the same "
                                                 "dtypes, and built alike")
            self._signatures = found
        return self._signatures

    @staticmethod
    def _row(parameters: tuple[Any, ...]) -> tuple[Array, _Parameters]:
        leaves, spec = tree_flatten(parameters)
        if not leaves:
            raise TypeError("there are no parameters")
        kinds, parts = [], []
        for leaf in leaves:
            array = leaf.detach().numpy() if isinstance(leaf, Tensor) else np.asarray(leaf)
            dtype = next((d for d in _DTYPES if d.numpy == array.dtype), None)
            if dtype is None:
                raise TypeError(f"parameters must be float32 or float64 tensors or arrays, not {array.dtype}")
            kinds.append((dtype, array.shape))
            parts.append(array.reshape(-1).astype("f8"))
        arrays = not any(isinstance(leaf, Tensor) for leaf in leaves)
        return np.concatenate(parts), _Parameters(spec, tuple(kinds), arrays)


class OfVector:
    """A `Partitioned` function of one vector: `scipy.optimize.minimize(f, f.start, jac=True)`.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import tapegrad as torch
    >>> from scipy.optimize import minimize
    >>> from tapegrad.interop import futures
    >>> parts = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 6.0])]
    >>> step = futures.value_and_grad(lambda p, x: ((x - p["mean"]) ** 2).sum(), parts, ThreadPoolExecutor(2))
    >>> f = step.of_vector({"mean": torch.tensor(0.0)})
    >>> f.restored(minimize(f, f.start, jac=True).x)["mean"].round()
    tensor(3.)

    `start` are the parameters it was made of, `restored` makes such of a vector.
    """

    start: Array

    def __init__(self, of: Partitioned, start: Array, built: _Parameters) -> None:
        self._of, self.start, self._built = of, start, built

    def __call__(self, vector: Any) -> tuple[float, Array]:
        """The value and the gradient, as a number and an array."""
        given = self.restored(vector)
        value, gradients = self._of(*(given if len(self._built.spec.children_specs) > 1 else (given,)))
        return float(value), self._of._row((gradients,))[0]

    def restored(self, vector: Any) -> Any:
        """Parameters with the numbers of a vector."""
        row = np.asarray(vector, "f8")
        if row.shape != self.start.shape:
            raise ValueError(f"a vector of {len(self.start)} numbers is wanted, not an array of shape {row.shape}")
        return self._built.split(row)
