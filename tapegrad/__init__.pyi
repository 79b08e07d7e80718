"""Types of what native code defines, written by `python -m tapegrad stubs`."""
from __future__ import annotations

# Under names of their own: `tapegrad.int` is a dtype, and `Tensor.float` a method.
from builtins import bool as _bool, float as _float, int as _int, str as _str
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from tapegrad.dtypes import dtype as _dtype

from tapegrad.futures import Future as Future
from tapegrad.random import Generator as Generator
from tapegrad.amp.grad_scaler import GradScaler as GradScaler
from tapegrad.shapes import Size as Size
from tapegrad.tensor import Tensor as Tensor
from tapegrad import accelerator as accelerator
from tapegrad import amp as amp
from tapegrad.amp.autocast_mode import autocast as autocast
from tapegrad import autograd as autograd
from tapegrad import backends as backends
from tapegrad import cpu as cpu
from tapegrad import cuda as cuda
from tapegrad.devices import device as device
from tapegrad import distributed as distributed
from tapegrad import distributions as distributions
from tapegrad.dtypes import dtype as dtype
from tapegrad.autograd.modes import enable_grad as enable_grad
from tapegrad import export as export
from tapegrad import fft as fft
from tapegrad.dtypes import finfo as finfo
from tapegrad import func as func
from tapegrad import functional as functional
from tapegrad import futures as futures
from tapegrad import hub as hub
from tapegrad.dtypes import iinfo as iinfo
from tapegrad.autograd.modes import inference_mode as inference_mode
from tapegrad import inspect as inspect
from tapegrad import jit as jit
from tapegrad.formats import layout as layout
from tapegrad import linalg as linalg
from tapegrad.formats import memory_format as memory_format
from tapegrad import mps as mps
from tapegrad import multiprocessing as multiprocessing
from tapegrad import nn as nn
from tapegrad.autograd.modes import no_grad as no_grad
from tapegrad import onnx as onnx
from tapegrad import optim as optim
from tapegrad import overrides as overrides
from tapegrad import profiler as profiler
from tapegrad import quasirandom as quasirandom
from tapegrad import random as random
from tapegrad import serialization as serialization
from tapegrad.autograd.modes import set_grad_enabled as set_grad_enabled
from tapegrad import signal as signal
from tapegrad import sparse as sparse
from tapegrad import special as special
from tapegrad import storage as storage
from tapegrad import testing as testing
from tapegrad import torch_version as torch_version
from tapegrad import types as types
from tapegrad import utils as utils
from tapegrad import version as version
from tapegrad import xpu as xpu

BFloat16Tensor: Any
BoolTensor: Any
ByteTensor: Any
CharTensor: Any
DoubleTensor: Any
FloatTensor: Any
HalfTensor: Any
IntTensor: Any
LongTensor: Any
ShortTensor: Any
bfloat16: _dtype
bool: _dtype
cdouble: _dtype
cfloat: _dtype
channels_last: Any
channels_last_3d: Any
complex128: _dtype
complex64: _dtype
contiguous_format: Any
default_generator: Any
double: _dtype
e: _float
float: _dtype
float16: _dtype
float32: _dtype
float64: _dtype
half: _dtype
inf: _float
int: _dtype
int16: _dtype
int32: _dtype
int64: _dtype
int8: _dtype
jagged: Any
long: _dtype
nan: _float
newaxis: None
pi: _float
preserve_format: Any
short: _dtype
sparse_bsc: Any
sparse_bsr: Any
sparse_coo: Any
sparse_csc: Any
sparse_csr: Any
strided: Any
uint16: _dtype
uint32: _dtype
uint64: _dtype
uint8: _dtype
__version__: _str
__all__: list[_str]

class _aminmax(NamedTuple):
    min: Tensor
    max: Tensor

class _cummax(NamedTuple):
    values: Tensor
    indices: Tensor

class _cummin(NamedTuple):
    values: Tensor
    indices: Tensor

class _frexp(NamedTuple):
    mantissa: Tensor
    exponent: Tensor

class _geqrf(NamedTuple):
    a: Tensor
    tau: Tensor

class _histogram(NamedTuple):
    hist: Tensor
    bin_edges: Tensor

class _kthvalue(NamedTuple):
    values: Tensor
    indices: Tensor

class _linalg_slogdet(NamedTuple):
    sign: Tensor
    logabsdet: Tensor

class _max(NamedTuple):
    values: Tensor
    indices: Tensor

class _median(NamedTuple):
    values: Tensor
    indices: Tensor

class _min(NamedTuple):
    values: Tensor
    indices: Tensor

class _mode(NamedTuple):
    values: Tensor
    indices: Tensor

class _nanmedian(NamedTuple):
    values: Tensor
    indices: Tensor

class _sort(NamedTuple):
    values: Tensor
    indices: Tensor

class _svd(NamedTuple):
    U: Tensor
    S: Tensor
    V: Tensor

class _topk(NamedTuple):
    values: Tensor
    indices: Tensor

def DisableTorchFunction() -> Any:
    """A block in which no class is asked by `__torch_function__` (`torch.DisableTorchFunctionSubclass`).

    >>> import tapegrad as torch
    >>> class Kept(torch.Tensor):
    ...     pass
    >>> with torch.DisableTorchFunctionSubclass():
    ...     type(torch.ones(2).as_subclass(Kept) + 1)
    <class 'tapegrad.Tensor'>

    Results in it are plain tensors."""
def DisableTorchFunctionSubclass() -> Any:
    """A block in which no class is asked by `__torch_function__` (`torch.DisableTorchFunctionSubclass`).

    >>> import tapegrad as torch
    >>> class Kept(torch.Tensor):
    ...     pass
    >>> with torch.DisableTorchFunctionSubclass():
    ...     type(torch.ones(2).as_subclass(Kept) + 1)
    <class 'tapegrad.Tensor'>

    Results in it are plain tensors."""
def abs(input: Tensor, *, out: Any = None) -> Tensor:
    """The absolute value of each element: `|input|` (`torch.abs`).

    >>> torch.abs(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def abs_(input: Tensor) -> Tensor:
    """The absolute value of each element: `|input|`, in place (`torch.abs_`).

    >>> torch.abs_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def absolute(input: Tensor, *, out: Any = None) -> Tensor:
    """The absolute value of each element: `|input|` (`torch.absolute`).

    >>> torch.absolute(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def acos(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle whose cosine each element is (`torch.acos`).

    >>> torch.acos(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.3181, 1.0472, 0.0000])"""
def acos_(input: Tensor) -> Tensor:
    """The angle whose cosine each element is, in place (`torch.acos_`).

    >>> torch.acos_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.3181, 1.0472, 0.0000])"""
def acosh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse hyperbolic cosine of each element (`torch.acosh`).

    >>> torch.acosh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([nan, nan, 0.])"""
def acosh_(input: Tensor) -> Tensor:
    """The inverse hyperbolic cosine of each element, in place (`torch.acosh_`).

    >>> torch.acosh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([nan, nan, 0.])"""
def adaptive_avg_pool1d(input: Tensor, output_size: _int | Sequence[_int]) -> Tensor:
    """Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool1d`).

    >>> torch.adaptive_avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([[1.5000],
            [3.5000]])"""
def adaptive_max_pool1d(input: Tensor, output_size: _int | Sequence[_int]) -> tuple[Tensor, ...]:
    """`adaptive_max_pool1d`, with the places of its values.

    >>> torch.adaptive_max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    (tensor([[2.],
            [4.]]), tensor([[1],
            [1]]))"""
def add(input: Tensor | _float, other: Tensor | _float, *, alpha: _float = 1, out: Any = None) -> Tensor:
    """The sum of two tensors, the second times `alpha`: `input + alpha * other` (`torch.add`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.add(x, x)
    tensor([0.5000, 1.0000, 2.0000])"""
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: _float = 1, alpha: _float = 1, out: Any = None) -> Tensor:
    """Products of matrices summed over a batch, and added: `beta * input + alpha * (batch1 @ batch2).sum(0)` (`torch.addbmm`).

    >>> torch.addbmm(torch.ones(1, 1), torch.ones(2, 1, 3), torch.ones(2, 3, 1))
    tensor([[7.]])"""
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: _float = 1, out: Any = None) -> Tensor:
    """A quotient added: `input + value * tensor1 / tensor2` (`torch.addcdiv`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.addcdiv(x, x, x)
    tensor([1.2500, 1.5000, 2.0000])"""
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: _float = 1, out: Any = None) -> Tensor:
    """A product added: `input + value * tensor1 * tensor2` (`torch.addcmul`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.addcmul(x, x, x)
    tensor([0.3125, 0.7500, 2.0000])"""
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: _float = 1, alpha: _float = 1, out: Any = None) -> Tensor:
    """A product of matrices added: `beta * input + alpha * mat1 @ mat2` (`torch.addmm`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.addmm(x, x, x)
    tensor([[ 8., 12.],
            [18., 26.]])"""
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: _float = 1, alpha: _float = 1, out: Any = None) -> Tensor:
    """A product of a matrix and a vector added: `beta * input + alpha * mat @ vec` (`torch.addmv`).

    >>> torch.addmv(torch.ones(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
    tensor([22., 44.])"""
def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Any:
    """A product of a matrix and a vector added: `beta * input + alpha * mat @ vec`, in place (`torch.addmv_`)."""
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: _float = 1, alpha: _float = 1, out: Any = None) -> Tensor:
    """`beta * input + alpha * outer` (`torch.addr`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.addr(x, x, x)
    tensor([[0.3125, 0.6250, 1.2500],
            [0.3750, 0.7500, 1.5000],
            [0.5000, 1.0000, 2.0000]])"""
def adjoint(input: Tensor) -> Tensor:
    """Matrices with rows and columns exchanged (`torch.adjoint`).

    >>> torch.adjoint(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 3.],
            [2., 4.]])"""
def affine_grid_generator(theta: Tensor, size: Sequence[_int], align_corners: _bool) -> Any:
    """What `nn.functional.affine_grid` gives (`torch.affine_grid_generator`)."""
@overload
def all(input: Tensor, *, out: Any = None) -> Tensor:
    """Whether all elements are true, or all along axes (`torch.all`).

    Called as

        all(input, *, out=None)
        all(input, dim=None, keepdim=False, *, out=None)
        all(input, dim, keepdim=False, *, out=None)

    >>> torch.all(torch.tensor([0.25, 0.5, 1.0]))
    tensor(True)"""
@overload
def all(input: Tensor, dim: Sequence[_int] | None = None, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    ...
@overload
def all(input: Tensor, dim: _int, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    ...
def allclose(input: Tensor, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False) -> _bool:
    """Whether all elements are close (`torch.allclose`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.allclose(x, x)
    True"""
def alpha_dropout(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.alpha_dropout`).

    >>> torch.alpha_dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
    tensor([0.2500, 0.5000, 1.0000])"""
def alpha_dropout_(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.alpha_dropout_`)."""
def amax(input: Tensor, dim: _int | Sequence[_int] | None = (), keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The greatest element along axes; equals share the gradient (`torch.amax`).

    >>> torch.amax(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.)"""
def amin(input: Tensor, dim: _int | Sequence[_int] | None = (), keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The least element along axes; equals share the gradient (`torch.amin`).

    >>> torch.amin(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.2500)"""
def aminmax(input: Tensor, *, dim: _int | None = None, keepdim: _bool = False, out: Any = None) -> _aminmax:
    """Both extremes (`torch.aminmax`).

    >>> torch.aminmax(torch.tensor([0.25, 0.5, 1.0]))
    torch.return_types.aminmax(
    min=tensor(0.2500),
    max=tensor(1.))"""
def angle(input: Tensor, *, out: Any = None) -> Tensor:
    """(`torch.angle`).

    >>> torch.angle(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 0.])"""
@overload
def any(input: Tensor, *, out: Any = None) -> Tensor:
    """Whether some element is true, or some along axes (`torch.any`).

    Called as

        any(input, *, out=None)
        any(input, dim=None, keepdim=False, *, out=None)
        any(input, dim, keepdim=False, *, out=None)

    >>> torch.any(torch.tensor([0.25, 0.5, 1.0]))
    tensor(True)"""
@overload
def any(input: Tensor, dim: Sequence[_int] | None = None, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    ...
@overload
def any(input: Tensor, dim: _int, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    ...
@overload
def arange(end: _float, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Numbers from `start` up to `end`, exclusive (`torch.arange`).

    >>> arange(3)
    tensor([0, 1, 2])

    Called as

        arange(end, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        arange(start, end, step=1, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def arange(start: _float, end: _float, step: _float = 1, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def arccos(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle whose cosine each element is (`torch.arccos`).

    >>> torch.arccos(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.3181, 1.0472, 0.0000])"""
def arccos_(input: Tensor) -> Tensor:
    """The angle whose cosine each element is, in place (`torch.arccos_`).

    >>> torch.arccos_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.3181, 1.0472, 0.0000])"""
def arccosh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse hyperbolic cosine of each element (`torch.arccosh`).

    >>> torch.arccosh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([nan, nan, 0.])"""
def arccosh_(input: Tensor) -> Tensor:
    """The inverse hyperbolic cosine of each element, in place (`torch.arccosh_`).

    >>> torch.arccosh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([nan, nan, 0.])"""
def arcsin(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle whose sine each element is (`torch.arcsin`).

    >>> torch.arcsin(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2527, 0.5236, 1.5708])"""
def arcsin_(input: Tensor) -> Tensor:
    """The angle whose sine each element is, in place (`torch.arcsin_`).

    >>> torch.arcsin_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2527, 0.5236, 1.5708])"""
def arcsinh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse hyperbolic sine of each element (`torch.arcsinh`).

    >>> torch.arcsinh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2475, 0.4812, 0.8814])"""
def arcsinh_(input: Tensor) -> Tensor:
    """The inverse hyperbolic sine of each element, in place (`torch.arcsinh_`).

    >>> torch.arcsinh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2475, 0.4812, 0.8814])"""
def arctan(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle whose tangent each element is (`torch.arctan`).

    >>> torch.arctan(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2450, 0.4636, 0.7854])"""
def arctan2(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The angle of the point (`other`, `input`), in all four quadrants (`torch.arctan2`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.arctan2(x, x)
    tensor([0.7854, 0.7854, 0.7854])"""
def arctan_(input: Tensor) -> Tensor:
    """The angle whose tangent each element is, in place (`torch.arctan_`).

    >>> torch.arctan_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2450, 0.4636, 0.7854])"""
def arctanh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse hyperbolic tangent of each element (`torch.arctanh`).

    >>> torch.arctanh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2554, 0.5493,    inf])"""
def arctanh_(input: Tensor) -> Tensor:
    """The inverse hyperbolic tangent of each element, in place (`torch.arctanh_`).

    >>> torch.arctanh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2554, 0.5493,    inf])"""
def are_deterministic_algorithms_enabled() -> _bool:
    """Whether `use_deterministic_algorithms` asked for them (`torch.are_deterministic_algorithms_enabled`).

    >>> import tapegrad as torch
    >>> torch.are_deterministic_algorithms_enabled()
    False"""
def argmax(input: Tensor, dim: _int | None = None, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The place of the greatest element, of all or along an axis (`torch.argmax`).

    >>> torch.argmax(torch.tensor([0.25, 0.5, 1.0]))
    tensor(2)"""
def argmin(input: Tensor, dim: _int | None = None, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The place of the least element, of all or along an axis (`torch.argmin`).

    >>> torch.argmin(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0)"""
@overload
def argsort(input: Tensor, *, stable: _bool, dim: _int = -1, descending: _bool = False, out: Any = None) -> Any:
    """The places of the elements in order (`torch.argsort`).

    Called as

        argsort(input, *, stable, dim=-1, descending=False, out=None)
        argsort(input, dim=-1, descending=False)

    >>> torch.argsort(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0, 1, 2])"""
@overload
def argsort(input: Tensor, dim: _int = -1, descending: _bool = False) -> Tensor:
    ...
def argwhere(input: Tensor) -> Tensor:
    """The indices of what is not zero, a row each (`torch.argwhere`).

    >>> torch.argwhere(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[0],
            [1],
            [2]])"""
def as_strided(input: Tensor, size: Sequence[_int], stride: Sequence[_int], storage_offset: _int | None = None) -> Tensor:
    """The memory of a tensor read with other sizes, strides and start (`torch.as_strided`).

    >>> torch.as_strided(torch.tensor([0.25, 0.5, 1.0]), (2, 2), (1, 1))
    tensor([[0.2500, 0.5000],
            [0.5000, 1.0000]])"""
def as_strided_(input: Tensor, size: Sequence[_int], stride: Sequence[_int], storage_offset: _int | None = None) -> Tensor:
    """The memory read with other sizes and strides, in place (`torch.as_strided_`).

    >>> torch.as_strided_(torch.tensor([0.25, 0.5, 1.0]), (2, 2), (1, 1))
    tensor([[0.2500, 0.5000],
            [0.5000, 1.0000]])"""
def as_strided_scatter(input: Tensor, src: Tensor, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None) -> Tensor:
    """A copy with what `as_strided` would look at replaced (`torch.as_strided_scatter`).

    >>> torch.as_strided_scatter(torch.zeros(2, 2), torch.tensor([7.0, 8.0]), (2,), (3,))
    tensor([[7., 0.],
            [0., 8.]])"""
def as_tensor(data: Any, *, dtype: _dtype | type | None = None, device: Any = None) -> Tensor:
    """`data` as a tensor, shared where it can be (`torch.as_tensor`).

    >>> import tapegrad as torch
    >>> torch.as_tensor([1.0, 2.0])
    tensor([1., 2.])"""
def asarray(obj: Any, *, dtype: _dtype | type | None = None, device: Any = None, copy: _bool | None = None, requires_grad: _bool | None = None) -> Tensor:
    """`obj` as a tensor, sharing its memory unless `copy`, which may also forbid copying (`torch.asarray`).

    A tensor keeps its history, unless `requires_grad` is said to be False.

    >>> a = np.zeros(2)
    >>> t = asarray(a); a[0] = 1; t
    tensor([1., 0.], dtype=torch.float64)"""
def asin(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle whose sine each element is (`torch.asin`).

    >>> torch.asin(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2527, 0.5236, 1.5708])"""
def asin_(input: Tensor) -> Tensor:
    """The angle whose sine each element is, in place (`torch.asin_`).

    >>> torch.asin_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2527, 0.5236, 1.5708])"""
def asinh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse hyperbolic sine of each element (`torch.asinh`).

    >>> torch.asinh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2475, 0.4812, 0.8814])"""
def asinh_(input: Tensor) -> Tensor:
    """The inverse hyperbolic sine of each element, in place (`torch.asinh_`).

    >>> torch.asinh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2475, 0.4812, 0.8814])"""
def atan(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle whose tangent each element is (`torch.atan`).

    >>> torch.atan(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2450, 0.4636, 0.7854])"""
def atan2(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The angle of the point (`other`, `input`), in all four quadrants (`torch.atan2`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.atan2(x, x)
    tensor([0.7854, 0.7854, 0.7854])"""
def atan_(input: Tensor) -> Tensor:
    """The angle whose tangent each element is, in place (`torch.atan_`).

    >>> torch.atan_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2450, 0.4636, 0.7854])"""
def atanh(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse hyperbolic tangent of each element (`torch.atanh`).

    >>> torch.atanh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2554, 0.5493,    inf])"""
def atanh_(input: Tensor) -> Tensor:
    """The inverse hyperbolic tangent of each element, in place (`torch.atanh_`).

    >>> torch.atanh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2554, 0.5493,    inf])"""
def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one axis (`torch.atleast_1d`).

    >>> torch.atleast_1d()
    ()"""
def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two axes (`torch.atleast_2d`).

    >>> torch.atleast_2d()
    ()"""
