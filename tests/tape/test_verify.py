"""A tape that cannot be is refused, with the entries around the culprit."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tape_programs import PROGRAMS, ramp, random_program

import tapegrad as torch
from tapegrad.machine.planning import Layout
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import Tape, TapeError
from tapegrad.tape.reading import layout_of


@pytest.mark.parametrize("name", PROGRAMS)
def test_recorded_tapes_pass(name: str) -> None:
    tape = PROGRAMS[name]()
    assert tape.verify() is tape
    Tape.parse(str(tape)).verify()


@pytest.mark.parametrize("seed", range(20))
def test_random_tapes_pass(seed: int) -> None:
    Tape.parse(str(random_program(seed))).verify()


def edited(name: str, old: str, new: str) -> Tape:
    dumped = str(PROGRAMS[name]())
    assert old in dumped
    return Tape.parse(dumped.replace(old, new, 1))


@pytest.mark.parametrize("name, old, new, message", [
    ("layer", "f64[8,4]  add", "f64[8,5]  add", r"instruction 1 \(add\): computes f64\[8,4\], the tape has f64\[8,5\]"),
    ("layer", "f64[8,4]  tanh", "f32[8,4]  tanh",
     r"instruction 2 \(tanh\): computes f64\[8,4\], the tape has f32\[8,4\]"),
    ("layer", "mul   %5 %5", "mul   %5", r"instruction 3 \(mul\): takes 2 operands, has 1"),
    ("layer", "dim=(0,1)", "dim=(0,2)", r"instruction 4 \(sum\): dim=\(0, 2\) are not axes of an operand of 2 axes"),
    ("layer", "dim=(0,1)", "dim=(0,0)", r"instruction 4 \(sum\): dim=\(0, 0\) are not axes"),
    ("layer", "dim=(0,1)", "axis=(0,1)",
     r"instruction 4 \(sum\): has the attributes \['axis'\], takes \['dim', 'keepdim'\]"),
    ("layer", "mm    %0 %1 ", "mm    %1 %0 ", r"instruction 0 \(mm\): the operands do not fit each other"),
    ("layer", "mm    %0 %1 ", "mm    %0 2.5", r"instruction 0 \(mm\): takes no numbers"),
    ("layer", "add   %3 %2", "add   %3 %0",
     r"instruction 1 \(add\): RuntimeError: The size of tensor a \(4\) must match"),
    ("tutorial_scalars", "in   %0  i64[]   w1", "in   %0  i64[]   w1 ∂",
     r"input %0 is i64\[\] and cannot require grad"),
    ("views", "index=2", "index=3", r"instruction 3 \(select\): looks outside the 12 elements of %0"),
    ("views", "index=2", "index=-1", r"instruction 3 \(select\): looks outside the 12 elements of %0"),
    ("views", "dim0=0", "dim0=0.0", r"instruction 0 \(t\): TypeError"),
    ("views", "start=1 end=3", "start=3 end=5", r"instruction 1 \(slice\): looks outside the 12 elements of %0"),
    ("views", "size=(3,2,4)", "size=(3,2,5)", r"instruction 5 \(expand\): RuntimeError|do not fit each other"),
    ("views", "size=(2,6)", "size=(3,6)", r"instruction 9 \(view\): RuntimeError: shape '\[3, 6\]' is invalid"),
    ("joined", "dim=0", "dim=1", r"instruction 1 \(cat\): the operands do not fit each other"),
    ("views", "mul        %3 %3", "mul_       %7 %3",
     r"instruction 7 \(mul_\): RuntimeError|several elements of which"),
    ("in_place", "add_  %2 %1", "add_  %0 %1", r"instruction 1 \(add_\): writes to %0, an input that requires grad"),
    ("in_place", "add_  %2 %1", "add_  2.5 %1", r"instruction 1 \(add_\):"),
    ("embedded", '("start",1),("end",3)', '("start",2),("end",4)',
     r"\(embed\): the operands do not fit each other"),
    ("mixed_dtypes", "dtype=f32", "dtype=32", r"instruction 3 \(to_copy\): dtype=32 is no dtype"),
])
def test_refused(name: str, old: str, new: str, message: str) -> None:
    with pytest.raises(TapeError, match=message):
        edited(name, old, new).verify()


def broken(**changes: object) -> Tape:
    tape = PROGRAMS["layer"]()
    for name, value in changes.items():
        setattr(tape, name, value)
    return tape


@pytest.mark.parametrize("changes, message", [
    ({"constants": [2**63]}, "does not fit in 64 bits"),
    ({"outputs": (9,)}, "there is no buffer %9: the tape has 8"),
    ({"inputs": (0, 1, 1)}, "an input is listed twice: %0, %1, %1"),
    ({"inputs": (0, 1)}, "is marked ∂ and is no input"),
    ({"requires": frozenset({0, 5})}, "%5 is marked ∂ and is no input"),
    ({"results": [3, 4, 4, 6, 7]}, r"instruction 2 \(tanh\): computes %4 a second time"),
    ({"results": [3, 4, 5, 6, 70]}, r"instruction 4 \(sum\): there is no buffer %70"),
    ({"results": [3, 4, 5, 6]}, "the arrays of the tape differ in length"),
    ({"operands": [(0, 1), (3, 2), (6,), (5, 5), (6,)]}, r"instruction 2 \(tanh\): reads %6 before it is computed"),
    ({"operands": [(0, 1), (3, 99), (4,), (5, 5), (6,)]}, r"instruction 1 \(add\): there is no operand %99"),
    ({"operands": [(0, 1), (3, -4), (4,), (5, 5), (6,)]}, r"instruction 1 \(add\): there is no operand number 3"),
    ({"operations": ["mm"] * 5}, r"instruction 0 \('mm'\): no such operation"),
])
def test_refused_arrays(changes: dict[str, object], message: str) -> None:
    with pytest.raises(TapeError, match=message):
        broken(**changes).verify()


def test_buffers_that_nothing_makes() -> None:
    tape = PROGRAMS["layer"]()
    tape.layouts.append(tape.layouts[0])
    with pytest.raises(TapeError, match="%8: neither an input nor computed"):
        tape.verify()


def test_the_neighbours_are_shown() -> None:
    with pytest.raises(TapeError) as caught:
        edited("mlp", "relu         %6", "relu         %6 %5").verify()
    assert str(caught.value) == """\
