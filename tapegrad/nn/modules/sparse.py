"""Tables whose rows are looked up by index."""
from __future__ import annotations

import weakref
from typing import Any

from tapegrad import creation
from tapegrad.autograd.modes import no_grad
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn import init
from tapegrad.nn.modules.module import Module
from tapegrad.nn.parameter import Parameter
from tapegrad.tensor import Tensor

show_public(__name__)


_by_rows: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()  # looked up with `sparse=True`


def by_rows(weight: Any) -> bool:
    """Whether a table was looked up with `sparse=True`: its gradient is one by rows in `optim.SparseAdam`'s eyes."""
    return _by_rows.get(id(weight)) is weight


class _Table(Module):
    """What both kinds have in common: the table, a row of it that stays zero, and how long rows may be."""

    weight: Tensor

    _inside = "Padding_idx must be within num_embeddings"
    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    def _build(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None, _weight: Any, frozen: bool,
               device: Any, dtype: Any, **options: Any) -> None:
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(self._inside)
            padding_idx %= num_embeddings
        self.__dict__.update(num_embeddings=num_embeddings, embedding_dim=embedding_dim, padding_idx=padding_idx,
                             **options)
        if _weight is not None and list(_weight.shape) != [num_embeddings, embedding_dim]:
            raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
        given = creation.empty((num_embeddings, embedding_dim), device=device,
                               dtype=dtype) if _weight is None else _weight
        self.weight = Parameter(given, requires_grad=not frozen)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        self._fill_padding_idx_with_zero()

    def _fill_padding_idx_with_zero(self) -> None:
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)


class Embedding(_Table):
    """The rows of a table (`torch.nn.Embedding`).

    >>> import tapegrad as torch
    >>> torch.nn.Embedding(10, 3)(torch.tensor([[1, 2], [3, 1]])).shape
    torch.Size([2, 2, 3])

    The row `padding_idx` starts as zeros and gets no gradient; rows longer than `max_norm` are shortened, in place,
    when they are looked up. Gradients are dense, and of a `sparse` table
    `optim.SparseAdam` changes the rows whose gradient is not zero.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
                 max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
                 sparse: bool = False, _weight: Any = None, _freeze: bool = False, device: Any = None, dtype: Any = None
                 ) -> None:
        super().__init__()
        self._build(num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device, dtype, max_norm=max_norm,
                    norm_type=norm_type, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)

    def forward(self, input: Any) -> Any:
        if self.sparse:
            _by_rows[id(self.weight)] = self.weight
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq,
                           self.sparse)

    def extra_repr(self) -> str:
        shown = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in (("padding_idx", None), ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False),
                            ("sparse", False)):
            value = getattr(self, name)
            shown += "" if value == usual else f", {name}={value}"
        return shown

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None,
                        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
                        sparse: bool = False) -> Any:
        """A module with this table, which is not trained unless `freeze` is False."""
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)


class EmbeddingBag(_Table):
    """Sums, means or maxima of bags of rows of a table (`torch.nn.EmbeddingBag`).

    >>> import tapegrad as torch
    >>> bag = torch.nn.EmbeddingBag(5, 3, mode='sum')
    >>> bag(torch.tensor([1, 2, 4]), torch.tensor([0, 2])).shape
    torch.Size([2, 3])
    """

    _inside = "padding_idx must be within num_embeddings"

    def __init__(self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float = 2.0,
                 scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, _weight: Any = None,
                 include_last_offset: bool = False, padding_idx: int | None = None, device: Any = None,
                 dtype: Any = None
                 ) -> None:
        super().__init__()
        self._build(num_embeddings, embedding_dim, padding_idx, _weight, False, device, dtype, max_norm=max_norm,
                    norm_type=norm_type, scale_grad_by_freq=scale_grad_by_freq, mode=mode, sparse=sparse,
                    include_last_offset=include_last_offset)

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        if self.sparse:
            _by_rows[id(self.weight)] = self.weight
        return F.embedding_bag(input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
                               self.mode, self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx)

    def extra_repr(self) -> str:
        shown = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in (("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False)):
            value = getattr(self, name)
            shown += "" if value == usual else f", {name}={value}"
        return shown + f", mode={self.mode!r}" + (f", padding_idx={self.padding_idx}" if self.padding_idx is not None
                                                  else "")

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, max_norm: float | None = None,
                        norm_type: float = 2.0,
                        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                        include_last_offset: bool = False, padding_idx: int | None = None) -> Any:
        """A module with this table, which is not trained unless `freeze` is False."""
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        made = cls(rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings,
                   include_last_offset, padding_idx)
        made.weight.requires_grad = not freeze
        return made
