"""Optimisers that treat each element by itself: their update is stated once, and read three ways.

A rule is mathematics over a parameter, its gradient, its state and some numbers. Called with `Sym` operands it becomes
one kernel, which reads and writes a parameter and all of its state in one pass; called with tensors it is recorded
(`differentiable=True`) or captured by `compile`, which makes one kernel of it in turn. The numbers are computed in
double precision from the options of the group and the state's counts, by the same lines for numbers and for tensors.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import creation, dtypes
from tapegrad.autograd import modes
from tapegrad.machine.kernels import emitter
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import layouts, machine
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym
from tapegrad.optim.optimizer import Group, Optimizer
from tapegrad.tensor import Tensor

_update, _item = machine.call.update, machine.call.item
_kernels: dict[tuple[Any, ...], int] = {}
_SINGLE = {layouts.intern(d, ()).id for d in (dtypes.float32, dtypes.float64)}  # how counts lie
Numbers = tuple[Any, ...]

# Options that have come to groups since the first state dicts were saved.
_SINCE = {"amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
          "fused": None, "decoupled_weight_decay": False, "nesterov": False, "momentum": 0, "centered": False}


def number(x: Any) -> Any:
    """An option or a count as a number, if it is a tensor; a capture takes note that it is looked at."""
    if type(x) is Tensor and x._layout in _SINGLE and capturing.active is None:
        return _item(x)
    return x.item() if isinstance(x, Tensor) else x


def require_single(name: str, x: Any) -> None:
    """Refuse an option that is a tensor of several elements, or none."""
    if isinstance(x, Tensor) and x.numel() != 1:
        raise ValueError(f"Tensor {name} must be 1-element")


def flat(x: Any) -> Any:
    """An option that is a tensor of one element, without axes."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() else x


def plain(group: Group) -> Group:
    """The options of a group with numbers for tensors."""
    given = [group["lr"], group.get("weight_decay"), *group.get("betas", ())]
    if not any(isinstance(value, Tensor) for value in given):
        return group
    return {key: tuple(map(number, value)) if key == "betas" else number(value) for key, value in group.items()}


def wide(x: Tensor) -> Tensor:
    """A count as a tensor to compute with, which stays as it is when the count goes on."""
    return x.to(dtypes.float64, copy=True)


def is_fixed(coefficient: Any) -> bool:
    """Whether it is part of the rule, and not a number that the rule is given."""
    return coefficient is None or isinstance(coefficient, bool)


def compiled(rule: Callable[..., Any], d: dtypes.dtype, states: int, coefficients: dict[str, Any]) -> int:
    """The address of a rule's kernel: its outputs are the parameter and the states, its last inputs the numbers."""
    tensors = [Sym.operand(j, d) for j in range(states + 2)]
    given = {name: value if is_fixed(value) else None for name, value in coefficients.items()}
    moving = [name for name, value in coefficients.items() if not is_fixed(value)]
    given.update((name, Sym.operand(len(tensors) + j, d)) for j, name in enumerate(moving))
    p, *state, g = tensors
    values = rule(p, g, *state, **given)
    no = (False,) * len(values)
    region = emitter.Region((d,) * (len(tensors) + len(moving)), tuple(v.cast(d) for v in values),
                            (d,) * len(values), no)
    return emitter.compile_region(region, "c" * (len(values) + len(tensors)) + "0" * len(moving), no)


