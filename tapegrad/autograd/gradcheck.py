"""`gradcheck` and `gradgradcheck`: the gradients of a function against finite differences (`torch.autograd.gradcheck`).

The numerical Jacobian perturbs the inputs in place, an element at a time; the analytical one is a backward for each
element of the output. With `fast_mode` both are compared along one random direction.
"""
from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import autograd, creation, drawing, dtypes
from tapegrad.autograd import forward_ad, modes
from tapegrad.autograd.function import Function
from tapegrad.lazy_modules import lazy
from tapegrad.tensor import Tensor

_higher = lazy("tapegrad", "batching")
Array = np.ndarray[Any, Any]
Jacobian = Array  # an input element a row, an output element a column

FAST = """
The above quantities relating the numerical and analytical jacobians are computed{trailing}
in fast mode. See: https://github.com/pytorch/pytorch/issues/53876 for more background{trailing}
about fast mode. Below, we recompute numerical and analytical jacobians in slow mode:

Numerical:
 {numerical}
Analytical:
{analytical}

The max per-element difference (slow mode) is: {difference}.
"""


class GradcheckError(RuntimeError):
    """A gradient is wrong (`torch.autograd.gradcheck.GradcheckError`)."""


def _several(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (list, tuple)) else (x,)


def _checked(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _differentiable(outputs: Any) -> list[Any]:
    return [o for o in _several(outputs) if o.requires_grad]


def gradcheck(func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
              raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
              check_grad_dtypes: bool = False, check_batched_grad: bool = False,
              check_batched_forward_grad: bool = False, check_forward_ad: bool = False, check_backward_ad: bool = True,
              fast_mode: bool = False, masked: bool | None = None) -> bool:
    """Whether the gradients of `func` at `inputs` are what finite differences say.

    >>> import tapegrad
    >>> x = tapegrad.tensor([0.5, -1.0], dtype=tapegrad.float64, requires_grad=True)
    >>> gradcheck(lambda x: x.exp() * x, x)
    True

    Inputs should be of double precision. Raises GradcheckError where they disagree, unless `raise_exception` is False.
    With `check_forward_ad` tangents are checked, too; with `check_batched_grad` `grad(is_grads_batched=True)`, and with
    `check_batched_forward_grad` tangents under `vmap`.
    """
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    given = _several(inputs)
    try:
        _check_inputs(given)
        outputs = func(*given)
        wanted = _differentiable(outputs)
        if not wanted:
            _check_constant(func, given, outputs, eps)
            return True
        if check_backward_ad:
            for i, output in enumerate(_several(outputs)):
                if output.requires_grad:
                    _check_output(func, given, i, output, eps, atol, rtol, nondet_tol, check_grad_dtypes, fast_mode)
            _check_multiplied(wanted, given)
            if check_undefined_grad:
                _check_undefined(func, given)
            if check_batched_grad:
                _check_batched(func, given)
        if check_forward_ad:
            _check_forward(func, given, outputs, eps, atol, rtol)
            if check_batched_forward_grad:
                _check_batched_forward(func, given)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_batched(func: Callable[..., Any], given: Sequence[Any]) -> None:
    """Several cotangents at once have to give the gradients of each."""
    inputs = [x for x in given if _checked(x)]
    for output in _differentiable(func(*given)):
        cotangents = drawing.randn((2, *output.shape), dtype=output.dtype)
        apart = [autograd.grad(output, inputs, g, retain_graph=True, allow_unused=True) for g in cotangents]
        both = autograd.grad(output, inputs, cotangents, retain_graph=True, allow_unused=True, is_grads_batched=True)
        for rows, found in zip(zip(*apart), both):
            for i, row in enumerate(rows):
                if row is not None and not row.allclose(found[i]):
                    raise GradcheckError(f"While computing batched gradients, got: {found[i]}, which is not the "
                                         f"gradient of that row: {row}")


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6,
                  atol: float = 1e-5, rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False,
                  raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
                  check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_fwd_over_rev: bool = False,
                  check_rev_over_rev: bool = True, fast_mode: bool = False, masked: bool = False) -> bool:
    """Whether the gradients of the gradients are right too; `grad_outputs` are random unless they are given.

    >>> import tapegrad
    >>> x = tapegrad.tensor([0.5, -1.0], dtype=tapegrad.float64, requires_grad=True)
    >>> gradgradcheck(lambda x: x ** 3, x)
    True
    """
    given = _several(inputs)
    if grad_outputs is None:
        outputs = _differentiable(func(*given))
        made = []
        for o in outputs:
            size, gaps = tuple(o.shape), gen_non_contig_grad_outputs and o.numel() > 1
            g = creation.empty((*size[:-1], 2 * size[-1]) if gaps else size, dtype=o.dtype)
            g.uniform_(-1, 1)  # as PyTorch draws them, so that its programs draw the same afterwards
            if gaps:
                g = g[..., 1::2]
            made.append(g.requires_grad_())
        cotangents = tuple(made)
    else:
        cotangents = _several(grad_outputs)
    count = len(cotangents)

    def gradients(*args: Any) -> Any:
        xs, gs = args[:-count] if count else args, args[-count:] if count else ()
        found = autograd.grad(_differentiable(func(*xs)), [x for x in xs if _checked(x)], gs, create_graph=True,
                              allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(gradients, (*given, *cotangents), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
                     nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad,
                     check_grad_dtypes=check_grad_dtypes, check_batched_grad=check_batched_grad,
                     check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev, fast_mode=fast_mode)


# ---------------------------------------------------------------- the checks


def _check_inputs(given: Sequence[Any]) -> None:
    if not any(map(_checked, given)):
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have "
                         "requires_grad=True.")
    for i, x in enumerate(given):
        if not _checked(x):
            continue
        if x.itemsize < 8:
            warnings.warn(f"Input #{i} requires gradient and is not a double precision floating point or complex. This "
                          "check will likely fail if all the inputs are not of double precision floating point or "
                          "complex. ", stacklevel=4)
        if any(s == 0 and n > 1 for n, s in zip(x.shape, x.stride())):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )
        x.retain_grad()


