"""Stubs of modules whose names are made as they run: families declared in tables, devices that are absent, late rooms.

What the source says stands in the stub as it is written there: imports, signatures, annotations. What is made while the
module runs is looked up in the module: a property of an expression has the type of the property that it overrides, a
parameter of a distribution is a tensor.
"""
from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tapegrad

_FAMILIES = "composed discrete multivariate positive real transformed distribution constraints constraint_registry"
_TRANSFORMS = "elements maps parts vectors"
_BACKENDS = "cpu cuda cudnn mkl mkldnn mps openmp opt_einsum"
FILES = {
    **{name: f"{name}.pyi" for name in ("accelerator", "distributed", "mps", "xpu")},
    **{name: f"{name}/__init__.pyi" for name in ("autograd", "backends", "cpu", "cuda", "nn")},
    **{name: f"{name.replace('.', '/')}/__init__.pyi" for name in ("nn.modules", "nn.parallel")},
    "nn.parallel.scatter_gather": "nn/parallel/scatter_gather.pyi",
    "autograd.graph": "autograd/graph.pyi",
    **{f"backends.{name}": f"backends/{name}.pyi" for name in _BACKENDS.split()},
    **{f"distributions.{name}": f"distributions/{name}.pyi" for name in _FAMILIES.split()},
    **{f"distributions.transforms.{name}": f"distributions/transforms/{name}.pyi" for name in _TRANSFORMS.split()},
}
HEAD = '''"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar
'''
_PLAIN = ("bool", "int", "float", "str")
_PROPERTIES = ("property", "lazy_property", "dependent_property")


def text(name: str) -> str:
    """The stub of a module.

    >>> "class Normal(Family, ExponentialFamily):" in text("distributions.real")
    True
    """
    module = importlib.import_module(f"tapegrad.{name}")
    from_file = getattr(module, "__file__", None) is not None  # backends are made one by one
    source = inspect.getsource(module) if from_file else ""
    imports: list[ast.Import | ast.ImportFrom] = []
    body: list[str] = []
    said: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__":
            imports.append(node)
        elif isinstance(node, ast.ClassDef):
            body.append(_class(node, vars(module)[node.name]))
            said.add(node.name)
        elif isinstance(node, ast.FunctionDef) and node.name[0] != "_":
            body.append(_function(node))
            said.add(node.name)
    public = [n for n in getattr(module, "__all__", [] if from_file else dir(module)) if n[0] != "_" and n not in said]
    made = [_made(module, n) for n in public]
    written = "\n".join([*body, *(m for m in made if m[:5] != "from ")])
    used = {*re.findall(r"\w+", re.sub(r'""".*?"""', "", written, flags=re.DOTALL))} - {"Any", "ClassVar", *public}
    for node in imports:
        node.names = [a for a in node.names if (a.asname or a.name).partition(".")[0] in used]
    taken = [ast.unparse(node) for node in imports if node.names]
    listed = ["__all__: list[str]"] * hasattr(module, "__all__")
    return "\n".join([HEAD, *taken, *sorted(m for m in made if m[:5] == "from "), "", *listed, "", written, ""])


def _made(module: types.ModuleType, name: str) -> str:
    """A name that the module's source does not define by itself."""
    value = getattr(module, name)
    if isinstance(value, types.ModuleType):
        return f"from {module.__name__} import {name} as {name}"
    home = getattr(value, "__module__", "")
    if isinstance(value, (type, types.FunctionType)) and home != module.__name__ and home.startswith("tapegrad."):
        return f"from {home} import {name} as {name}"
    if isinstance(value, type) and value.__name__ != name and value.__name__ in vars(module):
        return f"{name} = {value.__name__}"
    if isinstance(value, type):
        return f"class {name}:\n{_document(value)}"
    if isinstance(value, types.FunctionType):
        taken = inspect.signature(value).parameters.values()
        parameters = [f"{p}: Any" if p.default is p.empty else f"{p.name}: Any = {p.default!r}" for p in taken]
        if (last := sum(p.kind is p.POSITIONAL_ONLY for p in taken)):
            parameters.insert(last, "/")
        head = f"def {name}({', '.join(parameters)}) -> {value.__annotations__.get('return', 'Any')}:"
        return f"{head}\n{_document(value)}"
    kind = type(value)
    return f"{name}: {kind.__name__ if kind.__module__ == module.__name__ else _kind(value)}"


def _kind(value: Any) -> str:
    kind = type(value)
    if kind.__name__ in _PLAIN:
        return kind.__name__
    return kind.__name__ if kind.__module__.startswith("tapegrad.") and kind.__name__[0] != "_" else "Any"


def _document(of: Any) -> str:
    said = inspect.getdoc(of) or ""
    return textwrap.indent('"""' + said.replace("\\", "\\\\").replace('"""', "'''") + '"""\n', "    ")


