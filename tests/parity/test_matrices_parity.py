"""What linear algebra refuses, where NaN goes in it, and which triangle is read: the same calls of both libraries."""
from __future__ import annotations

import pytest
from both import assert_alike, outcome

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

NAN, INFINITE = float("nan"), float("inf")
MATRICES = {
    "first": [[NAN, 1.0], [1, 2]], "above": [[1.0, NAN], [1, 2]], "below": [[1.0, 1], [NAN, 2]],
    "last": [[1.0, 1], [2, NAN]], "middle": [[2.0, 1, 0], [1, NAN, 1], [0, 1, 2]],
    "last of three": [[2.0, 1, 0], [1, 2, 1], [0, 1, NAN]], "of a batch": [[[2.0, 1], [1, 2]], [[NAN, 1], [1, 2]]],
    "before a minor": [[NAN, 0.0, 0], [0, 1, 0], [0, 0, -1]], "zero": [[0.0, 0], [0, 0]],
    "singular": [[1.0, 2], [2, 4]], "of a batch, singular": [[[1.0, 0], [0, 1]], [[1, 1], [1, 1]]],
    "indefinite": [[1.0, 2], [2, 1]], "fine": [[4.0, 1], [1, 3]],
}
FUNCTIONS = {
    "cholesky": lambda t, a: t.linalg.cholesky(a),
    "cholesky_ex": lambda t, a: t.linalg.cholesky_ex(a).info,
    "cholesky_ex, checked": lambda t, a: t.linalg.cholesky_ex(a, check_errors=True),
    "lu": lambda t, a: list(t.linalg.lu(a)[1:]),
    "lu_factor": lambda t, a: list(t.linalg.lu_factor(a)),
    "lu_factor_ex": lambda t, a: list(t.linalg.lu_factor_ex(a)),
    "lu_factor_ex, checked": lambda t, a: list(t.linalg.lu_factor_ex(a, check_errors=True)),
    "former lu": lambda t, a: list(t.lu(a, get_infos=True)),
    "solve": lambda t, a: t.linalg.solve(a, t.ones(*a.shape[:-1], 2)),
    "solve_ex": lambda t, a: t.linalg.solve_ex(a, t.ones(*a.shape[:-1], 2)).info,
    "solve_ex, checked": lambda t, a: t.linalg.solve_ex(a, t.ones(*a.shape[:-1], 2), check_errors=True).result,
    "inv": lambda t, a: t.linalg.inv(a),
    "inv_ex, checked": lambda t, a: t.linalg.inv_ex(a, check_errors=True).inverse,
    "det": lambda t, a: t.linalg.det(a),
    "cholesky_solve": lambda t, a: t.cholesky_solve(t.ones(*a.shape[:-1], 1), a + 2 * t.eye(a.shape[-1])),
}
CALLS = {f"{name} of {of}": lambda t, f=f, m=m: f(t, t.tensor(m))
         for name, f in FUNCTIONS.items() for of, m in MATRICES.items()}
BEYOND = {"infinite": [[INFINITE, INFINITE], [INFINITE, INFINITE]], "an infinite pivot": [[INFINITE, 1.0], [1, 2]],
          "one": [[INFINITE]], "infinite, diagonal": [[INFINITE, 0.0], [0, INFINITE]],
          "with an infinity": [[1.0, 2, 3], [4, -INFINITE, 1], [0, 1, 2]], "beside NaN": [[INFINITE, NAN], [NAN, 2]],
          "of a batch, infinite": [[[4.0, 1], [1, 3]], [[INFINITE, INFINITE], [INFINITE, 2]], [[1, 0], [0, 1]]]}
SIZES = {"svdvals": lambda t, a: t.linalg.svdvals(a), "svd": lambda t, a: t.linalg.svd(a)[1],
         "matrix_rank": lambda t, a: t.linalg.matrix_rank(a), "cholesky": FUNCTIONS["cholesky"],
         "cholesky_ex": FUNCTIONS["cholesky_ex"], **{f"a norm, {p}": lambda t, a, p=p: t.linalg.matrix_norm(a, p)
                                                     for p in ("nuc", 2, -2)},
         **{f"cond, {p}": lambda t, a, p=p: t.linalg.cond(a, p) for p in (None, "nuc", "fro", 1)}}
CALLS |= {f"{name} of {of}": lambda t, f=f, m=m: f(t, t.tensor(m, dtype=t.float64))
          for name, f in SIZES.items() for of, m in BEYOND.items()}
CALLS |= {f"upper triangle, {f}, gradient {g}": lambda t, f=f, g=g: (lambda a: eval(f)(a, upper=True))(
    t.tensor([[4.0, 1], [0.5, 3]], requires_grad=g)) for g in (False, True)
    for f in ("t.linalg.cholesky", "t.linalg.cholesky_ex", "t.cholesky")}
