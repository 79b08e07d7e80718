"""Operations on each element by itself: arithmetic, comparisons, and the functions of a calculator.

Formulas are the textbook's, one operation a paragraph. `x` is the operand, `out` the result, `g` its cotangent. A
masked derivative is written with `where`, since `g * mask` would turn an infinite `g` into NaN.
"""
from __future__ import annotations

from .scalar import like, scalar
from .spec import elementwise

where = scalar.where

# ---------------------------------------------------------------- arithmetic

elementwise("add", lambda x, y: x + y, lambda g: (g, g),
            operators=("nb_add", "nb_inplace_add"), doc="x + alpha * y")
elementwise("sub", lambda x, y: x - y, lambda g: (g, -g), accepts="if",
            operators=("nb_subtract", "nb_inplace_subtract"), doc="x - alpha * y")
elementwise("mul", lambda x, y: x * y, lambda g, x, y: (g * y, g * x),
            operators=("nb_multiply", "nb_inplace_multiply"), doc="x * y")
elementwise("div", lambda x, y: x / y, lambda g, x, y: (g / y, -g * x / (y * y)), result="float",
            operators=("nb_true_divide", "nb_inplace_true_divide"), doc="x / y")
elementwise("neg", lambda x: -x, lambda g: -g, accepts="if", operators=("nb_negative",))
elementwise("abs", lambda x: scalar.abs(x), lambda g, x: g * scalar.sign(x), operators=("nb_absolute",), special=(0.0,))
elementwise("square", lambda x: x * x, lambda g, x: g * (2 * x), accepts="if", grad_name="PowBackward0")
elementwise("reciprocal", lambda x: 1 / x, lambda g, out: -g * (out * out), result="float", domain=(0.5, 3))
elementwise("pow", lambda x, y: scalar.pow(x, y),
            lambda g, x, y, out: (
                where(y == 0, 0, g * (y * scalar.pow(x, y - 1))),
                where((x == 0) & (y >= 0), 0, g * (out * scalar.log(x)))),
            accepts="if", domain=(0.2, 3), operators=("nb_power", "nb_inplace_power"), specialise=True)

# ---------------------------------------------------------------- exponentials and trigonometry

elementwise("exp", lambda x: scalar.exp(x), lambda g, out: g * out, result="float")
elementwise("log", lambda x: scalar.log(x), lambda g, x: g / x, result="float", domain=(0.2, 5))
elementwise("sqrt", lambda x: scalar.sqrt(x), lambda g, out: g / (2 * out), result="float", domain=(0.2, 5))
elementwise("sin", lambda x: scalar.sin(x), lambda g, x: g * scalar.cos(x), result="float")
elementwise("cos", lambda x: scalar.cos(x), lambda g, x: -g * scalar.sin(x), result="float")
elementwise("tanh", lambda x: scalar.tanh(x), lambda g, out: g * (1 - out * out), result="float",
            special=(0.0, 20.0, -20.0))
elementwise("sigmoid", lambda x: scalar.sigmoid(x), lambda g, out: g * ((1 - out) * out), result="float",
            special=(0.0, 40.0, -40.0))

# ---------------------------------------------------------------- pieces

elementwise("relu", lambda x: scalar.maximum(x, 0), lambda g, out: where(out > 0, g, 0), accepts="if", special=(0.0,))
elementwise("maximum", lambda x, y: scalar.maximum(x, y),
            lambda g, x, y: (where(x == y, g / 2, where(x < y, 0, g)), where(x == y, g / 2, where(x > y, 0, g))),
            inplace=False, special=(0.0,))
elementwise("minimum", lambda x, y: scalar.minimum(x, y),
            lambda g, x, y: (where(x == y, g / 2, where(x > y, 0, g)), where(x == y, g / 2, where(x < y, 0, g))),
            inplace=False, special=(0.0,))
