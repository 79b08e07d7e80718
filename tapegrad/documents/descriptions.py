"""Every public name with what describes it: for documents, stubs, help texts and tests.

>>> [str(form) for form in described("Tensor.cumsum").forms]
['(int dim, *, torch.dtype dtype = None)']
"""
from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

import tapegrad
from tapegrad import fallbacks
from tapegrad.machine.live import machine
from tapegrad.ops.declaration import Operation, operations
from tapegrad.signatures import Form, forms_of, made, unwrapped

# Namespaces whose public names users call, below `tapegrad` itself; a class is one, of its methods.
_BELOW = """
    accelerator amp amp.autocast_mode amp.grad_scaler autograd autograd.forward_ad autograd.function
    autograd.functional autograd.grad_mode autograd.graph autograd.profiler autograd.variable backends backends.cpu
    backends.cuda backends.cudnn backends.mkl backends.mkldnn backends.mps backends.openmp backends.opt_einsum cpu
    cpu.amp cuda cuda.amp cuda.amp.autocast_mode cuda.amp.grad_scaler cuda.nvtx distributed distributions
    distributions.constraint_registry distributions.constraints distributions.distribution distributions.kl
    distributions.transforms distributions.utils export fft func functional futures hub inspect interop.dask
    interop.futures interop.joblib interop.safetensors interop.scipy jit linalg mps multiprocessing nn nn.attention
    nn.functional nn.init nn.modules nn.modules.activation nn.modules.adaptive nn.modules.attention
    nn.modules.batchnorm nn.modules.channelshuffle nn.modules.container nn.modules.conv nn.modules.distance
    nn.modules.dropout nn.modules.flatten nn.modules.fold nn.modules.instancenorm nn.modules.lazy nn.modules.linear
    nn.modules.loss nn.modules.module nn.modules.normalization nn.modules.padding nn.modules.pixelshuffle
    nn.modules.pooling nn.modules.rnn nn.modules.sparse nn.modules.transformer nn.modules.upsampling
    nn.modules.utils nn.parallel nn.parallel.scatter_gather nn.parameter nn.utils nn.utils.clip_grad
    nn.utils.convert_parameters nn.utils.fusion nn.utils.init nn.utils.parametrizations nn.utils.parametrize
    nn.utils.prune nn.utils.rnn nn.utils.stateless onnx optim optim.lr_scheduler optim.optimizer optim.swa_utils
    overrides profiler quasirandom random serialization signal signal.windows sparse special storage testing
    torch_version types utils utils.benchmark utils.checkpoint utils.data utils.data.dataloader utils.data.dataset
    utils.data.distributed utils.data.sampler utils.dlpack utils.hooks utils.model_zoo version xpu
"""
SPACES = ("", *_BELOW.split())


class Description(NamedTuple):
    """A name and what is known of it; `function` is the Python that answers where native code does not."""

    path: str
    value: Any
    function: Any
    operation: Operation | None
    forms: list[Form]

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


_BY_FUNCTION = {id(machine.functions[op.opcode]): op for op in operations()}
_PLACES = {id(function): path for path, function in made.items()}
_BY_METHOD = {name: op for op in operations() for name in op.methods}


def public(space: str) -> list[str]:
    """The names that a namespace offers.

    >>> "sin" in public(""), "dispatch" in public(""), "REGISTRY" in public("autograd")
    (True, False, False)
    """
    found = within(space)
    if isinstance(found, type):
        return [name for name in dir(found) if not name.startswith("_")]
    return sorted(name for name in dir(found) if not name.startswith("_")
                  and not isinstance(getattr(found, name), types.ModuleType))


def within(space: str) -> Any:
    """The module or class under a path."""
    found: Any = tapegrad
    for name in filter(None, space.split(".")):
        found = getattr(found, name) if hasattr(found, name) else importlib.import_module(f"{found.__name__}.{name}")
    return found


def described(path: str) -> Description:
    """What describes a public name."""
    space, _, name = path.rpartition(".")
    owner = within(space)
    value = inspect.getattr_static(owner, name) if isinstance(owner, type) else getattr(owner, name)
    function, op = made.get(path), _BY_FUNCTION.get(id(value)) or fallbacks.by_path.get(path)
    if function is None and space == "Tensor":  # under its own name, or another that it was given
        native = vars(machine.TensorBase)
        op = _BY_METHOD.get(name) or next((o for m, o in _BY_METHOD.items() if native[m] is value), None)
    if function is None and id(value) in _PLACES:  # offered in several places
        return described(_PLACES[id(value)])._replace(path=path)
    if function is None:
        held = getattr(value, "__self__", None)  # of a function that native code calls
        function = fallbacks.by_name[op.name] if op is not None else (
            held if isinstance(held, types.FunctionType) else value)
    written = unwrapped(function)
    forms = forms_of(path, written, op) if isinstance(written, types.FunctionType) else []
    return Description(path, value, function, op, forms)


def functions(space: str) -> Iterator[Description]:
    """Every function, or method, of a namespace."""
    owner = within(space)
    for name in public(space):
        value = inspect.getattr_static(owner, name) if isinstance(owner, type) else getattr(owner, name)
        if callable(value) and not isinstance(value, type) and type(value).__module__ != "typing":
            yield described(f"{space}.{name}".lstrip("."))


def everything() -> Iterator[Description]:
    """Every function of every namespace, and every method of a tensor; what stands in several places once."""
    seen: set[int] = set()
    for space in ("Tensor", *SPACES):
        for d in functions(space):
            if id(d.value) not in seen:
                seen.add(id(d.value))
                yield d


def classes() -> dict[str, type]:
    """Every class of every namespace, by the first path it is found under.

    >>> "nn.Linear" in classes(), "nn.modules.Linear" in classes()
    (True, False)
    """
    found: dict[type, str] = {}
    for space in SPACES:
        for name in public(space):
            value = getattr(within(space), name)
            if isinstance(value, type) and value.__module__.partition(".")[0] in ("tapegrad", "torch"):
                found.setdefault(value, f"{space}.{name}".lstrip("."))
    return {path: value for value, path in found.items()}


def members() -> dict[str, tuple[type, Any]]:
    """Methods and properties of these classes, and of their bases, as they stand in the class that defines them.

    >>> members()["tapegrad.nn.modules.linear.Linear.reset_parameters"][0] is tapegrad.nn.Linear
    True
    """
    found = {}
    for cls in classes().values():
        for base in cls.__mro__:
            if base.__module__.partition(".")[0] == "tapegrad" and base is not machine.TensorBase:
                for name, value in vars(base).items():
                    if name[0] != "_" and (callable(value) or hasattr(type(value), "__get__")):
                        found[f"{base.__module__}.{base.__qualname__}.{name}"] = base, value
    return found
