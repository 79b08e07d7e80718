"""Arguments beside PyTorch: what is taken for a number, a dtype, an index or a place to write to, and what is refused.

Every line is an expression over `t`, the library; both must give the same values, dtypes, shapes, or exception type.
"""
from __future__ import annotations

import itertools
from typing import Any

import pytest

import tapegrad

torch = pytest.importorskip("torch")

NUMBERS = """
x.add(y, alpha=0.5) | x.add(2, alpha=0.5) | x.add(2.5, alpha=0.5) | x.add(y, alpha=300) | x.sub(y, alpha=-1)
x.add(y, alpha=True) | t.rsub(x, y, alpha=0.5) | t.rsub(x, 3, alpha=2) | x.add_(y, alpha=0.5) | x.add_(y, alpha=2)
x.addcmul(y, y, value=0.5) | x.addcmul(y, y, value=2) | x.addcdiv(y, y) | x.addcdiv(y, y.double(), value=2)
x.index_add(0, i, y, alpha=1.5) | x.index_add_(0, i, y, alpha=2) | x.scatter(0, i, 2.5) | x.scatter_(0, i, 300)
x.scatter_(0, i, y, reduce="add") | x.scatter_(0, i, y, reduce="multiply") | x.scatter(0, i, 2, reduce="add")
x.scatter(0, i, y, reduce="sum") | x.fill_(2.5) | x.fill_(-1) | x.fill_(300) | x.fill_(y) | t.addr(x, y, y)
x.index_fill(0, i, 3) | x.masked_fill(x > 2, 7)
t.full((2,), 2.5, dtype=x.dtype) | t.full((2,), 300, dtype=x.dtype) | t.full_like(x, 300) | x.new_full((2,), -1)
t.tensor([300], dtype=x.dtype) | t.tensor([-8], dtype=x.dtype) | t.tensor([2.7], dtype=x.dtype)
t.tensor([float("nan")], dtype=x.dtype) | x + 300 | x * -1 | x == 300 | x + 1.5 | x + True | x ** 2 | x ** -1 | x ** 2.0
x << 3 | x >> 1 | x << 70 | ~x | -x | x & 3 | x | 4 | 3 - x | 7 // y | x.lerp(y, 0.5) | x.clamp(1.5) | x.clamp(min=2)
"""
MATRICES = """
m.addmm(m, m, alpha=2.0, beta=0) | m[0].addmv(m, m[0], alpha=0.5)
m.addbmm(m[None], m[None], alpha=1.5) | m[None].baddbmm(m[None], m[None], alpha=2, beta=3)
m.addr(m[0], m[0], alpha=1.5)
t.tensordot(m, m) | m.sum() | m.sum(0) | m.sum(dtype=m.dtype) | m.prod() | m.prod(0, dtype=m.dtype) | m.cumsum(0)
m.cumsum(0, dtype=m.dtype) | m.cumsum_(0) | m.mean() | m.mean(dtype=t.float64) | m.any() | m.all(1) | m.any(())
m.any((0, 1))
m.all(1, keepdim=True) | m.max(0) | m.argmax() | m.nansum() | m.count_nonzero() | m.unravel_index((4, 5))
m.amax(0) | m.std()
"""
DIVISIONS = """
a // {b} | a % {b} | t.fmod(a, {b}) | t.remainder(a, {b}) | t.floor_divide(a, {b}) | a.div({b}) | 5 // {b} | 5 % {b}
t.div(a, {b}, rounding_mode="trunc") | a.div({b}, rounding_mode="floor") | a.clone().div_({b}, rounding_mode="trunc")
a.clone().remainder_({b}) | a.clone().fmod_({b}) | a.clone().floor_divide_({b})
"""
DIVISORS = ("0", "2", "-3", "True", "False", "t.tensor([1, 0])", "t.tensor([[1, 2], [3, 0]]).t()",
            "t.tensor([0]).expand(2)", "t.tensor(0)", "t.tensor([3, 2], dtype=t.int8)", "0.0",
            "t.zeros(0, dtype=t.int64)", "w")
