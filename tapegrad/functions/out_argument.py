"""`out=` where a function's own code says nothing about it: two tables, and what reads them.

`OFFERED` take it without a parameter of that name; what is `EXACT` wants the very dtype of its result there. All others
cast, within the kind of number (`dispatch.into`).
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad.functions.common import into
from tapegrad.tensor import Tensor

OFFERED = {
    "softmax", "log_softmax", "scatter", "scatter_add", "scatter_reduce", "index_reduce", "slice_scatter", "isin",
    "svd", "eigh", "qr", "lu", "lu_factor", "inv_ex", "cholesky_ex", "softshrink", "hardshrink", "gelu", "softplus",
    "avg_pool2d", "avg_pool3d", "linear", "normalize", "glu", "leaky_relu", "elu",
}
EXACT = {
    "abs", "addbmm", "addmm", "addmv", "amax", "amin", "argmax", "argmin", "baddbmm", "bitwise_not", "bmm",
    "bucketize", "ceil", "cholesky", "cross", "cummax", "cummin", "diag", "dot", "eigh", "floor", "frac", "histc",
    "index_add", "index_copy", "index_reduce", "index_select", "inner", "inv", "isin", "isneginf", "isposinf",
    "kthvalue", "log_softmax", "logcumsumexp", "lu", "lu_factor", "masked_select", "matmul", "matrix_power", "mm",
    "mode", "msort", "multi_dot", "mv", "nan_to_num", "nanquantile", "narrow_copy", "neg", "qr", "quantile", "renorm",
    "round", "scatter", "scatter_add", "scatter_reduce", "searchsorted", "sgn", "sign", "signbit", "softmax", "sort",
    "svd", "take", "take_along_dim", "tensordot", "topk", "tril", "triu", "trunc", "vdot", "vecdot", "where",
}
_APART = ("index", "kthvalue", "take", "masked", "scatter")  # what may not be written where it is read


def with_out(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of that name with `out=`, if there is something to add."""
    if name not in OFFERED and name not in EXACT:
        return function

    def written(out: Any, result: Any, read: tuple[Any, ...]) -> Any:
        return into(out, result, *read, exact=name in EXACT)

    def call(*args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        result = function(*args, **kwargs)
        if out is None:
            return result
        read = tuple(x for x in args if isinstance(x, Tensor)) if name.startswith(_APART) else ()
        if not isinstance(result, tuple):
            return written(out, result, read)
        if len(out) != len(result):
            raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
        for o, r in zip(out, result):
            written(o, r, read)
        return type(result)(*out) if hasattr(result, "_fields") else tuple(out)

    call.__wrapped__ = function  # type: ignore[attr-defined]
    call.__doc__ = function.__doc__
    return call
