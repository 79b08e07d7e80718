"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar



allow_tf32: bool
deterministic: bool
enabled: bool
def flags(enabled: Any = False, deterministic: Any = False, allow_tf32: Any = True, fp32_precision: Any = 'none') -> Any:
    """A block with switches set, which change nothing here."""

def is_available() -> bool:
    """There is no such device: False."""

def verbose(level: Any) -> Any:
    """A block with switches set, which change nothing here."""