SCALARS = """
s.view_as(s) | s.reshape_as(t.ones(1)) | t.ones(1).view_as(s) | s.expand_as(v) | s.movedim(0, 0) | s.movedim(0, -1)
s.movedim(1, 0)
s.movedim((), ()) | s.split(1) | s.split([1]) | s.chunk(2) | s.unsafe_chunk(2) | s.unbind() | s.flatten(1)
s.flatten() | s.transpose(0, 0)
s.tile(()) | s.tile(2) | s.repeat(2) | s.repeat() | v.repeat(2, 0) | v.repeat(-1) | t.where(t.tensor(True))
t.where(s) | t.where(v)
t.where(t.tensor(0.0)) | v.gather(0, n) | s.gather(0, n) | s.gather(0, t.tensor([0, 0])) | t.ones(0).gather(0, n)
v.gather(0, t.tensor(9))
s.scatter(0, n, s) | s.scatter(0, n, 5.0) | v.scatter(0, n, s) | s.index_add(0, n, s) | s.index_select(0, n)
s.index_fill(0, n, 2)
s.take(n) | s.cumsum(0) | s.sort() | s.topk(1) | s.mode() | s.median() | s.roll(1) | s.flip(0) | s.nonzero()
s.argwhere() | s.diff()
s.squeeze(0) | s.unsqueeze(0) | s.squeeze(1) | s.permute(()) | s.t() | s.unfold(0, 1, 1)
s.narrow(0, 0, 1) | s.select(0, 0)
s.unflatten(0, (1,)) | t.cat([s, s]) | t.stack([s, s]) | t.hstack([s, s]) | s.softmax(0) | s.sum(0) | s.amax(0)
s.max(0) | s.std()
"""
TENSORS_AS_NUMBERS = """
v.sum(n) | v.flatten(n) | v.split(t.tensor(2)) | t.split(v, [1, t.tensor(2)]) | v.chunk(t.tensor(2))
v.roll(t.tensor(1)) | v.tril(n)
v.sum(s) | v.flatten(1.5) | v.unsqueeze(t.tensor(True)) | v.softmax(n) | v.narrow(0, n, t.tensor(1))
v.reshape(t.tensor(3), 1)
v.expand(t.tensor(2), 3) | v.topk(t.tensor(2)) | v.diag(t.tensor(1)) | v.clamp(s, 2 * s)
t.nn.functional.celu(v, s) | v.logit(s / 3)
t.nn.functional.threshold(v, s, s) | t.nn.functional.celu(v, 0) | t.sum(v, axis=0, keepdims=True) | t.sum(x=v)
v.sum(0, 1) | v.sum("a")
t.linspace(0, 1, t.tensor(3)) | t.arange(t.tensor(3)) | t.eye(t.tensor(2)) | t.full((t.tensor(2),), 1.0)
v.sum(dim=t.tensor([0]))
t.searchsorted(v, 1) | t.searchsorted(v, n) | t.bucketize(2, v) | t.bucketize(n, v) | v.long().masked_fill(v > 0.5, s)
t.cosine_similarity(v.long(), v, 0) | t.cosine_similarity(v.long(), v.long(), 0) | t.flatten(3) | t.flatten([1.0])
t.abs(2) | t.sum(2) | t.cat(v) | t.clamp_(v * 1, 0, 1) | v.std(t.tensor(0))
t.add(1, 2)
"""
INDICES = """
z[[[0, 1], [1, 0]]] | z[[[True, False]]] | z[[[0, 1]]] | z[[0, 1]] | z[[[[0, 1]]]] | z[[0, [1]]]
z[[slice(0, 1), 1]] | z[[None, 1]]
z[[..., 1]] | z[[n, 1]] | z[[t.tensor([0]), t.tensor([1])]] | z[(0, 1),] | z[((0, 1), (1, 0))]
z[[(0, 1), (1, 0)]] | z[[[0, 1], [1, 0]], 0]
z[b] | z[b0] | z[0, b] | z[t.tensor([1, 0], dtype=t.uint8)] | z[t.tensor(True)] | z[n] | z[s] | z[n.to(t.int8)]
z[t.tensor([1, 0], dtype=t.int8)]
z[True] | z[False] | z[True, 0] | z[[True, False]] | z[[True]] | z[[]] | z[()] | z[[[]]] | z[1.5] | z["a"]
z[0:1.5] | z[n:t.tensor(1)]
z[::0] | z[range(2)] | z[0, 0, 0, 0] | z[..., ...] | s[()] | s[...] | s[None] | s[0] | s[True] | s[n] | s[:]
v[[5]] | z[:, [0, 2]]
z[[0, 1], [True, False, True]] | z[t.zeros(0, dtype=t.int64)] | z[t.zeros(0)] | z[t.zeros(2, 2, dtype=t.bool)]
"""
DTYPES = """
t.zeros(2, dtype=float) | t.ones(2, dtype=int) | t.zeros(2, dtype=bool) | t.zeros(2, dtype="float32")
t.tensor([1.5, 2], dtype=int)
t.arange(3, dtype=float) | v.to(int) | v.to(float) | v.to(dtype=bool) | v.to("cpu", int) | v.to(str)
v.to(t.int8, True, True) | v.to(None)
v.type(t.LongTensor) | v.type("torch.LongTensor") | v.type(t.int8) | v.type("Long") | v.sum(dtype=int)
v.softmax(0, dtype=float)
isinstance(v, t.FloatTensor) | isinstance(v, t.LongTensor) | isinstance(3, t.FloatTensor) | t.FloatTensor([1, 2])
t.LongTensor([1.5]) | t.FloatTensor()
t.FloatTensor(2, 3).shape | t.FloatTensor(t.Size([2, 3])).shape | t.FloatTensor((2, 3)) | t.FloatTensor(n)
t.LongTensor(n)
t.Tensor(t.Size([2, 3])).shape | t.Tensor([2, 3]) | t.Tensor(2, 3).shape | t.Tensor(2.5)
v.new(t.Size([2, 3])).shape | v.new([2, 3])
v.new(2, 3).shape | v.new(n) | v.new(v) | v.new_zeros(2, dtype=int) | v.new_full((2,), n)
t.zeros_like(v, dtype=int) | t.zeros(size=(2,))
t.tensor([t.tensor([1.0]), t.tensor([2.0])]) | t.tensor([t.tensor([1.0]), 2])
t.tensor([t.tensor(1), t.tensor(2.0)]) | t.tensor([v, v])
t.tensor([[t.tensor([1.0])]]) | t.tensor([1, True]) | t.tensor([]) | t.tensor([[], []]) | t.tensor([None])
t.tensor("a") | t.tensor(["a"])
t.tensor([1, [2]]) | t.tensor([[1], 2]) | t.tensor([[1], [2, 3]]) | t.tensor({1: 2}) | t.tensor(range(3))
t.tensor(2 ** 63) | t.tensor(-2 ** 63)
t.arange(2.1, -2.9, -1.0, dtype=t.int32) | t.arange(-0.9, 2.1, 2.0, dtype=t.uint8)
t.arange(0, 3, 0.5, dtype=t.int64) | t.arange(2.5, dtype=t.int64)
t.arange(0, 1, 0.25, dtype=t.int32) | t.arange(-3.5, 3.5, 0.7, dtype=t.uint8) | t.arange(0.9, 0, -0.3, dtype=t.int8)
t.arange(0, 1, 0.1, dtype=t.int64) | t.linspace(-5, 5, 4, dtype=t.uint8) | t.linspace(-128, 127, 5, dtype=t.uint8)
t.linspace(0, 7, 5, dtype=t.int32) | t.eye(2, dtype=bool) | t.tensor([float("nan"), 1.0, float("nan")]).mode()
t.zeros(0, 3).mode(1)
"""
OUTPUTS = """
t.zeros(2, out=o) | t.ones(2, out=o) | t.full((2,), 3, out=o) | t.eye(2, out=o) | t.arange(3, out=o)
t.linspace(0, 1, 3, out=o) | t.empty(2, out=o)
t.zeros(2, out=o, dtype=t.int8) | t.where(v > 0, v, v, out=o) | t.softmax(v, 0, out=o)
t.scatter_add(v, 0, i3, v, out=o) | t.isin(v, v, out=o)
t.abs(v, out=o) | t.add(v, 1, out=o) | t.sum(v, 0, out=o) | t.cumsum(v, 0, out=o) | t.any(v, out=o)
t.matmul(v, v, out=o) | t.cat([v, v], out=o)
t.gather(v, 0, i3, out=o) | t.add(v, 1, out=(o,)) | t.mul(v, 2, out=o) | t.argmax(v, out=o) | t.exp(v, out=o)
"""
# Sizes that are below zero, and places that nothing is at: of r, ten numbers in a row.
SIZES = """
r.split([11, -1]) | r.split([12, -2]) | r.split([2, -1, 9]) | r.split([-1, 11]) | r.split(0) | r.split(-1) | r.chunk(0)
r.split_with_sizes([11, -1]) | r.tensor_split([-3, 2]) | r.tensor_split([12, -20]) | r.tensor_split(-1)
r.as_strided((2,), (-1,)) | r.as_strided((2,), (-1,), 5) | r.as_strided((2, 2), (1, -1), 3) | r.as_strided((-1,), (1,))
r.as_strided((-1, -1), (1, 1)) | r.as_strided((2,), (1,), -1) | r.as_strided_((2,), (-1,)) | r.as_strided((11,), (1,))
r.as_strided_scatter(t.ones(2), (2,), (-1,)) | t.empty_strided((2,), (-1,)) | r.new_empty_strided((-2,), (1,))
r.new_zeros(-1) | r.new_ones(-1) | r.new_empty(2, -1) | r.new_full((-1, -1), 1.0) | r.new_zeros((2, -1))
t.zeros(2, -1) | t.rand(-1) | t.randn(2, -1) | t.randint(3, (-1,)) | t.eye(2, -1) | t.randperm(-1)
t.linspace(0, 1, -1) | t.empty(-2)
r.resize_(-1) | r.resize_(2, -1) | z[0].expand(-2, 3, 4) | z.expand(2, -3, 4) | t.ones(1, 2).expand(-2, 2)
t.ones(1, 2).broadcast_to((-2, 2)) | z.repeat(-1, 1, 1) | z.tile((-1, 2)) | r.narrow(0, 2, -1) | r.narrow(0, -11, 2)
r.narrow(0, 8, 5) | r.unfold(0, -1, 1) | r.unfold(0, 2, -1) | r.unfold(0, 2, 0) | r.unfold(0, 11, 1) | r.view(-2)
r.view(-1, -1) | r.view(2, -5) | r.reshape(-2, -5) | r.unflatten(0, (-2, -5)) | r.unflatten(0, (2, -5))
r.select(0, 10) | t.nn.functional.pad(r, (-6, -6)) | t.nn.functional.pad(r, (-3, 0)) | t.block_diag() | r.topk(-1)
r.topk(11)
t.frombuffer(bytearray(8), dtype=t.float32, count=-2) | t.frombuffer(bytearray(8), dtype=t.float32, offset=-4)
r.repeat_interleave(-1) | t.nn.functional.interpolate(z, size=-2) | t.nn.functional.avg_pool1d(z, -1)
t.nn.functional.conv1d(z, t.ones(1, 3, 2), padding=-1) | t.nn.functional.adaptive_avg_pool1d(z, -1)
r.take(t.tensor([-11])) | r.scatter(0, t.tensor([10]), 1.0) | r.index_add(0, t.tensor([-1]), t.ones(1))
t.vstack(r) | t.hstack(r) | t.dstack(r) | t.column_stack(r) | z.count_nonzero(0, 1) | z.count_nonzero((0, 1))
t.bincount(t.ones(2)) | t.manual_seed(1.7).initial_seed() | t.manual_seed("a") | t.manual_seed("3").initial_seed()
t.set_grad_enabled(True).prev
"""
FACTORS = """
v.add_(v, alpha="a") | v.add(v, alpha="a") | t.sub(v, v, alpha=[1]) | v.addcmul(v, v, value="a") | v.add(v, alpha=None)
v.add_(1, alpha="a") | t.add(v, v, alpha=t.tensor(2.0, requires_grad=True)) | t.add(v, v, alpha=t.tensor(2.0))
t.add(v, v, alpha=t.ones(2)) | v.add(v, alpha=True) | v.index_add(0, n[None], v[:1], alpha="a")
t.rsub(v, v, alpha="q") | v.addcdiv_(v, v, value=[2]) | t.addr(z[0], v, z[0, 0], beta="b")
z[0].addmm(z[0], t.ones(4, 4), alpha="a")
"""


