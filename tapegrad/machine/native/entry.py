"""The way in: operators, functions and methods that run without a Python frame.

`invoke` is where every operation enters: it finds the plan of (opcode, operand layouts) in a hash table and executes
it, or hands the call to the operation's Python function, which decides shapes and kernels and teaches the table for the
next time. The per-opcode functions CPython calls are two-line trampolines emitted in `machine.runtime`.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release
from tapegrad.machine.native.execution import execute, find_plan
from tapegrad.machine.native.glue import (
    N0,
    N1,
    U0,
    U1,
    U2,
    buffers,
    export,
    halves,
    inlined,
    machine,
    native,
    stack_words,
    tensor_at,
    u32,
    u64,
    words,
)
from tapegrad.machine.native.objects import flags_of
from tapegrad.machine.native.operands import drop_number, is_tensor, needs_of, operand_row, recording
from tapegrad.machine.native.recipes import remembered
from tapegrad.machine.native.steps import run_forward

_INFERENCE, _REQUIRES_GRAD, OPERATORS = (
    np.uint32(i) for i in (rec.INFERENCE, rec.REQUIRES_GRAD, rec.OPERATORS)
)
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


@export(u64(u32, u64, u64, u64))
def invoke(opcode, arguments, count, keywords):
    """Apply an operation to Python objects: natively when its plan is known, else by its Python function."""
    if keywords == U0 and U1 <= count and count <= MAX_OPERANDS:
        planned, result = attempt(opcode, arguments, count)
        if planned:
            return result
    return remembered(python_function(opcode), arguments, count, keywords)


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
    return invoke(opcode, arguments, U1, U0)


@native
def views_history(obj):
    """Whether a tensor is a view, perhaps made where nothing is recorded, of one that has a history."""
    base = tensor_at(obj).base
    return base != U0 and flags_of(base) & _REQUIRES_GRAD != N0


@native
def attempt_inplace(opcode, self, other):
    """Whether an in-place operation ran natively: on a tensor whose history need not change.

    `other` is 0 for a unary operation. Operands that share the written storage go to Python, which looks for overlap.
    """
    if not is_tensor(self) or machine().teaching != U0:
        return False
    rows = buffers()
    operands = stack_words(1)
    row = operand_row(self)
    if row == N0:
        return False
    count = U2 if other != U0 else U1
    second = operand_row(other) if other != U0 else row
    if second == N0:
        return False
    halves(operands)[U0] = row
    halves(operands)[U1] = second
    shared = rows[second].owner == rows[row].owner and second != row
    plan = N0
    if not shared and not rows[row].flags & _INFERENCE:
        if not recording() or (needs_of(operands, count) == N0 and not views_history(self)):
            plan = find_plan(opcode, operands, count)
            if plan != N0:
                run_forward(plan, rows[row].address, operands)
                rows[rows[row].owner].version += N1
                machine().overwrote = U1
    if other != U0:
        drop_number(second)
    return plan != N0


@export(u64(u32, u64, u64))
def inplace(opcode, self, other):
    """An in-place operator slot."""
    if attempt_inplace(opcode, self, other):
        py.incref(self)
        return self
    arguments = stack_words(2)
    words(arguments)[U0] = self
    words(arguments)[U1] = other
    return py.vectorcall(python_function(opcode + OPERATORS), arguments, U2 if other != U0 else U1, U0)


@export(u64(u32, u64, u64, u64))
def invoke_inplace(opcode, arguments, count, keywords):
    """`invoke` for an in-place operation."""
    if keywords == U0 and U1 <= count and count <= U2:
        self = words(arguments)[U0]
        other = words(arguments)[U1] if count == U2 else U0
        if attempt_inplace(opcode, self, other):
            py.incref(self)
            return self
    return py.vectorcall(python_function(opcode), arguments, count, keywords)


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


@export(u64(u32, u64, u64, u64, u64))
def invoke_method(opcode, self, arguments, count, keywords):
    """`invoke` for a method: `self` goes before the arguments."""
    if count < MAX_OPERANDS and keywords == U0:
        joined = stack_words(4)
        words(joined)[U0] = self
        for j in range(count):
            words(joined)[j + U1] = words(arguments)[j]
        return invoke(opcode, joined, count + U1, U0)
    block = with_self(self, arguments, count, keywords)
    result = remembered(python_function(opcode), block + np.uint64(8), count + U1, keywords)
    release(machine().arena, block, (words(block)[U0] + U1) * np.uint64(8))
    return result


@export(u64(u32, u64, u64, u64, u64))
def invoke_inplace_method(opcode, self, arguments, count, keywords):
    if keywords == U0 and count <= U1:
        other = words(arguments)[U0] if count == U1 else U0
        if attempt_inplace(opcode, self, other):
            py.incref(self)
            return self
    block = with_self(self, arguments, count, keywords)
    result = py.vectorcall(python_function(opcode), block + np.uint64(8), count + U1, keywords)
    release(machine().arena, block, (words(block)[U0] + U1) * np.uint64(8))
    return result
