"""Calls that native code has learnt: every later call of a kind is what the first, which Python ran, was."""
from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

import tapegrad as T
from tapegrad.machine import live
from tapegrad.machine.learning import lessons

F = T.nn.functional

# Of a matrix x, another y, positions i and a mask m.
CALLS = {
    "sum dim": lambda x, y, i, m: x.sum(1),
    "sum keepdim": lambda x, y, i, m: x.sum(dim=0, keepdim=True),
    "mean dtype": lambda x, y, i, m: x.mean(1, dtype=T.float32),
    "max dim": lambda x, y, i, m: x.max(1),
    "var": lambda x, y, i, m: x.var(0, unbiased=False),
    "norm": lambda x, y, i, m: x.norm(3, dim=1),
    "softmax": lambda x, y, i, m: x.softmax(-1),
    "log_softmax": lambda x, y, i, m: F.log_softmax(x, dim=0),
    "cumsum": lambda x, y, i, m: x.cumsum(1),
    "sort": lambda x, y, i, m: x.sort(1, descending=True),
    "topk": lambda x, y, i, m: x.topk(2),
    "elu": lambda x, y, i, m: F.elu(x, 0.5),
    "leaky_relu": lambda x, y, i, m: F.leaky_relu(x, negative_slope=0.2),
    "gelu": lambda x, y, i, m: F.gelu(x, approximate="tanh"),
    "add alpha": lambda x, y, i, m: T.add(x, y, alpha=3),
    "clamp": lambda x, y, i, m: x.clamp(-0.5, 0.5),
    "where": lambda x, y, i, m: T.where(m, x, 0.0),
    "masked_fill": lambda x, y, i, m: x.masked_fill(m, 2.0),
    "lerp": lambda x, y, i, m: T.lerp(x, y, 0.25),
    "reshape": lambda x, y, i, m: x.reshape(-1),
    "transpose": lambda x, y, i, m: x.transpose(0, 1),
    "T": lambda x, y, i, m: x.T,
    "permute": lambda x, y, i, m: x.permute(1, 0),
    "unsqueeze": lambda x, y, i, m: x.unsqueeze(-1),
    "expand": lambda x, y, i, m: x[0].expand(3, -1),
    "narrow": lambda x, y, i, m: x.narrow(1, 1, 2),
    "diagonal": lambda x, y, i, m: x.diagonal(1),
    "split": lambda x, y, i, m: x.split(2),
    "unbind": lambda x, y, i, m: x.unbind(1),
    "contiguous": lambda x, y, i, m: x.contiguous(),
    "x[1]": lambda x, y, i, m: x[1],
    "x[-1, 2]": lambda x, y, i, m: x[-1, 2],
    "x[1:3]": lambda x, y, i, m: x[1:3],
    "x[:, 1]": lambda x, y, i, m: x[:, 1],
    "x[..., None, 1:]": lambda x, y, i, m: x[..., None, 1:],
    "x[::2]": lambda x, y, i, m: x[::2],
    "x[[0, 2]]": lambda x, y, i, m: x[[0, 2]],
    "x[i]": lambda x, y, i, m: x[i],
    "x[:, i]": lambda x, y, i, m: x[:, i],
    "x[m]": lambda x, y, i, m: x[m],
    "gather": lambda x, y, i, m: x.gather(1, i.unsqueeze(0)),
    "index_add": lambda x, y, i, m: x.index_add(0, i, y[:3]),
    "scatter_reduce": lambda x, y, i, m: x.scatter_reduce(1, i.unsqueeze(0), y, "sum", include_self=False),
    "scatter value": lambda x, y, i, m: x.scatter(0, i.unsqueeze(0), 2.5),
    "cat": lambda x, y, i, m: T.cat([x, y], dim=1),
    "cat twice the same": lambda x, y, i, m: T.cat([x, x]),
    "stack": lambda x, y, i, m: T.stack((x, y, x), -1),
    "flip": lambda x, y, i, m: x.flip(0),
    "roll": lambda x, y, i, m: x.roll(1, 1),
    "tril": lambda x, y, i, m: x.tril(-1),
    "pad": lambda x, y, i, m: F.pad(x, (1, 2)),
    "repeat": lambda x, y, i, m: x.repeat(2, 1),
    "diag": lambda x, y, i, m: x[0].diag(),
    "x @ y": lambda x, y, i, m: x @ y,
    "matrix @ vector": lambda x, y, i, m: x @ y[0],
    "einsum": lambda x, y, i, m: T.einsum("ij,kj->ik", x, y),
    "outer": lambda x, y, i, m: T.outer(x[0], y[1]),
    "addmm": lambda x, y, i, m: T.addmm(x, x, y, beta=2, alpha=0.5),
    "linear": lambda x, y, i, m: F.linear(x, y, x[0]),
    "mse_loss": lambda x, y, i, m: F.mse_loss(x, y, reduction="sum"),
    "cross_entropy": lambda x, y, i, m: F.cross_entropy(x[:3], i),
    "to": lambda x, y, i, m: x.to(T.float32),
    "to itself": lambda x, y, i, m: x.to(T.float64),
    "detach": lambda x, y, i, m: x.detach(),
    "inv": lambda x, y, i, m: T.linalg.inv(x),
    "slogdet": lambda x, y, i, m: T.linalg.slogdet(x),
    "where positions": lambda x, y, i, m: m.nonzero(),
    "stack of many": lambda x, y, i, m: T.stack([x, y] * 20, 1),
    "cat of many": lambda x, y, i, m: T.cat((x,) * 50, dim=-1),
    "x[1] = y[0]": lambda x, y, i, m: _assigned(x, 1, y[0]),
    "x[-1, 2] = y": lambda x, y, i, m: _assigned(x, (-1, 2), y[0, 0]),
    "x[1:3] = y": lambda x, y, i, m: _assigned(x, slice(1, 3), y[0]),
    "x[:, 1] = y": lambda x, y, i, m: _assigned(x, (slice(None), 1), y[:, 0]),
    "x[...] = y": lambda x, y, i, m: _assigned(x, ..., y),
    "x[None] = y": lambda x, y, i, m: _assigned(x, None, y[None]),
    "x[0] = number": lambda x, y, i, m: _assigned(x, 0, 2.5),
    "x[0] = 1": lambda x, y, i, m: _assigned(x, 0, 1),
    "x[0] = True": lambda x, y, i, m: _assigned(x, 0, True),
    "x[0] = float32": lambda x, y, i, m: _assigned(x, 0, y[0].float()),
    "x[m] = number": lambda x, y, i, m: _assigned(x, m, 0.5),
    "x[m[0]] = y": lambda x, y, i, m: _assigned(x, m[0], y[1]),
    "x[[0, 2]] = y": lambda x, y, i, m: _assigned(x, [0, 2], y[1]),
    "x[i] = y": lambda x, y, i, m: _assigned(x, T.arange(3), y[:3]),
    "x[:, i] = y": lambda x, y, i, m: _assigned(x, (slice(None), T.arange(3)), y[:, :3]),
    "index_put_": lambda x, y, i, m: (x * 1).index_put_((T.arange(3),), y[:3], accumulate=True),
    "constant[0] = y": lambda x, y, i, m: _assigned(T.zeros(4, 4, dtype=x.dtype), 0, y[0], factor=None),
}