def _check_constant(func: Callable[..., Any], given: Sequence[Any], outputs: Any, eps: float) -> None:
    for i, output in enumerate(_several(outputs)):
        if not output.dtype.is_floating_point:
            continue
        for x in filter(_checked, given):
            if np.abs(_numerical(func, given, x, i, eps)).max(initial=0) > eps:
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_output(func: Callable[..., Any], given: Sequence[Any], i: int, output: Any, eps: float, atol: float,
                  rtol: float, nondet_tol: float, check_grad_dtypes: bool, fast_mode: bool) -> None:
    names = [j for j, x in enumerate(given) if _checked(x)]
    xs = [given[j] for j in names]
    analytical = _analytical(output, xs, check_grad_dtypes)
    again = _analytical(output, xs, False)
    for j, found, repeated in zip(names, analytical, again):
        spread = np.abs(found - repeated).max(initial=0)
        if spread > nondet_tol:
            expected = _numerical(func, given, given[j], i, eps)
            if not _close(found, expected, atol, rtol):
                raise _mismatch(i, j, expected, found)
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                "gives different values, although analytical gradient matches numerical gradient.The tolerance for "
                f"nondeterminism was {nondet_tol}."
            )
    for j, found in zip(names, analytical):
        x = given[j]
        if not fast_mode:
            expected = _numerical(func, given, x, i, eps)
            if not _close(found, expected, atol, rtol):
                raise _mismatch(i, j, expected, found)
            continue
        u, v = _direction(found.shape[0]), _direction(found.shape[1])
        along = float(_numerical_along(func, given, x, i, eps, u) @ v)
        here = float(u @ found @ v)
        if not abs(along - here) <= atol + rtol * abs(along):
            expected = _numerical(func, given, x, i, eps)
            raise _mismatch(i, j, along, here, FAST.format(
                numerical=_shown(expected), analytical=_shown(found), trailing=" ",
                difference=np.abs(expected - found).max(initial=0)))


