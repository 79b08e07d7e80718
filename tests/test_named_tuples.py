"""Named tuples that are quickly made are what `typing.NamedTuple` makes."""
from __future__ import annotations

import copy
import inspect
import pickle
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from tapegrad import named_tuples


class Point(named_tuples.NamedTuple):
    """A place."""

    x: float
    y: float = 2.0

    @property
    def sum(self) -> float:
        return self.x + self.y

    def __str__(self) -> str:
        return f"{self!r}!"


# The same source, with Python's.
_theirs: dict[str, Any] = {"NamedTuple": typing.NamedTuple, "__name__": __name__}
exec("from __future__ import annotations\n" + inspect.getsource(Point).replace("named_tuples.", ""), _theirs)
BOTH = pytest.mark.parametrize("kind", [Point, _theirs["Point"]], ids=["ours", "typing"])


@BOTH
def test_they_are_tuples_with_names(kind):
    p = kind(1.0)
    assert p == (1.0, 2.0) == kind(y=2.0, x=1.0) and (p.x, p.y, p.sum) == (1.0, 2.0, 3.0)
    assert repr(p) == "Point(x=1.0, y=2.0)" and str(p) == "Point(x=1.0, y=2.0)!"
    assert p._replace(y=5) == kind._make([1.0, 5]) == (1.0, 5) and type(p._replace(y=5)) is kind
    assert p._asdict() == {"x": 1.0, "y": 2.0} and kind.__doc__ == "A place." and isinstance(p, tuple)
    assert kind._fields == kind.__match_args__ == ("x", "y") and kind._field_defaults == {"y": 2.0}
    assert hash(p) == hash((1.0, 2.0)) and not hasattr(p, "__dict__")


@BOTH
def test_wrong_use_is_refused_in_the_same_words(kind):
    for wrong, words in ((lambda: kind(), r"Point.__new__\(\) missing 1 required positional argument: 'x'"),
                         (lambda: kind(1, 2, 3), r"takes from 2 to 3 positional arguments but 4 were given"),
                         (lambda: kind(1, z=1), "unexpected keyword argument 'z'"),
                         (lambda: kind._make([1]), "Expected 2 arguments, got 1"),
                         (lambda: kind(1)._replace(z=1), r"Got unexpected field names: \['z'\]")):
        with pytest.raises((TypeError, ValueError), match=words):
            wrong()


def test_the_compiler_has_no_others():
    """It is loaded with the first compiled call, which waits for it."""
    folder = Path(named_tuples.__file__).parent / "compiler"
    slow = re.compile(r"from typing import .*\bNamedTuple\b")
    assert not [p.name for p in folder.rglob("*.py") if slow.search(p.read_text())]


def test_defaults_come_last():
    with pytest.raises(TypeError, match="without a default"):
        type(named_tuples.NamedTuple)("Wrong", (named_tuples.NamedTuple,), {
            "__annotations__": {"x": "int", "y": "int"}, "x": 1, "__qualname__": "Wrong"})


def test_they_are_copied_and_pickled():
    p = Point(1, 3)
    for again in (copy.copy(p), copy.deepcopy(p), *(pickle.loads(pickle.dumps(p, k)) for k in range(2, 6))):
        assert again == p and type(again) is Point
