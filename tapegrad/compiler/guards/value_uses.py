"""What code does with a value that it finds under a name, as an attribute or as an item: where the value goes.

A value is followed to the instruction that takes it from the stack, in a straight line: through a variable that it is
put in, into an item of it, to the parameter of a function that is called by its name. Whatever else is done with it,
and what a jump leads to, is something else.
"""
from __future__ import annotations

import dis
import functools
import types
from collections.abc import Iterator
from typing import Any

from tapegrad.named_tuples import NamedTuple

GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD"}
VARIABLE = {"LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK"}
SILENT = {"CACHE", "EXTENDED_ARG", "KW_NAMES", "NOP", "PRECALL", "RESUME"}
_CALLS = {"CALL": 2, "CALL_FUNCTION": 1, "CALL_METHOD": 2}  # and how much they take besides the arguments
_ELSE = ("", "")


class Use(NamedTuple):
    """One thing that code does with a value.

    `kind` is name or attribute. `then` is attribute (`what` says which), item (under a text), any (an item under a key
    that is computed), change (of an item under a text), passed (`what` is the name of a function, and which argument)
    or "", for anything else. Of an item `and_then` and `that` are what is done with it.
    """

    kind: str
    name: str
    then: str = ""
    what: str = ""
    and_then: str = ""
    that: str = ""


class _Load(NamedTuple):
    """One of two instructions that newer versions of Python do in one."""

    opname: str
    argval: Any
    opcode: int
    arg: int = 0


def uses(code: types.CodeType, free: frozenset[str]) -> frozenset[Use]:
    """What a piece of code does with the values that it finds.

    `free` are the variables of the functions around it that are none of its own function's.
    """
    return frozenset(_Flow(code, free).uses())


@functools.lru_cache(maxsize=1024)
def uses_of_argument(code: types.CodeType, position: int) -> frozenset[tuple[str, ...]]:
    """The same for an argument that a function is passed there."""
    if position >= code.co_argcount or code.co_varnames[position] in code.co_cellvars:
        return frozenset((_ELSE,))
    return frozenset(_Flow(code, frozenset(code.co_freevars)).of_variable(code.co_varnames[position], ()))


@functools.lru_cache(maxsize=16)
def instructions(code: types.CodeType) -> list[Any]:
    """What a piece of code is made of, for those who read it one after the other: to take it apart takes as long."""
    return [*dis.get_instructions(code)]


@functools.cache
def _parts(name: str) -> list[str]:
    """The instructions that one of this name stands for."""
    return name.replace("_STORE", " STORE").replace("_LOAD", " LOAD").split()


def _listing(code: types.CodeType) -> list[Any]:
    found: list[Any] = []
    for one in instructions(code):
        if one.opname in SILENT and one.opname != "KW_NAMES":
            continue
        parts = _parts(one.opname)
        if len(parts) == 2 and type(one.argval) is tuple:
            found += [_Load(part, name, dis.opmap[part]) for part, name in zip(parts, one.argval)]
        else:
            found.append(one)
    return found


