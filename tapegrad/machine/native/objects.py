"""Tensors as CPython objects, and the way in: operators and functions that run without a Python frame.

`invoke` is where every operation enters: it finds the plan of (opcode, operand layouts) in a hash table and executes
it, or hands the call to the operation's Python function, which decides shapes and kernels and teaches the table for the
next time. The per-opcode functions CPython calls are two-line trampolines emitted in `machine.objects`.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release, run_kernel, trace
from tapegrad.machine.native.glue import (
    buffers,
    call_visit,
    doubles,
    export,
    floats,
    halves,
    i32,
    inlined,
    layouts,
    machine,
    native,
    octets,
    plans,
    quarters,
    signed_words,
    stack_words,
    steps_at,
    tensor_at,
    u32,
    u64,
    words,
)
from tapegrad.machine.native.tape import drop_tensor, make_room, new_row, record, record_pooled

U0, U1, U2, U3 = (np.uint64(i) for i in range(4))
N0, N1 = np.uint32(0), np.uint32(1)
_REQUIRES_GRAD = np.uint32(rec.REQUIRES_GRAD)
_RETAINS, _HOOKED = np.uint32(rec.RETAINS), np.uint32(rec.HOOKED)
_VIEW, _NO_GRAD_VIEW, _MULTI_VIEW = (np.uint32(f) for f in (rec.IS_VIEW, rec.NO_GRAD_VIEW, rec.MULTI_VIEW))
_RECORD, _LINK, _MULTIPLE = (np.uint64(f) for f in (1, rec.LINK, rec.MULTIPLE))
_WRAPPED, _IMMORTAL, _INFERENCE = np.uint32(rec.WRAPPED), np.uint32(rec.IMMORTAL), np.uint32(rec.INFERENCE)
_NEEDS_A, _NEEDS_B = np.uint32(rec.NEEDS_A), np.uint32(rec.NEEDS_B)
_POOLED, _DIFFERENTIABLE = np.uint16(rec.POOLED), np.uint16(rec.DIFFERENTIABLE)
_TARGET, _TEMPORARY, _OPERAND = (np.uint32(i) for i in (rec.TARGET, rec.TEMPORARY, rec.OPERAND))
_TYPE_BASICSIZE = np.uint64(32)
_DICT, _WEAKREFS, _GRAD = (np.uint64(rec.offset_of(rec.TENSOR, f)) for f in ("dict", "weakrefs", "grad"))
LITERAL_LOW, LITERAL_HIGH = np.int64(rec.LITERALS[0]), np.int64(rec.LITERALS[-1])
# Layout ids 1..3 are those of wrapped bool, int and float scalars; the literals follow (see machine.layouts).
BOOL_SCALAR, INT_SCALAR, FLOAT_SCALAR, FIRST_LITERAL = (np.uint32(i) for i in (1, 2, 3, 4))
OPERATORS, _WORD = np.uint32(rec.OPERATORS), np.uint32(rec.WORD)
MAX_OPERANDS = np.uint64(3)
MAX_KEYED_LAYOUT = np.uint64(1 << 18)


# ---------------------------------------------------------------- objects


@export(u64(u64, u32))
def new_object(kind, row_index):
    """A tensor object of type `kind` on a row; untracked by the collector until it has something to traverse."""
    obj = py.gc_new(kind)
    if obj == U0:
        return obj
    size = words(kind + _TYPE_BASICSIZE)[U0]
    fields = words(obj)
    for i in range(U2, size >> U3):
        fields[i] = U0
    t = tensor_at(obj)
    row = buffers()[row_index]
    t.buffer = row_index
    t.layout = row.layout
    row.tensor = obj
    buffers()[row.owner].refs += N1
    return obj


@native
def new_tensor(layout):
    """A tensor with storage of its own, not initialised."""
    m = machine()
    address = allocate(m.arena, layouts()[layout].nbytes)
    if address == U0:
        return py.no_memory()
    row = new_row(layout, N0, address)
    if row == N0:
        return py.no_memory()
    return new_object(m.tensor_type, row)


@export(i32(u64))
def dealloc(obj):
    """tp_dealloc."""
    kind = py.type_of(obj)
    py.gc_untrack(obj)
    t = tensor_at(obj)
    if t.weakrefs != U0:
        py.clear_weakrefs(obj)
    grad = t.grad
    attributes = t.dict
    base = t.base
    if t.buffer != N0:
        if attributes != U0 and buffers()[t.buffer].flags & _HOOKED:
            py.call_in_destructor(machine().orphan_hooks, attributes, np.uint64(t.buffer))
        drop_tensor(t.buffer)
    if grad != U0:
        py.decref(grad)
    if attributes != U0:
        py.decref(attributes)
    if base != U0:
        py.decref(base)
    py.gc_delete(obj)
    py.decref(kind)
    return np.int32(0)


@export(i32(u64, u64, u64))
def traverse(obj, visit, arg):
    """tp_traverse."""
    t = tensor_at(obj)
    if t.grad != U0:
        status = call_visit(visit, t.grad, arg)
        if status:
            return status
    if t.dict != U0:
        status = call_visit(visit, t.dict, arg)
        if status:
            return status
    if t.base != U0:
        status = call_visit(visit, t.base, arg)
        if status:
            return status
    return call_visit(visit, py.type_of(obj), arg)


@export(i32(u64))
def clear(obj):
    """tp_clear."""
    t = tensor_at(obj)
    grad = t.grad
    attributes = t.dict
    t.grad = U0
    t.dict = U0
    if grad != U0:
        py.decref(grad)
    if attributes != U0:
        py.decref(attributes)
    return np.int32(0)


@native
def call_python(function, first, second, count):
    """Call a Python function with one or two objects."""
    arguments = stack_words(2)
    words(arguments)[U0] = first
    words(arguments)[U1] = second
    return py.vectorcall(function, arguments, count, U0)


@export(u64(u64, u64))
def get_grad(obj, closure):
    """`grad`; where there is none, Python says whether that deserves a warning."""
    grad = tensor_at(obj).grad
    if grad == U0:
        row = buffers()[tensor_at(obj).buffer]
        if row.producer != N0 and not row.flags & _RETAINS:
            return call_python(machine().absent_grad, obj, U0, U1)
        grad = py.none()
    py.incref(grad)
    return grad


@export(i32(u64, u64, u64))
def set_grad(obj, value, closure):
    """`grad = …`: Python looks at shapes and dtypes, then calls `put_grad`."""
    if value == U0 or value == py.none():
        old = tensor_at(obj).grad
        tensor_at(obj).grad = U0
        if old != U0:
            py.decref(old)
        return np.int32(0)
    result = call_python(machine().assign_grad, obj, value, U2)
    if result == U0:
        return np.int32(-1)
    py.decref(result)
    return np.int32(0)


@export(u64(u64, u64, u64))
def put_grad(self, arguments, count):
    """put_grad(tensor, gradient): unchecked."""
    obj = words(arguments)[U0]
    value = words(arguments)[U1]
    old = tensor_at(obj).grad
    py.incref(value)
    tensor_at(obj).grad = value
    py.track(obj)
    if old != U0:
        py.decref(old)
    py.incref(py.none())
    return py.none()


@export(i32(u64, u64, u64))
def set_requires_grad(obj, value, closure):
    result = call_python(machine().assign_requires_grad, obj, py.false() if value == U0 else value, U2)
    if result == U0:
        return np.int32(-1)
    py.decref(result)
    return np.int32(0)


@export(i32(u64, u64, u64))
def setattro(obj, name, value):
    """tp_setattro: the collector learns of an object when it may come to hold others."""
    py.track(obj)
    return py.generic_setattr(obj, name, value)


@export(u64(u64, u64))
def get_dict(obj, closure):
    py.track(obj)
    return py.generic_get_dict(obj, closure)


@inlined
def boolean(condition):
    result = py.true() if condition else py.false()
    py.incref(result)
    return result


@inlined
def flags_of(obj):
    return buffers()[tensor_at(obj).buffer].flags


@export(u64(u64, u64))
def get_requires_grad(obj, closure):
    """A view requires grad as soon as its base does, whether its own history has been brought up to that or not."""
    base = tensor_at(obj).base
    flags = flags_of(obj)
    if base != U0 and flags & _VIEW:
        flags |= flags_of(base)
    return boolean(flags & _REQUIRES_GRAD)


@export(u64(u64, u64))
def get_is_leaf(obj, closure):
    if not freshen_history(obj):
        return U0
    return boolean(buffers()[tensor_at(obj).buffer].producer == N0)


# ---------------------------------------------------------------- operands


@native
def is_stale(obj):
    """Whether a tensor is a view whose base's history was rewritten since its own was recorded."""
    t = tensor_at(obj)
    rows = buffers()
    row = rows[t.buffer]
    version = rows[row.owner].version
    if not row.flags & _VIEW or row.version == version or t.base == U0:
        return False
    if (row.flags | flags_of(t.base)) & _REQUIRES_GRAD:
        return True
    row.version = version
    return False


