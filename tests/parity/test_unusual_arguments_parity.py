"""Calls that are right and unusual, and their neighbours that are refused: expressions over `t`, alike in both."""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
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
    # Beyond 64 bits, and numbers of NumPy's: which of its flags and arrays are none.
    "vast numbers": """
t.cumsum(ones(2), 2 ** 63) | t.diag(ones(2), -2 ** 70) | t.sum(ones(2), 2 ** 63) | t.select(ones(2), 0, 2 ** 64)
t.nn.functional.avg_pool1d(ones(1, 4), 2 ** 63) | t.chunk(ones(2), 2 ** 63)
t.conv1d(ones(1, 1, 4), ones(1, 1, 2), None, 2 ** 63)
t.zeros(2, device=2 ** 63) | t.add(ones(2), 2 ** 63) | t.mul(ones(2), 2 ** 63) | t.add(ones(2), 2 ** 70)
t.add(ones(2), -2 ** 70) | t.add(ones(2), 1, alpha=2 ** 63) | ones(2) > 2 ** 63 | t.pow(ones(2), 2 ** 63)
ones(2).masked_fill(ones(2) > 0, 2 ** 63) | ones(2).clamp(2 ** 63) | ones(2).fill_(2 ** 63) | t.lerp(b, b, 2 ** 64)
t.logit(ones(2), 2 ** 70) | t.full((2,), -2 ** 70) | ones(2).long().clamp(max=2 ** 63) | t.narrow(b, 0, 2 ** 63, 1)
""",
    "numpy's numbers": """
t.cumsum(ones(2), np.array(0)) | t.diag(ones(2), np.array(0)) | t.cumsum(ones(2), np.int8(0)) | t.chunk(b, np.array(2))
t.select(ones(2), 0, np.array(1)) | t.topk(ones(2), np.array(1))
t.cumsum(ones(2), Index()) | t.narrow(b, 0, Index(), 1)
t.sum(ones(2), 0, np.bool_(True)) | t.cholesky(t.eye(2), np.bool_(True)) | t.ones(2, requires_grad=np.bool_(True))
t.full((2,), np.bool_(True)) | t.arange(np.bool_(True)) | t.tensor([1]) + np.bool_(True) | b[:2].long() * np.bool_(True)
t.tensor([True]) & np.bool_(True) | t.eq(t.tensor([1]), np.bool_(True)) | t.add(ones(2), 1, alpha=np.bool_(True))
t.zeros(2, device=np.int64(1)) | t.zeros(2, device=True) | t.zeros(2, (np.array(1))) | t.scalar_tensor(np.bool_(True))
t.ones(2, requires_grad=None) | t.zeros_like(ones(2), pin_memory=None) | t.eye(2, requires_grad=None)
t.tensor([1.0], requires_grad=None)
""",
    "sizes": """
t.zeros(2, True) | t.zeros((2, True)) | t.zeros((True, 2)) | t.sum(ones(2, 2), (0, True))
t.zeros(t.tensor([2])) | t.zeros((2, t.tensor([[3]]))) | ones(1).repeat(t.tensor([2])) | t.zeros(2, np.bool_(True))
ones(2, 2).sum(t.tensor(True)) | t.nn.functional.avg_pool1d(ones(1, 4), t.tensor(True)) | t.zeros(2, t.tensor([2.5]))
t.zeros(t.tensor([2, 3])) | t.flip(ones(2), (t.tensor([0]),)) | t.zeros((2, 2 ** 63)) | t.zeros(2 ** 63)
list(t.broadcast_shapes(True, (2, 1), None)) | list(t.Size([1, True])) | t.flip(ones(2), (2 ** 63,))
""",
    "a step apart": "\n".join(
        f"t.gradient({x}, spacing={step}, edge_order={order})"
        for x in ("b[:6].view(2, 3) ** 2", "t.tensor([1, 2, 9, 4])")
        for step in (0, 2, -0.5, "float('inf')", "t.tensor(2.0)") for order in (1, 2)),
    "one bias": "\n".join(
        f"t.{kind}_cell(ones(1, 2), {state}, ones({n}, 2) / 9, ones({n}, 2) / 7, {biases})"
        for kind, n, state in (("rnn_tanh", 2, "ones(1, 2)"), ("rnn_relu", 2, "ones(1, 2)"), ("gru", 6, "ones(1, 2)"),
                               ("lstm", 8, "(ones(1, 2), ones(1, 2))"))
        for biases in (f"None, b[:{n}] / 9", f"b[:{n}] / 9", f"b[:{n}] / 9, b[1:{n + 1}] / 5")),
    # Flags of old, in every combination.
    "a loss's flags": "\n".join(
        f"t.nn.functional.{loss}, size_average={average}, reduce={reduce}, reduction='sum')"
        for loss in (
            "triplet_margin_loss(b[:4].view(2, 2), ones(2, 2), b[4:8].view(2, 2), 9.0",
            "multi_margin_loss(b[:4].view(2, 2), t.tensor([0, 1])",
            "multilabel_margin_loss(b[:4].view(2, 2), t.tensor([[0, -1], [1, 0]])",
            "multilabel_soft_margin_loss(b[:4].view(2, 2), ones(2, 2)", "mse_loss(b[:4], ones(4)",
            "cross_entropy(b[:4].view(2, 2), t.tensor([0, 1])", "hinge_embedding_loss(b[:4], ones(4)")
        for average in (None, 0, False, 2) for reduce in (None, 0, False, 1)),
    "dtypes that differ": """
((t.addcdiv(b[:1] * 0, t.ones(1), t.ones(1) * 3, value=0.1) * 3 - 0.1).abs() < 1e-12)
((t.addcmul(b[:1] * 0, t.ones(1) / 8, t.ones(1) * 3, value=0.1) * 8 - 0.3).abs() < 1e-12)
((t.ldexp(b[1:2], t.ones(()) / 4) - 2 ** 0.25).abs() < 1e-12) | t.ldexp(t.tensor([3]), t.tensor([2.5]))
t.nn.functional.binary_cross_entropy(t.ones(2) / 4, t.ones(2) / 3, ones(2) / 7)
t.nn.functional.binary_cross_entropy(t.ones(2) / 4, t.ones(2) / 3, ones(2) / 7, reduction="none")
t.nn.functional.linear(ones(3), ones(4, 3), ones(1, 4)) | t.nn.functional.linear(ones(3), ones(4, 3), ones(2, 4))
t.nn.functional.linear(ones(2, 3), ones(4, 3), ones(1, 4)) | t.nn.functional.linear(ones(2, 2, 3), ones(4, 3), ones(4))
t.bernoulli(ones(3).requires_grad_(), 0.5).requires_grad
""",
    "axes of batches": "\n".join(
        f"t.{name}(ones(1), ones{one}, ones{other})" for name in ("addbmm", "baddbmm") for one, other in (
            ("()", "(2, 3, 4)"), ("(2)", "(2, 3, 4)"), ("(2, 3)", "(2, 3, 4)"), ("(2, 3, 4)", "()"),
            ("(2, 3, 4)", "(2)"), ("(2, 3, 4)", "(4, 5)"), ("(2, 3, 4)", "(2, 4, 5, 1)"),
            ("(2, 3, 4, 5)", "(2, 4, 5)"))),
    "a scalar's places": """
t.index_select(t.tensor(2.0), 0, t.zeros(0).long()) | t.index_select(t.tensor(2.0), 0, t.tensor([0, 0]))
t.index_select(t.tensor(2.0), 0, t.tensor([0])) | t.index_add(t.tensor(2.0), 0, t.tensor([0, 0]), t.tensor(1.0))
t.index_add(t.tensor(2.0), 0, t.zeros(0).long(), t.tensor(1.0))
t.index_copy(t.tensor(2.0), 0, t.tensor([0, 0]), t.tensor(1.0))
t.index_copy(t.tensor(2.0), 0, t.zeros(0).long(), t.ones(1))
t.index_copy(t.tensor(2.0), 0, t.zeros(0).long(), t.ones(0))
t.index_reduce(b, 0, t.tensor(0), t.tensor(2.0).double(), "mean")
t.index_reduce(b, 0, t.tensor([0, 1]), t.tensor(2.0).double(), "mean")
t.index_put(b, (t.tensor(3),), t.tensor(9.0).double()) | b.index_put_((t.tensor(3),), t.tensor(9.0).double())
t.index_put(b.view(4, 10), (t.tensor(3),), ones(10))
t.index_put(b.view(4, 10), (t.tensor(3), t.tensor([2, 4])), ones(2), True)
t.scatter(ones(2, 3), 0, t.zeros(1, 1).long(), ones(4)) | t.scatter(ones(2, 3), 0, t.zeros(1, 1).long(), ones(()))
t.scatter_add(ones(2, 3), 0, t.zeros(1, 1).long(), ones(4)) | t.scatter(ones(2), 0, t.zeros(1).long(), ones(2, 3))
t.scatter(ones(2), 0, t.zeros(1).long(), ones(())) | t.linalg.vector_norm(ones(2, 1) * 1e9, 50, 1)
t.linalg.vector_norm(ones(()) * -1e9, -50) | t.norm(ones(1) * 1e9, 99.0) | t.linalg.vector_norm(ones(()) * 0, 0)
np.sum(ones(2)) | np.mean(ones(2), axis=0) | t.sum(ones(2), axis=0, other=1) | t.softmax(ones(2), axis=0, other=1)
""",
    "optimisers": "\n".join(
        f"stepped(t.optim.{name}, {options})" for name in (
            "SGD", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "ASGD")
        for options in ("maximize=2", "maximize='text'", "maximize=()", "maximize=[0]", "maximize=None", "maximize=0.5",
                        "maximize=t.ones(2)", "lr=float('nan')", "weight_decay=float('nan')", "lr=-1")),
    "descent": """
stepped(t.optim.SGD, dampening='text')
stepped(t.optim.SGD, momentum=0.9, nesterov=2) | stepped(t.optim.SGD, momentum=-1)
stepped(t.optim.SGD, momentum=float('nan')) | stepped(t.optim.SGD, momentum=0.9, dampening=0.5, maximize=1)
stepped(t.optim.RMSprop, centered=2) | stepped(t.optim.Adam, amsgrad=2) | stepped(t.optim.SGD, dampening=None)
""",
    "distributions": "\n".join(
        f"t.distributions.{made}.{asked}" for made in (
            "Bernoulli(t.tensor(0.5))", "Beta(t.ones(2), t.ones(2))", "Binomial(3, t.tensor(0.5))",
            "Poisson(t.ones(2))",
            "Categorical(t.ones(3))", "Dirichlet(t.ones(3))", "Gamma(t.ones(2), t.ones(2))", "Geometric(t.tensor(0.5))",
            "StudentT(t.ones(2))", "VonMises(t.ones(2), t.ones(2))", "MultivariateNormal(t.ones(2), t.eye(2))",
            "LogNormal(t.ones(2), -t.ones(2), validate_args=False)", "LogNormal(t.ones(2), -t.ones(2))",
            "InverseGamma(-t.ones(2), t.ones(2), validate_args=False)",
            "LogisticNormal(t.ones(2), -t.ones(2), validate_args=False)",
            "LogNormal(t.ones(1), -t.ones(1), validate_args=False).expand((2,))")
        for asked in ("cdf('text')", "cdf(t.ones(7))", "cdf(t.ones(2) / 4)", "icdf('text')", "event_shape[:]",
                      "log_prob('text')")),
    "normalisation": "\n".join(
        [f"t.nn.functional.batch_norm(b.view(2, 5, 4), ones(5), ones(5), training={training}, eps={eps})"
         for training in (True, False) for eps in (-1.0, 0.0, 0, False, True, "float('nan')")]
        + [f"t.nn.functional.{norm}(b.view(2, 5, 4), {given})" for norm in ("batch_norm", "instance_norm")
           for given in ("ones(5), None", "None, ones(5)", "ones(5), ones(5)")]
        + [f"t.nn.functional.{norm}(t.ones(2, 3, 4, dtype=t.{dtype}), {running}, {weight}, {weight})"
           for norm in ("batch_norm", "instance_norm") for dtype in ("int64", "int32", "bool", "uint8")
           for running in ("t.zeros(3), t.ones(3)", "t.zeros(3).long(), t.ones(3)") for weight in (None, "t.ones(3)")]
        + ["t.nn.functional.instance_norm(ones(2, 3, 4), None, None, use_input_stats=False)",
           "t.batch_norm(b.view(2, 5, 4), None, None, ones(5), ones(5), True, 0.1, 0.0, False)",
           "t.nn.functional.cosine_embedding_loss(ones(2, 2), ones(2, 2), ones(2), margin=True)"]),
    "samples": "\n".join(
        f"t.nn.functional.fractional_max_pool2d(b[:36].view(1, 1, 6, 6), 2, {given})" for given in (
            "output_size=3, _random_samples=t.ones(1, 1, 2)", "output_size=3, _random_samples=ones(1, 1, 3)",
            "output_size=(3, -1), _random_samples=ones(1, 1, 2)", "output_size=3, _random_samples='text'",
            "output_ratio=(0.5, -1.0), _random_samples=ones(1, 1, 2)",
            "output_size=3, _random_samples=ones(1, 1, 2) / 2",
            "output_size=3, _random_samples=ones(2, 2)")),
    # What Python functions ask of arguments first.
    "no tensors": "\n".join(
        f"t.{call.format(x)}" for x in (3, "'text'", None, [1.0], "np.ones(2).tolist") for call in (
            "nn.functional.mse_loss({}, ones(2))", "nn.functional.mse_loss(ones(2), ones(2), weight={})",
            "nn.functional.glu({})", "nn.functional.softsign({})", "nn.functional.tanh({})", "norm({})",
            "nn.functional.normalize({})", "nn.functional.interpolate({})", "nn.functional.dropout2d({})",
            "nn.functional.adaptive_avg_pool2d({}, 2)", "nn.functional.instance_norm({})",
            "nn.functional.lp_pool1d({}, 2, 2)", "nn.functional.triplet_margin_loss({}, ones(2), ones(2))",
            "nn.functional.triplet_margin_loss(ones(2), {}, ones(2))",
            "nn.functional.margin_ranking_loss({}, ones(2), ones(2))", "svd_lowrank({})")),
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


class Index:
    def __index__(self) -> int:
        return 1


def told(t: Any, text: str) -> Any:
    def ones(*shape: int) -> Any:
        return t.ones(shape, dtype=t.float64)

    def stepped(optimiser: Any, **options: Any) -> Any:
        p = t.tensor([1.0, -2.0], requires_grad=True)
        made = optimiser([p], **{"lr": 0.1, **options})
        for _ in range(2):
            p.grad = p.detach() * 2
            made.step()
        return p

    def gradients(function: Any, x: Any) -> Any:
        x.requires_grad_()
        y = function(x)
        return y, t.autograd.grad(y.sum(), x)[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            known = {"t": t, "ones": ones, "gradients": gradients, "stepped": stepped, "Index": Index, "np": np,
                     "b": t.arange(40.0, dtype=t.float64)}
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
