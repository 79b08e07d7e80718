"""tapegrad: PyTorch's autograd on a flat Wengert tape.

>>> import tapegrad as torch
>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> (x ** 2).sum().backward()
>>> x.grad
tensor([2., 4.])
"""
from __future__ import annotations

import sys as _sys
import typing as _typing
from math import e, inf, nan, pi

from tapegrad import amp, autograd, functions, inspect, linalg, nn, serialization, special, testing
from tapegrad import dtypes as _dtypes
from tapegrad import errors as _errors
from tapegrad._conditions import CONDITIONS as _CONDITIONS
from tapegrad.amp import GradScaler
from tapegrad.amp.autocast_mode import (
    autocast,
    clear_autocast_cache,
    get_autocast_dtype,
    is_autocast_available,
    is_autocast_cache_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)
from tapegrad.autograd import gradcheck as _checks
from tapegrad.autograd import variable as _variable
from tapegrad.autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
from tapegrad.autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from tapegrad.batching import vmap
from tapegrad.compiler import compile
from tapegrad.creation import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    eye,
    from_numpy,
    frombuffer,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from tapegrad.custom import custom_op
from tapegrad.devices import default_device as get_default_device
from tapegrad.devices import device, set_default_device
from tapegrad.drawing import (
    _dirichlet_grad,
    _sample_dirichlet,
    _standard_gamma,
    _standard_gamma_grad,
    bernoulli,
    binomial,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)
from tapegrad.dtypes import (
    bfloat16,
    complex64,
    complex128,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from tapegrad.dtypes import bool_ as bool
from tapegrad.dtypes import promote as promote_types
from tapegrad.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    jagged,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from tapegrad.functions import *  # noqa: F403
from tapegrad.futures import Future
from tapegrad.inspect import dump, profile, why_nan
from tapegrad.lazy_modules import lazy as _lazy
from tapegrad.machine.live import machine as _machine
from tapegrad.namespaces import show_public as _show_public
from tapegrad.ops.declaration import REGISTRY as _REGISTRY
from tapegrad.printing import get_printoptions, set_printoptions
from tapegrad.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from tapegrad.serialization import load, save
from tapegrad.shapes import Size
from tapegrad.signatures.overriding import DisableTorchFunction, DisableTorchFunctionSubclass
from tapegrad.switches import (
    are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_default_tensor_type,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_warn_always,
    typename,
    use_deterministic_algorithms,
)
from tapegrad.tensor import Tensor
from tapegrad.threads import get_num_threads, set_num_threads
from tapegrad.torch_version import TorchVersion as _TorchVersion

for _name, _made in {"Variable": _variable.Variable, "gradcheck": _checks.gradcheck,  # over the module's name
                     "gradgradcheck": _checks.gradgradcheck, "GradcheckError": _checks.GradcheckError}.items():
    setattr(autograd, _name, _made)
for _name, _kind in _errors.KINDS.items():  # FloatTensor, LongTensor, …
    globals()[_kind] = functions.queries.typed(_kind, _dtypes.BY_NAME[_name])
for _class in (Tensor, Size, device, dtype):
    _class.__module__ = __name__  # `<class 'tapegrad.Tensor'>`, as programs print it
newaxis = None
# The PyTorch whose behaviour this is, which programs compare; after the plus, what it is.
__version__ = _TorchVersion("2.13.0+tapegrad.0.1.0")
float, double, half, long, int, short = float32, float64, float16, int64, int32, int16
cfloat, cdouble = complex64, complex128
globals().update({_made.__name__: _made for _made in _CONDITIONS})

# What an operation's function is called natively. Of what writes in place, most are methods and nothing else.
_METHODS_ONLY = {"digamma_", "erfinv_", "left_shift", "lgamma_", "logical_not_", "bitwise_not_", "right_shift", "sgn_",
                 "sign_"}
for _op in _REGISTRY.values():
    if _op.space or _op.kind == "view" or _op.name in functions.PUBLIC or _op.name in _METHODS_ONLY:
        continue
    if (_op.methods and (_op.inplace_of is None or _op.arity == 1)) or _op.name in (
            "clamp_max_", "clamp_min_", "fill", "fill_", "xlogy_"):
        globals()[_op.name] = _machine.functions[_op.opcode]
for _name in ("add", "sub", "div", "pow", "mm", "bmm", "mv", "argmax", "argmin", "softmax", "log_softmax"):
    globals()[_name] = _machine.functions[_REGISTRY[_name].opcode]
for _name in ("spmm", "dsmm"):  # what programs on graphs call, also where the matrix is dense
    globals()[_name] = globals()["mm"]
globals().update(functions.MAKING)


def _for_each(name: str) -> _typing.Any:
    def for_each(*args: _typing.Any, **kwargs: _typing.Any) -> _typing.Any:
        return _foreach.call(name, *args, **kwargs)  # a module that is loaded by the first of these calls

    for_each.__name__ = for_each.__qualname__ = f"_foreach_{name}"
    return for_each


_LISTED = """abs acos add addcdiv addcmul asin atan ceil clamp_max clamp_min cos cosh div erf erfc exp expm1 floor frac
lerp lgamma log log10 log1p log2 maximum minimum mul neg pow reciprocal round rsqrt sigmoid sign sin sinh sqrt sub tan
tanh trunc"""  # and the same in place
for _name in [*_LISTED.split(), *(f"{_name}_" for _name in f"{_LISTED} copy zero".split()),
              *["clone", "max", "mm", "norm", "powsum"]]:
    globals()[f"_foreach_{_name}"] = _for_each(_name)


_LAZY = ("accelerator backends cpu cuda distributed distributions export fft func functional futures hub jit mps "
         "multiprocessing onnx optim overrides profiler quasirandom signal sparse storage torch_version types "
         "utils version xpu")
globals().update(_lazy(__name__, f"{_LAZY} _C _VF _dynamo _inductor _logging _utils"))
_foreach = _lazy(__name__, "foreach")["foreach"]
torch = _sys.modules[__name__]  # as PyTorch's module has itself: annotations say `torch.torch.Tensor`

# `from tapegrad import *` leaves what programs import from Python, or from a part of this package, under these names.
_UNSTARRED = {"distributed", "functional", "futures", "hub", "multiprocessing", "types"}
__all__ = sorted([name for name, _value in globals().items() if name[0] != "_" and name != "annotations"
                  and not isinstance(_value, type(_typing))]
                 + ["amp", "autograd", "inspect", "linalg", "nn", "random", "serialization", "special", "testing"]
                 + [*{*_LAZY.split()} - _UNSTARRED])
_show_public(__name__)
