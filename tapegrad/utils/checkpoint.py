"""Memory for time: what a function saves for backward is dropped, and computed again when backward needs it.

Two kinds, as in PyTorch. Without `use_reentrant` the function is recorded, with hooks that keep a mark in place of
every saved tensor; the first mark that is asked for runs the function again and fills all of them. With it, the
function is not recorded at all, and its backward is a second one inside the first.
"""
from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tapegrad import autograd, creation, random
from tapegrad.autograd import calls_through_python, engine, modes
from tapegrad.autograd.saved_tensors import own_hooks
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import tree_map  # noqa: F401 - programs look for it here

__all__ = ["CheckpointError", "CheckpointFunction", "check_backward_validity", "checkpoint", "checkpoint_sequential",
           "detach_variable", "get_device_states", "noop_context_fn", "set_checkpoint_debug_enabled",
           "set_checkpoint_early_stop", "set_device_states"]
show_public(__name__)

_NAME = "torch.utils.checkpoint"
_state: dict[str, Any] = {"early stop": True, "debug": None}


class CheckpointError(RuntimeError):
    """The function did not do the same again (`torch.utils.checkpoint.CheckpointError`)."""


class _Done(Exception):
    """Everything that was saved is there again."""


def noop_context_fn() -> tuple[Any, Any]:
    """Nothing around the function, neither the first time nor the second.

    >>> import tapegrad as torch
    >>> first, second = torch.utils.checkpoint.noop_context_fn()
    """
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def _setting(name: str, value: Any) -> Iterator[None]:
    before, _state[name] = _state[name], value
    try:
        yield
    finally:
        _state[name] = before


def set_checkpoint_early_stop(enable: bool) -> Any:
    """A block in which functions run again only as far as needed, or whole (`set_checkpoint_early_stop`).

    >>> import tapegrad as torch
    >>> with torch.utils.checkpoint.set_checkpoint_early_stop(False):
    ...     pass
    """
    return _setting("early stop", enable)


def set_checkpoint_debug_enabled(enabled: bool | None) -> Any:
    """A block, kept for what is written for PyTorch (`set_checkpoint_debug_enabled`): errors say the same in it.

    >>> import tapegrad as torch
    >>> with torch.utils.checkpoint.set_checkpoint_debug_enabled(False):
    ...     pass
    """
    return _setting("debug", enabled)


class _Mark:
    """What is kept in place of a saved tensor."""

    __slots__ = ("__weakref__", "number", "unpacked")

    def __init__(self, number: int) -> None:
        self.number = number
        self.unpacked: int | None = None  # in which sweep


def _described(x: Any) -> dict[str, Any]:
    return {"shape": x.shape, "dtype": x.dtype, "device": x.device}


class _Inputs(autograd.Function):
    """Saves what a function is called with: hooks around it, of another checkpoint, may drop that as well."""

    @staticmethod
    def forward(ctx: Any, needing: Any, *tensors: Any) -> Any:
        ctx.save_for_backward(*tensors)
        return needing.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise AssertionError("nothing depends on this")


