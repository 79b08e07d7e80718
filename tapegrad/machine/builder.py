"""The builder: collects the steps of one program, kernels over loop nests and matrix products."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tapegrad import shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import blas, cutting, emitter, gemm, late, loops
from tapegrad.machine import records as rec
from tapegrad.machine.layouts import Layout
from tapegrad.machine.plan import Pointer, Step, byte_strides
from tapegrad.ops.sym import Sym, compacted, walk

if TYPE_CHECKING:
    from tapegrad.machine.plans import Planner


class Builder:
    """Collects the steps of one program."""

    def __init__(self, planner: Planner, inplace: bool = False) -> None:
        self.planner, self.layouts = planner, planner.layouts
        self.steps: list[Step] = []
        self.temporaries: dict[int, int] = {}
        self.both = False
        self.inplace = inplace  # the target is the first operand's own memory

    def region(self, shape: Sequence[int], inputs: Sequence[dtype], value: Sym, output: dtype,
               strides: Sequence[Sequence[int]], pointers: Sequence[Pointer], reduced: Sequence[int] = (),
               per_row: bool = False, both: bool | None = None) -> None:
        """A step that evaluates `value` over `shape`; strides in bytes and pointers start with the output's."""
        rows = per_row or any(n.op in ("reduce", "index", "count") for n in walk((value,)))
        ordered = any(n.op == "index" or str(n.value).startswith("arg") for n in walk((value,)))
        itemsizes = [output.itemsize, *(d.itemsize for d in inputs)]
        nest = loops.build(shape, strides, itemsizes, reduced, rows, ordered)
        region = emitter.Region(tuple(inputs), (value.cast(output),), (output,), (per_row,))
        store = emitter.compile_region(region, nest.pattern, (False,))
        both = self.both if both is None else both
        add = emitter.compile_region(region, nest.pattern, (True,)) if both else 0
        self.last_region = (region, nest.pattern)
        cut = cutting.cut(region, nest.pattern, nest.words, both)
        if cut is not None:
            cut["late"] = sum(bit for bit, kernel in (
                (rec.LATE_STORE, store), (rec.LATE_ADD, add), (rec.LATE_PARTIAL, int(cut["partial"][0]))
            ) if late.is_late(kernel))
        self.steps.append(Step(store, add, nest.words, tuple(pointers), cut=cut, patient=True))

    def temporary(self, layout: Layout) -> int:
        """Room for an intermediate value; returns its source code."""
        return self.room(layout.nbytes)

    def room(self, nbytes: int) -> int:
        """As `temporary`, for so many bytes."""
        number = len(self.temporaries)
        if number >= rec.MAX_TEMPORARIES:
            raise RuntimeError("a rule needs too many intermediate values; declare it as two operations")
        self.temporaries[number] = nbytes
        return rec.TEMPORARY + number

    def gemm(self, target: tuple[Pointer, Layout], a: tuple[Pointer, Layout], b: tuple[Pointer, Layout]) -> None:
        """target = a @ b over the last two axes, of floating dtype; batch axes are equal (expanded where repeated)."""
        (tp, tl), (ap, al), (bp, bl) = target, self._blas_ready(*a), self._blas_ready(*b)
        m, n = tl.shape[-2:]
        k = al.shape[-1]
        item = tl.dtype.itemsize
        if not _writable_by_blas(tl) and not _writable_by_blas(self.transposed(tl)):
            plain = self.layouts.intern(tl.dtype, tl.shape)
            product = Pointer(self.temporary(plain)), plain
            self.gemm(product, (ap, al), (bp, bl))
            self.copy(target, product, both=True)
            return
        if not _writable_by_blas(tl):  # write the transpose: c' = b' a'
            tl, al, bl = self.transposed(tl), self.transposed(bl), self.transposed(al)
            ap, bp = bp, ap
            m, n = n, m
        batch = tl.shape[:-2]
        merged, batch_strides = loops.merge(
            list(batch), [[s * item for s in layout.strides[:-2]] for layout in (tl, al, bl)]
        ) if batch else ([1], [[0], [0], [0]])
        emitted = gemm.kernels(tl.dtype) if min(m, n) > 1 and k > 0 else None  # BLAS knows vectors better
        store, add = emitted or blas.gemm(tl.dtype)
        for at in np.ndindex(*merged[:-1]):
            offsets = [sum(i * s for i, s in zip(at, strides)) for strides in batch_strides]
            cp, lp, rp = (Pointer(p.source, p.offset + offset) for p, offset in zip((tp, ap, bp), offsets))
            cs, as_, bs = (strides[-1] for strides in batch_strides)
            if emitted:
                (ci, cj), (ai, ak), (bk, bj) = (byte_strides(layout, layout.strides[-2:]) for layout in (tl, al, bl))
                nest = np.array([3, 1, merged[-1], m, n, k, cs, ci, cj, 0, as_, ai, 0, ak, bs, 0, bj, bk], "i8")
                self.steps.append(Step(store, add, nest, (cp, lp, rp), cut=cutting.cut_product(nest), patient=True))
            else:
                (trans_a, lda), (trans_b, ldb) = _leading(al), _leading(bl)
                ldc = max(tl.strides[-2] if m > 1 else n, n, 1)
                words = [merged[-1], n, m, k, trans_b, trans_a, ldb, lda, ldc, cs, bs, as_]
                self.steps.append(Step(store, add, np.array(words, "i8"), (cp, rp, lp), patient=True))

    def _blas_ready(self, pointer: Pointer, layout: Layout) -> tuple[Pointer, Layout]:
        """The operand itself if BLAS can stride over it, else a contiguous copy."""
        rows, columns = layout.shape[-2:]
        r, c = layout.strides[-2:]
        if (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1):
            return pointer, layout
        if (r == 1 or rows == 1) and (c >= max(rows, 1) or columns == 1):
            return pointer, layout
        plain = self.layouts.intern(layout.dtype, layout.shape)
        copy = Pointer(self.temporary(plain))
        self.copy((copy, plain), (pointer, layout))
        return copy, plain

    def copy(self, target: tuple[Pointer, Layout], source: tuple[Pointer, Layout], both: bool = False) -> None:
        (tp, tl), (sp, sl) = target, source
        strides = shapes.expanded_strides(sl.shape, sl.strides, tl.shape)
        self.region(tl.shape, (sl.dtype,), Sym.operand(0, sl.dtype), tl.dtype,
                    [byte_strides(tl, tl.strides), byte_strides(sl, strides)], (tp, sp), both=both)

    def transposed(self, layout: Layout) -> Layout:
        shape, strides = layout.shape, layout.strides
        return self.layouts.intern(
            layout.dtype, (*shape[:-2], shape[-1], shape[-2]), (*strides[:-2], strides[-1], strides[-2])
        )


def _writable_by_blas(layout: Layout) -> bool:
    """Whether BLAS can write such a row-major matrix."""
    (rows, columns), (r, c) = layout.shape[-2:], layout.strides[-2:]
    return (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1)


def _leading(layout: Layout) -> tuple[int, int]:
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
