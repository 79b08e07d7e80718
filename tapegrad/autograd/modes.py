"""Grad mode: whether operations are recorded, thread by thread, as context managers, decorators and functions."""
from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable
from typing import Any

from tapegrad import errors
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine

_set, _get = machine.call.set_recording, machine.call.is_recording_wanted
_set_inference, _is_inferring = machine.call.set_inference, machine.call.is_inferring


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded (`torch.is_grad_enabled`).

    >>> is_grad_enabled()
    True
    """
    return _get(None)


class _Mode:
    """A grad mode as a context manager and as a decorator of functions, generators and classes."""

    mode = True
    __slots__ = ("_previous",)

    def __enter__(self) -> None:
        self._previous = before = _get(None)
        try:
            _set(self.mode)
        except BaseException:  # an interrupt, which comes when it is set
            _set(before)
            raise

    def __exit__(self, *error: object) -> None:
        _set(self._previous)

    def _options(self) -> tuple[Any, ...]:
        """What its class makes another block of the same kind of."""
        return ()

    def clone(self) -> _Mode:
        """Another block of the same kind."""
        return type(self)(*self._options())

    def __call__(self, function: Any) -> Any:
        if inspect.isclass(function):
            warnings.warn("Decorating classes is deprecated and will be disabled in future versions. You should only "
                          "decorate functions or methods. To preserve the current behavior of class decoration, you "
                          "can directly decorate the `__init__` method and nothing else.", FutureWarning, stacklevel=2)
            function.__init__ = self(function.__init__)  # type: ignore[method-assign]
            return function
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        # Not the block itself: nobody counts changes of slots, so that a program over it would have no native way.
        kind, options = type(self), self._options()

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with kind(*options):
                return function(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator runs and not between its resumes."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            try:
                with self.clone():
                    response = generator.send(None)
                while True:
                    try:
                        request = yield response
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException as error:
                        with self.clone():
                            response = generator.throw(error)
                    else:
                        with self.clone():
                            response = generator.send(request)
            except StopIteration as end:
                return end.value

        return wrapped


class no_grad(_Mode):
    """Do not record (`torch.no_grad`).

    >>> import tapegrad
    >>> x = tapegrad.ones(2, requires_grad=True)
    >>> with no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    mode = False
    __slots__ = ()

    def __new__(cls, function: Any = None) -> Any:
        self = object.__new__(cls)
        return self if function is None else self(function)


class enable_grad(_Mode):
    """Record again inside `no_grad` (`torch.enable_grad`).

    >>> import tapegrad as torch
    >>> with torch.no_grad(), torch.enable_grad():
    ...     print(torch.is_grad_enabled())
    True
    """

    mode = True
    __slots__ = ()

    def __new__(cls, orig_func: Any = None) -> Any:
        self = object.__new__(cls)
        return self if orig_func is None else self(orig_func)


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in a block of `inference_mode` (`torch.is_inference_mode_enabled`).

    >>> import tapegrad as torch
    >>> with torch.inference_mode():
    ...     print(torch.is_inference_mode_enabled())
    True
    """
    return _is_inferring(None)


class inference_mode(_Mode):
    """Do not record, and promise not to need gradients later (`torch.inference_mode`).

    >>> import tapegrad
    >>> x = tapegrad.ones(2, requires_grad=True)
    >>> with inference_mode():
    ...     y = x * 2
    >>> y.requires_grad, y.is_inference()
    (False, True)
    >>> x * y
    Traceback (most recent call last):
        ...
    RuntimeError: Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode...

    Outside, tensors that were made in the block can be read, but neither kept for a backward nor written to; `clone()`
    makes ordinary ones of them. With `mode=False` the block records again.
    """

    __slots__ = ("_before", "mode")

    def __new__(cls, mode: Any = True) -> Any:
        self = object.__new__(cls)
        if isinstance(mode, bool):
            self.mode = not mode  # of recording
            return self
        return cls()(mode)

    def __enter__(self) -> None:
        if self.mode and _is_inferring(None):  # what is made in there, a program would make of inference mode
            capturing.refuse("it leaves inference mode")
        capturing.infers()
        self._before = before = _is_inferring(None)
        try:
            _set_inference(not self.mode)
            super().__enter__()
        except BaseException:
            _set_inference(before)
            raise

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        _set_inference(self._before)

    def _options(self) -> tuple[Any, ...]:
        return (not self.mode,)


class set_grad_enabled(_Mode):
    """Switch recording on or off, at once, and back at the end of a `with` block (`torch.set_grad_enabled`).

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    mode: bool

    __slots__ = ("mode",)

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError("set_grad_enabled(): argument 'enabled' (position 1) must be bool, not "
                            f"{errors.type_name(mode)}")
        self.mode = mode
        self._previous = _set(self.mode)

    @property
    def prev(self) -> bool:
        """Whether recording was on before."""
        return self._previous

    def __enter__(self) -> None:
        _set(self.mode)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"

    def _options(self) -> tuple[Any, ...]:
        return (self.mode,)

    def __call__(self, function: Any) -> Any:
        _set(self._previous)  # as a decorator it holds inside the function only
        return super().__call__(function)


class set_multithreading_enabled:
    """Say whether a backward may use threads, at once, and as before at the end of a `with` block.

    It is remembered and changes nothing: a backward runs in the thread that asks for it.

    >>> import tapegrad as torch
    >>> with torch.autograd.set_multithreading_enabled(False):
    ...     torch.autograd.is_multithreading_enabled()
    False
    """

    __slots__ = ("_previous",)

    def __init__(self, mode: bool) -> None:
        self._previous, _threads.allowed = _threads.allowed, mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _threads.allowed = self._previous


class _Threads(threading.local):
    allowed = True


_threads = _Threads()


def is_multithreading_enabled() -> bool:
    """What `set_multithreading_enabled` was told last in this thread.

    >>> import tapegrad as torch
    >>> torch.autograd.is_multithreading_enabled()
    True
    """
    return _threads.allowed
