"""Elements: what many short steps compute is computed once for elements that are equal, and copies are not made at all.

A Jacobian's tangents have a lane for each number that it is by, and most lanes of most tangents are alike: each begins
as a row of a constant identity, and where a number has not come in yet, all lanes hold the same products with zero. So
each element is followed through views, stacks, sums and small products as an expression of its own, and equal ones are
one: what is left are the few that differ, and stores. An expression is evaluated with the operations that were
recorded, in their order, on the same operands; a product with zero is one too, so that infinities and NaN come out
where they did.

What is left is straight-line code: of vectors where neighbours do alike, but each instruction runs only once, and has
to come from memory. So it is done where an eighth of the elements is left.
"""
from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.expressions import Expressions, Ids, Many
from tapegrad.compiler.passes.work import Work, kernel_of, reads, single, space, writes
from tapegrad.compiler.superinstructions import constant_at
from tapegrad.compiler.traced_program import Block, Item, Place, Step, lines_of
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import accumulator, costs_much, emitter, packed_writer, products, structural, vector_bytes
from tapegrad.machine.live import machine
from tapegrad.ops.scalar import INTRINSICS
from tapegrad.ops.symbols import Sym, walk

LEAST = 1 << 17     # elements that are computed, of as many steps as it takes
EACH = 64           # elements a step, on average
STEPS = 1 << 12     # of a program: longer ones are of scalars, and have their kernels already
ELEMENTS = 1 << 14  # of a step, at most
LOADS = 1 << 10     # of a step from memory that is not followed
ROW = 64            # elements that are summed for one, at most
SHARE = 8           # of so many elements one is left
CHUNK = 600         # packs a kernel
START = 1 << 13     # expressions before lanes are met that are alike: a search that finds none should end soon

_FLOATS = dtypes.float64, dtypes.float32


def elements(work: Work) -> Work:
    """The same program with short steps as kernels of straight-line code, each value computed once."""
    if len(work.steps) > STEPS:
        return work
    of_blocks = _dtypes(work)
    elements_of = {t: n for t, item in enumerate(work.steps) for n in [_elements(item, of_blocks)] if n}
    if sum(elements_of.values()) < LEAST:
        return work
    taken = {*elements_of}
    while True:
        # What a block holds is followed if no other step writes to it.
        others = {p.number for t, item in enumerate(work.steps) if t not in taken for p in writes(item)
                  if p.kind == "own"}
        left = {t for t in taken if not any(p.number in others for p in writes(work.steps[t]))
                and _loads(work.steps[t], others) <= LOADS}
        if left == taken:
            break
        taken = left
    if sum(elements_of[t] for t in taken) < max(LEAST, EACH * len(taken)):
        return work
    try:
        found = _Apart(work, taken, of_blocks).done()
    except Many:
        return work
    return work if found is None else found


def _dtypes(work: Work) -> dict[int, dtype | None]:
    """Of what dtype each own block is, to all that know."""
    found: dict[int, dtype | None] = {}
    for step in single(work.steps):
        kernel = kernel_of(step)
        product = products.product(step.a) if isinstance(step, Step) and step.kind == rec.KERNEL else None
        kinds = (*kernel.region.outputs, *kernel.region.inputs) if kernel else (
            (product.of,) * len(step.places) if product else ())
        for place, of in zip(step.places, kinds):
            if place.kind == "own":
                found[place.number] = of if found.get(place.number, of) is of else None
    return found


