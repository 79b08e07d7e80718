"""Programs of scalars in Python loops: what a gradient costs over the value, both compiled.

A program gives its inputs, and a function of these. The value is computed under `no_grad`; the gradient, of all inputs,
is that of reverse mode, with the value.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from benchmarks.compiled import warm
from benchmarks.harness import Function, Measured, fastest, figure, libraries

Program = tuple[list[Any], Callable[..., Any]]


def pendulum(torch: Any) -> Program:
    """1,000 Euler steps of a pendulum."""

    def angle(theta: Any, omega: Any, gravity: Any, h: float = 0.001) -> Any:
        for _ in range(1000):
            theta, omega = theta + h * omega, omega - h * (gravity * theta.sin())
        return theta

    return [torch.tensor(v, dtype=torch.float64) for v in (0.5, 0.0, 9.81)], angle


def ode(torch: Any) -> Program:
    """100 Runge-Kutta steps of predators and prey."""

    def slope(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        return a * x - b * x * y, d * x * y - c * y

    def prey(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any, h: float = 0.05) -> Any:
        for _ in range(100):
            k1x, k1y = slope(x, y, a, b, c, d)
            k2x, k2y = slope(x + h / 2 * k1x, y + h / 2 * k1y, a, b, c, d)
            k3x, k3y = slope(x + h / 2 * k2x, y + h / 2 * k2y, a, b, c, d)
            k4x, k4y = slope(x + h * k3x, y + h * k3y, a, b, c, d)
            x = x + h / 6 * (k1x + 2 * k2x + 2 * k3x + k4x)
            y = y + h / 6 * (k1y + 2 * k2y + 2 * k3y + k4y)
        return x

    return [torch.tensor(v, dtype=torch.float64) for v in (1.0, 0.5, 1.1, 0.4, 0.4, 0.1)], prey


def kalman(torch: Any) -> Program:
    """Likelihood of a local level under a Kalman filter, 300 observations."""
    seen = [math.sin(t / 10) + math.cos(7.0 * t) / 3 for t in range(300)]

    def negative_log_likelihood(q: Any, r: Any, mean: Any, variance: Any) -> Any:
        total = 0.0
        for y in seen:
            variance = variance + q
            s, innovation = variance + r, y - mean
            gain = variance / s
            total = total + s.log() + innovation * innovation / s
            mean, variance = mean + gain * innovation, (1 - gain) * variance
        return total

    return [torch.tensor(v, dtype=torch.float64) for v in (0.1, 0.5, 0.0, 1.0)], negative_log_likelihood


def n_body(torch: Any) -> Program:
    """Three bodies in a plane, 40 leapfrog steps."""

    def forces(places: Any, masses: Any) -> Any:
        found = []
        for i, (x, y) in enumerate(places):
            fx, fy = 0.0, 0.0
            for j, (u, v) in enumerate(places):
                if j != i:
                    dx, dy = u - x, v - y
                    square = dx * dx + dy * dy + 0.01
                    pull = masses[j] / (square * square.sqrt())
                    fx, fy = fx + pull * dx, fy + pull * dy
            found.append((fx, fy))
        return found

    def energy(*given: Any, h: float = 0.01) -> Any:
        masses, flat = given[:3], given[3:]
        places, speeds = list(zip(flat[0:6:2], flat[1:6:2])), list(zip(flat[6::2], flat[7::2]))
        pull = forces(places, masses)
        for _ in range(40):
            speeds = [(u + h / 2 * fx, v + h / 2 * fy) for (u, v), (fx, fy) in zip(speeds, pull)]
            places = [(x + h * u, y + h * v) for (x, y), (u, v) in zip(places, speeds)]
            pull = forces(places, masses)
            speeds = [(u + h / 2 * fx, v + h / 2 * fy) for (u, v), (fx, fy) in zip(speeds, pull)]
        return sum(m * (u * u + v * v) for m, (u, v) in zip(masses, speeds))

    values = (1.0, 0.5, 0.8, 0.0, 0.0, 1.0, 0.2, -0.7, 0.9, 0.0, 0.4, -0.3, 0.0, 0.2, -0.5)
    return [torch.tensor(v, dtype=torch.float64) for v in values], energy


def value_of(torch: Any, program: Program) -> Function:
    inputs, function = program

    def run() -> Any:
        with torch.no_grad():
            return function(*inputs)

    return run


def gradient_of(torch: Any, program: Program) -> Function:
    inputs, function = program

    def run() -> Any:
        given = [x.clone().requires_grad_() for x in inputs]
        value = function(*given)
        return (value.detach(), *torch.autograd.grad(value, given))

    return run


def _figure(make: Callable[[Any], Program]) -> None:
    def measure() -> Measured:
        torch = libraries()[0]
        program = make(torch)
        return Measured(*fastest([warm(gradient_of(torch, program)), warm(value_of(torch, program))]))

    measure.__name__ = f"gradient_over_value_{make.__name__}"
    said = (make.__doc__ or "").rstrip(".")
    figure(f"{said[0].lower()}{said[1:]}: value and gradient ÷ the value alone, both compiled", "s", must=3, aim=2
           )(measure)


for _program in (pendulum, ode, kalman, n_body):
    _figure(_program)
