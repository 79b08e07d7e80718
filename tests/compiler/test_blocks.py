"""Programs over large arrays: run block by block, on any number of threads, they give what eager calls give."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tapegrad as torch
from tapegrad.compiler.passes import PASSES
from tapegrad.compiler.traced_program import Blocked
from tapegrad.machine.kernels import products
from tapegrad.machine.kernels.products import gemm

N = 40_003  # a leading axis that is no multiple of a block


@pytest.fixture(autouse=True)
def restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def values(*shape, seed=0, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).uniform(0.5, 1.5, shape)).to(dtype)


def arranged(compiled):
    """The blocked groups of the one program of a compiled function."""
    (variants,) = compiled.tapes.values()
    variants[-1].wait()
    return [s for s in variants[-1].works[0].steps if isinstance(s, Blocked)]


def check(loss, *leaves, rtol=1e-9, groups=1):
    """Value and gradients of a compiled step are those of the same step run as it is written."""
    for leaf in leaves:
        leaf.requires_grad_()
    kept = torch.zeros((), dtype=leaves[0].dtype)

    def step():
        for leaf in leaves:
            leaf.grad = None
        total = loss(*leaves)
        total.backward()
        with torch.no_grad():
            kept.copy_(total)

    step()
    expected = [kept.item(), *(leaf.grad.numpy().copy() for leaf in leaves)]
    for threads in (1, 3):
        torch.set_num_threads(threads)
        compiled = torch.compile(step)
        for _ in range(5):
            compiled()
        if groups is not None:
            assert len(arranged(compiled)) >= groups
        compiled()
        assert compiled.replays
        for found, wanted in zip([kept.item(), *(leaf.grad.numpy() for leaf in leaves)], expected):
            np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol)


LOSSES = {
    "chain": lambda x, y: (torch.tanh(x * y + x) * torch.exp(-y)).sum(),
    "squares": lambda x, y: ((x - y) ** 2).mean(),
    "shared": lambda x, y: (x * x).sum() + (x * y).sum() + (y / x).sum(),
    "twice": lambda x, y: (x / (x * y).sum()).sum(),
    "largest": lambda x, y: (x * y).max() + (x + y).amin(),
    "norm": lambda x, y: (x - 2 * y).norm(),
    "spread": lambda x, y: (x * y).std() + x.var(),
    "logsumexp": lambda x, y: (x * y).logsumexp(0),
    "softmax": lambda x, y: (x.softmax(0) * y).sum(),
    "log_softmax": lambda x, y: (x.log_softmax(0) * y).sum(),
    "prefix": lambda x, y: (x[1:] * y[:-1]).sum(),
    "reversed halves": lambda x, y: (x[:N // 2] * y[N // 2:2 * (N // 2)]).sum(),
    "where": lambda x, y: torch.where(x > y, x.log(), y * 3).sum(),
    "scaled by a scalar": lambda x, y: ((x * y.mean()) ** 2).sum(),
    "detached": lambda x, y: (x * y.detach()).sum() + y.sum(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_vectors(name):
    check(LOSSES[name], values(N), values(N, seed=1))


@pytest.mark.parametrize("name", ["chain", "squares", "largest", "softmax", "norm"])
def test_single_precision(name):
    check(LOSSES[name], values(N, dtype=torch.float32), values(N, seed=1, dtype=torch.float32), rtol=2e-4)


ROWS = {
    "mixture": lambda x, w, b: torch.logsumexp(-((x[:, None, :] - w) ** 2).sum(-1) + b, 1).sum(),
    "bias": lambda x, w, b: torch.relu(x[:, :3] * w[0, :3] + b).sum(),
    "columns": lambda x, w, b: ((x * w[1]).sum(0) ** 2).sum() + b.sum(),
    "row sums": lambda x, w, b: (x.sum(1) ** 2 * b.sum()).mean() + w.sum(),
    "softmax rows": lambda x, w, b: (x.softmax(1) * w[0]).sum() + b.sum(),
    "transposed": lambda x, w, b: (x.t() * w[0][:, None]).sum() + b.sum(),
    "centred": lambda x, w, b: (((x - x.mean(0)) * w[0]) ** 2).sum() + b.sum(),
    "outer": lambda x, w, b: (x[:, :1] * b + w[0, :3]).exp().sum(),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name):
    check(ROWS[name], values(10_007, 5), values(3, 5, seed=1), values(3, seed=2))


@pytest.mark.parametrize("shape", [(64, 784, 256), (300, 200, 100), (129, 400, 257), (2, 500, 500)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products(shape, dtype):
    m, k, n = shape
    check(lambda x, w: ((x @ w) ** 2).mean(), values(m, k, dtype=dtype), values(k, n, seed=1, dtype=dtype),
          rtol=1e-9 if dtype is torch.float64 else 2e-4, groups=None)


MATRICES = {
    "one product": lambda x, w: torch.bmm(x, w).tanh().sum(),
    "attention": lambda x, w: ((x @ x.mT).softmax(-1) @ w.mT).square().mean(),
    "a product of the product": lambda x, w: (x @ w @ x @ w).tanh().sum(),
    "transposed": lambda x, w: (x.mT @ (x @ w)).sum() + (w.mT @ x.mT).exp().mean(),
    "added to": lambda x, w: (torch.baddbmm(x @ x.mT, x, w) ** 2).mean(),
    "a matrix for all": lambda x, w: ((x @ w[0]).relu() @ x[3]).sum(),
    "the batch in the middle": lambda x, w: ((x.transpose(0, 1) * 2).transpose(0, 1) @ w).tanh().sum(0).square().sum(),
    "summed over the batch": lambda x, w: ((x @ w).sum(0) @ x).sum(),
    "reversed": lambda x, w: (x.flip(0) @ w).tanh().sum() + (x[1:] @ w[:-1]).sum(),
    "vectors": lambda x, w: (x @ w[..., :1]).square().sum() + (x[:, :1] @ w).tanh().sum(),
}


@pytest.mark.parametrize("batches", [8, 50])
@pytest.mark.parametrize("name", MATRICES)
def test_batches_of_products(name, batches):
    check(MATRICES[name], values(batches, 40, 60) / 8, values(batches, 60, 40, seed=1) / 8, groups=None)


def test_what_is_between_products_of_many_matrices_runs_with_them():
    q, k, v = (values(64, 48, 16, seed=s).requires_grad_() for s in range(3))

    def step():
        for x in (q, k, v):
            x.grad = None
        ((q @ k.mT).softmax(-1) @ v).square().mean().backward()

    compiled = torch.compile(step)
    for _ in range(5):
        compiled()
    assert any(sum(products.product(c.kernel) is not None for c in s.calls) > 1 and len(s.calls) > 4
               for s in arranged(compiled)) or not gemm.kernels(torch.float64)


SHORT_ROWS = {
    "the nearest": lambda x, w: ((x ** 2).sum(1)[:, None] - 2 * x @ w + (w ** 2).sum(0)).min(1),
    "two layers": lambda x, w: (((x @ w).tanh() @ w.T).relu() @ w,),
    "added to a row": lambda x, w: (torch.addmm(w[0], x, w).exp(), (x + 1) @ w),
    "added to": lambda x, w: (torch.addmm(x[:, :1] * w[0], x, w) * 2,),
}


@pytest.mark.parametrize("rows", [1000, 1003])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SHORT_ROWS)
def test_the_product_of_many_short_rows_runs_with_what_is_made_of_it(name, dtype, rows):
    x, w = values(rows, 10, dtype=dtype), values(10, 36, seed=1, dtype=dtype)
    x[1, 2], x[700, 3] = torch.nan, torch.inf
    expected = [t.numpy() for t in SHORT_ROWS[name](x, w)]
    for threads in (1, 3):
        torch.set_num_threads(threads)
        compiled = torch.compile(lambda: SHORT_ROWS[name](x, w))
        for _ in range(5):
            found = compiled()
        for a, b in zip(found, expected):
            np.testing.assert_array_equal(a.numpy(), b)
        assert any(products.product(c.kernel) is not None and len(s.calls) > 1 for s in arranged(compiled)
                   for c in s.calls) or not gemm.kernels(dtype)


def test_updates_in_place():
    def made():
        return values(N).requires_grad_(), values(N, seed=1), torch.zeros(N, dtype=torch.float64)

    def trained(wrap):
        w, x, momentum = made()

        def step():
            w.grad = None
            ((w * x - 1) ** 2).sum().backward()
            with torch.no_grad():
                momentum.mul_(0.9).add_(w.grad)
                w.sub_(0.01 * momentum)

        run = wrap(step)
        for _ in range(12):
            run()
        return w.detach().numpy(), momentum.numpy()

    torch.set_num_threads(2)
    for found, wanted in zip(trained(torch.compile), trained(lambda f: f)):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_arguments_and_results():
    compiled = torch.compile(lambda x, y: ((x * y).tanh() * 2, (x + y).sum()))
    for seed in range(6):
        x, y = values(N, seed=seed), values(N, seed=seed + 1)
        product, total = compiled(x, y)
        np.testing.assert_allclose(product.numpy(), 2 * np.tanh(x.numpy() * y.numpy()), rtol=1e-12)
        assert total.item() == pytest.approx((x.numpy() + y.numpy()).sum(), rel=1e-12)
    assert compiled.replays


def test_results_do_not_depend_on_threads():
    x = values(N).requires_grad_()

    def step():
        x.grad = None
        (x * x).tanh().sum().backward()

    compiled = torch.compile(step)
    for _ in range(5):
        compiled()
    found = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        compiled()
        found.append(x.grad.numpy().copy())
    assert all(np.array_equal(f, found[0]) for f in found)


def memory(first, second):
    """Two tensors over one NumPy array."""
    block = np.ones(N + 1)
    return torch.from_numpy(block[first]), torch.from_numpy(block[second]), block


@pytest.mark.filterwarnings("ignore:.*overlap in memory")
@pytest.mark.parametrize("second", [slice(1, None), slice(None, -1), slice(N // 2, None)])
@pytest.mark.parametrize("passed", [True, False])
def test_arrays_that_overlap(second, passed):
    """What is written through one tensor is read through another: no order of steps may be changed then."""
    out = torch.zeros(N, dtype=torch.float64)
    apart = (values(N), values(N, seed=1)[:len(range(N + 1)[second])])

    def work(x, y):
        n = len(y)
        out[:n].copy_(y * 2)
        x.mul_(3)
        out[:n].add_(y)

    x, y, block = memory(slice(None, -1), second)
    compiled = torch.compile(work) if passed else torch.compile(lambda: work(x, y))
    if passed:
        for _ in range(4):
            compiled(*apart)  # a program for tensors that lie apart
    for _ in range(4):
        block[:] = 1
        work(x, y)
        expected = out.numpy().copy()
        block[:] = 1
        compiled(x, y) if passed else compiled()
        assert np.array_equal(out.numpy(), expected)


UNARY = ["tanh", "exp", "neg", "sqrt", "abs", "sigmoid", "square", "reciprocal"]
BINARY = ["add", "sub", "mul", "maximum", "div"]


@st.composite
def programs(draw):
    """A straight line of operations on arrays [n, k], [n, 1], [k] and [1], as (name, operand positions, axis)."""
    lines = []
    for position in range(draw(st.integers(2, 8))):
        kind = draw(st.sampled_from(["unary", "binary", "binary", "sum", "keep"]))
        pick = st.integers(0, 3 + position)
        if kind == "unary":
            lines.append((draw(st.sampled_from(UNARY)), (draw(pick),), None))
        elif kind == "binary":
            lines.append((draw(st.sampled_from(BINARY)), (draw(pick), draw(pick)), None))
        else:
            lines.append((kind, (draw(pick),), draw(st.sampled_from([0, -1, None]))))
    return lines


def run(lines, leaves):
    known = list(leaves)
    for name, places, axis in lines:
        operands = [known[p] for p in places]
        if name in ("sum", "keep"):
            x = operands[0]
            if not x.ndim:
                known.append(x * 2)
            else:
                known.append(x.mean() if axis is None else x.mean(axis, keepdim=name == "keep"))
        elif name in ("sqrt", "reciprocal"):
            known.append(getattr(torch, name)(operands[0].abs() + 1))
        elif name == "exp":
            known.append(torch.exp(-operands[0].abs()))
        elif name == "square":
            known.append(torch.square(torch.tanh(operands[0])))
        else:
            if name == "div":
                operands = [operands[0], operands[1].abs() + 1]
            crossed = {x.ndim for x in operands} == {1, 2} and any(x.ndim == 1 and len(x) > 4 for x in operands)
            try:  # [n] with [n, 1] would have n * n elements
                known.append(operands[0] * 0.5 if crossed else getattr(torch, name)(*operands))
            except RuntimeError:  # shapes that do not broadcast
                known.append(operands[0] * 0.5)
    total = known[-1].mean()
    for value in known[:-1]:
        total = total + 0.1 * value.mean()
    return total


@settings(max_examples=150, deadline=None)
@given(programs())
def test_random_programs(lines):
    n = 9_001
    check(lambda *leaves: run(lines, leaves), values(n, 4), values(n, 1, seed=1), values(4, seed=2), values(1, seed=3),
          rtol=1e-8, groups=None)


def test_no_vector_is_cut_in_two():
    """Of many arrays a few units fit the cache, but functions give the end of a row other last bits."""
    def gradient(x, w):
        x = x.detach().requires_grad_()
        y = x
        for _ in range(400):
            y = (y * w).sin()
        (found,) = torch.autograd.grad(y, x, torch.ones_like(y))
        return y.detach(), found

    compiled = torch.compile(gradient, passes=[p for p in PASSES if p not in ("loops", "lanes")])
    for seed in range(4):
        x, w = values(1100, seed=seed), values(1100, seed=seed + 9)
        compiled(x, w)
    assert arranged(compiled) and compiled.replays
    for a, b in zip(compiled(x, w), gradient(x, w)):
        assert a.numpy().tobytes() == b.numpy().tobytes()


def test_parts_of_rows_are_done_row_by_row():
    """What is computed of a part of each row goes with what is of whole ones, in scratch, and on any threads."""
    def f(x, v):
        left = (x[:, 1:] * v[1:] - x[:, :-1]) * v[:-1]
        out = torch.zeros(200, 300, dtype=x.dtype)
        out[:, :-1] += left * 2
        out[:, 1:] -= left
        return out * 3 + x, -left

    x, v = values(200, 300) - 1, values(300, seed=1) - 1
    expected = f(x, v)
    compiled = torch.compile(f)
    for threads in (1, 3):
        torch.set_num_threads(threads)
        for _ in range(4):
            found = compiled(x, v)
        assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(found, expected))
    (group,) = arranged(compiled)
    assert group.units == 200 and group.scratch and group.n_blocks > 1


CUTS = [slice(None), slice(1, None), slice(None, -1), slice(2, -2), slice(3, 40)]


@st.composite
def programs_on_parts(draw):
    """Steps on parts of the columns of [n, 64]: (what is written, in place or anew, an operation, two parts)."""
    cut = st.sampled_from(CUTS)
    lines = []
    for position in range(draw(st.integers(3, 9))):
        pick = st.integers(0, 1 + position)
        lines.append((draw(st.sampled_from(["new", "new", "zeros", "in place"])), draw(st.sampled_from(BINARY[:3])),
                      draw(pick), draw(pick), draw(cut), draw(cut), draw(cut)))
    return lines


def run_on_parts(lines, leaves):
    known = list(leaves)
    for kind, name, i, j, *cuts in lines:
        x, y = (known[k][:, cut] for k, cut in zip((i, j), cuts))
        n = min(x.shape[1], y.shape[1])
        found = getattr(torch, name)(x[:, :n], y[:, -n:])
        if kind == "new":
            known.append(torch.cat((found, leaves[0][:, n:]), 1))
            continue
        out = torch.zeros_like(leaves[0]) if kind == "zeros" or len(known) < 3 else known[-1] * 1
        part = out[:, cuts[2]][:, :n]
        part += found[:, :part.shape[1]]
        known.append(out)
    return known[-1], known[len(known) // 2] - known[-1]


@settings(max_examples=60, deadline=None)
@given(programs_on_parts())
def test_random_programs_on_parts(lines):
    leaves = values(520, 64) - 1, values(520, 64, seed=1) - 1
    compiled = torch.compile(lambda *leaves: run_on_parts(lines, leaves))
    for _ in range(4):
        compiled(*leaves)
    arranged(compiled)
    for a, b in zip(compiled(*leaves), run_on_parts(lines, leaves)):
        assert np.array_equal(a.numpy(), b.numpy())
