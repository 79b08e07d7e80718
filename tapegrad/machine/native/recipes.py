"""Calls of facade functions without their Python: what it did for these arguments the first time is done again.

`remembered` is the way in. It gathers the call's key, finds the recipe of that key and follows it: plans run and views
made, on the call's tensors and on each other. Where there is none, Python is asked to teach one
(`tapegrad.machine.learning.lessons`).
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release
from tapegrad.machine.native.call_keys import GIVEN, STARTS, TENSORS, WORDS, gather_key, hash_key, sequence_of
from tapegrad.machine.native.execution import execute, view_of
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.in_place import LEFT, RAISED, call_write
from tapegrad.machine.native.objects import new_tensor
from tapegrad.machine.native.operands import current_row, drop_number, own_number, wrap_number

_LEFT_TO_PYTHON, _HAS_CONSTANTS, _OF_ONE_FACTOR = (
    np.uint32(i) for i in (rec.LEFT_TO_PYTHON, rec.HAS_CONSTANTS, rec.OF_ONE_FACTOR))
_STEP_RESULT, _FIXED, _VALUE, _NOTHING = (
    np.uint32(i) for i in (rec.STEP_RESULT, rec.FIXED, rec.VALUE, rec.NOTHING))
_WRITES, _SPREADS, _COPIES, _DRAWS = (np.uint32(i) for i in (rec.WRITES, rec.SPREADS, rec.COPIES, rec.DRAWS))
UNDONE = U1
U8, U24 = np.uint64(8), np.uint64(24)
STREAM_BYTES, KEYED = np.uint64(rec.STREAM.itemsize), np.uint64(rec.offset_of(rec.STREAM, "keyed"))
memmove: Callee = external("memmove", u64, u64, u64, u64)
draws_at: Callee = records(rec.DRAW)
call_draw: Callee = indirect(i32, u64, u64, i64, types.float64, types.float64, u64)


@inlined
def same_key(key, recipe):
    k = words(key)
    known = words(recipe.words)
    same = k[U0] == np.uint64(recipe.n_words)
    j = U0
    while same and j < k[U0]:
        same = k[WORDS + j] == known[j]
        j += U1
    return same


@native
def find_recipe(key):
    """The address of the recipe of a key, or 0. Slots of the table are pairs (hash, recipe)."""
    m = machine()
    table = words(m.recipes)
    wanted = hash_key(key)
    slot = (wanted >> np.uint64(16)) & m.recipe_mask
    while True:
        found = table[slot * U2]
        if found == U0:
            return U0
        if found == wanted and same_key(key, recipe_at(table[slot * U2 + U1])):
            return table[slot * U2 + U1]
        slot = (slot + U1) & m.recipe_mask


@native
def tensors_ready(key):
    """Bring the history of the call's tensors up to date; False where that is refused, with no error set."""
    k = words(key)
    for j in range(k[U1]):
        if current_row(k[TENSORS + j]) == N0:
            py.error_clear()  # Python will meet the same error, and raise it
            return False
    return True


@native
def starts_fit(key, recipe):
    """Whether the key's start numbers lie where they lay when the recipe was made; negative ones are wrapped."""
    k = signed_words(key)
    starts = starts_at(recipe.starts)
    for j in range(np.uint64(recipe.n_starts)):
        start = starts[j]
        value = k[STARTS + j]
        if value < start.low or value >= start.high:
            return False
        if value < 0:
            k[STARTS + j] = value + start.wrap
    return True


@inlined
def referred(reference, key, made):
    """The object of a reference that is no fixed row."""
    if reference >= _STEP_RESULT:
        return words(made)[reference - _STEP_RESULT]
    return words(key)[TENSORS + np.uint64(reference)]


@export(u64(u32, u64))
def spread(plan, sequence):
    """Run a plan on the tensors of a list."""
    kind, items, count = sequence_of(sequence)
    m = machine()
    operands = allocate(m.arena, count * np.uint64(4))
    result = U0
    done = U0
    while done < count:
        row = current_row(words(items)[done])
        if row == N0:
            break
        halves(operands)[done] = row
        done += U1
    if done == count:
        result = execute(plan, operands, count)
    release(m.arena, operands, count * np.uint64(4))
    return result


call_spread: Callee = by_name("tapegrad_spread", u64, u32, u64)


@export(u64(u32, u32, u32))
def copied(layout, row, flags):
    """A new tensor with the bytes of a row, which lie without gaps."""
    result = new_tensor(layout)
    if result != U0:
        made = buffers()[tensor_at(result).buffer]
        memmove(made.address, buffers()[row].address, layouts()[layout].nbytes)
        made.flags |= flags
    return result


@export(u64(u32, u64, u64))
def drawn(layout, how, stream):
    """A new tensor with numbers that a kernel draws."""
    draw = draws_at(how)[U0]
    result = new_tensor(layout)
    if result != U0:
        call_draw(draw.kernel, stream, buffers()[tensor_at(result).buffer].address, draw.n, draw.a, draw.b, draw.given)
    return result


call_copied: Callee = by_name("tapegrad_copied", u64, u32, u32, u32)
call_drawn: Callee = by_name("tapegrad_drawn", u64, u32, u64, u64)


