"""A compiled function as an object that C, Numba and SciPy can call."""
from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numba.experimental.function_type import WrapperAddressProtocol  # the module has to be loaded for Numba to see it
from scipy import LowLevelCallable

from tapegrad.compiler.compiled_function import Compiled
from tapegrad.compiler.native_functions import gradient
from tapegrad.compiler.native_functions.entries import Entries
from tapegrad.compiler.native_functions.interface import Interface, Operand, interface, numba_signature
from tapegrad.compiler.native_functions.program_text import NO_MEMORY, STALE, ProgramText, assembled
from tapegrad.compiler.native_functions.selection import NotNative, Selected, is_live, select
from tapegrad.compiler.traced_program import may_break_off
from tapegrad.machine.kernels import emitter
from tapegrad.machine.llvm import cache, jit
from tapegrad.tensor import Tensor

_REASONS = {STALE: "a tensor that it reads by name was moved or changed: take `native` anew",
            NO_MEMORY: "there is no memory for its workspace"}


class Native(WrapperAddressProtocol, LowLevelCallable):
    """One program of a compiled function, as native code that needs neither Python nor the GIL.

    `address` is a C function, of which `prototype` is the declaration and `header()` the whole story. In Numba code it
    is a function, where numbers are passed and returned by value and arrays are contiguous; results that are arrays
    are written to arrays passed after the arguments. SciPy takes it for a LowLevelCallable where it is of float64
    numbers, or of one vector of them, and gives one number. A call may run beside others, in any thread.
    """

    interface: Interface
    address: int
    workspace: int
    text: str

    def __new__(cls, function: Compiled) -> Native:
        selected = select(function)
        found, text, entries = _written(function, selected, False)
        whole = assembled(entries.text, text.text)

        def make() -> bytes:
            return jit.compile_ir(whole, 2)

        code = make() if text.absolute or selected.words or "inttoptr" in whole else cache.obtain(whole, make)
        symbols = jit.load_object("native", code, entries.symbols, emitter.linked_symbols(whole))
        at = symbols.get(entries.scipy) or symbols[entries.symbols[0]]
        signature = found.scipy or found.prototype.replace(found.name, " ", 1)
        made = LowLevelCallable.__new__(cls, ctypes.CFUNCTYPE(None)(at), None, signature)
        made.interface, made.workspace, made.text = found, found.workspace, whole
        made.address = symbols[entries.symbols[0]]
        made._function, made._selected = function, selected
        made._numba = symbols.get(entries.numba)
        made._call = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * (
            len(found.inputs) + len(found.outputs) + 1))(made.address)
        jit.keep(selected)  # code that others compile has the address for good, and the code those of tensors
        return made

    @property
    def prototype(self) -> str:
        """The C declaration of the function at `address`."""
        return self.interface.prototype

    @property
    def checks(self) -> bool:
        """Whether a call may give anything but a result: the program looked at values, or has steps that may fail."""
        return any(may_break_off(s) for s in self._selected.work.steps)

    def __wrapper_address__(self) -> int:
        if self._numba is None:
            numba_signature(self.interface)  # says why
        return int(self._numba)

    def signature(self) -> Any:  # Numba and SciPy mean different things by it
        """The signature that Numba calls it with."""
        return numba_signature(self.interface)

    def is_current(self) -> bool:
        """Whether all that the function reads is what it was when this was made.

        Numbers, text and functions are in the code as they were then; tensors are read where they lie.
        """
        return is_live(self._selected)

    def header(self) -> str:
        """A C header: the declaration, and what goes in and comes out."""
        return self.interface.header(_libraries(self.text))

    def export(self, path: str | os.PathLike[str], name: str | None = None) -> Path:
        """Write an object file that needs neither Python nor Numba, and its header beside it; the header's path.

        It is for processors like this one. Tensors that the function reads by name are in it, as they are now.
        RuntimeError, with the reason, where a step is not known as text (LAPACK).
        """
        target = Path(path)
        if target.suffix == ".h":
            raise ValueError(f"{target} is the name of a header: the object file wants another, such as "
                             f"{target.with_suffix('.o').name}")
        found, text, entries = _written(self._function, self._selected, True, name)
        whole = assembled(entries.movable, text.text)
        header = target.with_suffix(".h")
        target.write_bytes(jit.compile_ir(whole, 2))
        header.write_text(found.header(_libraries(whole)))
        return header

    def run(self, *args: Any) -> Any:
        """Called from Python, with numbers, arrays or tensors: numbers, and NumPy arrays."""
        of = self.interface
        if len(args) != len(of.inputs):
            raise TypeError(f"{of.name} takes {len(of.inputs)} arguments ({', '.join(i.name for i in of.inputs)}), "
                            f"but {len(args)} were given")
        arrays = [_array(value, operand, of.name) for value, operand in zip(args, of.inputs)]
        results = [np.empty(o.shape, o.dtype.numpy) for o in of.outputs]
        status = self._call(*[a.ctypes.data for a in (*arrays, *results)], None)
        if status:
            raise RuntimeError(f"{of.name}: " + _REASONS.get(
                status, "a value is one that the program was not made for, or a step failed; "
                "call the compiled function itself"))
        given = [r.item() if not r.shape and r.dtype.kind in "fiub" else r for r in results]
        return given[0] if len(given) == 1 else tuple(given)

    def __repr__(self) -> str:
        return f"<native function {self.prototype}>"

    def __reduce__(self) -> Any:
        raise TypeError("a native function belongs to its process: pickle the function, or use export()")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def native_of(function: Compiled) -> Native:
    """The native function of the program that ran most; the same object as long as it does what the function does."""
    if not function.tapes and function.value is not None:
        if function.value.reason and not function.reason:
            select(function.value)  # says why
        gradient.call_like(function.value, function)
    there: Native | None = function.__dict__.get("_native")
    if there is None or (function.tapes and function.tape is not there._selected.variant) or not there.is_current():
        there = function.__dict__["_native"] = Native(function)
    return there


