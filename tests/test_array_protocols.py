"""The protocols of arrays: NumPy's ufuncs on tensors, arrays beside tensors, memory shared through DLPack."""
from __future__ import annotations

import gc
import operator
import warnings

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.functions.array_protocols import _OPERATIONS, _OPERATORS

UFUNCS = sorted([*_OPERATORS, *_OPERATIONS, "matmul"])


def operands(name):
    """Numbers in the domain of every ufunc of that name, whole ones where it takes no others."""
    ufunc = getattr(np, name)
    if name in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "invert", "gcd", "lcm"):
        x, y = np.array([1, 2, 3]), np.array([3, 1, 2])
    elif name == "ldexp":
        x, y = np.array([0.5, 1.5, 2.0]), np.array([1, 2, 3])
    else:
        x, y = np.array([0.25, 0.5, 0.75]), np.array([2.0, 0.5, 3.0])
        if name == "arccosh":
            x = x + 1
    return [x, y][:ufunc.nin]


@pytest.mark.parametrize("name", UFUNCS)
def test_a_ufunc_is_an_operation_on_tensors(name):
    arrays = operands(name)
    ufunc = getattr(np, name)
    wanted = ufunc(*arrays)
    found = ufunc(*map(torch.tensor, arrays))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)
    if len(arrays) == 2:
        for mixed in ((torch.tensor(arrays[0]), arrays[1]), (arrays[0], torch.tensor(arrays[1]))):
            found = ufunc(*mixed)
            assert isinstance(found, torch.Tensor)
            np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("name", [n for n in UFUNCS if operands(n)[0].dtype.kind == "f"])
def test_a_ufunc_is_recorded(name):
    arrays = operands(name)
    x = torch.tensor(arrays[0], requires_grad=True)
    found = getattr(np, name)(x, *arrays[1:])
    assert found.requires_grad == found.dtype.is_floating_point
    if name in ("heaviside", "floor_divide"):
        with pytest.raises(RuntimeError, match="not implemented"):
            found.sum().backward()
    elif found.requires_grad:
        found.sum().backward()
        assert x.grad.shape == x.shape


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.floordiv, operator.mod,
             operator.matmul, operator.eq, operator.lt, operator.ge]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda f: f.__name__)
def test_arrays_beside_tensors(op):
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])
    for x, y in ((a, torch.tensor(b)), (torch.tensor(a), b)):
        found = op(x, y)
        assert isinstance(found, torch.Tensor)
        np.testing.assert_allclose(found.numpy(), op(a, b))


def test_the_gradient_does_not_see_later_writes_to_the_array():
    a = np.array([1.0, 2.0])
    x = torch.ones(2, requires_grad=True, dtype=torch.float64)
    y = a * x
    a[:] = 0
    y.sum().backward()
    assert x.grad.tolist() == [1, 2]


SCALARS = [np.float64(2), np.float32(2), np.int64(2)]


@pytest.mark.parametrize("number", SCALARS, ids=lambda n: n.dtype.name)
def test_numpy_scalars_are_numbers(number):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert (number * x).dtype is (x * number).dtype is (number - x).dtype is torch.float32
    assert (number * x).tolist() == [2, 4]
    assert (number * torch.tensor([1, 2])).dtype is (torch.int64 if isinstance(number, np.int64) else torch.float32)


def test_what_is_no_operation_is_numpys():
    t = torch.tensor([1.5, 2.5])
    fraction, whole = np.modf(t)
    assert fraction.tolist() == [0.5, 0.5]
    assert whole.tolist() == [1, 2]
    assert isinstance(np.spacing(t), torch.Tensor)
    assert np.add.accumulate(t).tolist() == [1.5, 4]
    assert np.add.outer(t, t).shape == (2, 2)
    a = np.zeros(2)
    assert np.sin(t, out=a) is a
    assert a[0] == pytest.approx(np.sin(1.5))
    a += t
    np.add.at(a, [0, 0], torch.tensor(1.0))
    assert a[0] == pytest.approx(np.sin(1.5) + 3.5)
    with pytest.raises(RuntimeError, match="requires grad"):
        np.spacing(t.requires_grad_())
    with pytest.raises(TypeError, match="ArrayType"):
        np.sin(a, out=t)


def test_reductions_are_recorded():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert np.add.reduce(x).tolist() == [4, 6]
    assert np.add.reduce(x, axis=None).grad_fn is not None
    assert np.multiply.reduce(x, axis=1, keepdims=True).tolist() == [[2], [12]]
    assert np.maximum.reduce(x, axis=(0, 1)).item() == 4


