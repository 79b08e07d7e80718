"""Sizes that no machine has are errors, and a tape may be full for a while."""
from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import tapegrad as torch
from tapegrad import errors

one = torch.ones(1)
HUGE = 2 ** 52


@pytest.mark.parametrize("make", [
    lambda: torch.empty(HUGE), lambda: torch.ones(2 ** 58), lambda: torch.zeros(2 ** 60), lambda: torch.rand(HUGE),
    lambda: torch.randn(HUGE), lambda: torch.arange(HUGE), lambda: torch.eye(2 ** 30), lambda: torch.randperm(HUGE),
    lambda: one.expand(HUGE).clone(), lambda: one.expand(HUGE) + 1, lambda: one.repeat(HUGE),
    lambda: torch.cat([one.expand(HUGE)] * 2), lambda: one.new_empty(HUGE), lambda: torch.linspace(0, 1, HUGE),
    lambda: torch.outer(one.expand(2 ** 30), one.expand(2 ** 30)),
    lambda: one.clone().requires_grad_().expand(HUGE).exp(),
])
def test_no_memory(make):
    with pytest.raises(RuntimeError, match="can't allocate memory: you tried to allocate") as caught:
        make()
    assert isinstance(caught.value, MemoryError) and isinstance(caught.value, errors.OutOfMemoryError)


# Of a view that reads one element 2^55 times: what takes memory fails before it has gone through any of that.
@pytest.mark.parametrize("program", """
    torch.combinations(torch.arange(2 ** 20), 3)
    x.sort() | x.argsort() | x.msort() | x.topk(2) | x.topk(2 ** 54) | x.kthvalue(5) | x.median() | x.nanmedian()
    x.mode() | x.quantile(0.5) | x.cumsum(0) | x.cumprod(0) | x.cummax(0) | x.logcumsumexp(0) | i.sort() | i.cummax(0)
    x.unique() | i.unique() | x.unique_consecutive() | x.nonzero() | b.nonzero() | torch.where(b) | x.argwhere() | x[b]
    x.masked_select(b) | torch.where(b, x, x) | x.contiguous() | x.clone() | x.to(torch.float64) | x.int() | x.bool()
    x.flip(0) | x.roll(3) | x.diff() | torch.gradient(x) | m.tril() | m.rot90() | x.repeat(2) | x.repeat_interleave(2)
    x.softmax(0) | x.exp() | x * 2 | x == x | x.bernoulli() | torch.rand_like(x) | torch.normal(x, x) | torch.poisson(x)
    F.dropout(x) | F.one_hot(i, 3) | F.embedding(i, torch.ones(3, 4)) | F.gelu(x) | F.layer_norm(m, (2 ** 28,))
    F.batch_norm(m, None, None, training=True) | F.pad(x, (1, 1))
    F.interpolate(x[:2 ** 40][None, None], scale_factor=2) | x.scatter(0, torch.zeros(3).long(), 1.)
    torch.cdist(m[:2 ** 22], m[:2 ** 4]) | m @ m | torch.linalg.inv(m) | torch.linalg.svd(m)
    torch.isin(x, one) | torch.bucketize(x, torch.ones(3)) | m.renorm(2, 0, 1.)
""".replace("\n", "|").split("|")[1:-1])
def test_no_memory_for_what_is_made_of_a_view(program):
    given = {"torch": torch, "F": torch.nn.functional, "one": one, "x": one.expand(2 ** 55),
             "i": torch.ones(1).long().expand(2 ** 55), "b": torch.ones(1).bool().expand(2 ** 55),
             "m": torch.ones(1, 1).expand(2 ** 28, 2 ** 28)}
    with pytest.raises(RuntimeError, match=r"allocate memory|there is no memory"):
        eval(program.strip(), given)


@pytest.mark.parametrize("make, words", [
    (lambda: torch.empty(2 ** 61), "Storage size calculation overflowed"),
    (lambda: torch.zeros(2 ** 40, 2 ** 40), "Storage size calculation overflowed"),
    (lambda: one.expand(2 ** 40, 2 ** 40), "numel: integer multiplication overflow"),
    (lambda: torch.empty(-1), "negative dimension"), (lambda: torch.rand(2, -1), "negative dimension"),
])
def test_sizes_that_are_none(make, words):
    with pytest.raises(RuntimeError, match=words):
        make()


def test_what_failed_leaves_the_rest_right():
    for _ in range(20):
        with pytest.raises(MemoryError):
            torch.empty(HUGE)
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_compiled_functions_where_address_space_is_limited(limit):
    """As batch systems limit it: tables are smaller, nothing else."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, limit):
        pytest.skip(f"no {limit} here")
    program = f"""
        import resource
        resource.setrlimit(resource.{limit}, (3 << 29, 3 << 29))
        import tapegrad as torch
        f = torch.compile(lambda x: (x * x).sum())
        x = torch.ones(3, requires_grad=True)
        for _ in range(4):
            f(x).backward()
        print(x.grad.tolist(), f(x).item())
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert run.stdout == "[8.0, 8.0, 8.0] 3.0\n", run.stderr
