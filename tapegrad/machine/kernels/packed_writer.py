"""The text of straight-line code on many numbers, of which neighbours that do alike are computed as vectors.

What it computes is a graph of expressions by number; those that are computed together are packs. The operands of a pack
are another pack as it is, one number for all, neighbours in memory, or put together one by one. Places are bytes after
a few pointers, so that an instruction needs no pointer of its own.
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.instruction_writer import Writer
from tapegrad.machine.kernels.lowering import literal, lower, register_type
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym

At = tuple[int, int]  # which pointer, and how many bytes after it


class Expression(NamedTuple):
    """What a `Sym` is, of other expressions; as `load`, what is in memory."""

    op: str
    args: tuple[int, ...]
    of: dtype
    value: Any


class PackedWriter(Writer):
    """A kernel of packs. `place` says where an expression lies that was not computed here."""

    def __init__(self, expressions: Sequence[Expression], packs: Sequence[Sequence[int]],
                 place: Callable[[int], At], pointers: int) -> None:
        super().__init__()
        self.expressions: Sequence[Expression] = expressions
        self.place: Callable[[int], At] = place
        self.pack_of: dict[int, tuple[int, int]] = {}
        self.vectors: list[str] = []
        self.sizes: list[int] = []
        self.read: dict[Any, str] = {}
        self.label("entry")
        self.bases: list[str] = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}")
                                 for k in range(pointers)]
        for pack in packs:
            self.compute(pack)

    def compute(self, pack: Sequence[int]) -> None:
        first = self.expressions[pack[0]]
        columns = [*zip(*(self.expressions[n].args for n in pack))]
        given = [self.gathered(column) for column in columns]
        with self.wide(len(pack)):
            if first.op == "cast":
                made = self.cast(given[0], self.expressions[first.args[0]].of, first.of)
            else:
                kinds = tuple([self.expressions[a].of for a in first.args])
                (made,) = self.straight_line(_lowered(first.op, kinds, first.of, first.value), given)
        for lane, n in enumerate(pack):
            self.pack_of.setdefault(n, (len(self.vectors), lane))
        self.vectors.append(made)
        self.sizes.append(len(pack))

    def put(self, at: At, numbers: Sequence[int]) -> None:
        """Write expressions, one after the other."""
        of, value = self.expressions[numbers[0]].of, self.gathered(numbers)
        with self.wide(len(numbers)):
            self.store(self.address_of(at), value, of)

    def text(self) -> str:
        self.line("ret i32 0")
        return self.module()

    # ------------------------------------------------------------------------------------------------------ operands

    def address_of(self, at: At) -> str:
        return self.let(f"getelementptr i8, ptr {self.bases[at[0]]}, i64 {at[1]}")

    def loaded(self, at: At, of: dtype, size: int) -> str:
        key = at, of, size
        if key not in self.read:
            with self.wide(size):
                self.read[key] = self.load(self.address_of(at), of)
        return self.read[key]

    def one(self, n: int) -> str:
        """The register of an expression alone."""
        node = self.expressions[n]
        if node.op == "const":
            return literal(node.value, node.of)
        if n not in self.pack_of:
            return self.loaded(self.place(n), node.of, 1)
        pack, lane = self.pack_of[n]
        if self.sizes[pack] == 1:
            return self.vectors[pack]
        key = "lane", n
        if key not in self.read:
            self.read[key] = self.let(
                f"extractelement <{self.sizes[pack]} x {register_type(node.of)}> {self.vectors[pack]}, i64 {lane}")
        return self.read[key]

    def gathered(self, numbers: Sequence[int]) -> str:
        """A register of these expressions."""
        size, first = len(numbers), self.expressions[numbers[0]]
        if size == 1:
            return self.one(numbers[0])
        key = "vector", tuple(numbers)
        if key not in self.read:
            self.read[key] = self.put_together(numbers, size, first.of)
        return self.read[key]

    def put_together(self, numbers: Sequence[int], size: int, of: dtype) -> str:
        t, nodes = f"<{size} x {register_type(of)}>", [self.expressions[n] for n in numbers]
        constant = [literal(n.value, of) if n.op == "const" else "poison" for n in nodes]
        start = f"<{', '.join(f'{register_type(of)} {c}' for c in constant)}>"
        if "poison" not in constant:
            return start
        if len(set(numbers)) == 1:
            with self.wide(size):
                return self.splat(self.one(numbers[0]), register_type(of))
        places = [self.pack_of.get(n) for n in numbers]
        inside = [p for p in places if p is not None]
        if len(inside) == size:
            packs = list(dict.fromkeys(p for p, _ in inside))
            if len(packs) == 1 and [lane for _, lane in inside] == [*range(size)] and self.sizes[packs[0]] == size:
                return self.vectors[packs[0]]
            if len(packs) <= 2 and len({self.sizes[p] for p in packs}) == 1 and self.sizes[packs[0]] > 1:
                wide = f"<{self.sizes[packs[0]]} x {register_type(of)}>"
                lanes = [packs.index(p) * self.sizes[p] + lane for p, lane in inside]
                second = self.vectors[packs[1]] if len(packs) == 2 else "poison"
                return self.let(f"shufflevector {wide} {self.vectors[packs[0]]}, {wide} {second}, "
                                f"<{size} x i32> <{', '.join(f'i32 {lane}' for lane in lanes)}>")
        elif not inside and all(n.op != "const" for n in nodes):
            ats = [self.place(n) for n in numbers]
            if all(at == (ats[0][0], ats[0][1] + k * of.itemsize) for k, at in enumerate(ats)):
                return self.loaded(ats[0], of, size)
        made = start
        for lane, (n, c) in enumerate(zip(numbers, constant)):
            if c == "poison":
                made = self.let(f"insertelement {t} {made}, {register_type(of)} {self.one(n)}, i64 {lane}")
        return made


@functools.cache
def _lowered(op: str, given: tuple[dtype, ...], of: dtype, value: Any) -> list[Sym]:
    return lower([Sym(op, tuple([Sym.operand(k, d) for k, d in enumerate(given)]), of, value)])
