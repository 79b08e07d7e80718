"""The memory the machine works on: every native record, declared once as a NumPy dtype.

Python reads these records through NumPy, the jitted code through the same dtypes. Start with `INSTRUCTION` and
`BUFFER`, the two tables that make up the tape; `PLAN` and `STEP` say how an instruction runs; `MACHINE` holds the rest.
"""
from __future__ import annotations

from typing import Any

import numpy as np


def offset_of(record: np.dtype[Any], field: str) -> int:
    """Where a field starts in its record, in bytes."""
    assert record.fields is not None
    return int(record.fields[field][1])


# A tensor as CPython sees it; `grad`, `dict` and `base` are strong references, null when absent. `base` is the tensor a
# view was taken of, never itself a view, so that whoever holds a view holds the tensor whose history it shares.
TENSOR = np.dtype([
    ("refcount", "i8"), ("type", "u8"), ("buffer", "u4"), ("layout", "u4"), ("grad", "u8"), ("dict", "u8"),
    ("weakrefs", "u8"), ("base", "u8"),
])

# One recorded operation. `plan` holds the plan's index and, above it, the bits below. An instruction with at most two
# operands stores them in `a` and `b` with the versions they were read at; a POOLED plan stores a pool offset in `a`.
# A view keeps nothing, so it has no versions to store: `va` and `vb` together are its byte offset in the adjoint. Of a
# node of a compiled call they are a word that says where to find it (see CALL).
INSTRUCTION = np.dtype([("plan", "u4"), ("out", "u4"), ("a", "u4"), ("b", "u4"), ("va", "u4"), ("vb", "u4")])
PLAN_BITS = 24
PLAN_MASK = (1 << PLAN_BITS) - 1
NEEDS_A, NEEDS_B = 1 << 24, 1 << 25  # the gradient flows on to this operand
RELEASED = 1 << 31  # what it kept for backward is gone

# One value. Views share the storage of `owner` (itself for a value with storage of its own), which alone counts `refs`
# (live tensors on the storage plus instructions that keep it) and writes (`version`). `producer` is the index of the
# instruction that made it plus one, zero for a leaf. `tensor` is the live tensor object, borrowed. The `version` of an
# IS_VIEW row is that of its owner when its history was last right; where they differ, the base's may be another by now.
BUFFER = np.dtype([
    ("address", "u8"), ("tensor", "u8"), ("layout", "u4"), ("owner", "u4"), ("version", "u4"), ("refs", "u4"),
    ("producer", "u4"), ("flags", "u4"),
])
REQUIRES_GRAD, RECORDED, EXTERNAL, IMMORTAL = 1, 2, 4, 8  # RECORDED: some instruction names this row
HOOKED, RETAINS, WRAPPED, FREE = 16, 32, 64, 128  # WRAPPED: made from a Python number
INFERENCE, MARKED = 256, 512  # INFERENCE: on memory that was taken in inference mode
IS_VIEW, NO_GRAD_VIEW, MULTI_VIEW = 1 << 10, 1 << 11, 1 << 12  # a view that is differentiable; how it came about
CUSTOM_VIEW, INFERENCE_VIEW = 1 << 14, 1 << 21  # the same: from a custom function; in inference mode
KIND_OF_VIEW = IS_VIEW | NO_GRAD_VIEW | INFERENCE_VIEW | MULTI_VIEW | CUSTOM_VIEW
ATTACHED = 1 << 13  # a Python object belongs to this row (hooks, a callback): see ATTACHMENT
# Of owners. SHARED: some other row was once made on this storage. BORROWED: the bytes are those of another owner, whose
# row is in `producer`; only the writes are counted apart (`x.data`).
SHARED, BORROWED = 1 << 15, 1 << 16
# LENT: its bytes have, or had, several that count writes. Each of these has two u4s in `moments`: how many instructions
# there were when it was last written, and when its bytes were by others; of a BORROWED one, when a row moved there.
LENT = 1 << 22
VIEWED = 1 << 18  # a view of its tensor was taken
ACCOMPANIED = 1 << 23  # its tensor has, or had, a COMPANION
NAMED = 1 << 24  # of what is RECORDED: some instruction has it for an operand, or had
OWNS = 1 << 19  # while the tape is reclaimed: a row that it names lies on this storage
WITHDRAWN = 1 << 17  # its tensor was detached, or given data of another layout: what kept it is refused
GIVEN_DATA = 1 << 20  # of one that was withdrawn: it was the latter
# Rows of foreign memory that Python is still to be told of form a list through `refs`, with this bit (from
# `MACHINE.foreign`).
QUEUED = 1 << 31
LINK, MULTIPLE = 2, 4  # what `make_view` is told beside "record" (1): a differentiable view; one of several

# What the machine must know of a layout; shapes and strides are Python's.
LAYOUT = np.dtype([
    ("nbytes", "u8"), ("numel", "u8"), ("adjoint", "u4"), ("dtype", "u4"), ("accumulate", "u8"),
])

