"""From a Python function to a declared operation: followed on symbols where that is possible, or else by Numba."""
from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes
from tapegrad.machine.llvm import jit
from tapegrad.ops.declaration import REGISTRY, DeclarationError, Operation, elementwise
from tapegrad.ops.scalar import linked
from tapegrad.ops.symbols import Sym
from tapegrad.ops.traced_functions import NotTraceable, derived, rule_of, with_parameters

_numbers = itertools.count()
_RESERVED = {"g", "out"}


def declared(function: Any, vjp: Callable[..., Any] | None, name: str | None, signature: str | None = None,
             jvp: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """What `custom_op` gives."""
    plain = getattr(function, "py_func", function)
    if not inspect.isfunction(plain):
        raise TypeError(f"custom_op() takes a Python function of numbers, or one of Numba's, not a "
                        f"{type(function).__name__}")
    called = name or plain.__name__.replace("<lambda>", "function")
    if signature is not None:
        from tapegrad.custom import arrays

        op, names, applied = arrays.declared(function, vjp, jvp, called, signature)
        call = _call_of(op, names, plain, called, "functions of arrays are compiled by Numba, not followed", applied)
        call.signature = applied.held.signature
        return call
    if jvp is not None:
        raise TypeError(f"{called}(): jvp goes with a signature; tangents of a function of numbers follow from its vjp")
    operands = _parameters(plain, "the function")
    if not operands or _RESERVED & {*operands}:
        raise TypeError(f"{called}() must take numbers, of which none may be called g or out; it takes "
                        f"{', '.join(operands) or 'nothing'}")
    forward, reason = _followed(plain, operands)
    if forward is None:
        try:
            forward = _compiled(function, operands, called)
        except TypeError as why:
            raise TypeError(f"{why}; and it cannot be followed: {reason}") from why
    rule = derived(forward, operands) if reason is None else None
    if vjp is not None:
        rule = _given(vjp, operands, called)
    op = _declare(called, forward, rule, operands)
    return _call_of(op, operands, plain, called, reason)


def _parameters(function: Any, what: str) -> list[str]:
    found = inspect.signature(function).parameters.values()
    if any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in found):
        raise TypeError(f"custom_op(): {what} may have plain parameters only")
    return [p.name for p in found]


def _followed(function: Any, operands: Sequence[str]) -> tuple[Callable[..., Any] | None, str | None]:
    """The function as a rule, and None; or None, and why it cannot be followed."""
    try:
        rule = rule_of(function, operands)
        for of in (dtypes.float32, dtypes.float64):
            found = rule(*[Sym.operand(i, of) for i in range(len(operands))])
            if not isinstance(found, Sym):
                return None, "it returns no number"
    except (NotTraceable, TypeError, AttributeError, ValueError, OverflowError) as why:
        return None, str(why)
    return rule, None


def _given(vjp: Any, operands: Sequence[str], called: str) -> Callable[..., Any]:
    """An adjoint that was given, as a rule: followed, or compiled by Numba, an output an operand."""
    plain = getattr(vjp, "py_func", vjp)
    names = _parameters(plain, "vjp")
    unknown = {*names} - {"g", "out", *operands}
    if unknown:
        raise TypeError(f"{called}(): vjp asks for {', '.join(sorted(unknown))}; it may ask for g, out and "
                        f"{', '.join(operands)}")
    try:
        rule = rule_of(plain, names)
        found = rule(*[Sym.operand(i, dtypes.float64) for i in range(len(names))])
        count = len(found) if isinstance(found, tuple) else 1
    except (NotTraceable, TypeError, AttributeError, ValueError) as why:
        if len(operands) > 1:
            raise TypeError(f"{called}(): vjp of several operands cannot be followed: {why}") from None
        return _compiled(vjp, names, f"vjp of {called}")
    if count != len(operands):
        raise TypeError(f"{called}(): vjp returns {count} gradients for {len(operands)} operands")
    return rule


def _compiled(function: Any, operands: Sequence[str], called: str) -> Callable[..., Any]:
    """The function as machine code that kernels call for each element, in both precisions."""
    import numba

    jitted = function if hasattr(function, "py_func") else numba.njit(error_model="numpy")(function)
    symbol = f"tapegrad_custom_{next(_numbers)}"
    for of, suffix in ((numba.float64, ""), (numba.float32, "f")):
        jit.define_symbol(symbol + suffix, _in_c(jitted, called, of, len(operands)))
    by_element = np.vectorize(jitted, otypes=[float])
    rule = with_parameters(linked(f"custom.{symbol}", symbol, len(operands), lambda *xs: by_element(*xs).astype(
        np.result_type(*xs))), operands)
    elementwise(f"custom.{symbol}", with_parameters(rule, [f"{name}_" for name in operands]), None, inplace=False,
                method=False, result="float", refused=True)  # what a rule does with tensors is operations
    return rule


def _in_c(jitted: Any, called: str, of: Any, count: int) -> int:
    """The address of a function of numbers in one precision as C calls it; NaN where it raises."""
    import numba
    from llvmlite import ir

    from tapegrad.machine.llvm import numba_functions

    given = (of,) * count
    found = numba_functions.compiled(jitted, called, given, "numbers")
    returned, context = found.signature.return_type, found.target_context
    if not isinstance(returned, (numba.types.Float, numba.types.Integer, numba.types.Boolean)):
        raise TypeError(f"custom_op(): {called} is no function of numbers that Numba compiles: it returns "
                        f"{returned}")
    made = context.get_value_type(of)

    def write(build: Any, call: Any, arguments: Any) -> None:
        status, value = call(arguments)
        build.ret(build.select(status.is_error, made(math.nan), context.cast(build, value, returned, of)))

    return numba_functions.linked(found, given, ir.FunctionType(made, [made] * count), write)[0]


def _declare(called: str, forward: Callable[..., Any], rule: Callable[..., Any] | None, operands: Sequence[str]
             ) -> Operation:
    names = (f"custom.{called}{f'_{n}' if n else ''}" for n in itertools.count())
    free = next(n for n in names if dict.get(REGISTRY, n) is None)
    node = "".join(part[:1].upper() + part[1:] for part in called.rstrip("_").split("_")) + "Backward0"
    try:
        return elementwise(free, forward, rule, inplace=False, method=False, result="float", grad_name=node,
                           refused=rule is None)
    except DeclarationError as why:
        raise TypeError(str(why)) from why


def _call_of(op: Operation, operands: Sequence[str], function: Any, called: str, reason: str | None,
             applied: Any = dispatch.apply) -> Any:
    """The function that is called. It counts as this library's: compiled functions know what an operation does."""
    made: dict[str, Any] = {"__name__": __name__, "apply": applied, "op": op}
    names = ", ".join(operands)
    exec(compile(f"def call({names}): return apply(op, ({names},))", __file__, "exec"), made)
    call = made["call"]
    call.__name__, call.__qualname__, call.__module__ = called, function.__qualname__, function.__module__
    call.__doc__ = function.__doc__
    if len(operands) == function.__code__.co_argcount:  # others are written to
        call.__defaults__ = function.__defaults__
    call.operation, call.reason, call.function, call.signature = op, reason, function, None
    return call
