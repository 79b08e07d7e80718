"""Taking a function down: a call as a tape, which is found to give the values and gradients that the call gave."""
from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tapegrad import autograd, creation, dtypes, errors
from tapegrad.autograd import modes
from tapegrad.export.leaves import Leaves
from tapegrad.export.programs import ExportedProgram
from tapegrad.interop.partitioned.capture import CLOSE, moved
from tapegrad.interop.partitioned.notes import Notes, NotSendable, noted, run_all
from tapegrad.tape import naming, reading
from tapegrad.utils._pytree import tree_flatten


def taken(function: Callable[..., Any], name: str, given: Leaves, values: Sequence[Any], called: Mapping[int, str]
           ) -> ExportedProgram:
    """A call as a program, which was found to give what the call gave."""
    with modes.enable_grad():
        leaves = [x.detach().clone() for x in values]
        for leaf in leaves:
            if leaf.dtype.is_floating_point:
                leaf.requires_grad_()
        args, kwargs = given.built(leaves)
        try:
            notes, result = noted(lambda: function(*args, **kwargs), Notes(leaves, keeps_parameters=True))
        except RuntimeError as error:
            if str(error) != errors.LEAF_INPLACE:
                raise
            raise NotSendable("it writes to an argument, or to a parameter") from None
        parts, spec = tree_flatten(result)
        results = Leaves.of(parts, spec, "returned")
        if not results.tensors:
            raise NotSendable("it returns no tensor")
        names = _names(function, given)
        tape = notes.tape(name, results.tensors, [i for i, x in enumerate(leaves) if x.requires_grad], names)
    tape.names.update((b, called[p._buffer]) for b, p in notes.kept.items() if p._buffer in called)
    tape.values.update((b, x.detach()) for b, x in zip(tape.inputs, leaves))
    tape.verify()
    program = ExportedProgram(tape, given, results, dtypes.default_dtype())
    _check(program, leaves, [*notes.kept.values()], results.tensors)
    results.tensors.clear()  # which hold all that they were computed from
    return program


def _check(program: ExportedProgram, leaves: Sequence[Any], parameters: Sequence[Any], found: Sequence[Any]) -> None:
    """Refuse a tape that is not the function, by its values and gradients: hooks are on no tape."""
    with modes.enable_grad():
        again = run_all(program.tape, [*leaves, *program._held.values()])
    for a, b in zip(found, again):
        if not np.array_equal(_array(a), _array(b), equal_nan=a.dtype.is_floating_point):
            raise NotSendable("its value is not that of the operations on its tape")
    ours = [*(x for x in leaves if x.requires_grad), *program.parameters()]
    theirs = [*(x for x in leaves if x.requires_grad), *parameters]
    try:
        expectations = _gradients(found, theirs)
    except RuntimeError:  # it has no gradient: what backward needs was written to
        return
    for expected, got in zip(expectations, _gradients(again, ours)):
        near = CLOSE.get(expected.dtype, 1e-2)
        a, b = _array(expected), _array(got)
        scale = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
        if not np.allclose(a, b, near, near * scale, equal_nan=True):
            raise NotSendable("its gradient is not that of the operations on its tape: it uses hooks, or functions "
                              "with a backward of their own")


def _array(x: Any) -> np.ndarray[Any, Any]:
    return np.array(reading.array_of(x.detach()))


def _gradients(results: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
    with modes.enable_grad():
        roots = [r.sum() for r in results if r.requires_grad]
        if not roots or not inputs:
            return [x.detach() * 0 for x in inputs]
        return autograd.grad(roots, inputs, allow_unused=True, materialize_grads=True)


def compare(program: ExportedProgram, other: ExportedProgram, count: int) -> None:
    """Refuse what came out differently on other values."""
    if program.tape != other.tape or json.dumps(program._call()) != json.dumps(other._call()):
        raise NotSendable(f"what it does depends on values:\n{program.tape.diff(other.tape)}")
    for b in program.tape.inputs[count:]:
        if _array(program.tape.values[b]).tobytes() != _array(other.tape.values[b]).tobytes():
            where = next((s for s, operands in zip(program.tape.sources, program.tape.operands) if b in operands), "")
            raise NotSendable("it computes something in a way that is not seen" + (f" ({where})" if where else ""))


def beside(random: Any, x: Any) -> Any:
    """Values close to those of a tensor, so that what they stand for stays what it is; whole numbers stay."""
    if not x.dtype.is_floating_point:
        return x
    return x.detach().clone().copy_(creation.from_numpy(moved(random, x.detach().to(dtypes.float64).numpy())))


def names_in(function: Any) -> dict[int, str]:
    """What tensors are called that a module has, or a function encloses."""
    parameters: dict[str, Any] = dict(function.named_parameters()) if hasattr(function, "named_parameters") else {}
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    closed: list[tuple[Any, str]] = []
    for name, cell in zip(code.co_freevars if code else (), cells):
        with contextlib.suppress(ValueError):  # nothing is in it yet
            closed.append((cell.cell_contents, name))
    return {**naming.names_from(closed), **naming.called(parameters, None)}


def _names(function: Any, given: Leaves) -> list[str]:
    """What arguments are called, where each is a tensor: as the function calls them."""
    code = getattr(getattr(function, "forward", function), "__code__", None)
    called = [n for n in code.co_varnames[:code.co_argcount] if n != "self"] if code else []
    positional, by_name = given.spec.children_specs
    plain = [c.is_leaf() for c in positional.children_specs]
    found: dict[int, str] = {}
    if all(plain):
        found = {leaf: n for n, leaf in zip(called, given.leaves) if isinstance(leaf, int)}
    if all(c.is_leaf() for c in by_name.children_specs):
        found.update((leaf, n) for n, leaf in zip(by_name.context, given.leaves[positional.num_leaves:])
                     if isinstance(leaf, int))
    return [found.get(i, f"arg{i}") for i in range(len(given.kinds))]
