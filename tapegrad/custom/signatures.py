"""Signatures of functions of arrays, as NumPy writes those of generalised ufuncs: `(m,n),(n)->(m)`.

What stands in parentheses are the core dimensions, on which the function works; those before them are loops over it,
and broadcast. Beyond NumPy's, sizes of results may be computed: `(m),(n)->(m+n-1)`.
"""
from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tapegrad.shapes import Shape

_SIDE = re.compile(r"\s*\([^()]*\)\s*(?:,\s*\([^()]*\)\s*)*")
_OPERATORS: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}
Core = tuple[str, ...]


class Signature(NamedTuple):
    """The core dimensions of operands and results: names, numbers, and, of results, sums and products of these."""

    text: str
    operands: tuple[Core, ...]
    results: tuple[Core, ...]

    @classmethod
    def parsed(cls, text: Any) -> Signature:
        """ValueError for what is no signature."""
        sides = text.split("->") if isinstance(text, str) else ()
        if len(sides) != 2 or not all(map(_SIDE.fullmatch, sides)):
            raise ValueError(f"not a valid gufunc signature: {text!r}; one looks like '(m,n),(n)->(m)'")
        operands, results = (tuple(
            tuple(d.strip() for d in core.split(",") if d.strip()) for core in re.findall(r"\(([^()]*)\)", side))
            for side in sides)
        made = cls(re.sub(r"\s", "", text), operands, results)
        known = {d: 1 for core in operands for d in core if not d.isdigit()}
        if not all(d.isidentifier() for d in known):
            raise ValueError(f"not a valid gufunc signature: {text!r}; dimensions of operands are names or numbers")
        try:
            for core in results:
                for d in core:
                    _size(d, known)
        except (SyntaxError, KeyError, ZeroDivisionError) as why:
            raise ValueError(f"not a valid gufunc signature: {text!r}; dimensions of results are made of those of "
                             f"operands and numbers by + - * //, and {why} is none") from None
        return made

    def sizes(self, name: str, shapes: Sequence[Shape]) -> dict[str, int]:
        """What the dimensions stand for; ValueError, in NumPy's words, where the shapes do not fit."""
        found: dict[str, int] = {}
        for i, (core, shape) in enumerate(zip(self.operands, shapes)):
            if len(shape) < len(core):
                raise ValueError(f"{name}: Input operand {i} does not have enough dimensions (has {len(shape)}, gufunc "
                                 f"core with signature {self.text} requires {len(core)})")
            for d, (dim, size) in enumerate(zip(core, shape[len(shape) - len(core):])):
                wanted = int(dim) if dim.isdigit() else found.setdefault(dim, size)
                if size != wanted:
                    raise ValueError(f"{name}: Input operand {i} has a mismatch in its core dimension {d}, with gufunc "
                                     f"signature {self.text} (size {size} is different from {wanted})")
        return found

    def result_shapes(self, name: str, sizes: dict[str, int]) -> list[Shape]:
        """The core shapes of the results."""
        made = [tuple(_size(d, sizes) for d in core) for core in self.results]
        for core in made:
            if any(n < 0 for n in core):
                raise ValueError(f"{name}: a result of shape {core} has a negative dimension, with gufunc signature "
                                 f"{self.text} of {', '.join(f'{d} = {n}' for d, n in sizes.items())}")
        return made


def _size(text: str, sizes: dict[str, int]) -> int:
    def value(node: Any) -> int:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name):
            return sizes[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        raise SyntaxError(text)

    return value(ast.parse(text, mode="eval").body)
