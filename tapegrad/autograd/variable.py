"""`torch.autograd.Variable`: what tensors with gradients were before they were tensors."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad import errors
from tapegrad.autograd.engine import ExecutionEngine
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.protocols import alias

__all__ = ["Variable"]
show_public(__name__)


class _VariableType(type):
    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, machine.TensorBase)


class Variable(metaclass=_VariableType):
    """A leaf on the memory of a tensor (`torch.autograd.Variable`); every tensor is an instance.

    >>> import tapegrad
    >>> x = tapegrad.ones(2)
    >>> v = Variable(x, requires_grad=True)
    >>> type(v) is tapegrad.Tensor, v.requires_grad, isinstance(x, Variable)
    (True, True, True)

    Raises TypeError for data that is no tensor.
    """

    _execution_engine: ExecutionEngine = ExecutionEngine()

    def __new__(cls, data: Any = None, requires_grad: Any = False, volatile: Any = None) -> Any:
        if volatile is not None:
            warnings.warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                          UserWarning, stacklevel=2)
        if data is None:
            data = machine.tensor_type()
        if not isinstance(data, machine.TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if requires_grad and not data.dtype.is_floating_point:
            raise RuntimeError(errors.REQUIRES_GRAD_FLOAT)
        return alias(data, machine.tensor_type).requires_grad_(bool(requires_grad))