def scope(t: Any, dtype: str = "int64") -> dict[str, Any]:
    d = getattr(t, dtype)
    return {
        "t": t, "x": t.tensor([1, 2, 3], dtype=d), "y": t.tensor([3, 1, 2], dtype=d), "i": t.tensor([0, 0, 2]),
        "m": t.tensor([[1, 2], [3, 0]], dtype=d), "w": t.tensor([2, 3], dtype=d), "a": t.tensor([7, 8], dtype=d),
        "s": t.tensor(0.75), "v": t.tensor([0.25, 1.0, 2.0]), "n": t.tensor(0), "i3": t.tensor([0, 2, 1]),
        "z": t.arange(24.0).reshape(2, 3, 4), "r": t.arange(10.0),
        "b": t.tensor(1, dtype=t.uint8), "b0": t.tensor(0, dtype=t.uint8),
    }


def plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return [str(value.dtype), list(value.shape), str(value.double().mul(1e5).round().tolist())]
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return value


def outcome(t: Any, line: str, names: dict[str, Any]) -> Any:
    try:
        return plain(eval(line, names)), [plain(v) for k, v in names.items() if k in "xymwaov" and hasattr(v, "tolist")]
    except Exception as error:
        return type(error).__mro__[-4 if isinstance(error, NotImplementedError) else 0].__name__


