"""What is refused of layers and operands that do not fit, in the words that people search for."""
from __future__ import annotations

import numpy as np
import pytest
from both import assert_alike, refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402


def exp(t):
    return t.distributions.ExpTransform()


def ctc(t, **given):
    lengths = {"input_lengths": t.tensor([8, 8, 8]), "target_lengths": t.tensor([3, 2, 1])}
    given = {"log_probs": t.zeros(8, 3, 5).log_softmax(2), "targets": t.ones(3, 3).long(), **lengths, **given}
    loss = t.nn.functional.ctc_loss(**given)
    return round(loss.item(), 4)


def bags(t, *given, **options):
    return t.nn.functional.embedding_bag(given[0], t.ones(5, 2), *given[1:], **options)


def bags_node(t, mode, padding_idx):
    table, weights = t.arange(10.0).reshape(5, 2).requires_grad_(), t.ones(4, requires_grad=True)
    more = {"per_sample_weights": weights} if mode == "sum" else {}
    found = t.nn.functional.embedding_bag(t.tensor([1, 2, 1, 4]), table, t.tensor([0, 3]), mode=mode,
                                          padding_idx=padding_idx, **more)
    edges = [f.name() for f, _ in found.grad_fn.next_functions if f]
    return [found, found.grad_fn, edges, *t.autograd.grad(found.pow(2).sum(), [table, *more.values()])]


MIXED = {
    "layer_norm, a weight": lambda t, x, of: t.nn.functional.layer_norm(x, (5,), of(5)),
    "layer_norm, a bias": lambda t, x, of: t.nn.functional.layer_norm(x, (5,), bias=of(5)),
    "batch_norm, a weight": lambda t, x, of: t.nn.functional.batch_norm(x, None, None, of(4), training=True),
    "batch_norm, statistics": lambda t, x, of: t.nn.functional.batch_norm(x, of(4), of(4)),
    "batch_norm, statistics, training": lambda t, x, of: t.nn.functional.batch_norm(x, of(4), of(4), training=True),
    "group_norm": lambda t, x, of: t.nn.functional.group_norm(x, 2, of(4)),
    "instance_norm": lambda t, x, of: t.nn.functional.instance_norm(x, weight=of(4)),
    "rms_norm": lambda t, x, of: t.nn.functional.rms_norm(x, (5,), of(5)),
    "lerp": lambda t, x, of: t.lerp(x[0, 0], of(5), 0.5),
    "lerp, a weight": lambda t, x, of: t.lerp(x, x, of(5)),
    "cross": lambda t, x, of: t.linalg.cross(x[..., :3], of(3).expand(3, 4, 3)),
    "vecdot": lambda t, x, of: t.linalg.vecdot(x, of(5)),
}


def mixed(f, first, second):
    """A call of operands of two dtypes: that of its result."""
    return lambda t: str(f(t, t.rand(3, 4, 5).to(getattr(t, first)),
                           lambda n: t.ones(n).to(getattr(t, second))).dtype).split(".")[1]


