"""Functions of numbers and of arrays, written in Python for Numba, as operations of the interpreter: `custom_op`."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["custom_op"]


def custom_op(function: Callable[..., Any] | None = None, *, vjp: Callable[..., Any] | None = None,
              name: str | None = None, signature: str | None = None, jvp: Callable[..., Any] | None = None) -> Any:
    """An operation from a function of numbers, done on each element, or of arrays (or a decorator that makes one).

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

    With a `signature` as NumPy's generalised ufuncs have it, it is a function of arrays, which Numba compiles: what is
    in parentheses are the dimensions it works on, axes before those are loops, which broadcast. It returns its results,
    or has parameters more that they are written to. Its `vjp` is one too (of several results, of `g0`, `out0`, `g1`,
    …), and so is `jvp`, of operands and tangents `x_dot`.

    >>> row_norms = custom_op(lambda x: (x * x).sum() ** 0.5, signature="(n)->()", vjp=lambda g, out, x: g / out * x)
    >>> x = tapegrad.tensor([[3.0, 4.0], [0.0, 2.0]], requires_grad=True)
    >>> tapegrad.autograd.grad(row_norms(x).sum(), x)
    (tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]]),)

    Raises ValueError where shapes do not fit, and whatever the function raises.
    """
    if function is None:
        return functools.partial(custom_op, vjp=vjp, name=name, signature=signature, jvp=jvp)
    from tapegrad.custom.declaring import declared

    return declared(function, vjp, name, signature, jvp)
