"""Steps over the root of squares of gradients, added up (`Adagrad`) or averaged (`Adadelta`, `RMSprop`)."""
from __future__ import annotations

from typing import Any

from tapegrad.ops.scalar import scalar
from tapegrad.optim.optimizer import Group, Params
from tapegrad.optim.pointwise import Pointwise, descent, lerp
from tapegrad.optim.rules.options import average, options, penalty
from tapegrad.tensor import Tensor


class Adagrad(Pointwise):
    """Steps scaled by the sum of all squared gradients (`torch.optim.Adagrad`).

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (2011).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adagrad([x], lr=0.5)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.5000, 1.5000], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
                 maximize: bool = False, differentiable: bool = False, fused: bool | None = None) -> None:
        super().__init__(params, options(locals(), "lr", "lr_decay", "weight_decay", "initial_accumulator_value",
                                         "eps"))
        for group in self.param_groups:
            for p in group["params"]:
                self._state_of(p, group)

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"sum": group["initial_accumulator_value"]}

    def share_memory(self) -> None:
        """Move the state to memory that processes which are forked share; see `Tensor.share_memory_`."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def _coefficients(self, group: Group, step: Any) -> dict[str, Any]:
        return {"size": group["lr"] / (1 + (step - 1) * group["lr_decay"]), "eps": group["eps"],
                "weight_decay": penalty(group), "maximize": bool(group["maximize"])}

    @staticmethod
    def _rule(p, g, total, *, size, eps, weight_decay, maximize):  # type: ignore
        g = descent(p, g, weight_decay, maximize)
        total = total + g * g
        return p - size * g / (scalar.sqrt(total) + eps), total


class Adadelta(Pointwise):
    """Steps in the units of earlier steps (`torch.optim.Adadelta`).

    Zeiler, "ADADELTA: an adaptive learning rate method" (2012).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adadelta([x])
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.9968, 1.9968], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0, foreach: bool | None = None, *, capturable: bool = False,
                 maximize: bool = False, differentiable: bool = False) -> None:
        found = options(locals(), "lr", "eps", "weight_decay")
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        super().__init__(params, found)

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"square_avg": 0, "acc_delta": 0}

    def _coefficients(self, group: Group, step: Any) -> dict[str, Any]:
        return {"lr": group["lr"], "rho": group["rho"], "rest": 1 - group["rho"], "eps": group["eps"],
                "weight_decay": penalty(group), "maximize": bool(group["maximize"])}

    @staticmethod
    def _rule(p, g, squares, steps, *, lr, rho, rest, eps, weight_decay, maximize):  # type: ignore
        g = descent(p, g, weight_decay, maximize)
        squares = squares * rho + rest * g * g
        delta = scalar.sqrt(steps + eps) / scalar.sqrt(squares + eps) * g
        return p - lr * delta, squares, steps * rho + rest * delta * delta


class RMSprop(Pointwise):
    """Steps scaled by a running mean of squared gradients (`torch.optim.RMSprop`).

    Hinton's lectures on neural networks, 6e (2012); `centered`: Graves, "Generating sequences with recurrent neural
    networks" (2013).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.RMSprop([x], lr=0.05)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.5000, 1.5000], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0, momentum: float = 0, centered: bool = False, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False, differentiable: bool = False) -> None:
        super().__init__(params, options(locals(), "lr", "eps", "momentum", "weight_decay", "alpha"))

    def _tensors(self, group: Group) -> dict[str, float]:
        wanted = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return {name: 0 for name, needed in wanted.items() if needed}

    def _coefficients(self, group: Group, step: Any) -> dict[str, Any]:
        alpha = group["alpha"]
        return {"lr": group["lr"], "alpha": alpha, **average(1 - alpha), "eps": group["eps"],
                "momentum": group["momentum"] or None, "centered": bool(group["centered"]),
                "weight_decay": penalty(group), "maximize": bool(group["maximize"])}

    @staticmethod
    def _rule(p, g, squares, *state, lr, alpha, weight, near, eps, momentum, centered, weight_decay,  # type: ignore
             maximize):
        g = descent(p, g, weight_decay, maximize)
        squares = squares * alpha + weight * g * g
        scale = squares
        after = [squares]
        if centered:
            mean = lerp(state[-1], g, weight, near)
            scale = squares - mean * mean
        scale = scalar.sqrt(scale) + eps
        if momentum is None:
            p = p - lr * g / scale
        else:
            buffer = state[0] * momentum + g / scale
            p = p - lr * buffer
            after.append(buffer)
        return (p, *after, mean) if centered else (p, *after)