def _assigned(x, index, value, factor=1):
    written = x if factor is None else x * factor
    written[index] = value
    return written


@pytest.fixture(autouse=True)
def room_for_more(monkeypatch):
    """Whatever other tests have had learnt."""
    monkeypatch.setattr(lessons, "_counts", {})


def operands(number, turned=False, size=4):
    T.manual_seed(number)
    x, y = (T.randn(size, size, dtype=T.float64) for _ in range(2))
    if turned:
        x, y = x.t().contiguous().t(), y
    return x, y, T.randint(0, 4, (3,)), T.randn(size, size) > 0


def outcome(call, number, grad=True, turned=False, size=4):
    """Everything a call gives: values, how they lie, what made them, and the gradients of x and y."""
    x, y, i, m = operands(number, turned, size)
    if grad:
        x.requires_grad_(), y.requires_grad_()
    found = call(x, y, i, m)
    several = found if isinstance(found, tuple) else (found,)
    told = [(type(found).__name__, r.tolist(), r.stride(), r.dtype, r.requires_grad, r._is_view(), r._base is x,
             r is x, type(r.grad_fn).__name__) for r in several]
    kept = [r for r in several if r.requires_grad and not r.is_leaf]
    if kept:
        sum((r * r).sum() for r in kept).backward()
    return told, *(None if g is None else g.tolist() for g in (x.grad, y.grad))




