"""Convolutions beside PyTorch: results, where they lie, and gradients, for strides, paddings, dilations and groups."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")

OPTIONS = [dict(zip(("groups", "stride", "padding", "dilation"), given))
           for given in itertools.product((1, 2), (1, 2, (1, 2, 3)), (0, 1), (1, 2))]


def passed(t, name, n, shape, kernels, dtype="float32", **options):
    """The result and its strides, and the gradients of all that was given."""
    rng = np.random.default_rng(0)
    options = {k: v[:n] if isinstance(v, tuple) else v for k, v in options.items()}
    outputs = kernels[1] * options.get("groups", 1) if "transpose" in name else kernels[0]
    x, w, b = (t.tensor(rng.standard_normal(s).astype(dtype), requires_grad=True) for s in (shape, kernels, (outputs,)))
    try:
        out = getattr(t.nn.functional, f"{name}{n}d")(x, w, b, **options)
    except RuntimeError:
        return None
    (out * t.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)).sum().backward()
    return out.stride(), [v.detach().numpy() for v in (out, x.grad, w.grad, b.grad)]


def compare(*args, **options):
    mine, theirs = (passed(t, *args, **options) for t in (tapegrad, torch))
    assert (mine is None) == (theirs is None)
    if mine is None or theirs is None:
        return
    assert mine[0] == theirs[0]
    for a, b in zip(mine[1], theirs[1]):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * (1 + np.abs(b).max(initial=0)))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv", "conv_transpose"])
def test_options(name, n):
    for options, k in itertools.product(OPTIONS, (1, 2, 3) if n < 3 else (2,)):
        groups, shape = options["groups"], (3, 4, 9, 8, 7)[:2 + n]
        if name == "conv":
            compare(name, n, shape, (6, 4 // groups, *(k,) * n), **options)
            continue
        more = int(2 in (options["stride"], options["dilation"]))
        compare(name, n, shape, (4, 6 // groups, *(k,) * n), **options, output_padding=more)


@pytest.mark.parametrize("args", [
    ("conv", 2, (2, 64, 8, 8), (64, 1, 3, 3), "float32"), ("conv", 2, (33, 3, 9, 9), (5, 3, 3, 3), "float64"),
    ("conv", 2, (2, 3, 4, 4), (5, 3, 5, 5), "float32"), ("conv", 2, (0, 3, 6, 5), (4, 3, 2, 3), "float32"),
    ("conv", 2, (1, 16, 1, 1), (32, 16, 1, 1), "float64"), ("conv", 1, (3, 6), (4, 3, 2), "float32"),
    ("conv_transpose", 2, (0, 3, 6, 5), (3, 4, 2, 3), "float32"), ("conv_transpose", 1, (3, 6), (3, 4, 2), "float64"),
    ("conv_transpose", 2, (2, 3, 4, 4), (3, 5, 4, 4), "float32"), ("conv", 2, (3, 5, 4, 4), (6, 5, 4, 4), "float32"),
    ("conv_transpose", 2, (3, 5, 1, 1), (5, 6, 4, 4), "float64"), ("conv", 1, (3, 5, 4), (6, 5, 4), "float64"),
], ids=str)
def test_shapes(args):
    groups = args[2][1] if args[3][1] == 1 else 1
    compare(*args, groups=groups)
    compare(*args, groups=groups, padding=1)


def test_whole_numbers():
    x, w = (np.arange(n) % 7 for n in (2 * 3 * 6 * 5, 4 * 3 * 2 * 3))
    mine, theirs = (t.nn.functional.conv2d(t.tensor(x).view(2, 3, 6, 5), t.tensor(w).view(4, 3, 2, 3)).tolist()
                    for t in (tapegrad, torch))
    assert mine == theirs


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_share_a_batch(threads):
    before = tapegrad.get_num_threads()
    try:
        tapegrad.set_num_threads(threads)
        compare("conv", 2, (19, 16, 20, 18), (32, 16, 3, 3), padding=1)
        compare("conv_transpose", 2, (19, 16, 10, 9), (16, 8, 4, 4), padding=1, stride=2)
    finally:
        tapegrad.set_num_threads(before)
