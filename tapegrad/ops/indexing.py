"""Reading and writing at places that index operands name: one kernel family, many of PyTorch's nodes.

`form` says which places: `("axes", dims)` is advanced indexing, an index operand for each of the axes `dims` and all of
one shape; `("along", dim)` is gather's, one index operand that is walked in step with every other axis, with the axis
`dim` or (one of each row) without it. A read's adjoint is `spread` (add where it was read), whose adjoint is `collect` (read where it was added).
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.ops import products
from tapegrad.ops.declaration import Builder, Rule, Value, structured
from tapegrad.ops.scalar import like, scalar, whole

where = scalar.where
Form = tuple[str, Any]  # as above


def walked(form: Form, shape: shapes.Shape, strides: shapes.Shape, indices: Sequence[shapes.Shape]
           ) -> tuple[shapes.Shape, shapes.Shape, list[tuple[shapes.Shape, int]]]:
    """(shape that is walked, strides of the base over it, for each index its strides over it and its axis)."""
    kind, dims = form
    if kind == "along":
        (index,) = indices
        if not shape:
            return index, (0,) * len(index), [(shapes.contiguous_strides(index), 0)]
        moving = tuple(0 if d == dims else s for d, s in enumerate(strides))
        if len(index) < len(shape):  # an index for each row, without the axis that it picks from
            moving = moving[:dims] + moving[dims + 1:]
        return index, moving, [(shapes.contiguous_strides(index), dims)]
    common = shapes.broadcast(indices)
    rest = [d for d in range(len(shape)) if d not in dims]
    joined = list(dims) == list(range(dims[0], dims[0] + len(dims)))
    before = [d for d in rest if d < dims[0]] if joined else []
    after = rest[len(before):]
    sizes = (*(shape[d] for d in before), *common, *(shape[d] for d in after))
    moving = (*(strides[d] for d in before), *(0 for _ in common), *(strides[d] for d in after))
    own = []
    for index, dim in zip(indices, dims):
        over = shapes.expanded_strides(index, shapes.contiguous_strides(index), common)
        own.append(((*(0 for _ in before), *over, *(0 for _ in after)), dim))
    return sizes, moving, own


def sound(form: Form, base: shapes.Shape, indices: Sequence[Any]) -> bool:
    """Whether a form of a tape from outside can be walked; the values of indices are checked by the kernels."""
    kind, dims = form
    if not indices or any(i.dtype.name != "int64" for i in indices):
        return False
    if kind == "along":
        if not isinstance(dims, int) or len(indices) != 1 or not 0 <= dims < max(len(base), 1):
            return False
        index, rows = indices[0].shape, base[:dims] + base[dims + 1:]
        if len(index) == len(rows):
            return all(n <= m for n, m in zip(index, rows))
        return len(index) == max(len(base), 1) and all(
            d == dims or n <= m for d, (n, m) in enumerate(zip(index, base)))
    return kind == "axes" and len(dims) == len(indices) == len(set(dims)) and all(0 <= d < len(base) for d in dims)


def fits_read(o: Sequence[Any], given: dict[str, Any]) -> bool:
    return sound(given["form"], o[0].shape, o[1:])


def fits_write(o: Sequence[Any], given: dict[str, Any]) -> bool:
    if o[0].dtype is not o[1].dtype or not sound(given["form"], o[0].shape, o[2:]):
        return False
    return tuple(o[1].shape) == walked(given["form"], o[0].shape, (0,) * len(o[0].shape), [i.shape for i in o[2:]])[0]


def fits_spread(o: Sequence[Any], given: dict[str, Any]) -> bool:
    shape = given["shape"]
    return sound(given["form"], shape, o[1:]) and tuple(o[0].shape) == walked(
        given["form"], shape, (0,) * len(shape), [i.shape for i in o[1:]])[0]


def _places(form: Form, base: Value, indices: Sequence[Any]) -> tuple[Value, ...]:
    sizes, moving, own = walked(form, base.shape, base.layout.strides, [i.shape for i in indices])
    if not base.ndim:  # a number is a vector of one
        base = base.unsqueeze(0)
    return base, sizes, moving, [(i, strides, axis) for i, (strides, axis) in zip(indices, own)]


def read(builder: Builder, x: Value, *indices: Value, form: Form, wrap: bool) -> Value:
    """Lower a read: the result has the walked shape."""
    base, sizes, moving, own = _places(form, x, indices)
    out = builder.result(x.dtype, sizes)
    builder.indexed("read", base, moving, out, sizes, own, wrap)
    return out


def add_up(builder: Builder, x: Value, *indices: Value, shape: shapes.Shape, form: Form, wrap: bool) -> Value:
    """Lower `spread`: zeros of `shape`, with `x` added where a read of that form looks."""
    out = builder.result(x.dtype, shape)
    builder.fill(out)
    base, sizes, moving, own = _places(form, out, indices)
    builder.indexed("add", base, moving, x, sizes, own, wrap)
    return out


def erase(builder: Builder, x: Value, *indices: Value, form: Form, wrap: bool) -> Value:
    """Lower `erase`: a copy of `x`, zero where a read of that form looks."""
    out = builder.result_like(x)
    base, sizes, moving, own = _places(form, out, indices)
    builder.indexed("write", base, moving, builder.constant(0, x), sizes, own, wrap)
    return out


def combined(mode: str) -> Rule:
    """Lower a write: a copy of `x` (or `x` itself, in place) with `value` combined into it."""
    def write(builder: Builder, x: Value, value: Value, *indices: Value, form: Form, wrap: bool) -> Value:
        out = builder.result_like(x)
        base, sizes, moving, own = _places(form, out, indices)
        builder.indexed(mode, base, moving, value, sizes, own, wrap)
        return out
    return write


def known_classes(builder: Builder, classes: Value, *, size: int, ignored: int | None) -> Value:
    """Lower `checked_class`: the classes, all of them below `size`, and -1 for those that are ignored."""
    builder.require(classes, 0, size, exempt=ignored)
    return where(classes == ignored, like(-1, classes), classes)


# ---------------------------------------------------------------- in NumPy


def positions(form: Form, shape: shapes.Shape, indices: Sequence[Value]) -> Value:
    """Where in the flattened base each element of the walk is."""
    sizes, moving, own = walked(form, shape, shapes.contiguous_strides(shape), [np.shape(i) for i in indices])
    strides = shapes.contiguous_strides(shape)
    place = np.zeros(sizes, np.int64)
    for d, (n, step) in enumerate(zip(sizes, moving)):
        place += (np.arange(n) * step).reshape((n,) + (1,) * (len(sizes) - d - 1))
    for index, (over, axis) in zip(indices, own):
        plain = np.ascontiguousarray(index)
        place += np.lib.stride_tricks.as_strided(plain, sizes, [s * 8 for s in over]) % shape[axis] * strides[axis]
    return place


def numpy_read(x: Value, *indices: Value, form: Form, wrap: bool) -> Value:
    return np.ravel(x)[positions(form, np.shape(x), indices)]


def numpy_spread(g: Value, *indices: Value, shape: shapes.Shape, form: Form, wrap: bool) -> Value:
    out = np.zeros(shape, g.dtype)
    np.add.at(out.reshape(-1), positions(form, shape, indices), g)
    return out


def numpy_erase(x: Value, *indices: Value, form: Form, wrap: bool) -> Value:
    return numpy_combined(None)(x, 0, *indices, form=form, wrap=wrap)


def numpy_combined(ufunc: np.ufunc | None) -> Rule:
    def write(x: Value, value: Value, *indices: Value, form: Form, wrap: bool) -> Value:
        out = np.array(x)
        place = positions(form, out.shape, indices)
        if ufunc is None:
            out.reshape(-1)[place] = value
        else:
            ufunc.at(out.reshape(-1), place, np.broadcast_to(value, place.shape))
        return out
    return write


def read_samples() -> list[Any]:
    """(shapes of the operands, attributes): index operands are small."""
    return [(((3, 4), (2, 3)), {"form": ("axes", (1,)), "wrap": True}),
            (((3, 4, 2), (2,), (3, 1)), {"form": ("axes", (0, 1)), "wrap": False}),
            (((3, 4, 2), (2,), (2,)), {"form": ("axes", (0, 2)), "wrap": True}),
            (((3, 4), (2, 4)), {"form": ("along", 0), "wrap": False}),
            (((3, 4, 2), (3, 2)), {"form": ("along", 1), "wrap": False}),
            (((5,), (0,)), {"form": ("axes", (0,)), "wrap": False})]


def _walks() -> list[Any]:
    return [walked(given["form"], s[0], (0,) * len(s[0]), s[1:])[0] for s, given in read_samples()]


def write_samples() -> list[Any]:
    return [((s[0], v, *s[1:]), given) for (s, given), v in zip(read_samples(), _walks())][1:]


def spread_samples() -> list[Any]:
    return [((v, *s[1:]), {"shape": s[0], **given}) for (s, given), v in zip(read_samples(), _walks())]


# ---------------------------------------------------------------- the declarations


def reading(name: str, grad_name: str) -> None:
    structured(name, read, lambda g, x, indices, form, wrap: (whole.spread(g, *indices, shape=tuple(x.shape), form=form,
                                                                            wrap=wrap),),
               method=False, grad_name=grad_name, column=numpy_read, samples=read_samples, fits=fits_read)


def writing(name: str, grad_name: str) -> None:
    structured(name, combined("write"),
               lambda g, indices, form, wrap: (whole.erase(g, *indices, form=form, wrap=wrap),
                                               whole.collect(g, *indices, form=form, wrap=wrap)),
               method=False, inplace=True, grad_name=grad_name, column=numpy_combined(None), samples=write_samples,
               fits=fits_write)


def adding(name: str, grad_name: str) -> None:
    structured(name, combined("add"),
               lambda g, indices, form, wrap: (g, whole.collect(g, *indices, form=form, wrap=wrap)),
               method=False, inplace=True, grad_name=grad_name, column=numpy_combined(np.add), samples=write_samples,
               fits=fits_write)


structured("collect", read, lambda g, x, indices, form, wrap: (
    whole.spread(g, *indices, shape=tuple(x.shape), form=form, wrap=wrap),), method=False, grad_name="GatherBackward0",
           column=numpy_read, samples=read_samples, fits=fits_read)
structured("erase", erase, lambda g, indices, form, wrap: (whole.erase(g, *indices, form=form, wrap=wrap),),
           method=False,
           column=numpy_erase, samples=read_samples, fits=fits_read)
structured("spread", add_up, lambda g, indices, form, wrap: (whole.collect(g, *indices, form=form, wrap=wrap),),
           method=False, accumulates=True, grad_name="ScatterAddBackward0", column=numpy_spread,
           samples=spread_samples, fits=fits_spread)

structured("checked_class", known_classes, method=False, accepts="i",
           column=lambda classes, size, ignored: np.where(classes == ignored, -1, classes),
           samples=lambda: [(((5,),), {"size": 3, "ignored": -100}), (((4, 2),), {"size": 2, "ignored": 2}),
                            (((),), {"size": 3, "ignored": 0}), (((0, 2),), {"size": 3, "ignored": 1})],
           fits=lambda o, given: o[0].dtype.name == "int64")

for _name, _grad in (
    ("index", "IndexBackward0"), ("index_select", "IndexSelectBackward0"), ("gather", "GatherBackward0"),
    ("take", "TakeBackward0"), ("embedding", "EmbeddingBackward0"), ("masked_select", "MaskedSelectBackward0"),
    ("max_values", "MaxBackward0"), ("min_values", "MinBackward0"), ("sort_values", "SortBackward0"),
    ("topk_values", "TopkBackward0"), ("kthvalue_values", "KthvalueBackward0"), ("median_values", "MedianBackward1"),
    ("nanmedian_values", "NanmedianBackward1"), ("mode_values", "ModeBackward0"), ("cummax_values", "CummaxBackward0"),
    ("cummin_values", "CumminBackward0"), ("rot90", "Rot90Backward0"),
):
    reading(_name, _grad)
for _name, _grad in (
    ("index_put", "IndexPutBackward0"), ("scatter", "ScatterBackward0"), ("scatter_value", "ScatterBackward1"),
    ("index_copy", "IndexCopyBackward0"), ("index_fill", "IndexFillBackward0"), ("put", "PutBackward0"),
    ("masked_scatter", "MaskedScatterBackward0"),
):
    writing(_name, _grad)
for _name, _grad in (
    ("index_put_add", "IndexPutBackward0"), ("scatter_add", "ScatterAddBackward0"), ("index_add", "IndexAddBackward0"),
    ("put_add", "PutBackward0"),
):
    adding(_name, _grad)


def _shared(g: Value, x: Value, value: Value, out: Value, indices: Sequence[Any], form: Form, wrap: bool
           ) -> tuple[Value, ...]:
    """An extreme's gradient goes in equal parts to everything that equals it."""
    again = {"form": form, "wrap": wrap}
    hit = like(x == out, g)
    hits = like(value == whole.collect(out, *indices, **again), g)
    part = g / (hit + whole.spread(hits, *indices, shape=tuple(x.shape), **again))
    return hit * part, hits * whole.collect(part, *indices, **again)


