"""What a file says of an exported program's calls, checked before anything is made of it."""
from __future__ import annotations

from typing import Any

from tapegrad.export.leaves import CONTAINERS, DEEPEST, PLAIN, Leaves
from tapegrad.export.programs import ExportedProgram
from tapegrad.tape import Tape, TapeError
from tapegrad.utils._pytree import LeafSpec, TreeSpec


class Reader:
    """What a file says of calls, checked against its tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def program(self, arguments_told: Any, results_told: Any, default: Any) -> ExportedProgram:
        arguments = self.leaves(arguments_told, "arguments", len(self.tape.inputs))
        count = len({leaf for leaf in arguments.leaves if isinstance(leaf, int)})
        if {leaf for leaf in arguments.leaves if isinstance(leaf, int)} != {*range(count)}:
            raise TapeError("arguments: they are not the first inputs of the tape")
        spec = arguments.spec
        if spec.type is not tuple or [c.type for c in spec.children_specs] != [tuple, dict] or any(
                type(name) is not str for name in spec.children_specs[1].context):
            raise TapeError("arguments: expected a tuple, and a dict by names")
        layouts = [self.tape.layouts[b] for b in self.tape.inputs]
        arguments.kinds = [(layout.dtype, tuple(layout.shape)) for layout in layouts[:count]]
        for b in self.tape.inputs[count:]:
            if b not in self.tape.values:
                raise TapeError(f"there are no values for %{b}, which is not passed")
        results = self.leaves(results_told, "results", len(self.tape.outputs))
        return ExportedProgram(self.tape, arguments, results, default)

    @staticmethod
    def fields(found: Any, where: str, wanted: dict[str, type]) -> dict[str, Any]:
        if not isinstance(found, dict) or found.keys() != wanted.keys() or any(
                type(found[name]) is not kind for name, kind in wanted.items()):
            told = ", ".join(f"{name} (a {kind.__name__})" for name, kind in wanted.items())
            raise TapeError(f"{where}: expected {told}")
        return found

    def leaves(self, found: Any, where: str, most: int) -> Leaves:
        if not isinstance(found, dict) or found.keys() != {"built", "leaves"} or type(found["leaves"]) is not list:
            raise TapeError(f"{where}: expected `built` and a list of `leaves`")
        spec = self.spec(found["built"], f"{where}: built")
        if spec.num_leaves != len(found["leaves"]):
            raise TapeError(f"{where}: {spec.num_leaves} leaves are built, there are {len(found['leaves'])}")
        leaves: list[int | tuple[Any]] = []
        for i, leaf in enumerate(found["leaves"]):
            if isinstance(leaf, dict) and leaf.keys() == {"value"} and type(leaf["value"]) in PLAIN:
                leaves.append((leaf["value"],))
            elif isinstance(leaf, dict) and leaf.keys() == {"tensor"} and type(leaf["tensor"]) is int and (
                    0 <= leaf["tensor"] < most):
                leaves.append(leaf["tensor"])
            else:
                raise TapeError(f"{where}: leaf {i}: expected a tensor below {most}, or a plain value")
        return Leaves(spec, leaves, [])

    def spec(self, told: Any, where: str, depth: int = 0) -> TreeSpec:
        if told == "*":
            return LeafSpec()
        if not (isinstance(told, list) and len(told) == 3 and isinstance(told[0], str) and told[0] in CONTAINERS
                and isinstance(told[1], list) and isinstance(told[2], list)) or depth > DEEPEST:
            raise TapeError(f'{where}: expected "*" or [container, keys, parts]')
        kind, keys, parts = told
        wanted = len(parts) if issubclass(CONTAINERS[kind], dict) else 0
        if len(keys) != wanted or any(type(key) not in (str, int) for key in keys) or len({*keys}) != len(keys):
            raise TapeError(f"{where}: a {kind} of {len(parts)} parts has the keys {keys!r}")
        return TreeSpec(CONTAINERS[kind], keys if wanted or issubclass(CONTAINERS[kind], dict) else None,
                        [self.spec(part, where, depth + 1) for part in parts])
