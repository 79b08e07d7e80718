"""What is alive once a program has forgotten it, beside PyTorch: nothing that PyTorch lets go."""
from __future__ import annotations

import pytest
from lifetimes import PROGRAMS, alive

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_alive_that_pytorch_lets_go(name):
    ours, theirs = (alive(PROGRAMS[name], t, lambda f: f) for t in (tapegrad, torch))
    assert not {*ours} - {*theirs}
