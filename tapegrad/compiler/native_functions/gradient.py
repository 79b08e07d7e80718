"""The value and the gradient of a compiled function as a compiled function of its own."""
from __future__ import annotations

from typing import Any

from tapegrad import creation
from tapegrad.autograd import grad, modes
from tapegrad.compiler.compiled_function import Compiled
from tapegrad.compiler.native_functions.selection import NotNative
from tapegrad.compiler.pytrees import flatten, has_masked, lies, unflatten
from tapegrad.machine import records as rec
from tapegrad.tensor import Tensor


def value_and_gradient(of: Compiled) -> Compiled:
    """What `Compiled.grad` gives."""
    function = of.__wrapped__
    name = getattr(of, "__name__", "function")

    def step(*args: Any, **kwargs: Any) -> Any:
        leaves: list[Any] = []
        structure = flatten((args, kwargs), leaves)
        with modes.enable_grad():
            fresh = [t.detach().requires_grad_() if t.dtype.is_floating_point else t for t in leaves]
            inputs = [t for t in fresh if t.requires_grad]
            args, kwargs = unflatten(structure, iter(fresh))
            value = function(*args, **kwargs)
            if not isinstance(value, Tensor) or value.numel() != 1:
                raise RuntimeError(f"{name} has no gradient: it must return one number as a tensor, "
                                   f"not {_told(value)}")
            if not value.requires_grad:
                return value.detach(), tuple([creation.zeros_like(t) for t in inputs])
            gradients = grad(value.sum(), inputs, allow_unused=True, materialize_grads=True)
        apart = value._is_view() or any(value is t for t in fresh)
        return (value.clone() if apart else value).detach(), gradients

    step.__name__, step.__qualname__ = f"{name}_grad", f"{getattr(of, '__qualname__', name)}, and its gradient"
    found = Compiled(step, *of.options)
    found.value = of
    return found


def _told(value: Any) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else (
        f"a {type(value).__name__}")


def call_like(value: Compiled, gradient: Compiled) -> None:
    """Have a gradient compiled for arguments like those of the function itself: made of ones, so that what it does must
    not depend on their values."""
    if not value.tapes:
        return
    key = next(key for key, several in value.tapes.items() if value.tape in several)
    structure, kinds, *_ = key
    leaves = [creation.ones(lies(k).shape, dtype=lies(k).dtype) for k in kinds]
    what = (f"{getattr(gradient, '__name__', 'gradient')} has no native function yet: call it twice, with arguments of "
            "the kind it is to take")
    if has_masked(structure):
        raise NotNative(what)
    args, kwargs = (leaves, {}) if structure is None else unflatten(structure, iter(leaves))
    try:
        for _ in range(4):  # two where the first call did what the others do
            if gradient.tapes:
                break
            gradient(*args, **kwargs)
    except Exception as error:
        raise NotNative(f"{what} (of ones it says: {error})") from error
    if gradient.tapes and any(s.kind == rec.GUARD for s in gradient.tape.captured.steps):
        gradient.tapes.clear()
        raise NotNative(f"{what}, for what it does depends on values")

