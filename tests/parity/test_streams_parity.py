"""Every distribution against PyTorch itself: the same bits out, and the same generator state after.

`CALLS` pairs a PyTorch call with ours; the tests run each at many sizes and seeds, then in random sequences.
"""
import random

import numpy as np
import pytest

from tapegrad.machine import streams

torch = pytest.importorskip("torch")

SIZES = [*range(71), 100, 119, 120, 121, 127, 128, 129, 1000, 1023, 4097, 32_767, 32_768, 32_769, 100_000]
FLOATS = {"f32": torch.float32, "f64": torch.float64}
INTS = {"u8": torch.uint8, "i8": torch.int8, "i16": torch.int16, "i32": torch.int32, "i64": torch.int64}
ALL = FLOATS | INTS | {"b8": torch.bool}


def numpy_dtype(t):
    return torch.empty(0, dtype=t).numpy().dtype


def column(n, dtype):
    """A tensor of n elements that is not contiguous (when it has more than one)."""
    return torch.empty(n, 2, dtype=dtype)[:, 0]


def ramp(n, dtype, low, high):
    return torch.linspace(low, high, n, dtype=dtype)


CALLS = {}  # name: (PyTorch's call of n and generator, ours of generator and n)
for short, t in FLOATS.items():
    d = numpy_dtype(t)
    CALLS |= {f"{name} {short}": pair for name, pair in {
        "rand": (lambda n, g, t=t: torch.rand(n, dtype=t, generator=g), lambda g, n, d=d: streams.uniform(g, n, d)),
        "uniform_": (lambda n, g, t=t: torch.empty(n, dtype=t).uniform_(-0.3, 1.7, generator=g),
                     lambda g, n, d=d: streams.uniform(g, n, d, -0.3, 1.7)),
        "randn": (lambda n, g, t=t: torch.randn(n, dtype=t, generator=g), lambda g, n, d=d: streams.normal(g, n, d)),
        "normal_": (lambda n, g, t=t: torch.empty(n, dtype=t).normal_(0.3, 1.7, generator=g),
                    lambda g, n, d=d: streams.normal(g, n, d, 0.3, 1.7)),
        "normal_ std": (lambda n, g, t=t: torch.empty(n, dtype=t).normal_(0, 0.02, generator=g),
                        lambda g, n, d=d: streams.normal(g, n, d, 0, 0.02)),
        "normal_ mean": (lambda n, g, t=t: torch.empty(n, dtype=t).normal_(0.1, 1, generator=g),
                         lambda g, n, d=d: streams.normal(g, n, d, 0.1)),
        "normal_ column": (lambda n, g, t=t: column(n, t).normal_(0.3, 1.7, generator=g),
                           lambda g, n, d=d: streams.normal(g, n, d, 0.3, 1.7, contiguous=n < 2)),
        "normal tensors": (lambda n, g, t=t: torch.normal(ramp(n, t, -1, 1), ramp(n, t, 0.1, 3), generator=g),
                           lambda g, n, d=d, t=t: streams.normal(g, n, d, ramp(n, t, -1, 1).numpy(),
                                                                 ramp(n, t, 0.1, 3).numpy())),
        "normal tensor, number": (lambda n, g, t=t: torch.normal(ramp(n, t, -1, 1), 1.7, generator=g),
                                  lambda g, n, d=d, t=t: streams.normal(g, n, d, ramp(n, t, -1, 1).numpy(), 1.7)),
        "normal number, tensor": (lambda n, g, t=t: torch.normal(0.3, ramp(n, t, 0.1, 3), generator=g),
                                  lambda g, n, d=d, t=t: streams.normal(g, n, d, 0.3, ramp(n, t, 0.1, 3).numpy())),
        "exponential_": (lambda n, g, t=t: torch.empty(n, dtype=t).exponential_(0.7, generator=g),
                         lambda g, n, d=d: streams.exponential(g, n, d, 0.7)),
        "cauchy_": (lambda n, g, t=t: torch.empty(n, dtype=t).cauchy_(0.3, 1.7, generator=g),
                    lambda g, n, d=d: streams.cauchy(g, n, d, 0.3, 1.7)),
        "log_normal_": (lambda n, g, t=t: torch.empty(n, dtype=t).log_normal_(0.3, 0.7, generator=g),
                        lambda g, n, d=d: streams.log_normal(g, n, d, 0.3, 0.7)),
    }.items()}
