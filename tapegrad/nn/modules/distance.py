"""How near two tensors are."""
from __future__ import annotations

from tapegrad.namespaces import show_public
from tapegrad.nn.modules._layer import Layer

show_public(__name__)


class PairwiseDistance(Layer, function="pairwise_distance", operands="x1, x2"):
    """The norms of the differences of rows (`torch.nn.PairwiseDistance`).

    >>> import tapegrad as torch
    >>> torch.nn.PairwiseDistance(eps=0.0)(torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([5., 1.])
    """

    p: float = 2.0
    eps: float = 1e-6
    keepdim: bool = False
    _shows = ""


class CosineSimilarity(Layer, function="cosine_similarity", operands="x1, x2"):
    """The cosine of the angle between two vectors, along an axis (`torch.nn.CosineSimilarity`).

    >>> import tapegrad as torch
    >>> torch.nn.CosineSimilarity(dim=0)(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0]))
    tensor(0.7071)
    """

    dim: int = 1
    eps: float = 1e-8
    _shows = ""
