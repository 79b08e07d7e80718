"""Types of what native code defines, written by `python -m tapegrad stubs`."""
from __future__ import annotations

# Under names of their own: `tapegrad.int` is a dtype, and `Tensor.float` a method.
from builtins import bool as _bool, float as _float, int as _int, str as _str
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from tapegrad.dtypes import dtype as _dtype

from tapegrad.random import Generator
from tapegrad.tensor import Tensor

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

class _svd(NamedTuple):
    U: Tensor
    S: Tensor
    V: Tensor

class _topk(NamedTuple):
    values: Tensor
    indices: Tensor

class TensorBase:
    """Tensors, as far as native code and `tapegrad.functions` define them."""

    _buffer: _int
    _layout: _int
    _base: Tensor | None
    grad: Any
    requires_grad: _bool
    @property
    def is_leaf(self) -> _bool: ...
    def backward(self, gradient: Tensor | None = None, retain_graph: _bool | None = None, create_graph: _bool = False, inputs: Any = None) -> None:
        """Accumulate gradients into the leaves this tensor depends on (`torch.Tensor.backward`).

        >>> import tapegrad
        >>> x = tapegrad.tensor(3.0, requires_grad=True)
        >>> (x * x).backward(); x.grad
        tensor(6.)

        `gradient` is needed unless the tensor has one element. Raises RuntimeError for a tensor without history, for a second
        backward through what the first one freed, and for operands modified in place since."""
    @property
    def T(self) -> Tensor: ...
    @property
    def mT(self) -> Tensor: ...
    @property
    def H(self) -> Tensor: ...
    @property
    def mH(self) -> Tensor: ...
    @property
    def real(self) -> Tensor: ...
    @property
    def imag(self) -> Tensor: ...
    @property
    def grad_dtype(self) -> Any: ...
    def __add__(self, other: Any) -> Tensor: ...
    def __sub__(self, other: Any) -> Tensor: ...
    def __mul__(self, other: Any) -> Tensor: ...
    def __truediv__(self, other: Any) -> Tensor: ...
    def __floordiv__(self, other: Any) -> Tensor: ...
    def __mod__(self, other: Any) -> Tensor: ...
    def __pow__(self, other: Any) -> Tensor: ...
    def __and__(self, other: Any) -> Tensor: ...
    def __or__(self, other: Any) -> Tensor: ...
    def __xor__(self, other: Any) -> Tensor: ...
    def __lshift__(self, other: Any) -> Tensor: ...
    def __rshift__(self, other: Any) -> Tensor: ...
    def __radd__(self, other: Any) -> Tensor: ...
    def __rsub__(self, other: Any) -> Tensor: ...
    def __rmul__(self, other: Any) -> Tensor: ...
    def __rtruediv__(self, other: Any) -> Tensor: ...
    def __rfloordiv__(self, other: Any) -> Tensor: ...
    def __rmod__(self, other: Any) -> Tensor: ...
    def __rpow__(self, other: Any) -> Tensor: ...
    def __rand__(self, other: Any) -> Tensor: ...
    def __ror__(self, other: Any) -> Tensor: ...
    def __rxor__(self, other: Any) -> Tensor: ...
    def __rlshift__(self, other: Any) -> Tensor: ...
    def __rrshift__(self, other: Any) -> Tensor: ...
    def __matmul__(self, other: Any) -> Tensor: ...
    def __rmatmul__(self, other: Any) -> Tensor: ...
    def __lt__(self, other: Any) -> Tensor: ...
    def __le__(self, other: Any) -> Tensor: ...
    def __gt__(self, other: Any) -> Tensor: ...
    def __ge__(self, other: Any) -> Tensor: ...
    def __iadd__(self, other: Any) -> Tensor: ...
    def __isub__(self, other: Any) -> Tensor: ...
    def __imul__(self, other: Any) -> Tensor: ...
    def __itruediv__(self, other: Any) -> Tensor: ...
    def __ifloordiv__(self, other: Any) -> Tensor: ...
    def __imod__(self, other: Any) -> Tensor: ...
    def __ipow__(self, other: Any) -> Tensor: ...
    def __iand__(self, other: Any) -> Tensor: ...
    def __ior__(self, other: Any) -> Tensor: ...
    def __ixor__(self, other: Any) -> Tensor: ...
    def __ilshift__(self, other: Any) -> Tensor: ...
    def __irshift__(self, other: Any) -> Tensor: ...
    def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
    def __neg__(self) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __abs__(self) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __getitem__(self, index: Any) -> Tensor: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...
    def __hash__(self) -> _int: ...
    def abs(self) -> Tensor:
        """The absolute value of each element: `|input|`: see `tapegrad.abs`."""
    def abs_(self) -> Tensor:
        """The absolute value of each element: `|input|`, in place: see `tapegrad.abs`."""
    def absolute(self) -> Tensor:
        """The absolute value of each element: `|input|`: see `tapegrad.absolute`."""
    def absolute_(self) -> Tensor:
        """The absolute value of each element: `|input|`, in place: see `tapegrad.absolute`."""
    def acos(self) -> Tensor:
        """The angle whose cosine each element is: see `tapegrad.acos`."""
    def acos_(self) -> Tensor:
        """The angle whose cosine each element is, in place: see `tapegrad.acos`."""
    def acosh(self) -> Tensor:
        """The inverse hyperbolic cosine of each element: see `tapegrad.acosh`."""
    def acosh_(self) -> Tensor:
        """The inverse hyperbolic cosine of each element, in place: see `tapegrad.acosh`."""
    def add(self, other: Tensor | _float, *, alpha: _float = 1) -> Tensor:
        """The sum of two tensors, the second times `alpha`: `input + alpha * other`: see `tapegrad.add`."""
    def add_(self, other: Tensor | _float, *, alpha: _float = 1) -> Tensor:
        """The sum of two tensors, the second times `alpha`: `input + alpha * other`, in place: see `tapegrad.add`."""
    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """Products of matrices summed over a batch, and added: `beta * input + alpha * (batch1 @ batch2).sum(0)`: see `tapegrad.addbmm`."""
    def addbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """Products of matrices summed over a batch, and added: `beta * input + alpha * (batch1 @ batch2).sum(0)`, in place: see `tapegrad.addbmm`."""
    def addcdiv(self, tensor1: Tensor, tensor2: Tensor, *, value: _float = 1) -> Tensor:
        """A quotient added: `input + value * tensor1 / tensor2`: see `tapegrad.addcdiv`."""
    def addcdiv_(self, tensor1: Tensor, tensor2: Tensor, *, value: _float = 1) -> Tensor:
        """A quotient added: `input + value * tensor1 / tensor2`, in place: see `tapegrad.addcdiv`."""
    def addcmul(self, tensor1: Tensor, tensor2: Tensor, *, value: _float = 1) -> Tensor:
        """A product added: `input + value * tensor1 * tensor2`: see `tapegrad.addcmul`."""
    def addcmul_(self, tensor1: Tensor, tensor2: Tensor, *, value: _float = 1) -> Tensor:
        """A product added: `input + value * tensor1 * tensor2`, in place: see `tapegrad.addcmul`."""
    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """A product of matrices added: `beta * input + alpha * mat1 @ mat2`: see `tapegrad.addmm`."""
    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """A product of matrices added: `beta * input + alpha * mat1 @ mat2`, in place: see `tapegrad.addmm`."""
    def addmv(self, mat: Tensor, vec: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """A product of a matrix and a vector added: `beta * input + alpha * mat @ vec`: see `tapegrad.addmv`."""
    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """A product of a matrix and a vector added: `beta * input + alpha * mat @ vec`, in place: see `tapegrad.addmv`."""
    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """`beta * input + alpha * outer` (`torch.addr`)."""
    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """`beta * input + alpha * outer` (`torch.addr`)."""
    def adjoint(self) -> Tensor:
        """Matrices with rows and columns exchanged (`torch.adjoint`)."""
    def alias(self) -> Any:
        """Another tensor on the same memory (`torch.Tensor.alias`)."""
    @overload
    def all(self) -> Tensor:
        """Whether all elements are true, or all along axes: see `tapegrad.all`."""
    @overload
    def all(self, dim: Sequence[_int] | None = None, keepdim: _bool = False) -> Tensor:
        ...
    @overload
    def all(self, dim: _int, keepdim: _bool = False) -> Tensor:
        ...
    def allclose(self, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False) -> _bool:
        """Whether all elements are close (`torch.allclose`)."""
    def amax(self, dim: _int | Sequence[_int] | None = (), keepdim: _bool = False) -> Tensor:
        """The greatest element along axes; equals share the gradient: see `tapegrad.amax`."""
    def amin(self, dim: _int | Sequence[_int] | None = (), keepdim: _bool = False) -> Tensor:
        """The least element along axes; equals share the gradient: see `tapegrad.amin`."""
    def aminmax(self, *, dim: _int | None = None, keepdim: _bool = False) -> _aminmax:
        """Both extremes (`torch.aminmax`)."""
    def angle(self) -> Tensor:
        """: see `tapegrad.angle`."""
    @overload
    def any(self) -> Tensor:
        """Whether some element is true, or some along axes: see `tapegrad.any`."""
    @overload
    def any(self, dim: Sequence[_int] | None = None, keepdim: _bool = False) -> Tensor:
        ...
    @overload
    def any(self, dim: _int, keepdim: _bool = False) -> Tensor:
        ...
    def apply_(self, callable: Any) -> Tensor:
        """A Python function of each element, over what is there, in place (`torch.Tensor.apply_`)."""
    def arccos(self) -> Tensor:
        """The angle whose cosine each element is: see `tapegrad.arccos`."""
    def arccos_(self) -> Tensor:
        """The angle whose cosine each element is, in place: see `tapegrad.arccos`."""
    def arccosh(self) -> Tensor:
        """The inverse hyperbolic cosine of each element: see `tapegrad.arccosh`."""
    def arccosh_(self) -> Tensor:
        """The inverse hyperbolic cosine of each element, in place: see `tapegrad.arccosh`."""
    def arcsin(self) -> Tensor:
        """The angle whose sine each element is: see `tapegrad.arcsin`."""
    def arcsin_(self) -> Tensor:
        """The angle whose sine each element is, in place: see `tapegrad.arcsin`."""
    def arcsinh(self) -> Tensor:
        """The inverse hyperbolic sine of each element: see `tapegrad.arcsinh`."""
    def arcsinh_(self) -> Tensor:
        """The inverse hyperbolic sine of each element, in place: see `tapegrad.arcsinh`."""
    def arctan(self) -> Tensor:
        """The angle whose tangent each element is: see `tapegrad.arctan`."""
    def arctan2(self, other: Tensor) -> Tensor:
        """The angle of the point (`other`, `input`), in all four quadrants: see `tapegrad.arctan2`."""
    def arctan2_(self, other: Tensor) -> Tensor:
        """The angle of the point (`other`, `input`), in all four quadrants, in place: see `tapegrad.arctan2`."""
    def arctan_(self) -> Tensor:
        """The angle whose tangent each element is, in place: see `tapegrad.arctan`."""
    def arctanh(self) -> Tensor:
        """The inverse hyperbolic tangent of each element: see `tapegrad.arctanh`."""
    def arctanh_(self) -> Tensor:
        """The inverse hyperbolic tangent of each element, in place: see `tapegrad.arctanh`."""
    def argmax(self, dim: _int | None = None, keepdim: _bool = False) -> Tensor:
        """The place of the greatest element, of all or along an axis: see `tapegrad.argmax`."""
    def argmin(self, dim: _int | None = None, keepdim: _bool = False) -> Tensor:
        """The place of the least element, of all or along an axis: see `tapegrad.argmin`."""
    @overload
    def argsort(self, *, stable: _bool, dim: _int = -1, descending: _bool = False) -> Any:
        """The places of the elements in order: see `tapegrad.argsort`."""
    @overload
    def argsort(self, dim: _int = -1, descending: _bool = False) -> Any:
        ...
    def argwhere(self) -> Tensor:
        """The indices of what is not zero, a row each: see `tapegrad.argwhere`."""
    def as_strided(self, size: Sequence[_int], stride: Sequence[_int], storage_offset: _int | None = None) -> Tensor:
        """The memory of a tensor read with other sizes, strides and start (`torch.as_strided`)."""
    def as_strided_(self, size: Sequence[_int], stride: Sequence[_int], storage_offset: _int | None = None) -> Tensor:
        """The memory read with other sizes and strides, in place: see `tapegrad.as_strided`."""
    def as_strided_scatter(self, src: Tensor, size: _int | Sequence[_int], stride: _int | Sequence[_int], storage_offset: _int | None = None) -> Tensor:
        """A copy with what `as_strided` would look at replaced (`torch.as_strided_scatter`)."""
    def asin(self) -> Tensor:
        """The angle whose sine each element is: see `tapegrad.asin`."""
    def asin_(self) -> Tensor:
        """The angle whose sine each element is, in place: see `tapegrad.asin`."""
    def asinh(self) -> Tensor:
        """The inverse hyperbolic sine of each element: see `tapegrad.asinh`."""
    def asinh_(self) -> Tensor:
        """The inverse hyperbolic sine of each element, in place: see `tapegrad.asinh`."""
    def atan(self) -> Tensor:
        """The angle whose tangent each element is: see `tapegrad.atan`."""
    def atan2(self, other: Tensor) -> Tensor:
        """The angle of the point (`other`, `input`), in all four quadrants: see `tapegrad.atan2`."""
    def atan2_(self, other: Tensor) -> Tensor:
        """The angle of the point (`other`, `input`), in all four quadrants, in place: see `tapegrad.atan2`."""
    def atan_(self) -> Tensor:
        """The angle whose tangent each element is, in place: see `tapegrad.atan`."""
    def atanh(self) -> Tensor:
        """The inverse hyperbolic tangent of each element: see `tapegrad.atanh`."""
    def atanh_(self) -> Tensor:
        """The inverse hyperbolic tangent of each element, in place: see `tapegrad.atanh`."""
    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """Products of a batch of matrices added: `beta * input + alpha * batch1 @ batch2`: see `tapegrad.baddbmm`."""
    def baddbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: _float = 1, alpha: _float = 1) -> Tensor:
        """Products of a batch of matrices added: `beta * input + alpha * batch1 @ batch2`, in place: see `tapegrad.baddbmm`."""
    @overload
    def bernoulli(self, *, generator: Generator | None = None) -> Tensor:
        """Ones with the probability given by each element, or by `p` (`torch.bernoulli`).

        >>> _ = manual_seed(0); bernoulli(creation.tensor([0.0, 0.5, 1.0]))
        tensor([0., 0., 1.])"""
    @overload
    def bernoulli(self, p: _float, *, generator: Generator | None = None) -> Tensor:
        ...
    @overload
    def bernoulli_(self, p: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Ones with the probability `p`, or those of a tensor (`torch.Tensor.bernoulli_`).

        Called as

            bernoulli_(p, *, generator=None)
            bernoulli_(p=0.5, *, generator=None)"""
    @overload
    def bernoulli_(self, p: _float = 0.5, *, generator: Generator | None = None) -> Tensor:
        ...
    def bincount(self, weights: Tensor | None = None, minlength: _int = 0) -> Tensor:
        """How often each number occurs (`torch.bincount`)."""
    @overload
    def bitwise_and(self, other: Tensor) -> Tensor:
        """The bits that are set in both: `input & other`: see `tapegrad.bitwise_and`."""
    @overload
    def bitwise_and(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_and_(self, other: Tensor) -> Tensor:
        """The bits that are set in both: `input & other`, in place: see `tapegrad.bitwise_and`."""
    @overload
    def bitwise_and_(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_left_shift(self, other: Tensor) -> Tensor:
        """Bits moved to the left: `input << other`: see `tapegrad.bitwise_left_shift`."""
    @overload
    def bitwise_left_shift(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_left_shift_(self, other: Tensor) -> Tensor:
        """Bits moved to the left: `input << other`, in place: see `tapegrad.bitwise_left_shift`."""
    @overload
    def bitwise_left_shift_(self, other: _float) -> Tensor:
        ...
    def bitwise_not(self) -> Tensor:
        """Each bit turned over: `~input`: see `tapegrad.bitwise_not`."""
    def bitwise_not_(self) -> Tensor:
        """Each bit turned over: `~input`, in place: see `tapegrad.bitwise_not`."""
    @overload
    def bitwise_or(self, other: Tensor) -> Tensor:
        """The bits that are set in one of both: `input | other`: see `tapegrad.bitwise_or`."""
    @overload
    def bitwise_or(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_or_(self, other: Tensor) -> Tensor:
        """The bits that are set in one of both: `input | other`, in place: see `tapegrad.bitwise_or`."""
    @overload
    def bitwise_or_(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_right_shift(self, other: Tensor) -> Tensor:
        """Bits moved to the right: `input >> other`: see `tapegrad.bitwise_right_shift`."""
    @overload
    def bitwise_right_shift(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_right_shift_(self, other: Tensor) -> Tensor:
        """Bits moved to the right: `input >> other`, in place: see `tapegrad.bitwise_right_shift`."""
    @overload
    def bitwise_right_shift_(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_xor(self, other: Tensor) -> Tensor:
        """The bits that are set in just one of both: `input ^ other`: see `tapegrad.bitwise_xor`."""
    @overload
    def bitwise_xor(self, other: _float) -> Tensor:
        ...
    @overload
    def bitwise_xor_(self, other: Tensor) -> Tensor:
        """The bits that are set in just one of both: `input ^ other`, in place: see `tapegrad.bitwise_xor`."""
    @overload
    def bitwise_xor_(self, other: _float) -> Tensor:
        ...
    def bmm(self, mat2: Tensor) -> Tensor:
        """The products of two batches of matrices: see `tapegrad.bmm`."""
    @overload
    def broadcast_to(self, size: Sequence[_int]) -> Tensor:
        """The tensor expanded to a shape: see `tapegrad.broadcast_to`."""
    @overload
    def broadcast_to(self, *size: _int) -> Tensor:
        ...
    def bucketize(self, boundaries: Tensor, *, out_int32: _bool = False, right: _bool = False) -> Tensor:
        """Into which of the intervals between boundaries values fall (`torch.bucketize`)."""
    def cauchy_(self, median: _float = 0, sigma: _float = 1, *, generator: Generator | None = None) -> Tensor:
        """Cauchy numbers (`torch.Tensor.cauchy_`)."""
    def ceil(self) -> Tensor:
        """The next whole number above each element: see `tapegrad.ceil`."""
    def ceil_(self) -> Tensor:
        """The next whole number above each element, in place: see `tapegrad.ceil`."""
    def celu(self, alpha: _float = 1.0) -> Tensor:
        """`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`: see `tapegrad.celu`."""
    def celu_(self, alpha: _float = 1.0) -> Tensor:
        """`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`, in place: see `tapegrad.celu`."""
    def cholesky(self, upper: _bool = False) -> Tensor:
        """The triangular factor of a positive-definite matrix: see `tapegrad.cholesky`."""
    def cholesky_inverse(self, upper: _bool = False) -> Tensor:
        """The inverse of the matrix that a triangular factor stands for (`torch.cholesky_inverse`)."""
    def cholesky_solve(self, input2: Tensor, upper: _bool = False) -> Tensor:
        """X with A X = B, where L is A's triangular factor (`torch.cholesky_solve`)."""
    def chunk(self, chunks: _int, dim: _int = 0) -> tuple[Tensor, ...]:
        """At most `chunks` pieces of equal length (`torch.chunk`)."""
    @overload
    def clamp(self, min: Tensor | None = None, max: Tensor | None = None) -> Tensor:
        """Each element kept between `min` and `max`: see `tapegrad.clamp`."""
    @overload
    def clamp(self, min: _float | None = None, max: _float | None = None) -> Tensor:
        ...
    @overload
    def clamp_(self, min: Tensor | None = None, max: Tensor | None = None) -> Tensor:
        """Each element kept between `min` and `max`, in place: see `tapegrad.clamp`."""
    @overload
    def clamp_(self, min: _float | None = None, max: _float | None = None) -> Tensor:
        ...
    def clamp_max(self, max: Tensor | _float) -> Tensor:
        """Each element, or `max` where that is less: see `tapegrad.clamp_max`."""
    def clamp_max_(self, max: Tensor | _float) -> Tensor:
        """Each element, or `max` where that is less, in place: see `tapegrad.clamp_max`."""
    def clamp_min(self, min: Tensor | _float) -> Tensor:
        """Each element, or `min` where that is greater: see `tapegrad.clamp_min`."""
    def clamp_min_(self, min: Tensor | _float) -> Tensor:
        """Each element, or `min` where that is greater, in place: see `tapegrad.clamp_min`."""
    @overload
    def clip(self, min: Tensor | None = None, max: Tensor | None = None) -> Tensor:
        """Each element kept between `min` and `max`: see `tapegrad.clip`."""
    @overload
    def clip(self, min: _float | None = None, max: _float | None = None) -> Tensor:
        ...
    @overload
    def clip_(self, min: Tensor | None = None, max: Tensor | None = None) -> Tensor:
        """Each element kept between `min` and `max`, in place: see `tapegrad.clip`."""
    @overload
    def clip_(self, min: _float | None = None, max: _float | None = None) -> Tensor:
        ...
    def clone(self, *, memory_format: Any = None) -> Tensor:
        """A copy, which lies as the format asks (`torch.clone`): as the tensor does, unless one is given."""
    def coalesce(self) -> Any:
        """Of sparse tensors (`torch.Tensor.coalesce`): RuntimeError for others."""
    def conj(self) -> Tensor:
        """The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`)."""
    def conj_physical(self) -> Tensor:
        """The tensor itself: it is real (`torch.conj_physical`)."""
    def conj_physical_(self) -> Tensor:
        """The tensor itself: it is real; counted as a write (`torch.Tensor.conj_physical_`)."""
    def contiguous(self, *, memory_format: Any = None) -> Any:
        """Itself if it lies as the format asks, by rows unless one is given, else a copy (`torch.Tensor.contiguous`)."""
    def copy_(self, other: Tensor | _float, non_blocking: _bool = False) -> Tensor:
        """Another tensor's values, written here (`torch.Tensor.copy_`)."""
    def copysign(self, other: Tensor | _float) -> Tensor:
        """The size of `input` with the sign of `other`: see `tapegrad.copysign`."""
    def copysign_(self, other: Tensor | _float) -> Tensor:
        """The size of `input` with the sign of `other`, in place: see `tapegrad.copysign`."""
    def corrcoef(self) -> Tensor:
        """Correlations of variables in rows (`torch.corrcoef`)."""
    def cos(self) -> Tensor:
        """The cosine of each element: see `tapegrad.cos`."""
    def cos_(self) -> Tensor:
        """The cosine of each element, in place: see `tapegrad.cos`."""
    def cosh(self) -> Tensor:
        """The hyperbolic cosine of each element: see `tapegrad.cosh`."""
    def cosh_(self) -> Tensor:
        """The hyperbolic cosine of each element, in place: see `tapegrad.cosh`."""
    @overload
    def count_nonzero(self, dim: _int | None = None) -> Tensor:
        """How many elements are not zero: see `tapegrad.count_nonzero`."""
    @overload
    def count_nonzero(self, dim: Sequence[_int]) -> Tensor:
        ...
    @overload
    def count_nonzero(self, *dim: _int) -> Tensor:
        ...
    def cov(self, *, correction: _int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
        """Covariances of variables in rows (`torch.cov`)."""
    def cross(self, other: Tensor, dim: _int | None = None) -> Tensor:
        """The cross product of vectors along an axis of length 3: see `tapegrad.cross`."""
    def cummax(self, dim: _int) -> _cummax:
        """The greatest element so far along an axis, and its places: see `tapegrad.cummax`."""
    def cummin(self, dim: _int) -> _cummin:
        """The least element so far along an axis, and its places: see `tapegrad.cummin`."""
    def cumprod(self, dim: _int, *, dtype: _dtype | type | None = None) -> Tensor:
        """The products of all elements so far along an axis: see `tapegrad.cumprod`."""
    def cumprod_(self, dim: _int, *, dtype: _dtype | type | None = None) -> Tensor:
        """The products of all elements so far along an axis, in place: see `tapegrad.cumprod`."""
    def cumsum(self, dim: _int, *, dtype: _dtype | type | None = None) -> Tensor:
        """The sums of all elements so far along an axis: see `tapegrad.cumsum`."""
    def cumsum_(self, dim: _int, *, dtype: _dtype | type | None = None) -> Tensor:
        """The sums of all elements so far along an axis, in place: see `tapegrad.cumsum`."""
    def deg2rad(self) -> Tensor:
        """Degrees as radians: see `tapegrad.deg2rad`."""
    def deg2rad_(self) -> Tensor:
        """Degrees as radians, in place: see `tapegrad.deg2rad`."""
    def dense_dim(self) -> _int:
        """How many axes have no places: of a tensor that is not sparse all (`torch.Tensor.dense_dim`)."""
    def det(self) -> Tensor:
        """The determinant (`torch.linalg.det`)."""
    def diag(self, diagonal: _int = 0) -> Tensor:
        """A matrix's diagonal, or the matrix of a diagonal (`torch.diag`)."""
    def diag_embed(self, offset: _int = 0, dim1: _int = -2, dim2: _int = -1) -> Tensor:
        """The last axis as a diagonal of two new ones (`torch.diag_embed`)."""
    def diagflat(self, offset: _int = 0) -> Tensor:
        """A matrix with all elements on a diagonal: see `tapegrad.diagflat`."""
    def diagonal(self, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
        """The diagonal of two axes as the last axis (`torch.diagonal`)."""
    def diagonal_scatter(self, src: Tensor, offset: _int = 0, dim1: _int = 0, dim2: _int = 1) -> Tensor:
        """A copy with a diagonal replaced (`torch.diagonal_scatter`)."""
    def diff(self, n: _int = 1, dim: _int = -1, prepend: Any = None, append: Any = None) -> Tensor:
        """Differences of neighbours, `n` times over (`torch.diff`)."""
    def digamma(self) -> Tensor:
        """The derivative of the logarithm of the gamma function: see `tapegrad.digamma`."""
    def digamma_(self) -> Tensor:
        """The derivative of the logarithm of the gamma function, in place: see `tapegrad.digamma`."""
    def dim_order(self, *, ambiguity_check: Any = False) -> Any:
        """The axes from the outermost in memory to the innermost (`torch.Tensor.dim_order`)."""
    def dist(self, other: Tensor, p: _float = 2) -> Tensor:
        """The norm of a difference (`torch.dist`)."""
    @overload
    def div(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`: see `tapegrad.div`."""
    @overload
    def div(self, other: Tensor | _float, *, rounding_mode: str | None) -> Tensor:
        ...
    @overload
    def div_(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`, in place: see `tapegrad.div`."""
    @overload
    def div_(self, other: Tensor | _float, *, rounding_mode: str | None) -> Tensor:
        ...
    @overload
    def divide(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`: see `tapegrad.divide`."""
    @overload
    def divide(self, other: Tensor | _float, *, rounding_mode: str | None) -> Tensor:
        ...
    @overload
    def divide_(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`, in place: see `tapegrad.divide`."""
    @overload
    def divide_(self, other: Tensor | _float, *, rounding_mode: str | None) -> Tensor:
        ...
    def dot(self, tensor: Tensor) -> Tensor:
        """The sum of products of two vectors (`torch.dot`)."""
    @overload
    def dsplit(self, sections: _int) -> tuple[Tensor, ...]:
        """Pieces along the third axis: see `tapegrad.dsplit`."""
    @overload
    def dsplit(self, indices: Sequence[_int]) -> tuple[Tensor, ...]:
        ...
    @overload
    def dsplit(self, *indices: _int) -> tuple[Tensor, ...]:
        ...
    def elu(self, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> Tensor:
        """Each element; where it is negative, `alpha * (exp(input) - 1)`: see `tapegrad.nn.functional.elu`."""
    def elu_(self, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> Tensor:
        """Each element; where it is negative, `alpha * (exp(input) - 1)`, in place: see `tapegrad.nn.functional.elu`."""
    def eq(self, other: Tensor | _float) -> Tensor:
        """Whether elements are equal: `input == other`: see `tapegrad.eq`."""
    def eq_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are equal: `input == other`, in place: see `tapegrad.eq`."""
    def equal(self, other: Tensor) -> _bool:
        """Whether shapes and all elements agree (`torch.equal`)."""
    def erf(self) -> Tensor:
        """The error function of each element: see `tapegrad.erf`."""
    def erf_(self) -> Tensor:
        """The error function of each element, in place: see `tapegrad.erf`."""
    def erfc(self) -> Tensor:
        """One minus the error function of each element: see `tapegrad.erfc`."""
    def erfc_(self) -> Tensor:
        """One minus the error function of each element, in place: see `tapegrad.erfc`."""
    def erfinv(self) -> Tensor:
        """The inverse of the error function: see `tapegrad.erfinv`."""
    def erfinv_(self) -> Tensor:
        """The inverse of the error function, in place: see `tapegrad.erfinv`."""
    def exp(self) -> Tensor:
        """e to the power of each element: see `tapegrad.exp`."""
    def exp2(self) -> Tensor:
        """2 to the power of each element: see `tapegrad.exp2`."""
    def exp2_(self) -> Tensor:
        """2 to the power of each element, in place: see `tapegrad.exp2`."""
    def exp_(self) -> Tensor:
        """e to the power of each element, in place: see `tapegrad.exp`."""
    @overload
    def expand(self, size: Sequence[_int], *, implicit: _bool = False) -> Any:
        """Axes of size one repeated without copying (`torch.Tensor.expand`)."""
    @overload
    def expand(self, *size: _int, implicit: _bool = False) -> Any:
        ...
    def expand_as(self, other: Tensor) -> Any:
        """The tensor expanded to the shape of another (`torch.Tensor.expand_as`)."""
    def expm1(self) -> Tensor:
        """`exp(input) - 1`, exact for small elements: see `tapegrad.expm1`."""
    def expm1_(self) -> Tensor:
        """`exp(input) - 1`, exact for small elements, in place: see `tapegrad.expm1`."""
    def exponential_(self, lambd: _float = 1, *, generator: Generator | None = None) -> Tensor:
        """Waiting times at a rate (`torch.Tensor.exponential_`)."""
    def fill_(self, value: Tensor | _float) -> Tensor:
        """A tensor of the same shape that holds one value, in place: see `tapegrad.fill`."""
    def fill_diagonal_(self, fill_value: _float, wrap: _bool = False) -> Tensor:
        """One value on the main diagonal, in place (`torch.Tensor.fill_diagonal_`).

        >>> import tapegrad as torch
        >>> torch.zeros(2, 3).fill_diagonal_(5)
        tensor([[5., 0., 0.],
                [0., 5., 0.]])

        With `wrap`, the diagonal of a tall matrix begins again below, one row after its end."""
    def fix(self) -> Tensor:
        """Each element without its fraction: see `tapegrad.fix`."""
    def fix_(self) -> Tensor:
        """Each element without its fraction, in place: see `tapegrad.fix`."""
    def flatten(self, start_dim: _int = 0, end_dim: _int = -1) -> Tensor:
        """Neighbouring axes merged (`torch.flatten`)."""
    @overload
    def flip(self, dims: Sequence[_int]) -> Tensor:
        """Axes reversed, as a copy (`torch.flip`)."""
    @overload
    def flip(self, *dims: _int) -> Tensor:
        ...
    def fliplr(self) -> Tensor:
        """Columns in reverse order: see `tapegrad.fliplr`."""
    def flipud(self) -> Tensor:
        """Rows in reverse order: see `tapegrad.flipud`."""
    @overload
    def float_power(self, exponent: Tensor) -> Tensor:
        """A power in double precision (`torch.float_power`).

        Called as

            float_power(exponent)
            float_power(exponent)"""
    @overload
    def float_power(self, exponent: _float) -> Tensor:
        ...
    @overload
    def float_power_(self, exponent: Tensor) -> Tensor:
        """Each element to a power, in double precision, in place: see `tapegrad.float_power`."""
    @overload
    def float_power_(self, exponent: _float) -> Tensor:
        ...
    def floor(self) -> Tensor:
        """The next whole number below each element: see `tapegrad.floor`."""
    def floor_(self) -> Tensor:
        """The next whole number below each element, in place: see `tapegrad.floor`."""
    def floor_divide(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, rounded down: `input // other`: see `tapegrad.floor_divide`."""
    def floor_divide_(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, rounded down: `input // other`, in place: see `tapegrad.floor_divide`."""
    def floor_quotient_(self, other: Tensor | _float) -> Tensor:
        """, in place (`torch.Tensor.floor_quotient_`)."""
    def fmax(self, other: Tensor) -> Tensor:
        """The greater of two elements, of which NaN is none: see `tapegrad.fmax`."""
    def fmin(self, other: Tensor) -> Tensor:
        """The lesser of two elements, of which NaN is none: see `tapegrad.fmin`."""
    def fmod(self, other: Tensor | _float) -> Tensor:
        """The remainder of a division that is rounded towards zero; it has the sign of `input`: see `tapegrad.fmod`."""
    def fmod_(self, other: Tensor | _float) -> Tensor:
        """The remainder of a division that is rounded towards zero; it has the sign of `input`, in place: see `tapegrad.fmod`."""
    def frac(self) -> Tensor:
        """The fraction of each element: see `tapegrad.frac`."""
    def frac_(self) -> Tensor:
        """The fraction of each element, in place: see `tapegrad.frac`."""
    def frexp(self) -> _frexp:
        """Mantissas from a half to one, and exponents of two, of which it is the product (`torch.frexp`).

        >>> import tapegrad as torch
        >>> torch.frexp(torch.tensor([6.0, -0.25]))
        torch.return_types.frexp(
        mantissa=tensor([ 0.7500, -0.5000]),
        exponent=tensor([ 3, -1], dtype=torch.int32))

        Exponents are 0 for 0 and what is not finite. RuntimeError for whole numbers."""
    def gather(self, dim: _int, index: Tensor, *, sparse_grad: _bool = False) -> Tensor:
        """Elements at given positions along an axis (`torch.gather`)."""
    def gcd(self, other: Tensor) -> Tensor:
        """`torch.gcd`, computed by NumPy."""
    def gcd_(self, other: Tensor) -> Tensor:
        """`torch.gcd`, computed by NumPy."""
    def ge(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at least: `input >= other`: see `tapegrad.ge`."""
    def ge_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at least: `input >= other`, in place: see `tapegrad.ge`."""
    def gelu(self) -> Tensor:
        """The Gaussian error linear unit: see `tapegrad.nn.functional.gelu`."""
    def geometric_(self, p: _float, *, generator: Generator | None = None) -> Tensor:
        """Trials up to the first success (`torch.Tensor.geometric_`)."""
    def geqrf(self) -> _geqrf:
        """R, below it the reflections whose product is Q, and their factors (`torch.geqrf`); see `linalg.qr`.

        >>> import tapegrad as torch
        >>> torch.geqrf(torch.tensor([[3.0], [4.0]]))
        torch.return_types.geqrf(
        a=tensor([[-5.0000],
                [ 0.5000]]),
        tau=tensor([1.6000]))"""
    def ger(self, vec2: Tensor) -> Tensor:
        """Every product of two vectors' elements (`torch.outer`)."""
    def get_device(self) -> _int:
        """The number of the device, which the CPU has not: -1 (`torch.Tensor.get_device`)."""
    def greater(self, other: Tensor | _float) -> Tensor:
        """Whether elements are greater: `input > other`: see `tapegrad.greater`."""
    def greater_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are greater: `input > other`, in place: see `tapegrad.greater`."""
    def greater_equal(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at least: `input >= other`: see `tapegrad.greater_equal`."""
    def greater_equal_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at least: `input >= other`, in place: see `tapegrad.greater_equal`."""
    def gt(self, other: Tensor | _float) -> Tensor:
        """Whether elements are greater: `input > other`: see `tapegrad.gt`."""
    def gt_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are greater: `input > other`, in place: see `tapegrad.gt`."""
    def hardshrink(self, lambd: _float = 0.5) -> Tensor:
        """Each element, or zero where it is within `lambd` of it: see `tapegrad.hardshrink`."""
    def hardsigmoid(self) -> Tensor:
        """`relu6(input + 3) / 6`: see `tapegrad.nn.functional.hardsigmoid`."""
    def hardsigmoid_(self) -> Tensor:
        """`relu6(input + 3) / 6`, in place: see `tapegrad.nn.functional.hardsigmoid`."""
    def hardswish(self) -> Tensor:
        """`input * relu6(input + 3) / 6`: see `tapegrad.nn.functional.hardswish`."""
    def hardswish_(self) -> Tensor:
        """`input * relu6(input + 3) / 6`, in place: see `tapegrad.nn.functional.hardswish`."""
    def hardtanh(self, min_val: Any = -1.0, max_val: Any = 1.0) -> Tensor:
        """Each element kept between `min_val` and `max_val`: see `tapegrad.nn.functional.hardtanh`."""
    def hardtanh_(self, min_val: Any = -1.0, max_val: Any = 1.0) -> Tensor:
        """Each element kept between `min_val` and `max_val`, in place: see `tapegrad.nn.functional.hardtanh`."""
    def heaviside(self, values: Tensor) -> Tensor:
        """0 below zero, 1 above, and `values` at zero: see `tapegrad.heaviside`."""
    def heaviside_(self, values: Tensor) -> Tensor:
        """0 below zero, 1 above, and `values` at zero, in place: see `tapegrad.heaviside`."""
    def histc(self, bins: _int = 100, min: _float = 0, max: _float = 0) -> Any:
        """How many elements fall in each of equal bins (`torch.histc`)."""
    @overload
    def histogram(self, bins: Tensor, *, weight: Tensor | None = None, density: _bool = False) -> _histogram:
        """How many elements lie between each edge and the next, and the edges (`torch.histogram`).

        >>> import tapegrad as torch
        >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 3.0)).hist
        tensor([2., 1.])

        `bins` are equal ones between the extremes, or within a `range`, or a tensor of edges in order; the last edge
        belongs to the last bin. With a `weight` for each element, these are added up; `density=True` has the area be 1.

        Called as

            histogram(bins, *, weight=None, density=False)
            histogram(bins=100, *, range=None, weight=None, density=False)"""
    @overload
    def histogram(self, bins: _int = 100, *, range: Sequence[_float] | None = None, weight: Tensor | None = None, density: _bool = False) -> Any:
        ...
    @overload
    def hsplit(self, sections: _int) -> tuple[Tensor, ...]:
        """Pieces along the second axis: see `tapegrad.hsplit`."""
    @overload
    def hsplit(self, indices: Sequence[_int]) -> tuple[Tensor, ...]:
        ...
    @overload
    def hsplit(self, *indices: _int) -> tuple[Tensor, ...]:
        ...
    def hypot(self, other: Tensor) -> Tensor:
        """The hypotenuse of two sides: `sqrt(input ** 2 + other ** 2)`: see `tapegrad.hypot`."""
    def hypot_(self, other: Tensor) -> Tensor:
        """The hypotenuse of two sides: `sqrt(input ** 2 + other ** 2)`, in place: see `tapegrad.hypot`."""
    def i0(self) -> Tensor:
        """`torch.special.i0`, computed by SciPy."""
    def i0_(self) -> Tensor:
        """`torch.special.i0`, computed by SciPy."""
    def igamma(self, other: Tensor) -> Tensor:
        """The incomplete gamma function of shape `input` (`torch.special.gammainc`), computed by SciPy."""
    def igamma_(self, other: Tensor) -> Tensor:
        """The incomplete gamma function of shape `input` (`torch.special.gammainc`), computed by SciPy."""
    def igammac(self, other: Tensor) -> Tensor:
        """The incomplete gamma function of shape `input` (`torch.special.gammaincc`), computed by SciPy."""
    def igammac_(self, other: Tensor) -> Tensor:
        """The incomplete gamma function of shape `input` (`torch.special.gammaincc`), computed by SciPy."""
    def index_add(self, dim: _int, index: Tensor, source: Tensor, *, alpha: _float = 1) -> Tensor:
        """A copy with rows of `source`, times `alpha`, added at indices: see `tapegrad.index_add`."""
    def index_add_(self, dim: _int, index: Tensor, source: Tensor, *, alpha: _float = 1) -> Tensor:
        """A copy with rows of `source`, times `alpha`, added at indices, in place: see `tapegrad.index_add`."""
    def index_copy(self, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """A copy with rows replaced at indices: see `tapegrad.index_copy`."""
    def index_copy_(self, dim: _int, index: Tensor, source: Tensor) -> Tensor:
        """A copy with rows replaced at indices, in place: see `tapegrad.index_copy`."""
    def index_fill(self, dim: _int, index: Tensor, value: Tensor | _float) -> Tensor:
        """The slices at given positions along an axis set to a number (`torch.index_fill`)."""
    def index_fill_(self, dim: _int, index: Tensor, value: Tensor | _float) -> Tensor:
        """A copy with one value at indices, in place: see `tapegrad.index_fill`."""
    def index_put(self, indices: Sequence[Any], values: Tensor, accumulate: _bool = False) -> Tensor:
        """A copy with values at indices, one tensor of indices an axis: see `tapegrad.index_put`."""
    def index_put_(self, indices: Sequence[Any], values: Tensor, accumulate: _bool = False) -> Tensor:
        """A copy with values at indices, one tensor of indices an axis, in place: see `tapegrad.index_put`."""
    def index_put_add_(self, value: Tensor | _float, *indices: Any, form: Any, wrap: Any) -> Tensor:
        """, in place (`torch.Tensor.index_put_add_`)."""
    def index_reduce(self, dim: _int, index: Tensor, source: Tensor, reduce: str, *, include_self: _bool = True) -> Tensor:
        """Slices combined into those that an index names (`torch.index_reduce`)."""
    def index_reduce_(self, dim: _int, index: Tensor, source: Tensor, reduce: str, *, include_self: _bool = True) -> Tensor:
        """Slices combined into those that an index names (`torch.index_reduce`)."""
    def index_select(self, dim: _int, index: Tensor) -> Tensor:
        """The slices at given positions along an axis (`torch.index_select`)."""
    def indices(self) -> Any:
        """Of sparse tensors (`torch.Tensor.indices`): RuntimeError for others."""
    def inner(self, other: Tensor) -> Tensor:
        """Sums of products over the last axes (`torch.inner`)."""
    def inverse(self) -> Tensor:
        """The inverse of square matrices: see `tapegrad.inverse`."""
    def is_coalesced(self) -> Any:
        """Of sparse tensors (`torch.Tensor.is_coalesced`): RuntimeError for others."""
    def is_conj(self) -> _bool:
        """What no tensor here is: `is_pinned`, `is_conj`, `is_neg`."""
    def is_inference(self) -> _bool:
        """It was made in `inference_mode` (`torch.is_inference`)."""
    def is_neg(self) -> _bool:
        """What no tensor here is: `is_pinned`, `is_conj`, `is_neg`."""
    def is_nonzero(self) -> _bool:
        """Whether the one element is not zero (`torch.is_nonzero`)."""
    def is_pinned(self, device: Any = None) -> _bool:
        """What no tensor here is: `is_pinned`, `is_conj`, `is_neg`."""
    def is_same_size(self, other: Tensor) -> _bool:
        """Whether two tensors have one shape (`torch.is_same_size`)."""
    def is_set_to(self, tensor: Tensor) -> _bool:
        """Whether two tensors are the same elements of the same memory (`torch.Tensor.is_set_to`)."""
    def is_shared(self) -> _bool:
        """Whether processes that are forked see what is written to it (`torch.Tensor.is_shared`)."""
    def is_signed(self) -> _bool:
        """Whether the dtype has negative numbers (`torch.is_signed`)."""
    def isclose(self, other: Tensor, rtol: _float = 1e-05, atol: _float = 1e-08, equal_nan: _bool = False) -> Tensor:
        """Whether elements are close: `|input - other| <= atol + rtol * |other|`: see `tapegrad.isclose`."""
    def isfinite(self) -> Tensor:
        """Whether each element is a number and finite: see `tapegrad.isfinite`."""
    def isinf(self) -> Tensor:
        """Whether each element is infinite: see `tapegrad.isinf`."""
    def isnan(self) -> Tensor:
        """Whether each element is NaN: see `tapegrad.isnan`."""
    def isneginf(self) -> Tensor:
        """Whether each element is minus infinity: see `tapegrad.isneginf`."""
    def isposinf(self) -> Tensor:
        """Whether each element is plus infinity: see `tapegrad.isposinf`."""
    def isreal(self) -> Tensor:
        """All elements are real (`torch.isreal`)."""
    def kron(self, other: Tensor) -> Tensor:
        """The Kronecker product (`torch.kron`)."""
    def kthvalue(self, k: _int, dim: _int = -1, keepdim: _bool = False) -> _kthvalue:
        """The k-th smallest value (`torch.kthvalue`)."""
    def lcm(self, other: Tensor) -> Tensor:
        """`torch.lcm`, computed by NumPy."""
    def lcm_(self, other: Tensor) -> Tensor:
        """`torch.lcm`, computed by NumPy."""
    def ldexp(self, other: Tensor) -> Tensor:
        """`input * 2 ** other` (`torch.ldexp`)."""
    def ldexp_(self, other: Tensor) -> Tensor:
        """`input * 2 ** other` (`torch.ldexp`)."""
    def le(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at most: `input <= other`: see `tapegrad.le`."""
    def le_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at most: `input <= other`, in place: see `tapegrad.le`."""
    def leaky_relu(self, negative_slope: Any = 0.01) -> Tensor:
        """Each element, times `negative_slope` where it is negative: see `tapegrad.nn.functional.leaky_relu`."""
    def leaky_relu_(self, negative_slope: Any = 0.01) -> Tensor:
        """Each element, times `negative_slope` where it is negative, in place: see `tapegrad.nn.functional.leaky_relu`."""
    def left_shift_(self, other: Tensor | _float) -> Tensor:
        """Bits moved to the left: `input << other`, in place (`torch.Tensor.left_shift_`)."""
    @overload
    def lerp(self, end: Tensor, weight: Tensor) -> Tensor:
        """A point between two: `input + weight * (end - input)`: see `tapegrad.lerp`."""
    @overload
    def lerp(self, end: Tensor, weight: _float) -> Tensor:
        ...
    @overload
    def lerp_(self, end: Tensor, weight: Tensor) -> Tensor:
        """A point between two: `input + weight * (end - input)`, in place: see `tapegrad.lerp`."""
    @overload
    def lerp_(self, end: Tensor, weight: _float) -> Tensor:
        ...
    def less(self, other: Tensor | _float) -> Tensor:
        """Whether elements are less: `input < other`: see `tapegrad.less`."""
    def less_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are less: `input < other`, in place: see `tapegrad.less`."""
    def less_equal(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at most: `input <= other`: see `tapegrad.less_equal`."""
    def less_equal_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are at most: `input <= other`, in place: see `tapegrad.less_equal`."""
    def lgamma(self) -> Tensor:
        """The logarithm of the absolute gamma function of each element: see `tapegrad.lgamma`."""
    def lgamma_(self) -> Tensor:
        """The logarithm of the absolute gamma function of each element, in place: see `tapegrad.lgamma`."""
    def log(self) -> Tensor:
        """The natural logarithm of each element: see `tapegrad.log`."""
    def log10(self) -> Tensor:
        """The logarithm of each element to the base 10: see `tapegrad.log10`."""
    def log10_(self) -> Tensor:
        """The logarithm of each element to the base 10, in place: see `tapegrad.log10`."""
    def log1p(self) -> Tensor:
        """`log(1 + input)`, exact for small elements: see `tapegrad.log1p`."""
    def log1p_(self) -> Tensor:
        """`log(1 + input)`, exact for small elements, in place: see `tapegrad.log1p`."""
    def log2(self) -> Tensor:
        """The logarithm of each element to the base 2: see `tapegrad.log2`."""
    def log2_(self) -> Tensor:
        """The logarithm of each element to the base 2, in place: see `tapegrad.log2`."""
    def log_(self) -> Tensor:
        """The natural logarithm of each element, in place: see `tapegrad.log`."""
    def log_normal_(self, mean: _float = 1, std: _float = 2, *, generator: Generator | None = None) -> Tensor:
        """Numbers whose logarithm is normal (`torch.Tensor.log_normal_`)."""
    def log_softmax(self, dim: _int, dtype: _dtype | type | None = None) -> Tensor:
        """The logarithm of softmax, in one step: see `tapegrad.log_softmax`."""
    def logaddexp(self, other: Tensor) -> Tensor:
        """`log(exp(input) + exp(other))`, without overflow: see `tapegrad.logaddexp`."""
    def logaddexp2(self, other: Tensor) -> Tensor:
        """`log2(2 ** input + 2 ** other)`, without overflow: see `tapegrad.logaddexp2`."""
    def logcumsumexp(self, dim: _int) -> Tensor:
        """The logarithms of the sums of exponentials so far along an axis: see `tapegrad.logcumsumexp`."""
    def logdet(self) -> Tensor:
        """The logarithm of the determinant, NaN where that is negative (`torch.logdet`)."""
    def logical_and(self, other: Tensor) -> Tensor:
        """Whether both elements are true: see `tapegrad.logical_and`."""
    def logical_and_(self, other: Tensor) -> Tensor:
        """Whether both elements are true, in place: see `tapegrad.logical_and`."""
    def logical_not(self) -> Tensor:
        """Whether each element is false: see `tapegrad.logical_not`."""
    def logical_not_(self) -> Tensor:
        """Whether each element is false, in place: see `tapegrad.logical_not`."""
    def logical_or(self, other: Tensor) -> Tensor:
        """Whether one of two elements is true: see `tapegrad.logical_or`."""
    def logical_or_(self, other: Tensor) -> Tensor:
        """Whether one of two elements is true, in place: see `tapegrad.logical_or`."""
    def logical_xor(self, other: Tensor) -> Tensor:
        """Whether just one of two elements is true: see `tapegrad.logical_xor`."""
    def logical_xor_(self, other: Tensor) -> Tensor:
        """Whether just one of two elements is true, in place: see `tapegrad.logical_xor`."""
    def logit(self, eps: _float | None = None) -> Tensor:
        """`log(input / (1 - input))`, of elements kept `eps` from 0 and 1: see `tapegrad.logit`."""
    def logit_(self, eps: _float | None = None) -> Tensor:
        """`log(input / (1 - input))`, of elements kept `eps` from 0 and 1, in place: see `tapegrad.logit`."""
    def logsumexp(self, dim: _int | Sequence[_int], keepdim: _bool = False) -> Tensor:
        """`log(sum(exp(input)))` along axes, without overflow: see `tapegrad.logsumexp`."""
    def lt(self, other: Tensor | _float) -> Tensor:
        """Whether elements are less: `input < other`: see `tapegrad.lt`."""
    def lt_(self, other: Tensor | _float) -> Tensor:
        """Whether elements are less: `input < other`, in place: see `tapegrad.lt`."""
    def lu(self, pivot: _bool = True, get_infos: _bool = False) -> Any:
        """L and U in one matrix, and pivots from 1 (`torch.lu`); with `get_infos`, where U is singular, or 0.

        >>> import tapegrad as torch
        >>> torch.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))[1]
        tensor([2, 2], dtype=torch.int32)"""
    def lu_solve(self, LU_data: Tensor, LU_pivots: Tensor) -> Any:
        """X with A X = input, by what `linalg.lu_factor` gave for A (`torch.lu_solve`)."""
    def map2_(self, x: Tensor, y: Tensor, callable: Any) -> Tensor:
        """A Python function of elements of three tensors, over the first, in place (`torch.Tensor.map2_`)."""
    def map_(self, other: Tensor, callable: Any) -> Tensor:
        """A Python function of elements of two tensors, over the first, in place (`torch.Tensor.map_`)."""
    def mask_put_(self, condition: Any, value: Tensor | _float) -> Tensor:
        """, in place (`torch.Tensor.mask_put_`)."""
    def masked_fill(self, mask: Tensor, value: Tensor | _float) -> Tensor:
        """A copy with `value` where the mask is true: see `tapegrad.masked_fill`."""
    def masked_fill_(self, mask: Tensor, value: Tensor | _float) -> Tensor:
        """A copy with `value` where the mask is true, in place: see `tapegrad.masked_fill`."""
    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """Elements of `source`, in order, where a mask holds (`torch.masked_scatter`)."""
    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Tensor:
        """Elements of `source`, in order, where a mask holds (`torch.masked_scatter`)."""
    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements where a mask holds, as a vector (`torch.masked_select`)."""
    def matmul(self, other: Tensor) -> Tensor:
        """The matrix product of the last two axes, batches broadcast (`torch.matmul`)."""
    def matrix_exp(self) -> Tensor:
        """The exponential of square matrices (`torch.linalg.matrix_exp`)."""
    def matrix_power(self, n: _int) -> Tensor:
        """A square matrix to a whole power (`torch.linalg.matrix_power`)."""
    @overload
    def max(self) -> Tensor:
        """The greatest element; along an axis, with its places; or the greater of two tensors: see `tapegrad.max`."""
    @overload
    def max(self, other: Tensor) -> Tensor:
        ...
    @overload
    def max(self, dim: _int, keepdim: _bool = False) -> _max:
        ...
    def maximum(self, other: Tensor) -> Tensor:
        """The greater of two elements; NaN if one is: see `tapegrad.maximum`."""
    @overload
    def mean(self, *, dtype: _dtype | type | None = None) -> Tensor:
        """The mean of all elements, or of those along axes: see `tapegrad.mean`."""
    @overload
    def mean(self, dim: _int | Sequence[_int] | None, keepdim: _bool = False, *, dtype: _dtype | type | None = None) -> Tensor:
        ...
    @overload
    def median(self) -> Tensor:
        """The median of all elements; along an axis, with its places: see `tapegrad.median`."""
    @overload
    def median(self, dim: _int, keepdim: _bool = False) -> _median:
        ...
    @overload
    def min(self) -> Tensor:
        """The least element; along an axis, with its places; or the lesser of two tensors: see `tapegrad.min`."""
    @overload
    def min(self, other: Tensor) -> Tensor:
        ...
    @overload
    def min(self, dim: _int, keepdim: _bool = False) -> _min:
        ...
    def minimum(self, other: Tensor) -> Tensor:
        """The lesser of two elements; NaN if one is: see `tapegrad.minimum`."""
    def mish(self) -> Tensor:
        """`input * tanh(softplus(input))`: see `tapegrad.nn.functional.mish`."""
    def mish_(self) -> Tensor:
        """`input * tanh(softplus(input))`, in place: see `tapegrad.nn.functional.mish`."""
    def mm(self, mat2: Tensor) -> Tensor:
        """The product of two matrices: see `tapegrad.mm`."""
    def mode(self, dim: _int = -1, keepdim: _bool = False) -> _mode:
        """The most frequent value of each row (`torch.mode`)."""
    @overload
    def moveaxis(self, source: _int, destination: _int) -> Tensor:
        """Axes moved to other places (`torch.movedim`).

        Called as

            moveaxis(source, destination)
            moveaxis(source, destination)"""
    @overload
    def moveaxis(self, source: Sequence[_int], destination: Sequence[_int]) -> Tensor:
        ...
    @overload
    def movedim(self, source: _int, destination: _int) -> Tensor:
        """Axes moved to other places (`torch.movedim`).

        Called as

            movedim(source, destination)
            movedim(source, destination)"""
    @overload
    def movedim(self, source: Sequence[_int], destination: Sequence[_int]) -> Tensor:
        ...
    def msort(self) -> Tensor:
        """The elements in order along the first axis: see `tapegrad.msort`."""
    def mul(self, other: Tensor | _float) -> Tensor:
        """The product of two tensors, element by element: `input * other`: see `tapegrad.mul`."""
    def mul_(self, other: Tensor | _float) -> Tensor:
        """The product of two tensors, element by element: `input * other`, in place: see `tapegrad.mul`."""
    def multinomial(self, num_samples: _int, replacement: _bool = False, *, generator: Generator | None = None) -> Tensor:
        """Indices drawn in proportion to weights, for each row of them (`torch.multinomial`).

        >>> _ = manual_seed(0); multinomial(creation.tensor([0.0, 10.0, 3.0]), 4, replacement=True)
        tensor([2, 1, 1, 2])"""
    def multiply(self, other: Tensor | _float) -> Tensor:
        """The product of two tensors, element by element: `input * other`: see `tapegrad.multiply`."""
    def multiply_(self, other: Tensor | _float) -> Tensor:
        """The product of two tensors, element by element: `input * other`, in place: see `tapegrad.multiply`."""
    def mv(self, vec: Tensor) -> Tensor:
        """The product of a matrix and a vector: see `tapegrad.mv`."""
    def mvlgamma(self, p: _int) -> Tensor:
        """The logarithm of the multivariate gamma function (`torch.special.multigammaln`)."""
    def mvlgamma_(self, p: _int) -> Tensor:
        """The logarithm of the multivariate gamma function (`torch.special.multigammaln`)."""
    def nan_to_num(self, nan: _float | None = None, posinf: _float | None = None, neginf: _float | None = None) -> Tensor:
        """Each element, with numbers instead of NaN and the infinities: see `tapegrad.nan_to_num`."""
    def nan_to_num_(self, nan: _float | None = None, posinf: _float | None = None, neginf: _float | None = None) -> Tensor:
        """Each element, with numbers instead of NaN and the infinities, in place: see `tapegrad.nan_to_num`."""
    def nanmean(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | type | None = None) -> Tensor:
        """The mean of what is not NaN (`torch.nanmean`)."""
    @overload
    def nanmedian(self) -> Tensor:
        """The median of what is not NaN; along an axis, with its places: see `tapegrad.nanmedian`."""
    @overload
    def nanmedian(self, dim: _int, keepdim: _bool = False) -> _nanmedian:
        ...
    def nanquantile(self, q: Tensor | _float, dim: _int | None = None, keepdim: _bool = False, *, interpolation: str = 'linear') -> Tensor:
        """quantile of what is not NaN (`torch.nanquantile`)."""
    def nansum(self, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | type | None = None) -> Tensor:
        """The sum of all elements, or of those along axes, NaN counting as zero: see `tapegrad.nansum`."""
    @overload
    def narrow(self, dim: _int, start: Tensor, length: _int) -> Tensor:
        """A stretch along an axis (`torch.narrow`).

        Called as

            narrow(dim, start, length)
            narrow(dim, start, length)"""
    @overload
    def narrow(self, dim: _int, start: _int, length: _int) -> Tensor:
        ...
    def narrow_copy(self, dim: _int, start: _int, length: _int) -> Tensor:
        """A copy of a stretch along an axis (`torch.narrow_copy`)."""
    def ndimension(self) -> _int:
        """The number of axes (`torch.Tensor.dim`)."""
    def ne(self, other: Tensor | _float) -> Tensor:
        """Whether elements differ: `input != other`: see `tapegrad.ne`."""
    def ne_(self, other: Tensor | _float) -> Tensor:
        """Whether elements differ: `input != other`, in place: see `tapegrad.ne`."""
    def neg(self) -> Tensor:
        """The negative of each element: `-input`: see `tapegrad.neg`."""
    def neg_(self) -> Tensor:
        """The negative of each element: `-input`, in place: see `tapegrad.neg`."""
    def negative(self) -> Tensor:
        """The negative of each element: `-input`: see `tapegrad.negative`."""
    def negative_(self) -> Tensor:
        """The negative of each element: `-input`, in place: see `tapegrad.negative`."""
    def nelement(self) -> _int:
        """The number of elements."""
    def new(self, *args: Any) -> Any:
        """A tensor of this dtype: of a shape, or of data (`torch.Tensor.new`)."""
    def nextafter(self, other: Tensor) -> Tensor:
        """The number next to `input` on the way to `other`: see `tapegrad.nextafter`."""
    def nextafter_(self, other: Tensor) -> Tensor:
        """The number next to `input` on the way to `other`, in place: see `tapegrad.nextafter`."""
    def nonzero(self, *, as_tuple: _bool = False) -> Tensor:
        """The positions of elements that are not zero (`torch.nonzero`)."""
    def norm(self, p: Any = 'fro', dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, dtype: _dtype | type | None = None) -> Tensor:
        """A vector norm, or for `p="nuc"` a matrix norm (`torch.norm`)."""
    def normal_(self, mean: _float = 0, std: _float = 1, *, generator: Generator | None = None) -> Tensor:
        """Normal numbers (`torch.Tensor.normal_`)."""
    def not_equal(self, other: Tensor | _float) -> Tensor:
        """Whether elements differ: `input != other`: see `tapegrad.not_equal`."""
    def not_equal_(self, other: Tensor | _float) -> Tensor:
        """Whether elements differ: `input != other`, in place: see `tapegrad.not_equal`."""
    def orgqr(self, input2: Tensor) -> Any:
        """The first columns of a product of reflections, as `linalg.householder_product` gives them (`torch.orgqr`)."""
    def ormqr(self, input2: Tensor, input3: Tensor, left: _bool = True, transpose: _bool = False) -> Any:
        """A product with the whole Q that the reflections of `geqrf` stand for (`torch.ormqr`): `Q @ input3`, or
        `input3 @ Q`.

        >>> import tapegrad as torch
        >>> torch.ormqr(*torch.geqrf(torch.tensor([[3.0], [4.0]])), torch.tensor([[-5.0], [0.0]])).round()
        tensor([[3.],
                [4.]])"""
    def outer(self, vec2: Tensor) -> Tensor:
        """Every product of two vectors' elements (`torch.outer`)."""
    @overload
    def permute(self, dims: Sequence[_int]) -> Tensor:
        """Axes in another order (`torch.permute`)."""
    @overload
    def permute(self, *dims: _int) -> Tensor:
        ...
    def pinverse(self, rcond: _float = 1e-15) -> Tensor:
        """The pseudo-inverse (`torch.pinverse`)."""
    def pixel_shuffle(self, upscale_factor: _int) -> Tensor:
        """Channels spread over finer rows and columns (`torch.nn.functional.pixel_shuffle`)."""
    def pixel_unshuffle(self, downscale_factor: _int) -> Tensor:
        """Blocks of rows and columns as channels (`torch.nn.functional.pixel_unshuffle`)."""
    def polygamma(self, n: _int) -> Tensor:
        """The n-th derivative of the digamma function: see `tapegrad.polygamma`."""
    def polygamma_(self, n: _int) -> Tensor:
        """The n-th derivative of the digamma function, in place: see `tapegrad.polygamma`."""
    def positive(self) -> Tensor:
        """The tensor itself (`torch.positive`)."""
    @overload
    def pow(self, exponent: Tensor) -> Tensor:
        """Each element to a power: `input ** exponent`: see `tapegrad.pow`."""
    @overload
    def pow(self, exponent: _float) -> Tensor:
        ...
    @overload
    def pow_(self, exponent: Tensor) -> Tensor:
        """Each element to a power: `input ** exponent`, in place: see `tapegrad.pow`."""
    @overload
    def pow_(self, exponent: _float) -> Tensor:
        ...
    def prelu(self, weight: Tensor) -> Tensor:
        """Leaky ReLU with a slope a channel (`torch.nn.functional.prelu`)."""
    @overload
    def prod(self, *, dtype: _dtype | type | None = None) -> Tensor:
        """The product of all elements, or of those along an axis: see `tapegrad.prod`."""
    @overload
    def prod(self, dim: _int, keepdim: _bool = False, *, dtype: _dtype | type | None = None) -> Tensor:
        ...
    def put(self, index: Tensor, source: Tensor, accumulate: _bool = False) -> Tensor:
        """Elements written at positions in the flattened tensor (`torch.put`)."""
    def put_(self, index: Tensor, source: Tensor, accumulate: _bool = False) -> Tensor:
        """Elements written at positions in the flattened tensor (`torch.put`)."""
    def put_add_(self, value: Tensor | _float, *indices: Any, form: Any, wrap: Any) -> Tensor:
        """, in place (`torch.Tensor.put_add_`)."""
    def qr(self, some: _bool = True) -> Any:
        """Q with orthonormal columns and upper triangular R, input = Q R (`torch.qr`)."""
    def quantile(self, q: Tensor | _float, dim: _int | None = None, keepdim: _bool = False, *, interpolation: str = 'linear') -> Tensor:
        """Values below which given shares of a row lie (`torch.quantile`)."""
    def rad2deg(self) -> Tensor:
        """Radians as degrees: see `tapegrad.rad2deg`."""
    def rad2deg_(self) -> Tensor:
        """Radians as degrees, in place: see `tapegrad.rad2deg`."""
    @overload
    def random_(self, *, generator: Generator | None = None) -> Tensor:
        """Whole numbers from [from, to), or from all that the dtype holds (`torch.Tensor.random_`).

        Called as

            random_(*, generator=None)
            random_(from_, to, *, generator=None)
            random_(to, *, generator=None)"""
    @overload
    def random_(self, from_: _int, to: _int | None, *, generator: Generator | None = None) -> Tensor:
        ...
    @overload
    def random_(self, to: _int, *, generator: Generator | None = None) -> Tensor:
        ...
    def ravel(self) -> Tensor:
        """All elements along one axis: see `tapegrad.ravel`."""
    def reciprocal(self) -> Tensor:
        """One over each element: `1 / input`: see `tapegrad.reciprocal`."""
    def reciprocal_(self) -> Tensor:
        """One over each element: `1 / input`, in place: see `tapegrad.reciprocal`."""
    def relu(self) -> Tensor:
        """Each element, or zero where it is negative: see `tapegrad.relu`."""
    def relu_(self) -> Tensor:
        """Each element, or zero where it is negative, in place: see `tapegrad.relu`."""
    @overload
    def remainder(self, other: Tensor) -> Tensor:
        """The remainder of a division that is rounded down; it has the sign of `other`: `input % other`: see `tapegrad.remainder`."""
    @overload
    def remainder(self, other: _float) -> Tensor:
        ...
    @overload
    def remainder_(self, other: Tensor) -> Tensor:
        """The remainder of a division that is rounded down; it has the sign of `other`: `input % other`, in place: see `tapegrad.remainder`."""
    @overload
    def remainder_(self, other: _float) -> Tensor:
        ...
    def renorm(self, p: _float, dim: _int, maxnorm: _float) -> Tensor:
        """Slices along an axis scaled down to a norm of at most `maxnorm` (`torch.renorm`)."""
    def renorm_(self, p: _float, dim: _int, maxnorm: _float) -> Tensor:
        """Slices along an axis scaled down to a norm of at most `maxnorm` (`torch.renorm`)."""
    @overload
    def repeat(self, repeats: Sequence[_int]) -> Any:
        """Copies side by side (`torch.Tensor.repeat`)."""
    @overload
    def repeat(self, *repeats: _int) -> Any:
        ...
    def repeat_interleave(self, repeats: Tensor | _int, dim: _int | None = None, *, output_size: _int | None = None) -> Tensor:
        """Each slice repeated in place (`torch.repeat_interleave`); of `repeats` alone, its places repeated."""
    @overload
    def reshape(self, shape: Sequence[_int]) -> Tensor:
        """The same elements in another shape; a view where it can be (`torch.reshape`)."""
    @overload
    def reshape(self, *shape: _int) -> Tensor:
        ...
    def reshape_as(self, other: Tensor) -> Any:
        """The same elements in the shape of another tensor (`torch.Tensor.reshape_as`)."""
    def resolve_conj(self) -> Tensor:
        """The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`)."""
    def resolve_neg(self) -> Tensor:
        """The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`)."""
    def right_shift_(self, other: Tensor | _float) -> Tensor:
        """Bits moved to the right: `input >> other`, in place (`torch.Tensor.right_shift_`)."""
    def roll(self, shifts: _int | Sequence[_int], dims: _int | Sequence[_int] | None = ()) -> Tensor:
        """Elements moved along axes, coming in again at the other end (`torch.roll`)."""
    def rot90(self, k: _int = 1, dims: _int | Sequence[_int] = (0, 1)) -> Tensor:
        """A quarter turn, `k` times (`torch.rot90`)."""
    @overload
    def round(self) -> Tensor:
        """Each element rounded to `decimals` places, halves to even numbers: see `tapegrad.round`."""
    @overload
    def round(self, *, decimals: _int) -> Tensor:
        ...
    @overload
    def round_(self) -> Tensor:
        """Each element rounded to `decimals` places, halves to even numbers, in place: see `tapegrad.round`."""
    @overload
    def round_(self, *, decimals: _int) -> Tensor:
        ...
    def rsqrt(self) -> Tensor:
        """One over the square root of each element: see `tapegrad.rsqrt`."""
    def rsqrt_(self) -> Tensor:
        """One over the square root of each element, in place: see `tapegrad.rsqrt`."""
    @overload
    def scatter(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """A copy with elements replaced, along an axis, where an index says: see `tapegrad.scatter`."""
    @overload
    def scatter(self, dim: _int, index: Tensor, src: Tensor, *, reduce: str) -> Any:
        ...
    @overload
    def scatter(self, dim: _int, index: Tensor, value: _float) -> Tensor:
        ...
    @overload
    def scatter(self, dim: _int, index: Tensor, value: _float, *, reduce: str) -> Any:
        ...
    @overload
    def scatter_(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """A copy with elements replaced, along an axis, where an index says, in place: see `tapegrad.scatter`."""
    @overload
    def scatter_(self, dim: _int, index: Tensor, src: Tensor, *, reduce: str) -> Tensor:
        ...
    @overload
    def scatter_(self, dim: _int, index: Tensor, value: _float) -> Tensor:
        ...
    @overload
    def scatter_(self, dim: _int, index: Tensor, value: _float, *, reduce: str) -> Tensor:
        ...
    def scatter_add(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """Elements added at given positions along an axis (`torch.scatter_add`)."""
    def scatter_add_(self, dim: _int, index: Tensor, src: Tensor) -> Tensor:
        """A copy with elements added, along an axis, where an index says, in place: see `tapegrad.scatter_add`."""
    def scatter_amax_(self, value: Tensor | _float, *indices: Any, form: Any, wrap: Any) -> Tensor:
        """, in place (`torch.Tensor.scatter_amax_`)."""
    def scatter_amin_(self, value: Tensor | _float, *indices: Any, form: Any, wrap: Any) -> Tensor:
        """, in place (`torch.Tensor.scatter_amin_`)."""
    def scatter_multiply_(self, value: Tensor | _float, *indices: Any, form: Any, wrap: Any) -> Tensor:
        """, in place (`torch.Tensor.scatter_multiply_`)."""
    def scatter_reduce(self, dim: _int, index: Tensor, src: Tensor, reduce: str, *, include_self: _bool = True) -> Tensor:
        """Elements combined at given positions along an axis (`torch.scatter_reduce`)."""
    def scatter_reduce_(self, dim: _int, index: Tensor, src: Tensor, reduce: str, *, include_self: _bool = True) -> Tensor:
        """Elements combined at given positions along an axis (`torch.scatter_reduce`)."""
    def scatter_value_(self, value: Tensor | _float, *indices: Any, form: Any, wrap: Any) -> Tensor:
        """, in place (`torch.Tensor.scatter_value_`)."""
    def select(self, dim: _int, index: _int) -> Tensor:
        """One position along an axis, which goes away (`torch.select`)."""
    def select_scatter(self, src: Tensor, dim: _int, index: _int) -> Tensor:
        """A copy with one slice replaced (`torch.select_scatter`)."""
    def sgn(self) -> Tensor:
        """The sign of each element: -1, 0 or 1: see `tapegrad.sgn`."""
    def sgn_(self) -> Tensor:
        """The sign of each element: -1, 0 or 1, in place: see `tapegrad.sgn`."""
    def share_memory_(self) -> Tensor:
        """Move to memory that processes which are forked from then on share (`torch.Tensor.share_memory_`).

        >>> import tapegrad as torch
        >>> x = torch.ones(2)
        >>> x.is_shared(), x[0].share_memory_(), x.is_shared()
        (False, tensor(1.), True)

        All tensors on its memory move with it."""
    def sigmoid(self) -> Tensor:
        """`1 / (1 + exp(-input))`: see `tapegrad.sigmoid`."""
    def sigmoid_(self) -> Tensor:
        """`1 / (1 + exp(-input))`, in place: see `tapegrad.sigmoid`."""
    def sign(self) -> Tensor:
        """The sign of each element: -1, 0 or 1: see `tapegrad.sign`."""
    def sign_(self) -> Tensor:
        """The sign of each element: -1, 0 or 1, in place: see `tapegrad.sign`."""
    def signbit(self) -> Tensor:
        """Whether the sign of each element is minus, that of zeros included: see `tapegrad.signbit`."""
    def silu(self) -> Tensor:
        """`input * sigmoid(input)`: see `tapegrad.nn.functional.silu`."""
    def silu_(self) -> Tensor:
        """`input * sigmoid(input)`, in place: see `tapegrad.nn.functional.silu`."""
    def sin(self) -> Tensor:
        """The sine of each element: see `tapegrad.sin`."""
    def sin_(self) -> Tensor:
        """The sine of each element, in place: see `tapegrad.sin`."""
    def sinc(self) -> Tensor:
        """`sin(pi * input) / (pi * input)`, and 1 at zero: see `tapegrad.sinc`."""
    def sinc_(self) -> Tensor:
        """`sin(pi * input) / (pi * input)`, and 1 at zero, in place: see `tapegrad.sinc`."""
    def sinh(self) -> Tensor:
        """The hyperbolic sine of each element: see `tapegrad.sinh`."""
    def sinh_(self) -> Tensor:
        """The hyperbolic sine of each element, in place: see `tapegrad.sinh`."""
    def slice_scatter(self, src: Tensor, dim: _int = 0, start: _int | None = None, end: _int | None = None, step: _int = 1) -> Tensor:
        """A copy with a stretch replaced (`torch.slice_scatter`)."""
    def slogdet(self) -> _linalg_slogdet:
        """Sign and logarithm of the determinant (`torch.linalg.slogdet`)."""
    def softmax(self, dim: _int, dtype: _dtype | type | None = None) -> Tensor:
        """Exponentials along an axis, scaled so that they add up to one: see `tapegrad.softmax`."""
    def softplus(self, beta: Any = 1.0, threshold: Any = 20.0) -> Tensor:
        """`log(1 + exp(beta * input)) / beta`; the element itself above `threshold`: see `tapegrad.nn.functional.softplus`."""
    def softshrink(self, lambd: _float = 0.5) -> Tensor:
        """Each element moved by `lambd` towards zero: see `tapegrad.nn.functional.softshrink`."""
    @overload
    def sort(self, *, stable: _bool | None, dim: _int = -1, descending: _bool = False) -> Any:
        """Values in order, and where they were (`torch.sort`).

        Called as

            sort(*, stable, dim=-1, descending=False)
            sort(dim=-1, descending=False)"""
    @overload
    def sort(self, dim: _int = -1, descending: _bool = False) -> Any:
        ...
    def sparse_dim(self) -> _int:
        """How many axes have places: of a tensor that is not sparse none (`torch.Tensor.sparse_dim`)."""
    def sparse_mask(self, mask: Tensor) -> Any:
        """What stands at the places of a sparse tensor (`torch.Tensor.sparse_mask`).

        >>> import tapegrad as torch
        >>> torch.ones(2, 2).sparse_mask(torch.eye(2).to_sparse()).values()
        tensor([1., 1.])"""
    def split(self, split_size: _int | Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
        """Pieces of equal or given lengths along an axis (`torch.split`)."""
    def split_with_sizes(self, split_sizes: _int | Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
        """Pieces of given lengths along an axis: see `tapegrad.split_with_sizes`."""
    def sqrt(self) -> Tensor:
        """The square root of each element: see `tapegrad.sqrt`."""
    def sqrt_(self) -> Tensor:
        """The square root of each element, in place: see `tapegrad.sqrt`."""
    def square(self) -> Tensor:
        """The square of each element: `input * input`: see `tapegrad.square`."""
    def square_(self) -> Tensor:
        """The square of each element: `input * input`, in place: see `tapegrad.square`."""
    @overload
    def squeeze(self) -> Tensor:
        """Axes of size one left out (`torch.squeeze`).

        Called as

            squeeze()
            squeeze(dim)
            squeeze(dim)"""
    @overload
    def squeeze(self, dim: _int) -> Tensor:
        ...
    @overload
    def squeeze(self, dim: Sequence[_int]) -> Tensor:
        ...
    @overload
    def squeeze(self, *dim: _int) -> Tensor:
        ...
    @overload
    def squeeze_(self) -> Tensor:
        """Axes of length one left out, in place: see `tapegrad.squeeze`."""
    @overload
    def squeeze_(self, dim: _int) -> Tensor:
        ...
    @overload
    def squeeze_(self, dim: Sequence[_int]) -> Tensor:
        ...
    @overload
    def squeeze_(self, *dim: _int) -> Tensor:
        ...
    @overload
    def std(self, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False) -> Tensor:
        """The standard deviation of all elements, or of those along axes: see `tapegrad.std`."""
    @overload
    def std(self, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False) -> Tensor:
        ...
    @overload
    def std(self, unbiased: _bool = True) -> Tensor:
        ...
    @overload
    def std_mean(self, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False) -> tuple[Tensor, ...]:
        """The standard deviation and the mean: see `tapegrad.std_mean`."""
    @overload
    def std_mean(self, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False) -> tuple[Tensor, ...]:
        ...
    @overload
    def std_mean(self, unbiased: _bool = True) -> tuple[Tensor, ...]:
        ...
    def storage(self) -> Any:
        """The memory that a tensor lies in, as elements (`torch.Tensor.storage`).

        >>> import tapegrad as torch
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x[1].storage()[0], x.t().storage().data_ptr() == x.storage().data_ptr()
        (1.0, True)"""
    def sub(self, other: Tensor | _float, *, alpha: _float = 1) -> Tensor:
        """The difference of two tensors, the second times `alpha`: `input - alpha * other`: see `tapegrad.sub`."""
    def sub_(self, other: Tensor | _float, *, alpha: _float = 1) -> Tensor:
        """The difference of two tensors, the second times `alpha`: `input - alpha * other`, in place: see `tapegrad.sub`."""
    @overload
    def subtract(self, other: Tensor | _float, *, alpha: _float = 1) -> Tensor:
        """The difference of two tensors, the second times `alpha`: `input - alpha * other`: see `tapegrad.subtract`."""
    @overload
    def subtract(self, other: _float, alpha: _float = 1) -> Tensor:
        ...
    @overload
    def subtract_(self, other: Tensor | _float, *, alpha: _float = 1) -> Tensor:
        """The difference of two tensors, the second times `alpha`: `input - alpha * other`, in place: see `tapegrad.subtract`."""
    @overload
    def subtract_(self, other: _float, alpha: _float = 1) -> Tensor:
        ...
    @overload
    def sum(self, *, dtype: _dtype | type | None = None) -> Tensor:
        """The sum of all elements, or of those along axes: see `tapegrad.sum`."""
    @overload
    def sum(self, dim: _int | Sequence[_int] | None, keepdim: _bool = False, *, dtype: _dtype | type | None = None) -> Tensor:
        ...
    @overload
    def sum_to_size(self, size: Sequence[_int]) -> Any:
        """Summed to a shape that broadcasts to this one (`torch.Tensor.sum_to_size`)."""
    @overload
    def sum_to_size(self, *size: _int) -> Any:
        ...
    def svd(self, some: _bool = True, compute_uv: _bool = True) -> _svd:
        """U, S and V with input = U diag(S) Vᵀ (`torch.svd`)."""
    def swapaxes(self, axis0: _int, axis1: _int) -> Tensor:
        """Two axes exchanged: see `tapegrad.swapaxes`."""
    def swapaxes_(self, axis0: _int, axis1: _int) -> Tensor:
        """Two axes exchanged, in place: see `tapegrad.swapaxes`."""
    def swapdims(self, dim0: _int, dim1: _int) -> Tensor:
        """Two axes exchanged: see `tapegrad.swapdims`."""
    def swapdims_(self, dim0: _int, dim1: _int) -> Tensor:
        """Two axes exchanged, in place: see `tapegrad.swapdims`."""
    def t(self) -> Tensor:
        """A matrix transposed (`torch.t`)."""
    def t_(self) -> Tensor:
        """A matrix with rows and columns exchanged, in place: see `tapegrad.t`."""
    def take(self, index: Tensor) -> Tensor:
        """Elements at positions in the flattened tensor (`torch.take`)."""
    def take_along_dim(self, indices: Tensor, dim: _int | None = None) -> Tensor:
        """gather with broadcasting (`torch.take_along_dim`)."""
    def tan(self) -> Tensor:
        """The tangent of each element: see `tapegrad.tan`."""
    def tan_(self) -> Tensor:
        """The tangent of each element, in place: see `tapegrad.tan`."""
    def tanh(self) -> Tensor:
        """The hyperbolic tangent of each element: see `tapegrad.tanh`."""
    def tanh_(self) -> Tensor:
        """The hyperbolic tangent of each element, in place: see `tapegrad.tanh`."""
    @overload
    def tensor_split(self, indices: Sequence[_int], dim: _int = 0) -> tuple[Tensor, ...]:
        """Nearly equal pieces, or pieces that end at given places (`torch.tensor_split`).

        Called as

            tensor_split(indices, dim=0)
            tensor_split(tensor_indices_or_sections, dim=0)
            tensor_split(sections, dim=0)"""
    @overload
    def tensor_split(self, tensor_indices_or_sections: Tensor, dim: _int = 0) -> tuple[Tensor, ...]:
        ...
    @overload
    def tensor_split(self, sections: _int, dim: _int = 0) -> tuple[Tensor, ...]:
        ...
    def threshold(self, threshold: _float, value: _float) -> Tensor:
        """Each element, or `value` where it is not above `threshold`: see `tapegrad.threshold`."""
    def threshold_(self, threshold: _float, value: _float) -> Tensor:
        """Each element, or `value` where it is not above `threshold`, in place: see `tapegrad.threshold`."""
    @overload
    def tile(self, dims: Sequence[_int]) -> Tensor:
        """repeat with missing leading counts (`torch.tile`)."""
    @overload
    def tile(self, *dims: _int) -> Tensor:
        ...
    def to_dense(self, dtype: _dtype | type | None = None, *, masked_grad: _bool | None = None) -> Any:
        """The tensor itself, which is dense; of another dtype, a copy (`torch.Tensor.to_dense`)."""
    @overload
    def to_sparse(self, *, layout: Any = None, blocksize: Sequence[_int] | None = None, dense_dim: _int | None = None) -> Any:
        """The same numbers as a sparse tensor (`torch.Tensor.to_sparse`).

        >>> import tapegrad as torch
        >>> torch.eye(2).to_sparse().indices()
        tensor([[0, 1],
                [0, 1]])

        Of `sparse_dim` axes places are kept, all unless it is given. Only this layout: RuntimeError for another.

        Called as

            to_sparse(*, layout=None, blocksize=None, dense_dim=None)
            to_sparse(sparse_dim)"""
    @overload
    def to_sparse(self, sparse_dim: _int) -> Any:
        ...
    def to_sparse_coo(self) -> Any:
        """The same numbers as a sparse tensor (`torch.Tensor.to_sparse_coo`).

        >>> import tapegrad as torch
        >>> torch.eye(2).to_sparse_coo().values()
        tensor([1., 1.])"""
    def topk(self, k: _int, dim: _int = -1, largest: _bool = True, sorted: _bool = True) -> _topk:
        """The `k` largest or smallest values, in order (`torch.topk`)."""
    def trace(self) -> Tensor:
        """The sum of a matrix's diagonal (`torch.trace`)."""
    def transpose(self, dim0: _int, dim1: _int) -> Tensor:
        """Two axes swapped (`torch.transpose`)."""
    def transpose_(self, dim0: _int, dim1: _int) -> Tensor:
        """Two axes exchanged, in place: see `tapegrad.transpose`."""
    def triangular_solve(self, A: Tensor, upper: _bool = True, transpose: _bool = False, unitriangular: _bool = False) -> Any:
        """The X of A X = input for a triangular A, and a copy of A (`torch.triangular_solve`)."""
    def tril(self, diagonal: _int = 0) -> Tensor:
        """A matrix's lower triangle, zeros above: see `tapegrad.tril`."""
    def tril_(self, diagonal: _int = 0) -> Tensor:
        """A matrix's lower triangle, zeros above, in place: see `tapegrad.tril`."""
    def triu(self, diagonal: _int = 0) -> Tensor:
        """A matrix's upper triangle, zeros below: see `tapegrad.triu`."""
    def triu_(self, diagonal: _int = 0) -> Tensor:
        """A matrix's upper triangle, zeros below, in place: see `tapegrad.triu`."""
    def true_divide(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, without rounding: `input / other`: see `tapegrad.true_divide`."""
    def true_divide_(self, other: Tensor | _float) -> Tensor:
        """The quotient of two tensors, without rounding: `input / other`, in place: see `tapegrad.true_divide`."""
    def trunc(self) -> Tensor:
        """Each element without its fraction: see `tapegrad.trunc`."""
    def trunc_(self) -> Tensor:
        """Each element without its fraction, in place: see `tapegrad.trunc`."""
    def trunc_divide_(self, other: Tensor | _float) -> Tensor:
        """, in place (`torch.Tensor.trunc_divide_`)."""
    def unbind(self, dim: _int = 0) -> tuple[Tensor, ...]:
        """The slices along an axis (`torch.unbind`)."""
    def unflatten(self, dim: _int, sizes: _int | Sequence[_int]) -> Tensor:
        """An axis split into several (`torch.unflatten`)."""
    def unfold(self, dimension: _int, size: _int, step: _int) -> Any:
        """Overlapping stretches along an axis, as a last axis (`torch.Tensor.unfold`)."""
    def uniform_(self, from_: _float = 0, to: _float = 1, *, generator: Generator | None = None) -> Tensor:
        """Uniform numbers from [from, to) (`torch.Tensor.uniform_`)."""
    def unique(self, sorted: _bool = True, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None) -> Tensor:
        """Distinct elements, or distinct slices along `dim` (`torch.unique`)."""
    def unique_consecutive(self, return_inverse: _bool = False, return_counts: _bool = False, dim: _int | None = None) -> Tensor:
        """The first of each run of equal elements, or equal slices (`torch.unique_consecutive`)."""
    def unsafe_chunk(self, chunks: _int, dim: _int = 0) -> tuple[Tensor, ...]:
        """At most `chunks` pieces of equal length (`torch.chunk`)."""
    def unsafe_split(self, split_size: _int, dim: _int = 0) -> tuple[Tensor, ...]:
        """Pieces of equal or given lengths along an axis (`torch.split`)."""
    def unsqueeze(self, dim: _int) -> Tensor:
        """An axis of size one put in (`torch.unsqueeze`)."""
    def unsqueeze_(self, dim: _int) -> Tensor:
        """An axis of length one inserted, in place: see `tapegrad.unsqueeze`."""
    def untyped_storage(self) -> Any:
        """The memory that a tensor lies in, as bytes (`torch.Tensor.untyped_storage`).

        >>> import tapegrad as torch
        >>> torch.ones(3)[:2].untyped_storage().nbytes()
        12"""
    def values(self) -> Any:
        """Of sparse tensors (`torch.Tensor.values`): RuntimeError for others."""
    @overload
    def var(self, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False) -> Tensor:
        """The variance of all elements, or of those along axes: see `tapegrad.var`."""
    @overload
    def var(self, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False) -> Tensor:
        ...
    @overload
    def var(self, unbiased: _bool = True) -> Tensor:
        ...
    @overload
    def var_mean(self, dim: _int | Sequence[_int] | None, unbiased: _bool = True, keepdim: _bool = False) -> tuple[Tensor, ...]:
        """The variance and the mean: see `tapegrad.var_mean`."""
    @overload
    def var_mean(self, dim: _int | Sequence[_int] | None = None, *, correction: _float | None = None, keepdim: _bool = False) -> tuple[Tensor, ...]:
        ...
    @overload
    def var_mean(self, unbiased: _bool = True) -> tuple[Tensor, ...]:
        ...
    def vdot(self, other: Tensor) -> Tensor:
        """The inner product of two vectors: see `tapegrad.vdot`."""
    @overload
    def view(self, dtype: _dtype | type) -> Any:
        """The same memory in another shape, or read as another dtype (`torch.Tensor.view`).

        >>> import tapegrad
        >>> x = tapegrad.arange(4.0); x.view(2, -1)
        tensor([[0., 1.],
                [2., 3.]])
        >>> x.view(tapegrad.int32)[2]
        tensor(1073741824, dtype=torch.int32)

        `view(dtype)` has no gradient. Where the sizes of elements differ, the last axis shrinks or grows; RuntimeError
        says which size, stride or offset stands in the way.

        Called as

            view(dtype)
            view(size)"""
    @overload
    def view(self, size: Sequence[_int]) -> Any:
        ...
    @overload
    def view(self, *size: _int) -> Any:
        ...
    def view_as(self, other: Tensor) -> Any:
        """The same memory in the shape of another tensor (`torch.Tensor.view_as`)."""
    @overload
    def vsplit(self, sections: _int) -> tuple[Tensor, ...]:
        """Pieces along the first axis: see `tapegrad.vsplit`."""
    @overload
    def vsplit(self, indices: Sequence[_int]) -> tuple[Tensor, ...]:
        ...
    @overload
    def vsplit(self, *indices: _int) -> tuple[Tensor, ...]:
        ...
    def where(self, condition: Any, other: Tensor | _float) -> Tensor:
        """Elements of `input` where a condition holds, of `other` elsewhere: see `tapegrad.where`."""
    @overload
    def xlogy(self, other: Tensor) -> Tensor:
        """`input * log(other)`, and zero where `input` is: see `tapegrad.xlogy`."""
    @overload
    def xlogy(self, other: _float) -> Tensor:
        ...
    @overload
    def xlogy_(self, other: Tensor) -> Tensor:
        """`input * log(other)`, and zero where `input` is, in place: see `tapegrad.xlogy`."""
    @overload
    def xlogy_(self, other: _float) -> Tensor:
        ...
    def zero_(self) -> Tensor:
        """Zeros over what is there, in place (`torch.Tensor.zero_`)."""
