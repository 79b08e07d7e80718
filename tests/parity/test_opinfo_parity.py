"""Every operation against PyTorch on PyTorch's own samples: what is right stays right (`opinfo` prints the score)."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import opinfo  # noqa: E402
import opinfo_inplace  # noqa: E402

import tapegrad  # noqa: E402

FAMILIES = ("unary", "binary", "comparison", "activation", "indexing", "reduction", "sorting", "shape", "joining",
            "matmul", "loss", "linalg", "creation")


# Of the second part, what is not there, and what differs for a reason that docs/differences-from-pytorch.md gives.
ABSENT = {
    "igamma", "igammac", "masked.sum", "masked.mean",
}
OTHERWISE = {"special.bessel_j0", "special.bessel_y1",
             "nextafter", "logspace", "as_strided_scatter", "linalg.eigh", "linalg.svd", "linalg.pinv.hermitian"}


# In PyTorch addbmm_ gives its operand another shape, and polygamma rounding errors at the poles, where it is infinite.
ELSEWHERE = {"inplace": {"addbmm"}, "narrow": {"polygamma.polygamma_n_0", "polygamma.polygamma_n_1"}}
FEW = 6  # samples a dtype


def cases(which: str = "") -> list[object]:
    named = [(op.name + ("." + op.variant_test_name if op.variant_test_name else ""), op)
             for _, op in opinfo.operations(torch, set(FAMILIES) | set(opinfo.MORE))]
    left_out = ABSENT | (OTHERWISE - {"nextafter"} if which == "inplace" else OTHERWISE) | ELSEWHERE.get(which, set())
    return [pytest.param(op, id=name) for name, op in named if name not in left_out
            and (which != "inplace" or op.get_inplace() is not None)
            and (which != "narrow" or torch.int8 in op.supported_dtypes("cpu"))]


def said(report: opinfo.Report) -> str:
    return "; ".join(f"{n} × {text} [{report.examples[text]}]" for text, n in report.complaints.items())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases())
def test_samples_and_errors_are_pytorchs(op: object) -> None:
    report = opinfo.score(op, torch, tapegrad)
    assert not report.complaints, said(report)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases("narrow"))
def test_narrow_whole_numbers(op: object) -> None:
    report = opinfo.score(op, torch, tapegrad, ("uint8", "int32"), FEW)  # without signs, and with them
    assert not report.complaints, said(report)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases("inplace"))
def test_in_place_with_gradients(op: object) -> None:
    report = opinfo_inplace.score(op, torch, tapegrad, FEW)
    assert not report.complaints, said(report)
