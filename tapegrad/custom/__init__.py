"""Functions of numbers, written in Python for Numba, as operations of the interpreter: `custom_op`."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["custom_op"]


def custom_op(function: Callable[..., Any] | None = None, *, vjp: Callable[..., Any] | None = None,
              name: str | None = None) -> Any:
    """An operation on each element, from a function of numbers (or a decorator that makes one).

    >>> import math, tapegrad
    >>> @custom_op
    ... def bump(x, width):
    ...     return math.exp(-(x / width) ** 2)
    >>> x = tapegrad.tensor([0.0, 1.0], requires_grad=True)
    >>> y = bump(x, 2.0)
    >>> y
    tensor([1.0000, 0.7788], grad_fn=<BumpBackward0>)
    >>> y.sum().backward()
    >>> x.grad
    tensor([-0.0000, -0.3894])

    Operands broadcast; the result is of their promoted dtype, whole numbers count as floats, and it is computed in that
    dtype. Arithmetic, comparisons, functions of `math` and of NumPy on numbers (`numpy.where` too), and functions made
    of these, are followed: the operation is then fused as any built-in one, and its adjoint is derived, to any order.
    A function that branches or loops on values is compiled by Numba and called for each element, in double or single
    precision; where it raises, the element is NaN.

    `vjp` gives the adjoint: called with what its parameters name, `g` (the gradient of the result), `out` (the result)
    and the operands, it returns the gradient of each operand, a tuple for several. A function that cannot be followed
    has none otherwise: a backward through it is refused. Values that the functions read are those of the moment of
    declaration. Raises TypeError for what is no function of numbers.
    """
    if function is None:
        return functools.partial(custom_op, vjp=vjp, name=name)
    from tapegrad.custom.declaring import declared

    return declared(function, vjp, name)