# An operation with its operand layouts and attributes decided: which kernels, over which loops, with which result.
# `out_bytes` is the size of the result's adjoint; `kept_a` and `kept_b` are what backward reads when that operand needs
# a gradient (bit 0: a, 1: b, 7: the result). An ALIKE plan has more operands than MOST, of one layout: what it does to
# the first it does to each, `stride` bytes further on in the result and its adjoint; it keeps nothing. Of a JOINT plan
# an extra last program computes the gradients of all operands at once; an operand's own adds that to one that is there.
PLAN = np.dtype([
    ("opcode", "u4"), ("arity", "u2"), ("flags", "u2"), ("out_layout", "u4"), ("kept_a", "u1"), ("kept_b", "u1"),
    ("n_forward", "u2"), ("forward", "u8"), ("adjoints", "u8"), ("kept", "u8"), ("out_bytes", "u8"), ("stride", "u8"),
    ("reserved", "u8"),  # a cache line
])
POOLED, VIEW, INPLACE, DIFFERENTIABLE, CALLBACK, ALIKE, JOINT = 1, 2, 4, 8, 16, 32, 64
KEEPS_OUT = 1 << 7
# A recorded sweep adds the gradient of a part in place where the whole has so many times its elements: else the history
# of such a write, and what differentiates it, costs more than an addition to the whole.
PARTS = 4

# The steps that compute one operand's gradient, of `bytes` bytes.
PROGRAM = np.dtype([("steps", "u8"), ("n_steps", "u4"), ("flags", "u4"), ("bytes", "u8")])
IDENTITY, NEEDS_ZERO = 1, 2  # the gradient is the incoming one as it is; the steps write only part of the adjoint
ONE_RUN = 8  # with NEEDS_ZERO: that part lies in one piece, as long as the gradient, from the instruction's offset on
LIES_ALIKE = 16  # with ONE_RUN: in the order of the gradient
CARVES = 4  # with IDENTITY: after the extra last program of the plan has zeroed a part of it
IN_PLACE = 32  # each element is made of the incoming gradient's at the same place, where it may be written as well

# How a large kernel call is cut for several threads: along the loop `axis`, into at most `pieces`, which begin at
# multiples of `unit`. Where the loop is
# kept each piece writes its part. Where it is reduced each writes a word of its own with the kernel `partial`, and
# `store` (or `add`) makes the result of these words. `late` says which of the kernels are bound when first called; the
# calling thread sees to that before the others join it. An `eager` one is worth threads that are awake, and no waking.
CUT = np.dtype([("axis", "u8"), ("pieces", "u8"), ("unit", "u8"), ("partial", "u8"), ("store", "u8"), ("add", "u8"),
                ("late", "u8"), ("eager", "u8")])
LATE_STORE, LATE_ADD, LATE_PARTIAL = 1, 2, 4
MAX_PIECES = 64
CUT_NEST_WORDS = 80  # nests of more words are not cut

# Parameters of so many elements a thread at the least are updated by several; an update has a few numbers at most.
UPDATE_GRAIN = 8192
MAX_NUMBERS = 16

# One kernel call. Its pointers are `sources` plus `offsets`; pointer 0 is written. `cut` is null for a small one. A
# PATIENT one cannot fail and may be made later, when a captured call has come to its end. A CHECK_FIRST one reads
# pointer 0, writes nothing, and may fail. A step may be the first to name an intermediate value, whose room is a ROOM
# of its own, or is the TARGET_ITSELF where the program stores; its last step, which adds that value to the target, then
# has nothing to do: it has no `store`.
MAX_POINTERS = 12
STEP = np.dtype([
    ("store", "u8"), ("add", "u8"), ("nest", "u8"), ("n_pointers", "u2"), ("haste", "u2"), ("temporary", "u4"),
    ("temporary_bytes", "u8"), ("cut", "u8"),
    ("sources", "u4", (MAX_POINTERS,)), ("offsets", "i8", (MAX_POINTERS,)),
])
PRESSING, PATIENT, CHECK_FIRST = 0, 1, 2  # haste
ROOM, TARGET_ITSELF = 1, 2  # temporary
# Sources; the last three count upwards. A SLOPE is the gradient of one operand, where a program computes those of all.
ADJOINT, RESULT, TARGET, SLOPE, TEMPORARY, OPERAND = 0, 1, 2, 4, 16, 64
MAX_SLOPES = TEMPORARY - SLOPE
SHIFTED = 1 << 16  # this pointer moves by the instruction's byte offset
MAX_TEMPORARIES = 24

# Pool entry of a POOLED instruction: [count, needs, version of the result, operands…, versions…], all u4. Of more than
# MOST operands nothing is kept; bit 0 of their versions, which begin at bit 1, says whether the gradient flows on.
MOST = 32
POOL_HEADER = 3

