"""The way in: operators, functions and methods that run without a Python frame.

`invoke` is where every operation enters: it finds the plan of (opcode, operand layouts) in a hash table and executes
it, or hands the call to the operation's Python function, which decides shapes and kernels and teaches the table for the
next time. The per-opcode functions CPython calls are two-line trampolines emitted in `machine.startup`. They say under
which name the operation was called (`called`, an entry of the table of Python functions): what is said of wrong
arguments depends on that.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release
from tapegrad.machine.native.execution import execute
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.in_place import LEFT, UNKNOWN, WRITTEN, call_write
from tapegrad.machine.native.in_place_history import find_plan
from tapegrad.machine.native.operands import drop_number, is_tensor, operand_row
from tapegrad.machine.native.recipes import remembered

OPERATORS = np.uint32(rec.OPERATORS)
MAX_ALIASED, WRITES_FIRST = np.uint32(rec.MAX_ALIASED), np.uint64(rec.WRITES_FIRST)
MAX_OPERANDS = np.uint64(3)


@inlined
def python_function(opcode):
    return words(machine().functions)[opcode]


@native
def attempt(opcode, arguments, count):
    """(whether the plan was known, the result): the whole operation without Python, or nothing at all."""
    operands = stack_words(2)
    rows = halves(operands)
    known = machine().teaching == U0
    tensors = False
    for j in range(count):
        obj = words(arguments)[j]
        tensors |= is_tensor(obj)
        row = operand_row(obj) if known else N0
        rows[j] = row
        if row == N0:
            known = False
    result = U0
    planned = False
    if known and tensors:
        plan = find_plan(opcode, operands, count)
        if plan != N0:
            planned = True
            result = execute(plan, operands, count)
    for j in range(count):
        if rows[j] != N0:
            drop_number(rows[j])
    return planned, result


@export(u64(u32, u32, u64, u64, u64))
def invoke(opcode, called, arguments, count, keywords):
    """Apply an operation to Python objects: natively when its plan is known, else by its Python function."""
    if keywords == U0 and U1 <= count and count <= MAX_OPERANDS:
        planned, result = attempt(opcode, arguments, count)
        if planned:
            return result
    return remembered(python_function(called), arguments, count, keywords)


@export(u64(u32, u64, u64))
def operator(opcode, left, right):
    """A binary operator slot; foreign operands are left to Python, which may answer NotImplemented."""
    arguments = stack_words(2)
    words(arguments)[U0] = left
    words(arguments)[U1] = right
    planned, result = attempt(opcode, arguments, U2)
    if planned:
        return result
    return py.vectorcall(python_function(opcode + OPERATORS), arguments, U2, U0)


@export(u64(u32, u64))
def unary_operator(opcode, operand):
    arguments = stack_words(1)
    words(arguments)[U0] = operand
    return invoke(opcode, opcode, arguments, U1, U0)


@native
def attempt_inplace(opcode, arguments, count):
    """How an in-place operation ended: UNKNOWN where native code does not know the plan."""
    self = words(arguments)[U0]
    if not is_tensor(self) or machine().teaching != U0:
        return LEFT
    operands = stack_words(2)
    rows = halves(operands)
    known = True
    for j in range(count):
        row = operand_row(words(arguments)[j]) if known else N0
        rows[j] = row
        if row == N0:
            known = False
    done = LEFT
    if known:
        rows[U0] = tensor_at(self).buffer  # which another operand's history may have brought up to date
        plan = find_plan(opcode, operands, count)
        done = call_write(plan, self, operands, count) if plan != N0 else UNKNOWN
    for j in range(U1, count):
        if rows[j] != N0:
            drop_number(rows[j])
    return done


@inlined
def itself(obj, done):
    """The tensor that was written to, or 0 where an error is set."""
    if done != WRITTEN:
        return U0
    py.incref(obj)
    return obj


@export(u64(u32, u64, u64))
def inplace(opcode, self, other):
    """An in-place operator slot."""
    arguments = stack_words(2)
    words(arguments)[U0] = self
    words(arguments)[U1] = other
    count = U2 if other != U0 else U1
    done = attempt_inplace(opcode, arguments, count)
    if done < LEFT:
        return itself(self, done)
    return py.vectorcall(python_function(opcode + OPERATORS), arguments, count, U0)


@export(u64(u32, u32, u64, u64, u64))
def invoke_inplace(opcode, called, arguments, count, keywords):
    """`invoke` for an in-place operation."""
    if keywords == U0 and U1 <= count and count <= MAX_OPERANDS:
        done = attempt_inplace(opcode, arguments, count)
        if done < LEFT:
            return itself(words(arguments)[U0], done)
        if done == LEFT:
            return py.vectorcall(python_function(called), arguments, count, keywords)
    return remembered(python_function(called), arguments, count, keywords)


@native
def with_self(self, arguments, count, keywords):
    """A block [self, *arguments] for a call, its size in words first."""
    total = count + U1
    if keywords != U0:
        total += words(keywords + U2 * np.uint64(8))[U0]  # ob_size of the tuple of names
    block = allocate(machine().arena, (total + U1) * np.uint64(8))
    words(block)[U0] = total
    words(block)[U1] = self
    for j in range(total - U1):
        words(block)[j + U2] = words(arguments)[j]
    return block


@export(u64(u32, u32, u64, u64, u64, u64))
def invoke_method(opcode, called, self, arguments, count, keywords):
    """`invoke` for a method: `self` goes before the arguments."""
    if count < MAX_OPERANDS and keywords == U0:
        joined = stack_words(4)
        words(joined)[U0] = self
        for j in range(count):
            words(joined)[j + U1] = words(arguments)[j]
        return invoke(opcode, called, joined, count + U1, U0)
    block = with_self(self, arguments, count, keywords)
    result = remembered(python_function(called), block + np.uint64(8), count + U1, keywords)
    release(machine().arena, block, (words(block)[U0] + U1) * np.uint64(8))
    return result


@export(u64(u32, u32, u64, u64, u64, u64))
def invoke_inplace_method(opcode, called, self, arguments, count, keywords):
    if count < MAX_OPERANDS and keywords == U0:
        joined = stack_words(4)
        words(joined)[U0] = self
        for j in range(count):
            words(joined)[j + U1] = words(arguments)[j]
        return invoke_inplace(opcode, called, joined, count + U1, U0)
    block = with_self(self, arguments, count, keywords)
    result = remembered(python_function(called), block + np.uint64(8), count + U1, keywords)
    release(machine().arena, block, (words(block)[U0] + U1) * np.uint64(8))
    return result


@export(u64(u32, u64, u64, u64))
def invoke_alias(called, arguments, count, keywords):
    """An operation by another of its names, as a function."""
    what = python_function(called + MAX_ALIASED)
    if what & WRITES_FIRST:
        return invoke_inplace(np.uint32(what), called, arguments, count, keywords)
    return invoke(np.uint32(what), called, arguments, count, keywords)


@export(u64(u32, u64, u64, u64, u64))
def invoke_alias_method(called, self, arguments, count, keywords):
    """The same as a method."""
    what = python_function(called + MAX_ALIASED)
    if what & WRITES_FIRST:
        return invoke_inplace_method(np.uint32(what), called, self, arguments, count, keywords)
    return invoke_method(np.uint32(what), called, self, arguments, count, keywords)
