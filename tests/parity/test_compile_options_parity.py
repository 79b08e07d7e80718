"""The options of `compile` as programs give them: taken, or refused, as PyTorch takes them."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

OPTIONS = [
    {}, {"mode": "reduce-overhead"}, {"mode": "max-autotune", "fullgraph": True}, {"mode": "foo"},
    {"backend": "inductor"}, {"backend": "eager"}, {"backend": "aot_eager", "mode": "default"}, {"backend": "foo"},
    {"dynamic": True},
    {"dynamic": False}, {"dynamic": None}, {"mode": "default", "options": {"epilogue_fusion": True}},
    {"options": {"epilogue_fusion": True}}, {"disable": True}, {"name": "step"}, {"zzz": 1}]


def doubled(x):
    return x * 2


@pytest.mark.parametrize("given", OPTIONS, ids=str)
def test_options(given):
    def told(library):
        try:
            made = library.compile(doubled, **given)
        except Exception as e:
            return RuntimeError if isinstance(e, RuntimeError) else type(e)
        return made is doubled

    assert told(tapegrad) == told(torch)


TAKEN = [o for o in OPTIONS if "foo" not in o.values() and "zzz" not in o and len(o) < 2]


@pytest.mark.parametrize("given", TAKEN, ids=str)
def test_what_is_made_does_the_same(given):
    x = tapegrad.ones(3)
    for made in (tapegrad.compile(doubled, **given), tapegrad.compile(model=doubled, **given),
                 tapegrad.compile(**given)(doubled)):
        for _ in range(5):
            assert made(x).tolist() == [2, 2, 2]


def test_modules():
    layer = tapegrad.nn.Linear(3, 2)
    made = tapegrad.compile(layer, mode="reduce-overhead", backend="inductor")
    assert made._orig_mod is layer and tapegrad.compile(layer, disable=True) is layer
    layer.compile(mode="max-autotune")
    assert layer(tapegrad.ones(3)).shape == (2,)


def test_a_function_as_a_backend_is_refused():
    with pytest.raises(NotImplementedError, match=r"torch\.fx"):
        tapegrad.compile(doubled, backend=lambda graph, inputs: graph)