def python_only(monkeypatch, *given, **how):
    with monkeypatch.context() as patch:
        patch.setattr(lessons, "active", lessons.Lesson(None, None, 0, ()))
        live.machine.state["teaching"] = 1
        try:
            return outcome(*given, **how)
        finally:
            live.machine.state["teaching"] = 0


@pytest.mark.parametrize("name", CALLS)
def test_learnt_calls_are_what_python_does(name, monkeypatch):
    """With other numbers, another layout, with and without grad and recording, in turn."""
    call = CALLS[name]
    for turn in range(3):
        for how in ({}, {"grad": False}, {"turned": True}):
            assert repr(outcome(call, turn, **how)) == repr(python_only(monkeypatch, call, turn, **how)), (turn, how)
        with T.no_grad():
            x, y, i, m = operands(turn)
            x.requires_grad_()
            found = call(x, y, i, m)
            for r in found if isinstance(found, tuple) else (found,):
                assert r is x or r.grad_fn is None


@pytest.mark.parametrize("name", [n for n in CALLS if n not in ("x[m]", "cross_entropy", "where positions")])
def test_most_calls_are_learnt(name):
    x, y, i, m = operands(0)
    x.requires_grad_(), y.requires_grad_()
    CALLS[name](x, y, i, m)
    taught = live.machine.n_recipes
    with _no_lessons():
        CALLS[name](x, y, i, m)
    assert live.machine.n_recipes == taught


class _no_lessons:
    """Fails when native code asks Python to teach it."""

    def __enter__(self):
        self.teach = int(live.machine.state["teach"][0])
        live.machine.state["teach"] = id(_refuse)

    def __exit__(self, *error):
        live.machine.state["teach"] = self.teach


def _refuse(*args, **kwargs):
    raise AssertionError("not learnt")


def test_none_among_results_is_learnt():
    x = T.randn(5, 2, 8)
    attend = T.nn.MultiheadAttention(8, 2)
    for _ in range(2):  # what is copied is kept from the second call on
        first = attend(x, x, x, need_weights=False)
    with _no_lessons():
        again = attend(x, x, x, need_weights=False)
    assert first[1] is again[1] is None and T.equal(first[0], again[0])


def test_indices_move_what_was_learnt():
    x = T.arange(24).reshape(4, 6)
    flat = [list(range(6 * r, 6 * r + 6)) for r in range(4)]
    for r in (0, 3, -1, -4, 2):
        assert x[r].tolist() == flat[r]
        for c in (5, 0, -6, 1):
            assert x[r, c].item() == flat[r][c]
            assert x[:, c].tolist() == [row[c] for row in flat]
            assert x[..., c].tolist() == [row[c] for row in flat]
    for start in range(6):
        for end in range(start, 9):
            assert x[start:end].tolist() == flat[start:end]
            assert x[1:3, start:end].tolist() == [row[start:end] for row in flat[1:3]]
            assert x[0:4, start:end].tolist() == [row[start:end] for row in flat]
            assert x[start:end, -1].tolist() == [row[-1] for row in flat[start:end]]
            assert x[start:end, :5].tolist() == [row[:5] for row in flat[start:end]]


def test_indices_out_of_range_are_refused_after_lessons():
    x = T.arange(4.0)
    assert x[3].item() == 3
    for wrong in (4, -5):
        with pytest.raises(IndexError, match="out of bounds"):
            x[wrong]
    with pytest.raises(IndexError):
        x[0, 0]


def test_gradients_of_moved_views():
    x = T.arange(6.0).reshape(2, 3).requires_grad_()
    for r in range(2):
        for c in range(3):
            x.grad = None
            x[r, c].backward()
            assert x.grad.tolist() == [[float((a, b) == (r, c)) for b in range(3)] for a in range(2)]
            x.grad = None
            x[:, c:c + 1].sum().backward()
            assert x.grad.tolist() == [[float(b == c) for b in range(3)] for _ in range(2)]


