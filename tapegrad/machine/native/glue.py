"""What jitted code needs beyond numba's own vocabulary: records at raw addresses, symbols, indirect calls.

`records(DTYPE)` is the heart: it views an address as an array of structs, so that native code reads
`buffers()[b].version` where C would read `buffers[b].version`. All of `native/` is written in it: `import *`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np import numpy_support

from tapegrad.machine import records as rec
from tapegrad.machine.native.cells import Cells

__all__ = [
    "N0", "N1", "U0", "U1", "U2", "U3", "Callee", "add_atomic", "attachments_at", "buffers", "by_name", "call_kernel",
    "call_visit", "companions_at", "cuts_at", "doubles", "events_at", "exchange", "exchange_if", "export", "external",
    "floats", "halves", "hashed", "i32", "i64", "indirect", "inlined", "instructions", "layouts", "leading_zeros",
    "load_atomic", "machine", "native", "node_at", "octets", "plans", "pool", "programs_at", "quarters", "recipe_at",
    "recipe_steps_at", "records", "signed_words", "stack_words", "starts_at", "steps_at", "symbol", "team_at",
    "tensor_at", "types", "u32", "u64", "words", "workspace_at",
]

Callee = Callable[..., Any]  # what jitted code calls: its types are numba's affair

i32: types.Type = types.int32
u32: types.Type = types.uint32
i64: types.Type = types.int64
u64: types.Type = types.uint64
u8: types.Type = types.uint8
U0, U1, U2, U3 = (np.uint64(i) for i in range(4))  # unsigned throughout: signed indices cost a wrap-around test
N0, N1 = np.uint32(0), np.uint32(1)

# No bounds checks, no exceptions, C division: nothing native may raise, so that no wrapper has to look. No counted
# references either: whatever memory there is is ours.
_options: Any = {
    "error_model": "numpy", "boundscheck": False, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
}
native: Any = njit(**_options)
inlined = native


def records(dtype: np.dtype[Any], element: Any = None) -> Callee:
    """An intrinsic that views an address as elements of `dtype`."""
    cells = Cells(element or numpy_support.from_dtype(dtype), dtype.itemsize)

    @intrinsic
    def view(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return args[0]

        return cells(u64), codegen

    return view


def record(dtype: np.dtype[Any]) -> Callee:
    """An intrinsic that views an address as one struct of `dtype`."""
    kind = numpy_support.from_dtype(dtype)

    @intrinsic
    def view(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(kind))

        return kind(u64), codegen

    return view


def _machine_global(builder: Any) -> Any:
    module = builder.module
    return module.globals.get(MACHINE) or ir.GlobalVariable(module, ir.IntType(8), MACHINE)


MACHINE = "tapegrad_machine"
_machine_record = numpy_support.from_dtype(rec.MACHINE)


@intrinsic
def machine(typingctx: Any) -> Any:
    """The machine's one record."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(_machine_global(builder), context.get_value_type(_machine_record))

    return _machine_record(), codegen


