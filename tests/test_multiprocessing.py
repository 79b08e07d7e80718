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


def tell_much(i):
    raise ValueError("x" * 300_000)  # more than a pipe holds


def end_by_a_nameless_signal(i):
    os.kill(os.getpid(), signal.SIGRTMIN + 3)


def fail_beside_one_that_will_not_end(i, ready):
    if i == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready.put(0)
        signal.pause()
    ready.get()
    raise ValueError("one of them")


@pytest.mark.parametrize("function, kind, words", [
    (tell_much, mp.ProcessRaisedException, "ValueError: x{300000}"),
    (end_by_a_nameless_signal, mp.ProcessExitedException, r"process 0 terminated with signal <Unknown signal 37>"),
])
def test_how_processes_end_is_told(function, kind, words):
    with pytest.raises(kind, match=words) as e:
        mp.start_processes(function, start_method="fork")
    again = pickle.loads(pickle.dumps(e.value))
    assert type(again) is kind and vars(again) == vars(e.value) and again.error_pid == again.pid


def test_a_process_that_will_not_end_is_killed():
    queue = mp.get_context("fork").SimpleQueue()
    running = mp.start_processes(fail_beside_one_that_will_not_end, (queue,), 2, join=False, start_method="fork")
    with pytest.raises(mp.ProcessRaisedException, match="one of them"):
        running.join(grace_period=0.05)
    assert [process.exitcode for process in running.processes] == [-signal.SIGKILL, 1]


def test_a_process_that_ends_while_it_is_looked_at():
    class Late:
        pid, sentinel, looks = 7, os.open(os.devnull, os.O_RDONLY), iter([None, None, -9, -9])
        exitcode = property(lambda self: next(self.looks))
        is_alive = join = terminate = lambda self, timeout=None: None

    running = mp.ProcessContext([Late()], [None])
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