# A Python object that belongs to a row, of which the tape holds the one reference (see `native.gc_cycles`).
ATTACHMENT = np.dtype([("object", "u8"), ("row", "u8")])
# The object that stands for a row among those that Python's collector looks at, while it does.
NODE = np.dtype([("refcount", "i8"), ("type", "u8"), ("row", "u8"), ("object", "u8"), ("companion", "u8")])
# A Python object that a tensor holds, where nobody sees it but the collector.
COMPANION = np.dtype([("object", "u8"), ("tensor", "u8")])

# A reverse sweep's scratch; `adjoints` and `marks` are indexed by buffer and all zero between sweeps. It runs up to the
# instruction at `limit`; `watched` says that Python waits for the gradient of some leaf, `watchful` that Python has
# acted since everything was checked. All workspaces are in one chain (`next`). From `mark` to `finish` one is `active`,
# in a `thread`: its instructions may move then, and are not reclaimed. In one of `tensors`, as against blocks, that is
# what `adjoints` are addresses of. While native code runs it without the GIL, `running` is the thread, and `position`
# says where it is.
WORKSPACE = np.dtype([
    ("adjoints", "u8"), ("marks", "u8"), ("reached", "u8"), ("leaves", "u8"), ("arena", "u8"),
    ("n_reached", "u8"), ("n_leaves", "u8"), ("position", "u8"), ("status", "u8"), ("culprit", "u8"),
    ("bottom", "u8"), ("resumed", "u8"), ("floor", "u8"), ("watchful", "u8"), ("watched", "u8"), ("limit", "u8"),
    ("next", "u8"), ("active", "u8"), ("thread", "u8"), ("tensors", "u8"), ("running", "u8"),
    ("asked", "u8"),
])
# Marks; BEYOND: some input asked for lies beyond this node; END: taken for a leaf, whatever lies beyond; DUE: it is not
# yet known where its gradient is complete; OWN: its gradient is a tensor that nobody else can see.
REACHED, CAPTURED, NEEDED, BEYOND, END, DUE, OWN = 1, 2, 4, 8, 16, 32, 64
DONE, STOPPED, STALE, GONE, FAILED = 0, 1, 2, 3, 4  # status: hook or callback ahead; operand overwritten; freed; kernel
NOT_STARTED = 6
UNBUILT = 5  # a plan whose adjoint kernels are not compiled yet
PAUSED, NO_MEMORY = 7, 8  # the tape is to be compacted; no memory for a gradient
AT_NODE = 9  # a node of a compiled call is ahead, whose program runs with the GIL
# What a kernel returns besides 0: an index was in no range; Python raised (`late_binding.failure`); LAPACK or a rule
# refused a matrix; there was no room for what it works with.
OUT_OF_RANGE, RAISED, REFUSED, OUT_OF_MEMORY = 7, 8, 9, 1 << 16

# What holds in a thread, as bits of its byte in `unrecorded`; `inferring` counts the threads in inference mode.
UNRECORDED, INFERRING = 1, 2

