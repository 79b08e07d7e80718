"""nn.utils and functional_call beside PyTorch."""
from __future__ import annotations

import copy
import pickle
import warnings

import pytest
from both import outcome, programs, refusal

import tapegrad

torch = pytest.importorskip("torch")


def linear(t, n=4, m=3):
    t.manual_seed(0)
    return t.nn.Linear(n, m)


def clipping_norms(t, x, w):
    u = t.nn.utils
    (x * x).sum().backward()
    w.grad = None
    seen = []
    for norm in (2, 1, float("inf"), 0.5):
        x.grad = t.tensor([3.0, 4.0, 0.0, -1.0])
        w.grad = t.tensor([1.0, -2.0])
        seen.append((u.clip_grad_norm_([x, w], 1.5, norm), x.grad, w.grad))
    small = u.clip_grad_norm_(x, 100.0), x.grad
    empty = u.clip_grad_norm_([], 1.0), u.get_total_norm([])
    x.grad = t.tensor([float("nan"), 0.0, 0.0, 0.0])
    refused = refusal(lambda: u.clip_grad_norm_([x, w], 1.0, error_if_nonfinite=True))
    x.grad = t.tensor([3.0, 4.0, 0.0, -1.0])
    u.clip_grad_value_([x, w], 0.5)
    u.clip_grads_with_norm_([x], 1.0, t.tensor(7.0))
    return seen, small, empty, refused, x.grad, w.grad, u.clip_grad_norm(x, 0.1), u.get_total_norm([x, w], 3.0)


def vectors(t, x, w):
    u = t.nn.utils
    m = linear(t)
    v = u.parameters_to_vector(m.parameters())
    (v * v).sum().backward()
    grad = m.weight.grad
    with t.no_grad():
        u.vector_to_parameters(v.detach() * 2, m.parameters())
    return v, grad, m.weight, m.bias, m.weight.is_leaf, refusal(lambda: u.vector_to_parameters([1], m.parameters()))


def packing(t, x, w):
    r = t.nn.utils.rnn
    batch = (t.arange(24.0).reshape(4, 3, 2) * x[0]).requires_grad_()
    seen = []
    for lengths, sort in (([4, 2, 1], True), ([1, 3, 3], False), (t.tensor([2, 4, 1]), False)):
        p = r.pack_padded_sequence(batch, lengths, enforce_sorted=sort)
        out, back = r.pad_packed_sequence(p, padding_value=-1.0, total_length=5)
        seen.append((p, out, back))
        q = r.pack_padded_sequence(batch.transpose(0, 1), lengths, batch_first=True, enforce_sorted=sort)
        seen.append((q.data, r.pad_packed_sequence(q, batch_first=True), list(r.unpack_sequence(q))))
        (out * out).sum().backward()
    return seen, x.grad


def packed_sequences_themselves(t, x, w):
    r = t.nn.utils.rnn
    p = r.pack_sequence([t.tensor([1, 2, 3]), t.tensor([4, 5])])
    q = r.pack_sequence([t.tensor([1]), t.tensor([4, 5])], enforce_sorted=False)
    return (repr(p), repr(q), repr(p.to(t.float64)), str(p.float().data.dtype), p.is_cuda, p.is_pinned(), p.cpu() is p,
            r.invert_permutation(t.tensor([2, 0, 1])), r.invert_permutation(None), isinstance(p, tuple),
            repr(r.PackedSequence(t.ones(2), t.tensor([1, 1]))), repr(copy.deepcopy(q)),
            repr(pickle.loads(pickle.dumps(p))))


def bad_packing(t, x, w):
    r = t.nn.utils.rnn
    batch = t.arange(24.0).reshape(4, 3, 2)
    p = r.pack_padded_sequence(batch, [4, 2, 1])
    return [refusal(f) for f in (
        lambda: r.pack_padded_sequence(batch, [1, 2, 3]), lambda: r.pack_padded_sequence(batch, [4, 2]),
        lambda: r.pack_padded_sequence(batch, [4, 2, 0]), lambda: r.pack_padded_sequence(batch[:, :0], []),
        lambda: r.pad_packed_sequence(p, total_length=2), lambda: r.pack_sequence([t.ones(2), t.ones(3)]),
        lambda: r.pad_sequence([]), lambda: r.pad_sequence(3), lambda: r.pad_sequence([x], padding_side="x"))]


def padding_lists(t, x, w):
    r = t.nn.utils.rnn
    several = [x, w, t.ones(1)]
    out = r.pad_sequence(several, padding_value=9.0)
    (out * out).sum().backward()
    other = r.pad_sequence([t.ones(2, 3), t.zeros(1, 3)], batch_first=True, padding_side="left", padding_value=-1.0)
    return out, x.grad, w.grad, other, r.unpad_sequence(other, t.tensor([1, 2]), batch_first=True)


