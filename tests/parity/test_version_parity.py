"""Versions compared, futures completed, frequencies listed: the same answers and refusals."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402
from tapegrad.torch_version import TorchVersion  # noqa: E402

VERSIONS = ["2.13.0", "2.13", "2.9", "1.8.1", "2.13.0+cpu", "2.13.0+cpu2", "2.13.0a0", "2.13.0rc1", "2.13.1", "10.0",
            "2.13.0.dev1", "2.13.0a2", "2.13.0a10", (2, 13), (2, 9, 1), (1, 10)]


@pytest.mark.parametrize("other", VERSIONS, ids=str)
def test_versions(other):
    from torch.torch_version import TorchVersion as Theirs

    for text in ("2.13.0", "2.13.0+cpu", "2.9.1", "2.13.0a0"):
        ours, theirs = TorchVersion(text), Theirs(text)
        assert [ours < other, ours <= other, ours == other, ours != other, ours > other, ours >= other] == [
            theirs < other, theirs <= other, theirs == other, theirs != other, theirs > other, theirs >= other]


def test_the_version_is_the_one_that_is_compared_with():
    assert tapegrad.__version__.split("+")[0] == torch.__version__.split("+")[0]
    assert str(tapegrad.__version__).startswith("2.") and tapegrad.__version__ >= "2.0"


FUTURES = {
    "a value": lambda f: (f.set_result(3), f.value(), f.wait(), f.done()),
    "none yet": lambda f: f.done(),
    "twice": lambda f: (f.set_result(3), f.set_result(4)),
    "an error": lambda f: (f.set_exception(ValueError("so")), f.wait()),
    "an error asked for": lambda f: (f.set_exception(ValueError("so")), f.value()),
    "no error": lambda f: f.set_exception(3),
    "too early": lambda f: f.value(),
    "then": lambda f: (g := f.then(lambda f: f.value() + 1), f.set_result(1), g.wait())[2],
    "then, of an error": lambda f: (g := f.then(lambda f: f.value()), f.set_exception(ValueError("so")), g.wait()),
    "called back": lambda f: (found := [], f.add_done_callback(lambda f: found.append(f.value())), f.set_result(1),
                              found)[3],
}


@pytest.mark.parametrize("act", FUTURES.values(), ids=list(FUTURES))
def test_futures(act):
    def told(library):
        try:
            return act(library.futures.Future())
        except (Exception, AssertionError) as e:
            return type(e).__name__

    assert told(tapegrad) == told(torch)


def test_a_future_is_one_by_its_other_name():
    for library in (torch, tapegrad):
        assert isinstance(library.futures.Future(), library.Future)


def test_several_futures():
    def told(library):
        one, other = library.futures.Future(), library.futures.Future()
        every = library.futures.collect_all([one, other, one])
        one.set_result(1)
        before = every.done()
        other.set_result(2)
        return before, [f.value() for f in every.wait()], library.futures.wait_all([other, one])

    assert told(tapegrad) == told(torch)


CALLS = """
fftfreq(5)|fftfreq(4, 2.)|fftfreq(4, d=.5, dtype=t.float64)|fftfreq(0)|fftfreq(-1)|fftfreq(3, dtype=t.int64)
fftfreq(2.5)|fftfreq(4, requires_grad=True)|fftfreq(4, out=t.zeros(4))|fftfreq(4, 0)|fftfreq(4, foo=1)
rfftfreq(5)|rfftfreq(4)|rfftfreq(0)|fftshift(t.arange(5))|fftshift(t.arange(6).view(2, 3))
fftshift(t.arange(6).view(2, 3), 1)|fftshift(t.ones(()))|fftshift(3)
fftshift(t.arange(24).view(2, 3, 4), (-1, 0))|ifftshift(t.arange(5))|ifftshift(t.arange(6).view(2, 3), dim=[0])
fftshift(t.arange(5), 3)|fftshift(t.ones(2, requires_grad=True))|ifftshift(t.ones(0, 3))|fftfreq(1)|rfftfreq(1, 3)
"""


@pytest.mark.parametrize("call", CALLS.strip().replace("\n", "|").split("|"))
def test_frequencies(call):
    def told(library):
        try:
            found = eval(f"t.fft.{call}", {"t": library})
        except Exception as e:
            return type(e).__name__
        return found.requires_grad, str(found.dtype).split(".")[1], list(found.shape), repr(found.tolist())

    ours, theirs = told(tapegrad), told(torch)
    assert ours == theirs


def test_transforms_have_the_same_heads_and_are_refused():
    import inspect

    names = sorted(name for name in dir(torch.fft) if "fft" in name and name[0] != "_")
    assert [*tapegrad.fft.__all__] == names
    for name in names:
        if name not in ("fftfreq", "rfftfreq", "fftshift", "ifftshift"):
            parameters = str(inspect.signature(getattr(tapegrad.fft, name))).strip("()")
            assert f"{name}({parameters}) -> Tensor" in getattr(torch.fft, name).__doc__
            with pytest.raises(NotImplementedError, match="no complex tensors"):
                getattr(tapegrad.fft, name)(tapegrad.ones(4, 4))
