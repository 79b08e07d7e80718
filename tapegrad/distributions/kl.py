"""Kullback-Leibler divergences (`torch.distributions.kl`).

Two of one family have a formula each. Of different families, KL(p ‖ q) is -H(p) less the mean of log q under p: that
mean is a formula in moments of p, stated once for each q, whatever p is.
"""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import tapegrad as torch
from tapegrad import Tensor
from tapegrad.distributions.composed import Independent, TransformedDistribution
from tapegrad.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    ContinuousBernoulli,
    Geometric,
    OneHotCategorical,
    Poisson,
)
from tapegrad.distributions.distribution import Distribution, ExponentialFamily
from tapegrad.distributions.multivariate import (
    LowRankMultivariateNormal,
    MultivariateNormal,
    _batch_mahalanobis,
    _half_log_det,
)
from tapegrad.distributions.positive import Beta, Dirichlet, Exponential, Gamma
from tapegrad.distributions.real import Cauchy, Laplace, Normal, Uniform
from tapegrad.distributions.transformed import Gumbel, HalfNormal, Pareto
from tapegrad.distributions.utils import _sum_rightmost, euler_constant
from tapegrad.machine.learning import capturing
from tapegrad.namespaces import show_public

__all__ = ["kl_divergence", "register_kl"]
show_public(__name__)

_REGISTRY: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}
_FOUND: dict[tuple[type, type], Any] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """A decorator for the function that computes the divergence of two families (`torch.distributions.register_kl`).

    The families are classes, of distributions or of what behaves like them.
    """
    for name, of in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(of, type):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {of}")

    def register(function: Any) -> Any:
        _REGISTRY[type_p, type_q] = function
        _FOUND.clear()
        return function

    return register