class Pointwise(Optimizer):
    """An optimiser that is its options, `_counts`, `_tensors`, `_coefficients` and a `_rule`."""

    _counts: dict[str, float] = {"step": 0.0}  # noqa: RUF012 - what a parameter's state counts, and from where
    _writes = 1  # how often a step writes to a parameter in PyTorch, where it does not shrink it besides

    def _tensors(self, group: Group) -> dict[str, float]:
        """The state that lies as the parameter does, and what it is filled with at first."""
        return {}

    def _coefficients(self, group: Group, *counts: Any) -> dict[str, Any]:
        """The numbers of the rule; None, True and False are part of it."""
        raise NotImplementedError

    _rule: Callable[..., tuple[Any, ...]]

    def _advance(self, p: Tensor, state: dict[str, Any], group: Group, read: Callable[[Tensor], Any]) -> Numbers:
        """Count one step of a parameter; returns what `_coefficients` is given."""
        step = state["step"]
        step += 1
        return (read(step),)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters once, by their gradients; `closure` computes the loss and the gradients anew."""
        loss = None
        if closure is not None:
            with modes.enable_grad():
                loss = closure()
        with modes.set_grad_enabled(bool(self.defaults.get("differentiable"))):
            for group in self.param_groups:
                if group.get("differentiable") or capturing.mine() is not None:
                    self._step_by_operations(group)
                else:
                    self._step_by_kernels(group)
        return loss

    def _state_of(self, p: Tensor, group: Group) -> dict[str, Any]:
        state: dict[str, Any] = self.state[p]
        if not state:
            self.begin(p, group, state)
        return state

    def begin(self, p: Tensor, group: Group, state: dict[str, Any]) -> None:
        """The state of a parameter before its first step: all of it or, after an interrupt, nothing."""
        starting()
        d = dtypes.float32 if group.get("fused") else count_dtype()
        made = {name: creation.tensor(value, dtype=d) for name, value in self._counts.items()}
        state.update(made | {name: creation.full_like(p.detach(), value)
                             for name, value in self._tensors(group).items()})

    def _step_by_kernels(self, group: Group) -> None:
        names = tuple(self._tensors(group))
        alike: dict[Numbers, list[Tensor]] = {}
        for p in group["params"]:
            g = p.grad
            if g is None:
                continue
            state = self._state_of(p, group) if self._counts or names else {}
            found = self._advance(p, state, group, number)
            listed = alike.get(found)
            if listed is None:
                listed = alike[found] = []
            listed.append(p)
            for name in names:
                listed.append(state[name])
            listed.append(g)
        group = plain(group)
        for found, listed in alike.items():
            self._run(listed, len(names), self._coefficients(group, *found))

    def _run(self, listed: list[Tensor], states: int, coefficients: dict[str, Any]) -> None:
        """Update parameters that have the coefficients in common."""
        each, done = states + 2, 0
        numbers = tuple([value for value in coefficients.values() if not is_fixed(value)])
        fixed = tuple([value if is_fixed(value) else 0 for value in coefficients.values()])
        times = self._times(coefficients)
        while done < len(listed):
            p, before = listed[done], done
            d = p.dtype
            if d is dtypes.float32 or d is dtypes.float64:
                key = self._rule, d, states, fixed
                kernel = _kernels.get(key)
                if kernel is None:
                    kernel = _kernels[key] = compiled(self._rule, d, states, coefficients)
                done = _update(kernel, d.id, d.itemsize, each, states + 1, listed, numbers, done, times)
            if done == before:
                self._write(listed[done:done + each], coefficients)
                done += each

    def _step_by_operations(self, group: Group) -> None:
        names = tuple(self._tensors(group))
        for p in group["params"]:
            g = p.grad
            if g is None:
                continue
            state = self._state_of(p, group) if self._counts or names else {}
            found = self._advance(p, state, group, wide)
            self._write([p, *[state[name] for name in names], g], self._coefficients(group, *found))

    def _write(self, tensors: list[Tensor], coefficients: dict[str, Any]) -> None:
        """The rule as operations on tensors, and its results written in place; what backward reads is a copy then."""
        *targets, g = tensors
        p, *state = [t.clone() for t in targets] if modes.is_grad_enabled() else targets
        given = {name: value.to(p.dtype) if isinstance(value, Tensor) else value
                 for name, value in coefficients.items()}
        for target, value in zip(targets, self._rule(p, g, *state, **given)):
            target.copy_(value)
        machine.buffers["version"][int(machine.buffers["owner"][targets[0]._buffer])] += self._times(coefficients) - 1

    def _times(self, coefficients: dict[str, Any]) -> int:
        """How many writes to its parameter a step counts as."""
        return self._writes + (coefficients.get("shrink") is not None)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in _SINCE.items():
                if name in self.defaults:
                    group.setdefault(name, value)
            for p in group["params"]:
                own = self.state.get(p) or {}
                for name in self._counts:
                    if name in own and not isinstance(own[name], Tensor):
                        own[name] = creation.tensor(float(own[name]), dtype=count_dtype())


def starting() -> None:
    """A parameter's state is made: a call that does so is like no later one, so that it is not what to capture."""
    capturing.failed()


def count_dtype() -> dtypes.dtype:
    """The dtype of counts: single precision, unless the default is double."""
    return dtypes.float64 if dtypes.default_dtype() is dtypes.float64 else dtypes.float32


# ---------------------------------------------------------------- what rules have in common

def descent(p: Any, g: Any, weight_decay: Any, maximize: bool) -> Any:
    """The direction to go against: the gradient, or its opposite, and the penalty's."""
    g = -g if maximize else g
    return g if weight_decay is None else g + weight_decay * p


def lerp(x: Any, y: Any, weight: Any, near: bool) -> Any:
    """Between x and y; `near` says that the weight is below a half, and both forms are exact at their own end."""
    return x + weight * (y - x) if near else y - (y - x) * (1 - weight)


def choose(condition: Any, chosen: Any, other: Any) -> Any:
    """`chosen` where the condition on counts holds, which may be numbers or tensors."""
    if isinstance(condition, Tensor):
        return scalar.where(condition, chosen, other)
    return chosen if condition else other
