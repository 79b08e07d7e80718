"""Tensors made of many, and taken apart: one instruction however many there are, and no tensor of zeros a part."""
from __future__ import annotations

import pytest

import tapegrad as T
from tapegrad.dispatch import MOST_ALIKE
from tapegrad.tape import Tape

JOINS = {"stack": (T.stack, {}), "stack at the end": (T.stack, {"dim": -1}), "cat": (T.cat, {}),
         "cat columns": (T.cat, {"dim": 1})}


def pieces(n, dtype=T.float64):
    x = T.arange(n * 6, dtype=dtype).reshape(n, 2, 3).requires_grad_()
    return x, [x[i] * (i + 1) for i in range(n)]


@pytest.mark.parametrize("n", [32, 33, 500])
@pytest.mark.parametrize("name", JOINS)
def test_joins_of_any_number(name, n):
    join, how = JOINS[name]
    for _ in range(3):
        x, parts = pieces(n)
        joined = join(parts, **how)
        found = joined.unbind(how.get("dim", 0)) if join is T.stack else joined.split(*((3, 1) if how else (2,)))
        assert [p.tolist() for p in found] == [p.tolist() for p in parts]
        assert len(joined.grad_fn.next_functions) == n
        assert type(joined.grad_fn).__name__ == ("StackBackward0" if join is T.stack else "CatBackward0")
        (joined * joined).sum().backward()
        want = 2 * x.detach() * (T.arange(n, dtype=x.dtype).reshape(n, 1, 1) + 1) ** 2
        assert x.grad.tolist() == want.tolist()


def test_some_of_many_require_grad():
    v, u = T.ones(2, requires_grad=True), T.full((2,), 3.0)
    for n in range(40, 43):
        parts = [v if i % 3 else u for i in range(n)]
        joined = T.stack(parts)
        edges = joined.grad_fn.next_functions
        assert [e[0] is not None for e in edges] == [i % 3 != 0 for i in range(n)]
        v.grad = None
        joined.sum().backward()
        assert v.grad.tolist() == [float(sum(i % 3 != 0 for i in range(n)))] * 2
    assert not T.stack([u] * 50).requires_grad
    with T.no_grad():
        assert not T.stack([v] * 50).requires_grad


@pytest.mark.parametrize("dtype", [T.float32, T.int64, T.bool])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (3,)])
def test_joins_of_any_dtype_and_shape(dtype, shape):
    parts = [T.ones(shape).to(dtype)] * 100
    for _ in range(2):
        found = T.stack(parts)
        assert found.dtype is dtype and found.shape == (100, *shape)
        assert bool(found.all())
        if shape:
            assert T.cat(parts).shape == (100 * shape[0], *shape[1:])


def test_many_unlike_ones():
    x = T.arange(4.0, requires_grad=True)
    for _ in range(2):
        parts = [x[: i % 4] for i in range(60)]
        joined = T.cat([*parts, T.ones(2, dtype=T.float64), T.empty(0)])
        assert joined.dtype is T.float64 and joined.shape == (92,)
        x.grad = None
        joined.sum().backward()
        assert x.grad.tolist() == [45, 30, 15, 0]
    assert T.stack([T.ones(2, 3), T.ones(3, 2).t()] * 20).shape == (40, 2, 3)


@pytest.mark.parametrize("join", [T.stack, T.cat])
def test_more_than_one_instruction_has_for_operands(join):
    x = T.arange(3.0, requires_grad=True)
    joined = join([x] * (MOST_ALIKE + 1))
    assert joined.shape[0] == (MOST_ALIKE + 1) * (1 if join is T.stack else 3)
    assert joined.flatten()[-3:].tolist() == [0, 1, 2]
    assert len(joined.grad_fn.next_functions) == 2
    joined.sum().backward()
    assert x.grad.tolist() == [MOST_ALIKE + 1] * 3


def test_errors_of_many():
    with pytest.raises(RuntimeError, match="equal size"):
        T.stack([T.ones(2)] * 50 + [T.ones(3)])
    with pytest.raises(IndexError, match="Dimension out of range"):
        T.cat([T.ones(2)] * 50, dim=1)
    with pytest.raises(TypeError):
        T.stack([T.ones(2)] * 50 + [1.0])