# `orphans`: whether compiled functions died whose calls were still on the tape. `abandoned`: what dead ends of the tape
# led to was let go up to this instruction.
# `guarded`: while a function is differentiated forwards, one more than its first instruction; what is kept from there
# on may be written to, for Python moves that out of the way first (`autograd.kept_values`).
MACHINE = np.dtype([
    ("instructions", "u8"), ("buffers", "u8"), ("plans", "u8"), ("layouts", "u8"), ("pool", "u8"), ("arena", "u8"),
    ("n_instructions", "u8"), ("n_buffers", "u8"), ("n_pool", "u8"), ("free_buffer", "u8"),
    ("max_instructions", "u8"), ("max_buffers", "u8"), ("max_pool", "u8"),
    ("table", "u8"), ("table_mask", "u8"), ("literals", "u8"),
    ("kept_bytes", "u8"), ("sweep_at", "u8"), ("sweep_bytes", "u8"), ("replays", "u8"), ("sweeps", "u8"),
    ("pins", "u8"), ("halt", "u8"), ("workspaces", "u8"), ("let_go", "u8"), ("foreign", "u8"),
    ("unrecorded", "u8"), ("unrecorded_mask", "u8"), ("inferring", "u8"),
    ("places", "u8"), ("attachments", "u8"), ("n_attached", "u8"), ("max_attached", "u8"), ("attach_at", "u8"),
    ("moments", "u8"), ("lent", "u8"),
    ("graveyard", "u8"), ("node_type", "u8"), ("generation", "u8"), ("paths", "u8"), ("n_paths", "u8"), ("held", "u8"),
    ("collected", "u8"), ("reclaiming", "u8"), ("abandoned", "u8"), ("orphans", "u8"),
    ("companions", "u8"), ("n_companions", "u8"), ("n_companion_slots", "u8"),
    ("base_type", "u8"), ("tensor_type", "u8"), ("parameter_type", "u8"),
    ("functions", "u8"), ("release_external", "u8"), ("continue_backward", "u8"),
    ("absent_grad", "u8"), ("assign_grad", "u8"), ("assign_requires_grad", "u8"), ("workspace", "u8"),
    ("refresh_view", "u8"), ("refuse_inference", "u8"), ("out_of_memory", "u8"),
    ("meet_node", "u8"), ("n_nodes", "u8"), ("call_compiled", "u8"),
    ("lock", "u8"), ("spare", "u8"), ("large_bytes", "u8"), ("large_live", "u8"), ("large_at", "u8"),
    ("threads", "u8"), ("team", "u8"), ("worker", "u8"), ("piece", "u8"), ("block", "u8"), ("call_vector", "u8"),
    ("trace", "u8"), ("n_trace", "u8"), ("max_trace", "u8"), ("trace_thread", "u8"), ("postponing", "u8"),
    ("overwrote", "u8"), ("trace_start", "u8"), ("holding", "u8"), ("aside", "u8"), ("n_aside", "u8"),
    ("trace_pointers", "u8"), ("n_pointed", "u8"), ("trace_lines", "u8"),
    ("watching", "u8"), ("taken", "u8"), ("timed", "u8"),
    ("as_written", "u8"),
    ("recipes", "u8"), ("recipe_mask", "u8"), ("teaching", "u8"), ("teach", "u8"), ("indexing", "u8"),
    ("assigning", "u8"), ("tell_geometry", "u8"),
    ("dtype_type", "u8"), ("default_dtype", "u8"),
    ("geometries", "u8"), ("descriptors", "u8"), ("array_type", "u8"), ("new_array", "u8"), ("set_base", "u8"),
    ("numpy", "u8"), ("item", "u8"), ("float", "u8"), ("bool", "u8"), ("scaling", "u8"),
    ("lines", "u8"), ("last_code", "u8"), ("last_number", "u8"), ("codes", "u8"), ("n_codes", "u8"),
    ("n_forgotten", "u8"),
    ("code_list", "u8"), ("filename", "u8"), ("hidden_files", "u8"), ("shown_file", "u8"), ("shim", "u8"),
    ("frame_at", "u8"), ("frame_further", "u8"), ("frame_by_way", "u8"), ("frame_code", "u8"),
    ("frame_previous", "u8"), ("frame_place", "u8"), ("place_bits", "u8"), ("code_counts", "u8"),
    ("guarded", "u8"),
    ("module_names", "u8"), ("module_hooked", "u8"), ("module_attribute", "u8"), ("module_call", "u8"),
])
# The names that `module_names` tells: dicts of a module's attributes, from there on those of its hooks, and `forward`.
MODULE_NAMES = ("_parameters", "_modules", "_buffers", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks",
                "_backward_pre_hooks", "forward")
MODULE_PARTS, MODULE_HOOKS, MODULE_FORWARD = 3, 7, 7
# What is known of code objects that ran when something was recorded: pairs of one's address, and its number.
CODE_SLOTS, MAX_CODES = 1 << 17, 1 << 16
# What NumPy is told of layouts, by number: null, or the address of [axes, sizes…, strides in bytes…].

# The threads that share one job: `next` is the job's number and, below it, the next piece; a piece is taken by moving
# it on, so that one who comes late takes nothing of another job. What many threads write has a cache line of its own.
# `core` is the one that a job's thread woke others from; behind it functions of the system, 0 where it has none.
TEAM = np.dtype([
    ("next", "u8", (8,)), ("done", "u8", (8,)), ("sleepers", "u8", (8,)), ("busy", "u8", (8,)),
    ("task", "u8"), ("argument", "u8"), ("count", "u8"), ("limit", "u8"), ("job", "u8"), ("workers", "u8"),
    ("handle", "u8", (3,)),
    ("mutex", "u8", (16,)), ("condition", "u8", (16,)),
    ("core", "u8"), ("find_core", "u8"), ("find_cores", "u8"), ("set_cores", "u8"),
])
CLOSED = 0xFFFFFFFF  # as a piece: none is left, and the job's fields may change

# How many instructions a tape may have before it is compacted, be nothing alive. With more, it would be too long to be
# gone through whenever Python's collector looks (`native.collector`).
SWEEP_AT = 4096
NEVER = (1 << 64) - 1  # a `sweep_at` that is not met: the tape must not be compacted

# Arena: [chunk, chunk end, then a free list per size class, then as many of blocks that others gave back, the first of
# its chunks]. Classes step by 8 bytes up to SMALL, then four an octave.
ARENA_LISTS = 2
SMALL = 512
SMALL_CLASSES = SMALL // 8
N_CLASSES = SMALL_CLASSES + 4 * 44
ARENA_RETURNED = ARENA_LISTS + N_CLASSES
ARENA_CHUNKS = ARENA_RETURNED + N_CLASSES
ARENA_WORDS = ARENA_CHUNKS + 1
CHUNK_BYTES = 1 << 20  # and so aligned
# A chunk begins with [its arena, the next chunk, the bytes carved into blocks, those of blocks that are free]. One that
# is all free goes without its pages, and its arena, to the machine's `spare` ones (`native.trimming`).
CHUNK_ARENA, CHUNK_NEXT, CHUNK_CARVED, CHUNK_FREE = range(4)
CHUNK_HEAD = 64
MAX_BLOCK = 1 << 46  # more than any machine has
LARGE = 1 << 16  # blocks above this come from libc and are shared between arenas
LARGE_CACHE_BYTES = 512 << 20

