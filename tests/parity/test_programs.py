"""Whole programs as people write them, run by both libraries with nothing changed but the import: they print the same.

A number counts as the same within the rounding of float32 over a training run; everything else to the character.
"""
from __future__ import annotations

import contextlib
import io
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

PROGRAMS = sorted((Path(__file__).parents[2] / "examples" / "programs").glob("*.py"))
NUMBER = re.compile(r"(?<![\w.])-?\d+\.?\d*(?:e[-+]?\d+)?(?![\w])")


def printed(path: Path) -> str:
    out = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(out):
        warnings.simplefilter("ignore")
        runpy.run_path(str(path), run_name="__main__")
    return out.getvalue()


@pytest.fixture
def theirs(tmp_path):
    """What a program prints with PyTorch, in a process of its own: its test helpers, once imported, forbid switches."""
    def run(path: Path) -> str:
        text = re.sub(r"\btapegrad\b", "torch", path.read_text()).replace("import torch as torch", "import torch")
        (tmp_path / path.name).write_text(text)
        command = [sys.executable, "-W", "ignore", str(tmp_path / path.name)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_prints_the_same(path, theirs):
    expected, found = theirs(path).splitlines(), printed(path).replace("tapegrad", "torch").splitlines()
    assert len(found) == len(expected) > 2
    for line, other in zip(found, expected):
        spaced = re.sub(r"\s+", "", NUMBER.sub("#", line)), re.sub(r"\s+", "", NUMBER.sub("#", other))
        assert spaced[0] == spaced[1], f"{line!r} and not {other!r}"
        for one, two in zip(NUMBER.findall(line), NUMBER.findall(other)):
            assert float(one) == pytest.approx(float(two), rel=2e-2, abs=2e-3), f"{line!r} and not {other!r}"
