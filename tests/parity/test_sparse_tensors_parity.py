"""Sparse tensors print, and refuse, as PyTorch's do."""
from __future__ import annotations

import re

import pytest

import tapegrad

torch = pytest.importorskip("torch")

SAME = """
s
s.coalesce()
s.size(), s.dim(), s.sparse_dim(), s.dense_dim(), s._nnz(), s.is_coalesced()
s.type(), s.layout, s.is_sparse, d.is_sparse
isinstance(s, t.Tensor), t.is_tensor(s), s.numel(), s.device, s.dtype, s.stride(), len(s), s.element_size()
s._indices(), s._values(), s.coalesce().indices(), s.coalesce().values()
s.indices()
s.values()
s @ m, t.mm(s, m), t.spmm(s, m), t.dsmm(s, m), t.sparse.mm(s, m), t.matmul(s, m)
m.t() @ s.t(), s @ t.ones(3), s @ s.t(), t.addmm(t.ones(2, 4), s, m), t.sparse.addmm(t.ones(2, 4), s, m, beta=2.0)
t.nn.functional.linear(m.t(), s), t.bmm(t.stack([s, s]), t.stack([m, m]))
s + s, d + s, d - s, s - s, s * 2, 2 * s, s / 2, s * d, d * s, s * s, -s, s ** 2
s + d
s + 1
1 - s
s / d
s.exp()
s == s
s.sqrt(), s.tanh(), s.abs(), s.relu(), s.log1p(), s.sign(), s.isnan()
s.sum(), s.sum(0), t.sparse.sum(s, 1), t.sparse.sum(s), t.sparse.softmax(s, 1), t.sparse.log_softmax(s, 1), s.norm()
s.t(), s.transpose(0, 1), s.permute(1, 0), s[0], s[0, 2], s[-1], s.unsqueeze(0), [row for row in s]
s.index_select(0, t.tensor([1])), t.index_select(s, 1, t.tensor([2, 0]))
t.cat([s, s]), t.cat([s, s], 1), t.stack([s, s])
s.double(), s.to(t.float64), s.float() is s, s.cpu() is s, s.long(), s.data, s.detach(), s.clone(), s.clone().mul_(2)
s.item()
bool(s)
s.numpy()
s.tolist()
s.data_ptr()
s.__setitem__(0, 1)
d.coalesce()
d.indices()
d.values()
d.to_dense(), d.to_sparse(), d.to_sparse(1), t.eye(3).to_sparse(), d.sparse_mask(s.coalesce())
t.sparse_coo_tensor([[0, 1], [0, 4]], [1, 2]), t.sparse_coo_tensor(size=(2, 3)), t.sparse_coo_tensor((2, 3))
t.sparse_coo_tensor(t.tensor([[0, 1], [0, 0]]), t.ones(3), (2, 3))
t.sparse_coo_tensor(t.tensor([[0, 1]]), t.ones(2), (2, 3, 4))
t.sparse_coo_tensor(t.tensor([0.0, 1.0]), t.ones(2))
t.sparse.FloatTensor(i, v, t.Size([2, 3])), t.sparse.FloatTensor(i, v), t.sparse.FloatTensor(2, 3)
t.sparse.DoubleTensor(i, v.double(), (2, 3))
t.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0]).coalesce()
t.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0]).to_dense()
h, h.coalesce(), h.to_dense(), h[0], h.sum(), (h * 2).to_dense(), (h + h).to_dense()
t.sparse.sum(h, 0), t.sparse.sum(h, 1)
t.sparse_coo_tensor(i, v, (2, 3), requires_grad=True), t.sparse_coo_tensor(i, v.clone().requires_grad_(), (2, 3))
"""
GRADIENTS = """
lambda a, m: t.sparse.mm(a, m)
lambda a, m: a @ (a.t() @ m[:2])
lambda a, m: t.sparse.mm(a + a, m)
lambda a, m: t.sparse.mm(a, m).cos() @ m.t()
lambda a, m: t.sparse.softmax(a, 1).to_dense() @ m[:3]
lambda a, m: a.to_dense() * m[:2, :3]
lambda a, m: t.sparse.sum(a, 0).to_dense() * m[0, :3]
lambda a, m: (a @ a.t()).to_dense()
lambda a, m: m[:2, :3] + a
"""


def _scope(t):
    i, v = t.tensor([[0, 1, 1], [2, 0, 2]]), t.tensor([3.0, 4.0, 5.0])
    return {"t": t, "i": i, "v": v, "s": t.sparse_coo_tensor(i, v, (2, 3)), "d": t.arange(6.0).view(2, 3),
            "m": t.arange(12.0).view(3, 4),
            "h": t.sparse_coo_tensor([[0, 2, 0]], t.arange(6.0).view(3, 2), (4, 2))}


def _told(t, code):
    try:
        text = repr(eval(code, _scope(t)))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
    text = re.sub(r"0x\w+", "", text).replace("tapegrad", "torch").replace("SparseTensor", "Tensor")
    return re.split(" backend[.:]", re.sub(r"(aten::\w+)\.\w+", r"\1", text))[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("code", SAME.strip().splitlines())
def test_reads_the_same(code):
    assert _told(tapegrad, code) == _told(torch, code)


@pytest.mark.parametrize("code", GRADIENTS.strip().splitlines())
def test_has_the_same_gradients(code):
    found = []
    for t in (tapegrad, torch):
        scope = _scope(t)
        v, m = scope["v"].requires_grad_(), scope["m"].div_(7).requires_grad_()
        a = t.sparse_coo_tensor(scope["i"], v, (2, 3)).coalesce()
        y = eval(code, {"t": t})(a, m)
        y.sin().sum().backward()
        found.append([g.tolist() if g is not None else None for g in (v.grad, m.grad)])
    for ours, theirs in zip(*found):
        assert (ours is None) == (theirs is None)
        assert ours is None or tapegrad.allclose(tapegrad.tensor(ours), tapegrad.tensor(theirs), 1e-5, 1e-6)
