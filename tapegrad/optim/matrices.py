"""Optimisers that look at a parameter as a matrix: what they do to an element depends on its row and column."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tapegrad
from tapegrad import creation
from tapegrad.autograd import modes
from tapegrad.optim.optimizer import Group, Optimizer, Params
from tapegrad.optim.pointwise import count_dtype, number, require_single
from tapegrad.tensor import Tensor


class _EachByItself(Optimizer):
    """An optimiser that says what happens to one parameter."""

    def _update(self, p: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters once, by their gradients; `closure` computes the loss and the gradients anew."""
        loss = None
        with modes.no_grad():
            if closure is not None:
                with modes.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._update(p, p.grad, self.state[p], group)
        return loss


def _check(**conditions: tuple[bool, str]) -> None:
    for fine, words in conditions.values():
        if not fine:
            raise ValueError(words)


class Adafactor(_EachByItself):
    """Adafactor (`torch.optim.Adafactor`): squares of gradients are kept as a row and a column, not as a matrix.

    Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (2018).

    >>> import tapegrad as torch
    >>> x = torch.ones(3, 2, requires_grad=True)
    >>> optimizer = torch.optim.Adafactor([x], lr=0.1)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x[0], optimizer.state[x]["row_var"].shape
    (tensor([0.9000, 0.9000], grad_fn=<SelectBackward0>), torch.Size([3, 1]))
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-2, beta2_decay: float = -0.8,
                 eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
                 foreach: bool | None = None, maximize: bool = False) -> None:
        require_single("lr", lr)
        _check(
            lr=(number(lr) >= 0, f"Learning rate should be >= 0 but is: {lr}"),
            decay=(beta2_decay <= 0, f"beta2_decay should be <= 0 but is: {beta2_decay}"),
            least=(eps[0] is None or eps[0] >= 0, f"epsilon1 should be >= 0 but is: {eps[0]}"),
            smallest=(eps[1] >= 0, f"epsilon2 should be >= 0 but is: {eps[1]}"),
            threshold=(d >= 1, f"Clipping threshold d should be >= 1 but is: {d}"),
            penalty=(weight_decay >= 0, f"weight_decay should be >= 0 but is: {weight_decay}"),
        )
        super().__init__(params, {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
                                  "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            for p in group["params"]:
                own = self.state.get(p) or {}
                if "step" in own and not isinstance(own["step"], Tensor):
                    own["step"] = creation.tensor(float(own["step"]), dtype=count_dtype())

    def _update(self, p: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        if not state:
            variances = {"row_var": g.new_zeros((*g.shape[:-1], 1)), "col_var": g.new_zeros(
                (*g.shape[:-2], 1, g.shape[-1]))} if g.dim() > 1 else {"variance": creation.zeros_like(g)}
            state.update({"step": creation.tensor(0.0, dtype=count_dtype()), **variances})
        least, smallest = group["eps"]
        least = tapegrad.finfo(p.dtype).eps if least is None else least
        g = -g if group["maximize"] else g
        state["step"] += 1
        step, lr = number(state["step"]), number(group["lr"])
        weight = step ** group["beta2_decay"]
        alpha = max(smallest, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / step ** 0.5)
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        if g.dim() > 1:
            rows, columns = state["row_var"], state["col_var"]
            rows.lerp_(g.norm(dim=-1, keepdim=True).square() / g.shape[-1], weight)
            columns.lerp_(g.norm(dim=-2, keepdim=True).square() / g.shape[-2], weight)
            squares = rows @ columns / rows.mean(dim=-2, keepdim=True).clamp(min=least)
        else:
            squares = state["variance"].lerp_(g * g, weight)
        change = squares.clamp(min=least * least).rsqrt() * g
        scale = max(1.0, change.norm(2).item() / (change.numel() ** 0.5 * group["d"]))
        p.add_(change, alpha=-alpha / scale)


class Muon(_EachByItself):
    """Momentum whose matrix is made orthogonal (`torch.optim.Muon`), for parameters that are matrices.

    Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).

    >>> import tapegrad as torch
    >>> x = torch.eye(2, requires_grad=True)
    >>> optimizer = torch.optim.Muon([x], lr=0.1, weight_decay=0)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> bool((x.diagonal() < 0.95).all()), x[0, 1].item()
    (True, 0.0)
    """

    def __init__(self, params: Params, lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
                 nesterov: bool = True, ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
                 eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None) -> None:
        require_single("lr", lr)
        _check(
            lr=(number(lr) >= 0, f"Learning rate should be >= 0 but is: {lr}"),
            momentum=(momentum >= 0, f"momentum should be >= 0 but is: {momentum}"),
            penalty=(weight_decay >= 0, f"weight decay should be >= 0 but is: {weight_decay}"),
            adjust=(adjust_lr_fn in (None, "original", "match_rms_adamw"),
                    f"Adjust learning rate function {adjust_lr_fn} is not supported"),
        )
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
                                  "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
                                  "adjust_lr_fn": adjust_lr_fn})
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: "
                                     f"{p.size()}")

    def _update(self, p: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = creation.zeros_like(g)
        momentum, lr = group["momentum"], number(group["lr"])
        average = state["momentum_buffer"].lerp_(g, 1 - momentum)
        wanted = g.lerp(average, momentum) if group["nesterov"] else average
        change = orthogonal(wanted, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = p.shape
        ratio = (0.2 * math.sqrt(max(rows, columns)) if group["adjust_lr_fn"] == "match_rms_adamw"
                 else math.sqrt(max(1, rows / columns)))
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(change.to(p.dtype), alpha=-lr * ratio)


def orthogonal(g: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """About the nearest orthogonal matrix, by a polynomial that takes singular values to one (Newton and Schulz).

    In the precision of bfloat16, rounded where PyTorch rounds: more of it does not serve the optimiser.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = g.shape[0] > g.shape[1]
    x = _rounded(g.t() if tall else g)
    x = _rounded(x / _rounded(x.norm()).clamp(min=eps))
    for _ in range(steps):
        gram = _rounded(x @ x.t())
        x = _rounded(a * x + _rounded(b * gram + c * (gram @ gram)) @ x)
    return x.t() if tall else x


