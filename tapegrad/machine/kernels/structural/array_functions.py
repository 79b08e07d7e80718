"""Kernels from functions of arrays that Numba compiles: a loop around the function, over what lies before the cores.

Nest: [loops, 0, sizes…, byte strides of each pointer…, the sizes of the cores, one after the other]. The cores are
contiguous, as Numba likes them; what is read is read-only to the function.
"""
from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit
from tapegrad.machine.native.glue import signed_words, words

U2 = np.uint64(2)


@intrinsic
def _pointer(typingctx: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(numba.types.voidptr))

    return numba.types.voidptr(numba.types.uint64), codegen


@intrinsic
def _read_only(typingctx: Any, array: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return impl_ret_borrowed(context, builder, signature.return_type, args[0])

    return array.copy(readonly=True)(array), codegen


def compiled(jitted: Any, name: str, fills: bool, ranks: Sequence[int], operands: Sequence[tuple[dtype, int]],
             slope: bool) -> tuple[int, dtype]:
    """The address of the kernel for operands of such dtypes and ranks, and the dtype of the results, of these `ranks`.

    Floating-point results are of the operands' dtype; those that are a `slope` are, whatever is returned.
    """
    of = next((d for d, _ in operands if d.is_floating_point), dtypes.float64)
    if not fills:
        found = _result_dtypes(jitted, name, operands, ranks, of)
        found = [of] if slope else found
        if len(set(found)) > 1:
            raise TypeError(f"{name}(): its results must be of one dtype, not {', '.join(map(str, found))}")
        of = found[0]
    return _kernel(jitted, name, fills, ranks, of, operands), of


def _result_dtypes(jitted: Any, name: str, operands: Sequence[tuple[dtype, int]], ranks: Sequence[int], of: dtype
                  ) -> list[dtype]:
    """The dtypes of what a function returns for operands of such dtypes and ranks: `of` for floating-point numbers."""
    given = tuple(numba.types.Array(_scalar(d), rank, "C", readonly=True) if rank else _scalar(d)
                  for d, rank in operands)
    try:
        jitted.compile(given)
        returned: Any = jitted.overloads[given].signature.return_type
    except Exception as why:  # of its own, and others where what it meets is strange to it
        raise _not_compiled(name, why) from why
    tuples = isinstance(returned, numba.types.BaseTuple)
    several = list(returned) if len(ranks) > 1 and tuples else [returned]
    if len(several) != len(ranks):
        raise TypeError(f"{name}() returns {returned}, and its signature says {len(ranks)} results")
    made = []
    for found, rank in zip(several, ranks):
        element = found.dtype if isinstance(found, numba.types.Array) else found
        if getattr(found, "ndim", 0) != rank or not isinstance(
                element, (numba.types.Float, numba.types.Integer, numba.types.Boolean)):
            raise TypeError(f"{name}() returns {found}, and its signature says "
                            + (f"an array of {rank} dimensions" if rank else "a number"))
        made.append(of if isinstance(element, numba.types.Float) else
                    dtypes.bool_ if isinstance(element, numba.types.Boolean) else dtypes.int64)
    return made


def _kernel(jitted: Any, name: str, fills: bool, results: Sequence[int], out: dtype,
           operands: Sequence[tuple[dtype, int]]) -> int:
    """The address of a kernel of one output: the results' cores one after the other, of ranks `results`.

    Other than 0 it returns RAISED where the function raises, or gives arrays of another shape.
    """
    scope: dict[str, Any] = {
        "function": jitted, "carray": numba.carray, "pointer": _pointer, "read_only": _read_only, "words": words,
        "signed_words": signed_words, "u64": np.uint64, "i64": np.int64, "U2": U2, "RAISED": np.int32(rec.RAISED),
        "DONE": np.int32(0), "of": out.numpy.type, "ITEM": np.int64(out.itemsize),
        **{f"of{j}": d.numpy.type for j, (d, _) in enumerate(operands)}}
    exec(_source(fills, results, [rank for _, rank in operands]), scope)
    try:
        made = numba.cfunc(numba.int32(numba.uint64, numba.uint64), error_model="numpy")(scope["kernel"])
    except Exception as why:
        raise _not_compiled(name, why) from why
    address = int(made.address or 0)
    jit.keep(made)
    jit.loaded[address] = f"custom.{name}"
    return address


def _not_compiled(name: str, why: Exception) -> TypeError:
    return TypeError(f"custom_op(): {name} is no function of arrays that Numba compiles: "
                     f"{' '.join(str(why).split())[:400]}")


def _scalar(d: dtype) -> Any:
    return numba.from_dtype(d.numpy)


def _source(fills: bool, results: Sequence[int], ranks: Sequence[int]) -> str:
    """The kernel in Python, for Numba. What a function raises is caught where it is called."""
    xs, outs = [f"x{j}" for j in range(len(ranks))], [f"out{k}" for k in range(len(results))]
    if fills:
        called = [f"function({', '.join([*xs, *outs])})", "status = DONE"]
    else:
        names = [f"r{k}" for k in range(len(results))]
        fit = " and ".join(f"{r}.shape == {o}.shape" for r, o, rank in zip(names, outs, results) if rank) or "True"
        called = [f"{', '.join(names)} = function({', '.join(xs)})", f"if {fit}:", "    status = DONE"]
        for r, o, rank in zip(names, outs, results):  # by loops: Numba compiles an assignment of arrays for a second
            at = ", ".join(f"i{d}" for d in range(rank))
            called += [f"{'    ' * (d + 1)}for i{d} in range({o}.shape[{d}]):" for d in range(rank)]
            called.append(f"{'    ' * (rank + 1)}{o}[{at or 0}] = {f'{r}[{at}]' if rank else r}")

    word = itertools.count()

    def shaped(rank: int) -> tuple[list[str], str]:
        sizes = [f"n[core + u64({next(word)})]" for _ in range(rank)]
        return sizes, f"({', '.join(sizes)},)" if rank else "(1,)"

    arrays, offset = [], "i64(0)"
    for k, rank in enumerate(results):
        sizes, shape = shaped(rank)
        arrays.append(f"out{k} = carray(pointer(u64(at0 + ITEM * ({offset}))), {shape}, of)")
        offset += " + " + (" * ".join(sizes) or "1")
    for j, rank in enumerate(ranks):
        array = f"carray(pointer(u64(at{j + 1})), {shaped(rank)[1]}, of{j})"
        arrays.append(f"x{j} = read_only({array})" if rank else f"x{j} = {array}[0]")
    places = [f"at{p}" for p in range(len(ranks) + 1)]
    return "\n".join([
        "def kernel(pointers, nest):", "    n = signed_words(nest)", "    loops = u64(n[u64(0)])",
        f"    core = U2 + loops * u64({len(places) + 1})", "    turns = i64(1)", "    for d in range(loops):",
        "        turns *= n[U2 + d]", "    for turn in range(turns):",
        *[f"        {a} = i64(words(pointers)[u64({p})])" for p, a in enumerate(places)],
        "        left = turn", "        for e in range(loops):", "            d = loops - u64(1) - e",
        "            here = left % n[U2 + d]", "            left //= n[U2 + d]",
        *[f"            {a} += here * n[U2 + loops * u64({p + 1}) + d]" for p, a in enumerate(places)],
        *[f"        {line}" for line in arrays],
        "        status = RAISED", "        try:", *[f"            {line}" for line in called],
        "        except Exception:", "            status = RAISED",
        "        if status != DONE:", "            return status", "    return DONE"])
