"""What a tensor is, and what would become of it: questions that run no operation."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import creation, dtypes, errors
from tapegrad.dispatch import layout_of, overlaps, touch
from tapegrad.functions.common import METHODS, PUBLIC, into, invalid_combination, method, public
from tapegrad.tape import history
from tapegrad.tensor import Tensor


@public
def is_tensor(obj: Any, /) -> bool:
    """Whether an object is a tensor (`torch.is_tensor`).

    >>> import tapegrad
    >>> tapegrad.is_tensor(tapegrad.ones(1)), tapegrad.is_tensor(1)
    (True, False)
    """
    return isinstance(obj, Tensor)


@public
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating-point one (`torch.is_floating_point`)."""
    return input.is_floating_point()


@public
def is_complex(input: Tensor) -> bool:
    """No tensor is complex (`torch.is_complex`)."""
    return input.is_complex()


@public
def numel(input: Tensor) -> int:
    """The number of elements (`torch.numel`)."""
    return input.numel()


@method
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero (`torch.is_nonzero`)."""
    return bool(input)


@method
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers (`torch.is_signed`)."""
    return input.dtype not in (dtypes.uint8, dtypes.bool_)


@method
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape (`torch.is_same_size`)."""
    return input.shape == other.shape


def is_set_to(self: Any, tensor: Tensor) -> bool:
    """Whether two tensors are the same elements of the same memory (`torch.Tensor.is_set_to`)."""
    return self.data_ptr() == tensor.data_ptr() and layout_of(self) is layout_of(tensor)


def dim_order(self: Any) -> tuple[int, ...]:
    """The axes from the outermost in memory to the innermost (`torch.Tensor.dim_order`)."""
    return tuple(sorted(range(self.ndim), key=lambda d: (-self.stride(d), d)))


def get_device(self: Any) -> int:
    """The number of the device, which the CPU has not: -1 (`torch.Tensor.get_device`)."""
    return -1


def never(input: Any, device: Any = None) -> bool:
    """What no tensor here is: `is_pinned`, `is_conj`, `is_neg`."""
    return False


@public
def is_inference(input: Tensor) -> bool:
    """It was made in `inference_mode` (`torch.is_inference`)."""
    return history.is_inference(input)


def isreal(input: Tensor) -> Any:
    """All elements are real (`torch.isreal`)."""
    return creation.ones_like(input, dtype=dtypes.bool_)


for _function in (is_set_to, is_inference, dim_order, get_device, isreal):
    METHODS[_function.__name__] = _function
for _name in ("is_pinned", "is_conj", "is_neg"):
    METHODS[_name] = never
for _function in (isreal, get_device):
    public(_function)


def _grad_dtype(self: Any) -> Any:
    """The dtype that its gradient has, which is its own (`torch.Tensor.grad_dtype`)."""
    return self.dtype


@public
def detach(input: Tensor) -> Any:
    """The same memory without history (`torch.detach`)."""
    return input.detach()


@public
def detach_(input: Tensor) -> Any:
    """This tensor without its history (`torch.detach_`)."""
    return input.detach_()


# ---------------------------------------------------------------- of complex numbers, for tensors that are real


def itself(input: Tensor) -> Any:
    """The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`)."""
    return input


@public
def real(input: Tensor) -> Any:
    """The tensor itself: it is real (`torch.real`)."""
    return input


@public
def imag(input: Tensor) -> Any:
    """RuntimeError: no tensor is complex (`torch.imag`)."""
    raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")


def _no_complex(name: str) -> NotImplementedError:
    return NotImplementedError(f"{name}(): {errors.COMPLEX.format(dtypes.complex64)}")


@public
def complex(real: Tensor, imag: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.complex`)."""
    raise _no_complex("complex")


@public
def polar(abs: Tensor, angle: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.polar`)."""
    raise _no_complex("polar")


