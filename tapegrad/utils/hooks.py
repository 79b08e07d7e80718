"""What registering a hook returns (`torch.utils.hooks`)."""
from __future__ import annotations

from tapegrad.namespaces import show_public
from tapegrad.tape.hooks import RemovableHandle

__all__ = ["RemovableHandle"]
show_public(__name__)
