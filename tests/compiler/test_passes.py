"""Passes: optimised = unoptimised = as written, over the registry's operations and over random programs.

What a program computes is compared bit for bit where the same kernels run, and to rounding where superinstructions took
their place (SIMD functions and their scalar versions differ in the last digit).
"""
from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pytest
import registry
from hypothesis import given, settings
from hypothesis import strategies as st

import tapegrad as torch
from tapegrad import dispatch
from tapegrad.compiler import compile, loops, repeats, waves
from tapegrad.compiler.passes import PASSES
from tapegrad.compiler.passes.work import kernel_of
from tapegrad.machine import records as rec
from tapegrad.ops.declaration import operations

EXACT = set(PASSES) - {"fusion"}


def values(result: Any) -> list[Any]:
    several = result if isinstance(result, (tuple, list)) else [result]
    return [None if r is None else r.detach().numpy().copy() for r in several]


def same(found: Any, expected: Any, exact: bool, what: Any) -> None:
    for a, b in zip(values(found), values(expected), strict=True):
        if a is None or b is None:
            assert a is b, what
        elif exact or a.dtype.kind != "f":
            np.testing.assert_array_equal(a, b, err_msg=str(what))
        else:
            np.testing.assert_allclose(a, b, rtol=2e-6 if a.dtype == np.float32 else 1e-13, atol=1e-300,
                                       err_msg=str(what))


def compiled(f: Any, *args: Any, passes: Any = None, tries: int = 6) -> Any:
    """A compiled function that has a program for these arguments."""
    made = compile(f, passes=passes)
    for _ in range(tries):
        made(*args)
    assert made.replays, made.explain()
    return made


OPERATIONS = sorted(op.name for op in operations() if op.kind in ("elementwise", "reduction") and op.name[0] != "_")


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_forward_and_backward(name):
    """Each operation and the gradient of its operands, with no pass and with all of them."""
    op = next(o for o in operations() if o.name == name)
    tried = 0
    for dtype, count in ((torch.float64, 3), (torch.float32, 1), (torch.int64, 1)):
        for sample in list(registry.samples(op, dtype))[3:3 + 7 * count:7]:
            tensors = sample.tensors(requires_grad=True)
            leaves = [t for t in tensors if isinstance(t, torch.Tensor)]
            if not leaves:
                continue

            def f(*leaves: Any, sample: Any = sample, tensors: Any = tensors) -> Any:
                given = iter(leaves)
                operands = [next(given) if isinstance(t, torch.Tensor) else t for t in tensors]
                attributes = tuple(sample.attributes.items())
                if op.inplace_of is None or not (op.differentiable or op.refused):
                    y = dispatch.apply(op, operands, attributes)
                else:
                    y = dispatch.apply_inplace(op, [operands[0].clone(), *operands[1:]], attributes)
                wanted = [t for t in leaves if t.requires_grad]
                if not y.requires_grad or not wanted:
                    return y, None
                z = y * y + y
                return (y, *torch.autograd.grad(z.sum() + z.sum(), wanted, allow_unused=True))

            try:
                expected = f(*leaves)
            except (RuntimeError, TypeError, IndexError, NotImplementedError):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = [compile(f, passes=p) for p in ((), None)]
                for one in made:
                    for _ in range(5):
                        result = one(*leaves)
                    assert one.replays or one.reason, (sample, one.explain())
                    same(result, expected, set(one.passes) <= EXACT, (sample, one.passes))
            tried += 1
    assert tried or name in ("bitwise_not",), "no sample was run"


def calls(f: Any) -> int:
    return sum(s.kind == rec.KERNEL for s in f.tape.works[0].steps)


def test_dead_steps_go():
    w = torch.ones(3, requires_grad=True)

    def step(x: Any) -> Any:
        y = (w * x).sum()
        y.exp().log()  # nobody looks
        (w * w).sum().backward()
        w.grad = None
        return (x * 2).sum()

    full, less = (compiled(step, torch.ones(3), passes=p) for p in ([], ["dead"]))
    assert calls(less) == 2 < calls(full)


