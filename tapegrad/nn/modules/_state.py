"""What a module saves and loads: `state_dict` and `load_state_dict`."""
from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from tapegrad.autograd import modes
from tapegrad.machine.live import machine
from tapegrad.nn.modules._hooks import Hook, Kept, keep, kept
from tapegrad.nn.parameter import Parameter, is_lazy
from tapegrad.tape.hooks import RemovableHandle

EXTRA_STATE = "_extra_state"
_NO_EXTRA_STATE = ("Reached a code path in Module.{}() that should never be called: a module that saves more than "
                   "tensors "
                   "defines both get_extra_state() and set_extra_state()")


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` returns."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class Loading(list[str]):
    """What went wrong while a state was loaded, and how to put back what it replaced."""

    def __init__(self) -> None:
        self.undo: list[Callable[[], Any]] = []


class Stateful:
    """The part of `Module` that saves and loads."""

    _version: int = 1
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks = Kept()
    _state_dict_pre_hooks = Kept()
    _load_state_dict_pre_hooks = Kept()
    _load_state_dict_post_hooks = Kept()

    # ------------------------------------------------------------ saving

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """The parameters and persistent buffers by name, detached unless `keep_vars` (`torch.nn.Module.state_dict`).

        >>> from tapegrad import nn
        >>> list(nn.Sequential(nn.Linear(2, 3)).state_dict())
        ['0.weight', '0.bias']
        """
        if args:
            warnings.warn("Positional args are being deprecated, use kwargs instead. Refer to "
                          "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for "
                          "details.", FutureWarning, stacklevel=2)
            given = dict(zip(("destination", "prefix", "keep_vars"), args))
            destination = given["destination"] if destination is None else destination
            prefix, keep_vars = prefix or given.get("prefix", ""), keep_vars or given.get("keep_vars", False)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in kept(self, "_state_dict_pre_hooks").values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in kept(self, "_state_dict_hooks").values():
            found = hook(self, destination, prefix, metadata)
            if found is not None:
                if getattr(hook, "_from_public_api", False):
                    raise RuntimeError("state_dict post-hook must return None")
                destination = found
        return destination

    def _persistent(self) -> dict[str, Any]:
        """The parameters and buffers that are saved, by name."""
        buffers = {name: b for name, b in self._buffers.items() if name not in self._non_persistent_buffers_set}
        return {name: x for name, x in (*self._parameters.items(), *buffers.items()) if x is not None}

    def _has_extra_state(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(Stateful, method)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put what this module saves, and not its children, into `destination`; for subclasses to extend."""
        for name, x in self._persistent().items():
            destination[prefix + name] = x if keep_vars else x.detach()
        if self._has_extra_state("get_extra_state"):
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """What a subclass saves besides tensors."""
        raise RuntimeError(_NO_EXTRA_STATE.format("get_extra_state"))

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` gave."""
        raise RuntimeError(_NO_EXTRA_STATE.format("set_extra_state"))

    # ------------------------------------------------------------ loading

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy saved values into parameters and buffers (`torch.nn.Module.load_state_dict`).

        >>> from tapegrad import nn
        >>> a, b = nn.Linear(2, 3), nn.Linear(2, 3)
        >>> a.load_state_dict(b.state_dict())
        <All keys matched successfully>

        With `assign` the saved tensors themselves take their places. Raises RuntimeError for names that are missing or
        unexpected, unless `strict` is False, and for other shapes; what was copied before is put back then.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state: Any = OrderedDict(state_dict)
        if metadata is not None:
            state._metadata = metadata
        missing: list[str] = []
        unexpected: list[str] = []
        errors = Loading()

        try:
            _load(self, state, "", metadata, assign, (missing, unexpected, errors))
            if strict:
                for names, what in ((unexpected, "Unexpected"), (missing, "Missing")):
                    if names:
                        errors.insert(0, f"{what} key(s) in state_dict: {', '.join(map(_quoted, names))}. ")
            if errors:
                listed = "\n\t".join(errors)
                raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        except BaseException:
            for back in reversed(errors.undo):
                back()
            raise
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool,
                              missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str]) -> None:
        """Load what this module, and not its children, saved; for subclasses to extend."""
        for hook in kept(self, "_load_state_dict_pre_hooks").values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._persistent()
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, x in own.items():
            if prefix + name in state_dict:
                self._load_one(name, x, prefix + name, state_dict[prefix + name], assign, error_msgs)
            elif strict:
                missing_keys.append(prefix + name)
        extra = prefix + EXTRA_STATE
        if self._has_extra_state("set_extra_state"):
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        for key in state_dict if strict else ():
            if key.startswith(prefix) and key != extra:
                first, dot, _ = key[len(prefix):].partition(".")
                if first not in (self._modules if dot else own):
                    unexpected_keys.append(key)

    def _load_one(self, name: str, x: Any, key: str, given: Any, assign: bool, errors: list[str]) -> None:
        if not isinstance(given, machine.TensorBase):
            errors.append(f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
                          f'from '
                          f"checkpoint but received {type(given)}")
            return
        lazy = is_lazy(x)
        if not lazy and not x.ndim and tuple(given.shape) == (1,):  # as numbers were saved once
            given = given[0]
        if not lazy and given.shape != x.shape:
            errors.append(f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the "
                          f"shape "
                          f"in current model is {x.shape}.")
            return
        undo = getattr(errors, "undo", [])
        try:
            with modes.no_grad():
                if assign:
                    undo.append(functools.partial(setattr, self, name, x))
                    if isinstance(x, Parameter):
                        given = given if isinstance(given, Parameter) else Parameter(given, x.requires_grad)
                        given.requires_grad_(x.requires_grad)
                    setattr(self, name, given)
                else:
                    undo.append(functools.partial(_write, x, x.clone()))
                    x.copy_(given)
        except Exception as error:
            errors.append(f'While copying the parameter named "{key}", whose dimensions in the model are {x.size()} '
                          f'and '
                          f"whose dimensions in the checkpoint are {given.size()}, an exception occurred : "
                          f"{error.args}.")

    # ------------------------------------------------------------ hooks

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, metadata)` after `state_dict`; it may change that in place."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return keep(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        """The same; what it returns takes the place of the dict."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError("Cannot register the same function as the state dict post hook that was previously "
                               "registered via register_state_dict_post_hook")
        return keep(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict`."""
        return keep(self._state_dict_pre_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)` before loading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Hook, with_module: bool = False) -> RemovableHandle:
        return keep(self._load_state_dict_pre_hooks, BoundHook(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may change the lists in place."""
        return keep(self._load_state_dict_post_hooks, hook)


def _load(module: Any, state: Any, prefix: str, metadata: Any, assign: bool, said: tuple[list[str], list[str], Loading]
          ) -> None:
    # No function within `load_state_dict`: one that calls itself would keep what is replaced until a collection.
    local = {} if metadata is None else metadata.get(prefix[:-1], {})
    if assign:
        local = {**local, "assign_to_params_buffers": True}
    missing, unexpected, _ = said
    module._load_from_state_dict(state, prefix, local, True, *said)
    for name, child in module._modules.items():
        if child is not None:
            within = f"{prefix}{name}."
            inner = {key: x for key, x in state.items() if key.startswith(within)}
            _load(child, inner, within, metadata, assign, said)
    for hook in kept(module, "_load_state_dict_post_hooks").values():
        if hook(module, _IncompatibleKeys(missing, unexpected)) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                "values, if incompatible_keys need to be modified, it should be done inplace.")


class BoundHook:
    """A hook and the module it takes first; a copy of the module gets one of its own."""

    def __init__(self, hook: Hook, module: Any) -> None:
        self.hook, self.module = hook, module

    def __call__(self, *args: Any) -> Any:
        return self.hook(self.module, *args)


def _write(x: Any, values: Any) -> None:
    with modes.no_grad():
        x.copy_(values)


def _quoted(name: str) -> str:
    return f'"{name}"'
