"""Operations on lists of tensors: each tensor's own operation, checked before any is written to."""
import pytest

import tapegrad as torch
from tapegrad import foreach

NAMES = sorted(name.removeprefix("_foreach_") for name in vars(torch) if name.startswith("_foreach_"))
BASES = sorted({name.removesuffix("_") for name in NAMES} - {"copy", "zero"} | {"copy_", "zero_"})


def tensors(requires_grad=False):
    return [torch.tensor(values, requires_grad=requires_grad) for values in ([0.5, 0.25], [[0.75]], 0.5)]


def test_every_form_has_a_name():
    assert sorted(foreach._FORMS) == BASES


@pytest.mark.parametrize("name", foreach._UNARY.split())
def test_of_one_list(name):
    given = tensors()
    found = getattr(torch, f"_foreach_{name}")(given)
    assert isinstance(found, tuple)
    for x, y in zip(given, found):
        torch.testing.assert_close(y, getattr(x, name)(), equal_nan=True)
    assert getattr(torch, f"_foreach_{name}_")(given) is given
    for x, y in zip(given, found):
        torch.testing.assert_close(x, y, equal_nan=True)


REFUSED = {
    "add_ of shapes": ("add_", lambda x: (x, [x[0], torch.ones(3), x[2]]), RuntimeError, "broadcast"),
    "add_ of lengths": ("add_", lambda x: (x, x[:2]), RuntimeError, "the same number of tensors, got 3 and 2"),
    "mul_ of numbers": ("mul_", lambda x: (x, [1.0]), RuntimeError, "same number of elements as scalar list"),
    "nothing": ("sqrt_", lambda x: ([],), RuntimeError, "at least one tensor"),
    "a tensor": ("sqrt_", lambda x: (x[0],), TypeError, "invalid combination"),
    "a number among tensors": ("add_", lambda x: (x, [*x[:2], 3]), TypeError, "expected Tensor as element 2"),
    "an axis": ("add_", lambda x: (x, torch.ones(2)), RuntimeError, "0 dim but it has 1 dimensions"),
    "factors": ("addcmul_", lambda x: (x, x, x, torch.ones(2)), RuntimeError, "length of scalars"),
    "a leaf": ("mul_", lambda x: ([*x[:2], torch.ones(1, requires_grad=True)], 2), RuntimeError, "leaf Variable"),
    "whole numbers": ("mul_", lambda x: ([*x[:2], torch.ones(1, dtype=torch.int32)], 0.5), RuntimeError, "result type"),
}


@pytest.mark.parametrize("name, given, error, words", REFUSED.values(), ids=list(REFUSED))
def test_nothing_is_written_where_one_is_refused(name, given, error, words):
    x = tensors()
    with pytest.raises(error, match=words):
        getattr(torch, f"_foreach_{name}")(*given(x))
    assert [v.tolist() for v in x] == [v.tolist() for v in tensors()] and all(v._version == 0 for v in x)


def test_gradients_flow():
    x = tensors(requires_grad=True)
    norms = torch._foreach_norm(torch._foreach_mul(x, [1.0, 2.0, 3.0]))
    torch.autograd.backward(torch._foreach_pow(2, norms), [torch.ones(())] * 3)
    for v, k in zip(x, (1.0, 2.0, 3.0)):
        y = v.detach().requires_grad_()
        (2 ** (y * k).norm()).backward()
        torch.testing.assert_close(v.grad, y.grad)


def adam(weights, gradients, first, second, step):
    """As optimisers on lists are written."""
    torch._foreach_lerp_(first, gradients, 0.1)
    torch._foreach_mul_(second, 0.999)
    torch._foreach_addcmul_(second, gradients, gradients, value=0.001)
    below = torch._foreach_div(second, 1 - 0.999 ** step)
    torch._foreach_sqrt_(below)
    torch._foreach_add_(below, 1e-8)
    torch._foreach_addcdiv_(weights, first, below, value=-0.1 / (1 - 0.9 ** step))


@pytest.mark.parametrize("compiled", [False, True])
def test_an_optimiser_on_lists(compiled):
    weights = [torch.ones(3), torch.full((2, 2), 2.0)]
    usual = [w.clone().requires_grad_() for w in weights]
    optimizer = torch.optim.Adam(usual, lr=0.1)
    first, second = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    update = torch.compile(adam) if compiled else adam
    for step in range(1, 9):
        gradients = [w * k for k, w in enumerate(weights, 1)]
        for w, g in zip(usual, gradients):
            w.grad = g.clone()
        optimizer.step()
        update(weights, gradients, first, second, step)
        for w, v in zip(weights, usual):
            torch.testing.assert_close(w, v.detach(), rtol=1e-5, atol=1e-6)


def test_what_copies_of_optimisers_import():
    """A step as optimisers have it that began as copies."""
    from tapegrad.optim.optimizer import (
        Optimizer,
        _default_to_fused_or_foreach,
        _get_scalar_dtype,
        _get_value,
        _use_grad_for_differentiable,
        _view_as_real,
    )

    class Descent(Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr, "differentiable": False})

        @_use_grad_for_differentiable
        def step(self):
            self._cuda_graph_capture_health_check()
            assert not torch.is_grad_enabled()
            for group in self.param_groups:
                gradients = [p.grad for p in group["params"]]
                _view_as_real(group["params"], gradients)
                grouped = Optimizer._group_tensors_by_device_and_dtype([group["params"], gradients], with_indices=True)
                for (ps, gs), places in grouped.values():
                    assert len(ps) == len(places)
                    torch._foreach_add_(ps, gs, alpha=-_get_value(torch.tensor(group["lr"])))

    assert _default_to_fused_or_foreach([], False) == (False, False) and _get_scalar_dtype() is torch.float32
    weights = [torch.ones(2, requires_grad=True), torch.ones(1, dtype=torch.float64, requires_grad=True)]
    (2 * weights[0].sum() + 3 * weights[1].sum()).backward()
    Descent(weights, 0.5).step()
    assert [w.tolist() for w in weights] == [[0, 0], [-0.5]]
    with pytest.raises(ImportError):
        from tapegrad.optim.optimizer import _nothing_of_the_kind  # noqa: F401
