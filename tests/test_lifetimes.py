"""What a program forgets is let go: models, optimisers, data, and what contexts and hooks hold."""
from __future__ import annotations

import pytest
from lifetimes import PROGRAMS, alive

import tapegrad as torch
from tapegrad.compiler import compile


def compiled(function):
    return compile(function, eager_build=True)  # a thread that builds holds the function until it is done


@pytest.mark.parametrize("wrap", [lambda f: f, compiled], ids=["as written", "compiled"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_forgotten_is_let_go(name, wrap):
    assert alive(PROGRAMS[name], torch, wrap) == []
