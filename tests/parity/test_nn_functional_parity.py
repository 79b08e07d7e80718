"""Attention, sampling of images, bags, poolings, CTC: results, gradients and refusals of the same calls."""
from __future__ import annotations

import importlib
import math
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402


class Given:
    """Operands for one library: the same numbers in the same order for both."""

    def __init__(self, t):
        self.t, self.draw, self.leaves = t, np.random.default_rng(5), []

    def __call__(self, *shape, dtype="float64"):
        made = self.t.tensor(self.draw.normal(size=shape).tolist(), dtype=getattr(self.t, dtype)).requires_grad_()
        self.leaves.append(made)
        return made


def F(t):
    return t.nn.functional


def qkv(r):
    return r(2, 4, 5, 8), r(2, 4, 6, 8), r(2, 4, 6, 3)


def mha(t, r, need=True, length=5, source=6, separate=False, batched=True, **options):
    e, h = 8, 2
    q, k, v = (r(n, 3, e) if batched else r(n, e) for n in (length, source, source))
    ways = (r(e, e), r(e, e), r(e, e)) if separate else (None,) * 3
    weight = None if separate else r(3 * e, e)
    extra = {n: r(1, 1, e) for n in ("bias_k", "bias_v")} if options.pop("bias", False) else dict.fromkeys(
        ("bias_k", "bias_v"))
    masks = {n: m(t) for n, m in options.items() if n in ("attn_mask", "key_padding_mask")}
    out, weights = F(t).multi_head_attention_forward(
        q, k, v, e, h, weight, r(3 * e), extra["bias_k"], extra["bias_v"], options.pop("add_zero_attn", False), 0.0, r(e, e),
        r(e), need_weights=need, use_separate_proj_weight=separate, q_proj_weight=ways[0], k_proj_weight=ways[1],
        v_proj_weight=ways[2], average_attn_weights=options.pop("average", True), **masks)
    return (out, weights) if need else out


def pooled(name, *args, **kwargs):
    return lambda t, r: getattr(F(t), name)(*[a(r) if callable(a) else a for a in args], **kwargs)


def bag(mode, *more, rows=lambda t: t.tensor([1, 2, 3, 1, 4]), offsets=lambda t: t.tensor([0, 2, 2]), **options):
    def call(t, r):
        given = {k: (v(t, r) if callable(v) else v) for k, v in options.items()}
        return F(t).embedding_bag(rows(t), r(6, 3), None if offsets is None else offsets(t), mode=mode, **given)
    return call


def ctc(t, r, steps=7, targets=((1, 2, 2), (3, 0, 0)), heard=(7, 5), written=(3, 1), **options):
    return F(t).ctc_loss(r(steps, 2, 4).log_softmax(2), t.tensor(targets), t.tensor(heard), t.tensor(written), **options)


