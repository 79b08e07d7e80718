"""Functions that Numba compiled, with another way in: what calls them is written with llvmlite, and linked with them.

The same in Python, for Numba to compile, took four to eight times as long as the function itself.
"""
from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tapegrad.machine.llvm import jit

_numbers = itertools.count()
_DEFINED = re.compile(r"^define [^@\n]*@([\w.$]+)\(.*?^}", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r'@"[^"\n]*"')
_NAMED = re.compile(r"@([\w.$]+)")
_UNKNOWN = re.compile(r"inttoptr \(i64|\bcall [^@\n]*%[\w.]+\(|\basm\b")
_MATHEMATICS = frozenset(f"{name}{suffix}" for name in (*vars(math), "tgamma") for suffix in ("", "f"))


def compiled(jitted: Any, name: str, given: tuple[Any, ...], what: str = "arrays") -> Any:
    """What Numba makes of a function of `what` for arguments of such types; TypeError where it makes nothing.

    One that was declared with its types may take others, to which the arguments are converted.
    """
    import numba

    try:
        found = jitted.typingctx.resolve_function_type(numba.typeof(jitted), given, {})
        if found is None:
            raise TypeError(f"it was declared for other types than {', '.join(map(str, given))}")
        return jitted.overloads[tuple(found.args)]
    except Exception as why:  # of its own, and others where what it meets is strange to it
        raise TypeError(f"custom_op(): {name} is no function of {what} that Numba compiles: "
                        f"{' '.join(str(why).split())[:400]}") from why


def linked(function: Any, given: tuple[Any, ...], of: ir.FunctionType, write: Callable[[Any, Any, Any], None]
           ) -> tuple[int, bool]:
    """The address of what `write(builder, call, arguments)` writes, and whether it may run on any thread.

    `call(values)`, of the types `given`, gives the status of a call, and what is returned.
    """
    from numba.core.compiler_lock import global_compiler_lock

    context, symbol = function.target_context, f"tapegrad_numba_{next(_numbers)}"
    with global_compiler_lock:
        library = context.codegen().create_library(symbol)
        module = context.create_module(symbol)
        made = ir.Function(module, of, symbol)
        build = ir.IRBuilder(made.append_basic_block("entry"))

        def call(values: Any) -> Any:
            taken = [context.cast(build, *each) for each in zip(values, given, function.signature.args)]
            return context.call_internal_no_propagate(build, function.fndesc, function.signature, taken)

        write(build, call, made.args)
        context.post_lowering(module, library)
        library.add_ir_module(module)
        library.add_linking_library(function.library)
        library.finalize()
        address = int(library.get_pointer_to_function(symbol))
    jit.keep(library)
    return address, calls_nobody(library.get_llvm_str(), symbol)


def calls_nobody(text: str, symbol: str) -> bool:
    """Whether a function calls only what is in the text, mathematics, and Numba's memory.

    Of all else it is not known whether it waits for the GIL, which who waits for threads may hold, or has something for
    each thread, as random numbers are.
    """
    text = _QUOTED.sub(lambda found: re.sub(r"[^@\w]", "_", found[0]), text)
    defined = {found[1]: found[0] for found in _DEFINED.finditer(text)}
    seen, left = {symbol}, [symbol]
    while left:
        body = defined.get(left.pop(), "asm")
        if _UNKNOWN.search(body):
            return False
        for name in {*_NAMED.findall(body)} - seen:
            seen.add(name)
            if name in defined:
                left.append(name)
            elif f"@{name} =" not in text and not name.startswith(("llvm.", "NRT_")) and name not in _MATHEMATICS:
                return False
    return True
