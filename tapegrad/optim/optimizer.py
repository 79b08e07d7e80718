"""What all optimisers share: parameters in groups, state that can be saved, hooks."""
from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any, TypeAlias

import tapegrad
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.tape.hooks import RemovableHandle
from tapegrad.tensor import Tensor

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]
show_public(__name__)

Params: TypeAlias = "Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]"
ParamsT = Params
Group = dict[str, Any]
StateDict = dict[str, Any]
Hooks: TypeAlias = "OrderedDict[int, Callable[..., Any]]"

_before_every_step: Hooks = OrderedDict()
_after_every_step: Hooks = OrderedDict()


class _Required:
    """The default of an option that every group has to give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required: _Required = _Required()


def __getattr__(name: str) -> Any:
    if name[:1] == "_" and name[:2] != "__":
        from tapegrad.optim import _copies

        if hasattr(_copies, name):
            return getattr(_copies, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def _add(hooks: Hooks, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimiser.

    >>> import tapegrad as torch
    >>> from tapegrad.optim.optimizer import register_optimizer_step_pre_hook
    >>> handle = register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: print("a step"))
    >>> torch.optim.SGD([torch.ones(1, requires_grad=True)]).step()
    a step
    >>> handle.remove()
    """
    return _add(_before_every_step, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimiser.

    >>> import tapegrad as torch
    >>> from tapegrad.optim.optimizer import register_optimizer_step_post_hook
    >>> handle = register_optimizer_step_post_hook(lambda optimizer, args, kwargs: print("done"))
    >>> torch.optim.SGD([torch.ones(1, requires_grad=True)]).step()
    done
    >>> handle.remove()
    """
    return _add(_after_every_step, hook)


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """A class's `step`, between the hooks that were registered."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._opt_called is False:
            self._opt_called = True
            capturing.failed()  # no later call does that
        before, after = self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks
        recording = machine.call.is_recording_wanted(None)
        try:
            if not (before or after or _before_every_step or _after_every_step):
                return step(self, *args, **kwargs)
            args = (self, *args)
            for hook in chain(_before_every_step.values(), before.values()):
                changed = hook(self, args, kwargs)
                if changed is not None:
                    if not (isinstance(changed, tuple) and len(changed) == 2):
                        raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got "
                                           f"{changed}.")
                    args, kwargs = changed
            result = step(*args, **kwargs)
            for hook in chain(after.values(), _after_every_step.values()):
                hook(self, args, kwargs)
            return result
        finally:
            machine.call.set_recording(recording)  # whatever interrupt came where a `with` ended

    hooked.hooked = True  # type: ignore[attr-defined]
    return hooked


