"""`export`: a function in a file does what it did, value and gradient, where its source is not, or why not is told."""
from __future__ import annotations

import copy
import io
import json
import random
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest

import tapegrad as torch
from tapegrad import export
from tapegrad.tape import Tape, TapeError, TapeFormatError, files

torch.manual_seed(0)
NET = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.LayerNorm(7), torch.nn.GELU(), torch.nn.Linear(7, 3))
W = torch.linspace(0.1, 1, 6).reshape(2, 3).requires_grad_()
X, Y = torch.linspace(-1, 2, 20).reshape(4, 5), torch.tensor([0, 2, 1, 1])
P = torch.linspace(0.2, 1.4, 6).reshape(2, 3)


def in_place(x):
    h = x.exp()
    doubled = h * 2
    doubled[0] = h[1] * W[0]
    return doubled.mul_(2).sum()


def without(x):
    with torch.no_grad():
        scale = (W * x).mean()
    return W * x / scale


def containers(x, more, *, by):
    return OrderedDict(first=x * more["w"], rest=[more["w"].sum(0), (by[0].t(), None, 3, "text")]), x


PROGRAMS = {
    "module": (NET, (X,), {}),
    "loss": (lambda x, y: torch.nn.functional.cross_entropy(NET(x), y), (X, Y), {}),
    "in place": (in_place, (P,), {}),
    "no_grad": (without, (P,), {}),
    "views": (lambda x: x.t()[1:, ::2].reshape(-1) @ W[0, 1:], (P,), {}),
    "attention": (lambda q: torch.nn.functional.scaled_dot_product_attention(q, q, q).var(), (X.reshape(1, 4, 5),), {}),
    "linear algebra": (lambda x: torch.linalg.solve(x @ x.T + torch.eye(2), W).cumsum(1).sort(1)[0], (P,), {}),
    "gather": (lambda x, i: x.gather(1, i).amax(0) + W.sum(), (P, torch.tensor([[0], [2]])), {}),
    "double": (lambda x: (x.double() * 0.1).half().float(), (P,), {}),
    "an argument": (lambda x: x, (P,), {}),
    "a parameter": (lambda x: (W, x + 1), (P,), {}),
    "empty": (lambda x: x.sum() + W.sum(), (torch.zeros(0, 3),), {}),
    "numbers": (lambda x, n, s: x * n if s == "times" else x, (P, 2.5, "times"), {}),
    "containers": (containers, (P, {"w": P + 1, "n": 2}), {"by": (P + 2,)}),
}


def flat(value):
    return torch.utils._pytree.tree_flatten(value)[0]


def outcome(function, args, kwargs, parameters):
    """The results, and the gradients of arguments and parameters, as bytes and structure."""
    args, kwargs = copy.deepcopy((args, kwargs))
    leaves = [x.requires_grad_() for x in flat((args, kwargs)) if isinstance(x, torch.Tensor) and x.is_floating_point()]
    found = function(*args, **kwargs)
    tensors = [r for r in flat(found) if isinstance(r, torch.Tensor)]
    roots = [r.sum() for r in tensors if r.requires_grad]
    gradients = torch.autograd.grad(roots, [*leaves, *parameters], allow_unused=True, materialize_grads=True)
    spec = torch.utils._pytree.tree_structure(found)
    return spec, [x.detach().numpy().tobytes() for x in (*tensors, *gradients)], [
        x for x in flat(found) if not isinstance(x, torch.Tensor)]


def reloaded(program):
    file = io.BytesIO()
    export.save(program, file)
    file.seek(0)
    return export.load(file)


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_the_function(name):
    function, args, kwargs = PROGRAMS[name]
    compiled = torch.compile(function, eager_build=True)
    program = reloaded(export.export(compiled, args, kwargs))
    called = {"W": W, **dict(NET.named_parameters())}
    names = [n.removeprefix("NET.").removeprefix("_orig_mod.") for n, _ in program.named_parameters()]
    module = program.module()
    for _ in range(4):  # as written, captured, replayed
        expected = outcome(compiled, args, kwargs, [called[n] for n in names])
        assert outcome(module, args, kwargs, [*program.parameters()]) == expected
    assert module._compiled.replays >= 1
    assert json.dumps(program._call()) == json.dumps(export.export(function, args, kwargs)._call())


def test_parameters_are_its_own_and_can_be_trained():
    program = reloaded(export.export(NET, (X,)))
    assert [n for n, _ in program.named_parameters()] == [n for n, _ in NET.named_parameters()]
    before = NET[0].weight.detach().clone()
    optimizer = torch.optim.SGD(program.parameters(), lr=0.01)
    module, losses = program.module(), []
    for _ in range(6):
        optimizer.zero_grad()
        loss = module(X).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True) and torch.equal(NET[0].weight, before)


