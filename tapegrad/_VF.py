"""Functions by the name that hand-written recurrent layers call them (`torch._VF`)."""
from typing import Any

import tapegrad


def __getattr__(name: str) -> Any:
    if name[:2] == "__":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(tapegrad, name)
