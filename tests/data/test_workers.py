"""Worker processes: failures, deaths, timeouts, passes that are broken off; none is left behind."""
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    gc.collect()
    assert not multiprocessing.active_children()


class Doing(Dataset):
    """What a function makes of a number."""

    def __init__(self, function, n=8):
        self.function, self.n = function, n

    def __getitem__(self, i):
        return self.function(i)

    def __len__(self):
        return self.n


def raising(error):
    def read(i):
        if i == 3:
            raise error
        return i

    return read


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)


@pytest.mark.parametrize("error, kind, words", [
    (ValueError("so it is"), ValueError, "so it is"), (KeyError("key"), KeyError, "key"),
    (Odd(1, 2), RuntimeError, r"Odd: \(1, 2\)"), (StopIteration(), StopIteration, "StopIteration"),
], ids=["ValueError", "KeyError", "one that takes more", "StopIteration"])
def test_exceptions_come_with_their_traceback(error, kind, words):
    loader = DataLoader(Doing(raising(error)), batch_size=2, num_workers=2)
    batches = iter(loader)
    assert next(batches).tolist() == [0, 1]
    with pytest.raises(kind, match=words) as caught:
        next(batches)
    text = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker process 1." in text
    assert "Original Traceback (most recent call last):" in text and "in read" in text
    assert next(batches).tolist() == [4, 5]  # it goes on after that


def test_a_batch_that_cannot_be_sent():
    with pytest.raises(Exception, match=r"(?s)Caught .* in DataLoader worker process 0.*pickle"):
        list(DataLoader(Doing(lambda i: i), collate_fn=lambda batch: lambda: batch, num_workers=1))
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor"):
        list(DataLoader(Doing(lambda i: x * i), num_workers=1))


def test_a_worker_init_fn_that_fails():
    def begin(worker):
        raise ValueError(f"worker {worker} has a cold")

    with pytest.raises(ValueError, match=r"(?s)Caught ValueError in DataLoader worker process 0.*worker 0 has a cold"):
        list(DataLoader(Doing(lambda i: i), num_workers=1, worker_init_fn=begin))


@pytest.mark.parametrize("end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os._exit(3)],
                         ids=["killed", "gone"])
def test_a_worker_that_dies(end):
    def read(i):
        if i == 5:
            end()
        return i

    batches = iter(DataLoader(Doing(read), batch_size=2, num_workers=2, prefetch_factor=1))
    start = time.perf_counter()
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        list(batches)
    assert time.perf_counter() - start < 20
    with pytest.raises(StopIteration):
        next(batches)


def test_a_worker_that_dies_while_it_writes():
    def read(i):
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return np.zeros(3_000_000)  # more than a pipe holds

    batches = iter(DataLoader(Doing(read), num_workers=1))
    time.sleep(1.5)
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        next(batches)


def test_a_worker_that_takes_too_long():
    batches = iter(DataLoader(Doing(lambda i: time.sleep(60 * (i == 1)) or i), num_workers=1, timeout=0.5))
    assert next(batches).item() == 0
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.5 seconds"):
        next(batches)


def test_what_a_worker_knows_of_itself():
    def read(i):
        info = get_worker_info()
        return info.id, info.num_workers, info.dataset is data, torch.get_num_threads()

    data = Doing(read, 4)
    found = list(DataLoader(data, batch_size=None, num_workers=2))
    assert found == [[0, 2, True, 1], [1, 2, True, 1]] * 2 and get_worker_info() is None


def test_persistent_workers_live_on():
    loader = DataLoader(Doing(lambda i: os.getpid(), 4), batch_size=None, num_workers=2, persistent_workers=True)
    first, second = list(loader), list(loader)
    assert first == second and len({*first}) == 2
    batches = iter(loader)
    next(batches)  # broken off
    assert list(loader) == first
    del loader, batches


def test_persistent_workers_that_died_between_passes():
    loader = DataLoader(Doing(lambda i: os.getpid(), 4), batch_size=None, num_workers=2, persistent_workers=True)
    first = list(loader)
    os.kill(first[1], signal.SIGKILL)
    time.sleep(0.1)
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid\(s\) {first[1]}\) exited unexpectedly"):
        list(loader)
    assert {*list(loader)}.isdisjoint(first)  # others, and not a pass without batches
    del loader


def test_a_pass_that_cannot_begin():
    class Once(IterableDataset):
        passes = 0

        def __iter__(self):
            self.passes += 1
            if self.passes == 2:
                raise ValueError("not again")
            return iter([self.passes])

    loader = DataLoader(Once(), batch_size=None, num_workers=1, persistent_workers=True)
    assert list(loader) == [1]
    with pytest.raises(ValueError, match=r"(?s)Caught ValueError in DataLoader worker process 0.*not again"):
        list(loader)
    assert list(loader) == [3]
    del loader


