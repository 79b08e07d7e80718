"""`Tape`: a part of the live tape taken out to be read, checked, kept and rerun.

The arrays are `Instructions`; what is done with them has a file each: `text` (dump and parse), `adjoint`, `verify`,
`replay`, `files`. Start with `Tape.of`.
"""
from __future__ import annotations

import html
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.tape import adjoint, differences, files, reading, replay, text, verify
from tapegrad.tape.differences import TapeDiff
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.lines import of_instructions
from tapegrad.tape.naming import called, held_by
from tapegrad.tape.notation import no_collections
from tapegrad.tape.taking import entangled, leading_to, taken


class Tape(Instructions):
    """A recorded computation: arrays of operations and buffer numbers, independent of the process that recorded it.

    >>> import tapegrad as torch
    >>> from tapegrad.tape import Tape
    >>> x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    >>> y = (x * x).sum()
    >>> print(Tape.of(y))
    tape "y"  2 ins · 3 bufs · 32 B · kept for backward 24 B
    in   %0  f64[3]  x ∂
    ip   out  type    op   operands     keeps  uses  grad_fn
     0   %1   f64[3]  mul  %0 %0        %0     1     MulBackward0
     1   %2   f64[]   sum  %1 dim=(0,)  -      1     SumBackward0
    out  %2
    ∂ requires grad · ~ broadcast · keeps = read again by backward

    What it holds is said at `Instructions`.
    """

    __slots__ = ()
    MOST_SHOWN = 1000  # instructions in a notebook

    # ------------------------------------------------------------ from the live tape

    @classmethod
    def of(cls, *results: Any, name: str | None = None, inputs: Sequence[Any] | None = None,
           names: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None, lines: bool = False) -> Tape:
        """The instructions that some tensors depend on.

        >>> import tapegrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> loss = (w * 3).sum()
        >>> Tape.of(loss)
        <tape "loss": 2 instructions>

        `inputs` are tensors where the walk stops (they come first, leaves that are found follow). `names` names
        tensors, `model.named_parameters()` for example; without it inputs are called as the caller's variables are.
        `lines` adds the lines of source that recorded the instructions, as `inspect.dump` does.
        Raises TypeError for a result that is no tensor.
        """
        return cls._of(results, name, inputs, called(names, sys._getframe(1)), lines)

    @classmethod
    def _of(cls, results: Sequence[Any], name: str | None, inputs: Sequence[Any] | None, named: Mapping[int, str],
            with_lines: bool = False) -> Tape:
        for r in results:
            if not isinstance(r, machine.TensorBase):
                raise TypeError(f"Tape.of: expected tensors, got {type(r).__name__}")
        with no_collections():
            return cls._reached([*map(held_by, results)], name, inputs, named, with_lines)

    @classmethod
    def _reached(cls, results: Sequence[Any], name: str | None, inputs: Sequence[Any] | None, named: Mapping[int, str],
                 with_lines: bool) -> Tape:
        """The instructions that lead to results, from the inputs on."""
        stop = [held_by(i)._buffer for i in inputs or ()]
        outputs = [r._buffer for r in results]
        if name is None:
            name = named.get(outputs[0], "tape") if outputs else "tape"
        return cls._snapshot(name, leading_to(outputs, stop), stop, outputs, named, with_lines)

    @classmethod
    def _snapshot(cls, name: str, indices: Any, inputs: Sequence[int], outputs: Sequence[int] | None,
                  named: Mapping[int, str], with_lines: bool = False) -> Tape:
        """Copy instructions of the live tape, in the order they were recorded."""
        capturing.refuse("it looks at its tape")
        found = taken(indices, inputs, outputs)
        given = found.inputs
        tape = cls(
            name, found.layouts, range(len(given)), [b for b, r in enumerate(given) if reading.requires_grad(r)],
            found.code, found.constants, found.outputs, {b: named[r] for b, r in enumerate(given) if r in named},
            of_instructions(indices) if with_lines else None,
            {b: reading.detached(r) for b, r in enumerate(given) if reading.is_alive(r)},
        )
        tape._flat = found.flat
        tape.written = min(found.written, default=None)
        if any(b >= len(given) for b in found.written):  # what was computed is not what a replay computes
            tape.values.clear()
        for b in found.written | entangled(tape, found.rows):
            tape.values.pop(b, None)
        return tape

    def _become(self, other: Tape) -> None:
        for slot in Instructions.__slots__:
            setattr(self, slot, getattr(other, slot))

    # ------------------------------------------------------------ reading

    def __repr__(self) -> str:
        return f"<tape {text.quoted(self.name)}: {len(self)} instruction{'s' * (len(self) != 1)}>"

    def __str__(self) -> str:
        return self.dump()

    def __eq__(self, other: object) -> bool:
        """Equal text: the same instructions on the same layouts, under the same names; values are not compared."""
        return self._content() == other._content() if isinstance(other, Tape) else NotImplemented

    __hash__: None = None  # type: ignore[assignment]

    def _content(self) -> tuple[Any, ...]:
        return (self.name, self.layouts, self.inputs, self.requires, self.operations, self.operands,
                list(map(repr, self.attributes)), self.results, list(map(repr, self.constants)), self.outputs,
                self.names, self.sources)  # numbers as they are written: a NaN is one

    def dump(self) -> str:
        """The text that `print` shows and `Tape.parse` reads back; docs/tape-format.md has every detail."""
        return text.dump(self)

    def adjoint(self) -> str:
        """What backward does, latest instruction first, straight from the operations' rules.

        >>> import tapegrad as torch
        >>> x = torch.ones(3, requires_grad=True)
        >>> print(Tape.of((x * x.tanh()).sum()).adjoint())
        seed ∂%3 = 1
         2  sum   ∂%2 += expand(∂%3, [3])
         1  mul   ∂%0 += ∂%2 * %1            ∂%1 += ∂%2 * %0
         0  tanh  ∂%0 += ∂%1 * (1 - %1 * %1)
        """
        return adjoint.text_of(self)

    def diff(self, other: Tape) -> TapeDiff:
        """What differs between this tape and another; false if nothing does, printed a list.

        >>> import tapegrad as torch
        >>> x = torch.ones(3, requires_grad=True)
        >>> print(Tape.of((x * 2).tanh().sum()).diff(Tape.of((x * 2).relu().sum())))
        3 instructions, 3 in the other
          0  %1  f32[3]  mul   %0 2
        - 1  %2  f32[3]  tanh  %1
        + 1  %2  f32[3]  relu  %1
          2  %3  f32[]   sum   %2 dim=(0,)

        Instructions are aligned by operation, types and attributes, inputs by name. `-` is only here, `+` only there;
        both, of the same instruction: it reads another value. Raises TypeError for what is no tape.
        """
        if not isinstance(other, Tape):
            raise TypeError(f"diff() expected a tape, got {type(other).__name__}")
        return differences.compare(self, other)

    @classmethod
    def parse(cls, dumped: str) -> Tape:
        """The tape that a dump shows; raises ParseError, which names the line and what was expected there.

        >>> import tapegrad as torch
        >>> x = torch.ones(3, requires_grad=True)
        >>> tape = Tape.of(x[1:] * 2.5)
        >>> Tape.parse(str(tape)) == tape
        True
        """
        return cls(*text.parse(dumped))

    # ------------------------------------------------------------ checking and running

    def verify(self) -> Tape:
        """Check every index, layout, attribute and dtype, and the order of definitions; returns the tape itself.

        Raises TapeError, which shows the entries around the culprit.
        """
        verify.check(self)
        return self

    def replay(self, *inputs: Any) -> Any:
        """Run the instructions again on other inputs of the same layouts (tensors or arrays), recorded as usual.

        >>> import tapegrad as torch
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> tape = Tape.of((x * x).sum())
        >>> tape.replay(torch.tensor([3.0, 4.0]))
        tensor(25.)

        Without inputs it takes the tape's own `values`, as they are now (see `kept`). One result is returned as it is,
        several as a tuple. Raises TapeError when the inputs do not fit; without any, where values are gone: nothing
        holds them, the tape itself wrote over what it reads (`total += loss`, or `x.detach()`, then `x`), or the
        program had written to it before the tape was taken (`optimizer.step()`, `x.data = y`).
        """
        return replay.run(self, inputs)

    def replay_reference(self, *inputs: Any) -> Any:
        """`replay` by the rules' NumPy columns alone: slow, and what the machine is tested against; returns arrays."""
        return replay.run_reference(self, inputs)

    def kept(self) -> Tape:
        """The same tape with copies of its inputs' values, which stay as they are when the program goes on.

        >>> import tapegrad as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> tape = Tape.of((x * 2).sum()).kept()
        >>> with torch.no_grad():
        ...     _ = x.zero_()
        >>> tape.replay()
        tensor(4.)
        """
        return Tape._restored(self.dump(), files.arrays(self))

    def _repr_html_(self) -> str:
        """The text, for notebooks, unless it is long; `inspect.to_html` has a page."""
        return f"<pre>{html.escape(self.dump() if len(self) <= self.MOST_SHOWN else repr(self))}</pre>"

    # ------------------------------------------------------------ files

    def save(self, path: str | Path | BinaryIO) -> None:
        """Write the text and the inputs' values to a file (an .npz archive: no addresses, no pickled objects), which
        may be one that is open."""
        files.save(self, path)

    @staticmethod
    def load(path: str | Path | BinaryIO) -> Tape:
        """The tape of a file, verified; raises TapeFormatError, ParseError or TapeError for a file that is damaged.

        A function that was exported is read as its tape (`export.load` gives the function).
        """
        return Tape._restored(*files.load(path)[:2]).verify()

    @classmethod
    def _restored(cls, dumped: str, arrays: Mapping[int, Any]) -> Tape:
        tape = cls.parse(dumped)
        tape.values = files.tensors(tape, arrays)
        return tape

    def __reduce__(self) -> Any:
        return Tape._restored, (self.dump(), files.arrays(self))
