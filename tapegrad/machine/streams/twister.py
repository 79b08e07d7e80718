"""The Mersenne Twister in memory, and its bits: what every kernel of this room starts from.

Matsumoto and Nishimura, "Mersenne Twister" (1998). A stream is one record, STREAM; a kernel takes its address. Loops
over words are written so that LLVM makes vectors of them, which is why memory is seen through pointers here.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.extending import intrinsic

from tapegrad.machine.native.glue import Callee, native, u64

WORDS, SHIFT = 624, 397
SPENT, FRESH = np.uint32(624), np.uint32(625)
POSITION, HAS_SPARE, SPARE = np.uint64(624), np.uint64(625), np.uint64(313)  # SPARE counts doubles, the others words
TWIST, HIGH, LOW = np.uint32(0x9908B0DF), np.uint32(0x80000000), np.uint32(0x7FFFFFFF)
MIX, FIRST, SECOND = np.uint32(1812433253), np.uint32(0x9D2C5680), np.uint32(0xEFC60000)
N0, N1, N7, N11, N15, N18, N30 = (np.uint32(i) for i in (0, 1, 7, 11, 15, 18, 30))
U1, U32 = np.uint64(1), np.uint64(32)
UNIT32 = np.int32((1 << 24) - 1)


def pointer(element: Any) -> Callee:
    """An intrinsic for the pointer to elements at an address."""

    @intrinsic
    def cast(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(element).as_pointer())

        return types.CPointer(element)(u64), codegen

    return cast


def fused(element: Any) -> Callee:
    """An intrinsic for a * b + c rounded once, as PyTorch's compiler writes it."""

    @intrinsic
    def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.fma(*args)

        return element(element, element, element), codegen

    return fma


def rooted(element: Any) -> Callee:
    """An intrinsic for the square root: a call of the C library's, which may set errno, keeps a loop from vectors."""

    @intrinsic
    def root(typingctx: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.call(builder.module.declare_intrinsic("llvm.sqrt", [args[0].type]), args)

        return element(element), codegen

    return root


def bits_as(source: Any, target: Any) -> Callee:
    """An intrinsic that reads the bits of a number as another of the same size."""

    @intrinsic
    def cast(typingctx: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(source), codegen

    return cast


u8s: Callee = pointer(types.uint8)
u32s: Callee = pointer(types.uint32)
u64s: Callee = pointer(types.uint64)
i32s: Callee = pointer(types.int32)
i64s: Callee = pointer(types.int64)
f32s: Callee = pointer(types.float32)
f64s: Callee = pointer(types.float64)
fma32: Callee = fused(types.float32)
fma64: Callee = fused(types.float64)
sqrt32: Callee = rooted(types.float32)
as_float: Callee = bits_as(types.int32, types.float32)
as_int: Callee = bits_as(types.float32, types.int32)


@native
def seed(stream, out, n, a, b, given):
    """Begin again from the seed `n`."""
    key = u32s(stream)
    word = np.uint32(n)
    key[0] = word
    for i in range(1, WORDS):
        word = np.uint32(MIX * (word ^ (word >> N30)) + np.uint32(i))  # numba widens what it computes
        key[i] = word
    key[POSITION] = FRESH
    key[HAS_SPARE] = np.uint32(0)
    return np.int32(0)


@native
def twisted(high, low, other):
    y = np.uint32((high & HIGH) | (low & LOW))
    return np.uint32(other ^ (y >> N1) ^ (TWIST if y & N1 else N0))


@native
def twist(stream):
    """The next 624 words."""
    key = u32s(stream)
    for i in range(WORDS - SHIFT):
        key[i] = twisted(key[i], key[i + 1], key[i + SHIFT])
    for i in range(WORDS - SHIFT, WORDS - 1):
        key[i] = twisted(key[i], key[i + 1], key[i + SHIFT - WORDS])
    key[WORDS - 1] = twisted(key[WORDS - 1], key[0], key[SHIFT - 1])


@native
def tempered(y):
    y = np.uint32(y ^ (y >> N11))
    y = np.uint32(y ^ ((y << N7) & FIRST))
    y = np.uint32(y ^ ((y << N15) & SECOND))
    return np.uint32(y ^ (y >> N18))


@native
def at_hand(stream, wanted):
    """How many of the wanted words can be read now, from the position on: at least one."""
    key = u32s(stream)
    if key[POSITION] >= SPENT:
        twist(stream)
        key[POSITION] = np.uint32(0)
    return min(wanted, np.int64(SPENT - key[POSITION]))


@native
def word(stream):
    key = u32s(stream)
    at_hand(stream, 1)
    place = key[POSITION]
    key[POSITION] = place + N1
    return tempered(key[np.uint64(place)])


@native
def long_word(stream):
    high = np.uint64(word(stream))
    return (high << U32) | np.uint64(word(stream))


@native
def unit(stream):
    """A double from [0, 1)."""
    return np.float64(np.int64(long_word(stream) & np.uint64((1 << 53) - 1))) * 2.0**-53


@native
def words_into(stream, out, n):
    """Write the next n words of 32 bits to an address."""
    key, to = u32s(stream), u32s(out)
    done = np.int64(0)
    while done < n:
        m = at_hand(stream, n - done)
        place = np.int64(key[POSITION])
        for i in range(m):
            to[done + i] = tempered(key[place + i])
        key[POSITION] = np.uint32(place + m)
        done += m


@native
def long_words_into(stream, out, n):
    """Write the next n words of 64 bits, each of two of 32, the first above the second."""
    words_into(stream, out, 2 * n)
    x = u64s(out)
    for i in range(n):
        x[i] = (x[i] << U32) | (x[i] >> U32)


@native
def units_into(stream, out, n):
    """Write n doubles from [0, 1)."""
    long_words_into(stream, out, n)
    x, y = i64s(out), f64s(out)
    for i in range(n):
        y[i] = np.float64(x[i] & np.int64((1 << 53) - 1)) * 2.0**-53


@native
def units32_into(stream, out, n):
    """Write n floats from [0, 1)."""
    words_into(stream, out, n)
    x, y = i32s(out), f32s(out)
    for i in range(n):
        y[i] = np.float32(np.int32(x[i] & UNIT32)) * np.float32(2.0**-24)
