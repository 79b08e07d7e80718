"""The constants of the records: numbers with names, each name given once."""
from __future__ import annotations

import ast
from pathlib import Path

from tapegrad.machine import records


def test_no_name_is_given_twice():
    """A second meaning of a name would silently replace the first, in Python and in native code alike."""
    names = [
        target.id
        for statement in ast.parse(Path(records.__file__).read_text()).body if isinstance(statement, ast.Assign)
        for group in statement.targets for target in (group.elts if isinstance(group, ast.Tuple) else [group])
        if isinstance(target, ast.Name)
    ]
    assert sorted(names) == sorted(set(names))
