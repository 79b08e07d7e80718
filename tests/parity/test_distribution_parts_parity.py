"""Constraints, transforms, divergences, and programs that define distributions of their own, beside PyTorch."""
import itertools
import pickle
import warnings

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")


def close(want, got, tolerance=1e-9):
    assert str(got.dtype) == str(want.dtype) and tuple(got.shape) == tuple(want.shape)
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), tolerance, tolerance)


def doubles(t, values, **options):
    return t.tensor(values, dtype=t.float64, **options)


# ------------------------------------------------------------------------------------------------------- constraints

CONSTRAINTS = {
    "boolean": lambda c, t: c.boolean, "real": lambda c, t: c.real, "positive": lambda c, t: c.positive,
    "nonnegative": lambda c, t: c.nonnegative, "unit_interval": lambda c, t: c.unit_interval,
    "nonnegative_integer": lambda c, t: c.nonnegative_integer, "positive_integer": lambda c, t: c.positive_integer,
    "interval": lambda c, t: c.interval(-1.0, 2.0), "half_open_interval": lambda c, t: c.half_open_interval(-1.0, 2.0),
    "integer_interval": lambda c, t: c.integer_interval(0, 2), "greater_than": lambda c, t: c.greater_than(1.0),
    "greater_than_eq": lambda c, t: c.greater_than_eq(1.0), "less_than": lambda c, t: c.less_than(1.0),
    "real_vector": lambda c, t: c.real_vector, "simplex": lambda c, t: c.simplex, "one_hot": lambda c, t: c.one_hot,
    "multinomial": lambda c, t: c.multinomial(3), "independent": lambda c, t: c.independent(c.positive, 1),
    "cat": lambda c, t: c.cat([c.positive, c.real], dim=-1, lengths=[1, 2]),
    "stack": lambda c, t: c.stack([c.positive, c.real, c.unit_interval], dim=-1),
    "square": lambda c, t: c.square, "symmetric": lambda c, t: c.symmetric,
    "lower_triangular": lambda c, t: c.lower_triangular, "lower_cholesky": lambda c, t: c.lower_cholesky,
    "corr_cholesky": lambda c, t: c.corr_cholesky, "positive_definite": lambda c, t: c.positive_definite,
    "positive_semidefinite": lambda c, t: c.positive_semidefinite,
}
VALUES = [
    [[-1.0, 0.0, 1.0], [2.0, 0.5, float("nan")]], [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]],
    [[1.0, 2.0, 0.0], [3.0, 1.0, -1.0]],
    [[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.6, 0.8]], [[2.0, 0.5, 0.1], [0.5, 1.0, -0.2], [0.1, -0.2, 1.5]]],
    [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]], [[[1.0, 2.0], [2.0, 1.0]]],
]


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(name):
    theirs, ours = (CONSTRAINTS[name](t.distributions.constraints, t) for t in (torch, tapegrad))
    assert repr(theirs) == repr(ours)
    assert (theirs.event_dim, theirs.is_discrete) == (ours.event_dim, ours.is_discrete)
    for values in VALUES:
        if name in ("cat", "stack") and len(values[-1]) != 3:
            continue
        try:
            want = theirs.check(doubles(torch, values))
        except (RuntimeError, ValueError, AssertionError):
            continue
        got = ours.check(doubles(tapegrad, values))
        assert want.tolist() == got.tolist() and str(got.dtype) == "torch.bool"


def test_dependent_constraints():
    c = tapegrad.distributions.constraints
    assert c.is_dependent(c.dependent) and not c.is_dependent(c.real)
    with pytest.raises(ValueError, match="Cannot determine validity of dependent constraint"):
        c.dependent.check(tapegrad.zeros(1))
    with pytest.raises(NotImplementedError, match="cannot be determined statically"):
        _ = c.dependent.event_dim
    assert c.dependent(event_dim=1).event_dim == 1
    assert tapegrad.distributions.Uniform.support.event_dim == 0
    assert c.is_dependent(tapegrad.distributions.Uniform.support)