for short, t in ALL.items():
    d = numpy_dtype(t)
    high = 2 if short == "b8" else 100
    CALLS |= {f"{name} {short}": pair for name, pair in {
        "random_": (lambda n, g, t=t: torch.empty(n, dtype=t).random_(generator=g),
                    lambda g, n, d=d: streams.random_(g, n, d)),
        "random_ from 1": (lambda n, g, t=t: torch.empty(n, dtype=t).random_(1, None, generator=g),
                           lambda g, n, d=d: streams.randint(g, n, d, 1, None)),
        "randint": (lambda n, g, t=t, high=high: torch.randint(0, high, (n,), dtype=t, generator=g),
                    lambda g, n, d=d, high=high: streams.randint(g, n, d, 0, high)),
        "bernoulli_": (lambda n, g, t=t: torch.empty(n, dtype=t).bernoulli_(0.3, generator=g),
                       lambda g, n, d=d: streams.bernoulli(g, n, d, 0.3)),
    }.items()}
    if short != "b8":
        CALLS[f"geometric_ {short}"] = (lambda n, g, t=t: torch.empty(n, dtype=t).geometric_(0.3, generator=g),
                                        lambda g, n, d=d: streams.geometric(g, n, d, 0.3))
for low, high in [(-5, 7), (0, 2**28 - 1), (0, 2**28), (-3, 2**32), (0, 2**62), (-2**63, 2**63 - 1), (-2**63, None)]:
    CALLS[f"random_({low}, {high})"] = (
        lambda n, g, low=low, high=high: torch.empty(n, dtype=torch.int64).random_(low, high, generator=g),
        lambda g, n, low=low, high=high: streams.randint(g, n, "i8", low, high))
for short, low, high in [("f32", 0, 10**8), ("f32", 2**24 + 1, 2**25), ("f32", -10**8, -10**7), ("f32", -2**40, 2**50),
                         ("f32", 0, 2**60), ("f64", 0, 2**60), ("f64", -2**60 + 1, 2**54), ("f64", 0, 2**62 - 1)]:
    CALLS[f"random_ from {low} to {high} {short}"] = (
        lambda n, g, low=low, high=high, t=FLOATS[short]: torch.empty(n, dtype=t).random_(low, high, generator=g),
        lambda g, n, low=low, high=high, d=short[0] + str(int(short[1:]) // 8): streams.randint(g, n, d, low, high))
CALLS["randperm"] = (lambda n, g: torch.randperm(n, generator=g), lambda g, n: streams.randperm(g, n, "i8"))


def same(name, n, theirs, ours):
    want, got = CALLS[name][0](n, theirs).contiguous().numpy(), CALLS[name][1](ours, n)
    assert got.dtype == want.dtype and got.shape == want.shape, name
    wrong = np.flatnonzero(got.view(f"u{got.itemsize}") != want.view(f"u{want.itemsize}"))
    assert not wrong.size, f"{name}, n={n}: {wrong.size} differ, the first at {wrong[0]}: {got[wrong[0]]!r}"
    assert ours.get_state().tobytes() == theirs.get_state().numpy().tobytes(), f"{name}, n={n}: state"


@pytest.mark.filterwarnings("ignore:.* is out of bounds")  # PyTorch's, on whole numbers a float cannot tell apart
@pytest.mark.parametrize("name", CALLS)
def test_every_size(name):
    theirs, ours = torch.Generator(), streams.Generator()
    for n in SIZES:
        same(name, n, theirs.manual_seed(n), ours.manual_seed(n))


@pytest.mark.filterwarnings("ignore:.* is out of bounds")
@pytest.mark.parametrize("seed", range(30))
def test_sequences(seed):
    pick = random.Random(seed)
    theirs, ours = torch.Generator().manual_seed(seed), streams.Generator().manual_seed(seed)
    for _ in range(100):
        same(pick.choice(list(CALLS)), pick.choice([0, 1, 2, 3, 5, 15, 16, 17, 33, 64, 700]), theirs, ours)


@pytest.mark.parametrize("name", ["randn f32", "randn f64", "uniform_ f32", "randperm"])
def test_a_million(name):
    same(name, 10**6 + 3, torch.Generator().manual_seed(1), streams.Generator().manual_seed(1))


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32, 2**53 + 1, 2**64 - 1, -1, -2**63])
def test_seeds(seed):
    theirs, ours = torch.Generator().manual_seed(seed), streams.Generator().manual_seed(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    same("randn f32", 3, theirs, ours)


def test_default_seed():
    assert streams.Generator().initial_seed() == torch.Generator().initial_seed()


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 1247, 1248])
def test_states_travel_both_ways(drawn):
    theirs, ours = torch.Generator().manual_seed(5), streams.Generator()
    torch.rand(drawn, generator=theirs)
    torch.randn(drawn % 2, generator=theirs)
    ours.set_state(theirs.get_state().numpy())
    for n in (3, 0, 700):
        same("randn f64", n, theirs, ours)
    theirs = torch.Generator()
    theirs.set_state(torch.from_numpy(ours.get_state()))
    same("normal_ column f32", 5, theirs, ours.clone_state())


