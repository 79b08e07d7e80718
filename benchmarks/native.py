"""Beside Numba: native functions, and custom operations, against the same written otherwise (the peer)."""
from __future__ import annotations

import math
from typing import Any

from benchmarks.harness import Measured, fastest, figure, libraries

_CALLS = 100_000


@figure("gradient of 4 numbers, a call from @njit as a native function ÷ by hand as a cfunc (the peer)", "s", must=2,
        aim=1)
def native_gradient() -> Measured:
    """Both are called through a pointer; overhead of the call is what is left once the arithmetic is inlined."""
    import numba

    T = libraries()[0]
    numbers = [T.tensor(v, dtype=T.float64) for v in (0.1, 2.0, 3.0, 4.0)]
    function = T.compile(lambda a, b, c, d: T.exp(-a * a) * b + c * d)
    _ = function(*numbers), function(*numbers)
    native = function.grad.native

    def by_hand(a: float, b: float, c: float, d: float) -> Any:
        e = math.exp(-a * a)
        return e * b + c * d, -2 * a * e * b, e, d, c

    f64 = numba.float64
    peer = numba.cfunc(numba.types.UniTuple(f64, 5)(f64, f64, f64, f64))(by_hand)

    @numba.njit(nogil=True)
    def many(function: Any) -> float:
        total = 0.0
        for i in range(_CALLS):
            found = function(i * 1e-9, 2.0, 3.0, total * 1e-30)
            total += found[0] + found[1]
        return total

    ours, theirs = fastest([lambda: many(native), lambda: many(peer)])
    return Measured(ours / _CALLS, theirs / _CALLS)


@figure("custom operation in a fused program, 10⁶ float64 ÷ the same as built-in operations (the peer)", "s", must=1.1,
        aim=1)
def custom_fused() -> Measured:
    T = libraries()[0]
    bell = T.custom_op(lambda x: math.exp(-x * x) * x, name="bell")
    x = T.randn(10 ** 6, dtype=T.float64)
    ours = T.compile(lambda x: (bell(x) * 2 + 1).sum())
    theirs = T.compile(lambda x: (T.exp(-x * x) * x * 2 + 1).sum())
    return Measured(*fastest([lambda: ours(x), lambda: theirs(x)]))


@figure("scipy's quad of a native function ÷ of a cfunc written by hand (the peer)", "s", must=1.3, aim=1.05)
def native_quad() -> Measured:
    import numba
    from scipy import LowLevelCallable, integrate

    T = libraries()[0]
    x = T.tensor(1.0, dtype=T.float64)
    function = T.compile(lambda x: T.exp(-x * x) * T.sin(3 * x) / (1 + x * x))
    _ = function(x), function(x)
    native = function.native

    @numba.cfunc("float64(float64)")
    def by_hand(x: float) -> float:
        return math.exp(-x * x) * math.sin(3 * x) / (1 + x * x)

    peer = LowLevelCallable(by_hand.ctypes)
    return Measured(*fastest([lambda: integrate.quad(native, 0, 10), lambda: integrate.quad(peer, 0, 10)]))