# -------------------------------------------------------------------------------------------------------- transforms

TRANSFORMS = {  # a map, and values of its domain
    "Abs": (lambda d, t: d.AbsTransform(), [[-1.0, 0.5]]),
    "Affine": (lambda d, t: d.AffineTransform(doubles(t, [0.0, 1.0]), doubles(t, [-2.0, 3.0])),
               [[-1.0, 0.5], [2.0, 1.0]]),
    "Affine numbers": (lambda d, t: d.AffineTransform(1.0, -2.0), [[-1.0, 0.5]]),
    "Affine event": (lambda d, t: d.AffineTransform(doubles(t, [0.0, 1.0]), doubles(t, [-2.0, 3.0]), event_dim=1),
                     [[-1.0, 0.5], [2.0, 1.0]]),
    "Cat": (lambda d, t: d.CatTransform([d.ExpTransform(), d.AffineTransform(1.0, 2.0)], dim=-1, lengths=[1, 2]),
            [[-1.0, 0.5, 2.0], [0.0, 1.0, 2.0]]),
    "Compose": (lambda d, t: d.ComposeTransform([d.AffineTransform(1.0, 2.0), d.ExpTransform()]), [[-1.0, 0.5]]),
    "Compose of vectors": (lambda d, t: d.ComposeTransform([d.ExpTransform(), d.AffineTransform(0.0, 0.5),
                                                            d.StickBreakingTransform()]), [[-1.0, 0.5], [1.0, 2.0]]),
    "Compose none": (lambda d, t: d.ComposeTransform([]), [[-1.0, 0.5]]),
    "CorrCholesky": (lambda d, t: d.CorrCholeskyTransform(), [[-1.0, 0.5, 0.3], [0.2, 0.1, 2.0]]),
    "CumulativeDistribution": (lambda d, t: d.CumulativeDistributionTransform(
        d.Normal(doubles(t, 0.5), doubles(t, 2.0))), [[-1.0, 0.5]]),
    "Exp": (lambda d, t: d.ExpTransform(), [[-1.0, 0.5]]),
    "Independent": (lambda d, t: d.IndependentTransform(d.ExpTransform(), 1), [[-1.0, 0.5], [1.0, 2.0]]),
    "LowerCholesky": (lambda d, t: d.LowerCholeskyTransform(), [[[1.0, 0.5], [0.3, -1.0]]]),
    "PositiveDefinite": (lambda d, t: d.PositiveDefiniteTransform(), [[[1.0, 0.5], [0.3, -1.0]]]),
    "Power": (lambda d, t: d.PowerTransform(doubles(t, [2.0, -0.5])), [[1.0, 0.5], [2.0, 3.0]]),
    "Reshape": (lambda d, t: d.ReshapeTransform((4,), (2, 2)), [[1.0, 2.0, 3.0, 4.0]]),
    "Sigmoid": (lambda d, t: d.SigmoidTransform(), [[-1.0, 0.5]]),
    "Softmax": (lambda d, t: d.SoftmaxTransform(), [[-1.0, 0.5, 2.0]]),
    "Softplus": (lambda d, t: d.SoftplusTransform(), [[-1.0, 0.5, 3.0]]),
    "Stack": (lambda d, t: d.StackTransform([d.ExpTransform(), d.SigmoidTransform()], dim=-1),
              [[-1.0, 0.5], [0.0, 1.0]]),
    "StickBreaking": (lambda d, t: d.StickBreakingTransform(), [[-1.0, 0.5, 2.0], [0.0, 1.0, 2.0]]),
    "Tanh": (lambda d, t: d.TanhTransform(), [[-1.0, 0.5]]),
}


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name, inverted):
    make, values = TRANSFORMS[name]
    found = []
    for t in (torch, tapegrad):
        f = make(t.distributions, t)
        x = doubles(t, values, requires_grad=True)
        if inverted:
            x, f = f(x).detach().requires_grad_(), f.inv
        y = f(x)
        parts = [y, f.inv(y)]
        try:
            parts.append(f.log_abs_det_jacobian(x, y))
        except NotImplementedError:
            parts.append(None)
        for part in parts[:1] + parts[2:]:
            if part is not None and part.requires_grad:
                weights = t.arange(1, part.numel() + 1, dtype=t.float64).reshape(part.shape)
                parts.append(t.autograd.grad((part * weights).sum(), x, retain_graph=True, allow_unused=True)[0])
        try:
            sign = f.sign
        except NotImplementedError:
            sign = None
        facts = [f.bijective, repr(f), f.domain.event_dim, f.codomain.event_dim, f.inv.inv is f,
                 tuple(f.forward_shape(tuple(x.shape))), tuple(f.inverse_shape(tuple(y.shape))), f == f,
                 sign.tolist() if isinstance(sign, t.Tensor) else sign]
        found.append((parts, facts))
    (wanted, facts), (got, ours) = found
    assert facts == ours
    for p, q in zip(wanted, got):
        assert (p is None) == (q is None)
        if p is not None:
            close(p, q, 1e-8)


