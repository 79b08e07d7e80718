"""`vmap`: what its levels leave behind, custom functions, compiled ones, and sweeps with many cotangents."""
from __future__ import annotations

import threading
import warnings

import pytest

import tapegrad as torch
from tapegrad import dispatch
from tapegrad.autograd import Function
from tapegrad.func import grad, hessian, jacfwd, jacrev

vmap = torch.vmap


def test_nobody_pays_while_no_level_is_open():
    vmap(torch.sin)(torch.ones(3))
    assert dispatch.lanes is None
    with pytest.raises(ZeroDivisionError):
        vmap(lambda a: 1 / 0)(torch.ones(3))
    assert dispatch.lanes is None


OF_A_BATCH = [lambda k, z: k * 2, lambda k, z: z * k, lambda k, z: k.sum(), lambda k, z: k.exp(), lambda k, z: k[0],
              lambda k, z: k.reshape(-1), lambda k, z: torch.stack([z, k]), lambda k, z: k.clone(),
              lambda k, z: z.add_(k), lambda k, z: k.add_(z), lambda k, z: k.numpy(), lambda k, z: k.tolist(),
              lambda k, z: k.view(3, 1), lambda k, z: k.detach(), lambda k, z: float(k[0]), lambda k, z: k == z]


@pytest.mark.parametrize("use", range(len(OF_A_BATCH)))
def test_a_tensor_of_a_batch_is_of_no_use_afterwards(use):
    """Also where native code has learnt what to do with tensors of that layout."""
    z, kept = torch.ones(3), []
    vmap(lambda a: kept.append(a) or a)(torch.ones(5, 3))
    for _ in range(4):
        OF_A_BATCH[use](z, z)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            OF_A_BATCH[use](kept[0], z)
    assert torch.equal(z, torch.full((3,), float(z[0])))


def test_other_threads_are_not_in_a_batch():
    found = []

    def f(a):
        other = threading.Thread(target=lambda: found.append(torch.rand(2).sum().item()))
        other.start()
        other.join()
        return a * 2

    vmap(f)(torch.ones(3))
    assert len(found) == 1


def test_what_is_recorded_is_the_batch():
    """One node an operation, whatever the batch."""
    x = torch.ones(100, 3, requires_grad=True)
    y = vmap(lambda a: (a * a).sum())(x)
    assert type(y.grad_fn).__name__ == "SumBackward1"
    assert y.grad_fn.next_functions[0][0].name() == "MulBackward0"


def test_one_by_one_warns_once():
    from tapegrad.lanes import one_by_one

    one_by_one._warned.discard("bincount")
    x = torch.tensor([[0, 1], [1, 1]])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            found = vmap(lambda a: torch.bincount(a, minlength=2))(x)
    assert found.tolist() == [[1, 1], [0, 2]]
    assert [str(w.message) for w in told if "bincount" in str(w.message)] == [
        "There is a performance drop because we have not yet implemented the batching rule for bincount."]


# ---------------------------------------------------------------- custom functions


class Cube(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x, w):
        return x ** 3 * w

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return 3 * x ** 2 * w * g, (x ** 3 * g).sum_to_size(w.shape)


def cube(x, w):
    return x ** 3 * w


