"""From a function to the tape that is sent: taken down twice, on different values, and checked against the function."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import autograd, dtypes
from tapegrad.autograd import modes
from tapegrad.interop.partitioned.messages import Array, Data, Signature
from tapegrad.interop.partitioned.notes import NotSendable, run, taken_down, tensor_on
from tapegrad.tape import Tape
from tapegrad.utils._pytree import TreeSpec, tree_unflatten

CLOSE = {dtypes.float32: 1e-4, dtypes.float64: 1e-9}


def captured(function: Callable[..., Any], parameters: Sequence[Array], spec: TreeSpec, signature: Signature,
             sample: Data | None) -> Tape:
    """The tape of a function of parameters (built like `spec`, a tuple) and a partition of this kind.

    `sample` is such a partition; without one it is made up. NotSendable, with the line, where the function is none that
    a tape can be: what it does depends on values, it draws, it calls Python, it writes to what was there.
    """
    name = getattr(function, "__name__", "function").replace("<lambda>", "function")
    random = np.random.default_rng(0)
    one = sample.arrays if sample else [_made_up(random, *kind) for kind in signature.kinds]
    names = [*_names(function, spec), *(f"data_{i}" for i in range(len(one)))]
    try:
        tape, _, _ = _taken(function, name, parameters, spec, one, signature.spec, names)
        others = [moved(random, p) for p in parameters]
        other, value, gradients = _taken(function, name, others, spec, [moved(random, a) for a in one], signature.spec,
                                         names)
        _compare(tape, other)
        _check(other, value, gradients)
    except NotSendable as why:
        raise NotSendable(f"{name} cannot be sent to workers: {why}") from None
    except Exception as why:
        if sample:
            raise
        raise NotSendable(f"{name}: of made-up values of {signature} it says: {why}. Give a partition as sample="
                          ) from why
    return tape


def _taken(function: Callable[..., Any], name: str, parameters: Sequence[Array], spec: TreeSpec,
           arrays: Sequence[Array], built: TreeSpec, names: Sequence[str]) -> tuple[Tape, Any, Any]:
    """A tape of a call, whose inputs keep their values; the value and the gradients."""
    with modes.enable_grad():
        leaves = [tensor_on(p).requires_grad_() for p in parameters]
        data = [tensor_on(a) for a in arrays]
        args = [*tree_unflatten(leaves, spec), tree_unflatten(data, built)]
        tape, value = taken_down(function, name, args, [*leaves, *data], len(leaves), names)
        gradients = autograd.grad(value.sum(), leaves, allow_unused=True, materialize_grads=True
                                  ) if value.requires_grad else [p * 0 for p in leaves]
    tape.verify()
    tape.values.update(enumerate([*(p.detach() for p in leaves), *data]))
    return tape, value.detach(), [g.detach() for g in gradients]


def _compare(tape: Tape, other: Tape) -> None:
    """Refuse what came out differently on other values."""
    if tape != other:
        raise NotSendable(f"what it does depends on values:\n{tape.diff(other)}")
    for b in sorted(tape.values.keys() - range(_given(tape))):
        if tape.values[b].numpy().tobytes() != other.values[b].numpy().tobytes():
            where = next((s for s, operands in zip(tape.sources, tape.operands) if b in operands), "")
            raise NotSendable("it computes something in a way that is not seen" + (f" ({where})" if where else ""))


def _given(tape: Tape) -> int:
    """How many inputs are parameters and data: those that have names."""
    return len(tape.names)


def _check(tape: Tape, value: Any, gradients: Sequence[Any]) -> None:
    """Refuse a tape that is not the function: by its value, and by the gradients (hooks, functions of one's own)."""
    inputs = [tape.values[b] for b in tape.inputs]
    count = len(gradients)
    with modes.enable_grad():
        leaves = [p.detach().requires_grad_() for p in inputs[:count]]
        again = run(tape, [*leaves, *inputs[count:]])
        found = autograd.grad(again.sum(), leaves, allow_unused=True, materialize_grads=True
                              ) if again.requires_grad else [p * 0 for p in leaves]
    for expected, got, what in zip((value, *gradients), (again, *found), ("value", *["gradient"] * count)):
        near = CLOSE.get(expected.dtype, 1e-2)
        a, b = expected.numpy(), got.detach().numpy()
        scale = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
        if not np.allclose(a, b, near, near * scale, equal_nan=True):
            raise NotSendable(f"its {what} is not that of the operations in it: it uses hooks, or functions with a "
                              "backward of their own")


def _made_up(random: Any, kind: str, shape: tuple[int, ...]) -> Array:
    """Values that most functions are defined for: numbers around one, no two the same; of integers, zeros."""
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        return np.asarray(random.random(shape) + 0.5, dtype)
    return np.zeros(shape, dtype)


def moved(random: Any, array: Array) -> Array:
    """Other values, so near that what they stand for stays what it is (a number of a row, say); integers stay."""
    if array.dtype.kind != "f":
        return array
    return np.asarray(array + (random.random(array.shape) + 0.5) / 1024, array.dtype)


def _names(function: Callable[..., Any], spec: TreeSpec) -> list[str]:
    """What parameters are called: as the function's arguments are, and by where they stand in them."""
    try:
        called = [p.name for p in inspect.signature(function).parameters.values()
                  if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        called = []

    def walk(name: str, part: TreeSpec) -> list[str]:
        if part.is_leaf():
            return [name]
        keys = part.context if part.type is dict else range(part.num_leaves)
        return [n for key, inner in zip(keys, part.children_specs) for n in walk(f"{name}.{key}", inner)]

    return [n for i, part in enumerate(spec.children_specs)
            for n in walk(called[i] if i < len(called) else f"p{i}", part)]
