"""What is marked for TorchScript computes what it does in PyTorch, whose compiler reads the same source."""
from __future__ import annotations

import pytest

import tapegrad

torch = pytest.importorskip("torch")


def scaled(x, by: float):
    y = x * by
    if y.sum() > 0:
        y = y + 1
    return y


def model(of):
    class Net(of.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = of.nn.Linear(2, 1)

        def forward(self, x):
            if of.jit.is_scripting():
                return self.linear(x)
            return self.linear(x).tanh() if self.training else self.told(x)

        @of.jit.unused
        def told(self, x):
            return x

        @of.jit.ignore(drop=True)
        def ignored(self, x):
            return x

        @of.jit.export
        def also(self, x):
            return self.linear(x) * 2

    of.manual_seed(0)
    return Net()


@pytest.mark.parametrize("mark", [
    lambda of: of.jit.script(scaled),
    lambda of: lambda x, by: of.jit.trace(scaled, (x, 1.0))(x, by) if of is tapegrad else scaled(x, by),
    lambda of: of.jit.script_if_tracing(scaled),
    lambda of: of.jit.ignore(scaled), lambda of: of.jit.unused(scaled), lambda of: of.jit.export(scaled),
], ids=["script", "trace", "script_if_tracing", "ignore", "unused", "export"])
@pytest.mark.parametrize("by", [2.0, -3.0])
def test_functions(mark, by):
    found, expected = (mark(of)(of.tensor([1.0, 2.0]), by).tolist() for of in (tapegrad, torch))
    assert found == expected


def test_modules():
    found, expected = (model(of) for of in (tapegrad, torch))
    x = [[0.5, -1.0]]
    scripted = tapegrad.jit.script(found)
    assert scripted(tapegrad.tensor(x)).tolist() == found(tapegrad.tensor(x)).tolist()
    assert found(tapegrad.tensor(x)).item() == pytest.approx(expected(torch.tensor(x)).item())
    assert found.eval()(tapegrad.tensor(x)).tolist() == expected.eval()(torch.tensor(x)).tolist() == x
    assert found.also(tapegrad.tensor(x)).item() == pytest.approx(expected.also(torch.tensor(x)).item())
    assert isinstance(tapegrad.jit.ScriptModule(), tapegrad.nn.Module)
    with pytest.raises(RuntimeError, match="eval"):
        tapegrad.jit.freeze(found.train())


def test_values():
    for of in (tapegrad, torch):
        assert of.jit.annotate(list[int], [1]) == [1]
        assert not of.jit.is_scripting() and not of.jit.is_tracing()
