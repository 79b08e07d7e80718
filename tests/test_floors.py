"""The rooms of the house: a module imports from its own floor or one below, never above and never in a circle."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tapegrad

ROOT = Path(tapegrad.__file__).parent
FLOORS = [
    {"errors", "config", "dtypes", "shapes", "devices", "formats", "progressions", "namespaces", "lazy_modules",
     "named_tuples", "package_files", "documents.texts", "documents"},
    {"ops", "ops.declaration", "ops.symbols", "ops.scalar", "ops.numpy_column", "ops.adjoint_operations"},
    {"ops.*"},
    {"machine.*"},
    {"tape.*"},
    {"signatures.*", "dispatch", "kernel_errors", "fallbacks", "autograd.*"},
    {"protocols", "rule_values", "tensor", "_conditions", "creation.*", "random", "drawing.*", "printing",
     "functions.*", "autograd.gradcheck", "autograd.variable", "autograd.functional",  # the check calls the facade
     "autograd.forward_ad"},
    {"compiler.*"},
    {"", "documents.*",
     "export.*", "func.*", "lanes.*", "sparse.*", "distributions.*", "nn.*", "optim.*", "inspect.*", "interop.*",
     "__main__", "overrides", "demo", "custom.*", "batching", "_vmap_internals", "_C", "testing.*", "linalg",
     "special", "quasirandom", "foreach", "fft", "futures", "torch_version", "signal.*", "threads", "switches",
     "absent", "profiler", "autograd.profiler",
     "_VF", "_dynamo.*", "_inductor.*", "_logging", "_utils", "onnx",
     "cuda.*", "jit", "storage", "mps", "xpu", "cpu.*", "accelerator", "amp.*", "backends.*", "version",
     "distributed", "functional", "hub", "multiprocessing", "types", "serialization.*", "utils.*"},
]

# A package in here is a room: others import it by its name, not its files, and only what its `__all__` offers.
ROOMS = "machine."
# What is imported from a room all the same: who, what, and why it must be.
INTO_ROOMS: dict[tuple[str, str], str] = {
    ("machine.kernels.structural.*", "machine.native.glue"): "the language of jitted code; needs numba",
    ("machine.kernels.structural.*", "machine.native.portable"): "says what jitted code is promised; needs numba",
    ("machine.kernels.structural.array_functions", "machine.llvm.numba_functions"): "only where numba is loaded",
    ("custom.declaring", "machine.llvm.numba_functions"): "only where numba is loaded",
    ("machine.kernels.structural.scans", "machine.native.build"): "makes C functions of jitted ones; needs numba",
    ("machine.dataflow.values", "machine.native.glue"): "the language of jitted code; needs numba",
    ("machine.dataflow.values", "machine.native.build"): "makes C functions of jitted ones; needs numba",
    ("machine.streams.*", "machine.native.glue"): "the language of jitted code; needs numba",
    ("machine.streams.kernels", "machine.native.build"): "makes C functions of jitted ones; needs numba",
    ("machine.startup.object_code", "machine.native.build"): "needs numba",
    ("machine.ship", "machine.native.build"): "needs numba",
}

# Imports upwards, made when a function is called and not when its module is: what it is and why it must be.
UPWARDS: dict[tuple[str, str], str] = {}


class Import(NamedTuple):
    importer: str
    imported: str
    line: int
    late: bool  # inside a function: runs when that is called
    source: str = ""  # what follows `from`
    name: str = ""  # what follows `import`

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
    """Every node below, and whether it is inside a function."""
    for child in ast.iter_child_nodes(node):
        inside = late or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield child, inside
        yield from within(child, inside)


def imports_of(module: str) -> Iterator[Import]:
    for node, late in within(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found = [(a.name, a.name, "") for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve(module, node)
            inner = [(f"{base}.{a.name}", a.name) for a in node.names]
            found = [(full if full.partition(".")[2] in MODULES else base, base, name) for full, name in inner]
        else:
            continue
        for imported, source, name in found:
            root, _, rest = imported.partition(".")
            if root == "tapegrad" and rest in MODULES and rest != module:
                yield Import(module, rest, node.lineno, late, source.partition(".")[2], name)


IMPORTS = [i for m in MODULES for i in imports_of(m)]


@pytest.mark.parametrize("module", sorted(MODULES), ids=lambda m: m or "tapegrad")
def test_imports_go_down(module):
    for i in (i for i in IMPORTS if i.importer == module):
        if floor(i.imported) > floor(module):
            assert i.late and (module, i.imported) in UPWARDS, f"{i} from floor {floor(i.imported)} to {floor(module)}"


def test_every_exception_is_needed():
    used = {(i.importer, i.imported) for i in IMPORTS if i.late and floor(i.imported) > floor(i.importer)}
    assert set(UPWARDS) == used


def room_of(module: str) -> str:
    """The package that a module is in."""
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def offers(room: str) -> set[str]:
    """A room's `__all__`."""
    for node in ast.parse(MODULES[room].read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def is_excepted(i: Import) -> tuple[str, str] | None:
    """The exception that an import into a room needs, if there is one."""
    for who, what in INTO_ROOMS:
        if i.imported == what and (i.importer == who or (who.endswith("*") and i.importer.startswith(who[:-1]))):
            return who, what
    return None


def into_rooms() -> Iterator[Import]:
    """Imports that go past a room's door: a file of it from outside, or a name that it does not offer.

    A room inside a room has a door of its own.
    """
    for i in IMPORTS:
        room = room_of(i.source) if i.source in MODULES else ""
        if room.startswith(ROOMS) and not f"{i.importer}.".startswith(f"{room}.") and (
                i.source != room or (i.name not in offers(room) and room_of(i.imported) == room)):
            yield i


def test_rooms_are_entered_by_their_doors():
    past = [i for i in into_rooms() if not is_excepted(i)]
    assert not past, "\n".join(f"{i}: {i.name}" for i in past)
    assert {is_excepted(i) for i in into_rooms()} == set(INTO_ROOMS), "an exception is not needed"


def test_rooms_say_where_to_start():
    for room in (m for m in MODULES if m.startswith(ROOMS) and MODULES[m].name == "__init__.py"):
        said = ast.get_docstring(ast.parse(MODULES[room].read_text())) or ""
        assert 0 < said.count("\n") + 1 <= 7, room
        assert offers(room) or room.endswith("native"), room


def test_no_circles():
    """No module needs itself, nor do its types; a package's own `__init__` may gather its modules."""
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


def test_the_map_shows_what_is_there():
    """Files that docs/architecture.md names are in the house."""
    map_ = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text()
    names = {path.relative_to(ROOT).as_posix() for path in MODULES.values()}
    for named in re.findall(r"`([\w/]+\.py)`", map_):
        assert any(name == named or name.endswith(f"/{named}") for name in names), named
    for named in re.findall(r"`([\w/]+)/`", map_):
        assert any(f"/{named}/" in f"/{name}" for name in names), named


def test_nothing_heavy_at_import():
    """numba and SciPy are imported where they are used: importing them costs more than all the rest."""
    for module, path in MODULES.items():
        for node, late in within(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
            for name in names:
                heavy = name.split(".")[0] in ("numba", "scipy", "torch")
                native = module.startswith(("machine.ship", "machine.native", "machine.kernels.structural.",
                                            "machine.streams."))
                native = native or module == "compiler.native_functions.native"  # which is for their users
                native = native or module.startswith("sparse.")  # which is loaded when first asked for, and all SciPy's
                assert late or native or not heavy, f"{module}:{node.lineno} imports {name}"