def test_equal_computations_are_done_once():
    def f(x: Any) -> Any:
        return x.exp().sum() * x.exp().sum() + x.exp().sum()

    assert calls(compiled(f, torch.ones(3), passes=["common"])) == 4 < calls(compiled(f, torch.ones(3), passes=[]))


def test_who_reads_a_copy_reads_what_was_copied():
    def f(x: Any, y: Any) -> Any:
        a = x.exp()
        b, c = a.clone(), a.t().contiguous()
        kept = a.clone()
        kept.add_(1)
        return b * y, c * y, kept, a.clone()

    x, y = torch.arange(9.0).reshape(3, 3), torch.ones(3, 3)
    made = compiled(f, x, y, passes=["common"])
    same(made(x, y), f(x, y), True, "")
    assert calls(made) == calls(compiled(f, x, y, passes=[])) - 1


def test_what_a_product_does_to_its_operands_is_known():
    """It writes the first, and reads that too where it adds: a copy beside it is none, and one nobody reads goes."""
    def f(x: Any, w: Any) -> Any:
        a = x.exp()
        (a @ w).sum()  # nobody looks
        y = a.clone() @ w
        return y.t() @ a, torch.addmm(y, a, w), y

    x, w = torch.rand(6, 5), torch.rand(5, 6)
    made = compiled(f, x, w, passes=["common", "dead"])
    same(made(x, w), f(x, w), True, "")
    assert calls(made) == calls(compiled(f, x, w, passes=[])) - 3

    leaf = torch.rand(5, 6, requires_grad=True)

    def step(x: Any) -> Any:
        ((x @ leaf).sum() + (2 * x @ leaf).sum()).backward()
        found = leaf.grad
        leaf.grad = None
        return found

    same(compiled(step, x)(x), step(x), True, "")


def test_equal_computations_of_what_was_written_between_are_two():
    def f(x: Any) -> Any:
        y = x * 1
        a = y.exp()
        y.add_(1)
        return a + y.exp()

    x = torch.ones(3, dtype=torch.float64)
    same(compiled(f, x, passes=["common"])(x), f(x), True, "")


def test_outside_memory_that_is_written_once_has_two_versions():
    w = torch.ones(3, dtype=torch.float64)

    def f(x: Any) -> Any:
        a = (w * x).exp()
        w.mul_(0.5)
        return a + (w * x).exp()

    x = torch.ones(3, dtype=torch.float64)
    made = compile(f, passes=["common"])
    for _ in range(5):
        w.fill_(2.0)
        found = made(x)
        w.fill_(2.0)
        same(found, f(x), True, "")
    assert made.replays


def test_constants_are_computed_once():
    def f(x: Any) -> Any:
        return x * (torch.tensor(2.0).sqrt() + torch.tensor(3.0).log())

    assert calls(compiled(f, torch.ones(3), passes=["constants"])) == 1 < calls(compiled(f, torch.ones(3), passes=[]))


@pytest.mark.parametrize("n", [2, 7, 64, 120, 1001])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int32, torch.bool], ids=lambda d: d.name)
def test_reductions_join_the_loop_before_them(dtype, n):
    def f(x: Any, w: Any) -> Any:
        y = x * w + x
        total, largest = y.sum(), y.amax()
        x.mul_(w)  # what was read stays what it was
        return y, total, largest, x.prod(), (x + y).sum()

    def operands() -> list[Any]:
        return [torch.from_numpy(np.random.default_rng(k).integers(0, 3, n) - k).to(dtype) for k in range(2)]

    made = compiled(f, *operands(), passes=["fusion"])
    assert calls(made) == 1
    for _ in range(2):
        (x, w), (a, b) = operands(), operands()
        same(made(x, w), f(a, b), False, n)
        same(x, a, True, n)


