"""Common calls on ten elements, beside PyTorch: what a call costs before its arithmetic does.

A call names its inputs by its parameters: x, y, z, o, v and w are vectors of numbers between 0.2 and 0.9, p and q
matrices of them, m is a mask, i are three positions, k whole numbers, t class numbers, s is a scalar tensor, n an
array. None is recorded.
"""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Function, Measured, compare, figure
from benchmarks.operations import Call, geometric_mean, report, timed

IN_PLACE: dict[str, Call] = {
    "x += y": lambda T, x, y: x.__iadd__(y),
    "x *= 1.": lambda T, x: x.__imul__(1.0),
    "add_ alpha": lambda T, x, y: x.add_(y, alpha=1e-9),
    "sub_ alpha": lambda T, x, y: x.sub_(y, alpha=1e-9),
    "mul_": lambda T, x, y: x.mul_(1.0),
    "div_": lambda T, x: x.div_(1.0),
    "div_ rounding_mode": lambda T, z: z.div_(1.0, rounding_mode="floor"),
    "addcmul_ value": lambda T, x, y, z: x.addcmul_(y, z, value=1e-9),
    "addcdiv_ value": lambda T, x, y, z: x.addcdiv_(y, z, value=1e-9),
    "addcmul_": lambda T, o, y, z: o.addcmul_(y, z),
    "lerp_": lambda T, x, y: x.lerp_(y, 1e-9),
    "lerp_ tensor": lambda T, x, y, z: x.lerp_(y, z),
    "clamp_": lambda T, x: x.clamp_(0.1, 0.95),
    "clamp_ min": lambda T, x: x.clamp_(min=0.1),
    "clamp_min_": lambda T, x: x.clamp_min_(0.1),
    "copy_": lambda T, o, y: o.copy_(y),
    "copy_ another dtype": lambda T, o, k: o.copy_(k),
    "fill_": lambda T, o: o.fill_(0.5),
    "fill_ tensor": lambda T, o, s: o.fill_(s),
    "zero_": lambda T, o: o.zero_(),
    "masked_fill_": lambda T, o, m: o.masked_fill_(m, 0.5),
    "exp_": lambda T, o: o.zero_().exp_(),
    "sigmoid_": lambda T, o: o.sigmoid_(),
    "relu_": lambda T, x: x.relu_(),
    "pow_": lambda T, o: o.pow_(2),
    "round_": lambda T, o: o.round_(),
    "clip_": lambda T, x: x.clip_(0.1, 0.95),
    "index_fill_": lambda T, o, i: o.index_fill_(0, i, 0.5),
    "index_add_": lambda T, o, i, y: o.index_add_(0, i, y[:3]),
    "scatter_": lambda T, o, i, y: o.scatter_(0, i, y),
    "scatter_ value": lambda T, o, i: o.scatter_(0, i, 0.5),
    "scatter_add_": lambda T, o, i, y: o.scatter_add_(0, i, y),
    "index_copy_": lambda T, o, i, y: o.index_copy_(0, i, y[:3]),
    "masked_scatter_": lambda T, o, m, y: o.masked_scatter_(m, y),
    "addmm_": lambda T, p, q: q.addmm_(p, p.T, alpha=1e-9),
    "addmv_": lambda T, p, y, v: v.addmv_(p, y[:5], alpha=1e-9),
    "tril_": lambda T, q: q.tril_(),
    "fill_diagonal_": lambda T, q: q.fill_diagonal_(1.0),
    "cumsum_": lambda T, o: o.zero_().cumsum_(0),
    "unsqueeze_": lambda T, y: y.detach().unsqueeze_(0),
    "t_": lambda T, p: p.detach().t_(),
    "nan_to_num_": lambda T, x: x.nan_to_num_(),
    "eq_": lambda T, o, y: o.eq_(y),
    "logical_not_": lambda T, m: m.logical_not_(),
    "bitwise_and_": lambda T, k: k.bitwise_and_(k),
    "normal_": lambda T, o: o.normal_(),
    "uniform_": lambda T, o: o.uniform_(-1, 1),
    "bernoulli_": lambda T, o: o.bernoulli_(0.5),
    "random_": lambda T, o: o.random_(10),
    "exponential_": lambda T, o: o.exponential_(),
    "requires_grad_": lambda T, o: o.requires_grad_(False),
    "detach_": lambda T, o: o.detach_(),
}

