"""Columns of long traces are worked on in pieces, and where they are."""
from __future__ import annotations

import numpy as np
import pytest

from tapegrad.compiler import trace_analysis
from tapegrad.machine.learning import capturing


@pytest.mark.parametrize("span", [1, 1 << 20, 1 << 35, 1 << 48], ids=["equal", "near", "far", "anywhere"])
@pytest.mark.parametrize("count", [0, 1, 8, 1000])
def test_addresses_are_put_in_order_with_what_they_are_of(count, span, monkeypatch):
    monkeypatch.setattr(capturing, "AT_ONCE", 7)
    rng = np.random.default_rng(0)
    low, high = rng.integers(0, span, (2, count), "u8") // 2
    passed = np.concatenate([low, high + span // 2])
    nbytes, addresses = rng.integers(0, 9, len(passed)), passed.copy()
    order = np.argsort(passed, kind="stable")
    found = trace_analysis.Storages(addresses, nbytes)
    assert (found.what == order).all() and (found.starts == passed[order]).all()
    assert (found.nbytes == nbytes[order]).all() and found.starts is addresses
    wanted = rng.random(len(passed)) < 0.5
    numbers = trace_analysis._numbers(wanted)
    assert (found.numbered(found.nbytes, numbers) == nbytes[wanted]).all() and numbers[-1] == -1
    at, offsets = found.find(passed)
    assert (passed[at] + offsets.astype("u8") == passed).all() if len(passed) else not len(at)
