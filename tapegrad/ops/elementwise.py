"""Operations on each element by itself: arithmetic, comparisons, and the functions of a calculator.

Formulas are the textbook's, one operation a paragraph. `x` is the operand, `out` the result, `g` its cotangent. A
masked derivative is written with `where`, since `g * mask` would turn an infinite `g` into NaN.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

from tapegrad import dtypes
from tapegrad.ops.declaration import Rule, Value, elementwise
from tapegrad.ops.scalar import like, scalar, whole

where = scalar.where

PI, LN2, LN10, INF, NAN = math.pi, math.log(2), math.log(10), math.inf, math.nan
# Giles, "Approximating the erfinv function" (2012): in w - 2.5 and in sqrt(w) - 3, highest power first.
ERFINV_NEAR = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
               -0.00417768164, 0.246640727, 1.50140941)
ERFINV_FAR = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
              0.00943887047, 1.00167406, 2.83297682)

# ---------------------------------------------------------------- arithmetic

elementwise("add", lambda x, y: x + y, lambda g: (g, g),
            operators=("nb_add", "nb_inplace_add"), doc="x + alpha * y")
elementwise("sub", lambda x, y: x - y, lambda g: (g, -g), accepts="if", grad_names={"x": "RsubBackward1"},
            operators=("nb_subtract", "nb_inplace_subtract"), doc="x - alpha * y")
elementwise("mul", lambda x, y: x * y, lambda g, x, y: (g * y, g * x),
            operators=("nb_multiply", "nb_inplace_multiply"), doc="x * y")
elementwise("div", lambda x, y: x / y, lambda g, x, y: (g / y, -g * (x * (1 / y)) * (1 / y)), result="float",
            grad_names={"x": "MulBackward0"},  # PyTorch's 1 / x is a reciprocal times one
            operators=("nb_true_divide", "nb_inplace_true_divide"), doc="x / y")
elementwise("neg", lambda x: -x, lambda g: -g, accepts="if", operators=("nb_negative",))
elementwise("abs", lambda x: scalar.abs(x), lambda g, x: g * scalar.sign(x), accepts="if", operators=("nb_absolute",),
            special=(0.0,))
elementwise("square", lambda x: x * x, lambda g, x: g * (2 * x), accepts="if", grad_name="PowBackward0",
            recorded=lambda g, x: g * (2 * scalar.pow(x, 1)))  # whose derivative is a function of x, if constant
elementwise("reciprocal", lambda x: 1 / x, lambda g, out: -g * (out * out), result="float", domain=(0.5, 3))
elementwise("pow", lambda x, y: scalar.pow(x, y),
            lambda g, x, y, out: (
                where(y == 0, 0, g * (y * scalar.pow(x, y - 1))),
                where((x == 0) & (y >= 0), 0, g * (out * scalar.log(x)))),
            accepts="if", domain=(0.2, 3), operators=("nb_power", "nb_inplace_power"), specialise=True, fitting=("y",),
            grad_name="PowBackward1", grad_names={"x": "PowBackward2", "y": "PowBackward0"})

# ---------------------------------------------------------------- exponentials and their relatives

elementwise("exp", lambda x: scalar.exp(x), lambda g, out: g * out, result="float")
elementwise("exp2", lambda x: scalar.exp2(x), lambda g, out: g * out * LN2, result="float")
elementwise("expm1", lambda x: scalar.expm1(x), lambda g, out: g * (out + 1), result="float")
elementwise("log", lambda x: scalar.log(x), lambda g, x: g / x, result="float", domain=(0.2, 5))
elementwise("log2", lambda x: scalar.log2(x), lambda g, x: g / (x * LN2), result="float", domain=(0.2, 5))
elementwise("log10", lambda x: scalar.log10(x), lambda g, x: g / (x * LN10), result="float", domain=(0.2, 5))
elementwise("log1p", lambda x: scalar.log1p(x), lambda g, x: g / (x + 1), result="float", domain=(-0.5, 5),
            grad_name="Log1PBackward0")
elementwise("sqrt", lambda x: scalar.sqrt(x), lambda g, out: g / (2 * out), result="float", domain=(0.2, 5))
elementwise("rsqrt", lambda x: scalar.rsqrt(x), lambda g, out: -0.5 * g * (out * out * out), result="float",
            domain=(0.2, 5))
elementwise("logaddexp", lambda x, y: summed(x, y, scalar.exp, scalar.log1p, scalar.log),
            lambda g, x, y: (g / (1 + scalar.exp(y - x)), g / (1 + scalar.exp(x - y))), accepts="f", inplace=False,
            tensors=("x", "y"))
elementwise("logaddexp2", lambda x, y: summed(x, y, scalar.exp2, log2_1p, scalar.log2),
            lambda g, x, y: (g / (1 + scalar.exp2(y - x)), g / (1 + scalar.exp2(x - y))), accepts="f", inplace=False,
            tensors=("x", "y"))
elementwise("xlogy", lambda x, y: where(scalar.isnan(y), y, where(x == 0, 0, x * scalar.log(y))),
            lambda g, x, y: (times_zero(x, g, y, g * scalar.log(y)), g * x / y), result="float",
            domain=(0.2, 5), special=(0.0,), grad_names={"x": "XlogyBackward1", "y": "XlogyBackward2"})


def times_zero(x: Value, g: Value, y: Value, value: Value) -> Value:
    """`value` is the cotangent times log(y): 0 where `x` or the cotangent is, though log(y) is infinite or no number."""
    return where(((x == 0) | (g == 0)) & (y <= 0) | (g == 0) & (y == INF), 0, value)


def summed(x: Value, y: Value, exp: Rule, log_1p: Rule, log: Rule) -> Value:
    """log(exp(x) + exp(y)) without overflow; two equal infinities are themselves."""
    larger, smaller = scalar.maximum(x, y), scalar.minimum(x, y)
    return where(scalar.isinf(x) & (x == y), x, larger + log_1p(exp(smaller - larger)))


def log2_1p(x: Value) -> Value:
    return scalar.log1p(x) / LN2


# ---------------------------------------------------------------- trigonometry

elementwise("sin", lambda x: scalar.sin(x), lambda g, x: g * scalar.cos(x), result="float")
elementwise("cos", lambda x: scalar.cos(x), lambda g, x: -g * scalar.sin(x), result="float")
elementwise("tan", lambda x: scalar.tan(x), lambda g, out: g * (1 + out * out), result="float", domain=(-1.4, 1.4))
elementwise("asin", lambda x: scalar.asin(x), lambda g, x: g * scalar.rsqrt(1 - x * x), result="float",
            domain=(-0.9, 0.9))
elementwise("acos", lambda x: scalar.acos(x), lambda g, x: -g * scalar.rsqrt(1 - x * x), result="float",
            domain=(-0.9, 0.9))
elementwise("atan", lambda x: scalar.atan(x), lambda g, x: g / (x * x + 1), result="float")
elementwise("atan2", lambda y, x: scalar.atan2(y, x),
            lambda g, y, x: (where(y * y + x * x == 0, 0, g * (x / (y * y + x * x))),
                             where(y * y + x * x == 0, 0, g * (-y / (y * y + x * x)))),
            result="float", domain=(0.2, 3), special=(0.0,), tensors=("y", "x"))
elementwise("sinh", lambda x: scalar.sinh(x), lambda g, x: g * scalar.cosh(x), result="float")
elementwise("cosh", lambda x: scalar.cosh(x), lambda g, x: g * scalar.sinh(x), result="float")
elementwise("tanh", lambda x: scalar.tanh(x), lambda g, out: g * (1 - out * out), result="float",
            special=(0.0, 20.0, -20.0))
elementwise("asinh", lambda x: scalar.asinh(x), lambda g, x: g * scalar.rsqrt(x * x + 1), result="float")
elementwise("acosh", lambda x: scalar.acosh(x), lambda g, x: g * scalar.rsqrt(x * x - 1), result="float",
            domain=(1.2, 4))
elementwise("atanh", lambda x: scalar.atanh(x), lambda g, x: g / (1 - x * x), result="float", domain=(-0.9, 0.9))
elementwise("sinc", lambda x: where(x == 0, 1, scalar.sin(x * PI) / where(x == 0, 1, x * PI)),
            lambda g, x: g * PI * sinc_slope(x * PI), result="float", special=(0.0,))


def sinc_slope(t: Value) -> Value:
    """The derivative of sin(t) / t, by its series near zero, where the quotient's terms cancel."""
    return where(scalar.abs(t) < 0.01, t * (t * t * (1 / 30) - 1 / 3), (t * scalar.cos(t) - scalar.sin(t)) / (t * t))


