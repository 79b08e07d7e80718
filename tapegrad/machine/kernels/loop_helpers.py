"""What all kernels share and call: the reading of a loop nest, and the turning of its outer loops.

Written out in each kernel they would double the time LLVM takes, and they run seldom. The loops of a nest (the kept
ones, or the reduced ones) are read into a *frame*, words of 64 bits in the kernel's own memory:

    TURNS, LAST   how often the innermost loop of the frame turns, and its number
    FIRST, MANY   the number of the outermost, and whether that is another
    SIZE          the size of the loop inside, where the kernel keeps that one for its vectors
    COUNTERS      of all loops
    then one for each operand: the strides of loop LAST, where the operand is, the strides of the loop inside
"""
from __future__ import annotations

import functools

from tapegrad.machine.llvm import cache, jit

MAX_RANK = 32  # loops in a nest
NAMES = ("tapegrad_begin", "tapegrad_advance")
TURNS, LAST, FIRST, MANY, SIZE, COUNTERS = range(6)
STEPS = COUNTERS + MAX_RANK


def words(operands: int) -> int:
    """The size of a frame."""
    return STEPS + 3 * operands


DECLARATIONS = """\
declare i64 @tapegrad_begin(ptr, i64, ptr, ptr, i64, i64)
declare i1 @tapegrad_advance(ptr, i64, ptr)"""

_NEST = """\
  %K = load i64, ptr %nest
  %at.R = getelementptr i64, ptr %nest, i64 1
  %R = load i64, ptr %at.R
  %D = add i64 %K, %R
  %sizes = getelementptr i64, ptr %nest, i64 2
  %strides = getelementptr i64, ptr %sizes, i64 %D
"""


def _four(source: str, target: str) -> str:
    """Four words at %j."""
    return f"""\
  %at.{source} = getelementptr i64, ptr %{source}, i64 %j
  %{source}.four = load <4 x i64>, ptr %at.{source}, align 8
  %to.{target} = getelementptr i64, ptr %{target}, i64 %j
  store <4 x i64> %{source}.four, ptr %to.{target}, align 8
"""


