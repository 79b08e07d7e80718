"""What optimisers that began as a copy of one of PyTorch's take from where those stand (`torch.optim.optimizer`)."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tapegrad
from tapegrad.tensor import Tensor
from tapegrad.utils import _foreach_utils
from tapegrad.utils._foreach_utils import (
    _get_foreach_kernels_supported_devices as _get_foreach_kernels_supported_devices,
)
from tapegrad.utils._foreach_utils import _get_fused_kernels_supported_devices as _get_fused_kernels_supported_devices
from tapegrad.utils._foreach_utils import _group_tensors_by_device_and_dtype as _group_tensors_by_device_and_dtype

_foreach_supported_types = _foreach_utils._foreach_supported_types
_params_doc = "params: tensors, or groups of them with options of their own"
_foreach_doc = "foreach (bool, optional): taken, and of no effect here"
_fused_doc = "fused (bool, optional): taken; a step is one pass over memory as it is"
_capturable_doc = "capturable (bool, optional): taken, and of no effect here"
_differentiable_doc = "differentiable (bool, optional): whether steps are recorded"
_maximize_doc = "maximize (bool, optional): go uphill"


def _use_grad_for_differentiable(func: Callable[..., Any]) -> Callable[..., Any]:
    """A `step` that is recorded where the optimiser is `differentiable`, and else is not."""

    @functools.wraps(func)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        with tapegrad.set_grad_enabled(bool(self.defaults["differentiable"])):
            return func(self, *args, **kwargs)

    return step


def _get_value(x: Any) -> Any:
    """The number in a tensor, or the number."""
    return x.item() if isinstance(x, Tensor) else x


def _to_scalar(x: Any) -> Any:
    """A tensor of one element without its axes."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() else x


def _stack_if_compiling(x: Any) -> Any:
    return x


def _view_as_real(params: Any, *state_and_grads: Any) -> None:
    """Nothing: no tensor is complex."""


def _get_scalar_dtype(is_fused: bool | None = None) -> Any:
    """The dtype of counts of steps."""
    return tapegrad.float64 if not is_fused and tapegrad.get_default_dtype() is tapegrad.float64 else tapegrad.float32


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    return []


def _default_to_fused_or_foreach(params: Any, differentiable: bool, use_fused: bool = False) -> tuple[bool, bool]:
    """What PyTorch takes on a CPU where neither is asked for."""
    return False, False


def _device_dtype_check_for_fused(p: Tensor, cuda_unsupported: bool = False) -> None:
    if not p.is_floating_point():
        raise RuntimeError("`fused=True` requires all the params to be floating point Tensors of supported devices: "
                           f"{_get_fused_kernels_supported_devices()} but {p.dtype} and {p.device.type}")


def _disable_dynamo_if_unsupported(single_tensor_fn: Any = None) -> Callable[[Any], Any]:
    """A decorator that leaves functions as they are."""
    return lambda function: function