def test_who_reads_a_reduction_comes_after_it():
    def f(x: Any) -> Any:
        y = x.exp()
        return y / y.sum(), (y * y).mean() * x

    x = torch.arange(9, dtype=torch.float64)
    made = compiled(f, x, passes=["fusion"])
    same(made(x), f(x), False, "")
    assert calls(made) == 3  # the loop with both reductions, the scalar between, who reads them


def test_a_mean_is_a_sum_and_its_gradient_is_plain():
    w = torch.ones(120, dtype=torch.float64, requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        (w * x).sin().mean().backward()

    x = torch.arange(120, dtype=torch.float64)
    made = compiled(step, x)
    assert calls(made) == 1
    np.testing.assert_allclose(w.grad.numpy(), np.arange(120) * np.cos(np.arange(120)) / 120, rtol=1e-13)


def test_kernels_that_may_fail_stay():
    table, place = torch.arange(3.0), torch.tensor([0, 7])

    def f(x: Any, i: Any) -> Any:
        table[i]  # nobody looks, but it must be refused
        return x * 2

    made = compiled(f, torch.ones(3), torch.tensor([0, 1]))
    with pytest.raises(IndexError):
        made(torch.ones(3), place)


# ---------------------------------------------------------------- random programs

UNARY = ["exp", "sin", "tanh", "neg", "abs", "sigmoid", "relu", "square"]
BINARY = ["add", "sub", "mul", "maximum"]
SHAPES = [(), (3,), (2, 3)]

instruction = st.one_of(
    st.tuples(st.just("unary"), st.sampled_from(UNARY), st.integers(0, 30)),
    st.tuples(st.just("binary"), st.sampled_from(BINARY), st.integers(0, 30), st.integers(0, 30)),
    st.tuples(st.just("number"), st.sampled_from(["add", "mul"]), st.integers(0, 30), st.floats(-2, 2, width=32)),
    st.tuples(st.just("sum"), st.integers(0, 30)),
    st.tuples(st.just("inplace"), st.sampled_from(["add_", "mul_"]), st.integers(0, 30), st.integers(0, 30)),
    st.tuples(st.just("view"), st.integers(0, 30)),
    st.tuples(st.just("constant"), st.floats(-2, 2, width=32)),
    st.tuples(st.just("state"), st.integers(0, 30)),
)


@st.composite
def programs(draw: Any) -> Any:
    return draw(st.lists(instruction, min_size=1, max_size=14)), draw(st.lists(st.integers(0, 30), min_size=1,
                                                                              max_size=3))


def interpreted(program: Any, x: Any, w: Any, state: Any) -> Any:
    """Run a random program on values x and w; it may write to `state`, and returns some of what it made."""
    body, wanted = program
    made = [x, w * 1, x * w]
    for kind, *rest in body:
        pick = [made[i % len(made)] if isinstance(i, int) else i for i in rest]
        if kind == "unary":
            made.append(getattr(torch, pick[0])(pick[1]))
        elif kind in ("binary", "number"):
            made.append(getattr(torch, pick[0])(pick[1], pick[2]))
        elif kind == "sum":
            made.append(pick[0].sum())
        elif kind == "inplace" and pick[1] is not x and pick[1].shape == torch.broadcast_tensors(*pick[1:])[0].shape:
            own = pick[1] * 1
            getattr(own, pick[0])(pick[2])
            made.append(own)
        elif kind == "view":
            made.append(pick[0].t() if pick[0].ndim == 2 else pick[0].reshape(-1))
        elif kind == "constant":
            made.append(torch.tensor(rest[0], dtype=torch.float64).exp())
        elif kind == "state":
            with torch.no_grad():
                state.mul_(0.5).add_(pick[0].sum().tanh())
        if not all(m.shape in ((), (3,), (2, 3), (3, 2), (1,), (6,)) for m in made):
            made.pop()
    chosen = [made[i % len(made)] for i in wanted]
    total = sum((c.tanh().sum() for c in chosen), torch.zeros((), dtype=torch.float64))
    if not total.requires_grad:
        return [c.detach() * 1 for c in chosen]
    (g,) = torch.autograd.grad(total, w, allow_unused=True)
    return [*(c.detach() * 1 for c in chosen), g]


@settings(max_examples=60, deadline=None)
@given(programs(), st.sampled_from([(), *((name,) for name in PASSES), tuple(PASSES)]),
       st.sampled_from(SHAPES))
def test_random_programs(program, passes, shape):
    rng = np.random.default_rng(0)
    inputs = [torch.tensor(rng.normal(size=shape)) for _ in range(6)]
    w = torch.tensor(rng.normal(size=shape), requires_grad=True)
    states = [torch.zeros(3, dtype=torch.float64) for _ in range(2)]

    def build(state: Any) -> Any:
        return lambda x: interpreted(program, x, w, state)

    written, replayed = build(states[0]), compile(build(states[1]), passes=passes)
    for x in inputs:
        try:
            expected = written(x)
        except (RuntimeError, TypeError):
            return
        same(replayed(x), expected, set(passes) <= EXACT, (program, passes))
        same(states[1], states[0], set(passes) <= EXACT, (program, passes))
    assert replayed.replays, replayed.explain()


def copies(made: Any) -> int:
    """How many steps of a program are plain copies."""
    kernels = [kernel_of(s) for s in made.tape.works[0].steps]
    return sum(k is not None and all(v.op == "operand" for v in k.region.values) and not any(k.accumulate)
               for k in kernels)


def into_parts(x: Any, y: Any) -> Any:
    return torch.cat((x * 2, y + 1, x[:3] * y[:3]))


def read_twice(x: Any, y: Any) -> Any:
    first = x * 2
    return torch.cat((first, y)) + torch.cat((y, first))


def in_between(x: Any, y: Any) -> Any:
    """What the copy writes to is read, and written, after the kernel whose result it copies."""
    out = torch.zeros(8, dtype=x.dtype)
    first = x * 3
    out[2:7] += 1
    seen = out * 2
    out[2:7] = first
    return seen + out


def from_itself(x: Any, y: Any) -> Any:
    out = torch.cat((x, y))
    out[1:6] = out[:5] * 2
    out[:5] = out[5:] + 1
    return out


def returned_too(x: Any, y: Any) -> Any:
    first = x * 2
    return torch.cat((first, y * 3)), first


def partly(x: Any, y: Any) -> Any:
    first = x * y
    return torch.cat((first[1:], first[:2] * 2)), torch.cat((first.reshape(1, 5), y.reshape(1, 5))).sum(0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int32], ids=str)
