"""Every figure that is written down names the benchmark that gives it."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_figures_name_their_benchmarks(page):
    """A row with a figure begins with a name, or with nothing where the row above has it."""
    tables = re.findall(r"^\| benchmark .*\n\|-.*\n((?:\|.*\n)+)", (ROOT / page).read_text(encoding="utf-8"), re.M)
    assert tables
    for row in "".join(tables).splitlines():
        named = re.findall(r"`(\w+)`", row.split("|")[1])
        assert {*named} <= {*benchmarks.FIGURES}, row
        assert named or not row.split("|")[1].strip(), row
