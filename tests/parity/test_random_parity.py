"""Every random function of the facade beside PyTorch's: the first 10^4 numbers, the state after them, the errors."""

import copy
import pickle

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")

N = 10_000
FLOATS, INTS = ("float32", "float64"), ("uint8", "int8", "int16", "int32", "int64")


def spread(t, dtype, low, high, *shape):
    """Numbers from low to high, in order."""
    shape = shape or (N,)
    n = int(np.prod(shape))
    return t.tensor(np.linspace(low, high, n).reshape(shape).tolist(), dtype=getattr(t, dtype))


def gapped(t, dtype, kind):
    """A tensor to write to that is not contiguous."""
    of = getattr(t, dtype)
    return {
        "transposed": lambda: t.zeros(50, 200, dtype=of).t(),
        "column": lambda: t.zeros(N, 2, dtype=of)[:, 0],
        "permuted": lambda: t.zeros(10, 20, 50, dtype=of).permute(1, 2, 0),
        "every other": lambda: t.zeros(40, 50, 10, dtype=of).transpose(0, 2)[:, ::2],
        "small, transposed": lambda: t.zeros(3, 4, dtype=of).t(),
        "row of one": lambda: t.zeros(1, N, dtype=of).t(),
    }[kind]()


FILLS = {
    "uniform_": lambda x: x.uniform_(), "uniform_ from to": lambda x: x.uniform_(-0.3, 1.7),
    "normal_": lambda x: x.normal_(), "normal_ mean": lambda x: x.normal_(0.3, std=1.7),
    "exponential_": lambda x: x.exponential_(0.7), "cauchy_": lambda x: x.cauchy_(0.3, 1.7),
    "log_normal_": lambda x: x.log_normal_(0.3, 0.7), "geometric_": lambda x: x.geometric_(0.3),
    "bernoulli_": lambda x: x.bernoulli_(0.3), "random_": lambda x: x.random_(),
    "random_ to": lambda x: x.random_(100), "random_ from to": lambda x: x.random_(3, 100),
}
WHOLE = ("geometric_", "bernoulli_", "random_", "random_ to", "random_ from to")

CALLS = {}  # name: a function of the module
for d in FLOATS:
    CALLS |= {f"{name} {d}": call for name, call in {
        "rand": lambda t, d=d: t.rand(100, 100, dtype=getattr(t, d)),
        "rand of a size": lambda t, d=d: t.rand(size=(2, 3), dtype=getattr(t, d)),
        "randn": lambda t, d=d: t.randn((100, 100), dtype=getattr(t, d)),
        "rand_like": lambda t, d=d: t.rand_like(gapped(t, d, "transposed")),
        "randn_like": lambda t, d=d: t.randn_like(gapped(t, d, "transposed")),
        "randn_like, gaps": lambda t, d=d: t.randn_like(gapped(t, d, "column")),
        "normal": lambda t, d=d: t.normal(0.5, 2.0, (N,), dtype=getattr(t, d)),
        "normal tensors": lambda t, d=d: t.normal(spread(t, d, -1, 1), spread(t, d, 0, 2)),
        "normal number": lambda t, d=d: t.normal(spread(t, d, -1, 1, 20, 20).t(), 2.0),
        "bernoulli": lambda t, d=d: t.bernoulli(spread(t, d, 0, 1)),
        "bernoulli transposed": lambda t, d=d: t.bernoulli(spread(t, d, 0, 1, 50, 200).t()),
        "bernoulli number": lambda t, d=d: t.bernoulli(spread(t, d, 0, 1), 0.3),
        "bernoulli_ tensor": lambda t, d=d: gapped(t, d, "transposed").bernoulli_(spread(t, d, 0, 1, 200, 50)),
        "bernoulli_ row": lambda t, d=d: gapped(t, d, "transposed").bernoulli_(spread(t, "float64", 0, 1, 50)),
        "poisson": lambda t, d=d: t.poisson(spread(t, d, 0, 60)),
        "poisson transposed": lambda t, d=d: t.poisson(spread(t, d, 0, 60, 50, 200).t()),
        "binomial": lambda t, d=d: t.binomial(spread(t, d, 0, 99).round(), spread(t, d, 0, 1).flip(0)),
        "binomial large": lambda t, d=d: t.binomial(spread(t, d, 100, 9999).round(), spread(t, d, 0, 1)),
        "_standard_gamma": lambda t, d=d: t._standard_gamma(spread(t, d, 0.01, 12)),
        "_sample_dirichlet": lambda t, d=d: t._sample_dirichlet(spread(t, d, 0.1, 3, 1250, 8)),
        "multinomial": lambda t, d=d: t.multinomial(spread(t, d, 0, 1), 500),
        "multinomial rows": lambda t, d=d: t.multinomial(spread(t, d, 0, 1, 500, 20), 7),
        "multinomial one": lambda t, d=d: t.multinomial(spread(t, d, 0, 1, 500, 20), 1),
        "multinomial replaced": lambda t, d=d: t.multinomial(spread(t, d, 0, 1, 20, 50), 500, replacement=True),
        "multinomial method": lambda t, d=d: spread(t, d, 0, 1, 50).multinomial(N, True),
        "multinomial transposed": lambda t, d=d: t.multinomial(spread(t, d, 0, 1, 20, 50).t(), 7),
        "multinomial one, transposed": lambda t, d=d: t.multinomial(spread(t, d, 0, 1, 20, 50).t(), 1),
        "randn_like row-major": lambda t, d=d: t.randn_like(gapped(t, d, "transposed"),
                                                            memory_format=t.contiguous_format),
        "rand_like row-major": lambda t, d=d: t.rand_like(gapped(t, d, "permuted"), memory_format=t.contiguous_format),
        "gumbel_softmax": lambda t, d=d: t.nn.functional.gumbel_softmax(spread(t, d, 0, 1, 20, 50).t(), hard=True),
    }.items()}
    CALLS |= {f"{name} {kind} {d}": lambda t, fill=fill, kind=kind, d=d: fill(gapped(t, d, kind))
              for name, fill in FILLS.items()
              for kind in ("transposed", "column", "permuted", "every other", "small, transposed", "row of one")}