POSITIONS_SCRATCH = 32  # bytes an element of a row, where the positions of its order are found

# Layouts of the Python numbers that rules may specialise on, and of every other one.
LITERALS = (-2, -1, 0, 1, 2, 3)

# What a call of a facade function does, in the machine's terms: the plans and views its Python ran the first time. The
# key of `words` says all that its Python could see of the arguments (see `native.call_keys`). `results` are
# references, a tuple of them is of the type `kind`. A reference is an argument tensor, a step's result, or (FIXED) a
# row.
RECIPE = np.dtype([
    ("words", "u8"), ("steps", "u8"), ("results", "u8"), ("starts", "u8"), ("kind", "u8"), ("stream", "u8"),
    ("n_words", "u4"), ("n_steps", "u4"), ("n_results", "u4"), ("n_starts", "u4"), ("flags", "u4"), ("reserved", "u4"),
])
# OF_ONE_FACTOR: what the function does depends on the factor that is left out of the key; that with it is to be found.
LEFT_TO_PYTHON, HAS_CONSTANTS, OF_ONE_FACTOR = 1, 2, 4
# A step writes in place where its mode is WRITES: it is the last one then, and has its first operand for a result. The
# operands of one that SPREADS are the list that is left out of the key. The result of one that COPIES is of that
# `layout` and has the bytes of a row, and the flags that stand for its plan; that of one that DRAWS comes from the
# recipe's `stream`, by a kernel of which its `operands` say how it is called.
# A view has a `layout`, and a place that moves by `stride` for each unit of the key's start number `start` - 1.
RECIPE_STEP = np.dtype([
    ("plan", "u4"), ("layout", "u4"), ("mode", "u4"), ("count", "u4"), ("operands", "u8"), ("offset", "u8"),
    ("shift", "u8"), ("stride", "u8"), ("adjoint_stride", "u8"), ("start", "u8"),
])
WRITES, SPREADS, COPIES, DRAWS = 1 << 8, 1 << 9, 1 << 10, 1 << 11
DRAW = np.dtype([("kernel", "u8"), ("n", "i8"), ("a", "f8"), ("b", "f8"), ("given", "u8")])
# A stream of random numbers, as kernels see it. `position` is that of the next word of the key, which is there when it
# is `keyed`: derived from the seed.
STREAM = np.dtype([("key", "<u4", 624), ("position", "<u4"), ("has_spare", "<u4"), ("spare", "<f8"), ("keyed", "<u8")])
# A start is an index or the beginning of a slice: it has to lie in [low, high), and `wrap` is added if it is negative.
START = np.dtype([("low", "i8"), ("high", "i8"), ("wrap", "i8")])
# References: below them argument tensors; VALUE is the number that is left out of the key, NOTHING stands for None in a
# result.
NOTHING, VALUE, STEP_RESULT, FIXED = 62, 63, 64, 1 << 31
MAX_RECIPE_STEPS, MAX_RECIPE_TENSORS, MAX_RECIPE_STARTS = 40, 40, 8
# Key words that say what follows; None, True, False, `...` and dtypes are their own addresses, below 2^56.
(KEY_TENSOR, KEY_AGAIN, KEY_INT, KEY_FLOAT, KEY_TEXT, KEY_TUPLE, KEY_LIST, KEY_SLICE, KEY_INDEX, KEY_RANGE, KEY_VALUE,
 KEY_MANY) = (i << 56 for i in range(1, 13))
MAX_KEY = 96
MANY = 32  # tensors that lie alike are a list that is left out of a key where there are more of them
# Where a key is gathered: [words, tensors, starts, whether only Python can tell, what is left out or 0, tensors…,
# starts…, words…]. Left out is the number that is assigned, a factor, or a list of many tensors.
KEY_GIVEN, KEY_TENSORS = 4, 5
# A factor is left out that is a fraction below this, which float16 has. Functions that treat all of them alike are in a
# table of so many slots (MACHINE.scaling), by their addresses.
MOST_FACTOR, SCALING_SLOTS = 65504, 512
KEY_STARTS = KEY_TENSORS + MAX_RECIPE_TENSORS
KEY_WORDS = KEY_STARTS + MAX_RECIPE_STARTS

# In the table of plans, beside opcodes: of a view that follows from its base (their layouts are base, view), of a view
# written into its base (view, base), of a copy that lies as its operand does.
PLAN_OF_SEEN, PLAN_OF_WRITTEN, PLAN_OF_COPIED = 511, 510, 509

