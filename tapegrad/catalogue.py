"""Every operation in a table, from the registry: `python -m tapegrad operations` prints docs/operations.md.

An operation is a line of the tape with a kernel and a derivative. A function that is none is composed of some, and is
listed after them.
"""
from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from tapegrad import dispatch, functions, linalg
from tapegrad.functions.nn.activations import NN
from tapegrad.machine.instance import FAMILIES, machine
from tapegrad.ops.spec import Operation, operations
from tapegrad.tensor import Tensor

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
    """The page.

    >>> "| `tanh` | (input) | bif | `TanhBackward0` |" in text()
    True
    """
    listed = list(operations())
    parts = [HEAD]
    families = [(f.__name__.rsplit(".", 1)[-1], f.__doc__ or "") for f in FAMILIES]
    for family, about in families:
        rows = [_row(op) for op in listed if op.where.startswith(f"{family}.py") and _is_listed(op)]
        if rows:
            parts.append(f"## {family}\n\n{about.splitlines()[0]}\n\n{COLUMNS}" + "\n".join(rows) + "\n")
    names = {op.name for op in listed}
    parts.append("## Composed functions\n\n| function | signature | what it does |\n|---|---|---|\n" + "\n".join(
        f"| `{name}` | {_signature(function)} | {_escaped(_summary(function))} |"
        for name, function in sorted(_offered()) if name.rsplit(".", 1)[-1] not in names) + "\n")
    return "\n".join(parts)


def _is_listed(op: Operation) -> bool:
    return op.inplace_of is None and op.kind not in ("callback", "rebase")


def _offered() -> Iterator[tuple[str, Callable[..., Any]]]:
    """What users can call, by the name they call it."""
    yield from functions.PUBLIC.items()
    yield from ((f"nn.functional.{name}", function) for name, function in NN.items() if not name.endswith("_"))
    yield from ((f"linalg.{name}", getattr(linalg, name)) for name in linalg.__all__ if not name[0].isupper())


_WHEN = {"dim": "`dim` is given", "2d": "there are more than two axes"}


def _row(op: Operation) -> str:
    offered = dict(_offered())
    aliases = (f"nn.functional.{op.name}", op.name.replace("linalg_", "linalg.", 1))
    own = op.name in functions.PUBLIC or (bool(op.methods) and not op.space)
    name = op.name if own else next((n for n in aliases if n in offered), op.name)
    shown = f"`{name}`" if own or name != op.name or hasattr(Tensor, op.name) else f"(`{name}`)"
    nodes = [f"`{op.grad_name}`", *(
        f"`{node}` if {_WHEN.get(part) or f'`{_names(op)[part]}` is a number'}"
        for part, node in op.grad_names.items())] if op.differentiable else []
    notes = [f"`{op.inplace.name}`"] if op.inplace is not None else []
    notes += [RESULTS[op.result]] if op.result in RESULTS else []
    notes += ["a view"] if op.kind == "view" else []
    notes += [f"`{op.doc}`".replace("|", "\\|")] if op.doc else []
    return f"| {shown} | {_called(op, offered.get(name))} | {op.accepts} | {', '.join(nodes)} | {'; '.join(notes)} |"


def _names(op: Operation) -> dict[str, str]:
    """Operands as users name them: what rules call x and y are PyTorch's input and other."""
    plain = {"x", "y"} >= set(op.operands)
    return {o: ("input", "other")[j] if plain else "input" if o == "x" else o for j, o in enumerate(op.operands)}


def _called(op: Operation, function: Any) -> str:
    """The signature of the function that users call, or what the declaration says of it."""
    for f in (function, dispatch.fallbacks.get(op.name)):
        if isinstance(f, types.FunctionType) and not _is_general(f):
            return _signature(f)
    options = list(op.attributes)
    if op.kind == "reduction" and op.per_row and "keepdim" not in options:
        options = ["dim=None", "keepdim=False", *(a for a in options if a != "dim")]
    given = [f"{o}={op.defaults[o]!r}" if o in op.defaults else o for o in options]
    return _escaped(f"({', '.join([*_names(op).values(), *given])})")


def _is_general(function: Any) -> bool:
    """Whether a signature says nothing: the parameters are taken apart inside."""
    found = inspect.signature(function).parameters.get("args")
    return found is not None and found.kind is found.VAR_POSITIONAL


def _signature(function: Callable[..., Any]) -> str:
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):  # a native function: its operation's declaration says more
        return ""
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    return _escaped(str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty)))


def _summary(function: Callable[..., Any]) -> str:
    for op in operations():
        if machine.functions.get(op.opcode) is function:
            return f"`{op.name}` by another name"
    return (function.__doc__ or "").strip().split("\n")[0]


def _escaped(said: str) -> str:
    return said.replace("|", "\\|").replace("*", "\\*")
