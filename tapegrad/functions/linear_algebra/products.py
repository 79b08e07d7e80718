"""Matrix products."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import dtypes, errors, shapes
from tapegrad.dispatch import apply, apply_view
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensor,
    in_place,
    into,
    kind_name,
    method,
    operation,
    overrides,
)
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import expand, reshape
from tapegrad.signatures import Number, overriding
from tapegrad.tensor import Tensor


def same_dtype(name: str, a: Any, b: Any) -> None:
    if a.dtype is not b.dtype and name == "tensordot":
        raise RuntimeError("both inputs should have same dtype")
    if a.dtype is not b.dtype and name == "bmm":
        raise RuntimeError(f"expected scalar type {kind_name(a)} but found {kind_name(b)}")
    if a.dtype is not b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {c_name(a)} != {c_name(b)}")
    _no_bools({"mm": "addmm_impl_cpu_", "mv": "addmv_impl_cpu"}.get(name, name), a)


def _no_bools(kernel: str, x: Any) -> None:
    if x.dtype.category == 0:
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")


def c_name(x: Any) -> str:
    return errors.C_NAMES[x.dtype.name]


@overrides("mm")
def mm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Any:
    expect_tensor("mm", mat2, "mat2", 2)
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    if input.shape[1] != mat2.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({input.shape[0]}x{input.shape[1]} and "
                           f"{mat2.shape[0]}x{mat2.shape[1]})")
    same_dtype("mm", input, mat2)
    result = apply(operation("mm"), (input, mat2), teach=True)
    return into(out, result)


@overrides("bmm")
def bmm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Any:
    expect_tensor("bmm", mat2, "mat2", 2)
    if input.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError(f"batch{1 if input.ndim != 3 else 2} must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, {input.shape[2]}] but "
            f"got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    same_dtype("bmm", input, mat2)
    result = apply(operation("bmm"), (input, mat2), teach=True)
    return into(out, result)


@overrides("mv")
def mv(input: Tensor, vec: Tensor, *, out: Any = None) -> Any:
    expect_tensor("mv", vec, "vec", 2)
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec "
                           f"({vec.shape[0]})")
    same_dtype("mv", input, vec)
    result = apply(operation("mv"), (input, vec), teach=True)
    return into(out, result)


@method
def dot(input: Tensor, tensor: Tensor, *, out: Any = None) -> Any:
    """The sum of products of two vectors (`torch.dot`)."""
    expect_tensor("dot", tensor, "tensor", 2)
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {kind_name(input)} "
                           f"and {kind_name(tensor)}")
    if input.shape != tensor.shape:
        raise RuntimeError(f"inconsistent tensor size, expected tensor [{input.shape[0]}] and src [{tensor.shape[0]}] "
                           "to have the same number of elements, but got "
                           f"{input.shape[0]} and {tensor.shape[0]} elements respectively")
    _no_bools("dot", input)
    result = apply(operation("dot"), (input, tensor), (("dim", (0,)), ("keepdim", False)))
    return into(out, result)


@method
def matmul(input: Tensor, other: Tensor, *, out: Any = None) -> Any:
    """The matrix product of the last two axes, batches broadcast (`torch.matmul`)."""
    expect_tensor("matmul", other, "other", 2)
    result = _matmul(input, other)
    return into(out, result)


def _matmul(a: Any, b: Any) -> Any:
    if not a.ndim or not b.ndim:
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{a.ndim}D and {b.ndim}D")
    if a.ndim == 1 and b.ndim == 1:
        return dot(a, b)
    if a.ndim == 2 and b.ndim == 2:
        return mm(a, b)
    if a.ndim == 2 and b.ndim == 1:
        return mv(a, b)
    if a.ndim == 1 and b.ndim == 2:
        return apply_view(operation("unsafe_squeeze"), mm(a.unsqueeze(0), b), (("dim", (0,)),))
    if a.ndim == 1:
        return _without(-2, _matmul(a.unsqueeze(0), b))
    if b.ndim == 1:
        return _without(-1, _matmul(a, b.unsqueeze(-1)))
    if b.ndim == 2:  # one product of all batches at once
        flat = mm(reshape(a, -1, a.shape[-1]) if a.numel() else reshape(a, math.prod(a.shape[:-1]), a.shape[-1]), b)
        return apply_view(operation("unsafe_view"), flat, (("size", (*a.shape[:-1], b.shape[-1])),))
    batch = shapes.broadcast((tuple(a.shape[:-2]), tuple(b.shape[:-2])))
    n = math.prod(batch)
    left = reshape(expand(a, *batch, *a.shape[-2:]), n, *a.shape[-2:])
    right = reshape(expand(b, *batch, *b.shape[-2:]), n, *b.shape[-2:])
    return apply_view(operation("unsafe_view"), bmm(left, right), (("size", (*batch, a.shape[-2], b.shape[-1])),))


def _without(dim: int, product: Any) -> Any:
    """The product of a matrix of one row or column without that axis."""
    shape = list(product.shape)
    del shape[dim]
    return apply_view(operation("unsafe_view"), product, (("size", tuple(shape)),))


def _matmul_operator(self: Any, other: Any) -> Any:
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


METHODS["__matmul__"] = overriding.special("matmul", _matmul_operator)
METHODS["__rmatmul__"] = overriding.special("__rmatmul__", lambda self, other: matmul(other, self))


# ---------------------------------------------------------------- products added to something


def _whole_factors(name: str, x: Any, beta: Any, alpha: Any) -> None:
    if not x.dtype.is_floating_point and (isinstance(beta, float) or isinstance(alpha, float)):
        raise RuntimeError(f"For integral input tensors, argument {'beta' if isinstance(beta, float) else 'alpha'} "
                           "must "
                           "not be a floating point number.")


def _added(name: str, product: Any, check: Any) -> None:
    """`beta * input + alpha * product`, a function, a method and an in-place method."""

    def out_of_place(input: Tensor, first: Tensor, second: Tensor, *, beta: Number = 1, alpha: Number = 1,
                     out: Any = None) -> Any:
        if name == "addmv" and (first.ndim != 2 or second.ndim != 1 or input.ndim > 1):
            raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {first.ndim}, {second.ndim}")
        shape = check(first, second)
        if name == "addmm" and input.dtype.category == 0:
            raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
        if name == "addmm" and first.dtype is not second.dtype:
            raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {kind_name(first)} and "
                               f"{kind_name(second)}")
        if input.dtype is not first.dtype or first.dtype is not second.dtype:
            raise RuntimeError(f"self and mat2 must have the same dtype, but got {kind_name(input)} and "
                               f"{kind_name(second)}")
        if shape is not None and shapes.broadcast((tuple(input.shape), shape)) != shape:
            raise RuntimeError(f"The expanded size of the tensor ({shape}) must match the existing size "
                               f"({tuple(input.shape)})")
        if name == "addmm":
            beta, alpha = dtypes.fitted(beta, input.dtype), dtypes.fitted(alpha, input.dtype)
            return into(out, apply(operation("addmm"), (input, first, second), (("beta", beta), ("alpha", alpha))))
        beta, alpha = dtypes.fitted(beta, input.dtype), dtypes.fitted(alpha, input.dtype)
        total = product(first, second)
        total = total if alpha == 1 else total * alpha
        if beta == 0:  # NaN in what counts for nothing does not come through; its gradient is zeros, not none
            return into(out, total - apply(operation("fill"), (input, 0)) if input.requires_grad else total)
        return into(out, (input if beta == 1 else input * beta) + total)

    out_of_place.__name__ = name
    if name != "addmm":  # that is an operation
        out_of_place = one_node(f"{name.capitalize()}Backward0")(out_of_place)
    PUBLIC[name] = METHODS[name] = out_of_place
    in_place(name, out_of_place)


def _check_mm(a: Any, b: Any) -> Any:
    if a.ndim != 2 or b.ndim != 2:
        raise RuntimeError(f"mat{1 if a.ndim != 2 else 2} must be a matrix, got "
                           f"{a.ndim if a.ndim != 2 else b.ndim}-D tensor")
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and "
                           f"{b.shape[0]}x{b.shape[1]})")
    return a.shape[0], b.shape[1]


def _check_mv(a: Any, b: Any) -> Any:
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({a.shape[0]}), mat ({a.shape[0]}x{a.shape[1]}), vec "
                           f"({b.shape[0]})")
    return (a.shape[0],)


def _check_bmm(a: Any, b: Any, asked: tuple[int, ...] = (0, 1)) -> Any:
    for x, axes in ((a, asked), (b, (2,))):
        for axis in axes:
            shapes.axis_there(axis, x.ndim)
    if a.ndim != 3 or b.ndim != 3:
        raise RuntimeError(f"batch{1 if a.ndim != 3 else 2} must be a 3D tensor")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, "
                           f"{a.shape[2]}] "
                           f"but got: [{b.shape[0]}, {b.shape[1]}].")
    return a.shape[0], a.shape[1], b.shape[2]


def _check_vectors(a: Any, b: Any) -> Any:
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"addr: Expected 1-D argument vec{1 if a.ndim != 1 else 2}, but got "
                           f"{a.ndim if a.ndim != 1 else b.ndim}-D")
    return a.shape[0], b.shape[0]


@method
def outer(input: Tensor, vec2: Tensor, *, out: Any = None) -> Any:
    """Every product of two vectors' elements (`torch.outer`)."""
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument {'self' if input.ndim != 1 else 'vec2'}, but got "
                           f"{input.ndim if input.ndim != 1 else vec2.ndim}-D")
    return into(out, reshape(input, -1, 1) * vec2)


