"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

def current_device() -> str:
    """What there is to know of the one CPU (`torch.cpu.current_device`)."""

def current_stream(device: Any = None) -> None:
    """What there is to know of the one CPU (`torch.cpu.current_stream`)."""

def device_count() -> int:
    """What there is to know of the one CPU (`torch.cpu.device_count`)."""

def is_available() -> bool:
    """What there is to know of the one CPU (`torch.cpu.is_available`)."""

def is_initialized() -> bool:
    """What there is to know of the one CPU (`torch.cpu.is_initialized`)."""

def set_device(device: Any) -> None:
    """What there is to know of the one CPU (`torch.cpu.set_device`)."""

def synchronize(device: Any = None) -> None:
    """There is nothing to be done."""

