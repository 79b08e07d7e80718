"""Windows: weights that end a piece of a signal softly (`torch.signal.windows`).

Of length M, symmetric; with `sym=False` the first M of one that is longer by one, whose copies fit together side by
side.
"""
from __future__ import annotations

import math
from typing import Any

from tapegrad import creation, dtypes, formats
from tapegrad.dtypes import dtype as Dtype
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming",
           "hann", "kaiser", "nuttall"]
show_public(__name__)


def _expect(name: str, M: int, dtype: Any, layout: Any) -> Any:
    """The dtype of a window; ValueError for what is none."""
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not formats.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return dtype


def _few(M: int, given: dict[str, Any]) -> Tensor:
    return creation.ones((M,), **given)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: Dtype | None = None,
                layout: Any = formats.strided, device: Any = None, requires_grad: bool = False) -> Tensor:
    """e to the power of minus the distance from `center`, in units of `tau` (`torch.signal.windows.exponential`).

    >>> exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    given = {"dtype": _expect("exponential", M, dtype, layout), "device": device, "requires_grad": requires_grad}
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if not M:
        return _few(M, given)
    middle = (M if not sym and M > 1 else M - 1) / 2.0 if center is None else center
    unit = 1 / tau
    return (-creation.linspace(-middle * unit, (-middle + (M - 1)) * unit, M, **given).abs()).exp()


def cosine(M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided, device: Any = None,
           requires_grad: bool = False) -> Tensor:
    """Half a period of the sine (`torch.signal.windows.cosine`).

    >>> cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    given = {"dtype": _expect("cosine", M, dtype, layout), "device": device, "requires_grad": requires_grad}
    if not M:
        return _few(M, given)
    unit = math.pi / (M + 1 if not sym and M > 1 else M)
    return creation.linspace(0.5 * unit, (0.5 + (M - 1)) * unit, M, **given).sin()


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided,
             device: Any = None, requires_grad: bool = False) -> Tensor:
    """The bell curve of a standard deviation (`torch.signal.windows.gaussian`).

    >>> gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    given = {"dtype": _expect("gaussian", M, dtype, layout), "device": device, "requires_grad": requires_grad}
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if not M:
        return _few(M, given)
    start, unit = -(M if not sym and M > 1 else M - 1) / 2.0, 1 / (std * math.sqrt(2))
    return (-creation.linspace(start * unit, (start + (M - 1)) * unit, M, **given) ** 2).exp()


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided,
           device: Any = None, requires_grad: bool = False) -> Tensor:
    """A Bessel function of a semicircle (`torch.signal.windows.kaiser`).

    >>> kaiser(3, beta=2.0)
    tensor([0.4387, 1.0000, 0.4387])
    """
    given = {"dtype": _expect("kaiser", M, dtype, layout), "device": device, "requires_grad": requires_grad}
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M < 2:
        return _few(M, given)
    most = creation.tensor(beta, dtype=given["dtype"], device=device)
    end = most if sym else -most + (M - 1) * (2.0 * most / M)
    k = creation.linspace(-most, most.minimum(end), M, **given)
    return (most * most - k.pow(2)).sqrt().i0() / most.i0()


def bartlett(M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """A triangle, zero at its ends (`torch.signal.windows.bartlett`).

    >>> bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    given = {"dtype": _expect("bartlett", M, dtype, layout), "device": device, "requires_grad": requires_grad}
    if M < 2:
        return _few(M, given)
    unit = 2 / (M if not sym else M - 1)
    return 1 - creation.linspace(-1, -1 + (M - 1) * unit, M, **given).abs()


def general_cosine(M: int, *, a: Any, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided,
                   device: Any = None, requires_grad: bool = False) -> Tensor:
    """A sum of cosines with weights `a`, of signs in turn (`torch.signal.windows.general_cosine`).

    >>> general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    given = {"dtype": _expect("general_cosine", M, dtype, layout), "device": device, "requires_grad": requires_grad}
    if not M:
        return _few(M, given)
    if M == 1:
        return _few(M, given)
    if not isinstance(a, (list, tuple)):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    unit = 2 * math.pi / (M if not sym else M - 1)
    k = creation.linspace(0, (M - 1) * unit, M, **given)
    weights = creation.tensor([(-1) ** i * w for i, w in enumerate(a)], dtype=given["dtype"], device=device)
    times = creation.arange(len(a), dtype=given["dtype"], device=device)
    return (weights.unsqueeze(-1) * (times.unsqueeze(-1) * k).cos()).sum(0)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, dtype: Dtype | None = None,
                    layout: Any = formats.strided, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A cosine on a pedestal, `alpha - (1 - alpha) * cos` (`torch.signal.windows.general_hamming`).

    >>> general_hamming(3, alpha=0.75)
    tensor([0.5000, 1.0000, 0.5000])
    """
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)


def hamming(M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided, device: Any = None,
            requires_grad: bool = False) -> Tensor:
    """`0.54 - 0.46 * cos` (`torch.signal.windows.hamming`).

    >>> hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """`0.5 - 0.5 * cos` (`torch.signal.windows.hann`).

    >>> hann(4, sym=False)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return general_hamming(M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device,
                           requires_grad=requires_grad)


def blackman(M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """Three cosines with Blackman's weights (`torch.signal.windows.blackman`).

    >>> blackman(5)
    tensor([-1.4901e-08,  3.4000e-01,  1.0000e+00,  3.4000e-01, -1.4901e-08])
    """
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device,
                          requires_grad=requires_grad)


def nuttall(M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: Any = formats.strided, device: Any = None,
            requires_grad: bool = False) -> Tensor:
    """Four cosines with Nuttall's weights (`torch.signal.windows.nuttall`).

    >>> nuttall(3)
    tensor([3.6280e-04, 1.0000e+00, 3.6280e-04])
    """
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype, layout=layout,
                          device=device, requires_grad=requires_grad)