def differences(lines: str, **given: Any) -> list[str]:
    found = []
    for line in (part.strip() for row in lines.strip().splitlines() for part in row.split(" | ")):
        theirs, ours = (outcome(t, line, {**scope(t, **given)}) for t in (torch, tapegrad))
        if theirs != ours and "|" not in line:
            found.append(f"{line}: {ours}, not {theirs}")
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "bool", "float32"])
@pytest.mark.parametrize("lines", [NUMBERS, MATRICES], ids=["numbers", "matrices"])
def test_whole_numbers(lines: str, dtype: str) -> None:
    assert not differences(lines, dtype=dtype)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "float64"])
def test_division(dtype: str) -> None:
    for b in DIVISORS:
        assert not differences(DIVISIONS.format(b=b), dtype=dtype), b


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lines", [SCALARS, TENSORS_AS_NUMBERS, INDICES, DTYPES, SIZES, FACTORS],
                         ids=["scalars", "tensors as numbers", "indices", "dtypes", "sizes", "factors"])
def test_arguments(lines: str) -> None:
    assert not differences(lines)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize("shape", [(0,), (2,), (3, 1)])
def test_out(dtype: str, shape: tuple[int, ...]) -> None:
    found = []
    for line in (part.strip() for row in OUTPUTS.strip().splitlines() for part in row.split(" | ")):
        results = []
        for t in (torch, tapegrad):
            names = scope(t)
            names["o"] = o = t.zeros(shape, dtype=getattr(t, dtype))
            result = outcome(t, line, names)
            results.append("refused" if isinstance(result, str) else (result, o._version > 0))
        if results[0] != results[1] and not line.startswith("t.empty"):
            found.append(f"{line}: {results[1]}, not {results[0]}")
    assert not found


