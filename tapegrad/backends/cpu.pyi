"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar



def get_cpu_capability() -> str:
    """There is no such device: 'DEFAULT'."""

