"""Sums of a sparse Jacobian by compiled rules, on what each run keeps; by sweeps where Python acts in them."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from own_functions import Cube
from test_sparse import FUNCTIONS, INDEX, MATRIX, SCALARS, assigned, looped, point, scattered

import tapegrad as torch
from tapegrad.compiler import compiled_function
from tapegrad.sparse import hessian, jacobian, kept_sweeps, matrices

NAMED = Cube, INDEX, MATRIX, assigned, looped, scattered  # by the texts


class AsWritten:
    """In the place of a compiled function."""

    runs = 0
    tapes, reason = True, None

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        AsWritten.runs += 1
        return self.function(*args)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few elements there are, from the second call on."""
    monkeypatch.setattr(kept_sweeps, "BEGIN", 0)
    monkeypatch.setattr(matrices, "LONG", 0)


@pytest.fixture
def as_written(monkeypatch: pytest.MonkeyPatch) -> type[AsWritten]:
    monkeypatch.setattr(compiled_function, "Compiled", AsWritten)
    AsWritten.runs = 0
    return AsWritten


def is_dense(J: Any, x: Any, *args: Any) -> bool:
    dense = torch.func.jacrev(J.__wrapped__)(x, *args)
    np.testing.assert_allclose(J(x, *args).toarray(), dense.reshape(-1, x.numel()).numpy(), 1e-9, 1e-12)
    return True


# No rules, or not alone: nodes of Python's, writes to views, what is tied to its operand; another program each time.
SWEPT = {"x", "Cube.apply(x)", "assigned(x)", "assigned(x).sum()", "x.sort()[0][:2]", "x.topk(2)[0]",
         "torch.nn.functional.conv1d(x.reshape(1, 1, 6), MATRIX[:1, :3].reshape(1, 1, 3)).tanh()"}


@pytest.mark.parametrize("text", [*FUNCTIONS.strip().splitlines(), *SCALARS.strip().splitlines()])
def test_values(text: str, as_written: type[AsWritten]) -> None:
    function = eval(f"lambda x: {text}")
    found = jacobian(function)
    for seed in range(4):
        assert is_dense(found, point(seed))
    assert as_written.runs == 3 or found.forward or not found.count or text in SWEPT


@pytest.mark.parametrize("text", SCALARS.strip().splitlines())
def test_second_derivatives(text: str, as_written: type[AsWritten]) -> None:
    function = eval(f"lambda x: {text}")
    found = hessian(function)
    for seed in range(4):
        x = point(seed)
        dense = torch.autograd.functional.hessian(lambda a: function(a) + 0 * a.sum(), x)
        np.testing.assert_allclose(found(x).toarray(), dense.numpy(), 1e-9, 1e-12)


def replays(found: Any) -> int:
    return sum(k.kept._compiled.replays for k in found._known if k.kept._compiled is not None)


STATE = {"by": torch.ones(6, dtype=torch.float64), "power": 1.5}
COMPILED = {
    "neighbours": lambda x: torch.nn.functional.pad(x, (1, 1))[2:] * x.sin() + x.roll(1) * x,
    "what it reads changes": lambda x: (x * STATE["by"]).sin() * x.roll(1),
    "numbers change": lambda x: x.abs() ** STATE["power"] * x.roll(1),
    "it is drawn": lambda x: torch.nn.functional.dropout(x * x.roll(1), 0.5),
    "branches": lambda x: x.roll(1) * x.cos() if x[0] > 0 else x.roll(2) * x,
    "rows": lambda x: x.reshape(2, 3).softmax(1) * x[:3].exp(),
    "indices": lambda x: x[INDEX] * x.roll(1)[:4],
}


@pytest.mark.parametrize("name", COMPILED)
def test_compiled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = jacobian(COMPILED[name])
    for seed in range(9):
        x = point(seed)
        monkeypatch.setitem(STATE, "by", point(seed + 100))
        monkeypatch.setitem(STATE, "power", 1.5 + seed)
        torch.manual_seed(seed)
        made = found(x).toarray()
        torch.manual_seed(seed)
        dense = torch.func.jacrev(COMPILED[name])(x)
        np.testing.assert_allclose(made, dense.reshape(-1, 6).numpy(), 1e-9, 1e-12)
    assert replays(found) >= 2