OUT: dict[str, Call] = {
    "add out": lambda T, x, y, o: T.add(x, y, out=o),
    "mul out": lambda T, x, y, o: T.mul(x, y, out=o),
    "exp out": lambda T, x, o: T.exp(x, out=o),
    "clamp out": lambda T, x, o: T.clamp(x, 0.1, 0.9, out=o),
    "matmul out": lambda T, p, q: T.matmul(p, p.T, out=q),
    "sum out": lambda T, x, s: T.sum(x, 0, out=s),
    "cat out": lambda T, x, y, w: T.cat([x, y], out=w),
    "where out": lambda T, m, x, y, o: T.where(m, x, y, out=o),
    "arange out": lambda T, o: T.arange(10.0, out=o),
}

CREATION: dict[str, Call] = {
    "zeros": lambda T: T.zeros(10),
    "zeros dtype": lambda T: T.zeros(2, 5, dtype=T.float64),
    "zeros tuple": lambda T: T.zeros((2, 5)),
    "ones": lambda T: T.ones(10),
    "full": lambda T: T.full((10,), 0.5),
    "empty": lambda T: T.empty(10),
    "zeros_like": lambda T, x: T.zeros_like(x),
    "ones_like": lambda T, x: T.ones_like(x),
    "full_like": lambda T, x: T.full_like(x, 0.5),
    "empty_like": lambda T, x: T.empty_like(x),
    "zeros_like dtype": lambda T, x: T.zeros_like(x, dtype=T.float64),
    "new_zeros": lambda T, x: x.new_zeros(10),
    "new_full": lambda T, x: x.new_full((10,), 0.5),
    "arange": lambda T: T.arange(10),
    "arange float": lambda T: T.arange(0, 1, 0.1),
    "linspace": lambda T: T.linspace(0, 1, 10),
    "eye": lambda T: T.eye(3),
    "tensor number": lambda T: T.tensor(0.5),
    "tensor list": lambda T: T.tensor([1.0, 2.0, 3.0]),
    "tensor dtype": lambda T: T.tensor([1, 2, 3], dtype=T.float32),
    "as_tensor": lambda T, x: T.as_tensor(x),
    "rand": lambda T: T.rand(10),
    "randn": lambda T: T.randn(10),
    "randint": lambda T: T.randint(0, 5, (10,)),
    "randn_like": lambda T, x: T.randn_like(x),
    "randperm": lambda T: T.randperm(10),
    "normal": lambda T: T.normal(0.0, 1.0, (10,)),
    "zeros requires_grad": lambda T: T.zeros(10, requires_grad=True),
}

INDEXING: dict[str, Call] = {
    "x[3]": lambda T, x: x[3],
    "x[1:4]": lambda T, x: x[1:4],
    "p[:, 1]": lambda T, p: p[:, 1],
    "p[0, 1]": lambda T, p: p[0, 1],
    "x[m]": lambda T, x, m: x[m],
    "x[i]": lambda T, x, i: x[i],
    "p[..., None]": lambda T, p: p[..., None],
    "x[[0, 2]]": lambda T, x: x[[0, 2]],
    "o[3] = 0.5": lambda T, o: o.__setitem__(3, 0.5),
    "o[1:4] = 0.5": lambda T, o: o.__setitem__(slice(1, 4), 0.5),
    "o[:3] = y": lambda T, o, y: o.__setitem__(slice(None, 3), y[:3]),
    "o[m] = 0.5": lambda T, o, m: o.__setitem__(m, 0.5),
    "o[i] = y": lambda T, o, i, y: o.__setitem__(i, y[:3]),
    "gather": lambda T, x, i: x.gather(0, i),
    "index_select": lambda T, x, i: x.index_select(0, i),
    "masked_select": lambda T, x, m: x.masked_select(m),
    "nonzero": lambda T, m: m.nonzero(),
    "where": lambda T, m, x, y: T.where(m, x, y),
    "where number": lambda T, m, x: T.where(m, x, 0.0),
    "for in x": lambda T, v: [*v],
    "take": lambda T, x, i: x.take(i),
    "chunk": lambda T, x: x.chunk(2),
    "split": lambda T, x: x.split(5),
    "unbind": lambda T, v: v.unbind(0),
}