def test_arrays_of_tensors():
    t = torch.tensor([1.0, 2.0])
    assert np.asarray(t).ctypes.data == t.data_ptr()
    assert np.array(t).ctypes.data != t.data_ptr()
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    if numpy_is("2.0.0"):  # before it, nobody can ask that nothing is copied
        assert np.asarray(t, copy=False).ctypes.data == t.data_ptr()
        with pytest.raises(ValueError, match="copy"):
            np.asarray(t, dtype=np.float64, copy=False)
    with pytest.raises(RuntimeError, match="requires grad"):
        np.asarray(t.requires_grad_())


REFUSED = [
    (lambda: np.arange(3)[::-1], ValueError, "stride in the given numpy array is negative"),
    (lambda: np.arange(3).astype(">i4"), ValueError, "byte order"),
    (lambda: np.zeros(3, dtype=[("a", "i2"), ("b", "f4")])["b"], ValueError, "strides not a multiple"),
    (lambda: np.array(["a"]), TypeError, "can't convert np.ndarray of type numpy.str_"),
    (lambda: np.array([object()]), TypeError, "can't convert np.ndarray of type numpy.object_"),
    (lambda: np.zeros(1, np.longdouble), TypeError, f"can't convert np.ndarray of type numpy.{np.longdouble.__name__}"),
]


@pytest.mark.parametrize("make, kind, words", REFUSED, ids=[r[2][:25] for r in REFUSED])
def test_arrays_that_no_tensor_can_share(make, kind, words):
    for function in (torch.from_numpy, torch.as_tensor, torch.tensor):
        with pytest.raises(kind, match=words):
            function(make())


def test_a_read_only_array_is_shared_with_a_warning():
    a = np.arange(3.0)
    a.flags.writeable = False
    with pytest.warns(UserWarning, match="The given NumPy array is not writable"):
        t = torch.from_numpy(a)
    assert t.data_ptr() == a.ctypes.data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.tensor(a).tolist() == [0, 1, 2]


# ---------------------------------------------------------------- DLPack

def numpy_is(version):
    return np.lib.NumpyVersion(np.__version__) >= version


def exported(make):
    """What can go through DLPack: NumPy passes bools from 1.25 on."""
    return numpy_is("1.25.0") or "bool" not in str(make().dtype)


TENSORS = [lambda: torch.arange(6.0).reshape(2, 3), lambda: torch.arange(6.0).reshape(2, 3).t(),
           lambda: torch.tensor(3), lambda: torch.arange(10)[1::2], lambda: torch.tensor([True, False]),
           lambda: torch.zeros(0, 3), lambda: torch.zeros(2, dtype=torch.uint8)]


@pytest.mark.parametrize("make", filter(exported, TENSORS))
def test_numpy_reads_a_tensor_through_dlpack(make):
    t = make()
    a = np.from_dlpack(t)
    assert a.shape == tuple(t.shape)
    assert a.dtype == t.numpy().dtype
    if t.numel():
        assert a.ctypes.data == t.data_ptr()
        assert a.strides == t.numpy().strides
    del t
    gc.collect()
    np.testing.assert_array_equal(a, make().numpy())


ARRAYS = [lambda: np.arange(6.0).reshape(2, 3), lambda: np.arange(6).reshape(2, 3)[:, ::2], lambda: np.full((), 3.0),
          lambda: np.array([True])]


@pytest.mark.parametrize("make", filter(exported, ARRAYS))
def test_a_tensor_on_numpys_memory_through_dlpack(make):
    a = make()
    t = torch.from_dlpack(a)
    assert t.data_ptr() == a.ctypes.data
    assert torch.from_dlpack(a, copy=True).data_ptr() != a.ctypes.data
    del a
    gc.collect()
    np.testing.assert_array_equal(t.numpy(), make())


def test_capsules_are_used_once():
    t = torch.ones(2)
    capsule = torch.to_dlpack(t)
    again = torch.from_dlpack(capsule)
    again[0] = 5
    assert t.tolist() == [5, 1]
    for wrong in (capsule, 3):
        with pytest.raises(RuntimeError, match="invalid capsule"):
            torch.from_dlpack(wrong)


def test_what_dlpack_refuses():
    t = torch.ones(2)
    assert t.__dlpack_device__() == (1, 0)
    shown = repr(t.__dlpack__(max_version=(1, 0), dl_device=(1, 0), copy=False))
    assert ("versioned" in shown) == numpy_is("2.1.0")
    with pytest.raises(BufferError, match="CPU only"):
        t.__dlpack__(dl_device=(2, 0))
    with pytest.raises(AssertionError, match="stream"):
        t.__dlpack__(stream=1)
    with pytest.raises(BufferError, match="Can't export tensors that require gradient"):
        np.from_dlpack(t.requires_grad_())
    with pytest.raises(TypeError, match="can't convert"):
        torch.from_dlpack(np.zeros(2, np.complex64))
    with pytest.raises(ValueError, match="negative"):
        torch.from_dlpack(np.arange(3)[::-1])
