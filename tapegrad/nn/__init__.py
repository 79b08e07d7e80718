"""Small layers (`torch.nn`)."""
from tapegrad.nn import functional
from tapegrad.parameters import Parameter

__all__ = ["Parameter", "functional"]