REDUCTIONS: dict[str, Call] = {
    "sum": lambda T, x: x.sum(),
    "sum dim keepdim": lambda T, p: p.sum(dim=1, keepdim=True),
    "sum dims": lambda T, p: p.sum(dim=(0, 1)),
    "sum dtype": lambda T, x: x.sum(dtype=T.float64),
    "mean": lambda T, p: T.mean(p, dim=0),
    "mean axis": lambda T, p: p.mean(axis=0),
    "var": lambda T, x: x.var(unbiased=False),
    "std": lambda T, p: p.std(dim=1, keepdim=True),
    "max": lambda T, x: x.max(),
    "max dim": lambda T, p: p.max(dim=1),
    "amax": lambda T, p: p.amax(dim=1, keepdim=True),
    "argmax": lambda T, p: p.argmax(dim=-1),
    "norm": lambda T, x: x.norm(),
    "norm dim": lambda T, p: p.norm(p=2, dim=1),
    "linalg norm": lambda T, x: T.linalg.norm(x),
    "logsumexp": lambda T, p: p.logsumexp(dim=1),
    "any": lambda T, m: m.any(),
    "all": lambda T, m: m.all(),
    "cumsum": lambda T, x: x.cumsum(dim=0),
    "topk": lambda T, x: x.topk(3),
    "sort": lambda T, x: x.sort(descending=True),
    "argsort": lambda T, x: x.argsort(),
    "median": lambda T, x: x.median(),
    "unique": lambda T, k: k.unique(),
    "bincount": lambda T, k: k.bincount(),
    "prod": lambda T, x: x.prod(),
    "count_nonzero": lambda T, x: x.count_nonzero(),
}

NUMBERS: dict[str, Call] = {
    "x > 0.5": lambda T, x: x > 0.5,
    "x == y": lambda T, x, y: x == y,
    "x.eq(0)": lambda T, x: x.eq(0),
    "isclose": lambda T, x, y: T.isclose(x, y),
    "allclose": lambda T, x, y: T.allclose(x, x),
    "equal": lambda T, x: T.equal(x, x),
    "isnan": lambda T, x: x.isnan(),
    "isfinite": lambda T, x: x.isfinite(),
    "add alpha": lambda T, x, y: T.add(x, y, alpha=0.25),
    "add number": lambda T, x: T.add(x, 0.25),
    "mul number": lambda T, x: T.mul(x, 2),
    "pow": lambda T, x: T.pow(x, 2.5),
    "2. / x": lambda T, x: 2.0 / x,
    "clamp": lambda T, x: x.clamp(0.1, 0.9),
    "clamp min": lambda T, x: x.clamp(min=0.1),
    "lerp": lambda T, x, y: x.lerp(y, 0.25),
    "addcmul": lambda T, x, y, z: T.addcmul(x, y, z, value=0.5),
    "addcdiv": lambda T, x, y, z: T.addcdiv(x, y, z, value=0.5),
    "masked_fill": lambda T, x, m: x.masked_fill(m, 0.5),
    "maximum": lambda T, x, y: T.maximum(x, y),
    "x.item()": lambda T, s: s.item(),
    "float(s)": lambda T, s: float(s),
    "int(s)": lambda T, s: int(s),
    "bool(s > 0)": lambda T, s: bool(s > 0),
    "tolist": lambda T, v: v.tolist(),
    "numpy": lambda T, x: x.numpy(),
    "from_numpy": lambda T, n: T.from_numpy(n),
    "to dtype": lambda T, x: x.to(T.float64),
    "to dtype keyword": lambda T, x: x.to(dtype=T.float64),
    "float": lambda T, k: k.float(),
    "long": lambda T, x: x.long(),
    "to device": lambda T, x: x.to("cpu"),
    "cpu": lambda T, x: x.cpu(),
    "clone": lambda T, x: x.clone(),
    "detach": lambda T, x: x.detach(),
    "data": lambda T, x: x.data,
    "shape": lambda T, x: x.shape,
    "size(0)": lambda T, x: x.size(0),
    "numel": lambda T, x: x.numel(),
    "len": lambda T, x: len(x),
    "dtype": lambda T, x: x.dtype,
    "device": lambda T, x: x.device,
    "is_tensor": lambda T, x: T.is_tensor(x),
    "contiguous": lambda T, x: x.contiguous(),
}

SHAPES: dict[str, Call] = {
    "reshape": lambda T, x: x.reshape(2, 5),
    "view": lambda T, x: x.view(-1, 5),
    "permute": lambda T, p: p.permute(1, 0),
    "transpose": lambda T, p: p.transpose(0, 1),
    "unsqueeze": lambda T, x: x.unsqueeze(-1),
    "squeeze": lambda T, s: s.squeeze(),
    "flatten": lambda T, p: p.flatten(),
    "expand": lambda T, x: x.expand(3, 10),
    "repeat": lambda T, x: x.repeat(2),
    "cat": lambda T, x, y: T.cat((x, y), dim=0),
    "stack": lambda T, x, y: T.stack([x, y], dim=1),
    "flip": lambda T, x: x.flip(0),
    "roll": lambda T, x: T.roll(x, 1, dims=0),
    "outer": lambda T, x, y: T.outer(x, y),
    "einsum": lambda T, p: T.einsum("ij,kj->ik", p, p),
    "matmul": lambda T, p, y: p @ y[:5],
    "tril": lambda T, q: T.tril(q, diagonal=-1),
    "meshgrid": lambda T, v: T.meshgrid(v, v, indexing="ij"),
    "broadcast_to": lambda T, x: T.broadcast_to(x, (2, 10)),
    "softmax": lambda T, x: T.softmax(x, dim=0),
    "relu": lambda T, x: T.nn.functional.relu(x),
    "leaky_relu": lambda T, x: T.nn.functional.leaky_relu(x, negative_slope=0.1),
    "mse_loss": lambda T, x, y: T.nn.functional.mse_loss(x, y, reduction="sum"),
    "cross_entropy": lambda T, p, t: T.nn.functional.cross_entropy(p, t),
    "one_hot": lambda T, t: T.nn.functional.one_hot(t, num_classes=5),
    "dropout": lambda T, x: T.nn.functional.dropout(x, 0.5),
    "linear": lambda T, p, v: T.nn.functional.linear(p, p, bias=v),
}