def test_a_process_without_the_source(tmp_path):
    path = tmp_path / "f.tape"
    export.save(export.export(PROGRAMS["loss"][0], (X, Y)), path)
    expected = PROGRAMS["loss"][0](X, Y).item()
    script = ("import sys, tapegrad as torch; p = torch.export.load(sys.argv[1])\n"
              "f = p.module(); a, _ = p.example_inputs\n"
              "for _ in range(3): loss = f(*a)\nloss.backward(); print(repr(loss.item()), f._compiled.replays)\n"
              "from tapegrad.__main__ import main\n"
              "for command in ('replay', 'info', 'dump'): main([command, sys.argv[1]])")
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    told = run.stdout.splitlines()
    assert told[0] == f"{expected!r} 1"
    assert told[1] == repr(Tape.load(path).replay())
    assert "arguments  ((f32[4,5], i64[4]), {})" in told and "cross_entropy" not in told[2]
    assert any("log_softmax" in line for line in told)


def attempted(function):
    with pytest.raises(export.ExportError) as raised:
        export.export(function, (P,))
    return str(raised.value)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 3


def hooked(x):
    y = x * 2
    y.register_hook(lambda g: g * 5)
    return y


HELD: list = []  # a value with a history, while a test runs
LINE = r" (test_export.py:"


@pytest.mark.parametrize(("function", "why"), [
    (lambda x: x if x.sum() > 0 else -x, "depends on a value"),
    (lambda x: x * x.sum().item(), "depends on a value"),
    (lambda x: x + torch.rand(3), "draws random numbers"),
    (lambda x: torch.nn.functional.dropout(x), "draws random numbers"),
    (lambda x: x.add_(1), "writes to an argument"),
    (lambda x: W.data.add_(1) + x, "writes to a tensor that was there before the call"),
    (lambda x: Doubled.apply(x), "a backward of their own"),
    (lambda x: x * HELD[0], "computed before the call"),
    (lambda x: (x * W).sum().backward(), ""),
    (lambda x: torch.from_numpy(np.exp(x.detach().numpy())) * x, ""),
    (lambda x: 3, "returns no tensor"),
])
def test_what_cannot_be(function, why):
    HELD.append(W * 2)
    text = attempted(function)
    HELD.clear()
    assert text.startswith("function cannot be exported: ") and why in text
    assert LINE in text or why in ("", "returns no tensor", "writes to an argument", "a backward of their own")
    W.grad = None


def test_what_is_exported_holds_nothing_that_its_call_recorded(tape):
    held = export.export(*PROGRAMS["loss"])
    tape.collect()
    assert held and not tape.instructions


@pytest.mark.parametrize("call", [
    lambda held, file: export.export(NET, (X,), dynamic_shapes={"x": None}),
    lambda held, file: export.save(held, file, extra_files={"a": "b"}),
    lambda held, file: export.load(file, extra_files={"a": ""})])
def test_what_a_file_has_no_room_for_is_refused(call):
    with pytest.raises(NotImplementedError, match=r"dynamic_shapes|extra_files"):
        call(export.export(NET, (X,)), io.BytesIO())


def test_a_backward_that_is_refused_is_refused():
    def spoilt(x):
        h = x.exp()
        h[0] = h[1] * W[0]
        return h.mul_(2).sum()

    module = reloaded(export.export(spoilt, (P,))).module()
    x = P.clone().requires_grad_()
    for f in (spoilt, module, module, module):
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            f(x).backward()


def test_hooks_are_no_operations():
    assert "it registers a hook" in attempted(hooked)


def test_what_is_passed():
    with pytest.raises(TypeError, match="to be a tuple of example positional inputs"):
        export.export(NET, X)
    with pytest.raises(TypeError, match="a set is passed"):
        export.export(lambda x, s: x, (P, {1}))
    with pytest.raises(TypeError, match="a complex is returned"):
        export.export(lambda x: (x, 1j), (P,))
    with pytest.raises(TypeError, match="must be an instance of 'ExportedProgram'"):
        export.save(NET, io.BytesIO())
    program = export.export(lambda x, n, *, k: x * n + k, (P, 3), {"k": P})
    with pytest.raises(RuntimeError, match="Unable to call ExportedProgram directly"):
        program(P, 3, k=P)
    f = program.module()
    assert torch.equal(f(P, 3, k=P), P * 3 + P)
    for args, kwargs, why in [((P, 4), {"k": P}, "to be equal to 3, but got 4"), ((P, 3.0), {"k": P}, "equal to 3"),
                              ((P[:1], 3), {"k": P}, r"shape \[2, 3\]"), ((P.double(), 3), {"k": P}, "float64"),
                              ((P,), {"k": P}, "to be built as"), ((P, 3), {}, "to be built as"),
                              ((P, 3), {"k": 1}, "to be a tensor"), ((P, 3), {"k": P + 0}, "passed before it")]:
        with pytest.raises(RuntimeError, match=why):
            f(*args, **kwargs)


def test_other_strides_are_as_good():
    f = reloaded(export.export(lambda x: x.view(6) * 2, (P,))).module()
    lying = P.t().contiguous().t()
    x = lying.detach().requires_grad_()
    f(x).sum().backward()
    assert torch.equal(f(lying), P.view(6) * 2) and torch.equal(x.grad, torch.full((2, 3), 2.0))


