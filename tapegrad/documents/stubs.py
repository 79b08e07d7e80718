"""Types for editors and type checkers: `python -m tapegrad stubs` writes them, for names that native code defines.

A stub says of each name how it is called, what it gives, and what it does: the first from its forms, the second from
the annotation or from the result of its example, the third from its page of the manual.
"""
from __future__ import annotations

import functools
import inspect
import keyword
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tapegrad
from tapegrad.documents import manual
from tapegrad.documents.descriptions import Description, described, functions, public, within
from tapegrad.signatures import REQUIRED, Form, Parameter, unwrapped

HEAD = '''"""Types of what native code defines, written by `python -m tapegrad stubs`."""
from __future__ import annotations

# Under names of their own: `tapegrad.int` is a dtype, and `Tensor.float` a method.
from builtins import bool as _bool, float as _float, int as _int, str as _str
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from tapegrad.dtypes import dtype as _dtype

'''
FILES = {"": "__init__.pyi", "linalg": "linalg.pyi", "special": "special.pyi", "fft": "fft.pyi",
         "nn.functional": "nn/functional.pyi", "Tensor": "tensor_methods.pyi"}
_KINDS = {"Number": "_float", "Scalar": "_float", "Operand": "Tensor | _float", "Truth": "_bool", "Text": "str",
          "Ints": "_int | Sequence[_int]", "Sizes": "Sequence[_int]", "Floats": "Sequence[_float]",
          "Indices": "Sequence[Any]",
          "Tensors": "Sequence[Tensor]", "dtype": "_dtype | type", "Dtype": "_dtype | type", "Generator": "Generator",
          **{name: f"_{name}" for name in ("int", "float", "bool", "str")}}
_KNOWN = {"Tensor", "None", "Any"}
_BY_NAME = {"input": "Tensor", "condition": "Any", "other": "Tensor | _float", "exponent": "Tensor | _float",
            "value": "Tensor | _float", "out": "Any"}
_RESULTS: dict[str, dict[str, Any]] = {}  # of examples that were run
_OPERATORS = {
    **dict.fromkeys(("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift",
                     "radd", "rsub", "rmul", "rtruediv", "rfloordiv", "rmod", "rpow", "rand", "ror", "rxor", "rlshift",
                     "rrshift", "matmul", "rmatmul", "lt", "le", "gt", "ge", "iadd", "isub", "imul", "itruediv",
                     "ifloordiv", "imod", "ipow", "iand", "ior", "ixor", "ilshift", "irshift"),
                    "(self, other: Any) -> Tensor: ..."),
    **dict.fromkeys(("eq", "ne"), "(self, other: object) -> Tensor: ...  # type: ignore[override]"),
    **dict.fromkeys(("neg", "pos", "abs", "invert"), "(self) -> Tensor: ..."),
    "getitem": "(self, index: Any) -> Tensor: ...", "setitem": "(self, index: Any, value: Any) -> None: ...",
    "hash": "(self) -> _int: ...",
}


def text(space: str) -> str:
    """The stub of a namespace.

    >>> "def erf(input: Tensor, *, out: Any = None) -> Tensor:" in text("special")
    True
    """
    parts: list[str] = []
    results: dict[str, tuple[str, ...]] = {}
    for d in functions(space):
        if d.forms and _is_ours(d, space):
            parts.append(_functions(d, results))
    named = "".join(f"class {name}(NamedTuple):\n" + "".join(f"    {f}: Tensor\n" for f in fields) + "\n"
                    for name, fields in sorted(results.items()))
    if space == "Tensor":
        body = textwrap.indent("".join(parts), "    ")
        return (f"{HEAD}from tapegrad.random import Generator\n"
                f"from tapegrad.tensor import Tensor\n\n{named}{_tensor_base()}{body}")
    if space:
        more = _classes(space)
        return (f"{HEAD}from tapegrad.random import Generator\n"
                f"from tapegrad.tensor import Tensor\n{more}\n__all__: list[_str]\n\n{named}{''.join(parts)}")
    return f"{HEAD}{_imports()}\n{named}{''.join(parts)}"


