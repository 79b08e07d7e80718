"""Every everyday operation, forward and backward, beside PyTorch: geometric means over one table of calls.

A call names its inputs by its parameters: x and y are matrices, u and v vectors, p and q matrices of numbers between
0.2 and 0.9, a, b and c batches of matrices, s a positive-definite matrix (those have gradients); m and n are masks, i
and j whole numbers, r rows of positions along the last axis, k a vector of positions, t class numbers, d ordered.
A call whose result has a gradient is measured with the backward of its sum, another alone. (With a gradient given to
`backward` PyTorch hands that very tensor to a leaf behind a view: nothing would be measured.)
"""
from __future__ import annotations

import gc
import inspect
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import Function, Measured, figure, libraries

Call = Callable[..., Any]

CALLS: dict[str, Call] = {
    # arithmetic
    "x + y": lambda T, x, y: x + y,
    "x - y": lambda T, x, y: x - y,
    "x * y": lambda T, x, y: x * y,
    "x / y": lambda T, x, p: x / p,
    "x * 2.5": lambda T, x: x * 2.5,
    "1 - x": lambda T, x: 1 - x,
    "-x": lambda T, x: -x,
    "x ** 2": lambda T, x: x ** 2,
    "p ** q": lambda T, p, q: p ** q,
    "add alpha": lambda T, x, y: T.add(x, y, alpha=2),
    "x + row": lambda T, x, k: x + x[0],
    "abs": lambda T, x: x.abs(),
    "square": lambda T, x: x.square(),
    "reciprocal": lambda T, p: p.reciprocal(),
    "addcmul": lambda T, x, y, p: T.addcmul(x, y, p, value=0.5),
    "lerp": lambda T, x, y: T.lerp(x, y, 0.3),
    "hypot": lambda T, p, q: T.hypot(p, q),
    "atan2": lambda T, p, q: T.atan2(p, q),
    "fmod": lambda T, x: T.fmod(x, 0.7),
    "remainder": lambda T, x: T.remainder(x, 0.7),
    "floor_divide": lambda T, i, j: T.floor_divide(i, j),
    "maximum": lambda T, x, y: T.maximum(x, y),
    "minimum": lambda T, x, y: T.minimum(x, y),
    "clamp": lambda T, x: x.clamp(-0.5, 0.5),
    "clamp min": lambda T, x: x.clamp(min=0.0),
    "where": lambda T, m, x, y: T.where(m, x, y),
    "where number": lambda T, m, x: T.where(m, x, 0.0),
    "masked_fill": lambda T, x, m: x.masked_fill(m, 0.5),
    "logaddexp": lambda T, x, y: T.logaddexp(x, y),
    "xlogy": lambda T, p, q: T.xlogy(p, q),
    # functions of a number
    **{name: (lambda T, x, _f=name: getattr(T, _f)(x)) for name in (
        "exp", "exp2", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "erfc", "sigmoid",
        "sign", "floor", "ceil", "round", "trunc", "frac")},
    **{name: (lambda T, p, _f=name: getattr(T, _f)(p)) for name in (
        "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "asin", "acos", "atanh")},
    "acosh": lambda T, p: T.acosh(p + 1),
    # activations
    "relu": lambda T, x: T.relu(x),
    "gelu": lambda T, x: T.nn.functional.gelu(x),
    "silu": lambda T, x: T.nn.functional.silu(x),
    "softplus": lambda T, x: T.nn.functional.softplus(x),
    "leaky_relu": lambda T, x: T.nn.functional.leaky_relu(x, 0.1),
    "elu": lambda T, x: T.nn.functional.elu(x, 0.5),
    "softmax": lambda T, x: x.softmax(-1),
    "softmax dim 0": lambda T, x: x.softmax(0),
    "log_softmax": lambda T, x: x.log_softmax(-1),
    # comparisons, logic, whole numbers
    "x > y": lambda T, x, y: x > y,
    "x == y": lambda T, x, y: x == y,
    "logical_and": lambda T, m, n: T.logical_and(m, n),
    "m & n": lambda T, m, n: m & n,
    "~m": lambda T, m: ~m,
    "i ^ j": lambda T, i, j: i ^ j,
    "i + j": lambda T, i, j: i + j,
    "i % 7": lambda T, i: i % 7,
    "isnan": lambda T, x: x.isnan(),
    "isfinite": lambda T, x: x.isfinite(),
    "to int64": lambda T, x: x.to(T.int64),
    "to float32": lambda T, x: x.to(T.float32),
    "clone": lambda T, x: x.clone(),
    # reductions
    "sum": lambda T, x: x.sum(),
    "sum dim 1": lambda T, x: x.sum(1),
    "sum dim 0 keepdim": lambda T, x: x.sum(dim=0, keepdim=True),
    "mean": lambda T, x: x.mean(),
    "mean dim": lambda T, x: x.mean(dim=1),
    "prod": lambda T, p: (p + 0.5).prod(),
    "prod dim": lambda T, p: p.prod(1),
    "max": lambda T, x: x.max(),
    "max dim": lambda T, x: x.max(1).values,
    "min dim": lambda T, x: x.min(dim=0)[0],
    "amax": lambda T, x: x.amax(1),
    "amin": lambda T, x: x.amin(0),
    "argmax": lambda T, x: x.argmax(1),
    "argmin": lambda T, x: x.argmin(),
    "var": lambda T, x: x.var(),
    "var dim": lambda T, x: x.var(1),
    "std": lambda T, x: x.std(dim=1, unbiased=False),
    "norm": lambda T, x: x.norm(),
    "norm dim": lambda T, x: x.norm(dim=1),
    "any": lambda T, m: m.any(),
    "all dim": lambda T, m: m.all(1),
    "count_nonzero": lambda T, i: T.count_nonzero(i),
    "logsumexp": lambda T, x: x.logsumexp(1),
    "cumsum": lambda T, x: x.cumsum(1),
    "cumsum dim 0": lambda T, x: x.cumsum(0),
    "cumprod": lambda T, p: p.cumprod(1),
    # orders
    "sort": lambda T, x: x.sort(1).values,
    "sort descending": lambda T, x: x.sort(dim=0, descending=True)[0],
    "argsort": lambda T, x: x.argsort(1),
    "topk": lambda T, x: x.topk(3, 1).values,
    "median": lambda T, x: x.median(),
    "median dim": lambda T, x: x.median(1).values,
    "unique": lambda T, i: i.unique(),
    "nonzero": lambda T, i: (i > 20).nonzero(),
    "searchsorted": lambda T, d, v: T.searchsorted(d, v.detach()),
    # views
    "reshape": lambda T, x: x.reshape(-1),
    "view": lambda T, u: u.view(2, -1),
    "flatten": lambda T, a: a.flatten(1),
    "transpose": lambda T, x: x.transpose(0, 1),
    "t": lambda T, x: x.t(),
    "x.T": lambda T, x: x.T,
    "permute": lambda T, a: a.permute(2, 0, 1),
    "movedim": lambda T, a: a.movedim(0, -1),
    "squeeze": lambda T, u: u.view(1, -1, 1).squeeze(),
    "unsqueeze": lambda T, x: x.unsqueeze(1),
    "expand": lambda T, u: u.expand(2, -1),
    "broadcast_to": lambda T, u: T.broadcast_to(u, (2, u.shape[0])),
    "narrow": lambda T, x: x.narrow(1, 1, 3),
    "select": lambda T, x: x.select(1, 2),
    "diagonal": lambda T, x: x.diagonal(),
    "split": lambda T, x: x.split(3)[1],
    "chunk": lambda T, x: x.chunk(2, 1)[0],
    "unbind": lambda T, a: a.unbind(1)[0],
    "detach": lambda T, x: x.detach(),
    # indexing
    "x[2]": lambda T, x: x[2],
    "x[1:3]": lambda T, x: x[1:3],
    "x[:, 1]": lambda T, x: x[:, 1],
    "x[::2, 1:-1]": lambda T, x: x[::2, 1:-1],
    "x[None, ..., 0]": lambda T, x: x[None, ..., 0],
    "x[[0, 2]]": lambda T, x: x[[0, 2]],
    "x[k]": lambda T, x, k: x[k],
    "x[k, k]": lambda T, x, k: x[k, k],
    "u[k]": lambda T, u, k: u[k],
    "x[m]": lambda T, x, m: x[m],
    "index_put": lambda T, x, k, y: x.index_put((k,), y[:k.shape[0]]),
    "index_put accumulate": lambda T, x, k, y: x.index_put((k,), y[:k.shape[0]], accumulate=True),
    "x[1] = v": lambda T, x, v: _assigned(x, v),
    "gather": lambda T, x, r: x.gather(1, r),
    "scatter": lambda T, x, r, y: x.scatter(1, r, y),
    "scatter_add": lambda T, x, r, y: x.scatter_add(1, r, y),
    "index_select": lambda T, x, k: x.index_select(0, k),
    "index_add": lambda T, x, k, y: x.index_add(0, k, y[:k.shape[0]]),
    "take_along_dim": lambda T, x, r: T.take_along_dim(x, r, 1),
    "masked_select": lambda T, x, m: x.masked_select(m),
    # copies in another order
    "cat": lambda T, x, y: T.cat([x, y], 1),
    "stack": lambda T, u, v: T.stack((u, v)),
    "flip": lambda T, x: x.flip(1),
    "roll": lambda T, x: x.roll(2, 0),
    "repeat": lambda T, x: x.repeat(2, 1),
    "tile": lambda T, u: u.tile(2),
    "diag": lambda T, x: x.diag(),
    "diag_embed": lambda T, x: x[0].diag(),
    "tril": lambda T, x: x.tril(),
    "triu": lambda T, x: x.triu(1),
    "pad": lambda T, x: T.nn.functional.pad(x, (1, 1)),
    "contiguous": lambda T, x: x.t().contiguous(),
    # products
    "x @ y": lambda T, x, y: x @ y,
    "bmm": lambda T, a, b: T.bmm(a, b),
    "a @ b": lambda T, a, b: a @ b,
    "mv": lambda T, x, y: x.mv(y[0]),
    "dot": lambda T, u, v: u.dot(v),
    "outer": lambda T, x, y: T.outer(x[0], y[0]),
    "addmm": lambda T, x, y, p: T.addmm(p, x, y),
    "baddbmm": lambda T, a, b, c: T.baddbmm(c, a, b),
    "einsum": lambda T, x, y: T.einsum("ij,jk->ik", x, y),
    "einsum batch": lambda T, a, b: T.einsum("bij,bjk->bik", a, b),
    "linear": lambda T, x, y, p: T.nn.functional.linear(x, y, p[0]),
    # losses
    "mse_loss": lambda T, x, y: T.nn.functional.mse_loss(x, y),
    "l1_loss": lambda T, x, y: T.nn.functional.l1_loss(x, y),
    "smooth_l1_loss": lambda T, x, y: T.nn.functional.smooth_l1_loss(x, y),
    "cross_entropy": lambda T, x, t: T.nn.functional.cross_entropy(x, t),
    "nll_loss": lambda T, x, t: T.nn.functional.nll_loss(x, t),
    "bce": lambda T, p, q: T.nn.functional.binary_cross_entropy(p, q.detach()),
    "bce logits": lambda T, x, q: T.nn.functional.binary_cross_entropy_with_logits(x, q.detach()),
    # linear algebra
    "inv": lambda T, s: T.linalg.inv(s),
    "solve": lambda T, s, x: T.linalg.solve(s, x),
    "cholesky": lambda T, s: T.linalg.cholesky(s),
    "det": lambda T, s: T.linalg.det(s),
    "slogdet": lambda T, s: T.linalg.slogdet(s)[1],
}


def _assigned(x: Any, v: Any) -> Any:
    y = x.clone()
    y[1] = v[:x.shape[1]]
    return y


def inputs(torch: Any, n: int) -> dict[str, Any]:
    """What calls can name, for matrices of n by n elements."""
    import numpy as np

    random = np.random.default_rng(0)
    third = max(4, round(n ** (2 / 3)))

    def leaf(array: Any) -> Any:
        return torch.tensor(array).requires_grad_()

    near = random.standard_normal((n, n)) / n
    return {
        **{name: leaf(random.standard_normal((n, n))) for name in "xy"},
        **{name: leaf(random.uniform(0.2, 0.9, (n, n))) for name in "pq"},
        **{name: leaf(random.standard_normal(n * n)) for name in "uv"},
        **{name: leaf(random.standard_normal((third,) * 3)) for name in "abc"},
        **{name: torch.tensor(random.random((n, n)) < 0.5) for name in "mn"},
        **{name: torch.tensor(random.integers(1, 50, (n, n))) for name in "ij"},
        "s": leaf(np.eye(n) + near @ near.T),
        "r": torch.tensor(random.integers(0, n, (n, n))),
        "k": torch.tensor(random.integers(0, n, n // 2)),
        "t": torch.tensor(random.integers(0, n, n)),
        "d": torch.tensor(np.sort(random.standard_normal(n * n))),
    }


@dataclass
class Case:
    """One call of one library, ready to be timed: `run` leaves gradients in the leaves."""

    run: Function
    leaves: list[Any]


def case(torch: Any, call: Call, given: dict[str, Any]) -> Case:
    names = [p for p in list(inspect.signature(call).parameters)[1:] if not p.startswith("_")]
    values = [given[p] for p in names]
    leaves = [v for v in values if getattr(v, "requires_grad", False)]
    answer = call(torch, *values)
    if not leaves or not answer.requires_grad:
        return Case(lambda: call(torch, *values), [])

    def run() -> None:
        for leaf in leaves:
            leaf.grad = None
        call(torch, *values).sum().backward()

    return Case(run, leaves)


def repeated(run: Function, times: int) -> Function:
    def several() -> None:
        for _ in range(times):
            run()

    return several


def timed(calls: dict[str, Call], make: Callable[[Any], dict[str, Any]], seconds: float, at_least: int
          ) -> dict[str, list[float]]:
    """Seconds a call of each library, on the inputs that it is made, the fastest of many short turns."""
    both = [(torch, make(torch)) for torch in libraries()]
    found = {}
    for name, call in calls.items():
        cases = [case(torch, call, given) for torch, given in both]
        for c in cases:
            c.run()
            c.run()
        start = time.perf_counter()
        cases[-1].run()
        times = max(1, min(50, int(2e-4 / (time.perf_counter() - start))))
        found[name] = [t / times for t in _turns([repeated(c.run, times) for c in cases], seconds, at_least)]
        for c in cases:
            for leaf in c.leaves:
                leaf.grad = None
    return found


def _turns(functions: list[Function], seconds: float, at_least: int) -> list[float]:
    best = [math.inf] * len(functions)
    gc.collect()
    gc.disable()
    try:
        end, turns = time.perf_counter() + seconds, 0
        while turns < at_least or time.perf_counter() < end:
            for k, f in enumerate(functions):
                start = time.perf_counter()
                f()
                best[k] = min(best[k], time.perf_counter() - start)
            turns += 1
    finally:
        gc.enable()
    return best


def report(found: dict[str, list[float]]) -> str:
    """A line an operation, the worst first."""
    if len(next(iter(found.values()))) < 2:
        return "\n".join(f"{name:24} {ours * 1e6:10.2f} µs" for name, (ours,) in found.items())
    rows = sorted(found.items(), key=lambda r: -r[1][0] / r[1][1])
    return "\n".join(f"{name:24} {ours * 1e6:10.2f} µs {theirs * 1e6:10.2f} µs {ours / theirs:8.3f}"
                     for name, (ours, theirs) in rows)


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _large() -> dict[str, list[float]]:
    """Measured once for the two figures that read it."""
    if not _LARGE:
        _LARGE.update(timed(CALLS, lambda torch: inputs(torch, 1000), 0.05, 3))
        print("\n" + report(_LARGE), file=sys.stderr)
    return _LARGE


_LARGE: dict[str, list[float]] = {}


@figure("every operation, forward + backward, 64 elements, geometric mean", "s", must=0.4, aim=0.15)
def operations_64() -> Measured:
    found = timed(CALLS, lambda torch: inputs(torch, 8), 0.25, 20)
    print("\n" + report(found), file=sys.stderr)
    return Measured(*(geometric_mean(times) for times in zip(*found.values())))


@figure("every operation, forward + backward, 10^6 elements, geometric mean", "s", must=1.3, aim=0.8)
def operations_1e6() -> Measured:
    return Measured(*(geometric_mean(times) for times in zip(*_large().values())))


@figure("the worst of them at 10^6 elements", "s", must=5, aim=2)
def worst_operation_1e6() -> Measured:
    found = _large()
    worst = max(found, key=lambda name: found[name][0] / found[name][-1])
    return Measured(*found[worst])