elementwise("where", lambda condition, x, y: where(condition, x, y),
            lambda g, condition: (None, where(condition, g, 0), where(condition, 0, g)), inplace=False, method=False)
elementwise("clamp", lambda x, low, high: scalar.minimum(scalar.maximum(x, low), high),
            lambda g, x, low, high: (
                where((x < low) | (x > high), 0, g), where((x < low) & (low < high), g, 0),
                where((x > high) | (low >= high), g, 0)),
            accepts="if", grad_name="ClampBackward1", method=False, special=(-1.0, 0.0, 1.0))
elementwise("clamp_min", lambda x, low: scalar.maximum(x, low),
            lambda g, x, low: (where(x < low, 0, g), where(x < low, g, 0)), accepts="if", special=(0.0,))
elementwise("clamp_max", lambda x, high: scalar.minimum(x, high),
            lambda g, x, high: (where(x > high, 0, g), where(x > high, g, 0)), accepts="if", special=(0.0,))

# ---------------------------------------------------------------- comparisons

elementwise("lt", lambda x, y: x < y, result="bool", inplace=False, operators=("lt",))
elementwise("le", lambda x, y: x <= y, result="bool", inplace=False, operators=("le",))
elementwise("eq", lambda x, y: x == y, result="bool", inplace=False, operators=("eq",))
elementwise("ne", lambda x, y: x != y, result="bool", inplace=False, operators=("ne",))
elementwise("gt", lambda x, y: x > y, result="bool", inplace=False, operators=("gt",))
elementwise("ge", lambda x, y: x >= y, result="bool", inplace=False, operators=("ge",))
elementwise("isnan", lambda x: scalar.isnan(x), result="bool", inplace=False)
elementwise("isinf", lambda x: scalar.isinf(x), result="bool", inplace=False)
elementwise("isfinite", lambda x: scalar.logical_not(scalar.isnan(x) | scalar.isinf(x)), result="bool", inplace=False)
elementwise("logical_and", lambda x, y: scalar.logical_and(x, y), result="bool", inplace=False)
elementwise("logical_or", lambda x, y: scalar.logical_or(x, y), result="bool", inplace=False)
elementwise("logical_not", lambda x: scalar.logical_not(x), result="bool", inplace=False)
elementwise("bitwise_and", lambda x, y: x & y, accepts="bi", operators=("nb_and", "nb_inplace_and"))
elementwise("bitwise_or", lambda x, y: x | y, accepts="bi", operators=("nb_or", "nb_inplace_or"))
elementwise("bitwise_xor", lambda x, y: x ^ y, accepts="bi", operators=("nb_xor", "nb_inplace_xor"))
elementwise("bitwise_not", lambda x: ~x, accepts="bi", operators=("nb_invert",))
elementwise("floor_divide", lambda x, y: scalar.floor_divide(x, y), accepts="if", domain=(0.5, 5),
            operators=("nb_floor_divide", "nb_inplace_floor_divide"))
elementwise("trunc_divide", lambda x, y: scalar.trunc_divide(x, y), accepts="if", method=False)
elementwise("remainder", lambda x, y: scalar.remainder(x, y),
            lambda g, x, y: (g, -g * scalar.floor_divide(x, y)), accepts="if", domain=(0.5, 5),
            operators=("nb_remainder", "nb_inplace_remainder"))

# ---------------------------------------------------------------- copies

elementwise("clone", lambda x: x, lambda g: g, inplace=False)
elementwise("contiguous", lambda x: x, lambda g: g, inplace=False, method=False, grad_name="CloneBackward0")
elementwise("to_copy", lambda x, *, dtype: x, lambda g: g, inplace=False, method=False)
elementwise("zero", lambda x: like(0, x), lambda g: like(0, g), method=False)
elementwise("fill", lambda x, value: value, lambda g: (like(0, g), g), method=False)
elementwise("copy", lambda x, src: src, lambda g: (like(0, g), g), grad_name="CopyBackwards", method=False)