for d in (*FLOATS, *INTS):
    CALLS |= {f"{name} {d}": lambda t, fill=FILLS[name], d=d: fill(t.zeros(N, dtype=getattr(t, d)))
              for name in (WHOLE if d in INTS else FILLS)}
    CALLS |= {f"{name} {d}": call for name, call in {
        "randint": lambda t, d=d: t.randint(3, 100, (N,), dtype=getattr(t, d)),
        "randint named": lambda t, d=d: t.randint(high=100, size=(N,), dtype=getattr(t, d)),
        "randint_like": lambda t, d=d: t.randint_like(gapped(t, d, "transposed"), 3, 100),
        "randint_like named": lambda t, d=d: t.randint_like(gapped(t, d, "transposed"), high=100),
        "randperm": lambda t, d=d: t.randperm(N if d[-1] != "8" else 100, dtype=getattr(t, d)),
        "randint_like row-major": lambda t, d=d: t.randint_like(gapped(t, d, "transposed"), 3, 100,
                                                                memory_format=t.contiguous_format),
    }.items()}
CALLS |= {f"random_ {d}": lambda t, d=d: t.zeros(N, dtype=getattr(t, d)).random_().float()
          for d in ("float16", "bfloat16")}
CALLS |= {f"{name} {d}": lambda t, d=d, call=call: call(t, getattr(t, d)) for d in ("float16", "bfloat16")
          for name, call in {
              "rand": lambda t, d: t.rand(N, dtype=d).float(),
              "uniform_": lambda t, d: t.zeros(N, dtype=d).uniform_(-0.3, 0.1).float(),
              "uniform_ turned": lambda t, d: t.zeros(40, N // 40, dtype=d).t().uniform_(2, 5).float(),
              **{f"randn {n}": lambda t, d, n=n: t.randn(n, dtype=d).float() for n in (3, 16, 17, 31, 40, 1003)},
              "normal_": lambda t, d: t.zeros(7, 11, dtype=d).normal_(3, 0.3).float(),
              "randn_like": lambda t, d: t.randn_like(t.zeros(5, 7, dtype=d)).float(),
              "bernoulli": lambda t, d: t.bernoulli(t.full((N,), 0.3, dtype=d)).float(),
              "normal": lambda t, d: t.normal(1.0, 2.0, (5, 5), dtype=d).float(),
          }.items()}


def state(t):
    return t.get_rng_state().numpy().tobytes()


def same(want, got):
    assert str(got.dtype) == str(want.dtype) and tuple(got.shape) == tuple(want.shape)
    assert got.contiguous().numpy().tobytes() == want.contiguous().numpy().tobytes()


@pytest.mark.parametrize("name", CALLS)
def test_numbers(name):
    for t in (torch, tapegrad):
        t.manual_seed(3)
    for _ in range(2):
        same(CALLS[name](torch), CALLS[name](tapegrad))
        assert state(torch) == state(tapegrad)


ERRORS = {
    "rand of integers": lambda t: t.rand(2, dtype=t.int64),
    "randn of integers": lambda t: t.randn(2, dtype=t.int64),
    "uniform_ of integers": lambda t: t.zeros(3, dtype=t.int64).uniform_(),
    "normal_ of integers": lambda t: t.zeros(3, dtype=t.int64).normal_(),
    "exponential_ of integers": lambda t: t.zeros(3, dtype=t.int64).exponential_(),
    "cauchy_ of integers": lambda t: t.zeros(3, dtype=t.int64).cauchy_(),
    "log_normal_ of integers": lambda t: t.zeros(3, dtype=t.int64).log_normal_(),
    "normal_, overlapping": lambda t: t.zeros(1).expand(3).normal_(),
    "bernoulli of integers": lambda t: t.bernoulli(t.ones(2, dtype=t.int64)),
    "bernoulli_ of integers": lambda t: t.zeros(3).bernoulli_(t.ones(3, dtype=t.int64)),
    "bernoulli beyond 1": lambda t: t.bernoulli(t.tensor([0.5, 1.5])),
    "poisson of integers": lambda t: t.poisson(t.ones(3, dtype=t.int64)),
    "poisson below 0": lambda t: t.poisson(t.tensor([1.0, -1.0])),
    "binomial of two dtypes": lambda t: t.binomial(t.ones(3), t.ones(3, dtype=t.float64)),
    "randint too large": lambda t: t.randint(0, 300, (2,), dtype=t.uint8),
    "randint upside down": lambda t: t.randint(3, 3, (2,)),
    "random_ too large": lambda t: t.zeros(3, dtype=t.uint8).random_(0, 300),
    "normal without a size": lambda t: t.normal(2.0, 3.0),
    "normal of shapes": lambda t: t.normal(t.zeros(3), t.zeros(2)),
    "normal below 0": lambda t: t.normal(t.zeros(3), t.zeros(3) - 1),
    "multinomial of integers": lambda t: t.multinomial(t.ones(3, dtype=t.int64), 2),
    "multinomial of three axes": lambda t: t.multinomial(t.ones(3, 3, 3), 2),
    "multinomial of none": lambda t: t.multinomial(t.ones(3), 0),
    "multinomial of too many": lambda t: t.multinomial(t.ones(3), 4),
    "multinomial of zeros": lambda t: t.multinomial(t.zeros(3), 2),
    "multinomial of zeros, replaced": lambda t: t.multinomial(t.zeros(3), 2, True),
    "multinomial of nan": lambda t: t.multinomial(t.tensor([1.0, float("nan")]), 2),
    "multinomial below 0": lambda t: t.multinomial(t.tensor([1.0, -1.0]), 1),
    "leaf": lambda t: t.zeros(3, requires_grad=True).uniform_(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    with pytest.raises((RuntimeError, NotImplementedError, TypeError)) as want:
        ERRORS[name](torch)
    with pytest.raises(type(want.value)) as got:
        ERRORS[name](tapegrad)
    theirs, ours = str(want.value).splitlines()[0], str(got.value).splitlines()[0]
    assert theirs.startswith(ours) or theirs[:40] == ours[:40], (theirs, ours)


@pytest.mark.parametrize("call", [
    lambda t, p: t.poisson(p), lambda t, p: t.bernoulli(p),
    lambda t, p: t.normal(p, 1.0), lambda t, p: t.normal(0.0, p),
    lambda t, p: (p * 1).normal_(), lambda t, p: (p * 1).uniform_(), lambda t, p: (p * 1).exponential_(),
    lambda t, p: (p * 1).geometric_(0.5), lambda t, p: (p * 1).cauchy_(), lambda t, p: (p * 1).log_normal_(),
    lambda t, p: (p * 1).bernoulli_(0.5), lambda t, p: (p * 1).random_(),
])
def test_gradients_are_zero(call):
    found = []
    for t in (torch, tapegrad):
        p = t.tensor([0.5, 0.25], requires_grad=True)
        t.manual_seed(0)
        made = call(t, p)
        assert made.requires_grad
        made.sum().backward()
        found.append((made.tolist(), p.grad.tolist()))
    assert found[0] == found[1]
    assert found[0][1] == [0, 0]


def test_fork_rng():
    kept = []
    for t in (torch, tapegrad):
        t.random.manual_seed(5)
        with t.random.fork_rng():
            inside = t.rand(3)
            t.random.manual_seed(9)
        with t.random.fork_rng(devices=[], enabled=False):
            plain = t.rand(3)
        kept.append((inside.tolist(), plain.tolist(), t.rand(3).tolist(), t.random.initial_seed()))
    assert kept[0] == kept[1]
    with pytest.raises(KeyError), tapegrad.random.fork_rng():
        tapegrad.rand(3)
        raise KeyError
    assert state(torch) == state(tapegrad)


def test_generators():
    ours, theirs = tapegrad.Generator().manual_seed(4), torch.Generator().manual_seed(4)
    for copied in (lambda g: g, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), lambda g: g.clone_state()):
        a, b = copied(ours), copied(theirs)
        same(torch.rand(3, generator=b), tapegrad.rand(3, generator=a))
        same(torch.randn(3, generator=b), tapegrad.randn(3, generator=a))
        assert a.get_state().numpy().tobytes() == b.get_state().numpy().tobytes()
        assert a.initial_seed() == b.initial_seed() == 4
        assert str(a.device) == str(b.device) == "cpu"
    x = tapegrad.zeros(9)
    before = state(tapegrad)
    for name in ("uniform_", "normal_", "exponential_", "cauchy_", "log_normal_", "bernoulli_", "random_"):
        getattr(x, name)(generator=ours)
    x.geometric_(0.5, generator=ours)
    tapegrad.multinomial(x, 2, generator=ours)
    tapegrad.poisson(x, generator=ours)
    assert state(tapegrad) == before