CALLS = {
    "convolution": lambda t: t.nn.Conv2d(3, 4, 3)(t.ones(1, 1, 5, 5)),
    "convolution, one axis": lambda t: t.nn.Conv1d(3, 4, 3)(t.ones(1, 1, 5)),
    "convolution, groups": lambda t: t.nn.Conv2d(4, 4, 3, groups=2)(t.ones(1, 3, 5, 5)),
    "convolution, transposed": lambda t: t.nn.ConvTranspose2d(3, 4, 3)(t.ones(1, 1, 5, 5)),
    "convolution, transposed, groups": lambda t: t.nn.ConvTranspose2d(4, 4, 3, groups=2)(t.ones(1, 3, 5, 5)),
    "convolution of doubles": lambda t: t.nn.Conv2d(3, 4, 3)(t.ones(1, 3, 5, 5, dtype=t.float64)),
    "convolution of doubles, no bias": lambda t: t.nn.Conv2d(3, 4, 3, bias=False)(t.ones(1, 3, 5, 5, dtype=t.float64)),
    "convolution, windows that do not spread": lambda t: t.nn.functional.conv1d(
        t.ones(1, 1, 4), t.ones(1, 1, 2), dilation=-1),
    "convolution, windows that stay": lambda t: t.nn.functional.conv1d(t.ones(1, 1, 4), t.ones(1, 1, 2), stride=0),
    "convolution, transposed, windows that stay": lambda t: t.nn.functional.conv_transpose1d(
        t.ones(1, 1, 4), t.ones(1, 1, 2), stride=0),
    "convolution, transposed, less than no padding": lambda t: t.nn.functional.conv_transpose1d(
        t.ones(1, 1, 4), t.ones(1, 1, 2), padding=-1),
    "the third of several": lambda t: t.cat([t.ones(2, 3), t.ones(2, 3), t.ones(2, 4)]),
    "the third of several, after nothing": lambda t: t.cat([t.ones(0), t.ones(2, 3), t.ones(2, 4)]),
    "the second of several": lambda t: t.vstack([t.ones(2, 4), t.ones(2, 3), t.ones(2, 3)]),
    "several of other axes": lambda t: t.cat([t.ones(2, 3), t.ones(2)]),
    "a large window": lambda t: t.nn.MaxPool2d(6)(t.ones(1, 2, 3, 3)),
    "a large window, average": lambda t: t.nn.AvgPool2d(6)(t.ones(2, 1, 3, 3)),
    "a large window, one axis": lambda t: t.nn.MaxPool1d(6)(t.ones(1, 2, 3)),
    "a large window, three axes": lambda t: t.nn.MaxPool3d(6)(t.ones(1, 1, 3, 3, 3)),
    "a layer of another dtype": lambda t: t.nn.Linear(3, 4)(t.ones(2, 3, dtype=t.float64)),
    "a layer of whole numbers": lambda t: t.nn.Linear(3, 4)(t.ones(2, 3, dtype=t.int64)),
    "a layer of another dtype, no bias": lambda t: t.nn.Linear(3, 4, bias=False)(t.ones(2, 3, dtype=t.float64)),
    "a layer of another dtype, three axes": lambda t: t.nn.Linear(3, 4)(t.ones(2, 2, 3, dtype=t.float64)),
    "addmm": lambda t: t.addmm(t.ones(2), t.ones(2, 2, dtype=t.float64), t.ones(2, 2)),
    "addmm's first": lambda t: t.addmm(t.ones(2, dtype=t.float64), t.ones(2, 2), t.ones(2, 2)),
    "product of dtypes": lambda t: t.ones(2, 2) @ t.ones(2, 2, dtype=t.int64),
    "norm of another width": lambda t: t.nn.BatchNorm2d(3)(t.ones(2, 2, 3, 3)),
    "norm of another width, used": lambda t: t.nn.BatchNorm1d(1).eval()(t.ones(2, 3)),
    "norm's weight": lambda t: t.nn.functional.batch_norm(t.ones(2, 2, 3), None, None, t.ones(3), None, True),
    "norm's bias": lambda t: t.nn.functional.batch_norm(t.ones(2, 2, 3), None, None, None, t.ones(3), True),
    "norm's variance": lambda t: t.nn.functional.batch_norm(t.ones(2, 2, 3), t.ones(2), t.ones(3)),
    "rows by floats": lambda t: t.nn.Embedding(3, 2)(t.ones(2)),
    "rows by doubles": lambda t: t.nn.functional.embedding(t.ones(2, dtype=t.float64), t.ones(3, 2)),
    "rows by bytes": lambda t: t.nn.functional.embedding(t.ones(2, dtype=t.uint8), t.ones(3, 2)),
    "rows by ints": lambda t: t.nn.functional.embedding(t.ones(2, dtype=t.int32), t.ones(3, 2)),
    "classes as floats": lambda t: t.nn.NLLLoss()(t.ones(2, 3), t.ones(2)),
    "classes as ints": lambda t: t.nn.CrossEntropyLoss()(t.ones(2, 3), t.ones(2, dtype=t.int32)),
    "classes as bytes": lambda t: t.nn.functional.nll_loss(t.ones(2, 3), t.ones(2, dtype=t.uint8)),
    "ctc, classes as floats": lambda t: ctc(t, targets=t.ones(3, 3)),
    "ctc, lengths as floats": lambda t: ctc(t, input_lengths=t.full((3,), 8.0)),
    "ctc, texts' lengths as floats": lambda t: ctc(t, target_lengths=t.ones(3)),
    "ctc, negative lengths": lambda t: ctc(t, input_lengths=t.tensor([8, 8, -8])),
    "ctc, texts of negative lengths": lambda t: ctc(t, target_lengths=t.tensor([3, 2, -1])),
    "ctc, beyond the steps": lambda t: ctc(t, input_lengths=t.tensor([8, 8, 9])),
    "ctc, beyond the texts": lambda t: ctc(t, target_lengths=t.tensor([3, 2, 4])),
    "ctc, texts in a row": lambda t: ctc(t, targets=t.ones(6).long()),
    "ctc, too much text": lambda t: ctc(t, targets=t.ones(9).long()),
    "ctc, too few texts": lambda t: ctc(t, targets=t.ones(2, 3).long()),
    "ctc, texts in three axes": lambda t: ctc(t, targets=t.ones(3, 3, 1).long()),
    "ctc, a batch of none": lambda t: ctc(t, log_probs=t.ones(8, 5)),
    "ctc, no classes": lambda t: ctc(t, log_probs=t.ones(3)),
    "ctc, no batch": lambda t: t.nn.functional.ctc_loss(t.ones(8, 5), t.ones(2, 3).long(), [8], [3]),
    **{f"bags, {mode}, {kind}": lambda t, mode=mode, given=given: bags(t, *given(t), mode=mode)
       for mode in ("sum", "mean", "max") for kind, given in {
           "beyond": lambda t: (t.tensor([1, 9]), t.tensor([0])), "below": lambda t: (t.tensor([[1, -1]]),),
           "floats": lambda t: (t.ones(2), t.tensor([0])),
           "offsets": lambda t: (t.tensor([1]), t.tensor([0.0]))}.items()},
    "bags, weights": lambda t: bags(t, t.tensor([[1, 2]]), mode="sum", per_sample_weights=t.ones(2)),
    "bags, padding": lambda t: bags(t, t.tensor([[1, 2]]), padding_idx=9),
    "least squares, two axes more": lambda t: t.linalg.lstsq(t.eye(3), t.ones(2, 3, 1)),
    "least squares, as many axes": lambda t: t.linalg.lstsq(t.ones(2, 3, 3), t.ones(3)),
    "least squares, dtypes": lambda t: t.linalg.lstsq(t.eye(3), t.ones(3).double()),
    "least squares of whole numbers": lambda t: t.linalg.lstsq(t.eye(3).long(), t.ones(3).long()),
    "least squares, a number": lambda t: t.linalg.lstsq(t.eye(3), 3),
    "attention that drops too much": lambda t: t.nn.functional.scaled_dot_product_attention(
        *[t.ones(2, 3, 4)] * 3, dropout_p=2.0),
    "a mask of another batch": lambda t: t.nn.MultiheadAttention(4, 2)(*[t.ones(3, 2, 4)] * 3, t.ones(3, 3) > 0),
    "a mask of another length": lambda t: t.nn.MultiheadAttention(4, 2)(*[t.ones(3, 2, 4)] * 3, t.ones(2, 2) > 0),
    "a mask beside a learnt key": lambda t: t.nn.MultiheadAttention(4, 2, add_bias_kv=True)(
        *[t.ones(3, 2, 4)] * 3, t.ones(2, 2) > 0),
    **{f"factors, {kind}": lambda t, given=given: t.linalg.lu_solve(*given(t, *t.linalg.lu_factor(t.eye(3))))
       for kind, given in {
           "a vector": lambda t, a, p: (a, p, t.ones(3)), "fewer rows": lambda t, a, p: (a, p, t.ones(2, 1)),
           "doubles": lambda t, a, p: (a, p, t.ones(3, 1).double()), "a row": lambda t, a, p: (a[0], p, t.ones(3, 1)),
           "fewer pivots": lambda t, a, p: (a, p[:2], t.ones(3, 1))}.items()},
    "factors on the right": lambda t: t.linalg.lu_solve(*t.linalg.lu_factor(t.eye(3)), t.ones(3, 1), left=False),
    **{f"a triangle, {name} beside {other}": lambda t, name=name, other=other: t.linalg.solve_triangular(
        t.eye(2, dtype=getattr(t, name)) * 2, t.ones(2, 1, dtype=getattr(t, other)), upper=False)
       for name, other in (("float32", "float64"), ("float64", "float32"), ("float32", "int64"))},
    **{f"a triangle of old, beside {other}": lambda t, other=other: t.triangular_solve(
        t.ones(2, 1, dtype=getattr(t, other)), t.eye(2)) for other in ("float64", "int64")},
    "long pivots": lambda t: t.linalg.lu_solve(t.eye(2), t.tensor([1, 2]), t.ones(2, 1)),
    "contracted by text": lambda t: t.tensordot(t.ones(2, 2), t.ones(2, 2), dims="a"),
    "saved nowhere": lambda t: t.save(t.ones(2), "/there/is/none.pt"),
    "no schedule": lambda t: t.profiler.schedule(wait=-1, warmup=1, active=1),
    "maps side by side": lambda t: t.distributions.StackTransform([exp(t)])(t.ones(3)),
    "no maps side by side": lambda t: t.distributions.StackTransform([3]),
    "maps side by side, back": lambda t: t.distributions.StackTransform([exp(t)]).inv(t.ones(3)),
    "maps of parts": lambda t: t.distributions.CatTransform([exp(t)], lengths=[2, 3]),
    "maps of too many parts": lambda t: t.distributions.CatTransform([exp(t)], -1, [2])(t.ones(3)),
    "maps along no axis": lambda t: t.distributions.CatTransform([exp(t)], 3, [2])(t.ones(3)),
    "a shape of correlations": lambda t: str(type(t.distributions.CorrCholeskyTransform().forward_shape(
        t.Size([3]))).__name__),
    "a mixture of no distributions": lambda t: t.distributions.MixtureSameFamily(
        t.distributions.Categorical(t.ones(2)), 3),
    "no size": lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2, 2)),
    "no size, two axes": lambda t: t.nn.functional.interpolate(t.ones(2, 2)),
    "two sizes": lambda t: t.nn.functional.interpolate(t.ones(1, 1, 2, 2), 2, 2),
    "operands": lambda t: t.ones(4, 3, 2) * t.ones(4, 3),
    "expanded": lambda t: t.ones(3, 1, 2).expand(4, 5, 6),
    "assigned": lambda t: t.ones(2, 3).__setitem__(0, t.ones(2)),
    "assigned, more axes": lambda t: t.ones(3).__setitem__(slice(None), t.ones(2, 3)),
    "assigned to an element": lambda t: t.ones(3).__setitem__(0, t.ones(2)),
    "size of no axes": lambda t: t.tensor(1.0).size(-1), "stride of no axes": lambda t: t.tensor(1.0).stride(0),
    "slice of no axes": lambda t: t.tensor(1.0)[:], "rolled, no axes": lambda t: t.tensor(1.0).roll(1, 0),
    "integral of no axes": lambda t: t.trapezoid(t.tensor(1.0)), "index of no axes": lambda t: t.tensor(1.0)[0],
    "classes of no axes": lambda t: t.nn.functional.nll_loss(t.tensor(1.0), t.tensor(1)),
    "addmv": lambda t: t.addmv(t.ones(2), t.ones(2), t.ones(2)), "mask to logits": lambda t: (
        t.nn.functional.binary_cross_entropy_with_logits(t.ones(2), t.ones(2) > 0)),
    "whole numbers to logits": lambda t: t.nn.functional.binary_cross_entropy_with_logits(
        t.ones(2), t.ones(2, dtype=t.int64)),
    "added at indices, no axes": lambda t: t.tensor(1.0).index_add(0, t.tensor([0]), t.tensor([5.0])),
    "added at indices, one axis": lambda t: t.ones(1).index_add(0, t.tensor(0), t.tensor(5.0)),
    "like a tensor": lambda t: t.full_like(t.ones(2), t.ones(2)), "positions in a mask": lambda t: t.unravel_index(
        t.tensor([True]), (2,)), "type 3": lambda t: t.ones(2).type(3), "cat into another": lambda t: t.cat(
        [t.ones(2), t.ones(2)], out=t.empty(0, dtype=t.int64)),
    "linspace beyond": lambda t: t.linspace(0, 255, 6, dtype=t.int8),
    "an array for a tensor": lambda t: t.sin(np.ones(2)),
    "an array for a layer": lambda t: t.nn.Linear(2, 1)(np.ones(2)),
    "an element beyond, after a new axis": lambda t: t.ones(2, 3)[:, None, 5],
    "an element beyond, after dots": lambda t: t.ones(2, 3, 4)[..., 5], "deleted": lambda t: delete(t.ones(3)),
    **{f"assigned {value!r} at {at}": lambda t, at=at, value=value: t.ones(2, 3).__setitem__(
        t.tensor([0]) if at == "places" else at, value)
       for at in (0, (0, 1), "places") for value in ("a", None, [1.0, 2.0, 3.0], (1, 2, 3), {}, 1j, np.float32(2),
                                                  np.ones(3))},
    "assigned text to whole numbers": lambda t: t.ones(2, dtype=t.int64).__setitem__(0, "a"),
    "gathered by floats": lambda t: t.ones(2).gather(0, t.ones(2)),
    "added at too few": lambda t: t.ones(3).index_add(0, t.tensor([0]), t.ones(2)),
    "added at too few, in place": lambda t: t.ones(3).index_add_(0, t.tensor([0]), t.ones(2)),
    "added rows of another width": lambda t: t.ones(3, 2).index_add(0, t.tensor([0]), t.ones(1, 3)),
    "copied to too few": lambda t: t.ones(3).index_copy(0, t.tensor([0]), t.ones(2)),
    "copied rows of another width": lambda t: t.ones(3, 2).index_copy(0, t.tensor([0]), t.ones(1, 3)),
    "too few for a mask": lambda t: t.ones(3).masked_scatter(t.ones(3) > 0, t.ones(2)),
    "filled by a mask of floats": lambda t: t.ones(3).masked_fill(t.ones(3), 0),
    "filled by a mask of whole numbers": lambda t: t.ones(3).masked_fill(t.ones(3, dtype=t.int64), 0),
    "memory beyond": lambda t: t.ones(3).as_strided((4,), (1,)),
    "memory beyond, of a part": lambda t: t.ones(4, 6)[0].as_strided((40,), (1,), 3),
    "taken beyond": lambda t: t.ones(3).take(t.tensor([7])),
    "put beyond": lambda t: t.ones(3).put(t.tensor([-7]), t.ones(1)),
    "-1 for an axis that is not there": lambda t: t.ones(2).expand(3, -1, 2),
    "a grid of dtypes": lambda t: t.meshgrid(t.ones(1), t.ones(1).int(), indexing="ij"),
    "quantile beyond": lambda t: t.ones(3).quantile(1.5), "nanquantile beyond": lambda t: t.ones(3).nanquantile(-0.25),
    "quantiles beyond": lambda t: t.ones(3).quantile(t.tensor([0.5, 1.5])),
    "padding that takes too much": lambda t: t.nn.functional.pad(t.ones(3), (-3, -1)),
    "half of an odd number": lambda t: t.nn.functional.glu(t.ones(2, 3)),
    "mv of two matrices": lambda t: t.ones(2, 2).mv(t.ones(2, 2)),
    "bags weighed for their maximum": lambda t: t.nn.EmbeddingBag(3, 2, mode="max")(
        t.tensor([[1]]), None, t.ones(1, 1)),
    **{f"{name} of bools": lambda t, name=name: getattr(t.tensor([True]), name)() for name in
       ("ceil", "floor", "round", "trunc", "relu")},
    "bools shifted": lambda t: t.tensor([True]) << 1, "floats shifted": lambda t: t.ones(1) >> 1,
    "bools divided": lambda t: t.tensor([True]) // True, "a bool to a bool": lambda t: t.tensor([True, False]) ** True,
    "a bool to the power of none": lambda t: t.tensor([True, False]) ** False,
    "bools to bools": lambda t: t.tensor([True]) ** t.tensor([True]),
    "floats into whole numbers, and": lambda t: t.tensor([3]).__iand__(1.5),
    "floats into bools, or": lambda t: t.tensor([True]).__ior__(t.ones(1)),
    "a function of its own, without one": lambda t: t.autograd.Function.apply(t.ones(1)),
    "a graph by a number": lambda t: t.autograd.grad(
        (x := t.ones(2, requires_grad=True)).exp().sum(), x, create_graph=1),
    "recording by a number": lambda t: t.set_grad_enabled(1), "recording by text": lambda t: t.set_grad_enabled("a"),
    **{f"{name} of none": lambda t, name=name: getattr(t.optim.lr_scheduler, name)(
        *[t.optim.SGD([t.ones(1, requires_grad=True)], 0.1)] * (name == "SequentialLR"), [],
        **{"milestones": []} if name == "SequentialLR" else {}) for name in ("SequentialLR", "ChainedScheduler")},
    **{f"{name} of {a} and {b}": mixed(f, a, b) for name, f in MIXED.items() for a, b in (
        ("float32", "float64"), ("float64", "float32"), ("float16", "float32"), ("float16", "float16"),
        ("float16", "bfloat16"), ("float32", "float16"), ("float64", "float64"))},
    "lerp by a number's tensor": lambda t: t.lerp(t.ones(3), t.ones(3) * 3, t.tensor(0.5, dtype=t.float64)),
    "lerp to a number": lambda t: t.lerp(t.ones(3), 2.0, 0.5),
    "histc of whole numbers": lambda t: t.histc(t.ones(3, dtype=t.int64)),
    "multi_dot, dtypes": lambda t: t.linalg.multi_dot([t.eye(2), t.eye(2), t.eye(2).double()]),
    "cholesky_solve, dtypes": lambda t: t.cholesky_solve(t.eye(2), t.eye(2).double()),
    **{f"{name}, dtypes": lambda t, name=name: getattr(t, name)(t.ones(3), t.ones(3).double())
       for name in ("inner", "dot", "vdot", "matmul", "outer", "kron")},
    "bmm, dtypes": lambda t: t.bmm(t.ones(1, 2, 2), t.ones(1, 2, 2).double()),
    "einsum, dtypes": lambda t: t.einsum("ij,jk", t.ones(2, 2), t.ones(2, 2).double()),
    "tensordot, dtypes": lambda t: t.tensordot(t.ones(3), t.ones(3).double(), 1),
    **{f"einsum {e!r} of {n}": lambda t, e=e, n=n: t.einsum(e, *[t.ones(2, 3), t.ones(3, 2)][:n])
       for n in (1, 2) for e in ("ij..,jk", "i.j", "i...j...,jk", "...,...", "ij1,jk", "ij,jk->ik->k", ".ij", "ij.",
                                 "ij,jk->.ik", "ij,jk->i.k", "ij->......", "ijk...", "ij->i,j", "ij,jk->ii", "ij->iz",
                                 "ij,", "ij,jk,kl", " i j , j k -> k i", "ij->ji...")},
    **{f"{name} of bools": lambda t, name=name, given=given: getattr(t.tensor([True, False]), name)(*given)
       for name in ("median", "nanmedian") for given in ((), (0,))},
    **{f"bools to {power} in place": lambda t, power=power: t.tensor([True, False]).pow_(power)
       for power in (True, False)},
    **{f"node of ctc, {r}, {z}": lambda t, r=r, z=z: (lambda loss: [loss.grad_fn, [
        f and f.name() for f, _ in loss.grad_fn.next_functions]])(t.nn.functional.ctc_loss(
            t.zeros(5, 2, 4, requires_grad=True).log_softmax(2), t.ones(2, 2).long(), (5, 5), (2, 2), reduction=r,
            zero_infinity=z)) for r in ("none", "sum", "mean") for z in (False, True)},
    **{f"node of bags, {mode}, {pad}": lambda t, mode=mode, pad=pad: bags_node(t, mode, pad)
       for mode in ("sum", "mean", "max") for pad in (None, 1)},
    "node of a loss by clusters": lambda t: [t.nn.AdaptiveLogSoftmaxWithLoss(5, 6, cutoffs=[2, 4])(
        t.ones(3, 5), t.tensor([1, 3, 5])).output.grad_fn],
    "too many": lambda t: t.allclose(t.ones(2), t.ones(2), 1, 2, True, 5, 6),
    "an operand by name": lambda t: t.sin(input="a"), "a dtype for an operand": lambda t: t.sin(t.float32),
    "a layout in words": lambda t: t.empty(2, layout="a"),
    "a float for a dim": lambda t: t.amax(t.ones(2), [1.5]), "a text among dims": lambda t: t.sum(t.ones(2), [0, "a"]),
    "a number among tensors": lambda t: t.sort(t.ones(2), out=[1.5]),
    "a window in words": lambda t: t.nn.functional.max_pool2d(t.ones(1, 1, 2, 2), "a"),
    "a bias in numbers": lambda t: t.nn.functional.linear(t.ones(2), t.ones(2, 2), 3),
    "no stride": lambda t: t.nn.functional.avg_pool1d(t.ones(1, 1, 4), 2, None),
    "a reduction that is none": lambda t: t.ones(3).scatter_reduce(0, t.tensor([0]), t.ones(3), 3),
    "a driver": lambda t: t.linalg.svd(t.eye(2), driver="gesvd"),
}
TRACKED = {  # where PyTorch goes on to say where to file an issue with it
    "an item in a batch": lambda t: t.func.vmap(lambda x: x.item())(t.ones(2)),
    "a branch in a batch": lambda t: t.func.vmap(lambda x: x if x > 0 else -x)(t.ones(2)),
}


