"""Every operation against PyTorch on PyTorch's own samples: what is right stays right (`opinfo` prints the score)."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import opinfo  # noqa: E402

import tapegrad  # noqa: E402

FAMILIES = ("unary", "binary", "comparison", "activation", "indexing", "reduction", "sorting", "shape", "joining",
            "matmul", "loss", "linalg", "creation")


# Of the second part, what is not there, and what differs for a reason that docs/differences-from-pytorch.md gives.
ABSENT = {
    "igamma", "igammac", "masked.sum", "masked.mean",
}
OTHERWISE = {"nextafter", "logspace", "as_strided_scatter", "linalg.eigh", "linalg.svd", "linalg.pinv.hermitian"}


def cases() -> list[object]:
    named = [(op.name + ("." + op.variant_test_name if op.variant_test_name else ""), op)
             for _, op in opinfo.operations(torch, set(FAMILIES) | set(opinfo.MORE))]
    return [pytest.param(op, id=name) for name, op in named if name not in ABSENT | OTHERWISE]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases())
def test_samples_and_errors_are_pytorchs(op: object) -> None:
    report = opinfo.score(op, torch, tapegrad)
    assert not report.complaints, "; ".join(
        f"{n} × {text} [{report.examples[text]}]" for text, n in report.complaints.items())
