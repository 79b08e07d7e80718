"""See inside: what a computation recorded, what it holds, where a NaN comes from, where time goes.

Start with `dump`. `walk.py` has every value of a tape and every contribution to a gradient, one instruction at a time;
the others read it: `dumping.py` (text, colour, JSON; `folding.py` finds the loops), `page.py`, `drawing.py`, `nans.py`
with its table of `traps.py`, `rounding.py`. `running.py` runs a function so that all of this can be asked of it.
`profiling.py` reports what the kernels' clocks say (`clocks.py`).
"""
from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from tapegrad.namespaces import show_public

if TYPE_CHECKING:
    from tapegrad.inspect.debugger import Debugger
    from tapegrad.inspect.nans import NanReport
    from tapegrad.inspect.profiling import Profile
    from tapegrad.inspect.rounding import ErrorBudget
    from tapegrad.tape.tape import Tape

__all__ = ["debug", "dump", "error_budget", "profile", "safe_where", "to_dot", "to_html", "to_svg",
           "why_nan"]


def dump(*what: Any, adjoint: bool = False, values: bool = False, grads: bool = False, fold: bool = True,
         json: bool = False, file: TextIO | None = None) -> None:
    """Print the tape that some tensors depend on, or a tape.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 3.0], requires_grad=True)
    >>> loss = (x * x).sum()
    >>> torch.inspect.dump(loss, values=True)
    tape "loss"  2 ins · 3 bufs · 12 B · kept for backward 8 B
    in   %0  f32[2]  x ∂  · value 1..3 mean 2 █▁▁▁▁▁▁█
    ip   out  type    op   operands     keeps  uses  grad_fn       source  value
     0   %1   f32[2]  mul  %0 %0        %0     1     MulBackward0  -       1..9 mean 5 █▁▁▁▁▁▁█
     1   %2   f32[]   sum  %1 dim=(0,)  -      1     SumBackward0  -       10
    out  %2
    ∂ requires grad · ~ broadcast · keeps = read again by backward

    `adjoint` adds what backward does. `values` and `grads` show what each buffer and its adjoint hold: least, greatest
    and mean of what is finite, a histogram, and how many are not; the tape is run again for them, on its inputs as they
    are now. Loops are folded, `× 100`, unless `fold=False`. `json` gives the same for programs. On a terminal there is
    colour (https://no-color.org). docs/tape-format.md explains the columns. Raises TypeError for what is no tensor.
    """
    from tapegrad.inspect import dumping

    dumping.show(_tape_of(what, sys._getframe(1)), dumping.Shown(adjoint, values, grads, fold), json, file)


def to_html(*what: Any, file: str | os.PathLike[str] | None = None, values: bool = True) -> str:
    """The tape that some tensors depend on, or a tape, as one HTML file that needs no server; returns its content.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 3.0], requires_grad=True)
    >>> page = torch.inspect.to_html((x * x).sum())
    >>> page[:15], len(page) < 50_000
    ('<!doctype html>', True)

    Instructions with loops folded, what each reads and is read by, what backward does, values and gradients, lines of
    source, the life of buffers in memory; search, keyboard, dark and light. `file` is where it is written as well.
    `values` runs the tape again, as `dump` does. A tape of 10^5 instructions is 4 MB without them.
    """
    from tapegrad.inspect import page

    written = page.page(_tape_of(what, sys._getframe(1)), values)
    if file is not None:
        with open(file, "w", encoding="utf-8") as to:
            to.write(written)
    return written


def to_dot(*what: Any) -> str:
    """The tape that some tensors depend on, or a tape, as a graph in the language of Graphviz.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 3.0], requires_grad=True)
    >>> print(torch.inspect.to_dot((x * x).sum()))
    digraph "tape" {
      rankdir=LR; node [shape=box, fontname=monospace];
      b0 [label="x\\nf32[2]", style=rounded];
      b1 [label="mul\\nf32[2]"]; b0 -> b1; b0 -> b1;
      b2 [label="sum\\nf32[]"]; b1 -> b2;
    }
    """
    from tapegrad.inspect import dumping

    return dumping.as_dot(_tape_of(what, sys._getframe(1)))


def to_svg(*what: Any, file: str | os.PathLike[str] | None = None) -> str:
    """The tape that some tensors depend on, or a tape, drawn as a graph: an SVG element, which it returns.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 3.0], requires_grad=True)
    >>> picture = torch.inspect.to_svg((x * x).sum())
    >>> picture[:22], picture.count('class="node')
    ('<svg class="tapegrad" ', 3)

    It goes downwards, loops are folded to one turn, and every node tells what it reads, where it was recorded, what
    backward does there and keeps when the mouse is on it. Dark and light follow the browser. `file` is where it is
    written as well. In a notebook: `IPython.display.SVG(picture)`. Raises ValueError for more than 2000 nodes.
    """
    from tapegrad.inspect import drawing

    drawn = drawing.svg(_tape_of(what, sys._getframe(1)))
    if file is not None:
        with open(file, "w", encoding="utf-8") as to:
            to.write(drawn)
    return drawn


def debug(what: Any, /, *arguments: Any, prompt: bool = True, **named: Any) -> Debugger:
    """A debugger that steps through a tape, forwards and backwards, and then back through its adjoint.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 4.0], requires_grad=True)
    >>> debugger = torch.inspect.debug((x.sqrt() * 3).sum(), prompt=False)
    >>> debugger.until("sum"), debugger.value("%2")
    (2, tensor([3., 6.]))
    >>> print(debugger.listing())
       0  %1 = sqrt %0  f32[2]
       1  %2 = mul %1 3  f32[2]
    →  2  %3 = sum %2 dim=(0,)  f32[]
      ∂2  sum  ∂%2 +=
      ∂1  mul  ∂%1 +=
      ∂0  sqrt  ∂%0 +=

    `what` is a result, a tape, or a function and its arguments, as of `why_nan`. With `prompt` it asks for commands at
    the terminal, `help` lists them; without, its methods do the same from Python. It runs on copies of what the tape
    holds: the program is not touched. Raises TapeError for a tape that cannot be run.
    """
    from tapegrad.inspect import debugger

    found = debugger.Debugger(_tape_of((what, *arguments), sys._getframe(1), named))
    if prompt:
        debugger.Prompt(found).cmdloop()
    return found


