"""Probability distributions (`torch.distributions`), their supports, maps between them, and divergences.

A family is a declaration (`real`, `positive`, `discrete`, `multivariate`, `transformed`): its parameters and their
constraints, its support, density, moments, and how it is drawn. What they share is in `distribution`; start there.
"""
from __future__ import annotations

import sys as _sys

from tapegrad.distributions import (
    composed,
    constraint_registry,
    constraints,
    discrete,
    distribution,
    kl,
    multivariate,
    positive,
    real,
    transformed,
    transforms,
    utils,
)
from tapegrad.distributions.composed import Independent, MixtureSameFamily, TransformedDistribution
from tapegrad.distributions.constraint_registry import biject_to, transform_to
from tapegrad.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    ContinuousBernoulli,
    Geometric,
    Multinomial,
    NegativeBinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
)
from tapegrad.distributions.distribution import Distribution, ExponentialFamily
from tapegrad.distributions.kl import kl_divergence, register_kl
from tapegrad.distributions.multivariate import LKJCholesky, LowRankMultivariateNormal, MultivariateNormal, Wishart
from tapegrad.distributions.positive import Beta, Chi2, Dirichlet, Exponential, FisherSnedecor, Gamma, GeneralizedPareto
from tapegrad.distributions.real import Cauchy, Laplace, Normal, StudentT, Uniform, VonMises
from tapegrad.distributions.transformed import (
    Gumbel,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Kumaraswamy,
    LogisticNormal,
    LogNormal,
    Pareto,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
    Weibull,
)
from tapegrad.distributions.transforms import *  # noqa: F403
from tapegrad.namespaces import show_public

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ContinuousBernoulli", "Dirichlet",
    "Distribution", "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma", "GeneralizedPareto", "Geometric",
    "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "Kumaraswamy", "LKJCholesky", "Laplace",
    "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough",
    "Pareto", "Poisson", "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT", "TransformedDistribution",
    "Uniform", "VonMises", "Weibull", "Wishart", "biject_to", "kl_divergence", "register_kl", "transform_to",
    *transforms.__all__,
]
show_public(__name__, "constraint_registry", "constraints", "kl", "transforms", "utils")

for _name in __all__:
    if isinstance(globals()[_name], type):
        distribution.document(globals()[_name])

# PyTorch has a module a family: by those names, too, a family is found.
for _module, _names in {
    real: "cauchy laplace normal studentT uniform von_mises",
    positive: "beta chi2 dirichlet exponential fishersnedecor gamma generalized_pareto",
    discrete: "bernoulli binomial categorical continuous_bernoulli geometric multinomial negative_binomial "
              "one_hot_categorical poisson",
    multivariate: "lkj_cholesky lowrank_multivariate_normal multivariate_normal wishart",
    composed: "independent mixture_same_family transformed_distribution",
    transformed: "gumbel half_cauchy half_normal inverse_gamma kumaraswamy log_normal logistic_normal pareto "
                 "relaxed_bernoulli relaxed_categorical weibull",
    distribution: "exp_family",
}.items():
    for _name in _names.split():
        globals()[_name] = _sys.modules[f"{__name__}.{_name}"] = _module
