"""The text of a kernel that runs a loop for many lanes, each for as many turns as it takes.

A register holds `width` lanes, or one does a while. A lane whose condition fails leaves: its values are stored, and the
next that waits takes its place, so that no turn is computed for a lane that has ended, but for the last few. Masks
alone, without refilling, compute until the slowest lane of all has ended.

`?16` goes forwards. Operands are the values of a lane, outputs what they are after a turn, the first of them the
condition to go on. Pointers are those of the outputs, of the inputs, of `PLACES` arrays of int64, and of one array for
each value that is to be kept (`?16:0,2`), in which lie `width` lanes a turn. The nest is [lanes, turns at most, lanes
that have left, turns that were made]; the last two are written. Lanes that still go on after as many turns leave as
they are, and those that wait then are left alone. `PLACES` say of each lane in which place of the register it was, from
which turn and before which, and, in the order in which they left, which lane.

`?16<2` goes back over the same turns: outputs, and as many inputs, are adjoints of values, before and after a turn, and
the other inputs are values that were kept.
"""
from __future__ import annotations

from collections.abc import Sequence

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.loop_writer import Scope
from tapegrad.machine.kernels.lowering import column, is_call, lower, memory_type, vector_bytes
from tapegrad.machine.kernels.region_writer import Region
from tapegrad.machine.kernels.straight_writer import StraightWriter
from tapegrad.machine.llvm import jit
from tapegrad.ops.scalar import INTRINSICS
from tapegrad.ops.symbols import Sym, walk

PLACES = ("slot", "since", "until", "order")


