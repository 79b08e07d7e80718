"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad.nn.modules.module import Module

__all__: list[str]

class DataParallel(Module):
    r"""A module whose batches are shared out among devices (`torch.nn.DataParallel`): the one there is takes it all.

    >>> import tapegrad as torch
    >>> DataParallel(torch.nn.Identity())(torch.ones(2))
    tensor([1., 1.])

    What it saves is named as PyTorch names it: `module.weight`."""
    module: Module
    dim: int
    device_ids: list[int]
    def __init__(self, module: Module, device_ids: Any=None, output_device: Any=None, dim: int=0) -> None: ...
    def forward(self, *inputs: Any, **kwargs: Any) -> Any: ...

class DistributedDataParallel(Module):
    r"""A module of several processes (`torch.nn.parallel.DistributedDataParallel`), of which there is no group."""
    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None: ...

def data_parallel(module: Module, inputs: Any, device_ids: Any=None, output_device: Any=None, dim: int=0, module_kwargs: Any=None) -> Any:
    r"""What a module returns, for a batch that is shared out among devices: the one there is takes it all.

    >>> import tapegrad as torch
    >>> torch.nn.parallel.data_parallel(torch.nn.ReLU(), torch.ones(2))
    tensor([1., 1.])

    PyTorch's `torch.nn.parallel.data_parallel`."""

def gather(outputs: Any, target_device: Any, dim: Any = 0) -> Any:
    """There is no such device: raises RuntimeError."""

def parallel_apply(modules: Any, inputs: Any, kwargs_tup: Any = None, devices: Any = None) -> Any:
    """There is no such device: raises RuntimeError."""

def replicate(network: Any, devices: Any, detach: Any = False) -> Any:
    """There is no such device: raises RuntimeError."""

def scatter(inputs: Any, target_gpus: Any, dim: Any = 0) -> Any:
    """There is no such device: raises RuntimeError."""