@pytest.mark.parametrize("shape", [(1,), (50,), (3, 7), (2, 1000)])
@pytest.mark.parametrize("dtype", FLOATS.values(), ids=FLOATS)
@pytest.mark.parametrize("n", [2, 5, 20_000])
def test_multinomial(shape, dtype, n):
    weights = torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(9))
    theirs, ours = torch.Generator().manual_seed(2), streams.Generator().manual_seed(2)
    want = torch.multinomial(weights, n, True, generator=theirs).numpy()
    got = streams.multinomial(ours, want.size, "i8", weights.numpy())
    np.testing.assert_array_equal(got, want.ravel())
    assert ours.get_state().tobytes() == theirs.get_state().numpy().tobytes()


ERRORS = {
    "uniform_ order": (lambda t: t.uniform_(3, 1), lambda g: streams.uniform(g, 3, "f4", 3, 1)),
    "uniform_ range": (lambda t: t.uniform_(-3e38, 3e38), lambda g: streams.uniform(g, 3, "f4", -3e38, 3e38)),
    "normal_": (lambda t: t.normal_(0, -1), lambda g: streams.normal(g, 3, "f4", 0, -1)),
    "normal tensors": (lambda t: torch.normal(t, t - 1),
                       lambda g: streams.normal(g, 3, "f4", np.zeros(3), np.zeros(3) - 1)),
    "random_": (lambda t: t.random_(5, 3), lambda g: streams.randint(g, 3, "i8", 5, 3)),
    "bernoulli_": (lambda t: t.bernoulli_(2), lambda g: streams.bernoulli(g, 3, "f4", 2)),
    "exponential_": (lambda t: t.exponential_(-1), lambda g: streams.exponential(g, 3, "f4", -1)),
    "geometric_": (lambda t: t.geometric_(2), lambda g: streams.geometric(g, 3, "f4", 2)),
    "cauchy_": (lambda t: t.cauchy_(0, -1), lambda g: streams.cauchy(g, 3, "f4", 0, -1)),
    "log_normal_": (lambda t: t.log_normal_(0, -1), lambda g: streams.log_normal(g, 3, "f4", 0, -1)),
    "randperm": (lambda t: torch.randperm(-1), lambda g: streams.randperm(g, -1, "i8")),
    "seed": (lambda t: torch.Generator().manual_seed(1.5), lambda g: g.manual_seed(1.5)),
    "state": (lambda t: torch.Generator().set_state(torch.zeros(7, dtype=torch.uint8)),
              lambda g: g.set_state(np.zeros(7, np.uint8))),
    "zero state": (lambda t: torch.Generator().set_state(torch.zeros(5056, dtype=torch.uint8)),
                   lambda g: g.set_state(np.zeros(5056, np.uint8))),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    theirs, ours = ERRORS[name]
    with pytest.raises(RuntimeError) as want:
        theirs(torch.zeros(3))
    with pytest.raises(RuntimeError) as got:
        ours(streams.Generator())
    assert str(want.value).startswith(str(got.value))
