"""The optimisers that treat each element by itself: a paragraph each, of options, state, numbers and a rule.

In a rule, `p` is the parameter, `g` its gradient, and what follows its state; it returns all of these but `g` as they
are afterwards. What is the same for all elements is worked out among the numbers, in double precision.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import creation
from tapegrad.ops.scalar import scalar
from tapegrad.optim.optimizer import Group, Params
from tapegrad.optim.pointwise import Numbers, Pointwise, choose, descent, flat, lerp, number, require_single, starting
from tapegrad.tensor import Tensor

__all__ = ["ASGD", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"]

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


def options(given: dict[str, Any], *nonnegative: str) -> dict[str, Any]:
    """The options among the arguments of an `__init__`, of which those that are named must not be negative."""
    names = dict.fromkeys((*_SHOWN.get(given["__class__"].__name__, "").split(), *given))
    found = {name: given[name] for name in names if name not in _OTHERS}
    require_single("lr", found["lr"])
    for name in nonnegative:
        if not found[name] >= 0.0:
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
        return {"weight_decay": None, "shrink": 1 - group["lr"] * rate, "maximize": group["maximize"]}
    return {"weight_decay": rate, "shrink": None, "maximize": group["maximize"]}


def average(weight: Any) -> dict[str, Any]:
    """The numbers of a running average in which what is new has this weight."""
    return {"weight": weight, "near": number(weight) < 0.5}


# ---------------------------------------------------------------- descent

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
        found = options(locals(), "lr", "momentum", "weight_decay")
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
        return {"lr": group["lr"], "momentum": group["momentum"] or None, "keep": 1 - group["dampening"],
                "weight_decay": penalty(group), "nesterov": group["nesterov"],
                "maximize": group["maximize"], "first": first}

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
                "weight_decay": penalty(group), "maximize": group["maximize"]}

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
        return {"less": less, "more": more, "smallest": smallest, "largest": largest, "maximize": group["maximize"]}

    @staticmethod
    def _rule(p, g, prev, size, *, less, more, smallest, largest, maximize):  # type: ignore
        g = descent(p, g, None, maximize)
        turn = g * prev
        size = size * scalar.where(turn > 0, more, scalar.where(turn < 0, less, turn * 0 + 1))
        size = scalar.minimum(scalar.maximum(size, smallest), largest)
        g = scalar.where(turn < 0, g * 0, g)
        return p - scalar.sign(g) * size, g, size


# ---------------------------------------------------------------- Adam and its relatives

class Adam(Pointwise):
    """Adam (`torch.optim.Adam`): steps scaled by running averages of gradients and of their squares.

    Kingma and Ba, "Adam: a method for stochastic optimization" (2014); `amsgrad`: Reddi, Kale and Kumar, "On the
    convergence of Adam and beyond" (2018).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adam([x], lr=0.1)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-3,
                 betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False,
                 fused: bool | None = None, decoupled_weight_decay: bool = False) -> None:
        for which, option in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
            if isinstance(option, Tensor) and foreach and not capturable:
                raise ValueError(f"{which} as a Tensor is not supported for capturable=False and foreach=True")
            require_single(which, option)
        found = options(locals(), "lr", "eps", "weight_decay")
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        found["betas"] = tuple(map(flat, betas))
        super().__init__(params, found)

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0, "exp_avg_sq": 0, **({"max_exp_avg_sq": 0} if group["amsgrad"] else {})}

    def _coefficients(self, group: Group, step: Any) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        root = (1 - beta2 ** step) ** 0.5  # taken out of the quotient, as the paper says: a division an element less
        return {"size": group["lr"] / (1 - beta1 ** step) * root, "eps": group["eps"] * root, **average(1 - beta1),
                "beta2": beta2, "rest": 1 - beta2, **decay(group)}

    @staticmethod
    def _rule(p, g, m, v, largest=None, *, size, eps, weight, near, beta2, rest,  # type: ignore
             weight_decay, shrink, maximize):
        g = descent(p, g, weight_decay, maximize)
        p = p if shrink is None else p * shrink
        m = lerp(m, g, weight, near)
        v = v * beta2 + rest * g * g
        if largest is None:
            return p - size * m / (scalar.sqrt(v) + eps), m, v
        largest = scalar.maximum(largest, v)
        return p - size * m / (scalar.sqrt(largest) + eps), m, v, largest


