"""How PyTorch's functions are called, as the installed package says it: in stubs, schemas and Python's own signatures.

A form is a list of `Given`: name, default as text ("" where there is none), and whether it is given by name alone.
"""
from __future__ import annotations

import ast
import functools
import inspect
from pathlib import Path
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")


class Given(NamedTuple):
    name: str
    default: str
    keyword: bool
    kind: str = ""


def _default(value: Any) -> str:
    """A default, written one way: numbers as floats; what PyTorch's stubs and ours may write as None is None."""
    text = value if isinstance(value, str) else repr(value)
    text = text.replace('"', "'").removeprefix("torch.").replace("(", "[").replace(")", "]")
    if text in ("[]", "contiguous_format", "preserve_format", "strided"):
        return "None"
    try:
        return repr(float(text))
    except ValueError:
        return text


def _written(node: ast.FunctionDef, is_method: bool) -> list[Given]:
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    defaults = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    found = [(p, d, False) for p, d in zip(positional, defaults)]
    found += [(p, None, False) for p in ([a.vararg] if a.vararg else [])]
    found += [(p, d, True) for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    given = [Given(p.arg, "" if d is None else _default(ast.unparse(d)), keyword, ast.unparse(p.annotation or p.arg)
                   if p.annotation else "") for p, d, keyword in found]
    return given[1:] if is_method and given and given[0].name == "self" else given


@functools.cache
def _stubs() -> dict[tuple[str, str], list[list[Given]]]:
    """The forms in the stub files, by class or module and name."""
    found: dict[tuple[str, str], list[list[Given]]] = {}
    for file, of in (("_VariableFunctions", "torch"), ("__init__", "Tensor"), ("__init__", "torch"), ("_nn", "nn")):
        body = ast.parse((Path(torch.__file__).parent / "_C" / f"{file}.pyi").read_text()).body
        if of == "Tensor":
            body = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == "TensorBase").body
        for node in body:
            if isinstance(node, ast.FunctionDef):
                found.setdefault((of, node.name), []).append(_written(node, of == "Tensor"))
    return found


def _schemas(name: str) -> list[list[Given]]:
    """The forms of an operator's schemas; results to be written are one argument, `out`."""
    found = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        outs = [a for a in schema.arguments if a.is_out]
        given = [Given("input" if a.name == "self" else a.name,
                       _default(repr(a.default_value)) if a.has_default_value() else "", a.kwarg_only, str(a.type))
                 for a in schema.arguments if not a.is_out]
        found.append(given + [Given("out", "None", True)] * bool(outs))
    return found


def _python(function: Any, is_method: bool) -> list[list[Given]]:
    if hasattr(function, "__wrapped__") or function.__name__ == "fn":  # one of two functions, chosen by an argument
        raise ValueError
    parameters = [*inspect.signature(function).parameters.values()][is_method:]
    return [[Given(p.name, "" if p.default is p.empty else _default(
        repr(p.default) if isinstance(p.default, str) else p.default), p.kind is p.KEYWORD_ONLY) for p in parameters]]


def forms(space: str, name: str) -> list[list[Given]]:
    """The forms of a function or method; none where the package says nothing."""
    owner: Any = torch
    for part in filter(None, space.split(".")):
        owner = getattr(owner, part)
    function = getattr(owner, name)
    if inspect.isfunction(function):
        try:
            return [form for form in _python(function, space == "Tensor") if not _is_outdated(form)]
        except ValueError:
            return []
    stubs = _stubs()
    if space in ("linalg", "special"):
        found = _schemas(function.__name__) or _schemas(f"{space}_{name}")
    else:
        found = stubs.get((space.partition(".")[0] or "torch", name)) or stubs.get(("torch", name)) or _schemas(name)
    return [form for form in found if not _is_outdated(form)]


def _is_outdated(form: list[Given]) -> bool:
    """Forms that are deprecated, say nothing, or are of what is not there: named axes, products in another dtype."""
    names = {g.name for g in form}
    return bool(names & {"self", "out_dtype", "names", "args"}) or any("EllipsisType" in g.kind for g in form)
