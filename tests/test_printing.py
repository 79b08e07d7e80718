"""Printed tensors, against text recorded from PyTorch 2.13.

`GOLDEN` reads like a session: an array, after `|` the print options and the arguments of `format_tensor`, and below
it the text expected.
"""
from __future__ import annotations

import numpy as np
import pytest

from tapegrad.dtypes import float32, float64, from_numpy_dtype
from tapegrad.printing import format_tensor, get_printoptions, printoptions, set_printoptions

GOLDEN = r"""
>>> f32(1)
tensor(1.)

>>> f32(1.5)
tensor(1.5000)

>>> f32(-0.0)
tensor(-0.)

>>> f32(nan)
tensor(nan)

>>> f32(-inf)
tensor(-inf)

>>> f32(123456789)
tensor(1.2346e+08)

>>> f32(1e-5)
tensor(1.0000e-05)

>>> f32(0.1) | precision=8
tensor(0.10000000)

>>> f64(3.14159265358979)
tensor(3.1416, dtype=torch.float64)

>>> f64(2.5) | default_dtype=float64
tensor(2.5000)

>>> np.array(7)
tensor(7)

>>> np.array(7, "int32")
tensor(7, dtype=torch.int32)

>>> np.array(True)
tensor(True)

>>> f32([])
tensor([])

>>> f64([])
tensor([], dtype=torch.float64)

>>> np.zeros(0, "int64")
tensor([], dtype=torch.int64)

>>> np.zeros((0, 3), "float32")
tensor([], size=(0, 3))

>>> np.zeros((2, 0, 3), "float64")
tensor([], size=(2, 0, 3), dtype=torch.float64)

>>> np.zeros((2, 0), "int64")
tensor([], size=(2, 0), dtype=torch.int64)

>>> np.zeros((0, 1), "bool")
tensor([], size=(0, 1), dtype=torch.bool)

>>> np.zeros((3, 0), "float32") | requires_grad=True
tensor([], size=(3, 0), requires_grad=True)

>>> f32([1, 2, 3])
tensor([1., 2., 3.])

>>> f32([0, -0.0, 0])
tensor([0., -0., 0.])

>>> f32([1, -2, 300])
tensor([  1.,  -2., 300.])

>>> f32([1.5, -2, 300])
tensor([  1.5000,  -2.0000, 300.0000])

>>> f32([0.1, 0.25, 1 / 3])
tensor([0.1000, 0.2500, 0.3333])

>>> f64([0.1, 0.25, 1 / 3])
tensor([0.1000, 0.2500, 0.3333], dtype=torch.float64)

>>> f64([0.1, 0.25, 1 / 3]) | default_dtype=float64
tensor([0.1000, 0.2500, 0.3333])

>>> f32([0.1, 0.25]) | default_dtype=float64
tensor([0.1000, 0.2500], dtype=torch.float32)

>>> f32([9.99995, 1])
tensor([10.0000,  1.0000])

>>> f32([99999.96, 100.5])
tensor([99999.9609,   100.5000])

>>> f32([1, nan, 3])
tensor([1., nan, 3.])

>>> f32([1.5, inf, -inf])
tensor([1.5000,    inf,   -inf])

>>> f32([nan, nan, inf])
tensor([nan, nan, inf])

>>> f32([0, nan])
tensor([0., nan])

>>> f32([1, 1000])
tensor([   1., 1000.])

>>> f32([1, 1001])
tensor([1.0000e+00, 1.0010e+03])

>>> f32([1.5, 1500])
tensor([   1.5000, 1500.0000])

>>> f32([1.5, 1501])
tensor([1.5000e+00, 1.5010e+03])

>>> f32([1e8, 2e8])
tensor([1.0000e+08, 2.0000e+08])

>>> f32([1e8, 1e8 + 8])
tensor([1.0000e+08, 1.0000e+08])

>>> f32([2e8, 2.5e8, -3e8])
tensor([ 2.0000e+08,  2.5000e+08, -3.0000e+08])

>>> f32([1e-4, 2e-4])
tensor([1.0000e-04, 2.0000e-04])

>>> f32([9e-5, 2e-4])
tensor([9.0000e-05, 2.0000e-04])

>>> f64([1e-4, 1e-3])
tensor([0.0001, 0.0010], dtype=torch.float64)

>>> f64([1e-5, -0.5])
tensor([ 1.0000e-05, -5.0000e-01], dtype=torch.float64)

>>> f64([1e-300, 1e300, 0, nan, inf])
tensor([1.0000e-300, 1.0000e+300,  0.0000e+00,         nan,         inf],
       dtype=torch.float64)

>>> f64([1e100, 2e100, -5e99])
tensor([1.0000e+100, 2.0000e+100, -5.0000e+99], dtype=torch.float64)

>>> f64([1e-12, 3e-11])
tensor([1.0000e-12, 3.0000e-11], dtype=torch.float64)

>>> f64([5e-324, 1.7976931348623157e308])
tensor([4.9407e-324, 1.7977e+308], dtype=torch.float64)

>>> f32([1e10, 1]) | sci_mode=False
tensor([10000000000.,           1.])

>>> f32([1.5, 2.5]) | sci_mode=True
tensor([1.5000e+00, 2.5000e+00])

>>> f32([1, 2, nan]) | sci_mode=True
tensor([1.0000e+00, 2.0000e+00,        nan])

>>> f32([0, 0]) | sci_mode=True
tensor([0., 0.])

>>> np.array([1, 2000000]) | sci_mode=True
tensor([      1, 2000000])

>>> f32([0.123456789, 1]) | precision=2
tensor([0.12, 1.00])

>>> f32([0.123456789, 1]) | precision=10
tensor([0.1234567910, 1.0000000000])

>>> f32([0.5, 1.5, 2.5]) | precision=0
tensor([0, 2, 2])

>>> f32([1e-7, 1]) | precision=1
tensor([1.0e-07, 1.0e+00])

>>> f32([1.23456, 7]) | profile="short"
tensor([1.23, 7.00])

>>> np.array([1, 2, 3])
tensor([1, 2, 3])

>>> np.array([-1, 20, 300])
tensor([ -1,  20, 300])

>>> np.array([1, -128], "int8")
tensor([   1, -128], dtype=torch.int8)

>>> np.array([0, 255], "uint8")
tensor([  0, 255], dtype=torch.uint8)

>>> np.array([1, 2], "int16")
tensor([1, 2], dtype=torch.int16)

>>> np.array([2**31 - 1, -(2**31)], "int32")
tensor([ 2147483647, -2147483648], dtype=torch.int32)

>>> np.array([2**63 - 1, -(2**63)])
tensor([ 9223372036854775807, -9223372036854775808])

>>> np.array([True, False])
tensor([ True, False])

>>> np.array([True, True])
tensor([True, True])

>>> np.array([[True], [False]])
tensor([[ True],
        [False]])

>>> np.ones((2, 2), "float32")
tensor([[1., 1.],
        [1., 1.]])

>>> np.ones((2, 2), "float32") | grad_fn_name="PowBackward0"
tensor([[1., 1.],
        [1., 1.]], grad_fn=<PowBackward0>)

>>> np.ones((2, 2), "float32") | requires_grad=True
tensor([[1., 1.],
        [1., 1.]], requires_grad=True)

>>> np.ones((2, 2), "float32") | requires_grad=True, grad_fn_name="MulBackward0"
tensor([[1., 1.],
        [1., 1.]], grad_fn=<MulBackward0>)

>>> np.ones((2, 2), "float64") | requires_grad=True, grad_fn_name="MmBackward0"
tensor([[1., 1.],
        [1., 1.]], dtype=torch.float64, grad_fn=<MmBackward0>)

>>> np.ones((2, 2), "float32") | tangent="tensor([[1., 1.],\n        [1., 1.]])"
tensor([[1., 1.],
        [1., 1.]], tangent=tensor([[1., 1.],
        [1., 1.]]))

>>> f32(3) | grad_fn_name="SumBackward0"
tensor(3., grad_fn=<SumBackward0>)

>>> f32(3) | tangent="2.0"
tensor(3., tangent=2.0)

>>> f64([0.5]) | requires_grad=True
tensor([0.5000], dtype=torch.float64, requires_grad=True)

>>> np.arange(8).astype("float32") / 8 | requires_grad=True
tensor([0.0000, 0.1250, 0.2500, 0.3750, 0.5000, 0.6250, 0.7500, 0.8750],
       requires_grad=True)

>>> np.arange(8).astype("float64") / 8 | requires_grad=True
tensor([0.0000, 0.1250, 0.2500, 0.3750, 0.5000, 0.6250, 0.7500, 0.8750],
       dtype=torch.float64, requires_grad=True)

>>> np.arange(9).astype("float64") / 8 | linewidth=120, grad_fn_name="DivBackward0"
tensor([0.0000, 0.1250, 0.2500, 0.3750, 0.5000, 0.6250, 0.7500, 0.8750, 1.0000], dtype=torch.float64,
       grad_fn=<DivBackward0>)

>>> np.arange(9).astype("float64") / 8 | linewidth=40, grad_fn_name="DivBackward0"
tensor([0.0000, 0.1250, 0.2500, 0.3750,
        0.5000, 0.6250, 0.7500, 0.8750,
        1.0000], dtype=torch.float64,
       grad_fn=<DivBackward0>)

>>> f64([[0.5, 1.5], [2.5, -3.5]]) | linewidth=30, requires_grad=True
tensor([[ 0.5000,  1.5000],
        [ 2.5000, -3.5000]],
       dtype=torch.float64,
       requires_grad=True)

>>> np.arange(3).astype("float64") / 8 | linewidth=1
tensor([0.0000,
        0.1250,
        0.2500],
       dtype=torch.float64)

>>> np.arange(24).reshape(2, 3, 4)
tensor([[[ 0,  1,  2,  3],
         [ 4,  5,  6,  7],
         [ 8,  9, 10, 11]],

        [[12, 13, 14, 15],
         [16, 17, 18, 19],
         [20, 21, 22, 23]]])

>>> np.arange(24).reshape(2, 3, 4).astype("float32") / 7
tensor([[[0.0000, 0.1429, 0.2857, 0.4286],
         [0.5714, 0.7143, 0.8571, 1.0000],
         [1.1429, 1.2857, 1.4286, 1.5714]],

        [[1.7143, 1.8571, 2.0000, 2.1429],
         [2.2857, 2.4286, 2.5714, 2.7143],
         [2.8571, 3.0000, 3.1429, 3.2857]]])

>>> np.arange(16).reshape(2, 2, 2, 2)
tensor([[[[ 0,  1],
          [ 2,  3]],

         [[ 4,  5],
          [ 6,  7]]],


        [[[ 8,  9],
          [10, 11]],

         [[12, 13],
          [14, 15]]]])

>>> np.arange(4).reshape(1, 2, 1, 2, 1)
tensor([[[[[0],
           [1]]],


         [[[2],
           [3]]]]])

>>> np.arange(6).reshape(2, 3).T
tensor([[0, 3],
        [1, 4],
        [2, 5]])

>>> np.arange(30)
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])

>>> np.arange(30).astype("float32") * 100
tensor([   0.,  100.,  200.,  300.,  400.,  500.,  600.,  700.,  800.,  900.,
        1000., 1100., 1200., 1300., 1400., 1500., 1600., 1700., 1800., 1900.,
        2000., 2100., 2200., 2300., 2400., 2500., 2600., 2700., 2800., 2900.])

>>> np.arange(30) | linewidth=30
tensor([ 0,  1,  2,  3,  4,
         5,  6,  7,  8,  9,
        10, 11, 12, 13, 14,
        15, 16, 17, 18, 19,
        20, 21, 22, 23, 24,
        25, 26, 27, 28, 29])

>>> np.arange(1001)
tensor([   0,    1,    2,  ...,  998,  999, 1000])

>>> np.arange(1001).astype("float32")
tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])

>>> np.arange(2000) * 1000 - 999999
tensor([-999999, -998999, -997999,  ...,  997001,  998001,  999001])

>>> np.arange(1001).astype("float32") / 1000 | requires_grad=True
tensor([0.0000, 0.0010, 0.0020,  ..., 0.9980, 0.9990, 1.0000],
       requires_grad=True)

>>> np.arange(10) | threshold=9
tensor([0, 1, 2,  ..., 7, 8, 9])

>>> np.arange(10) | threshold=10
tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])

>>> np.arange(10) | threshold=9, edgeitems=1
tensor([0,  ..., 9])

>>> np.arange(10) | threshold=9, edgeitems=5
tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])

>>> np.arange(10) | threshold=9, edgeitems=0
tensor([...], size=(10,))

>>> np.arange(10) | edgeitems=0
tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], size=(10,))

>>> f32(1) | edgeitems=0
tensor(1., size=())

>>> np.where(np.arange(2000) == 1000, 1e9, 0.5)
tensor([0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
       dtype=torch.float64)

>>> np.arange(10000).reshape(100, 100)
tensor([[   0,    1,    2,  ...,   97,   98,   99],
        [ 100,  101,  102,  ...,  197,  198,  199],
        [ 200,  201,  202,  ...,  297,  298,  299],
        ...,
        [9700, 9701, 9702,  ..., 9797, 9798, 9799],
        [9800, 9801, 9802,  ..., 9897, 9898, 9899],
        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])

>>> np.arange(10000).reshape(100, 100).astype("float32") / 100 | grad_fn_name="DivBackward0"
tensor([[0.0000e+00, 1.0000e-02, 2.0000e-02,  ..., 9.7000e-01, 9.8000e-01,
         9.9000e-01],
        [1.0000e+00, 1.0100e+00, 1.0200e+00,  ..., 1.9700e+00, 1.9800e+00,
         1.9900e+00],
        [2.0000e+00, 2.0100e+00, 2.0200e+00,  ..., 2.9700e+00, 2.9800e+00,
         2.9900e+00],
        ...,
        [9.7000e+01, 9.7010e+01, 9.7020e+01,  ..., 9.7970e+01, 9.7980e+01,
         9.7990e+01],
        [9.8000e+01, 9.8010e+01, 9.8020e+01,  ..., 9.8970e+01, 9.8980e+01,
         9.8990e+01],
        [9.9000e+01, 9.9010e+01, 9.9020e+01,  ..., 9.9970e+01, 9.9980e+01,
         9.9990e+01]], grad_fn=<DivBackward0>)

>>> np.arange(2002).reshape(1001, 2)
tensor([[   0,    1],
        [   2,    3],
        [   4,    5],
        ...,
        [1996, 1997],
        [1998, 1999],
        [2000, 2001]])

>>> np.arange(2002).reshape(2, 1001)
tensor([[   0,    1,    2,  ...,  998,  999, 1000],
        [1001, 1002, 1003,  ..., 1999, 2000, 2001]])

>>> np.arange(8000).reshape(20, 20, 20)
tensor([[[   0,    1,    2,  ...,   17,   18,   19],
         [  20,   21,   22,  ...,   37,   38,   39],
         [  40,   41,   42,  ...,   57,   58,   59],
         ...,
         [ 340,  341,  342,  ...,  357,  358,  359],
         [ 360,  361,  362,  ...,  377,  378,  379],
         [ 380,  381,  382,  ...,  397,  398,  399]],

        [[ 400,  401,  402,  ...,  417,  418,  419],
         [ 420,  421,  422,  ...,  437,  438,  439],
         [ 440,  441,  442,  ...,  457,  458,  459],
         ...,
         [ 740,  741,  742,  ...,  757,  758,  759],
         [ 760,  761,  762,  ...,  777,  778,  779],
         [ 780,  781,  782,  ...,  797,  798,  799]],

        [[ 800,  801,  802,  ...,  817,  818,  819],
         [ 820,  821,  822,  ...,  837,  838,  839],
         [ 840,  841,  842,  ...,  857,  858,  859],
         ...,
         [1140, 1141, 1142,  ..., 1157, 1158, 1159],
         [1160, 1161, 1162,  ..., 1177, 1178, 1179],
         [1180, 1181, 1182,  ..., 1197, 1198, 1199]],

        ...,

        [[6800, 6801, 6802,  ..., 6817, 6818, 6819],
         [6820, 6821, 6822,  ..., 6837, 6838, 6839],
         [6840, 6841, 6842,  ..., 6857, 6858, 6859],
         ...,
         [7140, 7141, 7142,  ..., 7157, 7158, 7159],
         [7160, 7161, 7162,  ..., 7177, 7178, 7179],
         [7180, 7181, 7182,  ..., 7197, 7198, 7199]],

        [[7200, 7201, 7202,  ..., 7217, 7218, 7219],
         [7220, 7221, 7222,  ..., 7237, 7238, 7239],
         [7240, 7241, 7242,  ..., 7257, 7258, 7259],
         ...,
         [7540, 7541, 7542,  ..., 7557, 7558, 7559],
         [7560, 7561, 7562,  ..., 7577, 7578, 7579],
         [7580, 7581, 7582,  ..., 7597, 7598, 7599]],

        [[7600, 7601, 7602,  ..., 7617, 7618, 7619],
         [7620, 7621, 7622,  ..., 7637, 7638, 7639],
         [7640, 7641, 7642,  ..., 7657, 7658, 7659],
         ...,
         [7940, 7941, 7942,  ..., 7957, 7958, 7959],
         [7960, 7961, 7962,  ..., 7977, 7978, 7979],
         [7980, 7981, 7982,  ..., 7997, 7998, 7999]]])

>>> np.arange(8000).reshape(20, 20, 20).astype("float64") | profile="short"
tensor([[[0.00e+00, 1.00e+00,  ..., 1.80e+01, 1.90e+01],
         [2.00e+01, 2.10e+01,  ..., 3.80e+01, 3.90e+01],
         ...,
         [3.60e+02, 3.61e+02,  ..., 3.78e+02, 3.79e+02],
         [3.80e+02, 3.81e+02,  ..., 3.98e+02, 3.99e+02]],

        [[4.00e+02, 4.01e+02,  ..., 4.18e+02, 4.19e+02],
         [4.20e+02, 4.21e+02,  ..., 4.38e+02, 4.39e+02],
         ...,
         [7.60e+02, 7.61e+02,  ..., 7.78e+02, 7.79e+02],
         [7.80e+02, 7.81e+02,  ..., 7.98e+02, 7.99e+02]],

        ...,

        [[7.20e+03, 7.20e+03,  ..., 7.22e+03, 7.22e+03],
         [7.22e+03, 7.22e+03,  ..., 7.24e+03, 7.24e+03],
         ...,
         [7.56e+03, 7.56e+03,  ..., 7.58e+03, 7.58e+03],
         [7.58e+03, 7.58e+03,  ..., 7.60e+03, 7.60e+03]],

        [[7.60e+03, 7.60e+03,  ..., 7.62e+03, 7.62e+03],
         [7.62e+03, 7.62e+03,  ..., 7.64e+03, 7.64e+03],
         ...,
         [7.96e+03, 7.96e+03,  ..., 7.98e+03, 7.98e+03],
         [7.98e+03, 7.98e+03,  ..., 8.00e+03, 8.00e+03]]], dtype=torch.float64)

>>> np.arange(1024).reshape(4, 4, 4, 16) % 2 == 0 | edgeitems=1
tensor([[[[ True,  ..., False],
          ...,
          [ True,  ..., False]],

         ...,

         [[ True,  ..., False],
          ...,
          [ True,  ..., False]]],


        ...,


        [[[ True,  ..., False],
          ...,
          [ True,  ..., False]],

         ...,

         [[ True,  ..., False],
          ...,
          [ True,  ..., False]]]])

>>> np.zeros((40, 40), "float32") | edgeitems=2, linewidth=30
tensor([[0., 0.,  ..., 0., 0.],
        [0., 0.,  ..., 0., 0.],
        ...,
        [0., 0.,  ..., 0., 0.],
        [0., 0.,  ..., 0., 0.]])

>>> np.arange(12).reshape(3, 4) | threshold=0, edgeitems=1
tensor([[ 0,  ...,  3],
        ...,
        [ 8,  ..., 11]])
"""

