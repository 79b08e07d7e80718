"""The jitted kernels of linear algebra: LAPACK and BLAS over batches of contiguous row-major matrices.

LAPACK counts along columns, so that it sees every matrix transposed: what it factors is Aᵀ = P L U, and A x = b reads
xᵀ P L U = bᵀ, with no copy of either. Nests are int64 words; where a matrix can be refused the last two are left saying
which of the batch, and at which of its diagonal elements (from 1).
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.kernels.structural.elements import NUMBA, NUMPY, view_of
from tapegrad.machine.kernels.structural.sorting import free, malloc
from tapegrad.machine.native.glue import Callee, external, native, signed_words, stack_words, types, u64, words
from tapegrad.machine.native.portable import promise

U0, U1, U8 = np.uint64(0), np.uint64(1), np.uint64(8)
REFUSED = np.int32(rec.REFUSED)
R, N, T, L, U = (np.uint64(ord(letter)) for letter in "RNTLU")
i32_at: Callee = view_of("i32")


def _routine(name: str, of: str, arguments: int) -> Any:
    symbol = f"tapegrad_{'d' if of == 'f64' else 's'}{name}"
    promise(symbol)
    return external(symbol, types.void, *[u64] * arguments)


def lu(mode: str, of: str) -> Any:
    """Factors of square matrices. Pointers: out, x. Nest: [batches, n].

    Each result has a row more than its matrix: L and U as LAPACK leaves them, then how far below each row that one was
    which it was exchanged with.
    """
    at, element, getrf = view_of(of), NUMBA[of], _routine("getrf", of, 6)
    item = np.uint64(np.dtype(NUMPY[of]).itemsize)

    def kernel(pointers, nest):
        batches, n = words(nest)[U0], words(nest)[U1]
        out, x = words(pointers)[U0], words(pointers)[U1]
        sizes = stack_words(1)
        i32_at(sizes)[U0] = np.int32(n)
        pivots = malloc(n * U8 + U8)
        for _ in range(batches if n > U0 else U0):
            for i in range(n * n):
                at(out)[i] = at(x)[i]
            getrf(sizes, sizes, out, sizes, pivots, sizes + np.uint64(4))
            for i in range(n):
                if at(out)[i * (n + U1)] != at(out)[i * (n + U1)]:  # OpenBLAS does not divide by a pivot that is NaN
                    for column in range(i, n):
                        for below in range(i + U1, n):
                            at(out)[column * n + below] = np.nan
                    break
            last = out + n * n * item
            for i in range(n):
                at(last)[i] = element(i32_at(pivots)[i] - np.int32(i) - np.int32(1))
            x += n * n * item
            out += n * (n + U1) * item
        free(pivots)
        return np.int32(0)

    return kernel


def _trsm(of: str) -> Any:
    """X = B op(T)⁻¹ in column order, in place of B: n by n triangles, k rows of B."""
    at, trsm = view_of(of), _routine("trsm", of, 11)

    @native
    def run(triangle, turned, unit, k, n, t, b):
        letters, sizes, one = stack_words(4), stack_words(1), stack_words(1)
        words(letters)[U0] = R
        words(letters)[U1] = triangle
        words(letters)[np.uint64(2)] = turned
        words(letters)[np.uint64(3)] = unit
        i32_at(sizes)[U0] = np.int32(k)
        i32_at(sizes)[U1] = np.int32(n)
        at(one)[U0] = 1
        wide = sizes + np.uint64(4)
        trsm(letters, letters + U8, letters + np.uint64(16), letters + np.uint64(24), sizes, wide, one, t, wide, b,
             sizes)

    return run


def solve(mode: str, of: str) -> Any:
    """Solutions by factors of `lu`, in place of the right sides, or ("inverse") of the identity that it writes.

    Pointers: out, factors. Nest: [batches, n, columns, whether of Aᵀ, whether to refuse singular ones, two words].
    """
    at, trsm = view_of(of), _trsm(of)
    item = np.uint64(np.dtype(NUMPY[of]).itemsize)
    inverse = mode == "inverse"

    @native
    def exchange(out, pivots, i, n, k):
        distance = np.int64(at(pivots)[i])
        j = i + np.uint64(distance)
        if distance <= 0 or j >= n:  # factors from a file may say anything
            return
        for c in range(k):
            at(out)[i * k + c], at(out)[j * k + c] = at(out)[j * k + c], at(out)[i * k + c]

    def kernel(pointers, nest):
        w = signed_words(nest)
        batches, n, k = words(nest)[U0], words(nest)[U1], words(nest)[np.uint64(2)]
        turned, strict = w[np.uint64(3)] != 0, w[np.uint64(4)] != 0
        out, factors = words(pointers)[U0], words(pointers)[U1]
        for b in range(batches if n > U0 else U0):
            pivots = factors + n * n * item
            for i in range(n if strict else U0):
                if at(factors)[i * (n + U1)] == 0:
                    w[np.uint64(5)] = np.int64(b)
                    w[np.uint64(6)] = np.int64(i) + 1
                    return REFUSED
            if k == U0:  # nothing is left to be solved, nor is this a size of rows to BLAS
                factors += n * (n + U1) * item
                continue
            if inverse:
                for i in range(n * n):
                    at(out)[i] = 0
                for i in range(n):
                    at(out)[i * (n + U1)] = 1
            if turned:
                for i in range(n):
                    exchange(out, pivots, i, n, k)
                trsm(L, T, U, k, n, factors, out)
                trsm(U, T, N, k, n, factors, out)
            else:
                trsm(U, N, N, k, n, factors, out)
                trsm(L, N, U, k, n, factors, out)
                for i in range(n):
                    exchange(out, pivots, n - U1 - i, n, k)
            out += n * k * item
            factors += n * (n + U1) * item
        return np.int32(0)

    return kernel


def cholesky(mode: str, of: str) -> Any:
    """Lower factors, in place of positive-definite matrices. Pointers: out.

    Nest: [batches, n, whether others are refused and not marked by NaN, two words].
    """
    at, potrf = view_of(of), _routine("potrf", of, 5)
    item = np.uint64(np.dtype(NUMPY[of]).itemsize)

    def kernel(pointers, nest):
        w = signed_words(nest)
        batches, n, out = words(nest)[U0], words(nest)[U1], words(pointers)[U0]
        letter, sizes = stack_words(1), stack_words(1)
        words(letter)[U0] = U
        i32_at(sizes)[U0] = np.int32(n)
        for b in range(batches if n > U0 else U0):
            for j in range(n):  # OpenBLAS takes zero times infinity for zero
                if at(out)[j * (n + U1)] == np.inf:
                    for i in range(j + U1, n):
                        if not np.isfinite(at(out)[i * n + j]):
                            at(out)[i * (n + U1)] = np.nan
            potrf(letter, sizes, out, sizes, sizes + np.uint64(4))
            place = np.uint64(i32_at(sizes)[U1])
            for i in range(n if place == U0 else place):  # to OpenBLAS NaN is no number that is not positive
                if at(out)[i * (n + U1)] != at(out)[i * (n + U1)]:
                    place = i + U1
                    break
            if place != U0:
                if w[np.uint64(2)] != 0:
                    w[np.uint64(3)] = np.int64(b)
                    w[np.uint64(4)] = np.int64(place)
                    return REFUSED
                at(out)[(place - U1) * (n + U1)] = np.nan
            for i in range(n):
                for j in range(i + U1, n):
                    at(out)[i * n + j] = 0
            out += n * n * item
        return np.int32(0)

    return kernel


FAMILIES = {"lu": lu, "solve": solve, "cholesky": cholesky}
