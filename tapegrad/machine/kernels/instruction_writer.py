"""LLVM text, a line at a time: instructions on one element or on `lanes` of them, under a mask or not."""
from __future__ import annotations

import contextlib
import math
import struct
import sys
from collections.abc import Callable, Iterator, Sequence

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.lowering import column, literal, lower, memory_type, register_type, type_suffix
from tapegrad.machine.llvm import jit
from tapegrad.ops.scalar import POWERS
from tapegrad.ops.symbols import Sym, walk


class Writer:
    """The text of one function under construction."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.block: str = ""  # the one being written
        self.names: int = 0
        self.lanes: int = 1  # elements a register in what is being written
        self.mask: str = ""  # the lanes of the last, incomplete vector
        self.slow = False  # whether functions are called in it
        self.declarations: dict[str, None] = {}
        self.helpers: dict[str, str] = {}
        self.calls: bool = False  # functions of vectors
        self.quick: bool = jit.quick()

    # -------------------------------------------------------------------------------------------------- text pieces

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def name(self) -> str:
        self.names += 1
        return f"t{self.names}"

    def let(self, text: str) -> str:
        name = "%" + self.name()
        self.line(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        self.block = name
        self.lines.append(f"{name}:")

    def jump(self, name: str) -> None:
        """End the block and begin the next one."""
        self.line(f"br label %{name}")
        self.label(name)

    def element(self, base: str, i: int | str, t: str = "i64") -> str:
        return self.let(f"getelementptr {t}, ptr {base}, i64 {i}")

    def type(self, d: dtype) -> str:
        return self.vector(register_type(d))

    def vector(self, t: str) -> str:
        return t if self.lanes == 1 else f"<{self.lanes} x {t}>"

    def const(self, value: float, d: dtype) -> str:
        text = literal(value, d)
        return text if self.lanes == 1 else f"<{', '.join([f'{register_type(d)} {text}'] * self.lanes)}>"

    def splat(self, x: str, t: str) -> str:
        if self.lanes == 1:
            return x
        first = self.let(f"insertelement {self.vector(t)} poison, {t} {x}, i64 0")
        return self.let(f"shufflevector {self.vector(t)} {first}, {self.vector(t)} poison, "
                        f"<{self.lanes} x i32> zeroinitializer")

    def steps(self) -> str:
        return f"<{', '.join(f'i64 {lane}' for lane in range(self.lanes))}>"

    @contextlib.contextmanager
    def wide(self, lanes: int, mask: str = "") -> Iterator[None]:
        before = self.lanes, self.mask
        self.lanes, self.mask = lanes, mask
        yield
        self.lanes, self.mask = before

    # ------------------------------------------------------------------------------------------------------- memory

    def load(self, at: str, d: dtype, whole: bool = False) -> str:
        """`whole`: memory of our own, where the lanes beyond the end may be touched too."""
        t = self.vector(memory_type(d))
        if self.mask and not whole:
            idle = self.idle(d)
            suffix = f"v{self.lanes}{'i8' if d is dtypes.bool_ else type_suffix(d)}.p0"
            value = self.let(f"call {t} @llvm.masked.load.{suffix}(ptr {at}, i32 {d.itemsize}, "
                             f"{self.vector('i1')} {self.mask}, {t} {idle})")
            self.declarations[f"declare {t} @llvm.masked.load.{suffix}(ptr, i32, {self.vector('i1')}, {t})"] = None
        else:
            value = self.let(f"load {t}, ptr {at}, align {d.itemsize}")
        return self.let(f"icmp ne {t} {value}, zeroinitializer") if d is dtypes.bool_ else value

    def idle(self, d: dtype) -> str:
        """What the lanes compute with that are off: a half where functions are called, for none finds that special."""
        return self.const(0.5, d) if d.category == 2 and self.slow else "zeroinitializer"

    def store(self, at: str, value: str, d: dtype, whole: bool = False) -> None:
        t = self.vector(memory_type(d))
        if d is dtypes.bool_:
            value = self.let(f"zext {self.type(d)} {value} to {t}")
        if self.mask and not whole:
            suffix = f"v{self.lanes}{'i8' if d is dtypes.bool_ else type_suffix(d)}.p0"
            self.line(f"call void @llvm.masked.store.{suffix}({t} {value}, ptr {at}, i32 {d.itemsize}, "
                      f"{self.vector('i1')} {self.mask})")
            self.declarations[f"declare void @llvm.masked.store.{suffix}({t}, ptr, i32, {self.vector('i1')})"] = None
        else:
            self.line(f"store {t} {value}, ptr {at}, align {d.itemsize}")

    # -------------------------------------------------------------------------------------------------- mathematics

    def form(self, n: Sym) -> str:
        form = column(n.op, n.dtype if n.op == "where" else n.args[0].dtype)
        assert isinstance(form, str), n.op
        return form

    def instruction(self, n: Sym, args: list[str]) -> str:
        form, d = self.form(n), n.args[0].dtype
        if form == "select":
            return "select " + ", ".join(f"{self.type(a.dtype)} {x}" for a, x in zip(n.args, args))
        if form.startswith("@"):
            return self.intrinsic(form, n.dtype, d, args)
        if form.startswith("inline "):
            return _WRITTEN[form[7:]](self, *args, d)
        if form.startswith("series "):
            return self.series(form[7:], d, args)
        if form.startswith("libm "):
            return self.libm_call(form[5:], d, args)
        if form.startswith("power "):
            return self.power(form[6:], d, args)
        if form.startswith("linked "):
            t, symbol = register_type(d), form[7:] + "f" * (d is dtypes.float32)
            self.declarations[f"declare {t} @{symbol}({', '.join([t] * len(args))}) nounwind"] = None
            return f"call {t} @{symbol}({', '.join(f'{t} {x}' for x in args)})"
        if form == "call ipow":
            name, t = f"ipow.{d.short}", register_type(d)
            self.helpers[name] = _IPOW.format(name=name, t=t, signed="true" if d.is_signed else "false")
            return f"call {t} @{name}({', '.join(f'{t} {x}' for x in args)})"
        return f"{form} {self.type(d)} {', '.join(args)}"

    def intrinsic(self, form: str, result: dtype, d: dtype, args: list[str]) -> str:
        t, r = self.type(d), self.type(result)
        head = f"{r} @llvm.{form[1:]}.{f'v{self.lanes}' if self.lanes > 1 else ''}{type_suffix(d)}"
        self.declarations[f"declare {head}({', '.join([t] * len(args))})"] = None
        return f"call {head}({', '.join(f'{t} {x}' for x in args)})"

    def libm_call(self, name: str, d: dtype, args: list[str]) -> str:
        """A call of libm's function, or of libmvec's on as many pieces as its registers ask for."""
        t, single = register_type(d), d is dtypes.float32
        symbol, lanes = name + "f" * single, 1
        if self.lanes > 1:
            lanes, symbol = max(v for v in jit.vector_functions(name, len(args), single) if self.lanes % v[0] == 0)
            self.calls = True
        piece = t if lanes == 1 else f"<{lanes} x {t}>"
        self.declarations[f"declare {piece} @{symbol}({', '.join([piece] * len(args))}) nounwind memory(none)"] = None
        if lanes == self.lanes:
            return f"call {piece} @{symbol}({', '.join(f'{piece} {x}' for x in args)})"
        whole, results = self.type(d), []
        for start in range(0, self.lanes, lanes):
            picked = ", ".join(f"i32 {lane}" for lane in range(start, start + lanes))
            parts = [self.let(f"shufflevector {whole} {x}, {whole} poison, <{lanes} x i32> <{picked}>") for x in args]
            results.append(self.let(f"call {piece} @{symbol}({', '.join(f'{piece} {x}' for x in parts)})"))
        while len(results) > 1:
            piece, joined = f"<{lanes} x {t}>", ", ".join(f"i32 {lane}" for lane in range(2 * lanes))
            text = [f"shufflevector {piece} {a}, {piece} {b}, <{2 * lanes} x i32> <{joined}>"
                    for a, b in zip(results[::2], results[1::2])]
            if len(text) == 1:
                return text[0]
            results, lanes = [self.let(x) for x in text], 2 * lanes
        raise AssertionError(name)

    def power(self, otherwise: str, d: dtype, args: list[str]) -> str:
        """A call of a function that looks at the exponent: of one in `POWERS` the product or root, of others libm's."""
        name, t, truth = f"power.{d.short}.{self.lanes}", self.type(d), self.vector("i1")
        if name not in self.helpers:
            body = Writer()
            body.lanes = self.lanes
            y = body.let(f"extractelement {t} %y, i64 0") if self.lanes > 1 else "%y"
            bits = body.let(f"bitcast {register_type(d)} {y} to i{d.itemsize * 8}")
            if self.lanes > 1:  # in a table of places each lane may have an exponent of its own
                same = body.let(f"fcmp oeq {t} %y, {body.splat(y, register_type(d))}")
                every = body.let(f"icmp eq i{self.lanes} {body.let(f'bitcast {truth} {same} to i{self.lanes}')}, -1")
                body.line(f"br i1 {every}, label %one, label %each")
                body.label("one")
            integer = {e: int.from_bytes(d.numpy.type(e).tobytes(), sys.byteorder) for e in POWERS}
            cases = " ".join(f"i{d.itemsize * 8} {integer[e]}, label %by{n}" for n, e in enumerate(POWERS))
            body.line(f"switch i{d.itemsize * 8} {bits}, label %each [ {cases} ]")
            for n, e in enumerate(POWERS):
                body.label(f"by{n}")
                body.line(f"ret {t} {body.straight_line([POWERS[e](Sym.operand(0, d))], ['%x'])[0]}")
            body.label("each")
            found = body.let(body.libm_call(otherwise, d, ["%x", "%y"]))
            for e, power in POWERS.items() if self.lanes > 1 else ():
                here = body.let(f"fcmp oeq {t} %y, {body.const(e, d)}")
                (product,) = body.straight_line([power(Sym.operand(0, d))], ["%x"])
                found = body.let(f"select {truth} {here}, {t} {product}, {t} {found}")
            body.line(f"ret {t} {found}")
            head = f"define internal {t} @{name}({t} %x, {t} %y) nounwind alignstack(64) {_WIDE} {{"
            self.helpers[name] = "\n".join([head, *body.lines, "}"])
            self.declarations.update(body.declarations)
            self.calls |= body.calls
        return f"call {t} @{name}({', '.join(f'{t} {x}' for x in args)})"

    def series(self, name: str, d: dtype, args: list[str]) -> str:
        """A call of one of the functions in `series`."""
        t, symbol = self.type(d), series_symbol(name, d, self.lanes)
        self.declarations[f"declare {t} @{symbol}({t}) nounwind memory(none)"] = None
        self.calls |= self.lanes > 1
        return f"call {t} @{symbol}({t} {args[0]})"

    def straight_line(self, roots: Sequence[Sym], operands: Sequence[str]) -> list[str]:
        """Registers that hold `roots`, computed from those that hold their operands."""
        found: dict[Sym, str] = {}
        roots = lower(roots)
        for n in walk(roots):
            found[n] = operands[n.value] if n.op == "operand" else self.const(n.value, n.dtype) if n.op == "const" \
                else self.let(self.instruction(n, [found[a] for a in n.args]))
        return [found[r] for r in roots]

    def cast(self, x: str, a: dtype, b: dtype) -> str:
        if a is b:
            return x
        if a.arithmetic is not a:
            return self.cast(self.from_half(x, a), a.arithmetic, b)
        if b.arithmetic is not b:
            return self.to_half(self.cast(x, a, b.arithmetic), b)
        s, t = self.type(a), self.type(b)
        if b is dtypes.bool_:
            return self.let(f"{'fcmp une' if a.category == 2 else 'icmp ne'} {s} {x}, zeroinitializer")
        if a.category == 2:
            if b.category == 2:
                return self.let(f"{'fpext' if b is dtypes.float64 else 'fptrunc'} {s} {x} to {t}")
            # Out of range is poison to LLVM: frozen, it is whatever the processor's conversion gives, as in PyTorch.
            wide = self.vector("i64" if b is dtypes.int64 else "i32")
            value = self.let(f"freeze {wide} {self.let(f'fptosi {s} {x} to {wide}')}")
            return value if wide == t else self.let(f"trunc {wide} {value} to {t}")
        if b.category == 2:
            return self.let(f"{'sitofp' if a.is_signed else 'uitofp'} {s} {x} to {t}")
        if a is not dtypes.bool_ and a.itemsize >= b.itemsize:
            return x if a.itemsize == b.itemsize else self.let(f"trunc {s} {x} to {t}")
        return self.let(f"{'sext' if a.is_signed else 'zext'} {s} {x} to {t}")

    # -------------------------------------------------------------------------------------------------- exponentials
    # Where there are FMAs, of float64 and of vectors of float32. A call of libmvec's saves all registers around it, and
    # a recurrent cell makes five (8 x 64 elements of float32: 2.7 us, and 2.1 without them). A single float32 has
    # libm's: programs of many numbers would grow. Its exp is left to libmvec, for results below the normal numbers take
    # more instructions, and a call is no slower. Those of float64 are functions that kernels share (`series`), which
    # take 0.8 (exp) and 0.4 (tanh) of libmvec's time, four registers at once. Largest errors, in units in the last
    # place: of float32 2.4 of tanh, 2.5 of sigmoid; of float64 1.08 of exp (libmvec's: 2.6), 2.5 of tanh.

    def sigmoid(self, x: str, d: dtype) -> str:
        """1 / (1 + exp(-x)) as 1/2 / (1/2 + exp(-x) / 2), which overflows where the result is below all numbers."""
        t = self.type(d)
        if self.lanes == 1:
            power = self.let(self.libm_call("exp", d, [self.let(f"fneg {t} {x}")]))
            return f"fdiv {t} {self.const(1, d)}, {self.let(f'fadd {t} {self.const(1, d)}, {power}')}"
        x = self.limited("olt", self.limited("ogt", self.let(f"fneg {t} {x}"), 89.5, d), -87.0, d)
        n, e = self.exponential(x, d, 126)
        half = self.const(0.5, d)
        power = self.multiply_add(self.let(f"fadd {t} {e}, {self.const(1, d)}"), self.raised(n, d), half, d)
        return f"fdiv {t} {half}, {power}"

    def tanh(self, x: str, d: dtype) -> str:
        """e / (e + 2) where e = exp(2 x) - 1, of the absolute value."""
        t = self.type(d)
        if self.lanes == 1 and d is dtypes.float32:
            return self.libm_call("tanh", d, [x])
        size = self.let(self.intrinsic("@fabs", d, d, [x]))
        n, e = self.exponential(self.limited("ogt", self.let(f"fadd {t} {size}, {size}"), 40.0, d), d, _BIAS[d], True)
        power = self.raised(n, d)
        e = self.multiply_add(e, power, self.let(f"fsub {t} {power}, {self.const(1, d)}"), d)
        found = self.let(f"fdiv {t} {e}, {self.let(f'fadd {t} {e}, {self.const(2, d)}')}")
        return self.intrinsic("@copysign", d, d, [found, x])

    def exp(self, x: str, d: dtype) -> str:
        """2**n exp(r) as 2**(n - m) (2**m exp(r)).

        m is about n / 2, for neither power to leave the range where the result is at its very ends.
        """
        t, bits = self.type(d), self.vector("i64")
        n, e = self.exponential(self.limited("ogt", self.limited("olt", x, -746.0, d), 710.0, d), d)
        half = self.let(f"lshr {bits} {n}, {self.const(1, dtypes.int64)}")
        first, second = (self.raised(self.let(f"add {bits} {m}, {self.const(_BIAS[d], dtypes.int64)}"), d)
                         for m in (half, self.let(f"sub {bits} {n}, {half}")))
        return f"fmul {t} {self.multiply_add(e, first, first, d)}, {second}"

    def exponential(self, x: str, d: dtype, bias: int = 0, brief: bool = False) -> tuple[str, str]:
        """n + `bias` in the lowest bits, and exp(r) - 1, where exp(x) = 2**n exp(r), and r is at most half of log(2).

        `brief`, of float32, is 2e-9 n off: by where that shows, tanh is 1.
        """
        t, digits = self.type(d), _DIGITS[d]
        # A number so large leaves no digits after the point: what is added to it is rounded, and is in the lowest bits.
        large = self.const(1.5 * 2.0 ** digits + bias, d)
        shifted = self.multiply_add(x, self.const(1 / math.log(2), d), large, d)
        n, r = self.let(f"fsub {t} {shifted}, {large}"), x
        for part in _LOG_2[d][:1] if brief and d is dtypes.float32 else _LOG_2[d]:
            r = self.multiply_add(n, self.const(-part, d), r, d)
        square = self.let(f"fmul {t} {r}, {r}")
        # By pairs, whose sums do not wait for each other: half as long for one vector as term by term.
        constants = [self.const(value, d) for value in _EXPONENTIAL[d]]
        pairs = [self.multiply_add(pair[1], r, pair[0], d) if len(pair) > 1 else pair[0]
                 for pair in (constants[k:k + 2] for k in range(0, len(constants), 2))]
        p = pairs.pop()
        for pair in reversed(pairs):
            p = self.multiply_add(p, square, pair, d)
        lowest = self.let(f"bitcast {t} {shifted} to {self.vector(f'i{8 * d.itemsize}')}")
        return lowest, self.multiply_add(p, square, r, d)

    def raised(self, exponent: str, d: dtype) -> str:
        """The power of two with this exponent, biased."""
        bits = self.vector(f"i{8 * d.itemsize}")
        by = str(_DIGITS[d]) if self.lanes == 1 else f"<{', '.join([f'i{8 * d.itemsize} {_DIGITS[d]}'] * self.lanes)}>"
        return self.let(f"bitcast {bits} {self.let(f'shl {bits} {exponent}, {by}')} to {self.type(d)}")

    def limited(self, how: str, x: str, bound: float, d: dtype) -> str:
        """The bound where x compares with it as said, else x: so NaN stays."""
        t = self.type(d)
        beyond = self.let(f"fcmp {how} {t} {x}, {self.const(bound, d)}")
        return self.let(f"select {self.vector('i1')} {beyond}, {t} {self.const(bound, d)}, {t} {x}")

    def multiply_add(self, x: str, y: str, z: str, d: dtype) -> str:
        return self.let(self.intrinsic("@fma", d, d, [x, y, z]))

    # -------------------------------------------------------------------------------------------------------- halves
    # Instructions for them are not on every processor, and LLVM calls functions that are not there instead.

    def from_half(self, x: str, d: dtype) -> str:
        """The float32 that is stored in 16 bits: exactly."""
        bits, single = self.vector("i32"), self.vector("float")
        wide = self.let(f"zext {self.vector('i16')} {x} to {bits}")
        if d is dtypes.bfloat16:
            return self.let(f"bitcast {bits} {self.bitwise('shl', wide, 16)} to {single}")
        moved = self.bitwise("shl", self.bitwise("and", wide, 0x7FFF), 13)
        exponent = self.bitwise("and", moved, 0x1F << 23)
        normal = self.bitwise("add", moved, (127 - 15) << 23)
        special = self.bitwise("add", normal, (128 - 16) << 23)  # infinities and NaN
        magic = self.splat_bits((127 - 14) << 23)
        shifted = self.let(f"bitcast {bits} {self.bitwise('add', normal, 1 << 23)} to {single}")
        small = self.let(f"bitcast {single} {self.let(f'fsub {single} {shifted}, {magic}')} to {bits}")
        found = self.choose(self.test("eq", exponent, 0x1F << 23), special, normal)
        found = self.choose(self.test("eq", exponent, 0), small, found)
        sign = self.bitwise("shl", self.bitwise("and", wide, 0x8000), 16)
        return self.let(f"bitcast {bits} {self.let(f'or {bits} {found}, {sign}')} to {single}")

    def to_half(self, x: str, d: dtype) -> str:
        """A float32 rounded to 16 bits: to the nearest, of two as near to the even one."""
        bits, single = self.vector("i32"), self.vector("float")
        whole = self.let(f"bitcast {single} {x} to {bits}")
        lowest = 16 if d is dtypes.bfloat16 else 13  # the lowest bit that is kept
        odd = self.bitwise("and", self.bitwise("lshr", whole, lowest), 1)
        magnitude = self.bitwise("and", whole, 0x7FFFFFFF)
        if d is dtypes.bfloat16:
            rounded = self.let(f"add {bits} {self.bitwise('add', whole, 0x7FFF)}, {odd}")
            found = self.choose(self.test("ugt", magnitude, 0xFF << 23), self.splat_bits(0x7FC0 << 16, False), rounded)
            return self.let(f"trunc {bits} {self.bitwise('lshr', found, 16)} to {self.vector('i16')}")
        moved = self.bitwise("add", magnitude, (((15 - 127) << 23) + 0xFFF) & 0xFFFFFFFF)
        normal = self.bitwise("lshr", self.let(f"add {bits} {moved}, {odd}"), 13)
        magic = 126 << 23  # a half, whose last digit is that of the smallest numbers
        shifted = self.let(f"fadd {single} {self.let(f'bitcast {bits} {magnitude} to {single}')}, "
                           f"{self.splat_bits(magic)}")
        small = self.bitwise("sub", self.let(f"bitcast {single} {shifted} to {bits}"), magic)
        special = self.choose(self.test("ugt", magnitude, 0xFF << 23), self.splat_bits(0x7E00, False),
                              self.splat_bits(0x7C00, False))
        found = self.choose(self.test("ult", magnitude, (127 - 14) << 23), small, normal)
        found = self.choose(self.test("uge", magnitude, (127 + 16) << 23), special, found)
        sign = self.bitwise("lshr", self.bitwise("and", whole, 0x80000000), 16)
        return self.let(f"trunc {bits} {self.let(f'or {bits} {found}, {sign}')} to {self.vector('i16')}")

    def splat_bits(self, number: int, single: bool = True) -> str:
        """32 bits in every lane: as whole numbers, or as those of a float32."""
        if single:
            return self.const(struct.unpack("<f", struct.pack("<I", number))[0], dtypes.float32)
        return str(number) if self.lanes == 1 else f"<{', '.join([f'i32 {number}'] * self.lanes)}>"

    def bitwise(self, instruction: str, x: str, number: int) -> str:
        return self.let(f"{instruction} {self.vector('i32')} {x}, {self.splat_bits(number, False)}")

    def test(self, how: str, x: str, number: int) -> str:
        return self.let(f"icmp {how} {self.vector('i32')} {x}, {self.splat_bits(number, False)}")

    def choose(self, condition: str, x: str, y: str) -> str:
        t = self.vector("i32")
        return self.let(f"select {self.vector('i1')} {condition}, {t} {x}, {t} {y}")

    # --------------------------------------------------------------------------------------------------- the module

    def module(self) -> str:
        """The whole text: the function, its helpers and all it refers to."""
        attributes = ["nounwind", _WIDE]
        if self.quick:
            attributes += [QUICK]
        if self.calls:  # else a vector kept on the stack over a call may lie across two cache lines
            attributes += ["alignstack(64)"]
        head = f"define i32 @kernel(ptr %pointers, ptr %nest) {' '.join(attributes)} {{"
        return "\n".join([head, *self.lines, "}", *self.helpers.values(), *self.declarations]) + "\n"


