"""Functions are pickled by name, so that modules that hold some can be."""
from __future__ import annotations

import copy
import functools
import pickle

import pytest

import tapegrad
import tapegrad.nn.functional as F
from tapegrad import nn

FUNCTIONS = [F.relu, F.gelu, F.softmax, F.mse_loss, F.relu_, tapegrad.relu, tapegrad.sin, tapegrad.max, tapegrad.matmul,
             tapegrad.linalg.norm, tapegrad.special.logit, nn.init.xavier_uniform_]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_the_same_function_comes_back(function, protocol):
    assert pickle.loads(pickle.dumps(function, protocol)) is function
    assert copy.deepcopy(function) is function


def test_modules_that_hold_functions():
    class_ = nn.Sequential(nn.Linear(2, 2))
    class_.act, class_.drop = F.gelu, functools.partial(F.dropout, p=0.5)
    again = pickle.loads(pickle.dumps(class_))
    assert again.act is F.gelu and again.drop.func is F.dropout


def test_their_errors_name_them():
    for bad in (lambda: F.relu(1), lambda: F.relu(), lambda: tapegrad.max(tapegrad.ones(2), zzz=1)):
        with pytest.raises(TypeError) as refused:
            bad()
        assert "__self__" not in str(refused.value)
