"""A function summed over partitions: its tape does what the function does, or is refused; sums are as good as exact."""
from __future__ import annotations

import math
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tapegrad as torch
from tapegrad.interop import futures, scipy
from tapegrad.interop.partitioned.capture import captured
from tapegrad.interop.partitioned.messages import data, read, written
from tapegrad.interop.partitioned.programs import Program, evaluate
from tapegrad.interop.partitioned.sums import tree_sum
from tapegrad.utils._pytree import tree_flatten

F = torch.nn.functional
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(20, 5))
WEIGHTS = RNG.normal(size=5)
MODULE = torch.nn.Linear(5, 2, dtype=torch.float64)
HELD = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=torch.float64)


def prepared(w, x):
    x, y = x[:, :-1], (x[:, -1] > 0).to(x.dtype)
    z = ((x - x.mean(0)) / x.std(0)) @ w[:-1] + w[-1]
    return (F.softplus(z) - y * z).sum()


def in_place(w, x):
    total = torch.zeros(3, dtype=torch.float64)
    for i in range(3):
        total[i] = (x[:, i] * w[i]).exp().sum()
    product = x * w
    product[:, 0] = 2 * w[1]
    product += 1
    return total.sum() + product.square().sum()


def without_history(w, x):
    with torch.no_grad():
        scale = w.norm() + x.abs().max()
    return ((x * w).sum(1) - (x * w).sum(1).detach().max()).exp().sum() * scale


def inner_gradient(w, x):
    z = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad((z * w).tanh().sum(), z, create_graph=True)
    return slope.square().sum()


PROGRAMS = {
    "prepared data": prepared, "in place": in_place, "without history": without_history,
    "a gradient inside": inner_gradient,
    "func.grad inside": lambda w, x: torch.func.grad(lambda z: (z * w).tanh().sum())(x).square().sum(),
    "vmap": lambda w, x: torch.vmap(lambda r: (r * w).sum().exp())(x).sum(),
    "a tensor by name": lambda w, x: (x * HELD * w).sum(), "a module": lambda w, x: MODULE(x * w).square().sum(),
    "made": lambda w, x: (x * torch.arange(5) * w).sum() + torch.eye(5, dtype=torch.float64).sum(),
    "row by row": lambda w, x: torch.stack([r.sum() * w[0] for r in x]).logsumexp(0),
    "linear algebra": lambda w, x: torch.linalg.slogdet(x.T @ x + torch.diag(w.exp()))[1],
    "a factor": lambda w, x: torch.linalg.cholesky(x.T @ x + torch.diag(w.exp())).diagonal().log().sum(),
    "einsum, scan": lambda w, x: torch.einsum("ij,j->", x, w) + x.cumsum(0).sum() * w[0],
    "compiled": lambda w, x: torch.compile(lambda x: (x * w).exp().sum())(x),
    "indices": lambda w, x: w[x[:, 0].abs().long().clamp(max=4)].square().sum(),
    "a distribution": lambda w, x: torch.distributions.Normal(w[0], w[1].exp(), validate_args=False).log_prob(x).sum(),
    "constant": lambda w, x: x.sum(), "of no data": lambda w, x: w.sum(), "its parameter": lambda w, x: w[:1],
}


def tape_of(function, sample=None, w=WEIGHTS, x=ROWS):
    leaves, spec = tree_flatten((w,))
    return captured(function, leaves, spec, data(x).signature(), sample)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("sampled", [False, True])
def test_a_tape_is_the_function(name, sampled):
    function, x = PROGRAMS[name], data(ROWS)
    tape = tape_of(function, x if sampled else None)
    for b in range(2):
        del tape.values[b]
    sent = read(written(tape))
    assert sent == tape
    w = torch.tensor(WEIGHTS + 0.25, requires_grad=True)
    value = function(w, torch.tensor(ROWS))
    (gradient,) = torch.autograd.grad(value.sum(), w, materialize_grads=True) if value.requires_grad else (w * 0,)
    program = Program(sent, torch.float32)
    row = program(x.arrays, WEIGHTS + 0.25)
    np.testing.assert_allclose(row, [value.item(), *gradient.tolist()], rtol=1e-10, atol=1e-12)
    for _ in range(2):
        assert program(x.arrays, WEIGHTS + 0.25).tobytes() == row.tobytes()


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign() * x

    @staticmethod
    def backward(ctx, g):
        return g


