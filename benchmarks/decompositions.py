"""Decompositions of matrices, forward and backward, beside PyTorch."""
from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Function, Measured, fastest, figure, libraries

# s is symmetric, x and y are not.
CALLS: dict[str, Callable[..., Any]] = {
    "svd": lambda T, x, y, s: sum(v.square().sum() for v in (lambda u: (u[0][:, :1], u[1], u[2][:1]))(
        T.linalg.svd(x, full_matrices=False))),
    "svdvals": lambda T, x, y, s: T.linalg.svdvals(x).sum(),
    "eigh": lambda T, x, y, s: (lambda r: r[0].sum() + r[1].square().sum())(T.linalg.eigh(s)),
    "eigvalsh": lambda T, x, y, s: T.linalg.eigvalsh(s).sum(),
    "qr": lambda T, x, y, s: (lambda r: r[0].sum() + r[1].sum())(T.linalg.qr(x)),
    "lstsq": lambda T, x, y, s: T.linalg.lstsq(x, y).solution.sum(),
    "pinv": lambda T, x, y, s: T.linalg.pinv(x).sum(),
    "matrix_rank": lambda T, x, y, s: T.linalg.matrix_rank(x.detach()),
    "lu": lambda T, x, y, s: (lambda r: r[1].sum() + r[2].sum())(T.linalg.lu(x)),
    "lu_factor": lambda T, x, y, s: T.linalg.lu_factor(x)[0].sum(),
    "slogdet": lambda T, x, y, s: T.linalg.slogdet(x)[1],
    "det": lambda T, x, y, s: T.linalg.det(x),
    "matrix_exp": lambda T, x, y, s: T.linalg.matrix_exp(x).sum(),
    "cond": lambda T, x, y, s: T.linalg.cond(x),
    "norm nuc": lambda T, x, y, s: T.linalg.norm(x, "nuc"),
    "norm 2": lambda T, x, y, s: T.linalg.norm(x, 2),
    "inv": lambda T, x, y, s: T.linalg.inv(x).sum(),
    "solve": lambda T, x, y, s: T.linalg.solve(x, y).sum(),
    "cholesky": lambda T, x, y, s: T.linalg.cholesky(s).sum(),
}


def case(call: Callable[..., Any], torch: Any, n: int) -> Function:
    import numpy as np

    random = np.random.default_rng(0)
    x, y, s = random.standard_normal((3, n, n)) / math.sqrt(n)
    leaves = [torch.tensor(v).requires_grad_() for v in (x, y, s @ s.T + np.eye(n))]

    def run() -> None:
        for leaf in leaves:
            leaf.grad = None
        found = call(torch, *leaves)
        if found.requires_grad:
            found.backward()

    return run


def measured(n: int, seconds: float = 0.3, only: str = "") -> dict[str, list[float]]:
    return {name: fastest([case(call, torch, n) for torch in libraries()], seconds)
            for name, call in CALLS.items() if only in name}


@figure("the worst decomposition of 50 × 50 float64, forward + backward", "s", must=1.5, aim=1)
def decompositions() -> Measured:
    found = measured(50)
    for name, times in found.items():
        print(f"{name:24}" + "".join(f"{t * 1e6:10.1f} µs" for t in times), file=sys.stderr)
    return Measured(*max(found.values(), key=lambda times: times[0] / times[-1]))
