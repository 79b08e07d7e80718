"""Survival times: a Weibull regression of 200 points and 4 parameters, fitted by SciPy with compiled gradients.

    python examples/weibull.py

The same fit is made with SciPy's finite differences, which evaluate the likelihood five times for each gradient.
"""
from __future__ import annotations

import time

import numpy as np
from scipy.optimize import minimize

import tapegrad as torch
from tapegrad.interop.scipy import hessp, jac, value_and_grad

TRUE = np.array([0.4, 1.0, -0.7, 0.5])  # log of the shape; then what the log of the scale is made of


def data(points=200):
    """Covariates (with a column of ones), times, and whether each ended in an event (or the study ended first)."""
    rng = np.random.default_rng(1)
    covariates = np.column_stack([np.ones(points), rng.normal(size=(points, 2))])
    scale = np.exp(covariates @ TRUE[1:])
    times = scale * rng.weibull(np.exp(TRUE[0]), points)
    seen = times < 12
    return covariates, np.minimum(times, 12), seen.astype(float)


def loss(parameters, covariates, log_times, seen):
    """Minus the log-likelihood."""
    shape = parameters[0].exp()
    z = (log_times - covariates @ parameters[1:]) * shape
    return z.exp().sum() - (seen * (z + parameters[0] - log_times)).sum()


def fit(objective, start, args, **options):
    """Minimise, and say how long that took."""
    begin = time.perf_counter()
    found = minimize(objective, start, args=args, method="BFGS", **options)
    return found, time.perf_counter() - begin


def value_alone(objective):
    """The compiled objective without its gradient, as finite differences call it."""
    compiled = torch.compile(objective)
    return lambda x, *args: compiled(torch.from_numpy(x), *args).item()


def main():
    covariates, times, seen = data()
    args = tuple(torch.from_numpy(a) for a in (covariates, np.log(times), seen))
    start = np.zeros(4)
    for name, objective, options in (("finite differences", value_alone(loss), {}),
                                     ("gradients", value_and_grad(loss), {"jac": True})):
        fit(objective, start, args, **options)  # captures
        found, seconds = fit(objective, start, args, **options)
        print(f"{name}: {seconds * 1e3:.1f} ms, {found.nfev} evaluations, {np.round(found.x, 3)}")
    newton = minimize(value_alone(loss), start, args=args, jac=jac(loss), hessp=hessp(loss), method="trust-ncg")
    print(f"trust-ncg with Hessian products: {newton.nit} iterations, {np.round(newton.x, 3)}")


if __name__ == "__main__":
    main()
