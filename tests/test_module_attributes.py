"""Attributes and calls of modules are native where a class has Module's own ways, and say what Python's would."""
from __future__ import annotations

import collections
import copy
import pickle
import sys

import pytest

import tapegrad as torch
from tapegrad import nn


class Net(nn.Module):
    kind = "class"

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 3)
        self.register_buffer("seen", torch.zeros(1))
        self.none = None
        self.register_parameter("absent", None)
        self.count = 3

    @property
    def doubled(self):
        return self.count * 2

    @property
    def broken(self):
        return self.no_such_thing

    def forward(self, x, times=1):
        return self.inner(x) * times


def test_where_attributes_are_found():
    net = Net()
    assert net.inner is net._modules["inner"] and net.seen is net._buffers["seen"]
    assert net.inner.weight is net.inner._parameters["weight"]
    assert net.absent is None and net.none is None and net.count == 3 and net.doubled == 6 and net.kind == "class"
    net.__dict__["seen"] = 5  # the instance's comes first
    assert net.seen == 5
    net.inner._parameters["kind"] = net.inner.weight
    assert net.inner.kind is net.inner.weight
    net._parameters["kind"] = net.inner.weight  # and before that what the class has
    assert net.kind == "class"
    net._parameters = collections.OrderedDict(other=net.inner.weight)
    assert net.other is net.inner.weight


@pytest.mark.parametrize("name", ["no_such_thing", "broken"])
def test_what_there_is_not(name):
    with pytest.raises(AttributeError, match="'Net' object has no attribute"):
        getattr(Net(), name)
    assert getattr(Net(), name, None) is None and not hasattr(Net(), name)


def test_attributes_that_come_and_go():
    net = Net()
    del net.inner
    with pytest.raises(AttributeError, match="inner"):
        getattr(net, "inner")  # noqa: B009
    net.inner = nn.Linear(2, 2)
    assert net(torch.ones(1, 2)).shape == (1, 2)
    bare = Net.__new__(Net)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'count'"):
        getattr(bare, "count")  # noqa: B009
    assert copy.deepcopy(net).inner.weight is not net.inner.weight
    assert torch.equal(pickle.loads(pickle.dumps(net)).inner.weight, net.inner.weight)


class Wrapped(nn.Module):
    """Attributes that are another module's, as wrappers have them."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.module, name)

    def forward(self, x):
        return self.module(x)


class Watched(nn.Linear):
    asked: set[str] = set()  # noqa: RUF012

    def __getattribute__(self, name):
        Watched.asked.add(name)
        return super().__getattribute__(name)


class Counted(nn.Linear):
    calls = 0

    def __call__(self, *args, **kwargs):
        Counted.calls += 1
        return super().__call__(*args, **kwargs)


def test_classes_with_ways_of_their_own():
    wrapped = Wrapped(Net())
    assert wrapped.count == 3 and wrapped.inner is wrapped.module.inner
    watched = Watched(2, 2)
    Watched.asked.clear()
    watched(torch.ones(1, 2))
    assert {"forward", "weight", "bias"} <= Watched.asked
    Counted(2, 2)(torch.ones(1, 2))
    assert Counted.calls == 1

    class Below(Counted):
        pass

    Below(2, 2)(torch.ones(1, 2))
    assert Counted.calls == 2


@pytest.mark.parametrize("kind", [nn.Module, Net])
def test_ways_that_are_written_into_a_class(kind, monkeypatch):
    net, told = Net(), []

    def found(self, name):
        told.append(name)
        if name == "made_up":
            return 7
        raise AttributeError(name)

    def called(self, *args, **kwargs):
        told.append(type(self).__name__)
        return self.forward(*args, **kwargs)

    with monkeypatch.context() as m:
        m.setattr(kind, "__getattr__", found, raising=False)
        m.setattr(kind, "__call__", called)
        assert net.made_up == 7
        with pytest.raises(AttributeError):
            net(torch.ones(1, 2))  # `inner` is where nobody looks now
        assert told == ["made_up", "Net", "inner"]
    assert net(torch.ones(1, 2)).shape == (1, 3)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'made_up'"):
        getattr(net, "made_up")  # noqa: B009


def test_calls():
    net, x = Net(), torch.ones(1, 2)
    plain = net(x)
    assert torch.equal(net(x, times=2), plain * 2) and torch.equal(net(times=2, x=x), plain * 2)
    with pytest.raises(TypeError, match="forward"):
        net()
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(x)
    net.forward = lambda y: y + 1
    assert torch.equal(net(x), x + 1)
    del net.forward
    seen = []
    with net.register_forward_hook(lambda module, args, out: seen.append("own")):
        net(x)
    with nn.modules.module.register_module_forward_hook(lambda module, args, out: seen.append(type(module).__name__)):
        net(x)
    net(x)
    assert seen == ["own", "Linear", "Net"]


def test_a_module_that_calls_itself_without_end():
    class Endless(nn.Module):
        def forward(self, x):
            return self(x)

    with pytest.raises(RecursionError):
        Endless()(1)


def test_nothing_is_kept_or_lost():
    net, x = Net(), torch.ones(1, 2)
    things = [net, net.inner, net.inner.weight, net.seen, x]
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(50):
        for name in ("inner", "seen", "count", "nowhere"):
            getattr(net, name, None)
        net(x, times=2)
    assert [sys.getrefcount(thing) for thing in things] == before
