"""What gates of recurrent networks do to a state, a step in one kernel."""
from __future__ import annotations

from typing import Any

from tapegrad.ops.declaration import elementwise
from tapegrad.ops.scalar import scalar

sigmoid, tanh = scalar.sigmoid, scalar.tanh


def _memory_vjp(g, i, f, n, c):
    """Of c · σ(f) + σ(i) · tanh(n)."""
    entry, keep, new = sigmoid(i), sigmoid(f), tanh(n)
    return (g * new * entry * (1 - entry), g * c * keep * (1 - keep), g * entry * (1 - new * new), g * keep)


def _shown_vjp(g, o, c):
    """Of σ(o) · tanh(c)."""
    shown, value = sigmoid(o), tanh(c)
    return g * value * shown * (1 - shown), g * shown * (1 - value * value)


def _new_vjp(g, r, x, h, out):
    """Of tanh(x + σ(r) · h)."""
    slope, reset = g * (1 - out * out), sigmoid(r)
    return slope * h * reset * (1 - reset), slope, slope * reset


def _mixed_vjp(g, z, n, h):
    """Of n + σ(z) · (h - n)."""
    keep = sigmoid(z)
    return g * (h - n) * keep * (1 - keep), g * (1 - keep), g * keep


SHARED: dict[str, Any] = {"accepts": "f", "method": False, "inplace": False}
elementwise("_lstm_memory", lambda i, f, n, c: sigmoid(f) * c + sigmoid(i) * tanh(n), _memory_vjp,
            grad_name="AddBackward0", **SHARED)
elementwise("_lstm_shown", lambda o, c: sigmoid(o) * tanh(c), _shown_vjp, grad_name="MulBackward0", **SHARED)
elementwise("_gru_new", lambda r, x, h: tanh(x + sigmoid(r) * h), _new_vjp, grad_name="TanhBackward0", **SHARED)
elementwise("_gru_mixed", lambda z, n, h: n + sigmoid(z) * (h - n), _mixed_vjp, grad_name="AddBackward0", **SHARED)
