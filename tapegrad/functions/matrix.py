"""Matrix products."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import shapes
from tapegrad.dispatch import apply, apply_view
from tapegrad.functions.common import METHODS, expect_tensor, into, kind_name, method, operation, overrides
from tapegrad.functions.shape import expand, reshape
from tapegrad.tensor import Tensor


def _same_dtype(name: str, a: Any, b: Any) -> None:
    if a.dtype is not b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {c_name(a)} != {c_name(b)}")
    _no_bools({"mm": "addmm_impl_cpu_", "mv": "addmv_impl_cpu"}.get(name, name), a)


def _no_bools(kernel: str, x: Any) -> None:
    if x.dtype.category == 0:
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")


def c_name(x: Any) -> str:
    names = {"float32": "float", "float64": "double", "int64": "long long", "int32": "int"}
    return names.get(x.dtype.name, x.dtype.name)


@overrides("mm")
def mm(input: Any, mat2: Any, *, out: Any = None) -> Any:
    expect_tensor("mm", input)
    expect_tensor("mm", mat2, "mat2", 2)
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    if input.shape[1] != mat2.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({input.shape[0]}x{input.shape[1]} and "
                           f"{mat2.shape[0]}x{mat2.shape[1]})")
    _same_dtype("mm", input, mat2)
    result = apply(operation("mm"), (input, mat2), teach=True)
    return into(out, result)


@overrides("bmm")
def bmm(input: Any, mat2: Any, *, out: Any = None) -> Any:
    expect_tensor("bmm", input)
    if input.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError(f"batch{1 if input.ndim != 3 else 2} must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, {input.shape[2]}] but "
            f"got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    _same_dtype("bmm", input, mat2)
    result = apply(operation("bmm"), (input, mat2), teach=True)
    return into(out, result)


@overrides("mv")
def mv(input: Any, vec: Any, *, out: Any = None) -> Any:
    expect_tensor("mv", input)
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {vec.ndim}, {input.ndim}, {vec.ndim}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec "
                           f"({vec.shape[0]})")
    _same_dtype("mv", input, vec)
    result = apply(operation("mv"), (input, vec), teach=True)
    return into(out, result)


@method
def dot(input: Any, tensor: Any, *, out: Any = None) -> Any:
    """The sum of products of two vectors (`torch.dot`)."""
    expect_tensor("dot", input)
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
def matmul(input: Any, other: Any, *, out: Any = None) -> Any:
    """The matrix product of the last two axes, batches broadcast (`torch.matmul`)."""
    expect_tensor("matmul", input)
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
    if a.ndim == 1:
        return _matmul(a.unsqueeze(0), b).squeeze(-2)
    if b.ndim == 1:
        return _matmul(a, b.unsqueeze(-1)).squeeze(-1)
    if b.ndim == 2:  # one product of all batches at once
        flat = mm(reshape(a, -1, a.shape[-1]) if a.numel() else reshape(a, math.prod(a.shape[:-1]), a.shape[-1]), b)
        return apply_view(operation("unsafe_view"), flat, (("size", (*a.shape[:-1], b.shape[-1])),))
    batch = shapes.broadcast((tuple(a.shape[:-2]), tuple(b.shape[:-2])))
    n = math.prod(batch)
    left = reshape(expand(a, *batch, *a.shape[-2:]), n, *a.shape[-2:])
    right = reshape(expand(b, *batch, *b.shape[-2:]), n, *b.shape[-2:])
    return apply_view(operation("unsafe_view"), bmm(left, right), (("size", (*batch, a.shape[-2], b.shape[-1])),))


def _matmul_operator(self: Any, other: Any) -> Any:
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


METHODS["__matmul__"] = _matmul_operator