def kind_of(x: Any) -> str:
    """What PyTorch's messages call the type of an object."""
    if isinstance(x, Tensor):
        return x.type()
    kind = type(x)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class Optimizer:
    """The base of all optimisers (`torch.optim.Optimizer`), for subclasses that define `step`.

    >>> import tapegrad as torch
    >>> class Descent(torch.optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     @torch.no_grad()
    ...     def step(self):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p -= group["lr"] * p.grad
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = Descent([x], lr=0.5)
    >>> x.pow(2).sum().backward()
    >>> optimizer.step()
    >>> x
    tensor([0., 0.], requires_grad=True)

    `params` are tensors, pairs of a name and a tensor, or dicts with a list of them under "params" and options of their
    own; `defaults` are the options of groups that do not say otherwise, `required` those that they have to.
    """

    _HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks", "_optimizer_state_dict_pre_hooks",
              "_optimizer_state_dict_post_hooks", "_optimizer_load_state_dict_pre_hooks",
              "_optimizer_load_state_dict_post_hooks")
    _opt_called: bool | None = None  # whether `step` was, for schedules; None where there is none
    _optimizer_step_pre_hooks: Hooks
    _optimizer_step_post_hooks: Hooks
    _optimizer_state_dict_pre_hooks: Hooks
    _optimizer_state_dict_post_hooks: Hooks
    _optimizer_load_state_dict_pre_hooks: Hooks
    _optimizer_load_state_dict_post_hooks: Hooks

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_ready()
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                            + kind_of(params))
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[Group] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)  # type: ignore[arg-type]

    def _make_ready(self) -> None:
        """Room for hooks, and `step` as a method that calls them."""
        for name in self._HOOKS:
            self.__dict__.setdefault(name, OrderedDict())
        step = type(self).step
        if not hasattr(step, "hooked"):
            type(self).step = _with_hooks(step)  # type: ignore[method-assign]

    # What copies of PyTorch's optimisers call: graphs are captured on devices that are not there.
    def _cuda_graph_capture_health_check(self) -> None:
        return None

    _accelerator_graph_capture_health_check = _cuda_graph_capture_health_check

    @staticmethod
    def _group_tensors_by_device_and_dtype(tensorlistlist: Any, with_indices: bool = False) -> Any:
        from tapegrad.utils import _foreach_utils

        return _foreach_utils._group_tensors_by_device_and_dtype(tensorlistlist, with_indices)

    def _patch_step_function(self) -> None:
        self._make_ready()

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_ready()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        groups = ["\n".join([f"Parameter Group {i}", *(f"    {key}: {group[key]}" for key in sorted(group)
                                                      if key != "params")])
                  for i, group in enumerate(self.param_groups)]
        return f"{type(self).__name__} (\n" + "\n\n".join(groups) + "\n)"

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters once, by their gradients; `closure` computes the loss and the gradients anew."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros.

        >>> import tapegrad as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> x.sum().backward()
        >>> torch.optim.SGD([x]).zero_grad()
        >>> x.grad is None
        True
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:  # without a look at it: a captured step would depend on what it was
                    p.grad = None
                    continue
                gradient = p.grad
                if gradient is None:
                    continue
                if gradient.grad_fn is not None:
                    gradient.detach_()
                else:
                    gradient.requires_grad_(False)
                gradient.zero_()

    # ------------------------------------------------------------ groups

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters, with options of their own where the dict has any.

        >>> import tapegrad as torch
        >>> x, y = (torch.ones(2, requires_grad=True) for _ in range(2))
        >>> optimizer = torch.optim.SGD([x], lr=0.1)
        >>> optimizer.add_param_group({"params": [y], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of "
                            "tensors in sets will change between runs. Please use a list instead.")
        listed = [params] if isinstance(params, Tensor) else list(params)
        names = [entry[0] for entry in listed if isinstance(entry, tuple)]
        tensors = param_group["params"] = [entry[1] if isinstance(entry, tuple) else entry for entry in listed]
        if names:
            if len(names) != len(tensors):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        for p in tensors:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {kind_of(p)}")
            if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(tensors) != len(set(tensors)):
            warnings.warn("optimizer contains a parameter group with duplicate parameters; in future, this will cause "
                          "an error; see github.com/pytorch/pytorch/issues/40967 for more information", stacklevel=3)
        taken: set[Tensor] = set()
        for group in self.param_groups:
            taken.update(group["params"])
            if ("param_names" in param_group) != ("param_names" in group):
                which = "with names" if "param_names" in param_group else "without names"
                raise ValueError("all optimizer param groups should be with/without names. cannot add param group "
                                 f"{which} to the optimizer")
        if not taken.isdisjoint(tensors):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    # ------------------------------------------------------------ state

    def state_dict(self) -> StateDict:
        """The state and the options, with parameters as numbers: what `load_state_dict` takes.

        >>> import tapegrad as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> optimizer = torch.optim.SGD([x], lr=0.1, momentum=0.9)
        >>> x.sum().backward()
        >>> optimizer.step()
        >>> saved = optimizer.state_dict()
        >>> saved["state"], saved["param_groups"][0]["params"]
        ({0: {'momentum_buffer': tensor([1., 1.])}}, [0])
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        found: StateDict = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, found)
            found = found if changed is None else changed
        return found

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over what `state_dict` of another optimiser returned, in the dtypes of the parameters here.

        >>> import tapegrad as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> old, new = torch.optim.SGD([x], lr=0.1), torch.optim.SGD([x], lr=0.5)
        >>> new.load_state_dict(old.state_dict())
        >>> new.param_groups[0]["lr"]
        0.1
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups, saved = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(own["params"]) != len(other["params"]) for own, other in zip(groups, saved)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                             "group")
        owners: dict[Any, tuple[Tensor, Group]] = {}
        for own, other in zip(groups, saved):
            owners.update((key, (p, other)) for key, p in zip(other["params"], own["params"]))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owners:
                p, group = owners[key]
                state[p] = _fitted(p, value, group.get("capturable") or group.get("fused"))
            else:
                state[key] = value
        for own, other in zip(groups, saved):
            other["params"] = own["params"]
            if "param_names" in own:
                other.setdefault("param_names", own["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # ------------------------------------------------------------ hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return other (args, kwargs)."""
        return _add(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _add(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` is made."""
        return _add(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` returns; it may return another."""
        return _add(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what is to be loaded; it may return another."""
        return _add(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after a state was loaded."""
        return _add(self._optimizer_load_state_dict_post_hooks, hook, prepend)


capturing.READ_BESIDES[Optimizer] = lambda: (_before_every_step, _after_every_step)


def _fitted(p: Tensor, value: Any, in_float: Any, key: Hashable = None) -> Any:
    """Saved state in the dtype of its parameter; a count of steps stays as it is."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(tapegrad.float32) if in_float else value
        return value.to(p.dtype) if p.dtype.is_floating_point else value
    if isinstance(value, dict):
        return {name: _fitted(p, part, in_float, name) for name, part in value.items()}
    if isinstance(value, Iterable):
        return type(value)(_fitted(p, part, in_float) for part in value)  # type: ignore[call-arg]
    return value