PUBLIC["ger"] = METHODS["ger"] = outer
_added("addmm", mm, _check_mm)
_added("addmv", mv, _check_mv)
_added("baddbmm", bmm, _check_bmm)
_added("addbmm", lambda a, b: bmm(a, b).sum(0, dtype=a.dtype), lambda a, b: _check_bmm(a, b, (1,))[1:])


@method
@one_node("AddrBackward0")
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Any = None) -> Any:
    """`beta * input + alpha * outer` (`torch.addr`)."""
    _check_vectors(vec1, vec2)
    _whole_factors("addr", input, beta, alpha)
    dtype = dtypes.promote(input.dtype, dtypes.promote(vec1.dtype, vec2.dtype))
    vec1, vec2 = (v if v.dtype is dtype else v.to(dtype) for v in (vec1, vec2))
    if input.dtype.category == 0:
        beta, alpha = bool(beta), bool(alpha)
    shape = (vec1.shape[0], vec2.shape[0])
    if shapes.broadcast((tuple(input.shape), shape)) != shape:
        raise RuntimeError(f"The expanded size of the tensor {shape} must match the existing size {tuple(input.shape)}")
    product = outer(vec1, vec2)
    total = product if alpha in (1, True) else product * alpha
    if beta == 0:
        return into(out, total if input.dtype is total.dtype else total.to(input.dtype))
    return into(out, (input if beta in (1, True) else input * beta) + total)


in_place("addr", addr)