class WhileWriter(StraightWriter):
    starts: list[str]
    slow: bool
    register_lanes: int
    kept: list[int]
    backwards: int

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        super().__init__(region, pattern, accumulate)
        forwards, _, back = pattern[1:].partition("<")
        width, _, kept = forwards.partition(":")
        self.register_lanes, self.backwards = int(width), int(back or 0)
        self.kept = [int(k) for k in kept.split(",") if k]

    # ------------------------------------------------------------ pieces

    def word(self, base: str, i: str) -> str:
        """An int64 of an array."""
        return self.let(f"load i64, ptr {self.element(base, i)}")

    def put_word(self, base: str, i: str, value: str) -> None:
        self.line(f"store i64 {value}, ptr {self.element(base, i)}")

    def move(self, source: str, i: str, target: str, j: str, of: dtype) -> None:
        """Copy one element."""
        t = memory_type(of)
        value = self.let(f"load {t}, ptr {self.element(source, i, t)}")
        self.line(f"store {t} {value}, ptr {self.element(target, j, t)}")

    def rooms(self, dtypes_of: tuple[dtype, ...]) -> list[str]:
        """Memory for the places of registers."""
        return [self.let(f"alloca [{self.register_lanes} x {memory_type(d)}], align 64") for d in dtypes_of]

    def bits(self, truth: str) -> str:
        """A register of truth as the bits of a word."""
        if self.lanes == 1:
            return self.let(f"zext i1 {truth} to i64")
        packed = self.let(f"bitcast {self.vector('i1')} {truth} to i{self.lanes}")
        return packed if self.lanes == 64 else self.let(f"zext i{self.lanes} {packed} to i64")

    def phis(self, at: int, texts: list[str]) -> None:
        self.lines[at:at] = [f"  {text}" for text in texts]

    def write(self) -> None:
        self.label("entry")
        count = len(self.dtypes) + len(PLACES) + len(self.kept)
        self.starts = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}") for k in range(count)]
        if self.backwards:
            self.emit_back()
        else:
            self.emit_forward()

    # ------------------------------------------------------------ forwards

    def emit_forward(self) -> None:
        width, values = self.register_lanes, len(self.region.outputs)
        outs, ins = self.starts[:values], self.starts[values:2 * values]
        slot, since, until, order = self.starts[2 * values:2 * values + 4]
        keeping = self.starts[2 * values + 4:]
        of = self.region.outputs
        rooms = self.rooms(of)
        who = self.let(f"alloca [{width} x i64], align 64")
        n, most = self.word("%nest", "0"), self.word("%nest", "1")
        last = self.let(f"sub i64 {n}, 1")
        for place in map(str, range(width)):
            full = self.let(f"icmp slt i64 {place}, {n}")
            lane = self.let(f"select i1 {full}, i64 {place}, i64 {last}")
            for k in range(values):
                self.move(ins[k], lane, rooms[k], place, of[k])
            self.put_word(who, place, lane)
            self.put_word(since, lane, "0")
        few = self.let(f"icmp slt i64 {n}, {width}")
        first = self.let(f"select i1 {few}, i64 {n}, i64 {width}")
        every = str((1 << width) - 1 if width < 64 else -1)
        begun = self.let(f"shl i64 1, {first}")
        some = self.let(f"sub i64 {begun}, 1")
        living = self.let(f"select i1 {few}, i64 {some}, i64 {every}")
        self.line("br label %reload")

        self.label("reload")
        at_reload = len(self.lines)
        with self.wide(width):
            loaded = [self.load(room, d, whole=True) for room, d in zip(rooms, of)]
        self.line("br label %turn")

        self.label("turn")
        at_turn = len(self.lines)
        with self.wide(width):
            scope: Scope = {n: f"%value{n.value}" for n in self.needed(self.values) if n.op == "operand"}
            for k, base in zip(self.kept, keeping):
                place = self.let(f"mul i64 %turns, {width}")
                self.store(self.element(base, place, memory_type(of[k])), f"%value{k}", of[k], whole=True)
            self.slow = self.is_slow(self.values)
            self.compute(self.values, scope, None)
            new = [scope[v] for v in self.values]
            going = self.bits(self.cast(new[0], of[0], dtypes.bool_))
        self.line("%turns.next = add i64 %turns, 1")
        ended = self.let(f"xor i64 {going}, -1")
        enough = self.let(f"icmp eq i64 %turns.next, {most}")
        all_of_them = self.let(f"select i1 {enough}, i64 -1, i64 {ended}")
        leaving = self.let(f"and i64 {all_of_them}, %living")
        nobody = self.let(f"icmp eq i64 {leaving}, 0")
        self.line(f"br i1 {nobody}, label %turn, label %leave")
        read = {*self.kept, *(n.value for n in self.needed(self.values) if n.op == "operand")}
        self.phis(at_turn, [
            "%turns = phi i64 [%made, %reload], [%turns.next, %turn]",
            *(f"%value{k} = phi {self.type_of(of[k], width)} [{loaded[k]}, %reload], [{new[k]}, %turn]"
              for k in sorted(read))])

        self.label("leave")
        with self.wide(width):
            for room, x, d in zip(rooms, new, of):
                self.store(room, x, d, whole=True)
        stop = self.let(f"select i1 {enough}, i64 0, i64 {n}")  # then nobody takes a place
        self.line("br label %each")

        self.label("each")
        at_each = len(self.lines)
        s = self.let("call i64 @llvm.cttz.i64(i64 %leaving, i1 true)")
        self.declarations["declare i64 @llvm.cttz.i64(i64, i1)"] = None
        lane = self.word(who, s)
        for k in range(values):
            self.move(rooms[k], s, outs[k], lane, of[k])
        self.put_word(slot, lane, s)
        self.put_word(until, lane, "%turns.next")
        self.put_word(order, "%left", lane)
        self.line("%left.next = add i64 %left, 1")
        more = self.let(f"icmp slt i64 %next, {stop}")
        self.line(f"br i1 {more}, label %refill, label %drop")
        self.label("refill")
        for k in range(values):
            self.move(ins[k], "%next", rooms[k], s, of[k])
        self.put_word(who, s, "%next")
        self.put_word(since, "%next", "%turns.next")
        refilled = self.let("add i64 %next, 1")
        self.line("br label %after")
        self.label("drop")
        bit = self.let(f"shl i64 1, {s}")
        rest = self.let(f"xor i64 {bit}, -1")
        fewer = self.let(f"and i64 %alive, {rest}")
        self.line("br label %after")
        self.label("after")
        self.line(f"%next.after = phi i64 [{refilled}, %refill], [%next, %drop]")
        self.line(f"%alive.after = phi i64 [%alive, %refill], [{fewer}, %drop]")
        less = self.let("sub i64 %leaving, 1")
        self.line(f"%leaving.after = and i64 %leaving, {less}")
        gone = self.let("icmp eq i64 %leaving.after, 0")
        self.line(f"br i1 {gone}, label %check, label %each")
        self.phis(at_each, [
            f"%leaving = phi i64 [{leaving}, %leave], [%leaving.after, %after]",
            "%next = phi i64 [%waiting, %leave], [%next.after, %after]",
            "%left = phi i64 [%out, %leave], [%left.next, %after]",
            "%alive = phi i64 [%living, %leave], [%alive.after, %after]"])
        self.label("check")
        empty = self.let("icmp eq i64 %alive.after, 0")
        self.line(f"br i1 {empty}, label %end, label %reload")
        self.phis(at_reload, [
            "%made = phi i64 [0, %entry], [%turns.next, %check]",
            f"%waiting = phi i64 [{first}, %entry], [%next.after, %check]",
            "%out = phi i64 [0, %entry], [%left.next, %check]",
            f"%living = phi i64 [{living}, %entry], [%alive.after, %check]"])
        self.label("end")
        self.put_word("%nest", "2", "%left.next")
        self.put_word("%nest", "3", "%turns.next")

    def type_of(self, d: dtype, lanes: int) -> str:
        with self.wide(lanes):
            return self.type(d)

    # ------------------------------------------------------------ backwards

    def emit_back(self) -> None:
        width, values = self.register_lanes, self.backwards
        of = self.region.outputs
        outs, ins = self.starts[:values], self.starts[values:2 * values]
        kept = self.starts[2 * values:len(self.dtypes)]
        slot, _, until, order = self.starts[len(self.dtypes):]
        rooms = self.rooms(of)
        who = self.let(f"alloca [{width} x i64], align 64")
        for where in map(str, range(width)):
            self.put_word(who, where, "-1")
            for room, d in zip(rooms, of):
                self.line(f"store {memory_type(d)} zeroinitializer, ptr {self.element(room, where, memory_type(d))}")
        n, turns = self.word("%nest", "2"), self.word("%nest", "3")
        last = self.let(f"sub i64 {n}, 1")
        self.line("br label %enter")

        self.label("enter")  # who has left after the turn that comes next
        at_enter = len(self.lines)
        lane = self.word(order, "%left")
        s = self.word(slot, lane)
        before = self.word(who, s)
        nobody = self.let(f"icmp slt i64 {before}, 0")
        self.line(f"br i1 {nobody}, label %take, label %flush")
        self.label("flush")
        for k in range(values):
            self.move(rooms[k], s, outs[k], before, of[k])
        self.line("br label %take")
        self.label("take")
        for k in range(values):
            self.move(ins[k], lane, rooms[k], s, of[k])
        self.put_word(who, s, lane)
        self.line("%left.next = sub i64 %left, 1")
        none = self.let("icmp slt i64 %left.next, 0")
        self.line(f"br i1 {none}, label %ready, label %look")
        self.label("look")
        another = self.word(until, self.word(order, "%left.next"))
        now = self.let(f"icmp eq i64 {another}, %made")
        self.line(f"br i1 {now}, label %enter, label %ready")
        self.label("ready")
        self.line(f"%stop = phi i64 [0, %take], [{another}, %look]")
        with self.wide(width):
            loaded = [self.load(room, d, whole=True) for room, d in zip(rooms, of)]
        self.line("br label %turn")

        self.label("turn")
        at_turn = len(self.lines)
        self.line("%turns.next = sub i64 %turns, 1")
        place = self.let(f"mul i64 %turns.next, {width}")
        with self.wide(width):
            scope: Scope = {}
            for node in self.needed(self.values):
                if node.op == "operand" and node.value < values:
                    scope[node] = f"%value{node.value}"
                elif node.op == "operand":
                    at = self.element(kept[node.value - values], place, memory_type(node.dtype))
                    scope[node] = self.load(at, node.dtype, whole=True)
            self.slow = self.is_slow(self.values)
            self.compute(self.values, scope, None)
            new = [scope[v] for v in self.values]
        reached = self.let("icmp eq i64 %turns.next, %stop")
        self.line(f"br i1 {reached}, label %pause, label %turn")
        self.phis(at_turn, [
            "%turns = phi i64 [%made, %ready], [%turns.next, %turn]",
            *(f"%value{k} = phi {self.type_of(d, width)} [{a}, %ready], [{b}, %turn]"
              for k, (d, a, b) in enumerate(zip(of, loaded, new)))])
        self.label("pause")
        with self.wide(width):
            for room, x, d in zip(rooms, new, of):
                self.store(room, x, d, whole=True)
        over = self.let("icmp eq i64 %turns.next, 0")
        self.line(f"br i1 {over}, label %end, label %enter")
        self.phis(at_enter, [
            f"%left = phi i64 [{last}, %entry], [%left.next, %look], [%left.next, %pause]",
            f"%made = phi i64 [{turns}, %entry], [%made, %look], [%turns.next, %pause]"])

        self.label("end")
        for where in map(str, range(width)):
            lane = self.word(who, where)
            taken = self.let(f"icmp sge i64 {lane}, 0")
            self.line(f"br i1 {taken}, label %store{where}, label %stored{where}")
            self.label(f"store{where}")
            for k in range(values):
                self.move(rooms[k], where, outs[k], lane, of[k])
            self.jump(f"stored{where}")


REGISTERS = 4  # of the processor's for one of a kernel's, so that some are worked on while others wait


def lanes_together(values: Sequence[Sym]) -> int:
    """How many lanes a kernel of these values has in a register; one where a function is not for vectors.

    10⁴ loops of 500 turns of eight operations on float32: 1.3, 0.95, 0.88 and 1.6 of a time in 1, 2, 4 and 8 registers.
    """
    nodes = list(walk(lower(values)))
    native = vector_bytes()[0] // max(n.dtype.itemsize for n in nodes)
    for n in nodes:
        form = column(n.op, n.dtype if n.op == "where" else n.args[0].dtype) if n.op in INTRINSICS else ""
        if isinstance(form, str) and is_call(form):
            name, _, function = form.partition(" ")
            variants = jit.vector_functions(function, len(n.args), n.args[0].dtype is dtypes.float32)
            if name not in ("libm", "power") or not variants:
                return 1
            native = max(native, min(lanes for lanes, _ in variants))
    return min(native * REGISTERS, 64)
