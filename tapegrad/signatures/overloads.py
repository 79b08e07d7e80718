"""A form: one way to call a function, as names, kinds and defaults of its parameters.

>>> print(Form.of_text("input, dim: int, keepdim: bool = False, *, out"))
(Tensor input, int dim, bool keepdim = False, *, Tensor out = None)
"""
from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Callable
from keyword import iskeyword
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tapegrad.named_tuples import NamedTuple
from tapegrad.signatures.kinds import Kind, kind_of
from tapegrad.signatures.table import DEFAULTS, FORMS, INDICES, KINDS_BY_NAME, OPEN, SEVERAL, TRUTHS

if TYPE_CHECKING:
    from tapegrad.ops.declaration import Operation

REQUIRED = inspect.Parameter.empty


class Parameter(NamedTuple):
    """One parameter: `rest` says that it takes all further positional arguments."""

    name: str
    annotation: str = "Any"
    default: Any = REQUIRED
    keyword: bool = False
    rest: bool = False

    @property
    def kind(self) -> Kind | None:
        kind = self.annotation
        return kind_of(kind.replace("int", "Index") if self.name in INDICES and kind in ("int", "int | None") else kind)

    @property
    def optional(self) -> bool:
        return self.default is not REQUIRED or self.rest

    def __str__(self) -> str:
        """As PyTorch lists it: `bool keepdim = False`."""
        first = self.annotation.split(" | ")[0]
        shown = self.kind.name if self.kind is not None else first
        if shown == "Any" and self.name in ("input", "other"):  # numbers too, for operators
            shown = "Tensor"
        if self.default is REQUIRED:
            return f"{shown} {'*' * self.rest}{self.name}"
        default = f'"{self.default}"' if isinstance(self.default, str) else self.default
        return f"{shown} {self.name} = {default}"


class Form(NamedTuple):
    """The parameters of one way to call a function."""

    parameters: tuple[Parameter, ...]

    def __str__(self) -> str:
        shown = [str(p) for p in self.parameters]
        at = next((j for j, p in enumerate(self.parameters) if p.keyword), None)
        if at is not None:
            shown.insert(at, "*")
        return f"({', '.join(shown)})"

    @property
    def signature(self) -> inspect.Signature:
        """What `inspect.signature` shows; `from` is no name there."""
        kind = inspect.Parameter
        return inspect.Signature([kind(
            p.name + "_" * iskeyword(p.name),
            kind.VAR_POSITIONAL if p.rest else kind.KEYWORD_ONLY if p.keyword else kind.POSITIONAL_OR_KEYWORD,
            default=p.default) for p in self.parameters])

    def without(self, *names: str) -> Form:
        return Form(tuple(p for p in self.parameters if p.name not in names))

    def spelled_out(self, bound: int = 0) -> list[Form]:
        """The forms that PyTorch has where one parameter may be this or that (`Tensor / Number`).

        Something is a tensor in all of them: what a method is `bound` to, if nothing else.

        >>> [str(form) for form in Form.of_text("input, other: Tensor / Number").spelled_out()]
        ['(Tensor input, Tensor other)', '(Tensor input, Number other)']
        """
        kinds = [p.annotation.split(" / ") for p in self.parameters]
        combined = [Form(tuple(p._replace(annotation=kind) for p, kind in zip(self.parameters, each[::-1])))
                    for each in itertools.product(*kinds[::-1])]
        return [form for form in combined if bound or form.parameters[:1] == self.parameters[:1] or any(
            p.annotation == "Tensor" for p in form.parameters)]

    def method(self) -> Form:
        """The form that a method takes, whose first argument is the tensor: `out` is for functions."""
        return Form(self.parameters[1:]).without("out")

    @staticmethod
    def of_function(function: FunctionType) -> Form:
        """A function's own parameters; what it takes under any name (`**options`) is none of them."""
        code, kinds = function.__code__, function.__annotations__
        count, end = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
        defaults = function.__defaults__ or ()
        given = dict(zip(code.co_varnames[count - len(defaults):count], defaults))
        given.update(function.__kwdefaults__ or {})
        names = [*code.co_varnames[:count]]
        if code.co_flags & inspect.CO_VARARGS:
            names.append(code.co_varnames[end])
        names += code.co_varnames[count:end]
        kinds = {name: OPEN[name] if kind == "Any" and name in OPEN else kind
                 for name, kind in kinds.items()}
        return Form(tuple(Parameter(
            name, kinds.get(name, "Any"), given.get(name, REQUIRED), j >= count and name not in code.co_varnames[end:],
            name in code.co_varnames[end:end + 1]) for j, name in enumerate(names)))

    @staticmethod
    def of_text(text: str) -> Form:
        """A line of the table: parameters as in a `def`, those that have one name everywhere without their kind."""
        found = ast.parse(f"def f({text}): 0").body[0]
        assert isinstance(found, ast.FunctionDef)
        a, made = found.args, []
        defaults: list[Any] = [None] * (len(a.args) - len(a.defaults)) + list(a.defaults)
        for p, default, keyword, rest in (
                *((p, d, False, False) for p, d in zip(a.args, defaults)),
                *((p, None, False, True) for p in ([a.vararg] if a.vararg else [])),
                *((p, d, True, False) for p, d in zip(a.kwonlyargs, a.kw_defaults))):
            name = p.arg[:-1] if p.arg in ("from_",) else p.arg
            kind = ast.unparse(p.annotation) if p.annotation is not None else KINDS_BY_NAME.get(name, "Any")
            value = ast.literal_eval(default) if default is not None else REQUIRED
            if default is None and keyword:
                value = DEFAULTS.get(name, REQUIRED)
            made.append(Parameter(name, f"{kind} | None" if value is None and "None" not in kind else kind, value,
                                  keyword, rest))
        return Form(tuple(made))

    @staticmethod
    def of_operation(op: Operation) -> Form:
        """What an operation's declaration says: operands, attributes, and `out` unless it writes in place."""
        kinds = ["Tensor" if op.arity == 1 or own.lstrip("*") in op.tensors else "Operand" for own in op.operands]
        operands = [Parameter(name.lstrip("*"), kind, rest=name[0] == "*")
                    for name, kind in zip(operand_names(op), kinds)]
        named = op.variadic or any(a not in op.defaults for a in op.attributes[len(op.attributes) - len(op.defaults):])
        attributes = [Parameter(a, OPEN.get(a, "Any"), op.defaults.get(a, REQUIRED), named) for a in op.attributes]
        out = [Parameter("out", KINDS_BY_NAME["out"], None, True)] if op.inplace_of is None else []
        return Form((*operands, *attributes, *out))


