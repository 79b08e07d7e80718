"""`call.update`: one kernel over parameters and their state, where these lie alike; it leaves all others alone."""
import numpy as np
import pytest

import tapegrad as torch
from tapegrad import dtypes
from tapegrad.machine.live import machine
from tapegrad.optim.pointwise import compiled


def rule(p, g, m, *, rate, half):
    m = m * rate + g
    return p - (m / 2 if half else m), m


def apply(tensors, rate=0.5, half=True, first=0, times=1):
    d = tensors[0].dtype
    kernel = compiled(rule, d, 1, {"rate": rate, "half": half})
    return machine.call.update(kernel, d.id, d.itemsize, 3, 2, tensors, (rate,), first, times)


def made(*shape, dtype=torch.float32):
    return torch.randn(shape, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0), (5,), (7, 9), (2, 3, 4, 5), (200_003,)], ids=str)
def test_results_are_the_rule_on_arrays(shape, dtype):
    p, m, g = (made(*shape, dtype=dtype) for _ in range(3))
    arrays = (np.atleast_1d(t.numpy().copy()) for t in (p, g, m))  # an array of no axes has rules of its own in NumPy 1
    expected = rule(*arrays, rate=np.asarray(0.5, dtype.numpy), half=True)
    before = p._version
    assert apply([p, m, g]) == 3
    for found, wanted in zip((p, m), expected):
        np.testing.assert_array_equal(np.atleast_1d(found.numpy()), wanted)
    assert (p._version, m._version, g._version) == (before + 1, before + 1, before)


def test_threads_change_nothing():
    threads = torch.get_num_threads()
    try:
        results = []
        for n in (1, 2, 4):
            torch.set_num_threads(n)
            torch.manual_seed(0)
            tensors = [made(100_001) for _ in range(3)]
            apply(tensors)
            results.append(tensors[0].numpy())
        assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])
    finally:
        torch.set_num_threads(threads)


def test_a_dense_order_of_axes_is_one_loop_too():
    p, m, g = (made(4, 3).t() for _ in range(3))
    assert apply([p, m, g]) == 3


overlapping = made(8)
REFUSED = {
    "gaps": lambda: [made(8)[::2] for _ in range(3)],
    "expanded": lambda: [made(1).expand(4) for _ in range(3)],
    "other order": lambda: [made(3, 4).t(), made(4, 3), made(4, 3)],
    "other shape": lambda: [made(4), made(4), made(5)],
    "other dtype": lambda: [made(4), made(4), made(4, dtype=torch.float64)],
    "no tensor": lambda: [made(4), made(4), None],
    "a number": lambda: [made(4), 0.5, made(4)],
    "overlapping": lambda: [overlapping[:6], made(6), overlapping[1:7]],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_lie_alike_is_left(kind):
    tensors = REFUSED[kind]()
    before = [t.numpy().copy() for t in tensors if isinstance(t, torch.Tensor)]
    good = [made(2) for _ in range(3)]
    assert apply([*good, *tensors, *good]) == 3
    assert apply([*good, *tensors, *good], first=6) == 9
    for t, b in zip([t for t in tensors if isinstance(t, torch.Tensor)], before):
        np.testing.assert_array_equal(t.numpy(), b)


def test_the_gradient_may_be_the_parameter_itself():
    p, m = torch.tensor([2.0, 4.0]), torch.zeros(2)
    assert apply([p, m, p]) == 3
    assert p.tolist() == [1.0, 2.0] and m.tolist() == [2.0, 4.0]


def test_a_number_that_is_none_raises():
    with pytest.raises(TypeError):
        machine.call.update(compiled(rule, dtypes.float32, 1, {"rate": 0.5, "half": True}), dtypes.float32.id, 4, 3, 2,
                            [made(2) for _ in range(3)], ("x",), 0)
