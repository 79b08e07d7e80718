"""Functions as files: what a call does, taken down as a tape, for processes that have no source (`torch.export`).

>>> import tapegrad as torch
>>> w = torch.ones(3, requires_grad=True)
>>> exported = torch.export.export(lambda x: (w * x).tanh(), (torch.zeros(2, 3),))
>>> exported.module()(torch.zeros(2, 3)).shape
torch.Size([2, 3])
"""
from __future__ import annotations

import contextlib
import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tapegrad import autograd, creation, dtypes, errors
from tapegrad.autograd import modes
from tapegrad.compiler.compiled_function import Compiled
from tapegrad.interop.partitioned.capture import CLOSE, moved
from tapegrad.interop.partitioned.notes import Failed, Notes, NotSendable, noted, run_all
from tapegrad.namespaces import show_public
from tapegrad.tape import Tape, TapeError, TapeFormatError, files, naming, reading, text
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import LeafSpec, TreeSpec, tree_flatten, tree_unflatten

__all__ = ["ExportError", "ExportedProgram", "export", "load", "save"]
show_public(__name__)

_CONTAINERS: dict[str, type] = {"tuple": tuple, "list": list, "dict": dict, "OrderedDict": OrderedDict}
_PLAIN = (type(None), bool, int, float, str)
_DEEPEST = 64  # containers in containers


class ExportError(RuntimeError):
    """Why a function cannot be exported, with the line."""


def export(mod: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None, *,
           dynamic_shapes: Any = None, strict: bool = False, preserve_module_call_signature: tuple[str, ...] = (),
           prefer_deferred_runtime_asserts_over_guards: bool = False) -> ExportedProgram:
    """What a function or module does to arguments of these kinds, as a tape and parameters (`torch.export.export`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> exported = export(layer, (torch.ones(4, 2),))
    >>> [name for name, _ in exported.named_parameters()]
    ['weight', 'bias']
    >>> torch.equal(exported.module()(torch.ones(4, 2)), layer(torch.ones(4, 2)))
    True

    It is called twice, on `args` and on values close to them; a compiled function as it is written. Shapes, dtypes,
    containers and every other argument are part of the program, and so is what it reads of Python: numbers, flags,
    `training`. Tensors that it reaches come along as they are now: those that require grad as parameters. Raises
    ExportError, with the line, where a tape cannot be the function: what it does depends on values, it draws random
    numbers, writes to a tensor or leaves a gradient there, calls a custom function, has hooks. Raises TypeError for
    arguments or results other than tensors, numbers, strings, None, and tuples, lists and dicts of these;
    NotImplementedError for `dynamic_shapes`. What else can be chosen changes nothing.
    """
    if dynamic_shapes is not None:
        raise NotImplementedError("export(): dynamic_shapes: a function is exported for one shape of each argument")
    if not isinstance(args, tuple):
        raise TypeError(f"Expecting `args` to be a tuple of example positional inputs, got {type(args)}")
    function = getattr(mod, "__wrapped__", mod) if isinstance(mod, Compiled) else mod
    name = getattr(function, "__name__", type(function).__name__).replace("<lambda>", "function")
    leaves, spec = tree_flatten((args, dict(kwargs or {})))
    given = _Leaves.of(leaves, spec, "passed")
    called = {**naming.called(None, sys._getframe(1)), **_names_in(function)}
    random = np.random.default_rng(0)
    try:
        program = _taken(function, name, given, given.tensors, called)
        other = _taken(function, name, given, [_beside(random, x) for x in given.tensors], called)
        _compare(program, other, len(given.tensors))
    except NotSendable as why:
        raise ExportError(f"{name} cannot be exported: {why}") from None
    return program


def save(ep: ExportedProgram, f: str | Path | BinaryIO, *, extra_files: Mapping[str, Any] | None = None,
         opset_version: Mapping[str, int] | None = None, pickle_protocol: int = 2) -> None:
    """Write an exported program to a file, or to one that is open: arrays and JSON in a zip, no code, no pickle.

    >>> import io
    >>> import tapegrad as torch
    >>> file = io.BytesIO()
    >>> save(export(lambda x: x.exp(), (torch.zeros(2),)), file)
    >>> load(file).module()(torch.zeros(2))
    tensor([1., 1.])

    The arguments that it was exported with are in the file too, unless `ep.example_inputs` is None. Raises TypeError
    for anything but an ExportedProgram, OSError where the file cannot be written, NotImplementedError for
    `extra_files`. There is no pickle, and one version of each operation. The format: docs/tape-format.md.
    """
    _alone("save", extra_files)
    if not isinstance(ep, ExportedProgram):
        kind = type(ep).__name__
        raise TypeError(f"The 'ep' parameter must be an instance of 'ExportedProgram', got '{kind}' instead.")
    files.save(ep.tape, f, ep._call())