def _check_forward(func: Callable[..., Any], given: Sequence[Any], outputs: Any, eps: float, atol: float, rtol: float
                   ) -> None:
    """Tangents along each element of each input, against finite differences."""
    expected = {j: _differences(func, given, x, eps) for j, x in enumerate(given) if _checked(x)}
    for j, differences in expected.items():
        x = given[j]
        found = [_pushed(func, given, j, k) for k in range(x.numel())]
        for i, output in enumerate(_several(outputs)):
            if not output.dtype.is_floating_point:
                continue
            jacobian, numerical = (np.array([column[i] for column in columns], x.dtype.numpy).reshape(
                x.numel(), output.numel()) for columns in (found, differences))
            if not _close(jacobian, numerical, atol, rtol):
                raise _mismatch(i, j, numerical, jacobian, kind="Jacobian computed with forward mode")


def _pushed(func: Callable[..., Any], given: Sequence[Any], j: int, k: int) -> list[Array]:
    """The tangents of the outputs along the k-th element of an input."""
    along = np.eye(1, given[j].numel(), k, given[j].dtype.numpy).reshape(given[j].shape)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(given[j].detach(), creation.from_array(along))
        found = _several(func(*[dual if i == j else x.detach() if isinstance(x, Tensor) else x
                                for i, x in enumerate(given)]))
        tangents = [forward_ad.unpack_dual(y).tangent for y in found]
    return [np.zeros(y.shape) if t is None else t.detach().numpy() for y, t in zip(found, tangents)]


def _check_batched_forward(func: Callable[..., Any], given: Sequence[Any]) -> None:
    """Several tangents at once have to give the tangents of each."""
    plain = [x.detach() if isinstance(x, Tensor) else x for x in given]
    for j, x in enumerate(given):
        if not _checked(x):
            continue

        def pushed(tangent: Any, j: int = j) -> tuple[Any, ...]:
            with forward_ad.dual_level():
                dual = forward_ad.make_dual(plain[j], tangent)
                found = _several(func(*[dual if i == j else x for i, x in enumerate(plain)]))
                both = [forward_ad.unpack_dual(y) for y in found if y.dtype.is_floating_point]
                return tuple(y.tangent if y.tangent is not None else y.primal * 0 for y in both)

        tangents = drawing.randn((2, *x.shape), dtype=x.dtype)
        apart, both = zip(*map(pushed, tangents)), _higher["batching"].vmap(pushed)(tangents)
        for rows, found in zip(apart, both):
            for i, row in enumerate(rows):
                if not row.allclose(found[i]):
                    raise GradcheckError(f"While computing batched forward gradients, got: {found[i]}, which is not "
                                         f"the tangent of that row: {row}")


def _close(found: Jacobian, expected: Jacobian, atol: float, rtol: float) -> bool:
    return np.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True)


def _shown(jacobian: Any) -> str:
    return repr(creation.from_array(jacobian)) if isinstance(jacobian, np.ndarray) else repr(jacobian)


def _mismatch(i: int, j: int, numerical: Any, analytical: Any, more: str = "", kind: str = "Jacobian"
              ) -> GradcheckError:
    return GradcheckError(f"{kind} mismatch for output {i} with respect to input {j},\n"
                          f"numerical:{_shown(numerical)}\nanalytical:{_shown(analytical)}\n{more}")


def _check_multiplied(outputs: Sequence[Any], given: Sequence[Any]) -> None:
    """A gradient that no cotangent is a factor of does not vanish with it."""
    xs = [x for x in given if _checked(x)]
    found = autograd.grad(outputs, xs, [o.detach().clone().zero_() for o in outputs], retain_graph=True,
                          allow_unused=True)
    for x, g in zip(xs, found):
        if g is None:
            continue
        if g.dtype is not x.dtype:
            raise GradcheckError("grad is incorrect type")
        if tuple(g.shape) != tuple(x.shape):
            raise GradcheckError("grad is incorrect size")
        if np.any(np.nan_to_num(g.detach().numpy()) != 0):
            raise GradcheckError("backward not multiplied by grad_output")