@native
def freshen_history(obj):
    """Give a stale view its new history; False, with a Python error set, where that is refused."""
    if not flags_of(obj) & _VIEW or not is_stale(obj):
        return True
    result = call_python(machine().refresh_view, obj, U0, U1)
    if result == U0:
        return False
    py.decref(result)
    return True


@native
def current_row(obj):
    """The row of a tensor that is about to be read; 0 with a Python error set where its history is refused."""
    if flags_of(obj) & _VIEW and is_stale(obj) and recording() and not freshen_history(obj):
        return N0
    return tensor_at(obj).buffer


@native
def is_tensor(obj):
    m = machine()
    kind = py.type_of(obj)
    return kind == m.tensor_type or kind == m.parameter_type


@native
def wrap_number(obj):
    """The row of a Python number: a permanent one for the literals rules specialise on; 0 if `obj` is no number.

    A fresh row has no tensor and no reference, so `drop_number` frees it when the operation did not record it.
    """
    m = machine()
    kind = py.type_of(obj)
    if kind == py.float_type():
        address = allocate(m.arena, np.uint64(8))
        doubles(address)[U0] = py.float_as_double(obj)
        row = new_row(FLOAT_SCALAR, N0, address)
    elif kind == py.long_type():
        value = py.long_as(obj)
        if value == -1 and py.error_occurred() != U0:
            py.error_clear()
            return N0
        if LITERAL_LOW <= value <= LITERAL_HIGH:
            return halves(m.literals)[value - LITERAL_LOW]
        address = allocate(m.arena, np.uint64(8))
        signed_words(address)[U0] = value
        row = new_row(INT_SCALAR, N0, address)
    elif kind == py.bool_type():
        address = allocate(m.arena, np.uint64(8))
        octets(address)[U0] = np.uint8(1) if obj == py.true() else np.uint8(0)
        row = new_row(BOOL_SCALAR, N0, address)
    else:
        return N0
    if m.trace != U0:
        trace(_WORD, address, words(address)[U0])
    buffers()[row].flags |= _WRAPPED
    buffers()[row].refs += N1
    return row


