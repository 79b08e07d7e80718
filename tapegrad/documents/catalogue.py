"""Every operation in a table, from the registry: `python -m tapegrad operations` prints docs/operations.md.

An operation is a line of the tape with a kernel and a derivative. A function that is none is composed of some, and is
listed after them.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tapegrad import fallbacks, functions, linalg
from tapegrad.documents.descriptions import described, public
from tapegrad.functions.nn.activations import NN
from tapegrad.machine.live import FAMILIES, machine
from tapegrad.ops.declaration import Operation, operations
from tapegrad.signatures import Form, forms_of, made, operand_names, unwrapped

HEAD = """\
# Operations

This page is printed by `python -m tapegrad operations`, from the declarations in `tapegrad/ops`.

The first tables list operations: each is one line of a tape, with its own kernel and derivative. *dtypes* are those
of the operands: b stands for bool, i for `uint8`, `int8`, `int16`, `int32` and `int64`, f for `float32` and `float64`.
*grad_fn* is the node that a recorded call shows; operations without one have no derivative. An operation in
parentheses has no name of its own in PyTorch and is part of others. The last table lists functions that are composed of
operations.
"""
COLUMNS = "| operation | signature | dtypes | grad_fn | notes |\n|---|---|---|---|---|\n"
RESULTS = {"float": "whole numbers become floats", "bool": "gives bool", "int64": "gives int64",
           "sum": "whole numbers become int64"}


def text() -> str:
    r"""The page.

    >>> r"| `tanh` | (input, \*, out=None) | bif | `TanhBackward0` |" in text()
    True
    """
    listed = list(operations())
    parts = [HEAD]
    families = [(f.__name__.rsplit(".", 1)[-1], f.__doc__ or "") for f in FAMILIES]
    for family, about in families:
        rows = [_row(op) for op in listed if op.where.startswith(f"{family}.py") and _is_listed(op)]
        if rows:
            parts.append(f"## {family}\n\n{about.splitlines()[0]}\n\n{COLUMNS}" + "\n".join(rows) + "\n")
    there = {_path(op) for op in listed}
    parts.append("## Composed functions\n\n| function | signature | what it does |\n|---|---|---|\n" + "\n".join(
        f"| `{name}` | {_shown(described(name).forms)} | {_escaped(_summary(function))} |"
        for name, function in sorted(_offered()) if name not in there) + "\n")
    return "\n".join(parts)


def _is_listed(op: Operation) -> bool:
    return op.inplace_of is None and op.kind not in ("callback", "rebase")


def _offered() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Composed functions, by the name that users call them."""
    yield from functions.PUBLIC.items()
    yield from ((f"nn.functional.{name}", function) for name, function in NN.items() if not name.endswith("_"))
    yield from ((f"linalg.{name}", getattr(linalg, name)) for name in linalg.__all__ if not name[0].isupper())


_WHEN = {"dim": "`dim` is given", "decimals": "`decimals` is given", "2d": "there are more than two axes"}


def _row(op: Operation) -> str:
    path = _path(op)
    own = path == op.name or path == f"Tensor.{op.name}"
    shown = f"`{path}`" if path else f"(`{op.name}`)"
    names = dict(zip(op.operands, operand_names(op)))
    nodes = [f"`{op.grad_name}`", *(
        f"`{node}` if {_WHEN.get(part) or f'`{names[part]}` is a number'}"
        for part, node in op.grad_names.items())] if op.differentiable else []
    notes = [f"`{op.inplace.name}`"] if op.inplace is not None else []
    notes += [RESULTS[op.result]] if op.result in RESULTS else []
    notes += ["a view"] if op.kind == "view" else []
    notes += [f"`{op.doc}`".replace("|", "\\|")] if op.doc else []
    forms = described(path).forms if path and (own or path in made) else [_declared(op)]
    return f"| {shown} | {_shown(forms)} | {op.accepts} | {', '.join(nodes)} | {'; '.join(notes)} |"


def _path(op: Operation) -> str:
    """Where users find an operation; nowhere, if it is only part of others."""
    if not op.space and not op.name.startswith("_") and op.name in public(""):
        return op.name
    paths = (f"nn.functional.{op.name}", f"Tensor.{op.name}", op.name.replace("linalg_", "linalg.", 1),
             f"special.{op.name.removeprefix('special_')}")
    return next((p for p in paths if "." in p and p.rpartition(".")[2] in public(p.rpartition(".")[0])), "")


def _declared(op: Operation) -> Form:
    function = fallbacks.by_name.get(op.name)
    return forms_of(op.name, unwrapped(function), op)[0] if function is not None else Form.of_operation(op)


def _shown(forms: list[Form]) -> str:
    return _escaped(" ".join(str(form.signature) for form in forms))


def _summary(function: Callable[..., Any]) -> str:
    for op in operations():
        if machine.functions.get(op.opcode) is function:
            return f"`{op.name}` by another name"
    return (function.__doc__ or "").strip().split("\n")[0]


def _escaped(said: str) -> str:
    return said.replace("|", "\\|").replace("*", "\\*")