def _function(node: ast.FunctionDef, decorators: str = "") -> str:
    returns = ast.unparse(node.returns) if node.returns else "Any"
    said = ast.get_docstring(node)
    head = f"{decorators}def {node.name}({ast.unparse(node.args)}) -> {returns}:"
    return f"{head}\n" + textwrap.indent(f'r"""{said}"""', "    ") + "\n" if said else f"{head} ..."


def _class(node: ast.ClassDef, cls: type) -> str:
    """A class: its parameters and attributes, then properties and methods as they come."""
    own = _attributes(node, cls)
    lines = [f"{name}: {kind}" for name, kind in own.items()]
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and (part.name[0] != "_" or part.name[:2] == part.name[-2:] == "__"):
            if part.name in own:
                continue
            decorators = "".join(f"@{_decorator(d)}\n" for d in part.decorator_list)
            lines.append(_function(part, decorators))
        elif isinstance(part, ast.Assign):
            lines += [_assigned(name, part.value, cls) for name in _names(part.targets)
                      if name not in own and (name[0] != "_" or name == "__hash__")]
    heads = ", ".join(ast.unparse(x) for x in (*node.bases, *node.keywords))
    said = ast.get_docstring(node)
    document = f'r"""{said}"""\n' if said else ""
    return f"class {node.name}({heads}):\n" + textwrap.indent(document + "\n".join(lines) or "...", "    ") + "\n"


def _decorator(node: ast.expr) -> str:
    written = ast.unparse(node)
    return "property" if written.partition("(")[0].rpartition(".")[2] in _PROPERTIES else written


def _names(targets: list[ast.expr]) -> Iterator[str]:
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(part, ast.Name):
                yield part.id


def _attributes(node: ast.ClassDef, cls: type) -> dict[str, str]:
    """What is annotated, what a distribution's parameters are, and what methods keep of what they are given."""
    found = {part.target.id: ast.unparse(part.annotation) for part in node.body
             if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id[0] != "_"}
    defined = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    defined |= {name for part in node.body if isinstance(part, ast.Assign) for name in _names(part.targets)}
    constraints = vars(cls).get("arg_constraints")
    for name in constraints if isinstance(constraints, dict) else ():
        if not any(isinstance(vars(c).get(name), property) for c in cls.__mro__):
            found[name] = "Tensor"
    for method in (part for part in node.body if isinstance(part, ast.FunctionDef)):
        given = {a.arg: ast.unparse(a.annotation) for a in (*method.args.args, *method.args.kwonlyargs) if a.annotation}
        for part in ast.walk(method):
            if isinstance(part, ast.AnnAssign) and _of_self(part.target):
                found.setdefault(_of_self(part.target), ast.unparse(part.annotation))
            if isinstance(part, ast.Assign):
                of_tensors = isinstance(part.value, ast.Call) and ast.unparse(part.value.func) == "broadcast_all"
                for target in part.targets:
                    for kept in target.elts if isinstance(target, ast.Tuple) else [target]:
                        name = _of_self(kept)
                        if name and name not in defined and not hasattr(cls, name):
                            found.setdefault(name, "Tensor" if of_tensors else given.get(name, "Any"))
    return found


def _of_self(node: ast.expr) -> str:
    """The public attribute of `self` that is assigned to, or nothing."""
    is_own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if is_own and node.attr[0] != "_" else ""  # type: ignore[attr-defined]


def _assigned(name: str, value: ast.expr, cls: type) -> str:
    """A name that a class gives a value."""
    if name == "__hash__":
        return "def __hash__(self) -> int: ..."
    found = inspect.getattr_static(cls, name)
    if isinstance(found, property):
        return f"@property\ndef {name}(self) -> {_returns(name, cls)}: ..."
    if isinstance(found, types.FunctionType):
        node = ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]
        assert isinstance(node, ast.FunctionDef)
        return f"def {name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else 'Any'}: ..."
    above = next((vars(c).get("__annotations__", {})[name] for c in cls.__mro__[1:]
                  if name in vars(c).get("__annotations__", {})), None)
    return f"{name}: {above or _kind(found)}"


def _returns(name: str, cls: type) -> str:
    """What a property gives: as annotated here or above; a parameter is a tensor."""
    for c in cls.__mro__:
        got = getattr(vars(c).get(name), "fget", None)
        if got is not None and "return" in got.__annotations__:
            return got.__annotations__["return"]
    constraints = getattr(cls, "arg_constraints", None)
    return "Tensor" if isinstance(constraints, dict) and name in constraints else "Any"


def write() -> None:
    """Write every stub beside what it describes."""
    for name, file in FILES.items():
        (Path(tapegrad.__file__).parent / file).write_text(text(name), encoding="utf-8")
