"""Exported programs: a tape with parameters, which is called as the function was."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tapegrad import creation, dtypes
from tapegrad.compiler.compiled_function import Compiled
from tapegrad.export.leaves import Leaves
from tapegrad.interop.partitioned.notes import Failed, run_all
from tapegrad.tape import Tape, text
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import TreeSpec


class ExportedProgram:
    """A function as a tape with its parameters, and how its arguments and results are built; see `export`.

    >>> import tapegrad as torch
    >>> exported = torch.export.export(lambda x: x.exp() + 1, (torch.ones(2),))
    >>> exported
    <exported function: 2 instructions, 0 tensors of its own>
    >>> [op.name for op in exported.tape.operations]
    ['exp', 'add']

    `tape` is what it does: its first inputs are the arguments, the others parameters and constants.
    """

    tape: Tape

    def __init__(self, tape: Tape, arguments: Leaves, results: Leaves, default: Any) -> None:
        self.tape, self._arguments, self._results, self._default = tape, arguments, results, default
        self._count = len(arguments.kinds)
        held = {b: tape.values[b].detach() for b in tape.inputs[self._count:]}
        for b in tape.requires & held.keys():
            held[b].requires_grad_()
        self._held: dict[int, Any] = held
        self._module: _Module | None = None

    def module(self) -> Callable[..., Any]:
        """The function: compiled, and differentiated as any other.

        >>> import tapegrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> exported = torch.export.export(lambda x: (w * x).sum(), (torch.ones(2),))
        >>> exported.module()(torch.tensor([3.0, 4.0])).backward()
        >>> [p.grad for p in exported.parameters()]
        [tensor([3., 4.])]

        It raises RuntimeError for arguments that are other than those it was exported for.
        """
        if self._module is None:
            self._module = _Module(self)
        return self._module

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters, as the function's program called them.

        >>> import tapegrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> dict(torch.export.export(lambda x: w * x, (torch.ones(2),)).named_parameters())
        {'w': tensor([1., 1.], requires_grad=True)}
        """
        for b, held in self._held.items():
            if held.requires_grad:
                yield self.tape.names.get(b, f"p{b}"), held

    def parameters(self) -> Iterator[Tensor]:
        """The parameters, which optimisers may update.

        >>> import tapegrad as torch
        >>> len([*torch.export.export(torch.nn.Linear(2, 3), (torch.ones(1, 2),)).parameters()])
        2
        """
        return (p for _, p in self.named_parameters())

    @property
    def example_inputs(self) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The arguments that it was exported with; None where they are not kept.

        >>> import tapegrad as torch
        >>> exported = torch.export.export(lambda x, n: x * n, (torch.ones(2), 3))
        >>> exported.example_inputs
        ((tensor([1., 1.]), 3), {})
        >>> exported.example_inputs = None

        Set to None, a file of it has no values of theirs, only what they are like. Raises ValueError for anything but
        None or a pair of a tuple and a dict, RuntimeError for arguments that are other than those.
        """
        given = self.tape.inputs[:self._count]
        if any(b not in self.tape.values for b in given):
            return None
        found: tuple[tuple[Any, ...], dict[str, Any]] = self._arguments.built(
            [self.tape.values[b].detach() for b in given])
        return found

    @example_inputs.setter
    def example_inputs(self, value: tuple[tuple[Any, ...], dict[str, Any]] | None) -> None:
        given = self.tape.inputs[:self._count]
        if value is None:
            for b in given:
                self.tape.values.pop(b, None)
            return
        if not (isinstance(value, tuple) and [*map(type, value)] == [tuple, dict]):
            raise ValueError("Example inputs should be a tuple containing example arguments (as a tuple), and example "
                             "kwargs (as a dictionary).")
        found = self._arguments.matched((value[0], _ordered(value[1], self._arguments.spec)))
        self.tape.values.update((b, _laid(x, self.tape, b).detach().clone()) for b, x in zip(given, found))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Unable to call ExportedProgram directly. "
                           "You should use `exported_program.module()` instead.")

    def __str__(self) -> str:
        return str(self.tape)

    def __repr__(self) -> str:
        return f"<exported {self.tape.name}: {len(self.tape)} instructions, {len(self._held)} tensors of its own>"

    def description(self) -> list[str]:
        """Lines that say what it takes, gives, and holds.

        >>> import tapegrad as torch
        >>> print(*torch.export.export(lambda x, n: x * n, (torch.ones(2), 3)).description(), sep="\\n")
        arguments  ((f32[2], 3), {})
        results    f32[2]
        parameters 0
        """
        tape = self.tape

        def types(leaves: Leaves, buffers: Sequence[int]) -> str:
            return repr(leaves.built([_Told(text.type_text(tape.layouts[b])) for b in buffers]))

        return [f"arguments  {types(self._arguments, tape.inputs[:self._count])}",
                f"results    {types(self._results, tape.outputs)}", f"parameters {len([*self.parameters()])}"]

    def _call(self) -> dict[str, Any]:
        """What a file says of it beside the tape."""
        return {"default_dtype": self._default.short, "arguments": self._arguments.json(),
                "results": self._results.json()}


class _Told(str):
    """Text that stands for a value where one is shown."""

    def __repr__(self) -> str:
        return str(self)


class _Module:
    """What an exported program does, called as the function was."""

    def __init__(self, of: ExportedProgram) -> None:
        self._of = of
        tape = of.tape

        def run(*inputs: Any) -> tuple[Any, ...]:
            try:
                return tuple(run_all(tape, inputs))
            except Failed as why:
                raise why.error from None

        def step(*inputs: Tensor) -> tuple[Any, ...]:  # the compiler reads this one, and trusts what is in this library
            return run(*inputs)

        step.__name__ = step.__qualname__ = tape.name
        self.__name__ = tape.name
        self._compiled = Compiled(step, eager_build=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        of = self._of
        given = of._arguments.matched((args, _ordered(kwargs, of._arguments.spec)))
        inputs = [_laid(x, of.tape, b) for b, x in zip(of.tape.inputs, given)]
        with default_dtype_of(of._default):
            found = self._compiled(*inputs, *of._held.values())
        return of._results.built(found)

    def __repr__(self) -> str:
        return f"<function of {self._of!r}>"


@contextlib.contextmanager
def default_dtype_of(default: Any) -> Iterator[None]:
    """That of the process that exported: numbers on its tape have types by it."""
    before = dtypes.default_dtype()
    if before is not default:
        dtypes.set_default_dtype(default)
    try:
        yield
    finally:
        if before is not default:
            dtypes.set_default_dtype(before)


def _ordered(kwargs: dict[str, Any], spec: TreeSpec) -> dict[str, Any]:
    """Arguments by name, in the order in which they were when it was exported."""
    names = spec.children_specs[1].context
    return {n: kwargs[n] for n in names} if kwargs.keys() == {*names} else kwargs


def _laid(x: Any, tape: Tape, b: int) -> Any:
    """An argument with the strides that the tape has: a view of it may ask for them."""
    layout = tape.layouts[b]
    if x.stride() == tuple(layout.strides):
        return x
    return creation.empty_strided(layout.shape, layout.strides, dtype=x.dtype).copy_(x)
