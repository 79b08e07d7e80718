"""Weighted sums of products, compiled: one kernel, of the same values to the last bit."""
from __future__ import annotations

import math

import numpy as np
import pytest
from called_on_arrays import compiled

import tapegrad as torch
from benchmarks import hands
from tapegrad.machine.kernels.products import weighted

if weighted.kernels(torch.float64, 3, 4) is None:
    pytest.skip("BLAS multiplies here", allow_module_level=True)

FRAMES, ROWS, DEPTH, POINTS = 6, 3, 4, 300
SHAPES = {"frames": (FRAMES, ROWS, DEPTH), "base": (DEPTH, POINTS), "weights": (FRAMES, POINTS)}

SUMS = {  # and how many kernels of weighted sums there are
    "one for all": (lambda f, b, w: (f @ b * w[:, None]).sum(0), 1),
    "weights first": (lambda f, b, w: (w[:, None] * (f @ b)).sum(0), 1),
    "weights in between": (lambda f, b, w: (lambda p: (p * w.sin()[:, None]).sum(0))(f @ b), 1),
    "one each": (lambda f, b, w: (f @ (b * w[:, :1, None]) * w[:, None]).sum(0), 1),
    "lanes": (lambda f, b, w: torch.func.jacfwd(lambda f: (f @ b * w[:, None]).sum(0))(f), 1),
    "lanes ahead": (lambda f, b, w: (torch.stack([f, f.sin()]) @ b * w[:, None]).sum(1), 1),
    "twice": (lambda f, b, w: (f @ b * w[:, None]).sum(0) + (f.sin() @ b * w[:, None]).sum(0), 2),
    "added": (lambda f, b, w: torch.ones(ROWS, POINTS, dtype=f.dtype).add_((f @ b * w[:, None]).sum(0)), 1),
    "four rows": (lambda f, b, w: (torch.cat([f, f[:, :1]], 1) @ b * w[:, None]).sum(0), 1),
    "a column too many": (lambda f, b, w: (f @ b[:, :-1].contiguous() * w[:, None, 1:]).sum(0), 1),
    "some frames are zero": (lambda f, b, w: (torch.cat([f[:1], 0 * f[1:]]) @ b * w[:, None]).sum(0), 1),
    "turned base": (lambda f, b, w: (f @ b.mT.contiguous().mT * w[:, None]).sum(0), 0),
    "weights of rows": (lambda f, b, w: (f @ b * f[:, :, :1]).sum(0), 0),
    "summed over rows": (lambda f, b, w: (f @ b * w[:, None]).sum(1), 0),
    "summed over all": (lambda f, b, w: (f @ b * w[:, None]).sum((0, 1)), 0),
    "read as well": (lambda f, b, w: (lambda p: (p * w[:, None]).sum(0) + p[0])(f @ b), 0),
    "base is written": (lambda f, b, w: (lambda b, p: (b.mul_(2), (p * w[:, None]).sum(0) + b[0])[1])(
        *(lambda b: (b, f @ b))(b.clone())), 0),
    "weights are written": (lambda f, b, w: (lambda w, p: (w.mul_(2), p.sum(0) + w[0])[1])(
        *(lambda w: (w, f @ b * w[:, None]))(w.clone())), 0),
    "no frames": (lambda f, b, w: (f[:0] @ b * w[:0, None]).sum(0), 0),
}


def data(dtype=torch.float64):
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.normal(size=s)).to(dtype) for s in SHAPES.values()]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("name", SUMS)
def test_values(name, dtype):
    function, sums = SUMS[name]
    found, expected, variant, _ = compiled(function, data(dtype))
    text = variant.dump()
    assert found.tobytes() == expected.tobytes()
    assert text.count("weighted.") == sums, text


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("value", [math.inf, math.nan, 1e308])
@pytest.mark.parametrize("which", SHAPES)
def test_zeros_meet_what_is_not_finite_or_overflows(which, value, zero):
    frames, base, weights = tensors = data()
    frames[1:3], weights[:, 7], base[:, 11] = zero, -zero, zero
    tensors[list(SHAPES).index(which)].view(-1)[7:9] = value
    found, expected, variant, _ = compiled(SUMS["one for all"][0], tensors)
    text = variant.dump()
    assert "weighted." in text
    np.testing.assert_array_equal(found, expected)
    assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()


def test_threads_share_columns():
    rng = np.random.default_rng(0)
    tensors = [torch.from_numpy(rng.normal(size=s)) for s in ((40, 3, 4), (4, 5000), (40, 5000))]
    found, expected, variant, _ = compiled(SUMS["one for all"][0], tensors)
    text = variant.dump()
    assert found.tobytes() == expected.tobytes() and "blocks of" in text, text


@pytest.mark.parametrize("triangles", [False, True])
def test_jacobians_of_a_hand_are_those_of_differences(triangles):
    tensors = [torch.from_numpy(a) for a in hands.hand_data(3, triangles)]
    (theta, *rest), step = tensors, 1e-6
    loss, found = (hands.ht_triangles if triangles else hands.ht), hands.jacobian(torch, triangles, tensors)()
    by_pose = found[0] if triangles else found
    for i in range(0, hands.ANGLES, 5):
        apart = [loss(torch, theta + h * torch.eye(hands.ANGLES, dtype=theta.dtype)[i], *rest) for h in (step, -step)]
        np.testing.assert_allclose(by_pose[..., i].numpy(), ((apart[0] - apart[1]) / (2 * step)).numpy(), atol=1e-8)
