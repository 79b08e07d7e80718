"""What all schedules share: which step it is, what the rates were at first, and how they are set."""
from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from tapegrad.optim.optimizer import Optimizer
from tapegrad.optim.pointwise import flat
from tapegrad.tensor import Tensor

Rate = Any  # a number, or a tensor of one element that the optimiser was given
State = dict[str, Any]

EPOCH_IS_OLD = ("The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
                "Please use `scheduler.step()` to step the scheduler.")
_OVERRIDDEN = ("Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
               "Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`.")
_TOO_EARLY = ("Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the opposite "
              "order: `optimizer.step()` before `lr_scheduler.step()`. Otherwise the first value of the learning rate "
              "schedule is skipped.")
_GET_LR = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


def copied(value: Rate) -> Rate:
    return value.clone() if isinstance(value, Tensor) else value


def rates(optimizer: Optimizer, name: str = "lr") -> list[Rate]:
    """An option of every group, as it is now."""
    return [copied(group[name]) for group in optimizer.param_groups]


def set_rate(group: dict[str, Any], value: Rate, name: str = "lr") -> None:
    """Give an option another value: in place, where it is a tensor that others may hold."""
    if isinstance(group[name], Tensor):
        group[name].fill_(flat(value))
    else:
        group[name] = value


def each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value a group, of what may be one for all of them."""
    groups = len(optimizer.param_groups)
    if isinstance(value, (list, tuple)):
        if len(value) != groups:
            raise ValueError(f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} "
                             f"values, param_groups has {groups}.")
        return [copied(v) for v in value]
    return [copied(value) for _ in range(groups)]


def require_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


class LRScheduler:
    """The base of all schedules (`torch.optim.lr_scheduler.LRScheduler`), for subclasses that define `get_lr`.

    >>> import tapegrad as torch
    >>> class Halved(torch.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2 ** self.last_epoch for lr in self.base_lrs]
    >>> optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Halved(optimizer)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]

    `base_lrs` are the rates at first, `last_epoch` counts the steps; -1 is the beginning.
    """

    base_lrs: list[Rate]
    last_epoch: int

    _last_lr: list[Rate] = []  # noqa: RUF012 - of a schedule that set none; never written to
    _get_lr_called_within_step = False
    _is_initial = False
    _apart: tuple[str, ...] = ("optimizer",)  # attributes that a state dict leaves out

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        require_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                               "last_epoch >= 0.")
        self.base_lrs = rates(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if optimizer._opt_called is None:
            optimizer._opt_called = False  # from now on it remembers whether its `step` was called
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> State:
        """All that the schedule has come to, as a dict; functions in it are left out."""
        found = {name: value for name, value in self.__dict__.items() if name not in self._apart}
        return {**found, "_last_lr": self.get_last_lr()} if "_last_lr" in found else found

    def load_state_dict(self, state_dict: State) -> None:
        """Go on from what `state_dict` of another schedule returned."""
        self.__dict__.update(state_dict)
        self._last_lr = self.get_last_lr()

    def get_last_lr(self) -> list[Rate]:
        """The rates of the groups, as this schedule last set them."""
        return [*self._last_lr]

    def get_lr(self) -> list[Rate]:
        """The rates for `last_epoch`; `step` sets them."""
        raise NotImplementedError

    def _within_step(self) -> None:
        """Warn where `get_lr` is called by others than `step`: chained rates would go on by one."""
        if not self._get_lr_called_within_step:
            warnings.warn(_GET_LR, UserWarning, stacklevel=3)

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next rates, after the optimiser's step."""
        if self._step_count == 1:
            if not hasattr(self.optimizer.step, "hooked"):
                warnings.warn(_OVERRIDDEN, UserWarning, stacklevel=2)
            elif not self.optimizer._opt_called:
                warnings.warn(_TOO_EARLY, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_IS_OLD, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set(closed or self.get_lr)

    def _set(self, values: Any) -> None:
        self._get_lr_called_within_step = True
        try:
            found: Sequence[Rate] = values()
        finally:
            self._get_lr_called_within_step = False
        for group, value in [*zip(self.optimizer.param_groups, found, strict=True)]:  # all of them, or none
            set_rate(group, value)
        self._keep_rates()

    def _keep_rates(self) -> None:
        """Take note of the rates, in the list there is: numbers that stay where they are a compiled step can follow."""
        found = rates(self.optimizer)
        if len(self._last_lr) == len(found):
            self._last_lr[:] = found
        else:
            self._last_lr = found


class _LRScheduler(LRScheduler):
    """The name that `LRScheduler` had."""
