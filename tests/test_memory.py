"""Nothing leaks: what no live tensor can reach is given back, whether or not backward was called."""
from __future__ import annotations

import gc
import weakref

import pytest

import tapegrad as torch
from tapegrad.machine.live import machine


def resident():
    """Bytes of memory this process holds."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


def test_recording_for_ever_is_bounded(tape):
    x = torch.ones(100, requires_grad=True)
    state = torch.ones(100)
    limit = tape.reclaims_at
    for _ in range(limit):
        y = (x * state).tanh()
        state = y.detach()
    assert tape.instructions <= 2 * limit  # how soon the next reclaiming is due depends on the rows there are
    tape.collect()
    assert tape.instructions <= 4


def test_large_values_do_not_pile_up(tape):
    x = torch.ones(250_000, requires_grad=True)
    for _ in range(50):
        y = x.exp()
    before = resident()
    for _ in range(2_000):
        y = x.exp()
    assert resident() - before < 300 << 20
    del y


def test_an_endless_chain_lives_as_long_as_its_end(tape):
    x = torch.ones(3, requires_grad=True)
    y = x
    for _ in range(30_000):
        y = y * 1.0
    assert tape.instructions >= 30_000
    del y
    tape.collect()
    assert tape.instructions == 0


def test_backward_gives_back_what_was_kept(tape):
    x = torch.ones(1000, requires_grad=True)
    for _ in range(100):
        (x * x).exp().sum().backward()
        x.grad = None
    tape.collect()
    assert tape.instructions == 0
    assert tape.kept_bytes == 0


def test_kept_operands_are_given_back_with_the_graph(tape):
    x = torch.ones(1000, requires_grad=True)
    y = (x * torch.ones(1000)).exp()
    assert tape.kept_bytes > 0
    del y
    tape.collect()
    assert tape.kept_bytes == 0


@pytest.mark.parametrize("make", [
    lambda x: x * 2, lambda x: x.exp(), lambda x: x[0], lambda x: x.t(), lambda x: (x @ x).sum(), lambda x: x.detach(),
    lambda x: torch.cat([x, x]), lambda x: x.clone().mul_(x),
])
def test_weak_references_expire(make, tape):
    x = torch.ones(3, 3, requires_grad=True)
    y = make(x)
    dead = weakref.ref(y)
    del y
    tape.collect()
    assert dead() is None
    leaf = weakref.ref(x)
    del x
    tape.collect()
    assert leaf() is None
    assert tape.instructions == 0


def test_a_graph_keeps_its_leaves(tape):
    x = torch.ones(3, requires_grad=True)
    y = (x * 2).sum()
    dead = weakref.ref(x)
    accumulate, _ = y.grad_fn.next_functions[0][0].next_functions[0]
    del x
    tape.collect()
    assert dead() is not None
    y.backward()
    assert accumulate.variable.grad.tolist() == [2.0, 2.0, 2.0]
    del y, accumulate
    tape.collect()
    assert dead() is None


def test_cycles_through_attributes_and_hooks(tape):
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.myself = y
    y.register_hook(lambda g, y=y: y)
    dead = weakref.ref(y)
    del x, y
    for _ in range(3):
        tape.collect()
    assert dead() is None


class SavesItsResult(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x * 2
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g


def under_hooks(pack, f):
    def run(x):
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept):
            return f(x)

    return run


def hooked(x):
    y, bytes_of_it = x.exp(), x.detach()
    y.register_hook(lambda g: bytes_of_it)
    bytes_of_it = y.detach()
    return y


def hooked_leaf(x):
    bytes_of_it = x.detach()
    x.register_hook(lambda g: bytes_of_it)
    return x


def noted(x):
    y = x.exp()
    y.grad_fn.metadata["bytes"] = y.detach()
    return y


def checkpointed(x):
    y = torch.utils.checkpoint.checkpoint(lambda t: t.exp().sin(), x, use_reentrant=False)
    y.sum().backward()
    return y


@pytest.mark.parametrize("f", [
    SavesItsResult.apply, under_hooks(lambda t: t, SavesItsResult.apply), under_hooks(lambda t: t, torch.exp),
    under_hooks(lambda t: [t.view(-1)], torch.sigmoid), hooked, hooked_leaf, noted, checkpointed,
], ids=["own result", "packed", "exp", "sigmoid", "hooked", "leaf", "noted", "checkpointed"])
def test_what_keeps_the_bytes_of_its_own_result_goes_with_that(tape, f):
    """A cycle through memory, where the tape leads nowhere: nothing that is left can come to that node."""
    held = []
    for _ in range(2):
        for _ in range(20):
            f(torch.ones(1000, requires_grad=True))
        for _ in range(3):
            tape.collect()
        held.append(tape.attached)
    assert held[1] <= held[0]


def test_an_alias_of_a_value_leaves_its_hooks_to_the_graph(tape):
    x = torch.ones(3, requires_grad=True)
    seen = []
    y = SavesItsResult.apply(x)
    y.register_hook(lambda g: seen.append(g.tolist()))
    z, alias = y * 3, y.detach()
    del y
    tape.collect()
    z.sum().backward()
    assert seen == [[3.0] * 3] and alias.tolist() == [2.0] * 3


def test_gradients_of_gradients_are_given_back(tape):
    x = torch.tensor(2.0, requires_grad=True)
    for _ in range(100):
        (g,) = torch.autograd.grad(x ** 3, x, create_graph=True)
        (h,) = torch.autograd.grad(g, x)
    del g, h
    tape.collect()
    assert tape.instructions == 0


def test_a_gradient_that_is_its_own_history(tape):
    x = torch.tensor(2.0, requires_grad=True)
    (x * x).backward(create_graph=True)
    assert x.grad.requires_grad
    x.grad = None
    tape.collect()
    assert tape.instructions == 0


def test_errors_keep_nothing(tape):
    x = torch.ones(3, requires_grad=True)
    for _ in range(50):
        for bad in (lambda: x + torch.ones(4), lambda: x.view(7), lambda: x @ x.expand(2, 3), lambda: x.backward()):
            with pytest.raises(RuntimeError):
                bad()
    gc.collect()
    tape.collect()
    assert tape.instructions == 0


def loaded(x):
    net = torch.nn.Linear(13, 7)
    net.weight = torch.nn.Parameter(x)
    net.load_state_dict(torch.nn.Linear(13, 7).state_dict(), assign=True)


@pytest.mark.parametrize("use", [
    repr, loaded, lambda x: torch.linalg.multi_dot([x, x.T, x]), lambda x: x.sub_(x[0]), lambda x: torch.cat([x, x]),
    lambda x: torch.einsum("ij,kj->ik", x, x), lambda x: x[x > 0], lambda x: x.std_mean(), lambda x: x[:, None, 2:99],
    lambda x: torch.autograd.grad(x.requires_grad_().sum(), x), lambda x: torch.vmap(torch.sin)(x),
    lambda x: torch.func.jvp(torch.sin, (x,), (x,)), lambda x: torch.func.grad(lambda y: y.sin().sum())(x),
])
def test_nothing_waits_for_a_collection(use):
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            x = torch.randn(7, 13)
            gone = weakref.ref(x)
            use(x)
            del x
            assert gone() is None
    finally:
        gc.enable()


def test_reclaiming_under_live_graphs_keeps_them_right(tape):
    """Compaction moves instructions; the graphs that stay must not notice."""
    kept = []
    x = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    for i in range(3000):
        y = (x * (i % 7 + 1)).exp() * x
        if i % 10 == 0:
            kept.append((i % 7 + 1, y))
        if i % 500 == 0:
            tape.collect()
    for k, y in kept:
        (g,) = torch.autograd.grad(y, x)
        v = float(torch.tensor(1.5 * k, dtype=torch.float64).exp())
        assert g.item() == pytest.approx(v + 1.5 * k * v)


def test_numpy_keeps_the_memory(tape):
    arrays = [torch.full((10,), float(i)).numpy() for i in range(100)]
    tape.collect()
    _ = [torch.zeros(10) for _ in range(200)]
    assert all(a.tolist() == [i] * 10 for i, a in enumerate(arrays))


class Several(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, a, b):
        return a * 2 + b * 3


@pytest.mark.parametrize("program", [
    lambda x: _assigned(x * 1),
    lambda x: sum(Several.apply(x * 1)),
    lambda x: (x * 1)[0:2].reshape(2, 1).expand(2, 2).sum(1),
    lambda x: torch.stack([x * 1, x * 2]).max(0).values,
], ids=["written view", "custom function", "views", "several results"])
def test_reclaiming_may_come_between_any_two_instructions(tape, program):
    """What one call records step by step is not taken for rubbish half-way."""
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    program(x).sum().backward()
    wanted = x.grad.tolist()
    for before in range(12):
        tape.collect()
        machine.state["sweep_at"] = tape.instructions + before
        x.grad = None
        found = [program(x) for _ in range(3)]
        for y in found:
            x.grad = None
            y.sum().backward()
            assert x.grad.tolist() == wanted


def _assigned(y):
    y[1] = y[0] * 5
    return y