def test_second_derivatives_of_many():
    x, parts = pieces(64)
    (first,) = T.autograd.grad((T.stack(parts) ** 3).sum(), x, create_graph=True)
    (second,) = T.autograd.grad(first.sum(), x)
    factor = (T.arange(64, dtype=x.dtype).reshape(64, 1, 1) + 1)
    assert T.allclose(second, 6 * x.detach() * factor ** 3)


def test_a_list_that_changes_is_read_each_time():
    parts = [T.tensor(float(i)) for i in range(40)]
    for i in range(5):
        parts[i] = T.tensor(-1.0)
        assert T.stack(parts).tolist() == [-1.0] * (i + 1) + [float(k) for k in range(i + 1, 40)]
    base = T.ones(40, 2, requires_grad=True) * 1
    rows = [base[i] for i in range(40)]
    base.mul_(3)  # the rows are to follow
    T.stack(rows).sum().backward()
    assert T.stack(rows).grad_fn is not None


def test_a_join_of_many_in_text_and_files(tmp_path):
    parts = pieces(40)[1]
    tape = Tape.of(T.stack(parts).sum())
    tape.verify()
    assert str(Tape.parse(str(tape))) == str(tape)
    tape.save(tmp_path / "tape")
    assert str(Tape.load(tmp_path / "tape")) == str(tape)


def test_many_are_captured():
    @T.compile
    def run(x):
        return T.stack([x[i] * 2 for i in range(40)]).sum(0)

    for n in range(4):
        x = T.full((40, 3), float(n))
        assert run(x).tolist() == [80.0 * n] * 3


# ---------------------------------------------------------------- a recorded sweep


def whole_frames(result):
    """How often a part was put into a frame of zeros of its own."""
    return Tape.of(result).operations.count("embed")


@pytest.mark.parametrize("take", [lambda x: [x[i] for i in range(len(x))], lambda x: x.unbind(0), lambda x: x.split(1),
                                  lambda x: [x[i:i + 1, :2] for i in range(len(x))]])
def test_gradients_of_parts_take_no_matrix_each(take):
    x = T.linspace(-1, 1, 60 * 50, dtype=T.float64).reshape(60, 50).requires_grad_()
    loss = sum((part ** 3).sum() for part in take(x))
    (first,) = T.autograd.grad(loss, x, create_graph=True)
    loss = (T.cat([part.reshape(-1) for part in take(x)]) ** 3).sum()
    (want,) = T.autograd.grad(loss, x, create_graph=True)
    assert T.allclose(first, want) and whole_frames(first) <= 2
    (second,) = T.autograd.grad((first ** 2).sum(), x)
    (expected,) = T.autograd.grad((want ** 2).sum(), x)
    assert T.allclose(second, expected)


def test_gradients_of_assignments_take_no_matrix_each():
    x = T.linspace(-1, 1, 60, dtype=T.float64).requires_grad_()

    def filled(x):
        s = T.zeros(60, dtype=T.float64)
        for i in range(60):
            s[i] = x[i] ** 2
        return s

    (first,) = T.autograd.grad((filled(x) ** 2).sum(), x, create_graph=True)
    assert T.allclose(first, 4 * x ** 3) and whole_frames(first) <= 2
    (second,) = T.autograd.grad(first.sum(), x, create_graph=True)
    assert T.allclose(second, 12 * x ** 2)
    (third,) = T.autograd.grad(second.sum(), x)
    assert T.allclose(third, 24 * x)


def test_what_others_see_of_a_gradient_stays():
    """Hooks and inputs that are asked for get tensors that nothing is added to later."""
    x = T.arange(6.0, dtype=T.float64).reshape(3, 2).requires_grad_()
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append((g.detach(), g.tolist())))
    loss = sum((y[i] ** 2).sum() * (i + 1) for i in range(3)) + (y ** 3).sum()
    gx, gy = T.autograd.grad(loss, (x, y), create_graph=True)
    assert all(g.tolist() == then for g, then in seen) and gx.tolist() == gy.tolist()
    (second,) = T.autograd.grad(gx.sum(), x)
    assert second.tolist() == [[2.0, 8.0], [16.0, 22.0], [30.0, 36.0]]
