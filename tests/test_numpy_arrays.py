"""`numpy()`: an array on a tensor's memory, which lives as long as either does."""
from __future__ import annotations

import gc

import numpy as np
import pytest

import tapegrad as torch
from tapegrad import dtypes

NUMBERS = [d for d in dtypes.ALL if d is not dtypes.bfloat16]  # that NumPy has

LAYOUTS = {
    "whole": lambda x: x, "transposed": lambda x: x.t(), "every other": lambda x: x[:, ::2], "a row": lambda x: x[1],
    "an element": lambda x: x[1, 2], "spread": lambda x: x[:, :1].expand(3, 4), "empty": lambda x: x[:0],
    "many axes": lambda x: x.reshape([1] * 20 + [12]), "of a part": lambda x: x[1:, 1:].unsqueeze(0),
}


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
@pytest.mark.parametrize("lies", LAYOUTS.values(), ids=LAYOUTS)
def test_what_it_shows(lies, dtype):
    x = lies(torch.arange(12).reshape(3, 4).to(dtype))
    for _ in range(2):  # the first of a layout, and another
        array = x.numpy()
        assert type(array) is np.ndarray and array.dtype == dtype.numpy and array.shape == tuple(x.shape)
        assert array.strides == tuple(s * x.element_size() for s in x.stride()) or not array.size
        assert array.tolist() == x.tolist() and array.flags.writeable and array.flags.aligned
        assert not array.size or array.__array_interface__["data"][0] == x.data_ptr()


def test_writes_are_seen_both_ways():
    x = torch.zeros(2, 3)
    array = x.numpy()
    array[0, 1] = 5
    assert x[0, 1] == 5
    x.add_(1)
    x[1] = 7
    assert array.tolist() == [[1, 6, 1], [7, 7, 7]]
    assert x._version == 2, "what NumPy writes is not counted"


def test_it_keeps_the_memory():
    arrays = [torch.full((1000,), float(i)).numpy() for i in range(50)]
    views = [(torch.arange(1000.0) + i)[10:20].numpy() for i in range(50)]
    gc.collect()
    others = [torch.zeros(1000) for _ in range(100)]
    assert all((a == i).all() for i, a in enumerate(arrays)) and len(others) == 100
    assert all(a[0] == 10 + i for i, a in enumerate(views))
    slices = [a[5:] for a in arrays]
    del arrays
    gc.collect()
    assert all((a == i).all() for i, a in enumerate(slices))


def test_memory_is_given_back():
    from tapegrad.machine.live import machine

    def rows():
        for _ in range(1000):
            torch.ones(3).numpy()
        gc.collect()
        return int(machine.state["n_buffers"][0])

    assert rows() == rows()


def test_data_moved_elsewhere():
    x = torch.ones(3)
    array = x.numpy()
    x.data = torch.zeros(3)
    x.add_(2)
    assert array.tolist() == [1, 1, 1] and x.numpy().tolist() == [2, 2, 2]


def test_what_requires_grad_is_refused():
    x = torch.ones(3, requires_grad=True)
    for y in (x, x * 2, x[1:], x.view(3, 1)):
        with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach"):
            y.numpy()
        assert y.numpy(force=True).shape == tuple(y.shape)
        assert y.detach().numpy().shape == tuple(y.shape)
    view = (base := torch.ones(3))[1:]
    base.requires_grad_()
    with pytest.raises(RuntimeError, match="requires grad"):
        base.numpy()
    assert view.numpy(force=True).tolist() == [1, 1]


def test_arguments():
    x = torch.ones(2)
    assert x.numpy(force=True).tolist() == x.numpy(force=False).tolist() == torch.Tensor.numpy(x).tolist() == [1, 1]
    for call in (lambda: x.numpy(zzz=1), lambda: x.numpy(True), lambda: torch.Tensor.numpy(),
                 lambda: x.numpy(*range(9)), lambda: torch.Tensor.numpy(np.ones(2))):
        with pytest.raises(TypeError):
            call()


def test_of_a_class_of_the_users():
    class Mine(torch.Tensor):
        pass

    array = torch.ones(2).as_subclass(Mine).numpy()
    assert type(array) is np.ndarray and type(array.base) is torch.Tensor


def test_calls_that_are_compiled():
    x = torch.ones(3)
    f = torch.compile(lambda y: float(y.numpy().sum()))
    with pytest.warns(UserWarning):
        for i in range(8):
            x.fill_(i)
            assert f(x) == 3 * i


@pytest.mark.parametrize("shape", [(), (5,), (0,), (3, 4), (3, 0), (2, 3, 4), (1, 1, 7), (4, 1), (70, 90)], ids=str)
@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32], ids=str)
def test_places(shape, dtype):
    generator = np.random.default_rng(0)
    for share in (0.0, 0.3, 1.0):
        array = (generator.random(shape) < share) * (3 if dtype is not torch.bool else 1)
        x = torch.tensor(array).to(dtype)
        for y, of in ((x, array), (x.expand(2, *shape), np.broadcast_to(array, (2, *shape)))):
            found = y.nonzero()
            assert found.dtype is torch.int64 and found.tolist() == np.argwhere(of).tolist()
            assert tuple(found.shape) == (np.count_nonzero(of), of.ndim)
            parts = y.nonzero(as_tuple=True)
            assert [p.tolist() for p in parts] == [p.tolist() for p in np.nonzero(np.atleast_1d(of))]
        if x.dim() and dtype is torch.bool:
            values = torch.arange(x.numel()).reshape(shape)
            assert values[x].tolist() == np.arange(array.size).reshape(shape)[array.astype(bool)].tolist()


def test_what_is_not_a_number_is_not_zero():
    assert torch.tensor([[0.0, float("nan")], [-0.0, 1.0]]).nonzero().tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize("labels", [[0, 2, 1], [[1, 0], [3, 3]], 3, [0]], ids=str)
@pytest.mark.parametrize("classes", [-1, 4, 9])
def test_one_hot(labels, classes):
    wanted = np.eye(np.max(labels) + 1 if classes == -1 else classes, dtype=int)[np.array(labels)]
    found = torch.nn.functional.one_hot(torch.tensor(labels), classes)
    assert found.dtype is torch.int64 and found.tolist() == wanted.tolist()


@pytest.mark.parametrize("labels, classes, said", [
    ([0, 1], 1, "smaller than num_classes"), ([0, 1], 0, "smaller than num_classes"),
    ([0], -2, "smaller than num_classes"), ([-1, 1], 0, "non-negative"), ([-1], -1, "non-negative"),
    ([], -1, "Can not infer total number of classes from empty tensor"), ([], 0, "Can not infer")])
def test_classes_that_are_not_there(labels, classes, said):
    with pytest.raises(RuntimeError, match=said):
        torch.nn.functional.one_hot(torch.tensor(labels, dtype=torch.int64), classes)


def test_labels_that_do_not_lie_together():
    labels = torch.tensor([[0, 9], [2, 9], [1, 9]])[:, 0]
    assert torch.nn.functional.one_hot(labels).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_what_numpy_has_not_is_refused():
    x = torch.ones(2, dtype=torch.bfloat16)
    for _ in range(2):  # nor once the layout is known
        assert x.tolist() == [1.0, 1.0]
        with pytest.raises(TypeError, match="Got unsupported ScalarType BFloat16"):
            x.numpy()
