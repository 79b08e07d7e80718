"""What all kernels share and call: how many turns some loops make together, and the turning of outer loops.

Written out in each kernel they would double the time LLVM takes, and they run seldom.
"""
from __future__ import annotations

import functools

from . import cache, jit

NAMES = ("tapegrad_extent", "tapegrad_advance")

DECLARATIONS = """\
declare i1 @tapegrad_advance(ptr, i64, ptr, ptr, i64, i64)
declare i64 @tapegrad_extent(ptr, i64, i64)"""

_SOURCE = """\
; The product of sizes[first], ..., sizes[end - 1].
define i64 @tapegrad_extent(ptr %sizes, i64 %first, i64 %end) {
entry:
  br label %loop
loop:
  %d = phi i64 [%first, %entry], [%d.next, %turn]
  %p = phi i64 [1, %entry], [%p.next, %turn]
  %more = icmp slt i64 %d, %end
  br i1 %more, label %turn, label %done
turn:
  %at = getelementptr i64, ptr %sizes, i64 %d
  %size = load i64, ptr %at
  %p.next = mul i64 %p, %size
  %d.next = add i64 %d, 1
  br label %loop
done:
  ret i64 %p
}

; One step of the odometer over loops [first, end): false when it has come round, all as it was at the start.
define i1 @tapegrad_advance(ptr %walk, i64 %n, ptr %counters, ptr %nest, i64 %first, i64 %end) {
entry:
  %K = load i64, ptr %nest
  %at.R = getelementptr i64, ptr %nest, i64 1
  %R = load i64, ptr %at.R
  %D = add i64 %K, %R
  %sizes = getelementptr i64, ptr %nest, i64 2
  %strides = getelementptr i64, ptr %sizes, i64 %D
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
}
"""


def build() -> bytes:
    """The helpers' object code, from the disk cache or from LLVM."""
    code = cache.get("helpers")
    if code is None:
        code = jit.compile_ir(_SOURCE, 2)
        cache.put("helpers", code)
    return code


@functools.cache
def load() -> None:
    """Have the helpers at hand before the first kernel that calls them is loaded."""
    for name, address in jit.load_object("helpers", build(), NAMES, ()).items():
        jit.define_symbol(name, address)
