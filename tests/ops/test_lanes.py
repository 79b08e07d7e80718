"""Every operation on lanes (`tapegrad.lanes`) against a loop over them, for every subset of its operands."""
from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import registry

import tapegrad
from tapegrad import dispatch
from tapegrad.lanes import kinds, one_by_one, places, products
from tapegrad.lanes.batched import Batched, entered, left, level
from tapegrad.ops.declaration import operations

LANES = 3
MOST = 8  # samples of one dtype
# Nodes of Python's, and histories of views that were written, which are records of values and none of lanes.
RECORDS = {"_function", "_output", "_copy_slices"}
OPERATIONS = [op for op in operations() if op.name not in RECORDS]
# What goes one by one with its samples, because its axes mean something else in larger operands.
BY_LOOP = {"_recurrent_shown", "_recurrent_slopes", "_recurrent_steps"}
# Both operands of these with lanes: a product for each.
BY_LOOP_OF_BOTH = {"_convolve", "_convolve_back", "_convolve_weights"}


def lanes_of(array: np.ndarray[Any, Any], i: int) -> np.ndarray[Any, Any]:
    if array.dtype.kind == "f":
        return (array * (1 - 0.125 * i)).astype(array.dtype)
    return np.flip(array).copy() if i % 2 else array


def run(sample: Any, operands: list[Any]) -> Any:
    attributes = tuple(sample.attributes.items())
    if sample.op.kind == "view":
        return dispatch.apply_view(sample.op, operands[0], attributes)
    if sample.op.inplace_of is not None:
        return dispatch.apply_inplace(sample.op, operands, attributes)
    return dispatch.apply(sample.op, operands, attributes)


def batch(operand: Any) -> Any:
    """A tensor with lanes along its first axis, which lie side by side, or element by element."""
    parts = [registry.Operand(lanes_of(operand.array, i), operand.layout).tensor() for i in range(LANES)]
    if operand.layout == "contiguous":
        return tapegrad.stack(parts)
    return tapegrad.stack(parts, parts[0].ndim).movedim(-1, 0)


def check(sample: Any) -> set[str]:
    """Names of operations that went one by one."""
    where = [j for j, o in enumerate(sample.operands) if isinstance(o, registry.Operand)]
    sets = [s for n in range(1, len(where) + 1) for s in itertools.combinations(where, n)]
    if sample.op.inplace_of is not None:
        sets = [s for s in sets if 0 in s]
    one_by_one._warned.clear()
    for chosen in sets[:4] + sets[-2:]:
        operands = sample.tensors()
        for j in chosen:
            operands[j] = batch(sample.operands[j])
        try:
            wanted = [run(sample, [x[i].clone() if j in chosen and sample.op.kind != "view" else x[i] if j in chosen
                                   else x.clone() if isinstance(x, tapegrad.Tensor) and sample.op.kind != "view" else x
                                   for j, x in enumerate(operands)]).clone() for i in range(LANES)]
        except RuntimeError:  # of a lane that has no result
            continue
        with level(LANES) as of, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = [entered(x, 0, of) if j in chosen else x for j, x in enumerate(operands)]
            made = run(sample, given)
            assert type(made) is Batched
            assert tuple(made.shape) == tuple(wanted[0].shape), (sample, chosen)
            found = left(made, of)
        assert found.dtype is wanted[0].dtype, (sample, chosen)
        np.testing.assert_allclose(found.numpy(), np.stack([w.numpy() for w in wanted]), 1e-5, 1e-6,
                                   err_msg=f"{sample} {chosen}")
    return set(one_by_one._warned)


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_lanes_are_a_loop(op: Any) -> None:
    slow: set[str] = set()
    for dtype in (tapegrad.float64, tapegrad.int64):
        if "bif"[dtype.category] in op.accepts:
            for sample in registry.samples(op, dtype)[:MOST]:
                slow |= check(sample)
    assert slow <= BY_LOOP | (BY_LOOP_OF_BOTH & {op.name}), slow


def test_few_are_written_by_hand() -> None:
    """What is not read from a declaration: the table, and what goes one by one."""
    by_hand = {op.name for op in OPERATIONS if op.name in products.RULES or op.name in BY_LOOP}
    assert len(by_hand) <= 0.05 * len(OPERATIONS), sorted(by_hand)
    assert set(products.RULES) <= {op.name for op in OPERATIONS}
    assert kinds.moved and places.result
