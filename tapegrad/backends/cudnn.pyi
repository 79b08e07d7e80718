"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar



allow_tf32: bool
benchmark: bool
benchmark_limit: Any
deterministic: bool
enabled: bool
def flags(enabled: Any = False, benchmark: Any = False, benchmark_limit: Any = 10, deterministic: Any = False, allow_tf32: Any = True, fp32_precision: Any = 'none', depthwise_kernel: Any = 'auto') -> Any:
    """A block with switches set, which change nothing here."""

fp32_precision: str
def is_acceptable(tensor: Any) -> bool:
    """There is no such device: False."""

def is_available() -> bool:
    """There is no such device: False."""

def version() -> None:
    """There is nothing to be done."""