def why_nan(what: Any, /, *arguments: Any, **named: Any) -> NanReport | None:
    """The first value of a computation that is not finite, forward or backward, and what made it; None if all are.

    >>> import tapegrad as torch
    >>> x = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> y = torch.where(x > 0, x.sqrt(), x).sum()
    >>> print(torch.inspect.why_nan(y))
    nan first in the backward pass, at ip 0, sqrt
       0  %2  f32[2]  sqrt  %0
         what it adds to the gradient of %0 (x) is nan at [0], where
           %0 (x)  f32[2] is 0 there
           the gradient that arrives is 0
    cure
         ...

    `what` is a result, a tape, or a function, which is run with the arguments as it is written (compiled ones too).
    The report has the instruction, the operands, the way to the results and a cure. An infinity that the program
    put there itself, as masks do, is no cause. The tape is run again on its inputs as they are then: raises TapeError
    where nothing is found and some of their values are gone, or an operation is Python code. The backward pass is that
    of the results' sum.
    """
    from tapegrad.inspect import nans

    return nans.found(_tape_of((what, *arguments), sys._getframe(1), named))


def error_budget(what: Any, /, *arguments: Any, **named: Any) -> ErrorBudget:
    """Which instructions the rounding error of a result comes from, and about how large it is.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1e4, 1.0, 1e-4], requires_grad=True)
    >>> loss = (x.sum() - x[0]) * 2
    >>> print(torch.inspect.error_budget(loss))
    result 2, rounding error about -0.0002 (0.0001 of it)
    ip  op   operands     error    share  source
     0  sum  %0 dim=(0,)  ...  100 %  -

    `what` is a result, a tape, or a function and its arguments, as of `why_nan`. Every instruction is run again on the
    same operands in double; the difference times the adjoint is its share, to first order. Of results that are no
    scalar it is the error of their sum. Raises TapeError as `why_nan` does, and where values are not known.
    """
    from tapegrad.inspect import rounding

    return rounding.budget(_tape_of((what, *arguments), sys._getframe(1), named))


def profile(*, lines: bool = True) -> Profile:
    """Time every kernel that runs in a block, forward and backward, eager and compiled, and count what memory it takes.

    >>> import tapegrad as torch
    >>> a = torch.ones(64, 64, requires_grad=True)
    >>> with torch.profile() as profiled:
    ...     for _ in range(10):
    ...         (a @ a).sum().backward()
    >>> [(row.name, row.backward, row.calls) for row in profiled.rows() if row.name == "mm"]
    [('mm', False, 10), ('mm', True, 10)]
    >>> print(profiled)
    profile of ...: ... of it in 50 kernel calls · ...

    Printed, a table; `rows` has its lines, `json` the same for programs, `trace` a file that https://ui.perfetto.dev
    and Chrome open. Rows have their line of source, backward the one that recorded what is differentiated; without
    `lines` they are added up over lines. Kernels run on one thread meanwhile, so that times add up. Compiled functions
    have a row for each step of their programs. What calls no kernel has no row: views, gradients that are handed on as
    they are, what an optimiser does to many parameters at once; that, and Python, is in the `total` of the call that
    comes next.
    Without the block nothing is timed, and it costs nothing. Raises RuntimeError for a profile within a profile.
    """
    from tapegrad.inspect import profiling

    return profiling.Profile(lines)


def safe_where(condition: Any, function: Any, other: Any, *operands: Any) -> Any:
    """`where(condition, function(*operands), other(*operands))`, whose untaken branch cannot poison a gradient.

    >>> import tapegrad as torch
    >>> x = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> torch.inspect.safe_where(x > 0, torch.sqrt, 0.0, x).sum().backward()
    >>> x.grad
    tensor([0.0000, 0.2500])

    Either branch may be a function of the operands, element by element, or a tensor or number. With `where` alone, what
    a branch adds to the gradient where it was not taken is 0 times its slope: NaN if that is infinite. Here it is zero.
    """
    import tapegrad

    taken = [tapegrad.where(condition, x, x.detach()) for x in operands]
    left = [tapegrad.where(condition, x.detach(), x) for x in operands]
    return tapegrad.where(condition, function(*taken) if callable(function) else function,
                          other(*left) if callable(other) else other)


def _tape_of(what: tuple[Any, ...], frame: Any, named: Mapping[str, Any] | None = None) -> Tape:
    """The tape of some results, of a function's call, or the one given; tensors are called as the frame calls them."""
    from tapegrad.inspect import running
    from tapegrad.machine.live import machine
    from tapegrad.tape.naming import called
    from tapegrad.tape.tape import Tape

    if not what:
        raise TypeError("expected tensors or a tape, got nothing")
    if named is not None and callable(what[0]) and not isinstance(what[0], machine.TensorBase):
        return running.tape_of_call(what[0], what[1:], named, frame)
    if named:
        raise TypeError(f"got an unexpected keyword argument '{next(iter(named))}': what is asked of is no function")
    if len(what) == 1 and isinstance(what[0], Tape):
        return what[0]
    return Tape._of(what, None, None, called(None, frame), True)


show_public(__name__)
