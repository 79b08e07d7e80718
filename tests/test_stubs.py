"""The stubs that editors read are those that the forms give."""
from __future__ import annotations

from pathlib import Path

import pytest

import tapegrad
from tapegrad.documents import stubs


@pytest.mark.parametrize("space", stubs.FILES)
def test_the_stubs_are_current(space):
    written = Path(tapegrad.__file__).parent / stubs.FILES[space]
    assert written.read_text() == stubs.text(space), "python -m tapegrad stubs"
