"""The same program run by PyTorch and by tapegrad: values, dtypes, shapes, strides, names, gradients and errors agree.

`PROGRAMS` are small ones written by hand, each a function of the library and of some tensors. `random_program` composes
operations on operands of random shapes, dtypes and layouts; a failing seed prints the program it stands for.
"""
from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")
BOTH = (torch, tapegrad)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


# One of ours for two of PyTorch's, which differ in how they were asked for and not in what they do.
SAME = {"SqueezeBackward4": "SqueezeBackward1"}


def describe(y, exact):
    """All that must agree; values are compared apart unless `exact`."""
    name = type(y.grad_fn).__name__ if y.grad_fn is not None else None
    name = SAME.get(name, name)
    return (str(y.dtype), tuple(y.shape), y.requires_grad, y.is_leaf, name, y.detach().tolist() if exact else None)


def assert_same(found, expected, said, single=False):
    """`single`: the values have been through float32, whatever they are now."""
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected), said
        for f, e in zip(found, expected):
            assert_same(f, e, said, single)
    elif isinstance(expected, torch.Tensor):
        exact = not expected.is_floating_point()
        assert describe(found, exact) == describe(expected, exact), said
        if not exact:
            tolerance = 2e-5 if single or expected.dtype == torch.float32 else 1e-12
            np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), tolerance, tolerance,
                                       err_msg=str(said))
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-6, nan_ok=True), said
    else:
        assert found == expected, said


def outcome(library, program, make):
    """What a program returns and the gradients it leaves, or the kind of its error."""
    leaves = make(library)
    try:
        result = program(library, *leaves)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        return type(error), None
    several = result if isinstance(result, (tuple, list)) else (result,)
    ends = [y for y in several if isinstance(y, library.Tensor) and y.requires_grad]
    if ends:
        total = sum((y * y).sum() if i % 2 else y.sum() for i, y in enumerate(ends))
        total.backward()
    return result, [x.grad for x in leaves if isinstance(x, library.Tensor)]


def compare(program, make, said):
    expected, expected_grads = outcome(torch, program, make)
    found, found_grads = outcome(tapegrad, program, make)
    if isinstance(expected, type):
        assert isinstance(found, type) and issubclass(found, expected), f"{said}: {found} for {expected}"
        return
    assert not isinstance(found, type), f"{said}: refused with {found}"
    assert_same(found, expected, said)
    for f, e in zip(found_grads, expected_grads):
        assert (f is None) == (e is None), said
        if e is not None:
            assert_same(f, e, said)


# ---------------------------------------------------------------- by hand


def pair(library):
    x = library.tensor([[0.5, -1.0, 2.0], [3.0, 0.25, -2.0]], requires_grad=True)
    return x, library.tensor([1.5, 2.0, -0.5], requires_grad=True)