def hooked(w, x):
    y = x * w
    y.register_hook(lambda g: 2 * g)
    return y.sum()


def leaves_gradients(w, x):
    (x * w).sum().backward()
    return (x * w).sum()


def turned(w, x):
    y = x * w
    y.t_()
    return y.sum()


def on_leaf(w, x):
    with torch.no_grad():
        x.mul_(2)
    return (x * w).sum()


NORMAL = torch.distributions.Normal
BELL = torch.custom_op(lambda x: math.exp(-x * x), name="bell_of_partitions")
REFUSED = {
    "branch": (lambda w, x: (x * w).sum() if x.sum() > 0 else w.sum(), "depends on a value"),
    "loop": (lambda w, x: sum((x * w).sum() for _ in range(int(x.abs().sum()))), "depends on a value"),
    "item": (lambda w, x: (x * w).sum() * x.sum().item(), "depends on a value"),
    "number": (lambda w, x: float((x * w).sum()), "depends on a value"),
    "numpy": (lambda w, x: torch.tensor(x.numpy().sum()) * w.sum(), "handed to NumPy"),
    "mask": (lambda w, x: (x * w)[x > 0].sum(), "depends on a value"),
    "checks": (lambda w, x: NORMAL(w[0], w[1].exp(), validate_args=True).log_prob(x).sum(), "depends on a value"),
    "data": (lambda w, x: (x * w).sum() * x.data.sum(), "not seen"),
    "draw": (lambda w, x: (x * w).sum() * torch.rand(()), "draws random numbers"),
    "dropout": (lambda w, x: F.dropout(x * w).sum(), "draws random numbers"),
    "write": (lambda w, x: (x.mul_(2) * w).sum(), "there before the call"),
    "write by name": (lambda w, x: (HELD.add_(1) * w).sum(), "there before the call"),
    "write to a leaf": (on_leaf, "there before the call"),
    "hook": (hooked, "hook"),
    "own backward": (lambda w, x: StraightThrough.apply(x * w).sum(), "backward of their own"),
    "gradients": (leaves_gradients, "gradients of tensors"), "turned": (turned, "another shape in place"),
    "own operation": (lambda w, x: BELL(x * w).sum(), "this program's own"),
    "not a number": (lambda w, x: x * w, "one floating-point number"),
    "an integer": (lambda w, x: (x > 0).sum(), "one floating-point number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_tape_is_refused(name):
    function, why = REFUSED[name]
    before = HELD.tolist()
    with pytest.raises(RuntimeError, match=why) as refused:
        tape_of(function)
    assert "cannot be sent to workers" in str(refused.value)
    HELD.copy_(torch.tensor(before, dtype=HELD.dtype))
    assert tape_of(PROGRAMS["constant"])


@pytest.mark.parametrize("name", ["branch", "draw", "write", "mask"])
def test_a_refusal_says_where(name):
    function, _ = REFUSED[name]
    with pytest.raises(RuntimeError, match=rf"test_partitioned\.py:{function.__code__.co_firstlineno}\)"):
        tape_of(function)


def test_made_up_values_that_will_not_do():
    def picky(w, x):
        return torch.linalg.inv(x - x)[0, 0] * w.sum()

    square = np.eye(3)
    with pytest.raises(RuntimeError, match=r"made-up values of float64\[3, 3\].*sample="):
        tape_of(picky, x=square)


def test_default_dtypes_travel():
    torch.set_default_dtype(torch.float64)
    try:
        tape = tape_of(lambda w, x: (torch.arange(5) * 0.5 * w).sum())
    finally:
        torch.set_default_dtype(torch.float32)
    for b in range(2):
        del tape.values[b]
    answer = evaluate(written(tape), "f64", data(ROWS), WEIGHTS[None])
    np.testing.assert_allclose(answer.numbers[0, 1:], np.arange(5) * 0.5)


# ---------------------------------------------------------------- sums

numbers = st.lists(st.floats(-1e200, 1e200, allow_subnormal=False), min_size=1, max_size=70)


@given(numbers)
def test_a_sum_is_as_good_as_in_doubled_precision(values):
    exact = sum(map(Fraction, values))
    size = sum(abs(Fraction(v)) for v in values)
    found = Fraction(float(tree_sum(np.array(values))))
    lost = size * Fraction(1, 1 << 98) + Fraction(1, 1 << 1060)
    assert abs(found - exact) <= abs(exact) * Fraction(1, 1 << 53) + lost


def test_columns_are_sums_of_their_own():
    parts = RNG.normal(size=(13, 4, 3)) * 10.0 ** RNG.integers(-8, 8, size=(13, 4, 3))
    alone = [[float(tree_sum(parts[:, i, j])) for j in range(3)] for i in range(4)]
    assert tree_sum(parts).tolist() == alone


@pytest.mark.parametrize("values", [[1.0, math.inf], [math.inf, math.inf, 1.0], [1e308, 1e308, 1e308],
                                    [math.inf, -math.inf], [math.nan, 1.0]])
def test_what_is_not_finite_stays_so(values):
    with np.errstate(all="ignore"):
        expected = sum(map(np.float64, values))
    np.testing.assert_equal(float(tree_sum(np.array(values))), expected)


# ---------------------------------------------------------------- the function of parameters


def squares(w, batch):
    x, y = batch
    return (x @ w["slope"] + w["level"] - y).square().sum()


def divided(*bounds):
    x, y = RNG_ROWS[:, :3], RNG_ROWS[:, 3]
    return [(x[a:b], y[a:b]) for a, b in pairwise(bounds)]


RNG_ROWS = np.random.default_rng(1).normal(size=(1000, 4))
PARAMETERS = {"slope": torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64),
              "level": torch.tensor(0.1, dtype=torch.float64)}


def step_on(parts, threads=2, function=squares, **options):
    return futures.value_and_grad(function, parts, ThreadPoolExecutor(threads), **options)


def bits(found):
    value, gradients = found
    return value.item(), [g.tolist() for g in tree_flatten(gradients)[0]]


def test_value_and_gradients():
    step = step_on(divided(0, 100, 101, 700, 1000))
    value, gradients = step(PARAMETERS)
    own = {k: v.clone().requires_grad_() for k, v in PARAMETERS.items()}
    whole = squares(own, tuple(map(torch.tensor, divided(0, 1000)[0])))
    whole.backward()
    torch.testing.assert_close(value, whole.detach())
    assert gradients.keys() == own.keys()
    for name in own:
        torch.testing.assert_close(gradients[name], own[name].grad)
    assert step.rounds == 1 and step.last.computing > 0 and step.last.seconds > 0


def test_bits_do_not_depend_on_threads_or_repetition():
    parts = divided(0, 100, 101, 350, 700, 1000)
    found = {repr(bits(step_on(parts, threads)(PARAMETERS))) for threads in (1, 2, 5)}
    step = step_on(parts)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 7):
            torch.set_num_threads(threads)
            found.add(repr(bits(step(PARAMETERS))))
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