CALLS |= {f"{name} of what is {of}": lambda t, f=f, a=a: f(t, a(t)) for name, f in FUNCTIONS.items() for of, a in {
    "no matrix": lambda t: t.ones(3), "whole": lambda t: t.eye(2, dtype=t.int64), "empty": lambda t: t.ones(0, 0),
}.items() if name.startswith(("lu", "solve_ex"))}
CALLS |= {
    "solve_ex, right": lambda t: t.linalg.solve_ex(t.eye(3) * 2, t.ones(2, 3), left=False).result,
    "solve_ex, no system": lambda t: t.linalg.solve_ex(t.eye(2), t.ones(3)),
    "solve_ex, a gradient": lambda t: (lambda a: list(t.autograd.grad(
        t.linalg.solve_ex(a, t.ones(2)).result.sum(), a)))(t.tensor([[4.0, 1], [1, 3]], requires_grad=True)),
    "solve, no right sides": lambda t: t.linalg.solve(t.stack([t.eye(2), t.ones(2, 2)]), t.ones(2, 2, 0)),
    "cholesky_inverse, singular": lambda t: t.cholesky_inverse(t.stack([t.eye(2), t.ones(2, 2).triu()])[:, :, [1, 0]]),
    "cholesky_inverse, whole": lambda t: t.cholesky_inverse(t.eye(2, dtype=t.int64)),
    "former cholesky, indefinite": lambda t: t.cholesky(-t.eye(2)),
    "former cholesky, no matrix": lambda t: t.cholesky(t.ones(2, 3)),
    "former cholesky, empty": lambda t: t.cholesky(t.ones(0, 2, 3)),
    "former cholesky, whole": lambda t: t.cholesky(t.eye(2, dtype=t.int64)),
    "cholesky_solve, no matrix": lambda t: t.cholesky_solve(t.ones(2, 1), t.ones(2, 3)),
    "cholesky_solve, whole": lambda t: t.cholesky_solve(*[t.eye(2, dtype=t.int64)] * 2),
    "triangular_solve, no matrix": lambda t: t.triangular_solve(t.ones(2, 1), t.ones(2, 3)),
    "triangular_solve, other sizes": lambda t: t.triangular_solve(t.ones(3, 1), t.ones(2, 2)),
    "triangular_solve, a vector": lambda t: t.triangular_solve(t.ones(2), t.ones(2, 2)),
    "cond, no matrix": lambda t: t.linalg.cond(t.ones(2, 3), -1),
    "cond, empty": lambda t: t.linalg.cond(t.ones(0, 3), "fro"),
    "cond, zero": lambda t: t.linalg.cond(t.zeros(2, 2), "nuc"),
    "matrix_rank, a triangle": lambda t: t.linalg.matrix_rank(t.tensor([[0.0, 0], [-3, 2]]), hermitian=True),
    "matrix_rank, no matrix": lambda t: t.linalg.matrix_rank(t.ones(2, 3), hermitian=True),
    "pinv, no matrix": lambda t: t.linalg.pinv(t.ones(2, 3), hermitian=True),
    "pinv, empty": lambda t: t.linalg.pinv(t.ones(0, 3), hermitian=True),
    "no power": lambda t: t.linalg.matrix_power(t.full((2, 2), INFINITE), 0),
    "tensorinv, empty": lambda t: list(t.linalg.tensorinv(t.ones(2, 0, 0)).shape),
    "tensorsolve, empty": lambda t: t.linalg.tensorsolve(t.ones(0, 0), t.ones(0)),
    "gels, no rank": lambda t: t.linalg.lstsq(t.tensor([[1.0, 0], [0, 0]]), t.ones(2, 1), driver="gels"),
    "gels, zero": lambda t: t.linalg.lstsq(t.zeros(2, 2), t.ones(2, 1), driver="gels").solution,
    "gels": lambda t: list(t.linalg.lstsq(t.tensor([[3.0, 1], [1, 2], [0, 1]]), t.ones(3, 1), driver="gels")),
    "gels, wide": lambda t: t.linalg.lstsq(t.tensor([[3.0, 1, 2], [1, 2, 4]]), t.tensor([[1.0], [3]]),
                                           driver="gels").solution,
    "gels, a gradient": lambda t: (lambda a: list(t.autograd.grad(t.linalg.lstsq(
        a, t.ones(3, 1), driver="gels").solution.sum(), a)))(
            t.tensor([[3.0, 1], [1, 2], [0, 1]], dtype=t.float64, requires_grad=True)),
    "norm, which axis is empty": lambda t: t.linalg.matrix_norm(t.ones(2, 3, 0), -1, dim=(0, 2)),
    "amin, an axis from behind": lambda t: t.ones(2, 0).amin(-1),
    "aminmax, an empty axis": lambda t: t.aminmax(t.ones(2, 0), dim=-1),
    "cholesky_solve, the other triangle": lambda t: t.cholesky_solve(t.ones(2, 1), t.tensor([[2.0, NAN], [1, 3]])),
    "cholesky_solve, upper": lambda t: t.cholesky_solve(t.ones(2, 1), t.tensor([[2.0, 1], [NAN, 3]]), upper=True),
    "cholesky_solve, its gradient": lambda t: (lambda x: list(t.autograd.grad(
        t.cholesky_solve(t.ones(2, 1), x).sum(), x)))(t.tensor([[2.0, 0], [1, 3]], requires_grad=True)),
    "cholesky_inverse, the other triangle": lambda t: t.cholesky_inverse(t.tensor([[2.0, NAN], [1, 3]])),
}


