"""What Python calls with its decisions made: run this plan, make this view, record this, adopt that memory."""
from __future__ import annotations

import numpy as np

from tapegrad.dtypes import float32, float64, int16, int32, int64
from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release
from tapegrad.machine.native.borrowed_rows import borrow, hand_over, kept_row, settle_on
from tapegrad.machine.native.execution import execute, kernel_failed, record_operation, view_of
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.kernel_calls import run_forward
from tapegrad.machine.native.objects import boolean, call_python, flags_of, new_object, new_tensor, out_of_memory
from tapegrad.machine.native.operands import (
    current_row,
    drop_number,
    freshen_history,
    is_tensor,
    wrap_number,
)
from tapegrad.machine.native.tape import attach, count_writes, drop_tensor, has_rows, make_room, make_row, record
from tapegrad.machine.native.thread_modes import grad_mode, inferring, recording, set_inferring, set_recorded

_EXTERNAL, _DIFFERENTIABLE = np.uint32(rec.EXTERNAL), np.uint16(rec.DIFFERENTIABLE)
_REQUIRES_GRAD = np.uint32(rec.REQUIRES_GRAD)
_I16, _I32, _I64, _F32, _F64 = (np.uint32(d.id) for d in (int16, int32, int64, float32, float64))
OUT_OF_RANGE = np.int32(rec.OUT_OF_RANGE)
memmove: Callee = external("memmove", u64, u64, u64, u64)


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
    if collect_rows(operands, arguments + np.uint64(8), n, plans()[plan].flags & _DIFFERENTIABLE != np.uint16(0)):
        result = execute(plan, operands, n)
    release(machine().arena, operands, n * np.uint64(4))
    return result


@native
def collect_rows(operands, arguments, n, current):
    """Write the rows of tensors and row numbers, with `current` those whose history is; False with a Python error set.
    """
    rows = halves(operands)
    for j in range(n):
        obj = words(arguments)[j]
        if py.type_of(obj) == py.long_type():
            rows[j] = np.uint32(py.long_as(obj))
        else:
            rows[j] = current_row(obj) if current else tensor_at(obj).buffer
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
    collected = collect_rows(operands, arguments + np.uint64(16), n, True)
    status = np.int32(0)
    if collected:
        rows = buffers()
        status = run_forward(plan, rows[target].address, operands)
        if status != OUT_OF_RANGE:  # of which nothing was written
            count_writes(rows[target].owner, N1)
        machine().overwrote = U1
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
    return view_of(np.uint32(integer(arguments, U0)), words(arguments)[U1], np.uint32(integer(arguments, U2)),
                   integer(arguments, U3), integer(arguments, np.uint64(4)), integer(arguments, np.uint64(5)))


@export(u64(u64, u64, u64))
def record_view(self, arguments, count):
    """record_view(plan, result row, needs, adjoint offset, *rows): append an instruction of a VIEW plan."""
    second = np.uint32(integer(arguments, np.uint64(5))) if count > np.uint64(5) else N0
    if not make_room():
        return out_of_memory(U0)
    record(np.uint32(integer(arguments, U0)), np.uint32(integer(arguments, U1)),
           np.uint32(integer(arguments, np.uint64(4))), second,
           np.uint32(integer(arguments, U2)) << np.uint32(rec.PLAN_BITS), integer(arguments, U3))
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def pin(self, arguments, count):
    """pin() holds reclaiming off, for one who records several instructions of which the later are to hold the earlier.

    What is due is reclaimed first: a program may never record elsewhere.
    """
    make_room()
    machine().pins += U1
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def unpin(self, arguments, count):
    """unpin(*ignored) ends that."""
    if machine().pins != U0:
        machine().pins -= U1
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def attach_to(self, arguments, count):
    """attach_to(row, object): let it belong to the row, until that is freed."""
    if not attach(np.uint32(integer(arguments, U0)), words(arguments)[U1]):
        return py.no_memory()
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64))
def count_kept(self, step):
    """count_kept(bytes) adds to what the tape keeps for backward, or takes from it: reclaiming depends on that."""
    machine().kept_bytes += np.uint64(py.long_as(step))
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
    if not make_room():
        return out_of_memory(U0)
    operands = allocate(machine().arena, n * np.uint64(4) + np.uint64(4))
    collected = collect_rows(operands, arguments + np.uint64(24), n, True)
    if collected:
        record_operation(plan, out, operands, n, needs, U0)
    release(machine().arena, operands, n * np.uint64(4) + np.uint64(4))
    if not collected:
        return U0
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def fill_from(self, arguments, count):
    """fill_from(tensor, array): copy the bytes of a contiguous NumPy array (its data pointer follows its head)."""
    row = buffers()[tensor_at(words(arguments)[U0]).buffer]
    memmove(row.address, words(words(arguments)[U1])[U2], layouts()[row.layout].nbytes)
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64))
def empty(self, layout):
    """empty(layout) -> tensor, not initialised."""
    return new_tensor(np.uint32(py.long_as(layout)))


