"""Second derivatives of every operation against PyTorch, on PyTorch's own samples, also those by the cotangent."""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import opinfo  # noqa: E402
from opinfo import flatten  # noqa: E402

import tapegrad  # noqa: E402

SAMPLES = 4  # of an operation: the database begins with the plain ones

# Values that differ for a reason that docs/differences-from-pytorch.md gives.
OTHERWISE = {
    "nextafter", "as_strided_scatter", "linalg.eigh", "linalg.eigvalsh", "linalg.svd", "linalg.pinv.hermitian",
    "linalg.norm.subgradients_at_zero", "masked.sum", "masked.mean",
}
# Their gradient is constant, and does not require grad; PyTorch's does, with a derivative of zero.
CONSTANT = {f"nn.functional.{name}" for name in (
    "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "max_pool1d", "max_pool2d", "conv1d",
    "conv2d", "conv_transpose1d", "conv_transpose2d", "pad")}


def second(op: Any, sample: Any, cotangents: bool) -> str:
    """What differs in the first two derivatives of one sample, or nothing."""
    leaves: list[Any] = []
    storages: dict[int, Any] = {}
    arguments = opinfo.translate((sample.input, *sample.args), torch, tapegrad, leaves, storages)
    options = opinfo.translate(sample.kwargs, torch, tapegrad, leaves, storages)
    find = opinfo.SPECIAL.get(op.name)
    function = find(tapegrad) if find else opinfo.find(tapegrad, op.name)
    theirs = op.op(sample.input, *sample.args, **sample.kwargs)
    ours = function(*arguments, **options)
    pairs = [(x, y) for x, y in zip(flatten(theirs), flatten(ours)) if isinstance(x, torch.Tensor) and x.requires_grad]
    pairs = pairs[:1] if op.name in ("sort", "unique") else pairs
    if not pairs or not leaves:
        return ""
    rng = np.random.default_rng(0)

    def weights(like: list[Any]) -> list[Any]:
        return [np.array(rng.uniform(-1, 1, tuple(x.shape))) for x in like]

    seeds, found = weights([x for x, _ in pairs]), []
    for t, ends, starts in ((torch, [x for x, _ in pairs], [x for x, _ in leaves]),
                            (tapegrad, [y for _, y in pairs], [y for _, y in leaves])):
        given = [t.tensor(s, requires_grad=cotangents) for s in seeds]
        first = t.autograd.grad(ends, starts, given, create_graph=True, allow_unused=True)
        found.append((t, starts + given * cotangents, first))
    for x, y in zip(*(first for _, _, first in found)):
        if differ(x, y):
            return "first"
        if x is not None and x.requires_grad and not (y is not None and y.requires_grad):
            return "requires_grad"
    chosen = [i for i, x in enumerate(found[0][2]) if x is not None and x.requires_grad]
    if not chosen:
        return ""
    seeds = weights([found[0][2][i] for i in chosen])
    results = [t.autograd.grad([first[i] for i in chosen], starts, [t.tensor(s) for s in seeds], allow_unused=True)
               for t, starts, first in found]
    return "second" if any(map(differ, *results)) else ""


def differ(theirs: Any, ours: Any) -> bool:
    """Whether two gradients differ; one that is absent is zero."""
    p = 0.0 if theirs is None else theirs.numpy(force=True)
    q = 0.0 if ours is None else ours.detach().numpy()
    with np.errstate(all="ignore"):
        return not np.allclose(p, q, rtol=1e-7, atol=1e-7, equal_nan=True)


def cases() -> list[Any]:
    named = [(op.name + ("." + op.variant_test_name if op.variant_test_name else ""), op)
             for _, op in opinfo.operations(torch, {*opinfo.NAMES, *opinfo.MORE})]
    return [pytest.param(op, id=name) for name, op in named
            if op.supports_gradgrad and torch.float64 in op.supported_dtypes("cpu") and name not in OTHERWISE]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases())
def test_second_derivatives_are_pytorchs(op: Any) -> None:
    wrong = []
    for cotangents in (False, True):
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i, sample in enumerate(op.sample_inputs("cpu", torch.float64, requires_grad=True)):
                if i == SAMPLES:
                    break
                if any(isinstance(x, torch.Tensor) and x.is_sparse for x in flatten((sample.input, sample.args))):
                    continue
                found = second(op, sample, cotangents)
                if found and (found != "requires_grad" or op.name not in CONSTANT):
                    wrong.append((found, opinfo._brief(sample)))
    assert not wrong
