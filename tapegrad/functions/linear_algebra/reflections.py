"""Factorisation by reflections as LAPACK leaves it, and products with what it stands for."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import creation
from tapegrad.autograd.made_nodes import without_derivative
from tapegrad.creation import from_array
from tapegrad.functions.common import into, into_each, kind_name, method, named
from tapegrad.functions.linear_algebra.solving import expect_kernel
from tapegrad.functions.several_outputs import one_node
from tapegrad.tensor import Tensor


@method
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """R, below it the reflections whose product is Q, and their factors (`torch.geqrf`); see `linalg.qr`.

    >>> import tapegrad as torch
    >>> torch.geqrf(torch.tensor([[3.0], [4.0]]))
    torch.return_types.geqrf(
    a=tensor([[-5.0000],
            [ 0.5000]]),
    tau=tensor([1.6000]))
    """
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    expect_kernel("geqrf_cpu", input)
    x = input._array()
    batch, k = x.shape[:-2], min(x.shape[-2:])
    a, tau = np.array(x), np.zeros((*batch, k), x.dtype)
    if x.size:
        from scipy.linalg import lapack

        routine = lapack.dgeqrf if x.dtype == np.float64 else lapack.sgeqrf
        for i in np.ndindex(batch):
            a[i], tau[i] = routine(x[i])[:2]
    found = [without_derivative(from_array(y, input.dtype), "GeqrfBackward0", input, refusal=NotImplementedError(
        "the derivative for 'geqrf' is not implemented.")) for y in (a, tau)]
    a, tau = into_each(out, found)
    return named("geqrf", a=a, tau=tau)


@method
@one_node("OrmqrBackward0")
def ormqr(input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False, *, out: Any = None
          ) -> Any:
    """A product with the whole Q that the reflections of `geqrf` stand for (`torch.ormqr`): `Q @ input3`, or
    `input3 @ Q`.

    >>> import tapegrad as torch
    >>> torch.ormqr(*torch.geqrf(torch.tensor([[3.0], [4.0]])), torch.tensor([[-5.0], [0.0]])).round()
    tensor([[3.],
            [4.]])
    """
    _expect(input, input2, input3, left)
    m, n = input.shape[-2:]
    vectors = input.tril(-1) + creation.eye(m, n, dtype=input.dtype)
    found = (input3 if left else input3.mT) + 0 * (vectors.sum() + input2.sum())  # recorded, be there no reflection
    count = input2.shape[-1]
    for i in range(count) if transpose is left else reversed(range(count)):
        v = vectors.narrow(-1, i, 1)
        found = found - input2.narrow(-1, i, 1).unsqueeze(-1) * (v @ (v.mT @ found))
    return into(out, found if left else found.mT)


def _expect(a: Tensor, tau: Tensor, x: Tensor, left: bool) -> None:
    side = -2 if left else -1
    for name, y in (("input", a), ("other", x)):
        if y.ndim < 2:
            raise RuntimeError(f"torch.ormqr: {name} must have at least 2 dimensions.")
    if tau.shape[-1:] != (min(x.shape[side], a.shape[-1]),):
        raise RuntimeError(f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if x.shape[side] != a.shape[-2]:
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2]")
    if a.ndim - tau.ndim != 1:
        raise RuntimeError("torch.ormqr: Expected tau to have one dimension less than input, but got tau.ndim equal "
                           f"to {tau.ndim} and input.ndim is equal to {a.ndim}")
    if a.ndim != x.ndim:
        raise RuntimeError("torch.ormqr: Expected other to have the same number of dimensions as input, but got "
                           f"other.ndim equal to {x.ndim} and input.ndim is equal to {a.ndim}")
    for name, batch in (("tau", tau.shape[:-1]), ("other", x.shape[:-2])):
        if tuple(batch) != tuple(a.shape[:-2]):
            raise RuntimeError(f"torch.ormqr: Expected batch dimensions of {name} to be equal to input.shape[:-2], but "
                               f"got {[*batch]}")
    for name, y in (("tau", tau), ("other", x)):
        if y.dtype is not a.dtype:
            raise RuntimeError(f"torch.ormqr: Expected input and {name} to have the same dtype, but input has dtype"
                               f"{kind_name(a)} and {name} has dtype {kind_name(y)}")
    expect_kernel("ormqr_cpu", a)
