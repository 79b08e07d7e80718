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


def whole_and_view(x):
    y = (x * V).exp()
    return y, y[0]


def view_and_whole_and_more(x):
    y = (x * V).exp()
    return {"row": y[0], "whole": y, "sum": y.sum(), "twice": [y.t()[1]]}


def chunks(x):
    return (x @ V).tanh().chunk(2, 1)


def one_chunk(x):
    return (x @ V).tanh().chunk(2, 1)[1]


def one_chunk_beside_others(x):
    y = (x @ V).tanh()
    return y.sum(), y.unbind()[1], x * 2


def part_of_a_chunk(x):
    return [(x @ V).tanh().split(1)[1][0, :1]]


def chunks_of_a_chunk(x):
    return (x @ V).tanh().chunk(2)[0].chunk(2, 1)


def one_that_is_given_twice(x):
    y = (x @ V).unbind()[0]
    return y, x * 2, y


def one_that_another_is_computed_from(x):
    y = (x @ V).unbind()[0]
    return y, y * 2


def a_view_of_a_view(x):
    y = (x * V)[0]
    return y, y[:1], y.sum()


def views_that_overlap(x):
    y = x * V
    return y[0].expand(2, 2), y[1], y.view(-1)[1:3]


def views_of_two(x):
    y, z = x * V, x + V
    return y[0], z[0], y[1], z.t()


def a_number_beside(x):
    y = (x * V).unbind()
    return y[0], x.sum().item(), y[1].sum()


def in_grad_mode(x):
    with torch.enable_grad():
        return (x * V).unbind()


def write_to_the_last(found: Any) -> None:
    found[-1].mul_(2)
    use_all(found)


def write_to_the_base(found: Any) -> None:
    (found[-1] if found[-1]._base is None else found[-1]._base).mul_(3)
    use_all(found)


def use_twice_each(found: Any) -> None:
    loss = sum((t ** 3).sum() for t in found if t.requires_grad)
    (g,) = torch.autograd.grad(loss, V, create_graph=True)  # type: ignore[call-overload]
    g.sum().backward()


def use_with_retained_gradients(found: Any) -> None:
    found[0].retain_grad()
    (found[0].sum() * 2 + found[-1].sum()).backward()
    found[-1].mul_(found[0].grad.sum())


VIEWS = [whole_and_view, view_and_whole_and_more, chunks, one_chunk, one_chunk_beside_others, part_of_a_chunk,
         chunks_of_a_chunk, views_that_overlap, views_of_two, a_number_beside]


def seen(called: Any, use: Any) -> Any:
    V.grad = None
    result = called(torch.tensor([[0.5, -1.0], [0.25, 0.75]]))
    found = tensors(result)
    made = [(t._is_view(), t.grad_fn.name() if t._is_view() else "", t.output_nr if t._is_view() else 0,
             t._version, t.is_leaf, None if t._base is None else [t._base is other for other in found]) for t in found]
    try:
        use(found)
        error = ""
    except RuntimeError as why:
        error = str(why).split(", which is output")[0]
    after = [(t.detach().tolist(), t.requires_grad, t._version, t.stride()) for t in found]
    gradient = None if V.grad is None else [f"{g:.4g}" for g in V.grad.flatten().tolist()]
    return made, error, after, gradient, [*map(type, result)] if isinstance(result, (list, tuple)) else None


@pytest.mark.parametrize("use", [use_all, use_each, use_with_hooks, use_twice_each, write_to_one, write_to_the_last,
                                 write_to_the_base, write_and_lose, use_with_retained_gradients],
                         ids=lambda f: f.__name__)
@pytest.mark.parametrize("function", VIEWS, ids=lambda f: f.__name__)
def test_views_of_what_a_call_made_are_views(function, use):
    if use in (use_each, use_with_hooks, write_and_lose) and len(tensors(function(torch.ones(2, 2)))) < 2:
        use = use_all
    f, expected = compile(function), seen(function, use)
    for _ in range(6):
        assert seen(f, use) == expected, f.explain()
    assert f.replays > 1, f.explain()


@pytest.mark.parametrize("function", [*VIEWS, in_grad_mode], ids=lambda f: f.__name__)
def test_views_of_what_a_call_made_without_grad_mode(function):
    def seen(called: Any) -> Any:
        with torch.no_grad():
            return [(t.tolist(), t.requires_grad, t._is_view(), t.is_leaf) for t in tensors(called(torch.ones(2, 2)))]

    f, expected = compile(function), seen(function)
    for _ in range(6):
        assert seen(f) == expected, f.explain()
    assert f.replays > 1, f.explain()


@pytest.mark.parametrize("function", [
    lambda x: ((y := x * V), y.detach()), lambda x: ((y := x * V)[0], y[1].mul_(2), y), a_view_of_a_view,
    one_that_another_is_computed_from])
def test_parts_that_are_not_apart_run_as_they_are_written(function):
    f = compile(function)
    with pytest.warns(UserWarning, match="results that require grad share memory|a view that may not be written to"):
        for _ in range(4):
            assert seen(f, use_with_hooks) == seen(function, use_with_hooks)
    assert not f.replays


def test_what_may_not_be_written_to_and_was():
    @compile
    def f(x):
        y = (x @ V).unbind()
        with torch.no_grad():
            y[0].mul_(2)
        return y[0]

    for _ in range(4):
        y = f(torch.ones(2, 2))
        with pytest.raises(RuntimeError, match="returns multiple views"):
            y.add_(1)
