"""`torch.profiler` and `torch.autograd.profiler`, as programs use them."""
from __future__ import annotations

import gzip
import json

import pytest

import tapegrad as torch
from tapegrad.profiler import (
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)


def step(x):
    with record_function("forward"):
        loss = (x @ x).relu().sum()
    with record_function("backward"):
        loss.backward()


def test_a_block(tmp_path):
    x = torch.ones(4, 4, requires_grad=True)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], record_shapes=True) as prof, record_function(
            "all"):
        step(x)
        step(x)
    found = {event.key: event for event in prof.key_averages()}
    assert {"all", "forward", "backward", "aten::mm", "aten::relu", "MmBackward0"} <= {*found}
    assert found["aten::mm"].count == found["forward"].count == 2 and found["all"].count == 1
    assert found["all"].cpu_time_total >= found["forward"].cpu_time_total + found["backward"].cpu_time_total
    assert 0 <= found["all"].self_cpu_time_total <= found["all"].cpu_time_total
    assert found["aten::mm"].cpu_time == found["aten::mm"].cpu_time_total / 2
    table = prof.key_averages().table(sort_by="cpu_time_total", row_limit=1).splitlines()
    assert table[1].split()[0] == "Name" and table[3].split()[0] == "all" and "Self CPU time total" in table[-1]
    assert len(table) == 6
    assert len(prof.key_averages(group_by_input_shape=True).table(row_limit=-1).splitlines()) > len(table)
    prof.export_chrome_trace(str(tmp_path / "trace.json.gz"))
    with gzip.open(tmp_path / "trace.json.gz", "rt") as file:
        names = [event["name"] for event in json.load(file)["traceEvents"]]
    assert names.count("forward") == 2 and "mm" in names
    with pytest.raises(AttributeError, match="nope"):
        prof.key_averages().table(sort_by="nope")


def test_parts_in_parts_count_once():
    with torch.autograd.profiler.profile(use_cuda=False) as prof, torch.autograd.profiler.record_function("outer"):
        for _ in range(2):
            with record_function("middle"), record_function("inner"):
                torch.ones(1000).exp()
    found = {event.key: event for event in prof.key_averages()}
    parts = sum(found[name].self_cpu_time_total for name in ("outer", "middle", "inner"))
    kernels = sum(e.self_cpu_time_total for e in found.values() if e.key.startswith("aten::"))
    assert parts + kernels == pytest.approx(found["outer"].cpu_time_total, rel=1e-6)
    assert prof.self_cpu_time_total == pytest.approx(parts + kernels)
    assert str(prof).count("outer") == 1


def test_steps(tmp_path):
    """What a schedule records, it hands over; each stretch is one of its own."""
    handed = []
    write = tensorboard_trace_handler(str(tmp_path), "worker")

    def ready(prof):
        write(prof)
        handed.append((prof.step_num, sorted(event.key for event in prof.key_averages())))

    with profile(schedule=schedule(wait=1, warmup=1, active=2, repeat=2), on_trace_ready=ready) as prof:
        for _ in range(10):
            torch.ones(3).exp()
            prof.step()
    assert [n for n, _ in handed] == [4, 8]
    assert handed[0][1] == ["ProfilerStep#2", "ProfilerStep#3", "aten::exp"]
    assert len([*tmp_path.glob("worker.*.pt.trace.json")]) == 2


def test_schedules():
    def names(**given):
        return [schedule(**given)(i).name[0] + schedule(**given)(i).name[-1] for i in range(8)]

    assert names(wait=1, warmup=1, active=2, repeat=1) == ["NE", "WP", "RD", "RE", "NE", "NE", "NE", "NE"]
    assert names(wait=0, warmup=0, active=1, skip_first=2) == ["NE", "NE", "RE", "RE", "RE", "RE", "RE", "RE"]
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=0, warmup=0, active=0)


def test_what_is_refused_and_left():
    with profile() as prof:
        with pytest.raises(RuntimeError, match="one at a time"), profile():
            pass
        with pytest.raises(AssertionError, match="must be initialized"):
            prof.key_averages()
    with pytest.raises(KeyError), profile():
        raise KeyError
    with pytest.raises(AssertionError, match="not compiled with CUDA"), torch.autograd.profiler.emit_nvtx():
        pass
    with pytest.raises(AssertionError, match="No valid profiler activities"):
        profile(activities=[])
    assert supported_activities() == {ProfilerActivity.CPU}

    @record_function("decorated")
    def run():
        return torch.ones(2).exp()

    run()
    with torch.autograd.profiler.profile(enabled=False):
        run()
    with profile() as prof:  # after all of that
        run()
    assert {event.key for event in prof.key_averages()} >= {"decorated", "aten::exp"}
