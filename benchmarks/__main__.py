"""`python -m benchmarks [NAME…] [--json FILE]`: measure, print one table, perhaps keep it."""
from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import (
    arrays,
    batches,
    calls,
    compiled,
    compiling,
    decompositions,
    drawing,
    everyday,
    gradbench,
    hands,
    inspecting,
    large,
    layers,
    memory,
    native,
    nested,
    operations,
    ordinary,
    ordinary_models,
    partitions,
    pieces,
    scalars,
    small,
    sparse,
    startup,
    training,
)
from benchmarks.harness import FIGURES, ONE_THREAD, Figure, Measured

# In the table's order.
GROUPS = (small, calls, pieces, operations, decompositions, drawing, everyday, large, layers, batches, sparse, nested,
          training, memory, startup, compiled, gradbench, hands, ordinary, ordinary_models, scalars, arrays, compiling,
          inspecting, native, partitions)
ORDER = [name for group in GROUPS for name, f in FIGURES.items() if f.measure.__module__ == group.__name__]
_UNITS = {
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((1e6, "MB"), (1e3, "kB"), (1, "B")),
    "": ((1, ""),),
}


def quantity(value: float | None, unit: str) -> str:
    """A number with the unit that suits it."""
    if value is None:
        return ""
    scale, name = next(((s, n) for s, n in _UNITS[unit] if abs(value) >= s), (1, unit))
    return f"{value / scale:.3g} {name}"


def bound(figure: Figure, limit: float, found: Measured) -> str:
    """A bound, with a mark that says whether it is kept."""
    judged = figure.judged(found)
    text = f"≤{limit:g}" if figure.by == "ratio" else f"≤{quantity(limit, figure.unit)}"
    return text if judged is None else f"{text} {'✓' if judged <= limit else '✗'}"


def row(figure: Figure, found: Measured) -> list[str]:
    ratio = found.ratio if figure.by == "ratio" else None
    return [
        f"`{figure.name}`", figure.title, quantity(found.tapegrad, figure.unit), quantity(found.peer, figure.unit),
        "" if ratio is None else f"{ratio:.3f}",
        bound(figure, figure.must, found), bound(figure, figure.aim, found),
    ]


HEADER = ["benchmark", "figure", "tapegrad", "PyTorch", "ratio", "must", "aim"]


def table(rows: list[list[str]]) -> str:
    """A Markdown table, aligned for reading as it is."""
    widths = [max(len(r[i]) for r in [HEADER, *rows]) for i in range(len(HEADER))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(r, widths)) + " |" for r in [HEADER, *rows]]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def surroundings() -> dict[str, Any]:
    """What the numbers were measured on."""
    versions: dict[str, str | None] = {}
    for name in ("numpy", "numba", "llvmlite", "scipy", "torch"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "threads": 1, **versions}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"figures to measure, of {', '.join(ORDER)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the numbers in FILE")
    options = parser.parse_args(arguments)
    unknown = [n for n in options.names if n not in FIGURES]
    if unknown:
        parser.error(f"no figure is called {', '.join(unknown)}")
    os.environ.update(ONE_THREAD)  # BLAS reads it when it is loaded, which is later: figures import what they need
    rows, kept = [], []
    for figure in [FIGURES[n] for n in options.names or ORDER]:
        print(f"{figure.name} …", end=" ", file=sys.stderr, flush=True)
        found = figure.measure()
        rows.append(row(figure, found))
        kept.append({"name": figure.name, "title": figure.title, "unit": figure.unit, "tapegrad": found.tapegrad,
                     "pytorch": found.peer, "ratio": found.ratio, "by": figure.by, "must": figure.must,
                     "aim": figure.aim})
        print(" | ".join(cell for cell in rows[-1][2:] if cell), file=sys.stderr)
    where = surroundings()
    print(table(rows))
    print("\n" + ", ".join(f"{k} {v}" for k, v in where.items() if v is not None))
    if options.json:
        options.json.write_text(json.dumps({"surroundings": where, "figures": kept}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