def delete(x):
    del x[0]


TYPES = {  # where PyTorch lists all that it takes
    "quantile of None": lambda t: t.ones(2).quantile(None), "quantile of text": lambda t: t.ones(2).quantile("a"),
    "quantile of a list": lambda t: t.ones(2).quantile([0.5]), "reduced": lambda t: t.ones(3).index_reduce(
        0, t.tensor([0]), t.ones(3), "mean"),
    "searched for text": lambda t: t.searchsorted(t.ones(3), "a"),
    "text in bins": lambda t: t.bucketize("a", t.ones(3)),
    "drawn from a number": lambda t: t.randn(2, generator=5), "drawn from text": lambda t: t.rand(2, generator="a"),
}


@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(CALLS[call])


SEVERAL = [  # whose forms the message lists
    "t.eq(x, 'a')", "t.fill_(x, 'a')", "t.where(x > 0, 'a', x)", "t.pow(x, 'a')", "t.clamp_min(x, None)",
    "t.bitwise_and(x, [])", "t.quantile(x, 'a')",
    "t.add(x)", "t.xlogy(x, {})", "t.index_fill(x, 0, x, None)", "t.copysign(x, foo=1)", "t.eye(2, layout='a')"]


@pytest.mark.parametrize("call", SEVERAL)
def test_calls_that_fit_no_form(call):
    kinds, said = zip(*(refusal(lambda t=t: eval(call, {"t": t, "x": t.ones(2)})) for t in (torch, tapegrad)))
    assert kinds == ("TypeError", "TypeError")
    assert said[1].partition("but expected")[0] == said[0].partition("but expected")[0]


@pytest.mark.parametrize("call", TRACKED)
def test_nobody_is_sent_to_pytorch(call):
    (kind, ours), (wanted, theirs) = (refusal(lambda t=t: TRACKED[call](t)) for t in (tapegrad, torch))
    assert kind == wanted and theirs.startswith(ours.rstrip(".")) and "issue" not in ours


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", TYPES)
def test_types_as_pytorch(call):
    assert refusal(lambda: TYPES[call](tapegrad))[0] == refusal(lambda: TYPES[call](torch))[0]
