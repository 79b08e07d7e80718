"""float16 and bfloat16 beside PyTorch: every conversion, what is printed, what is computed, what is refused."""
from __future__ import annotations

import io
import re
import warnings

import numpy as np
import opinfo
import pytest
from both import refusal
from test_opinfo_parity import cases, said

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import tapegrad  # noqa: E402
from tapegrad import dtypes  # noqa: E402

HALVES = ("float16", "bfloat16")


@pytest.mark.parametrize("name", HALVES)
def test_every_half_is_the_same_number(name):
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.int16)

    def numbers(t):
        return t.from_numpy(bits.copy()).view(getattr(t, name)).float().numpy()

    np.testing.assert_array_equal(numbers(tapegrad), numbers(torch))
    assert (numbers(tapegrad).view(np.uint32) == numbers(torch).view(np.uint32)).sum() > 64000  # signs of zeros too


@pytest.mark.parametrize("name", HALVES)
def test_neighbours(name):
    """The number after each of the halves, towards zero, an infinity, NaN, and a number nearby."""
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.int16)

    def neighbours(t, to):
        of = getattr(t, name)
        return t.nextafter(t.from_numpy(bits.copy()).view(of), t.tensor(to, dtype=of)).float().numpy()

    for to in (0.0, np.inf, -np.inf, np.nan, 1.5):
        mine, theirs = neighbours(tapegrad, to), neighbours(torch, to)
        np.testing.assert_array_equal(mine, theirs)
        assert (np.signbit(mine) == np.signbit(theirs))[~np.isnan(mine)].all()


@pytest.mark.parametrize("name", HALVES)
def test_rounding(name):
    """Numbers, the halves and what lies between them, a digit to either side."""
    rng = np.random.default_rng(0)
    halves = torch.arange(1 << 16).to(torch.int32).to(torch.int16).view(getattr(torch, name)).float().numpy()
    bits = np.concatenate([rng.integers(0, 1 << 32, 200_000, np.uint64).astype(np.uint32), *(
        halves.view(np.uint32) + np.uint32(n % (1 << 32)) for n in (0, 1, -1, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000))])
    given = bits.view(np.float32)

    def rounded(t, strided=False):
        x = t.from_numpy(given.copy())
        return (x[::3] if strided else x).to(getattr(t, name)).view(t.int16).numpy()

    for strided in (False, True):
        number = ~np.isnan(given[::3] if strided else given)
        np.testing.assert_array_equal(rounded(tapegrad, strided)[number], rounded(torch, strided)[number])
    found = dtypes.encoded(given, getattr(tapegrad, name)).view(np.int16)
    np.testing.assert_array_equal(found[~np.isnan(given)], rounded(torch)[~np.isnan(given)])
    nan = rounded(tapegrad)[np.isnan(given)].view(np.uint16) & 0x7FFF
    assert (nan > (0x7C00 if name == "float16" else 0x7F80)).all()


