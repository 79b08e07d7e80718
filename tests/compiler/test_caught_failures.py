"""A call whose error was caught is not replayed for operands that do not fail, nor the other way round."""
from __future__ import annotations

import contextlib
import warnings
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile


def scaled(*factors: float) -> list[Any]:
    return [torch.eye(2) * s for s in factors]


def places(*numbers: int) -> list[Any]:
    return [torch.tensor([n]) for n in numbers]


INDEFINITE, SINGULAR = scaled(*[-1.0] * 3, *[1.0] * 3, -1.0, 2.0), scaled(*[0.0] * 3, *[1.0] * 3, 0.0, 2.0)
OUTSIDE, ZERO = places(9, 9, 9, 1, 1, 1, 9, 0), places(0, 0, 0, 2, 2, 2, 0, 3)


def row() -> Any:
    return torch.arange(3.0)


def gradient_of(operation: Any, x: Any) -> Any:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(operation(leaf).sum(), leaf)[0]


FAILING: dict[str, tuple[Any, list[Any]]] = {
    "cholesky": (torch.linalg.cholesky, INDEFINITE),
    "cholesky_ex": (lambda a: torch.linalg.cholesky_ex(a, check_errors=True).L, INDEFINITE),
    "inv": (torch.linalg.inv, SINGULAR),
    "solve": (lambda a: torch.linalg.solve(a, torch.ones(2)), SINGULAR),
    "x[i]": (lambda i: row()[i], OUTSIDE),
    "x[i] = y": (lambda i: row().index_put_((i,), torch.ones(1)), OUTSIDE),
    "index_select": (lambda i: row().index_select(0, i), OUTSIDE),
    "index_add": (lambda i: row().index_add(0, i, torch.ones(1)), OUTSIDE),
    "gather": (lambda i: row().gather(0, i), OUTSIDE),
    "scatter": (lambda i: row().scatter(0, i, torch.ones(1)), OUTSIDE),
    "take": (lambda i: row().take(i), OUTSIDE),
    "embedding": (lambda i: torch.nn.functional.embedding(i, row().reshape(3, 1)), OUTSIDE),
    "nll_loss": (lambda i: torch.nn.functional.nll_loss(row().reshape(1, 3), i), OUTSIDE),
    "one_hot": (lambda i: torch.nn.functional.one_hot(i - 1, 4), ZERO),
    "bincount": (lambda i: torch.bincount(i - 1), ZERO),
    "//": (lambda i: 6 // i, ZERO),
    "%": (lambda i: 6 % i, ZERO),
    "fmod": (lambda i: torch.fmod(torch.tensor([6]), i), ZERO),
    "div to zero": (lambda i: torch.div(torch.tensor([6]), i, rounding_mode="trunc"), ZERO),
    "of a number": (lambda i: torch.tensor(6 // i.item()), ZERO),
    "at a number": (lambda i: row()[i.item()], OUTSIDE),
    "in a graph": (lambda a: gradient_of(torch.linalg.inv, a), SINGULAR),
}


class Swallow:
    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> bool:
        return True


def by_except(operation: Any, x: Any, total: Any) -> Any:
    try:
        total.add_(1)
        return operation(x)
    except (RuntimeError, IndexError, ArithmeticError):
        return total * 3


def by_else_and_finally(operation: Any, x: Any, total: Any) -> Any:
    try:
        found = operation(x)
    except Exception:
        found = None
    else:
        total.add_(2)
    finally:
        total.mul_(3)
    return total * 1 if found is None else found


def by_suppress(operation: Any, x: Any, total: Any) -> Any:
    found = total * 3
    with contextlib.suppress(Exception):
        total.add_(1)
        found = operation(x)
        total.mul_(2)
    return found


def by_exit(operation: Any, x: Any, total: Any) -> Any:
    found = total * 3
    with Swallow():
        found = operation(x)
        total.mul_(2)
    return found


def again_until_it_works(operation: Any, x: Any, total: Any) -> Any:
    for k in range(4):
        try:
            return operation(x if k == 0 else torch.ones_like(x) + torch.eye(x.shape[0], dtype=x.dtype)), total.add_(k)
        except (RuntimeError, IndexError, ArithmeticError):
            continue
    return total


@pytest.mark.parametrize("caught", [by_except, by_else_and_finally, by_suppress, by_exit, again_until_it_works],
                         ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", FAILING)
def test_calls_are_as_written(name, caught):
    operation, operands = FAILING[name]
    history = []
    for wrap in (lambda f: f, compile):
        total = torch.ones(1)
        function = wrap(lambda x, total=total: caught(operation, x, total))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            history.append([(str(function(x.clone())), total.tolist()) for x in operands])
    assert history[0] == history[1], function.explain()


def test_a_function_that_always_fails_says_so():
    f = compile(lambda a: by_suppress(torch.linalg.cholesky, a, torch.ones(1)))
    with pytest.warns(UserWarning, match="keep doing something else"):
        for _ in range(10):
            f(-torch.eye(2))
