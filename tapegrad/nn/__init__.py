"""Small layers (`torch.nn`)."""
from tapegrad.nn import functional
from tapegrad.tensor import Parameter

__all__ = ["Parameter", "functional"]