def _array(value: Any, operand: Operand, name: str) -> Any:
    if isinstance(value, Tensor):
        if value.dtype is not operand.dtype:
            raise TypeError(f"{name}: {operand.name} must be {operand}, not {value.dtype}")
        value = value.detach().contiguous().numpy()
    elif isinstance(value, np.ndarray) and value.dtype != operand.dtype.numpy:
        raise TypeError(f"{name}: {operand.name} must be {operand}, not an array of {value.dtype}")
    found = np.ascontiguousarray(value, operand.dtype.numpy)
    if np.shape(value) != operand.shape:
        raise ValueError(f"{name}: {operand.name} must have shape {operand.shape}, not {np.shape(value)}")
    return found


def _written(function: Compiled, selected: Selected, movable: bool, name: str | None = None
             ) -> tuple[Interface, ProgramText, Entries]:
    text = ProgramText(selected, movable)
    if movable and emitter.linked_symbols(text.text):
        raise NotNative("it calls a custom operation that Numba compiled, which is in this process only")
    count = len(selected.outputs)
    results = ["value"] if count == 1 else [f"value_{i}" for i in range(count)]
    if function.value is not None:
        results = ["value", *(f"d_{n}" for n, lies in selected.inputs if lies.dtype.is_floating_point)]
    plain = getattr(function, "__name__", "function").replace("<lambda>", "function")
    found = interface(name or plain, getattr(function, "__qualname__", plain), selected.inputs,
                      [*zip(results, selected.outputs)], text.workspace)
    if movable and (hasattr(ctypes.CDLL(None), found.name) or re.search(rf"@{found.name}(_value)?\(", text.text)):
        raise ValueError(f"C has another function that is called {found.name}: export(path, name) gives this one "
                         "a name of its own")
    return found, text, Entries(found, found.name if movable else f"native.{found.name}")


def _libraries(text: str) -> str:
    return "-lm" + (" -lmvec" if re.search(r"@_ZGV\w+\(", text) else "")