elementwise("deg2rad", lambda x: x * (PI / 180), lambda g: g * (PI / 180), result="float", grad_name="Deg2RadBackward0")
elementwise("rad2deg", lambda x: x * (180 / PI), lambda g: g * (180 / PI), result="float", grad_name="Rad2DegBackward0")
elementwise("hypot", lambda x, y: scalar.hypot(x, y), lambda g, x, y, out: (g * (x / out), g * (y / out)), accepts="f",
            domain=(0.2, 3), tensors=("x", "y"))

# ---------------------------------------------------------------- special functions

elementwise("erf", lambda x: scalar.erf(x), lambda g, x: g * (2 / PI ** 0.5) * scalar.exp(-(x * x)), result="float")
elementwise("erfc", lambda x: scalar.erfc(x), lambda g, x: g * (-2 / PI ** 0.5) * scalar.exp(-(x * x)), result="float")
elementwise("ndtr", lambda x: 0.5 * scalar.erfc(-x * 0.5 ** 0.5), lambda g, x: g * (2 * PI) ** -0.5 * scalar.exp(-x * x / 2),
            result="float", inplace=False, method=False, space="special", grad_name="SpecialNdtrBackward0")
elementwise("entr", lambda x: where(scalar.isnan(x), x, where(
                x > 0, -x * scalar.log(x), where(x == 0, like(0, x), like(-INF, x)))),
            lambda g, x: -g * (1 + scalar.log(x)), result="float", domain=(0.1, 3),
            inplace=False, method=False, space="special", grad_name="SpecialEntrBackward0")