NAMES = {
    "np": np, "nan": np.nan, "inf": np.inf, "float64": float64,
    "f32": lambda values: np.array(values, "float32"), "f64": lambda values: np.array(values, "float64"),
}
ARGUMENTS = ("default_dtype", "requires_grad", "grad_fn_name", "tangent")
CASES = [case.split("\n", 1) for case in GOLDEN.strip().removeprefix(">>> ").split("\n\n>>> ")]


@pytest.fixture(autouse=True)
def default_options():
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[source for source, _ in CASES])
@pytest.mark.filterwarnings("error")
def test_golden(source, expected):
    expression, _, keywords = source.partition(" | ")
    options = eval(f"dict({keywords})", NAMES)
    arguments = {"default_dtype": float32} | {k: options.pop(k) for k in ARGUMENTS if k in options}
    array = eval(expression, NAMES)
    with printoptions(**options):
        assert format_tensor(array, from_numpy_dtype(array.dtype), **arguments) == expected


def test_prefix_sets_the_indent():
    text = format_tensor(np.ones((2, 1), "float32"), float32, default_dtype=float32, prefix="Leaf(")
    assert text == "Leaf([[1.],\n      [1.]])"


def test_views_of_any_layout_print_alike():
    array = np.arange(10000.0).reshape(100, 100)
    texts = {
        format_tensor(view, float64, default_dtype=float32)
        for view in (array, np.asfortranarray(array), array[::-1, ::-1].copy()[::-1, ::-1])
    }
    assert len(texts) == 1