def test_numbers_are_part_of_the_kind():
    x = T.tensor([[1.0, 2.0], [3.0, 5.0]])
    for slope in (0.1, 0.2, 0.1, 0.5):
        assert F.leaky_relu(-x, slope)[0, 0].item() == pytest.approx(-slope)
    for dim in (0, 1, -1, 0):
        assert x.sum(dim).tolist() == ([4.0, 7.0] if dim == 0 else [3.0, 8.0])
    for alpha in (1, 2, 1.5):
        assert T.add(x, x, alpha=alpha)[0, 0].item() == 1 + alpha
    with pytest.raises(RuntimeError, match="Boolean alpha"):
        T.add(x, x, alpha=True)
    assert T.sum(x, 1).dtype is T.float32
    assert T.sum(x, 1, dtype=T.float64).dtype is T.float64


def test_the_same_tensor_twice_is_another_kind():
    x, y = T.tensor([1.0]), T.tensor([2.0])
    assert T.stack([x, x]).tolist() == [[1], [1]]
    assert T.stack([x, y]).tolist() == [[1], [2]]
    assert T.stack([y, y]).tolist() == [[2], [2]]
    assert T.stack([y, x]).tolist() == [[2], [1]]


def test_what_depends_on_elements_is_not_learnt():
    for values in ([1.0, 0.0, 2.0], [0.0, 0.0, 2.0], [1.0, 1.0, 1.0]):
        x = T.tensor(values)
        assert len(x.nonzero()) == sum(v != 0 for v in values)
        assert x[x != 0].tolist() == [v for v in values if v]
        assert x.median().item() == sorted(values)[1]
        assert x.unique().tolist() == sorted(set(values))


def test_random_numbers_are_drawn_every_time():
    x = T.ones(100)
    assert len({tuple(F.dropout(x).tolist()) for _ in range(4)}) == 4


def test_results_are_the_callers():
    x = T.arange(4.0)
    for _ in range(3):
        assert x.roll(1).zero_().tolist() == [0] * 4
        assert x.roll(1).tolist() == [3, 0, 1, 2]
        frame = F.pad(x, (1, 1))
        assert frame.tolist() == [0, 0, 1, 2, 3, 0]
        frame.fill_(7)


def test_views_that_were_learnt_alias_their_base():
    for _ in range(3):
        x = T.zeros(2, 3)
        row = x[1]
        row += 1
        x.T[0] = 5
        assert x.tolist() == [[5, 0, 0], [5, 1, 1]]
        assert row._base is x
        assert x._version == row._version == 2


def test_in_place_on_a_learnt_view_rewrites_history():
    for _ in range(3):
        w = T.ones(2, 2, requires_grad=True)
        y = w * 1
        y[0] *= 3
        y.transpose(0, 1)[0].mul_(2)
        y.sum().backward()
        assert w.grad.tolist() == [[6, 3], [2, 1]]


def test_refusals_after_lessons():
    x = T.ones(2, 3)
    x.sum(1)
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.sum(2)
    with pytest.raises(TypeError):
        x.sum(1, True, False, 0)
    with pytest.raises(RuntimeError, match="shape"):
        x.reshape(4, 2)


def test_subclasses_keep_their_python():
    class Named(T.Tensor):
        pass

    x = T.ones(2, 2)
    x.sum(1)
    assert T.ones(2, 2).as_subclass(Named).sum(1).tolist() == [2, 2]


def test_the_default_dtype_is_part_of_the_kind():
    whole = T.arange(3)
    for kind in (T.float32, T.float64, T.float32, T.float64):
        T.set_default_dtype(kind)
        assert (whole * 0.5).dtype is kind
        assert whole.softmax(0, dtype=kind).dtype is kind
        assert T.clamp(whole, 0.5, 1.5).dtype is kind
    T.set_default_dtype(T.float32)


