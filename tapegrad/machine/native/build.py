"""From numba's LLVM IR to the text of the machine, as it is shipped and compiled (`machine.llvm.shipped`)."""
from __future__ import annotations

import functools
import gc
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
from numba.core import codegen, config, types

from tapegrad.machine import records as rec
from tapegrad.machine.native import (
    arena,
    arrays,
    attributes,
    backward,
    companions,
    compiled_arguments,
    compiled_call,
    compiled_node,
    compiled_node_backward,
    compiled_program,
    gc_cycles,
    glue,
    gradients,
    in_place,
    in_place_history,
    modules,
    objects,
    operator_entry,
    portable,
    python_entry,
    recipes,
    reclaiming,
    recorded_sweep,
    source_lines,
    tape,
    threads,
    trimming,
    updating,
)

# Importing them fills glue.EXPORTS.
MODULES = (arena, arrays, attributes, backward, companions, python_entry, gc_cycles, compiled_program, operator_entry,
           in_place_history, objects, recipes, reclaiming, compiled_arguments, compiled_call, compiled_node,
           compiled_node_backward, tape, threads, trimming, updating, in_place, recorded_sweep,
           gradients, source_lines, modules)
# They take as long as the rest. What else runs plans is not among them: with more callers there, LLVM does not put
# `execute` into the operators, and a recorded operation takes 102 ns, not 90.
_OPERATORS = tuple(m.__name__ for m in (gc_cycles, operator_entry, objects, recipes))
_C = {types.int32: "i32", types.uint32: "i32", types.int64: "i64", types.uint64: "i64", types.float64: "double"}


def _wrapper(name: str, signature: Any, mangled: str) -> str:
    """A plain C function around numba's own convention (result by pointer, status returned, no exception possible)."""
    result = _C[signature.return_type]
    kinds = [_C[a] for a in signature.args]
    params = ", ".join(f"{k} %a{i}" for i, k in enumerate(kinds))
    passed = "".join(f", {k} %a{i}" for i, k in enumerate(kinds))
    declared = "".join(f", {k}" for k in kinds)
    return (
        f"declare i32 @{mangled}(ptr, ptr{declared})\n"
        f"define {result} @{name}({params}) {{\n"
        f"  %slot = alloca {result}\n"
        f"  %status = call i32 @{mangled}(ptr %slot, ptr null{passed})\n"
        f"  %value = load {result}, ptr %slot\n"
        f"  ret {result} %value\n}}\n"
    )


def module_text(exports: Sequence[glue.Export], also: str = "") -> str:
    """The text of some exported functions and all they call, as one module; `also` is text that belongs to it."""
    modules, wrappers = [], [also]
    for name, signature, function in exports:
        module, inner = portable.library(function, signature)
        modules.append(module)
        wrappers.append(_wrapper(name, signature, inner))
    modules.append(llvm.parse_assembly("".join(wrappers)))
    return portable.simplified(portable.linked(modules), [name for name, _, _ in exports])


def in_parallel(tasks: Sequence[Callable[[], str]]) -> list[str]:
    """The texts that some tasks have numba write, in forked children: its front end is what takes the time.

    Where there is no fork, or it fails, they are written here in turn.
    """
    children = []
    for task in tasks:
        reading, writing = os.pipe()
        try:
            child = os.fork() if hasattr(os, "fork") and threading.active_count() == 1 else -1
        except OSError:
            child = -1
        if child == 0:
            status = 1
            try:
                _text_only()
                with os.fdopen(writing, "w") as pipe:
                    pipe.write(task())
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        children.append((child, reading, task))
    texts = []
    for child, reading, task in children:
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        failed = child < 0 or os.waitpid(child, 0)[1] != 0
        texts.append(task() if failed else text)
    return texts


def _text_only() -> None:
    """Have numba, in this child, neither optimise what it writes nor make machine code of it: we do, once for all.

    Else each function is optimised with all that it calls, and compiled for a process that ends here. The first
    gradient ever took 22 s before this and `cells`, and takes 14.
    """
    gc.disable()
    setattr(config, "OPT", config._OptLevel(0))  # noqa: B010 - mypy knows no such setting
    setattr(codegen.JITCodeLibrary, "_finalize_specific", lambda library: None)  # noqa: B010


def texts() -> dict[str, str]:
    """The LLVM text of every exported function, in modules that call each other; one holds the machine's record."""
    portable.promise(glue.MACHINE, *glue.BY_NAME)
    parts: dict[str, list[glue.Export]] = {"operators": [], "plans": []}
    for export in glue.EXPORTS:
        parts["operators" if export[2].py_func.__module__ in _OPERATORS else "plans"].append(export)
    record = f"@{glue.MACHINE} = global [{rec.MACHINE.itemsize} x i8] zeroinitializer, align 64\n"
    also = {"operators": record}
    tasks = [functools.partial(module_text, exports, also.get(part, "")) for part, exports in parts.items()]
    return dict(zip(parts, in_parallel(tasks)))