class _Flow:
    """The values on the stack of a piece of code."""

    def __init__(self, code: types.CodeType, free: frozenset[str]) -> None:
        self._listing, self._free = _listing(code), free

    def uses(self) -> Iterator[Use]:
        for at, instruction in enumerate(self._listing):
            kind, name = instruction.opname, instruction.argval
            if kind in ATTRIBUTE:
                found = "attribute"
            elif kind.startswith("LOAD") and (kind in GLOBAL or (instruction.opcode in dis.hasfree
                                                                 and kind != "LOAD_CLOSURE")):
                found = "name"
            elif kind in ("LOAD_SUPER_ATTR", "IMPORT_FROM"):
                yield Use("attribute", name)
                continue
            else:
                continue
            for done in self._done(at):
                yield Use(found, name, *done)

    def _done(self, at: int, variables: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """What is done with the value that was loaded at `at`, which has been in `variables`."""
        one, after = (*self._listing[at + 1:at + 3], None, None)[:2]
        if one is not None and one.opname in ATTRIBUTE and one.argval != "setdefault":
            yield "attribute", one.argval
        elif one is not None and one.opname == "STORE_FAST":
            yield from self.of_variable(one.argval, variables)
        elif one is not None and after is not None and _is_text(one) and after.opname == "BINARY_SUBSCR":
            yield from self._of_item(at + 2, one.argval)
        elif one is not None and after is not None and _is_text(one) and after.opname in (
                "COPY", "DUP_TOP_TWO", "STORE_SUBSCR"):
            yield "change", one.argval
        else:
            taken = self._taken(at)
            if taken is None:
                yield _ELSE
            else:
                yield from self._taken_by(at, *taken)

    def _of_item(self, at: int, key: str | None = None) -> Iterator[tuple[str, ...]]:
        """What is done with an item that is there after the instruction at `at`."""
        for done in self._done(at):
            yield ("any", "", *done[:2]) if key is None else ("item", key, *done[:2])

    def of_variable(self, name: str, variables: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """What is done with what a variable holds, which has been in others."""
        if name in variables:
            return
        for at, instruction in enumerate(self._listing):
            if instruction.opname in VARIABLE and instruction.argval == name:
                yield from self._done(at, (*variables, name))
            elif instruction.argval == name and instruction.opname.startswith(("LOAD_FAST", "LOAD_CLOSURE")):
                yield _ELSE

    def _taken_by(self, at: int, by: int, above: int) -> Iterator[tuple[str, ...]]:
        """What the instruction `by` does with a value above which there are others."""
        taker = self._listing[by]
        call, arguments = self._taken(by) or (by, -1)
        if taker.opname == "BINARY_SUBSCR" and above == 1:
            yield from self._of_item(by)
        elif taker.opname in ATTRIBUTE and above == 0 and self._listing[call].opname in _CALLS and (
                self._listing[call].arg == arguments):  # `setdefault`: what it gives is an item
            yield from self._of_item(call)
        elif taker.opname in _CALLS and taker.opname != "CALL_METHOD" and above < taker.arg:
            position = taker.arg - 1 - above
            function = self._called(at, position)
            yield ("passed", f"{function} {position}") if function else _ELSE
        else:
            yield _ELSE

    def _called(self, at: int, position: int) -> str:
        """The name of the function that is called with what is loaded at `at` as so manieth argument; "" for others."""
        for _ in range(position + 1):
            while (self._listing[at].opname in ATTRIBUTE and _effect(self._listing[at]) == 0) or (
                    self._listing[at].opname == "BINARY_SUBSCR" and _is_text(self._listing[at - 1])):
                at -= 1 if self._listing[at].opname in ATTRIBUTE else 2
            one = self._listing[at]
            if not one.opname.startswith("LOAD") or one.opname in ATTRIBUTE or _effect(one) != 1:
                return ""
            at -= 1
        one = self._listing[at - 1 if self._listing[at].opname == "PUSH_NULL" else at]
        return str(one.argval) if one.opname == "LOAD_GLOBAL" or (
            one.opname == "LOAD_DEREF" and one.argval in self._free) else ""

    def _taken(self, at: int) -> tuple[int, int] | None:
        """Which instruction takes the value that was loaded at `at` from the stack, and how many lie above it then.

        None where it is not known.
        """
        above = 0
        for i in range(at + 1, len(self._listing)):
            taken = _takes(self._listing[i])
            if taken is None:
                return None
            if taken > above:
                return i, above
            above += _effect(self._listing[i])
        return None


def _takes(instruction: Any) -> int | None:
    """How many values an instruction takes from the stack; None for what is not followed."""
    kind = instruction.opname
    if kind in ATTRIBUTE or kind.startswith("UNARY"):
        return 1
    if kind in _CALLS:
        return int(instruction.arg) + _CALLS[kind]
    if kind in ("BUILD_LIST", "BUILD_TUPLE"):
        return int(instruction.arg)
    if kind in ("BINARY_SUBSCR", "BINARY_OP", "COMPARE_OP"):
        return 2
    return 0 if kind in ("PUSH_NULL", "LOAD_CONST", "LOAD_DEREF") or kind in VARIABLE or (
        kind in GLOBAL and kind.startswith("LOAD")) else None


def _effect(instruction: Any) -> int:
    if instruction.opname in _CALLS:  # of which Python 3.11 makes two
        return 1 - int(instruction.arg) - _CALLS[instruction.opname]
    return dis.stack_effect(instruction.opcode, instruction.arg)


def _is_text(instruction: Any) -> bool:
    return instruction.opname == "LOAD_CONST" and type(instruction.argval) is str
