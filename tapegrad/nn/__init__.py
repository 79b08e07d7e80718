"""Small layers (`torch.nn`)."""
from tapegrad.nn import functional

__all__ = ["functional"]
