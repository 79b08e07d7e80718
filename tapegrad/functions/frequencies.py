"""What `torch.fft` has of real numbers: frequencies, and their order. Transforms are complex, and refused."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import creation, dtypes, errors
from tapegrad.dtypes import dtype as Dtype
from tapegrad.functions.common import into
from tapegrad.functions.shaping.rearranging import roll
from tapegrad.signatures.kinds import Ints, Number, Tensor


def _frequencies(name: str, places: Any, n: int, d: Number, out: Any, dtype: Any, device: Any, layout: Any,
                 requires_grad: bool) -> Any:
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if dtype.category != 2:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    step = 1 / (n * d) if n * d else float("nan") if not n else float("inf")
    found = creation.as_tensor(places, dtype=dtype, device=device) * step
    if out is not None:
        return into(out, found)
    return found.requires_grad_() if requires_grad else found


def fftfreq(n: int, d: Number = 1.0, *, out: Any = None, dtype: Dtype | None = None, layout: Any = None,
            device: Any = None, requires_grad: bool = False) -> Any:
    """The frequencies of a transform of n samples that lie d apart (`torch.fft.fftfreq`)."""
    places = [*range((n + 1) // 2), *range(-(n // 2), 0)]
    return _frequencies("fftfreq", places, n, d, out, dtype, device, layout, requires_grad)


def rfftfreq(n: int, d: Number = 1.0, *, out: Any = None, dtype: Dtype | None = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False) -> Any:
    """The same for a transform of real samples, none of which is negative (`torch.fft.rfftfreq`)."""
    return _frequencies("rfftfreq", [*range(n // 2 + 1)], n, d, out, dtype, device, layout, requires_grad)


def _shifted(input: Any, dim: Any, forwards: bool) -> Any:
    dims = [*range(input.ndim)] if dim is None else [dim] if isinstance(dim, int) else [*dim]
    sizes = [input.size(d) for d in dims]
    return roll(input, [n // 2 if forwards else (n + 1) // 2 for n in sizes], dims)


def fftshift(input: Tensor, dim: Ints | None = None) -> Any:
    """Rolled so that frequency zero is in the middle (`torch.fft.fftshift`)."""
    return _shifted(input, dim, True)


def ifftshift(input: Tensor, dim: Ints | None = None) -> Any:
    """Rolled back (`torch.fft.ifftshift`)."""
    return _shifted(input, dim, False)


def _refusing(name: str, head: str) -> Callable[..., Any]:
    def refuse() -> Any:
        raise NotImplementedError(f"fft_{name}(): {errors.COMPLEX.format(dtypes.complex64)}")

    function: Callable[..., Any] = eval(f"lambda {head}: refuse()", {"refuse": refuse})  # for a signature of its own
    function.__name__ = function.__qualname__ = name
    function.__module__ = "tapegrad.fft"
    function.__doc__ = f"NotImplementedError: there are no complex tensors (`torch.fft.{name}`)."
    return function


_ALONG = "input, n=None, dim=-1, norm=None, *, out=None"
_HEADS = {"": _ALONG, "2": "input, s=None, dim=(-2, -1), norm=None, *, out=None",
          "n": "input, s=None, dim=None, norm=None, *, out=None"}
_KINDS = "fft ifft rfft irfft hfft ihfft"
TRANSFORMS = {name: _refusing(name, head) for rank, head in _HEADS.items()
              for name in [kind + rank for kind in _KINDS.split()]}
FREQUENCIES = {f.__name__: f for f in (fftfreq, rfftfreq, fftshift, ifftshift)}
