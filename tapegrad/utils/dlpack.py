"""Memory shared with other libraries by DLPack (`torch.utils.dlpack`)."""
from tapegrad.functions.array_protocols import from_dlpack, to_dlpack
from tapegrad.namespaces import show_public

__all__ = ["from_dlpack", "to_dlpack"]
show_public(__name__)
