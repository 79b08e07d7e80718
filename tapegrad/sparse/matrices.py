"""Jacobians and Hessians as sparse matrices."""
from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from tapegrad import autograd, creation, dtypes
from tapegrad.autograd import calls_through_python, engine, modes
from tapegrad.functions import PUBLIC
from tapegrad.lanes import sweeps
from tapegrad.machine.live import call, machine
from tapegrad.sparse import colouring, patterns
from tapegrad.sparse.kept_sweeps import KeptSweeps
from tapegrad.tensor import Tensor

MOST = 8  # programs of one function that are kept prepared
LONG = 4096  # elements from which a sweep for each colour is quicker than one for all: it adds in place, and fuses


class _Prepared:
    """One recorded program: where its derivatives are, and how they are told apart."""

    def __init__(self, program: patterns.Program, rows: int, columns: int, symmetric: bool) -> None:
        self.program = program
        pattern = patterns.pattern(program, rows, columns)
        if symmetric:
            pattern = pattern + pattern.T
        self.pattern: Any = pattern.tocsr()
        self.pattern.sum_duplicates()  # which sorts, too
        if max(*self.pattern.shape, self.pattern.nnz) <= np.iinfo(np.int32).max:  # as SciPy has it
            self.pattern.indices = self.pattern.indices.astype(np.int32)
            self.pattern.indptr = self.pattern.indptr.astype(np.int32)
        self.forward = False
        if symmetric:
            self.colours = colouring.star(self.pattern)
            self.places = colouring.symmetric_places(self.pattern, self.colours)
        else:
            self._choose(rows, columns)
        self.count = int(self.colours.max(initial=-1)) + 1 if self.pattern.nnz else 0
        self.compiled: Any = None  # the sums by a compiled function, or None where it did something else
        self.kept = KeptSweeps()
        self.steps = b""  # as `engine.described` has them, if they are all that matters
        self.ends_at = sum(map(len, program.rows))  # where in a run the result is
        self._seeds: Any = None

    def _choose(self, rows: int, columns: int) -> None:
        """Sums of rows, or of columns where these need fewer colours."""
        turned = self.pattern.T.tocsr()
        least = np.diff(turned.indptr).max(initial=0), np.diff(self.pattern.indptr).max(initial=0)
        colours: Any = None
        for forward in sorted((False, True), key=lambda forward: (least[forward], forward)):
            if colours is None or least[forward] < colours.max(initial=-1) + 1:
                found = colouring.rows_apart(turned if forward else self.pattern)
                if colours is None or found.max(initial=-1) < colours.max(initial=-1):
                    colours, self.forward = found, forward
        self.colours = colours
        i = np.repeat(np.arange(rows), np.diff(self.pattern.indptr))
        j = self.pattern.indices.astype(np.int64)
        self.places = colours[j] * rows + i if self.forward else colours[i] * columns + j

    def ran(self, steps: bytes, run: np.ndarray[Any, Any], y: Any, x: Any) -> bool:
        """Whether it was this program that ran, by what tells programs without indices apart."""
        return steps == self.steps and int(run[self.ends_at]) == y._buffer and (
            self.pattern.shape == (y.numel(), x.numel()))

    def fits(self, program: patterns.Program, y: Any, x: Any) -> bool:
        return self.pattern.shape == (y.numel(), x.numel()) and self.program.same(program)

    @property
    def written(self) -> bool:
        """Whether somebody wrote to the seeds, or there are none yet."""
        return self._seeds is None or bool(self._seeds._version)

    def seeds(self, like: Any) -> Any:
        """A tensor for each colour along a first axis: one where an element has that colour."""
        if self.written:
            made = np.zeros((self.count, len(self.colours)), like.dtype.numpy)
            made[self.colours, np.arange(len(self.colours))] = 1
            self._seeds = creation.from_array(made).reshape(self.count, *like.shape)
        return self._seeds

    def matrix(self, sums: Any) -> Any:
        """The matrix whose sums, colour by colour, these are."""
        made: Any = copy.copy(self.pattern)  # which is known to fit together: SciPy takes 17 us to find out
        made.data = sums.reshape(-1).numpy().take(self.places)
        made.indices, made.indptr = made.indices.copy(), made.indptr.copy()
        return made


