"""The native way through a call: for functions of plain tensors, and numbers that vary.

What it leaves out goes the longer way in `variant.py`: arguments with histories, random draws. What Python has to look
at before (`slow` containers, the formula of numbers that vary) it does here.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.compiler.guards.contents import MISSING, Watched
from tapegrad.compiler.pytrees import SIMPLE, Masked, number_of
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine
from tapegrad.machine.startup import address_of
from tapegrad.tensor import Tensor

_replay = machine.call.replay


class Quick:
    """A variant as one native record; `address` is what the native call takes."""

    def __init__(self, variant: Variant, layouts: tuple[int, ...], recording: bool, passed: list[int]) -> None:
        captured, program = variant.captured, variant.program
        self.variant, self.program = variant, program
        self.formula = captured.formula
        self.slow: list[Watched] = variant.reach.without_words
        self.passed, self.count = passed, len(passed) + len(layouts)  # which arguments are numbers
        self.tensors = [i for i in range(self.count) if i not in passed]
        self.places = variant.reach.varying_places()
        self.leaves = self.formula is not None and bool(self.formula.writes or self.formula.outputs)
        self.plainly = self.formula is None and not self.slow  # whether it is all native
        self.single = variant.plain
        self._keep: list[Any] = []
        self._record = record = np.zeros(1, rec.REPLAY)
        record["program"], record["recording"], record["single"] = program.address, recording, self.single
        record["default_dtype"] = machine.state["default_dtype"]
        names = [(id(where), id(name), 0 if value is MISSING else id(value)) for where, name, value in
                 variant.reach.names]
        self._keep.append(variant.reach)
        record["names"], record["n_names"] = self._words(names, "u8"), len(names)
        numbers = [-1 - number for number, _ in program.draws]
        for field, count, values in (("layouts", "n_arguments", layouts), ("known", "n_known", sorted(captured.known)),
                                     ("fresh", "n_fresh", variant.layouts), ("numbers", "n_numbers", numbers)):
            record[field], record[count] = self._words(values, "u4"), len(values)
        self.address = address_of(record)

    def _words(self, values: Any, dtype: str) -> int:
        array = np.array(values, dtype).reshape(-1)
        self._keep.append(array)
        return address_of(array)

    def call(self, args: Any) -> Any:
        """What the native call gives, with numbers that vary; the call's result where it passed."""
        if len(args) != self.count or self.variant.native_way is not self:  # other containers hold the same by now
            return None
        if self.slow and not all(watched.unchanged() for watched in self.slow):
            return None
        if self.formula is None:
            found = _replay(self.address, args, b"")
            return found if found is None or found is False else (self._result(args, found, (), ()),)
        numbers = [args[i] for i in self.passed] if self.passed else []
        if self.places:
            numbers += [place.get() for place in self.places]
        computed = self.formula(numbers)
        if computed is None:
            return None
        given = tuple([args[i] for i in self.tensors]) if self.passed else args
        found = _replay(self.address, given, computed[0])
        if found is None or found is False:
            return found
        if not self.leaves:
            if not self.single:
                return (self.variant.finish(given, given, found, numbers=numbers),)
            self.variant.runs += 1
            return (found,)
        returned = self.variant.leave(computed, (found,) if self.single else found, self.places, len(self.passed))
        return (self._result(given, found, numbers, returned),)

    def _result(self, leaves: Any, found: Any, numbers: Any, returned: Any) -> Any:
        if self.single:
            self.variant.runs += 1
            return found
        return self.variant.finish(leaves, leaves, found, numbers=numbers, returned=returned)


def way_of(variant: Variant, key: Any) -> Quick | None:
    """The native way through a variant, if there is one; looked for once for each of its programs."""
    if variant.native_way is False:
        variant.native_way = _quick(variant, key)
    return variant.native_way


def _quick(variant: Variant, key: Any) -> Quick | None:
    """The native way for these arguments, if there is one."""
    structure, kinds, shared, recording, _ = key
    captured, reach = variant.captured, variant.reach
    passed = _numbers_in(structure)
    if (passed is None or shared is not None or any(type(k) is tuple for k in kinds)
            or reach.probes or captured.draws or captured.argument_versions
            or captured.expected  # an argument lay where the function reads by name
            or len(variant.layouts) > rec.MAX_FRESH or any(type(where) is not dict for where, _, _ in reach.names)):
        return None
    return Quick(variant, tuple(map(number_of, kinds)), recording, passed)


def _numbers_in(structure: Any) -> list[int] | None:
    """Which arguments are numbers that vary; None where some are neither that nor tensors."""
    if structure is None:
        return []
    args, named = structure[2]
    parts = args[2]
    if named[1] or not all(p is Tensor or (p[0] in SIMPLE and type(p[1]) is Masked) for p in parts):
        return None
    return [i for i, p in enumerate(parts) if p is not Tensor]