# ------------------------------------------------------------------------------------------------------ `out=`

WRITTEN = [call.strip() for call in """
    t.sin(x, out=OUT) | t.abs(x, out=OUT) | t.matmul(x, x, out=OUT) | t.cat([x, x], out=OUT) | t.sum(x, 0, out=OUT)
    t.zeros(2, out=OUT) | t.arange(3, out=OUT) | t.cumsum(x, 0, out=OUT) | t.where(x > 1, x, x, out=OUT)
    t.bmm(b, b, out=OUT) | t.clamp(x, 1, out=OUT) | t.randn(2, out=OUT) | t.softmax(x, 0, out=OUT)
    t.gather(x, 0, i, out=OUT) | t.nonzero(x, out=OUT) | t.max(x, out=OUT) | t.max(x, 0, out=OUT)
    t.min(x, 0, out=OUT) | t.sort(x, out=OUT) | t.topk(x, 1, out=OUT) | t.median(x, 0, out=OUT)
    t.mode(x, 0, out=OUT) | t.kthvalue(x, 1, out=OUT) | t.cummax(x, 0, out=OUT) | t.aminmax(x, out=OUT)
    t.frexp(x, out=OUT) | t.slogdet(x, out=OUT) | t.linalg.eigh(x, out=OUT) | t.linalg.qr(x, out=OUT)
    t.linalg.svd(x, out=OUT) | t.linalg.lu_factor(x, out=OUT) | t.linalg.inv_ex(x, out=OUT)
    t.linalg.solve_ex(x, x, out=OUT) | t.cummax(x[:, :0], 1, out=OUT)
""".replace("\n", "|").split("|") if call.strip()]
OUTS = {"5": "5", "a text": "'a'", "a list of numbers": "[1]", "one": "(t.empty(0),)", "nothing": "()",
        "two": "(t.empty(0), t.empty(0, dtype=t.int64))", "a list": "[t.empty(0), t.empty(0, dtype=t.int64)]"}


@pytest.mark.parametrize("call", WRITTEN)
@pytest.mark.parametrize("out", OUTS)
def test_what_may_be_out(call, out):
    """The same types of errors, and the same numbers where there are some."""
    told = []
    for t in (torch, tapegrad):
        def run(t, x, w):
            given = {"t": t, "x": t.tensor([[2.0, 1.0], [1.0, 3.0]]), "i": t.zeros(1, 2, dtype=t.int64),
                     "b": t.ones(1, 2, 2)}
            into = given["o"] = eval(OUTS[out], given)
            eval(call.replace("OUT", "o"), given)
            return list(into)

        t.manual_seed(0)
        found = outcome(run, t)
        told.append(found[0] if isinstance(found, tuple) else found)
    assert repr(told[1]) == repr(told[0])  # for NaN


def test_a_number_of_out_tensors():
    with pytest.raises(TypeError, match="expected tuple of 2 elements but got 1"):
        tapegrad.sort(tapegrad.ones(2), out=(tapegrad.ones(2),))
    with pytest.raises(TypeError, match=r"topk\(\): argument 'out' must be tuple of Tensors, not int"):
        tapegrad.topk(tapegrad.ones(2), 1, out=5)


# ------------------------------------------------------------------------------------------------------ frexp

NUMBERS = [1.0, -6.0, 0.0, -0.0, float("inf"), -float("inf"), NAN, 1e-40, -2.8e-45, 3.4e38, 1.17549435e-38, 5e-324,
           1e308]
PARTS = {f"{name}": lambda t, name=name: list(t.frexp(t.tensor(NUMBERS, dtype=t.float64).to(getattr(t, name))))
         for name in ("float32", "float64", "float16", "bfloat16", "int64")}
PARTS |= {
    "a method": lambda t: list(t.tensor(3.0).frexp()), "empty": lambda t: list(t.frexp(t.ones(0, 3))),
    "strides": lambda t: list(t.frexp(t.arange(6.0).reshape(2, 3).t()[::2])),
    "a gradient": lambda t: (lambda x: list(t.autograd.grad(t.frexp(x).mantissa.sum(), x)))(
        t.tensor([1.0, -6.0, 3e30], requires_grad=True)),
    "back": lambda t: t.ldexp(*t.frexp(t.tensor([3.0, -0.1]))),
    "lanes": lambda t: t.vmap(lambda a: t.frexp(a).mantissa)(t.tensor([[3.0, -0.1], [0.0, 8.0]])),
}


@pytest.mark.parametrize("call", {**CALLS, **PARTS}.items(), ids=lambda c: c[0])
def test_as_pytorch(call):
    assert_alike(call[1])
