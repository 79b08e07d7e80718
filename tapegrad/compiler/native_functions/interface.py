"""What a native function takes and gives, as C, Numba and SciPy put it."""
from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.machine.planning import Layout
from tapegrad.named_tuples import NamedTuple

_C = {"f64": "double", "f32": "float", "i64": "int64_t", "i32": "int32_t", "i16": "int16_t", "i8": "int8_t",
      "u8": "uint8_t", "b8": "uint8_t", "f16": "uint16_t", "bf16": "uint16_t"}
_LLVM = {"f64": "double", "f32": "float", "i64": "i64", "i32": "i32", "i16": "i16", "i8": "i8", "u8": "i8", "b8": "i8"}
_C_WORDS = frozenset((  # of C and C++, but for those of Python; what compilers and headers define as macros; our own
    "alignas", "alignof", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "case", "catch", "char", "char8_t",
    "char16_t", "char32_t", "co_await", "co_return", "co_yield", "compl", "concept", "const", "const_cast", "consteval",
    "constexpr", "constinit", "decltype", "default", "delete", "do", "double", "dynamic_cast", "enum", "explicit",
    "export", "extern", "false", "float", "friend", "goto", "inline", "int", "long", "main", "mutable", "namespace",
    "new", "noexcept", "not_eq", "nullptr", "operator", "or_eq", "private", "protected", "public", "register",
    "reinterpret_cast", "requires", "restrict", "short", "signed", "sizeof", "static", "static_assert", "static_cast",
    "struct", "switch", "template", "this", "thread_local", "throw", "true", "typedef", "typeid", "typename", "typeof",
    "typeof_unqual", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "xor", "xor_eq",
    "EOF", "I", "NULL", "errno", "linux", "stderr", "stdin", "stdout", "unix", "workspace", *_C.values()))


class Operand(NamedTuple):
    """Something that goes in or out."""

    name: str
    dtype: dtypes.dtype
    shape: tuple[int, ...]

    @property
    def is_number(self) -> bool:
        """Whether it is passed by value where that can be: a number that C and Numba know."""
        return not self.shape and self.dtype.short in _LLVM

    @property
    def is_returned(self) -> bool:
        return self.is_number and self.dtype.is_floating_point

    @property
    def c(self) -> str:
        return _C[self.dtype.short]

    @property
    def llvm(self) -> str:
        """How a number of it is passed, in LLVM's words."""
        return "i1" if self.dtype is dtypes.bool_ else _LLVM[self.dtype.short]

    def __str__(self) -> str:
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]" if self.shape else self.dtype.name


