"""Every operation against PyTorch on PyTorch's own samples: what is right stays right (`opinfo` prints the score)."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import opinfo  # noqa: E402

import tapegrad  # noqa: E402

FAMILIES = ("unary", "binary", "comparison", "activation", "indexing", "reduction", "sorting", "shape", "joining",
            "matmul", "loss", "linalg", "creation")


def cases() -> list[object]:
    found = opinfo.operations(torch, set(FAMILIES))
    return [pytest.param(op, id=op.name + ("." + op.variant_test_name if op.variant_test_name else ""))
            for _, op in found]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases())
def test_samples_and_errors_are_pytorchs(op: object) -> None:
    report = opinfo.score(op, torch, tapegrad)
    assert not report.complaints, "; ".join(
        f"{n} × {text} [{report.examples[text]}]" for text, n in report.complaints.items())