@pytest.mark.parametrize(("function", "left"), [(into_parts, 0), (read_twice, None), (in_between, None),
                                                (from_itself, None), (returned_too, None), (partly, None)])
def test_results_are_put_where_they_are_copied_to(function, left, dtype):
    x, y = torch.tensor([1, 2, 3, 4, 5]).to(dtype), torch.tensor([-1, 7, 2, 0, 3]).to(dtype)
    for passes in (("placed",), ("dead", "placed"), ("dead", "placed", "fusion"), tuple(PASSES)):
        made = compiled(function, x, y, passes=passes)
        same(made(x, y), function(x, y), True, passes)
        same(made(y, x), function(y, x), True, passes)
        assert left is None or copies(made) == left


def zeros(made: Any) -> list[int]:
    """How many bytes of zeros each step of a program writes that does just that."""
    return [s.b for s in made.tape.works[0].steps if s.kind == rec.ZEROED]


def added_whole(w: Any, v: Any) -> Any:
    out = torch.zeros(300, dtype=w.dtype)
    out += w * v
    return out


def added_once(w: Any, v: Any) -> Any:
    return torch.autograd.grad((w[1:] * v[:-1]).sum() + (w[:-2] * v[2:]).sum(), (w, v))


def added_twice(w: Any, v: Any) -> Any:
    y = w * 3
    return torch.autograd.grad((y[1:] * v[:-1] * y[:-1]).sum(), (w, v))


