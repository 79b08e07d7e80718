"""Pooling over windows of several sizes, and functions of layers that have no operation, beside PyTorch."""
from __future__ import annotations

import itertools
import re
import warnings

import pytest
from both import outcome, programs, refusal

import tapegrad

torch = pytest.importorskip("torch")


def signal(t, *shape):
    t.manual_seed(1)
    return t.randn(*shape, dtype=t.float64).requires_grad_()


def through(t, function, x):
    """Results and gradients; or the refusal."""
    def run():
        found = function(x)
        y = found[0] if isinstance(found, tuple) else found
        (g,) = t.autograd.grad((y * t.arange(float(y.numel())).reshape(y.shape)).sum(), x)
        return found, g

    found = refusal(run)
    return [re.sub(r"index: \d+", "index", said) for said in found] if isinstance(found, tuple) else found


def adaptive_maxima(t, x, w):
    F = t.nn.functional
    return [through(t, lambda v, n=n, size=size, i=i: getattr(F, f"adaptive_max_pool{n}d")(v, size, return_indices=i),
                    s)
            for n, shape in ((1, (2, 3, 7)), (2, (2, 3, 5, 7)), (3, (2, 3, 4, 5, 3)), (2, (3, 5, 7)))
            for s in [signal(t, *shape)] for size in (1, 2, 3) for i in (False, True)] + [
        through(t, f, signal(t, 2, 3, 8, 8)) for f in (
            lambda v: F.adaptive_max_pool2d(v, (None, 3)), lambda v: F.adaptive_max_pool2d(v, (2, 3, 4)),
            lambda v: F.adaptive_max_pool2d(v, -1), lambda v: F.adaptive_max_pool2d(v[0, 0], 2),
            lambda v: F.adaptive_max_pool2d(v[:, :, :0], 2), lambda v: F.adaptive_max_pool2d(v.int(), 2),
            lambda v: F.adaptive_max_pool2d_with_indices(v, 2), lambda v: t.adaptive_max_pool1d(v[0], 3))]


def largest_of_windows(t, x, w):
    """Windows that overlap, leave something out, or neither; ties, and what is no number."""
    seen = []
    for n, shape in ((1, (2, 3, 12)), (2, (2, 3, 9, 12)), (3, (1, 2, 6, 6, 4)), (2, (3, 8, 6)), (2, (0, 3, 4, 4))):
        s = signal(t, *shape).detach()
        ties = (s * 2).round()
        if ties.numel():
            ties.view(-1)[5] = float("nan")
        pool = getattr(t.nn.functional, f"max_pool{n}d")
        for options in ({}, {"stride": 1}, {"stride": 3}, {"padding": 1}, {"dilation": 2}, {"ceil_mode": True},
                        {"stride": 2, "padding": 1, "ceil_mode": True}):
            for size, v in itertools.product((2, (2, 3, 2)[:n]), (s, ties, ties.transpose(-1, -2).contiguous().mT)):
                found = through(t, lambda v, pool=pool, k=size, o=options: pool(v, k, **o), v.requires_grad_())
                seen.append([f if isinstance(f, str) else f.detach().nan_to_num(99.0) for f in found])
    return seen


def windows_of_what_is_no_number(t, x, w):
    """The last NaN of a window is its largest element; where all is infinitely small, the first that is no padding."""
    seen = []
    for n, shape in ((1, (2, 3, 16)), (2, (2, 3, 9, 10)), (3, (2, 2, 6, 7, 5))):
        s = signal(t, *shape).detach()
        s = t.where(s < -0.3, float("nan"), s).round()
        pool, adaptive = (getattr(t.nn.functional, f"{kind}max_pool{n}d") for kind in ("", "adaptive_"))
        for size, options in itertools.product((2, 3, 4), ({}, {"stride": 1}, {"padding": 1}, {"dilation": 2})):
            for value in (s, t.full_like(s, -float("inf")), t.full_like(s, float("nan"))):
                for dtype in (t.float32, t.float64):
                    v = value.to(dtype)
                    if options.get("padding", 0) * 2 <= size and n * size < 12:
                        found = through(t, lambda v, o=options, k=size, f=pool: f(v, k, return_indices=True, **o),
                                        v.clone().requires_grad_())
                        seen.append(found[0] if v.isinf().all() else found)
                    if value is s:
                        seen.append(through(t, lambda v, o=options, k=size, f=pool: f(v, k, **o),
                                            v.clone().requires_grad_()))
                    seen.append(through(t, lambda v, k=size, f=adaptive: f(v, k, return_indices=True),
                                        v.clone().requires_grad_()))
    return [str(found) for found in seen]


