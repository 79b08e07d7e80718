"""The text that comes with the package: made from these sources, fit for any machine, never taken when it is not."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tapegrad.machine.llvm import Jitted, shipped
from tapegrad.machine.startup.object_code import MACHINE

FIRST = """
import sys
import tapegrad as torch
x = torch.tensor([[3.0, 1.0], [1.0, 2.0]], requires_grad=True)
y = torch.linalg.solve(x, torch.ones(2)).sum() + torch.linalg.inv(x).sum() + x.cumsum(0).sum() + x.cumprod(1).sum()
y = y + x.logcumsumexp(0).sum() + x.sort(1).values.sum() + x.median() + torch.linalg.cholesky(x).sum() + x.det()
y = y + x.cummax(0).values.sum() + torch.searchsorted(torch.arange(4), torch.tensor([2])).sum()
y = y + torch.rand(2).sum() + torch.randn(2).sum() + torch.poisson(torch.ones(2)).sum()
y.backward()
assert bool(x.grad.isfinite().all())
print("numba" in sys.modules)
"""


@pytest.fixture(scope="module")
def archive():
    """The archive, when the sources have not left it behind."""
    with zipfile.ZipFile(shipped.ARCHIVE) as found:
        assert {jitted.entry for jitted in shipped.ALL} <= {*found.namelist()}, (
            "sources have changed: `python -m tapegrad.machine.ship` writes what is shipped of them anew")
    return shipped.ARCHIVE


@pytest.fixture
def other(monkeypatch, tmp_path):
    """An archive elsewhere, to be damaged."""
    copy = tmp_path / "text.zip"
    copy.write_bytes(shipped.ARCHIVE.read_bytes())
    monkeypatch.setattr(shipped, "ARCHIVE", copy)
    return copy


def of(sources: Sequence[Path], name: str = "machine", parts: Sequence[str] = MACHINE.parts) -> Jitted:
    """As an update of these sources would have it."""
    try:
        return Jitted(name, parts, sources, lambda wanted: dict.fromkeys(wanted, "; numba's"))
    finally:
        shipped.ALL.pop()


def test_nothing_is_left_to_numba(archive, tmp_path):
    """A program's first gradient on a machine, and every family of jitted kernels."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
                   "TAPEGRAD_CACHE_DIR": str(tmp_path / "kernels")}
    program = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, env=environment)
    assert (program.stdout, program.stderr) == ("False\n", "")


@pytest.mark.parametrize("jitted", shipped.ALL, ids=lambda jitted: jitted.name)
def test_every_part_is_there_for_any_target(archive, jitted):
    assert [*jitted.shipped] == [*jitted.parts]
    for text in jitted.shipped.values():
        assert not re.search(r"^target|datalayout|\bcaptures\(|<\d+ x ", text, re.MULTILINE)
        assert "\ndefine " in text


def test_others_sources_or_parts_are_not_taken(archive, tmp_path):
    changed = tmp_path / "records.py"
    changed.write_text("MAX = 3\n")
    for jitted in (of([*MACHINE._sources, changed]), of(MACHINE._sources, parts=("operators",))):
        assert jitted.shipped == {}
        assert jitted.texts(["operators"]) == {"operators": "; numba's"}


def test_content_counts_and_names_do_not(tmp_path):
    for name, text in (("a", "one"), ("b", "two"), ("c", "one"), ("d", "three")):
        (tmp_path / name).write_text(text)
    a, b, c, d = (tmp_path / name for name in "abcd")
    assert shipped.digest([a, b]) == shipped.digest([b, c]) != shipped.digest([a, d])


@pytest.mark.parametrize("damage", [
    lambda p: p.unlink(), lambda p: p.write_bytes(b""), lambda p: p.write_bytes(p.read_bytes()[:-40]),
    lambda p: p.write_bytes(p.read_bytes().replace(p.read_bytes()[100_000:101_000], bytes(1000))),
], ids=["none", "empty", "torn", "changed"])
def test_damage_is_as_if_nothing_were_shipped(archive, other, damage):
    assert of(MACHINE._sources).shipped
    damage(other)
    assert of(MACHINE._sources).shipped == {}


def test_modules_joined_are_told_apart():
    modules = {"a.f32": "one\ntwo\n", ".b": "; three\n", "c": ""}
    assert shipped._parted(shipped.joined(modules)) == modules


def test_the_package_brings_it():
    """As the build makes it; what is not listed there is not installed."""
    config = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert shipped.ARCHIVE.suffix == ".zip" and '"**/*.zip"' in config