def test_how_rows_are_divided_hardly_shows():
    values = [step_on(divided(*cuts))(PARAMETERS)[0].item() for cuts in (
        range(0, 1001, 10), (0, 1000), (0, 3, 500, 1000))]
    np.testing.assert_allclose(values, values[0], rtol=1e-14)


def test_several_points_are_one_round():
    step = step_on(divided(0, 300, 1000))
    points = [{k: v * s for k, v in PARAMETERS.items()} for s in (0.5, 1.0, 2.0)]
    assert [*map(bits, step.several(points))] == [bits(step(p)) for p in points]
    assert step.rounds == 4
    assert step.several([]) == []
    with pytest.raises(ValueError, match="not built alike"):
        step.several([PARAMETERS, {"slope": PARAMETERS["slope"]}])


def test_several_arguments():
    step = step_on([RNG_ROWS[:400], RNG_ROWS[400:]], function=lambda a, b, x: ((a - x) ** 2).sum() * b)
    a, b = torch.ones(4, dtype=torch.float64), torch.tensor(2.0)
    value, (by_a, by_b) = step(a, b)
    assert by_a.dtype is torch.float64 and by_b.dtype is torch.float32 and by_b.shape == ()
    torch.testing.assert_close(2 * by_b.double(), value, rtol=1e-6, atol=0)