def operand_names(op: Operation) -> tuple[str, ...]:
    """Operands as users name them: what rules call x and y are PyTorch's input and other."""
    if {*op.operands} <= {"x", "y"}:
        return ("input", "other")[:op.arity]
    return tuple("input" if o == "x" else o for o in op.operands)


def is_general(op: Operation | None, function: Any) -> bool:
    """Whether a function is written for many operations, and takes what their declarations list, by position."""
    return op is not None and not function.__code__.co_argcount


def _of_several(path: str, form: Form) -> Form:
    """A form whose `out` is a tuple, if that is what its results are."""
    along = SEVERAL.get(path)
    if along is None or (along and all(p.name != along for p in form.parameters)):
        return form
    return Form(tuple([p._replace(annotation="Tensors | None") if p.name == "out" else p for p in form.parameters]))


def forms_of(path: str, function: Callable[..., Any], op: Operation | None = None) -> list[Form]:
    """Every way to call what users find under a path (`max`, `Tensor.max`, `linalg.norm`), the first first."""
    flags = TRUTHS.get(path, TRUTHS.get(path.rpartition(".")[0], set()))
    changed = {**dict.fromkeys([(name, "bool") for name in flags], "Truth"),
               **{(name, "bool"): "bool | None" for name in ("pin_memory", "requires_grad")}}
    return [Form(tuple([
        p if (p.name, p.annotation) not in changed else p._replace(annotation=changed[p.name, p.annotation])
        for p in form.parameters])) for form in _forms_of(path, function, op)]


def _forms_of(path: str, function: Callable[..., Any], op: Operation | None = None) -> list[Form]:
    space, _, name = path.rpartition(".")
    plain = name.rstrip("_") if name[:2] != "__" else name
    for listed in (path, f"{space}.{plain}", *([name, plain] if space in ("Tensor", "special", "") else ())):
        if listed in FORMS:
            found = [_of_several(path, Form.of_text(text)) for text in FORMS[listed]]
            if space == "Tensor" and not listed.startswith("Tensor."):
                return list(dict.fromkeys(form.method() for form in found if form.parameters[0].name != "self"))
            if listed in (path, name):
                return found
            return list(dict.fromkeys(form.without("out") for form in found if form.parameters[0].name != "self"))
    general = is_general(op, function)
    form = Form.of_operation(op) if general else Form.of_function(function)  # type: ignore[arg-type]
    if op is not None:
        form = Form(tuple([p._replace(annotation="Operand") if p.annotation == "Any" and p.name in ("input", "other")
                           else p for p in form.parameters]))
    return [form.method() if space == "Tensor" else _of_several(path, form)]
