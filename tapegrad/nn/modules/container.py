"""Modules that hold others, and parameters, in order or by name."""
from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from typing import Any

from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.nn.modules.module import Module, typename
from tapegrad.nn.parameter import Parameter

show_public(__name__)


class Container(Module):
    """Modules by name (deprecated in PyTorch)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        warnings.warn("`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. "
                      "Subclass "
                      "that instead.", FutureWarning, stacklevel=2)
        for name, module in kwargs.items():
            self.add_module(name, module)


class _Numbered(Module):
    """What `Sequential` and `ModuleList` have in common: modules that are called 0, 1, …"""

    def _name_at(self, idx: Any) -> str:
        names, idx = list(self._modules), operator.index(idx)
        if not -len(names) <= idx < len(names):
            raise IndexError(f"index {idx} is out of range")
        return names[idx]

    def _sliced(self, idx: slice) -> Any:
        return type(self)(list(self._modules.values())[idx])

    def __getitem__(self, idx: Any) -> Any:
        return self._sliced(idx) if isinstance(idx, slice) else self._modules[self._name_at(idx)]

    def __setitem__(self, idx: Any, module: Any) -> None:
        setattr(self, self._name_at(idx), module)

    def __delitem__(self, idx: Any) -> None:
        for name in list(self._modules)[idx] if isinstance(idx, slice) else [self._name_at(idx)]:
            delattr(self, name)
        self._modules = {str(j): module for j, module in enumerate(self._modules.values())}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def append(self, module: Any) -> Any:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Any]) -> Any:
        """Add modules at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__}.extend should be called with an iterable, but got "
                            f"{type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def _make_room(self, index: int) -> None:
        for j in range(len(self), index, -1):
            self._modules[str(j)] = self._modules[str(j - 1)]

    def pop(self, key: Any) -> Any:
        """Take a module out."""
        found = self[key]
        del self[key]
        return found


class Sequential(_Numbered):
    """Modules called one after the other (`torch.nn.Sequential`).

    >>> import tapegrad as torch
    >>> net = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Flatten(0))
    >>> net(torch.ones(2, 2))
    tensor([1., 1., 1., 1.])
    >>> net[1:]
    Sequential(
      (1): Flatten(start_dim=0, end_dim=-1)
    )

    An `OrderedDict` gives names to modules.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name) if isinstance(name, int) else name, module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def _sliced(self, idx: slice) -> Any:
        return type(self)(OrderedDict(list(self._modules.items())[idx]))

    def insert(self, index: int, module: Any) -> Any:
        """Add a module before the one at `index`."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"Index out of range: {index}")
        index += n * (index < 0)
        self._make_room(index)
        self._modules[str(index)] = module
        return self

    @staticmethod
    def _expect(other: Any) -> None:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")

    def _times(self, n: Any) -> int:
        if not isinstance(n, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(n)}")
        if n <= 0:
            raise ValueError(f"Non-positive multiplication factor {n} for {type(self)}")
        return n

    def __add__(self, other: Any) -> Sequential:
        self._expect(other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Any:
        self._expect(other)
        return self.extend(other)

    def __mul__(self, other: Any) -> Sequential:
        return Sequential(*list(self) * self._times(other))

    __rmul__ = __mul__

    def __imul__(self, other: Any) -> Any:
        return self.extend(list(self) * (self._times(other) - 1))


class ModuleList(_Numbered):
    """A list of modules (`torch.nn.ModuleList`), whose parameters are those of the module that holds it.

    >>> from tapegrad import nn
    >>> nn.ModuleList([nn.Linear(2, 2) for _ in range(2)])
    ModuleList(
      (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Any] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def insert(self, index: int, module: Any) -> None:
        """Add a module before the one at `index`."""
        index = min(max(index + len(self), 0) if index < 0 else index, len(self))
        self._make_room(index)
        self._modules[str(index)] = module

    def __iadd__(self, modules: Iterable[Any]) -> Any:
        return self.extend(modules)

    def __add__(self, other: Iterable[Any]) -> ModuleList:
        return ModuleList(chain(self, other))

    def __repr__(self) -> str:
        runs: list[tuple[int, int, str]] = []
        for j, shown in enumerate(map(repr, self)):
            if runs and runs[-1][2] == shown:
                runs[-1] = runs[-1][0], j, shown
            else:
                runs.append((j, j, shown))
        if not runs:
            return f"{self._get_name()}()"
        lines = [(f"({a}): {shown}" if a == b else f"({a}-{b}): {b - a + 1} x {shown}").replace("\n", "\n  ")
                 for a, b, shown in runs]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


def _pairs(name: str, given: Any, called: str) -> Iterator[tuple[Any, Any]]:
    """The pairs of a mapping, or of an iterable of pairs; TypeError or ValueError for what is neither."""
    if not isinstance(given, Iterable):
        raise TypeError(f"{called}.update should be called with an iterable of key/value pairs, but got "
                        f"{type(given).__name__}")
    if isinstance(given, (Mapping, ModuleDict, ParameterDict)):
        yield from given.items()
        return
    for j, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{name} update sequence element #{j} should be Iterable; is{type(pair).__name__}")
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(f"{name} update sequence element #{j} has length {len(pair)}; 2 is required")
        yield pair


class ModuleDict(Module):
    """Modules by name (`torch.nn.ModuleDict`).

    >>> from tapegrad import nn
    >>> list(nn.ModuleDict({"first": nn.Identity()}).keys())
    ['first']
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Any) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Take a module out."""
        return self._modules.pop(key)

    def keys(self) -> KeysView[str]:
        """The names, in their order."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Any]:
        """Names and modules."""
        return self._modules.items()

    def values(self) -> ValuesView[Any]:
        """The modules, in their order."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping, or of pairs."""
        for key, module in _pairs("ModuleDict", modules, "ModuleDict"):
            self[key] = module