GROUPS = {
    "in_place": ("in place", IN_PLACE), "out": ("with out=", OUT), "creation": ("that make tensors", CREATION),
    "indexing": ("that index", INDEXING), "reductions": ("that reduce", REDUCTIONS),
    "numbers": ("with numbers, and questions", NUMBERS), "shapes": ("of other kinds", SHAPES),
}


def inputs(torch: Any) -> dict[str, Any]:
    """What calls can name."""
    import numpy as np

    random = np.random.default_rng(0)

    def tensor(*shape: int) -> Any:
        return torch.tensor(random.uniform(0.2, 0.9, shape).astype("f4"))

    torch.manual_seed(0)
    return {
        **{name: tensor(10) for name in "xyzo"}, "p": tensor(2, 5), "q": tensor(2, 2), "v": tensor(2), "w": tensor(20),
        "s": tensor(), "m": torch.tensor([True, False] * 5), "i": torch.tensor([1, 4, 7]), "k": torch.arange(10),
        "t": torch.tensor([0, 3]), "n": random.uniform(0.2, 0.9, 10),
    }


def _register(name: str, what: str, calls: dict[str, Call]) -> None:
    def measure() -> Measured:
        found = timed(calls, inputs, 0.1, 20)
        print("\n" + report(found), file=sys.stderr)
        return Measured(*(geometric_mean(times) for times in zip(*found.values())))

    measure.__name__ = "calls_" + name
    figure(f"common calls {what}, 10 elements, geometric mean", "s", must=0.6, aim=0.3)(measure)


for _name, (_what, _calls) in GROUPS.items():
    _register(_name, _what, _calls)


def _descent(step: Callable[..., None]) -> Callable[[Any], Function]:
    """A step written by hand for each of ten parameters, with a rate that is another at each step."""
    def make(torch: Any) -> Function:
        torch.manual_seed(0)
        parameters = [torch.randn(10, requires_grad=True) for _ in range(10)]
        for p in parameters:
            p.grad = torch.full((10,), 1e-3)
        first, second = ([torch.zeros(10) for _ in parameters] for _ in range(2))
        at = 0

        def run() -> Any:
            nonlocal at
            at += 1
            with torch.no_grad():
                for p, m, v in zip(parameters, first, second):
                    step(p, m, v, 1e-3 / (1 + at % 1000), at)
            return parameters[0]

        return run

    return make


def _sgd(p: Any, m: Any, v: Any, rate: float, at: int) -> None:
    p.add_(p.grad, alpha=-rate)


def _momentum(p: Any, m: Any, v: Any, rate: float, at: int) -> None:
    m.mul_(0.9).add_(p.grad)
    p.add_(m, alpha=-rate)


def _adam(p: Any, m: Any, v: Any, rate: float, at: int) -> None:
    m.mul_(0.9).add_(p.grad, alpha=1 - 0.9)
    v.mul_(0.999).addcmul_(p.grad, p.grad, value=1 - 0.999)
    p.addcdiv_(m / (1 - 0.9 ** at), (v / (1 - 0.999 ** at)).sqrt_().add_(1e-8), value=-rate)


@figure("SGD written by hand, a parameter of 10 elements", "s", must=0.6, aim=0.3)
def hand_sgd() -> Measured:
    return compare(_descent(_sgd), per=10, seconds=1.0)


@figure("the same with momentum", "s", must=0.6, aim=0.3)
def hand_momentum() -> Measured:
    return compare(_descent(_momentum), per=10, seconds=1.0)


@figure("Adam written by hand, a parameter of 10 elements", "s", must=0.6, aim=0.3)
def hand_adam() -> Measured:
    return compare(_descent(_adam), per=10, seconds=1.0)
