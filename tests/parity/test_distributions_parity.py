"""Every family of distributions beside PyTorch's: outcomes, densities, moments, gradients, shapes, texts, refusals."""
import math
import warnings

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")

SPD = [[2.0, 0.5, 0.1], [0.5, 1.0, -0.2], [0.1, -0.2, 1.5]]
TRIL = [[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [-0.3, 0.1, 0.7]]
HALF = [0.3, 0.7]
ROWS = [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]
LOGITS = [[0.5, -1.0, 2.0], [0.0, 0.3, -0.2]]

# A family and its arguments: lists become tensors with gradients, ("whole", …) one without.
EXAMPLES = [
    ("Bernoulli", {"probs": HALF}), ("Bernoulli", {"logits": [[0.5], [-2.0]]}), ("Bernoulli", {"probs": 0.3}),
    ("Beta", {"concentration1": [0.5, 2.0], "concentration0": [[1.5], [3.0]]}),
    ("Beta", {"concentration1": 2.0, "concentration0": 3.0}),
    ("Binomial", {"total_count": 10, "probs": HALF}),
    ("Binomial", {"total_count": ("whole", [3.0, 7.0]), "logits": HALF}),
    ("Categorical", {"probs": ROWS}), ("Categorical", {"logits": LOGITS}), ("Categorical", {"probs": [1.0, 3.0]}),
    ("Cauchy", {"loc": [0.0, 1.0], "scale": [1.0, 0.5]}), ("Cauchy", {"loc": 0.0, "scale": 2.0}),
    ("Chi2", {"df": [1.0, 4.0]}), ("Chi2", {"df": 3.0}),
    ("ContinuousBernoulli", {"probs": [0.2, 0.5, 0.9]}), ("ContinuousBernoulli", {"logits": [0.5, -2.0]}),
    ("Dirichlet", {"concentration": [[0.5, 1.5, 2.0], [3.0, 1.0, 1.0]]}), ("Dirichlet", {"concentration": [2.0, 5.0]}),
    ("Exponential", {"rate": [0.5, 2.0]}), ("Exponential", {"rate": 1.5}),
    ("FisherSnedecor", {"df1": [3.0, 5.0], "df2": [6.0, 7.5]}),
    ("Gamma", {"concentration": [0.3, 2.0, 9.0], "rate": [1.0, 0.5, 2.0]}),
    ("Gamma", {"concentration": 2.0, "rate": 1.0}),
    ("GeneralizedPareto", {"loc": [0.0, 1.0, -1.0], "scale": [1.0, 2.0, 0.5], "concentration": [0.2, -0.3, 0.0]}),
    ("Geometric", {"probs": HALF}), ("Geometric", {"logits": [0.5, -1.0]}),
    ("Gumbel", {"loc": [0.0, 1.0], "scale": [1.0, 0.5]}), ("Gumbel", {"loc": 0.0, "scale": 2.0}),
    ("HalfCauchy", {"scale": [1.0, 0.5]}), ("HalfNormal", {"scale": [1.0, 0.5]}), ("HalfNormal", {"scale": 2.0}),
    ("InverseGamma", {"concentration": [2.5, 4.0], "rate": [1.0, 0.5]}),
    ("Kumaraswamy", {"concentration1": [0.5, 2.0], "concentration0": [1.5, 3.0]}),
    ("LKJCholesky", {"dim": 3, "concentration": [0.5, 2.0]}), ("LKJCholesky", {"dim": 2, "concentration": 1.0}),
    ("Laplace", {"loc": [0.0, 1.0], "scale": [1.0, 0.5]}), ("Laplace", {"loc": 0.0, "scale": 2.0}),
    ("LogNormal", {"loc": [0.0, 1.0], "scale": [1.0, 0.5]}), ("LogNormal", {"loc": 0.0, "scale": 2.0}),
    ("LogisticNormal", {"loc": [[0.0, 1.0], [2.0, 1.0]], "scale": [1.0, 0.5]}),
    ("LowRankMultivariateNormal", {"loc": [[0.0, 1.0, 2.0]] * 2, "cov_factor": [[1.0, 0.5], [0.2, 1.0], [0.0, 0.3]],
                                   "cov_diag": [0.5, 1.0, 2.0]}),
    ("Multinomial", {"total_count": 5, "probs": ROWS}), ("Multinomial", {"total_count": 3, "logits": LOGITS}),
    ("MultivariateNormal", {"loc": [0.0, 1.0, 2.0], "covariance_matrix": SPD}),
    ("MultivariateNormal", {"loc": [[0.0, 1.0, 2.0]] * 2, "scale_tril": TRIL}),
    ("MultivariateNormal", {"loc": [0.0, 1.0, 2.0], "precision_matrix": [SPD, SPD]}),
    ("NegativeBinomial", {"total_count": 5, "probs": HALF}),
    ("NegativeBinomial", {"total_count": [2.5], "logits": HALF}),
    ("Normal", {"loc": [0.0, 1.0], "scale": [[1.0], [0.5]]}), ("Normal", {"loc": 0.0, "scale": 1.0}),
    ("OneHotCategorical", {"probs": ROWS}), ("OneHotCategorical", {"logits": [0.5, -1.0, 2.0]}),
    ("OneHotCategoricalStraightThrough", {"probs": ROWS}),
    ("Pareto", {"scale": [1.0, 2.0], "alpha": [2.5, 3.0]}), ("Pareto", {"scale": 1.0, "alpha": 1.5}),
    ("Poisson", {"rate": [0.5, 20.0]}), ("Poisson", {"rate": 3.0}),
    ("RelaxedBernoulli", {"temperature": ("whole", 0.7), "probs": HALF}),
    ("RelaxedBernoulli", {"temperature": ("whole", 0.7), "logits": [0.5, -1.0]}),
    ("RelaxedOneHotCategorical", {"temperature": ("whole", 0.7), "probs": ROWS}),
    ("RelaxedOneHotCategorical", {"temperature": ("whole", 0.7), "logits": LOGITS}),
    ("StudentT", {"df": [2.5, 4.0, 0.8], "loc": 1.0, "scale": [1.0, 2.0, 0.5]}), ("StudentT", {"df": 3.0}),
    ("Uniform", {"low": [0.0, -1.0], "high": [1.0, 2.0]}), ("Uniform", {"low": 0.0, "high": 2.0}),
    ("VonMises", {"loc": [0.0, 1.0], "concentration": [0.5, 20.0]}),
    ("Weibull", {"scale": [1.0, 2.0], "concentration": [0.7, 1.5]}), ("Weibull", {"scale": 1.0, "concentration": 2.0}),
    ("Wishart", {"df": [5.0, 6.0], "covariance_matrix": SPD}), ("Wishart", {"df": 5.0, "scale_tril": TRIL}),
]
IDS = [f"{name} {', '.join(given)} {i}" for i, (name, given) in enumerate(EXAMPLES)]
DISCRETE = {"Bernoulli", "Binomial", "Categorical", "Geometric", "Multinomial", "NegativeBinomial",
            "OneHotCategorical", "Poisson"}


ONLY_FLOAT32 = {"GeneralizedPareto"}  # PyTorch compares its parameters with a float32 zero
ROUGH = {"VonMises": 1e-5}  # PyTorch's Bessel functions are polynomials good for float32


def tensors(t, given, dtype="float64"):
    of = getattr(t, dtype)
    made = {}
    for name, value in given.items():
        if isinstance(value, list):
            value = t.tensor(value, dtype=of, requires_grad=True)
        elif isinstance(value, tuple):
            value = t.tensor(value[1], dtype=of)
        elif isinstance(value, float) and any(isinstance(v, list) for v in given.values()):
            value = t.tensor(value, dtype=of)
        made[name] = value
    return made


def made(t, name, given, dtype="float64", **options):
    dtype = "float32" if name in ONLY_FLOAT32 else dtype
    arguments = tensors(t, given, dtype)
    return getattr(t.distributions, name)(**arguments, **options), arguments


def close(want, got, tolerance=1e-9):
    assert str(got.dtype) == str(want.dtype), (got.dtype, want.dtype)
    assert tuple(got.shape) == tuple(want.shape)
    if want.dtype == torch.float32:
        tolerance = max(tolerance, 2e-5)
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), tolerance, tolerance)


