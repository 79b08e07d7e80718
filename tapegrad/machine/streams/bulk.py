"""Kernels that draw: `kernel(stream, out, n, a, b, given)` writes n numbers to `out`, with the parameters a and b.

`given` is the address of an array of parameters, one a number, where there is one. Two things make the bits PyTorch's
and not merely the digits. It compiles these loops with fused multiply-add, and so do we. And it takes logarithms and
cosines from two places: blocks of floats use the polynomials of the Cephes library, rebuilt here step by step;
everything else calls the C library. (Other logarithms differ in the last bit for about one double in a thousand.)
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad.machine.native.glue import Callee, native, stack_words
from tapegrad.machine.streams.twister import (
    HAS_SPARE,
    SPARE,
    as_float,
    as_int,
    f32s,
    f64s,
    fma32,
    fma64,
    i64s,
    long_word,
    long_words_into,
    sqrt32,
    u8s,
    u32s,
    u64s,
    unit,
    units32_into,
    units_into,
    word,
    words_into,
)

F = np.float32


# ------------------------------------------------------------------------------------------------ Cephes, in floats

SQRT_HALF, FOUR_OVER_PI, TWO_PI, HALF, MINUS_HALF = F(0.5**0.5), F(4 / math.pi), F(2 * math.pi), F(0.5), F(-0.5)
ONE, MINUS_TWO = F(1), F(-2)
LN2_HIGH, LN2_LOW = F(0.693359375), F(-2.12194440e-4)
L0, L1, L2, L3, L4, L5, L6, L7, L8 = map(F, (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1))
P0, P1, P2 = map(F, (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8))  # of -pi/4
S0, S1, S2 = map(F, (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1))
C0, C1, C2 = map(F, (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2))
I0, I1, I2, I4, I23 = (np.int32(i) for i in (0, 1, 2, 4, 23))
EXPONENT, MANTISSA, OF_HALF = np.int32(126), np.int32(0x7FFFFF), np.int32(0x3F000000)
ZERO = F(0)


@native
def log32(x):
    """The logarithm on (0, 1]: with x = 2**e (1 + t), a polynomial in t plus e log 2."""
    bits = as_int(x)
    m = as_float(np.int32((bits & MANTISSA) | OF_HALF))
    small = m < SQRT_HALF
    e = F(np.int32((bits >> I23) - EXPONENT)) - (ONE if small else ZERO)
    t = (m - ONE) + (m if small else ZERO)
    t2 = t * t
    y = L0
    y = fma32(y, t, L1)
    y = fma32(y, t, L2)
    y = fma32(y, t, L3)
    y = fma32(y, t, L4)
    y = fma32(y, t, L5)
    y = fma32(y, t, L6)
    y = fma32(y, t, L7)
    y = fma32(y, t, L8)
    y = fma32(y * t, t2, e * LN2_LOW) - t2 * HALF
    return t + y + e * LN2_HIGH


@native
def sin_cos32(x):
    """Sine and cosine on [0, 2 pi]: reduced by multiples of pi/4, then one polynomial for each."""
    octant = np.int32((np.int32(x * FOUR_OVER_PI) + I1) & ~I1)
    k = F(octant)
    x = fma32(k, P0, x)
    x = fma32(k, P1, x)
    x = fma32(k, P2, x)
    x2 = x * x
    s = fma32(fma32(fma32(S0, x2, S1), x2, S2) * x2, x, x)
    c = fma32(fma32(fma32(C0, x2, C1), x2, C2) * x2, x2, x2 * MINUS_HALF) + ONE
    swap = (octant & I2) != I0
    sine, cosine = (c, s) if swap else (s, c)
    return (-sine if octant & I4 else sine), (-cosine if (octant + I2) & I4 else cosine)


# --------------------------------------------------------------------------------------------------- uniform, normal

@native
def uniform32(stream, out, n, a, b, given):
    """Floats from [a, b)."""
    units32_into(stream, out, n)
    x = f32s(out)
    low, high = F(a), F(b)
    if low != ZERO or high != ONE:
        for i in range(n):
            x[i] = fma32(x[i], high - low, low)
    return I0


@native
def uniform64(stream, out, n, a, b, given):
    units_into(stream, out, n)
    x = f64s(out)
    if a != 0.0 or b != 1.0:
        for i in range(n):
            x[i] = fma64(x[i], b - a, a)
    return I0


CHUNK = 256  # numbers at a time on the stack, so that loops over them become vectors


@native
def box_muller32(out, blocks, mean, std):
    """In each block of 16, eight radii and eight angles become eight cosines and eight sines."""
    radii = stack_words(128)
    angles = stack_words(128)
    u, v = f32s(radii), f32s(angles)
    first = np.int64(0)
    while first < blocks:
        count = min(blocks - first, 32)
        x = f32s(out + np.uint64(64) * np.uint64(first))
        for block in range(count):
            for j in range(8):
                u[8 * block + j] = x[16 * block + j]
                v[8 * block + j] = x[16 * block + 8 + j]
        for i in range(8 * count):
            radius = sqrt32(MINUS_TWO * log32(ONE - u[i]))
            s, c = sin_cos32(TWO_PI * v[i])
            u[i] = fma32(radius * c, std, mean)
            v[i] = fma32(radius * s, std, mean)
        for block in range(count):
            for j in range(8):
                x[16 * block + j] = u[8 * block + j]
                x[16 * block + 8 + j] = v[8 * block + j]
        first += count


@native
def box_muller64(out, blocks, mean, std):
    for block in range(blocks):
        u = out + np.uint64(128) * np.uint64(block)
        x, y = f64s(u), f64s(u + np.uint64(64))
        for j in range(8):
            radius = math.sqrt(-2.0 * math.log(1.0 - x[j]))
            angle = 2.0 * math.pi * y[j]
            x[j] = fma64(radius * math.cos(angle), std, mean)
            y[j] = fma64(radius * math.sin(angle), std, mean)


@native
def normal32(stream, out, n, a, b, given):
    """Normal floats of mean a and deviation b, in blocks of 16, which leave the spare alone; n is at least 16.

    When n is no multiple of 16, the last 16 are a block of their own, of 16 further uniforms.
    """
    mean, std = F(a), F(b)
    units32_into(stream, out, n)
    box_muller32(out, n // 16, mean, std)
    if n % 16:
        last = out + np.uint64(4 * (n - 16))
        units32_into(stream, last, 16)
        box_muller32(last, 1, mean, std)
    return I0


@native
def normal64(stream, out, n, a, b, given):
    units_into(stream, out, n)
    box_muller64(out, n // 16, a, b)
    if n % 16:
        last = out + np.uint64(8 * (n - 16))
        units_into(stream, last, 16)
        box_muller64(last, 1, a, b)
    return I0


@native
def gauss(stream):
    """One standard normal number: they are made in pairs, and the other one is the stream's spare."""
    key, spare = u32s(stream), f64s(stream)
    if key[HAS_SPARE]:
        key[HAS_SPARE] = np.uint32(0)
        return spare[SPARE]
    u = unit(stream)
    v = unit(stream)
    radius = math.sqrt(-2.0 * math.log1p(-v))
    angle = 2.0 * math.pi * u
    spare[SPARE] = radius * math.sin(angle)
    key[HAS_SPARE] = np.uint32(1)
    return radius * math.cos(angle)