def load(f: str | Path | BinaryIO, *, extra_files: Mapping[str, Any] | None = None,
         expected_opset_version: Mapping[str, int] | None = None) -> ExportedProgram:
    """The exported program of a file, verified: nothing of it has run, and nothing in it is code (`torch.export.load`).

    >>> import io
    >>> load(io.BytesIO(b"nothing"))
    Traceback (most recent call last):
        ...
    tapegrad.tape.notation.TapeFormatError: ... is not a saved tape: the archive: File is not a zip file

    Raises TapeFormatError, which names the part, ParseError or TapeError for a file that is damaged, or no function's;
    NotImplementedError for `extra_files`.
    """
    _alone("load", extra_files)
    saved = files.load(f)
    if saved.call is None:
        raise TapeFormatError(f"{f}: about: it is a tape, and no function that was exported: `Tape.load` reads it")
    try:
        fields = _Reader.fields(saved.call, "call", {"default_dtype": str, "arguments": dict, "results": dict})
        default = dtypes.BY_SHORT.get(fields["default_dtype"])
        if default not in dtypes.FLOATING:
            raise TapeError(f"default_dtype: there is no such default, {fields['default_dtype']!r}")
        with _default_dtype(default):
            tape = Tape._restored(saved.dumped, saved.arrays).verify()
        return _Reader(tape).program(fields["arguments"], fields["results"], default)
    except (TapeError, RecursionError) as error:
        raise TapeFormatError(f"{f}: {error}") from None


def _alone(name: str, extra_files: Mapping[str, Any] | None) -> None:
    if extra_files:
        raise NotImplementedError(f"{name}(): extra_files: a file holds an exported program alone")