@native
def follow_step(step, key, made, operands, stream):
    """Run one step; its tensor, 0 with an error set, or UNDONE: nothing was written, and it is left to Python."""
    references = halves(step.operands)
    if step.mode == _SPREADS:
        return call_spread(step.plan, words(key)[GIVEN])
    if step.mode == _COPIES:
        return call_copied(step.layout, references[U0] & ~_FIXED, step.plan)
    if step.mode == _DRAWS:
        return call_drawn(step.layout, step.operands, stream)
    if step.layout != N0:
        offset, shift = step.offset, step.shift
        if step.start != U0:
            by = words(key)[STARTS + step.start - U1]
            offset += by * step.stride
            shift += by * step.adjoint_stride
        return view_of(step.plan, referred(references[U0], key, made), step.layout, offset, shift,
                       np.uint64(step.mode))
    rows = halves(operands)
    number = N0
    captured = machine().trace != U0
    for j in range(np.uint64(step.count)):
        reference = references[j]
        if reference & _FIXED:
            rows[j] = own_number(reference & ~_FIXED) if captured else reference & ~_FIXED
        elif reference == _VALUE:
            if number == N0:
                number = wrap_number(words(key)[GIVEN])
            rows[j] = number
        else:
            rows[j] = tensor_at(referred(reference, key, made)).buffer
    target = referred(references[U0], key, made) if step.mode == _WRITES else U0
    result = U0
    if target == U0:
        result = execute(step.plan, operands, np.uint64(step.count))
    else:
        done = call_write(step.plan, target, operands, np.uint64(step.count))
        if done == LEFT:
            result = UNDONE
        elif done != RAISED:
            py.incref(target)
            result = target
    if number != N0:
        drop_number(number)
    for j in range(np.uint64(step.count) if captured else U0):
        if references[j] & _FIXED:
            drop_number(rows[j])
    return result


@inlined
def gathered(recipe, key, made):
    """The call's result: one object, a tuple of the recipe's type, or None."""
    references = halves(recipe.results)
    if recipe.n_results == N0:
        py.incref(py.none())
        return py.none()
    if recipe.kind == U0:
        result = referred(references[U0], key, made)
        py.incref(result)
        return result
    n = np.uint64(recipe.n_results)
    plain = recipe.kind == py.tuple_type()
    result = py.tuple_new(np.int64(n)) if plain else py.type_alloc(recipe.kind, np.int64(n))
    if result != U0:
        items = words(result + U24)
        for j in range(n):
            items[j] = py.none() if references[j] == _NOTHING else referred(references[j], key, made)
            py.incref(items[j])
    return result


@native
def follow(recipe_address, key):
    """Do what a recipe says; the call's result, or as `follow_step`."""
    recipe = recipe_at(recipe_address)
    steps = recipe_steps_at(recipe.steps)
    made = stack_words(40)
    operands = stack_words(20)
    n = np.uint64(recipe.n_steps)
    done = U0
    result = U0
    stream = recipe.stream
    before = U0
    if stream != U0:
        if words(stream + KEYED)[U0] == U0:
            return UNDONE
        before = allocate(machine().arena, STREAM_BYTES)
        memmove(before, stream, STREAM_BYTES)
    while done < n:
        step = follow_step(steps[done], key, made, operands, stream)
        if step <= UNDONE:
            result = step
            break
        words(made)[done] = step
        done += U1
    if done == n:
        result = gathered(recipe, key, made)
    for j in range(done):
        py.decref(words(made)[j])
    if before != U0:
        if result == UNDONE:  # Python will draw the same numbers
            memmove(stream, before, STREAM_BYTES)
        release(machine().arena, before, STREAM_BYTES)
    return result


@native
def teach(key, function, arguments, count, keywords):
    """Have Python run the function, and write down what it does: `lessons.teach(key, function, *arguments)`."""
    total = count + U2
    if keywords != U0:
        total += words(keywords)[U2]
    block = allocate(machine().arena, total * U8)
    words(block)[U0] = py.long_from(np.int64(key))
    words(block)[U1] = function
    for j in range(total - U2):
        words(block)[j + U2] = words(arguments)[j]
    result = py.vectorcall(machine().teach, block, count + U2, keywords)
    py.decref(words(block)[U0])
    release(machine().arena, block, total * U8)
    return result


@native
def remembered(function, arguments, count, keywords):
    """Call a facade function: by its recipe if there is one, else as Python has it."""
    m = machine()
    if m.teaching == U0:
        key = stack_words(160)
        if gather_key(key, function, arguments, count, keywords, False) and tensors_ready(key):
            found = find_recipe(key)
            if found != U0 and recipe_at(found).flags & _OF_ONE_FACTOR:
                gather_key(key, function, arguments, count, keywords, True)
                found = find_recipe(key)
            if found == U0:
                if m.teach != U0:
                    return teach(key, function, arguments, count, keywords)
            else:
                recipe = recipe_at(found)
                if not recipe.flags & _LEFT_TO_PYTHON and (
                        m.trace == U0 or (not recipe.flags & _HAS_CONSTANTS and recipe.stream == U0)):
                    if starts_fit(key, recipe):
                        result = follow(found, key)
                        if result != UNDONE:
                            return result
    return py.vectorcall(function, arguments, count, keywords)


@export(u64(u64, u64, u64, u64))
def recall(function, arguments, count, keywords):
    """What a facade function is to CPython: a built-in function bound to the Python one."""
    return remembered(function, arguments, count, keywords)


@export(u64(u64, u64, u64, u64, u64))
def recall_method(slot, self, arguments, count, keywords):
    """The same for a method, whose Python function is entry `slot` of the machine's table."""
    function = words(machine().functions)[slot]
    total = count + U1
    if keywords != U0:
        total += words(keywords)[U2]
    if total <= U8:
        joined = stack_words(8)
        words(joined)[U0] = self
        for j in range(total - U1):
            words(joined)[j + U1] = words(arguments)[j]
        return remembered(function, joined, count + U1, keywords)
    block = allocate(machine().arena, total * U8)
    words(block)[U0] = self
    for j in range(total - U1):
        words(block)[j + U1] = words(arguments)[j]
    result = remembered(function, block, count + U1, keywords)
    release(machine().arena, block, total * U8)
    return result