instruction 2 (relu): takes 1 operand, has 2
     0  %5  f32[5,6]  mm  %0 %1
     1  %6  f32[5,6]  add  %5 %2~
→    2  %7  f32[5,6]  relu  %6 %5
     3  %8  f32[5,3]  mm  %7 %3
     4  %9  f32[5,3]  add  %8 %4~
     5  %10  f32[5,3]  log_softmax  %9 dim=(1,)
     6  %11  f32[]  mean  %10 dim=(0,1)"""


def test_views_of_views_stay_inside_the_storage() -> None:
    x = ramp(4, 4)
    y = x[1:][1:][1:].exp()
    Tape.of(y).verify()
    dumped = str(Tape.of(y))
    assert dumped.count("start=1") == 3
    further = dumped.replace("start=1 end=2", "start=2 end=3")
    assert further != dumped
    with pytest.raises(TapeError, match="looks outside the 16 elements of %0"):
        Tape.parse(further).verify()


def test_every_structured_operation_says_what_fits() -> None:
    from tapegrad.tape.verify import _FITS

    assert {op.name for op in REGISTRY.values() if op.kind == "structured" and op.fits is None} <= set(_FITS)
    assert torch.Tensor  # the facade is there: every operation is declared


ONE = {"stride": (1, 1), "dilation": (1, 1)}
PAIRS = {"windows": ((2, 2), (2, 2), (1, 1), (2, 3))}
GIVEN = [(6, 5), (2, 4), (2, 4), (12, 5), (16,), (12, 4)]  # to a layer of:
GRU = {"mode": "GRU", "reverse": False, "steps": 3, "batch": 2, "wide": 5, "width": 4}
# Operations that write by shapes alone: sizes that fit, with attributes; and sizes or attributes that do not.
BY_SHAPE: dict[str, tuple[list[tuple[int, ...]], dict[str, Any], list[Any]]] = {
    "_convolve": ([(2, 3, 5, 6), (4, 3, 2, 2)], ONE, [
        [(2, 2, 5, 6), (4, 3, 2, 2)], [(2, 3, 5), (4, 3, 2)], [(2, 3, 1, 6), (4, 3, 2, 2)], [(2, 3, 5, 6), (4, 3, 2)],
        [(0, 3, 5, 6), (4, 3, 2, 2)], {"stride": (0, 1)}, {"dilation": (1, 6)}, {"stride": (1.0, 1)}]),
    "_convolve_back": ([(2, 4, 4, 5), (4, 3, 2, 2)], {**ONE, "sizes": (5, 6)}, [
        [(2, 4, 5, 5), (4, 3, 2, 2)], [(2, 3, 4, 5), (4, 3, 2, 2)], [(2, 4, 4, 5), (4, 3, 3, 2)], {"sizes": (5, 5)},
        {"sizes": (5,)}, {"sizes": (5, -6)}, {"stride": (2, 1)}]),
    "_convolve_weights": ([(2, 4, 4, 5), (2, 3, 5, 6)], {**ONE, "kernel": (2, 2)}, [
        [(1, 4, 4, 5), (2, 3, 5, 6)], [(2, 4, 4, 5), (2, 3, 5, 7)], {"kernel": (3, 2)}, {"kernel": (2,)}]),
    "_max_of_windows": ([(2, 4, 6)], PAIRS, [
        [(2, 3, 6)], [(4,)], {"windows": ((2, 2), (2, 2), (1, 1), (3, 3))}, {"windows": ((2, 2), (2, 2), (1, 1), (2,))},
        {"windows": ((2, 2), (2, 2), (1, 1), (-1, 3))}, {"windows": ((), (), (), ())}]),
    "_places_of_maxima": ([(2, 4, 6)], PAIRS, [
        [(2, 3, 6)], [(4,)], {"windows": ((2, 2), (2, 2), (1, 1), (3, 3))}, {"windows": ((), (), (), ())}]),
    "_max_scattered": ([(2, 2, 3), (2, 4, 6)], PAIRS, [[(2, 2, 2), (2, 4, 6)], [(2, 2, 3), (2, 4, 5)]]),
    "_max_scattered_in_tiles": ([(2, 2, 3), (2, 4, 6)], PAIRS, [
        [(2, 2, 2), (2, 4, 6)], [(2, 2, 3), (2, 4, 7)], {"windows": ((2, 2), (1, 2), (1, 1), (2, 3))}]),
    "_max_gathered": ([(2, 4, 6), (2, 4, 6)], PAIRS, [[(2, 4, 5), (2, 4, 6)], [(2, 4, 6), (2, 4, 5)]]),
    "_recurrent_steps": (GIVEN, GRU, [
        [(5, 5), *GIVEN[1:]], [(6, 4), *GIVEN[1:]], [*GIVEN[:2], (4,), *GIVEN[3:]], [*GIVEN[:4], (12,), GIVEN[5]],
        [*GIVEN[:5], (12, 3)], [(0, 5), *GIVEN[1:]], {"mode": "LSTM"}, {"mode": "none"}, {"reverse": 2}, {"steps": 2},
        {"batch": 0}, {"wide": 4}, {"width": 4.0}]),
    "_recurrent_shown": ([*GIVEN, (128,)], {**GRU, "onward": True, "to_states": True}, [
        [(128,), *GIVEN], [*GIVEN, (127,)], [(6, 4), *GIVEN[1:], (128,)], [*GIVEN[:5], (4, 12), (128,)],
        {"mode": "LSTM"}, {"onward": 1}, {"to_states": 0}]),
    "_recurrent_slopes": ([(3, 2, 4), *GIVEN, (128,)], {**GRU, "onward": True, "to_states": False}, [
        [(3, 2, 3), *GIVEN, (128,)], [(4, 2, 4), *GIVEN, (128,)], [(3, 2, 4), *GIVEN, (127,)],
        [(3, 2, 4), *GIVEN[:5], (12, 3), (128,)], {"mode": "LSTM"}]),
    "_attention_weights": ([(3, 2, 2, 4, 5)], {"scale": 0.5}, [
        [(2, 2, 2, 4, 5)], [(3, 2, 4, 5)], [(3, 2, 0, 4, 5)], {"scale": None}]),
    "_attention": ([(3, 2, 2, 4, 5), (2, 2, 4, 4)], {"scale": 0.5}, [
        [(3, 2, 2, 4, 5), (2, 2, 4, 5)], [(3, 2, 2, 4, 5), (1, 2, 4, 4)], [(4, 2, 2, 4, 5), (2, 2, 4, 4)]]),
    "_attention_slopes": ([(2, 2, 4, 5), (3, 2, 2, 4, 5), (2, 2, 4, 4)], {"scale": 0.5}, [
        [(2, 2, 5, 4), (3, 2, 2, 4, 5), (2, 2, 4, 4)], [(2, 2, 4, 5), (3, 2, 2, 4, 5), (2, 2, 5, 4)]]),
}


def layouts(sizes: Sequence[tuple[int, ...]], dtype: torch.dtype = torch.float32) -> list[Layout]:
    return [layout_of(torch.empty(size, dtype=dtype)._buffer) for size in sizes]


@pytest.mark.parametrize("name", BY_SHAPE)
def test_operands_that_do_not_fit(name: str) -> None:
    op, (sizes, given, wrong) = REGISTRY[name], BY_SHAPE[name]
    assert op.fits is not None and op.samples is not None
    assert op.fits(layouts(sizes), given)
    assert all(op.fits(layouts(those), attributes) for those, attributes in op.samples())
    for change in wrong:
        now, attributes = (sizes, {**given, **change}) if isinstance(change, dict) else (change, given)
        assert not op.fits(layouts(now), attributes), change
    for i in range(len(sizes) if len(sizes) > 1 else 0):
        mixed = layouts(sizes)
        mixed[i] = layouts(sizes, torch.float64)[i]
        assert not op.fits(mixed, given)
