"""Differentiation: backward and grad, graph views, modes."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad.autograd import engine, function, graph
from tapegrad.autograd.anomaly import detect_anomaly, set_detect_anomaly
from tapegrad.autograd.function import Function
from tapegrad.autograd.modes import enable_grad, no_grad, set_grad_enabled

__all__ = ["Function", "backward", "detect_anomaly", "enable_grad", "function", "grad", "graph", "no_grad",
           "set_detect_anomaly", "set_grad_enabled"]


def _several(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, Sequence) else (x,)


def _cotangents(given: Any, count: int) -> tuple[Any, ...]:
    cotangents = (None,) * count if given is None else _several(given)
    if len(cotangents) != count:
        raise RuntimeError(f"got {count} tensors and {len(cotangents)} gradients")
    return cotangents


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
             inputs: Any = None) -> None:
    """Accumulate the gradients of several tensors into the leaves they depend on (`torch.autograd.backward`).

    >>> import tapegrad
    >>> x = tapegrad.tensor(3.0, requires_grad=True)
    >>> backward([x * 2, x * x]); x.grad
    tensor(8.)

    `inputs` restricts the leaves. Raises RuntimeError as `Tensor.backward` does.
    """
    roots = _several(tensors)
    engine.run(roots, _cotangents(grad_tensors, len(roots)), create_graph if retain_graph is None else retain_graph,
               create_graph, inputs, accumulate=True)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, is_grads_batched: bool = False, allow_unused: bool | None = None,
         materialize_grads: bool = False) -> tuple[Any, ...]:
    """The gradients of `outputs` with respect to `inputs`, which keep their `.grad` (`torch.autograd.grad`).

    >>> import tapegrad
    >>> x = tapegrad.tensor(3.0, requires_grad=True)
    >>> (g,) = grad(x ** 3, x, create_graph=True); g
    tensor(27., grad_fn=<MulBackward0>)
    >>> grad(g, x)
    (tensor(18.),)

    An input that nothing depends on is a RuntimeError, unless `allow_unused` (its gradient is None) or
    `materialize_grads` (it is zero).
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
                         "allow_unused=False.")
    if is_grads_batched:
        raise NotImplementedError("is_grads_batched=True is not supported; call grad once for each row")
    roots, wanted = _several(outputs), _several(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if any(not x.requires_grad for x in wanted):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    found = engine.run(roots, _cotangents(grad_outputs, len(roots)),
                       create_graph if retain_graph is None else retain_graph, create_graph, wanted,
                       accumulate=False, allow_unused=bool(allow_unused) or materialize_grads)
    assert found is not None
    if materialize_grads:
        found = [x.new_zeros(x.shape) if g is None else g for x, g in zip(wanted, found)]
    return tuple(found)