elementwise("xlog1py", lambda x, y: where(scalar.isnan(y), y, where(x == 0, 0, x * scalar.log1p(y))),
            lambda g, x, y: (times_zero(x, g, y + 1, g * scalar.log1p(y)), g * x / (y + 1)), result="float",
            domain=(0.2, 3), special=(0.0,), inplace=False, method=False, space="special",
            grad_name="SpecialXlog1PyBackward0")
elementwise("erfinv", lambda x: inverse_erf(x), lambda g, out: g * (PI ** 0.5 / 2) * scalar.exp(out * out),
            result="float", domain=(-0.9, 0.9), special=(0.0,))
elementwise("lgamma", lambda x: scalar.lgamma(x), lambda g, x: g * scalar.digamma(x), result="float", domain=(0.3, 5))
elementwise("digamma", lambda x: scalar.digamma(x), lambda g, x: g * trigamma(x), result="float", domain=(0.3, 5),
            recorded=lambda g, x: g * whole.special_polygamma(x, n=1))
elementwise("logit", lambda x, *, eps=None: log_odds(within(x, eps)),
            lambda g, x, eps: where((x >= (eps or 0)) & (x <= 1 - (eps or 0)), g / (x * (1 - x)),
                                    NAN if eps is None else 0),
            result="float", domain=(0.1, 0.9))


def _is_nan(x: Value) -> Value:
    """Of a number a truth of Python's: NumPy's counts as a number beside a tensor."""
    return bool(x != x) if isinstance(x, (int, float)) else scalar.isnan(x)


def within(x: Value, eps: float | None) -> Value:
    """Between `eps` and 1 - `eps`; where these have changed places, at the one that is looked at first."""
    return x if eps is None else where(x < eps, eps, where(x > 1 - eps, 1 - eps, x))


def log_odds(x: Value) -> Value:
    return scalar.log(x / (1 - x))


def trigamma(x: Value) -> Value:
    """The derivative of digamma: reflection below a half, ten steps of the recurrence, then the asymptotic series."""
    z = where(x < 0.5, 1 - x, x)
    steps = 1 / (z * z)
    for k in range(1, 10):
        steps = steps + 1 / ((z + k) * (z + k))
    v = 1 / (z + 10)
    w = v * v
    series = v * (1 + v * 0.5 + w * (1 / 6 - w * (1 / 30 - w * (1 / 42 - w * (1 / 30 - w * (5 / 66))))))
    sine = scalar.sin(PI * (x - scalar.round(x)))  # zero at the poles
    return where(x < 0.5, PI * PI / (sine * sine) - (steps + series), steps + series)


def inverse_erf(x: Value) -> Value:
    """A polynomial in log(1 - x²) to seven digits, in the middle and in the tail, then two steps of Newton."""
    w = -scalar.log((1 - x) * (1 + x))
    near, far = w - 2.5, scalar.sqrt(w) - 3
    start = x * where(w < 5, polynomial(near, ERFINV_NEAR), polynomial(far, ERFINV_FAR))
    for _ in range(2):
        start = start - (scalar.erf(start) - x) / (2 / PI ** 0.5 * scalar.exp(-(start * start)))
    return where(scalar.abs(x) < 1, start, where(scalar.abs(x) == 1, x * INF, x * NAN))


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    total = coefficients[0] * x + coefficients[1]
    for c in coefficients[2:]:
        total = total * x + c
    return total


# ---------------------------------------------------------------- activations