@pytest.mark.parametrize("name", ["sum dim", "roll", "x[1:3]", "x[[0, 2]]", "cat", "linear", "max dim", "add alpha"])
def test_learnt_calls_are_captured(name):
    call = CALLS[name]
    x, y, i, m = operands(0)
    for _ in range(3):
        call(x, y, i, m)

    @T.compile
    def run(x, y, i):
        found = call(x, y, i, None)
        return found[0] if isinstance(found, tuple) else found

    for number in range(4):
        x, y, i, m = operands(number)
        want = call(x, y, i, m)
        assert run(x, y, i).tolist() == (want[0] if isinstance(want, tuple) else want).tolist()


@pytest.mark.parametrize("name", [n for n in CALLS if "constant" not in n])
def test_calls_may_be_learnt_while_they_are_captured(name, monkeypatch):
    """Of a size that nobody has met; then they are what Python does, captured, replayed, and as written."""
    def step(x, y, i, m):
        found = CALLS[name](x, y, i, m)
        return found[0] if isinstance(found, tuple) else found

    def with_gradients(call, number):
        x, y, i, m = operands(number, size=7)
        x.requires_grad_(), y.requires_grad_()
        found = call(x, y, i, m)
        if found.requires_grad:
            (found * found).sum().backward()
        return [None if t is None else t.tolist() for t in (found, x.grad, y.grad)]

    run = T.compile(step)
    for number in range(5):
        with monkeypatch.context() as patch:
            patch.setattr(lessons, "active", lessons.Lesson(None, None, 0, ()))
            live.machine.state["teaching"] = 1
            want = with_gradients(step, number)
            live.machine.state["teaching"] = 0
        for a, b in zip(with_gradients(run, number), want):
            assert (a is None) == (b is None) and (a is None or np.allclose(a, b, rtol=1e-12, atol=1e-14))
    assert repr(outcome(CALLS[name], 1, size=7)) == repr(python_only(monkeypatch, CALLS[name], 1, size=7))


def pythons(call):
    """How often Python indexes."""
    found = 0

    def look(frame, event, argument):
        nonlocal found
        found += event == "call" and frame.f_code.co_name == "getitem"

    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.parametrize("of", [lambda i: np.s_[i:i + 6], lambda i: np.s_[-i:], lambda i: np.s_[:3 * i],
                                lambda i: np.s_[:, -i:i + 4], lambda i: np.s_[..., i:i + 4], lambda i: np.s_[i + 2:i],
                                lambda i: np.s_[i:i + 6, None, 1, ..., i:99], lambda i: np.s_[i:, i:]])
def test_slices_end_where_an_axis_does(of):
    x = T.randn(9, 7, 5)
    for i in range(-12, 12):
        assert x[of(i)].numpy().tobytes() == x.numpy()[of(i)].tobytes()
    assert pythons(lambda: [x[of(i)] for i in range(-12, 12)]) == 0


@pytest.mark.parametrize("teacher", [threading.get_ident(), 1], ids=["this thread", "one that has ended"])
def test_a_lesson_that_was_interrupted_is_none(teacher, monkeypatch):
    monkeypatch.setattr(lessons, "_teacher", teacher)
    x = T.randn(9, 7, 5 + (teacher == 1))
    x[2:4], x[2:4]
    assert pythons(lambda: x[2:4]) == 0


def test_a_function_that_is_captured_first_is_learnt_then():
    x = T.randn(9, 11, 13)

    def ninety_nine(x):
        total = 0.0
        for i in range(9):
            for j in range(11):
                total = total + x[i][j].sum()
        return total

    run = T.compile(ninety_nine)
    assert pythons(lambda: run(x)) <= 2 and pythons(lambda: run(x)) == 0 and pythons(lambda: ninety_nine(x)) == 0


def test_a_view_whose_base_was_rewritten_is_brought_up_to_date():
    for _ in range(3):
        w = T.ones(3, requires_grad=True)
        base = w * 1
        view = base[0:2]
        base.mul_(2)
        view.sum(0).backward()
        assert w.grad.tolist() == [2, 2, 0]