def test_arrays_in_arrays_out_and_scipy():
    from scipy.optimize import minimize

    step = step_on([RNG_ROWS[:400], RNG_ROWS[400:]], function=lambda w, x: ((w - x) ** 2).sum())
    value, gradient = step(np.zeros(4))
    assert type(value) is float and type(gradient) is np.ndarray
    for found in (minimize(step, np.zeros(4), jac=True),
                  scipy.minimize(step, np.zeros(4), jac=True, method="Newton-CG"),
                  scipy.minimize(step, np.zeros(4), jac=True, method="L-BFGS-B")):
        np.testing.assert_allclose(found.x, RNG_ROWS.mean(0), atol=1e-5)


def test_of_a_vector():
    from scipy.optimize import minimize

    step = step_on(divided(0, 300, 1000))
    f = step.of_vector(PARAMETERS)
    assert f.start.tolist() == [0.5, -1.0, 2.0, 0.1]
    found = f.restored(minimize(f, f.start, jac=True, method="L-BFGS-B", tol=1e-12).x)
    x, y = divided(0, 1000)[0]
    expected = np.linalg.lstsq(np.c_[x, np.ones(1000)], y, rcond=None)[0]
    np.testing.assert_allclose([*found["slope"].tolist(), found["level"].item()], expected, atol=1e-6)
    with pytest.raises(ValueError, match="4 numbers"):
        f.restored(np.zeros(3))


@pytest.mark.parametrize("make", [lambda p: torch.optim.LBFGS(p, line_search_fn="strong_wolfe"),
                                  lambda p: torch.optim.Adam(p, lr=0.1)])
def test_optimisers(make):
    w = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    step = step_on([RNG_ROWS[:400], RNG_ROWS[400:]], function=lambda w, x: ((w - x) ** 2).sum() / 1000)
    optimiser = make([w])

    def closure():
        optimiser.zero_grad()
        return step.backward(w)

    for _ in range(150):
        optimiser.step(closure)
    np.testing.assert_allclose(w.detach().numpy(), RNG_ROWS.mean(0), atol=1e-4)


def test_gradients_are_added():
    w = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    step = step_on([RNG_ROWS], function=lambda w, x: ((w - x) ** 2).sum())
    step.backward(w)
    once = w.grad.clone()
    step.backward(w)
    assert w.grad.equal(2 * once)


def test_a_prior_is_added_once():
    parts = [RNG_ROWS[:400], RNG_ROWS[400:]]
    plain = step_on(parts, function=lambda w, x: ((w - x) ** 2).sum())
    ridge = step_on(parts, function=lambda w, x: ((w - x) ** 2).sum(), prior=lambda w: 3 * w.square().sum())
    w = torch.ones(4, dtype=torch.float64)
    (value, gradient), (more, steeper) = plain(w), ridge(w)
    torch.testing.assert_close(more, value + 12)
    torch.testing.assert_close(steeper, gradient + 6)


def test_parameters_of_another_kind_have_a_tape_of_their_own():
    step = step_on([RNG_ROWS], function=lambda w, x: ((w - x) ** 2).sum())
    for w in (torch.ones(4), torch.ones(4, dtype=torch.float64), torch.ones(())):
        gradient = step(w)[1]
        assert gradient.dtype is w.dtype and gradient.shape == w.shape
        own = w.clone().requires_grad_()
        ((own - torch.tensor(RNG_ROWS)) ** 2).sum().backward()
        torch.testing.assert_close(gradient, own.grad)


