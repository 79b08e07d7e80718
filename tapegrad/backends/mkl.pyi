"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar



def is_available() -> bool:
    """There is no such device: False."""

def verbose(enable: Any) -> Any:
    """A block with switches set, which change nothing here."""

