"""What `torch.sparse` offers of sparse tensors, which are in `functions/sparse.py`."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import dtypes, errors
from tapegrad.functions import sparse, sparse_rules
from tapegrad.functions.common import PUBLIC

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sum"]


def mm(mat1: Any, mat2: Any, reduce: Any = None) -> Any:
    """The product of a sparse matrix with a dense or a sparse one (`torch.sparse.mm`).

    >>> import tapegrad as torch
    >>> a = torch.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], (2, 2))
    >>> torch.sparse.mm(a, torch.ones(2, 1))
    tensor([[2.],
            [3.]])

    A gradient by a sparse operand is at its places. NotImplementedError for a `reduce`, RuntimeError for shapes that do
    not go together.
    """
    if reduce is not None:
        raise NotImplementedError("sparse.mm: sums only, there is no reduce")
    return PUBLIC["matmul"](mat1, mat2) if mat1.ndim == mat2.ndim == 2 else PUBLIC["mm"](mat1, mat2)


def addmm(mat: Any, mat1: Any, mat2: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Any:
    """`beta * mat + alpha * mat1 @ mat2` of a sparse `mat1` (`torch.sparse.addmm`).

    >>> import tapegrad as torch
    >>> torch.sparse.addmm(torch.ones(2, 1), torch.eye(2).to_sparse(), torch.ones(2, 1), alpha=2.0)
    tensor([[3.],
            [3.]])

    RuntimeError for shapes that do not go together.
    """
    return PUBLIC["addmm"](mat, mat1, mat2, beta=beta, alpha=alpha)


def sum(input: Any, dim: Any = None, dtype: Any = None) -> Any:
    """The sum of all elements, or along axes (`torch.sparse.sum`).

    >>> import tapegrad as torch
    >>> a = torch.tensor([[0.0, 2.0], [3.0, 4.0]]).to_sparse()
    >>> torch.sparse.sum(a), torch.sparse.sum(a, 0).to_dense()
    (tensor(9.), tensor([3., 6.]))

    Along some of the axes that places are kept of, the sum is sparse. IndexError for an axis that is not there.
    """
    input = input if dtype is None else input.to(dtype)
    return input.sum() if dim is None else input.sum(dim)


def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Shares that add up to one, of the numbers that are there (`torch.sparse.softmax`).

    >>> import tapegrad as torch
    >>> torch.sparse.softmax(torch.tensor([[0.0, 2.0], [3.0, 3.0]]).to_sparse(), 1).to_dense()
    tensor([[0.0000, 1.0000],
            [0.5000, 0.5000]])

    Elsewhere is minus infinity, whose share is zero. IndexError for an axis that is not there.
    """
    return sparse_rules.softmax(input if dtype is None else input.to(dtype), dim)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The logarithms of `softmax`'s shares (`torch.sparse.log_softmax`).

    >>> import tapegrad as torch
    >>> torch.sparse.log_softmax(torch.tensor([[0.0, 2.0]]).to_sparse(), 1).values()
    tensor([0.])

    IndexError for an axis that is not there.
    """
    return sparse_rules.softmax(input if dtype is None else input.to(dtype), dim, logarithm=True)


def _of(kind: str) -> Callable[..., Any]:
    dtype = next(dtypes.BY_NAME[name] for name, of in errors.KINDS.items() if of == kind)

    def make(*args: Any) -> Any:
        if args and not isinstance(args[0], (int, tuple, list)):
            indices, values, *shape = args
            if values.dtype is not dtype:
                raise TypeError(f"expected {kind} (got torch.{errors.KINDS[values.dtype.name]})")
            return sparse.from_parts(indices, values, shape[0] if shape else None, None, None, False)
        size = args[0] if args and isinstance(args[0], (tuple, list)) else args
        return sparse.from_parts(None, None, size or (0,), dtype, None, False)

    make.__name__ = make.__qualname__ = kind
    make.__doc__ = f"A sparse tensor of {dtype.name}, by its name of long ago (`torch.sparse.{kind}`)."
    return make


BFloat16Tensor: Callable[..., Any] = _of("BFloat16Tensor")
ByteTensor: Callable[..., Any] = _of("ByteTensor")
CharTensor: Callable[..., Any] = _of("CharTensor")
DoubleTensor: Callable[..., Any] = _of("DoubleTensor")
FloatTensor: Callable[..., Any] = _of("FloatTensor")
HalfTensor: Callable[..., Any] = _of("HalfTensor")
IntTensor: Callable[..., Any] = _of("IntTensor")
LongTensor: Callable[..., Any] = _of("LongTensor")
ShortTensor: Callable[..., Any] = _of("ShortTensor")
__all__ += ["BFloat16Tensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
            "LongTensor", "ShortTensor"]
