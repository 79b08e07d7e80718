"""From numba's LLVM IR to one object file: the machine as the disk cache keeps it."""
from __future__ import annotations

import llvmlite.binding as llvm
import numpy as np
from numba.core import types

from tapegrad.machine import records as rec
from tapegrad.machine.native import arena, glue, interpreter, objects, tape

MODULES = (arena, glue, interpreter, objects, tape)
_C = {types.int32: "i32", types.uint32: "i32", types.int64: "i64", types.uint64: "i64", types.float64: "double"}


def _wrapper(name: str, signature: types.Type, mangled: str) -> str:
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


def build_ir() -> str:
    """The LLVM IR of every exported function, linked into one module that also holds the machine record."""
    dummy = np.zeros(rec.MACHINE.itemsize, "u1")
    llvm.add_symbol("tapegrad_machine", dummy.ctypes.data)
    merged = None
    wrappers = []
    seen: set[str] = set()
    for name, signature, function in glue.EXPORTS:
        function.compile(signature)
        compiled = function.overloads[tuple(signature.args)]
        mangled = compiled.fndesc.mangled_name
        wrappers.append(_wrapper(name, signature, mangled))
        if mangled in seen:
            continue
        seen.add(mangled)
        module = llvm.parse_assembly(compiled.library.get_llvm_str())
        for f in module.functions:  # every library carries its callees; one definition is enough
            if not f.is_declaration and f.name != mangled:
                f.linkage = "linkonce_odr"
        if merged is None:
            merged = module
        else:
            merged.link_in(module)
    assert merged is not None
    text = "".join(wrappers)
    merged.link_in(llvm.parse_assembly(text))
    merged.link_in(llvm.parse_assembly(
        f"@tapegrad_machine = global [{rec.MACHINE.itemsize} x i8] zeroinitializer, align 64\n"
    ))
    exported = {name for name, _, _ in glue.EXPORTS}
    for f in merged.functions:
        if not f.is_declaration and f.name not in exported:
            f.linkage = "internal"
    return str(merged)
