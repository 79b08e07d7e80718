"""Tools for modules and their gradients (`torch.nn.utils`)."""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tapegrad.namespaces import show_public
from tapegrad.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from tapegrad.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from tapegrad.nn.utils.init import skip_init
from tapegrad.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from tapegrad.nn.utils.weight_norm import remove_weight_norm, weight_norm

if TYPE_CHECKING:
    from tapegrad.nn.utils.fusion import (
        fuse_conv_bn_eval,
        fuse_conv_bn_weights,
        fuse_linear_bn_eval,
        fuse_linear_bn_weights,
    )

_ROOMS = ("fusion", "parametrizations", "parametrize", "prune", "rnn", "stateless")  # loaded when they are asked for

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "fusion",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "prune",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "vector_to_parameters",
    "weight_norm",
]
show_public(__name__)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("fuse_") and name in __all__:
        return getattr(importlib.import_module(f"{__name__}.fusion"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
