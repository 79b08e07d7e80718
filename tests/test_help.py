"""Help on every name: a signature and a text, whose examples run."""
from __future__ import annotations

import doctest
import inspect
import warnings

import pytest

import tapegrad
from tapegrad import errors
from tapegrad.documents import manual
from tapegrad.documents.descriptions import SPACES, classes, everything, members, within
from tapegrad.documents.texts import FILE, TEXTS

FUNCTIONS = list(everything())
CLASSES, MEMBERS = classes(), members()
# Classes without an example of their own: bases of others, what functions make and hand out, other names.
_PLAIN = """
    distributions.distribution.Family distributions.distribution.ProbsOrLogits distributions.utils.lazy_property
    distributions.constraints.MixtureSameFamilyConstraint distributions.constraints.dependent_property
    nn.RNNBase nn.RNNCellBase nn.modules.lazy.LazyLayer nn.modules.lazy.LazyModuleMixin
    nn.parameter.UninitializedTensorMixin
    amp.grad_scaler.OptState autograd.function.FunctionCtx autograd.graph.GradientEdge
    nn.utils.parametrize.ParametrizationList utils.checkpoint.CheckpointFunction
    cpu.amp.autocast cpu.amp.GradScaler cuda.amp.autocast cuda.amp.GradScaler nn.Container nn.NLLLoss2d
    nn.modules.linear.NonDynamicallyQuantizableLinear nn.LinearCrossEntropyOptions nn.parallel.DistributedDataParallel
    multiprocessing.ProcessContext
"""
PLAIN = _PLAIN.split()


def is_said(text: str | None) -> bool:
    """Whether it is a sentence: of three words at least."""
    return text is not None and len(text.split()) > 2


def test_the_texts_are_current():
    assert FILE.read_text(encoding="utf-8") == manual.text(), "python -m tapegrad manual"


@pytest.mark.parametrize("d", FUNCTIONS, ids=lambda d: d.path)
def test_every_function_has_a_signature_and_a_text(d):
    assert inspect.signature(d.value)
    assert is_said(inspect.getdoc(d.value)), d.path


@pytest.mark.parametrize("path", CLASSES)
def test_every_class_has_a_signature_and_a_text(path):
    assert is_said(vars(CLASSES[path]).get("__doc__"))
    if not issubclass(CLASSES[path], Exception):
        assert inspect.signature(CLASSES[path])


@pytest.mark.parametrize("path", CLASSES)
def test_every_class_has_an_example(path):
    cls = CLASSES[path]
    if issubclass(cls, Exception) or path.endswith(tuple(errors.KINDS.values())) or ".Lazy" in path:
        return
    assert (path in PLAIN) != (">>>" in cls.__doc__), path


@pytest.mark.parametrize("path", MEMBERS)
def test_every_method_and_property_has_a_text(path):
    """Its own, or that of what it overrides."""
    cls, value = MEMBERS[path]
    name = path.rpartition(".")[2]
    slots = vars(cls).get("__slots__", ())
    assert is_said(inspect.getdoc(getattr(cls, name))) or (isinstance(slots, dict) and is_said(slots[name])) or any(
        is_said(vars(base)[name].__doc__) for base in cls.__mro__ if name in vars(base))
    if callable(value) and not isinstance(value, type):
        assert inspect.signature(value)


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
