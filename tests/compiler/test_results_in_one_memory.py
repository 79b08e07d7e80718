"""Results that lie in one memory, and have no history: a write to one is seen in the others, its history too."""
from __future__ import annotations

from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

W = torch.tensor([2.0, 3.0])


def whole_and_row(x):
    y = x * 2
    return y, y[0]


def rows(x):
    y = x * 2
    return y[:1].view(2), y[0]


def transposed(x):
    y = x * 2
    return [y.t()[:, 0], y, {"row": y[0]}]


def split(x):
    y, z = (x * 2).unbind()
    return y, z


def under_no_grad(x):
    with torch.no_grad():
        y = x * 2
        return y.view(4)[:2], y[0]


def one_view(x):
    with torch.no_grad():
        return (x * 2).view(4)[:2]


def of_a_whole(x):
    with torch.no_grad():
        return (x * 2)[0].view(2)


def detached(x):
    y = x * 2
    return y.detach(), y[0]


def view_of_what_is_detached(x):
    return (x * 2).detach()[0], x * 3


def with_numbers(x):
    y = x * 2
    return y, y[0], y.sum().item()


def tensors(result: Any) -> list[Any]:
    if isinstance(result, torch.Tensor):
        return [result]
    values = result.values() if isinstance(result, dict) else result if isinstance(result, (list, tuple)) else ()
    return [t for v in values for t in tensors(v)]


def write_with_history(found: Any, w: Any) -> None:
    found[-1].mul_(w)


def write_to_the_first(found: Any, w: Any) -> None:
    found[0].mul_(w) if found[0].dim() == 1 else found[0].mul_(w.sum())


def write_to_a_view_of_a_leaf(found: Any, w: Any) -> None:
    found[0].requires_grad_()
    found[-1].mul_(2)


def write_under_no_grad(found: Any, w: Any) -> None:
    with torch.no_grad():
        found[-1].add_(1)


def told(t: Any) -> Any:
    try:
        return t.tolist(), t.requires_grad, t.is_leaf, t._version
    except RuntimeError as error:  # a view whose history is not to be told
        return str(error)


def outcome(function: Any, write: Any, mode: Any) -> Any:
    w = W.clone().requires_grad_()
    with mode():
        found = tensors(function(torch.ones(2, 2)))
    said: list[Any] = [[t._is_view() for t in found], found[-1]._base is found[0]]
    try:
        write(found, w)
        sum(t.sum() for t in found if t.requires_grad).backward()  # type: ignore[union-attr]
    except (RuntimeError, AttributeError) as error:
        said.append(str(error))
    return said, [*map(told, found)], None if w.grad is None else w.grad.tolist()


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad], ids=["grad", "no_grad"])
@pytest.mark.parametrize("write", [write_with_history, write_to_the_first, write_to_a_view_of_a_leaf,
                                   write_under_no_grad], ids=lambda f: f.__name__)
@pytest.mark.parametrize("function", [whole_and_row, rows, transposed, split, under_no_grad, one_view, of_a_whole,
                                      detached, view_of_what_is_detached, with_numbers], ids=lambda f: f.__name__)
def test_a_write_to_one_is_a_write_to_all(function, write, mode):
    f, expected = compile(function), outcome(function, write, mode)
    for _ in range(4):
        assert outcome(f, write, mode) == expected, f.explain()
    assert f.replays > 0, f.explain()


@pytest.mark.parametrize("first", [torch.inference_mode, torch.no_grad], ids=["inference_mode", "no_grad"])
def test_calls_of_both_modes_are_one_program(first):
    f = compile(whole_and_row)
    for mode in [first] * 3 + [torch.no_grad, torch.inference_mode] * 2:
        with mode():
            plain, found = whole_and_row(torch.ones(2, 2)), f(torch.ones(2, 2))
        assert [(t.is_inference(), t._is_view()) for t in found] == [(t.is_inference(), t._is_view()) for t in plain]
    assert f.replays == 5


def test_views_of_memory_by_two_names_run_as_they_are_written():
    @compile
    def f(x):
        y = x * 2
        return y.detach()[0], y[0]

    with pytest.warns(UserWarning, match="a view of what it detached"):
        for _ in range(4):
            a, b = f(torch.ones(2, 2))
            a.mul_(W.clone().requires_grad_())
            assert a.requires_grad and not b.requires_grad
    assert not f.replays


def columns(x):
    y = (x @ V).tanh()
    return y[:, :1], y[:, 1], x * 2


def rows_and_more(x):
    y = V * x.sum()
    return y[0], y[1].exp(), y[1], (y[0] * y[1]).sum()


V = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


def use_all(found: Any) -> None:
    sum(t.sum() for t in found if t.requires_grad).backward()


def use_each(found: Any) -> None:
    found[0].sum().backward(retain_graph=True)
    found[1].pow(2).sum().backward()


def use_with_hooks(found: Any) -> None:
    for t in found[:2]:
        t.register_hook(lambda g: g * 2)
    use_all(found)


def use_twice(found: Any) -> None:
    (g,) = torch.autograd.grad(found[0].sum() + found[1].pow(2).sum(), V, create_graph=True)
    g.sum().backward()


def write_to_one(found: Any) -> None:
    found[0].mul_(2)
    use_all(found)


def write_and_lose(found: Any) -> None:
    kept = found[1].exp()
    with torch.no_grad():
        found[0].add_(1)
    (kept.sum() + found[0].sum()).backward()


@pytest.mark.parametrize("use", [use_all, use_each, use_with_hooks, use_twice, write_to_one, write_and_lose],
                         ids=lambda f: f.__name__)
@pytest.mark.parametrize("function", [columns, rows_and_more], ids=lambda f: f.__name__)
def test_parts_with_a_history_that_are_apart(function, use):
    def outcome(called: Any) -> Any:
        V.grad = None
        found = called(torch.tensor([[0.5, -1.0], [0.25, 0.75]]))
        try:
            use(found)
        except RuntimeError as error:
            return str(error)[:80]
        return [round(g, 5) for g in V.grad.flatten().tolist()], [(t.tolist(), t._version, t.stride()) for t in found]

    f, expected = compile(function), outcome(function)
    for _ in range(4):
        assert outcome(f) == expected, f.explain()
    assert f.replays > 1, f.explain()


@pytest.mark.parametrize("function", [
    lambda x: ((y := x * V), y[0]), lambda x: ((y := x * V)[0], y.t()[0]), lambda x: (x * V).chunk(2),
    lambda x: ((y := x * V)[0].expand(2, 2), y[1])])
def test_parts_that_are_not_apart_run_as_they_are_written(function):
    f = compile(function)
    with pytest.warns(UserWarning, match="results that require grad share memory"):
        for _ in range(4):
            f(torch.ones(2, 2))
    assert not f.replays