@export(u64(u64, u64, u64))
def adopt(self, arguments, count):
    """adopt(layout, address, owner, type) -> tensor on memory that is there already (`owner` 0: none of ours)."""
    row = make_row(np.uint32(integer(arguments, U0)), np.uint32(integer(arguments, U2)), integer(arguments, U1))
    if row == N0:
        return out_of_memory(U0)
    if integer(arguments, U2) == U0:
        buffers()[row].flags |= _EXTERNAL
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
    row.flags |= buffers()[old].flags & np.uint32(rec.ACCOMPANIED)
    row.tensor = obj
    buffers()[row.owner].refs += N1
    t.buffer = index
    t.layout = row.layout
    drop_tensor(old)
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64))
def borrowed(self, obj):
    """borrowed(tensor) -> owner row on the tensor's storage that counts the writes to it apart; to be used at once."""
    index = borrow(buffers()[tensor_at(obj).buffer].owner)
    if index == N0:
        return py.no_memory()
    return py.long_from(np.int64(index))


@export(u64(u64, u64))
def part(self, obj):
    """part(tensor) -> the row that owns the tensor's storage from now on, which the tensor's own did until now."""
    index = hand_over(tensor_at(obj).buffer)
    if index == N0:
        return py.no_memory()
    return py.long_from(np.int64(index))


@export(u64(u64, u64, u64))
def settle_on_row(self, arguments, count):
    """settle_on_row(tensor, owner, address, layout): let the tensor's row, which owns no storage, lie there."""
    t = tensor_at(words(arguments)[U0])
    layout = np.uint32(integer(arguments, U3))
    settle_on(t.buffer, np.uint32(integer(arguments, U1)), integer(arguments, U2), layout)
    t.layout = layout
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def kept_of(self, arguments, count):
    """kept_of(owner, start) -> a row of the owner's bytes that an instruction from `start` on keeps, as `kept_row`."""
    return py.long_from(np.int64(kept_row(np.uint32(integer(arguments, U0)), integer(arguments, U1))))


@export(u64(u64, u64, u64))
def wrapped(self, arguments, count):
    """wrapped(number) -> row of a Python number; pair with `unwrap`."""
    row = wrap_number(words(arguments)[U0])
    if row == N0 and not has_rows():
        return out_of_memory(U0)
    return py.long_from(np.int64(row))


@export(u64(u64, u64))
def unwrap(self, row):
    drop_number(np.uint32(py.long_as(row)))
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def fresh_row(self, arguments, count):
    """fresh_row(layout, owner, address) -> row without a tensor."""
    row = make_row(np.uint32(integer(arguments, U0)), np.uint32(integer(arguments, U1)), integer(arguments, U2))
    if row == N0:
        return out_of_memory(U0)
    return py.long_from(np.int64(row))


@export(u64(u64, u64))
def set_recording(self, mode):
    """set_recording(bool) -> the previous mode of this thread."""
    previous = grad_mode()
    set_recorded(mode == py.true())
    return boolean(previous)


@export(u64(u64, u64))
def set_inference(self, mode):
    """set_inference(bool) -> whether this thread was in inference mode."""
    previous = inferring()
    set_inferring(mode == py.true())
    return boolean(previous)


@export(u64(u64, u64))
def is_recording(self, ignored):
    return boolean(recording())


@export(u64(u64, u64))
def is_recording_wanted(self, ignored):
    """The grad mode alone, whatever inference mode says."""
    return boolean(grad_mode())


@export(u64(u64, u64))
def is_inferring(self, ignored):
    return boolean(inferring())


@export(u64(u64, u64, u64))
def adopt_block(self, arguments, count):
    """adopt_block(layout, address) -> tensor that owns a block of the arena."""
    row = make_row(np.uint32(integer(arguments, U0)), N0, integer(arguments, U1))
    if row == N0:
        return out_of_memory(U0)
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


@native
def number_at(index):
    """The Python number that a row of one element holds."""
    row = buffers()[index]
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


@export(u64(u64, u64))
def item(self, obj):
    """item(tensor of one element) -> Python number."""
    return number_at(tensor_at(obj).buffer)


@native
def is_told(obj):
    """Whether Python may know the one number in a tensor without anybody being told, nor it being decoded."""
    m = machine()
    layout = layouts()[tensor_at(obj).layout]
    return is_tensor(obj) and layout.numel == U1 and layout.dtype <= _F64 and m.trace == U0 and m.teaching == U0


@export(u64(u64, u64))
def item_method(self, ignored):
    """`Tensor.item`: Python's, but where that has nothing to decide; so are the next two."""
    return number_at(tensor_at(self).buffer) if is_told(self) else call_python(machine().item, self, U0, U1)


@export(u64(u64, u64))
def float_method(self, ignored):
    """`Tensor.__float__`."""
    if not is_told(self) or flags_of(self) & _REQUIRES_GRAD:
        return call_python(machine().float, self, U0, U1)
    number = number_at(tensor_at(self).buffer)
    if number == U0 or py.type_of(number) == py.float_type():
        return number
    real = py.float_from(np.float64(py.long_as(number)))
    py.decref(number)
    return real


@export(u64(u64, u64))
def bool_method(self, ignored):
    """`Tensor.__bool__`."""
    if not is_told(self):
        return call_python(machine().bool, self, U0, U1)
    address, kind = buffers()[tensor_at(self).buffer].address, layouts()[tensor_at(self).layout].dtype
    if kind == _F64:
        return boolean(doubles(address)[U0] != 0.0)
    if kind == _F32:
        return boolean(floats(address)[U0] != np.float32(0.0))
    if kind == _I64:
        return boolean(words(address)[U0] != U0)
    if kind == _I32:
        return boolean(halves(address)[U0] != N0)
    if kind == _I16:
        return boolean(quarters(address)[U0] != np.uint16(0))
    return boolean(octets(address)[U0] != np.uint8(0))