def _elements(item: Item, of_blocks: dict[int, dtype | None]) -> int:
    """How many elements a step computes or copies, if it can be taken apart; else 0."""
    if not isinstance(item, Step) or not item.places or any(p.stride for p in item.places):
        return 0
    target = item.places[0]
    of = of_blocks.get(target.number)
    if target.kind != "own" or of not in _FLOATS:
        return 0
    if item.kind in (rec.ZEROED, rec.CONSTANT):
        nbytes = item.b if item.kind == rec.ZEROED else len(item.content)
        fits = nbytes % of.itemsize == 0 and target.offset % of.itemsize == 0
        return nbytes // of.itemsize if fits and nbytes // of.itemsize <= ELEMENTS else 0
    if item.kind != rec.KERNEL or any(
            n % of.itemsize for p, by in zip(item.places, _strides(item)) if p.kind == "own" for n in (p.offset, *by)):
        return 0
    product, kernel = products.product(item.a), kernel_of(item)
    if product is not None:
        if product.adds or not product.by_nest or len(item.places) != 3 or product.of is not of:
            return 0
        sizes = words_of(item)[2]
        return math.prod(sizes) if sizes[3] <= ROW and math.prod(sizes) <= 4 * ELEMENTS else 0
    if kernel is None or len(kernel.region.outputs) != 1 or kernel.pattern[0] in "@~?":
        return 0
    region = kernel.region
    if not _is_known(item.a) or region.outputs[0] is not of or any(
            d is not of and constant_at(p, {}) is None for p, d in zip(item.places[1:], region.inputs)):
        return 0
    if kernel.pattern == "1":
        return 1
    kept, reduced, sizes, strides = words_of(item)
    if bool(reduced) != region.per_row[0] or (reduced and math.prod(sizes[kept:]) > ROW):
        return 0
    count = math.prod(sizes)
    if not 0 < count <= ELEMENTS or any(n > 1 and not s for n, s in zip(sizes[:kept], strides[0][:kept])):
        return 0
    return count


@functools.lru_cache(maxsize=1 << 12)
def _is_known(address: int) -> bool:
    """Whether a kernel does nothing but arithmetic, and sums; functions give vectors other last bits than scalars."""
    region, pattern, _ = emitter.kernels[address]
    nodes = list(walk(region.values))
    if any(n.op not in INTRINSICS and n.op not in ("operand", "const", "cast") and not (
            n.op == "reduce" and n.value == "sum" and pattern != "1") for n in nodes):
        return False
    return pattern == "1" or not costs_much([v.cast(d) for v, d in zip(region.values, region.outputs)])


def _strides(step: Step) -> list[list[int]]:
    """The strides of each place of a step, if it has a nest like others."""
    kernel = kernel_of(step)
    known = products.product(step.a) if kernel is None else None
    plain = known is not None and known.by_nest if kernel is None else kernel.pattern[0] not in "1@~?"
    return words_of(step)[3] if plain else [[]] * len(step.places)


def _loads(step: Step, others: Collection[int]) -> int:
    """How many elements a step reads of what is not followed."""
    if step.kind != rec.KERNEL:
        return 0
    _, _, sizes, strides = _loops(step)
    return sum(math.prod([n for n, by in zip(sizes, s) if by]) for p, s in zip(step.places[1:], strides[1:])
               if p.kind != "own" or p.number in others)


def _loops(step: Step) -> tuple[int, int, list[int], list[list[int]]]:
    kernel = kernel_of(step)
    return (0, 0, [], [[]] * len(step.places)) if kernel is not None and kernel.pattern == "1" else words_of(step)


