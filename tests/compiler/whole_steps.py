"""A step with its gradients, as written and compiled."""
from __future__ import annotations

import numpy as np

import tapegrad as torch


def gradients(loss, tensors, leaves=1, passes=None):
    """The loss and the gradients of the first `leaves` tensors: compiled, as written, and the compiled step."""
    for t in tensors[:leaves]:
        t.requires_grad_()

    def step():
        for t in tensors[:leaves]:
            t.grad = None
        value = loss(*tensors)
        value.backward()
        return value.detach()

    def found(step):
        return [step().numpy().copy(), *(t.grad.numpy().copy() for t in tensors[:leaves] if t.grad is not None)]

    with np.errstate(all="ignore"):
        expected = found(step)
        compiled = torch.compile(step, passes=passes)
        for _ in range(5):
            compiled()
        (variants,) = compiled.tapes.values()
        variants[-1].wait()
        again = found(compiled)
    assert compiled.replays
    return again, expected, compiled


def dumped(compiled):
    (variants,) = compiled.tapes.values()
    return variants[-1].dump()
