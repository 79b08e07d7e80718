"""How arguments and results of exported programs are built, and matched with those of a call."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

CONTAINERS: dict[str, type] = {"tuple": tuple, "list": list, "dict": dict, "OrderedDict": OrderedDict}
PLAIN = (type(None), bool, int, float, str)
DEEPEST = 64  # containers in containers


class Leaves:
    """How arguments or results are built: containers, `leaves` in them (numbers of tensors, or (value,)), and `kinds`.

    `kinds` are a dtype and a shape for each different tensor among arguments.
    """

    spec: TreeSpec
    leaves: list[int | tuple[Any]]
    kinds: list[tuple[Any, tuple[int, ...]]]

    def __init__(self, spec: TreeSpec, leaves: list[int | tuple[Any]], kinds: list[tuple[Any, tuple[int, ...]]]
                 ) -> None:
        self.spec, self.leaves, self.kinds = spec, leaves, kinds
        self.tensors: list[Any] = []

    @classmethod
    def of(cls, values: Sequence[Any], spec: TreeSpec, what: str) -> Leaves:
        """Those of a value that was taken apart."""
        _told(spec)
        made = cls(spec, [], [])
        numbers: dict[int, int] = {}
        for value in values:
            if isinstance(value, Tensor):
                if id(value) not in numbers:
                    numbers[id(value)] = len(made.tensors)
                    made.tensors.append(value)
                made.leaves.append(numbers[id(value)])
            elif type(value) in PLAIN:
                made.leaves.append((value,))
            else:
                raise TypeError(f"a {type(value).__name__} is {what}: an exported function has tensors, numbers, "
                                "strings and None, in tuples, lists and dicts")
        made.kinds = [(x.dtype, tuple(x.shape)) for x in made.tensors]
        return made

    def built(self, tensors: Sequence[Any]) -> Any:
        """A value with these tensors."""
        return tree_unflatten([tensors[leaf] if isinstance(leaf, int) else leaf[0] for leaf in self.leaves], self.spec)

    def matched(self, value: Any) -> list[Any]:
        """The tensors of a value that is built so; RuntimeError for another."""
        leaves, spec = tree_flatten(value)
        if spec != self.spec:
            raise RuntimeError(f"Expected arguments to be built as {self.spec}, but got {spec}")
        found: list[Any] = [None] * len(self.kinds)
        for i, (wanted, x) in enumerate(zip(self.leaves, leaves)):
            if isinstance(wanted, tuple):
                if type(x) is not type(wanted[0]) or repr(x) != repr(wanted[0]):
                    raise RuntimeError(f"Expected input {i} to be equal to {wanted[0]!r}, but got {x!r}")
                continue
            dtype, shape = self.kinds[wanted]
            if not isinstance(x, Tensor):
                raise RuntimeError(f"Expected input {i} to be a tensor, but got {type(x)}")
            if x.dtype is not dtype or tuple(x.shape) != shape:
                raise RuntimeError(f"Expected input {i} to be of {dtype} and shape {list(shape)}, but got {x.dtype} "
                                   f"and {list(x.shape)}")
            if found[wanted] is not None and found[wanted] is not x:
                raise RuntimeError(f"Expected input {i} to be the tensor that was passed before it, but got another")
            found[wanted] = x
        return found

    def json(self) -> Any:
        leaves = [{"tensor": leaf} if isinstance(leaf, int) else {"value": leaf[0]} for leaf in self.leaves]
        return {"built": _told(self.spec), "leaves": leaves}


def _told(spec: TreeSpec, depth: int = 0) -> Any:
    """How a value is built, as JSON has it."""
    if spec.is_leaf():
        return "*"
    kind = next((name for name, of in CONTAINERS.items() if of is spec.type), None)
    keys = spec.context if issubclass(spec.type, dict) else []
    if kind is None or any(type(key) not in (str, int) for key in keys) or depth > DEEPEST:
        raise TypeError(f"a {spec.type.__name__} is passed or returned: an exported function has tuples, lists, and "
                        "dicts by strings and whole numbers")
    return [kind, list(keys), [_told(child, depth + 1) for child in spec.children_specs]]