def symmetric(t):
    class Symmetric(t.nn.Module):
        def forward(self, X):
            return X.triu() + X.triu(1).transpose(-1, -2)

        def right_inverse(self, A):
            return A.triu()

    return Symmetric()


def parametrized(t, x, w):
    p = t.nn.utils.parametrize
    m = linear(t, 4, 4)
    same = p.register_parametrization(m, "weight", symmetric(t)) is m
    said = repr(m), [n for n, _ in m.named_parameters()], list(m.state_dict()), type(m).__name__, p.is_parametrized(m)
    y = m(x)
    y.sum().backward()
    grad = m.parametrizations.weight.original.grad
    with t.no_grad():
        m.weight = t.arange(16.0).reshape(4, 4)
    assigned = m.weight
    with p.cached():
        once = m.weight is m.weight
    twin = copy.deepcopy(m)
    kinds = (p.type_before_parametrizations(m) is t.nn.Linear, p.is_parametrized(m, "weight"),
             p.is_parametrized(m, "bias"), isinstance(m, t.nn.Linear))
    refused = refusal(lambda: pickle.dumps(m)), refusal(lambda: p.register_parametrization(m, "zip", symmetric(t)))
    p.remove_parametrizations(m, "weight")
    return (same, said, y, grad, assigned, once, m.weight is m.weight, twin(x), kinds, refused, repr(m), m.weight,
            type(m).__name__, list(m.state_dict()), refusal(lambda: p.remove_parametrizations(m, "weight")))


def parametrized_twice_and_badly(t, x, w):
    p = t.nn.utils.parametrize

    class Double(t.nn.Module):
        def forward(self, X):
            return 2 * X

    class Half(t.nn.Module):
        def forward(self, X):
            return X[:2]

    class Wider(t.nn.Module):
        def forward(self, X):
            return X.double()

    m = linear(t, 4, 4)
    start = m.weight.detach().clone()
    p.register_parametrization(m, "weight", Double())
    p.register_parametrization(m, "weight", symmetric(t))
    p.register_parametrization(m, "bias", Double())
    refused = [refusal(lambda k=k: p.register_parametrization(m, "bias", k())) for k in (Half, Wider)]
    refused += [refusal(lambda k=k: p.register_parametrization(linear(t), "bias", k())) for k in (Half, Wider)]
    refused += [refusal(lambda: setattr(m, "bias", t.ones(4)))]
    other = linear(t, 4, 4)
    p.transfer_parametrizations_and_params(m, other)
    p.remove_parametrizations(m, "weight", leave_parametrized=False)
    unsafe = p.register_parametrization(linear(t), "bias", Half(), unsafe=True)
    return start, m.weight, m.bias, refused, other(x), list(other.state_dict()), unsafe.bias, list(m.state_dict())


def weight_norms(t, x, w):
    seen = []
    x = x.detach().double()
    for dim in (0, 1, None):
        m = t.nn.utils.parametrizations.weight_norm(linear(t).double(), dim=dim)
        y = m(x)
        y.sum().backward()
        seen.append((repr(m), y, list(m.state_dict()), [q.grad for q in m.parameters()], list(m.parameters())))
        old = t.nn.utils.weight_norm(linear(t).double(), dim=dim)
        z = old(x)
        z.sum().backward()
        seen.append((repr(old), z, list(old.state_dict()), [q.grad for q in old.parameters()]))
        m.load_state_dict(old.state_dict())
        seen.append(refusal(lambda old=old: t.nn.utils.weight_norm(old)))
        t.nn.utils.remove_weight_norm(old)
        seen.append((list(old.state_dict()), old(x), refusal(lambda old=old: t.nn.utils.remove_weight_norm(old))))
    conv = t.nn.utils.weight_norm(t.nn.Conv1d(2, 3, 2))
    return seen, list(conv.weight_g.shape), t.nn.utils.parametrize.remove_parametrizations(m, "weight").weight


def spectral_norms(t, x, w):
    m = t.nn.utils.parametrizations.spectral_norm(linear(t))
    first, second = m(x), m(x)
    second.sum().backward()
    m.eval()
    same = m(x)
    old = t.nn.utils.spectral_norm(linear(t), n_power_iterations=2)
    z = old(x)
    z.sum().backward()
    state = old.state_dict()
    t.nn.utils.spectral_norm(linear(t)).load_state_dict(state)
    refused = refusal(lambda: t.nn.utils.spectral_norm(old))
    t.nn.utils.remove_spectral_norm(old)
    t.manual_seed(1)
    conv = t.nn.utils.spectral_norm(t.nn.ConvTranspose1d(2, 3, 2))
    return (repr(m), first, second, same, m.state_dict(), [p.grad for p in m.parameters()], z, list(state), old(x),
            list(old.state_dict()), refused, list(conv.weight_u.shape),
            [refusal(f) for f in (lambda: t.nn.utils.parametrizations.spectral_norm(linear(t), "zip"),
                                  lambda: t.nn.utils.parametrizations.spectral_norm(linear(t), dim=7),
                                  lambda: t.nn.utils.parametrizations.spectral_norm(linear(t), n_power_iterations=0),
                                  lambda: t.nn.utils.remove_spectral_norm(linear(t)))])


