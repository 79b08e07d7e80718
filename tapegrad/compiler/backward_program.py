"""The program of one backward: what it reads of a call, and how it is run."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.program import Program
from tapegrad.machine import records as rec
from tapegrad.machine.live import call
from tapegrad.machine.planning import Layout
from tapegrad.named_tuples import NamedTuple


class Reads(NamedTuple):
    """What the backwards read of a call: some arguments, held tensors and results."""

    arguments: tuple[int, ...]
    held: tuple[Any, ...]
    results: tuple[int, ...]

    def places_of(self, few: Reads) -> list[int]:
        """Which of all these, in their order, some others are."""
        of_arguments = [i in few.arguments for i in self.arguments]
        of_held = [any(t is x for x in few.held) for t in self.held]
        return [i for i, is_read in enumerate((*of_arguments, *of_held, *(i in few.results for i in self.results)))
                if is_read]


class Backward:
    """The program of one segment's backward."""

    program: Program
    layouts: Sequence[Layout]
    seed_layouts: Sequence[Layout]

    def __init__(self, program: Program, found: Sequence[int], fresh: Sequence[Layout], seed_layouts: Sequence[Layout],
                 reads: Sequence[int], results_at: int, results: int) -> None:
        self.program, self.layouts, self.seed_layouts = program, fresh, seed_layouts
        self.found = found  # which of the program's results is the gradient of each input
        self.reads = reads  # of what is kept for all of them, by place
        self.results_at = results_at
        self.seeds_at: int = self.results_at + results

    def launch(self, starts: list[int], gradients: Sequence[Any]) -> list[Any]:
        """The gradients of the inputs from those of the outputs; `starts` are the addresses of all else it reads."""
        seeds = []
        for gradient, wanted in zip(gradients, self.seed_layouts):
            if gradient is None:
                gradient = call.empty(wanted.id).zero_()
            elif gradient._layout != wanted.id:
                whole = call.empty(wanted.id)
                whole.copy_(gradient)
                gradient = whole
            seeds.append(gradient)
        starts = [*starts, *(cap.addresses.item(s._buffer) for s in seeds)]
        fresh = [call.empty(layout.id) for layout in self.layouts]
        if self.program.launch(starts, [cap.addresses.item(f._buffer) for f in fresh]) != rec.PASSED:
            raise RuntimeError("a kernel of a compiled backward failed")
        return [fresh[i] for i in self.found]
