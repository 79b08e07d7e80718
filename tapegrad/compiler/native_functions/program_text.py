"""A program as one LLVM function, which has all it needs with it: nests, constants, kernels, room for its blocks.

The kernels of scalars are opened up into it, and so are small blocks, each a variable of its own: what passes from step
to step is then in registers. Kernels that come from no rule are called where they are loaded, or brought along as text.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tapegrad.compiler.native_functions.selection import Copied, NotNative, Selected
from tapegrad.compiler.program import lay_out
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Loop, Place, Step, fails
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_helpers, series
from tapegrad.machine.kernels.structural import FAILED
from tapegrad.machine.live import buffers, layouts, machine
from tapegrad.machine.llvm import jit, late_binding

DONE, STALE, UNLIKE, NO_MEMORY, WRONG_SHAPE = range(5)
ON_STACK = 1 << 14  # bytes of blocks; more are in a workspace
_ALIGN = 64
_DEFINED = re.compile(r"^define [^@]*@([\w.]+)\(", re.MULTILINE)
# Calls of libm stay what they are: LLVM would make exp2 of a power of 2, and another last digit.
_STRICT = '"no-builtins"'


class ProgramText:
    """`text` defines `@native.program`, which wants `workspace` bytes at its last pointer; of kernels of this process
    it calls those in `absolute`."""

    text: str
    workspace: int

    def __init__(self, selected: Selected, movable: bool) -> None:
        self._selected, self._movable = selected, movable
        self.absolute: list[str] = []
        self._globals: list[str] = []
        self._kernels: dict[int, str] = {}
        self._modules: list[str] = []
        self._declared: dict[str, None] = {}
        self._nests: dict[tuple[int, ...], str] = {}
        self._held: dict[int, str] = {}
        self._top: list[str] = []
        self._helped = False
        self._series: set[str] = set()
        self._lines: list[str] = []
        self._count = 0
        work = selected.work
        constants = constant_blocks(work.steps, work.results)
        self._constants = {n: self._bytes(f"constant.{n}", c.ljust(max(work.blocks[n].nbytes, 8), b"\0"))
                           for n, c in constants.items()}
        apart = {*constants, *selected.direct}
        self._offsets, size = lay_out(work.blocks, work.steps, apart, True)
        for copy in selected.copies:  # read once all else is done
            if copy.place.kind == "own" and copy.place.number not in apart:
                self._offsets[copy.place.number], size = size, size - (
                    -max(work.blocks[copy.place.number].nbytes, 1) // _ALIGN) * _ALIGN
        self.workspace = 0 if size <= ON_STACK else size
        if not self.workspace:
            for number in self._offsets:
                self._top.append(f"%own.{number} = alloca [{max(work.blocks[number].nbytes, 8)} x i8], align {_ALIGN}")
        self.text = self._written()

    # ------------------------------------------------------------ the function

    def _written(self) -> str:
        for word in self._selected.words if not self._movable else ():
            self._expect(*word)
        for step in self._selected.work.steps:
            self._step(step)
        for copy in self._selected.copies:
            self._copy(copy)
        many, out = range(len(self._selected.inputs)), range(len(self._selected.outputs))
        parameters = ", ".join([*(f"ptr %in.{i}" for i in many), *(f"ptr %out.{i}" for i in out),
                                "ptr %workspace"])
        body = "\n".join(f"  {line}" if not line.endswith(":") else line for line in
                         ["entry:", *self._top, *self._lines, f"ret i32 {DONE}"])
        return "\n".join([
            *self._globals, f"define internal i32 @native.program({parameters}) nounwind {_STRICT} {{", body, "}",
            *self._modules, *self._declared]) + "\n"

    def let(self, expression: str) -> str:
        self._count += 1
        self._lines.append(f"%v{self._count} = {expression}")
        return f"%v{self._count}"

    def _check(self, condition: str, status: int) -> None:
        """Leave with a status where this does not hold."""
        self._count += 1
        n = self._count
        self._lines += [f"br i1 {condition}, label %good.{n}, label %bad.{n}", f"bad.{n}:", f"ret i32 {status}",
                        f"good.{n}:"]

    def _expect(self, address: int, mask: int, value: int) -> None:
        word = self.let(f"load atomic i64, ptr {self._at(address)} monotonic, align 8")
        masked = self.let(f"and i64 {word}, {mask - (1 << 64) if mask >> 63 else mask}")
        self._check(self.let(f"icmp eq i64 {masked}, {value - (1 << 64) if value >> 63 else value}"), STALE)

    def _step(self, step: Step | Loop) -> None:
        if isinstance(step, Loop):
            with_turns = self._loop(step.turns)
            turn = next(with_turns)
            for inner in step.steps:
                self._single(inner, turn)
            next(with_turns, None)
        elif isinstance(step, Step):
            self._single(step, "")
        else:
            raise NotNative("it is divided into blocks")

    def _loop(self, turns: int) -> Iterator[str]:
        """Lines between the first and the second `next` are done this often; gives the number of the turn."""
        self._count += 1
        n = self._count
        self._top.append(f"%turn.{n} = alloca i64")
        self._lines += [f"store i64 0, ptr %turn.{n}", f"br label %loop.{n}", f"loop.{n}:"]
        turn = self.let(f"load i64, ptr %turn.{n}")
        yield turn
        following = self.let(f"add nuw nsw i64 {turn}, 1")
        self._lines.append(f"store i64 {following}, ptr %turn.{n}")
        more = self.let(f"icmp ult i64 {following}, {turns}")
        self._lines += [f"br i1 {more}, label %loop.{n}, label %after.{n}", f"after.{n}:"]

    def _single(self, step: Step, turn: str) -> None:
        first = step.places[0] if step.places else None
        if step.kind == rec.KERNEL:
            self._call(step, turn)
        elif step.kind == rec.ZEROED and first:
            if step.b:
                self._moved("memset", f"ptr {self._place(first, turn)}, i8 0, i64 {step.b}, i1 false")
        elif step.kind == rec.CONSTANT and first:
            if first.kind == "own" and first.number in self._constants and not first.offset:
                return
            content = self._bytes(f"content.{len(self._globals)}", step.content)
            self._moved("memcpy", f"ptr {self._place(first, turn)}, ptr {content}, i64 {len(step.content)}, i1 false")
        elif step.kind == rec.GUARD and first:
            self._guard(first, step.content, turn)
        elif first:  # a number that varies
            word = self._selected.numbers[8 * (-1 - step.a):][:8]
            self._moved("memcpy", f"ptr {self._place(first, turn)}, ptr "
                        f"{self._bytes(f'content.{len(self._globals)}', word)}, i64 8, i1 false")

    def _moved(self, what: str, arguments: str) -> None:
        kinds = {"memset": "(ptr, i8, i64, i1)", "memcpy": "(ptr, ptr, i64, i1)"}[what]
        name = f"llvm.{what}.p0.{'p0.' if what == 'memcpy' else ''}i64"
        self._declared[f"declare void @{name}{kinds}"] = None
        self._lines.append(f"call void @{name}({arguments})")

    def _guard(self, place: Place, content: bytes, turn: str) -> None:
        """A value that Python looked at has to be what it was."""
        at = self._place(place, turn)
        if len(content) in (1, 2, 4, 8):
            found = self.let(f"load i{8 * len(content)}, ptr {at}, align 1")
            self._check(self.let(f"icmp eq i{8 * len(content)} {found}, {int.from_bytes(content, 'little')}"), UNLIKE)
            return
        self._declared["declare i32 @memcmp(ptr, ptr, i64) nounwind"] = None
        kept = self._bytes(f"content.{len(self._globals)}", content)
        differ = self.let(f"call i32 @memcmp(ptr {at}, ptr {kept}, i64 {len(content)})")
        self._check(self.let(f"icmp eq i32 {differ}, 0"), UNLIKE)

    def _copy(self, copy: Copied) -> None:
        """A result that lies elsewhere, or otherwise, element by element."""
        layout, loops = copy.layout, []
        source, target = self._place(copy.place, ""), f"%out.{copy.to}"
        if not layout.numel:
            return
        item, after = layout.dtype.itemsize, layout.numel
        for size, stride in zip(layout.shape, layout.strides):
            after //= size
            if size == 1:
                continue
            loops.append(loop := self._loop(size))
            turn = next(loop)
            source = self.let(f"getelementptr i8, ptr {source}, i64 {self.let(f'mul i64 {turn}, {stride * item}')}")
            target = self.let(f"getelementptr i8, ptr {target}, i64 {self.let(f'mul i64 {turn}, {after * item}')}")
        self._lines.append(f"store i{8 * item} {self.let(f'load i{8 * item}, ptr {source}, align 1')}, "
                           f"ptr {target}, align 1")
        for loop in reversed(loops):
            next(loop, None)

    # ------------------------------------------------------------ places

    def _place(self, place: Place, turn: str) -> str:
        base, offset = self._base(place)
        if offset:
            base = self.let(f"getelementptr i8, ptr {base}, i64 {offset}")
        if turn and place.stride:
            base = self.let(f"getelementptr i8, ptr {base}, i64 {self.let(f'mul i64 {turn}, {place.stride}')}")
        return base

    def _base(self, place: Place) -> tuple[str, int]:
        if place.kind == "argument":
            return f"%in.{place.number}", place.offset
        if place.kind == "fixed":
            return self._fixed(place)
        if place.number in self._constants:
            return self._constants[place.number], place.offset
        if place.number in self._selected.direct:
            return f"%out.{self._selected.direct[place.number]}", place.offset
        if self.workspace:
            return "%workspace", self._offsets[place.number] + place.offset
        return f"%own.{place.number}", place.offset

    def _fixed(self, place: Place) -> tuple[str, int]:
        """A tensor that the function reads by name, where it lies; in code that moves, and of a number, as it is."""
        row = buffers[place.offset]
        start = int(row["address"])
        if not (self._movable or row["flags"] & rec.IMMORTAL):
            return self._at(place.number), 0
        if place.offset not in self._held:
            size = max(layouts[int(row["layout"])].nbytes, 1)
            self._held[place.offset] = self._bytes(f"held.{place.offset}", bytes(machine.memory(start, "u1", size)))
        return self._held[place.offset], place.number - start

    def _at(self, address: int) -> str:
        return f"inttoptr (i64 {address} to ptr)"

    def _bytes(self, name: str, content: bytes) -> str:
        text = "".join(f"\\{b:02x}" for b in content)
        self._globals.append(f'@{name} = internal constant [{len(content)} x i8] c"{text}", align {_ALIGN}')
        return f"@{name}"

    # ------------------------------------------------------------ kernels

    def _call(self, step: Step, turn: str) -> None:
        self._count += 1
        pointers = f"%pointers.{self._count}"
        self._top.append(f"{pointers} = alloca [{max(len(step.places), 1)} x ptr]")
        for i, place in enumerate(step.places):
            at = self._place(place, turn)
            slot = pointers if not i else self.let(f"getelementptr ptr, ptr {pointers}, i64 {i}")
            self._lines.append(f"store ptr {at}, ptr {slot}")
        kernel = emitter.kernels.get(step.a)
        if kernel is not None:
            called, nest = self._ruled(step.a, kernel), self._nest(kernel, step.b)
        elif self._movable:
            called, nest = self._brought(step)
        else:
            if step.a not in jit.loaded:
                raise NotNative("it calls Python: a custom function, or one that NumPy computes")
            called, nest = self._at(late_binding.bound(step.a)), self._at(step.b)
            self.absolute.append(self._named(step.a))
        status = self.let(f"call i32 {called}(ptr {pointers}, ptr {nest})")
        if kernel is None and fails(step):
            self._check(self.let(f"icmp eq i32 {status}, 0"), UNLIKE)

    def _brought(self, step: Step) -> tuple[str, str]:
        """A kernel that is no rule's, as text, and its nest: one that is written to is copied for each call."""
        name = self._named(step.a)
        words = None if step.a not in jit.sources else _words(name, step.b, len(step.places))
        if words is None:
            raise NotNative(f"it calls {name}, which is not known as text")
        symbol, source = jit.sources[step.a]
        if step.a not in self._kernels:
            given = self._kernels[step.a] = f"kernel.{len(self._kernels)}"
            self._help()
            self._include(source(), lambda n: given if n == symbol else f"{given}.{n}")
        nest = self._constant_nest(words)
        if name == "in_range":
            own = f"%nest.{self._count}"
            self._top.append(f"{own} = alloca [{len(words)} x i64]")
            self._moved("memcpy", f"ptr {own}, ptr {nest}, i64 {8 * len(words)}, i1 false")
            nest = own
        return f"@{self._kernels[step.a]}", nest

    def _help(self) -> None:
        if not self._helped:
            self._include(loop_helpers.SOURCE, lambda n: n)
            self._helped = True

    def _named(self, address: int) -> str:
        return jit.loaded.get(address, "Python").removesuffix(".kernel")

    def _ruled(self, address: int, kernel: emitter.Kernel) -> str:
        """The kernel of a rule: its text, under a name of its own."""
        if address not in self._kernels:
            name = self._kernels[address] = f"kernel.{len(self._kernels)}"
            straight = kernel.pattern[0] in "1@~"
            if not straight:
                self._help()
            text = emitter.kernel_source(*kernel)
            for symbol in series.called(text):
                if symbol not in self._series:
                    self._series.add(symbol)
                    self._include(series.source(symbol), lambda n: n)
            self._include(text, lambda n: name if n == "kernel" else f"{name}.{n}", straight)
        return f"@{self._kernels[address]}"

    def _include(self, text: str, renamed: Callable[[str], str], open_up: bool = False) -> None:
        defined = {*_DEFINED.findall(text)}
        lines = []
        for line in text.splitlines():
            if line.startswith("declare "):
                self._declared[line] = None
                continue
            if line.startswith("define "):
                line = line.replace("define internal ", "define ").replace("define ", "define internal ", 1)
                # Others are optimised like anything else: LLVM's passes do not go around functions without a word.
                line = line.replace(" noinline optnone", " alwaysinline" if open_up and "@kernel(" in line else
                                    " noinline")
                line = re.sub(r" \{$", f" {_STRICT} {{", line)
            lines.append(line)
        body = "\n".join(lines)
        for name in defined:
            body = re.sub(rf"@{re.escape(name)}(?![\w.])", f"@{renamed(name)}", body)
        self._modules.append(body)

    def _nest(self, kernel: emitter.Kernel, address: int) -> str:
        """A loop nest as a constant of the module."""
        operands = len(kernel.region.outputs) + len(kernel.region.inputs)
        if kernel.pattern == "1":
            count = 2
        elif kernel.pattern[0] == "@":
            count = 1 + operands
        elif kernel.pattern[0] == "~":
            count = 3
        else:
            loops = sum(map(int, machine.memory(address, "i8", 2)))
            count = 2 + loops * (1 + operands)
        return self._constant_nest(_read(address, count) if kernel.pattern != "1" else (0, 0))

    def _constant_nest(self, words: tuple[int, ...]) -> str:
        if words not in self._nests:
            name = self._nests[words] = f"@nest.{len(self._nests)}"
            self._globals.append(f"{name} = internal constant [{len(words)} x i64] "
                                 f"[{', '.join(f'i64 {w}' for w in words)}]")
        return self._nests[words]


def assembled(*texts: str) -> str:
    """Texts as one module, in which each name is declared once, or defined."""
    known = {name for text in texts for name in _DEFINED.findall(text)}
    lines = []
    for line in (line for text in texts for line in text.splitlines()):
        if line.startswith("declare "):
            name = line.partition("@")[2].partition("(")[0]
            if name in known:
                continue
            known.add(name)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _read(address: int, count: int) -> tuple[int, ...]:
    return tuple(map(int, machine.memory(address, "i8", count)))


def _words(name: str, nest: int, operands: int) -> tuple[int, ...] | None:
    """The nest of a kernel that is no rule's, if it is known how long that is."""
    if name == "in_range":
        return _read(nest, FAILED + 1)
    first, second = _read(nest, 2)
    if name == "elements":
        return ()
    if name.startswith("indexed."):  # see `walk_nest`
        return _read(nest, 3 + second * (first + 3) + 2 * first)
    if name.split(".")[0] in ("gemm", "gemv", "weighted", "gathered", "abreast"):
        return _read(nest, 2 + (first + second) * (1 + operands))
    return None
