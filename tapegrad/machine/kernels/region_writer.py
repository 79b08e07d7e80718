"""The text of a kernel that computes a region, whatever loops are around it."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.loop_writer import LoopWriter, Scope
from tapegrad.machine.kernels.lowering import REDUCES, is_costly, lower
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import INTRINSICS
from tapegrad.ops.symbols import Sym


class Region(NamedTuple):
    """What a kernel computes: `values`, in terms of operands of dtypes `inputs`, stored as `outputs`.

    `per_row[j]` says that output j is written once a row (its value is constant along the row), not for each element.
    """

    inputs: tuple[dtype, ...]
    values: tuple[Sym, ...]
    outputs: tuple[dtype, ...]
    per_row: tuple[bool, ...]


class RegionWriter(LoopWriter):
    """Values in terms of operands; what there is around them is for its subclasses to `write`."""

    region: Region
    accumulate: tuple[bool, ...]
    dtypes: tuple[dtype, ...]
    values: list[Sym]
    at: list[str]
    sums: bool = False  # a row is one element, whose sum is computed with what is made of it

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        super().__init__()
        self.region, self.accumulate = region, accumulate
        self.dtypes = (*region.outputs, *region.inputs)
        self.values = lower([v.cast(d) for v, d in zip(region.values, region.outputs)])
        self.at = []

    def emit(self) -> str:
        self.write()
        self.line("ret i32 0")
        return self.module()

    def write(self) -> None:
        """The kernel's text, up to its end."""
        raise NotImplementedError

    def of_row(self, n: Sym, scope: Scope, i: str) -> str:
        """What a row's sum, place or length is."""
        raise NotImplementedError

    def needed(self, roots: Sequence[Sym], cut: AbstractSet[Sym] = frozenset()) -> list[Sym]:
        """What one pass computes for `roots`: the graph below them, cut at reductions and at `cut`."""
        found: dict[Sym, None] = {}
        stack = [(r, False) for r in reversed(roots)]
        while stack:
            n, ready = stack.pop()
            if n in found or n in cut:
                continue
            if ready or not n.args or (n.op == "reduce" and not self.sums):
                found[n] = None
            else:
                stack.append((n, True))
                stack.extend((a, False) for a in reversed(n.args))
        return list(found)

    def is_slow(self, roots: Sequence[Sym]) -> bool:
        """Whether computing `roots` takes long."""
        return any(n.op in INTRINSICS and is_costly(self.form(n)) for n in self.needed(roots))

    # --------------------------------------------------------------------------------------------------- mathematics

    def compute(self, roots: Sequence[Sym], scope: Scope, load: Callable[[int], str] | None, i: str = "0") -> None:
        """Write the instructions for `roots` and all they need that `scope` does not hold yet."""
        outputs = len(self.region.outputs)
        for n in self.needed(roots, {m for m in scope if m.args and m.op != "reduce"}):
            if n in scope and n.op != "index":
                continue
            if n.op == "operand":
                assert load is not None
                scope[n] = load(outputs + n.value)
            elif n.op == "const":
                scope[n] = self.const(n.value, n.dtype)
            elif n.op == "cast":
                scope[n] = self.cast(scope[n.args[0]], n.args[0].dtype, n.dtype)
            elif n.op in REDUCES:
                scope[n] = self.of_row(n, scope, i)
            else:
                scope[n] = self.let(self.instruction(n, [scope[a] for a in n.args]))
