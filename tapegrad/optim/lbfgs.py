"""L-BFGS: the one optimiser that goes by the whole gradient, as one vector, and by values of the loss."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tapegrad
from tapegrad.autograd import modes
from tapegrad.optim.optimizer import Optimizer, Params
from tapegrad.optim.pointwise import flat, number, require_single
from tapegrad.tensor import Tensor

Value = Any  # a number, or a tensor without axes


class Point(NamedTuple):
    """A place on the line that is searched: how far along, the loss there, its gradient, and the slope of the line."""

    t: Value
    loss: float
    gradient: Tensor
    slope: Value


Evaluate = Callable[[Value], Point]


def interpolate(one: Point, other: Point, bounds: tuple[Value, Value] | None = None) -> Value:
    """Where the cubic through two points, with their slopes, is least; inside of the bounds, or between the points."""
    left, right = (one, other) if one.t <= other.t else (other, one)
    low, high = (left.t, right.t) if bounds is None else bounds
    between = one.slope + other.slope - 3 * (one.loss - other.loss) / (one.t - other.t)
    square = between ** 2 - one.slope * other.slope
    if not square >= 0:
        return (low + high) / 2.0
    root = square.sqrt()
    least = right.t - (right.t - left.t) * (
        (right.slope + root - between) / (right.slope - left.slope + 2 * root))
    return min(max(least, low), high)


def bracket(evaluate: Evaluate, start: Point, first: Value, decrease: float, curvature: float, most: int
            ) -> tuple[list[Point], bool, int]:
    """Points between which the conditions can be met (one, if it meets them), whether it does, and how many were tried.

    Steps grow until the loss no longer falls enough, or the slope has turned.
    """
    before, now = start, evaluate(first)
    tried = 0
    while tried < most:
        if now.loss > start.loss + decrease * now.t * start.slope or (tried > 1 and now.loss >= before.loss):
            return [before, now], False, tried
        if abs(now.slope) <= -curvature * start.slope:
            return [now], True, tried
        if now.slope >= 0:
            return [before, now], False, tried
        bounds = now.t + 0.01 * (now.t - before.t), now.t * 10
        before, now = now, evaluate(interpolate(before, now, bounds))
        tried += 1
    return [start, now], False, tried


def strong_wolfe(evaluate: Evaluate, start: Point, first: Value, longest: Value, tolerance_change: float = 1e-9,
                 most: int = 25, decrease: float = 1e-4, curvature: float = 0.9) -> Point:
    """A point that meets the strong Wolfe conditions: the loss falls enough, and the slope is flat enough.

    Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6. `longest` is the largest element of the
    direction, by which a step is too small to go on with.
    """
    points, done, tried = bracket(evaluate, start, first, decrease, curvature, most)
    stuck = False
    low, high = (0, 1) if points[0].loss <= points[-1].loss else (1, 0)
    while not done and tried < most:
        if abs(points[1].t - points[0].t) * longest < tolerance_change:
            break
        t = interpolate(points[0], points[1])
        left, right = min(p.t for p in points), max(p.t for p in points)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too close to an end: once is tolerated, twice is not
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        now = evaluate(t)
        tried += 1
        if now.loss > start.loss + decrease * t * start.slope or now.loss >= points[low].loss:
            points[high] = now
            low, high = (0, 1) if points[0].loss <= points[1].loss else (1, 0)
            continue
        if abs(now.slope) <= -curvature * start.slope:
            done = True
        elif now.slope * (points[high].t - points[low].t) >= 0:
            points[high] = points[low]
        points[low] = now
    return points[low]


def _cubic_interpolate(x1: Value, f1: Value, g1: Value, x2: Value, f2: Value, g2: Value, bounds: Any = None) -> Value:
    """`interpolate` by the name, and with the arguments, that minimisers outside of PyTorch take from it."""
    return interpolate(Point(x1, f1, g1, g1), Point(x2, f2, g2, g2), bounds)


def _strong_wolfe(obj_func: Callable[..., Any], x: Any, t: Value, d: Tensor, f: Any, g: Tensor, gtd: Value,
                  c1: float = 1e-4, c2: float = 0.9, tolerance_change: float = 1e-9, max_ls: int = 25
                  ) -> tuple[Any, Tensor, Value, int]:
    """`strong_wolfe` in the same way: the loss, the gradient, the step, and the number of calls of `obj_func`."""
    calls = 0

    def evaluate(at: Value) -> Point:
        nonlocal calls
        calls += 1
        loss, gradient = obj_func(x, at, d)
        return Point(at, loss, gradient, gradient.dot(d))

    found = strong_wolfe(evaluate, Point(0, f, g, gtd), t, d.abs().max(), tolerance_change, max_ls, c1, c2)
    return found.loss, found.gradient, found.t, calls


class LBFGS(Optimizer):
    """The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (`torch.optim.LBFGS`).

    Nocedal and Wright, "Numerical optimization" (2006), algorithm 7.5. One step is up to `max_iter` iterations, for
    which the closure computes the loss and the gradients again and again. There is one group of parameters.

    >>> import tapegrad as torch
    >>> x = torch.tensor([-1.0, 1.5], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([x], max_iter=50, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    29.0
    >>> bool((x - 1).abs().max() < 1e-3)
    True
    """

    def __init__(self, params: Params, lr: float | Tensor = 1, max_iter: int = 20, max_eval: int | None = None,
                 tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
                 line_search_fn: str | None = None) -> None:
        require_single("lr", lr)
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn})
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Tensor]:
        found: list[Tensor] = self.param_groups[0]["params"]
        return found

    def _gradient(self) -> Tensor:
        """All gradients as one vector."""
        return tapegrad.cat([p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1) for p in self._params])

    def _move(self, t: Value, direction: Tensor) -> None:
        at = 0
        for p in self._params:
            p.add_(direction[at:at + p.numel()].view_as(p), alpha=number(t))
            at += p.numel()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Run iterations until one of the limits is met; returns the loss at the start."""
        if closure is None:
            raise TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        with modes.no_grad():
            return self._iterate(modes.enable_grad()(closure))

    def _iterate(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr, search = flat(group["lr"]), group["line_search_fn"]
        most, most_evaluations = group["max_iter"], group["max_eval"]
        enough, too_little = group["tolerance_grad"], group["tolerance_change"]
        state = self.state[self._params[0]]  # there, so that loading it casts it
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = closure()
        loss, evaluations = float(first), 1
        state["func_evals"] += 1
        gradient = self._gradient()
        if gradient.abs().max() <= enough:
            return first
        saved = {name: state.get(name) for name in (
            "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")}
        saved.update((name, [*(saved[name] or ())]) for name in ("old_dirs", "old_stps", "ro"))  # until all is well
        for turn in range(1, most + 1):
            state["n_iter"] += 1
            at_start = saved["d"] is None
            if at_start:
                saved.update(d=gradient.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            else:
                self._remember(saved, gradient, group["history_size"])
                saved["d"] = self._direction(saved, gradient, state, group["history_size"])
            direction = saved["d"]
            saved.update(prev_flat_grad=gradient.clone(), prev_loss=loss)
            t = min(1.0, 1.0 / gradient.abs().sum()) * lr if at_start else lr
            saved["t"] = t
            slope = gradient.dot(direction)
            if slope > -too_little:
                break
            tried = 0
            if search is not None:
                if search != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = Point(0, loss, gradient, slope)
                found, tried = self._search(closure, start, t, direction, most_evaluations - evaluations)
                loss, gradient = found.loss, found.gradient
                t = saved["t"] = found.t
                self._move(t, direction)
            else:
                self._move(t, direction)
                if turn != most:
                    loss, tried = float(closure()), 1
                    gradient = self._gradient()
            evaluations += tried
            state["func_evals"] += tried
            if (turn == most or evaluations >= most_evaluations or gradient.abs().max() <= enough
                    or direction.mul(t).abs().max() <= too_little or abs(loss - saved["prev_loss"]) < too_little):
                break
        state.update(saved)
        return first

    @staticmethod
    def _remember(saved: dict[str, Any], gradient: Tensor, size: int) -> None:
        """Take the last step, and how the gradient changed on it, into the history."""
        change, step = gradient - saved["prev_flat_grad"], saved["d"] * saved["t"]
        curvature = change.dot(step)
        if curvature > 1e-10:
            for name, value in (("old_dirs", change), ("old_stps", step), ("ro", 1.0 / curvature)):
                if len(saved[name]) == size:
                    saved[name].pop(0)
                saved[name].append(value)
            saved["H_diag"] = curvature / change.dot(change)

    @staticmethod
    def _direction(saved: dict[str, Any], gradient: Tensor, state: dict[str, Any], size: int) -> Tensor:
        """The inverse Hessian, as the history knows it, times the gradient's opposite: the loop in two parts."""
        changes, steps, inverse = saved["old_dirs"], saved["old_stps"], saved["ro"]
        weights = state.setdefault("al", [None] * size)
        q = gradient.neg()
        for i in reversed(range(len(changes))):
            weights[i] = steps[i].dot(q) * inverse[i]
            q -= weights[i] * changes[i]
        q *= saved["H_diag"]
        for i in range(len(changes)):
            q += (weights[i] - changes[i].dot(q) * inverse[i]) * steps[i]
        return q

    def _search(self, closure: Callable[[], Any], start: Point, first: Value, direction: Tensor, most: int
                ) -> tuple[Point, int]:
        origin = [p.clone() for p in self._params]
        tried = 0

        def evaluate(t: Value) -> Point:
            nonlocal tried
            tried += 1
            self._move(t, direction)
            loss = float(closure())
            gradient = self._gradient()
            for p, before in zip(self._params, origin):
                p.copy_(before)
            return Point(t, loss, gradient, gradient.dot(direction))

        return strong_wolfe(evaluate, start, first, direction.abs().max(), most=most), tried
