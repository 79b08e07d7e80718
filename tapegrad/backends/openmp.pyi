"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar



def is_available() -> bool:
    """There is no such device: False."""

