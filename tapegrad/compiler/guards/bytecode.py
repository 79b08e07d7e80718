"""What a piece of bytecode asks for by name: the only ways in which code gets at what it did not make itself."""
from __future__ import annotations

import dis
import functools
import types
from collections.abc import Iterator, Sequence
from typing import Any

from tapegrad.compiler.guards.value_uses import ATTRIBUTE, GLOBAL, SILENT, VARIABLE, Use, instructions, uses
from tapegrad.named_tuples import NamedTuple

# Operations that read more than they name.
_UNSEEN = {"IMPORT_STAR": "imports everything of a module", "MATCH_CLASS": "matches a class by its pattern",
           "GET_AWAITABLE": "awaits something", "GET_AITER": "iterates asynchronously"}
_OTHER_NAMES = {"IMPORT_FROM": "attribute", "LOAD_SUPER_ATTR": "attribute", "STORE_ATTR": "store",
                "DELETE_ATTR": "store", "IMPORT_NAME": "import", "STORE_NAME": "own", "DELETE_NAME": "own"}
_TEXT = {"FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "BINARY_MODULO", "INPLACE_MODULO"}
_SINGLE = (type(None), bool, type(...))  # types of which `is` compares values


class Asked(NamedTuple):
    """One thing that code asks for.

    `kind` is global, cell, attribute, store (an attribute), import, text (of any value, which has methods for that),
    identity (of two objects), class (to compare it with another's, as methods of dataclasses do) or unseen, with the
    reason as its name. `then` are the attributes asked for right after,
    one of the other; `at` is where in `instructions` the value arrives on the stack.
    """

    kind: str
    name: str
    line: int
    then: tuple[str, ...] = ()
    at: int = 0


class Code(NamedTuple):
    """A piece of code: its instructions, what it asks for, in its order, and what it does with that."""

    code: types.CodeType
    instructions: list[Any]
    asked: list[Asked]
    uses: frozenset[Use]


@functools.lru_cache(maxsize=4096)
def read(code: types.CodeType) -> list[Code]:
    """A piece of code and those inside it: comprehensions, local functions, bodies of classes."""
    found = []
    pieces = [*_codes(code)]
    free = frozenset(code.co_freevars).difference(*(one.co_cellvars for one in pieces))
    for one in pieces:
        listing = [i for i in instructions(one) if i.opname not in SILENT]
        found.append(Code(one, listing, list(_asked(one, listing)), uses(one, free)))
    return found


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _codes(const)


def _asked(code: types.CodeType, listing: Sequence[Any]) -> Iterator[Asked]:
    line, skip = code.co_firstlineno, 0
    for at, instruction in enumerate(listing):
        position = getattr(instruction, "positions", None)
        line = (position.lineno if position else instruction.starts_line) or line
        kind, name = instruction.opname, instruction.argval
        if at < skip:
            continue
        if kind in _UNSEEN:
            yield Asked("unseen", _UNSEEN[kind], line)
        elif kind in GLOBAL or kind in ("LOAD_DEREF", "LOAD_CLASSDEREF"):
            then = _then(listing, at) if kind.startswith("LOAD") else ()
            skip = at + 1 + len(then)
            yield Asked("global" if kind in GLOBAL else "cell", name, line, then, skip - 1)
        elif instruction.opcode in dis.hasfree or name in code.co_freevars:
            if not kind.startswith(("STORE", "DELETE", "COPY")):
                yield Asked("cell", name, line)
        elif kind in ATTRIBUTE:
            yield Asked("class" if _is_compared(listing, at) else "attribute", name, line, at=at)
        elif kind in _OTHER_NAMES:
            yield Asked(_OTHER_NAMES[kind], name, line)
        elif instruction.opcode in dis.hasname:
            yield Asked("unseen", f"does what this version of Python calls {kind}", line)
        elif kind in _TEXT or (kind == "BINARY_OP" and instruction.argrepr in ("%", "%=")):
            yield Asked("text", "", line)
        elif kind == "IS_OP" and not (listing[at - 1].opname == "LOAD_CONST" and isinstance(
                listing[at - 1].argval, _SINGLE)) and not _is_compared(listing, at - 1) and not (
                _is_equality(code, listing, at)):
            yield Asked("identity", "", line)


def _is_compared(listing: Sequence[Any], at: int) -> bool:
    """Whether all that is done with an attribute is `a.__class__ is b.__class__`, of variables."""
    for first in (at - 2, at):
        shown = listing[max(first, 0):first + 4]
        if len(shown) == 4 and shown[0].argval == shown[2].argval == "__class__" and shown[1].opname in VARIABLE and (
                shown[0].opname == shown[2].opname == "LOAD_ATTR" and shown[3].opname == "IS_OP"):
            return True
    return False


def _is_equality(code: types.CodeType, listing: Sequence[Any], at: int) -> bool:
    """Whether this is `self is other` in `__eq__`, as the one of a dataclass begins: of objects, and not of numbers."""
    names = [name for one in listing[max(at - 2, 0):at] if one.opname.startswith("LOAD_FAST")
             for name in (one.argval if type(one.argval) is tuple else (one.argval,))]
    return code.co_name == "__eq__" and code.co_argcount == 2 and names[-2:] == [*code.co_varnames[:2]]


def _then(listing: Sequence[Any], at: int) -> tuple[str, ...]:
    found = []
    for instruction in listing[at + 1:]:
        if instruction.opname not in ATTRIBUTE:
            break
        found.append(instruction.argval)
    return tuple(found)


def constant_argument(listing: Sequence[Any], at: int, position: int) -> str | None:
    """The text that a call of the function loaded at `at` passes at this position, if it is a constant there."""
    depth = 0
    found: Any = None
    for instruction in listing[at + 1:]:
        kind, before = instruction.opname, depth
        if kind == "PUSH_NULL":
            continue
        if kind.startswith("CALL") and kind != "CALL_FUNCTION_EX" and instruction.arg == depth:
            break
        if instruction.opcode in (*dis.hasjrel, *dis.hasjabs):
            return None
        depth += dis.stack_effect(instruction.opcode, instruction.arg)
        if depth <= position:
            found = None
        elif before == position and depth == position + 1:
            found = instruction
        elif depth == position + 1:  # something is made of what was there
            found = None
    else:
        return None
    if found is None or found.opname != "LOAD_CONST" or type(found.argval) is not str:
        return None
    return found.argval