elementwise("sigmoid", lambda x: scalar.sigmoid(x), lambda g, out: g * ((1 - out) * out), result="float",
            special=(0.0, 40.0, -40.0))
elementwise("relu", lambda x: scalar.maximum(x, 0), lambda g, out: where(out <= 0, 0, g), accepts="if", special=(0.0,))
elementwise("leaky_relu", lambda x, *, negative_slope=0.01: where(x > 0, x, x * negative_slope),
            lambda g, x, negative_slope: where(x > 0, g, g * negative_slope), accepts="f", space="nn", special=(0.0,))
elementwise("elu", lambda x, *, alpha=1.0, scale=1.0, input_scale=1.0: where(
                x > 0, x * scale, scalar.expm1(x * input_scale) * (alpha * scale)),
            lambda g, x, alpha, scale, input_scale: exponential(
                x, g * (alpha * scale * input_scale), input_scale, g * scale),
            accepts="f", space="nn", special=(0.0,))
elementwise("celu", lambda x, *, alpha=1.0: where(x > 0, x, alpha * scalar.expm1(x / alpha)),
            lambda g, x, alpha: exponential(x, g, 1 / alpha, g), accepts="f", space="nn", special=(0.0,))
elementwise("gelu", lambda x: x * 0.5 * (1 + scalar.erf(x * 0.5 ** 0.5)),
            lambda g,
            x: g * (0.5 * (1 + scalar.erf(x * 0.5 ** 0.5)) + x * scalar.exp(-0.5 * (x * x)) / (2 * PI) ** 0.5),
            accepts="f", space="nn", inplace=False)
elementwise("gelu_tanh", lambda x: 0.5 * x * (1 + scalar.tanh(gelu_inner(x))),
            lambda g, x: g * gelu_slope(x, scalar.tanh(gelu_inner(x))), accepts="f", method=False, inplace=False,
            grad_name="GeluBackward0")
elementwise("silu", lambda x: x * scalar.sigmoid(x),
            lambda g, x: g * (scalar.sigmoid(x) * (1 + x * (1 - scalar.sigmoid(x)))), accepts="f", space="nn")
elementwise("mish", lambda x: x * scalar.tanh(soft(x)),
            lambda g, x: g * (scalar.tanh(soft(x)) + x * scalar.sigmoid(x) * (1 - squared(scalar.tanh(soft(x))))),
            accepts="f", space="nn")
elementwise("softplus", lambda x, *, beta=1.0, threshold=20.0: where(
                x * beta > threshold, x, scalar.log1p(scalar.exp(x * beta)) / beta),
            lambda g, x, beta, threshold: where(x * beta > threshold, g, g * scalar.sigmoid(x * beta)),
            accepts="f", space="nn", inplace=False, special=(20.0,))
elementwise("log_sigmoid", lambda x: scalar.minimum(x, 0) - scalar.log1p(scalar.exp(-scalar.abs(x))),
            lambda g, x: g * scalar.sigmoid(-x), accepts="f", method=False, space="nn", inplace=False)
elementwise("hardtanh", lambda x, *, min_val=-1.0, max_val=1.0: scalar.minimum(scalar.maximum(x, min_val), max_val),
            lambda g, x, min_val, max_val: where((x <= min_val) | (x >= max_val), 0, g), accepts="if", space="nn")
elementwise("hardsigmoid", lambda x: scalar.minimum(scalar.maximum(x + 3, 0), 6) / 6,
            lambda g, x: where((x > -3) & (x < 3), g / 6, 0), accepts="f", space="nn")
elementwise("hardswish", lambda x: x * scalar.minimum(scalar.maximum(x + 3, 0), 6) / 6,
            lambda g, x: where(x <= -3, 0, where(x < 3, g * (x / 3 + 0.5), g)), accepts="f", space="nn")
elementwise("hardshrink", lambda x, *, lambd=0.5: where((x >= -lambd) & (x <= lambd), 0, x),
            lambda g, x, lambd: where((x >= -lambd) & (x <= lambd), 0, g), accepts="f", inplace=False)
elementwise("softshrink", lambda x, *, lambd=0.5: where(x > lambd, x - lambd, where(x < -lambd, x + lambd, x * 0)),
            lambda g, x, lambd: where((x >= -lambd) & (x <= lambd), 0, g), accepts="f", space="nn", inplace=False)
elementwise("threshold", lambda x, *, threshold, value: where(x <= threshold, value, x),
            lambda g, x, threshold: where(x <= threshold, 0, g), accepts="if", space="nn")
elementwise("prelu", lambda x, weight: where(x > 0, x, weight * x),
            lambda g, x, weight: (where(x > 0, g, weight * g), where(x > 0, 0, x * g)), accepts="f", method=False,
            inplace=False, grad_name="PreluKernelBackward0", space="nn", tied=("weight",))


