"""Classes and functions of Python have the parameters that PyTorch's have, by name, order and kind."""
from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tapegrad.documents.descriptions import classes, everything  # noqa: E402

# Held to PyTorch's by their forms: test_signatures_parity.py.
WRITTEN_AS_FORMS = ("Tensor.", "linalg.", "special.", "nn.functional.")
# Where PyTorch's says less than it takes: `(*args, **kwargs)`, or nothing.
_PLAINER = """
    Size dtype layout memory_format no_grad autograd.graph.Node nn.Container nn.LogSigmoid nn.Sigmoid
    nn.Softsign nn.Tanh nn.Tanhshrink utils.data.Sampler jit.ScriptModule
    nn.init.constant nn.init.dirac nn.init.eye nn.init.kaiming_normal nn.init.kaiming_uniform nn.init.normal
    nn.init.orthogonal nn.init.sparse nn.init.uniform nn.init.xavier_normal nn.init.xavier_uniform
"""
OTHERS = {
    **dict.fromkeys(_PLAINER.split(), "PyTorch's says less than it takes"),
    **dict.fromkeys(("autograd.detect_anomaly", "autograd.set_detect_anomaly"), "check_forward is ours"),
    "jit.ignore": "the name of the rest", "nn.parallel.DistributedDataParallel": "refused whatever it is given",
    "export.ExportedProgram": "made by `export`", "multiprocessing.ProcessContext": "made by `start_processes`",
    "storage.TypedStorage": "made of a tensor", "storage.UntypedStorage": "made of a tensor",
    "utils.benchmark.Measurement": "made by a Timer",
    "utils.hooks.RemovableHandle": "made by who registers a hook, and given it too",
}


def parameters(of: Any) -> list[tuple[str, Any]] | None:
    try:
        return [(p.name, p.kind) for p in inspect.signature(of).parameters.values()]
    except (TypeError, ValueError):  # native
        return None


def theirs(path: str) -> Any:
    found: Any = torch
    for name in path.split("."):
        if not hasattr(found, name):
            try:
                importlib.import_module(f"{found.__name__}.{name}")
            except (AttributeError, ImportError):
                return None
        found = getattr(found, name, None)
    return found


def pairs() -> dict[str, tuple[Any, Any]]:
    ours = classes() | {d.path: d.value for d in everything()
                        if "." in d.path and not d.path.startswith(WRITTEN_AS_FORMS)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {path: (parameters(value), parameters(theirs(path))) for path, value in ours.items()}
    return {path: pair for path, pair in found.items() if None not in pair}


PAIRS = pairs()


def test_most_are_compared():
    assert len(PAIRS) > 550


@pytest.mark.parametrize("path", PAIRS)
def test_parameters(path):
    ours, pytorch = PAIRS[path]
    assert (ours == pytorch) != (path in OTHERS), f"{ours}, and not {pytorch}"