class _Frame:
    """One call of a function whose saved tensors were dropped."""

    def __init__(self, again: Callable[[Any], Any], args: Any, early_stop: bool, check: bool) -> None:
        self.again, self.check = again, check
        self.args = [None if isinstance(x, Tensor) else x for x in args]
        self.places = [j for j, x in enumerate(args) if isinstance(x, Tensor)]
        self.inputs = _Inputs.apply(creation.zeros(0, requires_grad=True), *(args[j] for j in self.places))
        self.early_stop = early_stop and _state["early stop"]  # as it is when the function is called
        self.marks: list[weakref.ref[_Mark]] = []
        self.told: list[dict[str, Any]] = []
        self.found: dict[int, Any] = {}
        self.complete = False

    def __del__(self) -> None:
        if hasattr(self, "inputs"):
            self.inputs.grad_fn.release()  # the tape would keep them until it is looked through

    def arguments(self) -> list[Any]:
        """What the function was called with."""
        args = [*self.args]
        for j, x in zip(self.places, self.inputs.grad_fn.saved_tensors):
            args[j] = x
        return args

    def pack(self, x: Any) -> _Mark:
        mark = _Mark(len(self.marks))
        self.marks.append(weakref.ref(mark))
        self.told.append(_described(x))
        return mark

    def unpack(self, mark: _Mark) -> Any:
        sweep = engine.sweep_number()
        if sweep is not None and sweep == mark.unpacked:
            raise CheckpointError(f"{_NAME}: Unpack is being triggered for a tensor that was already unpacked once. If "
                                  "you are calling ctx.saved_tensors in backward, make sure to do so only once. "
                                  "Otherwise please open an issue with details on your use case.")
        if mark.number not in self.found:
            self.recompute()
        mark.unpacked = sweep
        return self.found.pop(mark.number)  # so that memory is given back as backward goes on

    def recompute(self) -> None:
        """Run the function again, and keep what it saves for the marks that are still there."""
        count, told, new = 0, [], {}
        complete = self.complete  # a function may ask for gradients of its own, which asks for what it has saved so far

        def pack(x: Any) -> Any:
            nonlocal count
            if count < len(self.marks):
                told.append(_described(x))
                if self.marks[count]() is not None:
                    new[count] = x.detach()
            count += 1
            if self.early_stop and count == len(self.marks):
                raise _Done
            return x.detach()

        with modes.enable_grad():
            args = self.arguments()
            with contextlib.suppress(_Done), own_hooks(pack, lambda kept: kept):
                self.again(args)
        if complete and count != len(self.marks) and not (self.early_stop and count > len(self.marks)):
            raise CheckpointError(
                f"{_NAME}: A different number of tensors was saved during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.marks)}\n"
                f"Number of tensors saved during recomputation: {count}.")
        differ = [(n, a, b) for n, (a, b) in enumerate(zip(self.told, told)) if a != b] if self.check else []
        if differ:
            each = "".join(f"tensor at position {n}:\nsaved metadata: {a}\nrecomputed metadata: {b}\n"
                           for n, a, b in differ)
            raise CheckpointError(f"{_NAME}: Recomputed values for the following tensors have different metadata than "
                                  "during "
                                  f"the forward pass.\n{each}")
        self.found = new


def _with_state(preserve: bool) -> Callable[[], Any]:
    """What makes random draws of a second run those of this one."""
    if not preserve:
        return contextlib.nullcontext
    state = random.get_rng_state()

    @contextlib.contextmanager
    def restored() -> Iterator[None]:
        with random.fork_rng():
            random.set_rng_state(state)
            yield

    return restored


