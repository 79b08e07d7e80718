"""docs/operations.md is what the registry says."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

import tapegrad
from tapegrad.__main__ import main
from tapegrad.documents import catalogue
from tapegrad.ops.declaration import operations

PAGE = Path(__file__).parent.parent / "docs" / "operations.md"


def test_the_page_is_current(capsys):
    main(["operations"])
    printed = capsys.readouterr().out
    assert PAGE.read_text() == printed, "python -m tapegrad operations > docs/operations.md"


@pytest.mark.parametrize("op", [op for op in operations() if catalogue._is_listed(op)], ids=lambda op: op.name)
def test_every_operation_has_a_row(op):
    name = re.escape(op.name).replace("linalg_", "linalg[._]").replace("special_", r"(special_)?")
    assert re.search(rf"^\| \(?`(nn\.functional\.|Tensor\.|special\.)?{name}`\)? \|", PAGE.read_text(), re.M)


def test_what_is_listed_is_there():
    for name in re.findall(r"^\| `([^`]*)` \|", PAGE.read_text(), re.M):
        found = tapegrad
        for part in name.split("."):
            found = getattr(found, part, None) or getattr(tapegrad.Tensor, part, None)
        assert found is not None, name