CALLS = {
    "sdpa": lambda t, r: F(t).scaled_dot_product_attention(*qkv(r)),
    "sdpa, causal": lambda t, r: F(t).scaled_dot_product_attention(*qkv(r), is_causal=True),
    "sdpa, mask": lambda t, r: F(t).scaled_dot_product_attention(*qkv(r), t.ones(5, 6, dtype=t.bool).tril()),
    "sdpa, nothing to look at": lambda t, r: F(t).scaled_dot_product_attention(*qkv(r), t.zeros(5, 6, dtype=t.bool)),
    "sdpa, added": lambda t, r: F(t).scaled_dot_product_attention(*qkv(r), r(5, 6)),
    "sdpa, scale": lambda t, r: F(t).scaled_dot_product_attention(*qkv(r), scale=0.1),
    "sdpa, groups": lambda t, r: F(t).scaled_dot_product_attention(r(2, 4, 5, 8), r(2, 2, 6, 8), r(2, 2, 6, 3), enable_gqa=True),
    "sdpa, matrices": lambda t, r: F(t).scaled_dot_product_attention(r(5, 8), r(6, 8), r(6, 3)),
    "sdpa, no keys": lambda t, r: F(t).scaled_dot_product_attention(r(5, 8), r(0, 8), r(0, 3)),
    "sdpa, mask and causal": lambda t, r: F(t).scaled_dot_product_attention(*qkv(r), t.ones(5, 6, dtype=t.bool), is_causal=True),
    "sdpa, dtypes": lambda t, r: F(t).scaled_dot_product_attention(r(5, 8), r(6, 8, dtype="float32"), r(6, 3)),
    "sdpa, vectors": lambda t, r: F(t).scaled_dot_product_attention(r(8), r(6, 8), r(6, 3)),
    "heads": mha, "heads, apart": lambda t, r: mha(t, r, separate=True), "heads, alone": lambda t, r: mha(t, r, batched=False),
    "heads, no weights": lambda t, r: mha(t, r, need=False), "heads, each": lambda t, r: mha(t, r, average=False),
    "heads, biases": lambda t, r: mha(t, r, bias=True, add_zero_attn=True),
    "heads, mask": lambda t, r: mha(t, r, attn_mask=lambda t: t.ones(5, 6, dtype=t.bool).triu(1)),
    "heads, masks": lambda t, r: mha(t, r, attn_mask=lambda t: t.full((6, 5, 6), 0.5, dtype=t.float64), bias=True,
                                     key_padding_mask=lambda t: t.tensor([[0, 0, 0, 0, 1, 1]] * 3, dtype=t.bool)),
    "heads, mask of another shape": lambda t, r: mha(t, r, attn_mask=lambda t: t.ones(4, 6, dtype=t.bool)),
    "fold": lambda t, r: F(t).fold(r(2, 12, 4), (3, 3), (2, 2)), "fold, one": lambda t, r: F(t).fold(r(12, 4), 3, 2),
    "fold, spread": lambda t, r: F(t).fold(r(2, 12, 12), (7, 6), (2, 3), dilation=(2, 1), padding=1, stride=2),
    "fold, channels": lambda t, r: F(t).fold(r(1, 13, 4), (3, 3), (2, 2)),
    "fold, blocks": lambda t, r: F(t).fold(r(1, 12, 5), (3, 3), (2, 2)),
    "lp_pool1d": pooled("lp_pool1d", lambda r: r(2, 3, 7).exp(), 3, 2),
    "lp_pool2d": pooled("lp_pool2d", lambda r: r(2, 3, 6, 7).exp(), 2, (2, 3), ceil_mode=True),
    "lp_pool3d": pooled("lp_pool3d", lambda r: r(1, 2, 4, 4, 4).exp(), 2.5, 2, stride=1),
    **{f"adaptive_max_pool{n}d {size}{' alone' * alone}": pooled(
        f"adaptive_max_pool{n}d", lambda r, n=n, alone=alone: r(*[2, 3][alone:], *[7, 5, 4][:n]), size, return_indices=True)
       for n, sizes in ((1, (3, 7, 1)), (2, ((3, 2), 4, (None, 3))), (3, ((3, 2, 4), 2))) for size in sizes
       for alone in (0, 1)},
    **{f"fractional_max_pool{n}d": lambda t, r, n=n: getattr(F(t), f"fractional_max_pool{n}d")(
        r(2, 3, *[9, 8, 7][:n]), 2, output_size=[5, 4, 3][:n], return_indices=True,
        _random_samples=t.tensor(np.random.default_rng(1).random((2, 3, n)).tolist(), dtype=t.float64)) for n in (2, 3)},
    "fractional, ratio": lambda t, r: F(t).fractional_max_pool2d(r(1, 1, 8, 8), 3, output_ratio=(0.5, 0.4),
                                                                 _random_samples=t.full((1, 1, 2), 0.3, dtype=t.float64)),
    **{f"max_unpool{n}d": lambda t, r, n=n: getattr(F(t), f"max_unpool{n}d")(
        *getattr(F(t), f"max_pool{n}d")(r(2, 3, *[6, 4, 4][:n]), 2, return_indices=True), 2) for n in (1, 2, 3)},
    "max_unpool2d, larger": lambda t, r: F(t).max_unpool2d(
        *F(t).max_pool2d(r(1, 1, 5, 5), 2, return_indices=True), 2, output_size=(5, 5)),
    "max_unpool2d, too large": lambda t, r: F(t).max_unpool2d(
        *F(t).max_pool2d(r(1, 1, 5, 5), 2, return_indices=True), 2, output_size=(9, 9)),
    "with indices": lambda t, r: F(t).max_pool2d_with_indices(r(1, 2, 4, 4), 2),
    "triplet": lambda t, r: F(t).triplet_margin_with_distance_loss(r(3, 4), r(3, 4), r(3, 4), swap=True),
    "triplet, distance": lambda t, r: F(t).triplet_margin_with_distance_loss(
        r(3, 4), r(3, 4), r(3, 4), distance_function=lambda a, b: (a - b).abs().sum(1), margin=0.3, reduction="none"),
    "shuffle": lambda t, r: F(t).channel_shuffle(r(2, 6, 3), 3), "shuffle, 3 of 2": lambda t, r: F(t).channel_shuffle(r(2, 3, 3), 2),
    "upsample_nearest": lambda t, r: F(t).upsample_nearest(r(1, 2, 3, 3), scale_factor=2),
    "upsample_bilinear": lambda t, r: F(t).upsample_bilinear(r(1, 2, 3, 3), size=(5, 4)),
    "conv_tbc": lambda t, r: F(t).conv_tbc(r(5, 2, 3), r(3, 3, 4), r(4), 1),
    "bag": bag("mean"), "bag sum": bag("sum"), "bag max": bag("max"),
    "bag matrix": bag("sum", rows=lambda t: t.tensor([[1, 2], [3, 3]]), offsets=None),
    "bag padding": bag("mean", padding_idx=1), "bag max padding": bag("max", padding_idx=-3),
    "bag weights": bag("sum", per_sample_weights=lambda t, r: r(5)),
    "bag last": bag("mean", offsets=lambda t: t.tensor([0, 2, 5]), include_last_offset=True),
    "bag empty": bag("sum", rows=lambda t: t.tensor([], dtype=t.int64), offsets=lambda t: t.tensor([0, 0])),
    "bag, no offsets": bag("sum", offsets=None), "bag, another mode": bag("foo"),
    "bag, late": bag("sum", offsets=lambda t: t.tensor([0, 9])),
    "ctc": ctc, "ctc sum": lambda t, r: ctc(t, r, reduction="sum"), "ctc none": lambda t, r: ctc(t, r, reduction="none"),
    "ctc flat": lambda t, r: ctc(t, r, targets=(1, 2, 2, 3)), "ctc blank": lambda t, r: ctc(
        t, r, targets=((1, 2, 2), (0, 1, 1)), blank=3),
    "ctc empty text": lambda t, r: ctc(t, r, written=(3, 0)),
    "ctc too short": lambda t, r: ctc(t, r, heard=(2, 5), reduction="none").isinf().double(),
    "ctc too short, zero": lambda t, r: ctc(t, r, heard=(2, 5), zero_infinity=True),
    "ctc alone": lambda t, r: F(t).ctc_loss(r(5, 4).log_softmax(1), t.tensor([1, 2]), t.tensor(5), t.tensor(2)),
    "affine_grid": lambda t, r: F(t).affine_grid(r(2, 2, 3), (2, 1, 3, 4)),
    "affine_grid, corners": lambda t, r: F(t).affine_grid(r(2, 2, 3), (2, 1, 3, 4), align_corners=True),
    "affine_grid, volumes": lambda t, r: F(t).affine_grid(r(2, 3, 4), (2, 1, 2, 3, 1)),
    "affine_grid, one matrix": lambda t, r: F(t).affine_grid(r(2, 3), (1, 1, 2, 3)),
    **{f"grid_sample {mode} {padding} {corners} {n}": lambda t, r, a=(mode, padding, corners), n=n: F(t).grid_sample(
        r(2, 3, *[4, 5, 3][:n]), r(2, *[3, 2, 2][:n], n), *a) for n in (2, 3) for mode in ("bilinear", "nearest", "bicubic")
       for padding in ("zeros", "border", "reflection") for corners in (False, True) if (n, mode) != (3, "bicubic")},
    **{f"interpolate {mode} {size} {more}": lambda t, r, a=(mode, size, more): F(t).interpolate(
        r(2, 3, *[7, 5, 4][:{"linear": 1, "trilinear": 3}.get(a[0], 2)]), mode=a[0], **a[1], **a[2])
       for mode in ("nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear")
       for size in ({"size": 3}, {"scale_factor": 1.7}, {"scale_factor": 0.6, "recompute_scale_factor": True})
       for more in ({}, {"align_corners": True}, {"antialias": True})},
    **{f"interpolate one axis, three axes {mode}": lambda t, r, m=mode: (
        F(t).interpolate(r(2, 3, 7), size=4, mode=m), F(t).interpolate(r(1, 2, 4, 5, 6), scale_factor=1.5, mode=m))
       for mode in ("nearest", "nearest-exact", "area")},
    "grid_sample, mode": lambda t, r: F(t).grid_sample(r(2, 3, 4, 4), r(2, 5, 5, 2), mode="foo"),
    "grid_sample, batches": lambda t, r: F(t).grid_sample(r(2, 3, 4, 4), r(1, 5, 5, 2)),
    "grid_sample, places": lambda t, r: F(t).grid_sample(r(2, 3, 4, 4), r(2, 5, 5, 1)),
    "grid_sample, dtypes": lambda t, r: F(t).grid_sample(r(2, 3, 4, 4), r(2, 5, 5, 2, dtype="float32")),
}


