"""What distributions share: broadcasting of parameters, probabilities and logits, lazy properties."""
from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

import tapegrad as torch
from tapegrad import Tensor
from tapegrad.namespaces import show_public
from tapegrad.nn.functional import binary_cross_entropy_with_logits, softmax

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec",
           "vec_to_tril_matrix"]
show_public(__name__)

euler_constant: float = 0.57721566490153286060  # Euler and Mascheroni's


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape (`torch.distributions.utils.broadcast_all`).

    >>> [x.tolist() for x in broadcast_all(1.0, torch.zeros(2))]
    [[1.0, 1.0], [0.0, 0.0]]

    Numbers take the dtype of the tensors, or the default dtype. ValueError for anything else.
    """
    if not all(isinstance(v, (Tensor, Number)) for v in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing "
                         "__torch_function__.")
    of = next((v.dtype for v in values if isinstance(v, Tensor)), torch.get_default_dtype())
    return torch.broadcast_tensors(*(v if isinstance(v, Tensor) else torch.tensor(v, dtype=of) for v in values))


def _standard_normal(shape: Any, dtype: Any, device: Any = None) -> Tensor:
    return torch.normal(torch.zeros(shape, dtype=dtype), torch.ones(shape, dtype=dtype))


def holds(checked: Tensor) -> bool:
    """Whether a check passed everywhere, on every lane of a `vmap`."""
    while checked._stands_in:
        checked = checked._value
    return bool(checked.all())


def _sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last `dim` axes."""
    return value if dim == 0 else value.reshape((*value.shape[:-dim], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from log-odds, or from logarithms up to a constant.

    >>> import tapegrad as torch
    >>> torch.distributions.utils.logits_to_probs(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """
    return torch.sigmoid(logits) if is_binary else softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept off 0 and 1 by the dtype's precision.

    >>> import tapegrad as torch
    >>> torch.distributions.utils.clamp_probs(torch.tensor([0.0, 1.0]))
    tensor([1.1921e-07, 1.0000e+00])
    """
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log-odds of probabilities, or their logarithms.

    >>> import tapegrad as torch
    >>> torch.distributions.utils.probs_to_logits(torch.tensor([0.5]), is_binary=True)
    tensor([0.])
    """
    safe = clamp_probs(probs)
    return torch.log(safe) - torch.log1p(-safe) if is_binary else torch.log(safe)


def cross_entropy_of_logits(logits: Tensor, probs: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, probs, reduction="none")


class lazy_property:
    """A property that is computed, with gradients, when first asked for, and then an attribute.

    Of the class it is a property, so that `help` finds its text.
    """

    __name__: str

    def __init__(self, wrapped: Callable[..., Any]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__
        self.__name__ = wrapped.__name__

    def __get__(self, instance: Any, of: Any = None) -> Any:
        if instance is None:
            return _ClassProperty(self.wrapped)
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.__name__, value)
        return value


class _ClassProperty(property):
    def __init__(self, wrapped: Callable[..., Any]) -> None:
        property.__init__(self, wrapped)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The lower triangles of matrices, a row after the other; those below a diagonal.

    >>> tril_matrix_to_vec(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 3, 4])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = torch.tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Lower triangular matrices from their elements: what `tril_matrix_to_vec` undoes.

    >>> vec_to_tril_matrix(torch.tensor([1.0, 3.0, 4.0]))
    tensor([[1., 0.],
            [3., 4.]])
    """
    n = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) - n > torch.finfo(vec.dtype).eps or abs(round(n) - n) > 1e-6:
        raise ValueError(f"The size of last dimension is {vec.shape[-1]} which cannot be expressed as the lower "
                         "triangular part of a square D x D matrix.")
    n = round(n)
    rows, columns = torch.tril_indices(n, n, diag)
    place = torch.zeros((*vec.shape[:-1], n * n), dtype=vec.dtype)
    flat = (rows * n + columns).expand(vec.shape)
    return place.scatter(-1, flat, vec).reshape((*vec.shape[:-1], n, n))