def test_caches():
    d = tapegrad.distributions
    plain, cached = d.ExpTransform(), d.ExpTransform(cache_size=1)
    x = tapegrad.tensor([0.3])
    assert cached.inv(cached(x)) is x and plain.inv(plain(x)) is not x
    assert plain.with_cache(1)._cache_size == 1 and cached.with_cache(1) is cached
    both = d.ComposeTransform([d.ExpTransform(), d.AffineTransform(1.0, 2.0)], cache_size=1)
    assert both.inv(both(x)) is x
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        d.ExpTransform(cache_size=2)
    assert isinstance(pickle.loads(pickle.dumps(plain)), d.ExpTransform)


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_registries(registry, name):
    found = []
    for t in (torch, tapegrad):
        try:
            f = getattr(t.distributions, registry)(CONSTRAINTS[name](t.distributions.constraints, t))
        except NotImplementedError as error:
            found.append((str(error), None))
            continue
        x = doubles(t, [[[0.3, -0.2, 0.5], [1.0, 0.1, -0.7], [0.2, 0.2, 0.2]]])
        found.append((repr(f), f(x)))
    assert found[0][0] == found[1][0]
    if found[0][1] is not None:
        close(found[0][1], found[1][1])


# ------------------------------------------------------------------------------------------------------- divergences