EXPRESSIONS = """
x
x * 2
x * 0.1
x / 0.1
x + t.tensor(0.1)
x * t.tensor(0.1)
x == 0.1
x > 0.1
x + x.float()
x + x.double()
x + 1
x * t.tensor([1, 2, 3])
x ** 0.1
x ** 2
2 ** x
x // 2
x % 0.1
-x
x.sum()
x.sum(dtype=t.float32)
x.mean(1)
x.max()
x.max(1)
x.argmax(1)
x.softmax(1)
x.softmax(1, dtype=t.float32)
x.exp()
x @ x.t()
x.matmul(x[0])
x.cumsum(1)
x.sort(1)
x.topk(2)
x.median()
x.unique()
x.unique(return_counts=True)
t.cat([x, x])
t.cat([x] * 40)
t.stack([x, x.float()])
x[0]
x[:, 1]
x[t.tensor([1, 0])]
x[x > 0]
x.gather(1, t.tensor([[0], [1]]))
x[0, 0].item()
x[1, 0].item()
float(x[1, 1])
bool(x[0, 0])
int(x[0, 1])
x.tolist()
x.numpy()
x.float()
x.double()
x.int()
x.long()
x.bool()
x.half()
x.bfloat16()
x.to(t.int8)
x.to(x.dtype) is x
x.type()
x.dtype.itemsize
x.element_size()
x.is_floating_point()
x.dtype.is_complex
t.finfo(d)
t.finfo(d).eps
t.finfo(d).max
t.finfo(d).smallest_normal
t.finfo(d).bits
t.zeros(3, dtype=d)
t.ones(2, 2, dtype=d)
t.full((2,), 0.3, dtype=d)
t.arange(5, dtype=d)
t.linspace(0, 1, 5, dtype=d)
t.eye(2, dtype=d)
t.zeros_like(x)
x.new_full((2,), 3)
t.tensor(3.14159, dtype=d)
t.tensor([1, 2], dtype=d)
t.tensor([True], dtype=d)
t.tensor([1e5, -1e5, float('nan'), float('inf')], dtype=d)
t.tensor([1e-8, 6e-8, 1e-40], dtype=d)
t.as_tensor([1.5], dtype=d)
t.asarray([1.5], dtype=d)
t.randn(3, dtype=d).dtype
t.rand(3, dtype=d).dtype
t.empty(2, dtype=d).dtype
t.empty(0, dtype=d)
x.view(t.int16)
x.view(t.uint8).shape
t.promote_types(d, t.float32)
t.promote_types(d, t.int64)
t.promote_types(t.float16, t.bfloat16)
t.result_type(x, 1.0)
t.result_type(x, t.tensor(1.0, dtype=t.float64))
t.tensor([1.0, 2.0], dtype=t.float16) + t.tensor([1.0, 2.0], dtype=t.bfloat16)
t.where(x > 0, x, 0)
t.where(x > 0, x, x.float())
x.clamp(0, 1)
x.round()
x.abs().sqrt()
x.sign()
x.isnan()
t.allclose(x, x)
t.equal(x, x)
x.nonzero()
x.flip(0)
x.expand(2, 2, 3).sum(0)
x.t().contiguous()
x.quantile(0.5)
x.logsumexp(1)
t.einsum('ij,kj->ik', x, x)
t.outer(x[0], x[1])
t.dot(x[0], x[1])
t.can_cast(d, t.int8)
t.can_cast(t.int8, d)
t.half is t.float16
t.HalfTensor([1, 2])
t.BFloat16Tensor([1, 2])
t.from_numpy(np.ones(2, 'f2'))
t.is_floating_point(x)
t.nn.functional.layer_norm(x, (3,))
t.nn.functional.gelu(x)
t.nn.functional.cross_entropy(x, t.tensor([0, 2]))
gradient(lambda r: (r * r).sum())
gradient(lambda r: r.softmax(1)[:, 0].sum())
gradient(lambda r: (r @ r.t()).tanh().sum())
gradient(lambda r: (r.float() * 2).sum())
gradient(lambda r: r[0].sum() + r[:, 1].sum())
gradient(lambda r: t.cat([r] * 40).sum())
t.autograd.grad((x.clone().requires_grad_() ** 3).sum(), x)
written(lambda z: z.add_(1))
written(lambda z: z.mul_(0.1))
written(lambda z: z.add_(x, alpha=0.5))
written(lambda z: z.__setitem__(0, 5))
written(lambda z: z[:, 1].copy_(x[:, 0].float()[[1, 0]]))
written(lambda z: z.fill_(2.3))
written(lambda z: z.zero_())
written(lambda z: z.copy_(x.float()))
written(lambda z: z.masked_fill_(z > 1, 0.7))
written(lambda z: z.index_add_(0, t.tensor([0, 0]), x))
written(lambda z: z.scatter_(1, t.tensor([[0], [1]]), 7))
written(lambda z: z.apply_(lambda v: v + 1))
written(lambda z: z.index_put_((t.tensor([0]),), x[1]))
written(lambda z: z.to(t.float64).mul_(3))
"""


# Where values are equal, which of them is chosen; sums of parts that PyTorch rounds; `matrix_exp` is NaN there.
OTHERWISE = {"topk", "mode", "sort", "msort", "linspace", "matrix_exp", "lerp", "__rdiv__", "matmul", "__rmatmul__",
             "linalg.multi_dot", "nn.functional.pad.reflect", "nn.functional.pad.replicate"}


