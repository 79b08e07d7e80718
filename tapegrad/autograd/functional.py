"""Derivatives of functions, rather than of tensors (`torch.autograd.functional`).

All six are `_prepared` (inputs that nobody else has), one or two calls of `autograd.grad`, and `_finished`. A
derivative along a direction (`jvp`, `hvp`) is a gradient of a gradient: the first is linear in its cotangent.
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import autograd, creation
from tapegrad.autograd import kept_values, modes
from tapegrad.autograd.marking import now
from tapegrad.functions import PUBLIC
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
show_public(__name__)

Several = tuple[Any, ...]
_stack = PUBLIC["stack"]


def _tuple(x: Any, what: str, of: str) -> tuple[bool, Several]:
    """Whether `x` is a tuple, and its tensors; TypeError for anything that is not one."""
    several = isinstance(x, tuple)
    found = x if several else (x,)
    for j, value in enumerate(found):
        if not isinstance(value, Tensor):
            at = f"value at index {j}" if several else f"given {what}"
            raise TypeError(f"The {what} given to {of} must be either a Tensor or a tuple of Tensors but the {at} has "
                            f"type {type(value)}.")
    return several, found


def _prepared(inputs: Several, create_graph: bool) -> Several:
    """The inputs as tensors that require grad and nobody else has; under `create_graph` with the history they have."""
    return tuple((x.view_as(x) if x.requires_grad else x.detach().requires_grad_()) if create_graph
                 else x.detach().requires_grad_() for x in inputs)


def _called(function: Callable[..., Any], inputs: Several, of: str) -> tuple[bool, Several]:
    return _tuple(function(*inputs), "outputs of the user-provided function", of)


def _grad(outputs: Several, inputs: Several, cotangents: Sequence[Any] | None = None, create_graph: bool = False
          ) -> Several:
    """Gradients, None where there is none."""
    kept = [(o, None if cotangents is None else c) for o, c in zip(outputs, cotangents or outputs) if o.requires_grad]
    if not kept:
        return (None,) * len(inputs)
    outs, seeds = zip(*kept)
    return autograd.grad(outs, inputs, seeds, create_graph=create_graph, retain_graph=True, allow_unused=True)


_STRICT = "This is not allowed in strict mode"
_INDEPENDENT = {
    "outputs": "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
               "differentiable manner from the input when running in strict mode.",
    "gradient": "Output {1} of the user-provided function is independent of input {0}. " + _STRICT + ".",
    "back": "The output of the user-provided function is independent of input {}. " + _STRICT + ".",
    "jacobian": "The jacobian of the user-provided function is independent of input {}. " + _STRICT
                + " when create_graph=True.",
    "first": "While computing the hessian, found that the jacobian of the user-provided function with respect to input "
             "{} is independent of the input. " + _STRICT + ". You should ensure that your function is twice "
             "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function "
             "for example).",
    "hessian": "The hessian of the user-provided function is independent of input {}. " + _STRICT
               + " when create_graph=True.",
}


def _check(strict: bool, what: str, found: Several, *more: Any, requires: bool = False) -> None:
    """RuntimeError in strict mode for a value that is missing, or does not depend on an input."""
    for j, x in enumerate(found):
        if strict and (x is None or (requires and not x.requires_grad)):
            raise RuntimeError(_INDEPENDENT[what].format(j, *more))


def _filled(found: Several, like: Several) -> Several:
    return tuple(creation.zeros_like(x) if g is None else g for g, x in zip(found, like))


def _finished(found: Any, create_graph: bool) -> Any:
    """The results: without history, unless it was asked for."""
    if isinstance(found, tuple):
        return tuple(_finished(x, create_graph) for x in found)
    return found if create_graph else found.detach()


def _vector(v: Any, like: Several, several: bool, of: str, what: str) -> Several:
    """A direction: given, or 1 where there is only one that it could be."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {what} a single Tensor with a single element.")
        return (creation.ones_like(like[0]),)
    _, found = _tuple(v, "v", of)
    if len(found) != len(like):
        if several:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(found)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for j, (x, y) in enumerate(zip(found, like)):
        if x.shape != y.shape:
            entry = f"Entry {j} in " if several else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {y.shape} but got {x.shape}.")
    return found


def _shown(x: Several, several: bool) -> Any:
    return x if several else x[0]


