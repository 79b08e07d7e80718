"""`out=` where a function's own code says nothing about it: two tables, and what reads them.

`OFFERED` take it without a parameter of that name; what is `EXACT` wants the very dtype of its result there. All others
cast, within the kind of number (`dispatch.into`).
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad.functions.common import into, into_each, kind_name
from tapegrad.tensor import Tensor

OFFERED = {
    "softmax", "log_softmax", "scatter", "scatter_add", "scatter_reduce", "index_reduce", "slice_scatter", "isin",
    "svd", "eigh", "qr", "lu", "lu_factor", "lu_factor_ex", "inv_ex", "solve_ex", "cholesky_ex", "softshrink",
    "hardshrink", "gelu", "softplus", "avg_pool2d", "avg_pool3d", "linear", "normalize", "glu", "leaky_relu", "elu",
}
EXACT = {
    "abs", "addbmm", "addmm", "addmv", "amax", "amin", "argmax", "argmin", "avg_pool2d", "avg_pool3d", "baddbmm",
    "bitwise_not", "bmm", "bucketize", "ceil", "cholesky", "cholesky_ex", "cross", "cummax", "cummin", "det", "diag",
    "dot", "eigh", "eigvalsh", "floor", "frac", "histc", "index_add", "index_copy", "index_reduce", "index_select",
    "inner", "inv", "inv_ex", "isin", "isneginf", "isposinf", "kthvalue", "ldl_solve", "linear", "log_softmax",
    "logcumsumexp", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "masked_select", "matmul", "matrix_norm",
    "matrix_power", "mm", "mode", "msort", "multi_dot", "mv", "nan_to_num", "nanquantile", "narrow_copy", "neg",
    "norm", "qr", "quantile", "renorm", "round", "scatter", "scatter_add", "scatter_reduce", "searchsorted", "sgn",
    "sign", "signbit", "slice_scatter", "softmax", "solve", "solve_ex", "sort", "svd", "svdvals", "take",
    "take_along_dim", "tensordot", "topk", "tril", "triu", "trunc", "vdot", "vecdot", "vector_norm", "where",
}
ALIKE = {"conj_physical", "gelu", "hardshrink", "softplus", "softshrink"}  # the same, in other words
_APART = ("index", "kthvalue", "take", "masked", "scatter")  # what may not be written where it is read


def with_out(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of that name with `out=`, if there is something to add."""
    if name not in OFFERED | EXACT | ALIKE:
        return function

    def call(*args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        result = function(*args, **kwargs)
        if out is None:
            return result
        read = tuple(x for x in args if isinstance(x, Tensor)) if name.startswith(_APART) else ()
        if name in ALIKE and isinstance(out, Tensor) and out.dtype is not result.dtype:
            raise RuntimeError(f"Found dtype {kind_name(out)} but expected {kind_name(result)}")
        if not isinstance(result, tuple):
            return into(out, result, *read, exact=name in EXACT)
        written = into_each(out, result, *read, exact=name in EXACT)
        return type(result)(*written) if hasattr(result, "_fields") else written

    call.__wrapped__ = function  # type: ignore[attr-defined]
    call.__doc__ = function.__doc__
    return call