# In the table of Python functions: 0 raises for a failed kernel, an opcode is its function, plus these its operator and
# its method. Other names of operations have a function each, and as far behind that what the operation is: its opcode,
# and whether it writes in place.
OPERATORS, METHODS, TABLED = 2048, 6144, 8192
ALIASED, MAX_ALIASED, WRITES_FIRST = 4608, 256, 1 << 32

# While a function is captured, everything its thread does to memory is written down: blocks taken and given back (which
# are not reused until the capture ends, so that an address means one block), kernel calls, and words written by native
# code itself. `compiler` reads it; MACHINE.trace is null at all other times. While `postponing`, the kernel calls are
# written down and not made; `overwrote` says that an operation in place was among them. `trace_start` is the first
# instruction that the call may record. Other threads write nothing down. A block of the capture that dies in one of
# them, or after the call while `holding` is not null yet, is put `aside` (pairs of address and bytes): calls that were
# put off may still write to it. While `as_written` is set (anomaly mode, hooks on what is saved), no call is
# replayed without asking Python.
# The pointers of kernel calls lie apart, call after call: MACHINE.trace_pointers, of which `n_pointed` are used; their
# lines too, each as far from MACHINE.trace_lines as its event from the first (see `native.source_lines`).
# Blocks that are taken are noted while anyone is `watching`. For a profile that is a BLOCK_TAKEN in a table, of which
# `taken` has [how many there are, how many there is room for, where]; `timed` is where kernel calls are counted.
# An event's address `a` takes 48 bits, as those of processes do: a long capture has 10^7 events.
EVENT = np.dtype([("low", "u4"), ("high", "u2"), ("kind", "u1"), ("n_pointers", "u1"), ("b", "u8")])
TAKEN, GIVEN_BACK, KERNEL, ZEROED, WORD, CONSTANT, GUARD = 1, 2, 3, 4, 5, 6, 7
CAPTURE, PROFILE = 1, 2  # who is `watching`
BLOCK_TAKEN = np.dtype([("nbytes", "u8"), ("line", "u8"), ("before", "u8")])  # `before`: so many calls had been timed
DRAWN, PART = 8, 9  # a block filled with random numbers; where one part of a capture ends and the next begins
MAX_ASIDE = 1 << 20
GRADIENT = 10  # the `.grad` of the tensor object `a` was looked at (`b` 0), or set without a look (1)
OUTSIDE = 11  # a backward of the call ran the instruction `a`, which was there before

# Kernel calls that are run block by block: `units` of a leading axis, `block` of them at a time, so that what passes
# from one call to the next stays in the cache. Each call's loop `axis` is `per_unit` elements a unit. An operand lies
# at base + first unit * unit + block number * slot + thread number * own: its part of an array, a place of its own for
# each block (what is to be summed over blocks), or scratch. A call and those after it, `together` so many, are done
# `turns` times, each time `stride` bytes further on.
BLOCKED = np.dtype([("calls", "u8"), ("n_calls", "u8"), ("units", "u8"), ("block", "u8"), ("n_blocks", "u8"),
                    ("limit", "u8"), ("status", "u8")])
BLOCKED_CALL = np.dtype([("kernel", "u8"), ("nest", "u8"), ("n_words", "u8"), ("axis", "u8"), ("per_unit", "u8"),
                         ("operands", "u8"), ("count", "u8"), ("together", "u8"), ("turns", "u8")])
BLOCKED_OPERAND = np.dtype([("base", "u8"), ("unit", "u8"), ("slot", "u8"), ("own", "u8"), ("stride", "u8")])

# One step of a compiled program, and what must hold before it runs: words in memory with the values they had.
# RUN takes (kernel, pointers, nest), CLEAR (address, bytes), COPY and CHECK (to, from, bytes), BLOCKS a BLOCKED, LOOP a
# LOOPED.
PROGRAM_STEP = np.dtype([("kind", "u4"), ("reserved", "u4"), ("a", "u8"), ("b", "u8"), ("c", "u8")])
RUN, CLEAR, COPY, CHECK, BLOCKS, LOOP = 1, 2, 3, 4, 5, 16
# Steps that are run `turns` times (RUN, CLEAR and COPY). All their `pointers` are one array, which begins a loop as a
# copy of `starts` and has `strides` added after each turn; CLEAR and COPY have the cell of an address in its place.
LOOPED = np.dtype([("turns", "u8"), ("steps", "u8"), ("n_steps", "u8"), ("starts", "u8"), ("pointers", "u8"),
                   ("strides", "u8"), ("n_pointers", "u8")])
