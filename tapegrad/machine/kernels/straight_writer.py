"""The text of a kernel of scalars: straight-line code, which does not look at its nest."""
from __future__ import annotations

from tapegrad.machine.kernels.loop_writer import Scope
from tapegrad.machine.kernels.region_writer import RegionWriter
from tapegrad.ops.symbols import Sym


class StraightWriter(RegionWriter):
    """Every loop has size one. Those that go through the same code again and again are its subclasses."""

    at: list[str]
    sums: bool = True

    def write(self) -> None:
        self.label("entry")
        self.at = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}") for k in range(len(self.dtypes))]
        scope: Scope = {}
        self.compute(self.values, scope, lambda k: self.load(self.at[k], self.dtypes[k]))
        self.store_all(range(len(self.values)), scope, {})

    def of_row(self, n: Sym, scope: Scope, i: str) -> str:
        return scope[n.args[0]] if n.op == "reduce" else "1" if n.op == "count" else "0"