def _check_strategy(strategy: str, vectorize: bool) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function '
                             'has more outputs than inputs, "forward-mode" tends to be more performant. Otherwise, '
                             'prefer to use "reverse-mode".')
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError("Computing Jacobian using forward-AD or forward-over-reverse Hessian is only "
                                  "implemented for `vectorize=True`.")


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
             vectorize: bool = False, strategy: str = "reverse-mode") -> Any:
    """All derivatives of a function's outputs by its inputs (`torch.autograd.functional.jacobian`).

    >>> import tapegrad
    >>> jacobian(lambda x: x ** 2, tapegrad.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])

    For tuples of inputs and outputs, a tuple a output of one for each input, each of the output's shape and then the
    input's. `vectorize` and `strategy` say how, and change no value. `strict` raises RuntimeError where an output does
    not depend on an input; TypeError for what is no tensor.
    """
    _check_strategy(strategy, vectorize)
    for name, asked in (("create_graph", create_graph), ("strict", strict)):
        if asked and strategy == "forward-mode":
            kind = NotImplementedError if name == "create_graph" else RuntimeError
            raise kind(f"torch.autograd.functional.jacobian: `{name}=True` and `strategy=\"forward-mode\"` are not "
                       f"supported together (yet). Please either set `{name}=False` or `strategy=\"reverse-mode\"`.")
    if strict and vectorize:
        raise RuntimeError("torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported "
                           "together. Please either set `strict=False` or `vectorize=False`.")
    with modes.enable_grad():
        several_inputs, given = _tuple(inputs, "inputs", "jacobian")
        given = _prepared(given, create_graph)
        leaves = list(given)
        with kept_values.keeping(now(), leaves) if strategy == "forward-mode" else contextlib.nullcontext():
            several_outputs, outputs = _called(func, given, "jacobian")
        given = tuple(leaves)
        _check(strict, "outputs", outputs, requires=True)
        rows = tuple(_together(out, given, create_graph) if vectorize else _rows(out, i, given, create_graph, strict)
                     for i, out in enumerate(outputs))
        rows = _finished(rows, create_graph)
    return _shown(tuple(_shown(row, several_inputs) for row in rows), several_outputs)


def _rows(out: Any, number: int, inputs: Several, create_graph: bool, strict: bool) -> Several:
    """One output's derivatives by every input."""
    count, shapes = out.numel(), [(*out.shape, *x.shape) for x in inputs]
    found: list[list[Any]] = [[] for _ in inputs]
    for element in out.reshape(-1).unbind(0):
        gradients = _grad((element,), inputs, create_graph=create_graph)
        for j, (row, g, x) in enumerate(zip(found, gradients, inputs)):
            if strict and create_graph and g is not None and not g.requires_grad:
                raise RuntimeError(_INDEPENDENT["jacobian"].format(j))
            if strict and g is None:
                raise RuntimeError(_INDEPENDENT["gradient"].format(j, number))
            row.append(creation.zeros_like(x) if g is None else g)
    return tuple(_stack(row, 0).view(shape) if count else out.new_zeros(shape) for row, shape in zip(found, shapes))


def _together(out: Any, inputs: Several, create_graph: bool) -> Several:
    """The same in one sweep."""
    count, shapes = out.numel(), [(*out.shape, *x.shape) for x in inputs]
    if not count or not out.requires_grad:
        return tuple(out.new_zeros(shape) for shape in shapes)
    basis = creation.eye(count, dtype=out.dtype).reshape(count, *out.shape)
    found = autograd.grad(out, inputs, basis, retain_graph=True, create_graph=create_graph, allow_unused=True,
                          is_grads_batched=True)
    return tuple(out.new_zeros(shape) if g is None else g.reshape(shape) for g, shape in zip(found, shapes))


def _scalar(function: Callable[..., Any], of: str) -> Callable[..., Any]:
    """The function, whose result must be one number."""
    def checked(*inputs: Any) -> Any:
        several, found = _called(function, inputs, of)
        if several:
            raise RuntimeError(f"The function given to {of} should return a single Tensor")
        if found[0].numel() != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {of} should contain a single element")
        return found[0]

    return checked


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
            vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """All second derivatives of a function that returns one number (`torch.autograd.functional.hessian`).

    >>> import tapegrad
    >>> hessian(lambda x: (x ** 3).sum(), tapegrad.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])

    For a tuple of inputs, a tuple of tuples. Raises RuntimeError for a function that returns more than one number.
    """
    _check_strategy(outer_jacobian_strategy, vectorize)
    several, _ = _tuple(inputs, "inputs", "hessian")
    number = _scalar(func, "hessian")

    def first(*given: Any) -> Any:
        out = number(*given).squeeze()
        _check(strict, "outputs", (out,), requires=True)
        found = _grad((out,), given, create_graph=True)
        for j, g in enumerate(found):
            if strict and g is None:
                raise RuntimeError(_INDEPENDENT["gradient"].format(j, 0))
        _check(strict, "first", found, requires=True)
        return _filled(found, given)

    given = inputs if several else (inputs,)
    found = jacobian(first, given, create_graph, strict, vectorize)
    return found if several else found[0][0]


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The outputs, and a vector times the Jacobian (`torch.autograd.functional.vjp`).

    >>> import tapegrad
    >>> vjp(lambda x: x ** 2, tapegrad.tensor([1.0, 2.0]), tapegrad.tensor([1.0, 0.5]))
    (tensor([1., 4.]), tensor([2., 2.]))

    `v` is shaped like the outputs; it may be None for one number. Raises RuntimeError for another shape.
    """
    with modes.enable_grad():
        several_inputs, given = _tuple(inputs, "inputs", "vjp")
        given = _prepared(given, create_graph)
        several, outputs = _called(func, given, "vjp")
        _check(strict, "outputs", outputs, requires=True)
        direction = _vector(v, outputs, several, "vjp", "the user-provided function returns")
        found = _grad(outputs, given, direction, create_graph)
        _check(strict, "back", found)
        if create_graph and strict:
            _check(strict, "jacobian", found, requires=True)
        found = _filled(found, given)
        return (_finished(_shown(outputs, several), create_graph),
                _finished(_shown(found, several_inputs), create_graph))


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The outputs, and the Jacobian times a vector (`torch.autograd.functional.jvp`).

    >>> import tapegrad
    >>> jvp(lambda x: x ** 2, tapegrad.tensor([1.0, 2.0]), tapegrad.tensor([1.0, 0.5]))
    (tensor([1., 4.]), tensor([2., 2.]))

    `v` is shaped like the inputs; it may be None for one number. Raises RuntimeError for another shape.
    """
    with modes.enable_grad():
        several_inputs, given = _tuple(inputs, "inputs", "jvp")
        given = _prepared(given, create_graph)
        direction = _vector(v, given, several_inputs, "jvp", "the input to the user-provided function is")
        several, outputs = _called(func, given, "jvp")
        _check(strict, "outputs", outputs, requires=True)
        cotangents = tuple(creation.zeros_like(o, requires_grad=True) for o in outputs)
        back = _grad(outputs, given, cotangents, create_graph=True)
        _check(strict, "back", back)
        back = _filled(back, given)
        found = _grad(back, cotangents, direction, create_graph)
        if create_graph and strict:
            for g in found:
                if g is not None and not _depends(g, given):
                    raise RuntimeError(_INDEPENDENT["jacobian"].format(0))
        found = _filled(found, outputs)
        return _finished(_shown(outputs, several), create_graph), _finished(_shown(found, several), create_graph)


