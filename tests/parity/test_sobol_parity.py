"""Sobol sequences beside PyTorch's: every point bit for bit."""
import pytest

import tapegrad

torch = pytest.importorskip("torch")


def same(want, got):
    assert str(got.dtype) == str(want.dtype) and tuple(got.shape) == tuple(want.shape)
    assert got.numpy().tobytes() == want.contiguous().numpy().tobytes()


@pytest.mark.parametrize("dimension", [1, 2, 3, 10, 57, 1000])
@pytest.mark.parametrize("scramble, seed", [(False, None), (True, 7), (True, None)])
def test_points(dimension, scramble, seed):
    engines = []
    for t in (torch, tapegrad):
        t.manual_seed(1)
        engines.append(t.quasirandom.SobolEngine(dimension, scramble=scramble, seed=seed))
    theirs, ours = engines
    assert repr(ours) == repr(theirs)
    for n, dtype in ((1, None), (4, "float64"), (0, None), (11, "float32"), (300, None)):
        if n:
            given = {} if dtype is None else {"dtype": getattr(torch, dtype)}
            mine = {} if dtype is None else {"dtype": getattr(tapegrad, dtype)}
            same(theirs.draw(n, **given), ours.draw(n, **mine))
    theirs.fast_forward(123)
    same(theirs.draw(3), ours.fast_forward(123).draw(3))
    theirs.reset()
    ours.reset()
    same(theirs.draw(9), ours.draw(9))
    theirs.reset()
    ours.reset()
    same(theirs.draw_base2(3), ours.draw_base2(3))
    theirs.reset()
    same(theirs.fast_forward(1).draw(2), ours.reset().fast_forward(1).draw(2))
    assert ours.num_generated == theirs.num_generated
    assert torch.get_rng_state().numpy().tobytes() == tapegrad.get_rng_state().numpy().tobytes()


def test_out_and_errors():
    out = tapegrad.zeros(0)
    assert tapegrad.quasirandom.SobolEngine(3).draw(2, out=out) is out
    assert tuple(out.shape) == (2, 3)
    for bad in (0, 21202):
        with pytest.raises(ValueError, match="Supported range of dimensionality"):
            tapegrad.quasirandom.SobolEngine(bad)
    engine = tapegrad.quasirandom.SobolEngine(3)
    engine.draw(3)
    with pytest.raises(ValueError, match="balance properties"):
        engine.draw_base2(2)
