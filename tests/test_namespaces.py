"""What namespaces show: every module is public or private, and a public one shows what users are offered."""
from __future__ import annotations

import types
from pathlib import Path

import pytest

import tapegrad
from tapegrad.documents.descriptions import SPACES, within

ROOT = Path(tapegrad.__file__).parent
# Rooms and files that users have no business in, beside those whose names begin with an underscore.
_PRIVATE = """
    __main__ absent config custom demo dispatch errors fallbacks kernel_errors lazy_modules named_tuples namespaces
    package_files protocols rule_values
    compiler documents functions lanes machine ops signatures tape
    batching creation devices drawing dtypes formats printing progressions shapes switches tensor threads foreach
    autograd.anomaly autograd.arriving_gradients autograd.blocks autograd.calls_through_python
    autograd.data_assignment autograd.edges
    autograd.engine autograd.gradcheck autograd.kept_values autograd.made_nodes autograd.marking autograd.modes
    autograd.nested_backward autograd.node_calls
    autograd.recorded_adjoints autograd.recorded_replay autograd.reverse_replay autograd.saved_tensors
    autograd.saved_values autograd.tangents
    distributions.composed distributions.discrete distributions.multivariate distributions.positive distributions.real
    distributions.transformed distributions.transforms.elements distributions.transforms.maps
    distributions.transforms.parts distributions.transforms.vectors
    export.leaves export.programs export.reading export.taking_down func.derivatives func.vectorisation
    inspect.clocks inspect.debugger inspect.drawing inspect.dumping inspect.folding inspect.nans inspect.page
    inspect.profiling inspect.rounding inspect.running inspect.scripts inspect.statistics
    inspect.traps inspect.walk interop interop.partitioned interop.scipy.objectives interop.scipy.solvers
    nn.common_types
    nn.utils.spectral_norm nn.utils.weight_norm optim.lbfgs optim.lr_scheduler.base optim.lr_scheduler.cycles
    optim.lr_scheduler.factors optim.lr_scheduler.others optim.matrices optim.pointwise optim.rules
    serialization.archive serialization.arrays serialization.pickles serialization.storages
    sparse.colouring sparse.kept_sweeps sparse.matrices sparse.patterns sparse.relations sparse.tensors
"""
PRIVATE = _PRIVATE.split()


def modules() -> list[str]:
    parts = [path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py")]
    return sorted(".".join(p for p in of if p != "__init__") for of in parts)


def test_every_module_is_public_or_private():
    """A new module is made known here, or in `descriptions.SPACES`, which brings the tests of what is public."""
    rooms = {name for name in PRIVATE if (ROOT / name.replace(".", "/")).is_dir() and name != "interop"}
    private = [m for m in modules() if m in PRIVATE or any(m.startswith(f"{room}.") for room in rooms)
               or any(part[0] == "_" for part in m.split(".") if part)]
    assert sorted({*modules()} - {*private}) == sorted(s for s in SPACES if not s.startswith("backends."))
    assert not {*PRIVATE} - {*modules()}


@pytest.mark.parametrize("space", SPACES)
def test_what_is_shown_is_public(space):
    module = within(space)
    offered = getattr(module, "__all__", None)
    for name in dir(module):
        if name[:2] == name[-2:] == "__":
            continue
        value = getattr(module, name)
        home = getattr(value, "__module__", None) or ""
        assert name[0] != "_" or name in offered, name
        if isinstance(value, types.ModuleType):
            assert value.__name__.startswith("tapegrad."), name
        elif isinstance(value, (type, types.FunctionType)):
            assert home.split(".")[0] in ("tapegrad", "torch"), name
    if offered is not None:
        assert {*offered} <= {*dir(module)}
        assert not {*offered} - {*dir(module)} and len({*offered}) == len(offered), "a name twice"
