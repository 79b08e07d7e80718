"""Sweeps with `create_graph`: what was learnt of a rule is done again natively, to the same derivatives."""
from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from registry import Sample, case_id, samples

import tapegrad
from tapegrad import dtypes
from tapegrad.autograd import anomaly
from tapegrad.ops.declaration import REGISTRY

OPERATIONS = [op for op in dict.fromkeys(REGISTRY.values()) if op.differentiable and op.inplace_of is None]
ROUNDS = 2  # the first is learnt from, the second follows


def derivatives(sample: Sample, arrays: list[object]) -> list[np.ndarray]:
    """The first two derivatives of a sample's operation at other values, which lie as the sample's do."""
    operands = [o._replace(array=a) if isinstance(a, np.ndarray) else a for o, a in zip(sample.operands, arrays)]
    leaves = sample._replace(operands=tuple(operands)).tensors(requires_grad=True)
    inputs = [x for x in leaves if isinstance(x, tapegrad.Tensor) and x.requires_grad]
    out = sample.run([x if not isinstance(x, tapegrad.Tensor) else x * 1 for x in leaves])
    if not isinstance(out, tapegrad.Tensor) or not out.requires_grad or not inputs:
        return []
    seed = tapegrad.linspace(0.5, 1.5, out.numel(), dtype=out.dtype).reshape(out.shape).requires_grad_()
    found = [g for g in tapegrad.autograd.grad(out, inputs, seed, create_graph=True, allow_unused=True)
             if g is not None]
    again = [g for g in found if g.requires_grad]
    if again:
        found += [g for g in tapegrad.autograd.grad(again, [*inputs, seed], [tapegrad.full_like(g, 0.7) for g in again],
                                                    create_graph=True, allow_unused=True) if g is not None]
    return [g.detach().numpy() for g in found]


@pytest.mark.parametrize("op", OPERATIONS, ids=case_id)
def test_what_is_learnt_of_a_rule_gives_its_derivatives(op: object) -> None:
    for sample in samples(op, dtypes.float64):  # type: ignore[arg-type]
        for k in range(ROUNDS):
            arrays = [np.asarray(a * (1 - k / 64)) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
                      for a in sample.arrays]
            try:
                with mock.patch.object(anomaly, "enabled", True):  # where every step is Python's
                    expected = derivatives(sample, arrays)
            except (RuntimeError, NotImplementedError):
                break  # the second derivative is refused
            found = derivatives(sample, arrays)
            assert len(found) == len(expected)
            for x, y in zip(found, expected):
                np.testing.assert_array_equal(x, y, err_msg=f"{sample}, round {k}")
