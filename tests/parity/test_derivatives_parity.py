"""Derivatives where they are delicate, to the third order: zeros in products, overlapping windows, singular values."""
from __future__ import annotations

import numpy as np
import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

RNG = np.random.default_rng(0)
SYMMETRIC = (lambda a: a + a.T)(RNG.standard_normal((3, 3)))
FUNCTIONS = {
    "cumprod": (lambda t, x: x.cumprod(0), [[1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 3.0, 5.0], [2.0, 3.0, 0.0, 4.0],
                                            [2.0, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 2.0, 3.0, 0.0]]),
    "cumprod of columns": (lambda t, x: x.cumprod(0), [[[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]]]),
    "nuclear norm": (lambda t, x: t.linalg.matrix_norm(x, "nuc"), [RNG.standard_normal(s) for s in
                                                                   ((3, 3), (4, 2), (2, 4), (2, 3, 2))]),
    "nuclear norm by name": (lambda t, x: t.norm(x, "nuc", dim=(0, 1)), [RNG.standard_normal((2, 3, 2))]),
    "spectral norm": (lambda t, x: t.linalg.matrix_norm(x, 2), [RNG.standard_normal((3, 2))]),
    "smallest": (lambda t, x: t.linalg.matrix_norm(x, -2), [RNG.standard_normal((3, 3))]),
    "singular values": (lambda t, x: t.linalg.svdvals(x), [RNG.standard_normal((3, 2))]),
    "singular vectors": (lambda t, x: (lambda u, s, vt: (u * s) @ vt + (u @ vt))(*t.linalg.svd(x, False)),
                         [RNG.standard_normal((2, 2)), RNG.standard_normal((3, 2)), RNG.standard_normal((2, 3))]),
    "eigenvalues": (lambda t, x: t.linalg.eigvalsh(x + x.mT), [SYMMETRIC]),
    "eigenvectors": (lambda t, x: (lambda w, v: (v * w.exp()) @ v.mT)(*t.linalg.eigh(x + x.mT)), [SYMMETRIC]),
    "q r": (lambda t, x: (lambda q, r: (q @ q.mT).sum() + (r * r).sum(0))(*t.linalg.qr(x)),
            [RNG.standard_normal((3, 2)), RNG.standard_normal((2, 2))]),
    "pinv": (lambda t, x: t.linalg.pinv(x), [RNG.standard_normal((3, 2)), RNG.standard_normal((2, 3))]),
    "matrix_exp": (lambda t, x: t.linalg.matrix_exp(x), [RNG.standard_normal((2, 2))]),
    "cholesky_solve": (lambda t, x: t.cholesky_solve(t.ones(2, 1, dtype=t.float64), x), [np.array([[2.0, 0], [1, 3]])]),
    **{name: (function, [RNG.standard_normal((3, 3)), RNG.standard_normal((2, 2, 2))]) for name, function in {
        "inv": lambda t, x: t.linalg.inv(x), "det": lambda t, x: t.linalg.det(x),
        "slogdet": lambda t, x: t.linalg.slogdet(x)[1], "solve": lambda t, x: t.linalg.solve(x, x.exp()),
        "cholesky": lambda t, x: t.linalg.cholesky(x @ x.mT + t.eye(x.shape[-1], dtype=t.float64)),
        "solve_triangular": lambda t, x: t.linalg.solve_triangular(x, x.exp(), upper=True, unitriangular=True),
        "of lower": lambda t, x: t.linalg.solve_triangular(x.mT, x.exp(), upper=False, left=False)}.items()},
    "reflected": (lambda t, x: t.nn.functional.pad(x, (2, 1), "reflect").exp(), [RNG.standard_normal((1, 4))]),
    "circular": (lambda t, x: t.nn.functional.pad(x, (2, 1, 1, 1), "circular").exp(), [RNG.standard_normal((1, 2, 3))]),
    "replicated": (lambda t, x: t.nn.functional.pad(x, (3, 1), "replicate").exp(), [RNG.standard_normal((2, 2))]),
}
CASES = [pytest.param(function, x, id=f"{name} {i}") for name, (function, xs) in FUNCTIONS.items()
         for i, x in enumerate(xs)]


