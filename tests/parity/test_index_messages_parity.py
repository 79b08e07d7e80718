"""What is refused of positions, masks and numbers that do not fit: every operation at indices, in PyTorch's words."""
from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from both import assert_alike, refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

CALLS: dict[str, Callable[[Any], Any]] = {}


def matrix(t: Any) -> Any:
    return t.arange(12.0).view(3, 4)


def at(name: str, kind: str, index: Callable[[Any], Any], source: Callable[[Any], Any]) -> None:
    def call(t: Any) -> Any:
        given = {"index_reduce": (source(t), "amax"), "index_select": (), "index_fill": (1.0,)}.get(name, (source(t),))
        return getattr(matrix(t), name)(0, index(t), *given)

    CALLS[f"{name}, {kind}"] = call


for _name in ("index_add", "index_copy", "index_fill", "index_reduce", "index_select"):
    for _kind, _index in {
            "floats": lambda t: t.tensor([0.0]), "a matrix": lambda t: t.tensor([[0]]),
            "beyond": lambda t: t.tensor([9]), "ints": lambda t: t.tensor([0], dtype=t.int32)}.items():
        at(_name, _kind, _index, lambda t: t.ones(1, 4))
    for _kind, _source in {"of doubles": lambda t: t.ones(1, 4).double(), "narrower": lambda t: t.ones(1, 3),
                           "more": lambda t: t.ones(2, 4)}.items():
        at(_name, _kind, lambda t: t.tensor([0]), _source)
CALLS.update({
    "added beyond a vector": lambda t: t.ones(3).index_add(0, t.tensor([5]), t.ones(1)),
    "added beyond a row": lambda t: t.ones(3, 2).index_add(1, t.tensor([5]), t.ones(3, 1)),
    "rows of none": lambda t: t.ones(0, 3)[t.tensor([0])], "rows of none, a list": lambda t: t.ones(0, 3)[[-1]],
    "a row of none": lambda t: t.ones(0, 3)[0], "columns of none": lambda t: t.ones(2, 0)[:, [0]],
    "assigned to none": lambda t: t.ones(0, 3).__setitem__([0], 1.0),
    "filled": lambda t: t.ones(2, 3, 4).masked_fill(t.ones(2, 3) > 0, 1.0),
    "selected": lambda t: t.ones(2, 3, 4).masked_select(t.ones(2, 3) > 0),
    "scattered": lambda t: t.ones(2, 3, 4).masked_scatter(t.ones(2, 3) > 0, t.ones(9)),
    "runs": lambda t: t.unique_consecutive(matrix(t), dim=4), "distinct": lambda t: t.unique(matrix(t), dim=-3),
    "smoothed": lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), label_smoothing=2.0),
    "rows' norms": lambda t: t.renorm(matrix(t), 2, 0, -1.0),
    "bins of NaN": lambda t: t.histc(matrix(t), 4, 0.0, float("nan")), "no bins": lambda t: t.histc(matrix(t), -1),
    "bins of infinity": lambda t: t.histc(matrix(t), 4, 0, float("inf")),
    "bins backwards": lambda t: t.histc(matrix(t), 4, 6, -2),
    "close, less than never": lambda t: t.allclose(matrix(t), matrix(t), rtol=-1.0),
    "endless": lambda t: t.arange(0.0, float("inf")), "shrunk": lambda t: t.nn.functional.softshrink(matrix(t), -1.0),
    "shrunk doubles": lambda t: t.nn.functional.softshrink(matrix(t).double(), -0.5),
    "cosine": lambda t: t.nn.functional.cosine_similarity(matrix(t), matrix(t), eps=-1.0),
    "distances": lambda t: t.cdist(matrix(t), matrix(t), compute_mode="fast"),
    "slopes": lambda t: t.nn.functional.prelu(t.tensor(1.0), t.ones(2)),
    "blocks of rows": lambda t: t.pixel_unshuffle(t.ones(1, 1, 4, 4), 3),
    "blocks of columns": lambda t: t.pixel_unshuffle(t.ones(1, 1, 3, 4), 3),
    "padded to another shape": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.ones(2, 2)]),
    "padded to another width": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2, 3), t.ones(1, 4)]),
    "padded numbers": lambda t: t.nn.utils.rnn.pad_sequence([1, 2]),
    "padded to another dtype": lambda t: t.nn.utils.rnn.pad_sequence([t.tensor([1, 2]), t.ones(1)]),
    "padded, no axis": lambda t: t.nn.utils.rnn.pad_sequence([t.tensor(1.0)]),
    "a recurrent layer of nothing": lambda t: t.nn.GRU(0, 3), "nothing remembered": lambda t: t.nn.LSTM(3, 0),
    "text among numbers": lambda t: t.tensor([1, "a"]), "text first": lambda t: t.tensor(["a", 1]),
    "a list among numbers": lambda t: t.tensor([1, [2, 3]]), "a list among floats": lambda t: t.tensor([1.0, [2, 3]]),
    "grad of text": lambda t: t.tensor(1.0, requires_grad="a"), "a device's letter": lambda t: t.device("cpu", "a"),
    "a device below": lambda t: t.device("cpu", -2), "a device between": lambda t: t.device("cuda", 1.5),
    "whole numbers by default": lambda t: t.set_default_dtype(t.int32),
    "no dtype by default": lambda t: t.set_default_dtype(float),
    "normalised over two axes": lambda t: t.nn.functional.normalize(t.ones(2, 2, 4), dim=(1, 2)),
    "combined by max": lambda t: matrix(t).scatter_reduce(0, t.tensor([[0, 1, 1, 2]]), t.full((1, 4), 5.0), "max"),
    "combined by min": lambda t: matrix(t).scatter_reduce(0, t.tensor([[0, 1, 1, 2]]), t.zeros(1, 4), "min"),
})


