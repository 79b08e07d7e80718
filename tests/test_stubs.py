"""The stubs that editors read are those that forms and modules give."""
from __future__ import annotations

from pathlib import Path

import pytest

import tapegrad
from tapegrad.documents import module_stubs, stubs


@pytest.mark.parametrize(("writer", "name"), [(w, name) for w in (stubs, module_stubs) for name in w.FILES],
                         ids=lambda x: x if isinstance(x, str) else "")
def test_the_stubs_are_current(writer, name):
    written = Path(tapegrad.__file__).parent / writer.FILES[name]
    assert written.read_text(encoding="utf-8") == writer.text(name), "python -m tapegrad stubs"