@native
def pairs(stream, out, n, a, b, given):
    """Normal doubles of mean a and deviation b, one after the other."""
    x = f64s(out)
    for i in range(n):
        x[i] = fma64(gauss(stream), b, a)
    return I0


# ----------------------------------------------------------------------------------------------------- whole numbers

@native
def raw(stream, out, n, a, b, given):
    """The stream's words, as 64 bits each."""
    x = u64s(out)
    for i in range(n):
        x[i] = np.uint64(word(stream))
    return I0


@native
def raw64(stream, out, n, a, b, given):
    long_words_into(stream, out, n)
    return I0


@native
def integers(stream, out, n, a, b, given):
    """int64 from `given[0]` on, below so many more as `given[1]` says; two words each where `given[2]`."""
    low, span, wide = i64s(given)[0], u64s(given)[1], u64s(given)[2]
    x = i64s(out)
    if wide:
        long_words_into(stream, out, n)
        y = u64s(out)
        if span:
            for i in range(n):
                x[i] = np.int64(y[i] % span) + low
    else:
        chunk = stack_words(128)
        w, of = u32s(chunk), np.float64(np.int64(span))
        done = np.int64(0)
        while done < n:
            count = min(n - done, CHUNK)
            words_into(stream, chunk, count)
            for i in range(count):  # a quotient of doubles has the right whole part, and is computed eight at a time
                word = np.float64(w[i])
                x[done + i] = np.int64(word - np.float64(np.int64(word / of)) * of) + low
            done += count
    return I0


@native
def permutation(stream, out, n, a, b, given):
    """0 to n - 1, by Fisher and Yates; from 2**32 / 20 on in their other direction, with 64-bit draws."""
    x = i64s(out)
    for i in range(n):
        x[i] = i
    if n >= ((1 << 32) - 1) // 20:
        for i in range(n):
            j = np.int64(long_word(stream) % np.uint64(i + 1))
            x[i] = x[j]
            x[j] = i
    else:
        chunk = stack_words(128)
        w = u32s(chunk)
        first = np.int64(0)
        while first < n - 1:
            count = min(n - 1 - first, CHUNK)
            words_into(stream, chunk, count)
            for i in range(count):
                w[i] = w[i] % np.uint32(n - first - i)
            for i in range(count):
                at = first + i
                other = at + np.int64(w[i])
                x[at], x[other] = x[other], x[at]
            first += count
    return I0


def ones(element: Any, write: Any) -> Any:
    """Ones with the probability a, as so many elements."""

    def kernel(stream, out, n, a, b, given):
        chunk = stack_words(256)
        x, u = write(out), f64s(chunk)
        done = np.int64(0)
        while done < n:
            count = min(n - done, CHUNK)
            units_into(stream, chunk, count)
            for i in range(count):
                x[done + i] = element(u[i] < a)
            done += count
        return I0

    return native(kernel)


ones8: Callee = ones(np.uint8, u8s)
ones32: Callee = ones(np.float32, f32s)
ones64: Callee = ones(np.float64, f64s)
