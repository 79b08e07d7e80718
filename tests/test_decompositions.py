"""Decompositions: what they refuse, shapes without elements, and how many threads LAPACK has."""
from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest

import tapegrad as T
from tapegrad.machine.kernels.products import blas

L = T.linalg
NAN = {"svd": L.svd, "svdvals": L.svdvals, "pinv": L.pinv, "matrix_rank": L.matrix_rank, "cond": L.cond,
       "nuclear norm": lambda x: L.matrix_norm(x, "nuc")}


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", NAN)
def test_matrices_that_are_not_finite(name, grad):
    good = T.eye(3).expand(2, 3, 3).clone()
    bad = good.clone()
    bad[1, 0, 0] = math.nan
    for _ in range(2):
        NAN[name](good.requires_grad_(grad))
        with pytest.raises(L.LinAlgError, match=r"svd: \(Batch element 1\): .*converge.* non-finite values"):
            NAN[name](bad)
        with pytest.raises(L.LinAlgError, match=r"linalg\.svd: The algorithm failed to converge"):
            NAN[name](bad[1])


@pytest.mark.parametrize("function", [L.eigh, L.eigvalsh])
def test_eigenvalues_that_are_not_found(function):
    bad = T.full((2, 3, 3), math.nan)
    bad[0] = T.eye(3)
    for _ in range(2):
        with pytest.raises(L.LinAlgError, match=r"linalg.eigh: \(Batch element 1\): The algorithm failed to converge"):
            function(bad)
        function(bad[0])


@pytest.mark.parametrize("dtype", [T.float32, T.float64])
@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 0), (0, 3), (2, 0, 3), (2, 3, 0), (0, 0), (2, 0, 0), (0, 2, 4)])
def test_shapes_without_elements(shape, dtype):
    x = T.ones(shape, dtype=dtype, requires_grad=True)
    *batch, m, n = shape
    k = min(m, n)
    for full in (False, True):
        u, s, vt = L.svd(x, full_matrices=full)
        p, q = (m, n) if full else (k, k)
        assert (u.shape, s.shape, vt.shape) == ((*batch, m, p), (*batch, k), (*batch, q, n))
        if full and 0 not in batch:
            assert (u @ u.mT).tolist() == T.eye(m).expand(*batch, m, m).tolist()
    q, r = L.qr(x)
    assert (q.shape, r.shape) == ((*batch, m, k), (*batch, k, n))
    q, r = L.qr(x.detach(), "complete")
    assert (q.shape, r.shape) == ((*batch, m, m), (*batch, m, n))
    assert L.pinv(x).shape == (*batch, n, m)
    if m == n:
        w, v = L.eigh(x)
        assert (w.shape, v.shape, L.eigvalsh(x).shape) == ((*batch, n), tuple(shape), (*batch, n))
    (s.sum() + u.sum()).backward()
    assert x.grad.shape == shape and not x.grad.numel()


@pytest.mark.parametrize("dtype", [T.float32, T.float64])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (7, 3), (3, 7), (2, 5, 3), (2, 2, 3, 5), (140, 20)])
def test_factors_give_the_matrix(shape, dtype):
    T.manual_seed(0)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype is T.float32 else {"rtol": 1e-9, "atol": 1e-9}
    for x in (T.randn(shape, dtype=dtype), T.randn(*shape[:-2], shape[-1], 2 * shape[-2], dtype=dtype)[..., ::2].mT):
        k = min(shape[-2:])
        for full in (False, True):
            u, s, vt = L.svd(x, full_matrices=full)
            assert T.allclose(u[..., :k] * s.unsqueeze(-2) @ vt[..., :k, :], x, **tolerance)
            eye = T.eye(u.shape[-1], dtype=dtype)
            assert T.allclose(u.mT @ u, eye.expand(*shape[:-2], *eye.shape), **tolerance)
        assert T.allclose(L.svdvals(x), s, **tolerance)
        for mode in ("reduced", "complete"):
            q, r = L.qr(x, mode)
            assert T.allclose(q @ r, x, **tolerance) and T.equal(r, r.triu())
        assert T.equal(L.qr(x, "r").R, L.qr(x).R)
        both = x @ x.mT
        for uplo in "LU":
            half = both.tril() if uplo == "L" else both.triu()
            w, v = L.eigh(half, UPLO=uplo)
            assert T.allclose(v * w.unsqueeze(-2) @ v.mT, both, rtol=1e-3, atol=1e-2 if dtype is T.float32 else 1e-8)
            assert T.allclose(L.eigvalsh(half, UPLO=uplo), w, rtol=1e-3, atol=1e-2 if dtype is T.float32 else 1e-8)