def _factors(g: Value, x: Value, value: Value, out: Value, indices: Sequence[Any], form: Form, wrap: bool
            ) -> tuple[Value, ...]:
    """A product's gradient: the product of the others, which zeros do not spoil."""
    again = {"form": form, "wrap": wrap}
    mine = whole.scatter_multiply(where(x == 0, like(1, x), x), value, *indices, **again)
    zeros = whole.collect(whole.spread(like(value == 0, g), *indices, shape=tuple(x.shape), **again), *indices, **again)
    single = (value == 0) & (zeros == 1)
    others = whole.scatter_multiply(x, where(single, like(1, value), value), *indices, **again)
    theirs = where(single, whole.collect(g * others, *indices, **again),
                   whole.collect(g * out, *indices, **again) / where(value == 0, like(1, value), value))
    return g * mine / where(x == 0, like(1, x), x), theirs


structured("scatter_multiply", combined("mul"), _factors, method=False, inplace=True,
           recorded=lambda g, x, value, indices, form, wrap: products.scattered(g, x, value, indices, form, wrap),
           grad_name="ScatterReduceBackward0",
           column=numpy_combined(np.multiply), samples=write_samples, fits=fits_write)
structured("scatter_amax", combined("max"), _shared, method=False, inplace=True, grad_name="ScatterReduceBackward0",
           column=numpy_combined(np.maximum), samples=write_samples, fits=fits_write)
structured("scatter_amin", combined("min"), _shared, method=False, inplace=True, grad_name="ScatterReduceBackward0",
           column=numpy_combined(np.minimum), samples=write_samples, fits=fits_write)