def drawn_windows(t, x, w):
    F = t.nn.functional
    seen = []
    for n, shape in ((2, (2, 3, 9, 8)), (3, (2, 2, 6, 7, 5)), (2, (3, 9, 8))):
        s = signal(t, *shape)
        pool = getattr(F, f"fractional_max_pool{n}d")
        for options in ({"output_size": 3}, {"output_ratio": (0.5,) * n}, {"output_size": 1},
                        {"output_size": 2, "return_indices": True}):
            t.manual_seed(3)
            seen.append(through(t, lambda v, pool=pool, options=options: pool(v, 2, **options), s))
    return seen, [through(t, f, signal(t, 2, 3, 8, 8)) for f in (
        lambda v: F.fractional_max_pool2d(v, 9, 2), lambda v: F.fractional_max_pool2d(v, 2),
        lambda v: F.fractional_max_pool2d(v, 2, 9),
        lambda v: F.fractional_max_pool2d(v, 2, 2, _random_samples=v.detach()[0, 0]))]


def norms_of_windows(t, x, w):
    F = t.nn.functional
    return [through(t, lambda v, n=n, p=p, o=o: getattr(F, f"lp_pool{n}d")(v.abs(), p, 2, **o), signal(t, 2, *(5, 6,
                                                                                                               4)[:n]))
            for n in (1, 2, 3) for p in (2, 3.0, float("inf"), -float("inf"))
            for o in ({}, {"stride": 1}, {"ceil_mode": True})]


def maxima_put_back(t, x, w):
    F = t.nn.functional
    seen = []
    for n, shape in ((1, (2, 3, 8)), (2, (2, 3, 8, 6)), (3, (2, 6, 4, 4)), (2, (3, 8, 6))):
        s = signal(t, *shape)
        for options in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2}, {"kernel_size": 2, "padding": 1}):
            y, i = getattr(F, f"max_pool{n}d")(s, return_indices=True, **options)
            y = y.detach().requires_grad_()
            seen.append(through(t, lambda v, n=n, i=i, o=options: getattr(F, f"max_unpool{n}d")(v, i, **o), y))
            seen.append(through(t, lambda v, n=n, i=i, o=options, size=s.shape[-n:]: getattr(F, f"max_unpool{n}d")(
                v, i, output_size=size, **o), y))
    s, i = signal(t, 2, 3, 2, 2), t.zeros(2, 3, 2, 2, dtype=t.int64)
    return seen, [through(t, f, s) for f in (
        lambda v: F.max_unpool2d(v, i + 99, 2), lambda v: F.max_unpool2d(v, i.int(), 2),
        lambda v: F.max_unpool2d(v, i[:1], 2), lambda v: F.max_unpool2d(v[0, 0], i[0, 0], 2),
        lambda v: F.max_unpool2d(v, i, 2, output_size=(9, 9)), lambda v: F.max_unpool2d(v, i, 2, output_size=(9,)))]


def channels_in_turn(t, x, w):
    F = t.nn.functional
    s = signal(t, 2, 6, 2, 2)
    return [through(t, f, s) for f in (
        lambda v: F.channel_shuffle(v, 2), lambda v: t.channel_shuffle(v, 3), lambda v: F.channel_shuffle(v, 4),
        lambda v: F.channel_shuffle(v, 0), lambda v: F.channel_shuffle(v[0, 0], 1))]


def drawn_slopes(t, x, w):
    F = t.nn.functional
    seen = []
    for shape in ((5,), (40,), (3, 7)):
        for options in ({"training": True}, {}, {"training": True, "lower": 0.1, "upper": 0.1}):
            t.manual_seed(5)
            seen.append(through(t, lambda v, o=options: F.rrelu(v, **o), signal(t, *shape)))
    t.manual_seed(5)
    y = signal(t, 9).detach()
    return seen, F.rrelu_(y, training=True), y, refusal(lambda: F.rrelu(y, 0.5, 0.1, True))


def triplets(t, x, w):
    F = t.nn.functional
    a, b, c = signal(t, 4, 3), signal(t, 4, 3) * 1.5, signal(t, 4, 3) - 0.3
    return [refusal(lambda o=o: F.triplet_margin_with_distance_loss(a, b, c, **o)) for o in (
        {}, {"swap": True}, {"reduction": "none"}, {"margin": 0.2, "reduction": "sum"}, {"margin": -1},
        {"distance_function": lambda u, v: (u - v).abs().sum(-1)}, {"reduction": "zip"})]


def upsampled(t, x, w):
    F = t.nn.functional
    s = signal(t, 1, 2, 3, 3)
    return F.upsample_nearest(s, scale_factor=2), F.upsample_bilinear(s, size=(5, 4))


PROGRAMS = programs(globals())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_same(program):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, theirs = outcome(program, tapegrad), outcome(program, torch)
    assert mine == theirs