def test_values_alone_have_gradients_where_vectors_have_none():
    x = T.diag(T.tensor([2.0, 2.0, 0.0], dtype=T.float64)).requires_grad_()
    L.svdvals(x).sum().backward()  # equal values, and one that is zero
    assert x.grad.isfinite().all() and x.grad[0, 0] == x.grad[1, 1] == 1
    x.grad = None
    L.svd(x[:, :2]).S.sum().backward()
    assert x.grad.isfinite().all()
    x.grad = None
    L.eigvalsh(x).sum().backward()
    assert T.allclose(x.grad, T.eye(3, dtype=T.float64))


def test_names_and_edges():
    x = T.eye(3, dtype=T.float64).requires_grad_()
    for values, name in ((L.svdvals(x), "LinalgSvdBackward0"), (L.eigvalsh(x), "LinalgEighBackward0")):
        assert type(values.grad_fn).__name__ == name
        assert [type(n).__name__ for n, _ in values.grad_fn.next_functions] == ["AccumulateGrad"]


# ---------------------------------------------------------------- threads


def told():
    """How many threads SciPy's and NumPy's BLAS say they use; None where they cannot be asked."""
    found = []
    for library in (blas._library(), blas._numpys()):
        address = blas._entry(library, "get")
        found.append(ctypes.CFUNCTYPE(ctypes.c_int)(address)() if address else None)
    return found


def test_libraries_have_our_thread_count():
    before = T.get_num_threads()
    try:
        for number in (1, 2, before):
            T.set_num_threads(number)
            L.svdvals(T.eye(3))
            assert all(n in (number, None) for n in told())
    finally:
        T.set_num_threads(before)


def test_small_matrices_take_one_thread_and_leave_the_count():
    before = T.get_num_threads()
    T.set_num_threads(2)
    try:
        for _ in range(2):
            for n in (3, 50, 200):
                x = T.tensor(np.random.default_rng(n).standard_normal((n, n)), requires_grad=True)
                (L.svd(x).S.sum() + L.qr(x).R.sum() + L.eigvalsh(x).sum()).backward()
                assert all(n in (2, None) for n in told())
            with pytest.raises(L.LinAlgError):
                L.svdvals(T.full((3, 3), math.nan))
            assert all(n in (2, None) for n in told())
    finally:
        T.set_num_threads(before)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("place", [0, 1, 4])
@pytest.mark.parametrize("dtype", [T.float32, T.float64])
def test_singular_values_of_what_is_not_finite(value, place, dtype):
    """LAPACK's routine may run for ever on an infinity: NaN is refused, and what is infinite has NaN."""
    a = T.eye(3, dtype=dtype) + 1
    a.view(-1)[place] = value
    for function in (T.linalg.svd, T.linalg.svdvals, T.linalg.pinv):
        if value == value:
            found = function(T.stack([T.eye(3, dtype=dtype), a]))
            for x in found if isinstance(found, tuple) else (found,):
                assert x[0].isfinite().all() and x[1].isnan().all()
            continue
        with pytest.raises(T.linalg.LinAlgError, match="contained non-finite values"):
            function(a)
        with pytest.raises(T.linalg.LinAlgError, match=r"\(Batch element 1\).*contained non-finite values"):
            function(T.stack([T.eye(3, dtype=dtype), a]))
    both = T.stack([T.eye(3, dtype=dtype), a]).requires_grad_()
    T.linalg.det(both).sum().backward()
    assert T.equal(both.grad[0], T.eye(3, dtype=dtype)) and both.grad[1].isnan().all()


@pytest.mark.parametrize("size", [1e-12, 1e-5, 1e4, 1e11])
@pytest.mark.parametrize("n", [1, 3])
def test_the_gradient_of_an_exponential_is_linear_to_the_last_digits(n, size):
    """Also where the cotangent is far larger than the matrix, or smaller; its derivatives as well."""
    a, g, v = (T.from_numpy(np.random.default_rng(k).standard_normal((n, n))) for k in range(3))

    def cotangent(scale):
        return T.func.vjp(T.linalg.matrix_exp, a)[1](g * scale)[0]

    def tangent(scale):
        return T.func.jvp(
            lambda x: T.func.vjp(T.linalg.matrix_exp, x)[1](g * scale)[0], (a,), (v,))[1]

    for derivative in (cotangent, tangent):
        np.testing.assert_allclose(derivative(size).numpy() / size, derivative(1.0).numpy(), rtol=1e-12, atol=1e-13)
    assert not cotangent(0.0).any() and not tangent(0.0).any()
