"""Functions run by several processes: shared memory is written to by all of them, and errors come back."""
from __future__ import annotations

import os
import pickle
import signal
from multiprocessing import context, reduction

import pytest

import tapegrad as torch
import tapegrad.multiprocessing as mp

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def write(i, shared):
    shared[i] = i + 1


def fail(i):
    if i == 1:
        raise ValueError("one of them")
    signal.pause()


def end(i):
    os.kill(os.getpid(), signal.SIGKILL)


def test_processes_write_to_one_tensor():
    shared = torch.zeros(3).share_memory_()
    assert mp.start_processes(write, (shared,), nprocs=3, start_method="fork") is None
    assert shared.tolist() == [1, 2, 3]
    running = mp.start_processes(write, (shared.zero_(),), nprocs=2, join=False, start_method="fork")
    while not running.join():
        pass
    assert running.join() and shared.tolist() == [1, 2, 0] and len(running.pids()) == 2


def test_an_error_ends_them_all():
    with pytest.raises(mp.ProcessRaisedException, match=r"Process 1 terminated.*\n(.*\n)*ValueError: one of them") as e:
        mp.start_processes(fail, nprocs=2, start_method="fork")
    assert e.value.error_index == 1 and e.value.pid
    with pytest.raises(mp.ProcessExitedException, match="process 0 terminated with signal SIGKILL") as e:
        mp.start_processes(end, start_method="fork")
    assert e.value.exit_code == -signal.SIGKILL


def test_a_process_that_ends_while_it_is_looked_at():
    class Late:
        pid, sentinel, looks = 7, os.open(os.devnull, os.O_RDONLY), iter([None, None, -9, -9])
        exitcode = property(lambda self: next(self.looks))
        is_alive = join = terminate = lambda self, timeout=None: None

    running = mp.ProcessContext([Late()], [mp.get_context("fork").SimpleQueue()])
    assert not running.join(0)
    with pytest.raises(mp.ProcessExitedException, match="signal SIGKILL"):
        running.join(0)
    os.close(Late.sentinel)


def test_a_process_of_ones_own():
    queue = mp.get_context("fork").SimpleQueue()
    child = mp.get_context("fork").Process(target=queue.put, args=(torch.ones(2),))
    child.start()
    assert queue.get().tolist() == [1, 1]
    child.join()
    with pytest.raises(AttributeError, match="no attribute 'Processes'"):
        mp.Processes  # noqa: B018


@pytest.mark.parametrize("x", [torch.ones(2), torch.nn.Parameter(torch.ones(2))], ids=["tensor", "parameter"])
def test_a_spawned_process_gets_no_shared_memory(x, monkeypatch):
    assert pickle.loads(reduction.ForkingPickler.dumps(x)).tolist() == [1, 1]
    x.share_memory_()
    assert type(pickle.loads(reduction.ForkingPickler.dumps(x))) is type(x)
    monkeypatch.setattr(context._tls, "spawning_popen", object(), raising=False)
    with pytest.raises(RuntimeError, match="shared memory cannot be passed to a process that is spawned"):
        reduction.ForkingPickler.dumps(x)
