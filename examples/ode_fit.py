"""Fitting an ordinary differential equation: predator and prey, Runge-Kutta steps in a plain Python loop, compiled.

    python examples/ode_fit.py

Four rates of the Lotka-Volterra equations are found again from noisy measurements. The loss runs 300 integration steps;
as a compiled program that is straight-line code, forward and backward.
"""
from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

import tapegrad as torch
from tapegrad.interop.scipy import value_and_grad

TRUE = np.array([1.1, 0.4, 0.1, 0.4])
STEP, STEPS, EVERY = 0.05, 300, 15


def change(prey, predators, rates):
    growth, caught, gained, starved = rates
    return growth * prey - caught * prey * predators, gained * prey * predators - starved * predators


def integrate(rates, prey=10.0, predators=5.0):
    """Every EVERY-th state of the fourth-order Runge-Kutta method."""
    states = []
    for n in range(STEPS):
        a, b = change(prey, predators, rates)
        c, d = change(prey + STEP / 2 * a, predators + STEP / 2 * b, rates)
        e, f = change(prey + STEP / 2 * c, predators + STEP / 2 * d, rates)
        g, h = change(prey + STEP * e, predators + STEP * f, rates)
        prey = prey + STEP / 6 * (a + 2 * c + 2 * e + g)
        predators = predators + STEP / 6 * (b + 2 * d + 2 * f + h)
        if n % EVERY == EVERY - 1:
            states.append((prey, predators))
    return states


def measurements():
    rng = np.random.default_rng(2)
    return np.array(integrate(tuple(TRUE))) * rng.normal(1, 0.02, (STEPS // EVERY, 2))


def loss(log_rates, measured):
    """The mean square of relative errors; rates are positive, so their logarithms are sought."""
    states = integrate(log_rates.exp().unbind())
    modelled = torch.stack([torch.stack(pair) for pair in states])
    return ((modelled.log() - measured.log()) ** 2).mean()


def fit():
    """The rates, and the objective that found them."""
    objective = value_and_grad(loss)
    measured = torch.from_numpy(measurements())
    found = minimize(objective, np.log([0.9, 0.5, 0.15, 0.3]), args=(measured,), jac=True, method="BFGS")
    return np.exp(found.x), found, objective


def main():
    rates, found, objective = fit()
    print(f"{found.nfev} gradients of {STEPS} steps; rates {np.round(rates, 3)} (true: {TRUE})")
    print(objective.evaluation.step.explain())


if __name__ == "__main__":
    main()
