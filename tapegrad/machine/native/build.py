"""From numba's LLVM IR to one object file: the machine as the disk cache keeps it."""
from __future__ import annotations

import gc
import os
import threading
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba.core import codegen, config, types

from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit
from tapegrad.machine.native import (
    arena,
    attributes,
    backward,
    compiled_call,
    compiled_program,
    gc_cycles,
    glue,
    in_place,
    in_place_history,
    objects,
    operator_entry,
    python_entry,
    recipes,
    reclaiming,
    tape,
    threads,
    updating,
)

# Importing them fills glue.EXPORTS.
MODULES = (arena, attributes, backward, python_entry, gc_cycles, compiled_program, operator_entry, in_place_history,
           objects, recipes, reclaiming, compiled_call, tape, threads, updating, in_place)
# They take as long as the rest. What else runs plans is not among them: with more callers there, LLVM does not put
# `execute` into the operators, and a recorded operation takes 102 ns, not 90.
_FIRST_HALF = tuple(m.__name__ for m in (gc_cycles, operator_entry, objects, recipes))
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


def _module_text(exports: Sequence[glue.Export]) -> str:
    """The LLVM IR of some exported functions and all they call, as one module, optimised."""
    merged = None
    wrappers = []
    for name, signature, function in exports:
        function.compile(signature)
        compiled = function.overloads[tuple(signature.args)]
        mangled = compiled.fndesc.mangled_name
        wrappers.append(_wrapper(name, signature, mangled))
        module = llvm.parse_assembly(compiled.library.get_llvm_str())
        for f in module.functions:  # every library carries its callees; one definition is enough
            if not f.is_declaration and f.name != mangled:
                f.linkage = "linkonce_odr"
        if merged is None:
            merged = module
        else:
            merged.link_in(module)
    assert merged is not None
    merged.link_in(llvm.parse_assembly("".join(wrappers)))
    exported = {name for name, _, _ in exports}
    for f in merged.functions:
        if not f.is_declaration and f.name not in exported:
            f.linkage = "internal"
    jit.improve(merged, 2)
    return str(merged)


def _in_parallel(parts: Sequence[Sequence[glue.Export]]) -> list[str]:
    """The text of each part, compiled by forked children: numba's front end is what takes the time.

    Where there is no fork, or it fails, the parts are compiled here in turn.
    """
    children = []
    for part in parts:
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
                    pipe.write(_module_text(part))
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        children.append((child, reading, part))
    texts = []
    for child, reading, part in children:
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        failed = child < 0 or os.waitpid(child, 0)[1] != 0
        texts.append(_module_text(part) if failed else text)
    return texts


def _text_only() -> None:
    """Have numba, in this child, neither optimise what it writes nor make machine code of it: we do, once for all.

    Else each function is optimised with all that it calls, and compiled for a process that ends here. The first
    gradient ever took 22 s before this and `cells`, and takes 14.
    """
    gc.disable()
    setattr(config, "OPT", config._OptLevel(0))  # noqa: B010 - mypy knows no such setting
    setattr(codegen.JITCodeLibrary, "_finalize_specific", lambda library: None)  # noqa: B010


def build_ir() -> str:
    """The LLVM IR of every exported function, linked into one module that also holds the machine record."""
    dummy = np.zeros(rec.MACHINE.itemsize, "u1")
    for name in (glue.MACHINE, *glue.BY_NAME):  # numba looks for what it links here, in this process
        llvm.add_symbol(name, dummy.ctypes.data)
    halves: tuple[list[glue.Export], list[glue.Export]] = ([], [])
    for export in glue.EXPORTS:
        halves[export[2].py_func.__module__ not in _FIRST_HALF].append(export)
    merged = None
    for text in _in_parallel(halves):
        module = llvm.parse_assembly(text)
        if merged is None:
            merged = module
        else:
            merged.link_in(module)
    assert merged is not None
    merged.link_in(llvm.parse_assembly(
        f"@{glue.MACHINE} = global [{rec.MACHINE.itemsize} x i8] zeroinitializer, align 64\n"
    ))
    return str(merged)
