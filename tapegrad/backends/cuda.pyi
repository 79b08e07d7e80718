"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar



def cudnn_sdp_enabled() -> bool:
    """There is no such device: False."""

def enable_cudnn_sdp(enabled: Any) -> None:
    """There is nothing to be done."""

def enable_flash_sdp(enabled: Any) -> None:
    """There is nothing to be done."""

def enable_math_sdp(enabled: Any) -> None:
    """There is nothing to be done."""

def enable_mem_efficient_sdp(enabled: Any) -> None:
    """There is nothing to be done."""

def flash_sdp_enabled() -> bool:
    """There is no such device: False."""

def is_built() -> bool:
    """There is no such device: False."""

def math_sdp_enabled() -> bool:
    """There is no such device: True."""

matmul: Any
def mem_efficient_sdp_enabled() -> bool:
    """There is no such device: False."""

def preferred_linalg_library(backend: Any = None) -> None:
    """There is nothing to be done."""

def sdp_kernel(enable_flash: Any = True, enable_math: Any = True, enable_mem_efficient: Any = True, enable_cudnn: Any = True) -> Any:
    """A block with switches set, which change nothing here."""

