"""Programs of broadcast arithmetic: few kernels go over memory, and they compute what eager calls compute."""
from __future__ import annotations

import random

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler.passes import PASSES
from tapegrad.compiler.passes.work import kernel_of, single
from tapegrad.compiler.traced_program import Blocked
from tapegrad.machine.kernels import calls_functions, costs_much, emitter, products


def values(*shape, seed=0, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1.5, 1.5, shape)).to(dtype)


def compiled(f, *arguments, passes=None):
    made = torch.compile(f, passes=passes)
    for _ in range(6):
        made(*arguments)
    (variants,) = made.tapes.values()
    variants[-1].wait()
    made(*arguments)
    assert made.replays, made.explain()
    return made


def kernels(made):
    """The kernels of the one program of a compiled function that go over elements."""
    (variants,) = made.tapes.values()
    found = [c.kernel for s in variants[-1].works[0].steps for c in (s.calls if isinstance(s, Blocked) else ())]
    return found + [s.a for s in single(variants[-1].works[0].steps) if kernel_of(s) is not None]


def same(found, wanted, what=""):
    for a, b in zip(found, wanted, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes(), what


def layer_norm(x, w):
    centred = x - x.mean(-1, keepdim=True)
    return centred / ((centred * centred).mean(-1, keepdim=True) + 1e-5).sqrt() * w[0] + w[1],


def masked(x, w):
    scores = x * w[0] - w[1]
    return torch.where(scores > 0, scores, -1e9), (scores > 0).sum(-1)


PROGRAMS = {  # and how many kernels there may be
    "layer norm": (layer_norm, 1),
    "a mask": (masked, 2),
    "distances": (lambda x, w: (((x[:, None] - w) ** 2).sum(-1),), 1),
    "the nearest": (lambda x, w: (((x[:, None] - w) ** 2).sum(-1).argmin(-1),), 2),
    "scaled rows": (lambda x, w: (x / x.abs().sum(1, keepdim=True), x.amax(1)), 1),
    "sums of columns": (lambda x, w: ((x[:, None] * w).sum(1), (x[:, None] - w).sum(1)), 1),
    "row by row, then all": (lambda x, w: (x * (x.amax(1) * 2 + 1)[:, None] + w[0],), 1),
    "transposed": (lambda x, w: ((x.t() * 2)[:, :, None] * w[0] + x.t()[:, :, None],), 3),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("width", [1, 2, 7, 10, 16, 33, 70])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name, width, dtype):
    f, most = PROGRAMS[name]
    x, w = values(301, width, dtype=dtype), values(3, width, seed=1, dtype=dtype)
    made = compiled(f, x, w)
    same(made(x, w), f(x, w), name)
    if width in (7, 10, 33):
        assert len(kernels(made)) <= most, made.tape.dump()


@pytest.mark.parametrize("width", [8, 10, 64])
def test_functions_keep_their_digits(width):
    def softmax(x):
        e = (x - x.amax(-1, keepdim=True)).exp()
        return e / e.sum(-1, keepdim=True),

    x = values(640, width)
    (found,), (wanted,) = compiled(softmax, x)(x), softmax(x)
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-15)


def mixture(x, means, scales):
    z = (x[:, None, :] - means) * scales.exp()
    return (z * z).sum(-1) * -0.5 - scales.sum(-1), z


@pytest.mark.parametrize("rows", [60, 5000], ids=["at once", "in blocks"])
@pytest.mark.parametrize("components, width", [(1, 5), (2, 1), (3, 2), (3, 5), (7, 3), (3, 20), (9, 4)])
def test_few_rows_for_each_sample(rows, components, width):
    given = values(rows, width), values(components, width, seed=1), values(components, width, seed=2)
    same(compiled(mixture, *given)(*given), mixture(*given))


@pytest.mark.parametrize("f", [lambda x, y: (x - y[:, None]).exp(), lambda x, y: x.exp().sum(1) + y,
                               lambda x, y: (x * y[:, None]).tanh() * x], ids=["less", "summed", "times"])
def test_functions_are_not_computed_in_short_rows(f):
    x, y = values(3000, 3), values(3000, seed=1)
    made = compiled(lambda x, y: (f(x, y),), x, y)
    same(made(x, y), [f(x, y)])
    costly = [emitter.kernels[k] for k in kernels(made) if costs_much(emitter.kernels[k].region.values)]
    assert costly and not any("0" in k.pattern or any(k.region.per_row) for k in costly), made.tape.dump()


def test_what_is_between_products_of_matrices_is_one_kernel_of_their_blocks():
    def f(x, w, b):
        y = (x @ w + b[:, None]) * x
        return (y * y).sum(-1), y

    x, w, b = values(12, 500, 10), values(12, 10, 10, seed=1), values(12, 10, seed=2)
    made = compiled(f, x, w, b)
    same(made(x, w, b), f(x, w, b))
    (group,) = [s for s in made.tape.works[0].steps if isinstance(s, Blocked)]
    assert len(group.calls) == 2 and products.product(group.calls[0].kernel) is not None


BESIDE = {  # what is computed beside a run, and joins it with who reads it; how many kernels there may be
    "a product": (lambda x, y, u, v: (x[:, None] * y + u[:, None] * v,), 1),
    "a product of one": (lambda x, y, u, v: (x[:, None] * y - (u[:, None] * v) * (u[:, None] + v),), 1),
    "returned as well": (lambda x, y, u, v: (lambda a, b: (a + b, b))(x[:, None] * y, u[:, None] * v), 1),
    "read before": (lambda x, y, u, v: (lambda a, b: (b.sum((1, 2)).cumsum(0), a + b))(
        x[:, None] * y, u[:, None] * v), 3),
    "written later": (lambda x, y, u, v: (lambda a, u, b: (u.mul_(2), a + b))(
        x[:, None] * y, *(lambda u: (u, u[:, None] * v))(u.clone())), 4),
    "added to": (lambda x, y, u, v: (x[:, None] * y + torch.zeros_like(y).expand(40, 20, 30).clone().add_(
        u[:, None] * v),), 2),
}