def exponential(x: Value, below: Value, steepness: Value, above: Value) -> Value:
    """`below` times an exponential that reaches 1 at 0, and is as flat as `above` from there on."""
    return where(x < 0, below * scalar.exp(x * steepness), where(x == 0, below, above))


def squared(x: Value) -> Value:
    return x * x


def soft(x: Value) -> Value:
    """log(1 + exp(x)) where that does not overflow."""
    return where(x > 20, x, scalar.log1p(scalar.exp(x)))


def gelu_inner(x: Value) -> Value:
    return (2 / PI) ** 0.5 * (x + 0.044715 * (x * x * x))


def gelu_slope(x: Value, t: Value) -> Value:
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ((2 / PI) ** 0.5 * (1 + 3 * 0.044715 * (x * x)))


# ---------------------------------------------------------------- losses an element

elementwise("smooth_l1", lambda x, y, *, beta=1.0: where(
                scalar.abs(x - y) < beta, (x - y) * (x - y) * 0.5 / beta, scalar.abs(x - y) - 0.5 * beta),
            lambda g, x, y, beta: (smooth_slope(g, x - y, beta), smooth_slope(g, y - x, beta)),
            accepts="f", method=False, inplace=False, grad_name="SmoothL1LossBackward0")
elementwise("huber", lambda x, y, *, delta=1.0: where(
                scalar.abs(x - y) <= delta, (x - y) * (x - y) * 0.5, delta * (scalar.abs(x - y) - 0.5 * delta)),
            lambda g, x, y, delta: (huber_slope(g, x - y, delta), huber_slope(g, y - x, delta)),
            accepts="f", method=False, inplace=False, grad_name="HuberLossBackward0")
elementwise("bce", lambda x, y: (y - 1) * scalar.maximum(scalar.log1p(-x), -100.0) - y * scalar.maximum(scalar.log(x),
           -100.0),
            lambda g, x, y: (g * (x - y) / scalar.maximum((1 - x) * x, 1e-12),
                             g * (scalar.maximum(scalar.log1p(-x), -100.0) - scalar.maximum(scalar.log(x), -100.0))),
            accepts="f", method=False, inplace=False, domain=(0.1, 0.9), unit=("x", "y"),
            grad_name="BinaryCrossEntropyBackward0")
elementwise("bce_logits", lambda x, y: (1 - y) * x + scalar.maximum(-x, 0) + scalar.log1p(scalar.exp(-scalar.abs(x))),
            lambda g, x, y: (g * (scalar.sigmoid(x) - y), -g * x), accepts="f", method=False, inplace=False,
            grad_name="BinaryCrossEntropyWithLogitsBackward0")
elementwise("bce_logits_weighted", lambda x, y, weight: (1 - y) * x + positives(y, weight) * soft_below(x),
            lambda g, x, y, weight: weighted_slopes(g, x, y, weight, soft_below(x)),
            recorded=lambda g, x, y, weight: weighted_slopes(g, x, y, weight, -whole.log_sigmoid(x)),
            accepts="f", method=False, inplace=False, special=(0.0,),
            grad_name="BinaryCrossEntropyWithLogitsBackward0")


def soft_below(x: Value) -> Value:
    """log(1 + exp(-x))"""
    return scalar.maximum(-x, 0) + scalar.log1p(scalar.exp(-scalar.abs(x)))


def positives(y: Value, weight: Value) -> Value:
    """What -log(sigmoid(x)) counts where `weight` is that of the positive class."""
    return 1 + (weight - 1) * y


def weighted_slopes(g: Value, x: Value, y: Value, weight: Value, soft: Value) -> tuple[Value, ...]:
    return (g * (1 - y - positives(y, weight) * scalar.sigmoid(-x)), g * ((weight - 1) * soft - x), g * (y * soft))


def smooth_slope(g: Value, d: Value, beta: float) -> Value:
    return where(d <= -beta, -g, where(d >= beta, g, g * d / beta))


def huber_slope(g: Value, d: Value, delta: Value) -> Value:
    return where(d <= -delta, -g * delta, where(d >= delta, g * delta, g * d))


# ---------------------------------------------------------------- rounding and signs

