"""The native way through a call: for functions of plain tensors whose conditions are all words and names.

What it leaves out goes the longer way in `variant.py`: arguments with histories, containers to compare, random draws.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.compiler.guards.contents import MISSING
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.instance import machine
from tapegrad.machine.startup import address_of


class Quick:
    """A variant as one native record; `address` is what the native call takes."""

    def __init__(self, variant: Variant, layouts: tuple[int, ...], recording: bool) -> None:
        captured, program = variant.captured, variant.program
        self.variant, self.program = variant, program
        self.single = variant.plain
        self._keep: list[Any] = []
        self._record = record = np.zeros(1, rec.REPLAY)
        record["program"], record["recording"], record["single"] = program.address, recording, self.single
        record["default_dtype"] = machine.state["default_dtype"]
        names = [(id(where), id(name), 0 if value is MISSING else id(value)) for where, name, value in
                 variant.reach.names]
        self._keep.append(variant.reach)
        record["names"], record["n_names"] = self._words(names, "u8"), len(names)
        for field, count, numbers in (("layouts", "n_arguments", layouts), ("known", "n_known", sorted(captured.known)),
                                      ("fresh", "n_fresh", variant.layouts)):
            record[field], record[count] = self._words(numbers, "u4"), len(numbers)
        self.address = address_of(record)

    def _words(self, values: Any, dtype: str) -> int:
        array = np.array(values, dtype).reshape(-1)
        self._keep.append(array)
        return address_of(array)


def way_of(variant: Variant, key: Any) -> Quick | None:
    """The native way through a variant, if there is one; looked for once for each of its programs."""
    if variant.native_way is False:
        variant.native_way = _quick(variant, key)
    return variant.native_way


def _quick(variant: Variant, key: Any) -> Quick | None:
    """The native way for these arguments, if there is one."""
    structure, kinds, shared, recording, _ = key
    captured, reach = variant.captured, variant.reach
    if (structure is not None or shared is not None or any(type(k) is not int for k in kinds)
            or reach.without_words or reach.probes or captured.draws_first or captured.argument_versions
            or captured.expected  # an argument lay where the function reads by name
            or len(variant.layouts) > rec.MAX_FRESH or any(type(where) is not dict for where, _, _ in reach.names)):
        return None
    return Quick(variant, kinds, recording)
