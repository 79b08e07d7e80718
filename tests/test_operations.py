"""Every operation of the registry against its own definition: values, adjoints, and adjoints of adjoints.

The slow interpreter (`machine.reference`) says what a rule means; finite differences say whether the rule is right.
Each test runs over all samples of an operation (`registry.samples`) and names the one that failed.
"""
from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from registry import CASES, DIFFERENTIABLE, OPERATIONS, Operand, case_id, dtypes_of, samples

import tapegrad
from tapegrad import autograd
from tapegrad.machine import reference

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
operation = pytest.mark.parametrize("op", OPERATIONS, ids=case_id)
differentiable = pytest.mark.parametrize("op", DIFFERENTIABLE, ids=case_id)
case = pytest.mark.parametrize("op, dtype", CASES, ids=case_id)


def assert_close(found, expected, tolerance, said):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, said
    if found.dtype == expected.dtype and found.tobytes() == expected.tobytes():  # most are, and this is soon seen
        return
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=repr(said))


@operation
def test_has_samples(op):
    """An operation that nothing is known about fails here: tell `registry.py` what to call it with."""
    assert samples(op, tapegrad.float64)


@case
def test_value(op, dtype):
    """The kernel computes what the rule says, in the dtype it says, whatever the operands' layouts."""
    for sample in samples(op, dtype):
        expected = reference.forward(op, sample.arrays, sample.attributes)
        with tapegrad.no_grad():
            found = sample.run(sample.tensors())
        assert found.dtype.numpy == expected.dtype, sample
        assert_close(found.numpy(), expected, TOLERANCE.get(expected.dtype.name, 0), sample)


@pytest.mark.parametrize("dtype", [tapegrad.float32, tapegrad.float64], ids=case_id)
@differentiable
def test_gradient_is_the_rule(op, dtype):
    """The adjoint kernels compute what the adjoint rule says, singular points included."""
    for sample in samples(op, dtype):
        expected_out = reference.forward(op, sample.arrays, sample.attributes)
        if expected_out.dtype.kind != "f":
            continue
        g = np.random.default_rng(0).standard_normal(expected_out.shape).astype(expected_out.dtype)
        leaves, out = run(sample)
        found = autograd.grad(out, [x for x in leaves if wanted(x)], from_numpy(g), allow_unused=True)
        rule = reference.adjoint(op, g, sample.arrays, expected_out, sample.attributes)
        expected = [e for x, e in zip(leaves, rule) if wanted(x)]
        for f, e, x in zip(found, expected, filter(wanted, leaves)):
            assert f is None or f.dtype is x.dtype, sample
            if f is not None or (e is not None and e.any()):
                assert_close(f.numpy(), e, 4 * TOLERANCE[dtype.name], sample)


def wanted(x):
    return isinstance(x, tapegrad.Tensor) and x.requires_grad


def from_numpy(array):
    return tapegrad.tensor(array)


def run(sample, arrays=None, requires_grad=True):
    """The leaves and the result; an in-place operation writes on a copy of its leaf."""
    if arrays is not None:
        sample = sample._replace(operands=tuple(Operand(a, o.layout) if isinstance(o, Operand) and a is not None else o
                                                for a, o in zip(arrays, sample.operands)))
    leaves = sample.tensors(requires_grad)
    operands = list(leaves)
    if sample.op.inplace_of is not None:
        operands[0] = operands[0].clone()
    return leaves, sample.run(operands)