def _is_ours(d: Description, space: str) -> bool:
    """Whether a name is to be typed here: it is, unless its own source says as much."""
    if space == "Tensor":
        return d.name not in vars_of_source()
    return True


@functools.cache
def vars_of_source() -> set[str]:
    """What the class of tensors says in its own source, and with types."""
    import ast

    found: set[str] = set()
    for module in ("tensor.py", "protocols.py"):
        tree = ast.parse(Path(tapegrad.__file__).with_name(module).read_text())
        found |= {n.name for c in tree.body if isinstance(c, ast.ClassDef) and c.name in ("Tensor", "Protocols")
                  for n in ast.walk(c) if isinstance(n, ast.FunctionDef)}
    return found


def _tensor_base() -> str:
    lines = ["class TensorBase:", '    """Tensors, as far as native code and `tapegrad.functions` define them."""', "",
             "    _buffer: _int", "    _layout: _int", "    _base: Tensor | None", "    grad: Any",
             "    requires_grad: _bool", "    @property", "    def is_leaf(self) -> _bool: ..."]
    lines += ["    def backward(self, gradient: Tensor | None = None, retain_graph: _bool | None = None, "
              "create_graph: _bool = False, inputs: Any = None) -> None:",
              *textwrap.indent(f'"""{inspect.getdoc(tapegrad.Tensor.backward)}"""', "        ").splitlines()]
    for name in ("T", "mT", "H", "mH", "real", "imag"):
        lines += ["    @property", f"    def {name}(self) -> Tensor: ..."]
    lines += ["    @property", "    def grad_dtype(self) -> Any: ..."]
    lines += [f"    def __{name}__{rest}" for name, rest in _OPERATORS.items()]
    return "\n".join(lines) + "\n"


def _imports() -> str:
    """Classes, values and namespaces, by the modules that define them."""
    rows = []
    for name in sorted({*tapegrad.__all__, *vars(tapegrad)["_LAZY"].split()}):
        value = getattr(tapegrad, name)
        if isinstance(value, types.ModuleType):
            rows.append(f"from tapegrad import {name} as {name}")
        elif isinstance(value, type) and value.__module__.split(".")[0] == "tapegrad":
            # The root says of Tensor that it is its own; its methods know where they are written.
            written = next((f.__module__ for f in vars(value).values() if isinstance(f, types.FunctionType)), "")
            home = written if value.__module__ == "tapegrad" else value.__module__
            rows.append(f"from {home} import {value.__name__} as {name}")
        elif not callable(value) or isinstance(value, type(tapegrad.float32)):
            kind = type(value)
            plain = f"_{kind.__name__}" if kind.__name__ in ("float", "int", "bool", "str", "dtype") else "Any"
            rows.append(f"{name}: {'None' if value is None else plain}")
        elif isinstance(value, type):
            rows.append(f"{name}: Any")
    first = [r for r in rows if r.startswith("from")]
    values = [r for r in rows if r not in first]
    return "\n".join([*first, "", *values, "__version__: _str", "__all__: list[_str]", ""])


def _classes(space: str) -> str:
    return "".join(f"from {v.__module__} import {v.__name__.lstrip('_')} as {name}\n" for name in public(space)
                   if isinstance(v := getattr(within(space), name), type))


def _functions(d: Description, results: dict[str, tuple[str, ...]]) -> str:
    """The definitions of one name, an overload a form."""
    is_method = d.path.startswith("Tensor.")
    said = inspect.getdoc(d.value) or ""
    doc = '"""' + said.replace("\\", "\\\\").replace('"""', "'''") + '"""'
    heads = []
    for j, form in enumerate(d.forms):
        if any(_covers(other, form) for other in d.forms[:j]):
            continue  # it is another one in what is said of wrong arguments
        result = _result(d, form, results)
        for parameters in _written(form, is_method):
            head = f"def {d.name}({', '.join(parameters)}) -> {result}:"
            if head not in heads:
                heads.append(head)
    body = textwrap.indent(doc, "    ")
    if len(heads) == 1:
        return f"{heads[0]}\n{body}\n"
    return "".join(f"@overload\n{head}\n{body if j == 0 else '    ...'}\n" for j, head in enumerate(heads))


