"""What tests ask of an operation's rule, for one that is declared elsewhere."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import creation, dtypes
from tapegrad.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tapegrad.compiler.compiled_function import Compiled
from tapegrad.tensor import Tensor


def check(operation: Any, samples: Sequence[Any], reference: Callable[..., Any] | None, twice: bool, rtol: float
          ) -> None:
    """See `tapegrad.testing.check_rule`."""
    if not hasattr(operation, "operation"):
        raise TypeError(f"check_rule() takes what custom_op() makes, not a {type(operation).__name__}")
    op, name = operation.operation, operation.__name__
    if operation.signature is not None:
        _check_arrays(operation, name, samples, reference, twice, rtol)
        return
    if len(samples) != op.arity:
        raise TypeError(f"check_rule() wants samples for each of the {op.arity} operands of {name}(), "
                        f"not {len(samples)}")
    columns = [np.asarray(s.detach().numpy() if isinstance(s, Tensor) else s, float).reshape(-1) for s in samples]
    size = max((len(c) for c in columns), default=0)
    columns = [np.resize(c, size) for c in columns]
    _values(operation, name, columns, reference, rtol)
    _shapes(operation, name, columns)
    if op.differentiable:
        points = [creation.tensor(c, requires_grad=True) for c in columns]
        _derivatives(operation, name, points, twice)


def _values(operation: Any, name: str, columns: Sequence[Any], reference: Any, rtol: float) -> None:
    """In both precisions what the function gives for numbers, as written and compiled."""
    for of, tolerance in ((dtypes.float64, rtol), (dtypes.float32, max(rtol, 1e-5))):
        operands = [creation.tensor(c, dtype=of) for c in columns]
        found = operation(*operands)
        rounded = [o.numpy() for o in operands]
        if reference is not None:
            wanted = np.array([reference(*map(float, row)) for row in zip(*rounded)])
            _compare(name, f"in {of.name}", found.numpy(), wanted, tolerance, rounded)
        compiled = Compiled(operation, eager_build=True)
        for _ in range(3):
            again = compiled(*operands)
        if compiled.replays < 1:
            raise AssertionError(f"{name}() is not compiled: {compiled.reason}")
        _compare(name, f"compiled, in {of.name}", again.numpy(), found.numpy(), tolerance, rounded)


def _shapes(operation: Any, name: str, columns: Sequence[Any]) -> None:
    """However operands lie, elements are computed by themselves."""
    operands = [creation.tensor(c) for c in columns]
    whole = operation(*operands).numpy()
    spread = [creation.tensor(np.repeat(c, 2))[::2] for c in columns]
    square = [o.expand(3, *o.shape) for o in operands]
    for what, found, wanted in (("of every other element", operation(*spread), whole),
                                ("of expanded operands", operation(*square), np.broadcast_to(whole, (3, *whole.shape))),
                                ("of nothing", operation(*[o[:0] for o in operands]), whole[:0]),
                                ("of numbers", operation(*[o[0] for o in operands]), whole[0])):
        if found.shape != wanted.shape:
            raise AssertionError(f"{name}() {what} has shape {tuple(found.shape)}, not {wanted.shape}")
        _compare(name, what, found.numpy(), wanted, 1e-12, columns)


def _derivatives(operation: Any, name: str, points: Sequence[Any], twice: bool, forward: bool = False) -> None:
    try:
        gradcheck(operation, points, check_forward_ad=forward)
        if twice:
            gradgradcheck(operation, points)
    except (GradcheckError, RuntimeError) as why:
        raise AssertionError(f"{name}(): the adjoint is not the derivative of the function: {why}") from why


def _check_arrays(operation: Any, name: str, samples: Sequence[Any], reference: Any, twice: bool, rtol: float) -> None:
    """The same of a function of arrays: `samples` are an array for each operand, without loops."""
    signature = operation.signature
    given = [np.asarray(s.detach().numpy() if isinstance(s, Tensor) else s) for s in samples]
    given = [a.astype(float) if a.dtype.kind == "f" else a for a in given]
    if len(given) != len(signature.operands):
        raise TypeError(f"check_rule() wants a sample for each of the {len(signature.operands)} operands of {name}(), "
                        f"not {len(given)}")
    function = operation.function if reference is None else reference
    fills = reference is None and function.__code__.co_argcount > len(given)
    for of, tolerance in ((dtypes.float64, rtol), (dtypes.float32, max(rtol, 1e-5))):
        operands = [creation.tensor(a, dtype=of if a.dtype.kind == "f" else None) for a in given]
        found = _listed(operation(*operands))
        if not fills:
            for r, wanted in zip(found, _listed(function(*[o.numpy() for o in operands]))):
                _compare_arrays(name, f"in {of.name}", r, wanted, tolerance)
        batch = operation(*[o.unsqueeze(0).expand(3, *o.shape) for o in operands])
        spread = operation(*[o.unsqueeze(-1).expand(*o.shape, 2).contiguous()[..., 0] for o in operands])
        nothing = operation(*[o.unsqueeze(0).expand(0, *o.shape) for o in operands])
        for r, b, s, n in zip(found, *map(_listed, (batch, spread, nothing))):
            _compare_arrays(name, "of expanded operands", b, np.broadcast_to(r.numpy(), (3, *r.shape)), 1e-12)
            _compare_arrays(name, "of operands with gaps", s, r, 1e-12)
            _compare_arrays(name, "of nothing", n, np.zeros((0, *r.shape)), 1e-12)
        compiled = Compiled(operation, eager_build=True)
        for _ in range(3):
            again = compiled(*operands)
        if compiled.replays < 1:
            raise AssertionError(f"{name}() is not compiled: {compiled.reason}")
        for r, wanted in zip(_listed(again), found):
            _compare_arrays(name, f"compiled, in {of.name}", r, wanted, 1e-12)
    if operation.operation.differentiable:
        points = [creation.tensor(a, requires_grad=a.dtype.kind == "f") for a in given]
        _derivatives(operation, name, points, twice, operation.operation.tangent is not None)


def _listed(found: Any) -> Sequence[Any]:
    return found if isinstance(found, tuple) else (found,)


def _compare_arrays(name: str, what: str, found: Any, wanted: Any, rtol: float) -> None:
    a, b = found.numpy(), np.asarray(wanted.numpy() if isinstance(wanted, Tensor) else wanted)
    if a.shape != b.shape:
        raise AssertionError(f"{name}() {what} has shape {a.shape}, not {b.shape}")
    close = np.isclose(a, b, rtol=rtol, atol=rtol, equal_nan=True)
    if not close.all():
        at = tuple(map(int, np.argwhere(~close)[0]))
        raise AssertionError(f"{name}() {what} is {a[at]} at {at}, not {b[at]}")


def _compare(name: str, what: str, found: Any, wanted: Any, rtol: float, operands: Sequence[Any]) -> None:
    close = np.isclose(found, wanted, rtol=rtol, atol=rtol, equal_nan=True)
    if not close.all():
        at = tuple(int(i) for i in np.argwhere(~np.atleast_1d(close))[0])
        given = ", ".join(f"{float(o[at[-1]]):.9g}" for o in operands)
        raise AssertionError(f"{name}({given}) {what} is {np.atleast_1d(found)[at]}, not {np.atleast_1d(wanted)[at]}")
