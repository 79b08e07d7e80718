"""The promise of `every_tape` on a table of programs; `pytest --tapes` checks it on those of any test file."""
from __future__ import annotations

import numpy as np
import pytest
import tape_programs
from every_tape import Checker, same
from tape_programs import PROGRAMS

import tapegrad as torch
from tapegrad.inspect import scripts
from tapegrad.machine.live import machine
from tapegrad.tape import Tape, replay

F = torch.nn.functional
ALIVE = []  # what a tape has values of


def alive(x):
    ALIVE.append(x)
    return x


def ramp(*shape):
    return alive(tape_programs.ramp(*shape))


@pytest.fixture(autouse=True)
def nobody_else_holds_it():
    yield
    ALIVE.clear()


class Doubled(torch.autograd.Function):
    """Writes to what it is given, and returns it."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.mark_dirty(x)
        return x.mul_(2).add_(y), y * 1

    @staticmethod
    def backward(ctx, g, h):
        return 2 * g, g + h


class Doubling(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g


def moved(requires_grad):
    x, z = ramp(2) * 1, torch.zeros(2)
    (x, z) = (z, x) if requires_grad else (x, z)
    return x.set_(z)


def dirty_view():
    h = ramp(4) * 2
    Doubling.apply(h[1:])
    return h


def read_then_written_elsewhere(write):
    h, w = alive(torch.ones(3)), ramp(3)
    v = alive(h.detach())
    y = v + w
    write(h, w)
    return y + h


def written_then_read_elsewhere():
    h, w = alive(torch.ones(3)), ramp(3)
    v = alive(h.detach())
    h.copy_(w)
    return v * w + h


def under_its_own_name(write):
    h, w = ramp(3) * 2, ramp(3)
    return write(h, alive(h.detach()), w)


def straight_through():
    x = (ramp(3) * 2).relu_()
    return x + alive(x.detach().round()) - alive(x.detach())


def running_total():
    total = alive(torch.zeros(()))
    for _ in range(3):
        total += ramp(2).sum()
    return total


def filled():
    out = alive(torch.zeros(3))
    for i in range(3):
        out[i] = ramp(2).sum() * i
    return out


def written_without_grad():
    h = ramp(3) * 2
    with torch.no_grad():
        h.zero_()
    return h * 1


def read_then(write, again=False):
    """A tape of what was read before something else was written there; with `again`, of what was read after."""
    x = ramp(3)
    found = [x * x]
    write(x)
    return x * x if again else found[0]


def with_no_grad(write):
    def run(x):
        with torch.no_grad():
            write(x)

    return run


def assigned(x):
    x.data = torch.ones(3)


def exchanged(x):
    y = ramp(3) + 1
    x.data, y.data = y.data, x.data


def stepped(x):
    x.sum().backward()
    torch.optim.SGD([x], 0.1).step()


def loaded_anew(x):
    layer = torch.nn.Module()
    layer.weight = torch.nn.Parameter(x.data)
    layer.load_state_dict({"weight": torch.ones(3)})


def through_numpys(x):
    x.data = torch.from_numpy(np.ones(3, "f4"))


# What writes to a leaf so that no tape has it.
WRITES = {
    "x.data = y": assigned, "swapped": exchanged, "of NumPy's": through_numpys,
    "x.data.mul_": lambda x: x.data.mul_(2), "x.data[i] =": lambda x: x.data.__setitem__(1, 7.0),
    "a part of x.data": lambda x: x.data[1:].zero_(), "x.data.copy_": lambda x: x.data.copy_(torch.ones(3)),
    "x.detach().mul_": lambda x: x.detach().mul_(2), "no_grad": with_no_grad(lambda x: x.mul_(2)),
    "set_": with_no_grad(lambda x: x.set_(torch.ones(3))), "an optimizer": stepped,
    "load_state_dict": loaded_anew, "increment_version": torch.autograd.graph.increment_version,
}


def result_written(write):
    y = ramp(3) * 2
    write(y)
    return y * 1


def written_once_read(write):
    """Where the alias was read, and what it is one of written."""
    x, w = alive(torch.ones(3)), ramp(3)
    d = alive(x.data)
    y = d * w
    write(x)
    return y


def trained():
    x = ramp(3)
    for _ in range(3):
        (x * x).sum().backward()
        x.data = x.data - 0.1 * x.grad
        x.data -= 0.1 * x.grad
    return x * x


def compiled(again):
    x = ramp(3)
    step = torch.compile(lambda: x.data.mul_(2))
    for _ in range(4):
        found = x * x
        step()
    return x * x if again else found


def collected():
    """What was left of the tape moves where the machine tidies up."""
    x, held = ramp(3), []
    for i in range(3):
        held.append((x * i, x.exp())[i % 2])
        x.data.mul_(2)
    held.append(x * x)
    machine.call.reclaim()
    return held[-1]


def collected_before():
    x = ramp(3)
    y = (x * 2, x.exp())[1]
    x.data.mul_(2)
    machine.call.reclaim()
    return y


def many_written():
    leaves = [ramp(2) for _ in range(40)]
    y = torch.cat(leaves)
    with torch.no_grad():
        leaves[7].mul_(2)
    return y


def one_per_line(f):
    return [f() for _ in range(2)]


def nested_lanes():
    x = ramp(2, 3)
    found = []

    def of_row(row):
        found.append((row * x).tanh().sum())
        return found[-1]

    torch.vmap(of_row)(x)
    return found[0]


def recurrent(kind):
    torch.manual_seed(0)
    layer, state = alive(kind(2, 3)), alive(torch.zeros(1, 1, 3))
    given = (state, alive(torch.zeros(1, 1, 3))) if kind is torch.nn.LSTM else state
    return layer(ramp(4, 1, 2), given)[0]


def of_many():
    return torch.cat([ramp(2) for _ in range(40)]), torch.stack([ramp(2) for _ in range(3)])


def embedded():
    (g,) = torch.autograd.grad((x := ramp(2, 3)).select(1, 2).exp().sum(), x, create_graph=True)
    return g


def slope_of_a_write(write, seen=False):
    """Backward reads what was written over, and its own recorded steps read it again."""
    x = ramp(3)
    y = x * 2
    early = alive(y.detach())
    z = write(y, alive(torch.tensor([-1.0, 1.0, -1.0])))
    (g,) = torch.autograd.grad((z * z).sum(), x, create_graph=True)
    return g * early if seen else g


# What a tape is like: how it goes, and a program that gives its results, and what has to be kept alive.
TAPES = {
    "windows along one axis": ("replayed", lambda: F.max_pool1d(ramp(1, 2, 6), 2)),
    "windows along two": ("replayed", lambda: F.max_pool2d(ramp(1, 1, 4, 4), 2)),
    "windows along three": ("replayed", lambda: F.max_pool3d(ramp(1, 1, 4, 2, 2), 2)),
    "averages along one axis": ("replayed", lambda: F.avg_pool1d(ramp(1, 2, 6), 2)),
    "a difference turned round": ("replayed", lambda: torch.rsub(ramp(3), 2.0)),
    "a scaled difference": ("replayed", lambda: torch.rsub(ramp(3), ramp(3), alpha=2)),
    "normalised": ("replayed", lambda: F.batch_norm(ramp(4, 2), None, None, ramp(2), ramp(2), True)),
    "normalised rows": ("replayed", lambda: F.layer_norm(ramp(4, 3), (3,), ramp(3), ramp(3))),
    "soft labels": ("replayed", lambda: F.cross_entropy(ramp(2, 3), ramp(2, 3).softmax(1))),
    "convolved": ("replayed", lambda: F.conv1d(ramp(1, 2, 6), ramp(3, 2, 3), ramp(3), groups=1)),
    "convolved and transposed": ("replayed", lambda: F.conv_transpose1d(ramp(1, 2, 6), ramp(2, 3, 3), ramp(3))),
    "padded": ("replayed", lambda: F.pad(ramp(1, 2, 6), (1, 2), "reflect")),
    "gated": ("replayed", lambda: F.glu(ramp(4))),
    "distances": ("replayed", lambda: torch.cdist(ramp(3, 2), ramp(2, 2))),
    "attention": ("replayed", lambda: F.scaled_dot_product_attention(*(ramp(1, 1, 3, 2) for _ in range(3)))),
    "an LSTM": ("replayed", lambda: recurrent(torch.nn.LSTM)),
    "a GRU": ("replayed", lambda: recurrent(torch.nn.GRU)),
    "an embedding": ("replayed", lambda: F.embedding(alive(torch.tensor([1, 0, 1])), ramp(2, 3))),
    "places": ("replayed", lambda: ramp(4).gather(0, alive(torch.tensor([3, 0])))),
    "several outputs": ("replayed", lambda: (*ramp(4).unbind(), *ramp(5).split(2), *ramp(5).split([1, 4]))),
    "a decomposition": ("replayed", lambda: torch.linalg.svd(ramp(3, 2))[1]),
    "a solution": ("replayed", lambda: torch.linalg.solve(ramp(2, 2) + alive(torch.eye(2)), ramp(2))),
    "of very many": ("replayed", of_many),
    "halves": ("replayed", lambda: (ramp(3).bfloat16() * 1.1 + 7).tanh()),
    "other halves": ("replayed", lambda: (ramp(3).half() @ ramp(3).half()) / 3),
    "nothing": ("replayed", lambda: (ramp(0, 3) @ ramp(3, 2)).sum()),
    "spread": ("replayed", lambda: alive(torch.ones(1).expand(3).requires_grad_()) * 2),
    "a gradient": ("replayed", embedded),
    "a gradient of a write": ("replayed", lambda: slope_of_a_write(lambda y, s: y.copysign_(s))),
    "a gradient of a square": ("replayed", lambda: slope_of_a_write(lambda y, s: y.pow_(2))),
    "a gradient of a part": ("replayed", lambda: slope_of_a_write(lambda y, s: (y[1:].copysign_(s[1:]), y)[1])),
    "a gradient, and what was written": ("replayed", lambda: slope_of_a_write(lambda y, s: y.copysign_(s), True)),
    "lanes": ("replayed", nested_lanes),
    "another place": ("Python", lambda: moved(False)),
    "another place, of what requires grad": ("Python", lambda: moved(True)),
    "custom": ("Python", lambda: Doubling.apply(ramp(2) * 2)),
    "custom, of several": ("Python", lambda: Doubled.apply(ramp(2) * 2, ramp(2))),
    "custom, on a view": ("Python", dirty_view),
    "filled": ("replayed", filled),
    "a running total": ("overwritten", running_total),
    "straight through": ("replayed", straight_through),
    "read, then written": ("gone", lambda: read_then_written_elsewhere(lambda h, w: h.copy_(w))),
    "read, then its part": ("gone", lambda: read_then_written_elsewhere(lambda h, w: h[1:].copy_(w[1:]))),
    "written, then read": ("replayed", written_then_read_elsewhere),
    "added to itself": ("gone", lambda: under_its_own_name(lambda h, v, w: h.add_(v))),
    "multiplied by itself": ("gone", lambda: under_its_own_name(lambda h, v, w: h.mul_(v))),
    "written behind its back": ("written since", lambda: under_its_own_name(lambda h, v, w: (v.copy_(w), h * w)[1])),
    "not recorded": ("written since", written_without_grad),
    **{f"{how}, once it is read": ("written since", lambda write=write: read_then(write))
       for how, write in WRITES.items()},
    **{f"{how}, before it is read": ("replayed", lambda write=write: read_then(write, again=True))
       for how, write in WRITES.items()},
    "a result is assigned": ("written since", lambda: result_written(assigned)),
    "a result's data is written": ("written since", lambda: result_written(lambda y: y.data.mul_(2))),
    "x.data is looked at": ("replayed", lambda: read_then(lambda x: x.data.sum())),
    "x.data is read, x written": ("written since", lambda: written_once_read(lambda x: x.mul_(2))),
    "x.data is read, and another": ("written since", lambda: written_once_read(lambda x: x.data.mul_(2))),
    "x.data is read, x assigned": ("replayed", lambda: written_once_read(assigned)),
    "trained by x.data": ("replayed", trained),
    "a compiled function writes x.data": ("written since", lambda: compiled(False)),
    "a compiled function wrote x.data": ("replayed", lambda: compiled(True)),
    "the tape is compacted": ("replayed", collected),
    "the tape is compacted, and written before": ("written since", collected_before),
    "one of very many": ("written since", many_written),
}


def results_of(found):
    found = found if isinstance(found, tuple) else (found,)
    return [x for x in found if isinstance(x, torch.Tensor) and x.requires_grad and not x.is_leaf]


@pytest.mark.parametrize("name", TAPES)
def test_it_goes_round(name):
    kind, program = TAPES[name]
    checker, found = Checker(), program()
    checker.roots(results_of(found))
    assert not checker.failures, checker.table()
    assert checker.counts == {"tapes": 1, kind: 1}


@pytest.mark.parametrize("name", PROGRAMS)
def test_so_do_those_of_the_other_tests(name):
    tape = PROGRAMS[name]()
    if len(tape.values) == len(tape.inputs) and len(tape):
        results = tape.replay(*[tape.values[b].requires_grad_(b in tape.requires) for b in tape.inputs])
        checker = Checker()
        checker.roots(results_of(results))
        assert not checker.failures, checker.table()


def test_equal_ones_are_looked_at_once():
    checker = Checker()
    for root in one_per_line(lambda: ramp(2).exp()):
        checker.roots([root])
    assert checker.counts == {"tapes": 1, "replayed": 1, "again": 1}


def test_all_that_is_differentiated_is_seen():
    """What native code does from end to end too, once it has learnt it."""
    checker, x = Checker(), ramp(3)
    with scripts._each_root(checker.roots):
        for _ in range(3):
            x.exp().sum().backward()
            torch.autograd.grad(x.exp().sum(), x)
            torch.func.grad(lambda x: x.exp().sum())(x)
    assert not checker.failures, checker.table()
    assert checker.counts == {"tapes": 3, "replayed": 3, "again": 6}


def test_other_values_are_found(monkeypatch):
    """Of a checker that sees nothing nobody learns."""
    step = replay.step
    monkeypatch.setattr(replay, "step", lambda tape, t, operands: step(tape, t, operands).neg())
    checker = Checker()
    checker.test = "a test"
    checker.roots([ramp(2).exp()])
    assert checker.counts == {"tapes": 1}
    (test, wrong, text), = checker.failures
    assert (test, wrong) == ("a test", "replayed") and "exp" in text and "FAILED a test: replayed" in checker.table()


def test_the_same_is_bit_by_bit_but_for_nans():
    nan, zeros = torch.tensor([float("nan"), 1.0]), torch.zeros(2)
    assert same(nan, -nan * torch.tensor([1.0, -1.0])) and not same(zeros, -zeros)
    assert not same(zeros, torch.zeros(2, dtype=torch.float64)) and not same(zeros, torch.zeros(2, 1))
    for dtype in (torch.float16, torch.bfloat16):
        assert same(nan.to(dtype), nan.to(dtype)) and not same(nan.to(dtype), zeros.to(dtype))


@pytest.mark.parametrize("pooled, name", [
    (lambda: F.max_pool1d(ramp(1, 2, 6), 2), "SqueezeBackward1"),
    (lambda: F.max_pool3d(ramp(1, 1, 4, 2, 2), 2), "MaxPool3DWithIndicesBackward0"),
    (lambda: torch.rsub(ramp(3), 2.0), "RsubBackward1"),
])
def test_a_node_that_is_called_otherwise_is_so_when_it_comes_back(pooled, name):
    x = pooled()
    tape = Tape.parse(str(Tape.of(x, names={})))
    given = [torch.ones(layout.shape, requires_grad=True) for layout in map(tape.layouts.__getitem__, tape.inputs)]
    assert x.grad_fn.name() == tape.replay(*given).grad_fn.name() == name
    assert tape.replay_reference(*given).shape == tuple(x.shape)
