"""Normalisation of each channel of each sample."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn.modules.batchnorm import _NormBase
from tapegrad.nn.modules.lazy import LazyLayer

show_public(__name__)


class _InstanceNorm(_NormBase):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
                 track_running_stats: bool = False, device: Any = None, dtype: Any = None, *,
                 bias: bool = True) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Any) -> Any:
        self._check_input_dim(input)
        axis = input.dim() - self._ranks[0]
        if input.shape[axis] != self.num_features:
            if self.affine:
                raise ValueError(f"expected input's size at dim={axis} to match num_features ({self.num_features}), "
                                 f"but "
                                 f"got: {input.shape[axis]}.")
            warnings.warn(f"input's size at dim={axis} does not match num_features. You can silence this warning by "
                          f"not "
                          "passing in num_features, which is not used because affine=False", stacklevel=2)
        return self._apply_instance_norm(input) if axis else self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)

    def _apply_instance_norm(self, input: Any) -> Any:
        return F.instance_norm(input, self.running_mean, self.running_var, self.weight, self.bias,
                               self.training or not self.track_running_stats, self.momentum or 0.0, self.eps)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing: Any,
                              unexpected: Any, errors: Any) -> None:
        if local_metadata.get("version") is None and not self.track_running_stats:
            found = [key for key in (f"{prefix}running_mean", f"{prefix}running_var") if state_dict.pop(key, None)
                     is not None]
            if found:
                name = type(self).__name__
                errors.append(f"Unexpected running stats buffer(s) {' and '.join(repr(k) for k in found)} for "
                              f"{name} with "
                              f"track_running_stats=False: set track_running_stats=True in {name} to use them.")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing, unexpected, errors)


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sequence brought to mean 0 and variance 1 (`torch.nn.InstanceNorm1d`).

    >>> import tapegrad as torch
    >>> torch.nn.InstanceNorm1d(2)(torch.arange(6.0).reshape(1, 2, 3))
    tensor([[[-1.2247,  0.0000,  1.2247],
             [-1.2247,  0.0000,  1.2247]]])
    """

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each image brought to mean 0 and variance 1 (`torch.nn.InstanceNorm2d`).

    >>> import tapegrad as torch
    >>> torch.nn.InstanceNorm2d(1)(torch.tensor([[[[1.0, 3.0]]]]))
    tensor([[[[-1.0000,  1.0000]]]])
    """

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each volume brought to mean 0 and variance 1 (`torch.nn.InstanceNorm3d`).

    >>> import tapegrad as torch
    >>> torch.nn.InstanceNorm3d(2)(torch.ones(1, 2, 3, 3, 3)).shape
    torch.Size([1, 2, 3, 3, 3])
    """

    _ranks = (4, 5)


class LazyInstanceNorm1d(LazyLayer, InstanceNorm1d, becomes=InstanceNorm1d, affine=True,
                         track_running_stats=True): ...
class LazyInstanceNorm2d(LazyLayer, InstanceNorm2d, becomes=InstanceNorm2d, affine=True,
                         track_running_stats=True): ...
class LazyInstanceNorm3d(LazyLayer, InstanceNorm3d, becomes=InstanceNorm3d, affine=True,
                         track_running_stats=True): ...
