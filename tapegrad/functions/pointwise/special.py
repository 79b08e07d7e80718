"""Special functions (`torch.special`)."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tapegrad import dtypes
from tapegrad.autograd.function import Function
from tapegrad.creation import full
from tapegrad.dispatch import apply
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensor,
    in_place,
    into,
    invalid_combination,
    operation,
    public,
)
from tapegrad.functions.queries import result_type
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import broadcast_tensors
from tapegrad.machine.live import machine, planner
from tapegrad.ops.declaration import REGISTRY
from tapegrad.ops.special import POLYNOMIALS
from tapegrad.tensor import Tensor

SPECIAL: dict[str, Callable[..., Any]] = {}  # what `special` offers


def special(function: Callable[..., Any]) -> Callable[..., Any]:
    SPECIAL[function.__name__] = function
    return function


dtype_name: Callable[[Any], str] = planner.name_of


def floating(x: Any) -> Any:
    """Whole numbers become floats of the default dtype."""
    return x if x.dtype.is_floating_point else x.to(dtypes.default_dtype())


def _plain(name: str) -> Callable[..., Any]:
    def function(input: Tensor, *, out: Any = None) -> Any:
        return into(out, apply(operation(f"special_{name}"), (floating(input),)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`torch.special.{name}`, computed by SciPy."
    return special(function)


for _name in ("i0", "i0e", "i1", "i1e", "erfcx", "log_ndtr", "ndtri", "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0",
              "bessel_y1", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1",
              "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0"):
    _plain(_name)
METHODS["i0"] = PUBLIC["i0"] = SPECIAL["i0"]
in_place("i0", SPECIAL["i0"])


@public
def i0_(input: Tensor) -> Any:
    """`i0`, in place (`torch.i0_`)."""
    return METHODS["i0_"](input)


@special
def polygamma(n: int, input: Tensor, *, out: Any = None) -> Any:
    """The n-th derivative of the digamma function (`torch.special.polygamma`)."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    x = floating(input)
    if n == 0:
        return into(out, apply(operation("digamma"), (x,)))
    return into(out, apply(operation("special_polygamma"), (x,), (("n", int(n)),)))


PUBLIC["polygamma"] = polygamma
METHODS["polygamma"] = lambda self, n: polygamma(n, self)
in_place("polygamma", METHODS["polygamma"])


@special
@one_node("MvlgammaBackward0")
def multigammaln(input: Tensor, p: int, *, out: Any = None) -> Any:
    """The logarithm of the multivariate gamma function (`torch.special.multigammaln`)."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if input.dtype.category == 0:
        raise RuntimeError("mvlgamma: The input tensor may not be a boolean tensor.")
    x = floating(input)
    lgamma = machine.functions[REGISTRY["lgamma"].opcode]
    found = sum((lgamma(x - j / 2) for j in range(1, p)), lgamma(x + 0.0))
    return into(out, found + p * (p - 1) / 4 * math.log(math.pi))


PUBLIC["mvlgamma"] = METHODS["mvlgamma"] = multigammaln
in_place("mvlgamma", multigammaln)


@special
def ndtr(input: Tensor, *, out: Any = None) -> Any:
    """The normal distribution's share below (`torch.special.ndtr`)."""
    return into(out, apply(operation("ndtr"), (input,), node="MulBackward1"))