def _covers(form: Form, other: Form) -> bool:
    """Whether every call of the other form is one of this."""
    named = {p.name: p for p in other.parameters}
    places = [[p.name for p in f.parameters if not p.keyword] for f in (form, other)]
    return places[0] == places[1] and {*named} <= {p.name for p in form.parameters} and all(
        p.optional if p.name not in named else {*_kind(named[p.name]).split(" | ")} <= {*_kind(p).split(" | ")}
        for p in form.parameters)


def _written(form: Form, is_method: bool) -> Iterator[list[str]]:
    """The parameters of a form as a stub has them; those with sizes twice, for sizes one by one."""
    for spread in (False, True):
        positional = [p for p in form.parameters if not p.keyword]
        if spread and not (len(positional) == 1 and positional[0].annotation.startswith("Sizes")):
            return
        shown = ["self"] if is_method else []
        starred = False
        for p in form.parameters:
            name = p.name + "_" * keyword.iskeyword(p.name)
            if spread and p is positional[0]:
                shown.append(f"*{name}: _int")
                starred = True
                continue
            if p.keyword and not starred:
                shown.append("*")
                starred = True
            if p.rest:
                shown.append(f"*{name}: Any")
                starred = True
                continue
            default = "" if p.default is REQUIRED else f" = {_default(p.default)}"
            shown.append(f"{name}: {_kind(p)}{default}")
        yield shown


def _default(value: Any) -> str:
    return repr(value) if isinstance(value, (int, float, str, bool, type(None), tuple)) else "..."


def _kind(p: Parameter) -> str:
    if p.annotation == "Any" or p.name in ("out", "condition"):
        found = _BY_NAME.get(p.name, "Any")
    else:
        named = p.annotation.replace(" / ", " | ").split(" | ")
        parts = [_KINDS.get(part, part if part in _KNOWN else "Any") for part in named]
        found = "Any" if "Any" in parts else " | ".join(dict.fromkeys(" | ".join(parts).split(" | ")))
    if p.default is None and "None" not in found and found != "Any":
        found += " | None"
    return found


def _result(d: Description, form: Form, results: dict[str, tuple[str, ...]]) -> str:
    """What a call of this form gives: as annotated, or as its example does."""
    annotated = str(getattr(unwrapped(d.function), "__annotations__", {}).get("return", "Any"))
    if annotated in ("bool", "int", "float", "str", "dtype"):
        return f"_{annotated}"
    if annotated in ("None", "Tensor", "Generator"):
        return annotated
    if (d.name.endswith("_") and d.path.startswith("Tensor.")) or d.operation is not None:
        return "Tensor"
    if d.path.startswith("Tensor."):
        beside = d._replace(path=d.name) if d.name in public("") else None
        if beside is None:
            return "Any"
        of = described(d.name)
        forms = [f for f in of.forms if {p.name for p in form.parameters} <= {p.name for p in f.parameters}]
        return _result(of, forms[0] if forms else of.forms[0], results)
    if str(form) not in _RESULTS.setdefault(d.path, {}):
        _RESULTS[d.path][str(form)] = manual.result(d._replace(forms=[form]))
    value = _RESULTS[d.path][str(form)]
    if isinstance(value, tapegrad.Tensor):
        return "Tensor"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        name = "_" + type(value).__name__
        results[name] = value._fields
        return name
    if isinstance(value, tuple) and value and all(isinstance(v, tapegrad.Tensor) for v in value):
        return "tuple[Tensor, ...]"
    return f"_{type(value).__name__}" if isinstance(value, (bool, int, float)) else "Any"


def write() -> None:
    """Write every stub beside what it describes."""
    for space, name in FILES.items():
        (Path(tapegrad.__file__).parent / name).write_text(text(space))
