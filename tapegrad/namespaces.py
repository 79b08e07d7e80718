"""What a namespace shows of itself: names that users are offered, and none of those it is made with."""
from __future__ import annotations

import sys
from collections.abc import Callable


def showing(module: str) -> Callable[[], list[str]]:
    """A namespace's `__dir__`: what its `__all__` lists, and what every module has.

    >>> import tapegrad
    >>> [name for name in dir(tapegrad.special) if name.startswith("log")]
    ['log1p', 'log_ndtr', 'log_softmax', 'logit', 'logsumexp']
    """
    def listed() -> list[str]:
        found = vars(sys.modules[module])
        return sorted({*found["__all__"], *(name for name in found if name[:2] == name[-2:] == "__")})

    return listed