class _NoGradient(Function):
    """The value itself, to which no gradient arrives."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Any) -> None:
        return None


def _check_undefined(func: Callable[..., Any], given: Sequence[Any]) -> None:
    """Rules that are passed None, of all outputs or of one of several, count it as zero."""
    xs, count = [x for x in given if _checked(x)], len(_differentiable(func(*given)))
    for left_out in [{*range(count)}, *([{k} for k in range(count)] if count > 1 else [])]:
        outputs = [_NoGradient.apply(o) if k in left_out else o for k, o in enumerate(_differentiable(func(*given)))]
        zeros = [o.detach().clone().zero_() for o in outputs]
        try:
            found = autograd.grad(outputs, xs, zeros, allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(_UNDEFINED.format("Expected backward function to handle undefined output grads")
                                 ) from error
        if any(g is not None and np.any(g.detach().numpy() != 0) for g in found):
            raise GradcheckError(_UNDEFINED.format("Expected all input grads to be undefined or zero when all output "
                                                   "grads are undefined or zero"))


_UNDEFINED = ('{}. Please look at "Notes about undefined output gradients" in '
              '"tools/autograd/derivatives.yaml"')


# ---------------------------------------------------------------- Jacobians


def _analytical(output: Any, xs: Sequence[Any], check_dtypes: bool) -> list[Jacobian]:
    found = [np.zeros((x.numel(), output.numel()), x.dtype.numpy) for x in xs]
    cotangent = output.detach().clone().zero_()
    flat = cotangent.numpy().reshape(-1) if cotangent.is_contiguous() else None
    for k in range(output.numel()):
        if flat is None:
            cotangent = creation.from_array(np.eye(1, output.numel(), k, output.dtype.numpy).reshape(output.shape))
        else:
            flat[...] = 0
            flat[k] = 1
        gradients = autograd.grad(output, xs, cotangent, retain_graph=True, allow_unused=True)
        for jacobian, x, g in zip(found, xs, gradients):
            if g is None:
                continue
            if check_dtypes and g.dtype is not x.dtype:
                raise GradcheckError(f"Gradient has dtype {g.dtype}, expected {x.dtype}")
            jacobian[:, k] = g.detach().numpy().reshape(-1)
    return found


@contextlib.contextmanager
def _perturbed(memory: Array, index: Any, by: float) -> Iterator[None]:
    kept = memory[index].copy()
    memory[index] = kept + by
    try:
        yield
    finally:
        memory[index] = kept


def _values(func: Callable[..., Any], given: Sequence[Any]) -> list[Array]:
    # Inputs are perturbed behind the tape's back: what `func` returns may be an input, so it is copied.
    return [np.array(y.detach().numpy(), np.float64).reshape(-1) for y in _several(func(*given))]


def _slope(func: Callable[..., Any], given: Sequence[Any], memory: Array, index: Any, step: Any, eps: float
           ) -> list[Array]:
    """How all outputs change where a part of an input's memory does."""
    with _perturbed(memory, index, -step):
        low = _values(func, given)
    with _perturbed(memory, index, step):
        high = _values(func, given)
    return [(b - a) / (2 * eps) for a, b in zip(low, high)]


def _differences(func: Callable[..., Any], given: Sequence[Any], x: Any, eps: float) -> list[list[Array]]:
    """How all outputs change with each element of an input."""
    memory = x.detach().numpy()
    return [_slope(func, given, memory, index, eps, eps) for index in np.ndindex(memory.shape)]


def _numerical(func: Callable[..., Any], given: Sequence[Any], x: Any, i: int, eps: float) -> Jacobian:
    rows = [slopes[i] for slopes in _differences(func, given, x, eps)]
    return np.array(rows, x.dtype.numpy).reshape(x.numel(), _values(func, given)[i].size)


def _numerical_along(func: Callable[..., Any], given: Sequence[Any], x: Any, i: int, eps: float, u: Array) -> Array:
    memory = x.detach().numpy()
    return _slope(func, given, memory, ..., u.reshape(memory.shape) * eps, eps)[i]


def _direction(n: int) -> Array:
    with modes.no_grad():
        u = drawing.rand(n, dtype=dtypes.float64).numpy() + 1e-3
    return u / np.linalg.norm(u) if n else u