@inlined
def operand_row(obj):
    """The row of an operand, or 0 when only Python can tell what it is."""
    if is_tensor(obj):
        row = current_row(obj)
        if row == N0:
            py.error_clear()  # Python will meet the same error, and raise it
        return row
    return wrap_number(obj)


@inlined
def drop_number(row):
    """End the call's own reference to a wrapped number; a recorded one lives on through what the tape keeps."""
    r = buffers()[row]
    if r.flags & _WRAPPED and r.tensor == U0:
        drop_tensor(row)


# ---------------------------------------------------------------- execution


@native
def run_forward(plan, target, operands):
    """Run a plan's forward program; `operands` is the address of up to three u4 rows, `target` what it writes."""
    m = machine()
    plan_row = plans()[plan]
    rows = buffers()
    source = halves(operands)
    pointers = stack_words(12)
    temporaries = stack_words(24)
    steps = steps_at(plan_row.forward)
    count = np.uint64(plan_row.n_forward)
    status = np.int32(0)
    made = U0
    for s in range(count):
        step = steps[s]
        if step.temporary != N0:
            words(temporaries)[made] = allocate(m.arena, step.temporary_bytes)
            made += U1
        for i in range(np.uint64(step.n_pointers)):
            code = step.sources[i]
            if code >= _OPERAND:
                base = rows[source[code - _OPERAND]].address
            elif code >= _TEMPORARY:
                base = words(temporaries)[code - _TEMPORARY]
            else:
                base = target
            words(pointers)[i] = base + np.uint64(step.offsets[i])
        status |= run_kernel(step.store, step.nest, pointers, np.uint64(step.n_pointers))
    made = U0
    for s in range(count):
        step = steps[s]
        if step.temporary != N0:
            release(m.arena, words(temporaries)[made], step.temporary_bytes)
            made += U1
    return status