ALIASES = """x.repeat(1) | x.repeat(2, 1) | x.tile((1,)) | x.tile(()) | x.expand(3) | x.reshape(3) | x.view(3)
x.flatten() | x.ravel() | x.contiguous()
x.to(t.float32) | x.float() | x.type(t.float32) | x.clone() | x.squeeze() | x.squeeze(0) | x.T | x.t()
x.narrow(0, 0, 3) | x[:] | x[...] | x[None]
x[[0, 1, 2]] | x.diag() | x.diagonal(0, 0, 0) | x.flip(0) | x.roll(0) | x.roll(3) | x.sum(()) | x.amax(())
x.sort()[0] | x.unfold(0, 3, 1) | x.detach()
x.data | x.real | x.positive() | x.clamp(-9) | x.nan_to_num() | x.round() | x.abs() | x.mul(1) | x.pow(1)
x.cumsum(0) | x.tril()
x.unsqueeze(0) | x.movedim(0, 0) | x.permute(0) | x.transpose(0, 0) | x.swapaxes(0, 0) | x.unflatten(0, (3, 1))
x.split(3)[0] | x.chunk(1)[0]
x.unbind()[0] | x.tensor_split(1)[0] | x.select(0, 0) | x.index_select(0, i) | x.take(i) | x.gather(0, i)
x.masked_select(x > 0) | x.view_as(x)
x.expand_as(x) | x.broadcast_to((3,)) | x.reshape_as(x) | x.sum_to_size(3) | x.nansum(0) | t.cat([x])
t.stack([x]) | t.atleast_1d(x) | t.atleast_2d(x)
t.hstack([x]) | t.meshgrid(x)[0] | t.broadcast_tensors(x, x)[0] | t.cartesian_prod(x) | t.block_diag(x)
t.nn.functional.dropout(x, 0.0)
t.nn.functional.pad(x, (0, 0)) | t.nn.functional.relu(x) | t.as_tensor(x) | t.tensor(x) | t.asarray(x)
x.resolve_conj() | x.as_strided((3,), (1,))"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", ["t.tensor([1.0, 2.0, 3.0])", "t.tensor([1.0])", "t.zeros(3, 1)", "t.tensor(2.0)",
                                  "t.zeros(2, 3).t()"])
def test_results_share_memory_where_pytorchs_do(make: str) -> None:
    found = []
    for line in (part.strip() for row in ALIASES.splitlines() for part in row.split(" | ")):
        results = []
        for t in (torch, tapegrad):
            x = eval(make, {"t": t})
            try:
                y = eval(line, {"t": t, "x": x, "i": t.tensor([0])})
                results.append((y is x, y.data_ptr() == x.data_ptr(), y._is_view()))
            except Exception as error:
                results.append(("error", isinstance(error, AttributeError)))
        if results[0] != results[1] and ("error", True) not in results:
            found.append(f"{line}: {results[1]}, not {results[0]}")
    assert not found


def test_every_integer_type_divides() -> None:
    for a, b in itertools.product(("uint8", "int8", "int16", "int32", "int64", "bool"), repeat=2):
        for op in ("x // y", "x % y"):
            theirs, ours = (outcome(t, op, {"x": t.tensor([0, 1, 1]).to(getattr(t, a)), "y": t.tensor([1, 1, 0]).to(
                getattr(t, b))}) for t in (torch, tapegrad))
            assert theirs == ours, (a, b, op)
