"""The rooms of the house: a module imports from its own floor or one below, never above and never in a circle."""
from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tapegrad

ROOT = Path(tapegrad.__file__).parent
FLOORS = [
    {"errors", "config", "dtypes", "shapes", "devices", "formats"},
    {"ops", "ops.spec", "ops.sym", "ops.scalar", "ops.slopes", "ops.streams"},
    {"ops.*"},
    {"machine.*"},
    {"tape.*"},
    {"signatures", "dispatch", "autograd.*"},
    {"protocols", "tensor", "creation", "random", "printing", "functions.*",
     "autograd.gradcheck"},  # the check calls the facade
    {"compiler.*"},
    {"", "catalogue", "func.*", "nn.*", "optim.*", "inspect.*", "interop.*", "__main__", "demo", "testing.*",
     "linalg", "special", "threads", "switches", "absent", "cuda.*", "mps", "xpu", "cpu.*", "accelerator", "backends.*",
     "version", "serialization.*", "utils.*"},
]

# Imports upwards, made when a function is called and not when its module is: what it is and why it must be.
UPWARDS: dict[tuple[str, str], str] = {}


class Import(NamedTuple):
    importer: str
    imported: str
    line: int
    late: bool  # inside a function: runs when that is called

    def __repr__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules() -> dict[str, Path]:
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(p for p in parts if p != "__init__")] = path
    return found


MODULES = modules()


def floor(module: str) -> int:
    """The floor of a module: that of the longest entry that names it."""
    best = {len(entry): n for n, entries in enumerate(FLOORS) for entry in entries
            if entry == module or (entry.endswith(".*") and f"{module}.".startswith(entry[:-1]))}
    assert best, f"tapegrad.{module}: on no floor; give it one in FLOORS"
    return best[max(best)]


def resolve(importer: str, node: ast.ImportFrom) -> str:
    """The absolute module of a `from … import`, without the package's name."""
    if not node.level:
        return node.module or ""
    package = importer.split(".") if MODULES[importer].name == "__init__.py" else importer.split(".")[:-1]
    base = ["tapegrad", *(p for p in package if p)]
    return ".".join([*base[:len(base) - node.level + 1], *([node.module] if node.module else [])])


def within(node: ast.AST, late: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below, and whether it is inside a function; what only type checkers read is left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        inside = late or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield child, inside
        yield from within(child, inside)


def imports_of(module: str) -> Iterator[Import]:
    for node, late in within(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve(module, node)
            inner = [f"{base}.{a.name}" for a in node.names]
            names = [name if name.partition(".")[2] in MODULES else base for name in inner]
        else:
            continue
        for name in names:
            root, _, rest = name.partition(".")
            if root == "tapegrad" and rest in MODULES and rest != module:
                yield Import(module, rest, node.lineno, late)


IMPORTS = [i for m in MODULES for i in imports_of(m)]


@pytest.mark.parametrize("module", sorted(MODULES), ids=lambda m: m or "tapegrad")
def test_imports_go_down(module):
    for i in (i for i in IMPORTS if i.importer == module):
        if floor(i.imported) > floor(module):
            assert i.late and (module, i.imported) in UPWARDS, f"{i} from floor {floor(i.imported)} to {floor(module)}"


def test_every_exception_is_needed():
    used = {(i.importer, i.imported) for i in IMPORTS if i.late and floor(i.imported) > floor(i.importer)}
    assert set(UPWARDS) == used


def test_no_circles():
    """No module needs itself to be imported; a package's own `__init__` may gather its modules."""
    below: dict[str, set[str]] = {m: set() for m in MODULES}
    for i in IMPORTS:
        if not i.late and MODULES[i.imported].name != "__init__.py":
            below[i.importer].add(i.imported)
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for other in sorted(below[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(below):
        visit(module, ())


def test_nothing_heavy_at_import():
    """numba and SciPy are imported where they are used: importing them costs more than all the rest."""
    for module, path in MODULES.items():
        for node, late in within(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
            for name in names:
                heavy = name.split(".")[0] in ("numba", "scipy", "torch")
                native = module.startswith("machine.native") or module.startswith("machine.structural.")
                assert late or native or not heavy, f"{module}:{node.lineno} imports {name}"