def orthogonal_matrices(t, x, w):
    seen = []
    for n, m, how, trivial in ((4, 4, None, True), (4, 4, "cayley", True), (4, 2, None, True), (4, 4, "cayley", False),
                               (3, 4, "matrix_exp", False), (4, 3, "householder", False)):
        layer = linear(t, n, m)
        t.manual_seed(2)
        t.nn.utils.parametrizations.orthogonal(layer, orthogonal_map=how, use_trivialization=trivial)
        q = layer.weight
        (q * t.arange(float(q.numel())).reshape(q.shape)).sum().backward()
        product = q @ q.T if m <= n else q.T @ q
        near = bool(t.allclose(product, t.eye(min(n, m)), atol=1e-5))
        seen.append((near, list(layer.state_dict()), layer.parametrizations.weight.original.grad))
    return seen, [refusal(f) for f in (
        lambda: t.nn.utils.parametrizations.orthogonal(linear(t), "bias"),
        lambda: t.nn.utils.parametrizations.orthogonal(linear(t), orthogonal_map="zip"),
        lambda: t.nn.utils.parametrizations.orthogonal(linear(t), "zip"))]


def called_with_other_parameters(t, x, w):
    call = t.nn.utils.stateless.functional_call if t is tapegrad else t.func.functional_call
    m = linear(t)
    other = {"weight": (x * t.ones(3, 4)), "bias": t.zeros(3)}
    y = call(m, other, (t.ones(4),))
    y.sum().backward()
    plain = call(m, other, t.ones(4)), call(m, (other,), args=None, kwargs={"input": t.ones(4)})
    norm = t.nn.BatchNorm1d(2)
    buffers = {"running_mean": t.zeros(2)}
    call(norm, buffers, (t.ones(3, 2),))
    tied = t.nn.Sequential(t.nn.Linear(2, 2, bias=False), t.nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    return (y, x.grad, m.weight.grad, plain, m.weight, buffers, norm.running_mean,
            call(tied, {"0.weight": t.ones(2, 2)}, (t.ones(1, 2),)),
            [refusal(f) for f in (lambda: call(m, {"weight": x}, (x,), strict=True), lambda: call(m, {"a.b": x}, (x,)),
                                  lambda: call(m, [other, {"bias": x}], (x,)), lambda: call(m, [3], (x,)),
                                  lambda: call(m, 3, (x,)), lambda: call(m, {"weight": 3}, (x,)),
                                  lambda: call(tied, {"0.weight": t.ones(2, 2), "1.weight": t.ones(2, 2)}, (x,)))],
            [n for n, _ in m.named_parameters()], vars(m).get("nope"), call(m, {"nope": x}, (x,)).shape)


def stacked_modules(t, x, w):
    stack = t.nn.utils.stateless.stack_module_state if t is tapegrad else t.func.stack_module_state
    t.manual_seed(0)
    several = [t.nn.BatchNorm1d(2) for _ in range(3)]
    parameters, buffers = stack(several)
    frozen = t.nn.BatchNorm1d(2).requires_grad_(False)
    return (parameters, buffers, [p.is_leaf for p in parameters.values()], [refusal(f) for f in (
        lambda: stack([]), lambda: stack([linear(t), t.nn.Identity()]), lambda: stack([linear(t), linear(t).eval()]))],
        refusal(lambda: stack([several[0], frozen]))[0])


def without_initialisation(t, x, w):
    skip = t.nn.utils.skip_init
    t.manual_seed(0)
    m = skip(t.nn.Linear, 2, out_features=3)
    return (list(m.weight.shape), t.rand(2), refusal(lambda: skip(t.nn.ReLU)), refusal(lambda: skip(int)))


def fused_for_inference(t, x, w):
    t.manual_seed(0)
    fusion, found = t.nn.utils.fusion, []
    for layer, norm, shape in ((t.nn.Conv2d(1, 2, 3), t.nn.BatchNorm2d(2), (2, 1, 4, 4)),
                               (t.nn.Linear(3, 2, bias=False), t.nn.BatchNorm1d(2), (4, 3))):
        fuse = fusion.fuse_conv_bn_eval if isinstance(layer, t.nn.Conv2d) else fusion.fuse_linear_bn_eval
        found.append(refusal(lambda: fuse(layer, norm)))  # noqa: B023 - called at once
        given = t.ones(*shape).cumsum(-1)
        norm(layer(given))
        one = fuse(layer.eval(), norm.eval())
        found += [repr(one), one.weight, one.bias, t.allclose(one(given), norm(layer(given)), atol=1e-5)]
    return found


PROGRAMS = programs(globals())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_same(program):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, theirs = outcome(program, tapegrad), outcome(program, torch)
    assert mine == theirs