class CheckpointFunction(autograd.Function):
    """A function that is not recorded: backward runs it again, and goes back through that (`use_reentrant=True`)."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        ctx.run_function, ctx.drawn = run_function, _with_state(preserve_rng_state)
        ctx.places = [j for j, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.inputs = [None if isinstance(x, Tensor) else x for x in args]
        ctx.save_for_backward(*(args[j] for j in ctx.places))
        with modes.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        if engine.current_sweep().narrowed:
            raise RuntimeError("When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                               "passing an `inputs` parameter to .backward(). To resolve this error, you can either "
                               "set use_reentrant=False, or call .backward() without passing the `inputs` argument.")
        inputs = list(ctx.inputs)
        for j, x in zip(ctx.places, ctx.saved_tensors):
            inputs[j] = x.detach().requires_grad_(x.requires_grad)
        with ctx.drawn(), modes.enable_grad():
            outputs = ctx.run_function(*inputs)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        kept = [(o, g) for o, g in zip(outputs, gradients) if isinstance(o, Tensor) and o.requires_grad]
        if not kept:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        autograd.backward([o for o, _ in kept], [g for _, g in kept])
        return None, None, *(x.grad if isinstance(x, Tensor) else None for x in inputs)


def _explicit(use_reentrant: bool | None, of: str) -> bool:
    if use_reentrant is None:
        warnings.warn(f"{of}: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
                      "recommended, "
                      "but if you need to preserve the current default behavior, you can pass use_reentrant=True.",
                      stacklevel=3)
        return True
    return use_reentrant


def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
               context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn, determinism_check: str = "default",
               debug: bool = False, early_stop: bool = True, **kwargs: Any) -> Any:
    """Call a function and save nothing of it: backward calls it again (`torch.utils.checkpoint.checkpoint`).

    >>> import tapegrad
    >>> x = tapegrad.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda v: (v * v).exp(), x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([  5.4366, 218.3926])

    Random numbers are drawn again as they were, unless `preserve_rng_state=False`. Raises CheckpointError when the
    second call does not save as much as the first, or other shapes and dtypes (`determinism_check="none"`: not looked
    at).
    """
    reentrant = _explicit(use_reentrant, _NAME)
    preserve = kwargs.pop("preserve_rng_state", True)
    if reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        if modes.is_grad_enabled() and not any(isinstance(x, Tensor) and x.requires_grad for x in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        return function(*args) if calls_through_python.looked_into else CheckpointFunction.apply(
            function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    first, second = context_fn()
    drawn = _with_state(preserve)

    def again(args: Any) -> None:
        with drawn(), second:
            function(*args, **kwargs)

    if not modes.is_grad_enabled() or modes.is_inference_mode_enabled():
        with first:
            return function(*args, **kwargs)
    frame = _Frame(again, args, early_stop, determinism_check == "default")
    with own_hooks(frame.pack, frame.unpack), first:
        result = function(*args, **kwargs)
    frame.complete = True
    return result


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
                          ) -> Any:
    """Modules one after the other, all but the last of as many segments checkpointed (`checkpoint_sequential`).

    >>> import tapegrad
    >>> checkpoint_sequential([tapegrad.sin, tapegrad.exp], 2, tapegrad.zeros(2), use_reentrant=False)
    tensor([1., 1.])
    """
    reentrant = _explicit(use_reentrant, f"{_NAME}.checkpoint_sequential")
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    parts = [*functions.children()] if hasattr(functions, "children") else [*functions]

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def part(x: Any) -> Any:
            for function in parts[start:end]:
                x = function(x)
            return x

        return part

    size, end = len(parts) // segments, 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(run(start, end), input, use_reentrant=reentrant, preserve_rng_state=preserve)
    return run(end, len(parts))(input)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """A warning where none of the inputs needs a gradient (`torch.utils.checkpoint.check_backward_validity`).

    >>> import tapegrad as torch
    >>> torch.utils.checkpoint.check_backward_validity([torch.ones(1, requires_grad=True)])
    """
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs apart from their history, leaves where they need gradients (`torch.utils.checkpoint.detach_variable`).

    >>> import tapegrad as torch
    >>> torch.utils.checkpoint.detach_variable((torch.ones(1, requires_grad=True) * 2, 3))
    (tensor([2.], requires_grad=True), 3)

    RuntimeError for anything but a tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError("Only tuple of tensors is supported. Got Unsupported input type: " + type(inputs).__name__)
    return tuple([x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs])


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """The generators of the devices that tensors are on, and their states: of none (`get_device_states`).

    >>> import tapegrad as torch
    >>> torch.utils.checkpoint.get_device_states(torch.ones(2))
    ([], [])
    """
    return [], []


def set_device_states(devices: Any, states: Any, *, device_type: Any = None) -> None:
    """Put back what `get_device_states` gave (`torch.utils.checkpoint.set_device_states`).

    >>> import tapegrad as torch
    >>> torch.utils.checkpoint.set_device_states(*torch.utils.checkpoint.get_device_states())
    """