@pytest.mark.parametrize("name", BESIDE)
def test_operands_that_are_computed_beside_a_run_are_in_it(name):
    function, most = BESIDE[name]
    given = values(40, 30), values(20, 30, seed=1), values(40, 30, seed=2), values(20, 30, seed=3)
    made = compiled(function, *given)
    same(made(*given), function(*given))
    assert len(kernels(made)) <= most, made.tape.dump()


def test_what_has_but_numbers_in_common_stays_apart():
    def update(x, w, p, q, rate):
        return x * w, p * rate - p, q * rate - q

    given = values(50, 100), values(100), values(768), values(2304), values()
    made = compiled(update, *given)
    same(made(*given), update(*given))
    assert not any("#" in emitter.kernels[k].pattern for k in kernels(made)), made.explain()


def test_small_steps_run_before_a_group_and_not_in_it():
    def f(x, w, logs):
        scale = logs.exp()
        return ((x * scale[:, None]) @ w - x).sum(-1)

    x, w, logs = values(25, 1000, 10), values(25, 10, 10, seed=1), values(25, 10, seed=2)
    made = compiled(f, x, w, logs)
    same([made(x, w, logs)], [f(x, w, logs)])
    (group,) = [s for s in made.tape.works[0].steps if isinstance(s, Blocked)]
    assert group.n_blocks == 25
    assert not any(calls_functions(k.region.values) for c in group.calls for k in [kernel_of_call(c)] if k is not None)


def kernel_of_call(call):
    from tapegrad.machine.kernels import emitter

    return emitter.kernels.get(call.kernel)


def written_over(x, w):
    y = x * w[0]
    total = y.sum(-1)
    y.mul_(total[:, None])
    y[:, 0] += w[1, 0]
    return y - w[2], total, y.sum(0)


def shifted(x, w):
    y = x * w[0]
    y[1:] = y[:-1] + 1.0
    return y * w[1], y.sum(-1)


def own_rows(x, w):
    y = x - x[0]
    z = (y * w[0]).sum(-1)
    y[0] = z[0]
    return y + z[:, None], y[0] * w[1]


@pytest.mark.parametrize("f", [written_over, shifted, own_rows], ids=lambda f: f.__name__)
def test_writes_between(f):
    x, w = values(200, 10), values(3, 10, seed=1)
    same(compiled(f, x, w)(x, w), f(x, w))


OPERATIONS = [lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x - y * 0.5, torch.maximum,
              lambda x, y: torch.where(x > 0, x, y)]
REDUCTIONS = [torch.Tensor.sum, torch.Tensor.mean, torch.Tensor.amax, torch.Tensor.prod]
WRITES = [torch.Tensor.add_, torch.Tensor.mul_, torch.Tensor.copy_]
LEAVES = {"a": "abc", "b": "1bc", "c": "a1c", "d": "ab1", "e": "11c", "f": "a11"}


def random_program(rng):
    """Steps of arithmetic on a cube, its matrices, rows and columns, their sums and extremes, and writes; the results.

    Each step has the name of what it gives, what it calls, and with what: names, and an axis.
    """
    shapes, steps = dict(LEAVES), []
    for number in range(rng.randrange(4, 16)):
        name, kind = f"t{number}", rng.random()
        x, y = (rng.choice([*shapes]) for _ in range(2))
        if kind < 0.6:
            steps.append((name, rng.choice(OPERATIONS), x, y))
            shapes[name] = "".join(q if p == "1" else p for p, q in zip(shapes[x], shapes[y]))
        elif kind < 0.85:
            axis = rng.randrange(3)
            steps.append((name, rng.choice(REDUCTIONS), x, axis))
            shapes[name] = shapes[x][:axis] + "1" + shapes[x][axis + 1:]
        else:
            mine = [n for n in shapes if n[0] == "t" and all(q in ("1", p) for p, q in zip(shapes[n], shapes[y]))]
            steps += [(target, rng.choice(WRITES), target, y) for target in mine[:1]]
    kept = [n for n in shapes if n[0] == "t"]
    return steps, rng.sample(kept, min(len(kept), rng.randrange(1, 5)))


def run(steps, results, arguments):
    known = dict(zip(LEAVES, arguments))
    for name, f, x, y in steps:
        known[name] = f(known[x], known[y]) if isinstance(y, str) else f(known[x], y, keepdim=True)
    return [known[n] for n in results]


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed):
    rng = random.Random(seed)
    steps, results = random_program(rng)
    na, nb, nc = rng.choice([(20, 30, 10), (9, 64, 5), (3, 250, 3), (40, 1, 33), (8, 40, 16)])
    dtype = rng.choice([torch.float64, torch.float64, torch.float32])
    shapes = [(na, nb, nc), (1, nb, nc), (na, 1, nc), (na, nb, 1), (1, 1, nc), (na, 1, 1)]
    arguments = [values(*s, seed=k, dtype=dtype) for k, s in enumerate(shapes)]

    def f(*arguments):
        return run(steps, results, arguments)

    made = compiled(f, *arguments, passes=[p for p in PASSES if p != "blocks"] if seed % 4 == 0 else None)
    same(made(*arguments), f(*arguments), steps)