def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three axes (`torch.atleast_3d`).

    >>> torch.atleast_3d()
    ()"""
def avg_pool1d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, ceil_mode: _bool = False, count_include_pad: _bool = True) -> Tensor:
    """The mean of every window (`torch.nn.functional.avg_pool1d`).

    >>> torch.avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    tensor([[1.5000],
            [3.5000]])"""
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: _float = 1, alpha: _float = 1, out: Any = None) -> Tensor:
    """Products of a batch of matrices added: `beta * input + alpha * batch1 @ batch2` (`torch.baddbmm`).

    >>> x = torch.ones(1, 2, 2)
    >>> torch.baddbmm(x, x, x)
    tensor([[[3., 3.],
             [3., 3.]]])"""
@overload
def bartlett_window(window_length: _int, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    """A triangle (`torch.bartlett_window`).

    >>> import tapegrad as torch
    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])

    Called as

        bartlett_window(window_length, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        bartlett_window(window_length, periodic, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def bartlett_window(window_length: _int, periodic: _bool, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
def batch_norm(input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None, training: _bool, momentum: _float, eps: _float, cudnn_enabled: _bool) -> Any:
    """`nn.functional.batch_norm`, in another order of arguments (`torch.batch_norm`)."""
@overload
def bernoulli(input: Tensor, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """Ones with the probability given by each element, or by `p` (`torch.bernoulli`).

    >>> _ = manual_seed(0); bernoulli(creation.tensor([0.0, 0.5, 1.0]))
    tensor([0., 0., 1.])

    Called as

        bernoulli(input, *, generator=None, out=None)
        bernoulli(input, p, *, generator=None)"""
@overload
def bernoulli(input: Tensor, p: _float, *, generator: Generator | None = None) -> Tensor:
    ...
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x₁ᵀ W x₂ for every matrix W (`torch.nn.functional.bilinear`).

    >>> torch.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(1, 2, 3))
    tensor([[6.]])"""
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: _int = 0) -> Tensor:
    """Binary cross entropy of logits, reduced by number (`torch.binary_cross_entropy_with_logits`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.binary_cross_entropy_with_logits(x, x)
    tensor([0.7634, 0.7241, 0.3133])"""
def bincount(input: Tensor, weights: Tensor | None = None, minlength: _int = 0) -> Tensor:
    """How often each number occurs (`torch.bincount`).

    >>> torch.bincount(torch.tensor([1, 2, 3]))
    tensor([0, 1, 1, 1])"""
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Successes among so many trials (`torch.binomial`)."""
@overload
def bitwise_and(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The bits that are set in both: `input & other` (`torch.bitwise_and`).

    Called as

        bitwise_and(input, other, *, out=None)
        bitwise_and(self, other)
        bitwise_and(input, other, *, out=None)

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.bitwise_and(x, x)
    tensor([1, 2, 3])"""
@overload
def bitwise_and(self: _float, other: Tensor) -> Tensor:
    ...
@overload
def bitwise_and(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def bitwise_left_shift(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Bits moved to the left: `input << other` (`torch.bitwise_left_shift`).

    Called as

        bitwise_left_shift(input, other, *, out=None)
        bitwise_left_shift(self, other)
        bitwise_left_shift(input, other, *, out=None)

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.bitwise_left_shift(x, x)
    tensor([ 2,  8, 24])"""
@overload
def bitwise_left_shift(self: _float, other: Tensor) -> Tensor:
    ...
@overload
def bitwise_left_shift(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
def bitwise_not(input: Tensor, *, out: Any = None) -> Tensor:
    """Each bit turned over: `~input` (`torch.bitwise_not`).

    >>> torch.bitwise_not(torch.tensor([1, 2, 3]))
    tensor([-2, -3, -4])"""
@overload
def bitwise_or(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The bits that are set in one of both: `input | other` (`torch.bitwise_or`).

    Called as

        bitwise_or(input, other, *, out=None)
        bitwise_or(self, other)
        bitwise_or(input, other, *, out=None)

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.bitwise_or(x, x)
    tensor([1, 2, 3])"""
@overload
def bitwise_or(self: _float, other: Tensor) -> Tensor:
    ...
@overload
def bitwise_or(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def bitwise_right_shift(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Bits moved to the right: `input >> other` (`torch.bitwise_right_shift`).

    Called as

        bitwise_right_shift(input, other, *, out=None)
        bitwise_right_shift(self, other)
        bitwise_right_shift(input, other, *, out=None)

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.bitwise_right_shift(x, x)
    tensor([0, 0, 0])"""
@overload
def bitwise_right_shift(self: _float, other: Tensor) -> Tensor:
    ...
@overload
def bitwise_right_shift(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def bitwise_xor(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The bits that are set in just one of both: `input ^ other` (`torch.bitwise_xor`).

    Called as

        bitwise_xor(input, other, *, out=None)
        bitwise_xor(self, other)
        bitwise_xor(input, other, *, out=None)

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.bitwise_xor(x, x)
    tensor([0, 0, 0])"""
@overload
def bitwise_xor(self: _float, other: Tensor) -> Tensor:
    ...
@overload
def bitwise_xor(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def blackman_window(window_length: _int, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    """0.42 - cos(2πi/n)/2 + 0.08 cos(4πi/n) (`torch.blackman_window`).

    Called as

        blackman_window(window_length, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        blackman_window(window_length, periodic, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def blackman_window(window_length: _int, periodic: _bool, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
def block_diag(*tensors: Any) -> Tensor:
    """Matrices along a diagonal (`torch.block_diag`).

    >>> torch.block_diag(torch.ones(1, 2), torch.ones(1, 1))
    tensor([[1., 1., 0.],
            [0., 0., 1.]])"""
def bmm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """The products of two batches of matrices (`torch.bmm`).

    >>> x = torch.ones(1, 2, 2)
    >>> torch.bmm(x, x)
    tensor([[[2., 2.],
             [2., 2.]]])"""
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that shapes broadcast to (`torch.broadcast_shapes`).

    >>> torch.broadcast_shapes()
    torch.Size([])"""
def broadcast_tensors(*tensors: Any) -> Any:
    """Tensors expanded to their common shape (`torch.broadcast_tensors`).

    >>> torch.broadcast_tensors()
    ()"""
def broadcast_to(input: Tensor, size: Sequence[_int]) -> Tensor:
    """The tensor expanded to a shape (`torch.broadcast_to`).

    >>> torch.broadcast_to(torch.tensor([0.25, 0.5, 1.0]), (3, 3))
    tensor([[0.2500, 0.5000, 1.0000],
            [0.2500, 0.5000, 1.0000],
            [0.2500, 0.5000, 1.0000]])"""
@overload
def bucketize(input: Tensor, boundaries: Tensor, *, out_int32: _bool = False, right: _bool = False, out: Any = None) -> Tensor:
    """Into which of the intervals between boundaries values fall (`torch.bucketize`).

    Called as

        bucketize(input, boundaries, *, out_int32=False, right=False, out=None)
        bucketize(self, boundaries, *, out_int32=False, right=False)

    >>> torch.bucketize(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0.4, 0.8]))
    tensor([0, 1, 2])"""
@overload
def bucketize(self: _float, boundaries: Tensor, *, out_int32: _bool = False, right: _bool = False) -> Tensor:
    ...
def can_cast(from_: Any, to: Any) -> _bool:
    """Whether a dtype's kind of number, or a wider kind, is that of `to` (`torch.can_cast`).

    >>> import tapegrad
    >>> tapegrad.can_cast(tapegrad.float32, tapegrad.int64)
    False"""
def cartesian_prod(*tensors: Any) -> Tensor:
    """All tuples with an element of each vector (`torch.cartesian_prod`).

    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([5, 6]))
    tensor([[1, 5],
            [1, 6],
            [2, 5],
            [2, 6]])"""
def cat(tensors: Sequence[Tensor], dim: _int = 0, *, out: Any = None) -> Tensor:
    """Tensors one after another along an axis (`torch.cat`).

    >>> torch.cat([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([1., 2.])"""
def cdist(x1: Tensor, x2: Tensor, p: _float = 2.0, compute_mode: _str | None = 'use_mm_for_euclid_dist_if_necessary') -> Tensor:
    """Distances of every point of one set to every point of another (`torch.cdist`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.cdist(x, x)
    tensor([[0.0000, 2.8284],
            [2.8284, 0.0000]])"""
def ceil(input: Tensor, *, out: Any = None) -> Tensor:
    """The next whole number above each element (`torch.ceil`).

    >>> torch.ceil(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1., 1., 1.])"""
def ceil_(input: Tensor) -> Tensor:
    """The next whole number above each element, in place (`torch.ceil_`).

    >>> torch.ceil_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1., 1., 1.])"""
def celu(input: Tensor, alpha: _float = 1.0) -> Tensor:
    """`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))` (`torch.celu`).

    >>> torch.celu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def celu_(input: Tensor, alpha: _float = 1.0) -> Tensor:
    """`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`, in place (`torch.celu_`).

    >>> torch.celu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def chain_matmul(*matrices: Any, out: Any = None) -> Any:
    """The product of matrices in the cheapest order (`torch.chain_matmul`).

    >>> import tapegrad as torch
    >>> torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 2), torch.ones(2, 1))
    tensor([[4.]])"""
def channel_shuffle(input: Tensor, groups: _int) -> Tensor:
    """Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

    >>> torch.channel_shuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
def cholesky(input: Tensor, upper: _bool = False, *, out: Any = None) -> Tensor:
    """The triangular factor of a positive-definite matrix (`torch.cholesky`).

    >>> torch.cholesky(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
    tensor([[1.4142, 0.0000],
            [0.7071, 1.5811]])"""
def cholesky_inverse(input: Tensor, upper: _bool = False, *, out: Any = None) -> Tensor:
    """The inverse of the matrix that a triangular factor stands for (`torch.cholesky_inverse`).

    >>> torch.cholesky_inverse(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[ 1.5625, -0.1875],
            [-0.1875,  0.0625]])"""
def cholesky_solve(input: Tensor, input2: Tensor, upper: _bool = False, *, out: Any = None) -> Tensor:
    """X with A X = B, where L is A's triangular factor (`torch.cholesky_solve`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.cholesky_solve(x, x)
    tensor([[ 1.0000,  2.3750],
            [ 0.0000, -0.1250]])"""
def chunk(input: Tensor, chunks: _int, dim: _int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal length (`torch.chunk`).

    >>> torch.chunk(torch.tensor([0.25, 0.5, 1.0]), 2)
    (tensor([0.2500, 0.5000]), tensor([1.]))"""
@overload
def clamp(input: Tensor, min: Tensor | None = None, max: Tensor | None = None, *, out: Any = None) -> Tensor:
    """Each element kept between `min` and `max` (`torch.clamp`).

    Called as

        clamp(input, min=None, max=None, *, out=None)
        clamp(input, min=None, max=None, *, out=None)

    >>> torch.clamp(torch.tensor([-1.0, 0.5, 2.0]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])"""
@overload
def clamp(input: Tensor, min: _float | None = None, max: _float | None = None, *, out: Any = None) -> Tensor:
    ...
@overload
def clamp_(input: Tensor, min: Tensor | None = None, max: Tensor | None = None) -> Any:
    """Each element kept between `min` and `max`, in place (`torch.clamp_`).

    Called as

        clamp_(input, min=None, max=None)
        clamp_(input, min=None, max=None)"""
@overload
def clamp_(input: Tensor, min: _float | None = None, max: _float | None = None) -> Any:
    ...
def clamp_max(input: Tensor, max: Tensor | _float, *, out: Any = None) -> Tensor:
    """Each element, or `max` where that is less (`torch.clamp_max`).

    >>> torch.clamp_max(torch.tensor([0.25, 0.5, 1.0]), 0.5)
    tensor([0.2500, 0.5000, 0.5000])"""
def clamp_max_(input: Tensor, max: Tensor | _float) -> Tensor:
    """Each element, or `max` where that is less, in place (`torch.clamp_max_`).

    >>> torch.clamp_max_(torch.tensor([0.25, 0.5, 1.0]), 0.5)
    tensor([0.2500, 0.5000, 0.5000])"""
def clamp_min(input: Tensor, min: Tensor | _float, *, out: Any = None) -> Tensor:
    """Each element, or `min` where that is greater (`torch.clamp_min`).

    >>> torch.clamp_min(torch.tensor([0.25, 0.5, 1.0]), 0.5)
    tensor([0.5000, 0.5000, 1.0000])"""
def clamp_min_(input: Tensor, min: Tensor | _float) -> Tensor:
    """Each element, or `min` where that is greater, in place (`torch.clamp_min_`).

    >>> torch.clamp_min_(torch.tensor([0.25, 0.5, 1.0]), 0.5)
    tensor([0.5000, 0.5000, 1.0000])"""
def clear_autocast_cache() -> None:
    """Forget casts that were kept: there are none.

    >>> import tapegrad as torch
    >>> torch.clear_autocast_cache()"""
@overload
def clip(input: Tensor, min: Tensor | None = None, max: Tensor | None = None, *, out: Any = None) -> Tensor:
    """Each element kept between `min` and `max` (`torch.clip`).

    Called as

        clip(input, min=None, max=None, *, out=None)
        clip(input, min=None, max=None, *, out=None)

    >>> torch.clip(torch.tensor([-1.0, 0.5, 2.0]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])"""
@overload
def clip(input: Tensor, min: _float | None = None, max: _float | None = None, *, out: Any = None) -> Tensor:
    ...
@overload
def clip_(input: Tensor, min: Tensor | None = None, max: Tensor | None = None) -> Any:
    """Each element kept between `min` and `max`, in place (`torch.clip_`).

    Called as

        clip_(input, min=None, max=None)
        clip_(input, min=None, max=None)"""
@overload
def clip_(input: Tensor, min: _float | None = None, max: _float | None = None) -> Any:
    ...
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy, which lies as the format asks (`torch.clone`): as the tensor does, unless one is given.

    >>> torch.clone(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def column_stack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Vectors as columns, beside matrices (`torch.column_stack`).

    >>> torch.column_stack([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([[1., 2.]])"""
def combinations(input: Tensor, r: _int = 2, with_replacement: _bool = False) -> Tensor:
    """All choices of `r` elements of a vector (`torch.combinations`).

    >>> torch.combinations(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[0.2500, 0.5000],
            [0.2500, 1.0000],
            [0.5000, 1.0000]])"""
def compile(model: Any = None, *, fullgraph: _bool = False, dynamic: _bool | None = None, backend: Any = None, mode: _str | None = None, options: Any = None, name: _str | None = None, disable: _bool = False, recompile_limit: _int | None = None, isolate_recompiles: _bool = False, shapes_spec: Any = None, eager_build: _bool = False, passes: Any = None, checkpoint: _str | None = None, memory: _int | None = None) -> Any:
    """Capture a function's work and replay it on later calls with no Python between the kernels (`torch.compile`).

    >>> import tapegrad
    >>> w = tapegrad.ones(3, requires_grad=True)
    >>> @compile
    ... def step():
    ...     loss = (w * w).sum()
    ...     loss.backward()
    ...     with tapegrad.no_grad():
    ...         w.sub_(0.1 * w.grad)
    ...     w.grad.zero_()
    >>> for _ in range(6):
    ...     step()
    >>> step.replays > 0
    True

    A whole step may be captured: forward, backward, updates in place. What it reads is checked before every replay:
    layouts and flags of arguments, Python values by content, tensors by identity, and values that reached Python on the
    way. Where a check fails the function runs as it is written; nothing a broken-off replay did stays. A result that
    requires grad is one node of the graph, with a compiled backward.

    `dynamic`: arguments come in many shapes. Each shape is captured by itself either way (what Python does with a shape
    cannot be watched), and the kernels are shared; a function that meets more than 64 kinds of arguments then forgets
    the oldest, where it would otherwise give up. `eager_build`: wait for the superinstructions of long programs, which
    are built in the background otherwise. `passes` chooses among the optimiser's (`compiler/passes`), all by default.

    `checkpoint="auto"` has long loops whose backward is in the call too (`f.grad` puts it there) keep few of the
    values that it reads, and computes the others anew, by the binomial schedule of Griewank and Walther (Algorithm
    799, `revolve`): the same kernels, so the same gradient to the last bit. `memory` is how many bytes of its own the
    program may take, as `explain()` shows them; without it each turn is computed twice at most, and what is kept grows
    with the root of their count. A function in which no loop can be run again keeps all, with a warning that says why;
    calls that are captured keep all as well, for they run as written. ValueError, from the call that makes the program,
    where `memory` is too little: it names the least.

    PyTorch's other options are taken: `disable` gives the function back, and the rest changes nothing, for there is one
    compiler. What cannot be captured runs as it is written, with `fullgraph` too.

    Raises AssertionError for what cannot be called, TypeError and ValueError for a bad `checkpoint` or `memory`,
    RuntimeError for a mode or backend that PyTorch does not have, and for `mode` beside `options`;
    NotImplementedError for a function as a backend, which would be given a graph of `torch.fx`."""
def complex(real: Tensor, imag: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.complex`)."""
def concat(tensors: Sequence[Tensor], dim: _int = 0, *, out: Any = None) -> Tensor:
    """Tensors one after another along an axis (`torch.cat`).

    >>> torch.concat([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([1., 2.])"""
def concatenate(tensors: Sequence[Tensor], dim: _int = 0, *, out: Any = None) -> Tensor:
    """Tensors one after another along an axis (`torch.cat`).

    >>> torch.concatenate([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([1., 2.])"""
def conj(input: Tensor) -> Tensor:
    """The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).

    >>> torch.conj(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def conj_physical(input: Tensor, *, out: Any = None) -> Tensor:
    """The tensor itself: it is real (`torch.conj_physical`).

    >>> torch.conj_physical(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def constant_pad_nd(input: Tensor, pad: Sequence[_int], value: _float = 0) -> Tensor:
    """`nn.functional.pad` with a value (`torch.constant_pad_nd`).

    >>> torch.constant_pad_nd(torch.tensor([0.25, 0.5, 1.0]), (1, 1))
    tensor([0.0000, 0.2500, 0.5000, 1.0000, 0.0000])"""
@overload
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    """Kernels applied at every place of 1 axes (`torch.nn.functional.conv1d`).

    Called as

        conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
        conv1d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)

    >>> torch.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
    tensor([[[2., 2.]]])"""
@overload
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: str = 'valid', dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    ...
@overload
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    """Kernels applied at every place of 2 axes (`torch.nn.functional.conv2d`).

    Called as

        conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
        conv2d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)

    >>> torch.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
    tensor([[[[4.]]]])"""
@overload
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: str = 'valid', dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    ...
@overload
def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    """Kernels applied at every place of 3 axes (`torch.nn.functional.conv3d`).

    Called as

        conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
        conv3d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)

    >>> torch.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
    tensor([[[[[8.]]]]])"""
@overload
def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: str = 'valid', dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    ...
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: _int = 0) -> Tensor:
    """A convolution in one axis of (time, batch, channel) (`torch.nn.functional.conv_tbc`).

    >>> torch.conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1))
    tensor([[[2.]],
    <BLANKLINE>
            [[2.]]])"""
def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, output_padding: _int | Sequence[_int] = 0, groups: _int = 1, dilation: _int | Sequence[_int] = 1) -> Tensor:
    """The adjoint of a convolution in 1 axes (`torch.nn.functional.conv_transpose1d`).

    >>> torch.conv_transpose1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
    tensor([[[1., 2., 2., 1.]]])"""
def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, output_padding: _int | Sequence[_int] = 0, groups: _int = 1, dilation: _int | Sequence[_int] = 1) -> Tensor:
    """The adjoint of a convolution in 2 axes (`torch.nn.functional.conv_transpose2d`).

    >>> torch.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])"""
def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, output_padding: _int | Sequence[_int] = 0, groups: _int = 1, dilation: _int | Sequence[_int] = 1) -> Tensor:
    """The adjoint of a convolution in 3 axes (`torch.nn.functional.conv_transpose3d`).

    >>> torch.conv_transpose3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
    tensor([[[[[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]],
    <BLANKLINE>
              [[2., 4., 2.],
               [4., 8., 4.],
               [2., 4., 2.]],
    <BLANKLINE>
              [[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]]]]])"""
def convolution(input: Tensor, weight: Tensor, bias: Tensor | None, stride: _int | Sequence[_int], padding: _int | Sequence[_int], dilation: _int | Sequence[_int], transposed: _bool, output_padding: _int | Sequence[_int], groups: _int) -> Any:
    """A convolution in as many axes as the weight says, or its adjoint (`torch.convolution`)."""
def copysign(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The size of `input` with the sign of `other` (`torch.copysign`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.copysign(x, x)
    tensor([0.2500, 0.5000, 1.0000])"""
def corrcoef(input: Tensor) -> Tensor:
    """Correlations of variables in rows (`torch.corrcoef`).

    >>> torch.corrcoef(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.)"""
def cos(input: Tensor, *, out: Any = None) -> Tensor:
    """The cosine of each element (`torch.cos`).

    >>> torch.cos(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.9689, 0.8776, 0.5403])"""
def cos_(input: Tensor) -> Tensor:
    """The cosine of each element, in place (`torch.cos_`).

    >>> torch.cos_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.9689, 0.8776, 0.5403])"""
def cosh(input: Tensor, *, out: Any = None) -> Tensor:
    """The hyperbolic cosine of each element (`torch.cosh`).

    >>> torch.cosh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0314, 1.1276, 1.5431])"""
def cosh_(input: Tensor) -> Tensor:
    """The hyperbolic cosine of each element, in place (`torch.cosh_`).

    >>> torch.cosh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0314, 1.1276, 1.5431])"""
def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: _float = 0.0, reduction: _int = 0) -> Any:
    """`nn.functional.cosine_embedding_loss`, reduced by number (`torch.cosine_embedding_loss`)."""
def cosine_similarity(x1: Tensor, x2: Tensor, dim: _int = 1, eps: _float = 1e-08) -> Tensor:
    """The cosine of the angle between vectors (`torch.nn.functional.cosine_similarity`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.cosine_similarity(x, x)
    tensor([1.0000, 1.0000])"""
@overload
def count_nonzero(input: Tensor, dim: _int | None = None) -> Tensor:
    """How many elements are not zero (`torch.count_nonzero`).

    Called as

        count_nonzero(input, dim=None)
        count_nonzero(input, dim)

    >>> torch.count_nonzero(torch.tensor([0.25, 0.5, 1.0]))
    tensor(3)"""
@overload
def count_nonzero(input: Tensor, dim: Sequence[_int]) -> Tensor:
    ...
def cov(input: Tensor, *, correction: _int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
    """Covariances of variables in rows (`torch.cov`).

    >>> torch.cov(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.1458)"""
def cross(input: Tensor, other: Tensor, dim: _int | None = None, *, out: Any = None) -> Tensor:
    """The cross product of vectors along an axis of length 3 (`torch.cross`).

    >>> torch.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), dim=0)
    tensor([0., 0., 1.])"""
def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: _int = 0, reduction: _int = 0, zero_infinity: _bool = False) -> Any:
    """`nn.functional.ctc_loss`, reduced by number (`torch.ctc_loss`)."""
def cummax(input: Tensor, dim: _int, *, out: Any = None) -> _cummax:
    """The greatest element so far along an axis, and its places (`torch.cummax`).

    >>> torch.cummax(torch.tensor([0.25, 0.5, 1.0]), 0)
    torch.return_types.cummax(
    values=tensor([0.2500, 0.5000, 1.0000]),
    indices=tensor([0, 1, 2]))"""
def cummin(input: Tensor, dim: _int, *, out: Any = None) -> _cummin:
    """The least element so far along an axis, and its places (`torch.cummin`).

    >>> torch.cummin(torch.tensor([0.25, 0.5, 1.0]), 0)
    torch.return_types.cummin(
    values=tensor([0.2500, 0.2500, 0.2500]),
    indices=tensor([0, 0, 0]))"""
def cumprod(input: Tensor, dim: _int, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """The products of all elements so far along an axis (`torch.cumprod`).

    >>> torch.cumprod(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([0.2500, 0.1250, 0.1250])"""
def cumsum(input: Tensor, dim: _int, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """The sums of all elements so far along an axis (`torch.cumsum`).

    >>> torch.cumsum(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([0.2500, 0.7500, 1.7500])"""
@overload
def cumulative_trapezoid(y: Tensor, x: Tensor, *, dim: _int = -1) -> Tensor:
    """The running integral by the trapezoid rule (`torch.cumulative_trapezoid`).

    Called as

        cumulative_trapezoid(y, x, *, dim=-1)
        cumulative_trapezoid(y, *, dx=1, dim=-1)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.cumulative_trapezoid(x, x)
    tensor([0.0938, 0.4688])"""
@overload
def cumulative_trapezoid(y: Tensor, *, dx: _float = 1, dim: _int = -1) -> Tensor:
    ...
def custom_op(function: Any = None, *, vjp: Any = None, name: _str | None = None, signature: _str | None = None, jvp: Any = None) -> Any:
    """An operation from a function of numbers, done on each element, or of arrays (or a decorator that makes one).

    >>> import math, tapegrad
    >>> @custom_op
    ... def bump(x, width):
    ...     return math.exp(-(x / width) ** 2)
    >>> x = tapegrad.tensor([0.0, 1.0], requires_grad=True)
    >>> y = bump(x, 2.0)
    >>> y
    tensor([1.0000, 0.7788], grad_fn=<BumpBackward0>)
    >>> y.sum().backward()
    >>> x.grad
    tensor([-0.0000, -0.3894])

    Operands broadcast; the result is of their promoted dtype, whole numbers count as floats, and it is computed in that
    dtype. Arithmetic, comparisons, functions of `math` and of NumPy on numbers (`numpy.where` too), and functions made
    of these, are followed: the operation is then fused as any built-in one, and its adjoint is derived, to any order.
    A function that branches or loops on values is compiled by Numba and called for each element, in double or single
    precision; where it raises, the element is NaN.

    `vjp` gives the adjoint: called with what its parameters name, `g` (the gradient of the result), `out` (the result)
    and the operands, it returns the gradient of each operand, a tuple for several. A function that cannot be followed
    has none otherwise: a backward through it is refused. Values that the functions read are those of the moment of
    declaration. Raises TypeError for what is no function of numbers.

    With a `signature` as NumPy's generalised ufuncs have it, it is a function of arrays, which Numba compiles: what is
    in parentheses are the dimensions it works on, axes before those are loops, which broadcast. It returns its results,
    or has parameters more that they are written to. Its `vjp` is one too (of several results, of `g0`, `out0`, `g1`,
    …), and so is `jvp`, of operands and tangents `x_dot`.

    >>> row_norms = custom_op(lambda x: (x * x).sum() ** 0.5, signature="(n)->()", vjp=lambda g, out, x: g / out * x)
    >>> x = tapegrad.tensor([[3.0, 4.0], [0.0, 2.0]], requires_grad=True)
    >>> tapegrad.autograd.grad(row_norms(x).sum(), x)
    (tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]]),)

    Raises ValueError where shapes do not fit, and whatever the function raises."""
def deg2rad(input: Tensor, *, out: Any = None) -> Tensor:
    """Degrees as radians (`torch.deg2rad`).

    >>> torch.deg2rad(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.0044, 0.0087, 0.0175])"""
def deg2rad_(input: Tensor) -> Tensor:
    """Degrees as radians, in place (`torch.deg2rad_`).

    >>> torch.deg2rad_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.0044, 0.0087, 0.0175])"""
def det(input: Tensor) -> Tensor:
    """The determinant (`torch.linalg.det`).

    >>> torch.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)"""
def detach(input: Tensor) -> Tensor:
    """The same memory without history (`torch.detach`).

    >>> torch.detach(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def detach_(input: Tensor) -> Tensor:
    """This tensor without its history (`torch.detach_`)."""
def diag(input: Tensor, diagonal: _int = 0, *, out: Any = None) -> Tensor:
    """A matrix's diagonal, or the matrix of a diagonal (`torch.diag`).

    >>> torch.diag(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[0.2500, 0.0000, 0.0000],
            [0.0000, 0.5000, 0.0000],
            [0.0000, 0.0000, 1.0000]])"""
def diag_embed(input: Tensor, offset: _int = 0, dim1: _int = -2, dim2: _int = -1) -> Tensor:
    """The last axis as a diagonal of two new ones (`torch.diag_embed`).

    >>> torch.diag_embed(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[0.2500, 0.0000, 0.0000],
            [0.0000, 0.5000, 0.0000],
            [0.0000, 0.0000, 1.0000]])"""
def diagflat(input: Tensor, offset: _int = 0) -> Tensor:
    """A matrix with all elements on a diagonal (`torch.diagflat`).

    >>> torch.diagflat(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[0.2500, 0.0000, 0.0000],
            [0.0000, 0.5000, 0.0000],
            [0.0000, 0.0000, 1.0000]])"""
def diagonal(input: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
    """The diagonal of two axes as the last axis (`torch.diagonal`).

    >>> torch.diagonal(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])"""
def diagonal_scatter(input: Tensor, src: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
    """A copy with a diagonal replaced (`torch.diagonal_scatter`).

    >>> torch.diagonal_scatter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([7.0, 8.0]))
    tensor([[7., 2.],
            [3., 8.]])"""
def diff(input: Tensor, n: _int = 1, dim: _int = -1, prepend: Any = None, append: Any = None, *, out: Any = None) -> Tensor:
    """Differences of neighbours, `n` times over (`torch.diff`).

    >>> torch.diff(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000])"""
def digamma(input: Tensor, *, out: Any = None) -> Tensor:
    """The derivative of the logarithm of the gamma function (`torch.digamma`).

    >>> torch.digamma(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-4.2275, -1.9635, -0.5772])"""
def dist(input: Tensor, other: Tensor, p: _float = 2) -> Tensor:
    """The norm of a difference (`torch.dist`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.dist(x, x)
    tensor(0.)"""
@overload
def div(input: Tensor | _float, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other` (`torch.div`).

    Called as

        div(input, other, *, out=None)
        div(input, other, *, rounding_mode, out=None)
        div(input, other, *, rounding_mode)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.div(x, x)
    tensor([1., 1., 1.])"""
@overload
def div(input: Tensor | _float, other: Tensor | _float, *, rounding_mode: str | None, out: Any = None) -> Tensor:
    ...
@overload
def divide(input: Tensor | _float, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other` (`torch.divide`).

    Called as

        divide(input, other, *, out=None)
        divide(input, other, *, rounding_mode, out=None)
        divide(input, other)
        divide(input, other, *, rounding_mode)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.divide(x, x)
    tensor([1., 1., 1.])"""
@overload
def divide(input: Tensor | _float, other: Tensor | _float, *, rounding_mode: str | None, out: Any = None) -> Tensor:
    ...
def dot(input: Tensor, tensor: Tensor, *, out: Any = None) -> Tensor:
    """The sum of products of two vectors (`torch.dot`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.dot(x, x)
    tensor(1.3125)"""
def dropout(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.dropout`).

    >>> torch.dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
    tensor([0.2500, 0.5000, 1.0000])"""
def dropout_(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.dropout_`)."""
def dsmm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """The product of two matrices (`torch.mm`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.mm(x, x)
    tensor([[ 7., 10.],
            [15., 22.]])"""
@overload
def dsplit(input: Tensor, sections: _int) -> tuple[Tensor, ...]:
    """Pieces along the third axis (`torch.dsplit`).

    Called as

        dsplit(input, sections)
        dsplit(input, indices)

    >>> torch.dsplit(torch.ones(1, 1, 4), 1)
    (tensor([[[1., 1., 1., 1.]]]),)"""
@overload
def dsplit(input: Tensor, indices: Sequence[_int]) -> tuple[Tensor, ...]:
    ...
def dstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Tensors behind each other, along the third axis (`torch.dstack`).

    >>> torch.dstack([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([[[1., 2.]]])"""
def dump(*what: Any, adjoint: _bool = False, values: _bool = False, grads: _bool = False, fold: _bool = True, json: _bool = False, file: Any = None) -> None:
    """Print the tape that some tensors depend on, or a tape.

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 3.0], requires_grad=True)
    >>> loss = (x * x).sum()
    >>> torch.inspect.dump(loss, values=True)
    tape "loss"  2 ins · 3 bufs · 12 B · kept for backward 8 B
    in   %0  f32[2]  x ∂  · value 1..3 mean 2 █▁▁▁▁▁▁█
    ip   out  type    op   operands     keeps  uses  grad_fn       source  value
     0   %1   f32[2]  mul  %0 %0        %0     1     MulBackward0  -       1..9 mean 5 █▁▁▁▁▁▁█
     1   %2   f32[]   sum  %1 dim=(0,)  -      1     SumBackward0  -       10
    out  %2
    ∂ requires grad · ~ broadcast · keeps = read again by backward

    `adjoint` adds what backward does. `values` and `grads` show what each buffer and its adjoint hold: least, greatest
    and mean of what is finite, a histogram, and how many are not; the tape is run again for them, on its inputs as they
    are now. Loops are folded, `× 100`, unless `fold=False`. `json` gives the same for programs. On a terminal there is
    colour (https://no-color.org). docs/tape-format.md explains the columns. Raises TypeError for what is no tensor."""
def eig(input: Tensor, eigenvectors: Any = False, *, e: Any = None, v: Any = None) -> Any:
    """RuntimeError: there are no complex tensors; of symmetric matrices see `linalg.eigh` (`torch.eig`)."""
def einsum(*args: Any) -> Any:
    """Sums of products in index notation (`torch.einsum`).

    >>> import tapegrad
    >>> tapegrad.einsum("ij,ij->i", tapegrad.ones(2, 3), tapegrad.ones(2, 3))
    tensor([3., 3.])
    >>> tapegrad.einsum(tapegrad.ones(2, 3), [0, 1], [1])
    tensor([2., 2., 2.])"""
def embedding(weight: Tensor, indices: Tensor, padding_idx: _int = -1, scale_grad_by_freq: _bool = False, sparse: _bool = False) -> Tensor:
    """Rows of a table, looked up by their numbers (`torch.embedding`).

    >>> torch.embedding(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 0]))
    tensor([[3., 4.],
            [1., 2.]])"""
@overload
def empty(size: Sequence[_int], *, memory_format: Any = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """A tensor that is not initialised (`torch.empty`).

    >>> import tapegrad as torch
    >>> torch.empty(2, 3).shape
    torch.Size([2, 3])"""
@overload
def empty(*size: _int, memory_format: Any = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def empty_like(input: Tensor, *, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """A tensor shaped like another, not initialised (`torch.empty_like`).

    >>> import tapegrad as torch
    >>> torch.empty_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])"""
def empty_permuted(size: Sequence[_int], physical_layout: Sequence[_int], *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool | None = False, pin_memory: _bool | None = False) -> Tensor:
    """A tensor that is not initialised, dense, whose dimensions lie in this order, outermost first.

    >>> import tapegrad as torch
    >>> torch.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)

    RuntimeError where that is no order of the dimensions (`torch.empty_permuted`)."""
def empty_strided(size: Sequence[_int], stride: _int | Sequence[_int], *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool | None = False, pin_memory: _bool | None = False) -> Tensor:
    """A tensor that is not initialised and lies with these strides (`torch.empty_strided`).

    >>> import tapegrad as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)

    RuntimeError where there are not as many strides as sizes, or one is negative."""
def eq(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are equal: `input == other` (`torch.eq`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.eq(x, x)
    tensor([True, True, True])"""
def equal(input: Tensor, other: Tensor) -> _bool:
    """Whether shapes and all elements agree (`torch.equal`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.equal(x, x)
    True"""
def erf(input: Tensor, *, out: Any = None) -> Tensor:
    """The error function of each element (`torch.erf`).

    >>> torch.erf(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2763, 0.5205, 0.8427])"""
def erf_(input: Tensor) -> Tensor:
    """The error function of each element, in place (`torch.erf_`).

    >>> torch.erf_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2763, 0.5205, 0.8427])"""
def erfc(input: Tensor, *, out: Any = None) -> Tensor:
    """One minus the error function of each element (`torch.erfc`).

    >>> torch.erfc(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.7237, 0.4795, 0.1573])"""
def erfc_(input: Tensor) -> Tensor:
    """One minus the error function of each element, in place (`torch.erfc_`).

    >>> torch.erfc_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.7237, 0.4795, 0.1573])"""
def erfinv(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of the error function (`torch.erfinv`).

    >>> torch.erfinv(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2253, 0.4769,    inf])"""
def exp(input: Tensor, *, out: Any = None) -> Tensor:
    """e to the power of each element (`torch.exp`).

    >>> torch.exp(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.2840, 1.6487, 2.7183])"""
def exp2(input: Tensor, *, out: Any = None) -> Tensor:
    """2 to the power of each element (`torch.exp2`).

    >>> torch.exp2(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.1892, 1.4142, 2.0000])"""
def exp2_(input: Tensor) -> Tensor:
    """2 to the power of each element, in place (`torch.exp2_`).

    >>> torch.exp2_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.1892, 1.4142, 2.0000])"""
def exp_(input: Tensor) -> Tensor:
    """e to the power of each element, in place (`torch.exp_`).

    >>> torch.exp_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.2840, 1.6487, 2.7183])"""
def expm1(input: Tensor, *, out: Any = None) -> Tensor:
    """`exp(input) - 1`, exact for small elements (`torch.expm1`).

    >>> torch.expm1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2840, 0.6487, 1.7183])"""
def expm1_(input: Tensor) -> Tensor:
    """`exp(input) - 1`, exact for small elements, in place (`torch.expm1_`).

    >>> torch.expm1_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2840, 0.6487, 1.7183])"""
@overload
def eye(n: _int, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """The identity matrix (`torch.eye`).

    >>> import tapegrad as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])

    Called as

        eye(n, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        eye(n, m, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def eye(n: _int, m: _int, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def fake_quantize_per_channel_affine(input: Tensor, scale: Tensor, zero_point: Tensor, axis: _int, quant_min: _int, quant_max: _int) -> Any:
    """Each channel rounded with a scale of its own (`torch.fake_quantize_per_channel_affine`)."""
@overload
def fake_quantize_per_tensor_affine(input: Tensor, scale: Tensor, zero_point: Tensor, quant_min: _int, quant_max: _int) -> Any:
    """Each element rounded as a quantised tensor would hold it (`torch.fake_quantize_per_tensor_affine`).

    Called as

        fake_quantize_per_tensor_affine(input, scale, zero_point, quant_min, quant_max)
        fake_quantize_per_tensor_affine(input, scale, zero_point, quant_min, quant_max)"""
@overload
def fake_quantize_per_tensor_affine(input: Tensor, scale: _float, zero_point: _int, quant_min: _int, quant_max: _int) -> Any:
    ...
def feature_alpha_dropout(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.feature_alpha_dropout`).

    >>> torch.feature_alpha_dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
    tensor([0.2500, 0.5000, 1.0000])"""
def feature_alpha_dropout_(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.feature_alpha_dropout_`)."""
def feature_dropout(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.feature_dropout`).

    >>> torch.feature_dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
    tensor([0.2500, 0.5000, 1.0000])"""
def feature_dropout_(input: Tensor, p: _float, train: _bool) -> Tensor:
    """Elements set to zero at random (`torch.feature_dropout_`)."""
def fill(input: Tensor, value: Tensor | _float) -> Tensor:
    """A tensor of the same shape that holds one value (`torch.fill`).

    >>> torch.fill(torch.tensor([0.25, 0.5, 1.0]), 2.0)
    tensor([2., 2., 2.])"""
def fill_(input: Tensor, value: Tensor | _float) -> Tensor:
    """A tensor of the same shape that holds one value, in place (`torch.fill_`).

    >>> torch.fill_(torch.tensor([0.25, 0.5, 1.0]), 2.0)
    tensor([2., 2., 2.])"""
def fix(input: Tensor, *, out: Any = None) -> Tensor:
    """Each element without its fraction (`torch.fix`).

    >>> torch.fix(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def fix_(input: Tensor) -> Tensor:
    """Each element without its fraction, in place (`torch.fix_`).

    >>> torch.fix_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def flatten(input: Tensor, start_dim: _int = 0, end_dim: _int = -1) -> Tensor:
    """Neighbouring axes merged (`torch.flatten`).

    >>> torch.flatten(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def flip(input: Tensor, dims: Sequence[_int]) -> Tensor:
    """Axes reversed, as a copy (`torch.flip`).

    >>> torch.flip(torch.tensor([0.25, 0.5, 1.0]), (0,))
    tensor([1.0000, 0.5000, 0.2500])"""
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order (`torch.fliplr`).

    >>> torch.fliplr(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 1.],
            [4., 3.]])"""
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order (`torch.flipud`).

    >>> torch.flipud(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0000, 0.5000, 0.2500])"""
@overload
def float_power(input: Tensor, exponent: Tensor, *, out: Any = None) -> Tensor:
    """A power in double precision (`torch.float_power`).

    Called as

        float_power(input, exponent, *, out=None)
        float_power(self, exponent, *, out=None)
        float_power(input, exponent, *, out=None)

    >>> torch.float_power(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([0.0625, 0.2500, 1.0000], dtype=torch.float64)"""
@overload
def float_power(self: _float, exponent: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def float_power(input: Tensor, exponent: _float, *, out: Any = None) -> Tensor:
    ...
def floor(input: Tensor, *, out: Any = None) -> Tensor:
    """The next whole number below each element (`torch.floor`).

    >>> torch.floor(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def floor_(input: Tensor) -> Tensor:
    """The next whole number below each element, in place (`torch.floor_`).

    >>> torch.floor_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def floor_divide(input: Tensor | _float, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The quotient of two tensors, rounded down: `input // other` (`torch.floor_divide`).

    Called as

        floor_divide(input, other, *, out=None)
        floor_divide(input, other)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.floor_divide(x, x)
    tensor([1., 1., 1.])"""
def fmax(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The greater of two elements, of which NaN is none (`torch.fmax`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.fmax(x, x)
    tensor([0.2500, 0.5000, 1.0000])"""
def fmin(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The lesser of two elements, of which NaN is none (`torch.fmin`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.fmin(x, x)
    tensor([0.2500, 0.5000, 1.0000])"""
def fmod(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The remainder of a division that is rounded towards zero; it has the sign of `input` (`torch.fmod`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.fmod(x, x)
    tensor([0., 0., 0.])"""
def frac(input: Tensor, *, out: Any = None) -> Tensor:
    """The fraction of each element (`torch.frac`).

    >>> torch.frac(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 0.0000])"""
def frac_(input: Tensor) -> Tensor:
    """The fraction of each element, in place (`torch.frac_`).

    >>> torch.frac_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 0.0000])"""
def frexp(input: Tensor, *, out: Any = None) -> _frexp:
    """Mantissas from a half to one, and exponents of two, of which it is the product (`torch.frexp`).

    >>> import tapegrad as torch
    >>> torch.frexp(torch.tensor([6.0, -0.25]))
    torch.return_types.frexp(
    mantissa=tensor([ 0.7500, -0.5000]),
    exponent=tensor([ 3, -1], dtype=torch.int32))

    Exponents are 0 for 0 and what is not finite. RuntimeError for whole numbers."""
def frobenius_norm(input: Tensor, dim: _int | Sequence[_int], keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The root of the sum of squares along axes (`torch.frobenius_norm`).

    >>> torch.frobenius_norm(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor(1.1456)"""
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: _bool | None = None) -> Tensor:
    """A tensor on the memory of another library's array (`torch.from_dlpack`).

    >>> import numpy as np, tapegrad
    >>> a = np.zeros(2); t = tapegrad.from_dlpack(a); t[1] = 3.0; a
    array([0., 3.])

    `ext_tensor` is an object with `__dlpack__`, or a capsule, which can be used once. Raises RuntimeError for what is
    neither, TypeError for dtypes there are no tensors of, ValueError for negative strides."""
def from_numpy(ndarray: Any) -> Tensor:
    """A tensor on an array's memory: a write to either is seen by both (`torch.from_numpy`).

    >>> a = np.zeros(2)
    >>> t = from_numpy(a); a[0] = 1; t
    tensor([1., 0.], dtype=torch.float64)

    Raises TypeError for what is no array or has an unsupported dtype, ValueError for negative strides and for bytes in
    the other order. Warns of a read-only array: a tensor cannot be kept from writing to it."""
def frombuffer(buffer: Any, *, dtype: _dtype | type, count: _int = -1, offset: _int = 0, requires_grad: _bool | None = False) -> Tensor:
    """A tensor of one dimension on the memory of an object with the buffer protocol (`torch.frombuffer`).

    >>> import array
    >>> import tapegrad as torch
    >>> torch.frombuffer(array.array("i", [1, 2, 3]), dtype=torch.int32, offset=4)
    tensor([2, 3], dtype=torch.int32)

    ValueError where the buffer has not so many elements from there on, or none; memory that is not to be written to is
    warned of."""
def full(size: Sequence[_int], fill_value: _float, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """A tensor filled with one number, of that number's dtype unless another is given (`torch.full`).

    >>> full((2,), 7)
    tensor([7, 7])"""
def full_like(input: Tensor, fill_value: Any, *, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """A tensor shaped like another, filled with one number (`torch.full_like`).

    >>> full_like(ones(2), 7)
    tensor([7., 7.])"""
def gather(input: Tensor, dim: _int, index: Tensor, *, sparse_grad: _bool = False, out: Any = None) -> Tensor:
    """Elements at given positions along an axis (`torch.gather`).

    >>> torch.gather(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]))
    tensor([0.2500, 0.2500])"""
def gcd(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`torch.gcd`, computed by NumPy.

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.gcd(x, x)
    tensor([1, 2, 3])"""
def gcd_(input: Tensor, other: Tensor) -> Tensor:
    """`torch.gcd`, computed by NumPy.

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.gcd_(x, x)
    tensor([1, 2, 3])"""
def ge(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are at least: `input >= other` (`torch.ge`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.ge(x, x)
    tensor([True, True, True])"""
def geqrf(input: Tensor, *, out: Any = None) -> _geqrf:
    """R, below it the reflections whose product is Q, and their factors (`torch.geqrf`); see `linalg.qr`.

    >>> import tapegrad as torch
    >>> torch.geqrf(torch.tensor([[3.0], [4.0]]))
    torch.return_types.geqrf(
    a=tensor([[-5.0000],
            [ 0.5000]]),
    tau=tensor([1.6000]))"""
def ger(input: Tensor, vec2: Tensor, *, out: Any = None) -> Tensor:
    """Every product of two vectors' elements (`torch.outer`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.ger(x, x)
    tensor([[0.0625, 0.1250, 0.2500],
            [0.1250, 0.2500, 0.5000],
            [0.2500, 0.5000, 1.0000]])"""
def get_autocast_dtype(device_type: _str) -> Any:
    """The dtype that a block of `autocast` is for: bfloat16 on the CPU, unless it says otherwise.

    >>> import tapegrad as torch
    >>> torch.get_autocast_dtype('cpu')
    torch.bfloat16"""
def get_default_device() -> Any:
    """The device of what is created without one (`torch.get_default_device`).

    >>> default_device()
    device(type='cpu')"""
def get_default_dtype() -> _dtype:
    """The dtype of floating-point literals (`torch.get_default_dtype`).

    >>> get_default_dtype()
    torch.float32"""
def get_deterministic_debug_mode() -> _int:
    """What is asked for, as a number (`torch.get_deterministic_debug_mode`).

    >>> import tapegrad as torch
    >>> torch.get_deterministic_debug_mode()
    0"""
def get_device(input: Tensor) -> _int:
    """The number of the device, which the CPU has not: -1 (`torch.Tensor.get_device`).

    >>> torch.get_device(torch.tensor([0.25, 0.5, 1.0]))
    -1"""
def get_float32_matmul_precision() -> _str:
    """What `set_float32_matmul_precision` was given (`torch.get_float32_matmul_precision`).

    >>> import tapegrad as torch
    >>> torch.get_float32_matmul_precision()
    'highest'"""
def get_num_interop_threads() -> _int:
    """What `set_num_interop_threads` was given (`torch.get_num_interop_threads`).

    >>> import tapegrad as torch
    >>> torch.get_num_interop_threads() > 0
    True"""
def get_num_threads() -> _int:
    """How many threads large operations are shared between (`torch.get_num_threads`).

    >>> import tapegrad as torch
    >>> torch.get_num_threads() > 0
    True"""
def get_printoptions() -> Any:
    """The options in force, by name.

    >>> get_printoptions()
    {'precision': 4, 'threshold': 1000, 'edgeitems': 3, 'linewidth': 80, 'sci_mode': None}"""
def get_rng_state() -> Tensor:
    """The default generator's state, byte for byte PyTorch's (`torch.get_rng_state`).

    >>> import tapegrad as torch
    >>> state = torch.get_rng_state()
    >>> x = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), x)
    True"""
def gradient(input: Tensor, *, spacing: Any = None, dim: _int | Sequence[_int] | None = None, edge_order: _int = 1) -> tuple[Tensor, ...]:
    """Central differences along axes, one-sided at the ends (`torch.gradient`).

    >>> torch.gradient(torch.tensor([0.25, 0.5, 1.0]))
    (tensor([0.2500, 0.3750, 0.5000]),)"""
def greater(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are greater: `input > other` (`torch.greater`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.greater(x, x)
    tensor([False, False, False])"""
def greater_equal(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are at least: `input >= other` (`torch.greater_equal`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.greater_equal(x, x)
    tensor([True, True, True])"""
def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: _int, padding_mode: _int, align_corners: _bool) -> Any:
    """`nn.functional.grid_sample`, with its modes by number (`torch.grid_sampler`)."""
def group_norm(input: Tensor, num_groups: _int, weight: Tensor | None = None, bias: Tensor | None = None, eps: _float = 1e-05, cudnn_enabled: _bool = True) -> Tensor:
    """Channels normalised in groups (`torch.nn.functional.group_norm`).

    >>> torch.group_norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])"""
def gru(input: Tensor, hx: Any, params: Any, has_biases: _bool, num_layers: _int, dropout: _float, train: _bool, bidirectional: _bool, batch_first: _bool) -> Any:
    """A recurrent network of several layers, given its weights (`torch.gru`)."""
def gru_cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Any:
    """One step of a recurrent cell (`torch.gru_cell`)."""
def gt(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are greater: `input > other` (`torch.gt`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.gt(x, x)
    tensor([False, False, False])"""
@overload
def hamming_window(window_length: _int, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    """alpha - beta cos(2πi/n) (`torch.hamming_window`).

    >>> import tapegrad as torch
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])

    Called as

        hamming_window(window_length, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        hamming_window(window_length, periodic, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        hamming_window(window_length, periodic, alpha, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        hamming_window(window_length, periodic, alpha, beta, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def hamming_window(window_length: _int, periodic: _bool, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
@overload
def hamming_window(window_length: _int, periodic: _bool, alpha: _float, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
@overload
def hamming_window(window_length: _int, periodic: _bool, alpha: _float, beta: _float, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
@overload
def hann_window(window_length: _int, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    """A raised cosine (`torch.hann_window`).

    >>> import tapegrad as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])

    Called as

        hann_window(window_length, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        hann_window(window_length, periodic, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def hann_window(window_length: _int, periodic: _bool, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
def hardshrink(input: Tensor, lambd: _float = 0.5, *, out: Any = None) -> Tensor:
    """Each element, or zero where it is within `lambd` of it (`torch.hardshrink`).

    >>> torch.hardshrink(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def heaviside(input: Tensor, values: Tensor, *, out: Any = None) -> Tensor:
    """0 below zero, 1 above, and `values` at zero (`torch.heaviside`).

    >>> torch.heaviside(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([7.0]))
    tensor([1., 1., 1.])"""
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: _float = 1.0, reduction: _int = 0) -> Tensor:
    """`nn.functional.hinge_embedding_loss`, reduced by number (`torch.hinge_embedding_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.hinge_embedding_loss(x, x)
    tensor([1., 1., 1.])"""
def histc(input: Tensor, bins: _int = 100, min: _float = 0, max: _float = 0, *, out: Any = None) -> Any:
    """How many elements fall in each of equal bins (`torch.histc`)."""
@overload
def histogram(input: Tensor, bins: Tensor, *, weight: Tensor | None = None, density: _bool = False, out: Any = None) -> _histogram:
    """How many elements lie between each edge and the next, and the edges (`torch.histogram`).

    >>> import tapegrad as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 3.0)).hist
    tensor([2., 1.])

    `bins` are equal ones between the extremes, or within a `range`, or a tensor of edges in order; the last edge
    belongs to the last bin. With a `weight` for each element, these are added up; `density=True` has the area be 1.

    Called as

        histogram(input, bins, *, weight=None, density=False, out=None)
        histogram(input, bins=100, *, range=None, weight=None, density=False, out=None)"""
@overload
def histogram(input: Tensor, bins: _int = 100, *, range: Sequence[_float] | None = None, weight: Tensor | None = None, density: _bool = False, out: Any = None) -> Any:
    ...
@overload
def histogramdd(input: Tensor, bins: _int, range: Sequence[_float] | None = None, weight: Tensor | None = None, density: _bool = False) -> Any:
    """How many points lie in each cell of a grid, and the edges along each axis (`torch.histogramdd`).

    >>> import tapegrad as torch
    >>> hist, edges = torch.histogramdd(torch.tensor([[0.0, 1.0], [2.0, 2.0], [2.0, 1.5]]), bins=[2, 2])
    >>> hist
    tensor([[1., 0.],
            [0., 2.]])
    >>> edges
    (tensor([0., 1., 2.]), tensor([1.0000, 1.5000, 2.0000]))

    Points are along the last axis of `input`. `bins` are equal ones (a number, or one for each axis) between the
    extremes or within a `range` (two numbers an axis), or tensors of edges.

    Called as

        histogramdd(input, bins, range=None, weight=None, density=False)
        histogramdd(input, bins, range=None, weight=None, density=False)
        histogramdd(input, bins, range=None, weight=None, density=False)"""
@overload
def histogramdd(input: Tensor, bins: Sequence[_int], range: Sequence[_float] | None = None, weight: Tensor | None = None, density: _bool = False) -> Any:
    ...
@overload
def histogramdd(input: Tensor, bins: Sequence[Tensor], range: Sequence[_float] | None = None, weight: Tensor | None = None, density: _bool = False) -> Any:
    ...
@overload
def hsplit(input: Tensor, sections: _int) -> tuple[Tensor, ...]:
    """Pieces along the second axis (`torch.hsplit`).

    Called as

        hsplit(input, sections)
        hsplit(input, indices)

    >>> torch.hsplit(torch.tensor([0.25, 0.5, 1.0]), 1)
    (tensor([0.2500, 0.5000, 1.0000]),)"""
@overload
def hsplit(input: Tensor, indices: Sequence[_int]) -> tuple[Tensor, ...]:
    ...
def hstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Tensors side by side, along the second axis (`torch.hstack`).

    >>> torch.hstack([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([1., 2.])"""
def hypot(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The hypotenuse of two sides: `sqrt(input ** 2 + other ** 2)` (`torch.hypot`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.hypot(x, x)
    tensor([0.3536, 0.7071, 1.4142])"""
def i0(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.i0`, computed by SciPy.

    >>> torch.i0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0157, 1.0635, 1.2661])"""
def i0_(input: Tensor) -> Tensor:
    """`i0`, in place (`torch.i0_`).

    >>> torch.i0_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0157, 1.0635, 1.2661])"""
def igamma(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The incomplete gamma function of shape `input` (`torch.special.gammainc`), computed by SciPy.

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.igamma(x, x)
    tensor([0.7437, 0.6827, 0.6321])"""
def igammac(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The incomplete gamma function of shape `input` (`torch.special.gammaincc`), computed by SciPy.

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.igammac(x, x)
    tensor([0.2563, 0.3173, 0.3679])"""
def imag(input: Tensor) -> Any:
    """RuntimeError: no tensor is complex (`torch.imag`)."""
def index_add(input: Tensor, dim: _int, index: Tensor, source: Tensor, *, alpha: _float = 1, out: Any = None) -> Tensor:
    """A copy with rows of `source`, times `alpha`, added at indices (`torch.index_add`).

    >>> torch.index_add(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
    tensor([15.2500,  0.5000,  1.0000])"""
def index_copy(input: Tensor, dim: _int, index: Tensor, source: Tensor, *, out: Any = None) -> Tensor:
    """A copy with rows replaced at indices (`torch.index_copy`).

    >>> torch.index_copy(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
    tensor([8.0000, 0.5000, 1.0000])"""
def index_fill(input: Tensor, dim: _int, index: Tensor, value: Tensor | _float) -> Tensor:
    """The slices at given positions along an axis set to a number (`torch.index_fill`).

    >>> torch.index_fill(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), 2.0)
    tensor([2.0000, 0.5000, 1.0000])"""
def index_put(input: Tensor, indices: Sequence[Any], values: Tensor, accumulate: _bool = False) -> Tensor:
    """A copy with values at indices, one tensor of indices an axis (`torch.index_put`).

    >>> torch.index_put(torch.tensor([0.25, 0.5, 1.0]), (torch.tensor([0]),), torch.tensor([7.0]))
    tensor([7.0000, 0.5000, 1.0000])"""
def index_put_(input: Tensor, indices: Sequence[Any], values: Tensor, accumulate: _bool = False) -> Tensor:
    """A copy with values at indices, one tensor of indices an axis, in place (`torch.index_put_`).

    >>> torch.index_put_(torch.tensor([0.25, 0.5, 1.0]), (torch.tensor([0]),), torch.tensor([7.0]))
    tensor([7.0000, 0.5000, 1.0000])"""
def index_reduce(input: Tensor, dim: _int, index: Tensor, source: Tensor, reduce: str, *, include_self: _bool = True, out: Any = None) -> Tensor:
    """Slices combined into those that an index names (`torch.index_reduce`).

    >>> torch.index_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([3.0, 4.0]), 'prod')
    tensor([12.,  1.])"""
def index_select(input: Tensor, dim: _int, index: Tensor, *, out: Any = None) -> Tensor:
    """The slices at given positions along an axis (`torch.index_select`).

    >>> torch.index_select(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]))
    tensor([0.2500, 0.2500])"""
def initial_seed() -> _int:
    """What the default generator was started with (`torch.initial_seed`).

    >>> import tapegrad as torch
    >>> _ = torch.manual_seed(3)
    >>> torch.initial_seed()
    3"""
def inner(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Sums of products over the last axes (`torch.inner`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.inner(x, x)
    tensor(1.3125)"""
def instance_norm(input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None, use_input_stats: _bool, momentum: _float, eps: _float, cudnn_enabled: _bool) -> Any:
    """`nn.functional.instance_norm`, in another order of arguments (`torch.instance_norm`)."""
def inverse(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of square matrices (`torch.inverse`).

    >>> torch.inverse(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[-2.0000,  1.0000],
            [ 1.5000, -0.5000]])"""
def is_anomaly_check_nan_enabled() -> _bool:
    """Whether a NaN is an anomaly, where these are looked for (`torch.is_anomaly_check_nan_enabled`).

    >>> is_anomaly_check_nan_enabled()
    True"""
def is_anomaly_enabled() -> _bool:
    """Whether anomalies are looked for (`torch.is_anomaly_enabled`).

    >>> is_anomaly_enabled()
    False"""
def is_autocast_available(device_type: _str) -> _bool:
    """Whether the name is one of a device that there could be autocasting on.

    >>> is_autocast_available("cpu")
    True"""
def is_autocast_cache_enabled() -> _bool:
    """Whether casts of parameters would be kept.

    >>> import tapegrad as torch
    >>> torch.is_autocast_cache_enabled()
    True"""
def is_autocast_enabled(device_type: _str = 'cuda') -> _bool:
    """Whether a block of `autocast` for this device is entered.

    >>> import tapegrad as torch
    >>> torch.is_autocast_enabled('cpu')
    False"""
def is_complex(input: Tensor) -> _bool:
    """No tensor is complex (`torch.is_complex`).

    >>> torch.is_complex(torch.tensor([0.25, 0.5, 1.0]))
    False"""
def is_conj(input: Tensor) -> _bool:
    """What no tensor here is: `is_pinned`, `is_conj`, `is_neg`.

    >>> torch.is_conj(torch.tensor([0.25, 0.5, 1.0]))
    False"""
def is_deterministic_algorithms_warn_only_enabled() -> _bool:
    """Whether it asked for warnings only (`torch.is_deterministic_algorithms_warn_only_enabled`).

    >>> import tapegrad as torch
    >>> torch.is_deterministic_algorithms_warn_only_enabled()
    False"""
def is_floating_point(input: Tensor) -> _bool:
    """Whether the dtype is a floating-point one (`torch.is_floating_point`).

    >>> torch.is_floating_point(torch.tensor([0.25, 0.5, 1.0]))
    True"""
def is_grad_enabled() -> _bool:
    """Whether operations of this thread are recorded (`torch.is_grad_enabled`).

    >>> is_grad_enabled()
    True"""
def is_inference(input: Tensor) -> _bool:
    """It was made in `inference_mode` (`torch.is_inference`).

    >>> torch.is_inference(torch.tensor([0.25, 0.5, 1.0]))
    False"""
def is_inference_mode_enabled() -> _bool:
    """Whether this thread is in a block of `inference_mode` (`torch.is_inference_mode_enabled`).

    >>> import tapegrad as torch
    >>> with torch.inference_mode():
    ...     print(torch.is_inference_mode_enabled())
    True"""
def is_neg(input: Tensor) -> _bool:
    """What no tensor here is: `is_pinned`, `is_conj`, `is_neg`.

    >>> torch.is_neg(torch.tensor([0.25, 0.5, 1.0]))
    False"""
def is_nonzero(input: Tensor) -> _bool:
    """Whether the one element is not zero (`torch.is_nonzero`).

    >>> torch.is_nonzero(torch.tensor(2.0))
    True"""
def is_same_size(input: Tensor, other: Tensor) -> _bool:
    """Whether two tensors have one shape (`torch.is_same_size`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.is_same_size(x, x)
    True"""
def is_signed(input: Tensor) -> _bool:
    """Whether the dtype has negative numbers (`torch.is_signed`).

    >>> torch.is_signed(torch.tensor([0.25, 0.5, 1.0]))
    True"""
def is_storage(obj: Any) -> _bool:
    """Whether an object is a storage (`torch.is_storage`).

    >>> import tapegrad as torch
    >>> torch.is_storage(torch.ones(1).storage()), torch.is_storage(torch.ones(1))
    (True, False)"""
def is_tensor(obj: Any) -> _bool:
    """Whether an object is a tensor (`torch.is_tensor`).

    >>> import tapegrad
    >>> tapegrad.is_tensor(tapegrad.ones(1)), tapegrad.is_tensor(1)
    (True, False)"""
def is_warn_always_enabled() -> _bool:
    """What `set_warn_always` was given (`torch.is_warn_always_enabled`).

    >>> import tapegrad as torch
    >>> torch.is_warn_always_enabled()
    False"""
def isclose(input: Tensor, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False) -> Tensor:
    """Whether elements are close: `|input - other| <= atol + rtol * |other|` (`torch.isclose`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.isclose(x, x)
    tensor([True, True, True])"""
def isfinite(input: Tensor) -> Tensor:
    """Whether each element is a number and finite (`torch.isfinite`).

    >>> torch.isfinite(torch.tensor([0.25, 0.5, 1.0]))
    tensor([True, True, True])"""
@overload
def isin(elements: Tensor, test_elements: Tensor, *, assume_unique: _bool = False, invert: _bool = False, out: Any = None) -> Tensor:
    """Which elements occur among `test_elements` (`torch.isin`).

    Called as

        isin(elements, test_elements, *, assume_unique=False, invert=False, out=None)
        isin(element, test_elements, *, assume_unique=False, invert=False, out=None)
        isin(elements, test_element, *, assume_unique=False, invert=False, out=None)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.isin(x, x)
    tensor([True, True, True])"""
@overload
def isin(element: _float, test_elements: Tensor, *, assume_unique: _bool = False, invert: _bool = False, out: Any = None) -> Tensor:
    ...
@overload
def isin(elements: Tensor, test_element: _float, *, assume_unique: _bool = False, invert: _bool = False, out: Any = None) -> Tensor:
    ...
def isinf(input: Tensor) -> Tensor:
    """Whether each element is infinite (`torch.isinf`).

    >>> torch.isinf(torch.tensor([0.25, 0.5, 1.0]))
    tensor([False, False, False])"""
def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN (`torch.isnan`).

    >>> torch.isnan(torch.tensor([0.25, 0.5, 1.0]))
    tensor([False, False, False])"""
def isneginf(input: Tensor, *, out: Any = None) -> Tensor:
    """Whether each element is minus infinity (`torch.isneginf`).

    >>> torch.isneginf(torch.tensor([0.25, 0.5, 1.0]))
    tensor([False, False, False])"""
def isposinf(input: Tensor, *, out: Any = None) -> Tensor:
    """Whether each element is plus infinity (`torch.isposinf`).

    >>> torch.isposinf(torch.tensor([0.25, 0.5, 1.0]))
    tensor([False, False, False])"""
def isreal(input: Tensor) -> Tensor:
    """All elements are real (`torch.isreal`).

    >>> torch.isreal(torch.tensor([0.25, 0.5, 1.0]))
    tensor([True, True, True])"""
@overload
def kaiser_window(window_length: _int, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    """I₀(beta √(1 - (2i/n - 1)²)) / I₀(beta) (`torch.kaiser_window`).

    Called as

        kaiser_window(window_length, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        kaiser_window(window_length, periodic, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        kaiser_window(window_length, periodic, beta, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def kaiser_window(window_length: _int, periodic: _bool, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
@overload
def kaiser_window(window_length: _int, periodic: _bool, beta: _float, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    ...
def kl_div(input: Tensor, target: Tensor, reduction: _int = 0, *, log_target: _bool = False) -> Tensor:
    """`nn.functional.kl_div`, reduced by number: 0 for none, 1 for the mean, 2 for the sum (`torch.kl_div`).

    >>> import tapegrad as torch
    >>> torch.kl_div(torch.tensor([0.0, 0.0]), torch.tensor([0.5, 0.5]), 2)
    tensor(-0.6931)"""
def kron(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The Kronecker product (`torch.kron`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.kron(x, x)
    tensor([0.0625, 0.1250, 0.2500, 0.1250, 0.2500, 0.5000, 0.2500, 0.5000, 1.0000])"""
def kthvalue(input: Tensor, k: _int, dim: _int = -1, keepdim: _bool = False, *, out: Any = None) -> _kthvalue:
    """The k-th smallest value (`torch.kthvalue`).

    >>> torch.kthvalue(torch.tensor([0.25, 0.5, 1.0]), 1)
    torch.return_types.kthvalue(
    values=tensor(0.2500),
    indices=tensor(0))"""
def layer_norm(input: Tensor, normalized_shape: Sequence[_int], weight: Tensor | None = None, bias: Tensor | None = None, eps: _float = 1e-05, cudnn_enable: _bool = True) -> Tensor:
    """`nn.functional.layer_norm`; the last argument is of no consequence here (`torch.layer_norm`).

    >>> torch.layer_norm(torch.tensor([0.25, 0.5, 1.0]), (3,))
    tensor([-1.0690, -0.2672,  1.3362])"""
def lcm(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`torch.lcm`, computed by NumPy.

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.lcm(x, x)
    tensor([1, 2, 3])"""
def lcm_(input: Tensor, other: Tensor) -> Tensor:
    """`torch.lcm`, computed by NumPy.

    >>> x = torch.tensor([1, 2, 3])
    >>> torch.lcm_(x, x)
    tensor([1, 2, 3])"""
def ldexp(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`input * 2 ** other` (`torch.ldexp`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.ldexp(x, x)
    tensor([0.2973, 0.7071, 2.0000])"""
def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """`input * 2 ** other` (`torch.ldexp`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.ldexp_(x, x)
    tensor([0.2973, 0.7071, 2.0000])"""
def le(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are at most: `input <= other` (`torch.le`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.le(x, x)
    tensor([True, True, True])"""
@overload
def lerp(input: Tensor, end: Tensor, weight: Tensor, *, out: Any = None) -> Tensor:
    """A point between two: `input + weight * (end - input)` (`torch.lerp`).

    Called as

        lerp(input, end, weight, *, out=None)
        lerp(input, end, weight, *, out=None)"""
@overload
def lerp(input: Tensor, end: Tensor, weight: _float, *, out: Any = None) -> Tensor:
    ...
def less(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are less: `input < other` (`torch.less`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.less(x, x)
    tensor([False, False, False])"""
def less_equal(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are at most: `input <= other` (`torch.less_equal`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.less_equal(x, x)
    tensor([True, True, True])"""
def lgamma(input: Tensor, *, out: Any = None) -> Tensor:
    """The logarithm of the absolute gamma function of each element (`torch.lgamma`).

    >>> torch.lgamma(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.2880, 0.5724, 0.0000])"""
@overload
def linspace(start: Tensor, end: Tensor, steps: _int, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """`steps` numbers from `start` to `end`, both included (`torch.linspace`).

    >>> import tapegrad as torch
    >>> torch.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])

    Called as

        linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def linspace(start: _float, end: Tensor, steps: _int, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
@overload
def linspace(start: Tensor, end: _float, steps: _int, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
@overload
def linspace(start: _float, end: _float, steps: _int, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def load(f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: _bool | None = None, mmap: _bool | None = None) -> Any:
    """Read what `save`, or PyTorch's, wrote (`torch.load`).

    Of a pickle, only tensors, numbers, texts and containers of them are read, and nothing is run, unless
    `weights_only=False` says that the file is trusted. `map_location` must lead to the CPU.

    Raises pickle.UnpicklingError for a file that holds anything else, RuntimeError for one that is cut short, EOFError
    for an empty one."""
def log(input: Tensor, *, out: Any = None) -> Tensor:
    """The natural logarithm of each element (`torch.log`).

    >>> torch.log(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-1.3863, -0.6931,  0.0000])"""
def log10(input: Tensor, *, out: Any = None) -> Tensor:
    """The logarithm of each element to the base 10 (`torch.log10`).

    >>> torch.log10(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.6021, -0.3010,  0.0000])"""
def log10_(input: Tensor) -> Tensor:
    """The logarithm of each element to the base 10, in place (`torch.log10_`).

    >>> torch.log10_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.6021, -0.3010,  0.0000])"""
def log1p(input: Tensor, *, out: Any = None) -> Tensor:
    """`log(1 + input)`, exact for small elements (`torch.log1p`).

    >>> torch.log1p(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2231, 0.4055, 0.6931])"""
def log1p_(input: Tensor) -> Tensor:
    """`log(1 + input)`, exact for small elements, in place (`torch.log1p_`).

    >>> torch.log1p_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2231, 0.4055, 0.6931])"""
def log2(input: Tensor, *, out: Any = None) -> Tensor:
    """The logarithm of each element to the base 2 (`torch.log2`).

    >>> torch.log2(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-2., -1.,  0.])"""
def log2_(input: Tensor) -> Tensor:
    """The logarithm of each element to the base 2, in place (`torch.log2_`).

    >>> torch.log2_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-2., -1.,  0.])"""
def log_(input: Tensor) -> Tensor:
    """The natural logarithm of each element, in place (`torch.log_`).

    >>> torch.log_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-1.3863, -0.6931,  0.0000])"""
def log_softmax(input: Tensor, dim: _int, dtype: _dtype | type | None = None, *, out: Any = None) -> Tensor:
    """The logarithm of softmax, in one step (`torch.log_softmax`).

    >>> torch.log_softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([-1.4818, -1.2318, -0.7318])"""
def logaddexp(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`log(exp(input) + exp(other))`, without overflow (`torch.logaddexp`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.logaddexp(x, x)
    tensor([0.9431, 1.1931, 1.6931])"""
def logaddexp2(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`log2(2 ** input + 2 ** other)`, without overflow (`torch.logaddexp2`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.logaddexp2(x, x)
    tensor([1.2500, 1.5000, 2.0000])"""
def logcumsumexp(input: Tensor, dim: _int, *, out: Any = None) -> Tensor:
    """The logarithms of the sums of exponentials so far along an axis (`torch.logcumsumexp`).

    >>> torch.logcumsumexp(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([0.2500, 1.0759, 1.7318])"""
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant, NaN where that is negative (`torch.logdet`).

    >>> torch.logdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(nan)"""
def logical_and(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Whether both elements are true (`torch.logical_and`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.logical_and(x, x)
    tensor([True, True, True])"""
def logical_not(input: Tensor, *, out: Any = None) -> Tensor:
    """Whether each element is false (`torch.logical_not`).

    >>> torch.logical_not(torch.tensor([0.25, 0.5, 1.0]))
    tensor([False, False, False])"""
def logical_or(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Whether one of two elements is true (`torch.logical_or`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.logical_or(x, x)
    tensor([True, True, True])"""
def logical_xor(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Whether just one of two elements is true (`torch.logical_xor`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.logical_xor(x, x)
    tensor([False, False, False])"""
def logit(input: Tensor, eps: _float | None = None, *, out: Any = None) -> Tensor:
    """`log(input / (1 - input))`, of elements kept `eps` from 0 and 1 (`torch.logit`).

    >>> torch.logit(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-1.0986,  0.0000,     inf])"""
def logit_(input: Tensor, eps: _float | None = None) -> Tensor:
    """`log(input / (1 - input))`, of elements kept `eps` from 0 and 1, in place (`torch.logit_`).

    >>> torch.logit_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-1.0986,  0.0000,     inf])"""
@overload
def logspace(start: Tensor, end: Tensor, steps: _int, base: _float = 10.0, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Powers of a base with exponents from `start` to `end` (`torch.logspace`).

    Called as

        logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)

    >>> torch.logspace(1, 5, 3)
    tensor([1.0000e+01, 1.0000e+03, 1.0000e+05])"""
@overload
def logspace(start: _float, end: Tensor, steps: _int, base: _float = 10.0, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
@overload
def logspace(start: Tensor, end: _float, steps: _int, base: _float = 10.0, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
@overload
def logspace(start: _float, end: _float, steps: _int, base: _float = 10.0, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def logsumexp(input: Tensor, dim: _int | Sequence[_int], keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """`log(sum(exp(input)))` along axes, without overflow (`torch.logsumexp`).

    >>> torch.logsumexp(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor(1.7318)"""
def lstm(input: Tensor, hx: Any, params: Any, has_biases: _bool, num_layers: _int, dropout: _float, train: _bool, bidirectional: _bool, batch_first: _bool) -> Any:
    """A recurrent network of several layers, given its weights (`torch.lstm`)."""
def lstm_cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Any:
    """One step of a recurrent cell (`torch.lstm_cell`)."""
def lstsq(input: Tensor, A: Any, *, out: Any = None) -> Any:
    """RuntimeError: `linalg.lstsq` takes these operands in the other order (`torch.lstsq`)."""
def lt(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements are less: `input < other` (`torch.lt`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.lt(x, x)
    tensor([False, False, False])"""
def lu(A: Tensor, pivot: _bool = True, get_infos: _bool = False, *, out: Any = None) -> Any:
    """L and U in one matrix, and pivots from 1 (`torch.lu`); with `get_infos`, where U is singular, or 0.

    >>> import tapegrad as torch
    >>> torch.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))[1]
    tensor([2, 2], dtype=torch.int32)"""
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Any = None) -> Any:
    """X with A X = input, by what `linalg.lu_factor` gave for A (`torch.lu_solve`)."""
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: _bool = True, unpack_pivots: _bool = True, *, out: Any = None) -> Any:
    """P, L and U of what `linalg.lu_factor` gives (`torch.lu_unpack`); empty where it is not asked for.

    >>> import tapegrad as torch
    >>> P, L, U = torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 2.0]])))
    >>> P @ L @ U
    tensor([[1., 2.],
            [2., 2.]])"""
def manual_seed(seed: _int) -> Generator:
    """Restart the default generator (`torch.manual_seed`).

    >>> import tapegrad as torch
    >>> _ = torch.manual_seed(42); torch.randn(1)
    tensor([0.3367])

    A seed is what `int` makes a whole number of: `time.time()` will do."""
def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: _float = 0.0, reduction: _int = 0) -> Tensor:
    """`nn.functional.margin_ranking_loss`, reduced by number (`torch.margin_ranking_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.margin_ranking_loss(x, x, x)
    tensor([0., 0., 0.])"""
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | _float) -> Tensor:
    """A copy with `value` where the mask is true (`torch.masked_fill`).

    >>> torch.masked_fill(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([True, False, True]), 2.0)
    tensor([2.0000, 0.5000, 2.0000])"""
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Elements of `source`, in order, where a mask holds (`torch.masked_scatter`).

    >>> torch.masked_scatter(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([True, False, True]), torch.tensor([7.0, 8.0]))
    tensor([7.0000, 0.5000, 8.0000])"""
def masked_select(input: Tensor, mask: Tensor, *, out: Any = None) -> Tensor:
    """The elements where a mask holds, as a vector (`torch.masked_select`).

    >>> torch.masked_select(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([True, False, True]))
    tensor([0.2500, 1.0000])"""
def matmul(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The matrix product of the last two axes, batches broadcast (`torch.matmul`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.matmul(x, x)
    tensor(1.3125)"""
def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of square matrices (`torch.linalg.matrix_exp`).

    >>> torch.matrix_exp(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[ 51.9690,  74.7366],
            [112.1048, 164.0738]])"""
def matrix_power(input: Tensor, n: _int, *, out: Any = None) -> Tensor:
    """A square matrix to a whole power (`torch.linalg.matrix_power`).

    >>> torch.matrix_power(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    tensor([[ 7., 10.],
            [15., 22.]])"""
def matrix_rank(input: Tensor, tol: Any = None, symmetric: Any = False, *, out: Any = None) -> Any:
    """RuntimeError: see `linalg.matrix_rank` (`torch.matrix_rank`)."""
@overload
def max(input: Tensor, *, out: Any = None) -> Tensor:
    """The greatest element; along an axis, with its places; or the greater of two tensors (`torch.max`).

    Called as

        max(input, *, out=None)
        max(input, other, *, out=None)
        max(input, dim, keepdim=False, *, out=None)

    >>> torch.max(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.)"""
@overload
def max(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def max(input: Tensor, dim: _int, keepdim: _bool = False, *, out: Any = None) -> _max:
    ...
def max_pool1d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False) -> Tensor:
    """The largest element of every window (`torch.nn.functional.max_pool1d`).

    >>> torch.max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    tensor([[2.],
            [4.]])"""
def max_pool1d_with_indices(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False) -> tuple[Tensor, ...]:
    """The largest element of every window, and its place (`torch.nn.functional.max_pool1d_with_indices`).

    >>> torch.max_pool1d_with_indices(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    (tensor([[2.],
            [4.]]), tensor([[1],
            [1]]))"""
def max_pool2d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False) -> Tensor:
    """The largest element of every window (`torch.nn.functional.max_pool2d`).

    >>> torch.max_pool2d(torch.ones(1, 2, 2), 2)
    tensor([[[1.]]])"""
def max_pool3d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False) -> Tensor:
    """The largest element of every window (`torch.nn.functional.max_pool3d`).

    >>> torch.max_pool3d(torch.ones(1, 1, 2, 2, 2), 2)
    tensor([[[[[1.]]]]])"""
def maximum(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The greater of two elements; NaN if one is (`torch.maximum`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.maximum(x, x)
    tensor([0.2500, 0.5000, 1.0000])"""
@overload
def mean(input: Tensor, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """The mean of all elements, or of those along axes (`torch.mean`).

    Called as

        mean(input, *, dtype=None, out=None)
        mean(input, dim, keepdim=False, *, dtype=None, out=None)

    >>> torch.mean(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.5833)"""
@overload
def mean(input: Tensor, dim: _int | Sequence[_int] | None, keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    ...
@overload
def median(input: Tensor) -> Tensor:
    """The median of all elements; along an axis, with its places (`torch.median`).

    Called as

        median(input)
        median(input, dim, keepdim=False, *, out=None)

    >>> torch.median(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.5000)"""
@overload
def median(input: Tensor, dim: _int, keepdim: _bool = False, *, out: Any = None) -> _median:
    ...
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of a grid, an axis a tensor (`torch.meshgrid`).

    >>> torch.meshgrid(torch.tensor([1, 2]), torch.tensor([5, 6]), indexing='ij')
    (tensor([[1, 1],
            [2, 2]]), tensor([[5, 6],
            [5, 6]]))"""
@overload
def min(input: Tensor, *, out: Any = None) -> Tensor:
    """The least element; along an axis, with its places; or the lesser of two tensors (`torch.min`).

    Called as

        min(input, *, out=None)
        min(input, other, *, out=None)
        min(input, dim, keepdim=False, *, out=None)

    >>> torch.min(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.2500)"""
@overload
def min(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def min(input: Tensor, dim: _int, keepdim: _bool = False, *, out: Any = None) -> _min:
    ...
def minimum(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The lesser of two elements; NaN if one is (`torch.minimum`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.minimum(x, x)
    tensor([0.2500, 0.5000, 1.0000])"""
def mm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """The product of two matrices (`torch.mm`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.mm(x, x)
    tensor([[ 7., 10.],
            [15., 22.]])"""
def mode(input: Tensor, dim: _int = -1, keepdim: _bool = False, *, out: Any = None) -> _mode:
    """The most frequent value of each row (`torch.mode`).

    >>> torch.mode(torch.tensor([0.25, 0.5, 1.0]))
    torch.return_types.mode(
    values=tensor(0.2500),
    indices=tensor(0))"""
@overload
def moveaxis(input: Tensor, source: _int, destination: _int) -> Tensor:
    """Axes moved to other places (`torch.movedim`).

    Called as

        moveaxis(input, source, destination)
        moveaxis(input, source, destination)

    >>> torch.moveaxis(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
    tensor([[1., 3.],
            [2., 4.]])"""
@overload
def moveaxis(input: Tensor, source: Sequence[_int], destination: Sequence[_int]) -> Tensor:
    ...
@overload
def movedim(input: Tensor, source: _int, destination: _int) -> Tensor:
    """Axes moved to other places (`torch.movedim`).

    Called as

        movedim(input, source, destination)
        movedim(input, source, destination)

    >>> torch.movedim(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
    tensor([[1., 3.],
            [2., 4.]])"""
@overload
def movedim(input: Tensor, source: Sequence[_int], destination: Sequence[_int]) -> Tensor:
    ...
def msort(input: Tensor, *, out: Any = None) -> Tensor:
    """The elements in order along the first axis (`torch.msort`).

    >>> torch.msort(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def mul(input: Tensor | _float, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The product of two tensors, element by element: `input * other` (`torch.mul`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.mul(x, x)
    tensor([0.0625, 0.2500, 1.0000])"""
def multinomial(input: Tensor, num_samples: _int, replacement: _bool = False, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """Indices drawn in proportion to weights, for each row of them (`torch.multinomial`).

    >>> _ = manual_seed(0); multinomial(creation.tensor([0.0, 10.0, 3.0]), 4, replacement=True)
    tensor([2, 1, 1, 2])"""
def multiply(input: Tensor | _float, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The product of two tensors, element by element: `input * other` (`torch.multiply`).

    Called as

        multiply(input, other, *, out=None)
        multiply(input, other)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.multiply(x, x)
    tensor([0.0625, 0.2500, 1.0000])"""
def mv(input: Tensor, vec: Tensor, *, out: Any = None) -> Tensor:
    """The product of a matrix and a vector (`torch.mv`).

    >>> torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
    tensor([21., 43.])"""
def mvlgamma(input: Tensor, p: _int, *, out: Any = None) -> Tensor:
    """The logarithm of the multivariate gamma function (`torch.special.multigammaln`).

    >>> torch.mvlgamma(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([3.4500,    inf, 1.1447])"""
def nan_to_num(input: Tensor, nan: _float | None = None, posinf: _float | None = None, neginf: _float | None = None, *, out: Any = None) -> Tensor:
    """Each element, with numbers instead of NaN and the infinities (`torch.nan_to_num`).

    >>> torch.nan_to_num(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def nan_to_num_(input: Tensor, nan: _float | None = None, posinf: _float | None = None, neginf: _float | None = None) -> Tensor:
    """Each element, with numbers instead of NaN and the infinities, in place (`torch.nan_to_num_`).

    >>> torch.nan_to_num_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def nanmean(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """The mean of what is not NaN (`torch.nanmean`).

    >>> torch.nanmean(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.5833)"""
@overload
def nanmedian(input: Tensor) -> Tensor:
    """The median of what is not NaN; along an axis, with its places (`torch.nanmedian`).

    Called as

        nanmedian(input)
        nanmedian(input, dim, keepdim=False, *, out=None)

    >>> torch.nanmedian(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.5000)"""
@overload
def nanmedian(input: Tensor, dim: _int, keepdim: _bool = False, *, out: Any = None) -> _nanmedian:
    ...
def nanquantile(input: Tensor, q: Tensor | _float, dim: _int | None = None, keepdim: _bool = False, *, interpolation: str = 'linear', out: Any = None) -> Tensor:
    """quantile of what is not NaN (`torch.nanquantile`).

    >>> torch.nanquantile(torch.tensor([0.25, 0.5, 1.0]), 0.5)
    tensor(0.5000)"""
def nansum(input: Tensor, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """The sum of all elements, or of those along axes, NaN counting as zero (`torch.nansum`).

    >>> torch.nansum(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.7500)"""
@overload
def narrow(input: Tensor, dim: _int, start: Tensor, length: _int) -> Tensor:
    """A stretch along an axis (`torch.narrow`).

    Called as

        narrow(input, dim, start, length)
        narrow(input, dim, start, length)

    >>> torch.narrow(torch.tensor([0.25, 0.5, 1.0]), 0, 1, 2)
    tensor([0.5000, 1.0000])"""
@overload
def narrow(input: Tensor, dim: _int, start: _int, length: _int) -> Tensor:
    ...
def narrow_copy(input: Tensor, dim: _int, start: _int, length: _int, *, out: Any = None) -> Tensor:
    """A copy of a stretch along an axis (`torch.narrow_copy`).

    >>> torch.narrow_copy(torch.tensor([0.25, 0.5, 1.0]), 0, 1, 2)
    tensor([0.5000, 1.0000])"""
def native_channel_shuffle(input: Tensor, groups: _int) -> Tensor:
    """Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

    >>> torch.native_channel_shuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
def native_dropout(input: Tensor, p: _float, train: _bool | None) -> tuple[Tensor, ...]:
    """Elements set to zero at random, and a mask of those that are not (`torch.native_dropout`).

    >>> import tapegrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.native_dropout(torch.ones(3), 0.5, True)
    (tensor([0., 0., 2.]), tensor([False, False,  True]))"""
def ne(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements differ: `input != other` (`torch.ne`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.ne(x, x)
    tensor([False, False, False])"""
def neg(input: Tensor, *, out: Any = None) -> Tensor:
    """The negative of each element: `-input` (`torch.neg`).

    >>> torch.neg(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.2500, -0.5000, -1.0000])"""
def neg_(input: Tensor) -> Tensor:
    """The negative of each element: `-input`, in place (`torch.neg_`).

    >>> torch.neg_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.2500, -0.5000, -1.0000])"""
def negative(input: Tensor, *, out: Any = None) -> Tensor:
    """The negative of each element: `-input` (`torch.negative`).

    >>> torch.negative(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.2500, -0.5000, -1.0000])"""
def negative_(input: Tensor) -> Tensor:
    """The negative of each element: `-input`, in place (`torch.negative_`).

    >>> torch.negative_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.2500, -0.5000, -1.0000])"""
def nextafter(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The number next to `input` on the way to `other` (`torch.nextafter`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nextafter(x, x)
    tensor([0.2500, 0.5000, 1.0000])"""
def nonzero(input: Tensor, *, as_tuple: _bool = False, out: Any = None) -> Tensor:
    """The positions of elements that are not zero (`torch.nonzero`).

    >>> torch.nonzero(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[0],
            [1],
            [2]])"""
def norm(input: Tensor, p: Any = 'fro', dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, out: Any = None, dtype: _dtype | type | None = None) -> Tensor:
    """A vector norm, or for `p="nuc"` a matrix norm (`torch.norm`).

    >>> torch.norm(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.1456)"""
@overload
def normal(mean: Tensor, std: Tensor, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """Normal numbers; mean and deviation may be tensors (`torch.normal`).

    >>> _ = manual_seed(0); normal(creation.tensor([1.0, 10.0]), creation.tensor([0.1, 1.0]))
    tensor([1.1541, 9.7066])

    Called as

        normal(mean, std, *, generator=None, out=None)
        normal(mean, std=1.0, *, generator=None, out=None)
        normal(mean, std, *, generator=None, out=None)
        normal(mean, std, size, *, generator=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def normal(mean: Tensor, std: _float = 1.0, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    ...
@overload
def normal(mean: _float, std: Tensor, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    ...
@overload
def normal(mean: _float, std: _float, size: Sequence[_int], *, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def not_equal(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """Whether elements differ: `input != other` (`torch.not_equal`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.not_equal(x, x)
    tensor([False, False, False])"""
@overload
def nuclear_norm(input: Tensor, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The sum of a matrix's singular values (`torch.nuclear_norm`).

    Called as

        nuclear_norm(input, keepdim=False, *, out=None)
        nuclear_norm(input, dim, keepdim=False, *, out=None)

    >>> torch.nuclear_norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.8310)"""
@overload
def nuclear_norm(input: Tensor, dim: _int | Sequence[_int], keepdim: _bool = False, *, out: Any = None) -> Any:
    ...
def numel(input: Tensor) -> _int:
    """The number of elements (`torch.numel`).

    >>> torch.numel(torch.tensor([0.25, 0.5, 1.0]))
    3"""
@overload
def ones(size: Sequence[_int], *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """A tensor of ones (`torch.ones`).

    >>> ones(2)
    tensor([1., 1.])"""
@overload
def ones(*size: _int, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def ones_like(input: Tensor, *, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Ones shaped like another tensor (`torch.ones_like`).

    >>> ones_like(zeros(2))
    tensor([1., 1.])"""
def orgqr(input: Tensor, input2: Tensor, *, out: Any = None) -> Any:
    """The first columns of a product of reflections, as `linalg.householder_product` gives them (`torch.orgqr`)."""
def ormqr(input: Tensor, input2: Tensor, input3: Tensor, left: _bool = True, transpose: _bool = False, *, out: Any = None) -> Any:
    """A product with the whole Q that the reflections of `geqrf` stand for (`torch.ormqr`): `Q @ input3`, or
    `input3 @ Q`.

    >>> import tapegrad as torch
    >>> torch.ormqr(*torch.geqrf(torch.tensor([[3.0], [4.0]])), torch.tensor([[-5.0], [0.0]])).round()
    tensor([[3.],
            [4.]])"""
def outer(input: Tensor, vec2: Tensor, *, out: Any = None) -> Tensor:
    """Every product of two vectors' elements (`torch.outer`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.outer(x, x)
    tensor([[0.0625, 0.1250, 0.2500],
            [0.1250, 0.2500, 0.5000],
            [0.2500, 0.5000, 1.0000]])"""
def pairwise_distance(x1: Tensor, x2: Tensor, p: _float = 2.0, eps: _float = 1e-06, keepdim: _bool = False) -> Tensor:
    """The norms of differences (`torch.nn.functional.pairwise_distance`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.pairwise_distance(x, x)
    tensor(1.7321e-06)"""
def pca_lowrank(A: Tensor, q: _int | None = None, center: Any = True, niter: Any = 2) -> tuple[Tensor, ...]:
    """The first `q` principal components of the rows of A, nearly, as its U, S and V (`torch.pca_lowrank`).

    >>> import tapegrad as torch
    >>> U, S, V = torch.pca_lowrank(torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), q=1)
    >>> S, V.abs().round()
    (tensor([2.8284]), tensor([[1.],
            [0.]]))

    Columns are centred before, unless `center` is False. It draws from the default generator."""
def pdist(input: Tensor, p: _float = 2.0) -> Tensor:
    """Distances of every pair of rows (`torch.nn.functional.pdist`).

    >>> torch.pdist(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([2.8284])"""
def permute(input: Tensor, dims: Sequence[_int]) -> Tensor:
    """Axes in another order (`torch.permute`).

    >>> torch.permute(torch.tensor([0.25, 0.5, 1.0]), (0,))
    tensor([0.2500, 0.5000, 1.0000])"""
def pinverse(input: Tensor, rcond: _float = 1e-15) -> Tensor:
    """The pseudo-inverse (`torch.pinverse`).

    >>> torch.pinverse(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[-2.0000,  1.0000],
            [ 1.5000, -0.5000]])"""
def pixel_shuffle(input: Tensor, upscale_factor: _int) -> Tensor:
    """Channels spread over finer rows and columns (`torch.nn.functional.pixel_shuffle`).

    >>> torch.pixel_shuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
def pixel_unshuffle(input: Tensor, downscale_factor: _int) -> Tensor:
    """Blocks of rows and columns as channels (`torch.nn.functional.pixel_unshuffle`).

    >>> torch.pixel_unshuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Counts of events that come at the rates given by each element (`torch.poisson`).

    >>> _ = manual_seed(0); poisson(creation.tensor([1.0, 20.0]))
    tensor([ 2., 28.])"""
def poisson_nll_loss(input: Tensor, target: Tensor, log_input: _bool, full: _bool, eps: _float, reduction: _int) -> Any:
    """`nn.functional.poisson_nll_loss`, reduced by number (`torch.poisson_nll_loss`)."""
def polar(abs: Tensor, angle: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.polar`)."""
def polygamma(n: _int, input: Tensor, *, out: Any = None) -> Tensor:
    """The n-th derivative of the digamma function (`torch.special.polygamma`).

    >>> torch.polygamma(2, torch.tensor([0.25, 0.5, 1.0]))
    tensor([-129.3277,  -16.8288,   -2.4041])"""
def positive(input: Tensor) -> Tensor:
    """The tensor itself (`torch.positive`).

    >>> torch.positive(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
@overload
def pow(input: Tensor, exponent: Tensor, *, out: Any = None) -> Tensor:
    """Each element to a power: `input ** exponent` (`torch.pow`).

    Called as

        pow(input, exponent, *, out=None)
        pow(self, exponent, *, out=None)
        pow(input, exponent, *, out=None)

    >>> torch.pow(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([0.0625, 0.2500, 1.0000])"""
@overload
def pow(self: _float, exponent: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def pow(input: Tensor, exponent: _float, *, out: Any = None) -> Tensor:
    ...
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Leaky ReLU with a slope a channel (`torch.nn.functional.prelu`).

    >>> torch.prelu(torch.tensor([-1.0, 2.0]), torch.tensor([0.25]))
    tensor([-0.2500,  2.0000])"""
@overload
def prod(input: Tensor, *, dtype: _dtype | type | None = None) -> Tensor:
    """The product of all elements, or of those along an axis (`torch.prod`).

    Called as

        prod(input, *, dtype=None)
        prod(input, dim, keepdim=False, *, dtype=None, out=None)

    >>> torch.prod(torch.tensor([0.25, 0.5, 1.0]))
    tensor(0.1250)"""
@overload
def prod(input: Tensor, dim: _int, keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    ...
def profile(*, lines: _bool = True) -> Any:
    """Time every kernel that runs in a block, forward and backward, eager and compiled, and count what memory it takes.

    >>> import tapegrad as torch
    >>> a = torch.ones(64, 64, requires_grad=True)
    >>> with torch.profile() as profiled:
    ...     for _ in range(10):
    ...         (a @ a).sum().backward()
    >>> [(row.name, row.backward, row.calls) for row in profiled.rows() if row.name == "mm"]
    [('mm', False, 10), ('mm', True, 10)]
    >>> print(profiled)
    profile of ...: ... of it in 50 kernel calls · ...

    Printed, a table; `rows` has its lines, `json` the same for programs, `trace` a file that https://ui.perfetto.dev
    and Chrome open. Rows have their line of source, backward the one that recorded what is differentiated; without
    `lines` they are added up over lines. Kernels run on one thread meanwhile, so that times add up. Compiled functions
    have a row for each step of their programs. What calls no kernel has no row: views, gradients that are handed on as
    they are, what an optimiser does to many parameters at once; that, and Python, is in the `total` of the call that
    comes next.
    Without the block nothing is timed, and it costs nothing. Raises RuntimeError for a profile within a profile."""
def promote_types(type1: _dtype | type, type2: _dtype | type) -> _dtype:
    """The dtype two operands of equal weight are computed in (`torch.promote_types`).

    >>> promote(uint8, int8), promote(int64, float32)
    (torch.int16, torch.float32)"""
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: _bool = False) -> Tensor:
    """Elements written at positions in the flattened tensor (`torch.put`).

    >>> torch.put(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
    tensor([8.0000, 0.5000, 1.0000])"""
def qr(input: Tensor, some: _bool = True, *, out: Any = None) -> Any:
    """Q with orthonormal columns and upper triangular R, input = Q R (`torch.qr`)."""
def quantile(input: Tensor, q: Tensor | _float, dim: _int | None = None, keepdim: _bool = False, *, interpolation: str = 'linear', out: Any = None) -> Tensor:
    """Values below which given shares of a row lie (`torch.quantile`).

    >>> torch.quantile(torch.tensor([0.25, 0.5, 1.0]), 0.5)
    tensor(0.5000)"""
def rad2deg(input: Tensor, *, out: Any = None) -> Tensor:
    """Radians as degrees (`torch.rad2deg`).

    >>> torch.rad2deg(torch.tensor([0.25, 0.5, 1.0]))
    tensor([14.3239, 28.6479, 57.2958])"""
def rad2deg_(input: Tensor) -> Tensor:
    """Radians as degrees, in place (`torch.rad2deg_`).

    >>> torch.rad2deg_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([14.3239, 28.6479, 57.2958])"""
@overload
def rand(size: Sequence[_int], *, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Uniform numbers in [0, 1) (`torch.rand`).

    >>> _ = manual_seed(0); rand(2)
    tensor([0.4963, 0.7682])"""
@overload
def rand(*size: _int, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def rand_like(input: Tensor, *, generator: Generator | None = None, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Uniform numbers in [0, 1), laid out as another tensor (`torch.rand_like`).

    >>> import tapegrad as torch
    >>> torch.rand_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])"""
@overload
def randint(high: _int, size: Sequence[_int], *, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Integers in [low, high) (`torch.randint`).

    >>> _ = manual_seed(0); randint(10, (3,))
    tensor([4, 9, 3])

    Called as

        randint(high, size, *, generator=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        randint(low, high, size, *, generator=None, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def randint(low: _int, high: _int, size: Sequence[_int], *, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
@overload
def randint_like(input: Tensor, high: _int, *, generator: Generator | None = None, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Integers in [low, high), laid out as another tensor (`torch.randint_like`).

    >>> import tapegrad as torch
    >>> torch.randint_like(torch.ones(2, 3), 5).shape
    torch.Size([2, 3])

    Called as

        randint_like(input, high, *, generator=None, memory_format=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
        randint_like(input, low, high, *, generator=None, memory_format=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)"""
@overload
def randint_like(input: Tensor, low: _int, high: _int, *, generator: Generator | None = None, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
@overload
def randn(size: Sequence[_int], *, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Standard normal numbers (`torch.randn`).

    >>> _ = manual_seed(0); randn(2)
    tensor([ 1.5410, -0.2934])"""
@overload
def randn(*size: _int, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def randn_like(input: Tensor, *, generator: Generator | None = None, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Standard normal numbers, laid out as another tensor (`torch.randn_like`).

    >>> import tapegrad as torch
    >>> torch.randn_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])"""
def randperm(n: _int, *, generator: Generator | None = None, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """The numbers 0 … n-1 in random order (`torch.randperm`).

    >>> _ = manual_seed(0); randperm(4)
    tensor([0, 1, 3, 2])"""
def range(start: Any, end: Any, step: Any = 1, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Any:
    """Numbers from `start` to `end`, which is one of them where it is met (`torch.range`).

    >>> import tapegrad, warnings; warnings.simplefilter("ignore")
    >>> tapegrad.range(1, 3)
    tensor([1., 2., 3.])"""
def ravel(input: Tensor) -> Tensor:
    """All elements along one axis (`torch.ravel`).

    >>> torch.ravel(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def real(input: Tensor) -> Tensor:
    """The tensor itself: it is real (`torch.real`).

    >>> torch.real(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def reciprocal(input: Tensor, *, out: Any = None) -> Tensor:
    """One over each element: `1 / input` (`torch.reciprocal`).

    >>> torch.reciprocal(torch.tensor([0.25, 0.5, 1.0]))
    tensor([4., 2., 1.])"""
def reciprocal_(input: Tensor) -> Tensor:
    """One over each element: `1 / input`, in place (`torch.reciprocal_`).

    >>> torch.reciprocal_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([4., 2., 1.])"""
def relu(input: Tensor) -> Tensor:
    """Each element, or zero where it is negative (`torch.relu`).

    >>> torch.relu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def relu_(input: Tensor) -> Tensor:
    """Each element, or zero where it is negative, in place (`torch.relu_`).

    >>> torch.relu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
@overload
def remainder(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The remainder of a division that is rounded down; it has the sign of `other`: `input % other` (`torch.remainder`).

    Called as

        remainder(input, other, *, out=None)
        remainder(self, other)
        remainder(input, other, *, out=None)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.remainder(x, x)
    tensor([0., 0., 0.])"""
@overload
def remainder(self: _float, other: Tensor) -> Tensor:
    ...
@overload
def remainder(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
def renorm(input: Tensor, p: _float, dim: _int, maxnorm: _float, *, out: Any = None) -> Tensor:
    """Slices along an axis scaled down to a norm of at most `maxnorm` (`torch.renorm`).

    >>> torch.renorm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2, 0, 1.0)
    tensor([[0.4472, 0.8944],
            [0.6000, 0.8000]])"""
@overload
def repeat_interleave(input: Tensor, repeats: Tensor | _int, dim: _int | None = None, *, output_size: _int | None = None) -> Tensor:
    """Each slice repeated in place (`torch.repeat_interleave`); of `repeats` alone, its places repeated.

    Called as

        repeat_interleave(input, repeats, dim=None, *, output_size=None)
        repeat_interleave(repeats, *, output_size=None)

    >>> torch.repeat_interleave(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([0.2500, 0.2500, 0.5000, 0.5000, 1.0000, 1.0000])"""
@overload
def repeat_interleave(repeats: Tensor, *, output_size: _int | None = None) -> Any:
    ...
def reshape(input: Tensor, shape: Sequence[_int]) -> Tensor:
    """The same elements in another shape; a view where it can be (`torch.reshape`).

    >>> torch.reshape(torch.tensor([0.25, 0.5, 1.0]), (3, 1))
    tensor([[0.2500],
            [0.5000],
            [1.0000]])"""
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """The shape of another tensor (`torch.Tensor.resize_as_`)."""
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).

    >>> torch.resolve_conj(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).

    >>> torch.resolve_neg(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
@overload
def result_type(tensor: Tensor, other: Tensor) -> Any:
    """The dtype of an operation on two tensors or numbers (`torch.result_type`).

    >>> import tapegrad
    >>> tapegrad.result_type(tapegrad.tensor([1, 2], dtype=tapegrad.int8), 300)
    torch.int8

    Called as

        result_type(tensor, other)
        result_type(scalar, tensor)
        result_type(tensor, other)
        result_type(scalar1, scalar2)"""
@overload
def result_type(scalar: _float, tensor: Tensor) -> Any:
    ...
@overload
def result_type(tensor: Tensor, other: _float) -> Any:
    ...
@overload
def result_type(scalar1: _float, scalar2: _float) -> Any:
    ...
def rms_norm(input: Tensor, normalized_shape: Sequence[_int], weight: Tensor | None = None, eps: _float | None = None) -> Tensor:
    """The last axes divided by their root mean square (`torch.nn.functional.rms_norm`).

    >>> torch.rms_norm(torch.tensor([0.25, 0.5, 1.0]), (3,))
    tensor([0.3780, 0.7559, 1.5119])"""
def rnn_relu(input: Tensor, hx: Any, params: Any, has_biases: _bool, num_layers: _int, dropout: _float, train: _bool, bidirectional: _bool, batch_first: _bool) -> Any:
    """A recurrent network of several layers, given its weights (`torch.rnn_relu`)."""
def rnn_relu_cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """One step of a recurrent cell (`torch.rnn_relu_cell`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.rnn_relu_cell(x, x, x, x)
    tensor([[10., 22.],
            [22., 50.]])"""
def rnn_tanh(input: Tensor, hx: Any, params: Any, has_biases: _bool, num_layers: _int, dropout: _float, train: _bool, bidirectional: _bool, batch_first: _bool) -> Any:
    """A recurrent network of several layers, given its weights (`torch.rnn_tanh`)."""
def rnn_tanh_cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None) -> Tensor:
    """One step of a recurrent cell (`torch.rnn_tanh_cell`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.rnn_tanh_cell(x, x, x, x)
    tensor([[1., 1.],
            [1., 1.]])"""
def roll(input: Tensor, shifts: _int | Sequence[_int], dims: _int | Sequence[_int] | None = ()) -> Tensor:
    """Elements moved along axes, coming in again at the other end (`torch.roll`).

    >>> torch.roll(torch.tensor([0.25, 0.5, 1.0]), 1)
    tensor([1.0000, 0.2500, 0.5000])"""
def rot90(input: Tensor, k: _int = 1, dims: _int | Sequence[_int] = (0, 1)) -> Tensor:
    """A quarter turn, `k` times (`torch.rot90`).

    >>> torch.rot90(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 4.],
            [1., 3.]])"""
@overload
def round(input: Tensor, *, out: Any = None) -> Tensor:
    """Each element rounded to `decimals` places, halves to even numbers (`torch.round`).

    Called as

        round(input, *, out=None)
        round(input, *, decimals, out=None)

    >>> torch.round(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
@overload
def round(input: Tensor, *, decimals: _int, out: Any = None) -> Tensor:
    ...
@overload
def round_(input: Tensor) -> Tensor:
    """Each element rounded to `decimals` places, halves to even numbers, in place (`torch.round_`).

    Called as

        round_(input)
        round_(input, *, decimals)

    >>> torch.round_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
@overload
def round_(input: Tensor, *, decimals: _int) -> Tensor:
    ...
def row_stack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Tensors below each other, along the first axis (`torch.row_stack`).

    >>> torch.row_stack([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([[1.],
            [2.]])"""
def rrelu(input: Tensor, lower: _float = 0.125, upper: _float = 0.3333333333333333, training: _bool = False, generator: Generator | None = None) -> Tensor:
    """What `nn.functional.rrelu` gives (`torch.rrelu`).

    >>> torch.rrelu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def rrelu_(input: Tensor, lower: _float = 0.125, upper: _float = 0.3333333333333333, training: _bool = False, generator: Generator | None = None) -> Tensor:
    """`nn.functional.rrelu` in place (`torch.rrelu_`)."""
def rsqrt(input: Tensor, *, out: Any = None) -> Tensor:
    """One over the square root of each element (`torch.rsqrt`).

    >>> torch.rsqrt(torch.tensor([0.25, 0.5, 1.0]))
    tensor([2.0000, 1.4142, 1.0000])"""
def rsqrt_(input: Tensor) -> Tensor:
    """One over the square root of each element, in place (`torch.rsqrt_`).

    >>> torch.rsqrt_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([2.0000, 1.4142, 1.0000])"""
@overload
def rsub(input: Tensor, other: Tensor | _float, *, alpha: _float = 1) -> Tensor:
    """`other - alpha * input` (`torch.rsub`).

    Called as

        rsub(input, other, *, alpha=1)
        rsub(input, other, alpha=1)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.rsub(x, x)
    tensor([0., 0., 0.])"""
@overload
def rsub(input: Tensor, other: _float, alpha: _float = 1) -> Tensor:
    ...
def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: _int = 2, _use_new_zipfile_serialization: _bool = True, *, format: _str = 'torch') -> None:
    """Write an object with the tensors in it to a file (`torch.save`).

    >>> import io, tapegrad
    >>> file = io.BytesIO()
    >>> tapegrad.save({"weight": tapegrad.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> tapegrad.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}

    `f` is a path or has `write`. Tensors that share memory still do when they are loaded. `format="arrays"` writes JSON
    and NumPy's arrays instead of a pickle: of tensors, numbers, texts, and containers of them.

    Raises pickle.PicklingError (TypeError for `arrays`) for what cannot be kept, before anything is written."""
def scalar_tensor(s: _float, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """A 0-d tensor of the default dtype (`torch.scalar_tensor`).

    >>> scalar_tensor(2)
    tensor(2.)"""
@overload
def scatter(input: Tensor, dim: _int, index: Tensor, src: Tensor, *, out: Any = None) -> Tensor:
    """A copy with elements replaced, along an axis, where an index says (`torch.scatter`).

    Called as

        scatter(input, dim, index, src, *, out=None)
        scatter(input, dim, index, src, *, reduce, out=None)
        scatter(input, dim, index, value, *, out=None)
        scatter(input, dim, index, value, *, reduce, out=None)

    >>> torch.scatter(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
    tensor([8.0000, 0.5000, 1.0000])"""
@overload
def scatter(input: Tensor, dim: _int, index: Tensor, src: Tensor, *, reduce: str, out: Any = None) -> Any:
    ...
@overload
def scatter(input: Tensor, dim: _int, index: Tensor, value: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def scatter(input: Tensor, dim: _int, index: Tensor, value: _float, *, reduce: str, out: Any = None) -> Any:
    ...
def scatter_add(input: Tensor, dim: _int, index: Tensor, src: Tensor, *, out: Any = None) -> Tensor:
    """Elements added at given positions along an axis (`torch.scatter_add`).

    >>> torch.scatter_add(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
    tensor([15.2500,  0.5000,  1.0000])"""
def scatter_reduce(input: Tensor, dim: _int, index: Tensor, src: Tensor, reduce: str, *, include_self: _bool = True, out: Any = None) -> Tensor:
    """Elements combined at given positions along an axis (`torch.scatter_reduce`).

    >>> torch.scatter_reduce(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]), 'sum')
    tensor([15.2500,  0.5000,  1.0000])"""
@overload
def searchsorted(sorted_sequence: Tensor, input: Tensor, *, out_int32: _bool = False, right: _bool = False, side: str | None = None, sorter: Tensor | None = None, out: Any = None) -> Tensor:
    """Where values would be inserted into sorted rows (`torch.searchsorted`).

    Called as

        searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None)
        searchsorted(sorted_sequence, self, *, out_int32=False, right=False, side=None, sorter=None, out=None)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.searchsorted(x, x)
    tensor([0, 1, 2])"""
@overload
def searchsorted(sorted_sequence: Tensor, self: _float, *, out_int32: _bool = False, right: _bool = False, side: str | None = None, sorter: Tensor | None = None, out: Any = None) -> Tensor:
    ...
def seed() -> _int:
    """Restart the default generator from a number of the system's (`torch.seed`), which is returned."""
def segment_reduce(data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None, offsets: Tensor | None = None, axis: _int = 0, unsafe: _bool = False, initial: _float | None = None) -> Any:
    """Neighbours along an axis combined, so many at a time (`torch.segment_reduce`).

    >>> import tapegrad as torch
    >>> torch.segment_reduce(torch.arange(6.0), "max", lengths=torch.tensor([2, 3, 1]))
    tensor([1., 4., 5.])

    `reduce` is "sum", "mean", "prod", "max" or "min". Of no elements it is `initial`: 0, NaN, 1, -inf and inf if that
    is not given. `offsets` are where segments begin, and where the last one ends. Raises RuntimeError for lengths that
    do not add up."""
def select(input: Tensor, dim: _int, index: _int) -> Tensor:
    """One position along an axis, which goes away (`torch.select`).

    >>> torch.select(torch.tensor([0.25, 0.5, 1.0]), 0, 0)
    tensor(0.2500)"""
def select_scatter(input: Tensor, src: Tensor, dim: _int, index: _int) -> Tensor:
    """A copy with one slice replaced (`torch.select_scatter`).

    >>> torch.select_scatter(torch.ones(1, 3), torch.tensor([7.0, 8.0, 9.0]), 0, 0)
    tensor([[7., 8., 9.]])"""
def selu(input: Tensor) -> Tensor:
    """ELU with the constants that keep mean and variance through many layers (`torch.selu`).

    >>> torch.selu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2627, 0.5254, 1.0507])"""
def selu_(input: Tensor) -> Tensor:
    """ELU with the constants that keep mean and variance through many layers, in place (`torch.selu_`).

    >>> torch.selu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2627, 0.5254, 1.0507])"""
def set_autocast_cache_enabled(enabled: _bool) -> None:
    """Say whether casts of parameters would be kept.

    >>> import tapegrad as torch
    >>> torch.set_autocast_cache_enabled(True)"""
def set_autocast_dtype(device_type: _str, dtype: _dtype | type | None) -> None:
    """Have blocks of `autocast` for a device be for this dtype."""
def set_autocast_enabled(device_type: Any, enabled: _bool | None = None) -> None:
    """Switch autocasting on or off, for a device (or, with one argument, for CUDA).

    >>> import tapegrad as torch
    >>> torch.set_autocast_enabled('cpu', False)"""
def set_default_device(device: Any) -> None:
    """Say where tensors are created (`torch.set_default_device`): on the CPU, or AssertionError, RuntimeError.

    >>> set_default_device("cpu")"""
def set_default_dtype(d: _dtype | type) -> None:
    """Make `d` the dtype of floating-point literals (`torch.set_default_dtype`).

    >>> set_default_dtype(float64); get_default_dtype()
    torch.float64
    >>> set_default_dtype(float32)

    Raises TypeError for anything but a floating-point dtype."""
def set_default_tensor_type(t: Any) -> None:
    """Make a type's dtype that of floating-point literals (`torch.set_default_tensor_type`).

    >>> import tapegrad
    >>> set_default_tensor_type("torch.DoubleTensor"); tapegrad.get_default_dtype()
    torch.float64
    >>> set_default_tensor_type(tapegrad.FloatTensor)"""
def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """The same by number or name (`torch.set_deterministic_debug_mode`): `default`, `warn`, `error`.

    >>> import tapegrad as torch
    >>> torch.set_deterministic_debug_mode('default')
    >>> torch.get_deterministic_debug_mode()
    0"""
def set_float32_matmul_precision(precision: _str) -> None:
    """Allow products of less precision (`torch.set_float32_matmul_precision`), of which no use is made.

    >>> set_float32_matmul_precision("high"); get_float32_matmul_precision()
    'high'
    >>> set_float32_matmul_precision("highest")

    One of `highest`, `high`, `medium`; anything else warns, and is not kept."""
def set_flush_denormal(mode: _bool) -> _bool:
    """False: denormal numbers stay as they are (`torch.set_flush_denormal`).

    >>> import tapegrad as torch
    >>> torch.set_flush_denormal(False)
    False"""
def set_num_interop_threads(number: _int) -> None:
    """Kept, and given back (`torch.set_num_interop_threads`): operations are never run beside each other."""
def set_num_threads(num: _int) -> None:
    """Set how many threads large operations are shared between (`torch.set_num_threads`).

    >>> import tapegrad
    >>> before = tapegrad.get_num_threads()
    >>> tapegrad.set_num_threads(1)
    >>> tapegrad.get_num_threads()
    1
    >>> tapegrad.set_num_threads(before)

    It counts for the whole process, BLAS included. Raises RuntimeError below one."""
def set_printoptions(precision: _int | None = None, threshold: _float | None = None, edgeitems: _int | None = None, linewidth: _int | None = None, profile: _str | None = None, sci_mode: _bool | None = None) -> None:
    """Set how tensors print (`torch.set_printoptions`).

    >>> set_printoptions(precision=2)
    >>> get_printoptions()["precision"]
    2
    >>> set_printoptions(profile="default")

    `profile` ("default", "short" or "full") is applied first, the other options over it. An option left out keeps its
    value, except `sci_mode`, which goes back to None, and an unknown profile is ignored: PyTorch's rules."""
def set_rng_state(new_state: Tensor) -> None:
    """Go on from a state of the default generator (`torch.set_rng_state`).

    >>> import tapegrad as torch
    >>> state = torch.get_rng_state()
    >>> x = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), x)
    True"""
def set_warn_always(b: _bool) -> None:
    """Kept, and given back by `is_warn_always_enabled` (`torch.set_warn_always`).

    >>> import tapegrad as torch
    >>> torch.set_warn_always(False)
    >>> torch.is_warn_always_enabled()
    False"""
def sgn(input: Tensor, *, out: Any = None) -> Tensor:
    """The sign of each element: -1, 0 or 1 (`torch.sgn`).

    >>> torch.sgn(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1., 1., 1.])"""
def sigmoid(input: Tensor, *, out: Any = None) -> Tensor:
    """`1 / (1 + exp(-input))` (`torch.sigmoid`).

    >>> torch.sigmoid(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5622, 0.6225, 0.7311])"""
def sigmoid_(input: Tensor) -> Tensor:
    """`1 / (1 + exp(-input))`, in place (`torch.sigmoid_`).

    >>> torch.sigmoid_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5622, 0.6225, 0.7311])"""
def sign(input: Tensor, *, out: Any = None) -> Tensor:
    """The sign of each element: -1, 0 or 1 (`torch.sign`).

    >>> torch.sign(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1., 1., 1.])"""
def signbit(input: Tensor, *, out: Any = None) -> Tensor:
    """Whether the sign of each element is minus, that of zeros included (`torch.signbit`).

    >>> torch.signbit(torch.tensor([0.25, 0.5, 1.0]))
    tensor([False, False, False])"""
def sin(input: Tensor, *, out: Any = None) -> Tensor:
    """The sine of each element (`torch.sin`).

    >>> torch.sin(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2474, 0.4794, 0.8415])"""
def sin_(input: Tensor) -> Tensor:
    """The sine of each element, in place (`torch.sin_`).

    >>> torch.sin_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2474, 0.4794, 0.8415])"""
def sinc(input: Tensor, *, out: Any = None) -> Tensor:
    """`sin(pi * input) / (pi * input)`, and 1 at zero (`torch.sinc`).

    >>> torch.sinc(torch.tensor([0.25, 0.5, 1.0]))
    tensor([ 9.0032e-01,  6.3662e-01, -2.7828e-08])"""
def sinc_(input: Tensor) -> Tensor:
    """`sin(pi * input) / (pi * input)`, and 1 at zero, in place (`torch.sinc_`).

    >>> torch.sinc_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([ 9.0032e-01,  6.3662e-01, -2.7828e-08])"""
def sinh(input: Tensor, *, out: Any = None) -> Tensor:
    """The hyperbolic sine of each element (`torch.sinh`).

    >>> torch.sinh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2526, 0.5211, 1.1752])"""
def sinh_(input: Tensor) -> Tensor:
    """The hyperbolic sine of each element, in place (`torch.sinh_`).

    >>> torch.sinh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2526, 0.5211, 1.1752])"""
def slice_scatter(input: Tensor, src: Tensor, dim: _int = 0, start: _int | None = None, end: _int | None = None, step: _int = 1, *, out: Any = None) -> Tensor:
    """A copy with a stretch replaced (`torch.slice_scatter`).

    >>> torch.slice_scatter(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([7.0, 8.0, 9.0]))
    tensor([7., 8., 9.])"""
def slogdet(input: Tensor, *, out: Any = None) -> _linalg_slogdet:
    """Sign and logarithm of the determinant (`torch.linalg.slogdet`).

    >>> torch.slogdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.6931))"""
def softmax(input: Tensor, dim: _int, dtype: _dtype | type | None = None, *, out: Any = None) -> Tensor:
    """Exponentials along an axis, scaled so that they add up to one (`torch.softmax`).

    >>> torch.softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([0.2272, 0.2918, 0.4810])"""
def solve(input: Tensor, A: Any, *, out: Any = None) -> Any:
    """RuntimeError: `linalg.solve` takes these operands in the other order (`torch.solve`)."""
@overload
def sort(input: Tensor, *, stable: _bool | None, dim: _int = -1, descending: _bool = False, out: Any = None) -> Any:
    """Values in order, and where they were (`torch.sort`).

    Called as

        sort(input, *, stable, dim=-1, descending=False, out=None)
        sort(input, dim=-1, descending=False, *, out=None)

    >>> torch.sort(torch.tensor([0.25, 0.5, 1.0]))
    torch.return_types.sort(
    values=tensor([0.2500, 0.5000, 1.0000]),
    indices=tensor([0, 1, 2]))"""
@overload
def sort(input: Tensor, dim: _int = -1, descending: _bool = False, *, out: Any = None) -> _sort:
    ...
def sparse_coo_tensor(indices: Any = None, values: Any = None, size: Any = None, *, dtype: _dtype | type | None = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False, check_invariants: Any = None, is_coalesced: Any = None) -> Any:
    """A tensor of numbers at places, and of zeros elsewhere (`torch.sparse_coo_tensor`).

    >>> import tapegrad as torch
    >>> a = torch.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
    >>> a @ torch.ones(3, 1)
    tensor([[3.],
            [9.]])

    `indices` has a row for each axis and a column for each number; values of more axes are numbers of that shape.
    Without a `size` the tensor is just large enough. A place may occur several times: its numbers are added, which
    `coalesce()` does. Operations that are written for such tensors are computed of their values, and have derivatives;
    any other is a NotImplementedError. RuntimeError where sizes and places do not go together."""
def split(tensor: Tensor, split_size_or_sections: _int | Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
    """Pieces of equal or given lengths along an axis (`torch.split`).

    >>> torch.split(torch.tensor([0.25, 0.5, 1.0]), 2)
    (tensor([0.2500, 0.5000]), tensor([1.]))"""
def split_with_sizes(input: Tensor, split_sizes: _int | Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
    """Pieces of given lengths along an axis (`torch.split_with_sizes`).

    >>> torch.split_with_sizes(torch.tensor([0.25, 0.5, 1.0]), (1, 2))
    (tensor([0.2500]), tensor([0.5000, 1.0000]))"""
def spmm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """The product of two matrices (`torch.mm`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.mm(x, x)
    tensor([[ 7., 10.],
            [15., 22.]])"""
def sqrt(input: Tensor, *, out: Any = None) -> Tensor:
    """The square root of each element (`torch.sqrt`).

    >>> torch.sqrt(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5000, 0.7071, 1.0000])"""
def sqrt_(input: Tensor) -> Tensor:
    """The square root of each element, in place (`torch.sqrt_`).

    >>> torch.sqrt_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5000, 0.7071, 1.0000])"""
def square(input: Tensor, *, out: Any = None) -> Tensor:
    """The square of each element: `input * input` (`torch.square`).

    >>> torch.square(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.0625, 0.2500, 1.0000])"""
def square_(input: Tensor) -> Tensor:
    """The square of each element: `input * input`, in place (`torch.square_`).

    >>> torch.square_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.0625, 0.2500, 1.0000])"""
@overload
def squeeze(input: Tensor) -> Tensor:
    """Axes of size one left out (`torch.squeeze`).

    Called as

        squeeze(input)
        squeeze(input, dim)
        squeeze(input, dim)

    >>> torch.squeeze(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
@overload
def squeeze(input: Tensor, dim: _int) -> Tensor:
    ...
@overload
def squeeze(input: Tensor, dim: Sequence[_int]) -> Tensor:
    ...
def stack(tensors: Sequence[Tensor], dim: _int = 0, *, out: Any = None) -> Tensor:
    """Tensors of one shape along a new axis (`torch.stack`).

    >>> import tapegrad
    >>> tapegrad.stack([tapegrad.zeros(2), tapegrad.ones(2)], dim=1)
    tensor([[0., 1.],
            [0., 1.]])"""
@overload
def std(input: Tensor, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The standard deviation of all elements, or of those along axes (`torch.std`).

    Called as

        std(input, dim, unbiased=True, keepdim=False, *, out=None)
        std(input, dim=None, *, correction=None, keepdim=False, out=None)
        std(input, unbiased=True)

    >>> torch.std(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor(0.3819)"""
@overload
def std(input: Tensor, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False, out: Any = None) -> Tensor:
    ...
@overload
def std(input: Tensor, unbiased: _bool = True) -> Tensor:
    ...
@overload
def std_mean(input: Tensor, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False) -> tuple[Tensor, ...]:
    """The standard deviation and the mean (`torch.std_mean`).

    Called as

        std_mean(input, dim, unbiased=True, keepdim=False)
        std_mean(input, dim=None, *, correction=None, keepdim=False)
        std_mean(input, unbiased=True)

    >>> torch.std_mean(torch.tensor([0.25, 0.5, 1.0]), 0)
    (tensor(0.3819), tensor(0.5833))"""
@overload
def std_mean(input: Tensor, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False) -> tuple[Tensor, ...]:
    ...
@overload
def std_mean(input: Tensor, unbiased: _bool = True) -> tuple[Tensor, ...]:
    ...
def sub(input: Tensor | _float, other: Tensor | _float, *, alpha: _float = 1, out: Any = None) -> Tensor:
    """The difference of two tensors, the second times `alpha`: `input - alpha * other` (`torch.sub`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.sub(x, x)
    tensor([0., 0., 0.])"""
@overload
def subtract(input: Tensor | _float, other: Tensor | _float, *, alpha: _float = 1, out: Any = None) -> Tensor:
    """The difference of two tensors, the second times `alpha`: `input - alpha * other` (`torch.subtract`).

    Called as

        subtract(input, other, *, alpha=1, out=None)
        subtract(input, other, alpha=1)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.subtract(x, x)
    tensor([0., 0., 0.])"""
@overload
def subtract(input: Tensor | _float, other: _float, alpha: _float = 1) -> Tensor:
    ...
@overload
def sum(input: Tensor, *, dtype: _dtype | type | None = None) -> Tensor:
    """The sum of all elements, or of those along axes (`torch.sum`).

    Called as

        sum(input, *, dtype=None)
        sum(input, dim, keepdim=False, *, dtype=None, out=None)

    >>> torch.sum(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.7500)"""
@overload
def sum(input: Tensor, dim: _int | Sequence[_int] | None, keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    ...
def svd(input: Tensor, some: _bool = True, compute_uv: _bool = True, *, out: Any = None) -> _svd:
    """U, S and V with input = U diag(S) Vᵀ (`torch.svd`).

    >>> torch.svd(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.svd(
    U=tensor([[-0.4046,  0.9145],
            [-0.9145, -0.4046]]),
    S=tensor([5.4650, 0.3660]),
    V=tensor([[-0.5760, -0.8174],
            [-0.8174,  0.5760]]))"""
def svd_lowrank(A: Tensor, q: _int | None = 6, niter: Any = 2, M: Any = None) -> tuple[Tensor, ...]:
    """U, S and V of the `q` largest singular values, nearly: A - M = U diag(S) Vᵀ (`torch.svd_lowrank`).

    >>> import tapegrad as torch
    >>> A = torch.tensor([[1.0], [2.0]]) @ torch.tensor([[2.0, 0.0, 1.0]])
    >>> U, S, V = torch.svd_lowrank(A, q=1)
    >>> torch.allclose(U * S @ V.T, A), U.shape, V.shape
    (True, torch.Size([2, 1]), torch.Size([3, 1]))

    It draws from the default generator; `niter` products with A and Aᵀ come after, each of which adds digits."""
def swapaxes(input: Tensor, axis0: _int, axis1: _int) -> Tensor:
    """Two axes exchanged (`torch.swapaxes`).

    >>> torch.swapaxes(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
    tensor([[1., 3.],
            [2., 4.]])"""
def swapdims(input: Tensor, dim0: _int, dim1: _int) -> Tensor:
    """Two axes exchanged (`torch.swapdims`).

    >>> torch.swapdims(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
    tensor([[1., 3.],
            [2., 4.]])"""
def symeig(input: Tensor, eigenvectors: Any = False, upper: Any = True, *, out: Any = None) -> Any:
    """RuntimeError: see `linalg.eigh` and `linalg.eigvalsh` (`torch.symeig`)."""
def t(input: Tensor) -> Tensor:
    """A matrix transposed (`torch.t`).

    >>> torch.t(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def take(input: Tensor, index: Tensor, *, out: Any = None) -> Tensor:
    """Elements at positions in the flattened tensor (`torch.take`).

    >>> torch.take(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0, 0]))
    tensor([0.2500, 0.2500])"""
def take_along_dim(input: Tensor, indices: Tensor, dim: _int | None = None, *, out: Any = None) -> Tensor:
    """gather with broadcasting (`torch.take_along_dim`).

    >>> torch.take_along_dim(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0, 2]))
    tensor([0.2500, 1.0000])"""
def tan(input: Tensor, *, out: Any = None) -> Tensor:
    """The tangent of each element (`torch.tan`).

    >>> torch.tan(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2553, 0.5463, 1.5574])"""
def tan_(input: Tensor) -> Tensor:
    """The tangent of each element, in place (`torch.tan_`).

    >>> torch.tan_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2553, 0.5463, 1.5574])"""
def tanh(input: Tensor, *, out: Any = None) -> Tensor:
    """The hyperbolic tangent of each element (`torch.tanh`).

    >>> torch.tanh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2449, 0.4621, 0.7616])"""
def tanh_(input: Tensor) -> Tensor:
    """The hyperbolic tangent of each element, in place (`torch.tanh_`).

    >>> torch.tanh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2449, 0.4621, 0.7616])"""
def tensor(data: Any, *, dtype: _dtype | type | None = None, device: Any = None, requires_grad: _bool | None = False, pin_memory: _bool | None = False) -> Tensor:
    """A new leaf with a copy of `data`: numbers, nested sequences, arrays or tensors (`torch.tensor`).

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])

    Floats become the default dtype, integers int64. Raises ValueError for ragged sequences, TypeError for what is no
    number, RuntimeError for integers that require grad."""
@overload
def tensor_split(input: Tensor, indices: Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
    """Nearly equal pieces, or pieces that end at given places (`torch.tensor_split`).

    Called as

        tensor_split(input, indices, dim=0)
        tensor_split(input, tensor_indices_or_sections, dim=0)
        tensor_split(input, sections, dim=0)

    >>> torch.tensor_split(torch.tensor([0.25, 0.5, 1.0]), (1,))
    (tensor([0.2500]), tensor([0.5000, 1.0000]))"""
@overload
def tensor_split(input: Tensor, tensor_indices_or_sections: Tensor, dim: _int = 0) -> tuple[Tensor, ...]:
    ...
@overload
def tensor_split(input: Tensor, sections: _int, dim: _int = 0) -> tuple[Tensor, ...]:
    ...
def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Tensor:
    """Sums of products over chosen axes (`torch.tensordot`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.tensordot(x, x)
    tensor(30.)"""
def threshold(input: Tensor, threshold: _float, value: _float, *, out: Any = None) -> Tensor:
    """Each element, or `value` where it is not above `threshold` (`torch.threshold`).

    >>> torch.threshold(torch.tensor([0.25, 0.5, 1.0]), 0.5, 2.0)
    tensor([2., 2., 1.])"""
def threshold_(input: Tensor, threshold: _float, value: _float) -> Tensor:
    """`nn.functional.threshold` in place (`torch.threshold_`).

    >>> torch.threshold_(torch.tensor([0.25, 0.5, 1.0]), 0.5, 2.0)
    tensor([2., 2., 1.])"""
def tile(input: Tensor, dims: Sequence[_int]) -> Tensor:
    """repeat with missing leading counts (`torch.tile`).

    >>> torch.tile(torch.tensor([0.25, 0.5, 1.0]), (0,))
    tensor([])"""
def to_dlpack(tensor: Any) -> Tensor:
    """A DLPack capsule on a tensor's memory (`torch.utils.dlpack.to_dlpack`); `from_dlpack` takes the tensor itself.

    >>> torch.from_dlpack(torch.to_dlpack(torch.ones(2)))
    tensor([1., 1.])"""
def topk(input: Tensor, k: _int, dim: _int = -1, largest: _bool = True, sorted: _bool = True, *, out: Any = None) -> _topk:
    """The `k` largest or smallest values, in order (`torch.topk`).

    >>> torch.topk(torch.tensor([0.25, 0.5, 1.0]), 1)
    torch.return_types.topk(
    values=tensor([1.]),
    indices=tensor([2]))"""
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal (`torch.trace`).

    >>> torch.trace(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)"""
def transpose(input: Tensor, dim0: _int, dim1: _int) -> Tensor:
    """Two axes swapped (`torch.transpose`).

    >>> torch.transpose(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
    tensor([[1., 3.],
            [2., 4.]])"""
@overload
def trapezoid(y: Tensor, x: Tensor, *, dim: _int = -1) -> Tensor:
    """The integral by the trapezoid rule (`torch.trapezoid`).

    Called as

        trapezoid(y, x, *, dim=-1)
        trapezoid(y, *, dx=1, dim=-1)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.trapezoid(x, x)
    tensor(0.4688)"""
@overload
def trapezoid(y: Tensor, *, dx: _float = 1, dim: _int = -1) -> Tensor:
    ...
@overload
def trapz(y: Tensor, x: Tensor, *, dim: _int = -1) -> Tensor:
    """The integral by the trapezoid rule (`torch.trapezoid`).

    Called as

        trapz(y, x, *, dim=-1)
        trapz(y, *, dx=1, dim=-1)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.trapz(x, x)
    tensor(0.4688)"""
@overload
def trapz(y: Tensor, *, dx: _float = 1, dim: _int = -1) -> Tensor:
    ...
def triangular_solve(input: Tensor, A: Tensor, upper: _bool = True, transpose: _bool = False, unitriangular: _bool = False, *, out: Any = None) -> Any:
    """The X of A X = input for a triangular A, and a copy of A (`torch.triangular_solve`)."""
def tril(input: Tensor, diagonal: _int = 0, *, out: Any = None) -> Tensor:
    """A matrix's lower triangle, zeros above (`torch.tril`).

    >>> torch.tril(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 0.],
            [3., 4.]])"""
def tril_indices(row: _int, col: _int, offset: _int = 0, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Rows and columns of a matrix's triangle (`torch.tril_indices`).

    >>> torch.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])"""
def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: _float = 1.0, p: _float = 2.0, eps: _float = 1e-06, swap: _bool = False, reduction: _int = 0) -> Tensor:
    """`nn.functional.triplet_margin_loss`, reduced by number (`torch.triplet_margin_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.triplet_margin_loss(x, x, x)
    tensor(1.)"""
def triu(input: Tensor, diagonal: _int = 0, *, out: Any = None) -> Tensor:
    """A matrix's upper triangle, zeros below (`torch.triu`).

    >>> torch.triu(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 2.],
            [0., 4.]])"""
def triu_indices(row: _int, col: _int, offset: _int = 0, *, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Rows and columns of a matrix's triangle (`torch.triu_indices`).

    >>> torch.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])"""
def true_divide(input: Tensor | _float, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """The quotient of two tensors, without rounding: `input / other` (`torch.true_divide`).

    Called as

        true_divide(input, other, *, out=None)
        true_divide(input, other)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.true_divide(x, x)
    tensor([1., 1., 1.])"""
def trunc(input: Tensor, *, out: Any = None) -> Tensor:
    """Each element without its fraction (`torch.trunc`).

    >>> torch.trunc(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def trunc_(input: Tensor) -> Tensor:
    """Each element without its fraction, in place (`torch.trunc_`).

    >>> torch.trunc_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def typename(obj: Any) -> _str:
    """The name of an object's type, of a tensor with its dtype (`torch.typename`).

    >>> import tapegrad
    >>> typename(tapegrad.ones(2)), typename(3)
    ('torch.FloatTensor', 'int')"""
def unbind(input: Tensor, dim: _int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis (`torch.unbind`).

    >>> torch.unbind(torch.tensor([0.25, 0.5, 1.0]))
    (tensor(0.2500), tensor(0.5000), tensor(1.))"""
def unflatten(input: Tensor, dim: _int, sizes: _int | Sequence[_int]) -> Tensor:
    """An axis split into several (`torch.unflatten`).

    >>> torch.unflatten(torch.tensor([0.25, 0.5, 1.0]), 0, (3, 1))
    tensor([[0.2500],
            [0.5000],
            [1.0000]])"""
def unique(input: Tensor, sorted: _bool = True, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None) -> Tensor:
    """Distinct elements, or distinct slices along `dim` (`torch.unique`).

    >>> torch.unique(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def unique_consecutive(input: Tensor, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None) -> Tensor:
    """The first of each run of equal elements, or equal slices (`torch.unique_consecutive`).

    >>> torch.unique_consecutive(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """Positions in a flattened array as positions along axes (`torch.unravel_index`).

    >>> torch.unravel_index(torch.tensor([0, 2]), (2, 2))
    (tensor([0, 1]), tensor([0, 0]))"""
def unsafe_chunk(input: Tensor, chunks: _int, dim: _int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal length (`torch.chunk`).

    >>> torch.unsafe_chunk(torch.tensor([0.25, 0.5, 1.0]), 2)
    (tensor([0.2500, 0.5000]), tensor([1.]))"""
def unsafe_split(input: Tensor, split_size: _int, dim: _int = 0) -> tuple[Tensor, ...]:
    """Pieces of equal or given lengths along an axis (`torch.split`).

    >>> torch.unsafe_split(torch.tensor([0.25, 0.5, 1.0]), 2)
    (tensor([0.2500, 0.5000]), tensor([1.]))"""
def unsqueeze(input: Tensor, dim: _int) -> Tensor:
    """An axis of size one put in (`torch.unsqueeze`).

    >>> torch.unsqueeze(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([[0.2500, 0.5000, 1.0000]])"""
def use_deterministic_algorithms(mode: _bool, *, warn_only: _bool = False) -> None:
    """Ask for results that are the same each time (`torch.use_deterministic_algorithms`), which they are anyway.

    >>> use_deterministic_algorithms(True); are_deterministic_algorithms_enabled()
    True
    >>> use_deterministic_algorithms(False)"""
def vander(x: Tensor, N: _int | None = None, increasing: _bool = False) -> Tensor:
    """Powers of a vector's elements, the highest first (`torch.vander`).

    >>> torch.vander(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[0.0625, 0.2500, 1.0000],
            [0.2500, 0.5000, 1.0000],
            [1.0000, 1.0000, 1.0000]])"""
@overload
def var(input: Tensor, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """The variance of all elements, or of those along axes (`torch.var`).

    Called as

        var(input, dim, unbiased=True, keepdim=False, *, out=None)
        var(input, dim=None, *, correction=None, keepdim=False, out=None)
        var(input, unbiased=True)

    >>> torch.var(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor(0.1458)"""
@overload
def var(input: Tensor, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False, out: Any = None) -> Tensor:
    ...
@overload
def var(input: Tensor, unbiased: _bool = True) -> Tensor:
    ...
@overload
def var_mean(input: Tensor, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False) -> tuple[Tensor, ...]:
    """The variance and the mean (`torch.var_mean`).

    Called as

        var_mean(input, dim, unbiased=True, keepdim=False)
        var_mean(input, dim=None, *, correction=None, keepdim=False)
        var_mean(input, unbiased=True)

    >>> torch.var_mean(torch.tensor([0.25, 0.5, 1.0]), 0)
    (tensor(0.1458), tensor(0.5833))"""
@overload
def var_mean(input: Tensor, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False) -> tuple[Tensor, ...]:
    ...
@overload
def var_mean(input: Tensor, unbiased: _bool = True) -> tuple[Tensor, ...]:
    ...
def vdot(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The inner product of two vectors (`torch.vdot`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.vdot(x, x)
    tensor(1.3125)"""
def view_as_complex(input: Tensor) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.view_as_complex`)."""
def view_as_real(input: Tensor) -> Any:
    """RuntimeError: no tensor is complex (`torch.view_as_real`)."""
def vmap(func: Any, in_dims: Any = 0, out_dims: Any = 0, randomness: _str = 'error', *, chunk_size: _int | None = None) -> Any:
    """A function of one sample as a function of batches of them (`torch.vmap`).

    >>> import tapegrad as torch
    >>> vmap(torch.dot)(torch.ones(3, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    tensor([ 3.,  7., 11.])
    >>> vmap(torch.mul, in_dims=(0, None), out_dims=1)(torch.tensor([1.0, 10.0]), torch.tensor([1.0, 2.0, 3.0]))
    tensor([[ 1., 10.],
            [ 2., 20.],
            [ 3., 30.]])

    `in_dims` says which axis of each tensor is the batch's, None where there is none, and `out_dims` where it is in the
    results; each is one for all, or built like the arguments or the results. Keyword arguments are the same for all
    samples. `randomness` is "error" (random functions are refused), "different" for each sample, or "same".
    `chunk_size` changes no value. ValueError where axes, sizes or structures do not go together."""
@overload
def vsplit(input: Tensor, sections: _int) -> tuple[Tensor, ...]:
    """Pieces along the first axis (`torch.vsplit`).

    Called as

        vsplit(input, sections)
        vsplit(input, indices)

    >>> torch.vsplit(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    (tensor([[1., 2.],
            [3., 4.]]),)"""
@overload
def vsplit(input: Tensor, indices: Sequence[_int]) -> tuple[Tensor, ...]:
    ...
def vstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """Tensors below each other, along the first axis (`torch.vstack`).

    >>> torch.vstack([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor([[1.],
            [2.]])"""
@overload
def where(condition: Any) -> tuple[Tensor, ...]:
    """Elements of `input` where `condition` holds, of `other` elsewhere (`torch.where`).

    Called as

        where(condition)
        where(condition, input, other, *, out=None)

    >>> torch.where(torch.tensor([True, False, True]))
    (tensor([0, 2]),)"""
@overload
def where(condition: Any, input: Tensor | _float, other: Tensor | _float, *, out: Any = None) -> Tensor:
    ...
def why_nan(what: Any, *arguments: Any) -> Any:
    """The first value of a computation that is not finite, forward or backward, and what made it; None if all are.

    >>> import tapegrad as torch
    >>> x = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> y = torch.where(x > 0, x.sqrt(), x).sum()
    >>> print(torch.inspect.why_nan(y))
    nan first in the backward pass, at ip 0, sqrt
       0  %2  f32[2]  sqrt  %0
         what it adds to the gradient of %0 (x) is nan at [0], where
           %0 (x)  f32[2] is 0 there
           the gradient that arrives is 0
    cure
         ...

    `what` is a result, a tape, or a function, which is run with the arguments as it is written (compiled ones too).
    The report has the instruction, the operands, the way to the results and a cure. An infinity that the program
    put there itself, as masks do, is no cause. The tape is run again on its inputs as they are then: raises TapeError
    where nothing is found and some of their values are gone, or an operation is Python code. The backward pass is that
    of the results' sum."""
@overload
def xlogy(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`input * log(other)`, and zero where `input` is (`torch.xlogy`).

    Called as

        xlogy(input, other, *, out=None)
        xlogy(self, other, *, out=None)
        xlogy(input, other, *, out=None)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.xlogy(x, x)
    tensor([-0.3466, -0.3466,  0.0000])"""
@overload
def xlogy(self: _float, other: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def xlogy(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def xlogy_(input: Tensor, other: Tensor) -> Tensor:
    """`input * log(other)`, and zero where `input` is, in place (`torch.xlogy_`).

    Called as

        xlogy_(input, other)
        xlogy_(input, other)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.xlogy_(x, x)
    tensor([-0.3466, -0.3466,  0.0000])"""
@overload
def xlogy_(input: Tensor, other: _float) -> Tensor:
    ...
def zero_(input: Tensor) -> Tensor:
    """Zeros over what is there, in place (`torch.zero_`).

    >>> torch.zero_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 0.])"""
@overload
def zeros(size: Sequence[_int], *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """A tensor of zeros (`torch.zeros`).

    >>> zeros(2)
    tensor([0., 0.])"""
@overload
def zeros(*size: _int, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    ...
def zeros_like(input: Tensor, *, memory_format: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, pin_memory: _bool | None = False, requires_grad: _bool | None = False) -> Tensor:
    """Zeros shaped like another tensor (`torch.zeros_like`).

    >>> zeros_like(ones(2))
    tensor([0., 0.])"""
