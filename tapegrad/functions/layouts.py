"""Tensors that are kept as the places of what is not zero: how they are made and asked for (`torch.sparse_coo_tensor`).

Here are the functions of tensors that are not sparse; those that are, and what is done with them, are in `sparse.py`,
which is imported when the first is made.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tapegrad import errors
from tapegrad.functions.common import METHODS, public
from tapegrad.signatures import Tensor

if TYPE_CHECKING:
    from tapegrad.functions.sparse import SparseTensor


@public
def sparse_coo_tensor(indices: Any = None, values: Any = None, size: Any = None, *, dtype: Any = None,
                      device: Any = None, pin_memory: Any = False, requires_grad: Any = False,
                      check_invariants: Any = None, is_coalesced: Any = None) -> SparseTensor:
    """A tensor of numbers at places, and of zeros elsewhere (`torch.sparse_coo_tensor`).

    >>> import tapegrad as torch
    >>> a = torch.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
    >>> a @ torch.ones(3, 1)
    tensor([[3.],
            [9.]])

    `indices` has a row for each axis and a column for each number; values of more axes are numbers of that shape.
    Without a `size` the tensor is just large enough. A place may occur several times: its numbers are added, which
    `coalesce()` does. Operations that are written for such tensors are computed of their values, and have derivatives;
    any other is a NotImplementedError. RuntimeError where sizes and places do not go together.
    """
    from tapegrad.functions import sparse

    return sparse.from_parts(indices, values, size, dtype, device, requires_grad, bool(is_coalesced))


def to_sparse(self: Any, sparse_dim: Any = None, *, layout: Any = None, blocksize: Any = None,
              dense_dim: Any = None) -> SparseTensor:
    """The same numbers as a sparse tensor (`torch.Tensor.to_sparse`).

    >>> import tapegrad as torch
    >>> torch.eye(2).to_sparse().indices()
    tensor([[0, 1],
            [0, 1]])

    Of `sparse_dim` axes places are kept, all unless it is given. Only this layout: RuntimeError for another.
    """
    from tapegrad.functions import sparse

    return sparse.from_dense(self, sparse_dim, layout)


def to_sparse_coo(self: Any) -> SparseTensor:
    """The same numbers as a sparse tensor (`torch.Tensor.to_sparse_coo`).

    >>> import tapegrad as torch
    >>> torch.eye(2).to_sparse_coo().values()
    tensor([1., 1.])
    """
    return to_sparse(self)


def sparse_mask(self: Any, mask: Tensor) -> SparseTensor:
    """What stands at the places of a sparse tensor (`torch.Tensor.sparse_mask`).

    >>> import tapegrad as torch
    >>> torch.ones(2, 2).sparse_mask(torch.eye(2).to_sparse()).values()
    tensor([1., 1.])
    """
    from tapegrad.functions import sparse

    return sparse.masked(self, mask)


def to_dense(self: Any, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
    """The tensor itself, which is dense; of another dtype, a copy (`torch.Tensor.to_dense`)."""
    return self if dtype is None else self.to(dtype)


def _asks(name: str, kind: str = "sparse coordinate") -> Any:
    def refuse(self: Any) -> Any:
        raise RuntimeError(errors.NOT_SPARSE.format(name, kind))

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Of sparse tensors (`torch.Tensor.{name}`): RuntimeError for others."
    return refuse


METHODS["to_dense"], METHODS["sparse_mask"] = to_dense, sparse_mask
METHODS["to_sparse"], METHODS["to_sparse_coo"] = to_sparse, to_sparse_coo
for _name in ("coalesce", "indices", "_indices", "_values", "_nnz", "is_coalesced"):
    METHODS[_name] = _asks(_name)
METHODS["values"] = _asks("values", "sparse")


def sparse_dim(self: Any) -> int:
    """How many axes have places: of a tensor that is not sparse none (`torch.Tensor.sparse_dim`)."""
    return 0


def dense_dim(self: Any) -> int:
    """How many axes have no places: of a tensor that is not sparse all (`torch.Tensor.dense_dim`)."""
    return self.ndim


METHODS["sparse_dim"], METHODS["dense_dim"] = sparse_dim, dense_dim
