"""Names of before `linalg`, windows, and the main diagonal written in place: the same calls made of both libraries."""
from __future__ import annotations

import pickle
import warnings

import pytest
from both import outcome

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

DIAGONALS = {
    "line": lambda t: t.ones(3).fill_diagonal_(1),
    "box": lambda t: t.ones(3, 2, 3).fill_diagonal_(1),
    "cube": lambda t: t.zeros(3, 3, 3).fill_diagonal_(1.5),
    "of four axes": lambda t: t.zeros(2, 2, 2, 2).fill_diagonal_(1.5),
    "a tensor's value": lambda t: t.ones(3, 3).fill_diagonal_(t.tensor(2.0)),
    "whole": lambda t: t.ones(3, 3, dtype=t.int64).fill_diagonal_(2.5),
    "bool": lambda t: t.zeros(3, 3, dtype=t.bool).fill_diagonal_(True),
    "empty": lambda t: t.zeros(0, 3).fill_diagonal_(1),
    "transposed": lambda t: t.zeros(3, 4).t().fill_diagonal_(fill_value=1, wrap=True),
    "wide": lambda t: t.zeros(3, 7).fill_diagonal_(5, wrap=True),
    **{f"tall {n}": lambda t, n=n: t.zeros(n, 3).fill_diagonal_(5, True) for n in (3, 4, 5, 7, 9)},
    "of one column": lambda t: t.zeros(5, 1).fill_diagonal_(1, True),
    "a leaf": lambda t: t.zeros(3, 3, requires_grad=True).fill_diagonal_(1),
    "a text": lambda t: t.zeros(3, 3).fill_diagonal_("x"),
    "nothing": lambda t: t.zeros(3, 3).fill_diagonal_(),
    "a vector": lambda t: t.zeros(3, 3).fill_diagonal_(t.ones(2)),
}
DIAGONALS["gradient"] = lambda t: diagonal_gradient(t)
NORMS = {
    "nuclear": lambda t: t.nuclear_norm(t.tensor([[1.0, 2], [3, 4]])),
    "nuclear, axes": lambda t: t.nuclear_norm(t.ones(2, 2, 3), dim=(0, 1), keepdim=True),
    "Frobenius": lambda t: t.frobenius_norm(t.ones(2, 2), dim=[0, 1]),
    "Frobenius, axis": lambda t: t.frobenius_norm(t.ones(2, 2), 1, keepdim=True),
    "Frobenius, nothing": lambda t: t.frobenius_norm(t.ones(2, 2)),
}
RANGES = {
    f"range{given}": lambda t, given=given: t.range(*given) for given in (
        (1, 3), (0, 1, 0.25), (3, 1), (3, 1, -1), (0, 2.9), (0, 5, 0), (1, 1), (2,), (0, 1, 0.1), (0, float("inf")))}
RANGES |= {
    "range, whole": lambda t: t.range(0, 5.5, 1.5, dtype=t.int64),
    "range, double": lambda t: t.range(0, 1, 0.1, dtype=t.float64),
    "range, requires grad": lambda t: t.range(1, 2, requires_grad=True),
    "lu": lambda t: t.lu(t.tensor([[1.0, 2.0], [2.0, 2.0]])),
    "lu, infos": lambda t: list(t.lu(t.tensor([[1.0, 2.0], [2.0, 2.0]]), get_infos=True)),
    "lu, a method": lambda t: t.tensor([[1.0, 2.0], [2.0, 2.0]]).lu(),
    "lu_unpack, tall": lambda t: list(t.lu_unpack(*t.linalg.lu_factor(t.arange(6.0).reshape(3, 2) ** 2))),
    "lu_unpack, wide": lambda t: list(t.lu_unpack(*t.linalg.lu_factor(t.arange(6.0).reshape(2, 3) ** 2), False)),
    "lu_unpack, batch": lambda t: list(t.lu_unpack(
        *t.linalg.lu_factor((t.arange(8.0) % 5).reshape(2, 2, 2)), unpack_pivots=False)),
    "lu_unpack, pivots of int64": lambda t: t.lu_unpack(t.eye(2), t.tensor([1, 2])),
    "lu_unpack, gradient": lambda t: (lambda x: t.autograd.grad(
        t.lu_unpack(*t.linalg.lu_factor(x)).U.sum(), x))(t.tensor([[1.0, 2.0], [2.0, 2.0]], requires_grad=True)),
    "tree_map": lambda t: t.utils.checkpoint.tree_map(lambda x: x + 1, [1, (2,)]),
}


@pytest.mark.parametrize("name", ("solve", "lstsq", "symeig", "eig", "matrix_rank"))
def test_what_is_no_more(name):
    for t in (tapegrad, torch):
        with pytest.raises(RuntimeError, match=r"deprecated since version 1\.9 and is now removed"):
            getattr(t, name)(t.eye(2), *[t.eye(2)] * (name in ("solve", "lstsq")))


