"""Schedules of learning rates (`torch.optim.lr_scheduler`).

>>> import tapegrad as torch
>>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
>>> scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
>>> for _ in range(2):
...     optimizer.step()
...     print(scheduler.get_last_lr())
...     scheduler.step()
[1.0]
[0.1]
"""
from tapegrad.namespaces import show_public
from tapegrad.optim.lr_scheduler.base import LRScheduler, _LRScheduler
from tapegrad.optim.lr_scheduler.cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from tapegrad.optim.lr_scheduler.factors import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from tapegrad.optim.lr_scheduler.others import ChainedScheduler, ReduceLROnPlateau, SequentialLR

__all__ = ["ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR",
           "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR",
           "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR", "_LRScheduler"]
show_public(__name__)