CONDITION = np.dtype([("address", "u8"), ("mask", "u8"), ("value", "u8")])
# How often a run writes to a storage that others see; 0 times, where that is not counted (`x.data.mul_(2)`).
WRITE = np.dtype([("row", "u4"), ("times", "u4")])
# The first `n_undo` steps copy what others see and the program writes; broken off, it copies that back: they are
# `undo`, for a profile has other `steps` run, each of which times one of these. Cells are
# (address, number, offset): where the address of an argument, or of a fresh result, goes; targets are (step, cell):
# where a step repeats its first pointer; drawn are cells: where random numbers go.
COMPILED = np.dtype([
    ("conditions", "u8"), ("n_conditions", "u8"), ("steps", "u8"), ("n_steps", "u8"), ("writes", "u8"),
    ("n_writes", "u8"), ("undo", "u8"), ("n_undo", "u8"),
    ("argument_cells", "u8"), ("n_argument_cells", "u8"), ("fresh_cells", "u8"), ("n_fresh_cells", "u8"),
    ("targets", "u8"), ("n_targets", "u8"), ("drawn", "u8"), ("n_drawn", "u8"),
])
# A compiled function called on plain tensors, all of it native. `names` are (dict, key, value) that must be found so;
# `layouts` (u4) those of the arguments, with LOOSE for a view that is read, wherever it lies in its base; `known` (u4)
# owner rows that none of them may have, `fresh` (u4) the layouts of the memory it takes. `numbers` are (word, bytes):
# which of the words that the call is given goes where the program wants the next number; with bytes, they are drawn
# numbers, and the word is where they are. `form` says what the call gives: all it took anew, or what `results` say.
# With `nodes` (a NODES record) results have a history; if something is `saved` for its backward, it is the last of
# `fresh`. `outside` says that some of the memory it knows may be another's too, `parts` how arguments are built, `runs`
# where runs are counted (a u64), `whole` whether what the call gives is the function's result as it is, `constant` the
# object that the function always returns, if it is one and no Python comes before. `found` are gradients that must be
# on leaves, and `written` which of the arguments, these among them, a run writes to (TIMES_WRITTEN); `moving` are parts
# of tensors that begin where a number says. Some results are views of others, by way of `links`; of these, the last
# `n_hidden` are handed to nobody.
REPLAY = np.dtype([
    ("program", "u8"), ("recording", "u8"), ("default_dtype", "u8"), ("form", "u8"),
    ("names", "u8"), ("n_names", "u8"), ("layouts", "u8"), ("n_arguments", "u8"), ("known", "u8"), ("n_known", "u8"),
    ("fresh", "u8"), ("n_fresh", "u8"), ("numbers", "u8"), ("n_numbers", "u8"),
    ("results", "u8"), ("n_results", "u8"), ("left", "u8"), ("n_left", "u8"), ("versions", "u8"), ("n_versions", "u8"),
    ("nodes", "u8"), ("saved", "u8"), ("outside", "u8"), ("parts", "u8"), ("n_parts", "u8"),
    ("runs", "u8"), ("whole", "u8"), ("constant", "u8"), ("draws", "u8"), ("n_draws", "u8"), ("stream", "u8"),
    ("found", "u8"), ("n_found", "u8"), ("written", "u8"), ("n_written", "u8"),
    ("moving", "u8"), ("n_moving", "u8"), ("links", "u8"), ("n_links", "u8"), ("n_hidden", "u8"),
])
# A leaf, and how the gradient lies that must be found on it: an argument after those that are passed.
GRADIENT_FOUND = np.dtype([("leaf", "u8"), ("layout", "u8")])
MAX_FOUND = 1024
# A part of a tensor, an argument after all others: so far from the beginning of an argument, or from 0 (FROM_NOWHERE),
# and further on by `unit` bytes for each that a word of the call says.
MOVING_PART = np.dtype([("number", "u8"), ("offset", "u8"), ("unit", "u8"), ("word", "u8")])
FROM_NOWHERE = (1 << 64) - 1
MAX_MOVING = 16
# What a program draws first: DRAW, by way of so many `bytes` of doubles where the numbers wanted are narrower, or none
# are. Which of these a number of the program is stands where else that of a word does, beside DRAWN_HERE.
PROGRAM_DRAW = np.dtype([*DRAW.descr, ("bytes", "u8")])
DRAWN_HERE = (1 << 64) - 1
# A compiled function as an object; `ways` is a slot of its class: a tuple of the ways that a call tries first, each
# followed by where its REPLAY is, as bytes, and what works out the numbers that vary, or None. `vectorcall` is how
# CPython calls it, from the second call on.
COMPILED_FUNCTION = np.dtype([("refcount", "u8"), ("type", "u8"), ("vectorcall", "u8"), ("ways", "u8")])
# What is `which` of the fresh tensors, a view of it, an argument, or the object at that address. Of the first two,
# `flags`: whether it was made in inference mode, and what kind of view it is to differentiation, if it is one. Or it is
# a view of result `which`, by the links from number `layout` on, as many as `offset` says.
OUTPUT = np.dtype([("kind", "u8"), ("which", "u8"), ("layout", "u8"), ("offset", "u8"), ("flags", "u8")])
OF_FRESH, OF_PART, OF_ARGUMENT, OF_HELD, OF_RESULT = range(5)
# A recorded view of a tensor: its plan, how it lies, how many bytes into it, and into its adjoint.
RESULT_LINK = np.dtype([("plan", "u8"), ("layout", "u8"), ("offset", "u8"), ("shift", "u8")])
# A leaf, and which of the fresh tensors becomes its gradient; how often one of these was written to.
GRADIENT_LEFT = np.dtype([("leaf", "u8"), ("number", "u8")])
TIMES_WRITTEN = np.dtype([("number", "u8"), ("version", "u8")])
NO_GRADIENT = (1 << 64) - 1
AS_TAKEN, ONE_RESULT, CONSTANT_RESULT, SEVERAL_RESULTS, ONE_TAKEN = range(5)  # the last: one fresh tensor and no more
# With a layout: a view, wherever it begins; what requires grad, as a leaf, as a view of a whole tensor (`x.detach()`).
LOOSE, NEEDS, NEEDS_AS_LEAF, NEEDS_AS_VIEW = 1 << 31, 1 << 30, 1 << 29, 1 << 28
MAX_FRESH = 256
# What comes next among arguments that are more than tensors, as pairs: a tensor, this object, an int or a float of this
# value, anything of this type, a tuple, list or dict of so many; a key comes before its value, an end after its parts.
IS_TENSOR, IS_OBJECT, IS_INT, IS_FLOAT, IS_OF_KIND, IS_TUPLE, IS_LIST, IS_DICT, IS_KEY, IS_END = range(10)
MAX_GATHERED, MAX_OPEN = 64, 16  # tensors, containers
UNMET, PASSED, BROKEN = 1, 0, 2  # a condition fails before anything ran; all ran; a check failed half-way

