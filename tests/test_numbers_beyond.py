"""Numbers that a whole dtype cannot hold are refused where they would be written, also by what native code has learnt.

So is a divisor that becomes zero there.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tapegrad as torch

MASK, FIRST = torch.tensor([True, False]), torch.tensor([0])
WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "fill_": lambda x, v: x.fill_(v), "fill": torch.fill, "fill_diagonal_": lambda x, v: x.view(1, 2).fill_diagonal_(v),
    "an element": lambda x, v: x.__setitem__(0, v), "a part": lambda x, v: x.__setitem__(slice(None), v),
    "where": lambda x, v: x.__setitem__(MASK, v), "at places": lambda x, v: x.__setitem__(FIRST, v),
    "masked_fill": lambda x, v: x.masked_fill(MASK, v), "masked_fill_": lambda x, v: x.masked_fill_(MASK, v),
    "masked_fill, a tensor": lambda x, v: x.masked_fill(MASK, torch.tensor(v)),
    "index_fill": lambda x, v: x.index_fill(0, FIRST, v), "full_like": torch.full_like,
    "threshold": lambda x, v: torch.nn.functional.threshold(x, 50, v),
    "pad": lambda x, v: torch.nn.functional.pad(x, (1, 1), value=v),
}
CHOICES: dict[str, Callable[[Any, Any], Any]] = {  # a fraction makes floats of the result
    "torch.where": lambda x, v: torch.where(MASK, x, v), "where, the other way": lambda x, v: torch.where(MASK, v, x),
    "clamp": lambda x, v: x.clamp(0, v), "clamp_": lambda x, v: x.clamp_(max=v), "clamp_min": torch.clamp_min,
    "clamp_max_": lambda x, v: x.clamp_max_(v), "pow": torch.pow,
}
DIVISIONS: dict[str, Callable[[Any, Any], Any]] = {
    "//": lambda x, v: x // v, "%": lambda x, v: x % v, "fmod": torch.fmod, "//=": lambda x, v: x.floor_divide_(v),
    "trunc": lambda x, v: torch.div(x, v, rounding_mode="trunc"), "0-d": lambda x, v: x // torch.tensor(v),
    "floor": lambda x, v: torch.div(x, v, rounding_mode="floor"),
}
BEYOND = {torch.uint8: [256, 300, -256, 2 ** 40], torch.int8: [128, -129, 300], torch.int32: [2 ** 31, -2 ** 31 - 1]}
FRACTIONS = {torch.uint8: [255.5, -0.5, 1e10], torch.int8: [127.5, -128.5], torch.int64: [1e19, -1e19]}
NO_NUMBERS = [float("nan"), float("inf"), -float("inf")]


@pytest.mark.parametrize("name", [*WRITES, *CHOICES])
def test_numbers(name: str) -> None:
    call = (WRITES | CHOICES)[name]
    for dtype, numbers in BEYOND.items():
        refused(call, dtype, [n for n in numbers if n > 0 or name != "pow"])
    for dtype, numbers in FRACTIONS.items() if name in WRITES else ():
        refused(call, dtype, [*numbers, *NO_NUMBERS])


def refused(call: Callable[[Any, Any], Any], dtype: Any, numbers: list[Any]) -> None:
    x = torch.tensor([7, 100], dtype=dtype)
    for known in (5, 6, 7, 2.5, 3.5, 4.5)[:6 if call in WRITES.values() else 3]:
        call(x.clone(), known)
    version = x._version
    for number in numbers:
        with pytest.raises(RuntimeError, match=r"value cannot be converted to type u?int.* without overflow"):
            call(x, number)
    assert x.tolist() == [7, 100] and x._version == version


@pytest.mark.parametrize("call", DIVISIONS.values(), ids=DIVISIONS)
def test_divisors(call: Callable[[Any, Any], Any]) -> None:
    for dtype, numbers in {torch.uint8: [256, 2 ** 40], torch.int8: [256, -512], torch.int32: [2 ** 32]}.items():
        x = torch.tensor([7, 100], dtype=dtype)
        for known in (5, 6, 7):
            call(x.clone(), known)
        for number in numbers:
            with pytest.raises(RuntimeError, match="ZeroDivisionError"):
                call(x, number)
        assert x.tolist() == [7, 100]


@pytest.mark.parametrize("name", ["fill_", "an element", "masked_fill", "torch.where", "clamp", "pow"])
def test_a_number_that_varies_in_a_compiled_function(name: str) -> None:
    call = (WRITES | CHOICES)[name]

    def wrapped(x: Any, number: Any) -> Any:
        return x, call(x, number)

    compiled = torch.compile(wrapped)
    for number in (5, 6, 7, 8, 9, 10, 300, 11, 301):
        found = []
        for function in (wrapped, compiled):
            x = torch.tensor([7, 100], dtype=torch.uint8)
            try:
                found.append([t.tolist() for t in function(x, number) if t is not None])
            except RuntimeError as error:
                found.append([str(error)[:40], x.tolist()])
        assert found[0] == found[1]


def test_what_fits() -> None:
    x = torch.tensor([7, 100], dtype=torch.uint8)
    assert x.clone().fill_(-1).tolist() == [255, 255] and x.clamp(max=255).tolist() == [7, 100]
    assert torch.fill(x, 2.5).tolist() == [2, 2] and torch.fill(x, 2.5).dtype is torch.uint8
    assert x.long().clamp(max=2 ** 63 - 1).tolist() == [7, 100] and torch.where(MASK, x, 300.0).tolist() == [7, 300]
    assert (x.bool() & MASK).masked_fill(MASK, 5).tolist() == [True, False]
