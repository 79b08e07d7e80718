"""What inputs are called: the ways of the program to them."""
from __future__ import annotations

import tapegrad as torch
from tapegrad.tape import Tape


class Network:
    def __init__(self):
        self.weights = [torch.ones(2, 2, requires_grad=True) for _ in range(2)]
        self.extra = {"bias": torch.zeros(2, requires_grad=True), 3: torch.zeros(2, requires_grad=True)}

    def loss(self, x):
        for w in self.weights:
            x = x @ w
        return (x + self.extra["bias"] + self.extra[3]).sum()

    def tape(self, x):
        return Tape.of(self.loss(x))


def names(tape):
    return [tape.names[b] for b in tape.inputs if b in tape.names]


def test_attributes_and_containers():
    net = Network()
    x = torch.ones(3, 2)
    assert names(Tape.of(net.loss(x))) == ["x", "net.weights[0]", "net.weights[1]", 'net.extra["bias"]', "net.extra[3]"]
    assert names(net.tape(x))[1] == "self.weights[0]"
    assert 'net.extra["bias"] ∂' in str(Tape.of(net.loss(x)))
    assert Tape.parse(str(Tape.of(net.loss(x)))) == Tape.of(net.loss(x))


def test_modules_are_called_by_their_path():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.BatchNorm1d(2)))
    found = names(Tape.of(model(torch.ones(3, 2)).sum()))
    assert sorted(found) == sorted(name for name, _ in model.named_parameters(prefix="model"))


def test_a_loop_variable_does_not_name_what_lasts():
    w, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    texts = set()
    for _ in range(3):
        loss = (w * 2 + b).sum()
        texts.add(str(Tape.of(loss)))
        for p in (b, w):
            p.grad = None
    assert len(texts) == 1
    net = Network()
    texts = set()
    for _ in range(3):
        texts.add(str(Tape.of(net.loss(torch.ones(1, 2)))))
        for _i, p in enumerate(net.weights):
            p.grad = None
    assert len(texts) == 1


def test_a_loop_variable_names_what_has_no_other_name():
    for x in (torch.ones(2, requires_grad=True), torch.zeros(2, requires_grad=True)):
        assert names(Tape.of(x * 2)) == ["x"]


def test_nothing_of_the_program_runs():
    class Watchful:
        def __getattribute__(self, name):
            raise AssertionError(f"{name} was asked for")

    watchful = Watchful()
    ring = [watchful]
    ring.append(ring)
    x = torch.ones(2, requires_grad=True)
    assert names(Tape.of(x * 2)) == ["x"]