class _Another(Exception):
    """A call that was to be that of one program has run another: its result, and the point that leads there."""

    def __init__(self, result: Any, point: Any) -> None:
        self.result, self.point = result, point


class SparseDerivative:
    """What `jacobian` and `hessian` return: a function of a point, prepared the first time.

    >>> import tapegrad as torch
    >>> J = torch.sparse.jacobian(lambda x: x[1:] * x[:-1])
    >>> J(torch.ones(1000)).nnz, J.count, J.forward
    (1998, 2, False)
    """

    def __init__(self, func: Callable[..., Any], symmetric: bool) -> None:
        functools.update_wrapper(self, func)
        self._func: Any = func
        self._symmetric = symmetric
        self._compiles = isinstance(func, machine.CompiledBase)
        self._known: list[_Prepared] = []

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The matrix at a point; what is given beside it goes to the function as it is."""
        if not isinstance(x, Tensor):
            raise TypeError(f"sparse: the point must be a Tensor, but got {type(x).__name__}")
        if not x.dtype.is_floating_point or x.dtype in dtypes.HALVES:
            raise TypeError("sparse: the point must be float32 or float64, which SciPy has matrices of, but is "
                            f"{x.dtype}")
        y: Any = None
        if self._known and self._known[0].compiled is not None and not self._known[0].written:
            known = self._known[0]
            try:
                return known.matrix(known.compiled(x, known.seeds(x), *args, **kwargs))
            except _Another as another:
                y, x = another.result, another.point
        with modes.enable_grad():
            if y is None:
                x = x.detach().requires_grad_()
                y = self._recorded(self._func, x, args, kwargs)
            found, run = self._prepared(y, x)
            if not found.count:
                return sparse.csr_array(found.pattern.shape, dtype=x.dtype.numpy)
            if self._compiles and found.compiled is None and not found.program.indices:  # of which no condition tells
                found.compiled = self._func.transformed(self._sums_of, found)
            if found.forward or y.numel() < LONG or run is None:
                return found.matrix(self._sums(found, y, x))
            return found.matrix(found.kept.sums(found.program, run, found.seeds(y), lambda: self._sums(found, y, x)))

    def _sums_of(self, func: Callable[..., Any], known: _Prepared) -> Callable[..., Any]:
        """The function of a point, and of seeds, that gives the sums of one program; `_Another` where it ran another.

        What holds for a compiled call, that it did what was captured, holds for the pattern, but for indices.
        """
        def sums(x: Any, seeds: Any, args: Any, kwargs: Any) -> Any:
            with modes.enable_grad():
                x = x.detach().requires_grad_()
                y = self._recorded(func, x, args, kwargs)
                if not known.fits(self._program(y, x), y, x):
                    raise _Another(y, x)
                return self._sums(known, y, x, seeds).detach()

        def called(x: Any, seeds: Any, *args: Any, **kwargs: Any) -> Any:
            return sums(x, seeds, args, kwargs)

        return called

    @property
    def pattern(self) -> Any:
        """Where the matrix of the last point has entries: a `csr_array` of bools."""
        return self._last.pattern

    @property
    def count(self) -> int:
        """How many sums, each of one colour, it was computed from."""
        return self._last.count

    @property
    def forward(self) -> bool:
        """Whether they were sums of columns, and not of rows."""
        return self._last.forward

    @property
    def _last(self) -> _Prepared:
        if not self._known:
            raise RuntimeError("sparse: not called yet")
        return self._known[0]

    def _recorded(self, func: Callable[..., Any], x: Any, args: Any, kwargs: Any) -> Any:
        """The function's result, or its gradient, with the history of all of its operations."""
        with calls_through_python.compiled_as_written():  # which else are one operation each
            y = func(x, *args, **kwargs)
        if not isinstance(y, Tensor):
            raise TypeError(f"sparse: the function must return a Tensor, but returned {type(y).__name__}")
        if not self._symmetric:
            return y
        if y.numel() != 1:
            raise RuntimeError(f"sparse.hessian: the function must return one number, not a tensor of shape "
                               f"{tuple(y.shape)}")
        if not y.requires_grad:
            return creation.zeros_like(x)
        (g,) = autograd.grad(y.sum(), x, create_graph=True, allow_unused=True)
        return creation.zeros_like(x) if g is None else g

    def _prepared(self, y: Any, x: Any) -> tuple[_Prepared, np.ndarray[Any, Any] | None]:
        """What is known of the program that led to y, and of this run of it (see `engine.described`)."""
        described = None
        if y.requires_grad:
            call.freshen(y)
            call.freshen(x)
            described = engine.described(y, x, any(known.kept.are_ready for known in self._known))
        if described is not None:
            for i, known in enumerate(self._known):
                if known.ran(*described, y, x):
                    self._known.insert(0, self._known.pop(i))
                    return known, described[1]
        program = self._program(y, x)
        for i, known in enumerate(self._known):
            if known.fits(program, y, x):
                self._known.insert(0, self._known.pop(i))
                break
        else:
            self._known.insert(0, _Prepared(program, y.numel(), x.numel(), self._symmetric))
            del self._known[MOST:]
        found = self._known[0]
        if described is None:
            return found, None
        if not found.program.indices:
            found.steps = described[0]
        return found, described[1]

    @staticmethod
    def _program(y: Any, x: Any) -> patterns.Program:
        return patterns.recorded(y, x) if y.requires_grad else patterns.NOTHING

    @staticmethod
    def _sums(found: _Prepared, y: Any, x: Any, seeds: Any = None) -> Any:
        """The sums of rows, or of columns, of each colour."""
        of, by = y, x
        if found.forward:  # the gradient is linear in its cotangent: its derivative by that is along directions
            by = creation.zeros_like(y).requires_grad_()
            (of,) = autograd.grad(y, x, by, create_graph=True, allow_unused=True)
        if of is None or not of.requires_grad:  # a derivative that is zero whatever the pattern allows
            return creation.zeros_like(by).expand(found.count, *by.shape)
        seeds = found.seeds(of) if seeds is None else seeds

        def sweep(seed: Any) -> Any:
            return autograd.grad(of, by, seed, retain_graph=True, allow_unused=True)

        if of.numel() >= LONG:
            swept = [sweep(seed)[0] for seed in seeds.unbind(0)]
            return PUBLIC["stack"]([creation.zeros_like(by) if g is None else g for g in swept])
        (sums,) = sweeps.together(sweep, [seeds])
        return creation.zeros_like(by).expand(found.count, *by.shape) if sums is None else sums


def jacobian(func: Callable[..., Any]) -> SparseDerivative:
    """The derivatives of a function's outputs by its first argument, as a sparse matrix.

    >>> import tapegrad as torch
    >>> J = jacobian(lambda x: x[1:] * x[:-1])
    >>> J(torch.tensor([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]], dtype=float32)

    Returns a function of a float32 or float64 tensor that gives a `scipy.sparse.csr_array`, with a row for each element
    of the output and a column for each of the input. Where its entries are is found the first time, from what the
    function did; a run that did something else is prepared anew. The derivative of a compiled function is compiled.
    Raises TypeError for other points and outputs.
    """
    return SparseDerivative(func, False)


def hessian(func: Callable[..., Any]) -> SparseDerivative:
    """The second derivatives of a function that returns one number, as a sparse matrix.

    >>> import tapegrad as torch
    >>> H = hessian(lambda x: (x[1:] * x[:-1] ** 2).sum())
    >>> H(torch.tensor([1.0, 2.0, 3.0])).toarray()
    array([[4., 2., 0.],
           [2., 6., 4.],
           [0., 4., 0.]], dtype=float32)

    As `jacobian`; RuntimeError for a function that returns more than one number.
    """
    return SparseDerivative(func, True)