PROGRAMS = {
    "scalar first": lambda t, x, y: (2 - x, 2 / x, 2 ** x, 2 * x, 2 + x),
    "dtypes mix": lambda t, x, y: (x * t.arange(3), x + True, t.arange(3) / 2, x.double() * y, t.arange(3) * 0.5),
    "zero-dim weighs less": lambda t, x, y: x * t.tensor(2.0, dtype=t.float64),
    "int with 0-d float": lambda t, x, y: t.arange(3) * t.tensor(2.0, dtype=t.float64),
    "bool arithmetic": lambda t, x, y: ((x > 0) + (x < 1), (x > 0) * 2, (x > 0).sum(), t.ones(2, dtype=t.bool) & True),
    "comparisons": lambda t, x, y: (x == y, x != 1, x < y, x >= 0, (x > 0) | (x < -1)),
    "floor division": lambda t, x, y: (x.detach() // 2, x % 2, t.arange(-3, 4) // 2, t.arange(-3, 4) % 3, x % -2),
    "truncating division": lambda t, x, y: (t.div(x, 2, rounding_mode="trunc"), t.div(x, 2, rounding_mode="floor")),
    "powers": lambda t, x, y: (x ** 2, x ** 3, x ** 0, x ** 1, x.abs() ** 0.5, x ** -1, x ** -2),
    "power of zero": lambda t, x, y: (x * 0) ** t.tensor([0.0, 1.0, 2.0]),
    "power by a tensor": lambda t, x, y: x.abs() ** y,
    "reductions": lambda t, x, y: (x.sum(), x.mean(), x.amax(), x.max(), x.min(), x.amin(1), x.logsumexp(0)),
    "reductions keep": lambda t, x, y: (x.amax(1, keepdim=True), x.softmax(1), x.log_softmax(0), x.argmax(),
        x.argmin(1)),
    "ties": lambda t, x, y: ((x * 0 + 1).amax(), (x * 0).max(), t.maximum(x, x), t.clamp(x, 0.25, 2)),
    "not a number": lambda t, x, y: ((x * float("nan")).amax(), t.maximum(x, x / 0 * 0), (x / 0).relu()),
    "any and all": lambda t, x, y: ((x > 0).any(), (x > 0).all(1), x.any(), t.zeros(0).all()),
    "sum of ints": lambda t, x, y: (t.arange(3, dtype=t.int32).sum(), (x > 0).sum(1), t.arange(3).sum(0, keepdim=True)),
    "empty": lambda t, x, y: (t.zeros(0, 3).sum(0), t.zeros(0).mean(), x[:0].sum(), x[:, 3:] @ t.zeros(0, 2)),
    "matrix products": lambda t, x, y: (x @ y, x @ x.t(), x.t() @ x, y @ y, x.unsqueeze(0) @ x.t().unsqueeze(0)),
    "batched products": lambda t, x, y: (x.expand(4, 2, 3) @ x.t(), x.expand(2, 1, 2, 3) @ x.t().expand(3, 3, 2)),
    "views": lambda t, x, y: (x.view(3, 2).t()[1:, ::2], x.permute(1, 0)[-1], x[..., None], x.unsqueeze(-1), x[1, 2]),
    "squeezes": lambda t, x, y: (x[:, :1].squeeze(), x[:1].squeeze(0), x.view(1, 6).squeeze(-1), x.flatten()),
    "joining": lambda t, x, y: (t.cat([x, x * 2], 1), t.cat([x.t(), y.unsqueeze(1)], 1)),
    "parts": lambda t, x, y: (*x.unbind(1), *x.split(2, 1), *y.chunk(2)),
    "where": lambda t, x, y: (t.where(x > 0, x, y), t.where(x > 0, x, 0.0), t.where(x > 0, 1.0, y)),
    "where of a pole": lambda t, x, y: t.where(x > 0, x, 1.0).log(),
    "copies": lambda t, x, y: (x.clone(), x.double(), x.t().contiguous(), x.to(t.float64).to(t.float32)),
    "in place": lambda t, x, y: x.clone().mul_(y).add_(1).exp_(),
    "in place on a view": lambda t, x, y: (lambda z: (z[0].mul_(2), z)[1])(x.clone()),
    "setting": lambda t, x, y: (lambda z: (z.__setitem__(0, y), z.__setitem__((1, 0), 5.0), z)[-1])(x.clone()),
    "detached": lambda t, x, y: (x * x.detach(), x.detach() * 2, x.data),
    "stopped": lambda t, x, y: (lambda z: (z.detach_(), z * y)[-1])(x * 2),
    "activations": lambda t, x, y: (x.relu(), x.sigmoid(), x.tanh(), x.clamp(min=0), x.clamp(max=1), x.abs()),
    "exponentials": lambda t, x, y: (x.exp(), x.abs().log(), x.abs().sqrt(), x.sin(), x.cos(), x.reciprocal(),
        x.square()),
    "negative zero": lambda t, x, y: (-(x * 0), (x * 0).abs(), 1 / -(x * 0)),
    "large": lambda t, x, y: ((x * 1e30).exp(), (x * 1e38 * 10).sum(), (x * 100).sigmoid(), (x * 100).softmax(1)),
    "wide ints": lambda t, x, y: (t.tensor(2**62) * 2, t.tensor([255], dtype=t.uint8) + 1, t.tensor(-7) // 2),
    "gradient of the gradient": lambda t, x, y: t.autograd.grad((x ** 3 * y).sum(), (x, y), create_graph=True)[0] * 1,
    "second gradient": lambda t, x, y: t.autograd.grad(
        (t.autograd.grad((x.tanh() * y).sum(), x, create_graph=True)[0] ** 2).sum(), (x, y)),
    "retained": lambda t, x, y: (lambda z: (z.retain_grad(), (z * z).sum().backward(), z.grad)[-1])(x * y),
    "unused": lambda t, x, y: t.autograd.grad(x.sum(), (x, y), allow_unused=True)[0],
    "stale": lambda t, x, y: (lambda z: (z.exp_(), z.mul_(2), z.sum().backward()))(x * 1),
    "twice": lambda t, x, y: (lambda z: (z.backward(), z.backward()))((x * x).sum()),
    "leaf in place": lambda t, x, y: x.add_(1),
    "bad shapes": lambda t, x, y: x + t.ones(4),
    "bad product": lambda t, x, y: x @ x,
    "bad view": lambda t, x, y: x.t().view(6),
    "bad axis": lambda t, x, y: x.sum(5),
    "bad type": lambda t, x, y: x + "a",
    "bad index": lambda t, x, y: x[7],
    "not a scalar": lambda t, x, y: (x * 1).backward(),
    "int grad": lambda t, x, y: t.arange(3).requires_grad_(),
    "printing": lambda t, x, y: (repr(x), repr(x * 2), repr(x.sum()), repr(x[0]), repr(x > 0),
        repr(x.detach().long())),
    "versions": lambda t, x, y: (lambda z: (z._version, z.add_(1)._version, z[0]._version, z.detach()._version))(x * 1),
    "strides": lambda t, x, y: ((x.t() * 2).stride(), (x.t() + y.unsqueeze(1)).stride(), x.t().clone().stride(),
                                t.zeros_like(x.t()).stride(), (x[:, ::2] * 1).stride(),
                                t.zeros_like(x[:, ::2].t()).stride(),
                                x[::2].t().index_fill(0, t.tensor([0]), 1).stride()),
    "strides of axes in no order": lambda t, x, y: (
        x.t().unfold(0, 2, 1).exp().stride(), x.expand(4, 2, 3).permute(2, 0, 1).sin().stride(),
        (x.expand(4, 2, 3).permute(2, 1, 0) * y[:2, None]).stride(), (x.t()[:, None] + y.expand(2, 3).t()).stride(),
        (x.t() * t.ones(3, 2)).stride(), t.where(x.t() > 0, t.ones(2), x.t()).stride()),
    "out= is one write": lambda t, x, y: [
        (t.add(x.detach(), 1, out=o)._version, o) for o in (t.zeros(0), t.zeros(2, 3), t.zeros(2))],
    "out= of what makes tensors": lambda t, x, y: [
        (make(o), tuple(o.shape), o._version) for make in (
            lambda o: t.zeros(4, out=o), lambda o: t.zeros(2, 0, out=o), lambda o: t.full((4,), 1.0, out=o),
            lambda o: t.arange(4, out=o), lambda o: t.linspace(0, 1, 4, out=o), lambda o: t.eye(2, out=o))
        for o in map(t.zeros, ((0,), (2, 2), (4,), (3,)))],
    "equal": lambda t, x, y: (t.equal(x, x.double()), t.equal(t.zeros(2, 0), t.zeros(0).long()), t.equal(x > 0, x)),
    "negative power in place": lambda t, x, y: t.arange(3).pow_(-1),
    "negative power": lambda t, x, y: (t.ones(2).pow_(-1), t.arange(3).pow_(t.tensor(-1)), x.clone().pow_(-1)),
    "row-major whatever the operand": lambda t, x, y: (
        x.t().softmax(-1).view(6), x.t().log_softmax(0).view(6), x.t().tril().view(6),
        x.t().masked_fill(x.t() > 0, 2.0).view(6)),
    "scalars": lambda t, x, y: (x.sum().item(), float(y[0]), int(y[1]), bool(y[2] > 0), len(x), x.numel(), x.dim()),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    compare(PROGRAMS[name], pair, name)


# ---------------------------------------------------------------- at random

UNARY = ["exp", "sin", "cos", "tanh", "sigmoid", "relu", "neg", "abs", "square", "clone", "t_", "sum", "mean", "slice",
         "unsqueeze", "flatten", "double", "softmax", "amax", "contiguous", "first", "expand", "scalar"]
BINARY = ["+", "-", "*", "/", "maximum", "where", "matmul", "cat"]
SIZES = [(), (1,), (3,), (2, 3), (3, 1), (1, 3), (2, 2, 3), (3, 2)]


def random_program(seed):
    """A list of steps; each takes values made before it and appends one. What does not apply, both leave out."""
    rng = random.Random(seed)
    # PyTorch does not look at the dtype of what is empty: (0, 3) is left to `PROGRAMS`.
    inputs = [(rng.choice(SIZES), rng.choice(["float32", "float32", "float64", "int64", "bool"]),
               rng.choice(["plain", "transposed", "strided"]), rng.random() < 0.8) for _ in range(rng.randint(1, 3))]
    steps = []
    for k in range(rng.randint(3, 9)):
        n = len(inputs) + k
        if rng.random() < 0.5:
            steps.append((rng.choice(UNARY), rng.randrange(n), rng.randint(0, 2), round(rng.uniform(-2, 2), 2)))
        else:
            steps.append((rng.choice(BINARY), rng.randrange(n), rng.randrange(n)))
    return inputs, steps


def make_inputs(library, inputs, seed):
    rng = np.random.default_rng(seed)
    made = []
    for shape, dtype, layout, wants in inputs:
        values = rng.uniform(-2, 2, shape)
        kind = getattr(library, dtype)
        if layout == "transposed" and len(shape) > 1:
            x = library.tensor(np.ascontiguousarray(values.T).tolist(), dtype=kind) if 0 not in shape else \
                library.zeros(*reversed(shape), dtype=kind)
            x = x.permute(*reversed(range(len(shape))))
        elif layout == "strided" and shape:
            wide = np.repeat(values, 2, -1)
            x = (library.tensor(wide.tolist(), dtype=kind) if 0 not in shape else
                 library.zeros(*wide.shape, dtype=kind))[..., ::2]
        else:
            x = library.tensor(values.tolist(), dtype=kind) if 0 not in shape else library.zeros(*shape, dtype=kind)
        made.append(x.detach().requires_grad_(wants and x.is_floating_point()))
    return made


def step(t, op, values, *arguments):
    x = values[arguments[0]]
    if op in BINARY:
        y = values[arguments[1]]
        if op in "+-*/":
            return {"+": x.__add__, "-": x.__sub__, "*": x.__mul__, "/": x.__truediv__}[op](y)
        if op == "matmul":
            return t.matmul(x, y)
        if op == "cat":
            return t.cat([x, y], -1)
        return t.maximum(x, y) if op == "maximum" else t.where(x > 0, x, y)
    _, axis, number = arguments
    simple = {
        "t_": lambda: x.transpose(0, -1), "sum": lambda: x.sum(axis, keepdim=number > 0), "mean": lambda: x.mean(),
        "slice": lambda: x[..., :axis + 1], "unsqueeze": lambda: x.unsqueeze(axis), "softmax": lambda: x.softmax(axis),
        "amax": lambda: x.amax(axis), "first": lambda: x[0], "expand": lambda: x.expand(2, *x.shape),
        "scalar": lambda: x * number + axis,
    }
    return simple[op]() if op in simple else getattr(x, op)()


def run_random(t, inputs, steps, seed):
    values = make_inputs(t, inputs, seed)
    leaves, refused = list(values), []
    for s in steps:
        try:
            values.append(step(t, s[0], values, *s[1:]))
        except (RuntimeError, TypeError, IndexError, ValueError) as error:
            refused.append((s, type(error)))
            values.append(values[-1])
    ends = [v.double().sum() for v in values[len(leaves):] if v.requires_grad]
    if ends:
        sum(ends[1:], ends[0]).backward()
    return values, [x.grad for x in leaves], refused


@pytest.mark.parametrize("block", range(20))
def test_random_programs(block):
    for seed in range(block * 15, block * 15 + 15):
        inputs, steps = random_program(seed)
        said = (seed, inputs, steps)
        values, grads, refused = run_random(torch, inputs, steps, seed)
        ours, our_grads, our_refused = run_random(tapegrad, inputs, steps, seed)
        assert [r[0] for r in our_refused] == [r[0] for r in refused], said
        for (_, mine), (_, theirs) in zip(our_refused, refused):
            assert issubclass(mine, theirs) or issubclass(theirs, mine), (said, mine, theirs)
        assert_same(tuple(ours), tuple(values), said, single=True)
        for f, e in zip(our_grads, grads):
            assert (f is None) == (e is None), said
            if e is not None:
                assert_same(f, e, said, single=True)
