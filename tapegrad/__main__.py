"""`python -m tapegrad`: the demonstration, what a script records, and what runs here."""
from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import os
import platform
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    >>> main(["info"])
    tapegrad ...
    """
    parser = argparse.ArgumentParser(prog="python -m tapegrad", description="PyTorch's autograd on a flat tape.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("demo", help="run the autograd tutorial and print its tape")
    dump = commands.add_parser("dump", help="run a script and print the tapes that it calls backward on")
    dump.add_argument("--adjoint", action="store_true", help="print each tape's adjoint too")
    dump.add_argument("--no-lines", action="store_true", help="leave out the lines of source: the script runs faster")
    dump.add_argument("--most", type=int, default=20, metavar="N", help="print at most N different tapes (20)")
    dump.add_argument("script")
    dump.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("info", help="versions, processor, and the cache of kernels")
    commands.add_parser("operations", help="every operation in a table, as docs/operations.md has it")
    commands.add_parser("manual", help="write what help() shows of native functions, into documents/manual.txt")
    commands.add_parser("stubs", help="write types for type checkers, into tapegrad/**/*.pyi")
    given = parser.parse_args(arguments)
    if given.command == "demo":
        from tapegrad import demo

        demo.main()
    elif given.command == "dump":
        if not Path(given.script).exists():
            dump.error(f"no such file: {given.script}")
        dump_script(given.script, given.arguments, adjoint=given.adjoint, lines=not given.no_lines, most=given.most)
    elif given.command == "operations":
        from tapegrad.documents import catalogue

        print(catalogue.text(), end="")
    elif given.command == "manual":
        from tapegrad.documents import manual

        manual.write()
    elif given.command == "stubs":
        from tapegrad.documents import module_stubs, stubs

        stubs.write()
        module_stubs.write()
    else:
        print(info())


# ---------------------------------------------------------------- dump


class _TorchIsTapegrad(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import torch.nn` finds `tapegrad.nn`, the very module."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name.startswith("torch.") else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        found = importlib.import_module("tapegrad" + spec.name[len("torch"):])
        self._own_spec = found.__spec__
        return found

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own_spec


class Tapes:
    """The tapes of the roots that backward was called on, equal ones counted."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.adjoints: dict[str, str] = {}

    def add(self, tape: Any) -> None:
        dumped = str(tape)
        self.counts[dumped] = self.counts.get(dumped, 0) + 1
        if dumped not in self.adjoints:
            self.adjoints[dumped] = tape.adjoint()


class Watch:
    """Takes the tape of every root while it holds `Tensor.backward`, `autograd.backward` and `autograd.grad` up."""

    def __init__(self, lines: bool) -> None:
        from tapegrad.tape.recorder import SourceLines

        self.tapes: Tapes = Tapes()
        self.sources: SourceLines = SourceLines()
        self.lines: bool = lines
        self.inside: bool = False

    def around(self, function: Any, roots_of: Callable[..., Sequence[Any]]) -> Any:
        """`function` that shows us its roots first, unless another such function called it."""
        from tapegrad.tape.notation import called
        from tapegrad.tape.recorder import program_frame
        from tapegrad.tape.tape import Tape

        def watched(*args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return function(*args, **kwargs)
            if self.lines:
                self.sources.now()
            roots = [r for r in roots_of(*args) if not r.is_leaf]
            if roots:
                named = called(None, program_frame(sys._getframe(1)))
                self.tapes.add(Tape._of(roots, None, None, named, self.sources.of_row))
            self.inside = True
            try:
                return function(*args, **kwargs)
            finally:
                self.inside = False

        return watched


def dump_script(script: str, arguments: Sequence[str], adjoint: bool = False, lines: bool = True,
                most: int = 20) -> None:
    """Run a script with `torch` meaning tapegrad, then print the tape of every root it differentiated."""
    import tapegrad
    from tapegrad.autograd import engine

    watch, finder = Watch(lines), _TorchIsTapegrad()
    theirs = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "torch"}
    argv, path = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    sys.modules["torch"] = tapegrad
    sys.meta_path.insert(0, finder)
    method = watch.around(tapegrad.Tensor.backward, lambda root, *rest: (root,))
    run = watch.around(engine.run, lambda roots, *rest: roots)
    try:
        with mock.patch.object(tapegrad.Tensor, "backward", method), mock.patch.object(engine, "run", run):
            if lines:
                watch.sources.start(None)
            try:
                runpy.run_path(script, run_name="__main__")
            finally:
                if lines:
                    watch.sources.stop()
    finally:
        sys.argv, sys.path[:] = argv, path
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.split(".")[0] == "torch"]:
            del sys.modules[name]
        sys.modules.update(theirs)
        sys.stdout.flush()
        _report(watch.tapes, adjoint, most)


def _report(tapes: Tapes, adjoint: bool, most: int) -> None:
    calls, different = sum(tapes.counts.values()), len(tapes.counts)
    print(f"\nbackward ran {calls} time{'s' * (calls != 1)}, on {different} "
          f"tape{'s' * (different != 1)}{' that differ' * (different > 1)}")
    for dumped, count in list(tapes.counts.items())[:most]:
        print(f"\n{count} times:" if count > 1 else "", dumped, sep="\n")
        if adjoint:
            print("", tapes.adjoints[dumped], sep="\n")
    if different > most:
        print(f"\n… and {different - most} more (--most)")


# ---------------------------------------------------------------- info


def info() -> str:
    """What runs here, a line each."""
    import tapegrad
    from tapegrad.machine.llvm import cache, jit

    triple, processor, features = jit.host()
    used = [f[1:] for f in features.split(",") if f[:1] == "+"]
    kept = cache.info()
    rows = {
        "tapegrad": tapegrad.__version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **{name: importlib.metadata.version(name) for name in ("numpy", "numba", "llvmlite", "scipy")},
        "imported": ", ".join(f"{name} {'yes' if name in sys.modules else 'no'}" for name in ("numba", "scipy")),
        "processor": f"{processor} ({triple})",
        "features": ", ".join(f for f in used if f.startswith(("sse4", "avx", "fma", "neon", "sve"))) or "none of note",
        "threads": str(tapegrad.get_num_threads()),
        "kernel cache": f"{kept.folder or 'off (TAPEGRAD_CACHE_DIR is empty)'}",
        "": f"{kept.entries} entries, {kept.bytes / 1e6:.1f} MB",
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())


if __name__ == "__main__":
    main()