elementwise("sign", lambda x: scalar.sign(x), lambda g: like(0, g), special=(0.0,))
elementwise("sgn", lambda x: scalar.sign(x), lambda g: like(0, g), special=(0.0,))
elementwise("floor", lambda x: scalar.floor(x), lambda g: like(0, g), accepts="if")
elementwise("ceil", lambda x: scalar.ceil(x), lambda g: like(0, g), accepts="if")
elementwise("trunc", lambda x: scalar.trunc(x), lambda g: like(0, g), accepts="if")
elementwise("round", lambda x, *, decimals=0: rounded(x, decimals), lambda g: like(0, g), accepts="if",
            grad_names={"decimals": "RoundBackward1"})
elementwise("angle", lambda x: where(scalar.isnan(x), x, where(x < 0, like(PI, x), 0)), lambda g: like(0, g), result="float",
            inplace=False, special=(0.0,))
elementwise("frac", lambda x: x - scalar.trunc(x), lambda g: g, accepts="f")
elementwise("copysign", lambda x, y: scalar.copysign(x, y),
            lambda g, x, y, out: (where(x == 0, 0, g * (out / where(x == 0, 1, x))), like(0, g)), result="float",
            grad_names={"y": "CopysignBackward1"}, tensors=("x",))
elementwise("heaviside", lambda x, values: where(x == 0, values, where(x > 0, like(1, x), 0)),
            special=(0.0,), tensors=("x", "values"), refused=True)
elementwise("nextafter", lambda x, y: next_number(x, y),
            lambda g, x, y: (where(x == y, 0, g), like(0, g)), accepts="f", tensors=("x", "y"))
elementwise("nan_to_num", lambda x, *, nan, posinf, neginf: where(
                scalar.isnan(x), nan, where(x == INF, posinf, where(x == -INF, neginf, x))),
            lambda g, x: where(scalar.isnan(x) | scalar.isinf(x), 0, g), accepts="f", masks=True)


def next_number(x: Value, y: Value) -> Value:
    """The number after x towards y, of the dtype that it is stored in.

    Halves, which are computed in float32, go seven tenths of the distance between the numbers around x, or the shorter
    one below a power of two: that rounds to the next one on either side.
    """
    half = getattr(x, "dtype", None)
    if half not in dtypes.HALVES:
        return scalar.nextafter(x, y)
    known = dtypes.finfo(half)
    x, y = like(x, x), like(y, x)
    size = scalar.abs(x)
    step = 0.7 * scalar.maximum(size * known.eps, like(known.smallest_normal * known.eps, x))
    size_of_last = scalar.copysign(like(known.max, x), x)
    moved = where(scalar.isinf(x), size_of_last, where(y > x, x + step, x - step))
    return where((x == y) | _is_nan(y), y, moved)


def rounded(x: Value, decimals: int) -> Value:
    if decimals == 0:
        return scalar.round(x)
    scale = 10.0 ** abs(decimals)
    return scalar.round(x * scale) / scale if decimals > 0 else scalar.round(x / scale) * scale


# ---------------------------------------------------------------- pieces

elementwise("maximum", lambda x, y: scalar.maximum(x, y),
            lambda g, x, y: (where(x == y, g / 2, where(x < y, 0, g)), where(x == y, g / 2, where(x > y, 0, g))),
            inplace=False, special=(0.0,), tensors=("x", "y"), masks=True)
elementwise("minimum", lambda x, y: scalar.minimum(x, y),
            lambda g, x, y: (where(x == y, g / 2, where(x > y, 0, g)), where(x == y, g / 2, where(x < y, 0, g))),
            inplace=False, special=(0.0,), tensors=("x", "y"), masks=True)
elementwise("fmax", lambda x, y: scalar.fmax(x, y),
            lambda g, x, y: (where((x >= y) | _is_nan(y), g, 0), where((x >= y) | _is_nan(y), 0, g)),
            inplace=False, special=(0.0,), tensors=("x", "y"), masks=True)
elementwise("fmin", lambda x, y: scalar.fmin(x, y),
            lambda g, x, y: (where((x <= y) | _is_nan(y), g, 0), where((x <= y) | _is_nan(y), 0, g)),
            inplace=False, special=(0.0,), tensors=("x", "y"), masks=True)
elementwise("lerp", lambda x, end, weight: where(
                scalar.abs(weight) < 0.5, x + weight * (end - x), end - (end - x) * (1 - weight)),
            lambda g, x, end, weight: (g * (1 - weight), g * weight, g * (end - x)), accepts="f", result="first",
            grad_name="LerpBackward1", grad_names={"weight": "LerpBackward0"})
elementwise("addcmul", lambda x, y, z: x + y * z, lambda g, y, z: (g, g * z, g * y), accepts="if", method=False)
elementwise("addcdiv", lambda x, y, z: x + y / z, lambda g, y, z: (g, g / z, -g * (y * (1 / z)) * (1 / z)), accepts="f",
            domain=(0.3, 3), method=False)