FAMILIES = {
    "Bernoulli": lambda d, t, k: d.Bernoulli(doubles(t, [0.3, [0.6, 0.8][k]])),
    "Beta": lambda d, t, k: d.Beta(doubles(t, [0.5 + k, 2.0]), doubles(t, [1.5, 3.0])),
    "Binomial": lambda d, t, k: d.Binomial(5, doubles(t, [0.3, 0.4 + 0.2 * k])),
    "Categorical": lambda d, t, k: d.Categorical(doubles(t, [[0.2, 0.3, 0.5], [0.1 + k, 0.1, 0.8]])),
    "Cauchy": lambda d, t, k: d.Cauchy(doubles(t, [0.0, 1.0 + k]), doubles(t, [1.0, 0.5])),
    "ContinuousBernoulli": lambda d, t, k: d.ContinuousBernoulli(doubles(t, [0.3, 0.6 + 0.2 * k])),
    "Dirichlet": lambda d, t, k: d.Dirichlet(doubles(t, [[0.5, 1.5, 2.0 + k], [3.0, 1.0, 1.0]])),
    "Exponential": lambda d, t, k: d.Exponential(doubles(t, [0.5 + k, 2.0])),
    "Gamma": lambda d, t, k: d.Gamma(doubles(t, [0.5 + k, 2.0]), doubles(t, [1.5, 3.0])),
    "Geometric": lambda d, t, k: d.Geometric(doubles(t, [0.3, 0.6 + 0.2 * k])),
    "Gumbel": lambda d, t, k: d.Gumbel(doubles(t, [0.0, 1.0 + k]), doubles(t, [1.0, 0.5])),
    "HalfNormal": lambda d, t, k: d.HalfNormal(doubles(t, [1.0, 0.5 + k])),
    "Independent": lambda d, t, k: d.Independent(d.Normal(doubles(t, [0.0, 1.0 + k]), doubles(t, [1.0, 0.5])), 1),
    "Laplace": lambda d, t, k: d.Laplace(doubles(t, [0.0, 1.0 + k]), doubles(t, [1.0, 0.5])),
    "LogNormal": lambda d, t, k: d.LogNormal(doubles(t, [0.0, 1.0 + k]), doubles(t, [1.0, 0.5])),
    "LowRankMultivariateNormal": lambda d, t, k: d.LowRankMultivariateNormal(
        doubles(t, [0.0, 1.0 + k]), doubles(t, [[1.0], [0.5]]), doubles(t, [1.0, 2.0 + k])),
    "MultivariateNormal": lambda d, t, k: d.MultivariateNormal(
        doubles(t, [[0.0, 1.0 + k]] * 2), doubles(t, [[1.0 + k, 0.3], [0.3, 2.0]])),
    "Normal": lambda d, t, k: d.Normal(doubles(t, [0.0, 1.0 + k]), doubles(t, [1.0, 0.5])),
    "OneHotCategorical": lambda d, t, k: d.OneHotCategorical(doubles(t, [[0.2, 0.3, 0.5], [0.1 + k, 0.1, 0.8]])),
    "Pareto": lambda d, t, k: d.Pareto(doubles(t, [1.0, 2.0 - k]), doubles(t, [2.5, 3.0])),
    "Poisson": lambda d, t, k: d.Poisson(doubles(t, [0.5, 2.0 + k])),
    "Uniform": lambda d, t, k: d.Uniform(doubles(t, [0.1, 1.5 - k]), doubles(t, [0.9, 2.5 + k])),
    "Wishart": lambda d, t, k: d.Wishart(doubles(t, 4.0 + k), doubles(t, [[1.0 + k, 0.3], [0.3, 2.0]])),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_divergences(name):
    """From this family to every other, and to another of its own."""
    for other in FAMILIES:
        found = []
        for t in (torch, tapegrad):
            p, q = FAMILIES[name](t.distributions, t, 0), FAMILIES[other](t.distributions, t, 1)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found.append(t.distributions.kl_divergence(p, q))
            except NotImplementedError as error:
                found.append(type(error))
        want, got = found
        if isinstance(want, type):
            assert got is want, other
        elif torch.isinf(want).all():
            assert tapegrad.isinf(got).all(), other
        else:
            close(want, got, 1e-8)


def test_divergence_gradients():
    for name, other in itertools.product(("Normal", "Gamma", "Beta", "Uniform"), ("Normal", "Gumbel", "Exponential")):
        found = []
        for t in (torch, tapegrad):
            d = t.distributions
            a, b = doubles(t, [0.6], requires_grad=True), doubles(t, [1.3], requires_grad=True)
            q = d.Exponential(b) if other == "Exponential" else getattr(d, other)(a, b)
            try:
                kl = d.kl_divergence(getattr(d, name)(a, b), q)
                found.append(t.autograd.grad(kl.sum(), (a, b), allow_unused=True) if kl.requires_grad else ())
            except NotImplementedError:
                found.append(())
        for want, got in zip(*found):
            if want is not None and torch.isfinite(want).all():
                close(want, got, 1e-7)


def test_register_kl():
    d = tapegrad.distributions

    class Mine(d.Normal):
        pass

    @d.register_kl(Mine, Mine)
    def _mine(p, q):
        return tapegrad.tensor(7.0)

    assert d.kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0)).item() == 7
    assert d.kl_divergence(Mine(0.0, 1.0), d.Normal(0.0, 1.0)).item() == 0
    with pytest.raises(NotImplementedError, match=r"No KL\(p \|\| q\) is implemented for p type Laplace"):
        d.kl_divergence(d.Laplace(0.0, 1.0), d.Cauchy(0.0, 1.0))
    with pytest.raises(TypeError, match="Expected type_p to be a Distribution subclass"):
        d.register_kl(3, Mine)

    class Alike:  # a library's own root of distributions
        def __init__(self, loc):
            self.loc = loc

    @d.register_kl(Alike, d.Distribution)
    def _alike(p, q):
        return tapegrad.tensor(p.loc)

    assert d.kl_divergence(Alike(3.0), Mine(0.0, 1.0)).item() == 3