def test_only_the_corners_decide_the_style():
    array = np.ones(5000, "float32")
    array[2500] = 1e-20
    assert format_tensor(array, float32, default_dtype=float32) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])"


DEFAULT = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([{}], {}),
        ([{"profile": "short"}], {"precision": 2, "edgeitems": 2}),
        ([{"profile": "full"}], {"threshold": float("inf")}),
        ([{"profile": "short", "precision": 7}], {"precision": 7, "edgeitems": 2}),
        ([{"precision": 6}, {"linewidth": 40}], {"precision": 6, "linewidth": 40}),
        ([{"precision": 6}, {"profile": "default"}], {}),
        ([{"precision": 6}, {"profile": "no such"}], {"precision": 6}),
        ([{"precision": 6}, {"profile": "Short"}], {"precision": 6}),
        ([{"sci_mode": True}], {"sci_mode": True}),
        ([{"sci_mode": True}, {"precision": 6}], {"precision": 6}),
        ([{"precision": 0, "threshold": 0, "edgeitems": 0}], {"precision": 0, "threshold": 0, "edgeitems": 0}),
    ],
)
def test_set_printoptions(calls, expected):
    for call in calls:
        set_printoptions(**call)
    assert list(get_printoptions().items()) == list((DEFAULT | expected).items())


def test_printoptions_restores_after_an_error():
    set_printoptions(precision=6, sci_mode=False)
    before = get_printoptions()
    with pytest.raises(KeyError), printoptions(profile="short", sci_mode=True):
        assert get_printoptions()["precision"] == 2
        raise KeyError
    assert get_printoptions() == before


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'width'"), printoptions(width=3):
        pass
    assert get_printoptions() == DEFAULT
