"""The builder: collects the steps of one program, kernels over loop nests and matrix products."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tapegrad import shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests
from tapegrad.machine.kernels.products import blas, gemm, gemv
from tapegrad.machine.planning import thread_cuts
from tapegrad.machine.planning.layouts import Layout, Layouts
from tapegrad.machine.planning.plan import Attributes, Plan, Pointer, Step, byte_strides
from tapegrad.machine.startup import require_memory
from tapegrad.ops.declaration import Operation
from tapegrad.ops.scalar import row, scalar
from tapegrad.ops.symbols import Sym, compacted, walk

Place = tuple[Pointer, Layout]
Lowered = Callable[[Operation, tuple[Layout, ...], Attributes], Plan]  # what an operation in a rule is made of
LONG = 2 * thread_cuts.GRAIN  # elements from which a dot product is a sum that threads share, or a block at a time


class Builder:
    """Collects the steps of one program."""

    layouts: Layouts
    lowered: Lowered

    def __init__(self, layouts: Layouts, lowered: Lowered, inplace: bool = False) -> None:
        self.layouts, self.lowered = layouts, lowered
        self.steps: list[Step] = []
        self.temporaries: dict[int, int] = {}
        self.ends_in: int | None = None  # the intermediate value that is the target itself, where that is stored
        self.both: bool = False
        self.stride = 0  # of an `ALIKE` plan
        self.inplace = inplace  # the target is the first operand's own memory

    def region(self, shape: Sequence[int], inputs: Sequence[dtype], value: Sym, output: dtype,
               strides: Sequence[Sequence[int]], pointers: Sequence[Pointer], reduced: Sequence[int] = (),
               per_row: bool = False, both: bool | None = None) -> None:
        """A step that evaluates `value` over `shape`; strides in bytes and pointers start with the output's."""
        rows = per_row or any(n.op in ("reduce", "index", "count") for n in walk((value,)))
        ordered = any(n.op == "index" or str(n.value).startswith("arg") for n in walk((value,)))
        itemsizes = [output.itemsize, *(d.itemsize for d in inputs)]
        nest = loop_nests.build(shape, strides, itemsizes, reduced, rows, ordered)
        region = emitter.Region(tuple(inputs), (value.cast(output),), (output,), (per_row,))
        store = emitter.compile_region(region, nest.pattern, (False,))
        both = self.both if both is None else both
        add = emitter.compile_region(region, nest.pattern, (True,)) if both else 0
        cut = thread_cuts.cut(region, nest.pattern, nest.words, both)
        self.steps.append(Step(store, add, nest.words, tuple(pointers), cut=cut, patient=True))

    def temporary(self, layout: Layout) -> int:
        """Room for an intermediate value; returns its source code."""
        return self.room(layout.nbytes)

    def room(self, nbytes: int) -> int:
        """As `temporary`, for so many bytes."""
        number = len(self.temporaries)
        if number >= rec.MAX_TEMPORARIES:
            raise RuntimeError("a rule needs too many intermediate values; declare it as two operations")
        require_memory(nbytes)
        self.temporaries[number] = nbytes
        return rec.TEMPORARY + number

    def product(self, target: Place, a: Place, b: Place) -> None:
        """target = a @ b over the last two axes; batch axes are equal (expanded where repeated)."""
        (tp, tl), (ap, al), (bp, bl) = target, a, b = self._joined(target, a, b)
        k = al.shape[-1]
        if is_sum(tl, k):
            x, y = Sym.operand(0, al.dtype), Sym.operand(1, bl.dtype)
            emit(self, row.sum(scalar.mul(x, y), ()), (*tl.shape, k), (tp, tl.dtype, (*tl.strides, 0)), [
                (ap, al.dtype, (*al.strides[:-1], 0, al.strides[-1])),
                (bp, bl.dtype, (*bl.strides[:-2], 0, bl.strides[-1], bl.strides[-2])),
            ], (len(tl.shape),), True)
        elif k == 1 and 1 not in tl.shape[-2:]:
            both, self.both = self.both, True
            x, y = Sym.operand(0, al.dtype), Sym.operand(1, bl.dtype)  # added to zero, as by kernels for products
            emit(self, scalar.add(scalar.mul(x, y), 0.0), tl.shape, (tp, tl.dtype, tl.strides), [
                (ap, al.dtype, (*al.strides[:-1], 0)), (bp, bl.dtype, (*bl.strides[:-2], 0, bl.strides[-1]))
            ], (), False)
            self.both = both
        elif 1 in tl.shape[-2:] and (kernels := gemv.kernels(tl.dtype)):
            if tl.shape[-1] != 1:  # c' = b' a'
                tl, al, bl = self.transposed(tl), self.transposed(bl), self.transposed(al)
                ap, bp = bp, ap
            if not any(n == 1 or s == 1 for n, s in zip(al.shape[-2:], al.strides[-2:])):
                ap, al = self._plain(ap, al)
            self._product_steps(kernels, (tp, tl), (ap, al), (bp, bl))
        else:
            self._gemm(target, self._blas_ready(*a), self._blas_ready(*b))

    def _joined(self, target: Place, a: Place, b: Place) -> tuple[Place, Place, Place]:
        """Products that have a matrix in common as one: of the rows of all, or of their columns."""
        places = target, a, b
        sizes, strides = loop_nests.merge(list(target[1].shape[:-2]), [list(o.strides[:-2]) for _, o in places])
        if len(sizes) != 1 or sizes[0] == 1:
            return places
        for shared, axis in ((2, -2), (1, -1)):
            if strides[shared] == [0]:
                made = [(at, self._longer(o, 0 if i == shared else axis, sizes[0], *own))
                        for i, ((at, o), own) in enumerate(zip(places, strides))]
                if all(o is not None for _, o in made):
                    return tuple(made)  # type: ignore[return-value]
        return places

    def _longer(self, of: Layout, axis: int, count: int, apart: int) -> Layout | None:
        """One matrix whose rows (axis -2) or columns (-1) are those of `count` of them; None where that is none."""
        shape, strides = list(of.shape[-2:]), list(of.strides[-2:])
        if axis:
            if shape[axis] != 1 and apart != shape[axis] * strides[axis]:
                return None
            strides[axis] = apart if shape[axis] == 1 else strides[axis]
            shape[axis] *= count
        return self.layouts.intern(of.dtype, tuple(shape), tuple(strides))

    def _gemm(self, target: Place, a: Place, b: Place) -> None:
        """The same through what writes contiguous rows, of operands that BLAS can stride over."""
        (tp, tl), (ap, al), (bp, bl) = target, a, b
        if not _writable_by_blas(tl):
            if not _writable_by_blas(self.transposed(tl)):
                plain = self.layouts.intern(tl.dtype, tl.shape)
                product = Pointer(self.temporary(plain)), plain
                self._gemm(product, a, b)
                self.copy(target, product, both=True)
                return
            tl, al, bl = self.transposed(tl), self.transposed(bl), self.transposed(al)  # c' = b' a'
            ap, bp = bp, ap
        kernels = gemm.kernels(tl.dtype)
        if kernels:
            self._product_steps(kernels, (tp, tl), (ap, al), (bp, bl))
            return
        store, add = blas.gemm(tl.dtype)
        (m, n), k = tl.shape[-2:], al.shape[-1]
        (trans_a, lda), (trans_b, ldb) = leading(al), leading(bl)
        ldc = max(tl.strides[-2] if m > 1 else n, n, 1)
        for pointers, batches, (cs, as_, bs) in self._batches((tp, tl), (ap, al), (bp, bl)):
            words = [batches, n, m, k, trans_b, trans_a, ldb, lda, ldc, cs, bs, as_]
            cp, lp, rp = pointers
            self.steps.append(Step(store, add, np.array(words, "i8"), (cp, rp, lp), patient=True))

    def product_onto(self, target: Place, start: Place, a: Place, b: Place) -> bool:
        """target = start + a @ b, of matrices, by one kernel if there is one for them; whether that was done."""
        layout, (sp, sl) = target[1], start
        kernel = gemm.onto(layout.dtype)
        if kernel is None or len(layout.shape) != 2 or 1 in (*layout.shape, a[1].shape[-1]) or (
                sl.dtype is not layout.dtype):
            return False
        whole = self.layouts.intern(sl.dtype, layout.shape, shapes.expanded_strides(sl.shape, sl.strides, layout.shape))
        if whole.strides[-1] != 1 or not _writable_by_blas(layout):
            return False
        self._product_steps((kernel, 0), target, self._blas_ready(*a), self._blas_ready(*b), (sp, whole))
        return True

    def _product_steps(self, kernels: gemm.Addresses, target: Place, a: Place, b: Place, *start: Place) -> None:
        """Calls of the kernels of `gemm` or `gemv`."""
        layouts = [layout for _, layout in (target, a, b, *start)]
        (ci, cj), (ai, ak), (bk, bj), *further = (byte_strides(layout, layout.strides[-2:]) for layout in layouts)
        (m, n), k = layouts[0].shape[-2:], layouts[1].shape[-1]
        for pointers, batches, (cs, as_, bs, *ds) in self._batches(target, a, b, *start):
            words = [3, 1, batches, m, n, k, cs, ci, cj, 0, as_, ai, 0, ak, bs, 0, bj, bk]
            nest = np.array(words + [word for d, own in zip(ds, further) for word in (d, *own, 0)], "i8")
            self.steps.append(Step(*kernels, nest, pointers, cut=thread_cuts.cut_product(nest), patient=True))

    @staticmethod
    def _batches(*operands: Place) -> Iterator[tuple[tuple[Pointer, ...], int, list[int]]]:
        """Matrices that one call goes over: the first of each operand, how many there are, and their byte strides."""
        batch = operands[0][1].shape[:-2]
        sizes, strides = loop_nests.merge(
            list(batch), [byte_strides(layout, layout.strides[:-2]) for _, layout in operands]
        ) if batch else ([1], [[0] for _ in operands])
        for at in np.ndindex(*sizes[:-1]):
            offsets = [sum(i * s for i, s in zip(at, own)) for own in strides]
            pointers = tuple(Pointer(p.source, p.offset + offset) for (p, _), offset in zip(operands, offsets))
            yield pointers, sizes[-1], [own[-1] for own in strides]

    def _blas_ready(self, pointer: Pointer, layout: Layout) -> Place:
        """The operand itself if BLAS can stride over it, else a contiguous copy."""
        rows, columns = layout.shape[-2:]
        r, c = layout.strides[-2:]
        if (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1):
            return pointer, layout
        if (r == 1 or rows == 1) and (c >= max(rows, 1) or columns == 1):
            return pointer, layout
        return self._plain(pointer, layout)

    def _plain(self, pointer: Pointer, layout: Layout) -> Place:
        """A contiguous copy."""
        plain = self.layouts.intern(layout.dtype, layout.shape)
        copy = Pointer(self.temporary(plain))
        self.copy((copy, plain), (pointer, layout))
        return copy, plain

    def copy(self, target: Place, source: Place, both: bool = False) -> None:
        (tp, tl), (sp, sl) = target, source
        strides = shapes.expanded_strides(sl.shape, sl.strides, tl.shape)
        self.region(tl.shape, (sl.dtype,), Sym.operand(0, sl.dtype), tl.dtype,
                    [byte_strides(tl, tl.strides), byte_strides(sl, strides)], (tp, sp), both=both)

    def transposed(self, layout: Layout) -> Layout:
        shape, strides = layout.shape, layout.strides
        return self.layouts.intern(
            layout.dtype, (*shape[:-2], shape[-1], shape[-2]), (*strides[:-2], strides[-1], strides[-2])
        )


