"""Mixed precision beside PyTorch's: what scalers do to gradients, steps and scales; what the mode says of itself."""
import copy
import pickle
import warnings

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")
BOTH = (tapegrad, torch)
GRADIENTS = [1.0, 2.0, np.inf, 1.0, 1.0, np.nan, 0.5, 0.25, 3.0, 1.0]


def walk(t, options, unscaled):
    x = t.tensor([1.0, -1.0], requires_grad=True)
    optimizer = t.optim.SGD([x], lr=0.1)
    scaler = t.amp.GradScaler("cpu", **options)
    path = []
    for factor in GRADIENTS:
        optimizer.zero_grad()
        loss = scaler.scale((x * factor).sum())
        loss.backward()
        if unscaled:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        path.append([x.tolist(), x.grad.tolist(), loss.item(), scaler.get_scale(), scaler.state_dict()])
    return path


@pytest.mark.parametrize("unscaled", [False, True])
@pytest.mark.parametrize("options", [
    {}, {"init_scale": 8.0, "growth_interval": 2, "growth_factor": 4.0, "backoff_factor": 0.25},
    {"init_scale": 2.0 ** 127, "growth_interval": 1}, {"enabled": False},
], ids=lambda v: "-".join(v))
def test_scalers(options, unscaled):
    for found, wanted in zip(walk(tapegrad, options, unscaled), walk(torch, options, unscaled)):
        for a, b in zip(found[:4], wanted[:4]):
            np.testing.assert_allclose(a, b, rtol=1e-6)
        assert found[4] == wanted[4]


def scaled(t):
    x = t.tensor([1.0], requires_grad=True)
    optimizer, scaler = t.optim.SGD([x], lr=0.1), t.amp.GradScaler("cpu")
    scaler.scale(x.sum()).backward()
    return scaler, optimizer


MISUSED = {
    "step first": lambda t: t.amp.GradScaler("cpu").step(t.optim.SGD([t.ones(1)])),
    "update first": lambda t: t.amp.GradScaler("cpu").update(),
    "twice unscaled": lambda t: (lambda s, o: (s.unscale_(o), s.unscale_(o)))(*scaled(t)),
    "twice stepped": lambda t: (lambda s, o: (s.step(o), s.step(o)))(*scaled(t)),
    "unscaled after": lambda t: (lambda s, o: (s.step(o), s.unscale_(o)))(*scaled(t)),
    "a closure": lambda t: (lambda s, o: s.step(o, closure=int))(*scaled(t)),
    "no checks": lambda t: (lambda s, o: s.update())(*scaled(t)),
    "no gradients": lambda t: (lambda s, o: s.step(t.optim.SGD([t.ones(1)])))(*scaled(t)),
    "a number": lambda t: t.amp.GradScaler("cpu").scale(3),
    "growth": lambda t: t.amp.GradScaler("cpu", growth_factor=1.0),
    "backoff": lambda t: t.amp.GradScaler("cpu", backoff_factor=1.0),
    "empty state": lambda t: t.amp.GradScaler("cpu").load_state_dict({}),
    "a new scale": lambda t: (lambda s, o: s.update(t.ones(2)))(*scaled(t)),
    "no device": lambda t: t.autocast("meta"), "no name": lambda t: t.autocast(3),
    "no function": lambda t: t.autocast("cpu")(3),
    "pickled between": lambda t: (lambda s, o: (s.step(o), pickle.dumps(s)))(*scaled(t)),
}


@pytest.mark.parametrize("kind", MISUSED)
def test_misused(kind):
    outcomes = []
    for t in BOTH:
        with pytest.raises(Exception) as caught:
            MISUSED[kind](t)
        outcomes.append((type(caught.value).__name__, str(caught.value)[:40] * (kind != "no device")))
    assert outcomes[0] == outcomes[1]


def test_lists_and_new_scales_and_copies():
    for t in BOTH:
        scaler, optimizer = scaled(t)
        one, (two, three) = scaler.scale([t.ones(1), (t.ones(1), t.ones(1))])
        assert one.item() == two.item() == three.item() == 65536.0
        scaler.step(optimizer)
        scaler.update(8.0)
        other = pickle.loads(pickle.dumps(scaler))
        again = copy.deepcopy(scaler)
        assert scaler.get_scale() == other.get_scale() == again.get_scale() == 8.0
        fresh = t.amp.GradScaler("cpu")
        fresh.load_state_dict(scaler.state_dict())
        assert fresh.scale(t.ones(1)).item() == 8.0


def test_a_scaler_for_what_is_not_there_does_nothing():
    for t in BOTH:
        for make in (lambda t=t: t.amp.GradScaler(), lambda t=t: t.cuda.amp.GradScaler(), lambda t=t: t.GradScaler()):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scaler = make()
            assert any("CUDA is not available" in str(w.message) for w in caught)
            assert not scaler.is_enabled() and scaler.state_dict() == {} and scaler.get_scale() == 1.0


def test_the_mode_says_what_it_is():
    def said(t):
        modes = [t.is_autocast_enabled("cpu"), t.is_autocast_cache_enabled()]
        with t.autocast("cpu", cache_enabled=False) as block:
            modes += [t.is_autocast_enabled("cpu"), t.is_autocast_cache_enabled(), type(block).__name__]
            with t.autocast(device_type="cpu", enabled=False):
                modes.append(t.is_autocast_enabled("cpu"))
            modes.append(t.is_autocast_enabled("cpu"))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with t.autocast("cpu", dtype=t.float32):
                modes.append(t.is_autocast_enabled("cpu"))
            with t.autocast("cuda"):
                modes.append(t.is_autocast_enabled("cuda"))
        inside = t.autocast("cpu")(lambda: t.is_autocast_enabled("cpu"))
        return [*modes, inside(), t.is_autocast_enabled("cpu"), len(caught), t.amp.is_autocast_available("cpu")]

    assert said(tapegrad) == said(torch)
