"""`Adam` and its relatives: steps by a running average of gradients, over one of their size."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad.ops.scalar import scalar
from tapegrad.optim.optimizer import Group, Params
from tapegrad.optim.pointwise import Numbers, Pointwise, choose, descent, flat, lerp, require_single
from tapegrad.optim.rules.options import average, decay, options, penalty
from tapegrad.tensor import Tensor


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
                "weight_decay": penalty(group), "maximize": bool(group["maximize"])}

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