elementwise("affine", lambda x, weight, bias: x * weight + bias, lambda g, x, weight: (g * weight, g * x, g),
            accepts="f", method=False, inplace=False, tied=("x", "weight", "bias"),
            grad_name="NativeLayerNormBackward0")
elementwise("tied", lambda x, source: x, lambda g: (g, like(0, g)), method=False, inplace=False)
elementwise("tied_loosely", lambda x, source: x, lambda g: (g, None), method=False, inplace=False)
elementwise("fake_quantize", lambda x, quantized, condition: quantized,  # the condition: nothing was cut off
            lambda g, condition: (where(condition, g, 0), None, None), result="first", method=False, inplace=False,
            masks=True)
elementwise("masked_fill", lambda x, condition, value: where(condition, value, x),
            lambda g, condition: (where(condition, 0, g), None, where(condition, g, 0)), result="first", method=False,
            grad_name="MaskedFillBackward1", grad_names={"value": "MaskedFillBackward0"}, masks=True,
            fitting=("value",))
elementwise("mask_put", lambda x, condition, value: where(condition, value, x),  # x[condition] = value
            lambda g, condition: (where(condition, 0, g), None, where(condition, g, 0)), result="first", method=False,
            grad_name="IndexPutBackward0", masks=True)
for _name, _grad in (("tril", "TrilBackward0"), ("triu", "TriuBackward0")):
    elementwise(_name, lambda x, condition: where(condition, x, 0), lambda g, condition: (where(condition, g, 0), None),
                method=False, inplace=False, grad_name=_grad, masks=True)
elementwise("where", lambda condition, x, y: where(condition, x, y),
            lambda g, condition: (None, where(condition, g, 0), where(condition, 0, g)), inplace=False, method=False,
            masks=True, fitting=("x", "y"))
elementwise("clamp", lambda x, low, high: scalar.minimum(scalar.maximum(x, low), high),
            lambda g, x, low, high: (
                where((x >= low) & (x <= high), g, 0), where((x < low) & (low < high), g, 0),
                where((x > high) | (low > high), g, 0)),
            accepts="if", grad_name="ClampBackward0", grad_names={"low": "ClampBackward1"}, method=False,
            special=(-1.0, 0.0, 1.0), masks=True, fitting=("low", "high"))


def _at_least(x: Value, low: Value) -> Value:
    return scalar.maximum(x, low)


def _at_most(x: Value, high: Value) -> Value:
    return scalar.minimum(x, high)


def _at_least_slopes(g: Value, x: Value, low: Value) -> tuple[Value, Value]:
    return where(x >= low, g, 0), where(x < low, g, 0)


def _at_most_slopes(g: Value, x: Value, high: Value) -> tuple[Value, Value]:
    return where(x <= high, g, 0), where(x > high, g, 0)


for _name, _bound, _rule, _slopes, _of_tensor, _of_number in (
    ("clamp_min", "low", _at_least, _at_least_slopes, "ClampMinBackward1", "ClampMinBackward0"),
    ("clamp_max", "high", _at_most, _at_most_slopes, "ClampMaxBackward1", "ClampMaxBackward0"),
    # `clamp` with one bound, which is a node of another name
    ("_clamp_min", "low", _at_least, _at_least_slopes, "ClampBackward0", "ClampBackward1"),
    ("_clamp_max", "high", _at_most, _at_most_slopes, "ClampBackward0", "ClampBackward1"),
):
    elementwise(_name, _rule, _slopes, special=(0.0,), tensors=("x",), grad_name=_of_tensor,
                grad_names={_bound: _of_number}, masks=True, fitting=(_bound,), method=_name[0] != "_")

# ---------------------------------------------------------------- comparisons

