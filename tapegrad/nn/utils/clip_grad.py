"""Gradients kept short (`torch.nn.utils.clip_grad`)."""
from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from typing import Any

from tapegrad import creation
from tapegrad.autograd.modes import no_grad
from tapegrad.functions import PUBLIC
from tapegrad.linalg import vector_norm
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]
show_public(__name__)

_NON_FINITE = ("The total norm of order {} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
               "disable this error and scale the gradients by the non-finite norm anyway, set "
               "`error_if_nonfinite=False`")


def _listed(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, machine.TensorBase) else list(tensors)


def _number(limit: Any) -> Any:
    """A limit as a float; by arithmetic, that compiled functions follow, where it is a number."""
    return limit * 1.0 if isinstance(limit, (int, float)) else float(limit)


@no_grad()
def get_total_norm(tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
                   ) -> Any:
    """The norm of all tensors as one vector (`torch.nn.utils.get_total_norm`).

    >>> import tapegrad as torch
    >>> get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])])
    tensor(5.)

    RuntimeError, if asked for, where it is NaN or infinite.
    """
    norm_type = float(norm_type)
    norms = [vector_norm(t, norm_type) for t in _listed(tensors)]
    if not norms:
        return creation.tensor(0.0)
    total = vector_norm(PUBLIC["stack"]([n.to(norms[0].dtype) for n in norms]), norm_type)
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(_NON_FINITE.format(norm_type))
    return total


@no_grad()
def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None) -> None:
    """Scale gradients of which the norm is known, in place (`torch.nn.utils.clip_grads_with_norm_`).

    >>> import tapegrad as torch
    >>> x = torch.ones(1, requires_grad=True)
    >>> (3 * x).sum().backward()
    >>> torch.nn.utils.clip_grads_with_norm_([x], 1.0, torch.tensor(3.0))
    >>> x.grad
    tensor([1.0000])
    """
    factor = (_number(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for p in _listed(parameters):
        if p.grad is not None:
            p.grad.mul_(factor)


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                    foreach: bool | None = None) -> Any:
    """Scale gradients down, in place, so that their norm is at most `max_norm` (`torch.nn.utils.clip_grad_norm_`).

    >>> import tapegrad as torch
    >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> clip_grad_norm_(x, 1.0), x.grad
    (tensor(10.), tensor([0.6000, 0.8000]))

    Returns the norm that they had.
    """
    empty = inspect.isgenerator(parameters)
    parameters = _listed(parameters)
    if empty and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    total = get_total_norm([p.grad for p in parameters if p.grad is not None], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_norm(parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                   foreach: bool | None = None) -> Any:
    """`clip_grad_norm_` by its old name."""
    warnings.warn("`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
                  FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


@no_grad()
def clip_grad_value_(parameters: Iterable[Any], clip_value: float, foreach: bool | None = None) -> None:
    """Bring the elements of gradients between ±`clip_value`, in place (`torch.nn.utils.clip_grad_value_`).

    >>> import tapegrad as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> (x * torch.tensor([3.0, -5.0])).sum().backward()
    >>> torch.nn.utils.clip_grad_value_([x], 1.0)
    >>> x.grad
    tensor([ 1., -1.])
    """
    limit = _number(clip_value)
    for p in _listed(parameters):
        if p.grad is not None:
            p.grad.clamp_(-limit, limit)