@pytest.mark.parametrize("dims", [(0, None), (None, 0), (0, 0)])
def test_a_generated_rule(dims):
    x, w = (torch.randn(*((4, 3) if d == 0 else (3,)), requires_grad=True) for d in dims)

    def results(own):
        first = vmap(grad(lambda a, b: own(a, b).sum(), argnums=(0, 1)), in_dims=dims)(x, w)
        found = [vmap(own, in_dims=dims)(x, w), *first]
        return found + [g for y in found for g in torch.autograd.grad(
            y.sum(), (x, w), retain_graph=True, allow_unused=True)]

    for a, b in zip(results(Cube.apply), results(cube), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("derived", [
    lambda f: vmap(jacrev(f)), lambda f: jacrev(vmap(f)), lambda f: jacfwd(vmap(jacrev(f))),
    lambda f: vmap(jacrev(lambda x: vmap(jacrev(f))(torch.stack([x, 2 * x])))),
    lambda f: vmap(jacrev(jacrev(lambda x: (x * f(x)).sum())))])
@pytest.mark.parametrize("samples", [2, 3])
def test_a_generated_rule_where_cotangents_have_lanes_of_their_own(derived, samples):
    x, w = torch.randn(samples, 3), torch.randn(3)
    torch.testing.assert_close(derived(lambda x: Cube.apply(x, w))(x), derived(lambda x: cube(x, w))(x))


def test_a_rule_of_its_own():
    class Double(Function):
        @staticmethod
        def forward(x, k):
            return x * k

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.k = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.k, None

        @staticmethod
        def vmap(info, in_dims, x, k):
            told.append((info.batch_size, info.randomness, in_dims))
            return Double.apply(x.movedim(in_dims[0], 1), k), 1

    told = []
    x = torch.randn(5, 3, requires_grad=True)
    y = vmap(lambda a: Double.apply(a, 2))(x)
    torch.testing.assert_close(y, x * 2)
    y.sum().backward()
    torch.testing.assert_close(x.grad, torch.full((5, 3), 2.0))
    assert told == [(5, "error", (0, None))]
    both = vmap(vmap(lambda a: Double.apply(a, 2)))(torch.ones(2, 3, 4))
    torch.testing.assert_close(both, torch.full((2, 3, 4), 2.0))


def test_functions_without_a_rule_are_refused():
    class Plain(Function):
        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

    class Old(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(RuntimeError, match="You tried to vmap over Plain, but it does not have vmap support"):
        vmap(Plain.apply)(torch.ones(3))
    with pytest.raises(RuntimeError, match="it must override the setup_context staticmethod"):
        vmap(Old.apply)(torch.ones(3))


# ---------------------------------------------------------------- many cotangents, and gradients of gradients


def test_many_cotangents_go_through_one_sweep():
    x, w = torch.randn(3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    y = torch.tanh(w @ x)
    runs = []
    y.register_hook(lambda g: runs.append(tuple(g.shape)))
    several = torch.eye(4)
    for create_graph in (False, True):
        found = torch.autograd.grad(y, (x, w), several, is_grads_batched=True, retain_graph=True,
                                    create_graph=create_graph)
        each = [torch.autograd.grad(y, (x, w), e, retain_graph=True, create_graph=create_graph) for e in several]
        for j, g in enumerate(found):
            torch.testing.assert_close(g, torch.stack([gs[j] for gs in each]))
            assert g.requires_grad == create_graph
    assert runs.count((4,)) == 2 * (1 + 4)
    second = torch.autograd.grad(found[0].sum(), w, retain_graph=True)[0]
    torch.testing.assert_close(second, torch.autograd.grad(sum(g[0].sum() for g in each), w)[0])


def test_what_a_rule_does_is_learnt_for_all_that_decides_it():
    """Operands that are one tensor or two, numbers, and what is asked for."""
    several = torch.tensor([[1.0, 2.0], [3.0, -1.0]])

    def check(y, by):
        found = torch.autograd.grad(y, by, several, is_grads_batched=True, retain_graph=True)
        each = [torch.autograd.grad(y, by, e, retain_graph=True) for e in several]
        for j, g in enumerate(found):
            torch.testing.assert_close(g, torch.stack([gs[j] for gs in each]))

    for _ in range(2):
        x, y = torch.randn(2, requires_grad=True), torch.rand(2, requires_grad=True)
        for a, b in ((x, x), (x, y), (y, x), (several[0], x), (x, several[0])):
            z = a / b
            check(z, [w for w in (x, y) if w is a or w is b])
            if a.requires_grad and a is not b and b.requires_grad:
                check(z, [b])
        for number in (2.5, 3.5, 2, 3):
            check(x * number, [x])
            check(number / y, [y])
            check(y ** number, [y])
            check((x + number)[[1, 0]], [x])


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 5])
def test_chunks_change_no_value(chunk_size):
    x = torch.randn(5, 3)
    torch.testing.assert_close(vmap(torch.sin, chunk_size=chunk_size)(x), x.sin())
    torch.testing.assert_close(vmap(torch.sin, in_dims=1, out_dims=1, chunk_size=chunk_size)(x), x.sin())
    torch.testing.assert_close(jacrev(lambda a: a ** 2, chunk_size=chunk_size)(x[0]), torch.diag(2 * x[0]))


def test_transforms_in_any_order():
    x, w = torch.randn(4, 3), torch.randn(3)

    def f(a):
        return (a * w).sin() * a.sum()

    each = torch.stack([jacrev(f)(a) for a in x])
    torch.testing.assert_close(vmap(jacrev(f))(x), each)
    torch.testing.assert_close(vmap(jacfwd(f))(x), each)
    whole = jacrev(vmap(f))(x)
    torch.testing.assert_close(torch.stack([whole[i, :, i] for i in range(4)]), each)
    second = torch.stack([hessian(lambda b: f(b).sum())(a) for a in x])
    torch.testing.assert_close(vmap(hessian(lambda b: f(b).sum()))(x), second)
    torch.testing.assert_close(vmap(jacfwd(jacrev(lambda b: f(b).sum())))(x), second)


def test_a_gradient_by_what_a_batch_shares_is_refused():
    w = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="have in common"):
        vmap(lambda a: torch.autograd.grad((a * w).sum(), w)[0])(torch.ones(2, 3))


# ---------------------------------------------------------------- compiled


def test_compiled_functions_and_batches():
    w = torch.randn(3)
    functions = [lambda x: vmap(lambda a: (a * w).sin().sum())(x),
                 lambda x: vmap(grad(lambda a: (a * w).sin().sum()))(x),
                 lambda x: vmap(lambda a: a + torch.rand(3), randomness="different")(x)]
    for f in functions:
        compiled = torch.compile(f)
        for i in range(5):
            x = torch.randn(4, 3)
            torch.manual_seed(i)
            wanted = f(x)
            torch.manual_seed(i)
            torch.testing.assert_close(compiled(x), wanted)
    inner = torch.compile(lambda a, b: (a * b).sin())
    for _ in range(5):
        x, y = torch.randn(4, 3, requires_grad=True), torch.randn(3)
        inner(y, y)
        torch.testing.assert_close(vmap(inner, in_dims=(0, None))(x, y), (x * y).sin())
        z = inner(x, y)
        (found,) = torch.autograd.grad(z, x, torch.ones(2, 4, 3), is_grads_batched=True)
        torch.testing.assert_close(found, ((x * y).cos() * y).expand(2, 4, 3))


@pytest.mark.parametrize("function", [lambda x: x ** 2, lambda x: torch.pow(x, 0.5), lambda x: 2.0 ** x,
                                      lambda x: torch.pow(2, x), lambda x: x.where(x > 1, 0.0), lambda x: 2 - x])
def test_a_number_of_each_lane_is_a_tensor_where_a_form_takes_one(function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.vmap(function)(torch.arange(3.0)).tolist() == function(torch.arange(3.0)).tolist()