def told(t, call):
    r = Given(t)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = call(t, r)
        except Exception as error:
            return type(error).__name__, str(error)[:60]
        found = found if isinstance(found, (tuple, list)) else (found,)
        total = sum((x * t.linspace(1, 2, max(x.numel(), 1), dtype=x.dtype)[:x.numel()].reshape(x.shape)).sum()
                    for x in found if x.requires_grad)
        gradients = t.autograd.grad(total, r.leaves, allow_unused=True) if r.leaves and isinstance(total, t.Tensor) else ()
    return [None if x is None else (list(x.shape), x.detach().double().flatten().tolist()) for x in (*found, *gradients)]


def close(a, b):
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or a == pytest.approx(b, rel=1e-6, abs=1e-9)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(close, a, b))
    return a == b


@pytest.mark.parametrize("what", CALLS)
def test_calls(what):
    theirs, ours = told(torch, CALLS[what]), told(tapegrad, CALLS[what])
    assert close(ours, theirs), f"{ours} and not {theirs}"


@pytest.mark.parametrize("what", {
    "gumbel": lambda t: F(t).gumbel_softmax(t.zeros(50, 4), 0.5), "hard": lambda t: F(t).gumbel_softmax(t.ones(9, 4), hard=True),
    "gumbel, dim": lambda t: F(t).gumbel_softmax(t.zeros(5, 4, dtype=t.float64), dim=0),
    "rrelu": lambda t: F(t).rrelu(t.linspace(-2, 2, 40), training=True), "rrelu, mean": lambda t: F(t).rrelu(t.linspace(-2, 2, 9)),
    "fractional": lambda t: F(t).fractional_max_pool2d(t.arange(64.0).reshape(1, 1, 8, 8), 2, output_size=3),
    "sdpa dropout": lambda t: F(t).scaled_dot_product_attention(t.ones(1, 2, 3, 4), t.ones(1, 2, 3, 4), t.ones(1, 2, 3, 4),
                                                                 dropout_p=0.5),
}.items(), ids=lambda item: item[0])
def test_the_same_numbers_are_drawn(what):
    found = []
    for t in (torch, tapegrad):
        t.manual_seed(11)
        found.append((what[1](t).flatten().tolist(), t.rand(2).tolist()))
    assert close(*found)