class Direction:
    """A sample in float64 with a random direction u through its operands and a random cotangent v of its result."""

    def __init__(self, sample, shape, seed=0):
        self.sample = sample._replace(operands=tuple(  # a perturbed operand is not a repeated one
            o._replace(layout="contiguous") if isinstance(o, Operand) and o.layout == "expanded" else o
            for o in sample.operands))
        rng = np.random.default_rng(seed)
        self.u = [rng.standard_normal(o.array.shape) if isinstance(o, Operand) and o.array.dtype.kind == "f" else None
                  for o in sample.operands]
        self.v = rng.standard_normal(shape)

    def moved(self, step):
        return [None if u is None else a + step * u for a, u in zip(self.sample.arrays, self.u)]

    def value(self, step):
        """⟨v, f(x + step u)⟩"""
        with tapegrad.no_grad():
            _, out = run(self.sample, self.moved(step), requires_grad=False)
        return float(np.vdot(self.v, out.numpy()))

    def gradients(self, step=0.0, create_graph=False):
        """The leaves at x + step u and Jᵀ v there."""
        leaves, out = run(self.sample, self.moved(step))
        leaves = [x for x in leaves if wanted(x)]
        found = autograd.grad(out, leaves, from_numpy(self.v), create_graph=create_graph, allow_unused=True)
        return leaves, [tapegrad.zeros_like(x) if g is None else g for x, g in zip(leaves, found)]

    def along(self, arrays, directions=None):
        """⟨arrays, u⟩"""
        return sum(float(np.vdot(u, a)) for u, a in zip([u for u in self.u if u is not None], arrays))


def slope(f, step):
    """The central difference of fourth order."""
    return (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step)


@functools.cache
def directions(op):
    """A direction for each sample in float64 at which the operation is smooth: several tests ask for them."""
    values = [(s, reference.forward(op, s.arrays, s.attributes)) for s in samples(op, tapegrad.float64) if s.smooth]
    return [Direction(s, value.shape) for s, value in values if value.dtype == np.float64 and np.isfinite(value).all()]


@differentiable
def test_gradient_is_the_derivative(op):
    """⟨Jᵀ v, u⟩ is the slope of ⟨v, f⟩ along u."""
    for at in directions(op):
        _, found = at.gradients()
        expected = slope(at.value, 1e-4)
        assert math.isclose(at.along([g.numpy() for g in found]), expected, rel_tol=1e-7, abs_tol=1e-7), at.sample


@differentiable
def test_adjoint_is_the_transpose(op):
    """⟨v, J u⟩ = ⟨Jᵀ v, u⟩, with J u from differentiating Jᵀ v by v."""
    for at in directions(op):
        leaves, out = run(at.sample)
        leaves = [x for x in leaves if wanted(x)]
        v = from_numpy(np.zeros_like(at.v)).requires_grad_()
        pulled = autograd.grad(out, leaves, v, create_graph=True, allow_unused=True)
        used = [(p, u) for p, u in zip(pulled, [u for u in at.u if u is not None]) if p is not None and p.requires_grad]
        if not used:
            continue
        (pushed,) = autograd.grad([p for p, _ in used], v, [from_numpy(u) for _, u in used], allow_unused=True)
        along = 0.0 if pushed is None else float(np.vdot(at.v, pushed.numpy()))  # None: of a zero that a number decides
        _, found = at.gradients()
        assert math.isclose(along, at.along([g.numpy() for g in found]), rel_tol=1e-9,
                            abs_tol=1e-9), at.sample


@differentiable
def test_tangent_is_the_transpose(op):
    """⟨v, J u⟩ = ⟨Jᵀ v, u⟩, with J u derived from the declaration where it can be."""
    for at in directions(op):
        out = reference.forward(op, at.sample.arrays, at.sample.attributes)
        pushed = reference.tangent(op, at.u, at.sample.arrays, out, at.sample.attributes)
        if pushed is None:
            continue
        _, found = at.gradients()
        assert math.isclose(float(np.vdot(at.v, pushed)), at.along([g.numpy() for g in found]), rel_tol=1e-9,
                            abs_tol=1e-9), at.sample


