"""Averages of a model's parameters over its training (`torch.optim.swa_utils`).

Izmailov et al., "Averaging weights leads to wider optima and better generalization" (2018).
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any, Literal

import tapegrad
from tapegrad.autograd.modes import no_grad
from tapegrad.namespaces import show_public
from tapegrad.nn import Module
from tapegrad.nn.modules.batchnorm import _BatchNorm
from tapegrad.optim.lr_scheduler.base import LRScheduler, Rate, each
from tapegrad.optim.optimizer import Optimizer
from tapegrad.tensor import Tensor

__all__ = ["SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
           "update_bn"]
show_public(__name__)

Tensors = list[Tensor] | tuple[Tensor, ...]
Average = Callable[[Tensor, Tensor, Any], Tensor]
AverageAll = Callable[[Tensors, Tensors, Any], None]


def _check(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average of one tensor, as a function of it, of a new value and of how many there were.

    >>> import tapegrad as torch
    >>> torch.optim.swa_utils.get_ema_avg_fn(0.75)(torch.zeros(1), torch.ones(1), 3)
    tensor([0.2500])
    """
    _check(decay)
    return no_grad(lambda averaged, current, count: decay * averaged + (1 - decay) * current)


def get_swa_avg_fn() -> Average:
    """The mean, as a function of that of `count` values and one more.

    >>> import tapegrad as torch
    >>> torch.optim.swa_utils.get_swa_avg_fn()(torch.zeros(1), torch.ones(1), 3)
    tensor([0.2500])
    """
    return no_grad(lambda averaged, current, count: averaged + (current - averaged) / (count + 1))


def get_ema_multi_avg_fn(decay: float = 0.999) -> AverageAll:
    """The exponential moving average of many tensors, in place.

    >>> import tapegrad as torch
    >>> averaged = [torch.zeros(1)]
    >>> torch.optim.swa_utils.get_ema_multi_avg_fn(0.75)(averaged, [torch.ones(1)], 3)
    >>> averaged
    [tensor([0.2500])]
    """
    _check(decay)

    @no_grad()
    def update(averaged: Tensors, current: Tensors, count: Any) -> None:
        for a, c in zip(averaged, current):
            a.lerp_(c, 1 - decay) if a.dtype.is_floating_point else a.copy_(a * decay + c * (1 - decay))

    return update


def get_swa_multi_avg_fn() -> AverageAll:
    """The mean of many tensors each, in place.

    >>> import tapegrad as torch
    >>> averaged = [torch.zeros(1)]
    >>> torch.optim.swa_utils.get_swa_multi_avg_fn()(averaged, [torch.ones(1)], 3)
    >>> averaged
    [tensor([0.2500])]
    """

    @no_grad()
    def update(averaged: Tensors, current: Tensors, count: Any) -> None:
        # a fraction, which a capture follows
        weight = 1 / ((count.double().item() if isinstance(count, Tensor) else count) + 1)
        for a, c in zip(averaged, current):
            a.lerp_(c, weight) if a.dtype.is_floating_point else a.copy_(a + (c - a) * weight)

    return update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's (`torch.optim.swa_utils.AveragedModel`).

    >>> import tapegrad as torch
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> averaged = torch.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0):
    ...     torch.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    Parameter containing:
    tensor([[1.]], requires_grad=True)
    Parameter containing:
    tensor([[2.]], requires_grad=True)
    >>> averaged.module.weight.item()
    1.5

    `avg_fn` is a function of one tensor's average, its new value and the count, `multi_avg_fn` one of lists of them
    that writes in place; by default it is the mean. Buffers are averaged with `use_buffers`, else taken over.
    """

    n_averaged: Any
    module: Any
    avg_fn: Average | None
    multi_avg_fn: AverageAll | None
    use_buffers: bool

    def __init__(self, model: Module, device: Any = None, avg_fn: Average | None = None,
                 multi_avg_fn: AverageAll | None = None, use_buffers: bool = False) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tapegrad.tensor(0, dtype=tapegrad.int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters, as they are now, into the averages."""
        mine, others = [
            [t.detach() for t in chain(m.parameters(), m.buffers() if self.use_buffers else ())]
            for m in (self.module, model)]
        count = self.n_averaged
        if count == 0:
            for averaged, current in zip(mine, others):
                averaged.copy_(current)
        elif self.avg_fn is not None:
            for averaged, current in zip(mine, others):
                averaged.copy_(self.avg_fn(averaged, current, count))
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for dtype in dict.fromkeys(t.dtype for t in mine):  # a function of users may count on one
                alike = [(a, c) for a, c in zip(mine, others) if a.dtype is dtype]
                update([a for a, _ in alike], [c for _, c in alike], count)
        if not self.use_buffers:
            for averaged, current in zip(self.module.buffers(), model.buffers()):
                averaged.detach().copy_(current.detach())
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Set the running means and variances of a model's batch norms to those of the data in `loader`.

    >>> import tapegrad as torch
    >>> model = torch.nn.BatchNorm1d(1)
    >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [7.0]])], model)
    >>> model.running_mean
    tensor([4.])
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # plain averages
    for batch in loader:
        given = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(given if device is None else given.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the present rate to one that stays, for averaging (`torch.optim.swa_utils.SWALR`).

    >>> import tapegrad as torch
    >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    anneal_epochs: int

    def __init__(self, optimizer: Optimizer, swa_lr: float, anneal_epochs: int = 10,
                 anneal_strategy: Literal["cos", "linear"] = "cos", last_epoch: int = -1) -> None:
        for rate, group in zip(each("swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """How much of the way has been gone at a step."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[Rate]:
        self._within_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        found = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            first = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            found.append(last * now + first * (1 - now))
        return found