# ------------------------------------------------------------------------------------------------------- made of others

COMPOSED = {
    "Independent": lambda d, t: d.Independent(d.Normal(doubles(t, [[0.0, 1.0], [2.0, 3.0]]), 1.0), 1),
    "Independent twice": lambda d, t: d.Independent(d.Independent(d.Normal(doubles(t, [[0.0, 1.0]]), 1.0), 1), 1),
    "Independent nothing": lambda d, t: d.Independent(d.Bernoulli(doubles(t, [0.3, 0.4])), 0),
    "Transformed": lambda d, t: d.TransformedDistribution(
        d.Normal(doubles(t, [0.0, 1.0]), 1.0), [d.AffineTransform(1.0, -2.0), d.SigmoidTransform()]),
    "Transformed vectors": lambda d, t: d.TransformedDistribution(
        d.Normal(doubles(t, [0.0, 1.0]), 1.0), [d.AffineTransform(1.0, -2.0), d.StickBreakingTransform()]),
    "Transformed and broadcast": lambda d, t: d.TransformedDistribution(
        d.Normal(doubles(t, 0.0), 1.0), d.AffineTransform(doubles(t, [1.0, 2.0]), doubles(t, 2.0))),
    "Mixture": lambda d, t: d.MixtureSameFamily(
        d.Categorical(doubles(t, [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])),
        d.Normal(doubles(t, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]), doubles(t, [[1.0, 2.0, 3.0]] * 2))),
    "Mixture of vectors": lambda d, t: d.MixtureSameFamily(
        d.Categorical(logits=doubles(t, [0.2, 0.3])),
        d.Independent(d.Normal(doubles(t, [[0.0, 1.0], [3.0, 4.0]]), 1.0), 1)),
    "Mixture of counts": lambda d, t: d.MixtureSameFamily(
        d.Categorical(doubles(t, [0.2, 0.3])), d.Poisson(doubles(t, [1.0, 9.0]))),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed(name):
    made = [COMPOSED[name](t.distributions, t) for t in (torch, tapegrad)]
    for theirs, ours in (made, [d.expand((3, *d.batch_shape)) for d in made]):
        assert (theirs.batch_shape, theirs.event_shape) == (ours.batch_shape, ours.event_shape)
        assert repr(theirs) == repr(ours) and theirs.has_rsample == ours.has_rsample
        p, q = theirs.support, ours.support
        assert (p.event_dim, p.is_discrete) == (q.event_dim, q.is_discrete)
        for t in (torch, tapegrad):
            t.manual_seed(4)
        x, y = theirs.sample((5,)), ours.sample((5,))
        close(x, y)
        close(theirs.log_prob(x), ours.log_prob(y))
        for of in ("mean", "variance", "mode"):
            try:
                want = getattr(theirs, of)
            except NotImplementedError:
                with pytest.raises(NotImplementedError):
                    getattr(ours, of)
            else:
                close(want, getattr(ours, of))
        for call in (lambda d, v: d.cdf(v), lambda d, v: d.entropy(), lambda d, v: d.rsample((2,))):
            try:
                want = call(theirs, x)
            except (NotImplementedError, RuntimeError):
                continue
            close(want, call(ours, y))


# ------------------------------------------------------------------------------------------------- programs and errors