def _depends(x: Any, inputs: Several) -> bool:
    return x.requires_grad and any(g is not None for g in _grad((x,), inputs, (creation.ones_like(x),)))


def _first_of(func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool, of: str) -> Any:
    """What `vhp` and `hvp` share: inputs, value, gradient with history, direction."""
    several, given = _tuple(inputs, "inputs", of)
    given = _prepared(given, create_graph)
    direction = _vector(v, given, several, of, "the input to the user-provided function is")
    out = _scalar(func, of)(*given)
    _check(strict, "outputs", (out,), requires=True)
    first = _grad((out,), given, create_graph=True)
    for j, g in enumerate(first):
        if strict and g is None:
            raise RuntimeError(_INDEPENDENT["back"].format(j))
    _check(strict, "first", first, requires=True)
    return several, given, out, _filled(first, given), direction


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value, and a vector times the Hessian (`torch.autograd.functional.vhp`).

    >>> import tapegrad
    >>> vhp(lambda x: (x ** 3).sum(), tapegrad.tensor([1.0, 2.0]), tapegrad.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with modes.enable_grad():
        several, given, out, first, direction = _first_of(func, inputs, v, create_graph, strict, "vhp")
        found = _grad(first, given, direction, create_graph)
        _check(strict, "hessian", found)
        found = _filled(found, given)
        return _finished(out, create_graph), _finished(_shown(found, several), create_graph)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value, and the Hessian times a vector (`torch.autograd.functional.hvp`).

    >>> import tapegrad
    >>> hvp(lambda x: (x ** 3).sum(), tapegrad.tensor([1.0, 2.0]), tapegrad.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))

    A Hessian that is not symmetric, of a function whose derivatives do not commute, is multiplied from its own side.
    """
    with modes.enable_grad():
        several, given, out, first, direction = _first_of(func, inputs, v, create_graph, strict, "hvp")
        cotangents = tuple(creation.zeros_like(x, requires_grad=True) for x in given)
        back = _filled(_grad(first, given, cotangents, create_graph=True), given)
        found = _grad(back, cotangents, direction, create_graph)
        _check(strict, "hessian", found)
        found = _filled(found, given)
        return _finished(out, create_graph), _finished(_shown(found, several), create_graph)


# What minimisers outside of PyTorch take from it, by its names.

def _as_tuple(inp: Any, arg_name: str = "inputs", fn_name: str = "the function") -> tuple[bool, Several]:
    return _tuple(inp, arg_name, fn_name)


def _grad_postprocess(inputs: Any, create_graph: bool) -> Any:
    return _finished(inputs, create_graph)


def _tuple_postprocess(res: Any, to_unpack: Any) -> Any:
    """Several results as one where the outputs, or the inputs, were one tensor."""
    if not isinstance(to_unpack, tuple):
        return res if to_unpack else res[0]
    if not to_unpack[1]:
        res = tuple(of_output[0] for of_output in res)
    return res if to_unpack[0] else res[0]


def _construct_standard_basis_for(tensors: Several, tensor_numels: Sequence[int]) -> Several:
    """A row for each element of all tensors, which has a one at its place; of each row, a part for each tensor."""
    ones = creation.eye(sum(tensor_numels)).split(list(tensor_numels), 1)
    return tuple(part.to(x.dtype).contiguous() for x, part in zip(tensors, ones))