def test_a_forked_child_has_no_workers():
    batches = [iter(DataLoader(Doing(lambda i: i), batch_size=None, num_workers=1))]
    child = os.fork()
    if not child:
        batches.clear()
        os._exit(0)
    os.waitpid(child, 0)
    assert list(batches[0]) == list(range(8))


def test_workers_of_their_own_for_each_pass():
    loader = DataLoader(Doing(lambda i: os.getpid(), 4), batch_size=None, num_workers=1)
    assert {*list(loader)}.isdisjoint(list(loader))


def test_a_pass_that_is_broken_off_leaves_no_process():
    for batch in DataLoader(Doing(lambda i: np.zeros(100_000), 100), batch_size=4, num_workers=2):
        assert batch.shape == (4, 100_000)
        break


def test_large_batches_and_every_dtype_and_views():
    def read(i):
        big = torch.arange(200_000.0).reshape(2, -1)
        return big[i % 2, :3], torch.ones(3, dtype=torch.bool), torch.full((2, 0), i), torch.ones(2, 2).t(), big

    for worker in (0, 2):
        batches = list(DataLoader(Doing(read, 4), batch_size=2, num_workers=worker))
        assert [[tuple(t.shape) for t in batch] for batch in batches] == [
            [(2, 3), (2, 3), (2, 2, 0), (2, 2, 2), (2, 2, 100_000)]] * 2
        assert batches[1][0].tolist() == [[0.0, 1.0, 2.0], [100_000.0, 100_001.0, 100_002.0]]
        batches[0][4].add_(1)  # they are one's own to write to


class Parts(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(self.n) if info is None else range(info.id, self.n, info.num_workers))


@pytest.mark.parametrize("persistent", [False, True])
def test_an_iterable_in_parts(persistent):
    loader = DataLoader(Parts(11), batch_size=2, num_workers=3 if os.cpu_count() > 2 else 2,
                        persistent_workers=persistent)
    for _ in range(2):
        assert sorted(i for batch in loader for i in batch.tolist()) == list(range(11))


def test_an_iterable_longer_than_it_says():
    class Long(Parts):
        def __len__(self):
            return 2

    loader = DataLoader(Long(4), batch_size=None)
    assert len(loader) == 2
    with pytest.warns(UserWarning, match="was reported to be 2"):
        assert list(loader) == [0, 1, 2, 3]


def test_out_of_order_what_is_ready_comes_first():
    slow = Doing(lambda i: time.sleep(0.5 * (i == 0)) or i, 6)
    ordered = list(DataLoader(slow, batch_size=None, num_workers=2))
    found = list(DataLoader(slow, batch_size=None, num_workers=2, in_order=False))
    assert ordered == list(range(6)) and sorted(found) == ordered and found[0] != 0


def test_more_workers_than_processors_warn():
    with pytest.warns(UserWarning, match="will create 1000 worker processes in total"):
        DataLoader([1], num_workers=1000)


def test_a_context_is_used():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loader = DataLoader(TensorDataset(torch.arange(3)), num_workers=1, multiprocessing_context="fork")
    assert [x.item() for (x,) in loader] == [0, 1, 2]


def test_other_processes_are_started_afresh():
    loader = DataLoader(TensorDataset(torch.arange(3)), num_workers=1, multiprocessing_context="spawn")
    assert [x.item() for (x,) in loader] == [0, 1, 2]


def test_rows_read_at_once_are_those_read_one_by_one():
    class ByOnes(TensorDataset):
        pass

    tensors = torch.arange(12).reshape(6, 2), torch.randn(6), torch.rand(6, 1, 3).double()[:, 0]
    for numbers in ([0, 5, 5], [-1, 2], [3]):
        one, other = (next(iter(DataLoader(kind(*tensors), batch_sampler=[numbers])))
                      for kind in (TensorDataset, ByOnes))
        for a, b in zip(one, other):
            assert torch.equal(a, b) and a.dtype is b.dtype
    with pytest.raises(IndexError):
        next(iter(DataLoader(TensorDataset(*tensors), batch_sampler=[[6]])))


def test_batches_of_what_requires_grad_have_a_history():
    x = torch.ones(4, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2)))
    batch.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_a_loader_without_workers_does_not_load_what_they_need():
    script = ("import sys; from tapegrad.utils.data import DataLoader; list(DataLoader([1, 2]));"
              "sys.exit('multiprocessing.connection' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
