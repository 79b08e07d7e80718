"""The part of a builder that factors matrices: results to fill, and the calls of LAPACK that fill them."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.kernels.products import blas
from tapegrad.machine.kernels.structural import ROUTINES, STATUS, pointers
from tapegrad.machine.planning.plan import Pointer, Step, byte_strides
from tapegrad.machine.planning.step_builder import Builder
from tapegrad.machine.planning.structured_values import Copy, Expression, Traced
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym

ALONE = 128  # a matrix up to this size is factored by one thread: waking a second takes longer than it saves


class Scratch(NamedTuple):
    """Memory of one call: matrices that it may overwrite, the work of the routine, and the rest."""

    matrices: Traced
    work: Pointer
    rest: Pointer


class Factoring(Builder):
    """Factors, solutions by factors, and decompositions, of batches of matrices."""

    def result(self, of: dtype, shape: Sequence[int]) -> Traced:
        """A fresh contiguous result, for the rule to fill part by part."""
        return Traced(self, Pointer(rec.TARGET), self.layouts.intern(of, tuple(shape)))

    def copy_into(self, target: Traced, source: Traced) -> None:
        self.copy(target.place(), source.place())

    def fill(self, target: Traced, value: Any = 0) -> None:
        d = target.dtype
        self.region(target.shape, (), Sym.const(value, d), d, [byte_strides(target.layout, target.layout.strides)],
                    [target.pointer])

    def factors(self, x: Traced) -> Traced:
        """L, U and exchanges of square matrices (see `structural.factors`)."""
        x = x if x.layout.contiguous else Copy(x)
        *batch, n, _ = x.shape
        out = self.result(x.dtype, (*batch, n + 1, n))
        self._factored("lu", [math.prod(batch), n], out, x)
        return out

    def solved(self, factors: Traced, b: Traced | None, turned: bool = False, strict: bool = True) -> Traced:
        """A⁻¹ b by the factors of A, or its inverse; of Aᵀ when `turned`, and refusing a singular A when `strict`."""
        factors = factors if factors.layout.contiguous else Copy(factors)
        *batch, _, n = factors.shape
        out = self._filled(b) if b is not None else self.result(factors.dtype, (*batch, n, n))
        words = [math.prod(batch), n, out.shape[-1], int(turned), int(strict), 0, 0]
        self._factored("solve", words, out, factors, mode="inverse" if b is None else "")
        return out

    def solved_triangular(self, a: Traced, b: Traced, upper: bool, unitriangular: bool) -> Traced:
        """A⁻¹ b, where only the triangle of A is read."""
        columns = not a.layout.contiguous and self.transposed(a.layout).contiguous
        a = a if columns or a.layout.contiguous else Copy(a)
        out = self._filled(b)
        n, k = out.shape[-2:]
        if n and k:
            letters = ["R", "U" if upper == columns else "L", "T" if columns else "N", "U" if unitriangular else "N"]
            self._call("trsm", a, [*map(ord, letters), k, n, n, k], [(a.pointer, n * n), (out.pointer, n * k)])
        return out

    def cholesky(self, x: Traced, strict: bool) -> Traced:
        """The lower triangular factor of positive-definite matrices, of which only the lower triangle is read.

        Unless `strict`, the factor of another has NaN where its diagonal ends.
        """
        *batch, n, _ = x.shape
        if not strict:
            out = self._filled(x)
            self._factored("cholesky", [math.prod(batch), n, int(strict), 0, 0], out)
            return out
        out, factored = self.result(x.dtype, x.shape), Copy(x)
        self.fill(out)
        if n:
            self._call("potrf", x, [ord("U"), n, n], [(factored.pointer, n * n)])
            self._triangle_into(out, factored, False)
        return out

    def triangle(self, x: Traced, diagonal: float, upper: bool) -> Traced:
        """One triangle of square matrices and a multiple of their diagonal."""
        x = x if x.layout.contiguous else Copy(x)
        out = self.result(x.dtype, x.shape)
        *batch, n, _ = out.shape
        self.fill(out)
        self._triangle_into(out, x, upper)
        across = out.restrided((*batch, n), (*out.layout.strides[:-2], n + 1))
        if diagonal != 1:
            Expression.of("mul", (across, diagonal)).write(across.pointer, across.layout, False)
        return out

    def _triangle_into(self, out: Traced, x: Traced, upper: bool) -> None:
        """Copy one triangle of square matrices; both lie row by row."""
        n = x.shape[-1]
        if n:
            self._call("lacpy", x, [ord("LU"[not upper]), n, n, n, n], [(x.pointer, n * n), (out.pointer, n * n)])

    def _filled(self, x: Traced) -> Traced:
        """A contiguous result that starts as a copy of `x`."""
        out = self.result(x.dtype, x.shape)
        self.copy_into(out, x)
        return out

    def _factored(self, family: str, nest: list[int], *values: Traced, mode: str = "") -> None:
        address = structural.lapack(family, values[0].dtype, mode)
        self.steps.append(Step(address, 0, np.array(nest, "i8"), tuple(v.pointer for v in values)))

    # ------------------------------------------------------------ decompositions: one routine, one result
    # What a routine finds lies in one row for each matrix. LAPACK counts along columns, so that it sees xᵀ.

    def singular(self, x: Traced, vectors: str) -> Traced:
        """[U, Vᵀ, s]: U and Vᵀ with all their vectors ("A"), those that x has ("S"), or s alone ("N")."""
        *batch, m, n = x.shape
        k = min(m, n)
        p, q = {"A": (m, n), "S": (k, k), "N": (0, 0)}[vectors]
        out = self.result(x.dtype, (*batch, m * p + q * n + k))
        u, vt, s = (self._part(out, *place) for place in ((0, m * p), (m * p, q * n), (m * p + q * n, k)))
        if not k:
            for part, size in ((u, m), (vt, n)):
                self.fill(part)
                if vectors == "A" and size:
                    self.fill(part.restrided((*batch, size), (*part.layout.strides[:-1], size + 1)), 1)
            return out
        words = [ord(vectors), n, m, n, n, max(p, 1)]
        work = blas.room("gesdd", x.dtype, ROUTINES["gesdd"], (*words, 0))
        scratch, row = self._scratch(x, x.shape, work, 8 * k), out.shape[-1]
        self._call("gesdd", x, [*words, work], [  # xᵀ = V diag(s) Uᵀ
            (scratch.matrices.pointer, m * n), (s.pointer, row), (vt.pointer, row), (u.pointer, row), (scratch.work, 0),
            (scratch.rest, 0)])
        return out

    def symmetric(self, x: Traced, upper: bool, vectors: bool) -> Traced:
        """[Vᵀ, w] of matrices of which one triangle is read, or w alone."""
        *batch, n, _ = x.shape
        out = self.result(x.dtype, (*batch, n * n * vectors + n))
        if not n:
            return out
        words, integers = [ord("NV"[vectors]), ord("LU"[not upper]), n, n], 3 + 5 * n if vectors else 1
        work = max(blas.room("syevd", x.dtype, ROUTINES["syevd"], (*words, 1, integers)), 1 + 6 * n + 2 * n * n)
        scratch, row = self._scratch(x, (0,) if vectors else x.shape, work, integers), out.shape[-1]
        place = (scratch.matrices.pointer, n * n)
        if vectors:  # where they are to be, the routine reads the matrix
            v = self._part(out, 0, n * n)
            self.copy_into(v.reshape(*batch, n, n), x)
            place = (v.pointer, row)
        self._call("syevd", x, [*words, work, integers], [
            place, (self._part(out, row - n, n).pointer, row), (scratch.work, 0), (scratch.rest, 0)])
        return out

    def orthogonal(self, x: Traced, complete: bool) -> Traced:
        """[Qᵀ, Rᵀ], Q square when `complete`."""
        *batch, m, n = x.shape
        k = min(m, n)
        c = m if complete else k
        out = self.result(x.dtype, (*batch, c * m + n * c))
        q, r = self._part(out, 0, c * m), self._part(out, c * m, n * c)
        self.fill(out)
        if not k:
            if c:
                self.fill(q.restrided((*batch, c), (*q.layout.strides[:-1], m + 1)), 1)
            return out
        work = max(blas.room("geqrf", x.dtype, ROUTINES["geqrf"], (m, n, m, 0)),
                   blas.room("orgqr", x.dtype, ROUTINES["orgqr"], (m, c, k, m, 0)))
        scratch = self._scratch(x.mT, (*batch, n, m), work, 0, math.prod(batch) * k)
        columns, row = scratch.matrices, out.shape[-1]
        at, more = (columns.pointer, m * n), [(scratch.rest, k), (scratch.work, 0)]
        self._call("geqrf", x, [m, n, m, work], [at, *more])
        self._call("lacpy", x, [ord("U"), k, n, m, c], [at, (r.pointer, row)])
        self.copy_into(q.reshape(*batch, c, m).narrow(len(batch), 0, k), columns.narrow(len(batch), 0, k))
        self._call("orgqr", x, [m, c, k, m, work], [(q.pointer, row), *more])
        return out

    def _part(self, out: Traced, start: int, length: int) -> Traced:
        return out.narrow(out.ndim - 1, start, length)

    def _scratch(self, x: Traced, shape: Sequence[int], work: int, integers: int, more: int = 0) -> Scratch:
        """Memory for a copy of `x` in `shape` (of no elements where none is wanted), for the routine's work, and for
        so many whole numbers, or elements, besides."""
        item = x.dtype.itemsize
        sizes = [-(-size // 8) * 8 for size in (math.prod(shape) * item, work * item, integers * 4 + more * item)]
        source = self.room(sum(sizes))
        matrices = Traced(self, Pointer(source), self.layouts.intern(x.dtype, tuple(shape)))
        if matrices.layout.numel:
            self.copy_into(matrices, x)
        return Scratch(matrices, Pointer(source, sizes[0]), Pointer(source, sizes[0] + sizes[1]))

    def _call(self, routine: str, x: Traced, words: Sequence[int], places: Sequence[tuple[Pointer, int]]) -> None:
        """A step that calls a routine for each matrix of `x`; places move by so many elements from one to the next."""
        takes = ROUTINES[routine]
        places = [places[k] for k in pointers(takes)]
        strides = [step * x.dtype.itemsize for _, step in places]
        nest = [math.prod(x.shape[:-2]), max(x.shape[-2:]) <= ALONE, *words, *strides, 0, 0]
        self.steps.append(Step(structural.lapack_call(routine, x.dtype), 0, np.array(nest, "i8"),
                               tuple(pointer for pointer, _ in places), patient=STATUS not in takes))
