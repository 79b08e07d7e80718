"""Parameters with some of their elements held at zero (`torch.nn.utils.prune`).

A pruned parameter `w` is a parameter `w_orig` and a buffer `w_mask`; `w` is their product, made anew before each
forward by a hook, the method. A method that is applied to what is pruned already prunes what is left, and both are in a
`PruningContainer`.
"""
from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import Any

import numpy as np

from tapegrad import creation, drawing, dtypes, linalg
from tapegrad.functions import PUBLIC
from tapegrad.namespaces import show_public
from tapegrad.nn.modules.module import Module

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
           "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
           "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove"]
show_public(__name__)


def _hooks(module: Module, name: str | None = None) -> list[tuple[int, BasePruningMethod]]:
    """The methods that prune a module, or one parameter of it, with the numbers of their hooks."""
    return [(id, hook) for id, hook in module._forward_pre_hooks.items()
            if isinstance(hook, BasePruningMethod) and name in (None, hook._tensor_name)]


def _amount(amount: Any) -> Any:
    """An amount that can be one: a share, or a number of elements."""
    if not isinstance(amount, (int, float, np.generic)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    amount = dtypes.number(amount)
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
    return amount


def _count(amount: Any, size: int) -> int:
    """How many of so many elements, or channels, an amount is."""
    if isinstance(amount, float):
        return round(amount * size)
    if amount > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return int(amount)


class BasePruningMethod(abc.ABC):
    """What chooses the elements of a parameter that are zero: `compute_mask` says which (`BasePruningMethod`).

    >>> import tapegrad as torch
    >>> issubclass(torch.nn.utils.prune.Identity, torch.nn.utils.prune.BasePruningMethod)
    True

    `PRUNING_TYPE` is "unstructured" (of elements), "structured" (of channels along `dim`) or "global"; it decides what
    a second method is shown of what a first one has pruned.
    """

    _tensor_name: str
    PRUNING_TYPE: str
    dim: int

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abc.abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """Ones where elements stay: those of `default_mask`, less what is pruned."""

    def apply_mask(self, module: Module) -> Any:
        """The parameter times its mask."""
        name = getattr(self, "_tensor_name", None)
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        original = getattr(module, name + "_orig")
        return getattr(module, name + "_mask").to(original.dtype) * original

    @classmethod
    def apply(cls, module: Module, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter by a method with these arguments; returns the hook that does it."""
        before = _hooks(module, name)
        if len(before) > 1:
            raise AssertionError(f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. "
                                 "Use a PruningContainer.")
        method = cls(*args, **kwargs)
        hook: BasePruningMethod = method
        method._tensor_name = name
        if before:
            ((id, first),) = before
            container = first if isinstance(first, PruningContainer) else PruningContainer(first)
            container.add_pruning_method(method)
            hook = container
        held = getattr(module, name)
        scores = held if importance_scores is None else importance_scores
        if scores.shape != held.shape:
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}, got "
                                 f"{scores.shape} vs {held.shape}")
        mask = getattr(module, name + "_mask") if before else creation.ones_like(held)
        mask = hook.compute_mask(scores.detach(), default_mask=mask.detach())  # refused before anything is changed
        if before:
            del module._forward_pre_hooks[id]
        else:
            module.register_parameter(name + "_orig", held)
            del module._parameters[name]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, hook.apply_mask(module))
        module.register_forward_pre_hook(hook)
        return hook

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """A tensor with what the method chooses at zero.

        >>> import tapegrad as torch
        >>> torch.nn.utils.prune.L1Unstructured(2).prune(torch.tensor([3.0, -1.0, 2.0, -4.0]))
        tensor([ 3., -0.,  0., -4.])
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        mask = creation.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Module) -> None:
        """Make the parameter a plain one again, with its zeros."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        original = module._parameters.pop(name + "_orig")
        assert original is not None
        original.data = (getattr(module, name + "_mask").to(original.dtype) * original).data
        del module._buffers[name + "_mask"]
        if name in module.__dict__:
            delattr(module, name)
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Methods that prune one parameter, one after the other (`torch.nn.utils.prune.PruningContainer`).

    >>> import tapegrad as torch
    >>> methods = torch.nn.utils.prune.PruningContainer()
    >>> len(methods)
    0
    """

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        methods = args if len(args) != 1 or not isinstance(args[0], Iterable) else tuple(args[0])
        if len(args) == 1 and not isinstance(args[0], Iterable):
            self._tensor_name = args[0]._tensor_name
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """One more; ValueError for another parameter's, TypeError for what is none."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError("Can only add pruning methods acting on the parameter named "
                             f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: Any) -> Any:
        return self._pruning_methods[index]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask so far, less what the latest method prunes of what is left."""
        method, mask = self._pruning_methods[-1], default_mask.clone()
        kept: Any = default_mask == 1
        if method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim
            kept = (slice(None),) * dim + (mask.sum([d for d in range(t.ndim) if d != dim]) != 0,)
        elif method.PRUNING_TYPE == "global":
            kept = slice(None)
        elif method.PRUNING_TYPE != "unstructured":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask[kept] = method.compute_mask(t[kept], default_mask=mask[kept]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Nothing is pruned: a mask of ones, to be written to (`torch.nn.utils.prune.Identity`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> _ = torch.nn.utils.prune.Identity.apply(layer, 'weight')
    >>> layer.weight_mask
    tensor([[1., 1.]])
    """

    PRUNING_TYPE: str = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        return default_mask


class _OfAmount(BasePruningMethod):
    """Methods that prune so many elements, or channels along `dim`."""

    def __init__(self, amount: Any) -> None:
        self.amount: Any = _amount(amount)


class _Unstructured(_OfAmount):
    """Methods that prune single elements: those at `places`."""

    PRUNING_TYPE: str = "unstructured"

    def places(self, t: Any, n: int) -> Any:
        """Where `n` elements lie that are pruned, counted flat."""
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        mask = default_mask.contiguous().clone()
        n = _count(self.amount, t.numel())
        if n:
            mask.view(-1)[self.places(t, n)] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Elements drawn at random (`torch.nn.utils.prune.RandomUnstructured`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(4, 1)
    >>> _ = torch.nn.utils.prune.RandomUnstructured.apply(layer, 'weight', 1)
    >>> int(layer.weight_mask.sum())
    3
    """

    def places(self, t: Any, n: int) -> Any:
        return drawing.rand_like(t).view(-1).topk(n).indices


class L1Unstructured(_Unstructured):
    """The elements nearest to zero (`torch.nn.utils.prune.L1Unstructured`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(4, 1)
    >>> _ = torch.nn.utils.prune.L1Unstructured.apply(layer, 'weight', 0.5)
    >>> int(layer.weight_mask.sum())
    2
    """

    def places(self, t: Any, n: int) -> Any:
        return t.abs().reshape(-1).topk(n, largest=False).indices


class _Structured(_OfAmount):
    """Methods that prune whole channels: the `n` with the least of what `measure` says of each."""

    PRUNING_TYPE: str = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def measure(self, t: Any, dim: int, n: int) -> Any:
        """The channels that stay, of which `n` are pruned."""
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        if t.ndim <= 1:
            raise ValueError("Structured pruning can only be applied to multidimensional tensors. Found tensor of "
                             f"shape {t.shape} with {t.ndim} dims")
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        dim = self.dim % t.ndim
        n = _count(self.amount, t.shape[dim])
        if not n:
            return default_mask
        kept = self.measure(t, dim, n).to(default_mask.dtype)
        return default_mask * kept.reshape([-1 if d == dim else 1 for d in range(t.ndim)])


class RandomStructured(_Structured):
    """Channels drawn at random (`torch.nn.utils.prune.RandomStructured`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(4, 2)
    >>> _ = torch.nn.utils.prune.RandomStructured.apply(layer, 'weight', 0.5, dim=0)
    >>> layer.weight_mask.sum(1).sort().values
    tensor([0., 4.])
    """

    def measure(self, t: Any, dim: int, n: int) -> Any:
        drawn = drawing.rand(t.shape[dim])
        return drawn > drawn.kthvalue(n).values


class LnStructured(_Structured):
    """The channels of the smallest norm (`torch.nn.utils.prune.LnStructured`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(4, 2)
    >>> _ = torch.nn.utils.prune.LnStructured.apply(layer, 'weight', 0.5, n=2, dim=0)
    >>> layer.weight_mask.sum(1).sort().values
    tensor([0., 4.])
    """

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def measure(self, t: Any, dim: int, n: int) -> Any:
        norms = linalg.vector_norm(t, float(self.n), [d for d in range(t.ndim) if d != dim])
        kept = creation.zeros(t.shape[dim], dtype=t.dtype)
        if n < len(norms):
            kept[norms.topk(len(norms) - n).indices] = 1
        return kept


class CustomFromMask(BasePruningMethod):
    """What a given mask has zeros for (`torch.nn.utils.prune.CustomFromMask`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> _ = torch.nn.utils.prune.CustomFromMask.apply(layer, 'weight', torch.tensor([[0.0, 1.0]]))
    >>> layer.weight_mask
    tensor([[0., 1.]])
    """

    PRUNING_TYPE: str = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: Module, name: str) -> Module:
    """Pruning in form, with a mask of ones (`torch.nn.utils.prune.identity`)."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Any) -> Module:
    """Hold random elements of a parameter at zero (`torch.nn.utils.prune.random_unstructured`)."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: Any, importance_scores: Any = None) -> Module:
    """Hold the smallest elements of a parameter at zero (`torch.nn.utils.prune.l1_unstructured`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(3, 1)
    >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, -1.0, 2.0]]))
    >>> l1_unstructured(layer, "weight", amount=1).weight
    tensor([[3., -0., 2.]], grad_fn=<MulBackward0>)

    `amount` is a share, or a number of elements; ValueError for more than there are. `importance_scores`, shaped like
    the parameter, are looked at in its stead.
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Any, dim: int) -> Module:
    """Hold random channels of a parameter at zero (`torch.nn.utils.prune.random_structured`)."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Module, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Module:
    """Hold the channels of the smallest norm at zero (`torch.nn.utils.prune.ln_structured`)."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Any) -> Module:
    """Hold what a mask says at zero (`torch.nn.utils.prune.custom_from_mask`)."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any) -> None:
    """Prune elements of several parameters as if they were one (`torch.nn.utils.prune.global_unstructured`).

    `parameters` are pairs of a module and a name; TypeError for others, and for methods of channels.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs = list(parameters)
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    method = PruningContainer()
    method._tensor_name = "temp"
    only = pruning_method(**kwargs)
    only._tensor_name = "temp"
    if only.PRUNING_TYPE != "unstructured":
        raise TypeError('Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
                        f"{pruning_method} of type {only.PRUNING_TYPE}")
    method.add_pruning_method(only)
    held = [getattr(module, name) for module, name in pairs]
    looked_at = [scores.get((module, name), x) for (module, name), x in zip(pairs, held)]
    masks = [getattr(module, name + "_mask", creation.ones_like(x)) for (module, name), x in zip(pairs, held)]
    flat, mask = (PUBLIC["cat"]([x.detach().reshape(-1) for x in several]) for several in (looked_at, masks))
    found = method.compute_mask(flat, mask).split([x.numel() for x in held])
    for (module, name), x, part in zip(pairs, held, found):
        custom_from_mask(module, name, mask=part.view_as(x))


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter a plain one, with its zeros; ValueError where it is not pruned (`prune.remove`)."""
    for id, hook in _hooks(module, name):
        hook.remove(module)
        del module._forward_pre_hooks[id]
        return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Whether a module, or one in it, has a pruned parameter (`torch.nn.utils.prune.is_pruned`)."""
    return any(_hooks(m) for m in module.modules())