@public
def view_as_complex(input: Tensor) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.view_as_complex`)."""
    raise _no_complex("view_as_complex")


@public
def view_as_real(input: Tensor) -> Any:
    """RuntimeError: no tensor is complex (`torch.view_as_real`)."""
    raise RuntimeError("view_as_real is only supported for complex tensors")


@public
def conj_physical(input: Tensor, *, out: Any = None) -> Any:
    """The tensor itself: it is real (`torch.conj_physical`)."""
    return into(out, input)


def conj_physical_(self: Any) -> Any:
    """The tensor itself: it is real; counted as a write (`torch.Tensor.conj_physical_`)."""
    return touch(self)


METHODS["conj_physical"], METHODS["conj_physical_"] = conj_physical, conj_physical_
for _name in ("conj", "resolve_conj", "resolve_neg"):
    PUBLIC[_name] = METHODS[_name] = itself
for _name in ("is_conj", "is_neg"):
    PUBLIC[_name] = never
METHODS["real"] = property(real, lambda self, value: self.copy_(value))  # type: ignore[assignment]
METHODS["imag"] = property(imag, lambda self, value: imag(self))  # type: ignore[assignment]
METHODS["grad_dtype"] = property(_grad_dtype)  # type: ignore[assignment]


# ---------------------------------------------------------------- dtypes of results


def _standing(x: Any) -> tuple[int, dtypes.dtype]:
    """An operand's weight in promotion and its dtype."""
    if isinstance(x, Tensor):
        return layout_of(x).tier, x.dtype
    for kind, dtype in ((bool, dtypes.bool_), (int, dtypes.int64), (float, dtypes.default_dtype())):
        if isinstance(x, kind):
            return 0, dtype
    raise invalid_combination("result_type", x)


@public
def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype of an operation on two tensors or numbers (`torch.result_type`).

    >>> import tapegrad
    >>> tapegrad.result_type(tapegrad.tensor([1, 2], dtype=tapegrad.int8), 300)
    torch.int8
    """
    return common_dtype(tensor1, tensor2)


def common_dtype(*operands: Any) -> dtypes.dtype:
    """The dtype of an operation: tensors decide, those without axes and then numbers only by a wider kind of number."""
    standings = [_standing(x) for x in operands]
    found: dtypes.dtype | None = None
    for tier in sorted({weight for weight, _ in standings}, reverse=True):
        here = functools.reduce(dtypes.promote, (dtype for weight, dtype in standings if weight == tier))
        if found is None or here.category > found.category:
            found = here
    assert found is not None
    return found


@public
def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether a dtype's kind of number, or a wider kind, is that of `to` (`torch.can_cast`).

    >>> import tapegrad
    >>> tapegrad.can_cast(tapegrad.float32, tapegrad.int64)
    False
    """
    for position, (name, given) in enumerate((("from_", from_), ("to", to)), 1):
        if not isinstance(given, dtypes.dtype):
            raise TypeError(f"can_cast(): argument '{name}' (position {position}) must be torch.dtype, not "
                            f"{type(given).__name__}")
    return from_.category <= to.category


# ---------------------------------------------------------------- Python functions on elements


def _elements(name: str, self: Any, others: tuple[Any, ...], function: Callable[..., Any]) -> Any:
    if self.requires_grad:
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    array = self._array()
    values = np.broadcast_arrays(array, *(o._array() for o in others))
    if values[0].shape != array.shape or any(overlaps(self, o) for o in others):
        raise RuntimeError(f"{name}(): the other operands must broadcast to {list(array.shape)}")
    results = [function(*(v.item() for v in row)) for row in zip(*(v.flat for v in values))]
    self._memory()[...] = dtypes.encoded(results, self.dtype).reshape(array.shape)
    return self


METHODS["apply_"] = lambda self, callable: _elements("apply_", self, (), callable)
METHODS["map_"] = lambda self, tensor, callable: _elements("map_", self, (tensor,), callable)
METHODS["map2_"] = lambda self, x, y, callable: _elements("map2_", self, (x, y), callable)


def new(self: Any, *args: Any) -> Any:
    """A tensor of this dtype: of a shape, or of data (`torch.Tensor.new`)."""
    return creation.legacy(self.dtype, args)


METHODS["new"] = new


class Typed(type):
    """The type of `torch.FloatTensor` and its kin: tensors of one dtype are their instances."""

    _typed: dtypes.dtype

    def __call__(cls, *args: Any) -> Any:
        return creation.legacy(cls._typed, args)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls._typed


def typed(name: str, dtype: dtypes.dtype) -> Typed:
    """`torch.FloatTensor` and its kin: a tensor of one dtype, of a shape or of data."""
    return Typed(name, (), {"_typed": dtype, "__module__": "torch", "__doc__": new.__doc__})
