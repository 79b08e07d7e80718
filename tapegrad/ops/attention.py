"""Attention of heads to their own sequences: queries, keys and values are one operand, and so one gradient.

That operand is (3, batch, heads, length, width), however it lies; what a linear map wrote side by side is read where it
is. Each head is a turn: its scores stay in a cache between the product, the softmax and the next product. Backward reads
the weights again: no gradient flows through them by themselves, for they say nothing that queries and keys do not.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad.ops.declaration import Builder, Value, structured
from tapegrad.ops.scalar import row, scalar, whole


def _softmax(x: Value, scale: float) -> Value:
    """Of the scores of one query."""
    x = x * scale
    e = scalar.exp(x - row.max(x, ()))
    return e / row.sum(e, ())


def _softmax_slope(g: Value, weights: Value, scale: float) -> Value:
    return weights * (g - row.sum(g * weights, ())) * scale


def _turns(builder: Builder, packed: Value) -> tuple[Value, list[Value], int]:
    """Turns through the heads, their queries, keys and values, and how much work there is, in multiplications."""
    _, batch, heads, length, width = packed.shape
    parts = [builder.heads(packed.narrow(0, k, 1).squeeze(0)) for k in range(3)]
    return builder.in_turns(batch, heads, at_once=1), parts, batch * heads * length * length * (width + 16)


def weights_of(builder: Builder, packed: Value, *, scale: float) -> Value:
    """Where each query looks."""
    packed = builder.by_rows(packed)
    _, batch, heads, length, _ = packed.shape
    out = builder.result(packed.dtype, (batch, heads, length, length))
    turns, (queries, keys, _), work = _turns(builder, packed)
    target = builder.heads(out)
    turns.product(target, queries, keys.mT)
    turns.row_by_row(target, [target], lambda x: _softmax(x, scale))
    turns.end(work)
    return out


def found_by(builder: Builder, packed: Value, weights: Value, *, scale: float) -> Value:
    """What each query finds; it lies as the queries do."""
    packed, weights = builder.by_rows(packed), builder.plain(weights)
    out = builder.blank_like(packed.narrow(0, 0, 1).squeeze(0))
    turns, (*_, values), work = _turns(builder, packed)
    turns.product(builder.heads(out), builder.heads(weights), values)
    turns.end(work)
    return out


def slopes(builder: Builder, g: Value, packed: Value, weights: Value, *, scale: float) -> Value:
    """The gradient of queries, keys and values."""
    g, packed, weights = builder.by_rows(g), builder.by_rows(packed), builder.plain(weights)
    length = packed.shape[3]
    out = builder.blank_like(packed)
    turns, (queries, keys, values), work = _turns(builder, packed)
    arriving, looked = builder.heads(g), builder.heads(weights)
    of_queries, of_keys, of_values = (builder.heads(out.narrow(0, k, 1).squeeze(0)) for k in range(3))
    of_scores = turns.scratch(packed.dtype, (length, length))
    turns.product(of_scores, arriving, values.mT)
    turns.row_by_row(of_scores, [of_scores, looked], lambda g, w: _softmax_slope(g, w, scale))
    turns.product(of_queries, of_scores, keys)
    turns.product(of_keys, of_scores.mT, queries)
    turns.product(of_values, looked.mT, arriving)
    turns.end(4 * work)
    return out


# ---------------------------------------------------------------- the same in NumPy

def weights_column(packed: Value, *, scale: float) -> Value:
    scores = packed[0] @ np.swapaxes(packed[1], -1, -2) * scale
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def slopes_column(g: Value, packed: Value, weights: Value, *, scale: float) -> Value:
    (queries, keys, values), across = packed, lambda x: np.swapaxes(x, -1, -2)
    found = g @ across(values)
    found = weights * (found - (found * weights).sum(-1, keepdims=True)) * scale
    return np.stack([found @ keys, across(found) @ queries, across(weights) @ g])


def _samples(which: int) -> Any:
    def made() -> list[Any]:
        found = []
        for batch, heads, length, width in ((2, 2, 3, 4), (1, 3, 5, 2), (2, 1, 1, 3), (1, 1, 4, 1)):
            packed, looked = (3, batch, heads, length, width), (batch, heads, length, length)
            shapes: Any = ((packed,), (packed, looked), (packed[1:], packed, looked))[which]
            found.append((shapes, {"scale": 1 / math.sqrt(width)}))
        return found

    return made


def _fits(which: int) -> Any:
    def fits(operands: Any, given: dict[str, Any]) -> bool:
        packed = operands[which // 2].shape
        if len({o.dtype for o in operands}) > 1 or type(given["scale"]) is not float or len(packed) != 5 or \
                packed[0] != 3 or 0 in packed:
            return False
        looked = (*packed[1:4], packed[3])
        return [o.shape for o in operands] == [[packed], [packed, looked], [packed[1:], packed, looked]][which]

    return fits


SHARED: dict[str, Any] = {"accepts": "f", "method": False}
structured("_attention_weights", weights_of, None, column=weights_column, samples=_samples(0), fits=_fits(0), **SHARED)
structured("_attention", found_by, lambda g, packed, weights, scale: (
    whole._attention_slopes(g, packed, weights, scale=scale), None),
    grad_name="ScaledDotProductFlashAttentionForCpuBackward0", column=lambda packed, weights, *, scale: weights @ packed[2],
    samples=_samples(1), fits=_fits(1), **SHARED)
structured("_attention_slopes", slopes, None, column=slopes_column, samples=_samples(2), fits=_fits(2), **SHARED)
