"""Normalisation over a batch, with running statistics for evaluation."""
from __future__ import annotations

from typing import Any

from tapegrad import creation, dtypes
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn import init
from tapegrad.nn.modules.lazy import LazyLayer
from tapegrad.nn.modules.module import Module
from tapegrad.nn.parameter import Parameter

show_public(__name__)


class _NormBase(Module):
    """Scale and shift as parameters, running mean and variance as buffers; for batches and instances."""

    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool

    _version = 2
    _ranks: tuple[int, ...] = ()  # how many axes an input may have

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, Parameter(creation.empty(num_features, device=device, dtype=dtype))
                                    if wanted else None)
        for name, made in (("running_mean", creation.zeros), ("running_var", creation.ones)):
            self.register_buffer(name, made(num_features, device=device, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked",
                             creation.tensor(0, dtype=dtypes.int64) if track_running_stats else None)
        self.reset_parameters()

    def _shape_of(self, name: str) -> tuple[int, ...]:
        return (self.num_features,)

    def reset_running_stats(self) -> None:
        """Forget the statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the statistics; scale by one, shift by zero."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def _check_input_dim(self, input: Any) -> None:
        if input.dim() not in self._ranks:
            listed = " or ".join(f"{n}D" for n in self._ranks)
            raise ValueError(f"expected {listed} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if (local_metadata.get("version") or 1) < 2 and self.track_running_stats:  # as it was before it was counted
            state_dict.setdefault(f"{prefix}num_batches_tracked", creation.tensor(0, dtype=dtypes.int64)
                                  if self.num_batches_tracked is None else self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_NormBase):
    def forward(self, input: Any) -> Any:
        self._check_input_dim(input)
        momentum, training = self.momentum, self.training
        if training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # the mean of all batches
                momentum = 1.0 / self.num_batches_tracked.double().item()  # a fraction, which a capture follows
        mean, variance = self.running_mean, self.running_var
        if training and not self.track_running_stats:
            mean = variance = None
        momentum = 0.0 if momentum is None else momentum
        return F.batch_norm(input, mean, variance, self.weight, self.bias,
                            training or (mean is None and variance is None), momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Features brought to mean 0 and variance 1 over the batch, scaled and shifted (`torch.nn.BatchNorm1d`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.BatchNorm1d(1, affine=False)
    >>> layer(torch.tensor([[1.0], [3.0]]))
    tensor([[-1.0000],
            [ 1.0000]])
    >>> layer.running_mean, layer.running_var
    (tensor([0.2000]), tensor([1.1000]))

    In evaluation the running statistics take the place of those of the batch. Ioffe and Szegedy, 2015.
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """The same for images (`torch.nn.BatchNorm2d`).

    >>> import tapegrad as torch
    >>> torch.nn.BatchNorm2d(3)(torch.ones(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """The same for volumes (`torch.nn.BatchNorm3d`).

    >>> import tapegrad as torch
    >>> torch.nn.BatchNorm3d(3)(torch.ones(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    _ranks = (5,)


class SyncBatchNorm(_BatchNorm):
    """`BatchNorm` over several processes; there is one (`torch.nn.SyncBatchNorm`).

    >>> import tapegrad as torch
    >>> torch.nn.SyncBatchNorm(3).eval()(torch.ones(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, process_group: Any = None, device: Any = None, dtype: Any = None, *,
                 bias: bool = True) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    @classmethod
    def convert_sync_batchnorm(cls, module: Any, process_group: Any = None) -> Any:
        """The module with its batch norms replaced by ones of this class, with their parameters and statistics."""
        made = module
        if isinstance(module, _BatchNorm):
            made = SyncBatchNorm(module.num_features, module.eps, module.momentum, module.affine,
                                 module.track_running_stats, process_group, bias=module.bias is not None)
            if module.affine:
                made.weight, made.bias = module.weight, module.bias
            made.running_mean, made.running_var = module.running_mean, module.running_var
            made.num_batches_tracked, made.training = module.num_batches_tracked, module.training
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made

    def _check_input_dim(self, input: Any) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")
        if self.training:
            raise ValueError("SyncBatchNorm expected input tensor to be on GPU or XPU or privateuseone")


class LazyBatchNorm1d(LazyLayer, BatchNorm1d, becomes=BatchNorm1d): ...
class LazyBatchNorm2d(LazyLayer, BatchNorm2d, becomes=BatchNorm2d): ...
class LazyBatchNorm3d(LazyLayer, BatchNorm3d, becomes=BatchNorm3d): ...
