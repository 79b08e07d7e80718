"""The options of optimisers, checked, and the numbers that several of them work out from these."""
from __future__ import annotations

from typing import Any

from tapegrad.optim.optimizer import Group
from tapegrad.optim.pointwise import number, require_single
from tapegrad.tensor import Tensor

_WORDS = {"lr": "learning rate", "eps": "epsilon value"}
_OTHERS = ("self", "params", "__class__", "which", "option")  # of the names in an `__init__`
# The order in which printed groups and states show the options, where it is not that of the arguments.
_SHOWN = {
    "Adadelta": "lr rho eps weight_decay maximize capturable foreach",
    "Adagrad": "lr lr_decay eps",
    "Adam": "lr betas eps weight_decay amsgrad maximize",
    "NAdam": "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize",
    "RAdam": "lr betas eps weight_decay maximize foreach capturable",
    "RMSprop": "lr momentum alpha eps centered",
    "Rprop": "lr etas step_sizes foreach maximize differentiable",
}


def options(given: dict[str, Any], *nonnegative: str, nan: bool = False) -> dict[str, Any]:
    """The options among the arguments of an `__init__`, of which those that are named must not be negative.

    Nor may they be no number, where `nan` does not say so.
    """
    names = dict.fromkeys((*_SHOWN.get(given["__class__"].__name__, "").split(), *given))
    found = {name: given[name] for name in names if name not in _OTHERS}
    require_single("lr", found["lr"])
    for name in nonnegative:
        if found[name] < 0.0 or (found[name] != found[name] and not nan):
            raise ValueError(f"Invalid {_WORDS.get(name, name + ' value')}: {found[name]}")
    for i, beta in enumerate(found.get("betas", ())):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
    if found.get("fused"):
        if found.get("differentiable"):
            raise RuntimeError("`fused` does not support `differentiable`")
        if found.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    return found


def penalty(group: Group) -> Any:
    """The weight decay, or None where there is none."""
    rate = group["weight_decay"]
    return rate if isinstance(rate, Tensor) else rate or None


def decay(group: Group) -> dict[str, Any]:
    """The numbers of a penalty on parameters: added to the gradient, or (decoupled) taken off the parameter."""
    rate = penalty(group)
    if rate is not None and group.get("decoupled_weight_decay"):
        return {"weight_decay": None, "shrink": 1 - group["lr"] * rate, "maximize": bool(group["maximize"])}
    return {"weight_decay": rate, "shrink": None, "maximize": bool(group["maximize"])}


def average(weight: Any) -> dict[str, Any]:
    """The numbers of a running average in which what is new has this weight."""
    return {"weight": weight, "near": number(weight) < 0.5}
