"""Weighted sums of products, compiled: one product."""
from __future__ import annotations

import math

import numpy as np
import pytest

import tapegrad as torch
from benchmarks import hands
from tapegrad.compiler.passes import PASSES

FRAMES, ROWS, DEPTH, POINTS = 6, 3, 4, 300
SHAPES = {"frames": (FRAMES, ROWS, DEPTH), "base": (DEPTH, POINTS), "weights": (FRAMES, POINTS)}

SUMS = {  # and how many products there are; with sums over what a product has as well, one each
    "one for all": (lambda f, b, w: (f @ b * w[:, None]).sum(0), 1),
    "weights first": (lambda f, b, w: (w[:, None] * (f @ b)).sum(0), 1),
    "one each": (lambda f, b, w: (f @ (b * w[:, :1, None]) * w[:, None]).sum(0), 1),
    "lanes": (lambda f, b, w: torch.func.jacfwd(lambda f: (f @ b * w[:, None]).sum(0))(f).sum((2, 3, 4)), None),
    "lanes ahead": (lambda f, b, w: (torch.stack([f, f.sin()]) @ b * w[:, None]).sum(1), 1),
    "twice": (lambda f, b, w: (f @ b * w[:, None]).sum(0) + (f.sin() @ b * w[:, None]).sum(0), 2),
    "added": (lambda f, b, w: torch.ones(ROWS, POINTS, dtype=f.dtype).add_((f @ b * w[:, None]).sum(0)), 1),
    "turned base": (lambda f, b, w: (f @ b.mT.contiguous().mT * w[:, None]).sum(0), 1),
    "weights of rows": (lambda f, b, w: (f @ b * f[:, :, :1]).sum(0), None),
    "summed over rows": (lambda f, b, w: (f @ b * w[:, None]).sum(1), None),
    "summed over all": (lambda f, b, w: (f @ b * w[:, None]).sum((0, 1)), None),
    "read as well": (lambda f, b, w: (lambda p: (p * w[:, None]).sum(0) + p[0])(f @ b), None),
    "base is written": (lambda f, b, w: (lambda b, p: (b.mul_(2), (p * w[:, None]).sum(0))[1])(
        *(lambda b: (b, f @ b))(b.clone())), None),
    "no frames": (lambda f, b, w: (f[:0] @ b * w[:0, None]).sum(0), None),
}


def compiled(function, tensors, passes=tuple(PASSES)):
    with np.errstate(all="ignore"):
        expected = function(*tensors).numpy().copy()
        made = torch.compile(function, eager_build=True, passes=passes)
        for _ in range(4):
            found = made(*tensors).numpy()
    ((variant,),) = made.tapes.values()
    return found, expected, variant.dump()


def data(dtype=torch.float64):
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.normal(size=s)).to(dtype) for s in SHAPES.values()]


@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-12), (torch.float32, 1e-4)], ids=["f64", "f32"])
@pytest.mark.parametrize("name", SUMS)
def test_values(name, dtype, rtol):
    function, products = SUMS[name]
    found, expected, text = compiled(function, data(dtype))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)
    if products is not None:
        assert (text.count("gemm"), text.count(f"{ROWS} × {POINTS}")) == (products, 0), text


@pytest.mark.parametrize("value", [math.inf, math.nan])
@pytest.mark.parametrize("which", SHAPES)
def test_what_is_not_finite_spoils_no_less(which, value):
    tensors = data()
    tensors[list(SHAPES).index(which)].view(-1)[1] = value
    tensors[2].view(-1)[7] = 0
    found, expected, _ = compiled(SUMS["one for all"][0], tensors)
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-12)
    assert not np.isfinite(found[~finite]).any()


def test_weights_that_overflow_are_left_alone_unless_it_is_asked_for():
    frames, base, weights = (torch.full(s, v) for s, v in zip(SHAPES.values(), (1e-20, 1e20, 1e20)))
    frames[:, 0] = 0
    found, expected, _ = compiled(SUMS["one for all"][0], [frames, base, weights], passes=None)
    assert np.isfinite(expected).all() and found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("triangles", [False, True])
def test_jacobians_of_a_hand_are_those_of_differences(triangles):
    tensors = [torch.from_numpy(a) for a in hands.hand_data(3, triangles)]
    (theta, *rest), step = tensors, 1e-6
    loss, found = (hands.ht_triangles if triangles else hands.ht), hands.jacobian(torch, triangles, tensors)()
    by_pose = found[0] if triangles else found
    for i in range(0, hands.ANGLES, 5):
        apart = [loss(torch, theta + h * torch.eye(hands.ANGLES, dtype=theta.dtype)[i], *rest) for h in (step, -step)]
        np.testing.assert_allclose(by_pose[..., i].numpy(), ((apart[0] - apart[1]) / (2 * step)).numpy(), atol=1e-8)