class ExportedProgram:
    """A function as a tape with its parameters, and how its arguments and results are built; see `export`.

    >>> import tapegrad as torch
    >>> exported = export(lambda x: x.exp() + 1, (torch.ones(2),))
    >>> exported
    <exported function: 2 instructions, 0 tensors of its own>
    >>> [op.name for op in exported.tape.operations]
    ['exp', 'add']

    `tape` is what it does: its first inputs are the arguments, the others parameters and constants.
    """

    tape: Tape

    def __init__(self, tape: Tape, arguments: _Leaves, results: _Leaves, default: Any) -> None:
        self.tape, self._arguments, self._results, self._default = tape, arguments, results, default
        self._count = len(arguments.kinds)
        held = {b: tape.values[b].detach() for b in tape.inputs[self._count:]}
        for b in tape.requires & held.keys():
            held[b].requires_grad_()
        self._held: dict[int, Any] = held
        self._module: _Module | None = None

    def module(self) -> Callable[..., Any]:
        """The function: compiled, and differentiated as any other.

        >>> import tapegrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> exported = export(lambda x: (w * x).sum(), (torch.ones(2),))
        >>> exported.module()(torch.tensor([3.0, 4.0])).backward()
        >>> [p.grad for p in exported.parameters()]
        [tensor([3., 4.])]

        It raises RuntimeError for arguments that are other than those it was exported for.
        """
        if self._module is None:
            self._module = _Module(self)
        return self._module

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters, as the function's program called them.

        >>> import tapegrad as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> dict(export(lambda x: w * x, (torch.ones(2),)).named_parameters())
        {'w': tensor([1., 1.], requires_grad=True)}
        """
        for b, held in self._held.items():
            if held.requires_grad:
                yield self.tape.names.get(b, f"p{b}"), held

    def parameters(self) -> Iterator[Tensor]:
        """The parameters, which optimisers may update.

        >>> import tapegrad as torch
        >>> len([*export(torch.nn.Linear(2, 3), (torch.ones(1, 2),)).parameters()])
        2
        """
        return (p for _, p in self.named_parameters())

    @property
    def example_inputs(self) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The arguments that it was exported with; None where they are not kept.

        >>> import tapegrad as torch
        >>> exported = export(lambda x, n: x * n, (torch.ones(2), 3))
        >>> exported.example_inputs
        ((tensor([1., 1.]), 3), {})
        >>> exported.example_inputs = None

        Set to None, a file of it has no values of theirs, only what they are like. Raises ValueError for anything but
        None or a pair of a tuple and a dict, RuntimeError for arguments that are other than those.
        """
        given = self.tape.inputs[:self._count]
        if any(b not in self.tape.values for b in given):
            return None
        found: tuple[tuple[Any, ...], dict[str, Any]] = self._arguments.built(
            [self.tape.values[b].detach() for b in given])
        return found

    @example_inputs.setter
    def example_inputs(self, value: tuple[tuple[Any, ...], dict[str, Any]] | None) -> None:
        given = self.tape.inputs[:self._count]
        if value is None:
            for b in given:
                self.tape.values.pop(b, None)
            return
        if not (isinstance(value, tuple) and [*map(type, value)] == [tuple, dict]):
            raise ValueError("Example inputs should be a tuple containing example arguments (as a tuple), and example "
                             "kwargs (as a dictionary).")
        found = self._arguments.matched((value[0], _ordered(value[1], self._arguments.spec)))
        self.tape.values.update((b, _laid(x, self.tape, b).detach().clone()) for b, x in zip(given, found))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Unable to call ExportedProgram directly. "
                           "You should use `exported_program.module()` instead.")

    def __str__(self) -> str:
        return str(self.tape)

    def __repr__(self) -> str:
        return f"<exported {self.tape.name}: {len(self.tape)} instructions, {len(self._held)} tensors of its own>"

    def description(self) -> list[str]:
        """Lines that say what it takes, gives, and holds.

        >>> import tapegrad as torch
        >>> print(*export(lambda x, n: x * n, (torch.ones(2), 3)).description(), sep="\\n")
        arguments  ((f32[2], 3), {})
        results    f32[2]
        parameters 0
        """
        tape = self.tape

        def types(leaves: _Leaves, buffers: Sequence[int]) -> str:
            return repr(leaves.built([_Told(text.type_text(tape.layouts[b])) for b in buffers]))

        return [f"arguments  {types(self._arguments, tape.inputs[:self._count])}",
                f"results    {types(self._results, tape.outputs)}", f"parameters {len([*self.parameters()])}"]

    def _call(self) -> dict[str, Any]:
        """What a file says of it beside the tape."""
        return {"default_dtype": self._default.short, "arguments": self._arguments.json(),
                "results": self._results.json()}


class _Told(str):
    """Text that stands for a value where one is shown."""

    def __repr__(self) -> str:
        return str(self)