def outcome(call):
    try:
        return call()
    except (NotImplementedError, RuntimeError) as error:
        return type(error)


def same(want, got, tolerance=1e-9):
    if isinstance(want, type):
        assert got is want, (want, got)
    else:
        assert not isinstance(got, type), (want, got)
        close(want, got, tolerance)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name, given", EXAMPLES, ids=IDS)
def test_shapes_and_texts(name, given):
    theirs, ours = made(torch, name, given)[0], made(tapegrad, name, given)[0]
    for p, q in ((theirs, ours), *((d.expand((4, 5, *d.batch_shape)) for d in (theirs, ours)),)):
        assert tuple(p.batch_shape) == tuple(q.batch_shape)
        assert tuple(p.event_shape) == tuple(q.event_shape)
        assert (p.has_rsample, p.has_enumerate_support) == (q.has_rsample, q.has_enumerate_support)
        assert repr(p) == repr(q)
        assert {k: repr(v) for k, v in p.arg_constraints.items()} == {k: repr(v) for k, v in q.arg_constraints.items()}
        if not any(isinstance(v, torch.Tensor) for v in vars(p.support).values()):
            assert repr(p.support) == repr(q.support)
        assert (p.support.event_dim, p.support.is_discrete) == (q.support.event_dim, q.support.is_discrete)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, given", EXAMPLES, ids=IDS)