@inlined
def recording():
    """Whether this thread records: each has a byte of its own, by the number CPython gave it."""
    return octets(machine().unrecorded)[py.thread_id(py.thread_state())] == np.uint8(0)


@native
def needs_of(operands, count):
    """Which operands require grad, as bits from 0."""
    rows = buffers()
    needs = N0
    for j in range(count):
        if rows[halves(operands)[j]].flags & _REQUIRES_GRAD:
            needs |= N1 << np.uint32(j)
    return needs


@native
def record_operation(plan, out, operands, count, needs, shift):
    source = halves(operands)
    if plans()[plan].flags & _POOLED:
        record_pooled(plan, out, operands, count, needs)
    else:
        b = source[U1] if count > U1 else N0
        record(plan, out, source[U0], b, needs << np.uint32(rec.PLAN_BITS), shift)


@native
def kernel_failed(plan, status):
    """Let Python raise: function 0 is called with the plan and the kernel's status."""
    arguments = stack_words(2)
    words(arguments)[U0] = py.long_from(np.int64(plan))
    words(arguments)[U1] = py.long_from(np.int64(status))
    result = py.vectorcall(words(machine().functions)[U0], arguments, U2, U0)
    py.decref(words(arguments)[U0])
    py.decref(words(arguments)[U1])
    return result


@native
def execute(plan, operands, count):
    """Run a plan on operand rows: a new tensor, recorded if need be. 0 with a Python error set on failure."""
    plan_row = plans()[plan]
    if not make_room():
        return py.no_memory()
    result = new_tensor(plan_row.out_layout)
    if result == U0:
        return result
    out = tensor_at(result).buffer
    status = run_forward(plan, buffers()[out].address, operands)
    if status:
        py.decref(result)
        return kernel_failed(plan, status)
    if plan_row.flags & _DIFFERENTIABLE:
        needs = needs_of(operands, count)
        if needs != N0 and recording():
            record_operation(plan, out, operands, count, needs, U0)
    return result


# ---------------------------------------------------------------- the plan table


@inlined
def hashed(key):
    return (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)


@native
def find_plan(opcode, operands, count):
    """The plan of (opcode, operand layouts), or 0. Entries are pairs (key, plan); layout ids stay below 2^18."""
    m = machine()
    rows = buffers()
    key = np.uint64(opcode) << np.uint64(54)
    for j in range(count):
        layout = np.uint64(rows[halves(operands)[j]].layout)
        if layout >= MAX_KEYED_LAYOUT:
            return N0
        key |= layout << (np.uint64(36) - np.uint64(18) * j)
    table = words(m.table)
    slot = hashed(key) & m.table_mask
    while True:
        found = table[slot * U2]
        if found == key:
            return np.uint32(table[slot * U2 + U1])
        if found == U0:
            return N0
        slot = (slot + U1) & m.table_mask


# ---------------------------------------------------------------- the way in


@inlined
def python_function(opcode):
    return words(machine().functions)[opcode]


@native
def attempt(opcode, arguments, count):
    """(whether the plan was known, the result): the whole operation without Python, or nothing at all."""
    operands = stack_words(2)
    rows = halves(operands)
    known = True
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
    return py.vectorcall(python_function(opcode), arguments, count, keywords)


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
def attempt_inplace(opcode, self, other):
    """Whether an in-place operation ran natively: on a tensor whose history need not change.

    `other` is 0 for a unary operation. Operands that share the written storage go to Python, which looks for overlap.
    """
    if not is_tensor(self):
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
        if needs_of(operands, count) == N0 or not recording():
            plan = find_plan(opcode, operands, count)
            if plan != N0:
                run_forward(plan, rows[row].address, operands)
                rows[rows[row].owner].version += N1
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
    result = py.vectorcall(python_function(opcode), block + np.uint64(8), count + U1, keywords)
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


# ---------------------------------------------------------------- called from Python with decisions made


@inlined
def integer(arguments, position):
    return np.uint64(py.long_as(words(arguments)[position]))