# LLVM avoids 512-bit vectors by default, for fear of lower clock rates. Here they are 1.2-2x faster than 256 bits on
# whatever computes (exp 405 -> 294 us, tanh 743 -> 352 us, 1e6 float32) and equal on what waits for memory.
_WIDE = '"prefer-vector-width"="512"'

QUICK = "noinline optnone"  # so that nothing is scheduled either

_WRITTEN: dict[str, Callable[..., str]] = {"sigmoid": Writer.sigmoid, "tanh": Writer.tanh, "exp": Writer.exp}

SERIES = "tapegrad_series_"


def series_symbol(name: str, d: dtype, lanes: int) -> str:
    """What that function is called."""
    return f"{SERIES}{name}_{d.short}x{lanes}"


def series_text(name: str, d: dtype, lanes: int) -> str:
    """The text of a function that `Writer.series` calls."""
    body = Writer()
    with body.wide(lanes):
        t, found = body.type(d), body.let(_WRITTEN[name](body, "%x", d))
    head = f"define {t} @{series_symbol(name, d, lanes)}({t} %x) nounwind memory(none) {_WIDE} {{"
    return "\n".join([head, *body.lines, f"  ret {t} {found}", "}", *body.declarations]) + "\n"


def _hexadecimal(texts: str) -> list[float]:
    return [float.fromhex(text) for text in texts.split()]


