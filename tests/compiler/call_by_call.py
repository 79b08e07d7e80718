"""Programs run as written and compiled, call by call: what is seen of a call is to be the same."""
from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tapegrad.compiler import compile


def agree(make: Callable[[Any], tuple[Any, Any]], calls: int, seen: Callable[[Any, int, Any], Any]) -> list[Any]:
    """The compiled functions of a program.

    `make(wrap)` returns what runs call i, and what else there is to look at; `seen` runs a call, and says what of it.
    """
    found, functions = [], []
    for wrap in (lambda f: f, compile):
        functions = []
        call, state = make(lambda f, wrap=wrap, functions=functions: functions.append(wrap(f)) or functions[-1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append([seen(call, i, state) for i in range(calls)])
    for i, (written, compiled) in enumerate(zip(*found)):
        assert written == compiled, (i, functions[0].explain())
    return functions


def with_errors(shown: Callable[[Any], Any], *kinds: type[Exception]) -> Callable[[Any, int, Any], Any]:
    """What is seen of a call: its result, or the words of its error if it is of these kinds; and the state."""
    def seen(call: Any, i: int, state: Any) -> Any:
        try:
            result = shown(call(i))
        except kinds as error:
            result = str(error)
        return result, shown(state())

    return seen


def adds_to(programs: dict[str, Any]) -> Any:
    """A decorator of functions that make programs, with how often what one makes is captured at most."""
    def program(captures: int) -> Any:
        def add(make: Any) -> Any:
            programs[make.__name__] = make, captures
            return make
        return add
    return program
