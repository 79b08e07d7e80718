"""Numbers rounded to the few that whole numbers of some bits stand for, and still floats: training that expects it."""
from __future__ import annotations

from typing import Any

from tapegrad import dtypes
from tapegrad.autograd import modes
from tapegrad.dispatch import apply
from tapegrad.functions.common import kind_name, operation, public
from tapegrad.shapes import wrap_dim
from tapegrad.tensor import Tensor


def _quantized(x: Tensor, scale: Tensor, zero_point: Tensor, low: int, high: int, each: bool, node: str) -> Any:
    """`scale` times a whole number, which is from `low` to `high` once `zero_point` is added to it.

    The gradient is that of the number itself where nothing was cut off (a straight-through estimate).
    """
    if low > high:
        raise RuntimeError("`quant_min` should be less than or equal to `quant_max`.")
    if not bool(((zero_point >= low) & (zero_point <= high)).all()):
        raise RuntimeError("`zero_point` must be between `quant_min` and `quant_max`.")
    with modes.no_grad():
        wide = x.to(x.dtype.arithmetic)
        factor, zero_point = scale.float().reciprocal().to(wide.dtype), zero_point.to(wide.dtype)
        # PyTorch's order: the zero point of a channel may be no whole number, and is added before.
        place = (wide * factor + zero_point).round() if each else (wide * factor).round() + zero_point
        place = place.nan_to_num(float("-inf"), float("inf"), float("-inf"))
        inside = (place >= low) & (place <= high)
        value = ((place.clamp(low, high) - zero_point) * scale.to(wide.dtype)).to(x.dtype)
    return apply(operation("fake_quantize"), (x, value, inside), node=node)


@public
def fake_quantize_per_tensor_affine(input: Tensor, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    """Each element rounded as a quantised tensor would hold it (`torch.fake_quantize_per_tensor_affine`)."""
    tensors = isinstance(scale, Tensor)
    if tensors and scale.requires_grad:
        raise RuntimeError("The function '_fake_quantize_per_tensor_affine_cachemask_tensor_qparams' is not "
                           "differentiable with respect to argument 'scale'. This input cannot have requires_grad "
                           "True.")
    known = float(scale.item() if isinstance(scale, Tensor) else scale)
    zero = int(zero_point.item() if isinstance(zero_point, Tensor) else zero_point)
    return _quantized(input, input.new_tensor(known, dtype=dtypes.float32), input.new_tensor(zero, dtype=dtypes.int64),
                      quant_min, quant_max, False, "FakeQuantizePerTensorAffineCachemask"
                      f"{'TensorQparams' * tensors}Backward0")


@public
def fake_quantize_per_channel_affine(input: Tensor, scale: Tensor, zero_point: Tensor, axis: int, quant_min: int,
                                     quant_max: int) -> Any:
    """Each channel rounded with a scale of its own (`torch.fake_quantize_per_channel_affine`)."""
    if scale.dtype not in (dtypes.float32, dtypes.bfloat16):
        raise RuntimeError(f"Scale must be Float or BFloat16, found {kind_name(scale)}")
    if zero_point.dtype not in (dtypes.int32, dtypes.float32, dtypes.float16):
        raise RuntimeError(f"Zero-point must be Int32, Float or Half, found {kind_name(zero_point)}")
    if scale.ndim != 1:
        raise RuntimeError("scale should be a 1-D tensor")
    if zero_point.ndim != 1:
        raise RuntimeError("zero point should be a 1-D tensor")
    if scale.numel() != zero_point.numel():
        raise RuntimeError("scale and zero-point need to have the same dimensions")
    dim = wrap_dim(axis, input.ndim)
    if scale.numel() != input.shape[dim]:
        raise RuntimeError("dimensions of scale and zero-point are not consistent with input tensor")
    shape = [1] * input.ndim
    shape[dim] = -1
    return _quantized(input, scale.detach().reshape(shape), zero_point.reshape(shape), quant_min, quant_max, True,
                      "FakeQuantizePerChannelAffineCachemaskBackward0")
