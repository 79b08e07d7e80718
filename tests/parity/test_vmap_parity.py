"""Every operation under `vmap` against a loop, on PyTorch's own samples (`opinfo_vmap` prints the score)."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import opinfo  # noqa: E402
import opinfo_vmap  # noqa: E402

import tapegrad  # noqa: E402

FEW = 2  # samples, of each of which only single operands and all of them have a batch
# A view by strides, which is of memory, where a sample has gaps.
OTHERWISE = {"as_strided_scatter"}
CASES = [pytest.param(op, id=name) for name, op in (
    (op.name + ("." + op.variant_test_name if op.variant_test_name else ""), op)
    for _, op in opinfo.operations(torch, set(opinfo.NAMES) | set(opinfo.MORE))) if name not in OTHERWISE]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", CASES)
def test_batches(op: object) -> None:
    report = opinfo_vmap.score(op, torch, tapegrad, FEW, few=True)
    assert not report.complaints, "; ".join(f"{n} × {text} [{report.examples[text]}]"
                                            for text, n in report.complaints.items())