@export(u64(u64, u64, u64))
def run_plan(self, arguments, count):
    """run_plan(plan, *operands) -> tensor. Operands are tensors or, for wrapped numbers, row indices."""
    plan = np.uint32(integer(arguments, U0))
    n = count - U1
    operands = allocate(machine().arena, n * np.uint64(4))
    result = U0
    if collect_rows(operands, arguments + np.uint64(8), n):
        result = execute(plan, operands, n)
    release(machine().arena, operands, n * np.uint64(4))
    return result


@native
def collect_rows(operands, arguments, n):
    """Write the rows of tensors and row numbers; False with a Python error set."""
    rows = halves(operands)
    for j in range(n):
        obj = words(arguments)[j]
        rows[j] = np.uint32(py.long_as(obj)) if py.type_of(obj) == py.long_type() else current_row(obj)
        if rows[j] == N0:
            return False
    return True


@export(u64(u64, u64, u64))
def run_inplace(self, arguments, count):
    """run_inplace(plan, target row, *operands) -> None: run the kernels on the target's memory and count the write."""
    plan = np.uint32(integer(arguments, U0))
    target = integer(arguments, U1)
    n = count - U2
    operands = allocate(machine().arena, n * np.uint64(4) + np.uint64(4))
    collected = collect_rows(operands, arguments + np.uint64(16), n)
    status = np.int32(0)
    if collected:
        rows = buffers()
        status = run_forward(plan, rows[target].address, operands)
        rows[rows[target].owner].version += N1
    release(machine().arena, operands, n * np.uint64(4) + np.uint64(4))
    if not collected:
        return U0
    if status:
        return kernel_failed(plan, status)
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def make_view(self, arguments, count):
    """make_view(plan, base, layout, byte offset, adjoint offset, mode) -> tensor on the base's storage.

    `mode` says whether to record, and whether (and how) the result is a view in the eyes of differentiation.
    """
    plan = np.uint32(integer(arguments, U0))
    viewed = words(arguments)[U1]
    base = current_row(viewed)
    if base == N0:
        return U0
    rows = buffers()
    if not make_room():
        return py.no_memory()
    layout = np.uint32(integer(arguments, U2))
    address = rows[base].address + integer(arguments, U3)
    row = new_row(layout, rows[base].owner, address)
    if row == N0:
        return py.no_memory()
    result = new_object(machine().tensor_type, row)
    mode = integer(arguments, np.uint64(5))
    if mode & _LINK:
        first = tensor_at(viewed).base
        if first == U0:
            first = viewed
        py.incref(first)
        tensor_at(result).base = first
        made = rows[row]
        made.flags |= _VIEW | (rows[base].flags & (_NO_GRAD_VIEW | _MULTI_VIEW))
        made.version = rows[made.owner].version
        if not recording():
            made.flags |= _NO_GRAD_VIEW
        elif mode & _MULTIPLE:
            made.flags |= _MULTI_VIEW
    if mode & _RECORD and rows[base].flags & _REQUIRES_GRAD and recording():
        record(plan, row, base, N0, _NEEDS_A, integer(arguments, np.uint64(4)))
    return result


@export(u64(u64, u64, u64))
def record_view(self, arguments, count):
    """record_view(plan, result row, needs, adjoint offset, *rows): append an instruction of a VIEW plan."""
    second = np.uint32(integer(arguments, np.uint64(5))) if count > np.uint64(5) else N0
    make_room()
    record(np.uint32(integer(arguments, U0)), np.uint32(integer(arguments, U1)),
           np.uint32(integer(arguments, np.uint64(4))), second,
           np.uint32(integer(arguments, U2)) << np.uint32(rec.PLAN_BITS), integer(arguments, U3))
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64))
def pin(self, step):
    """pin(1) keeps instructions where they are, for one who holds their indices; pin(-1) when done."""
    machine().pins += np.uint64(py.long_as(step))
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64))
def freshen(self, obj):
    """freshen(tensor): if it is a view whose base's history was rewritten, give it its new one."""
    if not freshen_history(obj):
        return U0
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def record_plan(self, arguments, count):
    """record_plan(plan, result row, needs, *operands): append an instruction whose kernels ran already."""
    plan = np.uint32(integer(arguments, U0))
    out = np.uint32(integer(arguments, U1))
    needs = np.uint32(integer(arguments, U2))
    n = count - U3
    make_room()
    operands = allocate(machine().arena, n * np.uint64(4) + np.uint64(4))
    collected = collect_rows(operands, arguments + np.uint64(24), n)
    if collected:
        record_operation(plan, out, operands, n, needs, U0)
    release(machine().arena, operands, n * np.uint64(4) + np.uint64(4))
    if not collected:
        return U0
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64))
def empty(self, layout):
    """empty(layout) -> tensor, not initialised."""
    return new_tensor(np.uint32(py.long_as(layout)))