class _Apart:
    """A program while its steps are taken apart."""

    def __init__(self, work: Work, taken: set[int], of_blocks: dict[int, dtype | None]) -> None:
        self.work, self.taken, self.of_blocks = work, taken, of_blocks
        self.found = Expressions()
        self.held: dict[int, Ids] = {}    # what followed blocks hold; -1: nothing
        self.stored: dict[int, Ids] = {}  # what of it is in memory
        self.versions: Counter[tuple[str, int]] = Counter()
        self.loaded: dict[tuple[str, int], list[int]] = {}
        self.read_by_others = {p.number for t, item in enumerate(work.steps) if t not in taken for p in item.places
                               if p.kind == "own"} | work.results
        self.followed: Counter[int] = Counter(p.number for t in taken for p in writes(work.steps[t]))
        self.blocks: list[Block] = list(work.blocks)
        self.scratch = len(self.blocks)
        self.width = max(vector_bytes()[0] // 8, 2)
        self.plan: list[Any] = []  # steps that are left, and between them what is stored, as (place, number)

    def done(self) -> Work | None:
        work, elements = self.work, 0
        for t, item in enumerate(work.steps):
            if t in self.taken:
                elements += self.take(item)
                if len(self.found.nodes) > START + elements // 4:
                    return None
            else:
                self.leave(item)
        self.store([n for n in work.results if n in self.held])
        wanted = sum(len(p) for p in self.plan if isinstance(p, list))
        if (len(self.found.nodes) + wanted // 4) * SHARE > elements:
            return None
        return work._replace(steps=self.steps(), blocks=self.blocks)

    def holds(self, number: int) -> Ids:
        found = self.held.get(number)
        if found is None:
            of = self.of_blocks[number]
            assert of is not None
            found = self.held[number] = np.full(-(-self.blocks[number].nbytes // of.itemsize), -1, "i8")
        return found

    def read(self, place: Place, of: dtype, offsets: Ids) -> Ids:
        """What is at so many bytes after a place."""
        content = constant_at(place, {})
        if content is not None and len(content) == of.itemsize:
            return np.full(offsets.shape, self.found.node("const", (), of, dtypes.number_in(content, of)))
        at, start = space(place), place.number if place.kind == "fixed" else place.offset
        if place.kind == "own" and place.number in self.followed:
            found = self.holds(place.number)[(offsets + start) // of.itemsize]
            if (found < 0).any():
                raise Many
            return found
        version = self.versions[at]
        unique, which = np.unique(offsets, return_inverse=True)
        numbers = []
        for offset in unique.tolist():
            there = place._replace(number=start + offset) if place.kind == "fixed" else place._replace(
                offset=start + offset)
            before = len(self.found.nodes)
            numbers.append(self.found.load(at, start + offset, version, of, there))
            if numbers[-1] == before:
                self.loaded.setdefault(at, []).append(before)
        return np.array(numbers, "i8")[which].reshape(offsets.shape)

    def take(self, step: Step) -> int:
        """Follow what a step writes; how many elements it computes."""
        target = step.places[0]
        of = self.of_blocks[target.number]
        assert of is not None
        held, first = self.holds(target.number), target.offset // of.itemsize
        if step.kind != rec.KERNEL:
            numbers = np.zeros(step.b // of.itemsize) if step.kind == rec.ZEROED else np.frombuffer(
                step.content, of.numpy)
            held[first:first + len(numbers)] = [self.found.node("const", (), of, float(x)) for x in numbers]
            if step.kind == rec.CONSTANT and self.followed[target.number] == 1 and target.number in self.read_by_others:
                self.plan.append(step)
                self.stored[target.number] = held.copy()
            return len(numbers)
        product = products.product(step.a)
        if product is not None:
            _, _, sizes, strides = words_of(step)
            own = _offsets(sizes[:3], strides[0][:3])
            left, right = (_offsets(sizes, s) for s in strides[1:])
            x, y = (self.read(p, of, offsets) for p, offsets in zip(step.places[1:], (left, right)))
            total = self.found.each("const", (), of, 0.0)
            for k in range(sizes[3]):
                total = self.found.each("_fma", (x[..., k], y[..., k], total), of)
            held[(own + target.offset) // of.itemsize] = total
            return math.prod(sizes)
        kernel = kernel_of(step)
        assert kernel is not None
        kept, _, sizes, strides = _loops(step)
        own = _offsets(sizes[:kept], strides[0][:kept])
        given = [self.read(p, d, _offsets(sizes, s))
                 for p, d, s in zip(step.places[1:], kernel.region.inputs, strides[1:])]
        value = self.computed(kernel.region.values[0].cast(of), given, kept)
        where = (own + target.offset) // of.itemsize
        if kernel.accumulate[0]:
            if (held[where] < 0).any():
                raise Many
            value = self.found.each("add", (held[where], value), of)
        held[where] = value
        return math.prod(sizes)

    def computed(self, value: Sym, given: Sequence[Ids], kept: int) -> Ids:
        made: dict[Sym, Ids] = {}
        for n in walk([value]):
            if n.op == "operand":
                made[n] = given[n.value]
            elif n.op == "reduce":
                made[n] = self.sum(n, made[n.args[0]], kept)
            else:
                made[n] = self.found.each(n.op, [made[a] for a in n.args], n.dtype, n.value)
        return made[value]

    def sum(self, node: Sym, terms: Ids, kept: int) -> Ids:
        of, start, _ = accumulator(node)
        terms = terms.reshape((*terms.shape[:kept], -1))
        if node.args[0].dtype is not of:
            terms = self.found.each("cast", (terms,), of)
        total = self.found.each("const", (), of, float(start))
        for k in range(terms.shape[-1]):
            total = self.found.each("add", (total, terms[..., k]), of)
        return total if node.dtype is of else self.found.each("cast", (total,), node.dtype)

    def leave(self, item: Item) -> None:
        """A step that stays: what it reads has to be there, and what it overwrites was read."""
        self.store(dict.fromkeys(p.number for p in reads(item) if p.kind == "own" and p.number in self.held))
        written = dict.fromkeys(space(p) for p in writes(item))
        outside = any(kind != "own" for kind, _ in written)  # what is not own may overlap
        for at in [at for at in self.loaded if at in written or (outside and at[0] != "own")]:
            self.plan.append(self.loaded.pop(at))
        if outside:
            written.update((at, None) for at in list(self.versions) if at[0] != "own")
        self.versions.update(written.keys())
        self.plan.append(item)

    def store(self, numbers: Sequence[int] | dict[int, None]) -> None:
        for number in numbers:
            of, held = self.of_blocks[number], self.held[number]
            assert of is not None
            stored = self.stored.get(number)
            changed = np.flatnonzero(held != (-1 if stored is None else stored))
            wanted = [(Place("own", number, i * of.itemsize), k)
                      for i, k in zip(changed.tolist(), held[changed].tolist())]
            self.stored[number] = held.copy()
            if wanted:
                self.plan.append(wanted)

    # ------------------------------------------------------------------------------------------------------- kernels

    def steps(self) -> list[Any]:
        """The steps that are left, and between them kernels."""
        packs = self.packs()
        pack_of = {n: pack for pack in packs for n in pack}
        out: list[Any] = []
        chunks: list[_Chunk] = []
        where: dict[int, _Chunk] = {}
        turn, chunk = 0, _Chunk(0)

        def room() -> _Chunk:
            nonlocal chunk
            if not chunk.size or chunk.size >= CHUNK:
                chunk = _Chunk(turn)
                chunks.append(chunk)
                out.append(chunk)
            return chunk

        for item in self.plan:
            if not isinstance(item, list):
                turn += 1
                out.append(item)
                chunk = _Chunk(turn)
                continue
            for places, numbers in _rows(item, self.width, self.item_of(item)):
                for n in numbers:
                    for pack in self.below(n, where, pack_of):
                        room().packs.append(pack)
                        where.update(dict.fromkeys(pack, chunk))
                if places:
                    room().stores.append((places[0], numbers))
        nodes = self.found.nodes
        slots: dict[int, int] = {}
        size = 0
        self.blocks.append(Block(0, 0))
        for chunk in chunks:
            for n in chunk.reads(nodes):
                made = where.get(n)
                if made is None or made is chunk or n in slots or (nodes[n].op == "load" and made.turn == chunk.turn):
                    continue
                pack = pack_of[n]
                slots.update({m: size + k * nodes[n].of.itemsize for k, m in enumerate(pack)})
                made.stores.append((Place("own", self.scratch, size), pack))
                size += -(-len(pack) * nodes[n].of.itemsize // 32) * 32
        self.blocks[self.scratch] = Block(0, max(size, 8))
        lines = lines_of([self.work.steps[t] for t in sorted(self.taken)])
        return [self.kernel(c, where, slots, lines) if isinstance(c, _Chunk) else c for c in out]

    def item_of(self, wanted: Sequence[Any]) -> int:
        return next((self.found.nodes[w[1]].of.itemsize for w in wanted if isinstance(w, tuple)), 0)

    def packs(self) -> list[list[int]]:
        """What is needed of all expressions, those that can be computed together side by side."""
        nodes = self.found.nodes
        needed: set[int] = set()
        stack = [w[1] if isinstance(w, tuple) else w for item in self.plan if isinstance(item, list) for w in item]
        while stack:
            n = stack.pop()
            if n not in needed and nodes[n].op != "const":
                needed.add(n)
                stack += nodes[n].args
        packs: list[list[int]] = []
        last: Any = None
        for n in sorted(needed):
            call, row, at = self.found.beside.get(n, (-n, 0, 0))
            node = nodes[n]
            if node.op == "load" or _is_costly(node.op, tuple([nodes[a].of for a in node.args]), node.of):
                packs.append([n])
                last = None
                continue
            if last == (call, row, at - 1) and len(packs[-1]) < self.width:
                packs[-1].append(n)
            else:
                packs.append([n])
            last = call, row, at
        return packs

    def below(self, number: int, where: dict[int, Any], pack_of: dict[int, list[int]]) -> Iterator[list[int]]:
        """The packs that have to be computed for an expression, in order; of them not those that are already."""
        stack = [(number, False)]
        while stack:
            n, ready = stack.pop()
            if n in where or self.found.nodes[n].op == "const":
                continue
            pack = pack_of[n]
            if ready:
                yield pack
            else:
                stack.append((n, True))
                stack.extend((a, False) for m in reversed(pack) for a in reversed(self.found.nodes[m].args))

    def kernel(self, chunk: _Chunk, where: dict[int, Any], slots: dict[int, int], lines: tuple[int, ...]) -> Step:
        nodes = self.found.nodes
        spaces: dict[Any, Place] = {}
        for place, _ in chunk.stores:
            spaces.setdefault(space(place), _start(place))
        outputs, numbers = len(spaces), {at: k for k, at in enumerate(spaces)}

        def at(place: Place) -> packed_writer.At:
            key = space(place)
            if key not in spaces:
                spaces[key] = _start(place)
                numbers[key] = len(numbers)
            read.add(key)
            base = spaces[key]
            return numbers[key], place.number - base.number if place.kind == "fixed" else place.offset

        def place_of(n: int) -> packed_writer.At:
            if nodes[n].op == "load" and where[n].turn == chunk.turn:
                return at(self.found.places[n])
            return at(Place("own", self.scratch, slots[n]))

        read: set[Any] = set()
        computed = [pack for pack in chunk.packs if nodes[pack[0]].op != "load"]
        here = {n for pack in computed for n in pack}
        for n in chunk.reads(nodes):
            if n not in here and nodes[n].op != "const":
                place_of(n)
        writer = packed_writer.PackedWriter(nodes, [_padded(pack) for pack in computed], place_of, len(spaces))
        inputs = [spaces[key] for key in read]
        for place, row in chunk.stores:
            padded = _padded(row) if space(place) == ("own", self.scratch) else row
            writer.put((numbers[space(place)], at(place)[1]), padded)
        address = structural.packed(writer.text(), outputs)
        places = (*spaces.values(), *(p for p in inputs if space(p) in [*spaces][:outputs]))
        return Step(rec.KERNEL, address, machine.keep_nest([0, 0]), places, b"", lines)


class _Chunk:
    """What one kernel computes and stores, between the same steps that are left."""

    def __init__(self, turn: int) -> None:
        self.turn = turn
        self.packs: list[list[int]] = []
        self.stores: list[tuple[Place, list[int]]] = []

    @property
    def size(self) -> int:
        return len(self.packs) + len(self.stores)

    def reads(self, nodes: Sequence[packed_writer.Expression]) -> dict[int, None]:
        """What is used here, in order."""
        return dict.fromkeys([*(a for pack in self.packs for n in pack for a in nodes[n].args),
                              *(n for _, row in self.stores for n in row)])


def _start(place: Place) -> Place:
    return place if place.kind == "fixed" else place._replace(offset=0)


def _padded(pack: Sequence[int]) -> list[int]:
    """As many as a register has: the last one again."""
    size = 1 << (len(pack) - 1).bit_length()
    return [*pack, *[pack[-1]] * (size - len(pack))]


@functools.cache
def _is_costly(op: str, given: tuple[dtype, ...], of: dtype) -> bool:
    return costs_much([Sym(op, tuple([Sym.operand(k, d) for k, d in enumerate(given)]), of)])


def _rows(wanted: Sequence[Any], width: int, item: int) -> Iterator[tuple[list[Place], list[int]]]:
    """What is to be stored side by side, at once; of what is only to be computed each by itself, without a place."""
    places: list[Place] = []
    numbers: list[int] = []
    for w in wanted:
        if not isinstance(w, tuple):
            yield [], [w]
            continue
        place, number = w
        if places and (space(place) != space(places[0]) or len(places) == width
                       or place.offset != places[-1].offset + item):
            yield from _halves(places, numbers)
            places, numbers = [], []
        places.append(place)
        numbers.append(number)
    if places:
        yield from _halves(places, numbers)


def _halves(places: list[Place], numbers: list[int]) -> Iterator[tuple[list[Place], list[int]]]:
    start = 0
    while start < len(places):
        size = 1 << ((len(places) - start).bit_length() - 1)
        yield places[start:start + size], numbers[start:start + size]
        start += size


def _offsets(sizes: Sequence[int], strides: Sequence[int]) -> Ids:
    """From where to where an operand goes, over its loops."""
    found = np.zeros((), "i8")
    for n, s in zip(sizes, strides):
        found = found[..., None] + np.arange(n) * s
    return found
