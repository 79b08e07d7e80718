"""Steps along the gradient: `SGD`, its average `ASGD`, and by its sign `Rprop`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import creation
from tapegrad.ops.scalar import scalar
from tapegrad.optim.optimizer import Group, Params
from tapegrad.optim.pointwise import Numbers, Pointwise, choose, descent, number, starting
from tapegrad.optim.rules.options import options, penalty
from tapegrad.tensor import Tensor


class SGD(Pointwise):
    """Stochastic gradient descent, with momentum (`torch.optim.SGD`).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.SGD([x], lr=0.25, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     x.pow(2).sum().backward()
    ...     optimizer.step()
    >>> x
    tensor([-0.2000, -0.4000], requires_grad=True)
    """

    _counts: dict[str, float] = {}  # noqa: RUF012

    def __init__(self, params: Params, lr: float | Tensor = 1e-3, momentum: float = 0, dampening: float = 0,
                 weight_decay: float | Tensor = 0, nesterov: bool = False, *, maximize: bool = False,
                 foreach: bool | None = None, differentiable: bool = False, fused: bool | None = None) -> None:
        found = options(locals(), "lr", "momentum", "weight_decay", nan=True)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, found)

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"momentum_buffer": 0} if group["momentum"] else {}

    def begin(self, p: Tensor, group: Group, state: dict[str, Any]) -> None:
        pass  # the first gradient is the first momentum

    def _advance(self, p: Tensor, state: dict[str, Any], group: Group, read: Callable[[Tensor], Any]) -> Numbers:
        first = bool(group["momentum"]) and state.get("momentum_buffer") is None
        if first:
            starting()
            state["momentum_buffer"] = creation.zeros_like(p.detach())  # not empty: an interrupt may come before it is
        return (first,)

    def _coefficients(self, group: Group, first: bool) -> dict[str, Any]:
        momentum = group["momentum"] or None
        return {"lr": group["lr"], "momentum": momentum,
                "keep": None if momentum is None else 1 - group["dampening"], "weight_decay": penalty(group),
                "nesterov": bool(group["nesterov"]), "maximize": bool(group["maximize"]), "first": first}

    @staticmethod
    def _rule(p, g, buffer=None, *, lr, momentum, keep, weight_decay, nesterov, maximize, first):  # type: ignore
        g = descent(p, g, weight_decay, maximize)
        if momentum is None:
            return (p - lr * g,)
        buffer = g if first else buffer * momentum + keep * g
        return p - lr * (g + momentum * buffer if nesterov else buffer), buffer


class ASGD(Pointwise):
    """Averaged stochastic gradient descent (`torch.optim.ASGD`); the average is in the state, as "ax".

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.ASGD([x], lr=0.5, lambd=0)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x, optimizer.state[x]["ax"]
    (tensor([0.], requires_grad=True), tensor([0.]))
    """

    _counts = {"step": 0.0, "eta": 0.0, "mu": 1.0}  # noqa: RUF012

    def __init__(self, params: Params, lr: float | Tensor = 1e-2, lambd: float = 1e-4, alpha: float = 0.75,
                 t0: float = 1e6, weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False,
                 differentiable: bool = False, capturable: bool = False) -> None:
        super().__init__(params, options(locals(), "lr", "weight_decay"))

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"ax": 0}

    def begin(self, p: Tensor, group: Group, state: dict[str, Any]) -> None:
        made: dict[str, Any] = {}
        super().begin(p, group, made)
        made["eta"].fill_(number(group["lr"]))
        state.update(made)

    def _advance(self, p: Tensor, state: dict[str, Any], group: Group, read: Callable[[Tensor], Any]) -> Numbers:
        lr, lambd, t0 = group["lr"], group["lambd"], group["t0"]
        (step,) = super()._advance(p, state, group, read)
        now = read(state["eta"]), read(state["mu"])
        after = lr / (1 + lambd * lr * step) ** group["alpha"], 1 / choose(step - t0 > 1, step - t0, step * 0 + 1)
        for name, value in zip(("eta", "mu"), after):
            state[name].copy_(value) if isinstance(value, Tensor) else state[name].fill_(value)
        return now

    def _coefficients(self, group: Group, eta: Any, mu: Any) -> dict[str, Any]:
        return {"shrink": 1 - group["lambd"] * eta, "eta": eta, "mu": mu,
                "weight_decay": penalty(group), "maximize": bool(group["maximize"])}

    @staticmethod
    def _rule(p, g, ax, *, shrink, eta, mu, weight_decay, maximize):  # type: ignore
        p = p * shrink - eta * descent(p, g, weight_decay, maximize)
        return p, scalar.where(mu == 1, p, ax + (p - ax) * mu)


class Rprop(Pointwise):
    """Resilient backpropagation (`torch.optim.Rprop`): steps by the signs of gradients alone.

    Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning" (1993).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, -3.0], requires_grad=True)
    >>> optimizer = torch.optim.Rprop([x], lr=0.5)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([ 0.5000, -2.5000], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False, differentiable: bool = False) -> None:
        found = options(locals(), "lr")
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, found)

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"prev": 0, "step_size": number(group["lr"])}

    def _coefficients(self, group: Group, step: Any) -> dict[str, Any]:
        (less, more), (smallest, largest) = group["etas"], group["step_sizes"]
        return {"less": less, "more": more, "smallest": smallest, "largest": largest,
                "maximize": bool(group["maximize"])}

    @staticmethod
    def _rule(p, g, prev, size, *, less, more, smallest, largest, maximize):  # type: ignore
        g = descent(p, g, None, maximize)
        turn = g * prev
        size = size * scalar.where(turn > 0, more, scalar.where(turn < 0, less, turn * 0 + 1))
        size = scalar.minimum(scalar.maximum(size, smallest), largest)
        g = scalar.where(turn < 0, g * 0, g)
        return p - scalar.sign(g) * size, g, size
