"""What a namespace shows of itself: names that users are offered, and none of those it is made with."""
from __future__ import annotations

import sys


def show_public(module: str, *rooms: str) -> None:
    """Have `dir()` of a module list what its `__all__` does, the `rooms` it names, and what every module has.

    >>> import tapegrad
    >>> [name for name in dir(tapegrad.special) if name.startswith("log")]
    ['log1p', 'log_ndtr', 'log_softmax', 'logit', 'logsumexp']

    Without an `__all__`, public is what the module itself defines and does not begin with an underscore.
    """
    found = vars(sys.modules[module])

    def listed() -> list[str]:
        own = found.get("__all__") or [name for name, value in found.items()
                                       if name[0] != "_" and getattr(value, "__module__", None) == module]
        return sorted({*own, *rooms, *(name for name in found if name[:2] == name[-2:] == "__")})

    found["__dir__"] = listed
