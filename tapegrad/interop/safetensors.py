"""Files of the safetensors package, which is not installed with tapegrad (`safetensors.torch`).

>>> import tapegrad
>>> data = save({"weight": tapegrad.ones(2)})
>>> load(data)
{'weight': tensor([1., 1.])}
"""
from __future__ import annotations

import os
from typing import Any

import safetensors.numpy

from tapegrad import creation
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["load", "load_file", "save", "save_file"]
show_public(__name__)


def _arrays(tensors: dict[str, Tensor]) -> dict[str, Any]:
    for name, x in tensors.items():
        if not isinstance(x, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(x)}")
    return {name: x.detach().contiguous().numpy() for name, x in tensors.items()}


def _tensors(arrays: dict[str, Any]) -> dict[str, Tensor]:
    return {name: creation.copied(array) for name, array in arrays.items()}


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Tensors by name, as the bytes of a file (`safetensors.torch.save`).

    Raises ValueError for what is no tensor. Tensors that share memory are written one by one.
    """
    return safetensors.numpy.save(_arrays(tensors), metadata)


def save_file(tensors: dict[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
              ) -> None:
    """Tensors by name into a file (`safetensors.torch.save_file`)."""
    safetensors.numpy.save_file(_arrays(tensors), os.fspath(filename), metadata)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a file (`safetensors.torch.load`); SafetensorError where they are damaged."""
    return _tensors(safetensors.numpy.load(data))


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors in a file (`safetensors.torch.load_file`)."""
    return _tensors(safetensors.numpy.load_file(os.fspath(filename)))