@pytest.mark.parametrize("name", ["MATH", "FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "ERROR", "[]",
                                  "both", "a text"])
def test_ways_to_compute_attention(name):
    told = []
    for t in (torch, tapegrad):
        ways = importlib.import_module(f"{t.__name__}.nn.attention")
        of = {"[]": [], "both": [ways.SDPBackend.FLASH_ATTENTION, ways.SDPBackend.MATH], "a text": "x"}
        q = t.arange(12.0).view(1, 1, 3, 4) / 9
        try:
            with ways.sdpa_kernel(of.get(name) if name in of else getattr(ways.SDPBackend, name)):
                found = t.nn.functional.scaled_dot_product_attention(q, q, q).reshape(-1).tolist()
                told.append([round(x, 4) for x in found])
        except (RuntimeError, AssertionError) as error:
            told.append((type(error), str(error)))
        told.append([(name, str(way), repr(way), int(way)) for name, way in ways.SDPBackend.__members__.items()])
    assert told[2:] == told[:2]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(2, 0), (0, 3), (0, 3, 4), (2, 3, 0), (0, 0), (2, 0, 4)])
def test_a_batch_of_nothing_is_normalised(shape, training):
    told = []
    for t in (torch, tapegrad):
        mean, variance = t.zeros(3), t.ones(3)
        w, b, x = t.ones(3, requires_grad=True), t.zeros(3, requires_grad=True), t.ones(shape, requires_grad=True)
        out = F(t).batch_norm(x, mean, variance, w, b, training)
        out.sum().backward()
        plain = F(t).batch_norm(x, None, None, None, None, training)
        told.append((tuple(out.shape), type(out.grad_fn).__name__, type(plain.grad_fn).__name__, w.grad.tolist(),
                     b.grad.tolist(), tuple(x.grad.shape), mean.tolist(), variance.tolist(),
                     tuple(t.nn.BatchNorm1d(3).train(training)(t.ones(shape)).shape)))
    assert told[0] == told[1]


@pytest.mark.parametrize("corners", [False, True])
def test_what_reads_an_image_where_it_is_has_the_gradient_there(corners):
    """As a spatial transformer begins: which two elements each place lies between is in the last bit."""
    found = []
    for t in (torch, tapegrad):
        for n in (4, 7, 12, 28):
            theta = t.eye(2, 3)[None].requires_grad_()
            grid = F(t).affine_grid(theta, (1, 1, n, n), align_corners=corners)
            image = (t.arange(float(n * n)) * 7 % 11).reshape(1, 1, n, n)
            read = F(t).grid_sample(image, grid, align_corners=corners)
            (read * t.arange(float(n))).sum().backward()
            found.append((t, n, grid.tolist(), theta.grad.tolist()))
    for (_, n, grid, g), (_, _, ours, h) in zip(found[:4], found[4:], strict=True):
        assert ours == grid, n
        np.testing.assert_allclose(h, g, rtol=1e-4, atol=1e-3)
