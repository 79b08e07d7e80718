"""Parameters as one vector, and back (`torch.nn.utils.convert_parameters`)."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tapegrad.functions import PUBLIC
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.nn.modules.module import typename

__all__ = ["parameters_to_vector", "vector_to_parameters"]
show_public(__name__)


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All parameters one after the other; differentiable (`torch.nn.utils.parameters_to_vector`).

    >>> import tapegrad as torch
    >>> parameters_to_vector([torch.ones(2), torch.zeros(1, 2)])
    tensor([1., 1., 0., 0.])
    """
    return PUBLIC["cat"]([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Give parameters the values of a vector (`torch.nn.utils.vector_to_parameters`): they become views of it.

    >>> import tapegrad as torch
    >>> x = torch.zeros(2)
    >>> torch.nn.utils.vector_to_parameters(torch.tensor([1.0, 2.0]), [x])
    >>> x
    tensor([1., 2.])
    """
    if not isinstance(vec, machine.TensorBase):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    start = 0
    for p in parameters:
        p.data = vec[start:start + p.numel()].view_as(p).data
        start += p.numel()