class AdamW(Adam):
    """Adam with weight decay that is no part of the gradient (`torch.optim.AdamW`).

    Loshchilov and Hutter, "Decoupled weight decay regularization" (2017).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.AdamW([x], lr=0.1, weight_decay=0.5)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.8500, 1.8000], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-3,
                 betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False,
                 foreach: bool | None = None, capturable: bool = False, differentiable: bool = False,
                 fused: bool | None = None) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused,
                         decoupled_weight_decay=True)


class Adamax(Pointwise):
    """Adam with the largest of the gradients in place of their mean square (`torch.optim.Adamax`).

    Kingma and Ba, "Adam: a method for stochastic optimization" (2014), section 7.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adamax([x], lr=0.5)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.5000, 1.5000], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False,
                 differentiable: bool = False, capturable: bool = False) -> None:
        super().__init__(params, options(locals(), "lr", "eps", "weight_decay"))

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0, "exp_inf": 0}

    def _coefficients(self, group: Group, step: Any) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        return {"size": group["lr"] / (1 - beta1 ** step), **average(1 - beta1), "beta2": beta2, "eps": group["eps"],
                "weight_decay": penalty(group), "maximize": group["maximize"]}

    @staticmethod
    def _rule(p, g, m, largest, *, size, weight, near, beta2, eps, weight_decay, maximize):  # type: ignore
        g = descent(p, g, weight_decay, maximize)
        m = lerp(m, g, weight, near)
        largest = scalar.maximum(largest * beta2, scalar.abs(g) + eps)
        return p - size * m / largest, m, largest


class NAdam(Pointwise):
    """Adam with Nesterov's momentum (`torch.optim.NAdam`).

    Dozat, "Incorporating Nesterov momentum into Adam" (2016).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.NAdam([x], lr=0.1)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.8944, 1.8944], requires_grad=True)
    """

    _counts = {"step": 0.0, "mu_product": 1.0}  # noqa: RUF012
    _writes = 2

    def __init__(self, params: Params, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3,
                 decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False) -> None:
        super().__init__(params, options(locals(), "lr", "eps", "weight_decay", "momentum_decay"))

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0, "exp_avg_sq": 0}

    @staticmethod
    def _momentum(group: Group, step: Any) -> Any:
        return group["betas"][0] * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"]))

    def _advance(self, p: Tensor, state: dict[str, Any], group: Group, read: Callable[[Tensor], Any]) -> Numbers:
        (step,) = super()._advance(p, state, group, read)
        product = state["mu_product"]
        product *= self._momentum(group, step)
        return step, read(product)

    def _coefficients(self, group: Group, step: Any, product: Any) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        now, then = self._momentum(group, step), self._momentum(group, step + 1)
        root = (1 - beta2 ** step) ** 0.5
        size = group["lr"] * root
        return {"of_gradient": size * (1 - now) / (1 - product), "of_average": size * then / (1 - product * then),
                "eps": group["eps"] * root, **average(1 - beta1), "beta2": beta2, "rest": 1 - beta2, **decay(group)}

    @staticmethod
    def _rule(p, g, m, v, *, of_gradient, of_average, eps, weight, near, beta2, rest,  # type: ignore
             weight_decay, shrink, maximize):
        g = descent(p, g, weight_decay, maximize)
        p = p if shrink is None else p * shrink
        m = lerp(m, g, weight, near)
        v = v * beta2 + rest * g * g
        return p - (of_gradient * g + of_average * m) / (scalar.sqrt(v) + eps), m, v


class RAdam(Pointwise):
    """Adam that goes by the average alone while its scale is uncertain (`torch.optim.RAdam`).

    Liu et al., "On the variance of the adaptive learning rate and beyond" (2019).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.RAdam([x], lr=0.1)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, decoupled_weight_decay: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False) -> None:
        super().__init__(params, options(locals(), "lr", "eps", "weight_decay"))

    def _tensors(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0, "exp_avg_sq": 0}

    def _coefficients(self, group: Group, step: Any) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        correction = 1 - beta2 ** step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2 ** step / correction  # of the average, as a window of so many steps
        certain = length > 5
        known = choose(certain, length, step * 0 + 6)
        rectified = ((known - 4) * (known - 2) * longest / ((longest - 4) * (longest - 2) * known)) ** 0.5
        size = group["lr"] / (1 - beta1 ** step)
        return {"size": size, "rectified": size * rectified * correction ** 0.5,
                "certain": choose(certain, step * 0 + 1, 0.0), "eps": group["eps"], **average(1 - beta1),
                "beta2": beta2, "rest": 1 - beta2, **decay(group)}

    @staticmethod
    def _rule(p, g, m, v, *, size, rectified, certain, eps, weight, near, beta2, rest,  # type: ignore
             weight_decay, shrink, maximize):
        g = descent(p, g, weight_decay, maximize)
        p = p if shrink is None else p * shrink
        m = lerp(m, g, weight, near)
        v = v * beta2 + rest * g * g
        return p - scalar.where(certain != 0, rectified * m / (scalar.sqrt(v) + eps), size * m), m, v


# ---------------------------------------------------------------- steps by accumulated squares

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
                "weight_decay": penalty(group), "maximize": group["maximize"]}

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
                "weight_decay": penalty(group), "maximize": group["maximize"]}

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
                "momentum": group["momentum"] or None, "centered": group["centered"],
                "weight_decay": penalty(group), "maximize": group["maximize"]}

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
