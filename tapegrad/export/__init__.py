"""Functions as files: what a call does, taken down as a tape, for processes that have no source (`torch.export`).

>>> import tapegrad as torch
>>> w = torch.ones(3, requires_grad=True)
>>> exported = torch.export.export(lambda x: (w * x).tanh(), (torch.zeros(2, 3),))
>>> exported.module()(torch.zeros(2, 3)).shape
torch.Size([2, 3])
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.compiled_function import Compiled
from tapegrad.export.leaves import Leaves
from tapegrad.export.programs import ExportedProgram, default_dtype_of
from tapegrad.export.reading import Reader
from tapegrad.export.taking_down import beside, compare, names_in, taken
from tapegrad.interop.partitioned.notes import NotSendable
from tapegrad.namespaces import show_public
from tapegrad.tape import Tape, TapeError, TapeFormatError, files, naming
from tapegrad.utils._pytree import tree_flatten

__all__ = ["ExportError", "ExportedProgram", "export", "load", "save"]
show_public(__name__)


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
    given = Leaves.of(leaves, spec, "passed")
    called = {**naming.called(None, sys._getframe(1)), **names_in(function)}
    random = np.random.default_rng(0)
    try:
        program = taken(function, name, given, given.tensors, called)
        other = taken(function, name, given, [beside(random, x) for x in given.tensors], called)
        compare(program, other, len(given.tensors))
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
        fields = Reader.fields(saved.call, "call", {"default_dtype": str, "arguments": dict, "results": dict})
        default = dtypes.BY_SHORT.get(fields["default_dtype"])
        if default not in dtypes.FLOATING:
            raise TapeError(f"default_dtype: there is no such default, {fields['default_dtype']!r}")
        with default_dtype_of(default):
            tape = Tape._restored(saved.dumped, saved.arrays).verify()
        return Reader(tape).program(fields["arguments"], fields["results"], default)
    except (TapeError, RecursionError) as error:
        raise TapeFormatError(f"{f}: {error}") from None


def _alone(name: str, extra_files: Mapping[str, Any] | None) -> None:
    if extra_files:
        raise NotImplementedError(f"{name}(): extra_files: a file holds an exported program alone")