def test_outcomes(name, given, dtype):
    (theirs, _), (ours, _) = made(torch, name, given, dtype), made(tapegrad, name, given, dtype)
    for shape in ((), (7,), (2, 30)):
        for draw in ("sample", "rsample"):
            for t in (torch, tapegrad):
                t.manual_seed(11)
            want, got = (outcome(lambda d=d, shape=shape, draw=draw: getattr(d, draw)(shape)) for d in (theirs, ours))
            same(want, got, 1e-9 if dtype == "float64" else 1e-4)
            if not isinstance(want, type):
                assert want.requires_grad == got.requires_grad
            if name in DISCRETE and not isinstance(want, type):
                assert (want.numpy() == got.numpy()).all()
            assert torch.get_rng_state().numpy().tobytes() == tapegrad.get_rng_state().numpy().tobytes()


def gradients(t, found, arguments, value=None):
    leaves = [a for a in arguments.values() if isinstance(a, t.Tensor) and a.requires_grad]
    if value is not None:
        leaves.append(value)
    weights = t.arange(1, found.numel() + 1, dtype=found.dtype).reshape(found.shape)
    if not leaves or not found.requires_grad:
        return []
    return t.autograd.grad((found * weights).sum(), leaves, allow_unused=True)


def drawn(theirs):
    torch.manual_seed(5)
    with torch.no_grad():
        return theirs.sample((3,))


@pytest.mark.parametrize("name, given", EXAMPLES, ids=IDS)
def test_density(name, given):
    (theirs, a), (ours, b) = made(torch, name, given), made(tapegrad, name, given)
    x = drawn(theirs)
    flows = x.dtype.is_floating_point and name not in DISCRETE
    x = x.requires_grad_(flows)
    y = tapegrad.tensor(x.detach().numpy(), requires_grad=flows)
    want, got = theirs.log_prob(x), ours.log_prob(y)
    close(want, got, ROUGH.get(name, 1e-9))
    for p, q in zip(gradients(torch, want, a, x if flows else None), gradients(tapegrad, got, b, y if flows else None)):
        assert (p is None) == (q is None)
        if p is not None:
            close(p, q, ROUGH.get(name, 1e-7))


