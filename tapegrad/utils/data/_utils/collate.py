"""From a list of samples to a batch: tensors are stacked, containers keep their form."""
from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

import tapegrad
from tapegrad import creation, dtypes
from tapegrad.tensor import Tensor

Rules = dict[Any, Callable[..., Any]]
_FOUND = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _is_text(array: Any) -> bool:
    return array.dtype.kind in "SUO"


def _stacked(batch: Any, **_: Any) -> Tensor:
    return tapegrad.stack(list(batch), 0)


def _arrays(batch: Any, *, collate_fn_map: Any) -> Any:
    if _is_text(batch[0]):
        raise TypeError(_FOUND.format(batch[0].dtype))
    if len({(array.dtype, array.shape) for array in batch}) == 1:
        return creation.from_numpy(np.stack(batch))
    return collate([creation.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


default_collate_fn_map: Rules = {
    Tensor: _stacked,
    np.ndarray: _arrays,
    (np.bool_, np.number, np.object_): lambda batch, **_: creation.as_tensor(np.asarray(batch)),
    float: lambda batch, **_: creation.tensor(batch, dtype=dtypes.float64),
    int: lambda batch, **_: creation.tensor(batch),
    str: lambda batch, **_: batch,
    bytes: lambda batch, **_: batch,
}


def _mapping(like: Any, items: dict[Any, Any]) -> Any:
    """A mapping of the kind of another, with its attributes; a dict where there can be no such."""
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)
            made.update(items)
            return made
        return type(like)(items)
    except TypeError:
        return items


def _sequence(like: Any, items: list[Any]) -> Any:
    """A sequence of the kind of another; a list where there can be no such, and for a tuple."""
    if isinstance(like, tuple):
        return type(like)(*items) if hasattr(like, "_fields") else items
    try:
        if isinstance(like, MutableSequence):
            made = copy.copy(like)
            for i, item in enumerate(items):
                made[i] = item
            return made
        return type(like)(items)
    except TypeError:
        return items


def collate(batch: Any, *, collate_fn_map: Rules | None = None) -> Any:
    """A batch of samples by rules for kinds of elements, which containers are gone through for.

    >>> from tapegrad.utils.data._utils.collate import collate
    >>> collate([(1, "a"), (2, "b")], collate_fn_map={(int, str): lambda batch, **_: max(batch)})
    [2, 'b']
    """
    element = batch[0]
    rules = collate_fn_map or {}
    rule = rules.get(type(element)) or next((rules[kind] for kind in rules if isinstance(element, kind)), None)
    if rule is not None:
        return rule(batch, collate_fn_map=collate_fn_map)
    if isinstance(element, Mapping):
        return _mapping(element, {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map)
                                  for key in element})
    if isinstance(element, Sequence):
        if any(len(sample) != len(element) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return _sequence(element, [collate(samples, collate_fn_map=collate_fn_map) for samples in zip(*batch)])
    raise TypeError(_FOUND.format(type(element)))


def default_collate(batch: Any) -> Any:
    """A batch of samples: tensors, arrays and numbers become tensors with one axis more (`default_collate`).

    >>> from tapegrad.utils.data import default_collate
    >>> default_collate([{"x": 1.0, "name": "a"}, {"x": 2.0, "name": "b"}])
    {'x': tensor([1., 2.], dtype=torch.float64), 'name': ['a', 'b']}

    TypeError for elements of another kind, RuntimeError for sequences that are not of one length.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def default_convert(data: Any) -> Any:
    """One sample with tensors for its arrays and NumPy numbers (`default_convert`).

    >>> import numpy as np
    >>> from tapegrad.utils.data import default_convert
    >>> default_convert({"x": np.ones(2, "float32"), "name": "a"})
    {'x': tensor([1., 1.]), 'name': 'a'}
    """
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if _is_text(data) else creation.as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence):
        return _sequence(data, [default_convert(item) for item in data])
    return data