def _dispatch(type_p: type, type_q: type) -> Any:
    """The function registered for the nearest bases; those of p count first."""
    fits = [(p, q) for p, q in _REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not fits:
        return NotImplemented

    def near(found: type, base: type) -> int:  # abstract base classes are farther than any real one
        return found.__mro__.index(base) if base in found.__mro__ else len(found.__mro__)

    left = min(fits, key=lambda pair: (near(type_p, pair[0]), near(type_q, pair[1])))
    right = min(fits, key=lambda pair: (near(type_q, pair[1]), near(type_p, pair[0])))
    if _REGISTRY[left] is not _REGISTRY[right]:
        warnings.warn(f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please register_kl("
                      f"{left[0].__name__}, {right[1].__name__})", RuntimeWarning, stacklevel=3)
    return _REGISTRY[left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """How much more it takes to tell outcomes of p when they are expected of q (`torch.distributions.kl_divergence`).

    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)

    NotImplementedError where no function is registered for the two families.
    """
    kinds = type(p), type(q)
    if kinds not in _FOUND:
        _FOUND[kinds] = _dispatch(*kinds)
    function = _FOUND[kinds]
    if function is NotImplemented:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type "
                                  f"{q.__class__.__name__}")
    return function(p, q)


capturing.READ_BESIDES[kl_divergence] = lambda: (_REGISTRY,)

# ------------------------------------------------------------------------------------------------ within one family

@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Tensor:
    softplus = torch.nn.functional.softplus
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    one = torch.where((q.probs == 0).expand(one.shape), torch.inf, one)
    one = torch.where((p.probs == 0).expand(one.shape), 0.0, one)
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    zero = torch.where((q.probs == 1).expand(zero.shape), torch.inf, zero)
    zero = torch.where((p.probs == 1).expand(zero.shape), 0.0, zero)
    return one + zero


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Tensor:
    of_p, of_q = p.concentration1 + p.concentration0, q.concentration1 + q.concentration0
    return (q.concentration1.lgamma() + q.concentration0.lgamma() + of_p.lgamma()
            - p.concentration1.lgamma() - p.concentration0.lgamma() - of_q.lgamma()
            + (p.concentration1 - q.concentration1) * torch.digamma(p.concentration1)
            + (p.concentration0 - q.concentration0) * torch.digamma(p.concentration0)
            + (of_q - of_p) * torch.digamma(of_p))


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return torch.where((p.total_count > q.total_count).expand(kl.shape), torch.inf, kl)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = torch.where((q.probs == 0).expand(terms.shape), torch.inf, terms)
    return torch.where((p.probs == 0).expand(terms.shape), 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Tensor:
    """Chyzak and Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy distributions"."""
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return (p.mean * (p.logits - q.logits) + p._log_constant() + torch.log1p(-p.probs)
            - q._log_constant() - torch.log1p(-q.probs))


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Tensor:
    of_p, of_q = p.concentration.sum(-1), q.concentration.sum(-1)
    mean_log = p.concentration.digamma() - of_p.digamma().unsqueeze(-1)
    return (of_p.lgamma() - of_q.lgamma() - (p.concentration.lgamma() - q.concentration.lgamma()).sum(-1)
            + ((p.concentration - q.concentration) * mean_log).sum(-1))


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Tensor:
    return (q.concentration * (p.rate / q.rate).log() + torch.lgamma(q.concentration) - torch.lgamma(p.concentration)
            + (p.concentration - q.concentration) * torch.digamma(p.concentration)
            + (q.rate - p.rate) * (p.concentration / p.rate))


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Tensor:
    ratio, loc_q, loc_p = p.scale / q.scale, q.loc / q.scale, p.loc / q.scale
    return (-ratio.log() - loc_q + loc_p + ratio * euler_constant
            + torch.exp(loc_q + (1 + ratio).lgamma() - loc_p) - (1 + euler_constant))


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Tensor:
    ratio, off = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + off / q.scale + ratio * torch.exp(-off / p.scale) - 1


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    alpha = q.alpha / p.alpha
    found = q.alpha * ratio.log() - alpha.log() + alpha - 1
    return torch.where((p.scale < q.scale).expand(found.shape), torch.inf, found)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return torch.where(((q.low > p.low) | (q.high < p.high)).expand(found.shape), torch.inf, found)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Tensor:
    _same_event(p, q, "two Multivariate Normals")
    of_p, of_q = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    n, (wide_p, wide_q) = p.event_shape[0], _alike(of_p, of_q)
    trace = torch.linalg.solve_triangular(wide_q, wide_p, upper=False).square().sum((-2, -1))
    off = _batch_mahalanobis(of_q, q.loc - p.loc)
    return _half_log_det(of_q) - _half_log_det(of_p) + 0.5 * (trace + off - n)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Any, q: Any) -> Tensor:
    _same_event(p, q, "two Low Rank Multivariate Normals")
    return _from_low_rank(p, q, _low_rank_trace(q, p._unbroadcasted_cov_factor)
                          + _low_rank_trace(q, torch.diag_embed(p._unbroadcasted_cov_diag.sqrt())), p._log_det())


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _normal_to_low_rank(p: Any, q: Any) -> Tensor:
    _same_event(p, q, "two (Low Rank) Multivariate Normals")
    factor = p._unbroadcasted_scale_tril
    return _from_low_rank(p, q, _low_rank_trace(q, factor), 2 * _half_log_det(factor))


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank_to_normal(p: Any, q: Any) -> Tensor:
    _same_event(p, q, "two (Low Rank) Multivariate Normals")
    of_q = q._unbroadcasted_scale_tril
    parts = (p._unbroadcasted_cov_factor, torch.diag_embed(p._unbroadcasted_cov_diag.sqrt()))
    trace = 0
    for part in parts:
        wide_q, wide_p = _alike(of_q, part)
        trace = trace + torch.linalg.solve_triangular(wide_q, wide_p, upper=False).square().sum((-2, -1))
    off = _batch_mahalanobis(of_q, q.loc - p.loc)
    return 0.5 * (2 * _half_log_det(of_q) - p._log_det() + trace + off - p.event_shape[0])


def _from_low_rank(p: Any, q: Any, trace: Tensor, log_det_p: Tensor) -> Tensor:
    return 0.5 * (q._log_det() - log_det_p + trace + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


def _low_rank_trace(q: Any, factor: Tensor) -> Tensor:
    """The trace of q's precision times `factor factorᵀ`."""
    weighted = q._unbroadcasted_cov_factor.mT / q._unbroadcasted_cov_diag.unsqueeze(-2)
    small, inner = _alike(q._capacitance_tril, torch.matmul(weighted, factor))
    plain = (factor.pow(2) / q._unbroadcasted_cov_diag.unsqueeze(-1)).sum((-2, -1))
    return plain - torch.linalg.solve_triangular(small, inner, upper=False).square().sum((-2, -1))


def _alike(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices of one batch shape."""
    batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return a.expand((*batch, *a.shape[-2:])), b.expand((*batch, *b.shape[-2:]))


def _same_event(p: Any, q: Any, what: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL-divergence between {what} with different event shapes cannot be computed")


# --------------------------------------------------------------------------------------------------- from the parts

@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: Any, q: Any) -> Tensor:
    """The Bregman divergence of the normalizer."""
    if type(p) is not type(q):
        raise NotImplementedError("The cross KL-divergence between different exponential families cannot be computed "
                                  "using Bregman divergences")
    of_p, of_q = [n.detach().requires_grad_() for n in p._natural_params], q._natural_params
    normalizer = p._log_normalizer(*of_p)
    gradients = torch.autograd.grad(normalizer.sum(), of_p, create_graph=True)
    result = q._log_normalizer(*of_q) - normalizer
    for a, b, g in zip(of_p, of_q, gradients):
        result = result - _sum_rightmost((b - a) * g, len(q.event_shape))
    return result


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


# ---------------------------------------------------------------------------------------------- of different families

def _mean_of_log(p: Any) -> Tensor:
    """The mean of log x under p."""
    return _OF_LOG[next(of for of in _OF_LOG if isinstance(p, of))](p)


def _x_log_x(x: Tensor) -> Tensor:
    return torch.xlogy(x, x)


_OF_LOG: dict[type, Callable[[Any], Tensor]] = {
    Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: (_x_log_x(p.high) - _x_log_x(p.low)) / (p.high - p.low) - 1,
}
_LAPLACE_TRANSFORM: dict[type, Callable[[Any, Tensor], Tensor]] = {  # the mean of exp(-t x)
    Exponential: lambda p, t: p.rate / (p.rate + t),
    Gamma: lambda p, t: (1 + t / p.rate).pow(-p.concentration),
    Normal: lambda p, t: (-p.loc * t + 0.5 * (p.scale * t).pow(2)).exp(),
    Uniform: lambda p, t: ((-p.low * t).exp() - (-p.high * t).exp()) / ((p.high - p.low) * t),
}


def _of_gumbel(p: Any, q: Any) -> Tensor:
    t = q.scale.reciprocal()
    transform = _LAPLACE_TRANSFORM[next(of for of in _LAPLACE_TRANSFORM if isinstance(p, of))](p, t)
    return -q.scale.log() - (p.mean - q.loc) * t - (q.loc * t).exp() * transform


def _of_laplace(p: Any, q: Any) -> Tensor:
    """Of a normal p."""
    off = p.loc - q.loc
    away = (math.sqrt(2 / math.pi) * p.scale * torch.exp(-0.5 * (off / p.scale).pow(2))
            + off * torch.erf(off / (math.sqrt(2) * p.scale)))
    return -(2 * q.scale).log() - away / q.scale


def _of_beta(p: Any, q: Any) -> Tensor:
    """Of a uniform p."""
    a, b = q.concentration1, q.concentration0
    complement = (_x_log_x(1 - p.low) - _x_log_x(1 - p.high)) / (p.high - p.low) - 1  # the mean of log(1 - x)
    return (a - 1) * _mean_of_log(p) + (b - 1) * complement - a.lgamma() - b.lgamma() + (a + b).lgamma()


_MEAN_LOG_DENSITY: dict[type, Callable[[Any, Any], Tensor]] = {  # of q, under p
    Beta: _of_beta,
    ContinuousBernoulli: lambda p, q: p.mean * q.logits + torch.log1p(-q.probs) + q._log_constant(),
    Exponential: lambda p, q: q.rate.log() - q.rate * p.mean,
    Gamma: lambda p, q: (q.concentration * q.rate.log() - q.concentration.lgamma()
                         + (q.concentration - 1) * _mean_of_log(p) - q.rate * p.mean),
    Gumbel: _of_gumbel,
    Laplace: _of_laplace,
    Normal: lambda p, q: (-0.5 * math.log(2 * math.pi) - q.scale.log()
                          - 0.5 * (p.variance + (p.mean - q.loc).pow(2)) / q.scale.pow(2)),
    Pareto: lambda p, q: q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _mean_of_log(p),
    Uniform: lambda p, q: -torch.log(q.high - q.low),
}


def _bounds(d: Any) -> tuple[Any, Any]:
    """Between what outcomes lie."""
    support = d.support
    return getattr(support, "lower_bound", -math.inf), getattr(support, "upper_bound", math.inf)


def _across(p: Any, q: Any) -> Tensor:
    mean = next(of for of in type(q).__mro__ if of in _MEAN_LOG_DENSITY)
    found = -p.entropy() - _MEAN_LOG_DENSITY[mean](p, q)
    (low_p, high_p), (low_q, high_q) = _bounds(p), _bounds(q)
    beyond = torch.as_tensor(low_p < low_q) | torch.as_tensor(high_p > high_q)
    return torch.where(beyond.expand(found.shape), torch.inf, found)


def _infinite(p: Any, q: Any) -> Tensor:
    """Of a p with outcomes that q has not."""
    like = next(getattr(p, name) for name in p.arg_constraints if not name.startswith("logits"))
    return torch.full_like(like, math.inf)


_ACROSS: dict[type, tuple[type, ...]] = {
    Beta: (ContinuousBernoulli, Exponential, Gamma, Normal, Uniform),
    ContinuousBernoulli: (Exponential, Normal, Uniform),
    Exponential: (Gamma, Gumbel, Normal),
    Gamma: (Exponential, Gumbel, Normal),
    Gumbel: (Normal,),
    Laplace: (Normal,),
    Normal: (Gumbel, Laplace),
    Pareto: (Exponential, Gamma, Normal),
    Uniform: (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Normal, Pareto),
}
_NEVER: dict[type, tuple[type, ...]] = {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Laplace: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Normal: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}
for _table, _function in ((_ACROSS, _across), (_NEVER, _infinite)):
    for _p, _others in _table.items():
        for _q in _others:
            register_kl(_p, _q)(_function)


@register_kl(Bernoulli, Poisson)
def _bernoulli_to_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)
