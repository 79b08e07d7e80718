"""Short programs about differentiation: what they print, and are refused for, is the same in both libraries."""
from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import io
import math
import pickle
import re
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

PROGRAMS = dict(part.split("\n", 1) for part in (
    "\n" + Path(__file__).with_name("autograd_programs.txt").read_text()).split("\n### ")[1:])


def tries(call: Any, *args: Any, n: int = 300, **kwargs: Any) -> Any:
    """Call, and print what comes of it."""
    try:
        found = call(*args, **kwargs)
    except BaseException as error:
        print("refused", type(error).__name__, str(error)[:n])
        return None
    print("fine", "" if callable(found) else found)
    return found


def names(functions: Any) -> list[tuple[Any, int]]:
    return [(None if node is None else node.name(), i) for node, i in functions]


def printed(library: Any, program: str) -> str:
    """What a program prints, without addresses and the library's name."""
    name = library.__name__
    for part in ("utils.checkpoint", "func", "autograd.forward_ad", "autograd.functional"):
        importlib.import_module(f"{name}.{part}")
    given = {
        "torch": library, "nn": library.nn, "Function": library.autograd.Function,
        "Variable": library.autograd.Variable,
        "fwAD": library.autograd.forward_ad, "G": library.autograd.graph, "grad": library.autograd.grad,
        "checkpoint": library.utils.checkpoint.checkpoint,
        "checkpoint_sequential": library.utils.checkpoint.checkpoint_sequential,
        "tries": tries, "names": names, "gc": gc, "weakref": weakref, "threading": threading, "math": math,
        "contextlib": contextlib, "copy": copy, "pickle": pickle, "__name__": "program",
    }
    library.manual_seed(0)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(program, given)
    finally:
        library.set_grad_enabled(True)
        library.autograd.set_detect_anomaly(False)
    return re.sub(r" object at 0x[0-9a-f]+", "", out.getvalue()).replace("tapegrad.", "torch.")


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_print_the_same(name: str) -> None:
    expected = printed(torch, PROGRAMS[name])
    assert expected
    assert printed(tapegrad, PROGRAMS[name]) == expected
