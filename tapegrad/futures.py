"""Values that are there later (`torch.futures`), on those of Python's `concurrent.futures`."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tapegrad.devices import device
from tapegrad.namespaces import show_public

if TYPE_CHECKING:
    import concurrent.futures

__all__ = ["Future", "collect_all", "wait_all"]
show_public(__name__)

T = TypeVar("T")


class Future(Generic[T]):
    """A value that is there later, or the error that came instead (`torch.futures.Future`).

    >>> import tapegrad as torch
    >>> future = torch.futures.Future()
    >>> doubled = future.then(lambda f: f.value() * 2)
    >>> future.set_result(torch.ones(2))
    >>> doubled.wait()
    tensor([2., 2.])

    `devices` other than the CPU are refused with a RuntimeError, and so is a second result.
    """

    def __init__(self, *, devices: list[Any] | None = None) -> None:
        import concurrent.futures  # loaded by who makes one

        for one in devices or ():
            if device(one).type != "cpu":
                raise RuntimeError(f"tapegrad is not linked with support for {device(one).type} devices")
        self._held: concurrent.futures.Future[T] = concurrent.futures.Future()

    def done(self) -> bool:
        """Whether the value, or an error, is there."""
        return self._held.done()

    def wait(self) -> T:
        """The value, waited for; the error is raised."""
        return self._held.result()

    def value(self) -> T:
        """The value, which has to be there."""
        if not self.done():
            raise RuntimeError("the value of a Future is asked for before it is completed: wait() for it")
        return self._held.result()

    def set_result(self, result: T) -> None:
        """Complete it with a value."""
        self._complete(self._held.set_result, result)

    def set_exception(self, result: Exception) -> None:
        """Complete it with an error."""
        assert isinstance(result, Exception), f"{result} is of type {type(result)}, not an Exception."
        self._complete(self._held.set_exception, result)

    def _complete(self, complete: Callable[[Any], None], result: Any) -> None:
        from concurrent.futures import InvalidStateError

        try:
            complete(result)
        except InvalidStateError:
            raise RuntimeError("Attempting to mark a completed Future as complete again. Note that a Future can only "
                               "be marked completed once.") from None

    def add_done_callback(self, callback: Callable[[Future[T]], Any]) -> None:
        """Call `callback(self)` when it is completed, or now where it is; what it raises is logged."""
        self._held.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """The future of what `callback(self)` returns, or of the RuntimeError that it did not."""
        after: Future[Any] = Future()

        def follow(_: Any) -> None:
            try:
                found = callback(self)
            except Exception as error:
                told = f"Got the following error when running the callback: {type(error).__name__}: {error}"
                after.set_exception(RuntimeError(told))
            else:
                after.set_result(found)

        self._held.add_done_callback(follow)
        return after


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of all of these, completed when they are (`torch.futures.collect_all`).

    >>> import tapegrad as torch
    >>> one = torch.futures.Future()
    >>> every = torch.futures.collect_all([one])
    >>> one.set_result(3)
    >>> [f.value() for f in every.wait()]
    [3]
    """
    every: Future[list[Future[Any]]] = Future()
    left = [*futures]
    if not left:
        every.set_result([])

    def one_less(future: Future[Any]) -> None:
        left.remove(future)
        if not left:
            every.set_result([*futures])

    for future in futures:
        future.add_done_callback(one_less)
    return every


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The values of all, in their order (`torch.futures.wait_all`); the first error is raised.

    >>> import tapegrad as torch
    >>> one = torch.futures.Future()
    >>> one.set_result(3)
    >>> torch.futures.wait_all([one])
    [3]
    """
    return [future.wait() for future in [*futures]]