elementwise("lt", lambda x, y: x < y, result="bool", operators=("lt",), tensors=("x",))
elementwise("le", lambda x, y: x <= y, result="bool", operators=("le",), tensors=("x",))
elementwise("eq", lambda x, y: x == y, result="bool", operators=("eq",), tensors=("x",))
elementwise("ne", lambda x, y: x != y, result="bool", operators=("ne",), tensors=("x",))
elementwise("gt", lambda x, y: x > y, result="bool", operators=("gt",), tensors=("x",))
elementwise("ge", lambda x, y: x >= y, result="bool", operators=("ge",), tensors=("x",))
elementwise("isnan", lambda x: scalar.isnan(x), result="bool", inplace=False)
elementwise("isinf", lambda x: scalar.isinf(x), result="bool", inplace=False)
elementwise("isfinite", lambda x: scalar.logical_not(scalar.isnan(x) | scalar.isinf(x)), result="bool", inplace=False)
elementwise("logical_and", lambda x, y: scalar.logical_and(truth(x), truth(y)), result="bool", tensors=("x", "y"))
elementwise("logical_or", lambda x, y: scalar.logical_or(truth(x), truth(y)), result="bool", tensors=("x", "y"))
elementwise("logical_xor", lambda x, y: scalar.logical_xor(truth(x), truth(y)), result="bool", tensors=("x", "y"))
elementwise("logical_not", lambda x: scalar.logical_not(truth(x)), result="bool")
elementwise("isposinf", lambda x: x == INF, result="bool", inplace=False, computes="float64")
elementwise("isneginf", lambda x: x == -INF, result="bool", inplace=False, computes="float64")
elementwise("signbit", lambda x: scalar.signbit(x), result="bool", inplace=False)
elementwise("isclose", lambda x, y, *, rtol=1e-05, atol=1e-08, equal_nan=False: close(x, y, rtol, atol, equal_nan),
            result="bool", inplace=False, computes="float64")
elementwise("bitwise_and", lambda x, y: x & y, accepts="bi", operators=("nb_and", "nb_inplace_and"))
elementwise("bitwise_or", lambda x, y: x | y, accepts="bi", operators=("nb_or", "nb_inplace_or"))
elementwise("bitwise_xor", lambda x, y: x ^ y, accepts="bi", operators=("nb_xor", "nb_inplace_xor"))
elementwise("bitwise_not", lambda x: ~x, accepts="bi", operators=("nb_invert",))
elementwise("left_shift", lambda x, y: scalar.left_shift(x, y), accepts="i", method=("bitwise_left_shift",),
            operators=("nb_lshift", "nb_inplace_lshift"))
elementwise("right_shift", lambda x, y: scalar.right_shift(x, y), accepts="i", method=("bitwise_right_shift",),
            operators=("nb_rshift", "nb_inplace_rshift"))
elementwise("floor_divide", lambda x, y: scalar.floor_divide(x, y), accepts="if", nonzero="y", domain=(0.5, 5),
            refused=True,
            operators=("nb_floor_divide", "nb_inplace_floor_divide"))
elementwise("trunc_divide", lambda x, y: scalar.trunc_divide(x, y), lambda g: (like(0, g), like(0, g)), accepts="if", nonzero="y",
            method=False, grad_name="DivBackward2", domain=(0.5, 5))
elementwise("floor_quotient", lambda x, y: scalar.floor_divide(x, y), lambda g: (like(0, g), like(0, g)), accepts="if", nonzero="y",
            method=False, grad_name="DivBackward2", domain=(0.5, 5))
elementwise("fmod", lambda x, y: scalar.fmod(x, y), lambda g, x, y: (g, -g * scalar.trunc_divide(x, y)), accepts="if", nonzero="y",
            domain=(0.5, 5), grad_name="FmodBackward1", grad_names={"y": "FmodBackward0"}, tensors=("x",))
elementwise("remainder", lambda x, y: scalar.remainder(x, y),
            lambda g, x, y: (g, -g * scalar.floor_divide(x, y)), accepts="if", nonzero="y", domain=(0.5, 5),
            grad_name="RemainderBackward1", grad_names={"y": "RemainderBackward0"},
            operators=("nb_remainder", "nb_inplace_remainder"))



def truth(x: Value) -> Value:
    return x != 0


def close(x: Value, y: Value, rtol: float, atol: float, equal_nan: bool) -> Value:
    """Within atol + rtol |y|; infinities are close to themselves only."""
    near = scalar.abs(x - y) <= atol + scalar.abs(y * rtol)
    same = (x == y) | (scalar.logical_not(scalar.isinf(x)) & scalar.logical_not(scalar.isinf(y)) & near)
    return same | (scalar.isnan(x) & scalar.isnan(y)) if equal_nan else same


# ---------------------------------------------------------------- copies

elementwise("clone", lambda x: x, lambda g: g, inplace=False)
elementwise("contiguous", lambda x: x, lambda g: g, inplace=False, method=False, grad_name="CloneBackward0")
elementwise("to_copy", lambda x, *, dtype: x, lambda g: g, inplace=False, method=False)
elementwise("zero", lambda x: like(0, x), lambda g: like(0, g), method=False)
elementwise("fill", lambda x, value: value, lambda g: (like(0, g), g), method=False, result="first",
            fitting=("value",))
elementwise("copy", lambda x, src: src, lambda g: (like(0, g), g), grad_name="CopyBackwards", method=False,
            fitting=("src",))