@pytest.mark.parametrize("of", ["mean", "mode", "variance", "stddev", "entropy", "perplexity", "enumerate_support"])
@pytest.mark.parametrize("name, given", EXAMPLES, ids=IDS)
def test_moments(name, given, of):
    (theirs, a), (ours, b) = made(torch, name, given), made(tapegrad, name, given)
    call = of in ("entropy", "perplexity", "enumerate_support")
    want, got = (outcome(lambda d=d: getattr(d, of)() if call else getattr(d, of)) for d in (theirs, ours))
    if (name, of) == ("Kumaraswamy", "mode"):  # NaN in PyTorch, always
        want = torch.tensor([math.nan, math.sqrt(1 / 5)], dtype=torch.float64)
    same(want, got, ROUGH.get(name, 1e-9))
    if of == "entropy" and not isinstance(want, type):
        for p, q in zip(gradients(torch, want, a), gradients(tapegrad, got, b)):
            assert (p is None) == (q is None)
            if p is not None:
                close(p, q, 1e-7)


@pytest.mark.parametrize("name, given", EXAMPLES, ids=IDS)
def test_distribution_functions(name, given):
    theirs, ours = made(torch, name, given)[0], made(tapegrad, name, given)[0]
    x = drawn(theirs)
    same(*(outcome(lambda d=d, v=v: d.cdf(v)) for d, v in ((theirs, x), (ours, tapegrad.tensor(x.numpy())))), 1e-8)
    axes = len(theirs.batch_shape + theirs.event_shape)
    u = torch.linspace(0.05, 0.95, 7, dtype=x.dtype if x.dtype.is_floating_point else torch.float64)
    u = u.reshape((7,) + (1,) * axes)
    same(*(outcome(lambda d=d, v=v: d.icdf(v)) for d, v in ((theirs, u), (ours, tapegrad.tensor(u.numpy())))), 1e-8)


@pytest.mark.parametrize("name, given", EXAMPLES, ids=IDS)
def test_expanded(name, given):
    found = []
    for t in (torch, tapegrad):
        d, _ = made(t, name, given)
        wide = d.expand((4, *d.batch_shape))
        t.manual_seed(3)
        x = wide.sample((2,))
        found.append((x, wide.log_prob(x)))
        assert tuple(x.shape) == (2, 4, *d.batch_shape, *d.event_shape)
    for want, got in zip(*found):
        close(want, got, ROUGH.get(name, 1e-8))


@pytest.mark.parametrize("name, given", EXAMPLES, ids=IDS)
def test_gradients_through_outcomes(name, given):
    (theirs, a), (ours, b) = made(torch, name, given), made(tapegrad, name, given)
    if not theirs.has_rsample:
        return
    for t in (torch, tapegrad):
        t.manual_seed(2)
    want, got = theirs.rsample((5,)), ours.rsample((5,))
    found = gradients(tapegrad, got, b)
    if name == "Wishart":  # PyTorch refuses the backward of what it has written over: by differences, then
        for leaf, gradient in zip([v for v in b.values() if isinstance(v, tapegrad.Tensor) and v.requires_grad], found):
            if leaf is b["df"]:  # what is drawn by rejection does not move as its share does
                continue
            shares = []
            for step in (1e-6, -1e-6):
                moved = {k: v.detach() + step * (v is leaf) if isinstance(v, tapegrad.Tensor) else v
                         for k, v in b.items()}
                tapegrad.manual_seed(2)
                x = tapegrad.distributions.Wishart(**moved, validate_args=False).rsample((5,))
                shares.append((x * tapegrad.arange(1, x.numel() + 1).reshape(x.shape)).sum().item())
            np.testing.assert_allclose(gradient.sum().item(), (shares[0] - shares[1]) / 2e-6, 1e-4)
        return
    implicit = {"Beta", "Dirichlet", "Gamma", "Chi2", "StudentT", "FisherSnedecor", "InverseGamma"}
    for p, q in zip(gradients(torch, want, a), found):
        assert (p is None) == (q is None)
        if p is not None:
            close(p, q, 2e-3 if name in implicit else 1e-7)