def program(t):
    """What programs do: a class of their own, a constraint of their own, a map for it, wrong arguments."""
    from importlib import import_module

    d = import_module(f"{t.__name__}.distributions")
    import_module(f"{t.__name__}.distributions.normal")
    constraints = d.constraints

    class Shifted(d.Distribution):
        arg_constraints = {"loc": constraints.real}  # noqa: RUF012
        support = constraints.real
        has_rsample = True

        def __init__(self, loc, validate_args=None):
            (self.loc,) = d.utils.broadcast_all(loc)
            super().__init__(self.loc.size(), validate_args=validate_args)

        def rsample(self, sample_shape=t.Size()):  # noqa: B008
            return t.rand(self._extended_shape(sample_shape)) + self.loc

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return t.zeros(value.shape)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Shifted, _instance)
            new.loc = self.loc.expand(batch_shape)
            super(Shifted, new).__init__(batch_shape, validate_args=False)
            new._validate_args = self._validate_args
            return new

    class Even(constraints.Constraint):
        is_discrete = True

        def check(self, value):
            return value % 2 == 0

    d.biject_to.register(Even, lambda c: d.AffineTransform(0.0, 2.0))
    t.manual_seed(0)
    shifted = Shifted(t.tensor([1.0, 2.0]))
    yield repr(shifted), shifted.sample((2,)).tolist(), shifted.expand((3, 2)).sample().tolist()
    yield shifted.log_prob(t.zeros(2)).tolist(), d.Independent(shifted, 1).log_prob(t.zeros(2)).tolist()
    yield repr(Even()), d.biject_to(Even())(t.tensor(3.0)).item()
    policy = d.Categorical(logits=t.tensor([[0.1, 0.2, 0.3]]))
    action = policy.sample()
    yield action.tolist(), policy.log_prob(action).item(), policy.entropy().item()
    q = d.Normal(t.zeros(2, requires_grad=True), t.ones(2))
    yield d.kl.kl_divergence(q, d.Normal(0.0, 2.0)).sum().item(), q.rsample().requires_grad, q.sample().requires_grad
    yield d.normal.Normal is d.Normal, d.transform_to(d.Normal.arg_constraints["scale"])(t.tensor(0.0)).item()
    lazy = d.MultivariateNormal(t.zeros(2), scale_tril=t.eye(2))
    yield lazy.covariance_matrix.tolist(), lazy.precision_matrix.tolist(), lazy.variance.tolist()
    yield d.Normal(0.0, 1.0).sample().shape, d.Normal(0, 1).mean.dtype.itemsize, d.Uniform(0, 2).mean.item()
    for call in (
        lambda: Shifted("a"), lambda: Shifted(t.tensor(float("nan"))), lambda: shifted.log_prob(t.zeros(3)),
        lambda: shifted.log_prob(1.0), lambda: shifted.mean, lambda: shifted.entropy(), lambda: shifted.mode,
        lambda: d.Uniform(1.0, 0.0), lambda: d.Normal(0.0, -1.0), lambda: d.Normal(t.zeros(2), t.tensor([1.0, -1.0])),
        lambda: d.Uniform(0.0, 1.0).log_prob(t.tensor(2.0)), lambda: d.Bernoulli(probs=0.5, logits=0.2),
        lambda: d.Bernoulli(), lambda: d.Categorical(t.tensor(1.0)), lambda: d.Chi2(-1.0), lambda: d.Geometric(0.0),
        lambda: d.Beta(-1.0, 1.0), lambda: d.Multinomial(2.5, t.ones(2)), lambda: d.MultivariateNormal(t.zeros(2)),
        lambda: d.MultivariateNormal(t.tensor(0.0), t.eye(2)), lambda: d.MultivariateNormal(t.zeros(2), -t.eye(2)),
        lambda: d.MultivariateNormal(t.zeros(2), scale_tril=t.ones(2)), lambda: d.Dirichlet(t.tensor(1.0)),
        lambda: d.Categorical(t.tensor([0.5, 0.5])).log_prob(t.tensor(2)), lambda: d.Normal(0.0, 1.0).expand((2,)).x,
        lambda: d.Dirichlet(t.ones(3)).log_prob(t.zeros(2)), lambda: d.Independent(d.Normal(0.0, 1.0), 1),
        lambda: d.TransformedDistribution(d.Normal(0.0, 1.0), 3), lambda: d.VonMises(0.0, 1.0).rsample(),
        lambda: d.TransformedDistribution(d.Normal(0.0, 1.0), [3]), lambda: d.LKJCholesky(1), lambda: d.Poisson(-1.0),
        lambda: d.TransformedDistribution(d.Normal(0.0, 1.0), d.StickBreakingTransform()),
        lambda: d.Wishart(1.0, t.eye(3)), lambda: d.Binomial(t.tensor([2.0, 3.0]), 0.5).enumerate_support(),
        lambda: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(0.0, 1.0)), lambda: d.biject_to(constraints.boolean),
        lambda: d.MixtureSameFamily(d.Categorical(t.ones(3)), d.Normal(t.zeros(2), 1.0)),
        lambda: d.ReshapeTransform((2,), (3,)), lambda: d.Distribution.set_default_validate_args(3),
        lambda: d.Distribution(validate_args=False).sample(), lambda: d.biject_to.register(3, None)(4),
    ):
        try:
            yield repr(call())
        except Exception as error:
            told = str(error).replace("tapegrad", "torch").split(" at 0x")[0].split("\n")[0]
            yield type(error).__name__, " ".join(told.split())