@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(CALLS[call])


SEGMENTS = {"lengths": {"lengths": [2, 0, 1]}, "offsets": {"offsets": [0, 2, 2, 3]}, "columns": {
    "lengths": [[1, 3], [2, 2], [4, 0]], "axis": 1}, "initial": {"lengths": [2, 0, 1], "initial": 2.0},
    "too many": {"lengths": [2, 2]}, "negative": {"lengths": [-1, 4]}, "floats": {"lengths": [1.0, 2.0]},
    "another axis": {"lengths": [4], "axis": 1}, "none": {}}


def segments(t, reduce, kind):
    x = (matrix(t) + 1).requires_grad_()
    given = {k: t.tensor(v) if isinstance(v, list) else v for k, v in SEGMENTS[kind].items()}
    y = t.segment_reduce(x, reduce, **given)
    y[y.detach().isfinite()].square().sum().backward()
    return y.detach().nan_to_num(-7.0), x.grad


@pytest.mark.parametrize("kind", SEGMENTS)
@pytest.mark.parametrize("reduce", ["sum", "mean", "max", "min", "prod", "median"])
def test_segments(reduce, kind):
    assert refusal(lambda: segments(tapegrad, reduce, kind)) == refusal(lambda: segments(torch, reduce, kind))


def test_batch_norms_of_several_processes():
    norm = tapegrad.nn.BatchNorm1d(3)
    norm(tapegrad.randn(4, 3))
    made = tapegrad.nn.SyncBatchNorm.convert_sync_batchnorm(tapegrad.nn.Sequential(norm, tapegrad.nn.ReLU()).eval())
    assert type(made[0]) is tapegrad.nn.SyncBatchNorm and made[0].weight is norm.weight and not made[0].training
    x = tapegrad.randn(2, 3)
    assert made[0](x).equal(norm(x)) and made[0].num_batches_tracked == 1


def test_what_chooses_no_elements_is_no_pruning():
    for t in (torch, tapegrad):
        prune = importlib.import_module(f"{t.__name__}.nn.utils.prune")
        kind, words = refusal(prune.BasePruningMethod)
        assert (kind, words[:47]) == ("TypeError", "Can't instantiate abstract class BasePruningMet")
