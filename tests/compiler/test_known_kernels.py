"""Every operation that is no loop over elements, and its gradient, in a compiled function whose result has a history.

Kernels of LAPACK, of indices, of scans and orders: the compiler knows what each of them reads and writes, or else
functions that need their gradients run as written.
"""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import registry

import tapegrad as torch
from tapegrad import dispatch
from tapegrad.compiler import compile
from tapegrad.ops.declaration import REGISTRY, operations

NAMES = sorted(op.name for op in operations() if op.name[0] != "_" and op.name[-1] != "_"
               and op.kind not in ("elementwise", "reduction", "view"))


def used(function: Any, leaves: Any) -> list[Any]:
    """The result, and the gradients of what requires grad."""
    y = function(*leaves)
    wanted = [t for t in leaves if t.requires_grad]
    found = torch.autograd.grad(y.sum(), wanted, allow_unused=True) if y.requires_grad and wanted else ()
    return [None if t is None else t.detach().numpy().copy() for t in (y, *found)]


@pytest.mark.parametrize("name", NAMES)
def test_compiles_with_its_gradient(name):
    for sample in list(registry.samples(REGISTRY[name], torch.float64))[:12:3]:
        tensors = sample.tensors(requires_grad=True)
        leaves = [t for t in tensors if isinstance(t, torch.Tensor)]
        if not leaves or any(t.numel() < 2 for t in leaves):
            continue

        def function(*leaves: Any, sample: Any = sample, tensors: Any = tensors) -> Any:
            given = iter(leaves)
            y = dispatch.apply(sample.op, tuple(next(given) if isinstance(t, torch.Tensor) else t for t in tensors),
                               tuple(sample.attributes.items()))
            return y * 1.0 if y.requires_grad else y

        try:
            expected = used(function, leaves)
        except (RuntimeError, TypeError, NotImplementedError):
            continue
        compiled = compile(function)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [used(compiled, leaves) for _ in range(5)][-1]
        assert compiled.replays, compiled.explain()
        for a, b in zip(expected, found, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("exponent", [4, 5, 0.5, -0.5, 2.0, 3.0, 1.0, -1.0, 2.5])
def test_powers_keep_their_digits(dtype, exponent):
    """A number that is an operand in eager code is a constant when compiled: no other function for that."""
    x = torch.tensor(np.random.default_rng(0).normal(size=1000)).to(dtype).requires_grad_()

    def run():
        x.grad = None
        y = (x - 1) ** exponent
        (y * 2).sum().backward()
        return y.detach(), x.grad

    compiled = torch.compile(run)
    for _ in range(4):
        found = [t.numpy().copy() for t in compiled()]
    assert compiled.replays
    for a, b in zip(found, run()):
        np.testing.assert_array_equal(a, b.numpy())
