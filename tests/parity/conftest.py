"""What every comparison with PyTorch starts from."""
from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def no_accelerators():
    """Seeds are not kept for accelerators that are not there, each with its whole stack: a third of a short test."""
    torch = pytest.importorskip("torch")
    for kind in (torch.cuda, torch.xpu, torch.mtia):
        kind.manual_seed_all = lambda seed: None


@pytest.fixture(autouse=True, scope="module")
def arguments_of_distributions_are_checked():
    """Importing `torch._dynamo`, which `torch.compile` does, turns the checks off for good."""
    torch = pytest.importorskip("torch")
    torch.distributions.Distribution.set_default_validate_args(True)
