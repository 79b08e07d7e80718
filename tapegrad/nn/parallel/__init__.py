"""Modules on several devices (`torch.nn.parallel`): there is one, so that these are the modules themselves."""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn.modules.module import Module
from tapegrad.nn.parallel import scatter_gather as _moving

__all__ = sorted([*_moving.__all__, "DataParallel", "DistributedDataParallel", "data_parallel"])
show_public(__name__)
globals().update({name: getattr(_moving, name) for name in _moving.__all__})


class DataParallel(Module):
    """A module whose batches are shared out among devices (`torch.nn.DataParallel`): the one there is takes it all.

    >>> import tapegrad as torch
    >>> DataParallel(torch.nn.Identity())(torch.ones(2))
    tensor([1., 1.])

    What it saves is named as PyTorch names it: `module.weight`.
    """

    module: Module
    dim: int

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module, self.dim = module, dim
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """A module of several processes (`torch.nn.parallel.DistributedDataParallel`), of which there is no group."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")


def data_parallel(module: Module, inputs: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0,
                  module_kwargs: Any = None) -> Any:
    """What a module returns, for a batch that is shared out among devices: the one there is takes it all.

    >>> import tapegrad as torch
    >>> torch.nn.parallel.data_parallel(torch.nn.ReLU(), torch.ones(2))
    tensor([1., 1.])

    PyTorch's `torch.nn.parallel.data_parallel`.
    """
    return module(*(inputs if isinstance(inputs, tuple) else (inputs,)), **(module_kwargs or {}))
