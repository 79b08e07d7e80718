"""What every test starts from: recording on, the default dtype, no warnings left switched off."""
from __future__ import annotations

import gc

import pytest

import tapegrad
from tapegrad.machine.live import machine


def pytest_addoption(parser):
    parser.addoption("--tapes", action="store_true", help="check the tape of every backward that the tests run")


def pytest_configure(config):
    if config.getoption("--tapes"):
        from every_tape import Plugin

        config.pluginmanager.register(Plugin())


@pytest.fixture(autouse=True, scope="module")
def small_heap():
    """Collections look at what a module made, not at what is left of all before it: they had come to take a second."""
    for _ in range(2):  # what Python keeps under the rows of a graph may hold the rest of a cycle
        gc.collect()
        machine.call.reclaim()
    gc.freeze()


@pytest.fixture(autouse=True)
def clean_state():
    """Fail a test that leaves recording or the default dtype changed for those after it."""
    yield
    enabled, dtype = tapegrad.is_grad_enabled(), tapegrad.get_default_dtype()
    tapegrad.set_grad_enabled(True)
    tapegrad.set_default_dtype(tapegrad.float32)
    assert enabled and dtype is tapegrad.float32, "the test left a mode switched"


class Tape:
    """How much the machine holds at the moment, for tests that something is given back."""

    @staticmethod
    def collect() -> None:
        gc.collect()
        machine.call.reclaim()

    @property
    def instructions(self) -> int:
        return int(machine.state["n_instructions"][0])

    @property
    def reclaims_at(self) -> int:
        return int(machine.state["sweep_at"][0])

    @property
    def kept_bytes(self) -> int:
        return int(machine.state["kept_bytes"][0])

    @property
    def attached(self) -> int:
        """Rows to which an object of Python's belongs."""
        return int(machine.state["n_attached"][0])


@pytest.fixture
def tape() -> Tape:
    Tape.collect()
    return Tape()