_DIGITS = {dtypes.float32: 23, dtypes.float64: 52}  # after the point
_BIAS = {dtypes.float32: 127, dtypes.float64: 1023}  # of exponents
# Of doubles the first digits, few enough for n times them to be exact, and the rest.
_SINGLE = float(dtypes.float32.numpy.type(math.log(2)))
_LOG_2 = {dtypes.float32: [_SINGLE, math.log(2) - _SINGLE],
          dtypes.float64: _hexadecimal("0x1.62e42feep-1 0x1.a39ef35793c76p-33")}
# Of (exp(r) - 1 - r) / r**2, from the lowest power up: fitted, at Chebyshev's points, to 6.5e-8 and 1.6e-17.
_EXPONENTIAL = {
    dtypes.float32: [0.5, 0.16666576845993977, 0.04166655443768594, 0.008363202971575855, 0.0013926213466332444],
    dtypes.float64: _hexadecimal("""0x1.0000000000001p-1 0x1.5555555555556p-3 0x1.5555555553d4fp-5
        0x1.11111111109adp-7 0x1.6c16c17893833p-10 0x1.a01a01a7c8d47p-13 0x1.a019b8ef67c6cp-16 0x1.71de0d9c145d0p-19
        0x1.2891a8c1d838dp-22 0x1.af38d53857513p-26"""),
}

