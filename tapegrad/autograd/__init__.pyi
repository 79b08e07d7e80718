"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad.autograd import function as function
from tapegrad.autograd import graph as graph
from tapegrad.autograd.anomaly import detect_anomaly as detect_anomaly
from tapegrad.autograd.anomaly import set_detect_anomaly as set_detect_anomaly
from tapegrad.autograd.function import Function as Function
from tapegrad.autograd.gradcheck import GradcheckError as GradcheckError
from tapegrad.autograd.gradcheck import gradcheck as gradcheck
from tapegrad.autograd.gradcheck import gradgradcheck as gradgradcheck
from tapegrad.autograd.modes import enable_grad as enable_grad
from tapegrad.autograd.modes import inference_mode as inference_mode
from tapegrad.autograd.modes import is_multithreading_enabled as is_multithreading_enabled
from tapegrad.autograd.modes import no_grad as no_grad
from tapegrad.autograd.modes import set_grad_enabled as set_grad_enabled
from tapegrad.autograd.modes import set_multithreading_enabled as set_multithreading_enabled
from tapegrad.autograd.saved_values import SavedTensor as SavedTensor
from tapegrad.autograd.variable import Variable as Variable

__all__: list[str]

def backward(tensors: Any, grad_tensors: Any=None, retain_graph: bool | None=None, create_graph: bool=False, grad_variables: Any=None, inputs: Any=None) -> None:
    r"""Accumulate the gradients of several tensors into the leaves they depend on (`torch.autograd.backward`).

    >>> import tapegrad
    >>> x = tapegrad.tensor(3.0, requires_grad=True)
    >>> backward([x * 2, x * x]); x.grad
    tensor(8.)

    `inputs` restricts the leaves. Raises RuntimeError as `Tensor.backward` does."""

def grad(outputs: Any, inputs: Any, grad_outputs: Any=None, retain_graph: bool | None=None, create_graph: bool=False, only_inputs: bool=True, allow_unused: bool | None=None, is_grads_batched: bool=False, materialize_grads: bool=False) -> tuple[Any, ...]:
    r"""The gradients of `outputs` with respect to `inputs`, which keep their `.grad` (`torch.autograd.grad`).

    >>> import tapegrad
    >>> x = tapegrad.tensor(3.0, requires_grad=True)
    >>> (g,) = grad(x ** 3, x, create_graph=True); g
    tensor(27., grad_fn=<MulBackward0>)
    >>> grad(g, x)
    (tensor(18.),)

    An input that nothing depends on is a RuntimeError, unless `allow_unused` (its gradient is None) or
    `materialize_grads` (it is zero). With `is_grads_batched`, `grad_outputs` have a leading axis more than the outputs
    and are swept together, as by `vmap`; the gradients have that axis, too."""