def _whole_numbers(name: str) -> None:
    def function(input: Tensor, other: Any, *, out: Any = None) -> Any:
        expect_tensor(name, other, "other", 2)
        dtype = result_type(input, other)
        if dtype.category != 1:
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{dtype_name(dtype)}'")
        x, y = broadcast_tensors(input.to(dtype), other.to(dtype))
        return into(out, apply(operation(name), (x, y)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`torch.{name}`, computed by NumPy."
    PUBLIC[name] = METHODS[name] = function
    in_place(name, function)


for _name in ("gcd", "lcm"):
    _whole_numbers(_name)


class Igamma(Function):
    """An incomplete gamma function, whose slope is the gamma density, or its negative."""

    @staticmethod
    def forward(ctx: Any, name: str, sign: int, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        ctx.sign = sign
        return apply(operation(f"special_{name}"), (input.detach(), other.detach()))

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        if ctx.needs_input_grad[2]:
            raise NotImplementedError(f"the derivative for 'igamma{'c' * (ctx.sign < 0)}: input' is not implemented.")
        a, x = ctx.saved_tensors
        lgamma = machine.functions[REGISTRY["lgamma"].opcode]
        return None, None, None, ctx.sign * g * ((a - 1) * x.log() - x - lgamma(a)).exp()


def _incomplete(name: str, plain: str, sign: int) -> None:
    def function(input: Tensor, other: Tensor, *, out: Any = None) -> Any:
        expect_tensor(name, other, "other", 2)
        common = result_type(input, other)
        dtype = common if common.is_floating_point else dtypes.default_dtype()
        return into(out, Igamma.apply(name, sign, *broadcast_tensors(input.to(dtype), other.to(dtype))))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The incomplete gamma function of shape `input` (`torch.special.{name}`), computed by SciPy."
    PUBLIC[plain] = METHODS[plain] = special(function)
    in_place(plain, function)


_incomplete("gammainc", "igamma", 1)
_incomplete("gammaincc", "igammac", -1)


def _pair(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two operands, one of which may be a number, as floats of one dtype and shape."""
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        raise invalid_combination(f"special_{name}", x, y)
    dtype = result_type(x, y)
    dtype = dtype if dtype.is_floating_point else dtypes.default_dtype()
    first, second = broadcast_tensors(*(v.to(dtype) if isinstance(v, Tensor) else full((), v, dtype=dtype)
                                        for v in (x, y)))
    return first, second


class SpecialZeta(Function):
    """Hurwitz's zeta function, whose slope along its second argument is one of its own."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Any:
        ctx.save_for_backward(input, other)
        return apply(operation("special_zeta"), (input.detach(), other.detach()))

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        if ctx.needs_input_grad[0]:
            raise NotImplementedError("the derivative for 'zeta' is not implemented.")
        x, q = ctx.saved_tensors
        return None, g * -x * SpecialZeta.apply(x + 1, q)


@special
def zeta(input: Any, other: Any, *, out: Any = None) -> Any:
    """Hurwitz's zeta function, the sum of `(other + k) ** -input` over k = 0, 1, … (`torch.special.zeta`).

    >>> import tapegrad as torch
    >>> torch.special.zeta(torch.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])
    """
    return into(out, SpecialZeta.apply(*_pair("zeta", input, other)))


def _polynomial(name: str, of: str, shifted: bool) -> None:
    def function(x: Any, n: Any, *, out: Any = None) -> Any:
        x, n = _pair(name, x, n)
        x = x.detach()
        return into(out, apply(operation(f"special_{of}"), (2 * x - 1 if shifted else x, n.detach())))

    function.__name__ = function.__qualname__ = name
    kind = " ".join(word.title() for word in of.replace("_polynomial_", " ").split())
    function.__doc__ = (f"The polynomial {kind} of order `n` at {'`2 x - 1`' if shifted else '`x`'} "
                        f"(`torch.special.{name}`), computed by SciPy.")
    special(function)


for _name in POLYNOMIALS:
    _polynomial(_name, _name, False)
    if _name.startswith("chebyshev"):
        _polynomial("shifted_" + _name, _name, True)


OTHER_NAMES = {  # of functions of the root
    "digamma": "digamma", "entr": "entr", "erf": "erf", "erfc": "erfc", "erfinv": "erfinv", "exp2": "exp2",
    "expit": "sigmoid", "expm1": "expm1", "gammaln": "lgamma", "log1p": "log1p", "log_softmax": "log_softmax",
    "logit": "logit", "logsumexp": "logsumexp", "psi": "digamma", "round": "round", "sinc": "sinc",
    "softmax": "softmax", "xlog1py": "xlog1py", "xlogy": "xlogy",
}
