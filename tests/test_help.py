"""Help on every name: a signature and a text, whose examples run."""
from __future__ import annotations

import doctest
import inspect
import warnings

import pytest

import tapegrad
from tapegrad.documents import manual
from tapegrad.documents.descriptions import functions, public, within
from tapegrad.documents.texts import FILE, TEXTS

SPACES = ("", "linalg", "special", "nn", "nn.functional", "autograd", "random", "testing")
FUNCTIONS = [d for space in ("Tensor", *SPACES) for d in functions(space)]
OTHERS = [(space, name) for space in ("Tensor", *SPACES) for name in public(space)
          if name in vars(within(space)) and isinstance(inspect.getattr_static(within(space), name), (property, type))]


def test_the_texts_are_current():
    assert FILE.read_text(encoding="utf-8") == manual.text(), "python -m tapegrad manual"


@pytest.mark.parametrize("d", FUNCTIONS, ids=lambda d: d.path)
def test_every_function_has_a_signature_and_a_text(d):
    assert inspect.signature(d.value)
    text = inspect.getdoc(d.value)
    assert text and len(text.split()) > 2, d.path


@pytest.mark.parametrize(("space", "name"), OTHERS, ids=lambda x: x)
def test_every_class_and_property_has_a_text(space, name):
    assert inspect.getdoc(inspect.getattr_static(within(space), name)), f"{space}.{name}"


@pytest.mark.parametrize("space", ["Tensor", *SPACES])
def test_examples(space):
    """Every example of a namespace's texts, as if typed after `import tapegrad as torch`."""
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    parser = doctest.DocTestParser()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path, text in TEXTS.items():
            owner, _, name = path.rpartition(".")
            if owner == space:
                names = {**vars(tapegrad), "torch": tapegrad, "tapegrad": tapegrad, name: getattr(within(space), name)}
                runner.run(parser.get_doctest(text, names, path, None, None), out=said.append)
    assert not runner.failures, "".join(said)