class Interface(NamedTuple):
    """`inputs` come first, then `outputs`."""

    name: str
    title: str
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    workspace: int

    @property
    def numbers_only(self) -> bool:
        return all(i.is_number for i in self.inputs) and all(o.is_returned for o in self.outputs)

    @property
    def returned(self) -> tuple[Operand, ...]:
        """The outputs that Numba is returned; the others are written to arrays that it passes."""
        return tuple(o for o in self.outputs if o.is_returned)

    @property
    def written(self) -> tuple[Operand, ...]:
        return tuple(o for o in self.outputs if not o.is_returned)

    @property
    def scipy(self) -> str | None:
        """The signature that SciPy knows: of one number, of several or a vector; None for anything else."""
        if len(self.outputs) != 1 or not self.outputs[0].is_returned or self.outputs[0].dtype is not dtypes.float64 or (
                not self.inputs or any(i.dtype is not dtypes.float64 for i in self.inputs)):
            return None
        shapes = [i.shape for i in self.inputs]
        if shapes == [()]:
            return "double (double)"
        return "double (int, double *)" if not any(shapes) or (len(shapes) == 1 and len(shapes[0]) == 1) else None

    @property
    def prototype(self) -> str:
        """The C function at `address`."""
        parts = [f"const {i.c} *{i.name}" for i in self.inputs] + [f"{o.c} *{o.name}" for o in self.outputs]
        return f"int32_t {self.name}({', '.join([*parts, 'void *workspace'])})"

    @property
    def of_numbers(self) -> str | None:
        """The C function that takes numbers and returns one, where there is one."""
        if not self.numbers_only or len(self.outputs) != 1:
            return None
        parts = [f"{i.c} {i.name}" for i in self.inputs] or ["void"]
        return f"{self.outputs[0].c} {self.name}_value({', '.join(parts)})"

    def header(self, libraries: str = "-lm") -> str:
        """The C header."""
        guard = f"{self.name.upper()}_H"
        about = [f"{self.title}. Link with {libraries}.", "",
                 "Arrays are contiguous, the last axis fastest; those written to overlap no other.",
                 *(f"  {o.name}: {o}" for o in self.inputs), *(f"  {o.name}: {o}, written" for o in self.outputs),
                 f"  workspace: {self.workspace} bytes, aligned to 64, for one call at a time; or NULL, and they are "
                 "taken from malloc", "",
                 "Returns 0; 2 where a value is one that the program was not made for, or a step failed; 3 where there",
                 "is no memory. What is written is then of no meaning."]
        lines = [f"#ifndef {guard}", f"#define {guard}", "", "#include <stdint.h>", "",
                 "/* " + "\n   ".join(about).replace("\n   \n", "\n\n") + " */",
                 "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
                 f"#define {self.name.upper()}_WORKSPACE {self.workspace}", "", f"{self.prototype};"]
        if self.of_numbers:
            lines += ["", "/* NaN where the other returns anything but 0. */", f"{self.of_numbers};"]
        return "\n".join([*lines, "", "#ifdef __cplusplus", "}", "#endif", "", "#endif", ""])


def interface(name: str, title: str, inputs: Sequence[tuple[str, Layout]], outputs: Sequence[tuple[str, Layout]],
              workspace: int) -> Interface:
    """With names that C takes, no two the same."""
    taken: set[str] = set()

    def operands(several: Sequence[tuple[str, Layout]]) -> tuple[Operand, ...]:
        return tuple(Operand(_fresh(identifier(given), taken), layout.dtype, tuple(layout.shape))
                     for given, layout in several)

    return Interface(identifier(name), title, operands(inputs), operands(outputs), workspace)


def identifier(name: str) -> str:
    """A name that C takes.

    >>> identifier("<x>"), identifier("x.y"), identifier("double")
    ('x_', 'x_y', 'double_')
    """
    found = re.sub(r"\W", "_", name, flags=re.ASCII).lstrip("_") or "function"
    if found[0].isdigit():
        found = f"n{found}"
    return f"{found}_" if found in _C_WORDS or keyword.iskeyword(found) else found


def _fresh(name: str, taken: set[str]) -> str:
    found, n = name, 1
    while found in taken:
        n += 1
        found = f"{name}_{n}"
    taken.add(found)
    return found


def numba_signature(interface: Interface) -> Any:
    """The signature of the function as Numba calls it; TypeError for what Numba has no type for."""
    from numba import types
    from numba.core.typing import signature

    def element(of: dtypes.dtype) -> Any:
        if of.short not in _LLVM:
            raise TypeError(f"Numba has no numbers of type {of.name}: use `address`")
        return types.boolean if of is dtypes.bool_ else getattr(types, of.name)

    def array(of: Operand, readonly: bool) -> Any:
        return types.Array(element(of.dtype), max(len(of.shape), 1), "C", readonly=readonly)

    arguments = [element(i.dtype) if i.is_number else array(i, True) for i in interface.inputs]
    arguments += [array(o, False) for o in interface.written]
    kinds = [element(o.dtype) for o in interface.returned]
    given = types.int32 if not kinds else kinds[0] if len(kinds) == 1 else types.Tuple(kinds)
    return signature(given, *arguments)
