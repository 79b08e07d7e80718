"""nn.init beside PyTorch, bit for bit; and the names and signatures of all layers."""
from __future__ import annotations

import importlib
import inspect
import warnings

import numpy as np
import pytest
from both import refusal

import tapegrad

torch = pytest.importorskip("torch")

# A function's name, its arguments, and the shapes to fill.
FILLS = """
uniform_ | | 7; 100 100; 3 4 5
uniform_ | a=-2.0 b=3.0 | 20; 33 31
normal_ | | 7; 100 100; 3 4 5
normal_ | mean=1.0 std=0.2 | 15; 16; 17
trunc_normal_ | | 7; 100 100
trunc_normal_ | std=0.02 | 50 60
trunc_normal_ | mean=0.5 std=2.0 a=0.0 b=1.0 | 100 100
trunc_normal_ | mean=5.0 std=0.5 a=-1.0 b=1.0 | 30
constant_ | val=2.5 | 3 4
ones_ | | 3
zeros_ | | 3
eye_ | | 3 4; 4 3
dirac_ | | 4 3 3; 4 4 3 5; 2 3 2 2 2
dirac_ | groups=2 | 4 3 3
xavier_uniform_ | | 7 5; 30 40; 4 3 3 3
xavier_uniform_ | gain=2.0 | 7 5
xavier_normal_ | | 7 5; 30 40; 4 3 3 3
kaiming_uniform_ | | 7 5; 30 40; 4 3 3 3
kaiming_uniform_ | a=0.5 mode='fan_out' | 30 40
kaiming_uniform_ | nonlinearity='tanh' | 30 40
kaiming_normal_ | | 7 5; 30 40; 4 3 3 3
kaiming_normal_ | mode='fan_out' nonlinearity='relu' | 30 40
orthogonal_ | | 7 5; 5 7; 4 3 3 3
orthogonal_ | gain=2.0 | 6 6
sparse_ | sparsity=0.3 | 7 5; 30 20
"""
CASES = [(name.strip(), arguments.strip(), tuple(map(int, shape.split())))
         for line in FILLS.strip().splitlines() for name, arguments, shapes in [line.split("|")]
         for shape in shapes.split(";")]


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES)
def test_same_numbers(name, arguments, shape):
    for dtype in ("float32", "float64"):
        found = []
        for t in (tapegrad, torch):
            t.manual_seed(11)
            x = t.nn.Parameter(t.empty(shape, dtype=getattr(t, dtype)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                options = eval(f"dict({','.join(arguments.split())})")
                filled = getattr(t.nn.init, name)(x, **options)
            assert filled is x and x.requires_grad and x.is_leaf
            found.append((x.tolist(), t.rand(3).tolist()))
        (mine, after), (theirs, then) = found
        assert after == then
        if name == "orthogonal_":  # the decomposition is LAPACK's, in either case
            assert np.allclose(mine, theirs, atol=1e-5)
        else:
            assert mine == theirs


REFUSED = [
    lambda t: t.nn.init.eye_(t.ones(3)), lambda t: t.nn.init.dirac_(t.ones(3, 2)),
    lambda t: t.nn.init.dirac_(t.ones(3, 2, 2), groups=2), lambda t: t.nn.init.xavier_uniform_(t.ones(3)),
    lambda t: t.nn.init.kaiming_uniform_(t.ones(3, 3), mode="zip"),
    lambda t: t.nn.init.kaiming_normal_(t.ones(3, 3), nonlinearity="zip"), lambda t: t.nn.init.orthogonal_(t.ones(3)),
    lambda t: t.nn.init.sparse_(t.ones(3), 0.1), lambda t: t.nn.init.calculate_gain("zip"),
    lambda t: t.nn.init.calculate_gain("leaky_relu", True), lambda t: t.nn.init.calculate_gain("leaky_relu", "a"),
]


@pytest.mark.parametrize("f", REFUSED)
def test_same_refusals(f):
    assert refusal(lambda: f(tapegrad)) == refusal(lambda: f(torch))


def test_gains():
    for name in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert tapegrad.nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert tapegrad.nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)
    assert tapegrad.nn.init._calculate_fan_in_and_fan_out(tapegrad.ones(2, 3, 4)) == (12, 8)


def test_old_names():
    x = tapegrad.zeros(2, 2)
    with pytest.warns(FutureWarning, match="nn.init.constant` is now deprecated"):
        tapegrad.nn.init.constant(x, 3.0)
    assert x.tolist() == [[3, 3], [3, 3]] and tapegrad.nn.init.xavier_normal.__name__ == "xavier_normal"


# ---------------------------------------------------------------- layers as classes

LAYERS = sorted(n for n, c in vars(torch.nn).items() if isinstance(c, type) and issubclass(c, torch.nn.Module))
ROOMS = {"DataParallel": "parallel", "MultiheadAttention": "modules.attention"}  # of those that are elsewhere


@pytest.mark.parametrize("name", LAYERS)
def test_classes(name):
    mine, theirs = getattr(tapegrad.nn, name), getattr(torch.nn, name)
    assert mine.__name__ == mine.__qualname__ == name
    assert mine.__module__.removeprefix("tapegrad.nn.") == ROOMS.get(name, theirs.__module__.removeprefix("torch.nn."))
    if name != "DataParallel":
        assert getattr(importlib.import_module(theirs.__module__.replace("torch", "tapegrad")), name) is mine
    assert inspect.getdoc(mine)
    a, b = (inspect.signature(c).parameters.values() for c in (mine, theirs))
    if any(p.kind is p.VAR_POSITIONAL for p in b):
        return
    shown = [[(p.name, p.kind, p.default) for p in found if not callable(p.default) or p.default is p.empty]
             for found in (a, b)]
    assert shown[0] == shown[1]


def test_subclasses_are_classes_like_any_other():
    class Mine(tapegrad.nn.LeakyReLU):
        extra: int = 3

        def __init__(self, slope):
            super().__init__(slope)

    layer = Mine(0.5)
    assert isinstance(layer, tapegrad.nn.LeakyReLU) and layer.negative_slope == 0.5 and Mine.extra == 3
    assert repr(layer) == "Mine(negative_slope=0.5)" and layer(tapegrad.tensor([-2.0])).tolist() == [-1]


WRONG = [
    lambda nn: nn.ReLU(1, 2), lambda nn: nn.ReLU(zzz=1), lambda nn: nn.Threshold(), lambda nn: nn.GaussianNLLLoss(True),
    lambda nn: nn.Dropout(2.0), lambda nn: nn.Conv2d(3, 4, 3, groups=2), lambda nn: nn.Conv2d(4, 3, 3, groups=2),
    lambda nn: nn.Conv2d(4, 4, 3, groups=0), lambda nn: nn.Conv2d(4, 4, 3, padding="same", stride=2),
    lambda nn: nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"), lambda nn: nn.GroupNorm(2, 3),
    lambda nn: nn.Hardtanh(2, 1), lambda nn: nn.MultiMarginLoss(p=3), lambda nn: nn.TripletMarginLoss(margin=0),
    lambda nn: nn.HuberLoss(delta="a"), lambda nn: nn.Embedding(3, 4, padding_idx=3), lambda nn: nn.Bilinear(0, 1, 1),
    lambda nn: nn.FractionalMaxPool2d(2), lambda nn: nn.FractionalMaxPool2d(2, 2, 0.5), lambda nn: nn.Unflatten(0, 3),
    lambda nn: nn.FractionalMaxPool2d(2, output_ratio=2.0), lambda nn: nn.AdaptiveLogSoftmaxWithLoss(3, 5, [7]),
    lambda nn: nn.AdaptiveLogSoftmaxWithLoss(3, 5, []), lambda nn: nn.Linear(2), lambda nn: nn.Softmax2d()(3),
]


@pytest.mark.parametrize("f", WRONG)
def test_wrong_arguments(f):
    assert refusal(lambda: f(tapegrad.nn)) == refusal(lambda: f(torch.nn))


INPUTS = [
    lambda t: t.nn.BatchNorm1d(3)(t.ones(2, 3, 4, 5)), lambda t: t.nn.BatchNorm2d(3)(t.ones(2, 3)),
    lambda t: t.nn.InstanceNorm2d(3)(t.ones(2, 3)), lambda t: t.nn.InstanceNorm2d(3, affine=True)(t.ones(2, 4, 3, 3)),
    lambda t: t.nn.Softmax2d()(t.ones(3)), lambda t: t.nn.CircularPad2d(1)(t.ones(3, 3)),
    lambda t: t.nn.ConvTranspose2d(1, 1, 3, stride=2)(t.ones(1, 1, 4, 4), output_size=(40, 40)),
    lambda t: t.nn.LazyConv2d(3, 2)(t.ones(3)), lambda t: t.nn.Linear(2, 3)(t.ones(4, 5)),
    lambda t: t.nn.Embedding(3, 2)(t.tensor([5])),
]


@pytest.mark.parametrize("f", INPUTS)
def test_wrong_inputs(f):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, theirs = refusal(lambda: f(tapegrad)), refusal(lambda: f(torch))
    assert mine[0] == theirs[0] and isinstance(mine[0], str)


def test_nothing_is_loaded_before_it_is_used():
    import subprocess
    import sys

    said = subprocess.run([sys.executable, "-c", "import tapegrad, sys\nprint([m for m in sys.modules if m.startswith("
                           "'tapegrad.nn.')])\ntapegrad.nn.Linear\nprint('tapegrad.nn.modules.conv' in sys.modules)"],
                          capture_output=True, text=True, check=True).stdout
    assert said == "[]\nFalse\n"
