"""Arrays and JSON: a text that describes an object, and the memory of its tensors as NumPy's files beside it.

Each value that JSON cannot hold as it is stands in an object with one key, which names its kind.
"""
from __future__ import annotations

import io
import json
from collections import OrderedDict
from typing import Any

import numpy as np

from tapegrad import devices, dtypes, shapes
from tapegrad.nn.parameter import Parameter
from tapegrad.serialization import storages
from tapegrad.tensor import Tensor

TEXT = "object.json"
_SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "size": shapes.Size}
_MAPPINGS = {"dict": dict, "ordered": OrderedDict}
_KINDS = {"tensor": Tensor, "parameter": Parameter}
_NAMES = {kind: name for table in (_SEQUENCES, _MAPPINGS, _KINDS) for name, kind in table.items()}


def _file(array: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, allow_pickle=False)
    return out.getvalue()


def _array(content: bytes) -> Any:
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


class _Writer:
    def __init__(self) -> None:
        self.storages, self.arrays = storages.Writer(), list[Any]()
        self.known: dict[int, int] = {}  # tensors and containers that were met, by identity
        self.kept: list[Any] = []
        self.within: list[int] = []  # the containers that are being written

    def told(self, x: Any) -> Any:
        if id(x) in self.within:
            raise ValueError("an object that contains itself cannot be saved as arrays")
        self.within.append(id(x))
        told = self._told(x)
        self.within.pop()
        return told

    def _told(self, x: Any) -> Any:
        kind: Any = type(x)
        if x is None or kind in (bool, int, str):
            return x
        if kind is float:
            return x if x - x == 0 else {"float": repr(x)}
        if kind is complex:
            return {"complex": [self.told(x.real), self.told(x.imag)]}
        if kind is bytes:
            return {"bytes": x.hex()}
        if kind is dtypes.dtype:
            return {"dtype": x.name}
        if kind is devices.device:
            return {"device": str(x)}
        if id(x) in self.known:
            return {"again": self.known[id(x)]}
        self.known[id(x)] = len(self.kept)
        self.kept.append(x)
        name = _NAMES.get(kind)
        if name in _SEQUENCES:
            return {name: [self.told(v) for v in x]}
        if name in _MAPPINGS:
            return {name: [[self.told(k), self.told(v)] for k, v in x.items()]}
        if name is not None:
            block, place = self.storages.place(x)
            return {name: [block.key, block.dtype.name, *place, x.requires_grad]}
        if kind is np.ndarray and not x.dtype.hasobject:
            self.arrays.append(x)
            return {"array": len(self.arrays) - 1}
        raise TypeError(f"an object of type {kind.__name__} cannot be saved as arrays")


def entries(obj: Any) -> dict[str, Any]:
    """What a file holds for an object; TypeError for what is neither tensor, number, text, nor container of them."""
    writer = _Writer()
    text = json.dumps({"format": "tapegrad arrays", "version": 1, "object": writer.told(obj)})
    return {TEXT: text.encode(),
            **{f"storages/{b.key}.npy": _file(b.content) for b in writer.storages.blocks.values()},
            **{f"arrays/{n}.npy": _file(a) for n, a in enumerate(writer.arrays)}}


class _Reader:
    def __init__(self, found: Any) -> None:
        self.found = found
        self.blocks: dict[str, storages.Loaded] = {}
        self.kept: list[Any] = []

    def made(self, told: Any) -> Any:
        if not isinstance(told, dict):
            if isinstance(told, list):
                raise ValueError("a list stands where a value should")
            return told
        (kind, held), = told.items()
        if kind == "float":
            return float(held)
        if kind == "complex":
            return complex(*map(self.made, held))
        if kind == "bytes":
            return bytes.fromhex(held)
        if kind == "dtype":
            return dtypes.BY_NAME[held]
        if kind == "device":
            return devices.device(held)
        if kind == "again":
            return self.kept[held]
        at = len(self.kept)
        self.kept.append(None)
        if kind in _SEQUENCES:
            made: Any = _SEQUENCES[kind]([self.made(v) for v in held])
        elif kind in _MAPPINGS:
            made = _MAPPINGS[kind]((self.made(k), self.made(v)) for k, v in held)
        elif kind == "array":
            made = _array(self.found[f"arrays/{int(held)}.npy"])
        else:
            key, dtype, shape, strides, offset, requires_grad = held
            made = self.block(str(int(key)), dtypes.BY_NAME[dtype]).tensor(tuple(shape), tuple(strides), offset)
            if _KINDS[kind] is Parameter:
                made = Parameter(made, requires_grad)
            made.requires_grad_(requires_grad)
        self.kept[at] = made
        return made

    def block(self, key: str, dtype: dtypes.dtype) -> storages.Loaded:
        if key not in self.blocks:
            content = _array(self.found[f"storages/{key}.npy"]).tobytes()
            self.blocks[key] = storages.Loaded(dtype, content, len(content) // dtype.itemsize)
        if self.blocks[key].dtype is not dtype:
            raise ValueError(f"storage {key} is of {self.blocks[key].dtype}, not of {dtype}")
        return self.blocks[key]


def load(found: Any) -> Any:
    """The object in an archive; RuntimeError for a text that describes none."""
    try:
        told = json.loads(found[TEXT])
        return _Reader(found).made(told["object"])
    except RuntimeError:
        raise
    except Exception as error:  # a text has many ways not to be what it should
        told = f"{type(error).__name__}: {error}"
        raise RuntimeError(f"the file is damaged, or was not saved by tapegrad: {told}") from error