def _shown(key: Any, value: Any, kind: Any) -> str:
    if not isinstance(value, machine.TensorBase):
        return f"  ({key}): Object of type: {type(value).__name__}"
    what = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"  ({key}): {what} containing: [{kind(value)} of size {'x'.join(map(str, value.shape))}]"


def _as_parameter(value: Any) -> Any:
    """A tensor as a parameter; anything else as it is."""
    return Parameter(value) if isinstance(value, machine.TensorBase) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """A list of parameters (`torch.nn.ParameterList`); tensors become parameters, other things stay what they are.

    >>> import tapegrad as torch
    >>> torch.nn.ParameterList([torch.ones(2), torch.zeros(2, 3)])
    ParameterList(
        (0): Parameter containing: [torch.float32 of size 2]
        (1): Parameter containing: [torch.float32 of size 2x3]
    )
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name_at(self, idx: Any) -> str:
        idx = operator.index(idx)
        if not -len(self) <= idx < len(self):
            raise IndexError(f"index {idx} is out of range")
        return str(idx % len(self))

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)([self[j] for j in range(*idx.indices(len(self)))])
        return getattr(self, self._name_at(idx))

    def __setitem__(self, idx: Any, param: Any) -> None:
        setattr(self, self._name_at(idx), _as_parameter(param))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter(self[j] for j in range(len(self)))

    def __iadd__(self, parameters: Iterable[Any]) -> Any:
        return self.extend(parameters)

    def append(self, value: Any) -> Any:
        """Add a value at the end."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Any:
        """Add values at the end."""
        if not isinstance(values, Iterable) or isinstance(values, machine.TensorBase):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(_shown(j, value, lambda x: x.dtype) for j, value in enumerate(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """Parameters by name (`torch.nn.ParameterDict`); tensors become parameters, other things stay what they are.

    >>> import tapegrad as torch
    >>> torch.nn.ParameterDict({"slope": torch.ones(2)})
    ParameterDict(  (slope): Parameter containing: [torch.FloatTensor of size 2])
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    @staticmethod
    def _checked(key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError("Index given to ParameterDict cannot be used as a key as it is not a string (type is "
                            f"'{type(key).__name__}'). Open an issue on github if you need non-string keys.")
        return key

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._checked(key))

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, self._checked(key), _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        """The same parameters in another dict."""
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """What `key` stands for; `default` where that is nothing, from then on."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Take everything out."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        """Take a value out."""
        found = self[key]
        del self[key]
        return found

    def popitem(self) -> tuple[str, Any]:
        """Take out the value that came last."""
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """What `key` stands for, or `default`."""
        return self[key] if key in self else default  # noqa: SIM401

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dict of these keys, with one value."""
        return ParameterDict((key, default) for key in keys)

    def keys(self) -> KeysView[str]:
        """The names, in their order."""
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and values."""
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        """The values, in their order."""
        return (self[key] for key in self._keys)

    def update(self, parameters: Any) -> None:
        """Add the values of a mapping, or of pairs; those of a plain dict in the order of their names."""
        plain = isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict)
        for key, value in _pairs("ParameterDict", sorted(parameters.items()) if plain else parameters,
                                 "ParametersDict"):
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(_shown(key, value, typename) for key, value in self.items())

    def __call__(self, input: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: Any) -> ParameterDict:
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: Any) -> ParameterDict:
        made = other.copy()
        made.update(self)
        return made

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self
