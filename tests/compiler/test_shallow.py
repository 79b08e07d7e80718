"""Products of a few columns with as many long rows, compiled: arithmetic, of the same values to the last bit."""
from __future__ import annotations

import numpy as np
import pytest
from called_on_arrays import compiled

import tapegrad as torch
from tapegrad.machine.kernels.products import gemm

if gemm.kernels(torch.float64) is None:
    pytest.skip("BLAS multiplies here", allow_module_level=True)

SHAPES = {"x": (20, 3, 4), "y": (20, 4, 100), "z": (4, 2000)}
PRODUCTS = {  # and how many products are left as they are
    "batches": (lambda x, y, z: x @ y, 0),
    "one right": (lambda x, y, z: x @ z, 1),
    "one left": (lambda x, y, z: (x[0] * 2) @ y + 1, 0),
    "with more": (lambda x, y, z: (x.sin() @ (y * 2) + y[:, :3]).cos(), 0),
    "three terms": (lambda x, y, z: x[:, :, 1:] @ y[:, :3], 0),
    "many rows": (lambda x, y, z: x.reshape(60, 4)[:, :3] @ z[:3] + 1, 0),
    "many rows alone": (lambda x, y, z: x.reshape(60, 4)[:, :3] @ z[:3], 1),
    "turned left": (lambda x, y, z: x[:, :, :3].mT @ y[:, :3], 0),
    "added": (lambda x, y, z: torch.baddbmm(y[:, :3].contiguous(), x, y), 0),
    "turned right": (lambda x, y, z: x @ y.mT.contiguous().mT, 1),
    "short rows": (lambda x, y, z: x.reshape(60, 4) @ z[:, :60], 1),
    "few": (lambda x, y, z: x[0] @ y[0], 1),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_values(name, dtype):
    function, left = PRODUCTS[name]
    rng = np.random.default_rng(0)
    tensors = [torch.from_numpy(rng.normal(size=s)).to(dtype) for s in SHAPES.values()]
    tensors[1].view(-1)[7] = np.inf
    tensors[0][2] = -0.0
    found, expected, variant, _ = compiled(function, tensors)
    nan = np.isnan(expected)
    assert found[~nan].tobytes() == expected[~nan].tobytes() and np.isnan(found[nan]).all()
    assert variant.dump().count("gemm") == left, variant.dump()