def looked_at(w: Any, v: Any) -> Any:
    """The zeros are read, or seen through a view, before something is added to them."""
    out = torch.zeros(300, dtype=w.dtype)
    before = out[2:5] + 1
    out[1:] += w[1:] * v[1:]
    return out, before


def added_to_little(w: Any, v: Any) -> Any:
    return torch.autograd.grad((w[7:9] * v[1:3]).sum(), (w, v))


def added_to_itself(w: Any, v: Any) -> Any:
    out = torch.zeros(300, dtype=w.dtype)
    out += out * w.detach()
    return out * v


def added_to_columns(w, v):
    a, b = w.reshape(20, 15), v.reshape(20, 15)
    out = torch.zeros(20, 15, dtype=w.dtype)
    out[:, 2:-1] += a[:, :-3] * b[:, 3:]
    return out, *torch.autograd.grad((a[:, 1:] * b[:, :-1]).sum(), (w, v))


def added_to_a_block(w, v):
    a, b = w.reshape(20, 15), v.reshape(20, 15)
    out = torch.zeros(20, 15, dtype=w.dtype)
    out[1:, :-1] += a[1:, 1:] * b[:-1, 1:]
    return out, out * 2


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize(("function", "left"), [(added_whole, 0), (added_once, 32), (added_twice, None),
                                                (looked_at, None), (added_to_little, None), (added_to_itself, None),
                                                (added_to_columns, 0), (added_to_a_block, None)])
def test_additions_to_zeros_are_stores(function, left, dtype):
    """To the last bit, for negative zeros, infinities and NaN too."""
    special = torch.tensor([-0.0, 0.0, float("inf"), float("nan"), -1.5, 1e-7])
    w, v = (torch.cat((torch.randn(294) * k, special)).roll(k).to(dtype).requires_grad_() for k in (1, 4))
    for passes in (("stores",), ("dead", "stores"), ("stores", "fusion"), tuple(PASSES)):
        made = compiled(function, w, v, passes=passes)
        for _ in range(2):
            found, expected = made(w, v), function(w, v)
            for a, b in zip(values(found), values(expected), strict=True):
                assert np.where(np.isnan(a), 1, np.signbit(a)).tobytes() == np.where(
                    np.isnan(b), 1, np.signbit(b)).tobytes()
                np.testing.assert_array_equal(a, b)
        if left is not None and dtype is not torch.float16:
            assert sum(zeros(made)) <= left, passes


BYTES = {"float64": "int64", "float32": "int32", "float16": "int16", "int64": "float64", "int32": "float32",
         "uint8": "bool"}
AS_BYTES = {
    "sums": lambda y: y + y, "casts": lambda y: y.to(torch.float64), "halves": lambda y: y.float() * 0.5,
    "comparisons": lambda y: y > 0, "copies": lambda y: y.clone(), "elements": lambda y: y[2], "parts": lambda y: y[1:],
    "stacks": lambda y: torch.stack((y[0], y[3])),
}