@differentiable
def test_second_derivative(op):
    """The gradient of ⟨Jᵀ v, w⟩ along u is its slope along u."""
    for at in directions(op):
        w = [np.random.default_rng(1).standard_normal(u.shape) for u in at.u if u is not None]

        def first(step, at=at, w=w):
            _, found = at.gradients(step)
            return sum(float(np.vdot(a, g.numpy())) for a, g in zip(w, found))

        leaves, found = at.gradients(create_graph=True)
        used = [(g, from_numpy(a)) for g, a in zip(found, w) if g.requires_grad]
        second = autograd.grad([g for g, _ in used], leaves, [a for _, a in used], allow_unused=True) if used else ()
        along = [u for u in at.u if u is not None]
        total = sum(float(np.vdot(u, s.numpy())) for u, s in zip(along, second) if s is not None)
        assert math.isclose(total, slope(first, 1e-4), rel_tol=1e-6, abs_tol=1e-6), at.sample


@pytest.mark.parametrize("op", [o for o in OPERATIONS if o.inplace_of is not None], ids=case_id)
def test_in_place_is_out_of_place(op):
    """`x.f_()` leaves in x what `x.f()` returns, bit for bit, in x's own dtype."""
    for dtype in dtypes_of(op):
        for sample in samples(op, dtype):
            expected = sample._replace(op=op.inplace_of).run(sample.tensors())
            x, *others = sample.tensors()
            version = x._version
            assert sample.run([x, *others]) is x, sample
            assert x._version == version + 1, sample
            np.testing.assert_array_equal(x.numpy(), expected.to(x.dtype).numpy(), err_msg=repr(sample))


# ---------------------------------------------------------------- against NumPy, rule by rule

NUMPY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "neg": np.negative, "abs": np.abs,
    "square": np.square, "reciprocal": lambda x: 1 / x, "pow": np.power, "exp": np.exp, "log": np.log, "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.where(x > 0, x, 0), "maximum": np.maximum, "minimum": np.minimum, "where": np.where,
    "clamp": np.clip, "lt": np.less, "le": np.less_equal, "eq": np.equal, "ne": np.not_equal, "gt": np.greater,
    "ge": np.greater_equal, "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not,
    "floor_divide": np.floor_divide, "remainder": np.remainder, "clone": np.copy,
    "sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "any": np.any, "all": np.all,
    "logsumexp": lambda x, axis: np.log(np.sum(np.exp(x), axis)),
    "softmax": lambda x, axis: np.exp(x) / np.sum(np.exp(x), axis, keepdims=True),
    "mm": np.dot, "mv": np.dot, "transpose": lambda x, dim0, dim1: np.swapaxes(x, dim0, dim1),
    "permute": lambda x, dims: np.transpose(x, dims), "view": lambda x, size: np.reshape(x, size),
    "expand": lambda x, size: np.broadcast_to(x, size), "unsqueeze": lambda x, dim: np.expand_dims(x, dim),
    "select": lambda x, dim, index: np.take(x, index, dim),
    "diagonal": lambda x, offset, dim1, dim2: np.diagonal(x, offset, dim1, dim2),
}


@pytest.mark.parametrize("name", NUMPY)
def test_value_is_numpys(name):
    op = next(o for o in OPERATIONS if o.name == name)
    for sample in samples(op, tapegrad.float64):
        given = {"axis" if k == "dim" and op.kind == "reduction" else k: v for k, v in sample.attributes.items()}
        if given.pop("keepdim", False) or 0 in np.shape(sample.arrays[0]):
            continue
        with np.errstate(all="ignore"):
            expected = NUMPY[name](*sample.arrays, **given)
        assert_close(sample.run(sample.tensors()).numpy(), expected, 1e-12, sample)


def test_unsupported_dtypes_say_so():
    for op in OPERATIONS:
        if op.kind == "elementwise" and op.arity == 1 and op.inplace_of is None and "b" not in op.accepts:
            with pytest.raises(RuntimeError):
                samples(op, tapegrad.float64)[0]._replace(operands=(Operand(np.array([True])),)).run(
                    [tapegrad.tensor([True])])
