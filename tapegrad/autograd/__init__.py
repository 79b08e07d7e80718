"""Differentiation: backward and grad, graph views, modes."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad import errors
from tapegrad.autograd import engine, function, grad_mode, graph, saved_tensors  # noqa: F401 - grad_mode is offered
from tapegrad.autograd.anomaly import detect_anomaly, set_detect_anomaly
from tapegrad.autograd.edges import GradientEdge
from tapegrad.autograd.function import Function
from tapegrad.autograd.modes import (
    enable_grad,
    inference_mode,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from tapegrad.autograd.recorded_adjoints import tensor_type
from tapegrad.autograd.saved_values import SavedTensor
from tapegrad.lazy_modules import lazy
from tapegrad.namespaces import show_public

__all__ = ["Function", "GradcheckError", "SavedTensor", "Variable", "backward", "detect_anomaly", "enable_grad",
           "function", "grad", "gradcheck", "gradgradcheck", "graph", "inference_mode",
           "is_multithreading_enabled", "no_grad", "set_detect_anomaly", "set_grad_enabled",
           "set_multithreading_enabled"]
show_public(__name__, "forward_ad", "functional", "profiler")
globals().update(lazy(__name__, "forward_ad functional profiler"))  # on a higher floor
_lanes = lazy("tapegrad.lanes", "sweeps")


for _name in ("saved_tensors_hooks", "save_on_cpu", "disable_saved_tensors_hooks",
              "allow_mutation_on_saved_tensors"):
    setattr(graph, _name, getattr(saved_tensors, _name))
    graph.__all__.append(_name)


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
             grad_variables: Any = None, inputs: Any = None) -> None:
    """Accumulate the gradients of several tensors into the leaves they depend on (`torch.autograd.backward`).

    >>> import tapegrad
    >>> x = tapegrad.tensor(3.0, requires_grad=True)
    >>> backward([x * 2, x * x]); x.grad
    tensor(8.)

    `inputs` restricts the leaves. Raises RuntimeError as `Tensor.backward` does.
    """
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError("`grad_tensors` and `grad_variables` (deprecated) arguments both passed to backward(). "
                               "Please only use `grad_tensors`.")
        grad_tensors = grad_variables
    roots = engine.roots(tensors)
    engine.run(roots, engine.cotangents(grad_tensors, len(roots)),
               create_graph if retain_graph is None else retain_graph, create_graph, inputs, accumulate=True)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[Any, ...]:
    """The gradients of `outputs` with respect to `inputs`, which keep their `.grad` (`torch.autograd.grad`).

    >>> import tapegrad
    >>> x = tapegrad.tensor(3.0, requires_grad=True)
    >>> (g,) = grad(x ** 3, x, create_graph=True); g
    tensor(27., grad_fn=<MulBackward0>)
    >>> grad(g, x)
    (tensor(18.),)

    An input that nothing depends on is a RuntimeError, unless `allow_unused` (its gradient is None) or
    `materialize_grads` (it is zero). With `is_grads_batched`, `grad_outputs` have a leading axis more than the outputs
    and are swept together, as by `vmap`; the gradients have that axis, too.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
                         "allow_unused=False.")
    if not only_inputs:
        warnings.warn("only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate "
                      "gradient for other parts of the graph, please use torch.autograd.backward.", FutureWarning,
                      stacklevel=2)
    if is_grads_batched:
        found: Any = _rows(outputs, inputs, grad_outputs, create_graph if retain_graph is None else retain_graph,
                      create_graph, bool(allow_unused) or materialize_grads)
        if materialize_grads:
            found = _materialized(inputs, found, create_graph)
        return tuple(found)
    roots, wanted = engine.roots(outputs), engine.several(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    found = engine.run(roots, engine.cotangents(grad_outputs, len(roots)),
                       create_graph if retain_graph is None else retain_graph, create_graph, wanted,
                       accumulate=False, allow_unused=bool(allow_unused) or materialize_grads)
    assert found is not None
    if materialize_grads:
        found = _materialized(inputs, found, create_graph)
    return tuple(found)


def _materialized(inputs: Any, found: Any, create_graph: bool) -> list[Any]:
    """Zeros in the place of gradients that nothing came to."""
    given = (inputs,) if isinstance(inputs, (tensor_type(), GradientEdge)) else inputs
    if any(g is None and isinstance(x, GradientEdge) for x, g in zip(given, found)):
        raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
    return [x.new_zeros(x.shape, requires_grad=create_graph) if g is None else g for x, g in zip(given, found)]


def _calculate_shape(output: Any, grad: Any, is_grads_batched: bool) -> tuple[Any, Any]:
    """The shapes of an output and of a gradient for it, of one of a batch."""
    return output.shape, grad.shape[1:] if is_grads_batched else grad.shape


def _rows(outputs: Any, inputs: Any, batched: Any, retain_graph: bool, create_graph: bool, allow_unused: bool
          ) -> list[Any]:
    """One sweep for all rows of the cotangents."""
    roots = engine.roots(outputs)
    given = engine.cotangents(batched, len(roots))
    if all(g is None for g in given) and any(y.numel() != 1 for y in roots):
        raise RuntimeError(errors.NON_SCALAR)
    for i, (y, g) in enumerate(zip(roots, given)):
        if g is None or not g.ndim:
            raise ValueError(f"vmap(vjp, in_dims=0, ...)(<inputs>): grad_outputs[{i}] has no first dimension to go "
                             "along")
        if g.shape[1:] != y.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                "dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                f"output, but a mismatch was detected: grad_output[{i}] has a shape of {g.shape[1:]} and output[{i}] "
                f"has a shape of {y.shape}. If you only want some tensors in `grad_output` to be considered batched, "
                "consider using vmap."
            )
    sweeps = [g.shape[0] for g in given]
    if len(set(sweeps)) != 1:
        raise ValueError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                         f"{sweeps} for the mapped dimension")
    n = sweeps[0]
    if not n:
        raise IndexError("index 0 is out of bounds for dimension 0 with size 0")
    found: list[Any] = _lanes["sweeps"].together(
        lambda each: grad(outputs, inputs, each, retain_graph, create_graph, allow_unused=allow_unused), given)
    return found
