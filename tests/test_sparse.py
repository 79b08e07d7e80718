"""Sparse derivatives: the pattern holds all that is not zero, and the values are those of the dense derivatives."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import registry
from own_functions import Cube
from scipy import sparse as scipy_sparse

import tapegrad as torch
from tapegrad.autograd import engine
from tapegrad.ops.declaration import Operation, operations
from tapegrad.sparse import colouring, hessian, jacobian, patterns

INDEX = torch.tensor([3, 0, 3, 5])
MATRIX = torch.arange(36.0, dtype=torch.float64).reshape(6, 6).sin()


def assigned(x: Any) -> Any:
    y = x * 2
    y[1:4] = y[:3].clone() * x[3:]
    y[0] += x[5]
    return y * y


def scattered(x: Any) -> Any:
    return torch.zeros(8, dtype=x.dtype).index_add(0, INDEX, x[:4] * x[1:5]).sin()


def looped(x: Any) -> Any:
    y = x
    for i in range(5):
        y = torch.cat((y[:i + 1], y[i + 1:] * y[i]))
    return y


FUNCTIONS = """
x.exp()
x
x.view_as(x)
x[2]
x.sum()
x[::2] * x[1::2]
x[1:] * x[:-1]
x.flip(0) * x
x.roll(2) * x
torch.cat((x[:2], x[4:].sin()))
torch.stack((x[:3], x[3:]), 1) ** 2
x[INDEX] * x[:4]
x.gather(0, INDEX).exp()
x.reshape(2, 3).sum(0)
x.reshape(2, 3).softmax(1)
x.reshape(2, 3).logsumexp(0)
x.reshape(3, 2).t().amax(1)
x.cumsum(0)
x.reshape(2, 3).cumprod(1)
MATRIX @ x
x.reshape(2, 3) @ x.reshape(3, 2)
x.reshape(3, 1, 2) @ x.reshape(3, 2, 1)
x.outer(x)
x.reshape(2, 3).diagonal() * 2
x.diag()
x.unfold(0, 3, 1).prod(1)
torch.nn.functional.pad(x, (1, 2), value=3.0)[1:] ** 2
x.reshape(2, 3).tril() * 2
torch.where(x > 0, x, x.flip(0))
x.sort()[0][:2]
x.topk(2)[0]
x.max()
x.reshape(2, 3).var(1)
torch.einsum("ij,kj->ik", x.reshape(2, 3), x.reshape(2, 3))
Cube.apply(x)
torch.linalg.inv(x[:4].reshape(2, 2))
x.split(2)[1] * x.chunk(3)[0]
x.expand(3, 6)[:, 1:2]
torch.nn.functional.conv1d(x.reshape(1, 1, 6), MATRIX[:1, :3].reshape(1, 1, 3)).tanh()
assigned(x)
scattered(x)
looped(x)
torch.linalg.vector_norm(x.reshape(2, 3), dim=1)
x.reshape(2, 3).index_select(1, INDEX[:2] % 3)
x.as_strided((2, 2), (2, 1), 1) * 2
x.new_zeros(0)
x.detach() * 2
x[:0] * 2
x.clone().index_put_((INDEX[1:],), x[:3] * 2) * x
x.masked_fill(x > 0, 1.0) * x
torch.nn.functional.log_softmax(x.reshape(2, 3), 1)[0]
torch.special.i0(x)
x.round() + x.reshape(2, 3).unbind(1)[1].repeat(3)
(x * 0).floor()
"""
SCALARS = """
(x[1:] * x[:-1] ** 2).sum()
(x ** 3).sum() * x[0]
x.sum()
x.exp().mean()
(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
(x.reshape(2, 3) @ x.reshape(3, 2)).sum()
x[INDEX].prod()
x.logsumexp(0)
x[0] * x[5]
torch.cat((x[:2], x[4:])).cumsum(0)[1] ** 2
(x.reshape(2, 3).sum(0) ** 2).sum() * 1.0
x[0] * (x ** 2).sum()
assigned(x).sum()
scattered(x).sum()
looped(x)[5]
x[2].clone()
torch.tensor(1.0)
(MATRIX @ x) @ x
"""


def point(seed: int = 0, n: int = 6) -> Any:
    torch.manual_seed(seed)
    return torch.randn(n, dtype=torch.float64)


def check(found: Any, made: Any, wanted: Any) -> None:
    assert isinstance(found, scipy_sparse.csr_array)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found.toarray(), wanted, 1e-9, 1e-12)
    assert not (wanted != 0)[~made.pattern.toarray()].any()


@pytest.mark.parametrize("text", FUNCTIONS.strip().splitlines())
def test_jacobian(text: str) -> None:
    function = eval(f"lambda x: {text}")
    J = jacobian(function)
    for seed in range(3):
        x = point(seed)
        dense = torch.func.jacrev(function)(x)
        check(J(x), J, dense.reshape(-1, 6).numpy())


@pytest.mark.parametrize("text", FUNCTIONS.strip().splitlines())
def test_programs_as_native_code_describes_them(text: str) -> None:
    x = point().requires_grad_()
    y = eval(text)
    described = engine.described(y, x, checked=True) if y.requires_grad else None
    if described is None:
        assert not y.requires_grad or y is x or not patterns.recorded(y, x).plans
        return
    program = patterns.recorded(y, x)
    words: list[int] = []
    for plan, (operands, shift) in zip(program.plans, program.steps):
        words += [plan.index, shift if plan.op.kind in ("view", "rebase") else 0, len(operands), *sum(operands, ())]
    steps, run = described
    assert np.frombuffer(steps, "u8").tolist() == words
    rows = [row for own in program.rows for row in own]
    assert run[1:len(rows) + 1].tolist() == rows and rows[-1] == y._buffer


def test_programs_too_long_to_describe() -> None:
    def function(x: Any) -> Any:
        y = x
        for _ in range(1000):
            y = y * x
        return y

    x = point().requires_grad_()
    assert engine.described(function(x), x, checked=True) is None
    J = jacobian(function)
    for _ in range(2):
        check(J(x.detach()), J, (1001 * x.detach() ** 1000).diag().numpy())
    (g,) = torch.autograd.grad((x * x).sum(), x)
    assert g.equal(2 * x)


@pytest.mark.parametrize("text", SCALARS.strip().splitlines())
def test_hessian(text: str) -> None:
    function = eval(f"lambda x: {text}")
    H = hessian(function)
    for seed in range(3):
        x = point(seed)
        dense = torch.autograd.functional.hessian(lambda a: function(a) + 0 * a.sum(), x)
        check(H(x), H, dense.numpy())


# ---------------------------------------------------------------- every operation


# Nodes of Python's, and parts of decompositions, which by themselves have no derivative that can be recorded.
WITHOUT = {"_function", "_output", "linalg_svd_values", "linalg_eigh_values", "cofactor"}


def differentiable(op: Operation) -> bool:
    return op.inplace_of is None and op.differentiable and op.name not in WITHOUT


@pytest.mark.parametrize("op", [op for op in operations() if differentiable(op)], ids=lambda op: op.name)
def test_every_operation_reads_no_more_than_its_pattern(op: Operation) -> None:
    """Of each operand by itself: what the operation's derivative says it reads is in the pattern."""
    done = 0
    for sample in registry.samples(op, torch.float64):
        tensors = sample.tensors()
        for j, x in enumerate(tensors):
            if not isinstance(x, torch.Tensor) or not x.dtype.is_floating_point or x.numel() > 60 or done > 40:
                continue

            def function(a: Any, j: int = j, sample: Any = sample, tensors: Any = tensors) -> Any:
                given = [*tensors[:j], a, *tensors[j + 1:]]
                attributes = tuple(sample.attributes.items())
                if op.kind == "view":
                    return torch.dispatch.apply_view(op, given[0], attributes)
                return torch.dispatch.apply(op, given, attributes)

            try:
                dense = torch.func.jacrev(function)(x.contiguous())
            except RuntimeError:
                continue
            wanted = dense.reshape(-1, x.numel()).numpy() if x.numel() and dense.numel() else None
            J = jacobian(function)
            found = J(x.contiguous())
            if wanted is None:
                assert found.nnz == 0
                continue
            assert not ((wanted != 0) & ~np.isnan(wanted))[~J.pattern.toarray()].any(), sample
            done += 1


# ---------------------------------------------------------------- what is kept, and what is not


def test_three_colours() -> None:
    def tridiagonal(x: Any) -> Any:
        p = torch.nn.functional.pad(x, (1, 1))
        return p[2:] * p[:-2] - 2 * x.sin()

    J = jacobian(tridiagonal)
    x = point(n=5000)
    found = J(x)
    assert (J.count, found.nnz) == (3, 3 * 5000 - 2)
    v = point(1, 5000)
    np.testing.assert_allclose(found @ v.numpy(), torch.func.jvp(tridiagonal, (x,), (v,))[1].numpy())


def test_sums_of_columns_where_they_are_fewer() -> None:
    J = jacobian(lambda x: torch.cat((x * x, (x ** 3).sum().reshape(1))))  # a dense row
    check(J(point()), J, torch.func.jacrev(J.__wrapped__)(point()).numpy())
    assert J.count == 2 and not J.forward
    J = jacobian(lambda x: x * x * x[0])  # a dense column
    check(J(point()), J, torch.func.jacrev(J.__wrapped__)(point()).numpy())
    assert J.count == 2 and J.forward


def test_a_branch_is_prepared_anew() -> None:
    J = jacobian(lambda x: x[1:] * x[:-1] if x[0] > 0 else x[1:] * x[-1])
    for sign in (1, -1, 1, -1):
        x = point()
        x[0] = sign
        check(J(x), J, torch.func.jacrev(J.__wrapped__)(x).numpy())
    assert len(J._known) == 2


def test_indices_and_shapes_that_change_are_prepared_anew() -> None:
    J = jacobian(lambda x, i: x[i] * x[0])
    for index in (torch.tensor([1, 2]), torch.tensor([2, 3]), torch.tensor([1, 2]), torch.tensor([0])):
        check(J(point(), index), J, torch.func.jacrev(J.__wrapped__)(point(), index).numpy())
    J = jacobian(lambda x: x[1:] * x[:-1])
    for n in (6, 3, 2, 1, 6):
        assert J(point(n=n)).shape == (n - 1, n)


def test_places_of_writes_are_part_of_the_program() -> None:
    def moved(x: Any, k: int) -> Any:
        y = x * x
        y[k] = x[k + 1] * x[0]
        return y

    J = jacobian(moved)
    for k in (1, 3, 0, 1):
        check(J(point(), k), J, torch.func.jacrev(moved)(point(), k).numpy())


COUNTED = {"calls": 0}


def counted(x: Any) -> Any:
    COUNTED["calls"] += 1
    return x[1:] * x[:-1] * COUNTED["calls"]


COMPILED = {  # a function, what it is called with, and how often programs are replayed of those that are kept
    "one program": (lambda x: x[1:] * x[:-1].sin(), [(point(seed),) for seed in range(6)], [3]),
    "branches": (lambda x: x[1:] * x[:-1] if x[0] > 0 else x * x,
                 [(sign * point().abs(),) for sign in (1, 1, 1, 1, -1, 1, -1, -1, -1, -1)], [1, 1]),
    "shapes, dtypes, views": (lambda x: x[1:] * x[:-1],
                              [(x,) for x in (point(), point()[1:4], point().float(), point()[::2]) for _ in range(4)],
                              [1, 1, 1, 1]),
    "numbers": (lambda x, k: x[k:] * x[:-k], [(point(), k) for k in (1, 1, 1, 1, 2, 2, 1)], [1, 0]),
    "indices, which no condition tells of": (lambda x, i: x[i] * x[0], [
        (point(), torch.tensor([k, 2])) for k in (1, 1, 1, 1, 3, 4)], None),
    "places of extremes": (lambda x: x.sort()[0][:2], [(sign * point(),) for sign in (1, 1, 1, 1, -1, 1)], None),
    "nothing": (lambda x: torch.ones(3), [(point(),)] * 4, None),
}


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_functions(name: str) -> None:
    function, calls, replays = COMPILED[name]
    J = jacobian(torch.compile(function))
    for args in calls:
        check(J(*args), J, jacobian(function)(*args).toarray())
    assert [k.compiled.replays for k in J._known if k.compiled] == (replays or [])


def test_a_compiled_function_runs_once_a_call() -> None:
    J = jacobian(torch.compile(counted))
    for calls, n in enumerate((6, 6, 6, 6, 6, 4, 6, 4, 4, 6), COUNTED["calls"] + 1):
        x = point(n=n)
        check(J(x), J, jacobian(lambda x, calls=calls: x[1:] * x[:-1] * calls)(x).toarray())
        assert COUNTED["calls"] == calls
    energy = torch.compile(lambda x: (x[1:] * x[:-1] ** 2).sum())
    H = hessian(energy)
    for seed in range(5):
        check(H(point(seed)), H, hessian(energy.__wrapped__)(point(seed)).toarray())


def test_what_is_returned_is_the_callers() -> None:
    J = jacobian(lambda x: x[1:] * x[:-1])
    first = J(point())
    first.data[:] = 0
    first.indices[:] = 0
    check(J(point()), J, torch.func.jacrev(J.__wrapped__)(point()).numpy())


def test_other_points_and_outputs() -> None:
    assert jacobian(lambda x: x * 2)(torch.tensor(3.0)).toarray().tolist() == [[2.0]]
    assert jacobian(lambda x: x * 2)(torch.zeros(0)).shape == (0, 0)
    assert hessian(lambda x: x.sum())(torch.zeros(0)).shape == (0, 0)
    found = jacobian(lambda x: x.sum(1))(torch.arange(6.0).reshape(2, 3).t())
    assert found.dtype == np.float32
    assert found.toarray().tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
    x = point().requires_grad_()
    w = torch.ones(6, dtype=torch.float64, requires_grad=True)
    check(jacobian(lambda a: a * w * x)(x), jacobian_of(lambda a: a * w * x, x), np.diag(x.detach().numpy()))
    assert x.grad is None and w.grad is None
    with torch.no_grad():
        assert jacobian(lambda a: a * 2)(x).nnz == 6


def jacobian_of(function: Callable[[Any], Any], x: Any) -> Any:
    J = jacobian(function)
    J(x)
    return J


@pytest.mark.parametrize(("kind", "text", "run"), [
    (TypeError, "the point must be a Tensor", lambda: jacobian(lambda x: x)(np.ones(2))),
    (TypeError, "float32 or float64", lambda: jacobian(lambda x: x)(torch.ones(2, dtype=torch.int64))),
    (TypeError, "float32 or float64", lambda: jacobian(lambda x: x)(torch.ones(2, dtype=torch.float16))),
    (TypeError, "must return a Tensor", lambda: jacobian(lambda x: (x, x))(torch.ones(2))),
    (RuntimeError, "one number", lambda: hessian(lambda x: x)(torch.ones(2))),
])
def test_refused(kind: type[Exception], text: str, run: Callable[[], Any]) -> None:
    with pytest.raises(kind, match=text):
        run()


# ---------------------------------------------------------------- colours


@pytest.mark.parametrize("many", [0, 1 << 60], ids=["numba", "python"])
def test_colours_tell_random_patterns_apart(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colouring, "MANY", many)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        bits = rng.random((30, 20)) < rng.choice([0.02, 0.1, 0.4])
        colours = colouring.rows_apart(scipy_sparse.csr_array(bits))
        for c in range(colours.max() + 1):
            assert bits[colours == c].sum(0).max() <= 1
        square = rng.random((20, 20)) < 0.1
        pattern = scipy_sparse.csr_array(square | square.T)
        colours = colouring.star(pattern)
        values = rng.random((20, 20)) * pattern.toarray()
        values = values + values.T
        sums = np.array([values[:, colours == c].sum(1) for c in range(colours.max() + 1)])
        found = pattern.astype(float)
        found.data = sums.reshape(-1)[colouring.symmetric_places(pattern, colours)]
        np.testing.assert_allclose(found.toarray(), values)


def test_a_grid_takes_few_colours() -> None:
    H = hessian(lambda x: -((x.reshape(20, 20)[1:] - x.reshape(20, 20)[:-1]).cos().sum()
                            + (x.reshape(20, 20)[:, 1:] * x.reshape(20, 20)[:, :-1]).exp().sum()))
    x = point(n=400)
    check(H(x), H, torch.func.hessian(H.__wrapped__)(x).numpy())
    assert H.count <= 7


def test_an_unknown_operation_reads_everything() -> None:
    x = point().requires_grad_()
    program = patterns.recorded(Cube.apply(x)[:2], x)
    assert patterns.pattern(program, 2, 6).toarray().all()
