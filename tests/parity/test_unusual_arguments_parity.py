"""Calls that are right and unusual, and their neighbours that are refused: expressions over `t`, alike in both."""
from __future__ import annotations

import warnings
from typing import Any

import pytest

import tapegrad

torch = pytest.importorskip("torch")

CALLS = {
    # What lies in memory, beside what is looked at.
    "views": """
t.as_strided_scatter(b[3:12].view(3, 3), ones(2, 2), (2, 2), (1, 2), 1)
t.as_strided_scatter(b[3:12].view(3, 3).t(), ones(2, 2), (2, 2), (1, 2), 4)
t.as_strided_scatter(b.view(8, 5)[1:4, :3], ones(3), (3,), (2,), 6)
t.as_strided_scatter(b.view(8, 5)[1:4, :3], ones(3), (3,), (2,))
t.as_strided_scatter(b[:3].expand(3, 3), ones(2), (2,), (3,), 1)
t.as_strided_scatter(b[3:12], ones(2), (2,), (1,), 60)
t.lu_unpack(*(lambda a, p: (a, t.stack([p, p], -1)[..., 0]))(*t.linalg.lu_factor(ones(2, 3, 3) + t.eye(3).double())))
""",
    # A factor of nought: NaN does not come through, and there is a gradient, of zeros.
    "nothing times": """
gradients(lambda x: t.addmv(x, ones(3, 4), ones(4), beta=0), ones(3))
gradients(lambda x: t.addbmm(x, ones(2, 3, 4), ones(2, 4, 2), beta=0), ones(3, 2) * float("nan"))
gradients(lambda x: t.baddbmm(x, ones(2, 3, 4), ones(2, 4, 2), beta=0), ones(2))
""",
    "batches of none": """
t.nn.functional.max_unpool1d(ones(0, 2, 2), ones(0, 2, 2).long(), 3, 2) | t.nn.functional.fold(ones(0, 8, 9), (4, 4), 2)
t.nn.functional.max_unpool2d(ones(0, 2, 2, 2), ones(0, 2, 2, 2).long(), 2)
t.nn.functional.fold(ones(2, 8, 9), (4, 4), 2) | t.nn.functional.fold(ones(8, 9), 4, 2)
t.nn.functional.max_unpool1d(ones(2, 2), t.tensor([[0, 3], [1, 2]]), 2)
t.nn.functional.max_unpool3d(ones(0, 1, 2, 2, 2), ones(0, 1, 2, 2, 2).long(), 2)
t.nn.functional.adaptive_max_pool1d(ones(4, 4), 0) | t.nn.functional.adaptive_max_pool2d(ones(1, 4, 4), (0, 2), True)
t.nn.functional.grid_sample(ones(0, 2, 3, 3), ones(0, 3, 3, 2), align_corners=False)
t.nn.functional.grid_sample(ones(1, 2, 3, 3), ones(1, 0, 3, 2), align_corners=False)
t.nn.functional.fractional_max_pool2d(ones(0, 2, 4, 4), 2, output_size=2)
t.nn.functional.ctc_loss(ones(0, 2, 3), t.ones(2, 1).long(), [0, 0], [1, 1])
""",
    "out": """
t.nn.functional.linear(ones(2, 3), ones(4, 3), out=ones(2, 4)) | t.nn.functional.gelu(ones(2), out=ones(2))
t.nn.functional.avg_pool2d(ones(1, 1, 4, 4), 2, out=ones(1, 1, 2, 2))
t.nn.functional.avg_pool3d(ones(1, 1, 4, 4, 4), 2, out=ones(0))
t.nn.functional.gelu(ones(2), "tanh") | t.nn.functional.linear(ones(2, 3), ones(4, 3), out="text")
""",
    "out of another dtype": "\n".join(f"{call}, out=t.zeros(3, dtype=t.{dtype}))" for dtype in (
        "float16", "float64", "int64") for call in (
            "t.linalg.vector_norm(t.ones(3, 2), dim=1", "t.norm(t.ones(3, 2), 2, 1",
            "t.linalg.det(t.eye(2).expand(3, 2, 2)", "t.linalg.solve(t.eye(3), t.ones(3)",
            "t.linalg.svdvals(t.eye(3)", "t.linalg.eigvalsh(t.eye(3)", "t.logspace(0, 1, 3, dtype=t.float32",
            "t.heaviside(t.ones(3), t.ones(3)", "t.float_power(t.ones(3), 2",
            "t.nn.functional.gelu(t.ones(3)", "t.nn.functional.softplus(t.ones(3)",
            "t.nn.functional.hardshrink(t.ones(3)",
            "t.nn.functional.linear(t.ones(2), t.ones(3, 2)", "t.slice_scatter(t.zeros(3), t.ones(1), 0, 0, 1",
            "t.isin(t.ones(3), t.ones(2)", "t.multinomial(t.tensor([0.0, 1.0, 0.0]), 3, True")),
    "losses": """
t.nn.functional.soft_margin_loss(ones(1), ones(5)) | t.nn.functional.soft_margin_loss(ones(5), ones(1))
t.nn.functional.soft_margin_loss(ones(2).int(), ones(2).int()) | t.isin(ones(2) > 0, ones(2)) | t.isin(True, ones(2))
t.nn.functional.hinge_embedding_loss(ones(2).int(), -ones(2), margin=8.3, reduction="none")
t.nn.functional.hinge_embedding_loss(ones(2).int(), -ones(2)) | t.linalg.pinv(ones(2, 3, 0), rtol=t.tensor([0.1, 0.2]))
gradients(lambda x: t.nn.functional.ctc_loss(x, t.tensor([[1, 1, 1], [1, 2, 1]]), [4, 5], [3, 3]), ones(5, 2, 3) * -1)
gradients(lambda x: t.nn.functional.ctc_loss(x, t.tensor([[1, 1, 1]]), [4], [3]), ones(5, 1, 3) * -1)
gradients(lambda x: t.nn.functional.ctc_loss(x, t.tensor([[1, 1, 1]]), [4], [3], 0, "sum", True), ones(5, 1, 3) * -1)
""",
    "flags": """
t.nn.functional.relu(ones(2), "text") | t.nn.functional.relu(ones(2), inplace=None) | t.nn.functional.relu(ones(2), [])
t.nn.functional.relu(ones(2), ones(2)) | t.nn.functional.max_pool1d(ones(1, 1, 4), 2, return_indices=[1])
t.nn.functional.dropout(ones(3), 0.0, True, "text") | t.nn.functional.gumbel_softmax(ones(3), 1.0, 1).sum()
t.nn.functional.gaussian_nll_loss(ones(3), ones(3), ones(3), "text")
""",
    "bounds": """
t.clamp(ones(3), ones(3), 2.5) | ones(3).clamp(ones(3), 2) | ones(3).clamp_(max=2.5) | t.clamp(ones(3), 0, ones(3))
ones(3).clamp(t.tensor(0.0), 2.5) | ones(3).clip(ones(3), ones(3))
""",
    "tolerances": """
t.linalg.pinv(t.eye(3).expand(2, 3, 3) * 0.1, rtol=t.tensor([0.1, 2.0])) | t.linalg.pinv(t.eye(3), atol=t.tensor(2.0))
t.linalg.pinv(t.eye(2), rtol=t.tensor([0.1, 2.0, 0.2])) | t.linalg.pinv(t.eye(2), 0.5) | t.linalg.pinv(t.eye(2), "text")
t.linalg.matrix_rank(t.eye(2), tol=t.tensor([0.5, 2.0])) | t.linalg.matrix_rank(t.eye(2), None)
""",
    # Rows more than columns, which depend on each other.
    "factors": """
t.linalg.lu_factor_ex(t.tensor([1.0, -2.0, 3.0]).expand(4, 3)) | t.linalg.lu(t.tensor([1.0, -2.0, 3.0]).expand(5, 3))
t.linalg.lu_factor_ex(t.tensor([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])) | t.linalg.lu_factor_ex(t.zeros(2, 3, 2))
t.linalg.lu_factor_ex(t.tensor([[0.0, 1.0], [0.0, 4.0], [0.0, 2.0]])) | t.linalg.lu(t.ones(2, 4, 2))
""",
    "numbers instead": """
t.pow(2, ones(3)) | t.pow(input=2, exponent=ones(3)) | t.xlogy(2.0, ones(2)) | t.xlogy(input=2.0, other=ones(2))
t.bitwise_and(2, ones(2).int()) | t.bitwise_and(2, ones(2).int(), out=ones(2).int()) | t.bucketize(0.5, b)
t.searchsorted(b, 2.5) | t.searchsorted(b, input=2.5) | t.float_power(2, ones(2)) | t.remainder(7, ones(2) * 4)
t.special.zeta(2.0, ones(2)) | t.xlogy_(2.0, ones(2)) | ones(2).xlogy_(2.0) | t.divide(2, ones(2))
t.subtract(2, ones(2))
t.div(ones(2), 2, rounding_mode="floor") | t.div(ones(2), 2, rounding_mode=3)
str(t.result_type(ones(2), other=2))[-7:]
t.linspace(t.tensor(0.0), 1, 3) | t.linspace(ones(1), 1, 3) | t.logspace(ones(1), 1, 3)
t.logspace(0, t.tensor(1.0), 3)
""",
    "names": """
ones(2).to(tensor=ones(2).int()) | ones(2).to(other=ones(2).int()) | ones(2).copy_(other=2.5)
ones(2, 3).count_nonzero(0, 1) | ones(2, 3).count_nonzero(True)
t.movedim(ones(2, 3), (0,), 1) | t.roll(ones(2), 1, None) | t.typename(obj=3)
t.as_tensor([1.0], t.float64) | t.as_tensor([1.0], dtype=t.float64) | ones(2).float(None) | t.is_conj(3)
ones(2).polygamma(2.5) | t.ones(2, device=2.5) | t.zeros_like(ones(2), requires_grad="text")
ones(2).is_pinned(None) | t.mm(t.eye(2), t.eye(2), t.float32).shape | t.unsafe_split(ones(3), (1, 2)) | t.vander("text")
ones(2).greater("text") | ones(2).divide("text") | t.special.psi("text") | ones(2).add(None) | ones(2).add_(None)
ones(2).sum("text") | ones(2).abs(2) | ones(2).subtract("text") | t.negative("text") | ones(2).multiply_("text")
""",
}


def told(t: Any, text: str) -> Any:
    def ones(*shape: int) -> Any:
        return t.ones(shape, dtype=t.float64)

    def gradients(function: Any, x: Any) -> Any:
        x.requires_grad_()
        y = function(x)
        return y, t.autograd.grad(y.sum(), x)[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            known = {"t": t, "ones": ones, "gradients": gradients, "b": t.arange(40.0, dtype=t.float64)}
            return plain(eval(text, known))
        except Exception as error:
            return type(error).__name__, str(error).partition("\n")[0].partition(" backend.")[0]


def plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        found = value.detach().double().reshape(-1).tolist()
        return str(value.dtype).rpartition(".")[2], list(value.shape), [f"{v:.6g}" for v in found]
    return value


@pytest.mark.parametrize("kind", CALLS)
def test_unusual_arguments(kind: str) -> None:
    calls = [text.strip() for line in CALLS[kind].strip().splitlines() for text in line.split(" | ")]
    found = {text: (told(tapegrad, text), told(torch, text)) for text in calls}
    assert not {text: both for text, both in found.items() if both[0] != both[1]}