def test_another_default_dtype():
    program = export.export(lambda x: x.sum() / 3 + torch.arange(2).float().mean(), (torch.tensor([1, 2]),))
    expected = program.module()(torch.tensor([1, 2]))
    torch.set_default_dtype(torch.float64)
    try:
        found = reloaded(program).module()(torch.tensor([1, 2]))
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype is expected.dtype and torch.equal(found, expected)


# ---------------------------------------------------------------- files


def test_what_a_file_is():
    file = io.BytesIO()
    Tape.of((W * 2).sum()).save(file)
    about = json.loads(str(np.load(io.BytesIO(file.getvalue()))["about"]))
    assert about == {"format": "tapegrad tape", "version": 1}
    with pytest.raises(TapeFormatError, match="no function that was exported"):
        export.load(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize(("about", "why"), [
    ({"format": "tapegrad tape", "version": 2}, "about: version 2 of the format is newer"),
    ({"format": "tapegrad tape", "version": "1"}, "about: '1' is no version"),
    ({"format": "other", "version": 1}, "about: it is not of the format"), ([], "about: it is not of the format"),
])
def test_versions(about, why):
    file = io.BytesIO()
    np.savez(file, about=np.array(json.dumps(about)), tape=np.array(str(Tape.of(W * 2))))
    with pytest.raises(TapeFormatError, match=why):
        Tape.load(io.BytesIO(file.getvalue()))


def test_files_of_before_versions_are_read():
    file = io.BytesIO()
    np.savez(file, tape=np.array(str(Tape.of(W * 2))))
    assert len(Tape.load(io.BytesIO(file.getvalue()))) == 1


@pytest.fixture(scope="module")
def saved():
    return [export.export(*PROGRAMS[name]) for name in ("loss", "in place", "containers", "numbers", "a parameter")]


def mutated(draw, value):
    """JSON with one part changed."""
    odd = draw.choice([None, True, -1, 0, 1, 7, 2**63, 1.5, float("nan"), "", "*", "tuple", "f32", [], {}, [[]],
                       {"tensor": 0},
                       {"value": 1}, ["tuple", [], ["*"]]])
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice([*value])
        if draw.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutated(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.9:
        i = draw.randrange(len(value))
        between = draw.choice([[], [value[i], value[i]], [mutated(draw, value[i])]])
        return [*value[:i], *between, *value[i + 1:]]
    return odd


@pytest.mark.parametrize("seed", range(10))
def test_damaged_calls(saved, seed):
    draw = random.Random(seed)
    for _ in range(40):
        program = draw.choice(saved)
        call = program._call()
        for _ in range(draw.choice([1, 1, 2, 5])):
            call = mutated(draw, call)
        file = io.BytesIO()
        files.save(program.tape, file, call)
        try:
            found = export.load(io.BytesIO(file.getvalue()))
        except TapeError:
            continue
        args, kwargs = found.example_inputs
        found._call(), repr(found), found.named_parameters()
        if draw.random() < 0.1:  # each compiles
            found.module()(*args, **kwargs)


def test_examples_need_not_be_kept(saved):
    secret = torch.full((40,), 1234.5)
    program = export.export(lambda x, n: (W.sum() * x + n).tanh(), (secret, 2))
    expected = program.module()(secret, 2)
    with_them, without = io.BytesIO(), io.BytesIO()
    export.save(program, with_them)
    program.example_inputs = None
    assert program.example_inputs is None
    export.save(program, without)
    value = secret[:1].numpy().tobytes()
    assert value in with_them.getvalue() and value not in without.getvalue()
    loaded = export.load(io.BytesIO(without.getvalue()))
    assert loaded.example_inputs is None and loaded.description() == program.description()
    assert torch.equal(loaded.module()(secret, 2), expected)
    with pytest.raises(TapeError, match=r"the values of %0 .*are gone: replay needs"):
        loaded.tape.replay()
    loaded.example_inputs = (secret * 0, 2), {}
    assert torch.equal(loaded.tape.replay(), torch.full((40,), 2.0).tanh())
    with pytest.raises(RuntimeError, match="Expected input 0 to be of"):
        loaded.example_inputs = (secret[:3], 2), {}
    with pytest.raises(ValueError, match="Example inputs should be a tuple"):
        loaded.example_inputs = secret


def test_deep_nesting_is_refused(saved):
    built = "*"
    for _ in range(200):
        built = ["list", [], [built]]
    call = {**saved[0]._call(), "results": {"built": built, "leaves": [{"tensor": 0}]}}
    file = io.BytesIO()
    files.save(saved[0].tape, file, call)
    with pytest.raises(TapeFormatError, match="results: built"):
        export.load(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("seed", range(5))
def test_damaged_files(saved, seed):
    draw = random.Random(seed)
    for _ in range(40):
        file = io.BytesIO()
        export.save(draw.choice(saved), file)
        content = bytearray(file.getvalue())
        for _ in range(draw.choice([1, 3, 20])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        try:
            export.load(io.BytesIO(bytes(content[:draw.choice([len(content), draw.randrange(len(content))])])))
        except TapeError:
            continue
