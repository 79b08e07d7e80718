"""Random streams, bit for bit those of PyTorch's CPU generator.

`generator` holds the stream: a Mersenne Twister, plus one spare normal sample. `draws` has a function for each
distribution, which checks its parameters and runs one of the `kernels`; `loading` finds those.
"""
from __future__ import annotations

from tapegrad.machine.streams.draws import (
    Run,
    bernoulli,
    binomial,
    cauchy,
    dirichlet,
    exponential,
    gamma,
    geometric,
    log_normal,
    multinomial,
    normal,
    poisson,
    randint,
    random_,
    randperm,
    runs_of,
    uniform,
)
from tapegrad.machine.streams.generator import DEFAULT_SEED, Generator

__all__ = [
    "DEFAULT_SEED", "Generator", "Run", "bernoulli", "binomial", "cauchy", "dirichlet", "exponential", "gamma",
    "geometric", "log_normal", "multinomial", "normal", "poisson", "randint", "random_", "randperm", "runs_of",
    "uniform",
]