def operations():
    return [p for p in cases() if p.id not in OTHERWISE and {torch.float16, torch.bfloat16} & set(
        p.values[0].supported_dtypes("cpu"))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", operations())
def test_operations(op):
    report = opinfo.score(op, torch, tapegrad, HALVES, 1)
    assert not report.complaints, said(report)


def told(t, text, name):
    d = getattr(t, name)
    x = t.tensor([[1.0, 2.5, -3.0], [0.1, 1e-3, 300.0]], dtype=d)

    def gradient(f):
        r = x.clone().requires_grad_()
        f(r).backward()
        return r.grad

    def written(f):
        z = x.clone()
        f(z)
        return z

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = refusal(lambda: repr(eval(text, {"t": t, "x": x, "d": d, "np": np, "gradient": gradient,
                                                 "written": written})))
    return re.sub("grad_fn=<[^>]*>", "grad_fn", found) if isinstance(found, str) else found


@pytest.mark.parametrize("name", HALVES)
@pytest.mark.parametrize("text", EXPRESSIONS.strip().splitlines())
def test_expressions(text, name):
    assert told(tapegrad, text, name) == told(torch, text, name)


@pytest.mark.parametrize("name", HALVES)
def test_models_train(name):
    """Two steps of two optimisers, to the digits that a half has."""
    def run(t, optimiser):
        t.manual_seed(0)
        model = t.nn.Sequential(t.nn.Linear(6, 8), t.nn.LayerNorm(8), t.nn.Tanh(), t.nn.Linear(8, 1))
        model = model.half() if name == "float16" else model.bfloat16()
        x = (t.arange(24.0).reshape(4, 6) / 24).to(getattr(t, name))
        step = optimiser(t)(model.parameters(), lr=0.01)
        for _ in range(2):
            step.zero_grad()
            (model(x) ** 2).mean().backward()
            step.step()
        assert all(p.dtype is p.grad.dtype for p in model.parameters())
        return [p.detach().float().numpy() for p in model.parameters()]

    for optimiser in (lambda t: t.optim.SGD, lambda t: t.optim.Adam):
        for ours, theirs in zip(run(tapegrad, optimiser), run(torch, optimiser)):
            np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("name", HALVES)
def test_files_go_both_ways(name):
    for mine, other in ((tapegrad, torch), (torch, tapegrad)):
        file = io.BytesIO()
        mine.save({"x": mine.tensor([1.5, -2.0, 300.0], dtype=getattr(mine, name))}, file)
        file.seek(0)
        found = other.load(file)["x"]
        assert str(found.dtype) == f"torch.{name}" and found.tolist() == [1.5, -2.0, 300.0]


@pytest.mark.parametrize("name", HALVES)
def test_compiled_is_what_eager_is(name):
    """What is stored is rounded there, whatever it is fused with."""
    def f(x):
        y = x * 3.1
        z = (y + 0.7).exp()
        return (z * y).sum(0) + z[0]

    x = (tapegrad.arange(64.0).reshape(8, 8) / 50).to(getattr(tapegrad, name))
    compiled = tapegrad.compile(f)
    for _ in range(4):
        assert compiled(x).tolist() == f(x).tolist()
    r = x.clone().requires_grad_()
    for _ in range(3):
        r.grad = None
        compiled(r).sum().backward()
        ours, r.grad = r.grad, None
        f(r).sum().backward()
        np.testing.assert_allclose(ours.float().numpy(), r.grad.float().numpy(), rtol=0.02)


@pytest.mark.parametrize("name", HALVES)
def test_numbers_read_in_a_compiled_function(name):
    compiled = tapegrad.compile(lambda x: x * x[0].item() + float(x[1]))
    for k in range(1, 6):
        x = tapegrad.tensor([0.5 * k, 2.0 + k, 3.0], dtype=getattr(tapegrad, name))
        assert compiled(x).tolist() == (x * x[0].item() + float(x[1])).tolist()


@pytest.mark.parametrize("names", [("float16",), ("bfloat16",), ("float16", "float32"), ("bfloat16", "float16"),
                                   ("float16", "int64"), ("bool", "bfloat16")], ids=" and ".join)
@pytest.mark.parametrize("how", ["cat", "stack", "column_stack"])
def test_many_are_joined(names, how):
    """They are copied, and cast on the way: no more room than for the result."""
    def joined(t, count):
        given = [(t.arange(6).reshape(2, 3) * (i + 1) + 0.5 * (i % 2)).to(getattr(t, names[i % len(names)]))
                 for i in range(count)]
        given = [x.t().contiguous().t() if i % 3 == 1 else x for i, x in enumerate(given)]
        leaves = [x.requires_grad_() for x in given if x.dtype.is_floating_point]
        found = getattr(t, how)(given)
        if found.requires_grad:
            (found.float() * 2).sum().backward()
        return str(found.dtype), found.detach().float().tolist(), [
            None if x.grad is None else (str(x.grad.dtype), x.grad.float().tolist()) for x in leaves]

    for count in (1, 2, 23, 29, 32, 33, 40):
        assert joined(tapegrad, count) == joined(torch, count)


@pytest.mark.parametrize("text", """
F.conv2d(g(1, 1, 4, 4), g(1, 1, 2, 2)) | F.conv1d(g(1, 4), g(1, 1, 2)) | F.layer_norm(g(2, 3), (3,))
F.linear(g(2, 3), g(4, 3), g(4)) | F.linear(g(2, 2, 3), g(4, 3)) | t.addmv(g(3), g(3, 4), g(4))
F.interpolate(g(1, 1, 4, 4), scale_factor=2) | F.normalize(g(2, 3)) | F.cosine_similarity(g(2, 3), g(2, 3))
F.adaptive_avg_pool2d(g(1, 2, 4, 4), 2) | F.cross_entropy(g(2, 3), t.tensor([0, 1])) | F.group_norm(g(2, 4, 3), 2)
F.batch_norm(g(2, 3), None, None, training=True) | F.scaled_dot_product_attention(g(1, 2, 3), g(1, 2, 3), g(1, 2, 3))
""".replace("\n", " | ").strip(" |").split(" | "))
def test_what_rounds_once_is_called_as_it_was(text):
    names = []
    for t in (tapegrad, torch):
        known = {"t": t, "F": t.nn.functional, "g": lambda *s, t=t: t.ones(s, dtype=t.bfloat16, requires_grad=True)}
        names.append(type(eval(text, known).grad_fn).__name__)
    assert names[0] == names[1]
