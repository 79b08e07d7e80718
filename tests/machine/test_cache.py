"""The disk cache: hits, damage, folders that cannot be written, and processes that start at once."""
from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tapegrad
from tapegrad.machine.llvm import cache
from tapegrad.machine.startup import object_code

PROGRAM = """
import ctypes
import numpy as np
from tapegrad import dtypes
from tapegrad.machine.llvm import cache
from tapegrad.machine.llvm import jit
from tapegrad.machine.kernels.emitter import Region, compile_region
from tapegrad.ops.symbols import Sym, scalar

compiled = []
real = jit.compile_ir
jit.compile_ir = lambda *args, **named: compiled.append(1) or real(*args, **named)
x = Sym.operand(0, dtypes.float64)
for k in range(5):
    region = Region((dtypes.float64,), (scalar.tanh(x) + k,), (dtypes.float64,), (False,))
    address = compile_region(region, "cc", (False,))
    a, out = np.linspace(0, 1, 9), np.zeros(9)
    pointers, nest = np.array([out.ctypes.data, a.ctypes.data]), np.array([1, 0, 9, 8, 8])
    ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(address)(pointers.ctypes.data, nest.ctypes.data)
    np.testing.assert_allclose(out, np.tanh(a) + k, rtol=1e-14)
print(len(compiled))
"""


@pytest.fixture
def machine_code():
    """The machine itself, by its entries, from the folder that this process uses: to compile it takes a second."""
    return {key: cache.get(key) for key in map(object_code.MACHINE.key, object_code.MACHINE.parts)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TAPEGRAD_CACHE_DIR", str(tmp_path / "kernels"))
    return tmp_path / "kernels"


def start():
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment)


def compiled(process):
    out, error = process.communicate(timeout=600)
    assert process.returncode == 0, error
    return int(out)


def test_what_was_put_is_got(folder):
    assert cache.get("a") is None
    cache.put("a", b"code")
    assert cache.get("a") == b"code" and cache.get("b") is None
    assert cache.info() == (cache._folder(), 1, cache.info().bytes)
    cache.clear()
    assert cache.get("a") is None and cache.info().entries == 0


@pytest.mark.parametrize("damage", [
    lambda p: p.write_bytes(b""), lambda p: p.write_bytes(p.read_bytes()[:-1]), lambda p: p.write_bytes(b"x" * 500),
    lambda p: p.write_bytes(p.read_bytes()[:-1] + b"!"), lambda p: (p.unlink(), p.mkdir()),
])
def test_damage_is_a_miss(folder, damage):
    cache.put("a", b"some code")
    damage(Path(cache._path("a")))
    assert cache.get("a") is None
    cache.put("a", b"some code")


@pytest.mark.parametrize("others", [
    lambda entry: entry.chmod(0o666), lambda entry: entry.parent.chmod(0o777),
    lambda entry: entry.parents[1].chmod(0o770),
    lambda entry: (entry.rename(entry.parent / "elsewhere"), entry.symlink_to(entry.parent / "elsewhere")),
    lambda entry: entry.write_bytes(Path(cache._path("b")).read_bytes()),
], ids=["entry", "folder", "root", "link", "another's"])
def test_what_others_may_have_written_is_a_miss(folder, others):
    cache.put("a", b"some code")
    cache.put("b", b"other code")
    others(Path(cache._path("a")))
    assert cache.get("a") is None
    cache.put("a", b"some code")
    assert cache.get("a") == b"some code"


def test_folders_and_entries_are_the_users_alone(folder):
    cache.put("a", b"code")
    entry = Path(cache._path("a"))
    assert [p.stat().st_mode & 0o777 for p in (folder, entry.parent, entry)] == [0o700, 0o700, 0o600]


def test_no_home(monkeypatch):
    for name in ("TAPEGRAD_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    assert cache.config.cache_dir().name == f"tapegrad-{os.getuid()}"


def test_a_folder_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TAPEGRAD_CACHE_DIR", str(tmp_path / "file"))
    cache.put("a", b"code")
    assert cache.get("a") is None and cache.info().entries == 0


def test_read_only_folder(folder):
    cache.put("a", b"code")
    inside = cache._folder()
    inside.chmod(0o555)
    try:
        cache.put("b", b"code")
        assert cache.get("a") == b"code"
    finally:
        inside.chmod(0o755)


def test_switched_off(monkeypatch):
    monkeypatch.setenv("TAPEGRAD_CACHE_DIR", "")
    cache.put("a", b"code")
    assert cache.get("a") is None and cache.info() == (None, 0, 0)


def test_folders_of_old_versions_are_forgotten(folder):
    old = folder / ("0" * len(cache.fingerprint()))
    young = folder / ("1" * len(cache.fingerprint()))
    for other in (old, young):
        other.mkdir(parents=True)
    os.utime(old, (0, 0))
    cache.put("a", b"code")
    assert not old.exists() and young.exists()


def test_processes_at_once_then_one_that_compiles_nothing(machine_code, folder):
    for key, code in machine_code.items():
        assert code is not None
        cache.put(key, code)
    assert sum(compiled(p) for p in [start() for _ in range(3)]) >= 5
    assert compiled(start()) == 0
    entries = sorted(cache._folder().iterdir())
    for entry in entries:
        if entry not in [Path(cache._path(key)) for key in machine_code]:
            entry.write_bytes(entry.read_bytes()[:-3])
    assert compiled(start()) >= 5
    assert compiled(start()) == 0
    assert sorted(cache._folder().iterdir()) == entries


def test_a_kernel_is_named_by_all_that_writes_it():
    """Every module that the emitters import is part of the key: code of an older writer is not taken for a newer's."""
    package = Path(tapegrad.__file__).parent
    kernels = package / "machine" / "kernels"
    written = (kernels, kernels / "products", package / "machine" / "llvm")
    seen, pending = set(), [kernels / "emitter.py", kernels / "products" / "gemm.py"]
    while pending:
        path = pending.pop()
        if path in seen or path.name in ("cache.py", "__init__.py"):
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tapegrad.machine"):
                at = package.parent.joinpath(*node.module.split("."))
                found = [at.with_suffix(".py"), *(at / f"{a.name}.py" for a in node.names)]
                pending += [f for f in found if f.exists() and f.parent in written]
    assert len(seen) > 7
    assert {str(p.relative_to(package)) for p in seen} - {*cache._GENERATORS} <= {"machine/kernels/loop_nests.py"}
