"""Compiled functions: captured once, replayed with no Python between the kernels, never silently wrong.

Start with `compiled_function.py`, which decides what a call does, and `captured_function.py`, which makes programs of
calls. `guards/` looks at the Python values a function may read; `captured_call.py` and `traced_program.py` turn a trace
into steps over blocks of memory, `captured_backward.py` and `backward_node.py` do so for the backward of results;
`passes/` makes them fewer; `variant.py` has one captured behaviour with its conditions, `program.py` its native
records, `native_calls.py` the native way through a call.
"""
from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any

from tapegrad.machine.learning import capturing

__all__ = ["Compiled", "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
           "is_compiling", "is_dynamo_compiling", "is_exporting", "reset"]


_BACKENDS = "inductor eager aot_eager aot_eager_decomp_partition cudagraphs onnxrt openxla tvm"
_MODES = "default, lite, reduce-overhead, max-autotune-no-cudagraphs, max-autotune"


def compile(model: Callable[..., Any] | None = None, *, fullgraph: bool = False, dynamic: bool | None = None,
            backend: str | Callable[..., Any] | None = None, mode: str | None = None,
            options: dict[str, Any] | None = None, name: str | None = None, disable: bool = False,
            recompile_limit: int | None = None, isolate_recompiles: bool = False, shapes_spec: Any = None,
            eager_build: bool = False, passes: Iterable[str] | None = None, checkpoint: str | None = None,
            memory: int | None = None) -> Any:
    """Capture a function's work and replay it on later calls with no Python between the kernels (`torch.compile`).

    >>> import tapegrad
    >>> w = tapegrad.ones(3, requires_grad=True)
    >>> @compile
    ... def step():
    ...     loss = (w * w).sum()
    ...     loss.backward()
    ...     with tapegrad.no_grad():
    ...         w.sub_(0.1 * w.grad)
    ...     w.grad.zero_()
    >>> for _ in range(6):
    ...     step()
    >>> step.replays > 0
    True

    A whole step may be captured: forward, backward, updates in place. What it reads is checked before every replay:
    layouts and flags of arguments, Python values by content, tensors by identity, and values that reached Python on the
    way. Where a check fails the function runs as it is written; nothing a broken-off replay did stays. A result that
    requires grad is one node of the graph, with a compiled backward.

    `dynamic`: arguments come in many shapes. Each shape is captured by itself either way (what Python does with a shape
    cannot be watched), and the kernels are shared; a function that meets more than 64 kinds of arguments then forgets
    the oldest, where it would otherwise give up. `eager_build`: wait for the superinstructions of long programs, which
    are built in the background otherwise. `passes` chooses among the optimiser's (`compiler/passes`), all by default.

    `checkpoint="auto"` has long loops whose backward is in the call too (`f.grad` puts it there) keep few of the
    values that it reads, and computes the others anew, by the binomial schedule of Griewank and Walther (Algorithm
    799, `revolve`): the same kernels, so the same gradient to the last bit. `memory` is how many bytes of its own the
    program may take, as `explain()` shows them; without it each turn is computed twice at most, and what is kept grows
    with the root of their count. A function in which no loop can be run again keeps all, with a warning that says why;
    calls that are captured keep all as well, for they run as written. ValueError, from the call that makes the program,
    where `memory` is too little: it names the least.

    PyTorch's other options are taken: `disable` gives the function back, and the rest changes nothing, for there is one
    compiler. What cannot be captured runs as it is written, with `fullgraph` too.

    Raises AssertionError for what cannot be called, TypeError and ValueError for a bad `checkpoint` or `memory`,
    RuntimeError for a mode or backend that PyTorch does not have, and for `mode` beside `options`;
    NotImplementedError for a function as a backend, which would be given a graph of `torch.fx`.
    """
    if model is None:
        given = {**locals()}
        del given["model"]
        return functools.partial(compile, **given)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    _check_options(backend, mode, options)
    if disable:
        return model
    from tapegrad.compiler.compiled_function import Compiled

    compiled = Compiled(model, bool(dynamic), eager_build, passes, *_limits(checkpoint, memory))
    of_kind = getattr(type(model), "_when_compiled", None)  # a module's is a module
    return compiled if of_kind is None else of_kind(model, compiled)


def _check_options(backend: Any, mode: Any, options: Any) -> None:
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if isinstance(backend, str) and backend not in _BACKENDS.split():
        raise RuntimeError(f"Invalid backend: {backend!r}, see `torch._dynamo.list_backends()` for available backends.")
    if backend is not None and not isinstance(backend, str):
        raise NotImplementedError("a backend of the program's own is given a graph of torch.fx, which is not there")
    if mode is not None and backend in (None, "inductor") and mode not in _MODES.split(", "):
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {_MODES}")


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Keep a function from being compiled: what calls it runs as it is written (`torch.compiler.disable`).

    >>> import tapegrad as torch
    >>> @torch.compiler.disable
    ... def shown(x):
    ...     print(x)
    ...     return x + 1
    >>> shown(torch.ones(1))
    tensor([1.])
    tensor([2.])

    Of a module, its `forward`; the module is given back. PyTorch compiles what is around the call.
    """
    if fn is None:
        return functools.partial(disable, recursive=recursive, reason=reason)
    if not callable(fn):
        raise AssertionError(f"A callable function is expected, but {type(fn)} is provided.")
    if hasattr(fn, "named_parameters") and not isinstance(fn, type):
        fn.forward = disable(fn.forward, recursive, reason=reason)  # type: ignore[attr-defined]
        return fn

    @functools.wraps(fn)
    def run(*args: Any, **kwargs: Any) -> Any:
        capturing.refuse(f"{getattr(fn, '__name__', fn)} is not to be compiled" + (f": {reason}" if reason else ""))
        return fn(*args, **kwargs)

    return run


def is_compiling() -> bool:
    """False: what is captured runs as it does otherwise (`torch.compiler.is_compiling`)."""
    return False


def is_dynamo_compiling() -> bool:
    """False (`torch.compiler.is_dynamo_compiling`)."""
    return False


def is_exporting() -> bool:
    """False (`torch.compiler.is_exporting`)."""
    return False


def reset() -> None:
    """Nothing: a compiled function's programs go with it (`torch.compiler.reset`)."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: there are no CUDA graphs (`torch.compiler.cudagraph_mark_step_begin`)."""


def allow_in_graph(fn: Any) -> Any:
    """The function itself: any is captured with what calls it (`torch.compiler.allow_in_graph`)."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """The function itself (`torch.compiler.assume_constant_result`)."""
    return fn


def _limits(checkpoint: Any, memory: Any) -> tuple[str | None, int | None]:
    if checkpoint is not None and not isinstance(checkpoint, str):
        raise TypeError(f"compile(): checkpoint must be 'auto' or None, not {type(checkpoint).__name__}")
    if checkpoint not in (None, "auto"):
        raise ValueError(f"compile(): checkpoint must be 'auto' or None, not {checkpoint!r}")
    if memory is None:
        return checkpoint, None
    if isinstance(memory, bool) or not hasattr(memory, "__index__"):
        raise TypeError(f"compile(): memory must be a number of bytes, an int, not {type(memory).__name__}")
    if checkpoint is None:
        raise ValueError("compile(): memory goes with checkpoint='auto'")
    if (limit := operator.index(memory)) <= 0:
        raise ValueError(f"compile(): memory must be a positive number of bytes, not {limit}")
    return checkpoint, limit


def __getattr__(name: str) -> Any:
    if name == "Compiled":  # all that it needs is loaded when something is compiled
        from tapegrad.compiler.compiled_function import Compiled

        return Compiled
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
