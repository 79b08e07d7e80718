"""The ways into a program, as LLVM text: what C, Numba and SciPy call, each with arguments as it passes them."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from tapegrad.compiler.native_functions.interface import Interface, Operand
from tapegrad.compiler.native_functions.program_text import NO_MEMORY, WRONG_SHAPE

_DATA = 4  # where in Numba's struct of an array its elements are; then its sizes


class Entries:
    """The text of all entries, and the symbols they are under."""

    numba: str
    scipy: str
    movable: str
    text: str
    symbols: list[str]

    def __init__(self, of: Interface, symbol: str) -> None:
        self._of, self._symbol = of, symbol
        self._count = 0
        self.numba, self.scipy = f"{symbol}.numba", f"{symbol}.scipy"
        parts = [*self._plain(), *(self._value() if of.of_numbers else ())]
        self.movable = "\n".join(parts) + "\n"
        self._known = all(i.is_number or i.dtype.short not in ("f16", "bf16") for i in (*of.inputs, *of.outputs))
        parts = [*(self._of_numba() if self._known else ()), *(self._of_scipy() if of.scipy else ())]
        self.text = self.movable + "\n".join(parts) + "\n"
        self.symbols = [symbol, *([self.numba] if self._known else []), *([self.scipy] if of.scipy else [])]

    def _plain(self) -> Iterator[str]:
        """What C calls: it takes a workspace from malloc where it is given none."""
        operands = [f"ptr %o.{o.name}" for o in (*self._of.inputs, *self._of.outputs)]
        yield f"define i32 @{self._symbol}({', '.join([*operands, 'ptr %workspace'])}) nounwind {{"
        if not self._of.workspace:
            yield f"  %status = call i32 @native.program({', '.join([*operands, 'ptr null'])})"
            yield "  ret i32 %status\n}"
            return
        size = -(-self._of.workspace // 64) * 64
        yield "  %lacks = icmp eq ptr %workspace, null"
        yield "  br i1 %lacks, label %take, label %run"
        yield f"take:\n  %taken = call ptr @aligned_alloc(i64 64, i64 {size})"
        yield "  %none = icmp eq ptr %taken, null\n  br i1 %none, label %fail, label %own"
        yield f"fail:\n  ret i32 {NO_MEMORY}"
        yield f"own:\n  %found = call i32 @native.program({', '.join([*operands, 'ptr %taken'])})"
        yield "  call void @free(ptr %taken)\n  ret i32 %found"
        yield f"run:\n  %status = call i32 @native.program({', '.join([*operands, 'ptr %workspace'])})"
        yield "  ret i32 %status\n}\ndeclare ptr @aligned_alloc(i64, i64)\ndeclare void @free(ptr)"

    def _value(self) -> Iterator[str]:
        """What C calls with numbers, for one."""
        inputs, (output,) = self._of.inputs, self._of.outputs
        parameters = ", ".join(f"{_passed(i)} %o.{i.name}.given" for i in inputs)
        yield f"define {output.llvm} @{self._symbol}_value({parameters}) nounwind {{"
        yield from (line for i in inputs for line in self._held(i, f"%o.{i.name}.given", _passed(i)))
        yield from self._run()
        yield from self._or_nan(output, "value")
        yield f"  ret {output.llvm} %value\n}}"

    def _held(self, of: Operand, value: str, kind: str) -> list[str]:
        """A number put where the program can point to it."""
        stored = [f"  %o.{of.name}.byte = zext i1 {value} to i8"] if kind == "i1" else []
        kind, value = ("i8", f"%o.{of.name}.byte") if kind == "i1" else (kind, value)
        return [f"  %o.{of.name} = alloca {kind}", *stored, f"  store {kind} {value}, ptr %o.{of.name}"]

    def _run(self) -> Iterator[str]:
        """Call the program; numbers that it gives go where they can be read."""
        yield from (f"  %o.{o.name} = alloca {o.llvm}" for o in self._of.returned)
        operands = ", ".join([f"ptr %o.{o.name}" for o in (*self._of.inputs, *self._of.outputs)] + ["ptr null"])
        yield f"  %status = call i32 @{self._symbol}({operands})"
        yield "  %done = icmp eq i32 %status, 0"

    @staticmethod
    def _or_nan(of: Operand, name: str) -> list[str]:
        return [f"  %{name}.found = load {of.llvm}, ptr %o.{of.name}",
                f"  %{name} = select i1 %done, {of.llvm} %{name}.found, {of.llvm} {_NAN}"]

    def _of_numba(self) -> Iterator[str]:
        """What Numba calls: arrays are structs by value, whose sizes are compared."""
        of = self._of
        arrays = [o for o in of.inputs if not o.is_number] + list(of.written)
        parameters = [f"{i.llvm if i.is_number else _array(i)} %o.{i.name}.given" for i in of.inputs]
        parameters += [f"{_array(o)} %o.{o.name}.given" for o in of.written]
        returned = [o.llvm for o in of.returned]
        kind = "i32" if not returned else returned[0] if len(returned) == 1 else _tuple(returned)
        yield f"define {kind} @{self.numba}({', '.join(parameters)}) nounwind {{\nentry:"
        yield from (line for i in of.inputs if i.is_number for line in self._held(i, f"%o.{i.name}.given", i.llvm))
        yield from (f"  %o.{o.name} = alloca {o.llvm}" for o in of.returned)
        fits = "true"
        for o in arrays:
            yield f"  %o.{o.name} = extractvalue {_array(o)} %o.{o.name}.given, {_DATA}"
            for d, size in enumerate(o.shape or (1,)):
                yield f"  %o.{o.name}.{d} = extractvalue {_array(o)} %o.{o.name}.given, {_DATA + 1}, {d}"
                yield f"  %o.{o.name}.{d}.is = icmp eq i64 %o.{o.name}.{d}, {size}"
                yield f"  %o.{o.name}.{d}.fits = and i1 {fits}, %o.{o.name}.{d}.is"
                fits = f"%o.{o.name}.{d}.fits"
        operands = ", ".join([f"ptr %o.{o.name}" for o in (*of.inputs, *of.outputs)] + ["ptr null"])
        yield f"  br i1 {fits}, label %run, label %end"
        yield f"run:\n  %ran = call i32 @{self._symbol}({operands})\n  br label %end"
        yield f"end:\n  %status = phi i32 [{WRONG_SHAPE}, %entry], [%ran, %run]"
        yield "  %done = icmp eq i32 %status, 0"
        for i, o in enumerate(of.returned):
            yield from self._or_nan(o, f"value.{i}")
        if len(returned) < 2:
            yield f"  ret {kind} {'%value.0' if returned else '%status'}\n}}"
            return
        whole = "poison"
        for i, t in enumerate(returned):
            yield f"  %whole.{i} = insertvalue {kind} {whole}, {t} %value.{i}, {i}"
            whole = f"%whole.{i}"
        yield f"  ret {kind} {whole}\n}}"

    def _of_scipy(self) -> Iterator[str]:
        """What SciPy calls: with a number, or with how many there are and where."""
        of, (output,) = self._of, self._of.outputs
        if of.scipy == "double (double)":
            yield f"define double @{self.scipy}(double %o.{of.inputs[0].name}.given) nounwind {{"
            yield from self._held(of.inputs[0], f"%o.{of.inputs[0].name}.given", "double")
            yield from self._run()
            yield from self._or_nan(output, "value")
            yield "  ret double %value\n}"
            return
        count = of.inputs[0].shape[0] if of.inputs[0].shape else len(of.inputs)
        yield f"define double @{self.scipy}(i32 %count, ptr %numbers) nounwind {{\nentry:"
        yield f"  %fits = icmp eq i32 %count, {count}\n  br i1 %fits, label %run, label %end"
        yield f"end:\n  ret double {_NAN}\nrun:"
        step = "i64 0" if of.inputs[0].shape else ""
        yield from (f"  %o.{i.name} = getelementptr double, ptr %numbers, {step or f'i64 {k}'}"
                    for k, i in enumerate(of.inputs))
        yield from self._run()
        yield from self._or_nan(output, "value")
        yield "  ret double %value\n}"


_NAN = "0x7FF8000000000000"


def _passed(of: Operand) -> str:
    """How C passes a number."""
    return "i8" if of.llvm == "i1" else of.llvm


def _array(of: Operand) -> str:
    sizes = f"[{max(len(of.shape), 1)} x i64]"
    return f"{{ptr, ptr, i64, i64, ptr, {sizes}, {sizes}}}"


def _tuple(kinds: Sequence[str]) -> str:
    """Numba has tuples of one type as arrays, others as structs."""
    return f"[{len(kinds)} x {kinds[0]}]" if len({*kinds}) == 1 else f"{{{', '.join(kinds)}}}"