@pytest.mark.parametrize("length", [3, 200], ids=["short", "long"])
@pytest.mark.parametrize("of", BYTES)
def test_bytes_are_read_as_other_numbers(of, length, monkeypatch):
    """What `view(dtype)` shows is computed with as such, in every pass, in loops and in waves."""
    of, other = getattr(torch, of), getattr(torch, BYTES[of])
    generator = np.random.default_rng(0)
    given = [torch.tensor(generator.normal(size=4) * 50).to(of) for _ in range(length)]

    def function(x: Any) -> Any:
        found = [f(y.view(other)) for f in AS_BYTES.values() for y in (x + given[0], x)]
        total = torch.zeros(4, dtype=torch.float64)
        for t in given:
            y = x + t
            total = total * 0.5 + y.view(other)
            y.view(other)[:1] = t.view(other)[3:]
            x = y.view(other).clone().view(of)
        return *found, total, x

    def bits(results: Any) -> Any:
        return [(np.where(np.isnan(a), np.nan, a) if a.dtype.kind == "f" else a).tobytes() for a in values(results)]

    x, y = given[1] * 2, given[2] * 3
    for least in (512, 8):
        for module in (repeats, waves):
            monkeypatch.setattr(module, "LEAST", least)
        monkeypatch.setattr(loops, "SEVERAL", 2)
        monkeypatch.setattr(waves, "WIDE", 0)
        for passes in (("common", "placed"), ("fusion",), ("loops",), tuple(PASSES)):
            made = compiled(function, x, passes=passes)
            assert [bits(made(t)) for t in (x, y)] == [bits(function(t)) for t in (x, y)], passes
        monkeypatch.setattr(repeats, "LEAST", 1 << 40)  # waves alone
        made = compiled(function, x)
        assert [bits(made(t)) for t in (x, y)] == [bits(function(t)) for t in (x, y)]


def test_checks_of_constants_go():
    """A rule that is run on numbers looks at them: what they are is known."""
    x = torch.randn(40, dtype=torch.float64)
    made = compiled(torch.func.hessian(lambda a: (100 * (a[1:] - a[:-1] ** 2) ** 2).sum()), x)
    made.tape.wait()
    assert not any(s.kind == rec.GUARD for s in made.tape.works[0].steps)


def test_arrays_of_one_number_are_that_number():
    def f(x):
        zeroth = x ** 0
        return (zeroth * 3 + x) * zeroth, torch.ones(50, 20, dtype=x.dtype) * x, zeroth.sum()

    special = torch.tensor([0.0, float("nan"), float("inf")])
    x = torch.cat((torch.randn(47, dtype=torch.float64), special)).reshape(50, 1)
    for z in (x, x.expand(50, 20).contiguous(), x.float()):
        for passes in (("constants",), ("constants", "dead"), tuple(PASSES)):
            same(compiled(f, z, passes=passes)(z), f(z), True, passes)


@pytest.mark.parametrize("passes", [("constants",), tuple(PASSES)], ids=["constants", "all"])
@pytest.mark.parametrize("shape", [(), (3,), (300, 300)], ids=str)
def test_numbers_lose_the_digits_that_their_dtypes_do_not_hold(shape, passes):
    whole = 2 ** 60 + 2 ** 36 + 1  # by way of a double it would be another float

    def f(x: Any) -> Any:
        tenth = torch.full(shape, 0.1, dtype=torch.float64)
        return (tenth.float().double() * x, torch.full(shape, 0.1, dtype=torch.float32).double() * x,
                torch.full(shape, whole).float() * x, torch.full(shape, 0.1, dtype=torch.float32).double() - tenth,
                (torch.full(shape, 7) * 3).float() / 9 * x, -torch.full(shape, 0.0).double() * x)

    for x in (torch.ones(shape, dtype=torch.float64), torch.ones(shape)):
        same(compiled(f, x, passes=passes)(x), f(x), True, passes)


def test_scalars_that_ieee_tells_need_no_kernel(monkeypatch):
    def f(x: Any) -> Any:
        half = torch.tensor(0.5, dtype=torch.float64)
        return x * ((half * 3 - 1) / -half).float(), x + torch.tensor(4) * 5, torch.tensor(-0.0).double() + x

    monkeypatch.setattr(importlib.import_module("tapegrad.compiler.passes.constants"), "Program", None)
    x = torch.ones(3)
    same(compiled(f, x, passes=["constants"])(x), f(x), True, "")
