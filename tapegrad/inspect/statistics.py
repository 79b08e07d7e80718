"""What a tensor holds, in a few words."""
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

BARS = "▁▂▃▄▅▆▇█"
_BINS = 8


class Statistics(NamedTuple):
    """A tensor in numbers: `low`, `high`, `mean` and the bars of `histogram` are of what is finite.

    >>> import tapegrad as torch
    >>> print(Statistics.of(torch.tensor([1.0, 2.0, 6.0, float("nan")])))
    1..6 mean 3 ██▁▁▁▁▁█, 1 nan
    >>> print(Statistics.of(torch.tensor(0.25)), Statistics.of(torch.tensor([True, False, True])))
    0.25 2 of 3 true
    """

    elements: int
    low: float
    high: float
    mean: float
    nans: int
    infinities: int
    histogram: str
    boolean: bool = False

    @classmethod
    def of(cls, tensor: Any) -> Statistics:
        """Of a tensor of any dtype; what has no elements has no numbers."""
        boolean = str(tensor.dtype).endswith("bool")
        if tensor.numel() == 1 and math.isfinite(one := float(tensor.item())):
            return cls(1, one, one, one, 0, 0, "", boolean)
        values = np.asarray(tensor.detach().double().numpy()).ravel()
        finite = values[np.isfinite(values)]
        nans = int(np.isnan(values).sum())
        if not len(finite):
            return cls(len(values), np.nan, np.nan, np.nan, nans, len(values) - nans, "", boolean)
        low, high = float(finite.min()), float(finite.max())
        with np.errstate(all="ignore"):
            mean = float(finite.mean())
        infinities = len(values) - len(finite) - nans
        return cls(len(values), low, high, mean, nans, infinities, _bars(finite, low, high), boolean)

    @property
    def finite(self) -> bool:
        return not self.nans and not self.infinities

    def __str__(self) -> str:
        if not self.elements:
            return "empty"
        if self.boolean:
            return f"{round(self.mean * self.elements)} of {self.elements} true"
        odd = [f"{n} {what}" for n, what in ((self.nans, "nan"), (self.infinities, "inf")) if n]
        if self.nans + self.infinities == self.elements:
            return " ".join(odd) if self.elements > 1 else ("nan" if self.nans else "inf")
        if self.low == self.high:
            shown = [f"{self.low:.4g}"]
        else:
            shown = [f"{self.low:.3g}..{self.high:.3g} mean {self.mean:.3g} {self.histogram}".rstrip()]
        return ", ".join(shown + odd)


def _bars(values: np.ndarray[Any, Any], low: float, high: float) -> str:
    """The histogram of some finite values between their least and greatest, a bar for an eighth of the way."""
    width = high - low
    if not 0 < width < np.inf:
        return ""
    counts = np.bincount(np.minimum(((values - low) * (_BINS / width)).astype(int), _BINS - 1), minlength=_BINS)
    return "".join(BARS[int(np.ceil((len(BARS) - 1) * n / counts.max()))] for n in counts)
