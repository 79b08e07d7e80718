"""Expressions by number, each once: what elements of arrays hold, array by array."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.compiler.traced_program import Place
from tapegrad.dtypes import dtype
from tapegrad.machine.kernels import packed_writer
from tapegrad.ops.symbols import Sym, converted

MOST = 1 << 16  # expressions of a program

Ids = np.ndarray[Any, Any]
_FOLDED: dict[str, Any] = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative}


class Many(Exception):
    """There are more expressions than are worth it."""


class Expressions:
    """Expressions by number, each once."""

    def __init__(self) -> None:
        self.nodes: list[packed_writer.Expression] = []
        self.numbers: dict[Any, int] = {}
        self.signed: set[int] = set()  # those that are no negative zero: a sum is one only where both of its terms are
        self.places: dict[int, Place] = {}  # of loads
        self.calls: int = 0
        self.beside: dict[int, tuple[int, int, int]] = {}  # of which operation, in which row, and where one was made

    def node(self, op: str, args: tuple[int, ...], of: dtype, value: Any = None) -> int:
        identity = op, args, of, value if op != "const" else repr(value)  # -0.0 is not 0.0
        found = self.numbers.get(identity)
        if found is None:
            found = self.numbers[identity] = self._plainer(op, args, of)
            if found < 0:
                if len(self.nodes) == MOST:
                    raise Many
                self.numbers[identity] = found = len(self.nodes)
                self.nodes.append(packed_writer.Expression(op, args, of, value))
                if (op == "const" and repr(value) != "-0.0") or (op == "add" and not self.signed.isdisjoint(args)):
                    self.signed.add(found)
        return found

    def _plainer(self, op: str, args: tuple[int, ...], of: dtype) -> int:
        """The number of an expression that always has the same value, to the last bit; -1 where none is known."""
        given = [self.nodes[a] for a in args]
        if op in (*_FOLDED, "cast") and all(n.op == "const" for n in given):
            with np.errstate(all="ignore"):
                found = converted(Sym.const(given[0].value, given[0].of), of).value if op == "cast" else float(
                    _FOLDED[op](*(of.numpy.type(n.value) for n in given)))
            return self.node("const", (), of, found) if math.isfinite(found) else -1
        for n, other in ((0, 1), (1, 0)) if op in ("mul", "add") else ():
            if given[n].op == "const" and (given[n].value == 1 if op == "mul" else given[n].value == 0 and (
                    args[n] not in self.signed or args[other] in self.signed)):
                return args[other]
        return -1

    def load(self, at: tuple[str, int], start: int, version: int, of: dtype, place: Place) -> int:
        found = self.node("load", (), of, (at, start, version))
        self.places[found] = place
        return found

    def each(self, op: str, args: Sequence[Ids], of: dtype, value: Any = None) -> Ids:
        """An operation on arrays of expressions."""
        if not args:
            return np.asarray(self.node(op, (), of, value))
        arrays = np.broadcast_arrays(*args)
        shape, flat = arrays[0].shape, [a.reshape(-1) for a in arrays]
        key = flat[0]
        for more in flat[1:]:
            _, key = np.unique(key, return_inverse=True)
            key = key * MOST + more
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
        order, found = np.argsort(first), np.empty(len(first), "i8")
        row = shape[-1] if shape else 1
        self.calls += 1
        for k, at in zip(order.tolist(), first[order].tolist()):
            before = len(self.nodes)
            found[k] = self.node(op, tuple([int(a[at]) for a in flat]), of, value)
            if found[k] == before:
                self.beside[before] = self.calls, at // row, at
        return found[which].reshape(shape)