# How every call of one program is recorded: a node for each SEGMENT. The inputs and outputs of one are numbers of
# values: the call's inputs, the roots among its results, what is hidden between nodes. An input is a pair:
# FROM_ARGUMENT or FROM_RESULT and which, or FROM_REACHED and the object; `roots` (u4) are numbers of the result's
# tensors, `hidden` (u4) layouts. A call keeps, each as a row of its own, its arguments, some tensors that the function
# reaches (`held`, u8), some results (`results`, u4, as numbers of the fresh tensors), and what the program saved; of
# the owners `reached` (u4) it notes the versions. `owner` is the object of Python's that all this belongs to, to which
# each instruction has a reference.
NODES = np.dtype([
    ("owner", "u8"), ("segments", "u8"), ("n_segments", "u8"), ("inputs", "u8"), ("n_inputs", "u8"),
    ("roots", "u8"), ("n_roots", "u8"), ("hidden", "u8"), ("n_hidden", "u8"), ("n_arguments", "u8"),
    ("held", "u8"), ("n_held", "u8"), ("results", "u8"), ("n_results", "u8"), ("reached", "u8"), ("n_reached", "u8"),
    ("saved", "u8"), ("living", "u8"), ("n_instructions", "u8"), ("n_pool", "u8"), ("widest", "u8"),
])
FROM_REACHED, FROM_ARGUMENT, FROM_RESULT = 0, 1, 2
# One with several outputs has a row of its own (`node`, its layout), of which `output_plans` make them. The backward of
# a NATIVE one is one run of `program`: `cells` say which pointers begin where what is kept lies, as (cell, number of
# what is kept, or SEED, offset), with LOOSE for a view that is read where it lies; `blocks` which are those of
# gradients, as (cell, input, offset). `reads` (u4) are those of what is kept whose versions must be the same, `sizes`
# the bytes of gradients, and `same` (u4) the input whose block each is written to. After a whole sweep a ONCE one is
# used up.
SEGMENT = np.dtype([
    ("plan", "u4"), ("node", "u4"), ("flags", "u4"), ("n_outputs", "u4"), ("inputs", "u8"), ("n_inputs", "u8"),
    ("outputs", "u8"), ("output_plans", "u8"), ("program", "u8"), ("cells", "u8"), ("n_cells", "u8"),
    ("blocks", "u8"), ("n_blocks", "u8"), ("reads", "u8"), ("n_reads", "u8"), ("sizes", "u8"), ("same", "u8"),
])
IS_GONE, IS_NATIVE, IS_ONCE = 1, 2, 4
SEED = (1 << 31) - 1
# One call on the tape, as long as an instruction of it is there; behind it (u4) are the rows of its values, of what it
# keeps, the versions of that, and those of what was reached. `left` instructions are there, `holding` of them may read
# what is kept, `nbytes` is how much that is. `nodes` is to be read as long as the collector has not emptied its owner,
# to which instructions may have references even then.
CALL = np.dtype([
    ("nodes", "u8"), ("owner", "u8"), ("extra", "u8"), ("left", "u4"), ("holding", "u4"), ("n_values", "u4"),
    ("n_kept", "u4"), ("nbytes", "u8"), ("size", "u8"),
])
# The word of an instruction: where its CALL is, the number of the segment, whether it let go of what is kept, and if it
# has a reference to the owner: not so once an object of Python's stands for the node.
AT_BITS, NUMBER_MASK = 48, (1 << 14) - 1
LET_GO, OWNED = 1 << 62, 1 << 63
