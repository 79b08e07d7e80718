"""Activations: what `torch.nn.functional` names them, with their `inplace` flags."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import dtypes, shapes
from tapegrad.dispatch import apply, apply_inplace
from tapegrad.functions.common import METHODS, PUBLIC, expect_tensor, kind_name, operation, public, warn
from tapegrad.functions.several_outputs import one_node
from tapegrad.machine.live import machine
from tapegrad.tensor import Tensor

NN: dict[str, Callable[..., Any]] = {}  # what nn.functional offers


def nn(function: Callable[..., Any]) -> Callable[..., Any]:
    """Offer a function as `tapegrad.nn.functional.name`."""
    NN[function.__name__] = function
    return function


def native(name: str) -> Callable[..., Any]:
    """An operation's native function."""
    return machine.functions[operation(name).opcode]


def _refuse(name: str, x: Any) -> None:
    expect_tensor(name, x)
    if "bif"[x.dtype.category] not in operation(name).accepts:
        raise NotImplementedError(f'"{name}_cpu" not implemented for \'{kind_name(x)}\'')


def _is_float(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype.is_floating_point


def _activation(name: str, *attributes: str, of: str = "", **fixed: Any) -> None:
    """`name(input, *attributes, inplace=False)`, an elementwise operation with attributes."""
    op = operation(of or name)
    fast = native(of or name)

    def activation(input: Tensor, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        if not args and not kwargs and not inplace and not fixed and (not op.attributes or _is_float(input)):
            return fast(input)
        if len(args) > len(attributes):
            inplace, args = args[-1], args[:-1]
        given = {**op.defaults, **fixed, **dict(zip(attributes, args)), **kwargs}
        _refuse(op.name, input)
        if name == "hardtanh" and given["min_val"] > given["max_val"]:
            raise ValueError("min_val cannot be greater than max_val")
        numbers = ((a, x.item() if isinstance(x, Tensor) else x) for a, x in given.items())
        packed = tuple((a, dtypes.fitted(x, input.dtype)) for a, x in numbers if a in op.attributes)
        if name == "celu" and dict(packed)["alpha"] == 0:
            raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
        if inplace and op.inplace is not None:
            return apply_inplace(op.inplace, (input,), packed)
        return apply(op, (input,), packed)

    def activation_(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        return activation(input, *args, inplace=True, **kwargs)

    activation.__name__ = name
    NN[name] = activation
    if op.inplace is not None:
        NN[name + "_"] = activation_


for _name in ("sigmoid", "tanh", "relu", "silu", "mish", "hardsigmoid", "hardswish"):
    _activation(_name)
_activation("leaky_relu", "negative_slope")
_activation("elu", "alpha")
_activation("celu", "alpha")
_activation("selu", of="elu", alpha=1.6732632423543772848170429916717, scale=1.0507009873554804934193349852946)
_activation("hardtanh", "min_val", "max_val")
_activation("relu6", of="hardtanh", min_val=0.0, max_val=6.0)
_activation("softplus", "beta", "threshold")
_activation("hardshrink", "lambd")
_activation("threshold", "threshold", "value")
for _name in ("celu", "selu", "threshold", "celu_", "selu_"):
    PUBLIC[_name] = NN[_name]
NN["logsigmoid"] = native("log_sigmoid")


@nn
def softshrink(input: Tensor, lambd: float = 0.5) -> Any:
    if lambd < 0:
        raise RuntimeError(f"lambda must be in range [0, {dtypes.finfo(input.dtype).max:g}] for input dtype "
                           f"{kind_name(input)}, but found {lambd:g}")
    return apply(operation("softshrink"), (input,), (("lambd", lambd),), teach=lambd == 0.5)


@nn
def gelu(input: Tensor, *, approximate: str = "none") -> Any:
    """The Gaussian error linear unit (`torch.nn.functional.gelu`)."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    _refuse("gelu", input)
    return apply(operation("gelu" if approximate == "none" else "gelu_tanh"), (input,), teach=True)


@nn
def softsign(input: Tensor) -> Any:
    return input / (abs(input) + 1)


@nn
def tanhshrink(input: Tensor) -> Any:
    return input - input.tanh()


@nn
@one_node("GluBackward0", 1)
def glu(input: Tensor, dim: int = -1) -> Any:
    """The first half times the sigmoid of the second (`torch.nn.functional.glu`)."""
    if not input.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = shapes.wrap_dim(dim, input.ndim)
    n = input.shape[dim]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {n}")
    _refuse("gelu", input)
    return input.narrow(dim, 0, n // 2) * input.narrow(dim, n // 2, n // 2).sigmoid()


@public
@nn
def prelu(input: Tensor, weight: Tensor) -> Any:
    """Leaky ReLU with a slope a channel (`torch.nn.functional.prelu`)."""
    expect_tensor("prelu", weight, "weight", 2)
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1:
        raise RuntimeError("prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = "
                           f"{weight.ndim}")
    if weight.numel() != 1 and not input.ndim:
        raise RuntimeError("Not allow zero-dim input tensor.")
    if weight.numel() != 1 and weight.numel() != channels:
        raise RuntimeError(f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                           f"{weight.numel()} and channel size = {channels}.")
    if weight.dtype is not input.dtype:
        raise RuntimeError("prelu: Type promoting not supported. Got "
                           f"{kind_name(input)} and {kind_name(weight)}")
    shape = [1] * input.ndim
    if input.ndim > 1:
        shape[1] = weight.numel()
    return apply(operation("prelu"), (input, weight.reshape(shape)))


METHODS["prelu"] = prelu


def _dimmed(name: str) -> None:
    of = native({"softmin": "softmax"}.get(name, name))

    def function(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        if dim is None:  # PyTorch's old guess: 0 for 0, 1 and 3 axes
            dim = 0 if input.ndim in (0, 1, 3) else 1
            warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
                 "argument.")
        return of(-input if name == "softmin" else input, dim=dim, dtype=dtype)

    function.__name__ = name
    NN[name] = function


for _name in ("softmax", "log_softmax", "softmin"):
    _dimmed(_name)