@pytest.mark.parametrize("call", """
    complex(x, x); view_as_complex(x); linalg.eig(x); linalg.eigvals(x); polar(x, x)
    zeros(2, dtype=c); rand(2, dtype=c); randn(2, dtype=c); randint(3, (2,), dtype=c); normal(0.0, 1.0, (2,), dtype=c)
    arange(3, dtype=c); linspace(0, 1, 3, dtype=c); eye(2, dtype=c); empty_strided((2,), (1,), dtype=c)
    rand_like(x, dtype=c); zeros_like(x, dtype=c); x.to(c); x.type(c); x.view(c); x.new_zeros(2, dtype=c)
    x.sum(dtype=c); tensor(1j); tensor([1, 2j]); tensor(1, dtype=c); asarray([1j]); nn.Linear(2, 2, dtype=c)
""".replace("\n", ";").strip("; ").split("; "))
def test_what_is_complex_is_refused(call):
    with pytest.raises(NotImplementedError, match=r"there are no complex tensors: torch\.complex64 is a name only"):
        eval(call.strip(), {**vars(tapegrad), "x": tapegrad.ones(2, 2), "c": tapegrad.complex64})


def test_complex_dtypes_are_names():
    assert tapegrad.complex64.is_complex and tapegrad.ones(2).dtype != tapegrad.complex64
    assert tapegrad.promote_types(tapegrad.float64, tapegrad.complex64) is tapegrad.complex128


SOLVERS = {
    "qr": lambda t: list(t.qr(t.tensor([[2.0, 1.0], [0.0, 1.0]]))),
    "qr, a method": lambda t: t.ones(3, 2).qr().R.shape,
    "qr, complete": lambda t: t.qr(t.ones(3, 2), some=False).Q.shape,
    "qr, out": lambda t: (lambda q, r: [x is y for x, y in zip(t.qr(t.eye(2), out=(q, r)), (q, r))])(
        t.empty(2, 2), t.empty(2, 2)),
    "triangular": lambda t: list(t.triangular_solve(t.ones(2, 1), t.tensor([[1.0, 2], [0, 3]]))),
    "triangular, named": lambda t: t.triangular_solve(t.ones(2, 1), t.eye(2)).cloned_coefficient,
    "triangular, transposed": lambda t: t.ones(2, 1).triangular_solve(
        t.tensor([[1.0, 0], [2, 3]]), upper=False, transpose=True)[0],
    "triangular, of ones": lambda t: t.triangular_solve(
        t.ones(2, 1), t.tensor([[1.0, 2], [0, 3]]), unitriangular=True)[0],
    "chain": lambda t: t.chain_matmul(t.ones(2, 2), t.ones(2, 3), t.ones(3, 1)),
    "chain of one": lambda t: t.chain_matmul(t.ones(2, 2)),
    "chain of a vector": lambda t: t.chain_matmul(t.ones(2), t.ones(2, 2)),
}
WINDOWS = {f"{name} {given}": lambda t, name=name, given=given: getattr(t, f"{name}_window")(*given)
           for name in ("hann", "hamming", "blackman", "bartlett", "kaiser")
           for given in ((0,), (1,), (2,), (7,), (8, False), (-1,))}
WINDOWS |= {f"{name} double": lambda t, name=name: getattr(t, f"{name}_window")(5, dtype=t.float64, requires_grad=True)
            for name in ("hann", "hamming", "blackman", "bartlett", "kaiser")}
WINDOWS |= {
    "hamming's weights": lambda t: t.hamming_window(6, True, 0.5, 0.5), "kaiser's width": lambda t: t.kaiser_window(
        8, True, 5.0), "a written one": lambda t: (t.hann_window(4).zero_(), t.hann_window(4)),
    "hamming, period left out": lambda t: t.hamming_window(6, alpha=0.5),
}


def diagonal_gradient(t):
    x = t.arange(9.0).view(3, 3).requires_grad_()
    return list(t.autograd.grad(((x * 2).fill_diagonal_(0) * x).sum(), x))


@pytest.mark.parametrize("call", [*{**DIAGONALS, **NORMS, **RANGES, **SOLVERS, **WINDOWS}.items()], ids=lambda c: c[0])
def test_as_pytorch(call):
    told = []
    for t in (torch, tapegrad):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(2):
                found = outcome(lambda t, x, w: call[1](t), t)
        told.append(found[:1] if isinstance(found, tuple) and "invalid combination" in str(found[1]) else found)
    assert told[1] == told[0]


def promoted(t, one, other):
    try:
        return repr(t.promote_types(getattr(t, one), getattr(t, other)))
    except RuntimeError as e:
        return str(e)[:50]


@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64"])
def test_wide_unsigned_numbers_are_names(name):
    ours, theirs = getattr(tapegrad, name), getattr(torch, name)
    assert repr(ours) == repr(theirs) and ours.itemsize == theirs.itemsize
    assert (ours.is_signed, ours.is_floating_point, ours.is_complex) == (False, False, False)
    assert pickle.loads(pickle.dumps(ours)) is ours and tapegrad.ones(2, dtype=tapegrad.int32).dtype != ours
    for other in ("uint8", "int64", "uint16", "uint32", "float32", "bool"):
        assert promoted(tapegrad, name, other) == promoted(torch, name, other)
    for call in ("ones(2, dtype=d)", "ones(2).to(d)", "ones(2, dtype=uint8).view(d)", "tensor([1], dtype=d)"):
        with pytest.raises(NotImplementedError, match=f"no tensors of torch.{name}, which is a name only"):
            eval(call, {**vars(tapegrad), "d": ours})