@pytest.mark.parametrize(("parameters", "why"), [
    ((torch.ones(2, dtype=torch.int64),), "float32 or float64"), (("text",), "float32 or float64"),
    ((), "no parameters"),
])
def test_wrong_parameters(parameters, why):
    step = step_on([RNG_ROWS], function=lambda w, x: (w * x).sum())
    with pytest.raises(TypeError, match=why):
        step(*parameters)
    assert step.rounds == 0


# ---------------------------------------------------------------- partitions


def total(w, batch):
    return sum((w * x).sum() for x in tree_flatten(batch)[0])


@pytest.mark.parametrize("parts", [
    [torch.ones(3), torch.ones(4)], [np.ones((2, 3))[:, ::2], np.asfortranarray(np.ones((4, 3)))[:, :2]],
    [{"a": np.ones(2), "b": [np.arange(3), np.array(True)]}] * 2, [(np.ones(2), np.ones(2))] * 3, [2.5, 3.5],
    [np.ones((0, 2)), np.ones((3, 2))], [np.ones(3, "i2")], [RNG_ROWS] * 2, [(RNG_ROWS, RNG_ROWS)],
], ids=range(9))
def test_partitions_in_containers(parts):
    value, _ = step_on(parts, function=total)(torch.tensor(2.0, dtype=torch.float64))
    sums = [float(np.asarray(x).sum()) for p in parts for x in tree_flatten(p)[0]]
    assert value.item() == pytest.approx(2 * sum(sums))


@pytest.mark.parametrize(("parts", "why"), [
    ([np.ones(3), np.ones(3, "f4")], r"partition 1: it is float32\[3\], and partition 0 is float64\[3\]"),
    ([np.ones(3), (np.ones(3),)], "partition 1: .*built alike"),
    ([np.ones(3), np.array(["a"])], "partition 1: holds <U1"), ([np.ones(3, "c16")], "partition 0: holds complex128"),
    ([np.array([None])], "partition 0: holds object"),
])
def test_partitions_of_other_kinds(parts, why):
    step = step_on(parts, function=total)
    with pytest.raises(futures.PartitionError, match=why) as raised:
        step(torch.tensor(1.0))
    assert raised.value.partition == len(parts) - 1
    assert step.rounds == 0


def test_no_partitions():
    with pytest.raises(ValueError, match="no partitions"):
        step_on([], function=total)(torch.tensor(1.0))


def test_a_failure_names_the_partition_and_the_line():
    def factor(w, x):
        return torch.linalg.cholesky(x * w).diagonal().log().sum()

    line = factor.__code__.co_firstlineno + 1
    parts = [np.eye(3), np.eye(3), -np.eye(3), np.eye(3)]
    step = step_on(parts, function=factor)
    with pytest.raises(futures.PartitionError, match=rf"partition 2, test_partitioned\.py:{line}: linalg_cholesky.*"
                                                     "positive-definite") as raised:
        step(torch.tensor(1.0, dtype=torch.float64))
    assert (raised.value.partition, raised.value.source) == (2, f"test_partitioned.py:{line}")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.partition) == (str(raised.value), 2)
    with pytest.raises(futures.PartitionError, match="partition 0"):
        step(torch.tensor(-1.0, dtype=torch.float64))


def test_an_index_out_of_range_names_the_line():
    def table(w, i):
        return w[i].sum()

    step = step_on([np.array([0, 1]), np.array([2, 7])], function=table)
    with pytest.raises(futures.PartitionError, match=rf"partition 1, test_partitioned\.py:"
                                                     rf"{table.__code__.co_firstlineno + 1}: index"):
        step(torch.ones(3))


def test_a_closed_one_lets_go():
    with step_on([RNG_ROWS], function=total) as step:
        assert step(torch.tensor(1.0))[0].item() == pytest.approx(RNG_ROWS.sum(), rel=1e-5)


def test_orders_do_not_matter():
    parts = RNG.normal(size=(40, 3)) * 10.0 ** RNG.integers(-8, 8, size=(40, 1))
    order = [*range(40)]
    for _ in range(5):
        random.Random(0).shuffle(order)
        arrived = {i: parts[i] for i in order}
        assert tree_sum(np.stack([arrived[i] for i in range(40)])).tobytes() == tree_sum(parts).tobytes()
