"""A module called with other parameters than its own (`torch.func.functional_call`)."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tapegrad.autograd import modes
from tapegrad.functions import PUBLIC
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.nn.modules.module import Module

__all__ = ["functional_call", "stack_module_state"]
show_public(__name__)

_NOTHING = object()


def functional_call(module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: Any = None, *,
                    tie_weights: bool = True, strict: bool = False) -> Any:
    """Call a module with other tensors in the places of its parameters and buffers (`torch.func.functional_call`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> functional_call(layer, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, (torch.ones(1, 2),))
    tensor([[2.]])

    Derivatives with respect to these tensors are those of a function of them. With `tie_weights`, a parameter that the
    module has in several places is replaced in all. RuntimeError, if `strict`, for names that are missing or unknown.
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, Sequence):
        if not all(isinstance(d, dict) for d in given):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [name for d in given for name in d]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {name: x for d in given for name, x in d.items()}
    elif not isinstance(given, dict):
        raise ValueError("Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
                         f"{type(given)}")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrize_module(module, given, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


@contextmanager
def _reparametrize_module(module: Module, given: dict[str, Any], *, tie_weights: bool = False, strict: bool = False
                          ) -> Iterator[None]:
    """The module with these tensors in it, for a while; what was written to buffers stays written to those given."""
    own = {name: x for members in (module.named_parameters, module.named_buffers)
           for name, x in members(remove_duplicate=False)}
    if tie_weights:
        given = _tied(own, given)
    if strict:
        missing, unexpected = sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys())
        if missing or unexpected:
            said = [f"Missing key(s): {', '.join(map(repr, missing))}."] * bool(missing)
            said += [f"Unexpected key(s): {', '.join(map(repr, unexpected))}."] * bool(unexpected)
            raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(said))
    places = {}
    for name in given:
        home, _, last = name.rpartition(".")
        places[name] = module.get_submodule(home), last
    replaced: list[tuple[Any, str, Any]] = []
    try:
        for name, x in given.items():
            if not isinstance(x, machine.TensorBase):
                raise TypeError(f"{x} is not an instance of torch.Tensor")
            holder, last = places[name]
            replaced.append((holder, last, _swap(holder, last, x)))
        yield
    finally:
        for holder, last, old in reversed(replaced):
            current = _swap(holder, last, old)
            if last in holder._buffers:
                given[next(n for n, place in places.items() if place == (holder, last))] = current


def _tied(own: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What is given, in all the places that share a tensor."""
    groups: dict[int, list[str]] = {}
    for name, x in own.items():
        groups.setdefault(id(x), []).append(name)
    found = dict(given)
    for names in groups.values():
        told = {name: given[name] for name in names if name in given}
        if len(names) > 1 and told:
            first, *others = told.values()
            if any(x is not first for x in others):
                raise ValueError("functional_call got multiple values for keys "
                                 f"{sorted(told)}, which are tied. Consider using tie_weights=False")
            found.update(dict.fromkeys(names, first))
    return found


def _swap(holder: Any, name: str, value: Any) -> Any:
    """Put a value in the place of a parameter, buffer or attribute; returns what was there."""
    for held in (holder._parameters, holder._buffers):
        if name in held:
            old, held[name] = held[name], value
            return old
    old = holder.__dict__.get(name, _NOTHING)
    if value is _NOTHING:
        del holder.__dict__[name]
    else:
        holder.__dict__[name] = value
    return old


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters, and the buffers, of several modules of one class, stacked (`torch.func.stack_module_state`).

    >>> import tapegrad as torch
    >>> parameters, buffers = stack_module_state([torch.nn.Linear(2, 3) for _ in range(4)])
    >>> parameters["weight"].shape
    torch.Size([4, 3, 2])

    RuntimeError for none, for several classes, and for training and evaluation mixed.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(several: list[dict[str, Any]]) -> dict[str, Any]:
        found = {}
        for name, first in several[0].items():
            together = [held[name] for held in several]
            if len({x.requires_grad for x in together}) > 1:
                raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
            with modes.no_grad():
                found[name] = PUBLIC["stack"](together).detach().requires_grad_(first.requires_grad)
        return found

    return (stacked([dict(m.named_parameters()) for m in models]), stacked([dict(m.named_buffers()) for m in models]))