def _rounded(x: Tensor) -> Tensor:
    """The nearest bfloat16, in float32: eight bits of the mantissa, ties to even."""
    bits = x.to(tapegrad.float32).contiguous().view(tapegrad.int32)
    even = (bits >> 16) & 1
    return ((bits + (0x7FFF + even)) & -0x10000).view(tapegrad.float32)


class SparseAdam(_EachByItself):
    """Adam that leaves alone the rows which a step has no gradient for (`torch.optim.SparseAdam`).

    >>> import tapegrad as torch
    >>> table = torch.nn.Embedding(3, 2, sparse=True)
    >>> optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
    >>> table(torch.tensor([1])).sum().backward()
    >>> optimizer.step()
    >>> optimizer.state[table.weight]["exp_avg"][:, 0]
    tensor([0.0000, 0.1000, 0.0000])

    It is for tables that were looked up with `sparse=True`, RuntimeError for others. Their gradients are dense here:
    the rows that are not zero count, where PyTorch counts those that were looked up.
    """

    def __init__(self, params: Params, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, maximize: bool = False) -> None:
        require_single("lr", lr)
        _check(
            lr=(number(lr) > 0, f"Invalid learning rate: {lr}"), eps=(eps > 0, f"Invalid epsilon value: {eps}"),
            first=(0 <= betas[0] < 1, f"Invalid beta parameter at index 0: {betas[0]}"),
            second=(0 <= betas[1] < 1, f"Invalid beta parameter at index 1: {betas[1]}"),
        )
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def _update(self, p: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        from tapegrad.nn.modules.sparse import by_rows

        if not by_rows(p):
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        if not state:
            state |= {"step": 0, "exp_avg": creation.zeros_like(p), "exp_avg_sq": creation.zeros_like(p)}
        state["step"] += 1
        rows = (g != 0).reshape(len(g), -1).any(1).nonzero()[:, 0]
        g = -g[rows] if group["maximize"] else g[rows]
        means = []
        for name, beta, of in zip(("exp_avg", "exp_avg_sq"), group["betas"], (g, g * g)):
            old = state[name][rows]
            means.append(old + (of - old) * (1 - beta))
            state[name][rows] = means[-1]
        first, second = (1 - beta ** state["step"] for beta in group["betas"])
        size = group["lr"] * math.sqrt(second) / first
        p.index_add_(0, rows, -size * means[0] / (means[1].sqrt() + group["eps"]))
