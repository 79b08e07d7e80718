"""`Parameter`: a leaf that modules list as theirs."""
from __future__ import annotations

from typing import Any

from tapegrad import creation, errors
from tapegrad.autograd import modes
from tapegrad.machine.live import machine
from tapegrad.protocols import alias
from tapegrad.tensor import Tensor


class Parameter(Tensor):
    """A leaf that modules list as theirs (`torch.nn.Parameter`)."""

    __slots__ = ()
    _spreads = False

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        source = creation.empty(0) if data is None else data
        if requires_grad and not source.dtype.is_floating_point:
            raise RuntimeError(errors.REQUIRES_GRAD_FLOAT)
        return alias(source.detach(), cls).requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        if id(self) not in memo:
            with modes.no_grad():
                memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()


machine.state["parameter_type"] = id(Parameter)  # whose operations run natively, like a tensor's