def test_assigned_numbers_are_not_part_of_the_kind():
    x = T.zeros(3, 4)
    x[0, 0] = 0.25
    x[1] = 77
    taught = live.machine.n_recipes
    for n in range(200):
        x[n % 3, n % 4] = n + 0.5
        assert x[n % 3, n % 4].item() == n + 0.5
        x[n % 3] = n + 10
        assert x[n % 3].tolist() == [n + 10] * 4
    assert live.machine.n_recipes - taught <= 4  # of the reads


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("index", [[0], [-1, -1], ([0],), (..., [0]), True, None, "tensor", "mask", "0-d"], ids=str)
def test_every_number_that_is_assigned_is_written(index, dtype):
    """At places, in views and under masks: what was assigned before does not come back."""
    at = {"tensor": T.tensor([0]), "mask": T.tensor([True, False]), "0-d": T.tensor(0)}
    kind = getattr(T, dtype)
    for value in (0.5, 1.5, 2.25, 70, 80, 3, True, False, 100.0, 0.5):
        x = T.zeros(2, dtype=kind)
        x[at.get(index, index) if isinstance(index, str) else index] = value
        assert T.tensor(value, dtype=kind).item() in x.tolist()
        y = T.zeros(2, 2, dtype=kind)
        y[1:, [1]] = value
        assert y[1, 1].item() == T.tensor(value, dtype=kind).item()


def test_assignments_of_every_kind_after_lessons():
    whole = T.zeros(4, dtype=T.int64)
    for n in range(3):
        whole[n] = 2.75
        whole[3] = n + 2 ** 40
        assert whole[n].item() == 2 and whole[3].item() == n + 2 ** 40
    small = T.zeros(2, dtype=T.uint8)
    for value in (1, 200, True):
        small[1] = value
        assert small.tolist() == [0, int(value)]


REFUSED_WRITES = {  # to a leaf w, or to s, which is computed from it
    "leaf": (RuntimeError, "leaf Variable", lambda w, s: w.add_(w[0])),
    "view of a leaf": (RuntimeError, "view of a leaf", lambda w, s: w.__setitem__(1, w[0])),
    "no_grad": (RuntimeError, "no_grad", lambda w, s: _without_grad(s).mul_(w[1])),
    "unbind": (RuntimeError, "multiple views", lambda w, s: s.unbind(0)[0].mul_(w[1])),
    "overlap": (RuntimeError, "overlap|single memory location", lambda w, s: s.__setitem__(slice(0, 2), s[1:3])),
    "expanded": (RuntimeError, "more than one element", lambda w, s: s[0].expand(3, 4).mul_(w)),
    "shape": (RuntimeError, "must match", lambda w, s: s.__setitem__(1, w[:, 0])),
    "range": (IndexError, "out of bounds", lambda w, s: s.__setitem__(3, w[0])),
}


@pytest.mark.parametrize("how", REFUSED_WRITES)
def test_writes_are_refused_after_lessons(how):
    error, message, write = REFUSED_WRITES[how]
    for _ in range(2):  # what is learnt is that it can be done
        w = T.ones(3, 4, requires_grad=True)
        s = w * 1
        s[1] = w[0]
        s[1, 2] = 4.5
        s[0:2] = s[2:3].clone()
        s[0].mul_(w[1])
    version, before = s._version, s.tolist()
    with pytest.raises(error, match=message):
        write(w, s)
    assert s._version == version and s.tolist() == before


def _without_grad(s):
    with T.no_grad():
        return s[0]


def test_hooks_and_retained_gradients_see_what_is_written():
    for _ in range(3):
        seen = []
        w = T.ones(2, 2, requires_grad=True)
        s = w * 1
        s.retain_grad()
        s.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        s[0] = 2 * w[1]
        s.sum().backward()
        assert w.grad.tolist() == [[0, 0], [3, 3]]
        assert s.grad.tolist() == [[1, 1], [1, 1]] and seen == [[[0, 0], [1, 1]]]
        assert type(s.grad_fn).__name__ == "CopySlices"


def test_views_of_what_was_written_follow():
    for _ in range(3):
        w = T.ones(3, 3, dtype=T.float64, requires_grad=True)
        s = w * 1
        column, row, corner = s[:, 0], s[1], s[1][:2]
        for n in range(3):
            s[n, 0] = w[0, n] * 2
            corner *= 3
        assert (column._version, row._version, s._version) == (6, 6, 6)
        (column.sum() + row.sum() + corner.sum()).backward()
        # The corner is written after each element: s[1] ends as [18, 27, 1].
        assert w.grad.tolist() == [[2, 54, 2], [0, 54, 1], [0, 0, 0]]