def alike(want, got):
    if isinstance(want, (list, tuple)):
        assert len(want) == len(got)
        for p, q in zip(want, got):
            alike(p, q)
    elif isinstance(want, float):
        assert got == pytest.approx(want, 1e-5, nan_ok=True)
    else:
        assert got == (" ".join(want.split()) if isinstance(want, str) else want)


def test_program():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for want, got in itertools.zip_longest(program(torch), program(tapegrad)):
            alike(want, got)


def test_nothing_is_loaded_before_it_is_used():
    import subprocess
    import sys

    script = "import sys, tapegrad; sys.exit('tapegrad.distributions' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_slopes_of_drawn_numbers():
    """To PyTorch's accuracy, which is four digits; their own derivatives are refused, as there."""
    random = np.random.default_rng(0)
    a, b = np.exp(random.uniform(-3, 7, (2, 2000)))
    z = random.gamma(a)
    x = random.beta(a, b).clip(1e-12, 1 - 1e-9)
    for name, given, tolerance in (("_standard_gamma_grad", (a, z), 1e-3), ("_dirichlet_grad", (x, a, a + b), 5e-3)):
        want, got = (getattr(t, name)(*(t.tensor(v) for v in given)).numpy() for t in (torch, tapegrad))
        np.testing.assert_allclose(got, want, tolerance)
        assert getattr(tapegrad, name)(*(tapegrad.tensor(v[0]).float() for v in given)).dtype is tapegrad.float32
    for draw in (tapegrad._standard_gamma, tapegrad._sample_dirichlet):
        shapes = tapegrad.tensor([0.5, 2.0], requires_grad=True)
        (g,) = tapegrad.autograd.grad(draw(shapes).square().sum(), shapes, create_graph=True)
        with pytest.raises(NotImplementedError, match=r"the derivative for '.*_grad' is not implemented"):
            g.sum().backward()


@pytest.mark.parametrize("name", ["gammainc", "gammaincc"])
def test_incomplete_gamma_functions(name):
    found = []
    for t in (torch, tapegrad):
        a, x = doubles(t, [[0.5, 2.0, 30.0]]), doubles(t, [[0.0], [0.3], [25.0]], requires_grad=True)
        y = getattr(t.special, name)(a, x)
        (g,) = t.autograd.grad(y[1:].sum(), x, create_graph=True)
        found += [(y, g, t.autograd.grad(g.sum(), x)[0][1:], getattr(t, name.replace("gammainc", "igamma"))(a, x))]
        with pytest.raises(NotImplementedError, match=r"the derivative for 'igamma.*: input' is not implemented"):
            getattr(t.special, name)(a.requires_grad_(), x).sum().backward()
    for want, got in zip(*found):
        close(want, got, 1e-8)
