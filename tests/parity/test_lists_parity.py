"""Operations on lists of tensors: names, results and refusals of the same calls."""
from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

NAMES = sorted(name for name in dir(torch) if name.startswith("_foreach_"))
# What comes after the list: `a` and `b` are of three shapes, `i` of two and whole numbers.
GIVEN = """
a|a, 2|a, 2.5|a, True|a, [1, 2, 3]|a, [1.5, 2, 3]|a, (1, 2., 3)|a, [1, 2]|a, b|a, tuple(b)|a, b[:2]|a, i
a, t(2.)|a, t([2.])|a, 'x'|a, None|a, ()|a, [b[0], b[1], b[1]]|a, b, b|a, b, b, 2|a, b, b, [1., 2., 3.]
a, b, b, t([1., 2., 3.])|a, b, b, t(2.)|a, b, .5|a, b, [.1, .2, .3]|a, b, t(.5)|a, b, b, 'x'|a, b, b[:2]
a, b, alpha=2|a, 2, alpha=2|a, b, b, value=3|a, foo=1|2, a|i|i, 2|i, 2.5|i, [1, 2]|i, i|i, i, i|i, i, .5|[]|[3]
a[0]||a, 1, dtype=torch.float64|a, float('inf')|a, scalar=2|a, other=b|a, exponent=2|a, b, weight=.5
a, b, weights=b|a, 3, a|a, self=a
"""


def told(t, name, text):
    values = {"a": [t.tensor(v) for v in ([.3, -.4], [[.5, .25]], .75)], "t": t.tensor, "torch": t,
              "b": [t.tensor(v) for v in ([.1, .2], [[.7, .9]], .5)], "i": [t.tensor(v) for v in ([1, 2], [[3]])]}
    given = [text] if text else []
    try:
        found = eval(f"torch.{name}({', '.join(given)})", values)
    except Exception as e:
        return type(e).__name__
    return type(found).__name__, [(str(x.dtype).rpartition(".")[2], list(x.shape), x.flatten().tolist()) for x in found]


def test_names():
    assert sorted(name for name in vars(tapegrad) if name.startswith("_foreach_")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_same_calls(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in GIVEN.strip().replace("\n", "|").split("|"):
            ours, theirs = told(tapegrad, name, text), told(torch, name, text)
            if isinstance(theirs, str):
                # PyTorch looks at lengths and kinds in another order where a call has faults of both.
                assert ours == theirs or {ours, theirs} == {"TypeError", "RuntimeError"}, (text, ours, theirs)
                continue
            assert ours[0] == theirs[0] and len(ours[1]) == len(theirs[1]), (text, ours, theirs)
            for one, other in zip(ours[1], theirs[1]):
                assert one[:2] == other[:2], (text, one, other)
                assert one[2] == pytest.approx(other[2], rel=1e-5, abs=1e-6, nan_ok=True), (text, one, other)
