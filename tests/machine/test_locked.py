"""What is done with the lock or while the tape is pinned: an interrupt must not leave either behind."""
from __future__ import annotations

import ast
import dis
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import tapegrad

ROOT = Path(tapegrad.__file__).parent
HOLDS = "BUILDING", "lock", "pinned"
FILES = [p for p in sorted(ROOT.rglob("*.py")) if any(f"{name}" in p.read_text() for name in HOLDS)]


def held(tree: ast.AST) -> Iterator[range]:
    """The lines of the blocks of a `with` that holds something."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(
                ast.unparse(i.context_expr).removesuffix("()").endswith(HOLDS) for i in node.items):
            yield range(node.body[0].lineno, (node.end_lineno or 0) + 1)


def functions(code: types.CodeType) -> Iterator[types.CodeType]:
    """Those that run in frames of their own, but generators: what an interrupt raises in them arrives in a block."""
    if code.co_name != "<genexpr>":
        yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from functions(constant)


def bare_jumps(code: types.CodeType) -> Iterator[int]:
    """The lines of jumps back at which an exception passes by a handler that there is where they lead."""
    known = dis.Bytecode(code)
    entries = getattr(known, "exception_entries", ())
    line = code.co_firstlineno
    for at in known:
        line = getattr(getattr(at, "positions", None), "lineno", None) or line
        if at.opname == "JUMP_BACKWARD":
            there, here = ({e.target for e in entries if e.start <= n < e.end} for n in (at.argval, at.offset))
            if there - here:
                yield line


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_loop_can_be_interrupted_past_the_end_of_its_block(path):
    """CPython 3.12 and 3.13 forget the handler at the jump that ends a turn after an `if`; interrupts come there."""
    source = path.read_text()
    blocks = [*held(ast.parse(source))]
    lines = {n for code in functions(compile(source, str(path), "exec")) for n in bare_jumps(code)}
    assert not [n for n in lines if any(n in block for block in blocks)]
