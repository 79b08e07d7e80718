"""LLVM text for any processor of 64 bits, and for whatever LLVM reads it: the form that jitted code is shipped in.

Passes are run that make code smaller and look at no processor. What only a newer LLVM would understand, or only an
optimiser asks for, is taken out: the names of the target, hints about arguments, memory and loops.
"""
from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from typing import Any

import llvmlite.binding as llvm

from tapegrad.machine.llvm import jit

_WORDS = ("nounwind", "noreturn", "noinline", "cold")  # of functions: those that code generation asks about
_LEFT_OUT = re.compile(r"""
    ^;.*\n | ^source_filename.*\n | ^target\ .*\n                  # whose it is
  | ^!.*\n | ,?\ ![\w.]+\ !\d+                                     # which writes meet which reads, unrolled loops
  | ^\ *(?:tail\ )?call\ void\ @llvm\.(?:lifetime\.\w+|assume|experimental\.noalias\.scope\.decl)[.\w]*\(.*\n
  | ^declare\ void\ @llvm\.(?:lifetime|assume|experimental\.noalias).*\n
  | ^@\S+\ =\ common\ (?:local_unnamed_addr\ )?global\ ptr\ null\n  # numba's environments, of code that raises
  | \b(?:captures\([^()]*\)|initializes\(\(.*?\)\)|range\([^()]*\)|dead_on_return|nocreateundeforpoison)\ ?
""", re.VERBOSE | re.MULTILINE)
_GROUP = re.compile(r"^attributes (#\d+) = \{(.*)\}$", re.MULTILINE)
_TAG = re.compile(r"(_ZN\w+?)(B\d+v\d+)B\d+c8\w+")  # numba's names: what it is, which version, flags and types


def simplified(module: Any, exported: Iterable[str]) -> str:
    """The text of a module that offers some functions, and keeps all that they call to itself."""
    offered = {*exported}
    for f in module.functions:
        f.add_function_attribute("nounwind")  # nothing native raises: how to unwind it would be linked for nobody
        if not f.is_declaration:
            f.linkage = "external" if f.name in offered else "internal"
    jit.simplify(module)
    text = _LEFT_OUT.sub("", str(module))
    text = _TAG.sub(r"\1\2", text)
    return _GROUP.sub(lambda m: f"attributes {m[1]} = {{ {' '.join(w for w in _WORDS if w in m[2].split())} }}", text)


_nothing = ctypes.create_string_buffer(16)


def promise(*names: str) -> None:
    """Have numba, which looks in this process for whatever it links, find symbols that will be elsewhere."""
    for name in names:
        llvm.add_symbol(name, ctypes.addressof(_nothing))


def linked(modules: Iterable[Any]) -> Any:
    """Modules as one."""
    first, *others = modules
    for other in others:
        first.link_in(other)
    return first


def library(function: Any, signature: Any) -> tuple[Any, str]:
    """A jitted function and all it calls as a module; and the name it has there.

    What several of them call has one definition when they are linked.
    """
    function.compile(signature)
    compiled = function.overloads[tuple(signature.args)]
    name = compiled.fndesc.mangled_name
    module = llvm.parse_assembly(compiled.library.get_llvm_str())
    for f in module.functions:
        if not f.is_declaration and f.name != name:
            f.linkage = "linkonce_odr"
    return module, name
