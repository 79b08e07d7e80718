"""Large values of little memory are computed again by the blocks that read them later: less memory, the same bits."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.compiler.passes import PASSES
from tapegrad.machine.kernels.products import gemm

if gemm.kernels(torch.float64) is None:
    pytest.skip("BLAS does the products of this machine, and blocks are apart", allow_module_level=True)

LARGE = 9 * 1000 * 8 * 8  # bytes of the differences below


def scored(points, means, factors):
    """A score of each point by each mean, and the differences it is made of."""
    apart = points - means[:, None]
    return ((apart @ factors) ** 2).sum(-1).logsumexp(0).sum(), apart


def run(points, means, factors):
    total, _ = scored(points, means, factors)
    total.backward()
    return total


def shown(points, means, factors):
    total, apart = scored(points, means, factors)
    total.backward()
    return total, apart


def moved(points, means, factors):
    """The operand is written before the backward, which is owed the values from before."""
    total, _ = scored(points, means, factors)
    with torch.no_grad():
        means.add_(1)
        means.sub_(1.5)
    total.backward()
    return total


def filled(points, means, factors):
    """So is one that the function made itself."""
    near = points * 0.5
    total, _ = scored(near, means, factors)
    near.detach().zero_()
    total.backward()
    return total, near


@pytest.mark.parametrize("function, saves", [(run, True), (shown, False), (moved, False), (filled, False)])
def test_answers_and_memory(function, saves):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s) for s in ((1000, 8), (9, 8), (9, 8, 8))]

    def answers(passes, calls=6):
        points, means, factors = map(torch.from_numpy, [a.copy() for a in arrays])
        means.requires_grad_()
        factors.requires_grad_()

        def step():
            means.grad = factors.grad = None
            return function(points, means, factors)

        made = step if passes is None else torch.compile(step, passes=passes)
        found = []
        for _ in range(calls):
            out = made()
            found += [t.detach().numpy().copy() for t in (*(out if isinstance(out, tuple) else (out,)), means.grad,
                                                          factors.grad)]
        if passes is None:
            return found, 0
        (variants,) = made.tapes.values()
        variants[-1].wait()
        assert made.replays
        return found, variants[-1].program.size

    expected, _ = answers(None)
    without, most = answers([n for n in PASSES if n != "recomputed"])
    found, size = answers(list(PASSES))
    for a, b, c in zip(found, without, expected):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-12)
    assert (most - size >= LARGE) == saves
