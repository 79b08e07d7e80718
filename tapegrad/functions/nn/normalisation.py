"""Normalisation over batches, groups, channels and rows."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import dtypes
from tapegrad.autograd import modes
from tapegrad.creation import check_room
from tapegrad.dispatch import apply
from tapegrad.functions.common import kind_name, operation, public
from tapegrad.functions.nn.activations import nn
from tapegrad.functions.nn.convolution import windows
from tapegrad.functions.nn.padding import pad
from tapegrad.functions.several_outputs import called
from tapegrad.tensor import Tensor


def _standardised(x: Any, dims: list[int], eps: float) -> tuple[Any, Any, Any]:
    check_room(x.dtype, x.shape)
    mean = x.mean(dims, keepdim=True)
    var = x.var(dims, correction=0, keepdim=True)
    return (x - mean) / (var + eps).sqrt(), mean, var


def _scaled(x: Any, weight: Any, bias: Any, node: str = "") -> Any:
    """Times a weight a channel, plus a bias a channel; `node` is what the node is called."""
    shape = (-1, *(1,) * (x.ndim - 2))
    weight, bias = (v if v is None else v.reshape(shape) for v in (weight, bias))
    return affine(x, weight, bias, node)


@nn
def batch_norm(input: Tensor, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
               training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Any:
    """Each channel with mean zero and deviation one over the batch (`torch.nn.functional.batch_norm`)."""
    if eps < 0.0 or (training and eps == 0.0):
        raise ValueError(f"batch_norm eps must be {'positive during training' if training else 'non-negative'}, but "
                         f"got {eps}")
    return over_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)


def _check_statistics(input: Tensor, running_mean: Any, running_var: Any) -> None:
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"batch_norm\" not implemented for '{kind_name(input)}'")


def over_batch(input: Tensor, running_mean: Any, running_var: Any, weight: Any, bias: Any, training: bool,
               momentum: float, eps: float) -> Any:
    """`batch_norm` with whatever is added to variances."""
    if not input.numel():  # nothing is asked of the statistics; the first factor alone comes in, as in PyTorch
        out = input.clone() if weight is None else input.clone() * weight[0]
        return out if bias is None else out + bias[0]
    # A vector has no channels, of which statistics can be.
    channels, shape = 0 if input.ndim == 1 else input.shape[1], (-1, *(1,) * (input.ndim - 2))
    for name, of in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if of is not None and of.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {of.numel()}")
    for name, of in (("running_mean", running_mean), ("running_var", running_var)):
        if of is None and not training:
            raise RuntimeError(f"{name} must be defined in evaluation mode")
    _check_statistics(input, running_mean, running_var)
    if not training:
        normal = (input - running_mean.reshape(shape)) / (running_var.reshape(shape) + eps).sqrt()
        return _scaled(normal, weight, bias, "NativeBatchNormBackward0")
    dims = [d for d in range(input.ndim) if d != 1]
    n = math.prod(input.shape[d] for d in dims)
    if n == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    normal, mean, var = _standardised(input, dims, eps)
    with modes.no_grad():
        for running, found in ((running_mean, mean), (running_var, var * (n / (n - 1)))):
            if running is not None:
                running.mul_(1 - momentum).add_(found.detach().reshape(-1) * momentum)
    return _scaled(normal, weight, bias, "NativeBatchNormBackward0")


@nn
def instance_norm(input: Tensor, running_mean: Any = None, running_var: Any = None, weight: Any = None,
                  bias: Any = None,
                  use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5) -> Any:
    """Each channel of each sample by itself (`torch.nn.functional.instance_norm`)."""
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
        return over_batch(input, running_mean, running_var, weight, bias, False, momentum, eps)
    n = math.prod(input.shape[2:])
    if n == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    _check_statistics(input, running_mean, running_var)
    normal, mean, var = _standardised(input, list(range(2, input.ndim)), eps)
    with modes.no_grad():
        for running, found in ((running_mean, mean), (running_var, var * (n / (n - 1)))):
            if running is not None:
                running.mul_(1 - momentum).add_(found.detach().mean(0).reshape(-1) * momentum)
    return called("ViewBackward0", _scaled(normal, weight, bias))


@nn
def group_norm(input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Channels normalised in groups (`torch.nn.functional.group_norm`)."""
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    if num_groups <= 0:
        raise RuntimeError("Expected num groups to be greater than 0, got " + str(num_groups))
    if input.shape[1] % num_groups:
        raise RuntimeError("Expected number of channels in input to be divisible by num_groups, but got input of "
                           f"shape {list(input.shape)} and num_groups={num_groups}")
    if not input.numel():
        return _scaled(input * 1, weight, bias)
    grouped = input.reshape(input.shape[0], num_groups, -1)
    normal, _, _ = _standardised(grouped, [2], eps)
    return _scaled(normal.reshape(input.shape), weight, bias, "NativeGroupNormBackward0")


@nn
def rms_norm(input: Tensor, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """The last axes divided by their root mean square (`torch.nn.functional.rms_norm`)."""
    n = len(normalized_shape)
    if not n or tuple(input.shape[-n:]) != tuple(normalized_shape):
        raise RuntimeError(f"Given normalized_shape={list(normalized_shape)}, expected input with shape "
                           f"[*, {', '.join(map(str, normalized_shape))}], but got input of size{list(input.shape)}")
    if weight is not None and tuple(weight.shape) != tuple(normalized_shape):
        raise RuntimeError("Expected weight to be of same shape as normalized_shape, but got weight of shape "
                           f"{list(weight.shape)} and normalized_shape = {list(normalized_shape)}")
    small = dtypes.finfo(input.dtype.arithmetic).eps if eps is None else eps
    found = input * ((input * input).mean(list(range(-n, 0)), keepdim=True) + float(small)).rsqrt()
    return found if weight is None else (found * weight).to(input.dtype)


public(rms_norm)
public(group_norm)


@nn
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """Each element divided by what its neighbouring channels hold (`torch.nn.functional.local_response_norm`)."""
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)")
    if not input.numel():
        return input
    squares = (input * input).movedim(1, -1)
    around = windows(pad(squares, (size // 2, (size - 1) // 2)), (size,), (1,), (1,)).sum(-1)
    around = around / size if input.dtype.is_floating_point else around // size
    return input / (around.movedim(-1, 1) * alpha + k) ** beta


@nn
def layer_norm(input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Rows brought to mean 0 and variance 1, scaled and shifted (`torch.nn.functional.layer_norm`)."""
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
                           "element, "
                           f"but got normalized_shape = {list(shape)}")
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.shape) != shape:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                               f"{list(x.shape)} and normalized_shape = {list(shape)}")
    if tuple(input.shape[-len(shape):]) != shape:
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape [*, "
                           f"{', '.join(map(str, shape))}], but got input of size{list(input.shape)}")
    out = apply(operation("standardised"), (input,), (
        ("dim", tuple(range(input.ndim - len(shape), input.ndim))), ("eps", float(eps))))
    return affine(out, weight, bias)


def affine(x: Any, weight: Any, bias: Any, node: str = "") -> Any:
    """Times `weight`, plus `bias`, where they are given."""
    if bias is not None:
        return apply(operation("affine"), (x, 1.0 if weight is None else weight, bias), node=node)
    if weight is None:
        return called(node, x) if node else x
    return apply(operation("mul"), (x, weight), node=node) if node else x * weight
