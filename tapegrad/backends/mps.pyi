"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar



def is_available() -> bool:
    """There is no such device: False."""

def is_built() -> bool:
    """There is no such device: False."""

def is_macos13_or_newer(minor: Any = 0) -> bool:
    """There is no such device: False."""