@pytest.mark.parametrize("function, x", CASES)
def test_three_derivatives(function, x):
    def derivatives(t):
        leaf = t.tensor(np.array(x), requires_grad=True)
        weight = t.linspace(1, 2, leaf.numel(), dtype=t.float64).reshape(leaf.shape)
        y = function(t, leaf)
        found = [y]
        y = (y * t.linspace(0.5, 1.5, y.numel(), dtype=t.float64).reshape(y.shape)).sum()
        for _ in range(3):
            (y,) = t.autograd.grad(y, leaf, create_graph=True, allow_unused=True) if y.requires_grad else (None,)
            if y is None:
                break
            found.append(y)
            y = (y * weight).sum()
        return [v.detach().numpy() for v in found]

    theirs, ours = derivatives(torch), derivatives(tapegrad)
    beyond = max(ours, theirs, key=len)[min(len(ours), len(theirs)):]  # a derivative that is absent is zero
    assert not any(v.any() for v in beyond)
    for order, (found, wanted) in enumerate(zip(ours, theirs)):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8, err_msg=f"derivative {order}")


WINDOWS = [(16, (2, 2, 2, 2), (1, 1, 1, 1), 0), (4, (2, 2), (1, 1), 0), (6, (3, 2), (1, 1), 0),
           (8, (2, 2, 2), (1, 1, 1), 1),
           (6, (3,), (0,), 0), (10, (4, 4), (2, 1), 0), (10, (3, 3), (0, 1), 0), (40, (17, 17), (1, 1), 0),
           (4, (3, 3), (0, 0), 1), (10, (2, 4), (3, 2), 0), (9, (3, 3), (1, 3), 0)]


@pytest.mark.parametrize("n, size, stride, start", WINDOWS)
def test_windows_that_overlap(n, size, stride, start):
    def gradients(t):
        x = t.arange(float(n)).requires_grad_()
        y = x.as_strided(size, stride, start)
        weight = t.arange(float(np.prod(size))).reshape(size)
        (g,) = t.autograd.grad((y * y * weight).sum(), x, create_graph=True)
        g.sum().backward()
        return g.tolist(), x.grad.tolist()

    assert gradients(tapegrad) == gradients(torch)


PADDED = [
    ((1, 6), (6, 1), "reflect", None), ((1, 6), (7, 1), "circular", None), ((1, 6), (-7, 0), "replicate", None),
    ((1, 6), (-7, 0), "reflect", None), ((6,), (1, 0), "reflect", None), ((1, 2, 3), (1, 0, 1), "reflect", None),
    ((1, 2, 3), (1, 0, 1, 1, 1, 1), "reflect", None), ((1, 6), (1, 0), "reflect", 1.0), ((1, 6), (1, 0), "foo", None),
    ((1, 6), (-2, 1), "circular", None), ((1, 6), (-7, 1), "circular", None), ((1, 6), (-2, 3), "reflect", None),
    ((0, 6), (1, 0), "reflect", None), ((1, 0, 6), (1, 0), "reflect", None), ((2, 1, 0), (1, 0), "replicate", None),
    ((1, 2, 3), (1, 1, 1, 1), "reflect", None), ((1, 6), (0, 0), "reflect", None),
    ((2, 3), (1, 1), "constant", 2.0),
]


@pytest.mark.parametrize("shape, sides, mode, value", PADDED)
def test_padding(shape, sides, mode, value):
    def padded(t):
        return t.nn.functional.pad(t.arange(float(np.prod(shape))).reshape(shape), sides, mode, value)

    def outcome(t):
        found = refusal(lambda: padded(t))
        return (found[0], found[1].splitlines()[0]) if isinstance(found, tuple) else found

    assert outcome(tapegrad) == outcome(torch)


REFUSED = {
    "inv": lambda t, x: t.linalg.inv(x), "solve": lambda t, x: t.linalg.solve(x, x),
    "cholesky": lambda t, x: t.linalg.cholesky(x - 0.5 * t.eye(2)),
}


@pytest.mark.parametrize("x", [[[1.0, 2.0], [2.0, 4.0]], [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]])
@pytest.mark.parametrize("name", REFUSED)
def test_which_matrix_is_refused(name, x):
    (_, wanted), (_, found) = (refusal(lambda t=t: REFUSED[name](t, t.tensor(x))) for t in (torch, tapegrad))
    assert found == wanted


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_second_derivative_of_a_singular_determinant_is_refused(create_graph):
    x = tapegrad.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    (first,) = tapegrad.autograd.grad(x.det(), x, create_graph=True)
    assert first.tolist() == [[pytest.approx(v, abs=1e-5) for v in row] for row in ((4, -2), (-2, 1))]
    with pytest.raises(tapegrad.linalg.LinAlgError, match="singular"):
        tapegrad.autograd.grad((first * first).sum(), x, create_graph=create_graph)
