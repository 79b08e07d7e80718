"""The package runs from a zip file: its data files, and the sources that name its kernels, are found there."""
from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tapegrad

PROGRAM = """
import tapegrad as torch
from tapegrad.machine.kernels.structural.loading import _JITTED
from tapegrad.machine.llvm import shipped

assert ".zip" in torch.__file__ or ".pyz" in torch.__file__, torch.__file__
x = torch.ones(3, requires_grad=True)
(x * 2).sum().backward()
assert x.grad.tolist() == [2.0, 2.0, 2.0]
f = torch.compile(lambda a: (a * a).sum())
assert [f(torch.tensor([float(i), 1.0])).item() for i in range(4)] == [1.0, 2.0, 5.0, 10.0] and f.replays
torch.manual_seed(0)
assert "sine" in torch.sin.__doc__ and torch.rand(3).cumsum(0).sort()[0].shape == (3,)
print(*sorted(made.entry for made in shipped.ALL if made.shipped))
"""


@pytest.fixture(scope="module")
def files():
    root = Path(tapegrad.__file__).parent
    return [(file, file.relative_to(root.parent)) for file in root.rglob("*")
            if file.is_file() and "__pycache__" not in file.parts]


def run(cwd: Path, *arguments: str) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert not found.returncode, found.stderr
    return found.stdout.split()


def test_on_the_path(files, tmp_path):
    with zipfile.ZipFile(tmp_path / "tapegrad.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file, name in files:
            archive.write(file, name)
    entries = run(tmp_path, "-c", f"import sys; sys.path.insert(0, 'tapegrad.zip'){PROGRAM}")
    assert len(entries) >= 3  # what numba would be asked for, were the sources not found


def test_as_an_application(files, tmp_path):
    """What `python -m zipapp` makes: the package lies beside a program."""
    with zipfile.ZipFile(tmp_path / "program.pyz", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("__main__.py", PROGRAM)
        for file, name in files:
            archive.write(file, name)
    assert run(tmp_path, "program.pyz")
