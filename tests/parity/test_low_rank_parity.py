"""Singular values by random products: those of PyTorch for a seed, with its gradients."""
from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

CALLS = {
    "tall": lambda t, x: t.svd_lowrank(x.mT, 3),
    "wide": lambda t, x: t.svd_lowrank(x, q=2, niter=1),
    "as it comes": lambda t, x: t.svd_lowrank(x[..., :6, :]),
    "without turns": lambda t, x: t.svd_lowrank(x, 2, 0),
    "none": lambda t, x: t.svd_lowrank(x, None, None),
    "minus a row": lambda t, x: t.svd_lowrank(x, 2, M=t.ones(9, dtype=x.dtype) / 4),
    "of no columns": lambda t, x: t.svd_lowrank(x, 0),
    "components": lambda t, x: t.pca_lowrank(x, 2),
    "not centred": lambda t, x: t.pca_lowrank(x.mT, 2, center=False, niter=1),
    "all components": lambda t, x: t.pca_lowrank(x.mT[..., :4]),
}


@pytest.mark.parametrize("shape", [(6, 9), (2, 7, 9)])
@pytest.mark.parametrize("name", CALLS)
def test_values_gradients_and_the_stream(name, shape):
    found = []
    for t in (torch, tapegrad):
        t.manual_seed(5)
        x = t.randn(*shape, dtype=t.float64, requires_grad=True)
        U, S, V = CALLS[name](t, x)
        (S.square().sum() + (U @ V.mT).abs().sum()).backward()
        found.append([S.detach().numpy(), (U * S.unsqueeze(-2) @ V.mT).detach().numpy(), x.grad.numpy(),
                      t.rand(3).numpy(), np.array([*U.shape, *V.shape])])
    for want, got in zip(*found):
        np.testing.assert_allclose(got, want, 1e-8, 1e-8)


@pytest.mark.parametrize("call", [lambda t, x: t.pca_lowrank(x, 7), lambda t, x: t.pca_lowrank(x, -1),
                                  lambda t, x: t.pca_lowrank(x, 2, niter=-1), lambda t, x: t.svd_lowrank(x[0]),
                                  lambda t, x: t.svd_lowrank(x, -1), lambda t, x: t.svd_lowrank(x.int()),
                                  lambda t, x: t.svd_lowrank(x, M=t.ones(2, 2))])
def test_refusals(call):
    said = []
    for t in (torch, tapegrad):
        with pytest.raises(Exception) as error:
            call(t, t.ones(6, 9))
        said.append((error.type, str(error.value)[:40]))
    assert said[0] == said[1]
