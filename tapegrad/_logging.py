"""What programs turn on to watch PyTorch's compiler (`torch._logging`), which is not here."""
from typing import Any


def set_logs(**levels: Any) -> None:
    """Nothing is logged."""