def test_what_was_written_since_is_refused(as_written: type[AsWritten]) -> None:
    def function(x: Any, late: bool) -> Any:
        by = torch.ones(6, dtype=x.dtype)
        y = x * by
        by.mul_(3) if late else by.clone()
        return y.sin()

    found = jacobian(function)
    for _ in range(3):
        found(point(), False)
    assert as_written.runs == 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        found(point(), True)
    assert is_dense(found, point(), False)


def doubled(x: Any, y: Any) -> None:
    y.register_hook(lambda g: g * 2)


def doubled_at_once(x: Any, y: Any) -> None:
    x.register_hook(lambda g: g * 2)


def doubled_in_node(x: Any, y: Any) -> None:
    y.grad_fn.register_prehook(lambda gs: (gs[0] * 2,))


@pytest.mark.parametrize("attend", [doubled, doubled_at_once, doubled_in_node])
def test_hooks_act(attend: Any, as_written: type[AsWritten]) -> None:
    def function(x: Any, hooked: bool) -> Any:
        y = x.sin()
        if hooked:
            attend(x, y)
        return y * 2

    found = jacobian(function)
    once, *_ = [found(point(), hooked).toarray() for hooked in (False, False, False)]
    assert as_written.runs == 2
    np.testing.assert_allclose(found(point(), True).toarray(), 2 * once)
    np.testing.assert_allclose(found(point(), False).toarray(), once)
    always = jacobian(lambda x: function(x, True))
    for _ in range(3):
        np.testing.assert_allclose(always(point()).toarray(), 2 * once)


def test_what_hooks_unpack(as_written: type[AsWritten]) -> None:
    def function(x: Any, factor: float | None) -> Any:
        if factor is None:
            return x * x.detach().roll(1)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t * factor, lambda t: t):
            return x * x.detach().roll(1)

    found = jacobian(function)
    ones = torch.ones(6, dtype=torch.float64)
    for factor in (None, None, None, 1.0, 2.0, None):
        np.testing.assert_allclose(found(ones, factor).toarray(), (factor or 1) * np.eye(6))
    assert as_written.runs == 3


def test_retained_gradients_are_left(as_written: type[AsWritten]) -> None:
    left: list[Any] = []

    def function(x: Any) -> Any:
        y = x.sin()
        y.retain_grad()
        left.append(y)
        return y * 2

    found = jacobian(function)
    for _ in range(3):
        found(point())
    assert [y.grad is not None for y in left] == [True] * 3


class Answering(torch.Tensor):
    answers = 0

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        Answering.answers += 1
        return super().__torch_function__(function, types, args, kwargs or {})


def test_classes_that_answer_for_functions_are_not_asked_more(as_written: type[AsWritten]) -> None:
    by = point(1).as_subclass(Answering)
    found = jacobian(lambda x: (x * by).as_subclass(torch.Tensor))
    for _ in range(4):
        before = Answering.answers
        np.testing.assert_allclose(found(point()).toarray(), np.diag(by.numpy()))
        made = Answering.answers - before
    assert not as_written.runs and made == 2


def test_one_thing_kept_for_two(as_written: type[AsWritten]) -> None:
    def function(x: Any, a: Any, b: Any) -> Any:
        return (x * a).sin() * b

    found = jacobian(function)
    a, b = point(1), point(2)
    for given in ((a, b), (a, b), (a, b), (a, a), (b, b), (b, a)):
        assert is_dense(found, point(), *given)


def test_no_warning_where_rules_cannot_be_compiled(monkeypatch: pytest.MonkeyPatch, recwarn: Any) -> None:
    class Refusing(AsWritten):
        tapes, reason = False, "it is not known to be safe"

    monkeypatch.setattr(compiled_function, "Compiled", Refusing)
    found = jacobian(lambda x: x[1:] * x[:-1])
    for _ in range(4):
        assert is_dense(found, point())
    assert not recwarn.list and not found._known[0].kept.are_ready