class _Module:
    """What an exported program does, called as the function was."""

    def __init__(self, of: ExportedProgram) -> None:
        self._of = of
        tape = of.tape

        def run(*inputs: Any) -> tuple[Any, ...]:
            try:
                return tuple(run_all(tape, inputs))
            except Failed as why:
                raise why.error from None

        def step(*inputs: Tensor) -> tuple[Any, ...]:  # the compiler reads this one, and trusts what is in this library
            return run(*inputs)

        step.__name__ = step.__qualname__ = tape.name
        self.__name__ = tape.name
        self._compiled = Compiled(step, eager_build=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        of = self._of
        given = of._arguments.matched((args, _ordered(kwargs, of._arguments.spec)))
        inputs = [_laid(x, of.tape, b) for b, x in zip(of.tape.inputs, given)]
        with _default_dtype(of._default):
            found = self._compiled(*inputs, *of._held.values())
        return of._results.built(found)

    def __repr__(self) -> str:
        return f"<function of {self._of!r}>"


@contextlib.contextmanager
def _default_dtype(default: Any) -> Iterator[None]:
    """That of the process that exported: numbers on its tape have types by it."""
    before = dtypes.default_dtype()
    if before is not default:
        dtypes.set_default_dtype(default)
    try:
        yield
    finally:
        if before is not default:
            dtypes.set_default_dtype(before)


def _ordered(kwargs: dict[str, Any], spec: TreeSpec) -> dict[str, Any]:
    """Arguments by name, in the order in which they were when it was exported."""
    names = spec.children_specs[1].context
    return {n: kwargs[n] for n in names} if kwargs.keys() == {*names} else kwargs


def _laid(x: Any, tape: Tape, b: int) -> Any:
    """An argument with the strides that the tape has: a view of it may ask for them."""
    layout = tape.layouts[b]
    if x.stride() == tuple(layout.strides):
        return x
    return creation.empty_strided(layout.shape, layout.strides, dtype=x.dtype).copy_(x)


# ---------------------------------------------------------------- arguments and results


class _Leaves:
    """How arguments or results are built: containers, `leaves` in them (numbers of tensors, or (value,)), and `kinds`.

    `kinds` are a dtype and a shape for each different tensor among arguments.
    """

    spec: TreeSpec
    leaves: list[int | tuple[Any]]
    kinds: list[tuple[Any, tuple[int, ...]]]

    def __init__(self, spec: TreeSpec, leaves: list[int | tuple[Any]], kinds: list[tuple[Any, tuple[int, ...]]]
                 ) -> None:
        self.spec, self.leaves, self.kinds = spec, leaves, kinds
        self.tensors: list[Any] = []

    @classmethod
    def of(cls, values: Sequence[Any], spec: TreeSpec, what: str) -> _Leaves:
        """Those of a value that was taken apart."""
        _told(spec)
        made = cls(spec, [], [])
        numbers: dict[int, int] = {}
        for value in values:
            if isinstance(value, Tensor):
                if id(value) not in numbers:
                    numbers[id(value)] = len(made.tensors)
                    made.tensors.append(value)
                made.leaves.append(numbers[id(value)])
            elif type(value) in _PLAIN:
                made.leaves.append((value,))
            else:
                raise TypeError(f"a {type(value).__name__} is {what}: an exported function has tensors, numbers, "
                                "strings and None, in tuples, lists and dicts")
        made.kinds = [(x.dtype, tuple(x.shape)) for x in made.tensors]
        return made

    def built(self, tensors: Sequence[Any]) -> Any:
        """A value with these tensors."""
        return tree_unflatten([tensors[leaf] if isinstance(leaf, int) else leaf[0] for leaf in self.leaves], self.spec)

    def matched(self, value: Any) -> list[Any]:
        """The tensors of a value that is built so; RuntimeError for another."""
        leaves, spec = tree_flatten(value)
        if spec != self.spec:
            raise RuntimeError(f"Expected arguments to be built as {self.spec}, but got {spec}")
        found: list[Any] = [None] * len(self.kinds)
        for i, (wanted, x) in enumerate(zip(self.leaves, leaves)):
            if isinstance(wanted, tuple):
                if type(x) is not type(wanted[0]) or repr(x) != repr(wanted[0]):
                    raise RuntimeError(f"Expected input {i} to be equal to {wanted[0]!r}, but got {x!r}")
                continue
            dtype, shape = self.kinds[wanted]
            if not isinstance(x, Tensor):
                raise RuntimeError(f"Expected input {i} to be a tensor, but got {type(x)}")
            if x.dtype is not dtype or tuple(x.shape) != shape:
                raise RuntimeError(f"Expected input {i} to be of {dtype} and shape {list(shape)}, but got {x.dtype} "
                                   f"and {list(x.shape)}")
            if found[wanted] is not None and found[wanted] is not x:
                raise RuntimeError(f"Expected input {i} to be the tensor that was passed before it, but got another")
            found[wanted] = x
        return found

    def json(self) -> Any:
        leaves = [{"tensor": leaf} if isinstance(leaf, int) else {"value": leaf[0]} for leaf in self.leaves]
        return {"built": _told(self.spec), "leaves": leaves}


def _told(spec: TreeSpec, depth: int = 0) -> Any:
    """How a value is built, as JSON has it."""
    if spec.is_leaf():
        return "*"
    kind = next((name for name, of in _CONTAINERS.items() if of is spec.type), None)
    keys = spec.context if issubclass(spec.type, dict) else []
    if kind is None or any(type(key) not in (str, int) for key in keys) or depth > _DEEPEST:
        raise TypeError(f"a {spec.type.__name__} is passed or returned: an exported function has tuples, lists, and "
                        "dicts by strings and whole numbers")
    return [kind, list(keys), [_told(child, depth + 1) for child in spec.children_specs]]


class _Reader:
    """What a file says of calls, checked against its tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def program(self, arguments_told: Any, results_told: Any, default: Any) -> ExportedProgram:
        arguments = self.leaves(arguments_told, "arguments", len(self.tape.inputs))
        count = len({leaf for leaf in arguments.leaves if isinstance(leaf, int)})
        if {leaf for leaf in arguments.leaves if isinstance(leaf, int)} != {*range(count)}:
            raise TapeError("arguments: they are not the first inputs of the tape")
        spec = arguments.spec
        if spec.type is not tuple or [c.type for c in spec.children_specs] != [tuple, dict] or any(
                type(name) is not str for name in spec.children_specs[1].context):
            raise TapeError("arguments: expected a tuple, and a dict by names")
        layouts = [self.tape.layouts[b] for b in self.tape.inputs]
        arguments.kinds = [(layout.dtype, tuple(layout.shape)) for layout in layouts[:count]]
        for b in self.tape.inputs[count:]:
            if b not in self.tape.values:
                raise TapeError(f"there are no values for %{b}, which is not passed")
        results = self.leaves(results_told, "results", len(self.tape.outputs))
        return ExportedProgram(self.tape, arguments, results, default)

    @staticmethod
    def fields(found: Any, where: str, wanted: dict[str, type]) -> dict[str, Any]:
        if not isinstance(found, dict) or found.keys() != wanted.keys() or any(
                type(found[name]) is not kind for name, kind in wanted.items()):
            told = ", ".join(f"{name} (a {kind.__name__})" for name, kind in wanted.items())
            raise TapeError(f"{where}: expected {told}")
        return found

    def leaves(self, found: Any, where: str, most: int) -> _Leaves:
        if not isinstance(found, dict) or found.keys() != {"built", "leaves"} or type(found["leaves"]) is not list:
            raise TapeError(f"{where}: expected `built` and a list of `leaves`")
        spec = self.spec(found["built"], f"{where}: built")
        if spec.num_leaves != len(found["leaves"]):
            raise TapeError(f"{where}: {spec.num_leaves} leaves are built, there are {len(found['leaves'])}")
        leaves: list[int | tuple[Any]] = []
        for i, leaf in enumerate(found["leaves"]):
            if isinstance(leaf, dict) and leaf.keys() == {"value"} and type(leaf["value"]) in _PLAIN:
                leaves.append((leaf["value"],))
            elif isinstance(leaf, dict) and leaf.keys() == {"tensor"} and type(leaf["tensor"]) is int and (
                    0 <= leaf["tensor"] < most):
                leaves.append(leaf["tensor"])
            else:
                raise TapeError(f"{where}: leaf {i}: expected a tensor below {most}, or a plain value")
        return _Leaves(spec, leaves, [])

    def spec(self, told: Any, where: str, depth: int = 0) -> TreeSpec:
        if told == "*":
            return LeafSpec()
        if not (isinstance(told, list) and len(told) == 3 and isinstance(told[0], str) and told[0] in _CONTAINERS
                and isinstance(told[1], list) and isinstance(told[2], list)) or depth > _DEEPEST:
            raise TapeError(f'{where}: expected "*" or [container, keys, parts]')
        kind, keys, parts = told
        wanted = len(parts) if issubclass(_CONTAINERS[kind], dict) else 0
        if len(keys) != wanted or any(type(key) not in (str, int) for key in keys) or len({*keys}) != len(keys):
            raise TapeError(f"{where}: a {kind} of {len(parts)} parts has the keys {keys!r}")
        return TreeSpec(_CONTAINERS[kind], keys if wanted or issubclass(_CONTAINERS[kind], dict) else None,
                        [self.spec(part, where, depth + 1) for part in parts])


# ---------------------------------------------------------------- taking a function down


def _taken(function: Callable[..., Any], name: str, given: _Leaves, values: Sequence[Any], called: Mapping[int, str]
           ) -> ExportedProgram:
    """A call as a program, which was found to give what the call gave."""
    with modes.enable_grad():
        leaves = [x.detach().clone() for x in values]
        for leaf in leaves:
            if leaf.dtype.is_floating_point:
                leaf.requires_grad_()
        args, kwargs = given.built(leaves)
        try:
            notes, result = noted(lambda: function(*args, **kwargs), Notes(leaves, keeps_parameters=True))
        except RuntimeError as error:
            if str(error) != errors.LEAF_INPLACE:
                raise
            raise NotSendable("it writes to an argument, or to a parameter") from None
        parts, spec = tree_flatten(result)
        results = _Leaves.of(parts, spec, "returned")
        if not results.tensors:
            raise NotSendable("it returns no tensor")
        names = _names(function, given)
        tape = notes.tape(name, results.tensors, [i for i, x in enumerate(leaves) if x.requires_grad], names)
    tape.names.update((b, called[p._buffer]) for b, p in notes.kept.items() if p._buffer in called)
    tape.values.update((b, x.detach()) for b, x in zip(tape.inputs, leaves))
    tape.verify()
    program = ExportedProgram(tape, given, results, dtypes.default_dtype())
    _check(program, leaves, [*notes.kept.values()], results.tensors)
    results.tensors.clear()  # which hold all that they were computed from
    return program


def _check(program: ExportedProgram, leaves: Sequence[Any], parameters: Sequence[Any], found: Sequence[Any]) -> None:
    """Refuse a tape that is not the function, by its values and gradients: hooks are on no tape."""
    with modes.enable_grad():
        again = run_all(program.tape, [*leaves, *program._held.values()])
    for a, b in zip(found, again):
        if not np.array_equal(_array(a), _array(b), equal_nan=a.dtype.is_floating_point):
            raise NotSendable("its value is not that of the operations on its tape")
    ours = [*(x for x in leaves if x.requires_grad), *program.parameters()]
    theirs = [*(x for x in leaves if x.requires_grad), *parameters]
    try:
        expectations = _gradients(found, theirs)
    except RuntimeError:  # it has no gradient: what backward needs was written to
        return
    for expected, got in zip(expectations, _gradients(again, ours)):
        near = CLOSE.get(expected.dtype, 1e-2)
        a, b = _array(expected), _array(got)
        scale = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
        if not np.allclose(a, b, near, near * scale, equal_nan=True):
            raise NotSendable("its gradient is not that of the operations on its tape: it uses hooks, or functions "
                              "with a backward of their own")


def _array(x: Any) -> np.ndarray[Any, Any]:
    return np.array(reading.array_of(x.detach()))


def _gradients(results: Sequence[Any], inputs: Sequence[Any]) -> Sequence[Any]:
    with modes.enable_grad():
        roots = [r.sum() for r in results if r.requires_grad]
        if not roots or not inputs:
            return [x.detach() * 0 for x in inputs]
        return autograd.grad(roots, inputs, allow_unused=True, materialize_grads=True)


def _compare(program: ExportedProgram, other: ExportedProgram, count: int) -> None:
    """Refuse what came out differently on other values."""
    if program.tape != other.tape or json.dumps(program._call()) != json.dumps(other._call()):
        raise NotSendable(f"what it does depends on values:\n{program.tape.diff(other.tape)}")
    for b in program.tape.inputs[count:]:
        if _array(program.tape.values[b]).tobytes() != _array(other.tape.values[b]).tobytes():
            where = next((s for s, operands in zip(program.tape.sources, program.tape.operands) if b in operands), "")
            raise NotSendable("it computes something in a way that is not seen" + (f" ({where})" if where else ""))


def _beside(random: Any, x: Any) -> Any:
    """Values close to those of a tensor, so that what they stand for stays what it is; whole numbers stay."""
    if not x.dtype.is_floating_point:
        return x
    return x.detach().clone().copy_(creation.from_numpy(moved(random, x.detach().to(dtypes.float64).numpy())))


def _names_in(function: Any) -> dict[int, str]:
    """What tensors are called that a module has, or a function encloses."""
    parameters: dict[str, Any] = dict(function.named_parameters()) if hasattr(function, "named_parameters") else {}
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    closed: list[tuple[Any, str]] = []
    for name, cell in zip(code.co_freevars if code else (), cells):
        with contextlib.suppress(ValueError):  # nothing is in it yet
            closed.append((cell.cell_contents, name))
    return {**naming.names_from(closed), **naming.called(parameters, None)}


def _names(function: Any, given: _Leaves) -> list[str]:
    """What arguments are called, where each is a tensor: as the function calls them."""
    code = getattr(getattr(function, "forward", function), "__code__", None)
    called = [n for n in code.co_varnames[:code.co_argcount] if n != "self"] if code else []
    positional, by_name = given.spec.children_specs
    plain = [c.is_leaf() for c in positional.children_specs]
    found: dict[int, str] = {}
    if all(plain):
        found = {leaf: n for n, leaf in zip(called, given.leaves) if isinstance(leaf, int)}
    if all(c.is_leaf() for c in by_name.children_specs):
        found.update((leaf, n) for n, leaf in zip(by_name.context, given.leaves[positional.num_leaves:])
                     if isinstance(leaf, int))
    return [found.get(i, f"arg{i}") for i in range(len(given.kinds))]