_IPOW = """\
define internal {t} @{name}({t} %x, {t} %y) noinline nounwind willreturn memory(none) {{
entry:
  %below = icmp slt {t} %y, 0
  %negative = and i1 %below, {signed}
  br i1 %negative, label %inverse, label %loop
inverse:  ; 1 / x**-y towards zero: only 1 and -1 leave anything
  %one = icmp eq {t} %x, 1
  %minus = icmp eq {t} %x, -1
  %bit = and {t} %y, 1
  %twice = shl {t} %bit, 1
  %sign = sub {t} 1, %twice
  %either = select i1 %minus, {t} %sign, {t} 0
  %unit = select i1 %one, {t} 1, {t} %either
  ret {t} %unit
loop:
  %r = phi {t} [1, %entry], [%r.next, %turn]
  %b = phi {t} [%x, %entry], [%b.next, %turn]
  %e = phi {t} [%y, %entry], [%e.next, %turn]
  %done = icmp eq {t} %e, 0
  br i1 %done, label %end, label %turn
turn:
  %low = and {t} %e, 1
  %odd = icmp ne {t} %low, 0
  %rb = mul {t} %r, %b
  %r.next = select i1 %odd, {t} %rb, {t} %r
  %b.next = mul {t} %b, %b
  %e.next = lshr {t} %e, 1
  br label %loop
end:
  ret {t} %r
}}"""