def is_sum(target: Layout, k: int) -> bool:
    """Whether a product of `k` columns and rows is computed as any sum is, and not by a kernel for products."""
    return not target.dtype.is_floating_point or k == 0 or (k >= LONG and target.shape[-2:] == (1, 1))


def _writable_by_blas(layout: Layout) -> bool:
    """Whether BLAS can write such a row-major matrix."""
    (rows, columns), (r, c) = layout.shape[-2:], layout.strides[-2:]
    return (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1)


def leading(layout: Layout) -> tuple[int, int]:
    """BLAS's view of a row-major matrix: (is it transposed, leading dimension)."""
    rows, columns = layout.shape[-2:]
    r, c = layout.strides[-2:]
    if (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1):
        return 0, max(r if rows > 1 else columns, columns, 1)
    return 1, max(c if columns > 1 else rows, rows, 1)


def emit(builder: Builder, value: Sym, shape: Sequence[int], target: tuple[Pointer, dtype, Sequence[int]],
          available: Sequence[tuple[Pointer, dtype, Sequence[int]]], reduced: Sequence[int], per_row: bool) -> None:
    """A region step for `value` over those of the `available` (pointer, dtype, element strides) that it reads."""
    used, (compact,) = compacted((value,))
    chosen = [available[i] for i in used]
    strides = [[s * d.itemsize for s in st] for _, d, st in (target, *chosen)]
    builder.region(shape, [d for _, d, _ in chosen], compact, target[1], strides,
                   [target[0], *(p for p, _, _ in chosen)], reduced, per_row)
