"""What tests of learnt calls share: room to learn in, and the same calls as Python has them."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tapegrad.autograd import calls_through_python
from tapegrad.machine.learning import lessons


@pytest.fixture(autouse=True)
def room_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other tests have had learnt."""
    monkeypatch.setattr(lessons, "_counts", {})


def as_python_has_it(call: Callable[[], Any]) -> Any:
    calls_through_python.hold(call)
    try:
        return call()
    finally:
        calls_through_python.drop(call)