SOURCE = f"""\
; Reads the kept loops into a frame or, where %reduced is 1, those; where %inside is 1, all but the innermost.
; The number of turns that all loops make together is returned.
define i64 @tapegrad_begin(ptr %frame, i64 %n, ptr %pointers, ptr %nest, i64 %reduced, i64 %inside) {{
entry:
{_NEST}  %first = mul i64 %K, %reduced
  %more.R = mul i64 %R, %reduced
  %stop = add i64 %K, %more.R
  %end = sub i64 %stop, %inside
  %last = sub i64 %end, 1
  %some = icmp sgt i64 %end, %first
  %loop = select i1 %some, i64 %last, i64 0
  %at.loop.size = getelementptr i64, ptr %sizes, i64 %loop
  %loop.size = load i64, ptr %at.loop.size
  %turns = select i1 %some, i64 %loop.size, i64 1
  store i64 %turns, ptr %frame
  %at.last = getelementptr i64, ptr %frame, i64 {LAST}
  store i64 %last, ptr %at.last
  %at.first = getelementptr i64, ptr %frame, i64 {FIRST}
  store i64 %first, ptr %at.first
  %innermost = sub i64 %stop, 1
  %at.inner.size = getelementptr i64, ptr %sizes, i64 %innermost
  %inner.size = load i64, ptr %at.inner.size
  %at.size = getelementptr i64, ptr %frame, i64 {SIZE}
  store i64 %inner.size, ptr %at.size
  %steps = getelementptr i64, ptr %frame, i64 {STEPS}
  %walk = getelementptr i64, ptr %steps, i64 %n
  %inner = getelementptr i64, ptr %walk, i64 %n
  %many = icmp sgt i64 %last, %first
  %at.many = getelementptr i64, ptr %frame, i64 {MANY}
  store i1 %many, ptr %at.many
  br i1 %many, label %count, label %operands
count:
  %at.counters = getelementptr i64, ptr %frame, i64 {COUNTERS}
  store <{MAX_RANK} x i64> zeroinitializer, ptr %at.counters, align 8
  br label %operands
operands:  ; of a single loop what is read lies side by side
  %flat = icmp eq i64 %D, 1
  %whole = and i64 %n, -4
  %fours = select i1 %flat, i64 %whole, i64 0
  %from.step = getelementptr i64, ptr %strides, i64 %loop
  %from.inner = getelementptr i64, ptr %strides, i64 %innermost
  %are.fours = icmp sgt i64 %fours, 0
  br i1 %are.fours, label %four, label %rest
four:
  %j = phi i64 [0, %operands], [%j.next, %four]
{_four("from.step", "steps")}{_four("pointers", "walk")}{_four("from.inner", "inner")}  %j.next = add i64 %j, 4
  %j.more = icmp slt i64 %j.next, %fours
  br i1 %j.more, label %four, label %rest
rest:
  %row.first = getelementptr i64, ptr %strides, i64 %fours
  %some.left = icmp slt i64 %fours, %n
  br i1 %some.left, label %operand, label %extent
operand:
  %k = phi i64 [%fours, %rest], [%k.next, %operand]
  %row = phi ptr [%row.first, %rest], [%row.next, %operand]
  %at.step = getelementptr i64, ptr %row, i64 %loop
  %step = load i64, ptr %at.step
  %to.step = getelementptr i64, ptr %steps, i64 %k
  store i64 %step, ptr %to.step
  %at.p = getelementptr ptr, ptr %pointers, i64 %k
  %p = load ptr, ptr %at.p
  %to.p = getelementptr ptr, ptr %walk, i64 %k
  store ptr %p, ptr %to.p
  %at.stride = getelementptr i64, ptr %row, i64 %innermost
  %stride = load i64, ptr %at.stride
  %to.stride = getelementptr i64, ptr %inner, i64 %k
  store i64 %stride, ptr %to.stride
  %row.next = getelementptr i64, ptr %row, i64 %D
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, %n
  br i1 %k.more, label %operand, label %extent
extent:
  %d = phi i64 [%first, %operand], [%first, %rest], [%d.next, %turn]
  %product = phi i64 [1, %operand], [1, %rest], [%product.next, %turn]
  %more = icmp slt i64 %d, %stop
  br i1 %more, label %turn, label %done
turn:
  %at = getelementptr i64, ptr %sizes, i64 %d
  %size = load i64, ptr %at
  %product.next = mul i64 %product, %size
  %d.next = add i64 %d, 1
  br label %extent
done:
  ret i64 %product
}}

; One step of the odometer over the loops of a frame but the last: false when it has come round, all as at the start.
define i1 @tapegrad_advance(ptr %frame, i64 %n, ptr %nest) {{
entry:
{_NEST}  %at.last = getelementptr i64, ptr %frame, i64 {LAST}
  %end = load i64, ptr %at.last
  %at.first = getelementptr i64, ptr %frame, i64 {FIRST}
  %first = load i64, ptr %at.first
  %counters = getelementptr i64, ptr %frame, i64 {COUNTERS}
  %steps = getelementptr i64, ptr %frame, i64 {STEPS}
  %walk = getelementptr i64, ptr %steps, i64 %n
  br label %loop
loop:
  %d.above = phi i64 [%end, %entry], [%d, %carry]
  %d = sub i64 %d.above, 1
  %over = icmp slt i64 %d, %first
  br i1 %over, label %no, label %step
step:
  %at.counter = getelementptr i64, ptr %counters, i64 %d
  %counter = load i64, ptr %at.counter
  %counter.next = add i64 %counter, 1
  %at.size = getelementptr i64, ptr %sizes, i64 %d
  %size = load i64, ptr %at.size
  %wrap = icmp sge i64 %counter.next, %size
  %back = mul i64 %counter, -1
  %turns = select i1 %wrap, i64 %back, i64 1
  %counter.new = select i1 %wrap, i64 0, i64 %counter.next
  store i64 %counter.new, ptr %at.counter
  %row = getelementptr i64, ptr %strides, i64 %d
  br label %move
move:
  %k = phi i64 [0, %step], [%k.next, %move]
  %at.stride = phi ptr [%row, %step], [%at.stride.next, %move]
  %stride = load i64, ptr %at.stride
  %by = mul i64 %stride, %turns
  %at.p = getelementptr ptr, ptr %walk, i64 %k
  %p = load ptr, ptr %at.p
  %p.next = getelementptr i8, ptr %p, i64 %by
  store ptr %p.next, ptr %at.p
  %at.stride.next = getelementptr i64, ptr %at.stride, i64 %D
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, %n
  br i1 %k.more, label %move, label %carry.or.yes
carry.or.yes:
  br i1 %wrap, label %carry, label %yes
carry:
  br label %loop
yes:
  ret i1 true
no:
  ret i1 false
}}
"""


def build() -> bytes:
    """The helpers' object code, from the disk cache or from LLVM."""
    return cache.obtain("helpers", lambda: jit.compile_ir(SOURCE, 1))


@functools.cache
def load() -> None:
    """Have the helpers at hand before the first kernel that calls them is loaded."""
    for name, address in jit.load_object("helpers", build(), NAMES, ()).items():
        jit.define_symbol(name, address)