def table(field: str, dtype: np.dtype[Any], element: Any = None) -> Callee:
    """An intrinsic for one of the machine's tables, whose address is a field of its record.

    An intrinsic and not a jitted function: numba types and compiles each of those, 40 ms a piece on the first run.
    """
    cells = Cells(element or numpy_support.from_dtype(dtype), dtype.itemsize)
    offset = rec.MACHINE.fields[field][1]  # type: ignore[index]

    @intrinsic
    def rows(typingctx: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            word = ir.IntType(64)
            at = builder.gep(_machine_global(builder), [ir.Constant(word, offset)])
            return builder.load(builder.bitcast(at, word.as_pointer()))

        return cells(), codegen

    return rows


def symbol(name: str) -> Callee:
    """An intrinsic for the address of an external symbol."""

    @intrinsic
    def address(typingctx: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            module = builder.module
            found = module.globals.get(name) or ir.GlobalVariable(module, ir.IntType(8), name)
            return builder.ptrtoint(found, ir.IntType(64))

        return u64(), codegen

    return address


def indirect(result: Any, *arguments: Any) -> Callee:
    """An intrinsic that calls a C function of 2, 3, 4, 6 or 8 arguments at an address: `call(address, *arguments)`."""
    count = len(arguments)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(
            context.get_value_type(result), [context.get_value_type(a) for a in arguments]
        )
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])

    if count == 2:
        @intrinsic
        def call(typingctx: Any, address: Any, a: Any, b: Any) -> Any:
            return result(u64, *arguments), emit
    elif count == 3:
        @intrinsic
        def call(typingctx: Any, address: Any, a: Any, b: Any, c: Any) -> Any:
            return result(u64, *arguments), emit
    elif count == 4:
        @intrinsic
        def call(typingctx: Any, address: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
            return result(u64, *arguments), emit
    elif count == 6:
        @intrinsic
        def call(typingctx: Any, address: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
            return result(u64, *arguments), emit
    else:
        @intrinsic
        def call(typingctx: Any, address: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
            return result(u64, *arguments), emit
    return call


@intrinsic(prefer_literal=True)
def stack_words(typingctx: Any, count: Any) -> Any:
    """The address of `count` (a literal) 8-byte words in the caller's frame, allocated once however often it runs.

    They hold anything at first: numba's own way fills them with zeros, which took as long as a small kernel.
    """
    words = count.literal_value

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        with builder.goto_entry_block():
            slot = builder.alloca(ir.ArrayType(ir.IntType(64), words))
        return builder.ptrtoint(slot, ir.IntType(64))

    return u64(count), codegen


@intrinsic
def leading_zeros(typingctx: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return u64(u64), codegen


def atomic(operation: str) -> Callee:
    """An intrinsic that changes a word in one go and returns what it held."""

    @intrinsic
    def change(typingctx: Any, address: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
            return builder.atomic_rmw(operation, pointer, args[1], "seq_cst")

        return u64(u64, u64), codegen

    return change


exchange: Callee = atomic("xchg")
add_atomic: Callee = atomic("add")


@intrinsic
def exchange_if(typingctx: Any, address: Any, expected: Any, value: Any) -> Any:
    """Atomically write a word if it holds what is expected; whether it did."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        found = builder.cmpxchg(pointer, args[1], args[2], "seq_cst", "seq_cst")
        return builder.extract_value(found, 1)

    return types.boolean(u64, u64, u64), codegen


@intrinsic
def load_atomic(typingctx: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return u64(u64), codegen


def external(name: str, result: Any, *arguments: Any) -> Callee:
    """A C function of the process, called by name."""
    return types.ExternalFunction(name, result(*arguments))


BY_NAME: list[str] = []


def by_name(name: str, result: Any, *arguments: Any) -> Callee:
    """A function that the machine exports, called by its name.

    The text of what is called otherwise is part of every export that leads there, and numba writes and LLVM reads it
    each time. Of large functions that are seldom called this saved a second of the twelve that building takes.
    """
    BY_NAME.append(name)
    return external(name, result, *arguments)


words: Callee = records(np.dtype("u8"), u64)
halves: Callee = records(np.dtype("u4"), u32)
signed_words: Callee = records(np.dtype("i8"), i64)
octets: Callee = records(np.dtype("u1"), u8)
doubles: Callee = records(np.dtype("f8"), types.float64)
floats: Callee = records(np.dtype("f4"), types.float32)
quarters: Callee = records(np.dtype("u2"), types.uint16)

buffers: Callee = table("buffers", rec.BUFFER)
instructions: Callee = table("instructions", rec.INSTRUCTION)
plans: Callee = table("plans", rec.PLAN)
layouts: Callee = table("layouts", rec.LAYOUT)
pool: Callee = table("pool", np.dtype("u4"), u32)
tensor_at: Callee = record(rec.TENSOR)
workspace_at: Callee = record(rec.WORKSPACE)
steps_at: Callee = records(rec.STEP)
programs_at: Callee = records(rec.PROGRAM)
cuts_at: Callee = records(rec.CUT)
events_at: Callee = records(rec.EVENT)
recipe_at: Callee = record(rec.RECIPE)
recipe_steps_at: Callee = records(rec.RECIPE_STEP)
starts_at: Callee = records(rec.START)
team_at: Callee = record(rec.TEAM)
attachments_at: Callee = records(rec.ATTACHMENT)
companions_at: Callee = records(rec.COMPANION)
node_at: Callee = record(rec.NODE)
call_kernel: Callee = indirect(i32, u64, u64)
call_visit: Callee = indirect(i32, u64, u64)


@inlined
def hashed(key):
    """Where to look for a key first, in a table of any power of two: bits of it that depend on all of the key's."""
    return (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)


Export = tuple[str, Any, Any]  # the C name, the numba signature, the jitted function
EXPORTS: list[Export] = []


def export(signature: Any, name: str | None = None) -> Callable[[Any], Any]:
    """Make a native function callable from C under `name` (by default its own, prefixed)."""

    def register(function: Any) -> Any:
        compiled = native(function)
        EXPORTS.append((name or "tapegrad_" + function.__name__, signature, compiled))
        return compiled

    return register
