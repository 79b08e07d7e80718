"""Tangents of every operation against PyTorch's, on PyTorch's own samples (`opinfo_forward` prints the score)."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import opinfo  # noqa: E402
import opinfo_forward  # noqa: E402

import tapegrad  # noqa: E402

FEW = 3  # samples
# Tangents of matrices that have to be symmetric, and are not; signs of vectors that are anybody's; `cholesky_inverse`,
# where PyTorch's is not the slope; `logcumsumexp`, whose adjoint has seven digits, in both.
OTHERWISE = {"as_strided_scatter", "cholesky_inverse", "linalg.cholesky", "linalg.cholesky_ex", "linalg.eigh",
             "linalg.svd", "linalg.pinv.hermitian", "logcumsumexp"}
CASES = [pytest.param(op, id=name) for name, op in (
    (op.name + ("." + op.variant_test_name if op.variant_test_name else ""), op)
    for _, op in opinfo.operations(torch, set(opinfo.NAMES) | set(opinfo.MORE)))
    if op.supports_forward_ad and name not in OTHERWISE]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", CASES)
def test_tangents(op: object) -> None:
    report = opinfo_forward.score(op, torch, tapegrad, FEW)
    assert not report.complaints, "; ".join(f"{n} × {text} [{report.examples[text]}]"
                                            for text, n in report.complaints.items())