@export(u64(u64, u64, u64))
def adopt(self, arguments, count):
    """adopt(layout, address, owner, type) -> tensor on memory that is there already (`owner` 0: storage of its own)."""
    row = new_row(np.uint32(integer(arguments, U0)), np.uint32(integer(arguments, U2)), integer(arguments, U1))
    if row == N0:
        return py.no_memory()
    return new_object(words(arguments)[U3], row)


@export(u64(u64, u64, u64))
def tensor_of(self, arguments, count):
    """tensor_of(row, type) -> the live tensor of a row, or a new object for it."""
    index = integer(arguments, U0)
    obj = buffers()[index].tensor
    if obj == U0:
        return new_object(words(arguments)[U1], np.uint32(index))
    py.incref(obj)
    return obj


@export(u64(u64, u64, u64))
def rebind(self, arguments, count):
    """rebind(tensor, row): the object now stands for another row (in-place operations rewrite history)."""
    obj = words(arguments)[U0]
    t = tensor_at(obj)
    index = np.uint32(integer(arguments, U1))
    old = t.buffer
    row = buffers()[index]
    row.tensor = obj
    buffers()[row.owner].refs += N1
    t.buffer = index
    t.layout = row.layout
    drop_tensor(old)
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def wrapped(self, arguments, count):
    """wrapped(number) -> row of a Python number; pair with `unwrap`."""
    return py.long_from(np.int64(wrap_number(words(arguments)[U0])))


@export(u64(u64, u64))
def unwrap(self, row):
    drop_number(np.uint32(py.long_as(row)))
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def fresh_row(self, arguments, count):
    """fresh_row(layout, owner, address) -> row without a tensor."""
    return py.long_from(np.int64(new_row(
        np.uint32(integer(arguments, U0)), np.uint32(integer(arguments, U1)), integer(arguments, U2)
    )))


@export(u64(u64, u64))
def set_recording(self, mode):
    """set_recording(bool) -> the previous mode of this thread."""
    previous = recording()
    octets(machine().unrecorded)[py.thread_id(py.thread_state())] = np.uint8(0) if mode == py.true() else np.uint8(1)
    return boolean(previous)


@export(u64(u64, u64))
def is_recording(self, ignored):
    return boolean(recording())


@export(u64(u64, u64, u64))
def adopt_block(self, arguments, count):
    """adopt_block(layout, address) -> tensor that owns a block of the arena."""
    row = new_row(np.uint32(integer(arguments, U0)), N0, integer(arguments, U1))
    if row == N0:
        return py.no_memory()
    return new_object(machine().tensor_type, row)


@export(u64(u64, u64))
def disown(self, obj):
    """disown(tensor) -> address of its block, which it gives up; the caller owns it from now on."""
    row = buffers()[tensor_at(obj).buffer]
    address = row.address
    row.address = U0
    return py.long_from(np.int64(address))


@export(u64(u64, u64))
def steal(self, address):
    """steal(address) -> the object there, whose reference the caller held."""
    return np.uint64(py.long_as(address))


@export(u64(u64, u64))
def item(self, obj):
    """item(tensor of one element) -> Python number."""
    row = buffers()[tensor_at(obj).buffer]
    kind = layouts()[row.layout].dtype
    address = row.address
    if kind == np.uint32(7):
        return py.float_from(doubles(address)[U0])
    if kind == np.uint32(6):
        return py.float_from(np.float64(floats(address)[U0]))
    if kind == np.uint32(5):
        return py.long_from(signed_words(address)[U0])
    if kind == np.uint32(4):
        return py.long_from(np.int64(np.int32(halves(address)[U0])))
    if kind == np.uint32(3):
        return py.long_from(np.int64(np.int16(quarters(address)[U0])))
    if kind == np.uint32(2):
        return py.long_from(np.int64(np.int8(octets(address)[U0])))
    if kind == np.uint32(1):
        return py.long_from(np.int64(octets(address)[U0]))
    return boolean(octets(address)[U0] != np.uint8(0))
